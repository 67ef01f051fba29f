//! The samples in `tests/contract` are what is written, key by key, and older spellings are understood.

#![expect(clippy::unwrap_used, clippy::panic, reason = "a test fails by panicking")]

use std::collections::BTreeMap;
use std::path::Path;

use pome_wire::event::{self, EgressRefusedEvent, Event, Line};
use pome_wire::latest::Latest;
use pome_wire::meta::{MetaView, RunMeta, RunMode, RunStatus, SPEC_VERSION, SeedSource, StopReason};
use pome_wire::project::{Language, Mode, Project, Spelling};
use pome_wire::score::{Counts, CriterionResult, Outcome, Score, ScoreSource, ScoreStatus};
use pome_wire::verdict::{Reading, Verdict, VerdictContext};
use serde::Serialize;
use serde_json::{Map, Value, json};

fn sample(name: &str) -> (String, Value) {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../tests/contract").join(name);
    let text = std::fs::read_to_string(&path).unwrap_or_else(|error| panic!("{}: {error}", path.display()));
    let value = serde_json::from_str(&text).unwrap();
    (text, value)
}

fn object(value: &Value) -> Map<String, Value> {
    value.as_object().unwrap().clone()
}

fn written(document: &impl Serialize) -> String {
    format!("{}\n", serde_json::to_string_pretty(document).unwrap())
}

#[test]
fn every_kind_of_event_comes_back_as_it_was() {
    for name in [
        "twin-http-event.json",
        "llm-call-event.json",
        "llm-call-event-decrypted.json",
        "tool-use-event.json",
        "tool-result-event.json",
        "subagent-spawn-event.json",
        "hook-event.json",
        "llm-turn-event.json",
        "otel-span-event.json",
    ] {
        let (text, value) = sample(name);
        let Line::Event { event, .. } = Line::read(&value.to_string()) else { panic!("{name} is no event") };
        assert!(!matches!(*event, Event::Unknown(_)), "{name}");
        assert_eq!(event.kind(), value["kind"]);
        assert_eq!(written(&event), text, "{name}");

        let mut with_more = object(&value);
        with_more.insert("from_the_future".to_owned(), json!([1]));
        let event = Event::read(with_more.clone()).unwrap();
        assert_eq!(serde_json::to_value(event).unwrap(), Value::Object(with_more), "{name}");
    }
    let (text, value) = sample("egress-refused-event.json");
    assert_eq!(written(&EgressRefusedEvent::read(object(&value)).unwrap()), text);
}

#[test]
fn an_unknown_kind_is_kept_as_it_is() {
    let row = json!({"kind": "FutureEvent", "ts": "t", "x": {"y": null}});
    let event = Event::read(object(&row)).unwrap();
    assert_eq!((event.kind(), event.ts()), ("FutureEvent", "t"));
    assert_eq!(serde_json::to_value(event).unwrap(), row);
}

#[test]
fn a_row_that_breaks_its_kind_names_the_key() {
    let problem = |name: &str, key: &str, value: Value| {
        let mut row = object(&sample(name).1);
        row.insert(key.to_owned(), value);
        match Line::read(&Value::Object(row).to_string()) {
            Line::Invalid { error, .. } => error.to_string(),
            other => panic!("{other:?}"),
        }
    };
    let http = "twin-http-event.json";
    assert_eq!(problem(http, "status", json!("200")), "`status`: expected an integer up to 65535, found \"200\"");
    assert_eq!(problem(http, "twin", json!("")), "`twin`: is empty");
    assert_eq!(
        problem(http, "fidelity", json!("shape")),
        "`fidelity`: expected one of `semantic`, `unsupported`, found \"shape\""
    );
    assert_eq!(problem(http, "state_delta", json!({"before": 1})), "`state_delta.before`: expected an object, found 1");
    let span = "otel-span-event.json";
    assert_eq!(
        problem(span, "gen_ai_request_model", json!("other")),
        "`gen_ai_request_model`: differs from the attributes"
    );
    assert_eq!(problem(span, "event_id", json!("0123456789abcdef")), "`event_id`: differs from `span_id`");
    assert_eq!(
        problem(span, "trace_id", json!("0".repeat(32))),
        "`trace_id`: expected 32 lower-case hex digits, not all zero"
    );
    assert_eq!(problem(span, "end_time_unix_nano", json!("1")), "`end_time_unix_nano`: lies before the start");
}

