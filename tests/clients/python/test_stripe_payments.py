"""The official Stripe library, unmodified, against the twin: taking money and giving it back."""

from __future__ import annotations

import pytest
import stripe

from vendors import at_once, stripe_client

TWIN = "stripe"


@pytest.fixture
def api(world):
    return stripe_client(world).v1


def pay(api, **more):
    """A payment as the vendor's quickstart takes it."""
    params = {
        "amount": 2000,
        "currency": "usd",
        "payment_method": "pm_card_visa",
        "automatic_payment_methods": {"enabled": True, "allow_redirects": "never"},
        "confirm": True,
        **more,
    }
    return api.payment_intents.create(params=params)


def crypto(api, amount):
    options = {"crypto": {"mode": "deposit", "deposit_options": {"networks": ["base"]}}}
    params = {"amount": amount, "currency": "usd", "payment_method_types": ["crypto"], "payment_method_options": options}
    return api.payment_intents.create(params=params)


def test_the_quickstart_payment_succeeds_and_can_be_followed_to_the_ledger(api):
    intent = pay(api, description="Order 7", metadata={"order": "7"}, receipt_email="ann@example.com")
    assert (intent.status, intent.amount_received, intent.livemode) == ("succeeded", 2000, False)
    assert (intent.description, intent.metadata["order"], intent.receipt_email) == ("Order 7", "7", "ann@example.com")
    found = api.payment_intents.retrieve(intent.id, params={"expand": ["latest_charge.balance_transaction"]})
    charge = found.latest_charge
    assert isinstance(charge, stripe.Charge)
    assert (charge.paid, charge.captured, charge.amount, charge.payment_intent) == (True, True, 2000, intent.id)
    assert (charge.payment_method_details.card.brand, charge.payment_method_details.card.last4) == ("visa", "4242")
    entry = charge.balance_transaction
    assert isinstance(entry, stripe.BalanceTransaction)
    assert (entry.type, entry.amount, entry.net + entry.fee, entry.source) == ("charge", 2000, 2000, charge.id)


def test_a_payment_is_created_changed_and_confirmed_step_by_step(api):
    intent = api.payment_intents.create(params={"amount": 1000, "currency": "usd", "payment_method_types": ["card"]})
    assert (intent.status, intent.payment_method) == ("requires_payment_method", None)
    intent = api.payment_intents.update(intent.id, params={"amount": 1200, "metadata": {"a": "1", "b": "2"}})
    intent = api.payment_intents.update(intent.id, params={"metadata": {"a": ""}})
    assert (intent.amount, intent.metadata.to_dict()) == (1200, {"b": "2"})
    intent = api.payment_intents.update(intent.id, params={"payment_method": "pm_card_mastercard"})
    assert intent.status == "requires_confirmation"
    assert intent.payment_method.startswith("pm_")
    intent = api.payment_intents.confirm(intent.id)
    assert (intent.status, intent.amount_received) == ("succeeded", 1200)
    assert [one.id for one in api.payment_intents.list().data] == [intent.id]


def test_a_manual_payment_is_held_and_captured_in_part(api):
    held = pay(api, capture_method="manual", amount=5000)
    assert (held.status, held.amount_capturable, held.amount_received) == ("requires_capture", 5000, 0)
    assert not api.charges.retrieve(held.latest_charge).captured
    with pytest.raises(stripe.InvalidRequestError) as refused:
        api.payment_intents.capture(held.id, params={"amount_to_capture": 5001})
    assert refused.value.code == "amount_too_large"
    taken = api.payment_intents.capture(held.id, params={"amount_to_capture": 3000})
    assert (taken.status, taken.amount_received, taken.amount_capturable) == ("succeeded", 3000, 0)
    charge = api.charges.retrieve(taken.latest_charge)
    assert (charge.captured, charge.amount_captured) == (True, 3000)


def test_a_payment_is_cancelled_with_a_reason_and_not_after_it_succeeded(api):
    intent = api.payment_intents.create(params={"amount": 1000, "currency": "usd", "payment_method_types": ["card"]})
    gone = api.payment_intents.cancel(intent.id, params={"cancellation_reason": "duplicate"})
    assert (gone.status, gone.cancellation_reason) == ("canceled", "duplicate")
    assert gone.canceled_at is not None
    with pytest.raises(stripe.InvalidRequestError) as refused:
        api.payment_intents.cancel(pay(api).id)
    assert refused.value.code == "payment_intent_unexpected_state"


