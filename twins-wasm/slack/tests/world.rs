//! The world as a whole: the default seed, exports, the same bytes for the same calls.

#![expect(clippy::indexing_slicing, clippy::unwrap_used, reason = "what the helpers of a test cannot do ends the test")]

use pome_twin_kit::Twin as _;
use pome_twin_kit::describe::describe;
use pome_twin_kit::testing::{Native, body};
use serde_json::{Value, json};
use twin_slack::Slack;

type Twin = Native<Slack>;

#[test]
fn the_default_seed_is_the_documented_one() {
    let twin: Twin = Native::new();
    let state = twin.state();
    assert_eq!(state["workspace"], json!({ "id": "T_POME", "name": "Pome Twin Workspace", "domain": "pome-twin" }));
    let keys: Vec<&String> = state.as_object().unwrap().keys().collect();
    assert_eq!(
        keys,
        [
            "workspace",
            "users",
            "channels",
            "reactions",
            "pins",
            "files",
            "bookmarks",
            "scheduled_messages",
            "canvases",
            "emoji"
        ]
    );
    let general = &state["channels"][0];
    assert_eq!(
        (general["name"].clone(), general["members"].clone()),
        (json!("general"), json!(["U_ALICE", "U_BOB", "U_PRIMARY"]))
    );
    assert_eq!((general["is_private"].clone(), general["is_channel"].clone()), (json!(0), json!(1)));
    let message = &general["messages"][0];
    assert_eq!(
        (message["user_id"].clone(), message["text"].clone(), message["blocks_json"].clone()),
        (json!("U_ALICE"), json!("morning team"), json!("[]"))
    );
    assert_eq!(state["emoji"][1], json!({ "team_id": "T_POME", "name": "shipit", "value": "alias:squirrel" }));
}

#[test]
fn every_named_seed_is_accepted_and_twice_the_same() {
    for seed in Slack::SEEDS {
        let document: Value = serde_json::from_str(seed.json).unwrap();
        let (first, second): (Twin, Twin) = (Native::seeded(Some(&document)), Native::seeded(Some(&document)));
        assert_eq!(first.session.export(), second.session.export(), "{}", seed.name);
        assert!(first.state()["users"].to_string().contains("pome-agent"), "{}", seed.name);
    }
}

/// Calls of every kind, some of them refused, that follow from a number.
fn step(twin: &mut Twin, at: u64, log: &mut Vec<Vec<u8>>) {
    let channel = ["C_GENERAL", "C_RANDOM", "U_ALICE"][usize::try_from(at % 3).unwrap()];
    let people = ["pome-agent", "alice", "bob"];
    twin.caller.login = Some(people[usize::try_from(at / 7 % 3).unwrap()].to_owned());
    let (method, arguments) = match at % 12 {
        0 => ("conversations.join", json!({ "channel": "C_RANDOM" })),
        1..=3 => {
            ("chat.postMessage", json!({ "channel": channel, "text": format!("message {at} *x* https://a.b/{at}") }))
        }
        4 => ("conversations.history", json!({ "channel": channel, "limit": at % 5 + 1 })),
        5 => ("search.messages", json!({ "query": "message", "count": 3 })),
        6 => ("conversations.create", json!({ "name": format!("room-{}", at % 50) })),
        7 => ("files.getUploadURLExternal", json!({ "filename": "a.txt", "length": at })),
        8 => ("reactions.add", json!({ "channel": channel, "timestamp": "1767225600.000100", "name": "eyes" })),
        9 => (
            "canvases.create",
            json!({ "title": format!("c{at}"), "document_content": { "type": "markdown", "markdown": "# a\n\nb" } }),
        ),
        10 => ("users.list", json!({})),
        _ => {
            ("chat.scheduleMessage", json!({ "channel": channel, "text": "later", "post_at": 1_767_225_600 + at * 20 }))
        }
    };
    let answer = twin.request("POST", &format!("/{method}"), Some(&arguments));
    log.push(answer.body);
    log.push(answer.headers.iter().flat_map(|(name, value)| format!("{name}: {value}\n").into_bytes()).collect());
    if at % 10 == 9 {
        let tool = twin.call("slack_read_channel", &json!({ "channel_id": "C_GENERAL" }));
        log.push(tool.value);
        twin.session.advance(&twin.host);
    }
}

