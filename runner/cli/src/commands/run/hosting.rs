//! `pome run` at a control plane: what is checked before anything is sent, and as whom the runs happen.

use std::path::Path;
use std::sync::Arc;

use pome_run::hosting::Hosting;
use pome_scenario::BuiltInOnly;
use pome_wire::control::Evaluator;
use pome_wire::{Exit, env};

use super::identity;
use crate::args::{self, Routing};
use crate::context::Context;
use crate::failure::Failure;
use crate::plane;

/// The most trials of one scenario at a control plane.
const MOST_RUNS: u32 = 20;

/// Checks flags and scenarios, then credentials, then finds out which agent it is. Nothing is created before.
pub(crate) fn of(args: &args::Run, path: &Path, cx: &Context) -> Result<Arc<Hosting>, Failure> {
    check(args, path)?;
    let evaluator = evaluator(cx)?;
    let plane = plane::connect(cx)?;
    let agent = identity::of(path, &plane, cx)?;
    Ok(Arc::new(Hosting {
        secrets: vec![plane.credentials.key.expose().to_owned()],
        client: plane.client,
        dashboard: plane.dashboard,
        agent,
        evaluator,
        reuse: args.reuse_session.clone(),
        keep: args.keep_session,
    }))
}

fn check(args: &args::Run, path: &Path) -> Result<(), Failure> {
    if args.route.contains(&Routing::Twins) {
        return Err(Failure::usage("`--route` without a host is for local runs, and this run is hosted")
            .hint("add `--local`; `--route HOST=URL` works in both"));
    }
    let found = pome_scenario::discover(path);
    let found = found.map_err(|error| Failure::from_error(error.exit(), &error).hint(error.hint()))?;
    let read: Vec<_> = found.files.iter().map(|file| pome_scenario::read(file, &mut BuiltInOnly)).collect();
    let scenarios: Vec<_> = read.iter().filter_map(|scenario| scenario.as_ref().ok()).collect();
    if scenarios.is_empty() {
        // Each is reported as it would be in a run that starts; there is nothing to sign in for.
        let error = read.into_iter().find_map(Result::err);
        return Err(error.map_or_else(
            || Failure::usage("there is no scenario to run"),
            |error| Failure::from_error(Exit::Usage, &error).hint(error.hint()),
        ));
    }
    let runs = |of: u32| args.runs.unwrap_or(of);
    if let Some(scenario) = scenarios.iter().find(|scenario| runs(scenario.config.runs) > MOST_RUNS) {
        let asked = runs(scenario.config.runs);
        return Err(Failure::usage(format!("`{}` is to be run {asked} times", scenario.path.display()))
            .cause(format!("`--runs` is at most {MOST_RUNS} in hosted mode"))
            .hint("`--local` allows up to 10000"));
    }
    if args.reuse_session.is_some() {
        if read.len() != 1 {
            let count = read.len();
            return Err(Failure::usage(format!("`--reuse-session` needs exactly one scenario, found {count}")));
        }
        if scenarios.iter().any(|scenario| runs(scenario.config.runs) != 1) {
            return Err(Failure::usage("`--reuse-session` needs exactly one run"));
        }
    }
    Ok(())
}

/// `POME_EVALUATION`: who judges, when it is not left to the server.
fn evaluator(cx: &Context) -> Result<Option<Evaluator>, Failure> {
    match cx.environment.get(env::EVALUATION) {
        None => Ok(None),
        Some("client") => Ok(Some(Evaluator::Client)),
        Some("server") => Ok(Some(Evaluator::Server)),
        Some(other) => Err(Failure::usage(format!("{} is `{other}`; it may be `client` or `server`", env::EVALUATION))),
    }
}
