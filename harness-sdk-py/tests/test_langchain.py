from __future__ import annotations

import asyncio
from pathlib import Path
from typing import Any

import pytest
from adapter_support import TRIAGE, check_triage, model, nested, run
from langchain.agents import create_agent
from langchain.agents.middleware import ToolRetryMiddleware
from langchain.tools import ToolRuntime
from langchain_core.tools import StructuredTool
from langchain_openai import ChatOpenAI
from pydantic import SecretStr

from pome_harness.adapters import langchain
from pome_harness.testing import Pome


def test_a_run_with_tools_of_a_twin_is_recorded_in_order(tmp_path: Path) -> None:
    with model(tmp_path, TRIAGE) as url:
        ran = run("langgraph_triage.py", url, tmp_path)
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


@pytest.mark.parametrize("synchronous", [False, True])
def test_agents_in_tools_and_failures(pome: Pome, tmp_path: Path, synchronous: bool) -> None:
    context = pome.context("look")

    def look(number: int) -> str:
        """Looks at an issue."""
        return str(context.twin("github").request("GET", f"/repos/acme/api/issues/{number}")["title"])

    def chat(url: str, name: str) -> ChatOpenAI:
        return ChatOpenAI(model=name, base_url=f"{url}/v1", api_key=SecretStr("scripted"))

    with model(tmp_path, {"turns": [{"text": "no script"}]}) as url:
        inner = create_agent(chat(url, "gpt-5-mini"), [look])

        def librarian(question: str, runtime: ToolRuntime) -> str:
            """Looks things up."""
            assert runtime.tool_call_id
            return str(inner.invoke({"messages": [{"role": "user", "content": question}]})["messages"][-1].text)

        gentle = StructuredTool.from_function(look, handle_tool_error=True)
        agent = create_agent(
            chat(url, "gpt-5-nano"), [librarian, gentle], middleware=[ToolRetryMiddleware(max_retries=0)]
        )
        langchain.instrument(context.signals)
        task: Any = {"messages": [{"role": "user", "content": OUTER % nested(INNER)}]}
        result = agent.invoke(task) if synchronous else asyncio.run(agent.ainvoke(task))
    assert result["messages"][-1].text == "asked"
    trace = pome.trace()
    outer, inside, failing = [row for row in trace if row["kind"] == "ToolUseEvent"]
    (spawn,) = [row for row in trace if row["kind"] == "SubagentSpawnEvent"]
    assert [outer["tool_name"], inside["tool_name"], failing["tool_name"]] == ["librarian", "look", "look"]
    # What the framework puts into the arguments is not the model's.
    assert list(outer["input"]) == ["question"]
    assert spawn["parent_event_id"] == outer["event_id"]
    assert inside["parent_event_id"] == spawn["event_id"]
    calls = [(row["status"], row["parent_event_id"]) for row in trace if row["kind"] == "TwinHttpEvent"]
    assert calls == [(200, inside["event_id"]), (404, failing["event_id"])]
    failed = {row["tool_use_id"]: row["is_error"] for row in trace if row["kind"] == "ToolResultEvent"}
    assert [failed[use["tool_use_id"]] for use in (outer, inside, failing)] == [False, False, True]
    turns = [(row["session_id"], row["turn_index"]) for row in trace if row["kind"] == "LlmTurnEvent"]
    stream = outer["tool_use_id"]
    assert turns == [(None, 0), (stream, 0), (stream, 1), (None, 1), (None, 2)]
