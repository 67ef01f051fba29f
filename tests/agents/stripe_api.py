"""The API of the Stripe twin, the way the vendor's own libraries speak it: forms in, JSON out.

    import stripe_api

    stripe = stripe_api.client()
    charge = stripe.get("/v1/charges/ch_1")
    stripe.post("/v1/refunds", {"charge": "ch_1"}, idempotency_key="once")
"""

import json
import os
import urllib.error
import urllib.parse
import urllib.request


def client():
    """The API of this run."""
    return Stripe(os.environ["POME_STRIPE_API_BASE"], os.environ["POME_STRIPE_API_KEY"])


class Refused(Exception):
    """The API answered with an error, or with the offer of a paywall."""

    def __init__(self, method, path, status, body):
        self.status = status
        self.body = body if isinstance(body, dict) else {}
        error = self.body.get("error")
        self.error = error if isinstance(error, dict) else {}
        super().__init__(f"{method} {path}: {status} {self.error.get('message', error)}")


class Stripe:
    """One account."""

    def __init__(self, base, key):
        self._base = base.rstrip("/")
        self._key = key

    def get(self, path, headers=None, **query):
        return self.call("GET", f"{path}?{urllib.parse.urlencode(query)}" if query else path, None, headers)

    def post(self, path, form=None, idempotency_key=None):
        headers = {} if idempotency_key is None else {"Idempotency-Key": idempotency_key}
        return self.call("POST", path, urllib.parse.urlencode(list(flat(form or {}))).encode(), headers)

    def call(self, method, path, data, headers=None):
        request = urllib.request.Request(self._base + path, data=data, method=method, headers=headers or {})
        request.add_header("Authorization", f"Bearer {self._key}")
        if data is not None:
            request.add_header("Content-Type", "application/x-www-form-urlencoded")
        try:
            with urllib.request.urlopen(request, timeout=30) as answer:
                return json.load(answer)
        except urllib.error.HTTPError as error:
            raise Refused(method, path, error.code, json.loads(error.read() or b"null")) from error


def flat(value, name=""):
    """`{"a": {"b": [1]}}` as the pairs of a form: `a[b][0]=1`."""
    if isinstance(value, dict):
        pairs = value.items()
    elif isinstance(value, list):
        pairs = enumerate(value)
    else:
        yield name, str(value).lower() if isinstance(value, bool) else value
        return
    for key, inner in pairs:
        yield from flat(inner, f"{name}[{key}]" if name else str(key))


def deposit(cents, **more):
    """The body of a PaymentIntent that waits for a deposit on Base."""
    return {
        "amount": cents,
        "currency": "usd",
        "payment_method_types": ["crypto"],
        "payment_method_options": {"crypto": {"mode": "deposit", "deposit_options": {"networks": ["base"]}}},
        **more,
    }


def cents(amount):
    """`"100.00"` as 10000."""
    whole, _, part = amount.partition(".")
    return int(whole) * 100 + int(part.ljust(2, "0") or 0)


def address(intent):
    """Where the customer of a PaymentIntent has to send the money to."""
    return intent["next_action"]["crypto_display_details"]["deposit_addresses"]["base"]["address"]
