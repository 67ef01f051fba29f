//! What can go wrong: with a component before it runs (`LoadError`), with opening a world (`OpenError`), and with a guest while
//! it runs (`Fault`).

use std::fmt;
use std::path::PathBuf;

use pome_wire::Exit;
use serde::{Deserialize, Serialize};

use crate::call::Answer;

/// Why a guest was stopped.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum FaultKind {
    /// It hit an instruction that ends it: a panic, an access outside its memory, a division by zero.
    Trap,
    /// It used up its fuel.
    Fuel,
    /// It did not answer in time.
    Deadline,
    /// It asked for more memory than it may have.
    Memory,
    /// It called itself too deeply.
    Stack,
    /// Its answer was larger than an answer may be.
    AnswerTooLarge,
    /// Its answer broke the rules of the boundary: text that is not UTF-8, an unknown enum value, a pointer outside its memory.
    BadAnswer,
    /// The world already ended with an earlier fault and was called again.
    Dead,
    /// The host failed, not the guest: no memory or address space left for another world.
    Host,
}

impl FaultKind {
    /// A few words for messages.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Trap => "trapped",
            Self::Fuel => "ran out of fuel",
            Self::Deadline => "did not answer in time",
            Self::Memory => "ran out of memory",
            Self::Stack => "overflowed its stack",
            Self::AnswerTooLarge => "gave an answer that is too large",
            Self::BadAnswer => "gave an answer that breaks the component boundary",
            Self::Dead => "has ended with an earlier fault",
            Self::Host => "could not be run",
        }
    }
}

/// A guest was stopped. The world it happened in is dead; others are not touched.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Fault {
    /// Why.
    pub kind: FaultKind,
    /// Id of the twin, or name of the file for a component that never said who it is.
    pub twin: String,
    /// The action of the route or tool that was called, where the twin's tables name one.
    pub action: Option<String>,
    /// What was called (`POST /repos/acme/api/issues`, tool `create_issue`, `seed`) and details of the end.
    pub message: String,
}

impl fmt::Display for Fault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "twin `{}` {}", self.twin, self.kind.as_str())?;
        if let Some(action) = &self.action {
            write!(f, " in action `{action}`")?;
        }
        write!(f, ": {}", self.message)
    }
}

impl std::error::Error for Fault {}

/// An evaluator was stopped. Nothing else is touched.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct EvaluatorFault {
    /// Why.
    pub kind: FaultKind,
    /// Its name.
    pub evaluator: String,
    /// Details of the end.
    pub reason: String,
    /// The last lines that it printed.
    pub last_words: Option<String>,
    /// Everything that it printed, or the end of it.
    pub printed: String,
}

impl fmt::Display for EvaluatorFault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "evaluator `{}` {}: {}", self.evaluator, self.kind.as_str(), self.reason)?;
        match &self.last_words {
            Some(line) => write!(f, "; its last words: {line}"),
            None => Ok(()),
        }
    }
}

impl std::error::Error for EvaluatorFault {}

