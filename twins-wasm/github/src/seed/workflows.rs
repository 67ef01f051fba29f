//! Workflow runs in the seed document.
//!
//! `workflow_runs: [{path, event?, status?, conclusion?, head_branch?, head_sha?, actor?, title?, created_at?, jobs?: [{name,
//! status?, conclusion?, labels?, steps?: [{name, conclusion?}], log?}], artifacts?: [{name, files?: {path: text}}]}]`; the path
//! must be a workflow file of the default branch, and without `jobs` the jobs in that file are taken.
//! `workflow_outcomes: {path: conclusion}` says how runs end that are started later.

use std::collections::BTreeMap;

use serde::Deserialize;

use super::{Builder, invalid, time_or};
use crate::error::Error;
use crate::git::Oid;
use crate::workflows::{Artifact, Start, Step, Workflow};
use pome_twin_kit::clock::Time;

/// Artifacts are kept for ninety days.
const KEPT: u64 = 90 * 86_400_000;
const STATUSES: [&str; 3] = ["queued", "in_progress", "completed"];
const CONCLUSIONS: [&str; 7] =
    ["success", "failure", "neutral", "cancelled", "skipped", "timed_out", "action_required"];

#[derive(Deserialize)]
pub(super) struct SeedRun {
    path: String,
    #[serde(default)]
    event: Option<String>,
    #[serde(default)]
    status: Option<String>,
    #[serde(default)]
    conclusion: Option<String>,
    #[serde(default)]
    head_branch: Option<String>,
    #[serde(default)]
    head_sha: Option<String>,
    #[serde(default)]
    actor: Option<String>,
    #[serde(default)]
    title: Option<String>,
    #[serde(default)]
    created_at: Option<String>,
    #[serde(default)]
    jobs: Option<Vec<SeedJob>>,
    #[serde(default)]
    artifacts: Vec<SeedArtifact>,
}

#[derive(Deserialize)]
struct SeedJob {
    name: String,
    #[serde(default)]
    status: Option<String>,
    #[serde(default)]
    conclusion: Option<String>,
    #[serde(default)]
    labels: Vec<String>,
    #[serde(default)]
    steps: Vec<SeedStep>,
    #[serde(default)]
    log: Option<String>,
}

#[derive(Deserialize)]
struct SeedStep {
    name: String,
    #[serde(default)]
    conclusion: Option<String>,
}

#[derive(Deserialize)]
struct SeedArtifact {
    name: String,
    #[serde(default)]
    files: BTreeMap<String, String>,
}

/// `(status, conclusion)`, each made from the other where only one is given.
fn outcome(status: Option<String>, conclusion: Option<String>, place: &str) -> Result<(String, Option<String>), Error> {
    let status = status.unwrap_or_else(|| if conclusion.is_some() { "completed" } else { "queued" }.to_owned());
    if !STATUSES.contains(&status.as_str()) {
        return Err(invalid(&format!("{place}.status"), "invalid_value", "is none of queued, in_progress, completed"));
    }
    let completed = status == "completed";
    if conclusion.as_deref().is_some_and(|text| !completed || !CONCLUSIONS.contains(&text)) {
        let message = "is no conclusion, or the status is not completed";
        return Err(invalid(&format!("{place}.conclusion"), "invalid_value", message));
    }
    Ok((status, conclusion.or_else(|| completed.then(|| "success".to_owned()))))
}

