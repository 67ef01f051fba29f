//! `pome endpoints <twin>`: what a twin serves, from its own tables.

use std::collections::BTreeMap;
use std::fmt::Write as _;

use pome_sandbox::{Description, Fidelity};
use pome_wire::Exit;
use serde::Serialize;

use crate::args;
use crate::context::Context;
use crate::failure::Failure;
use crate::render::table;
use crate::twins;

#[derive(Debug, Serialize)]
struct Report<'a> {
    version: u32,
    twin: &'a str,
    title: &'a str,
    component_version: &'a str,
    routes: Vec<Row<'a>>,
    tools: Vec<Row<'a>>,
}

#[derive(Debug, Serialize)]
struct Row<'a> {
    #[serde(skip_serializing_if = "Option::is_none")]
    method: Option<&'a str>,
    /// Path of a route, name of a tool.
    name: &'a str,
    action: &'a str,
    mutates: bool,
    fidelity: &'static str,
    note: Option<&'a str>,
}

pub(crate) fn run(args: &args::Endpoints, cx: &Context) -> Result<Exit, Failure> {
    let component = twins::component(&twins::engine()?, &args.twin, cx)?;
    let report = report(component.description());
    if cx.console.json {
        cx.console.document(&report)?;
    } else {
        cx.console.result(&text(&report));
    }
    Ok(Exit::Passed)
}

fn report(description: &Description) -> Report<'_> {
    Report {
        version: 1,
        twin: &description.id,
        title: &description.title,
        component_version: &description.version,
        routes: description
            .routes
            .iter()
            .map(|route| Row {
                method: Some(&route.method),
                name: &route.path,
                action: &route.action,
                mutates: route.mutates,
                fidelity: route.fidelity.as_str(),
                note: route.note.as_deref(),
            })
            .collect(),
        tools: description
            .tools
            .iter()
            .map(|tool| Row {
                method: None,
                name: &tool.name,
                action: &tool.action,
                mutates: tool.mutates,
                fidelity: tool.fidelity.as_str(),
                note: tool.note.as_deref(),
            })
            .collect(),
    }
}

/// One row per line: the door (a method, or `MCP`), what is called, how close it is to the vendor, and what differs.
fn text(report: &Report<'_>) -> String {
    let rows: Vec<[String; 4]> = report
        .routes
        .iter()
        .chain(&report.tools)
        .map(|row| {
            let door = row.method.unwrap_or("MCP");
            [door, row.name, row.fidelity, row.note.unwrap_or_default()].map(str::to_owned)
        })
        .collect();
    let mut text = table(&rows);
    let mut counts: BTreeMap<&str, usize> = BTreeMap::new();
    for row in report.routes.iter().chain(&report.tools) {
        *counts.entry(row.fidelity).or_default() += 1;
    }
    let counts: Vec<String> = counts.iter().map(|(fidelity, count)| format!("{count} {fidelity}")).collect();
    let _ = write!(
        text,
        "\n{} routes and {} tools of the {} twin {}: {}. Everything else answers 501 ({}).\n",
        report.routes.len(),
        report.tools.len(),
        report.title,
        report.component_version,
        counts.join(", "),
        Fidelity::Unsupported.as_str()
    );
    text
}
