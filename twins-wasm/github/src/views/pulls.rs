//! Pull requests: in lists, in full, and as the official MCP server shortens them.

use pome_twin_kit::clock::Time;
use pome_twin_kit::ids::hash_id;
use serde::ser::{Serialize, SerializeMap, Serializer};

use super::labels::applied;
use super::milestones::MilestoneView;
use super::orgs::asked;
use super::repos::RepoView;
use super::users::{SimpleUser, ToolUser, association, simple_users};
use super::{HTML, Site};
use crate::git::Oid;
use crate::state::{Issue, Numbered, Pull, Repo};

/// The id of a pull request.
pub(crate) fn pull_id(repo: &Repo, number: u64) -> u32 {
    hash_id(&format!("{}/{}/pull/{number}", repo.owner, repo.name))
}

/// What has to be computed for the full form.
#[derive(Debug, Clone)]
pub(crate) struct Detail {
    /// `None` once it is closed.
    pub(crate) mergeable: Option<bool>,
    pub(crate) mergeable_state: &'static str,
    pub(crate) rebaseable: Option<bool>,
    pub(crate) commits: usize,
    pub(crate) additions: usize,
    pub(crate) deletions: usize,
    pub(crate) changed_files: usize,
    pub(crate) review_comments: usize,
}

/// `pull-request-simple`, or `pull-request` with its detail.
pub(crate) struct PullView<'a> {
    pub(crate) site: Site<'a>,
    pub(crate) repo: &'a Repo,
    pub(crate) issue: &'a Issue,
    pub(crate) pull: &'a Pull,
    pub(crate) detail: Option<&'a Detail>,
}

impl<'a> PullView<'a> {
    /// `None` when there is no such pull request.
    pub(crate) fn of(site: Site<'a>, key: Numbered, detail: Option<&'a Detail>) -> Option<Self> {
        let state = site.state;
        let repo = state.repos.get(&key.0)?;
        Some(Self { site, repo, issue: state.issues.get(&key)?, pull: state.pulls.get(&key)?, detail })
    }
}

impl Serialize for PullView<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let Self { site, repo, issue, pull, .. } = self;
        let (site, state) = (*site, site.state);
        let (number, id) = (pull.number, pull_id(repo, pull.number));
        let links = Links { site, repo, pull };
        let mut map = serializer.serialize_map(None)?;
        map.serialize_entry("id", &id)?;
        map.serialize_entry("node_id", &format_args!("PR_{id}"))?;
        map.serialize_entry("number", &number)?;
        map.serialize_entry("state", if issue.open { "open" } else { "closed" })?;
        map.serialize_entry("locked", &issue.locked)?;
        map.serialize_entry("active_lock_reason", &issue.lock_reason)?;
        map.serialize_entry("title", &issue.title)?;
        map.serialize_entry("body", &issue.body)?;
        map.serialize_entry("user", &SimpleUser::of(site, &issue.user))?;
        links.write_addresses(&mut map)?;
        map.serialize_entry("labels", &applied(site, repo, &issue.labels))?;
        map.serialize_entry("milestone", &MilestoneView::find(site, repo, issue.milestone))?;
        map.serialize_entry("assignee", &issue.assignees.first().map(|login| SimpleUser::of(site, login)))?;
        map.serialize_entry("assignees", &simple_users(site, &issue.assignees))?;
        map.serialize_entry("requested_reviewers", &simple_users(site, &pull.requested_reviewers))?;
        map.serialize_entry("requested_teams", &asked(site, repo.id, pull.number))?;
        map.serialize_entry("head", &End::head(site, pull))?;
        map.serialize_entry("base", &End::base(site, repo, issue, pull))?;
        map.serialize_entry("_links", &links)?;
        map.serialize_entry("author_association", association(state, repo, &issue.user))?;
        map.serialize_entry("auto_merge", &None::<()>)?;
        map.serialize_entry("draft", &pull.draft)?;
        map.serialize_entry("merge_commit_sha", &pull.merge_commit_sha)?;
        map.serialize_entry("created_at", &issue.created_at.to_seconds())?;
        map.serialize_entry("updated_at", &issue.updated_at.to_seconds())?;
        map.serialize_entry("closed_at", &issue.closed_at.map(Time::to_seconds))?;
        map.serialize_entry("merged_at", &pull.merged_at.map(Time::to_seconds))?;
        if let Some(detail) = self.detail {
            map.serialize_entry("merged", &pull.merged)?;
            map.serialize_entry("mergeable", &detail.mergeable)?;
            map.serialize_entry("rebaseable", &detail.rebaseable)?;
            map.serialize_entry("mergeable_state", detail.mergeable_state)?;
            map.serialize_entry("merged_by", &pull.merged_by.as_ref().map(|login| SimpleUser::of(site, login)))?;
            map.serialize_entry("comments", &issue.comments)?;
            map.serialize_entry("review_comments", &detail.review_comments)?;
            map.serialize_entry("maintainer_can_modify", &pull.maintainer_can_modify)?;
            map.serialize_entry("commits", &detail.commits)?;
            map.serialize_entry("additions", &detail.additions)?;
            map.serialize_entry("deletions", &detail.deletions)?;
            map.serialize_entry("changed_files", &detail.changed_files)?;
        }
        map.end()
    }
}

