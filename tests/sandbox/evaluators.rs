//! Evaluators of a project: each misbehaviour is named, and what they find around them stands still.

use std::path::Path;
use std::sync::OnceLock;
use std::time::Duration;

use pome_sandbox::{Cache, Case, Engine, Evaluator, FaultKind, Limits, LoadError, Verdict};

/// An evaluator that misbehaves on request, built by `cargo xtask components`.
fn hostile_bytes() -> Vec<u8> {
    let path = concat!(env!("CARGO_MANIFEST_DIR"), "/guests/prebuilt/hostile-evaluator.wasm");
    std::fs::read(path).expect("`cargo xtask components` builds it")
}

fn limits() -> Limits {
    Limits { memory: 64 << 20, judge_fuel: 100_000_000, cache: Cache::Off, ..Limits::default() }
}

fn hostile() -> Evaluator {
    static EVALUATOR: OnceLock<Evaluator> = OnceLock::new();
    let load = || load("hostile", &hostile_bytes()).expect("the hostile evaluator is a proper component");
    EVALUATOR.get_or_init(load).clone()
}

fn load(name: &str, bytes: &[u8]) -> Result<Evaluator, LoadError> {
    Engine::new(limits()).expect("an engine starts").load_evaluator_bytes(name, bytes)
}

fn case(text: &str) -> Case<'_> {
    Case {
        id: "crit_0",
        text,
        twins: &["github"],
        config: "{}",
        clock: 1_767_225_600_250,
        random_seed: 7,
        ..Case::default()
    }
}

#[test]
fn an_outcome_comes_with_its_evidence_or_not_at_all() {
    let judged = |text| hostile().evaluate(&case(text)).expect(text).outcome;
    let failed = judged("fails").expect("a sentence of its own");
    assert_eq!((failed.verdict, failed.reason.as_str()), (Verdict::Failed, "as asked"));
    assert_eq!((failed.state_paths, failed.event_ids), (vec!["/count".to_owned()], vec!["e1".to_owned()]));
    for (text, verdict) in [("passes", Verdict::Passed), ("skips", Verdict::Skipped), ("errs", Verdict::Errored)] {
        assert_eq!(judged(text).map(|outcome| outcome.verdict), Some(verdict));
    }
    assert_eq!(judged("somebody else's sentence"), None);
}

#[test]
fn every_misbehaviour_of_an_evaluator_is_named() {
    for (text, kind, says) in [
        ("loops", FaultKind::Fuel, "all fuel consumed"),
        ("waits for the clock", FaultKind::Fuel, "all fuel consumed"),
        ("allocates", FaultKind::Memory, "may have 67108864"),
        ("recurses", FaultKind::Stack, "call stack exhausted"),
        ("traps", FaultKind::Trap, "unreachable"),
        ("exits", FaultKind::Trap, "it exited with 1"),
        ("floods", FaultKind::Memory, "may have 67108864"),
        ("draws", FaultKind::BadAnswer, "random bytes at once"),
    ] {
        let fault = hostile().evaluate(&case(text)).expect_err(text);
        assert_eq!(fault.kind, kind, "{text}: {fault}");
        assert!(fault.to_string().starts_with("evaluator `hostile` "), "{fault}");
        assert!(fault.to_string().contains(says), "{text}: {fault}");
        // The next criterion finds everything as it was.
        let next = hostile().evaluate(&case("counts")).expect("judged").outcome.expect("its own");
        assert_eq!(next.reason, "1");
    }
}

#[test]
fn an_answer_has_to_be_short() {
    let roomy = Limits { memory: 512 << 20, judge_fuel: 20_000_000_000, ..limits() };
    let engine = Engine::new(roomy).expect("an engine starts");
    let evaluator = engine.load_evaluator_bytes("hostile", &hostile_bytes()).expect("loaded");
    assert_eq!(evaluator.evaluate(&case("floods")).expect_err("too large").kind, FaultKind::AnswerTooLarge);
}

