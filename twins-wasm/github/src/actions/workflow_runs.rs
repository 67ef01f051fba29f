//! Runs of workflows, their jobs, logs and artifacts.

use std::io::{Cursor, Write as _};

use pome_twin_kit::action::Empty;
use pome_twin_kit::clock::Time;
use pome_twin_kit::{Action, Cx, Reply};
use serde::Deserialize;
use serde_json::{Value, json};
use zip::ZipWriter;
use zip::write::SimpleFileOptions;

use super::check_suites::Nothing;
use super::issue_lists::Direction;
use super::workflows::{Counted, One, find};
use super::{Page, paging};
use crate::GitHub;
use crate::access::Access;
use crate::error::Error;
use crate::state::{Permission, Repo, RepoId, State, fold};
use crate::views::Site;
use crate::views::workflows::{artifact as show_artifact, job as show_job, run as show_run};
use crate::workflows::{Job, WorkflowRun};

type Key = (RepoId, u64);

/// The stored row, for the trace and the exported state.
pub(crate) fn row(state: &State, key: Key) -> Option<Value> {
    let (repo, run) = (state.repos.get(&key.0)?, state.workflow_runs.get(&key)?);
    let job = |job: &Job| {
        json!({
            "id": job.id, "attempt": job.attempt, "name": job.name, "status": job.status, "conclusion": job.conclusion,
        })
    };
    Some(json!({
        "repo": repo.full_name(), "id": run.id, "path": run.path, "name": run.name, "number": run.number,
        "attempt": run.attempt, "event": run.event, "status": run.status, "conclusion": run.conclusion,
        "head_branch": run.head_branch, "head_sha": run.head_sha, "actor_login": run.actor,
        "created_at": run.created_at.to_seconds(), "updated_at": run.updated_at.to_seconds(),
        "jobs": state.jobs_of(key.0, key.1).map(job).collect::<Vec<_>>(),
    }))
}

fn found(cx: &Cx<'_, GitHub>, owner: &str, repo: &str, id: u64) -> Result<(Repo, WorkflowRun), Error> {
    let repo = cx.repo(owner, repo)?;
    let run = cx.state.workflow_runs.get(&(repo.id, id)).ok_or_else(Error::not_found)?;
    Ok((repo.clone(), run.clone()))
}

fn found_to_change(cx: &Cx<'_, GitHub>, owner: &str, repo: &str, id: u64) -> Result<(Repo, WorkflowRun), Error> {
    cx.repo_to_write(owner, repo, Permission::Write)?;
    found(cx, owner, repo, id)
}

/// Which runs a list shows, newest first.
#[derive(Deserialize)]
pub(crate) struct List {
    pub(crate) owner: String,
    pub(crate) repo: String,
    /// Only runs of this workflow, by id or file name.
    pub(crate) workflow_id: Option<String>,
    pub(crate) actor: Option<String>,
    pub(crate) branch: Option<String>,
    pub(crate) event: Option<String>,
    /// A status or a conclusion.
    pub(crate) status: Option<String>,
    /// A day, a time, or a range: `>=2026-01-01`, `2026-01-01..2026-02-01`.
    pub(crate) created: Option<String>,
    pub(crate) exclude_pull_requests: Option<bool>,
    pub(crate) check_suite_id: Option<u64>,
    pub(crate) head_sha: Option<String>,
    pub(crate) page: Option<i64>,
    pub(crate) per_page: Option<i64>,
}

/// What runs can be asked for by: statuses and conclusions.
const STATUSES: [&str; 14] = [
    "completed",
    "action_required",
    "cancelled",
    "failure",
    "neutral",
    "skipped",
    "stale",
    "success",
    "timed_out",
    "in_progress",
    "queued",
    "requested",
    "waiting",
    "pending",
];

