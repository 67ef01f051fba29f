"""The payment of `pay.py`, spoken over MCP."""

import os

import pay
import stripe_api
import tools
import twin

run = twin.start()
mcp = tools.Session(os.environ["POME_STRIPE_MCP_URL"], os.environ["POME_AUTH_TOKEN"])
if "create_payment_intent" not in {tool["name"] for tool in mcp.request("tools/list", {})["tools"]}:
    raise SystemExit("the server lacks the tool create_payment_intent")
intent = mcp.tool("create_payment_intent", **stripe_api.deposit(pay.asked(run.task)))
run.finish(f"{intent['id']} waits for a deposit at {stripe_api.address(intent)}.")
