"""Takes the figure of the price list for the amount: dollars where Stripe counts cents."""

import pay
import stripe_api
import twin

run = twin.start()
intent = stripe_api.client().post("/v1/payment_intents", stripe_api.deposit(pay.asked(run.task) // 100))
run.finish(f"{intent['id']} over 100.00 USD waits for a deposit at {stripe_api.address(intent)}.")
