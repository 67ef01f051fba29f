//! Sessions that are alive: their worlds, the durable log of their calls, and which host holds them.

//!
//! ```text
//! request -> here? -> world -> log -> answer
//!         -> another host's? -> sent there
//!         -> nobody's, or its host is gone? -> taken over: epoch + 1, built again from the log, then here
//! ```

mod build;
mod dispatch;
mod hosts;
mod log;
mod open;
mod seal;
mod session;
#[cfg(test)]
mod tests;

use std::collections::{BTreeMap, HashMap};
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, PoisonError, RwLock};
use std::time::Duration;

use http::{HeaderMap, Method};
use pome_gateway::token::{self, Claims, MintError, Secret};
use pome_gateway::{RuntimeInfo, StartError, Twin};
use pome_sandbox::{Component, Fault};

pub(crate) use build::BuildError;
pub(crate) use dispatch::{CALL_ID, Dispatched, problem};
pub(crate) use hosts::closed;
pub(crate) use log::ReadError;
pub(crate) use open::ONCE;
pub(crate) use session::LARGEST_BODY;

use crate::config::Config;
pub(crate) use crate::hosting::hosts::Forwarded;
use crate::hosting::hosts::Peers;
use crate::hosting::log::{Logs, LogsError};

use crate::hosting::seal::Seal;
use crate::hosting::session::{Common, Live};
use crate::secrets::Secrets;
use crate::store::{Store, on};

/// States of a session that count as alive, for an SQL list.
pub(crate) const ACTIVE: &str = "('provisioning', 'ready', 'running')";

/// How many sessions are active: of a team, or of all.
pub(crate) async fn active(store: &Store, team: Option<&str>) -> Result<i64, sqlx::Error> {
    on!(store, pool => {
        let mut query = sqlx::QueryBuilder::new(format!("SELECT COUNT(*) FROM sessions WHERE state IN {ACTIVE}"));
        if let Some(team) = team {
            query.push(" AND team_id = ").push_bind(team);
        }
        query.build_query_scalar().fetch_one(pool).await
    })
}

/// One world that a session asks for.
#[derive(Debug, Clone)]
pub(crate) struct NewWorld {
    /// Id of the twin.
    pub(crate) twin: String,
    /// Its seed document as it was sent; absent: the twin's default.
    pub(crate) seed: Option<Vec<u8>>,
}

/// A session that is to be opened.
#[derive(Debug, Clone)]
pub(crate) struct NewSession {
    pub(crate) id: String,
    pub(crate) team_id: String,
    pub(crate) key_id: String,
    /// The first is the primary one. Empty for a session without twins (`/v1/eval-sessions`).
    pub(crate) worlds: Vec<NewWorld>,
    pub(crate) task_name: Option<String>,
    /// The Markdown, decoded.
    pub(crate) scenario_source: Option<String>,
    pub(crate) scenario_hash: Option<String>,
    /// `request` or `default`.
    pub(crate) seed_applied: Option<&'static str>,
    pub(crate) group_id: Option<String>,
    pub(crate) agent_id: Option<String>,
    pub(crate) agent_version: Option<String>,
    pub(crate) tags: Vec<String>,
    pub(crate) idempotency_key: Option<String>,
    pub(crate) ttl: Duration,
}

/// A session that was opened.
#[derive(Debug, Clone)]
pub(crate) struct Opened {
    /// Milliseconds since 1970.
    pub(crate) created_at: i64,
    /// Milliseconds since 1970.
    pub(crate) expires_at: i64,
}

