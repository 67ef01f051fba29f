from __future__ import annotations

import os
import re
import socket
import subprocess
import sys
import time
from pathlib import Path

import pytest
from support import PACKAGE, SCENARIO, program, rows

from pome_harness import HarnessError, UnknownTwinError
from pome_harness.testing import Pome, Scenario, TwinServers, find_program

EXAMPLES = PACKAGE / "examples"


def test_the_examples_pass_with_four_workers() -> None:
    command = [sys.executable, "-m", "pytest", "-p", "no:cacheprovider", "-n", "4", "-v", "."]
    env = {name: value for name, value in os.environ.items() if not name.startswith("PYTEST")}
    ran = subprocess.run(command, cwd=EXAMPLES, env=env, capture_output=True, text=True, timeout=150, check=False)
    assert ran.returncode == 0, ran.stdout + ran.stderr
    assert re.search(r"\b14 passed\b", ran.stdout), ran.stdout
    assert len(set(re.findall(r"\[(gw\d)\]", ran.stdout))) == 4
    assert "trial3" in ran.stdout


def test_no_twin_outlives_the_tests(pytester: pytest.Pytester) -> None:
    pytester.makepyfile("def test_it(pome): print('URL', pome.github.rest_url)")
    ran = pytester.runpytest_inprocess("-s")
    ran.assert_outcomes(passed=1)
    port = re.search(r"URL http://127.0.0.1:(\d+)/", ran.stdout.str())
    assert port
    listed = subprocess.run(["ps", "-eo", "args"], capture_output=True, text=True, check=True).stdout
    assert f"--port {port.group(1)}" not in listed


def test_no_twin_outlives_tests_that_are_killed(pytester: pytest.Pytester) -> None:
    pytester.makepyfile(
        """
        import os, signal
        def test_it(pome):
            print('URL', pome.github.rest_url, flush=True)
            os.kill(os.getpid(), signal.SIGKILL)
        """
    )
    ran = pytester.runpytest_subprocess("-s")
    assert ran.ret == -9
    port = re.search(r"URL http://127.0.0.1:(\d+)/", ran.stdout.str())
    assert port
    for _ in range(200):
        with socket.socket() as probe:
            if probe.connect_ex(("127.0.0.1", int(port.group(1)))) != 0:
                return
        time.sleep(0.05)
    pytest.fail("the twin still listens")


