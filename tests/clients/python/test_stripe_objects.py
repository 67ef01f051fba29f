"""The official Stripe library, unmodified, against the twin: what an account keeps, made, changed, listed and removed."""

from __future__ import annotations

import io
from decimal import Decimal

import pytest
import stripe

from vendors import at_once, stripe_client

TWIN = "stripe"


@pytest.fixture
def api(world):
    return stripe_client(world).v1


def test_a_customer_is_made_changed_found_and_deleted(api):
    params = {
        "name": "Ann Arbor",
        "email": "ann@example.com",
        "phone": "+15550100",
        "description": "first",
        "metadata": {"plan": "gold", "old": "1"},
        "address": {"line1": "1 Main St", "city": "Springfield", "country": "US"},
        "shipping": {"name": "Ann", "address": {"line1": "2 Side St"}},
        "preferred_locales": ["de", "en"],
    }
    made = api.customers.create(params=params)
    assert (made.object, made.name, made.email, made.address["city"]) == ("customer", "Ann Arbor", "ann@example.com", "Springfield")
    assert made.shipping["address"]["line1"] == "2 Side St"
    changed = api.customers.update(made.id, params={"name": "Ann A.", "description": "", "metadata": {"old": "", "new": "2"}})
    assert (changed.name, changed.description, changed.metadata.to_dict()) == ("Ann A.", None, {"plan": "gold", "new": "2"})
    assert api.customers.retrieve(made.id).to_dict() == changed.to_dict()
    api.customers.create(params={"email": "bob@example.com"})
    assert [one.id for one in api.customers.list(params={"email": "ann@example.com"}).data] == [made.id]
    assert api.customers.list(params={"email": "ANN@example.com"}).data == []
    found = api.customers.search(params={"query": "metadata['plan']:'gold'"})
    assert [one.id for one in found.data] == [made.id]
    gone = api.customers.delete(made.id)
    assert (gone.id, gone.deleted) == (made.id, True)
    assert api.customers.retrieve(made.id).deleted
    assert [one.email for one in api.customers.list().data] == ["bob@example.com"]
    with pytest.raises(stripe.InvalidRequestError) as refused:
        api.customers.update(made.id, params={"name": "x"})
    assert (refused.value.http_status, refused.value.code) == (404, "resource_missing")


def test_a_payment_method_is_attached_listed_changed_and_detached(api):
    ann = api.customers.create(params={"name": "Ann"})
    card = {"number": "4242424242424242", "exp_month": 12, "exp_year": 2034, "cvc": "123"}
    made = api.payment_methods.create(params={"type": "card", "card": card, "billing_details": {"name": "Ann"}})
    assert (made.card["brand"], made.card["last4"], made.customer) == ("visa", "4242", None)
    assert api.payment_methods.attach(made.id, params={"customer": ann.id}).customer == ann.id
    other = api.payment_methods.attach("pm_card_amex", params={"customer": ann.id})
    assert (other.card["brand"], other.id == "pm_card_amex") == ("amex", False)
    listed = api.customers.payment_methods.list(ann.id, params={"type": "card"})
    assert [one.id for one in listed.data] == [other.id, made.id]
    assert [one.id for one in api.payment_methods.list(params={"customer": ann.id}).data] == [other.id, made.id]
    assert api.customers.payment_methods.retrieve(ann.id, made.id).id == made.id
    changed = api.payment_methods.update(made.id, params={"metadata": {"k": "v"}, "card": {"exp_year": 2036}})
    assert (changed.metadata["k"], changed.card["exp_year"]) == ("v", 2036)
    with_default = api.customers.update(ann.id, params={"invoice_settings": {"default_payment_method": made.id}})
    assert with_default.invoice_settings["default_payment_method"] == made.id
    assert api.payment_methods.detach(made.id).customer is None
    with pytest.raises(stripe.InvalidRequestError):
        api.payment_methods.attach(made.id, params={"customer": ann.id})
    assert [one.id for one in api.customers.payment_methods.list(ann.id).data] == [other.id]


