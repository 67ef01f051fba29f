"""Which tool call is running, and telling it to the twins.

While a tool handler runs, every HTTP request of this context to a twin carries the id of the tool call. The HTTP
clients are changed when the first correlation is asked for, each when somebody imports it; none is imported for it.

| client | where the header is added |
|---|---|
| urllib, requests, urllib3 and what is built on them | `http.client.HTTPConnection` |
| httpx, httpx2 | the HTTP transports, one hop at a time |
| aiohttp | `ClientRequest.send` |
| the MCP SDK | `_meta` of `tools/call`, because its requests are sent by another task |
"""

from __future__ import annotations

import functools
import importlib.abc
import importlib.machinery
import json
import os
import secrets
import sys
import threading
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass
from types import ModuleType
from typing import Any
from urllib.parse import urlsplit

from ._env import twin_urls

#: The header that twins record.
HEADER = "x-pome-correlation-id"

#: Member of `_meta` in which a tool call carries its id between the tasks of an MCP client.
META = "pome.sh/correlation-id"

#: The member in which Claude Code does.
CLAUDE_META = "claudecode/toolUseId"


@dataclass
class Running:
    """A tool call that runs."""

    id: str
    #: Whether an MCP server has called its result an error, which frameworks turn into plain text.
    failed: bool = False


_current: ContextVar[Running | None] = ContextVar("pome_correlation", default=None)
_origins: frozenset[tuple[str, str, int]] = frozenset()
_lock = threading.Lock()
_patched: set[str] = set()


def new_id() -> str:
    """An id for a tool call whose framework has none."""
    return f"tlc_{secrets.token_hex(4)}"


def running() -> Running | None:
    """The tool call that runs in this context."""
    return _current.get()


def current() -> str | None:
    """The id of the tool call that runs in this context."""
    call = _current.get()
    return call.id if call else None


@contextmanager
def correlate(tool_use_id: str) -> Iterator[Running]:
    """Requests to twins that are made inside carry this id."""
    install()
    call = Running(tool_use_id)
    token = _current.set(call)
    try:
        yield call
    finally:
        _current.reset(token)


def install(urls: Iterable[str] | None = None) -> None:
    """Adds twins, by default those of the environment, and changes the HTTP clients. Doing it twice changes nothing."""
    global _origins
    added = {origin for url in (twin_urls(os.environ) if urls is None else urls) if (origin := _origin(url))}
    with _lock:
        _origins |= added
        if "http.client" in _patched:
            return
        _patched.add("http.client")
        _patch_http_client()
    for name, patch in _PATCHES.items():
        after_import(name, patch)


def after_import(name: str, patch: Callable[[ModuleType], None]) -> None:
    """Runs `patch` on a module: at once when it is imported already, else when somebody imports it."""
    with _lock:
        if _finder not in sys.meta_path:
            sys.meta_path.insert(0, _finder)
        _finder.patches.setdefault(name, []).append(patch)
        module = sys.modules.get(name)
    if module is not None:
        patch(module)


def is_twin(url: str) -> bool:
    """Whether an address belongs to a twin of the run."""
    return _origin(url) in _origins


def _origin(url: str) -> tuple[str, str, int] | None:
    try:
        parts = urlsplit(url)
        port = parts.port
    except ValueError:
        return None
    if parts.scheme not in ("http", "https") or not parts.hostname:
        return None
    return parts.scheme, parts.hostname, port or (443 if parts.scheme == "https" else 80)


def _id_for(url: str, body: Callable[[], bytes | None]) -> str | None:
    """The id that a request to this address carries: that of its own message, else that of the running tool."""
    if not is_twin(url):
        return None
    return from_message(body()) or current()


def from_message(body: bytes | None) -> str | None:
    """The tool call that an MCP message says it belongs to."""
    if not body or b'"tools/call"' not in body or b'"_meta"' not in body:
        return None
    try:
        return message_id(json.loads(body))
    except ValueError:
        return None


def message_id(message: Any) -> str | None:
    """The same for a message that has been read."""
    try:
        meta = message["params"]["_meta"]
        found = meta.get(META) or meta.get(CLAUDE_META)
    except (TypeError, KeyError, AttributeError):
        return None
    return found if isinstance(found, str) and found.isascii() and found.isprintable() else None


# ---- the standard library ----


