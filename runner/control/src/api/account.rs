//! Codes and keys, who is calling, the newest version, and what is left of the quota.

use std::sync::Arc;

use axum::extract::State;
use axum::response::{IntoResponse, Response};
use http::{StatusCode, header};
use pome_wire::control::{ApiKey, Exchange, ExchangeRequest, KeyRef, Latest, Me, Secret, Team, Usage, User};
use pome_wire::time;

use super::ApiError;
use super::auth::Caller;
use super::body::{Answer, Body, ok};
use crate::limits;
use crate::state::Control;
use crate::store::{Store, on};
use crate::{audit, hosting, ids, keys};

/// How long a code of the browser is good, in milliseconds.
const CODE_LIFE: i64 = 120_000;

/// `POST /v1/auth/cli/exchange`
pub(crate) async fn exchange(
    State(control): State<Arc<Control>>,
    Body(asked): Body<ExchangeRequest>,
) -> Result<Answer<Exchange>, ApiError> {
    let name = asked.key_name.trim();
    if name.is_empty() || name.chars().count() > 80 || name.chars().any(char::is_control) {
        return Err(ApiError::invalid("`key_name`: expected 1 to 80 characters"));
    }
    let (team_id, user_id) = redeem(&control.store, asked.code.expose())
        .await?
        .ok_or_else(|| ApiError::unauthenticated("this code is unknown, used or too old; run `pome login` again"))?;
    let key = keys::mint(&control.store, &team_id, &user_id, name)
        .await
        .map_err(|error| ApiError::internal("no key could be made", &error))?;
    let entry = audit::Entry {
        team_id: Some(&team_id),
        key_id: Some(&key.id),
        action: "key.create",
        subject: Some(&key.id),
        request_id: None,
    };
    audit::write(&control.store, entry, "ok").await;
    Ok(ok(Exchange { api_key: ApiKey { full_key: Secret::new(key.full), id: Some(key.id) }, team_id }))
}

/// Makes a code that can be exchanged for a key once.
pub(crate) async fn new_code(store: &Store, team_id: &str, user_id: &str) -> Result<String, ApiError> {
    let code = ids::secret("")?;
    let now = time::now_millis();
    on!(store, pool => sqlx::query(
        "INSERT INTO login_codes (hash, team_id, user_id, created_at, expires_at) VALUES ($1, $2, $3, $4, $5)",
    )
    .bind(keys::hash(&code))
    .bind(team_id)
    .bind(user_id)
    .bind(now)
    .bind(now + CODE_LIFE)
    .execute(pool)
    .await
    .map(drop))?;
    Ok(code)
}

/// Uses a code up. Whoever comes second gets nothing.
async fn redeem(store: &Store, code: &str) -> Result<Option<(String, String)>, sqlx::Error> {
    let now = time::now_millis();
    on!(store, pool => sqlx::query_as(
        "UPDATE login_codes SET used_at = $1 WHERE hash = $2 AND used_at IS NULL AND expires_at > $3 RETURNING team_id, user_id",
    )
    .bind(now)
    .bind(keys::hash(code))
    .bind(now)
    .fetch_optional(pool)
    .await)
}

/// `POST /v1/auth/revoke`
pub(crate) async fn revoke(State(control): State<Arc<Control>>, caller: Caller) -> Result<StatusCode, ApiError> {
    if !keys::revoke(&control.store, Some(caller.team()), &caller.holder.key_id).await? {
        return Err(ApiError::revoked());
    }
    audit::write(&control.store, caller.entry("key.revoke", Some(&caller.holder.key_id)), "ok").await;
    Ok(StatusCode::NO_CONTENT)
}

/// `GET /v1/me`
pub(crate) async fn me(caller: Caller) -> Answer<Me> {
    let holder = caller.holder;
    ok(Me {
        user: User { id: holder.user_id, email: holder.email },
        team: Team { id: holder.team_id, slug: holder.team_slug, plan_tier: holder.plan_tier },
        api_key: Some(KeyRef { id: holder.key_id, name: holder.key_name }),
    })
}

/// `GET /v1/cli/latest`
pub(crate) async fn latest(State(control): State<Arc<Control>>) -> Response {
    let version = Latest { version: control.config.version.clone() };
    ([(header::CACHE_CONTROL, "max-age=3600")], axum::Json(version)).into_response()
}

/// `GET /v1/usage`
pub(crate) async fn usage(State(control): State<Arc<Control>>, caller: Caller) -> Result<Answer<Usage>, ApiError> {
    let quota = limits::sessions(&caller.holder.plan_tier, caller.holder.max_sessions, control.config.max_sessions);
    let used = hosting::active(&control.store, Some(caller.team())).await?;
    // A quota of sessions at a time has no period; the month is what a reader of these keys expects.
    let now = time::now();
    let (start, end) = month(&now);
    let number = |number: i64| u64::try_from(number).unwrap_or_default();
    Ok(ok(Usage {
        period_start: start,
        period_end: end,
        sessions_used: number(used),
        sessions_quota: number(quota),
        sessions_remaining: number(quota - used),
        plan_tier: caller.holder.plan_tier,
    }))
}

