//! `pome inspect`: what happened in a run.

pub(crate) mod hosted;

use std::path::{Path, PathBuf};

use pome_run::artifacts;
use pome_run::inspect::View;
use pome_wire::Exit;

use crate::args::{self, InspectFormat};
use crate::commands::run::artifacts_dir;
use crate::context::Context;
use crate::failure::Failure;
use crate::project;

pub(crate) fn run(args: &args::Inspect, cx: &Context) -> Result<Exit, Failure> {
    let found = find(&args.run, args.artifacts_dir.as_deref(), cx)?;
    let view = View::read(found.folder()).map_err(|error| failure(&error))?;
    let view = match &found {
        Found::Here(_) => view,
        Found::Hosted(fetched) => {
            let row = serde_json::to_value(&fetched.row)
                .map_err(|error| Failure::orchestrator("the run cannot be shown as JSON").because(&error))?;
            view.hosted(&fetched.row.id, fetched.row.dashboard_url.clone(), row)
        }
    };
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

/// A run and where its files are.
pub(crate) enum Found {
    Here(PathBuf),
    Hosted(Box<hosted::Fetched>),
}

impl Found {
    pub(crate) fn folder(&self) -> &Path {
        match self {
            Self::Here(folder) => folder,
            Self::Hosted(fetched) => fetched.folder.path(),
        }
    }
}

/// A run, named by id, by path or as `latest`: here, else at the control plane.
pub(crate) fn find(run: &str, dir: Option<&Path>, cx: &Context) -> Result<Found, Failure> {
    let project = project::find(&cx.cwd, &cx.console)?;
    let artifacts = artifacts_dir(dir, project.as_ref(), cx);
    match artifacts::find_run(run, &artifacts) {
        Ok(folder) => Ok(Found::Here(folder)),
        Err(error @ artifacts::Error::NotFound { .. }) => match hosted::fetch(run, project.as_ref(), cx)? {
            Some(fetched) => Ok(Found::Hosted(Box::new(fetched))),
            None => Err(failure(&error)),
        },
        Err(error) => Err(failure(&error)),
    }
}

pub(crate) fn failure(error: &artifacts::Error) -> Failure {
    Failure::from_error(error.exit(), error).maybe_hint(error.hint())
}