/// Whether a time is within what the search syntax says.
fn within(at: Time, range: &str) -> Option<bool> {
    // A bare day ends with its last second.
    let end = |text: &str| Time::parse(text).map(|time| Time(time.0 + if text.len() == 10 { 86_399_999 } else { 999 }));
    if let Some((from, to)) = range.split_once("..") {
        let after = from == "*" || at >= Time::parse(from)?;
        return Some(after && (to == "*" || at <= end(to)?));
    }
    Some(if let Some(text) = range.strip_prefix(">=") {
        at >= Time::parse(text)?
    } else if let Some(text) = range.strip_prefix("<=") {
        at <= end(text)?
    } else if let Some(text) = range.strip_prefix('>') {
        at > end(text)?
    } else if let Some(text) = range.strip_prefix('<') {
        at < Time::parse(text)?
    } else {
        at >= Time::parse(range)? && at <= end(range)?
    })
}

impl Action<GitHub> for List {
    const NAME: &'static str = "list_workflow_runs";
    type Output = Counted;

    fn run(self, cx: &mut Cx<'_, GitHub>) -> Result<Counted, Error> {
        let (site, repo) = (Site::of(cx), cx.repo(&self.owner, &self.repo)?);
        let workflow = self.workflow_id.as_deref().map(|name| find(cx, repo, name)).transpose()?;
        if let Some(status) = self.status.as_deref().filter(|status| !STATUSES.contains(status)) {
            return Err(Error::value("WorkflowRun", "status", "invalid", status));
        }
        if self.created.as_deref().is_some_and(|range| within(cx.now(), range).is_none()) {
            return Err(Error::field("WorkflowRun", "created", "invalid"));
        }
        let same = |wanted: &Option<String>, held: &str| wanted.as_ref().is_none_or(|wanted| wanted == held);
        let admits = |run: &&WorkflowRun| {
            workflow.as_ref().is_none_or(|workflow| run.workflow == workflow.id)
                && self.actor.as_ref().is_none_or(|login| fold(&run.actor) == fold(login))
                && same(&self.branch, run.head_branch.as_deref().unwrap_or_default())
                && same(&self.event, &run.event)
                && self
                    .status
                    .as_ref()
                    .is_none_or(|wanted| *wanted == run.status || Some(wanted.as_str()) == run.conclusion.as_deref())
                && self.created.as_ref().is_none_or(|range| within(run.created_at, range) == Some(true))
                && self.check_suite_id.is_none_or(|suite| run.suite == suite)
                && same(&self.head_sha, &run.head_sha.hex())
        };
        let pulls = self.exclude_pull_requests != Some(true);
        let rows = cx.state.workflow_runs_of(repo.id).rev().filter(admits);
        let rows = rows.map(|run| show_run(site, repo, run, pulls));
        Ok(Counted { name: "workflow_runs", page: Page::of(rows, paging(self.page, self.per_page)) })
    }
}

#[derive(Deserialize)]
pub(crate) struct Get {
    pub(crate) owner: String,
    pub(crate) repo: String,
    pub(crate) run_id: u64,
    pub(crate) exclude_pull_requests: Option<bool>,
}

impl Action<GitHub> for Get {
    const NAME: &'static str = "get_workflow_run";
    type Output = One;

    fn run(self, cx: &mut Cx<'_, GitHub>) -> Result<One, Error> {
        let (repo, run) = found(cx, &self.owner, &self.repo, self.run_id)?;
        Ok(One(show_run(Site::of(cx), &repo, &run, self.exclude_pull_requests != Some(true))))
    }
}

/// Deletes a run that has ended, with its jobs and artifacts.
#[derive(Deserialize)]
pub(crate) struct Delete {
    owner: String,
    repo: String,
    run_id: u64,
}

impl Action<GitHub> for Delete {
    const NAME: &'static str = "delete_workflow_run";
    const MUTATES: bool = true;
    type Output = Empty;

