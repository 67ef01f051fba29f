//! Repositories that have another name or owner now, that are archived, or whose issues are switched off.

use pome_twin_kit::envelope::Answer;
use pome_twin_kit::testing::{Native, body};
use serde_json::{Value, json};
use twin_github::GitHub;

fn world() -> Native<GitHub> {
    Native::seeded(Some(&json!({
        "users": [{ "login": "acme", "type": "Organization" }, { "login": "globex", "type": "Organization" }],
        "repositories": [
            { "owner": "acme", "name": "api", "issues": [{ "title": "One", "comments": [{ "body": "Hm." }] }],
              "collaborators": [{ "login": "pome-agent", "permission": "admin" }, { "login": "alice", "permission": "pull" }],
              "labels": [{ "name": "bug" }], "milestones": [{ "title": "M" }],
              "files": [{ "path": "a.txt", "content": "a\n" }, { "path": "b.txt", "content": "b\n", "branch": "feature" }],
              "pull_requests": [{ "title": "Two", "head": "feature" }] },
            { "owner": "acme", "name": "secret", "private": true },
        ],
    })))
}

fn location(answer: &Answer) -> &str {
    answer.headers.iter().find(|(name, _)| name == "location").map_or("", |(_, value)| value.as_str())
}

fn send(twin: &mut Native<GitHub>, method: &str, path: &str, sent: &Value) -> (u16, Value) {
    let answer = twin.request(method, path, Some(sent));
    (answer.status, body(&answer))
}

#[test]
fn a_renamed_repository_leads_on_from_its_old_name() {
    let mut twin = world();
    let id = twin.json("/repos/acme/api")["id"].clone();
    assert_eq!(send(&mut twin, "PATCH", "/repos/acme/api", &json!({ "name": "backend" })).0, 200);
    let answer = twin.get("/repos/acme/API/issues?state=all");
    assert_eq!(answer.status, 301);
    let there = format!("http://twin.test/s/test/repositories/{id}/issues?state=all");
    assert_eq!(location(&answer), there);
    assert_eq!((&body(&answer)["message"], &body(&answer)["url"]), (&json!("Moved Permanently"), &json!(there)));
    let listed = twin.json(&format!("/repositories/{id}/issues?state=all"));
    assert_eq!(listed[0]["repository_url"], "http://twin.test/s/test/repos/acme/backend");
    let answer = twin.request("POST", "/repos/acme/api/issues", Some(&json!({ "title": "Three" })));
    assert_eq!(
        (answer.status, location(&answer)),
        (307, format!("http://twin.test/s/test/repositories/{id}/issues").as_str())
    );
    assert_eq!(send(&mut twin, "POST", &format!("/repositories/{id}/issues"), &json!({ "title": "Three" })).0, 201);
    // Tools follow.
    let read = twin.call("issue_read", &json!({ "method": "get", "owner": "acme", "repo": "api", "issue_number": 3 }));
    assert!(!read.is_error);
    // A new repository may have the name, and then nothing is led on.
    assert_eq!(send(&mut twin, "POST", "/orgs/acme/repos", &json!({ "name": "api" })).0, 201);
    assert_ne!(twin.json("/repos/acme/api")["id"], id);
}

#[test]
fn nobody_is_led_to_what_they_may_not_see() {
    let mut twin = world();
    let id = twin.json("/repos/acme/secret")["id"].clone();
    twin.caller.login = Some("acme".to_owned());
    assert_eq!(send(&mut twin, "PATCH", "/repos/acme/secret", &json!({ "name": "vault" })).0, 200);
    twin.caller.login = Some("alice".to_owned());
    assert_eq!(twin.get("/repos/acme/secret").status, 404);
    assert_eq!(twin.get(&format!("/repositories/{id}")).status, 404);
}

