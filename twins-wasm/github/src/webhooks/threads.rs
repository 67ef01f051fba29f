//! Issues, pull requests and what is said on them.

use std::collections::BTreeSet;

use serde_json::{Value, json};

use super::{Found, repository};
use crate::events::What;
use crate::state::{Issue, Numbered, Pull, RepoId, ReviewComment, ReviewState, State};
use crate::views::comments::CommentView;
use crate::views::events::{value, whole_issue};
use crate::views::issues::{Extra, issue_id};
use crate::views::labels::LabelView;
use crate::views::milestones::MilestoneView;
use crate::views::orgs::merge;
use crate::views::pulls::PullView;
use crate::views::review_comments::ReviewCommentView;
use crate::views::reviews::ReviewView;

/// The pull requests of these repositories that something happened to.
pub(super) fn pulls(state: &State, repos: &BTreeSet<RepoId>) -> BTreeSet<Numbered> {
    let changed = state.pulls.pending().map(|(key, ..)| *key).chain(state.issues.pending().map(|(key, ..)| *key));
    let told = state.events.pending().filter_map(|(_, _, event)| event.map(|event| (event.repo, event.number)));
    changed.chain(told).filter(|key| repos.contains(&key.0) && state.is_pull(*key)).collect()
}

pub(super) fn find(found: &mut Found<'_>) {
    let state = found.site.state;
    for (key, before, after) in state.issues.pending() {
        if let (Some(_), Some(after)) = (found.heard(key.0), after) {
            written(found, *key, before, after);
        }
    }
    for (key, before, after) in state.pulls.pending() {
        let open = state.issues.get(key).is_some_and(|issue| issue.open);
        if let (Some(before), Some(after), true) = (before, after, open)
            && before.head_sha != after.head_sha
        {
            let moved = json!({ "before": before.head_sha, "after": after.head_sha });
            say(found, *key, "synchronize", moved);
        }
    }
    told(found);
    comments(found);
    reviews(found);
    review_comments(found);
}

/// An issue or pull request, as the payloads about it begin.
fn subject(found: &Found<'_>, key: Numbered) -> Value {
    if !found.site.state.is_pull(key) {
        return json!({ "issue": whole_issue(found.site, key, Extra::None) });
    }
    json!({ "number": key.1, "pull_request": value(PullView::of(found.site, key, found.details.get(&key))) })
}

fn say(found: &mut Found<'_>, key: Numbered, action: &'static str, more: Value) {
    let event = if found.site.state.is_pull(key) { "pull_request" } else { "issues" };
    let mut payload = subject(found, key);
    merge(&mut payload, more);
    found.say(key.0, event, Some(action), payload);
}

/// Opened, or with another title, text or base.
fn written(found: &mut Found<'_>, key: Numbered, before: Option<&Issue>, after: &Issue) {
    let Some(before) = before else { return say(found, key, "opened", json!({})) };
    let mut changes = json!({});
    if before.title != after.title {
        changes["title"] = json!({ "from": before.title });
    }
    if before.body != after.body {
        changes["body"] = json!({ "from": before.body.as_deref().unwrap_or_default() });
    }
    let pull = found.site.state.pulls.pending().find(|(of, ..)| **of == key);
    if let Some((_, Some(old), Some(new))) = pull
        && old.base_ref != new.base_ref
    {
        changes["base"] = base_change(old);
    }
    if changes.as_object().is_some_and(|changes| !changes.is_empty()) {
        say(found, key, "edited", json!({ "changes": changes }));
    }
}

fn base_change(old: &Pull) -> Value {
    json!({ "ref": { "from": old.base_ref }, "sha": { "from": old.base_sha } })
}

