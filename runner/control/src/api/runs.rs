//! Runs as they are stored and read.

use std::sync::Arc;

use axum::extract::{Path, State};
use pome_wire::control::{Blobs, RunPage, RunRow, SignedBlob, TwinBlobs};
use pome_wire::time;
use serde::Deserialize;

use super::auth::Caller;
use super::body::{Answer, Query, ok};
use super::session::Session;
use super::uploads::{self, EVENTS, META, SIGNALS, STATE_FINAL, STATE_INITIAL, state_file};
use super::{ApiError, error::reason};
use crate::blobs;
use crate::state::Control;
use crate::store::{Store, on};

/// Which sessions a run may still be stored for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum From {
    /// Those that are open.
    Open,
    /// Also those that were closed after their evaluation had been asked for.
    Accepted,
}

/// The run of a session, without addresses of its files.
pub(crate) async fn of_session(store: &Store, session: &Session) -> Result<Option<RunRow>, ApiError> {
    one(store, &session.team_id, &session.id).await
}

async fn one(store: &Store, team: &str, id: &str) -> Result<Option<RunRow>, ApiError> {
    let document: Option<String> = on!(store, pool => {
        sqlx::query_scalar("SELECT document FROM runs WHERE team_id = $1 AND (id = $2 OR session_id = $3)")
            .bind(team)
            .bind(id)
            .bind(id)
            .fetch_optional(pool)
            .await?
    });
    document.map(|document| row(&document)).transpose()
}

fn row(document: &str) -> Result<RunRow, ApiError> {
    serde_json::from_str(document).map_err(|error| ApiError::internal("a stored run cannot be read", &error))
}

/// Stores the run and closes its session, both or neither. When the session has a run already, that one is given back and nothing
/// changes.
pub(crate) async fn store(control: &Control, session: &Session, run: &RunRow, from: From) -> Result<RunRow, ApiError> {
    let document = serde_json::to_string(run).map_err(|error| ApiError::internal("a run cannot be written", &error))?;
    let now = time::now_millis();
    let states = match from {
        From::Open => crate::hosting::ACTIVE,
        From::Accepted => "('provisioning', 'ready', 'running', 'done', 'expired')",
    };
    // The first statement of the transaction locks the session: two results at once come one after the other.
    let close = format!(
        "UPDATE sessions SET state = 'done', run_id = $1, closed_at = COALESCE(closed_at, $2), epoch = epoch + 1 \
         WHERE id = $3 AND team_id = $4 AND run_id IS NULL AND state IN {states}"
    );
    let stored = on!(&control.store, pool => {
        let mut transaction = pool.begin().await?;
        let closed = sqlx::query(sqlx::AssertSqlSafe(close))
            .bind(&run.id)
            .bind(now)
            .bind(&session.id)
            .bind(&session.team_id)
            .execute(&mut *transaction)
            .await?
            .rows_affected();
        if closed > 0 {
            sqlx::query(
                "INSERT INTO runs (id, team_id, session_id, scenario, status, score, agent_id, agent_version, group_id, \
                 duration_ms, created_at, finished_at, document) \
                 VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13)",
            )
            .bind(&run.id)
            .bind(&session.team_id)
            .bind(&session.id)
            .bind(run.name())
            .bind(run.status.as_deref().unwrap_or("incomplete"))
            .bind(i64::from(run.satisfaction_score))
            .bind(&run.agent_id)
            .bind(&run.agent_version)
            .bind(&run.group_id)
            .bind(i64::try_from(run.duration_ms).unwrap_or(i64::MAX))
            .bind(session.created_at)
            .bind(now)
            .bind(&document)
            .execute(&mut *transaction)
            .await?;
            for tag in run.tags.iter().flatten() {
                sqlx::query(
                    "INSERT INTO run_tags (run_id, team_id, tag, created_at) VALUES ($1, $2, $3, $4) ON CONFLICT DO NOTHING",
                )
                .bind(&run.id)
                .bind(&session.team_id)
                .bind(tag)
                .bind(session.created_at)
                .execute(&mut *transaction)
                .await?;
            }
            transaction.commit().await?;
        }
        closed > 0
    });
    if stored {
        control.hosting.released(&session.id);
        return Ok(run.clone());
    }
    if let Some(earlier) = of_session(&control.store, session).await? {
        return Ok(earlier);
    }
    // It ended while the result was on its way.
    if let Some(now) = Session::find(&control.store, &session.team_id, &session.id).await? {
        now.must_be_open()?;
    }
    Err(ApiError::conflict(format!("session `{}` cannot take a result", session.id)))
}

