//! Pull requests: opening, reading, merging, on both doors.

#![expect(clippy::needless_pass_by_value, reason = "tests write what they send in place")]

use pome_twin_kit::testing::{Native, body};
use serde_json::{Value, json};
use twin_github::GitHub;

/// Alice's branch `feature` changes `a.txt` and adds `b.txt`; #2 is hers, #1 is an issue that it fixes. Bob may read only.
fn world() -> Native<GitHub> {
    world_with(&json!({}))
}

fn world_with(extra: &Value) -> Native<GitHub> {
    let mut repo = json!({
        "owner": "acme", "name": "api",
        "collaborators": ["alice", { "login": "bob", "permission": "pull" }, "carol"],
        "files": [
            { "path": "a.txt", "content": "one\ntwo\nthree\n" },
            { "path": "a.txt", "content": "one\n2\nthree\n", "branch": "feature" },
            { "path": "b.txt", "content": "new\n", "branch": "feature" },
            { "path": "a.txt", "content": "one\nzwei\nthree\n", "branch": "rival" },
        ],
        "issues": [{ "number": 1, "title": "Two is a word" }],
        "pull_requests": [
            { "number": 2, "title": "Use digits", "body": "Fixes #1", "head": "feature", "author": "alice" },
        ],
    });
    if let (Value::Object(repo), Value::Object(extra)) = (&mut repo, extra.clone()) {
        repo.extend(extra);
    }
    Native::seeded(Some(&json!({ "repositories": [repo] })))
}

const PULL: &str = "/repos/acme/api/pulls/2";

fn put(twin: &mut Native<GitHub>, path: &str, sent: Value) -> (u16, Value) {
    send(twin, "PUT", path, sent)
}

fn send(twin: &mut Native<GitHub>, method: &str, path: &str, sent: Value) -> (u16, Value) {
    let answer = twin.request(method, path, Some(&sent));
    (answer.status, body(&answer))
}

fn text(twin: &mut Native<GitHub>, tool: &str, arguments: Value) -> Value {
    let answer = twin.call(tool, &arguments);
    assert!(!answer.is_error, "{tool}: {}", String::from_utf8_lossy(&answer.value));
    serde_json::from_slice(&answer.value).unwrap_or_default()
}

#[test]
fn a_pull_request_shows_how_it_stands() {
    let mut twin = world();
    let pull = twin.json(PULL);
    assert_eq!((&pull["mergeable"], &pull["mergeable_state"]), (&json!(true), &json!("clean")));
    assert_eq!((&pull["additions"], &pull["deletions"], &pull["changed_files"]), (&json!(2), &json!(1), &json!(2)));
    assert_eq!(pull["head"]["label"], "acme:feature");
    let files = twin.json("/repos/acme/api/pulls/2/files");
    assert_eq!(files[0]["patch"], "@@ -1,3 +1,3 @@\n one\n-two\n+2\n three");
    assert_eq!((&files[1]["filename"], &files[1]["status"]), (&json!("b.txt"), &json!("added")));
    let diff = twin.request_with("GET", PULL, &[("accept", "application/vnd.github.diff")], b"");
    assert!(String::from_utf8(diff.body).unwrap().starts_with("diff --git a/a.txt b/a.txt\n"));
    let commits = twin.json("/repos/acme/api/pulls/2/commits");
    assert_eq!(commits[0]["commit"]["message"], "Seed feature");
}

