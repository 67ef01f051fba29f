//! Any error becomes a message, hints and an exit code: here and nowhere else.

use std::error::Error;
use std::fmt::Display;

use pome_wire::Exit;

/// Why a command stops.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Failure {
    pub(crate) exit: Exit,
    pub(crate) message: String,
    /// Outermost first.
    pub(crate) causes: Vec<String>,
    /// What to try next.
    pub(crate) hints: Vec<String>,
}

impl Failure {
    pub(crate) fn new(exit: Exit, message: impl Display) -> Self {
        Self { exit, message: message.to_string(), causes: Vec::new(), hints: Vec::new() }
    }

    /// Bad flags, missing files, malformed documents.
    pub(crate) fn usage(message: impl Display) -> Self {
        Self::new(Exit::Usage, message)
    }

    /// A twin, the network or the machine did not do its part.
    pub(crate) fn orchestrator(message: impl Display) -> Self {
        Self::new(Exit::Orchestrator, message)
    }

    /// Nobody is signed in, or not well enough.
    pub(crate) fn auth(message: impl Display) -> Self {
        Self::new(Exit::Auth, message)
    }

    /// An error with its chain of sources.
    pub(crate) fn from_error(exit: Exit, error: &dyn Error) -> Self {
        let mut failure = Self::new(exit, error);
        failure.causes = error.source().map(chain).unwrap_or_default();
        failure
    }

    /// The error and its sources explain the message.
    pub(crate) fn because(mut self, error: &dyn Error) -> Self {
        self.causes.extend(chain(error));
        self
    }

    pub(crate) fn cause(mut self, cause: impl Display) -> Self {
        self.causes.push(cause.to_string());
        self
    }

    pub(crate) fn hint(mut self, hint: impl Display) -> Self {
        self.hints.push(hint.to_string());
        self
    }

    pub(crate) fn maybe_hint(self, hint: Option<impl Display>) -> Self {
        match hint {
            Some(hint) => self.hint(hint),
            None => self,
        }
    }
}

/// An error and its sources, outermost first.
fn chain(error: &dyn Error) -> Vec<String> {
    let mut texts = vec![error.to_string()];
    let mut next = error.source();
    while let Some(error) = next {
        texts.push(error.to_string());
        next = error.source();
    }
    texts
}
