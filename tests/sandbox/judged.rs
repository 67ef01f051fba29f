//! Judging: fresh instances, deterministic fuel, no clock.

use pome_sandbox::{Binding, FaultKind, Material, Verdict};

use crate::support::hostile;

fn material(text: &str) -> Material<'_> {
    Material { text, final_state: Some(b"{\"count\":3,\"ballast\":0}"), ..Material::default() }
}

#[test]
fn a_criterion_is_judged_by_a_fresh_instance() {
    let judge = hostile().judge();
    assert!(matches!(judge.bind("count is 3"), Ok(Binding::Bound(bound)) if bound.matcher == "hostile.count"));
    assert_eq!(judge.bind("something else"), Ok(Binding::Unmatched));

    let outcome = judge.evaluate(&material("count is 3")).expect("judged");
    assert_eq!((outcome.verdict, outcome.reason.as_str()), (Verdict::Passed, "leftover 0"));
    assert_eq!(judge.evaluate(&material("count is 4")).expect("judged").verdict, Verdict::Failed);
    // What one criterion leaves in its memory, the next does not see.
    assert_eq!(judge.evaluate(&material("leave")).expect("judged").reason, "leftover 1");
    assert_eq!(judge.evaluate(&material("leave")).expect("judged").reason, "leftover 1");
}

#[test]
fn a_check_that_misbehaves_is_stopped_and_named() {
    let judge = hostile().judge();
    for (text, kind, says) in [
        ("loop", FaultKind::Fuel, "all fuel consumed"),
        ("allocate", FaultKind::Fuel, "all fuel consumed"),
        ("clock", FaultKind::BadAnswer, "pome:twin/host@0.1.0#now"),
    ] {
        let fault = judge.evaluate(&material(text)).expect_err(text);
        assert_eq!(fault.kind, kind, "{fault}");
        assert!(fault.message.starts_with(&format!("criterion `{text}`: ")), "{fault}");
        assert!(fault.message.contains(says), "{fault}");
    }
    assert_eq!(judge.bind("trap").expect_err("trap").kind, FaultKind::Trap);
    assert_eq!(judge.evaluate(&material("count is 3")).expect("judged").verdict, Verdict::Passed);
}
