//! Support for tests that need more than one crate.
//!
//! ```text
//! http      one plain request
//! project   a temporary folder with a clean environment, and the program run in it
//! postgres  a database server of the tests' own
//! mask      the one list of things that differ from run to run
//! scripted  a server that answers from a list
//! ```
//!
//! Support makes projects and processes and reads what they say. It asserts nothing about them, except that they end in time.

#![expect(
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    clippy::print_stderr,
    reason = "a test whose surroundings cannot be made has failed"
)]

use std::path::PathBuf;

mod http;
mod mask;
mod postgres;
mod project;
mod scripted;

pub use http::{Answer, free_port, http};
pub use mask::mask;
pub use postgres::Postgres;
pub use project::{Cmd, Output, Project, Started, folder};
pub use scripted::{Asked, Said, Scripted};

/// The top of the repository, where scenarios, examples and documentation are.
pub fn root() -> PathBuf {
    PathBuf::from(concat!(env!("CARGO_MANIFEST_DIR"), "/..")).canonicalize().expect("the repository is still there")
}

/// Compares a whole output, masked, with an inline snapshot.
#[macro_export]
macro_rules! pome_snapshot {
    ($output:expr, @$expected:literal) => {
        insta::assert_snapshot!($output.masked(), @$expected)
    };
}
