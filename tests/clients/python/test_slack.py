"""The official Slack library, unmodified, against the twin."""

from __future__ import annotations

import asyncio
import json
import time
import urllib.error
import urllib.request

import pytest
from slack_sdk.errors import SlackApiError
from slack_sdk.http_retry.builtin_handlers import RateLimitErrorRetryHandler, ServerErrorRetryHandler
from slack_sdk.web.async_client import AsyncWebClient

from vendors import at_once, slack_client

TWIN = "slack"


@pytest.fixture
def slack(world):
    return slack_client(world)


def code(call) -> str:
    """The error code of a call that must be refused."""
    with pytest.raises(SlackApiError) as refused:
        call()
    assert refused.value.response["ok"] is False
    return refused.value.response["error"]


def texts(messages) -> list[str]:
    return [message["text"] for message in messages]


# ---- who is asking ----


def test_the_token_is_somebody(slack):
    me = slack.auth_test()
    assert (me["user"], me["user_id"], me["team"]) == ("pome-agent", "U_PRIMARY", "Pome Twin Workspace")
    assert slack.api_test(foo="bar")["args"]["foo"] == "bar"
    assert slack.team_info()["team"]["domain"] == "pome-twin"


def test_wrong_tokens_are_refused(world):
    # The vendor answers 200 here and the twin 401, which is part of its contract; the library reads both.
    assert code(slack_client(world, token="xoxb-wrong").auth_test) == "invalid_auth"
    assert code(slack_client(world, token="").auth_test) == "not_authed"


# ---- messages ----


def test_a_message_is_posted_changed_and_deleted(world, slack):
    posted = slack.chat_postMessage(channel="C_GENERAL", text="hello *there*")
    assert (posted["channel"], posted["message"]["text"]) == ("C_GENERAL", "hello *there*")
    assert posted["message"]["blocks"][0]["type"] == "rich_text"
    ts = posted["ts"]
    changed = slack.chat_update(channel="C_GENERAL", ts=ts, text="hello again")
    assert (changed["text"], changed["ts"]) == ("hello again", ts)
    newest = slack.conversations_history(channel="C_GENERAL", limit=1)["messages"][0]
    assert (newest["text"], newest["edited"]["user"]) == ("hello again", "U_PRIMARY")
    assert f"p{ts.replace('.', '')}" in slack.chat_getPermalink(channel="C_GENERAL", message_ts=ts)["permalink"]
    assert slack.chat_delete(channel="C_GENERAL", ts=ts)["ts"] == ts
    assert code(lambda: slack.chat_update(channel="C_GENERAL", ts=ts, text="x")) == "message_not_found"
    channel = next(one for one in world.state()["channels"] if one["id"] == "C_GENERAL")
    assert texts(channel["messages"]) == ["morning team", "morning :wave:"]


def test_blocks_and_attachments_come_back(slack):
    blocks = [{"type": "section", "text": {"type": "mrkdwn", "text": "*Deploy* done"}}, {"type": "divider"}]
    ts = slack.chat_postMessage(channel="C_GENERAL", text="Deploy done", blocks=blocks, attachments=[{"text": "42 files"}])["ts"]
    message = slack.conversations_history(channel="C_GENERAL", oldest=ts, inclusive=True)["messages"][0]
    assert [block["type"] for block in message["blocks"]] == ["section", "divider"]
    assert message["attachments"][0]["text"] == "42 files"
    assert code(lambda: slack.chat_postMessage(channel="C_GENERAL", text="x", blocks=[{"type": "nonsense"}])).startswith("invalid_blocks")
    assert code(lambda: slack.chat_postMessage(channel="C_GENERAL")) == "no_text"


def test_markup_of_others_is_escaped_and_entities_are_kept(slack):
    ts = slack.chat_postMessage(channel="C_GENERAL", text="1 < 2 & <@U_ALICE> see <https://example.com|this>")["ts"]
    message = slack.conversations_history(channel="C_GENERAL", oldest=ts, inclusive=True)["messages"][0]
    assert message["text"] == "1 &lt; 2 &amp; <@U_ALICE> see <https://example.com|this>"


