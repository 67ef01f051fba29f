//! A connection that ends in the proxy: TLS towards the agent, TLS towards the host, HTTP/1.1 in between.
//!
//! One connection of the agent is one connection to the host. When either side closes, so does the other one, so clients meet the
//! same keep-alive behaviour as without the proxy.

use std::io;
use std::pin::pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use hyper::Request;
use hyper::body::Incoming;
use hyper::client::conn::http1::SendRequest;
use hyper::service::service_fn;
use hyper_util::rt::{TokioIo, TokioTimer};
use rustls::pki_types::ServerName;
use tokio::net::TcpStream;
use tokio::sync::Mutex;
use tokio_rustls::{TlsAcceptor, TlsConnector};

use crate::egress::Target;
use crate::exchange::{self, Body};
use crate::inspection::{End, Inspection};
use crate::proxy::Shared;
use crate::route::Destination;
use crate::stream::{Counted, Counts, Peeked, Wire};

/// How long a client may take for its first byte and for the TLS handshake; the host gets the same.
const HANDSHAKE_LIMIT: Duration = Duration::from_secs(30);

/// The first byte of every TLS connection: a handshake record.
const TLS_HANDSHAKE: u8 = 0x16;

/// One such connection.
pub(crate) struct Session {
    pub(crate) target: Target,
    pub(crate) end: End,
    /// Whether the agent speaks TLS.
    pub(crate) tls: bool,
    /// Of the connection to the host, inside TLS.
    pub(crate) counts: Arc<Counts>,
    pub(crate) shared: Arc<Shared>,
    pub(crate) upstream: Upstream,
}

/// The connection to the host.
pub(crate) enum Upstream {
    Ready(Mutex<SendRequest<Body>>),
    /// It was reached, but cannot be spoken to: the reason.
    Unusable(String),
}

/// Serves a tunnel until one side ends it. `spoke` is set as soon as a request has a row of its own.
pub(crate) async fn serve(
    request: Request<Incoming>,
    host: TcpStream,
    target: Target,
    end: End,
    counts: Arc<Counts>,
    shared: Arc<Shared>,
    spoke: &AtomicBool,
) {
    let Some(inspection) = shared.inspection.clone() else { return };
    let Ok(upgraded) = hyper::upgrade::on(request).await else { return };
    let opening = open(TokioIo::new(upgraded), &inspection, &target, &shared);
    let Ok(Some((agent, tls))) = tokio::time::timeout(HANDSHAKE_LIMIT, opening).await else { return };
    let to_tls = match &end.to {
        None => tls,
        Some(Destination::Twin(_)) => false,
        Some(Destination::Url(url)) => url.https,
    };
    let reached = end.to.as_ref().map_or_else(|| target.clone(), Destination::target);
    let host = tokio::time::timeout(HANDSHAKE_LIMIT, secured(host, to_tls, &reached, &inspection)).await;
    let host = host.unwrap_or_else(|_| Err(io::Error::from(io::ErrorKind::TimedOut)));
    let (upstream, driver) = match host {
        Ok(wire) => connect(wire, &counts).await,
        Err(error) => (Upstream::Unusable(error.to_string()), None),
    };
    let session = Arc::new(Session { target, end, tls, counts, shared, upstream });
    let service = service_fn(|request| {
        spoke.fetch_or(session.end.reads, Ordering::Relaxed);
        exchange::carry(Arc::clone(&session), request)
    });
    let serving = hyper::server::conn::http1::Builder::new()
        .timer(TokioTimer::new())
        // How long a connection may be idle is for the host to say.
        .header_read_timeout(None)
        .preserve_header_case(true)
        .half_close(true)
        .serve_connection(TokioIo::new(agent), service)
        .with_upgrades();
    let mut serving = pin!(serving);
    if let Some(driver) = driver {
        let mut driver = pin!(driver);
        tokio::select! {
            _ = serving.as_mut() => {}
            () = driver.as_mut() => {
                serving.as_mut().graceful_shutdown();
                let _ = serving.await;
            }
        }
    } else {
        let _ = serving.await;
    }
}

/// A request that came to the proxy in the clear, outside a tunnel. `record` is dropped when the connection to the host ends.
pub(crate) async fn plain(
    request: Request<Incoming>,
    host: TcpStream,
    target: Target,
    end: End,
    counts: Arc<Counts>,
    shared: Arc<Shared>,
    record: impl Send + 'static,
) -> Result<hyper::Response<Body>, exchange::Broken> {
    let secure = matches!(&end.to, Some(Destination::Url(url)) if url.https);
    let reached = end.to.as_ref().map_or_else(|| target.clone(), Destination::target);
    let wire = match shared.inspection.clone() {
        Some(inspection) => secured(host, secure, &reached, &inspection).await,
        None => Ok(Box::new(host) as Wire),
    };
    let (upstream, driver) = match wire {
        Ok(wire) => connect(wire, &counts).await,
        Err(error) => (Upstream::Unusable(error.to_string()), None),
    };
    if let Some(driver) = driver {
        let stop = shared.stop.clone();
        shared.tunnels.spawn(async move {
            tokio::select! {
                () = stop.cancelled() => {}
                () = driver => {}
            }
            drop(record);
        });
    }
    exchange::carry(Arc::new(Session { target, end, tls: false, counts, shared, upstream }), request).await
}

/// The agent's side, decrypted, and whether there was something to decrypt.
async fn open(
    agent: TokioIo<hyper::upgrade::Upgraded>,
    inspection: &Inspection,
    target: &Target,
    shared: &Shared,
) -> Option<(Wire, bool)> {
    let (first, agent) = Peeked::new(agent).await?;
    if first != TLS_HANDSHAKE {
        return Some((Box::new(agent), false));
    }
    let refused = |reason: String| {
        shared.sink.untrusted(target.clone(), reason);
        None
    };
    let config = match inspection.server(&target.host) {
        Ok(config) => config,
        Err(error) => return refused(error.to_string()),
    };
    match TlsAcceptor::from(config).accept(agent).await {
        Ok(stream) => Some((Box::new(stream), true)),
        Err(error) => refused(error.to_string()),
    }
}

async fn secured(host: TcpStream, tls: bool, target: &Target, inspection: &Inspection) -> io::Result<Wire> {
    if !tls {
        return Ok(Box::new(host));
    }
    let name = ServerName::try_from(target.host.clone()).map_err(io::Error::other)?;
    let stream = TlsConnector::from(inspection.client()).connect(name, host).await;
    let stream = stream.map_err(|error| {
        let hint =
            if inspection.is_rootless() { "; this system has no root certificates: set SSL_CERT_FILE" } else { "" };
        io::Error::other(format!("TLS with {} failed: {error}{hint}", target.authority()))
    })?;
    Ok(Box::new(stream))
}

async fn connect(wire: Wire, counts: &Arc<Counts>) -> (Upstream, Option<impl Future<Output = ()> + Send + use<>>) {
    let io = TokioIo::new(Counted::new(wire, Arc::clone(counts)));
    match hyper::client::conn::http1::Builder::new().preserve_header_case(true).handshake(io).await {
        Ok((sender, connection)) => {
            let driver = async move {
                // What ends the connection shows in the answer that it cuts short.
                let _ = connection.with_upgrades().await;
            };
            (Upstream::Ready(Mutex::new(sender)), Some(driver))
        }
        Err(error) => (Upstream::Unusable(error.to_string()), None),
    }
}
