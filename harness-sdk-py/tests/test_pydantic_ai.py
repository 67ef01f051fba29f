from __future__ import annotations

import asyncio
from pathlib import Path

import pytest
from adapter_support import TRIAGE, check_triage, model, nested, run
from pydantic_ai import Agent, ModelRetry
from pydantic_ai.models.openai import OpenAIChatModel
from pydantic_ai.providers.openai import OpenAIProvider

from pome_harness import TwinRequestError
from pome_harness.adapters import pydantic_ai
from pome_harness.testing import Pome


def test_a_run_with_tools_of_a_twin_is_recorded_in_order(tmp_path: Path) -> None:
    with model(tmp_path, TRIAGE) as url:
        ran = run("pydantic_ai_triage.py", url, tmp_path)
    check_triage(ran, "gpt-5-mini")


OUTER = """Ask the librarian.
```pome-script
{"turns": [
  {"tool_calls": [{"name": "librarian", "arguments": {"question": %s}}]},
  {"tool_calls": [{"name": "look", "arguments": {"number": 999}}]},
  {"text": "asked"}
]}
```"""

INNER = """Look it up.
```pome-script
{"turns": [{"tool_calls": [{"name": "look", "arguments": {"number": 1}}]}, {"text": "found"}]}
```"""


@pytest.mark.parametrize("streamed", [False, True])
def test_agents_in_tools_and_failures(pome: Pome, tmp_path: Path, streamed: bool) -> None:
    context = pome.context("look")

    def look(number: int) -> str:
        """Looks at an issue."""
        try:
            return str(context.twin("github").request("GET", f"/repos/acme/api/issues/{number}")["title"])
        except TwinRequestError as error:
            raise ModelRetry(str(error)) from error

    def chat(url: str, name: str) -> OpenAIChatModel:
        return OpenAIChatModel(name, provider=OpenAIProvider(base_url=f"{url}/v1", api_key="scripted"))

    with model(tmp_path, {"turns": [{"text": "no script"}]}) as url:
        # Made before anything is recorded.
        inner = Agent(chat(url, "gpt-5-mini"), tools=[look])

        async def librarian(question: str) -> str:
            """Looks things up."""
            return (await inner.run(question)).output

        agent = Agent(chat(url, "gpt-5-nano"), tools=[librarian, look])
        pydantic_ai.instrument(context.signals)

        async def talk() -> str:
            task = OUTER % nested(INNER)
            if not streamed:
                return (await agent.run(task)).output
            async with agent.run_stream(task) as result:
                return await result.get_output()

        assert asyncio.run(talk()) == "asked"
    trace = pome.trace()
    outer, inside, failing = [row for row in trace if row["kind"] == "ToolUseEvent"]
    (spawn,) = [row for row in trace if row["kind"] == "SubagentSpawnEvent"]
    assert [outer["tool_name"], inside["tool_name"], failing["tool_name"]] == ["librarian", "look", "look"]
    assert spawn["parent_event_id"] == outer["event_id"]
    assert inside["parent_event_id"] == spawn["event_id"]
    calls = [(row["status"], row["parent_event_id"]) for row in trace if row["kind"] == "TwinHttpEvent"]
    assert calls == [(200, inside["event_id"]), (404, failing["event_id"])]
    failed = {row["tool_use_id"]: row["is_error"] for row in trace if row["kind"] == "ToolResultEvent"}
    assert [failed[use["tool_use_id"]] for use in (outer, inside, failing)] == [False, False, True]
    turns = [(row["model"], row["turn_index"]) for row in trace if row["kind"] == "LlmTurnEvent"]
    assert turns == [("gpt-5-nano", 0), ("gpt-5-mini", 0), ("gpt-5-mini", 1), ("gpt-5-nano", 1), ("gpt-5-nano", 2)]
