//! Check runs.

use pome_twin_kit::clock::Time;
use pome_twin_kit::{Action, Cx, Reply, ToolReply, View};
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

use super::check_suites::{AnnotationBody, annotate};
use super::pulls::Target;
use super::{Page, paging};
use crate::GitHub;
use crate::access::Access;
use crate::error::Error;
use crate::git::Oid;
use crate::refs::commit_named;
use crate::rules::APP_ID;
use crate::state::{CheckRun, Permission, RepoId, State};
use crate::views::Site;
use crate::views::check_runs::{CheckRunView, ToolCheckRun};

const RESOURCE: &str = "CheckRun";

/// The row of a check run in the trace.
fn row(state: &State, key: (RepoId, u64)) -> Option<Value> {
    let (repo, run) = (state.repos.get(&key.0)?, state.check_runs.get(&key)?);
    Some(json!({
        "repo": repo.full_name(), "id": run.id, "head_sha": run.head_sha, "name": run.name, "status": run.status,
        "conclusion": run.conclusion, "details_url": run.details_url, "external_id": run.external_id,
        "output_title": run.output_title, "output_summary": run.output_summary,
        "started_at": run.started_at.to_seconds(), "completed_at": run.completed_at.map(Time::to_seconds),
    }))
}

pub(crate) struct Shown((RepoId, u64));

impl View<GitHub> for Shown {
    fn rest(&self, cx: &Cx<'_, GitHub>, reply: &mut Reply) {
        let site = Site::of(cx);
        let rows = (site.state.repos.get(&self.0.0), site.state.check_runs.get(&self.0));
        if let (Some(repo), Some(run)) = rows {
            reply.write_json(&CheckRunView { site, repo, run });
        }
    }
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum Phase {
    Queued,
    InProgress,
    Completed,
}

impl Phase {
    pub(crate) const fn name(self) -> &'static str {
        match self {
            Self::Queued => "queued",
            Self::InProgress => "in_progress",
            Self::Completed => "completed",
        }
    }
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum Conclusion {
    Success,
    Failure,
    Neutral,
    Cancelled,
    TimedOut,
    ActionRequired,
    Skipped,
    Stale,
}

impl Conclusion {
    const fn name(self) -> &'static str {
        match self {
            Self::Success => "success",
            Self::Failure => "failure",
            Self::Neutral => "neutral",
            Self::Cancelled => "cancelled",
            Self::TimedOut => "timed_out",
            Self::ActionRequired => "action_required",
            Self::Skipped => "skipped",
            Self::Stale => "stale",
        }
    }
}

#[derive(Deserialize)]
pub(crate) struct Output {
    title: Option<String>,
    summary: Option<String>,
    text: Option<String>,
    #[serde(default)]
    annotations: Vec<AnnotationBody>,
}

/// What can be said about a check run when it is made and later.
struct Said {
    details_url: Option<String>,
    external_id: Option<String>,
    status: Option<Phase>,
    started_at: Option<String>,
    conclusion: Option<Conclusion>,
    completed_at: Option<String>,
    output: Option<Output>,
}

impl Said {
    /// What is left are the annotations.
    fn apply(self, run: &mut CheckRun, now: Time) -> Result<Vec<AnnotationBody>, Error> {
        // A conclusion alone completes the run.
        let status = self.status.or_else(|| self.conclusion.map(|_| Phase::Completed));
        if let Some(status) = status {
            if status != Phase::Completed && (self.conclusion.is_some() || self.completed_at.is_some()) {
                let field = if self.conclusion.is_some() { "conclusion" } else { "completed_at" };
                return Err(Error::field(RESOURCE, field, "invalid"));
            }
            status.name().clone_into(&mut run.status);
            if status != Phase::Completed {
                run.conclusion = None;
                run.completed_at = None;
            }
        }
        if let Some(conclusion) = self.conclusion {
            run.conclusion = Some(conclusion.name().to_owned());
        }
        if let Some(text) = self.started_at {
            run.started_at = time(&text, "started_at")?;
        }
        if let Some(text) = self.completed_at {
            run.completed_at = Some(time(&text, "completed_at")?);
        }
        if run.status == "completed" {
            if run.conclusion.is_none() {
                return Err(Error::field(RESOURCE, "conclusion", "missing_field"));
            }
            run.completed_at.get_or_insert(now);
        } else if run.completed_at.is_some() {
            return Err(Error::field(RESOURCE, "completed_at", "invalid"));
        }
        if let Some(url) = self.details_url {
            run.details_url = Some(url).filter(|url| !url.is_empty());
        }
        if let Some(id) = self.external_id {
            run.external_id = id;
        }
        let Some(Output { title, summary, text, annotations }) = self.output else { return Ok(Vec::new()) };
        run.output_title = title.or(run.output_title.take());
        run.output_summary = summary.or(run.output_summary.take());
        run.output_text = text.or(run.output_text.take());
        Ok(annotations)
    }
}

