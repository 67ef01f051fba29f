//! What twins asked to have sent, such as webhooks. Each world has an outbox, ordered by due time; what is due is sent one after
//! the other, outside the sandbox. A try that is not taken comes back when the twin wants it to, by the world's own time.
//!
//! What became of a delivery never enters the world: a receiver's mood must not decide what the same calls answer. It is written
//! into the trace and shown below `_pome/deliveries`.

use std::collections::{BTreeMap, VecDeque};
use std::fmt;
use std::net::SocketAddr;
use std::sync::{Arc, Mutex, MutexGuard, OnceLock, PoisonError};
use std::time::Duration;

use http::{Method, Request, Uri};
use pome_sandbox::Delivery;
use pome_wire::event::{WebhookDeliveryEvent, kind};
use pome_wire::host::{is_this_machine, normal};
use pome_wire::time;
use serde::Serialize;
use tokio::sync::Notify;
use uuid::Uuid;

use crate::recorder::{Owner, Recorder};

/// How long a receiver may take.
const LIMIT: Duration = Duration::from_secs(10);

/// An agent that calls and listens in one process should see its answer before what follows from it.
const GRACE: Duration = Duration::from_millis(20);

/// Most deliveries of one world that are remembered after they are over.
const REMEMBERED: usize = 1000;

/// Says whether a host may be sent to: lower case, without brackets and without a trailing dot.
pub type Reach = Arc<dyn Fn(&str) -> bool + Send + Sync>;

/// The outboxes of all worlds of a server. Cheap to clone.
#[derive(Clone)]
pub(crate) struct Deliveries(Arc<Inner>);

struct Inner {
    outboxes: Mutex<BTreeMap<Owner, Outbox>>,
    agent: ureq::Agent,
    reach: Reach,
    /// The server itself, which nothing is sent to: its admin calls trust this machine.
    own: SocketAddr,
    recorder: Recorder,
    twin: String,
}

impl fmt::Debug for Deliveries {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Deliveries").field("twin", &self.0.twin).finish_non_exhaustive()
    }
}

#[derive(Debug, Default)]
struct Outbox {
    waiting: Vec<Waiting>,
    over: VecDeque<Entry>,
    /// The world's time as far as it was seen.
    now: u64,
    /// A task is at it.
    sending: bool,
    idle: Arc<Notify>,
    /// Changes when everything is forgotten, so that a try that is under way comes back to nothing.
    round: u64,
}

#[derive(Debug, Clone)]
struct Waiting {
    delivery: Arc<Delivery>,
    /// Virtual time of the next try.
    due: u64,
    cause: Option<String>,
    attempts: Vec<Attempt>,
}

/// One try.
#[derive(Debug, Clone, Serialize)]
struct Attempt {
    /// Virtual time, in milliseconds.
    at: u64,
    status: Option<u16>,
    error: Option<String>,
}

/// A delivery as `_pome/deliveries` shows it.
#[derive(Debug, Clone, Serialize)]
struct Entry {
    id: String,
    method: String,
    url: String,
    /// Virtual time of the next try; null when there is none.
    next: Option<u64>,
    /// `waiting`, `delivered` or `failed`.
    state: &'static str,
    attempts: Vec<Attempt>,
}

impl Waiting {
    fn entry(&self, state: &'static str) -> Entry {
        let Delivery { id, method, url, .. } = &*self.delivery;
        Entry {
            id: id.clone(),
            method: method.clone(),
            url: url.clone(),
            next: (state == "waiting").then_some(self.due),
            state,
            attempts: self.attempts.clone(),
        }
    }
}

/// The client that all deliveries of this process share.
fn agent() -> ureq::Agent {
    static AGENT: OnceLock<ureq::Agent> = OnceLock::new();
    let make = || {
        let config = ureq::Agent::config_builder()
            .timeout_global(Some(LIMIT))
            .http_status_as_error(false)
            // A redirect could lead where nothing may be sent.
            .max_redirects(0)
            .max_redirects_will_error(false)
            .proxy(None)
            .build();
        config.into()
    };
    AGENT.get_or_init(make).clone()
}

