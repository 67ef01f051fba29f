//! Events and timelines: what every action leaves behind, whichever door it came through.

#![expect(clippy::needless_pass_by_value, reason = "tests write what they send in place")]

use pome_twin_kit::testing::{Native, body};
use serde_json::{Value, json};
use twin_github::GitHub;

fn world() -> Native<GitHub> {
    Native::seeded(Some(&json!({ "repositories": [{
        "owner": "acme", "name": "api",
        "collaborators": ["alice", "bob", { "login": "rita", "permission": "pull" }],
        "labels": [{ "name": "bug", "color": "d73a4a" }, { "name": "later" }],
        "milestones": [{ "title": "v1" }],
        "files": [
            { "path": "a.txt", "content": "one\n" },
            { "path": "b.txt", "content": "new\n", "branch": "feature" },
        ],
        "issues": [{ "number": 1, "title": "Broken" }],
        "pull_requests": [{ "number": 2, "title": "Mend", "head": "feature", "author": "alice" }],
    }] })))
}

const ISSUE: &str = "/repos/acme/api/issues/1";
const PULL: &str = "/repos/acme/api/pulls/2";

fn send(twin: &mut Native<GitHub>, method: &str, path: &str, sent: Value) -> Value {
    let answer = twin.request(method, path, Some(&sent));
    assert!(answer.status < 300, "{method} {path} {sent}: {}", String::from_utf8_lossy(&answer.body));
    body(&answer)
}

fn names(rows: &Value) -> Vec<&str> {
    rows.as_array().unwrap().iter().map(|row| row["event"].as_str().unwrap()).collect()
}

#[test]
fn every_change_of_an_issue_is_an_event() {
    let mut twin = world();
    send(&mut twin, "POST", &format!("{ISSUE}/labels"), json!({ "labels": ["bug"] }));
    send(&mut twin, "POST", &format!("{ISSUE}/assignees"), json!({ "assignees": ["alice"] }));
    let changed = json!({ "title": "Broken badly", "milestone": 1, "labels": ["later"] });
    send(&mut twin, "PATCH", ISSUE, changed);
    send(&mut twin, "PATCH", ISSUE, json!({ "milestone": null, "assignees": [] }));
    send(&mut twin, "PUT", &format!("{ISSUE}/lock"), json!({ "lock_reason": "resolved" }));
    send(&mut twin, "DELETE", &format!("{ISSUE}/lock"), json!({}));
    send(&mut twin, "PATCH", ISSUE, json!({ "state": "closed", "state_reason": "not_planned" }));
    let write = json!({ "method": "update", "owner": "acme", "repo": "api", "issue_number": 1, "state": "open" });
    assert!(!twin.call("issue_write", &write).is_error);
    let events = twin.json(&format!("{ISSUE}/events"));
    assert_eq!(
        names(&events),
        [
            "labeled",
            "assigned",
            "renamed",
            "labeled",
            "unlabeled",
            "milestoned",
            "unassigned",
            "demilestoned",
            "locked",
            "unlocked",
            "closed",
            "reopened",
        ]
    );
    assert_eq!(events[0]["label"], json!({ "name": "bug", "color": "d73a4a" }));
    assert_eq!(
        (&events[1]["assignee"]["login"], &events[1]["assigner"]["login"]),
        (&json!("alice"), &json!("pome-agent"))
    );
    assert_eq!(events[2]["rename"], json!({ "from": "Broken", "to": "Broken badly" }));
    assert_eq!(events[5]["milestone"], json!({ "title": "v1" }));
    assert_eq!(events[8]["lock_reason"], "resolved");
    assert_eq!((&events[10]["state_reason"], &events[11]["state_reason"]), (&json!("not_planned"), &json!("reopened")));
    assert_eq!(twin.json(&format!("{ISSUE}/timeline")).as_array().unwrap().len(), 12);

    let all = twin.json("/repos/acme/api/issues/events?per_page=2");
    assert_eq!((names(&all), &all[0]["issue"]["number"]), (vec!["reopened", "closed"], &json!(1)));
    let link = twin.get("/repos/acme/api/issues/events?per_page=2").headers;
    assert!(link.iter().any(|(name, value)| name == "link" && value.contains("page=6>; rel=\"last\"")), "{link:?}");
    let one = twin.json(&format!("/repos/acme/api/issues/events/{}", events[3]["id"]));
    assert_eq!((&one["event"], &one["label"]["name"]), (&json!("labeled"), &json!("later")));
    assert_eq!(twin.get("/repos/acme/api/issues/events/999").status, 404);
    assert_eq!(twin.get("/repos/acme/api/issues/9/events").status, 404);
    assert_eq!(twin.state()["repositories"][0]["issue_events"].as_array().unwrap().len(), 12);
}

