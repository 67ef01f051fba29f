//! Sub-issues and dependencies.

#![expect(clippy::needless_pass_by_value, reason = "tests write what they send in place")]

use pome_twin_kit::testing::{Native, body};
use serde_json::{Value, json};
use twin_github::GitHub;

const ISSUES: &str = "/repos/acme/api/issues";

fn world() -> Native<GitHub> {
    let issues: Vec<Value> =
        (1..=13).map(|number| json!({ "number": number, "title": format!("Issue {number}") })).collect();
    Native::seeded(Some(&json!({ "repositories": [
        {
            "owner": "acme", "name": "api", "collaborators": [{ "login": "rita", "permission": "pull" }], "issues": issues,
        },
        { "owner": "other", "name": "api", "issues": [{ "number": 1, "title": "Elsewhere" }] },
    ] })))
}

fn send(twin: &mut Native<GitHub>, method: &str, path: &str, sent: Value) -> (u16, Value) {
    let answer = twin.request(method, path, Some(&sent));
    (answer.status, body(&answer))
}

fn id(twin: &mut Native<GitHub>, number: u64) -> u64 {
    twin.json(&format!("{ISSUES}/{number}"))["id"].as_u64().unwrap()
}

fn add(twin: &mut Native<GitHub>, parent: u64, child: u64) -> (u16, Value) {
    let sent = json!({ "sub_issue_id": id(twin, child) });
    send(twin, "POST", &format!("{ISSUES}/{parent}/sub_issues"), sent)
}

fn below(twin: &mut Native<GitHub>, parent: u64) -> Vec<u64> {
    let rows = twin.json(&format!("{ISSUES}/{parent}/sub_issues"));
    rows.as_array().unwrap().iter().map(|row| row["number"].as_u64().unwrap()).collect()
}

#[test]
fn sub_issues_are_added_counted_moved_and_removed() {
    let mut twin = world();
    for child in [2, 3, 4] {
        let (code, parent) = add(&mut twin, 1, child);
        assert_eq!((code, &parent["number"]), (201, &json!(1)), "{parent}");
    }
    send(&mut twin, "PATCH", &format!("{ISSUES}/3"), json!({ "state": "closed" }));
    let parent = twin.json(&format!("{ISSUES}/1"));
    assert_eq!(parent["sub_issues_summary"], json!({ "total": 3, "completed": 1, "percent_completed": 33 }));
    let child = twin.json(&format!("{ISSUES}/2"));
    assert!(child["parent_issue_url"].as_str().unwrap().ends_with("/repos/acme/api/issues/1"));
    assert_eq!(twin.json(&format!("{ISSUES}/2/parent"))["number"], 1);
    assert_eq!(twin.get(&format!("{ISSUES}/1/parent")).status, 404);
    let moved = json!({ "sub_issue_id": id(&mut twin, 4), "before_id": id(&mut twin, 2) });
    assert_eq!(send(&mut twin, "PATCH", &format!("{ISSUES}/1/sub_issues/priority"), moved).0, 200);
    assert_eq!(below(&mut twin, 1), [4, 2, 3]);
    let both = json!({ "sub_issue_id": id(&mut twin, 4), "before_id": 1, "after_id": 2 });
    assert_eq!(send(&mut twin, "PATCH", &format!("{ISSUES}/1/sub_issues/priority"), both).0, 422);
    let page = twin.json(&format!("{ISSUES}/1/sub_issues?per_page=2&page=2"));
    assert_eq!((page.as_array().unwrap().len(), &page[0]["number"]), (1, &json!(3)));
    let gone = json!({ "sub_issue_id": id(&mut twin, 2) });
    assert_eq!(send(&mut twin, "DELETE", &format!("{ISSUES}/1/sub_issue"), gone.clone()).0, 200);
    assert_eq!(below(&mut twin, 1), [4, 3]);
    assert_eq!(send(&mut twin, "DELETE", &format!("{ISSUES}/1/sub_issue"), gone).0, 404);
    let events = twin.json(&format!("{ISSUES}/1/events"));
    let names: Vec<&str> = events.as_array().unwrap().iter().map(|row| row["event"].as_str().unwrap()).collect();
    assert_eq!(names, ["sub_issue_added", "sub_issue_added", "sub_issue_added", "sub_issue_removed"]);
    assert_eq!(events[3]["sub_issue"]["number"], 2);
    let events = twin.json(&format!("{ISSUES}/2/events"));
    assert_eq!(
        (&events[0]["event"], &events[1]["event"]),
        (&json!("parent_issue_added"), &json!("parent_issue_removed"))
    );
    assert_eq!(
        twin.state()["repositories"][0]["sub_issues"],
        json!([{ "parent": 1, "children": ["acme/api#4", "acme/api#3"] }])
    );
}

