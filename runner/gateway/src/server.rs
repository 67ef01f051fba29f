//! One listener with one default world and any number of isolated ones.

use std::fmt;
use std::net::SocketAddr;
use std::sync::{Arc, Mutex, PoisonError, Weak};
use std::time::Duration;

use pome_sandbox::{Component, Fault, OpenError, WorldOptions};
use tokio::net::TcpListener;

use crate::delivery::{Deliveries, Reach};
use crate::description::Prepared;
use crate::front::{Bounds, Front};
use crate::recorder::Recorder;
use crate::seed;
use crate::session;
use crate::token::Secret;
use crate::world::World;
use crate::worlds::Worlds;

/// How often worlds are looked at whose time is over.
const SWEEP: Duration = Duration::from_secs(1);

/// Most failures of the twin that are kept for a report.
const TRAPS: usize = 1000;

/// Everything a server needs; nothing is read from the environment.
pub struct ServerConfig {
    /// Where to listen; port 0 takes a free one.
    pub addr: SocketAddr,
    /// The twin.
    pub component: Component,
    /// What the default world starts from. The seed may hold `_clock`, `_meta`, `faults` and `failure_injection`: the gateway
    /// takes them out. `_clock` yields to `world.clock`.
    pub world: WorldOptions,
    /// Where calls are recorded; its `run_id` names the run.
    pub recorder: Recorder,
    /// Signs and checks tokens.
    pub secret: Secret,
    /// `TWIN_ADMIN_TOKEN`. Absent: admin calls are taken from this machine only.
    pub admin_token: Option<String>,
    /// What `/healthz` says about the program.
    pub runtime: RuntimeInfo,
    /// Bounds on clients.
    pub limits: HttpLimits,
    /// Which hosts webhooks may go to, this machine included. Absent: this machine alone.
    pub reach: Option<Reach>,
    /// Called when the twin failed in a call, after its world was put back in order.
    pub on_trap: Option<OnTrap>,
}

impl ServerConfig {
    /// A server on a free loopback port with a default seed.
    pub fn new(component: Component, recorder: Recorder, secret: Secret) -> Self {
        Self {
            addr: SocketAddr::from(([127, 0, 0, 1], 0)),
            component,
            world: WorldOptions::default(),
            recorder,
            secret,
            admin_token: None,
            runtime: RuntimeInfo::default(),
            limits: HttpLimits::default(),
            reach: None,
            on_trap: None,
        }
    }
}

impl fmt::Debug for ServerConfig {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ServerConfig").field("addr", &self.addr).finish_non_exhaustive()
    }
}

/// Receives twin failures.
pub type OnTrap = Arc<dyn Fn(&Trapped) + Send + Sync>;

/// A twin failed in a call.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Trapped {
    /// The session that was addressed.
    pub sid: String,
    /// Number of the recorded event in its world, counted from 1; of the next one for calls that are not recorded.
    pub event: u64,
    /// `event_id` of the row; absent for calls that are not recorded.
    pub event_id: Option<String>,
    /// Twin, action and reason.
    pub fault: Fault,
    /// Whether the world stands again as it was before the call; otherwise it has ended.
    pub rebuilt: bool,
}

impl fmt::Display for Trapped {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let outcome = if self.rebuilt { "the session goes on without the call" } else { "the session has ended" };
        write!(f, "event {} of session `{}`: {}; {outcome}", self.event, self.sid, self.fault)
    }
}

/// What `/healthz` says about the program.
#[derive(Debug, Clone)]
pub struct RuntimeInfo {
    /// Absent: `pome-twin-<id>`.
    pub package: Option<String>,
    /// Version of the twin.
    pub version: String,
    /// Revision it was built from.
    pub git_sha: String,
    /// When it was built.
    pub build_time: String,
}

impl Default for RuntimeInfo {
    fn default() -> Self {
        Self { package: None, version: "0.1.0".to_owned(), git_sha: "dev".to_owned(), build_time: "dev".to_owned() }
    }
}

/// Bounds on clients.
#[derive(Debug, Clone)]
pub struct HttpLimits {
    /// Largest request body in bytes.
    pub body: usize,
    /// How long a client may take for the head of a request; also how long a connection may idle between requests.
    pub head_time: Duration,
    /// How long a client may take for the body of a request.
    pub body_time: Duration,
    /// How long `stop` waits for answers that are under way.
    pub drain_time: Duration,
    /// Most connections at a time; further ones wait.
    pub connections: usize,
}

impl Default for HttpLimits {
    fn default() -> Self {
        Self {
            body: 32 << 20,
            head_time: Duration::from_mins(1),
            body_time: Duration::from_mins(1),
            drain_time: Duration::from_secs(5),
            connections: 16_384,
        }
    }
}

/// A server cannot start.
#[derive(Debug, thiserror::Error)]
pub enum StartError {
    /// The address cannot be listened on.
    #[error("cannot listen on `{addr}`")]
    Bind {
        /// The address.
        addr: SocketAddr,
        /// Why.
        source: std::io::Error,
    },
    /// The description breaks a rule of the platform.
    #[error("twin `{twin}` cannot be served: {reason}")]
    Description {
        /// The twin.
        twin: String,
        /// Which rule.
        reason: String,
    },
    /// The seed holds something that the gateway does not understand.
    #[error("seed of twin `{twin}`: {reason}")]
    Seed {
        /// The twin.
        twin: String,
        /// What and where.
        reason: String,
    },
    /// The world cannot be opened.
    #[error("twin `{twin}` did not start")]
    World {
        /// The twin.
        twin: String,
        /// Why.
        source: OpenError,
    },
}

