use serde_json::{Value, json};

use super::{acting, first, ok, refused, world};

#[test]
fn reactions_are_counted_in_the_order_in_which_they_came() {
    let mut twin = world();
    let ts = first(&mut twin);
    let react = |name: &str| json!({ "channel": "C_GENERAL", "timestamp": ts, "name": name });
    ok(&mut twin, "reactions.add", &react("wave"));
    ok(&mut twin, "reactions.add", &react(":eyes:"));
    assert_eq!(refused(&mut twin, "reactions.add", &react("eyes")), "already_reacted");
    acting(&mut twin, "bob");
    ok(&mut twin, "reactions.add", &react("eyes"));
    let shown = ok(&mut twin, "reactions.get", &json!({ "channel": "C_GENERAL", "timestamp": ts }));
    assert_eq!(
        shown["message"]["reactions"],
        json!([
            { "name": "wave", "count": 1, "users": ["U_PRIMARY"] },
            { "name": "eyes", "count": 2, "users": ["U_PRIMARY", "U_BOB"] },
        ])
    );
    ok(&mut twin, "reactions.remove", &react("eyes"));
    assert_eq!(refused(&mut twin, "reactions.remove", &react("wave")), "no_reaction");
    acting(&mut twin, "pome-agent");
    let list = ok(&mut twin, "reactions.list", &json!({}));
    assert_eq!((list["items"][0]["message"]["ts"].clone(), list["paging"]["total"].clone()), (json!(ts), json!(1)));
    for (arguments, code) in [
        (json!({ "channel": "C_GENERAL", "timestamp": ts }), "invalid_name"),
        (json!({ "channel": "C_GENERAL", "timestamp": ts, "name": "No Way" }), "invalid_name"),
        (json!({ "channel": "C_GENERAL", "timestamp": "x", "name": "eyes" }), "bad_timestamp"),
        (json!({ "channel": "C_GENERAL", "timestamp": "1.000000", "name": "eyes" }), "message_not_found"),
        (json!({ "name": "eyes" }), "no_item_specified"),
    ] {
        assert_eq!(refused(&mut twin, "reactions.add", &arguments), code, "{arguments}");
    }
}

#[test]
fn reactions_have_limits() {
    let mut twin = world();
    let ts = first(&mut twin);
    let react = |name: String| json!({ "channel": "C_GENERAL", "timestamp": ts, "name": name });
    for at in 0..23 {
        ok(&mut twin, "reactions.add", &react(format!("a{at}")));
    }
    assert_eq!(refused(&mut twin, "reactions.add", &react("more".into())), "too_many_emoji");
}

#[test]
fn pins_are_listed_and_end_with_their_message() {
    let mut twin = world();
    let ts = ok(&mut twin, "chat.postMessage", &json!({ "channel": "C_GENERAL", "text": "keep" }))["ts"].clone();
    let pin = json!({ "channel": "C_GENERAL", "timestamp": ts });
    ok(&mut twin, "pins.add", &pin);
    assert_eq!(refused(&mut twin, "pins.add", &pin), "already_pinned");
    let list = ok(&mut twin, "pins.list", &json!({ "channel": "C_GENERAL" }));
    assert_eq!(
        (list["items"][0]["created_by"].clone(), list["items"][0]["message"]["text"].clone()),
        (json!("U_PRIMARY"), json!("keep"))
    );
    assert_eq!(ok(&mut twin, "conversations.history", &json!({ "channel": "C_GENERAL" }))["pin_count"], 1);
    ok(&mut twin, "chat.delete", &json!({ "channel": "C_GENERAL", "ts": ts }));
    assert_eq!(ok(&mut twin, "pins.list", &json!({ "channel": "C_GENERAL" }))["items"], json!([]));
    assert_eq!(refused(&mut twin, "pins.remove", &pin), "not_pinned");
    assert_eq!(refused(&mut twin, "pins.add", &json!({ "channel": "C_GENERAL" })), "no_item_specified");
}

#[test]
fn bookmarks_are_made_changed_and_taken_away() {
    let mut twin = world();
    let made = json!({ "channel_id": "C_GENERAL", "title": "Docs", "type": "link", "link": "https://a.b" });
    let id = ok(&mut twin, "bookmarks.add", &made)["bookmark"]["id"].clone();
    let edit = json!({ "channel_id": "C_GENERAL", "bookmark_id": id, "title": "Manual" });
    assert_eq!(ok(&mut twin, "bookmarks.edit", &edit)["bookmark"]["title"], "Manual");
    assert_eq!(
        ok(&mut twin, "bookmarks.list", &json!({ "channel_id": "C_GENERAL" }))["bookmarks"][0]["link"],
        "https://a.b"
    );
    let gone = json!({ "channel_id": "C_GENERAL", "bookmark_id": id });
    ok(&mut twin, "bookmarks.remove", &gone);
    assert_eq!(refused(&mut twin, "bookmarks.remove", &gone), "not_found");
    for (change, code) in [
        (json!({ "title": "" }), "invalid_arguments"),
        (json!({ "link": "" }), "invalid_arguments"),
        (json!({ "link": "nowhere" }), "invalid_link"),
        (json!({ "type": "folder" }), "invalid_bookmark_type"),
    ] {
        let mut arguments = made.clone();
        arguments.as_object_mut().unwrap().extend(change.as_object().unwrap().clone());
        assert_eq!(refused(&mut twin, "bookmarks.add", &arguments), code, "{change}");
    }
}

