//! What is the platform's and not the vendor's: health, state, events, and the admin calls.

use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Instant;

use bytes::Bytes;
use http::request::Parts;
use http::{Method, Response, StatusCode};
use hyper::body::Body as HttpBody;
use pome_sandbox::{Advance, Fault, Seeded, WorldOptions};
use pome_wire::time;
use serde_json::{Map, Value, json};
use sha2::{Digest as _, Sha256};
use tokio::sync::mpsc;
use uuid::Uuid;

use crate::http::{Body as ReplyBody, Reply, json as reply_json, problem, read};
use crate::log::Log;
use crate::recorder::{Owner, Recorder, Ticket};
use crate::rest::unreached;
use crate::row::{Body, Row, tail_length};
use crate::seed;
use crate::server::{Shared, world_of};
use crate::session::{Call, REQUEST_ID, now_seconds, origin, request_id};
use crate::token::{Claims, equal, mint};
use crate::uri;
use crate::world::{ForkError, World};

/// Team of the tokens of sessions that are made by an admin call.
const TEAM: &str = "local";

/// The documents below a session that are read; `None` when the path is not one of them.
pub(crate) async fn session(call: &Call<'_>) -> Option<Reply> {
    let prepared = &call.shared.prepared;
    let ok = |body: Bytes| Some(reply_json(StatusCode::OK, body));
    match call.path {
        "/healthz" if !call.shared.component.description().root_mount => {
            ok(json!({ "ok": true, "sid": call.sid }).to_string().into())
        }
        "/_pome/health" => match uri::parameter(&call.query, "verbose").as_deref() {
            Some("1" | "true") => ok(verbose_health(call).await),
            _ => ok(Value::Object(prepared.session_health(call.world.events())).to_string().into()),
        },
        "/_pome/state" => Some(state(call).await),
        "/_pome/events" => Some(events(call)),
        "/_pome/deliveries" => ok(call.shared.deliveries.list(call.world.owner).into()),
        "/_pome/routes" => ok(prepared.listings().routes.clone()),
        path => ok(prepared.extra(path.strip_prefix("/_pome/")?)?.clone()),
    }
}

async fn verbose_health(call: &Call<'_>) -> Bytes {
    let mut body = call.shared.prepared.session_health(call.world.events());
    let description = call.shared.component.description();
    let now = call.world.hold().await.now().and_then(|now| i64::try_from(now).ok());
    body.insert("routes".to_owned(), description.routes.len().into());
    body.insert("tools".to_owned(), description.tools.len().into());
    body.insert("clock".to_owned(), now.map(time::format).into());
    body.insert("seed".to_owned(), call.world.seed_digest().into());
    body.insert("component".to_owned(), call.shared.component.digest().into());
    body.insert("events".to_owned(), call.world.events().into());
    body.insert("deliveries".to_owned(), call.shared.deliveries.waiting(call.world.owner).into());
    Value::Object(body).to_string().into()
}

async fn state(call: &Call<'_>) -> Reply {
    let mut core = call.world.hold().await;
    let exported = core.export_state();
    let exported = match exported {
        Ok(state) => state,
        Err(fault) => {
            let event = call.world.events() + 1;
            crate::rest::trapped(call, &mut core, event, None, fault);
            return call.shared.prepared.refusal("trap");
        }
    };
    drop(core);
    reply_json(StatusCode::OK, call.shared.prepared.public_state(&exported, call.shared.recorder.redactor()))
}

/// The recorded calls of a world as one array, read from the file while it is sent.
fn events(call: &Call<'_>) -> Reply {
    let (pieces, receiver) = mpsc::channel(4);
    let (recorder, owner) = (call.shared.recorder.clone(), call.world.owner);
    match recorder.log().cloned() {
        Some(log) => drop(tokio::spawn(send_logged(log, call.shared.component.description().id.clone(), pieces))),
        None => drop(tokio::task::spawn_blocking(move || send_events(&recorder, owner, &pieces))),
    }
    let mut reply = Response::new(ReplyBody::Pieces(receiver));
    reply.headers_mut().insert(http::header::CONTENT_TYPE, crate::http::JSON);
    reply
}

