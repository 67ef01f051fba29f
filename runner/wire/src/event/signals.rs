//! What the agent's framework tells of itself.

use serde::Serialize;
use serde_json::{Map, Value};

use super::{base, kind};
use crate::fields::{Fields, ShapeError};

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

pub(super) fn tool_use(mut fields: Fields) -> Result<ToolUseEvent, ShapeError> {
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

pub(super) fn tool_result(mut fields: Fields) -> Result<ToolResultEvent, ShapeError> {
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

pub(super) fn subagent_spawn(mut fields: Fields) -> Result<SubagentSpawnEvent, ShapeError> {
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

pub(super) fn hook(mut fields: Fields) -> Result<HookEvent, ShapeError> {
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

pub(super) fn llm_turn(mut fields: Fields) -> Result<LlmTurnEvent, ShapeError> {
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
