//! Reviews.

use serde::ser::{Serialize, SerializeMap, Serializer};

use super::pulls::Href;
use super::users::{SimpleUser, ToolUser, association};
use super::{HTML, Site};
use crate::state::{Repo, Review};

/// `pull-request-review`
pub(crate) struct ReviewView<'a> {
    pub(crate) site: Site<'a>,
    pub(crate) repo: &'a Repo,
    pub(crate) number: u64,
    pub(crate) review: &'a Review,
}

impl Serialize for ReviewView<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let Self { site, repo, number, review } = *self;
        let (api, owner, name, id) = (site.api, &repo.owner, &repo.name, review.id);
        let html = format!("{HTML}/{owner}/{name}/pull/{number}#pullrequestreview-{id}");
        let pull = format!("{api}/repos/{owner}/{name}/pulls/{number}");
        let mut map = serializer.serialize_map(None)?;
        map.serialize_entry("id", &id)?;
        map.serialize_entry("node_id", &format_args!("PRR_{id}"))?;
        map.serialize_entry("user", &SimpleUser::of(site, &review.user))?;
        map.serialize_entry("body", &review.body)?;
        map.serialize_entry("state", review.state.name())?;
        map.serialize_entry("html_url", &html)?;
        map.serialize_entry("pull_request_url", &pull)?;
        map.serialize_entry("author_association", association(site.state, repo, &review.user))?;
        map.serialize_entry("_links", &Links { html: &html, pull: &pull })?;
        if let Some(at) = review.submitted_at {
            map.serialize_entry("submitted_at", &at.to_seconds())?;
        }
        map.serialize_entry("commit_id", &review.commit)?;
        map.end()
    }
}

struct Links<'a> {
    html: &'a str,
    pull: &'a str,
}

impl Serialize for Links<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut map = serializer.serialize_map(Some(2))?;
        map.serialize_entry("html", &Href(format_args!("{}", self.html)))?;
        map.serialize_entry("pull_request", &Href(format_args!("{}", self.pull)))?;
        map.end()
    }
}

/// A review as the official server's tools show it.
pub(crate) struct ToolReview<'a>(pub(crate) ReviewView<'a>);

impl Serialize for ToolReview<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let ReviewView { site, repo, number, review } = self.0;
        let (owner, name, id) = (&repo.owner, &repo.name, review.id);
        let mut map = serializer.serialize_map(None)?;
        map.serialize_entry("id", &id)?;
        map.serialize_entry("state", review.state.name())?;
        if !review.body.is_empty() {
            map.serialize_entry("body", &review.body)?;
        }
        map.serialize_entry("html_url", &format_args!("{HTML}/{owner}/{name}/pull/{number}#pullrequestreview-{id}"))?;
        map.serialize_entry("user", &ToolUser::of(site, &review.user))?;
        map.serialize_entry("commit_id", &review.commit)?;
        if let Some(at) = review.submitted_at {
            map.serialize_entry("submitted_at", &at.to_seconds())?;
        }
        map.serialize_entry("author_association", association(site.state, repo, &review.user))?;
        map.end()
    }
}
