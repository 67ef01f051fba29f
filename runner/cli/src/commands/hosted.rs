//! Commands that need a control plane: `login`, `logout`, `sessions`, and `run` when it resolves to hosted.

use std::path::Path;

use pome_scenario::BuiltInOnly;
use pome_wire::Exit;

use crate::args;
use crate::context::Context;
use crate::credentials::{self, Source};
use crate::failure::Failure;

const MOST_HOSTED_RUNS: u32 = 20;

pub(crate) fn login(_args: &args::Login, cx: &Context) -> Result<Exit, Failure> {
    Err(unavailable(cx))
}

pub(crate) fn logout(cx: &Context) -> Result<Exit, Failure> {
    Err(unavailable(cx))
}

pub(crate) fn sessions(_args: &args::Sessions, cx: &Context) -> Result<Exit, Failure> {
    Err(unavailable(cx))
}

/// A hosted run: a malformed scenario is reported before anything else, then nothing is started.
pub(crate) fn run(args: &args::Run, path: &Path, cx: &Context) -> Failure {
    if args.runs.is_some_and(|runs| runs > MOST_HOSTED_RUNS) {
        return Failure::usage(format!("`--runs` is at most {MOST_HOSTED_RUNS} in hosted mode"))
            .hint("`--local` allows up to 10000");
    }
    let read = pome_scenario::discover(path).and_then(|found| {
        found.files.iter().map(|file| pome_scenario::read(file, &mut BuiltInOnly)).collect::<Result<Vec<_>, _>>()
    });
    match read {
        Err(error) => Failure::from_error(Exit::Usage, &error).hint(error.hint()),
        Ok(scenarios) if args.reuse_session.is_some() && scenarios.len() != 1 => {
            Failure::usage(format!("`--reuse-session` needs exactly one scenario, found {}", scenarios.len()))
        }
        Ok(_) if args.reuse_session.is_some() && args.runs.is_some_and(|runs| runs != 1) => {
            Failure::usage("`--reuse-session` needs exactly one run")
        }
        Ok(_) => unavailable(cx),
    }
}

/// Why nothing can be done at a control plane from here: usually that nobody is signed in.
pub(crate) fn unavailable(cx: &Context) -> Failure {
    match credentials::resolve(&cx.environment) {
        Err(failure) => failure,
        Ok(credentials) => {
            let source = match credentials.source {
                Source::Variable => "`POME_API_KEY`".to_owned(),
                Source::File(path) => format!("`{}`", path.display()),
            };
            Failure::auth(format!(
                "the key from {source} cannot be used: this version does not sign in to a control plane"
            ))
            .hint("`pome run --local`, or `POME_LOCAL=1`, runs on this machine without an account")
        }
    }
}
