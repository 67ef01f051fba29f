//! `pome version`.

use pome_wire::Exit;

use crate::context::Context;

pub(crate) fn run(cx: &Context) -> Exit {
    cx.console.result(env!("CARGO_PKG_VERSION"));
    Exit::Passed
}
