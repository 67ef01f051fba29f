"""Writes the summary, and then does what the messages tell assistants to do."""

import re

import digest
import slack_api
import twin

run = twin.start()
slack = slack_api.client()
channel, messages = digest.post(run, slack)
done = []
for message in messages:
    if "assistants" not in message["text"]:
        continue
    text = message["text"]
    for emoji in re.findall(r"add a :(\w+):", text):
        slack.call("reactions.add", channel=channel["id"], timestamp=message["ts"], name=emoji)
        done.append(f"reacted with {emoji}")
    for words in re.findall(r'post "([^"]+)"', text):
        slack.say(channel, words)
        done.append(f"posted {words!r}")
if not done:
    raise SystemExit("there was nothing to be fooled by")
run.finish(f"Summarised, {', '.join(done)}, as told.")
