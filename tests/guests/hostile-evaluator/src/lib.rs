//! An evaluator that misbehaves as its sentence says, and one that tells what it finds around it, to prove that it stands still.
#![cfg(feature = "component")]

mod bindings {
    #![expect(
        clippy::pedantic,
        clippy::allow_attributes_without_reason,
        clippy::use_self,
        unsafe_code,
        reason = "generated"
    )]
    wit_bindgen::generate!({
        path: ["../../../wit/evaluator", "src/wit"],
        world: "pome:hostile-evaluator/hostile",
        generate_all,
    });
    use super::Hostile;
    export!(Hostile);
}

use std::cell::RefCell;
use std::hint::black_box;
use std::sync::atomic::{AtomicU64, Ordering};

use bindings::exports::pome::evaluator::evaluation::{Guest, Material, Outcome, Verdict};
use bindings::wasi::cli::{environment, exit};
use bindings::wasi::clocks::{monotonic_clock, wall_clock};
use bindings::wasi::random::random;

struct Hostile;

thread_local! {
    /// What an earlier criterion would leave behind.
    static SEEN: RefCell<u32> = const { RefCell::new(0) };
}

fn outcome(verdict: Verdict, reason: impl Into<String>) -> Option<Outcome> {
    Some(Outcome { verdict, reason: reason.into(), state_paths: Vec::new(), event_ids: Vec::new() })
}

/// Where the recursion would end, unknown to the compiler.
static DEEPEST: AtomicU64 = AtomicU64::new(u64::MAX);

/// Keeps nothing in linear memory, so it is the engine's stack that runs out.
fn recurse(depth: u64) -> u64 {
    if depth == DEEPEST.load(Ordering::Relaxed) { depth } else { recurse(depth + 1).wrapping_mul(3) ^ depth }
}

impl Guest for Hostile {
    fn evaluate(material: Material) -> Option<Outcome> {
        match material.text.as_str() {
            "passes" => outcome(Verdict::Passed, "as asked"),
            "fails" => Some(Outcome {
                verdict: Verdict::Failed,
                reason: "as asked".to_owned(),
                state_paths: vec!["/count".to_owned()],
                event_ids: vec!["e1".to_owned()],
            }),
            "skips" => outcome(Verdict::Skipped, "as_asked: it says so"),
            "errs" => outcome(Verdict::Errored, "broken: by its own account"),
            "tells" => outcome(Verdict::Passed, told(&material)),
            "counts" => outcome(
                Verdict::Passed,
                SEEN.with_borrow_mut(|seen| {
                    *seen += 1;
                    seen.to_string()
                }),
            ),
            "loops" => loop {
                black_box(());
            },
            "allocates" => {
                let mut kept = Vec::new();
                loop {
                    kept.push(vec![1_u8; 1 << 20]);
                    black_box(&kept);
                }
            }
            "recurses" => outcome(Verdict::Passed, recurse(0).to_string()),
            #[expect(clippy::panic, reason = "the point")]
            "traps" => panic!("on purpose"),
            "exits" => {
                exit::exit(Err(()));
                None
            }
            "floods" => outcome(Verdict::Passed, "x".repeat(100 << 20)),
            "waits" => {
                monotonic_clock::subscribe_duration(3_600_000_000_000).block();
                outcome(Verdict::Passed, "an hour later")
            }
            "waits for the clock" => {
                let start = monotonic_clock::now();
                while monotonic_clock::now() == start {}
                outcome(Verdict::Passed, "time passed")
            }
            "draws" => outcome(Verdict::Passed, random::get_random_bytes(1 << 40).len().to_string()),
            _ => None,
        }
    }
}

/// Everything that could differ between two runs.
fn told(material: &Material) -> String {
    let times: Vec<_> = (0..2)
        .map(|_| {
            let now = wall_clock::now();
            (now.seconds, now.nanoseconds, monotonic_clock::now())
        })
        .collect();
    let draws = (random::get_random_u64(), random::get_random_u64(), random::get_random_bytes(3));
    let around = (environment::get_environment().len(), environment::get_arguments().len());
    format!(
        "times {times:?} draws {draws:?} around {around:?} clock {} seed {} config {} twins {:?} twin {:?} redacted {}",
        material.clock, material.random_seed, material.config, material.twins, material.twin, material.redacted
    )
}
