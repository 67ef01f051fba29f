//! One world: a live instance, its order of calls, its faults, and how it comes back when the twin fails.

use std::sync::atomic::{AtomicU64, AtomicUsize, Ordering};
use std::time::{Duration, Instant};

use pome_sandbox::{
    Advance, Answer, Component, Delivery, Fault, FaultKind, Image, OpenError, Request, Seeded, ToolAnswer, ToolCall,
    World as Live, WorldOptions,
};
use tokio::sync::{Mutex, MutexGuard};

use crate::fault::{Faults, Rules};
use crate::journal::{self, Journal, ReplayError, Step};
use crate::recorder::{Owner, blocking};

/// How long a call looks for a free world before it queues: about as long as two calls take. To be put to sleep and woken costs
/// more, and a queue would hand the world to a task that first has to wake up while nobody uses it.
const LOOKING: Duration = Duration::from_micros(40);

/// What a world starts from and returns to.
#[derive(Debug, Clone)]
enum Origin {
    Seed(WorldOptions),
    Fork(Image),
}

/// A world and what is known about it without holding it.
#[derive(Debug)]
pub(crate) struct World {
    /// Whose rows its calls are.
    pub(crate) owner: Owner,
    /// When it was made, in milliseconds since 1970.
    pub(crate) created: i64,
    /// When it ends, in seconds since 1970.
    pub(crate) expires: Option<u64>,
    /// Digest of the seed document; absent for a fork.
    seed_digest: Option<String>,
    core: Mutex<Core>,
    events: AtomicU64,
    memory: AtomicUsize,
}

/// The part that one caller at a time holds.
#[derive(Debug)]
pub(crate) struct Core {
    component: Component,
    origin: Origin,
    live: Result<Live, Fault>,
    /// The rules that a reset returns to.
    boot: Rules,
    pub(crate) faults: Faults,
    journal: Journal,
    /// Why the journal is of no use any more.
    journal_lost: Option<String>,
    events: u64,
}

/// A world cannot be made from another one.
#[derive(Debug, thiserror::Error)]
pub(crate) enum ForkError {
    #[error("the world has only {events} events")]
    NoSuchEvent { events: u64 },
    #[error("the calls of the world were not kept: {reason}")]
    NotKept { reason: String },
    #[error(transparent)]
    Replay(#[from] ReplayError),
    #[error(transparent)]
    Open(#[from] OpenError),
}

impl From<Fault> for ForkError {
    fn from(fault: Fault) -> Self {
        Self::Replay(fault.into())
    }
}

impl World {
    /// Opens a world from a seed.
    pub(crate) fn open(
        component: &Component,
        options: WorldOptions,
        rules: Rules,
        owner: Owner,
        expires: Option<u64>,
    ) -> Result<Self, OpenError> {
        let live = careful(component, || component.world(options.clone()))?;
        Ok(Self::around(component, Origin::Seed(options), live, rules, owner, expires))
    }

    fn around(
        component: &Component,
        origin: Origin,
        live: Live,
        rules: Rules,
        owner: Owner,
        expires: Option<u64>,
    ) -> Self {
        let memory = live.memory_bytes();
        let seed_digest = match &origin {
            Origin::Seed(options) => options.seed.as_deref().or(default_seed(component)).map(crate::control::digest),
            Origin::Fork(_) => None,
        };
        let core = Core {
            component: component.clone(),
            origin,
            live: Ok(live),
            boot: rules.clone(),
            faults: Faults::new(rules),
            journal: Journal::default(),
            journal_lost: None,
            events: 0,
        };
        Self {
            owner,
            created: pome_wire::time::now_millis(),
            expires,
            seed_digest,
            core: Mutex::new(core),
            events: AtomicU64::new(0),
            memory: AtomicUsize::new(memory),
        }
    }

    /// A second world that continues from here, or from how this one was after event `at`.
    pub(crate) async fn fork(&self, at: Option<u64>, owner: Owner, expires: Option<u64>) -> Result<Self, ForkError> {
        let mut core = self.hold().await;
        let rules = core.faults.rules().clone();
        let component = core.component.clone();
        let image = match at {
            None => core.with(Live::image)?,
            Some(at) if at > core.events => return Err(ForkError::NoSuchEvent { events: core.events }),
            Some(at) => careful(&component, || core.as_after(at))?.image()?,
        };
        drop(core);
        let live = careful(&component, || component.world_from_image(&image))?;
        Ok(Self::around(&component, Origin::Fork(image), live, rules, owner, expires))
    }

    /// Waits for its turn.
    pub(crate) async fn hold(&self) -> MutexGuard<'_, Core> {
        if let Ok(core) = self.core.try_lock() {
            return core;
        }
        let started = Instant::now();
        while started.elapsed() < LOOKING {
            std::hint::spin_loop();
            if let Ok(core) = self.core.try_lock() {
                return core;
            }
        }
        self.core.lock().await
    }

    /// Takes over what others may know without holding the world.
    pub(crate) fn note(&self, core: &Core) {
        self.events.store(core.events, Ordering::Relaxed);
        if let Ok(live) = &core.live {
            self.memory.store(live.memory_bytes(), Ordering::Relaxed);
        }
    }

    pub(crate) fn seed_digest(&self) -> Option<&str> {
        self.seed_digest.as_deref()
    }

    pub(crate) fn events(&self) -> u64 {
        self.events.load(Ordering::Relaxed)
    }

    pub(crate) fn memory(&self) -> usize {
        self.memory.load(Ordering::Relaxed)
    }
}

impl Core {
    /// Counts one event and returns its number.
    pub(crate) fn event(&mut self) -> u64 {
        self.events += 1;
        self.events
    }

