//! A live instance of a twin, and images of it.

use std::fmt;
use std::sync::Arc;

use wasmtime::{Store, Trap};

use crate::bindings::twin::{TwinComponent, TwinComponentPre};
use crate::call::{Advance, Answer, Delivery, Report, Request, Seeded, ToolAnswer, ToolCall};
use crate::component::{Component, WorldOptions};
use crate::convert;
use crate::description::Description;
use crate::engine::{Engine, ticks};
use crate::error::{Fault, FaultKind, OpenError};
use crate::host::{Host, OutOfMemory, STEP_MS, Senses};
use crate::memory::{Memories, MemoryImage, Slot};

/// One live instance of a twin: a session's world.
///
/// All calls take `&mut self`, so they happen one after the other. A fault ends the world: its memory is given back at once, later
/// calls answer [`FaultKind::Dead`], and [`rebuild`](World::rebuild), [`restore`](World::restore) and [`reset`](World::reset) bring
/// it back. Dropping a world gives its memory back to the engine.
pub struct World {
    component: Component,
    options: WorldOptions,
    /// What `reset` returns to.
    origin: Image,
    /// What `rebuild` returns to.
    last: Image,
    live: Result<Live, Fault>,
}

impl fmt::Debug for World {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("World")
            .field("twin", &self.id())
            .field("now", &self.now())
            .field("memory_bytes", &self.memory_bytes())
            .field("dead", &self.is_dead())
            .finish_non_exhaustive()
    }
}

impl World {
    pub(crate) fn open(component: &Component, options: WorldOptions) -> Result<Self, OpenError> {
        let (image, seeded) = component.seeded(options.seed.as_deref(), options.start(), options.random_seed)?;
        let Some(image) = image else {
            return Err(OpenError::SeedRefused {
                twin: component.description().id.clone(),
                answer: Box::new(seeded.answer),
            });
        };
        Ok(Self::continued(component, &image, options)?)
    }

    pub(crate) fn from_image(component: &Component, image: &Image) -> Result<Self, Fault> {
        let options = WorldOptions { seed: None, clock: Some(image.senses().clock), random_seed: 0 };
        Self::continued(component, image, options)
    }

    fn continued(component: &Component, image: &Image, options: WorldOptions) -> Result<Self, Fault> {
        let live = start(component, image)?;
        Ok(Self { component: component.clone(), options, origin: image.clone(), last: image.clone(), live: Ok(live) })
    }

    /// Answers one request. When the answer reports a change, the clock moves by one second.
    pub fn handle(&mut self, request: &Request) -> Result<Answer, Fault> {
        let mut answer = self.call(
            |live| live.handle(request),
            |description| {
                let action = crate::action::of_request(description, &request.method, &request.path);
                (action, format!("{} {}", request.method, request.path))
            },
        )?;
        self.step(&mut answer.report)?;
        Ok(answer)
    }

    /// Answers one tool call. When the answer reports a change, the clock moves by one second.
    pub fn call_tool(&mut self, call: &ToolCall) -> Result<ToolAnswer, Fault> {
        let mut answer = self.call(
            |live| live.call_tool(call),
            |description| {
                let action = crate::action::of_tool(description, &call.name);
                (action, format!("tool `{}`", call.name))
            },
        )?;
        self.step(&mut answer.report)?;
        Ok(answer)
    }

    /// Replaces the world by a seed (absent: the default seed), as if it had been opened with it: clock and random stream start
    /// again. The old world is only given up when the new one stands, so a refusal or a fault leaves everything as it was.
    /// [`reset`](World::reset) still returns to what the world was opened with.
    pub fn seed(&mut self, document: Option<&[u8]>) -> Result<Seeded, Fault> {
        let (image, seeded) = self.component.seeded(document, self.options.start(), self.options.random_seed)?;
        if let Some(image) = image {
            self.restore(&image)?;
        }
        Ok(seeded)
    }

    /// The whole state as JSON.
    pub fn export_state(&mut self) -> Result<Vec<u8>, Fault> {
        self.call(Live::export_state, |_| (None, "export of the state".to_owned()))
    }

    /// Whose credential a token is, if the state knows it: a JSON object of claims.
    pub fn authenticate(&mut self, token: &str) -> Result<Option<Vec<u8>>, Fault> {
        self.call(|live| live.authenticate(token), |_| (None, "check of a credential".to_owned()))
    }

