//! `/agents`: who ran here, and one agent with its scenarios.

use std::sync::Arc;

use axum::extract::{Path, Query, State};
use axum::response::{IntoResponse as _, Redirect};
use maud::{Markup, html};
use serde::Deserialize;

use crate::pages::answer::{Answer, Problem};
use crate::pages::frame::{self, Part};
use crate::pages::queries::agents::{self, Agent};
use crate::pages::queries::list;
use crate::pages::queries::runs::{self, Filter};
use crate::pages::queries::trends::{self, Tally};
use crate::pages::viewer::Viewer;
use crate::pages::{groups, parts, scenarios, text};
use crate::state::Control;

const MONTH: i64 = 30 * 86_400_000;

/// `GET /agents`.
pub(crate) async fn get(State(control): State<Arc<Control>>, viewer: Viewer) -> Answer {
    let agents = agents::all(&control.store, viewer.team()).await?;
    let tallies = agents::tallies(&control.store, viewer.team(), viewer.now - MONTH).await?;
    let tally =
        |agent: &Agent| tallies.iter().find(|(id, _)| *id == agent.id).map_or_else(Tally::default, |(_, tally)| *tally);
    let body = html! {
        div .head { div { h1 { "Agents" } p .lead { "Agents that were registered by a project of this team." } } }
        @if agents.is_empty() {
            (parts::empty("No agents yet", "Register the agent of a project, so that its runs are found by its name:", Some("pome register agent")))
        } @else {
            (parts::table("Agents", &[
                ("Agent", ""), ("Twins", "wide"), ("Version", "wide"),
                ("Runs in 30 days", "number"), ("Pass rate", "number"),
            ], &html! {
                @for agent in &agents {
                    tr {
                        th scope="row" {
                            a href={ "/agents/" (text::segment(&agent.slug)) } { (text::line(&agent.display_name)) }
                            span .sub .mono { (text::line(&agent.slug)) }
                        }
                        td .wide { (twins(agent)) }
                        td .wide { (text::line(agent.version.as_deref().unwrap_or("\u{2013}"))) }
                        td .number { (text::grouped(tally(agent).total)) }
                        td .number { (parts::rate(tally(agent))) }
                    }
                }
            }))
        }
    };
    Ok(frame::page(&viewer, Part::Agents, "Agents", &body))
}

fn twins(agent: &Agent) -> Markup {
    html! { span .chips { @for twin in list(&agent.twins) { span .chip { (text::line(&twin)) } } } }
}

async fn find(control: &Control, viewer: &Viewer, slug: &str) -> Result<Agent, Problem> {
    agents::one(&control.store, viewer.team(), slug).await?.ok_or(Problem::Missing { what: "agent" })
}

/// `GET /agents/{slug}`.
pub(crate) async fn one(State(control): State<Arc<Control>>, viewer: Viewer, Path(slug): Path<String>) -> Answer {
    let agent = find(&control, &viewer, &slug).await?;
    let path = format!("/agents/{}", text::segment(&agent.slug));
    if agent.slug != slug {
        return Ok(Redirect::to(&path).into_response());
    }
    let store = &control.store;
    let scenarios = trends::scenarios(store, viewer.team(), Some(&agent.id), 12).await?;
    let filter = Filter { agent: agent.id.clone(), ..Filter::default() };
    let newest = runs::page(store, viewer.team(), &filter, None, 15).await?;
    let body = html! {
        (frame::crumbs(&[("/agents", "Agents")]))
        div .head {
            div {
                h1 { (text::line(&agent.display_name)) }
                @if let Some(description) = &agent.description { p .lead { (text::visible(description)) } }
            }
        }
        div .card .pad {
            dl .facts {
                div { dt { "Slug" } dd .mono { (text::line(&agent.slug)) } }
                div { dt { "Twins" } dd { (twins(&agent)) } }
                @if let Some(version) = &agent.version { div { dt { "Version" } dd { (text::line(version)) } } }
                @if let Some(framework) = &agent.framework { div { dt { "Framework" } dd { (text::line(framework)) } } }
                div { dt { "Registered" } dd { (parts::ago(viewer.now, agent.created_at)) } }
            }
        }
        @if newest.rows.is_empty() {
            section {
                h2 .unseen { "Runs" }
                (parts::empty("No runs yet", "Runs from the project of this agent appear here.", Some("pome run scenarios/01-bug-happy-path.md")))
            }
        } @else {
            section {
                div .bar { h2 { "Scenarios" } }
                (scenarios::linked("Scenarios of this agent", scenarios.iter(), viewer.now, |task| format!("{path}/tasks/{}", text::segment(task))))
            }
            section {
                div .bar { h2 { "Newest runs" } a .end href={ "/runs" (text::query(&[("agent", &agent.slug)])) } { "All runs of this agent" } }
                (parts::runs("Newest runs", &newest.rows, viewer.now))
            }
        }
    };
    Ok(frame::page(&viewer, Part::Agents, &agent.display_name, &body))
}

/// What the page of a scenario of an agent is asked for.
#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub(crate) struct Asked {
    group: String,
    after: String,
}

/// `GET /agents/{slug}/tasks/{task}`: one scenario of one agent, or one trial group of it.
pub(crate) async fn task(
    State(control): State<Arc<Control>>,
    viewer: Viewer,
    Path((slug, task)): Path<(String, String)>,
    Query(asked): Query<Asked>,
) -> Answer {
    let agent = find(&control, &viewer, &slug).await?;
    let home = format!("/agents/{}", text::segment(&agent.slug));
    let path = format!("{home}/tasks/{}", text::segment(&task));
    let content = if asked.group.is_empty() {
        scenarios::content(&control, &viewer, &task, Some(&agent), &path, &asked.after, &[]).await?
    } else {
        let mut trials = runs::trials(&control.store, viewer.team(), &asked.group, 200).await?;
        trials.retain(|trial| trial.run.scenario == task);
        if trials.is_empty() {
            return Err(Problem::Missing { what: "trial group" });
        }
        groups::content(&trials, viewer.now)
    };
    let body = html! {
        (frame::crumbs(&[("/agents", "Agents"), (&home, &agent.display_name)]))
        div .head {
            div {
                h1 { (text::line(&task)) }
                p .lead {
                    "Runs by " a href=(home) { (text::line(&agent.display_name)) }
                    @if asked.group.is_empty() { ". " a href=(parts::scenario_address(&task)) { "All agents" } }
                    @else { ", trial group " (parts::group_link(&asked.group)) ". " a href=(path) { "All runs" } }
                }
            }
        }
        (content)
    };
    Ok(frame::page(&viewer, Part::Agents, &format!("{task} \u{b7} {}", agent.display_name), &body))
}
