//! Issues, their labels, assignees and comments, on both doors.

use pome_twin_kit::testing::{Native, body};
use serde_json::{Value, json};
use twin_github::GitHub;

const ISSUES: &str = "/repos/acme/api/issues";
const ISSUE: &str = "/repos/acme/api/issues/1";

fn world() -> Native<GitHub> {
    Native::new()
}

fn value(answer: &pome_twin_kit::envelope::ToolAnswer) -> Value {
    serde_json::from_slice(&answer.value).unwrap()
}

fn delta(side: Option<&Vec<u8>>) -> Value {
    serde_json::from_slice(side.unwrap()).unwrap()
}

/// A request that must give this status; the body.
fn expect(twin: &mut Native<GitHub>, status: u16, method: &str, path: &str, input: &Value) -> Value {
    let answer = twin.request(method, path, Some(input));
    assert_eq!(answer.status, status, "{method} {path}: {}", String::from_utf8_lossy(&answer.body));
    body(&answer)
}

#[test]
fn a_new_issue_takes_the_next_number_and_belongs_to_whoever_opened_it() {
    let mut twin = world();
    twin.caller.login = Some("alice".to_owned());
    let input = json!({ "title": " Crash ", "body": "It fails", "labels": ["bug"], "assignees": ["bob"] });
    let answer = twin.request("POST", ISSUES, Some(&input));
    let issue = body(&answer);
    assert_eq!(answer.status, 201);
    assert_eq!((&issue["number"], &issue["title"], &issue["state"]), (&json!(2), &json!("Crash"), &json!("open")));
    assert_eq!((&issue["user"]["login"], &issue["assignee"]["login"]), (&json!("alice"), &json!("bob")));
    assert_eq!(issue["labels"][0]["color"], "d73a4a");
    assert_eq!(issue["url"], "http://twin.test/s/test/repos/acme/api/issues/2");
    assert_eq!(answer.headers.iter().find(|(name, _)| name == "location").unwrap().1, issue["url"]);
    let change = answer.report.delta.unwrap();
    assert_eq!((answer.report.action.as_deref(), change.before.is_none()), (Some("create_issue"), true));
    let row = delta(change.after.as_ref());
    assert_eq!(
        (&row["repo"], &row["labels"], &row["user_login"]),
        (&json!("acme/api"), &json!(["bug"]), &json!("alice"))
    );
}

#[test]
fn an_issue_without_a_title_or_for_somebody_unassignable_is_refused_and_changes_nothing() {
    let mut twin = world();
    let before = twin.session.export();
    let missing = expect(&mut twin, 422, "POST", ISSUES, &json!({}));
    assert_eq!(missing["message"], "Invalid request.\n\n\"title\" wasn't supplied.");
    let blank = expect(&mut twin, 422, "POST", ISSUES, &json!({ "title": "  " }));
    assert_eq!(blank["errors"][0]["code"], "missing_field");
    let input = json!({ "title": "x", "labels": ["brand-new"], "assignees": ["nobody"] });
    let refused = expect(&mut twin, 422, "POST", ISSUES, &input);
    assert_eq!(
        refused["errors"],
        json!([{ "value": "nobody", "resource": "Issue", "field": "assignees", "code": "invalid" }])
    );
    let malformed = twin.request_with("POST", ISSUES, &[], b"{");
    assert_eq!((malformed.status, &body(&malformed)["message"]), (400, &json!("Problems parsing JSON")));
    assert_eq!(twin.session.export(), before);
}

#[test]
fn closing_and_reopening_keeps_reason_time_and_who() {
    let mut twin = world();
    let closed = expect(&mut twin, 200, "PATCH", ISSUE, &json!({ "state": "closed", "state_reason": "not_planned" }));
    assert_eq!((&closed["state"], &closed["state_reason"]), (&json!("closed"), &json!("not_planned")));
    assert_eq!(closed["closed_by"]["login"], "pome-agent");
    assert!(closed["closed_at"].is_string());
    let open = expect(&mut twin, 200, "PATCH", ISSUE, &json!({ "state": "open" }));
    assert_eq!((&open["closed_at"], &open["state_reason"]), (&Value::Null, &json!("reopened")));
    let again = expect(&mut twin, 200, "PATCH", ISSUE, &json!({ "state": "closed" }));
    assert_eq!(again["state_reason"], "completed");
    assert!(again["updated_at"].as_str() > open["updated_at"].as_str());
}

