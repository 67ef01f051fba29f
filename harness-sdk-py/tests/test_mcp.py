from __future__ import annotations

import asyncio
import http.server
import importlib
import json
import threading
from collections.abc import Iterator
from importlib.metadata import version
from typing import Any

import pytest

from pome_harness import McpClient, McpError, Signals, UnknownTwinError
from pome_harness.testing import Pome

PLACE = {"owner": "acme", "repo": "api"}


@pytest.mark.parametrize("protocol", [None, "2024-11-05", "2025-11-25", "2026-07-28"])
def test_tools_are_listed_and_called_in_every_generation(pome: Pome, protocol: str | None) -> None:
    client = pome.context("look").mcp.connect("github", protocol=protocol)
    tools = {tool.name: tool for tool in client.list_tools()}
    assert tools["issue_read"].input_schema["type"] == "object"
    issue = client.call_tool("issue_read", {**PLACE, "method": "get", "issue_number": 1})
    assert (issue.is_error, issue.json()["number"]) == (False, 1)
    missing = client.call_tool("issue_read", {**PLACE, "method": "get", "issue_number": 999})
    assert missing.is_error
    assert "Not Found" in missing.text
    assert [row["tool"] for row in pome.github.events()] == ["issue_read", "issue_read"]


def test_tools_are_called_in_an_event_loop(pome: Pome) -> None:
    client = pome.context("look").mcp.connect("github")
    assert len(asyncio.run(client.alist_tools())) > 30
    assert asyncio.run(client.acall_tool("get_me")).json()["login"] == "pome-agent"


def test_a_call_of_a_tool_is_found_below_its_use(pome: Pome) -> None:
    run = pome.context("look")
    client = run.mcp.connect("github")
    run.signals.tool(
        "look", PLACE, lambda: client.call_tool("issue_read", {**PLACE, "method": "get", "issue_number": 1})
    )
    use, call, result = pome.trace()
    assert [row["kind"] for row in (use, call, result)] == ["ToolUseEvent", "TwinHttpEvent", "ToolResultEvent"]
    assert call["tool_call_id"] == use["tool_use_id"]
    assert call["parent_event_id"] == use["event_id"] == result["parent_event_id"]


def test_a_wrong_token_is_said(pome: Pome) -> None:
    with pytest.raises(McpError, match="token was refused"):
        McpClient(pome.github.mcp_url, {"Authorization": "Bearer nope"}).list_tools()


def test_an_unknown_method_is_an_error_with_its_code(pome: Pome) -> None:
    with pytest.raises(McpError, match="Method not found") as refused:
        pome.context("look").mcp.connect("github").request("resources/none", {})
    assert refused.value.code == -32601


def test_a_server_that_is_gone_is_an_error() -> None:
    with pytest.raises(McpError, match="does not answer"):
        McpClient("http://127.0.0.1:1/mcp", timeout=2).list_tools()


def test_settings_name_the_server_and_its_token(pome: Pome) -> None:
    mcp = pome.context("look").mcp
    url, headers = pome.github.mcp_url, {"Authorization": f"Bearer {pome.github.token}"}
    assert mcp.servers() == {"github": {"type": "http", "url": url, "headers": headers}}
    assert mcp.openai_agents("github") == {"name": "github", "params": {"url": url, "headers": headers}}
    assert mcp.langchain() == {"github": {"transport": "streamable_http", "url": url, "headers": headers}}
    assert mcp.pydantic_ai("github") == {"client": url, "headers": headers}
    with pytest.raises(UnknownTwinError):
        mcp.connect("slack")


@pytest.fixture
def newest_only() -> Iterator[str]:
    """A server of the generation without a handshake, that answers with pages and as an event stream."""

    class Handler(http.server.BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            asked = json.loads(self.rfile.read(int(self.headers["content-length"])))
            meta = asked.get("params", {}).get("_meta", {})
            if meta.get("io.modelcontextprotocol/protocolVersion") != "2026-07-28":
                answer: dict[str, Any] = {"error": {"code": -32601, "message": f"Method not found: {asked['method']}"}}
            elif self.headers["mcp-method"] != asked["method"]:
                answer = {"error": {"code": -32020, "message": "header mismatch"}}
            elif asked["params"].get("cursor"):
                answer = {"result": {"tools": [{"name": "two"}]}}
            else:
                answer = {"result": {"tools": [{"name": "one", "inputSchema": {}}], "nextCursor": "2"}}
            note = json.dumps({"jsonrpc": "2.0", "method": "notifications/progress"})
            message = json.dumps({"jsonrpc": "2.0", "id": asked.get("id"), **answer})
            body = f"event: message\r\ndata: {note}\r\n\r\nid: 1\r\ndata: {message}\r\n\r\n".encode()
            self.send_response(200)
            self.send_header("Content-Type", "text/event-stream")
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, *_: Any) -> None:
            pass

    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01}, daemon=True).start()
    yield f"http://127.0.0.1:{server.server_port}/mcp"
    server.shutdown()
    server.server_close()


def test_a_server_without_a_handshake_is_understood(newest_only: str) -> None:
    assert [tool.name for tool in McpClient(newest_only).list_tools()] == ["one", "two"]


def test_the_mcp_sdk_carries_the_id_of_the_running_call(pome: Pome) -> None:
    from mcp import ClientSession
    from mcp.client.streamable_http import streamable_http_client

    # The second generation of the SDK came with another HTTP client.
    client: Any = importlib.import_module("httpx2" if version("mcp") >= "2" else "httpx")
    run = pome.context("look")
    server = run.mcp.servers()["github"]

    async def work() -> None:
        async with (
            client.AsyncClient(headers=server["headers"]) as http,
            streamable_http_client(server["url"], http_client=http) as streams,
            ClientSession(streams[0], streams[1]) as session,
        ):
            await session.initialize()
            arguments = {**PLACE, "method": "get", "issue_number": 1}
            await asyncio.gather(*(one(run.signals, session, f"call_{i}", arguments) for i in range(5)))
            await one(run.signals, session, "call_5", {**arguments, "issue_number": 999})

    async def one(signals: Signals, session: ClientSession, name: str, arguments: Any) -> None:
        with signals.running("issue_read", arguments, id=name):
            await session.call_tool("issue_read", arguments)

    asyncio.run(work())
    calls = [row["tool_call_id"] for row in pome.trace() if row["kind"] == "TwinHttpEvent"]
    assert sorted(calls) == [f"call_{number}" for number in range(6)]
    failed = [row["tool_use_id"] for row in pome.trace() if row["kind"] == "ToolResultEvent" and row["is_error"]]
    assert failed == ["call_5"]
