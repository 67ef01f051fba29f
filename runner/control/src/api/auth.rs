//! Who is calling: the holder of an API key, or an agent with the token of one session.

use std::collections::HashMap;
use std::sync::Arc;

use axum::RequestPartsExt as _;
use axum::extract::{FromRequestParts, Path};
use http::request::Parts;
use http::{HeaderMap, header};
use pome_gateway::token;
use pome_sandbox::Tokens;
use pome_wire::time::now_millis;

use super::ApiError;
use super::layers::RequestId;
use super::session::Session;
use crate::audit;
use crate::keys::{self, Holder};
use crate::state::Control;

const KEY: &str = "x-api-key";

/// What some tokens have in front.
const AGENT_PREFIX: &str = "edt_";

/// The holder of an API key.
#[derive(Debug, Clone)]
pub(crate) struct Caller {
    pub(crate) holder: Holder,
    pub(crate) request_id: String,
}

impl Caller {
    /// The team that everything is looked up with.
    pub(crate) fn team(&self) -> &str {
        &self.holder.team_id
    }

    /// A line for the audit log.
    pub(crate) fn entry<'a>(&'a self, action: &'a str, subject: Option<&'a str>) -> audit::Entry<'a> {
        audit::Entry {
            team_id: Some(&self.holder.team_id),
            key_id: Some(&self.holder.key_id),
            action,
            subject,
            request_id: Some(&self.request_id),
        }
    }
}

impl FromRequestParts<Arc<Control>> for Caller {
    type Rejection = ApiError;

    async fn from_request_parts(parts: &mut Parts, control: &Arc<Control>) -> Result<Self, ApiError> {
        let key = api_key(&parts.headers)?
            .ok_or_else(|| ApiError::unauthenticated("an API key is needed in the header `X-API-KEY`"))?;
        let holder = holder(control, key).await?;
        Ok(Self { holder, request_id: request_id(parts) })
    }
}

/// A session that the path names, for who may work on it: the holder of a key of its team, or of its own token.
#[derive(Debug, Clone)]
pub(crate) struct OfSession {
    pub(crate) session: Session,
    /// Absent when a session token was shown.
    pub(crate) key_id: Option<String>,
    pub(crate) request_id: String,
}

impl OfSession {
    /// A line for the audit log.
    pub(crate) fn entry<'a>(&'a self, action: &'a str) -> audit::Entry<'a> {
        audit::Entry {
            team_id: Some(&self.session.team_id),
            key_id: self.key_id.as_deref(),
            action,
            subject: Some(&self.session.id),
            request_id: Some(&self.request_id),
        }
    }
}

impl FromRequestParts<Arc<Control>> for OfSession {
    type Rejection = ApiError;

    async fn from_request_parts(parts: &mut Parts, control: &Arc<Control>) -> Result<Self, ApiError> {
        let id = path_id(parts).await?;
        let (team, key_id) = match api_key(&parts.headers)? {
            Some(key) => {
                let holder = holder(control, key).await?;
                (holder.team_id, Some(holder.key_id))
            }
            None => (token_team(control, &parts.headers, &id)?, None),
        };
        Ok(Self { session: find(control, &team, &id).await?, key_id, request_id: request_id(parts) })
    }
}

/// The same where a session token is not enough.
#[derive(Debug, Clone)]
pub(crate) struct KeyOfSession {
    pub(crate) session: Session,
    pub(crate) caller: Caller,
}

impl FromRequestParts<Arc<Control>> for KeyOfSession {
    type Rejection = ApiError;

    async fn from_request_parts(parts: &mut Parts, control: &Arc<Control>) -> Result<Self, ApiError> {
        let caller = Caller::from_request_parts(parts, control).await?;
        let id = path_id(parts).await?;
        Ok(Self { session: find(control, caller.team(), &id).await?, caller })
    }
}

async fn find(control: &Control, team: &str, id: &str) -> Result<Session, ApiError> {
    Session::find(&control.store, team, id)
        .await?
        .ok_or_else(|| ApiError::not_found(format!("there is no session `{id}`")))
}

async fn path_id(parts: &mut Parts) -> Result<String, ApiError> {
    let named = parts.extract::<Path<HashMap<String, String>>>().await;
    let id = named.ok().and_then(|Path(mut named)| named.remove("id"));
    // What is longer than any id is not looked up, and not repeated either.
    id.filter(|id| id.len() <= 100).ok_or_else(|| ApiError::not_found("there is no such session"))
}

fn request_id(parts: &Parts) -> String {
    parts.extensions.get::<RequestId>().map(|id| id.0.clone()).unwrap_or_default()
}

fn api_key(headers: &HeaderMap) -> Result<Option<&str>, ApiError> {
    let mut sent = headers.get_all(KEY).iter();
    let Some(value) = sent.next() else { return Ok(None) };
    if sent.next().is_some() {
        return Err(ApiError::unauthenticated("the header `X-API-KEY` is there more than once"));
    }
    value.to_str().map(|key| Some(key.trim())).map_err(|_| ApiError::unauthenticated("this is not an API key"))
}

/// Who holds a key, with the limit of its requests counted.
async fn holder(control: &Control, key: &str) -> Result<Holder, ApiError> {
    let holder = keys::find(&control.store, key).await?;
    let holder =
        holder.ok_or_else(|| ApiError::unauthenticated("nobody has this API key; `pome login` makes a new one"))?;
    if holder.revoked_at.is_some() {
        return Err(ApiError::revoked());
    }
    control.limits.request(&holder.key_id).inspect_err(|_| {
        control.metrics.rate_limited.inc();
    })?;
    Ok(holder)
}

/// The team of a session token that is for this session.
fn token_team(control: &Control, headers: &HeaderMap, id: &str) -> Result<String, ApiError> {
    let missing = || {
        ApiError::unauthenticated(
            "an API key is needed in the header `X-API-KEY`, or the token of this session as `Authorization: Bearer ...`",
        )
    };
    let mut sent = headers.get_all(header::AUTHORIZATION).iter();
    let value = sent.next().filter(|_| sent.next().is_none()).and_then(|value| value.to_str().ok());
    let token = value.and_then(|value| value.strip_prefix("Bearer ")).ok_or_else(missing)?;
    let token = token.strip_prefix(AGENT_PREFIX).unwrap_or(token);
    let now = u64::try_from(now_millis() / 1000).unwrap_or_default();
    let refused = || ApiError::unauthenticated("this token is not one of this session, or its time is over");
    // No vendor's form of token counts here: only signed claims name a team.
    let claims = token::verify(&control.session_tokens, "", &Tokens::default(), token, now).map_err(|_| refused())?;
    if !token::equal(claims.sid.as_bytes(), id.as_bytes()) {
        return Err(refused());
    }
    control.limits.request(&claims.sid)?;
    Ok(claims.team)
}
