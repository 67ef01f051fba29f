//! `pome init`: a project file, a harness and a first scenario.
//!
//! The harness is written on the SDK when that is installed where the harness will look for it, and on the standard library
//! otherwise: a fresh project always runs at once.

mod sdk;

use std::fs::{self, OpenOptions};
use std::io::{ErrorKind, Write as _};
use std::path::{Path, PathBuf};

use pome_wire::project::{Spelling, slug_of};
use pome_wire::{Exit, files};
use serde::Serialize;

use crate::args::{self, LanguageName, ModeName, SdkName};
use crate::context::Context;
use crate::failure::Failure;
use crate::{library, twins};

use sdk::Sdk;

const HARNESS_TS: &str = include_str!("../../templates/ts/harness.ts");
const HARNESS_TS_SDK: &str = include_str!("../../templates/ts/harness-sdk.ts");
const HARNESS_PY: &str = include_str!("../../templates/python/harness.py");
const HARNESS_PY_SDK: &str = include_str!("../../templates/python/harness_sdk.py");
const CLAUDE_AGENT: &str = include_str!("../../templates/ts/claude-sdk-agent.ts");

const FIRST_SCENARIO: &str = "01-bug-happy-path.md";
const SCRIPTED_AGENT: &str = "examples/agents/scripted-triage-agent.ts";
const SDK_AGENT: &str = "examples/agents/claude-sdk-agent.ts";

/// The files of a Python project; a TypeScript one announces itself by the other two.
const PYTHON_FILES: &[&str] = &["pyproject.toml", "requirements.txt", "setup.py", "Pipfile", "uv.lock"];
const NODE_FILES: &[&str] = &["package.json", "tsconfig.json"];

/// What happened to each file.
#[derive(Debug, Serialize)]
struct Report {
    version: u32,
    mode: &'static str,
    language: &'static str,
    /// Absent when no harness was asked for.
    harness: Option<Harness>,
    /// Relative to the folder.
    written: Vec<String>,
    /// Files that were there and stay as they are.
    kept: Vec<String>,
    next: Vec<String>,
}

/// The harness file and what it is built on.
#[derive(Debug, Serialize)]
struct Harness {
    file: &'static str,
    /// What was written, or would have been if the file had not been there.
    template: Template,
    /// False when the file was there already.
    written: bool,
    sdk: Sdk,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
enum Template {
    /// On the harness SDK, with types.
    Sdk,
    /// On the standard library alone.
    Plain,
}

/// The project file, in the order in which its keys are written.
#[derive(Debug, Serialize)]
struct Config<'a> {
    #[serde(rename = "$schema")]
    schema: &'a str,
    mode: &'a str,
    language: &'a str,
    harness: &'a str,
    #[serde(skip_serializing_if = "Option::is_none")]
    command: Option<String>,
    scenarios: &'a str,
    artifacts_dir: &'a str,
    pass_threshold: u32,
    agent: AgentConfig<'a>,
}

#[derive(Debug, Serialize)]
struct AgentConfig<'a> {
    slug: &'a str,
    #[serde(skip_serializing_if = "Option::is_none")]
    framework: Option<&'a str>,
}

pub(crate) fn run(args: &args::Init, cx: &Context) -> Result<Exit, Failure> {
    let config = cx.cwd.join(Spelling::DotPomeJson.file_name());
    if config.exists() && !args.force {
        return Err(Failure::new(Exit::BelowThreshold, "`.pome.json` already exists, nothing was written")
            .hint("`pome init --force` overwrites it; other files stay as they are"));
    }
    let language = args.language.unwrap_or_else(|| detect_language(&cx.cwd));
    let sdk = (!args.bare).then(|| Sdk::look(language, &cx.cwd));
    let template = if sdk.as_ref().is_some_and(|sdk| sdk.installed) { Template::Sdk } else { Template::Plain };
    let (mut written, mut kept) = (Vec::new(), Vec::new());
    for (name, text) in contents(args, language, template, &cx.cwd)? {
        let overwrite = name == Spelling::DotPomeJson.file_name();
        let list = if write(&cx.cwd.join(&name), &text, overwrite)? { &mut written } else { &mut kept };
        list.push(name);
    }
    let report = Report {
        version: 1,
        mode: mode_name(args.mode),
        language: language_name(language),
        harness: sdk.map(|sdk| {
            let (file, _) = harness(language, template);
            Harness { file, template, written: written.iter().any(|name| name == file), sdk }
        }),
        written,
        kept,
        next: next(args),
    };
    tell(&report, language, cx);
    if cx.console.json {
        cx.console.document(&report)?;
    }
    Ok(Exit::Passed)
}

