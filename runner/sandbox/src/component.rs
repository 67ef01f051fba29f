//! From bytes to something that worlds can be opened of: checked, compiled, pre-linked.

use std::fmt;
use std::sync::{Arc, Mutex, PoisonError};

use sha2::{Digest, Sha256};
use wasmtime::component::{HasSelf, InstancePre, Linker};

use crate::bindings::twin::pome::twin::host as host_bindings;
use crate::bindings::twin::{TwinComponent, TwinComponentPre};
use crate::call::Seeded;
use crate::description::Description;
use crate::engine::{Engine, Purpose, Source};
use crate::error::{Fault, LoadError, OpenError};
use crate::host::{DEFAULT_CLOCK, Host, LogLevel, Senses};
use crate::inspect;
use crate::judge::Judge;
use crate::module;
use crate::precompiled::Precompiled;
use crate::vet;
use crate::world::{Image, Live, World};

/// A checked, compiled and pre-linked twin. Cheap to clone.
#[derive(Clone)]
pub struct Component(Arc<Inner>);

struct Inner {
    engine: Engine,
    runtime: wasmtime::Engine,
    digest: String,
    trusted: bool,
    description: Description,
    code: TwinComponentPre<Host>,
    judge: Judge,
    seeds: Mutex<Vec<SeedImage>>,
}

/// What a world starts from.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct WorldOptions {
    /// The seed document, a JSON object. Absent: the twin's default seed.
    pub seed: Option<Vec<u8>>,
    /// Start of the clock in milliseconds since 1970-01-01T00:00:00Z. Absent: [`DEFAULT_CLOCK`].
    pub clock: Option<u64>,
    /// What the random stream is derived from.
    pub random_seed: u64,
}

impl WorldOptions {
    /// Where the clock starts.
    pub fn start(&self) -> u64 {
        self.clock.unwrap_or(DEFAULT_CLOCK)
    }
}

impl fmt::Debug for Component {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Component")
            .field("id", &self.0.description.id)
            .field("digest", &self.0.digest)
            .field("trusted", &self.0.trusted)
            .finish_non_exhaustive()
    }
}

impl Component {
    /// What the twin says about itself.
    pub fn description(&self) -> &Description {
        &self.0.description
    }

    /// `sha256:` digest of the bytes that it was loaded from. With seed, clock, random seed and calls it determines every answer.
    pub fn digest(&self) -> &str {
        &self.0.digest
    }

    /// Whether the component is built in.
    pub fn trusted(&self) -> bool {
        self.0.trusted
    }

    /// The engine that it was loaded into.
    pub fn engine(&self) -> &Engine {
        &self.0.engine
    }

    /// The checks that the twin brings with it.
    pub fn judge(&self) -> Judge {
        self.0.judge.clone()
    }

    /// Opens a world. A seed that was opened before is not run again: the world is a fork of its image.
    pub fn world(&self, options: WorldOptions) -> Result<World, OpenError> {
        World::open(self, options)
    }

    /// Opens a world that continues where the image was taken. [`World::reset`] returns to that moment.
    pub fn world_from_image(&self, image: &Image) -> Result<World, Fault> {
        World::from_image(self, image)
    }

    pub(crate) fn built_in(engine: &Engine, precompiled: &'static Precompiled) -> Result<Self, LoadError> {
        let runtime = engine.runtime(Purpose::Worlds, Source::BuiltIn)?;
        let code = precompiled
            .load(&runtime, Purpose::Worlds)
            .map_err(|error| LoadError::Invalid { name: precompiled.name.to_owned(), reason: format!("{error:#}") })?;
        let judge = Judge::built_in(engine, precompiled);
        Self::finish(engine, runtime, precompiled.name, precompiled.digest.to_owned(), true, &code, judge)
    }

    pub(crate) fn from_elsewhere(engine: &Engine, name: &str, bytes: &[u8]) -> Result<Self, LoadError> {
        let given = digest(bytes);
        let bytes = &*module::component(name, bytes)?;
        inspect::state_outside_memory(name, bytes)?;
        let runtime = engine.runtime(Purpose::Worlds, Source::Elsewhere)?;
        let code = wasmtime::component::Component::new(&runtime, bytes)
            .map_err(|error| LoadError::Invalid { name: name.to_owned(), reason: format!("{error:#}") })?;
        let judge = Judge::of_twin(engine, name, bytes);
        let component = Self::finish(engine, runtime, name, given, false, &code, judge)?;
        vet::description(component.description())
            .map_err(|reason| LoadError::Description { name: name.to_owned(), reason })?;
        Ok(component)
    }

