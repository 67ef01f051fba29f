//! `pome capture-server`: the capture proxy as a process of its own. Hidden.

use pome_capture::{EgressPolicy, ServeOptions, Target, serve};
use pome_run::interrupt::Interrupt;
use pome_wire::Exit;

use crate::args;
use crate::context::{Context, runtime};
use crate::failure::Failure;

pub(crate) fn run(args: &args::CaptureServer, cx: &Context) -> Result<Exit, Failure> {
    let mut policy = EgressPolicy::from_environment(&cx.environment.to_map());
    policy.allow_all(args.allow.iter().map(String::as_str));
    let unrecorded = args
        .passthrough
        .iter()
        .map(|place| {
            Target::parse(place).ok_or_else(|| Failure::usage(format!("`{place}` is not a place like `host:port`")))
        })
        .collect::<Result<Vec<_>, _>>()?;
    let options = ServeOptions {
        events_out: cx.cwd.join(&args.events_out),
        egress_out: args.egress_out.as_ref().map(|path| cx.cwd.join(path)),
        port: args.port,
        policy,
        unrecorded,
    };
    let runtime = runtime()?;
    let served = runtime.block_on(async {
        let interrupt = Interrupt::install()?;
        // Read by whoever started this process, so it is printed whatever the flags say.
        let listening = |address| cx.console.usage(&format!("listening on {address}"));
        serve(options, listening, async {
            interrupt.wait().await;
        })
        .await
    });
    runtime.shutdown_background();
    served.map_err(|error| Failure::orchestrator("the capture proxy stopped").because(&error))?;
    Ok(Exit::Passed)
}
