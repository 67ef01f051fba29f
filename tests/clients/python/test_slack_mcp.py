"""The official MCP client, unmodified, against the Slack twin."""

from __future__ import annotations

import json

import pytest

from test_mcp import run, text
from vendors import slack_client

TWIN = "slack"

TOOLS = {
    "slack_send_message", "slack_schedule_message", "slack_add_reaction", "slack_create_conversation",
    "slack_create_canvas", "slack_update_canvas", "slack_search_public", "slack_search_public_and_private",
    "slack_search_channels", "slack_search_users", "slack_read_channel", "slack_read_thread", "slack_read_canvas",
    "slack_read_user_profile", "slack_list_channel_members", "slack_read_file", "slack_search_emojis",
    "slack_get_reactions",
}  # fmt: skip


@pytest.mark.parametrize("mode", ["auto", "legacy"])
def test_a_session_lists_and_calls_tools(world, mode):
    async def work(client):
        tools = await client.list_tools()
        return tools, await client.call_tool("slack_read_channel", {"channel_id": "C_GENERAL"})

    tools, read = run(world, work, mode=mode)
    assert {tool.name for tool in tools.tools} >= TOOLS
    assert [one["text"] for one in json.loads(text(read))["messages"]] == ["morning :wave:", "morning team"]


def test_both_doors_open_into_one_world(world):
    async def work(client):
        sent = json.loads(text(await client.call_tool("slack_send_message", {"channel_id": "C_GENERAL", "message": "by tool"})))
        place = {"channel_id": "C_GENERAL", "message_ts": sent["ts"] if "ts" in sent else sent["message"]["ts"]}
        await client.call_tool("slack_add_reaction", {**place, "emoji": "tada"})
        await client.call_tool("slack_send_message", {"channel_id": "C_GENERAL", "message": "below", "thread_ts": place["message_ts"]})
        return json.loads(text(await client.call_tool("slack_read_thread", place)))

    thread = run(world, work)
    assert [one["text"] for one in thread["messages"]] == ["by tool", "below"]
    newest = slack_client(world).conversations_history(channel="C_GENERAL", limit=1)["messages"][0]
    assert (newest["text"], newest["reply_count"], newest["reactions"][0]["name"]) == ("by tool", 1, "tada")
    names = [row["tool"] for row in world.events()][:4]
    assert names == ["slack_send_message", "slack_add_reaction", "slack_send_message", "slack_read_thread"]


def test_searches_find_channels_people_and_messages(world):
    async def work(client):
        called = {
            "slack_search_channels": {"query": "general"},
            "slack_search_users": {"query": "alice"},
            "slack_search_public": {"query": "morning"},
        }
        return {name: text(await client.call_tool(name, arguments)) for name, arguments in called.items()}

    found = run(world, work)
    assert "C_GENERAL" in found["slack_search_channels"]
    assert "U_ALICE" in found["slack_search_users"]
    assert "morning team" in found["slack_search_public"]


def test_a_canvas_is_written_read_and_changed(world):
    async def work(client):
        made = json.loads(text(await client.call_tool("slack_create_canvas", {"title": "Plan", "content": "# Plan\n\nfirst"})))
        change = {"canvas_id": made["canvas_id"], "action": "append", "content": "second"}
        await client.call_tool("slack_update_canvas", change)
        return text(await client.call_tool("slack_read_canvas", {"canvas_id": made["canvas_id"]}))

    read = run(world, work)
    assert "first" in read and "second" in read


def test_a_refusal_is_a_tool_error_with_the_vendors_code(world):
    async def work(client):
        return await client.call_tool("slack_send_message", {"channel_id": "C_NOWHERE", "message": "x"})

    refused = run(world, work)
    assert refused.is_error
    assert json.loads(text(refused))["error"] == "channel_not_found"
