//! `pome inspect`: what happened in a run.

use pome_run::artifacts;
use pome_run::inspect::View;
use pome_wire::Exit;

use crate::args::{self, InspectFormat};
use crate::commands::run::artifacts_dir;
use crate::context::Context;
use crate::failure::Failure;
use crate::project;

pub(crate) fn run(args: &args::Inspect, cx: &Context) -> Result<Exit, Failure> {
    let dir = find(&args.run, args.artifacts_dir.as_deref(), cx)?;
    let view = View::read(&dir).map_err(|error| failure(&error))?;
    for warning in &view.warnings {
        cx.console.warn(warning);
    }
    if cx.console.json || args.format == InspectFormat::Json {
        cx.console.document(&view.json())?;
    } else {
        cx.console.result(&view.text());
    }
    Ok(Exit::Passed)
}

/// The folder of a run, named by id, by path or as `latest`.
pub(crate) fn find(run: &str, dir: Option<&std::path::Path>, cx: &Context) -> Result<std::path::PathBuf, Failure> {
    let found = project::find(&cx.cwd, &cx.console)?;
    let artifacts = artifacts_dir(dir, found.as_ref(), cx);
    artifacts::find_run(run, &artifacts).map_err(|error| failure(&error))
}

pub(crate) fn failure(error: &artifacts::Error) -> Failure {
    Failure::from_error(error.exit(), error).maybe_hint(error.hint())
}
