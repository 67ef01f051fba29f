//! `meta.json`: what was run and how it ended.

use std::collections::BTreeMap;

use serde::Serialize;
use serde_json::{Map, Value};

use crate::fields::{Fields, ShapeError, plain_number_or_null};
use crate::score::ScoreStatus;

/// Where the twins of a run were.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum RunMode {
    /// In this process.
    Local,
    /// At a control plane.
    Hosted,
}

/// How a run ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum RunStatus {
    /// Scored, at or above the threshold.
    Pass,
    /// Scored, below the threshold.
    Fail,
    /// Scored, but something that should have been evaluated was not.
    Incomplete,
    /// The machinery failed, nothing was scored.
    Error,
    /// Not scored yet, or never.
    NotScored,
}

impl From<ScoreStatus> for RunStatus {
    fn from(status: ScoreStatus) -> Self {
        match status {
            ScoreStatus::Pass => Self::Pass,
            ScoreStatus::Fail => Self::Fail,
            ScoreStatus::Incomplete => Self::Incomplete,
        }
    }
}

impl RunStatus {
    /// As it stands in the file.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Pass => "pass",
            Self::Fail => "fail",
            Self::Incomplete => "incomplete",
            Self::Error => "error",
            Self::NotScored => "not_scored",
        }
    }
}

/// Why the agent's part of a run ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
pub enum StopReason {
    /// The agent exited with 0.
    #[serde(rename = "agent_exit_0")]
    AgentExit0,
    /// The agent exited with another code or was ended by a signal.
    #[serde(rename = "agent_exit_nonzero")]
    AgentExitNonzero,
    /// The time limit passed.
    #[serde(rename = "agent_timeout")]
    AgentTimeout,
    /// The trial start failed.
    #[serde(rename = "preflight_failed")]
    PreflightFailed,
    /// The agent could not be started.
    #[serde(rename = "spawn_failed")]
    SpawnFailed,
    /// The user or the system ended the runner.
    #[serde(rename = "interrupted")]
    Interrupted,
    /// Not a run: artifacts were uploaded for evaluation.
    #[serde(rename = "eval_upload")]
    EvalUpload,
}

impl StopReason {
    /// As it stands in the file.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::AgentExit0 => "agent_exit_0",
            Self::AgentExitNonzero => "agent_exit_nonzero",
            Self::AgentTimeout => "agent_timeout",
            Self::PreflightFailed => "preflight_failed",
            Self::SpawnFailed => "spawn_failed",
            Self::Interrupted => "interrupted",
            Self::EvalUpload => "eval_upload",
        }
    }
}

/// Where the seed of a run came from.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum SeedSource {
    /// The `--seed` flag.
    Flag,
    /// The file beside the scenario.
    Sidecar,
    /// The section in the scenario.
    Inline,
    /// The twin's own default.
    Default,
    /// The control plane.
    Server,
}

impl SeedSource {
    /// As it stands in the file.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Flag => "flag",
            Self::Sidecar => "sidecar",
            Self::Inline => "inline",
            Self::Default => "default",
            Self::Server => "server",
        }
    }
}

/// The value of `spec_version`.
pub const SPEC_VERSION: u32 = 1;

/// `meta.json` as it is written.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct RunMeta {
    /// Name of the run folder.
    pub run_id: String,
    /// Slug of the scenario.
    pub scenario: String,
    /// Its title.
    pub title: String,
    /// Before the twins started.
    pub started_at: String,
    /// After the states were exported.
    pub completed_at: String,
    /// Of the agent; null when it was killed or never started.
    pub exit_code: Option<i32>,
    /// In scenario order.
    pub twins: Vec<String>,
    /// [`SPEC_VERSION`].
    pub spec_version: u32,
    /// Version of each twin component.
    pub twin_versions: BTreeMap<String, String>,
    /// Where the twins were.
    pub mode: RunMode,
    /// How it ended.
    pub status: RunStatus,
    /// Why the agent stopped.
    pub stop_reason: StopReason,
    /// Whether the time limit passed.
    pub timed_out: bool,
    /// Wall time of the agent.
    pub duration_ms: u64,
    /// As given, `unknown` otherwise.
    pub agent_model: String,
    /// As given or configured.
    pub agent_version: Option<String>,
    /// The configured framework.
    pub agent_sdk: Option<String>,
    /// Null until scored.
    pub satisfaction_score: Option<u8>,
    /// The threshold that applied.
    #[serde(serialize_with = "plain_number_or_null")]
    pub pass_threshold: Option<f64>,
    /// As given on the command line.
    pub scenario_path: String,
    /// SHA-256 of the scenario file.
    pub scenario_hash: String,
    /// Where the seed came from.
    pub seed_source: SeedSource,
    /// Labels of the run.
    pub tags: Vec<String>,
    /// The group of trials it belongs to.
    pub group_id: Option<String>,
    /// Which trial of the group, from 1.
    pub trial: Option<u32>,
    /// Hosted runs only.
    pub session_id: Option<String>,
    /// Hosted runs only.
    pub cloud_run_id: Option<String>,
    /// Hosted runs only.
    pub dashboard_url: Option<String>,
    /// Signal lines that the merge dropped.
    pub events_dropped: u64,
    /// Version of the program.
    pub pome_version: String,
    /// Further keys, written last: what replaying the run needs (the random seeds and start clocks of its worlds).
    #[serde(flatten)]
    pub extra: Map<String, Value>,
}

/// `meta.json` as it is read: of any producer, nothing required.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct MetaView {
    /// Name of the run folder.
    pub run_id: Option<String>,
    /// Slug of the scenario.
    pub scenario: Option<String>,
    /// Its title.
    pub title: Option<String>,
    /// In scenario order; empty when unknown.
    pub twins: Vec<String>,
    /// When it started.
    pub started_at: Option<String>,
    /// When it ended.
    pub completed_at: Option<String>,
    /// Wall time of the agent.
    pub duration_ms: Option<u64>,
    /// The recorded model.
    pub agent_model: Option<String>,
    /// The threshold that applied.
    pub pass_threshold: Option<f64>,
    /// The scenario file, as given then.
    pub scenario_path: Option<String>,
    /// The recorded score.
    pub satisfaction_score: Option<i64>,
    /// The whole document.
    pub raw: Map<String, Value>,
}

impl MetaView {
    /// Reads the document.
    pub fn read(value: Value) -> Result<Self, ShapeError> {
        let Value::Object(raw) = value else {
            return Err(ShapeError::new("meta", format!("expected an object, found {}", crate::fields::noun(&value))));
        };
        let mut fields = Fields::new(raw.clone());
        Ok(Self {
            run_id: fields.opt_string("run_id")?,
            scenario: match fields.opt_string("scenario")? {
                Some(scenario) => Some(scenario),
                None => fields.opt_string("task")?,
            },
            title: fields.opt_string("title")?,
            twins: fields.opt_strings("twins")?.unwrap_or_default(),
            started_at: fields.opt_string("started_at")?,
            completed_at: fields.opt_string("completed_at")?,
            duration_ms: fields.opt_u64("duration_ms")?,
            agent_model: fields.opt_string("agent_model")?,
            pass_threshold: fields.opt_f64("pass_threshold")?,
            scenario_path: fields.opt_string("scenario_path")?,
            satisfaction_score: fields.opt_i64("satisfaction_score")?,
            raw,
        })
    }
}
