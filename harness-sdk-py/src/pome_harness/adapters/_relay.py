"""A relay on the loopback interface between an MCP client in another process and the twins.

Claude Code makes its MCP requests itself. Each tool call says in its message which tool use it is; the relay puts that
into the header that the twins record, and changes nothing else.
"""

from __future__ import annotations

import http.client
import http.server
import secrets
import threading
from typing import Any
from urllib.parse import urlsplit

from .._correlate import HEADER, from_message

_HOP = {"connection", "keep-alive", "proxy-authenticate", "te", "trailer", "transfer-encoding", "upgrade", "host"}


class Relay:
    """Addresses that lead to twins."""

    def __init__(self) -> None:
        # Whoever does not know the path gets nowhere.
        self._prefix = secrets.token_urlsafe(16)
        self._targets: list[str] = []
        self._server: http.server.ThreadingHTTPServer | None = None
        self._lock = threading.Lock()

    def address(self, target: str) -> str:
        """An address that leads to this one."""
        with self._lock:
            if self._server is None:
                self._server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), self._handler())
                self._server.daemon_threads = True
                threading.Thread(target=self._server.serve_forever, name="pome-relay", daemon=True).start()
            if target not in self._targets:
                self._targets.append(target)
            return f"http://127.0.0.1:{self._server.server_port}/{self._prefix}/{self._targets.index(target)}"

    def leads_to(self, url: str) -> bool:
        """Whether an address is one of these already."""
        return f"/{self._prefix}/" in url

    def _target(self, path: str) -> str | None:
        parts = path.partition("?")[0].split("/")
        try:
            found = self._targets[int(parts[2])] if secrets.compare_digest(parts[1], self._prefix) else None
        except (ValueError, IndexError):
            return None
        rest = "/".join(parts[3:])
        return f"{found}/{rest}" if found and rest else found

    def _handler(self) -> type[http.server.BaseHTTPRequestHandler]:
        relay = self

        class Handler(http.server.BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def do_any(self) -> None:
                if self.headers.get("transfer-encoding"):
                    self.send_error(411)
                    return
                body = self.rfile.read(int(self.headers.get("content-length") or 0))
                target = relay._target(self.path)
                if target is None:
                    self.send_error(404)
                    return
                headers = {name: value for name, value in self.headers.items() if name.lower() not in _HOP}
                if found := from_message(body):
                    headers[HEADER] = found
                try:
                    status, answered, content = _forward(self.command, target, headers, body)
                except OSError as error:
                    self.send_error(502, explain=f"{target}: {error}")
                    return
                self.send_response(status)
                for name, value in answered:
                    if name.lower() not in _HOP and name.lower() != "content-length":
                        self.send_header(name, value)
                self.send_header("Content-Length", str(len(content)))
                self.end_headers()
                self.wfile.write(content)

            do_GET = do_POST = do_DELETE = do_any  # noqa: N815

            def log_message(self, format: str, *args: Any) -> None:
                """Says nothing: standard error is the agent's."""

        return Handler


def _forward(
    method: str, target: str, headers: dict[str, str], body: bytes
) -> tuple[int, list[tuple[str, str]], bytes]:
    parts = urlsplit(target)
    kind = http.client.HTTPSConnection if parts.scheme == "https" else http.client.HTTPConnection
    connection = kind(parts.hostname or "", parts.port, timeout=300)
    try:
        connection.request(method, parts.path or "/", body or None, headers)
        answer = connection.getresponse()
        return answer.status, answer.getheaders(), answer.read()
    finally:
        connection.close()
