from __future__ import annotations

import asyncio
import json
import urllib.error
import urllib.request
from pathlib import Path
from typing import Any

import pytest
from adapter_support import TRIAGE, check_triage, model, model_environment, run
from claude_agent_sdk import (
    ClaudeAgentOptions,
    ClaudeSDKClient,
    HookMatcher,
    StreamEvent,
    create_sdk_mcp_server,
    tool,
)
from support import rows, seen

from pome_harness import Signals
from pome_harness.adapters import claude_agent_sdk
from pome_harness.adapters._relay import Relay
from pome_harness.adapters.claude_agent_sdk import _Conversation, _hook, _recorder
from pome_harness.testing import Pome


def environment(tmp_path: Path) -> dict[str, str]:
    """Claude Code with a folder of its own, and nothing but the model on its mind."""
    return {
        "CLAUDE_CONFIG_DIR": str(tmp_path / "claude"),
        "CLAUDE_CODE_DISABLE_NONESSENTIAL_TRAFFIC": "1",
        "DISABLE_AUTOUPDATER": "1",
    }


def test_a_run_with_tools_of_a_twin_is_recorded_in_order(tmp_path: Path) -> None:
    with model(tmp_path, TRIAGE) as url:
        ran = run("claude_agent_triage.py", url, tmp_path, **environment(tmp_path))
    check_triage(ran, "claude-haiku-4-5")
    hooks = [(row["hook_name"], row["tool_name"]) for row in ran.events if row["kind"] == "HookEvent"]
    assert ("PreToolUse", "mcp__github__issue_write") in hooks
    assert ("PostToolUse", "mcp__github__issue_write") in hooks
    assert hooks[-1] == ("Stop", None)
    used = {row["tool_use_id"] for row in ran.events if row["kind"] == "ToolUseEvent"}
    causes = [row["causing_tool_use_id"] for row in ran.events if row["kind"] == "HookEvent"]
    assert set(causes) == {*used, None}


TASK = """Label issue 1.
```pome-script
{"turns": [
  {"tool_calls": [{"name": "label", "arguments": {"label": "bug"}}, {"name": "explode", "arguments": {}}]},
  {"text": "done"},
  {"text": "done again"}
]}
```"""


