//! What a component asks for and offers, looked at before any of it runs.

use wasmparser::{Parser, Payload};
use wasmtime::component::Component;
use wasmtime::component::types::ComponentItem;

use crate::error::LoadError;

/// Interfaces of `pome:twin` that carry functions to call. Everything else that a twin imports must carry types only.
const HOST: &str = "pome:twin/host";

/// Interfaces whose types the exports of a twin use; they show up as imports without functions.
const TYPES: &[&str] = &["pome:twin/http", "pome:twin/describe"];

const TWIN: &str = "pome:twin/twin";
const CHECKS: &str = "pome:evaluator/checks";
const EVALUATION: &str = "pome:evaluator/evaluation";

/// The versions of `pome:twin` and `pome:evaluator` that this program speaks.
const VERSION: &str = "0.1.";

/// Checks a twin's imports and exports.
pub(crate) fn twin(name: &str, component: &Component) -> Result<(), LoadError> {
    let engine = component.engine();
    let ty = component.component_type();
    for (import, item) in ty.imports(engine) {
        let allowed = is(import, HOST) || (TYPES.iter().any(|types| is(import, types)) && only_types(engine, &item.ty));
        if !allowed {
            return Err(LoadError::ForbiddenImport {
                name: name.to_owned(),
                import: named(engine, import, &item.ty),
                world: "twin",
                allowed: "only `pome:twin/host@0.1`",
            });
        }
    }
    for export in [TWIN, CHECKS] {
        if !ty.exports(engine).any(|(given, _)| is(given, export)) {
            return Err(missing(name, export, "twin"));
        }
    }
    Ok(())
}

/// Checks the imports and exports of a component that only judges.
pub(crate) fn evaluator(name: &str, component: &Component) -> Result<(), LoadError> {
    let engine = component.engine();
    let ty = component.component_type();
    if let Some((import, item)) = ty.imports(engine).next() {
        return Err(LoadError::ForbiddenImport {
            name: name.to_owned(),
            import: named(engine, import, &item.ty),
            world: "evaluator",
            allowed: "nothing",
        });
    }
    if !ty.exports(engine).any(|(given, _)| is(given, CHECKS)) {
        return Err(missing(name, CHECKS, "evaluator"));
    }
    Ok(())
}

/// Interfaces of WASI that an evaluator of a project may import. Sockets are there because tools for other languages import them
/// without using them; their calls are refused.
const WASI: &[&str] = &["wasi:cli/", "wasi:clocks/", "wasi:filesystem/", "wasi:io/", "wasi:random/", "wasi:sockets/"];

/// Checks the imports and exports of an evaluator of a project.
pub(crate) fn project_evaluator(name: &str, component: &Component) -> Result<(), LoadError> {
    let engine = component.engine();
    let ty = component.component_type();
    for (import, item) in ty.imports(engine) {
        let wasi = WASI.iter().any(|package| import.starts_with(package))
            && import.split_once('@').is_some_and(|(_, version)| version.starts_with("0.2."));
        if !wasi {
            return Err(LoadError::ForbiddenImport {
                name: name.to_owned(),
                import: named(engine, import, &item.ty),
                world: "evaluator",
                allowed: "only WASI 0.2 `cli`, `clocks`, `filesystem`, `io`, `random` and `sockets` (which are refused)",
            });
        }
    }
    if !ty.exports(engine).any(|(given, _)| is(given, EVALUATION)) {
        return Err(missing(name, EVALUATION, "evaluator"));
    }
    Ok(())
}

/// Whether the bytes are a plain WebAssembly module.
pub(crate) fn is_core_module(bytes: &[u8]) -> bool {
    Parser::is_core_wasm(bytes)
}

fn missing(name: &str, export: &'static str, world: &'static str) -> LoadError {
    LoadError::MissingExport { name: name.to_owned(), export, world }
}

/// Whether `given` is the interface `wanted` in a version that is understood.
fn is(given: &str, wanted: &str) -> bool {
    given
        .strip_prefix(wanted)
        .and_then(|rest| rest.strip_prefix('@'))
        .is_some_and(|version| version.starts_with(VERSION))
}

fn only_types(engine: &wasmtime::Engine, item: &ComponentItem) -> bool {
    match item {
        ComponentItem::ComponentInstance(instance) => {
            instance.exports(engine).all(|(_, item)| matches!(item.ty, ComponentItem::Type(_)))
        }
        _ => false,
    }
}

/// An import with the first function in it, which says more than the interface alone.
fn named(engine: &wasmtime::Engine, import: &str, item: &ComponentItem) -> String {
    let function = match item {
        ComponentItem::ComponentInstance(instance) => instance
            .exports(engine)
            .find(|(_, item)| matches!(item.ty, ComponentItem::ComponentFunc(_)))
            .map(|(function, _)| function.to_owned()),
        _ => None,
    };
    match function {
        Some(function) => format!("{import}#{function}"),
        None => import.to_owned(),
    }
}

/// Refuses code that keeps state where an image does not reach: in globals other than the stack pointer. Images hold linear memory
/// only; the stack pointer is back at its start whenever no call is running.
pub(crate) fn state_outside_memory(name: &str, bytes: &[u8]) -> Result<(), LoadError> {
    let invalid =
        |error: wasmparser::BinaryReaderError| LoadError::Invalid { name: name.to_owned(), reason: error.to_string() };
    let outside = |what: String| LoadError::StateOutsideMemory { name: name.to_owned(), what };
    let mut module = 0;
    let mut mutable = 0;
    for payload in Parser::new(0).parse_all(bytes) {
        match payload.map_err(invalid)? {
            Payload::ModuleSection { .. } => {
                module += 1;
                mutable = 0;
            }
            Payload::GlobalSection(globals) => {
                for global in globals {
                    if global.map_err(invalid)?.ty.mutable {
                        mutable += 1;
                    }
                }
                if mutable > 1 {
                    return Err(outside(format!("{mutable} mutable globals in core module {module}")));
                }
            }
            Payload::CodeSectionEntry(body) => {
                for operator in body.get_operators_reader().map_err(invalid)? {
                    if writes_table(&operator.map_err(invalid)?) {
                        return Err(outside(format!("code that changes a table in core module {module}")));
                    }
                }
            }
            _ => {}
        }
    }
    Ok(())
}

fn writes_table(operator: &wasmparser::Operator<'_>) -> bool {
    use wasmparser::Operator::{ElemDrop, TableCopy, TableFill, TableGrow, TableInit, TableSet};
    matches!(
        operator,
        TableSet { .. } | TableGrow { .. } | TableFill { .. } | TableCopy { .. } | TableInit { .. } | ElemDrop { .. }
    )
}
