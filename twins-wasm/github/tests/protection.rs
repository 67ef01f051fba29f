//! Branch protection and rulesets: how they are written, shown and held to.

#![expect(clippy::needless_pass_by_value, reason = "tests write what they send in place")]

use pome_twin_kit::testing::{Native, body};
use serde_json::{Value, json};
use twin_github::GitHub;

const MAIN: &str = "/repos/acme/api/branches/main/protection";
const MERGE: &str = "/repos/acme/api/pulls/2/merge";

/// Alice's #2 brings `feature` into `main`. Ada administers, Bob and Carol may push, Rita may read only.
fn world(extra: Value) -> Native<GitHub> {
    let mut repo = json!({
        "owner": "acme", "name": "api", "require_green_status": false,
        "collaborators": [
            { "login": "ada", "permission": "admin" }, "alice", "bob", "carol",
            { "login": "rita", "permission": "pull" },
        ],
        "files": [
            { "path": "a.txt", "content": "one\n" },
            { "path": "CODEOWNERS", "content": "*.md @carol\n" },
            { "path": "b.txt", "content": "new\n", "branch": "feature" },
        ],
        "pull_requests": [{ "number": 2, "title": "More", "head": "feature", "author": "alice" }],
    });
    if let (Value::Object(repo), Value::Object(extra)) = (&mut repo, extra) {
        repo.extend(extra);
    }
    let mut twin = Native::seeded(Some(&json!({
        "users": [{ "login": "acme", "type": "Organization" }], "repositories": [repo],
    })));
    twin.caller.login = Some("bob".to_owned());
    twin
}

/// A world whose `main` has this protection.
fn protected(rules: Value) -> Native<GitHub> {
    let mut rules = rules;
    rules["branch"] = "main".into();
    world(json!({ "branch_protection": [rules] }))
}

fn send(twin: &mut Native<GitHub>, method: &str, path: &str, sent: Value) -> (u16, Value) {
    let answer = twin.request(method, path, Some(&sent));
    (answer.status, body(&answer))
}

fn as_user<T>(twin: &mut Native<GitHub>, login: &str, act: impl FnOnce(&mut Native<GitHub>) -> T) -> T {
    let before = twin.caller.login.replace(login.to_owned());
    let outcome = act(twin);
    twin.caller.login = before;
    outcome
}

fn review(twin: &mut Native<GitHub>, login: &str, event: &str) -> u64 {
    let path = "/repos/acme/api/pulls/2/reviews";
    let sent = json!({ "event": event, "body": "Looked." });
    let (status, answer) = as_user(twin, login, |twin| send(twin, "POST", path, sent));
    assert_eq!(status, 200, "{answer}");
    answer["id"].as_u64().unwrap()
}

/// The refused merge leaves no trace; its message.
fn refused_merge(twin: &mut Native<GitHub>) -> String {
    let before = twin.session.export();
    let (status, answer) = send(twin, "PUT", MERGE, json!({}));
    assert_eq!((status, twin.session.export() == before), (405, true), "{answer}");
    answer["message"].as_str().unwrap_or_default().to_owned()
}

fn stands(twin: &mut Native<GitHub>) -> String {
    twin.json("/repos/acme/api/pulls/2")["mergeable_state"].as_str().unwrap_or_default().to_owned()
}

fn head(twin: &mut Native<GitHub>, branch: &str) -> String {
    let branch = twin.json(&format!("/repos/acme/api/branches/{branch}"));
    branch["commit"]["sha"].as_str().unwrap_or_default().to_owned()
}

fn status(twin: &mut Native<GitHub>, context: &str, state: &str) {
    let sha = head(twin, "feature");
    let path = format!("/repos/acme/api/statuses/{sha}");
    let (code, answer) = send(twin, "POST", &path, json!({ "context": context, "state": state }));
    assert_eq!(code, 201, "{answer}");
}

fn write(twin: &mut Native<GitHub>, branch: &str) -> (u16, Value) {
    let sent = json!({ "message": "Write", "content": "eA==", "branch": branch });
    send(twin, "PUT", "/repos/acme/api/contents/new.txt", sent)
}

