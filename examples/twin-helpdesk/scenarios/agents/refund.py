"""A scripted agent: looks for the ticket over REST, answers over MCP. Standard library only."""

import json
import os
import sys
import urllib.request

if os.environ.get("POME_PREFLIGHT") == "1":
    sys.exit(0)

REST, MCP = os.environ["POME_HELPDESK_REST_URL"], os.environ["POME_HELPDESK_MCP_URL"]
HEADERS = {
    "Authorization": f"Bearer {os.environ['POME_HELPDESK_API_KEY']}",
    "Content-Type": "application/json",
    "Accept": "application/json, text/event-stream",
}


def send(method, url, body=None):
    data = None if body is None else json.dumps(body).encode()
    request = urllib.request.Request(url, data, HEADERS, method=method)
    with urllib.request.urlopen(request, timeout=20) as answer:
        return json.load(answer)


def tool(name, **arguments):
    call = {"jsonrpc": "2.0", "id": 1, "method": "tools/call", "params": {"name": name, "arguments": arguments}}
    result = send("POST", MCP, call)["result"]
    if result.get("isError"):
        sys.exit(f"{name}: {result['content'][0]['text']}")
    return json.loads(result["content"][0]["text"])


tickets = send("GET", f"{REST}/tickets?state=open")["tickets"]
ticket = next(ticket for ticket in tickets if "charged twice" in ticket["subject"].lower())["number"]
send("PATCH", f"{REST}/tickets/{ticket}", {"assignee": "ana"})
tool("reply_to_ticket", number=ticket, body="Sorry about that. The refund is on its way.")
tool("update_ticket", number=ticket, state="solved")
print(json.dumps({"summary": f"Ticket #{ticket} is answered and solved."}))
