//! A run folder as a person or a script looks at it.

use std::fmt::Write as _;
use std::path::{Path, PathBuf};

use pome_wire::event::{self, Event, Fidelity, Line, LlmCallEvent, TwinHttpEvent};
use pome_wire::files;
use pome_wire::meta::MetaView;
use pome_wire::score::{Score, ScoreStatus};
use pome_wire::verdict::Reading;
use serde::Serialize;
use serde_json::{Value, json};

use crate::artifacts::{Error, for_each_line, read_json, read_text};

/// What a run folder holds.
#[derive(Debug)]
pub struct View {
    /// The folder.
    pub dir: PathBuf,
    meta: MetaView,
    events: Option<Vec<Row>>,
    score: Option<Score>,
    raw_score: Option<Value>,
    raw_verdict: Option<Value>,
    hosted: Option<Hosted>,
    /// Rows that have not the form of their kind, for the user.
    pub warnings: Vec<String>,
}

/// What a control plane says about a run of its own.
#[derive(Debug)]
struct Hosted {
    run_id: String,
    url: Option<String>,
    row: Value,
}

#[derive(Debug)]
struct Row {
    raw: Value,
    /// Absent when the row has not the form of its kind.
    event: Option<Box<Event>>,
}

/// How much one layer of the trace saw.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
pub struct LayerHealth {
    /// `proxy`, `twin` or `adapter`.
    pub layer: &'static str,
    /// Rows of this layer.
    pub count: u64,
    /// The least that is expected, when anything is.
    pub expected: Option<u64>,
    /// Whether that is met.
    pub status: LayerStatus,
}

/// Whether a layer saw what it should have.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum LayerStatus {
    /// As expected, or more.
    Ok,
    /// Less than expected.
    Warning,
    /// Nothing expected, nothing seen.
    None,
}

impl View {
    /// Reads a run folder of this or an older producer.
    pub fn read(dir: &Path) -> Result<Self, Error> {
        let meta_path = dir.join(files::META);
        let meta = match read_json(&meta_path)? {
            Some(value) => MetaView::read(value).map_err(|error| Error::corrupt(&meta_path, error))?,
            None => MetaView::default(),
        };
        let mut warnings = Vec::new();
        let events = events(dir, &mut warnings)?;
        let score_path = dir.join(files::SCORE);
        let raw_score = read_json(&score_path)?;
        let score =
            raw_score.clone().map(Score::read).transpose().map_err(|error| Error::corrupt(&score_path, error))?;
        let verdict_path = dir.join(files::VERDICT);
        let raw_verdict = read_json(&verdict_path)?;
        let score = match (score, &raw_verdict) {
            (Some(score), _) => Some(score),
            (None, Some(_)) => score_of_verdict(&verdict_path)?,
            (None, None) => None,
        };
        Ok(Self { dir: dir.to_owned(), meta, events, score, raw_score, raw_verdict, hosted: None, warnings })
    }

    /// The same of a run that a control plane keeps: its folder was made for the moment and means nothing.
    #[must_use]
    pub fn hosted(mut self, run_id: &str, url: Option<String>, row: Value) -> Self {
        self.hosted = Some(Hosted { run_id: run_id.to_owned(), url, row });
        self
    }

    /// How much each layer of the trace saw.
    pub fn trace_health(&self) -> [LayerHealth; 3] {
        let (mut proxy, mut twin, mut adapter) = (0, 0, 0);
        for event in self.events.iter().flatten().filter_map(|row| row.event.as_deref()) {
            match event {
                Event::LlmCall(_) => proxy += 1,
                Event::TwinHttp(_) => twin += 1,
                Event::ToolUse(_)
                | Event::ToolResult(_)
                | Event::SubagentSpawn(_)
                | Event::Hook(_)
                | Event::LlmTurn(_) => {
                    adapter += 1;
                }
                Event::OtelSpan(_) | Event::Unknown(_) => {}
            }
        }
        let expects_calls = !self.meta.twins.is_empty();
        [
            health("proxy", proxy, None),
            health("twin", twin, expects_calls.then_some(1)),
            health("adapter", adapter, None),
        ]
    }

