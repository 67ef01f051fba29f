"""A scripted model, and runs of agents that use it."""

from __future__ import annotations

import itertools
import json
import subprocess
import sys
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from support import PACKAGE, ROOT, SCENARIO, base_environment, program, rows

AGENTS = PACKAGE / "examples" / "agents"
PLACE = {"owner": "acme", "repo": "api"}

#: Three tools, one of them asked for something that is not there, in four turns.
TRIAGE = {
    "turns": [
        {
            "text": "I read the issue and the owners first.",
            "tool_calls": [
                {"name": "issue_read", "arguments": {**PLACE, "method": "get", "issue_number": 1}},
                {"name": "get_file_contents", "arguments": {**PLACE, "path": "docs/OWNERS.md"}},
            ],
        },
        {"tool_calls": [{"name": "issue_read", "arguments": {**PLACE, "method": "get", "issue_number": 999}}]},
        {
            "tool_calls": [
                {
                    "name": "issue_write",
                    "arguments": {
                        **PLACE,
                        "method": "update",
                        "issue_number": 1,
                        "labels": ["bug"],
                        "assignees": ["alice"],
                    },
                }
            ]
        },
        {"text": "Issue #1 is a bug; alice has it."},
    ],
    "usage": {"input_tokens": 11, "output_tokens": 7},
}

TOOLS = ["issue_read", "get_file_contents", "issue_read", "issue_write"]


@contextmanager
def model(tmp_path: Path, script: dict[str, Any]) -> Iterator[str]:
    """The address of a model that follows a script."""
    path = tmp_path / "script.json"
    path.write_text(json.dumps(script))
    command = ["node", str(ROOT / "tests" / "models" / "server.mjs"), "--script", str(path)]
    process = subprocess.Popen(command, stdout=subprocess.PIPE, text=True)
    assert process.stdout is not None
    try:
        line = process.stdout.readline()
        assert line.startswith("listening on "), f"the model server said {line!r}"
        yield line.removeprefix("listening on ").strip()
    finally:
        process.terminate()
        process.wait(timeout=10)


def asked(url: str) -> list[dict[str, Any]]:
    """What the model was asked."""
    with urllib.request.urlopen(f"{url}/_requests", timeout=10) as answer:
        found: list[dict[str, Any]] = json.load(answer)
        return found


def nested(text: str) -> str:
    """A user message as a JSON text inside the script of another one."""
    return json.dumps(text).replace("`", "\\u0060")


@dataclass(frozen=True)
class Run:
    """A finished run."""

    report: dict[str, Any]
    events: list[dict[str, Any]]
    stdout: str
    stderr: str


def model_environment(url: str) -> dict[str, str]:
    return {
        "OPENAI_BASE_URL": f"{url}/v1",
        "OPENAI_API_KEY": "sk-scripted-0123456789abcdefgh",
        "ANTHROPIC_BASE_URL": url,
        "ANTHROPIC_API_KEY": "sk-ant-scripted-0123456789abcdefgh",
    }


def run(agent: str, url: str, tmp_path: Path, **env: str) -> Run:
    """Runs the example agent by `pome run`."""
    passed = {**model_environment(url), **env}
    environment = {**base_environment(), **passed, "POME_AGENT_ENV_ALLOWLIST": ",".join(passed)}
    command = [program(), "run", str(SCENARIO), "--local", "--json", "--no-fix-prompt"]
    command += ["--agent", f"{sys.executable} {AGENTS / agent}", "--artifacts-dir", str(tmp_path / "runs")]
    ran = subprocess.run(
        command, env=environment, cwd=tmp_path, capture_output=True, text=True, timeout=150, check=False
    )
    assert ran.stdout, ran.stderr
    report = json.loads(ran.stdout)["runs"][0]
    folder = tmp_path / report["run_dir"]
    out, err = (folder / "stdout.txt").read_text(), (folder / "stderr.log").read_text()
    return Run(report, rows(folder / "events.jsonl"), out, err)


def check_triage(ran: Run, model_name: str | None = None) -> None:
    """A run of the triage script: score, order of events, and who caused whom."""
    assert (ran.report["satisfaction"], ran.report["status"]) == (100, "pass"), ran.stderr
    assert json.loads(ran.stdout.splitlines()[-1])["summary"] == "Issue #1 is a bug; alice has it."
    events = [event for event in ran.events if event["kind"] not in ("HookEvent", "LlmCallEvent")]
    by_kind: dict[str, list[dict[str, Any]]] = {}
    for event in events:
        by_kind.setdefault(event["kind"], []).append(event)
    turns, uses = by_kind["LlmTurnEvent"], by_kind["ToolUseEvent"]
    calls, results = by_kind["TwinHttpEvent"], by_kind["ToolResultEvent"]
    assert set(by_kind) == {"LlmTurnEvent", "ToolUseEvent", "TwinHttpEvent", "ToolResultEvent"}
    assert [event["tool"] for event in calls] == TOOLS or sorted(event["tool"] for event in calls) == sorted(TOOLS)
    assert len(uses) == len(results) == len(calls) == 4
    # Turns and their numbers.
    assert [turn["turn_index"] for turn in turns] == [0, 1, 2, 3]
    assert {(turn["input_tokens"], turn["output_tokens"]) for turn in turns} == {(11, 7)}
    if model_name:
        assert {turn["model"] for turn in turns} == {model_name}
    # Each call of a twin is below the tool that caused it, and each result as well.
    by_event = {use["event_id"]: use for use in uses}
    for call in calls:
        use = by_event[call["parent_event_id"]]
        assert call["tool_call_id"] == use["tool_use_id"]
        assert use["tool_name"].endswith(call["tool"])
        assert use["input"] == call["request_body"]["arguments"]
        result = next(each for each in results if each["parent_event_id"] == use["event_id"])
        assert result["tool_use_id"] == use["tool_use_id"]
        assert result["is_error"] == (call["status"] >= 400), result
        place = [events.index(each) for each in (use, call, result)]
        assert place == sorted(place)
    assert sorted(result["is_error"] for result in results) == [False, False, False, True]
    # One turn after the other, with what it asked for in between.
    kinds = [event["kind"] for event in events]
    where = [index for index, kind in enumerate(kinds) if kind == "LlmTurnEvent"]
    assert [kinds[start + 1 : end] for start, end in itertools.pairwise(where[1:])] == [
        ["ToolUseEvent", "TwinHttpEvent", "ToolResultEvent"]
    ] * 2
    assert where[0] == 0
    assert where[-1] == len(events) - 1
    assert "sk-" not in json.dumps(events)