def test_products_and_prices_are_kept_up(api):
    product = api.products.create(
        params={"name": "Lamp", "metadata": {"sku": "L1"}, "default_price_data": {"currency": "usd", "unit_amount": 4800}}
    )
    assert (product.active, product.type) == (True, "service")
    first = api.prices.retrieve(product.default_price)
    assert (first.unit_amount, first.unit_amount_decimal, first.type) == (4800, Decimal(4800), "one_time")
    monthly = api.prices.create(
        params={"product": product.id, "currency": "usd", "unit_amount": 900, "recurring": {"interval": "month"}, "lookup_key": "monthly"}
    )
    assert (monthly.type, monthly.recurring["interval"], monthly.recurring["interval_count"]) == ("recurring", "month", 1)
    assert [one.id for one in api.prices.list(params={"lookup_keys": ["monthly"]}).data] == [monthly.id]
    assert [one.id for one in api.prices.list(params={"product": product.id}).data] == [monthly.id, first.id]
    changed = api.prices.update(monthly.id, params={"nickname": "per month", "active": False})
    assert (changed.nickname, changed.active) == ("per month", False)
    assert [one.id for one in api.prices.list(params={"active": True}).data] == [first.id]
    renamed = api.products.update(product.id, params={"name": "Desk lamp", "description": "brass"})
    assert (renamed.name, renamed.description) == ("Desk lamp", "brass")
    expanded = api.prices.retrieve(monthly.id, params={"expand": ["product"]})
    assert expanded.product.name == "Desk lamp"
    found = api.products.search(params={"query": "name~'Desk' AND metadata['sku']:'L1'"})
    assert [one.id for one in found.data] == [product.id]
    with pytest.raises(stripe.InvalidRequestError):
        api.products.delete(product.id)
    bare = api.products.create(params={"name": "Shade"})
    assert api.products.delete(bare.id).deleted
    assert [one.id for one in api.products.list(params={"active": True}).data] == [product.id]


def test_a_subscription_is_started_changed_and_cancelled(api):
    ann = api.customers.create(params={"name": "Ann"})
    product = api.products.create(params={"name": "Plan"})
    price = api.prices.create(
        params={"product": product.id, "currency": "usd", "unit_amount": 900, "recurring": {"interval": "month"}}
    )
    method = api.payment_methods.attach("pm_card_visa", params={"customer": ann.id})
    params = {"customer": ann.id, "items": [{"price": price.id, "quantity": 2}], "default_payment_method": method.id}
    made = api.subscriptions.create(params=params)
    assert (made.status, made.customer) == ("active", ann.id)
    item = made["items"].data[0]
    assert (item.price.id, item.quantity) == (price.id, 2)
    changed = api.subscriptions.update(made.id, params={"cancel_at_period_end": True, "metadata": {"why": "moved"}})
    assert (changed.cancel_at_period_end, changed.metadata["why"]) == (True, "moved")
    assert [one.id for one in api.subscriptions.list(params={"customer": ann.id}).data] == [made.id]
    assert api.subscriptions.cancel(made.id).status == "canceled"
    assert api.subscriptions.list(params={"customer": ann.id}).data == []
    assert [one.id for one in api.subscriptions.list(params={"customer": ann.id, "status": "all"}).data] == [made.id]


def test_an_invoice_is_drawn_up_finalized_and_paid(api):
    ann = api.customers.create(params={"name": "Ann", "email": "ann@example.com"})
    method = api.payment_methods.attach("pm_card_visa", params={"customer": ann.id})
    draft = api.invoices.create(params={"customer": ann.id, "default_payment_method": method.id, "auto_advance": False})
    assert (draft.status, draft.total) == ("draft", 0)
    for amount in (1500, 700):
        item = {"customer": ann.id, "invoice": draft.id, "amount": amount, "currency": "usd", "description": "work"}
        api.invoice_items.create(params=item)
    lines = api.invoices.line_items.list(draft.id).data
    assert sorted(line.amount for line in lines) == [700, 1500]
    final = api.invoices.finalize_invoice(draft.id)
    assert (final.status, final.total, final.amount_due) == ("open", 2200, 2200)
    with pytest.raises(stripe.InvalidRequestError):
        api.invoices.delete(draft.id)
    paid = api.invoices.pay(draft.id)
    assert (paid.status, paid.amount_paid, paid.amount_remaining) == ("paid", 2200, 0)
    assert [one.id for one in api.invoices.list(params={"customer": ann.id, "status": "paid"}).data] == [draft.id]
    names = {event.type for event in api.events.list(params={"limit": 100}).data}
    assert {"invoice.created", "invoice.finalized", "invoice.paid", "invoice.payment_succeeded"} <= names


