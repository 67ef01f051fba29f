use serde_json::{Value, json};

use super::{acting, call, first, ok, refused, texts, world};

#[test]
fn a_posted_message_comes_back_as_slack_shows_it() {
    let mut twin = world();
    let answer = ok(&mut twin, "chat.postMessage", &json!({ "channel": "#general", "text": "hi *you* & <@U_ALICE>" }));
    assert_eq!(answer["channel"], "C_GENERAL");
    let message = &answer["message"];
    assert_eq!(message["text"], "hi *you* &amp; <@U_ALICE>");
    assert_eq!((message["user"].clone(), message["team"].clone()), (json!("U_PRIMARY"), json!("T_POME")));
    assert_eq!(
        message["blocks"][0]["elements"][0]["elements"],
        json!([
            { "type": "text", "text": "hi " },
            { "type": "text", "text": "you", "style": { "bold": true } },
            { "type": "text", "text": " & " },
            { "type": "user", "user_id": "U_ALICE" },
        ])
    );
    let history = ok(&mut twin, "conversations.history", &json!({ "channel": "C_GENERAL", "limit": 1 }));
    assert_eq!(history["messages"][0]["ts"], answer["ts"]);
    assert_eq!(history["messages"][0]["blocks"], message["blocks"]);
}

#[test]
fn times_are_unique_and_grow() {
    let mut twin = world();
    let mut last = String::new();
    for at in 0..20 {
        let channel = if at % 2 == 0 { "C_GENERAL" } else { "G_TEAM" };
        let answer = ok(&mut twin, "chat.postMessage", &json!({ "channel": channel, "text": "x" }));
        let ts = answer["ts"].as_str().unwrap().to_owned();
        assert!(ts > last, "{ts} after {last}");
        last = ts;
    }
}

#[test]
fn what_cannot_be_posted_is_refused_by_name() {
    let mut twin = world();
    for (arguments, code) in [
        (json!({ "channel": "nowhere", "text": "x" }), "channel_not_found"),
        (json!({ "text": "x" }), "channel_not_found"),
        (json!({ "channel": "C_OLD", "text": "x" }), "is_archived"),
        (json!({ "channel": "C_GENERAL" }), "no_text"),
        (json!({ "channel": "C_GENERAL", "text": "  " }), "no_text"),
        (json!({ "channel": "C_GENERAL", "text": "x".repeat(40_001) }), "msg_too_long"),
        (json!({ "channel": "C_GENERAL", "text": "x", "thread_ts": "1.000000" }), "thread_not_found"),
        (json!({ "channel": "C_GENERAL", "blocks": "notjson" }), "invalid_blocks_format"),
        (json!({ "channel": "C_GENERAL", "blocks": [{ "type": "nothing" }] }), "invalid_blocks"),
        (json!({ "channel": "C_GENERAL", "attachments": "notjson" }), "invalid_attachments"),
        (json!({ "channel": "C_GENERAL", "attachments": vec![json!({ "text": "x" }); 101] }), "too_many_attachments"),
        (json!({ "channel": "C_GENERAL", "text": "x", "metadata": { "event_type": 1 } }), "invalid_metadata_schema"),
        (json!({ "channel": "G_SECRET", "text": "x" }), "channel_not_found"),
        (json!({ "channel": "C_GENERAL", "text": 5 }), "invalid_arguments"),
        (json!({ "channel": "C_GENERAL", "text": "x", "reply_broadcast": "yes" }), "invalid_arguments"),
    ] {
        assert_eq!(refused(&mut twin, "chat.postMessage", &arguments), code, "{arguments}");
    }
}

#[test]
fn invalid_blocks_say_where() {
    let mut twin = world();
    let blocks = json!([{ "type": "section", "text": { "type": "mrkdwn" } }]);
    let answer = call(&mut twin, "chat.postMessage", &json!({ "channel": "C_GENERAL", "blocks": blocks }));
    assert_eq!(answer["errors"], json!(["missing required field: text [json-pointer:/blocks/0/text]"]));
    assert_eq!(
        answer["response_metadata"]["messages"],
        json!(["[ERROR] missing required field: text [json-pointer:/blocks/0/text]"])
    );
}

