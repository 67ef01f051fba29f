//! Twins by name or by the path of a component.

use std::path::PathBuf;

use pome_run::plan::Components;
use pome_sandbox::{Component, Engine, Limits, LoadError};
use pome_scenario::is_path;

use crate::context::Context;
use crate::failure::Failure;
use crate::nearest;
use crate::project::Found;

/// The twin of most projects, used where nothing names one.
pub(crate) const DEFAULT: &str = "github";

pub(crate) fn engine() -> Result<Engine, Failure> {
    Engine::new(Limits::default()).map_err(|error| load_failure(&error))
}

/// A built-in twin, or the component at a path: whatever ends in `.wasm` or contains a slash.
pub(crate) fn component(engine: &Engine, name: &str, cx: &Context) -> Result<Component, Failure> {
    if is_path(name) {
        return engine
            .load(&cx.cwd.join(name.strip_prefix("./").unwrap_or(name)))
            .map_err(|error| load_failure(&error));
    }
    embedded(engine, name)
}

/// A built-in twin.
pub(crate) fn embedded(engine: &Engine, name: &str) -> Result<Component, Failure> {
    engine.embedded(name).map_err(|error| match error {
        LoadError::Unknown { .. } => unknown(engine, name),
        error => load_failure(&error),
    })
}

/// Nobody knows this twin.
pub(crate) fn unknown(engine: &Engine, name: &str) -> Failure {
    let names = engine.embedded_names();
    let near = nearest::among(name, names.iter().copied());
    let known =
        format!("built in: {}; a component of your own is named by its path, `./{name}.wasm`", names.join(", "));
    let hint = if near.is_empty() { known } else { format!("did you mean {}? {known}", near.join(" or ")) };
    Failure::usage(format!("no twin is called `{name}`")).hint(hint)
}

/// Why a component cannot be used, with what to do about it.
pub(crate) fn load_failure(error: &LoadError) -> Failure {
    Failure::from_error(error.exit(), error).hint(error.hint())
}

/// The twins that scenarios of a project may use: the built-in ones, component files, and those that the project names.
pub(crate) fn components(found: Option<&Found>, cx: &Context) -> Result<Components, Failure> {
    let engine = engine()?;
    let mut components = Components::built_in(engine.clone());
    for (entry, file) in of_project(found) {
        let component = engine.load(&file).map_err(|error| {
            let path = found.map_or(file.as_path(), |found| cx.relative(&found.path));
            Failure::new(error.exit(), format!("{}: `twins`: `{entry}` is not a twin that can be used", path.display()))
                .because(&error)
                .hint(error.hint())
        })?;
        components = components.with(component);
    }
    Ok(components)
}

/// The component files that the project names, as it names them and where they are.
fn of_project(found: Option<&Found>) -> impl Iterator<Item = (&str, PathBuf)> {
    let entries = found.and_then(|found| Some((found, found.project.twins.as_deref()?)));
    entries.into_iter().flat_map(|(found, entries)| {
        entries.iter().filter(|entry| is_path(entry)).map(move |entry| (entry.as_str(), found.resolve(entry)))
    })
}
