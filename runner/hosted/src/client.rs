//! One request to a control plane: with the key, without redirects, with a limit on everything.

use std::fmt;
use std::sync::Arc;
use std::time::{Duration, Instant};

use pome_wire::control::Secret;
use serde::Serialize;
use serde::de::DeserializeOwned;
use serde_json::{Map, Value};
use url::Url;

use crate::address::Address;
use crate::error::{Cause, Error, strip};

/// How long one request may take, its body included.
pub(crate) const PATIENCE: Duration = Duration::from_secs(30);
/// For what goes through a person's login or a model.
pub(crate) const LONG: Duration = Duration::from_secs(60);
/// For what happens on the way out.
pub(crate) const SHORT: Duration = Duration::from_secs(5);
/// More than any answer of a control route.
const LARGEST: u64 = 64 << 20;

const USER_AGENT: &str = concat!("pome/", env!("CARGO_PKG_VERSION"));

/// Hears of each request: method and path, and what came of it.
pub type Observer = Arc<dyn Fn(&str) + Send + Sync>;

/// A control plane and who is calling it. Cheap to clone.
#[derive(Clone)]
pub struct Client {
    agent: ureq::Agent,
    base: Address,
    key: Option<Secret>,
    observer: Option<Observer>,
}

impl fmt::Debug for Client {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Client").field("base", &self.base).field("key", &self.key).finish_non_exhaustive()
    }
}

/// What a request is made with beside its address.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Bearer<'a> {
    /// The key of the client, in its own header, to the client's origin only.
    Key,
    /// A token of a session.
    Token(&'a Secret),
    /// Nothing: the address itself is the permission, or none is needed.
    Nothing,
}

/// A request.
#[derive(Debug)]
pub(crate) struct Request<'a> {
    pub(crate) action: &'static str,
    pub(crate) method: &'static str,
    pub(crate) url: Url,
    pub(crate) headers: Vec<(&'static str, String)>,
    pub(crate) body: Option<Vec<u8>>,
    pub(crate) bearer: Bearer<'a>,
    pub(crate) patience: Duration,
}

impl Request<'_> {
    pub(crate) fn fails(&self, cause: Cause) -> Error {
        Error { action: self.action, cause }
    }
}

/// Any answer.
#[derive(Debug)]
pub(crate) struct Reply {
    pub(crate) status: u16,
    pub(crate) encoding: Option<String>,
    pub(crate) retry_after: Option<String>,
    pub(crate) request_id: Option<String>,
    pub(crate) body: Vec<u8>,
}

impl Client {
    /// A control plane, called with a key.
    pub fn new(base: Address, key: Secret) -> Self {
        Self { key: Some(key), ..Self::anonymous(base) }
    }

    /// A control plane, called by nobody in particular.
    pub fn anonymous(base: Address) -> Self {
        let config = ureq::Agent::config_builder()
            .http_status_as_error(false)
            .max_redirects(0)
            .max_redirects_will_error(false)
            .user_agent(USER_AGENT)
            .accept("application/json")
            .accept_encoding("identity")
            .build();
        Self { agent: config.into(), base, key: None, observer: None }
    }

    /// Tells somebody about each request.
    #[must_use]
    pub fn observed(mut self, observer: Observer) -> Self {
        self.observer = Some(observer);
        self
    }

    /// Where it is.
    pub const fn base(&self) -> &Address {
        &self.base
    }