    /// Moves the clock and does what has become due. Time never goes back.
    pub fn advance(&mut self, advance: Advance) -> Result<Vec<Delivery>, Fault> {
        let live = self.live()?;
        let clock = &mut live.store.data_mut().senses.clock;
        *clock = match advance {
            Advance::By(milliseconds) => clock.saturating_add(milliseconds),
            Advance::To(time) => time.max(*clock),
        };
        self.call(Live::advance, |_| (None, "advance of the clock".to_owned()))
    }

    /// A second world that continues from here: same state, same clock, same position in the random stream. Its
    /// [`reset`](World::reset) returns to this moment.
    pub fn fork(&mut self) -> Result<Self, Fault> {
        let image = self.image()?;
        Self::continued(&self.component, &image, self.options.clone())
    }

    /// Back to the world as it was opened, whatever has happened since, and in microseconds.
    pub fn reset(&mut self) -> Result<(), Fault> {
        let origin = self.origin.clone();
        self.restore(&origin)
    }

    /// The world as it is now, to be opened again later. Costs what has changed since the image that it was opened from.
    /// A fault that leaves the world alive ([`is_dead`](World::is_dead) says which) means that the host has no room for an image.
    pub fn image(&mut self) -> Result<Image, Fault> {
        let digest = self.component.digest().to_owned();
        let place = || "image of the world".to_owned();
        let image = self.call(|live| live.image(&digest), |_| (None, place()))?;
        let image = image.map_err(|stop| stop.into_fault(self.id(), None, &place()))?;
        self.last = image.clone();
        Ok(image)
    }

    /// Back (or over) to an image of a world of the same component.
    pub fn restore(&mut self, image: &Image) -> Result<(), Fault> {
        let live = start(&self.component, image)?;
        self.live = Ok(live);
        self.last = image.clone();
        Ok(())
    }

    /// After a fault: back to the last image of this world, which is the latest of opening, `seed`, `image`, `restore` and
    /// `reset`. What happened after it is for the caller to replay.
    pub fn rebuild(&mut self) -> Result<(), Fault> {
        let last = self.last.clone();
        self.restore(&last)
    }

    /// Whether a fault ended it.
    pub fn is_dead(&self) -> bool {
        self.live.is_err()
    }

    /// Its virtual time in milliseconds since 1970-01-01T00:00:00Z. Of a dead world: of its last image.
    pub fn now(&self) -> u64 {
        match &self.live {
            Ok(live) => live.store.data().senses.clock,
            Err(_) => self.last.senses().clock,
        }
    }

    /// Bytes of linear memory that it may touch now. What it really uses is less: pages are shared with its image until written.
    pub fn memory_bytes(&self) -> usize {
        self.live.as_ref().map_or(0, |live| live.slots.iter().map(|slot| slot.size()).sum())
    }

    /// The twin it is a world of.
    pub fn component(&self) -> &Component {
        &self.component
    }

    /// What it was opened with.
    pub fn options(&self) -> &WorldOptions {
        &self.options
    }

    fn id(&self) -> &str {
        &self.component.description().id
    }

    fn live(&mut self) -> Result<&mut Live, Fault> {
        match &mut self.live {
            Ok(live) => Ok(live),
            Err(fault) => Err(Fault {
                kind: FaultKind::Dead,
                message: format!("it {} ({})", fault.kind.as_str(), fault.message),
                ..fault.clone()
            }),
        }
    }

    fn call<T>(
        &mut self,
        call: impl FnOnce(&mut Live) -> Result<T, Stop>,
        place: impl FnOnce(&Description) -> (Option<String>, String),
    ) -> Result<T, Fault> {
        match call(self.live()?) {
            Ok(value) => Ok(value),
            Err(stop) => {
                let (action, place) = place(self.component.description());
                let fault = stop.into_fault(self.id(), action, &place);
                self.live = Err(fault.clone());
                Err(fault)
            }
        }
    }

    /// Moves the clock after a change. What becomes due by that belongs to the call that made it due.
    fn step(&mut self, report: &mut Report) -> Result<(), Fault> {
        if !report.mutation {
            return Ok(());
        }
        let live = self.live()?;
        let clock = &mut live.store.data_mut().senses.clock;
        *clock = clock.saturating_add(STEP_MS);
        if self.component.description().clockwork {
            report.deliveries.extend(self.call(Live::advance, |_| (None, "advance of the clock".to_owned()))?);
        }
        Ok(())
    }
}