#[test]
fn a_new_issue_begins_with_what_it_was_given() {
    let mut twin = world();
    let sent = json!({ "title": "Another", "body": "Like #1, @bob", "labels": ["bug"], "assignees": ["alice"] });
    send(&mut twin, "POST", "/repos/acme/api/issues", sent);
    let events = twin.json("/repos/acme/api/issues/3/events");
    assert_eq!(names(&events), ["labeled", "assigned", "mentioned", "subscribed"]);
    assert_eq!(events[2]["actor"]["login"], "bob");
    // What names an issue shows on its timeline, not among its events.
    assert_eq!(twin.json(&format!("{ISSUE}/events")), json!([]));
    let line = &twin.json(&format!("{ISSUE}/timeline"))[0];
    assert_eq!((&line["event"], &line["source"]["issue"]["number"]), (&json!("cross-referenced"), &json!(3)));
    send(&mut twin, "POST", "/repos/acme/api/issues/3/comments", json!({ "body": "Again #1" }));
    assert_eq!(twin.json(&format!("{ISSUE}/timeline")).as_array().unwrap().len(), 1, "one source counts once");
}

#[test]
fn a_refused_call_records_nothing() {
    let mut twin = world();
    twin.caller.login = Some("rita".to_owned());
    let refused = twin.request("POST", &format!("{ISSUE}/labels"), Some(&json!({ "labels": ["bug"] })));
    assert_eq!(refused.status, 403);
    assert_eq!(twin.json(&format!("{ISSUE}/timeline")), json!([]));
}

