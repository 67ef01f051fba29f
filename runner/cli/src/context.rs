//! What every command gets: the console, the environment and where the user stands.

use std::path::{Path, PathBuf};

use tokio::runtime::{Builder, Runtime};

use crate::environment::Environment;
use crate::failure::Failure;
use crate::render::Console;

#[derive(Debug)]
pub(crate) struct Context {
    pub(crate) console: Console,
    pub(crate) environment: Environment,
    pub(crate) cwd: PathBuf,
    /// `--api-url`.
    pub(crate) api_url: Option<String>,
}

impl Context {
    pub(crate) fn new(environment: Environment, console: Console, api_url: Option<String>) -> Result<Self, Failure> {
        let cwd = std::env::current_dir()
            .map_err(|error| Failure::orchestrator("the current folder cannot be read").because(&error))?;
        Ok(Self { console, environment, cwd, api_url })
    }

    /// The path as the user would type it here.
    pub(crate) fn relative<'a>(&self, path: &'a Path) -> &'a Path {
        match path.strip_prefix(&self.cwd) {
            Ok(inside) if inside.as_os_str().is_empty() => Path::new("."),
            Ok(inside) => inside,
            Err(_) => path,
        }
    }
}

/// The runtime for commands that serve or wait; the quick ones never make it.
pub(crate) fn runtime() -> Result<Runtime, Failure> {
    Builder::new_multi_thread()
        .enable_all()
        .build()
        .map_err(|error| Failure::orchestrator("the asynchronous runtime cannot start").because(&error))
}
