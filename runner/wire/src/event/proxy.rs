//! What the capture proxy sees.

use serde::Serialize;
use serde_json::{Map, Value};

use super::{base, kind};
use crate::fields::{Fields, ShapeError, plain_number_or_null};
use crate::gen_ai::GenAi;

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

pub(super) fn llm_call(mut fields: Fields) -> Result<LlmCallEvent, ShapeError> {
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
