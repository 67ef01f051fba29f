"""MCP: settings for the common clients, and a small client of our own.

The client speaks streamable HTTP without a session, in both generations of the protocol: the one that begins with a
handshake (`initialize`), and the one in which each request says by itself which version it speaks.
"""

from __future__ import annotations

import asyncio
import itertools
import json
import threading
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Literal, TypedDict

from ._correlate import install
from ._errors import McpError, UnknownTwinError
from ._http import Answer, send

#: Version that is asked for in a handshake.
HANDSHAKE = "2025-06-18"

#: Version of requests that stand alone.
SELF_CONTAINED = "2026-07-28"

_NAME = {"name": "pome-harness", "version": "0.1.0"}
_METHOD_NOT_FOUND = -32601


class HttpServer(TypedDict):
    """A server as the Claude Agent SDK wants it."""

    type: Literal["http"]
    url: str
    headers: dict[str, str]


class StreamableHttp(TypedDict):
    """Parameters of `MCPServerStreamableHttp` of the OpenAI Agents SDK."""

    url: str
    headers: dict[str, str]


class OpenAiAgentsServer(TypedDict):
    """Arguments for `MCPServerStreamableHttp` of the OpenAI Agents SDK."""

    name: str
    params: Any


class LangchainServer(TypedDict):
    """A connection as `MultiServerMCPClient` of langchain-mcp-adapters wants it."""

    transport: Literal["streamable_http"]
    url: str
    headers: dict[str, str]


class PydanticAiServer(TypedDict):
    """Arguments for `MCPToolset` of Pydantic AI."""

    client: str
    headers: dict[str, str]


@dataclass(frozen=True)
class Tool:
    """A tool that a server offers."""

    name: str
    description: str
    input_schema: Mapping[str, Any]


@dataclass(frozen=True)
class ToolResult:
    """What a tool has answered."""

    content: list[dict[str, Any]]
    is_error: bool
    structured: Any = None
    raw: Mapping[str, Any] = field(default_factory=dict, repr=False)

    @property
    def text(self) -> str:
        """The text parts, one below the other."""
        return "\n".join(str(item.get("text", "")) for item in self.content if item.get("type") == "text")

    def json(self) -> Any:
        """The structured content if there is some, else the first text part read as JSON."""
        if self.structured is not None:
            return self.structured
        first = next((item["text"] for item in self.content if item.get("type") == "text"), "")
        try:
            return json.loads(first)
        except ValueError as error:
            raise McpError(f"the answer of the tool is not JSON: {first[:200]!r}") from error


class McpClient:
    """A connection to one MCP server. Sessions are not kept, so there is nothing to close."""

    def __init__(
        self,
        url: str,
        headers: Mapping[str, str] | None = None,
        *,
        protocol: str | None = None,
        timeout: float = 60,
    ) -> None:
        """`protocol` forces a version; otherwise the handshake decides; requests stand alone without one."""
        self.url = url
        self._headers = dict(headers or {})
        self._timeout = timeout
        self._asked = protocol
        self._ids = itertools.count(1)
        self._lock = threading.Lock()
        self._protocol: str | None = None

    def list_tools(self) -> list[Tool]:
        """Every tool of the server, all pages."""
        tools: list[Tool] = []
        cursor: str | None = None
        while True:
            result = self.request("tools/list", {"cursor": cursor} if cursor else {})
            for tool in result.get("tools", []):
                tools.append(Tool(tool["name"], tool.get("description", ""), tool.get("inputSchema", {})))
            cursor = result.get("nextCursor")
            if not cursor:
                return tools

    def call_tool(self, name: str, arguments: Mapping[str, Any] | None = None) -> ToolResult:
        """Calls a tool. A tool that fails is a result with `is_error`; a message that fails is an McpError."""
        result = self.request("tools/call", {"name": name, "arguments": dict(arguments or {})})
        content = result.get("content", [])
        return ToolResult(content, bool(result.get("isError")), result.get("structuredContent"), result)

    async def alist_tools(self) -> list[Tool]:
        """The same as `list_tools`, in a thread."""
        return await asyncio.to_thread(self.list_tools)

    async def acall_tool(self, name: str, arguments: Mapping[str, Any] | None = None) -> ToolResult:
        """The same as `call_tool`, in a thread."""
        return await asyncio.to_thread(self.call_tool, name, arguments)

    def request(self, method: str, params: Mapping[str, Any]) -> dict[str, Any]:
        """Sends one request and gives its result."""
        with self._lock:
            if self._protocol is None:
                self._protocol = self._agree()
        return self._exchange(method, params, self._protocol)

    def _agree(self) -> str:
        if self._asked == SELF_CONTAINED:
            return SELF_CONTAINED
        hello = {"protocolVersion": self._asked or HANDSHAKE, "capabilities": {}, "clientInfo": _NAME}
        try:
            answered = self._exchange("initialize", hello, None)
        except McpError as error:
            if error.code == _METHOD_NOT_FOUND and self._asked is None:
                return SELF_CONTAINED
            raise
        agreed = answered.get("protocolVersion")
        if not isinstance(agreed, str):
            raise McpError(f"{self.url}: the answer to `initialize` names no protocol version")
        self._post({"jsonrpc": "2.0", "method": "notifications/initialized"}, agreed)
        return agreed

    def _exchange(self, method: str, params: Mapping[str, Any], protocol: str | None) -> dict[str, Any]:
        sent = dict(params)
        if protocol == SELF_CONTAINED:
            about = {"protocolVersion": protocol, "clientInfo": _NAME, "clientCapabilities": {}}
            meta = {f"io.modelcontextprotocol/{key}": value for key, value in about.items()}
            sent["_meta"] = {**meta, **sent.get("_meta", {})}
        number = next(self._ids)
        answer = self._post(
            {"jsonrpc": "2.0", "id": number, "method": method, "params": sent}, protocol, sent.get("name")
        )
        message = _message(answer, number)
        if message is None:
            if answer.status in (401, 403):
                raise McpError(f"{self.url}: the token was refused ({answer.status})", code=answer.status)
            raise McpError(f"{self.url}: {method} was answered with {answer.status} and no MCP message")
        if "error" in message:
            error = message["error"] if isinstance(message["error"], dict) else {}
            raise McpError(f"{method}: {error.get('message')}", code=error.get("code"), data=error.get("data"))
        result = message.get("result")
        if not isinstance(result, dict):
            raise McpError(f"{self.url}: the answer to {method} has no result")
        return result

    def _post(self, message: dict[str, Any], protocol: str | None, name: str | None = None) -> Answer:
        install((self.url,))
        headers = {
            **self._headers,
            "Content-Type": "application/json",
            "Accept": "application/json, text/event-stream",
        }
        if protocol:
            headers["Mcp-Protocol-Version"] = protocol
        if protocol == SELF_CONTAINED:
            headers["Mcp-Method"] = message["method"]
            if name:
                headers["Mcp-Name"] = name
        try:
            return send("POST", self.url, headers, json.dumps(message).encode(), self._timeout)
        except OSError as error:
            raise McpError(f"{self.url} does not answer: {error}") from error