    fn run(self, cx: &mut Cx<'_, GitHub>) -> Result<Empty, Error> {
        let (repo, run) = found_to_change(cx, &self.owner, &self.repo, self.run_id)?;
        if run.status != "completed" {
            return Err(Error::forbidden("Could not delete the workflow run"));
        }
        let key = (repo.id, run.id);
        let before = row(cx.state, key);
        let jobs: Vec<u64> = cx.state.jobs_of(key.0, key.1).map(|job| job.id).collect();
        for job in jobs {
            cx.state.jobs.remove(&(key.0, job));
        }
        let artifacts = cx.state.artifacts.range((key.0, 0)..=(key.0, u64::MAX));
        let artifacts: Vec<Key> = artifacts.filter(|(_, row)| row.run == key.1).map(|(key, _)| *key).collect();
        for artifact in artifacts {
            cx.state.artifacts.remove(&artifact);
        }
        cx.state.workflow_runs.remove(&key);
        cx.changed(before, None);
        Ok(Empty)
    }
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
pub(crate) enum Attempts {
    Latest,
    All,
}

/// The jobs of a run; of its latest attempt unless all are wanted.
#[derive(Deserialize)]
pub(crate) struct Jobs {
    pub(crate) owner: String,
    pub(crate) repo: String,
    pub(crate) run_id: u64,
    pub(crate) filter: Option<Attempts>,
    pub(crate) page: Option<i64>,
    pub(crate) per_page: Option<i64>,
}

impl Action<GitHub> for Jobs {
    const NAME: &'static str = "list_workflow_jobs";
    type Output = Counted;

    fn run(self, cx: &mut Cx<'_, GitHub>) -> Result<Counted, Error> {
        let (repo, run) = found(cx, &self.owner, &self.repo, self.run_id)?;
        let all = self.filter == Some(Attempts::All);
        let rows = cx.state.jobs_of(repo.id, run.id).filter(|job| all || job.attempt == run.attempt);
        let site = Site::of(cx);
        let rows = rows.map(|job| show_job(site, &repo, &run, job));
        Ok(Counted { name: "jobs", page: Page::of(rows, paging(self.page, self.per_page)) })
    }
}

#[derive(Deserialize)]
pub(crate) struct GetJob {
    pub(crate) owner: String,
    pub(crate) repo: String,
    pub(crate) job_id: u64,
}

pub(crate) fn job(cx: &Cx<'_, GitHub>, owner: &str, repo: &str, id: u64) -> Result<(Repo, WorkflowRun, Job), Error> {
    let job = cx.state.jobs.get(&(cx.repo(owner, repo)?.id, id)).ok_or_else(Error::not_found)?.clone();
    let (repo, run) = found(cx, owner, repo, job.run)?;
    Ok((repo, run, job))
}

impl Action<GitHub> for GetJob {
    const NAME: &'static str = "get_workflow_job";
    type Output = One;

    fn run(self, cx: &mut Cx<'_, GitHub>) -> Result<One, Error> {
        let (repo, run, job) = job(cx, &self.owner, &self.repo, self.job_id)?;
        Ok(One(show_job(Site::of(cx), &repo, &run, &job)))
    }
}

/// What a job wrote: what the seed says, else a line for each step that has ended.
pub(crate) fn job_log(job: &Job) -> String {
    if let Some(log) = &job.log {
        return log.clone();
    }
    let at = job.started_at.unwrap_or(job.created_at).to_millis();
    let line = |step: &crate::workflows::Step| {
        let conclusion = step.conclusion.as_ref()?;
        let error = if conclusion == "failure" {
            format!("{at} ##[error]Process completed with exit code 1.\n")
        } else {
            String::new()
        };
        Some(format!("{at} ##[group]{}\n{at} ##[endgroup]\n{error}", step.name))
    };
    job.steps.iter().filter_map(line).collect()
}

/// Where the twin itself has a file of `actions`.
pub(crate) fn log_address(cx: &Cx<'_, GitHub>, repo: &Repo, rest: &str) -> String {
    format!("{}/repos/{}/{}/actions/{rest}", cx.origin, repo.owner, repo.name)
}

/// Sends on to a file that the twin has; the vendor sends to another host.
fn elsewhere(cx: &Cx<'_, GitHub>, repo: &Repo, rest: &str) -> Reply {
    let mut reply = Reply::new(302);
    reply.header("location", log_address(cx, repo, rest));
    reply
}

/// Where the log of a job is.
#[derive(Deserialize)]
pub(crate) struct JobLogs {
    owner: String,
    repo: String,
    job_id: u64,
}

impl Action<GitHub> for JobLogs {
    const NAME: &'static str = "download_job_logs";
    type Output = Reply;

