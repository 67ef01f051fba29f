//! One request and its answer inside a connection that ends in the proxy: passed on as they are, with a copy for whoever reads.

use std::sync::Arc;
use std::time::{Duration, SystemTime};

use bytes::Bytes;
use http_body_util::combinators::UnsyncBoxBody;
use http_body_util::{BodyExt, Empty, Full};
use hyper::body::Incoming;
use hyper::header::{CONTENT_TYPE, HOST, HeaderName, HeaderValue, UPGRADE};
use hyper::upgrade::OnUpgrade;
use hyper::{Request, Response, StatusCode, Uri};
use hyper_util::rt::TokioIo;
use pome_wire::event::LlmCallEvent;
use pome_wire::gen_ai::GenAi;
use pome_wire::route;
use tokio::sync::mpsc::UnboundedReceiver;

use crate::egress::Target;
use crate::reading::{self, Call, Head};
use crate::route::Destination;
use crate::session::{Session, Upstream};
use crate::tunnel::Tunnel;
use crate::watched::{Clock, Watched};

/// Bodies of both directions.
pub(crate) type Body = UnsyncBoxBody<Bytes, hyper::Error>;

/// Headers that belong to the proxy and not to the host.
const OWN: [HeaderName; 3] = [
    HeaderName::from_static("proxy-connection"),
    HeaderName::from_static("proxy-authorization"),
    HeaderName::from_static("proxy-authenticate"),
];
const FORWARDED_HOST: HeaderName = HeaderName::from_static("x-forwarded-host");
const FORWARDED_PROTO: HeaderName = HeaderName::from_static("x-forwarded-proto");