    /// Starts counting anew and forgets what could be played again up to here; the world becomes its own origin.
    pub(crate) fn forget_events(&mut self) {
        self.events = 0;
        self.journal.clear();
        self.journal_lost = None;
    }

    pub(crate) fn handle(&mut self, request: &Request) -> Result<Answer, Fault> {
        self.with(|live| live.handle(request))
    }

    pub(crate) fn call_tool(&mut self, call: &ToolCall) -> Result<ToolAnswer, Fault> {
        self.with(|live| live.call_tool(call))
    }

    pub(crate) fn export_state(&mut self) -> Result<Vec<u8>, Fault> {
        self.with(Live::export_state)
    }

    pub(crate) fn authenticate(&mut self, token: &str) -> Result<Option<Vec<u8>>, Fault> {
        self.with(|live| live.authenticate(token))
    }

    /// Virtual time in milliseconds.
    pub(crate) fn now(&self) -> Option<u64> {
        self.live.as_ref().ok().map(Live::now)
    }

    pub(crate) fn advance(&mut self, by: Advance) -> Result<Vec<Delivery>, Fault> {
        let deliveries = self.with(|live| live.advance(by))?;
        self.keep(self.events + 1, &Step::Advance(by));
        Ok(deliveries)
    }

    /// Back to the seed that the world was made with; an ended world lives again.
    pub(crate) fn reset(&mut self) -> Result<(), Fault> {
        let component = self.component.clone();
        match &mut self.live {
            Ok(live) => careful(&component, || live.reset())?,
            Err(_) => self.live = Ok(careful(&component, || self.origin.open(&component))?),
        }
        self.faults = Faults::new(self.boot.clone());
        self.keep(self.events + 1, &Step::Reset);
        Ok(())
    }

    /// Replaces the world by a seed, faults included, unless the twin refuses it.
    pub(crate) fn seed(&mut self, document: Option<Vec<u8>>, rules: Rules) -> Result<Seeded, Fault> {
        let seeded = self.with(|live| live.seed(document.as_deref()))?;
        if seeded.accepted {
            self.faults = Faults::new(rules);
            self.keep(self.events + 1, &Step::Seed(document));
        }
        Ok(seeded)
    }

    /// The number of the last call is `event`.
    pub(crate) fn counts_from(&mut self, event: u64) {
        self.events = event;
    }

    /// Lets a call happen again that was logged, `changed` or only counted.
    pub(crate) fn again(&mut self, event: u64, changed: bool, step: &Step) -> Result<(), Fault> {
        if !self.faults.is_empty() {
            let component = self.component.clone();
            let description = component.description();
            // What happened then is known; this is for the counters.
            match step {
                Step::Request(request) => {
                    self.faults.request(&request.caller.sid, &request.method, &request.path, description);
                }
                Step::Tool(call) => drop(self.faults.tool(&call.name, description)),
                Step::Seed(_) | Step::Reset | Step::Advance(_) => {}
            }
        }
        if changed {
            self.with(|live| journal::carry_out(live, step))?;
            self.keep(event, step);
        }
        self.events = event;
        Ok(())
    }

    /// Keeps a call that may have changed the world.
    pub(crate) fn keep(&mut self, event: u64, step: &Step) {
        if self.journal_lost.is_none()
            && let Err(error) = self.journal.push(event, step)
        {
            self.journal_lost = Some(error.to_string());
        }
    }

    /// Makes the world again as it was before the call that failed. Otherwise it has ended with that fault.
    pub(crate) fn recover(&mut self, fault: &Fault) -> bool {
        let component = self.component.clone();
        let again = careful(&component, || self.as_after(u64::MAX));
        self.live = again.map_err(|_| fault.clone());
        self.live.is_ok()
    }

    /// A fresh world of the same origin that has seen the same calls up to event `last`.
    fn as_after(&self, last: u64) -> Result<Live, ForkError> {
        if let Some(reason) = &self.journal_lost {
            return Err(ForkError::NotKept { reason: reason.clone() });
        }
        let mut live = self.origin.open(&self.component)?;
        self.journal.play(&mut live, last)?;
        Ok(live)
    }

    fn with<T>(&mut self, call: impl FnOnce(&mut Live) -> Result<T, Fault>) -> Result<T, Fault> {
        match &mut self.live {
            Ok(live) => careful(&self.component, || call(live)),
            Err(fault) => Err(Fault { kind: FaultKind::Dead, ..fault.clone() }),
        }
    }
}

impl Origin {
    fn open(&self, component: &Component) -> Result<Live, Fault> {
        match self {
            Self::Fork(image) => component.world_from_image(image),
            Self::Seed(options) => component.world(options.clone()).map_err(|error| match error {
                OpenError::Fault(fault) => fault,
                // It was accepted before and nothing has changed since.
                OpenError::SeedRefused { twin, .. } => {
                    Fault { kind: FaultKind::Host, twin, action: None, message: error_of_refusal() }
                }
            }),
        }
    }
}

fn default_seed(component: &Component) -> Option<&[u8]> {
    component.description().seed("default").map(|seed| seed.json.as_slice())
}

fn error_of_refusal() -> String {
    "the seed that opened the world was refused when it was opened again".to_owned()
}

/// Calls into twins that were not built in may take their time, so they do not hold up other tasks.
fn careful<T>(component: &Component, call: impl FnOnce() -> T) -> T {
    if component.trusted() { call() } else { blocking(call) }
}
