use serde_json::{Value, json};

use super::{acting, ok, refused, world};

/// Every way to a channel.
fn doors(channel: &str, ts: &str) -> Vec<(&'static str, Value)> {
    vec![
        ("conversations.info", json!({ "channel": channel })),
        ("conversations.history", json!({ "channel": channel })),
        ("conversations.replies", json!({ "channel": channel, "ts": ts })),
        ("conversations.members", json!({ "channel": channel })),
        ("conversations.join", json!({ "channel": channel })),
        ("conversations.invite", json!({ "channel": channel, "users": "U_BOT" })),
        ("conversations.kick", json!({ "channel": channel, "user": "U_BOB" })),
        ("conversations.archive", json!({ "channel": channel })),
        ("conversations.rename", json!({ "channel": channel, "name": "mine" })),
        ("conversations.setTopic", json!({ "channel": channel, "topic": "x" })),
        ("conversations.mark", json!({ "channel": channel, "ts": ts })),
        ("chat.postMessage", json!({ "channel": channel, "text": "x" })),
        ("chat.meMessage", json!({ "channel": channel, "text": "x" })),
        ("chat.scheduleMessage", json!({ "channel": channel, "text": "x", "post_at": 1_767_230_000 })),
        ("chat.update", json!({ "channel": channel, "ts": ts, "text": "x" })),
        ("chat.delete", json!({ "channel": channel, "ts": ts })),
        ("chat.getPermalink", json!({ "channel": channel, "message_ts": ts })),
        ("reactions.add", json!({ "channel": channel, "timestamp": ts, "name": "eyes" })),
        ("reactions.get", json!({ "channel": channel, "timestamp": ts })),
        ("pins.add", json!({ "channel": channel, "timestamp": ts })),
        ("pins.list", json!({ "channel": channel })),
        ("bookmarks.add", json!({ "channel_id": channel, "title": "x", "link": "https://a.b" })),
        ("bookmarks.list", json!({ "channel_id": channel })),
        ("stars.add", json!({ "channel": channel, "timestamp": ts })),
        ("files.list", json!({ "channel": channel })),
        ("conversations.canvases.create", json!({ "channel_id": channel })),
        ("canvases.create", json!({ "channel_id": channel })),
    ]
}

#[test]
fn a_private_channel_does_not_exist_for_who_is_not_in_it() {
    let mut twin = world();
    acting(&mut twin, "alice");
    let mut ts = |channel: &str| {
        ok(&mut twin, "conversations.history", &json!({ "channel": channel }))["messages"][0]["ts"]
            .as_str()
            .unwrap()
            .to_owned()
    };
    let (secret, gossip) = (ts("G_SECRET"), ts("D_OTHERS"));
    acting(&mut twin, "pome-agent");
    for (channel, ts) in [("G_SECRET", &secret), ("secret", &secret), ("D_OTHERS", &gossip)] {
        for (method, arguments) in doors(channel, ts) {
            assert_eq!(refused(&mut twin, method, &arguments), "channel_not_found", "{method} {channel}");
        }
    }
}

#[test]
fn lists_and_searches_hold_nothing_of_it() {
    let mut twin = world();
    let every = json!({ "types": "public_channel,private_channel,im,mpim", "query": "classified" });
    for method in ["conversations.list", "users.conversations", "search.messages", "search.all"] {
        let answer = ok(&mut twin, method, &every);
        let mut text = answer.to_string();
        text = text.replace("\"query\":\"classified\"", "");
        for word in ["G_SECRET", "D_OTHERS", "classified"] {
            assert!(!text.contains(word), "{method} shows {word}: {text}");
        }
    }
    for tool in ["slack_search_public_and_private", "slack_search_channels"] {
        let answer = twin.call(tool, &json!({ "query": "classified", "channel_types": "private_channel" }));
        let text = String::from_utf8(answer.value).unwrap().replace("\"query\":\"classified\"", "");
        assert!(!text.contains("G_SECRET") && !text.contains("classified"), "{tool}: {text}");
    }
    acting(&mut twin, "alice");
    assert_eq!(ok(&mut twin, "search.messages", &every)["messages"]["total"], 2);
}

