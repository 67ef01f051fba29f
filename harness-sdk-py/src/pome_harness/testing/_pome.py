"""What a test works with: fresh twins, and everything that was done to them."""

from __future__ import annotations

import json
import os
import secrets
import shutil
import string
import tempfile
from collections.abc import Mapping, Sequence
from pathlib import Path
from types import TracebackType
from typing import Any, cast

from .._env import variable_part
from .._errors import HarnessError, UnknownTwinError
from .._harness import Context
from .._signals import now
from .._twin import Twins
from ._agent import AgentResult, run_agent
from ._evaluate import Evaluation, evaluate
from ._scenario import Scenario
from ._servers import TwinServers
from ._session import TestGithubTwin, TestSlackTwin, TestStripeTwin, TestTwin, open_session

_ALPHABET = string.ascii_letters + string.digits


class Pome:
    """Fresh twins for one test."""

    def __init__(
        self, program: str, twins: Mapping[str, TestTwin], scenario: Scenario | None, task: str | None, folder: Path
    ) -> None:
        self.twins = dict(twins)
        self.scenario = scenario
        #: The task that `env()` names, until it is given another one.
        self.task = task or (scenario.prompt if scenario else None)
        #: Which repeat of the test this is, from 1.
        self.trial = 1
        self.run_id = "run_" + "".join(secrets.choice(_ALPHABET) for _ in range(10))
        self.run_dir = folder / (scenario.slug if scenario else "test") / self.run_id
        self._program = program
        self._folder = folder
        self._started = now()
        self._ended: AgentResult | None = None
        self.run_dir.mkdir(parents=True)
        self.signals_path.touch()
        self._before = {name: twin.state() for name, twin in self.twins.items()}

    @classmethod
    def open(
        cls,
        servers: TwinServers,
        *,
        scenario: str | os.PathLike[str] | None = None,
        twins: Sequence[str] | None = None,
        seed: Any = None,
        task: str | None = None,
        binary: str | os.PathLike[str] | None = None,
        folder: str | os.PathLike[str] | None = None,
        **options: Any,
    ) -> Pome:
        """Makes a session of each twin.

        The twins are those of the scenario, else `github`. `seed` is a document, the name of one of the twin's own
        seeds, or a file; with several twins a mapping with one for each. `options` such as `clock` go to every session.
        """
        read = Scenario.read(scenario) if scenario else None
        names = tuple(twins) if twins else (read.twins if read else ("github",))
        seeds = dict(read.seeds) if read else {}
        if seed is not None:
            seeds = _seeds(seed, names)
        program = servers.program(binary)
        opened: dict[str, TestTwin] = {}
        try:
            for name in names:
                # A component is named by its file; its twin is called by the file's name.
                short = Path(name).stem if name.endswith(".wasm") else name
                opened[short] = open_session(short, servers.url(name, binary), seeds.get(name), options)
            root = Path(folder) if folder else Path(tempfile.mkdtemp(prefix="pome-test-"))
            return cls(program, opened, read, task, root)
        except BaseException:
            for twin in opened.values():
                twin.close()
            raise

    def __enter__(self) -> Pome:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()
        shutil.rmtree(self._folder, ignore_errors=True)

    def close(self) -> None:
        """Ends the sessions. The run folder stays."""
        for twin in self.twins.values():
            twin.close()

    # ---- the twins ----

    def twin(self, name: str) -> TestTwin:
        """A twin by name."""
        try:
            return self.twins[name]
        except KeyError:
            raise UnknownTwinError(name, self.twins) from None

    @property
    def github(self) -> TestGithubTwin:
        """The GitHub twin."""
        return cast("TestGithubTwin", self.twin("github"))

    @property
    def stripe(self) -> TestStripeTwin:
        """The Stripe twin."""
        return cast("TestStripeTwin", self.twin("stripe"))

    @property
    def slack(self) -> TestSlackTwin:
        """The Slack twin."""
        return cast("TestSlackTwin", self.twin("slack"))

    # ---- the agent ----

    @property
    def signals_path(self) -> Path:
        """Where an agent's signals go."""
        return self.run_dir / "signals.jsonl"

    def env(self, task: str | None = None) -> dict[str, str]:
        """The variables that a run gives its agent, for these twins."""
        task = task or self.task
        if not task:
            raise HarnessError("there is no task", hint="name a scenario in the marker, or call `env(task)`")
        primary = next(iter(self.twins.values()))
        found = {
            "POME_TASK": task,
            "POME_TWIN_NAMES": ",".join(self.twins),
            "POME_AUTH_TOKEN": primary.token,
            "POME_RUN_ID": self.run_id,
            "POME_ARTIFACTS_DIR": str(self.run_dir),
            "POME_ADAPTER_SIGNALS_PATH": str(self.signals_path),
        }
        for name, twin in self.twins.items():
            part = variable_part(name)
            found[f"POME_{part}_REST_URL"] = twin.rest_url
            found[f"POME_{part}_MCP_URL"] = twin.mcp_url
            if name == "stripe":
                found["POME_STRIPE_API_BASE"] = twin.rest_url
                found["POME_STRIPE_API_KEY"] = twin.token
            else:
                found[f"POME_{part}_TOKEN"] = twin.token
        return found

    def context(self, task: str | None = None) -> Context:
        """What a harness is given, to call one in this process: `main(pome.context())`."""
        made = Context.from_env(self.env(task))
        # The handles of the test can look inside.
        return Context(made.task, made.env, Twins(self.twins), made.mcp, made.signals, made.abort_signal)

    def run_agent(
        self,
        argv: Sequence[str | os.PathLike[str]] | str,
        *,
        task: str | None = None,
        env: Mapping[str, str | None] | None = None,
        cwd: str | os.PathLike[str] | None = None,
        timeout: float = 60,
    ) -> AgentResult:
        """Runs an agent as a process.

        It gets this one's environment, the variables of the run, and `env`, where None removes a variable.
        """
        self._ended = run_agent(argv, self.env(task), env, cwd, timeout)
        (self.run_dir / "stdout.txt").write_text(self._ended.stdout, encoding="utf-8")
        (self.run_dir / "stderr.log").write_text(self._ended.stderr, encoding="utf-8")
        return self._ended

    # ---- what was done ----

    def trace(self) -> list[dict[str, Any]]:
        """Events in the order of their time: the calls that the twins saw, and the signals of the agent."""
        calls = []
        for name, twin in self.twins.items():
            for row in twin.events():
                event = {**row, "twin": row.get("twin", name), "kind": "TwinHttpEvent", "event_id": row["request_id"]}
                calls.append({**event, "parent_event_id": None})
        calls.sort(key=lambda row: str(row["ts"]))
        signals = [json.loads(line) for line in self.signals_path.read_text("utf-8").splitlines() if line.strip()]
        causes = {row["tool_use_id"]: row["event_id"] for row in signals if row["kind"] == "ToolUseEvent"}
        for row in calls:
            row["parent_event_id"] = causes.get(row.get("tool_call_id") or row.get("correlation_id"))
        return sorted([*calls, *signals], key=lambda row: str(row["ts"]))

    def evaluate(self, scenario: str | os.PathLike[str] | None = None) -> Evaluation:
        """Judges what was done by the criteria of a scenario, by default that of the marker.

        Criteria that need a model are not judged. The judge sees what is on disk, so a criterion about a secret that
        redaction hides is skipped.
        """
        judged = Scenario.read(scenario) if scenario else self.scenario
        if judged is None:
            raise HarnessError("there is no scenario to judge by", hint="name one: `pome.evaluate(scenario=...)`")
        missing = [name for name in judged.twins if name not in self.twins]
        if missing:
            raise UnknownTwinError(missing[0], self.twins)
        self._write(judged)
        return evaluate(self._program, judged, self.run_dir)

    def assert_passes(self, scenario: str | os.PathLike[str] | None = None, threshold: int | None = None) -> None:
        """Judges, and raises AssertionError that lists the failed criteria."""
        self.evaluate(scenario).assert_passed(threshold)

    def _write(self, scenario: Scenario) -> None:
        """The run folder, as far as judging and inspecting need it."""
        folder, trace = self.run_dir, self.trace()
        calls = [row for row in trace if row["kind"] == "TwinHttpEvent"]
        hidden = ("kind", "event_id", "parent_event_id")
        _write_lines(folder / "events.jsonl", trace)
        _write_lines(folder / "tool_calls.jsonl", [{k: v for k, v in row.items() if k not in hidden} for row in calls])
        for index, name in enumerate(scenario.twins):
            suffix = ".json" if index == 0 else f".{name}.json"
            _write_json(folder / f"state_initial{suffix}", self._before[name])
            _write_json(folder / f"state_final{suffix}", self.twins[name].state())
        ended = self._ended
        meta: dict[str, Any] = {
            "run_id": self.run_id,
            "scenario": scenario.slug,
            "title": scenario.title,
            "started_at": self._started,
            "completed_at": now(),
            "exit_code": ended.exit_code if ended else None,
            "twins": list(scenario.twins),
            "spec_version": 1,
            "twin_versions": {},
            "mode": "local",
            "status": "not_scored",
            "stop_reason": "eval_upload",
            "timed_out": bool(ended and ended.timed_out),
            "scenario_path": str(scenario.path),
        }
        _write_json(folder / "meta.json", meta)


def _seeds(seed: Any, names: Sequence[str]) -> dict[str, Any]:
    if isinstance(seed, os.PathLike) or (isinstance(seed, str) and seed.endswith(".json")):
        try:
            seed = json.loads(Path(seed).read_text(encoding="utf-8"))
        except (OSError, ValueError) as error:
            raise HarnessError(f"the seed `{seed}` cannot be read: {error}") from error
        seed = {key: value for key, value in seed.items() if key != "_meta"}
    if len(names) == 1:
        return {names[0]: seed}
    if not isinstance(seed, Mapping) or set(seed) - set(names):
        raise HarnessError(f"with several twins a seed is a mapping with one for each of {', '.join(names)}")
    return dict(seed)


def _write_json(path: Path, value: Any) -> None:
    path.write_text(json.dumps(value, indent=2, ensure_ascii=False) + "\n", encoding="utf-8")


def _write_lines(path: Path, rows: Sequence[Mapping[str, Any]]) -> None:
    lines = (json.dumps(row, ensure_ascii=False, separators=(",", ":")) + "\n" for row in rows)
    path.write_text("".join(lines), encoding="utf-8")
