//! Runs that the server judges.

use std::sync::Arc;

use axum::body::Body;
use http::{Method, Request, StatusCode};
use serde_json::{Value, json};

use super::{id, opened};
use crate::tests::{Bench, Place, on_either_database};

on_either_database! {
    a_session_is_judged_from_its_own_log_when_nothing_was_sent,
    who_does_not_want_to_wait_asks_how_far_it_is,
    an_evaluation_whose_host_fell_silent_is_taken_over,
    what_cannot_be_judged_is_refused_before_anything_is_kept,
}

fn asked(criteria: &Value) -> Value {
    json!({
        "stop_reason": "agent_exit_0", "exit_code": 0, "duration_ms": 900, "agent_model": "unknown", "agent_sdk": null,
        "criteria": criteria, "scenario_name": "fix-the-bug", "scenario_hash": "b".repeat(64),
        "scenario_prompt": "Do it.", "expected_behavior": "Done.",
    })
}

/// Two that hold in the default seed or not, and one for a model.
fn criteria() -> Value {
    json!([
        {"id": "crit_0", "text": "cel: size(final) > 0", "kind": "D", "always_scored": true},
        {"id": "crit_1", "text": "cel: size(calls) > 0", "kind": "code", "always_scored": true},
        {"id": "crit_2", "text": "It is kind", "kind": "P"},
    ])
}

async fn a_session_is_judged_from_its_own_log_when_nothing_was_sent(place: Place) {
    let bench = Bench::with_twins(place, &["github"]).await;
    let session = id(&opened(&bench, json!(["github"])).await);
    let path = format!("/v1/sessions/{session}");
    let (status, first) = bench.ask(Method::POST, &format!("{path}/finalize"), Some(asked(&criteria()))).await;
    assert_eq!(status, StatusCode::OK, "{first}");
    let results = first["criteria_results"].as_array().unwrap();
    assert_eq!(results.len(), 3, "{first}");
    assert_eq!((&results[2]["skipped"], &results[2]["reason"]), (&json!(true), &json!("judge_not_configured")));
    assert!(results.iter().take(2).all(|result| result["outcome"] != "errored"), "{first}");
    let (status, again) = bench.ask(Method::POST, &format!("{path}/finalize"), Some(asked(&criteria()))).await;
    assert_eq!((status, &again), (StatusCode::OK, &first), "the stored answer");
    let (_, row) = bench.ask(Method::GET, &format!("/v1/runs/{session}"), None).await;
    assert_eq!((&row["id"], &row["stop_reason"]), (&first["run_id"], &json!("agent_exit_0")));
    assert!(row["blobs"]["state_final"]["url"].is_string(), "what was judged is kept: {row}");
    let (_, row) = bench.ask(Method::GET, &path, None).await;
    assert_eq!(row["state"], "done");
}

async fn who_does_not_want_to_wait_asks_how_far_it_is(place: Place) {
    let bench = Bench::with_twins(place, &["github"]).await;
    let session = id(&opened(&bench, json!(["github"])).await);
    let request = Request::post(format!("/v1/sessions/{session}/finalize"))
        .header("x-api-key", &bench.key)
        .header("prefer", "respond-async")
        .body(Body::from(asked(&criteria()).to_string()))
        .unwrap();
    let answer = bench.send(request).await;
    assert_eq!(answer.status(), StatusCode::ACCEPTED);
    let accepted: Value = serde_json::from_slice(answer.body()).unwrap();
    let keys: Vec<&String> = accepted.as_object().unwrap().keys().collect();
    assert_eq!(keys, ["evaluation_id", "run_id", "status", "status_url"]);
    let mut last = Value::Null;
    for _ in 0..300 {
        let (status, body) = bench.ask(Method::GET, accepted["status_url"].as_str().unwrap(), None).await;
        assert!(status == StatusCode::OK || status == StatusCode::TOO_MANY_REQUESTS, "{body}");
        last = body;
        if last["status"] == "completed" || last["status"] == "failed" {
            break;
        }
        tokio::time::sleep(std::time::Duration::from_millis(100)).await;
    }
    assert_eq!(last["status"], "completed", "{last}");
    assert_eq!((&last["evaluation_id"], &last["run_id"]), (&accepted["evaluation_id"], &accepted["run_id"]));
    assert_eq!(last["result"]["run_id"], accepted["run_id"]);
    assert_eq!(last.as_object().unwrap().len(), 4, "{last}");
}

async fn an_evaluation_whose_host_fell_silent_is_taken_over(place: Place) {
    let bench = Bench::with_twins(place, &["github"]).await;
    let session = id(&opened(&bench, json!(["github"])).await);
    let row = crate::api::session::Session::find(&bench.control.store, "tm_self", &session).await.unwrap().unwrap();
    let request = serde_json::from_value(asked(&criteria())).unwrap();
    crate::evaluation::ask(&bench.control.store, &row, &request).await.unwrap();
    let now = pome_wire::time::now_millis();
    crate::store::on!(&bench.control.store, pool => {
        sqlx::query("UPDATE evaluations SET status = 'running', owner = 'gone', seen_at = $1")
            .bind(now)
            .execute(pool)
            .await
            .map(drop)
    })
    .unwrap();
    let work =
        async |row: &crate::evaluation::Row| crate::evaluation::work(Arc::clone(&bench.control), row.id.clone()).await;
    let evaluation = crate::evaluation::find(&bench.control.store, &row).await.unwrap().unwrap();
    work(&evaluation).await;
    let (status, _) = bench.ask(Method::GET, &format!("/v1/runs/{session}"), None).await;
    assert_eq!(status, StatusCode::NOT_FOUND, "its host may still be at it");
    crate::store::on!(&bench.control.store, pool => {
        sqlx::query("UPDATE evaluations SET seen_at = seen_at - 31000").execute(pool).await.map(drop)
    })
    .unwrap();
    work(&evaluation).await;
    let (status, run) = bench.ask(Method::GET, &format!("/v1/runs/{session}"), None).await;
    assert_eq!((status, &run["id"]), (StatusCode::OK, &json!(evaluation.run_id)));
}

async fn what_cannot_be_judged_is_refused_before_anything_is_kept(place: Place) {
    let bench = Bench::with_twins(place, &["github"]).await;
    let session = id(&opened(&bench, json!(["github"])).await);
    let path = format!("/v1/sessions/{session}/finalize");
    let mut key = asked(&criteria());
    key["trace_storage_key"] = json!("team-tm_other/session-ses_x/events.jsonl");
    for (wrong, word) in [
        (key, "trace_storage_key"),
        (asked(&json!([{"id": "a", "text": "x", "kind": "D", "twin": "slack"}])), "twin"),
        (asked(&json!([{"id": "a", "text": "x", "kind": "D"}, {"id": "a", "text": "y", "kind": "D"}])), "same"),
        (asked(&json!([{"id": "a", "text": "x", "kind": "Q"}])), "expected"),
    ] {
        let (status, body) = bench.ask(Method::POST, &path, Some(wrong)).await;
        assert_eq!(status, StatusCode::UNPROCESSABLE_ENTITY, "{body}");
        assert!(body["error"]["message"].as_str().unwrap().contains(word), "{word} {body}");
    }
    let (status, _) = bench.ask(Method::GET, &format!("/v1/sessions/{session}/evaluation"), None).await;
    assert_eq!(status, StatusCode::NOT_FOUND);
}
