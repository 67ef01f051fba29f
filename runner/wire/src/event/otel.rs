//! OpenTelemetry spans as events. The named fields are projections of the attributes and must agree with them.

use serde::Serialize;
use serde_json::{Map, Value};

use super::kind;
use crate::fields::{Fields, ShapeError, missing};

/// Kind of a span, in the order of its OTLP numbers.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "UPPERCASE")]
#[expect(missing_docs, reason = "the words are OTLP's")]
pub enum SpanKind {
    Unspecified,
    Internal,
    Server,
    Client,
    Producer,
    Consumer,
}

/// Status of a span, in the order of its OTLP numbers.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "UPPERCASE")]
#[expect(missing_docs, reason = "the words are OTLP's")]
pub enum SpanStatus {
    Unset,
    Ok,
    Error,
}

/// One span.
#[derive(Debug, Clone, PartialEq, Serialize)]
#[expect(missing_docs, reason = "the names are OTLP's and its semantic conventions'")]
pub struct OtelSpanEvent {
    pub ts: String,
    pub event_id: String,
    pub parent_event_id: Option<String>,
    pub kind: kind::OtelSpan,
    pub trace_id: String,
    pub span_id: String,
    pub parent_span_id: Option<String>,
    pub name: String,
    pub span_kind: SpanKind,
    pub start_time_unix_nano: String,
    pub end_time_unix_nano: Option<String>,
    pub status_code: SpanStatus,
    pub status_message: Option<String>,
    pub gen_ai_provider_name: Option<String>,
    pub gen_ai_operation_name: Option<String>,
    pub gen_ai_request_model: Option<String>,
    pub gen_ai_agent_name: Option<String>,
    pub gen_ai_agent_id: Option<String>,
    pub gen_ai_tool_name: Option<String>,
    pub gen_ai_usage_input_tokens: Option<u64>,
    pub gen_ai_usage_output_tokens: Option<u64>,
    pub http_request_method: Option<String>,
    pub url_full: Option<String>,
    pub url_path: Option<String>,
    pub server_address: Option<String>,
    pub error_type: Option<String>,
    pub http_response_status_code: Option<u64>,
    pub server_port: Option<u64>,
    pub attributes: Map<String, Value>,
    #[serde(flatten)]
    pub extra: Map<String, Value>,
}

const KINDS: [(&str, SpanKind); 6] = [
    ("UNSPECIFIED", SpanKind::Unspecified),
    ("INTERNAL", SpanKind::Internal),
    ("SERVER", SpanKind::Server),
    ("CLIENT", SpanKind::Client),
    ("PRODUCER", SpanKind::Producer),
    ("CONSUMER", SpanKind::Consumer),
];

const STATUSES: [(&str, SpanStatus); 3] =
    [("UNSET", SpanStatus::Unset), ("OK", SpanStatus::Ok), ("ERROR", SpanStatus::Error)];

/// Which attributes a projected field may come from; the first one present wins.
fn sources(field: &str) -> &'static [&'static str] {
    match field {
        "gen_ai_provider_name" => &["gen_ai.provider.name", "gen_ai.system", "llm.provider", "llm.system"],
        "gen_ai_operation_name" => &["gen_ai.operation.name"],
        "gen_ai_request_model" => &["gen_ai.request.model", "llm.model_name"],
        "gen_ai_agent_name" => &["gen_ai.agent.name"],
        "gen_ai_agent_id" => &["gen_ai.agent.id"],
        "gen_ai_tool_name" => &["gen_ai.tool.name", "tool.name"],
        "gen_ai_usage_input_tokens" => {
            &["gen_ai.usage.input_tokens", "gen_ai.usage.prompt_tokens", "llm.token_count.prompt"]
        }
        "gen_ai_usage_output_tokens" => {
            &["gen_ai.usage.output_tokens", "gen_ai.usage.completion_tokens", "llm.token_count.completion"]
        }
        "http_request_method" => &["http.request.method"],
        "http_response_status_code" => &["http.response.status_code"],
        "url_full" => &["url.full"],
        "url_path" => &["url.path"],
        "server_address" => &["server.address"],
        "server_port" => &["server.port"],
        "error_type" => &["error.type"],
        _ => &[],
    }
}

struct Projection<'a> {
    fields: &'a mut Fields,
    attributes: &'a Map<String, Value>,
}

impl Projection<'_> {
    fn attribute(&self, field: &str) -> Option<&Value> {
        sources(field).iter().find_map(|key| self.attributes.get(*key))
    }

    fn text(&mut self, field: &str) -> Result<Option<String>, ShapeError> {
        let written = self.fields.opt_string(field)?;
        let derived = self.attribute(field).and_then(Value::as_str).map(str::to_owned);
        agree(field, written, derived.as_ref())
    }

    fn number(&mut self, field: &str) -> Result<Option<u64>, ShapeError> {
        let written = self.fields.opt_u64(field)?;
        let derived = self.attribute(field).and_then(Value::as_u64);
        agree(field, written, derived.as_ref())
    }
}

