//! What needs a control plane: `pome login`, `sessions` and `register`.

use std::path::PathBuf;

use clap::{Args, Subcommand, ValueEnum};

use super::tag;

#[derive(Debug, Args)]
pub(crate) struct Login {
    /// Store this key, without a browser
    #[arg(long, value_name = "API-KEY", value_parser = clap::builder::NonEmptyStringValueParser::new())]
    pub(crate) token: Option<String>,
    /// Where to sign in
    #[arg(long, value_name = "URL")]
    pub(crate) dashboard_url: Option<String>,
    /// Label of the new key
    #[arg(long, value_name = "NAME", default_value = "pome login")]
    pub(crate) key_name: String,
    /// Print the address only
    #[arg(long)]
    pub(crate) no_browser: bool,
}

#[derive(Debug, Args)]
pub(crate) struct Sessions {
    #[command(subcommand)]
    pub(crate) command: SessionsCommand,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(crate) enum SessionState {
    Running,
    Ready,
    Done,
    Expired,
    All,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(crate) enum ListFormat {
    Text,
    Json,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(crate) enum SecretsFormat {
    Text,
    Json,
    Env,
}

#[derive(Debug, Subcommand)]
pub(crate) enum SessionsCommand {
    /// Sessions, newest first
    List {
        #[arg(long, value_enum, default_value_t = SessionState::Running)]
        state: SessionState,
        #[arg(long, default_value_t = 20, value_parser = clap::value_parser!(u32).range(1..=200))]
        limit: u32,
        #[arg(long, value_parser = tag)]
        tag: Option<String>,
        #[arg(long, value_enum, default_value_t = ListFormat::Text)]
        format: ListFormat,
    },
    /// End a session, graded or not
    Kill(Kill),
    /// End a session that has been graded
    Stop {
        id: String,
        /// Also when it has not been graded
        #[arg(long)]
        discard: bool,
    },
    /// Open a session without a scenario
    Create {
        /// Twin of the session; repeatable
        #[arg(long = "twin", value_name = "TWIN", num_args = 1)]
        twins: Vec<String>,
        /// Where the secrets go
        #[arg(long, value_name = "PATH")]
        secrets_file: Option<PathBuf>,
        #[arg(long, value_enum, default_value_t = SecretsFormat::Text)]
        format: SecretsFormat,
    },
}

/// One session or all of them, and never neither.
#[derive(Debug, Args)]
#[group(required = true, multiple = false)]
pub(crate) struct Kill {
    /// Which one
    pub(crate) id: Option<String>,
    /// Every active session
    #[arg(long)]
    pub(crate) all: bool,
}

#[derive(Debug, Args)]
pub(crate) struct Register {
    #[command(subcommand)]
    pub(crate) command: RegisterCommand,
}

#[derive(Debug, Subcommand)]
pub(crate) enum RegisterCommand {
    /// The agent of this project
    Agent {
        /// What people call it
        name: String,
        /// Also when the project is linked to an agent already
        #[arg(long)]
        force: bool,
        /// Twins to enable [default: those of the project file]
        #[arg(long, value_name = "TWINS", value_delimiter = ',')]
        twins: Vec<String>,
    },
}