#[test]
fn the_same_three_hundred_calls_give_the_same_bytes() {
    let tape = || {
        let (mut twin, mut log): (Twin, _) = (Native::new(), Vec::new());
        (0..300).for_each(|at| step(&mut twin, at, &mut log));
        log.push(twin.session.export());
        log
    };
    let (first, second) = (tape(), tape());
    assert!(first == second, "two runs differ at {:?}", first.iter().zip(&second).position(|(a, b)| a != b));
    let state: Value = serde_json::from_slice(first.last().unwrap()).unwrap();
    assert!(
        state["channels"].as_array().unwrap().len() > 5 && state["scheduled_messages"].as_array().unwrap().len() > 1
    );
    // No two messages of the workspace share a time, and each comes after the one before.
    let all = state["channels"].as_array().unwrap().iter().flat_map(|channel| channel["messages"].as_array().unwrap());
    let mut times: Vec<&str> = all.map(|message| message["ts"].as_str().unwrap()).collect();
    let count = times.len();
    times.sort_unstable();
    times.dedup();
    assert!(count > 50 && times.len() == count);
}

#[test]
fn a_refused_call_leaves_no_trace_and_a_read_is_no_change() {
    let mut twin: Twin = Native::new();
    let before = twin.session.export();
    for (method, arguments) in [
        ("conversations.create", json!({ "name": "general" })),
        ("chat.postMessage", json!({ "channel": "U_ALICE", "text": "x", "thread_ts": "1.0" })),
        ("files.upload", json!({ "channels": "nowhere", "content": "x" })),
        ("conversations.history", json!({ "channel": "C_GENERAL" })),
        ("users.list", json!({})),
    ] {
        let answer = twin.request("POST", &format!("/{method}"), Some(&arguments));
        assert!(!answer.report.mutation, "{method}");
        assert_eq!(answer.report.error.is_some(), body(&answer)["ok"] == json!(false), "{method}");
        assert_eq!(twin.session.export(), before, "{method}");
    }
    let answer = twin.request("POST", "/chat.postMessage", Some(&json!({ "channel": "C_GENERAL", "text": "x" })));
    let delta = answer.report.delta.unwrap();
    assert_eq!(delta.before, None);
    let after: Value = serde_json::from_slice(&delta.after.unwrap()).unwrap();
    assert_eq!((after["text"].clone(), after["user_id"].clone()), (json!("x"), json!("U_PRIMARY")));
    let again = twin.request("POST", "/conversations.join", Some(&json!({ "channel": "C_GENERAL" })));
    assert!(!again.report.mutation && again.report.delta.is_none());
}

#[test]
fn the_host_is_told_what_the_vendor_would_say() {
    let description = describe::<Slack>();
    let refusal = |case: &str| description.identity.refusals.iter().find(|row| row.case == case).unwrap();
    for (case, status, code) in [
        ("no-token", 401, "not_authed"),
        ("bad-token", 401, "invalid_auth"),
        ("expired-token", 401, "token_expired"),
        ("wrong-session", 401, "invalid_auth"),
        ("admin-forbidden", 403, "restricted_action"),
    ] {
        assert_eq!((refusal(case).status, refusal(case).body.clone()), (status, json!({ "ok": false, "error": code })));
    }
    let fault = |name: &str| description.identity.faults.iter().find(|row| row.name == name).unwrap();
    assert_eq!(
        (fault("rate-limited").status, fault("rate-limited").headers.clone()),
        (429, vec![("retry-after".to_owned(), "1".to_owned())])
    );
    assert!(fault("lost-response").after_handler);
    assert_eq!(description.identity.session_health, ["ok", "twin"]);
    assert_eq!(description.tools.len(), 19);
    assert!(description.routes.len() > 130);
}

#[test]
fn the_seed_of_the_readme_is_one() {
    let readme = include_str!("../README.md");
    let example = readme.split("```json").nth(1).unwrap().split("```").next().unwrap();
    let twin: Twin = Native::seeded(Some(&serde_json::from_str(example).unwrap()));
    let state = twin.state();
    assert_eq!(state["channels"][0]["messages"].as_array().unwrap().len(), 2);
    for list in ["pins", "bookmarks", "scheduled_messages", "files", "canvases", "usergroups", "emoji"] {
        assert_eq!(state[list].as_array().unwrap().len(), 1, "{list}");
    }
}