/// What the events of issues and pull requests have said already.
fn told(found: &mut Found<'_>) {
    let state = found.site.state;
    for (_, before, event) in state.events.pending() {
        let (None, Some(event)) = (before, event) else { continue };
        let Some(repo) = found.heard(event.repo) else { continue };
        let key = (event.repo, event.number);
        let label = |name: &str| {
            let known = state.label(repo.id, name);
            known.map(|label| json!({ "label": value(LabelView { site: found.site, repo, label, score: false }) }))
        };
        let milestone = |title: &str| {
            let all = state.milestones.range((repo.id, 0)..=(repo.id, u64::MAX));
            let known = all.map(|(_, milestone)| milestone).find(|milestone| milestone.title == title);
            known.map(|milestone| json!({ "milestone": value(MilestoneView { site: found.site, repo, milestone }) }))
        };
        let nothing = || Some(json!({}));
        let (action, more) = match &event.what {
            What::Labeled { name, .. } => ("labeled", label(name)),
            What::Unlabeled { name, .. } => ("unlabeled", label(name)),
            What::Assigned(login) => ("assigned", Some(json!({ "assignee": found.user(login) }))),
            What::Unassigned(login) => ("unassigned", Some(json!({ "assignee": found.user(login) }))),
            What::Milestoned(title) => ("milestoned", milestone(title)),
            What::Demilestoned(title) => ("demilestoned", milestone(title)),
            What::Closed { .. } => ("closed", nothing()),
            What::Reopened { .. } => ("reopened", nothing()),
            What::Locked { .. } => ("locked", nothing()),
            What::Unlocked => ("unlocked", nothing()),
            What::ReviewRequested(login) => {
                ("review_requested", Some(json!({ "requested_reviewer": found.user(login) })))
            }
            What::ReviewRequestRemoved(login) => {
                ("review_request_removed", Some(json!({ "requested_reviewer": found.user(login) })))
            }
            What::ReadyForReview => ("ready_for_review", nothing()),
            What::ConvertToDraft => ("converted_to_draft", nothing()),
            What::SubIssueAdded(_)
            | What::SubIssueRemoved(_)
            | What::ParentAdded(_)
            | What::ParentRemoved(_)
            | What::BlockedByAdded(_)
            | What::BlockedByRemoved(_)
            | What::BlockingAdded(_)
            | What::BlockingRemoved(_) => {
                relation(found, key, &event.what);
                continue;
            }
            _ => continue,
        };
        if let Some(more) = more {
            say(found, key, action, more);
        }
    }
}

/// Issues that were tied together or apart, told on both sides.
fn relation(found: &mut Found<'_>, key: Numbered, what: &What) {
    let (site, state) = (found.site, found.site.state);
    let id = |key: Numbered| state.repos.get(&key.0).map(|repo| issue_id(repo, key.1));
    let issue = |key: Numbered| whole_issue(site, key, Extra::None);
    let of = |key: Numbered| state.repos.get(&key.0).map(|repo| repository(site, repo));
    let family = |child: Numbered, parent: Numbered, beyond: &str, other: Numbered| {
        let mut row = json!({
            "sub_issue_id": id(child), "sub_issue": issue(child), "parent_issue_id": id(parent), "parent_issue": issue(parent),
        });
        row[beyond] = json!(of(other));
        row
    };
    let wait = |blocked: Numbered, blocking: Numbered, beyond: &str, other: Numbered| {
        let mut row = json!({
            "blocked_issue_id": id(blocked), "blocked_issue": issue(blocked),
            "blocking_issue_id": id(blocking), "blocking_issue": issue(blocking),
        });
        row[beyond] = json!(of(other));
        row
    };
    let (event, action, payload) = match *what {
        What::SubIssueAdded(other) => ("sub_issues", "sub_issue_added", family(other, key, "sub_issue_repo", other)),
        What::SubIssueRemoved(other) => {
            ("sub_issues", "sub_issue_removed", family(other, key, "sub_issue_repo", other))
        }
        What::ParentAdded(other) => {
            ("sub_issues", "parent_issue_added", family(key, other, "parent_issue_repo", other))
        }
        What::ParentRemoved(other) => {
            ("sub_issues", "parent_issue_removed", family(key, other, "parent_issue_repo", other))
        }
        What::BlockedByAdded(other) => {
            ("issue_dependencies", "blocked_by_added", wait(key, other, "blocking_issue_repo", other))
        }
        What::BlockedByRemoved(other) => {
            ("issue_dependencies", "blocked_by_removed", wait(key, other, "blocking_issue_repo", other))
        }
        What::BlockingAdded(other) => {
            ("issue_dependencies", "blocking_added", wait(other, key, "blocked_issue_repo", other))
        }
        What::BlockingRemoved(other) => {
            ("issue_dependencies", "blocking_removed", wait(other, key, "blocked_issue_repo", other))
        }
        _ => return,
    };
    found.say(key.0, event, Some(action), payload);
}

