//! Holds the answer of every modelled method to the declarations of `@slack/web-api`, which are made from live traffic.
//!
//! `responses.json` is cut out of the package by `trim.mjs`. A key that the vendor does not declare, or one of another kind, fails
//! the test unless `EXCEPTIONS` has a reason for it. Run with `--nocapture` for how much of each answer is there.

#![expect(clippy::indexing_slicing, clippy::unwrap_used, reason = "what the helpers of a test cannot do ends the test")]

use std::collections::{BTreeMap, BTreeSet};

use pome_twin_kit::testing::{Native, body};
use serde_json::{Value, json};
use twin_slack::Slack;

/// Method (`*` for all), place in the answer without indices, and why the twin differs.
const EXCEPTIONS: &[(&str, &str, &str)] = &[
    ("*", "warning", "every method may warn, declared or not"),
    ("*", "response_metadata", "the declarations name only the part that was seen"),
    ("auth.revoke", "revoked", "the method's page has it"),
    ("conversations.create", "channel.num_members", "how many are in it is told with every whole channel here"),
    ("conversations.invite", "channel.num_members", "as above"),
    ("conversations.join", "channel.num_members", "as above"),
    ("conversations.rename", "channel.num_members", "as above"),
    ("conversations.setTopic", "channel.num_members", "as above"),
    ("conversations.setPurpose", "channel.num_members", "as above"),
    ("conversations.info", "channel.user", "the declarations were made from channels; direct conversations have it"),
    ("conversations.info", "channel.is_user_deleted", "as above"),
    ("conversations.info", "channel.priority", "as above"),
    (
        "conversations.open",
        "channel",
        "with `return_im` the whole conversation comes, which the declarations have not seen",
    ),
    ("conversations.replies", "messages.subtype", "a reply that was broadcast"),
    ("conversations.replies", "messages.root", "as above"),
    ("reactions.get", "message.attachments", "the declarations have not seen a message with attachments"),
    ("dnd.info", "snooze_enabled", "shown of oneself, as the method's page says"),
    ("dnd.info", "snooze_endtime", "as above"),
    ("dnd.info", "snooze_remaining", "as above"),
    (
        "conversations.history",
        "messages.root",
        "the declarations have seen few roots; a deleted one has even other keys",
    ),
    ("usergroups.users.update", "usergroup.user_count", "asked for with `include_count`"),
    ("usergroups.update", "usergroup.user_count", "asked for with `include_count`"),
    ("usergroups.disable", "usergroup.user_count", "as above"),
    ("usergroups.enable", "usergroup.user_count", "as above"),
];

/// Methods that no sample can reach, with the reason.
const UNREACHED: &[(&str, &str)] = &[];

struct Vendor {
    answers: BTreeMap<String, usize>,
    shapes: Vec<BTreeMap<String, Value>>,
}

impl Vendor {
    fn read() -> Self {
        let document: Value = serde_json::from_str(include_str!("responses.json")).unwrap();
        let shapes = document["shapes"].as_array().unwrap();
        let shape =
            |shape: &Value| shape.as_object().unwrap().iter().map(|(key, kind)| (key.clone(), kind.clone())).collect();
        let answers = document["answers"].as_object().unwrap();
        let answer =
            |(method, shape): (&String, &Value)| (method.clone(), usize::try_from(shape.as_u64().unwrap()).unwrap());
        Self { answers: answers.iter().map(answer).collect(), shapes: shapes.iter().map(shape).collect() }
    }

