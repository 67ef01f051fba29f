//! `pome fix-prompt`: text for a coding assistant, from files alone.

use pome_run::fix_prompt::{self, Answer};
use pome_wire::Exit;

use crate::args;
use crate::commands::run::artifacts_dir;
use crate::context::Context;
use crate::failure::Failure;
use crate::{project, twins};

pub(crate) fn run(args: &args::FixPrompt, cx: &Context) -> Result<Exit, Failure> {
    let found = project::find(&cx.cwd, &cx.console)?;
    let mut twins = twins::components(found.as_ref(), cx)?;
    let report = match args.targets.as_slice() {
        [] => fix_prompt::of_target(&artifacts_dir(None, found.as_ref(), cx), &cx.cwd, &mut twins),
        [target] => fix_prompt::of_target(target, &cx.cwd, &mut twins),
        [events, scenario] => fix_prompt::of_files(events, None, scenario, &mut twins),
        [events, score, scenario, ..] => fix_prompt::of_files(events, Some(score), scenario, &mut twins),
    };
    let report = report.map_err(|error| Failure::from_error(error.exit(), &error).maybe_hint(error.hint()))?;
    for note in &report.notes {
        cx.console.note(note);
    }
    match report.answer {
        Answer::Prompt(text) => {
            cx.console.result(&text);
            Ok(Exit::Passed)
        }
        Answer::AllPassed => {
            cx.console.note("every run passed, there is nothing to fix");
            Ok(Exit::Passed)
        }
        Answer::Incomplete(text) => {
            cx.console.result(&text);
            Ok(Exit::BelowThreshold)
        }
    }
}
