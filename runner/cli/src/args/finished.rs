//! What is done with a run that is over: `pome inspect`, `export`, `eval` and `fix-prompt`.

use std::path::PathBuf;

use clap::{Args, ValueEnum};

#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(crate) enum InspectFormat {
    Terminal,
    Json,
}

#[derive(Debug, Args)]
pub(crate) struct Inspect {
    /// Run id, `latest` or a run folder
    #[arg(default_value = "latest")]
    pub(crate) run: String,
    #[arg(long, value_enum, default_value_t = InspectFormat::Terminal)]
    pub(crate) format: InspectFormat,
    /// Folder of the run folders
    #[arg(long, value_name = "DIR")]
    pub(crate) artifacts_dir: Option<PathBuf>,
}

#[derive(Debug, Args)]
pub(crate) struct Export {
    /// Run id, `latest` or a run folder
    #[arg(default_value = "latest")]
    pub(crate) run: String,
    /// File to write; `-` is standard output (default: `<run-id>.tar.gz`)
    #[arg(long, value_name = "FILE")]
    pub(crate) out: Option<PathBuf>,
    /// Everything in the run folder, not only the five members
    #[arg(long)]
    pub(crate) all: bool,
    /// Folder of the run folders
    #[arg(long, value_name = "DIR")]
    pub(crate) artifacts_dir: Option<PathBuf>,
}

#[derive(Debug, Args)]
pub(crate) struct Eval {
    /// Run folder [default: the latest run]
    pub(crate) run: Option<String>,
    /// Judge here, from the files alone
    #[arg(long)]
    pub(crate) local: bool,
    /// Scenario to judge by [default: the one the run names]
    #[arg(long, value_name = "FILE")]
    pub(crate) scenario: Option<PathBuf>,
    /// Evaluator to judge with instead of the scenario's of that name, or beside them
    #[arg(long = "evaluator", value_name = "NAME=FILE")]
    pub(crate) evaluators: Vec<String>,
    /// Folder of the run folders
    #[arg(long, value_name = "DIR")]
    pub(crate) artifacts_dir: Option<PathBuf>,
    /// Agent to judge as
    #[arg(long, value_name = "SLUG")]
    pub(crate) agent: Option<String>,
    /// Scenario name to judge as
    #[arg(long, value_name = "NAME")]
    pub(crate) task: Option<String>,
}

#[derive(Debug, Args)]
pub(crate) struct FixPrompt {
    /// Folder of run folders, a run folder, or `<events.jsonl> [<score.json>] <scenario.md>` [default: `runs`]
    #[arg(num_args = 0..=3, value_name = "TARGET")]
    pub(crate) targets: Vec<PathBuf>,
}
