//! `pome doctor`: the usual reasons why runs do not work, in order, up to the first that applies.

use std::path::Path;

use pome_wire::{Exit, env};
use serde::Serialize;

use crate::commands::health;
use crate::context::Context;
use crate::failure::Failure;
use crate::render::Style;
use crate::{project, routing, twins};

/// One question and its answer.
#[derive(Debug, Serialize)]
struct Check {
    name: &'static str,
    ok: bool,
    /// What was found.
    detail: String,
    cause: Option<String>,
    fix: Option<String>,
}

#[derive(Debug, Serialize)]
struct Report {
    version: u32,
    ok: bool,
    checks: Vec<Check>,
}

/// Why a check failed.
struct Problem {
    detail: String,
    cause: String,
    fix: String,
}

impl Problem {
    fn new(detail: impl Into<String>, cause: impl Into<String>, fix: impl Into<String>) -> Self {
        Self { detail: detail.into(), cause: cause.into(), fix: fix.into() }
    }
}

pub(crate) fn run(cx: &Context) -> Result<Exit, Failure> {
    let report = examine(cx);
    show(&report, cx);
    if cx.console.json {
        cx.console.document(&report)?;
    }
    Ok(if report.ok { Exit::Passed } else { Exit::BelowThreshold })
}

/// For `pome run --doctor`: nothing is said unless something is wrong.
pub(crate) fn gate(cx: &Context) -> Result<(), Failure> {
    let report = examine(cx);
    match report.checks.into_iter().find(|check| !check.ok) {
        None => Ok(()),
        Some(check) => {
            let failure =
                Failure::usage(format!("`pome doctor` found a problem with {}: {}", check.name, check.detail));
            let failure = check.cause.into_iter().fold(failure, Failure::cause);
            Err(check.fix.into_iter().fold(failure, Failure::hint))
        }
    }
}

fn examine(cx: &Context) -> Report {
    type Question = fn(&Context) -> Result<String, Problem>;
    let checks: [(&'static str, Question); 4] =
        [("config", config), ("twin", twin), ("routing", route), ("egress", egress)];
    let mut report = Report { version: 1, ok: true, checks: Vec::new() };
    for (name, check) in checks {
        let check = match check(cx) {
            Ok(detail) => Check { name, ok: true, detail, cause: None, fix: None },
            Err(problem) => {
                Check { name, ok: false, detail: problem.detail, cause: Some(problem.cause), fix: Some(problem.fix) }
            }
        };
        report.ok = check.ok;
        report.checks.push(check);
        if !report.ok {
            break;
        }
    }
    report
}

fn config(cx: &Context) -> Result<String, Problem> {
    match project::discover(&cx.cwd) {
        Ok(Some(found)) => {
            let mut detail = format!("`{}`", cx.relative(&found.path).display());
            for warning in found.warnings() {
                detail.push_str(&format!("; {warning}"));
            }
            Ok(detail)
        }
        Ok(None) => Err(Problem::new(
            "no project file",
            "neither this folder nor one above it has a `.pome.json`",
            "run `pome init`",
        )),
        Err(failure) => {
            let cause = failure.causes.join(": ");
            let fix = failure.hints.first().cloned().unwrap_or_else(|| "correct the file".to_owned());
            Err(Problem::new(failure.message, cause, fix))
        }
    }
}

fn twin(cx: &Context) -> Result<String, Problem> {
    // The components that the project names have to be usable too.
    let found = project::discover(&cx.cwd).ok().flatten();
    twins::components(found.as_ref(), cx).map_err(|failure| {
        let fix = failure.hints.first().cloned().unwrap_or_default();
        Problem::new(failure.message, failure.causes.join(": "), fix)
    })?;
    health::check(twins::DEFAULT)
        .map(|_| format!("the {} twin starts, is healthy and takes a fresh token", twins::DEFAULT))
        .map_err(|failure| {
            let cause = failure.causes.join(": ");
            Problem::new(
                failure.message,
                cause,
                "run `pome health -v`; programs on this machine must be able to use 127.0.0.1",
            )
        })
}

fn route(cx: &Context) -> Result<String, Problem> {
    let found = project::discover(&cx.cwd).ok().flatten();
    let folder = found.as_ref().map_or(cx.cwd.as_path(), |found| &found.folder);
    let routing = routing::scan(folder);
    if let Some(hit) = routing.production.first() {
        return Err(Problem::new(
            format!("{}:{}: `{}`", hit.file.display(), hit.line, hit.host),
            "the agent would talk to the vendor itself, past the twin",
            "read the address from the environment, for example `POME_GITHUB_REST_URL`",
        ));
    }
    if routing.files == 0 {
        return Ok(format!("no source files below `{}` to look at", shown(folder, cx)));
    }
    if !routing.wired {
        return Err(Problem::new(
            format!("no source file reads the address of a twin (files read: {})", routing.files),
            "an agent finds the twins by `POME_<TWIN>_REST_URL` or `POME_<TWIN>_MCP_URL`",
            "read one of them, or use the harness SDK; `pome docs existing-agent` has the steps",
        ));
    }
    Ok(format!("no vendor addresses, files read: {}", routing.files))
}

fn shown<'a>(folder: &'a Path, cx: &Context) -> std::path::Display<'a> {
    cx.relative(folder).display()
}

fn egress(cx: &Context) -> Result<String, Problem> {
    let allowed = cx.environment.get(env::EGRESS_ALLOW).unwrap_or_default();
    if allowed.split(',').any(|pattern| pattern.trim() == "*") {
        return Err(Problem::new(
            format!("`{}` holds `*`", env::EGRESS_ALLOW),
            "every host is let through, so a call past the twins goes unnoticed",
            "name the hosts that the agent needs",
        ));
    }
    Ok(if allowed.is_empty() { "model providers only".to_owned() } else { format!("model providers and {allowed}") })
}

fn show(report: &Report, cx: &Context) {
    for check in &report.checks {
        let (mark, style) = if check.ok { ("✓", Style::Good) } else { ("✗", Style::Bad) };
        cx.console.say(&format!("{} {} - {}", cx.console.err.paint(style, mark), check.name, check.detail));
        for (name, text) in [("cause", &check.cause), ("fix", &check.fix)] {
            if let Some(text) = text {
                cx.console.say(&format!("  {name}: {text}"));
            }
        }
    }
}
