//! The tool door: the same operations as the Web API, with the promises of the tools' descriptions.

#![expect(
    clippy::indexing_slicing,
    clippy::needless_pass_by_value,
    clippy::unwrap_used,
    reason = "what the helpers of a test cannot do ends the test; tests write what they send in place"
)]

use pome_twin_kit::testing::{Native, START};
use serde_json::{Value, json};
use twin_slack::Slack;

type Twin = Native<Slack>;

fn world() -> Twin {
    Native::seeded(Some(&json!({
        "users": [
            { "id": "U_PRIMARY", "name": "pome-agent", "real_name": "Pome Agent", "is_admin": true },
            { "id": "U_ALICE", "name": "alice", "real_name": "Alice Park", "email": "alice@x.test", "profile": { "title": "Head of support" } },
            { "id": "U_BOB", "name": "bob", "real_name": "Bob" },
            { "id": "U_BOT", "name": "robo", "real_name": "Robo", "is_bot": true },
            { "id": "U_GONE", "name": "gone", "deleted": true },
        ],
        "channels": [
            { "id": "C_GENERAL", "name": "general", "topic": "Everything", "members": ["pome-agent", "alice", "robo", "gone"],
              "messages": [{ "user": "alice", "text": "morning team" }, { "user": "robo", "text": "morning beep" }] },
            { "id": "C_OLD", "name": "general-old", "is_archived": true },
            { "id": "G_HERS", "name": "hers", "is_private": true, "members": ["alice"] },
        ],
        "emoji": [{ "name": "shipit" }],
    })))
}

fn call(twin: &mut Twin, tool: &str, arguments: Value) -> Value {
    let answer = twin.call(tool, &arguments);
    let value: Value = serde_json::from_slice(&answer.value).unwrap();
    assert!(!answer.is_error, "{tool} {arguments}: {value}");
    assert_eq!(value["ok"], true);
    value
}

fn refused(twin: &mut Twin, tool: &str, arguments: Value) -> String {
    let before = twin.state();
    let answer = twin.call(tool, &arguments);
    let value: Value = serde_json::from_slice(&answer.value).unwrap();
    assert!(answer.is_error, "{tool} {arguments}: {value}");
    assert_eq!((value["ok"].clone(), twin.state()), (json!(false), before));
    value["error"].as_str().unwrap().to_owned()
}

#[test]
fn a_message_is_markdown_and_comes_back_with_its_link() {
    let mut twin = world();
    let sent = call(
        &mut twin,
        "slack_send_message",
        json!({ "channel_id": "C_GENERAL", "message": "**bold** [l](https://a.b)" }),
    );
    assert_eq!(sent["message"]["text"], "*bold* <https://a.b|l>");
    assert!(sent["message_link"].as_str().unwrap().starts_with("https://pome-twin.slack.com/archives/C_GENERAL/p"));
    let direct = call(&mut twin, "slack_send_message", json!({ "channel_id": "U_ALICE", "message": "psst" }));
    assert!(direct["channel_id"].as_str().unwrap().starts_with('D'));
    let read = call(&mut twin, "slack_read_channel", json!({ "channel_id": "U_ALICE" }));
    assert_eq!(read["messages"][0]["text"], "psst");
    let reply =
        json!({ "channel_id": "C_GENERAL", "message": "below", "thread_ts": sent["ts"], "reply_broadcast": true });
    assert_eq!(call(&mut twin, "slack_send_message", reply)["message"]["subtype"], "thread_broadcast");
    let thread = call(
        &mut twin,
        "slack_read_thread",
        json!({ "channel_id": "C_GENERAL", "message_ts": sent["ts"], "response_format": "concise" }),
    );
    let names: Vec<_> = thread["messages"].as_array().unwrap().iter().map(|row| row["user_name"].clone()).collect();
    assert_eq!(names, ["Pome Agent", "Pome Agent"]);
    for (arguments, code) in [
        (json!({ "channel_id": "C_GENERAL", "message": "" }), "no_text"),
        (json!({ "channel_id": "G_HERS", "message": "x" }), "channel_not_found"),
        (json!({ "channel_id": "C_GENERAL" }), "invalid_arguments"),
        (json!({ "channel_id": "C_GENERAL", "message": 5 }), "invalid_arguments"),
    ] {
        assert_eq!(refused(&mut twin, "slack_send_message", arguments), code);
    }
}

#[test]
fn a_reaction_that_is_there_is_no_error_and_changes_nothing() {
    let mut twin = world();
    let ts = call(&mut twin, "slack_read_channel", json!({ "channel_id": "C_GENERAL" }))["messages"][0]["ts"].clone();
    let none = call(&mut twin, "slack_get_reactions", json!({ "channel_id": "C_GENERAL", "message_ts": ts }));
    assert_eq!((none["reactions"].clone(), none["note"].is_string()), (json!([]), true));
    let react = json!({ "channel_id": "C_GENERAL", "message_ts": ts, "emoji": "eyes" });
    call(&mut twin, "slack_add_reaction", react.clone());
    assert!(!twin.call("slack_add_reaction", &react).report.mutation);
    let shown = call(&mut twin, "slack_get_reactions", json!({ "channel_id": "C_GENERAL", "message_ts": ts }));
    assert_eq!(
        shown["reactions"],
        json!([{ "name": "eyes", "count": 1, "users": [{ "id": "U_PRIMARY", "display_name": "Pome Agent" }] }])
    );
}