#[test]
fn the_parent_of_older_rows_is_found() {
    let parent = |change: &dyn Fn(&mut Map<String, Value>)| {
        let mut row = object(&sample("tool-use-event.json").1);
        row.shift_remove("parent_event_id");
        change(&mut row);
        match Event::read(row).unwrap() {
            Event::ToolUse(event) => (event.parent_event_id, event.extra.contains_key("parent_id")),
            other => panic!("{other:?}"),
        }
    };
    let insert = |row: &mut Map<String, Value>, key: &str, value: Value| drop(row.insert(key.to_owned(), value));
    assert_eq!(parent(&|row| insert(row, "parent_id", json!("old"))), (Some("old".to_owned()), false));
    let both = parent(&|row| {
        insert(row, "parent_id", json!("old"));
        insert(row, "parent_event_id", json!("new"));
    });
    assert_eq!(both, (Some("new".to_owned()), false));
    let explicit_null = parent(&|row| {
        insert(row, "parent_id", json!("old"));
        insert(row, "parent_event_id", Value::Null);
    });
    assert_eq!(explicit_null, (None, false));
    assert_eq!(parent(&|_| {}), (None, false));

    let mut hook = object(&sample("hook-event.json").1);
    hook.shift_remove("causing_tool_use_id");
    insert(&mut hook, "parent_id", json!("toolu_9"));
    let Event::Hook(read) = Event::read(hook.clone()).unwrap() else { panic!() };
    assert_eq!((read.causing_tool_use_id.as_deref(), read.parent_event_id), (Some("toolu_9"), None));
    insert(&mut hook, "causing_tool_use_id", json!("toolu_1"));
    let Event::Hook(read) = Event::read(hook).unwrap() else { panic!() };
    assert_eq!(read.causing_tool_use_id.as_deref(), Some("toolu_1"));
}

#[test]
fn an_older_step_id_is_copied_to_its_new_name() {
    let mut row = object(&sample("twin-http-event.json").1);
    row.shift_remove("task_step_id");
    row.insert("scenario_step_id".to_owned(), json!("s1"));
    let Event::TwinHttp(call) = Event::read(row).unwrap() else { panic!() };
    assert_eq!((call.task_step_id.as_deref(), call.scenario_step_id.as_deref()), (Some("s1"), Some("s1")));
}

#[test]
fn a_recorded_call_and_its_event_are_converted_into_each_other() {
    let (row, event) = (sample("tool-call.json").1, sample("twin-http-event.json").1);
    let text = |map: Map<String, Value>| Value::Object(map).to_string();
    assert_eq!(text(event::recorder_row(object(&event))), row.to_string());
    assert_eq!(text(event::event_row(object(&row))), event.to_string());
    assert_eq!(text(event::event_row(object(&event))), event.to_string());
    assert!(event::is_recorder_row(&object(&row)));
    let mut foreign = object(&row);
    foreign.insert("kind".to_owned(), json!("other"));
    assert_eq!(text(event::event_row(foreign)), event.to_string());
}

