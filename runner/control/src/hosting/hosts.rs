//! Processes that share the database: who is there, and how a request gets from one to the other.
//!
//! A host is taken for alive while it was heard of lately or answers. That is a hint where to send a request, nothing more: what
//! decides is the epoch of a session (`log`). So nobody has to agree on who is alive.

use std::collections::HashMap;
use std::sync::{Mutex, PoisonError};
use std::time::{Duration, Instant};

use axum::body::Body;
use bytes::Bytes;
use http::header::{CONNECTION, HeaderName, HeaderValue, TRANSFER_ENCODING};
use http::{HeaderMap, Method, Request, Response, StatusCode};
use http_body_util::{BodyExt as _, Full};
use hyper_util::client::legacy::Client;
use hyper_util::client::legacy::connect::HttpConnector;
use hyper_util::rt::TokioExecutor;
use pome_wire::time;
use ring::hmac;

use crate::ids::{self, hex};
use crate::secrets::Secrets;
use crate::store::{Store, on};

/// How long a host that was not heard of is taken for alive, in milliseconds.
const LEASE: i64 = 5_000;
/// How long a connection to another host may take to come up.
const CONNECT: Duration = Duration::from_secs(1);
/// How long another host may take to answer: longer than any call may run.
const ANSWER: Duration = Duration::from_secs(90);
/// How long it is remembered where a session is.
const REMEMBERED: Duration = Duration::from_secs(2);
/// How old a forwarded request may be, in milliseconds.
const FRESH: i64 = 120_000;

/// Marks a request that another host sends on, signed.
pub(crate) const FORWARDED: HeaderName = HeaderName::from_static("x-pome-forwarded");
/// Marks an answer that stands for a closed connection.
pub(crate) const CLOSED: HeaderName = HeaderName::from_static("x-pome-closed");
/// Marks an answer of a host that does not hold the session.
pub(crate) const ELSEWHERE: HeaderName = HeaderName::from_static("x-pome-elsewhere");

/// This process among the others.
#[derive(Debug)]
pub(crate) struct Peers {
    id: String,
    address: String,
    key: hmac::Key,
    client: Client<HttpConnector, Full<Bytes>>,
    remembered: Mutex<HashMap<String, (String, Instant)>>,
}

/// What another host says of a request that it sends on.
#[derive(Debug, Clone)]
pub(crate) struct Forwarded {
    pub(crate) call_id: String,
    /// Whether it may have been carried out before.
    pub(crate) again: bool,
}

/// What came back from another host.
#[derive(Debug)]
pub(crate) enum Returned {
    Answer(Response<Body>),
    /// The connection to the agent is to be closed.
    Close,
    /// It does not hold the session.
    Elsewhere,
    /// It cannot be reached, or broke off: the call may or may not have been carried out.
    Lost,
}

impl Peers {
    /// Enters this process. Whoever was at this address before is gone: there is only one listener.
    pub(crate) async fn join(
        store: &Store,
        secrets: &Secrets,
        address: &str,
    ) -> Result<Self, crate::hosting::HostingError> {
        let mut connector = HttpConnector::new();
        connector.set_connect_timeout(Some(CONNECT));
        connector.set_nodelay(true);
        let peers = Self {
            id: ids::new("hst_")?,
            address: address.to_owned(),
            key: hmac::Key::new(hmac::HMAC_SHA256, &secrets.derive("between hosts")),
            client: Client::builder(TokioExecutor::new()).build(connector),
            remembered: Mutex::default(),
        };
        on!(store, pool => {
            if !store.is_shared() {
                sqlx::query("DELETE FROM hosts").execute(pool).await?;
            }
            sqlx::query("DELETE FROM hosts WHERE address = $1").bind(address).execute(pool).await?;
        });
        peers.beat(store).await?;
        Ok(peers)
    }

    /// The name of this process.
    pub(crate) fn id(&self) -> &str {
        &self.id
    }

    /// Says that this process is alive.
    pub(crate) async fn beat(&self, store: &Store) -> Result<(), sqlx::Error> {
        let sql = format!(
            "INSERT INTO hosts (id, address, seen_at) VALUES ($1, $2, {}) \
             ON CONFLICT (id) DO UPDATE SET seen_at = excluded.seen_at",
            now(store)
        );
        on!(store, pool => {
            sqlx::query(sqlx::AssertSqlSafe(sql)).bind(&self.id).bind(&self.address).execute(pool).await.map(drop)
        })
    }

    /// Leaves in good order: others need not wait.
    pub(crate) async fn leave(&self, store: &Store) -> Result<(), sqlx::Error> {
        on!(store, pool => {
            sqlx::query("UPDATE sessions SET owner = NULL WHERE owner = $1").bind(&self.id).execute(pool).await?;
            sqlx::query("DELETE FROM hosts WHERE id = $1").bind(&self.id).execute(pool).await?;
        });
        Ok(())
    }