#[test]
fn conversations_are_made_with_their_people_or_not_at_all() {
    let mut twin = world();
    let made = json!({ "channel_name": "Q3 Launch Plan!", "user_ids": ["U_ALICE", "U_BOB"], "is_private": true });
    let made = call(&mut twin, "slack_create_conversation", made);
    assert_eq!(
        (made["channel"]["name"].clone(), made["channel"]["num_members"].clone()),
        (json!("q3-launch-plan"), json!(3))
    );
    let direct = call(&mut twin, "slack_create_conversation", json!({ "user_ids": ["U_ALICE"] }));
    assert!(direct["channel_id"].as_str().unwrap().starts_with('D'));
    assert_eq!(refused(&mut twin, "slack_create_conversation", json!({})), "invalid_arguments");
    assert_eq!(refused(&mut twin, "slack_create_conversation", json!({ "channel_name": "general" })), "name_taken");
    // A failing invitation leaves no channel behind.
    let bad = json!({ "channel_name": "half", "user_ids": ["U_NOBODY"] });
    assert_eq!(refused(&mut twin, "slack_create_conversation", bad), "user_not_found");
}

#[test]
fn schedules_keep_the_distance_that_the_tool_promises() {
    let mut twin = world();
    let plan = |ahead: u64| json!({ "channel_id": "C_GENERAL", "message": "later", "post_at": START / 1000 + ahead });
    assert_eq!(refused(&mut twin, "slack_schedule_message", plan(60)), "time_in_past");
    assert_eq!(refused(&mut twin, "slack_schedule_message", plan(121 * 86_400)), "time_too_far");
    assert!(call(&mut twin, "slack_schedule_message", plan(600))["scheduled_message_id"].is_string());
}

#[test]
fn drafts_are_one_for_each_place_and_go_when_they_are_sent() {
    let mut twin = world();
    let draft = json!({ "channel_id": "C_GENERAL", "message": "soon" });
    let id = call(&mut twin, "slack_send_message_draft", draft.clone())["draft_id"].clone();
    assert_eq!(refused(&mut twin, "slack_send_message_draft", draft), "draft_already_exists");
    assert_eq!(twin.state()["drafts"].as_array().unwrap().len(), 1);
    call(&mut twin, "slack_send_message", json!({ "channel_id": "C_GENERAL", "message": "now", "draft_id": id }));
    assert_eq!(twin.state().get("drafts"), None);
}

#[test]
fn searches_keep_their_promises() {
    let mut twin = world();
    let found = |twin: &mut Twin, arguments: Value| {
        let answer = call(twin, "slack_search_public", arguments);
        answer["messages"]["matches"].as_array().unwrap().len()
    };
    assert_eq!(found(&mut twin, json!({ "query": "morning" })), 1, "bots are left out");
    assert_eq!(found(&mut twin, json!({ "query": "morning", "include_bots": true })), 2);
    assert_eq!(found(&mut twin, json!({ "query": "morning", "include_bots": true, "limit": 1 })), 1);
    let later = (START / 1000 + 10).to_string();
    assert_eq!(found(&mut twin, json!({ "query": "morning", "after": later })), 0);
    let hit = call(&mut twin, "slack_search_public", json!({ "query": "team" }))["messages"]["matches"][0].clone();
    assert_eq!(hit["context_messages"]["after"][0]["text"], "morning beep");
    let bare = json!({ "query": "team", "include_context": false });
    assert_eq!(call(&mut twin, "slack_search_public", bare)["messages"]["matches"][0].get("context_messages"), None);
    let concise = json!({ "query": "team", "response_format": "concise" });
    assert_eq!(
        call(&mut twin, "slack_search_public", concise)["messages"]["matches"][0]["channel"],
        json!({ "id": "C_GENERAL", "name": "general" })
    );
    assert_eq!(refused(&mut twin, "slack_search_public", json!({ "query": " " })), "no_query");
    let names = |twin: &mut Twin, arguments: Value| -> Vec<Value> {
        let answer = call(twin, "slack_search_channels", arguments);
        answer["channels"].as_array().unwrap().iter().map(|row| row["name"].clone()).collect()
    };
    assert_eq!(names(&mut twin, json!({ "query": "general" })), ["general"]);
    assert_eq!(names(&mut twin, json!({ "query": "general", "include_archived": true })), ["general", "general-old"]);
    assert_eq!(names(&mut twin, json!({ "query": "everything" })), ["general"]);
    assert_eq!(names(&mut twin, json!({ "query": "hers", "channel_types": "private_channel" })), Vec::<Value>::new());
    let people = |twin: &mut Twin, query: &str| -> Vec<Value> {
        let answer = call(twin, "slack_search_users", json!({ "query": query }));
        answer["members"].as_array().unwrap().iter().map(|row| row["id"].clone()).collect()
    };
    assert_eq!(people(&mut twin, "alice@x.test"), ["U_ALICE"]);
    assert_eq!(people(&mut twin, "head support"), ["U_ALICE"]);
    assert_eq!(people(&mut twin, "head -support"), Vec::<Value>::new());
    assert_eq!(people(&mut twin, "gone"), Vec::<Value>::new());
    let emoji = call(&mut twin, "slack_search_emojis", json!({ "query": "ship,roc" }));
    assert_eq!((emoji["emoji"]["shipit"].is_string(), emoji["standard_emoji"].clone()), (true, json!(["rocket"])));
}

