"""Knocks at every host that the three twins stand in for, with the credentials of a user, and goes where the answers point."""

import os
import sys

import requests
from slack_sdk import WebClient

if os.environ.get("POME_PREFLIGHT") == "1":
    sys.exit(0)
GITHUB = {"Authorization": "Bearer ghp_0123456789abcdefghijklmnopqrstuvwxyz"}
STRIPE = {"Authorization": "Bearer sk_test_51ABCDEFabcdef0123456789"}
SLACK_TOKEN = "xoxb-1234567890-abcdefghijklmnopqrst"
SLACK = {"Authorization": f"Bearer {SLACK_TOKEN}"}
HELLO = {
    "jsonrpc": "2.0",
    "id": 1,
    "method": "initialize",
    "params": {"protocolVersion": "2025-03-26", "capabilities": {}, "clientInfo": {"name": "a", "version": "1"}},
}


def get(url, headers):
    answer = requests.get(url, headers=headers)
    assert answer.status_code == 200, (url, answer.status_code, answer.text)
    return answer


def mcp(url, headers):
    answer = requests.post(url, headers={**headers, "Accept": "application/json, text/event-stream"}, json=HELLO)
    assert answer.json()["result"]["serverInfo"]["name"].startswith("twin-"), (url, answer.text)


assert get("https://api.github.com/user", GITHUB).json()["url"].startswith("https://api.github.com/users/")
release = requests.post(
    "https://api.github.com/repos/acme/api/releases", headers=GITHUB, json={"tag_name": "v1"}
).json()
asset = requests.post(
    f"https://uploads.github.com/repos/acme/api/releases/{release['id']}/assets?name=a.txt",
    headers={**GITHUB, "Content-Type": "text/plain"},
    data=b"asset",
).json()
assert get(asset["url"], {**GITHUB, "Accept": "application/octet-stream"}).content == b"asset"
mcp("https://api.githubcopilot.com/mcp/", GITHUB)

get("https://api.stripe.com/v1/balance", STRIPE)
with open(__file__, "rb") as evidence:
    sent = {"file": ("a.txt", evidence, "text/plain")}
    file = requests.post(
        "https://files.stripe.com/v1/files", headers=STRIPE, data={"purpose": "identity_document"}, files=sent
    )
assert file.status_code in (200, 400), file.text  # reached, whatever it makes of a text
mcp("https://mcp.stripe.com", STRIPE)

for base in ("https://slack.com", "https://www.slack.com"):
    # A form may carry the token, as older clients do.
    assert requests.post(f"{base}/api/auth.test", data={"token": SLACK_TOKEN}).json()["ok"]
mcp("https://mcp.slack.com/mcp", SLACK)
slack = WebClient(token=SLACK_TOKEN)
channel = slack.conversations_list()["channels"][0]["id"]
uploaded = slack.files_upload_v2(filename="a.txt", content="hello", channel=channel)["file"]
assert get(uploaded["url_private_download"], SLACK).text == "hello"
