//! Milestones and how much of them is done.

use pome_twin_kit::clock::Time;
use pome_twin_kit::ids::hash_id;
use serde::ser::{Serialize, SerializeMap, Serializer};

use super::users::SimpleUser;
use super::{HTML, Site};
use crate::state::{Milestone, Repo};

/// `milestone`
pub(crate) struct MilestoneView<'a> {
    pub(crate) site: Site<'a>,
    pub(crate) repo: &'a Repo,
    pub(crate) milestone: &'a Milestone,
}

impl<'a> MilestoneView<'a> {
    /// The milestone of an issue or pull request, if it has one.
    pub(crate) fn find(site: Site<'a>, repo: &'a Repo, number: Option<u64>) -> Option<Self> {
        let milestone = site.state.milestones.get(&(repo.id, number?))?;
        Some(Self { site, repo, milestone })
    }
}

impl Serialize for MilestoneView<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let (site, repo, milestone) = (self.site, self.repo, self.milestone);
        let (api, owner, name, number) = (site.api, &repo.owner, &repo.name, milestone.number);
        let id = hash_id(&format!("{owner}/{name}/milestone/{number}"));
        let (open, closed) = site.state.milestone_counts(repo.id, number);
        let mut map = serializer.serialize_map(None)?;
        map.serialize_entry("url", &format_args!("{api}/repos/{owner}/{name}/milestones/{number}"))?;
        map.serialize_entry("html_url", &format_args!("{HTML}/{owner}/{name}/milestone/{number}"))?;
        map.serialize_entry("labels_url", &format_args!("{api}/repos/{owner}/{name}/milestones/{number}/labels"))?;
        map.serialize_entry("id", &id)?;
        map.serialize_entry("node_id", &format_args!("MI_{id}"))?;
        map.serialize_entry("number", &number)?;
        map.serialize_entry("title", &milestone.title)?;
        map.serialize_entry("description", &milestone.description)?;
        map.serialize_entry("creator", &SimpleUser::of(site, &milestone.creator))?;
        map.serialize_entry("open_issues", &open)?;
        map.serialize_entry("closed_issues", &closed)?;
        map.serialize_entry("state", if milestone.open { "open" } else { "closed" })?;
        map.serialize_entry("created_at", &milestone.created_at.to_seconds())?;
        map.serialize_entry("updated_at", &milestone.updated_at.to_seconds())?;
        map.serialize_entry("due_on", &milestone.due_on.map(Time::to_seconds))?;
        map.serialize_entry("closed_at", &milestone.closed_at.map(Time::to_seconds))?;
        map.end()
    }
}
