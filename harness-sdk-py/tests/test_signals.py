from __future__ import annotations

import asyncio
import json
import threading
from dataclasses import dataclass
from datetime import datetime
from enum import Enum
from pathlib import Path
from typing import Any

import pytest
from support import CONTRACT, rows

from pome_harness import Signals
from pome_harness._correlate import current
from pome_harness._redact import Redactor
from pome_harness._signals import to_json

SAMPLES = ["llm-turn-event", "tool-use-event", "tool-result-event", "subagent-spawn-event", "hook-event"]


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "signals.jsonl"


def shape(row: dict[str, Any]) -> list[tuple[str, str]]:
    """Keys in order and the kinds of their values."""
    return [(key, "id" if key == "parent_event_id" else type(value).__name__) for key, value in row.items()]


def test_rows_are_the_samples_of_the_contract(path: Path) -> None:
    signals = Signals(path)
    signals.llm_turn(model="gpt-4o-mini", input_tokens=812, output_tokens=64, finish_reasons=["stop"], latency_ms=950.4)
    signals.tool_use(id="toolu_01", name="mcp__github__create_issue", input={"title": "x"})
    signals.tool_result(id="toolu_01", output={"number": 2})
    signals.subagent_spawn(parent_tool_use_id="toolu_01")
    signals.hook(hook_name="PostToolUse", tool_name="create_issue", causing_tool_use_id="toolu_01")
    written = rows(path)
    varying = {"ts", "event_id", "parent_event_id"}
    for row, name in zip(written, SAMPLES, strict=True):
        expected = json.loads((CONTRACT / f"{name}.json").read_text())
        assert shape(row) == shape(expected), name
        assert {k: v for k, v in row.items() if k not in varying} == {
            k: v for k, v in expected.items() if k not in varying
        }
        assert len(row["ts"]) == 24
        assert row["ts"].endswith("Z")
    use = written[1]["event_id"]
    assert [row["parent_event_id"] for row in written] == [None, None, use, use, None]
    assert len({row["event_id"] for row in written}) == 5
    assert path.read_bytes().endswith(b"}\n")


@pytest.mark.parametrize("unset", [None, ""])
def test_without_a_path_nothing_is_written_and_nothing_fails(unset: str | None, tmp_path: Path) -> None:
    signals = Signals(unset)
    assert not signals.enabled
    assert signals.tool("look", {}, lambda: 3) == 3
    signals.llm_turn()
    assert list(tmp_path.iterdir()) == []


def test_an_unwritable_path_warns_once_and_does_not_stop_the_agent(tmp_path: Path, capsys: Any) -> None:
    signals = Signals(tmp_path / "no" / "folder")
    signals.hook(hook_name="a")
    signals.hook(hook_name="b")
    assert capsys.readouterr().err.count("warning: signals cannot be written") == 1


def test_a_tool_is_recorded_before_and_after_it_runs(path: Path) -> None:
    signals = Signals(path)

    def look() -> str:
        assert [row["kind"] for row in rows(path)] == ["ToolUseEvent"]
        return f"found by {current()}"

    found = signals.tool("look", {"at": 1}, look)
    use, result = rows(path)
    assert found == f"found by {use['tool_use_id']}" == result["output"]
    assert use["tool_use_id"].startswith("tlc_")
    assert len(use["tool_use_id"]) == 12
    assert result["is_error"] is False
    assert use["ts"] < result["ts"]
    assert current() is None


async def awaited(work: Any) -> Any:
    return await work


def test_an_async_tool_that_fails_is_recorded_as_an_error(path: Path) -> None:
    signals = Signals(path)

    async def fail() -> None:
        await asyncio.sleep(0)
        assert current() == "call_1"
        raise ValueError("no such thing")

    with pytest.raises(ValueError, match="no such thing"):
        asyncio.run(awaited(signals.tool("fail", None, fail, id="call_1")))
    use, result = rows(path)
    assert (use["kind"], result["kind"], result["is_error"]) == ("ToolUseEvent", "ToolResultEvent", True)
    assert result["output"] == "ValueError: no such thing"
    assert result["parent_event_id"] == use["event_id"]


