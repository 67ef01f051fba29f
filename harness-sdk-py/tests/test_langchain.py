from __future__ import annotations

from pathlib import Path

from adapter_support import TRIAGE, check_triage, model, run


def test_a_run_with_tools_of_a_twin_is_recorded_in_order(tmp_path: Path) -> None:
    with model(tmp_path, TRIAGE) as url:
        ran = run("langgraph_triage.py", url, tmp_path)
    check_triage(ran, "gpt-5-mini")