impl Builder<'_> {
    pub(super) fn workflows(&mut self, runs: Vec<SeedRun>, outcomes: BTreeMap<String, String>) -> Result<(), Error> {
        let known = self.state.repos.get(&self.id).map(|repo| self.state.workflows_of(repo)).unwrap_or_default();
        let missing = "is no workflow file of the default branch";
        for (path, conclusion) in outcomes {
            let place = self.field("workflow_outcomes");
            if !known.iter().any(|workflow| workflow.path == path) {
                return Err(invalid(&place, "missing", &format!("`{path}` {missing}")));
            }
            if !CONCLUSIONS.contains(&conclusion.as_str()) {
                return Err(invalid(&place, "invalid_value", &format!("`{conclusion}` is no conclusion")));
            }
            self.state.workflow_outcomes.insert((self.id, path), conclusion);
        }
        for (at, run) in runs.into_iter().enumerate() {
            let place = self.field(&format!("workflow_runs.{at}"));
            let Some(workflow) = known.iter().find(|workflow| workflow.path == run.path) else {
                return Err(invalid(&format!("{place}.path"), "missing", &format!("`{}` {missing}", run.path)));
            };
            self.workflow_run(run, workflow, &place)?;
        }
        Ok(())
    }

    fn workflow_run(&mut self, seed: SeedRun, workflow: &Workflow, place: &str) -> Result<(), Error> {
        let branch = seed.head_branch.unwrap_or_else(|| self.default_branch.clone());
        let sha = match &seed.head_sha {
            Some(text) => Oid::parse(text).filter(|oid| self.state.git.objects.commit(*oid).is_ok()),
            None => self.state.branch(self.id, &branch).map(|git_ref| git_ref.oid),
        };
        let head_sha = sha.ok_or_else(|| {
            invalid(&format!("{place}.head_branch"), "missing", "is no branch or commit of the repository")
        })?;
        let created_at = time_or(seed.created_at.as_deref(), &format!("{place}.created_at"), self.now)?;
        let (status, conclusion) = outcome(seed.status, seed.conclusion, place)?;
        let start = Start {
            repo: self.id,
            workflow,
            title: seed.title.unwrap_or_else(|| workflow.name.clone()),
            event: seed.event.unwrap_or_else(|| "push".to_owned()),
            head_branch: Some(branch),
            head_sha,
            actor: self.author(seed.actor),
            planned: conclusion.clone().unwrap_or_else(|| "success".to_owned()),
        };
        let id = self.state.start_run(start, created_at);
        let key = (self.id, id);
        if let Some(jobs) = seed.jobs {
            let stale: Vec<(u64, u64)> = self.state.jobs_of(self.id, id).map(|job| (job.id, job.check_run)).collect();
            for (job, check_run) in stale {
                self.state.jobs.remove(&(self.id, job));
                self.state.check_runs.remove(&(self.id, check_run));
            }
            for (at, job) in jobs.into_iter().enumerate() {
                self.job(job, key, created_at, &format!("{place}.jobs.{at}"))?;
            }
        } else {
            let jobs: Vec<u64> = self.state.jobs_of(self.id, id).map(|job| job.id).collect();
            for job in jobs {
                self.state.set_job((self.id, job), &status, conclusion.as_deref(), created_at);
            }
        }
        if let Some(run) = self.state.workflow_runs.get_mut(&key) {
            run.status = status;
            run.conclusion = conclusion;
        }
        for artifact in seed.artifacts {
            let id = self.state.next_artifact.next();
            let row = Artifact {
                id,
                run: key.1,
                name: artifact.name,
                files: artifact.files.into_iter().collect(),
                created_at,
                expires_at: Time(created_at.0 + KEPT),
            };
            self.state.artifacts.insert((self.id, id), row);
        }
        Ok(())
    }

    fn job(&mut self, seed: SeedJob, run: (u64, u64), at: Time, place: &str) -> Result<(), Error> {
        let (status, conclusion) = outcome(seed.status, seed.conclusion, place)?;
        let names = seed.steps.iter().map(|step| step.name.clone()).collect();
        let planned = conclusion.clone().unwrap_or_else(|| "success".to_owned());
        let id = self.state.add_job(run, seed.name, seed.labels, names, &planned, at);
        self.state.set_job((self.id, id), &status, conclusion.as_deref(), at);
        if let Some(job) = self.state.jobs.get_mut(&(self.id, id)) {
            job.log = seed.log;
            let step = |step: SeedStep| Step {
                name: step.name,
                status: if step.conclusion.is_some() { "completed".to_owned() } else { status.clone() },
                conclusion: step.conclusion.or_else(|| conclusion.clone()),
            };
            job.steps = seed.steps.into_iter().map(step).collect();
        }
        Ok(())
    }
}