#[test]
fn saved_items_are_the_users_own() {
    let mut twin = world();
    let ts = first(&mut twin);
    let item = json!({ "channel": "C_GENERAL", "timestamp": ts });
    ok(&mut twin, "stars.add", &item);
    assert_eq!(refused(&mut twin, "stars.add", &item), "already_starred");
    assert_eq!(ok(&mut twin, "stars.list", &json!({}))["items"][0]["message"]["text"], "first");
    assert_eq!(ok(&mut twin, "search.messages", &json!({ "query": "is:saved" }))["messages"]["total"], 1);
    acting(&mut twin, "alice");
    assert_eq!(ok(&mut twin, "stars.list", &json!({}))["items"], json!([]));
    assert_eq!(refused(&mut twin, "stars.remove", &item), "not_starred");
}

#[test]
fn canvases_are_edited_by_sections() {
    let mut twin = world();
    let markdown = |text: &str| json!({ "type": "markdown", "markdown": text });
    let made = json!({ "title": "Plan", "document_content": markdown("# One\n\ntext\n\n# Two").to_string() });
    let id = ok(&mut twin, "canvases.create", &made)["canvas_id"].clone();
    let read = |twin: &mut super::Twin| -> Value {
        serde_json::from_slice(&twin.call("slack_read_canvas", &json!({ "canvas_id": id })).value).unwrap()
    };
    assert_eq!(read(&mut twin)["content"], "# One\n\ntext\n\n# Two");
    let found = json!({ "canvas_id": id, "criteria": { "section_types": ["h1"], "contains_text": "two" } });
    let section = ok(&mut twin, "canvases.sections.lookup", &found)["sections"][0]["id"].clone();
    let edit = |changes: Value| json!({ "canvas_id": id, "changes": changes });
    let both = edit(json!([
        { "operation": "insert_before", "section_id": section, "document_content": markdown("middle") },
        { "operation": "rename", "title_content": markdown("Better") },
    ]));
    ok(&mut twin, "canvases.edit", &both);
    let now = read(&mut twin);
    assert_eq!(
        (now["content"].clone(), now["title"].clone()),
        (json!("# One\n\ntext\n\nmiddle\n\n# Two"), json!("Better"))
    );
    assert_eq!(refused(&mut twin, "canvases.edit", &both), "canvas_editing_failed", "ids change with every edit");
    assert_eq!(refused(&mut twin, "canvases.edit", &edit(json!([]))), "invalid_arguments");
    assert_eq!(
        refused(&mut twin, "canvases.edit", &edit(json!([{ "operation": "burn", "document_content": markdown("x") }]))),
        "canvas_editing_failed"
    );
    acting(&mut twin, "alice");
    let append = edit(json!([{ "operation": "insert_at_end", "document_content": markdown("x") }]));
    assert_eq!(refused(&mut twin, "canvases.edit", &append), "restricted_action");
    acting(&mut twin, "pome-agent");
    ok(&mut twin, "canvases.access.set", &json!({ "canvas_id": id, "access_level": "write", "user_ids": ["U_ALICE"] }));
    acting(&mut twin, "alice");
    ok(&mut twin, "canvases.edit", &append);
    acting(&mut twin, "pome-agent");
    ok(&mut twin, "canvases.delete", &json!({ "canvas_id": id }));
    assert_eq!(refused(&mut twin, "canvases.delete", &json!({ "canvas_id": id })), "canvas_not_found");
    let bad = json!({ "document_content": { "type": "html" } });
    assert_eq!(refused(&mut twin, "canvases.create", &bad), "canvas_creation_failed");
}

#[test]
fn a_channel_has_one_canvas() {
    let mut twin = world();
    let made = json!({ "channel_id": "C_GENERAL" });
    let id = ok(&mut twin, "conversations.canvases.create", &made)["canvas_id"].clone();
    assert_eq!(refused(&mut twin, "conversations.canvases.create", &made), "channel_canvas_already_exists");
    let info = ok(&mut twin, "conversations.info", &json!({ "channel": "C_GENERAL" }));
    assert_eq!(info["channel"]["properties"]["canvas"]["file_id"], id);
    assert_eq!(ok(&mut twin, "files.list", &json!({ "types": "spaces" }))["files"][0]["id"], id);
}
