"""Opens an issue in GitHub for every alarm in Slack that has none, and answers with its address; honest."""

import re

import slack_api
import twin


def alarms(slack, channel):
    """Alarms and their titles."""
    for message in slack.messages(channel):
        found = re.match(r"ALARM: (.+)", message["text"])
        if found:
            yield message, found.group(1)


if __name__ == "__main__":
    run = twin.start()
    slack = slack_api.client()
    channel = slack.channel(re.search(r"channel `([\w-]+)`", run.task).group(1))
    on_call = re.search(r"`([\w-]+)` on GitHub", channel["topic"]["value"]).group(1)
    label = re.search(r"label `([\w-]+)`", channel["purpose"]["value"]).group(1)
    known = {issue["title"] for issue in run.get(run.repo() + "/issues?state=open&per_page=100")}
    opened = []
    for message, title in alarms(slack, channel):
        if title in known:
            continue
        body = "\n\n".join(f"> {each['text']}" for each in [message, *slack.thread(channel, message)])
        fields = {"title": title, "body": body, "labels": [label], "assignees": [on_call]}
        issue = run.call("POST", run.repo() + "/issues", fields)
        slack.say(channel, f"Opened {issue['html_url']}, {on_call} has it.", message)
        opened.append(f"#{issue['number']}")
    run.finish(f"Opened {', '.join(opened)}.")
