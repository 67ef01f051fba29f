use serde_json::{Value, json};

use super::{acting, ok, refused, world};

/// Messages with everything that modifiers ask for.
fn filled() -> super::Twin {
    let mut twin = world();
    let post = |twin: &mut super::Twin, arguments: Value| ok(twin, "chat.postMessage", &arguments)["ts"].clone();
    let root = post(&mut twin, json!({ "channel": "C_GENERAL", "text": "deploy went wrong" }));
    post(&mut twin, json!({ "channel": "C_GENERAL", "text": "rollback of the deploy", "thread_ts": root }));
    ok(&mut twin, "reactions.add", &json!({ "channel": "C_GENERAL", "timestamp": root, "name": "eyes" }));
    ok(&mut twin, "pins.add", &json!({ "channel": "C_GENERAL", "timestamp": root }));
    acting(&mut twin, "alice");
    post(&mut twin, json!({ "channel": "G_TEAM", "text": "deploy deploy deploy https://ci.test/1" }));
    post(&mut twin, json!({ "channel": "U_PRIMARY", "text": "the deploy is yours" }));
    acting(&mut twin, "robo");
    post(&mut twin, json!({ "channel": "C_GENERAL", "text": "deploy of version 7" }));
    acting(&mut twin, "pome-agent");
    twin
}

fn found(twin: &mut super::Twin, query: &str) -> Vec<String> {
    let answer = ok(twin, "search.messages", &json!({ "query": query, "sort": "timestamp" }));
    let matches = answer["messages"]["matches"].as_array().unwrap();
    matches.iter().map(|hit| hit["text"].as_str().unwrap().to_owned()).collect()
}

#[test]
fn modifiers_cut_the_results_down() {
    let mut twin = filled();
    for (query, count) in [
        ("deploy", 5),
        ("DEPLOY wrong", 1),
        ("\"went wrong\"", 1),
        ("\"wrong went\"", 0),
        ("deploy -rollback", 4),
        ("roll*", 1),
        ("in:general deploy", 3),
        ("in:#general deploy", 3),
        ("in:<#C_GENERAL|general> deploy", 3),
        ("-in:general deploy", 2),
        ("in:@alice deploy", 1),
        ("from:@alice deploy", 2),
        ("from:<@U_ALICE> deploy", 2),
        ("from:me deploy", 2),
        ("-from:me deploy", 3),
        ("to:me deploy", 1),
        ("is:thread deploy", 2),
        ("is:dm", 1),
        ("has:pin", 1),
        ("has:link", 1),
        ("has:reaction", 1),
        ("has::eyes:", 1),
        ("hasmy::eyes:", 1),
        ("has::wave:", 0),
        ("before:2026-01-01 deploy", 0),
        ("after:2025-12-31 deploy", 5),
        ("on:2026-01-01 deploy", 5),
        ("during:january deploy", 5),
        ("during:2025 deploy", 0),
        ("nothing like it", 0),
    ] {
        assert_eq!(found(&mut twin, query).len(), count, "{query}: {:?}", found(&mut twin, query));
    }
}

#[test]
fn results_are_ordered_by_score_or_time() {
    let mut twin = filled();
    let first = |twin: &mut super::Twin, sort: &str, direction: &str| {
        let asked = json!({ "query": "deploy", "sort": sort, "sort_dir": direction });
        ok(twin, "search.messages", &asked)["messages"]["matches"][0]["text"].clone()
    };
    assert_eq!(first(&mut twin, "score", "desc"), "deploy deploy deploy <https://ci.test/1>");
    assert_eq!(first(&mut twin, "timestamp", "desc"), "deploy of version 7");
    assert_eq!(first(&mut twin, "timestamp", "asc"), "deploy went wrong");
}

#[test]
fn a_hit_says_where_it_is() {
    let mut twin = filled();
    let answer = ok(&mut twin, "search.messages", &json!({ "query": "wrong", "highlight": true }));
    let hit = &answer["messages"]["matches"][0];
    assert_eq!(hit["text"], "deploy went \u{e000}wrong\u{e001}");
    assert_eq!((hit["channel"]["id"].clone(), hit["username"].clone()), (json!("C_GENERAL"), json!("pome-agent")));
    assert!(hit["permalink"].as_str().unwrap().starts_with("https://pome-twin.slack.com/archives/C_GENERAL/p"));
    assert_eq!(answer["messages"]["paging"], json!({ "count": 20, "total": 1, "page": 1, "pages": 1 }));
}

#[test]
fn pages_and_cursors_reach_every_hit() {
    let mut twin = filled();
    let page = |twin: &mut super::Twin, page: u64| {
        let asked = json!({ "query": "deploy", "count": 2, "page": page });
        ok(twin, "search.messages", &asked)["messages"]["matches"].as_array().unwrap().len()
    };
    assert_eq!([page(&mut twin, 1), page(&mut twin, 2), page(&mut twin, 3)], [2, 2, 1]);
    let (mut cursor, mut count) = (json!("*"), 0);
    for _ in 0..10 {
        let answer = ok(&mut twin, "search.messages", &json!({ "query": "deploy", "count": 2, "cursor": cursor }));
        count += answer["messages"]["matches"].as_array().unwrap().len();
        cursor = answer["messages"]["next_cursor"].clone();
        if cursor == "" {
            break;
        }
    }
    assert_eq!(count, 5);
    assert_eq!(refused(&mut twin, "search.messages", &json!({ "query": " " })), "no_query");
    acting(&mut twin, "robo");
    assert_eq!(refused(&mut twin, "search.messages", &json!({ "query": "x" })), "not_allowed_token_type");
}

#[test]
fn files_are_found_by_name_and_text() {
    let mut twin = filled();
    let upload = json!({ "channels": "general", "content": "name,amount\nacme,7", "filename": "orders.csv" });
    ok(&mut twin, "files.upload", &upload);
    for (query, count) in
        [("orders", 1), ("acme", 1), ("from:me orders", 1), ("from:bob orders", 0), ("in:general orders", 1)]
    {
        assert_eq!(ok(&mut twin, "search.files", &json!({ "query": query }))["files"]["total"], count, "{query}");
    }
    assert_eq!(ok(&mut twin, "search.all", &json!({ "query": "orders" }))["files"]["total"], 1);
}
