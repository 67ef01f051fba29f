use serde_json::json;

use super::{acting, ok, refused, world};

#[test]
fn users_are_found_by_id_name_and_address() {
    let mut twin = world();
    for wanted in ["U_ALICE", "alice", "alice@x.test"] {
        let user = ok(&mut twin, "users.info", &json!({ "user": wanted, "include_locale": true }))["user"].clone();
        assert_eq!((user["id"].clone(), user["locale"].clone()), (json!("U_ALICE"), json!("en-US")), "{wanted}");
        assert_eq!((user["tz_offset"].clone(), user["profile"]["first_name"].clone()), (json!(-28800), json!("Alice")));
    }
    assert_eq!(refused(&mut twin, "users.info", &json!({ "user": "U_NOBODY" })), "user_not_found");
    assert_eq!(ok(&mut twin, "users.lookupByEmail", &json!({ "email": "Alice@x.test" }))["user"]["id"], "U_ALICE");
    assert_eq!(refused(&mut twin, "users.lookupByEmail", &json!({ "email": "x@x.test" })), "users_not_found");
    let list = ok(&mut twin, "users.list", &json!({}))["members"].clone();
    assert_eq!(list.as_array().unwrap().len(), 5);
    assert_eq!(list[0]["profile"]["email"], "alice@x.test");
}

#[test]
fn profiles_are_changed_by_their_owner_or_an_admin() {
    let mut twin = world();
    let status = json!({ "profile": json!({ "status_text": "out", "status_emoji": ":palm_tree:" }).to_string() });
    assert_eq!(ok(&mut twin, "users.profile.set", &status)["profile"]["status_text"], "out");
    ok(&mut twin, "users.profile.set", &json!({ "name": "title", "value": "Agent" }));
    let profile = ok(&mut twin, "users.profile.get", &json!({}))["profile"].clone();
    assert_eq!((profile["title"].clone(), profile["status_emoji"].clone()), (json!("Agent"), json!(":palm_tree:")));
    ok(&mut twin, "users.profile.set", &json!({ "user": "U_BOB", "name": "real_name", "value": "Robert" }));
    acting(&mut twin, "bob");
    let other = json!({ "user": "U_ALICE", "name": "title", "value": "Boss" });
    assert_eq!(refused(&mut twin, "users.profile.set", &other), "not_admin");
    assert_eq!(refused(&mut twin, "users.profile.set", &json!({ "profile": "[]" })), "invalid_profile");
    assert_eq!(ok(&mut twin, "users.info", &json!({ "user": "bob" }))["user"]["real_name"], "Robert");
}

#[test]
fn presence_and_quiet_times_are_kept() {
    let mut twin = world();
    ok(&mut twin, "users.setPresence", &json!({ "presence": "away" }));
    assert_eq!(ok(&mut twin, "users.getPresence", &json!({}))["manual_away"], true);
    assert_eq!(refused(&mut twin, "users.setPresence", &json!({ "presence": "gone" })), "invalid_presence");
    assert_eq!(refused(&mut twin, "dnd.endSnooze", &json!({})), "snooze_not_active");
    assert_eq!(ok(&mut twin, "dnd.setSnooze", &json!({ "num_minutes": "30" }))["snooze_remaining"], 1800);
    assert_eq!(ok(&mut twin, "dnd.info", &json!({}))["snooze_enabled"], true);
    assert_eq!(
        ok(&mut twin, "dnd.teamInfo", &json!({ "users": "U_PRIMARY,U_BOB" }))["users"]["U_PRIMARY"]["dnd_enabled"],
        true
    );
    ok(&mut twin, "dnd.endSnooze", &json!({}));
    assert_eq!(ok(&mut twin, "dnd.info", &json!({}))["snooze_enabled"], false);
}

