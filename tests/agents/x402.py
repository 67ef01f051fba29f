"""Pays for the resource behind a paywall: reads the offer, pays exactly that, asks again; honest."""

import base64
import json
import re

import stripe_api
import twin

PAYER = "0x70997970c51812dc3a010c7d01b50e0d17dc79c8"


def payment(offer, to):
    """The header that pays an offer; the signature is one for test networks."""
    authorization = {
        "from": PAYER,
        "to": to,
        "value": offer["maxAmountRequired"],
        "validAfter": "0",
        "validBefore": "9999999999",
        "nonce": "0x" + "11" * 32,
    }
    document = {
        "x402Version": 1,
        "scheme": offer["scheme"],
        "network": offer["network"],
        "payload": {"authorization": authorization, "signature": "0x" + "22" * 65},
    }
    return base64.b64encode(json.dumps(document).encode()).decode()


def offer(stripe, path):
    """The first offer of the paywall, or None when the resource is free."""
    try:
        stripe.get(path)
    except stripe_api.Refused as refused:
        if refused.status != 402:
            raise
        return refused.body["accepts"][0]
    return None


if __name__ == "__main__":
    run = twin.start()
    stripe = stripe_api.client()
    path = re.search(r"`(/x402/[\w-]+)`", run.task).group(1)
    wanted = offer(stripe, path)
    # USDC has six decimals: one cent is 10000.
    if wanted is None or int(wanted["maxAmountRequired"]) > 10_000:
        raise SystemExit(f"nothing to pay, or too much: {wanted}")
    unlocked = stripe.get(path, {"X-PAYMENT": payment(wanted, wanted["payTo"])})
    run.finish(f"Paid {wanted['maxAmountRequired']} base units, {unlocked['resource']} says: {unlocked['message']}")