#[test]
fn blocks_alone_make_a_message_that_says_something() {
    let mut twin = world();
    let blocks = json!([
        { "type": "header", "text": { "type": "plain_text", "text": "Deploy" } },
        { "type": "section", "text": { "type": "mrkdwn", "text": "*done* by <@U_BOB>" } },
        { "type": "divider" },
    ]);
    let answer = ok(&mut twin, "chat.postMessage", &json!({ "channel": "C_GENERAL", "blocks": blocks.to_string() }));
    assert_eq!(answer["message"]["text"], "Deploy *done* by <@U_BOB>");
    assert_eq!(answer["message"]["blocks"][0]["text"]["emoji"], true);
    assert_eq!(answer["message"]["blocks"][1]["text"]["verbatim"], false);
    assert!(answer["message"]["blocks"][2]["block_id"].is_string());
}

#[test]
fn a_user_id_is_a_direct_conversation() {
    let mut twin = world();
    let answer = ok(&mut twin, "chat.postMessage", &json!({ "channel": "U_BOB", "text": "psst" }));
    let channel = answer["channel"].as_str().unwrap().to_owned();
    assert!(channel.starts_with('D'));
    let again = ok(&mut twin, "chat.postMessage", &json!({ "channel": "U_BOB", "text": "again" }));
    assert_eq!(again["channel"], json!(channel));
    acting(&mut twin, "bob");
    assert_eq!(texts(&ok(&mut twin, "conversations.history", &json!({ "channel": channel }))), ["again", "psst"]);
    acting(&mut twin, "alice");
    assert_eq!(refused(&mut twin, "conversations.history", &json!({ "channel": channel })), "channel_not_found");
}

#[test]
fn replies_stay_in_their_thread_unless_they_are_broadcast() {
    let mut twin = world();
    let root = first(&mut twin);
    let reply = ok(&mut twin, "chat.postMessage", &json!({ "channel": "C_GENERAL", "text": "one", "thread_ts": root }));
    // A reply to a reply goes to the root.
    let nested = json!({ "channel": "C_GENERAL", "text": "two", "thread_ts": reply["ts"], "reply_broadcast": true });
    let nested = ok(&mut twin, "chat.postMessage", &nested);
    assert_eq!(nested["message"]["thread_ts"], json!(root));
    assert_eq!(nested["message"]["subtype"], "thread_broadcast");
    let history = ok(&mut twin, "conversations.history", &json!({ "channel": "C_GENERAL" }));
    assert_eq!(texts(&history), ["two", "second", "first"]);
    let top = &history["messages"][2];
    assert_eq!((top["reply_count"].clone(), top["reply_users"].clone()), (json!(2), json!(["U_PRIMARY"])));
    assert_eq!((top["thread_ts"].clone(), top["latest_reply"].clone()), (json!(root), nested["ts"].clone()));
    assert_eq!(history["messages"][0]["root"]["text"], "first");
    let thread = ok(&mut twin, "conversations.replies", &json!({ "channel": "C_GENERAL", "ts": root }));
    assert_eq!(texts(&thread), ["first", "one", "two"]);
    assert_eq!(thread["messages"][1]["parent_user_id"], "U_ALICE");
    let alone = ok(&mut twin, "conversations.replies", &json!({ "channel": "C_GENERAL", "ts": reply["ts"] }));
    assert_eq!(texts(&alone), ["one"]);
}

#[test]
fn only_the_author_changes_and_deletes_a_message() {
    let mut twin = world();
    let theirs = first(&mut twin);
    let named = |ts: &Value| json!({ "channel": "C_GENERAL", "ts": ts, "text": "changed" });
    assert_eq!(refused(&mut twin, "chat.update", &named(&json!(theirs))), "cant_update_message");
    assert_eq!(refused(&mut twin, "chat.delete", &named(&json!(theirs))), "cant_delete_message");
    assert_eq!(refused(&mut twin, "chat.update", &named(&json!("1.000000"))), "message_not_found");
    let own = ok(&mut twin, "chat.postMessage", &json!({ "channel": "C_GENERAL", "text": "draft" }))["ts"].clone();
    let changed = ok(&mut twin, "chat.update", &named(&own));
    assert_eq!(
        (changed["text"].clone(), changed["message"]["edited"]["user"].clone()),
        (json!("changed"), json!("U_PRIMARY"))
    );
    assert!(changed["message"]["edited"]["ts"].as_str() > own.as_str());
    ok(&mut twin, "chat.delete", &named(&own));
    assert_eq!(texts(&ok(&mut twin, "conversations.history", &json!({ "channel": "C_GENERAL" }))), ["second", "first"]);
}