#[test]
fn an_update_replaces_lists_and_null_clears() {
    let mut twin = world();
    let input = json!({ "labels": [{ "name": "BUG" }, "question"], "assignees": ["alice", "bob"] });
    let updated = expect(&mut twin, 200, "PATCH", ISSUE, &input);
    let names: Vec<_> = updated["labels"].as_array().unwrap().iter().map(|label| &label["name"]).collect();
    assert_eq!(names, ["bug", "question"]);
    let cleared = json!({ "labels": [], "assignees": null, "milestone": null, "body": null });
    let cleared = expect(&mut twin, 200, "PATCH", ISSUE, &cleared);
    assert_eq!((&cleared["labels"], &cleared["assignees"]), (&json!([]), &json!([])));
    assert_eq!((&cleared["assignee"], &cleared["body"]), (&Value::Null, &Value::Null));
}

#[test]
fn an_update_that_changes_nothing_is_no_mutation() {
    let mut twin = world();
    let before = twin.json(ISSUE);
    let answer = twin.request("PATCH", ISSUE, Some(&json!({ "state": "open" })));
    assert_eq!((answer.status, answer.report.mutation), (200, false));
    assert_eq!(twin.json(ISSUE)["updated_at"], before["updated_at"]);
}

#[test]
fn adding_labels_takes_a_bare_array_and_defines_what_is_unknown() {
    let mut twin = world();
    let answer = twin.request("POST", "/repos/acme/api/issues/1/labels", Some(&json!(["bug", "urgent"])));
    let change = answer.report.delta.as_ref().unwrap();
    assert_eq!(delta(change.before.as_ref())["labels"], json!([]));
    assert_eq!(
        delta(change.after.as_ref()),
        json!({ "repo": "acme/api", "issue_number": 1, "labels": ["bug", "urgent"] })
    );
    assert_eq!(body(&answer)[1]["color"], "ededed");
    assert_eq!(twin.json("/repos/acme/api/labels/urgent")["name"], "urgent");
    let set = expect(&mut twin, 200, "PUT", "/repos/acme/api/issues/1/labels", &json!({ "labels": ["feature"] }));
    assert_eq!(set.as_array().unwrap().len(), 1);
    let gone = expect(&mut twin, 404, "DELETE", "/repos/acme/api/issues/1/labels/bug", &json!({}));
    assert_eq!(gone["message"], "Label does not exist");
    let left = expect(&mut twin, 200, "DELETE", "/repos/acme/api/issues/1/labels/feature", &json!({}));
    assert_eq!(left, json!([]));
}

#[test]
fn labels_can_be_defined_renamed_and_deleted_and_issues_follow() {
    let mut twin = world();
    let taken = expect(&mut twin, 422, "POST", "/repos/acme/api/labels", &json!({ "name": "Bug" }));
    assert_eq!(taken["errors"], json!([{ "resource": "Label", "field": "name", "code": "already_exists" }]));
    let made = json!({ "name": "good first issue", "color": "#7057FF" });
    let made = expect(&mut twin, 201, "POST", "/repos/acme/api/labels", &made);
    assert_eq!((&made["color"], &made["default"]), (&json!("7057ff"), &json!(false)));
    assert_eq!(made["url"], "http://twin.test/s/test/repos/acme/api/labels/good%20first%20issue");
    expect(&mut twin, 422, "POST", "/repos/acme/api/labels", &json!({ "name": "x", "color": "blue" }));
    expect(&mut twin, 200, "POST", "/repos/acme/api/issues/1/labels", &json!(["good first issue", "bug"]));
    let path = "/repos/acme/api/labels/good%20first%20issue";
    expect(&mut twin, 200, "PATCH", path, &json!({ "new_name": "starter", "description": "Easy" }));
    assert_eq!(twin.json(ISSUE)["labels"][1]["name"], "starter");
    expect(&mut twin, 204, "DELETE", "/repos/acme/api/labels/starter", &json!({}));
    assert_eq!(twin.json(ISSUE)["labels"].as_array().unwrap().len(), 1);
    assert_eq!(twin.get("/repos/acme/api/labels/starter").status, 404);
}

