//! `/groups`: trial groups, the same scenario run several times at once.

use std::collections::BTreeMap;
use std::sync::Arc;

use axum::extract::{Path, State};
use maud::{Markup, html};

use crate::pages::answer::{Answer, Problem};
use crate::pages::document::Document;
use crate::pages::frame::{self, Part};
use crate::pages::queries::runs::{self, Whole};
use crate::pages::queries::trends;
use crate::pages::rate::Rate;
use crate::pages::viewer::Viewer;
use crate::pages::{parts, text};
use crate::state::Control;

/// Most trials that are shown of a group.
const MOST: i64 = 200;
/// Most trials that stand side by side in the table of criteria.
const COLUMNS: usize = 20;

/// `GET /groups`.
pub(crate) async fn get(State(control): State<Arc<Control>>, viewer: Viewer) -> Answer {
    let groups = trends::groups(&control.store, viewer.team(), None, None, 100).await?;
    let body = html! {
        div .head { div { h1 { "Trial groups" } p .lead { "One run says little about an agent that decides anew each time. Trials of a group are the same scenario, run several times." } } }
        @if groups.is_empty() {
            (parts::empty("No trial groups yet", "Run a scenario several times at once:", Some("pome run scenarios/01-bug-happy-path.md -n 5")))
        } @else {
            (parts::groups("Newest trial groups", &groups, viewer.now))
        }
    };
    Ok(frame::page(&viewer, Part::Groups, "Trial groups", &body))
}

/// `GET /groups/{id}`.
pub(crate) async fn one(State(control): State<Arc<Control>>, viewer: Viewer, Path(id): Path<String>) -> Answer {
    let trials = runs::trials(&control.store, viewer.team(), &id, MOST).await?;
    let Some(first) = trials.first() else { return Err(Problem::Missing { what: "trial group" }) };
    let scenario = &first.run.scenario;
    let body = html! {
        (frame::crumbs(&[("/groups", "Trial groups"), (&parts::scenario_address(scenario), scenario)]))
        div .head { div { h1 .mono { (text::line(&id)) } p .lead { "Trials of " (text::line(scenario)) } } }
        (content(&trials, viewer.now))
    };
    Ok(frame::page(&viewer, Part::Groups, &format!("Trial group {id}"), &body))
}

/// The rate of a group, its trials, and which criteria each of them met.
pub(crate) fn content(trials: &[Whole], now: i64) -> Markup {
    let count = |status: &str| trials.iter().filter(|trial| trial.run.status == status).count();
    let (passed, failed) = (count("pass"), count("fail"));
    let open = trials.len() - passed - failed;
    let rate = Rate::new(i64::try_from(passed).unwrap_or(0), i64::try_from(failed).unwrap_or(0));
    html! {
        div .card .pad {
            dl .facts {
                div { dt { "Pass rate" } dd { b { (rate.text()) } " (" (rate.fraction()) " graded trials)" } }
                div { dt { "95 % interval" } dd { (parts::interval_text(rate)) } }
                @if open > 0 { div { dt { "Not graded" } dd { (open) ", counted in nothing" } } }
            }
            (parts::interval(rate))
            @if rate.interval().is_some_and(|(low, high)| high - low > 50.0) {
                p .remark { "The interval is wide: a few more trials would say more." }
            }
        }
        (matrix(trials))
        section {
            div .bar { h2 { "Trials" } }
            (parts::table("Trials", &[
                ("Trial", ""), ("Result", ""), ("Score", "number"),
                ("Agent", "wide"), ("Took", "number wide"), ("When", "number"),
            ], &html! {
                @for (place, trial) in trials.iter().enumerate() {
                    tr {
                        th scope="row" {
                            a href={ "/runs/" (text::segment(&trial.run.id)) } { "Trial " (place + 1) }
                            span .sub .mono { (text::line(&trial.run.id)) }
                        }
                        td { (parts::badge(&trial.run.status)) }
                        td .number { (trial.run.score) }
                        td .wide { (parts::agent(trial.run.agent_slug.as_deref(), trial.run.agent_name.as_deref(), trial.run.agent_version.as_deref())) }
                        td .number .wide { (text::duration(trial.run.duration_ms)) }
                        td .number { (parts::ago(now, trial.run.created_at)) }
                    }
                }
            }))
        }
    }
}

/// Criteria by trials, those that failed most often first.
fn matrix(trials: &[Whole]) -> Markup {
    let shown = trials.iter().take(COLUMNS);
    let documents: Vec<Document> = shown.map(|trial| Document::read(&trial.document).unwrap_or_default()).collect();
    let mut outcomes: BTreeMap<&str, (usize, Vec<Option<&str>>)> = BTreeMap::new();
    for (trial, document) in documents.iter().enumerate() {
        for outcome in &document.criteria_results {
            let order = outcomes.len();
            let (_, row) =
                outcomes.entry(&outcome.criterion.text).or_insert_with(|| (order, vec![None; documents.len()]));
            if let Some(cell) = row.get_mut(trial) {
                *cell = Some(outcome.word());
            }
        }
    }
    let mut rows: Vec<(&str, usize, Vec<Option<&str>>)> =
        outcomes.into_iter().map(|(text, (order, cells))| (text, order, cells)).collect();
    let failures = |cells: &[Option<&str>]| cells.iter().filter(|cell| **cell == Some("failed")).count();
    rows.sort_by_key(|(_, order, cells)| (std::cmp::Reverse(failures(cells)), *order));
    html! {
        @if !rows.is_empty() {
            section {
                div .bar {
                    h2 { "Criteria by trial" }
                    @if trials.len() > COLUMNS { span .muted { "of the first " (COLUMNS) " trials" } }
                }
                div .scroll .card tabindex="0" role="region" aria-label="Criteria by trial" {
                    table .matrix {
                        caption .unseen { "Which criterion each trial met" }
                        thead {
                            tr {
                                th scope="col" { "Criterion" }
                                th scope="col" .number { "Failed" }
                                @for (place, trial) in trials.iter().take(COLUMNS).enumerate() {
                                    th scope="col" { a href={ "/runs/" (text::segment(&trial.run.id)) } { span .unseen { "Trial " } (place + 1) } }
                                }
                            }
                        }
                        tbody {
                            @for (criterion, _, cells) in &rows {
                                tr {
                                    th scope="row" { (parts::prose(criterion)) }
                                    td .number { (failures(cells)) " of " (cells.iter().filter(|cell| matches!(cell, Some("passed" | "failed"))).count()) }
                                    @for cell in cells { td { (mark(*cell)) } }
                                }
                            }
                        }
                    }
                }
            }
        }
    }
}

fn mark(outcome: Option<&str>) -> Markup {
    let (word, sign) = match outcome {
        Some("passed") => ("passed", "\u{2713}"),
        Some("failed") => ("failed", "\u{2717}"),
        Some("errored") => ("errored", "!"),
        Some(_) => ("skipped", "\u{2013}"),
        None => return html! { span .unseen { "not asked" } },
    };
    html! { span class={ "cell " (word) } title=(word) { span aria-hidden="true" { (sign) } span .unseen { (word) } } }
}
