//! What can be wrong with a scenario, where, and what to do about it.

use std::fmt;
use std::io;
use std::path::{Path, PathBuf};

use pome_wire::Exit;

use crate::twins::NoTwin;

/// A problem with a scenario or with its seed.
#[derive(Debug)]
pub struct Error {
    /// The file that the problem is in.
    pub path: PathBuf,
    /// The line, from 1, when the problem is on one.
    pub line: Option<usize>,
    /// The problem.
    pub problem: Problem,
}

/// What is wrong.
#[derive(Debug, thiserror::Error)]
pub enum Problem {
    /// There is nothing at the path.
    #[error("no scenario there")]
    NotFound,
    /// The path is a folder without scenarios.
    #[error("the folder holds no scenario")]
    NoScenario,
    /// The file system said no.
    #[error("cannot be read")]
    Read(#[source] io::Error),
    /// Bytes that are not text.
    #[error("is not UTF-8 text")]
    NotUtf8,
    /// A section that every scenario needs.
    #[error("has no `## {name}` section")]
    MissingSection {
        /// The heading.
        name: &'static str,
    },
    /// The section is there and empty.
    #[error("the `## {name}` section is empty")]
    EmptySection {
        /// The heading.
        name: &'static str,
    },
    /// The section has text and no criterion.
    #[error("at least one criterion is required")]
    NoCriterion,
    /// A line that looks like a criterion.
    #[error("`{line}` is nearly a criterion, and is refused instead of dropped")]
    NearCriterion {
        /// The line.
        line: String,
    },
    /// `always-scored` on a judged criterion.
    #[error("`always-scored` only applies to deterministic criteria, not to `[{marker}]`")]
    AlwaysScored {
        /// `P` or `model`.
        marker: String,
    },
    /// The tag of a criterion is none of the scenario's twins and evaluators.
    #[error("criterion is tagged `{tag}`, but the scenario's {}{}", twins_are(.twins), and_evaluators(.evaluators))]
    WrongTag {
        /// The tag.
        tag: String,
        /// The scenario's twins.
        twins: Vec<String>,
        /// Its evaluators.
        evaluators: Vec<String>,
    },
    /// A judged criterion that is tagged with an evaluator.
    #[error("`[{marker}:{evaluator}]` asks a model, but evaluators decide deterministic criteria")]
    JudgedByEvaluator {
        /// `P` or `model`.
        marker: String,
        /// The tag.
        evaluator: String,
    },
    /// An evaluator's name cannot be written as a tag.
    #[error("`{name}` cannot be the name of an evaluator")]
    EvaluatorName {
        /// The name, or the stem of the file.
        name: String,
    },
    /// An evaluator is called like something else.
    #[error("the name of evaluator `{name}` is taken by {by}")]
    EvaluatorNameTaken {
        /// The name.
        name: String,
        /// Whose it is.
        by: &'static str,
    },
    /// An evaluator's file is missing or is no component.
    #[error("evaluator `{name}`: {reason}")]
    Evaluator {
        /// Its name.
        name: String,
        /// What is wrong.
        reason: String,
    },
    /// An expression cannot be read.
    #[error("the expression is wrong at column {column}: {reason}\n  | {expression}\n  | {}^", " ".repeat(column.saturating_sub(1)))]
    Expression {
        /// The expression.
        expression: String,
        /// In characters, from 1.
        column: usize,
        /// What is wrong.
        reason: String,
    },
    /// A deterministic criterion without a tag where it needs one.
    #[error("deterministic criterion needs a tag, because the scenario's {}", twins_are(.twins))]
    UntaggedCriterion {
        /// The scenario's twins.
        twins: Vec<String>,
    },
    /// The config section is not YAML.
    #[error("the config is not valid YAML: {reason}")]
    ConfigYaml {
        /// The parser's words.
        reason: String,
    },
    /// A key of the config section.
    #[error("`{key}`: expected {want}, found {found}")]
    ConfigValue {
        /// The key.
        key: String,
        /// What it should be.
        want: String,
        /// What it is.
        found: String,
    },
    /// A twin that nobody knows.
    #[error("there is no twin `{twin}`")]
    UnknownTwin {
        /// Its name.
        twin: String,
        /// The ones that are known.
        known: Vec<String>,
    },
    /// A path that leads to no file.
    #[error("`twins`: there is no component `{entry}`")]
    NoTwinFile {
        /// As the scenario has it.
        entry: String,
        /// Where it was looked for.
        file: PathBuf,
    },
    /// A file that gives no twin.
    #[error("`twins`: `{entry}` is not a twin that can be used")]
    TwinFile {
        /// As the scenario has it.
        entry: String,
        /// Why not.
        no_twin: NoTwin,
    },
    /// Two twins that an agent could not tell apart.
    #[error("`twins`: the twin of `{entry}` is called `{id}`, which {}", clash(id, other))]
    TwinClash {
        /// As the scenario has it.
        entry: String,
        /// What the twin calls itself.
        id: String,
        /// The one that is already listed.
        other: String,
    },
    /// The same twin twice.
    #[error("twin `{twin}` is listed twice")]
    RepeatedTwin {
        /// Its name.
        twin: String,
    },
    /// A seed that is not JSON.
    #[error("the seed is not valid JSON: {reason} (column {column})")]
    SeedJson {
        /// The parser's words.
        reason: String,
        /// The column, from 1.
        column: usize,
    },
    /// A seed in prose without its compiled file.
    #[error("the seed is prose and needs the compiled seed `{}`", sidecar.display())]
    ProseSeed {
        /// Where the compiled seed should be.
        sidecar: PathBuf,
    },
    /// A seed for several twins that is not an object.
    #[error("a seed for several twins is an object with one key a twin, found {found}")]
    SeedEnvelope {
        /// What it is.
        found: &'static str,
    },
    /// A key of a seed for several twins.
    #[error("seed key `{key}` is not one of the scenario's twins {}", listed(.twins))]
    SeedTwin {
        /// The key.
        key: String,
        /// The scenario's twins.
        twins: Vec<String>,
    },
    /// A seed that was asked for by name or path.
    #[error("there is no seed `{name}`")]
    SeedNotFound {
        /// As it was asked for.
        name: String,
        /// Where it was looked for.
        tried: Vec<PathBuf>,
    },
}

impl Error {
    pub(crate) fn new(path: &Path, problem: Problem) -> Self {
        Self { path: path.to_owned(), line: None, problem }
    }

