//! Sessions that are alive: their worlds, the durable log of their calls, and which host holds them.

use std::time::Duration;

use pome_sandbox::Component;

/// States of a session that count as alive, for an SQL list.
pub(crate) const ACTIVE: &str = "('provisioning', 'ready', 'running')";

/// One world that a session asks for.
#[derive(Debug, Clone)]
pub(crate) struct NewWorld {
    /// Id of the twin.
    pub(crate) twin: String,
    /// Its seed document as it was sent; absent: the twin's default.
    pub(crate) seed: Option<Vec<u8>>,
}

/// A session that is to be opened.
#[derive(Debug, Clone)]
pub(crate) struct NewSession {
    pub(crate) id: String,
    pub(crate) team_id: String,
    pub(crate) key_id: String,
    /// The first is the primary one. Empty for a session without twins (`/v1/eval-sessions`).
    pub(crate) worlds: Vec<NewWorld>,
    pub(crate) task_name: Option<String>,
    /// The Markdown, decoded.
    pub(crate) scenario_source: Option<String>,
    pub(crate) scenario_hash: Option<String>,
    /// `request` or `default`.
    pub(crate) seed_applied: Option<&'static str>,
    pub(crate) group_id: Option<String>,
    pub(crate) agent_id: Option<String>,
    pub(crate) agent_version: Option<String>,
    pub(crate) tags: Vec<String>,
    pub(crate) idempotency_key: Option<String>,
    pub(crate) ttl: Duration,
}

/// A session that was opened.
#[derive(Debug, Clone)]
pub(crate) struct Opened {
    /// Milliseconds since 1970.
    pub(crate) created_at: i64,
    /// Milliseconds since 1970.
    pub(crate) expires_at: i64,
}

/// A session cannot be opened; nothing was stored.
#[derive(Debug, thiserror::Error)]
pub(crate) enum OpenError {
    #[error("there is no twin `{twin}` here")]
    UnknownTwin { twin: String },
    #[error("{reason}")]
    SeedRefused { twin: String, reason: String },
    #[error("{used} of {limit} sessions in use")]
    OverQuota { limit: i64, used: i64 },
    /// The team has a session with that idempotency key.
    #[error("there is a session with this idempotency key")]
    Duplicate,
    #[error("twin `{twin}` did not start: {reason}")]
    Boot { twin: String, reason: String },
    #[error("the twins did not start in time")]
    Slow,
    #[error("the database does not answer")]
    Database(#[from] sqlx::Error),
}

/// How a session ends.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Close<'a> {
    /// `done`, `expired` or `failed`.
    pub(crate) state: &'a str,
    pub(crate) error_code: Option<&'a str>,
}

/// What one twin of a session has to say about it.
#[derive(Debug)]
pub(crate) struct TwinEvidence {
    pub(crate) twin: String,
    pub(crate) component: Component,
    /// Exported state right after the seed, not redacted.
    pub(crate) before: Vec<u8>,
    /// Exported state now, not redacted.
    pub(crate) after: Vec<u8>,
    /// Redacted rows of its calls, oldest first, each a JSON object.
    pub(crate) rows: Vec<Vec<u8>>,
}

/// The material of a session cannot be had.
#[derive(Debug, thiserror::Error)]
pub(crate) enum EvidenceError {
    #[error("the calls of the session are not kept any more")]
    Swept,
    #[error("the twin of the session cannot be found any more: {0}")]
    Component(String),
    #[error("the session cannot be built again: {0}")]
    Rebuild(String),
    #[error("the database does not answer")]
    Database(#[from] sqlx::Error),
}
