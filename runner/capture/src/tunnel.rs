//! One request to the proxy: refused, failed, or a blind pipe that is counted.

use std::io;
use std::net::SocketAddr;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, PoisonError};
use std::time::{Duration, Instant, SystemTime};

use http_body_util::{BodyExt, Empty, Full};
use hyper::body::Incoming;
use hyper::header::{CONNECTION, CONTENT_TYPE, HeaderValue};
use hyper::{Method, Request, Response, StatusCode};
use hyper_util::rt::TokioIo;
use pome_wire::event::{EgressRefusedEvent, LlmCallEvent};
use pome_wire::host::normal;
use pome_wire::time;
use tokio::io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt};
use tokio::net::{TcpStream, lookup_host};

use crate::egress::{EgressPolicy, Target};
use crate::exchange::{Body, Broken};
use crate::inspection::End;
use crate::proxy::Shared;
use crate::route::Destination;
use crate::session;
use crate::stream::Counts;

const DIAL_LIMIT: Duration = Duration::from_secs(15);

/// A tunnel that ended, or that could not be dialled (then `bytes_in` is 0).
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Tunnel {
    /// Where it went.
    pub target: Target,
    /// When it ended.
    pub closed_at: SystemTime,
    /// From the request to the end.
    pub latency: Duration,
    /// From the provider to the agent.
    pub bytes_in: u64,
    /// From the agent to the provider, including what came with the request.
    pub bytes_out: u64,
}

impl Tunnel {
    /// As a row of `events.jsonl`.
    pub fn event(&self) -> LlmCallEvent {
        LlmCallEvent::tunnel(
            timestamp(self.closed_at),
            uuid::Uuid::new_v4().to_string(),
            self.target.host.clone(),
            self.target.port,
            u64::try_from(self.latency.as_millis()).unwrap_or(u64::MAX),
            self.bytes_in,
            self.bytes_out,
        )
    }
}

/// A tunnel that was not allowed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Refusal {
    /// Where it wanted to go.
    pub target: Target,
    /// When.
    pub at: SystemTime,
}

impl Refusal {
    /// As a row of `egress.jsonl`.
    pub fn event(&self) -> EgressRefusedEvent {
        EgressRefusedEvent::new(timestamp(self.at), self.target.host.clone(), self.target.port)
    }
}

fn timestamp(moment: SystemTime) -> String {
    let since = moment.duration_since(SystemTime::UNIX_EPOCH).unwrap_or_default();
    time::format(i64::try_from(since.as_millis()).unwrap_or(i64::MAX))
}

type Answer = Response<Body>;

pub(crate) async fn answer(request: Request<Incoming>, shared: Arc<Shared>) -> Result<Answer, Broken> {
    if request.method() == Method::CONNECT {
        return Ok(connect(request, shared).await);
    }
    match routed(&request, &shared) {
        Some((target, end)) => plain(request, target, end, shared).await,
        None => Ok(text(StatusCode::METHOD_NOT_ALLOWED, "only CONNECT is served here\n".to_owned())),
    }
}

/// A request in the clear for a host that is routed: `GET http://api.github.com/user`.
fn routed(request: &Request<Incoming>, shared: &Shared) -> Option<(Target, End)> {
    let uri = request.uri();
    let authority = uri.authority().filter(|_| uri.scheme_str() == Some("http"))?;
    let target = Target { host: normal(authority.host()), port: authority.port_u16().unwrap_or(80) };
    let end = shared.inspection.as_ref()?.end(&target.host)?;
    end.to.is_some().then_some((target, end))
}

async fn plain(request: Request<Incoming>, target: Target, end: End, shared: Arc<Shared>) -> Result<Answer, Broken> {
    let mut record = Record::new((!end.is_twin()).then(|| target.clone()), &shared);
    let host = match reach(&target, &end, &shared).await {
        Ok(host) => host,
        Err(unreachable) => return Ok(unreachable),
    };
    if end.reads {
        record.row = None;
    }
    let counts = Arc::clone(&record.counts);
    session::plain(request, host, target, end, counts, shared, record).await
}

/// Connects to where the requests of a connection go.
async fn reach(target: &Target, end: &End, shared: &Shared) -> Result<TcpStream, Answer> {
    // Twins and the places that routes lead to are the user's own choice.
    let twin = shared.unrecorded.lock().unwrap_or_else(PoisonError::into_inner).contains(target);
    let policy = (!twin && end.to.is_none()).then_some(&shared.policy);
    let place = end.to.as_ref().map_or_else(|| target.clone(), Destination::target);
    let dialled = tokio::select! {
        () = shared.stop.cancelled() => Err(io::Error::other("the proxy is stopping")),
        dialled = dial(&place, policy) => dialled,
    };
    dialled.map_err(|error| {
        let routed = if place == *target { String::new() } else { format!(", where {} is routed to", target.host) };
        text(StatusCode::BAD_GATEWAY, format!("cannot reach {}{routed}: {error}\n", place.authority()))
    })
}

