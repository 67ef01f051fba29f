//! `/runs`: all runs, by a filter.

use std::sync::Arc;

use axum::extract::{Query, State};
use maud::{Markup, html};
use serde::Deserialize;

use crate::pages::answer::Answer;
use crate::pages::frame::{self, Part};
use crate::pages::queries::Cursor;
use crate::pages::queries::agents::{self, Agent};
use crate::pages::queries::runs::{self, Filter, MOST_COUNTED, Words};
use crate::pages::viewer::Viewer;
use crate::pages::{parts, text};
use crate::state::Control;

/// Runs on a page.
const SIZE: usize = 50;

/// What the form asks for.
#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub(crate) struct Asked {
    scenario: String,
    tag: String,
    /// Slug or id of an agent.
    agent: String,
    result: String,
    group: String,
    q: String,
    after: String,
}

impl Asked {
    fn pairs(&self) -> [(&'static str, &str); 6] {
        [
            ("q", &self.q),
            ("scenario", &self.scenario),
            ("agent", &self.agent),
            ("result", &self.result),
            ("tag", &self.tag),
            ("group", &self.group),
        ]
    }
}

/// Results that can be asked for.
const RESULTS: [(&str, &str); 4] = [("", "Any"), ("pass", "Pass"), ("fail", "Fail"), ("incomplete", "Incomplete")];

/// `GET /runs`.
pub(crate) async fn get(State(control): State<Arc<Control>>, viewer: Viewer, Query(asked): Query<Asked>) -> Answer {
    let (store, team) = (&control.store, viewer.team());
    let agents = agents::all(store, team).await?;
    let agent = agents.iter().find(|agent| agent.slug == asked.agent || agent.id == asked.agent);
    let filter = Filter {
        scenario: asked.scenario.trim().to_owned(),
        tag: asked.tag.trim().to_owned(),
        agent: agent.map_or_else(|| asked.agent.clone(), |agent| agent.id.clone()),
        status: asked.result.clone(),
        group: asked.group.trim().to_owned(),
        text: asked.q.trim().to_owned(),
    };
    let behind = Cursor::parse(&asked.after);
    let found = runs::page(store, team, &filter, behind.as_ref(), SIZE).await?;
    let count = runs::count(store, team, &filter).await?;
    let words = runs::words(store, team).await?;
    let is_filtered = asked.pairs().iter().any(|(_, value)| !value.is_empty());

    let body = html! {
        div .head {
            div {
                h1 { "Runs" }
                p .lead role="status" {
                    @if count >= MOST_COUNTED { "More than " }
                    (text::count(count, "run")) @if is_filtered { " found" }
                }
            }
        }
        (form(&asked, &agents, &words, is_filtered))
        @if !found.rows.is_empty() {
            (parts::runs("Runs", &found.rows, viewer.now))
            (parts::older("/runs", &asked.pairs(), found.next.as_ref(), behind.is_none()))
        } @else if is_filtered {
            (parts::empty("No run fits", "Nothing here has all of this at once. Take a filter away to see more.", None))
        } @else {
            (parts::empty(
                "No runs yet",
                "Runs appear here as soon as their results are in.",
                Some("pome run scenarios/01-bug-happy-path.md"),
            ))
        }
    };
    Ok(frame::page(&viewer, Part::Runs, "Runs", &body))
}

fn form(asked: &Asked, agents: &[Agent], words: &Words, is_filtered: bool) -> Markup {
    let is_agent = |agent: &Agent| agent.slug == asked.agent || agent.id == asked.agent;
    html! {
        form .card .filters method="get" action="/runs" role="search" aria-label="Filter runs" {
            div .wide {
                label for="q" { "Search" }
                input #q name="q" type="search" value=(asked.q) placeholder="Scenario, run or session id, version" autocomplete="off";
            }
            div {
                label for="scenario" { "Scenario" }
                input #scenario name="scenario" list="scenarios" value=(asked.scenario) autocomplete="off";
                datalist #scenarios { @for name in &words.scenarios { option value=(name) {} } }
            }
            div {
                label for="agent" { "Agent" }
                select #agent name="agent" {
                    option value="" { "Any" }
                    @for agent in agents {
                        option value=(agent.slug) selected[is_agent(agent)] { (text::line(&agent.display_name)) }
                    }
                }
            }
            div {
                label for="result" { "Result" }
                select #result name="result" {
                    @for (word, label) in RESULTS { option value=(word) selected[word == asked.result] { (label) } }
                }
            }
            div {
                label for="tag" { "Tag" }
                input #tag name="tag" list="tags" value=(asked.tag) autocomplete="off";
                datalist #tags { @for name in &words.tags { option value=(name) {} } }
            }
            div {
                label for="group" { "Trial group" }
                input #group name="group" value=(asked.group) autocomplete="off" spellcheck="false";
            }
            div .actions {
                button .main type="submit" { "Filter" }
                @if is_filtered { a href="/runs" { "Clear" } }
            }
        }
    }
}