fn start(component: &Component, image: &Image) -> Result<Live, Fault> {
    let fault = |stop: Stop| stop.into_fault(&component.description().id, None, "start of a world");
    if image.0.digest != component.digest() {
        return Err(fault(Stop { kind: FaultKind::Host, reason: "the image belongs to another component".to_owned() }));
    }
    component.start(image.senses(), Some(image)).map_err(fault)
}

/// A world as it was at one moment: memory, clock, position in the random stream. Cheap to clone; worlds share its pages.
#[derive(Clone)]
pub struct Image(Arc<ImageInner>);

struct ImageInner {
    digest: String,
    memories: Arc<[MemoryImage]>,
    senses: Senses,
}

impl fmt::Debug for Image {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Image")
            .field("component", &self.0.digest)
            .field("bytes", &self.bytes())
            .field("now", &self.now())
            .finish()
    }
}

impl Image {
    /// Bytes of linear memory of the world when it was taken.
    pub fn bytes(&self) -> usize {
        self.0.memories.iter().map(MemoryImage::size).sum()
    }

    /// Virtual time when it was taken.
    pub fn now(&self) -> u64 {
        self.0.senses.clock
    }

    pub(crate) fn senses(&self) -> Senses {
        self.0.senses
    }

    pub(crate) fn with_senses(&self, senses: Senses) -> Self {
        Self(Arc::new(ImageInner { digest: self.0.digest.clone(), memories: Arc::clone(&self.0.memories), senses }))
    }
}

/// An instance with its store. Usable until the first [`Stop`].
pub(crate) struct Live {
    store: Store<Host>,
    twin: TwinComponent,
    slots: Vec<Arc<Slot>>,
    /// In ticks.
    deadline: u64,
    /// Bytes that an answer, and a state, may have.
    answer: usize,
    state: usize,
}

impl Live {
    pub(crate) fn start(
        engine: &Engine,
        runtime: &wasmtime::Engine,
        code: &TwinComponentPre<Host>,
        senses: Senses,
        image: Option<&Image>,
    ) -> Result<Self, Stop> {
        let limits = engine.limits();
        let memories: &[MemoryImage] = image.map_or(&[], |image| &image.0.memories);
        let deadline = ticks(limits.deadline);
        let mut store = Store::new(runtime, Host::new(senses, limits.memory));
        store.limiter(|host| &mut host.bounds);
        store.set_epoch_deadline(deadline);
        store.set_hostcall_fuel(limits.answer);
        let (made, mut slots) =
            Memories::gather(memories.iter().map(MemoryImage::size), || code.instantiate(&mut store));
        let twin = made.map_err(|error| Stop::at_start(&error))?;
        if image.is_some() {
            if slots.len() != memories.len() {
                return Err(Stop::host("the image has another number of memories"));
            }
            for (slot, memory) in slots.iter_mut().zip(memories) {
                slot.adopt(memory).map_err(Stop::host)?;
            }
            // A memory that was made at the size of its image was announced at its smaller first size.
            store.data_mut().bounds.used = slots.iter().map(|slot| slot.size()).sum();
        }
        Ok(Self { store, twin, slots, deadline, answer: limits.answer, state: limits.state })
    }

    fn run<T>(
        &mut self,
        call: impl FnOnce(&TwinComponent, &mut Store<Host>) -> wasmtime::Result<T>,
    ) -> Result<T, Stop> {
        self.store.set_epoch_deadline(self.deadline);
        self.store.data_mut().last_error = None;
        call(&self.twin, &mut self.store).map_err(|error| {
            let said = self.store.data_mut().last_error.take();
            Stop::during_call(&error, said)
        })
    }

    pub(crate) fn describe(&mut self) -> Result<Description, Stop> {
        self.run(|twin, store| twin.pome_twin_twin().call_describe(store)).map(Into::into)
    }

    pub(crate) fn seed(&mut self, document: Option<&[u8]>) -> Result<Seeded, Stop> {
        self.run(|twin, store| twin.pome_twin_twin().call_seed(store, document)).map(Into::into)
    }

