from __future__ import annotations

from pathlib import Path

import pytest
from support import variables

from pome_harness import InvalidEnvironmentError, NotInRunError, inside_pome, read_env


def test_the_variables_of_a_run_become_one_value(tmp_path: Path) -> None:
    env = read_env(variables(tmp_path, POME_GITHUB_TOKEN="ghp_own", POME_SESSION_ID="ses_1"))
    assert (env.task, env.run_id, env.twin_names) == ("look at issue #1", "run_1", ("github",))
    assert env.twins["github"].rest_url == "http://127.0.0.1:1/s/run_1"
    assert env.twins["github"].mcp_url == "http://127.0.0.1:1/s/run_1/mcp"
    assert env.twins["github"].token == "ghp_own"
    assert env.signals_path == tmp_path / "signals.jsonl"
    assert (env.preflight, env.session_id) == (False, "ses_1")
    assert "eyJ" not in repr(env)
    assert "ghp_own" not in repr(env)


def test_outside_a_run_the_error_says_how_to_start_one() -> None:
    assert not inside_pome({})
    with pytest.raises(NotInRunError, match="POME_TASK") as refused:
        read_env({"PATH": "/bin"})
    assert "pome run" in str(refused.value.hint)


def test_everything_that_is_wrong_is_named_at_once(tmp_path: Path) -> None:
    broken = variables(tmp_path, POME_TWIN_NAMES="github, my-twin", POME_GITHUB_REST_URL="nowhere", POME_TASK=" ")
    del broken["POME_RUN_ID"]
    broken["POME_PREFLIGHT"] = "yes"
    with pytest.raises(InvalidEnvironmentError) as refused:
        read_env(broken)
    assert refused.value.problems == (
        "`POME_RUN_ID` is not set",
        "`POME_TASK` is empty",
        "`POME_GITHUB_REST_URL` is not an address: `nowhere`",
        "`POME_MY_TWIN_REST_URL` is not set",
        "`POME_MY_TWIN_MCP_URL` is not set",
        "`POME_PREFLIGHT` is `yes`, expected `1` or nothing",
    )


def test_an_empty_signals_path_is_none(tmp_path: Path) -> None:
    assert read_env(variables(tmp_path, POME_ADAPTER_SIGNALS_PATH="")).signals_path is None


def test_a_run_may_have_no_twins(tmp_path: Path) -> None:
    assert read_env(variables(tmp_path, POME_TWIN_NAMES="")).twins == {}
