//! Workflows as they stand in the default branch, their runs, and how runs go on as virtual time does.
//!
//! A workflow is a file in `.github/workflows`. Its text is read for `name`, `on` and `jobs`; nothing is executed. A run takes [`QUEUED`] to start and [`RUNNING`] to end, and ends as it was planned to.

use pome_twin_kit::clock::Time;
use pome_twin_kit::ids::hash_id;
use serde_json::Value;

use crate::git::Oid;
use crate::state::{CheckRun, Repo, RepoId, State};

/// Milliseconds from a run's making to its start.
pub(crate) const QUEUED: u64 = 5_000;
/// Milliseconds from its start to its end.
pub(crate) const RUNNING: u64 = 60_000;

/// A workflow file of the default branch.
#[derive(Debug, Clone)]
pub(crate) struct Workflow {
    pub(crate) id: u64,
    pub(crate) path: String,
    pub(crate) name: String,
    pub(crate) disabled: bool,
    /// The document, `null` where it could not be read.
    pub(crate) document: Value,
}

/// An input of `workflow_dispatch`.
#[derive(Debug, Clone)]
pub(crate) struct Input {
    pub(crate) name: String,
    pub(crate) required: bool,
    pub(crate) default: Option<Value>,
    /// The values of a choice; any when empty.
    pub(crate) options: Vec<String>,
}

/// A workflow file as JSON, `null` where it is no YAML.
fn document(text: &str) -> Value {
    serde_norway::from_str(text).unwrap_or_default()
}

/// A scalar as text.
pub(crate) fn scalar(value: &Value) -> String {
    value.as_str().map_or_else(|| value.to_string(), str::to_owned)
}

impl Workflow {
    /// What the file name alone tells.
    pub(crate) fn file(&self) -> &str {
        self.path.rsplit('/').next().unwrap_or(&self.path)
    }

    fn read(repo: &Repo, path: &str, text: &str, disabled: bool) -> Self {
        let document = document(text);
        let name = document.get("name").and_then(Value::as_str).unwrap_or(path).to_owned();
        let id = u64::from(hash_id(&format!("{}/{path}", repo.full_name())));
        Self { id, path: path.to_owned(), name, disabled, document }
    }

    /// The inputs that may be given by hand; `None` when the workflow cannot be started by hand.
    pub(crate) fn inputs(&self) -> Option<Vec<Input>> {
        let trigger = match self.document.get("on")? {
            Value::String(name) => (name == "workflow_dispatch").then_some(&Value::Null),
            Value::Array(names) => names.iter().any(|name| name == "workflow_dispatch").then_some(&Value::Null),
            Value::Object(triggers) => triggers.get("workflow_dispatch"),
            _ => None,
        }?;
        let inputs = trigger.get("inputs").and_then(Value::as_object);
        let input = |(name, row): (&String, &Value)| Input {
            name: name.clone(),
            required: row.get("required").is_some_and(|value| *value == Value::Bool(true)),
            default: row.get("default").cloned(),
            options: row
                .get("options")
                .and_then(Value::as_array)
                .map(|options| options.iter().map(scalar).collect())
                .unwrap_or_default(),
        };
        Some(inputs.map(|inputs| inputs.iter().map(input).collect()).unwrap_or_default())
    }

    /// The jobs in the file with their steps' names, as the vendor titles them.
    fn jobs(&self) -> Vec<(String, Vec<String>, Vec<String>)> {
        let jobs = self.document.get("jobs").and_then(Value::as_object);
        let job = |(key, row): (&String, &Value)| {
            let name = row.get("name").map_or_else(|| key.clone(), scalar);
            let labels = match row.get("runs-on") {
                Some(Value::Array(labels)) => labels.iter().map(scalar).collect(),
                Some(Value::Null) | None => Vec::new(),
                Some(label) => vec![scalar(label)],
            };
            let steps = row.get("steps").and_then(Value::as_array).map(Vec::as_slice).unwrap_or_default();
            let titled = |step: &Value| {
                let text = |key: &str| step.get(key).map(scalar);
                let first_line = |text: String| text.lines().next().unwrap_or_default().to_owned();
                let ran = || text("run").map(|run| format!("Run {}", first_line(run)));
                text("name").or_else(|| text("uses").map(|uses| format!("Run {uses}"))).or_else(ran)
            };
            let named = steps.iter().map(|step| titled(step).unwrap_or_else(|| "Run".to_owned()));
            let all = std::iter::once("Set up job".to_owned()).chain(named).chain(["Complete job".to_owned()]);
            (name, labels, all.collect())
        };
        jobs.map(|jobs| jobs.iter().map(job).collect()).unwrap_or_default()
    }
}