    /// Complaints about a value, each with its place; counts the declared keys that are there.
    fn judge(
        &self,
        kind: &Value,
        value: &Value,
        place: &str,
        said: &mut Vec<String>,
        seen: &mut BTreeSet<(usize, String)>,
    ) {
        match kind {
            Value::Number(shape) => {
                let shape = usize::try_from(shape.as_u64().unwrap()).unwrap();
                let Value::Object(members) = value else { return said.push(format!("{place}: is no object")) };
                for (key, value) in members {
                    let place = if place.is_empty() { key.clone() } else { format!("{place}.{key}") };
                    match self.shapes[shape].get(key) {
                        None => said.push(format!("{place}: is not declared")),
                        Some(kind) => {
                            seen.insert((shape, key.clone()));
                            self.judge(kind, value, &place, said, seen);
                        }
                    }
                }
            }
            Value::Array(item) => match value {
                Value::Array(items) => items.iter().for_each(|value| self.judge(&item[0], value, place, said, seen)),
                _ => said.push(format!("{place}: is no list")),
            },
            Value::Object(map) => match value {
                Value::Object(members) => {
                    members.values().for_each(|value| self.judge(&map["map"], value, place, said, seen));
                }
                _ => said.push(format!("{place}: is no object")),
            },
            Value::String(kind) => {
                let fits = match kind.as_str() {
                    "string" => value.is_string(),
                    "number" => value.is_number(),
                    "boolean" => value.is_boolean(),
                    _ => true,
                };
                if !fits {
                    said.push(format!("{place}: {value} is no {kind}"));
                }
            }
            _ => {}
        }
    }
}

/// Drives a world and keeps every answer.
struct Drive {
    twin: Native<Slack>,
    answers: Vec<(String, Value)>,
}

impl Drive {
    fn call(&mut self, method: &str, arguments: &Value) -> Value {
        let headers = [("content-type", "application/json; charset=utf-8")];
        let answer = self.twin.request_with("POST", &format!("/{method}"), &headers, arguments.to_string().as_bytes());
        let answer = body(&answer);
        assert_eq!(answer["ok"], true, "{method} {arguments}: {answer}");
        self.answers.push((method.to_owned(), answer.clone()));
        answer
    }
}