#[test]
fn an_endless_loop_ends_in_time_where_there_is_fuel_for_ever() {
    let patient = Limits { judge_fuel: u64::MAX, judge_deadline: Duration::from_millis(300), ..limits() };
    let engine = Engine::new(patient).expect("an engine starts");
    let evaluator = engine.load_evaluator_bytes("hostile", &hostile_bytes()).expect("loaded");
    assert_eq!(evaluator.evaluate(&case("loops")).expect_err("endless").kind, FaultKind::Deadline);
}

#[test]
fn nothing_around_an_evaluator_moves() {
    let told = |case: &Case<'_>| hostile().evaluate(case).expect("judged").outcome.expect("its own").reason;
    let first = told(&case("tells"));
    assert_eq!(
        first,
        "times [(1767225600, 250000000, 1767225600250000000), (1767225600, 250000000, 1767225600250000000)] \
         draws (7191089600892374487, 309689372594955804, [2, 42, 177]) around (0, 0) clock 1767225600250 seed 7 config {} \
         twins [\"github\"] twin None redacted false"
    );
    assert_eq!(told(&case("tells")), first);
    assert_ne!(told(&Case { random_seed: 8, ..case("tells") }), first);
    let evaluated = hostile().evaluate(&case("tells")).expect("judged");
    assert_eq!(evaluated.fuel, hostile().evaluate(&case("tells")).expect("judged").fuel, "the same work each time");
}

#[test]
fn waiting_takes_no_time() {
    let outcome = hostile().evaluate(&case("waits")).expect("judged").outcome.expect("its own");
    assert_eq!(outcome.reason, "an hour later");
}

fn component(text: &str) -> Vec<u8> {
    wat::parse_str(text).expect("the text is a component")
}

#[test]
fn what_is_no_evaluator_is_refused_before_it_runs() {
    let refused = |bytes: &[u8]| load("odd", bytes).expect_err("refused").to_string();
    assert_eq!(
        refused(&component(
            r#"(component
                (import "wasi:http/outgoing-handler@0.2.0" (instance (export "handle" (func)))))"#
        )),
        "component `odd` imports `wasi:http/outgoing-handler@0.2.0#handle`, which an evaluator may not use; it may import only \
         WASI 0.2 `cli`, `clocks`, `filesystem`, `io`, `random` and `sockets` (which are refused)"
    );
    for import in ["pome:twin/host@0.1.0", "wasi:clocks/wall-clock@0.3.0", "wasi:keyvalue/store@0.2.0", "secrets"] {
        let text = format!(r#"(component (import "{import}" (instance (export "f" (func)))))"#);
        assert!(refused(&component(&text)).contains(import), "{import}");
    }
    assert_eq!(
        refused(&component("(component)")),
        "component `odd` does not export `pome:evaluator/evaluation`, which every evaluator has to"
    );
    let wrong = component(
        r#"(component
            (core module $m (func (export "f") (result i32) i32.const 1))
            (core instance $i (instantiate $m))
            (func $f (result u32) (canon lift (core func $i "f")))
            (instance $e (export "evaluate" (func $f)))
            (export "pome:evaluator/evaluation@0.1.0" (instance $e)))"#,
    );
    // The engine looks at types when it connects an instance.
    let wrong = load("odd", &wrong).expect("the names are right").evaluate(&case("x")).expect_err("the types are not");
    assert_eq!(wrong.kind, FaultKind::BadAnswer, "{wrong}");
    // An import of the right name and another type.
    let other = refused(&component(
        r#"(component
            (import "wasi:random/random@0.2.0" (instance (export "get-random-u64" (func (result string))))))"#,
    ));
    assert!(other.contains("does not export") || other.contains("does not fit"), "{other}");
    let twin = load("twin", crate::support::HOSTILE).expect_err("refused").to_string();
    assert!(twin.contains("pome:twin/host"), "{twin}");
    assert!(refused(b"\0asm\x01\0\0\0").contains("it is a core module, not a component"));
    assert!(refused(b"").contains("`odd` is not a usable component"));
    assert!(refused(b"#!/bin/sh").contains("`odd` is not a usable component"));
    let engine = Engine::new(limits()).expect("an engine starts");
    let missing = engine.load_evaluator("gone", Path::new("/nowhere/gone.wasm")).expect_err("missing");
    assert_eq!(missing.to_string(), "cannot read component `/nowhere/gone.wasm`");
}