def test_tools_of_this_process_carry_their_id_and_the_users_hooks_stay(
    pome: Pome, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    context = pome.context(TASK)
    hooked: list[str] = []

    @tool("label", "Labels issue 1.", {"label": str})
    async def label(given: dict[str, Any]) -> dict[str, Any]:
        path = "/repos/acme/api/issues/1/labels"
        await context.twin("github").arequest("POST", path, body={"labels": [given["label"]]})
        return {"content": [{"type": "text", "text": "labelled"}]}

    @tool("explode", "Fails.", {})
    async def explode(given: dict[str, Any]) -> dict[str, Any]:
        raise RuntimeError("boom")

    async def mine(given: Any, tool_use_id: str | None, context: Any) -> Any:
        hooked.append(given["tool_name"])
        return {}

    options = ClaudeAgentOptions(
        mcp_servers={"desk": create_sdk_mcp_server("desk", tools=[label, explode])},
        allowed_tools=["mcp__desk"],
        tools=[],
        setting_sources=[],
        hooks={"PreToolUse": [HookMatcher(hooks=[mine])]},
        env=environment(tmp_path),
    )

    async def talk() -> list[Any]:
        async with ClaudeSDKClient(options) as client:
            await client.query(context.task)
            return [message async for message in client.receive_response()]

    with model(tmp_path, {"turns": [{"text": "no script"}]}) as url:
        for name, value in model_environment(url).items():
            monkeypatch.setenv(name, value)
        claude_agent_sdk.instrument(context.signals)
        messages = asyncio.run(talk())
    assert messages[-1].result == "done"
    assert not any(isinstance(message, StreamEvent) for message in messages)
    assert sorted(hooked) == ["mcp__desk__explode", "mcp__desk__label"]
    trace = [row for row in pome.trace() if row["kind"] != "HookEvent"]
    uses = {row["tool_name"]: row for row in trace if row["kind"] == "ToolUseEvent"}
    results = {row["tool_use_id"]: row for row in trace if row["kind"] == "ToolResultEvent"}
    (call,) = [row for row in trace if row["kind"] == "TwinHttpEvent"]
    assert call["parent_event_id"] == uses["mcp__desk__label"]["event_id"]
    assert results[uses["mcp__desk__label"]["tool_use_id"]]["is_error"] is False
    assert results[uses["mcp__desk__explode"]["tool_use_id"]]["is_error"] is True
    assert [row["kind"] for row in trace if row["kind"] in ("LlmTurnEvent", "TwinHttpEvent")] == [
        "LlmTurnEvent",
        "TwinHttpEvent",
        "LlmTurnEvent",
    ]


def test_what_a_subagent_does_is_below_the_tool_that_started_it(tmp_path: Path) -> None:
    signals = Signals(tmp_path / "signals.jsonl")
    claude_agent_sdk.instrument(signals)
    talk = _Conversation(_recorder)

    def assistant(found: str, content: list[Any], parent: str | None) -> None:
        usage = {"input_tokens": 3, "output_tokens": 1}
        message = {"id": found, "model": "m", "usage": usage, "content": content}
        talk.saw({"type": "assistant", "message": message, "parent_tool_use_id": parent, "session_id": "ses"})

    def uses(name: str, found: str) -> None:
        given = {"hook_event_name": "PreToolUse", "tool_name": name, "tool_input": {}, "tool_use_id": found}
        asyncio.run(_hook(given, found, None))

    assistant("msg_1", [{"type": "tool_use", "id": "toolu_task", "name": "Agent", "input": {}}], None)
    uses("Agent", "toolu_task")
    assistant("msg_2", [{"type": "text", "text": "I look"}], "toolu_task")
    assistant("msg_2", [{"type": "tool_use", "id": "toolu_in", "name": "Read", "input": {}}], "toolu_task")
    uses("Read", "toolu_in")
    answer = {"content": [{"type": "tool_result", "tool_use_id": "toolu_in", "content": "x", "is_error": False}]}
    talk.saw({"type": "user", "message": answer, "parent_tool_use_id": "toolu_task"})
    assistant("msg_3", [{"type": "text", "text": "seen"}], "toolu_task")
    talk.saw({"type": "result"})
    events = [row for row in rows(tmp_path / "signals.jsonl") if row["kind"] != "HookEvent"]
    named = {row.get("tool_use_id") or row["kind"]: row for row in events if row["kind"] != "ToolResultEvent"}
    spawn = named["SubagentSpawnEvent"]
    assert spawn["parent_event_id"] == named["toolu_task"]["event_id"]
    assert (named["toolu_task"]["parent_event_id"], named["toolu_in"]["parent_event_id"]) == (None, spawn["event_id"])
    turns = sorted((row["session_id"], row["turn_index"]) for row in events if row["kind"] == "LlmTurnEvent")
    assert turns == [("ses", 0), ("toolu_task", 0), ("toolu_task", 1)]
    assert {row["output_tokens"] for row in events if row["kind"] == "LlmTurnEvent"} == {None}
    assert sum(row["kind"] == "SubagentSpawnEvent" for row in events) == 1


def test_the_relay_leads_nobody_anywhere_else() -> None:
    with seen() as server:
        relay = Relay()
        address = relay.address(f"{server.url}/s/run_1/mcp")
        message = {"method": "tools/call", "params": {"name": "x", "_meta": {"claudecode/toolUseId": "toolu_1"}}}
        sent = urllib.request.Request(address, json.dumps(message).encode(), {"Authorization": "Bearer t"})
        assert json.load(urllib.request.urlopen(sent, timeout=5)) == {}
        assert relay.address(f"{server.url}/s/run_1/mcp") == address
        for wrong in (address[:-1] + "7", address.replace(address.split("/")[3], "guess"), address[:-1] + "x"):
            with pytest.raises(urllib.error.HTTPError) as refused:
                urllib.request.urlopen(wrong, timeout=5)
            assert refused.value.code == 404
        gone = relay.address("http://127.0.0.1:1/mcp")
        with pytest.raises(urllib.error.HTTPError) as refused:
            urllib.request.urlopen(gone, timeout=5)
        assert refused.value.code == 502
    ((method, path, headers, _),) = server.requests
    assert (method, path) == ("POST", "/s/run_1/mcp")
    assert (headers["authorization"], headers["x-pome-correlation-id"]) == ("Bearer t", "toolu_1")