/// A session cannot be opened.
#[derive(Debug, thiserror::Error)]
pub(crate) enum OpenError {
    #[error("there is no twin `{twin}` here")]
    UnknownTwin { twin: String },
    #[error("{reason}")]
    SeedRefused { twin: String, reason: String },
    #[error("{used} of {limit} sessions in use")]
    OverQuota { limit: i64, used: i64 },
    /// The team has a session with that idempotency key.
    #[error("there is a session with this idempotency key")]
    Duplicate,
    #[error("twin `{twin}` did not start: {reason}")]
    Boot { twin: String, reason: String },
    #[error("the twins did not start in time")]
    Slow,
    #[error("the database does not answer")]
    Database(#[from] sqlx::Error),
}

impl OpenError {
    /// Under which code the session is stored as one that failed; absent: nothing is stored of it.
    pub(crate) fn code(&self) -> Option<&'static str> {
        match self {
            Self::Boot { .. } => Some("twin_boot_failed"),
            Self::Slow => Some("twin_boot_timeout"),
            Self::UnknownTwin { .. }
            | Self::SeedRefused { .. }
            | Self::OverQuota { .. }
            | Self::Duplicate
            | Self::Database(_) => None,
        }
    }
}

/// How a session ends.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Close<'a> {
    /// `done`, `expired` or `failed`.
    pub(crate) state: &'a str,
    pub(crate) error_code: Option<&'a str>,
}

/// What one twin of a session has to say about it.
#[derive(Debug)]
pub(crate) struct TwinEvidence {
    pub(crate) twin: String,
    pub(crate) component: Component,
    /// Exported state right after the seed, not redacted.
    pub(crate) before: Vec<u8>,
    /// Exported state now, not redacted.
    pub(crate) after: Vec<u8>,
    /// Redacted rows of its calls, oldest first, each a JSON object.
    pub(crate) rows: Vec<Vec<u8>>,
}

