//! `pome export`: a run as one archive.

use std::path::{Path, PathBuf};

use pome_run::export::Archive;
use pome_wire::{Exit, files};

use crate::args;
use crate::commands::inspect::{self, Found};
use crate::context::Context;
use crate::failure::Failure;

pub(crate) fn run(args: &args::Export, cx: &Context) -> Result<Exit, Failure> {
    let found = inspect::find(&args.run, args.artifacts_dir.as_deref(), cx)?;
    complete(&found)?;
    let archive = Archive::of(found.folder(), args.all).map_err(|error| inspect::failure(&error))?;
    for warning in &archive.warnings {
        cx.console.warn(warning);
    }
    if args.out.as_deref() == Some(Path::new("-")) {
        let mut bytes = Vec::new();
        archive.write(&mut bytes).and_then(|()| cx.console.result_bytes(&bytes)).map_err(|error| {
            Failure::orchestrator("the archive cannot be written to standard output").because(&error)
        })?;
        return Ok(Exit::Passed);
    }
    let path = args.out.clone().unwrap_or_else(|| PathBuf::from(&archive.file_name));
    archive.write_file(&cx.cwd.join(&path)).map_err(|error| inspect::failure(&error))?;
    cx.console.result(&path.display().to_string());
    Ok(Exit::Passed)
}

/// Whether the control plane has what an archive needs.
fn complete(found: &Found) -> Result<(), Failure> {
    let Found::Hosted(fetched) = found else { return Ok(()) };
    let needed = [files::EVENTS, files::STATE_INITIAL, files::STATE_FINAL];
    match fetched.missing.iter().find(|name| needed.contains(name)) {
        Some(name) => Err(Failure::orchestrator(format!("the run `{}` cannot be packed", fetched.row.id))
            .cause(format!("the control plane has no `{name}` of it"))),
        None => Ok(()),
    }
}
