"""Builds the example, judges a run with it, and looks at what such a component finds around it.

`POME_BIN` names the program; without it `target/debug/pome` is taken.
"""

import hashlib
import json
import os
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

HERE = Path(__file__).parent
ROOT = HERE.parents[2]
BINARY = Path(os.environ.get("POME_BIN", ROOT / "target" / "debug" / "pome")).resolve()

SCENARIO = """# Order

## Prompt
Label issue #1 in acme/api.

## Success Criteria
- [D] `get_issue` is called before `add_issue_labels`
- [D] `add_issue_labels` is called before `get_issue`
- [D:order] No call fails
- [D:order] everything is fine
- [D:around] what is around
- [D:around] raise
- [D:around] write
- [D:around] leave

## Config
passThreshold: 100
evaluators:
  - {path: order.wasm, config: {allowed: [404]}}
  - ./around.wasm
"""

AGENT = """
import json, os, sys, urllib.error, urllib.request
if os.environ.get("POME_PREFLIGHT") == "1":
    sys.exit(0)
def call(method, path, body=None):
    data = None if body is None else json.dumps(body).encode()
    request = urllib.request.Request(os.environ["POME_GITHUB_REST_URL"] + path, data=data, method=method)
    request.add_header("authorization", "Bearer " + os.environ["POME_AUTH_TOKEN"])
    request.add_header("content-type", "application/json")
    try:
        urllib.request.urlopen(request).close()
    except urllib.error.HTTPError as error:
        error.close()
call("GET", "/repos/acme/api/issues/1")
call("GET", "/repos/acme/api/issues/4711")
call("POST", "/repos/acme/api/issues/1/labels", {"labels": ["bug"]})
os.symlink("/etc/hostname", os.path.join(os.environ["POME_ARTIFACTS_DIR"], "way-out"))
os.mkfifo(os.path.join(os.environ["POME_ARTIFACTS_DIR"], "pipe"))
"""

# An evaluator that tries what it must not be able to do.
AROUND = '''
import os, random, socket, time
from typing import Optional
from wit_world import exports
from wit_world.exports.evaluation import Material, Outcome, Verdict

def attempt(what):
    try:
        return f"{what()}"
    except Exception as error:
        return f"{type(error).__name__}"

class Evaluation(exports.Evaluation):
    def evaluate(self, material: Material) -> Optional[Outcome]:
        if material.text == "raise":
            raise ValueError("on purpose")
        if material.text == "write":
            wrong = [
                attempt(lambda: open("/run/new", "w")),
                attempt(lambda: open("/run/events.jsonl", "a")),
                attempt(lambda: os.remove("/run/events.jsonl")),
                attempt(lambda: os.mkdir("/run/folder")),
                attempt(lambda: os.rename("/run/events.jsonl", "/run/x")),
                attempt(lambda: os.utime("/run/events.jsonl", (0, 0))),
            ]
            return Outcome(Verdict.PASSED, " ".join(wrong), [], [])
        if material.text == "leave":
            wrong = [
                attempt(lambda: open("/run/way-out").read()),
                attempt(lambda: open("/run/../../etc/hostname").read()),
                attempt(lambda: open("/etc/hostname").read()),
                attempt(lambda: open("/run/pipe").read()),
                attempt(lambda: open("/run/score.json").read()),
                attempt(lambda: socket.create_connection(("127.0.0.1", 9))),
            ]
            return Outcome(Verdict.PASSED, " ".join(wrong), [], [])
        before = time.monotonic()
        facts = [
            attempt(lambda: time.sleep(3600)),
            attempt(lambda: (time.time(), time.monotonic() - before)),
            attempt(lambda: random.random()),
            attempt(lambda: os.urandom(4).hex()),
            attempt(lambda: dict(os.environ)),
            attempt(lambda: sorted(os.listdir("/run")) == os.listdir("/run")),
            attempt(lambda: os.listdir("/run")),
            attempt(lambda: os.stat("/run/events.jsonl").st_mtime),
            attempt(lambda: len(open("/run/events.jsonl").read().splitlines())),
        ]
        return Outcome(Verdict.PASSED, " / ".join(facts), [], [])
'''


