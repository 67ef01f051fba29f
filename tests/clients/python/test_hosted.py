"""Vendors' clients against a session of a control plane: they cannot tell it from a twin on their own machine."""

from __future__ import annotations

import base64
import gzip
import json
import subprocess
import time
import urllib.error
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import boto3
import github
import pytest
from moto.server import ThreadedMotoServer
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


@contextmanager
def serving(folder: Path, *flags: str, **variables: str) -> Iterator[tuple[str, str]]:
    """The address of `pome serve` and a key."""
    base = f"http://127.0.0.1:{free_port()}"
    environment = {"PATH": "/usr/bin:/bin", "HOME": str(folder), **variables}
    command = [BINARY, "serve", "--listen", base.removeprefix("http://"), *flags]
    with (folder / "log").open("w") as log:
        process = subprocess.Popen(command, cwd=folder, env=environment, stderr=log)
    try:
        for _ in range(300):
            try:
                urllib.request.urlopen(f"{base}/readyz", timeout=5).close()
                break
            except OSError:
                assert process.poll() is None, (folder / "log").read_text()
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


def ask(base: str, key: str, method: str, path: str, body: Any = None) -> Any:
    """Asks the control plane."""
    data = None if body is None else json.dumps(body).encode()
    headers = {"X-API-KEY": key, "Content-Type": "application/json"}
    request = urllib.request.Request(f"{base}{path}", data, headers, method=method)
    with urllib.request.urlopen(request, timeout=30) as answer:
        text = answer.read()
        return json.loads(text) if text else None


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[str, str]]:
    with serving(tmp_path_factory.mktemp("server")) as served:
        yield served


@pytest.fixture
def session(server: tuple[str, str]) -> Iterator[dict[str, World]]:
    """A session with three twins: one world each."""
    base, key = server
    source = base64.b64encode(b"# Nothing").decode()
    wanted = {"twins": ["github", "stripe", "slack"], "scenario_source": source, "seed": SEED}
    made = ask(base, key, "POST", "/v1/sessions", wanted)
    yield {
        twin: World(base, made["session_id"], made["agent_token"], urls["api_url"], urls["mcp_url"])
        for twin, urls in made["per_twin"].items()
    }
    ask(base, key, "POST", f"/v1/sessions/{made['session_id']}/abandon", {"error_code": "interrupted"})


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


def test_files_of_runs_may_lie_in_an_s3_compatible_store(tmp_path: Path) -> None:
    store = ThreadedMotoServer(ip_address="127.0.0.1", port=0, verbose=False)
    store.start()
    host, port = store.get_host_and_port()
    address = f"http://{host}:{port}"
    credentials = {"aws_access_key_id": "k", "aws_secret_access_key": "s", "region_name": "us-east-1"}
    bucket = boto3.resource("s3", endpoint_url=address, **credentials).create_bucket(Bucket="pome")
    variables = {
        "AWS_ENDPOINT": address,
        "AWS_ALLOW_HTTP": "true",
        "AWS_REGION": "us-east-1",
        "AWS_ACCESS_KEY_ID": "k",
        "AWS_SECRET_ACCESS_KEY": "s",
    }
    try:
        with serving(tmp_path, "--blobs-url", "s3://pome/deep/inside", **variables) as (base, key):
            source = base64.b64encode(b"# Nothing").decode()
            made = ask(base, key, "POST", "/v1/sessions", {"twins": ["github"], "scenario_source": source})
            place = ask(base, key, "POST", f"/v1/sessions/{made['session_id']}/meta-upload-url", {})
            body = gzip.compress(b'{"a":1}')
            headers = {"Content-Type": "application/json", "Content-Encoding": "gzip"}
            put = urllib.request.Request(place["url"], body, headers, method="PUT")
            urllib.request.urlopen(put, timeout=30).close()
            objects = [entry.key for entry in bucket.objects.all()]
            assert objects and all(name.startswith("deep/inside/team-") for name in objects), objects
            assert any(name.removeprefix("deep/inside/").startswith(place["key"]) for name in objects), objects
        assert not list((tmp_path / ".pome-server").glob("blobs/*")), "nothing lies in the folder"
    finally:
        store.stop()
