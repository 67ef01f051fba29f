//! The MCP door: JSON-RPC over stateless HTTP, and the two older ways to call a tool.

use std::borrow::Cow;

use bytes::Bytes;
use http::header::ALLOW;
use http::{HeaderValue, StatusCode};
use pome_sandbox::{Fault, Report, ToolAnswer, ToolCall};
use serde::Deserialize;
use serde_json::value::RawValue;

use crate::http::{Body as ReplyBody, Reply, Unanswered, json};
use crate::journal::Step;
use crate::json::push_string;
use crate::rest::{self, Door, Outcome, failed, hit_error, record, trapped, unreached, wait};
use crate::row::Body;
use crate::session::{Call, is_form, request_id};
use crate::uri;

/// Protocol versions that a client may shake hands on. The wire is the same for all of them.
const PROTOCOLS: [&str; 4] = ["2024-11-05", "2025-03-26", "2025-06-18", "2025-11-25"];

/// What a client gets that asks for another one.
const PROTOCOL: &str = "2025-06-18";

/// Versions without a handshake: each request says in `params._meta` which one it speaks, and may ask `server/discover`
/// first. Results carry what those versions require beside the older members.
const SELF_CONTAINED: [&str; 1] = ["2026-07-28"];

/// A self-contained request for a version that is not among them.
const UNSUPPORTED_VERSION: i32 = -32022;

const INVALID: &str = "Invalid Request";
const BAD_PARAMS: &str = "Invalid params: expected { name: string, arguments?: object }";

/// The answer to a client that wants a stream or to end a session: there is neither.
pub(crate) fn not_allowed() -> Reply {
    let body =
        r#"{"jsonrpc":"2.0","id":null,"error":{"code":-32601,"message":"Method not allowed in stateless mode"}}"#;
    let mut reply = json(StatusCode::METHOD_NOT_ALLOWED, body);
    reply.headers_mut().insert(ALLOW, HeaderValue::from_static("POST"));
    reply
}

/// Answers one message or a batch.
pub(crate) async fn answer(call: &Call<'_>, body: &[u8]) -> Result<Reply, Unanswered> {
    let Ok(whole) = serde_json::from_slice::<&RawValue>(body) else {
        return Ok(json(StatusCode::OK, error(None, -32700, "Problems parsing JSON")));
    };
    if !whole.get().starts_with('[') {
        return Ok(match message(call, whole).await? {
            Some(answer) => json(StatusCode::OK, answer),
            None => accepted(),
        });
    }
    let batch: Vec<&RawValue> = serde_json::from_str(whole.get()).unwrap_or_default();
    if batch.is_empty() {
        return Ok(json(StatusCode::OK, error(None, -32600, INVALID)));
    }
    let mut answers = Vec::new();
    for item in batch {
        if let Some(answer) = message(call, item).await? {
            answers.push(if answers.is_empty() { b'[' } else { b',' });
            answers.extend_from_slice(&answer);
        }
    }
    if answers.is_empty() {
        return Ok(accepted());
    }
    answers.push(b']');
    Ok(json(StatusCode::OK, answers))
}

fn accepted() -> Reply {
    let mut reply = http::Response::new(ReplyBody::Whole(None));
    *reply.status_mut() = StatusCode::ACCEPTED;
    reply
}

/// A message as it arrives, nothing but taken apart.
#[derive(Deserialize)]
struct Message<'a> {
    #[serde(borrow, default)]
    jsonrpc: Option<&'a RawValue>,
    #[serde(borrow, default)]
    id: Option<&'a RawValue>,
    #[serde(borrow, default)]
    method: Option<&'a RawValue>,
    #[serde(borrow, default)]
    params: Option<&'a RawValue>,
}

#[derive(Deserialize)]
struct CallParams<'a> {
    #[serde(borrow)]
    name: Cow<'a, str>,
    #[serde(borrow, default)]
    arguments: Option<&'a RawValue>,
}

/// What a self-contained request says of itself.
#[derive(Deserialize)]
struct Envelope<'a> {
    #[serde(borrow, rename = "_meta", default)]
    meta: Option<Meta<'a>>,
}

#[derive(Deserialize)]
struct Meta<'a> {
    #[serde(borrow, rename = "io.modelcontextprotocol/protocolVersion", default)]
    protocol: Option<Cow<'a, str>>,
}

#[derive(Deserialize)]
struct InitializeParams<'a> {
    #[serde(borrow, rename = "protocolVersion", default)]
    protocol: Option<Cow<'a, str>>,
}

