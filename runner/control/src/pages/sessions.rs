//! `/sessions`: what is alive, and one session with its calls.

use std::sync::Arc;

use axum::extract::{Path, Query, State};
use axum::response::IntoResponse as _;
use axum::response::Redirect;
use maud::{Markup, html};
use serde::Deserialize;

use crate::hosting;
use crate::pages::answer::{Answer, Problem};
use crate::pages::frame::{self, Part};
use crate::pages::queries::sessions::{self, Session};
use crate::pages::queries::{Cursor, list};
use crate::pages::trace::Event;
use crate::pages::viewer::Viewer;
use crate::pages::{calls, parts, text};
use crate::state::Control;

const SIZE: usize = 50;
const CALLS: usize = 50;

/// What the list is asked for.
#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub(crate) struct Asked {
    show: String,
    after: String,
}

/// `GET /sessions`.
pub(crate) async fn get(State(control): State<Arc<Control>>, viewer: Viewer, Query(asked): Query<Asked>) -> Answer {
    let all = asked.show == "all";
    let behind = Cursor::parse(&asked.after);
    let mut found = sessions::page(&control.store, viewer.team(), !all, behind.as_ref(), SIZE).await?;
    for session in &mut found.rows {
        session.calls = control.hosting.logs().count(&session.id).await?;
    }
    let live = hosting::active(&control.store, Some(viewer.team())).await?;
    let body = html! {
        div .head {
            div {
                h1 { "Sessions" }
                p .lead { (text::count(live, "live session")) ". A session is a set of twins with a state of its own, for one agent." }
            }
        }
        section {
            div .bar {
                h2 .unseen { "List" }
                ul .tabs {
                    li { a href="/sessions" aria-current=[(!all).then_some("page")] { "Live" } }
                    li { a href="/sessions?show=all" aria-current=[all.then_some("page")] { "All" } }
                }
                a .end href={ "/sessions" (text::query(&[("show", &asked.show)])) } { "Refresh" }
            }
            @if found.rows.is_empty() {
                (parts::empty(
                    if all { "No sessions yet" } else { "Nothing is live" },
                    "A run opens a session by itself. To look at a twin by hand, open one:",
                    Some("pome sessions create --twin github"),
                ))
            } @else {
                (table(&found.rows, viewer.now))
                (parts::older("/sessions", &[("show", &asked.show)], found.next.as_ref(), behind.is_none()))
            }
        }
    };
    Ok(frame::page(&viewer, Part::Sessions, "Sessions", &body))
}

fn table(rows: &[Session], now: i64) -> Markup {
    let columns = [
        ("Session", ""),
        ("State", ""),
        ("Twins", "wide"),
        ("Scenario", "wide"),
        ("Calls", "number"),
        ("Started", "number wide"),
        ("Ends", "number"),
    ];
    let rows = html! {
        @for session in rows {
            tr {
                th scope="row" .mono { a href={ "/sessions/" (text::segment(&session.id)) } { (text::line(&session.id)) } }
                td { (parts::badge(&session.state)) }
                td .wide { (twins(session)) }
                td .wide { (text::line(session.task_name.as_deref().unwrap_or("\u{2013}"))) }
                td .number { (calls_of(session)) }
                td .number .wide { (parts::ago(now, session.created_at)) }
                td .number { (end(session, now)) }
            }
        }
    };
    parts::table("Sessions", &columns, &rows)
}

fn calls_of(session: &Session) -> String {
    if session.swept == 0 { text::grouped(session.calls) } else { "\u{2013}".to_owned() }
}

fn end(session: &Session, now: i64) -> Markup {
    match session.closed_at {
        Some(at) => parts::ago(now, at),
        None => html! {
            time .nowrap datetime=(pome_wire::time::format(session.expires_at)) title=(text::clock(session.expires_at)) {
                "in " (text::left(session.expires_at - now))
            }
        },
    }
}

fn twins(session: &Session) -> Markup {
    html! { span .chips { @for twin in list(&session.twins) { span .chip { (text::line(&twin)) } } } }
}

/// What a session's page is asked for.
#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub(crate) struct Behind {
    after: i64,
}

