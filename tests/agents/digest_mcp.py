"""The summary of `digest.py`, spoken over MCP."""

import os
import re

import digest
import tools
import twin

run = twin.start()
mcp = tools.Session(os.environ["POME_SLACK_MCP_URL"], os.environ["POME_AUTH_TOKEN"])
needed = {"slack_search_channels", "slack_read_channel", "slack_send_message"}
missing = needed - {tool["name"] for tool in mcp.request("tools/list", {})["tools"]}
if missing:
    raise SystemExit(f"the server lacks the tools {', '.join(sorted(missing))}")


def channel(name):
    found = mcp.tool("slack_search_channels", query=name)["channels"]
    return next(one["id"] for one in found if one["name"] == name)


source, target = re.findall(r"channel `([\w-]+)`", run.task)
messages = mcp.tool("slack_read_channel", channel_id=channel(source))["messages"][::-1]
mcp.tool("slack_send_message", channel_id=channel(target), message=digest.summary(messages))
run.finish(f"Summarised {len(messages)} messages.")
