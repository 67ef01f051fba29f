//! `pome tasks` and `pome checks`.

use std::path::PathBuf;

use clap::{Args, Subcommand};

#[derive(Debug, Args)]
pub(crate) struct Tasks {
    /// Scenarios of this twin
    pub(crate) twin: Option<String>,
    /// Copy them here
    #[arg(long, requires = "twin")]
    pub(crate) copy: bool,
    /// Overwrite existing files
    #[arg(long, requires = "copy")]
    pub(crate) force: bool,
    /// Where to copy to [default: `scenarios/`, when the project has it, else `tasks/`]
    #[arg(long, value_name = "DIR", requires = "copy")]
    pub(crate) dest: Option<PathBuf>,
}

#[derive(Debug, Args)]
#[command(args_conflicts_with_subcommands = true)]
pub(crate) struct Checks {
    #[command(subcommand)]
    pub(crate) command: Option<ChecksCommand>,
    /// Sentences of this twin
    pub(crate) twin: Option<String>,
}

#[derive(Debug, Subcommand)]
pub(crate) enum ChecksCommand {
    /// Twins that declare checks, or the checks of one
    List {
        /// Sentences of this twin
        twin: Option<String>,
    },
    /// Add a criterion to a scenario
    Add {
        /// Scenario file
        file: PathBuf,
        /// Id of the check, as `pome checks <twin>` shows it
        #[arg(long, value_name = "ID")]
        check: Option<String>,
        /// Slot of the sentence; repeatable
        #[arg(long = "arg", value_name = "NAME=VALUE", requires = "check", value_parser = key_value)]
        args: Vec<(String, String)>,
        /// Do not compare with the control plane
        #[arg(long)]
        offline: bool,
    },
    /// Report deterministic criteria that no check understands
    Lint {
        /// Scenario files
        #[arg(required = true)]
        files: Vec<PathBuf>,
    },
}

fn key_value(text: &str) -> Result<(String, String), String> {
    match text.split_once('=') {
        Some((key, value)) if !key.is_empty() => Ok((key.to_owned(), value.to_owned())),
        _ => Err("expected name=value".to_owned()),
    }
}