#[derive(Debug, Clone, PartialEq)]
pub(crate) struct WorkflowRun {
    pub(crate) id: u64,
    pub(crate) workflow: u64,
    pub(crate) path: String,
    pub(crate) name: String,
    pub(crate) title: String,
    /// Counts the runs of the workflow.
    pub(crate) number: u64,
    pub(crate) attempt: u64,
    /// `push`, `pull_request`, `workflow_dispatch`, ...
    pub(crate) event: String,
    /// `queued`, `in_progress` or `completed`.
    pub(crate) status: String,
    pub(crate) conclusion: Option<String>,
    pub(crate) head_branch: Option<String>,
    pub(crate) head_sha: Oid,
    pub(crate) actor: String,
    pub(crate) triggering_actor: String,
    pub(crate) suite: u64,
    pub(crate) created_at: Time,
    pub(crate) updated_at: Time,
    /// When this attempt was asked for.
    pub(crate) started_at: Time,
}

#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Job {
    pub(crate) id: u64,
    pub(crate) run: u64,
    pub(crate) attempt: u64,
    pub(crate) name: String,
    pub(crate) labels: Vec<String>,
    pub(crate) status: String,
    pub(crate) conclusion: Option<String>,
    /// How it will end.
    pub(crate) planned: String,
    pub(crate) created_at: Time,
    pub(crate) started_at: Option<Time>,
    pub(crate) completed_at: Option<Time>,
    pub(crate) steps: Vec<Step>,
    pub(crate) log: Option<String>,
    pub(crate) check_run: u64,
}

#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Step {
    pub(crate) name: String,
    pub(crate) status: String,
    pub(crate) conclusion: Option<String>,
}

#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Artifact {
    pub(crate) id: u64,
    pub(crate) run: u64,
    pub(crate) name: String,
    /// Path and text of each file.
    pub(crate) files: Vec<(String, String)>,
    pub(crate) created_at: Time,
    pub(crate) expires_at: Time,
}

/// What a new run is about.
pub(crate) struct Start<'a> {
    pub(crate) repo: RepoId,
    pub(crate) workflow: &'a Workflow,
    pub(crate) title: String,
    pub(crate) event: String,
    pub(crate) head_branch: Option<String>,
    pub(crate) head_sha: Oid,
    pub(crate) actor: String,
    /// How its jobs will end.
    pub(crate) planned: String,
}

impl State {
    /// The workflows of a repository, by path.
    pub(crate) fn workflows_of(&self, repo: &Repo) -> Vec<Workflow> {
        let objects = &self.git.objects;
        let tree = self.head(repo).and_then(|head| objects.commit(head).ok()).map(|commit| commit.tree);
        let entries = tree.and_then(|tree| objects.directory_at(tree, ".github/workflows").ok().flatten());
        let is_workflow = |name: &str| {
            matches!(std::path::Path::new(name).extension().and_then(|end| end.to_str()), Some("yml" | "yaml"))
        };
        entries
            .unwrap_or_default()
            .iter()
            .filter(|entry| is_workflow(&entry.name))
            .filter_map(|entry| {
                let path = format!(".github/workflows/{}", entry.name);
                let text = String::from_utf8_lossy(objects.blob(entry.oid).ok()?).into_owned();
                let disabled = self.disabled_workflows.contains(&(repo.id, path.clone()));
                Some(Workflow::read(repo, &path, &text, disabled))
            })
            .collect()
    }

    pub(crate) fn workflow_runs_of(&self, repo: RepoId) -> impl DoubleEndedIterator<Item = &WorkflowRun> {
        self.workflow_runs.range((repo, 0)..=(repo, u64::MAX)).map(|(_, run)| run)
    }

