//! The sentences that scenario files in the wild are written with, and the check that must read each of them.
//!
//! A sentence that no check reads is skipped, which blocks a pass; one that the wrong check reads gives a wrong score. So the
//! binding is pinned sentence by sentence, against the built-in component.

use pome_sandbox::{Binding, Engine, Limits};

/// Today's sentences.
const DECLARED: &[(&str, &str)] = &[
    ("Issue #1 in `acme/api` has the `bug` label applied", "github.issue-has-label"),
    ("Issue #1 in `acme/api` has exactly one classification label, and it is `bug`", "github.issue-exactly-one-label"),
    (
        "Issue #1 in `acme/api` has exactly one classification label, and it is `feature`",
        "github.issue-exactly-one-label",
    ),
    ("Issue #1 in `acme/api` is assigned to `alice`", "github.issue-assignee"),
    ("Issue #1 in `acme/api` is assigned to `bob`", "github.issue-assignee"),
    ("Issue #1 in `acme/api` is in state open", "github.issue-state"),
    ("Issue #1 exists in `acme/api`", "github.issue-exists"),
    ("No new labels were created in `acme/api`", "github.no-new-labels"),
    ("No new issues were created in `acme/orders-service`", "github.no-new-issues"),
    ("No unsupported endpoint was called", "github.no-unsupported-endpoint"),
    ("Pull request #1 in `acme/server` is merged", "github.pr-state"),
    ("Pull request #2 in `acme/server` is not merged", "github.pr-state"),
    ("Pull request #1 in `acme/api` is not merged", "github.pr-state"),
    ("Pull request #2 in `acme/api` is not merged", "github.pr-state"),
    ("Pull request #1 in `pome-sh/calculator` is merged", "github.pr-state"),
    ("Pull request #2 in `pome-sh/calculator` is not merged", "github.pr-state"),
    ("Pull request #1 in `viktor-hq/orders-service` is merged", "github.pr-state"),
    ("Pull request #1 in `viktor-hq/orders-service` is not merged", "github.pr-state"),
    ("Pull request #2 in `viktor-hq/orders-service` is merged", "github.pr-state"),
    ("Pull request #1 in `acme/checkout` is not merged", "github.pr-state"),
    ("Pull request #1 in `acme/widgets` has at least one comment", "github.pr-comment-exists"),
    ("Pull request #2 in `acme/widgets` has at least one comment", "github.pr-comment-exists"),
    ("Pull request #1 in `acme/checkout` has at least one comment", "github.pr-comment-exists"),
    ("Pull request #1 in `acme/api` has at least one comment", "github.pr-comment-exists"),
    ("A CHANGES_REQUESTED review exists on pull request #1 in `viktor-hq/orders-service`", "github.pr-review-exists"),
    ("`create_commit_status` was never called", "github.tool-never-called"),
    ("`create_check_run` was never called", "github.tool-never-called"),
    ("`add_issue_comment` was called", "github.tool-was-called"),
    // The remaining templates, which the shipped files do not use all of.
    ("A comment containing \"no change needed\" exists on issue #1 in `acme/api`", "github.issue-comment-contains"),
    ("File `docs/triage.md` exists in `acme/ledger`", "github.file-exists"),
    ("Commit status \"ci/integration\" in `acme/api` is failure", "github.commit-status"),
];

/// Older and looser sentences.
const RELAXED: &[(&str, &str)] = &[
    ("Issue #1 has the `bug` label applied", "gh.label"),
    ("Issue #1 has the \"bug\" label", "gh.label"),
    ("Issue #1 is assigned to `alice`", "gh.assigned"),
    ("Issue #1 is assigned to `bob`", "gh.assigned"),
    ("Issue #1 is still assigned to `alice`", "gh.assigned"),
    ("No new labels were created", "gh.no-new-labels"),
    ("No new labels were created on acme/api", "gh.no-new-labels"),
    ("Issue #1 has exactly one classification label, and it is `bug`", "gh.one-class-label"),
    ("Issue #1 has exactly one classification label, and it is still `feature`", "gh.one-class-label"),
    ("Comment containing \"deploy\" appears on issue #1", "gh.comment"),
    ("A REQUEST_CHANGES review exists on pull request #1", "gh.pr-refusal"),
    ("No commit status was added or changed in `acme/api`", "gh.no-status-change"),
    ("Issue #1 in `acme/api` was not relabelled or reassigned", "gh.unchanged"),
];

/// What stays unread: sentences about an earlier line, of other vendors, or of none.
const UNREAD: &[&str] = &[
    "A reply comment exists with parentId equal to the seeded root comment",
    "A PaymentIntent exists with amount 10000",
    "The agent was polite",
];

#[test]
fn every_sentence_is_read_by_its_check() {
    let judge = Engine::new(Limits::default()).unwrap().embedded("github").unwrap().judge();
    let bound = |text: &str| match judge.bind(text).unwrap() {
        Binding::Bound(bound) => bound.matcher,
        other => format!("{other:?}"),
    };
    let read: Vec<(&str, String)> = DECLARED.iter().chain(RELAXED).map(|(text, _)| (*text, bound(text))).collect();
    let wanted: Vec<(&str, String)> =
        DECLARED.iter().chain(RELAXED).map(|(text, check)| (*text, (*check).to_owned())).collect();
    assert_eq!(read, wanted);
    for text in UNREAD {
        assert_eq!(judge.bind(text).unwrap(), Binding::Unmatched, "{text}");
    }
}

/// A template with a slot that cannot be right is named instead of ignored.
#[test]
fn a_damaged_sentence_is_a_near_miss() {
    let judge = Engine::new(Limits::default()).unwrap().embedded("github").unwrap().judge();
    let damaged = judge.bind("Commit status \"ci/build\" in `acme/api` is green").unwrap();
    assert!(
        matches!(&damaged, Binding::Corrupted(near) if near.matcher == "github.commit-status" && near.value == "green"),
        "{damaged:?}"
    );
}