#[test]
fn a_merge_closes_the_pull_request_and_what_it_fixes() {
    let mut twin = world();
    let before = twin.json(PULL);
    let (status, merged) = put(&mut twin, "/repos/acme/api/pulls/2/merge", json!({}));
    assert_eq!((status, &merged["merged"]), (200, &json!(true)));
    let of_commit = format!("/repos/acme/api/commits/{}/pulls", merged["sha"].as_str().unwrap());
    assert_eq!(twin.json(&of_commit)[0]["number"], 2);
    let pull = twin.json(PULL);
    assert_eq!(
        (&pull["merged"], &pull["state"], &pull["merged_by"]["login"]),
        (&json!(true), &json!("closed"), &json!("pome-agent"))
    );
    assert_eq!((&pull["merge_commit_sha"], &pull["head"]["sha"]), (&merged["sha"], &before["head"]["sha"]));
    assert_eq!(pull["changed_files"], 2);
    let state = twin.state();
    let repo = &state["repositories"][0];
    let on_main = |path: &str| {
        let files = repo["files"].as_array().unwrap();
        files.iter().find(|file| file["branch"] == "main" && file["path"] == path).map(|file| file["content"].clone())
    };
    assert_eq!(on_main("a.txt"), Some(json!("one\n2\nthree\n")));
    assert_eq!(
        (&repo["issues"][0]["state"], &repo["issues"][0]["state_reason"]),
        (&json!("closed"), &json!("completed"))
    );
    let (status, again) = put(&mut twin, "/repos/acme/api/pulls/2/merge", json!({}));
    assert_eq!((status, &again["message"]), (405, &json!("Pull Request is not mergeable")));
}

#[test]
fn a_merge_says_what_the_method_says() {
    for (method, parents, message) in [
        ("merge", 2, "Merge pull request #2 from acme/feature\n\nUse digits"),
        // The pull request has one commit, whose subject the vendor takes then.
        ("squash", 1, "Seed feature (#2)"),
        ("rebase", 1, "Seed feature"),
    ] {
        let mut twin = world();
        let (status, merged) = put(&mut twin, "/repos/acme/api/pulls/2/merge", json!({ "merge_method": method }));
        assert_eq!(status, 200, "{method}: {merged}");
        // The merged commit is the base of the other branch's next pull request, and its own commit can be listed there.
        let sha = merged["sha"].as_str().unwrap().to_owned();
        let (status, opened) = send(
            &mut twin,
            "POST",
            "/repos/acme/api/pulls",
            json!({ "title": "Back", "head": "main", "base": "rival" }),
        );
        assert_eq!(status, 201, "{method}: {opened}");
        let commits = twin.json(&format!("/repos/acme/api/pulls/{}/commits", opened["number"]));
        let last = commits.as_array().unwrap().iter().find(|commit| commit["sha"] == sha.as_str()).unwrap();
        assert_eq!(last["commit"]["message"], message, "{method}");
        assert_eq!(last["parents"].as_array().unwrap().len(), parents, "{method}");
        assert_eq!(last["committer"]["login"], "pome-agent", "{method}");
    }
}

#[test]
fn a_merge_is_refused_for_the_reason_that_stands_in_its_way() {
    let merge = "/repos/acme/api/pulls/2/merge";
    let refused = |twin: &mut Native<GitHub>, sent: Value| {
        let before = twin.session.export();
        let (status, answer) = put(twin, merge, sent);
        assert_eq!(twin.session.export(), before);
        (status, answer["message"].as_str().unwrap_or_default().to_owned())
    };
    let mut twin = world();
    let wrong = json!({ "sha": "0".repeat(40) });
    let moved = "Head branch was modified. Review and try the merge again.";
    assert_eq!(refused(&mut twin, wrong), (409, moved.to_owned()));
    for login in [Some("bob"), Some("mallory"), None] {
        twin.caller.login = login.map(str::to_owned);
        let push = "Must have push access to the repository to merge pull requests.";
        assert_eq!(refused(&mut twin, json!({})), (403, push.to_owned()), "{login:?}");
    }
    let mut twin = world_with(&json!({ "allow_squash_merge": false }));
    let squash = "Squash merges are not allowed on this repository.";
    assert_eq!(refused(&mut twin, json!({ "merge_method": "squash" })), (405, squash.to_owned()));
    let red = json!({ "pull_requests": [
        { "number": 2, "title": "Use digits", "head": "feature", "author": "alice", "statuses": [{ "state": "failure" }] },
    ] });
    let mut twin = world_with(&red);
    assert_eq!(twin.json(PULL)["mergeable_state"], "blocked");
    assert_eq!(refused(&mut twin, json!({})), (409, "Required status check failed".to_owned()));
    let mut relaxed = red.clone();
    relaxed["require_green_status"] = json!(false);
    let mut twin = world_with(&relaxed);
    assert_eq!(twin.json(PULL)["mergeable_state"], "unstable");
    assert_eq!(put(&mut twin, merge, json!({})).0, 200);
    let draft = json!({ "pull_requests": [
        { "number": 2, "title": "Use digits", "head": "feature", "author": "alice", "draft": true },
    ] });
    let mut twin = world_with(&draft);
    assert_eq!(twin.json(PULL)["mergeable_state"], "draft");
    assert_eq!(refused(&mut twin, json!({})), (405, "Pull Request is still a draft".to_owned()));
}

