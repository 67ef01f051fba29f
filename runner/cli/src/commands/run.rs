//! `pome run`: flags and project file become one request; the batch runs; its report is printed.

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use pome_run::confinement::Sandbox;
use pome_run::interrupt::Interrupt;
use pome_run::plan::{Agent, Components, Ends, Request};
use pome_run::{batch, plan};
use pome_wire::{Exit, files};

use crate::args::{self, Jobs, Routing};
use crate::commands::doctor;
use crate::context::{Context, runtime};
use crate::failure::Failure;
use crate::mode::{self, Mode, ModeFlags};
use crate::project::{self, Found};
use crate::render::report::Printer;
use crate::{harness, routing, twins};

mod hosting;
mod identity;

/// The agent of older projects, used when nothing names one.
const SAMPLE_AGENT: &str = "examples/agents/scripted-triage-agent.ts";

pub(crate) fn run(args: &args::Run, cx: &Context) -> Result<Exit, Failure> {
    let found = project::find(&cx.cwd, &cx.console)?;
    let found = found.as_ref();
    let mode = mode::resolve(
        ModeFlags { local: args.local, hosted: args.hosted },
        &cx.environment,
        found.and_then(Found::mode),
        &cx.console,
    );
    let path = scenario_path(args, found, cx)?;
    if mode == Mode::Local && args.reuse_session.is_some() {
        return Err(Failure::usage("`--reuse-session` attaches to a hosted session, and this run is local"));
    }
    let agent = agent(args, found, cx)?;
    let hosting = match mode {
        Mode::Local => None,
        Mode::Hosted => Some(hosting::of(args, &path, cx)?),
    };
    if args.doctor || found.is_some_and(|found| found.project.doctor) {
        doctor::gate(cx)?;
    } else if !args.route.contains(&Routing::Twins) {
        warn_about_vendors(found.map_or(cx.cwd.as_path(), |found| &found.folder), cx);
    }
    let request = request(args, found, path, agent, cx)?;
    // A hosted run always has the proxy.
    let request = Request { capture: request.capture || hosting.is_some(), hosting, ..request };
    execute(twins::components(found, cx)?, request, cx)
}

/// What to run: the argument, else what the project says, else the usual folders.
fn scenario_path(args: &args::Run, found: Option<&Found>, cx: &Context) -> Result<PathBuf, Failure> {
    if let Some(path) = &args.path {
        return if cx.cwd.join(path).exists() { Ok(path.clone()) } else { Err(no_scenario(path)) };
    }
    if let Some((found, tasks)) = found.and_then(|found| Some((found, found.project.tasks.as_deref()?))) {
        let path = found.resolve(tasks);
        return if path.exists() { Ok(cx.relative(&path).to_path_buf()) } else { Err(no_scenario(cx.relative(&path))) };
    }
    ["scenarios", "tasks"].iter().map(PathBuf::from).find(|folder| cx.cwd.join(folder).is_dir()).ok_or_else(|| {
        Failure::usage("no scenario is named, and there is neither `scenarios/` nor `tasks/` here")
            .hint("`pome init` creates a first scenario; `pome run <file or folder>` names one")
    })
}

fn no_scenario(path: &Path) -> Failure {
    plan_failure(&plan::Error::NoScenario { path: path.to_path_buf() })
}

/// `--agent`, `--harness`, the project's command, the project's harness, the sample agent.
fn agent(args: &args::Run, found: Option<&Found>, cx: &Context) -> Result<Agent, Failure> {
    let folder = found.map_or(cx.cwd.as_path(), |found| &found.folder);
    if let Some(command) = &args.agent {
        return if command.trim().is_empty() {
            Err(Failure::usage("`--agent` is empty"))
        } else {
            Ok(Agent::Typed(command.clone()))
        };
    }
    if let Some(file) = &args.harness {
        return harness::argv(&cx.cwd.join(file), folder).map(Agent::Argv);
    }
    if let Some(found) = found {
        if let Some(command) = &found.project.command {
            return Ok(Agent::Project(command.clone()));
        }
        if let Some(file) = &found.project.harness {
            return harness::argv(&found.resolve(file), folder).map(Agent::Argv);
        }
    }
    let sample = cx.cwd.join(SAMPLE_AGENT);
    if sample.is_file() {
        return harness::argv(&sample, folder).map(Agent::Argv);
    }
    Err(Failure::usage("no agent to run")
        .cause("neither `--agent`, `--harness` nor a project file names one")
        .hint("`pome init` writes a harness to start from; `pome run --agent \"<command>\"` names a command"))
}