/// The addresses around a pull request; serializes as `_links`.
struct Links<'a> {
    site: Site<'a>,
    repo: &'a Repo,
    pull: &'a Pull,
}

impl Links<'_> {
    fn write_addresses<M: SerializeMap>(&self, map: &mut M) -> Result<(), M::Error> {
        let (api, owner, name, number) = (self.site.api, &self.repo.owner, &self.repo.name, self.pull.number);
        let html = format_args!("{HTML}/{owner}/{name}/pull/{number}").to_string();
        let pulls = format!("{api}/repos/{owner}/{name}/pulls");
        let issue = format!("{api}/repos/{owner}/{name}/issues/{number}");
        map.serialize_entry("url", &format_args!("{pulls}/{number}"))?;
        map.serialize_entry("html_url", &html)?;
        map.serialize_entry("diff_url", &format_args!("{html}.diff"))?;
        map.serialize_entry("patch_url", &format_args!("{html}.patch"))?;
        map.serialize_entry("issue_url", &issue)?;
        map.serialize_entry("commits_url", &format_args!("{pulls}/{number}/commits"))?;
        map.serialize_entry("review_comments_url", &format_args!("{pulls}/{number}/comments"))?;
        map.serialize_entry("review_comment_url", &format_args!("{pulls}/comments{{/number}}"))?;
        map.serialize_entry("comments_url", &format_args!("{issue}/comments"))?;
        let sha = self.pull.head_sha;
        map.serialize_entry("statuses_url", &format_args!("{api}/repos/{owner}/{name}/statuses/{sha}"))
    }
}

impl Serialize for Links<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let (api, owner, name, number) = (self.site.api, &self.repo.owner, &self.repo.name, self.pull.number);
        let repo = format!("{api}/repos/{owner}/{name}");
        let sha = self.pull.head_sha;
        let mut map = serializer.serialize_map(Some(8))?;
        for (key, rest) in [
            ("self", format!("/pulls/{number}")),
            ("issue", format!("/issues/{number}")),
            ("comments", format!("/issues/{number}/comments")),
            ("review_comments", format!("/pulls/{number}/comments")),
            ("review_comment", "/pulls/comments{/number}".to_owned()),
            ("commits", format!("/pulls/{number}/commits")),
            ("statuses", format!("/statuses/{sha}")),
        ] {
            map.serialize_entry(key, &Href(format_args!("{repo}{rest}")))?;
        }
        map.serialize_entry("html", &Href(format_args!("{HTML}/{owner}/{name}/pull/{number}")))?;
        map.end()
    }
}

/// `{"href": ..}`
pub(crate) struct Href<'a>(pub(crate) std::fmt::Arguments<'a>);

impl Serialize for Href<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut map = serializer.serialize_map(Some(1))?;
        map.serialize_entry("href", &self.0)?;
        map.end()
    }
}

/// `head` or `base`
struct End<'a> {
    site: Site<'a>,
    repo: Option<&'a Repo>,
    name: &'a str,
    sha: Oid,
}

impl<'a> End<'a> {
    fn head(site: Site<'a>, pull: &'a Pull) -> Self {
        Self { site, repo: site.state.repos.get(&pull.head_repo), name: &pull.head_ref, sha: pull.head_sha }
    }

    fn base(site: Site<'a>, repo: &'a Repo, issue: &Issue, pull: &'a Pull) -> Self {
        let sha = site.state.pull_base((repo.id, issue.number)).unwrap_or(pull.base_sha);
        Self { site, repo: Some(repo), name: &pull.base_ref, sha }
    }
}