def test_a_function_that_gives_a_coroutine_is_a_tool_too(path: Path) -> None:
    signals = Signals(path)

    async def work(name: str) -> str:
        await asyncio.sleep(0)
        return f"{name} in {current()}"

    found = asyncio.run(awaited(signals.tool("work", {}, lambda: work("it"), id="call_1")))
    _, result = rows(path)
    assert found == "it in call_1" == result["output"]


def test_tools_that_run_side_by_side_keep_their_own_ids(path: Path) -> None:
    signals = Signals(path)

    async def one(name: str) -> tuple[str, str | None]:
        async def work() -> str | None:
            await asyncio.sleep(0.01)
            return current()

        return name, await signals.tool("work", name, work, id=name)

    async def all_of_them() -> list[tuple[str, str | None]]:
        return await asyncio.gather(*(one(f"call_{number}") for number in range(20)))

    assert all(name == seen for name, seen in asyncio.run(all_of_them()))


def test_rows_of_threads_do_not_mix(path: Path) -> None:
    signals = Signals(path)
    work = [threading.Thread(target=lambda: [signals.hook(hook_name="x" * 500) for _ in range(50)]) for _ in range(8)]
    for thread in work:
        thread.start()
    for thread in work:
        thread.join()
    assert len(rows(path)) == 400


def test_what_is_written_is_redacted_by_key_and_by_value(path: Path) -> None:
    signals = Signals(path, Redactor(["the-key-of-this-run"]))
    signals.tool_use(id="a", name="login", input={"password": "x", "note": "the-key-of-this-run eyJa.b.c"})
    signals.tool_result(id="a", output=f"sk-{'a' * 30}")
    assert rows(path)[0]["input"] == {"password": "[REDACTED]", "note": "[REDACTED] [REDACTED]"}
    assert rows(path)[1]["output"] == "[REDACTED]"


def test_a_huge_value_becomes_its_size_and_digest(path: Path) -> None:
    Signals(path).tool_result(id="a", output="x" * (1 << 20))
    output = rows(path)[0]["output"]
    assert (output["_pome_truncated"], output["bytes"], len(output["sha256"])) == (True, (1 << 20) + 2, 64)


def test_turns_are_counted_per_stream(path: Path) -> None:
    signals = Signals(path)
    for session in (None, "a", None, "a", "b"):
        signals.llm_turn(session_id=session)
    counted = [(row["session_id"], row["turn_index"]) for row in rows(path)]
    assert counted == [(None, 0), ("a", 0), (None, 1), ("a", 1), ("b", 0)]


def test_a_subagent_owns_what_it_does(path: Path) -> None:
    signals = Signals(path)
    signals.tool_use(id="task", name="Task", input={})
    spawned = signals.subagent_spawn(parent_tool_use_id="task")
    signals.tool_use(id="inner", name="Read", input={}, parent_event_id=spawned)
    task, spawn, inner = rows(path)
    assert spawn["parent_event_id"] == task["event_id"]
    assert inner["parent_event_id"] == spawn["event_id"] == spawned


def test_any_value_becomes_json() -> None:
    class Colour(Enum):
        RED = "red"

    @dataclass
    class Point:
        x: int
        why: Any

    found = to_json(
        {1: Point(2, Colour.RED), "t": (1.5, float("nan")), "b": b"\xff", "d": datetime(2026, 1, 1), "p": Path("a")}
    )
    point = {"x": 2, "why": "red"}
    assert found == {"1": point, "t": [1.5, "nan"], "b": "�", "d": "2026-01-01T00:00:00", "p": "a"}
    assert isinstance(to_json(object()), str)


def test_no_value_breaks_a_run(path: Path) -> None:
    class Hostile:
        def __str__(self) -> str:
            raise RuntimeError("no")

    class Model:
        def model_dump(self, **_: Any) -> Any:
            raise TypeError("no JSON for a function")

    cycle: list[Any] = []
    cycle.append(cycle)
    Signals(path).tool_use(name="x", input={"model": Model(), "cycle": cycle})
    Signals(path).tool_use(name="x", input=Hostile())
    first, second = rows(path)
    assert first["input"]["model"] == "<Model>"
    assert "<list>" in json.dumps(first["input"]["cycle"])
    assert second["input"] == "<Hostile>"
