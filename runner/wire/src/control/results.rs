//! `/result`: a run that the client judged.

use std::collections::BTreeMap;

use serde::de::Error as _;
use serde::{Deserialize, Deserializer, Serialize, Serializer};
use serde_json::Value;

use super::TwinStateKeys;
use super::lenient::{or_default, percentage};
use crate::score::{CriterionResult, CriterionType, JudgeNote};

/// `POST /v1/sessions/{id}/result`
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(try_from = "ReadResult")]
pub struct ResultRequest {
    /// Slug of the scenario.
    pub scenario_name: String,
    /// SHA-256 of the file in hexadecimal.
    pub scenario_hash: String,
    /// Wall time of the agent.
    pub duration_ms: u64,
    /// `unknown` when nobody said.
    pub agent_model: String,
    /// Over the evaluated criteria only.
    pub satisfaction_score: u8,
    /// In scenario order.
    pub criteria_results: Vec<WireCriterion>,
    /// `none` when nothing was judged by a model.
    pub judge_model: String,
    /// Tokens that the judge read.
    pub judge_tokens_in: Option<u64>,
    /// Tokens that the judge wrote.
    pub judge_tokens_out: Option<u64>,
    /// What the agent is built with.
    pub agent_sdk: Option<String>,
    /// Groups of calls.
    pub lanes: Vec<Value>,
    /// Steps in time.
    pub steps: Vec<Value>,
    /// Text for a coding assistant.
    pub fix_prompt: Option<String>,
    /// Store key of the trace, when it was uploaded.
    pub events_jsonl_url: Option<String>,
    /// The trace in base64.
    pub trace_jsonl_b64: String,
    /// State of the primary twin before the agent, in base64.
    pub state_initial_json_b64: String,
    /// State of the primary twin after the agent, in base64.
    pub state_final_json_b64: String,
    /// `pass`, `fail` or `incomplete`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub status: Option<String>,
    /// The threshold that applied.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub pass_threshold: Option<f64>,
    /// How the agent ended.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub stop_reason: Option<String>,
    /// Exit code of the agent.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub exit_code: Option<i64>,
    /// As they were given.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub tags: Vec<String>,
    /// The group of trials.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub group_id: Option<String>,
    /// Store keys of the states of each twin.
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    pub per_twin_state_keys: BTreeMap<String, TwinStateKeys>,
}

/// [`ResultRequest`] with both spellings; the one with `task` wins.
#[derive(Deserialize)]
struct ReadResult {
    scenario_name: Option<String>,
    task_name: Option<String>,
    scenario_hash: Option<String>,
    task_hash: Option<String>,
    duration_ms: u64,
    agent_model: String,
    #[serde(deserialize_with = "percentage")]
    satisfaction_score: u8,
    criteria_results: Vec<WireCriterion>,
    judge_model: String,
    judge_tokens_in: Option<u64>,
    judge_tokens_out: Option<u64>,
    agent_sdk: Option<String>,
    #[serde(default, deserialize_with = "or_default")]
    lanes: Vec<Value>,
    #[serde(default, deserialize_with = "or_default")]
    steps: Vec<Value>,
    fix_prompt: Option<String>,
    events_jsonl_url: Option<String>,
    trace_jsonl_b64: String,
    state_initial_json_b64: String,
    state_final_json_b64: String,
    status: Option<String>,
    pass_threshold: Option<f64>,
    stop_reason: Option<String>,
    exit_code: Option<i64>,
    #[serde(default, deserialize_with = "or_default")]
    tags: Vec<String>,
    group_id: Option<String>,
    #[serde(default, deserialize_with = "or_default")]
    per_twin_state_keys: BTreeMap<String, TwinStateKeys>,
}

impl TryFrom<ReadResult> for ResultRequest {
    type Error = String;

    fn try_from(read: ReadResult) -> Result<Self, String> {
        if read.judge_model.trim().is_empty() {
            return Err("`judge_model` is empty; `none` says that nothing was judged".to_owned());
        }
        let agent_sdk = read.agent_sdk.map(|sdk| sdk.trim().to_owned()).filter(|sdk| !sdk.is_empty());
        Ok(Self {
            scenario_name: read.task_name.or(read.scenario_name).ok_or("`scenario_name` is missing")?,
            scenario_hash: read.task_hash.or(read.scenario_hash).ok_or("`scenario_hash` is missing")?,
            duration_ms: read.duration_ms,
            agent_model: read.agent_model,
            satisfaction_score: read.satisfaction_score,
            criteria_results: read.criteria_results,
            judge_model: read.judge_model,
            judge_tokens_in: read.judge_tokens_in,
            judge_tokens_out: read.judge_tokens_out,
            agent_sdk,
            lanes: read.lanes,
            steps: read.steps,
            fix_prompt: read.fix_prompt,
            events_jsonl_url: read.events_jsonl_url,
            trace_jsonl_b64: read.trace_jsonl_b64,
            state_initial_json_b64: read.state_initial_json_b64,
            state_final_json_b64: read.state_final_json_b64,
            status: read.status,
            pass_threshold: read.pass_threshold,
            stop_reason: read.stop_reason,
            exit_code: read.exit_code,
            tags: read.tags,
            group_id: read.group_id,
            per_twin_state_keys: read.per_twin_state_keys,
        })
    }
}

/// The answer to [`ResultRequest`].
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ResultAnswer {
    /// `run_...`
    pub run_id: String,
    /// Where to look at it.
    pub dashboard_url: String,
}

/// The result of one criterion as it goes over the wire: as in `score.json`, with `confidence` and `judge_model` both or
/// neither.
#[derive(Debug, Clone, PartialEq)]
pub struct WireCriterion(CriterionResult);

impl WireCriterion {
    /// The result itself.
    pub const fn result(&self) -> &CriterionResult {
        &self.0
    }

    /// The result itself.
    pub fn into_result(self) -> CriterionResult {
        self.0
    }
}

impl From<CriterionResult> for WireCriterion {
    fn from(mut result: CriterionResult) -> Self {
        if let Some(note) = &mut result.judge
            && (note.confidence.is_none() || note.model.is_none())
        {
            (note.confidence, note.model) = (None, None);
        }
        if result.judge.as_ref().is_some_and(|note| *note == JudgeNote::default()) {
            result.judge = None;
        }
        Self(result)
    }
}

impl Serialize for WireCriterion {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        self.0.serialize(serializer)
    }
}

impl<'de> Deserialize<'de> for WireCriterion {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let value = Value::deserialize(deserializer)?;
        CriterionResult::read(value).map(Self::from).map_err(D::Error::custom)
    }
}

impl<'de> Deserialize<'de> for CriterionType {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let word = String::deserialize(deserializer)?;
        Self::from_marker(&word)
            .ok_or_else(|| D::Error::custom(format!("expected `code`, `model`, `D` or `P`, found {word:?}")))
    }
}
