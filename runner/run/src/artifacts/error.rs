//! What can be wrong with the files of a run.

use std::io;
use std::path::{Path, PathBuf};

use pome_wire::Exit;

/// A file of a run that could not be written, read or found.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// A folder or file could not be written.
    #[error("cannot write `{}`", path.display())]
    Write {
        /// What was being written.
        path: PathBuf,
        /// Why not.
        source: io::Error,
    },
    /// A file could not be read.
    #[error("cannot read `{}`", path.display())]
    Read {
        /// What was being read.
        path: PathBuf,
        /// Why not.
        source: io::Error,
    },
    /// A file holds something else than it should.
    #[error("`{}` is corrupt: {reason}", path.display())]
    Corrupt {
        /// The file.
        path: PathBuf,
        /// What is wrong with it, with the line where there are lines.
        reason: String,
    },
    /// A trace from before every row had a kind.
    #[error("`{}` line {line}: the row has no `kind`, the file is older than the unified event format", path.display())]
    LegacyEvents {
        /// The file.
        path: PathBuf,
        /// From 1.
        line: usize,
    },
    /// A run that was asked for is not there.
    #[error("no run `{target}` in `{}`", artifacts.display())]
    NotFound {
        /// As it was asked for.
        target: String,
        /// Where it was looked for.
        artifacts: PathBuf,
    },
    /// A file that is needed is not in the run folder.
    #[error("`{}` has no `{member}`", dir.display())]
    MissingMember {
        /// The run folder.
        dir: PathBuf,
        /// The file.
        member: &'static str,
    },
}

impl Error {
    /// The exit code that the program ends with.
    pub const fn exit(&self) -> Exit {
        match self {
            Self::NotFound { .. } => Exit::Usage,
            Self::Write { .. }
            | Self::Read { .. }
            | Self::Corrupt { .. }
            | Self::LegacyEvents { .. }
            | Self::MissingMember { .. } => Exit::Orchestrator,
        }
    }

    /// What to do about it, when there is something.
    pub fn hint(&self) -> Option<String> {
        match self {
            Self::NotFound { .. } => {
                Some("name a run id, a run folder or `latest`; `--artifacts-dir` says where".to_owned())
            }
            Self::LegacyEvents { .. } => Some("`pome export` still reads such runs".to_owned()),
            Self::MissingMember { .. } => Some("the run did not get far enough; run the scenario again".to_owned()),
            Self::Write { .. } | Self::Read { .. } | Self::Corrupt { .. } => None,
        }
    }

    pub(crate) fn write(path: &Path) -> impl FnOnce(io::Error) -> Self + '_ {
        |source| Self::Write { path: path.to_owned(), source }
    }

    pub(crate) fn read(path: &Path) -> impl FnOnce(io::Error) -> Self + '_ {
        |source| Self::Read { path: path.to_owned(), source }
    }

    pub(crate) fn corrupt(path: &Path, reason: impl std::fmt::Display) -> Self {
        Self::Corrupt { path: path.to_owned(), reason: reason.to_string() }
    }
}

/// An error and its causes on one line.
pub(crate) fn chain(error: &dyn std::error::Error) -> String {
    let mut text = error.to_string();
    let mut cause = error.source();
    while let Some(error) = cause {
        text.push_str(": ");
        text.push_str(&error.to_string());
        cause = error.source();
    }
    text
}
