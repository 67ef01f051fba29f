use serde::Serialize;
use serde::de::DeserializeOwned;
use serde_json::{Value, json};

use super::*;
use crate::score::{CriterionType, Outcome};

fn read<T: DeserializeOwned>(value: Value) -> T {
    serde_json::from_value(value).unwrap()
}

fn written(value: impl Serialize) -> Value {
    serde_json::to_value(value).unwrap()
}

#[test]
fn a_session_is_asked_for_in_either_vocabulary_and_task_wins() {
    let scenario: CreateSession = read(json!({"twins": ["slack"], "scenario_source": "AA==", "later": 1}));
    assert_eq!((scenario.scenario_source.as_deref(), scenario.twins), (Some("AA=="), vec!["slack".to_owned()]));
    let both: CreateSession =
        read(json!({"scenario_source": "old", "task_source": "new", "task_id": null, "tags": null}));
    assert_eq!(both.scenario_source.as_deref(), Some("new"));
    assert_eq!((both.twins.clone(), both.tags.len()), (vec!["github".to_owned()], 0));
    assert_eq!(written(both), json!({"twins": ["github"], "scenario_source": "new"}));
}

#[test]
fn a_seed_goes_through_unread() {
    let seed = json!({"issues": [{"number": 1, "z": null, "a": 1.5}]});
    let request: CreateSession = read(json!({"task_source": "x", "seed": seed}));
    assert_eq!(written(request)["seed"].to_string(), seed.to_string());
}

#[test]
fn an_old_server_leaves_out_half_of_the_answer() {
    let old: CreatedSession = read(json!({
        "session_id": "ses_1", "twin_url": "https://x.example/github/ses_1", "expires_at": "t",
        "agent_token": "edt_abc", "provider_credentials": null, "per_twin": null, "evaluation": "elsewhere",
    }));
    assert_eq!((old.session_token, old.per_twin, old.evaluation), (None, None, None));
    assert_eq!(old.agent_token.expose(), "edt_abc");
}

#[test]
fn tokens_are_not_shown() {
    let key: Exchange = read(json!({"api_key": {"full_key": "pme_secret", "id": "pme_1"}, "team_id": "tm_1"}));
    assert!(!format!("{key:?}").contains("pme_secret"));
    assert_eq!(written(&key)["api_key"]["full_key"], "pme_secret");
}

fn result_request() -> Value {
    json!({
        "duration_ms": 5, "agent_model": "unknown", "satisfaction_score": 50, "judge_model": "none",
        "criteria_results": [
            {"criterion": {"type": "D", "text": "a"}, "passed": true, "skipped": false, "reason": "r"},
            {"criterion": {"type": "P", "text": "b"}, "passed": false, "skipped": true, "reason": "judge_not_configured",
             "judge_model": "m"},
        ],
        "trace_jsonl_b64": "", "state_initial_json_b64": "e30=", "state_final_json_b64": "e30=", "agent_sdk": "  ",
    })
}

fn with(mut value: Value, more: &Value) -> Value {
    let target = value.as_object_mut().unwrap();
    target.extend(more.as_object().unwrap().clone());
    value
}

#[test]
fn a_result_is_read_in_either_vocabulary_and_normalised() {
    let old: ResultRequest = read(with(result_request(), &json!({"scenario_name": "s", "scenario_hash": "h"})));
    let new: ResultRequest =
        read(with(result_request(), &json!({"task_name": "s", "task_hash": "h", "scenario_name": "other"})));
    assert_eq!(old, new);
    assert_eq!(old.agent_sdk, None);
    let kinds: Vec<CriterionType> = old.criteria_results.iter().map(|row| row.result().criterion.kind).collect();
    assert_eq!(kinds, [CriterionType::Code, CriterionType::Model]);
    let rows = written(&old)["criteria_results"].clone();
    assert_eq!(rows[0]["criterion"]["type"], "code");
    // One of the two alone says nothing.
    assert_eq!((rows[1].get("judge_model"), rows[1].get("confidence")), (None, None));
}

#[test]
fn a_result_without_a_name_or_with_an_empty_judge_is_refused() {
    let refused = |value: Value| serde_json::from_value::<ResultRequest>(value).unwrap_err().to_string();
    assert_eq!(refused(with(result_request(), &json!({"scenario_hash": "h"}))), "`scenario_name` is missing");
    let named = with(result_request(), &json!({"scenario_hash": "h", "scenario_name": "s"}));
    assert!(refused(with(named.clone(), &json!({"judge_model": ""}))).contains("judge_model"));
    assert!(refused(with(named, &json!({"satisfaction_score": 101}))).contains("0 to 100"));
}

#[test]
fn a_judged_criterion_keeps_confidence_and_model_together() {
    let both = json!({"criterion": {"type": "model", "text": "b"}, "passed": true, "skipped": false, "reason": "",
                      "confidence": 0.5, "judge_model": "m"});
    let row: WireCriterion = read(both);
    let out = written(&row);
    assert_eq!((&out["confidence"], &out["judge_model"]), (&json!(0.5), &json!("m")));
    assert_eq!(row.result().outcome, Outcome::Passed);
}

