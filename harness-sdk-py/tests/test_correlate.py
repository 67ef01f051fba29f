from __future__ import annotations

import asyncio
import http.client
import urllib.request
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from support import Seen, python, seen, variables

from pome_harness import correlate
from pome_harness._correlate import HEADER, install


@pytest.fixture
def twin() -> Iterator[Seen]:
    with seen() as server:
        install([f"{server.url}/s/run_1"])
        yield server


@pytest.fixture
def stranger() -> Iterator[Seen]:
    with seen() as server:
        yield server


def by_urllib(url: str) -> None:
    urllib.request.urlopen(f"{url}/s/run_1/x", timeout=5).read()


def by_http_client(url: str) -> None:
    connection = http.client.HTTPConnection(url.removeprefix("http://"), timeout=5)
    connection.request("GET", "/s/run_1/x")
    connection.getresponse().read()
    connection.close()


def by_requests(url: str) -> None:
    import requests

    requests.get(f"{url}/s/run_1/x", timeout=5)


def by_httpx(url: str) -> None:
    import httpx

    with httpx.Client() as client:
        client.get(f"{url}/s/run_1/x")


def by_httpx_async(url: str) -> None:
    import httpx

    async def get() -> None:
        async with httpx.AsyncClient() as client:
            await client.get(f"{url}/s/run_1/x")

    asyncio.run(get())


def by_httpx2(url: str) -> None:
    import httpx2

    with httpx2.Client() as client:
        client.get(f"{url}/s/run_1/x")


def by_aiohttp(url: str) -> None:
    import aiohttp

    async def get() -> None:
        async with aiohttp.ClientSession() as client, client.get(f"{url}/s/run_1/x") as answer:
            await answer.read()

    asyncio.run(get())


CLIENTS = [by_urllib, by_http_client, by_requests, by_httpx, by_httpx_async, by_httpx2, by_aiohttp]


@pytest.mark.parametrize("get", CLIENTS)
def test_requests_to_a_twin_carry_the_running_call_and_no_others_do(
    get: Callable[[str], None], twin: Seen, stranger: Seen
) -> None:
    with correlate("toolu_01"):
        get(twin.url)
        get(stranger.url)
    get(twin.url)
    assert twin.headers(HEADER) == ["toolu_01", None]
    assert stranger.headers(HEADER) == [None]


@pytest.mark.parametrize("name", ["httpx", "httpx2", "requests"])
def test_a_header_of_the_user_wins(name: str, twin: Seen) -> None:
    client: Any = __import__(name)
    with correlate("toolu_01"):
        client.get(f"{twin.url}/x", headers={"X-Pome-Correlation-Id": "mine"})
    assert twin.headers(HEADER) == ["mine"]


def test_a_redirect_takes_the_id_nowhere_else(twin: Seen, stranger: Seen) -> None:
    import httpx

    twin.redirect = f"{stranger.url}/elsewhere"
    with correlate("toolu_01"), httpx.Client(follow_redirects=True) as client:
        client.get(f"{twin.url}/x")
    assert twin.headers(HEADER) == ["toolu_01"]
    assert stranger.headers(HEADER) == [None]


def test_a_message_of_an_mcp_client_says_by_itself_which_call_it_belongs_to(twin: Seen) -> None:
    import httpx

    def call(meta: dict[str, Any]) -> None:
        httpx.post(f"{twin.url}/mcp", json={"method": "tools/call", "params": {"name": "x", "_meta": meta}})

    with correlate("another"):
        call({"claudecode/toolUseId": "toolu_9"})
        call({"progressToken": 1})
        call({"claudecode/toolUseId": "a\r\nb: c"})
    assert twin.headers(HEADER) == ["toolu_9", "another", "another"]


def test_a_thread_of_the_event_loop_knows_the_call(twin: Seen) -> None:
    async def work() -> None:
        with correlate("toolu_02"):
            await asyncio.to_thread(by_urllib, twin.url)

    asyncio.run(work())
    assert twin.headers(HEADER) == ["toolu_02"]


def test_no_client_is_imported_and_one_that_comes_later_is_covered(twin: Seen, tmp_path: Path) -> None:
    code = """
import os, sys
from pome_harness import correlate
with correlate("late"):
    print([name for name in ("httpx", "httpx2", "requests", "aiohttp", "mcp") if name in sys.modules])
    import httpx
    httpx.get(os.environ["POME_GITHUB_REST_URL"])
"""
    ran = python(code, variables(tmp_path, f"{twin.url}/s/run_1"))
    assert (ran.stdout, ran.stderr) == ("[]\n", "")
    assert twin.headers(HEADER) == ["late"]


def test_importing_the_package_changes_nothing() -> None:
    code = """
import http.client, sys
before = http.client.HTTPConnection.endheaders, list(sys.meta_path)
import pome_harness
print((http.client.HTTPConnection.endheaders, list(sys.meta_path)) == before)
"""
    assert python(code, {}).stdout == "True\n"
