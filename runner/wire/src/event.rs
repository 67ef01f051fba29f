//! `events.jsonl`: one row per thing that happened. Writing is exact, reading is tolerant: unknown kinds and keys are kept.

use std::collections::BTreeMap;

use serde::Serialize;
use serde_json::{Map, Value};

use crate::fields::{Fields, ShapeError, noun, plain_number_or_null};
use crate::gen_ai::GenAi;

mod otel;

pub use otel::{OtelSpanEvent, SpanKind, SpanStatus};

/// The `kind` of each row, as a value that can only be written one way.
pub mod kind {
    macro_rules! kinds {
        ($($(#[$doc:meta])* $name:ident = $text:literal;)*) => {$(
            $(#[$doc])*
            #[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
            pub struct $name;
            impl $name {
                /// As it stands in the file.
                pub const NAME: &'static str = $text;
            }
            impl serde::Serialize for $name {
                fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
                    serializer.serialize_str($text)
                }
            }
        )*};
    }

    /// The kinds that a trace may hold.
    pub const ALL: [&str; 9] = [
        TwinHttp::NAME,
        LlmCall::NAME,
        ToolUse::NAME,
        ToolResult::NAME,
        SubagentSpawn::NAME,
        Hook::NAME,
        LlmTurn::NAME,
        OtelSpan::NAME,
        WebhookDelivery::NAME,
    ];

    kinds! {
        /// One HTTP or tool call to a twin.
        TwinHttp = "TwinHttpEvent";
        /// One tunnel through the capture proxy.
        LlmCall = "LlmCallEvent";
        /// The agent's framework is about to run a tool.
        ToolUse = "ToolUseEvent";
        /// A tool has answered.
        ToolResult = "ToolResultEvent";
        /// A sub-agent was started.
        SubagentSpawn = "SubagentSpawnEvent";
        /// A hook of the framework ran.
        Hook = "HookEvent";
        /// One turn of a model conversation.
        LlmTurn = "LlmTurnEvent";
        /// An OpenTelemetry span.
        OtelSpan = "OtelSpanEvent";
        /// One try to deliver what a twin asked to have sent.
        WebhookDelivery = "WebhookDeliveryEvent";
        /// A refused tunnel, in its own file.
        EgressRefused = "EgressRefusedEvent";
    }
}

/// Whether a twin models the route that was called.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Fidelity {
    /// Modelled.
    Semantic,
    /// Not modelled, answered with a loud refusal.
    Unsupported,
}

/// What a call changed.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct StateDelta<B = Value> {
    /// Null when the thing was created.
    pub before: Option<B>,
    /// Null when the thing was deleted.
    pub after: Option<B>,
}

/// One HTTP or tool call to a twin. `B` is how bodies are held: a [`Value`] when read, raw JSON text where rows are written
/// without being taken apart.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct TwinHttpEvent<B = Value> {
    /// When the response was ready.
    pub ts: String,
    /// Run or session, or `standalone`.
    pub run_id: String,
    /// Id of the twin.
    pub twin: String,
    /// `req_<uuid>`.
    pub request_id: String,
    /// The correlation header, else the request id; absent only in old rows.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub correlation_id: Option<String>,
    /// The step header.
    pub task_step_id: Option<String>,
    /// Older name of `task_step_id`, same value.
    pub scenario_step_id: Option<String>,
    /// Filled by the correlator.
    pub step_id: Option<String>,
    /// The correlation header, for twins that declare stamping.
    pub tool_call_id: Option<String>,
    /// As sent.
    pub method: String,
    /// With the session prefix, without the query.
    pub path: String,
    /// Null for bodies that are not JSON.
    pub request_body: Option<B>,
    /// Lower-case names, redacted. Absent in rows from before the field existed.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub request_headers: Option<BTreeMap<String, String>>,
    /// The twin's action, whichever door it came through.
    pub tool: Option<String>,
    /// HTTP status; of the tool for a tool call.
    pub status: u16,
    /// Null when there was none.
    pub response_body: Option<B>,
    /// From before the body was parsed to just before the answer.
    pub latency_ms: u64,
    /// Whether the route is modelled.
    pub fidelity: Fidelity,
    /// Whether the call really changed state.
    pub state_mutation: bool,
    /// Null when no change was reported.
    pub state_delta: Option<StateDelta<B>>,
    /// True only on a replayed answer, omitted otherwise.
    #[serde(skip_serializing_if = "is_false")]
    pub idempotency_dedupe: bool,
    /// The error text of an answer of 400 and above.
    pub error: Option<String>,
    /// Always `TwinHttpEvent`.
    pub kind: kind::TwinHttp,
    /// Equal to the request id.
    pub event_id: String,
    /// The row that caused this one, once the merge knows it.
    pub parent_event_id: Option<String>,
    /// Keys that this version does not know.
    #[serde(flatten)]
    pub extra: Map<String, Value>,
}

