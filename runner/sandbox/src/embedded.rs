// The built-in components, the only place of the runner that names vendors. Only the build script includes this file; it
// precompiles what is listed here and present in `twins-wasm/prebuilt/`.

/// Twins, by the name of their component.
pub(crate) const TWIN_NAMES: &[&str] = &["github", "stripe", "slack"];

/// Components that only judge: `cel` reads expressions.
pub(crate) const EVALUATOR_NAMES: &[&str] = &["cel"];
