"""Webhooks of the twin, checked by the official Stripe library as an application would."""

from __future__ import annotations

import json
import time
from collections.abc import Callable

import pytest
import stripe

from receiver import Receiver, Seen
from vendors import stripe_client

TWIN = "stripe"

HOUR = 3600


@pytest.fixture
def world(make_world):
    # Signatures are only taken for five minutes, by the clock of whoever checks them.
    return make_world(clock=int(time.time() * 1000))


@pytest.fixture
def api(world):
    return stripe_client(world).v1


@pytest.fixture
def receive():
    opened: list[Receiver] = []

    def open_one(*statuses: int) -> Receiver:
        opened.append(Receiver(*statuses))
        return opened[-1]

    yield open_one
    for receiver in opened:
        receiver.close()


def endpoint(api, receiver, *events):
    return api.webhook_endpoints.create(params={"url": receiver.url, "enabled_events": list(events) or ["*"]})


def checked(seen: Seen, secret: str) -> stripe.Event:
    return stripe.Webhook.construct_event(seen.body, seen.headers["stripe-signature"], secret)


def until(holds: Callable[[], bool]) -> None:
    bound = time.monotonic() + 20
    while not holds():
        assert time.monotonic() < bound
        time.sleep(0.01)


def test_events_arrive_signed_and_in_order(api, receive):
    receiver = receive()
    secret = endpoint(api, receiver).secret
    ann = api.customers.create(params={"name": "Ann"})
    api.customers.update(ann.id, params={"name": "Ann B."})
    first, second = receiver.next(), receiver.next()
    events = [checked(first, secret), checked(second, secret)]
    assert [event.type for event in events] == ["customer.created", "customer.updated"]
    assert events[1].data.object["name"] == "Ann B."
    kept = api.events.retrieve(events[0].id)
    assert (kept.type, kept.created) == (events[0].type, events[0].created)
    assert first.headers["content-type"].startswith("application/json")
    assert first.headers["user-agent"].startswith("Stripe/1.0")
    assert first.path == "/hook"


def test_a_wrong_secret_or_a_changed_body_is_found_out(api, receive):
    receiver = receive()
    secret = endpoint(api, receiver).secret
    api.customers.create(params={"name": "Ann"})
    seen = receiver.next()
    assert checked(seen, secret).type == "customer.created"
    with pytest.raises(stripe.SignatureVerificationError):
        checked(seen, "whsec_of_somebody_else")
    with pytest.raises(stripe.SignatureVerificationError):
        stripe.Webhook.construct_event(seen.body.replace(b"Ann", b"Eve"), seen.headers["stripe-signature"], secret)


def test_an_endpoint_gets_the_events_it_asked_for(api, receive):
    charges, everything = receive(), receive()
    secret = endpoint(api, charges, "charge.succeeded", "charge.refunded").secret
    endpoint(api, everything)
    params = {"amount": 2000, "currency": "usd", "payment_method": "pm_card_visa", "payment_method_types": ["card"], "confirm": True}
    intent = api.payment_intents.create(params=params)
    api.refunds.create(params={"payment_intent": intent.id})
    got = [checked(charges.next(), secret) for _ in range(2)]
    assert [event.type for event in got] == ["charge.succeeded", "charge.refunded"]
    kept = len(api.events.list(params={"limit": 100}).data)
    names = [json.loads(everything.next().body)["type"] for _ in range(kept)]
    assert {"payment_intent.created", "payment_intent.succeeded", "refund.created"} <= set(names)
    assert charges.rest() == []


def test_a_disabled_and_a_deleted_endpoint_get_nothing(world, api, receive):
    off, gone, on = receive(), receive(), receive()
    api.webhook_endpoints.update(endpoint(api, off).id, params={"disabled": True})
    api.webhook_endpoints.delete(endpoint(api, gone).id)
    endpoint(api, on)
    api.customers.create(params={"name": "Ann"})
    on.next()
    world.advance(96 * HOUR)
    assert (off.rest(), gone.rest()) == ([], [])


def test_a_delivery_that_fails_comes_again_by_the_clock_of_the_world(world, api, receive):
    receiver = receive(500, 503)
    secret = endpoint(api, receiver).secret
    api.customers.create(params={"name": "Ann"})
    first = receiver.next()
    until(lambda: [one["state"] for one in world.deliveries()] == ["waiting"] and bool(world.deliveries()[0]["attempts"]))
    assert receiver.rest() == []
    for _ in range(48):
        world.advance(2 * HOUR)
        if world.deliveries()[0]["state"] != "waiting":
            break
    later = receiver.rest()
    assert len(later) == 2
    assert {checked(seen, secret).id for seen in [first, *later]} == {checked(first, secret).id}
    entry = world.deliveries()[0]
    assert (entry["state"], [attempt["status"] for attempt in entry["attempts"]]) == ("delivered", [500, 503, 200])
    assert entry["url"] == receiver.url


def test_what_nobody_takes_is_given_up(world, api):
    api.webhook_endpoints.create(params={"url": "http://127.0.0.1:9/nobody", "enabled_events": ["*"]})
    api.customers.create(params={"name": "Ann"})
    until(lambda: bool(world.deliveries()) and bool(world.deliveries()[0]["attempts"]))
    world.advance(30 * 24 * HOUR)
    entry = world.deliveries()[0]
    assert (entry["state"], entry["next"]) == ("failed", None)
    assert len(entry["attempts"]) > 1


def test_nothing_is_sent_away_from_this_machine(world, api):
    api.webhook_endpoints.create(params={"url": "https://example.com/hook", "enabled_events": ["*"]})
    api.customers.create(params={"name": "Ann"})
    until(lambda: bool(world.deliveries()) and bool(world.deliveries()[0]["attempts"]))
    attempt = world.deliveries()[0]["attempts"][0]
    assert attempt["status"] is None
    assert "POME_EGRESS_ALLOW" in attempt["error"]


def test_an_endpoint_of_the_seed_signs_with_its_secret(make_world, receive):
    receiver = receive()
    row = {"id": "we_seeded", "url": receiver.url, "enabled_events": ["customer.created"], "secret": "whsec_of_the_seed"}
    world = make_world({"webhook_endpoints": [row]}, clock=int(time.time() * 1000))
    stripe_client(world).v1.customers.create(params={"name": "Ann"})
    assert checked(receiver.next(), "whsec_of_the_seed").data.object["name"] == "Ann"