#[test]
fn people_who_cannot_push_are_dropped_when_added() {
    let mut twin = world();
    let path = "/repos/acme/api/issues/1/assignees";
    let issue = expect(&mut twin, 201, "POST", path, &json!({ "assignees": ["Alice", "nobody", "acme"] }));
    let logins: Vec<_> = issue["assignees"].as_array().unwrap().iter().map(|user| &user["login"]).collect();
    assert_eq!(logins, ["alice"]);
    let issue = expect(&mut twin, 200, "DELETE", path, &json!({ "assignees": ["alice"] }));
    assert_eq!((&issue["assignees"], &issue["assignee"]), (&json!([]), &Value::Null));
    assert_eq!(twin.get("/repos/acme/api/assignees/bob").status, 204);
    assert_eq!(twin.get("/repos/acme/api/assignees/nobody").status, 404);
    assert_eq!(twin.json("/repos/acme/api/assignees").as_array().unwrap().len(), 3);
}

#[test]
fn comments_are_counted_and_belong_to_their_author() {
    let mut twin = world();
    let answer = twin.request("POST", "/repos/acme/api/issues/1/comments", Some(&json!({ "body": "Looking" })));
    let comment = body(&answer);
    assert_eq!((answer.status, answer.report.action.as_deref()), (201, Some("add_issue_comment")));
    assert_eq!(comment["html_url"], format!("https://github.com/acme/api/issues/1#issuecomment-{}", comment["id"]));
    let issue = twin.json(ISSUE);
    assert_eq!((&issue["comments"], &issue["updated_at"]), (&json!(1), &comment["created_at"]));
    let path = format!("/repos/acme/api/issues/comments/{}", comment["id"]);
    let blank = expect(&mut twin, 422, "PATCH", &path, &json!({ "body": " " }));
    assert_eq!(blank["message"], "Validation Failed");
    twin.caller.login = Some("stranger".to_owned());
    expect(&mut twin, 403, "PATCH", &path, &json!({ "body": "mine now" }));
    twin.caller.login = Some("bob".to_owned());
    let edited = expect(&mut twin, 200, "PATCH", &path, &json!({ "body": "Fixed" }));
    assert_eq!((&edited["body"], &edited["user"]["login"]), (&json!("Fixed"), &json!("pome-agent")));
    assert_eq!(twin.json("/repos/acme/api/issues/comments")[0]["body"], "Fixed");
    expect(&mut twin, 204, "DELETE", &path, &json!({}));
    assert_eq!(twin.json(ISSUE)["comments"], 0);
    assert_eq!(twin.get(&path).status, 404);
}

#[test]
fn a_locked_conversation_takes_comments_only_from_collaborators() {
    let mut twin = world();
    assert_eq!(twin.request("PUT", "/repos/acme/api/issues/1/lock", None).status, 204);
    twin.caller.login = Some("stranger".to_owned());
    let refused = expect(&mut twin, 403, "POST", "/repos/acme/api/issues/1/comments", &json!({ "body": "hi" }));
    assert_eq!(refused["message"], "Unable to create comment because issue is locked.");
    assert_eq!(twin.request("DELETE", "/repos/acme/api/issues/1/lock", None).status, 403);
    twin.caller.login = None;
    expect(&mut twin, 201, "POST", "/repos/acme/api/issues/1/comments", &json!({ "body": "hi" }));
    assert_eq!(twin.request("DELETE", "/repos/acme/api/issues/1/lock", None).status, 204);
    assert_eq!(twin.json(ISSUE)["locked"], false);
}

#[test]
fn a_stranger_may_open_and_close_their_own_issue_but_not_label_or_touch_others() {
    let mut twin = world();
    twin.caller.login = Some("stranger".to_owned());
    let input = json!({ "title": "Question", "labels": ["bug"], "assignees": ["alice"] });
    let issue = expect(&mut twin, 201, "POST", ISSUES, &input);
    assert_eq!((&issue["labels"], &issue["assignees"]), (&json!([]), &json!([])));
    assert_eq!(issue["author_association"], "NONE");
    let closed = json!({ "state": "closed", "labels": ["bug"] });
    let closed = expect(&mut twin, 200, "PATCH", "/repos/acme/api/issues/2", &closed);
    assert_eq!((&closed["state"], &closed["labels"]), (&json!("closed"), &json!([])));
    expect(&mut twin, 403, "PATCH", ISSUE, &json!({ "state": "closed" }));
    expect(&mut twin, 403, "POST", "/repos/acme/api/issues/1/labels", &json!(["bug"]));
    expect(&mut twin, 403, "POST", "/repos/acme/api/labels", &json!({ "name": "new" }));
}

