//! The capture proxy of one run: tunnels and the calls inside them become rows of the trace, refusals become `egress.jsonl`.

use std::collections::BTreeMap;
use std::fs::{self, OpenOptions};
use std::io::{self, Write};
use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use pome_capture::{
    AuthorityError, EgressPolicy, Exchange, Inspection, Proxy, Refusal, Roots, Route, Sink, Target, Tunnel, model_hosts,
};
use pome_gateway::Recorder;
use pome_wire::event::LlmCallEvent;
use serde_json::{Value, json};
use tokio::sync::{mpsc, oneshot};
use tokio::task::JoinHandle;

use crate::report::BlockedEgress;

/// What of an agent's traffic ends in the proxy instead of passing through it unseen. By default nothing does.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Ends {
    /// `--capture-llm`: model calls are read.
    pub llm: bool,
    /// `--route`: the vendors' hosts lead to the twins of the run.
    pub twins: bool,
    /// `--route HOST=URL`.
    pub routes: Vec<Route>,
}

impl Ends {
    /// As `meta.json` keeps it: what a run needs to be repeated.
    pub(crate) fn record(&self) -> Value {
        let routes = self.routes.iter().map(|route| (route.host.clone(), route.to.to_string().into()));
        json!({ "llm": self.llm, "twins": self.twins, "routes": Value::Object(routes.collect()) })
    }

    /// Absent when nothing ends in the proxy. What the user routed goes before what the twins name.
    pub(crate) fn inspection(
        &self,
        environment: &BTreeMap<String, String>,
        twins: Vec<Route>,
    ) -> Result<Option<Arc<Inspection>>, AuthorityError> {
        let routes: Vec<Route> = self.routes.iter().cloned().chain(twins.into_iter().filter(|_| self.twins)).collect();
        if !self.llm && routes.is_empty() {
            return Ok(None);
        }
        let models = self.llm.then(|| model_hosts(environment));
        Ok(Some(Arc::new(Inspection::new(models, routes, Roots::of_system()?)?)))
    }
}

/// A running proxy that writes into the trace of a run.
#[derive(Debug)]
pub(crate) struct Capture {
    /// What of it is decrypted, if anything.
    pub(crate) inspection: Option<Arc<Inspection>>,
    proxy: Proxy,
    rows: Arc<Rows>,
    writer: JoinHandle<()>,
}

/// What the proxy saw beside the trace.
#[derive(Debug, Default)]
pub(crate) struct Seen {
    /// Most frequent first.
    pub(crate) blocked: Vec<BlockedEgress>,
    pub(crate) warnings: Vec<String>,
}

enum Message {
    Row(Vec<u8>),
    /// Answered when everything before it is in the trace.
    Flush(oneshot::Sender<()>),
}

#[derive(Debug)]
struct Rows {
    queue: mpsc::UnboundedSender<Message>,
    egress: PathBuf,
    state: Mutex<State>,
}

#[derive(Debug)]
struct State {
    /// Tunnels that began earlier belong to the preflight.
    since: Instant,
    refused: BTreeMap<Target, u32>,
    /// How often the agent broke TLS off, and what it said the last time.
    untrusted: BTreeMap<String, (u32, String)>,
    failure: Option<io::Error>,
}

impl Capture {
    /// Starts the proxy on a free loopback port. `egress` is the file that refusals go to.
    pub(crate) async fn start(
        policy: EgressPolicy,
        inspection: Option<Arc<Inspection>>,
        recorder: Recorder,
        egress: PathBuf,
    ) -> io::Result<Self> {
        let (queue, mut messages) = mpsc::unbounded_channel();
        let state =
            State { since: Instant::now(), refused: BTreeMap::new(), untrusted: BTreeMap::new(), failure: None };
        let rows = Arc::new(Rows { queue, egress, state: Mutex::new(state) });
        let proxy = Proxy::start(policy, inspection.clone(), Arc::clone(&rows) as Arc<dyn Sink>, 0).await?;
        let writer = tokio::spawn(async move {
            while let Some(message) = messages.recv().await {
                match message {
                    Message::Row(row) => recorder.append(&row).await,
                    Message::Flush(done) => {
                        // Nobody waits any more when the run was ended meanwhile.
                        let _ = done.send(());
                    }
                }
            }
        });
        Ok(Self { inspection, proxy, rows, writer })
    }

