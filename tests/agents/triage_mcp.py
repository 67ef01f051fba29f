"""The triage of `triage.py`, spoken over MCP: JSON-RPC messages to the streamable HTTP door."""

import json
import os
import re
import urllib.request

import triage
import twin


class Mcp:
    """A session with an MCP server."""

    def __init__(self, url, token):
        self._url = url
        self._headers = {
            "Authorization": f"Bearer {token}",
            "Content-Type": "application/json",
            "Accept": "application/json, text/event-stream",
        }
        self._id = 0
        hello = {"protocolVersion": "2025-06-18", "capabilities": {}, "clientInfo": {"name": "triage", "version": "1"}}
        agreed = self.request("initialize", hello)
        self._headers["Mcp-Protocol-Version"] = agreed["protocolVersion"]
        self._post({"jsonrpc": "2.0", "method": "notifications/initialized"})

    def request(self, method, params):
        self._id += 1
        answer = self._post({"jsonrpc": "2.0", "id": self._id, "method": method, "params": params})
        if "error" in answer:
            raise SystemExit(f"{method}: {answer['error']['message']}")
        return answer["result"]

    def items(self, tool, **arguments):
        """Calls a tool and gives the content items of its answer."""
        result = self.request("tools/call", {"name": tool, "arguments": arguments})
        if result.get("isError"):
            raise SystemExit(f"{tool}: {result['content'][0]['text']}")
        return result["content"]

    def tool(self, tool, **arguments):
        """Calls a tool and reads the JSON text of its answer."""
        return json.loads(self.items(tool, **arguments)[0]["text"])

    def _post(self, message):
        request = urllib.request.Request(self._url, json.dumps(message).encode(), self._headers)
        with urllib.request.urlopen(request, timeout=30) as answer:
            session = answer.headers.get("Mcp-Session-Id")
            if session:
                self._headers["Mcp-Session-Id"] = session
            body = answer.read().decode()
            if answer.headers.get_content_type() == "text/event-stream":
                body = next(line[5:] for line in body.splitlines() if line.startswith("data:"))
        return json.loads(body) if body.strip() else {}


run = twin.start()
mcp = Mcp(os.environ["POME_GITHUB_MCP_URL"], os.environ["POME_AUTH_TOKEN"])
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
