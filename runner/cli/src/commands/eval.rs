//! `pome eval`: a finished run is judged again.

use pome_run::artifacts;
use pome_run::evaluators::Replaced;
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
    let replaced = replaced(&args.evaluators, cx)?;
    let mut components = twins::components(found.as_ref(), cx)?;
    let judged = reevaluate::run(&dir, scenario.as_deref(), &replaced, &mut components)
        .map_err(|error| Failure::from_error(error.exit(), &error).maybe_hint(error.hint()))?;
    cx.console.say(&report::judged(&judged.scenario.title, &dir, &judged.score, cx.console.err));
    if cx.console.json {
        cx.console.document(&judged.score)?;
    }
    Ok(if judged.score.status == ScoreStatus::Pass { Exit::Passed } else { Exit::BelowThreshold })
}

/// `--evaluator name=file`, with the file seen from where the user stands.
fn replaced(given: &[String], cx: &Context) -> Result<Replaced, Failure> {
    let wrong = |given: &str| {
        Failure::new(Exit::Usage, format!("`--evaluator {given}` does not name an evaluator and its file"))
            .hint("write `--evaluator tone=./tone.wasm`, with a name that a criterion can be tagged with")
    };
    let mut replaced = Replaced::new();
    for given in given {
        match given.split_once('=') {
            Some((name, path)) if pome_scenario::is_tag(name) && !path.is_empty() => {
                replaced.insert(name.to_owned(), cx.cwd.join(path));
            }
            _ => return Err(wrong(given)),
        }
    }
    Ok(replaced)
}