#[test]
fn what_cannot_be_below_is_refused() {
    let mut twin = world();
    assert_eq!(add(&mut twin, 1, 2).0, 201);
    for (parent, child) in [(1, 1), (1, 2), (2, 1), (3, 2)] {
        assert_eq!(add(&mut twin, parent, child).0, 422, "{child} below {parent}");
    }
    let sent = json!({ "sub_issue_id": id(&mut twin, 2), "replace_parent": true });
    assert_eq!(send(&mut twin, "POST", &format!("{ISSUES}/3/sub_issues"), sent).0, 201);
    assert_eq!((below(&mut twin, 1), below(&mut twin, 3)), (vec![], vec![2]));
    let foreign = twin.json("/repos/other/api/issues/1")["id"].clone();
    let path = format!("{ISSUES}/1/sub_issues");
    assert_eq!(send(&mut twin, "POST", &path, json!({ "sub_issue_id": foreign })).0, 422);
    assert_eq!(send(&mut twin, "POST", &path, json!({ "sub_issue_id": 1 })).0, 404);
    assert_eq!(send(&mut twin, "POST", &path, json!({})).0, 422);
    for level in 4..=11 {
        assert_eq!(add(&mut twin, level, level + 1).0, 201);
    }
    assert_eq!(add(&mut twin, 12, 13).0, 422, "nested too deep");
    let child = id(&mut twin, 12);
    twin.caller.login = Some("rita".to_owned());
    assert_eq!(send(&mut twin, "POST", &path, json!({ "sub_issue_id": child })).0, 403);
}

#[test]
fn the_tool_does_what_the_routes_do() {
    let mut twin = world();
    let call = |twin: &mut Native<GitHub>, method: &str, child: u64, more: Value| {
        let mut arguments = json!({
            "method": method, "owner": "acme", "repo": "api", "issue_number": 1, "sub_issue_id": child,
        });
        arguments.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
        let answer = twin.call("sub_issue_write", &arguments);
        (answer.is_error, serde_json::from_slice::<Value>(&answer.value).unwrap_or_default())
    };
    let (two, three) = (id(&mut twin, 2), id(&mut twin, 3));
    for child in [two, three] {
        let (failed, issue) = call(&mut twin, "add", child, json!({}));
        assert_eq!((failed, &issue["number"]), (false, &json!(1)));
    }
    assert!(!call(&mut twin, "reprioritize", two, json!({ "after_id": three })).0);
    let read = |twin: &mut Native<GitHub>, method: &str, number: u64| {
        let arguments = json!({ "method": method, "owner": "acme", "repo": "api", "issue_number": number });
        serde_json::from_slice::<Value>(&twin.call("issue_read", &arguments).value).unwrap()
    };
    let listed = read(&mut twin, "get_sub_issues", 1);
    assert_eq!((&listed[0]["number"], &listed[1]["number"]), (&json!(3), &json!(2)));
    let parent = read(&mut twin, "get_parent", 2);
    assert_eq!((&parent["parent"]["number"], &parent["parent"]["repository"]), (&json!(1), &json!("acme/api")));
    assert!(!call(&mut twin, "remove", two, json!({})).0);
    assert_eq!(read(&mut twin, "get_parent", 2), json!({ "parent": null }));
    assert!(call(&mut twin, "remove", two, json!({})).0);
}

#[test]
fn issues_wait_for_issues() {
    let mut twin = world();
    let path = format!("{ISSUES}/1/dependencies/blocked_by");
    let two = id(&mut twin, 2);
    assert_eq!(send(&mut twin, "POST", &path, json!({ "issue_id": two })).0, 201);
    assert_eq!(send(&mut twin, "POST", &path, json!({ "issue_id": two })).0, 422);
    assert_eq!(twin.json(&path)[0]["number"], 2);
    assert_eq!(twin.json(&format!("{ISSUES}/2/dependencies/blocking"))[0]["number"], 1);
    let summary = twin.json(&format!("{ISSUES}/1"))["issue_dependencies_summary"].clone();
    assert_eq!(summary, json!({ "blocked_by": 1, "blocking": 0, "total_blocked_by": 1, "total_blocking": 0 }));
    assert_eq!(send(&mut twin, "DELETE", &format!("{path}/{two}"), json!({})).0, 200);
    assert_eq!(send(&mut twin, "DELETE", &format!("{path}/{two}"), json!({})).0, 404);
    assert_eq!(twin.json(&path), json!([]));
}

#[test]
fn relations_can_be_seeded_and_a_wrong_one_is_named() {
    let seed = |rows: Value| {
        json!({ "repositories": [{ "owner": "acme", "name": "api", "issues": [
            { "number": 1, "title": "Above", "sub_issues": rows }, { "number": 2, "title": "Below", "blocked_by": [1] },
        ] }] })
    };
    let mut twin = Native::<GitHub>::seeded(Some(&seed(json!([2]))));
    assert_eq!(below(&mut twin, 1), [2]);
    assert_eq!(twin.json(&format!("{ISSUES}/2/dependencies/blocked_by"))[0]["number"], 1);
    for wrong in [json!([9]), json!([1])] {
        let seeded = twin.seed(Some(&seed(wrong)));
        let answer: Value = serde_json::from_slice(&seeded.answer.body).unwrap();
        assert_eq!(answer["errors"][0]["pointer"], "/repositories/0/issues/0/sub_issues", "{answer}");
    }
}