impl Deliveries {
    pub(crate) fn new(reach: Option<Reach>, own: SocketAddr, recorder: Recorder, twin: String) -> Self {
        let reach = reach.unwrap_or_else(|| Arc::new(is_this_machine));
        Self(Arc::new(Inner { outboxes: Mutex::default(), agent: agent(), reach, own, recorder, twin }))
    }

    /// Takes what a call asked for, and sends what is due at `now` after its answer has left. `cause` is the call's row.
    pub(crate) fn add(&self, owner: Owner, deliveries: Vec<Delivery>, now: Option<u64>, cause: Option<&str>) {
        let Some(now) = now else { return };
        if self.put(owner, deliveries, now, cause) {
            let this = self.clone();
            tokio::spawn(async move {
                tokio::time::sleep(GRACE).await;
                this.drain(owner).await;
            });
        }
    }

    /// The same for the clock: returns when everything that is due has been tried.
    pub(crate) async fn settle(&self, owner: Owner, deliveries: Vec<Delivery>, now: Option<u64>) {
        let Some(now) = now else { return };
        if self.put(owner, deliveries, now, None) {
            self.drain(owner).await;
        } else {
            self.until_idle(owner).await;
        }
    }

    async fn until_idle(&self, owner: Owner) {
        loop {
            let idle = match self.outboxes().get(&owner) {
                Some(outbox) if outbox.sending => Arc::clone(&outbox.idle),
                _ => return,
            };
            let idle = idle.notified();
            // It may have ended between the look and the wait.
            if self.outboxes().get(&owner).is_none_or(|outbox| !outbox.sending) {
                return;
            }
            // A missed wake-up costs a look, not the answer.
            let _ = tokio::time::timeout(GRACE, idle).await;
        }
    }

    /// Whether the caller is to send: something is due and nobody else is at it.
    fn put(&self, owner: Owner, deliveries: Vec<Delivery>, now: u64, cause: Option<&str>) -> bool {
        let mut outboxes = self.outboxes();
        if deliveries.is_empty() && !outboxes.contains_key(&owner) {
            return false;
        }
        let outbox = outboxes.entry(owner).or_default();
        outbox.now = outbox.now.max(now);
        outbox.waiting.extend(deliveries.into_iter().map(|delivery| Waiting {
            due: delivery.due,
            delivery: Arc::new(delivery),
            cause: cause.map(str::to_owned),
            attempts: Vec::new(),
        }));
        // Stable: what is due at the same time keeps the order in which it was asked for.
        outbox.waiting.sort_by_key(|waiting| waiting.due);
        let due = outbox.waiting.first().is_some_and(|first| first.due <= outbox.now);
        let mine = due && !outbox.sending;
        outbox.sending |= mine;
        mine
    }

    async fn drain(&self, owner: Owner) {
        while let Some((mut waiting, round)) = self.take(owner) {
            let attempt = self.attempt(&waiting).await;
            self.record(&waiting, &attempt).await;
            let taken = attempt.status.is_some_and(|status| (200..300).contains(&status));
            waiting.attempts.push(attempt);
            let retry = waiting.delivery.retries.get(waiting.attempts.len() - 1).filter(|_| !taken);
            let mut outboxes = self.outboxes();
            let Some(outbox) = outboxes.get_mut(&owner).filter(|outbox| outbox.round == round) else { continue };
            if let Some(after) = retry {
                waiting.due = waiting.delivery.due.saturating_add(*after);
                let place = outbox.waiting.partition_point(|other| other.due <= waiting.due);
                outbox.waiting.insert(place, waiting);
            } else {
                if outbox.over.len() == REMEMBERED {
                    outbox.over.pop_front();
                }
                outbox.over.push_back(waiting.entry(if taken { "delivered" } else { "failed" }));
            }
        }
    }

    /// The next one that is due; without one, the outbox is idle again.
    fn take(&self, owner: Owner) -> Option<(Waiting, u64)> {
        let mut outboxes = self.outboxes();
        let outbox = outboxes.get_mut(&owner)?;
        if outbox.waiting.first().is_some_and(|first| first.due <= outbox.now) {
            return Some((outbox.waiting.remove(0), outbox.round));
        }
        outbox.sending = false;
        outbox.idle.notify_waiters();
        None
    }

