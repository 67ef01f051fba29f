"""Claude Agent SDK.

    from pome_harness.adapters import claude_agent_sdk

    claude_agent_sdk.instrument(run.signals)

`query` and `ClaudeSDKClient` record turns, tools with their results, hooks and sub-agents from then on. Requests to MCP
servers of twins are made by Claude Code and go through a relay in this process, which adds the id of the tool call;
tools of this process (`create_sdk_mcp_server`) carry it by themselves.

Left alone are MCP servers that are configured in a file, and transports of one's own.
"""

from __future__ import annotations

import asyncio
import dataclasses
import time
from collections.abc import AsyncIterator
from dataclasses import dataclass, field
from typing import Any

from .._correlate import correlate, is_twin, message_id
from .._signals import Signals, now
from ._common import Recorder, count, replace
from ._relay import Relay

_recorder = Recorder("claude-agent-sdk", "claude-agent-sdk")
_relay = Relay()

_HOOKS = (
    "PreToolUse",
    "PostToolUse",
    "PostToolUseFailure",
    "UserPromptSubmit",
    "Stop",
    "SubagentStart",
    "SubagentStop",
    "PreCompact",
)


def instrument(signals: Signals | None = None) -> None:
    """Records every conversation, by default to the signals of the run that this process belongs to."""
    _recorder.start(signals, _patch)


def _patch() -> None:
    from claude_agent_sdk import ClaudeSDKClient
    from claude_agent_sdk._internal.client import InternalClient
    from claude_agent_sdk._internal.query import Query
    from claude_agent_sdk._internal.transport.subprocess_cli import SubprocessCLITransport

    def process_query(original: Any) -> Any:
        def wrapper(self: Any, prompt: Any, options: Any, *args: Any, **kwargs: Any) -> Any:
            return original(self, prompt, prepared(options), *args, **kwargs)

        return wrapper

    def connect(original: Any) -> Any:
        async def wrapper(self: Any, *args: Any, **kwargs: Any) -> Any:
            self.options = prepared(self.options)
            return await original(self, *args, **kwargs)

        return wrapper

    def read_messages(original: Any) -> Any:
        async def wrapper(self: Any) -> AsyncIterator[Any]:
            conversation = _Conversation(_recorder)
            wanted = self._options.include_partial_messages
            try:
                async for message in original(self):
                    conversation.saw(message)
                    if wanted or not (isinstance(message, dict) and message.get("type") == "stream_event"):
                        yield message
            finally:
                conversation.close()

        return wrapper

    def handle_sdk_mcp_request(original: Any) -> Any:
        async def wrapper(self: Any, server_name: str, message: Any) -> Any:
            found = message_id(message)
            if found is None:
                return await original(self, server_name, message)
            with correlate(found):
                return await original(self, server_name, message)

        return wrapper

    # Earlier versions call the tools of this process from here, later ones in a task of the server; see `_correlated`.
    if hasattr(Query, "_handle_sdk_mcp_request"):
        replace(Query, "_handle_sdk_mcp_request", handle_sdk_mcp_request)
    replace(InternalClient, "process_query", process_query)
    replace(ClaudeSDKClient, "connect", connect)
    replace(SubprocessCLITransport, "read_messages", read_messages)


def prepared(options: Any) -> Any:
    """Options with the hooks that record, and with servers of twins behind the relay."""
    from claude_agent_sdk import HookMatcher

    hooks = {name: list(matchers) for name, matchers in (options.hooks or {}).items()}
    for name in _HOOKS:
        matchers = hooks.setdefault(name, [])
        if not any(_hook in matcher.hooks for matcher in matchers):
            matchers.append(HookMatcher(hooks=[_hook]))
    servers = options.mcp_servers
    if isinstance(servers, dict):
        servers = {name: _relayed(server) for name, server in servers.items()}
    extra = dict(options.extra_args)
    if not options.include_partial_messages:
        # Only the parts of an answer say how many tokens it had; they are kept from whoever has not asked for them.
        extra.setdefault("include-partial-messages", None)
    return dataclasses.replace(options, hooks=hooks, mcp_servers=servers, extra_args=extra)


def _relayed(server: Any) -> Any:
    if isinstance(server, dict) and server.get("type") == "sdk":
        _correlated(server.get("instance"))
        return server
    url = server.get("url", "") if isinstance(server, dict) else ""
    if not url or server.get("type") != "http" or _relay.leads_to(url) or not is_twin(url):
        return server
    return {**server, "url": _relay.address(url)}


def _correlated(server: Any) -> None:
    """Lets the tools of a server in this process know their id. Its requests are handled by a task of their own."""
    if hasattr(server, "get_request_handler"):  # the MCP SDK from 2 on
        entry = server.get_request_handler("tools/call")
        if entry is not None and not hasattr(entry.handler, "_pome"):
            handler = _with_id(entry.handler, lambda context, _: context.params)
            server.add_request_handler("tools/call", entry.params_type, handler)
        return
    from mcp.types import CallToolRequest

    handlers = getattr(server, "request_handlers", {})
    handler = handlers.get(CallToolRequest)
    if handler is not None and not hasattr(handler, "_pome"):
        handlers[CallToolRequest] = _with_id(handler, lambda request: request.params.model_dump(by_alias=True))


def _with_id(handler: Any, params: Any) -> Any:
    async def correlated(*given: Any) -> Any:
        found = message_id({"params": params(*given)})
        if found is None:
            return await handler(*given)
        with correlate(found):
            return await handler(*given)

    correlated._pome = True  # type: ignore[attr-defined]
    return correlated