#[test]
fn protection_is_written_shown_and_taken_away_by_administrators() {
    let mut twin = world(json!({}));
    let rules = json!({
        "required_status_checks": { "strict": true, "contexts": ["ci"], "checks": [{ "context": "build", "app_id": 15368 }] },
        "enforce_admins": true,
        "required_pull_request_reviews": { "required_approving_review_count": 2, "dismiss_stale_reviews": true },
        "restrictions": { "users": ["bob", "rita"], "teams": [], "apps": ["github-actions"] },
        "required_linear_history": true,
    });
    for (login, expected) in [("bob", 404), ("rita", 404), ("mallory", 404)] {
        let refused = as_user(&mut twin, login, |twin| send(twin, "PUT", MAIN, rules.clone()));
        assert_eq!(refused.0, expected, "{login}");
    }
    twin.caller.login = Some("ada".to_owned());
    assert_eq!(body(&twin.get(MAIN))["message"], "Branch not protected");
    let missing = send(&mut twin, "PUT", MAIN, json!({ "enforce_admins": true }));
    assert_eq!(missing.1["message"], "Invalid request.\n\n\"required_status_checks\" wasn't supplied.");
    let (code, set) = send(&mut twin, "PUT", MAIN, rules);
    assert_eq!(code, 200, "{set}");
    assert_eq!(set["required_status_checks"]["checks"], json!([{ "context": "build", "app_id": 15368 }]));
    assert_eq!(set["restrictions"]["users"][0]["login"], "bob");
    assert_eq!(set["restrictions"]["users"].as_array().unwrap().len(), 1, "who cannot push is dropped");
    assert_eq!(set["restrictions"]["apps"][0]["slug"], "github-actions");
    assert_eq!(twin.json(MAIN), set);
    let branch = twin.json("/repos/acme/api/branches/main");
    assert_eq!((&branch["protected"], &branch["protection"]["enabled"]), (&json!(true), &json!(true)));
    assert_eq!(branch["protection"]["required_status_checks"]["enforcement_level"], "everyone");
    let listed = twin.json("/repos/acme/api/branches?protected=true");
    assert_eq!(listed.as_array().unwrap().len(), 1);

    let contexts = format!("{MAIN}/required_status_checks/contexts");
    assert_eq!(send(&mut twin, "POST", &contexts, json!(["ci"])).1, json!(["build", "ci"]));
    assert_eq!(send(&mut twin, "DELETE", &contexts, json!({ "contexts": ["build"] })).1, json!(["ci"]));
    assert_eq!(send(&mut twin, "PUT", &contexts, json!(["lint"])).1, json!(["lint"]));
    assert_eq!(twin.json(&contexts), json!(["lint"]));
    let checks = send(&mut twin, "PATCH", &format!("{MAIN}/required_status_checks"), json!({ "strict": false }));
    assert_eq!((&checks.1["strict"], &checks.1["contexts"]), (&json!(false), &json!(["lint"])));
    let users = format!("{MAIN}/restrictions/users");
    assert_eq!(send(&mut twin, "POST", &users, json!(["carol"])).1[1]["login"], "carol");
    assert_eq!(send(&mut twin, "POST", &format!("{MAIN}/restrictions/teams"), json!(["core"])).0, 422);
    let reviews = format!("{MAIN}/required_pull_request_reviews");
    let changed = send(&mut twin, "PATCH", &reviews, json!({ "required_approving_review_count": 1 }));
    assert_eq!(
        (&changed.1["required_approving_review_count"], &changed.1["dismiss_stale_reviews"]),
        (&json!(1), &json!(true))
    );
    assert_eq!(send(&mut twin, "DELETE", &reviews, json!({})).0, 204);
    assert_eq!(twin.get(&reviews).status, 404);
    assert_eq!(send(&mut twin, "DELETE", &format!("{MAIN}/enforce_admins"), json!({})).0, 204);
    assert_eq!(twin.json(&format!("{MAIN}/enforce_admins"))["enabled"], false);
    assert_eq!(send(&mut twin, "POST", &format!("{MAIN}/required_signatures"), json!({})).1["enabled"], true);
    assert_eq!(twin.state()["repositories"][0]["branch_protection"][0]["required_signatures"], true);
    assert_eq!(send(&mut twin, "DELETE", MAIN, json!({})).0, 204);
    assert_eq!(twin.get(MAIN).status, 404);
    assert_eq!(twin.json("/repos/acme/api/branches/main")["protected"], false);
}

