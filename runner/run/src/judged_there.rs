//! Having a finished run judged by a control plane: `pome eval` in hosted mode.
//!
//! ```text
//! Finished::read(folder) -> judge: session for evaluation -> uploads -> /finalize -> score.json, verdict.json
//! ```

use std::path::{Path, PathBuf};

use pome_hosted::{Client, SystemClock};
use pome_scenario::Scenario;
use pome_wire::control::{FinalizeAnswer, FinalizeRequest};
use pome_wire::meta::{MetaView, StopReason};
use pome_wire::redact::Redactor;
use pome_wire::score::Score;
use pome_wire::verdict::{Verdict, VerdictContext};
use pome_wire::{Exit, files, time};
use serde::{Deserialize, Serialize};
use serde_json::Value;

use crate::artifacts::{self, RunFolder, for_each_line, read_json};
use crate::execute::{criteria_of, verdict};
use crate::reevaluate::THRESHOLD;
use crate::uploads::{Files, Uploaded};

/// A run cannot be judged.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// There is no such folder, or it holds no run.
    #[error("`{}` is no run folder", dir.display())]
    NoRun {
        /// As given.
        dir: PathBuf,
    },
    /// A file of the run cannot be read or written.
    #[error(transparent)]
    Artifacts(#[from] artifacts::Error),
    /// The control plane did not do it.
    #[error(transparent)]
    Request(#[from] pome_hosted::Error),
}

impl Error {
    /// How the program ends.
    pub fn exit(&self) -> Exit {
        match self {
            Self::NoRun { .. } => Exit::Usage,
            // A corrupt file is what was asked for, not a failure of the machinery.
            Self::Artifacts(artifacts::Error::Corrupt { .. } | artifacts::Error::LegacyEvents { .. }) => Exit::Usage,
            Self::Artifacts(error) => error.exit(),
            Self::Request(error) => error.exit(),
        }
    }

    /// What to try next.
    pub fn hint(&self) -> Option<String> {
        match self {
            Self::NoRun { .. } => None,
            Self::Artifacts(error) => error.hint(),
            Self::Request(error) => error.hint().map(str::to_owned),
        }
    }
}

/// A finished run whose files have been looked at.
#[derive(Debug)]
pub struct Finished {
    folder: RunFolder,
    meta: MetaView,
    twins: Vec<String>,
}

/// As what a run is judged.
#[derive(Debug, Clone, Copy)]
pub struct As<'a> {
    /// Slug of the agent.
    pub agent: &'a str,
    /// Slug of the scenario.
    pub task: &'a str,
    /// The scenario to judge by; absent: what the control plane has stored for the task.
    pub scenario: Option<&'a Scenario>,
}

/// What a control plane said about a run. `score.json` and `verdict.json` say the same.
#[derive(Debug, Clone, PartialEq)]
pub struct Judged {
    /// The score.
    pub score: Score,
    /// Where to look at it.
    pub dashboard_url: String,
    /// Files that it had to do without.
    pub warnings: Vec<String>,
}

/// `eval-session.json`: the session that files of this run were uploaded to.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
struct EvalSession {
    session_id: String,
    api_url: String,
    agent: String,
    task_name: String,
    created_at: String,
}

impl Finished {
    /// Looks at a run folder; a corrupt file is an error before anything is sent.
    pub fn read(dir: &Path) -> Result<Self, Error> {
        let no_run = || Error::NoRun { dir: dir.to_owned() };
        if !dir.is_dir() {
            return Err(no_run());
        }
        let path = dir.join(files::META);
        let meta = read_json(&path)?.ok_or_else(no_run)?;
        let meta = MetaView::read(meta).map_err(|error| artifacts::Error::corrupt(&path, error))?;
        let twins = if meta.twins.is_empty() { vec!["github".to_owned()] } else { meta.twins.clone() };
        for name in [files::STATE_INITIAL, files::STATE_FINAL] {
            read_json(&dir.join(name))?;
        }
        let events = dir.join(files::EVENTS);
        if !events.is_file() {
            return Err(artifacts::Error::MissingMember { dir: dir.to_owned(), member: files::EVENTS }.into());
        }
        for_each_line(&events, |number, line| match serde_json::from_str::<serde::de::IgnoredAny>(line.trim()) {
            Err(error) if !line.trim().is_empty() => {
                Err(artifacts::Error::corrupt(&events, format!("line {number}: {error}")))
            }
            _ => Ok(()),
        })?;
        Ok(Self { folder: RunFolder::open(dir.to_owned(), Redactor::default()), meta, twins })
    }

    /// The scenario as the run calls it.
    pub fn task(&self) -> Option<&str> {
        self.meta.scenario.as_deref()
    }

    /// Its title, else its name.
    pub fn title(&self) -> &str {
        self.meta.title.as_deref().or(self.task()).unwrap_or("a run")
    }