    fn run(self, cx: &mut Cx<'_, GitHub>) -> Result<Reply, Error> {
        let (repo, _, job) = job(cx, &self.owner, &self.repo, self.job_id)?;
        if job.status == "queued" {
            return Err(Error::not_found());
        }
        Ok(elsewhere(cx, &repo, &format!("jobs/{}/logs/text", job.id)))
    }
}

/// The log of a job itself.
#[derive(Deserialize)]
pub(crate) struct JobLogText {
    owner: String,
    repo: String,
    job_id: u64,
}

impl Action<GitHub> for JobLogText {
    const NAME: &'static str = "read_job_logs";
    type Output = Reply;

    fn run(self, cx: &mut Cx<'_, GitHub>) -> Result<Reply, Error> {
        let (_, _, job) = job(cx, &self.owner, &self.repo, self.job_id)?;
        let mut reply = Reply::new(200);
        reply.body = job_log(&job).into_bytes();
        reply.header("content-type", "text/plain; charset=utf-8");
        Ok(reply)
    }
}

/// Files as one zip file, the same bytes for the same files.
fn zipped<'f>(files: impl Iterator<Item = (String, &'f [u8])>) -> Result<Reply, Error> {
    let write = || -> Result<Vec<u8>, zip::result::ZipError> {
        let mut zip = ZipWriter::new(Cursor::new(Vec::new()));
        for (path, bytes) in files {
            zip.start_file(path, SimpleFileOptions::default().last_modified_time(zip::DateTime::default()))?;
            zip.write_all(bytes)?;
        }
        Ok(zip.finish()?.into_inner())
    };
    let mut reply = Reply::new(200);
    // The writer fills a vector; it fails only on names that the format cannot hold.
    reply.body = write().map_err(|error| Error::unprocessable(format!("the file cannot be written: {error}")))?;
    reply.header("content-type", "application/zip");
    Ok(reply)
}

/// Where the logs of a run are.
#[derive(Deserialize)]
pub(crate) struct RunLogs {
    owner: String,
    repo: String,
    run_id: u64,
}

impl Action<GitHub> for RunLogs {
    const NAME: &'static str = "download_workflow_run_logs";
    type Output = Reply;

    fn run(self, cx: &mut Cx<'_, GitHub>) -> Result<Reply, Error> {
        let (repo, run) = found(cx, &self.owner, &self.repo, self.run_id)?;
        Ok(elsewhere(cx, &repo, &format!("runs/{}/logs/zip", run.id)))
    }
}

/// The logs of a run themselves, one file a job.
#[derive(Deserialize)]
pub(crate) struct RunLogZip {
    owner: String,
    repo: String,
    run_id: u64,
}

impl Action<GitHub> for RunLogZip {
    const NAME: &'static str = "read_workflow_run_logs";
    type Output = Reply;

    fn run(self, cx: &mut Cx<'_, GitHub>) -> Result<Reply, Error> {
        let (repo, run) = found(cx, &self.owner, &self.repo, self.run_id)?;
        let jobs = cx.state.jobs_of(repo.id, run.id).filter(|job| job.attempt == run.attempt);
        let logs: Vec<(String, String)> = jobs
            .enumerate()
            .map(|(at, job)| (format!("{at}_{}.txt", job.name.replace('/', "_")), job_log(job)))
            .collect();
        zipped(logs.iter().map(|(name, text)| (name.clone(), text.as_bytes())))
    }
}

