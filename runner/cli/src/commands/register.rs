//! `pome register agent`: the agent of this project gets a name at the control plane.

mod write_back;

use std::io::{self, IsTerminal as _};

use pome_hosted::{Registration, links};
use pome_wire::control::{Agent, RegisterAgent, ResolvedVia};
use pome_wire::{Exit, env};

use crate::args::{self, RegisterCommand};
use crate::context::Context;
use crate::failure::Failure;
use crate::plane::{self, Plane, failure};
use crate::render::ask;
use crate::{link, project};

pub(crate) fn run(args: &args::Register, cx: &Context) -> Result<Exit, Failure> {
    let RegisterCommand::Agent { name, force, twins } = &args.command;
    if name.trim().is_empty() {
        return Err(Failure::usage("the name of the agent is empty"));
    }
    let Some(found) = project::find(&cx.cwd, &cx.console)? else {
        return Err(Failure::usage("there is no project file here or above").hint("`pome init` writes one"));
    };
    let account = plane::connect(cx)?;
    let team = account.team()?;
    if !force && let Some(link) = link::read(&found.folder, &team) {
        cx.console
            .say(&format!("this project is linked to the agent {} already; `--force` registers again", link.agent_id));
        return Ok(Exit::Passed);
    }
    let own = &found.project.agent;
    let twins = if twins.is_empty() { found.project.twins.clone().unwrap_or_default() } else { twins.clone() };
    let document = RegisterAgent {
        name: name.trim().to_owned(),
        slug: own.slug.clone(),
        description: own.description.clone(),
        version: own.version.clone(),
        framework: own.framework.clone(),
        twins,
        confirm: false,
    };
    let agent = register(document, &account, cx)?;
    if agent.resolved_via == Some(ResolvedVia::Alias) {
        let before = own.slug.as_deref().unwrap_or(name);
        cx.console.note(&format!("the agent `{before}` is called `{}` now", agent.slug));
    }
    if let Some(hint) = &agent.hint {
        cx.console.note(hint);
    }
    remember(&found, &agent, &team, name.trim(), cx)?;
    report(&agent, &account, cx);
    Ok(Exit::Passed)
}

/// Registers the agent; asks when another one is called almost the same.
pub(crate) fn register(mut document: RegisterAgent, account: &Plane, cx: &Context) -> Result<Agent, Failure> {
    let send = |document: &RegisterAgent| account.client.register_agent(document).map_err(|error| failure(&error));
    let suggestion = match send(&document)? {
        Registration::Registered(agent) => return Ok(*agent),
        Registration::NearMiss(suggestion) => suggestion,
    };
    match suggestion {
        Some(slug) if wants(&slug, cx)? => document.slug = Some(slug),
        _ => document.confirm = true,
    }
    match send(&document)? {
        Registration::Registered(agent) => Ok(*agent),
        Registration::NearMiss(_) => {
            Err(Failure::orchestrator("the server still finds the name too close to another one"))
        }
    }
}

/// Whether the person means the agent that is there already.
fn wants(slug: &str, cx: &Context) -> Result<bool, Failure> {
    if !io::stdin().is_terminal() || cx.environment.is_set(env::CI) {
        cx.console.warn(&format!("an agent `{slug}` is called almost the same; a new one is registered"));
        return Ok(false);
    }
    let answer = ask(&format!("did you mean the agent `{slug}`? [y/N] "))
        .map_err(|error| Failure::orchestrator("the answer cannot be read").because(&error))?;
    Ok(answer.is_some_and(|answer| matches!(answer.to_lowercase().as_str(), "y" | "yes")))
}

/// Writes what was registered into the project file, and the link beside it.
fn remember(found: &project::Found, agent: &Agent, team: &str, name: &str, cx: &Context) -> Result<(), Failure> {
    let file = cx.relative(&found.path).display().to_string();
    match write_back::write(found, agent, name) {
        Ok(true) => cx.console.say(&format!("wrote `{file}`")),
        Ok(false) => {}
        Err(write_back::Error::Form) => cx.console.warn(&format!(
            "`{file}` is left as it is, because its form is unusual; set `agent.slug` to `{}` yourself",
            agent.slug
        )),
        Err(write_back::Error::File(error)) => {
            return Err(Failure::orchestrator(format!("`{file}` cannot be written")).because(&error));
        }
    }
    link::write(&found.folder, &agent.id, team)
        .map_err(|error| Failure::orchestrator("`.pome/link.json` cannot be written").because(&error))
}

fn report(agent: &Agent, account: &Plane, cx: &Context) {
    let console = &cx.console;
    let lines = [
        Some(format!("agent: {}", agent.id)),
        Some(format!("slug: {}", agent.slug)),
        agent.judge_model.as_ref().map(|model| format!("judge: {model}")),
        agent
            .enabled_services
            .as_ref()
            .map(|twins| format!("twins: {}", if twins.is_empty() { "none".to_owned() } else { twins.join(", ") })),
        Some(format!("cloud: {}", links::agent(&account.dashboard, &agent.slug))),
    ];
    for line in lines.into_iter().flatten() {
        console.say(&crate::render::plain(&line));
    }
}
