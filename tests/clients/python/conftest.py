"""A running twin, and a fresh world for each test."""

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

    def state(self) -> dict:
        return self.get("_pome/state")

    def events(self) -> list[dict]:
        return self.get("_pome/events")

    def get(self, path: str):
        request = urllib.request.Request(
            f"{self.rest_url}/{path}", headers={"Authorization": f"Bearer {self.token}"}
        )
        with urllib.request.urlopen(request, timeout=30) as answer:
            return json.load(answer)


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


@pytest.fixture(scope="session")
def twin(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """The root address of `pome twin start github`."""
    port = free_port()
    environment = {name: value for name, value in os.environ.items() if name in ("PATH", "HOME")}
    process = subprocess.Popen(
        [BINARY, "twin", "start", "github", "--port", str(port)],
        cwd=tmp_path_factory.mktemp("twin"),
        env=environment,
        stdout=subprocess.PIPE,
        text=True,
    )
    assert process.stdout is not None
    for line in process.stdout:
        if "Ctrl-C to stop" in line:
            break
    assert process.poll() is None, "the twin did not start"
    yield f"http://127.0.0.1:{port}"
    process.send_signal(signal.SIGTERM)
    assert process.wait(timeout=15) == 0


@pytest.fixture
def make_world(twin: str) -> Callable[..., World]:
    """Makes a world from an optional seed."""

    def make(seed: dict | None = None) -> World:
        body = json.dumps({"seed": seed} if seed else {}).encode()
        request = urllib.request.Request(
            f"{twin}/admin/sessions", body, {"Content-Type": "application/json"}
        )
        with urllib.request.urlopen(request, timeout=30) as answer:
            made = json.load(answer)
        return World(twin, made["sid"], made["token"], made["rest_url"], made["mcp_url"])

    return make


@pytest.fixture
def world(make_world: Callable[..., World]) -> World:
    """A world with the default seed."""
    return make_world()
