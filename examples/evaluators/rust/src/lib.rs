//! An evaluator about calls: `At most 5 calls are made`, `No call is repeated`.
//!
//! What it decides is in this file and knows nothing of components; `component.rs` connects it.

#[cfg(target_family = "wasm")]
mod component;

use serde_json::Value;

/// How a sentence came out.
#[derive(Debug, PartialEq, Eq)]
pub struct Found {
    /// Whether it holds.
    pub holds: bool,
    /// Why.
    pub reason: String,
    /// Rows of the trace that decided it.
    pub event_ids: Vec<String>,
}

/// Judges a sentence about the trace; nothing when it is not one of ours. `config` may name methods that do not count:
/// `{"ignore": ["GET"]}`.
pub fn judge(text: &str, events: &Value, config: &Value) -> Option<Found> {
    let calls: Vec<&Value> = rows(events).filter(|row| !ignored(row, config)).collect();
    if text == "No call is repeated" {
        return Some(no_call_is_repeated(&calls));
    }
    let most = text.strip_prefix("At most ")?.strip_suffix(" calls are made")?.parse::<usize>().ok()?;
    let event_ids = calls.iter().skip(most).filter_map(|call| id(call)).collect();
    Some(Found { holds: calls.len() <= most, reason: format!("{} calls were made", calls.len()), event_ids })
}

fn no_call_is_repeated(calls: &[&Value]) -> Found {
    let asked = |call: &Value| ["twin", "method", "path", "request_body"].map(|key| call.get(key).cloned());
    for (index, call) in calls.iter().enumerate() {
        if let Some(earlier) = calls.iter().take(index).find(|earlier| asked(earlier) == asked(call)) {
            let place = |key: &str| call.get(key).and_then(Value::as_str).unwrap_or("?").to_owned();
            let reason = format!("{} {} was called again with the same body", place("method"), place("path"));
            return Found { holds: false, reason, event_ids: [id(earlier), id(call)].into_iter().flatten().collect() };
        }
    }
    Found { holds: true, reason: format!("{} different calls", calls.len()), event_ids: Vec::new() }
}

/// The calls to twins; the trace has rows of other kinds as well.
fn rows(events: &Value) -> impl Iterator<Item = &Value> {
    let rows = events.as_array().map_or(&[][..], Vec::as_slice);
    rows.iter().filter(|row| row.get("kind").and_then(Value::as_str) == Some("TwinHttpEvent"))
}

fn ignored(row: &Value, config: &Value) -> bool {
    let methods = config.get("ignore").and_then(Value::as_array);
    methods.is_some_and(|methods| row.get("method").is_some_and(|method| methods.contains(method)))
}

fn id(row: &Value) -> Option<String> {
    row.get("event_id").and_then(Value::as_str).map(str::to_owned)
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn events() -> Value {
        let call = |id, method, body: Value| json!({"kind": "TwinHttpEvent", "event_id": id, "twin": "github", "method": method, "path": "/x", "request_body": body});
        json!([
            call("a", "GET", Value::Null),
            {"kind": "LlmCallEvent", "event_id": "b"},
            call("c", "POST", json!({"n": 1})),
            call("d", "GET", Value::Null),
        ])
    }

    #[test]
    fn calls_are_counted_and_repetitions_found() {
        let judged = |text: &str, config: Value| judge(text, &events(), &config);
        let found = judged("At most 2 calls are made", json!({})).unwrap();
        assert_eq!((found.holds, found.event_ids), (false, vec!["d".to_owned()]));
        assert!(judged("At most 3 calls are made", json!({})).unwrap().holds);
        let again = judged("No call is repeated", json!({})).unwrap();
        assert_eq!((again.holds, again.event_ids), (false, vec!["a".to_owned(), "d".to_owned()]));
        assert!(judged("No call is repeated", json!({"ignore": ["GET"]})).unwrap().holds);
        assert_eq!(judged("Something else", json!({})), None);
    }
}
