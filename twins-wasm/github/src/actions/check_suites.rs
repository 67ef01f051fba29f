//! Check suites, and the annotations of check runs.

use pome_twin_kit::{Action, Cx, Reply, View};
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

use super::check_runs::{Filter, Listed as RunsListed, Phase, list};
use super::{Page, paging};
use crate::GitHub;
use crate::access::Access;
use crate::error::Error;
use crate::git::Oid;
use crate::refs::commit_named;
use crate::rules::APP_ID;
use crate::state::{Permission, Repo, RepoId, State};
use crate::suites::{Annotation, CheckSuite};
use crate::views::Site;
use crate::views::check_suites::{CheckSuiteView, annotation};

/// The stored row, for the trace and the exported state.
pub(crate) fn row(repo: &Repo, suite: &CheckSuite) -> Value {
    json!({
        "repo": repo.full_name(), "id": suite.id, "head_sha": suite.head_sha, "head_branch": suite.head_branch,
        "workflow_run": suite.workflow_run, "rerequested": suite.rerequested,
        "created_at": suite.created_at.to_seconds(), "updated_at": suite.updated_at.to_seconds(),
    })
}

fn stored(state: &State, key: (RepoId, u64)) -> Option<Value> {
    Some(row(state.repos.get(&key.0)?, state.check_suites.get(&key)?))
}

/// The stored annotations of a check run.
pub(crate) fn export_annotations(state: &State, repo: RepoId, run: u64) -> Vec<Value> {
    let show = |row: &Annotation| {
        json!({
            "path": row.path, "start_line": row.start_line, "end_line": row.end_line, "annotation_level": row.level,
            "message": row.message, "title": row.title,
        })
    };
    state.annotations_of(repo, run).map(show).collect()
}

/// How loud an annotation is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
enum Volume {
    Notice,
    Warning,
    Failure,
}

#[derive(Deserialize)]
pub(crate) struct AnnotationBody {
    path: String,
    start_line: u64,
    end_line: u64,
    start_column: Option<u64>,
    end_column: Option<u64>,
    annotation_level: Volume,
    message: String,
    title: Option<String>,
    raw_details: Option<String>,
}

/// At most so many come with one request.
const MOST: usize = 50;

/// Appends annotations to a check run.
pub(crate) fn annotate(state: &mut State, key: (RepoId, u64), rows: Vec<AnnotationBody>) -> Result<(), Error> {
    if rows.len() > MOST {
        return Err(Error::unprocessable(format!(
            "Invalid request.\n\nNo more than {MOST} items are allowed; {} were supplied.",
            rows.len()
        )));
    }
    let first = state.annotations_of(key.0, key.1).count();
    for (at, body) in rows.into_iter().enumerate() {
        let columns = body.start_column.is_some() || body.end_column.is_some();
        if body.end_line < body.start_line || (columns && body.start_line != body.end_line) {
            return Err(Error::field("CheckRun", "annotations", "invalid"));
        }
        let level = match body.annotation_level {
            Volume::Notice => "notice",
            Volume::Warning => "warning",
            Volume::Failure => "failure",
        };
        let row = Annotation {
            path: body.path,
            start_line: body.start_line,
            end_line: body.end_line,
            start_column: body.start_column,
            end_column: body.end_column,
            level: level.to_owned(),
            message: body.message,
            title: body.title,
            raw_details: body.raw_details,
        };
        state.annotations.insert((key.0, key.1, u64::try_from(first + at).unwrap_or(u64::MAX)), row);
    }
    Ok(())
}

/// What a check run remarks on single lines.
#[derive(Deserialize)]
pub(crate) struct Annotations {
    owner: String,
    repo: String,
    check_run_id: u64,
    page: Option<i64>,
    per_page: Option<i64>,
}

pub(crate) struct AnnotationsShown {
    repo: RepoId,
    sha: Oid,
    page: Page<Annotation>,
}

impl View<GitHub> for AnnotationsShown {
    fn rest(&self, cx: &Cx<'_, GitHub>, reply: &mut Reply) {
        self.page.write(cx, reply, |site, row| Some(annotation(site.state.repos.get(&self.repo)?, self.sha, row)));
    }
}