fn comments(found: &mut Found<'_>) {
    let site = found.site;
    for (_, before, after) in site.state.comments.pending() {
        let Some(comment) = after.or(before) else { continue };
        let Some(repo) = found.heard(comment.repo) else { continue };
        let issue = whole_issue(site, (comment.repo, comment.number), Extra::None);
        let mut payload = json!({ "issue": issue, "comment": value(CommentView { site, repo, comment }) });
        let action = match (before, after) {
            (None, _) => "created",
            (Some(_), None) => "deleted",
            (Some(old), Some(new)) if old.body != new.body => {
                payload["changes"] = json!({ "body": { "from": old.body } });
                "edited"
            }
            _ => continue,
        };
        found.say(repo.id, "issue_comment", Some(action), payload);
    }
}

fn reviews(found: &mut Found<'_>) {
    let site = found.site;
    for ((repo, number, _), before, after) in site.state.reviews.pending() {
        let (Some(repo), Some(review)) = (found.heard(*repo), after) else { continue };
        if review.submitted_at.is_none() {
            continue;
        }
        let mut row = value(ReviewView { site, repo, number: *number, review });
        // Payloads write the state small.
        row["state"] = review.state.name().to_lowercase().into();
        let mut payload = json!({ "review": row, "pull_request": value(PullView::of(site, (repo.id, *number), None)) });
        let action = match before.filter(|old| old.submitted_at.is_some()) {
            None => "submitted",
            Some(old) if old.state != review.state && review.state == ReviewState::Dismissed => "dismissed",
            Some(old) if old.body != review.body => {
                payload["changes"] = json!({ "body": { "from": old.body } });
                "edited"
            }
            Some(_) => continue,
        };
        found.say(repo.id, "pull_request_review", Some(action), payload);
    }
}

fn review_comments(found: &mut Found<'_>) {
    let state = found.site.state;
    let published = |comment: &ReviewComment| state.is_published(comment);
    for (_, before, after) in state.review_comments.pending() {
        match (before, after) {
            (None, Some(new)) if published(new) => remark(found, new, "created", None),
            (Some(old), None) if published(old) => remark(found, old, "deleted", None),
            (Some(old), Some(new)) if published(new) && old.body != new.body => {
                remark(found, new, "edited", Some(&old.body));
            }
            _ => {}
        }
    }
    // What was written while a review was pending is told when the review is given.
    for ((repo, number, id), before, after) in state.reviews.pending() {
        let was_pending = before.is_some_and(|review| review.submitted_at.is_none());
        if was_pending && after.is_some_and(|review| review.submitted_at.is_some()) {
            let new = |comment: &ReviewComment| {
                state.review_comments.pending().any(|(of, before, _)| *of == comment.id && before.is_none())
            };
            let of_review = state.review_comments_on((*repo, *number)).filter(|comment| comment.review == Some(*id));
            for comment in of_review.filter(|comment| !new(comment)) {
                remark(found, comment, "created", None);
            }
        }
    }
}

fn remark(found: &mut Found<'_>, comment: &ReviewComment, action: &'static str, from: Option<&str>) {
    let site = found.site;
    let Some(repo) = found.heard(comment.repo) else { return };
    let mut payload = json!({
        "comment": value(ReviewCommentView { site, repo, comment }),
        "pull_request": value(PullView::of(site, (comment.repo, comment.number), None)),
    });
    if let Some(from) = from {
        payload["changes"] = json!({ "body": { "from": from } });
    }
    found.say(repo.id, "pull_request_review_comment", Some(action), payload);
}
