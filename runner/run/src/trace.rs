//! The whole trace of a run as evaluators see it: every row of `events.jsonl`, in its order.

use std::collections::BTreeMap;
use std::path::Path;

use serde_json::{Map, Value};

use crate::artifacts::{self, for_each_line};
use crate::evaluate::{View, array_of};

/// What redaction changes in a call. The rest of a row may have been added when signals were merged in.
const CONTENT: &[&str] = &["path", "request_headers", "request_body", "response_body", "state_delta", "error"];

/// The trace in its two views; `raw` are the calls before redaction. Absent when nothing was recorded.
pub(crate) fn read(events: &Path, raw: Option<Vec<Vec<u8>>>) -> Result<Option<View>, artifacts::Error> {
    if !events.is_file() {
        return Ok(None);
    }
    let raw = raw.map(|rows| rows.into_iter().filter_map(|row| keyed(&row)).collect::<BTreeMap<_, _>>());
    let mut redacted_rows = Vec::new();
    let mut raw_rows = Vec::new();
    for_each_line(events, |_, line| {
        let line = line.trim();
        // A line that is no row is shown to nobody.
        let Ok(Value::Object(mut row)) = serde_json::from_str(line) else { return Ok(()) };
        redacted_rows.push(line.as_bytes().to_vec());
        if let Some(raw) = &raw {
            let content = row.get("event_id").and_then(Value::as_str).and_then(|id| raw.get(id));
            for key in content.map_or(&[][..], |_| CONTENT) {
                if let (Some(kept), Some(value)) = (row.get_mut(*key), content.and_then(|content| content.get(*key))) {
                    *kept = value.clone();
                }
            }
            raw_rows.push(Value::Object(row).to_string().into_bytes());
        }
        Ok(())
    })?;
    let raw = raw.is_some().then(|| array_of(&raw_rows));
    Ok(Some(View { raw, redacted: array_of(&redacted_rows) }))
}

fn keyed(row: &[u8]) -> Option<(String, Map<String, Value>)> {
    let Ok(Value::Object(row)) = serde_json::from_slice(row) else { return None };
    let id = row.get("event_id").or_else(|| row.get("request_id"))?.as_str()?.to_owned();
    Some((id, row))
}