def _patch_http_client() -> None:
    import http.client

    connection: Any = http.client.HTTPConnection
    putrequest, putheader, endheaders = connection.putrequest, connection.putheader, connection.endheaders

    @functools.wraps(putrequest)
    def patched_putrequest(self: Any, method: str, url: str, *args: Any, **kwargs: Any) -> None:
        self.__dict__["_pome_target"] = url
        self.__dict__["_pome_sent"] = False
        putrequest(self, method, url, *args, **kwargs)

    @functools.wraps(putheader)
    def patched_putheader(self: Any, header: Any, *values: Any) -> None:
        name = header.decode("latin-1") if isinstance(header, bytes) else header
        if isinstance(name, str) and name.lower() == HEADER:
            self.__dict__["_pome_sent"] = True
        putheader(self, header, *values)

    @functools.wraps(endheaders)
    def patched_endheaders(self: Any, *args: Any, **kwargs: Any) -> None:
        if not self.__dict__.get("_pome_sent") and (found := _id_for(_target(self), lambda: None)):
            self.putheader(HEADER, found)
        endheaders(self, *args, **kwargs)

    connection.putrequest, connection.putheader, connection.endheaders = (
        patched_putrequest,
        patched_putheader,
        patched_endheaders,
    )


def _target(connection: Any) -> str:
    """The address that a request on this connection is for, also through a proxy."""
    import http.client

    url = str(connection.__dict__.get("_pome_target", ""))
    if url.startswith(("http://", "https://")):
        return url
    tunnel = getattr(connection, "_tunnel_host", None)
    host = tunnel or connection.host
    port = (getattr(connection, "_tunnel_port", None) if tunnel else connection.port) or connection.default_port
    scheme = "https" if isinstance(connection, http.client.HTTPSConnection) else "http"
    return f"{scheme}://[{host}]:{port}" if ":" in host else f"{scheme}://{host}:{port}"


# ---- httpx and httpx2 ----


def _patch_httpx(module: ModuleType) -> None:
    sync: Any = module.HTTPTransport
    asynchronous: Any = module.AsyncHTTPTransport
    handle, handle_async = sync.handle_request, asynchronous.handle_async_request

    @functools.wraps(handle)
    def patched(self: Any, request: Any) -> Any:
        _mark(request)
        return handle(self, request)

    @functools.wraps(handle_async)
    async def patched_async(self: Any, request: Any) -> Any:
        _mark(request)
        return await handle_async(self, request)

    sync.handle_request, asynchronous.handle_async_request = patched, patched_async


def _mark(request: Any) -> None:
    url = str(request.url)
    if HEADER in request.headers:
        # A redirect copies headers; the id is nobody else's business.
        if not is_twin(url) and request.headers[HEADER] == request.extensions.get("pome_correlation"):
            del request.headers[HEADER]
        return
    # A streamed body cannot be looked at; those of MCP messages are bytes.
    if found := _id_for(url, lambda: getattr(request, "_content", None)):
        request.headers[HEADER] = found
        request.extensions["pome_correlation"] = found


# ---- aiohttp ----


def _patch_aiohttp(module: ModuleType) -> None:
    from importlib import import_module

    request: Any = import_module(f"{module.__name__}.client_reqrep").ClientRequest
    send = request.send

    @functools.wraps(send)
    async def patched(self: Any, *args: Any, **kwargs: Any) -> Any:
        if HEADER not in self.headers and (found := _id_for(str(self.url), lambda: None)):
            self.headers[HEADER] = found
        return await send(self, *args, **kwargs)

    request.send = patched


# ---- the MCP SDK ----


def _patch_mcp(module: ModuleType) -> None:
    session: Any = module.ClientSession
    call_tool = session.call_tool

    @functools.wraps(call_tool)
    async def patched(self: Any, *args: Any, **kwargs: Any) -> Any:
        call = running()
        if call is None:
            return await call_tool(self, *args, **kwargs)
        kwargs["meta"] = {META: call.id, **(kwargs.get("meta") or {})}
        result = await call_tool(self, *args, **kwargs)
        # The two generations of the SDK spell it differently.
        if getattr(result, "isError", None) or getattr(result, "is_error", None):
            call.failed = True
        return result

    session.call_tool = patched


_PATCHES: dict[str, Callable[[ModuleType], None]] = {
    "httpx": _patch_httpx,
    "httpx2": _patch_httpx,
    "aiohttp": _patch_aiohttp,
    "mcp.client.session": _patch_mcp,
}


class _AfterImport(importlib.abc.MetaPathFinder):
    """Runs the patches of a module right after the module has been imported."""

    def __init__(self) -> None:
        self.patches: dict[str, list[Callable[[ModuleType], None]]] = {}

    def find_spec(
        self, fullname: str, path: Sequence[str] | None, target: ModuleType | None = None
    ) -> importlib.machinery.ModuleSpec | None:
        patches = self.patches.get(fullname)
        if not patches:
            return None
        others = (finder for finder in sys.meta_path if finder is not self and hasattr(finder, "find_spec"))
        spec = next((found for finder in others if (found := finder.find_spec(fullname, path, target))), None)
        loader: Any = spec.loader if spec else None
        if loader is None:
            return spec
        execute = loader.exec_module

        def exec_module(module: ModuleType) -> None:
            loader.exec_module = execute
            execute(module)
            for patch in patches:
                patch(module)

        loader.exec_module = exec_module
        return spec


_finder = _AfterImport()