#[test]
fn required_checks_hold_a_merge_until_they_pass() {
    let mut twin = protected(json!({ "required_status_checks": { "contexts": ["ci", "lint"] } }));
    assert_eq!(refused_merge(&mut twin), "2 of 2 required status checks are expected.");
    status(&mut twin, "ci", "success");
    assert_eq!(refused_merge(&mut twin), "Required status check \"lint\" is expected.");
    assert_eq!(stands(&mut twin), "blocked");
    status(&mut twin, "lint", "pending");
    assert_eq!(refused_merge(&mut twin), "Required status check \"lint\" is pending.");
    status(&mut twin, "ci", "failure");
    assert_eq!(refused_merge(&mut twin), "2 of 2 required status checks have not succeeded: 1 pending and 1 failing.");
    status(&mut twin, "ci", "success");
    // A check run of the name counts as well; of the two the worse one decides.
    let run = json!({ "name": "lint", "head_sha": head(&mut twin, "feature"), "conclusion": "failure" });
    let (_, run) = send(&mut twin, "POST", "/repos/acme/api/check-runs", run);
    status(&mut twin, "lint", "success");
    assert_eq!(refused_merge(&mut twin), "Required status check \"lint\" is failing.");
    let path = format!("/repos/acme/api/check-runs/{}", run["id"]);
    send(&mut twin, "PATCH", &path, json!({ "conclusion": "neutral" }));
    status(&mut twin, "optional", "failure");
    assert_eq!(stands(&mut twin), "unstable");
    assert_eq!(send(&mut twin, "PUT", MERGE, json!({})).0, 200);
}

#[test]
fn a_check_of_one_app_is_not_met_by_a_status() {
    let checks = json!([{ "context": "ci", "app_id": 15368 }]);
    let mut twin = protected(json!({ "required_status_checks": { "strict": false, "checks": checks } }));
    status(&mut twin, "ci", "success");
    assert_eq!(refused_merge(&mut twin), "Required status check \"ci\" is expected.");
    let run = json!({ "name": "ci", "head_sha": head(&mut twin, "feature"), "conclusion": "success" });
    send(&mut twin, "POST", "/repos/acme/api/check-runs", run);
    assert_eq!(send(&mut twin, "PUT", MERGE, json!({})).0, 200);
}

#[test]
fn a_strict_branch_wants_the_head_up_to_date() {
    let mut twin = protected(json!({ "required_status_checks": { "strict": true, "contexts": ["ci"] } }));
    status(&mut twin, "ci", "success");
    assert_eq!(stands(&mut twin), "clean");
    // An administrator may push past the protection, and the head falls behind.
    let (code, answer) = as_user(&mut twin, "ada", |twin| write(twin, "main"));
    assert_eq!(code, 201, "{answer}");
    assert_eq!(stands(&mut twin), "behind");
    assert_eq!(refused_merge(&mut twin), "Required status check \"ci\" is expected.");
    let (code, _) = send(&mut twin, "PUT", "/repos/acme/api/pulls/2/update-branch", json!({}));
    assert_eq!(code, 202);
    status(&mut twin, "ci", "success");
    assert_eq!(send(&mut twin, "PUT", MERGE, json!({})).0, 200);
}

#[test]
fn required_reviews_count_those_who_may_push() {
    let one = "At least 1 approving review is required by reviewers with write access.";
    let mut twin = protected(json!({ "required_pull_request_reviews": { "required_approving_review_count": 1 } }));
    assert_eq!(refused_merge(&mut twin), one);
    review(&mut twin, "rita", "APPROVE");
    review(&mut twin, "bob", "COMMENT");
    assert_eq!(refused_merge(&mut twin), one);
    review(&mut twin, "bob", "APPROVE");
    review(&mut twin, "carol", "REQUEST_CHANGES");
    assert_eq!(refused_merge(&mut twin), "1 review requesting changes by reviewers with write access.");
    review(&mut twin, "carol", "APPROVE");
    assert_eq!(stands(&mut twin), "clean");
    assert_eq!(send(&mut twin, "PUT", MERGE, json!({})).0, 200);
    let mut twin = protected(json!({ "required_pull_request_reviews": { "required_approving_review_count": 2 } }));
    assert_eq!(refused_merge(&mut twin), "At least 2 approving reviews are required by reviewers with write access.");
}

#[test]
fn a_push_ends_stale_approvals_when_the_branch_says_so() {
    for (dismisses, state) in [(true, "DISMISSED"), (false, "APPROVED")] {
        let reviews = json!({ "required_approving_review_count": 1, "dismiss_stale_reviews": dismisses });
        let mut twin = protected(json!({ "required_pull_request_reviews": reviews }));
        review(&mut twin, "bob", "APPROVE");
        assert_eq!(write(&mut twin, "feature").0, 201);
        assert_eq!(twin.json("/repos/acme/api/pulls/2/reviews")[0]["state"], state);
        let merged = send(&mut twin, "PUT", MERGE, json!({})).0;
        assert_eq!(merged, if dismisses { 405 } else { 200 });
    }
}

