//! What Gemini answers: one content, or many pieces of the same form.

use serde_json::Value;

use crate::reading::found::{Found, items, number, set, text};

/// A content or a piece of it.
pub(super) fn content(value: &Value, found: &mut Found) {
    found.error(value);
    found.identity(text(value, "responseId"), text(value, "modelVersion"));
    if let Some(usage) = value.get("usageMetadata") {
        set(&mut found.input, number(usage, "/promptTokenCount"));
        set(&mut found.cache_read, number(usage, "/cachedContentTokenCount"));
        set(&mut found.reasoning, number(usage, "/thoughtsTokenCount"));
        // Thinking is counted beside the answer; the conventions count it in.
        let answer = number(usage, "/candidatesTokenCount");
        let thinking = number(usage, "/thoughtsTokenCount");
        let total = answer.or(thinking).map(|_| answer.unwrap_or(0).saturating_add(thinking.unwrap_or(0)));
        set(&mut found.output, total);
    }
    for (place, candidate) in items(value, "candidates") {
        let choice = number(candidate, "/index").unwrap_or(place);
        if let Some(reason) = text(candidate, "finishReason") {
            found.reasons.insert(choice, reason);
        }
        let Some(content) = candidate.get("content") else { continue };
        for (_, part) in items(content, "parts") {
            if let Some(call) = part.get("functionCall") {
                // Calls arrive whole, one part each, and carry no place.
                let next = found.tools.range((choice, 0)..=(choice, u64::MAX)).count() as u64;
                found.tool((choice, next), text(call, "id"), text(call, "name"));
            }
        }
    }
}
