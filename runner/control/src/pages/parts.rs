//! Small pieces that several pages are made of.

use maud::{Markup, html};

use crate::pages::queries::Cursor;
use crate::pages::queries::runs::Run;
use crate::pages::queries::trends::{Group, Tally};
use crate::pages::rate::Rate;
use crate::pages::text;

/// The outcome of a run or of a criterion, or the state of a session.
pub(crate) fn badge(word: &str) -> Markup {
    let (class, shown) = match word {
        "pass" => ("pass", "Pass"),
        "fail" => ("fail", "Fail"),
        "incomplete" => ("incomplete", "Incomplete"),
        "passed" => ("passed", "Passed"),
        "failed" => ("failed", "Failed"),
        "skipped" => ("skipped", "Skipped"),
        "errored" => ("errored", "Errored"),
        "provisioning" => ("live", "Starting"),
        "ready" => ("live", "Ready"),
        "running" => ("live running", "Running"),
        "done" => ("", "Done"),
        "expired" => ("", "Expired"),
        "error" => ("errored", "Error"),
        "not_scored" => ("skipped", "Not scored"),
        other => ("", other),
    };
    html! { span class={ "badge " (class) } { (text::line(shown)) } }
}

/// A time, said as how long ago it was.
pub(crate) fn ago(now: i64, at: i64) -> Markup {
    html! { time .nowrap datetime=(pome_wire::time::format(at)) title=(text::clock(at)) { (text::ago(now, at)) } }
}

/// A time of day.
pub(crate) fn moment(at: i64) -> Markup {
    html! { time .nowrap datetime=(pome_wire::time::format(at)) title=(text::clock(at)) { (text::clock(at)) } }
}

/// A sentence in which something stands between backticks.
pub(crate) fn prose(words: &str) -> Markup {
    // An odd number of them means that they are no pairs.
    if !words.matches('`').count().is_multiple_of(2) {
        return html! { (text::visible(words)) };
    }
    html! {
        @for (place, part) in words.split('`').enumerate() {
            @if place % 2 == 1 { code { (text::visible(part)) } } @else { (text::visible(part)) }
        }
    }
}

/// Where the runs of a scenario are.
pub(crate) fn scenario_address(scenario: &str) -> String {
    format!("/runs/task/{}", text::segment(scenario))
}

/// A tag, which leads to the runs that have it.
pub(crate) fn tag(tag: &str) -> Markup {
    let address = format!("/runs{}", text::query(&[("tag", tag)]));
    html! { a .chip href=(address) title={ "Runs with the tag " (text::line(tag)) } { (text::line(tag)) } }
}

/// Nothing is there yet, and what to do about it.
pub(crate) fn empty(title: &str, words: &str, command: Option<&str>) -> Markup {
    html! {
        div .card .empty {
            h2 { (title) }
            p { (words) }
            @if let Some(command) = command { code .command { (command) } }
        }
    }
}

/// Results of the newest runs, oldest first, as small bars whose height says the result as well.
pub(crate) fn strip(latest: &[String]) -> Markup {
    let passed = latest.iter().filter(|status| *status == "pass").count();
    let words = format!("{passed} of the last {} passed", latest.len());
    html! {
        span .strip role="img" aria-label=(words) title=(words) {
            @for status in latest { i class=(known(status)) {} }
        }
    }
}

fn known(status: &str) -> &'static str {
    match status {
        "pass" => "pass",
        "fail" => "fail",
        _ => "incomplete",
    }
}

/// A pass rate with what it is made of.
pub(crate) fn rate(tally: Tally) -> Markup {
    html! { (tally.rate().text()) span .sub { (tally.rate().fraction()) " graded" } }
}

/// A rate and its interval, drawn.
pub(crate) fn interval(rate: Rate) -> Markup {
    let (Some(percent), Some((low, high))) = (rate.percent(), rate.interval()) else { return html! {} };
    let words = format!("{percent:.0} % passed; the true rate is likely between {low:.0} % and {high:.0} %");
    html! {
        svg .chart .small viewBox="-6 0 412 40" role="img" aria-label=(words) {
            rect .ground x="0" y="8" width="400" height="12" rx="6" {}
            rect .pass x="0" y="8" width=(format!("{:.1}", 4.0 * percent)) height="12" rx="6" {}
            line .span x1=(format!("{:.1}", 4.0 * low)) x2=(format!("{:.1}", 4.0 * high)) y1="14" y2="14" {}
            line .span x1=(format!("{:.1}", 4.0 * low)) x2=(format!("{:.1}", 4.0 * low)) y1="9" y2="19" {}
            line .span x1=(format!("{:.1}", 4.0 * high)) x2=(format!("{:.1}", 4.0 * high)) y1="9" y2="19" {}
            text x="0" y="37" { "0 %" }
            text x="200" y="37" text-anchor="middle" { "50 %" }
            text x="400" y="37" text-anchor="end" { "100 %" }
        }
    }
}