#[test]
fn branches_that_disagree_do_not_merge() {
    let mut twin = world();
    let (status, rival) =
        send(&mut twin, "POST", "/repos/acme/api/pulls", json!({ "title": "Zwei", "head": "rival", "base": "main" }));
    assert_eq!((status, &rival["mergeable"]), (201, &json!(true)));
    assert_eq!(put(&mut twin, "/repos/acme/api/pulls/2/merge", json!({})).0, 200);
    let path = format!("/repos/acme/api/pulls/{}", rival["number"]);
    let now = twin.json(&path);
    assert_eq!((&now["mergeable"], &now["mergeable_state"]), (&json!(false), &json!("dirty")));
    let (status, answer) = put(&mut twin, &format!("{path}/merge"), json!({}));
    assert_eq!((status, &answer["message"]), (405, &json!("Pull Request is not mergeable")));
    let (status, answer) = put(&mut twin, &format!("{path}/update-branch"), json!({}));
    assert_eq!((status, &answer["message"]), (422, &json!("merge conflict between base and head")));
}

#[test]
fn a_branch_is_brought_up_to_date_once() {
    let files = json!({ "pull_requests": [
        { "number": 2, "title": "Use digits", "head": "feature", "author": "alice" },
        { "number": 3, "title": "More", "head": "more", "author": "alice" },
    ], "files": [
        { "path": "a.txt", "content": "one\n" },
        { "path": "b.txt", "content": "new\n", "branch": "feature" },
        { "path": "c.txt", "content": "more\n", "branch": "more" },
    ] });
    let mut twin = world_with(&files);
    let nothing = put(&mut twin, "/repos/acme/api/pulls/3/update-branch", json!({}));
    assert_eq!((nothing.0, &nothing.1["message"]), (422, &json!("There are no new commits on the base branch.")));
    assert_eq!(put(&mut twin, "/repos/acme/api/pulls/2/merge", json!({})).0, 200);
    let old = twin.json("/repos/acme/api/pulls/3")["head"]["sha"].clone();
    let wrong = put(&mut twin, "/repos/acme/api/pulls/3/update-branch", json!({ "expected_head_sha": "0".repeat(40) }));
    assert_eq!(wrong.0, 422);
    let (status, answer) = put(&mut twin, "/repos/acme/api/pulls/3/update-branch", json!({ "expected_head_sha": old }));
    assert_eq!((status, &answer["message"]), (202, &json!("Updating pull request branch.")));
    let pull = twin.json("/repos/acme/api/pulls/3");
    assert_ne!(pull["head"]["sha"], old);
    assert_eq!((&pull["commits"], &pull["changed_files"]), (&json!(2), &json!(1)));
}

#[test]
fn a_merged_branch_goes_when_the_repository_wants_it() {
    let extra = json!({ "delete_branch_on_merge": true });
    let mut twin = world_with(&extra);
    let (status, stacked) = send(
        &mut twin,
        "POST",
        "/repos/acme/api/pulls",
        json!({ "title": "On top", "head": "rival", "base": "feature" }),
    );
    assert_eq!(status, 201);
    assert_eq!(put(&mut twin, "/repos/acme/api/pulls/2/merge", json!({})).0, 200);
    let state = twin.state();
    let branches = state["repositories"][0]["branches"].as_array().unwrap();
    assert!(branches.iter().all(|branch| branch["name"] != "feature"));
    let stacked = twin.json(&format!("/repos/acme/api/pulls/{}", stacked["number"]));
    assert_eq!((&stacked["base"]["ref"], &stacked["state"]), (&json!("main"), &json!("open")));
}