    pub(crate) fn at(self, line: usize) -> Self {
        Self { line: Some(line), ..self }
    }

    /// How the program ends: a component that cannot be used is a twin that does not start, everything else is in the file.
    pub fn exit(&self) -> Exit {
        if matches!(self.problem, Problem::TwinFile { .. }) { Exit::Orchestrator } else { Exit::Usage }
    }

    /// What to do about it.
    pub fn hint(&self) -> String {
        let path = self.path.display();
        match &self.problem {
            Problem::NotFound => "scenarios live in `scenarios/`; `pome init` creates one".to_owned(),
            Problem::NoScenario => {
                "a scenario is a `.md` file with a `## Prompt` and a `## Success Criteria` section".to_owned()
            }
            Problem::Read(_) => "check that the file exists and may be read".to_owned(),
            Problem::NotUtf8 => "save the file as UTF-8".to_owned(),
            Problem::MissingSection { name: "Prompt" } => {
                "add `## Prompt` with the text that the agent is given".to_owned()
            }
            Problem::MissingSection { .. } => {
                "add `## Success Criteria` with a line such as ``- [code] Issue #1 in `acme/api` is in state closed``"
                    .to_owned()
            }
            Problem::NoCriterion => {
                "add a line such as ``- [code] Issue #1 in `acme/api` is in state closed``".to_owned()
            }
            Problem::EmptySection { name } => format!("write something under `## {name}`"),
            Problem::NearCriterion { .. } => {
                "write `- [code] <sentence>` or `- [model] <sentence>`, with a twin as in `- [code:github] <sentence>`"
                    .to_owned()
            }
            Problem::AlwaysScored { .. } => "remove `always-scored`; judged criteria are always scored".to_owned(),
            Problem::WrongTag { tag, evaluators, .. } if evaluators.is_empty() => {
                format!("change the tag, or add `{tag}` to `twins` in the config")
            }
            Problem::WrongTag { tag, .. } => {
                format!("change the tag, or add `{tag}` to `twins` or `evaluators` in the config")
            }
            Problem::JudgedByEvaluator { evaluator, .. } => format!("write `[D:{evaluator}]`"),
            Problem::EvaluatorName { .. } => {
                "give it a `name` of lower-case letters, digits, `-` and `_`, as in `{name: tone, path: ./Tone.wasm}`"
                    .to_owned()
            }
            Problem::EvaluatorNameTaken { .. } => "give it another `name`".to_owned(),
            Problem::Evaluator { .. } => {
                "`path` is relative to the scenario file and names a component; `docs/evaluators.md` shows how to build one"
                    .to_owned()
            }
            Problem::Expression { .. } => "correct the expression; `docs/evaluators.md` has examples".to_owned(),
            Problem::UntaggedCriterion { twins } => {
                let twin = twins.first().map_or("github", String::as_str);
                format!("name the twin, as in `- [code:{twin}] <sentence>`")
            }
            Problem::ConfigYaml { .. } => "the section is YAML: one `key: value` a line".to_owned(),
            Problem::ConfigValue { key, .. } => format!("correct `{key}`, or remove it to get the default"),
            Problem::UnknownTwin { twin, known } => {
                format!("known twins are {}; one of your own is named by its path, `./{twin}.wasm`", listed(known))
            }
            Problem::NoTwinFile { file, .. } => {
                format!("looked at `{}`; the path starts at the folder of the scenario", file.display())
            }
            Problem::TwinFile { no_twin, .. } => no_twin.hint.clone(),
            Problem::TwinClash { .. } => {
                "list one of them, or build one with another id: variables, seeds and tags are told apart by it"
                    .to_owned()
            }
            Problem::RepeatedTwin { .. } => "list each twin once".to_owned(),
            Problem::SeedJson { .. } => "correct the JSON; comments and trailing commas are not allowed".to_owned(),
            Problem::ProseSeed { .. } => format!("run `pome compile-seeds {path}`, or write the seed as JSON"),
            Problem::SeedEnvelope { .. } => "write `{\"github\": {...}, \"slack\": {...}}`".to_owned(),
            Problem::SeedTwin { .. } => "rename the key, or add the twin to `twins` in the config".to_owned(),
            Problem::SeedNotFound { tried, .. } => {
                let tried = tried.iter().map(|path| path.display().to_string()).collect::<Vec<_>>();
                format!("looked at {}; `default` always exists", listed(&tried))
            }
        }
    }
}

impl fmt::Display for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}", self.path.display())?;
        if let Some(line) = self.line {
            write!(f, ":{line}")?;
        }
        write!(f, ": {}", self.problem)
    }
}

impl std::error::Error for Error {
    fn source(&self) -> Option<&(dyn std::error::Error + 'static)> {
        match &self.problem {
            Problem::TwinFile { no_twin, .. } => Some(no_twin.source.as_ref()),
            problem => std::error::Error::source(problem),
        }
    }
}

fn clash(id: &str, other: &str) -> String {
    if id == other {
        "another twin of the scenario is called too".to_owned()
    } else {
        format!("has the variables of the twin `{other}`")
    }
}

fn listed(names: &[String]) -> String {
    names.iter().map(|name| format!("`{name}`")).collect::<Vec<_>>().join(", ")
}

fn and_evaluators(evaluators: &[String]) -> String {
    match evaluators {
        [] => String::new(),
        [one] => format!(" and its evaluator is `{one}`"),
        many => format!(" and its evaluators are {}", listed(many)),
    }
}

fn twins_are(twins: &[String]) -> String {
    let are = if twins.len() == 1 { "twin is" } else { "twins are" };
    format!("{are} {}", listed(twins))
}