fn send_events(recorder: &Recorder, owner: Owner, pieces: &mpsc::Sender<Bytes>) {
    let (mut from, mut first) = (0, true);
    let mut open = Bytes::from_static(b"[");
    loop {
        // A client that has gone away, or a file that cannot be read: the array stays open, which no reader takes for whole.
        let Ok(piece) = recorder.piece(owner, from, first) else { return };
        if !open.is_empty() && pieces.blocking_send(std::mem::take(&mut open)).is_err() {
            return;
        }
        let Some((bytes, next)) = piece else { break };
        from = next;
        if bytes.is_empty() {
            continue;
        }
        first = false;
        if pieces.blocking_send(bytes.into()).is_err() {
            return;
        }
    }
    let _ = pieces.blocking_send(Bytes::from_static(b"]"));
}

/// The same from a log.
async fn send_logged(log: Arc<dyn Log>, twin: String, pieces: mpsc::Sender<Bytes>) {
    let (mut after, mut out) = (0, b"[".to_vec());
    let mut first = true;
    loop {
        match log.rows(&twin, after).await {
            // The array stays open, which no reader takes for whole.
            Err(_) => return,
            Ok(None) => break,
            Ok(Some(piece)) => {
                for row in piece.rows {
                    if !first {
                        out.push(b',');
                    }
                    first = false;
                    out.extend_from_slice(plain(&row));
                    out.push(b'}');
                }
                after = piece.last;
            }
        }
        if pieces.send(std::mem::take(&mut out).into()).await.is_err() {
            return;
        }
    }
    out.push(b']');
    let _ = pieces.send(out.into()).await;
}

/// A row without what `_pome/events` does not show, and without its last brace.
fn plain(row: &[u8]) -> &[u8] {
    row.get(..row.len().saturating_sub(tail_length(REQUEST_ID))).unwrap_or_default()
}

// ---- admin ----

/// Whether a request is for the admin calls.
pub(crate) fn is_admin(method: &Method, path: &str) -> bool {
    match path {
        "/admin/reset" | "/admin/seed" => *method == Method::POST,
        "/admin/sessions" => *method == Method::POST || *method == Method::GET,
        _ => path.starts_with("/admin/sessions/"),
    }
}

/// Answers an admin call.
pub(crate) async fn admin<B>(shared: &Arc<Shared>, peer: SocketAddr, parts: &Parts, body: B, started: Instant) -> Reply
where
    B: HttpBody,
    B::Error: Into<Box<dyn std::error::Error + Send + Sync>>,
{
    if !admitted(shared, peer, parts) {
        return shared.prepared.refusal("admin-forbidden");
    }
    let body = match read(body, &shared.limits).await {
        Ok(body) => body,
        Err(refused) => return refused,
    };
    let visit = Visit { shared, parts, body: &body, started };
    let path = parts.uri.path();
    match path {
        "/admin/reset" => visit.reset(&Arc::clone(shared.worlds.default_world())).await,
        "/admin/seed" => visit.seed().await,
        "/admin/sessions" if parts.method == Method::POST => visit.create().await.unwrap_or_else(|refused| *refused),
        "/admin/sessions" => visit.list(),
        _ => visit.one(path.strip_prefix("/admin/sessions/").unwrap_or_default()).await,
    }
}

fn admitted(shared: &Shared, peer: SocketAddr, parts: &Parts) -> bool {
    match &shared.admin_token {
        Some(token) => {
            parts.headers.get("x-admin-token").is_some_and(|given| equal(given.as_bytes(), token.as_bytes()))
        }
        // The socket's own address; headers that claim another one are not looked at.
        None => peer.ip().to_canonical().is_loopback(),
    }
}

/// One admin call.
struct Visit<'a> {
    shared: &'a Shared,
    parts: &'a Parts,
    body: &'a Bytes,
    started: Instant,
}

/// A request that is answered before it is done.
type Refused = Box<Reply>;

fn bad_request(message: &str) -> Refused {
    Box::new(problem(StatusCode::BAD_REQUEST, "invalid_request", message))
}

fn no_session(sid: &str) -> Reply {
    problem(StatusCode::NOT_FOUND, "not_found", &format!("no session `{sid}` was made by an admin call"))
}