impl Action<GitHub> for Annotations {
    const NAME: &'static str = "list_check_run_annotations";
    type Output = AnnotationsShown;

    fn run(self, cx: &mut Cx<'_, GitHub>) -> Result<Self::Output, Error> {
        let repo = cx.repo(&self.owner, &self.repo)?.id;
        let sha = cx.state.check_runs.get(&(repo, self.check_run_id)).ok_or_else(Error::not_found)?.head_sha;
        let rows = cx.state.annotations_of(repo, self.check_run_id).cloned();
        Ok(AnnotationsShown { repo, sha, page: Page::of(rows, paging(self.page, self.per_page)) })
    }
}

/// Makes the suite of a commit; the vendor answers 200 when there is one.
#[derive(Deserialize)]
pub(crate) struct Create {
    owner: String,
    repo: String,
    head_sha: String,
}

pub(crate) struct Shown {
    key: (RepoId, u64),
    made: bool,
}

impl View<GitHub> for Shown {
    fn rest(&self, cx: &Cx<'_, GitHub>, reply: &mut Reply) {
        let site = Site::of(cx);
        let rows = (site.state.repos.get(&self.key.0), site.state.check_suites.get(&self.key));
        if let (Some(repo), Some(suite)) = rows {
            reply.status = if self.made { 201 } else { 200 };
            reply.write_json(&CheckSuiteView { site, repo, suite });
        }
    }
}

impl Action<GitHub> for Create {
    const NAME: &'static str = "create_check_suite";
    const MUTATES: bool = true;
    type Output = Shown;

    fn run(self, cx: &mut Cx<'_, GitHub>) -> Result<Shown, Error> {
        let repo = cx.repo_to_write(&self.owner, &self.repo, Permission::Write)?;
        let id = repo.id;
        let unknown = || Error::unprocessable(format!("No commit found for SHA: {}", self.head_sha));
        let sha = Oid::parse(&self.head_sha).ok_or_else(unknown)?;
        commit_named(cx, repo, &self.head_sha)?;
        if let Some(suite) = cx.state.reported_suite(id, sha) {
            return Ok(Shown { key: (id, suite.id), made: false });
        }
        let now = cx.now();
        let key = (id, cx.state.add_check_suite(id, sha, None, None, now));
        let after = stored(cx.state, key);
        cx.changed(None, after);
        Ok(Shown { key, made: true })
    }
}

#[derive(Deserialize)]
pub(crate) struct Get {
    owner: String,
    repo: String,
    check_suite_id: u64,
}

impl Action<GitHub> for Get {
    const NAME: &'static str = "get_check_suite";
    type Output = Shown;

    fn run(self, cx: &mut Cx<'_, GitHub>) -> Result<Shown, Error> {
        let key = (cx.repo(&self.owner, &self.repo)?.id, self.check_suite_id);
        if cx.state.check_suites.contains(&key) { Ok(Shown { key, made: false }) } else { Err(Error::not_found()) }
    }
}

/// The suites of a commit, oldest first.
#[derive(Deserialize)]
pub(crate) struct OfRef {
    owner: String,
    repo: String,
    r#ref: String,
    app_id: Option<u64>,
    check_name: Option<String>,
    page: Option<i64>,
    per_page: Option<i64>,
}

pub(crate) struct Listed(Page<(RepoId, u64)>);

impl View<GitHub> for Listed {
    fn rest(&self, cx: &Cx<'_, GitHub>, reply: &mut Reply) {
        #[derive(Serialize)]
        struct Answer<'a> {
            total_count: usize,
            check_suites: Vec<CheckSuiteView<'a>>,
        }
        let site = Site::of(cx);
        let show = |key: &(RepoId, u64)| {
            let (repo, suite) = (site.state.repos.get(&key.0)?, site.state.check_suites.get(key)?);
            Some(CheckSuiteView { site, repo, suite })
        };
        let check_suites = self.0.keys.iter().filter_map(show).collect();
        reply.write_json(&Answer { total_count: self.0.total, check_suites });
        self.0.link(cx, reply);
    }
}

