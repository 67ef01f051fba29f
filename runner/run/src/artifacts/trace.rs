//! The trace of a run, from what was streamed to what is merged, has steps and a flat view.

use std::collections::BTreeSet;
use std::fs::{self, OpenOptions};
use std::io::{BufWriter, Write};
use std::path::Path;

use pome_wire::event::{self, Line};
use pome_wire::files;
use pome_wire::redact::Redactor;
use serde_json::{Map, Value};

use super::disk::{Temporary, for_each_line, read_text, write_atomically};
use super::{Error, RunFolder, chain};
use crate::{correlate, merge};

/// What finishing the trace came to.
#[derive(Debug, Default)]
pub struct Trace {
    /// Signal lines that were dropped.
    pub events_dropped: u64,
    /// What could not be done, for the user.
    pub warnings: Vec<String>,
}

/// Traces beyond this are not merged and not correlated, which happens in memory.
const MERGE_LIMIT: u64 = 64 << 20;

impl RunFolder {
    /// Adds the recorded calls that the streamed trace lacks (after a failed write, or when nothing was streamed).
    /// `rows` are redacted rows, oldest first.
    pub fn append_missing(&self, rows: &[Vec<u8>]) -> Result<(), Error> {
        let path = self.path(files::EVENTS);
        let mut known = BTreeSet::new();
        let mut unfinished = false;
        let mut seen = 0;
        for_each_line(&path, |_, line| {
            unfinished = !line.ends_with('\n');
            if let Line::Event { row, event } = Line::read(line)
                && event.kind() == event::kind::TwinHttp::NAME
                && let Some(id) = id_of(&row)
            {
                known.insert(id);
                seen += 1;
            }
            Ok(())
        })?;
        if !unfinished && seen >= rows.len() {
            return Ok(());
        }
        let file = OpenOptions::new().append(true).create(true).open(&path).map_err(Error::write(&path))?;
        let mut file = BufWriter::new(file);
        let mut write = |bytes: &[u8]| file.write_all(bytes).map_err(Error::write(&path));
        if unfinished {
            write(b"\n")?;
        }
        for row in rows {
            let Ok(Value::Object(row)) = serde_json::from_slice(row) else { continue };
            let row = event::event_row(row);
            if id_of(&row).is_none_or(|id| known.insert(id)) {
                write(format!("{}\n", Value::Object(row)).as_bytes())?;
            }
        }
        file.flush().map_err(Error::write(&path))
    }

    /// Puts calls that were recorded elsewhere into the trace, everything in order of time. `rows` are redacted rows, oldest
    /// first.
    pub fn add_calls(&self, rows: &[Vec<u8>]) -> Result<(), Error> {
        let path = self.path(files::EVENTS);
        let mut lines = Vec::new();
        for_each_line(&path, |_, line| {
            lines.push((time_of(line), line.trim_end().to_owned()));
            Ok(())
        })?;
        for row in rows {
            let Ok(Value::Object(row)) = serde_json::from_slice(row) else { continue };
            let mut row = Value::Object(event::event_row(row));
            self.redactor.value(&mut row);
            let line = row.to_string();
            lines.push((time_of(&line), line));
        }
        lines.sort_by(|left, right| left.0.cmp(&right.0));
        let text: String = lines.into_iter().flat_map(|(_, line)| [line, "\n".to_owned()]).collect();
        write_atomically(&path, text.as_bytes())
    }

    /// The end of a trace: merges the signals, sets the steps, and writes the flat view of the calls. What fails here leaves
    /// the streamed trace as it is.
    pub fn finish_trace(&self) -> Trace {
        let mut trace = Trace::default();
        if let Err(error) = self.merge(&mut trace) {
            trace.warnings.push(format!("the trace stays unmerged: {}", chain(&error)));
        }
        if let Err(error) = self.write_tool_calls() {
            trace.warnings.push(format!("no `{}`: {}", files::TOOL_CALLS, chain(&error)));
        }
        trace
    }

    fn merge(&self, trace: &mut Trace) -> Result<(), Error> {
        let (events_path, signals_path) = (self.path(files::EVENTS), self.path(files::SIGNALS));
        for path in [&events_path, &signals_path] {
            let size = fs::metadata(path).map_or(0, |data| data.len());
            if size > MERGE_LIMIT {
                let mib = size >> 20;
                let name = path.file_name().unwrap_or_default().to_string_lossy();
                trace.warnings.push(format!("the trace stays unmerged: `{name}` has {mib} MiB, the limit is 64 MiB"));
                return Ok(());
            }
        }
        let events = read_text(&events_path)?.unwrap_or_default();
        let signals = read_text(&signals_path)?.unwrap_or_default();
        self.redact_signals(&signals_path, &signals)?;
        let merged = merge::merge(&events, &signals, &self.redactor);
        trace.events_dropped = merged.dropped;
        let mut lines = merged.text.unwrap_or(events);
        if let Some(with_steps) = correlate::with_steps(&lines, &signals) {
            lines = with_steps;
        }
        write_atomically(&events_path, lines.as_bytes())
    }

    /// The agent wrote this file itself, so what it forgot to mask is masked now.
    fn redact_signals(&self, path: &Path, signals: &str) -> Result<(), Error> {
        let mut text = String::with_capacity(signals.len());
        for line in signals.split_inclusive('\n') {
            text.push_str(&redacted_line(line, &self.redactor));
        }
        if text == signals { Ok(()) } else { write_atomically(path, text.as_bytes()) }
    }