/// The answer to one message; `None` for a notification.
async fn message(call: &Call<'_>, raw: &RawValue) -> Result<Option<Vec<u8>>, Unanswered> {
    let Ok(message) = serde_json::from_str::<Message<'_>>(raw.get())
        .map_err(drop)
        .and_then(|message| if raw.get().starts_with('{') { Ok(message) } else { Err(()) })
    else {
        return Ok(Some(error(None, -32600, INVALID)));
    };
    let id = message.id.map(RawValue::get).filter(|id| *id != "null");
    let usable =
        id.filter(|id| id.starts_with('"') || id.starts_with('-') || id.starts_with(|c: char| c.is_ascii_digit()));
    let text = |raw: Option<&RawValue>| raw.and_then(|raw| serde_json::from_str::<String>(raw.get()).ok());
    let (Some("2.0"), Some(method)) = (text(message.jsonrpc).as_deref(), text(message.method)) else {
        return Ok(Some(error(usable, -32600, INVALID)));
    };
    // A notification asks for nothing, so nothing is done, whatever it names.
    let Some(id) = id else { return Ok(None) };
    if usable.is_none() {
        return Ok(Some(error(None, -32600, "Invalid Request: id must be string or number")));
    }
    let envelope = message.params.and_then(|params| serde_json::from_str::<Envelope<'_>>(params.get()).ok());
    let spoken = envelope.and_then(|envelope| envelope.meta?.protocol);
    if let Some(asked) = &spoken
        && !SELF_CONTAINED.contains(&asked.as_ref())
    {
        return Ok(Some(unsupported_version(id, asked)));
    }
    let alone = spoken.is_some();
    Ok(Some(match method.as_str() {
        "initialize" => result(id, &initialize(call, message.params)),
        "server/discover" if alone => result(id, &discover(call)),
        "ping" if alone => result(id, COMPLETE),
        "ping" => result(id, b"{}"),
        "tools/list" if alone => result(id, &joined(&call.shared.prepared.listings().tools, CACHEABLE)),
        "tools/list" => result(id, &call.shared.prepared.listings().tools),
        "tools/call" => match call_params(message.params) {
            Some((name, arguments)) => {
                let arguments = arguments.map_or("{}", RawValue::get).as_bytes();
                let request_body = Body::Tool { name: &name, arguments };
                let outcome = tool(call, &name, arguments.to_vec(), request_body).await?.result();
                if alone { result(id, &joined(&outcome, COMPLETE)) } else { result(id, &outcome) }
            }
            None => error(Some(id), -32602, BAD_PARAMS),
        },
        other => error(Some(id), -32601, &format!("Method not found: {other}")),
    }))
}

fn call_params(params: Option<&RawValue>) -> Option<(Cow<'_, str>, Option<&RawValue>)> {
    let params: CallParams<'_> = serde_json::from_str(params?.get()).ok()?;
    let arguments = params.arguments.filter(|arguments| arguments.get() != "null");
    let fits = !params.name.is_empty() && arguments.is_none_or(|arguments| arguments.get().starts_with('{'));
    fits.then_some((params.name, arguments))
}

fn initialize(call: &Call<'_>, params: Option<&RawValue>) -> Vec<u8> {
    let asked = params.and_then(|params| serde_json::from_str::<InitializeParams<'_>>(params.get()).ok());
    let asked = asked.and_then(|params| params.protocol);
    let protocol = PROTOCOLS.iter().find(|known| asked.as_deref() == Some(**known)).unwrap_or(&PROTOCOL);
    let mut out = Vec::with_capacity(200);
    out.extend_from_slice(br#"{"protocolVersion":"#);
    push_string(&mut out, protocol);
    out.extend_from_slice(br#","capabilities":{"tools":{"listChanged":false}},"serverInfo":{"name":"#);
    push_string(&mut out, &format!("twin-{}", call.shared.component.description().id));
    out.extend_from_slice(br#","version":"#);
    push_string(&mut out, &call.shared.prepared.version);
    out.extend_from_slice(b"}}");
    out
}

/// What every result of a self-contained request carries.
const COMPLETE: &[u8] = br#"{"resultType":"complete"}"#;

/// The same for results that a client might keep: it must not.
const CACHEABLE: &[u8] = br#"{"resultType":"complete","ttlMs":0,"cacheScope":"private"}"#;

/// One JSON object with the members of two. Neither is empty.
fn joined(one: &[u8], other: &[u8]) -> Vec<u8> {
    let mut out = Vec::with_capacity(one.len() + other.len());
    out.extend_from_slice(one.strip_suffix(b"}").unwrap_or(one));
    out.push(b',');
    out.extend_from_slice(other.strip_prefix(b"{").unwrap_or(other));
    out
}

/// Which versions there are, for a client that wants to know before it asks for anything.
fn discover(call: &Call<'_>) -> Vec<u8> {
    let name = format!("twin-{}", call.shared.component.description().id);
    let found = serde_json::json!({
        "supportedVersions": SELF_CONTAINED,
        "capabilities": { "tools": { "listChanged": false } },
        "_meta": { "io.modelcontextprotocol/serverInfo": { "name": name, "version": call.shared.prepared.version } },
    });
    joined(found.to_string().as_bytes(), CACHEABLE)
}

fn unsupported_version(id: &str, asked: &str) -> Vec<u8> {
    let data = serde_json::json!({ "supported": SELF_CONTAINED, "requested": asked });
    let mut out = error(Some(id), UNSUPPORTED_VERSION, "Unsupported protocol version");
    // Before the two closing braces of `error` and of the message.
    out.truncate(out.len().saturating_sub(2));
    out.extend_from_slice(format!(r#","data":{data}}}}}"#).as_bytes());
    out
}

fn result(id: &str, content: &[u8]) -> Vec<u8> {
    let mut out = Vec::with_capacity(content.len() + id.len() + 40);
    out.extend_from_slice(br#"{"jsonrpc":"2.0","id":"#);
    out.extend_from_slice(id.as_bytes());
    out.extend_from_slice(br#","result":"#);
    out.extend_from_slice(content);
    out.push(b'}');
    out
}

fn error(id: Option<&str>, code: i32, message: &str) -> Vec<u8> {
    let mut out = Vec::with_capacity(message.len() + 80);
    out.extend_from_slice(br#"{"jsonrpc":"2.0","id":"#);
    out.extend_from_slice(id.unwrap_or("null").as_bytes());
    out.extend_from_slice(br#","error":{"code":"#);
    out.extend_from_slice(code.to_string().as_bytes());
    out.extend_from_slice(br#","message":"#);
    push_string(&mut out, message);
    out.extend_from_slice(b"}}");
    out
}

/// What became of a tool call.
struct ToolOutcome {
    status: u16,
    value: Bytes,
    content: Option<Vec<u8>>,
    is_error: bool,
    structured: bool,
    report: Report,
}

impl ToolOutcome {
    /// The `result` of `tools/call`.
    fn result(&self) -> Vec<u8> {
        let value: &[u8] = if self.value.is_empty() { b"null" } else { &self.value };
        let mut out = Vec::with_capacity(value.len() + value.len() / 8 + 80);
        out.extend_from_slice(br#"{"content":"#);
        if let Some(content) = &self.content {
            out.extend_from_slice(content);
        } else {
            out.extend_from_slice(br#"[{"type":"text","text":"#);
            push_string(&mut out, &String::from_utf8_lossy(value));
            out.extend_from_slice(b"}]");
        }
        if self.structured && !self.is_error {
            out.extend_from_slice(br#","structuredContent":"#);
            out.extend_from_slice(value);
        }
        if self.is_error {
            out.extend_from_slice(br#","isError":true"#);
        }
        out.push(b'}');
        out
    }
}

/// Calls a tool, whichever way it was asked for, and writes the row.
async fn tool(
    call: &Call<'_>,
    name: &str,
    arguments: Vec<u8>,
    request_body: Body<'_>,
) -> Result<ToolOutcome, Unanswered> {
    let description = call.shared.component.description();
    let request = ToolCall { name: name.to_owned(), arguments, caller: call.caller(), origin: call.origin() };
    let reads = description.tools.iter().any(|tool| tool.name == name && !tool.mutates);
    let mut core = call.world.hold().await;
    let hit = if core.faults.is_empty() { None } else { core.faults.tool(name, description) };
    let result = match &hit {
        Some(hit) if !hit.after => None,
        _ => Some(core.call_tool(&request)),
    };
    let event = core.event();
    let id = request_id();
    let result = match result {
        Some(Err(fault)) => Some(Err(trapped(call, &mut core, event, Some(&id), fault))),
        answered => answered,
    };
    let may_have_changed =
        |answer: &ToolAnswer| !reads || answer.report.mutation || !answer.report.deliveries.is_empty();
    let changed = matches!(&result, Some(Ok(answer)) if may_have_changed(answer));
    let step = Step::Tool(request);
    if changed {
        core.keep(event, &step);
    }
    let logged = call.logged(event, changed, !core.faults.is_empty(), &step);
    call.world.note(&core);
    let now = core.now();
    let ticket = call.shared.recorder.ticket();
    drop(core);

    let mut outcome = finished(call, result);
    if let Some(hit) = &hit {
        outcome.status = hit.status;
        outcome.value = hit.body.clone().into();
        outcome.content = None;
        outcome.is_error = hit.status >= 400;
        outcome.report.error = outcome.is_error.then(|| hit_error(hit));
    }
    let trusted = call.shared.component.trusted();
    let row = Outcome {
        request_body,
        tool: hit.as_ref().is_none_or(|hit| hit.after).then_some(name),
        status: outcome.status,
        response_body: if trusted { Body::Json(&outcome.value) } else { Body::MaybeJson(&outcome.value) },
        fidelity: outcome.report.fidelity,
        mutation: outcome.report.mutation,
        delta: outcome.report.delta.as_ref(),
        replayed: outcome.report.replayed,
        error: outcome.report.error.as_deref(),
    };
    record(call, ticket, &id, &row, logged).await?;
    let asked = std::mem::take(&mut outcome.report.deliveries);
    call.shared.deliveries.add(call.world.owner, asked, now, Some(&id));
    wait(hit.as_ref()).await?;
    Ok(outcome)
}

fn finished(call: &Call<'_>, result: Option<Result<ToolAnswer, Fault>>) -> ToolOutcome {
    match result {
        Some(Ok(answer)) => ToolOutcome {
            status: answer.status,
            value: answer.value.into(),
            content: answer.content,
            is_error: answer.is_error,
            structured: answer.structured,
            report: answer.report,
        },
        Some(Err(fault)) => {
            let (status, value) = call.shared.prepared.refusal_parts("trap");
            let report = failed(&fault);
            ToolOutcome { status, value, content: None, is_error: true, structured: false, report }
        }
        None => ToolOutcome {
            status: 0,
            value: Bytes::new(),
            content: None,
            is_error: true,
            structured: false,
            report: unreached(),
        },
    }
}

#[derive(Default, Deserialize)]
struct LegacyCall<'a> {
    #[serde(borrow, default)]
    tool: Option<Cow<'a, str>>,
    #[serde(borrow, default)]
    arguments: Option<&'a RawValue>,
    #[serde(borrow, default)]
    name: Option<Cow<'a, str>>,
    #[serde(borrow, default)]
    params: Option<&'a RawValue>,
}

/// The tool and its arguments, as far as the twin lets them be spelled so.
fn read_legacy<'a>(call: &Call<'_>, body: &'a [u8]) -> Option<(Cow<'a, str>, Option<&'a str>)> {
    let description = call.shared.component.description();
    if description.call_forms
        && is_form(&call.parts.headers)
        && let Ok(form) = std::str::from_utf8(body)
    {
        let tool = uri::parameter(form, "tool").or_else(|| uri::parameter(form, "name"))?;
        return Some((tool, None));
    }
    let parsed = serde_json::from_slice::<LegacyCall<'_>>(body).ok().filter(|_| is_object(body))?;
    let (mut tool, mut arguments) = (parsed.tool, parsed.arguments);
    if description.call_aliases {
        tool = tool.or(parsed.name);
        arguments = arguments.or(parsed.params);
    }
    Some((tool?, arguments.map(RawValue::get)))
}

/// `POST /mcp/call` with `{tool, arguments}`. What cannot be called goes to the twin as the request it is: refusing it is the
/// vendor's business.
pub(crate) async fn legacy_call(call: &Call<'_>, body: Bytes) -> Result<Reply, Unanswered> {
    let Some((tool, arguments)) = read_legacy(call, &body) else {
        return rest::answer(call, body.clone(), Door::Tool(None)).await;
    };
    let arguments = match arguments {
        None | Some("null") => Some("{}"),
        Some(arguments) => Some(arguments).filter(|arguments| arguments.starts_with('{')),
    };
    match arguments {
        Some(arguments) if call.shared.prepared.has_tool(&tool) => {
            plain(call, &tool, arguments.as_bytes().to_vec(), &body).await
        }
        _ => rest::answer(call, body.clone(), Door::Tool(Some(&tool))).await,
    }
}

/// `POST /mcp/tools/<name>` with the arguments as its body.
pub(crate) async fn legacy_tool(call: &Call<'_>, name: &str, body: Bytes) -> Result<Reply, Unanswered> {
    let arguments = match body.trim_ascii() {
        b"" | b"null" => Some(b"{}".to_vec()),
        _ => is_object(&body).then(|| body.to_vec()),
    };
    match arguments {
        Some(arguments) if call.shared.prepared.has_tool(name) => plain(call, name, arguments, &body).await,
        _ => rest::answer(call, body.clone(), Door::Tool(Some(name))).await,
    }
}

/// The tool's value itself, with the status that it has on the REST door.
async fn plain(call: &Call<'_>, name: &str, arguments: Vec<u8>, body: &[u8]) -> Result<Reply, Unanswered> {
    let outcome = tool(call, name, arguments, Body::MaybeJson(body)).await?;
    let status = if outcome.is_error { outcome.status } else { 200 };
    let status = StatusCode::from_u16(status).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
    Ok(json(status, outcome.value))
}

fn is_object(body: &[u8]) -> bool {
    body.trim_ascii_start().starts_with(b"{") && serde_json::from_slice::<&RawValue>(body).is_ok()
}