#[test]
fn a_pull_request_tells_its_story() {
    let mut twin = world();
    send(&mut twin, "POST", &format!("{PULL}/requested_reviewers"), json!({ "reviewers": ["bob", "pome-agent"] }));
    send(&mut twin, "DELETE", &format!("{PULL}/requested_reviewers"), json!({ "reviewers": ["pome-agent"] }));
    twin.caller.login = Some("bob".to_owned());
    let review = send(&mut twin, "POST", &format!("{PULL}/reviews"), json!({ "event": "APPROVE", "body": "Fine." }));
    send(&mut twin, "POST", "/repos/acme/api/issues/2/comments", json!({ "body": "Thanks." }));
    let path = format!("{PULL}/reviews/{}/dismissals", review["id"]);
    send(&mut twin, "PUT", &path, json!({ "message": "Too fast." }));
    twin.caller.login = Some("alice".to_owned());
    let feature = twin.json("/repos/acme/api/branches/feature");
    let tree = &feature["commit"]["commit"]["tree"]["sha"];
    let parent = twin.json("/repos/acme/api/branches/main")["commit"]["sha"].clone();
    let commit = json!({ "message": "Mend\n\nSee #1", "tree": tree, "parents": [parent] });
    let commit = send(&mut twin, "POST", "/repos/acme/api/git/commits", commit);
    let moved = json!({ "sha": commit["sha"], "force": true });
    send(&mut twin, "PATCH", "/repos/acme/api/git/refs/heads/feature", moved);
    let update = json!({ "owner": "acme", "repo": "api", "pullNumber": 2, "draft": true });
    assert!(!twin.call("update_pull_request", &update).is_error);
    let update = json!({ "owner": "acme", "repo": "api", "pullNumber": 2, "draft": false });
    assert!(!twin.call("update_pull_request", &update).is_error);
    let merged = send(&mut twin, "PUT", &format!("{PULL}/merge"), json!({}));
    send(&mut twin, "DELETE", "/repos/acme/api/git/refs/heads/feature", json!({}));
    let events = twin.json("/repos/acme/api/issues/2/events");
    assert_eq!(
        names(&events),
        [
            "review_requested",
            "review_requested",
            "review_request_removed",
            "review_dismissed",
            "head_ref_force_pushed",
            "convert_to_draft",
            "ready_for_review",
            "merged",
            "closed",
            "head_ref_deleted",
        ]
    );
    assert_eq!(
        (&events[2]["requested_reviewer"]["login"], &events[2]["review_requester"]["login"]),
        (&json!("pome-agent"), &json!("pome-agent"))
    );
    let dismissed = json!({ "state": "approved", "review_id": review["id"], "dismissal_message": "Too fast." });
    assert_eq!(events[3]["dismissed_review"], dismissed);
    assert_eq!((&events[4]["commit_id"], &events[7]["commit_id"]), (&commit["sha"], &merged["sha"]));
    let timeline = twin.json("/repos/acme/api/issues/2/timeline");
    let told = names(&timeline);
    for name in ["committed", "reviewed", "commented"] {
        assert_eq!(told.iter().filter(|told| **told == name).count(), 1, "{told:?}");
    }
    let reviewed = timeline.as_array().unwrap().iter().find(|row| row["event"] == "reviewed").unwrap();
    assert_eq!(reviewed["state"], "dismissed");
    let short = twin.json("/repos/acme/api/issues/2/timeline?exclude=committed,reviewed,commented");
    assert_eq!(names(&short), names(&events));
    // The commit that names the issue is told there.
    let referenced = twin.json(&format!("{ISSUE}/events"));
    assert_eq!((&referenced[0]["event"], &referenced[0]["commit_id"]), (&json!("referenced"), &commit["sha"]));
    assert_eq!(referenced.as_array().unwrap().len(), 1);
}

#[test]
fn a_label_that_is_renamed_or_deleted_leaves_no_event() {
    let mut twin = world();
    send(&mut twin, "POST", &format!("{ISSUE}/labels"), json!({ "labels": ["bug", "later"] }));
    send(&mut twin, "PATCH", "/repos/acme/api/labels/bug", json!({ "new_name": "fault" }));
    send(&mut twin, "DELETE", "/repos/acme/api/labels/later", json!({}));
    assert_eq!(names(&twin.json(&format!("{ISSUE}/events"))), ["labeled", "labeled"]);
}

#[test]
fn events_can_be_seeded_and_a_wrong_one_is_named() {
    let seed = |events: Value| {
        json!({ "repositories": [{
            "owner": "acme", "name": "api", "labels": [{ "name": "bug", "color": "d73a4a" }],
            "issues": [{ "number": 1, "title": "Old", "events": events }],
        }] })
    };
    let events = json!([
        { "event": "labeled", "label": "bug", "actor": "alice", "created_at": "2025-12-01T10:00:00Z" },
        { "event": "renamed", "rename": { "from": "Older", "to": "Old" } },
    ]);
    let mut twin = Native::<GitHub>::seeded(Some(&seed(events)));
    let events = twin.json(&format!("{ISSUE}/events"));
    assert_eq!(
        (&events[0]["actor"]["login"], &events[0]["created_at"]),
        (&json!("alice"), &json!("2025-12-01T10:00:00Z"))
    );
    assert_eq!(events[1]["rename"]["from"], "Older");
    for (event, pointer) in [
        (json!({ "event": "exploded" }), "event"),
        (json!({ "event": "labeled" }), "label"),
        (json!({ "event": "merged", "commit_id": "abc" }), "commit_id"),
    ] {
        let seeded = twin.seed(Some(&seed(json!([event]))));
        let answer: Value = serde_json::from_slice(&seeded.answer.body).unwrap();
        let expected = format!("/repositories/0/issues/0/events/0/{pointer}");
        assert_eq!(answer["errors"][0]["pointer"], expected.as_str(), "{answer}");
    }
}