async def _hook(given: Any, tool_use_id: str | None, _context: Any) -> Any:
    """Every hook of the SDK, recorded. A tool is recorded before it runs: Claude Code waits for this answer."""
    name = given.get("hook_event_name", "")
    # Hooks that no tool has caused come with an id of their own.
    found = given.get("tool_use_id") or (tool_use_id if "ToolUse" in name else None)
    if name == "PreToolUse":
        # The turn that asks for the tool is written when it is complete, with the time at which it began.
        while now() <= _latest.ts:
            await asyncio.sleep(0.0005)
        _recorder.signals.tool_use(
            id=found,
            name=given.get("tool_name", ""),
            input=given.get("tool_input"),
            parent_event_id=_owners.get(found or ""),
        )
    _recorder.signals.hook(hook_name=name, tool_name=given.get("tool_name"), causing_tool_use_id=found)
    return {}


#: Which sub-agent a tool use belongs to, as its message has said.
_owners: dict[str, str] = {}


@dataclass
class _Latest:
    """When the latest turn began."""

    ts: str = ""


_latest = _Latest()


@dataclass
class _Turn:
    """An answer of the model that is still coming in."""

    id: str
    ts: str
    asked: float
    session_id: str | None
    model: str | None = None
    usage: dict[str, Any] = field(default_factory=dict)
    reason: str | None = None
    streamed: bool = False

    def takes(self, message: dict[str, Any]) -> None:
        """Takes what a part of the answer says about the whole."""
        self.model = message.get("model") or self.model
        self.usage.update({name: value for name, value in (message.get("usage") or {}).items() if value is not None})
        self.reason = message.get("stop_reason") or (message.get("delta") or {}).get("stop_reason") or self.reason


class _Conversation:
    """Reads what Claude Code writes, in the order in which it does."""

    def __init__(self, recorder: Recorder) -> None:
        self._recorder = recorder
        self._open: dict[str | None, _Turn] = {}
        self._closed: dict[str | None, str] = {}
        self._asked: dict[str | None, float] = {}
        self._spawned: dict[str, str] = {}
        self._started = time.monotonic()

    def saw(self, message: Any) -> None:
        """Takes one message."""
        kind = message.get("type") if isinstance(message, dict) else None
        stream = message.get("parent_tool_use_id") if kind else None
        if kind == "stream_event":
            self._event(stream, message)
        elif kind == "assistant":
            # Each block of an answer is a message of its own.
            self._part(stream, message, message.get("message") or {})
        elif kind == "user":
            # A tool may have answered before the answer that asks for it is complete.
            self.close(but_streamed=True)
            self._asked[stream] = time.monotonic()
            self._results(message)
        elif kind == "result":
            self.close()

    def _event(self, stream: str | None, message: dict[str, Any]) -> None:
        event = message.get("event") or {}
        kind = event.get("type")
        if kind == "message_start":
            self._part(stream, message, event.get("message") or {})
            self._open[stream].streamed = True
        elif kind == "message_delta" and stream in self._open:
            self._open[stream].takes(event)
        elif kind == "message_stop":
            self._close(stream)

    def _part(self, stream: str | None, outer: dict[str, Any], inner: dict[str, Any]) -> None:
        if stream is not None:
            if stream not in self._spawned:
                self._spawned[stream] = self._recorder.signals.subagent_spawn(parent_tool_use_id=stream)
            for block in _blocks(inner, "tool_use"):
                _owners[block.get("id", "")] = self._spawned[stream]
        found = str(inner.get("id"))
        turn = self._open.get(stream)
        if turn is None or turn.id != found:
            if self._closed.get(stream) == found:
                return
            self._close(stream)
            asked = self._asked.pop(stream, self._started)
            session = stream if stream is not None else outer.get("session_id")
            turn = self._open[stream] = _Turn(found, now(), asked, session)
            _latest.ts = turn.ts
        turn.takes(inner)

    def close(self, but_streamed: bool = False) -> None:
        """Records the answers that came in; one that comes in parts says by itself when it ends."""
        for stream, turn in list(self._open.items()):
            if not (but_streamed and turn.streamed):
                self._close(stream)

    def _close(self, stream: str | None) -> None:
        turn = self._open.pop(stream, None)
        if turn is None:
            return
        self._closed[stream] = turn.id
        usage = turn.usage
        self._recorder.signals.llm_turn(
            ts=turn.ts,
            model=turn.model,
            input_tokens=count(usage.get("input_tokens")),
            # Until an answer ends, this is not the number of its tokens.
            output_tokens=count(usage.get("output_tokens")) if turn.reason else None,
            cache_read_input_tokens=count(usage.get("cache_read_input_tokens")),
            cache_creation_input_tokens=count(usage.get("cache_creation_input_tokens")),
            finish_reasons=[turn.reason] if turn.reason else None,
            latency_ms=(time.monotonic() - turn.asked) * 1000,
            # From the last message that went in, not from the request itself, which another process makes.
            latency_ms_estimated=True,
            session_id=turn.session_id,
        )

    def _results(self, message: dict[str, Any]) -> None:
        for block in _blocks(message.get("message") or {}, "tool_result"):
            self._recorder.signals.tool_result(
                id=block.get("tool_use_id", ""),
                output=block.get("content"),
                is_error=bool(block.get("is_error")),
            )


def _blocks(message: dict[str, Any], kind: str) -> list[dict[str, Any]]:
    content = message.get("content")
    if not isinstance(content, list):
        return []
    return [block for block in content if isinstance(block, dict) and block.get("type") == kind]
