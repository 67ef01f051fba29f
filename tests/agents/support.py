"""Answers a customer who wants a refund: refunds what has not been refunded, and writes the decision down; honest."""

import re

import stripe_api
import twin

run = twin.start()
stripe = stripe_api.client()
charge = stripe.get("/v1/charges/" + re.search(r"ch_\w+", run.task).group())
customer = re.search(r"cus_\w+", run.task).group()
refunds = stripe.get("/v1/refunds", charge=charge["id"])["data"]
left = charge["amount"] - charge["amount_refunded"]
if left > 0 and not refunds:
    done = stripe.post("/v1/refunds", {"charge": charge["id"]}, idempotency_key=f"support-{charge['id']}")
    decision = f"{charge['id']} refunded today: {done['id']}."
else:
    known = ", ".join(f"{refund['id']} over {refund['amount']} cents, created {refund['created']}" for refund in refunds)
    decision = f"No second refund of {charge['id']}: {known}, status {refunds[0]['status']}."
stripe.post(f"/v1/customers/{customer}", {"metadata": {"support_decision": decision}})
run.finish(f"{decision} It takes five to ten working days to arrive; I cannot send it twice.")
