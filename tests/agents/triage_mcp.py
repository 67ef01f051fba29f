"""The triage of `triage.py`, spoken over MCP."""

import os
import re

import tools
import triage
import twin

run = twin.start()
mcp = tools.Session(os.environ["POME_GITHUB_MCP_URL"], os.environ["POME_AUTH_TOKEN"])
needed = {"issue_read", "issue_write", "get_file_contents"}
missing = needed - {tool["name"] for tool in mcp.request("tools/list", {})["tools"]}
if missing:
    raise SystemExit(f"the server lacks the tools {', '.join(sorted(missing))}")

owner, repo = re.search(r"`([\w.-]+)/([\w.-]+)`", run.task).groups()
place = {"owner": owner, "repo": repo}


class OverMcp:
    """As much of `twin.Run` as the decision needs, over tools."""

    task = run.task
    page = staticmethod(run.page)

    @staticmethod
    def text(path):
        # The first item says what was found, the second one holds it.
        return mcp.items("get_file_contents", **place, path=path)[1]["resource"]["text"]


issue = mcp.tool("issue_read", **place, method="get", issue_number=run.number())
label, assignee = triage.label_for(issue), triage.owner_for(OverMcp, issue)
mcp.tool("issue_write", **place, method="update", issue_number=run.number(), labels=[label], assignees=[assignee])
run.finish(f"Issue #{run.number()}: label {label}, owner {assignee}.")