#[expect(clippy::trivially_copy_pass_by_ref, reason = "the signature that serde asks for")]
fn is_false(flag: &bool) -> bool {
    !flag
}

/// One tunnel through the capture proxy, seen from outside: what only a terminated TLS connection could tell is null. Or, where
/// the proxy ends TLS (`--capture-llm`), one call inside such a connection.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct LlmCallEvent {
    /// When the tunnel closed or the call ended.
    pub ts: String,
    /// A UUID.
    pub event_id: String,
    /// Null.
    pub parent_event_id: Option<String>,
    /// Always `LlmCallEvent`.
    pub kind: kind::LlmCall,
    /// Where the tunnel went.
    pub host: String,
    /// 1 to 65535.
    pub port: u16,
    /// From CONNECT to close, or from the head of the request to the end of the answer.
    pub latency_ms: u64,
    /// Upstream to agent.
    pub bytes_in: u64,
    /// Agent to upstream.
    pub bytes_out: u64,
    /// Unknown in a tunnel. Without the query string, which may hold a key.
    pub url: Option<String>,
    /// Unknown in a tunnel.
    pub method: Option<String>,
    /// Unknown in a tunnel.
    pub status: Option<u64>,
    /// Unknown in a tunnel. The model that answered, else the one that was asked for.
    pub model: Option<String>,
    /// Unknown in a tunnel.
    pub prompt_tokens: Option<u64>,
    /// Unknown in a tunnel.
    pub completion_tokens: Option<u64>,
    /// Always null: prices are not known here.
    #[serde(serialize_with = "plain_number_or_null")]
    pub cost_usd: Option<f64>,
    /// What a call inside a tunnel said; its keys are absent from the row of a tunnel.
    #[serde(flatten)]
    pub gen_ai: Option<Box<GenAi>>,
    /// Keys that this version does not know.
    #[serde(flatten)]
    pub extra: Map<String, Value>,
}

impl LlmCallEvent {
    /// A row for a tunnel that was seen from outside only.
    pub fn tunnel(
        ts: String,
        event_id: String,
        host: String,
        port: u16,
        latency_ms: u64,
        bytes_in: u64,
        bytes_out: u64,
    ) -> Self {
        Self {
            ts,
            event_id,
            parent_event_id: None,
            kind: kind::LlmCall,
            host,
            port,
            latency_ms,
            bytes_in,
            bytes_out,
            url: None,
            method: None,
            status: None,
            model: None,
            prompt_tokens: None,
            completion_tokens: None,
            cost_usd: None,
            gen_ai: None,
            extra: Map::new(),
        }
    }
}

/// The agent's framework is about to run a tool.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct ToolUseEvent {
    /// When.
    pub ts: String,
    /// A UUID.
    pub event_id: String,
    /// The sub-agent or tool use that owns the turn, when known.
    pub parent_event_id: Option<String>,
    /// Always `ToolUseEvent`.
    pub kind: kind::ToolUse,
    /// The framework's own id of the call.
    pub tool_use_id: String,
    /// The framework's name of the tool.
    pub tool_name: String,
    /// What it is called with.
    pub input: Value,
    /// Keys that this version does not know.
    #[serde(flatten)]
    pub extra: Map<String, Value>,
}

/// A tool has answered.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct ToolResultEvent {
    /// When.
    pub ts: String,
    /// A UUID.
    pub event_id: String,
    /// The tool use, when seen.
    pub parent_event_id: Option<String>,
    /// Always `ToolResultEvent`.
    pub kind: kind::ToolResult,
    /// The framework's own id of the call.
    pub tool_use_id: String,
    /// What it answered.
    pub output: Value,
    /// Whether that is an error.
    pub is_error: bool,
    /// Keys that this version does not know.
    #[serde(flatten)]
    pub extra: Map<String, Value>,
}