fn drive() -> Drive {
    let twin = Native::seeded(Some(&json!({
        "users": [
            { "id": "U_PRIMARY", "name": "pome-agent", "real_name": "Pome Agent", "email": "agent@x.test", "is_admin": true },
            { "id": "U_ALICE", "name": "alice", "real_name": "Alice Park", "email": "alice@x.test" },
            { "id": "U_BOT", "name": "robo", "real_name": "Robo", "is_bot": true },
            { "id": "U_GONE", "name": "gone", "deleted": true },
        ],
        "channels": [
            { "id": "C_GENERAL", "name": "general", "members": ["pome-agent", "alice", "robo"],
              "messages": [{ "user": "alice", "text": "first" }, { "user": "robo", "text": "beep" }] },
            { "id": "G_TEAM", "name": "team", "is_private": true, "members": ["pome-agent", "alice"] },
        ],
        "dms": [{ "id": "D_ALICE", "users": ["pome-agent", "alice"], "messages": [{ "user": "alice", "text": "psst" }] }],
        "emoji": [{ "name": "shipit" }],
    })));
    let mut drive = Drive { twin, answers: Vec::new() };
    let now = pome_twin_kit::testing::START / 1000;
    let general = || json!({ "channel": "C_GENERAL" });
    for method in [
        "api.test",
        "auth.test",
        "team.info",
        "team.profile.get",
        "emoji.list",
        "users.list",
        "users.identity",
        "users.getPresence",
        "users.profile.get",
        "dnd.info",
        "dnd.teamInfo",
    ] {
        drive.call(method, &json!({ "foo": "bar" }));
    }
    drive.call("auth.revoke", &json!({ "test": true }));
    drive.call("bots.info", &json!({ "bot": "B_BOT" }));
    drive.call("users.info", &json!({ "user": "U_ALICE", "include_locale": true }));
    drive.call("users.lookupByEmail", &json!({ "email": "alice@x.test" }));
    drive.call("users.setPresence", &json!({ "presence": "auto" }));
    drive.call("users.profile.set", &json!({ "profile": { "status_text": "out" } }));
    drive.call("dnd.setSnooze", &json!({ "num_minutes": 5 }));
    drive.call("dnd.info", &json!({}));
    drive.call("dnd.endSnooze", &json!({}));
    drive.call("dnd.endDnd", &json!({}));
    // messages
    let root =
        drive.call("chat.postMessage", &json!({ "channel": "C_GENERAL", "text": "hello *there* <@U_ALICE>" }))["ts"]
            .clone();
    let at = json!({ "channel": "C_GENERAL", "timestamp": root });
    let reply = json!({ "channel": "C_GENERAL", "text": "below", "thread_ts": root, "reply_broadcast": true });
    drive.call("chat.postMessage", &reply);
    drive.call("chat.meMessage", &json!({ "channel": "C_GENERAL", "text": "waves" }));
    drive.call("chat.postEphemeral", &json!({ "channel": "C_GENERAL", "user": "U_ALICE", "text": "psst" }));
    drive.call("chat.update", &json!({ "channel": "C_GENERAL", "ts": root, "text": "see https://a.b" }));
    drive.call(
        "chat.unfurl",
        &json!({ "channel": "C_GENERAL", "ts": root, "unfurls": { "https://a.b": { "text": "A" } } }),
    );
    drive.call("chat.getPermalink", &json!({ "channel": "C_GENERAL", "message_ts": root }));
    let plan = json!({ "channel": "C_GENERAL", "text": "later", "post_at": now + 3600 });
    let planned = drive.call("chat.scheduleMessage", &plan)["scheduled_message_id"].clone();
    drive.call("chat.scheduledMessages.list", &json!({}));
    drive.call("chat.deleteScheduledMessage", &json!({ "channel": "C_GENERAL", "scheduled_message_id": planned }));
    let stream = drive
        .call("chat.startStream", &json!({ "channel": "C_GENERAL", "thread_ts": root, "markdown_text": "a" }))["ts"]
        .clone();
    drive.call("chat.appendStream", &json!({ "channel": "C_GENERAL", "ts": stream, "markdown_text": "b" }));
    drive.call("chat.stopStream", &json!({ "channel": "C_GENERAL", "ts": stream }));
    for (method, key, value) in [("setStatus", "status", json!("busy")), ("setTitle", "title", json!("T"))] {
        drive.call(
            &format!("assistant.threads.{method}"),
            &json!({ "channel_id": "C_GENERAL", "thread_ts": root, key: value }),
        );
    }
    let prompts = json!([{ "title": "a", "message": "b" }]);
    drive.call(
        "assistant.threads.setSuggestedPrompts",
        &json!({ "channel_id": "C_GENERAL", "thread_ts": root, "prompts": prompts }),
    );
    // items
    drive.call("reactions.add", &json!({ "channel": "C_GENERAL", "timestamp": root, "name": "tada" }));
    drive.call("reactions.get", &at);
    drive.call("reactions.list", &json!({}));
    drive.call("pins.add", &at);
    drive.call("pins.list", &general());
    drive.call("stars.add", &at);
    drive.call("stars.list", &json!({}));
    let bookmark = json!({ "channel_id": "C_GENERAL", "title": "Book", "type": "link", "link": "https://a.b" });
    let bookmark = drive.call("bookmarks.add", &bookmark)["bookmark"]["id"].clone();
    drive.call("bookmarks.edit", &json!({ "channel_id": "C_GENERAL", "bookmark_id": bookmark, "title": "B" }));
    drive.call("bookmarks.list", &json!({ "channel_id": "C_GENERAL" }));
    drive.call("bookmarks.remove", &json!({ "channel_id": "C_GENERAL", "bookmark_id": bookmark }));
    // files
    {
        let announced = drive.call("files.getUploadURLExternal", &json!({ "filename": "a.txt", "length": 3 }));
        let id = announced["file_id"].clone();
        drive.twin.request_with("POST", &format!("/upload/v1/{}", id.as_str().unwrap()), &[], b"abc");
        drive.call(
            "files.completeUploadExternal",
            &json!({ "files": [{ "id": id }], "channel_id": "C_GENERAL", "initial_comment": "look" }),
        );
        drive.call("files.info", &json!({ "file": id }));
        drive.call("files.list", &json!({}));
        drive.call("files.sharedPublicURL", &json!({ "file": id }));
        drive.call("files.revokePublicURL", &json!({ "file": id }));
        drive.call("search.files", &json!({ "query": "abc" }));
        drive.call("search.all", &json!({ "query": "abc" }));
        drive.call("conversations.history", &general());
        drive.call("files.delete", &json!({ "file": id }));
    }
    drive.call("files.upload", &json!({ "channels": "C_GENERAL", "content": "x" }));
    drive.call("search.messages", &json!({ "query": "see" }));
    // conversations
    drive.call("conversations.list", &json!({ "types": "public_channel,private_channel,im,mpim" }));
    drive.call("users.conversations", &json!({ "types": "public_channel,private_channel,im,mpim" }));
    drive.call("conversations.info", &json!({ "channel": "C_GENERAL", "include_num_members": true }));
    drive.call("conversations.info", &json!({ "channel": "D_ALICE" }));
    drive.call("conversations.members", &general());
    drive.call("conversations.history", &json!({ "channel": "C_GENERAL", "limit": 2 }));
    drive.call("conversations.replies", &json!({ "channel": "C_GENERAL", "ts": root }));
    drive.call("conversations.mark", &json!({ "channel": "C_GENERAL", "ts": root }));
    drive.call("conversations.open", &json!({ "users": "U_ALICE" }));
    drive.call("conversations.open", &json!({ "users": "U_ALICE,U_BOT", "return_im": true }));
    drive.call("conversations.close", &json!({ "channel": "D_ALICE" }));
    let room = drive.call("conversations.create", &json!({ "name": "room" }))["channel"]["id"].clone();
    drive.call("conversations.invite", &json!({ "channel": room, "users": "U_ALICE" }));
    drive.call("conversations.rename", &json!({ "channel": room, "name": "hall" }));
    drive.call("conversations.setTopic", &json!({ "channel": room, "topic": "t" }));
    drive.call("conversations.setPurpose", &json!({ "channel": room, "purpose": "p" }));
    drive.call("conversations.kick", &json!({ "channel": room, "user": "U_ALICE" }));
    drive.call("conversations.leave", &json!({ "channel": room }));
    drive.call("conversations.join", &json!({ "channel": room }));
    drive.call("conversations.join", &json!({ "channel": room }));
    drive.call("conversations.archive", &json!({ "channel": room }));
    drive.call("conversations.unarchive", &json!({ "channel": room }));
    drive.call("conversations.canvases.create", &json!({ "channel_id": "C_GENERAL" }));
    // canvases
    let content = json!({ "type": "markdown", "markdown": "# One" });
    let canvas =
        drive.call("canvases.create", &json!({ "title": "Plan", "document_content": content }))["canvas_id"].clone();
    let criteria = json!({ "canvas_id": canvas, "criteria": { "contains_text": "One" } });
    drive.call("canvases.sections.lookup", &criteria);
    let change = json!([{ "operation": "insert_at_end", "document_content": content }]);
    drive.call("canvases.edit", &json!({ "canvas_id": canvas, "changes": change }));
    let who = json!({ "canvas_id": canvas, "access_level": "read", "user_ids": ["U_ALICE"] });
    drive.call("canvases.access.set", &who);
    drive.call("canvases.access.delete", &who);
    drive.call("canvases.delete", &json!({ "canvas_id": canvas }));
    // groups, reminders, views
    let group =
        drive.call("usergroups.create", &json!({ "name": "On call", "handle": "oncall" }))["usergroup"]["id"].clone();
    let named =
        json!({ "usergroup": group, "users": "U_ALICE", "name": "Duty", "include_users": true, "include_count": true });
    for method in ["users.update", "users.list", "update", "list", "disable", "enable"] {
        drive.call(&format!("usergroups.{method}"), &named);
    }
    let reminder = drive.call("reminders.add", &json!({ "text": "x", "time": "60" }))["reminder"]["id"].clone();
    for method in ["list", "info", "complete", "delete"] {
        drive.call(&format!("reminders.{method}"), &json!({ "reminder": reminder }));
    }
    let modal = json!({ "type": "modal", "title": { "type": "plain_text", "text": "Ask" }, "blocks": [] });
    let view = drive.call("views.open", &json!({ "trigger_id": "1", "view": modal }))["view"]["id"].clone();
    drive.call("views.push", &json!({ "trigger_id": "1", "view": modal }));
    drive.call("views.update", &json!({ "view_id": view, "view": modal }));
    drive.call("views.publish", &json!({ "user_id": "U_ALICE", "view": { "type": "home", "blocks": [] } }));
    // the end of things
    drive.call("reactions.remove", &json!({ "channel": "C_GENERAL", "timestamp": root, "name": "tada" }));
    drive.call("pins.remove", &at);
    drive.call("stars.remove", &at);
    drive.call("chat.delete", &json!({ "channel": "C_GENERAL", "ts": root }));
    drive.call("conversations.history", &general());
    drive
}