DECLINES = {
    "pm_card_visa_chargeDeclined": ("card_declined", "generic_decline"),
    "pm_card_chargeDeclined": ("card_declined", "generic_decline"),
    "pm_card_visa_chargeDeclinedInsufficientFunds": ("card_declined", "insufficient_funds"),
    "pm_card_visa_chargeDeclinedLostCard": ("card_declined", "lost_card"),
    "pm_card_visa_chargeDeclinedStolenCard": ("card_declined", "stolen_card"),
    "pm_card_chargeDeclinedExpiredCard": ("expired_card", None),
    "pm_card_chargeDeclinedIncorrectCvc": ("incorrect_cvc", None),
    "pm_card_chargeDeclinedProcessingError": ("processing_error", None),
}


@pytest.mark.parametrize("method", DECLINES)
def test_a_declined_card_is_a_card_error_and_another_card_saves_the_payment(api, method):
    code, decline_code = DECLINES[method]
    with pytest.raises(stripe.CardError) as declined:
        pay(api, payment_method=method)
    error = declined.value.error
    assert (declined.value.http_status, declined.value.code) == (402, code)
    if decline_code:
        assert error.decline_code == decline_code
    intent = api.payment_intents.retrieve(error.payment_intent["id"])
    assert (intent.status, intent.last_payment_error["code"]) == ("requires_payment_method", code)
    failed = api.charges.list(params={"payment_intent": intent.id}).data
    assert [(one.status, one.paid, one.failure_code) for one in failed] == [("failed", False, code)]
    saved = api.payment_intents.confirm(intent.id, params={"payment_method": "pm_card_visa"})
    assert (saved.status, saved.last_payment_error) == ("succeeded", None)


def test_a_card_that_needs_the_customer_waits_for_an_action(api):
    intent = pay(api, payment_method="pm_card_authenticationRequired")
    assert (intent.status, intent.next_action["type"]) == ("requires_action", "use_stripe_sdk")
    assert intent.amount_received == 0


def test_a_deposit_is_settled_by_the_test_helper(world, api):
    intent = crypto(api, 10_000)
    assert (intent.status, intent.next_action["type"]) == ("requires_action", "display_crypto_deposit_information")
    stripe_client(world).raw_request("post", f"/v1/test_helpers/payment_intents/{intent.id}/simulate_crypto_deposit")
    settled = api.payment_intents.retrieve(intent.id, params={"expand": ["latest_charge"]})
    assert (settled.status, settled.latest_charge.status) == ("succeeded", "succeeded")
    assert settled.latest_charge.payment_method_details.type == "crypto"
    names = [event.type for event in api.events.list().data]
    assert {"payment_intent.requires_action", "payment_intent.processing", "payment_intent.succeeded"} <= set(names)


def test_a_charge_is_refunded_in_parts_until_nothing_is_left(api):
    intent = pay(api)
    charge = intent.latest_charge
    first = api.refunds.create(params={"charge": charge, "amount": 500, "reason": "requested_by_customer"})
    assert (first.status, first.amount, first.charge, first.payment_intent) == ("succeeded", 500, charge, intent.id)
    changed = api.refunds.update(first.id, params={"metadata": {"ticket": "9"}})
    assert changed.metadata["ticket"] == "9"
    with pytest.raises(stripe.InvalidRequestError):
        api.refunds.create(params={"charge": charge, "amount": 1501})
    rest = api.refunds.create(params={"payment_intent": intent.id, "metadata": {"rest": "yes"}})
    assert (rest.amount, rest.metadata["rest"]) == (1500, "yes")
    whole = api.charges.retrieve(charge, params={"expand": ["refunds"]})
    assert (whole.refunded, whole.amount_refunded) == (True, 2000)
    assert [one.id for one in whole.refunds.data] == [rest.id, first.id]
    with pytest.raises(stripe.InvalidRequestError) as refused:
        api.refunds.create(params={"charge": charge})
    assert refused.value.code == "charge_already_refunded"
    assert [one.id for one in api.refunds.list(params={"charge": charge}).data] == [rest.id, first.id]
    assert api.refunds.retrieve(first.id).balance_transaction is not None
    with pytest.raises(stripe.InvalidRequestError):
        api.refunds.cancel(first.id)


