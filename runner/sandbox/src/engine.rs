//! One engine for a whole process: settings, the interruption ticker, the linear memories of all worlds.

use std::fmt;
use std::path::Path;
use std::sync::mpsc::{self, RecvTimeoutError, Sender};
use std::sync::{Arc, Mutex, PoisonError};
use std::thread;
use std::time::Duration;

use wasmtime::{CacheConfig, EngineWeak};

use crate::component::Component;
use crate::config;
use crate::error::LoadError;
use crate::evaluator::Evaluator;
use crate::judge::Judge;
use crate::limits::{Cache, Limits};
use crate::memory::{Form, Memories};
use crate::precompiled::{self, InPlace, Precompiled};

/// How often running guests are asked whether their time is up. Deadlines are in whole ticks.
const TICK: Duration = Duration::from_millis(10);

/// One engine for all components of a process. Cheap to clone; a component keeps its engine alive.
///
/// Making one costs well under a millisecond. Code is compiled for two purposes, worlds and judging, as the way to stop a guest is
/// part of its code; evaluators of a project have a larger stack than checks of a twin; and components from elsewhere go through
/// the compiler's cache on disk, built-in ones never do. Each of these six is set up when it is first wanted.
#[derive(Clone)]
pub struct Engine(Arc<Inner>);

struct Inner {
    limits: Limits,
    memories: Arc<Memories>,
    runtimes: Mutex<[Option<wasmtime::Engine>; 6]>,
    ticker: Sender<EngineWeak>,
}

/// What code is for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Purpose {
    Worlds,
    Judges,
    Evaluators,
}

/// Where code comes from.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Source {
    BuiltIn,
    Elsewhere,
}

impl fmt::Debug for Engine {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Engine").field("limits", &self.0.limits).finish_non_exhaustive()
    }
}

impl Engine {
    /// Starts the engine.
    pub fn new(limits: Limits) -> Result<Self, LoadError> {
        let memories = Memories::new(size(config::RESERVED), size(config::GUARD), Form::available());
        let engine = Self(Arc::new(Inner {
            limits,
            memories: Arc::new(memories),
            runtimes: Mutex::default(),
            ticker: start_ticker()?,
        }));
        engine.runtime(Purpose::Worlds, Source::BuiltIn)?;
        Ok(engine)
    }

    /// Names of the built-in twins, in the order of the list in `embedded.rs`.
    pub fn embedded_names(&self) -> Vec<&'static str> {
        precompiled::TWINS.iter().map(|component| component.name).collect()
    }

    /// A built-in twin.
    pub fn embedded(&self, name: &str) -> Result<Component, LoadError> {
        let precompiled = find(&precompiled::TWINS, name)?;
        Component::built_in(self, precompiled)
    }

    /// A built-in evaluator: a component that only judges.
    pub fn embedded_judge(&self, name: &str) -> Result<Judge, LoadError> {
        let precompiled = find(&precompiled::EVALUATORS, name)?;
        Ok(Judge::built_in(self, precompiled))
    }

    /// A twin from a file. It is checked and compiled, or taken from the cache.
    pub fn load(&self, path: &Path) -> Result<Component, LoadError> {
        self.load_bytes(&path.display().to_string(), &read(path)?)
    }

    /// A twin from the bytes of a component; `name` is for messages.
    pub fn load_bytes(&self, name: &str, bytes: &[u8]) -> Result<Component, LoadError> {
        is_wasm(name, bytes)?;
        Component::from_elsewhere(self, name, bytes)
    }

    /// An evaluator from a file: a component that only judges.
    pub fn load_judge(&self, path: &Path) -> Result<Judge, LoadError> {
        self.load_judge_bytes(&path.display().to_string(), &read(path)?)
    }

    /// An evaluator from the bytes of a component; `name` is for messages.
    pub fn load_judge_bytes(&self, name: &str, bytes: &[u8]) -> Result<Judge, LoadError> {
        is_wasm(name, bytes)?;
        Judge::from_elsewhere(self, name, bytes)
    }

    /// A built-in evaluator of the kind that projects write.
    pub fn embedded_evaluator(&self, name: &str) -> Result<Evaluator, LoadError> {
        let precompiled = find(&precompiled::EVALUATORS, name)?;
        Evaluator::built_in(self, precompiled)
    }

    /// An evaluator of a project from its file; `name` is for messages. It is checked and compiled, or taken from the cache.
    pub fn load_evaluator(&self, name: &str, path: &Path) -> Result<Evaluator, LoadError> {
        self.load_evaluator_bytes(name, &read(path)?)
    }

    /// An evaluator of a project from the bytes of a component; `name` is for messages.
    pub fn load_evaluator_bytes(&self, name: &str, bytes: &[u8]) -> Result<Evaluator, LoadError> {
        is_wasm(name, bytes)?;
        Evaluator::from_elsewhere(self, name, bytes)
    }

    /// The limits that guests of this engine have.
    pub fn limits(&self) -> &Limits {
        &self.0.limits
    }

    pub(crate) fn runtime(&self, purpose: Purpose, source: Source) -> Result<wasmtime::Engine, LoadError> {
        let index = match (purpose, source) {
            (Purpose::Worlds, Source::BuiltIn) => 0,
            (Purpose::Worlds, Source::Elsewhere) => 1,
            (Purpose::Judges, Source::BuiltIn) => 2,
            (Purpose::Judges, Source::Elsewhere) => 3,
            (Purpose::Evaluators, Source::BuiltIn) => 4,
            (Purpose::Evaluators, Source::Elsewhere) => 5,
        };
        let mut runtimes = self.0.runtimes.lock().unwrap_or_else(PoisonError::into_inner);
        let Some(place) = runtimes.get_mut(index) else {
            return Err(LoadError::Engine { reason: "no place for it".to_owned() });
        };
        if let Some(runtime) = place {
            return Ok(runtime.clone());
        }
        let mut config = match purpose {
            Purpose::Worlds => config::worlds(),
            Purpose::Judges => config::judges(),
            Purpose::Evaluators => config::evaluators(),
        };
        let memories: Arc<Memories> = Arc::clone(&self.0.memories);
        config.with_host_memory(memories);
        match source {
            Source::BuiltIn => config.with_custom_code_memory(Some(Arc::new(InPlace))),
            Source::Elsewhere => config.cache(cache(&self.0.limits.cache)),
        };
        let runtime =
            wasmtime::Engine::new(&config).map_err(|error| LoadError::Engine { reason: format!("{error:#}") })?;
        // The ticker lives as long as `self`, so this cannot fail.
        let _ = self.0.ticker.send(runtime.weak());
        *place = Some(runtime.clone());
        Ok(runtime)
    }
}

