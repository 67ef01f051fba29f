//! The REST door: one request to the twin, its answer back, and the row of both.

use bytes::Bytes;
use http::header::{CONTENT_TYPE, HeaderName};
use http::{HeaderMap, Method, Response, StatusCode};
use pome_sandbox::{Answer, Delta, Fault, FaultKind, Fidelity, Header, Report, Request};

use crate::fault::{Hit, error_text};
use crate::http::{Body as ReplyBody, Reply, Unanswered, headers};
use crate::journal::Step;
use crate::log::{Logged, NotKept};
use crate::recorder::Ticket;
use crate::row::{Body, Row};
use crate::server::Trapped;
use crate::session::{Call, is_urlencoded, request_id};
use crate::world::Core;

/// What a row says beside who called and how.
#[derive(Debug)]
pub(crate) struct Outcome<'a> {
    pub(crate) request_body: Body<'a>,
    pub(crate) tool: Option<&'a str>,
    pub(crate) status: u16,
    pub(crate) response_body: Body<'a>,
    pub(crate) fidelity: Fidelity,
    pub(crate) mutation: bool,
    pub(crate) delta: Option<&'a Delta>,
    pub(crate) replayed: bool,
    pub(crate) error: Option<&'a str>,
}

/// What a request was meant for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Door<'a> {
    /// A route of the vendor.
    Route,
    /// A tool that cannot be called; the twin says so in the vendor's words. Its name, if there is one.
    Tool(Option<&'a str>),
}

/// Answers a request through the twin's routes.
pub(crate) async fn answer(call: &Call<'_>, body: Bytes, door: Door<'_>) -> Result<Reply, Unanswered> {
    let description = call.shared.component.description();
    let head = call.parts.method == Method::HEAD;
    // A route that can be read can be asked for its head; the connection leaves the body away.
    let method = if head { "GET" } else { call.parts.method.as_str() };
    let request = Request {
        method: method.to_owned(),
        path: call.path.to_owned(),
        query: call.query.clone().into_owned(),
        headers: visible_headers(&call.parts.headers),
        body: body.to_vec(),
        caller: call.caller(),
        origin: call.origin(),
    };
    // Reading the state leaves no trace, whatever the method.
    let recorded = call.path != "/_pome/state";
    let mut core = call.world.hold().await;
    let hit =
        if core.faults.is_empty() { None } else { core.faults.request(&call.sid, method, call.path, description) };
    let result = match &hit {
        Some(hit) if !hit.after => None,
        _ => Some(core.handle(&request)),
    };
    let event = core.event();
    let changed = matches!(&result, Some(Ok(answer)) if may_have_changed(method, &answer.report));
    let step = Step::Request(request);
    if changed {
        core.keep(event, &step);
    }
    let logged = call.logged(event, changed, !core.faults.is_empty(), &step);
    let id = request_id();
    let result = match result {
        Some(Err(fault)) => Some(Err(trapped(call, &mut core, event, recorded.then_some(id.as_str()), fault))),
        Some(Ok(answer)) => Some(Ok(answer)),
        None => None,
    };
    call.world.note(&core);
    let now = core.now();
    let ticket = recorded.then(|| call.shared.recorder.ticket());
    drop(core);

    let request_body = match (&call.parts.method, &result) {
        (&Method::GET | &Method::HEAD, _) => Body::Null,
        _ if body.is_empty() => Body::Null,
        (_, None) => Body::Text(&body),
        // curl calls everything a form unless told otherwise.
        _ if is_urlencoded(&call.parts.headers) && !body.trim_ascii_start().starts_with(b"{") => Body::Form(&body),
        _ => Body::MaybeJson(&body),
    };
    let mut finished = Finished::new(call, result, hit.as_ref());
    let tool = match door {
        Door::Route => None,
        Door::Tool(name) => {
            finished.report.fidelity = Fidelity::Semantic;
            name
        }
    };
    let outcome = Outcome {
        request_body,
        tool: finished.report.action.as_deref().or(tool),
        status: finished.status.as_u16(),
        response_body: finished.recorded_body(head, call.shared.component.trusted()),
        fidelity: finished.report.fidelity,
        mutation: finished.report.mutation,
        delta: finished.report.delta.as_ref(),
        replayed: finished.report.replayed,
        error: finished.report.error.as_deref(),
    };
    if let Some(ticket) = ticket {
        record(call, ticket, &id, &outcome, logged).await?;
    }
    let asked = std::mem::take(&mut finished.report.deliveries);
    call.shared.deliveries.add(call.world.owner, asked, now, recorded.then_some(&id));
    wait(hit.as_ref()).await?;
    Ok(finished.into_reply())
}

/// Whether a call has to be played again to get to the same world.
pub(crate) fn may_have_changed(method: &str, report: &Report) -> bool {
    report.mutation || !report.deliveries.is_empty() || !matches!(method, "GET" | "OPTIONS")
}

/// Puts the world back in order after the twin failed, and tells about it.
pub(crate) fn trapped(call: &Call<'_>, core: &mut Core, event: u64, event_id: Option<&str>, fault: Fault) -> Fault {
    // An ended world was reported when it ended.
    if fault.kind != FaultKind::Dead {
        let rebuilt = core.recover(&fault);
        call.shared.trapped(Trapped {
            sid: call.sid.clone(),
            event,
            event_id: event_id.map(str::to_owned),
            fault: fault.clone(),
            rebuilt,
        });
    }
    fault
}