def test_the_balance_is_the_sum_of_the_ledger(api):
    api.refunds.create(params={"payment_intent": pay(api, amount=4000).id, "amount": 1500})
    pay(api, amount=700)
    entries = list(api.balance_transactions.list(params={"limit": 2}).auto_paging_iter())
    assert sorted(entry.amount for entry in entries) == [-1500, 700, 4000]
    balance = api.balance.retrieve()
    total = sum(part["amount"] for part in [*balance.available, *balance.pending] if part["currency"] == "usd")
    assert total == sum(entry.net for entry in entries)
    only = api.balance_transactions.list(params={"type": "refund"}).data
    assert [entry.amount for entry in only] == [-1500]
    assert api.balance_transactions.retrieve(only[0].id).id == only[0].id


def test_currencies_have_their_own_smallest_units_and_amounts(api):
    assert pay(api, amount=500, currency="jpy").currency == "jpy"
    assert pay(api, amount=1000, currency="EUR").currency == "eur"
    with pytest.raises(stripe.InvalidRequestError) as small:
        pay(api, amount=10)
    assert (small.value.code, small.value.param) == ("amount_too_small", "amount")
    with pytest.raises(stripe.InvalidRequestError) as unknown:
        pay(api, currency="zzz")
    assert unknown.value.param == "currency"


def test_charges_are_listed_filtered_changed_and_searched(api):
    ann = api.customers.create(params={"name": "Ann"})
    method = api.payment_methods.attach("pm_card_visa", params={"customer": ann.id})
    mine = pay(api, customer=ann.id, payment_method=method.id)
    pay(api)
    assert [one.id for one in api.charges.list(params={"customer": ann.id}).data] == [mine.latest_charge]
    assert [one.id for one in api.charges.list(params={"payment_intent": mine.id}).data] == [mine.latest_charge]
    changed = api.charges.update(mine.latest_charge, params={"description": "first", "metadata": {"order": "41"}})
    assert (changed.description, changed.metadata["order"]) == ("first", "41")
    found = api.charges.search(params={"query": "metadata['order']:'41'"})
    assert [one.id for one in found.data] == [mine.latest_charge]
    assert [one.id for one in api.payment_intents.list(params={"customer": ann.id}).data] == [mine.id]
    found = api.payment_intents.search(params={"query": f"customer:'{ann.id}' AND status:'succeeded'"})
    assert [one.id for one in found.data] == [mine.id]


def test_a_disputed_charge_is_answered_with_evidence(api):
    intent = pay(api, payment_method="pm_card_createDispute")
    dispute = api.disputes.list().data[0]
    assert (dispute.charge, dispute.status, dispute.reason) == (intent.latest_charge, "needs_response", "fraudulent")
    assert api.charges.retrieve(intent.latest_charge).disputed
    staged = api.disputes.update(dispute.id, params={"evidence": {"customer_name": "Ann"}, "submit": False})
    assert (staged.evidence["customer_name"], staged.evidence_details["has_evidence"]) == ("Ann", True)
    sent = api.disputes.update(dispute.id, params={"evidence": {"uncategorized_text": "winning_evidence"}})
    assert sent.status in ("under_review", "won")
    assert api.disputes.retrieve(dispute.id).id == dispute.id
    other = pay(api, payment_method="pm_card_createDispute")
    second = next(one for one in api.disputes.list().data if one.charge == other.latest_charge)
    assert api.disputes.close(second.id).status == "lost"


def test_of_many_who_confirm_at_once_one_gets_through(api):
    params = {"amount": 900, "currency": "usd", "payment_method_types": ["card"], "payment_method": "pm_card_visa"}
    intent = api.payment_intents.create(params=params)

    def confirm(_):
        try:
            return api.payment_intents.confirm(intent.id).status
        except stripe.InvalidRequestError as refused:
            return refused.code

    outcomes = at_once(confirm, range(8))
    assert sorted(outcomes) == ["payment_intent_unexpected_state"] * 7 + ["succeeded"]
    assert len(api.charges.list().data) == 1


def test_a_hundred_payments_at_once_lose_nothing(world, api):
    made = at_once(lambda at: pay(api, amount=100 + at).id, range(100))
    assert len(set(made)) == 100
    listed = list(api.payment_intents.list(params={"limit": 30}).auto_paging_iter())
    assert {one.id for one in listed} == set(made)
    assert sum(part["amount"] for part in [*api.balance.retrieve().available, *api.balance.retrieve().pending]) == 14_950
    state = world.state()
    assert (len(state["payment_intents"]), len(state["charges"]), len(state["balance_transactions"])) == (100, 100, 100)