fn time(text: &str, field: &str) -> Result<Time, Error> {
    Time::parse(text).ok_or_else(|| Error::field(RESOURCE, field, "invalid"))
}

/// Reports a check of a commit.
#[derive(Deserialize)]
pub(crate) struct Create {
    owner: String,
    repo: String,
    name: String,
    head_sha: String,
    details_url: Option<String>,
    external_id: Option<String>,
    status: Option<Phase>,
    started_at: Option<String>,
    conclusion: Option<Conclusion>,
    completed_at: Option<String>,
    output: Option<Output>,
}

impl Action<GitHub> for Create {
    const NAME: &'static str = "create_check_run";
    const MUTATES: bool = true;
    type Output = Shown;

    fn run(self, cx: &mut Cx<'_, GitHub>) -> Result<Shown, Error> {
        let repo = cx.repo_to_write(&self.owner, &self.repo, Permission::Write)?;
        let repo_id = repo.id;
        if self.name.trim().is_empty() {
            return Err(Error::field(RESOURCE, "name", "missing_field"));
        }
        let unknown = || Error::unprocessable(format!("No commit found for SHA: {}", self.head_sha));
        let head_sha = Oid::parse(&self.head_sha).ok_or_else(unknown)?;
        commit_named(cx, repo, &self.head_sha)?;
        let id = cx.state.next_check_run.next();
        let now = cx.now();
        let suite = cx.state.check_suite_for(repo_id, head_sha, now);
        let mut run = CheckRun {
            id,
            suite,
            head_sha,
            name: self.name,
            status: "queued".to_owned(),
            conclusion: None,
            details_url: None,
            external_id: String::new(),
            output_title: None,
            output_summary: None,
            output_text: None,
            started_at: cx.now(),
            completed_at: None,
        };
        let said = Said {
            details_url: self.details_url,
            external_id: self.external_id,
            status: self.status,
            started_at: self.started_at,
            conclusion: self.conclusion,
            completed_at: self.completed_at,
            output: self.output,
        };
        let annotations = said.apply(&mut run, now)?;
        let key = (repo_id, id);
        cx.state.check_runs.insert(key, run);
        annotate(cx.state, key, annotations)?;
        let after = row(cx.state, key);
        cx.changed(None, after);
        Ok(Shown(key))
    }
}

#[derive(Deserialize)]
pub(crate) struct Get {
    owner: String,
    repo: String,
    check_run_id: u64,
}

impl Action<GitHub> for Get {
    const NAME: &'static str = "get_check_run";
    type Output = Shown;

    fn run(self, cx: &mut Cx<'_, GitHub>) -> Result<Shown, Error> {
        let key = (cx.repo(&self.owner, &self.repo)?.id, self.check_run_id);
        if cx.state.check_runs.contains(&key) { Ok(Shown(key)) } else { Err(Error::not_found()) }
    }
}

/// Reports how a check goes on.
#[derive(Deserialize)]
pub(crate) struct Update {
    owner: String,
    repo: String,
    check_run_id: u64,
    name: Option<String>,
    details_url: Option<String>,
    external_id: Option<String>,
    status: Option<Phase>,
    started_at: Option<String>,
    conclusion: Option<Conclusion>,
    completed_at: Option<String>,
    output: Option<Output>,
}

impl Action<GitHub> for Update {
    const NAME: &'static str = "update_check_run";
    const MUTATES: bool = true;
    type Output = Shown;

