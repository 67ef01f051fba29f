//! How sessions end before their time: closed, or abandoned.

use std::sync::Arc;

use axum::extract::State;
use http::StatusCode;
use pome_wire::control::{Abandon, Abandoned, UNGRADED_SESSION};
use pome_wire::time;
use serde::Deserialize;
use serde_json::json;

use super::ApiError;
use super::auth::{KeyOfSession, OfSession};
use super::body::{Answer, Body, Query, ok};
use super::session::Session;
use crate::hosting::Close;
use crate::state::Control;
use crate::store::{Store, on};
use crate::{audit, ids, keys};

/// How long the confirmation of a discard is good, in milliseconds.
const CONFIRMATION: i64 = 5 * 60 * 1000;

/// What `DELETE /v1/sessions/{id}` may carry.
#[derive(Debug, Deserialize)]
pub(crate) struct Confirmed {
    confirm_discard: Option<String>,
}

/// `DELETE /v1/sessions/{id}`
pub(crate) async fn delete(
    State(control): State<Arc<Control>>,
    of: KeyOfSession,
    Query(confirmed): Query<Confirmed>,
) -> Result<StatusCode, ApiError> {
    let session = &of.session;
    let closed = || ApiError::conflict(format!("session `{}` is closed already", session.id));
    if !session.state().is_active() {
        return Err(closed());
    }
    let discarded = match &confirmed.confirm_discard {
        Some(token) => confirm(&control.store, &session.id, token).await?,
        None => false,
    };
    if !discarded && !is_graded(&control.store, session).await? {
        audit::write(&control.store, of.caller.entry("session.delete", Some(&session.id)), "refused").await;
        return Err(ungraded(&control.store, session).await?);
    }
    let close = Close { state: "done", error_code: discarded.then_some("discarded") };
    if !control.hosting.close(&session.id, close).await? {
        return Err(closed());
    }
    let outcome = if discarded { "discarded" } else { "ok" };
    audit::write(&control.store, of.caller.entry("session.delete", Some(&session.id)), outcome).await;
    Ok(StatusCode::NO_CONTENT)
}

/// Whether a result was stored, or an evaluation was asked for.
async fn is_graded(store: &Store, session: &Session) -> Result<bool, sqlx::Error> {
    if session.run_id.is_some() {
        return Ok(true);
    }
    let found: i64 = on!(store, pool => sqlx::query_scalar(
        "SELECT (SELECT COUNT(*) FROM runs WHERE session_id = $1) \
         + (SELECT COUNT(*) FROM evaluations WHERE session_id = $2 AND status <> 'failed')",
    )
    .bind(&session.id)
    .bind(&session.id)
    .fetch_one(pool)
    .await)?;
    Ok(found > 0)
}

/// The refusal, with a token that confirms once that the session may go without a grade.
async fn ungraded(store: &Store, session: &Session) -> Result<ApiError, ApiError> {
    let token = ids::secret("dsc_")?;
    let now = time::now_millis();
    on!(store, pool => sqlx::query("INSERT INTO discards (hash, session_id, expires_at) VALUES ($1, $2, $3)")
        .bind(keys::hash(&token))
        .bind(&session.id)
        .bind(now + CONFIRMATION)
        .execute(pool)
        .await
        .map(drop))?;
    let message = format!("session `{}` has no result yet; closing it now discards what happened in it", session.id);
    Ok(ApiError::conflict(message).with(json!({
        "reason": UNGRADED_SESSION,
        "discard_token": token,
        "session_id": session.id,
        "state": session.state(),
        "task_name": session.task_name,
        "open_seconds": (now - session.created_at).max(0) / 1000,
    })))
}

/// Uses a confirmation up. Whoever comes second has to ask again.
async fn confirm(store: &Store, session_id: &str, token: &str) -> Result<bool, sqlx::Error> {
    let now = time::now_millis();
    let used = on!(store, pool => sqlx::query(
        "UPDATE discards SET used_at = $1 WHERE hash = $2 AND session_id = $3 AND used_at IS NULL AND expires_at > $4",
    )
    .bind(now)
    .bind(keys::hash(token))
    .bind(session_id)
    .bind(now)
    .execute(pool)
    .await
    .map(|done| done.rows_affected()))?;
    Ok(used > 0)
}

/// `POST /v1/sessions/{id}/abandon`
pub(crate) async fn abandon(
    State(control): State<Arc<Control>>,
    of: OfSession,
    Body(asked): Body<Abandon>,
) -> Result<Answer<Abandoned>, ApiError> {
    let code = asked.error_code.as_deref();
    let fits = |code: &str| {
        (1..=64).contains(&code.len()) && code.bytes().all(|byte| matches!(byte, b'a'..=b'z' | b'0'..=b'9' | b'_'))
    };
    if code.is_some_and(|code| !fits(code)) {
        return Err(ApiError::invalid("`error_code`: expected 1 to 64 characters of a-z 0-9 _"));
    }
    let session = &of.session;
    let may = session.state().is_active() && !is_graded(&control.store, session).await?;
    let abandoned = may && control.hosting.close(&session.id, Close { state: "failed", error_code: code }).await?;
    if abandoned {
        audit::write(&control.store, of.entry("session.abandon"), "ok").await;
    }
    let now = Session::find(&control.store, &session.team_id, &session.id).await?;
    let now = now.ok_or_else(|| ApiError::not_found(format!("there is no session `{}`", session.id)))?;
    Ok(ok(Abandoned { state: now.state(), error_code: now.error_code, session_id: now.id, abandoned }))
}