/// The material of a session cannot be had.
#[derive(Debug, thiserror::Error)]
pub(crate) enum EvidenceError {
    #[error("the calls of the session are not kept any more")]
    Swept,
    #[error("the twin of the session cannot be found any more: {0}")]
    Component(String),
    #[error(transparent)]
    Build(#[from] BuildError),
    #[error("the state cannot be exported")]
    Export(#[from] Fault),
    #[error("the database does not answer")]
    Database(#[from] sqlx::Error),
}

/// What hosting has done so far, for the metrics.
#[derive(Debug, Default)]
pub(crate) struct Done {
    /// Sessions that were built again from their log.
    pub(crate) rebuilt: AtomicU64,
    /// Sessions that were taken over from another host.
    pub(crate) taken_over: AtomicU64,
    /// Requests that were sent to another host.
    pub(crate) forwarded: AtomicU64,
    /// Requests that nobody could answer in time.
    pub(crate) given_up: AtomicU64,
}

/// The sessions of this process and the way to those of others. Cheap to clone.
#[derive(Debug, Clone)]
pub(crate) struct Hosting(Arc<Inner>);

#[derive(Debug)]
struct Inner {
    store: Store,
    seal: Seal,
    common: Common,
    twins: BTreeMap<String, Twin>,
    live: RwLock<HashMap<String, Arc<Slot>>>,
    logs: Logs,
    peers: Peers,
    done: Done,
}

/// The place of a session in this process.
#[derive(Debug, Default)]
struct Slot {
    current: RwLock<Option<Arc<Live>>>,
    /// Held by whoever finds out where the session is.
    finding: tokio::sync::Mutex<()>,
}

impl Slot {
    fn current(&self) -> Option<Arc<Live>> {
        let live = self.current.read().unwrap_or_else(PoisonError::into_inner).clone();
        live.filter(|live| !live.log.is_over())
    }

    fn put_if_new(&self, live: &Arc<Live>) {
        if !self.current().is_some_and(|current| Arc::ptr_eq(&current, live)) {
            self.put(Some(Arc::clone(live)));
        }
    }

    fn put(&self, live: Option<Arc<Live>>) {
        let mut current = self.current.write().unwrap_or_else(PoisonError::into_inner);
        if let Some(before) = std::mem::replace(&mut *current, live) {
            before.log.end();
        }
    }
}

/// Hosting cannot begin.
#[derive(Debug, thiserror::Error)]
pub enum HostingError {
    /// A twin cannot be served.
    #[error(transparent)]
    Twin(#[from] StartError),
    /// The key of the log cannot be made.
    #[error("the log cannot be encrypted")]
    Seal,
    /// There is no name for this host.
    #[error(transparent)]
    Random(#[from] crate::ids::NoRandom),
    /// The database does not answer.
    #[error("the database does not answer")]
    Database(#[from] sqlx::Error),
    /// There is nowhere to write calls.
    #[error(transparent)]
    Logs(#[from] LogsError),
}

impl Hosting {
    /// Makes this process known to the others and begins to write. `address` is where other hosts reach it.
    pub(crate) async fn start(
        config: &Config,
        store: &Store,
        public_url: &str,
        address: &str,
    ) -> Result<Self, HostingError> {
        let mut twins = BTreeMap::new();
        for component in &config.components {
            let runtime = RuntimeInfo { version: component.description().version.clone(), ..RuntimeInfo::default() };
            twins.insert(component.description().id.clone(), Twin::new(component.clone(), &runtime)?);
        }
        let seal = Seal::new(&config.secrets.derive("log of calls")).map_err(|_| HostingError::Seal)?;
        let peers = Peers::join(store, &config.secrets, address).await?;
        let common = Common { secret: token_secret(&config.secrets), public_url: public_url.to_owned() };
        let logs = Logs::start(store, &config.data_dir, seal.clone())?;
        let hosting = Self(Arc::new(Inner {
            store: store.clone(),
            seal,
            common,
            twins,
            live: RwLock::default(),
            logs,
            peers,
            done: Done::default(),
        }));
        hosting.keep_in_touch();
        Ok(hosting)
    }

    /// A name for a call that has none. Alone, nobody would ever ask for it: only what went to another host is sent again.
    pub(crate) fn name_of_call(&self) -> String {
        if self.0.store.is_shared() { uuid::Uuid::new_v4().simple().to_string() } else { String::new() }
    }

    /// The twins that sessions may ask for.
    pub(crate) fn twins(&self) -> impl Iterator<Item = &Component> {
        self.0.twins.values().map(Twin::component)
    }

    /// A twin by its id.
    pub(crate) fn twin(&self, id: &str) -> Option<&Component> {
        self.0.twins.get(id).map(Twin::component)
    }

    /// What has been done so far.
    pub(crate) fn done(&self) -> &Done {
        &self.0.done
    }

    /// Calls that were kept, calls that were lost, and statements that wrote them.
    pub(crate) fn logged(&self) -> (u64, u64, u64) {
        let counters = &self.0.logs.counters;
        let read = |counter: &AtomicU64| counter.load(Ordering::Relaxed);
        (read(&counters.kept), read(&counters.lost), read(&counters.batches))
    }

    /// The logs of all sessions.
    pub(crate) fn logs(&self) -> &Logs {
        &self.0.logs
    }

    /// How many sessions have their worlds in this process.
    pub(crate) fn held(&self) -> usize {
        let live = self.0.live.read().unwrap_or_else(PoisonError::into_inner);
        live.values().filter(|slot| slot.current().is_some()).count()
    }

    /// A token for the agent of a session. `expires` is in seconds since 1970.
    pub(crate) fn mint(
        &self,
        session_id: &str,
        team_id: &str,
        twins: &[String],
        expires: u64,
    ) -> Result<String, MintError> {
        let mut extra = vec![("login".to_owned(), "pome-agent".to_owned())];
        let described = twins.iter().filter_map(|twin| self.twin(twin));
        for (name, value) in described.flat_map(|component| &component.description().tokens.claims) {
            if !extra.iter().any(|(known, _)| known == name) {
                extra.push((name.clone(), value.clone()));
            }
        }
        let claims = Claims {
            sid: session_id.to_owned(),
            team_id: team_id.to_owned(),
            exp: Some(expires),
            iat: u64::try_from(pome_wire::time::now_millis() / 1000).ok(),
            extra,
        };
        token::mint(&self.0.common.secret, &claims)
    }

    fn slot(&self, id: &str) -> Arc<Slot> {
        if let Some(slot) = self.0.live.read().unwrap_or_else(PoisonError::into_inner).get(id) {
            return Arc::clone(slot);
        }
        Arc::clone(self.0.live.write().unwrap_or_else(PoisonError::into_inner).entry(id.to_owned()).or_default())
    }

    /// Forgets a session that this process does not hold (any more).
    fn forget(&self, id: &str) {
        let slot = self.0.live.write().unwrap_or_else(PoisonError::into_inner).remove(id);
        if let Some(slot) = slot {
            slot.put(None);
        }
    }

    /// A session was closed in the database: drops what is held of it here.
    pub(crate) fn released(&self, session_id: &str) {
        self.forget(session_id);
    }
}

impl Hosting {
    /// Lets the others know of this process, and drops sessions that are no longer its own, until nobody uses it any more.
    fn keep_in_touch(&self) {
        let inner = Arc::downgrade(&self.0);
        tokio::spawn(async move {
            let mut beats = 0_u32;
            loop {
                tokio::time::sleep(BEAT).await;
                let Some(inner) = inner.upgrade() else { return };
                let hosting = Self(inner);
                if let Err(error) = hosting.0.peers.beat(&hosting.0.store).await {
                    tracing::warn!(error = %error, "the database does not answer");
                }
                beats = beats.wrapping_add(1);
                if beats.is_multiple_of(10)
                    && let Err(error) = hosting.drop_lost().await
                {
                    tracing::warn!(error = %error, "lost sessions could not be found");
                }
            }
        });
    }

    /// Drops the worlds of sessions that have ended or moved.
    async fn drop_lost(&self) -> Result<(), sqlx::Error> {
        let held: Vec<String> = {
            let live = self.0.live.read().unwrap_or_else(PoisonError::into_inner);
            live.keys().cloned().collect()
        };
        if held.is_empty() {
            return Ok(());
        }
        let sql = format!("SELECT id FROM sessions WHERE owner = $1 AND state IN {ACTIVE}");
        let mine: Vec<String> = on!(&self.0.store, pool => {
            sqlx::query_scalar(sqlx::AssertSqlSafe(sql)).bind(self.0.peers.id()).fetch_all(pool).await?
        });
        let mine: std::collections::HashSet<String> = mine.into_iter().collect();
        for id in held.iter().filter(|id| !mine.contains(*id)) {
            self.forget(id);
        }
        self.drop_idle();
        Ok(())
    }

    /// Drops worlds that nobody has called for a while: the next call builds them again.
    fn drop_idle(&self) {
        let before = pome_wire::time::now_millis() - IDLE;
        let idle: Vec<String> = {
            let live = self.0.live.read().unwrap_or_else(PoisonError::into_inner);
            let is_idle = |slot: &Slot| slot.current().is_none_or(|live| live.used_at.load(Ordering::Relaxed) < before);
            live.iter().filter(|(_, slot)| is_idle(slot)).map(|(id, _)| id.clone()).collect()
        };
        for id in idle {
            self.forget(&id);
        }
    }

    /// Whether a request comes from another host.
    pub(crate) fn received(&self, method: &Method, target: &str, headers: &mut HeaderMap) -> Option<Forwarded> {
        self.0.peers.received(method, target, headers)
    }

    /// Gives the sessions of this process up, so that others take them at once.
    pub(crate) async fn leave(&self) -> Result<(), sqlx::Error> {
        let held: Vec<Arc<Slot>> = {
            let live = self.0.live.read().unwrap_or_else(PoisonError::into_inner);
            live.values().cloned().collect()
        };
        for slot in held {
            slot.put(None);
        }
        self.0.peers.leave(&self.0.store).await
    }
}

/// How long worlds that nobody calls are kept in memory, in milliseconds.
const IDLE: i64 = 10 * 60 * 1000;

/// How often a host says that it is alive.
const BEAT: Duration = Duration::from_secs(1);

/// What session tokens are signed with.
pub(crate) fn token_secret(secrets: &Secrets) -> Secret {
    Secret::new(&secrets.derive_text("session tokens"))
}
