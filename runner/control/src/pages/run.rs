//! `/runs/{id}`: one run: its verdict, the criteria with their evidence, what happened, and what it left behind.

use std::sync::Arc;

use axum::extract::{Path, Query, State};
use axum::http::{HeaderMap, HeaderValue, header};
use axum::response::{IntoResponse as _, Redirect};
use maud::{Markup, html};
use serde::Deserialize;

use crate::pages::answer::{Answer, Problem};
use crate::pages::diff::{self, Diff, Fate};
use crate::pages::document::{Document, Outcome};
use crate::pages::frame::{self, Part};
use crate::pages::queries::runs::{self, Upload, Whole};
use crate::pages::trace::{Show, Trace};
use crate::pages::viewer::Viewer;
use crate::pages::{calls, files, parts, text};
use crate::state::Control;

/// Events on a page.
const SIZE: usize = 50;

/// What the page is asked for.
#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub(crate) struct Asked {
    show: String,
    page: usize,
}

/// `GET /runs/{id}`.
pub(crate) async fn get(
    State(control): State<Arc<Control>>,
    viewer: Viewer,
    Path(id): Path<String>,
    Query(asked): Query<Asked>,
) -> Answer {
    let whole = find(&control, &viewer, &id).await?;
    if whole.run.id != id {
        return Ok(Redirect::to(&format!("/runs/{}", text::segment(&whole.run.id))).into_response());
    }
    let uploads = runs::uploads(&control.store, viewer.team(), &whole.session_id).await?;
    let trace = files::trace(&control, &uploads).await?;
    let document = Document::read(&whole.document);
    let states = states(&control, &uploads, document.as_ref()).await?;
    let path = format!("/runs/{}", text::segment(&whole.run.id));

    let body = html! {
        (frame::crumbs(&[("/runs", "Runs"), (&parts::scenario_address(&whole.run.scenario), &whole.run.scenario)]))
        div .head {
            div {
                h1 { (text::line(&whole.run.scenario)) }
                p .lead .mono { (text::line(&whole.run.id)) }
            }
        }
        (verdict(&whole, document.as_ref(), viewer.now))
        @match &document {
            Some(document) => (criteria(&path, document, trace.as_ref())),
            None => p .remark { "The stored row of this run cannot be read, so its criteria cannot be shown." },
        }
        (timeline(&path, &asked, trace.as_ref()))
        (state_sections(&states))
        (downloads(&path, &uploads))
        @if let Some(prompt) = document.as_ref().and_then(|document| document.fix_prompt.as_deref()) {
            section {
                div .bar { h2 { "Fix prompt" } }
                details .card .pad .fold { summary { "What to give a coding assistant" } pre .json tabindex="0" { (text::visible(prompt)) } }
            }
        }
    };
    Ok(frame::page(&viewer, Part::Runs, &format!("{} \u{b7} {}", whole.run.scenario, whole.run.id), &body))
}

async fn find(control: &Control, viewer: &Viewer, id: &str) -> Result<Whole, Problem> {
    runs::one(&control.store, viewer.team(), id).await?.ok_or(Problem::Missing { what: "run" })
}

