//! Every sentence on three worlds: one where it holds, one where it does not, and one that nobody touched.

use pome_twin_kit::checks::{Binding, Outcome, World, bind, evaluate};
use serde_json::{Value, json};
use twin_github::GitHub;

/// The world before the agent.
fn before() -> Value {
    json!({ "repositories": [{
        "owner": "acme", "name": "api", "full_name": "acme/api",
        "labels": [{ "name": "bug" }, { "name": "feature" }, { "name": "question" }, { "name": "P1" }],
        "files": [{ "path": "README.md", "branch": "main" }],
        "issues": [{ "number": 1, "state": "open", "labels": [], "assignees": [], "comments": [] }],
        "pull_requests": [{ "number": 2, "state": "open", "merged": 0, "reviews": [], "comments": [] }],
        "commit_statuses": [],
    }] })
}

/// The world after an agent that did much.
fn after() -> Value {
    json!({ "repositories": [{
        "owner": "acme", "name": "api", "full_name": "acme/api",
        "labels": [{ "name": "bug" }, { "name": "feature" }, { "name": "question" }, { "name": "P1" }, { "name": "urgent" }],
        "files": [{ "path": "README.md", "branch": "main" }, { "path": "docs/plan.md", "branch": "topic" }],
        "issues": [
            { "number": 1, "state": "closed", "labels": [{ "name": "Bug" }], "assignees": ["alice"],
              "comments": [{ "body": "caused by the deploy" }] },
            { "number": 3, "state": "open", "labels": [], "assignees": [], "comments": [] },
        ],
        "pull_requests": [{ "number": 2, "state": "closed", "merged": 1,
            "reviews": [{ "state": "CHANGES_REQUESTED" }], "comments": [{ "body": "looks fine" }] }],
        "commit_statuses": [{ "context": "ci/build", "state": "success" }],
    }] })
}

fn row(tool: &str, fidelity: &str) -> Value {
    json!({ "event_id": "req_1", "tool": tool, "fidelity": fidelity, "method": "POST", "path": "/x" })
}

fn judged(text: &str, seed: &Value, last: &Value, tape: &Value) -> (Outcome, String) {
    let bytes = |value: &Value| value.to_string().into_bytes();
    let (seed, last, tape) = (bytes(seed), bytes(last), bytes(tape));
    let (verdict, _) = evaluate::<GitHub>(text, &World::new(Some(&seed), Some(&last), Some(&tape)));
    (verdict.outcome, verdict.reason)
}

fn matcher(text: &str) -> Option<String> {
    match bind::<GitHub>(text) {
        Binding::Bound(bound) => Some(bound.matcher),
        _ => None,
    }
}

/// Sentence, matcher, whether it holds on the untouched world, whether it holds afterwards.
const SENTENCES: &[(&str, &str, bool, bool)] = &[
    ("Issue #3 exists in `acme/api`", "github.issue-exists", false, true),
    ("Issue #1 in `acme/api` is in state closed", "github.issue-state", false, true),
    ("Issue #1 in `acme/api` is in state open", "github.issue-state", true, false),
    ("Issue #1 in `acme/api` has the `bug` label applied", "github.issue-has-label", false, true),
    (
        "Issue #1 in `acme/api` has exactly one classification label, and it is `bug`",
        "github.issue-exactly-one-label",
        false,
        true,
    ),
    ("Issue #1 in `acme/api` is assigned to `alice`", "github.issue-assignee", false, true),
    ("A comment containing \"deploy\" exists on issue #1 in `acme/api`", "github.issue-comment-contains", false, true),
    ("No new issues were created in `acme/api`", "github.no-new-issues", true, false),
    ("No new labels were created in `acme/api`", "github.no-new-labels", true, false),
    ("Pull request #2 in `acme/api` is merged", "github.pr-state", false, true),
    ("Pull request #2 in `acme/api` is not merged", "github.pr-state", true, false),
    ("Pull request #2 in `acme/api` is open", "github.pr-state", true, false),
    ("Pull request #2 in `acme/api` is closed", "github.pr-state", false, true),
    ("Pull request #2 in `acme/api` has at least one comment", "github.pr-comment-exists", false, true),
    ("A CHANGES_REQUESTED review exists on pull request #2 in `acme/api`", "github.pr-review-exists", false, true),
    ("File `docs/plan.md` exists in `acme/api`", "github.file-exists", false, true),
    ("Commit status \"ci/build\" in `acme/api` is success", "github.commit-status", false, true),
    ("No unsupported endpoint was called", "github.no-unsupported-endpoint", true, false),
    ("`create_check_run` was never called", "github.tool-never-called", true, false),
    ("`create_check_run` was called", "github.tool-was-called", false, true),
    // Looser ones.
    ("Issue #1 has the `bug` label applied", "gh.label", false, true),
    ("Issue #1 has the \"bug\" label", "gh.label", false, true),
    ("Issue #1 is still assigned to `alice`", "gh.assigned", false, true),
    ("No new labels were created on acme/api", "gh.no-new-labels", true, false),
    ("The `urgent` label was created", "gh.label-created", false, true),
    ("Issue #1 has exactly one classification label, and it is `bug`", "gh.one-class-label", false, true),
    ("No unsupported GitHub endpoint was called.", "gh.unsupported", true, false),
    ("Issue #1 in `acme/api` was not relabelled or reassigned", "gh.unchanged", true, false),
    ("Pull request #2 is still open", "gh.pr-not-merged", true, false),
    ("Pull request #2 was merged", "gh.pr-merged", false, true),
    ("A REQUEST_CHANGES review exists on pull request #2", "gh.pr-refusal", false, true),
    ("Comment containing \"deploy\" appears on issue #1", "gh.comment", false, true),
    ("Issue #3 in acme/api exists", "gh.exists-open", false, true),
    ("Issue #1 still exists and remains open", "gh.exists-open", true, false),
    ("No commit status was added or changed in `acme/api`", "gh.no-status-change", true, false),
    ("create_check_run was not called (not even once).", "gh.tool-none", true, false),
    ("`create_check_run` was called at most once", "gh.tool-max", true, true),
    ("`create_check_run` was called exactly 1 time", "gh.tool-exact", false, true),
];