    /// Jobs of a run over all attempts, oldest first.
    pub(crate) fn jobs_of(&self, repo: RepoId, run: u64) -> impl DoubleEndedIterator<Item = &Job> {
        self.jobs.range((repo, 0)..=(repo, u64::MAX)).map(|(_, job)| job).filter(move |job| job.run == run)
    }

    /// Makes a queued run with the jobs of its workflow.
    pub(crate) fn start_run(&mut self, start: Start<'_>, now: Time) -> u64 {
        let Start { repo, workflow, title, event, head_branch, head_sha, actor, planned } = start;
        let number = self.workflow_runs_of(repo).filter(|run| run.workflow == workflow.id).map(|run| run.number).max();
        let id = self.next_workflow_run.next();
        let suite = self.add_check_suite(repo, head_sha, head_branch.clone(), Some(id), now);
        let run = WorkflowRun {
            id,
            workflow: workflow.id,
            path: workflow.path.clone(),
            name: workflow.name.clone(),
            title,
            number: number.unwrap_or_default() + 1,
            attempt: 1,
            event,
            status: "queued".to_owned(),
            conclusion: None,
            head_branch,
            head_sha,
            actor: actor.clone(),
            triggering_actor: actor,
            suite,
            created_at: now,
            updated_at: now,
            started_at: now,
        };
        self.workflow_runs.insert((repo, id), run);
        for (name, labels, steps) in workflow.jobs() {
            self.add_job((repo, id), name, labels, steps, &planned, now);
        }
        id
    }

    /// A queued job of a run's current attempt, with its check run.
    pub(crate) fn add_job(
        &mut self,
        key: (RepoId, u64),
        name: String,
        labels: Vec<String>,
        steps: Vec<String>,
        planned: &str,
        now: Time,
    ) -> u64 {
        let (repo, run) = key;
        let Some(of) = self.workflow_runs.get(&key).cloned() else { return 0 };
        let id = self.next_job.next();
        let check_run = self.next_check_run.next();
        let row = CheckRun {
            id: check_run,
            suite: of.suite,
            head_sha: of.head_sha,
            name: name.clone(),
            status: "queued".to_owned(),
            conclusion: None,
            details_url: self.repos.get(&repo).map(|repo| job_page(repo, run, id)),
            external_id: String::new(),
            output_title: None,
            output_summary: None,
            output_text: None,
            started_at: now,
            completed_at: None,
        };
        self.check_runs.insert((repo, check_run), row);
        let step = |name| Step { name, status: "queued".to_owned(), conclusion: None };
        let job = Job {
            id,
            run,
            attempt: of.attempt,
            name,
            labels,
            status: "queued".to_owned(),
            conclusion: None,
            planned: planned.to_owned(),
            created_at: now,
            started_at: None,
            completed_at: None,
            steps: steps.into_iter().map(step).collect(),
            log: None,
            check_run,
        };
        self.jobs.insert((repo, id), job);
        id
    }

    /// Writes a job's state to it, its steps and its check run.
    pub(crate) fn set_job(&mut self, key: (RepoId, u64), status: &str, conclusion: Option<&str>, at: Time) {
        let Some(job) = self.jobs.get_mut(&key) else { return };
        status.clone_into(&mut job.status);
        job.conclusion = conclusion.map(str::to_owned);
        if status != "queued" {
            job.started_at.get_or_insert(at);
        }
        job.completed_at = conclusion.map(|_| at);
        let last = job.steps.len().saturating_sub(1);
        // Of a job that fails, the last step of its own is the one that did.
        let broken = if last > 1 { last - 1 } else { last };
        for (number, step) in job.steps.iter_mut().enumerate() {
            status.clone_into(&mut step.status);
            step.conclusion = conclusion.map(|conclusion| {
                if conclusion == "failure" && number != broken { "success".to_owned() } else { conclusion.to_owned() }
            });
        }
        let (check_run, started) = (job.check_run, job.started_at);
        if let Some(run) = self.check_runs.get_mut(&(key.0, check_run)) {
            status.clone_into(&mut run.status);
            run.conclusion = conclusion.map(str::to_owned);
            run.started_at = started.unwrap_or(run.started_at);
            run.completed_at = conclusion.map(|_| at);
        }
    }