/// A running server. Dropping it closes the listener and all connections at once; [`Server::stop`] lets answers leave first.
#[derive(Debug)]
pub struct Server {
    shared: Arc<Shared>,
    front: Front,
}

/// What every connection sees.
pub(crate) struct Shared {
    pub(crate) component: Component,
    pub(crate) prepared: Arc<Prepared>,
    /// What addresses in answers start with, where that is not for the client to say.
    pub(crate) public: Option<String>,
    pub(crate) worlds: Worlds,
    pub(crate) recorder: Recorder,
    pub(crate) secret: Secret,
    pub(crate) admin_token: Option<String>,
    pub(crate) limits: HttpLimits,
    pub(crate) address: SocketAddr,
    pub(crate) deliveries: Deliveries,
    pub(crate) on_trap: Option<OnTrap>,
    pub(crate) traps: Mutex<Vec<Trapped>>,
}

impl fmt::Debug for Shared {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Shared").field("address", &self.address).finish_non_exhaustive()
    }
}

impl Shared {
    /// Remembers and tells that the twin failed.
    pub(crate) fn trapped(&self, trapped: Trapped) {
        if let Some(on_trap) = &self.on_trap {
            on_trap(&trapped);
        }
        let mut traps = self.traps.lock().unwrap_or_else(PoisonError::into_inner);
        if traps.len() < TRAPS {
            traps.push(trapped);
        }
    }
}

impl Server {
    /// Opens the default world and listens.
    pub async fn start(config: ServerConfig) -> Result<Self, StartError> {
        let twin = || config.component.description().id.clone();
        let prepared = Prepared::new(&config.component, &config.runtime)
            .map_err(|reason| StartError::Description { twin: twin(), reason })?;
        let (options, rules) =
            world_of(&config.component, config.world).map_err(|reason| StartError::Seed { twin: twin(), reason })?;
        let owner = config.recorder.owner(&twin());
        let world = World::open(&config.component, options, rules, owner, None)
            .map_err(|source| StartError::World { twin: twin(), source })?;
        let bind = |source| StartError::Bind { addr: config.addr, source };
        let listener = TcpListener::bind(config.addr).await.map_err(bind)?;
        let address = listener.local_addr().map_err(bind)?;
        let deliveries = Deliveries::new(config.reach, address, config.recorder.clone(), twin());
        let shared = Arc::new(Shared {
            component: config.component,
            prepared: Arc::new(prepared),
            public: None,
            worlds: Worlds::new(world),
            recorder: config.recorder,
            secret: config.secret,
            admin_token: config.admin_token.filter(|token| !token.is_empty()),
            limits: config.limits,
            address,
            deliveries,
            on_trap: config.on_trap,
            traps: Mutex::default(),
        });
        let bounds = Bounds {
            head_time: shared.limits.head_time,
            drain_time: shared.limits.drain_time,
            connections: Some(shared.limits.connections),
        };
        let seen = Arc::clone(&shared);
        let front = Front::start(listener, bounds, move |peer, request| {
            let shared = Arc::clone(&seen);
            async move { session::answer(&shared, peer, request, None).await }
        });
        front.beside(sweep(Arc::downgrade(&shared)));
        Ok(Self { shared, front })
    }

    /// Where it listens.
    pub fn address(&self) -> SocketAddr {
        self.shared.address
    }

    /// `http://<address>/s/<sid>`
    pub fn rest_url(&self, sid: &str) -> String {
        format!("http://{}/s/{sid}", self.address())
    }

    /// `http://<address>/s/<sid>/mcp`
    pub fn mcp_url(&self, sid: &str) -> String {
        format!("{}/mcp", self.rest_url(sid))
    }

    /// The default world's state as the twin exports it: for the evaluator, never to be written anywhere.
    pub async fn export_state(&self) -> Result<Vec<u8>, Fault> {
        let world = self.shared.worlds.default_world();
        let mut core = world.hold().await;
        core.export_state()
    }

    /// The default world's state as `_pome/state` shows it: redacted, without the twin's private keys.
    pub async fn public_state(&self) -> Result<Vec<u8>, Fault> {
        let state = self.export_state().await?;
        Ok(self.shared.prepared.public_state(&state, self.shared.recorder.redactor()))
    }

    /// Puts the default world back to its seed, clock, ids, event numbers and fault counters included. The recorder is not
    /// touched.
    pub async fn reseed(&self) -> Result<(), Fault> {
        let world = self.shared.worlds.default_world();
        let mut core = world.hold().await;
        core.forget_events();
        self.shared.deliveries.forget(world.owner);
        let outcome = core.reset();
        world.note(&core);
        outcome
    }

    /// Twin failures so far, the first of them if there are very many.
    pub fn traps(&self) -> Vec<Trapped> {
        self.shared.traps.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// Stops listening, lets answers that are under way leave, closes everything.
    pub async fn stop(self) {
        self.front.stop().await;
    }
}

/// Takes apart the seed of a world.
pub(crate) fn world_of(
    component: &Component,
    options: WorldOptions,
) -> Result<(WorldOptions, crate::fault::Rules), String> {
    let Some(document) = &options.seed else {
        return Ok((options, crate::fault::Rules::default()));
    };
    let parts = seed::split(document, component.description())?;
    let clock = options.clock.or(parts.clock);
    Ok((WorldOptions { seed: Some(parts.document), clock, ..options }, parts.rules))
}

/// Ends worlds whose time is over, also when nobody asks for them.
async fn sweep(shared: Weak<Shared>) {
    loop {
        tokio::time::sleep(SWEEP).await;
        match shared.upgrade() {
            Some(shared) => shared.worlds.sweep(crate::session::now_seconds()),
            None => return,
        }
    }
}
