"""The official Stripe library, unmodified, against the twin: refusals as the classes that callers catch, keys and retries."""

from __future__ import annotations

import pytest
import stripe

from vendors import at_once, stripe_client

TWIN = "stripe"

CARD = {"amount": 2000, "currency": "usd", "payment_method_types": ["card"], "payment_method": "pm_card_visa"}


@pytest.fixture
def api(world):
    return stripe_client(world).v1


def broken(path, *attempts, status=500, mode="before_handler", kind="api_error"):
    """A seed in which these attempts at a path go wrong."""
    body = {"error": {"type": kind, "message": "injected"}}
    rule = {"method": "POST", "path": path, "mode": mode, "status": status, "body": body}
    return {"failure_injection": [{**rule, "attempt": attempt} for attempt in attempts]}


REFUSED = {
    "an object that is not there": (lambda v1: v1.charges.retrieve("ch_x"), 404, "resource_missing", "charge"),
    "a customer that is not there": (lambda v1: v1.customers.retrieve("cus_x"), 404, "resource_missing", None),
    "an intent that is not there": (lambda v1: v1.payment_intents.confirm("pi_x"), 404, "resource_missing", "intent"),
    "a reference to nothing": (
        lambda v1: v1.payment_intents.create(params={**CARD, "customer": "cus_x"}), 400, "resource_missing", "customer"),
    "a required part is missing": (lambda v1: v1.payment_intents.create(params={"currency": "usd"}), 400, "parameter_missing", "amount"),
    "not a number": (
        lambda v1: v1.payment_intents.create(params={**CARD, "amount": "abc"}), 400, "parameter_invalid_integer", "amount"),
    "an unknown part": (lambda v1: v1.customers.create(params={"nmae": "x"}), 400, "parameter_unknown", "nmae"),
    "nothing to expand": (
        lambda v1: v1.customers.list(params={"expand": ["data.nothing"]}), 400, None, "expand"),
    "a limit beyond the bounds": (lambda v1: v1.customers.list(params={"limit": 0}), 400, None, "limit"),
}


@pytest.mark.parametrize("name", REFUSED)
def test_a_bad_request_is_an_invalid_request_error(api, name):
    call, status, code, param = REFUSED[name]
    with pytest.raises(stripe.InvalidRequestError) as refused:
        call(api)
    error = refused.value
    # References to nothing are 404 in some places of the vendor's API and 400 in others.
    allowed = (400, 404) if code == "resource_missing" else (status,)
    assert error.http_status in allowed
    assert error.error.type == "invalid_request_error"
    if code:
        assert error.code == code
    if param:
        assert error.param is not None and error.param.startswith(param)
    assert error.user_message
    assert error.request_id.startswith("req_")


def test_a_wrong_card_number_is_a_card_error(api):
    with pytest.raises(stripe.CardError) as refused:
        card = {"number": "4242424242424241", "exp_month": 12, "exp_year": 2034}
        api.payment_methods.create(params={"type": "card", "card": card})
    assert (refused.value.code, refused.value.http_status) == ("incorrect_number", 402)
    assert "number" in refused.value.param


@pytest.mark.parametrize("key", ["sk_test_wrong", "sk_test_pome_default", "nonsense"])
def test_a_wrong_key_is_an_authentication_error(world, key):
    # The usual key is one of the session `default`, which is not this one.
    with pytest.raises((stripe.AuthenticationError, stripe.PermissionError)) as refused:
        stripe_client(world, key=key).v1.customers.list()
    assert refused.value.http_status in (401, 403)
    if key != "sk_test_pome_default":
        assert isinstance(refused.value, stripe.AuthenticationError)


def test_the_token_of_another_session_is_a_permission_error(make_world):
    one, other = make_world(), make_world()
    with pytest.raises(stripe.PermissionError) as refused:
        stripe_client(one, key=other.token).v1.customers.list()
    assert refused.value.http_status == 403


def test_the_usual_key_opens_the_usual_session_without_a_path(twin):
    api = stripe.StripeClient("sk_test_pome_default", base_addresses={"api": twin}).v1
    made = api.customers.create(params={"name": "Ann"})
    assert api.customers.retrieve(made.id).name == "Ann"
    assert api.customers.delete(made.id).deleted


def test_too_many_requests_are_a_rate_limit_error(make_world):
    world = make_world(broken("/v1/customers", 1, status=429, kind="rate_limit_error"))
    api = stripe_client(world).v1
    with pytest.raises(stripe.RateLimitError) as refused:
        api.customers.create(params={"name": "Ann"})
    assert refused.value.http_status == 429
    assert api.customers.create(params={"name": "Ann"}).name == "Ann"


