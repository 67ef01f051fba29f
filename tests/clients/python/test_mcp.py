"""The official MCP client for Python, unmodified, against the twin."""

from __future__ import annotations

import asyncio
import json

import httpx2 as httpx
import pytest
from mcp.client.client import Client
from mcp.client.streamable_http import streamable_http_client


def run(world, work, **options):
    """Opens a session, does the work, closes it."""

    async def session():
        headers = {"Authorization": f"Bearer {world.token}"}
        async with httpx.AsyncClient(headers=headers, timeout=30) as http:
            async with Client(streamable_http_client(world.mcp_url, http_client=http), **options) as client:
                return await work(client)

    return asyncio.run(session())


def text(result) -> str:
    return result.content[0].text


@pytest.mark.parametrize("mode", ["auto", "legacy"])
def test_a_session_lists_and_calls_tools(world, mode):
    async def work(client):
        tools = await client.list_tools()
        me = await client.call_tool("get_me", {})
        issue = await client.call_tool(
            "issue_read", {"method": "get", "owner": "acme", "repo": "api", "issue_number": 1}
        )
        return tools, me, issue

    tools, me, issue = run(world, work, mode=mode)
    names = [tool.name for tool in tools.tools]
    assert len(names) == len(set(names)) > 30
    assert json.loads(text(me))["login"] == "pome-agent"
    assert json.loads(text(issue))["title"] == "500 error on POST /orders after deploy"


def test_a_call_changes_the_world_and_is_recorded(world):
    async def work(client):
        arguments = {"method": "update", "owner": "acme", "repo": "api", "issue_number": 1, "labels": ["bug"]}
        changed = await client.call_tool("issue_write", arguments)
        comment = {"owner": "acme", "repo": "api", "issue_number": 1, "body": "on it"}
        return changed, await client.call_tool("add_issue_comment", comment)

    changed, commented = run(world, work)
    assert not changed.is_error
    assert not commented.is_error
    issue = world.state()["repositories"][0]["issues"][0]
    assert [label["name"] for label in issue["labels"]] == ["bug"]
    assert [comment["body"] for comment in issue["comments"]] == ["on it"]
    assert [row["tool"] for row in world.events()] == ["issue_write", "add_issue_comment"]


def test_a_refusal_is_a_tool_error_and_not_a_protocol_error(world):
    async def work(client):
        arguments = {"method": "get", "owner": "acme", "repo": "api", "issue_number": 77}
        return await client.call_tool("issue_read", arguments)

    assert run(world, work).is_error
