//! Issues, and pull requests seen as issues.

use pome_twin_kit::clock::Time;
use pome_twin_kit::ids::hash_id;
use serde::ser::{Serialize, SerializeMap, Serializer};
use serde_json::json;

use super::labels::applied;
use super::milestones::MilestoneView;
use super::reactions::Rollup;
use super::repos::RepoView;
use super::users::{SimpleUser, ToolUser, association, simple_users};
use super::{HTML, Site};
use crate::state::{Issue, Numbered, Pull, Repo, Subject};

/// The id of an issue, or of the issue side of a pull request.
pub(crate) fn issue_id(repo: &Repo, number: u64) -> u32 {
    hash_id(&format!("{}/{}#{number}", repo.owner, repo.name))
}

/// What an issue shows beside its own members.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Extra {
    None,
    /// Who closed it: when it is shown alone.
    ClosedBy,
    /// Its repository: in lists over several.
    Repository,
    /// `score`: in search results.
    Score,
}

/// `issue`, with `pull_request` and `draft` when it is one.
pub(crate) struct IssueView<'a> {
    pub(crate) site: Site<'a>,
    pub(crate) repo: &'a Repo,
    pub(crate) issue: &'a Issue,
    pub(crate) extra: Extra,
}

impl Serialize for IssueView<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let (site, repo, issue) = (self.site, self.repo, self.issue);
        let (api, owner, name, number) = (site.api, &repo.owner, &repo.name, issue.number);
        let pull = site.state.pulls.get(&(repo.id, number));
        let kind = if pull.is_some() { "pull" } else { "issues" };
        let id = issue_id(repo, number);
        let mut map = serializer.serialize_map(None)?;
        map.serialize_entry("url", &format_args!("{api}/repos/{owner}/{name}/issues/{number}"))?;
        map.serialize_entry("repository_url", &format_args!("{api}/repos/{owner}/{name}"))?;
        for (key, rest) in [
            ("labels_url", "/labels{/name}"),
            ("comments_url", "/comments"),
            ("events_url", "/events"),
            ("timeline_url", "/timeline"),
        ] {
            map.serialize_entry(key, &format_args!("{api}/repos/{owner}/{name}/issues/{number}{rest}"))?;
        }
        map.serialize_entry("html_url", &format_args!("{HTML}/{owner}/{name}/{kind}/{number}"))?;
        map.serialize_entry("id", &id)?;
        map.serialize_entry("node_id", &format_args!("I_{id}"))?;
        map.serialize_entry("number", &number)?;
        map.serialize_entry("title", &issue.title)?;
        map.serialize_entry("user", &SimpleUser::of(site, &issue.user))?;
        map.serialize_entry("labels", &applied(site, repo, &issue.labels))?;
        map.serialize_entry("state", if issue.open { "open" } else { "closed" })?;
        map.serialize_entry("state_reason", &issue.state_reason)?;
        map.serialize_entry("locked", &issue.locked)?;
        map.serialize_entry("active_lock_reason", &issue.lock_reason)?;
        map.serialize_entry("assignee", &issue.assignees.first().map(|login| SimpleUser::of(site, login)))?;
        map.serialize_entry("assignees", &simple_users(site, &issue.assignees))?;
        map.serialize_entry("milestone", &MilestoneView::find(site, repo, issue.milestone))?;
        map.serialize_entry("comments", &issue.comments)?;
        map.serialize_entry("created_at", &issue.created_at.to_seconds())?;
        map.serialize_entry("updated_at", &issue.updated_at.to_seconds())?;
        map.serialize_entry("closed_at", &issue.closed_at.map(Time::to_seconds))?;
        map.serialize_entry("author_association", association(site.state, repo, &issue.user))?;
        map.serialize_entry("type", &None::<&str>)?;
        if pull.is_none() {
            write_relations(&mut map, site, repo, number)?;
        }
        if let Some(pull) = pull {
            map.serialize_entry("draft", &pull.draft)?;
            map.serialize_entry("pull_request", &PullLinks { site, repo, pull })?;
        }
        map.serialize_entry("body", &issue.body)?;
        let of = format_args!("{api}/repos/{owner}/{name}/issues/{number}");
        let subject = Subject::Issue(repo.id, number);
        map.serialize_entry("reactions", &Rollup { site, subject, of: Some(of) })?;
        map.serialize_entry("performed_via_github_app", &None::<&str>)?;
        match self.extra {
            Extra::None => {}
            Extra::ClosedBy => {
                let closed_by = issue.closed_by.as_deref().map(|login| SimpleUser::of(site, login));
                map.serialize_entry("closed_by", &closed_by)?;
            }
            Extra::Repository => map.serialize_entry("repository", &RepoView::short(site, repo))?,
            Extra::Score => map.serialize_entry("score", &1.0)?,
        }
        map.end()
    }
}

