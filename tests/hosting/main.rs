//! Sessions of a control plane while servers are killed, restarted and many: the program itself, from outside.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::indexing_slicing,
    clippy::panic,
    clippy::print_stderr,
    reason = "tests"
)]

mod agents;
mod chaos;
mod commands;
mod deploy;
mod expiry;
mod forward;
mod library;
mod person;
mod restart;
mod results;
mod secrets;
mod support;
mod teams;
mod tokens;
