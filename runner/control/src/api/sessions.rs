//! Opening, listing and keeping alive of sessions.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use axum::extract::State;
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use http::StatusCode;
use pome_wire::control::{
    CreateSession, CreatedSession, Evaluator, Heartbeat, Secret, SeedApplied, SessionRow, TwinUrls,
};
use pome_wire::project::slug_of;
use pome_wire::time;
use serde::Deserialize;
use serde_json::{Map, Value, json};
use sha2::{Digest as _, Sha256};

use super::auth::{Caller, KeyOfSession, OfSession};
use super::body::{Answer, Body, Query, ok};
use super::error::reason;
use super::session::Session;
use super::{ApiError, agents};
use crate::config::Evaluation;
use crate::hosting::{NewSession, NewWorld, ONCE, OpenError};
use crate::state::Control;
use crate::store::on;
use crate::{audit, ids, limits};

/// Largest body of a request for a session: seeds can be long.
pub(crate) const BODY: usize = 16 * 1024 * 1024;

/// Longest scenario.
const LONGEST_SCENARIO: usize = 1024 * 1024;

/// `POST /v1/sessions`
pub(crate) async fn create(
    State(control): State<Arc<Control>>,
    caller: Caller,
    Body(asked): Body<CreateSession>,
) -> Result<Answer<CreatedSession>, ApiError> {
    if let Some(key) = &asked.idempotency_key {
        is_idempotency_key(key)?;
        if let Some(session) = once(&control, &caller, key).await? {
            return Ok(Answer(StatusCode::CREATED, created(&control, &session)?));
        }
    }
    let new = plan(&control, &caller, asked).await?;
    let (id, key) = (new.id.clone(), new.idempotency_key.clone());
    let limit = limits::sessions(&caller.holder.plan_tier, caller.holder.max_sessions, control.config.max_sessions);
    match control.hosting.open(new, limit).await {
        Ok(_) => {}
        Err(OpenError::Duplicate) => {
            // The same request came in twice at once; the other one was faster.
            let session = match &key {
                Some(key) => once(&control, &caller, key).await?,
                None => None,
            };
            let session = session.ok_or_else(|| ApiError::conflict("this idempotency key was used before"))?;
            return Ok(Answer(StatusCode::CREATED, created(&control, &session)?));
        }
        Err(error) => {
            let failed = error.code().map(|code| (id.as_str(), code));
            let outcome = if failed.is_some() { "failed" } else { "refused" };
            audit::write(&control.store, caller.entry("session.create", failed.map(|(id, _)| id)), outcome).await;
            let refused = refused(error);
            return Err(match failed {
                Some((id, code)) => refused.with(json!({"session_id": id, "error_code": code})),
                None => refused,
            });
        }
    }
    control.metrics.sessions_opened.inc();
    audit::write(&control.store, caller.entry("session.create", Some(&id)), "ok").await;
    let session = Session::find(&control.store, caller.team(), &id).await?;
    let session = session.ok_or_else(|| ApiError::not_found(format!("session `{id}` ended at once")))?;
    Ok(Answer(StatusCode::CREATED, created(&control, &session)?))
}

async fn once(control: &Control, caller: &Caller, key: &str) -> Result<Option<Session>, sqlx::Error> {
    Session::find_once(&control.store, caller.team(), key, time::now_millis() - ONCE).await
}

fn is_idempotency_key(key: &str) -> Result<(), ApiError> {
    match uuid::Uuid::try_parse(key) {
        Ok(uuid) if uuid.get_version_num() == 4 => Ok(()),
        Ok(_) | Err(_) => Err(ApiError::invalid("`idempotency_key`: expected a UUID of version 4")),
    }
}

/// What was asked for, checked.
async fn plan(control: &Control, caller: &Caller, asked: CreateSession) -> Result<NewSession, ApiError> {
    twins_fit(control, &asked.twins)?;
    let scenario = scenario(&asked)?;
    let seeded = asked.seed.is_some();
    let worlds = worlds(&asked.twins, asked.seed)?;
    if let Some(group) = &asked.group_id {
        is_group(group)?;
    }
    if let Some(agent) = &asked.agent_id {
        agents::may_use(&control.store, caller.team(), agent, &asked.twins).await?;
    }
    if asked.agent_version.as_deref().is_some_and(|version| version.chars().count() > 200) {
        return Err(ApiError::invalid("`agent_version`: expected at most 200 characters"));
    }
    tags_fit(&asked.tags)?;
    let ttl = match asked.ttl_seconds {
        None => control.config.session_ttl,
        Some(seconds @ 60..=86_400) => Duration::from_secs(seconds),
        Some(_) => return Err(ApiError::invalid("`ttl_seconds`: expected 60 to 86400")),
    };
    Ok(NewSession {
        id: ids::new("ses_")?,
        team_id: caller.team().to_owned(),
        key_id: caller.holder.key_id.clone(),
        worlds,
        task_name: title(&scenario).map(|title| slug_of(&title)).filter(|slug| !slug.is_empty()),
        scenario_hash: Some(ids::hex(&Sha256::digest(scenario.as_bytes()))),
        scenario_source: Some(scenario),
        seed_applied: Some(if seeded { "request" } else { "default" }),
        group_id: asked.group_id,
        agent_id: asked.agent_id,
        agent_version: asked.agent_version,
        tags: asked.tags,
        idempotency_key: asked.idempotency_key,
        ttl,
    })
}