    /// The calls of the trace as `tool_calls.jsonl`, line by line so that the length does not matter.
    fn write_tool_calls(&self) -> Result<(), Error> {
        let path = self.path(files::TOOL_CALLS);
        let mut temporary = Temporary::beside(&path)?;
        for_each_line(&self.path(files::EVENTS), |_, line| match call_of(line) {
            Some(row) => temporary.write(format!("{}\n", Value::Object(row)).as_bytes()),
            None => Ok(()),
        })?;
        temporary.commit()
    }
}

/// The recorder row in a line of a trace, when it is a call to a twin.
pub(crate) fn call_of(line: &str) -> Option<Map<String, Value>> {
    let Ok(Value::Object(row)) = serde_json::from_str(line.trim()) else { return None };
    match row.get("kind").map(Value::as_str) {
        Some(Some(event::kind::TwinHttp::NAME)) => Some(event::recorder_row(row)),
        None if event::is_recorder_row(&row) => Some(row),
        _ => None,
    }
}

/// One line with its secrets masked: as JSON when it is JSON, as text otherwise.
pub(crate) fn redacted_line(line: &str, redactor: &Redactor) -> String {
    if serde_json::from_str::<serde::de::IgnoredAny>(line).is_ok() {
        let bytes = redactor.json_bytes(line.as_bytes());
        String::from_utf8_lossy(&bytes).into_owned()
    } else {
        redactor.text(line).into_owned()
    }
}

fn time_of(line: &str) -> String {
    #[derive(serde::Deserialize)]
    struct Timed {
        ts: Option<String>,
    }
    serde_json::from_str::<Timed>(line).ok().and_then(|row| row.ts).unwrap_or_default()
}

fn id_of(row: &Map<String, Value>) -> Option<String> {
    let id = row.get("event_id").or_else(|| row.get("request_id"))?;
    id.as_str().map(str::to_owned)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::artifacts::samples::{TS, run, text};
    use crate::samples;

    #[test]
    fn what_the_stream_lost_is_added_once() {
        let root = tempfile::tempdir().unwrap();
        let folder = run(root.path());
        let row = |id: &str| {
            let event: Value = serde_json::from_str(&samples::call(id, TS, None)).unwrap();
            Value::Object(event::recorder_row(event.as_object().unwrap().clone())).to_string().into_bytes()
        };
        let streamed = format!("{}\n{{\"ts\":\"2026", samples::call("req_1", TS, None));
        fs::write(folder.path(files::EVENTS), &streamed).unwrap();
        for _ in 0..2 {
            folder.append_missing(&[row("req_1"), row("req_2")]).unwrap();
            let expected = format!("{streamed}\n{}\n", samples::call("req_2", TS, None));
            assert_eq!(text(&folder, files::EVENTS), expected);
        }
    }

    #[test]
    fn a_finished_trace_is_merged_has_steps_and_a_flat_view() {
        let root = tempfile::tempdir().unwrap();
        let folder = run(root.path());
        let calls = [samples::call("req_1", "2026-05-01T10:00:03.000Z", Some("toolu_1")), "torn".to_owned()];
        fs::write(folder.path(files::EVENTS), calls.join("\n")).unwrap();
        let signal =
            samples::tool_use("e1", "2026-05-01T10:00:02.000Z", "toolu_1").replace("{\"n\":1}", "\"a-literal-secret\"");
        fs::write(folder.path(files::SIGNALS), format!("{signal}\nnot json a-literal-secret\n")).unwrap();
        let trace = folder.finish_trace();
        assert_eq!((trace.events_dropped, trace.warnings.len()), (1, 0));

        let call = samples::call("req_1", "2026-05-01T10:00:03.000Z", Some("toolu_1"))
            .replace("\"step_id\":null", "\"step_id\":\"stp_h01\"")
            .replace("\"scenario_step_id\":\"stp_h01\"", "\"scenario_step_id\":null")
            .replace("\"task_step_id\":\"stp_h01\"", "\"task_step_id\":null")
            .replace("\"parent_event_id\":null", "\"parent_event_id\":\"e1\"");
        let signal = signal.replace("a-literal-secret", "[REDACTED]");
        assert_eq!(text(&folder, files::EVENTS), format!("torn\n{signal}\n{call}\n"));
        let flat = call.split(",\"kind\"").next().unwrap();
        assert_eq!(text(&folder, files::TOOL_CALLS), format!("{flat}}}\n"));
        assert_eq!(text(&folder, files::SIGNALS), format!("{signal}\nnot json [REDACTED]\n"));
    }

    #[test]
    fn nothing_called_and_nothing_signalled_is_two_empty_files() {
        let root = tempfile::tempdir().unwrap();
        let folder = run(root.path());
        assert_eq!(folder.finish_trace().events_dropped, 0);
        assert_eq!((text(&folder, files::EVENTS), text(&folder, files::TOOL_CALLS)), (String::new(), String::new()));
    }

    #[test]
    fn a_huge_trace_is_left_unmerged_with_a_warning() {
        let root = tempfile::tempdir().unwrap();
        let folder = run(root.path());
        let call = samples::call("req_1", TS, None);
        fs::write(folder.path(files::EVENTS), format!("{call}\n")).unwrap();
        // A hole in the file costs no disk.
        let file = OpenOptions::new().write(true).open(folder.path(files::EVENTS)).unwrap();
        file.set_len(MERGE_LIMIT + (1 << 20)).unwrap();
        fs::write(folder.path(files::SIGNALS), samples::tool_use("e", TS, "t")).unwrap();
        let trace = folder.finish_trace();
        assert_eq!(trace.warnings, ["the trace stays unmerged: `events.jsonl` has 65 MiB, the limit is 64 MiB"]);
        assert_eq!(text(&folder, files::TOOL_CALLS).lines().count(), 1);
    }
}