impl Serialize for End<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let owner = self.repo.map_or("unknown", |repo| &repo.owner);
        let mut map = serializer.serialize_map(Some(5))?;
        map.serialize_entry("label", &format_args!("{owner}:{}", self.name))?;
        map.serialize_entry("ref", self.name)?;
        map.serialize_entry("sha", &self.sha)?;
        map.serialize_entry("user", &self.repo.map(|repo| SimpleUser::of(self.site, &repo.owner)))?;
        map.serialize_entry("repo", &self.repo.map(|repo| RepoView::short(self.site, repo)))?;
        map.end()
    }
}

/// A pull request as the official server's tools show it: what is empty is left out.
pub(crate) struct ToolPull<'a> {
    pub(crate) site: Site<'a>,
    pub(crate) repo: &'a Repo,
    pub(crate) issue: &'a Issue,
    pub(crate) pull: &'a Pull,
    pub(crate) detail: Option<&'a Detail>,
    /// Only these members, when any are named.
    pub(crate) fields: &'a [String],
}

/// A map that takes only the members that were asked for.
struct Picked<'a, M> {
    map: M,
    fields: &'a [String],
}

impl<M: SerializeMap> Picked<'_, M> {
    fn put<V: Serialize + ?Sized>(&mut self, key: &str, value: &V) -> Result<(), M::Error> {
        if self.fields.is_empty() || self.fields.iter().any(|field| field == key) {
            self.map.serialize_entry(key, value)?;
        }
        Ok(())
    }

    fn put_some<V: Serialize>(&mut self, key: &str, value: Option<V>) -> Result<(), M::Error> {
        value.map_or(Ok(()), |value| self.put(key, &value))
    }
}

impl Serialize for ToolPull<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let Self { site, repo, issue, pull, detail, fields } = *self;
        let (owner, name) = (&repo.owner, &repo.name);
        let mut map = Picked { map: serializer.serialize_map(None)?, fields };
        map.put("number", &pull.number)?;
        map.put("title", &issue.title)?;
        map.put_some("body", issue.body.as_ref())?;
        map.put("state", if issue.open { "open" } else { "closed" })?;
        map.put("draft", &pull.draft)?;
        map.put("merged", &pull.merged)?;
        map.put_some("mergeable_state", detail.map(|detail| detail.mergeable_state))?;
        map.put("html_url", &format_args!("{HTML}/{owner}/{name}/pull/{}", pull.number))?;
        map.put("user", &ToolUser::of(site, &issue.user))?;
        map.put_some("labels", filled(&issue.labels))?;
        map.put_some("assignees", filled(&issue.assignees))?;
        map.put_some("requested_reviewers", filled(&pull.requested_reviewers))?;
        map.put_some("merged_by", pull.merged_by.as_ref())?;
        map.put("head", &ToolEnd(&End::head(site, pull)))?;
        map.put("base", &ToolEnd(&End::base(site, repo, issue, pull)))?;
        if let Some(detail) = detail {
            for (key, count) in [
                ("additions", detail.additions),
                ("deletions", detail.deletions),
                ("changed_files", detail.changed_files),
                ("commits", detail.commits),
            ] {
                map.put_some(key, Some(count).filter(|count| *count > 0))?;
            }
        }
        map.put_some("comments", Some(issue.comments).filter(|count| *count > 0))?;
        map.put("created_at", &issue.created_at.to_seconds())?;
        map.put("updated_at", &issue.updated_at.to_seconds())?;
        map.put_some("closed_at", issue.closed_at.map(Time::to_seconds))?;
        map.put_some("merged_at", pull.merged_at.map(Time::to_seconds))?;
        let milestone = issue.milestone.and_then(|number| site.state.milestones.get(&(repo.id, number)));
        map.put_some("milestone", milestone.map(|milestone| &milestone.title))?;
        map.map.end()
    }
}

/// An end of a pull request in the short form.
struct ToolEnd<'a>(&'a End<'a>);

impl Serialize for ToolEnd<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut map = serializer.serialize_map(None)?;
        map.serialize_entry("ref", self.0.name)?;
        map.serialize_entry("sha", &self.0.sha)?;
        if let Some(repo) = self.0.repo {
            map.serialize_entry("repo", &ToolRepo(repo))?;
        }
        map.end()
    }
}

struct ToolRepo<'a>(&'a Repo);

impl Serialize for ToolRepo<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut map = serializer.serialize_map(None)?;
        map.serialize_entry("full_name", &format_args!("{}/{}", self.0.owner, self.0.name))?;
        if let Some(description) = &self.0.description {
            map.serialize_entry("description", description)?;
        }
        map.end()
    }
}

fn filled(list: &[String]) -> Option<&[String]> {
    Some(list).filter(|list| !list.is_empty())
}
