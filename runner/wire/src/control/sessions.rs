//! Opening, listing, keeping alive and ending sessions.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

use super::Secret;
use super::lenient::{or_default, or_none};

/// `POST /v1/sessions`
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(from = "ReadCreate")]
pub struct CreateSession {
    /// Twins of the session, the primary one first.
    pub twins: Vec<String>,
    /// The scenario's Markdown in base64; either this or `scenario_id`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub scenario_source: Option<String>,
    /// A stored scenario, `scn_...`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub scenario_id: Option<String>,
    /// What the twins start from: a seed, or with several twins one a twin.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub seed: Option<Map<String, Value>>,
    /// The same key within 30 seconds means the same session.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub idempotency_key: Option<String>,
    /// The group of trials.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub group_id: Option<String>,
    /// The registered agent.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub agent_id: Option<String>,
    /// A free label.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub agent_version: Option<String>,
    /// At most 16.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub tags: Vec<String>,
    /// How long the session lives without a heartbeat, 60 to 86400.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub ttl_seconds: Option<u64>,
}

/// [`CreateSession`] with both spellings; the one with `task` wins.
#[derive(Deserialize)]
struct ReadCreate {
    twins: Option<Vec<String>>,
    scenario_source: Option<String>,
    task_source: Option<String>,
    scenario_id: Option<String>,
    task_id: Option<String>,
    seed: Option<Map<String, Value>>,
    idempotency_key: Option<String>,
    group_id: Option<String>,
    agent_id: Option<String>,
    agent_version: Option<String>,
    tags: Option<Vec<String>>,
    ttl_seconds: Option<u64>,
}

impl From<ReadCreate> for CreateSession {
    fn from(read: ReadCreate) -> Self {
        Self {
            twins: read.twins.unwrap_or_else(|| vec!["github".to_owned()]),
            scenario_source: read.task_source.or(read.scenario_source),
            scenario_id: read.task_id.or(read.scenario_id),
            seed: read.seed,
            idempotency_key: read.idempotency_key,
            group_id: read.group_id,
            agent_id: read.agent_id,
            agent_version: read.agent_version,
            tags: read.tags.unwrap_or_default(),
            ttl_seconds: read.ttl_seconds,
        }
    }
}

/// The answer to [`CreateSession`] and to `POST /v1/sessions/{id}/token`, as it was sent. Older servers leave things out.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct CreatedSession {
    /// `ses_...`
    pub session_id: String,
    /// The session's name in addresses; absent: its id.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub session_token: Option<String>,
    /// Address of the primary twin.
    pub twin_url: String,
    /// When the session ends by itself.
    pub expires_at: String,
    /// What the twins are called with.
    pub agent_token: Secret,
    /// Tokens in the form of a vendor.
    #[serde(default, deserialize_with = "or_default")]
    pub provider_credentials: BTreeMap<String, ProviderCredential>,
    /// Description of the primary twin's routes.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub openapi_url: Option<String>,
    /// Addresses of each twin.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub per_twin: Option<BTreeMap<String, TwinUrls>>,
    /// Who judges; absent: the client.
    #[serde(default, deserialize_with = "or_none", skip_serializing_if = "Option::is_none")]
    pub evaluation: Option<Evaluator>,
    /// What the twins started from.
    #[serde(default, deserialize_with = "or_none", skip_serializing_if = "Option::is_none")]
    pub seed_applied: Option<SeedApplied>,
}

/// A token as a vendor's client sends it.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct ProviderCredential {
    /// GitHub, Slack.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub token: Option<Secret>,
    /// Stripe.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub api_key: Option<Secret>,
    /// Name of the header.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub header: Option<String>,
    /// The word in front of the token.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub scheme: Option<String>,
}

/// Addresses of one twin of a session.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct TwinUrls {
    /// Everything behind it is the vendor's own path.
    pub api_url: String,
    /// The MCP door.
    #[serde(default)]
    pub mcp_url: String,
    /// Description of its routes.
    #[serde(default)]
    pub openapi_url: String,
}

/// Who judges a hosted run.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Evaluator {
    /// `/result`
    Client,
    /// `/finalize`
    Server,
}

