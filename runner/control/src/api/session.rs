//! The row of a session, as the routes about sessions read it.

use pome_wire::control::{SessionRow, SessionState};
use pome_wire::time;

use super::ApiError;
use crate::state::Control;
use crate::store::{Store, on};

/// One session. Found only by its team and its id together.
#[derive(Debug, Clone, sqlx::FromRow)]
pub(crate) struct Session {
    pub(crate) id: String,
    pub(crate) team_id: String,
    twins: String,
    state: String,
    pub(crate) error_code: Option<String>,
    pub(crate) task_name: Option<String>,
    pub(crate) scenario_source: Option<String>,
    pub(crate) seed_applied: Option<String>,
    pub(crate) group_id: Option<String>,
    pub(crate) agent_id: Option<String>,
    pub(crate) agent_version: Option<String>,
    tags: String,
    pub(crate) ttl_seconds: i64,
    pub(crate) created_at: i64,
    pub(crate) ready_at: Option<i64>,
    pub(crate) closed_at: Option<i64>,
    pub(crate) expires_at: i64,
    pub(crate) run_id: Option<String>,
}

const COLUMNS: &str = "id, team_id, twins, state, error_code, task_name, scenario_source, seed_applied, \
    group_id, agent_id, agent_version, tags, ttl_seconds, created_at, ready_at, closed_at, expires_at, run_id";

impl Session {
    /// The session of a team.
    pub(crate) async fn find(store: &Store, team: &str, id: &str) -> Result<Option<Self>, sqlx::Error> {
        let statement = format!("SELECT {COLUMNS} FROM sessions WHERE team_id = $1 AND id = $2");
        on!(store, pool => {
            sqlx::query_as(sqlx::AssertSqlSafe(statement)).bind(team).bind(id).fetch_optional(pool).await
        })
    }

    /// The session that was opened with an idempotency key not long ago.
    pub(crate) async fn find_once(
        store: &Store,
        team: &str,
        key: &str,
        since: i64,
    ) -> Result<Option<Self>, sqlx::Error> {
        let statement =
            format!("SELECT {COLUMNS} FROM sessions WHERE team_id = $1 AND idempotency_key = $2 AND created_at >= $3");
        on!(store, pool => {
            sqlx::query_as(sqlx::AssertSqlSafe(statement)).bind(team).bind(key).bind(since).fetch_optional(pool).await
        })
    }

    /// The newest sessions of a team.
    pub(crate) async fn newest(store: &Store, team: &str, limit: i64) -> Result<Vec<Self>, sqlx::Error> {
        let statement =
            format!("SELECT {COLUMNS} FROM sessions WHERE team_id = $1 ORDER BY created_at DESC, id DESC LIMIT $2");
        on!(store, pool => {
            sqlx::query_as(sqlx::AssertSqlSafe(statement)).bind(team).bind(limit).fetch_all(pool).await
        })
    }

    /// Where it stands. One whose time is over has expired, also when the sweeper has not been there yet.
    pub(crate) fn state(&self) -> SessionState {
        // A word that this program does not know was written by a newer one; nothing may be done to such a session.
        let state = SessionState::from_word(&self.state).unwrap_or(SessionState::Failed);
        if state.is_active() && self.expires_at <= time::now_millis() { SessionState::Expired } else { state }
    }

    /// Its twins, the primary one first.
    pub(crate) fn twins(&self) -> Vec<String> {
        serde_json::from_str(&self.twins).unwrap_or_default()
    }

    /// Its tags, as they were given.
    pub(crate) fn tags(&self) -> Vec<String> {
        serde_json::from_str(&self.tags).unwrap_or_default()
    }

    /// The last moment that heartbeats can move its end to.
    pub(crate) fn latest_end(&self) -> i64 {
        self.expires_at.max(self.created_at + LONGEST)
    }

    /// That it can still be worked on; else what a caller is told.
    pub(crate) fn must_be_open(&self) -> Result<(), ApiError> {
        match self.state() {
            SessionState::Expired => Err(ApiError::gone(format!("session `{}` has expired", self.id))),
            state if state.is_active() => Ok(()),
            state => Err(ApiError::conflict(format!("session `{}` is closed ({})", self.id, state.as_str()))),
        }
    }

    /// As a list shows it.
    pub(crate) fn shown(&self, control: &Control) -> SessionRow {
        let twins = self.twins();
        let primary = twins.first().cloned().unwrap_or_default();
        let ready = self.ready_at.is_some() && !primary.is_empty();
        SessionRow {
            id: self.id.clone(),
            team_id: self.team_id.clone(),
            twin_url: ready.then(|| format!("{}/{primary}/{}", control.public_url, self.id)),
            twin_type: primary,
            state: self.state(),
            created_at: time::format(self.created_at),
            expires_at: time::format(self.expires_at),
            ready_at: self.ready_at.map(time::format),
            closed_at: self.closed_at.map(time::format),
            task_name: self.task_name.clone(),
            group_id: self.group_id.clone(),
            run_id: self.run_id.clone(),
            agent_id: self.agent_id.clone(),
            tags: self.tags(),
            twins,
        }
    }
}

/// How long heartbeats can keep a session alive, in milliseconds.
const LONGEST: i64 = 4 * 60 * 60 * 1000;
