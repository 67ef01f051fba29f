//! Twins by name or by the path of a component.

use std::path::Path;

use pome_sandbox::{Component, Engine, Limits, LoadError};
use pome_wire::Exit;

use crate::context::Context;
use crate::failure::Failure;
use crate::nearest;

/// The twin of most projects, used where nothing names one.
pub(crate) const DEFAULT: &str = "github";

pub(crate) fn engine() -> Result<Engine, Failure> {
    Engine::new(Limits::default()).map_err(|error| load_failure(&error))
}

/// A built-in twin, or the component at a path: whatever ends in `.wasm` or contains a slash.
pub(crate) fn component(engine: &Engine, name: &str, cx: &Context) -> Result<Component, Failure> {
    if is_path(name) {
        return engine.load(&cx.cwd.join(name)).map_err(|error| load_failure(&error));
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

pub(crate) fn is_path(name: &str) -> bool {
    name.contains(['/', '\\']) || Path::new(name).extension().is_some_and(|extension| extension == "wasm")
}

fn load_failure(error: &LoadError) -> Failure {
    let exit = match error {
        LoadError::Unknown { .. } => Exit::Usage,
        LoadError::Read { source, .. } if source.kind() == std::io::ErrorKind::NotFound => Exit::Usage,
        LoadError::Engine { .. }
        | LoadError::Read { .. }
        | LoadError::Invalid { .. }
        | LoadError::ForbiddenImport { .. }
        | LoadError::MissingExport { .. }
        | LoadError::WrongTypes { .. }
        | LoadError::StateOutsideMemory { .. }
        | LoadError::Describe { .. } => Exit::Orchestrator,
    };
    Failure::from_error(exit, error)
}