fn twins_fit(control: &Control, twins: &[String]) -> Result<(), ApiError> {
    if twins.is_empty() || twins.len() > 3 {
        return Err(ApiError::invalid("`twins`: expected 1 to 3 twins"));
    }
    for (at, twin) in twins.iter().enumerate() {
        if twins.iter().take(at).any(|before| before == twin) {
            return Err(ApiError::invalid(format!("`twins`: `{}` is there twice", reason(twin))));
        }
        if control.hosting.twin(twin).is_none() {
            let known: Vec<&str> = control.hosting.twins().map(|twin| twin.description().id.as_str()).collect();
            return Err(ApiError::invalid(format!(
                "`twins`: there is no twin `{}` here; there are {}",
                reason(twin),
                known.join(", ")
            )));
        }
    }
    Ok(())
}

fn scenario(asked: &CreateSession) -> Result<String, ApiError> {
    match (&asked.scenario_source, &asked.scenario_id) {
        (Some(source), None) => {
            let bytes = STANDARD.decode(source).ok();
            let text = bytes.and_then(|bytes| String::from_utf8(bytes).ok());
            let text =
                text.ok_or_else(|| ApiError::invalid("`scenario_source`: expected Markdown (UTF-8) in base64"))?;
            if text.len() > LONGEST_SCENARIO {
                return Err(ApiError::invalid("`scenario_source`: longer than 1 MiB"));
            }
            // A text column of PostgreSQL cannot hold this character.
            if text.contains('\0') {
                return Err(ApiError::invalid("`scenario_source`: holds the character U+0000"));
            }
            Ok(text)
        }
        (None, Some(id)) => Err(ApiError::not_found(format!("there is no stored scenario `{}`", reason(id)))),
        (Some(_), Some(_)) => Err(ApiError::invalid("`scenario_source` and `scenario_id` cannot be there both")),
        (None, None) => Err(ApiError::invalid("one of `scenario_source` and `scenario_id` is needed")),
    }
}

fn title(scenario: &str) -> Option<String> {
    scenario.lines().find_map(|line| line.strip_prefix("# ")).map(|title| title.trim().to_owned())
}

/// With one twin the seed is its own; with several it has one for each, and who has none starts from its default.
fn worlds(twins: &[String], seed: Option<Map<String, Value>>) -> Result<Vec<NewWorld>, ApiError> {
    let bytes = |seed: Value| seed.to_string().into_bytes();
    match (twins, seed) {
        (twins, None) => Ok(twins.iter().map(|twin| NewWorld { twin: twin.clone(), seed: None }).collect()),
        ([twin], Some(seed)) => Ok(vec![NewWorld { twin: twin.clone(), seed: Some(bytes(Value::Object(seed))) }]),
        (twins, Some(mut seed)) => {
            let mut worlds = Vec::new();
            for twin in twins {
                let seed = seed.remove(twin);
                if seed.as_ref().is_some_and(|seed| !seed.is_object()) {
                    return Err(ApiError::invalid(format!("`seed.{twin}`: expected an object")));
                }
                worlds.push(NewWorld { twin: twin.clone(), seed: seed.map(bytes) });
            }
            match seed.keys().next() {
                None => Ok(worlds),
                Some(other) => {
                    Err(ApiError::invalid(format!("`seed.{}` is not a twin of this session", reason(other))))
                }
            }
        }
    }
}

fn is_group(group: &str) -> Result<(), ApiError> {
    let fits = (6..=64).contains(&group.len())
        && group.bytes().all(|byte| byte.is_ascii_alphanumeric() || matches!(byte, b'_' | b'-'));
    if fits { Ok(()) } else { Err(ApiError::invalid("`group_id`: expected 6 to 64 characters of A-Z a-z 0-9 _ -")) }
}

/// Whether tags are such as may be recorded.
pub(crate) fn tags_fit(tags: &[String]) -> Result<(), ApiError> {
    if tags.len() > 16 {
        return Err(ApiError::invalid("`tags`: expected at most 16"));
    }
    let fits = |tag: &String| {
        (1..=64).contains(&tag.len())
            && tag.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"._:/-".contains(&byte))
    };
    if tags.iter().all(fits) {
        Ok(())
    } else {
        Err(ApiError::invalid("`tags`: expected 1 to 64 characters of A-Z a-z 0-9 . _ : / -"))
    }
}

