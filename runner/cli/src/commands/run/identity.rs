//! Which registered agent hosted runs belong to: as the project file says, kept in `.pome/link.json` once it is known.
//!
//! A run without one is fine, so whatever goes wrong is a warning.

use std::path::Path;

use pome_run::hosting::AgentIdentity;
use pome_wire::control::RegisterAgent;
use pome_wire::project::slug_of;

use crate::commands::register;
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
    // Whose link it is matters only where there is one.
    let team = if link::exists(&found.folder) { plane.team().ok() } else { None };
    if let Some(link) = team.and_then(|team| link::read(&found.folder, &team)) {
        return Ok(Some(AgentIdentity { id: link.agent_id, slug }));
    }
    let Some(document) = document(&found, slug) else { return Ok(None) };
    match register::register(document, plane, cx) {
        Ok(agent) => {
            remember(&found, &agent.id, plane, cx);
            Ok(Some(AgentIdentity { id: agent.id, slug: Some(agent.slug).filter(|slug| !slug.is_empty()) }))
        }
        Err(failure) => {
            let why = std::iter::once(&failure.message).chain(&failure.causes).cloned().collect::<Vec<_>>();
            cx.console.warn(&format!("the run belongs to no agent: {}", why.join(": ")));
            Ok(None)
        }
    }
}

fn slug(found: &Found) -> Option<String> {
    let of_folder = || found.folder.file_name().map(|name| slug_of(&name.to_string_lossy()));
    found.project.agent.slug.clone().or_else(of_folder).filter(|slug| !slug.is_empty())
}

fn document(found: &Found, slug: Option<String>) -> Option<RegisterAgent> {
    let agent = &found.project.agent;
    let twins = found.project.twins.clone().unwrap_or_default();
    Some(RegisterAgent {
        name: agent.name.clone().or_else(|| slug.clone())?,
        slug,
        description: agent.description.clone(),
        version: agent.version.clone(),
        framework: agent.framework.clone(),
        twins: twins.into_iter().filter(|twin| !pome_scenario::is_path(twin)).collect(),
        confirm: false,
    })
}

/// Keeps the answer for the next run; without the team's id it could not be trusted then.
fn remember(found: &Found, agent_id: &str, plane: &Plane, cx: &Context) {
    let written = plane.team().map(|team| link::write(&found.folder, agent_id, &team));
    if let Ok(Err(error)) = written {
        cx.console.warn(&format!("`.pome/link.json` cannot be written: {error}"));
    }
}
