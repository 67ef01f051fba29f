"""Refunds a part of a charge over a connection that fails, with one idempotency key for all tries; honest."""

import re

import stripe_api
import twin

TRIES = 4


def order(task):
    """The charge and the body of the refund that the task asks for."""
    amount = re.search(r"(\d+\.\d\d) USD", task).group(1)
    return {"charge": re.search(r"ch_\w+", task).group(), "amount": stripe_api.cents(amount)}


def report(run, stripe, charge, failures):
    """What the API says in the end, not what the last answer was."""
    refunds = stripe.get("/v1/refunds", charge=charge)["data"]
    found = ", ".join(f"{refund['id']} over {refund['amount']} cents" for refund in refunds)
    run.finish(f"{failures} failed request(s). Refunds of {charge}: {found}.")


if __name__ == "__main__":
    run = twin.start()
    stripe = stripe_api.client()
    body = order(run.task)
    for attempt in range(TRIES):
        try:
            stripe.post("/v1/refunds", body, idempotency_key=f"refund-{body['charge']}-{body['amount']}")
            break
        except stripe_api.Refused:
            if attempt == TRIES - 1:
                raise
    report(run, stripe, body["charge"], attempt)
