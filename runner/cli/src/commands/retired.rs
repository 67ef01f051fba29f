//! `pome install` and `pome skills`: retired, and polite about it.

use pome_wire::Exit;

use crate::args;
use crate::context::Context;

pub(crate) fn run(name: &str, args: &args::Anything, cx: &Context) -> Exit {
    let given = if args.rest.is_empty() { "" } else { ", and its arguments are ignored" };
    cx.console.result(&format!(
        "`pome {name}` is retired{given}: how to wire an agent to the twins is described at https://docs.pome.sh/docs/existing-agent"
    ));
    Exit::Passed
}