#[test]
fn a_pull_request_needs_a_title_two_branches_and_commits_between_them() {
    let mut twin = world();
    let mut refused = |sent: Value| {
        let (status, answer) = send(&mut twin, "POST", "/repos/acme/api/pulls", sent);
        assert_eq!(status, 422);
        let error = &answer["errors"][0];
        error["message"].as_str().or(error["field"].as_str()).or(answer["message"].as_str()).unwrap().to_owned()
    };
    assert_eq!(refused(json!({ "head": "rival", "base": "main" })), "title");
    assert_eq!(refused(json!({ "title": "x", "base": "main" })), "Invalid request.\n\n\"head\" wasn't supplied.");
    assert_eq!(refused(json!({ "title": "x", "head": "nowhere", "base": "main" })), "head");
    assert_eq!(refused(json!({ "title": "x", "head": "rival", "base": "nowhere" })), "base");
    assert_eq!(refused(json!({ "title": "x", "head": "main", "base": "main" })), "No commits between main and main");
    assert_eq!(
        refused(json!({ "title": "x", "head": "feature", "base": "main" })),
        "A pull request already exists for acme:feature."
    );
    let (status, pull) =
        send(&mut twin, "POST", "/repos/acme/api/pulls", json!({ "title": "x", "head": "rival", "draft": true }));
    assert_eq!((status, &pull["number"], &pull["draft"]), (201, &json!(3), &json!(true)));
    assert_eq!(pull["user"]["login"], "pome-agent");
    twin.caller.login = Some("bob".to_owned());
    assert_eq!(
        send(&mut twin, "POST", "/repos/acme/api/pulls", json!({ "title": "x", "head": "rival", "base": "feature" })).0,
        403
    );
}

#[test]
fn a_pull_request_can_be_closed_opened_and_changed_until_it_is_merged() {
    let mut twin = world();
    let (status, pull) = send(&mut twin, "PATCH", PULL, json!({ "state": "closed", "title": "Digits", "body": null }));
    assert_eq!(
        (status, &pull["state"], &pull["title"], &pull["body"]),
        (200, &json!("closed"), &json!("Digits"), &json!(null))
    );
    assert_eq!(twin.json("/repos/acme/api/pulls").as_array().unwrap().len(), 0);
    assert_eq!(twin.json("/repos/acme/api/pulls?state=all")[0]["number"], 2);
    let (status, pull) = send(&mut twin, "PATCH", PULL, json!({ "state": "open", "base": "rival" }));
    assert_eq!((status, &pull["state"], &pull["base"]["ref"]), (200, &json!("open"), &json!("rival")));
    assert_eq!(send(&mut twin, "PATCH", PULL, json!({ "base": "nowhere" })).0, 422);
    assert_eq!(send(&mut twin, "PATCH", PULL, json!({ "base": "main" })).0, 200);
    assert_eq!(put(&mut twin, "/repos/acme/api/pulls/2/merge", json!({})).0, 200);
    let (status, answer) = send(&mut twin, "PATCH", PULL, json!({ "state": "open" }));
    assert_eq!((status, &answer["message"]), (409, &json!("Cannot reopen or rebase a merged pull request")));
    twin.caller.login = Some("bob".to_owned());
    assert_eq!(send(&mut twin, "PATCH", PULL, json!({ "title": "Mine" })).0, 403);
}