/// Starts another attempt of some jobs. How they end: as the seed says of the workflow, else well.
fn again(cx: &mut Cx<'_, GitHub>, repo: &Repo, run: &WorkflowRun, jobs: &[Job]) -> Nothing {
    let (key, now, actor) = ((repo.id, run.id), cx.now(), cx.actor().to_owned());
    let before = row(cx.state, key);
    let planned = cx.state.workflow_outcomes.get(&(repo.id, run.path.clone())).cloned();
    let planned = planned.unwrap_or_else(|| "success".to_owned());
    if let Some(run) = cx.state.workflow_runs.get_mut(&key) {
        run.attempt += 1;
        "queued".clone_into(&mut run.status);
        run.conclusion = None;
        run.triggering_actor = actor;
        run.started_at = now;
        run.updated_at = now;
    }
    let all: Vec<Job> = cx.state.jobs_of(key.0, key.1).filter(|job| job.attempt == run.attempt).cloned().collect();
    for old in all {
        let steps = old.steps.iter().map(|step| step.name.clone()).collect();
        let chosen = jobs.iter().any(|job| job.id == old.id);
        let id = cx.state.add_job(key, old.name.clone(), old.labels.clone(), steps, &planned, now);
        // What is not run again stands as it did.
        if !chosen && let Some(conclusion) = &old.conclusion {
            cx.state.set_job((key.0, id), "completed", Some(conclusion), now);
        }
    }
    let after = row(cx.state, key);
    cx.changed(before, after);
    Nothing
}

/// The jobs of the latest attempt, which must have ended.
fn ended(cx: &Cx<'_, GitHub>, repo: &Repo, run: &WorkflowRun) -> Result<Vec<Job>, Error> {
    if run.status != "completed" {
        return Err(Error::forbidden("This workflow is already running"));
    }
    Ok(cx.state.jobs_of(repo.id, run.id).filter(|job| job.attempt == run.attempt).cloned().collect())
}

/// Runs everything again.
#[derive(Deserialize)]
pub(crate) struct Rerun {
    pub(crate) owner: String,
    pub(crate) repo: String,
    pub(crate) run_id: u64,
}

impl Action<GitHub> for Rerun {
    const NAME: &'static str = "rerun_workflow_run";
    const MUTATES: bool = true;
    type Output = Nothing;

    fn run(self, cx: &mut Cx<'_, GitHub>) -> Result<Nothing, Error> {
        let (repo, run) = found_to_change(cx, &self.owner, &self.repo, self.run_id)?;
        let jobs = ended(cx, &repo, &run)?;
        Ok(again(cx, &repo, &run, &jobs))
    }
}

/// Runs what failed again.
#[derive(Deserialize)]
pub(crate) struct RerunFailed {
    pub(crate) owner: String,
    pub(crate) repo: String,
    pub(crate) run_id: u64,
}

impl Action<GitHub> for RerunFailed {
    const NAME: &'static str = "rerun_failed_jobs";
    const MUTATES: bool = true;
    type Output = Nothing;

    fn run(self, cx: &mut Cx<'_, GitHub>) -> Result<Nothing, Error> {
        let (repo, run) = found_to_change(cx, &self.owner, &self.repo, self.run_id)?;
        let fine = |job: &Job| matches!(job.conclusion.as_deref(), Some("success" | "skipped" | "neutral"));
        let jobs: Vec<Job> = ended(cx, &repo, &run)?.into_iter().filter(|job| !fine(job)).collect();
        if jobs.is_empty() {
            return Err(Error::forbidden("This workflow run has no failed jobs"));
        }
        Ok(again(cx, &repo, &run, &jobs))
    }
}

/// Runs one job again.
#[derive(Deserialize)]
pub(crate) struct RerunJob {
    owner: String,
    repo: String,
    job_id: u64,
}

impl Action<GitHub> for RerunJob {
    const NAME: &'static str = "rerun_job";
    const MUTATES: bool = true;
    type Output = Nothing;

    fn run(self, cx: &mut Cx<'_, GitHub>) -> Result<Nothing, Error> {
        cx.repo_to_write(&self.owner, &self.repo, Permission::Write)?;
        let (repo, run, job) = job(cx, &self.owner, &self.repo, self.job_id)?;
        ended(cx, &repo, &run)?;
        Ok(again(cx, &repo, &run, &[job]))
    }
}

/// Ends a run that is under way.
#[derive(Deserialize)]
pub(crate) struct Cancel {
    pub(crate) owner: String,
    pub(crate) repo: String,
    pub(crate) run_id: u64,
}

impl Action<GitHub> for Cancel {
    const NAME: &'static str = "cancel_workflow_run";
    const MUTATES: bool = true;
    type Output = Nothing;

