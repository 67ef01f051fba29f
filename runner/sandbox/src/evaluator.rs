//! Evaluators of a project: components with one function, which may bring a language's runtime with them.

use std::fmt;
use std::path::Path;
use std::sync::Arc;
use std::thread;

use wasmtime::Store;
use wasmtime::component::Linker;
use wasmtime_wasi::I32Exit;

use crate::bindings::evaluation::exports::pome::evaluator::evaluation;
use crate::bindings::evaluation::{Evaluator as Instance, EvaluatorPre};
use crate::call::{Outcome, Verdict};
use crate::component::digest;
use crate::config;
use crate::engine::{Engine, Purpose, Source, ticks};
use crate::error::{EvaluatorFault, FaultKind, LoadError};
use crate::inspect;
use crate::precompiled::Precompiled;
use crate::wasi::{self, Guest};
use crate::world::Stop;

/// What an evaluator may answer, in bytes. Evidence is short.
const ANSWER: usize = 1 << 20;

/// What Rust prints after the message of a panic.
const BACKTRACE_NOTE: &str = "note: run with `RUST_BACKTRACE";

/// How many of the last lines are told: a language's runtime says that it failed after it said why.
const LAST_WORDS: usize = 4;

/// Stack of the thread that an evaluator runs on: what the guest may use and what the host needs beside it.
const STACK: usize = config::EVALUATOR_STACK + (4 << 20);

/// A checked, compiled and pre-linked evaluator. Each criterion gets a fresh instance. Cheap to clone.
#[derive(Clone)]
pub struct Evaluator(Arc<Inner>);

struct Inner {
    engine: Engine,
    runtime: wasmtime::Engine,
    name: String,
    digest: String,
    code: EvaluatorPre<Guest>,
}

/// What an evaluator judges one criterion on. Absent parts were not recorded.
#[derive(Clone, Copy, Debug, Default)]
pub struct Case<'a> {
    /// `crit_<n>`
    pub id: &'a str,
    /// The sentence.
    pub text: &'a str,
    /// The twin that the criterion is tagged with.
    pub twin: Option<&'a str>,
    /// The twins of the scenario.
    pub twins: &'a [&'a str],
    /// The state before the agent, JSON.
    pub seed: Option<&'a str>,
    /// The state after the agent, JSON.
    pub final_state: Option<&'a str>,
    /// The trace, a JSON array.
    pub events: Option<&'a str>,
    /// Whether secrets are replaced by marks.
    pub redacted: bool,
    /// What the agent was told.
    pub task: &'a str,
    /// Parameters, a JSON object.
    pub config: &'a str,
    /// Where the clocks stand, in milliseconds since 1970.
    pub clock: u64,
    /// What random numbers are derived from.
    pub random_seed: u64,
    /// The run folder, which it can read.
    pub run: Option<&'a Path>,
}

/// What an evaluator said about a criterion.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Evaluated {
    /// Absent: the sentence is not one of its own.
    pub outcome: Option<Outcome>,
    /// What it printed meanwhile.
    pub printed: String,
    /// Instructions (fuel units) that it used.
    pub fuel: u64,
}

impl fmt::Debug for Evaluator {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Evaluator").field("name", &self.0.name).field("digest", &self.0.digest).finish_non_exhaustive()
    }
}

impl Evaluator {
    /// What messages call it.
    pub fn name(&self) -> &str {
        &self.0.name
    }

    /// `sha256:` digest of the component's bytes.
    pub fn digest(&self) -> &str {
        &self.0.digest
    }

    pub(crate) fn built_in(engine: &Engine, precompiled: &'static Precompiled) -> Result<Self, LoadError> {
        let runtime = engine.runtime(Purpose::Evaluators, Source::BuiltIn)?;
        let code = precompiled
            .load(&runtime, Purpose::Evaluators)
            .map_err(|error| LoadError::Invalid { name: precompiled.name.to_owned(), reason: format!("{error:#}") })?;
        Self::finish(engine, runtime, precompiled.name, precompiled.digest.to_owned(), &code)
    }

    pub(crate) fn from_elsewhere(engine: &Engine, name: &str, bytes: &[u8]) -> Result<Self, LoadError> {
        let runtime = engine.runtime(Purpose::Evaluators, Source::Elsewhere)?;
        if inspect::is_core_module(bytes) {
            let reason = "it is a core module, not a component".to_owned();
            return Err(LoadError::Invalid { name: name.to_owned(), reason });
        }
        let code = wasmtime::component::Component::new(&runtime, bytes)
            .map_err(|error| LoadError::Invalid { name: name.to_owned(), reason: format!("{error:#}") })?;
        Self::finish(engine, runtime, name, digest(bytes), &code)
    }

