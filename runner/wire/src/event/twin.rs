//! Calls to twins and what twins send, with the flat form of a call that `tool_calls.jsonl` has.

use std::collections::BTreeMap;

use serde::Serialize;
use serde_json::{Map, Value};

use super::kind;
use crate::fields::{Fields, ShapeError, noun};

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

pub(super) fn twin_http(mut fields: Fields) -> Result<TwinHttpEvent, ShapeError> {
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
