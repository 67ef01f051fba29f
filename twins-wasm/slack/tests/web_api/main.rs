//! The Web API as clients use it: everyday calls, refusals, visibility, paging, files, schedules.

#![expect(
    clippy::indexing_slicing,
    clippy::panic,
    clippy::unwrap_used,
    reason = "what the helpers of a test cannot do ends the test"
)]

mod chat;
mod conversations;
mod files;
mod forms;
mod history;
mod items;
mod people;
mod search;
mod visibility;

use pome_twin_kit::testing::{Native, body};
use serde_json::{Value, json};
use twin_slack::Slack;

type Twin = Native<Slack>;

/// Calls a method with a JSON body.
fn call(twin: &mut Twin, method: &str, arguments: &Value) -> Value {
    let headers = [("content-type", "application/json; charset=utf-8")];
    let answer = twin.request_with("POST", &format!("/{method}"), &headers, arguments.to_string().as_bytes());
    assert_eq!(answer.status, 200, "{method}: {}", String::from_utf8_lossy(&answer.body));
    body(&answer)
}

/// Calls a method that must succeed.
fn ok(twin: &mut Twin, method: &str, arguments: &Value) -> Value {
    let answer = call(twin, method, arguments);
    assert_eq!(answer["ok"], true, "{method} {arguments}: {answer}");
    answer
}

/// Calls a method that must be refused and gives the code.
fn refused(twin: &mut Twin, method: &str, arguments: &Value) -> String {
    let before = twin.state();
    let answer = call(twin, method, arguments);
    assert_eq!(answer["ok"], false, "{method} {arguments}: {answer}");
    assert_eq!(twin.state(), before, "{method} was refused and changed something");
    answer["error"].as_str().unwrap().to_owned()
}

/// Acts as another user.
fn acting(twin: &mut Twin, login: &str) {
    twin.caller.login = Some(login.to_owned());
}

/// A workspace with a private channel that the agent is not in.
fn world() -> Twin {
    Native::seeded(Some(&json!({
        "users": [
            { "id": "U_PRIMARY", "name": "pome-agent", "real_name": "Pome Agent", "email": "agent@x.test", "is_admin": true },
            { "id": "U_ALICE", "name": "alice", "real_name": "Alice Park", "email": "alice@x.test", "profile": { "title": "Engineer" } },
            { "id": "U_BOB", "name": "bob", "real_name": "Bob" },
            { "id": "U_BOT", "name": "robo", "real_name": "Robo", "is_bot": true },
            { "id": "U_GONE", "name": "gone", "deleted": true },
        ],
        "channels": [
            { "id": "C_GENERAL", "name": "general", "members": ["pome-agent", "alice", "bob", "robo"],
              "messages": [{ "user": "alice", "text": "first" }, { "user": "bob", "text": "second" }] },
            { "id": "C_OPEN", "name": "open", "members": ["alice"] },
            { "id": "C_OLD", "name": "old", "members": ["pome-agent"], "is_archived": true },
            { "id": "G_SECRET", "name": "secret", "is_private": true, "creator": "alice", "members": ["alice", "bob"],
              "messages": [{ "user": "alice", "text": "classified plans" }] },
            { "id": "G_TEAM", "name": "team", "is_private": true, "members": ["pome-agent", "alice"] },
        ],
        "dms": [{ "id": "D_OTHERS", "users": ["alice", "bob"], "messages": [{ "user": "bob", "text": "classified gossip" }] }],
        "emoji": [{ "name": "shipit" }],
    })))
}

/// The `ts` of the first message of `#general`.
fn first(twin: &mut Twin) -> String {
    let history = ok(twin, "conversations.history", &json!({ "channel": "C_GENERAL" }));
    history["messages"].as_array().unwrap().last().unwrap()["ts"].as_str().unwrap().to_owned()
}

fn texts(answer: &Value) -> Vec<&str> {
    answer["messages"].as_array().unwrap().iter().map(|message| message["text"].as_str().unwrap()).collect()
}
