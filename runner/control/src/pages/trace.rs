//! The trace of a run as a page shows it: what kind of thing each row is, said in a line, without reading the bodies of rows that
//! are not shown.

use serde::Deserialize;
use serde_json::Value;

use crate::pages::text;

/// Which rows are asked for.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(crate) enum Show {
    /// Everything.
    #[default]
    All,
    /// Calls to twins.
    Calls,
    /// Calls that changed something.
    Changes,
    /// Calls that failed.
    Errors,
}

impl Show {
    pub(crate) const ALL: [Self; 4] = [Self::All, Self::Calls, Self::Changes, Self::Errors];

    /// From an address.
    pub(crate) fn parse(word: &str) -> Self {
        Self::ALL.into_iter().find(|show| show.word() == word).unwrap_or_default()
    }

    /// As it stands in an address.
    pub(crate) fn word(self) -> &'static str {
        match self {
            Self::All => "",
            Self::Calls => "calls",
            Self::Changes => "changes",
            Self::Errors => "errors",
        }
    }

    pub(crate) fn label(self) -> &'static str {
        match self {
            Self::All => "Everything",
            Self::Calls => "Calls",
            Self::Changes => "Changes",
            Self::Errors => "Errors",
        }
    }
}

/// What is read of every row.
#[derive(Debug, Default, Deserialize)]
#[serde(default)]
struct Head {
    kind: Option<String>,
    event_id: Option<String>,
    request_id: Option<String>,
    method: Option<String>,
    status: Option<i64>,
    state_mutation: Option<bool>,
}

impl Head {
    fn is_call(&self) -> bool {
        match &self.kind {
            Some(kind) => kind == "TwinHttpEvent",
            None => self.method.is_some(),
        }
    }

    fn is_wanted(&self, show: Show) -> bool {
        match show {
            Show::All => true,
            Show::Calls => self.is_call(),
            Show::Changes => self.is_call() && self.state_mutation == Some(true),
            Show::Errors => self.is_call() && self.status.is_some_and(|status| status >= 400),
        }
    }
}

/// How many rows there are of what.
#[derive(Debug, Default, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Counts {
    pub(crate) all: usize,
    pub(crate) calls: usize,
    pub(crate) changes: usize,
    pub(crate) errors: usize,
}

impl Counts {
    pub(crate) fn of(&self, show: Show) -> usize {
        match show {
            Show::All => self.all,
            Show::Calls => self.calls,
            Show::Changes => self.changes,
            Show::Errors => self.errors,
        }
    }
}

/// The rows of a trace, told apart.
#[derive(Debug)]
pub(crate) struct Trace {
    lines: Vec<String>,
    heads: Vec<Head>,
    pub(crate) counts: Counts,
}

impl Trace {
    /// From `events.jsonl`. A line that cannot be read is a row as well.
    pub(crate) fn read(text: &str) -> Self {
        Self::of(text.lines().map(str::trim).filter(|line| !line.is_empty()).map(str::to_owned).collect())
    }

    /// From rows.
    pub(crate) fn of(lines: Vec<String>) -> Self {
        let heads: Vec<Head> = lines.iter().map(|line| serde_json::from_str(line).unwrap_or_default()).collect();
        let count = |show| heads.iter().filter(|head| head.is_wanted(show)).count();
        let counts = Counts {
            all: heads.len(),
            calls: count(Show::Calls),
            changes: count(Show::Changes),
            errors: count(Show::Errors),
        };
        Self { lines, heads, counts }
    }

    /// The number of a row by its id, counted from 1.
    pub(crate) fn number(&self, id: &str) -> Option<usize> {
        let is = |own: &Option<String>| own.as_deref() == Some(id);
        self.heads.iter().position(|head| is(&head.event_id) || is(&head.request_id)).map(|place| place + 1)
    }

    /// Rows of a page, with their numbers.
    pub(crate) fn page(&self, show: Show, page: usize, size: usize) -> Vec<Event> {
        let wanted = self.heads.iter().enumerate().filter(|(_, head)| head.is_wanted(show));
        wanted.skip((page - 1) * size).take(size).filter_map(|(place, _)| self.event(place + 1)).collect()
    }

    /// One row.
    pub(crate) fn event(&self, number: usize) -> Option<Event> {
        self.lines.get(number.checked_sub(1)?).map(|line| Event::read(number, line))
    }

    /// When the first row happened.
    pub(crate) fn start(&self) -> Option<i64> {
        self.event(1).and_then(|event| event.at)
    }
}

/// A call to a twin.
#[derive(Debug)]
pub(crate) struct Call {
    pub(crate) method: String,
    pub(crate) path: String,
    pub(crate) status: i64,
    pub(crate) latency_ms: i64,
    pub(crate) changed: bool,
    pub(crate) unsupported: bool,
    pub(crate) replayed: bool,
}

/// A row in full.
#[derive(Debug)]
pub(crate) struct Event {
    /// Place in the file, counted from 1.
    pub(crate) number: usize,
    pub(crate) kind: String,
    /// Milliseconds since 1970.
    pub(crate) at: Option<i64>,
    pub(crate) twin: Option<String>,
    pub(crate) call: Option<Call>,
    /// What happened, for everything that is not a call.
    pub(crate) summary: String,
    pub(crate) error: Option<String>,
    /// The whole row; a string when it is not JSON.
    pub(crate) row: Value,
}

