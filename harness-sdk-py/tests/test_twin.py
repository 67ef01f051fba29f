from __future__ import annotations

import asyncio
import json
from pathlib import Path
from typing import Any

import pytest
from support import seen

from pome_harness import HarnessError, Twin, TwinRequestError, Twins, UnknownTwinError
from pome_harness.testing import Pome


def test_a_request_is_json_and_its_answer_is_decoded(pome: Pome) -> None:
    issue = pome.github.request("GET", "/repos/acme/api/issues/1")
    assert issue["number"] == 1
    labelled = pome.github.request("post", "repos/acme/api/issues/1/labels", body={"labels": ["bug"]})
    assert [label["name"] for label in labelled] == ["bug"]
    found = pome.github.request("GET", "/repos/acme/api/issues", query={"labels": "bug", "state": "all", "x": None})
    assert [each["number"] for each in found] == [1]
    assert [row["method"] for row in pome.github.events()] == ["GET", "POST", "GET"]


def test_an_error_of_the_twin_has_its_status_and_body(pome: Pome) -> None:
    with pytest.raises(TwinRequestError, match=r"GET .*/issues/999: 404 Not Found") as refused:
        pome.github.request("GET", "/repos/acme/api/issues/999")
    assert (refused.value.status, refused.value.body["message"]) == (404, "Not Found")


def test_a_twin_that_is_gone_has_no_status() -> None:
    with pytest.raises(TwinRequestError, match="no answer") as refused:
        Twin("github", "http://127.0.0.1:1", "http://127.0.0.1:1/mcp", "t").request("GET", "/user", timeout=2)
    assert refused.value.status is None


def test_a_request_in_an_event_loop(pome: Pome) -> None:
    async def both() -> list[Any]:
        return await asyncio.gather(*(pome.github.arequest("GET", path) for path in ("/user", "/repos/acme/api")))

    user, repo = asyncio.run(both())
    assert (user["login"], repo["full_name"]) == ("pome-agent", "acme/api")


@pytest.mark.pome(twins=["stripe"])
def test_a_form_nests_with_brackets(pome: Pome) -> None:
    form = {"email": "a@example.com", "metadata": {"tier": "gold"}, "preferred_locales": ["en", "de"]}
    made = pome.stripe.request("POST", "/v1/customers", form=form)
    assert (made["metadata"], made["preferred_locales"]) == ({"tier": "gold"}, ["en", "de"])


def test_bodies_and_headers_go_out_as_they_were_given() -> None:
    with seen() as server:
        twin = Twin("mine", server.url, f"{server.url}/mcp", "secret")
        twin.request("PUT", "/a", body=b"raw", headers={"Content-Type": "text/plain", "X-Mine": "1"})
        twin.request("POST", "/b?x=1", query={"y": [1, True]}, form={"deep": {"list": [{"a": False}]}})
        with pytest.raises(HarnessError, match="either"):
            twin.request("POST", "/c", body={}, form={})
    (put, post) = server.requests
    assert (put[3], put[2]["content-type"], put[2]["x-mine"]) == (b"raw", "text/plain", "1")
    assert put[2]["authorization"] == "Bearer secret"
    assert post[1] == "/b?x=1&y%5B0%5D=1&y%5B1%5D=true"
    assert post[3] == b"deep%5Blist%5D%5B0%5D%5Ba%5D=false"


def test_pygithub_talks_to_the_twin(pome: Pome) -> None:
    from github import Github

    with Github(**pome.github.pygithub()) as hub:
        hub.get_repo("acme/api").get_issue(1).add_to_labels("bug")
    issue = pome.github.state()["repositories"][0]["issues"][0]
    assert [label["name"] for label in issue["labels"]] == ["bug"]


@pytest.mark.pome(twins=["stripe"])
def test_stripe_talks_to_the_twin_as_a_client_and_as_a_module(pome: Pome, monkeypatch: pytest.MonkeyPatch) -> None:
    import stripe

    made = stripe.StripeClient(**pome.stripe.stripe_client()).v1.customers.create({"email": "a@example.com"})
    options = pome.stripe.stripe()
    monkeypatch.setattr(stripe, "api_key", options["api_key"])
    monkeypatch.setattr(stripe, "api_base", options["api_base"])
    assert stripe.Customer.retrieve(made.id).email == "a@example.com"


@pytest.mark.pome(twins=["slack"])
def test_slack_talks_to_the_twin(pome: Pome) -> None:
    from slack_sdk import WebClient

    slack = WebClient(**pome.slack.slack())
    assert slack.auth_test()["user"] == "pome-agent"


def test_httpx_talks_to_the_twin(pome: Pome) -> None:
    import httpx

    with httpx.Client(**pome.github.httpx()) as client:
        assert client.get("/user").json()["login"] == "pome-agent"


def test_a_twin_nobody_knows_has_the_general_members(tmp_path: Path) -> None:
    twins = Twins({"mine": Twin("mine", "http://127.0.0.1:1", "http://127.0.0.1:1/mcp", "t")})
    assert list(twins) == ["mine"]
    assert not hasattr(twins["mine"], "pygithub")
    assert twins.get("other") is None
    assert "other" not in twins
    with pytest.raises(UnknownTwinError, match="no twin `other`; it has `mine`"):
        twins["other"]
    assert json.dumps(twins["mine"].httpx()["base_url"]) == '"http://127.0.0.1:1"'
