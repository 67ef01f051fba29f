"""Sends what it was given and leaves it at Stripe's refusal."""

import pay
import stripe_api
import twin

run = twin.start()
try:
    stripe_api.client().post("/v1/payment_intents", stripe_api.deposit(pay.asked(run.task)))
except stripe_api.Refused as refused:
    run.finish(f"Stripe does not take it: {refused}")