    /// Ends a run by what its jobs of this attempt came to.
    pub(crate) fn settle_run(&mut self, key: (RepoId, u64), at: Time) {
        let Some(run) = self.workflow_runs.get(&key) else { return };
        let suite = run.suite;
        let outcome = self.check_suites.get(&(key.0, suite)).map(|suite| self.suite_outcome(key.0, suite));
        let (status, conclusion) = match outcome {
            // A workflow without jobs that could be read comes to nothing bad.
            Some((_, None)) if self.jobs_of(key.0, key.1).next().is_none() => ("completed", Some("success")),
            Some(outcome) => outcome,
            None => return,
        };
        if let Some(run) = self.workflow_runs.get_mut(&key) {
            status.clone_into(&mut run.status);
            run.conclusion = conclusion.map(str::to_owned);
            run.updated_at = at;
        }
    }

    /// Lets runs that are under way go on to where they are at this time.
    pub(crate) fn progress(&mut self, now: Time) {
        let active: Vec<((RepoId, u64), Time, String)> = self
            .workflow_runs
            .iter()
            .filter(|(_, run)| run.status != "completed")
            .map(|(key, run)| (*key, run.started_at, run.status.clone()))
            .collect();
        for (key, asked, status) in active {
            let (begins, ends) = (Time(asked.0 + QUEUED), Time(asked.0 + QUEUED + RUNNING));
            let open: Vec<(u64, String)> = self
                .jobs_of(key.0, key.1)
                .filter(|job| job.status != "completed")
                .map(|job| (job.id, job.planned.clone()))
                .collect();
            if now >= ends {
                for (job, planned) in open {
                    self.set_job((key.0, job), "in_progress", None, begins);
                    self.set_job((key.0, job), "completed", Some(&planned), ends);
                }
                self.settle_run(key, ends);
            } else if now >= begins && status == "queued" {
                for (job, _) in open {
                    self.set_job((key.0, job), "in_progress", None, begins);
                }
                if let Some(run) = self.workflow_runs.get_mut(&key) {
                    "in_progress".clone_into(&mut run.status);
                    run.updated_at = begins;
                }
            }
        }
    }
}

/// A job's page for people.
pub(crate) fn job_page(repo: &Repo, run: u64, job: u64) -> String {
    format!("{}/{}/{}/actions/runs/{run}/job/{job}", crate::views::HTML, repo.owner, repo.name)
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use super::document;

    #[test]
    fn a_workflow_file_is_read() {
        let text = r#"
name: "Build & test" # what it is called
on:
  push:
    branches: [main, 'release/**']
  workflow_dispatch:
    inputs:
      level:
        required: true
        type: choice
        options:
        - low
        - high
jobs:
  build:
    runs-on: ubuntu-latest
    steps:
      - uses: actions/checkout@v4
        with: { fetch-depth: 0 }
      - name: Test
        run: |
          cargo test
          # not a comment
      - run: echo "a#b" # a comment
  empty:
"#;
        let expected = json!({
            "name": "Build & test",
            "on": {
                "push": { "branches": ["main", "release/**"] },
                "workflow_dispatch": { "inputs": { "level": { "required": true, "type": "choice", "options": ["low", "high"] } } },
            },
            "jobs": {
                "build": {
                    "runs-on": "ubuntu-latest",
                    "steps": [
                        { "uses": "actions/checkout@v4", "with": { "fetch-depth": 0 } },
                        { "name": "Test", "run": "cargo test\n# not a comment\n" },
                        { "run": "echo \"a#b\"" },
                    ],
                },
                "empty": null,
            },
        });
        assert_eq!(document(text), expected);
        assert_eq!(document("on: [push, workflow_dispatch]"), json!({ "on": ["push", "workflow_dispatch"] }));
    }

    #[test]
    fn what_is_no_yaml_is_nothing() {
        for text in ["a: [1", "a: 1\n   b: 2", ""] {
            assert_eq!(document(text), Value::Null, "{text}");
        }
    }
}
