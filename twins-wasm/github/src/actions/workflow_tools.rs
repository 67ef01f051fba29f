//! The official server's tools of its `actions` toolset.

use pome_twin_kit::{Action, Cx, Reply, ToolReply, View};
use serde::Deserialize;
use serde_json::{Map, Value, json};

use super::workflow_runs::{
    Artifacts, Attempts, Cancel, DeleteLogs, Get as GetRun, GetJob, Jobs, List as ListRuns, Rerun, RerunFailed, Usage,
    job, job_log, log_address,
};
use super::workflows::{Dispatch, Get as GetWorkflow, List as ListWorkflows, One};
use crate::GitHub;
use crate::access::Access;
use crate::error::Error;

fn missing(name: &str) -> Error {
    Error::unprocessable(format!("missing required parameter: {name}"))
}

/// An id that arrives as text.
fn number(text: Option<&str>, name: &str) -> Result<u64, Error> {
    let text = text.filter(|text| !text.is_empty()).ok_or_else(|| missing(name))?;
    text.parse().map_err(|_| Error::unprocessable(format!("invalid {name}: {text}")))
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
enum Listing {
    #[serde(rename = "list_workflows")]
    Workflows,
    #[serde(rename = "list_workflow_runs")]
    Runs,
    #[serde(rename = "list_workflow_jobs")]
    Jobs,
    #[serde(rename = "list_workflow_run_artifacts")]
    Artifacts,
}

#[derive(Deserialize, Default)]
struct RunsFilter {
    actor: Option<String>,
    branch: Option<String>,
    event: Option<String>,
    status: Option<String>,
}

#[derive(Deserialize)]
struct JobsFilter {
    filter: Option<Attempts>,
}

/// `actions_list`
#[derive(Deserialize)]
pub(crate) struct ListTool {
    method: Listing,
    owner: String,
    repo: String,
    resource_id: Option<String>,
    workflow_runs_filter: Option<RunsFilter>,
    workflow_jobs_filter: Option<JobsFilter>,
    page: Option<i64>,
    #[serde(alias = "perPage")]
    per_page: Option<i64>,
}

impl Action<GitHub> for ListTool {
    const NAME: &'static str = "actions_list";
    type Output = Box<dyn View<GitHub>>;

    fn run(self, cx: &mut Cx<'_, GitHub>) -> Result<Self::Output, Error> {
        let Self { owner, repo, resource_id, page, per_page, .. } = self;
        let id = || number(resource_id.as_deref(), "resource_id");
        Ok(match self.method {
            Listing::Workflows => Box::new(ListWorkflows { owner, repo, page, per_page }.run(cx)?),
            Listing::Runs => {
                let RunsFilter { actor, branch, event, status } = self.workflow_runs_filter.unwrap_or_default();
                let workflow_id = resource_id.filter(|id| !id.is_empty());
                let list = ListRuns {
                    owner,
                    repo,
                    workflow_id,
                    actor,
                    branch,
                    event,
                    status,
                    created: None,
                    exclude_pull_requests: None,
                    check_suite_id: None,
                    head_sha: None,
                    page,
                    per_page,
                };
                Box::new(list.run(cx)?)
            }
            Listing::Jobs => {
                let filter = self.workflow_jobs_filter.and_then(|filter| filter.filter);
                Box::new(Jobs { owner, repo, run_id: id()?, filter, page, per_page }.run(cx)?)
            }
            Listing::Artifacts => {
                let run_id = Some(id()?);
                Box::new(Artifacts { owner, repo, run_id, name: None, direction: None, page, per_page }.run(cx)?)
            }
        })
    }
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "snake_case")]
enum Getting {
    GetWorkflow,
    GetWorkflowRun,
    GetWorkflowJob,
    DownloadWorkflowRunArtifact,
    GetWorkflowRunUsage,
    GetWorkflowRunLogsUrl,
}

/// `actions_get`
#[derive(Deserialize)]
pub(crate) struct GetTool {
    method: Getting,
    owner: String,
    repo: String,
    resource_id: String,
}