    fn run(self, cx: &mut Cx<'_, GitHub>) -> Result<Nothing, Error> {
        let (repo, run) = found_to_change(cx, &self.owner, &self.repo, self.run_id)?;
        if run.status == "completed" {
            return Err(Error::conflict("Cannot cancel a workflow run that is completed."));
        }
        let (key, now) = ((repo.id, run.id), cx.now());
        let before = row(cx.state, key);
        let open: Vec<u64> =
            cx.state.jobs_of(key.0, key.1).filter(|job| job.status != "completed").map(|job| job.id).collect();
        for job in open {
            cx.state.set_job((key.0, job), "completed", Some("cancelled"), now);
        }
        cx.state.settle_run(key, now);
        let after = row(cx.state, key);
        cx.changed(before, after);
        Ok(Nothing)
    }
}

/// The artifacts of a repository or of one run, newest first.
#[derive(Deserialize)]
pub(crate) struct Artifacts {
    pub(crate) owner: String,
    pub(crate) repo: String,
    pub(crate) run_id: Option<u64>,
    pub(crate) name: Option<String>,
    /// Newest first unless `asc`.
    pub(crate) direction: Option<Direction>,
    pub(crate) page: Option<i64>,
    pub(crate) per_page: Option<i64>,
}

impl Action<GitHub> for Artifacts {
    const NAME: &'static str = "list_artifacts";
    type Output = Counted;

    fn run(self, cx: &mut Cx<'_, GitHub>) -> Result<Counted, Error> {
        let repo = cx.repo(&self.owner, &self.repo)?;
        if let Some(run) = self.run_id {
            found(cx, &self.owner, &self.repo, run)?;
        }
        let (site, now) = (Site::of(cx), cx.now());
        let mut all: Vec<_> =
            cx.state.artifacts.range((repo.id, 0)..=(repo.id, u64::MAX)).map(|(_, row)| row).collect();
        if self.direction != Some(Direction::Asc) {
            all.reverse();
        }
        let rows = all
            .into_iter()
            .filter(|row| self.run_id.is_none_or(|run| row.run == run))
            .filter(|row| self.name.as_ref().is_none_or(|name| row.name == *name))
            .map(|row| show_artifact(site, repo, site.state.workflow_runs.get(&(repo.id, row.run)), row, now));
        Ok(Counted { name: "artifacts", page: Page::of(rows, paging(self.page, self.per_page)) })
    }
}

#[derive(Deserialize)]
pub(crate) struct GetArtifact {
    owner: String,
    repo: String,
    artifact_id: u64,
}

impl Action<GitHub> for GetArtifact {
    const NAME: &'static str = "get_artifact";
    type Output = One;

    fn run(self, cx: &mut Cx<'_, GitHub>) -> Result<One, Error> {
        let repo = cx.repo(&self.owner, &self.repo)?;
        let row = cx.state.artifacts.get(&(repo.id, self.artifact_id)).ok_or_else(Error::not_found)?;
        let of = cx.state.workflow_runs.get(&(repo.id, row.run));
        Ok(One(show_artifact(Site::of(cx), repo, of, row, cx.now())))
    }
}

/// Where the files of an artifact are.
#[derive(Deserialize)]
pub(crate) struct DownloadArtifact {
    owner: String,
    repo: String,
    artifact_id: u64,
    archive_format: String,
}

impl Action<GitHub> for DownloadArtifact {
    const NAME: &'static str = "download_artifact";
    type Output = Reply;

    fn run(self, cx: &mut Cx<'_, GitHub>) -> Result<Reply, Error> {
        let repo = cx.repo(&self.owner, &self.repo)?;
        let row = cx.state.artifacts.get(&(repo.id, self.artifact_id)).ok_or_else(Error::not_found)?;
        if self.archive_format != "zip" {
            return Err(Error::not_found());
        }
        if cx.now() >= row.expires_at {
            return Err(Error::new(410, "Artifact has expired"));
        }
        Ok(elsewhere(cx, repo, &format!("artifacts/{}/zip/file", row.id)))
    }
}