fn verdict(whole: &Whole, document: Option<&Document>, now: i64) -> Markup {
    let run = &whole.run;
    let threshold = document.and_then(|document| document.pass_threshold);
    html! {
        div class={ "card verdict " (class(&run.status)) } {
            span class={ "badge large " (class(&run.status)) } { (label(&run.status)) }
            p .score { (run.score) span { " of 100" @if let Some(threshold) = threshold { ", passes at " (threshold) } } }
            @if let Some(document) = document {
                @let count = |word: &str| document.criteria_results.iter().filter(|outcome| outcome.word() == word).count();
                p .muted {
                    (count("passed")) " passed, " (count("failed")) " failed"
                    @let open = count("skipped") + count("errored");
                    @if open > 0 { ", " (open) " not evaluated" }
                }
            }
        }
        section {
            h2 .unseen { "About this run" }
            div .card .pad {
                dl .facts {
                    div { dt { "Agent" } dd { (parts::agent(run.agent_slug.as_deref(), run.agent_name.as_deref(), run.agent_version.as_deref())) } }
                    @if let Some(model) = document.and_then(|document| document.agent_model.as_deref()).filter(|model| *model != "unknown") {
                        div { dt { "Model" } dd { (text::line(model)) } }
                    }
                    @if let Some(twins) = document.and_then(|document| document.twins.as_ref()).filter(|twins| !twins.is_empty()) {
                        div { dt { "Twins" } dd { span .chips { @for twin in twins { span .chip { (text::line(twin)) } } } } }
                    }
                    div { dt { "Took" } dd { (text::duration(run.duration_ms)) } }
                    div { dt { "When" } dd { (parts::ago(now, run.created_at)) span .sub { (text::clock(run.created_at)) } } }
                    @if let Some(stop) = document.and_then(|document| document.stop_reason.as_deref()) {
                        div { dt { "Ended by" } dd { (text::line(&stop.replace('_', " "))) } }
                    }
                    @if let Some(judge) = document.and_then(|document| document.judge_model.as_deref()).filter(|judge| *judge != "none") {
                        div { dt { "Judge" } dd { (text::line(judge)) } }
                    }
                    @if let Some(group) = &run.group_id { div { dt { "Trial group" } dd { (parts::group_link(group)) } } }
                    @if !run.tags.is_empty() { div { dt { "Tags" } dd { span .chips { @for tag in &run.tags { (parts::tag(tag)) } } } } }
                    div { dt { "Session" } dd .mono .small { a href={ "/sessions/" (text::segment(&whole.session_id)) } { (text::line(&whole.session_id)) } } }
                    @if let Some(hash) = document.and_then(|document| document.scenario_hash.as_deref().or(document.task_hash.as_deref())) {
                        div { dt { "Scenario file" } dd .mono .small title=(text::line(hash)) { (text::short(&text::line(hash), 12)) } }
                    }
                }
                @if let Some(summary) = document.and_then(|document| document.summary.as_deref()) { p .remark { (text::visible(summary)) } }
            }
        }
    }
}

fn class(status: &str) -> &'static str {
    match status {
        "pass" => "pass",
        "fail" => "fail",
        "incomplete" => "incomplete",
        _ => "",
    }
}

fn label(status: &str) -> String {
    match status {
        "pass" => "Pass".to_owned(),
        "fail" => "Fail".to_owned(),
        "incomplete" => "Incomplete".to_owned(),
        other => text::line(other),
    }
}

fn criteria(path: &str, document: &Document, trace: Option<&Trace>) -> Markup {
    html! {
        section #criteria {
            div .bar { h2 { "Criteria" } }
            @if document.criteria_results.is_empty() {
                p .card .pad .muted { "This run was not judged by any criterion." }
            } @else {
                ol .card .criteria {
                    @for outcome in &document.criteria_results {
                        li {
                            div { (parts::badge(outcome.word())) }
                            div {
                                p .what { (parts::prose(&outcome.criterion.text)) }
                                p .why { (parts::prose(outcome.why())) }
                                (evidence(path, outcome, trace))
                            }
                        }
                    }
                }
            }
        }
    }
}

/// Links to the calls that decided, and what else is known of a decision.
fn evidence(path: &str, outcome: &Outcome, trace: Option<&Trace>) -> Markup {
    let by = match outcome.criterion.kind() {
        "code" => "Checked by code",
        "model" => "Judged by a model",
        _ => "",
    };
    html! {
        div .evidence {
            @for id in &outcome.evidence_event_ids {
                @match trace.and_then(|trace| trace.number(id)) {
                    Some(number) => a href=(address(path, number)) { "Call " (number) },
                    None => span .muted { "Call " code { (text::short(&text::line(id), 20)) } " is not in the trace" },
                }
            }
            @for place in &outcome.evidence_state_paths { a href="#state" title="The states before and after" { code { (text::line(place)) } } }
            span .muted {
                (by)
                @if let Some(twin) = &outcome.criterion.twin { " \u{b7} " (text::line(twin)) }
                @if let Some(matcher) = &outcome.matcher { " \u{b7} " (text::line(matcher)) }
                @if let Some(model) = &outcome.judge_model { " \u{b7} " (text::line(model)) }
                @if let Some(confidence) = outcome.confidence { " \u{b7} " (format!("{:.0}", confidence * 100.0)) " % sure" }
            }
        }
    }
}

/// Where an event is among the pages of a timeline.
fn address(path: &str, number: usize) -> String {
    let page = (number - 1) / SIZE + 1;
    if page == 1 { format!("{path}#call-{number}") } else { format!("{path}?page={page}#call-{number}") }
}