    /// Where agents reach it.
    pub(crate) fn address(&self) -> SocketAddr {
        self.proxy.address()
    }

    /// Tunnels to the twins themselves are not model calls.
    pub(crate) fn leave_unrecorded(&self, targets: impl IntoIterator<Item = Target>) {
        for target in targets {
            self.proxy.leave_unrecorded(target);
        }
    }

    /// Forgets what was seen so far, and what of it is still open. Everything older is in the trace when this returns, so that
    /// the trace can be cleared next.
    pub(crate) async fn clear(&self) -> io::Result<()> {
        {
            let mut state = self.rows.state();
            state.since = Instant::now();
            state.refused.clear();
            state.untrusted.clear();
            match fs::remove_file(&self.rows.egress) {
                Err(error) if error.kind() != io::ErrorKind::NotFound => return Err(error),
                _ => {}
            }
        }
        self.rows.flush().await;
        Ok(())
    }

    /// Closes what is open and returns when all rows are in the trace.
    pub(crate) async fn stop(self) -> Seen {
        let mut seen = Seen::default();
        if !self.proxy.stop().await {
            seen.warnings
                .push("the capture proxy did not stop in time; model calls may be missing in the trace".to_owned());
        }
        self.rows.flush().await;
        self.writer.abort();
        let mut state = self.rows.state();
        if let Some(error) = state.failure.take() {
            seen.warnings.push(format!("refused tunnels could not be written down: {error}"));
        }
        for (host, (count, reason)) in std::mem::take(&mut state.untrusted) {
            seen.warnings.push(format!(
                "the agent broke TLS with `{host}` off {count} times, so nothing was sent: {reason}; \
                 it may not trust the certificate of the run (docs/capture.md says which programs do)"
            ));
        }
        let refused = std::mem::take(&mut state.refused);
        seen.blocked =
            refused.into_iter().map(|(Target { host, port }, count)| BlockedEgress { host, port, count }).collect();
        seen.blocked.sort_by_key(|blocked| std::cmp::Reverse(blocked.count));
        seen
    }
}

impl Rows {
    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Writes a row of what began after the preflight.
    fn keep(&self, latency: Duration, event: &LlmCallEvent) {
        let began = Instant::now().checked_sub(latency);
        if began.is_some_and(|began| began < self.state().since) {
            return;
        }
        if let Ok(row) = serde_json::to_vec(event) {
            // The queue ends only with the run.
            let _ = self.queue.send(Message::Row(row));
        }
    }

    async fn flush(&self) {
        let (done, waiting) = oneshot::channel();
        if self.queue.send(Message::Flush(done)).is_ok() {
            let _ = waiting.await;
        }
    }
}

impl Sink for Rows {
    fn tunnel_closed(&self, tunnel: Tunnel) {
        self.keep(tunnel.latency, &tunnel.event());
    }

    fn exchanged(&self, exchange: Exchange) {
        self.keep(exchange.latency, &exchange.event());
    }

    fn untrusted(&self, target: Target, reason: String) {
        let mut state = self.state();
        let (count, last) = state.untrusted.entry(target.host).or_default();
        *count = count.saturating_add(1);
        *last = reason;
    }

    fn refused(&self, refusal: Refusal) {
        let mut state = self.state();
        let count = state.refused.entry(refusal.target.clone()).or_default();
        *count = count.saturating_add(1);
        if let Err(error) = append(&self.egress, &refusal) {
            state.failure.get_or_insert(error);
        }
    }
}

fn append(path: &Path, refusal: &Refusal) -> io::Result<()> {
    let mut line = serde_json::to_vec(&refusal.event())?;
    line.push(b'\n');
    OpenOptions::new().create(true).append(true).open(path)?.write_all(&line)
}
