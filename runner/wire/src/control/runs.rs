//! Rows of runs.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};
use serde_json::Value;

use super::WireCriterion;
use super::lenient::{or_default, percentage};

/// `GET /v1/runs/{id}`; in lists without `lanes`, `steps` and `blobs`.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub struct RunRow {
    /// `run_...`
    pub id: String,
    /// `ses_...`
    pub session_id: String,
    /// Whose it is.
    #[serde(default)]
    pub team_id: String,
    /// Slug of the scenario.
    #[serde(default)]
    pub task_name: String,
    /// SHA-256 of the file in hexadecimal.
    #[serde(default)]
    pub task_hash: String,
    /// Over the evaluated criteria only.
    #[serde(deserialize_with = "percentage")]
    pub satisfaction_score: u8,
    /// In scenario order.
    #[serde(default, deserialize_with = "or_default")]
    pub criteria_results: Vec<WireCriterion>,
    /// Store key of the trace.
    pub trace_s3_key: Option<String>,
    /// Store key of the state after the agent.
    pub state_s3_key: Option<String>,
    /// Store key of `meta.json`.
    pub meta_s3_key: Option<String>,
    /// Store key of an archive of states.
    pub state_archive_s3_key: Option<String>,
    /// Store key of the trace.
    pub events_jsonl_url: Option<String>,
    /// Wall time of the agent.
    #[serde(default, deserialize_with = "or_default")]
    pub duration_ms: u64,
    /// `unknown` when nobody said.
    #[serde(default, deserialize_with = "or_default")]
    pub agent_model: String,
    /// `none` when nothing was judged by a model.
    #[serde(default, deserialize_with = "or_default")]
    pub judge_model: String,
    /// Tokens that the judge read.
    pub judge_tokens_in: Option<u64>,
    /// Tokens that the judge wrote.
    pub judge_tokens_out: Option<u64>,
    /// Tokens that the agent's model read.
    pub agent_tokens_in: Option<u64>,
    /// Tokens that the agent's model wrote.
    pub agent_tokens_out: Option<u64>,
    /// Half of the calls were faster.
    pub agent_latency_p50_ms: Option<u64>,
    /// 95 of 100 calls were faster.
    pub agent_latency_p95_ms: Option<u64>,
    /// The slowest call.
    pub agent_latency_max_ms: Option<u64>,
    /// Calls that failed.
    pub agent_error_count: Option<u64>,
    /// Spans that the agent exported.
    pub agent_telemetry_span_count: Option<u64>,
    /// What lanes and steps rest on.
    #[serde(default, deserialize_with = "or_default")]
    pub correlator_kind: CorrelatorKind,
    /// Where the agent acted.
    #[serde(default, deserialize_with = "or_default")]
    pub environment: WireEnvironment,
    /// The scenario that was made of this run.
    pub promoted_task_id: Option<String>,
    /// The run that this one repeats.
    pub replay_run_id: Option<String>,
    /// In words.
    pub summary: Option<String>,
    /// Text for a coding assistant.
    pub fix_prompt: Option<String>,
    /// Groups of calls; absent in lists.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub lanes: Option<Vec<Value>>,
    /// Steps in time; absent in lists.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub steps: Option<Vec<Value>>,
    /// When the session was opened.
    #[serde(default, deserialize_with = "or_default")]
    pub created_at: String,
    /// When the score was final.
    pub finished_at: Option<String>,
    /// The same as `task_name`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub scenario_name: Option<String>,
    /// The same as `task_hash`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub scenario_hash: Option<String>,
    /// `pass`, `fail` or `incomplete`.
    pub status: Option<String>,
    /// The threshold that applied.
    pub pass_threshold: Option<f64>,
    /// How the agent ended.
    pub stop_reason: Option<String>,
    /// Exit code of the agent.
    pub exit_code: Option<i64>,
    /// All twins, the primary one first.
    pub twins: Option<Vec<String>>,
    /// As they were given.
    pub tags: Option<Vec<String>>,
    /// The group of trials.
    pub group_id: Option<String>,
    /// The registered agent.
    pub agent_id: Option<String>,
    /// A free label.
    pub agent_version: Option<String>,
    /// Where to look at it.
    pub dashboard_url: Option<String>,
    /// Where to fetch its files; absent in lists.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub blobs: Option<Blobs>,
}

impl RunRow {
    /// Slug of the scenario, in whichever spelling it came.
    pub fn name(&self) -> &str {
        if self.task_name.is_empty() { self.scenario_name.as_deref().unwrap_or_default() } else { &self.task_name }
    }

    /// SHA-256 of the scenario file in hexadecimal, in whichever spelling it came.
    pub fn hash(&self) -> &str {
        let hash =
            if self.task_hash.is_empty() { self.scenario_hash.as_deref().unwrap_or_default() } else { &self.task_hash };
        hash.strip_prefix("sha256:").unwrap_or(hash)
    }
}

/// What lanes and steps rest on.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum CorrelatorKind {
    /// Time and paths only.
    #[default]
    Heuristic,
    /// What the agent's SDK signalled.
    AdapterRich,
    /// Trace context in the calls.
    SpanContext,
}

/// Where an agent acted.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum WireEnvironment {
    /// Against twins.
    #[default]
    Simulation,
    /// Against vendors.
    Production,
}

/// Where the files of a run can be fetched for a while.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Blobs {
    /// The trace.
    pub events_jsonl: Option<SignedBlob>,
    /// What the agent's SDK signalled.
    pub signals_jsonl: Option<SignedBlob>,
    /// `meta.json`
    pub meta: Option<SignedBlob>,
    /// State of the primary twin before the agent.
    pub state_initial: Option<SignedBlob>,
    /// State of the primary twin after the agent.
    pub state_final: Option<SignedBlob>,
    /// States of each twin, when there are several.
    #[serde(default, deserialize_with = "or_default")]
    pub per_twin: BTreeMap<String, TwinBlobs>,
}

/// Where the states of one twin can be fetched.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct TwinBlobs {
    /// Before the agent.
    pub state_initial: Option<SignedBlob>,
    /// After the agent.
    pub state_final: Option<SignedBlob>,
}

/// Where one file can be fetched.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct SignedBlob {
    /// Who has the address may read.
    pub url: String,
    /// Until when.
    pub expires_at: String,
}

/// `GET /v1/runs`
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub struct RunPage {
    /// Newest first.
    pub runs: Vec<RunRow>,
    /// What to ask for next.
    #[serde(default)]
    pub next_cursor: Option<String>,
}