#[test]
fn user_groups_have_handles_and_members() {
    let mut twin = world();
    let made =
        ok(&mut twin, "usergroups.create", &json!({ "name": "On call", "handle": "oncall" }))["usergroup"].clone();
    let id = made["id"].clone();
    assert_eq!(
        refused(&mut twin, "usergroups.create", &json!({ "name": "Other", "handle": "oncall" })),
        "handle_already_exists"
    );
    let set = json!({ "usergroup": id, "users": "U_ALICE,U_BOB", "include_count": 1 });
    assert_eq!(ok(&mut twin, "usergroups.users.update", &set)["usergroup"]["user_count"], 2);
    assert_eq!(
        ok(&mut twin, "usergroups.users.list", &json!({ "usergroup": id }))["users"],
        json!(["U_ALICE", "U_BOB"])
    );
    let text = json!({ "channel": "C_GENERAL", "text": "@oncall help", "link_names": true });
    let text = ok(&mut twin, "chat.postMessage", &text)["message"]["text"].clone();
    assert_eq!(text, format!("<!subteam^{}|@oncall> help", id.as_str().unwrap()));
    ok(&mut twin, "usergroups.disable", &json!({ "usergroup": id }));
    assert_eq!(ok(&mut twin, "usergroups.list", &json!({}))["usergroups"], json!([]));
    ok(&mut twin, "usergroups.enable", &json!({ "usergroup": id }));
    assert_eq!(refused(&mut twin, "usergroups.update", &json!({ "usergroup": "S1", "name": "x" })), "no_such_subteam");
}

#[test]
fn reminders_are_set_completed_and_deleted() {
    let mut twin = world();
    let made =
        ok(&mut twin, "reminders.add", &json!({ "text": "call back", "time": "in 5 minutes" }))["reminder"].clone();
    assert_eq!(made["time"], pome_twin_kit::testing::START / 1000 + 300);
    let named = json!({ "reminder": made["id"] });
    ok(&mut twin, "reminders.complete", &named);
    assert_ne!(ok(&mut twin, "reminders.info", &named)["reminder"]["complete_ts"], 0);
    ok(&mut twin, "reminders.delete", &named);
    assert_eq!(refused(&mut twin, "reminders.info", &named), "not_found");
    assert_eq!(refused(&mut twin, "reminders.add", &json!({ "text": "x", "time": "whenever" })), "cannot_parse");
    let other = json!({ "text": "x", "time": "60", "user": "U_BOB" });
    assert_eq!(refused(&mut twin, "reminders.add", &other), "cannot_add_others");
}

#[test]
fn the_workspace_and_its_emoji_are_shown() {
    let mut twin = world();
    assert_eq!(ok(&mut twin, "team.info", &json!({}))["team"]["domain"], "pome-twin");
    assert_eq!(
        ok(&mut twin, "emoji.list", &json!({}))["emoji"],
        json!({ "shipit": "https://pome-twin.slack.com/emoji/shipit/1.png" })
    );
    let test = ok(&mut twin, "auth.test", &json!({}));
    assert_eq!((test["user_id"].clone(), test.get("bot_id")), (json!("U_PRIMARY"), None));
    assert_eq!(test["url"], "https://pome-twin.slack.com/");
    assert_eq!(refused(&mut twin, "api.test", &json!({ "error": "my_error" })), "my_error");
    assert_eq!(ok(&mut twin, "api.test", &json!({ "foo": "bar" }))["args"], json!({ "foo": "bar" }));
}

#[test]
fn views_are_opened_stacked_and_replaced() {
    let mut twin = world();
    let modal = json!({ "type": "modal", "title": { "type": "plain_text", "text": "Ask" }, "blocks": [] });
    let open = ok(&mut twin, "views.open", &json!({ "trigger_id": "1.2", "view": modal.to_string() }))["view"].clone();
    let top = ok(&mut twin, "views.push", &json!({ "trigger_id": "1.2", "view": modal }))["view"].clone();
    assert_eq!(
        (top["root_view_id"].clone(), top["previous_view_id"].clone()),
        (open["id"].clone(), open["id"].clone())
    );
    let stale = json!({ "view_id": open["id"], "hash": "0.0", "view": modal });
    assert_eq!(refused(&mut twin, "views.update", &stale), "hash_conflict");
    assert_eq!(refused(&mut twin, "views.open", &json!({ "view": modal })), "invalid_arguments");
    let home = json!({ "user_id": "U_ALICE", "view": { "type": "home", "blocks": [{ "type": "divider" }] } });
    let first = ok(&mut twin, "views.publish", &home)["view"]["id"].clone();
    assert_eq!(ok(&mut twin, "views.publish", &home)["view"]["id"], first);
}

#[test]
fn a_revoked_token_is_good_for_nothing() {
    let mut twin = world();
    assert_eq!(ok(&mut twin, "auth.revoke", &json!({ "test": 1 }))["revoked"], false);
    assert_eq!(ok(&mut twin, "auth.revoke", &json!({}))["revoked"], true);
    assert_eq!(refused(&mut twin, "auth.test", &json!({})), "token_revoked");
}
