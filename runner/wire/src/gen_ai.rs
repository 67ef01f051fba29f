//! What a call to a model says about itself, as far as the capture proxy could read it.
//!
//! The keys are the attributes of the OpenTelemetry conventions for generative AI with underscores for dots
//! (`gen_ai.usage.input_tokens` is `gen_ai_usage_input_tokens`), and so are their units and what they count.

use serde::Serialize;
use serde_json::Value;

use crate::fields::{Fields, ShapeError, plain_number_or_null};

/// The part of a model call that is inside its TLS connection. Every key is always written; null means that the call did not say.
#[derive(Debug, Clone, Default, PartialEq, Serialize)]
pub struct GenAi {
    /// `openai`, `anthropic`, `gcp.gemini`, ...
    #[serde(rename = "gen_ai_provider_name")]
    pub provider: Option<String>,
    /// `chat`, `generate_content`, `text_completion`, `embeddings`.
    #[serde(rename = "gen_ai_operation_name")]
    pub operation: Option<String>,
    /// The model that was asked for.
    #[serde(rename = "gen_ai_request_model")]
    pub request_model: Option<String>,
    /// Whether the answer was asked for in pieces.
    #[serde(rename = "gen_ai_request_stream")]
    pub request_stream: Option<bool>,
    /// The provider's name for the answer.
    #[serde(rename = "gen_ai_response_id")]
    pub response_id: Option<String>,
    /// The model that answered.
    #[serde(rename = "gen_ai_response_model")]
    pub response_model: Option<String>,
    /// Why the model stopped, in the provider's words, one for each choice.
    #[serde(rename = "gen_ai_response_finish_reasons")]
    pub finish_reasons: Option<Vec<String>>,
    /// Seconds from the request to the first bytes of a streamed answer.
    #[serde(rename = "gen_ai_response_time_to_first_chunk", serialize_with = "plain_number_or_null")]
    pub time_to_first_chunk: Option<f64>,
    /// Tokens of the prompt, cached ones included.
    #[serde(rename = "gen_ai_usage_input_tokens")]
    pub input_tokens: Option<u64>,
    /// Tokens of the answer, reasoning included.
    #[serde(rename = "gen_ai_usage_output_tokens")]
    pub output_tokens: Option<u64>,
    /// Tokens of the prompt that came from the provider's cache.
    #[serde(rename = "gen_ai_usage_cache_read_input_tokens")]
    pub cache_read_tokens: Option<u64>,
    /// Tokens of the prompt that went into the provider's cache.
    #[serde(rename = "gen_ai_usage_cache_creation_input_tokens")]
    pub cache_creation_tokens: Option<u64>,
    /// Tokens of the answer that were spent on reasoning.
    #[serde(rename = "gen_ai_usage_reasoning_output_tokens")]
    pub reasoning_tokens: Option<u64>,
    /// The tools that the model wants to be called, in order.
    pub tool_calls: Vec<ToolCall>,
    /// What a failed call calls its failure.
    pub error_type: Option<String>,
}

/// One tool that the model wants to be called. Its arguments are content and are not kept.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize)]
pub struct ToolCall {
    /// The provider's name for the call.
    #[serde(rename = "gen_ai_tool_call_id")]
    pub id: Option<String>,
    /// The tool.
    #[serde(rename = "gen_ai_tool_name")]
    pub name: Option<String>,
}

impl GenAi {
    /// Takes its keys out of a row; absent when the row has none of them.
    pub(crate) fn take(fields: &mut Fields) -> Result<Option<Box<Self>>, ShapeError> {
        if !fields.has("gen_ai_provider_name") {
            return Ok(None);
        }
        let tool_calls = fields.opt_array("tool_calls")?.unwrap_or_default();
        Ok(Some(Box::new(Self {
            provider: fields.opt_string("gen_ai_provider_name")?,
            operation: fields.opt_string("gen_ai_operation_name")?,
            request_model: fields.opt_string("gen_ai_request_model")?,
            request_stream: fields.opt_bool("gen_ai_request_stream")?,
            response_id: fields.opt_string("gen_ai_response_id")?,
            response_model: fields.opt_string("gen_ai_response_model")?,
            finish_reasons: fields.opt_strings("gen_ai_response_finish_reasons")?,
            time_to_first_chunk: fields.opt_f64("gen_ai_response_time_to_first_chunk")?,
            input_tokens: fields.opt_u64("gen_ai_usage_input_tokens")?,
            output_tokens: fields.opt_u64("gen_ai_usage_output_tokens")?,
            cache_read_tokens: fields.opt_u64("gen_ai_usage_cache_read_input_tokens")?,
            cache_creation_tokens: fields.opt_u64("gen_ai_usage_cache_creation_input_tokens")?,
            reasoning_tokens: fields.opt_u64("gen_ai_usage_reasoning_output_tokens")?,
            tool_calls: tool_calls.into_iter().map(ToolCall::read).collect::<Result<_, _>>()?,
            error_type: fields.opt_string("error_type")?,
        })))
    }
}

impl ToolCall {
    fn read(value: Value) -> Result<Self, ShapeError> {
        let mut fields = Fields::of(value, "tool_calls")?;
        Ok(Self {
            id: fields.opt_string("gen_ai_tool_call_id").map_err(|error| error.inside("tool_calls"))?,
            name: fields.opt_string("gen_ai_tool_name").map_err(|error| error.inside("tool_calls"))?,
        })
    }
}
