//! `/`: what is going on, or where to sign in.

use std::sync::Arc;

use axum::extract::State;
use axum::http::request::Parts;
use axum::response::IntoResponse as _;
use maud::html;

use crate::hosting;
use crate::limits;
use crate::pages::answer::Answer;
use crate::pages::frame::{self, Part};
use crate::pages::queries::{runs, trends};
use crate::pages::viewer::Viewer;
use crate::pages::{parts, sign_in, text};
use crate::state::Control;

const WEEK: i64 = 7 * 86_400_000;

/// `GET /`.
pub(crate) async fn get(State(control): State<Arc<Control>>, request: Parts) -> Answer {
    match Viewer::of(&control, &request).await? {
        Some(viewer) => overview(&control, &viewer).await,
        None => Ok(sign_in::form(&control, &request.headers, "/", None)?.into_response()),
    }
}

async fn overview(control: &Control, viewer: &Viewer) -> Answer {
    let (store, team, now) = (&control.store, viewer.team(), viewer.now);
    let live = hosting::active(store, Some(team)).await?;
    let week = trends::since(store, team, now - WEEK).await?;
    let before = trends::since(store, team, now - 2 * WEEK).await?;
    let before = trends::Tally {
        passed: before.passed - week.passed,
        failed: before.failed - week.failed,
        total: before.total - week.total,
    };
    let newest = runs::page(store, team, &runs::Filter::default(), None, 10).await?;
    let scenarios = trends::scenarios(store, team, None, 12).await?;
    let holder = &viewer.holder;
    let limit = limits::sessions(&holder.plan_tier, holder.max_sessions, control.config.max_sessions);

    let body = html! {
        div .head { div { h1 { "Overview" } } }
        dl .tiles {
            div .card .tile {
                dt { "Live sessions" }
                dd { a href="/sessions" { (live) } }
                dd .note { "of " (limit) " at a time" }
            }
            div .card .tile {
                dt { "Runs in 7 days" }
                dd { (text::grouped(week.total)) }
                dd .note { (text::grouped(before.total)) " in the 7 days before" }
            }
            div .card .tile {
                dt { "Pass rate in 7 days" }
                dd { (week.rate().text()) }
                dd .note {
                    @match (week.rate().percent(), before.rate().percent()) {
                        (Some(_), Some(_)) => { (before.rate().text()) " in the 7 days before" },
                        (Some(_), None) => { (week.rate().fraction()) " graded runs" },
                        (None, _) => "nothing graded yet",
                    }
                }
            }
            div .card .tile {
                dt { "Scenarios" }
                dd { a href="/scenarios" { (scenarios.len()) } }
                dd .note { "that were run here" }
            }
        }
        section {
            div .bar { h2 { "Newest runs" } @if !newest.rows.is_empty() { a .end href="/runs" { "All runs" } } }
            @if newest.rows.is_empty() {
                (parts::empty(
                    "No runs yet",
                    "A run sends an agent at a scenario and scores what it did. Sign the command line in, then start one.",
                    Some(&format!("pome login --api-url {}\npome run scenarios/01-bug-happy-path.md", control.public_url)),
                ))
            } @else {
                (parts::runs("Newest runs", &newest.rows, now))
            }
        }
        @if !scenarios.is_empty() {
            section {
                div .bar { h2 { "Scenarios" } a .end href="/scenarios" { "All scenarios" } }
                (crate::pages::scenarios::table("Scenarios that ran last", scenarios.iter().take(8), now))
            }
        }
    };
    Ok(frame::page(viewer, Part::Overview, "Overview", &body))
}
