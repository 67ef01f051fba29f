//! Sessions whose twins do not come up.

use http::{Method, StatusCode};
use pome_sandbox::Limits;
use serde_json::{Value, json};

use super::{id, source};
use crate::store::on;
use crate::tests::{Bench, Place, on_either_database};

on_either_database! {
    a_session_whose_twin_does_not_come_up_has_failed,
}

/// A good seed that is more than a twin of 16 MiB can hold.
fn heavy() -> Value {
    let issue = json!({"title": "long", "body": "x".repeat(8 << 20)});
    json!({"repositories": [{"owner": "acme", "name": "api", "issues": [issue]}]})
}

async fn a_session_whose_twin_does_not_come_up_has_failed(place: Place) {
    let limits = Limits { memory: 16 << 20, ..Limits::default() };
    let bench = Bench::with_limits(place, &["github"], limits).await;
    let once = "7c9e6679-7425-40de-944b-e07fc1f90ae7";
    let asked = json!({"twins": ["github"], "scenario_source": source(), "seed": heavy(), "idempotency_key": once});
    let (status, body) = bench.ask(Method::POST, "/v1/sessions", Some(asked)).await;
    assert_eq!((status, &body["error"]["type"]), (StatusCode::BAD_GATEWAY, &json!("downstream_unavailable")), "{body}");
    assert!(body["error"]["message"].as_str().unwrap().starts_with("twin `github` did not start: "), "{body}");
    assert_eq!(body["error"]["details"]["error_code"], "twin_boot_failed");
    let failed = body["error"]["details"]["session_id"].as_str().unwrap().to_owned();

    let path = format!("/v1/sessions/{failed}");
    let (_, row) = bench.ask(Method::GET, &path, None).await;
    assert_eq!((&row["state"], &row["ready_at"], &row["twin_url"]), (&json!("failed"), &Value::Null, &Value::Null));
    assert!(row["closed_at"].is_string(), "{row}");
    assert_eq!(row["task_name"], "fix-the-bug");
    let (_, list) = bench.ask(Method::GET, "/v1/sessions", None).await;
    assert_eq!(list, json!([row]));
    let (_, usage) = bench.ask(Method::GET, "/v1/usage", None).await;
    assert_eq!(usage["sessions_used"], 0, "{usage}");
    let entries: Vec<(String, Option<String>, String)> = on!(&bench.control.store, pool => {
        sqlx::query_as("SELECT action, subject, outcome FROM audit WHERE action = 'session.create'").fetch_all(pool).await
    })
    .unwrap();
    assert_eq!(entries, [("session.create".to_owned(), Some(failed.clone()), "failed".to_owned())]);

    // It is over.
    for (method, what) in [(Method::POST, "/token"), (Method::POST, "/heartbeat"), (Method::DELETE, "")] {
        let (status, body) = bench.ask(method, &format!("{path}{what}"), Some(json!({}))).await;
        assert_eq!((status, body["error"].get("details")), (StatusCode::CONFLICT, None), "{what} {body}");
    }
    let (_, abandoned) = bench.ask(Method::POST, &format!("{path}/abandon"), Some(json!({"error_code": "late"}))).await;
    assert_eq!(
        abandoned,
        json!({"session_id": failed, "state": "failed", "error_code": "twin_boot_failed", "abandoned": false})
    );

    // The same request may be sent again.
    let asked = json!({"twins": ["github"], "scenario_source": source(), "idempotency_key": once});
    let (status, body) = bench.ask(Method::POST, "/v1/sessions", Some(asked)).await;
    assert_eq!(status, StatusCode::CREATED, "{body}");
    assert_ne!(id(&body), failed);
}
