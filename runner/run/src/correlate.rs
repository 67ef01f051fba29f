//! Groups recorded calls into steps and lanes, for a reader who asks what the agent did when.

use std::collections::{BTreeMap, BTreeSet};

use pome_wire::event::{Event, Line};
use pome_wire::time;
use serde::Serialize;
use serde_json::{Map, Value};

use crate::merge::is_old_signal;

/// Calls further apart than this belong to different steps.
const GAP_MS: i64 = 500;

/// What the grouping rests on.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum CorrelatorKind {
    /// Time and paths only.
    Heuristic,
    /// What the agent's SDK signalled.
    AdapterRich,
}

/// Calls that belong together in time.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Step {
    /// Unique in the run.
    pub id: String,
    /// Its first call, or when it was announced.
    pub started_at: String,
    /// Its last call.
    pub ended_at: String,
    /// The family of its calls, when they have one.
    pub label: Option<String>,
    /// In order of appearance.
    pub lane_ids: Vec<String>,
}

/// Calls of one step that are alike.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Lane {
    /// Unique in the run.
    pub id: String,
    /// The step it is in.
    pub step_id: String,
    /// The twin that was called.
    pub twin: String,
    /// `POST /repos/acme (2 calls)`
    pub label: Option<String>,
    /// In time order.
    pub request_ids: Vec<String>,
}

/// All lanes and steps of a run.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Correlation {
    /// What the grouping rests on.
    pub kind: CorrelatorKind,
    /// In order of their steps.
    pub lanes: Vec<Lane>,
    /// In time order, the uncorrelated one last.
    pub steps: Vec<Step>,
}

impl Correlation {
    /// The step of every call, by request id.
    pub fn step_ids(&self) -> BTreeMap<&str, &str> {
        let of = |lane| -> Vec<(&str, &str)> {
            let lane: &Lane = lane;
            lane.request_ids.iter().map(|id| (id.as_str(), lane.step_id.as_str())).collect()
        };
        self.lanes.iter().flat_map(of).collect()
    }
}

struct Call {
    ts: String,
    request_id: String,
    twin: String,
    method: String,
    /// Without the session prefix.
    path: String,
    cause: Option<String>,
}

/// What the agent's SDK said about steps.
#[derive(Default)]
struct Hints {
    /// Start and id of each step.
    steps: Vec<(String, String)>,
    /// Time and id of each tool call.
    tool_calls: Vec<(String, String)>,
}

/// Groups the calls of a trace. `signals` are the lines of `signals.jsonl`, for signals of the oldest form.
pub fn correlate(events: &str, signals: &str) -> Correlation {
    let (mut calls, mut old, mut turns) = (Vec::new(), Hints::default(), Hints::default());
    for line in events.lines() {
        match Line::read(line) {
            Line::Event { event, .. } => read_event(&event, &mut calls, &mut turns),
            Line::Kindless(row) => read_old(&row, &mut old),
            Line::Blank | Line::Broken(_) | Line::Invalid { .. } => {}
        }
    }
    for line in signals.lines() {
        if let Line::Kindless(row) = Line::read(line) {
            read_old(&row, &mut old);
        }
    }
    calls.sort_by(|left, right| left.ts.cmp(&right.ts));
    let has_old = !old.steps.is_empty() || !old.tool_calls.is_empty();
    if has_old {
        by_hints(&calls, old)
    } else if turns.steps.is_empty() {
        heuristic(&calls)
    } else {
        by_hints(&calls, turns)
    }
}

/// The trace with the step of every call filled in; `None` when nothing changes.
pub(crate) fn with_steps(events: &str, signals: &str) -> Option<String> {
    let correlation = correlate(events, signals);
    let steps = correlation.step_ids();
    if steps.is_empty() {
        return None;
    }
    let mut changed = false;
    let mut text = String::with_capacity(events.len() + steps.len() * 16);
    for line in events.split_inclusive('\n') {
        match with_step(line, &steps) {
            Some(row) => {
                changed = true;
                text.push_str(&Value::Object(row).to_string());
                text.push('\n');
            }
            None => text.push_str(line),
        }
    }
    changed.then_some(text)
}

