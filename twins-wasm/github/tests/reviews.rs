//! Reviews, their comments and threads, statuses and check runs.

#![expect(clippy::needless_pass_by_value, reason = "tests write what they send in place")]

use pome_twin_kit::testing::{Native, body};
use serde_json::{Value, json};
use twin_github::GitHub;

const PULL: &str = "/repos/acme/api/pulls/1";

/// #1 is alice's; it changes the second of three lines and adds a file.
fn world() -> Native<GitHub> {
    Native::seeded(Some(&json!({ "repositories": [{
        "owner": "acme", "name": "api", "collaborators": ["alice", "carol", { "login": "bob", "permission": "pull" }],
        "files": [
            { "path": "a.txt", "content": "one\ntwo\nthree\n" },
            { "path": "a.txt", "content": "one\n2\nthree\n", "branch": "feature" },
            { "path": "b.txt", "content": "new\n", "branch": "feature" },
        ],
        "pull_requests": [
            { "number": 1, "title": "Digits", "head": "feature", "author": "alice", "requested_reviewers": ["carol"] },
        ],
    }] })))
}

fn send(twin: &mut Native<GitHub>, method: &str, path: &str, sent: Value) -> (u16, Value) {
    let answer = twin.request(method, path, Some(&sent));
    (answer.status, body(&answer))
}

fn as_user(twin: &mut Native<GitHub>, login: &str) {
    twin.caller.login = Some(login.to_owned());
}

#[test]
fn a_review_belongs_to_its_author_and_answers_the_request() {
    let mut twin = world();
    as_user(&mut twin, "carol");
    let (status, review) =
        send(&mut twin, "POST", &format!("{PULL}/reviews"), json!({ "event": "APPROVE", "body": "Fine." }));
    assert_eq!((status, &review["state"], &review["user"]["login"]), (200, &json!("APPROVED"), &json!("carol")));
    assert_eq!(review["commit_id"], twin.json(PULL)["head"]["sha"]);
    assert_eq!(twin.json(PULL)["requested_reviewers"], json!([]));
    assert_eq!(twin.json(&format!("{PULL}/reviews")).as_array().unwrap().len(), 1);
    let state = twin.state();
    assert_eq!(state["repositories"][0]["pull_requests"][0]["reviews"][0]["state"], "APPROVED");
}

#[test]
fn nobody_approves_their_own_pull_request() {
    let mut twin = world();
    as_user(&mut twin, "alice");
    for (event, message) in [
        ("APPROVE", "Can not approve your own pull request"),
        ("REQUEST_CHANGES", "Can not request changes on your own pull request"),
    ] {
        let (status, answer) =
            send(&mut twin, "POST", &format!("{PULL}/reviews"), json!({ "event": event, "body": "x" }));
        assert_eq!((status, &answer["message"]), (422, &json!("Unprocessable Entity")));
        assert_eq!(answer["errors"], json!([message]));
    }
    assert_eq!(send(&mut twin, "POST", &format!("{PULL}/reviews"), json!({ "event": "COMMENT", "body": "x" })).0, 200);
    assert_eq!(send(&mut twin, "POST", &format!("{PULL}/reviews"), json!({ "event": "LGTM" })).0, 422);
}

#[test]
fn a_pending_review_is_its_authors_own_until_it_is_given() {
    let mut twin = world();
    let reviews = format!("{PULL}/reviews");
    as_user(&mut twin, "carol");
    let sent = json!({ "comments": [{ "path": "a.txt", "line": 2, "body": "Why?" }] });
    let (status, review) = send(&mut twin, "POST", &reviews, sent);
    assert_eq!((status, &review["state"], review.get("submitted_at")), (200, &json!("PENDING"), None));
    assert_eq!(send(&mut twin, "POST", &reviews, json!({})).0, 422);
    let own = format!("{reviews}/{}", review["id"]);
    as_user(&mut twin, "bob");
    assert_eq!(twin.json(&reviews), json!([]));
    assert_eq!(twin.json(&format!("{PULL}/comments")), json!([]));
    assert_eq!(twin.json(PULL)["review_comments"], 0);
    assert_eq!(twin.get(&own).status, 404);
    as_user(&mut twin, "carol");
    assert_eq!(twin.json(&format!("{own}/comments"))[0]["body"], "Why?");
    let (status, given) =
        send(&mut twin, "POST", &format!("{own}/events"), json!({ "event": "REQUEST_CHANGES", "body": "Please" }));
    assert_eq!((status, &given["state"], &given["body"]), (200, &json!("CHANGES_REQUESTED"), &json!("Please")));
    as_user(&mut twin, "bob");
    assert_eq!(twin.json(&format!("{PULL}/comments"))[0]["pull_request_review_id"], review["id"]);
    assert_eq!(send(&mut twin, "DELETE", &own, json!({})).0, 422);
    assert_eq!(send(&mut twin, "PUT", &format!("{own}/dismissals"), json!({ "message": "done" })).0, 403);
    as_user(&mut twin, "alice");
    let (status, gone) = send(&mut twin, "PUT", &format!("{own}/dismissals"), json!({ "message": "done" }));
    assert_eq!((status, &gone["state"]), (200, &json!("DISMISSED")));
}