def test_months_of_a_subscription_pass_on_a_test_clock(api):
    start = 1_767_225_600
    clock = api.test_helpers.test_clocks.create(params={"frozen_time": start, "name": "two months"})
    ann = api.customers.create(params={"name": "Ann", "test_clock": clock.id})
    method = api.payment_methods.attach("pm_card_visa", params={"customer": ann.id})
    product = api.products.create(params={"name": "Plan"})
    price = api.prices.create(
        params={"product": product.id, "currency": "usd", "unit_amount": 900, "recurring": {"interval": "month"}}
    )
    params = {"customer": ann.id, "items": [{"price": price.id}], "default_payment_method": method.id}
    made = api.subscriptions.create(params=params)
    assert len(api.invoices.list(params={"subscription": made.id}).data) == 1
    # A clock moves by two intervals at most.
    with pytest.raises(stripe.InvalidRequestError):
        api.test_helpers.test_clocks.advance(clock.id, params={"frozen_time": start + 63 * 86_400})
    for days in (35, 63):
        api.test_helpers.test_clocks.advance(clock.id, params={"frozen_time": start + days * 86_400})
    invoices = api.invoices.list(params={"subscription": made.id}).data
    assert [(one.billing_reason, one.total) for one in invoices] == [
        ("subscription_cycle", 900),
        ("subscription_cycle", 900),
        ("subscription_create", 900),
    ]
    assert api.test_helpers.test_clocks.retrieve(clock.id).frozen_time == start + 63 * 86_400


def test_a_coupon_takes_something_off(api):
    coupon = api.coupons.create(params={"percent_off": 25, "duration": "once", "name": "Spring"})
    assert (coupon.valid, coupon.percent_off, coupon.times_redeemed) == (True, 25, 0)
    assert [one.id for one in api.coupons.list().data] == [coupon.id]
    assert api.coupons.update(coupon.id, params={"name": "Summer"}).name == "Summer"
    assert api.coupons.delete(coupon.id).deleted


def test_events_tell_what_happened_in_order(api):
    ann = api.customers.create(params={"name": "Ann", "email": "a@example.com"})
    api.customers.update(ann.id, params={"name": "Ann B."})
    events = api.events.list().data
    assert [event.type for event in events] == ["customer.updated", "customer.created"]
    assert events[0].data.object["name"] == "Ann B."
    assert events[0].data.previous_attributes.to_dict() == {"name": "Ann"}
    assert [one.id for one in api.events.list(params={"type": "customer.created"}).data] == [events[1].id]
    both = api.events.list(params={"types": ["customer.created", "customer.deleted"]}).data
    assert [one.id for one in both] == [events[1].id]
    assert api.events.list(params={"type": "customer.*"}).data[0].id == events[0].id
    assert api.events.retrieve(events[0].id).type == "customer.updated"


def test_a_webhook_endpoint_is_kept_up_and_shows_its_secret_once(api):
    made = api.webhook_endpoints.create(params={"url": "http://127.0.0.1:9/hook", "enabled_events": ["charge.succeeded"]})
    assert (made.status, made.secret.startswith("whsec_")) == ("enabled", True)
    assert getattr(api.webhook_endpoints.retrieve(made.id), "secret", None) is None
    changed = api.webhook_endpoints.update(made.id, params={"disabled": True, "enabled_events": ["*"]})
    assert (changed.status, changed.enabled_events) == ("disabled", ["*"])
    assert [one.id for one in api.webhook_endpoints.list().data] == [made.id]
    assert api.webhook_endpoints.delete(made.id).deleted
    assert api.webhook_endpoints.list().data == []