fn with_step(line: &str, steps: &BTreeMap<&str, &str>) -> Option<Map<String, Value>> {
    let Line::Event { mut row, event } = Line::read(line) else { return None };
    let Event::TwinHttp(call) = *event else { return None };
    let step = *steps.get(call.request_id.as_str())?;
    if call.step_id.as_deref() == Some(step) {
        return None;
    }
    row.insert("step_id".to_owned(), step.into());
    Some(row)
}

fn read_event(event: &Event, calls: &mut Vec<Call>, turns: &mut Hints) {
    match event {
        Event::TwinHttp(call) => calls.push(Call {
            ts: call.ts.clone(),
            request_id: call.request_id.clone(),
            twin: call.twin.clone(),
            method: call.method.clone(),
            path: without_session(&call.path).to_owned(),
            cause: call.tool_call_id.clone().or_else(|| call.correlation_id.clone()),
        }),
        Event::LlmTurn(turn) => turns.steps.push((turn.ts.clone(), format!("stp_t{}", turn.turn_index))),
        Event::ToolUse(tool_use) => turns.tool_calls.push((tool_use.ts.clone(), tool_use.tool_use_id.clone())),
        _ => {}
    }
}

fn read_old(row: &Map<String, Value>, old: &mut Hints) {
    let text = |key: &str| row.get(key).and_then(Value::as_str).map(str::to_owned);
    if !is_old_signal(row) {
        return;
    }
    let Some(ts) = text("ts") else { return };
    match (text("type").as_deref(), text("step_id"), text("tool_call_id")) {
        (Some("step"), Some(step), _) => old.steps.push((ts, step)),
        (Some("tool_call"), _, Some(call)) => old.tool_calls.push((ts, call)),
        _ => {}
    }
}

fn without_session(path: &str) -> &str {
    let Some(rest) = path.strip_prefix("/s/") else { return path };
    rest.find('/').and_then(|at| rest.get(at..)).unwrap_or("/")
}

/// The first two segments of a path.
fn family(path: &str) -> String {
    let segments: Vec<&str> = path.split('/').filter(|segment| !segment.is_empty()).take(2).collect();
    format!("/{}", segments.join("/"))
}

fn heuristic(calls: &[Call]) -> Correlation {
    let mut groups: Vec<(String, Vec<&Call>)> = Vec::new();
    for call in calls {
        let this = family(&call.path);
        match groups.last_mut() {
            Some((last, group)) if *last == this && !is_gap(group.last().map(|call| call.ts.as_str()), &call.ts) => {
                group.push(call);
            }
            _ => groups.push((this, vec![call])),
        }
    }
    let (mut lanes, mut steps) = (Vec::new(), Vec::new());
    for (index, (family, group)) in groups.into_iter().enumerate() {
        let number = index + 1;
        let step_id = format!("stp_h{number:02}");
        let alike = in_order(&group, |call| (call.method.clone(), String::new(), String::new()));
        let mut lane_ids = Vec::new();
        for (index, (calls, (method, ..))) in alike.into_iter().enumerate() {
            let id = format!("ln_h{number:02}_{:02}", index + 1);
            lanes.push(lane(&id, &step_id, &calls, &method, &family));
            lane_ids.push(id);
        }
        steps.push(step(step_id, None, Some(family), lane_ids, &group));
    }
    Correlation { kind: CorrelatorKind::Heuristic, lanes, steps }
}

fn is_gap(previous: Option<&str>, ts: &str) -> bool {
    match (previous.and_then(time::parse), time::parse(ts)) {
        (Some(previous), Some(ts)) => ts - previous > GAP_MS,
        _ => false,
    }
}