fn timeline(path: &str, asked: &Asked, trace: Option<&Trace>) -> Markup {
    let show = Show::parse(&asked.show);
    let page = asked.page.clamp(1, 1_000_000);
    html! {
        section #timeline {
            div .bar {
                h2 { "Timeline" }
                @if let Some(trace) = trace {
                    ul .tabs .end {
                        @for tab in Show::ALL {
                            li {
                                a href={ (path) (text::query(&[("show", tab.word())])) "#timeline" } aria-current=[(tab == show).then_some("page")] {
                                    (tab.label()) " " (trace.counts.of(tab))
                                }
                            }
                        }
                    }
                }
            }
            @match trace {
                None => p .card .pad .muted { "The trace of this run was not uploaded." },
                Some(trace) => {
                    @let events = trace.page(show, page, SIZE);
                    @let last = trace.counts.of(show).div_ceil(SIZE).max(1);
                    @if events.is_empty() {
                        p .card .pad .muted { "Nothing of this kind happened." }
                    } @else {
                        (calls::list(&events, trace.start(), Some(path)))
                    }
                    @if last > 1 {
                        nav .pager aria-label="Pages of the timeline" {
                            @if page > 1 { a .button rel="prev" href=(paged(path, show, page - 1)) { "\u{2190} Earlier" } }
                            span .muted { "Page " (page) " of " (last) }
                            @if page < last { a .button .end rel="next" href=(paged(path, show, page + 1)) { "Later \u{2192}" } }
                        }
                    }
                },
            }
        }
    }
}

fn paged(path: &str, show: Show, page: usize) -> String {
    format!("{path}{}#timeline", text::query(&[("show", show.word()), ("page", &page.to_string())]))
}

/// What one twin looked like before and after.
struct Change {
    twin: String,
    /// Absent when one of the two is not there.
    diff: Option<Diff>,
}

async fn states(control: &Control, uploads: &[Upload], document: Option<&Document>) -> Result<Vec<Change>, Problem> {
    let primary = document.and_then(|document| document.twins.as_ref()).and_then(|twins| twins.first());
    let mut wanted = vec![(primary.map_or("twin", String::as_str).to_owned(), String::new())];
    for upload in uploads {
        let twin = upload.file().strip_prefix("state_final.").and_then(|rest| rest.strip_suffix(".json"));
        if let Some(twin) = twin.filter(|twin| Some(*twin) != primary.map(String::as_str)) {
            wanted.push((twin.to_owned(), format!(".{twin}")));
        }
    }
    let mut changes = Vec::new();
    for (twin, suffix) in wanted {
        let before = files::state(control, uploads, &format!("state_initial{suffix}.json")).await?;
        let after = files::state(control, uploads, &format!("state_final{suffix}.json")).await?;
        let diff = match (before, after) {
            (Some(before), Some(after)) => {
                let diff = tokio::task::spawn_blocking(move || diff::between(&before, &after)).await;
                Some(diff.map_err(|error| Problem::Blob(error.to_string()))?)
            }
            _ => None,
        };
        changes.push(Change { twin, diff });
    }
    Ok(changes)
}

fn state_sections(changes: &[Change]) -> Markup {
    html! {
        section #state {
            div .bar { h2 { "State before and after" } }
            @for change in changes {
                div .card {
                    div .pad {
                        h3 { (text::line(&change.twin)) }
                        @match &change.diff {
                            None => p .muted { "The states before and after were not both uploaded." },
                            Some(diff) if diff.hunks.is_empty() => p .muted { "The run left everything as it was." },
                            Some(diff) => p .muted .small {
                                span .plus { "+" (diff.added) } " and " span .minus { "\u{2212}" (diff.removed) } " lines, in "
                                (text::count(i64::try_from(diff.hunks.len() + diff.left_out).unwrap_or(i64::MAX), "place"))
                            },
                        }
                    }
                    @if let Some(diff) = &change.diff { (hunks(diff)) }
                }
            }
        }
    }
}

fn hunks(diff: &Diff) -> Markup {
    html! {
        @for hunk in &diff.hunks {
            div .place { @if hunk.place.is_empty() { "At the top" } @else { (text::line(&hunk.place)) } }
            div .diff {
                @for line in &hunk.lines {
                    @match line.fate {
                        Fate::Kept => span { "  " (text::visible(&line.text)) },
                        Fate::Removed => del { "\u{2212} " (text::visible(&line.text)) },
                        Fate::Added => ins { "+ " (text::visible(&line.text)) },
                    }
                }
            }
        }
        @if diff.left_out > 0 { p .pad .muted { (diff.left_out) " more changes are not shown; the files have them." } }
    }
}

