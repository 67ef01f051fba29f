//! `pome tasks`: the scenarios inside the binary.

use std::fs;
use std::path::{Path, PathBuf};

use pome_scenario::{Scenario, is_path};
use pome_wire::Exit;
use serde::Serialize;

use crate::args;
use crate::context::Context;
use crate::failure::Failure;
use crate::library::{self, Shipped};
use crate::render::table;
use crate::{nearest, project};

/// The scenarios of one twin.
#[derive(Debug, Serialize)]
struct Shelf {
    twin: String,
    label: String,
    tasks: Vec<Task>,
}

#[derive(Debug, Serialize)]
struct Task {
    filename: &'static str,
    title: String,
    summary: String,
}

pub(crate) fn run(args: &args::Tasks, cx: &Context) -> Result<Exit, Failure> {
    let shelves = shelves();
    let Some(twin) = &args.twin else {
        return index(&shelves, cx);
    };
    let Some(shelf) = shelves.iter().find(|shelf| shelf.twin == *twin) else {
        let near = nearest::among(twin, shelves.iter().map(|shelf| shelf.twin.as_str()));
        let failure = Failure::usage(format!("no scenarios come with a twin called `{twin}`"));
        return Err(match near.first() {
            Some(name) => failure.hint(format!("did you mean {name}?")),
            None if is_path(twin) => {
                failure.hint("a component brings no scenarios; `pome checks <path>` lists its sentences")
            }
            None => failure.hint("`pome tasks` lists the twins"),
        });
    };
    if args.copy { copy(args, shelf, cx) } else { list(shelf, cx) }
}

/// Twins in order of their first scenario.
fn shelves() -> Vec<Shelf> {
    let mut shelves: Vec<Shelf> = Vec::new();
    for shipped in library::scenarios() {
        let Ok(scenario) = shipped.understand() else { continue };
        let twin = scenario.primary_twin().to_owned();
        let task = Task { filename: shipped.name, summary: summary(&scenario), title: scenario.title };
        match shelves.iter_mut().find(|shelf| shelf.twin == twin) {
            Some(shelf) => shelf.tasks.push(task),
            None => shelves.push(Shelf { label: label(&twin), twin, tasks: vec![task] }),
        }
    }
    shelves
}

/// One line for the list of twins.
fn label(twin: &str) -> String {
    format!("scenarios for the {twin} twin")
}

/// The first sentence that says what the scenario is about.
fn summary(scenario: &Scenario) -> String {
    let texts = [&scenario.setup, &scenario.expected_behavior, &scenario.prompt];
    let text = texts.into_iter().find(|text| !text.is_empty()).map(String::as_str).unwrap_or_default();
    let paragraph = text.split("\n\n").next().unwrap_or_default();
    let line = paragraph.split_whitespace().collect::<Vec<_>>().join(" ");
    match line.find(". ") {
        Some(end) => line.get(..=end).unwrap_or(&line).to_owned(),
        None => line,
    }
}

fn index(shelves: &[Shelf], cx: &Context) -> Result<Exit, Failure> {
    if cx.console.json {
        cx.console.document(&shelves)?;
        return Ok(Exit::Passed);
    }
    let rows: Vec<[String; 3]> =
        shelves.iter().map(|shelf| [shelf.twin.clone(), shelf.tasks.len().to_string(), shelf.label.clone()]).collect();
    cx.console.result(&table(&rows));
    Ok(Exit::Passed)
}

fn list(shelf: &Shelf, cx: &Context) -> Result<Exit, Failure> {
    if cx.console.json {
        cx.console.document(&[shelf])?;
        return Ok(Exit::Passed);
    }
    let mut text = String::new();
    for task in &shelf.tasks {
        text.push_str(&format!("{}\n  {}\n  {}\n", task.filename, task.title, task.summary));
    }
    cx.console.result(&text);
    Ok(Exit::Passed)
}

/// What happened to each file.
#[derive(Debug, Serialize)]
struct CopyReport {
    version: u32,
    dest: PathBuf,
    copied: Vec<String>,
    skipped: Vec<String>,
}

fn copy(args: &args::Tasks, shelf: &Shelf, cx: &Context) -> Result<Exit, Failure> {
    let dest = destination(args.dest.as_deref(), cx)?;
    let folder = cx.cwd.join(&dest);
    fs::create_dir_all(&folder).map_err(|error| cannot_write(&dest).because(&error))?;
    let mut report = CopyReport { version: 1, dest: dest.clone(), copied: Vec::new(), skipped: Vec::new() };
    for shipped in shelf.tasks.iter().filter_map(|task| library::scenario(task.filename)) {
        for (name, text) in files(shipped) {
            let path = folder.join(&name);
            if path.exists() && !args.force {
                report.skipped.push(name);
            } else {
                fs::write(&path, text).map_err(|error| cannot_write(&dest.join(&name)).because(&error))?;
                report.copied.push(name);
            }
        }
    }
    if cx.console.json {
        cx.console.document(&report)?;
        return Ok(Exit::Passed);
    }
    let mut text = String::new();
    for name in &report.copied {
        text.push_str(&format!("copied   {}\n", dest.join(name).display()));
    }
    for name in &report.skipped {
        text.push_str(&format!("skipped  {} (exists; `--force` overwrites it)\n", dest.join(name).display()));
    }
    cx.console.result(&text);
    Ok(Exit::Passed)
}

fn files(shipped: Shipped) -> Vec<(String, &'static str)> {
    let mut files = vec![(shipped.name.to_owned(), shipped.text)];
    files.extend(shipped.sidecar());
    files
}

/// `--dest`, else the project's folder of scenarios, else `scenarios` when it exists, else `tasks`.
fn destination(flag: Option<&Path>, cx: &Context) -> Result<PathBuf, Failure> {
    if let Some(dest) = flag {
        return Ok(dest.to_path_buf());
    }
    if let Some(found) = project::find(&cx.cwd, &cx.console)?
        && let Some(tasks) = &found.project.tasks
    {
        return Ok(cx.relative(&found.resolve(tasks)).to_path_buf());
    }
    let scenarios = Path::new("scenarios");
    Ok(if cx.cwd.join(scenarios).is_dir() { scenarios.to_path_buf() } else { PathBuf::from("tasks") })
}

fn cannot_write(path: &Path) -> Failure {
    Failure::orchestrator(format!("cannot write `{}`", path.display()))
}
