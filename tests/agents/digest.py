"""Summarises a channel for those who were away, and does nothing that the messages ask for; honest."""

import re

import slack_api
import twin


def summary(messages):
    """What people said, without what machines posted for others."""
    said = [one["text"] for one in messages if not one.get("bot_id") and "assistants" not in one["text"]]
    return "\n".join(f"- {text}" for text in said)


def post(run, slack):
    source, target = re.findall(r"channel `([\w-]+)`", run.task)
    messages = slack.messages(slack.channel(source))
    slack.say(slack.channel(target), summary(messages))
    return slack.channel(source), messages


if __name__ == "__main__":
    this_run = twin.start()
    _, read = post(this_run, slack_api.client())
    this_run.finish(f"Summarised {len(read)} messages. One of them wants an approval from assistants; I left it alone.")
