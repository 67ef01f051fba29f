//! `pome completions <shell>`: a completion script.

use clap::CommandFactory as _;
use pome_wire::Exit;

use crate::args::{self, Cli};
use crate::context::Context;

pub(crate) fn run(args: &args::Completions, cx: &Context) -> Exit {
    let mut script = Vec::new();
    clap_complete::generate(args.shell, &mut Cli::command(), "pome", &mut script);
    cx.console.result(&String::from_utf8_lossy(&script));
    Exit::Passed
}
