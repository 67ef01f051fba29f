//! Which registered agent hosted runs belong to: as the project file says, kept in `.pome/link.json` once it is known.
//!
//! A run without one is fine, so whatever goes wrong is a warning.

use std::io::IsTerminal as _;
use std::path::Path;

use pome_hosted::Registration;
use pome_run::hosting::AgentIdentity;
use pome_wire::control::{Agent, RegisterAgent};
use pome_wire::project::slug_of;

use crate::context::Context;
use crate::failure::Failure;
use crate::link;
use crate::plane::Plane;
use crate::project::{self, Found};

/// The agent of the project around the scenarios; none without a project file.
pub(super) fn of(scenarios: &Path, plane: &Plane, cx: &Context) -> Result<Option<AgentIdentity>, Failure> {
    let path = cx.cwd.join(scenarios);
    let start = if path.is_dir() { path.as_path() } else { path.parent().unwrap_or(&cx.cwd) };
    let Some(found) = project::discover(start)? else { return Ok(None) };
    let slug = slug(&found);
    if let Some(id) = found.project.agent.id.clone() {
        return Ok(Some(AgentIdentity { id, slug }));
    }
    // The team is only asked for when something depends on it.
    let team = if link::exists(&found.folder) { team(plane) } else { None };
    if let Some(link) = team.and_then(|team| link::read(&found.folder, &team)) {
        return Ok(Some(AgentIdentity { id: link.agent_id, slug }));
    }
    Ok(register(&found, slug, plane, cx).inspect(|agent| remember(&found, &agent.id, plane, cx)))
}

fn slug(found: &Found) -> Option<String> {
    let of_folder = || found.folder.file_name().map(|name| slug_of(&name.to_string_lossy()));
    found.project.agent.slug.clone().or_else(of_folder).filter(|slug| !slug.is_empty())
}

fn team(plane: &Plane) -> Option<String> {
    plane.credentials.team_id.clone().or_else(|| plane.client.me().ok().map(|me| me.team.id))
}

fn register(found: &Found, slug: Option<String>, plane: &Plane, cx: &Context) -> Option<AgentIdentity> {
    let agent = &found.project.agent;
    let twins = found.project.twins.clone().unwrap_or_default();
    let document = RegisterAgent {
        name: agent.name.clone().or_else(|| slug.clone())?,
        slug,
        description: agent.description.clone(),
        version: agent.version.clone(),
        framework: agent.framework.clone(),
        twins: twins.into_iter().filter(|twin| !pome_scenario::is_path(twin)).collect(),
        confirm: false,
    };
    match plane.client.register_agent(&document) {
        Ok(Registration::Registered(agent)) => Some(identity(*agent)),
        Ok(Registration::NearMiss(near)) => {
            let near = near.map(|near| format!(" (`{near}`)")).unwrap_or_default();
            let asking = std::io::stdin().is_terminal() && !cx.environment.is_set("CI");
            if asking {
                cx.console.warn(&format!(
                    "another agent{near} has almost this name, so the run belongs to none; `pome register agent` decides"
                ));
                return None;
            }
            cx.console.warn(&format!("another agent{near} has almost this name; a new one is registered"));
            match plane.client.register_agent(&RegisterAgent { confirm: true, ..document }) {
                Ok(Registration::Registered(agent)) => Some(identity(*agent)),
                Ok(Registration::NearMiss(_)) => None,
                Err(error) => unattributed(&error, cx),
            }
        }
        Err(error) => unattributed(&error, cx),
    }
}

fn identity(agent: Agent) -> AgentIdentity {
    AgentIdentity { id: agent.id, slug: Some(agent.slug).filter(|slug| !slug.is_empty()) }
}

fn unattributed(error: &pome_hosted::Error, cx: &Context) -> Option<AgentIdentity> {
    cx.console.warn(&format!("the run belongs to no agent: {error}: {}", error.cause));
    None
}

/// Keeps the answer for the next run; without the team's id it could not be trusted then.
fn remember(found: &Found, agent_id: &str, plane: &Plane, cx: &Context) {
    let Some(team_id) = team(plane) else { return };
    if let Err(error) = link::write(&found.folder, agent_id, &team_id) {
        let file = link::file(&found.folder);
        cx.console.warn(&format!("`{}` cannot be written: {error}", file.display()));
    }
}