fn many() -> Native<GitHub> {
    let issue = |number: u64| {
        json!({
            "number": number, "title": format!("Issue {number}"),
            "state": if number.is_multiple_of(5) { "closed" } else { "open" },
            "labels": match number % 3 { 0 => vec!["bug", "feature"], 1 => vec!["bug"], _ => vec![] },
            "assignees": if number.is_multiple_of(2) { vec!["alice"] } else { vec![] },
            "created_at": format!("2025-01-{number:02}T00:00:00Z"),
            "body": if number == 7 { "cc @bob" } else { "" },
        })
    };
    let seed = json!({ "repositories": [{
        "owner": "acme", "name": "api", "collaborators": ["alice", "bob"],
        "labels": [{ "name": "bug" }, { "name": "feature" }],
        "milestones": [{ "title": "v1" }],
        "issues": (1..=12).map(issue).collect::<Vec<_>>(),
    }] });
    Native::seeded(Some(&seed))
}

fn numbers(list: &Value) -> Vec<u64> {
    list.as_array().unwrap().iter().map(|issue| issue["number"].as_u64().unwrap()).collect()
}

#[test]
fn lists_are_newest_first_filtered_and_paged_with_links() {
    let mut twin = many();
    assert_eq!(numbers(&twin.json(ISSUES)), [12, 11, 9, 8, 7, 6, 4, 3, 2, 1]);
    assert_eq!(numbers(&twin.json(&format!("{ISSUES}?state=closed&direction=asc"))), [5, 10]);
    assert_eq!(numbers(&twin.json(&format!("{ISSUES}?labels=Bug,%20feature"))), [12, 9, 6, 3]);
    assert_eq!(numbers(&twin.json(&format!("{ISSUES}?assignee=none"))), [11, 9, 7, 3, 1]);
    assert_eq!(numbers(&twin.json(&format!("{ISSUES}?assignee=*&labels=bug"))), [12, 6, 4]);
    assert_eq!(numbers(&twin.json(&format!("{ISSUES}?assignee=alice&state=all"))), [12, 10, 8, 6, 4, 2]);
    assert_eq!(numbers(&twin.json(&format!("{ISSUES}?mentioned=bob"))), [7]);
    assert_eq!(numbers(&twin.json(&format!("{ISSUES}?since=2025-01-11T00:00:00Z"))), [12, 11]);
    assert_eq!(numbers(&twin.json(&format!("{ISSUES}?creator=nobody"))), Vec::<u64>::new());
    let answer = twin.get(&format!("{ISSUES}?state=all&per_page=5&page=2"));
    assert_eq!(numbers(&body(&answer)), [7, 6, 5, 4, 3]);
    let link = &answer.headers.iter().find(|(name, _)| name == "link").unwrap().1;
    assert!(link.contains("<http://twin.test/s/test/repos/acme/api/issues?state=all&per_page=5&page=3>; rel=\"next\""));
    assert_eq!(twin.get(&format!("{ISSUES}?state=bogus")).status, 422);
    assert_eq!(twin.get(&format!("{ISSUES}?page=0&per_page=-1")).status, 200);
}

#[test]
fn an_issue_can_be_given_a_milestone_that_exists() {
    let mut twin = many();
    let refused = expect(&mut twin, 422, "PATCH", ISSUE, &json!({ "milestone": 9 }));
    assert_eq!(refused["errors"][0]["field"], "milestone");
    let issue = expect(&mut twin, 200, "PATCH", ISSUE, &json!({ "milestone": 1 }));
    assert_eq!((&issue["milestone"]["title"], &issue["milestone"]["open_issues"]), (&json!("v1"), &json!(1)));
    assert_eq!(numbers(&twin.json(&format!("{ISSUES}?milestone=1"))), [1]);
    assert_eq!(numbers(&twin.json(&format!("{ISSUES}?milestone=none"))).len(), 9);
}

#[test]
fn what_is_not_there_or_not_visible_is_not_found() {
    let mut twin = world();
    for path in ["/repos/acme/api/issues/99", "/repos/acme/api/issues/abc", "/repos/acme/nope/issues"] {
        let answer = twin.get(path);
        assert_eq!((answer.status, &body(&answer)["message"]), (404, &json!("Not Found")), "{path}");
    }
    assert_eq!(twin.json("/repos/ACME/Api/issues/1")["number"], 1);
}

