use serde_json::{Value, json};

use super::{acting, ok, refused, world};

#[test]
fn a_channel_is_made_filled_renamed_and_closed() {
    let mut twin = world();
    let made = ok(&mut twin, "conversations.create", &json!({ "name": "plans" }))["channel"].clone();
    assert_eq!(
        (made["is_member"].clone(), made["num_members"].clone(), made["creator"].clone()),
        (json!(true), json!(1), json!("U_PRIMARY"))
    );
    let id = made["id"].as_str().unwrap().to_owned();
    assert!(id.len() >= 9 && id.bytes().all(|byte| byte.is_ascii_uppercase() || byte.is_ascii_digit()), "{id}");
    let invited = ok(&mut twin, "conversations.invite", &json!({ "channel": id, "users": "U_ALICE,U_BOB" }));
    assert_eq!(invited["channel"]["num_members"], 3);
    assert_eq!(
        ok(&mut twin, "conversations.members", &json!({ "channel": id }))["members"],
        json!(["U_PRIMARY", "U_ALICE", "U_BOB"])
    );
    let renamed = ok(&mut twin, "conversations.rename", &json!({ "channel": id, "name": "better-plans" }));
    assert_eq!(
        (renamed["channel"]["name"].clone(), renamed["channel"]["previous_names"].clone()),
        (json!("better-plans"), json!(["plans"]))
    );
    let topic = ok(&mut twin, "conversations.setTopic", &json!({ "channel": id, "topic": "a & b" }));
    assert_eq!(topic["channel"]["topic"]["value"], "a &amp; b");
    assert_eq!(topic["channel"]["topic"]["creator"], "U_PRIMARY");
    let purpose = ok(&mut twin, "conversations.setPurpose", &json!({ "channel": id, "purpose": "planning" }));
    assert_eq!(purpose["channel"]["purpose"]["value"], "planning");
    ok(&mut twin, "conversations.kick", &json!({ "channel": id, "user": "U_BOB" }));
    ok(&mut twin, "conversations.archive", &json!({ "channel": id }));
    assert_eq!(refused(&mut twin, "conversations.archive", &json!({ "channel": id })), "already_archived");
    assert_eq!(refused(&mut twin, "conversations.invite", &json!({ "channel": id, "users": "U_BOB" })), "is_archived");
    ok(&mut twin, "conversations.unarchive", &json!({ "channel": id }));
    assert_eq!(refused(&mut twin, "conversations.unarchive", &json!({ "channel": id })), "not_archived");
}

#[test]
fn names_have_their_rules() {
    let mut twin = world();
    for (name, code) in [
        ("", "invalid_name_required"),
        ("Plans", "invalid_name_specials"),
        ("a b", "invalid_name_specials"),
        ("-plans", "invalid_name_punctuation"),
        ("12345", "invalid_name_punctuation"),
        ("general", "name_taken"),
        ("old", "name_taken"),
        ("secret", "name_taken"),
    ] {
        assert_eq!(refused(&mut twin, "conversations.create", &json!({ "name": name })), code, "{name}");
    }
    assert_eq!(
        refused(&mut twin, "conversations.create", &json!({ "name": "x".repeat(81) })),
        "invalid_name_maxlength"
    );
}

#[test]
fn invitations_name_each_problem_and_force_takes_the_rest() {
    let mut twin = world();
    for (users, code) in [
        ("", "no_user"),
        ("U_NOBODY", "user_not_found"),
        ("U_PRIMARY", "cant_invite_self"),
        ("U_ALICE", "already_in_channel"),
        ("U_BOB,U_GONE", "user_disabled"),
    ] {
        assert_eq!(
            refused(&mut twin, "conversations.invite", &json!({ "channel": "G_TEAM", "users": users })),
            code,
            "{users}"
        );
    }
    assert_eq!(
        refused(&mut twin, "conversations.invite", &json!({ "channel": "C_OPEN", "users": "U_BOB" })),
        "not_in_channel"
    );
    let forced = json!({ "channel": "G_TEAM", "users": ["U_BOB", "U_ALICE"], "force": true });
    assert_eq!(ok(&mut twin, "conversations.invite", &forced)["channel"]["num_members"], 3);
}

#[test]
fn joining_and_leaving_follow_the_rules_of_the_channel() {
    let mut twin = world();
    ok(&mut twin, "conversations.join", &json!({ "channel": "C_OPEN" }));
    let again = ok(&mut twin, "conversations.join", &json!({ "channel": "C_OPEN" }));
    assert_eq!(again["warning"], "already_in_channel");
    assert_eq!(again["response_metadata"]["warnings"], json!(["already_in_channel"]));
    ok(&mut twin, "conversations.leave", &json!({ "channel": "C_OPEN" }));
    assert_eq!(ok(&mut twin, "conversations.leave", &json!({ "channel": "C_OPEN" }))["not_in_channel"], true);
    for (method, channel, code) in [
        ("conversations.join", "G_SECRET", "channel_not_found"),
        ("conversations.join", "C_OLD", "is_archived"),
        ("conversations.leave", "C_GENERAL", "cant_leave_general"),
        ("conversations.archive", "C_GENERAL", "cant_archive_general"),
        ("conversations.setTopic", "C_OPEN", "not_in_channel"),
    ] {
        assert_eq!(
            refused(&mut twin, method, &json!({ "channel": channel, "topic": "x" })),
            code,
            "{method} {channel}"
        );
    }
    let alone =
        ok(&mut twin, "conversations.create", &json!({ "name": "alone", "is_private": true }))["channel"]["id"].clone();
    assert_eq!(refused(&mut twin, "conversations.leave", &json!({ "channel": alone })), "last_member");
    assert_eq!(
        refused(&mut twin, "conversations.kick", &json!({ "channel": "G_TEAM", "user": "U_PRIMARY" })),
        "cant_kick_self"
    );
    assert_eq!(
        refused(&mut twin, "conversations.kick", &json!({ "channel": "G_TEAM", "user": "U_BOB" })),
        "not_in_channel"
    );
    let long = json!({ "channel": "C_GENERAL", "topic": "x".repeat(251) });
    assert_eq!(refused(&mut twin, "conversations.setTopic", &long), "too_long");
}

