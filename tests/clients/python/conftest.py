"""Running twins, and a fresh world for each test.

A test file says with `TWIN = "stripe"` which twin its worlds are of; without it they are GitHub's.
"""

from __future__ import annotations

import json
import os
import signal
import socket
import subprocess
import urllib.request
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

ROOT = Path(__file__).resolve().parents[3]
BINARY = Path(os.environ.get("POME_BIN", ROOT / "target" / "debug" / "pome"))


@dataclass(frozen=True)
class World:
    """One isolated world of the twin."""

    base: str
    sid: str
    token: str
    rest_url: str
    mcp_url: str

    def state(self) -> dict[str, Any]:
        return self.get("_pome/state")

    def events(self) -> list[dict[str, Any]]:
        return self.get("_pome/events")

    def deliveries(self) -> list[dict[str, Any]]:
        return self.get("_pome/deliveries")

    def get(self, path: str) -> Any:
        request = urllib.request.Request(
            f"{self.rest_url}/{path}", headers={"Authorization": f"Bearer {self.token}"}
        )
        with urllib.request.urlopen(request, timeout=30) as answer:
            return json.load(answer)

    def advance(self, seconds: float) -> dict[str, Any]:
        """Moves the world's clock; what is due then has been sent when this returns."""
        return admin(self.base, f"sessions/{self.sid}/clock", {"advance_ms": int(seconds * 1000)})


def admin(base: str, path: str, body: dict[str, Any]) -> dict[str, Any]:
    data = json.dumps(body).encode()
    request = urllib.request.Request(f"{base}/admin/{path}", data, {"Content-Type": "application/json"})
    with urllib.request.urlopen(request, timeout=30) as answer:
        return json.load(answer)


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


@pytest.fixture(scope="session")
def twins(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Callable[[str], str]]:
    """The root address of `pome twin start <name>`; each twin is started when it is first asked for."""
    running: dict[str, tuple[subprocess.Popen[str], str]] = {}

    def start(name: str) -> str:
        if name not in running:
            port = free_port()
            environment = {name: value for name, value in os.environ.items() if name in ("PATH", "HOME")}
            process = subprocess.Popen(
                [BINARY, "twin", "start", name, "--port", str(port)],
                cwd=tmp_path_factory.mktemp("twin"),
                env=environment,
                stdout=subprocess.PIPE,
                text=True,
            )
            assert process.stdout is not None
            for line in process.stdout:
                if "Ctrl-C to stop" in line:
                    break
            else:
                pytest.fail(f"the {name} twin did not start: exit {process.wait(timeout=15)}")
            running[name] = process, f"http://127.0.0.1:{port}"
        return running[name][1]

    yield start
    for process, _ in running.values():
        process.send_signal(signal.SIGTERM)
    for process, _ in running.values():
        assert process.wait(timeout=15) == 0


@pytest.fixture
def twin(twins: Callable[[str], str], request: pytest.FixtureRequest) -> str:
    """The root address of the twin that the test file is about."""
    return twins(getattr(request.module, "TWIN", "github"))


@pytest.fixture
def make_world(twin: str) -> Callable[..., World]:
    """Makes a world from an optional seed and options such as `clock`."""

    def make(seed: dict[str, Any] | str | None = None, **options: Any) -> World:
        made = admin(twin, "sessions", {**({"seed": seed} if seed else {}), **options})
        return World(twin, made["sid"], made["token"], made["rest_url"], made["mcp_url"])

    return make


@pytest.fixture
def world(make_world: Callable[..., World]) -> World:
    """A world with the default seed."""
    return make_world()