/// A sub-agent was started.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct SubagentSpawnEvent {
    /// When.
    pub ts: String,
    /// A UUID.
    pub event_id: String,
    /// The tool use that started it, when seen.
    pub parent_event_id: Option<String>,
    /// Always `SubagentSpawnEvent`.
    pub kind: kind::SubagentSpawn,
    /// The framework's own id of the call that started it.
    pub parent_tool_use_id: String,
    /// Keys that this version does not know.
    #[serde(flatten)]
    pub extra: Map<String, Value>,
}

/// A hook of the framework ran.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct HookEvent {
    /// When.
    pub ts: String,
    /// A UUID.
    pub event_id: String,
    /// Always null.
    pub parent_event_id: Option<String>,
    /// Always `HookEvent`.
    pub kind: kind::Hook,
    /// The framework's name of the hook.
    pub hook_name: String,
    /// The tool it ran for.
    pub tool_name: Option<String>,
    /// The call it ran for.
    pub causing_tool_use_id: Option<String>,
    /// Keys that this version does not know.
    #[serde(flatten)]
    pub extra: Map<String, Value>,
}

/// One turn of a model conversation, as the framework reports it.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct LlmTurnEvent {
    /// When.
    pub ts: String,
    /// A UUID.
    pub event_id: String,
    /// Null.
    pub parent_event_id: Option<String>,
    /// Always `LlmTurnEvent`.
    pub kind: kind::LlmTurn,
    /// Per conversation, from 0.
    pub turn_index: u64,
    /// The model.
    pub model: Option<String>,
    /// Tokens read.
    pub input_tokens: Option<u64>,
    /// Tokens written.
    pub output_tokens: Option<u64>,
    /// Tokens read from a cache.
    pub cache_read_input_tokens: Option<u64>,
    /// Tokens put into a cache.
    pub cache_creation_input_tokens: Option<u64>,
    /// Why it stopped.
    pub finish_reasons: Option<Vec<String>>,
    /// How long it took.
    pub latency_ms: u64,
    /// Whether that is a guess.
    pub latency_ms_estimated: bool,
    /// The framework's conversation.
    pub session_id: Option<String>,
    /// Keys that this version does not know.
    #[serde(flatten)]
    pub extra: Map<String, Value>,
}

/// One try to deliver what a twin asked to have sent, such as a webhook. Written only: readers keep it as it stands.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct WebhookDeliveryEvent {
    /// When.
    pub ts: String,
    /// Of this row.
    pub event_id: String,
    /// The call that caused it; null when time did.
    pub parent_event_id: Option<String>,
    /// Always `WebhookDeliveryEvent`.
    pub kind: kind::WebhookDelivery,
    /// Lower-case id of the twin.
    pub twin: String,
    /// The twin's name for the delivery, the same for every try.
    pub delivery_id: String,
    /// Upper case.
    pub method: String,
    /// Where to.
    pub url: String,
    /// Counted from 1.
    pub attempt: u64,
    /// Virtual time at which this try was due.
    pub due: String,
    /// The receiver's status; null when nobody answered.
    pub status: Option<u16>,
    /// Why nobody answered.
    pub error: Option<String>,
}

/// One row of `egress.jsonl`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct EgressRefusedEvent {
    /// When.
    pub ts: String,
    /// Always `EgressRefusedEvent`.
    pub kind: kind::EgressRefused,
    /// Where the tunnel should have gone.
    pub host: String,
    /// 1 to 65535.
    pub port: u16,
}

impl EgressRefusedEvent {
    /// A refusal of a tunnel.
    pub fn new(ts: String, host: String, port: u16) -> Self {
        Self { ts, kind: kind::EgressRefused, host, port }
    }

    /// Reads a row.
    pub fn read(map: Map<String, Value>) -> Result<Self, ShapeError> {
        let mut fields = Fields::new(map);
        Ok(Self::new(fields.string("ts")?, fields.string("host")?, fields.u16("port")?))
    }
}

/// A row of a kind that this version does not know.
#[derive(Debug, Clone, PartialEq)]
pub struct UnknownEvent {
    /// Its `kind`.
    pub kind: String,
    /// The whole row.
    pub row: Map<String, Value>,
}

impl Serialize for UnknownEvent {
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        self.row.serialize(serializer)
    }
}

/// One row of `events.jsonl`.
#[derive(Debug, Clone, PartialEq, Serialize)]
#[serde(untagged)]
#[expect(missing_docs, reason = "each variant holds the type that documents it")]
pub enum Event {
    TwinHttp(Box<TwinHttpEvent>),
    LlmCall(Box<LlmCallEvent>),
    ToolUse(ToolUseEvent),
    ToolResult(ToolResultEvent),
    SubagentSpawn(SubagentSpawnEvent),
    Hook(HookEvent),
    LlmTurn(Box<LlmTurnEvent>),
    OtelSpan(Box<OtelSpanEvent>),
    Unknown(UnknownEvent),
}