#[test]
fn meta_is_written_key_by_key() {
    let (text, value) = sample("meta.json");
    let meta = RunMeta {
        run_id: "run_aB3kPq90Zx".to_owned(),
        scenario: "01-bug-happy-path".to_owned(),
        title: "Bug happy path".to_owned(),
        started_at: "2026-05-01T10:00:00.000Z".to_owned(),
        completed_at: "2026-05-01T10:00:05.120Z".to_owned(),
        exit_code: Some(0),
        twins: vec!["github".to_owned()],
        spec_version: SPEC_VERSION,
        twin_versions: BTreeMap::from([("github".to_owned(), "0.1.0".to_owned())]),
        mode: RunMode::Local,
        status: RunStatus::Pass,
        stop_reason: StopReason::AgentExit0,
        timed_out: false,
        duration_ms: 5120,
        agent_model: "unknown".to_owned(),
        agent_version: None,
        agent_sdk: None,
        satisfaction_score: Some(100),
        pass_threshold: Some(100.0),
        scenario_path: "scenarios/01-bug-happy-path.md".to_owned(),
        scenario_hash: value["scenario_hash"].as_str().unwrap().to_owned(),
        seed_source: SeedSource::Sidecar,
        tags: Vec::new(),
        group_id: None,
        trial: None,
        session_id: None,
        cloud_run_id: None,
        dashboard_url: None,
        events_dropped: 0,
        pome_version: "0.1.0".to_owned(),
        extra: Map::new(),
    };
    assert_eq!(written(&meta), text);
    let view = MetaView::read(value.clone()).unwrap();
    assert_eq!((view.twins, view.duration_ms, view.satisfaction_score), (meta.twins, Some(5120), Some(100)));
    assert_eq!(Value::Object(view.raw), value);
    assert_eq!(MetaView::read(json!({})).unwrap(), MetaView::default());
    assert_eq!(
        MetaView::read(json!({"twins": 1})).unwrap_err().to_string(),
        "`twins`: expected a list of strings, found 1"
    );
}

#[test]
fn score_and_verdict_come_back_as_they_were() {
    let (text, value) = sample("score.json");
    let score = Score::read(value).unwrap();
    assert_eq!(written(&score), text);
    let again = Score::of(score.results.clone(), 100.0, false, ScoreSource::LocalEvaluator);
    assert_eq!(again, score);

    let (text, _) = sample("verdict.json");
    let context = VerdictContext {
        task_name: "01-bug-happy-path".to_owned(),
        task_path: "scenarios/01-bug-happy-path.md".to_owned(),
        group_id: None,
        run_id: "run_aB3kPq90Zx".to_owned(),
        duration_ms: 5120,
        finalized_at: "2026-05-01T10:00:05.200Z".to_owned(),
    };
    let verdict = Verdict::local(&score, context);
    assert_eq!(written(&verdict), text);
    assert_eq!(Reading::of(text.as_bytes()), Reading::Ok(Box::new(verdict)));
}

#[test]
fn a_verdict_file_can_be_stale_or_unreadable() {
    let change = |key: &str, value: Value| {
        let mut verdict = sample("verdict.json").1;
        verdict[key] = value;
        Reading::of(verdict.to_string().as_bytes())
    };
    assert_eq!(change("version", json!(1)), Reading::StaleVersion(Some(1)));
    assert_eq!(change("version", json!("two")), Reading::StaleVersion(None));
    let unreadable = |text: &str| Reading::Unreadable(text.to_owned());
    assert_eq!(Reading::of(b"{}"), unreadable("`source`: is missing"));
    assert_eq!(
        change("source", json!("elsewhere")),
        unreadable("`source`: expected one of `local-evaluator`, `cloud-finalize`, found \"elsewhere\"")
    );
    assert_eq!(change("criteria_results", json!([{}])), unreadable("`criteria_results[0].reason`: is missing"));
    assert!(matches!(Reading::of(b"{\"version\": 2"), Reading::Unreadable(_)));
    let mut older = sample("verdict.json").1;
    let map = older.as_object_mut().unwrap();
    let path = map.shift_remove("task_path").unwrap();
    map.insert("scenario_path".to_owned(), path);
    map.insert("version".to_owned(), json!(1));
    assert_eq!(Reading::of(older.to_string().as_bytes()), Reading::StaleVersion(Some(1)));
}

