//! Whether the server lives, whether it can work, and its counters.

use std::sync::Arc;
use std::time::Duration;

use axum::Json;
use axum::extract::State;
use axum::response::{IntoResponse, Response};
use http::{StatusCode, header};
use serde_json::{Value, json};

use super::{ApiError, chain};
use crate::hosting;
use crate::state::Control;

/// How long the database and the blobs have to answer.
const PATIENCE: Duration = Duration::from_secs(3);

/// How long a server that only says that it lives waits for a number.
const SHORT_PATIENCE: Duration = Duration::from_secs(1);

/// `GET /healthz`. Whoever asks starts a server anew that does not answer, and that does not help against a database that is
/// away: then the number of sessions is not known, and the server lives all the same.
pub(crate) async fn alive(State(control): State<Arc<Control>>) -> Json<Value> {
    let active = tokio::time::timeout(SHORT_PATIENCE, hosting::active(&control.store, None)).await;
    let active = active.ok().and_then(Result::ok);
    Json(json!({"ok": true, "version": control.config.version, "sessions_active": active}))
}

/// `GET /readyz`
pub(crate) async fn ready(State(control): State<Arc<Control>>) -> Response {
    let (database, blobs) = tokio::join!(
        tokio::time::timeout(PATIENCE, control.store.ping()),
        tokio::time::timeout(PATIENCE, control.blobs.ping()),
    );
    let database = word("database", database.map(|answer| answer.map_err(|error| chain(&error))));
    let blobs = word("blobs", blobs.map(|answer| answer.map_err(|error| chain(&error))));
    let ok = database == "ok" && blobs == "ok";
    let status = if ok { StatusCode::OK } else { StatusCode::SERVICE_UNAVAILABLE };
    (status, Json(json!({"ok": ok, "database": database, "blobs": blobs}))).into_response()
}

/// What is wrong goes to the log: a probe is not authenticated.
fn word(part: &str, answer: Result<Result<(), String>, tokio::time::error::Elapsed>) -> &'static str {
    match answer {
        Ok(Ok(())) => "ok",
        Ok(Err(problem)) => {
            tracing::warn!(part, %problem, "not ready");
            "failing"
        }
        Err(_) => {
            tracing::warn!(part, "not ready: no answer in time");
            "silent"
        }
    }
}

/// `GET /metrics`
pub(crate) async fn metrics(State(control): State<Arc<Control>>) -> Result<Response, ApiError> {
    let text = control
        .metrics
        .text(&control.hosting)
        .map_err(|error| ApiError::internal("the counters cannot be written", &error))?;
    let kind = "application/openmetrics-text; version=1.0.0; charset=utf-8";
    Ok(([(header::CONTENT_TYPE, kind)], text).into_response())
}

#[cfg(test)]
mod tests {
    use axum::body::Body;
    use http::{Method, Request};

    use crate::tests::{Bench, Place, on_either_database};

    on_either_database! {
        a_server_says_that_it_lives_and_what_it_counted,
        a_server_without_its_database_lives_and_is_not_ready,
        what_is_not_there_is_said_in_the_envelope,
    }

    async fn a_server_says_that_it_lives_and_what_it_counted(place: Place) {
        let bench = Bench::new(place).await;
        let (status, body) = bench.ask(Method::GET, "/healthz", None).await;
        assert_eq!(
            (status.as_u16(), body),
            (200, serde_json::json!({"ok": true, "version": "0.1.0", "sessions_active": 0}))
        );
        let (status, body) = bench.ask(Method::GET, "/readyz", None).await;
        assert_eq!((status.as_u16(), body), (200, serde_json::json!({"ok": true, "database": "ok", "blobs": "ok"})));
        let answer = bench.send(Request::get("/metrics").body(Body::empty()).unwrap()).await;
        let text = String::from_utf8(answer.body().to_vec()).unwrap();
        assert!(text.contains(r#"pome_http_requests_total{method="GET",route="/readyz",status="200"} 1"#), "{text}");
    }

    async fn a_server_without_its_database_lives_and_is_not_ready(place: Place) {
        let bench = Bench::new(place).await;
        crate::store::on!(&bench.control.store, pool => pool.close().await);
        let (status, body) = bench.ask(Method::GET, "/healthz", None).await;
        let lives = serde_json::json!({"ok": true, "version": "0.1.0", "sessions_active": null});
        assert_eq!((status.as_u16(), body), (200, lives));
        let (status, body) = bench.ask(Method::GET, "/readyz", None).await;
        let away = serde_json::json!({"ok": false, "database": "failing", "blobs": "ok"});
        assert_eq!((status.as_u16(), body), (503, away));
    }

    async fn what_is_not_there_is_said_in_the_envelope(place: Place) {
        let bench = Bench::new(place).await;
        let (status, body) = bench.ask(Method::GET, "/v1/nowhere/at/all", None).await;
        assert_eq!((status.as_u16(), &body["error"]["type"]), (404, &"not_found".into()));
        let answer = bench.send(Request::post("/healthz").body(Body::empty()).unwrap()).await;
        assert_eq!(answer.status().as_u16(), 405);
        assert!(answer.headers().contains_key("allow"));
        let id = answer.headers()["x-request-id"].to_str().unwrap().to_owned();
        let body: serde_json::Value = serde_json::from_slice(answer.body()).unwrap();
        assert_eq!(body["error"]["request_id"], id);
    }
}
