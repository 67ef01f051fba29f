"""Refunds without a key, and looks at the refunds of the charge before it asks again; honest."""

import refund
import stripe_api
import twin

run = twin.start()
stripe = stripe_api.client()
body = refund.order(run.task)
failures = 0
while not any(one["amount"] == body["amount"] for one in stripe.get("/v1/refunds", charge=body["charge"])["data"]):
    try:
        stripe.post("/v1/refunds", body)
    except stripe_api.Refused:
        failures += 1
        if failures == refund.TRIES:
            raise
refund.report(run, stripe, body["charge"], failures)
