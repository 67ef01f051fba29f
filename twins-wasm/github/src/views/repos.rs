//! Repositories, short and in full.

use std::collections::BTreeMap;

use serde::ser::{Serialize, SerializeMap, Serializer};
use serde_json::json;

use super::users::{Permissions, SimpleUser};
use super::{HTML, Site};
use crate::merge_words::SquashTitle;
use crate::state::{Permission, Repo, SAFEGUARDS, UserKind};

/// How much of a repository is shown.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Detail {
    /// `minimal-repository`, also valid as `repository`: in lists and inside other objects.
    Short,
    /// `full-repository`
    Full,
}

pub(crate) struct RepoView<'a> {
    pub(crate) site: Site<'a>,
    pub(crate) repo: &'a Repo,
    pub(crate) detail: Detail,
    /// Adds `score`, as search does.
    pub(crate) score: bool,
}

impl<'a> RepoView<'a> {
    pub(crate) fn short(site: Site<'a>, repo: &'a Repo) -> Self {
        Self { site, repo, detail: Detail::Short, score: false }
    }

    pub(crate) fn full(site: Site<'a>, repo: &'a Repo) -> Self {
        Self { site, repo, detail: Detail::Full, score: false }
    }
}

/// The members that end in `_url` and follow one pattern: name and what comes after the repository's own address.
const ADDRESSES: &[(&str, &str)] = &[
    ("forks_url", "/forks"),
    ("keys_url", "/keys{/key_id}"),
    ("collaborators_url", "/collaborators{/collaborator}"),
    ("teams_url", "/teams"),
    ("hooks_url", "/hooks"),
    ("issue_events_url", "/issues/events{/number}"),
    ("events_url", "/events"),
    ("assignees_url", "/assignees{/user}"),
    ("branches_url", "/branches{/branch}"),
    ("tags_url", "/tags"),
    ("blobs_url", "/git/blobs{/sha}"),
    ("git_tags_url", "/git/tags{/sha}"),
    ("git_refs_url", "/git/refs{/sha}"),
    ("trees_url", "/git/trees{/sha}"),
    ("statuses_url", "/statuses/{sha}"),
    ("languages_url", "/languages"),
    ("stargazers_url", "/stargazers"),
    ("contributors_url", "/contributors"),
    ("subscribers_url", "/subscribers"),
    ("subscription_url", "/subscription"),
    ("commits_url", "/commits{/sha}"),
    ("git_commits_url", "/git/commits{/sha}"),
    ("comments_url", "/comments{/number}"),
    ("issue_comment_url", "/issues/comments{/number}"),
    ("contents_url", "/contents/{+path}"),
    ("compare_url", "/compare/{base}...{head}"),
    ("merges_url", "/merges"),
    ("archive_url", "/{archive_format}{/ref}"),
    ("downloads_url", "/downloads"),
    ("issues_url", "/issues{/number}"),
    ("pulls_url", "/pulls{/number}"),
    ("milestones_url", "/milestones{/number}"),
    ("notifications_url", "/notifications{?since,all,participating}"),
    ("labels_url", "/labels{/name}"),
    ("releases_url", "/releases{/id}"),
    ("deployments_url", "/deployments"),
];

impl Serialize for RepoView<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let (site, repo) = (self.site, self.repo);
        let (api, state, owner, name) = (site.api, site.state, &repo.owner, &repo.name);
        let open_issues = state.open_issues(repo.id);
        let stars = state.activity.stars_of(repo.id).count();
        let forks = state.repos.values().filter(|other| other.parent == Some(repo.id)).count();
        let mut map = serializer.serialize_map(None)?;
        map.serialize_entry("id", &repo.id)?;
        map.serialize_entry("node_id", &format_args!("R_{}", repo.id))?;
        map.serialize_entry("name", name)?;
        map.serialize_entry("full_name", &format_args!("{owner}/{name}"))?;
        map.serialize_entry("private", &repo.private)?;
        map.serialize_entry("owner", &SimpleUser::of(site, owner))?;
        map.serialize_entry("html_url", &format_args!("{HTML}/{owner}/{name}"))?;
        map.serialize_entry("description", &repo.description)?;
        map.serialize_entry("fork", &repo.parent.is_some())?;
        map.serialize_entry("url", &format_args!("{api}/repos/{owner}/{name}"))?;
        for (key, rest) in ADDRESSES {
            map.serialize_entry(key, &format_args!("{api}/repos/{owner}/{name}{rest}"))?;
        }
        map.serialize_entry("git_url", &format_args!("git://github.com/{owner}/{name}.git"))?;
        map.serialize_entry("ssh_url", &format_args!("git@github.com:{owner}/{name}.git"))?;
        map.serialize_entry("clone_url", &format_args!("{HTML}/{owner}/{name}.git"))?;
        map.serialize_entry("svn_url", &format_args!("{HTML}/{owner}/{name}"))?;
        map.serialize_entry("mirror_url", &None::<&str>)?;
        map.serialize_entry("homepage", &repo.homepage)?;
        map.serialize_entry("language", &repo.language)?;
        map.serialize_entry("license", &None::<&str>)?;
        map.serialize_entry("created_at", &repo.created_at.to_seconds())?;
        map.serialize_entry("updated_at", &repo.updated_at.to_seconds())?;
        map.serialize_entry("pushed_at", &repo.pushed_at.to_seconds())?;
        for (key, count) in [
            ("size", 0),
            ("stargazers_count", stars),
            ("watchers_count", stars),
            ("watchers", stars),
            ("forks_count", forks),
            ("forks", forks),
            ("open_issues_count", open_issues),
            ("open_issues", open_issues),
        ] {
            map.serialize_entry(key, &count)?;
        }
        map.serialize_entry("default_branch", &repo.default_branch)?;
        map.serialize_entry("topics", &repo.topics)?;
        map.serialize_entry("visibility", if repo.private { "private" } else { "public" })?;
        for (key, flag) in [
            ("archived", repo.archived),
            ("disabled", false),
            ("has_issues", repo.has_issues),
            ("has_projects", repo.has_projects),
            ("has_downloads", repo.has_downloads),
            ("has_wiki", repo.has_wiki),
            ("has_pages", false),
            ("has_discussions", repo.has_discussions),
            ("is_template", repo.is_template),
            ("allow_forking", repo.allow_forking),
            (
                "web_commit_signoff_required",
                repo.web_commit_signoff_required
                    || state.accounts.settings_of(owner).allows("web_commit_signoff_required"),
            ),
        ] {
            map.serialize_entry(key, &flag)?;
        }
        if let Some(permission) = state.permission(repo, site.viewer) {
            map.serialize_entry("permissions", &Permissions(permission))?;
        }
        if self.detail == Detail::Full {
            self.write_rest(&mut map, forks)?;
        }
        if self.score {
            map.serialize_entry("score", &1.0)?;
        }
        map.end()
    }
}