    /// A control route below `/v1`, with the key.
    pub(crate) fn request(&self, action: &'static str, method: &'static str, path: &[&str]) -> Request<'static> {
        let url = self.base.join(std::iter::once("v1").chain(path.iter().copied()));
        Request { action, method, url, headers: Vec::new(), body: None, bearer: Bearer::Key, patience: PATIENCE }
    }

    /// The same with a document.
    pub(crate) fn with_body(
        &self,
        action: &'static str,
        path: &[&str],
        document: &impl Serialize,
    ) -> Result<Request<'static>, Error> {
        let mut request = self.request(action, "POST", path);
        let body = serde_json::to_vec(document)
            .map_err(|error| request.fails(Cause::NotUnderstood(format!("the request cannot be written: {error}"))))?;
        request.headers.push(("content-type", "application/json".to_owned()));
        request.body = Some(body);
        Ok(request)
    }

    /// Sends a request and reads a document.
    pub(crate) fn json<T: DeserializeOwned>(&self, request: &Request<'_>) -> Result<T, Error> {
        let reply = self.success(request)?;
        read(&reply.body).map_err(|problem| request.fails(Cause::NotUnderstood(problem)))
    }

    /// Sends a request; anything but a success is an error.
    pub(crate) fn success(&self, request: &Request<'_>) -> Result<Reply, Error> {
        let reply = self.send(request, LARGEST)?;
        match reply.status {
            200..=299 => Ok(reply),
            _ => Err(request.fails(self.refused(&reply))),
        }
    }

    /// Sends a request and returns whatever comes back.
    pub(crate) fn send(&self, request: &Request<'_>, limit: u64) -> Result<Reply, Error> {
        let started = Instant::now();
        let sent = self.round_trip(request, limit).map_err(|error| {
            let origin = request.url.origin().ascii_serialization();
            request.fails(Cause::NoAnswer { origin, reason: self.clean(&reason(&error)) })
        });
        if let Some(observer) = &self.observer {
            let outcome = sent.as_ref().map_or_else(|_| "no answer".to_owned(), |reply| reply.status.to_string());
            let (method, path, took) = (request.method, request.url.path(), started.elapsed().as_millis());
            observer(&format!("{method} {path}: {outcome} ({took}ms)"));
        }
        sent
    }

    fn round_trip(&self, request: &Request<'_>, limit: u64) -> Result<Reply, ureq::Error> {
        let mut builder = ureq::http::Request::builder().method(request.method).uri(request.url.as_str());
        for (name, value) in &request.headers {
            builder = builder.header(*name, value);
        }
        match request.bearer {
            Bearer::Key => {
                if let Some(key) = &self.key {
                    builder = builder.header("x-api-key", key.expose());
                }
            }
            Bearer::Token(token) => builder = builder.header("authorization", format!("Bearer {}", token.expose())),
            Bearer::Nothing => {}
        }
        // A method without a body must have none, not an empty one.
        let mut answer = match &request.body {
            Some(body) => {
                let built = builder.body(body.as_slice())?;
                self.agent.run(self.agent.configure_request(built).timeout_global(Some(request.patience)).build())?
            }
            None => {
                let built = builder.body(())?;
                self.agent.run(self.agent.configure_request(built).timeout_global(Some(request.patience)).build())?
            }
        };
        let header = |name: &str| answer.headers().get(name)?.to_str().ok().map(str::to_owned);
        let (encoding, retry_after) = (header("content-encoding"), header("retry-after"));
        let request_id = header("x-request-id");
        let status = answer.status().as_u16();
        let body = answer.body_mut().with_config().limit(limit).read_to_vec()?;
        Ok(Reply { status, encoding, retry_after, request_id, body })
    }

    /// What an answer says that is not a success.
    pub(crate) fn refused(&self, reply: &Reply) -> Cause {
        let status = reply.status;
        if (300..400).contains(&status) {
            return Cause::Redirected { status };
        }
        let document: Map<String, Value> = serde_json::from_slice(&reply.body).unwrap_or_default();
        let envelope = document.get("error").and_then(Value::as_object);
        let text = |object: Option<&Map<String, Value>>, key: &str| {
            object?.get(key)?.as_str().map(|text| self.clean(text)).filter(|text| !text.trim().is_empty())
        };
        Cause::Refused {
            status,
            kind: text(envelope, "type"),
            message: text(envelope, "message").or_else(|| text(Some(&document), "message")),
            request_id: text(envelope, "request_id").or_else(|| reply.request_id.as_deref().map(|id| self.clean(id))),
            details: envelope.and_then(|envelope| envelope.get("details")?.as_object().cloned()),
        }
    }

    /// A text of the server as it may be shown: no control characters, and never our key, should it be repeated.
    fn clean(&self, text: &str) -> String {
        let text = strip(text);
        match &self.key {
            Some(key) if !key.expose().is_empty() => text.replace(key.expose(), "[redacted]"),
            _ => text,
        }
    }
}

/// A document; an empty body is an empty object.
pub(crate) fn read<T: DeserializeOwned>(body: &[u8]) -> Result<T, String> {
    let body = if body.iter().all(u8::is_ascii_whitespace) { b"{}" } else { body };
    serde_json::from_slice(body)
        .map_err(|error| if error.is_data() { strip(&error.to_string()) } else { format!("it is not JSON ({error})") })
}

fn reason(error: &ureq::Error) -> String {
    match error {
        ureq::Error::Timeout(_) => "it took too long".to_owned(),
        ureq::Error::HostNotFound => "no such host".to_owned(),
        other => other.to_string(),
    }
}

/// A segment of a path that came from a person or a server.
pub(crate) fn id<'a>(action: &'static str, text: &'a str) -> Result<&'a str, Error> {
    let plain = |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'_' | b'-');
    if !text.is_empty() && text.len() <= 128 && text.bytes().all(plain) {
        Ok(text)
    } else {
        Err(Error { action, cause: Cause::BadId(strip(text)) })
    }
}
