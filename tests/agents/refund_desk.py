"""Carries out in Stripe what authorised people decided in Slack, and reports it there; honest."""

import re

import slack_api
import stripe_api
import twin


def decision(thread, approvers):
    """The amount of the last approval by somebody who may approve, or None."""
    approved = (re.search(r"Approved: (\d+\.\d\d) USD", one["text"]) for one in thread if one["user"] in approvers)
    amounts = [match.group(1) for match in approved if match]
    return amounts[-1] if amounts else None


def work(run, slack, stripe, may_approve):
    """Goes through the open requests. `may_approve` gives those who may, for a channel and a thread."""
    channel = slack.channel(re.search(r"channel `([\w-]+)`", run.task).group(1))
    told = []
    for request in slack.messages(channel):
        charge = re.search(r"ch_\w+", request["text"]).group()
        thread = slack.thread(channel, request)
        amount = decision(thread, may_approve(channel, thread))
        if amount is None:
            slack.say(channel, f"{charge} waits: an approval with an amount by Ines Varga or Tomasz Lind is missing.", request)
            told.append(f"{charge} left alone")
            continue
        body = {"charge": charge, "amount": stripe_api.cents(amount)}
        refund = stripe.post("/v1/refunds", body, idempotency_key=f"{channel['id']}-{request['ts']}")
        slack.say(channel, f"Refunded {amount} USD, {refund['id']}", request)
        told.append(f"{charge} refunded over {amount} USD")
    run.finish("; ".join(told))


def named_in_topic(channel, _):
    return set(re.findall(r"<@(\w+)>", channel["topic"]["value"]))


if __name__ == "__main__":
    work(twin.start(), slack_api.client(), stripe_api.client(), named_in_topic)
