use serde_json::{Value, json};

use super::{ok, refused, texts, world};

/// Everything that a method lists, page by page.
fn all(twin: &mut super::Twin, method: &str, key: &str, arguments: &Value) -> Vec<Value> {
    let (mut out, mut arguments) = (Vec::new(), arguments.clone());
    for _ in 0..50 {
        let answer = ok(twin, method, &arguments);
        out.extend(answer[key].as_array().unwrap().clone());
        let next = answer["response_metadata"]["next_cursor"].as_str().unwrap_or_default().to_owned();
        if answer.get("has_more").is_some() {
            assert_eq!(answer["has_more"], json!(!next.is_empty()));
        }
        if next.is_empty() {
            return out;
        }
        arguments["cursor"] = next.into();
    }
    panic!("{method} never ends")
}

fn filled() -> super::Twin {
    let mut twin = world();
    for at in 0..23 {
        ok(&mut twin, "chat.postMessage", &json!({ "channel": "G_TEAM", "text": format!("m{at:02}") }));
    }
    twin
}

#[test]
fn pages_together_are_the_whole() {
    let mut twin = filled();
    let whole = ok(&mut twin, "conversations.history", &json!({ "channel": "G_TEAM" }));
    assert_eq!((whole["has_more"].clone(), whole.get("response_metadata")), (json!(false), None));
    let paged = all(&mut twin, "conversations.history", "messages", &json!({ "channel": "G_TEAM", "limit": 5 }));
    assert_eq!(json!(paged), whole["messages"]);
    for (method, key, arguments) in [
        ("conversations.list", "channels", json!({ "types": "public_channel,private_channel,im,mpim" })),
        ("conversations.members", "members", json!({ "channel": "C_GENERAL" })),
        ("users.list", "members", json!({})),
        ("users.conversations", "channels", json!({})),
    ] {
        let whole = ok(&mut twin, method, &arguments)[key].clone();
        let mut small = arguments.clone();
        small["limit"] = 1.into();
        assert_eq!(json!(all(&mut twin, method, key, &small)), whole, "{method}");
        small["cursor"] = "nonsense".into();
        assert_eq!(refused(&mut twin, method, &small), "invalid_cursor", "{method}");
    }
}

#[test]
fn a_new_message_does_not_shift_the_next_page() {
    let mut twin = filled();
    let first = ok(&mut twin, "conversations.history", &json!({ "channel": "G_TEAM", "limit": 3 }));
    assert_eq!(texts(&first), ["m22", "m21", "m20"]);
    ok(&mut twin, "chat.postMessage", &json!({ "channel": "G_TEAM", "text": "new" }));
    let cursor = first["response_metadata"]["next_cursor"].clone();
    let second = ok(&mut twin, "conversations.history", &json!({ "channel": "G_TEAM", "limit": 3, "cursor": cursor }));
    assert_eq!(texts(&second), ["m19", "m18", "m17"]);
}

#[test]
fn a_thread_is_paged_with_its_root_on_every_page() {
    let mut twin = filled();
    let root = ok(&mut twin, "conversations.history", &json!({ "channel": "G_TEAM", "limit": 1 }))["messages"][0]["ts"]
        .clone();
    for at in 0..5 {
        ok(&mut twin, "chat.postMessage", &json!({ "channel": "G_TEAM", "text": format!("r{at}"), "thread_ts": root }));
    }
    let page = ok(&mut twin, "conversations.replies", &json!({ "channel": "G_TEAM", "ts": root, "limit": 2 }));
    assert_eq!(texts(&page), ["m22", "r0", "r1"]);
    let next =
        json!({ "channel": "G_TEAM", "ts": root, "limit": 2, "cursor": page["response_metadata"]["next_cursor"] });
    assert_eq!(texts(&ok(&mut twin, "conversations.replies", &next)), ["m22", "r2", "r3"]);
    assert_eq!(
        refused(&mut twin, "conversations.replies", &json!({ "channel": "G_TEAM", "ts": "1.000000" })),
        "thread_not_found"
    );
    assert_eq!(refused(&mut twin, "conversations.replies", &json!({ "channel": "G_TEAM" })), "invalid_arguments");
}

#[test]
fn spans_leave_their_ends_out_unless_they_are_inclusive() {
    let mut twin = filled();
    let whole = ok(&mut twin, "conversations.history", &json!({ "channel": "G_TEAM" }));
    let ts = |at: usize| whole["messages"][at]["ts"].clone();
    let asked = |twin: &mut super::Twin, inclusive: Value| {
        let span = json!({ "channel": "G_TEAM", "latest": ts(2), "oldest": ts(4), "inclusive": inclusive });
        texts(&ok(twin, "conversations.history", &span)).len()
    };
    assert_eq!((asked(&mut twin, json!(false)), asked(&mut twin, json!("1"))), (1, 3));
    let one = json!({ "channel": "G_TEAM", "latest": ts(7), "limit": 1, "inclusive": true });
    assert_eq!(texts(&ok(&mut twin, "conversations.history", &one)), ["m15"]);
    let bad = json!({ "channel": "G_TEAM", "latest": "yesterday" });
    assert_eq!(refused(&mut twin, "conversations.history", &bad), "invalid_ts_latest");
}
