//! The dashboard: pages that work without a script, from one origin, for whoever is signed in.
//!
//! A page is a module with its handlers and its markup. [`viewer::Viewer`] is whoever is signed in, by [`cookie`]; [`queries`] asks
//! the database, always for one team; [`files`] reads what runs have stored; [`frame`] is what is around every page and [`answer`]
//! the headers that keep it from loading anything from elsewhere. Whatever an agent wrote passes through [`text::visible`] or
//! [`text::line`], and maud escapes it.

use std::sync::Arc;

use axum::Router;
use axum::routing::{get, post};

use crate::state::Control;

mod agents;
mod answer;
mod assets;
mod calls;
pub(crate) mod cookie;
mod diff;
mod document;
mod files;
pub(crate) mod frame;
mod groups;
mod overview;
mod parts;
mod queries;
mod rate;
mod run;
mod runs;
mod scenarios;
mod sessions;
mod sign_in;
#[cfg(test)]
mod tests;
pub(crate) mod text;
mod trace;
mod viewer;

/// The pages, and a page for every address that is none.
pub(crate) fn router(control: Arc<Control>) -> Router {
    Router::new()
        .route("/", get(overview::get))
        .route("/sign-in", get(sign_in::get).post(sign_in::post))
        .route("/sign-out", post(sign_in::sign_out))
        .route("/runs", get(runs::get))
        .route("/runs/{id}", get(run::get))
        .route("/runs/{id}/calls/{number}", get(run::call))
        .route("/runs/{id}/files/{file}", get(run::file))
        .route("/runs/task/{task}", get(scenarios::one))
        .route("/scenarios", get(scenarios::get))
        .route("/groups", get(groups::get))
        .route("/groups/{id}", get(groups::one))
        .route("/agents", get(agents::get))
        .route("/agents/{slug}", get(agents::one))
        .route("/agents/{slug}/tasks/{task}", get(agents::task))
        .route("/sessions", get(sessions::get))
        .route("/sessions/{id}", get(sessions::one))
        .route("/twins/{id}", get(sessions::twin))
        .route("/assets/{file}", get(assets::get))
        .fallback(|| async { answer::Problem::Missing { what: "page" } })
        .with_state(control)
}