/// What the twins of a session started from.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum SeedApplied {
    /// The seed of the request.
    Request,
    /// The default seed of each twin.
    Default,
}

/// Where a session stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum SessionState {
    /// Its twins are starting.
    Provisioning,
    /// Its twins answer.
    Ready,
    /// It was called.
    Running,
    /// It has a result, or was ended.
    Done,
    /// It ended by itself.
    Expired,
    /// It was abandoned, or its twins did not start.
    Failed,
}

impl SessionState {
    /// All of them.
    pub const ALL: [Self; 6] =
        [Self::Provisioning, Self::Ready, Self::Running, Self::Done, Self::Expired, Self::Failed];

    /// The word.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Provisioning => "provisioning",
            Self::Ready => "ready",
            Self::Running => "running",
            Self::Done => "done",
            Self::Expired => "expired",
            Self::Failed => "failed",
        }
    }

    /// The state behind a word.
    pub fn from_word(word: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|state| state.as_str() == word)
    }

    /// Whether it counts for the quota. The others are final.
    pub const fn is_active(self) -> bool {
        matches!(self, Self::Provisioning | Self::Ready | Self::Running)
    }
}

/// One element of `GET /v1/sessions`, and the answer of `GET /v1/sessions/{id}`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct SessionRow {
    /// `ses_...`
    pub id: String,
    /// Whose it is.
    pub team_id: String,
    /// The primary twin.
    pub twin_type: String,
    /// All twins, the primary one first; older servers send none.
    #[serde(default, deserialize_with = "or_default")]
    pub twins: Vec<String>,
    /// Where it stands.
    pub state: SessionState,
    /// Address of the primary twin, once it answers.
    pub twin_url: Option<String>,
    /// When it was asked for.
    pub created_at: String,
    /// When it ends by itself.
    pub expires_at: String,
    /// When its twins answered.
    pub ready_at: Option<String>,
    /// When it ended.
    pub closed_at: Option<String>,
    /// Slug of the scenario.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub task_name: Option<String>,
    /// The group of trials.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub group_id: Option<String>,
    /// The run that came out of it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub run_id: Option<String>,
    /// The registered agent.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub agent_id: Option<String>,
    /// As they were given.
    #[serde(default, deserialize_with = "or_default", skip_serializing_if = "Vec::is_empty")]
    pub tags: Vec<String>,
}

/// The answer to `POST /v1/sessions/{id}/heartbeat`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Heartbeat {
    /// The session.
    pub session_id: String,
    /// Where it stands.
    pub state: SessionState,
    /// When it ends by itself now.
    pub expires_at: String,
}

/// `POST /v1/sessions/{id}/abandon`
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Abandon {
    /// `preflight_failed`, `agent_timeout`, `agent_exit_nonzero`, `trial_crashed`, `interrupted`; any `[a-z0-9_]{1,64}`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub error_code: Option<String>,
}

/// The answer to [`Abandon`].
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Abandoned {
    /// The session.
    #[serde(default)]
    pub session_id: String,
    /// Where it stands.
    pub state: SessionState,
    /// Why it failed, when it did.
    #[serde(default)]
    pub error_code: Option<String>,
    /// False: it had ended before.
    pub abandoned: bool,
}

/// `details.reason` of a session that is not ended because nothing was graded.
pub const UNGRADED_SESSION: &str = "ungraded_session";

/// `details` of a 409 to `DELETE /v1/sessions/{id}`.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Ungraded {
    /// [`UNGRADED_SESSION`]
    #[serde(default, deserialize_with = "or_none")]
    pub reason: Option<String>,
    /// Confirms the discard once.
    #[serde(default, deserialize_with = "or_none")]
    pub discard_token: Option<Secret>,
    /// The session.
    #[serde(default, deserialize_with = "or_none")]
    pub session_id: Option<String>,
    /// Where it stands.
    #[serde(default, deserialize_with = "or_none")]
    pub state: Option<SessionState>,
    /// Slug of the scenario.
    #[serde(default, deserialize_with = "or_none")]
    pub task_name: Option<String>,
    /// How long it has been open.
    #[serde(default, deserialize_with = "or_none")]
    pub open_seconds: Option<u64>,
}
