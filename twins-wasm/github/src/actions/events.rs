//! Events of issues and pull requests, and their timelines.

use pome_twin_kit::clock::Time;
use pome_twin_kit::{Action, Cx, Reply, View};
use serde::Deserialize;
use serde_json::{Value, json};

use super::{Page, paging};
use crate::GitHub;
use crate::access::Access;
use crate::error::Error;
use crate::events::{Event, What};
use crate::state::{Numbered, RepoId, State};
use crate::views::Site;
use crate::views::commits::time;
use crate::views::events::{Line, event, event_with_issue};

/// The stored row.
pub(crate) fn export(event: &Event) -> Value {
    let detail = match &event.what {
        What::Labeled { name, .. } | What::Unlabeled { name, .. } => json!(name),
        What::Assigned(text)
        | What::Unassigned(text)
        | What::Milestoned(text)
        | What::Demilestoned(text)
        | What::ReviewRequested(text)
        | What::ReviewRequestRemoved(text) => json!(text),
        What::Renamed { from, to } => json!({ "from": from, "to": to }),
        What::Closed { reason } | What::Reopened { reason } | What::Locked { reason } => json!(reason),
        What::ReviewDismissed { review, .. } => json!(review),
        What::CrossReferenced((repo, number))
        | What::SubIssueAdded((repo, number))
        | What::SubIssueRemoved((repo, number))
        | What::ParentAdded((repo, number))
        | What::ParentRemoved((repo, number))
        | What::BlockedByAdded((repo, number))
        | What::BlockedByRemoved((repo, number))
        | What::BlockingAdded((repo, number))
        | What::BlockingRemoved((repo, number)) => json!({ "repo_id": repo, "number": number }),
        _ => Value::Null,
    };
    json!({
        "id": event.id, "repo_id": event.repo, "issue_number": event.number, "event": event.what.name(),
        "actor_login": event.actor, "commit_id": event.what.commit(), "detail": detail,
        "created_at": event.at.to_seconds(),
    })
}

/// The issue, whose events may be read while issues are switched on.
fn readable(cx: &Cx<'_, GitHub>, owner: &str, name: &str, number: u64) -> Result<Numbered, Error> {
    let repo = cx.repo(owner, name)?;
    let key = (repo.id, cx.issue(repo, number)?.number);
    if !repo.has_issues && !cx.state.is_pull(key) {
        return Err(Error::new(410, "Issues has been disabled in this repository."));
    }
    Ok(key)
}

/// Events of one issue, oldest first. What only a timeline shows is not among them.
#[derive(Deserialize)]
pub(crate) struct OfIssue {
    owner: String,
    repo: String,
    issue_number: u64,
    page: Option<i64>,
    per_page: Option<i64>,
}

/// A page of events.
pub(crate) struct Listed {
    page: Page<(RepoId, u64)>,
    /// Each with its issue.
    issues: bool,
}

impl View<GitHub> for Listed {
    fn rest(&self, cx: &Cx<'_, GitHub>, reply: &mut Reply) {
        self.page.write(cx, reply, |site, key| {
            let (repo, row) = (site.state.repos.get(&key.0)?, site.state.events.get(key)?);
            Some(if self.issues { event_with_issue(site, repo, row) } else { event(site, repo, row) })
        });
    }
}

const fn is_listed(event: &Event) -> bool {
    !matches!(event.what, What::CrossReferenced(_))
}

impl Action<GitHub> for OfIssue {
    const NAME: &'static str = "list_issue_events";
    type Output = Listed;

    fn run(self, cx: &mut Cx<'_, GitHub>) -> Result<Listed, Error> {
        let key = readable(cx, &self.owner, &self.repo, self.issue_number)?;
        let ids = cx.state.events_on(key).filter(|event| is_listed(event)).map(|event| (key.0, event.id));
        Ok(Listed { page: Page::of(ids, paging(self.page, self.per_page)), issues: false })
    }
}

/// Events of a repository, newest first.
#[derive(Deserialize)]
pub(crate) struct OfRepo {
    owner: String,
    repo: String,
    page: Option<i64>,
    per_page: Option<i64>,
}

impl Action<GitHub> for OfRepo {
    const NAME: &'static str = "list_repository_issue_events";
    type Output = Listed;