impl Event {
    /// Reads a row that has a string `kind`.
    pub fn read(mut row: Map<String, Value>) -> Result<Self, ShapeError> {
        let Some(kind) = row.get("kind").and_then(Value::as_str).map(str::to_owned) else {
            return Err(ShapeError::new("kind", "is not a string"));
        };
        if !kind::ALL.contains(&kind.as_str()) {
            return Ok(Self::Unknown(UnknownEvent { kind, row }));
        }
        normalise_parent(&mut row, &kind);
        let fields = Fields::new(row);
        match kind.as_str() {
            kind::TwinHttp::NAME => twin_http(fields).map(|event| Self::TwinHttp(Box::new(event))),
            kind::LlmCall::NAME => llm_call(fields).map(|event| Self::LlmCall(Box::new(event))),
            kind::ToolUse::NAME => tool_use(fields).map(Self::ToolUse),
            kind::ToolResult::NAME => tool_result(fields).map(Self::ToolResult),
            kind::SubagentSpawn::NAME => subagent_spawn(fields).map(Self::SubagentSpawn),
            kind::Hook::NAME => hook(fields).map(Self::Hook),
            kind::LlmTurn::NAME => llm_turn(fields).map(|event| Self::LlmTurn(Box::new(event))),
            kind::OtelSpan::NAME => otel::read(fields).map(|event| Self::OtelSpan(Box::new(event))),
            _ => Ok(Self::Unknown(UnknownEvent { kind, row: fields.rest() })),
        }
    }

    /// The `kind` as it stands in the file.
    pub fn kind(&self) -> &str {
        match self {
            Self::TwinHttp(_) => kind::TwinHttp::NAME,
            Self::LlmCall(_) => kind::LlmCall::NAME,
            Self::ToolUse(_) => kind::ToolUse::NAME,
            Self::ToolResult(_) => kind::ToolResult::NAME,
            Self::SubagentSpawn(_) => kind::SubagentSpawn::NAME,
            Self::Hook(_) => kind::Hook::NAME,
            Self::LlmTurn(_) => kind::LlmTurn::NAME,
            Self::OtelSpan(_) => kind::OtelSpan::NAME,
            Self::Unknown(event) => &event.kind,
        }
    }

    /// The time of the row, empty when an unknown kind has none.
    pub fn ts(&self) -> &str {
        match self {
            Self::TwinHttp(event) => &event.ts,
            Self::LlmCall(event) => &event.ts,
            Self::ToolUse(event) => &event.ts,
            Self::ToolResult(event) => &event.ts,
            Self::SubagentSpawn(event) => &event.ts,
            Self::Hook(event) => &event.ts,
            Self::LlmTurn(event) => &event.ts,
            Self::OtelSpan(event) => &event.ts,
            Self::Unknown(event) => event.row.get("ts").and_then(Value::as_str).unwrap_or_default(),
        }
    }
}

/// Brings the parent of an older row under its present name. A hook row once carried the id of a tool call there.
pub fn normalise_parent(row: &mut Map<String, Value>, kind: &str) {
    let legacy = row.shift_remove("parent_id");
    if kind == kind::Hook::NAME {
        if let Some(legacy) = legacy
            && !row.contains_key("causing_tool_use_id")
        {
            row.insert("causing_tool_use_id".to_owned(), legacy);
        }
        row.insert("parent_event_id".to_owned(), Value::Null);
    } else if !row.contains_key("parent_event_id") {
        row.insert("parent_event_id".to_owned(), legacy.unwrap_or_default());
    }
}

/// The same call as a row of `tool_calls.jsonl`: without what makes it an event.
pub fn recorder_row(mut event: Map<String, Value>) -> Map<String, Value> {
    for key in ["kind", "event_id", "parent_event_id", "parent_id"] {
        event.shift_remove(key);
    }
    event
}

/// A row of `tool_calls.jsonl` or of a twin's event list as an event. A row that already is one stays as it is.
pub fn event_row(mut row: Map<String, Value>) -> Map<String, Value> {
    if row.get("kind").and_then(Value::as_str) == Some(kind::TwinHttp::NAME) {
        return row;
    }
    row.shift_remove("kind");
    let own_id = row.shift_remove("event_id").filter(Value::is_string);
    let event_id = own_id.or_else(|| row.get("request_id").cloned()).unwrap_or_default();
    row.insert("kind".to_owned(), kind::TwinHttp::NAME.into());
    row.insert("event_id".to_owned(), event_id);
    row.entry("parent_event_id").or_insert(Value::Null);
    row
}