    fn finish(
        engine: &Engine,
        runtime: wasmtime::Engine,
        name: &str,
        digest: String,
        trusted: bool,
        code: &wasmtime::component::Component,
        judge: Judge,
    ) -> Result<Self, LoadError> {
        inspect::twin(name, code)?;
        let wrong = |error: wasmtime::Error| LoadError::WrongTypes {
            name: name.to_owned(),
            world: "twin",
            reason: format!("{error:#}"),
        };
        let mut linker = Linker::new(&runtime);
        TwinComponent::add_to_linker::<_, HasSelf<Host>>(&mut linker, |host| host).map_err(wrong)?;
        let linked: InstancePre<Host> = linker.instantiate_pre(code).map_err(wrong)?;
        let code = TwinComponentPre::new(linked).map_err(wrong)?;

        let senses = Senses::new(DEFAULT_CLOCK, 0);
        let description =
            Live::start(engine, &runtime, &code, senses, None).and_then(|mut live| live.describe()).map_err(
                |stop| LoadError::Describe { name: name.to_owned(), source: stop.into_fault(name, None, "describe") },
            )?;
        Ok(Self(Arc::new(Inner {
            engine: engine.clone(),
            runtime,
            digest,
            trusted,
            description,
            code,
            judge,
            seeds: Mutex::default(),
        })))
    }

    /// A fresh instance, or one that continues from an image.
    pub(crate) fn start(&self, senses: Senses, image: Option<&Image>) -> Result<Live, crate::world::Stop> {
        Live::start(&self.0.engine, &self.0.runtime, &self.0.code, senses, image)
    }

    /// The world right after its seed, from the cache or by seeding a fresh instance. `None` beside the answer of a refusal.
    pub(crate) fn seeded(
        &self,
        seed: Option<&[u8]>,
        clock: u64,
        random_seed: u64,
    ) -> Result<(Option<Image>, Seeded), Fault> {
        if let Some(found) = self.find_seed(seed, clock, random_seed) {
            return Ok(found);
        }
        let senses = Senses::new(clock, random_seed);
        let fault = |stop: crate::world::Stop| stop.into_fault(&self.0.description.id, None, "seed");
        let mut live = self.start(senses, None).map_err(fault)?;
        let seeded = live.seed(seed).map_err(fault)?;
        if !seeded.accepted {
            return Ok((None, seeded));
        }
        let image = live.image(&self.0.digest).and_then(|image| image).map_err(fault)?;
        let (saw_clock, drew_random) = live.saw();
        self.keep_seed(SeedImage {
            seed: seed.map(Into::into),
            clock,
            random_seed,
            saw_clock,
            drew_random,
            image: image.clone(),
            seeded: seeded.clone(),
        });
        Ok((Some(image), seeded))
    }

    fn find_seed(&self, seed: Option<&[u8]>, clock: u64, random_seed: u64) -> Option<(Option<Image>, Seeded)> {
        let mut seeds = self.0.seeds.lock().unwrap_or_else(PoisonError::into_inner);
        let index = seeds.iter().position(|entry| entry.serves(seed, clock, random_seed))?;
        // The most recently used one is the last.
        let entry = seeds.remove(index);
        let mut senses = entry.image.senses();
        if !entry.saw_clock {
            senses.clock = clock;
        }
        if !entry.drew_random {
            senses.random = Senses::new(clock, random_seed).random;
        }
        let found = (Some(entry.image.with_senses(senses)), entry.seeded.clone());
        seeds.push(entry);
        Some(found)
    }

    fn keep_seed(&self, entry: SeedImage) {
        let allowed = self.0.engine.limits().seed_images;
        let mut seeds = self.0.seeds.lock().unwrap_or_else(PoisonError::into_inner);
        let mut bytes = entry.image.bytes();
        seeds.push(entry);
        // From the newest backwards, as many as fit.
        let keep_from = seeds
            .iter()
            .enumerate()
            .rev()
            .skip(1)
            .find(|(_, older)| {
                bytes = bytes.saturating_add(older.image.bytes());
                bytes > allowed
            })
            .map_or(0, |(index, _)| index + 1);
        let too_many = seeds.len().saturating_sub(SEED_IMAGES);
        seeds.drain(..keep_from.max(too_many));
    }
}

/// At most so many images of seeds are kept for a component: each holds an open file.
const SEED_IMAGES: usize = 64;

/// A world right after its seed.
///
/// What a guest can know is its seed, what it asked of the clock, and what it drew from the random stream. An image whose guest
/// did not ask serves every clock or random seed.
struct SeedImage {
    seed: Option<Box<[u8]>>,
    clock: u64,
    random_seed: u64,
    saw_clock: bool,
    drew_random: bool,
    image: Image,
    seeded: Seeded,
}

impl SeedImage {
    fn serves(&self, seed: Option<&[u8]>, clock: u64, random_seed: u64) -> bool {
        self.seed.as_deref() == seed
            && (!self.saw_clock || self.clock == clock)
            && (!self.drew_random || self.random_seed == random_seed)
    }
}

/// `sha256:` digest of a component's bytes.
pub fn digest(bytes: &[u8]) -> String {
    use fmt::Write as _;
    Sha256::digest(bytes).iter().fold("sha256:".to_owned(), |mut text, byte| {
        let _ = write!(text, "{byte:02x}");
        text
    })
}

impl host_bindings::Host for Host {
    fn now(&mut self) -> u64 {
        Self::now(self)
    }

    fn next_random(&mut self) -> u64 {
        Self::next_random(self)
    }

    fn log(&mut self, level: host_bindings::Level, message: String) {
        Self::log(self, LogLevel::from(level), message);
    }
}

// Interfaces that only carry types.
impl crate::bindings::twin::pome::twin::http::Host for Host {}
impl crate::bindings::twin::pome::twin::describe::Host for Host {}