fn agree<T: PartialEq>(field: &str, written: Option<T>, derived: Option<&T>) -> Result<Option<T>, ShapeError> {
    if written.as_ref() == derived { Ok(written) } else { Err(ShapeError::new(field, "differs from the attributes")) }
}

pub(super) fn read(mut fields: Fields) -> Result<OtelSpanEvent, ShapeError> {
    fields.raw("kind");
    let trace_id = hex_id("trace_id", fields.string("trace_id")?, 32)?;
    let span_id = hex_id("span_id", fields.string("span_id")?, 16)?;
    let parent_span_id = match fields.opt_string("parent_span_id")? {
        Some(parent) => Some(hex_id("parent_span_id", parent, 16)?),
        None => None,
    };
    let event_id = fields.non_empty("event_id")?;
    if event_id != span_id {
        return Err(ShapeError::new("event_id", "differs from `span_id`"));
    }
    let parent_event_id = fields.opt_string("parent_event_id")?;
    if parent_event_id != parent_span_id {
        return Err(ShapeError::new("parent_event_id", "differs from `parent_span_id`"));
    }
    let ts = fields.string("ts")?;
    let start_time_unix_nano = fields.string("start_time_unix_nano")?;
    let start = nanos("start_time_unix_nano", &start_time_unix_nano)?;
    if crate::time::parse(&ts) != i64::try_from(start / 1_000_000).ok() {
        return Err(ShapeError::new("ts", "differs from `start_time_unix_nano`"));
    }
    let end_time_unix_nano = fields.opt_string("end_time_unix_nano")?;
    if let Some(end) = &end_time_unix_nano
        && nanos("end_time_unix_nano", end)? < start
    {
        return Err(ShapeError::new("end_time_unix_nano", "lies before the start"));
    }
    let attributes = fields.opt_object("attributes")?.unwrap_or_default();
    for (key, value) in &attributes {
        let plain = |value: &Value| value.is_string() || value.is_number() || value.is_boolean();
        if !plain(value) && !value.as_array().is_some_and(|items| items.iter().all(plain)) {
            return Err(ShapeError::new(format!("attributes.{key}"), "is not a plain value or a list of those"));
        }
    }
    let mut projection = Projection { fields: &mut fields, attributes: &attributes };
    let gen_ai_provider_name = projection.text("gen_ai_provider_name")?;
    let gen_ai_operation_name = projection.text("gen_ai_operation_name")?;
    let gen_ai_request_model = projection.text("gen_ai_request_model")?;
    let gen_ai_agent_name = projection.text("gen_ai_agent_name")?;
    let gen_ai_agent_id = projection.text("gen_ai_agent_id")?;
    let gen_ai_tool_name = projection.text("gen_ai_tool_name")?;
    let gen_ai_usage_input_tokens = projection.number("gen_ai_usage_input_tokens")?;
    let gen_ai_usage_output_tokens = projection.number("gen_ai_usage_output_tokens")?;
    let http_request_method = projection.text("http_request_method")?;
    let url_full = projection.text("url_full")?;
    let url_path = projection.text("url_path")?;
    let server_address = projection.text("server_address")?;
    let error_type = projection.text("error_type")?;
    let http_response_status_code = projection.number("http_response_status_code")?;
    let server_port = projection.number("server_port")?;
    Ok(OtelSpanEvent {
        ts,
        event_id,
        parent_event_id,
        kind: kind::OtelSpan,
        trace_id,
        span_id,
        parent_span_id,
        name: fields.string("name")?,
        span_kind: fields.opt_word("span_kind", &KINDS)?.ok_or_else(|| missing("span_kind"))?,
        start_time_unix_nano,
        end_time_unix_nano,
        status_code: fields.opt_word("status_code", &STATUSES)?.ok_or_else(|| missing("status_code"))?,
        status_message: fields.opt_string("status_message")?,
        gen_ai_provider_name,
        gen_ai_operation_name,
        gen_ai_request_model,
        gen_ai_agent_name,
        gen_ai_agent_id,
        gen_ai_tool_name,
        gen_ai_usage_input_tokens,
        gen_ai_usage_output_tokens,
        http_request_method,
        url_full,
        url_path,
        server_address,
        error_type,
        http_response_status_code,
        server_port,
        attributes,
        extra: fields.rest(),
    })
}

fn hex_id(key: &str, text: String, digits: usize) -> Result<String, ShapeError> {
    let hex = |byte: u8| byte.is_ascii_digit() || (b'a'..=b'f').contains(&byte);
    let proper = text.len() == digits && text.bytes().all(hex) && text.bytes().any(|byte| byte != b'0');
    let legacy = text.strip_prefix("legacy:").is_some_and(|id| !id.is_empty());
    if proper || legacy {
        Ok(text)
    } else {
        Err(ShapeError::new(key, format!("expected {digits} lower-case hex digits, not all zero")))
    }
}

fn nanos(key: &str, text: &str) -> Result<u64, ShapeError> {
    let digits = !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit());
    digits
        .then(|| text.parse().ok())
        .flatten()
        .ok_or_else(|| ShapeError::new(key, "expected nanoseconds as a decimal string"))
}