def test_threads_are_read_from_their_parent(slack):
    parent = slack.chat_postMessage(channel="C_GENERAL", text="question")["ts"]
    for at in range(3):
        slack.chat_postMessage(channel="C_GENERAL", text=f"answer {at}", thread_ts=parent)
    thread = slack.conversations_replies(channel="C_GENERAL", ts=parent)["messages"]
    assert texts(thread) == ["question", "answer 0", "answer 1", "answer 2"]
    assert (thread[0]["reply_count"], thread[0]["thread_ts"], thread[1]["parent_user_id"]) == (3, parent, "U_PRIMARY")
    assert "answer 0" not in texts(slack.conversations_history(channel="C_GENERAL")["messages"])
    loud = slack.chat_postMessage(channel="C_GENERAL", text="for all", thread_ts=parent, reply_broadcast=True)
    assert loud["message"]["subtype"] == "thread_broadcast"
    assert "for all" in texts(slack.conversations_history(channel="C_GENERAL")["messages"])
    assert code(lambda: slack.conversations_replies(channel="C_GENERAL", ts="1.000001")) == "thread_not_found"


def test_reactions_and_pins(slack):
    ts = slack.chat_postMessage(channel="C_GENERAL", text="ship it")["ts"]
    where = {"channel": "C_GENERAL", "timestamp": ts}
    slack.reactions_add(name="tada", **where)
    assert code(lambda: slack.reactions_add(name="tada", **where)) == "already_reacted"
    reactions = slack.reactions_get(**where)["message"]["reactions"]
    assert reactions == [{"name": "tada", "users": ["U_PRIMARY"], "count": 1}]
    assert slack.reactions_list()["items"][0]["message"]["ts"] == ts
    slack.reactions_remove(name="tada", **where)
    assert code(lambda: slack.reactions_remove(name="tada", **where)) == "no_reaction"
    slack.pins_add(**where)
    assert code(lambda: slack.pins_add(**where)) == "already_pinned"
    assert [item["message"]["ts"] for item in slack.pins_list(channel="C_GENERAL")["items"]] == [ts]
    slack.pins_remove(**where)
    assert slack.pins_list(channel="C_GENERAL")["items"] == []


def test_a_message_for_one_person_is_in_nobodys_history(slack):
    slack.chat_postEphemeral(channel="C_GENERAL", user="U_ALICE", text="only you")
    assert "only you" not in texts(slack.conversations_history(channel="C_GENERAL")["messages"])


def test_a_scheduled_message_is_posted_by_the_clock_of_the_world(world, slack):
    now = int(float(slack.chat_postMessage(channel="C_GENERAL", text="now")["ts"]))
    later = slack.chat_scheduleMessage(channel="C_GENERAL", text="later", post_at=now + 3600)
    never = slack.chat_scheduleMessage(channel="C_GENERAL", text="never", post_at=now + 7200)
    listed = slack.chat_scheduledMessages_list()["scheduled_messages"]
    assert {one["id"] for one in listed} == {later["scheduled_message_id"], never["scheduled_message_id"]}
    slack.chat_deleteScheduledMessage(channel="C_GENERAL", scheduled_message_id=never["scheduled_message_id"])
    world.advance(1800)
    assert "later" not in texts(slack.conversations_history(channel="C_GENERAL")["messages"])
    world.advance(3 * 3600)
    history = slack.conversations_history(channel="C_GENERAL")["messages"]
    assert texts(history).count("later") == 1
    assert "never" not in texts(history)
    assert slack.chat_scheduledMessages_list()["scheduled_messages"] == []
    assert code(lambda: slack.chat_scheduleMessage(channel="C_GENERAL", text="x", post_at=now - 10)) == "time_in_past"
    far = now + 200 * 86400
    assert code(lambda: slack.chat_scheduleMessage(channel="C_GENERAL", text="x", post_at=far)) == "time_too_far"


# ---- channels ----