/// The first moment of the month of a time, and of the next one.
fn month(now: &str) -> (String, String) {
    let number = |range: std::ops::Range<usize>| now.get(range).and_then(|text| text.parse::<u32>().ok()).unwrap_or(1);
    let (year, this) = (number(0..4), number(5..7));
    let (next_year, next) = if this == 12 { (year + 1, 1) } else { (year, this + 1) };
    let first = |year: u32, month: u32| format!("{year:04}-{month:02}-01T00:00:00.000Z");
    (first(year, this), first(next_year, next))
}

#[cfg(test)]
mod tests {
    use http::Method;
    use serde_json::json;

    use super::*;
    use crate::tests::{Bench, Place, on_either_database};

    on_either_database! {
        a_code_makes_one_key_and_that_key_can_be_revoked,
        an_old_code_is_worth_nothing,
        keys_that_nobody_has_are_refused,
    }

    #[test]
    fn a_period_is_the_month() {
        let both = |a: &str, b: &str| (format!("{a}-01T00:00:00.000Z"), format!("{b}-01T00:00:00.000Z"));
        assert_eq!(month("2026-12-31T23:59:59.999Z"), both("2026-12", "2027-01"));
        assert_eq!(month("2026-02-03T00:00:00.000Z"), both("2026-02", "2026-03"));
    }

    async fn a_code_makes_one_key_and_that_key_can_be_revoked(place: Place) {
        let bench = Bench::new(place).await;
        let code = new_code(&bench.control.store, keys::FIRST_TEAM, keys::FIRST_USER).await.unwrap();
        let asked = json!({"code": code, "key_name": "laptop"});
        let (status, body) = bench.ask_as("", Method::POST, "/v1/auth/cli/exchange", Some(asked.clone())).await;
        assert_eq!(status, StatusCode::OK, "{body}");
        let key = body["api_key"]["full_key"].as_str().unwrap().to_owned();
        assert_eq!((body["team_id"].as_str(), body["api_key"]["id"].as_str()), (Some("tm_self"), key.get(..12)));
        let (status, body) = bench.ask_as("", Method::POST, "/v1/auth/cli/exchange", Some(asked)).await;
        assert_eq!((status.as_u16(), &body["error"]["type"]), (401, &json!("invalid_auth")), "a code is good once");

        let (status, body) = bench.ask_as(&key, Method::GET, "/v1/me", None).await;
        assert_eq!(status, StatusCode::OK);
        assert_eq!(body["api_key"]["name"], "laptop");
        assert_eq!(body["team"], json!({"id": "tm_self", "slug": "self", "plan_tier": "self_host_annual"}));
        let (status, body) = bench.ask_as(&key, Method::POST, "/v1/auth/revoke", Some(json!({}))).await;
        assert_eq!((status.as_u16(), body), (204, serde_json::Value::Null));
        let (status, body) = bench.ask_as(&key, Method::POST, "/v1/auth/revoke", Some(json!({}))).await;
        assert_eq!((status.as_u16(), &body["error"]["type"]), (401, &json!("revoked_key")));
    }

    async fn an_old_code_is_worth_nothing(place: Place) {
        let bench = Bench::new(place).await;
        let code = new_code(&bench.control.store, keys::FIRST_TEAM, keys::FIRST_USER).await.unwrap();
        on!(&bench.control.store, pool => {
            sqlx::query("UPDATE login_codes SET expires_at = $1").bind(time::now_millis() - 1).execute(pool).await.map(drop)
        })
        .unwrap();
        let asked = json!({"code": code, "key_name": "laptop"});
        let (status, _) = bench.ask_as("", Method::POST, "/v1/auth/cli/exchange", Some(asked)).await;
        assert_eq!(status.as_u16(), 401);
    }

    async fn keys_that_nobody_has_are_refused(place: Place) {
        let bench = Bench::new(place).await;
        let mut wrong = bench.key.clone();
        let last = wrong.pop().unwrap();
        wrong.push(if last == 'A' { 'B' } else { 'A' });
        for key in ["", "pme_", "nonsense", &wrong, bench.key.get(..12).unwrap(), &format!("{}x", bench.key)] {
            let (status, body) = bench.ask_as(key, Method::GET, "/v1/me", None).await;
            assert_eq!((status.as_u16(), &body["error"]["type"]), (401, &json!("invalid_auth")), "{key}");
        }
        let (status, _) = bench.ask(Method::GET, "/v1/me", None).await;
        assert_eq!(status.as_u16(), 200);
        let stored: Vec<String> = on!(&bench.control.store, pool => {
            sqlx::query_scalar("SELECT hash FROM keys").fetch_all(pool).await
        })
        .unwrap();
        assert!(stored.iter().all(|hash| hash.len() == 64 && !hash.contains("pme_")));
    }
}
