//! The timeline: one line for each thing that happened, which opens to its bodies.

use maud::{Markup, html};
use serde_json::Value;

use crate::pages::trace::{Call, Event};
use crate::pages::{parts, text};

/// Characters of a body that are shown in a list; the page of the call has all of it.
const SHOWN: usize = 4_000;

/// Events as a list. Times are counted from `start`; `run` is the address of the run whose pages have each event as a whole.
pub(crate) fn list(events: &[Event], start: Option<i64>, run: Option<&str>) -> Markup {
    html! {
        div .card {
            div .legend aria-hidden="true" {
                span { "#" } span { "Time" } span { "Twin" } span { "Call" } span {} span .right { "Status" } span .right { "Took" }
            }
            ol .calls {
                @for event in events {
                    li #{ "call-" (event.number) } .event[event.call.is_none()] {
                        details {
                            summary { (line(event, start)) }
                            div .body { (bodies(event, run)) }
                        }
                    }
                }
            }
        }
    }
}

fn line(event: &Event, start: Option<i64>) -> Markup {
    html! {
        span .ordinal { (event.number) }
        span .when {
            @if let Some(at) = event.at {
                time datetime=(pome_wire::time::format(at)) title=(text::clock(at)) { (offset(at, start)) }
            }
        }
        span .twin { (text::line(event.twin.as_deref().unwrap_or_default())) }
        @match &event.call {
            Some(call) => {
                span .what {
                    b { (text::line(&call.method)) } " " (text::short(&text::line(&call.path), 160))
                    @if !event.summary.is_empty() { " " span .muted { (text::short(&text::line(&event.summary), 60)) } }
                }
                span .mark { (mark(call)) }
                span .status .good[call.status < 400] .bad[call.status >= 400] {
                    span .unseen { "Status " } (call.status)
                }
                span .took { (text::duration(call.latency_ms)) }
            },
            None => {
                span .what { (text::short(&text::line(&event.summary), 160)) }
                span .mark {}
                span .status {}
                span .took { @if let Some(took) = event.row.get("latency_ms").and_then(Value::as_i64) { (text::duration(took)) } }
            },
        }
    }
}

/// What a call is worth looking at for.
fn mark(call: &Call) -> &'static str {
    match (call.changed, call.unsupported, call.replayed) {
        (true, ..) => "\u{25cf} changed",
        (_, true, _) => "not modelled",
        (_, _, true) => "replayed",
        _ => "",
    }
}

/// Time since the start, or the time of day when there is none.
fn offset(at: i64, start: Option<i64>) -> String {
    match start {
        Some(start) if at >= start && at - start < 86_400_000 => {
            let since = at - start;
            if since < 60_000 {
                format!("+{}.{:02} s", since / 1000, since % 1000 / 10)
            } else {
                format!("+{}:{:02}", since / 60_000, since / 1000 % 60)
            }
        }
        _ => text::clock(at).get(11..19).unwrap_or_default().to_owned(),
    }
}

/// Names of the parts of a call, as they stand in a row and as they are shown.
const PARTS: [(&str, &str); 2] = [("request_body", "Request"), ("response_body", "Response")];

fn bodies(event: &Event, run: Option<&str>) -> Markup {
    let whole = run.map(|run| format!("{run}/calls/{}", event.number));
    html! {
        @if event.call.is_some() {
            @if let Some(error) = &event.error { p .alert { (text::visible(error)) } }
            div .pair {
                @for (key, label) in PARTS {
                    div {
                        h3 { (label) }
                        @match event.part(key) {
                            Some(body) => (json(body, Some(SHOWN))),
                            None => p .muted .small { "No body" },
                        }
                    }
                }
            }
            @if let Some(delta) = event.part("state_delta") {
                details .fold { summary { "What it changed" } (json(delta, Some(SHOWN))) }
            }
        } @else {
            (json(&event.row, Some(SHOWN)))
        }
        @if let Some(whole) = whole { p .small { a href=(whole) { "All of " (noun(event)) " " (event.number) } } }
    }
}

/// What a row is called.
pub(crate) fn noun(event: &Event) -> &'static str {
    if event.call.is_some() { "call" } else { "event" }
}

/// JSON for reading; cut when it is longer than `most` characters. A text that is not JSON is shown as it is.
pub(crate) fn json(value: &Value, most: Option<usize>) -> Markup {
    let shown = match value {
        Value::String(text) => text.clone(),
        value => serde_json::to_string_pretty(value).unwrap_or_default(),
    };
    let cut = most.map(|most| text::short(&shown, most).into_owned());
    let is_cut = cut.as_ref().is_some_and(|cut| cut.len() < shown.len());
    html! {
        // Long bodies scroll, so the keyboard has to get at them.
        pre .json .whole[most.is_none()] tabindex="0" { (text::visible(cut.as_deref().unwrap_or(&shown))) }
        @if is_cut { p .small .muted { "Cut; " (text::size(i64::try_from(shown.len()).unwrap_or(i64::MAX))) " in all." } }
    }
}

/// One event with everything that is known of it.
pub(crate) fn whole(event: &Event, start: Option<i64>) -> Markup {
    let headers = event.part("request_headers").and_then(Value::as_object);
    html! {
        div .card .pad {
            dl .facts {
                @if let Some(at) = event.at {
                    div { dt { "Time" } dd { (parts::moment(at)) @if start.is_some() { span .muted { " (" (offset(at, start)) ")" } } } }
                }
                div { dt { "Kind" } dd { (text::line(&event.kind)) } }
                @if let Some(twin) = &event.twin { div { dt { "Twin" } dd { (text::line(twin)) } } }
                @if let Some(call) = &event.call {
                    div { dt { "Status" } dd .status .good[call.status < 400] .bad[call.status >= 400] { (call.status) } }
                    div { dt { "Took" } dd { (text::duration(call.latency_ms)) } }
                    div { dt { "State" } dd { @if call.changed { "changed" } @else { "not changed" } } }
                    div { dt { "Fidelity" } dd { @if call.unsupported { "not modelled by the twin" } @else { "modelled" } } }
                }
                @for (key, label) in [("tool", "Tool"), ("tool_call_id", "Tool call"), ("correlation_id", "Correlation"), ("step_id", "Step"), ("event_id", "Event id"), ("parent_event_id", "Caused by")] {
                    @if let Some(text) = event.row.get(key).and_then(Value::as_str) {
                        div { dt { (label) } dd .mono { (text::line(text)) } }
                    }
                }
            }
        }
        @if let Some(error) = &event.error { p .alert { (text::visible(error)) } }
        @if event.call.is_some() {
            @for (key, label) in PARTS {
                section { h2 { (label) } @match event.part(key) { Some(body) => (json(body, None)), None => p .muted { "No body" } } }
            }
            @if let Some(delta) = event.part("state_delta") { section { h2 { "What it changed" } (json(delta, None)) } }
            @if let Some(headers) = headers {
                section {
                    h2 { "Request headers" }
                    div .scroll .card tabindex="0" role="region" aria-label="Request headers" {
                        table {
                            thead { tr { th scope="col" { "Name" } th scope="col" { "Value" } } }
                            tbody {
                                @for (name, value) in headers {
                                    tr { th scope="row" .mono { (text::line(name)) } td .mono { (text::line(value.as_str().unwrap_or_default())) } }
                                }
                            }
                        }
                    }
                }
            }
        } @else {
            section { h2 { "Content" } (json(&event.row, None)) }
        }
    }
}
