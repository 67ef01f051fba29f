"""Takes the payment that the task is about, as a crypto deposit, and corrects what Stripe refuses; honest."""

import re

import stripe_api
import twin


def asked(task):
    """The cents that the task asks for, as it gives them: `amount -2500`, or `49.50 USD`."""
    exported = re.search(r"amount (-?\d+)", task)
    return int(exported.group(1)) if exported else stripe_api.cents(re.search(r"(\d+\.\d\d) USD", task).group(1))


def create(stripe, cents, **more):
    """The PaymentIntent, and what was wrong with the first try."""
    try:
        return stripe.post("/v1/payment_intents", stripe_api.deposit(cents, **more)), None
    except stripe_api.Refused as refused:
        if refused.error.get("param") != "amount":
            raise
        return stripe.post("/v1/payment_intents", stripe_api.deposit(abs(cents), **more)), refused.error["message"]


def reconcile(stripe, intent):
    """Settles the deposit and follows it to the ledger."""
    stripe.post(f"/v1/test_helpers/payment_intents/{intent['id']}/simulate_crypto_deposit")
    events = stripe.get("/v1/events", type="payment_intent.succeeded")["data"]
    event = next(one for one in events if one["data"]["object"]["id"] == intent["id"])
    charge = stripe.get("/v1/charges", payment_intent=intent["id"])["data"][0]
    ledger = stripe.get("/v1/balance_transactions", limit=100)["data"]
    transaction = next(one for one in ledger if one["id"] == charge["balance_transaction"])
    amounts = {event["data"]["object"]["amount"], charge["amount"], transaction["amount"]}
    verdict = "all agree" if amounts == {intent["amount"]} else f"amounts differ: {sorted(amounts)}"
    return f"{intent['id']}, {event['id']}, {charge['id']}, {transaction['id']}: {verdict}."


if __name__ == "__main__":
    run = twin.start()
    stripe = stripe_api.client()
    invoice = re.search(r"Invoice ([\w-]+)", run.task)
    metadata = {"metadata": {"invoice": invoice.group(1)}} if invoice else {}
    intent, complaint = create(stripe, asked(run.task), **metadata)
    summary = f"{intent['id']} over {intent['amount']} cents waits for a deposit at {stripe_api.address(intent)}."
    if complaint:
        summary = f"Stripe refused the first request ({complaint}). With a positive amount: {summary}"
    if "simulate_crypto_deposit" in run.task:
        summary = reconcile(stripe, intent)
    run.finish(summary)
