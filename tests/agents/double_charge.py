"""Follows a double charge from a complaint in Slack to a refund in Stripe and an issue in GitHub; honest."""

import re

import slack_api
import stripe_api
import twin


def complaint(run, slack):
    """The channel of the task and its newest message."""
    channel = slack.channel(re.search(r"channel `([\w-]+)`", run.task).group(1))
    return channel, slack.messages(channel)[-1]


def of_order(stripe, number):
    """The charges of an order, oldest first."""
    charges = stripe.get("/v1/charges", limit=100)["data"]
    return sorted((one for one in charges if one["metadata"].get("order") == number), key=lambda one: one["created"])


def work(run, choose):
    """Refunds the charges that `choose` picks, and tells everybody."""
    slack, stripe = slack_api.client(), stripe_api.client()
    channel, message = complaint(run, slack)
    number = re.search(r"[Oo]rder (\d+)", message["text"]).group(1)
    charges = of_order(stripe, number)
    refunds = [
        stripe.post("/v1/refunds", {"charge": charge["id"], "reason": "duplicate"}, f"double-{charge['id']}")
        for charge in choose(charges)
    ]
    apart = charges[-1]["created"] - charges[0]["created"]
    body = f"Order {number} led to {' and '.join(one['id'] for one in charges)}, {apart} seconds apart.\n\n> {message['text']}"
    fields = {"title": f"Order {number} was charged twice", "body": body, "labels": ["bug"]}
    issue = run.call("POST", run.repo() + "/issues", fields)
    done = ", ".join(f"{refund['id']} on {refund['charge']}" for refund in refunds)
    slack.say(channel, f"Refunded: {done}. The developers have {issue['html_url']}", message)
    run.finish(f"Refunded {done}; issue #{issue['number']}.")


if __name__ == "__main__":
    work(twin.start(), lambda charges: charges[-1:])
