//! The listener, and stopping it without losing a row.

use std::io;
use std::net::{Ipv4Addr, SocketAddr};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use hyper_util::rt::{TokioIo, TokioTimer};
use tokio::net::TcpListener;
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;

use crate::egress::{EgressPolicy, Target};
use crate::exchange::Exchange;
use crate::inspection::Inspection;
use crate::tunnel::{self, Refusal, Tunnel};

/// How long a client may take to say where it wants to go.
const HEADER_LIMIT: Duration = Duration::from_secs(30);

/// How long [`Proxy::stop`] waits for the rows of open tunnels.
const STOP_LIMIT: Duration = Duration::from_secs(5);

/// Gets what the proxy saw. Called from many tasks; one call is one row.
pub trait Sink: Send + Sync + 'static {
    /// A tunnel ended, or could not be dialled.
    fn tunnel_closed(&self, tunnel: Tunnel);
    /// A tunnel was refused before dialling.
    fn refused(&self, refusal: Refusal);
    /// A call inside a decrypted connection ended, or broke off.
    fn exchanged(&self, exchange: Exchange);
    /// An agent broke TLS with the proxy off: as a rule it does not take the certificate of the run.
    fn untrusted(&self, target: Target, reason: String);
}

/// What every connection shares.
pub(crate) struct Shared {
    pub(crate) policy: EgressPolicy,
    pub(crate) inspection: Option<Arc<Inspection>>,
    pub(crate) sink: Arc<dyn Sink>,
    pub(crate) unrecorded: Mutex<Vec<Target>>,
    pub(crate) stop: CancellationToken,
    pub(crate) tunnels: TaskTracker,
}

/// A running proxy on a loopback port. Dropping it stops it without waiting; [`Proxy::stop`] waits for the rows.
pub struct Proxy {
    address: SocketAddr,
    shared: Arc<Shared>,
}

impl Proxy {
    /// Binds `127.0.0.1:<port>` (0 for any) and serves until stopped. Without an inspection nothing is ever decrypted.
    pub async fn start(
        policy: EgressPolicy,
        inspection: Option<Arc<Inspection>>,
        sink: Arc<dyn Sink>,
        port: u16,
    ) -> io::Result<Self> {
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, port)).await?;
        let address = listener.local_addr()?;
        let shared = Arc::new(Shared {
            policy,
            inspection,
            sink,
            unrecorded: Mutex::new(Vec::new()),
            stop: CancellationToken::new(),
            tunnels: TaskTracker::new(),
        });
        shared.tunnels.spawn(accept(listener, Arc::clone(&shared)));
        Ok(Self { address, shared })
    }

    /// Where it listens.
    pub fn address(&self) -> SocketAddr {
        self.address
    }

    /// Tunnels to this place are piped but leave no row: the twins' own addresses.
    pub fn leave_unrecorded(&self, target: Target) {
        self.shared.unrecorded.lock().unwrap_or_else(PoisonError::into_inner).push(target);
    }

    /// Stops accepting, closes what is open and returns when every row has reached the sink, after five seconds at the latest.
    /// False when that limit was reached.
    pub async fn stop(self) -> bool {
        self.shared.stop.cancel();
        self.shared.tunnels.close();
        tokio::time::timeout(STOP_LIMIT, self.shared.tunnels.wait()).await.is_ok()
    }
}

impl Drop for Proxy {
    fn drop(&mut self) {
        self.shared.stop.cancel();
    }
}

impl std::fmt::Debug for Proxy {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Proxy").field("address", &self.address).finish_non_exhaustive()
    }
}

async fn accept(listener: TcpListener, shared: Arc<Shared>) {
    loop {
        let accepted = tokio::select! {
            () = shared.stop.cancelled() => return,
            accepted = listener.accept() => accepted,
        };
        match accepted {
            Ok((stream, _)) => {
                let _ = stream.set_nodelay(true);
                let shared = Arc::clone(&shared);
                let tracker = shared.tunnels.clone();
                tracker.spawn(connection(stream, shared));
            }
            // Out of file descriptors or a connection that is gone already: neither is a reason to stop serving the others.
            Err(_) => tokio::time::sleep(Duration::from_millis(20)).await,
        }
    }
}

async fn connection(stream: tokio::net::TcpStream, shared: Arc<Shared>) {
    let stop = shared.stop.clone();
    let service = hyper::service::service_fn(move |request| {
        let shared = Arc::clone(&shared);
        tunnel::answer(request, shared)
    });
    let serving = hyper::server::conn::http1::Builder::new()
        .timer(TokioTimer::new())
        .header_read_timeout(HEADER_LIMIT)
        .keep_alive(false)
        .half_close(true)
        .serve_connection(TokioIo::new(stream), service)
        .with_upgrades();
    tokio::select! {
        () = stop.cancelled() => {}
        // What a client does wrong is answered by the server; a broken connection has nobody to tell.
        _ = serving => {}
    }
}