fn refused(error: OpenError) -> ApiError {
    match error {
        OpenError::UnknownTwin { twin } => {
            ApiError::invalid(format!("`twins`: there is no twin `{}` here", reason(&twin)))
        }
        OpenError::SeedRefused { twin, reason: why } => {
            ApiError::invalid(reason(&format!("twin `{twin}` refuses the seed: {why}"))).with(json!({"twin": twin}))
        }
        OpenError::OverQuota { limit, used } => ApiError::over_quota(limit, used),
        OpenError::Duplicate => ApiError::conflict("this idempotency key was used before"),
        error @ (OpenError::Boot { .. } | OpenError::Slow) => {
            tracing::error!(problem = %super::chain(&error), "a session could not be opened");
            ApiError::downstream(StatusCode::BAD_GATEWAY, reason(&error.to_string()))
        }
        OpenError::Database(error) => error.into(),
    }
}

/// The answer about an open session, with a fresh token.
fn created(control: &Control, session: &Session) -> Result<CreatedSession, ApiError> {
    let twins = session.twins();
    let expires = u64::try_from(session.latest_end()).unwrap_or_default().div_ceil(1000);
    let token = control
        .hosting
        .mint(&session.id, &session.team_id, &twins, expires)
        .map_err(|error| ApiError::internal("no session token could be made", &error))?;
    let urls = |twin: &String| {
        let api = format!("{}/{twin}/{}", control.public_url, session.id);
        TwinUrls { mcp_url: format!("{api}/mcp"), openapi_url: format!("{api}/openapi.json"), api_url: api }
    };
    let per_twin: BTreeMap<String, TwinUrls> = twins.iter().map(|twin| (twin.clone(), urls(twin))).collect();
    let primary = twins.first().map(urls);
    Ok(CreatedSession {
        session_id: session.id.clone(),
        session_token: Some(session.id.clone()),
        twin_url: primary.as_ref().map(|urls| urls.api_url.clone()).unwrap_or_default(),
        expires_at: time::format(session.expires_at),
        agent_token: Secret::new(token),
        provider_credentials: BTreeMap::new(),
        openapi_url: primary.map(|urls| urls.openapi_url),
        per_twin: Some(per_twin),
        evaluation: Some(match control.config.evaluation {
            Evaluation::Client => Evaluator::Client,
            Evaluation::Server => Evaluator::Server,
        }),
        seed_applied: session
            .seed_applied
            .as_deref()
            .map(|word| if word == "request" { SeedApplied::Request } else { SeedApplied::Default }),
    })
}

/// What `GET /v1/sessions` may ask for.
#[derive(Debug, Deserialize)]
pub(crate) struct List {
    limit: Option<i64>,
}

/// `GET /v1/sessions`
pub(crate) async fn list(
    State(control): State<Arc<Control>>,
    caller: Caller,
    Query(asked): Query<List>,
) -> Result<Answer<Vec<SessionRow>>, ApiError> {
    let limit = asked.limit.unwrap_or(50);
    if !(1..=200).contains(&limit) {
        return Err(ApiError::invalid("`limit`: expected 1 to 200"));
    }
    let sessions = Session::newest(&control.store, caller.team(), limit).await?;
    Ok(ok(sessions.iter().map(|session| session.shown(&control)).collect()))
}

/// `GET /v1/sessions/{id}`
pub(crate) async fn get(State(control): State<Arc<Control>>, of: KeyOfSession) -> Answer<SessionRow> {
    ok(of.session.shown(&control))
}

/// `POST /v1/sessions/{id}/token`
pub(crate) async fn token(
    State(control): State<Arc<Control>>,
    of: KeyOfSession,
) -> Result<Answer<CreatedSession>, ApiError> {
    if !of.session.state().is_active() || of.session.twins().is_empty() {
        return Err(ApiError::conflict(format!(
            "session `{}` has no twins to call ({})",
            of.session.id,
            of.session.state().as_str()
        )));
    }
    audit::write(&control.store, of.caller.entry("session.token", Some(&of.session.id)), "ok").await;
    Ok(ok(created(&control, &of.session)?))
}

/// `POST /v1/sessions/{id}/heartbeat`
pub(crate) async fn heartbeat(
    State(control): State<Arc<Control>>,
    of: OfSession,
) -> Result<Answer<Heartbeat>, ApiError> {
    let session = of.session;
    session.must_be_open()?;
    let wanted = time::now_millis().saturating_add(session.ttl_seconds.saturating_mul(1000)).min(session.latest_end());
    let until = session.expires_at.max(wanted);
    // A closed session stays closed, and nobody's end is moved forward.
    let statement = format!(
        "UPDATE sessions SET expires_at = $1 WHERE id = $2 AND expires_at < $3 AND state IN {}",
        crate::hosting::ACTIVE
    );
    on!(&control.store, pool => sqlx::query(sqlx::AssertSqlSafe(statement))
        .bind(until)
        .bind(&session.id)
        .bind(until)
        .execute(pool)
        .await
        .map(drop))?;
    control.hosting.prolonged(&session.id, until);
    let now = Session::find(&control.store, &session.team_id, &session.id).await?;
    let now = now.ok_or_else(|| ApiError::not_found(format!("there is no session `{}`", session.id)))?;
    now.must_be_open()?;
    Ok(ok(Heartbeat { state: now.state(), expires_at: time::format(now.expires_at), session_id: now.id }))
}
