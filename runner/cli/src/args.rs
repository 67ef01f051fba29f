//! The clap tree and nothing else: what can be typed, with its ranges and defaults.

use std::ffi::OsString;
use std::num::NonZeroUsize;
use std::path::PathBuf;

mod serve;

pub(crate) use serve::{
    AgentsCommand, EvaluationName, KeysCommand, LogName, Serve, ServeCommand, ServeFlags, ServeWhere, TeamsCommand,
};

use clap::{ArgAction, Args, Parser, Subcommand, ValueEnum};
use pome_capture::Route;

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
#[expect(clippy::struct_excessive_bools, reason = "one switch each, as the flags are")]
pub(crate) struct Run {
    /// Scenario file or folder [default: `scenarios` of the project file, else `scenarios/`, else `tasks/`]
    pub(crate) path: Option<PathBuf>,
    /// Command that starts the agent
    #[arg(long, value_name = "COMMAND")]
    pub(crate) agent: Option<String>,
    /// File that starts the agent
    #[arg(long, value_name = "PATH")]
    pub(crate) harness: Option<PathBuf>,
    /// Repeats of each scenario [default: `runs` of the scenario, else 1]
    #[arg(short = 'n', long, visible_alias = "trials", value_name = "N", value_parser = clap::value_parser!(u32).range(1..=10_000))]
    pub(crate) runs: Option<u32>,
    /// How many runs side by side; `auto` is one per core [default: 1; trials of a hosted group: as many as the quota allows]
    #[arg(short, long, value_name = "J", value_parser = jobs)]
    pub(crate) jobs: Option<Jobs>,
    /// Seconds that one run may take [default: `timeout` of the scenario, else 60]
    #[arg(long, value_name = "SECONDS", value_parser = positive_seconds)]
    pub(crate) timeout: Option<f64>,
    /// Seed to start from: a file or a name
    #[arg(long, value_name = "NAME|PATH")]
    pub(crate) seed: Option<String>,
    /// Tag to record; repeatable
    #[arg(long = "tag", value_name = "TAG", value_parser = tag)]
    pub(crate) tags: Vec<String>,
    /// Score that a run needs to pass
    #[arg(long, value_name = "0-100", value_parser = percentage)]
    pub(crate) pass_threshold: Option<f64>,
    /// Attach to a hosted session instead of creating one
    #[arg(long, value_name = "ID")]
    pub(crate) reuse_session: Option<String>,
    /// Folder of the run folders [default: `artifacts_dir` of the project file, else `runs`]
    #[arg(long, value_name = "DIR")]
    pub(crate) artifacts_dir: Option<PathBuf>,
    /// Name of the model behind the agent, recorded
    #[arg(long, value_name = "NAME", default_value = "unknown")]
    pub(crate) agent_model: String,
    /// Version of the agent, recorded [default: `agent.version` of the project file]
    #[arg(long, value_name = "VERSION")]
    pub(crate) agent_version: Option<String>,
    /// Do not ask a model for a fix prompt
    #[arg(long)]
    pub(crate) no_fix_prompt: bool,
    /// No capture proxy (local runs)
    #[arg(long, conflicts_with_all = ["capture_llm", "route"])]
    pub(crate) no_capture: bool,
    /// End TLS to model providers in the proxy and record model, tokens, tool calls and latency
    #[arg(long)]
    pub(crate) capture_llm: bool,
    /// Answer at the vendors' own hosts with the twins (local runs); with HOST=URL send that host there instead; repeatable
    #[arg(
        long,
        value_name = "HOST=URL",
        num_args = 0..=1,
        require_equals = true,
        default_missing_value = "",
        value_parser = routing
    )]
    pub(crate) route: Vec<Routing>,
    /// Confine the agent (Linux): it reaches the proxy and the twins only, and writes below its work folder and the run folder only
    #[arg(long)]
    pub(crate) sandbox: bool,
    /// Run against the control plane
    #[arg(long)]
    pub(crate) hosted: bool,
    /// Run on this machine
    #[arg(long)]
    pub(crate) local: bool,
    /// Stop when `pome doctor` finds a problem
    #[arg(long)]
    pub(crate) doctor: bool,
    /// A criterion that needs a model and has none makes the run incomplete
    #[arg(long)]
    pub(crate) require_judge: bool,
    /// Leave the hosted session open
    #[arg(long)]
    pub(crate) keep_session: bool,
}

/// One `--route`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Routing {
    /// The hosts of the run's twins.
    Twins,
    /// One host.
    Host(Route),
}

fn routing(text: &str) -> Result<Routing, String> {
    if text.is_empty() { Ok(Routing::Twins) } else { Route::parse(text).map(Routing::Host) }
}

/// Joins `--route HOST=URL` to one word. The value of that flag may be left out, so the parser would take a scenario behind it
/// for one; what is a value can be told from a path.
pub(crate) fn joined(words: impl Iterator<Item = OsString>) -> Vec<OsString> {
    let mut out: Vec<OsString> = Vec::new();
    for word in words {
        let is_value = word.to_str().is_some_and(|word| word.contains("=http://") || word.contains("=https://"));
        match out.last_mut() {
            Some(flag) if is_value && flag == "--route" => {
                flag.push("=");
                flag.push(word);
            }
            _ => out.push(word),
        }
    }
    out
}

/// How many runs happen side by side.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Jobs {
    Auto,
    Count(NonZeroUsize),
}