    /// Has it judged and writes down what it came to. Blocks until that is done.
    pub fn judge(&self, client: &Client, by: As<'_>) -> Result<Judged, Error> {
        let remembered = self.remembered(client, by);
        let fresh = remembered.is_none();
        let mut session = remembered.map_or_else(|| self.open(client, by), Ok)?;
        let (answer, warnings) = match self.ask(client, &session, by) {
            // What was remembered is gone; once it may be replaced.
            Err(error) if !fresh && is_gone(&error) => {
                session = self.open(client, by)?;
                self.ask(client, &session, by)?
            }
            result => result?,
        };
        let dashboard_url = answer.dashboard_url.clone();
        let run_id = answer.run_id.clone();
        let score = verdict(answer, THRESHOLD, false);
        self.write(&score, by, session, run_id, &dashboard_url)?;
        Ok(Judged { score, dashboard_url, warnings })
    }

    fn remembered(&self, client: &Client, by: As<'_>) -> Option<String> {
        let stored = std::fs::read(self.folder.path(files::EVAL_SESSION)).ok()?;
        let stored: EvalSession = serde_json::from_slice(&stored).ok()?;
        let same =
            stored.api_url == client.base().to_string() && stored.agent == by.agent && stored.task_name == by.task;
        same.then_some(stored.session_id)
    }

    fn open(&self, client: &Client, by: As<'_>) -> Result<String, Error> {
        let opened = client.eval_session(by.agent, by.task)?;
        let stored = EvalSession {
            session_id: opened.session_id.clone(),
            api_url: client.base().to_string(),
            agent: by.agent.to_owned(),
            task_name: by.task.to_owned(),
            created_at: time::now(),
        };
        self.folder.write_json(files::EVAL_SESSION, &stored)?;
        Ok(opened.session_id)
    }

    fn ask(
        &self,
        client: &Client,
        session: &str,
        by: As<'_>,
    ) -> Result<(FinalizeAnswer, Vec<String>), pome_hosted::Error> {
        let redactor = Redactor::default();
        let files = Files { client, session, folder: &self.folder, redactor: &redactor, twins: &self.twins };
        // When the session is gone, the question below says so.
        let mut uploaded = files.upload();
        let warnings = std::mem::take(&mut uploaded.warnings);
        let answer = client.finalize(session, &self.question(by, uploaded), &SystemClock::new())?;
        Ok((answer, warnings))
    }

    fn question(&self, by: As<'_>, uploaded: Uploaded) -> FinalizeRequest {
        let text = |key: &str| self.meta.raw.get(key).and_then(Value::as_str).map(str::to_owned);
        let hash = by.scenario.map(|scenario| scenario.source_sha256.clone());
        FinalizeRequest {
            stop_reason: StopReason::EvalUpload.as_str().to_owned(),
            exit_code: self.meta.raw.get("exit_code").and_then(Value::as_i64).unwrap_or_default(),
            duration_ms: self.meta.duration_ms.unwrap_or_default(),
            agent_model: self.meta.agent_model.clone().unwrap_or_else(|| "unknown".to_owned()),
            agent_sdk: text("agent_sdk"),
            criteria: by.scenario.map(criteria_of).unwrap_or_default(),
            scenario_name: by.task.to_owned(),
            scenario_hash: hash.or_else(|| text("scenario_hash")).unwrap_or_default(),
            scenario_prompt: by.scenario.map(|scenario| scenario.prompt.clone()).unwrap_or_default(),
            expected_behavior: by.scenario.map(|scenario| scenario.expected_behavior.clone()).unwrap_or_default(),
            trace_storage_key: uploaded.trace,
            state_initial_storage_key: uploaded.before,
            state_final_storage_key: uploaded.after,
            signals_storage_key: uploaded.signals,
            per_twin_state_keys: uploaded.per_twin,
        }
    }

    fn write(
        &self,
        score: &Score,
        by: As<'_>,
        session_id: String,
        run_id: String,
        dashboard_url: &str,
    ) -> Result<(), artifacts::Error> {
        self.folder.write_score(score)?;
        let mut verdict = Verdict::local(
            score,
            VerdictContext {
                task_name: by.task.to_owned(),
                task_path: self.meta.scenario_path.clone().unwrap_or_default(),
                group_id: self.meta.raw.get("group_id").and_then(Value::as_str).map(str::to_owned),
                run_id,
                duration_ms: self.meta.duration_ms.unwrap_or_default(),
                finalized_at: time::now(),
            },
        );
        verdict.session_id = session_id;
        dashboard_url.clone_into(&mut verdict.cloud_dashboard_url);
        self.folder.write_verdict(&verdict)
    }
}

fn is_gone(error: &pome_hosted::Error) -> bool {
    matches!(error.status(), Some(404 | 410))
}
