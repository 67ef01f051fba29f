//! One request to the proxy: refused, failed, or a blind pipe that is counted.

use std::io;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, PoisonError};
use std::time::{Duration, Instant, SystemTime};

use bytes::Bytes;
use http_body_util::Full;
use hyper::body::Incoming;
use hyper::header::{CONNECTION, CONTENT_TYPE, HeaderValue};
use hyper::{Method, Request, Response, StatusCode};
use hyper_util::rt::TokioIo;
use pome_wire::event::{EgressRefusedEvent, LlmCallEvent};
use pome_wire::time;
use tokio::io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt};
use tokio::net::TcpStream;

use crate::egress::Target;
use crate::proxy::Shared;

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
            time::format(millis(self.closed_at)),
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
        EgressRefusedEvent::new(time::format(millis(self.at)), self.target.host.clone(), self.target.port)
    }
}

fn millis(moment: SystemTime) -> i64 {
    let since = moment.duration_since(SystemTime::UNIX_EPOCH).unwrap_or_default();
    i64::try_from(since.as_millis()).unwrap_or(i64::MAX)
}

type Answer = Response<Full<Bytes>>;

pub(crate) async fn answer(request: Request<Incoming>, shared: Arc<Shared>) -> Answer {
    let started = Instant::now();
    if request.method() != Method::CONNECT {
        return text(StatusCode::METHOD_NOT_ALLOWED, "only CONNECT is served here\n".to_owned());
    }
    let Some(target) = connect_target(&request) else {
        return text(StatusCode::BAD_REQUEST, "the target must be host:port\n".to_owned());
    };
    let unrecorded = shared.unrecorded.lock().unwrap_or_else(PoisonError::into_inner).contains(&target);
    if !unrecorded && !shared.policy.allows(&target) {
        let message = format!(
            "{} is not on the list of allowed hosts; add it with POME_EGRESS_ALLOW={}\n",
            target.authority(),
            target.host
        );
        shared.sink.refused(Refusal { target, at: SystemTime::now() });
        return text(StatusCode::FORBIDDEN, message);
    }

    let mut record = Record {
        row: (!unrecorded).then_some((target.clone(), started)),
        counts: Arc::default(),
        shared: Arc::clone(&shared),
    };
    let upstream = tokio::select! {
        () = shared.stop.cancelled() => Err(io::Error::other("the proxy is stopping")),
        dialled = dial(&target) => dialled,
    };
    let upstream = match upstream {
        Ok(upstream) => upstream,
        Err(error) => {
            record.write();
            return text(StatusCode::BAD_GATEWAY, format!("cannot reach {}: {error}\n", target.authority()));
        }
    };
    let stop = shared.stop.clone();
    shared.tunnels.clone().spawn(async move {
        // The row is written when `record` is dropped, whichever of the two comes first.
        let counts = Arc::clone(&record.counts);
        tokio::select! {
            () = stop.cancelled() => {}
            () = pipe(request, upstream, &counts) => {}
        }
        record.write();
    });
    let mut established = Response::new(Full::default());
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

async fn dial(target: &Target) -> io::Result<TcpStream> {
    let connecting = TcpStream::connect((target.host.as_str(), target.port));
    let stream =
        tokio::time::timeout(DIAL_LIMIT, connecting).await.map_err(|_| io::Error::from(io::ErrorKind::TimedOut))??;
    let _ = stream.set_nodelay(true);
    Ok(stream)
}

#[derive(Default)]
struct Counts {
    inbound: AtomicU64,
    outbound: AtomicU64,
}

/// Writes the row once, on every way out of the tunnel, a panic included.
struct Record {
    row: Option<(Target, Instant)>,
    counts: Arc<Counts>,
    shared: Arc<Shared>,
}

impl Record {
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
    let mut answer = Response::new(Full::from(message));
    *answer.status_mut() = status;
    answer.headers_mut().insert(CONTENT_TYPE, HeaderValue::from_static("text/plain; charset=utf-8"));
    answer.headers_mut().insert(CONNECTION, HeaderValue::from_static("close"));
    answer
}