impl Jobs {
    /// The number behind the flag on this machine.
    pub(crate) fn count(self) -> NonZeroUsize {
        match self {
            Self::Auto => std::thread::available_parallelism().unwrap_or(NonZeroUsize::MIN),
            Self::Count(count) => count,
        }
    }
}

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
#[command(args_conflicts_with_subcommands = true)]
#[expect(clippy::struct_field_names, reason = "named as the flags are")]
pub(crate) struct Twin {
    #[command(subcommand)]
    pub(crate) command: Option<TwinCommand>,
    /// Port to listen on
    #[arg(long, value_parser = port)]
    pub(crate) port: Option<u16>,
    /// Seed file to start from
    #[arg(long, value_name = "PATH")]
    pub(crate) seed: Option<PathBuf>,
    /// Which twin [default: the first of the project file, else github]
    #[arg(long, value_name = "NAME")]
    pub(crate) twin: Option<String>,
    /// Address to listen on [default: the twin's host variable, else 127.0.0.1]
    #[arg(long, value_name = "HOST")]
    pub(crate) host: Option<String>,
}

#[derive(Debug, Subcommand)]
pub(crate) enum TwinCommand {
    /// Serve a twin until Ctrl-C
    Start {
        /// Name of a built-in twin, or the path of a component
        #[arg(value_name = "NAME|COMPONENT.WASM")]
        twin: String,
        /// Port to listen on [default: `PORT`, else the twin's own]
        #[arg(long, value_parser = port)]
        port: Option<u16>,
        /// Seed file to start from
        #[arg(long, value_name = "PATH")]
        seed: Option<PathBuf>,
        /// Address to listen on [default: the twin's host variable, else 127.0.0.1]
        #[arg(long, value_name = "HOST")]
        host: Option<String>,
    },
    /// Put the running twin back to its seed
    Reset {
        /// Which twin, when that matters
        name: Option<String>,
        /// Port of the running twin
        #[arg(long, value_parser = port)]
        port: Option<u16>,
        /// Back to the seed it was started with, not to the default seed
        #[arg(long)]
        boot_seed: bool,
    },
    /// Show the running twin and whether it answers
    Status,
    /// Built-in twins
    List,
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
    Kill {
        #[arg(required_unless_present = "all")]
        id: Option<String>,
        /// Every active session
        #[arg(long, conflicts_with = "id")]
        all: bool,
    },
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

#[derive(Debug, Args)]
pub(crate) struct Endpoints {
    /// Name of a built-in twin, or the path of a component
    pub(crate) twin: String,
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

fn jobs(text: &str) -> Result<Jobs, String> {
    if text == "auto" {
        return Ok(Jobs::Auto);
    }
    text.parse().map(Jobs::Count).map_err(|_| "expected a number from 1, or `auto`".to_owned())
}

fn positive_seconds(text: &str) -> Result<f64, String> {
    match text.parse::<f64>() {
        Ok(seconds) if seconds.is_finite() && seconds > 0.0 => Ok(seconds),
        _ => Err("expected a positive number of seconds".to_owned()),
    }
}

fn percentage(text: &str) -> Result<f64, String> {
    match text.parse::<f64>() {
        Ok(value) if (0.0..=100.0).contains(&value) => Ok(value),
        _ => Err("expected a number from 0 to 100".to_owned()),
    }
}

fn port(text: &str) -> Result<u16, String> {
    match text.parse::<u16>() {
        Ok(port) if port > 0 => Ok(port),
        _ => Err("expected a port from 1 to 65535".to_owned()),
    }
}

fn tag(text: &str) -> Result<String, String> {
    let allowed = |character: char| character.is_ascii_alphanumeric() || "._:/-".contains(character);
    if !text.is_empty() && text.len() <= 64 && text.chars().all(allowed) {
        Ok(text.to_owned())
    } else {
        Err("expected 1 to 64 characters of A-Z a-z 0-9 . _ : / -".to_owned())
    }
}

fn key_value(text: &str) -> Result<(String, String), String> {
    match text.split_once('=') {
        Some((key, value)) if !key.is_empty() => Ok((key.to_owned(), value.to_owned())),
        _ => Err("expected name=value".to_owned()),
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
    fn jobs_are_a_count_or_auto() {
        assert_eq!(jobs("auto"), Ok(Jobs::Auto));
        assert_eq!(jobs("4").map(|jobs| jobs.count().get()), Ok(4));
        assert!(jobs("0").is_err() && jobs("-1").is_err());
    }

    #[test]
    fn the_value_of_route_is_told_from_a_scenario() {
        let parsed = |line: &str| {
            let words = joined(line.split(' ').map(OsString::from));
            let Command::Run(run) = Cli::try_parse_from(words).unwrap().command else { panic!() };
            (run.route, run.path)
        };
        let to = |text: &str| Routing::Host(Route::parse(text).unwrap());
        let (a, b) = ("a.example=http://127.0.0.1:1", "b.example=https://127.0.0.1:2/x");
        let path = Some(PathBuf::from("x.md"));
        assert_eq!(parsed("pome run x.md"), (vec![], path.clone()));
        assert_eq!(parsed("pome run --route x.md"), (vec![Routing::Twins], path.clone()));
        assert_eq!(parsed("pome run x.md --route"), (vec![Routing::Twins], path.clone()));
        let line = format!("pome run --route {a} --route x.md --route={b}");
        assert_eq!(parsed(&line), (vec![to(a), Routing::Twins, to(b)], path));
        for wrong in ["--route=nonsense", "--route a=http://", "--route --no-capture", "--capture-llm --no-capture"] {
            let line = format!("pome run {wrong}");
            assert!(Cli::try_parse_from(joined(line.split(' ').map(OsString::from))).is_err(), "{wrong}");
        }
    }

    #[test]
    fn a_tag_has_a_narrow_alphabet() {
        assert!(tag("team/a.b:c_d-1").is_ok());
        assert!(tag("").is_err() && tag("two words").is_err() && tag(&"x".repeat(65)).is_err());
    }
}
