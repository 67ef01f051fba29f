//! Checks of twins, sessions for evaluation only, and what this server does not do.

use std::sync::Arc;
use std::time::Duration;

use axum::extract::State;
use http::StatusCode;
use pome_wire::control::{EvalSession, EvalSessionRequest, WireCheck, WireChecks, WireParam};
use pome_wire::project::is_slug;
use pome_wire::time;
use serde::Deserialize;

use super::auth::Caller;
use super::body::{Answer, Body, Query, ok};
use super::error::reason;
use super::{ApiError, agents};
use crate::hosting::{NewSession, OpenError};
use crate::state::Control;
use crate::{audit, ids, limits};

/// What `GET /v1/checks` asks for.
#[derive(Debug, Deserialize)]
pub(crate) struct Asked {
    twin: String,
}

/// `GET /v1/checks?twin=`
pub(crate) async fn checks(
    State(control): State<Arc<Control>>,
    _caller: Caller,
    Query(asked): Query<Asked>,
) -> Result<Answer<WireChecks>, ApiError> {
    let twin = control.hosting.twin(&asked.twin);
    let twin = twin.ok_or_else(|| ApiError::not_found(format!("there is no twin `{}` here", reason(&asked.twin))))?;
    let description = twin.description();
    let mut checks: Vec<WireCheck> = description
        .checks
        .iter()
        .map(|check| WireCheck {
            id: check.id.clone(),
            template: check.template.clone(),
            substrate: check.substrate.clone(),
            pattern: Some(check.pattern.clone()),
            params: check
                .params
                .iter()
                .map(|param| WireParam { name: param.name.clone(), pattern: param.pattern.clone() })
                .collect(),
        })
        .collect();
    checks.sort_by(|left, right| left.id.cmp(&right.id));
    Ok(ok(WireChecks { twin: description.id.clone(), digest: description.checks_digest.clone(), checks }))
}

/// How long a session for evaluation lives.
const EVALUATION_LIFE: Duration = Duration::from_secs(1800);

/// `POST /v1/eval-sessions`
pub(crate) async fn eval_session(
    State(control): State<Arc<Control>>,
    caller: Caller,
    Body(asked): Body<EvalSessionRequest>,
) -> Result<Answer<EvalSession>, ApiError> {
    if !is_slug(&asked.task_name) {
        return Err(ApiError::invalid("`task_name`: expected words of a-z 0-9 with `-` between them"));
    }
    let agent = agents::id_of(&control.store, caller.team(), &asked.agent).await?;
    let agent = agent.ok_or_else(|| {
        ApiError::not_found(format!("there is no agent `{}`; `pome register agent` makes one", reason(&asked.agent)))
    })?;
    let id = ids::new("ses_")?;
    let new = NewSession {
        id: id.clone(),
        team_id: caller.team().to_owned(),
        key_id: caller.holder.key_id.clone(),
        worlds: Vec::new(),
        task_name: Some(asked.task_name),
        scenario_source: None,
        scenario_hash: None,
        seed_applied: None,
        group_id: None,
        agent_id: Some(agent),
        agent_version: None,
        tags: Vec::new(),
        idempotency_key: None,
        ttl: EVALUATION_LIFE,
    };
    let limit = limits::sessions(&caller.holder.plan_tier, caller.holder.max_sessions, control.config.max_sessions);
    let opened = control.hosting.open(new, limit).await.map_err(|error| match error {
        OpenError::OverQuota { limit, used } => ApiError::over_quota(limit, used),
        OpenError::Database(error) => error.into(),
        error => ApiError::internal("the session could not be opened", &error),
    })?;
    audit::write(&control.store, caller.entry("session.create", Some(&id)), "ok").await;
    Ok(Answer(StatusCode::CREATED, EvalSession { session_id: id, expires_at: time::format(opened.expires_at) }))
}

/// Routes of the contract that need something which this server has not.
pub(crate) async fn not_here(_caller: Caller) -> ApiError {
    ApiError::not_implemented("this server does not do that")
}

/// The same for routes that anybody may ask.
pub(crate) async fn not_here_for_anybody() -> ApiError {
    ApiError::not_implemented("this server does not do that")
}