#[test]
fn criteria_to_judge_have_either_marker() {
    let kinds: Vec<FinalizeCriterion> = read(json!([
        {"id": "crit_0", "text": "a", "kind": "D"}, {"id": "crit_1", "text": "b", "kind": "model", "always_scored": true},
    ]));
    assert_eq!(
        written(kinds),
        json!([{"id": "crit_0", "text": "a", "kind": "code"},
               {"id": "crit_1", "text": "b", "kind": "model", "always_scored": true}])
    );
}

#[test]
fn poll_answers_have_exactly_their_keys() {
    let keys = |value: Value| {
        let mut keys: Vec<String> = value.as_object().unwrap().keys().cloned().collect();
        keys.sort();
        keys.join(" ")
    };
    let (evaluation_id, run_id) = ("eval_1".to_owned(), "run_1".to_owned());
    let running = Evaluation::Running { evaluation_id: evaluation_id.clone(), run_id: run_id.clone() };
    assert_eq!(written(&running)["status"], "running");
    assert_eq!(keys(written(running)), "evaluation_id run_id status");
    let accepted = Accepted {
        evaluation_id: evaluation_id.clone(),
        run_id: run_id.clone(),
        status: Queued::Queued,
        status_url: "/v1/sessions/ses_1/evaluation".to_owned(),
    };
    assert_eq!(keys(written(accepted)), "evaluation_id run_id status status_url");
    let result = FinalizeAnswer {
        run_id: run_id.clone(),
        score: 75,
        judge_model: None,
        dashboard_url: "https://x.example/runs/run_1".to_owned(),
        criteria_results: Some(vec![]),
    };
    let completed = written(Evaluation::Completed { evaluation_id, run_id, result });
    assert_eq!(keys(completed["result"].clone()), "criteria_results dashboard_url run_id score");
    assert_eq!(keys(completed.clone()), "evaluation_id result run_id status");
    let back: Evaluation = read(completed);
    assert_eq!(back.ids(), ("eval_1", "run_1"));
    assert!(
        serde_json::from_value::<Accepted>(json!({
            "evaluation_id": "e", "run_id": "r", "status": "done", "status_url": "/"
        }))
        .is_err()
    );
}

#[test]
fn a_malformed_list_of_twins_costs_only_itself() {
    let place = json!({"url": "https://x.example/a", "key": "team-a/session-b/state_initial.json"});
    let urls: StateUploadUrls =
        read(json!({"state_initial": place, "state_final": place, "per_twin": {"github": {"state_initial": 1}}}));
    assert_eq!(urls.per_twin, None);
    assert!(urls.state_final.key.starts_with("team-"));
}

#[test]
fn a_run_row_of_another_server_is_read_and_ours_has_every_key() {
    let row: RunRow = read(json!({
        "id": "run_1", "session_id": "ses_1", "scenario_name": "s", "scenario_hash": "sha256:ab", "satisfaction_score": 66.6,
        "correlator_kind": null, "later": {},
    }));
    assert_eq!((row.name(), row.hash(), row.satisfaction_score), ("s", "ab", 67));
    let out = written(RunRow { lanes: Some(vec![]), blobs: Some(Blobs::default()), ..row });
    assert_eq!((&out["judge_tokens_in"], &out["correlator_kind"]), (&Value::Null, &json!("heuristic")));
    assert_eq!(out["blobs"]["events_jsonl"], Value::Null);
    assert!(out.get("steps").is_none(), "absent in lists");
}

#[test]
fn the_reason_of_a_refused_end_is_read_whatever_else_is_there() {
    let details: Ungraded = read(
        json!({"reason": UNGRADED_SESSION, "discard_token": 5, "state": "running", "open_seconds": -1, "task_name": null}),
    );
    assert_eq!(details.reason.as_deref(), Some("ungraded_session"));
    assert_eq!((details.discard_token, details.state), (None, Some(SessionState::Running)));
}

#[test]
fn states_are_words_and_three_of_them_count() {
    for state in SessionState::ALL {
        assert_eq!(written(state), state.as_str());
        assert_eq!(SessionState::from_word(state.as_str()), Some(state));
    }
    assert_eq!(SessionState::ALL.into_iter().filter(|state| state.is_active()).count(), 3);
}

#[test]
fn error_types_are_their_words() {
    let envelope: ErrorEnvelope = read(json!({"error": {"type": "quota_exceeded", "message": "m", "details": null}}));
    assert_eq!(read::<ErrorType>(json!(envelope.error.kind)), ErrorType::QuotaExceeded);
    assert_eq!(written(ErrorType::MultiTwinUnsupported), ErrorType::MultiTwinUnsupported.as_str());
    assert_eq!(written(envelope), json!({"error": {"type": "quota_exceeded", "message": "m"}}));
}