/// Names and contents in the order in which they are written, the project file first.
fn contents(
    args: &args::Init,
    language: LanguageName,
    template: Template,
    folder: &Path,
) -> Result<Vec<(String, String)>, Failure> {
    let (harness_name, harness) = harness(language, template);
    let mut files = vec![(Spelling::DotPomeJson.file_name().to_owned(), config(args, language, harness_name, folder)?)];
    if args.bare {
        return Ok(files);
    }
    files.push((harness_name.to_owned(), harness.to_owned()));
    let scenarios: Vec<library::Shipped> = if args.starter {
        library::scenarios_of(twins::DEFAULT).map(|(shipped, _)| shipped).collect()
    } else {
        library::scenario(FIRST_SCENARIO).into_iter().collect()
    };
    for scenario in scenarios {
        files.push((format!("scenarios/{}", scenario.name), scenario.text.to_owned()));
        if let Some((name, text)) = scenario.sidecar() {
            files.push((format!("scenarios/{name}"), text.to_owned()));
        }
    }
    if args.starter {
        files.push((SCRIPTED_AGENT.to_owned(), HARNESS_TS.to_owned()));
    }
    if args.starter || args.sdk == Some(SdkName::Claude) {
        files.push((SDK_AGENT.to_owned(), CLAUDE_AGENT.to_owned()));
    }
    Ok(files)
}

/// Name and content of the harness.
const fn harness(language: LanguageName, template: Template) -> (&'static str, &'static str) {
    match (language, template) {
        (LanguageName::Ts, Template::Plain) => ("harness.ts", HARNESS_TS),
        (LanguageName::Ts, Template::Sdk) => ("harness.ts", HARNESS_TS_SDK),
        (LanguageName::Python, Template::Plain) => ("harness.py", HARNESS_PY),
        (LanguageName::Python, Template::Sdk) => ("harness.py", HARNESS_PY_SDK),
    }
}

fn config(args: &args::Init, language: LanguageName, harness: &str, folder: &Path) -> Result<String, Failure> {
    let folder_name = folder.file_name().unwrap_or_default().to_string_lossy().into_owned();
    let slug: String = slug_of(&folder_name).chars().take(64).collect();
    let slug = slug.trim_end_matches('-');
    let claude = args.sdk == Some(SdkName::Claude);
    let config = Config {
        schema: "https://pome.sh/schemas/v1/pome.json",
        mode: mode_name(args.mode),
        language: language_name(language),
        harness,
        command: claude.then(|| format!("node {SDK_AGENT}")),
        scenarios: "scenarios",
        artifacts_dir: files::DEFAULT_ARTIFACTS_DIR,
        pass_threshold: 100,
        agent: AgentConfig {
            slug: if slug.is_empty() { "my-project" } else { slug },
            framework: claude.then_some("claude-agent-sdk"),
        },
    };
    let text = serde_json::to_string_pretty(&config)
        .map_err(|error| Failure::orchestrator("the project file cannot be written as JSON").because(&error))?;
    Ok(text + "\n")
}

fn detect_language(folder: &Path) -> LanguageName {
    let any = |names: &[&str]| names.iter().any(|name| folder.join(name).exists());
    let python_source = || {
        fs::read_dir(folder).is_ok_and(|entries| {
            entries.flatten().any(|entry| {
                entry.path().extension().is_some_and(|extension| extension == "py") && entry.path().is_file()
            })
        })
    };
    if !any(NODE_FILES) && (any(PYTHON_FILES) || python_source()) { LanguageName::Python } else { LanguageName::Ts }
}

