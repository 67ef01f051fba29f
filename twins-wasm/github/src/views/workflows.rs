//! Workflows, their runs, jobs and artifacts.

use pome_twin_kit::clock::Time;
use serde_json::{Value, json};

use super::check_suites::{pulls_at, simple_commit};
use super::events::value;
use super::repos::RepoView;
use super::users::SimpleUser;
use super::{HTML, Site};
use crate::state::Repo;
use crate::workflows::{Artifact, Job, Workflow, WorkflowRun, job_page};

fn api(site: Site<'_>, repo: &Repo) -> String {
    format!("{}/repos/{}/{}", site.api, repo.owner, repo.name)
}

/// `workflow`
pub(crate) fn workflow(site: Site<'_>, repo: &Repo, row: &Workflow) -> Value {
    let html = format!("{HTML}/{}/{}", repo.owner, repo.name);
    json!({
        "id": row.id,
        "node_id": format!("W_{}", row.id),
        "name": row.name,
        "path": row.path,
        "state": if row.disabled { "disabled_manually" } else { "active" },
        "created_at": repo.created_at.to_seconds(),
        "updated_at": repo.pushed_at.to_seconds(),
        "url": format!("{}/actions/workflows/{}", api(site, repo), row.id),
        "html_url": format!("{html}/blob/{}/{}", repo.default_branch, row.path),
        "badge_url": format!("{html}/workflows/{}/badge.svg", super::Encoded(&row.name)),
    })
}

/// `workflow-run`
pub(crate) fn run(site: Site<'_>, repo: &Repo, row: &WorkflowRun, pulls: bool) -> Value {
    let (api, id) = (api(site, repo), row.id);
    let url = format!("{api}/actions/runs/{id}");
    let user = |login: &str| value(SimpleUser::of(site, login));
    let previous = (row.attempt > 1).then(|| format!("{url}/attempts/{}", row.attempt - 1));
    let of = value(RepoView::short(site, repo));
    json!({
        "id": id,
        "name": row.name,
        "node_id": format!("WFR_{id}"),
        "head_branch": row.head_branch,
        "head_sha": row.head_sha,
        "path": row.path,
        "display_title": row.title,
        "run_number": row.number,
        "event": row.event,
        "status": row.status,
        "conclusion": row.conclusion,
        "workflow_id": row.workflow,
        "check_suite_id": row.suite,
        "check_suite_node_id": format!("CS_{}", row.suite),
        "url": url,
        "html_url": format!("{HTML}/{}/{}/actions/runs/{id}", repo.owner, repo.name),
        "pull_requests": if pulls { pulls_at(site, repo, row.head_sha) } else { Vec::new() },
        "created_at": row.created_at.to_seconds(),
        "updated_at": row.updated_at.to_seconds(),
        "actor": user(&row.actor),
        "run_attempt": row.attempt,
        "referenced_workflows": [],
        "run_started_at": row.started_at.to_seconds(),
        "triggering_actor": user(&row.triggering_actor),
        "jobs_url": format!("{url}/jobs"),
        "logs_url": format!("{url}/logs"),
        "check_suite_url": format!("{api}/check-suites/{}", row.suite),
        "artifacts_url": format!("{url}/artifacts"),
        "cancel_url": format!("{url}/cancel"),
        "rerun_url": format!("{url}/rerun"),
        "previous_attempt_url": previous,
        "workflow_url": format!("{api}/actions/workflows/{}", row.workflow),
        "head_commit": simple_commit(site, row.head_sha),
        "repository": of,
        "head_repository": of,
    })
}

/// `job`
pub(crate) fn job(site: Site<'_>, repo: &Repo, of: &WorkflowRun, row: &Job) -> Value {
    let (api, id) = (api(site, repo), row.id);
    let runner = row.started_at.map(|_| ("GitHub Actions", "Default"));
    let (started, completed) = (row.started_at.unwrap_or(row.created_at), row.completed_at);
    let step = |(at, step): (usize, &crate::workflows::Step)| {
        json!({
            "name": step.name,
            "status": step.status,
            "conclusion": step.conclusion,
            "number": at + 1,
            "started_at": row.started_at.map(Time::to_seconds),
            "completed_at": step.conclusion.as_ref().and(completed).map(Time::to_seconds),
        })
    };
    json!({
        "id": id,
        "run_id": row.run,
        "workflow_name": of.name,
        "head_branch": of.head_branch,
        "run_url": format!("{api}/actions/runs/{}", row.run),
        "run_attempt": row.attempt,
        "node_id": format!("J_{id}"),
        "head_sha": of.head_sha,
        "url": format!("{api}/actions/jobs/{id}"),
        "html_url": job_page(repo, row.run, id),
        "status": row.status,
        "conclusion": row.conclusion,
        "created_at": row.created_at.to_seconds(),
        "started_at": started.to_seconds(),
        "completed_at": completed.map(Time::to_seconds),
        "name": row.name,
        "steps": row.steps.iter().enumerate().map(step).collect::<Vec<_>>(),
        "check_run_url": format!("{api}/check-runs/{}", row.check_run),
        "labels": row.labels,
        "runner_id": runner.map(|_| 1),
        "runner_name": runner.map(|(name, _)| name),
        "runner_group_id": runner.map(|_| 1),
        "runner_group_name": runner.map(|(_, group)| group),
    })
}

/// `artifact`
pub(crate) fn artifact(site: Site<'_>, repo: &Repo, of: Option<&WorkflowRun>, row: &Artifact, now: Time) -> Value {
    let url = format!("{}/actions/artifacts/{}", api(site, repo), row.id);
    let size: usize = row.files.iter().map(|(_, text)| text.len()).sum();
    json!({
        "id": row.id,
        "node_id": format!("A_{}", row.id),
        "name": row.name,
        "size_in_bytes": size,
        "url": url,
        "archive_download_url": format!("{url}/zip"),
        "expired": now >= row.expires_at,
        "created_at": row.created_at.to_seconds(),
        "updated_at": row.created_at.to_seconds(),
        "expires_at": row.expires_at.to_seconds(),
        "workflow_run": of.map(|run| json!({
            "id": run.id, "repository_id": repo.id, "head_repository_id": repo.id,
            "head_branch": run.head_branch.as_deref().unwrap_or_default(), "head_sha": run.head_sha,
        })),
    })
}
