//! What is asked for, and what the kernel granted.

use std::path::PathBuf;

use serde::{Deserialize, Serialize};

/// By which means an agent is confined.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Form {
    /// Namespaces of its own for users, network, processes, mounts and IPC, and Landlock where the kernel has it.
    Namespaces,
    /// Landlock and a system call filter alone.
    Landlock,
}

/// What one agent may do.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Policy {
    /// The means.
    pub form: Form,
    /// Program and first arguments that start the calling program as a stage.
    pub again: Vec<String>,
    /// Folders below which everything may be written; they exist.
    pub writable: Vec<PathBuf>,
    /// Files below them that are not to be changed all the same. Only namespaces can do that.
    pub kept: Vec<PathBuf>,
    /// A folder among them that is the agent's alone, for temporary files.
    pub temporary: PathBuf,
    /// Files and folders that must not be read. Those that do not exist are passed over.
    pub hidden: Vec<PathBuf>,
    /// The runner's process number: which sockets exist is read in its network.
    pub runner: u32,
    /// Ports of `127.0.0.1` that may be reached.
    pub ports: Vec<u16>,
    /// Whether to use Landlock in the namespaces form; without it the file tree is mounted read-only.
    pub landlock: bool,
}

/// What holds for an agent that was started.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Enforced {
    /// The means.
    pub form: Form,
    /// `isolated`: nothing but the told ports exists. `tcp`: TCP to the told ports, whoever listens there; no UDP.
    pub network: String,
    /// `landlock-<version of the interface>`, or `mounts` for a file tree that is mounted read-only.
    pub files: String,
    /// `isolated`: other processes are not visible. `shared`: visible, and out of reach.
    pub processes: String,
    /// `seccomp` where dangerous system calls are refused, else `none`.
    pub calls: String,
    /// What is weaker here than it should be, one sentence each.
    pub weaker: Vec<String>,
}

/// The kernel, or what guards it, does not allow a form.
#[derive(Debug, thiserror::Error)]
#[error("{what}: {source}")]
pub struct Refused {
    pub(crate) what: String,
    #[source]
    pub(crate) source: std::io::Error,
}

impl Refused {
    pub(crate) fn new(what: impl Into<String>, source: impl Into<std::io::Error>) -> Self {
        Self { what: what.into(), source: source.into() }
    }

    pub(crate) fn because(what: impl Into<String>, reason: &str) -> Self {
        Self::new(what, std::io::Error::other(reason.to_owned()))
    }
}

/// For the results of system calls: what was attempted.
pub(crate) trait Attempt<T> {
    fn attempt(self, what: impl FnOnce() -> String) -> Result<T, Refused>;
}

impl<T, E: Into<std::io::Error>> Attempt<T> for Result<T, E> {
    fn attempt(self, what: impl FnOnce() -> String) -> Result<T, Refused> {
        self.map_err(|error| Refused::new(what(), error))
    }
}
