//! What was asked for.

use std::collections::BTreeMap;
use std::num::NonZeroUsize;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use crate::capture::Ends;
use crate::confinement::Sandbox;
use crate::hosting::Hosting;

/// What was asked for: flags and project file, merged by the command line; empty options mean that the scenario decides.
#[derive(Debug, Clone)]
pub struct Request {
    /// A scenario file or a folder of them.
    pub path: PathBuf,
    /// What to start.
    pub agent: Agent,
    /// `--runs`; else the scenario's `runs`, else 1.
    pub runs: Option<u32>,
    /// `--jobs`; else one at a time, and the trials of a hosted group as many as the quota allows.
    pub jobs: Option<NonZeroUsize>,
    /// `--timeout`; else the scenario's, else 60 s.
    pub timeout: Option<Duration>,
    /// `--seed`: a path or a name.
    pub seed: Option<String>,
    /// `--tag`, in order, already checked.
    pub tags: Vec<String>,
    /// `--pass-threshold`.
    pub pass_threshold: Option<f64>,
    /// `pass_threshold` of the project file.
    pub project_pass_threshold: Option<f64>,
    /// Where run folders go, as the user wrote it (may be relative).
    pub artifacts_dir: PathBuf,
    /// `--agent-model`, default `unknown`.
    pub agent_model: String,
    /// `--agent-version` or the project file's.
    pub agent_version: Option<String>,
    /// The project file's `agent.framework`.
    pub agent_sdk: Option<String>,
    /// False with `--no-fix-prompt`.
    pub fix_prompt: bool,
    /// False with `--no-capture`.
    pub capture: bool,
    /// `--capture-llm` and `--route`.
    pub ends: Ends,
    /// `--sandbox`.
    pub sandbox: Option<Sandbox>,
    /// `--require-judge`.
    pub require_judge: bool,
    /// Sync every event to the disk device, not only to the kernel.
    pub durable: bool,
    /// The environment of the runner, taken once.
    pub environment: BTreeMap<String, String>,
    /// Program and first arguments that start [`crate::supervisor::main`]: the runner's own executable and its hidden
    /// subcommand `agent-supervisor`.
    pub supervisor: Vec<String>,
    /// Where the twins are; absent: in this process.
    pub hosting: Option<Arc<Hosting>>,
    /// Version of the command line, for `meta.json`.
    pub pome_version: String,
}

/// Which agent to start and who said so; a command from a project file is trusted less than one that was typed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Agent {
    /// `--agent <command>`: may use shell operators.
    Typed(String),
    /// `command` of the project file: a shell only with `POME_TRUST_AGENT_COMMAND=1`.
    Project(String),
    /// A harness file already turned into program and arguments.
    Argv(Vec<String>),
}