#[test]
fn a_pending_review_that_is_thrown_away_leaves_nothing() {
    let mut twin = world();
    let before = twin.session.export();
    let reviews = format!("{PULL}/reviews");
    let sent = json!({ "comments": [{ "path": "b.txt", "subject_type": "file", "body": "Needed?" }] });
    let (_, review) = send(&mut twin, "POST", &reviews, sent);
    assert_eq!(send(&mut twin, "DELETE", &format!("{reviews}/{}", review["id"]), json!({})).0, 200);
    assert_eq!(twin.json(&reviews), json!([]));
    assert_eq!(twin.json("/repos/acme/api/pulls/comments"), json!([]));
    let rows = |bytes: &[u8]| {
        let state: Value = serde_json::from_slice(bytes).unwrap();
        state["repositories"][0]["pull_requests"][0]["review_comments"].clone()
    };
    assert_eq!(rows(&twin.session.export()), rows(&before));
}

#[test]
fn a_comment_stands_on_a_line_and_can_be_answered() {
    let mut twin = world();
    let comments = format!("{PULL}/comments");
    let sent = json!({ "body": "Digits?", "path": "a.txt", "line": 2 });
    let (status, comment) = send(&mut twin, "POST", &comments, sent);
    assert_eq!((status, &comment["side"], &comment["position"]), (201, &json!("RIGHT"), &json!(3)));
    assert_eq!(comment["diff_hunk"], "@@ -1,3 +1,3 @@\n one\n-two\n+2");
    assert_eq!(twin.json(&comments)[0], comment);
    let (status, reply) =
        send(&mut twin, "POST", &format!("{comments}/{}/replies", comment["id"]), json!({ "body": "Yes." }));
    assert_eq!((status, &reply["in_reply_to_id"], &reply["line"]), (201, &comment["id"], &json!(2)));
    let left = json!({ "body": "Gone", "path": "a.txt", "line": 2, "side": "LEFT" });
    assert_eq!(send(&mut twin, "POST", &comments, left).1["diff_hunk"], "@@ -1,3 +1,3 @@\n one\n-two");
    for (sent, field) in [
        (json!({ "body": "x", "path": "c.txt", "line": 1 }), "path"),
        (json!({ "body": "x", "path": "a.txt", "line": 9 }), "line"),
        (json!({ "body": " ", "path": "a.txt", "line": 1 }), "body"),
        (json!({ "body": "x", "path": "a.txt", "line": 1, "commit_id": "0".repeat(40) }), "commit_id"),
    ] {
        let (status, answer) = send(&mut twin, "POST", &comments, sent);
        assert_eq!((status, &answer["errors"][0]["field"]), (422, &json!(field)));
    }
    assert_eq!(send(&mut twin, "POST", &format!("{comments}/99/replies"), json!({ "body": "x" })).0, 404);
    let one = format!("/repos/acme/api/pulls/comments/{}", comment["id"]);
    as_user(&mut twin, "bob");
    assert_eq!(send(&mut twin, "PATCH", &one, json!({ "body": "mine" })).0, 403);
    as_user(&mut twin, "pome-agent");
    assert_eq!(send(&mut twin, "PATCH", &one, json!({ "body": "changed" })).1["body"], "changed");
    assert_eq!(twin.request("DELETE", &one, None).status, 204);
    assert_eq!(twin.get(&one).status, 404);
}

#[test]
fn a_review_is_written_with_tools() {
    let mut twin = world();
    let mut call = |tool: &str, more: Value| {
        let mut arguments = json!({ "owner": "acme", "repo": "api", "pullNumber": 1 });
        if let (Value::Object(arguments), Value::Object(more)) = (&mut arguments, more) {
            arguments.extend(more);
        }
        let answer = twin.call(tool, &arguments);
        (answer.is_error, serde_json::from_slice::<Value>(&answer.value).unwrap())
    };
    let write = "pull_request_review_write";
    let none = call(write, json!({ "method": "submit_pending", "event": "COMMENT" }));
    assert_eq!((none.0, &none.1["message"]), (true, &json!("No pending review found for the viewer")));
    assert_eq!(call(write, json!({ "method": "create" })).1, "pending pull request created");
    let comment = json!({ "path": "a.txt", "body": "Why?", "subjectType": "LINE", "line": 2, "side": "RIGHT" });
    let added = call("add_comment_to_pending_review", comment);
    assert_eq!(added.1, "pull request review comment successfully added to pending review");
    let given = call(write, json!({ "method": "submit_pending", "event": "COMMENT", "body": "See below" }));
    assert_eq!(given.1, "pending pull request review successfully submitted");
    let reply = call("add_reply_to_pull_request_comment", json!({ "commentId": 1, "body": "Because" }));
    assert_eq!(reply.1["url"], "https://github.com/acme/api/pull/1#discussion_r2");
    let liked = call("add_reply_to_pull_request_comment", json!({ "commentId": 1, "reaction": "heart" }));
    assert_eq!(liked.1["content"], "heart");
    assert!(call("add_reply_to_pull_request_comment", json!({ "commentId": 1 })).0);
    let threads = call("pull_request_read", json!({ "method": "get_review_comments" })).1;
    assert_eq!((&threads["totalCount"], &threads["review_threads"][0]["total_count"]), (&json!(1), &json!(2)));
    let thread = threads["review_threads"][0]["id"].clone();
    assert!(call(write, json!({ "method": "resolve_thread" })).0);
    let resolved = call(write, json!({ "method": "resolve_thread", "threadId": thread }));
    assert_eq!(resolved.1, "review thread resolved successfully");
    let threads = call("pull_request_read", json!({ "method": "get_review_comments" })).1;
    assert_eq!(threads["review_threads"][0]["is_resolved"], true);
    let approved = call(write, json!({ "method": "create", "event": "APPROVE" }));
    assert_eq!(approved.1, "pull request review submitted successfully");
    let review = call("create_pull_request_review", json!({ "event": "COMMENT", "body": "x" })).1;
    assert_eq!(review["state"], "COMMENTED");
}