#[test]
fn files_are_seen_where_they_were_shared() {
    let mut twin = world();
    acting(&mut twin, "alice");
    let upload = |twin: &mut super::Twin, channel: &str| {
        let arguments = json!({ "channels": channel, "content": "classified", "filename": "a.txt" });
        ok(twin, "files.upload", &arguments)["file"]["id"].clone()
    };
    let (hidden, shown) = (upload(&mut twin, "G_SECRET"), upload(&mut twin, "C_GENERAL"));
    acting(&mut twin, "pome-agent");
    assert_eq!(refused(&mut twin, "files.info", &json!({ "file": hidden })), "file_not_found");
    assert_eq!(refused(&mut twin, "files.delete", &json!({ "file": hidden })), "file_not_found");
    ok(&mut twin, "files.info", &json!({ "file": shown }));
    let list = ok(&mut twin, "files.list", &json!({}))["files"].clone();
    assert_eq!(list.as_array().unwrap().iter().map(|file| file["id"].clone()).collect::<Vec<_>>(), [shown]);
}

#[test]
fn bots_read_and_write_only_where_they_are_members() {
    let mut twin = world();
    acting(&mut twin, "robo");
    assert_eq!(refused(&mut twin, "conversations.history", &json!({ "channel": "C_OPEN" })), "not_in_channel");
    ok(&mut twin, "conversations.info", &json!({ "channel": "C_OPEN" }));
    let beep = json!({ "channel": "C_OPEN", "text": "beep" });
    assert_eq!(refused(&mut twin, "chat.postMessage", &beep), "not_in_channel");
    // With this scope an app may write in public channels that it is not in.
    twin.caller.claims = json!({ "scopes": ["chat:write", "chat:write.public"] }).to_string().into_bytes();
    ok(&mut twin, "chat.postMessage", &beep);
    twin.caller.claims = json!({ "scopes": ["chat:write", "channels:join"] }).to_string().into_bytes();
    assert_eq!(
        refused(&mut twin, "chat.postMessage", &json!({ "channel": "C_OPEN", "text": "beep" })),
        "not_in_channel"
    );
    ok(&mut twin, "conversations.join", &json!({ "channel": "C_OPEN" }));
    ok(&mut twin, "chat.postMessage", &json!({ "channel": "C_OPEN", "text": "beep" }));
}

#[test]
fn a_token_without_the_scope_is_told_which_one_is_missing() {
    let mut twin = world();
    twin.caller.claims = json!({ "scopes": "channels:read,users:read" }).to_string().into_bytes();
    let answer = super::call(&mut twin, "chat.postMessage", &json!({ "channel": "C_GENERAL", "text": "x" }));
    assert_eq!(
        answer,
        json!({ "ok": false, "error": "missing_scope", "needed": "chat:write", "provided": "channels:read,users:read" })
    );
    ok(&mut twin, "users.list", &json!({}));
    let tool = twin.call("slack_send_message", &json!({ "channel_id": "C_GENERAL", "message": "x" }));
    assert!(tool.is_error && String::from_utf8_lossy(&tool.value).contains("missing_scope"));
    let headers = twin.get("/users.list").headers;
    let header = |name: &str| headers.iter().find(|(known, _)| known == name).map(|(_, value)| value.clone());
    assert_eq!(header("x-oauth-scopes").as_deref(), Some("channels:read,users:read"));
    assert_eq!(header("x-accepted-oauth-scopes").as_deref(), Some("users:read"));
    assert_eq!(header("x-slack-req-id").map(|id| id.len()), Some(32));
}

#[test]
fn who_is_not_in_the_workspace_gets_nowhere() {
    let mut twin = world();
    acting(&mut twin, "stranger");
    assert_eq!(refused(&mut twin, "auth.test", &json!({})), "user_not_found");
    acting(&mut twin, "gone");
    assert_eq!(refused(&mut twin, "conversations.list", &json!({})), "account_inactive");
    acting(&mut twin, "alice@x.test");
    assert_eq!(ok(&mut twin, "auth.test", &json!({}))["user_id"], "U_ALICE");
}
