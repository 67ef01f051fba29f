use pome_twin_kit::testing::{Native, body};
use serde_json::{Value, json};

use super::{ok, world};

fn post(twin: &mut super::Twin, path: &str, kind: &str, text: &str) -> Value {
    body(&twin.request_with("POST", path, &[("content-type", kind)], text.as_bytes()))
}

const FORM: &str = "application/x-www-form-urlencoded";

#[test]
fn the_official_clients_forms_are_understood() {
    let mut twin = world();
    // @slack/web-api: everything is text, structures are JSON text, the base address ends with `/api/`.
    let blocks = "%5B%7B%22type%22%3A%22divider%22%7D%5D";
    let text = format!("channel=C_GENERAL&text=hi+there&reply_broadcast=false&blocks={blocks}&token=xoxb-x");
    let answer = post(&mut twin, "/api/chat.postMessage", FORM, &text);
    assert_eq!(
        (answer["message"]["text"].clone(), answer["message"]["blocks"][0]["type"].clone()),
        (json!("hi there"), json!("divider"))
    );
    assert_eq!(answer.get("warning"), None);
    // slack_sdk: booleans are digits, lists are comma-joined, reads are forms too.
    let answer = post(
        &mut twin,
        "/api/conversations.list",
        FORM,
        "exclude_archived=1&types=public_channel%2Cprivate_channel&limit=2",
    );
    assert_eq!(answer["channels"].as_array().unwrap().len(), 2);
    let answer = body(&twin.get("/api/conversations.history?channel=C_GENERAL&limit=1&inclusive=0"));
    assert_eq!(answer["messages"].as_array().unwrap().len(), 1);
}

#[test]
fn every_spelling_of_an_address_leads_to_the_method() {
    let mut twin = world();
    for path in ["/auth.test", "/api/auth.test"] {
        assert_eq!(body(&twin.get(path))["ok"], true);
        assert_eq!(post(&mut twin, path, FORM, "")["ok"], true);
        assert_eq!(post(&mut twin, path, "", "")["ok"], true);
    }
}

