"""The other doors of the Stripe twin: MCP with the official client, and the paywall."""

from __future__ import annotations

import base64
import json
import urllib.error
import urllib.request

import pytest
import stripe

from test_mcp import run, text
from vendors import stripe_client

TWIN = "stripe"

CRYPTO = {"crypto": {"mode": "deposit", "deposit_options": {"networks": ["base"]}}}
INTENT = {"amount": 1000, "currency": "usd", "payment_method_types": ["crypto"], "payment_method_options": CRYPTO}


@pytest.mark.parametrize("mode", ["auto", "legacy"])
def test_a_session_lists_and_calls_tools(world, mode):
    async def work(client):
        tools = await client.list_tools()
        return tools, await client.call_tool("retrieve_balance", {})

    tools, balance = run(world, work, mode=mode)
    names = [tool.name for tool in tools.tools]
    assert len(names) == len(set(names)) >= 26
    assert {"create_payment_intent", "create_refund", "simulate_crypto_deposit", "list_events"} <= set(names)
    assert json.loads(text(balance))["object"] == "balance"


def test_both_doors_open_into_one_world(world):
    api = stripe_client(world).v1

    async def work(client):
        made = json.loads(text(await client.call_tool("create_payment_intent", INTENT)))
        await client.call_tool("simulate_crypto_deposit", {"id": made["id"]})
        charge = json.loads(text(await client.call_tool("list_charges", {"payment_intent": made["id"]})))["data"][0]
        await client.call_tool("create_refund", {"charge": charge["id"], "amount": 300})
        return made["id"], charge["id"]

    intent, charge = run(world, work)
    assert api.payment_intents.retrieve(intent).status == "succeeded"
    assert api.charges.retrieve(charge).amount_refunded == 300
    tools = [row["tool"] for row in world.events()][:4]
    assert tools == ["create_payment_intent", "simulate_crypto_deposit", "list_charges", "create_refund"]


def test_a_refusal_is_a_tool_error_with_the_vendors_words(world):
    async def work(client):
        return await client.call_tool("retrieve_charge", {"id": "ch_nobody"})

    refused = run(world, work)
    assert refused.is_error
    assert json.loads(text(refused))["error"]["code"] == "resource_missing"


# ---- the paywall ----


def fetch(world, payment=None):
    request = urllib.request.Request(f"{world.rest_url}/x402/protected-resource")
    request.add_header("Authorization", f"Bearer {world.token}")
    if payment is not None:
        request.add_header("X-PAYMENT", payment)
    try:
        with urllib.request.urlopen(request, timeout=30) as answer:
            return answer.status, json.load(answer), answer.headers.get("X-PAYMENT-RESPONSE")
    except urllib.error.HTTPError as error:
        return error.code, json.load(error), None


def payment(offer, nonce="01", **changed):
    authorization = {
        "from": "0x" + "ab" * 20,
        "to": changed.get("to", offer["payTo"]),
        "value": changed.get("value", offer["maxAmountRequired"]),
        "validAfter": "0",
        "validBefore": "9999999999",
        "nonce": "0x" + nonce * 32,
    }
    network = changed.get("network", offer["network"])
    document = {
        "x402Version": 1,
        "scheme": "exact",
        "network": network,
        "payload": {"authorization": authorization, "signature": "0x" + "00" * 65},
    }
    return base64.b64encode(json.dumps(document).encode()).decode()


def offer_of(world):
    status, body, _ = fetch(world)
    assert (status, body["x402Version"]) == (402, 1)
    return body["accepts"][0]


def test_a_payment_that_fits_the_offer_opens_the_resource(world):
    offer = offer_of(world)
    header = payment(offer)
    status, body, receipt = fetch(world, header)
    assert (status, body["ok"]) == (200, True)
    settled = json.loads(base64.b64decode(receipt))
    assert (settled["success"], settled["network"]) == (True, offer["network"])
    intent = stripe_client(world).v1.payment_intents.retrieve(settled["transaction"])
    assert intent.status == "succeeded"
    assert fetch(world, header)[0] == 200, "the same payment again"
    assert len(stripe_client(world).v1.charges.list().data) == 1, "paid once"


@pytest.mark.parametrize("wrong", [{"to": "0x" + "de" * 20}, {"value": "9999"}, {"network": "eip155:1"}])
def test_a_payment_that_does_not_fit_is_asked_for_again(world, wrong):
    offer = offer_of(world)
    status, body, _ = fetch(world, payment(offer, **wrong))
    assert status == 402
    assert body["accepts"]
    assert stripe_client(world).v1.charges.list().data == []


def test_a_payment_that_is_no_document_is_asked_for_again(world):
    status, body, _ = fetch(world, "not base64 at all")
    assert (status, "malformed" in body["error"]) == (402, True)


def test_one_offer_is_paid_once(world):
    offer = offer_of(world)
    assert fetch(world, payment(offer, "01"))[0] == 200
    assert fetch(world, payment(offer, "02"))[0] == 402
    assert offer_of(world)["payTo"] != offer["payTo"]


# ---- other ways of calling ----


def test_curl_with_the_key_as_user_name_is_understood(world):
    basic = base64.b64encode(f"{world.token}:".encode()).decode()
    body = b"amount=2000&currency=usd&payment_method_types[]=card&metadata[order]=7"
    request = urllib.request.Request(f"{world.rest_url}/v1/payment_intents", body, {"Authorization": f"Basic {basic}"})
    with urllib.request.urlopen(request, timeout=30) as answer:
        made = json.load(answer)
    assert (made["payment_method_types"], made["metadata"]) == (["card"], {"order": "7"})


def test_the_older_way_of_the_library_with_global_settings(world, monkeypatch):
    monkeypatch.setattr(stripe, "api_key", world.token)
    monkeypatch.setattr(stripe, "api_base", world.rest_url)
    ann = stripe.Customer.create(name="Ann")
    stripe.Customer.modify(ann.id, name="Ann B.")
    ann.refresh()
    assert ann.name == "Ann B."
    for at in range(12):
        stripe.Customer.create(name=f"customer {at}")
    assert len(list(stripe.Customer.list(limit=5).auto_paging_iter())) == 13
    intent = stripe.PaymentIntent.create(amount=2000, currency="usd", payment_method_types=["card"])
    assert intent.confirm(payment_method="pm_card_visa").status == "succeeded"
    assert ann.delete().deleted


def test_what_is_not_modelled_says_so(world):
    with pytest.raises(stripe.APIError) as refused:
        stripe_client(world).v1.terminal.readers.list()
    assert refused.value.http_status == 501
    assert refused.value.error.code == "endpoint_not_supported"