    fn handle(&mut self, request: &Request) -> Result<Answer, Stop> {
        let headers = convert::headers(&request.headers);
        let request = convert::request(request, &headers);
        self.run(|twin, store| twin.pome_twin_twin().call_handle(store, request)).map(Into::into)
    }

    fn call_tool(&mut self, call: &ToolCall) -> Result<ToolAnswer, Stop> {
        let call = convert::tool_call(call);
        self.run(|twin, store| twin.pome_twin_twin().call_call_tool(store, call)).map(Into::into)
    }

    fn export_state(&mut self) -> Result<Vec<u8>, Stop> {
        self.store.set_hostcall_fuel(self.state);
        let state = self.run(|twin, store| twin.pome_twin_twin().call_export_state(store));
        self.store.set_hostcall_fuel(self.answer);
        state
    }

    fn authenticate(&mut self, token: &str) -> Result<Option<Vec<u8>>, Stop> {
        self.run(|twin, store| twin.pome_twin_twin().call_authenticate(store, token))
    }

    fn advance(&mut self) -> Result<Vec<Delivery>, Stop> {
        let deliveries = self.run(|twin, store| twin.pome_twin_twin().call_advance(store))?;
        Ok(deliveries.into_iter().map(Into::into).collect())
    }

    /// An image, or why there is none (inner) or why the instance is lost (outer).
    pub(crate) fn image(&mut self, digest: &str) -> Result<Result<Image, Stop>, Stop> {
        let mut memories = Vec::new();
        for slot in &mut self.slots {
            match slot.image().map_err(Stop::host)? {
                Ok(memory) => memories.push(memory),
                Err(error) => return Ok(Err(Stop::host(error))),
            }
        }
        Ok(Ok(Image(Arc::new(ImageInner {
            digest: digest.to_owned(),
            memories: memories.into(),
            senses: self.store.data().senses,
        }))))
    }

    /// Whether the guest has seen the clock, and whether it has drawn from the random stream.
    pub(crate) fn saw(&self) -> (bool, bool) {
        let host = self.store.data();
        (host.saw_clock, host.drew_random)
    }
}

/// Why a guest stopped, before it is known where.
#[derive(Debug)]
pub(crate) struct Stop {
    pub(crate) kind: FaultKind,
    pub(crate) reason: String,
}

impl Stop {
    pub(crate) fn host(reason: impl fmt::Display) -> Self {
        Self { kind: FaultKind::Host, reason: reason.to_string() }
    }

    /// While an instance was made: what is not the guest's doing is the host's.
    pub(crate) fn at_start(error: &wasmtime::Error) -> Self {
        match Self::of_guest(error) {
            Some(stop) => stop,
            None => Self::host(format!("{error:#}")),
        }
    }

    /// During a call: what is not a trap is an answer that could not be read.
    pub(crate) fn during_call(error: &wasmtime::Error, said: Option<String>) -> Self {
        let mut stop =
            Self::of_guest(error).unwrap_or_else(|| Self { kind: FaultKind::BadAnswer, reason: format!("{error:#}") });
        if let Some(said) = said {
            stop.reason = format!("{}; its last words: {said}", stop.reason);
        }
        stop
    }

    fn of_guest(error: &wasmtime::Error) -> Option<Self> {
        if let Some(memory) = error.downcast_ref::<OutOfMemory>() {
            return Some(Self { kind: FaultKind::Memory, reason: memory.to_string() });
        }
        if let Some(trap) = error.downcast_ref::<Trap>() {
            let kind = match trap {
                Trap::Interrupt => FaultKind::Deadline,
                Trap::OutOfFuel => FaultKind::Fuel,
                Trap::StackOverflow => FaultKind::Stack,
                _ => FaultKind::Trap,
            };
            return Some(Self { kind, reason: trap.to_string() });
        }
        // The engine has no type for this one.
        let text = format!("{error:#}");
        text.contains("fuel allocated for hostcalls").then(|| Self {
            kind: FaultKind::AnswerTooLarge,
            reason: "it handed out more than one answer may hold".to_owned(),
        })
    }

    pub(crate) fn into_fault(self, twin: &str, action: Option<String>, place: &str) -> Fault {
        Fault { kind: self.kind, twin: twin.to_owned(), action, message: format!("{place}: {}", self.reason) }
    }
}
