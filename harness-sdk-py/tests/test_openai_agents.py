from __future__ import annotations

import asyncio
from pathlib import Path
from typing import Any

import pytest
from adapter_support import TRIAGE, asked, check_triage, model, nested, run
from agents import Agent, RunHooks, Runner, function_tool, set_default_openai_client, set_tracing_disabled
from openai import AsyncOpenAI
from support import python

from pome_harness.adapters import openai_agents
from pome_harness.testing import Pome


def test_a_run_with_tools_of_a_twin_is_recorded_in_order(tmp_path: Path) -> None:
    with model(tmp_path, TRIAGE) as url:
        ran = run("openai_agents_triage.py", url, tmp_path)
        assert asked(url)
    check_triage(ran)


OUTER = """Ask the librarian.
```pome-script
{"turns": [
  {"tool_calls": [{"name": "librarian", "arguments": {"input": %s}}]},
  {"tool_calls": [{"name": "explode", "arguments": {}}]},
  {"text": "asked"}
]}
```"""

INNER = """Look it up.
```pome-script
{"turns": [{"tool_calls": [{"name": "look", "arguments": {"number": 1}}]}, {"text": "found"}]}
```"""


@pytest.mark.parametrize("streamed", [False, True])
def test_agents_as_tools_failures_and_the_users_hooks(
    pome: Pome, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, streamed: bool
) -> None:
    context = pome.context("look")
    hooked: list[str] = []

    @function_tool
    def look(number: int) -> str:
        """Looks at an issue."""
        return str(context.twin("github").request("GET", f"/repos/acme/api/issues/{number}")["title"])

    @function_tool
    def explode() -> str:
        """Fails."""
        raise RuntimeError("boom")

    class Mine(RunHooks[Any]):
        async def on_tool_start(self, context: Any, agent: Any, tool: Any) -> None:
            hooked.append(tool.name)

    librarian = Agent(name="librarian", model="gpt-5-mini", tools=[look])
    tool = librarian.as_tool("librarian", "Looks things up.")
    agent = Agent(name="desk", model="gpt-5-nano", tools=[tool, explode])

    async def talk() -> str:
        task = OUTER % nested(INNER)
        if not streamed:
            return str((await Runner.run(agent, task, hooks=Mine())).final_output)
        result = Runner.run_streamed(agent, task, hooks=Mine())
        async for _ in result.stream_events():
            pass
        return str(result.final_output)

    set_tracing_disabled(True)
    with model(tmp_path, {"turns": [{"text": "no script"}]}) as url:
        client = AsyncOpenAI(base_url=f"{url}/v1", api_key="scripted")
        set_default_openai_client(client, use_for_tracing=False)
        openai_agents.instrument(context.signals)
        assert asyncio.run(talk()) == "asked"
    assert hooked == ["librarian", "explode"]
    trace = pome.trace()
    named = {row["tool_name"]: row for row in trace if row["kind"] == "ToolUseEvent"}
    (spawn,) = [row for row in trace if row["kind"] == "SubagentSpawnEvent"]
    (call,) = [row for row in trace if row["kind"] == "TwinHttpEvent"]
    assert spawn["parent_event_id"] == named["librarian"]["event_id"]
    assert named["look"]["parent_event_id"] == spawn["event_id"]
    assert call["parent_event_id"] == named["look"]["event_id"]
    failed = {row["tool_use_id"]: row["is_error"] for row in trace if row["kind"] == "ToolResultEvent"}
    assert {name: failed[use["tool_use_id"]] for name, use in named.items()} == {
        "librarian": False,
        "look": False,
        "explode": True,
    }
    turns = [(row["model"], row["session_id"], row["turn_index"]) for row in trace if row["kind"] == "LlmTurnEvent"]
    inner = named["librarian"]["tool_use_id"]
    assert turns == [
        ("gpt-5-nano", None, 0),
        ("gpt-5-mini", inner, 0),
        ("gpt-5-mini", inner, 1),
        ("gpt-5-nano", None, 1),
        ("gpt-5-nano", None, 2),
    ]


def test_without_the_framework_the_error_names_the_extra() -> None:
    code = """
import sys
sys.modules["agents"] = None
from pome_harness import HarnessError
from pome_harness.adapters import openai_agents
try:
    openai_agents.instrument()
except HarnessError as error:
    print(error.hint)
"""
    assert python(code, {}).stdout == 'install it: pip install "pome-harness[openai-agents]"\n'
