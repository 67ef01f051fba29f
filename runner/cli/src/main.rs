//! The program `pome`: what can be typed, what is printed, how it ends.
//!
//! ```text
//! args      what can be typed (clap)           commands/<name>   one file per command
//! context   environment, folder, console       render            the only place that prints
//! project   finds the project file             failure           any error -> message, hints, exit code
//! ```
//!
//! The work itself is done by `pome-run` (runs and their folders), `pome-gateway` (serving a twin) and `pome-sandbox` (twins and
//! their checks). Quick commands make neither a runtime nor an engine.

mod args;
mod commands;
mod context;
mod environment;
mod failure;
mod harness;
mod http;
mod library;
mod link;
mod mode;
mod nearest;
mod plane;
mod project;
mod render;
mod routing;
mod twins;

use std::process::ExitCode;

use clap::Parser as _;
use clap::error::ErrorKind;
use pome_wire::Exit;

use crate::args::{Cli, Command, Global};
use crate::context::Context;
use crate::environment::Environment;
use crate::failure::Failure;
use crate::render::Console;

fn main() -> ExitCode {
    if let Some(agent) = supervised() {
        return pome_run::supervisor::main(&agent);
    }
    let environment = Environment::of_this_process();
    let cli = match Cli::try_parse_from(args::joined(std::env::args_os())) {
        Ok(cli) => cli,
        Err(error) => return refuse(&error, &environment).into(),
    };
    let console = Console::new(&cli.global, &environment);
    let ended = Context::new(environment, console.clone(), cli.global.api_url.clone())
        .and_then(|cx| dispatch(&cli.command, &cx));
    match ended {
        Ok(exit) => exit,
        Err(failure) => {
            console.fail(&failure);
            failure.exit
        }
    }
    .into()
}

/// The agent's program and arguments when this process stands between a runner and an agent. Looked at before anything else:
/// what follows belongs to the agent and must not be parsed.
fn supervised() -> Option<Vec<String>> {
    let mut words = std::env::args_os().skip(1);
    if words.next()? != args::SUPERVISOR {
        return None;
    }
    Some(words.map(|word| word.to_string_lossy().into_owned()).collect())
}

fn dispatch(command: &Command, cx: &Context) -> Result<Exit, Failure> {
    match command {
        Command::Init(args) => commands::init::run(args, cx),
        Command::Login(args) => commands::login::run(args, cx),
        Command::Logout => Ok(commands::logout::run(cx)),
        Command::Run(args) => commands::run::run(args, cx),
        Command::Inspect(args) => commands::inspect::run(args, cx),
        Command::Export(args) => commands::export::run(args, cx),
        Command::Twin(args) => commands::twin::run(args, cx),
        Command::Sessions(args) => commands::sessions::run(args, cx),
        Command::Register(args) => commands::register::run(args, cx),
        Command::Version => Ok(commands::version::run(cx)),
        Command::Tasks(args) => commands::tasks::run(args, cx),
        Command::Checks(args) => commands::checks::run(args, cx),
        Command::Endpoints(args) => commands::endpoints::run(args, cx),
        Command::Doctor => commands::doctor::run(cx),
        Command::Health => commands::health::run(cx),
        Command::Eval(args) => commands::eval::run(args, cx),
        Command::FixPrompt(args) => commands::fix_prompt::run(args, cx),
        Command::Docs(args) => commands::docs::run(args, cx),
        Command::Completions(args) => Ok(commands::completions::run(args, cx)),
        Command::Install(args) => Ok(commands::retired::run("install", args, cx)),
        Command::Skills(args) => Ok(commands::retired::run("skills", args, cx)),
        Command::Serve(args) => commands::serve::run(args, cx),
        Command::CaptureServer(args) => commands::capture_server::run(args, cx),
    }
}

/// What the argument parser has to say: help and version are answers, everything else is a usage error.
fn refuse(error: &clap::Error, environment: &Environment) -> Exit {
    let console = Console::new(&Global::default(), environment);
    match error.kind() {
        ErrorKind::DisplayVersion => {
            console.result(env!("CARGO_PKG_VERSION"));
            Exit::Passed
        }
        ErrorKind::DisplayHelp => {
            console.help(&error.render());
            Exit::Passed
        }
        _ => {
            let text = error.render().to_string();
            let text = text.trim_end().trim_end_matches("For more information, try '--help'.").trim_end();
            console.usage(&format!("{text}\n\n(add --help for usage)\n"));
            Exit::Usage
        }
    }
}
