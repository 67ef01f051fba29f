//! `pome export`: a run as one archive.

use std::path::{Path, PathBuf};

use pome_run::export::Archive;
use pome_wire::Exit;

use crate::args;
use crate::commands::inspect;
use crate::context::Context;
use crate::failure::Failure;

pub(crate) fn run(args: &args::Export, cx: &Context) -> Result<Exit, Failure> {
    let dir = inspect::find(&args.run, args.artifacts_dir.as_deref(), cx)?;
    let archive = Archive::of(&dir, args.all).map_err(|error| inspect::failure(&error))?;
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