#[test]
fn code_owners_and_the_last_pusher_are_looked_at() {
    let reviews = json!({ "required_approving_review_count": 1, "require_code_owner_reviews": true });
    let mut twin = protected(json!({ "required_pull_request_reviews": reviews }));
    let sent = json!({ "message": "Docs", "content": "eA==", "branch": "feature" });
    send(&mut twin, "PUT", "/repos/acme/api/contents/docs/x.md", sent);
    review(&mut twin, "bob", "APPROVE");
    assert_eq!(refused_merge(&mut twin), "Waiting on code owner review from carol.");
    review(&mut twin, "carol", "APPROVE");
    assert_eq!(send(&mut twin, "PUT", MERGE, json!({})).0, 200);

    let reviews = json!({ "required_approving_review_count": 1, "require_last_push_approval": true });
    let mut twin = protected(json!({ "required_pull_request_reviews": reviews }));
    assert_eq!(write(&mut twin, "feature").0, 201);
    review(&mut twin, "bob", "APPROVE");
    assert_eq!(refused_merge(&mut twin), "New changes require approval from someone other than the last pusher.");
    review(&mut twin, "carol", "APPROVE");
    assert_eq!(send(&mut twin, "PUT", MERGE, json!({})).0, 200);
}

#[test]
fn conversations_and_linear_history_are_asked_for() {
    let mut twin = protected(json!({ "required_conversation_resolution": true }));
    let comment = json!({ "body": "Why?", "path": "b.txt", "line": 1, "side": "RIGHT" });
    assert_eq!(send(&mut twin, "POST", "/repos/acme/api/pulls/2/comments", comment).0, 201);
    assert_eq!(refused_merge(&mut twin), "A conversation must be resolved before this pull request can be merged.");

    let threads = twin.call(
        "pull_request_read",
        &json!({ "method": "get_review_comments", "owner": "acme", "repo": "api", "pullNumber": 2 }),
    );
    let threads: Value = serde_json::from_slice(&threads.value).unwrap();
    let id = threads["review_threads"][0]["id"].clone();
    let resolve =
        json!({ "method": "resolve_thread", "owner": "acme", "repo": "api", "pullNumber": 2, "threadId": id });
    assert!(!twin.call("pull_request_review_write", &resolve).is_error);
    assert_eq!(send(&mut twin, "PUT", MERGE, json!({})).0, 200);

    let mut twin = protected(json!({ "required_linear_history": true }));
    assert_eq!(refused_merge(&mut twin), "This branch must not contain merge commits.");
    assert_eq!(send(&mut twin, "PUT", MERGE, json!({ "merge_method": "squash" })).0, 200);
}

#[test]
fn pushes_to_a_protected_branch_are_refused_on_every_door() {
    let mut twin = protected(json!({ "required_pull_request_reviews": { "required_approving_review_count": 1 } }));
    let pull = "Changes must be made through a pull request.";
    let (code, answer) = write(&mut twin, "main");
    assert_eq!((code, answer["message"].as_str()), (409, Some(&*format!("Could not create file: {pull}"))));
    let feature = head(&mut twin, "feature");
    let (code, answer) = send(&mut twin, "PATCH", "/repos/acme/api/git/refs/heads/main", json!({ "sha": feature }));
    assert_eq!((code, answer["message"].as_str()), (422, Some(pull)));
    let (code, answer) =
        send(&mut twin, "POST", "/repos/acme/api/merges", json!({ "base": "main", "head": "feature" }));
    assert_eq!((code, answer["message"].as_str()), (409, Some(pull)));
    let files = json!([{ "path": "x", "content": "y" }]);
    let push = json!({ "owner": "acme", "repo": "api", "branch": "main", "message": "m", "files": files });
    assert!(twin.call("push_files", &push).is_error);
    assert_eq!(write(&mut twin, "feature").0, 201);
    // Nobody, not even an administrator, rewrites or deletes a protected branch.
    let mut twin = world(json!({ "branch_protection": [{ "branch": "feature" }] }));
    twin.caller.login = Some("ada".to_owned());
    let main = head(&mut twin, "main");
    let forced = json!({ "sha": main, "force": true });
    let (code, answer) = send(&mut twin, "PATCH", "/repos/acme/api/git/refs/heads/feature", forced);
    assert_eq!((code, answer["message"].as_str()), (422, Some("Cannot force-push to this branch")));
    let (code, answer) = send(&mut twin, "DELETE", "/repos/acme/api/git/refs/heads/feature", json!({}));
    assert_eq!((code, answer["message"].as_str()), (422, Some("Cannot delete this branch")));
    let mut twin = protected(json!({ "restrictions": { "users": ["carol"], "teams": [] } }));
    assert!(
        write(&mut twin, "main").1["message"]
            .as_str()
            .unwrap()
            .contains("You're not authorized to push to this branch.")
    );
    assert_eq!(as_user(&mut twin, "carol", |twin| write(twin, "main")).0, 201);
}

