//! Agents, checks, seeds, and sessions for evaluation only.

use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

use super::lenient::{is_off, or_default, or_none};

/// `POST /v1/agents`
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct RegisterAgent {
    /// What people call it.
    pub name: String,
    /// Its name in addresses; absent: derived from `name`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub slug: Option<String>,
    /// In words.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub description: Option<String>,
    /// A free label.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub version: Option<String>,
    /// What it is built with.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub framework: Option<String>,
    /// Twins to enable; left out when there are none.
    #[serde(default, deserialize_with = "or_default", skip_serializing_if = "Vec::is_empty")]
    pub twins: Vec<String>,
    /// Create it although another agent is called almost the same.
    #[serde(default, deserialize_with = "or_default", skip_serializing_if = "is_off")]
    pub confirm: bool,
}

/// The answer to [`RegisterAgent`].
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Agent {
    /// `agt_...`
    pub id: String,
    /// Its name in addresses now.
    pub slug: String,
    /// What people call it.
    #[serde(default, deserialize_with = "or_default")]
    pub display_name: String,
    /// The model that judges its runs.
    #[serde(default)]
    pub judge_model: Option<String>,
    /// What it is built with.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub framework: Option<String>,
    /// In words.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub description: Option<String>,
    /// A free label.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub version: Option<String>,
    /// Whether it is new.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub created: Option<bool>,
    /// How it was found.
    #[serde(default, deserialize_with = "or_none", skip_serializing_if = "Option::is_none")]
    pub resolved_via: Option<ResolvedVia>,
    /// For people.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub hint: Option<String>,
    /// Its twins.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub enabled_services: Option<Vec<String>>,
}

/// How an agent was found.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum ResolvedVia {
    /// By its slug.
    Slug,
    /// By a slug that it had before.
    Alias,
    /// It is new.
    Created,
}

/// `GET /v1/checks?twin=`
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct WireChecks {
    /// The twin.
    pub twin: String,
    /// Over the checks in their canonical form.
    pub digest: String,
    /// Sorted by id.
    pub checks: Vec<WireCheck>,
}

/// One check.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct WireCheck {
    /// Its name.
    pub id: String,
    /// The sentence with `{slots}`.
    pub template: String,
    /// What it reads.
    pub substrate: String,
    /// What sentences it understands.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub pattern: Option<String>,
    /// Its slots.
    #[serde(default, deserialize_with = "or_default", skip_serializing_if = "Vec::is_empty")]
    pub params: Vec<WireParam>,
}

/// One slot of a check.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct WireParam {
    /// Its name.
    pub name: String,
    /// What may stand there.
    pub pattern: String,
}

/// `POST /v1/scenarios/compile-seed`
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct CompileSeed {
    /// The section of the scenario.
    pub prose: String,
    /// The twin.
    pub twin: String,
    /// Where it stands, for people.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub scenario_path: Option<String>,
}

/// The answer to [`CompileSeed`].
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct CompiledSeed {
    /// The seed.
    pub seed: Map<String, Value>,
    /// `sha256:` of the section.
    pub source_hash: String,
    /// The model that wrote it.
    pub model: String,
    /// When.
    pub compiled_at: String,
    /// Whether it was there already.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub cached: Option<bool>,
    /// Tokens read.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub input_tokens: Option<u64>,
    /// Tokens written.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub output_tokens: Option<u64>,
    /// What it cost.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub cost_cents: Option<f64>,
}

/// `POST /v1/eval-sessions`: a session without twins, for uploads and `/finalize`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct EvalSessionRequest {
    /// Slug of the agent.
    pub agent: String,
    /// Slug of the scenario.
    pub task_name: String,
}

/// The answer to [`EvalSessionRequest`].
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct EvalSession {
    /// `ses_...`
    pub session_id: String,
    /// When it ends by itself.
    pub expires_at: String,
}
