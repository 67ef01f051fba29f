//! What OpenAI answers, and everybody who answers like it: chat completions with their older relatives, and responses.

use serde_json::Value;

use crate::reading::found::{Found, items, number, set, text};

/// A chat completion, a piece of a streamed one, a completion or a list of embeddings.
pub(super) fn completion(value: &Value, found: &mut Found) {
    found.identity(text(value, "id"), text(value, "model"));
    set(&mut found.input, number(value, "/usage/prompt_tokens"));
    set(&mut found.output, number(value, "/usage/completion_tokens"));
    set(&mut found.cache_read, number(value, "/usage/prompt_tokens_details/cached_tokens"));
    set(&mut found.reasoning, number(value, "/usage/completion_tokens_details/reasoning_tokens"));
    for (place, choice) in items(value, "choices") {
        let choice_index = number(choice, "/index").unwrap_or(place);
        if let Some(reason) = text(choice, "finish_reason") {
            found.reasons.insert(choice_index, reason);
        }
        let Some(said) = choice.get("delta").or_else(|| choice.get("message")) else { continue };
        for (place, call) in items(said, "tool_calls") {
            let place = (choice_index, number(call, "/index").unwrap_or(place));
            let name = ["function", "custom"].iter().find_map(|kind| text(call.get(kind)?, "name"));
            found.tool(place, text(call, "id"), name);
        }
        if let Some(name) = said.get("function_call").and_then(|call| text(call, "name")) {
            found.tool((choice_index, 0), None, Some(name));
        }
    }
}

/// A response.
pub(super) fn response(value: &Value, found: &mut Found) {
    found.identity(text(value, "id"), text(value, "model"));
    set(&mut found.input, number(value, "/usage/input_tokens"));
    set(&mut found.output, number(value, "/usage/output_tokens"));
    set(&mut found.cache_read, number(value, "/usage/input_tokens_details/cached_tokens"));
    set(&mut found.reasoning, number(value, "/usage/output_tokens_details/reasoning_tokens"));
    // A response has a status; a reason only where it is not complete.
    let reason = value.get("incomplete_details").and_then(|details| text(details, "reason"));
    let status = text(value, "status").filter(|status| !matches!(status.as_str(), "in_progress" | "queued"));
    if let Some(reason) = reason.or(status) {
        found.reasons.insert(0, reason);
    }
    for (place, item) in items(value, "output") {
        output(place, item, found);
    }
}

/// A piece of a streamed response.
pub(super) fn response_event(value: &Value, found: &mut Found) {
    if let Some(whole) = value.get("response") {
        response(whole, found);
    }
    if let Some(item) = value.get("item") {
        output(number(value, "/output_index").unwrap_or_default(), item, found);
    }
    if text(value, "type").as_deref() == Some("error") {
        set(&mut found.error, text(value, "code"));
    }
}

/// Calls of functions and of custom tools; what the provider runs itself is no call of the agent's.
fn output(place: u64, item: &Value, found: &mut Found) {
    if matches!(text(item, "type").as_deref(), Some("function_call" | "custom_tool_call")) {
        found.tool((0, place), text(item, "call_id"), text(item, "name"));
    }
}