#[test]
fn the_list_is_filtered_and_sorted() {
    let mut twin = world();
    for (head, base) in [("rival", "main"), ("rival", "feature")] {
        let sent = json!({ "title": base, "head": head, "base": base });
        assert_eq!(send(&mut twin, "POST", "/repos/acme/api/pulls", sent).0, 201);
    }
    let mut numbers = |query: &str| {
        let list = twin.json(&format!("/repos/acme/api/pulls?{query}"));
        list.as_array().unwrap().iter().map(|pull| pull["number"].as_u64().unwrap()).collect::<Vec<_>>()
    };
    assert_eq!(numbers(""), [4, 3, 2]);
    assert_eq!(numbers("head=acme:rival&direction=asc"), [3, 4]);
    assert_eq!(numbers("head=bob:rival"), Vec::<u64>::new());
    assert_eq!(numbers("base=feature"), [4]);
    assert_eq!(numbers("sort=updated&per_page=1"), [2]);
    let link = twin.get("/repos/acme/api/pulls?per_page=2");
    assert!(link.headers.iter().any(|(name, value)| name == "link" && value.contains("page=2>; rel=\"next\"")));
}

#[test]
fn reviewers_are_collaborators_other_than_the_author() {
    let mut twin = world();
    let path = "/repos/acme/api/pulls/2/requested_reviewers";
    let (status, answer) = send(&mut twin, "POST", path, json!({ "reviewers": ["alice"] }));
    assert_eq!((status, &answer["message"]), (422, &json!("Review cannot be requested from pull request author.")));
    assert_eq!(send(&mut twin, "POST", path, json!({ "reviewers": ["mallory"] })).0, 422);
    let (status, pull) = send(&mut twin, "POST", path, json!({ "reviewers": ["bob", "carol"] }));
    assert_eq!((status, pull["requested_reviewers"].as_array().unwrap().len()), (201, 2));
    assert_eq!(send(&mut twin, "DELETE", path, json!({ "reviewers": ["carol"] })).0, 200);
    assert_eq!(twin.json(path)["users"][0]["login"], "bob");
    twin.caller.login = Some("bob".to_owned());
    let (status, _) =
        send(&mut twin, "POST", "/repos/acme/api/pulls/2/reviews", json!({ "event": "COMMENT", "body": "ok" }));
    assert_eq!(status, 200);
    assert_eq!(twin.json(path)["users"], json!([]));
}

#[test]
fn the_tools_answer_in_the_official_shapes() {
    let mut twin = world();
    let at = |more: Value| {
        let mut arguments = json!({ "owner": "acme", "repo": "api", "pullNumber": 2 });
        if let (Value::Object(arguments), Value::Object(more)) = (&mut arguments, more) {
            arguments.extend(more);
        }
        arguments
    };
    let pull = text(&mut twin, "pull_request_read", at(json!({ "method": "get" })));
    assert_eq!(
        (&pull["number"], &pull["mergeable_state"], &pull["changed_files"]),
        (&json!(2), &json!("clean"), &json!(2))
    );
    let files = text(&mut twin, "pull_request_read", at(json!({ "method": "get_files" })));
    assert_eq!(
        files[1],
        json!({ "filename": "b.txt", "status": "added", "additions": 1, "deletions": 0, "changes": 1, "patch": "@@ -0,0 +1 @@\n+new" })
    );
    for method in ["get_status", "get_commits", "get_review_comments", "get_reviews", "get_comments", "get_check_runs"]
    {
        text(&mut twin, "pull_request_read", at(json!({ "method": method })));
    }
    let diff = twin.call("pull_request_read", &at(json!({ "method": "get_diff" })));
    let content: Value = serde_json::from_slice(&diff.content.unwrap()).unwrap();
    assert!(content[0]["text"].as_str().unwrap().starts_with("diff --git "));
    let some = json!({ "owner": "acme", "repo": "api", "fields": ["number", "title"] });
    assert_eq!(text(&mut twin, "list_pull_requests", some), json!([{ "number": 2, "title": "Use digits" }]));
    let sent = json!({ "owner": "acme", "repo": "api", "title": "Zwei", "head": "rival", "base": "main", "reviewers": ["bob"] });
    let made = text(&mut twin, "create_pull_request", sent);
    assert_eq!(made["url"], "https://github.com/acme/api/pull/3");
    let merged = text(&mut twin, "merge_pull_request", at(json!({ "merge_method": "squash" })));
    assert_eq!(merged["message"], "Pull Request successfully merged");
}
