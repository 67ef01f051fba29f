"""Opens an issue for every alarm, looks at nothing else and tells nobody."""

import re

import incident
import slack_api
import twin

run = twin.start()
slack = slack_api.client()
channel = slack.channel(re.search(r"channel `([\w-]+)`", run.task).group(1))
titles = [title for _, title in incident.alarms(slack, channel)]
for title in titles:
    run.call("POST", run.repo() + "/issues", {"title": title})
run.finish(f"Opened {len(titles)} issues.")
