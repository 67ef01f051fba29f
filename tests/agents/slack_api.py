"""The Web API of the Slack twin.

    import slack_api

    slack = slack_api.client()
    channel = slack.channel("general")
    slack.say(channel, "hello")
"""

import json
import os
import urllib.request


def client():
    """The workspace of this run."""
    return Slack(os.environ["POME_SLACK_REST_URL"], os.environ["POME_SLACK_TOKEN"])


class Refused(Exception):
    """The answer was `ok: false`."""

    def __init__(self, method, error):
        super().__init__(f"{method}: {error}")
        self.error = error


class Slack:
    """One workspace."""

    def __init__(self, base, token):
        self._base = base.rstrip("/")
        self._token = token

    def call(self, method, **arguments):
        request = urllib.request.Request(f"{self._base}/{method}", json.dumps(arguments).encode(), method="POST")
        request.add_header("Authorization", f"Bearer {self._token}")
        request.add_header("Content-Type", "application/json; charset=utf-8")
        with urllib.request.urlopen(request, timeout=30) as answer:
            body = json.load(answer)
        if not body["ok"]:
            raise Refused(method, body["error"])
        return body

    def all(self, key, method, **arguments):
        """Every item of a list that comes in pages."""
        cursor = ""
        while True:
            page = self.call(method, cursor=cursor, limit=100, **arguments)
            yield from page[key]
            cursor = page.get("response_metadata", {}).get("next_cursor", "")
            if not cursor:
                return

    def channel(self, name):
        kinds = "public_channel,private_channel"
        return next(one for one in self.all("channels", "conversations.list", types=kinds) if one["name"] == name)

    def channels(self):
        return list(self.all("channels", "conversations.list", types="public_channel,private_channel"))

    def messages(self, channel):
        """The messages of a channel, oldest first, without those in threads."""
        return list(self.all("messages", "conversations.history", channel=channel["id"]))[::-1]

    def thread(self, channel, message):
        """The answers under a message, oldest first."""
        found = self.all("messages", "conversations.replies", channel=channel["id"], ts=message["ts"])
        return [each for each in found if each["ts"] != message["ts"]]

    def user(self, name):
        """A user by what people call them."""
        return next(one for one in self.all("members", "users.list") if name in (one["name"], one.get("real_name")))

    def say(self, channel, text, under=None):
        thread = {} if under is None else {"thread_ts": under["ts"]}
        return self.call("chat.postMessage", channel=channel["id"], text=text, **thread)