fn downloads(path: &str, uploads: &[Upload]) -> Markup {
    html! {
        @if !uploads.is_empty() {
            section {
                div .bar { h2 { "Files" } }
                div .scroll .card tabindex="0" role="region" aria-label="Files" {
                    table {
                        caption .unseen { "Files of this run" }
                        thead { tr { th scope="col" { "File" } th scope="col" .number { "Stored size" } } }
                        tbody {
                            @for upload in uploads {
                                tr {
                                    th scope="row" .mono { a href={ (path) "/files/" (text::segment(upload.file())) } download { (text::line(upload.file())) } }
                                    td .number { (text::size(upload.size)) }
                                }
                            }
                        }
                    }
                }
            }
        }
    }
}

/// `GET /runs/{id}/calls/{number}`.
pub(crate) async fn call(
    State(control): State<Arc<Control>>,
    viewer: Viewer,
    Path((id, number)): Path<(String, usize)>,
) -> Answer {
    let whole = find(&control, &viewer, &id).await?;
    let uploads = runs::uploads(&control.store, viewer.team(), &whole.session_id).await?;
    let missing = Problem::Missing { what: "call" };
    let Some(trace) = files::trace(&control, &uploads).await? else { return Err(missing) };
    let Some(event) = trace.event(number) else { return Err(missing) };
    let path = format!("/runs/{}", text::segment(&whole.run.id));
    let title = match &event.call {
        Some(call) => format!("{} {}", call.method, call.path),
        None => event.summary.clone(),
    };
    let body = html! {
        (frame::crumbs(&[("/runs", "Runs"), (&path, &whole.run.id), (&address(&path, number), &format!("{} {number}", calls::noun(&event)))]))
        div .head { div { h1 .mono { (text::short(&text::line(&title), 200)) } } }
        (calls::whole(&event, trace.start()))
        nav .pager aria-label="Neighbours" {
            @if number > 1 { a .button rel="prev" href={ (path) "/calls/" (number - 1) } { "\u{2190} Before" } }
            @if number < trace.counts.all { a .button .end rel="next" href={ (path) "/calls/" (number + 1) } { "After \u{2192}" } }
        }
    };
    Ok(frame::page(&viewer, Part::Runs, &title, &body))
}

/// `GET /runs/{id}/files/{file}`.
pub(crate) async fn file(
    State(control): State<Arc<Control>>,
    viewer: Viewer,
    Path((id, file)): Path<(String, String)>,
    headers: HeaderMap,
) -> Answer {
    let whole = find(&control, &viewer, &id).await?;
    let uploads = runs::uploads(&control.store, viewer.team(), &whole.session_id).await?;
    let missing = || Problem::Missing { what: "file" };
    let upload = files::find(&uploads, &file).ok_or_else(missing)?;
    let takes_gzip = headers.get(header::ACCEPT_ENCODING).and_then(|value| value.to_str().ok()).is_some_and(|value| {
        value.split(',').any(|coding| coding.split(';').next().unwrap_or_default().trim() == "gzip")
    });
    let packed = upload.encoding.as_deref().filter(|encoding| *encoding == "gzip" && takes_gzip);
    let bytes = match packed {
        Some(_) => files::stored(&control, upload).await?,
        None => files::content(&control, upload).await?,
    };
    let mut answer = bytes.ok_or_else(missing)?.into_response();
    let name = format!("attachment; filename=\"{}-{}\"", text::segment(&whole.run.id), text::segment(upload.file()));
    let headers = answer.headers_mut();
    // Whatever somebody stored is never shown as a page of this site.
    headers.insert(header::CONTENT_TYPE, HeaderValue::from_static("application/octet-stream"));
    headers.insert(header::X_CONTENT_TYPE_OPTIONS, HeaderValue::from_static("nosniff"));
    headers.insert(header::CONTENT_SECURITY_POLICY, HeaderValue::from_static("default-src 'none'; sandbox"));
    headers.insert(header::CACHE_CONTROL, HeaderValue::from_static("private, no-store"));
    if let Ok(name) = HeaderValue::from_str(&name) {
        headers.insert(header::CONTENT_DISPOSITION, name);
    }
    if packed.is_some() {
        headers.insert(header::CONTENT_ENCODING, HeaderValue::from_static("gzip"));
    }
    Ok(answer)
}
