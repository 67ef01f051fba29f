//! Statuses of commits, alone and combined.

use pome_twin_kit::ids::hash_id;
use serde::ser::{Serialize, SerializeMap, Serializer};

use super::Site;
use super::repos::RepoView;
use super::users::SimpleUser;
use crate::git::Oid;
use crate::state::{Repo, State, Status};

/// `status`, or `simple-commit-status` inside a combined one.
pub(crate) struct StatusView<'a> {
    pub(crate) site: Site<'a>,
    pub(crate) repo: &'a Repo,
    pub(crate) status: &'a Status,
    /// Shows who set it.
    pub(crate) creator: bool,
}

impl Serialize for StatusView<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let Self { site, repo, status, creator } = *self;
        let (api, owner, name, id) = (site.api, &repo.owner, &repo.name, status.id);
        let user = hash_id(&status.creator);
        let mut map = serializer.serialize_map(None)?;
        map.serialize_entry("url", &format_args!("{api}/repos/{owner}/{name}/statuses/{}", status.sha))?;
        map.serialize_entry("avatar_url", &format_args!("https://avatars.githubusercontent.com/u/{user}?v=4"))?;
        map.serialize_entry("id", &id)?;
        map.serialize_entry("node_id", &format_args!("ST_{id}"))?;
        map.serialize_entry("state", &status.state)?;
        map.serialize_entry("description", &status.description)?;
        map.serialize_entry("target_url", &status.target_url)?;
        map.serialize_entry("context", &status.context)?;
        map.serialize_entry("created_at", &status.created_at.to_seconds())?;
        map.serialize_entry("updated_at", &status.created_at.to_seconds())?;
        if creator {
            map.serialize_entry("creator", &SimpleUser::of(site, &status.creator))?;
        }
        map.end()
    }
}

/// The latest status of each context, newest first.
pub(crate) fn latest(state: &State, repo: u64, sha: Oid) -> Vec<&Status> {
    let mut latest: Vec<&Status> = state.latest_statuses(repo, sha).into_values().collect();
    latest.sort_by_key(|status| std::cmp::Reverse((status.created_at, status.id)));
    latest
}

/// `combined-commit-status`
pub(crate) struct CombinedView<'a> {
    pub(crate) site: Site<'a>,
    pub(crate) repo: &'a Repo,
    pub(crate) sha: Oid,
    /// What of all statuses is on this page.
    pub(crate) page: &'a [u64],
    pub(crate) total: usize,
}

impl Serialize for CombinedView<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let Self { site, repo, sha, .. } = *self;
        let (api, owner, name) = (site.api, &repo.owner, &repo.name);
        let found = self.page.iter().filter_map(|id| site.state.statuses.get(&(repo.id, *id)));
        let statuses: Vec<_> = found.map(|status| StatusView { site, repo, status, creator: false }).collect();
        let mut map = serializer.serialize_map(Some(7))?;
        map.serialize_entry("state", site.state.combined_status(repo.id, sha))?;
        map.serialize_entry("statuses", &statuses)?;
        map.serialize_entry("sha", &sha)?;
        map.serialize_entry("total_count", &self.total)?;
        map.serialize_entry("repository", &RepoView::short(site, repo))?;
        map.serialize_entry("commit_url", &format_args!("{api}/repos/{owner}/{name}/commits/{sha}"))?;
        map.serialize_entry("url", &format_args!("{api}/repos/{owner}/{name}/commits/{sha}/status"))?;
        map.end()
    }
}

/// A combined status as the official server's tools show it.
pub(crate) struct ToolCombined<'a>(pub(crate) CombinedView<'a>);

impl Serialize for ToolCombined<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let CombinedView { site, repo, sha, page, total } = self.0;
        let found = page.iter().filter_map(|id| site.state.statuses.get(&(repo.id, *id)));
        let mut map = serializer.serialize_map(Some(4))?;
        map.serialize_entry("state", site.state.combined_status(repo.id, sha))?;
        map.serialize_entry("sha", &sha)?;
        map.serialize_entry("total_count", &total)?;
        map.serialize_entry("statuses", &found.map(ToolStatus).collect::<Vec<_>>())?;
        map.end()
    }
}

struct ToolStatus<'a>(&'a Status);

impl Serialize for ToolStatus<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let status = self.0;
        let mut map = serializer.serialize_map(None)?;
        map.serialize_entry("state", &status.state)?;
        map.serialize_entry("context", &status.context)?;
        for (key, text) in [("description", &status.description), ("target_url", &status.target_url)] {
            if let Some(text) = text.as_ref().filter(|text| !text.is_empty()) {
                map.serialize_entry(key, text)?;
            }
        }
        map.serialize_entry("created_at", &status.created_at.to_seconds())?;
        map.serialize_entry("updated_at", &status.created_at.to_seconds())?;
        map.end()
    }
}
