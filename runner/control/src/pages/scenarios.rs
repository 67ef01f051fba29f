//! `/scenarios`: all that ran here, and `/runs/task/{task}`: one of them over time.

use std::sync::Arc;

use axum::extract::{Path, Query, State};
use maud::{Markup, html};
use serde::Deserialize;

use crate::pages::answer::{Answer, Problem};
use crate::pages::frame::{self, Part};
use crate::pages::queries::Cursor;
use crate::pages::queries::agents::{self, Agent};
use crate::pages::queries::runs::{self, Filter};
use crate::pages::queries::trends::{self, Day, Scenario, Tally};
use crate::pages::viewer::Viewer;
use crate::pages::{parts, text};
use crate::state::Control;

/// Runs on the page of a scenario.
const SIZE: usize = 25;
/// Days in its drawing.
const DAYS: i64 = 30;

/// `GET /scenarios`.
pub(crate) async fn get(State(control): State<Arc<Control>>, viewer: Viewer) -> Answer {
    let scenarios = trends::scenarios(&control.store, viewer.team(), None, 12).await?;
    let body = html! {
        div .head { div { h1 { "Scenarios" } p .lead { "What agents were asked to do here, and how often they did it." } } }
        @if scenarios.is_empty() {
            (parts::empty(
                "No scenarios yet",
                "A scenario appears here after its first run.",
                Some("pome run scenarios/01-bug-happy-path.md"),
            ))
        } @else {
            (table("Scenarios", scenarios.iter(), viewer.now))
        }
    };
    Ok(frame::page(&viewer, Part::Scenarios, "Scenarios", &body))
}

/// Scenarios as a table.
pub(crate) fn table<'a>(caption: &str, scenarios: impl Iterator<Item = &'a Scenario>, now: i64) -> Markup {
    linked(caption, scenarios, now, parts::scenario_address)
}

/// The same, with the address of each.
pub(crate) fn linked<'a>(
    caption: &str,
    scenarios: impl Iterator<Item = &'a Scenario>,
    now: i64,
    address: impl Fn(&str) -> String,
) -> Markup {
    let columns = [
        ("Scenario", ""),
        ("Last runs", ""),
        ("Pass rate", "number"),
        ("Runs", "number wide"),
        ("Last run", "number wide"),
    ];
    let rows = html! {
        @for scenario in scenarios {
            tr {
                th scope="row" { a href=(address(&scenario.scenario)) { (text::line(&scenario.scenario)) } }
                td { (parts::strip(&scenario.latest)) }
                td .number { (parts::rate(scenario.tally)) }
                td .number .wide { (text::grouped(scenario.tally.total)) }
                td .number .wide { (parts::ago(now, scenario.last_at)) }
            }
        }
    };
    parts::table(caption, &columns, &rows)
}

/// What the page of a scenario is asked for.
#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub(crate) struct Asked {
    agent: String,
    after: String,
}

/// `GET /runs/task/{task}`.
pub(crate) async fn one(
    State(control): State<Arc<Control>>,
    viewer: Viewer,
    Path(task): Path<String>,
    Query(asked): Query<Asked>,
) -> Answer {
    let agent = match asked.agent.as_str() {
        "" => None,
        name => {
            let found = agents::one(&control.store, viewer.team(), name).await?;
            Some(found.ok_or(Problem::Missing { what: "agent" })?)
        }
    };
    let path = parts::scenario_address(&task);
    let crumbs = frame::crumbs(&[("/scenarios", "Scenarios")]);
    let content =
        content(&control, &viewer, &task, agent.as_ref(), &path, &asked.after, &[("agent", &asked.agent)]).await?;
    let body = html! {
        (crumbs)
        div .head {
            div {
                h1 { (text::line(&task)) }
                @if let Some(agent) = &agent {
                    p .lead { "Runs by " a href={ "/agents/" (text::segment(&agent.slug)) } { (text::line(&agent.display_name)) } ". " a href=(path) { "All agents" } }
                }
            }
        }
        (content)
    };
    Ok(frame::page(&viewer, Part::Scenarios, &task, &body))
}