/// Where a run is looked at.
pub(crate) fn dashboard_url(control: &Control, run_id: &str) -> String {
    format!("{}/runs/{run_id}", control.public_url)
}

/// `GET /v1/runs/{id}`
pub(crate) async fn get(
    State(control): State<Arc<Control>>,
    caller: Caller,
    Path(id): Path<String>,
) -> Result<Answer<RunRow>, ApiError> {
    let run = if id.len() <= 100 { one(&control.store, caller.team(), &id).await? } else { None };
    let mut run = run.ok_or_else(|| ApiError::not_found(format!("there is no run `{}`", reason(&id))))?;
    run.lanes.get_or_insert_default();
    run.steps.get_or_insert_default();
    run.blobs = Some(addresses(&control, caller.team(), &run).await?);
    Ok(ok(run))
}

async fn addresses(control: &Control, team: &str, run: &RunRow) -> Result<Blobs, ApiError> {
    let Some(session) = Session::find(&control.store, team, &run.session_id).await? else {
        return Ok(Blobs::default());
    };
    let files = uploads::files(&control.store, &session).await?;
    let signed = |file: &str| {
        let key = blobs::key(team, &session.id, file);
        files.iter().any(|stored| stored == file).then(|| {
            let (url, until) = uploads::fetched(control, &key);
            SignedBlob { url, expires_at: time::format(until) }
        })
    };
    let twins = run.twins.clone().unwrap_or_default();
    let mut per_twin = std::collections::BTreeMap::new();
    for twin in twins {
        let blobs = TwinBlobs {
            state_initial: signed(&state_file("initial", &twin)),
            state_final: signed(&state_file("final", &twin)),
        };
        if blobs != TwinBlobs::default() {
            per_twin.insert(twin, blobs);
        }
    }
    Ok(Blobs {
        events_jsonl: signed(EVENTS),
        signals_jsonl: signed(SIGNALS),
        meta: signed(META),
        state_initial: signed(STATE_INITIAL),
        state_final: signed(STATE_FINAL),
        per_twin,
    })
}

/// What `GET /v1/runs` may ask for.
#[derive(Debug, Deserialize)]
pub(crate) struct List {
    group_id: Option<String>,
    tag: Option<String>,
    scenario: Option<String>,
    session_id: Option<String>,
    limit: Option<i64>,
    cursor: Option<String>,
}

/// The last row of a page: what comes next is older.
fn position(cursor: &str) -> Option<(i64, &str)> {
    let (at, id) = cursor.split_once('.')?;
    Some((at.parse().ok()?, id))
}

/// `GET /v1/runs`
pub(crate) async fn list(
    State(control): State<Arc<Control>>,
    caller: Caller,
    Query(asked): Query<List>,
) -> Result<Answer<RunPage>, ApiError> {
    let limit = asked.limit.unwrap_or(50);
    if !(1..=200).contains(&limit) {
        return Err(ApiError::invalid("`limit`: expected 1 to 200"));
    }
    let cursor = asked.cursor.as_deref();
    let (at, after) = match cursor.map(position) {
        None => (i64::MAX, ""),
        Some(Some(position)) => position,
        Some(None) => return Err(ApiError::invalid("`cursor`: expected what the page before gave")),
    };
    let found: Vec<(i64, String, String)> = on!(&control.store, pool => sqlx::query_as(
        "SELECT r.created_at, r.id, r.document FROM runs r WHERE r.team_id = $1 \
         AND (r.created_at < $2 OR (r.created_at = $2 AND r.id < $3)) \
         AND ($4 IS NULL OR r.group_id = $4) AND ($5 IS NULL OR r.scenario = $5) AND ($6 IS NULL OR r.session_id = $6) \
         AND ($7 IS NULL OR EXISTS (SELECT 1 FROM run_tags t WHERE t.run_id = r.id AND t.tag = $7)) \
         ORDER BY r.created_at DESC, r.id DESC LIMIT $8",
    )
    .bind(caller.team())
    .bind(at)
    .bind(after)
    .bind(&asked.group_id)
    .bind(&asked.scenario)
    .bind(&asked.session_id)
    .bind(&asked.tag)
    .bind(limit + 1)
    .fetch_all(pool)
    .await)?;
    let size = usize::try_from(limit).unwrap_or(50);
    let more = found.len() > size;
    let next = found.get(size.saturating_sub(1)).filter(|_| more).map(|(at, id, _)| format!("{at}.{id}"));
    let mut runs = Vec::new();
    for (_, _, document) in found.iter().take(size) {
        let mut run = row(document)?;
        (run.lanes, run.steps, run.blobs) = (None, None, None);
        runs.push(run);
    }
    Ok(ok(RunPage { runs, next_cursor: next }))
}
