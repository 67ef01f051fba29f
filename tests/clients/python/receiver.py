"""A webhook receiver of the kind an application has: one address, answers that the test decides."""

from __future__ import annotations

import queue
import threading
from dataclasses import dataclass
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any


@dataclass(frozen=True)
class Seen:
    """One request as it arrived."""

    path: str
    headers: dict[str, str]
    body: bytes


class Receiver:
    """Listens on a port of its own. `statuses` are answered one after the other, then 200."""

    def __init__(self, *statuses: int):
        self.statuses = list(statuses)
        self._seen: queue.Queue[Seen] = queue.Queue()
        receiver = self

        class Handler(BaseHTTPRequestHandler):
            def do_POST(self) -> None:
                body = self.rfile.read(int(self.headers.get("Content-Length", 0)))
                seen = Seen(self.path, {name.lower(): value for name, value in self.headers.items()}, body)
                # Before the answer: whoever has it may look at once.
                receiver._seen.put(seen)
                self.send_response(receiver.statuses.pop(0) if receiver.statuses else 200)
                self.send_header("Content-Length", "0")
                self.end_headers()

            def log_message(self, *_: Any) -> None:
                pass

        self._server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.url = f"http://127.0.0.1:{self._server.server_address[1]}/hook"
        threading.Thread(target=self._server.serve_forever, daemon=True).start()

    def next(self, seconds: float = 20) -> Seen:
        return self._seen.get(timeout=seconds)

    def rest(self) -> list[Seen]:
        """What has arrived and was not looked at."""
        found = []
        while not self._seen.empty():
            found.append(self._seen.get_nowait())
        return found

    def close(self) -> None:
        self._server.shutdown()
        self._server.server_close()
