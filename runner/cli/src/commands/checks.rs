//! `pome checks`: sentences that can be judged without a model.

mod add;
mod compare;
mod lint;

use std::fmt::Write as _;

use pome_sandbox::{Check, Description};
use pome_wire::Exit;
use serde::Serialize;

use crate::args::{self, ChecksCommand};
use crate::context::Context;
use crate::failure::Failure;
use crate::render::table;
use crate::twins;

pub(crate) fn run(args: &args::Checks, cx: &Context) -> Result<Exit, Failure> {
    match &args.command {
        None => list(args.twin.as_deref(), cx),
        Some(ChecksCommand::List { twin }) => list(twin.as_deref(), cx),
        Some(ChecksCommand::Add { file, check, args, offline }) => add::run(file, check.as_deref(), args, *offline, cx),
        Some(ChecksCommand::Lint { files }) => lint::run(files, cx),
    }
}

/// A twin that declares checks.
#[derive(Debug, Serialize)]
struct Declaring {
    twin: String,
    title: String,
    checks: usize,
    digest: String,
}

/// The checks of one twin.
#[derive(Debug, Serialize)]
struct Catalogue<'a> {
    twin: &'a str,
    digest: &'a str,
    checks: Vec<Entry<'a>>,
}

#[derive(Debug, Serialize)]
struct Entry<'a> {
    id: &'a str,
    template: &'a str,
    description: &'a str,
    substrate: &'a str,
    params: Vec<Param<'a>>,
}

#[derive(Debug, Serialize)]
struct Param<'a> {
    name: &'a str,
    pattern: &'a str,
    example: &'a str,
}

fn list(twin: Option<&str>, cx: &Context) -> Result<Exit, Failure> {
    match twin {
        None => index(cx),
        Some(twin) => {
            let component = twins::component(&twins::engine()?, twin, cx)?;
            catalogue(component.description(), cx)
        }
    }
}

fn index(cx: &Context) -> Result<Exit, Failure> {
    let engine = twins::engine()?;
    let mut rows = Vec::new();
    for name in engine.embedded_names() {
        let component = twins::embedded(&engine, name)?;
        let description = component.description();
        if !description.checks.is_empty() {
            rows.push(Declaring {
                twin: description.id.clone(),
                title: description.title.clone(),
                checks: description.checks.len(),
                digest: description.checks_digest.clone(),
            });
        }
    }
    if cx.console.json {
        cx.console.document(&rows)?;
        return Ok(Exit::Passed);
    }
    let rows: Vec<[String; 3]> = rows
        .into_iter()
        .map(|row| [row.twin, format!("{} checks", row.checks), format!("digest {}", row.digest)])
        .collect();
    cx.console.result(&table(&rows));
    Ok(Exit::Passed)
}

fn catalogue(description: &Description, cx: &Context) -> Result<Exit, Failure> {
    let catalogue = Catalogue {
        twin: &description.id,
        digest: &description.checks_digest,
        checks: description.checks.iter().map(entry).collect(),
    };
    if cx.console.json {
        cx.console.document(&catalogue)?;
        return Ok(Exit::Passed);
    }
    let mut text = String::new();
    for check in &description.checks {
        let _ = writeln!(text, "{}\n  {}", check.id, sentence(check));
        let _ = writeln!(text, "  {}", check.description);
        let _ = writeln!(text, "  reads {}", substrate(&check.substrate));
        let _ = writeln!(text, "  {}\n", example(check));
    }
    let _ = writeln!(text, "digest {}", description.checks_digest);
    cx.console.result(&text);
    Ok(Exit::Passed)
}

fn entry(check: &Check) -> Entry<'_> {
    Entry {
        id: &check.id,
        template: &check.template,
        description: &check.description,
        substrate: &check.substrate,
        params: check
            .params
            .iter()
            .map(|param| Param { name: &param.name, pattern: &param.pattern, example: &param.example })
            .collect(),
    }
}

/// The template with its slots as `<name>`.
fn sentence(check: &Check) -> String {
    fill(check, |name| Some(format!("<{name}>"))).unwrap_or_else(|| check.template.clone())
}

/// The template with its slots filled; nothing when a value is missing.
fn fill(check: &Check, value: impl Fn(&str) -> Option<String>) -> Option<String> {
    let mut text = String::new();
    let mut rest = check.template.as_str();
    while let Some((before, after)) = rest.split_once('{') {
        let (name, after) = after.split_once('}')?;
        text.push_str(before);
        text.push_str(&value(name)?);
        rest = after;
    }
    text.push_str(rest);
    Some(text)
}

fn substrate(name: &str) -> &str {
    match name {
        "final" => "the final state",
        "seed+final" => "the seed and the final state",
        "tape" => "the recorded calls",
        other => other,
    }
}

/// A command that adds the sentence.
fn example(check: &Check) -> String {
    let mut command = format!("pome checks add <file> --check {}", check.id);
    for param in &check.params {
        let plain = |character: char| character.is_ascii_alphanumeric() || "/_.:@-".contains(character);
        if param.example.chars().all(plain) {
            let _ = write!(command, " --arg {}={}", param.name, param.example);
        } else {
            let _ = write!(command, " --arg '{}={}'", param.name, param.example.replace('\'', "'\\''"));
        }
    }
    command
}