/// The connection to the host broke; the agent's is closed without an answer, as the host's was.
#[derive(Debug, thiserror::Error)]
#[error("the connection to the host broke")]
pub(crate) struct Broken(#[source] hyper::Error);

/// A call inside a decrypted connection that has ended.
#[derive(Debug, Clone, PartialEq)]
pub struct Exchange {
    /// The host that was asked for.
    pub target: Target,
    /// When the answer ended.
    pub ended_at: SystemTime,
    /// From the head of the request to the end of the answer.
    pub latency: Duration,
    /// From the provider to the agent, inside TLS, with the head.
    pub bytes_in: u64,
    /// From the agent to the provider, inside TLS, with the head.
    pub bytes_out: u64,
    /// Without the query string.
    pub url: String,
    /// As sent.
    pub method: String,
    /// Absent: there was no answer.
    pub status: Option<u16>,
    /// What could be read.
    pub gen_ai: GenAi,
}

impl Exchange {
    /// As a row of `events.jsonl`.
    pub fn event(&self) -> LlmCallEvent {
        let (target, bytes_in, bytes_out) = (self.target.clone(), self.bytes_in, self.bytes_out);
        let seen = Tunnel { target, closed_at: self.ended_at, latency: self.latency, bytes_in, bytes_out };
        let mut event = seen.event();
        event.url = Some(self.url.clone());
        event.method = Some(self.method.clone());
        event.status = self.status.map(u64::from);
        event.model = self.gen_ai.response_model.clone().or_else(|| self.gen_ai.request_model.clone());
        event.prompt_tokens = self.gen_ai.input_tokens;
        event.completion_tokens = self.gen_ai.output_tokens;
        event.gen_ai = Some(Box::new(self.gen_ai.clone()));
        event
    }
}

/// Sends a request on and brings its answer back.
pub(crate) async fn carry(session: Arc<Session>, mut request: Request<Incoming>) -> Result<Response<Body>, Broken> {
    let mut record = session.end.reads.then(|| Record::new(&session, &request));
    let agent = request.headers().contains_key(UPGRADE).then(|| hyper::upgrade::on(&mut request));
    let sender = match &session.upstream {
        Upstream::Ready(sender) => sender,
        Upstream::Unusable(reason) => {
            if let Some(record) = record {
                record.fail(StatusCode::BAD_GATEWAY);
            }
            return Ok(bad_gateway(&session, reason));
        }
    };
    let request = addressed(&session, request).map(|body| match &mut record {
        Some(record) => record.listen(body),
        None => body.boxed_unsync(),
    });
    let sent = sender.lock().await.send_request(request).await;
    let mut response = sent.map_err(Broken)?;
    let host = (response.status() == StatusCode::SWITCHING_PROTOCOLS).then(|| hyper::upgrade::on(&mut response));
    if let (Some(agent), Some(host)) = (agent, host) {
        let (head, _) = response.into_parts();
        if let Some(record) = &mut record {
            record.status = Some(head.status);
        }
        let shared = Arc::clone(&session.shared);
        let stop = shared.stop.clone();
        shared.tunnels.spawn(async move {
            tokio::select! {
                () = stop.cancelled() => {}
                () = join(agent, host) => {}
            }
            drop(record);
        });
        return Ok(Response::from_parts(head, Empty::new().map_err(|never| match never {}).boxed_unsync()));
    }
    Ok(match record {
        Some(record) => record.watch(response),
        None => response.map(BodyExt::boxed_unsync),
    })
}

/// Both directions of a connection that has left HTTP.
async fn join(agent: OnUpgrade, host: OnUpgrade) {
    let (Ok(agent), Ok(host)) = tokio::join!(agent, host) else { return };
    let _ = tokio::io::copy_bidirectional(&mut TokioIo::new(agent), &mut TokioIo::new(host)).await;
}

/// The request as the other side has to see it.
fn addressed(session: &Session, request: Request<Incoming>) -> Request<Incoming> {
    let (mut head, body) = request.into_parts();
    for name in OWN {
        head.headers.remove(name);
    }
    let path = match &session.end.to {
        Some(to) => to.path(&head.uri),
        None => head.uri.path_and_query().map_or("/", http::uri::PathAndQuery::as_str).to_owned(),
    };
    // The head was read by the same library, so its parts can be written again.
    head.uri = path.parse().unwrap_or_else(|_| Uri::from_static("/"));
    let shown = shown_host(session, &head.headers);
    match &session.end.to {
        None => {}
        Some(Destination::Twin(twin)) => {
            let host = twin.shown_host.as_deref().unwrap_or(&shown);
            put(
                &mut head.headers,
                HeaderName::from_static(route::ORIGIN),
                &format!("{}://{host}", scheme(session.tls)),
            );
            put(&mut head.headers, HeaderName::from_static(route::TOKEN), &twin.token);
        }
        Some(Destination::Url(url)) => {
            put(&mut head.headers, FORWARDED_HOST, &shown);
            put(&mut head.headers, FORWARDED_PROTO, scheme(session.tls));
            put(&mut head.headers, HOST, &url.authority);
        }
    }
    if !head.headers.contains_key(HOST) {
        put(&mut head.headers, HOST, &shown);
    }
    head.version = http::Version::HTTP_11;
    Request::from_parts(head, body)
}

fn put(headers: &mut http::HeaderMap, name: HeaderName, value: &str) {
    if let Ok(value) = HeaderValue::from_str(value) {
        headers.insert(name, value);
    }
}

/// The host as the agent wrote it, with its port where that is not the usual one.
fn shown_host(session: &Session, headers: &http::HeaderMap) -> String {
    let written = headers.get(HOST).and_then(|host| host.to_str().ok()).filter(|host| !host.is_empty());
    written.map_or_else(|| place(&session.target, session.tls), str::to_owned)
}

fn scheme(tls: bool) -> &'static str {
    if tls { "https" } else { "http" }
}

/// `api.openai.com`, with a port where it is not the usual one.
fn place(target: &Target, tls: bool) -> String {
    let usual = if tls { 443 } else { 80 };
    let authority = target.authority();
    match authority.strip_suffix(&format!(":{usual}")) {
        Some(host) if target.port == usual => host.to_owned(),
        _ => authority,
    }
}

fn bad_gateway(session: &Session, reason: &str) -> Response<Body> {
    let text = format!("pome cannot pass this request on to {}: {reason}\n", session.target.authority());
    let mut response = Response::new(Full::from(text).map_err(|never| match never {}).boxed_unsync());
    *response.status_mut() = StatusCode::BAD_GATEWAY;
    response.headers_mut().insert(CONTENT_TYPE, HeaderValue::from_static("text/plain; charset=utf-8"));
    response
}

