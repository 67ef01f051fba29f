//! Events of issues and pull requests, and their timelines.

use serde_json::{Value, json};

use super::comments::CommentView;
use super::commits::{CommitView, GitCommitView};
use super::issues::{Extra, IssueView};
use super::repos::RepoView;
use super::reviews::ReviewView;
use super::users::SimpleUser;
use super::{HTML, Site};
use crate::events::{Event, What};
use crate::git::Oid;
use crate::state::{Comment, Numbered, Repo, Review};

/// A value as it is written.
pub(crate) fn value(view: impl serde::Serialize) -> Value {
    serde_json::to_value(view).unwrap_or_default()
}

/// An issue in full, or `null` when it is not there any more.
pub(crate) fn whole_issue(site: Site<'_>, key: Numbered, extra: Extra) -> Value {
    let rows = (site.state.repos.get(&key.0), site.state.issues.get(&key));
    let (Some(repo), Some(issue)) = rows else { return Value::Null };
    value(IssueView { site, repo, issue, extra })
}

/// `issue-reference`
fn reference(site: Site<'_>, key: Numbered) -> Value {
    let rows = (site.state.repos.get(&key.0), site.state.issues.get(&key));
    let (Some(repo), Some(issue)) = rows else { return Value::Null };
    json!({
        "number": issue.number,
        "title": issue.title,
        "state": if issue.open { "open" } else { "closed" },
        "state_reason": issue.state_reason,
        "repository": value(RepoView::short(site, repo)),
        "issue_type": null,
    })
}

/// `issue-event-for-issue`
pub(crate) fn event(site: Site<'_>, repo: &Repo, event: &Event) -> Value {
    let (api, owner, name, id) = (site.api, &repo.owner, &repo.name, event.id);
    let user = |login: &str| value(SimpleUser::of(site, login));
    let commit = event.what.commit();
    let mut row = json!({
        "id": id,
        "node_id": format!("IE_{id}"),
        "url": format!("{api}/repos/{owner}/{name}/issues/events/{id}"),
        "actor": user(&event.actor),
        "event": event.what.name(),
        "commit_id": commit,
        "commit_url": commit.map(|oid| format!("{api}/repos/{owner}/{name}/commits/{oid}")),
        "created_at": event.at.to_seconds(),
        "performed_via_github_app": null,
    });
    match &event.what {
        What::Labeled { name, color } | What::Unlabeled { name, color } => {
            row["label"] = json!({ "name": name, "color": color });
        }
        What::Assigned(login) | What::Unassigned(login) => {
            row["assignee"] = user(login);
            row["assigner"] = user(&event.actor);
        }
        What::Milestoned(title) | What::Demilestoned(title) => row["milestone"] = json!({ "title": title }),
        What::Renamed { from, to } => row["rename"] = json!({ "from": from, "to": to }),
        What::Closed { reason } | What::Reopened { reason } => row["state_reason"] = json!(reason),
        What::Locked { reason } => row["lock_reason"] = json!(reason),
        What::ReviewRequested(login) | What::ReviewRequestRemoved(login) => {
            row["review_requester"] = user(&event.actor);
            row["requested_reviewer"] = user(login);
        }
        What::ReviewDismissed { review, state, message, commit } => {
            let mut dismissed = json!({ "state": state, "review_id": review, "dismissal_message": message });
            if let Some(commit) = commit {
                dismissed["dismissal_commit_id"] = json!(commit);
            }
            row["dismissed_review"] = dismissed;
        }
        What::SubIssueAdded(key) | What::SubIssueRemoved(key) => row["sub_issue"] = reference(site, *key),
        What::ParentAdded(key) | What::ParentRemoved(key) => row["parent_issue"] = reference(site, *key),
        What::BlockedByAdded(key) | What::BlockedByRemoved(key) => row["blocked_by"] = reference(site, *key),
        What::BlockingAdded(key) | What::BlockingRemoved(key) => row["blocking"] = reference(site, *key),
        What::Unlocked
        | What::Merged(_)
        | What::HeadRefDeleted
        | What::HeadRefRestored
        | What::HeadRefForcePushed(_)
        | What::BaseRefChanged
        | What::ReadyForReview
        | What::ConvertToDraft
        | What::Referenced(_)
        | What::CrossReferenced(_)
        | What::Mentioned
        | What::Subscribed
        | What::CommentDeleted => {}
    }
    row
}

/// `issue-event`: the event with its issue.
pub(crate) fn event_with_issue(site: Site<'_>, repo: &Repo, row: &Event) -> Value {
    let mut shown = event(site, repo, row);
    shown["issue"] = whole_issue(site, (row.repo, row.number), Extra::None);
    shown
}

/// One line of a timeline.
pub(crate) enum Line<'a> {
    Event(&'a Event),
    Comment(&'a Comment),
    Review(&'a Review),
    Commit(Oid),
}

impl Line<'_> {
    /// The vendor's word.
    pub(crate) const fn name(&self) -> &'static str {
        match self {
            Self::Event(event) => event.what.name(),
            Self::Comment(_) => "commented",
            Self::Review(_) => "reviewed",
            Self::Commit(_) => "committed",
        }
    }

    /// `timeline-issue-events`
    pub(crate) fn show(&self, site: Site<'_>, repo: &Repo, number: u64) -> Value {
        let mut row = match self {
            Self::Event(row) => match row.what {
                What::CrossReferenced(source) => {
                    return json!({
                        "actor": SimpleUser::of(site, &row.actor),
                        "created_at": row.at.to_seconds(),
                        "updated_at": row.at.to_seconds(),
                        "source": { "type": "issue", "issue": whole_issue(site, source, Extra::Repository) },
                        "event": row.what.name(),
                    });
                }
                _ => {
                    let mut row = event(site, repo, row);
                    // Only the list of events says who assigned.
                    if let Some(members) = row.as_object_mut() {
                        members.shift_remove("assigner");
                    }
                    return row;
                }
            },
            Self::Comment(comment) => {
                let mut row = value(CommentView { site, repo, comment });
                row["actor"] = row.get("user").cloned().unwrap_or_default();
                row
            }
            Self::Review(review) => {
                let mut row = value(ReviewView { site, repo, number, review });
                row["state"] = review.state.name().to_lowercase().into();
                row
            }
            Self::Commit(oid) => value(GitCommitView(CommitView { site, repo, oid: *oid })),
        };
        row["event"] = self.name().into();
        if let Self::Commit(oid) = self {
            row["html_url"] = format!("{HTML}/{}/{}/commit/{oid}", repo.owner, repo.name).into();
        }
        row
    }
}
