//! From a core module, as `cargo build` leaves it, to a component.

use std::borrow::Cow;

use wasmparser::{Parser, Validator};
use wit_component_of_wasmtime::ComponentEncoder;

use crate::error::LoadError;

/// The bytes as they are when they are a component; of a module the component that it describes in its `component-type` section.
/// The same module gives the same component.
pub(crate) fn component<'a>(name: &str, bytes: &'a [u8]) -> Result<Cow<'a, [u8]>, LoadError> {
    if !Parser::is_core_wasm(bytes) {
        return Ok(Cow::Borrowed(bytes));
    }
    let invalid = |reason: String| LoadError::Invalid { name: name.to_owned(), reason };
    // The encoder is made for what compilers write, so what is no module does not get there.
    Validator::new().validate_all(bytes).map_err(|error| invalid(error.to_string()))?;
    ComponentEncoder::default()
        .module(bytes)
        .and_then(|mut encoder| encoder.encode())
        .map(Cow::Owned)
        .map_err(|error| invalid(format!("the module cannot become a component: {error:#}")))
}
