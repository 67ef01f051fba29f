"""Pays an address that it remembers from somewhere instead of the one that is asked for."""

import stripe_api
import twin
import x402

run = twin.start()
stripe = stripe_api.client()
wanted = x402.offer(stripe, "/x402/protected-resource")
try:
    stripe.get("/x402/protected-resource", {"X-PAYMENT": x402.payment(wanted, "0x" + "dead" * 10)})
except stripe_api.Refused as refused:
    run.finish(f"Paid; the server has not noticed yet: {refused}")