    /// The document of `--format json`.
    pub fn json(&self) -> Value {
        let meta = if self.meta.raw.is_empty() { json!({"twins": []}) } else { Value::Object(self.meta.raw.clone()) };
        let events: Vec<&Value> = self.events.iter().flatten().map(|row| &row.raw).collect();
        json!({
            "meta": meta,
            "score": self.raw_score,
            "verdict": self.raw_verdict,
            "trace_health": self.trace_health(),
            "events": events,
            "run": self.hosted.as_ref().map(|hosted| &hosted.row),
        })
    }

    /// The text of `--format terminal`.
    pub fn text(&self) -> String {
        let mut text = Text::default();
        let folder_name = || self.dir.file_name().unwrap_or_default().to_string_lossy().into_owned();
        match &self.hosted {
            Some(hosted) => {
                text.line(&format!("Run: {}", hosted.run_id));
                if let Some(url) = &hosted.url {
                    text.line(&format!("Cloud: {url}"));
                }
            }
            None => {
                text.line(&format!("Run: {}", self.meta.run_id.clone().unwrap_or_else(folder_name)));
                text.line(&format!("Directory: {}", self.dir.display()));
            }
        }
        text.line("Trace health:");
        for layer in self.trace_health() {
            text.line(&layer.to_string());
        }
        match &self.events {
            None => text.line("Events: (events.jsonl not found)"),
            Some(rows) => {
                text.line(&format!("Events ({}):", rows.len()));
                for row in rows {
                    for line in describe(row) {
                        text.line(&line);
                    }
                }
            }
        }
        match &self.score {
            None => text.line("Score: (not scored)"),
            Some(score) => {
                text.line(&format!("Score: {}", score_line(score)));
                for result in &score.results {
                    let (mark, kind) = (result.outcome.mark(), result.criterion.kind.as_str());
                    text.line(&format!("{mark} [{kind}] {}", result.criterion.text));
                    if !result.reason.is_empty() {
                        text.line(&format!("  {}", result.reason));
                    }
                }
            }
        }
        text.0
    }
}

impl std::fmt::Display for LayerHealth {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let name = if self.layer == "adapter" { "CAS adapter" } else { self.layer };
        let expected = self.expected.map_or("no expectation".to_owned(), |least| format!("expected≥{least}"));
        let status = match self.status {
            LayerStatus::Ok => "ok",
            LayerStatus::Warning => "warning",
            LayerStatus::None => "none",
        };
        write!(f, "  {name}: {}/{expected} [{status}]", self.count)
    }
}

/// `100/100`, or what kept a run from being scored in full.
pub fn score_line(score: &Score) -> String {
    let counts = &score.counts;
    if score.status != ScoreStatus::Incomplete {
        return format!("{}/100", score.satisfaction);
    }
    format!(
        "incomplete - {} of {} criteria not evaluated; {} passed, {} failed, {} skipped, {} errored; numeric score: {}/100",
        counts.skipped + counts.errored,
        counts.total(),
        counts.passed,
        counts.failed,
        counts.skipped,
        counts.errored,
        score.satisfaction
    )
}

/// The trace; the flat view of the calls when an early producer wrote only that; `None` when there is neither.
fn events(dir: &Path, warnings: &mut Vec<String>) -> Result<Option<Vec<Row>>, Error> {
    let events = dir.join(files::EVENTS);
    let calls = dir.join(files::TOOL_CALLS);
    let (path, flat) = if events.exists() {
        (events, false)
    } else if calls.exists() {
        (calls, true)
    } else {
        return Ok(None);
    };
    let name = path.file_name().unwrap_or_default().to_string_lossy().into_owned();
    let mut rows = Vec::new();
    for_each_line(&path, |number, line| {
        match read_line(line, flat) {
            Line::Blank => {}
            Line::Broken(reason) => return Err(Error::corrupt(&path, format!("line {number}: {reason}"))),
            Line::Kindless(_) => return Err(Error::LegacyEvents { path: path.clone(), line: number }),
            Line::Invalid { row, error } => {
                warnings.push(format!("{name} line {number}: {error}"));
                rows.push(Row { raw: Value::Object(row), event: None });
            }
            Line::Event { row, event } => rows.push(Row { raw: Value::Object(row), event: Some(event) }),
        }
        Ok(())
    })?;
    Ok(Some(rows))
}

