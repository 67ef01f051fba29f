//! What can go wrong: with a component before it runs (`LoadError`), with opening a world (`OpenError`), and with a guest while
//! it runs (`Fault`).

use std::fmt;
use std::path::PathBuf;

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

fn excerpt(body: &[u8]) -> String {
    const LONGEST: usize = 400;
    let text = String::from_utf8_lossy(body);
    match text.char_indices().nth(LONGEST) {
        Some((end, _)) => format!("{}...", text.get(..end).unwrap_or_default()),
        None => text.into_owned(),
    }
}
