//! What Anthropic answers.

use serde_json::Value;

use crate::reading::found::{Found, items, number, set, text};

/// A message.
pub(super) fn message(value: &Value, found: &mut Found) {
    found.identity(text(value, "id"), text(value, "model"));
    usage(value, found);
    stop(value, found);
    for (place, block) in items(value, "content") {
        tool(place, block, found);
    }
}

/// A piece of a streamed message.
pub(super) fn event(value: &Value, found: &mut Found) {
    match text(value, "type").as_deref() {
        Some("message_start") => {
            if let Some(start) = value.get("message") {
                message(start, found);
            }
        }
        Some("content_block_start") => {
            if let Some(block) = value.get("content_block") {
                tool(number(value, "/index").unwrap_or_default(), block, found);
            }
        }
        Some("message_delta") => {
            // Counts in here are totals, not additions.
            usage(value, found);
            if let Some(delta) = value.get("delta") {
                stop(delta, found);
            }
        }
        _ => {}
    }
}

/// Anthropic counts cached tokens beside the others; the conventions count them in.
fn usage(value: &Value, found: &mut Found) {
    let Some(usage) = value.get("usage") else { return };
    let cached = |found: &Found| found.cache_read.unwrap_or(0).saturating_add(found.cache_creation.unwrap_or(0));
    let plain = number(usage, "/input_tokens").or_else(|| Some(found.input?.saturating_sub(cached(found))));
    set(&mut found.cache_read, number(usage, "/cache_read_input_tokens"));
    set(&mut found.cache_creation, number(usage, "/cache_creation_input_tokens"));
    found.input = plain.map(|plain| plain.saturating_add(cached(found)));
    set(&mut found.output, number(usage, "/output_tokens"));
}

fn stop(value: &Value, found: &mut Found) {
    if let Some(reason) = text(value, "stop_reason") {
        found.reasons.insert(0, reason);
    }
}

/// What the provider runs itself (`server_tool_use`) is no call of the agent's.
fn tool(place: u64, block: &Value, found: &mut Found) {
    if text(block, "type").as_deref() == Some("tool_use") {
        found.tool((0, place), text(block, "id"), text(block, "name"));
    }
}