fn request(
    args: &args::Run,
    found: Option<&Found>,
    path: PathBuf,
    agent: Agent,
    cx: &Context,
) -> Result<Request, Failure> {
    let project = found.map(|found| &found.project);
    let timeout = args
        .timeout
        .map(Duration::try_from_secs_f64)
        .transpose()
        .map_err(|error| Failure::usage("`--timeout` is too large").because(&error))?;
    Ok(Request {
        path,
        agent,
        runs: args.runs,
        jobs: args.jobs.map(Jobs::count),
        timeout,
        seed: args.seed.clone(),
        tags: unique(&args.tags),
        pass_threshold: args.pass_threshold,
        project_pass_threshold: project.and_then(|project| project.pass_threshold),
        artifacts_dir: artifacts_dir(args.artifacts_dir.as_deref(), found, cx),
        agent_model: args.agent_model.clone(),
        agent_version: args.agent_version.clone().or_else(|| project?.agent.version.clone()),
        agent_sdk: project.and_then(|project| project.agent.framework.clone()),
        fix_prompt: !args.no_fix_prompt,
        capture: !args.no_capture,
        ends: ends(args),
        sandbox: args.sandbox.then(|| sandbox(cx)).transpose()?,
        require_judge: args.require_judge,
        durable: false,
        hosting: None,
        environment: cx.environment.to_map(),
        supervisor: supervisor()?,
        pome_version: env!("CARGO_PKG_VERSION").to_owned(),
    })
}

/// What of the agent's traffic ends in the capture proxy.
fn ends(args: &args::Run) -> Ends {
    let routes = args.route.iter().filter_map(|routing| match routing {
        Routing::Twins => None,
        Routing::Host(route) => Some(route.clone()),
    });
    Ends { llm: args.capture_llm, twins: args.route.contains(&Routing::Twins), routes: routes.collect() }
}

/// `--artifacts-dir`, else the project's, else `runs`; relative to where the user stands when that is possible.
pub(crate) fn artifacts_dir(flag: Option<&Path>, found: Option<&Found>, cx: &Context) -> PathBuf {
    if let Some(path) = flag {
        return path.to_path_buf();
    }
    match found {
        Some(found) => {
            let name = found.project.artifacts_dir.as_deref().unwrap_or(files::DEFAULT_ARTIFACTS_DIR);
            cx.relative(&found.resolve(name)).to_path_buf()
        }
        None => PathBuf::from(files::DEFAULT_ARTIFACTS_DIR),
    }
}

/// This program again, as the process between the runner and an agent.
fn supervisor() -> Result<Vec<String>, Failure> {
    let program = std::env::current_exe()
        .map_err(|error| Failure::orchestrator("the path of this program cannot be found").because(&error))?;
    let program = program.into_os_string().into_string().map_err(|path| {
        Failure::orchestrator(format!("the path of this program is not UTF-8: `{}`", path.display()))
    })?;
    Ok(vec![program, args::SUPERVISOR.to_owned()])
}

fn sandbox(cx: &Context) -> Result<Sandbox, Failure> {
    if !cfg!(target_os = "linux") {
        return Err(
            Failure::usage("`--sandbox` works on Linux only").hint("leave it out; the agent then runs unconfined")
        );
    }
    Sandbox::from_environment(&cx.environment.to_map()).map_err(Failure::usage)
}

fn unique(tags: &[String]) -> Vec<String> {
    let mut seen = BTreeSet::new();
    tags.iter().filter(|tag| seen.insert(tag.as_str())).cloned().collect()
}

fn warn_about_vendors(folder: &Path, cx: &Context) {
    for hit in routing::scan(folder).production.iter().take(3) {
        cx.console.warn(&format!(
            "{}:{}: `{}` leads past the twins; read the address from the environment or add `--route`; see `pome doctor`",
            hit.file.display(),
            hit.line,
            hit.host
        ));
    }
}

fn execute(components: Components, request: Request, cx: &Context) -> Result<Exit, Failure> {
    let printer = Arc::new(Printer::new(cx.console.clone()));
    let runtime = runtime()?;
    let report = runtime.block_on(async {
        let interrupt = Interrupt::install()
            .map_err(|error| Failure::orchestrator("signals cannot be received").because(&error))?;
        let progress: Arc<dyn pome_run::progress::Progress> = Arc::<Printer>::clone(&printer);
        batch::run(components, request, progress, interrupt).await.map_err(|error| plan_failure(&error))
    })?;
    runtime.shutdown_background();
    printer.finish();
    if cx.console.json {
        cx.console.document(&report)?;
    }
    exit(report.exit_code)
}

fn exit(code: i32) -> Result<Exit, Failure> {
    let all = [
        Exit::Passed,
        Exit::BelowThreshold,
        Exit::Orchestrator,
        Exit::Auth,
        Exit::Quota,
        Exit::Usage,
        Exit::Interrupted,
        Exit::Terminated,
    ];
    all.into_iter()
        .find(|exit| i32::from(exit.code()) == code)
        .ok_or_else(|| Failure::orchestrator(format!("the batch ended with the unknown code {code}")))
}

fn plan_failure(error: &plan::Error) -> Failure {
    Failure::from_error(error.exit(), error).maybe_hint(error.hint())
}
