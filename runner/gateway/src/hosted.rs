//! Worlds without a listener of their own: the sessions of a control plane.
//!
//! Whoever hosts them decides which request is for which session, keeps their log, and may build a session again from what it
//! started from and its log, on this machine or another: the same calls lead to the same world.

use std::fmt;
use std::net::{Ipv4Addr, SocketAddr};
use std::sync::{Arc, Mutex};

use bytes::Bytes;
use http::Request;
use http_body_util::Full;
use pome_sandbox::{Component, Fault, WorldOptions};

use crate::delivery::Deliveries;
use crate::description::Prepared;
use crate::http::{Reply, Unanswered};
use crate::journal;
use crate::log::Logged;
use crate::recorder::Recorder;
use crate::server::{HttpLimits, RuntimeInfo, Shared, StartError, world_of};
use crate::session;
use crate::token::Secret;
use crate::world::World;
use crate::worlds::Worlds;

/// A twin that is ready to be given sessions. Cheap to clone.
#[derive(Debug, Clone)]
pub struct Twin {
    component: Component,
    prepared: Arc<Prepared>,
}

impl Twin {
    /// Works out once what every session shares.
    pub fn new(component: Component, runtime: &RuntimeInfo) -> Result<Self, StartError> {
        let prepared = Prepared::new(&component, runtime)
            .map_err(|reason| StartError::Description { twin: component.description().id.clone(), reason })?;
        Ok(Self { component, prepared: Arc::new(prepared) })
    }

    /// The component.
    pub fn component(&self) -> &Component {
        &self.component
    }
}

/// What a hosted world is made from.
pub struct HostedConfig {
    /// What it starts from; the seed may hold `_clock`, `_meta`, `faults` and `failure_injection`.
    pub world: WorldOptions,
    /// Writes to the log of the session ([`Recorder::logged`]); the twins of a session share one.
    pub recorder: Recorder,
    /// Signs and checks tokens.
    pub secret: Secret,
    /// The address of the session, with which addresses in answers start.
    pub public: String,
    /// Bounds on clients.
    pub limits: HttpLimits,
}

impl fmt::Debug for HostedConfig {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("HostedConfig").field("public", &self.public).finish_non_exhaustive()
    }
}

/// The world of one twin in one session.
#[derive(Debug, Clone)]
pub struct Hosted(Arc<Shared>);

/// A logged call cannot be played again.
#[derive(Debug, thiserror::Error)]
pub enum HistoryError {
    /// It was written by another version, or damaged.
    #[error("call {event} in the log cannot be read")]
    Unreadable {
        /// Its number in its world.
        event: u64,
    },
    /// The twin fails now where it did not then.
    #[error("call {event} in the log cannot be carried out again")]
    Fault {
        /// Its number in its world.
        event: u64,
        /// Why.
        source: Fault,
    },
}

impl Hosted {
    /// Opens the world as its seed says.
    pub fn open(twin: &Twin, config: HostedConfig) -> Result<Self, StartError> {
        let id = || twin.component.description().id.clone();
        let (options, rules) =
            world_of(&twin.component, config.world).map_err(|reason| StartError::Seed { twin: id(), reason })?;
        let owner = config.recorder.owner(&id());
        let world = World::open(&twin.component, options, rules, owner, None)
            .map_err(|source| StartError::World { twin: id(), source })?;
        // There is no listener. An address is only compared with where webhooks would go, and they go nowhere from here.
        let address = SocketAddr::from((Ipv4Addr::UNSPECIFIED, 0));
        let nowhere = Arc::new(|_: &str| false);
        let deliveries = Deliveries::new(Some(nowhere), address, config.recorder.clone(), id());
        Ok(Self(Arc::new(Shared {
            component: twin.component.clone(),
            prepared: Arc::clone(&twin.prepared),
            public: Some(config.public),
            worlds: Worlds::new(world),
            recorder: config.recorder,
            secret: config.secret,
            admin_token: None,
            limits: config.limits,
            address,
            deliveries,
            on_trap: None,
            traps: Mutex::default(),
        })))
    }

    /// Lets happen again what the log says, in its order. Only for a world that has answered nothing yet.
    pub async fn play(&self, calls: impl IntoIterator<Item = Logged>) -> Result<(), HistoryError> {
        let world = self.0.worlds.default_world();
        let mut core = world.hold().await;
        for call in calls {
            let event = call.event;
            let step = journal::decoded(&call.step).ok_or(HistoryError::Unreadable { event })?;
            core.again(event, call.changed, &step).map_err(|source| HistoryError::Fault { event, source })?;
        }
        world.note(&core);
        Ok(())
    }

    /// Goes on counting calls from here: those that changed nothing need not be played.
    pub async fn counts_from(&self, event: u64) {
        let world = self.0.worlds.default_world();
        let mut core = world.hold().await;
        core.counts_from(event);
        world.note(&core);
    }

    /// Whether a seed asked for faults: then calls that changed nothing count as well when the world is built again.
    pub async fn counts_every_call(&self) -> bool {
        !self.0.worlds.default_world().hold().await.faults.is_empty()
    }

    /// Answers a request below `/s/<session>`. `call_id` is what the sender calls it. The future must run to its end: whoever
    /// may be cancelled spawns it.
    pub async fn answer(&self, request: Request<Bytes>, call_id: Option<&str>) -> Result<Reply, Unanswered> {
        session::answer(&self.0, self.0.address, request.map(Full::new), call_id).await
    }

    /// The state as the twin exports it: for judging, never to be written anywhere.
    pub async fn export_state(&self) -> Result<Vec<u8>, Fault> {
        self.0.worlds.default_world().hold().await.export_state()
    }

    /// The state as `_pome/state` shows it.
    pub async fn public_state(&self) -> Result<Vec<u8>, Fault> {
        let state = self.export_state().await?;
        Ok(self.0.prepared.public_state(&state, self.0.recorder.redactor()))
    }

    /// The twin.
    pub fn component(&self) -> &Component {
        &self.0.component
    }

    /// How many calls it has answered.
    pub fn events(&self) -> u64 {
        self.0.worlds.default_world().events()
    }
}
