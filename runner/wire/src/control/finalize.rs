//! `/finalize`: a run that the server judges, and asking how far it is.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

use super::WireCriterion;
use super::lenient::{is_off, or_default, percentage};
use crate::score::CriterionType;

/// `POST /v1/sessions/{id}/finalize`
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct FinalizeRequest {
    /// `agent_exit_0`, `agent_exit_nonzero`, `agent_timeout`, `eval_upload` or any other word.
    pub stop_reason: String,
    /// Exit code of the agent; 0 when unknown.
    pub exit_code: i64,
    /// Wall time of the agent.
    pub duration_ms: u64,
    /// `unknown` when nobody said.
    pub agent_model: String,
    /// What the agent is built with.
    pub agent_sdk: Option<String>,
    /// What to judge; none: what is stored with the session.
    pub criteria: Vec<FinalizeCriterion>,
    /// Slug of the scenario.
    pub scenario_name: String,
    /// SHA-256 of the file in hexadecimal.
    pub scenario_hash: String,
    /// What the agent was asked.
    pub scenario_prompt: String,
    /// What it should have done.
    pub expected_behavior: String,
    /// Store key of the trace.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub trace_storage_key: Option<String>,
    /// Store key of the state before the agent.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub state_initial_storage_key: Option<String>,
    /// Store key of the state after the agent.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub state_final_storage_key: Option<String>,
    /// Store key of the signals.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub signals_storage_key: Option<String>,
    /// Store keys of the states of each twin, when there are several.
    #[serde(default, deserialize_with = "or_default", skip_serializing_if = "BTreeMap::is_empty")]
    pub per_twin_state_keys: BTreeMap<String, TwinStateKeys>,
}

/// A criterion to judge.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct FinalizeCriterion {
    /// `crit_<n>`
    pub id: String,
    /// The sentence, unaltered.
    pub text: String,
    /// Written as `code` or `model`.
    pub kind: CriterionType,
    /// The twin it belongs to.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub twin: Option<String>,
    /// Judged also when it held from the start.
    #[serde(default, deserialize_with = "or_default", skip_serializing_if = "is_off")]
    pub always_scored: bool,
}

/// Store keys of the states of one twin, at least one of them.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct TwinStateKeys {
    /// Before the agent.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub state_initial_key: Option<String>,
    /// After the agent.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub state_final_key: Option<String>,
}

/// The answer to [`FinalizeRequest`] once the run is judged.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct FinalizeAnswer {
    /// `run_...`
    pub run_id: String,
    /// 0 to 100.
    #[serde(deserialize_with = "percentage")]
    pub score: u8,
    /// The model of the first judged criterion.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub judge_model: Option<String>,
    /// Where to look at it.
    pub dashboard_url: String,
    /// In scenario order.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub criteria_results: Option<Vec<WireCriterion>>,
}

/// The answer 202 to [`FinalizeRequest`]: judged later. Exactly these keys.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Accepted {
    /// `eval_...`
    pub evaluation_id: String,
    /// `run_...`
    pub run_id: String,
    /// Always queued.
    pub status: Queued,
    /// Where to ask: an address of the same origin, or a path.
    pub status_url: String,
}

/// The one word of [`Accepted::status`].
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Queued {
    /// `queued`
    #[default]
    Queued,
}

/// `GET /v1/sessions/{id}/evaluation`. Exactly these keys.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(tag = "status", rename_all = "lowercase")]
pub enum Evaluation {
    /// Not begun.
    Queued {
        /// `eval_...`
        evaluation_id: String,
        /// `run_...`
        run_id: String,
    },
    /// Begun.
    Running {
        /// `eval_...`
        evaluation_id: String,
        /// `run_...`
        run_id: String,
    },
    /// Not judged, and will not be.
    Failed {
        /// `eval_...`
        evaluation_id: String,
        /// `run_...`
        run_id: String,
        /// Why.
        error: EvaluationError,
    },
    /// Judged.
    Completed {
        /// `eval_...`
        evaluation_id: String,
        /// `run_...`
        run_id: String,
        /// What `/finalize` would have answered.
        result: FinalizeAnswer,
    },
}

impl Evaluation {
    /// Its two ids: of the evaluation and of the run.
    pub fn ids(&self) -> (&str, &str) {
        match self {
            Self::Queued { evaluation_id, run_id }
            | Self::Running { evaluation_id, run_id }
            | Self::Failed { evaluation_id, run_id, .. }
            | Self::Completed { evaluation_id, run_id, .. } => (evaluation_id, run_id),
        }
    }
}

/// Why an evaluation failed.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct EvaluationError {
    /// As in the error envelope.
    #[serde(rename = "type")]
    pub kind: String,
    /// For people.
    pub message: String,
    /// For programs.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub details: Option<Map<String, Value>>,
}
