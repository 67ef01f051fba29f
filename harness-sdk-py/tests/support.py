"""What the tests share: the program, its scenarios, a small server, and child processes."""

from __future__ import annotations

import http.server
import json
import os
import shutil
import subprocess
import sys
import threading
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

PACKAGE = Path(__file__).resolve().parents[1]
ROOT = PACKAGE.parent
CONTRACT = ROOT / "tests" / "contract"
SCENARIO = ROOT / "scenarios" / "01-bug-happy-path.md"


def program() -> str:
    """The `pome` that the tests use."""
    found = os.environ.get("POME_BIN") or shutil.which("pome") or str(ROOT / "target" / "debug" / "pome")
    if not Path(found).exists():
        raise AssertionError(f"no program at `{found}`: build it, or name it in POME_BIN")
    return found


def variables(tmp_path: Path, rest: str = "http://127.0.0.1:1/s/run_1", **more: str) -> dict[str, str]:
    """The variables of a run with one GitHub twin."""
    signals = tmp_path / "signals.jsonl"
    signals.touch()
    return {
        "POME_TASK": "look at issue #1",
        "POME_TWIN_NAMES": "github",
        "POME_GITHUB_REST_URL": rest,
        "POME_GITHUB_MCP_URL": f"{rest}/mcp",
        "POME_AUTH_TOKEN": "eyJhbGciOiJIUzI1NiJ9.eyJzaWQiOiJydW5fMSJ9.c2lnbmF0dXJl",
        "POME_RUN_ID": "run_1",
        "POME_ARTIFACTS_DIR": str(tmp_path),
        "POME_ADAPTER_SIGNALS_PATH": str(signals),
        **more,
    }


def rows(path: Path) -> list[dict[str, Any]]:
    return [json.loads(line) for line in path.read_text().splitlines() if line]


def base_environment() -> dict[str, str]:
    """What starting a process takes, and nothing of a run."""
    return {name: os.environ[name] for name in ("PATH", "HOME") if name in os.environ}


def python(code: str, env: Mapping[str, str], **options: Any) -> subprocess.CompletedProcess[str]:
    """Runs a program in a process of its own."""
    env = {**base_environment(), **env}
    return subprocess.run(
        [sys.executable, "-c", code], env=env, capture_output=True, text=True, timeout=60, check=False, **options
    )


class Seen:
    """A server on the loopback interface that keeps what it is asked."""

    def __init__(self) -> None:
        self.requests: list[tuple[str, str, dict[str, str], bytes]] = []
        self.redirect: str | None = None
        seen = self

        class Handler(http.server.BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def do(self) -> None:
                body = self.rfile.read(int(self.headers.get("content-length", 0)))
                headers = {name.lower(): value for name, value in self.headers.items()}
                seen.requests.append((self.command, self.path, headers, body))
                self.send_response(302 if seen.redirect else 200)
                if seen.redirect:
                    self.send_header("location", seen.redirect)
                self.send_header("content-type", "application/json")
                self.send_header("content-length", "2")
                self.end_headers()
                self.wfile.write(b"{}")

            do_GET = do_POST = do_PUT = do  # noqa: N815

            def do_CONNECT(self) -> None:
                seen.requests.append((self.command, self.path, {}, b""))
                self.send_error(502)

            def log_message(self, *_: Any) -> None:
                pass

        self.server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.url = f"http://127.0.0.1:{self.server.server_port}"

    def headers(self, name: str) -> list[str | None]:
        """One header of every request."""
        return [headers.get(name) for _, _, headers, _ in self.requests]


@contextmanager
def seen() -> Iterator[Seen]:
    server = Seen()
    thread = threading.Thread(target=server.server.serve_forever, kwargs={"poll_interval": 0.01}, daemon=True)
    thread.start()
    yield server
    server.server.shutdown()
    server.server.server_close()
    thread.join()