impl Action<GitHub> for GetTool {
    const NAME: &'static str = "actions_get";
    type Output = Box<dyn View<GitHub>>;

    fn run(self, cx: &mut Cx<'_, GitHub>) -> Result<Self::Output, Error> {
        let Self { owner, repo, resource_id, .. } = self;
        let id = || number(Some(&resource_id), "resource_id");
        Ok(match self.method {
            Getting::GetWorkflow => Box::new(GetWorkflow { owner, repo, workflow_id: resource_id }.run(cx)?),
            Getting::GetWorkflowRun => {
                Box::new(GetRun { owner, repo, run_id: id()?, exclude_pull_requests: None }.run(cx)?)
            }
            Getting::GetWorkflowJob => Box::new(GetJob { owner, repo, job_id: id()? }.run(cx)?),
            Getting::GetWorkflowRunLogsUrl => {
                let run_id = id()?;
                GetRun { owner: owner.clone(), repo: repo.clone(), run_id, exclude_pull_requests: None }.run(cx)?;
                let found = cx.repo(&owner, &repo)?;
                let url = log_address(cx, found, &format!("runs/{run_id}/logs/zip"));
                Box::new(One(json!({ "logs_url": url, "message": "Workflow run logs are available for download" })))
            }
            Getting::DownloadWorkflowRunArtifact => {
                let artifact = id()?;
                let found = cx.repo(&owner, &repo)?;
                if !cx.state.artifacts.contains(&(found.id, artifact)) {
                    return Err(Error::not_found());
                }
                let url = log_address(cx, found, &format!("artifacts/{artifact}/zip/file"));
                let message = "Artifact is available for download";
                Box::new(One(json!({ "download_url": url, "message": message, "artifact_id": artifact })))
            }
            Getting::GetWorkflowRunUsage => Box::new(Usage { owner, repo, run_id: id()? }.run(cx)?),
        })
    }
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "snake_case")]
enum Trigger {
    RunWorkflow,
    RerunWorkflowRun,
    RerunFailedJobs,
    CancelWorkflowRun,
    DeleteWorkflowRunLogs,
}

/// `actions_run_trigger`
#[derive(Deserialize)]
pub(crate) struct TriggerTool {
    method: Trigger,
    owner: String,
    repo: String,
    workflow_id: Option<String>,
    r#ref: Option<String>,
    #[serde(default)]
    inputs: Map<String, Value>,
    run_id: Option<u64>,
}

impl Action<GitHub> for TriggerTool {
    const NAME: &'static str = "actions_run_trigger";
    const MUTATES: bool = true;
    type Output = One;

