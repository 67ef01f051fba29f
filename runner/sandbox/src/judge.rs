//! Checks: pure functions that a fresh instance evaluates, under fuel, memory and time limits.

use std::fmt;
use std::sync::{Arc, Mutex, PoisonError};

use wasmtime::Store;
use wasmtime::component::Linker;

use crate::bindings::evaluator::{EvaluatorComponent, EvaluatorComponentPre};
use crate::call::{Binding, Material, Outcome};
use crate::convert;
use crate::engine::{Engine, Purpose, Source, ticks};
use crate::error::{Fault, LoadError};
use crate::host::{Host, Senses};
use crate::inspect;
use crate::precompiled::Precompiled;
use crate::world::Stop;

/// The checks of one component. Each call gets a fresh instance, so nothing is carried from one criterion to the next; clock and
/// random stream cannot be used. Cheap to clone.
#[derive(Clone)]
pub struct Judge(Arc<Inner>);

struct Inner {
    engine: Engine,
    name: String,
    code: Code,
    /// Compiled for judging when first used: most worlds are never judged.
    ready: Mutex<Option<Ready>>,
}

enum Code {
    BuiltIn(&'static Precompiled),
    Bytes(Box<[u8]>),
}

#[derive(Clone)]
struct Ready {
    runtime: wasmtime::Engine,
    code: EvaluatorComponentPre<Host>,
}

impl fmt::Debug for Judge {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Judge").field("component", &self.0.name).finish_non_exhaustive()
    }
}

impl Judge {
    pub(crate) fn built_in(engine: &Engine, precompiled: &'static Precompiled) -> Self {
        Self::new(engine, precompiled.name, Code::BuiltIn(precompiled))
    }

    pub(crate) fn of_twin(engine: &Engine, name: &str, bytes: &[u8]) -> Self {
        Self::new(engine, name, Code::Bytes(bytes.into()))
    }

    pub(crate) fn from_elsewhere(engine: &Engine, name: &str, bytes: &[u8]) -> Result<Self, LoadError> {
        let judge = Self::of_twin(engine, name, bytes);
        let runtime = engine.runtime(Purpose::Judges, Source::Elsewhere)?;
        let code = judge.compile(&runtime)?;
        inspect::evaluator(name, &code)?;
        judge.keep(runtime, &code)?;
        Ok(judge)
    }

    fn new(engine: &Engine, name: &str, code: Code) -> Self {
        Self(Arc::new(Inner { engine: engine.clone(), name: name.to_owned(), code, ready: Mutex::default() }))
    }

    /// Compiles the checks now instead of at the first question.
    pub fn prepare(&self) -> Result<(), LoadError> {
        self.ready().map(drop)
    }

    /// How a sentence is understood, without judging it.
    pub fn bind(&self, text: &str) -> Result<Binding, Fault> {
        self.run(text, |checks, store| checks.pome_evaluator_checks().call_bind(store, text)).map(Into::into)
    }

    /// Judges one criterion.
    pub fn evaluate(&self, material: &Material<'_>) -> Result<Outcome, Fault> {
        self.run(material.text, |checks, store| {
            checks.pome_evaluator_checks().call_evaluate(store, convert::material(material))
        })
        .map(Into::into)
    }

    fn run<T>(
        &self,
        text: &str,
        call: impl FnOnce(&EvaluatorComponent, &mut Store<Host>) -> wasmtime::Result<T>,
    ) -> Result<T, Fault> {
        let place = format!("criterion `{text}`");
        let fault = |stop: Stop| stop.into_fault(&self.0.name, None, &place);
        let ready = self.ready().map_err(|error| fault(Stop::host(error)))?;
        let limits = self.0.engine.limits();
        let mut store = Store::new(&ready.runtime, Host::new(Senses::new(0, 0), limits.memory));
        store.limiter(|host| &mut host.bounds);
        store.set_epoch_deadline(ticks(limits.judge_deadline));
        store.set_hostcall_fuel(limits.answer);
        let checks = store
            .set_fuel(limits.judge_fuel)
            .and_then(|()| ready.code.instantiate(&mut store))
            .map_err(|error| fault(Stop::at_start(&error)))?;
        call(&checks, &mut store).map_err(|error| {
            let said = store.data_mut().last_error.take();
            fault(Stop::during_call(&error, said))
        })
    }

    fn ready(&self) -> Result<Ready, LoadError> {
        if let Some(ready) = &*self.0.ready.lock().unwrap_or_else(PoisonError::into_inner) {
            return Ok(ready.clone());
        }
        let source = match self.0.code {
            Code::BuiltIn(_) => Source::BuiltIn,
            Code::Bytes(_) => Source::Elsewhere,
        };
        let runtime = self.0.engine.runtime(Purpose::Judges, source)?;
        let code = self.compile(&runtime)?;
        self.keep(runtime, &code)
    }

    fn compile(&self, runtime: &wasmtime::Engine) -> Result<wasmtime::component::Component, LoadError> {
        let compiled = match &self.0.code {
            Code::BuiltIn(precompiled) => precompiled.load(runtime, Purpose::Judges),
            Code::Bytes(bytes) => wasmtime::component::Component::new(runtime, bytes),
        };
        compiled.map_err(|error| LoadError::Invalid { name: self.0.name.clone(), reason: format!("{error:#}") })
    }

    fn keep(&self, runtime: wasmtime::Engine, code: &wasmtime::component::Component) -> Result<Ready, LoadError> {
        let wrong = |error: wasmtime::Error| LoadError::WrongTypes {
            name: self.0.name.clone(),
            world: "evaluator",
            reason: format!("{error:#}"),
        };
        let mut linker = Linker::new(&runtime);
        // A twin's component imports clock and random stream for its worlds. A check that calls them is stopped.
        linker.define_unknown_imports_as_traps(code).map_err(wrong)?;
        let code = EvaluatorComponentPre::new(linker.instantiate_pre(code).map_err(wrong)?).map_err(wrong)?;
        let ready = Ready { runtime, code };
        *self.0.ready.lock().unwrap_or_else(PoisonError::into_inner) = Some(ready.clone());
        Ok(ready)
    }
}
