"""Twins from tests that one already has: a fresh session for each test, whatever the tests before it did."""

from __future__ import annotations

import sys
from pathlib import Path

import httpx
import pytest
import stripe
import triage
from github import Github
from slack_sdk import WebClient

from pome_harness.testing import Pome

HERE = Path(__file__).parent
TRIAGE = "../../scenarios/01-bug-happy-path.md"


def test_code_under_test_talks_to_a_twin(pome: Pome) -> None:
    with Github(**pome.github.pygithub()) as hub:
        hub.get_repo("acme/api").create_issue("Cache is stale", labels=["bug"])

    titles = [issue["title"] for issue in pome.github.state()["repositories"][0]["issues"]]
    assert titles[-1] == "Cache is stale"
    assert [(call["method"], call["status"]) for call in pome.github.events()][-1] == ("POST", 201)


@pytest.mark.parametrize("title", ["one", "two", "three", "four"])
def test_every_test_has_a_world_of_its_own(pome: Pome, title: str) -> None:
    pome.github.request("POST", "/repos/acme/api/issues", body={"title": title})
    numbers = [issue["number"] for issue in pome.github.request("GET", "/repos/acme/api/issues")]
    assert numbers == [2, 1]


@pytest.mark.pome(scenario=TRIAGE, n=3)
def test_an_agent_passes_a_scenario_three_times(pome: Pome) -> None:
    agent = pome.run_agent([sys.executable, HERE / "triage.py"])
    assert agent.summary == "issue #1: bug, alice"
    pome.assert_passes()


@pytest.mark.pome(scenario=TRIAGE)
def test_a_harness_in_this_process(pome: Pome) -> None:
    triage.main(pome.context())
    kinds = [event["kind"] for event in pome.trace()]
    assert kinds == ["TwinHttpEvent"] * 2 + ["ToolUseEvent"] + ["TwinHttpEvent"] * 2 + ["ToolResultEvent"]
    assert pome.evaluate().score == 100


@pytest.mark.pome(scenario=TRIAGE)
def test_an_agent_that_does_nothing_fails(pome: Pome) -> None:
    with pytest.raises(AssertionError, match="has the `bug` label applied"):
        pome.assert_passes()


@pytest.mark.pome(twins=["slack", "stripe"])
def test_several_twins(pome: Pome) -> None:
    made = pome.stripe.request("POST", "/v1/customers", form={"email": "ada@example.com"})
    text = f"new customer {made['id']}"
    pome.slack.request("POST", "/api/chat.postMessage", body={"channel": "C_GENERAL", "text": text})
    assert [(call["twin"], call["status"]) for call in pome.trace()] == [("stripe", 200), ("slack", 200)]


@pytest.mark.pome(twins=["stripe", "slack"])
def test_the_libraries_of_the_vendors(pome: Pome) -> None:
    billing = stripe.StripeClient(**pome.stripe.stripe_client())
    customer = billing.v1.customers.create({"email": "ada@example.com"})

    chat = WebClient(**pome.slack.slack())
    chat.chat_postMessage(channel="C_GENERAL", text=f"welcome {customer.email}")

    with httpx.Client(**pome.stripe.httpx()) as client:
        assert client.get(f"/v1/customers/{customer.id}").json()["email"] == "ada@example.com"


@pytest.mark.pome(scenario=TRIAGE)
def test_an_agent_over_mcp_leaves_a_trace(pome: Pome) -> None:
    agent = pome.run_agent([sys.executable, HERE / "mcp_triage.py"])
    assert agent.answer == {"summary": "issue #1: bug, alice", "labels": ["bug"]}
    pome.assert_passes()
    assert [event["kind"] for event in pome.trace()] == [
        *("ToolUseEvent", "TwinHttpEvent", "ToolResultEvent") * 2,
        "LlmTurnEvent",
        *("ToolUseEvent", "TwinHttpEvent", "ToolResultEvent"),
    ]


@pytest.mark.pome(clock="2030-05-01T00:00:00Z")
def test_time_is_the_tests(pome: Pome) -> None:
    pome.github.advance(3600)
    made = pome.github.request("POST", "/repos/acme/api/issues", body={"title": "later"})
    assert made["created_at"] == "2030-05-01T01:00:00Z"