#[test]
fn charsets_are_warned_about_as_slack_does() {
    let mut twin = world();
    let json = r#"{"channel":"C_GENERAL","text":"x"}"#;
    for (kind, text, warning) in [
        ("application/json", json, json!("missing_charset")),
        ("application/json; charset=utf-8", json, Value::Null),
        (FORM, "channel=C_GENERAL&text=x", Value::Null),
        ("application/x-www-form-urlencoded; charset=utf-8", "channel=C_GENERAL&text=x", json!("superfluous_charset")),
    ] {
        let answer = post(&mut twin, "/chat.postMessage", kind, text);
        assert_eq!((answer["ok"].clone(), answer["warning"].clone()), (json!(true), warning.clone()), "{kind}");
        let listed = if warning.is_null() { Value::Null } else { json!([warning]) };
        assert_eq!(answer["response_metadata"]["warnings"], listed);
    }
    let refused = post(&mut twin, "/chat.postMessage", "application/json", r#"{"channel":"nowhere","text":"x"}"#);
    assert_eq!(
        (refused["error"].clone(), refused["warning"].clone()),
        (json!("channel_not_found"), json!("missing_charset"))
    );
}

#[test]
fn what_is_not_modelled_is_loud() {
    let mut twin = world();
    for (method, path) in [("POST", "/admin.users.list"), ("GET", "/chat.postMessage"), ("POST", "/api/rtm.connect")] {
        let answer = twin.request(method, path, None);
        assert_eq!((answer.status, body(&answer)["error"].clone()), (501, json!("unsupported_endpoint")), "{path}");
        let surfaces = body(&answer)["_twin"]["supported_surfaces"].as_array().unwrap().clone();
        assert!(surfaces.len() > 90 && surfaces.contains(&json!("chat.postMessage")));
    }
    let answer = ok(&mut twin, "auth.test", &json!({ "unknown": 1 }));
    assert_eq!(answer["ok"], true, "unknown arguments are ignored");
}

#[test]
fn tool_calls_that_the_host_could_not_make_are_refused() {
    let mut twin = world();
    for (path, text, status, code) in [
        ("/mcp/call", r#"{"tool":"nothing"}"#, 404, "unknown_tool"),
        ("/mcp/call", r#"{"name":"nothing"}"#, 404, "unknown_tool"),
        ("/mcp/call", "{oops", 400, "invalid_arguments"),
        ("/mcp/call", "{}", 400, "invalid_arguments"),
        ("/mcp/tools/nothing", "{}", 404, "unknown_tool"),
        ("/mcp/tools/slack_send_message", "{oops", 400, "invalid_arguments"),
    ] {
        let answer = twin.request_with("POST", path, &[("content-type", "application/json")], text.as_bytes());
        assert_eq!((answer.status, body(&answer)["error"].clone()), (status, json!(code)), "{path} {text}");
    }
}

#[test]
fn odd_seeds_are_empty_worlds_and_wrong_ones_name_the_place() {
    let mut twin: super::Twin = Native::new();
    let before = twin.state();
    for (bytes, accepted) in [
        (&b"{\"definitely\":\"not-a-seed\"}"[..], true),
        (b"{oops", true),
        (b"", true),
        (b"[1]", true),
        (b"seed=whatever", false),
        (br#"{"seed":{"users":[{"name":"zoe"}]}}"#, true),
    ] {
        let seeded = twin.session.seed(Some(bytes), &twin.host);
        assert_eq!(seeded.accepted, accepted, "{}", String::from_utf8_lossy(bytes));
        if accepted {
            assert_eq!(body(&seeded.answer), json!({ "ok": true }));
        }
    }
    assert!(twin.state()["users"].as_array().unwrap().iter().any(|user| user["name"] == "zoe"));
    twin.seed(None);
    for (seed, place) in [
        (json!({ "users": [{ "id": "X1", "name": "x" }] }), "/users/0/id"),
        (json!({ "users": [{ "name": "x" }, { "name": "x" }] }), "/users/1/name"),
        (json!({ "users": [{}] }), "/users/0/name"),
        (json!({ "users": [{ "name": 5 }] }), "/users/0/name"),
        (json!({ "channels": [{ "name": "No" }] }), "/channels/0/name"),
        (json!({ "channels": [{ "name": "x", "members": ["nobody"] }] }), "/channels/0/members/0"),
        (
            json!({ "channels": [{ "name": "x", "messages": [{ "user": "pome-agent", "text": "a", "thread_ts": "1.0" }] }] }),
            "/channels/0/messages/0/thread_ts",
        ),
        (
            json!({ "channels": [{ "name": "x", "messages": [{ "user": "a", "ts": "late" }] }] }),
            "/channels/0/messages/0/ts",
        ),
        (json!({ "team": { "id": "x" } }), "/team/id"),
        (json!({ "emoji": [{ "name": "A" }] }), "/emoji/0/name"),
    ] {
        let seeded = twin.seed(Some(&seed));
        assert!(!seeded.accepted, "{seed}");
        let answer = body(&seeded.answer);
        assert_eq!((seeded.answer.status, answer["error"].clone()), (500, json!("internal_error")));
        assert!(answer["warning"].as_str().unwrap().starts_with(&format!("{place}: ")), "{place}: {answer}");
        assert_eq!(twin.state(), before, "a refused seed leaves the world as it was");
    }
}

#[test]
fn seeded_tokens_are_their_users() {
    let mut twin: super::Twin = Native::seeded(Some(&json!({
        "users": [{ "id": "U_ALICE", "name": "alice" }],
        "tokens": [{ "token": "xoxp-alice-1", "user": "alice", "scopes": ["users:read"] }],
    })));
    let claims: Value = serde_json::from_slice(&twin.session.authenticate("xoxp-alice-1").unwrap()).unwrap();
    assert_eq!(claims, json!({ "login": "U_ALICE", "scopes": ["users:read"] }));
    assert_eq!(twin.session.authenticate("xoxp-alice-2"), None);
    twin.caller.login = Some("U_ALICE".to_owned());
    assert!(!twin.state().to_string().contains("xoxp-alice-1"));
}