fn read_line(line: &str, flat: bool) -> Line {
    match Line::read(line) {
        Line::Kindless(row) if flat && event::is_recorder_row(&row) => {
            Line::read(&Value::Object(event::event_row(row)).to_string())
        }
        other => other,
    }
}

fn score_of_verdict(path: &Path) -> Result<Option<Score>, Error> {
    let text = read_text(path)?.unwrap_or_default();
    match Reading::of(text.as_bytes()) {
        Reading::Ok(verdict) => Ok(Some(Score {
            counts: verdict.counts,
            status: verdict.state,
            satisfaction: verdict.score,
            pass_threshold: verdict.pass_threshold,
            results: verdict.criteria_results,
            source: verdict.source,
        })),
        // A verdict of another version is shown as it is in the JSON document and has no score to print.
        Reading::StaleVersion(_) | Reading::Unreadable(_) => Ok(None),
    }
}

fn health(layer: &'static str, count: u64, expected: Option<u64>) -> LayerHealth {
    let status = match expected {
        Some(least) if count < least => LayerStatus::Warning,
        None if count == 0 => LayerStatus::None,
        _ => LayerStatus::Ok,
    };
    LayerHealth { layer, count, expected, status }
}

fn describe(row: &Row) -> Vec<String> {
    let Some(event) = row.event.as_deref() else {
        return vec![format!("- {}", row.raw)];
    };
    let known = |number: Option<u64>| number.map_or("?".to_owned(), |number| number.to_string());
    let or_unknown = |text: &Option<String>| text.clone().unwrap_or_else(|| "?".to_owned());
    let (head, detail) = match event {
        Event::TwinHttp(call) => return describe_call(call),
        Event::LlmCall(call) if call.gen_ai.is_some() => return describe_model_call(call),
        Event::LlmCall(call) => (
            format!("{}:{} ({}ms)", call.host, call.port, call.latency_ms),
            format!("in={}B  out={}B", call.bytes_in, call.bytes_out),
        ),
        Event::ToolUse(tool_use) => (tool_use.tool_name.clone(), format!("tool_use_id={}", tool_use.tool_use_id)),
        Event::ToolResult(result) => (
            if result.is_error { "error".to_owned() } else { "ok".to_owned() },
            format!("tool_use_id={}", result.tool_use_id),
        ),
        Event::SubagentSpawn(spawn) => (String::new(), format!("parent_tool_use_id={}", spawn.parent_tool_use_id)),
        Event::Hook(hook) => (
            hook.hook_name.clone(),
            format!(
                "tool={}  causing_tool_use_id={}",
                or_unknown(&hook.tool_name),
                or_unknown(&hook.causing_tool_use_id)
            ),
        ),
        Event::LlmTurn(turn) => (
            format!(
                "turn {} ({}{}ms)",
                turn.turn_index,
                if turn.latency_ms_estimated { "~" } else { "" },
                turn.latency_ms
            ),
            format!(
                "model={}  in={}  out={}",
                or_unknown(&turn.model),
                known(turn.input_tokens),
                known(turn.output_tokens)
            ),
        ),
        Event::OtelSpan(span) => (span.name.clone(), format!("trace={}  span={}", span.trace_id, span.span_id)),
        Event::Unknown(_) => return vec![format!("- {}  {}", event.kind(), event.ts())],
    };
    vec![format!("- {}  {head}", event.kind()).trim_end().to_owned(), format!("    {detail}")]
}

