//! Components are refused before they run, by the name of what is wrong with them.

use std::path::Path;

use pome_sandbox::{Engine, LoadError};
use wasmparser::{Parser, Payload};

use crate::support::{HOSTILE, limits};

fn refusal(wat: &str) -> String {
    let bytes = wat::parse_str(wat).expect("the text is a component");
    let engine = Engine::new(limits()).expect("an engine starts");
    engine.load_bytes("guest.wasm", &bytes).expect_err("refused").to_string()
}

#[test]
fn a_twin_that_wants_files_is_refused_by_name() {
    let refusal = refusal(
        r#"(component (import "wasi:filesystem/preopens@0.2.0" (instance (export "get-directories" (func)))))"#,
    );
    assert_eq!(
        refusal,
        "component `guest.wasm` imports `wasi:filesystem/preopens@0.2.0#get-directories`, which a twin may not use; it may import \
         only `pome:twin/host@0.1`"
    );
}

#[test]
fn a_twin_that_wants_a_socket_under_a_familiar_name_is_refused() {
    let refusal = refusal(r#"(component (import "pome:twin/http@0.1.0" (instance (export "fetch" (func)))))"#);
    assert!(refusal.contains("imports `pome:twin/http@0.1.0#fetch`"), "{refusal}");
}

#[test]
fn a_host_of_another_version_is_refused() {
    let refusal =
        refusal(r#"(component (import "pome:twin/host@0.2.0" (instance (export "now" (func (result u64))))))"#);
    assert!(refusal.contains("imports `pome:twin/host@0.2.0#now`"), "{refusal}");
}

#[test]
fn a_component_without_a_twin_is_refused() {
    assert_eq!(
        refusal("(component)"),
        "component `guest.wasm` does not export `pome:twin/twin`, which every twin has to"
    );
}

#[test]
fn state_in_a_global_is_refused() {
    let refusal = refusal(
        r#"(component (core module (memory 1) (global $stack (mut i32) (i32.const 0)) (global $hidden (mut i64) (i64.const 0))))"#,
    );
    assert_eq!(
        refusal,
        "component `guest.wasm` keeps state outside its memory (2 mutable globals in core module 1), so that it cannot be forked or \
         reset"
    );
}

#[test]
fn bytes_that_are_no_component_are_refused() {
    let engine = Engine::new(limits()).expect("an engine starts");
    for bytes in [&b"<html>"[..], b"", HOSTILE.get(..4000).unwrap_or_default()] {
        let error = engine.load_bytes("guest.wasm", bytes).expect_err("refused");
        assert!(matches!(error, LoadError::Invalid { .. }), "{error}");
    }
}

#[test]
fn an_evaluator_may_import_nothing() {
    let engine = Engine::new(limits()).expect("an engine starts");
    let error = engine.load_judge_bytes("hostile", HOSTILE).expect_err("refused");
    assert!(
        matches!(&error, LoadError::ForbiddenImport { import, world: "evaluator", .. } if import.starts_with("pome:twin/")),
        "{error}"
    );
}

#[test]
fn a_missing_file_and_an_unknown_name_say_so() {
    let engine = Engine::new(limits()).expect("an engine starts");
    let error = engine.load(Path::new("nowhere.wasm")).expect_err("missing");
    assert_eq!(error.to_string(), "cannot read component `nowhere.wasm`");
    let error = engine.embedded("nobody").expect_err("unknown");
    assert!(error.to_string().starts_with("no built-in component is called `nobody`; built in are: "), "{error}");
}

#[test]
fn a_core_module_that_describes_no_interfaces_is_no_twin() {
    assert_eq!(refusal("(module)"), "component `guest.wasm` does not export `pome:twin/twin`, which every twin has to");
    let wants = refusal(r#"(module (import "env" "open" (func)))"#);
    assert!(
        wants.starts_with("`guest.wasm` is not a usable component: the module cannot become a component: "),
        "{wants}"
    );
    let engine = Engine::new(limits()).expect("an engine starts");
    let broken = engine.load_bytes("guest.wasm", b"\0asm\x01\0\0\0\x0a\xff\xff").expect_err("refused");
    assert!(matches!(broken, LoadError::Invalid { .. }), "{broken}");
}

/// A twin that no Pome knows, from the examples.
const HELPDESK: &[u8] = include_bytes!("../../examples/twin-helpdesk/prebuilt/helpdesk.wasm");

/// The component with a core function of this name that ends at once.
fn ending_in(bytes: &[u8], export: &str) -> Vec<u8> {
    let (mut imported, mut target, mut bodies) = (0, None, Vec::new());
    for payload in Parser::new(0).parse_all(bytes) {
        match payload.expect("a component") {
            Payload::ModuleSection { .. } if target.is_none() => (imported, bodies) = (0, Vec::new()),
            Payload::ImportSection(imports) if target.is_none() => {
                let functions = imports
                    .into_imports()
                    .filter(|import| matches!(import.as_ref().expect("an import").ty, wasmparser::TypeRef::Func(_)));
                imported = functions.count();
            }
            Payload::ExportSection(exports) if target.is_none() => {
                target = exports.into_iter().map(|found| found.expect("an export")).find(|found| found.name == export);
            }
            Payload::CodeSectionEntry(body) => bodies.push(body),
            Payload::ModuleSection { .. } => break,
            _ => {}
        }
    }
    let index = usize::try_from(target.expect("the export").index).expect("small") - imported;
    let mut code = bodies[index].get_operators_reader().expect("code");
    let start = code.original_position();
    code.read().expect("an instruction");
    // `unreachable` in place of the first instruction, filled up: behind it anything is valid.
    let mut patched = bytes.to_vec();
    patched[start..code.original_position()].fill(0x01);
    patched[start] = 0x00;
    patched
}

#[test]
fn a_component_that_traps_in_describe_is_refused_with_its_reason() {
    let engine = Engine::new(limits()).expect("an engine starts");
    engine.load_bytes("desk.wasm", HELPDESK).expect("the example is a proper twin");
    let patched = ending_in(HELPDESK, "pome:twin/twin@0.1.0#describe");
    let error = engine.load_bytes("desk.wasm", &patched).expect_err("refused");
    assert_eq!(error.to_string(), "component `desk.wasm` could not describe itself");
    let source = std::error::Error::source(&error).expect("a reason").to_string();
    assert!(source.starts_with("twin `desk.wasm` trapped: describe"), "{source}");
}