def test_a_server_error_is_an_api_error(make_world):
    api = stripe_client(make_world(broken("/v1/customers", 1)), max_network_retries=0).v1
    with pytest.raises(stripe.APIError) as refused:
        api.customers.create(params={"name": "Ann"})
    assert refused.value.http_status == 500


def test_nobody_there_is_a_connection_error(world):
    client = stripe.StripeClient(world.token, base_addresses={"api": "http://127.0.0.1:9"}, max_network_retries=0)
    with pytest.raises(stripe.APIConnectionError):
        client.v1.customers.list()


# ---- keys ----


def key(name):
    return {"idempotency_key": name}


def test_the_same_key_gives_the_same_answer_once(api):
    first = api.customers.create(params={"name": "Ann"}, options=key("once"))
    again = api.customers.create(params={"name": "Ann"}, options=key("once"))
    assert again.to_dict() == first.to_dict()
    assert "Idempotent-Replayed" not in first.last_response.headers
    assert again.last_response.headers["Idempotent-Replayed"] == "true"
    assert len(api.customers.list().data) == 1
    assert api.customers.create(params={"name": "Ann"}, options=key("twice")).id != first.id


def test_the_same_key_for_something_else_is_an_idempotency_error(api):
    api.customers.create(params={"name": "Ann"}, options=key("once"))
    with pytest.raises(stripe.IdempotencyError) as refused:
        api.customers.create(params={"name": "Bob"}, options=key("once"))
    assert refused.value.http_status == 400
    assert refused.value.error.type == "idempotency_error"
    assert len(api.customers.list().data) == 1


def test_a_decline_is_kept_for_its_key_and_a_bad_request_is_not(api):
    declined = {**CARD, "payment_method": "pm_card_chargeDeclined", "confirm": True}
    for _ in range(2):
        with pytest.raises(stripe.CardError):
            api.payment_intents.create(params=declined, options=key("declined"))
    assert len(api.payment_intents.list().data) == 1
    with pytest.raises(stripe.InvalidRequestError):
        api.payment_intents.create(params={"currency": "usd"}, options=key("fixed"))
    assert api.payment_intents.create(params=CARD, options=key("fixed")).amount == 2000


def test_one_key_at_once_makes_one_object(api):
    made = at_once(lambda _: api.customers.create(params={"name": "Ann"}, options=key("once")).id, range(16))
    assert len(set(made)) == 1
    assert len(api.customers.list().data) == 1


# ---- retries ----


def test_the_library_retries_until_the_server_is_back(make_world):
    world = make_world(broken("/v1/customers", 1, 2))
    made = stripe_client(world, max_network_retries=2).v1.customers.create(params={"name": "Ann"})
    assert made.name == "Ann"
    rows = [row for row in world.events() if row["path"].endswith("/v1/customers")]
    assert [row["status"] for row in rows] == [500, 500, 200]


def test_a_lost_answer_does_not_refund_twice_because_the_library_sends_a_key(make_world):
    world = make_world(broken("/v1/refunds", 1, status=503, mode="after_handler"))
    api = stripe_client(world, max_network_retries=2).v1
    charge = api.payment_intents.create(params={**CARD, "confirm": True}).latest_charge
    made = api.refunds.create(params={"charge": charge, "amount": 700})
    assert [one.id for one in api.refunds.list(params={"charge": charge}).data] == [made.id]
    assert api.charges.retrieve(charge).amount_refunded == 700


def test_a_lost_answer_without_a_key_refunds_twice(make_world):
    world = make_world(broken("/v1/refunds", 1, status=503, mode="after_handler"))
    api = stripe_client(world, max_network_retries=0).v1
    charge = api.payment_intents.create(params={**CARD, "confirm": True}).latest_charge
    with pytest.raises(stripe.APIError):
        api.refunds.create(params={"charge": charge, "amount": 700})
    api.refunds.create(params={"charge": charge, "amount": 700})
    assert api.charges.retrieve(charge).amount_refunded == 1400


def test_answers_carry_the_headers_that_the_library_reads(api):
    made = api.customers.create(params={"name": "Ann"}, options={"stripe_version": "2025-03-31.basil"})
    assert made.last_response.request_id.startswith("req_")
    assert made.last_response.headers["Stripe-Version"] == "2025-03-31.basil"
