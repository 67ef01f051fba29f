//! Commands that need a control plane: `login`, `logout`, `sessions`.

use pome_wire::Exit;

use crate::args;
use crate::context::Context;
use crate::credentials::{self, Source};
use crate::failure::Failure;

pub(crate) fn login(_args: &args::Login, cx: &Context) -> Result<Exit, Failure> {
    Err(unavailable(cx))
}

pub(crate) fn logout(cx: &Context) -> Result<Exit, Failure> {
    Err(unavailable(cx))
}

pub(crate) fn sessions(_args: &args::Sessions, cx: &Context) -> Result<Exit, Failure> {
    Err(unavailable(cx))
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