fn exception(method: &str, place: &str) -> Option<(&'static str, &'static str)> {
    let row = EXCEPTIONS.iter().find(|(known, at, _)| {
        let below = place.strip_prefix(at).is_some_and(|rest| rest.is_empty() || rest.starts_with('.'));
        below && (*known == "*" || *known == method)
    });
    row.map(|(known, at, _)| (*known, *at))
}

#[test]
fn answers_are_as_the_vendor_declares_them() {
    let vendor = Vendor::read();
    let drive = drive();
    let mut faults = BTreeSet::new();
    let mut used = BTreeSet::new();
    let mut seen: BTreeMap<&str, BTreeSet<(usize, String)>> = BTreeMap::new();
    for (method, answer) in &drive.answers {
        let Some(shape) = vendor.answers.get(method) else { continue };
        let mut said = Vec::new();
        let keys = seen.entry(method).or_default();
        vendor.judge(&json!(shape), answer, "", &mut said, keys);
        for fault in said {
            match exception(method, fault.split(':').next().unwrap_or_default()) {
                Some(row) => {
                    used.insert(row);
                }
                None => {
                    faults.insert(format!("{method} {fault}"));
                }
            }
        }
    }
    let (mut have, mut want) = (0, 0);
    for (method, keys) in &seen {
        let shapes: BTreeSet<usize> = keys.iter().map(|(shape, _)| *shape).collect();
        // Keys of refusals and warnings are no part of a success.
        let expected =
            |key: &&String| !matches!(key.as_str(), "error" | "errors" | "needed" | "provided" | "warning" | "arg");
        let declared: usize = shapes.iter().map(|shape| vendor.shapes[*shape].keys().filter(expected).count()).sum();
        println!("{method}: {} of {declared} declared keys", keys.len());
        have += keys.len();
        want += declared;
    }
    println!("{} methods, {have} of {want} declared keys are there", seen.len());
    let unreached: Vec<&String> = vendor
        .answers
        .keys()
        .filter(|method| !seen.contains_key(method.as_str()) && !UNREACHED.iter().any(|(known, _)| known == method))
        .collect();
    assert!(unreached.is_empty(), "no sample reaches {unreached:?}");
    let unused: Vec<_> = EXCEPTIONS.iter().filter(|row| !used.contains(&(row.0, row.1))).collect();
    assert!(unused.is_empty(), "nothing needs the exceptions {unused:?}");
    assert!(faults.is_empty(), "{} faults:\n{}", faults.len(), faults.into_iter().collect::<Vec<_>>().join("\n"));
}