impl Event {
    /// From a line.
    pub(crate) fn read(number: usize, line: &str) -> Self {
        let row: Value = serde_json::from_str(line).unwrap_or_else(|_| Value::from(line));
        let word = |key: &str| row.get(key).and_then(Value::as_str);
        let whole = |key: &str| row.get(key).and_then(Value::as_i64);
        let yes = |key: &str| row.get(key).and_then(Value::as_bool).unwrap_or(false);
        let kind = match word("kind") {
            Some(kind) => kind.to_owned(),
            None if row.get("method").is_some() => "TwinHttpEvent".to_owned(),
            None => "unreadable".to_owned(),
        };
        let call = (kind == "TwinHttpEvent").then(|| Call {
            method: word("method").unwrap_or("?").to_owned(),
            path: own_path(word("path").unwrap_or("?")).to_owned(),
            status: whole("status").unwrap_or(0),
            latency_ms: whole("latency_ms").unwrap_or(0),
            changed: yes("state_mutation"),
            unsupported: word("fidelity") == Some("unsupported"),
            replayed: yes("idempotency_dedupe"),
        });
        let tool = call.as_ref().and_then(|call| tool_of(&row, call));
        Self {
            number,
            at: word("ts").and_then(pome_wire::time::parse),
            twin: word("twin").map(str::to_owned),
            error: word("error").map(str::to_owned),
            summary: tool.unwrap_or_else(|| summary(&kind, &row)),
            kind,
            call,
            row,
        }
    }

    /// A member of the row that has something in it.
    pub(crate) fn part(&self, key: &str) -> Option<&Value> {
        self.row.get(key).filter(|value| match value {
            Value::Null => false,
            Value::Object(members) => !members.is_empty(),
            _ => true,
        })
    }
}

/// A path without the part that names the session.
fn own_path(path: &str) -> &str {
    let Some(rest) = path.strip_prefix("/s/") else { return path };
    rest.find('/').and_then(|at| rest.get(at..)).unwrap_or("/")
}

/// The tool that a call through MCP was for; its path says nothing.
fn tool_of(row: &Value, call: &Call) -> Option<String> {
    let named = row.get("tool").and_then(Value::as_str);
    let asked = row.pointer("/request_body/tool").and_then(Value::as_str).filter(|_| call.path.starts_with("/mcp"));
    named.or(asked).map(str::to_owned)
}

fn summary(kind: &str, row: &Value) -> String {
    let word = |key: &str| row.get(key).and_then(Value::as_str).unwrap_or("?");
    let number = |key: &str| row.get(key).and_then(Value::as_i64);
    match kind {
        "LlmCallEvent" => format!("model call to {}", word("host")),
        "ToolUseEvent" => format!("tool {}", word("tool_name")),
        "ToolResultEvent" if row.get("is_error").and_then(Value::as_bool) == Some(true) => "tool failed".to_owned(),
        "ToolResultEvent" => "tool answered".to_owned(),
        "SubagentSpawnEvent" => "sub-agent started".to_owned(),
        "HookEvent" => format!("hook {}", word("hook_name")),
        "LlmTurnEvent" => {
            let tokens = |key, what| number(key).map(|count| format!(", {} {what}", text::grouped(count)));
            format!(
                "model turn {}{}{}",
                number("turn_index").map_or(0, |turn| turn + 1),
                tokens("input_tokens", "tokens in").unwrap_or_default(),
                tokens("output_tokens", "tokens out").unwrap_or_default()
            )
        }
        "OtelSpanEvent" => format!("span {}", word("name")),
        "TwinHttpEvent" => String::new(),
        "unreadable" => "a line that is not an event".to_owned(),
        other => other.to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const ROWS: &str = concat!(
        r#"{"ts":"2026-05-01T10:00:00.000Z","kind":"ToolUseEvent","event_id":"t1","tool_name":"label"}"#,
        "\n\nnot json\n",
        r#"{"ts":"2026-05-01T10:00:01.250Z","kind":"TwinHttpEvent","event_id":"e1","twin":"github","method":"POST","path":"/s/ses_1/repos/a/b","status":201,"latency_ms":3,"state_mutation":true}"#,
        "\n",
        r#"{"ts":"2026-05-01T10:00:02.000Z","request_id":"e2","twin":"slack","method":"POST","path":"/s/x/mcp","request_body":{"tool":"post"},"status":404,"state_mutation":false}"#,
        "\n",
    );

    #[test]
    fn rows_are_told_apart_and_numbered_by_their_place() {
        let trace = Trace::read(ROWS);
        assert_eq!(trace.counts, Counts { all: 4, calls: 2, changes: 1, errors: 1 });
        assert_eq!(trace.number("e2"), Some(4));
        assert_eq!(trace.number("nothing"), None);
        let numbers = |show, page, size| -> Vec<usize> {
            trace.page(show, page, size).iter().map(|event| event.number).collect()
        };
        assert_eq!(numbers(Show::All, 2, 3), [4]);
        assert_eq!(numbers(Show::Calls, 1, 10), [3, 4]);
        assert_eq!(numbers(Show::Errors, 1, 10), [4]);
        assert_eq!(trace.start(), pome_wire::time::parse("2026-05-01T10:00:00.000Z"));
    }

    #[test]
    fn a_row_says_what_happened() {
        let trace = Trace::read(ROWS);
        assert_eq!(trace.event(1).unwrap().summary, "tool label");
        assert_eq!(trace.event(2).unwrap().kind, "unreadable");
        let call = trace.event(3).unwrap().call.unwrap();
        assert_eq!((call.path.as_str(), call.status, call.changed), ("/repos/a/b", 201, true));
        assert_eq!(trace.event(4).unwrap().summary, "post");
        assert!(trace.event(5).is_none());
        assert!(trace.event(0).is_none());
    }
}