/// The way to older rows.
pub(crate) fn older(address: &str, pairs: &[(&str, &str)], next: Option<&Cursor>, is_first: bool) -> Markup {
    if next.is_none() && is_first {
        return html! {};
    }
    html! {
        nav .pager aria-label="Pages" {
            @if !is_first { a .button href={ (address) (text::query(pairs)) } { "\u{2190} Newest" } }
            @if let Some(next) = next {
                @let behind = next.text();
                @let pairs = [pairs, &[("after", behind.as_str())]].concat();
                a .button .end href={ (address) (text::query(&pairs)) } rel="next" { "Older \u{2192}" }
            }
        }
    }
}

/// A table that scrolls by itself where the page is narrow. Of a column there are its head and its classes.
pub(crate) fn table(caption: &str, columns: &[(&str, &str)], rows: &Markup) -> Markup {
    html! {
        div .scroll .card tabindex="0" role="region" aria-label=(caption) {
            table {
                caption .unseen { (caption) }
                thead {
                    tr {
                        @for (head, classes) in columns {
                            th scope="col" class=[Some(classes).filter(|classes| !classes.is_empty())] { (head) }
                        }
                    }
                }
                tbody { (rows) }
            }
        }
    }
}

/// Runs as a table.
pub(crate) fn runs(caption: &str, runs: &[Run], now: i64) -> Markup {
    let columns = [
        ("Scenario", ""),
        ("Result", ""),
        ("Score", "number wide"),
        ("Agent", "wide"),
        ("Tags and group", "wide"),
        ("Took", "number wide"),
        ("When", "number"),
    ];
    let rows = html! {
        @for run in runs { (row(run, now)) }
    };
    table(caption, &columns, &rows)
}

fn row(run: &Run, now: i64) -> Markup {
    html! {
        tr {
            th scope="row" {
                a href={ "/runs/" (text::segment(&run.id)) } { (text::short(&text::line(&run.scenario), 90)) }
                span .sub .mono { (text::line(&run.id)) }
            }
            td { (badge(&run.status)) }
            td .number .wide { (run.score) }
            td .wide { (agent(run.agent_slug.as_deref(), run.agent_name.as_deref(), run.agent_version.as_deref())) }
            td .wide {
                span .chips {
                    @for name in run.tags.iter().take(4) { (tag(name)) }
                    @if run.tags.len() > 4 { span .small .muted { "+" (run.tags.len() - 4) } }
                    @if let Some(group) = &run.group_id { (group_link(group)) }
                }
            }
            td .number .wide { (text::duration(run.duration_ms)) }
            td .number { (ago(now, run.created_at)) }
        }
    }
}

/// An agent by name.
pub(crate) fn agent(slug: Option<&str>, name: Option<&str>, version: Option<&str>) -> Markup {
    html! {
        @match slug {
            Some(slug) => a href={ "/agents/" (text::segment(slug)) } { (text::line(name.unwrap_or(slug))) },
            None => span .muted { "\u{2013}" },
        }
        @if let Some(version) = version { span .sub { (text::line(version)) } }
    }
}

/// A trial group by its id.
pub(crate) fn group_link(group: &str) -> Markup {
    html! {
        a .chip .mono href={ "/groups/" (text::segment(group)) } title={ "Trial group " (text::line(group)) } {
            (text::short(&text::line(group), 14))
        }
    }
}

/// Trial groups as a table.
pub(crate) fn groups(caption: &str, groups: &[Group], now: i64) -> Markup {
    let columns = [
        ("Trial group", ""),
        ("Scenario", "wide"),
        ("Trials", "number"),
        ("Pass rate", "number"),
        ("95 % interval", "number wide"),
        ("When", "number"),
    ];
    let rows = html! {
        @for group in groups {
            tr {
                th scope="row" .mono { a href={ "/groups/" (text::segment(&group.group_id)) } { (text::line(&group.group_id)) } }
                td .wide { a href=(scenario_address(&group.scenario)) { (text::line(&group.scenario)) } }
                td .number { (group.tally.total) }
                td .number { (rate(group.tally)) }
                td .number .wide { (interval_text(group.tally.rate())) }
                td .number { (ago(now, group.last_at)) }
            }
        }
    };
    table(caption, &columns, &rows)
}

/// `57 to 100 %`.
pub(crate) fn interval_text(rate: Rate) -> String {
    rate.interval().map_or_else(|| "\u{2013}".to_owned(), |(low, high)| format!("{low:.0} to {high:.0}\u{202f}%"))
}