    fn run(self, cx: &mut Cx<'_, GitHub>) -> Result<Shown, Error> {
        let key = (cx.repo_to_write(&self.owner, &self.repo, Permission::Write)?.id, self.check_run_id);
        let (now, before) = (cx.now(), row(cx.state, key));
        let run = cx.state.check_runs.get_mut(&key).ok_or_else(Error::not_found)?;
        if let Some(name) = self.name {
            if name.trim().is_empty() {
                return Err(Error::field(RESOURCE, "name", "missing_field"));
            }
            run.name = name;
        }
        let said = Said {
            details_url: self.details_url,
            external_id: self.external_id,
            status: self.status,
            started_at: self.started_at,
            conclusion: self.conclusion,
            completed_at: self.completed_at,
            output: self.output,
        };
        let annotations = said.apply(run, now)?;
        let suite = run.suite;
        annotate(cx.state, key, annotations)?;
        cx.state.suite_reported(key.0, suite, now);
        let after = row(cx.state, key);
        cx.changed(before, after);
        Ok(Shown(key))
    }
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
pub(crate) enum Filter {
    Latest,
    All,
}

/// The check runs of a commit, latest first; of each name the latest unless all are wanted.
#[derive(Deserialize)]
pub(crate) struct List {
    owner: String,
    repo: String,
    r#ref: String,
    check_name: Option<String>,
    status: Option<Phase>,
    filter: Option<Filter>,
    app_id: Option<u64>,
    page: Option<i64>,
    per_page: Option<i64>,
}

pub(crate) struct Listed(Page<(RepoId, u64)>);

#[derive(Serialize)]
struct Answer<S> {
    total_count: usize,
    check_runs: Vec<S>,
}

impl Listed {
    fn rows<'a>(&'a self, site: Site<'a>) -> impl Iterator<Item = CheckRunView<'a>> + 'a {
        self.0.keys.iter().filter_map(move |key| {
            let (repo, run) = (site.state.repos.get(&key.0)?, site.state.check_runs.get(key)?);
            Some(CheckRunView { site, repo, run })
        })
    }
}

impl View<GitHub> for Listed {
    fn rest(&self, cx: &Cx<'_, GitHub>, reply: &mut Reply) {
        let check_runs = self.rows(Site::of(cx)).collect();
        reply.write_json(&Answer { total_count: self.0.total, check_runs });
        self.0.link(cx, reply);
    }

    fn tool(&self, cx: &Cx<'_, GitHub>) -> ToolReply {
        let check_runs = self.rows(Site::of(cx)).map(ToolCheckRun).collect();
        ToolReply::json(&Answer { total_count: self.0.total, check_runs })
    }
}

impl Action<GitHub> for List {
    const NAME: &'static str = "list_check_runs_for_ref";
    type Output = Listed;

    fn run(self, cx: &mut Cx<'_, GitHub>) -> Result<Listed, Error> {
        let repo = cx.repo(&self.owner, &self.repo)?;
        let sha = commit_named(cx, repo, &self.r#ref)?;
        let all = self.filter == Some(Filter::All);
        let wanted = |run: &CheckRun| {
            self.check_name.as_ref().is_none_or(|name| *name == run.name)
                && self.status.is_none_or(|status| status.name() == run.status)
                && self.app_id.is_none_or(|app| app == APP_ID)
        };
        Ok(list(cx, repo.id, sha, all, wanted, (self.page, self.per_page)))
    }
}

pub(crate) fn list(
    cx: &Cx<'_, GitHub>,
    repo: RepoId,
    sha: Oid,
    all: bool,
    wanted: impl Fn(&CheckRun) -> bool,
    page: (Option<i64>, Option<i64>),
) -> Listed {
    let mut found: Vec<&CheckRun> = cx.state.check_runs_of(repo).filter(|run| run.head_sha == sha).collect();
    found.sort_by_key(|run| std::cmp::Reverse((run.started_at, run.id)));
    if !all {
        let mut names = Vec::new();
        found.retain(|run| {
            let first = !names.contains(&&run.name);
            names.push(&run.name);
            first
        });
    }
    let keys = found.into_iter().filter(|run| wanted(run)).map(|run| (repo, run.id));
    Listed(Page::of(keys, paging(page.0, page.1)))
}

/// The check runs of a pull request's head, for a tool.
#[derive(Deserialize)]
pub(crate) struct OfPull {
    pub(crate) owner: String,
    pub(crate) repo: String,
    pub(crate) pull_number: u64,
    pub(crate) page: Option<i64>,
    pub(crate) per_page: Option<i64>,
}

impl Action<GitHub> for OfPull {
    const NAME: &'static str = "get_pull_request_check_runs";
    type Output = Listed;

    fn run(self, cx: &mut Cx<'_, GitHub>) -> Result<Listed, Error> {
        let target = Target::find(cx, &self.owner, &self.repo, self.pull_number)?;
        let page = (self.page, self.per_page);
        Ok(list(cx, target.repo.id, target.pull.head_sha, false, |_| true, page))
    }
}