    /// Where a session was lately.
    pub(crate) fn remembered(&self, session_id: &str) -> Option<String> {
        let remembered = self.remembered.lock().unwrap_or_else(PoisonError::into_inner);
        let (address, since) = remembered.get(session_id)?;
        (since.elapsed() < REMEMBERED).then(|| address.clone())
    }

    pub(crate) fn remember(&self, session_id: &str, address: &str) {
        let mut remembered = self.remembered.lock().unwrap_or_else(PoisonError::into_inner);
        if remembered.len() > 10_000 {
            remembered.retain(|_, (_, since)| since.elapsed() < REMEMBERED);
        }
        remembered.insert(session_id.to_owned(), (address.to_owned(), Instant::now()));
    }

    pub(crate) fn forget(&self, session_id: &str) {
        self.remembered.lock().unwrap_or_else(PoisonError::into_inner).remove(session_id);
    }

    /// Sends a request to the host at `address`.
    pub(crate) async fn forward(&self, address: &str, request: &Request<Bytes>, forwarded: &Forwarded) -> Returned {
        let target = request.uri().path_and_query().map_or("/", http::uri::PathAndQuery::as_str);
        let mark = self.mark(request.method(), target, forwarded);
        let mut sent = Request::builder().method(request.method()).uri(format!("{address}{target}"));
        if let Some(headers) = sent.headers_mut() {
            *headers = end_to_end(request.headers());
            if let Ok(mark) = HeaderValue::from_str(&mark) {
                headers.insert(FORWARDED, mark);
            }
        }
        let Ok(sent) = sent.body(Full::new(request.body().clone())) else { return Returned::Lost };
        let answered = tokio::time::timeout(ANSWER, async {
            let answer = self.client.request(sent).await.ok()?;
            let (parts, body) = answer.into_parts();
            Some((parts, body.collect().await.ok()?.to_bytes()))
        });
        let Ok(Some((mut parts, body))) = answered.await else { return Returned::Lost };
        if parts.headers.contains_key(ELSEWHERE) {
            return Returned::Elsewhere;
        }
        if parts.headers.contains_key(CLOSED) {
            return Returned::Close;
        }
        parts.headers = end_to_end(&parts.headers);
        Returned::Answer(Response::from_parts(parts, Body::from(body)))
    }

    pub(crate) fn mark(&self, method: &Method, target: &str, forwarded: &Forwarded) -> String {
        let (at, again) = (time::now_millis(), u8::from(forwarded.again));
        let claim = format!("{at}.{again}.{}", forwarded.call_id);
        let tag = hmac::sign(&self.key, format!("{method}\n{target}\n{claim}").as_bytes());
        format!("{}.{claim}", hex(tag.as_ref()))
    }

    /// Whether a request comes from another host; takes the mark out of the headers either way.
    pub(crate) fn received(&self, method: &Method, target: &str, headers: &mut HeaderMap) -> Option<Forwarded> {
        let mark = headers.remove(FORWARDED)?;
        let (tag, claim) = mark.to_str().ok()?.split_once('.')?;
        let expected = hmac::sign(&self.key, format!("{method}\n{target}\n{claim}").as_bytes());
        if !pome_gateway::token::equal(hex(expected.as_ref()).as_bytes(), tag.as_bytes()) {
            return None;
        }
        let mut parts = claim.splitn(3, '.');
        let at: i64 = parts.next()?.parse().ok()?;
        let again = parts.next()? == "1";
        let call_id = parts.next()?.to_owned();
        ((time::now_millis() - at).abs() < FRESH).then_some(Forwarded { call_id, again })
    }
}

/// An answer to another host that has to ask again.
pub(crate) fn elsewhere() -> Response<Body> {
    marked(StatusCode::MISDIRECTED_REQUEST, ELSEWHERE)
}

/// An answer to another host that has to close the connection.
pub(crate) fn closed() -> Response<Body> {
    marked(StatusCode::INTERNAL_SERVER_ERROR, CLOSED)
}

fn marked(status: StatusCode, mark: HeaderName) -> Response<Body> {
    let mut response = Response::new(Body::empty());
    *response.status_mut() = status;
    response.headers_mut().insert(mark, HeaderValue::from_static("1"));
    response
}

/// Headers without those that belong to one connection.
fn end_to_end(headers: &HeaderMap) -> HeaderMap {
    let mut kept = headers.clone();
    for name in [CONNECTION, TRANSFER_ENCODING, http::header::CONTENT_LENGTH, http::header::UPGRADE] {
        kept.remove(name);
    }
    kept.remove("keep-alive");
    kept
}

/// The time in milliseconds since 1970 as the database has it, so that clocks of hosts need not agree.
pub(crate) fn now(store: &Store) -> &'static str {
    match store {
        Store::Sqlite(_) => "CAST((julianday('now') - 2440587.5) * 86400000.0 AS INTEGER)",
        Store::Postgres(_) => "CAST(EXTRACT(EPOCH FROM clock_timestamp()) * 1000 AS BIGINT)",
    }
}

/// An SQL condition: the host `h` was heard of lately.
pub(crate) fn alive(store: &Store) -> String {
    format!("h.seen_at > {} - {LEASE}", now(store))
}