@pytest.fixture
def no_program(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> str:
    """Takes the program out of the environment and says where it is."""
    found = program()
    monkeypatch.delenv("POME_BIN")
    monkeypatch.setenv("PATH", str(tmp_path))
    return found


def test_without_a_program_the_error_says_what_to_do(pytester: pytest.Pytester, no_program: str) -> None:
    pytester.makepyfile("def test_it(pome): pass")
    ran = pytester.runpytest_inprocess()
    ran.assert_outcomes(errors=1)
    assert "there is no `pome` on PATH" in ran.stdout.str()


def test_the_program_can_be_an_option_a_setting_or_a_marker(pytester: pytest.Pytester, no_program: str) -> None:
    pytester.makepyfile("def test_it(pome): assert pome.github.state()")
    pytester.runpytest_inprocess("--pome-bin", no_program).assert_outcomes(passed=1)
    pytester.makeini(f"[pytest]\npome_bin = {no_program}")
    pytester.runpytest_inprocess().assert_outcomes(passed=1)
    pytester.makeini("[pytest]")
    marked = f"import pytest\n@pytest.mark.pome(binary={no_program!r})\ndef test_it(pome): assert pome.github.state()"
    pytester.makepyfile(marked)
    pytester.runpytest_inprocess().assert_outcomes(passed=1)


WRONG = {
    "scenario='nowhere.md'": "there is no file `nowhere.md`",
    "n=0": "n: expected a number from 1, found 0",
    "twins=['nobody']": "the twin `nobody` did not start (exit 5)",
    "seed={'repositories': 3}": "the twin `github` refuses the seed",
    "'github'": "takes named arguments only",
}


@pytest.mark.parametrize("marker", WRONG)
def test_a_wrong_marker_is_named(pytester: pytest.Pytester, marker: str) -> None:
    pytester.makepyfile(f"import pytest\n@pytest.mark.pome({marker})\ndef test_it(pome): pass")
    ran = pytester.runpytest_inprocess()
    assert ran.ret != 0
    assert WRONG[marker] in ran.stdout.str() + ran.stderr.str()


@pytest.mark.pome(seed={"repositories": [{"owner": "me", "name": "mine"}]})
def test_a_seed_is_where_a_session_starts(pome: Pome) -> None:
    assert pome.github.request("GET", "/repos/me/mine")["full_name"] == "me/mine"
    pome.github.request("POST", "/repos/me/mine/issues", body={"title": "x"})
    pome.github.reset()
    assert pome.github.request("GET", "/repos/me/mine/issues") == []


@pytest.mark.pome(scenario=SCENARIO)
def test_the_run_folder_holds_what_was_done(pome: Pome) -> None:
    pome.github.request("POST", "/repos/acme/api/issues/1/labels", body={"labels": ["bug"]})
    evaluation = pome.evaluate()
    assert (evaluation.status, evaluation.passed) == ("fail", False)
    assert [each.outcome for each in evaluation.criteria] == ["passed", "failed", "skipped", "passed"]
    assert [each.text for each in evaluation.failed] == ["Issue #1 in `acme/api` is assigned to `alice`"]
    assert evaluation.score == 67
    evaluation.assert_passed(threshold=60)
    with pytest.raises(AssertionError, match=r"fail, score 67/100\n  ✗ \[code\] Issue #1 .* is assigned to"):
        evaluation.assert_passed()
    assert len(rows(pome.run_dir / "events.jsonl")) == len(rows(pome.run_dir / "tool_calls.jsonl")) == 1
    shown = subprocess.run([program(), "inspect", str(pome.run_dir)], capture_output=True, text=True, check=True)
    assert "Score: 67/100" in shown.stdout


@pytest.mark.pome(task="look")
def test_an_agent_gets_the_variables_and_is_stopped_in_time(pome: Pome, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TWIN_ADMIN_TOKEN", "x")
    monkeypatch.setenv("POME_STALE", "x")
    code = "import json, os; print(json.dumps({'summary': '', **os.environ}))"
    given = pome.run_agent([sys.executable, "-c", code], env={"MINE": "1", "HOME": None}).answer
    assert given
    assert {name: given[name] for name in pome.env()} == pome.env()
    assert given["MINE"] == "1"
    assert not {"HOME", "TWIN_ADMIN_TOKEN", "POME_STALE"} & set(given)
    slow = pome.run_agent([sys.executable, "-c", "import time; print('on', flush=True); time.sleep(60)"], timeout=1)
    assert (slow.exit_code, slow.timed_out, slow.stdout) == (None, True, "on\n")
    with pytest.raises(HarnessError, match="could not be started"):
        pome.run_agent(["/no/such/program"])


def test_what_was_not_asked_for_is_named(pome: Pome) -> None:
    with pytest.raises(UnknownTwinError, match="no twin `slack`; it has `github`"):
        _ = pome.slack
    with pytest.raises(HarnessError, match="there is no task"):
        pome.env()
    with pytest.raises(HarnessError, match="no scenario to judge by"):
        pome.evaluate()


def test_another_test_runner_uses_it_by_hand() -> None:
    with TwinServers(program()) as servers:
        with Pome.open(servers, scenario=SCENARIO) as pome:
            pome.run_agent([sys.executable, EXAMPLES / "triage.py"])
            pome.assert_passes()
            folder = pome.run_dir
        assert not folder.exists()


def test_the_program_is_looked_for_where_it_is_named(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    assert find_program(program()) == str(Path(program()).resolve())
    with pytest.raises(HarnessError, match="is no program"):
        find_program(tmp_path / "nothing")


SCENARIO_TEXT = """# Two
## Prompt
Do it.
## Config
```yaml
# both
twins:
  - slack   # first
  - "stripe"
timeout: 3
```
## Seed State
```json
{"slack": {"team": {}}, "_meta": {}}
```
"""


def test_a_scenario_is_read_as_pome_reads_it(tmp_path: Path) -> None:
    path = tmp_path / "My First.md"
    path.write_text(SCENARIO_TEXT)
    found = Scenario.read(path)
    assert (found.title, found.slug, found.prompt) == ("Two", "my-first", "Do it.")
    assert (found.twins, found.seeds) == (("slack", "stripe"), {"slack": {"team": {}}})
    (tmp_path / "My First.seed.json").write_text('{"github": {}}')
    with pytest.raises(HarnessError, match="`github`, which is none of its twins"):
        Scenario.read(path)
    path.write_text("# One\n## Task\nx\n")
    assert Scenario.read(path).twins == ("github",)
    path.write_text("# None\n")
    with pytest.raises(HarnessError, match="no `## Prompt`"):
        Scenario.read(path)