    fn finish(
        engine: &Engine,
        runtime: wasmtime::Engine,
        name: &str,
        digest: String,
        code: &wasmtime::component::Component,
    ) -> Result<Self, LoadError> {
        inspect::project_evaluator(name, code)?;
        let wrong = |error: wasmtime::Error| LoadError::WrongTypes {
            name: name.to_owned(),
            world: "evaluator",
            reason: format!("{error:#}"),
        };
        let mut linker = Linker::new(&runtime);
        wasi::link(&mut linker).map_err(wrong)?;
        let code = EvaluatorPre::new(linker.instantiate_pre(code).map_err(wrong)?).map_err(wrong)?;
        Ok(Self(Arc::new(Inner { engine: engine.clone(), runtime, name: name.to_owned(), digest, code })))
    }

    /// Judges one criterion.
    pub fn evaluate(&self, case: &Case<'_>) -> Result<Evaluated, EvaluatorFault> {
        // A language's runtime calls deeply, and whoever asks may have a small stack. The runtime of asynchronous work that the
        // caller may be part of must not be seen either: files are read by blocking.
        thread::scope(|scope| {
            let judging = thread::Builder::new().name("pome-evaluator".to_owned()).stack_size(STACK);
            match judging.spawn_scoped(scope, || self.judge(case)).map(thread::ScopedJoinHandle::join) {
                Ok(Ok(result)) => result,
                Ok(Err(_panic)) => Err(self.fault(Stop::host("the host failed while it ran"), "")),
                Err(error) => Err(self.fault(Stop::host(format!("there is no thread for it: {error}")), "")),
            }
        })
    }

    fn judge(&self, case: &Case<'_>) -> Result<Evaluated, EvaluatorFault> {
        let limits = self.0.engine.limits();
        let guest = Guest::new(limits.memory, case.clock, case.random_seed, case.run)
            .map_err(|error| self.fault(Stop::host(format!("the run folder cannot be opened: {error:#}")), ""))?;
        let mut store = Store::new(&self.0.runtime, guest);
        store.limiter(|guest| &mut guest.bounds);
        store.set_epoch_deadline(ticks(limits.judge_deadline));
        store.set_hostcall_fuel(ANSWER);
        let made = store.set_fuel(limits.judge_fuel).and_then(|()| self.0.code.instantiate(&mut store));
        let answer = made.and_then(|instance: Instance| {
            instance.pome_evaluator_evaluation().call_evaluate(&mut store, material(case))
        });
        let printed = store.data().printed();
        match answer {
            Ok(outcome) => Ok(Evaluated {
                outcome: outcome.map(Into::into),
                printed,
                fuel: limits.judge_fuel.saturating_sub(store.get_fuel().unwrap_or_default()),
            }),
            Err(error) => Err(self.fault(stop(&error), &printed)),
        }
    }

    fn fault(&self, stop: Stop, printed: &str) -> EvaluatorFault {
        let Stop { kind, reason } = stop;
        let said = |line: &&str| !line.is_empty() && !line.starts_with(BACKTRACE_NOTE);
        let lines: Vec<&str> = printed.lines().map(str::trim).filter(said).collect();
        let last = lines.get(lines.len().saturating_sub(LAST_WORDS)..).unwrap_or_default().join(" | ");
        let last = (!last.is_empty()).then_some(last);
        EvaluatorFault { kind, evaluator: self.0.name.clone(), reason, last_words: last, printed: printed.to_owned() }
    }
}

fn stop(error: &wasmtime::Error) -> Stop {
    match error.downcast_ref::<I32Exit>() {
        Some(I32Exit(code)) => Stop { kind: FaultKind::Trap, reason: format!("it exited with {code}") },
        None => Stop::during_call(error, None),
    }
}

fn material<'a>(case: &Case<'a>) -> evaluation::Material<'a> {
    evaluation::Material {
        id: case.id,
        text: case.text,
        twin: case.twin,
        twins: case.twins,
        seed: case.seed,
        final_: case.final_state,
        events: case.events,
        redacted: case.redacted,
        task: case.task,
        config: case.config,
        clock: case.clock,
        random_seed: case.random_seed,
    }
}

impl From<evaluation::Outcome> for Outcome {
    fn from(outcome: evaluation::Outcome) -> Self {
        let evaluation::Outcome { verdict, reason, state_paths, event_ids } = outcome;
        let verdict = match verdict {
            evaluation::Verdict::Passed => Verdict::Passed,
            evaluation::Verdict::Failed => Verdict::Failed,
            evaluation::Verdict::Skipped => Verdict::Skipped,
            evaluation::Verdict::Errored => Verdict::Errored,
        };
        Self { verdict, reason, matcher: None, state_paths, event_ids }
    }
}