impl Visit<'_> {
    fn flag(&self, name: &str) -> Option<String> {
        uri::parameter(self.parts.uri.query().unwrap_or_default(), name).map(std::borrow::Cow::into_owned)
    }

    async fn reset(&self, world: &Arc<World>) -> Reply {
        let to_default = match self.flag("seed").as_deref() {
            None => false,
            Some("default") => true,
            Some(other) => return *bad_request(&format!("seed: expected `default`, found `{other}`")),
        };
        let tape = matches!(self.flag("tape").as_deref(), Some("1" | "true"));
        let mut core = world.hold().await;
        if tape {
            self.shared.recorder.forget(world.owner);
            core.forget_events();
        }
        let outcome = if to_default { core.seed(None, crate::fault::Rules::default()).map(drop) } else { core.reset() };
        if let Err(fault) = outcome {
            return self.failed(&fault);
        }
        self.shared.deliveries.forget(world.owner);
        let ticket = self.ticket(tape);
        if ticket.is_some() {
            core.event();
        }
        world.note(&core);
        drop(core);
        if tape && self.shared.recorder.is_empty() {
            // Nothing else is in the file; a failure shows in the recorder's own state.
            let _ = self.shared.recorder.clear();
        }
        let body = self.shared.prepared.reset.clone();
        let report = unreached();
        self.record(world.owner, ticket, 200, &body, &report).await;
        reply_json(StatusCode::OK, body)
    }

    async fn seed(&self) -> Reply {
        let world = self.shared.worlds.default_world();
        let parts = match seed::split(self.body, self.shared.component.description()) {
            Ok(parts) => parts,
            Err(reason) => return problem(StatusCode::UNPROCESSABLE_ENTITY, "invalid_seed", &reason),
        };
        let mut core = world.hold().await;
        let seeded = match core.seed(Some(parts.document), parts.rules) {
            Ok(seeded) => seeded,
            Err(fault) => {
                core.recover(&fault);
                return self.failed(&fault);
            }
        };
        if seeded.accepted {
            self.shared.deliveries.forget(world.owner);
        }
        if let Some(clock) = parts.clock.filter(|_| seeded.accepted)
            && let Err(fault) = core.advance(Advance::To(clock))
        {
            return self.failed(&fault);
        }
        let ticket = self.ticket(false);
        if ticket.is_some() {
            core.event();
        }
        world.note(&core);
        drop(core);
        let Seeded { answer, .. } = seeded;
        let body = Bytes::from(answer.body);
        self.record(world.owner, ticket, answer.status, &body, &answer.report).await;
        let mut reply = reply_json(StatusCode::from_u16(answer.status).unwrap_or(StatusCode::OK), body);
        if let Ok(headers) = crate::http::headers(&answer.headers) {
            reply.headers_mut().extend(headers);
        }
        reply
    }

    fn failed(&self, fault: &Fault) -> Reply {
        self.shared.trapped(crate::server::Trapped {
            sid: String::new(),
            event: self.shared.worlds.default_world().events() + 1,
            event_id: None,
            fault: fault.clone(),
            rebuilt: true,
        });
        self.shared.prepared.refusal("trap")
    }

    fn ticket(&self, tape: bool) -> Option<Ticket> {
        let recorded = self.shared.component.description().records_admin && !tape;
        recorded.then(|| self.shared.recorder.ticket())
    }

    async fn record(
        &self,
        owner: Owner,
        ticket: Option<Ticket>,
        status: u16,
        body: &Bytes,
        report: &pome_sandbox::Report,
    ) {
        let Some(ticket) = ticket else { return };
        let description = self.shared.component.description();
        let id = request_id();
        let row = Row {
            run_id: self.shared.recorder.run_id(),
            twin: &description.id,
            request_id: &id,
            stamps_tool_call: description.stamps_tool_call,
            method: self.parts.method.as_str(),
            path: self.parts.uri.path(),
            query: self.parts.uri.query().unwrap_or_default(),
            headers: &self.parts.headers,
            request_body: Body::MaybeJson(self.body),
            tool: report.action.as_deref(),
            status,
            response_body: Body::MaybeJson(body),
            latency_ms: u64::try_from(self.started.elapsed().as_millis()).unwrap_or(u64::MAX),
            fidelity: report.fidelity,
            mutation: report.mutation && report.delta.is_some(),
            delta: report.delta.as_ref(),
            replayed: report.replayed,
            error: report.error.as_deref(),
        };
        let line = row.line(self.shared.recorder.redactor(), &time::now());
        // Admin calls reach worlds with a file only, which takes every row.
        let _ = ticket.commit(owner, line, id.len(), None).await;
    }

    async fn create(&self) -> Result<Reply, Refused> {
        let asked = self.object()?;
        let now = now_seconds();
        self.shared.worlds.sweep(now);
        let expires = match asked.get("ttl_s") {
            None | Some(Value::Null) => None,
            Some(ttl) => {
                let ttl = ttl.as_u64().filter(|ttl| *ttl > 0);
                Some(now.saturating_add(ttl.ok_or_else(|| bad_request("ttl_s: expected a whole number of seconds"))?))
            }
        };
        let sid = format!("ses_{}", Uuid::new_v4().simple());
        let world = match asked.get("from") {
            None | Some(Value::Null) => self.open(&asked, expires)?,
            Some(from) => self.fork(&asked, from, expires, now).await?,
        };
        self.shared.worlds.insert(sid.clone(), world);
        let tokens = &self.shared.component.description().tokens;
        let claims = Claims {
            sid: sid.clone(),
            team_id: TEAM.to_owned(),
            exp: expires,
            iat: None,
            extra: tokens.claims.clone(),
        };
        let token = mint(&self.shared.secret, &claims)
            .map_err(|error| problem(StatusCode::SERVICE_UNAVAILABLE, "no_secret", &error.to_string()))
            .map_err(Box::new)?;
        let rest_url = format!("{}/s/{sid}", origin(self.shared, self.parts));
        let body = json!({
            "sid": sid,
            "token": token,
            "mcp_url": format!("{rest_url}/mcp"),
            "rest_url": rest_url,
            "expires_at": expires.and_then(|expires| i64::try_from(expires).ok()).map(|expires| time::format(expires * 1000)),
        });
        Ok(reply_json(StatusCode::CREATED, body.to_string()))
    }

    fn object(&self) -> Result<Map<String, Value>, Refused> {
        if self.body.trim_ascii().is_empty() {
            return Ok(Map::new());
        }
        serde_json::from_slice(self.body).map_err(|_| bad_request("the request body is not a JSON object"))
    }

    fn open(&self, asked: &Map<String, Value>, expires: Option<u64>) -> Result<World, Refused> {
        let component = &self.shared.component;
        let document = match asked.get("seed") {
            None | Some(Value::Null) => None,
            Some(Value::String(name)) => {
                let found = component.description().seed(name);
                Some(found.ok_or_else(|| bad_request(&format!("seed: there is no seed `{name}`")))?.json.clone())
            }
            Some(seed @ Value::Object(_)) => Some(seed.to_string().into_bytes()),
            Some(_) => return Err(bad_request("seed: expected an object or the name of a seed")),
        };
        let random_seed = match asked.get("random_seed") {
            None | Some(Value::Null) => 0,
            Some(seed) => seed.as_u64().ok_or_else(|| bad_request("random_seed: expected a whole number"))?,
        };
        let options = WorldOptions { seed: document, clock: instant(asked.get("clock"), "clock")?, random_seed };
        let (options, rules) = world_of(component, options)
            .map_err(|reason| Box::new(problem(StatusCode::UNPROCESSABLE_ENTITY, "invalid_seed", &reason)))?;
        let owner = self.shared.recorder.owner(&component.description().id);
        World::open(component, options, rules, owner, expires)
            .map_err(|error| Box::new(problem(StatusCode::UNPROCESSABLE_ENTITY, "invalid_seed", &error.to_string())))
    }

    async fn fork(
        &self,
        asked: &Map<String, Value>,
        from: &Value,
        expires: Option<u64>,
        now: u64,
    ) -> Result<World, Refused> {
        if let Some(key) = ["seed", "clock", "random_seed"].iter().find(|key| asked.contains_key(**key)) {
            return Err(bad_request(&format!("{key}: a fork continues another session and takes none of its own")));
        }
        let sid = from.get("sid").and_then(Value::as_str).ok_or_else(|| bad_request("from.sid: expected a text"))?;
        let at = match from.get("at") {
            None | Some(Value::Null) => None,
            Some(at) => Some(
                at.as_u64().ok_or_else(|| bad_request("from.at: expected the number of an event, counted from 1"))?,
            ),
        };
        let source = self.shared.worlds.find(sid, now).ok_or_else(|| Box::new(no_session(sid)))?;
        let owner = self.shared.recorder.owner(&self.shared.component.description().id);
        source.fork(at, owner, expires).await.map_err(|error| match error {
            ForkError::NoSuchEvent { .. } => bad_request(&format!("from.at: {error}")),
            ForkError::NotKept { .. } | ForkError::Replay(_) | ForkError::Open(_) => {
                Box::new(problem(StatusCode::INTERNAL_SERVER_ERROR, "fork_failed", &error.to_string()))
            }
        })
    }

    fn list(&self) -> Reply {
        let now = time::now_millis();
        let sessions: Vec<Value> = self
            .shared
            .worlds
            .list(now_seconds())
            .into_iter()
            .map(|(sid, world)| {
                json!({
                    "sid": sid,
                    "age_s": (now - world.created).max(0) / 1000,
                    "events": world.events(),
                    "memory_bytes": world.memory(),
                    "expires_at": world.expires.and_then(|end| i64::try_from(end).ok()).map(|end| time::format(end * 1000)),
                })
            })
            .collect();
        let default = self.shared.worlds.default_world();
        let body = json!({
            "default": {
                "age_s": (now - default.created).max(0) / 1000,
                "events": default.events(),
                "memory_bytes": default.memory(),
            },
            "sessions": sessions,
        });
        reply_json(StatusCode::OK, body.to_string())
    }

    /// `{sid}`, `{sid}/reset` and `{sid}/clock`.
    async fn one(&self, path: &str) -> Reply {
        let (sid, verb) = path.split_once('/').unwrap_or((path, ""));
        let sid = uri::decode(sid);
        let Some(world) = self.shared.worlds.own(&sid, now_seconds()) else {
            return no_session(&sid);
        };
        match (&self.parts.method, verb) {
            (&Method::DELETE, "") => {
                self.shared.worlds.remove(&sid);
                self.shared.deliveries.forget(world.owner);
                reply_json(StatusCode::OK, json!({ "ok": true, "sid": sid }).to_string())
            }
            (&Method::POST, "reset") => self.reset(&world).await,
            (&Method::POST, "clock") => self.clock(&world).await.unwrap_or_else(|refused| *refused),
            _ => problem(StatusCode::METHOD_NOT_ALLOWED, "not_allowed", "known are DELETE, POST reset and POST clock"),
        }
    }

    async fn clock(&self, world: &World) -> Result<Reply, Refused> {
        let asked = self.object()?;
        let by = asked.get("advance_ms").filter(|value| !value.is_null());
        let by = match (by, instant(asked.get("set"), "set")?) {
            (Some(by), None) => {
                Advance::By(by.as_u64().ok_or_else(|| bad_request("advance_ms: expected a whole number"))?)
            }
            (None, Some(to)) => Advance::To(to),
            _ => return Err(bad_request("expected either `advance_ms` or `set`")),
        };
        let mut core = world.hold().await;
        if let (Advance::To(to), Some(now)) = (by, core.now())
            && to < now
        {
            return Err(bad_request("set: time does not go back; reset the session instead"));
        }
        let deliveries = match core.advance(by) {
            Ok(deliveries) => deliveries,
            Err(fault) => {
                core.recover(&fault);
                return Err(Box::new(self.failed(&fault)));
            }
        };
        let now = core.now();
        world.note(&core);
        drop(core);
        let count = deliveries.len();
        self.shared.deliveries.settle(world.owner, deliveries, now).await;
        let now = now.and_then(|now| i64::try_from(now).ok());
        let body = json!({ "ok": true, "now": now.map(time::format), "deliveries": count });
        Ok(reply_json(StatusCode::OK, body.to_string()))
    }
}

/// A time as text or in milliseconds.
fn instant(value: Option<&Value>, key: &str) -> Result<Option<u64>, Refused> {
    match value {
        None | Some(Value::Null) => Ok(None),
        Some(value) => {
            let text = || value.as_str().and_then(time::parse).and_then(|millis| u64::try_from(millis).ok());
            let millis = value.as_u64().or_else(text);
            Ok(Some(millis.ok_or_else(|| {
                bad_request(&format!("{key}: expected a time such as `2026-01-01T00:00:00Z` or milliseconds"))
            })?))
        }
    }
}

/// `sha256:` digest of a seed document.
pub(crate) fn digest(document: &[u8]) -> String {
    use std::fmt::Write as _;
    let mut text = "sha256:".to_owned();
    for byte in Sha256::digest(document) {
        let _ = write!(text, "{byte:02x}");
    }
    text
}
