//! Check runs.

use pome_twin_kit::clock::Time;
use serde::Serialize;
use serde::ser::{SerializeMap, Serializer};

use super::apps::actions_app;
use super::check_suites::pulls_at;
use super::{HTML, Site};
use crate::state::{CheckRun, Repo};

/// `check-run`
pub(crate) struct CheckRunView<'a> {
    pub(crate) site: Site<'a>,
    pub(crate) repo: &'a Repo,
    pub(crate) run: &'a CheckRun,
}

impl Serialize for CheckRunView<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let Self { site, repo, run } = *self;
        let (api, owner, name, id) = (site.api, &repo.owner, &repo.name, run.id);
        let html = format!("{HTML}/{owner}/{name}/runs/{id}");
        let mut map = serializer.serialize_map(None)?;
        map.serialize_entry("id", &id)?;
        map.serialize_entry("name", &run.name)?;
        map.serialize_entry("node_id", &format_args!("CR_{id}"))?;
        map.serialize_entry("head_sha", &run.head_sha)?;
        map.serialize_entry("external_id", &run.external_id)?;
        map.serialize_entry("url", &format_args!("{api}/repos/{owner}/{name}/check-runs/{id}"))?;
        map.serialize_entry("html_url", &html)?;
        map.serialize_entry("details_url", run.details_url.as_ref().unwrap_or(&html))?;
        map.serialize_entry("status", &run.status)?;
        map.serialize_entry("conclusion", &run.conclusion)?;
        map.serialize_entry("started_at", &run.started_at.to_seconds())?;
        map.serialize_entry("completed_at", &run.completed_at.map(Time::to_seconds))?;
        map.serialize_entry("output", &Output { site, repo, run })?;
        map.serialize_entry("check_suite", &Suite { id: run.suite })?;
        map.serialize_entry("app", &actions_app(site))?;
        map.serialize_entry("pull_requests", &pulls_at(site, repo, run.head_sha))?;
        map.end()
    }
}

#[derive(Serialize)]
struct Suite {
    id: u64,
}

struct Output<'a> {
    site: Site<'a>,
    repo: &'a Repo,
    run: &'a CheckRun,
}

impl Serialize for Output<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let (run, api) = (self.run, self.site.api);
        let repo = format_args!("{api}/repos/{}/{}", self.repo.owner, self.repo.name).to_string();
        let mut map = serializer.serialize_map(Some(5))?;
        map.serialize_entry("title", &run.output_title)?;
        map.serialize_entry("summary", &run.output_summary)?;
        map.serialize_entry("text", &run.output_text)?;
        let annotations = self.site.state.annotations_of(self.repo.id, run.id).count();
        map.serialize_entry("annotations_count", &annotations)?;
        map.serialize_entry("annotations_url", &format_args!("{repo}/check-runs/{}/annotations", run.id))?;
        map.end()
    }
}

/// A check run as the official server's tools show it.
pub(crate) struct ToolCheckRun<'a>(pub(crate) CheckRunView<'a>);

impl Serialize for ToolCheckRun<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let CheckRunView { repo, run, .. } = self.0;
        let html = format!("{HTML}/{}/{}/runs/{}", repo.owner, repo.name, run.id);
        let mut map = serializer.serialize_map(None)?;
        map.serialize_entry("id", &run.id)?;
        map.serialize_entry("name", &run.name)?;
        map.serialize_entry("status", &run.status)?;
        if let Some(conclusion) = &run.conclusion {
            map.serialize_entry("conclusion", conclusion)?;
        }
        map.serialize_entry("html_url", &html)?;
        map.serialize_entry("details_url", run.details_url.as_ref().unwrap_or(&html))?;
        map.serialize_entry("started_at", &run.started_at.to_seconds())?;
        if let Some(at) = run.completed_at {
            map.serialize_entry("completed_at", &at.to_seconds())?;
        }
        map.end()
    }
}