/// What hangs on an issue and what it hangs on.
fn write_relations<M: SerializeMap>(map: &mut M, site: Site<'_>, repo: &Repo, number: u64) -> Result<(), M::Error> {
    let (state, key) = (site.state, (repo.id, number));
    let (total, completed) = state.sub_issue_counts(key);
    let percent = (completed * 100).checked_div(total).unwrap_or_default();
    let summary = json!({ "total": total, "completed": completed, "percent_completed": percent });
    map.serialize_entry("sub_issues_summary", &summary)?;
    let is_open = |key: &Numbered| state.issues.get(key).is_some_and(|issue| issue.open);
    let (blockers, blocks) = (state.blockers(key), state.blocks(key).collect::<Vec<_>>());
    let summary = json!({
        "blocked_by": blockers.iter().filter(|key| is_open(key)).count(),
        "blocking": blocks.iter().filter(|key| is_open(key)).count(),
        "total_blocked_by": blockers.len(),
        "total_blocking": blocks.len(),
    });
    map.serialize_entry("issue_dependencies_summary", &summary)?;
    if let Some((above, number)) = state.parent_of(key)
        && let Some(above) = state.repos.get(&above)
    {
        let (api, owner, name) = (site.api, &above.owner, &above.name);
        map.serialize_entry("parent_issue_url", &format_args!("{api}/repos/{owner}/{name}/issues/{number}"))?;
    }
    Ok(())
}

/// Where the pull request of an issue is.
struct PullLinks<'a> {
    site: Site<'a>,
    repo: &'a Repo,
    pull: &'a Pull,
}

impl Serialize for PullLinks<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let (api, owner, name, number) = (self.site.api, &self.repo.owner, &self.repo.name, self.pull.number);
        let mut map = serializer.serialize_map(Some(5))?;
        map.serialize_entry("url", &format_args!("{api}/repos/{owner}/{name}/pulls/{number}"))?;
        map.serialize_entry("html_url", &format_args!("{HTML}/{owner}/{name}/pull/{number}"))?;
        map.serialize_entry("diff_url", &format_args!("{HTML}/{owner}/{name}/pull/{number}.diff"))?;
        map.serialize_entry("patch_url", &format_args!("{HTML}/{owner}/{name}/pull/{number}.patch"))?;
        map.serialize_entry("merged_at", &self.pull.merged_at.map(Time::to_seconds))?;
        map.end()
    }
}

/// An issue as the official server's tools show it: what is empty is left out.
pub(crate) struct ToolIssue<'a> {
    pub(crate) site: Site<'a>,
    pub(crate) repo: &'a Repo,
    pub(crate) issue: &'a Issue,
    /// Only these members, when given.
    pub(crate) fields: Option<&'a [String]>,
}

impl ToolIssue<'_> {
    fn put<M: SerializeMap, V: Serialize + ?Sized>(&self, map: &mut M, key: &str, value: &V) -> Result<(), M::Error> {
        match self.fields {
            Some(fields) if !fields.iter().any(|field| field == key) => Ok(()),
            _ => map.serialize_entry(key, value),
        }
    }
}

impl Serialize for ToolIssue<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let (site, repo, issue) = (self.site, self.repo, self.issue);
        let (owner, name, number) = (&repo.owner, &repo.name, issue.number);
        let pull = site.state.pulls.get(&(repo.id, number));
        let mut map = serializer.serialize_map(None)?;
        self.put(&mut map, "number", &number)?;
        self.put(&mut map, "title", &issue.title)?;
        if let Some(body) = &issue.body {
            self.put(&mut map, "body", body)?;
        }
        self.put(&mut map, "state", if issue.open { "open" } else { "closed" })?;
        if let Some(reason) = &issue.state_reason {
            self.put(&mut map, "state_reason", reason)?;
        }
        if pull.is_some_and(|pull| pull.draft) {
            self.put(&mut map, "draft", &true)?;
        }
        if issue.locked {
            self.put(&mut map, "locked", &true)?;
        }
        let kind = if pull.is_some() { "pull" } else { "issues" };
        self.put(&mut map, "html_url", &format_args!("{HTML}/{owner}/{name}/{kind}/{number}"))?;
        self.put(&mut map, "user", &ToolUser::of(site, &issue.user))?;
        self.put(&mut map, "author_association", association(site.state, repo, &issue.user))?;
        if !issue.labels.is_empty() {
            self.put(&mut map, "labels", &issue.labels)?;
        }
        self.put(&mut map, "assignees", &issue.assignees)?;
        if let Some(milestone) = issue.milestone.and_then(|number| site.state.milestones.get(&(repo.id, number))) {
            self.put(&mut map, "milestone", &milestone.title)?;
        }
        if issue.comments > 0 {
            self.put(&mut map, "comments", &issue.comments)?;
        }
        let reactions = Rollup { site, subject: Subject::Issue(repo.id, number), of: None };
        if !reactions.is_empty() {
            self.put(&mut map, "reactions", &reactions)?;
        }
        self.put(&mut map, "created_at", &issue.created_at.to_seconds())?;
        self.put(&mut map, "updated_at", &issue.updated_at.to_seconds())?;
        if let Some(at) = issue.closed_at {
            self.put(&mut map, "closed_at", &at.to_seconds())?;
        }
        if let Some(login) = &issue.closed_by {
            self.put(&mut map, "closed_by", login)?;
        }
        map.end()
    }
}

/// What the tools answer after an issue was written: its id as text and its page.
pub(crate) struct IssueReceipt<'a> {
    pub(crate) site: Site<'a>,
    pub(crate) repo: &'a Repo,
    pub(crate) number: u64,
}

impl Serialize for IssueReceipt<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let (owner, name, number) = (&self.repo.owner, &self.repo.name, self.number);
        let kind = if self.site.state.is_pull((self.repo.id, number)) { "pull" } else { "issues" };
        let mut map = serializer.serialize_map(Some(2))?;
        map.serialize_entry("id", &format_args!("{}", issue_id(self.repo, number)))?;
        map.serialize_entry("url", &format_args!("{HTML}/{owner}/{name}/{kind}/{number}"))?;
        map.end()
    }
}