impl RepoView<'_> {
    /// What only `full-repository` has.
    fn write_rest<M: SerializeMap>(&self, map: &mut M, forks: usize) -> Result<(), M::Error> {
        let (site, repo) = (self.site, self.repo);
        for (key, flag) in [
            ("allow_squash_merge", repo.allow_squash_merge),
            ("allow_merge_commit", repo.allow_merge_commit),
            ("allow_rebase_merge", repo.allow_rebase_merge),
            ("allow_auto_merge", repo.allow_auto_merge),
            ("delete_branch_on_merge", repo.delete_branch_on_merge),
            ("allow_update_branch", repo.allow_update_branch),
            ("use_squash_pr_title_as_default", repo.merge_words.squash_title == SquashTitle::PrTitle),
        ] {
            map.serialize_entry(key, &flag)?;
        }
        map.serialize_entry("squash_merge_commit_title", &repo.merge_words.squash_title)?;
        map.serialize_entry("squash_merge_commit_message", &repo.merge_words.squash_message)?;
        map.serialize_entry("merge_commit_title", &repo.merge_words.merge_title)?;
        map.serialize_entry("merge_commit_message", &repo.merge_words.merge_message)?;
        if site.state.user(&repo.owner).is_some_and(|owner| owner.kind == UserKind::Organization) {
            map.serialize_entry("organization", &SimpleUser::of(site, &repo.owner))?;
        }
        if site.state.permission(repo, site.viewer) >= Some(Permission::Admin) {
            let status = |name: &&'static str| if repo.safeguards.contains(name) { "enabled" } else { "disabled" };
            let all: BTreeMap<_, _> =
                SAFEGUARDS.iter().map(|name| (*name, json!({ "status": status(name) }))).collect();
            map.serialize_entry("security_and_analysis", &all)?;
        }
        if let Some(parent) = repo.parent.and_then(|id| site.state.repos.get(&id)) {
            map.serialize_entry("parent", &RepoView::short(site, parent))?;
            map.serialize_entry("source", &RepoView::short(site, parent))?;
        }
        map.serialize_entry("network_count", &forks)?;
        map.serialize_entry("subscribers_count", &site.state.activity.watchers_of(repo.id).count())
    }
}

/// A repository as the official server's search shows it.
pub(crate) struct ToolRepo<'a> {
    pub(crate) site: Site<'a>,
    pub(crate) repo: &'a Repo,
}

impl Serialize for ToolRepo<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let (state, repo) = (self.site.state, self.repo);
        let (owner, name) = (&repo.owner, &repo.name);
        let mut map = serializer.serialize_map(None)?;
        map.serialize_entry("id", &repo.id)?;
        map.serialize_entry("name", name)?;
        map.serialize_entry("full_name", &format_args!("{owner}/{name}"))?;
        if let Some(description) = &repo.description {
            map.serialize_entry("description", description)?;
        }
        map.serialize_entry("html_url", &format_args!("{HTML}/{owner}/{name}"))?;
        if let Some(language) = &repo.language {
            map.serialize_entry("language", language)?;
        }
        map.serialize_entry("stargazers_count", &state.activity.stars_of(repo.id).count())?;
        let forks = state.repos.values().filter(|other| other.parent == Some(repo.id)).count();
        map.serialize_entry("forks_count", &forks)?;
        let open_issues = state.open_issues(repo.id);
        map.serialize_entry("open_issues_count", &open_issues)?;
        map.serialize_entry("updated_at", &repo.updated_at.to_seconds())?;
        map.serialize_entry("created_at", &repo.created_at.to_seconds())?;
        if !repo.topics.is_empty() {
            map.serialize_entry("topics", &repo.topics)?;
        }
        map.serialize_entry("private", &repo.private)?;
        map.serialize_entry("fork", &repo.parent.is_some())?;
        map.serialize_entry("archived", &repo.archived)?;
        map.serialize_entry("default_branch", &repo.default_branch)?;
        map.end()
    }
}