def test_a_channel_is_made_described_renamed_and_archived(slack):
    made = slack.conversations_create(name="launch")["channel"]
    where = {"channel": made["id"]}
    assert (made["name"], made["is_member"], made["is_private"]) == ("launch", True, False)
    slack.conversations_setTopic(topic="Friday", **where)
    slack.conversations_setPurpose(purpose="The launch", **where)
    info = slack.conversations_info(include_num_members=True, **where)["channel"]
    assert (info["topic"]["value"], info["purpose"]["value"], info["num_members"]) == ("Friday", "The launch", 1)
    slack.conversations_invite(users="U_ALICE,U_BOB", **where)
    assert set(slack.conversations_members(**where)["members"]) == {"U_PRIMARY", "U_ALICE", "U_BOB"}
    slack.conversations_kick(user="U_BOB", **where)
    assert set(slack.conversations_members(**where)["members"]) == {"U_PRIMARY", "U_ALICE"}
    assert slack.conversations_rename(name="launch-2", **where)["channel"]["name"] == "launch-2"
    slack.conversations_archive(**where)
    assert code(lambda: slack.chat_postMessage(text="x", **where)) == "is_archived"
    assert made["id"] not in [one["id"] for one in slack.conversations_list(exclude_archived=True)["channels"]]
    slack.conversations_unarchive(**where)
    slack.conversations_leave(**where)
    assert code(lambda: slack.chat_postMessage(text="x", **where)) == "not_in_channel"
    slack.conversations_join(**where)
    assert slack.chat_postMessage(text="back", **where)["ok"]


CHANNELS = {
    "name_taken": lambda slack: slack.conversations_create(name="general"),
    "invalid_name_specials": lambda slack: slack.conversations_create(name="No Way!"),
    "channel_not_found": lambda slack: slack.conversations_info(channel="C_NOWHERE"),
    "cant_archive_general": lambda slack: slack.conversations_archive(channel="C_GENERAL"),
    "cant_leave_general": lambda slack: slack.conversations_leave(channel="C_GENERAL"),
    "cant_kick_from_general": lambda slack: slack.conversations_kick(channel="C_GENERAL", user="U_BOB"),
    "already_in_channel": lambda slack: slack.conversations_invite(channel="C_GENERAL", users="U_ALICE"),
    "user_not_found": lambda slack: slack.users_info(user="U_NOBODY"),
    "users_not_found": lambda slack: slack.users_lookupByEmail(email="nobody@example.com"),
    "msg_too_long": lambda slack: slack.chat_postMessage(channel="C_GENERAL", text="x" * 40_001),
    "invalid_cursor": lambda slack: slack.conversations_history(channel="C_GENERAL", cursor="nonsense"),
}


@pytest.mark.parametrize("wanted", CHANNELS)
def test_refusals_have_the_vendors_codes(slack, wanted):
    assert code(lambda: CHANNELS[wanted](slack)) == wanted


def test_a_direct_message_is_opened_once(slack):
    first = slack.conversations_open(users="U_ALICE")["channel"]["id"]
    assert slack.conversations_open(users=["U_ALICE"])["channel"]["id"] == first
    slack.chat_postMessage(channel=first, text="psst")
    by_user = slack.chat_postMessage(channel="U_ALICE", text="again")
    assert by_user["channel"] == first
    assert texts(slack.conversations_history(channel=first)["messages"]) == ["again", "psst"]
    group = slack.conversations_open(users="U_ALICE,U_BOB")["channel"]["id"]
    assert group != first
    kinds = [one["id"] for one in slack.conversations_list(types="im,mpim")["channels"]]
    assert set(kinds) == {first, group}


WITH_SECRETS = {
    "users": [{"id": "U_PRIMARY", "name": "pome-agent", "real_name": "Pome Agent"}, {"id": "U_ANN", "name": "ann", "real_name": "Ann"}],
    "channels": [
        {"id": "C_OPEN", "name": "open", "members": ["U_PRIMARY", "U_ANN"], "messages": [{"user": "U_ANN", "text": "the plan is public"}]},
        {"id": "G_OURS", "name": "ours", "is_private": True, "members": ["U_PRIMARY", "U_ANN"], "messages": [{"user": "U_ANN", "text": "the plan is ours"}]},
        {"id": "G_HERS", "name": "hers", "is_private": True, "members": ["U_ANN"], "messages": [{"user": "U_ANN", "text": "the plan is hers"}]},
    ],
}


