from __future__ import annotations

import re
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest
from support import Seen, program, python, rows, seen, variables

CLIENTS = {
    "urllib": "import urllib.request as u; u.urlopen(url, timeout=5)",
    "requests": "import requests; requests.get(url, timeout=5)",
    "httpx": "import httpx; httpx.get(url, timeout=5)",
    "httpx2": "import httpx2; httpx2.get(url, timeout=5)",
    "aiohttp": """
import asyncio, aiohttp
async def get():
    async with aiohttp.ClientSession() as session, session.get(url) as answer:
        await answer.read()
asyncio.run(get())""",
}


@pytest.fixture
def proxy() -> Iterator[Seen]:
    with seen() as server:
        yield server


def agent(tmp_path: Path, get: str, proxy: Seen, url: str) -> None:
    """A harness that asks for an address, whatever becomes of it."""
    body = "\n        ".join(get.strip().splitlines())
    code = f"""
from pome_harness import harness
@harness
def main(run):
    url = {url!r}
    try:
        {body}
    except Exception as error:
        print(type(error).__name__)
main.run()
"""
    named = {"HTTP_PROXY": proxy.url, "HTTPS_PROXY": proxy.url, "NO_PROXY": "127.0.0.1,localhost"}
    ran = python(code, {**variables(tmp_path), **named})
    assert ran.returncode == 0, ran.stderr


@pytest.mark.parametrize("client", CLIENTS)
def test_every_client_goes_through_the_proxy_of_the_run(tmp_path: Path, proxy: Seen, client: str) -> None:
    agent(tmp_path, CLIENTS[client], proxy, "https://api.example.com/v1/models")
    assert {(method, path) for method, path, _, _ in proxy.requests} == {("CONNECT", "api.example.com:443")}


@pytest.mark.parametrize("client", CLIENTS)
def test_twins_on_this_machine_do_not(tmp_path: Path, proxy: Seen, client: str) -> None:
    with seen() as twin:
        agent(tmp_path, CLIENTS[client], proxy, f"{twin.url}/x")
        assert [path for _, path, _, _ in twin.requests] == ["/x"]
    assert proxy.requests == []


def test_without_a_proxy_nothing_changes() -> None:
    code = """
import os
from pome_harness import route_through_proxy
before = dict(os.environ)
print(route_through_proxy(), dict(os.environ) == before)
"""
    assert python(code, {}).stdout == "False True\n"


def test_the_capture_proxy_of_pome_records_the_tunnel(tmp_path: Path) -> None:
    """The real proxy: a tunnel to this machine, which NO_PROXY would keep away, is asked for by name."""
    events = tmp_path / "events.jsonl"
    command = [program(), "capture-server", "--events-out", str(events), "--port", "0"]
    capture = subprocess.Popen(command, stderr=subprocess.PIPE, text=True)
    assert capture.stderr is not None
    try:
        found = re.search(r"listening on 127\.0\.0\.1:(\d+)", capture.stderr.readline())
        assert found
        with seen() as target:
            port = target.url.rpartition(":")[2]
            code = f"""
from pome_harness import harness
@harness
def main(run):
    import requests
    try:
        requests.get("https://localhost:{port}/x", timeout=5)
    except requests.exceptions.SSLError:
        print("through")
main.run()
"""
            url = f"http://127.0.0.1:{found.group(1)}"
            ran = python(code, {**variables(tmp_path), "HTTPS_PROXY": url, "NO_PROXY": "127.0.0.1"})
            assert ran.stdout.startswith("through\n"), ran.stderr
    finally:
        capture.terminate()
        capture.wait(timeout=10)
    (row,) = [each for each in rows(events) if each["kind"] == "LlmCallEvent"]
    assert (row["host"], row["port"]) == ("localhost", int(port))
