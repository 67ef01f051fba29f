//! What a misbehaving guest does stays in its own world.

use pome_sandbox::{FaultKind, OpenError, ToolCall, WorldOptions};

use crate::support::{body, get, hostile, impatient, limits, load, open, post, seeded};

/// Each misbehaviour with the kind of fault it is, and something its message has to say.
const MISBEHAVIOURS: &[(&str, FaultKind, &str)] = &[
    ("loop", FaultKind::Deadline, "GET /loop"),
    ("allocate", FaultKind::Memory, "bytes of memory, may have 268435456"),
    ("recurse", FaultKind::Stack, "call stack exhausted"),
    ("trap", FaultKind::Trap, "unreachable"),
    ("panic", FaultKind::Trap, "its last words: about to panic"),
    ("huge", FaultKind::AnswerTooLarge, "more than one answer may hold"),
];

#[test]
fn every_misbehaviour_is_named_and_leaves_other_worlds_alone() {
    let hostile = hostile();
    let mut bystander = seeded(&hostile, "41");
    for (route, kind, says) in MISBEHAVIOURS {
        let mut world = match kind {
            FaultKind::Deadline => open(&impatient()),
            _ => open(&hostile),
        };
        let fault = get(&mut world, &format!("/{route}")).expect_err(route);
        assert_eq!(
            (fault.kind, fault.twin.as_str(), fault.action.as_deref()),
            (*kind, "hostile", Some(*route)),
            "{fault}"
        );
        assert!(fault.message.contains(says), "{fault}");

        assert!(world.is_dead());
        assert_eq!(world.memory_bytes(), 0, "the memory of a dead world is given back");
        assert_eq!(get(&mut world, "/count").expect_err("dead").kind, FaultKind::Dead);
    }
    assert_eq!(body(post(&mut bystander, "/count")), "42");
    assert_eq!(body(get(&mut bystander, "/count")), "42");
}

#[test]
fn text_that_is_not_text_is_a_bad_answer() {
    let mut world = open(&hostile());
    let fault = get(&mut world, "/not-text").expect_err("not UTF-8");
    assert_eq!((fault.kind, fault.action.as_deref()), (FaultKind::BadAnswer, Some("not_text")), "{fault}");
}

#[test]
fn a_fault_in_a_tool_names_the_tool() {
    let mut world = open(&impatient());
    let call = ToolCall { name: "loop".to_owned(), ..ToolCall::default() };
    let fault = world.call_tool(&call).expect_err("endless");
    assert_eq!((fault.kind, fault.action.as_deref()), (FaultKind::Deadline, Some("loop")));
    assert_eq!(fault.message, "tool `loop`: wasm trap: interrupt");
}

#[test]
fn a_dead_world_comes_back_as_it_was_at_its_last_image() {
    let mut world = seeded(&hostile(), "10");
    assert_eq!(body(post(&mut world, "/count")), "11");
    let now = world.now();
    world.image().expect("an image");
    assert_eq!(body(post(&mut world, "/count")), "12");
    get(&mut world, "/trap").expect_err("trap");

    world.rebuild().expect("rebuilt");
    assert!(!world.is_dead());
    assert_eq!((body(get(&mut world, "/count")), world.now()), ("11".to_owned(), now));

    get(&mut world, "/trap").expect_err("trap");
    world.reset().expect("reset");
    assert_eq!(body(get(&mut world, "/count")), "10");
}

#[test]
fn a_seed_that_loops_or_traps_is_a_fault_and_not_a_world() {
    let hostile = impatient();
    for (seed, kind) in [("loop", FaultKind::Deadline), ("trap", FaultKind::Trap)] {
        let options = WorldOptions { seed: Some(seed.into()), ..WorldOptions::default() };
        match hostile.world(options) {
            Err(OpenError::Fault(fault)) => assert_eq!(fault.kind, kind, "{fault}"),
            other => panic!("{other:?}"),
        }
    }
}

#[test]
fn a_refused_or_failing_seed_leaves_the_world_as_it_was() {
    let mut world = seeded(&hostile(), "5");
    assert_eq!(body(post(&mut world, "/count")), "6");
    let now = world.now();

    let refused = world.seed(Some(b"nonsense")).expect("answered");
    assert_eq!((refused.accepted, refused.answer.status), (false, 422));
    world.seed(Some(b"trap")).expect_err("trap");
    assert_eq!((body(get(&mut world, "/count")), world.now()), ("6".to_owned(), now));

    let taken = world.seed(Some(b"7")).expect("answered");
    assert!(taken.accepted);
    assert_eq!(body(get(&mut world, "/count")), "7");
    assert_eq!(world.now(), pome_sandbox::DEFAULT_CLOCK, "a seed starts the clock again");
}

#[test]
fn opening_with_a_refused_seed_says_what_the_twin_said() {
    let options = WorldOptions { seed: Some(b"nonsense".to_vec()), ..WorldOptions::default() };
    let error = hostile().world(options).expect_err("refused");
    assert_eq!(error.to_string(), "twin `hostile` refused the seed: \"not a number\"");
}

#[test]
fn an_answer_within_the_limit_arrives_whole() {
    let roomy = load(pome_sandbox::Limits { answer: 128 << 20, ..limits() });
    let answer = get(&mut open(&roomy), "/huge").expect("within the limit");
    assert_eq!(answer.body.len(), 100_000_000);
    assert!(answer.body.iter().all(|byte| *byte == b'x'));
}
