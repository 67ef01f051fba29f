//! The command line, one module per command.

#![expect(
    clippy::indexing_slicing,
    clippy::panic,
    clippy::print_stderr,
    clippy::unwrap_used,
    reason = "helpers of tests fail like tests, and say when they cannot run"
)]

use pome_tests::Project;

mod checks;
mod custom_twin;
mod custom_twin_guide;
mod docs;
mod doctor;
mod hosted;
mod init;
mod inspect;
mod login;
mod register;
mod run;
mod runs_elsewhere;
mod serve;
mod sessions;
mod tasks;
mod twin;
mod usage;
mod version;

/// An empty project for the program under test.
fn project() -> Project {
    Project::new(env!("CARGO_BIN_EXE_pome"))
}