/// How a scenario came out over time, of one agent or of all: rate, drawing, trial groups, runs.
pub(crate) async fn content(
    control: &Control,
    viewer: &Viewer,
    task: &str,
    agent: Option<&Agent>,
    path: &str,
    after: &str,
    pairs: &[(&str, &str)],
) -> Result<Markup, Problem> {
    let (store, team) = (&control.store, viewer.team());
    let agent_id = agent.map(|agent| agent.id.as_str());
    let filter =
        Filter { scenario: task.to_owned(), agent: agent_id.unwrap_or_default().to_owned(), ..Filter::default() };
    let behind = Cursor::parse(after);
    let found = runs::page(store, team, &filter, behind.as_ref(), SIZE).await?;
    if found.rows.is_empty() && behind.is_none() {
        return Ok(parts::empty(
            "No runs of this scenario",
            "Nobody of this team has run it yet, or not with this agent.",
            Some(&format!("pome run scenarios/{}.md", text::line(task))),
        ));
    }
    let days = trends::days(store, team, task, agent_id, DAYS).await?;
    let groups = trends::groups(store, team, Some(task), agent_id, 8).await?;
    let all = days.iter().fold(Tally::default(), |sum, day| Tally {
        passed: sum.passed + day.tally.passed,
        failed: sum.failed + day.tally.failed,
        total: sum.total + day.tally.total,
    });
    Ok(html! {
        dl .tiles {
            div .card .tile { dt { "Pass rate" } dd { (all.rate().text()) } dd .note { (all.rate().fraction()) " graded runs" } }
            div .card .tile { dt { "95 % interval" } dd { (parts::interval_text(all.rate())) } dd .note { "where the true rate likely is" } }
            div .card .tile { dt { "Runs" } dd { (text::grouped(all.total)) } dd .note { "on the last " (text::count(i64::try_from(days.len()).unwrap_or(i64::MAX), "day")) " with runs" } }
        }
        section {
            div .bar { h2 { "Over time" } }
            div .card .pad {
                (chart(&days))
                details .fold {
                    summary { "As a table" }
                    table {
                        caption .unseen { "Runs by day" }
                        thead { tr { th scope="col" { "Day" } th scope="col" .number { "Pass rate" } th scope="col" .number { "Runs" } } }
                        tbody {
                            @for day in days.iter().rev() {
                                tr { th scope="row" { (text::day(day.day * 86_400_000)) } td .number { (parts::rate(day.tally)) } td .number { (day.tally.total) } }
                            }
                        }
                    }
                }
            }
        }
        @if !groups.is_empty() { section { div .bar { h2 { "Trial groups" } } (parts::groups("Trial groups of this scenario", &groups, viewer.now)) } }
        section {
            div .bar { h2 { "Runs" } }
            (parts::runs("Runs of this scenario", &found.rows, viewer.now))
            (parts::older(path, pairs, found.next.as_ref(), behind.is_none()))
        }
    })
}

/// One column for each day: what passed, failed and stayed open, as parts of the day's runs, with the rate above.
fn chart(days: &[Day]) -> Markup {
    const HEIGHT: f64 = 110.0;
    let step = 24;
    let width = step * i64::try_from(days.len().max(12)).unwrap_or(12) + 48;
    let percent = |day: &Day| day.tally.rate().percent().unwrap_or(0.0);
    let words = format!(
        "Pass rate by day, from {:.0} % to {:.0} %",
        days.first().map_or(0.0, percent),
        days.last().map_or(0.0, percent)
    );
    html! {
        svg .chart viewBox={ "0 0 " (width) " 150" } role="img" aria-label=(words) {
            @for (share, label) in [(0.0, "100 %"), (0.5, "50 %"), (1.0, "0 %")] {
                line .axis x1="44" x2=(width) y1=(format!("{:.1}", 10.0 + share * HEIGHT)) y2=(format!("{:.1}", 10.0 + share * HEIGHT)) {}
                text x="40" y=(format!("{:.1}", 14.0 + share * HEIGHT)) text-anchor="end" { (label) }
            }
            @for (place, day) in (0_i64..).zip(days) {
                @let x = 48 + place * step;
                @let part = |count: i64| HEIGHT * share(count, day.tally.total);
                @let (passed, failed) = (part(day.tally.passed), part(day.tally.failed));
                @let open = HEIGHT - passed - failed;
                g {
                    title { (text::day(day.day * 86_400_000)) ": " (day.tally.rate().fraction()) " passed, " (day.tally.total) " runs" }
                    rect .part x=(x) y="10" width="16" height=(format!("{open:.1}")) {}
                    rect .fail x=(x) y=(format!("{:.1}", 10.0 + open)) width="16" height=(format!("{failed:.1}")) {}
                    rect .pass x=(x) y=(format!("{:.1}", 10.0 + open + failed)) width="16" height=(format!("{passed:.1}")) {}
                }
                @if place % 5 == 0 { text x=(x) y="138" { (text::day(day.day * 86_400_000).get(5..).unwrap_or_default()) } }
            }
        }
    }
}

/// Counts of runs of a day are far below where this rounds.
#[expect(clippy::cast_precision_loss, reason = "counts of runs are far below 2^52")]
fn share(part: i64, whole: i64) -> f64 {
    if whole == 0 { 0.0 } else { part as f64 / whole as f64 }
}