/// Whether an object without a `kind` looks like a recorder row.
pub fn is_recorder_row(row: &Map<String, Value>) -> bool {
    ["method", "path"].iter().all(|key| row.get(*key).is_some_and(Value::is_string))
        && row.get("status").is_some_and(Value::is_number)
}

/// What one line of a JSON Lines file is.
#[derive(Debug, Clone, PartialEq)]
pub enum Line {
    /// Nothing.
    Blank,
    /// Not a JSON object; the text says why.
    Broken(String),
    /// An object without a string `kind`: from before the unified format, or a recorder row.
    Kindless(Map<String, Value>),
    /// A row that can be shown but does not have the form of its kind.
    Invalid {
        /// The row as it is.
        row: Map<String, Value>,
        /// What is wrong.
        error: Box<ShapeError>,
    },
    /// A row of a known or unknown kind.
    Event {
        /// The row as it is.
        row: Map<String, Value>,
        /// The row as it is understood.
        event: Box<Event>,
    },
}

impl Line {
    /// Reads one line. Never fails: what is wrong is part of the answer.
    pub fn read(line: &str) -> Self {
        if line.trim().is_empty() {
            return Self::Blank;
        }
        let row = match serde_json::from_str::<Value>(line) {
            Ok(Value::Object(row)) => row,
            Ok(other) => return Self::Broken(format!("expected an object, found {}", noun(&other))),
            Err(error) => return Self::Broken(error.to_string()),
        };
        if !row.get("kind").is_some_and(Value::is_string) {
            return Self::Kindless(row);
        }
        match Event::read(row.clone()) {
            Ok(event) => Self::Event { row, event: Box::new(event) },
            Err(error) => Self::Invalid { row, error: Box::new(error) },
        }
    }
}

fn twin_http(mut fields: Fields) -> Result<TwinHttpEvent, ShapeError> {
    let old_step = fields.opt_string("scenario_step_id")?;
    let step = if fields.has("task_step_id") { fields.opt_string("task_step_id")? } else { old_step.clone() };
    let delta = match fields.opt_object("state_delta")? {
        None => None,
        Some(delta) => {
            let mut delta = Fields::new(delta);
            let mut side = |key: &str| {
                let side = delta.opt_object(key).map_err(|error| error.inside("state_delta"))?;
                Ok::<_, ShapeError>(side.map(Value::Object))
            };
            Some(StateDelta { before: side("before")?, after: side("after")? })
        }
    };
    let headers = match fields.opt_object("request_headers")? {
        None => None,
        Some(map) => {
            let mut headers = BTreeMap::new();
            for (name, value) in map {
                let Value::String(value) = value else {
                    let problem = format!("expected a string, found {}", noun(&value));
                    return Err(ShapeError::new(format!("request_headers.{name}"), problem));
                };
                headers.insert(name, value);
            }
            Some(headers)
        }
    };
    let fidelity = [("semantic", Fidelity::Semantic), ("unsupported", Fidelity::Unsupported)];
    let body = |value: Value| (!value.is_null()).then_some(value);
    fields.raw("kind");
    Ok(TwinHttpEvent {
        ts: fields.string("ts")?,
        run_id: fields.string("run_id")?,
        twin: fields.non_empty("twin")?,
        request_id: fields.string("request_id")?,
        correlation_id: fields.opt_string("correlation_id")?,
        task_step_id: step,
        scenario_step_id: old_step,
        step_id: fields.opt_string("step_id")?,
        tool_call_id: fields.opt_string("tool_call_id")?,
        method: fields.string("method")?,
        path: fields.string("path")?,
        request_body: body(fields.any("request_body")),
        request_headers: headers,
        tool: fields.opt_string("tool")?,
        status: fields.u16("status")?,
        response_body: body(fields.any("response_body")),
        latency_ms: fields.u64("latency_ms")?,
        fidelity: fields.opt_word("fidelity", &fidelity)?.ok_or_else(|| ShapeError::new("fidelity", "is missing"))?,
        state_mutation: fields.bool("state_mutation")?,
        state_delta: delta,
        idempotency_dedupe: fields.opt_bool("idempotency_dedupe")?.unwrap_or(false),
        error: fields.opt_string("error")?,
        kind: kind::TwinHttp,
        event_id: fields.non_empty("event_id")?,
        parent_event_id: fields.opt_string("parent_event_id")?,
        extra: fields.rest(),
    })
}

