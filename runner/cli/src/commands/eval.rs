//! `pome eval`: a finished run is judged again.

use std::path::Path;

use pome_run::artifacts;
use pome_run::evaluators::Replaced;
use pome_run::judged_there::{self, As, Finished};
use pome_run::reevaluate;
use pome_scenario::BuiltInOnly;
use pome_wire::Exit;
use pome_wire::project::slug_of;
use pome_wire::score::ScoreStatus;

use crate::args;
use crate::commands::inspect;
use crate::context::Context;
use crate::failure::Failure;
use crate::mode::{self, Mode, ModeFlags};
use crate::project::{self, Found};
use crate::render::{plain, report};
use crate::{plane, twins};

pub(crate) fn run(args: &args::Eval, cx: &Context) -> Result<Exit, Failure> {
    let found = project::find(&cx.cwd, &cx.console)?;
    let flags = ModeFlags { local: args.local, hosted: false };
    let mode = mode::resolve(flags, &cx.environment, found.as_ref().and_then(Found::mode), &cx.console);
    let run = args.run.as_deref().unwrap_or("latest");
    let artifacts_dir = super::run::artifacts_dir(args.artifacts_dir.as_deref(), found.as_ref(), cx);
    let dir = artifacts::find_run(run, &artifacts_dir).map_err(|error| inspect::failure(&error))?;
    if mode == Mode::Hosted {
        return there(args, &dir, cx);
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

/// At a control plane: it gets the files and says what they come to.
fn there(args: &args::Eval, dir: &Path, cx: &Context) -> Result<Exit, Failure> {
    if !args.evaluators.is_empty() {
        return Err(Failure::usage("`--evaluator` needs the evaluator on this machine").hint("add `--local`"));
    }
    let failure = |error: &judged_there::Error| Failure::from_error(error.exit(), error).maybe_hint(error.hint());
    let run = Finished::read(dir).map_err(|error| failure(&error))?;
    let task = args.task.as_deref().or(run.task());
    let task = task.ok_or_else(|| {
        Failure::usage(format!("`{}` does not say which scenario was run", dir.display())).hint("name it with `--task`")
    })?;
    let scenario = args.scenario.as_ref().map(|path| pome_scenario::read(&cx.cwd.join(path), &mut BuiltInOnly));
    let scenario = scenario.transpose();
    let scenario = scenario.map_err(|error| Failure::from_error(Exit::Usage, &error).hint(error.hint()))?;
    let agent = match &args.agent {
        Some(agent) => agent.clone(),
        None => agent_of(&cx.cwd.join(dir), cx)?,
    };
    let plane = plane::connect(cx)?;
    let by = As { agent: &agent, task, scenario: scenario.as_ref() };
    let judged = run.judge(&plane.client, by).map_err(|error| failure(&error))?;
    for warning in &judged.warnings {
        cx.console.warn(warning);
    }
    cx.console.say(&report::judged(run.title(), dir, &judged.score, cx.console.err));
    cx.console.say(&format!("  cloud: {}", plain(&judged.dashboard_url)));
    if cx.console.json {
        cx.console.document(&judged.score)?;
    }
    Ok(if judged.score.status == ScoreStatus::Pass { Exit::Passed } else { Exit::BelowThreshold })
}

/// The agent of the project around the run, else around where the user stands.
fn agent_of(dir: &Path, cx: &Context) -> Result<String, Failure> {
    let found = match project::discover(dir)? {
        Some(found) => Some(found),
        None => project::discover(&cx.cwd)?,
    };
    let of_folder = |found: &Found| found.folder.file_name().map(|name| slug_of(&name.to_string_lossy()));
    let slug = found.as_ref().and_then(|found| found.project.agent.slug.clone().or_else(|| of_folder(found)));
    slug.filter(|slug| !slug.is_empty()).ok_or_else(|| {
        Failure::usage("nobody says which agent it was")
            .hint("name it with `--agent`, or in a project file; `--local` judges here and needs none")
    })
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