/// A world could not be opened.
#[derive(Debug, thiserror::Error)]
pub enum OpenError {
    /// The twin did not take the seed. Its answer says why, in the vendor's shape.
    #[error("twin `{twin}` refused the seed: {}", excerpt(&answer.body))]
    SeedRefused {
        /// Id of the twin.
        twin: String,
        /// What it answered.
        answer: Box<Answer>,
    },
    /// The guest was stopped while it seeded.
    #[error(transparent)]
    Fault(#[from] Fault),
}

/// A component cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum LoadError {
    /// The engine cannot run on this machine.
    #[error("cannot start the component engine: {reason}")]
    Engine {
        /// What the engine said.
        reason: String,
    },
    /// The file cannot be read.
    #[error("cannot read component `{path}`")]
    Read {
        /// The file.
        path: PathBuf,
        /// Why.
        source: std::io::Error,
    },
    /// There is no built-in component of this name.
    #[error("no built-in component is called `{name}`; built in are: {known}")]
    Unknown {
        /// What was asked for.
        name: String,
        /// What there is, separated by commas.
        known: String,
    },
    /// The bytes are not a component that the engine accepts.
    #[error("`{name}` is not a usable component: {reason}")]
    Invalid {
        /// Which component.
        name: String,
        /// What the engine said.
        reason: String,
    },
    /// It wants something that a guest does not get.
    #[error("component `{name}` imports `{import}`, which {} may not use; it may import {allowed}", with_article(.world))]
    ForbiddenImport {
        /// Which component.
        name: String,
        /// The import, as the component names it.
        import: String,
        /// `twin` or `evaluator`.
        world: &'static str,
        /// What would be accepted.
        allowed: &'static str,
    },
    /// It lacks something that its world has to export.
    #[error("component `{name}` does not export `{export}`, which every {world} has to")]
    MissingExport {
        /// Which component.
        name: String,
        /// What is missing.
        export: &'static str,
        /// `twin` or `evaluator`.
        world: &'static str,
    },
    /// It has the right names, but not the right types.
    #[error("component `{name}` does not fit the world of {}: {reason}", with_article(.world))]
    WrongTypes {
        /// Which component.
        name: String,
        /// `twin` or `evaluator`.
        world: &'static str,
        /// What the engine said.
        reason: String,
    },
    /// It keeps state where an image cannot reach it.
    #[error("component `{name}` keeps state outside its memory ({what}), so that it cannot be forked or reset")]
    StateOutsideMemory {
        /// Which component.
        name: String,
        /// What was found.
        what: String,
    },
    /// What it says about itself breaks the rules.
    #[error("component `{name}` describes itself in a way that is refused: {reason}")]
    Description {
        /// Which component.
        name: String,
        /// The field and what is wrong with it.
        reason: String,
    },
    /// It was stopped while it described itself.
    #[error("component `{name}` could not describe itself")]
    Describe {
        /// Which component.
        name: String,
        /// What happened.
        source: Fault,
    },
}

fn with_article(world: &str) -> String {
    let article = if world.starts_with(['a', 'e', 'i', 'o', 'u']) { "an" } else { "a" };
    format!("{article} {world}")
}

impl LoadError {
    /// How the program ends: a file that is not there was named by the user, everything else is a twin that does not start.
    pub fn exit(&self) -> Exit {
        match self {
            Self::Unknown { .. } => Exit::Usage,
            Self::Read { source, .. } if source.kind() == std::io::ErrorKind::NotFound => Exit::Usage,
            Self::Engine { .. }
            | Self::Read { .. }
            | Self::Invalid { .. }
            | Self::ForbiddenImport { .. }
            | Self::MissingExport { .. }
            | Self::WrongTypes { .. }
            | Self::StateOutsideMemory { .. }
            | Self::Description { .. }
            | Self::Describe { .. } => Exit::Orchestrator,
        }
    }

    /// What to do about it.
    pub fn hint(&self) -> &'static str {
        match self {
            Self::Engine { .. } => "programs on this machine must be able to start threads and map memory",
            Self::Read { .. } => "check the path, and that the file may be read",
            Self::Unknown { .. } => "a component of your own is named by its path",
            Self::Invalid { .. } => {
                "build it with `cargo build --release --target wasm32-unknown-unknown`; `docs/custom-twins.md` has the steps"
            }
            Self::ForbiddenImport { .. } => {
                "build it for `wasm32-unknown-unknown`, which has no files, clocks or sockets, not for a WASI target"
            }
            Self::MissingExport { .. } => {
                "a twin ends with `pome_twin_kit::export_twin!(...)` and is built as a `cdylib` with `--features component`; \
                 `docs/custom-twins.md` has the steps"
            }
            Self::WrongTypes { .. } => "build it against the `wit/` folder of this version of Pome",
            Self::StateOutsideMemory { .. } => "keep the state in ordinary variables, which live in linear memory",
            Self::Description { .. } => {
                "correct the twin's `identity` and tables; `wit/twin/describe.wit` documents each field"
            }
            Self::Describe { .. } => "run the twin's own tests: `describe` has to work in a fresh instance",
        }
    }
}

fn excerpt(body: &[u8]) -> String {
    const LONGEST: usize = 400;
    let text = String::from_utf8_lossy(body);
    match text.char_indices().nth(LONGEST) {
        Some((end, _)) => format!("{}...", text.get(..end).unwrap_or_default()),
        None => text.into_owned(),
    }
}
