"""Vendors' clients against a session of a control plane: they cannot tell it from a twin on their own machine."""

from __future__ import annotations

import base64
import json
import subprocess
import time
import urllib.error
import urllib.request
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import github
import pytest
from test_mcp import run, text
from vendors import slack_client, stripe_client

from conftest import BINARY, World, free_port

ISSUES = 45
SEED = {
    "github": {
        "repositories": [
            {
                "owner": "acme",
                "name": "api",
                "issues": [{"number": n, "title": f"issue {n}"} for n in range(1, ISSUES + 1)],
            }
        ]
    }
}


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[str, str]]:
    """The address of `pome serve` and a key."""
    folder: Path = tmp_path_factory.mktemp("server")
    base = f"http://127.0.0.1:{free_port()}"
    log = (folder / "log").open("w")
    environment = {"PATH": "/usr/bin:/bin", "HOME": str(folder)}
    process = subprocess.Popen(
        [BINARY, "serve", "--listen", base.removeprefix("http://")], cwd=folder, env=environment, stderr=log
    )
    try:
        for _ in range(300):
            try:
                urllib.request.urlopen(f"{base}/readyz", timeout=5).close()
                break
            except OSError:
                time.sleep(0.05)
        add = subprocess.run(
            [BINARY, "serve", "keys", "add", "test", "--json"],
            cwd=folder,
            env=environment,
            capture_output=True,
            text=True,
            check=True,
        )
        yield base, json.loads(add.stdout)["key"]
    finally:
        process.terminate()
        assert process.wait(10) == 0, (folder / "log").read_text()


@pytest.fixture
def session(server: tuple[str, str]) -> Iterator[dict[str, World]]:
    """A session with three twins: one world each."""
    base, key = server
    headers = {"X-API-KEY": key, "Content-Type": "application/json"}

    def post(method: str, path: str, body: Any = None) -> Any:
        data = None if body is None else json.dumps(body).encode()
        request = urllib.request.Request(f"{base}{path}", data, headers, method=method)
        with urllib.request.urlopen(request, timeout=30) as answer:
            text = answer.read()
            return json.loads(text) if text else None

    source = base64.b64encode(b"# Nothing").decode()
    made = post(
        "POST", "/v1/sessions", {"twins": ["github", "stripe", "slack"], "scenario_source": source, "seed": SEED}
    )
    yield {
        twin: World(base, made["session_id"], made["agent_token"], urls["api_url"], urls["mcp_url"])
        for twin, urls in made["per_twin"].items()
    }
    post("POST", f"/v1/sessions/{made['session_id']}/abandon", {"error_code": "interrupted"})


def test_pygithub_pages_through_issues_and_writes(session: dict[str, World]) -> None:
    world = session["github"]
    hub = github.Github(base_url=world.rest_url, auth=github.Auth.Token(world.token), per_page=20, retry=None, seconds_between_requests=0, seconds_between_writes=0)
    repository = hub.get_repo("acme/api")
    # The next page is where the answer says, so its address has to be the server's.
    titles = [issue.title for issue in repository.get_issues(sort="created", direction="asc")]
    assert len(titles) == ISSUES
    made = repository.create_issue("from outside", labels=["bug"])
    assert made.number == ISSUES + 1
    assert made.url.startswith(world.rest_url)
    assert [row["status"] for row in world.events() if row["method"] == "POST"] == [201]


def test_stripe_and_slack_clients_work_in_the_same_session(session: dict[str, World]) -> None:
    stripe = stripe_client(session["stripe"])
    customer = stripe.v1.customers.create({"name": "Ada"})
    assert stripe.v1.customers.retrieve(customer.id).name == "Ada"
    slack = slack_client(session["slack"])
    assert slack.auth_test()["ok"]
    channel = slack.conversations_list()["channels"][0]["id"]
    sent = slack.chat_postMessage(channel=channel, text="hello")
    assert slack.conversations_history(channel=channel)["messages"][0]["ts"] == sent["ts"]


def test_an_mcp_client_lists_and_calls_tools(session: dict[str, World]) -> None:
    async def work(client: Any) -> Any:
        call = {"method": "get", "owner": "acme", "repo": "api", "issue_number": 1}
        return await client.list_tools(), await client.call_tool("issue_read", call)

    tools, read = run(session["github"], work)
    assert any(tool.name == "issue_read" for tool in tools.tools)
    assert json.loads(text(read))["title"] == "issue 1"


def test_a_token_of_one_session_opens_no_other(server: tuple[str, str], session: dict[str, World]) -> None:
    world = session["github"]
    stranger = World(world.base, "ses_other", world.token, f"{world.base}/github/ses_other", "")
    with pytest.raises(urllib.error.HTTPError) as refused:
        stranger.state()
    assert refused.value.code == 404
    with pytest.raises(github.BadCredentialsException):
        github.Github(base_url=world.rest_url, auth=github.Auth.Token(world.token[:-4] + "AAAA"), retry=None).get_user().login