fn by_hints(calls: &[Call], mut hints: Hints) -> Correlation {
    hints.steps.sort();
    let mut taken = BTreeSet::new();
    for (_, id) in &mut hints.steps {
        let base = id.clone();
        // Several conversations each count their turns from 0.
        for number in 2.. {
            if taken.insert(id.clone()) {
                break;
            }
            *id = format!("{base}_{number}");
        }
    }
    // The last step that starts no later than the time contains it.
    let containing = |ts: &str| hints.steps.iter().rposition(|(start, _)| start.as_str() <= ts);
    let bound: BTreeMap<&str, usize> =
        hints.tool_calls.iter().filter_map(|(ts, id)| Some((id.as_str(), containing(ts)?))).collect();
    let mut groups: BTreeMap<usize, Vec<&Call>> = BTreeMap::new();
    for call in calls {
        let by_id = call.cause.as_deref().and_then(|id| bound.get(id).copied());
        let index = by_id.or_else(|| containing(&call.ts)).unwrap_or(usize::MAX);
        groups.entry(index).or_default().push(call);
    }
    let (mut lanes, mut steps) = (Vec::new(), Vec::new());
    for (index, group) in groups {
        let announced = hints.steps.get(index);
        let step_id = announced.map_or("stp_uncorrelated", |(_, id)| id).to_owned();
        let alike = in_order(&group, |call| (call.method.clone(), call.twin.clone(), call.path.clone()));
        let mut lane_ids = Vec::new();
        for (index, (calls, (method, _, path))) in alike.into_iter().enumerate() {
            let id = format!("{step_id}__l{}", index + 1);
            lanes.push(lane(&id, &step_id, &calls, &method, &path));
            lane_ids.push(id);
        }
        steps.push(step(step_id, announced.map(|(start, _)| start.as_str()), None, lane_ids, &group));
    }
    Correlation { kind: CorrelatorKind::AdapterRich, lanes, steps }
}

/// Calls with the same key together, in order of first appearance.
fn in_order<'a, K: Ord + Clone>(calls: &[&'a Call], key: impl Fn(&Call) -> K) -> Vec<(Vec<&'a Call>, K)> {
    let mut groups: Vec<(Vec<&Call>, K)> = Vec::new();
    let mut places = BTreeMap::new();
    for call in calls {
        let key = key(call);
        let place = *places.entry(key.clone()).or_insert(groups.len());
        match groups.get_mut(place) {
            Some((group, _)) => group.push(call),
            None => groups.push((vec![call], key)),
        }
    }
    groups
}

fn lane(id: &str, step_id: &str, calls: &[&Call], method: &str, family: &str) -> Lane {
    let noun = if calls.len() == 1 { "call" } else { "calls" };
    Lane {
        id: id.to_owned(),
        step_id: step_id.to_owned(),
        twin: calls.first().map(|call| call.twin.clone()).unwrap_or_default(),
        label: Some(format!("{method} {family} ({} {noun})", calls.len())),
        request_ids: calls.iter().map(|call| call.request_id.clone()).collect(),
    }
}

