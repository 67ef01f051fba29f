//! Check suites, and what check runs, suites and workflow runs show of their commit and pull requests.

use serde::ser::{Serialize, SerializeMap, Serializer};
use serde_json::{Value, json};

use super::apps::actions_app;
use super::commits::date;
use super::pulls::pull_id;
use super::repos::RepoView;
use super::{EncodedPath, HTML, Site};
use crate::git::{Oid, Signature};
use crate::state::Repo;
use crate::suites::{Annotation, CheckSuite};

/// `pull-request-minimal` for the open pull requests at a commit.
pub(crate) fn pulls_at(site: Site<'_>, repo: &Repo, sha: Oid) -> Vec<Value> {
    let (api, owner, name) = (site.api, &repo.owner, &repo.name);
    let of = json!({ "id": repo.id, "url": format!("{api}/repos/{owner}/{name}"), "name": name });
    let show = |pull: &crate::state::Pull| {
        let number = pull.number;
        let base = site.state.pull_base((repo.id, number)).unwrap_or(pull.base_sha);
        json!({
            "url": format!("{api}/repos/{owner}/{name}/pulls/{number}"),
            "id": pull_id(repo, number),
            "number": number,
            "head": { "ref": pull.head_ref, "sha": pull.head_sha, "repo": of },
            "base": { "ref": pull.base_ref, "sha": base, "repo": of },
        })
    };
    site.state.pulls_at(repo.id, sha).map(show).collect()
}

/// `simple-commit`
pub(crate) fn simple_commit(site: Site<'_>, sha: Oid) -> Value {
    let Ok(commit) = site.state.git.objects.commit(sha) else { return Value::Null };
    let person = |who: &Signature| json!({ "name": who.name, "email": who.email });
    json!({
        "id": sha, "tree_id": commit.tree, "message": commit.message, "timestamp": date(&commit.committer),
        "author": person(&commit.author), "committer": person(&commit.committer),
    })
}

/// `check-suite`
pub(crate) struct CheckSuiteView<'a> {
    pub(crate) site: Site<'a>,
    pub(crate) repo: &'a Repo,
    pub(crate) suite: &'a CheckSuite,
}

impl Serialize for CheckSuiteView<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let Self { site, repo, suite } = *self;
        let url = format!("{}/repos/{}/{}/check-suites/{}", site.api, repo.owner, repo.name, suite.id);
        let (status, conclusion) = site.state.suite_outcome(repo.id, suite);
        let parent = site.state.git.objects.commit(suite.head_sha).ok();
        let parent = parent.and_then(|commit| commit.parents.first().copied());
        let mut map = serializer.serialize_map(None)?;
        map.serialize_entry("id", &suite.id)?;
        map.serialize_entry("node_id", &format_args!("CS_{}", suite.id))?;
        map.serialize_entry("head_branch", &suite.head_branch)?;
        map.serialize_entry("head_sha", &suite.head_sha)?;
        map.serialize_entry("status", status)?;
        map.serialize_entry("conclusion", &conclusion)?;
        map.serialize_entry("url", &url)?;
        map.serialize_entry("before", &parent)?;
        map.serialize_entry("after", &suite.head_sha)?;
        map.serialize_entry("pull_requests", &pulls_at(site, repo, suite.head_sha))?;
        map.serialize_entry("app", &actions_app(site))?;
        map.serialize_entry("repository", &RepoView::short(site, repo))?;
        map.serialize_entry("created_at", &suite.created_at.to_seconds())?;
        map.serialize_entry("updated_at", &suite.updated_at.to_seconds())?;
        map.serialize_entry("rerequestable", &true)?;
        map.serialize_entry("runs_rerequestable", &true)?;
        map.serialize_entry("latest_check_runs_count", &site.state.latest_runs_of_suite(repo.id, suite.id).len())?;
        map.serialize_entry("check_runs_url", &format_args!("{url}/check-runs"))?;
        map.serialize_entry("head_commit", &simple_commit(site, suite.head_sha))?;
        map.end()
    }
}

/// `check-annotation`
pub(crate) fn annotation(repo: &Repo, sha: Oid, row: &Annotation) -> Value {
    json!({
        "path": row.path,
        "blob_href": format!("{HTML}/{}/{}/blob/{sha}/{}", repo.owner, repo.name, EncodedPath(&row.path)),
        "start_line": row.start_line,
        "start_column": row.start_column,
        "end_line": row.end_line,
        "end_column": row.end_column,
        "annotation_level": row.level,
        "title": row.title,
        "message": row.message,
        "raw_details": row.raw_details,
    })
}