#[test]
fn members_are_listed_without_bots_and_the_departed() {
    let mut twin = world();
    let ids = |twin: &mut Twin, mut arguments: Value| -> Value {
        arguments["channel_id"] = "C_GENERAL".into();
        arguments["response_format"] = "ids_only".into();
        call(twin, "slack_list_channel_members", arguments)["members"].clone()
    };
    assert_eq!(ids(&mut twin, json!({})), json!(["U_ALICE", "U_PRIMARY"]));
    assert_eq!(
        ids(&mut twin, json!({ "include_bots": true, "include_deleted": true })),
        json!(["U_ALICE", "U_BOT", "U_GONE", "U_PRIMARY"])
    );
    let first = call(&mut twin, "slack_list_channel_members", json!({ "channel_id": "C_GENERAL", "limit": 1 }));
    assert_eq!(
        (first["members"][0]["name"].clone(), first["pagination_info"]["next_cursor"] != ""),
        (json!("alice"), true)
    );
    let direct = call(&mut twin, "slack_create_conversation", json!({ "user_ids": ["U_ALICE"] }))["channel_id"].clone();
    assert_eq!(
        refused(&mut twin, "slack_list_channel_members", json!({ "channel_id": direct })),
        "method_not_supported_for_channel_type"
    );
}

#[test]
fn a_canvas_is_made_read_and_changed_by_sections() {
    let mut twin = world();
    let made = call(&mut twin, "slack_create_canvas", json!({ "title": "Plan", "content": "# One\n\ntext\n\n# Two" }));
    assert!(made["canvas_link"].as_str().unwrap().contains("/docs/T_POME/"));
    let id = made["canvas_id"].clone();
    let read = call(&mut twin, "slack_read_canvas", json!({ "canvas_id": id }));
    let (section, _) =
        read["section_id_mapping"].as_object().unwrap().iter().find(|(_, start)| **start == json!("# Two")).unwrap();
    let sections = json!([
        { "edit_type": "prepend", "section_id": section, "content": "before two" },
        { "edit_type": "append", "content": "the end" },
    ]);
    let changed = call(&mut twin, "slack_update_canvas", json!({ "canvas_id": id, "sections": sections }));
    assert!(!changed["section_id_mapping"].as_object().unwrap().contains_key(section), "ids change with every update");
    call(&mut twin, "slack_update_canvas", json!({ "canvas_id": id, "action": "prepend", "content": "the start" }));
    let content = call(&mut twin, "slack_read_canvas", json!({ "canvas_id": id }))["content"].clone();
    assert_eq!(content, "the start\n\n# One\n\ntext\n\nbefore two\n\n# Two\n\nthe end");
    // All changes or none.
    let half = json!([{ "edit_type": "append", "content": "x" }, { "edit_type": "delete", "section_id": "nowhere" }]);
    assert_eq!(
        refused(&mut twin, "slack_update_canvas", json!({ "canvas_id": id, "sections": half })),
        "canvas_editing_failed"
    );
    assert_eq!(refused(&mut twin, "slack_update_canvas", json!({ "canvas_id": id })), "invalid_arguments");
    call(&mut twin, "slack_update_canvas", json!({ "canvas_id": id, "action": "replace", "content": "all new" }));
    assert_eq!(call(&mut twin, "slack_read_canvas", json!({ "canvas_id": id }))["content"], "all new");
    assert_eq!(refused(&mut twin, "slack_read_canvas", json!({ "canvas_id": "F1" })), "canvas_not_found");
}

#[test]
fn profiles_are_read_with_who_they_are_of() {
    let mut twin = world();
    let own = call(&mut twin, "slack_read_user_profile", json!({}));
    assert_eq!((own["user_id"].clone(), own["is_admin"].clone()), (json!("U_PRIMARY"), json!(true)));
    let other = call(&mut twin, "slack_read_user_profile", json!({ "user_id": "U_ALICE", "include_locale": true }));
    assert_eq!(
        (other["profile"]["title"].clone(), other["locale"].clone()),
        (json!("Head of support"), json!("en-US"))
    );
    assert_eq!(refused(&mut twin, "slack_read_user_profile", json!({ "user_id": "U_NOBODY" })), "user_not_found");
}

#[test]
fn an_unknown_tool_says_so() {
    let answer = world().call("slack_launch_rocket", &json!({}));
    assert!(answer.is_error);
    assert_eq!(answer.value, br#"{"ok":false,"error":"unknown_tool"}"#);
}