def test_private_channels_of_others_are_not_there(make_world):
    slack = slack_client(make_world(WITH_SECRETS))
    listed = slack.conversations_list(types="public_channel,private_channel")["channels"]
    assert {one["name"] for one in listed} == {"open", "ours"}
    calls = [
        lambda: slack.conversations_info(channel="G_HERS"),
        lambda: slack.conversations_history(channel="G_HERS"),
        lambda: slack.conversations_members(channel="G_HERS"),
        lambda: slack.chat_postMessage(channel="G_HERS", text="hi"),
        lambda: slack.reactions_add(channel="G_HERS", timestamp="1.000001", name="tada"),
        lambda: slack.bookmarks_list(channel_id="G_HERS"),
    ]
    for call in calls:
        assert code(call) == "channel_not_found"
    found = slack.search_messages(query="plan")["messages"]["matches"]
    assert {match["text"] for match in found} == {"the plan is public", "the plan is ours"}


# ---- people ----


def test_people_are_found_and_describe_themselves(slack):
    assert {one["name"] for one in slack.users_list()["members"]} >= {"pome-agent", "alice", "bob"}
    assert slack.users_info(user="U_ALICE")["user"]["real_name"] == "Alice"
    assert slack.users_lookupByEmail(email="bob@pome-twin.slack.com")["user"]["id"] == "U_BOB"
    slack.users_profile_set(profile={"status_text": "in a meeting", "status_emoji": ":calendar:"})
    profile = slack.users_profile_get()["profile"]
    assert (profile["status_text"], profile["status_emoji"]) == ("in a meeting", ":calendar:")
    assert slack.users_getPresence(user="U_PRIMARY")["presence"] in ("active", "away")


def test_groups_of_people_and_bookmarks(slack):
    group = slack.usergroups_create(name="On call", handle="oncall")["usergroup"]
    slack.usergroups_users_update(usergroup=group["id"], users=["U_ALICE", "U_BOB"])
    assert set(slack.usergroups_users_list(usergroup=group["id"])["users"]) == {"U_ALICE", "U_BOB"}
    assert [one["handle"] for one in slack.usergroups_list()["usergroups"]] == ["oncall"]
    made = slack.bookmarks_add(channel_id="C_GENERAL", title="Runbook", type="link", link="https://example.com")["bookmark"]
    slack.bookmarks_edit(channel_id="C_GENERAL", bookmark_id=made["id"], title="Book")
    assert [one["title"] for one in slack.bookmarks_list(channel_id="C_GENERAL")["bookmarks"]] == ["Book"]
    slack.bookmarks_remove(channel_id="C_GENERAL", bookmark_id=made["id"])
    assert slack.bookmarks_list(channel_id="C_GENERAL")["bookmarks"] == []


# ---- files ----


def download(url, token):
    with urllib.request.urlopen(urllib.request.Request(url, headers={"Authorization": f"Bearer {token}"}), timeout=30) as answer:
        return answer.read()


def test_a_file_is_uploaded_shared_read_and_deleted(world, slack):
    sent = slack.files_upload_v2(
        channel="C_GENERAL", filename="notes.txt", content="one\ntwo\n", title="Notes", initial_comment="here they are"
    )
    file = slack.files_info(file=sent["file"]["id"])["file"]
    assert (file["name"], file["title"], file["size"], file["filetype"]) == ("notes.txt", "Notes", 8, "text")
    assert "C_GENERAL" in file["channels"]
    assert download(file["url_private"], world.token) == b"one\ntwo\n"
    newest = slack.conversations_history(channel="C_GENERAL", limit=1)["messages"][0]
    assert (newest["text"], [one["id"] for one in newest["files"]]) == ("here they are", [file["id"]])
    assert [one["id"] for one in slack.files_list(channel="C_GENERAL")["files"]] == [file["id"]]
    slack.files_delete(file=file["id"])
    assert code(lambda: slack.files_info(file=file["id"])) in ("file_not_found", "file_deleted")
    assert slack.files_list()["files"] == []