/// The files of an artifact themselves.
#[derive(Deserialize)]
pub(crate) struct ArtifactZip {
    owner: String,
    repo: String,
    artifact_id: u64,
}

impl Action<GitHub> for ArtifactZip {
    const NAME: &'static str = "read_artifact";
    type Output = Reply;

    fn run(self, cx: &mut Cx<'_, GitHub>) -> Result<Reply, Error> {
        let repo = cx.repo(&self.owner, &self.repo)?;
        let row = cx.state.artifacts.get(&(repo.id, self.artifact_id)).ok_or_else(Error::not_found)?;
        zipped(row.files.iter().map(|(path, text)| (path.clone(), text.as_bytes())))
    }
}

#[derive(Deserialize)]
pub(crate) struct DeleteArtifact {
    owner: String,
    repo: String,
    artifact_id: u64,
}

impl Action<GitHub> for DeleteArtifact {
    const NAME: &'static str = "delete_artifact";
    const MUTATES: bool = true;
    type Output = Empty;

    fn run(self, cx: &mut Cx<'_, GitHub>) -> Result<Empty, Error> {
        let repo = cx.repo_to_write(&self.owner, &self.repo, Permission::Write)?.clone();
        let gone = cx.state.artifacts.remove(&(repo.id, self.artifact_id)).ok_or_else(Error::not_found)?;
        cx.changed(Some(json!({ "repo": repo.full_name(), "id": gone.id, "name": gone.name })), None);
        Ok(Empty)
    }
}

/// How long a run took, job by job.
#[derive(Deserialize)]
pub(crate) struct Usage {
    pub(crate) owner: String,
    pub(crate) repo: String,
    pub(crate) run_id: u64,
}

impl Action<GitHub> for Usage {
    const NAME: &'static str = "get_workflow_run_usage";
    type Output = One;

    fn run(self, cx: &mut Cx<'_, GitHub>) -> Result<One, Error> {
        let (repo, run) = found(cx, &self.owner, &self.repo, self.run_id)?;
        let took = |job: &Job| match (job.started_at, job.completed_at) {
            (Some(from), Some(to)) => to.0.saturating_sub(from.0),
            _ => 0,
        };
        let jobs: Vec<(u64, u64)> = cx
            .state
            .jobs_of(repo.id, run.id)
            .filter(|job| job.attempt == run.attempt)
            .map(|job| (job.id, took(job)))
            .collect();
        let total: u64 = jobs.iter().map(|(_, took)| took).sum();
        let rows: Vec<Value> = jobs.iter().map(|(id, took)| json!({ "job_id": id, "duration_ms": took })).collect();
        let billable = json!({ "UBUNTU": { "total_ms": total, "jobs": rows.len(), "job_runs": rows } });
        let duration = run.updated_at.0.saturating_sub(run.started_at.0);
        Ok(One(json!({ "billable": billable, "run_duration_ms": duration })))
    }
}

/// Throws the logs of a run away.
#[derive(Deserialize)]
pub(crate) struct DeleteLogs {
    pub(crate) owner: String,
    pub(crate) repo: String,
    pub(crate) run_id: u64,
}

impl Action<GitHub> for DeleteLogs {
    const NAME: &'static str = "delete_workflow_run_logs";
    const MUTATES: bool = true;
    type Output = Empty;

    fn run(self, cx: &mut Cx<'_, GitHub>) -> Result<Empty, Error> {
        let (repo, run) = found_to_change(cx, &self.owner, &self.repo, self.run_id)?;
        if run.status != "completed" {
            return Err(Error::forbidden("Could not delete the logs of a workflow run that is under way"));
        }
        let before = row(cx.state, (repo.id, run.id));
        let jobs: Vec<u64> = cx.state.jobs_of(repo.id, run.id).map(|job| job.id).collect();
        for job in jobs {
            if let Some(job) = cx.state.jobs.get_mut(&(repo.id, job)) {
                job.log = Some(String::new());
            }
        }
        let after = row(cx.state, (repo.id, run.id));
        cx.changed(before, after);
        Ok(Empty)
    }
}