def build(folder: Path, module: str, source: Path | str) -> str:
    """Makes `<module>.wasm` in the folder and returns its digest."""
    sources = folder / f"source-{module}"
    sources.mkdir()
    (sources / f"{module}.py").write_text(source if isinstance(source, str) else source.read_text())
    tool = Path(sys.executable).parent / "componentize-py"
    wit = ["-q", "-d", str(ROOT / "wit" / "evaluator"), "-w", "evaluator"]
    target = ["componentize", module, "-p", str(sources), "-o", str(folder / f"{module}.wasm")]
    subprocess.run([tool, *wit, *target], check=True, cwd=sources)
    return "sha256:" + hashlib.sha256((folder / f"{module}.wasm").read_bytes()).hexdigest()


@pytest.fixture
def project(tmp_path: Path) -> Path:
    (tmp_path / "order.md").write_text(SCENARIO)
    (tmp_path / "agent.py").write_text(AGENT)
    return tmp_path


def pome(folder: Path, *args: str) -> subprocess.CompletedProcess[str]:
    env = {**os.environ, "HOME": str(folder), "XDG_CACHE_HOME": str(folder / "cache"), "NO_COLOR": "1"}
    return subprocess.run([BINARY, *args], cwd=folder, env=env, capture_output=True, text=True, timeout=600)


def judged(run: Path) -> list[dict[str, Any]]:
    return json.loads((run / "score.json").read_text())["results"]


def files(run: Path) -> list[bytes]:
    return [(run / name).read_bytes() for name in ("score.json", "verdict.json", "meta.json")]


def test_an_evaluator_in_python_judges_a_run(project: Path) -> None:
    digests = {module: build(project, module, source) for module, source in [("order", HERE / "order.py"), ("around", AROUND)]}
    output = pome(project, "run", "order.md", "--local", "--agent", f"{sys.executable} agent.py")
    assert output.returncode == 1, output.stderr

    run = project / json.loads((project / "runs" / "latest.json").read_text())["run_dir"]
    rows = [json.loads(line) for line in (run / "events.jsonl").read_text().splitlines()]
    ids = [row["event_id"] for row in rows]
    right, wrong, no_failure, unread, around, raised, wrote, left = judged(run)
    order = {"name": "order", "digest": digests["order"]}

    assert (right["outcome"], right["reason"]) == ("passed", "call 1 is `get_issue`, call 3 is `add_issue_labels`")
    assert (right["evidence_event_ids"], right["evaluator"]) == ([ids[0], ids[2]], order)
    assert (wrong["outcome"], wrong["evidence_event_ids"]) == ("failed", [ids[0]])
    assert (no_failure["outcome"], no_failure["reason"]) == ("passed", "3 calls")
    assert (unread["outcome"], "evaluator" in unread) == ("skipped", False)

    assert raised["outcome"] == "errored"
    assert raised["reason"].startswith("evaluator_trap: evaluator `around` trapped")
    assert "ValueError: on purpose" in raised["reason"]
    denied = wrote["reason"].split()
    assert wrote["outcome"] == "passed" and len(denied) == 6 and all(word.endswith("Error") for word in denied), wrote
    assert left["outcome"] == "passed" and left["reason"].count("Error") == 6, left
    assert around["outcome"] == "passed" and "'events.jsonl'" in around["reason"], around
    assert "score.json" not in around["reason"] and "meta.json" not in around["reason"]
    facts = around["reason"].split(" / ")
    assert facts[1] == "(1767225600.0, 0.0)" and facts[5] == "True" and facts[7:] == ["0.0", "3"], facts
    meta = json.loads((run / "meta.json").read_text())
    assert meta["evaluators"] == digests

    first = files(run)
    assert pome(project, "eval", "--local", str(run)).returncode == 1
    assert files(run) == first
    moved = project / "kept"
    shutil.copytree(run, moved, symlinks=True, ignore=shutil.ignore_patterns("pipe"))
    os.mkfifo(moved / "pipe")
    assert pome(project, "eval", "--local", str(moved)).returncode == 1
    assert files(moved) == first