def test_several_files_go_out_in_one_message_and_bytes_stay_bytes(world, slack):
    picture = bytes(range(256)) * 4
    uploads = [{"filename": "a.txt", "content": "a"}, {"filename": "b.png", "file": picture}]
    sent = slack.files_upload_v2(channel="C_GENERAL", file_uploads=uploads)
    assert len(sent["files"]) == 2
    newest = slack.conversations_history(channel="C_GENERAL", limit=1)["messages"][0]
    assert {one["name"] for one in newest["files"]} == {"a.txt", "b.png"}
    stored = next(one for one in newest["files"] if one["name"] == "b.png")
    assert (stored["filetype"], download(slack.files_info(file=stored["id"])["file"]["url_private"], world.token)) == ("png", picture)


def test_a_file_needs_a_token(slack):
    sent = slack.files_upload_v2(channel="C_GENERAL", filename="x.txt", content="x")
    with pytest.raises(urllib.error.HTTPError):
        urllib.request.urlopen(slack.files_info(file=sent["file"]["id"])["file"]["url_private"], timeout=30)


# ---- lists and search ----


def test_lists_page_by_themselves(slack):
    for at in range(25):
        slack.chat_postMessage(channel="C_GENERAL", text=f"message {at}")
    # The library hands out one object that it fills anew.
    pages = [texts(page["messages"]) for page in slack.conversations_history(channel="C_GENERAL", limit=10)]
    assert [len(page) for page in pages] == [10, 10, 7]
    assert [text for page in pages for text in page] == [f"message {at}" for at in range(24, -1, -1)] + ["morning :wave:", "morning team"]
    for at in range(7):
        slack.conversations_create(name=f"room-{at}")
    names = [one["name"] for page in slack.conversations_list(limit=4) for one in page["channels"]]
    assert len(names) == len(set(names)) == 9
    people = [one["id"] for page in slack.users_list(limit=2) for one in page["members"]]
    assert len(people) == len(set(people)) >= 3


def test_what_arrives_between_two_pages_repeats_nothing(slack):
    for at in range(6):
        slack.chat_postMessage(channel="C_GENERAL", text=f"old {at}")
    first = slack.conversations_history(channel="C_GENERAL", limit=4)
    slack.chat_postMessage(channel="C_GENERAL", text="new")
    cursor = first["response_metadata"]["next_cursor"]
    second = slack.conversations_history(channel="C_GENERAL", limit=4, cursor=cursor)
    assert not set(texts(first["messages"])) & set(texts(second["messages"]))


def test_history_is_cut_by_time(slack):
    stamps = [slack.chat_postMessage(channel="C_GENERAL", text=str(at))["ts"] for at in range(4)]
    between = slack.conversations_history(channel="C_GENERAL", oldest=stamps[0], latest=stamps[3])["messages"]
    assert texts(between) == ["2", "1"]
    with_ends = slack.conversations_history(channel="C_GENERAL", oldest=stamps[0], latest=stamps[3], inclusive=True)["messages"]
    assert texts(with_ends) == ["3", "2", "1", "0"]


def test_search_understands_its_words(slack):
    slack.conversations_join(channel="C_RANDOM")
    slack.chat_postMessage(channel="C_RANDOM", text="release notes of friday")
    slack.chat_postMessage(channel="C_GENERAL", text="release train leaves")

    def found(query):
        return sorted(texts(slack.search_messages(query=query)["messages"]["matches"]))

    assert found("release") == ["release notes of friday", "release train leaves"]
    assert found("release in:random") == ["release notes of friday"]
    assert found("release -train") == ["release notes of friday"]
    assert found('"notes of"') == ["release notes of friday"]
    assert found("from:@alice morning") == ["morning team"]


# ---- under load and in trouble ----