/// A call inside a decrypted tunnel.
fn describe_model_call(call: &LlmCallEvent) -> Vec<String> {
    let known = |number: Option<u64>| number.map_or("?".to_owned(), |number| number.to_string());
    let or_unknown = |text: &Option<String>| text.clone().unwrap_or_else(|| "?".to_owned());
    let failed = if call.status.is_none_or(|status| status >= 400) { "ERR " } else { "" };
    let mut head = format!(
        "- {}  {} {} → {failed}{} ({}ms)",
        event::kind::LlmCall::NAME,
        or_unknown(&call.method),
        or_unknown(&call.url),
        known(call.status),
        call.latency_ms
    );
    let gen_ai = call.gen_ai.as_deref().cloned().unwrap_or_default();
    if let Some(model) = &call.model {
        let _ = write!(head, "  {model}  tokens={}+{}", known(call.prompt_tokens), known(call.completion_tokens));
    }
    let mut detail = format!("    in={}B  out={}B", call.bytes_in, call.bytes_out);
    if let Some(reasons) = &gen_ai.finish_reasons {
        let _ = write!(detail, "  stop={}", reasons.join(","));
    }
    if !gen_ai.tool_calls.is_empty() {
        let names: Vec<&str> = gen_ai.tool_calls.iter().map(|tool| tool.name.as_deref().unwrap_or("?")).collect();
        let _ = write!(detail, "  tools={}", names.join(","));
    }
    if let Some(error) = &gen_ai.error_type {
        let _ = write!(detail, "  error={error}");
    }
    vec![head, detail]
}

fn describe_call(call: &TwinHttpEvent) -> Vec<String> {
    let failed = call.status >= 400;
    let mut head = format!(
        "- {}  {} {} → {}{} ({}ms)",
        event::kind::TwinHttp::NAME,
        call.method,
        call.path,
        if failed { "ERR " } else { "" },
        call.status,
        call.latency_ms
    );
    if call.state_mutation {
        head.push_str(" [mutation]");
    }
    if call.idempotency_dedupe {
        head.push_str(" [dedupe-replay]");
    }
    let fidelity = match call.fidelity {
        Fidelity::Semantic => "semantic",
        Fidelity::Unsupported => "unsupported",
    };
    let mut detail = format!("    twin={}  fidelity={fidelity}", call.twin);
    if let Some(tool) = &call.tool {
        let _ = write!(detail, "  tool={tool}");
    }
    if let Some(error) = &call.error {
        let _ = write!(detail, "  error={error}");
    }
    vec![head, detail]
}

/// Lines without anything that could steer a terminal.
#[derive(Default)]
struct Text(String);

impl Text {
    fn line(&mut self, line: &str) {
        self.0.extend(
            line.chars()
                .map(|char| if char == '\n' { ' ' } else { char })
                .filter(|char| *char == '\t' || !char.is_control()),
        );
        self.0.push('\n');
    }
}

#[cfg(test)]
mod tests {
    use pome_tests::folder;

    use super::*;
    use crate::samples;

    const TS: &str = "2026-05-01T10:00:01.000Z";

    fn text(dir: &Path) -> String {
        View::read(dir).unwrap().text().replace(&dir.display().to_string(), "[dir]")
    }

