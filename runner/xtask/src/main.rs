//! Repository chores: `cargo xtask <command>`.
//!
//! - `bench` measures the promised figures.
//! - `components` builds the guests and writes the committed component files; `--check` tells whether they are fresh.
//! - `docs` writes the tables that repeat code; `--check` tells whether they are fresh.
//! - `check` runs everything that a reviewer would run.

#![expect(clippy::print_stderr, clippy::print_stdout, reason = "a chore talks to the person who started it")]

mod bench;
mod check;
mod components;
mod docs;

use std::path::PathBuf;
use std::process::ExitCode;

use clap::{Parser, Subcommand};

#[derive(Parser)]
#[command(name = "cargo xtask", about = "Repository chores")]
struct Arguments {
    #[command(subcommand)]
    command: Command,
}

#[derive(Subcommand)]
enum Command {
    /// Builds the components that the repository carries.
    Components(components::Options),
    /// Writes the tables that repeat code.
    Docs(docs::Options),
    /// Measures the promised figures and prints them beside their goals.
    Bench(bench::Options),
    /// Runs what a reviewer would run: formatting, lints, documentation, freshness, tests.
    Check,
}

fn main() -> ExitCode {
    let done = match Arguments::parse().command {
        Command::Components(options) => components::run(&options),
        Command::Docs(options) => docs::run(&root(), &options),
        Command::Bench(options) => bench::run(&root(), &options),
        Command::Check => check::run(),
    };
    match done {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("error: {error:#}");
            ExitCode::FAILURE
        }
    }
}

/// The top of the repository.
fn root() -> PathBuf {
    let here = PathBuf::from(env!("CARGO_MANIFEST_DIR"));
    here.ancestors().nth(2).map_or_else(|| here.clone(), PathBuf::from)
}