def test_a_hundred_messages_at_once_lose_nothing(world, slack):
    stamps = at_once(lambda at: slack.chat_postMessage(channel="C_GENERAL", text=f"parallel {at}")["ts"], range(100))
    assert len(set(stamps)) == 100
    channel = next(one for one in world.state()["channels"] if one["id"] == "C_GENERAL")
    assert {one["text"] for one in channel["messages"]} >= {f"parallel {at}" for at in range(100)}
    assert len(channel["messages"]) == 102


def test_one_reaction_at_once_is_one_reaction(slack):
    ts = slack.chat_postMessage(channel="C_GENERAL", text="x")["ts"]

    def react(_):
        try:
            return slack.reactions_add(channel="C_GENERAL", timestamp=ts, name="eyes")["ok"]
        except SlackApiError as refused:
            return refused.response["error"]

    outcomes = at_once(react, range(8))
    assert outcomes.count(True) == 1
    assert outcomes.count("already_reacted") == 7


GENERAL = {"channels": [{"id": "C_GENERAL", "name": "general", "members": ["U_PRIMARY"]}]}


def failing(status, *attempts):
    body = {"ok": False, "error": "ratelimited" if status == 429 else "internal_error"}
    rule = {"method": "POST", "path": "/api/chat.postMessage", "mode": "before_handler", "status": status, "body": body}
    return {**GENERAL, "failure_injection": [{**rule, "attempt": attempt} for attempt in attempts]}


@pytest.mark.parametrize(("status", "handler"), [(429, RateLimitErrorRetryHandler), (503, ServerErrorRetryHandler)])
def test_the_library_retries_until_the_server_takes_it(make_world, status, handler):
    world = make_world(failing(status, 1))
    slack = slack_client(world, retry_handlers=[handler(max_retry_count=2)])
    assert slack.chat_postMessage(channel="C_GENERAL", text="at last")["ok"]
    assert [row["status"] for row in world.events()] == [status, 200]
    plain = slack_client(make_world(failing(status, 1)), retry_handlers=[])
    with pytest.raises(SlackApiError) as refused:
        plain.chat_postMessage(channel="C_GENERAL", text="x")
    assert refused.value.response.status_code == status


def test_a_named_fault_says_when_to_come_back(make_world):
    fault = {"name": "rate-limited", "target": "chat.postMessage", "throttleFor": 1, "retryAfterSeconds": 1}
    slack = slack_client(make_world({**GENERAL, "faults": [fault]}), retry_handlers=[RateLimitErrorRetryHandler(max_retry_count=1)])
    before = time.monotonic()
    assert slack.chat_postMessage(channel="C_GENERAL", text="at last")["ok"]
    assert time.monotonic() - before >= 1


def test_what_is_not_modelled_says_so(slack):
    with pytest.raises(SlackApiError) as refused:
        slack.admin_users_list()
    assert refused.value.response.status_code == 501
    assert refused.value.response["error"] == "unsupported_endpoint"


def test_forms_json_and_bare_paths_are_the_same(world, slack):
    def call(path, data, kind):
        request = urllib.request.Request(f"{world.rest_url}/{path}", data, {"Authorization": f"Bearer {world.token}", "Content-Type": kind})
        with urllib.request.urlopen(request, timeout=30) as answer:
            return json.load(answer)

    form = call("api/chat.postMessage", b"channel=C_GENERAL&text=form", "application/x-www-form-urlencoded")
    document = call("chat.postMessage", json.dumps({"channel": "C_GENERAL", "text": "json"}).encode(), "application/json; charset=utf-8")
    assert form["ok"] and document["ok"]
    assert texts(slack.conversations_history(channel="C_GENERAL", limit=2)["messages"]) == ["json", "form"]


def test_the_asynchronous_client_works_too(world):
    async def work():
        client = AsyncWebClient(token=world.token, base_url=f"{world.rest_url}/api/")
        await asyncio.gather(*(client.chat_postMessage(channel="C_GENERAL", text=f"async {at}") for at in range(20)))
        return (await client.conversations_history(channel="C_GENERAL"))["messages"]

    assert {text for text in texts(asyncio.run(work())) if text.startswith("async")} == {f"async {at}" for at in range(20)}