/// `ts`, `event_id` and `parent_event_id`; takes the `kind` away.
fn base(fields: &mut Fields) -> Result<(String, String, Option<String>), ShapeError> {
    fields.raw("kind");
    Ok((fields.string("ts")?, fields.non_empty("event_id")?, fields.opt_string("parent_event_id")?))
}

fn llm_call(mut fields: Fields) -> Result<LlmCallEvent, ShapeError> {
    let (ts, event_id, parent_event_id) = base(&mut fields)?;
    Ok(LlmCallEvent {
        ts,
        event_id,
        parent_event_id,
        kind: kind::LlmCall,
        host: fields.string("host")?,
        port: match fields.u16("port")? {
            0 => return Err(ShapeError::new("port", "is 0")),
            port => port,
        },
        latency_ms: fields.u64("latency_ms")?,
        bytes_in: fields.u64("bytes_in")?,
        bytes_out: fields.u64("bytes_out")?,
        url: fields.opt_string("url")?,
        method: fields.opt_string("method")?,
        status: fields.opt_u64("status")?,
        model: fields.opt_string("model")?,
        prompt_tokens: fields.opt_u64("prompt_tokens")?,
        completion_tokens: fields.opt_u64("completion_tokens")?,
        cost_usd: fields.opt_f64("cost_usd")?,
        gen_ai: GenAi::take(&mut fields)?,
        extra: fields.rest(),
    })
}

fn tool_use(mut fields: Fields) -> Result<ToolUseEvent, ShapeError> {
    let (ts, event_id, parent_event_id) = base(&mut fields)?;
    Ok(ToolUseEvent {
        ts,
        event_id,
        parent_event_id,
        kind: kind::ToolUse,
        tool_use_id: fields.string("tool_use_id")?,
        tool_name: fields.string("tool_name")?,
        input: fields.any("input"),
        extra: fields.rest(),
    })
}

fn tool_result(mut fields: Fields) -> Result<ToolResultEvent, ShapeError> {
    let (ts, event_id, parent_event_id) = base(&mut fields)?;
    Ok(ToolResultEvent {
        ts,
        event_id,
        parent_event_id,
        kind: kind::ToolResult,
        tool_use_id: fields.string("tool_use_id")?,
        output: fields.any("output"),
        is_error: fields.bool("is_error")?,
        extra: fields.rest(),
    })
}

fn subagent_spawn(mut fields: Fields) -> Result<SubagentSpawnEvent, ShapeError> {
    let (ts, event_id, parent_event_id) = base(&mut fields)?;
    Ok(SubagentSpawnEvent {
        ts,
        event_id,
        parent_event_id,
        kind: kind::SubagentSpawn,
        parent_tool_use_id: fields.string("parent_tool_use_id")?,
        extra: fields.rest(),
    })
}

fn hook(mut fields: Fields) -> Result<HookEvent, ShapeError> {
    let (ts, event_id, _) = base(&mut fields)?;
    Ok(HookEvent {
        ts,
        event_id,
        parent_event_id: None,
        kind: kind::Hook,
        hook_name: fields.string("hook_name")?,
        tool_name: fields.opt_string("tool_name")?,
        causing_tool_use_id: fields.opt_string("causing_tool_use_id")?,
        extra: fields.rest(),
    })
}

fn llm_turn(mut fields: Fields) -> Result<LlmTurnEvent, ShapeError> {
    let (ts, event_id, parent_event_id) = base(&mut fields)?;
    Ok(LlmTurnEvent {
        ts,
        event_id,
        parent_event_id,
        kind: kind::LlmTurn,
        turn_index: fields.u64("turn_index")?,
        model: fields.opt_string("model")?,
        input_tokens: fields.opt_u64("input_tokens")?,
        output_tokens: fields.opt_u64("output_tokens")?,
        cache_read_input_tokens: fields.opt_u64("cache_read_input_tokens")?,
        cache_creation_input_tokens: fields.opt_u64("cache_creation_input_tokens")?,
        finish_reasons: fields.opt_strings("finish_reasons")?,
        latency_ms: fields.u64("latency_ms")?,
        latency_ms_estimated: fields.bool("latency_ms_estimated")?,
        session_id: fields.opt_string("session_id")?,
        extra: fields.rest(),
    })
}