    fn run(self, cx: &mut Cx<'_, GitHub>) -> Result<Listed, Error> {
        let repo = cx.repo(&self.owner, &self.repo)?.id;
        let all = cx.state.events.range((repo, 0)..=(repo, u64::MAX)).rev();
        let keys = all.filter(|(_, event)| is_listed(event)).map(|(key, _)| *key);
        Ok(Listed { page: Page::of(keys, paging(self.page, self.per_page)), issues: true })
    }
}

#[derive(Deserialize)]
pub(crate) struct Get {
    owner: String,
    repo: String,
    event_id: u64,
}

pub(crate) struct Shown((RepoId, u64));

impl View<GitHub> for Shown {
    fn rest(&self, cx: &Cx<'_, GitHub>, reply: &mut Reply) {
        let site = Site::of(cx);
        let rows = (site.state.repos.get(&self.0.0), site.state.events.get(&self.0));
        if let (Some(repo), Some(row)) = rows {
            reply.write_json(&event_with_issue(site, repo, row));
        }
    }
}

impl Action<GitHub> for Get {
    const NAME: &'static str = "get_issue_event";
    type Output = Shown;

    fn run(self, cx: &mut Cx<'_, GitHub>) -> Result<Shown, Error> {
        let key = (cx.repo(&self.owner, &self.repo)?.id, self.event_id);
        cx.state.events.get(&key).filter(|event| is_listed(event)).map(|_| Shown(key)).ok_or_else(Error::not_found)
    }
}

/// Everything that happened to one issue, oldest first: events, comments, and of a pull request commits and reviews.
#[derive(Deserialize)]
pub(crate) struct Timeline {
    owner: String,
    repo: String,
    issue_number: u64,
    /// Names of events that are left out, separated by commas.
    exclude: Option<String>,
    page: Option<i64>,
    per_page: Option<i64>,
}

pub(crate) struct TimelineShown(Page<Value>);

impl View<GitHub> for TimelineShown {
    fn rest(&self, cx: &Cx<'_, GitHub>, reply: &mut Reply) {
        reply.write_json(&self.0.keys);
        self.0.link(cx, reply);
    }
}

/// The lines of a timeline with their times, in order.
fn lines(state: &State, key: Numbered) -> Result<Vec<(Time, Line<'_>)>, Error> {
    let mut lines: Vec<(Time, Line<'_>)> = Vec::new();
    if let (Some(pull), Some(base)) = (state.pulls.get(&key), state.pull_base(key)) {
        let objects = &state.git.objects;
        for oid in objects.compare(base, pull.head_sha)?.commits {
            lines.push((time(&objects.commit(oid)?.committer), Line::Commit(oid)));
        }
    }
    lines.extend(state.comments_on(key).map(|comment| (comment.created_at, Line::Comment(comment))));
    let reviews = state.reviews_on(key).filter_map(|review| Some((review.submitted_at?, Line::Review(review))));
    lines.extend(reviews);
    lines.extend(state.events_on(key).map(|event| (event.at, Line::Event(event))));
    // Stable: of one moment, commits come before what is said about them, and events last.
    lines.sort_by_key(|(at, _)| at.seconds());
    Ok(lines)
}

impl Action<GitHub> for Timeline {
    const NAME: &'static str = "list_timeline_events";
    type Output = TimelineShown;

    fn run(self, cx: &mut Cx<'_, GitHub>) -> Result<TimelineShown, Error> {
        let key = readable(cx, &self.owner, &self.repo, self.issue_number)?;
        let left_out: Vec<&str> = self.exclude.iter().flat_map(|text| text.split(',')).map(str::trim).collect();
        let site = Site::of(cx);
        let repo = cx.state.repos.get(&key.0).ok_or_else(Error::not_found)?;
        let lines = lines(cx.state, key)?;
        // What happened in a repository that the caller may not see is not shown.
        let visible = |line: &Line<'_>| match line {
            Line::Event(Event { what: What::CrossReferenced((repo, _)), .. }) => {
                cx.state.repos.get(repo).is_some_and(|repo| cx.permission(repo).is_some())
            }
            _ => true,
        };
        let shown = lines.iter().map(|(_, line)| line).filter(|line| !left_out.contains(&line.name()) && visible(line));
        let shown = Page::of(shown, paging(self.page, self.per_page));
        let keys = shown.keys.iter().map(|line| line.show(site, repo, key.1)).collect();
        Ok(TimelineShown(Page { keys, total: shown.total, paging: shown.paging }))
    }
}