#[test]
fn a_transfer_takes_a_repository_to_its_new_owner() {
    let mut twin = world();
    let (status, sent) = send(&mut twin, "POST", "/repos/acme/api/transfer", &json!({ "new_owner": "globex" }));
    assert_eq!((status, &sent["full_name"]), (202, &json!("acme/api")));
    assert_eq!(twin.json("/repos/globex/api")["owner"]["login"], "globex");
    assert_eq!(twin.get("/repos/acme/api").status, 301);
    assert_eq!(twin.state()["repositories"][1]["full_name"], "globex/api");
    let (status, refused) = send(&mut twin, "POST", "/repos/globex/api/transfer", &json!({ "new_owner": "nobody" }));
    assert_eq!((status, &refused["errors"][0]["field"]), (422, &json!("new_owner")));
    twin.caller.login = Some("alice".to_owned());
    assert_eq!(send(&mut twin, "POST", "/repos/globex/api/transfer", &json!({ "new_owner": "acme" })).0, 403);
    twin.caller.login = Some("globex".to_owned());
    assert_eq!(send(&mut twin, "POST", "/repos/globex/api/transfer", &json!({ "new_owner": "alice" })).0, 202);
    twin.caller.login = Some("alice".to_owned());
    assert_eq!(twin.json("/repos/alice/api")["permissions"]["admin"], true);
}

#[test]
fn an_archived_repository_takes_no_changes_but_of_its_settings() {
    let mut twin = world();
    assert_eq!(send(&mut twin, "PATCH", "/repos/acme/api", &json!({ "archived": true })).0, 200);
    let before = twin.state();
    for (method, path) in [
        ("POST", "/issues"),
        ("PATCH", "/issues/1"),
        ("POST", "/issues/1/comments"),
        ("PATCH", "/issues/comments/1"),
        ("DELETE", "/issues/comments/1"),
        ("POST", "/issues/1/labels"),
        ("POST", "/issues/1/assignees"),
        ("POST", "/issues/1/reactions"),
        ("PUT", "/issues/1/lock"),
        ("POST", "/labels"),
        ("DELETE", "/labels/bug"),
        ("POST", "/milestones"),
        ("DELETE", "/milestones/1"),
        ("PUT", "/contents/x.txt"),
        ("POST", "/git/refs"),
        ("DELETE", "/git/refs/heads/feature"),
        ("POST", "/git/blobs"),
        ("POST", "/pulls"),
        ("PATCH", "/pulls/2"),
        ("PUT", "/pulls/2/merge"),
        ("POST", "/pulls/2/reviews"),
        ("POST", "/pulls/2/requested_reviewers"),
        ("POST", "/releases"),
        ("PUT", "/topics"),
        ("PUT", "/collaborators/carol"),
        ("POST", "/merges"),
    ] {
        let (status, refused) = send(&mut twin, method, &format!("/repos/acme/api{path}"), &json!({}));
        let expected = (403, &json!("Repository was archived so is read-only."));
        assert_eq!((status, &refused["message"]), expected, "{method} {path}");
    }
    let tool = twin.call("issue_write", &json!({ "method": "create", "owner": "acme", "repo": "api", "title": "No" }));
    assert_eq!(tool.status, 403);
    assert_eq!(twin.state(), before);
    assert_eq!(twin.get("/repos/acme/api/issues").status, 200);
    assert_eq!(send(&mut twin, "PATCH", "/repos/acme/api", &json!({ "archived": false })).0, 200);
    assert_eq!(send(&mut twin, "POST", "/repos/acme/api/labels", &json!({ "name": "wish" })).0, 201);
}

#[test]
fn switched_off_issues_are_gone_and_pull_requests_stay() {
    let mut twin = world();
    assert_eq!(send(&mut twin, "PATCH", "/repos/acme/api", &json!({ "has_issues": false })).0, 200);
    for (method, path) in [
        ("GET", "/issues"),
        ("POST", "/issues"),
        ("GET", "/issues/1"),
        ("PATCH", "/issues/1"),
        ("GET", "/issues/1/comments"),
        ("POST", "/issues/1/comments"),
        ("GET", "/issues/1/labels"),
    ] {
        let sent = json!({ "title": "x", "body": "x" });
        let (status, gone) = send(&mut twin, method, &format!("/repos/acme/api{path}"), &sent);
        let expected = (410, &json!("Issues has been disabled in this repository."));
        assert_eq!((status, &gone["message"]), expected, "{method} {path}");
    }
    assert_eq!(twin.get("/repos/acme/api/issues/2").status, 200);
    assert_eq!(twin.get("/repos/acme/api/issues/2/comments").status, 200);
    assert_eq!(twin.get("/repos/acme/api/pulls/2").status, 200);
}