#[test]
fn the_tools_read_and_write_with_the_official_shapes() {
    let mut twin = world();
    let place = |more: Value| {
        let mut arguments = json!({ "owner": "acme", "repo": "api" });
        arguments.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
        arguments
    };
    let made = place(json!({ "method": "create", "title": "From a tool", "labels": ["bug"], "type": null }));
    let made = twin.call("issue_write", &made);
    assert_eq!((made.is_error, made.report.mutation), (false, true));
    assert_eq!(value(&made)["url"], "https://github.com/acme/api/issues/2");
    assert!(value(&made)["id"].is_string());
    let read = twin.call("issue_read", &place(json!({ "method": "get", "issue_number": 2.0 })));
    let issue = value(&read);
    assert_eq!((&issue["labels"], &issue["assignees"]), (&json!(["bug"]), &json!([])));
    assert_eq!((issue.get("comments"), &issue["user"]["login"]), (None, &json!("pome-agent")));
    let noted = twin.call("add_issue_comment", &place(json!({ "issue_number": "2", "body": "Noted" })));
    assert_eq!(noted.report.action.as_deref(), Some("add_issue_comment"));
    let id = value(&noted)["id"].as_str().unwrap().parse::<u64>().unwrap();
    let reaction = json!({ "issue_number": 2, "comment_id": id, "reaction": "heart", "body": "Thanks" });
    let both = value(&twin.call("add_issue_comment", &place(reaction)));
    assert_eq!((&both["reaction"]["content"], both["comment"]["id"].is_string()), (&json!("heart"), true));
    let comments = value(&twin.call("issue_read", &place(json!({ "method": "get_comments", "issue_number": 2 }))));
    assert_eq!((&comments[0]["body"], &comments[0]["reactions"]["heart"]), (&json!("Noted"), &json!(1)));
    let labels = value(&twin.call("issue_read", &place(json!({ "method": "get_labels", "issue_number": 2 }))));
    assert_eq!((&labels["totalCount"], &labels["labels"][0]["name"]), (&json!(1), &json!("bug")));
    let closed = place(json!({
        "method": "update", "issue_number": 2, "state": "closed", "state_reason": "duplicate", "duplicate_of": 1,
    }));
    assert!(!twin.call("issue_write", &closed).is_error);
    assert_eq!(twin.json("/repos/acme/api/issues/2")["state_reason"], "duplicate");
    let parent = value(&twin.call("issue_read", &place(json!({ "method": "get_parent", "issue_number": 2 }))));
    assert_eq!(parent, json!({ "parent": null }));
    let children = value(&twin.call("issue_read", &place(json!({ "method": "get_sub_issues", "issue_number": 2 }))));
    assert_eq!(children, json!([]));
}

#[test]
fn the_list_tool_takes_any_label_and_pages_by_cursor() {
    let mut twin = many();
    let mut list = |more: Value| {
        let mut arguments = json!({ "owner": "acme", "repo": "api" });
        arguments.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
        twin.call("list_issues", &arguments)
    };
    let first = value(&list(json!({ "perPage": 5 })));
    assert_eq!((numbers(&first["issues"]), &first["totalCount"]), (vec![12, 11, 10, 9, 8], &json!(12)));
    let after = &first["pageInfo"]["endCursor"];
    let second = value(&list(json!({ "perPage": 5, "after": after, "fields": ["number"] })));
    assert_eq!(second["issues"][0], json!({ "number": 7 }));
    assert_eq!(second["pageInfo"]["hasPreviousPage"], true);
    let any = value(&list(json!({ "labels": ["FEATURE", "bug"], "state": "CLOSED", "direction": "ASC" })));
    assert_eq!(numbers(&any["issues"]), [10]);
    assert!(list(json!({ "labels": "bug" })).is_error);
    assert!(list(json!({ "page": 2 })).is_error);
    assert!(list(json!({ "after": "elsewhere" })).is_error);
}

#[test]
fn a_reaction_is_given_once_and_can_be_taken_back() {
    let mut twin = world();
    let path = "/repos/acme/api/issues/1/reactions";
    let given = expect(&mut twin, 201, "POST", path, &json!({ "content": "+1" }));
    expect(&mut twin, 200, "POST", path, &json!({ "content": "+1" }));
    expect(&mut twin, 422, "POST", path, &json!({ "content": "shrug" }));
    assert_eq!(twin.json(ISSUE)["reactions"]["+1"], 1);
    assert_eq!(twin.json(&format!("{path}?content=heart")), json!([]));
    let one = format!("{path}/{}", given["id"]);
    twin.caller.login = Some("alice".to_owned());
    expect(&mut twin, 403, "DELETE", &one, &json!({}));
    twin.caller.login = None;
    expect(&mut twin, 204, "DELETE", &one, &json!({}));
    assert_eq!(twin.json(ISSUE)["reactions"]["total_count"], 0);
}