#[test]
fn the_latest_status_of_a_context_counts() {
    let mut twin = world();
    let sha = twin.json(PULL)["head"]["sha"].as_str().unwrap().to_owned();
    let combined = "/repos/acme/api/commits/feature/status";
    assert_eq!(twin.json(combined)["state"], "pending");
    let path = format!("/repos/acme/api/statuses/{sha}");
    let (status, made) = send(&mut twin, "POST", &path, json!({ "state": "failure", "context": "ci" }));
    assert_eq!((status, &made["context"], &made["creator"]["login"]), (201, &json!("ci"), &json!("pome-agent")));
    assert_eq!(twin.json(combined)["state"], "failure");
    send(&mut twin, "POST", &path, json!({ "state": "success", "context": "ci" }));
    send(&mut twin, "POST", &path, json!({ "state": "pending" }));
    let now = twin.json(combined);
    assert_eq!((&now["state"], &now["total_count"], &now["sha"]), (&json!("pending"), &json!(2), &json!(sha)));
    assert_eq!(now["statuses"][0]["context"], "default");
    assert_eq!(twin.json(&format!("/repos/acme/api/commits/{sha}/statuses")).as_array().unwrap().len(), 3);
    assert_eq!(twin.json(&format!("{PULL}/status"))["state"], "pending");
    let none = "0".repeat(40);
    let (status, answer) =
        send(&mut twin, "POST", &format!("/repos/acme/api/statuses/{none}"), json!({ "state": "success" }));
    assert_eq!(
        (status, answer["message"].as_str().unwrap()),
        (422, format!("No commit found for SHA: {none}").as_str())
    );
    assert_eq!(send(&mut twin, "POST", &path, json!({ "state": "green" })).0, 422);
    as_user(&mut twin, "bob");
    assert_eq!(send(&mut twin, "POST", &path, json!({ "state": "success" })).0, 403);
}

#[test]
fn a_check_run_goes_from_queued_to_completed() {
    let mut twin = world();
    let sha = twin.json(PULL)["head"]["sha"].clone();
    let runs = "/repos/acme/api/check-runs";
    let (status, run) = send(&mut twin, "POST", runs, json!({ "name": "lint", "head_sha": sha }));
    assert_eq!((status, &run["status"], &run["conclusion"]), (201, &json!("queued"), &json!(null)));
    assert_eq!(twin.json(PULL)["mergeable_state"], "unstable");
    let one = format!("{runs}/{}", run["id"]);
    let (status, answer) = send(&mut twin, "PATCH", &one, json!({ "status": "completed" }));
    assert_eq!((status, &answer["errors"][0]["field"]), (422, &json!("conclusion")));
    let (status, done) = send(
        &mut twin,
        "PATCH",
        &one,
        json!({ "conclusion": "success", "output": { "title": "ok", "summary": "fine" } }),
    );
    assert_eq!((status, &done["status"], &done["output"]["title"]), (200, &json!("completed"), &json!("ok")));
    assert!(done["completed_at"].is_string());
    assert_eq!(twin.json(PULL)["mergeable_state"], "clean");
    for (sent, field) in [
        (json!({ "name": " ", "head_sha": sha }), "name"),
        (json!({ "name": "x", "head_sha": sha, "status": "queued", "conclusion": "success" }), "conclusion"),
        (json!({ "name": "x", "head_sha": sha, "completed_at": "2026-01-01T00:00:00Z" }), "completed_at"),
    ] {
        let (status, answer) = send(&mut twin, "POST", runs, sent);
        assert_eq!((status, &answer["errors"][0]["field"]), (422, &json!(field)));
    }
    send(&mut twin, "POST", runs, json!({ "name": "lint", "head_sha": sha, "conclusion": "failure" }));
    let list = twin.json("/repos/acme/api/commits/feature/check-runs");
    assert_eq!((&list["total_count"], &list["check_runs"][0]["conclusion"]), (&json!(1), &json!("failure")));
    assert_eq!(twin.json("/repos/acme/api/commits/feature/check-runs?filter=all")["total_count"], 2);
    assert_eq!(twin.json(&format!("{one}/annotations")), json!([]));
}
