//! Rows of the trace's `before` and `after`.

use pome_twin_kit::clock::Time;
use serde_json::{Value, json};

use crate::state::{Collaborator, Comment, Issue, Label, Milestone, Repo};

fn time(time: Time) -> String {
    time.to_millis().to_string()
}

const fn word(open: bool) -> &'static str {
    if open { "open" } else { "closed" }
}

pub(crate) fn issue(repo: &Repo, issue: &Issue) -> Value {
    json!({
        "repo": repo.full_name(), "number": issue.number, "title": issue.title,
        "body": issue.body.as_deref().unwrap_or_default(), "state": word(issue.open),
        "state_reason": issue.state_reason, "user_login": issue.user, "assignee_login": issue.assignees.first(),
        "labels": issue.labels, "assignees": issue.assignees, "milestone": issue.milestone, "locked": issue.locked,
        "created_at": time(issue.created_at), "updated_at": time(issue.updated_at),
        "closed_at": issue.closed_at.map(time),
    })
}

/// The labels of one issue.
pub(crate) fn issue_labels(repo: &Repo, number: u64, labels: &[String]) -> Value {
    json!({ "repo": repo.full_name(), "issue_number": number, "labels": labels })
}

/// The assignees of one issue.
pub(crate) fn issue_assignees(repo: &Repo, number: u64, assignees: &[String]) -> Value {
    json!({ "repo": repo.full_name(), "issue_number": number, "assignees": assignees })
}

pub(crate) fn comment(repo: &Repo, comment: &Comment) -> Value {
    json!({
        "repo": repo.full_name(), "id": comment.id, "issue_number": comment.number, "body": comment.body,
        "user_login": comment.user, "created_at": time(comment.created_at), "updated_at": time(comment.updated_at),
    })
}

pub(crate) fn label(repo: &Repo, label: &Label) -> Value {
    json!({
        "repo": repo.full_name(), "name": label.name, "color": label.color,
        "description": label.description.as_deref().unwrap_or_default(),
    })
}

pub(crate) fn milestone(repo: &Repo, milestone: &Milestone) -> Value {
    json!({
        "repo": repo.full_name(), "number": milestone.number, "title": milestone.title,
        "description": milestone.description.as_deref().unwrap_or_default(), "state": word(milestone.open),
        "creator_login": milestone.creator, "due_on": milestone.due_on.map(time),
        "created_at": time(milestone.created_at), "updated_at": time(milestone.updated_at),
        "closed_at": milestone.closed_at.map(time),
    })
}

pub(crate) fn collaborator(repo: &Repo, place: &Collaborator) -> Value {
    json!({
        "repo": repo.full_name(), "login": place.login,
        "invitation_state": if place.pending { "pending" } else { "accepted" }, "permission": place.permission.word(),
    })
}