def _message(answer: Answer, number: int) -> dict[str, Any] | None:
    """The JSON-RPC answer with that id, out of a JSON body or an event stream."""
    if answer.headers.get("content-type", "").startswith("text/event-stream"):
        text = answer.body.decode("utf-8", "replace").replace("\r\n", "\n")
        events = [
            "\n".join(line[5:].removeprefix(" ") for line in event.split("\n") if line.startswith("data:"))
            for event in text.split("\n\n")
        ]
    else:
        events = [answer.body.decode("utf-8", "replace")]
    for event in filter(None, events):
        try:
            found = json.loads(event)
        except ValueError:
            continue
        if isinstance(found, dict) and ("result" in found or "error" in found) and found.get("id") in (number, None):
            return found
    return None


class Mcp:
    """The MCP servers of the run's twins, in the shape that each client wants."""

    def __init__(self, urls: Mapping[str, str], tokens: Mapping[str, str]) -> None:
        self._urls = dict(urls)
        self._tokens = dict(tokens)

    def _headers(self, name: str) -> dict[str, str]:
        return {"Authorization": f"Bearer {self._tokens[name]}"}

    def _url(self, name: str) -> str:
        try:
            return self._urls[name]
        except KeyError:
            raise UnknownTwinError(name, self._urls) from None

    def servers(self) -> dict[str, HttpServer]:
        """For the Claude Agent SDK: `ClaudeAgentOptions(mcp_servers=run.mcp.servers())`."""
        return {name: {"type": "http", "url": url, "headers": self._headers(name)} for name, url in self._urls.items()}

    def openai_agents(self, name: str) -> OpenAiAgentsServer:
        """For the OpenAI Agents SDK: `MCPServerStreamableHttp(**run.mcp.openai_agents("github"))`."""
        return {"name": name, "params": StreamableHttp(url=self._url(name), headers=self._headers(name))}

    def langchain(self) -> dict[str, LangchainServer]:
        """For langchain-mcp-adapters: `MultiServerMCPClient(run.mcp.langchain())`."""
        return {
            name: {"transport": "streamable_http", "url": url, "headers": self._headers(name)}
            for name, url in self._urls.items()
        }

    def pydantic_ai(self, name: str) -> PydanticAiServer:
        """For Pydantic AI: `MCPToolset(**run.mcp.pydantic_ai("github"))`."""
        return {"client": self._url(name), "headers": self._headers(name)}

    def connect(self, name: str, *, protocol: str | None = None, timeout: float = 60) -> McpClient:
        """A small client for the server of one twin."""
        return McpClient(self._url(name), self._headers(name), protocol=protocol, timeout=timeout)
