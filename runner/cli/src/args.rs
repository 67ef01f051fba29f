//! The clap tree and nothing else: what can be typed, with its ranges and defaults.

use std::path::PathBuf;

use clap::{ArgAction, Args, Parser, Subcommand, ValueEnum};

mod finished;
mod hosted;
mod library;
mod run;
mod serve;
mod twin;

pub(crate) use finished::{Eval, Export, FixPrompt, Inspect, InspectFormat};
pub(crate) use hosted::{
    ListFormat, Login, Register, RegisterCommand, SecretsFormat, SessionState, Sessions, SessionsCommand,
};
pub(crate) use library::{Checks, ChecksCommand, Tasks};
pub(crate) use run::{Jobs, Routing, Run, joined};
pub(crate) use serve::{
    AgentsCommand, EvaluationName, KeysCommand, LogName, Serve, ServeCommand, ServeFlags, ServeWhere, TeamsCommand,
};
pub(crate) use twin::{Endpoints, Twin, TwinCommand};

/// The hidden command of the process between the runner and an agent.
pub(crate) const SUPERVISOR: &str = "agent-supervisor";

/// Runs AI agents against stateful twins of vendor APIs and judges what they did.
#[derive(Debug, Parser)]
#[command(
    name = "pome",
    version,
    about,
    propagate_version = true,
    disable_help_subcommand = true,
    max_term_width = 110
)]
pub(crate) struct Cli {
    #[command(flatten)]
    pub(crate) global: Global,
    #[command(subcommand)]
    pub(crate) command: Command,
}

/// Flags that every command accepts.
#[derive(Debug, Clone, Default, Args)]
#[expect(clippy::struct_excessive_bools, reason = "one switch each, as the flags are")]
#[command(next_help_heading = "Everywhere")]
pub(crate) struct Global {
    /// Control plane to talk to in this invocation
    #[arg(long, global = true, value_name = "URL")]
    pub(crate) api_url: Option<String>,
    /// No colours, even on a terminal
    #[arg(long, global = true)]
    pub(crate) no_color: bool,
    /// Print errors and results only
    #[arg(short, long, global = true)]
    pub(crate) quiet: bool,
    /// Print each step
    #[arg(short, long, global = true)]
    pub(crate) verbose: bool,
    /// One JSON document on standard output, where the command has one
    #[arg(long, global = true)]
    pub(crate) json: bool,
}

#[derive(Debug, Subcommand)]
pub(crate) enum Command {
    /// Write a project file, a harness and a first scenario into this folder
    Init(Init),
    /// Sign in to a control plane
    Login(Login),
    /// Sign out and revoke the stored key
    Logout,
    /// Run scenarios with your agent and judge them
    Run(Run),
    /// Show what happened in a run
    Inspect(Inspect),
    /// Pack a run into an archive
    Export(Export),
    /// Serve a twin on its own, without a run
    Twin(Twin),
    /// Sessions of the control plane
    #[command(aliases = ["session", "sandbox"])]
    Sessions(Sessions),
    /// Make something known to the control plane
    Register(Register),
    /// Print the version
    Version,
    /// List or copy the scenarios that come with pome
    #[command(visible_alias = "scenarios")]
    Tasks(Tasks),
    /// Sentences that can be judged without a model: list, add, lint
    Checks(Checks),
    /// What a twin serves, route by route
    Endpoints(Endpoints),
    /// Find out why runs do not work here
    Doctor,
    /// Start the GitHub twin in this process and ask for its health
    Health,
    /// Judge a finished run again
    Eval(Eval),
    /// Text for a coding assistant about the newest failing runs
    FixPrompt(FixPrompt),
    /// Addresses of the documentation
    Docs(Docs),
    /// Print a completion script for a shell
    Completions(Completions),
    /// Where the wiring instructions are
    #[command(hide = true)]
    Install(Anything),
    /// Where the wiring instructions are
    #[command(hide = true)]
    Skills(Anything),
    /// Host sessions for a team: the control plane
    Serve(Serve),
    /// The capture proxy as a process of its own
    #[command(hide = true)]
    CaptureServer(CaptureServer),
}

#[derive(Debug, Args)]
pub(crate) struct Init {
    /// Where runs happen when no flag says otherwise
    #[arg(long, value_enum, default_value_t = ModeName::Oss)]
    pub(crate) mode: ModeName,
    /// Language of the harness [default: found from the files here]
    #[arg(long, value_enum)]
    pub(crate) language: Option<LanguageName>,
    /// Overwrite an existing `.pome.json`
    #[arg(long)]
    pub(crate) force: bool,
    /// Write an agent for this SDK instead of the plain harness
    #[arg(long, value_enum)]
    pub(crate) sdk: Option<SdkName>,
    /// The project file only
    #[arg(long, conflicts_with = "starter")]
    pub(crate) bare: bool,
    /// The whole GitHub scenario library and the sample agents as well
    #[arg(long)]
    pub(crate) starter: bool,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(crate) enum ModeName {
    Oss,
    Hosted,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(crate) enum LanguageName {
    Ts,
    Python,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(crate) enum SdkName {
    Claude,
}

#[derive(Debug, Args)]
pub(crate) struct Docs {
    /// Topic [default: list them]
    pub(crate) topic: Option<String>,
    /// Another documentation site
    #[arg(long, value_name = "ORIGIN")]
    pub(crate) site: Option<String>,
    /// Print the address (always the case; accepted for older scripts)
    #[arg(long)]
    pub(crate) url: bool,
}

#[derive(Debug, Args)]
pub(crate) struct Completions {
    #[arg(value_enum)]
    pub(crate) shell: clap_complete::Shell,
}

/// Retired commands accept whatever they used to accept.
#[derive(Debug, Args)]
#[command(disable_help_flag = true)]
pub(crate) struct Anything {
    #[arg(trailing_var_arg = true, allow_hyphen_values = true, action = ArgAction::Append)]
    pub(crate) rest: Vec<String>,
}

#[derive(Debug, Args)]
pub(crate) struct CaptureServer {
    /// Where model calls are written
    #[arg(long, value_name = "PATH")]
    pub(crate) events_out: PathBuf,
    /// Port; 0 is any
    #[arg(long, default_value_t = 8910)]
    pub(crate) port: u16,
    /// Hosts to let through beside the usual ones
    #[arg(long, value_name = "HOSTS", value_delimiter = ',')]
    pub(crate) allow: Vec<String>,
    /// Where refusals are written
    #[arg(long, value_name = "PATH")]
    pub(crate) egress_out: Option<PathBuf>,
    /// Targets that are piped without a row
    #[arg(long, value_name = "HOST:PORT", value_delimiter = ',')]
    pub(crate) passthrough: Vec<String>,
}

fn tag(text: &str) -> Result<String, String> {
    let allowed = |character: char| character.is_ascii_alphanumeric() || "._:/-".contains(character);
    if !text.is_empty() && text.len() <= 64 && text.chars().all(allowed) {
        Ok(text.to_owned())
    } else {
        Err("expected 1 to 64 characters of A-Z a-z 0-9 . _ : / -".to_owned())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use clap::CommandFactory as _;

    #[test]
    fn the_tree_is_consistent() {
        Cli::command().debug_assert();
    }

    #[test]
    fn a_tag_has_a_narrow_alphabet() {
        assert!(tag("team/a.b:c_d-1").is_ok());
        assert!(tag("").is_err() && tag("two words").is_err() && tag(&"x".repeat(65)).is_err());
    }
}
