//! `events.jsonl`: one row per thing that happened. Writing is exact, reading is tolerant: unknown kinds and keys are kept.

use serde::Serialize;
use serde_json::{Map, Value};

use crate::fields::{Fields, ShapeError};

pub mod kind;
mod line;
mod otel;
mod proxy;
mod signals;
mod twin;

pub use line::Line;
pub use otel::{OtelSpanEvent, SpanKind, SpanStatus};
pub use proxy::{EgressRefusedEvent, LlmCallEvent};
pub use signals::{HookEvent, LlmTurnEvent, SubagentSpawnEvent, ToolResultEvent, ToolUseEvent};
pub use twin::{Fidelity, StateDelta, TwinHttpEvent, WebhookDeliveryEvent, event_row, is_recorder_row, recorder_row};

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
            kind::TwinHttp::NAME => twin::twin_http(fields).map(|event| Self::TwinHttp(Box::new(event))),
            kind::LlmCall::NAME => proxy::llm_call(fields).map(|event| Self::LlmCall(Box::new(event))),
            kind::ToolUse::NAME => signals::tool_use(fields).map(Self::ToolUse),
            kind::ToolResult::NAME => signals::tool_result(fields).map(Self::ToolResult),
            kind::SubagentSpawn::NAME => signals::subagent_spawn(fields).map(Self::SubagentSpawn),
            kind::Hook::NAME => signals::hook(fields).map(Self::Hook),
            kind::LlmTurn::NAME => signals::llm_turn(fields).map(|event| Self::LlmTurn(Box::new(event))),
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

/// `ts`, `event_id` and `parent_event_id`; takes the `kind` away.
fn base(fields: &mut Fields) -> Result<(String, String, Option<String>), ShapeError> {
    fields.raw("kind");
    Ok((fields.string("ts")?, fields.non_empty("event_id")?, fields.opt_string("parent_event_id")?))
}