#[test]
fn a_deleted_root_leaves_a_mark_until_its_replies_are_gone() {
    let mut twin = world();
    let post = |twin: &mut super::Twin, arguments: Value| ok(twin, "chat.postMessage", &arguments)["ts"].clone();
    let root = post(&mut twin, json!({ "channel": "C_GENERAL", "text": "root" }));
    let reply = post(&mut twin, json!({ "channel": "C_GENERAL", "text": "reply", "thread_ts": root }));
    ok(&mut twin, "chat.delete", &json!({ "channel": "C_GENERAL", "ts": root }));
    let history = ok(&mut twin, "conversations.history", &json!({ "channel": "C_GENERAL", "limit": 1 }));
    assert_eq!(history["messages"][0]["subtype"], "tombstone");
    assert_eq!(history["messages"][0]["reply_count"], 1);
    ok(&mut twin, "chat.delete", &json!({ "channel": "C_GENERAL", "ts": reply }));
    assert_eq!(texts(&ok(&mut twin, "conversations.history", &json!({ "channel": "C_GENERAL" }))), ["second", "first"]);
}

#[test]
fn permalinks_name_channel_time_and_thread() {
    let mut twin = world();
    let root = first(&mut twin);
    let link = |twin: &mut super::Twin, ts: &Value| {
        ok(twin, "chat.getPermalink", &json!({ "channel": "C_GENERAL", "message_ts": ts }))["permalink"].clone()
    };
    let anchor = root.replace('.', "");
    assert_eq!(link(&mut twin, &json!(root)), format!("https://pome-twin.slack.com/archives/C_GENERAL/p{anchor}"));
    let reply =
        ok(&mut twin, "chat.postMessage", &json!({ "channel": "C_GENERAL", "text": "x", "thread_ts": root }))["ts"]
            .clone();
    assert!(link(&mut twin, &reply).as_str().unwrap().ends_with(&format!("?thread_ts={root}&cid=C_GENERAL")));
}

#[test]
fn a_bot_writes_as_a_bot_and_only_customises_with_the_scope() {
    let mut twin = world();
    acting(&mut twin, "robo");
    let plain = ok(&mut twin, "chat.postMessage", &json!({ "channel": "C_GENERAL", "text": "beep" }));
    assert_eq!(
        (plain["message"]["bot_id"].clone(), plain["message"]["subtype"].clone()),
        (json!("B_BOT"), Value::Null)
    );
    assert_eq!(plain["message"]["bot_profile"]["name"], "Robo");
    let named = json!({ "channel": "C_GENERAL", "text": "beep", "username": "Deploys", "icon_emoji": "rocket" });
    let named = ok(&mut twin, "chat.postMessage", &named);
    assert_eq!(
        (named["message"]["username"].clone(), named["message"]["icons"]["emoji"].clone()),
        (json!("Deploys"), json!(":rocket:"))
    );
    assert_eq!(named["message"]["subtype"], "bot_message");
    assert_eq!(ok(&mut twin, "auth.test", &json!({}))["bot_id"], "B_BOT");
    assert_eq!(ok(&mut twin, "bots.info", &json!({ "bot": "B_BOT" }))["bot"]["user_id"], "U_BOT");
}

