//! The REST side: everything below `/v1`, signing in, health and counters.
//!
//! [`ROUTES`] is the one table of routes. A row says who may call it; the layers around all routes give every answer the id of its
//! request, write the error envelope, count and log.

mod account;
mod agents;
mod auth;
mod body;
mod ending;
mod error;
mod finalize;
mod health;
mod layers;
mod login;
mod registry;
pub(crate) mod results;
pub(crate) mod runs;
pub(crate) mod session;
mod sessions;
#[cfg(test)]
mod tests;
pub(crate) mod uploads;

use std::sync::Arc;

use axum::Router;
use axum::extract::DefaultBodyLimit;
use axum::routing::{MethodRouter, delete, get, post, put};

pub(crate) use error::{ApiError, chain, reason};

use crate::state::Control;

/// Who may call a route.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Access {
    /// Anybody.
    Open,
    /// A person with a browser; the page itself asks for a key.
    Browser,
    /// Who has an API key.
    Key,
    /// Who has an API key of the team, or a token of the session that the path names.
    KeyOrSession,
    /// Who has a signed address.
    Signature,
}

/// One row of the table.
#[derive(Debug, Clone, Copy)]
pub struct Route {
    /// Upper case.
    pub method: &'static str,
    /// The template of its path.
    pub path: &'static str,
    /// Who may call it.
    pub access: Access,
    answer: fn() -> MethodRouter<Arc<Control>>,
}

const fn row(
    method: &'static str,
    path: &'static str,
    access: Access,
    answer: fn() -> MethodRouter<Arc<Control>>,
) -> Route {
    Route { method, path, access, answer }
}

/// Every route of the REST side.
pub const ROUTES: &[Route] = &[
    row("GET", "/healthz", Access::Open, || get(health::alive)),
    row("GET", "/readyz", Access::Open, || get(health::ready)),
    row("GET", "/metrics", Access::Open, || get(health::metrics)),
    // credentials
    row("GET", "/cli-auth", Access::Browser, || get(login::page)),
    row("POST", "/cli-auth", Access::Browser, || post(login::send)),
    row("GET", "/cli/login", Access::Browser, || get(login::page)),
    row("POST", "/cli/login", Access::Browser, || post(login::send)),
    row("POST", "/v1/auth/cli/exchange", Access::Open, || post(account::exchange)),
    row("POST", "/v1/auth/revoke", Access::Key, || post(account::revoke)),
    row("GET", "/v1/me", Access::Key, || get(account::me)),
    row("GET", "/v1/usage", Access::Key, || get(account::usage)),
    row("GET", "/v1/cli/latest", Access::Open, || get(account::latest)),
    // sessions
    row("POST", "/v1/sessions", Access::Key, || post(sessions::create).layer(DefaultBodyLimit::max(sessions::BODY))),
    row("GET", "/v1/sessions", Access::Key, || get(sessions::list)),
    row("GET", "/v1/sessions/{id}", Access::Key, || get(sessions::get)),
    row("POST", "/v1/sessions/{id}/token", Access::Key, || post(sessions::token)),
    row("POST", "/v1/sessions/{id}/heartbeat", Access::KeyOrSession, || post(sessions::heartbeat)),
    row("DELETE", "/v1/sessions/{id}", Access::Key, || delete(ending::delete)),
    row("POST", "/v1/sessions/{id}/abandon", Access::KeyOrSession, || post(ending::abandon)),
    // files and results
    row("POST", "/v1/sessions/{id}/result-upload-url", Access::KeyOrSession, || post(uploads::events)),
    row("POST", "/v1/sessions/{id}/signals-upload-url", Access::KeyOrSession, || post(uploads::signals)),
    row("POST", "/v1/sessions/{id}/meta-upload-url", Access::KeyOrSession, || post(uploads::meta)),
    row("POST", "/v1/sessions/{id}/state-upload-url", Access::KeyOrSession, || post(uploads::states)),
    row("PUT", "/v1/blobs/{*key}", Access::Signature, || put(uploads::put)),
    row("GET", "/v1/blobs/{*key}", Access::Signature, || get(uploads::get)),
    row("POST", "/v1/sessions/{id}/traces", Access::KeyOrSession, || {
        post(uploads::traces).layer(DefaultBodyLimit::max(uploads::TRACES))
    }),
    row("POST", "/v1/sessions/{id}/result", Access::Key, || {
        post(results::result).layer(DefaultBodyLimit::max(results::BODY))
    }),
    row("POST", "/v1/sessions/{id}/finalize", Access::KeyOrSession, || post(finalize::finalize)),
    row("GET", "/v1/sessions/{id}/evaluation", Access::KeyOrSession, || get(finalize::evaluation)),
    row("GET", "/v1/runs/{id}", Access::Key, || get(runs::get)),
    row("GET", "/v1/runs", Access::Key, || get(runs::list)),
    // agents and checks
    row("POST", "/v1/agents", Access::Key, || post(agents::register)),
    row("GET", "/v1/checks", Access::Key, || get(registry::checks)),
    row("POST", "/v1/eval-sessions", Access::Key, || post(registry::eval_session)),
    // what this server does not do
    row("POST", "/v1/scenarios/compile-seed", Access::Key, || post(registry::not_here)),
    row("POST", "/v1/teams/{id}/invites", Access::Key, || post(registry::not_here)),
    row("POST", "/v1/invites/{token}/accept", Access::Key, || post(registry::not_here)),
    row("POST", "/v1/demo/sessions", Access::Open, || post(registry::not_here_for_anybody)),
    row("POST", "/v1/demo/sessions/{id}/llm", Access::Open, || post(registry::not_here_for_anybody)),
];

/// The whole server: the REST side, and beside it the pages and the twins, which may bring a fallback.
pub(crate) fn router(control: Arc<Control>, others: Router) -> Router {
    let mut router = Router::new();
    for route in ROUTES {
        router = router.route(route.path, (route.answer)());
    }
    let router = router
        .route("/v1/{*rest}", axum::routing::any(unknown))
        .method_not_allowed_fallback(|| async { ApiError::method_not_allowed() })
        .with_state(Arc::clone(&control))
        .merge(others);
    layers::around(router, control)
}

async fn unknown() -> ApiError {
    ApiError::not_found("this server has no such route")
}