/// The row of an exchange while it is going on. It is written once, on every way out.
struct Record {
    open: Option<Open>,
    status: Option<StatusCode>,
    gen_ai: GenAi,
    call: Option<Call>,
    /// The copy of the request.
    asked: Option<UnboundedReceiver<Bytes>>,
    clock: Arc<Clock>,
}

struct Open {
    session: Arc<Session>,
    method: String,
    url: String,
    before: (u64, u64),
}

impl Record {
    fn new(session: &Arc<Session>, request: &Request<Incoming>) -> Self {
        let path = request.uri().path();
        let call = Call::of(request.method(), &session.target.host, path);
        // Elsewhere a path may be a credential, as in addresses of webhooks.
        let shown = if session.end.is_model || call.is_some() { path } else { "" };
        Self {
            open: Some(Open {
                session: Arc::clone(session),
                method: request.method().to_string(),
                url: format!("{}://{}{shown}", scheme(session.tls), place(&session.target, session.tls)),
                before: session.counts.now(),
            }),
            status: None,
            gen_ai: GenAi { provider: reading::provider(&session.target.host), ..GenAi::default() },
            call,
            asked: None,
            clock: Arc::new(Clock::start(Arc::clone(&session.counts))),
        }
    }

    /// Copies the request where it says something.
    fn listen(&mut self, body: Incoming) -> Body {
        let (body, asked) = Watched::new(body, self.call.is_some(), None);
        self.asked = Some(asked);
        body.boxed_unsync()
    }

    /// Passes the answer on; the row follows when it has ended.
    fn watch(mut self, response: Response<Incoming>) -> Response<Body> {
        self.status = Some(response.status());
        let head = Head::of(&response);
        let clock = Arc::clone(&self.clock);
        let (parts, body) = response.into_parts();
        let (body, answered) = Watched::new(body, self.call.is_some() && head.is_readable(), Some(clock));
        if let Some(tasks) = self.open.as_ref().map(|open| open.session.shared.tunnels.clone()) {
            tasks.spawn(self.read(head, answered));
        }
        Response::from_parts(parts, body.boxed_unsync())
    }

    async fn read(mut self, head: Head, mut answered: UnboundedReceiver<Bytes>) {
        if let Some(call) = self.call.take() {
            let answer = reading::answer(&call, &head, &mut answered).await;
            let request = self.asked.take().map(drain).unwrap_or_default();
            self.gen_ai = reading::finish(&call, &head, &request, answer);
        }
        // Whatever was not read: the row belongs behind the end of the answer.
        while answered.recv().await.is_some() {}
    }

    /// The proxy answered itself.
    fn fail(mut self, status: StatusCode) {
        self.status = Some(status);
        self.gen_ai.error_type = Some(status.as_str().to_owned());
    }
}

impl Drop for Record {
    fn drop(&mut self) {
        let Some(Open { session, method, url, before }) = self.open.take() else { return };
        let end = self.clock.end();
        if self.gen_ai.request_stream == Some(true) {
            self.gen_ai.time_to_first_chunk = self.clock.first().map(|first| first.as_secs_f64());
        }
        session.shared.sink.exchanged(Exchange {
            target: session.target.clone(),
            ended_at: end.at,
            latency: end.latency,
            bytes_in: end.bytes.0.saturating_sub(before.0),
            bytes_out: end.bytes.1.saturating_sub(before.1),
            url,
            method,
            status: self.status.map(|status| status.as_u16()),
            gen_ai: std::mem::take(&mut self.gen_ai),
        });
    }
}

/// What arrived until now. Nothing more is waited for: a host may answer before it has read everything.
fn drain(mut pieces: UnboundedReceiver<Bytes>) -> Vec<u8> {
    pieces.close();
    let mut all = Vec::new();
    while let Ok(piece) = pieces.try_recv() {
        all.extend_from_slice(&piece);
    }
    all
}