async fn connect(request: Request<Incoming>, shared: Arc<Shared>) -> Answer {
    let Some(target) = connect_target(&request) else {
        return text(StatusCode::BAD_REQUEST, "the target must be host:port\n".to_owned());
    };
    let unrecorded = shared.unrecorded.lock().unwrap_or_else(PoisonError::into_inner).contains(&target);
    let end = shared.inspection.as_ref().filter(|_| !unrecorded).and_then(|inspection| inspection.end(&target.host));
    // Where a route leads was checked when it was made.
    let routed = end.as_ref().is_some_and(|end| end.to.is_some());
    if !unrecorded && !routed && !shared.policy.allows(&target) {
        let message = format!(
            "{} is not on the list of allowed hosts; add it with POME_EGRESS_ALLOW={}\n",
            target.authority(),
            target.host
        );
        shared.sink.refused(Refusal { target, at: SystemTime::now() });
        return text(StatusCode::FORBIDDEN, message);
    }

    let end = end.unwrap_or_default();
    let silent = unrecorded || end.is_twin();
    let mut record = Record::new((!silent).then(|| target.clone()), &shared);
    let host = match reach(&target, &end, &shared).await {
        Ok(host) => host,
        Err(unreachable) => {
            record.write();
            return unreachable;
        }
    };
    let stop = shared.stop.clone();
    shared.tunnels.clone().spawn(async move {
        // The row is written when `record` is dropped, whichever of the two comes first.
        let counts = Arc::clone(&record.counts);
        let spoke = AtomicBool::new(false);
        let tunnel = async {
            if end.opens {
                session::serve(request, host, target, end, counts, shared, &spoke).await;
            } else {
                pipe(request, host, &counts).await;
            }
        };
        tokio::select! {
            () = stop.cancelled() => {}
            () = tunnel => {}
        }
        if spoke.load(Ordering::Relaxed) {
            // Its calls have rows of their own.
            record.row = None;
        }
        record.write();
    });
    let mut established = Response::new(Empty::new().map_err(|never| match never {}).boxed_unsync());
    established.extensions_mut().insert(hyper::ext::ReasonPhrase::from_static(b"Connection Established"));
    established
}

fn connect_target(request: &Request<Incoming>) -> Option<Target> {
    let uri = request.uri();
    if uri.scheme().is_some() || uri.path_and_query().is_some() {
        return None;
    }
    Target::parse(uri.authority()?.as_str())
}

async fn dial(target: &Target, policy: Option<&EgressPolicy>) -> io::Result<TcpStream> {
    let connecting = async {
        let found = lookup_host((target.host.as_str(), target.port)).await?;
        let may = |address: &SocketAddr| policy.is_none_or(|policy| policy.allows_address(&target.host, address.ip()));
        let allowed: Vec<SocketAddr> = found.filter(may).collect();
        if allowed.is_empty() {
            return Err(io::Error::other("the name leads to no address that may be reached"));
        }
        TcpStream::connect(allowed.as_slice()).await
    };
    let stream =
        tokio::time::timeout(DIAL_LIMIT, connecting).await.map_err(|_| io::Error::from(io::ErrorKind::TimedOut))??;
    let _ = stream.set_nodelay(true);
    Ok(stream)
}

/// Writes the row once, on every way out of the tunnel, a panic included.
struct Record {
    row: Option<(Target, Instant)>,
    counts: Arc<Counts>,
    shared: Arc<Shared>,
}

impl Record {
    /// Without a target nothing is written.
    fn new(target: Option<Target>, shared: &Arc<Shared>) -> Self {
        let row = target.map(|target| (target, Instant::now()));
        Self { row, counts: Arc::default(), shared: Arc::clone(shared) }
    }

    fn write(&mut self) {
        if let Some((target, started)) = self.row.take() {
            self.shared.sink.tunnel_closed(Tunnel {
                target,
                closed_at: SystemTime::now(),
                latency: started.elapsed(),
                bytes_in: self.counts.inbound.load(Ordering::Relaxed),
                bytes_out: self.counts.outbound.load(Ordering::Relaxed),
            });
        }
    }
}

impl Drop for Record {
    fn drop(&mut self) {
        self.write();
    }
}

async fn pipe(request: Request<Incoming>, upstream: TcpStream, counts: &Counts) {
    let Ok(upgraded) = hyper::upgrade::on(request).await else { return };
    let (mut agent_read, mut agent_write) = tokio::io::split(TokioIo::new(upgraded));
    let (mut provider_read, mut provider_write) = upstream.into_split();
    tokio::join!(
        copy(&mut agent_read, &mut provider_write, &counts.outbound),
        copy(&mut provider_read, &mut agent_write, &counts.inbound),
    );
}

/// Copies until the end of `from`, then closes the writing half of `to`, so that a half-closed connection stays half-closed.
async fn copy(from: &mut (impl AsyncRead + Unpin), to: &mut (impl AsyncWrite + Unpin), count: &AtomicU64) {
    let mut buffer = vec![0; 16 * 1024];
    loop {
        let read = match from.read(&mut buffer).await {
            Ok(0) | Err(_) => break,
            Ok(read) => read,
        };
        let Some(piece) = buffer.get(..read) else { break };
        count.fetch_add(read as u64, Ordering::Relaxed);
        if to.write_all(piece).await.is_err() {
            break;
        }
    }
    let _ = to.shutdown().await;
}

fn text(status: StatusCode, message: String) -> Answer {
    let mut answer = Response::new(Full::from(message).map_err(|never| match never {}).boxed_unsync());
    *answer.status_mut() = status;
    answer.headers_mut().insert(CONTENT_TYPE, HeaderValue::from_static("text/plain; charset=utf-8"));
    answer.headers_mut().insert(CONNECTION, HeaderValue::from_static("close"));
    answer
}