#[test]
fn direct_conversations_are_one_for_each_set_of_people() {
    let mut twin = world();
    let one = ok(&mut twin, "conversations.open", &json!({ "users": "U_ALICE" }));
    assert_eq!(one["channel"].as_object().unwrap().len(), 1, "only the id unless `return_im` asks for more");
    let whole = ok(&mut twin, "conversations.open", &json!({ "users": "alice", "return_im": "true" }));
    assert_eq!(
        (whole["channel"]["id"].clone(), whole["channel"]["user"].clone()),
        (one["channel"]["id"].clone(), json!("U_ALICE"))
    );
    assert_eq!((whole["already_open"].clone(), whole["no_op"].clone()), (json!(true), json!(true)));
    let many = ok(&mut twin, "conversations.open", &json!({ "users": "U_BOB,U_ALICE", "return_im": true }));
    assert_eq!(
        (many["channel"]["is_mpim"].clone(), many["channel"]["name"].clone()),
        (json!(true), json!("mpdm-alice--bob--pome-agent-1"))
    );
    assert_eq!(refused(&mut twin, "conversations.open", &json!({})), "users_list_not_supplied");
    assert_eq!(refused(&mut twin, "conversations.open", &json!({ "users": "U_NOBODY" })), "user_not_found");
    let crowd = (0..9).map(|at| format!("U{at}")).collect::<Vec<_>>().join(",");
    assert_eq!(refused(&mut twin, "conversations.open", &json!({ "users": crowd })), "too_many_users");
    assert_eq!(
        refused(&mut twin, "conversations.setTopic", &json!({ "channel": one["channel"]["id"], "topic": "x" })),
        "method_not_supported_for_channel_type"
    );
}

#[test]
fn a_closed_conversation_is_hidden_until_somebody_writes() {
    let mut twin = world();
    let id = ok(&mut twin, "conversations.open", &json!({ "users": "U_ALICE" }))["channel"]["id"].clone();
    let count = |twin: &mut super::Twin| {
        ok(twin, "conversations.list", &json!({ "types": "im" }))["channels"].as_array().unwrap().len()
    };
    assert_eq!(count(&mut twin), 1);
    ok(&mut twin, "conversations.close", &json!({ "channel": id }));
    assert_eq!(ok(&mut twin, "conversations.close", &json!({ "channel": id }))["already_closed"], true);
    assert_eq!(count(&mut twin), 0);
    acting(&mut twin, "alice");
    ok(&mut twin, "chat.postMessage", &json!({ "channel": id, "text": "hello?" }));
    acting(&mut twin, "pome-agent");
    assert_eq!(count(&mut twin), 1);
}

#[test]
fn lists_are_of_the_types_that_are_asked_for() {
    let mut twin = world();
    let names = |twin: &mut super::Twin, arguments: Value| -> Vec<String> {
        let answer = ok(twin, "conversations.list", &arguments);
        let name = |channel: &Value| channel["name"].as_str().unwrap_or("-").to_owned();
        answer["channels"].as_array().unwrap().iter().map(name).collect()
    };
    assert_eq!(names(&mut twin, json!({})), ["general", "old", "open"]);
    assert_eq!(names(&mut twin, json!({ "exclude_archived": true })), ["general", "open"]);
    assert_eq!(
        names(&mut twin, json!({ "types": "public_channel,private_channel" })),
        ["general", "old", "open", "team"]
    );
    assert_eq!(refused(&mut twin, "conversations.list", &json!({ "types": "public_channel,secret" })), "invalid_types");
    let mine = ok(&mut twin, "users.conversations", &json!({ "types": "public_channel,private_channel" }));
    assert_eq!(mine["channels"].as_array().unwrap().len(), 3);
}

#[test]
fn reading_marks_are_the_members_own() {
    let mut twin = world();
    let ts = super::first(&mut twin);
    ok(&mut twin, "conversations.mark", &json!({ "channel": "C_GENERAL", "ts": ts }));
    assert_eq!(
        ok(&mut twin, "conversations.info", &json!({ "channel": "C_GENERAL" }))["channel"]["last_read"],
        json!(ts)
    );
    assert_eq!(
        refused(&mut twin, "conversations.mark", &json!({ "channel": "C_GENERAL", "ts": "x" })),
        "invalid_timestamp"
    );
    assert_eq!(refused(&mut twin, "conversations.mark", &json!({ "channel": "C_OPEN", "ts": ts })), "not_in_channel");
}
