"""An evaluator of the order of calls: ``` `get_issue` is called before `add_issue_labels` ```, `No call fails`."""

import json
import re
from typing import Any, Optional

from wit_world import exports
from wit_world.exports.evaluation import Material, Outcome, Verdict

BEFORE = re.compile(r"`(\w+)` is called before `(\w+)`")


def calls(material: Material) -> list[dict[str, Any]]:
    """The rows of the trace that are calls to twins."""
    return [row for row in json.loads(material.events or "[]") if row.get("kind") == "TwinHttpEvent"]


def outcome(holds: bool, reason: str, rows: list[dict[str, Any]]) -> Outcome:
    verdict = Verdict.PASSED if holds else Verdict.FAILED
    return Outcome(verdict, reason, [], [row["event_id"] for row in rows])


def in_order(first: str, then: str, rows: list[dict[str, Any]]) -> Outcome:
    tools = [row["tool"] for row in rows]
    if then not in tools:
        return outcome(False, f"`{then}` was never called", [])
    later = tools.index(then)
    if first not in tools[:later]:
        return outcome(False, f"`{then}` was called before any `{first}`", [rows[later]])
    earlier = tools.index(first)
    return outcome(True, f"call {earlier + 1} is `{first}`, call {later + 1} is `{then}`", [rows[earlier], rows[later]])


# The class that `componentize-py` looks for is named after the interface.
class Evaluation(exports.Evaluation):
    def evaluate(self, material: Material) -> Optional[Outcome]:
        before = BEFORE.fullmatch(material.text)
        if before is None and material.text != "No call fails":
            # Not one of ours: others are asked.
            return None
        if material.events is None:
            return Outcome(Verdict.SKIPPED, "tape_missing: the trace was not recorded", [], [])
        rows = calls(material)
        if before is not None:
            return in_order(before[1], before[2], rows)
        allowed = json.loads(material.config).get("allowed", [])
        failed = [row for row in rows if row["status"] >= 400 and row["status"] not in allowed]
        reason = f"{failed[0]['method']} {failed[0]['path']} answered {failed[0]['status']}" if failed else f"{len(rows)} calls"
        return outcome(not failed, reason, failed)
