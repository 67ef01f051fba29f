"""Judging a session by a scenario: a run folder is written, and `pome eval` judges it."""

from __future__ import annotations

import json
import subprocess
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from .._errors import HarnessError
from ._scenario import Scenario

_MARKS = {"passed": "✓", "failed": "✗", "skipped": "-", "errored": "!"}


@dataclass(frozen=True)
class Criterion:
    """The outcome of one criterion."""

    text: str
    #: `code` or `model`.
    type: str
    #: `passed`, `failed`, `skipped` or `errored`.
    outcome: str
    reason: str
    twin: str | None = None

    def __str__(self) -> str:
        return f"{_MARKS.get(self.outcome, '?')} [{self.type}] {self.text}\n      {self.reason}"


@dataclass(frozen=True)
class Evaluation:
    """What a scenario says about a session."""

    #: `pass`, `fail` or `incomplete`.
    status: str
    #: 0 to 100, over the criteria that were evaluated.
    score: int
    criteria: Sequence[Criterion]
    #: The run folder that was judged; `pome inspect` shows it.
    run_dir: Path
    raw: Mapping[str, Any] = field(repr=False)

    @property
    def passed(self) -> bool:
        """Whether everything was evaluated and passed."""
        return self.status == "pass"

    @property
    def failed(self) -> list[Criterion]:
        """The criteria that stand in the way."""
        return [each for each in self.criteria if each.outcome in ("failed", "errored")]

    def assert_passed(self, threshold: int | None = None) -> None:
        """Raises AssertionError that lists the failed criteria, unless the session passes.

        With a threshold a lower score passes as well, as long as every criterion could be evaluated.
        """
        if self.passed or (threshold is not None and self.status == "fail" and self.score >= threshold):
            return
        standing = self.failed or [each for each in self.criteria if each.outcome != "passed"]
        lines = "\n".join(f"  {each}" for each in standing)
        raise AssertionError(f"{self.status}, score {self.score}/100\n{lines}\n  run: {self.run_dir}")


def evaluate(program: str, scenario: Scenario, run_dir: Path) -> Evaluation:
    """Judges a run folder."""
    command = [program, "eval", "--local", "--json", "--quiet", "--scenario", str(scenario.path), str(run_dir)]
    ran = subprocess.run(command, capture_output=True, encoding="utf-8", timeout=300, check=False, cwd=run_dir)
    if ran.returncode not in (0, 1):
        raise HarnessError(f"`pome eval` could not judge the session (exit {ran.returncode}): {ran.stderr.strip()}")
    score = json.loads(ran.stdout)
    criteria = [
        Criterion(
            text=each["criterion"]["text"],
            type=each["criterion"]["type"],
            outcome=each["outcome"],
            reason=each.get("reason", ""),
            twin=each["criterion"].get("twin"),
        )
        for each in score["results"]
    ]
    return Evaluation(score["status"], score["satisfaction"], criteria, run_dir, score)