/// Writes the file and says whether it did: an existing one stays unless it may be overwritten.
fn write(path: &Path, text: &str, overwrite: bool) -> Result<bool, Failure> {
    let failed = |path: PathBuf| {
        move |error| Failure::orchestrator(format!("cannot write `{}`", path.display())).because(&error)
    };
    if let Some(folder) = path.parent() {
        fs::create_dir_all(folder).map_err(failed(folder.to_path_buf()))?;
    }
    let mut options = OpenOptions::new();
    options.write(true);
    if overwrite {
        options.create(true).truncate(true)
    } else {
        options.create_new(true)
    };
    match options.open(path) {
        Ok(mut file) => file.write_all(text.as_bytes()).map(|()| true).map_err(failed(path.to_path_buf())),
        Err(error) if error.kind() == ErrorKind::AlreadyExists => Ok(false),
        Err(error) => Err(failed(path.to_path_buf())(error)),
    }
}

fn next(args: &args::Init) -> Vec<String> {
    let mut next = Vec::new();
    if args.sdk == Some(SdkName::Claude) {
        next.push("npm install @anthropic-ai/claude-agent-sdk".to_owned());
    }
    if args.mode == ModeName::Hosted {
        next.push("pome login".to_owned());
    }
    next.push(if args.bare {
        "pome tasks github --copy".to_owned()
    } else {
        format!("pome run scenarios/{FIRST_SCENARIO}")
    });
    next
}

fn tell(report: &Report, language: LanguageName, cx: &Context) {
    for name in &report.written {
        cx.console.say(&format!("wrote  {name}"));
    }
    for name in &report.kept {
        cx.console.say(&format!("kept   {name} (it was there already)"));
    }
    if let Some(harness) = &report.harness {
        tell_about_the_sdk(harness, language, cx);
    }
    let others: Vec<&str> = Spelling::ALL
        .into_iter()
        .filter(|spelling| *spelling != Spelling::DotPomeJson && cx.cwd.join(spelling.file_name()).exists())
        .map(Spelling::file_name)
        .collect();
    if !others.is_empty() {
        cx.console.note(&format!("`.pome.json` now takes precedence over `{}`", others.join("`, `")));
    }
    if report.next.iter().any(|step| step.starts_with("npm")) {
        cx.console.note("`node` runs the TypeScript agent as it is from version 22.18 on");
    }
    cx.console.say("\nnext:");
    for step in &report.next {
        cx.console.say(&format!("  {step}"));
    }
}

/// Which template it is and why, and how to get the other one: a harness that is there is never overwritten.
fn tell_about_the_sdk(harness: &Harness, language: LanguageName, cx: &Context) {
    let Harness { file, template, written, sdk } = harness;
    let again = format!("move `{file}` away and run `pome init --force`");
    match (template, written) {
        (Template::Sdk, true) => cx.console.note(&format!("`{file}` is written on the harness SDK, {}", sdk.reason)),
        (Template::Sdk, false) => {
            cx.console.note(&format!("the harness SDK was {}; for a harness on it, {again}", sdk.reason));
        }
        (Template::Plain, true) => {
            cx.console.note(&format!("`{file}` uses the standard library alone: {}", sdk.reason));
            cx.console.note(&format!("for the typed SDK, `{}`, then {again}", Sdk::install(language)));
        }
        // Theirs, and nothing better to offer.
        (Template::Plain, false) => {}
    }
}

fn mode_name(mode: ModeName) -> &'static str {
    match mode {
        ModeName::Oss => "oss",
        ModeName::Hosted => "hosted",
    }
}

fn language_name(language: LanguageName) -> &'static str {
    match language {
        LanguageName::Ts => "ts",
        LanguageName::Python => "python",
    }
}