impl Action<GitHub> for OfRef {
    const NAME: &'static str = "list_check_suites_for_ref";
    type Output = Listed;

    fn run(self, cx: &mut Cx<'_, GitHub>) -> Result<Listed, Error> {
        let repo = cx.repo(&self.owner, &self.repo)?;
        let (id, sha) = (repo.id, commit_named(cx, repo, &self.r#ref)?);
        let has = |suite: &CheckSuite, name: &String| {
            cx.state.check_runs_of(id).any(|run| run.suite == suite.id && run.name == *name)
        };
        let keys = cx
            .state
            .check_suites_of(id)
            .filter(|suite| suite.head_sha == sha && self.app_id.is_none_or(|app| app == APP_ID))
            .filter(|suite| self.check_name.as_ref().is_none_or(|name| has(suite, name)))
            .map(|suite| (id, suite.id));
        Ok(Listed(Page::of(keys, paging(self.page, self.per_page))))
    }
}

/// The check runs of a suite.
#[derive(Deserialize)]
pub(crate) struct Runs {
    owner: String,
    repo: String,
    check_suite_id: u64,
    check_name: Option<String>,
    status: Option<Phase>,
    filter: Option<Filter>,
    page: Option<i64>,
    per_page: Option<i64>,
}

impl Action<GitHub> for Runs {
    const NAME: &'static str = "list_check_runs_for_suite";
    type Output = RunsListed;

    fn run(self, cx: &mut Cx<'_, GitHub>) -> Result<RunsListed, Error> {
        let repo = cx.repo(&self.owner, &self.repo)?.id;
        let suite = cx.state.check_suites.get(&(repo, self.check_suite_id)).ok_or_else(Error::not_found)?;
        let wanted = |run: &crate::state::CheckRun| {
            run.suite == suite.id
                && self.check_name.as_ref().is_none_or(|name| *name == run.name)
                && self.status.is_none_or(|status| status.name() == run.status)
        };
        let all = self.filter == Some(Filter::All);
        Ok(list(cx, repo, suite.head_sha, all, wanted, (self.page, self.per_page)))
    }
}

/// Asks for a suite again: it starts over, and what its app then reports counts.
#[derive(Deserialize)]
pub(crate) struct Rerequest {
    owner: String,
    repo: String,
    check_suite_id: u64,
}

/// `{}`
pub(crate) struct Nothing;

impl View<GitHub> for Nothing {
    fn rest(&self, _: &Cx<'_, GitHub>, reply: &mut Reply) {
        reply.write_json(&json!({}));
    }
}

fn rerequest(cx: &mut Cx<'_, GitHub>, key: (RepoId, u64)) -> Result<Nothing, Error> {
    let now = cx.now();
    let before = stored(cx.state, key);
    let suite = cx.state.check_suites.get_mut(&key).ok_or_else(Error::not_found)?;
    suite.rerequested = true;
    suite.updated_at = now;
    let after = stored(cx.state, key);
    cx.changed(before, after);
    Ok(Nothing)
}

impl Action<GitHub> for Rerequest {
    const NAME: &'static str = "rerequest_check_suite";
    const MUTATES: bool = true;
    type Output = Nothing;

    fn run(self, cx: &mut Cx<'_, GitHub>) -> Result<Nothing, Error> {
        let repo = cx.repo_to_write(&self.owner, &self.repo, Permission::Write)?.id;
        rerequest(cx, (repo, self.check_suite_id))
    }
}

/// Asks for a check run again, which starts its suite over.
#[derive(Deserialize)]
pub(crate) struct RerequestRun {
    owner: String,
    repo: String,
    check_run_id: u64,
}

impl Action<GitHub> for RerequestRun {
    const NAME: &'static str = "rerequest_check_run";
    const MUTATES: bool = true;
    type Output = Nothing;

    fn run(self, cx: &mut Cx<'_, GitHub>) -> Result<Nothing, Error> {
        let repo = cx.repo_to_write(&self.owner, &self.repo, Permission::Write)?.id;
        let suite = cx.state.check_runs.get(&(repo, self.check_run_id)).ok_or_else(Error::not_found)?.suite;
        rerequest(cx, (repo, suite))
    }
}
