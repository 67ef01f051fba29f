//! `pome eval`: a finished run is judged again.

use pome_run::artifacts;
use pome_run::plan::Components;
use pome_run::reevaluate;
use pome_wire::Exit;
use pome_wire::score::ScoreStatus;

use crate::args;
use crate::commands::{hosted, inspect};
use crate::context::Context;
use crate::failure::Failure;
use crate::mode::{self, Mode, ModeFlags};
use crate::project::{self, Found};
use crate::render::report;
use crate::twins;

pub(crate) fn run(args: &args::Eval, cx: &Context) -> Result<Exit, Failure> {
    let found = project::find(&cx.cwd, &cx.console)?;
    let flags = ModeFlags { local: args.local, hosted: false };
    let mode = mode::resolve(flags, &cx.environment, found.as_ref().and_then(Found::mode), &cx.console);
    let run = args.run.as_deref().unwrap_or("latest");
    let artifacts_dir = super::run::artifacts_dir(args.artifacts_dir.as_deref(), found.as_ref(), cx);
    let dir = artifacts::find_run(run, &artifacts_dir).map_err(|error| inspect::failure(&error))?;
    if mode == Mode::Hosted {
        return Err(hosted::unavailable(cx));
    }
    let scenario = args.scenario.as_ref().map(|path| cx.cwd.join(path));
    let mut components = Components::built_in(twins::engine()?);
    let judged = reevaluate::run(&dir, scenario.as_deref(), &mut components)
        .map_err(|error| Failure::from_error(error.exit(), &error).maybe_hint(error.hint()))?;
    cx.console.say(&report::judged(&judged.scenario.title, &dir, &judged.score, cx.console.err));
    if cx.console.json {
        cx.console.document(&judged.score)?;
    }
    Ok(if judged.score.status == ScoreStatus::Pass { Exit::Passed } else { Exit::BelowThreshold })
}
