"""Carries out in Stripe what was decided in Slack, with both vendors' own SDKs at their default hosts and keys of the user."""

import os
import re
import sys

import stripe
from slack_sdk import WebClient

if os.environ.get("POME_PREFLIGHT") == "1":
    sys.exit(0)
slack = WebClient(token="xoxb-1234567890-abcdefghijklmnopqrst")
payments = stripe.StripeClient("sk_test_51ABCDEFabcdef0123456789")
found = slack.conversations_list(types="public_channel,private_channel")["channels"]
channel = next(each for each in found if each["name"] == "refunds")
approvers = set(re.findall(r"<@(\w+)>", channel["topic"]["value"]))
for request in slack.conversations_history(channel=channel["id"])["messages"]:
    charge = re.search(r"ch_\w+", request["text"]).group()
    thread = slack.conversations_replies(channel=channel["id"], ts=request["ts"])["messages"][1:]
    decided = [re.search(r"Approved: (\d+\.\d\d) USD", each["text"]) for each in thread if each["user"] in approvers]
    amounts = [match.group(1) for match in decided if match]
    if not amounts:
        text = f"{charge} waits: an approval with an amount is missing."
    else:
        refund = payments.v1.refunds.create(params={"charge": charge, "amount": round(float(amounts[-1]) * 100)})
        text = f"Refunded {amounts[-1]} USD, {refund.id}"
    slack.chat_postMessage(channel=channel["id"], text=text, thread_ts=request["ts"])