#[test]
fn every_sentence_holds_where_it_should_and_only_there() {
    let idle = json!([]);
    let busy = json!([row("create_check_run", "unsupported")]);
    for (text, id, untouched, done) in SENTENCES {
        assert_eq!(matcher(text).as_deref(), Some(*id), "{text}");
        let expect = |holds: bool| if holds { Outcome::Passed } else { Outcome::Failed };
        let (outcome, reason) = judged(text, &before(), &before(), &idle);
        assert_eq!(outcome, expect(*untouched), "{text} on the untouched world: {reason}");
        let (outcome, reason) = judged(text, &before(), &after(), &busy);
        assert_eq!(outcome, expect(*done), "{text} on the changed world: {reason}");
    }
}

#[test]
fn a_missing_thing_fails_with_words_of_its_own() {
    let empty = json!({ "repositories": [] });
    for (text, id, ..) in SENTENCES.iter().filter(|row| row.1.starts_with("github.") && row.0.contains("acme/api")) {
        let (outcome, reason) = judged(text, &empty, &empty, &json!([]));
        assert_eq!(outcome, Outcome::Failed, "{id} on an empty world: {reason}");
        let (_, elsewhere) = judged(text, &before(), &before(), &json!([]));
        assert_ne!(reason, elsewhere, "{id}");
    }
}

#[test]
fn a_slot_that_does_not_fit_is_a_near_miss_and_the_rest_is_unmatched() {
    let Binding::Corrupted { matcher, slot, value, .. } = bind::<GitHub>("File `README.md` exists in `acme`") else {
        panic!("expected a near miss")
    };
    assert_eq!((matcher.as_str(), slot.as_str(), value.as_str()), ("github.file-exists", "repo", "acme"));
    let (outcome, reason) = judged("File `README.md` exists in `acme`", &before(), &after(), &json!([]));
    assert_eq!(outcome, Outcome::Skipped);
    assert!(reason.starts_with("corrupted_check_instance:github.file-exists: "), "{reason}");
    let (outcome, reason) = judged("The agent was polite", &before(), &after(), &json!([]));
    assert_eq!(outcome, Outcome::Skipped);
    assert!(reason.starts_with("unmatched: "), "{reason}");
}

#[test]
fn material_that_was_not_recorded_skips() {
    let last = after().to_string().into_bytes();
    let world = World::new(None, Some(&last), None);
    let skipped = |text: &str| {
        let (verdict, _) = evaluate::<GitHub>(text, &world);
        assert_eq!(verdict.outcome, Outcome::Skipped, "{text}");
        verdict.reason.split(':').next().unwrap().to_owned()
    };
    assert_eq!(skipped("No new issues were created in `acme/api`"), "seed_missing");
    assert_eq!(skipped("No unsupported endpoint was called"), "tape_missing");
    let untold = json!([{ "method": "GET", "path": "/x" }]).to_string().into_bytes();
    let world = World::new(None, Some(&last), Some(&untold));
    let (verdict, _) = evaluate::<GitHub>("`x` was called", &world);
    assert!(verdict.reason.starts_with("tool_not_recorded"), "{}", verdict.reason);
}

#[test]
fn older_recordings_name_the_action_in_the_body() {
    let tape = json!([{ "request_body": { "method": "tools/call", "params": { "name": "create_check_run" } } }]);
    let (outcome, reason) = judged("`create_check_run` was called", &before(), &after(), &tape);
    assert_eq!(outcome, Outcome::Passed, "{reason}");
}