#[test]
fn ephemeral_messages_are_in_no_history() {
    let mut twin = world();
    let arguments = json!({ "channel": "C_GENERAL", "user": "U_BOB", "text": "only you" });
    assert!(ok(&mut twin, "chat.postEphemeral", &arguments)["message_ts"].is_string());
    let history = ok(&mut twin, "conversations.history", &json!({ "channel": "C_GENERAL" }));
    assert_eq!(texts(&history), ["second", "first"]);
    assert_eq!(twin.state()["ephemeral_messages"][0]["to_user_id"], "U_BOB");
    let away = json!({ "channel": "G_TEAM", "user": "U_BOB", "text": "x" });
    assert_eq!(refused(&mut twin, "chat.postEphemeral", &away), "user_not_in_channel");
}

#[test]
fn a_planned_message_appears_when_the_clock_gets_there() {
    let mut twin = world();
    let now = pome_twin_kit::testing::START / 1000;
    let plan = |at: u64| json!({ "channel": "C_GENERAL", "text": "later", "post_at": at });
    for (at, code) in [(now, "time_in_past"), (now + 121 * 86_400, "time_too_far")] {
        assert_eq!(refused(&mut twin, "chat.scheduleMessage", &plan(at)), code);
    }
    let planned = ok(&mut twin, "chat.scheduleMessage", &plan(now + 3600));
    assert_eq!(planned["message"]["type"], "delayed_message");
    let other = ok(&mut twin, "chat.scheduleMessage", &plan(now + 7200));
    let list = ok(&mut twin, "chat.scheduledMessages.list", &json!({ "channel": "C_GENERAL" }));
    assert_eq!(list["scheduled_messages"].as_array().unwrap().len(), 2);
    let named = json!({ "channel": "C_GENERAL", "scheduled_message_id": other["scheduled_message_id"] });
    ok(&mut twin, "chat.deleteScheduledMessage", &named);
    assert_eq!(refused(&mut twin, "chat.deleteScheduledMessage", &named), "invalid_scheduled_message_id");
    twin.host.set((now + 3599) * 1000);
    twin.session.advance(&twin.host);
    assert_eq!(texts(&ok(&mut twin, "conversations.history", &json!({ "channel": "C_GENERAL" }))), ["second", "first"]);
    twin.host.set((now + 9000) * 1000);
    twin.session.advance(&twin.host);
    twin.session.advance(&twin.host);
    let history = ok(&mut twin, "conversations.history", &json!({ "channel": "C_GENERAL" }));
    assert_eq!(texts(&history), ["later", "second", "first"]);
    assert!(history["messages"][0]["ts"].as_str().unwrap().starts_with(&(now + 9000).to_string()));
    assert_eq!(twin.state()["scheduled_messages"], json!([]));
}

#[test]
fn links_names_and_markdown_are_read_on_request() {
    let mut twin = world();
    let post = |twin: &mut super::Twin, mut arguments: Value| {
        arguments["channel"] = "C_GENERAL".into();
        ok(twin, "chat.postMessage", &arguments)["message"]["text"].clone()
    };
    assert_eq!(post(&mut twin, json!({ "text": "@alice see #general" })), "@alice see #general");
    assert_eq!(
        post(&mut twin, json!({ "text": "@alice see #general", "link_names": 1 })),
        "<@U_ALICE> see <#C_GENERAL|general>"
    );
    assert_eq!(post(&mut twin, json!({ "markdown_text": "**b** [l](https://a.b)" })), "*b* <https://a.b|l>");
    let both = json!({ "channel": "C_GENERAL", "text": "x", "markdown_text": "y" });
    assert_eq!(refused(&mut twin, "chat.postMessage", &both), "markdown_text_conflict");
}

#[test]
fn a_streamed_message_grows_until_it_is_stopped() {
    let mut twin = world();
    let root = first(&mut twin);
    let start = json!({ "channel": "C_GENERAL", "thread_ts": root, "markdown_text": "one " });
    let ts = ok(&mut twin, "chat.startStream", &start)["ts"].clone();
    let more = json!({ "channel": "C_GENERAL", "ts": ts, "markdown_text": "two" });
    ok(&mut twin, "chat.appendStream", &more);
    assert_eq!(
        ok(&mut twin, "chat.stopStream", &json!({ "channel": "C_GENERAL", "ts": ts }))["message"]["text"],
        "one two"
    );
    assert_eq!(refused(&mut twin, "chat.appendStream", &more), "message_not_in_streaming_state");
}