fn step(id: String, announced: Option<&str>, label: Option<String>, lane_ids: Vec<String>, calls: &[&Call]) -> Step {
    let first = calls.first().map(|call| call.ts.as_str()).unwrap_or_default();
    Step {
        id,
        started_at: announced.map_or(first, |announced| announced.min(first)).to_owned(),
        ended_at: calls.last().map(|call| call.ts.clone()).unwrap_or_default(),
        label,
        lane_ids,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::samples;

    fn at(id: &str, millis: i64, method: &str, path: &str) -> String {
        let mut row: Value =
            serde_json::from_str(&samples::call(id, &time::format(1_777_629_600_000 + millis), None)).unwrap();
        row["method"] = method.into();
        row["path"] = path.into();
        row.to_string()
    }

    #[test]
    fn calls_of_one_family_within_half_a_second_are_one_step_with_a_lane_a_method() {
        let events = [
            at("a", 0, "GET", "/s/run_1/repos/acme/api/issues"),
            at("b", 500, "POST", "/s/run_1/repos/acme/api/issues/1/labels"),
            at("c", 1000, "GET", "/s/run_1/repos/acme/other"),
        ];
        let found = correlate(&events.join("\n"), "");
        assert_eq!(found.kind, CorrelatorKind::Heuristic);
        let step = Step {
            id: "stp_h01".to_owned(),
            started_at: "2026-05-01T10:00:00.000Z".to_owned(),
            ended_at: "2026-05-01T10:00:01.000Z".to_owned(),
            label: Some("/repos/acme".to_owned()),
            lane_ids: vec!["ln_h01_01".to_owned(), "ln_h01_02".to_owned()],
        };
        assert_eq!(found.steps, [step]);
        let lanes: Vec<_> =
            found.lanes.iter().map(|lane| (lane.label.as_deref().unwrap(), &lane.request_ids)).collect();
        assert_eq!(
            lanes,
            [
                ("GET /repos/acme (2 calls)", &vec!["a".to_owned(), "c".to_owned()]),
                ("POST /repos/acme (1 call)", &vec!["b".to_owned()])
            ]
        );
    }

    #[test]
    fn a_gap_or_another_family_starts_a_step() {
        let events = [
            at("a", 0, "GET", "/s/x/repos/acme/api"),
            at("b", 501, "GET", "/s/x/repos/acme/api"),
            at("c", 502, "GET", "/s/x/user"),
            at("d", 503, "GET", "/s/x"),
        ];
        let found = correlate(&events.join("\n"), "");
        let steps: Vec<_> = found.steps.iter().map(|step| (step.id.as_str(), step.label.as_deref().unwrap())).collect();
        assert_eq!(
            steps,
            [("stp_h01", "/repos/acme"), ("stp_h02", "/repos/acme"), ("stp_h03", "/user"), ("stp_h04", "/")]
        );
    }

    #[test]
    fn nothing_recorded_is_nothing() {
        let found = correlate("", "");
        assert_eq!((found.lanes, found.steps), (vec![], vec![]));
    }

    #[test]
    fn old_signals_open_steps_and_bind_calls() {
        let signals = [
            r#"{"ts":"2026-05-01T10:00:01.000Z","type":"step","step_id":"s1"}"#,
            r#"{"ts":"2026-05-01T10:00:01.500Z","type":"tool_call","tool_call_id":"t1","tool_name":"x"}"#,
            r#"{"ts":"2026-05-01T10:00:03.000Z","type":"step","step_id":"s2"}"#,
        ];
        let events = [
            at("early", 0, "GET", "/s/x/a"),
            samples::call("bound", "2026-05-01T10:00:04.000Z", Some("t1")),
            at("later", 5000, "GET", "/s/x/b"),
        ];
        let found = correlate(&events.join("\n"), &signals.join("\n"));
        assert_eq!(found.kind, CorrelatorKind::AdapterRich);
        assert_eq!(
            found.step_ids().into_iter().collect::<Vec<_>>(),
            [("bound", "s1"), ("early", "stp_uncorrelated"), ("later", "s2")]
        );
        let steps: Vec<&str> = found.steps.iter().map(|step| step.id.as_str()).collect();
        assert_eq!(steps, ["s1", "s2", "stp_uncorrelated"]);
        assert_eq!(found.steps[0].started_at, "2026-05-01T10:00:01.000Z");
        assert_eq!(found.lanes[0].id, "s1__l1");
    }

    #[test]
    fn turns_open_steps_and_the_trace_learns_them() {
        let turn = r#"{"ts":"2026-05-01T09:59:59.000Z","event_id":"t","parent_event_id":null,"kind":"LlmTurnEvent","turn_index":0,"latency_ms":1,"latency_ms_estimated":false}"#;
        let events = format!("{turn}\nraw line\n{}\n", at("a", 0, "GET", "/s/x/a"));
        let text = with_steps(&events, "").unwrap();
        let last: Value = serde_json::from_str(text.lines().last().unwrap()).unwrap();
        assert_eq!(last["step_id"], "stp_t0");
        assert!(text.starts_with(&format!("{turn}\nraw line\n")));
        assert_eq!(with_steps(&text, ""), None);
    }
}
