from __future__ import annotations

from pathlib import Path

from adapter_support import TRIAGE, asked, check_triage, model, run


def test_a_run_with_tools_of_a_twin_is_recorded_in_order(tmp_path: Path) -> None:
    with model(tmp_path, TRIAGE) as url:
        ran = run("openai_agents_triage.py", url, tmp_path)
        assert asked(url)
    check_triage(ran)