/// A duration in ticks, never too short.
pub(crate) fn ticks(duration: Duration) -> u64 {
    let ticks = duration.as_millis().div_ceil(TICK.as_millis());
    u64::try_from(ticks).unwrap_or(u64::MAX / 2).saturating_add(1)
}

fn start_ticker() -> Result<Sender<EngineWeak>, LoadError> {
    let (sender, receiver) = mpsc::channel::<EngineWeak>();
    thread::Builder::new()
        .name("pome-ticker".to_owned())
        .spawn(move || {
            let mut engines = Vec::new();
            loop {
                match receiver.recv_timeout(TICK) {
                    Ok(engine) => engines.push(engine),
                    Err(RecvTimeoutError::Timeout) => {
                        for engine in engines.iter().filter_map(EngineWeak::upgrade) {
                            engine.increment_epoch();
                        }
                    }
                    Err(RecvTimeoutError::Disconnected) => break,
                }
            }
        })
        .map_err(|error| LoadError::Engine { reason: format!("no thread for deadlines: {error}") })?;
    Ok(sender)
}

/// A cache that cannot be used is no reason to refuse a component: it is compiled again.
fn cache(wanted: &Cache) -> Option<wasmtime::Cache> {
    let mut config = CacheConfig::new();
    match wanted {
        Cache::Off => return None,
        Cache::Default => {}
        Cache::Folder(folder) => {
            config.with_directory(folder);
        }
    }
    wasmtime::Cache::new(config).ok()
}

fn read(path: &Path) -> Result<Vec<u8>, LoadError> {
    std::fs::read(path).map_err(|source| LoadError::Read { path: path.to_owned(), source })
}

/// What every WebAssembly file begins with.
const MAGIC: &[u8] = b"\0asm";

/// Refuses other files in words: the compiler would do it with a dump of their first bytes.
fn is_wasm(name: &str, bytes: &[u8]) -> Result<(), LoadError> {
    if bytes.starts_with(MAGIC) {
        return Ok(());
    }
    let reason = "it is no WebAssembly file, its first bytes are others".to_owned();
    Err(LoadError::Invalid { name: name.to_owned(), reason })
}

fn find(list: &'static [Precompiled], name: &str) -> Result<&'static Precompiled, LoadError> {
    list.iter().find(|component| component.name == name).ok_or_else(|| LoadError::Unknown {
        name: name.to_owned(),
        known: match list {
            [] => "none".to_owned(),
            list => list.iter().map(|component| component.name).collect::<Vec<_>>().join(", "),
        },
    })
}

fn size(bytes: u64) -> usize {
    usize::try_from(bytes).unwrap_or(usize::MAX)
}