#[test]
fn scores_of_older_producers_are_understood() {
    let old = json!({"satisfaction": 50, "status": "unevaluated", "results": [
        {"criterion": {"type": "D", "text": "a"}, "passed": true, "skipped": false, "reason": ""},
        {"criterion": {"type": "P", "text": "b"}, "passed": false, "skipped": true, "reason": "judge_not_configured"}]});
    let score = Score::read(old).unwrap();
    assert_eq!((score.status, score.counts.passed, score.counts.skipped), (ScoreStatus::Incomplete, 1, 1));
    let kinds: Vec<&str> = score.results.iter().map(|result| result.criterion.kind.as_str()).collect();
    assert_eq!(kinds, ["code", "model"]);
    let outcomes: Vec<Outcome> = score.results.iter().map(|result| result.outcome).collect();
    assert_eq!(outcomes, [Outcome::Passed, Outcome::Skipped]);
}

fn results(outcomes: &[(Outcome, &str)]) -> Vec<CriterionResult> {
    let one = |(outcome, reason): &(Outcome, &str)| {
        CriterionResult::read(
            json!({"criterion": {"type": "code", "text": "x"}, "outcome": outcome.as_str(), "reason": reason}),
        )
        .unwrap()
    };
    outcomes.iter().map(one).collect()
}

#[test]
fn the_status_follows_from_the_outcomes() {
    use Outcome::{Errored, Failed, Passed, Skipped};

    type Row<'a> = (&'a [(Outcome, &'a str)], bool, f64, u8, ScoreStatus);
    let table: &[Row<'_>] = &[
        (&[(Passed, ""), (Passed, ""), (Failed, "")], false, 66.0, 67, ScoreStatus::Pass),
        (&[(Passed, ""), (Passed, ""), (Failed, "")], false, 67.5, 67, ScoreStatus::Fail),
        (&[(Passed, ""), (Failed, "")], false, 0.0, 50, ScoreStatus::Pass),
        (&[(Failed, "")], false, 0.0, 0, ScoreStatus::Pass),
        (&[(Passed, ""), (Skipped, "unmatched")], false, 0.0, 100, ScoreStatus::Incomplete),
        (&[(Passed, ""), (Errored, "evaluator_trap")], false, 100.0, 100, ScoreStatus::Incomplete),
        (&[(Passed, ""), (Skipped, "already_true_in_seed")], false, 100.0, 100, ScoreStatus::Pass),
        (&[(Skipped, "already_true_in_seed")], false, 0.0, 0, ScoreStatus::Incomplete),
        (&[(Passed, ""), (Skipped, "judge_not_configured")], false, 100.0, 100, ScoreStatus::Pass),
        (&[(Passed, ""), (Skipped, "judge_not_configured")], true, 100.0, 100, ScoreStatus::Incomplete),
        (&[(Failed, ""), (Skipped, "unmatched: x")], false, 100.0, 0, ScoreStatus::Incomplete),
        (&[], false, 0.0, 0, ScoreStatus::Incomplete),
    ];
    for (outcomes, require_judge, threshold, satisfaction, status) in table {
        let counts = Counts::of(&results(outcomes), *require_judge);
        assert_eq!((counts.satisfaction(), counts.status(*threshold)), (*satisfaction, *status), "{outcomes:?}");
    }
}

#[test]
fn the_last_run_has_its_older_key_too() {
    let (text, value) = sample("latest.json");
    let latest = Latest::read(value).unwrap();
    assert_eq!(written(&latest), text);
    assert_eq!(Latest::read(json!({"scenario": "x", "run_dir": "d"})).unwrap().scenario, "x");
    assert_eq!(Latest::read(json!({})).unwrap_err().to_string(), "`run_dir`: is missing");
}

#[test]
fn the_project_file_of_init_is_understood() {
    let (_, value) = sample("project.json");
    let project = Project::read(Spelling::DotPomeJson, value).unwrap();
    assert_eq!((project.mode, project.language), (Some(Mode::Local), Some(Language::TypeScript)));
    assert_eq!((project.tasks.as_deref(), project.pass_threshold), (Some("scenarios"), Some(100.0)));
    assert_eq!(project.agent.slug.as_deref(), Some("my-project"));
}