#[test]
fn rulesets_are_written_listed_and_held_to() {
    let mut twin = world(json!({}));
    let pull = json!({
        "required_approving_review_count": 1, "dismiss_stale_reviews_on_push": false, "require_code_owner_review": false,
        "require_last_push_approval": false, "required_review_thread_resolution": false,
    });
    let mut sent = json!({
        "name": "main", "enforcement": "active", "target": "branch",
        "conditions": { "ref_name": { "include": ["~DEFAULT_BRANCH"], "exclude": [] } },
        "rules": [{ "type": "deletion" }, { "type": "pull_request", "parameters": pull }],
    });
    assert_eq!(send(&mut twin, "POST", "/repos/acme/api/rulesets", sent.clone()).0, 404);
    twin.caller.login = Some("ada".to_owned());
    let (code, made) = send(&mut twin, "POST", "/repos/acme/api/rulesets", sent.clone());
    assert_eq!(code, 201, "{made}");
    assert_eq!(made["current_user_can_bypass"], "never");
    assert_eq!(send(&mut twin, "POST", "/repos/acme/api/rulesets", sent.clone()).0, 422);
    sent["name"] = "other".into();
    sent["rules"] = json!([{ "type": "merge_queue" }]);
    assert_eq!(send(&mut twin, "POST", "/repos/acme/api/rulesets", sent).0, 501);
    let listed = twin.json("/repos/acme/api/rulesets");
    assert_eq!((&listed[0]["name"], &listed[0]["rules"]), (&json!("main"), &Value::Null));
    let rules = twin.json("/repos/acme/api/rules/branches/main");
    assert_eq!((&rules[1]["type"], &rules[1]["ruleset_id"]), (&json!("pull_request"), &made["id"]));
    assert_eq!(twin.json("/repos/acme/api/rules/branches/feature"), json!([]));
    assert_eq!(twin.json("/repos/acme/api/branches/main")["protected"], true);

    let text = "Repository rule violations found\n\nChanges must be made through a pull request.\n\n";
    let (code, answer) = write(&mut twin, "main");
    assert_eq!((code, answer["message"].as_str()), (409, Some(text)), "administrators are no exception here");
    let review_text = "At least 1 approving review is required by reviewers with write access.";
    assert_eq!(refused_merge(&mut twin), format!("Repository rule violations found\n\n{review_text}\n\n"));
    assert_eq!(stands(&mut twin), "blocked");

    let path = format!("/repos/acme/api/rulesets/{}", made["id"]);
    let bypass = json!([{ "actor_id": 5, "actor_type": "RepositoryRole", "bypass_mode": "pull_request" }]);
    let (code, changed) = send(&mut twin, "PUT", &path, json!({ "bypass_actors": bypass }));
    assert_eq!((code, &changed["current_user_can_bypass"]), (200, &json!("pull_requests_only")));
    assert_eq!(write(&mut twin, "main").0, 409);
    assert_eq!(send(&mut twin, "PUT", MERGE, json!({})).0, 200);
    assert_eq!(send(&mut twin, "PUT", &path, json!({ "enforcement": "disabled" })).0, 200);
    assert_eq!(write(&mut twin, "main").0, 201);
    assert_eq!(send(&mut twin, "DELETE", &path, json!({})).0, 204);
    assert_eq!(twin.get(&path).status, 404);
}

#[test]
fn a_seed_with_a_wrong_protection_names_the_place() {
    for (extra, pointer) in [
        (json!({ "branch_protection": [{ "branch": "nope" }] }), "/repositories/0/branch_protection/0/branch"),
        (
            json!({ "branch_protection": [{ "branch": "main", "lock_branch": "perhaps" }] }),
            "/repositories/0/branch_protection/0/lock_branch",
        ),
        (json!({ "rulesets": [{ "name": "x" }] }), "/repositories/0/rulesets/0/enforcement"),
        (
            json!({ "rulesets": [{ "name": "x", "enforcement": "active", "rules": [{ "type": "nonsense" }] }] }),
            "/repositories/0/rulesets/0",
        ),
    ] {
        let mut twin = Native::<GitHub>::new();
        let mut repo = json!({ "owner": "acme", "name": "api" });
        repo.as_object_mut().unwrap().extend(extra.as_object().unwrap().clone());
        let seeded = twin.seed(Some(&json!({ "repositories": [repo] })));
        assert!(!seeded.accepted);
        let answer: Value = serde_json::from_slice(&seeded.answer.body).unwrap();
        assert_eq!(answer["errors"][0]["pointer"], pointer, "{answer}");
    }
}