/// `GET /sessions/{id}`.
pub(crate) async fn one(
    State(control): State<Arc<Control>>,
    viewer: Viewer,
    Path(id): Path<String>,
    Query(behind): Query<Behind>,
) -> Answer {
    let mut session =
        sessions::one(&control.store, viewer.team(), &id).await?.ok_or(Problem::Missing { what: "session" })?;
    let logs = control.hosting.logs();
    session.calls = logs.count(&session.id).await?;
    let mut rows = logs.rows(&session.id, behind.after, CALLS + 1).await?;
    let more = rows.len() > CALLS;
    if more {
        rows.pop();
    }
    let last = rows.last().map_or(0, |(number, _)| *number);
    let events: Vec<Event> =
        rows.iter().map(|(number, row)| Event::read(usize::try_from(*number).unwrap_or_default(), row)).collect();
    let path = format!("/sessions/{}", text::segment(&session.id));

    let body = html! {
        (frame::crumbs(&[("/sessions", "Sessions")]))
        div .head {
            div { h1 .mono { (text::line(&session.id)) } }
            (parts::badge(&session.state))
            @if session.is_live() { a .end href=(path) { "Refresh" } }
        }
        div .card .pad { (facts(&session, viewer.now)) }
        @if session.is_live() { (addresses(&session, &control.public_url)) }
        section {
            div .bar { h2 { "Calls" } span .muted { (text::count(session.calls, "call")) } }
            @if !events.is_empty() {
                (calls::list(&events, Some(session.created_at), None))
                nav .pager aria-label="Pages" {
                    @if behind.after > 0 { a .button href=(path) { "\u{2190} First calls" } }
                    @if more { a .button .end href={ (path) "?after=" (last) } rel="next" { "Later calls \u{2192}" } }
                }
            } @else if session.swept != 0 {
                p .card .pad .muted { "The calls of this session are not kept any more." }
            } @else {
                (parts::empty("No calls yet", "Calls appear here as the agent makes them.", None))
            }
        }
    };
    Ok(frame::page(&viewer, Part::Sessions, &format!("Session {}", session.id), &body))
}

fn facts(session: &Session, now: i64) -> Markup {
    html! {
        dl .facts {
            div { dt { "Twins" } dd { (twins(session)) } }
            @if let Some(task) = &session.task_name { div { dt { "Scenario" } dd { (text::line(task)) } } }
            @if session.agent_slug.is_some() || session.agent_version.is_some() {
                div {
                    dt { "Agent" }
                    dd { (parts::agent(session.agent_slug.as_deref(), session.agent_name.as_deref(), session.agent_version.as_deref())) }
                }
            }
            div { dt { "Started" } dd { (parts::ago(now, session.created_at)) } }
            @if let Some(ready) = session.ready_at {
                div { dt { "Ready after" } dd { (text::duration(ready - session.created_at)) } }
            }
            div { dt { @if session.closed_at.is_some() { "Closed" } @else { "Expires" } } dd { (end(session, now)) } }
            @if let Some(error) = &session.error_code { div { dt { "Ended by" } dd { code { (text::line(error)) } } } }
            @if let Some(group) = &session.group_id { div { dt { "Trial group" } dd { (parts::group_link(group)) } } }
            @let tags = list(&session.tags);
            @if !tags.is_empty() { div { dt { "Tags" } dd { span .chips { @for tag in &tags { (parts::tag(tag)) } } } } }
            @if let Some(run) = &session.run_id {
                div { dt { "Run" } dd { a .mono href={ "/runs/" (text::segment(run)) } { (text::line(run)) } } }
            }
        }
    }
}

/// Where the twins of a live session answer. The token that an agent needs is shown to nobody here.
fn addresses(session: &Session, public_url: &str) -> Markup {
    html! {
        section {
            div .bar { h2 { "Addresses" } }
            div .scroll .card tabindex="0" role="region" aria-label="Addresses" {
                table {
                    caption .unseen { "Addresses of the twins" }
                    thead { tr { th scope="col" { "Twin" } th scope="col" { "REST" } th scope="col" .wide { "MCP" } } }
                    tbody {
                        @for twin in list(&session.twins) {
                            @let base = format!("{public_url}/{}/{}", text::segment(&twin), text::segment(&session.id));
                            tr {
                                th scope="row" { (text::line(&twin)) }
                                td { code { (base) } }
                                td .wide { code { (base) "/mcp" } }
                            }
                        }
                    }
                }
            }
            p .small .muted { "Calls need the session's own token, which only the command that opened it has." }
        }
    }
}

/// `GET /twins/{session}`: the link that `pome sessions create` prints.
pub(crate) async fn twin(State(control): State<Arc<Control>>, viewer: Viewer, Path(id): Path<String>) -> Answer {
    let session =
        sessions::one(&control.store, viewer.team(), &id).await?.ok_or(Problem::Missing { what: "session" })?;
    Ok(Redirect::to(&format!("/sessions/{}", text::segment(&session.id))).into_response())
}
