from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest
from support import base_environment, python, variables

import pome_harness
from pome_harness import Context, Harness, harness


def run(tmp_path: Path, body: str, **more: str) -> subprocess.CompletedProcess[str]:
    return python(f"from pome_harness import harness\n{body}\nmain.run()\n", variables(tmp_path, **more))


SYNC = """
@harness
def main(run):
    print(f"working on {run.task}")
    return "done"
"""

ASYNC = """
import asyncio
@harness
async def main(run):
    await asyncio.sleep(0)
    print("no newline", end="")
    return {"summary": "done", "issue": 1}
"""


def test_the_last_line_is_the_summary(tmp_path: Path) -> None:
    ran = run(tmp_path, SYNC)
    assert (ran.returncode, ran.stderr) == (0, "")
    assert ran.stdout == 'working on look at issue #1\n{"summary": "done"}\n'


def test_an_async_harness_and_a_mapping_and_an_unfinished_line(tmp_path: Path) -> None:
    ran = run(tmp_path, ASYNC)
    assert (ran.returncode, ran.stderr) == (0, "")
    assert ran.stdout == 'no newline\n{"summary": "done", "issue": 1}\n'


def test_nothing_answered_is_an_empty_summary(tmp_path: Path) -> None:
    ran = run(tmp_path, "@harness\ndef main(run): pass")
    assert (ran.returncode, ran.stdout) == (0, '{"summary": ""}\n')


def test_a_preflight_does_not_call_the_function(tmp_path: Path) -> None:
    ran = run(tmp_path, SYNC, POME_PREFLIGHT="1")
    assert (ran.returncode, ran.stdout, ran.stderr) == (0, "", "")


@pytest.mark.parametrize("kind", ["def", "async def"])
def test_a_preflight_of_its_own_can_refuse(tmp_path: Path, kind: str) -> None:
    body = f"""
{kind} check(run):
    raise RuntimeError("no model at " + run.env.run_id)
@harness(preflight=check)
def main(run): pass
"""
    refused = run(tmp_path, body, POME_PREFLIGHT="1")
    assert refused.returncode == 1
    assert refused.stderr.splitlines()[-1] == "error: RuntimeError: no model at run_1"
    assert run(tmp_path, body).returncode == 0


def test_a_preflight_checks_the_variables(tmp_path: Path) -> None:
    ran = run(tmp_path, SYNC, POME_PREFLIGHT="1", POME_GITHUB_MCP_URL="")
    assert (ran.returncode, ran.stdout) == (1, "")
    assert "error: the variables of the run are not usable: `POME_GITHUB_MCP_URL` is not set" in ran.stderr
    assert "Traceback" not in ran.stderr


def test_outside_a_run_it_says_how_to_start_one() -> None:
    ran = python(f"from pome_harness import harness\n{SYNC}\nmain.run()", {})
    assert ran.returncode == 1
    assert ran.stderr.startswith("error: `POME_TASK` is not set")
    assert "hint: start it with `pome run" in ran.stderr


def test_an_exception_ends_with_its_causes(tmp_path: Path) -> None:
    body = """
@harness
def main(run):
    try:
        {}["key"]
    except KeyError as error:
        raise RuntimeError("could not look") from error
"""
    ran = run(tmp_path, body)
    assert (ran.returncode, ran.stdout) == (1, "")
    assert ran.stderr.splitlines()[-2:] == ["error: RuntimeError: could not look", "  caused by: KeyError: 'key'"]
    assert "Traceback" in ran.stderr


@pytest.mark.parametrize("answer", ["3", '{"text": "x"}', '{"summary": 3}'])
def test_an_answer_without_a_summary_is_an_error(tmp_path: Path, answer: str) -> None:
    ran = run(tmp_path, f"@harness\ndef main(run): return {answer}")
    assert ran.returncode == 1
    assert ran.stderr.startswith("error: the harness answered")


def test_an_exit_code_of_the_program_is_kept(tmp_path: Path) -> None:
    assert run(tmp_path, "@harness\ndef main(run): raise SystemExit(7)").returncode == 7


def test_an_unknown_twin_is_named_with_the_known_ones(tmp_path: Path) -> None:
    ran = run(tmp_path, "@harness\ndef main(run): run.twin('stripe')")
    assert ran.stderr.startswith("error: the run has no twin `stripe`; it has `github`")


TERMINATED = {
    "sync": """
import time
@harness
def main(run):
    try:
        print("ready", flush=True)
        time.sleep(60)
    finally:
        print("cleaned", run.abort_signal.aborted)
""",
    "async": """
import asyncio
@harness
async def main(run):
    try:
        print("ready", flush=True)
        await asyncio.sleep(60)
    finally:
        print("cleaned", run.abort_signal.aborted)
""",
}


@pytest.mark.skipif(os.name == "nt", reason="Windows has no SIGTERM handlers")
@pytest.mark.parametrize("kind", TERMINATED)
def test_a_terminated_harness_cleans_up(tmp_path: Path, kind: str) -> None:
    code = f"from pome_harness import harness\n{TERMINATED[kind]}\nmain.run()"
    env = {**base_environment(), **variables(tmp_path)}
    process = subprocess.Popen(
        [sys.executable, "-c", code], env=env, text=True, stdout=subprocess.PIPE, stderr=subprocess.PIPE
    )
    assert process.stdout is not None
    assert process.stdout.readline() == "ready\n"
    started = time.monotonic()
    process.send_signal(signal.SIGTERM)
    out, err = process.communicate(timeout=20)
    assert (process.returncode, out, err) == (143, "cleaned True\n", "")
    assert time.monotonic() - started < 10


def test_calling_a_harness_calls_the_function(tmp_path: Path) -> None:
    @harness
    def main(run: Context) -> str:
        """Looks."""
        return run.task

    assert isinstance(main, Harness)
    assert (main.__name__, main.__doc__) == ("main", "Looks.")
    assert main(Context.from_env(variables(tmp_path))) == "look at issue #1"


def test_the_harness_puts_standard_output_back(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    before = sys.stdout

    @harness
    def main(run: Context) -> str:
        return "ü"

    assert main.main(variables(tmp_path)) == 0
    assert sys.stdout is before
    assert json.loads(capsys.readouterr().out) == {"summary": "ü"}


def test_the_public_names_are_these() -> None:
    assert sorted(pome_harness.__all__) == pome_harness.__all__
    public = {name for name in vars(pome_harness) if name.isidentifier() and not name.startswith("_")}
    modules = {"adapters", "pytest_plugin", "testing"}
    assert public - modules == set(pome_harness.__all__)