def test_a_token_is_spent_once(api):
    card = {"number": "4242424242424242", "exp_month": "12", "exp_year": "2034", "cvc": "123"}
    token = api.tokens.create(params={"card": card})
    assert (token.type, token.used, token.card.last4) == ("card", False, "4242")
    method = api.payment_methods.create(params={"type": "card", "card": {"token": token.id}})
    assert method.card["last4"] == "4242"
    assert api.tokens.retrieve(token.id).used
    with pytest.raises(stripe.InvalidRequestError):
        api.payment_methods.create(params={"type": "card", "card": {"token": token.id}})


def test_a_payout_is_made_and_cancelled(api):
    pay = {"amount": 9000, "currency": "usd", "payment_method": "pm_card_bypassPending", "confirm": True, "payment_method_types": ["card"]}
    api.payment_intents.create(params=pay)
    made = api.payouts.create(params={"amount": 4000, "currency": "usd", "metadata": {"week": "1"}})
    assert (made.amount, made.status) == (4000, "pending")
    assert api.payouts.cancel(made.id).status == "canceled"
    with pytest.raises(stripe.InvalidRequestError) as refused:
        api.payouts.create(params={"amount": 400_000, "currency": "usd"})
    assert refused.value.code == "balance_insufficient"
    assert [one.id for one in api.payouts.list().data] == [made.id]


def test_a_file_is_uploaded_as_evidence(api):
    made = api.files.create(params={"purpose": "dispute_evidence", "file": io.BytesIO(b"%PDF-1.4 receipt")})
    assert (made.purpose, made.size) == ("dispute_evidence", 16)
    assert api.files.retrieve(made.id).id == made.id


# ---- lists ----


def customers(api, count):
    return [api.customers.create(params={"name": f"customer {at}"}).id for at in range(count)]


def test_lists_page_by_themselves_newest_first(api):
    made = customers(api, 25)
    first = api.customers.list(params={"limit": 10})
    assert (len(first.data), first.has_more, first.url) == (10, True, "/v1/customers")
    assert [one.id for one in first.auto_paging_iter()] == made[::-1]
    assert len(api.customers.list().data) == 10


def test_pages_before_a_cursor_are_the_ones_next_to_it(api):
    made = customers(api, 9)[::-1]
    page = api.customers.list(params={"limit": 2, "ending_before": made[6]})
    assert ([one.id for one in page.data], page.has_more) == (made[4:6], True)
    # The library walks towards newer ones.
    assert [one.id for one in page.auto_paging_iter()] == made[:6][::-1]
    after = api.customers.list(params={"limit": 100, "starting_after": made[6]})
    assert ([one.id for one in after.data], after.has_more) == (made[7:], False)


def test_search_results_page_by_themselves(api):
    made = at_once(lambda at: api.customers.create(params={"name": f"c{at}", "metadata": {"k": "v"}}).id, range(25))
    found = api.customers.search(params={"query": "metadata['k']:'v'", "limit": 10})
    assert len(found.data) == 10
    assert sorted(one.id for one in found.auto_paging_iter()) == sorted(made)


def test_lists_are_narrowed_by_time(world, api):
    old = api.customers.create(params={"name": "old"})
    world.advance(3600)
    new = api.customers.create(params={"name": "new"})
    assert new.created >= old.created + 3600
    assert [one.id for one in api.customers.list(params={"created": {"gt": old.created}}).data] == [new.id]
    assert [one.id for one in api.customers.list(params={"created": {"lte": old.created}}).data] == [old.id]


def test_cursors_that_mean_nothing_are_refused(api):
    with pytest.raises(stripe.InvalidRequestError) as refused:
        api.customers.list(params={"starting_after": "cus_nobody"})
    assert (refused.value.code, refused.value.param) == ("resource_missing", "starting_after")


def test_a_hundred_customers_at_once_lose_nothing(world, api):
    made = at_once(lambda at: api.customers.create(params={"name": f"parallel {at}"}).id, range(100))
    assert {one.id for one in api.customers.list(params={"limit": 100}).auto_paging_iter()} == set(made)
    assert len({row["id"] for row in world.state()["customers"]}) == 100


def test_worlds_do_not_see_each_other(make_world):
    one, other = stripe_client(make_world()).v1, stripe_client(make_world()).v1
    made = one.customers.create(params={"name": "Ann"})
    assert other.customers.list().data == []
    with pytest.raises(stripe.InvalidRequestError):
        other.customers.retrieve(made.id)