    async fn attempt(&self, waiting: &Waiting) -> Attempt {
        let (this, delivery) = (self.clone(), Arc::clone(&waiting.delivery));
        let sent = tokio::task::spawn_blocking(move || this.send(&delivery)).await;
        let (status, error) = match sent {
            Ok(Ok(status)) => (Some(status), None),
            Ok(Err(reason)) => (None, Some(reason)),
            Err(error) => (None, Some(error.to_string())),
        };
        Attempt { at: waiting.due, status, error }
    }

    /// The receiver's status, or why there is none.
    fn send(&self, delivery: &Delivery) -> Result<u16, String> {
        let uri: Uri = delivery.url.parse().map_err(|_| format!("`{}` is not an address", delivery.url))?;
        self.permit(&uri)?;
        let method: Method = delivery.method.parse().map_err(|_| format!("`{}` is not a method", delivery.method))?;
        let mut request = Request::builder().method(method).uri(uri);
        for header in &delivery.headers {
            request = request.header(header.name.as_str(), header.value.as_str());
        }
        let request = request.body(delivery.body.as_slice()).map_err(|error| error.to_string())?;
        let response = self.0.agent.run(request).map_err(|error| error.to_string())?;
        Ok(response.status().as_u16())
    }

    /// Hosts as the user says, the server itself never.
    fn permit(&self, uri: &Uri) -> Result<(), String> {
        let port = match (uri.scheme_str(), uri.port_u16()) {
            (Some("http"), port) => port.unwrap_or(80),
            (Some("https"), port) => port.unwrap_or(443),
            _ => return Err("only http and https are sent to".to_owned()),
        };
        let host = normal(uri.host().unwrap_or_default());
        if is_this_machine(&host) && port == self.0.own.port() {
            return Err("a twin does not send to itself".to_owned());
        }
        if (self.0.reach)(&host) {
            return Ok(());
        }
        Err(format!("deliveries may not go to `{host}`; name it in POME_EGRESS_ALLOW to let them"))
    }

    async fn record(&self, waiting: &Waiting, attempt: &Attempt) {
        let row = WebhookDeliveryEvent {
            ts: time::now(),
            event_id: format!("whd_{}", Uuid::new_v4().hyphenated()),
            parent_event_id: waiting.cause.clone(),
            kind: kind::WebhookDelivery,
            twin: self.0.twin.clone(),
            delivery_id: waiting.delivery.id.clone(),
            method: waiting.delivery.method.clone(),
            url: waiting.delivery.url.clone(),
            attempt: waiting.attempts.len() as u64 + 1,
            due: i64::try_from(attempt.at).map(time::format).unwrap_or_default(),
            status: attempt.status,
            error: attempt.error.clone(),
        };
        if let Ok(row) = serde_json::to_vec(&row) {
            self.0.recorder.append_of(&self.0.twin, &row).await;
        }
    }

    /// How many wait for a world.
    pub(crate) fn waiting(&self, owner: Owner) -> usize {
        self.outboxes().get(&owner).map_or(0, |outbox| outbox.waiting.len())
    }

    /// What was sent and what waits, in this order, as a JSON array.
    pub(crate) fn list(&self, owner: Owner) -> Vec<u8> {
        let outboxes = self.outboxes();
        let Some(outbox) = outboxes.get(&owner) else { return b"[]".to_vec() };
        let waiting = outbox.waiting.iter().map(|waiting| waiting.entry("waiting"));
        let entries: Vec<Entry> = outbox.over.iter().cloned().chain(waiting).collect();
        drop(outboxes);
        serde_json::to_vec(&entries).unwrap_or_default()
    }

    /// Forgets what a world asked for: it begins anew, or has ended.
    pub(crate) fn forget(&self, owner: Owner) {
        if let Some(outbox) = self.outboxes().get_mut(&owner) {
            *outbox = Outbox {
                sending: outbox.sending,
                idle: Arc::clone(&outbox.idle),
                round: outbox.round + 1,
                ..Outbox::default()
            };
        }
    }

    fn outboxes(&self) -> MutexGuard<'_, BTreeMap<Owner, Outbox>> {
        self.0.outboxes.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