    #[test]
    fn a_run_on_one_screen() {
        let refused = samples::call("req_2", TS, None)
            .replace("\"status\":200", "\"status\":422")
            .replace("\"error\":null", "\"error\":\"Validation\\n\\u001b[31mFailed\"");
        let changed = samples::call("req_3", TS, None).replace("\"state_mutation\":false", "\"state_mutation\":true");
        let events = [
            samples::call("req_1", TS, None),
            refused,
            changed,
            samples::tool_use("e", TS, "toolu_1"),
            format!(r#"{{"kind":"FutureEvent","ts":"{TS}","x":1}}"#),
            r#"{"kind":"ToolUseEvent"}"#.to_owned(),
        ];
        let score = json!({"satisfaction": 100, "passed": 1, "failed": 0, "status": "pass", "results": [
            {"id": "crit_0", "criterion": {"type": "D", "text": "It is closed"}, "passed": true, "skipped": false,
             "reason": "issue #1 is closed"}]});
        let dir = folder(&[
            ("meta.json", r#"{"run_id":"run_1","twins":["github"]}"#),
            ("events.jsonl", &events.join("\n")),
            ("score.json", &score.to_string()),
        ]);
        let expected = "\
Run: run_1
Directory: [dir]
Trace health:
  proxy: 0/no expectation [none]
  twin: 3/expected≥1 [ok]
  CAS adapter: 1/no expectation [ok]
Events (6):
- TwinHttpEvent  GET /s/run_1/repos/acme/api/issues/1 → 200 (3ms)
    twin=github  fidelity=semantic  tool=get_issue
- TwinHttpEvent  GET /s/run_1/repos/acme/api/issues/1 → ERR 422 (3ms)
    twin=github  fidelity=semantic  tool=get_issue  error=Validation [31mFailed
- TwinHttpEvent  GET /s/run_1/repos/acme/api/issues/1 → 200 (3ms) [mutation]
    twin=github  fidelity=semantic  tool=get_issue
- ToolUseEvent  get_issue
    tool_use_id=toolu_1
- FutureEvent  2026-05-01T10:00:01.000Z
- {\"kind\":\"ToolUseEvent\"}
Score: 100/100
✓ [code] It is closed
  issue #1 is closed
";
        assert_eq!(text(dir.path()), expected);
        assert_eq!(View::read(dir.path()).unwrap().warnings, ["events.jsonl line 6: `ts`: is missing"]);
    }

    #[test]
    fn a_killed_run_shows_what_there_is() {
        let dir = folder(&[("events.jsonl", &samples::call("req_1", TS, None))]);
        let text = text(dir.path());
        assert!(text.contains("Events (1):") && text.contains("  twin: 1/no expectation [ok]"), "{text}");
        assert!(text.ends_with("Score: (not scored)\n"), "{text}");
        let empty = folder(&[]);
        assert!(View::read(empty.path()).unwrap().text().contains("Events: (events.jsonl not found)"));
    }

    #[test]
    fn the_oldest_runs_show_their_calls() {
        let row = Value::Object(event::recorder_row(
            serde_json::from_str::<Value>(&samples::call("req_1", TS, None)).unwrap().as_object().unwrap().clone(),
        ));
        let dir = folder(&[("tool_calls.jsonl", &format!("{row}\n\n"))]);
        assert!(text(dir.path()).contains("- TwinHttpEvent  GET"));
    }

    #[test]
    fn broken_and_legacy_lines_are_errors_with_their_line() {
        let dir = folder(&[("events.jsonl", "\n{\n")]);
        let error = View::read(dir.path()).unwrap_err();
        assert!(error.to_string().contains("is corrupt: line 2: EOF"), "{error}");
        let dir = folder(&[("events.jsonl", "{\"method\":\"GET\",\"path\":\"/\",\"status\":200}\n")]);
        let error = View::read(dir.path()).unwrap_err();
        assert!(matches!(error, Error::LegacyEvents { line: 1, .. }), "{error}");
        assert_eq!(error.exit(), pome_wire::Exit::Orchestrator);
    }

    #[test]
    fn the_document_keeps_every_key() {
        let dir = folder(&[("meta.json", r#"{"run_id":"run_1","twins":["github"],"future":1}"#), ("events.jsonl", "")]);
        let expected = json!({
            "meta": {"run_id": "run_1", "twins": ["github"], "future": 1}, "score": null, "verdict": null,
            "trace_health": [
                {"layer": "proxy", "count": 0, "expected": null, "status": "none"},
                {"layer": "twin", "count": 0, "expected": 1, "status": "warning"},
                {"layer": "adapter", "count": 0, "expected": null, "status": "none"}],
            "events": [], "run": null});
        assert_eq!(View::read(dir.path()).unwrap().json(), expected);
    }
}
