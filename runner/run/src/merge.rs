//! Brings what the agent's SDK signalled into the trace: by time, with calls hanging below the tool uses that caused them.

use std::collections::{BTreeMap, BTreeSet};

use pome_wire::event::{self, Event, Line};
use pome_wire::redact::Redactor;
use serde_json::{Map, Value};

/// The outcome of a merge.
#[derive(Debug, PartialEq, Eq)]
pub struct Merged {
    /// The new trace; `None` when there was no valid signal and the trace stays as it is.
    pub text: Option<String>,
    /// Signal lines that were dropped.
    pub dropped: u64,
}

struct Row {
    ts: String,
    keys: Map<String, Value>,
    event: Event,
}

/// Merges the lines of `signals.jsonl` into those of `events.jsonl`.
pub fn merge(events: &str, signals: &str, redactor: &Redactor) -> Merged {
    let mut dropped = 0;
    let mut signalled = Vec::new();
    for line in signals.lines() {
        match Line::read(line) {
            Line::Blank => {}
            Line::Event { row, event } if !matches!(*event, Event::Unknown(_)) => {
                let mut value = Value::Object(row);
                redactor.value(&mut value);
                if let Value::Object(row) = value {
                    signalled.push(known(row, *event));
                }
            }
            Line::Event { .. } | Line::Invalid { .. } | Line::Kindless(_) | Line::Broken(_) => dropped += 1,
        }
    }
    if signalled.is_empty() {
        return Merged { text: None, dropped };
    }
    let (mut raw, mut rows) = (Vec::new(), Vec::new());
    for line in events.lines() {
        match Line::read(line) {
            Line::Event { row, event } if !matches!(*event, Event::Unknown(_)) => rows.push(known(row, *event)),
            Line::Kindless(row) if is_old_signal(&row) => {}
            Line::Blank => {}
            _ => raw.push(line),
        }
    }
    // Merging a second time adds nothing.
    let present: BTreeSet<String> = rows.iter().filter_map(|row| text(&row.keys, "event_id")).collect();
    rows.extend(
        signalled.into_iter().filter(|row| text(&row.keys, "event_id").is_none_or(|id| !present.contains(&id))),
    );

    let mut by_tool = BTreeMap::new();
    for row in &rows {
        if let Event::ToolUse(tool_use) = &row.event {
            by_tool.insert(tool_use.tool_use_id.clone(), tool_use.event_id.clone());
        }
    }
    for row in &mut rows {
        let Event::TwinHttp(call) = &row.event else { continue };
        let cause = call.tool_call_id.as_ref().or(call.correlation_id.as_ref());
        if call.parent_event_id.is_none()
            && let Some(parent) = cause.and_then(|id| by_tool.get(id))
        {
            row.keys.insert("parent_event_id".to_owned(), parent.as_str().into());
        }
    }
    rows.sort_by(|left, right| left.ts.cmp(&right.ts));

    let mut merged = String::with_capacity(events.len() + signals.len());
    for line in raw {
        merged.push_str(line);
        merged.push('\n');
    }
    for row in rows {
        merged.push_str(&Value::Object(row.keys).to_string());
        merged.push('\n');
    }
    Merged { text: Some(merged), dropped }
}

fn known(mut row: Map<String, Value>, event: Event) -> Row {
    event::normalise_parent(&mut row, event.kind());
    Row { ts: event.ts().to_owned(), keys: row, event }
}

/// A line of the era in which steps and tool calls had a `type` instead of a `kind`.
pub(crate) fn is_old_signal(row: &Map<String, Value>) -> bool {
    matches!(row.get("type").and_then(Value::as_str), Some("step" | "tool_call"))
}

fn text(row: &Map<String, Value>, key: &str) -> Option<String> {
    row.get(key).and_then(Value::as_str).map(str::to_owned)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::samples;

    #[test]
    fn two_signals_and_three_calls_become_one_trace_in_time_order() {
        let broken = "{\"torn";
        let events = [
            broken.to_owned(),
            samples::call("req_1", "2026-05-01T10:00:01.000Z", None),
            samples::call("req_2", "2026-05-01T10:00:03.000Z", Some("toolu_01")),
            samples::call("req_3", "2026-05-01T10:00:05.000Z", Some("toolu_99")),
        ];
        let signals = [
            samples::tool_result("e2", "2026-05-01T10:00:04.000Z", "toolu_01"),
            samples::tool_use("e1", "2026-05-01T10:00:02.000Z", "toolu_01"),
        ];
        let merged = merge(&events.join("\n"), &signals.join("\n"), &Redactor::default());
        assert_eq!(merged.dropped, 0);
        let text = merged.text.unwrap();
        let lines: Vec<&str> = text.lines().collect();
        assert_eq!(lines[0], broken);
        let rows: Vec<Value> = lines[1..].iter().map(|line| serde_json::from_str(line).unwrap()).collect();
        let seen: Vec<(&str, &Value)> =
            rows.iter().map(|row| (row["event_id"].as_str().unwrap(), &row["parent_event_id"])).collect();
        let null = Value::Null;
        let e1 = Value::from("e1");
        assert_eq!(seen, [("req_1", &null), ("e1", &null), ("req_2", &e1), ("e2", &e1), ("req_3", &null)]);
        assert!(text.ends_with('\n'));
        assert_eq!(merge(&text, &signals.join("\n"), &Redactor::default()).text, Some(text.clone()));
    }

    #[test]
    fn only_invalid_signals_change_nothing_and_are_counted() {
        let events = format!("{}\n", samples::call("req_1", "2026-05-01T10:00:01.000Z", None));
        let signals =
            "not json\n\n[1]\n{\"type\":\"step\"}\n{\"kind\":\"Mystery\",\"ts\":\"x\"}\n{\"kind\":\"ToolUseEvent\"}\n";
        assert_eq!(merge(&events, signals, &Redactor::default()), Merged { text: None, dropped: 5 });
    }

    #[test]
    fn a_parent_that_is_set_stays_and_unknown_keys_survive() {
        let mut row: Value =
            serde_json::from_str(&samples::call("req_1", "2026-05-01T10:00:01.000Z", Some("toolu_01"))).unwrap();
        row["parent_event_id"] = "mine".into();
        row["future"] = 7.into();
        let signal = samples::tool_use("e1", "2026-05-01T10:00:00.000Z", "toolu_01");
        let merged = merge(&row.to_string(), &signal, &Redactor::default()).text.unwrap();
        let last: Value = serde_json::from_str(merged.lines().last().unwrap()).unwrap();
        assert_eq!((&last["parent_event_id"], &last["future"]), (&Value::from("mine"), &Value::from(7)));
    }

    #[test]
    fn signals_are_redacted_and_old_lines_go() {
        let events = "{\"type\":\"step\",\"ts\":\"t\",\"step_id\":\"s\"}\n";
        let signal = samples::tool_use("e1", "2026-05-01T10:00:00.000Z", "toolu_01")
            .replace("\"input\":{", "\"input\":{\"password\":\"hunter2\",");
        let merged = merge(events, &signal, &Redactor::default()).text.unwrap();
        assert_eq!(merged.lines().count(), 1);
        assert!(merged.contains("\"password\":\"[REDACTED]\""), "{merged}");
    }
}
