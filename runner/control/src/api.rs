//! The REST side: everything below `/v1`, signing in, health and counters.
//!
//! [`ROUTES`] is the one table of routes. A row says who may call it; the layers around all routes give every answer the id of its
//! request, write the error envelope, count and log.

mod error;
mod health;
mod layers;

use std::sync::Arc;

use axum::Router;
use axum::routing::{MethodRouter, get};

pub(crate) use error::{ApiError, chain};

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