/// Writes the row of a call.
pub(crate) async fn record(
    call: &Call<'_>,
    ticket: Ticket,
    id: &str,
    outcome: &Outcome<'_>,
    logged: Option<Logged>,
) -> Result<(), NotKept> {
    let recorder = &call.shared.recorder;
    let description = call.shared.component.description();
    let row = Row {
        run_id: recorder.run_id(),
        twin: &description.id,
        request_id: id,
        stamps_tool_call: description.stamps_tool_call,
        method: call.parts.method.as_str(),
        path: call.parts.uri.path(),
        query: &call.query,
        headers: &call.parts.headers,
        request_body: outcome.request_body,
        tool: outcome.tool,
        status: outcome.status,
        response_body: outcome.response_body,
        latency_ms: u64::try_from(call.started.elapsed().as_millis()).unwrap_or(u64::MAX),
        fidelity: outcome.fidelity,
        mutation: outcome.mutation,
        delta: outcome.delta,
        replayed: outcome.replayed,
        error: outcome.error,
    };
    let line = row.line(recorder.redactor(), &pome_wire::time::now());
    ticket.commit(call.world.owner, line, id.len(), logged).await
}

/// Waits as long as a fault wants, or ends the connection.
pub(crate) async fn wait(hit: Option<&Hit>) -> Result<(), Unanswered> {
    let Some(hit) = hit else { return Ok(()) };
    if !hit.delay.is_zero() {
        tokio::time::sleep(hit.delay).await;
    }
    if hit.close { Err(Unanswered::Closed) } else { Ok(()) }
}

/// The headers that a twin gets to see: what belongs to the connection or proves who is calling stays here.
fn visible_headers(map: &HeaderMap) -> Vec<Header> {
    let mut lines = Vec::with_capacity(map.len());
    for (name, value) in map {
        if is_private(name) {
            continue;
        }
        lines.push(Header {
            name: name.as_str().to_owned(),
            value: String::from_utf8_lossy(value.as_bytes()).into_owned(),
        });
    }
    lines
}

fn is_private(name: &HeaderName) -> bool {
    matches!(
        name.as_str(),
        "authorization"
            | "proxy-authorization"
            | "proxy-connection"
            | "connection"
            | "keep-alive"
            | "te"
            | "trailer"
            | "transfer-encoding"
            | "upgrade"
            | "x-admin-token"
    )
}

/// An answer that is about to leave.
struct Finished {
    status: StatusCode,
    headers: HeaderMap,
    body: Bytes,
    report: Report,
}

impl Finished {
    fn new(call: &Call<'_>, result: Option<Result<Answer, Fault>>, hit: Option<&Hit>) -> Self {
        let (status, lines, body, mut report) = match result {
            Some(Ok(answer)) => (answer.status, answer.headers, answer.body.into(), answer.report),
            Some(Err(fault)) => {
                let (status, body) = call.shared.prepared.refusal_parts("trap");
                (status, Vec::new(), body, failed(&fault))
            }
            None => (0, Vec::new(), Bytes::new(), unreached()),
        };
        let (status, lines, body) = match hit {
            Some(hit) => {
                report.error = (hit.status >= 400).then(|| hit_error(hit));
                (hit.status, hit.headers.clone(), hit.body.clone().into())
            }
            None => (status, lines, body),
        };
        let parsed = StatusCode::from_u16(status).ok().zip(headers(&lines).ok());
        let Some((status, headers)) = parsed else {
            let (status, body) = call.shared.prepared.refusal_parts("trap");
            let status = StatusCode::from_u16(status).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
            let fault = Fault {
                kind: FaultKind::BadAnswer,
                twin: call.shared.component.description().id.clone(),
                action: report.action.clone(),
                message: "a status or header line is not HTTP".to_owned(),
            };
            return Self {
                status,
                headers: HeaderMap::new(),
                body,
                report: Report { error: Some(fault.to_string()), ..report },
            };
        };
        Self { status, headers, body, report }
    }

    fn recorded_body(&self, head: bool, trusted: bool) -> Body<'_> {
        if head || self.body.is_empty() {
            return Body::Null;
        }
        let kind = self.headers.get(CONTENT_TYPE).and_then(|kind| kind.to_str().ok());
        match kind {
            Some(kind) if !kind.contains("json") => Body::Text(&self.body),
            _ if trusted => Body::Json(&self.body),
            _ => Body::MaybeJson(&self.body),
        }
    }

    fn into_reply(self) -> Reply {
        let mut reply = Response::new(ReplyBody::Whole(Some(self.body)));
        *reply.status_mut() = self.status;
        *reply.headers_mut() = self.headers;
        if !reply.headers().contains_key(CONTENT_TYPE)
            && !matches!(reply.body(), ReplyBody::Whole(Some(body)) if body.is_empty())
        {
            reply.headers_mut().insert(CONTENT_TYPE, crate::http::JSON);
        }
        reply
    }
}

/// What a row says about a call in which the twin failed.
pub(crate) fn failed(fault: &Fault) -> Report {
    Report { action: fault.action.clone(), error: Some(fault.to_string()), ..unreached() }
}

/// What a row says about a call that did not reach the twin.
pub(crate) fn unreached() -> Report {
    Report {
        action: None,
        fidelity: Fidelity::Semantic,
        mutation: false,
        delta: None,
        error: None,
        replayed: false,
        deliveries: Vec::new(),
    }
}

/// The error text of a fault that was asked for.
pub(crate) fn hit_error(hit: &Hit) -> String {
    if hit.close { "the connection was closed by an injected fault".to_owned() } else { error_text(&hit.body) }
}