    fn run(self, cx: &mut Cx<'_, GitHub>) -> Result<One, Error> {
        let Self { owner, repo, workflow_id, r#ref, inputs, run_id, .. } = self;
        let run = || run_id.ok_or_else(|| missing("run_id"));
        let told = |message: &str, run: u64, status: u16| {
            One(json!({ "message": message, "run_id": run, "status_code": status }))
        };
        match self.method {
            Trigger::RunWorkflow => {
                let workflow_id = workflow_id.filter(|id| !id.is_empty()).ok_or_else(|| missing("workflow_id"))?;
                let r#ref = r#ref.filter(|name| !name.is_empty()).ok_or_else(|| missing("ref"))?;
                let answer = json!({
                    "message": "Workflow run has been queued", "workflow_id": workflow_id, "ref": r#ref,
                    "inputs": inputs, "status_code": 204,
                });
                Dispatch { owner, repo, workflow_id, r#ref, inputs, return_run_details: None }.run(cx)?;
                Ok(One(answer))
            }
            Trigger::RerunWorkflowRun => {
                let run_id = run()?;
                Rerun { owner, repo, run_id }.run(cx)?;
                Ok(told("Workflow run has been queued for re-run", run_id, 201))
            }
            Trigger::RerunFailedJobs => {
                let run_id = run()?;
                RerunFailed { owner, repo, run_id }.run(cx)?;
                Ok(told("Failed jobs have been queued for re-run", run_id, 201))
            }
            Trigger::CancelWorkflowRun => {
                let run_id = run()?;
                Cancel { owner, repo, run_id }.run(cx)?;
                Ok(told("Workflow run has been cancelled", run_id, 202))
            }
            Trigger::DeleteWorkflowRunLogs => {
                let run_id = run()?;
                DeleteLogs { owner, repo, run_id }.run(cx)?;
                Ok(told("Workflow run logs have been deleted", run_id, 204))
            }
        }
    }
}

/// `get_job_logs`: of one job, or of the failed jobs of a run.
#[derive(Deserialize)]
pub(crate) struct LogsTool {
    owner: String,
    repo: String,
    job_id: Option<u64>,
    run_id: Option<u64>,
    #[serde(default)]
    failed_only: bool,
    #[serde(default)]
    return_content: bool,
    tail_lines: Option<usize>,
}

/// What a tool is told of logs.
pub(crate) struct Logs(Value);

impl View<GitHub> for Logs {
    fn rest(&self, _: &Cx<'_, GitHub>, reply: &mut Reply) {
        reply.write_json(&self.0);
    }

    fn tool(&self, _: &Cx<'_, GitHub>) -> ToolReply {
        ToolReply::json(&self.0)
    }
}

impl LogsTool {
    fn of_job(&self, cx: &Cx<'_, GitHub>, id: u64) -> Result<Value, Error> {
        let (repo, _, job) = job(cx, &self.owner, &self.repo, id)?;
        let mut row = json!({ "job_id": id, "job_name": job.name });
        if self.return_content {
            let text = job_log(&job);
            let lines: Vec<&str> = text.lines().collect();
            let tail = lines.len().saturating_sub(self.tail_lines.unwrap_or(500));
            row["logs_content"] = lines.get(tail..).unwrap_or_default().join("\n").into();
            row["original_length"] = lines.len().into();
            row["message"] = "Job logs content retrieved successfully".into();
        } else {
            row["logs_url"] = log_address(cx, &repo, &format!("jobs/{id}/logs/text")).into();
            row["message"] = "Job logs are available for download".into();
            row["note"] =
                "The logs_url provides a download link for the individual job logs in plain text format".into();
        }
        Ok(row)
    }
}

impl Action<GitHub> for LogsTool {
    const NAME: &'static str = "get_job_logs";
    type Output = Logs;

    fn run(self, cx: &mut Cx<'_, GitHub>) -> Result<Logs, Error> {
        if !self.failed_only {
            return self.of_job(cx, self.job_id.ok_or_else(|| missing("job_id"))?).map(Logs);
        }
        let run = self.run_id.ok_or_else(|| missing("run_id"))?;
        let repo = cx.repo(&self.owner, &self.repo)?.id;
        let attempt = cx.state.workflow_runs.get(&(repo, run)).ok_or_else(Error::not_found)?.attempt;
        let all: Vec<_> = cx.state.jobs_of(repo, run).filter(|job| job.attempt == attempt).collect();
        let total = all.len();
        let failed: Vec<u64> =
            all.iter().filter(|job| job.conclusion.as_deref() == Some("failure")).map(|job| job.id).collect();
        if failed.is_empty() {
            let message = "No failed jobs found in this workflow run";
            return Ok(Logs(json!({ "message": message, "run_id": run, "total_jobs": total, "failed_jobs": 0 })));
        }
        let logs = failed.iter().map(|id| self.of_job(cx, *id)).collect::<Result<Vec<_>, _>>()?;
        Ok(Logs(json!({
            "message": format!("Retrieved logs for {} failed jobs", failed.len()), "run_id": run,
            "total_jobs": total, "failed_jobs": failed.len(), "logs": logs,
            "return_format": { "content": self.return_content, "urls": !self.return_content },
        })))
    }
}
