//! Files and results through the routes.

use axum::body::Body;
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use http::{Method, Request, StatusCode};
use serde_json::{Value, json};

use super::{id, opened};
use crate::tests::{Bench, Place, on_either_database};

on_either_database! {
    a_result_is_stored_once_and_read_back,
    results_for_sessions_that_are_over_are_refused,
    signed_addresses_take_one_file_and_nothing_else,
    runs_come_in_pages_and_by_what_they_are_about,
    traces_are_kept_redacted,
}

const EVENTS: &str = "{\"kind\":\"TwinHttpEvent\"}\n";

fn result() -> Value {
    json!({
        "scenario_name": "fix-the-bug",
        "scenario_hash": format!("sha256:{}", "a".repeat(64)),
        "duration_ms": 1200,
        "agent_model": "unknown",
        "satisfaction_score": 50,
        "criteria_results": [
            {"criterion": {"type": "D", "text": "No issue is open"}, "passed": true, "skipped": false, "reason": "so it is"},
            {"criterion": {"type": "model", "text": "It is kind"}, "passed": false, "skipped": true, "reason": "judge_not_configured"},
        ],
        "judge_model": "none",
        "judge_tokens_in": null,
        "judge_tokens_out": null,
        "agent_sdk": null,
        "lanes": [],
        "steps": [{"n": 1}],
        "fix_prompt": null,
        "events_jsonl_url": null,
        "trace_jsonl_b64": STANDARD.encode(EVENTS),
        "state_initial_json_b64": STANDARD.encode("{\"issues\":[]}"),
        "state_final_json_b64": STANDARD.encode("{\"issues\":[1]}"),
        "pass_threshold": 100,
        "tags": ["night"],
    })
}

fn path_of(url: &Value) -> String {
    url.as_str().unwrap().strip_prefix("http://127.0.0.1:8787").unwrap().to_owned()
}

async fn put(bench: &Bench, path: &str, body: &[u8], encoding: Option<&str>) -> StatusCode {
    let mut request = Request::put(path).header("content-type", "text/html");
    if let Some(encoding) = encoding {
        request = request.header("content-encoding", encoding);
    }
    bench.send(request.body(Body::from(body.to_vec())).unwrap()).await.status()
}

async fn fetch(bench: &Bench, path: &str) -> http::Response<axum::body::Bytes> {
    bench.send(Request::get(path).body(Body::empty()).unwrap()).await
}

async fn a_result_is_stored_once_and_read_back(place: Place) {
    let bench = Bench::with_twins(place, &["github"]).await;
    let session = id(&opened(&bench, json!(["github"])).await);
    let path = format!("/v1/sessions/{session}/result");
    let (status, first) = bench.ask(Method::POST, &path, Some(result())).await;
    assert_eq!(status, StatusCode::OK, "{first}");
    let run = first["run_id"].as_str().unwrap().to_owned();
    assert_eq!(first["dashboard_url"], format!("http://127.0.0.1:8787/runs/{run}"));
    let mut other = result();
    other["satisfaction_score"] = json!(100);
    let (status, again) = bench.ask(Method::POST, &path, Some(other)).await;
    assert_eq!((status, &again), (StatusCode::OK, &first));
    let (_, row) = bench.ask(Method::GET, &format!("/v1/runs/{run}"), None).await;
    assert_eq!(row["satisfaction_score"], 50, "{row}");
    assert_eq!((&row["task_name"], &row["scenario_name"]), (&json!("fix-the-bug"), &json!("fix-the-bug")));
    assert_eq!(row["criteria_results"][0]["criterion"]["type"], "code");
    assert_eq!((&row["steps"], &row["lanes"], &row["tags"]), (&json!([{"n": 1}]), &json!([]), &json!(["night"])));
    assert_eq!(row["status"], "pass", "the one that nobody judged does not count");
    let events = fetch(&bench, &path_of(&row["blobs"]["events_jsonl"]["url"])).await;
    assert_eq!((events.status(), events.body().as_ref()), (StatusCode::OK, EVENTS.as_bytes()));
    assert_eq!(events.headers()["content-type"], "application/x-ndjson");
    let state = fetch(&bench, &path_of(&row["blobs"]["state_final"]["url"])).await;
    assert_eq!(state.body().as_ref(), b"{\"issues\":[1]}");
    let (_, by_session) = bench.ask(Method::GET, &format!("/v1/runs/{session}"), None).await;
    assert_eq!(by_session["id"], row["id"]);
    let (_, closed) = bench.ask(Method::GET, &format!("/v1/sessions/{session}"), None).await;
    assert_eq!((&closed["state"], &closed["run_id"]), (&json!("done"), &json!(run)));
    let (status, _) = bench.ask(Method::DELETE, &format!("/v1/sessions/{session}"), None).await;
    assert_eq!(status, StatusCode::CONFLICT, "closed already");
}

async fn results_for_sessions_that_are_over_are_refused(place: Place) {
    let bench = Bench::with_twins(place, &["github"]).await;
    let session = id(&opened(&bench, json!(["github"])).await);
    let path = format!("/v1/sessions/{session}");
    for (field, value, word) in [
        ("judge_model", json!(""), "judge_model"),
        ("satisfaction_score", json!(101), "100"),
        ("trace_jsonl_b64", json!("%"), "trace_jsonl_b64"),
        ("state_final_json_b64", json!(STANDARD.encode("{")), "state_final_json_b64"),
        ("status", json!("great"), "status"),
        ("events_jsonl_url", json!("team-tm_other/session-ses_x/events.jsonl"), "events_jsonl_url"),
        ("scenario_name", json!("a\u{0}b"), "scenario_name"),
        ("tags", json!(["a b"]), "tags"),
    ] {
        let mut wrong = result();
        wrong[field] = value;
        let (status, body) = bench.ask(Method::POST, &format!("{path}/result"), Some(wrong)).await;
        assert_eq!(status, StatusCode::UNPROCESSABLE_ENTITY, "{field} {body}");
        assert!(body["error"]["message"].as_str().unwrap().contains(word), "{field} {body}");
    }
    bench.ask(Method::POST, &format!("{path}/abandon"), Some(json!({}))).await;
    let (status, body) = bench.ask(Method::POST, &format!("{path}/result"), Some(result())).await;
    assert_eq!((status, &body["error"]["type"]), (StatusCode::CONFLICT, &json!("conflict")));
    let (_, runs) = bench.ask(Method::GET, "/v1/runs", None).await;
    assert_eq!(runs, json!({"runs": [], "next_cursor": null}));
}

async fn signed_addresses_take_one_file_and_nothing_else(place: Place) {
    let bench = Bench::with_twins(place, &["github"]).await;
    let one = id(&opened(&bench, json!(["github"])).await);
    let two = id(&opened(&bench, json!(["github"])).await);
    let ask = async |session: &str, what: &str| {
        let path = format!("/v1/sessions/{session}/{what}-upload-url");
        let (status, body) = bench.ask(Method::POST, &path, Some(json!({}))).await;
        assert_eq!(status, StatusCode::OK, "{body}");
        body
    };
    let place = ask(&one, "result").await;
    assert_eq!(place["key"], format!("team-tm_self/session-{one}/events.jsonl"));
    let path = path_of(&place["url"]);
    let mut packed = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::fast());
    std::io::Write::write_all(&mut packed, EVENTS.as_bytes()).unwrap();
    let packed = packed.finish().unwrap();
    assert_eq!(put(&bench, &path, &packed, Some("gzip")).await, StatusCode::OK);
    for (what, forged) in [
        ("another session", path.replace(&one, &two)),
        ("another team", path.replace("team-tm_self", "team-tm_other")),
        ("another file", path.replace("events.jsonl", "meta.json")),
        ("upwards", path.replace("/events.jsonl", "/../events.jsonl")),
        ("escaped upwards", path.replace("/events.jsonl", "/%2e%2e/events.jsonl")),
        ("later", path.replace("exp=", "exp=9")),
        ("no signature", path.split("&sig").next().unwrap().to_owned()),
        ("nothing", path.split('?').next().unwrap().to_owned()),
    ] {
        let status = put(&bench, &forged, b"x", None).await;
        assert!(matches!(status.as_u16(), 403 | 404 | 422), "{what}: {status}");
    }
    assert_eq!(fetch(&bench, &path).await.status(), StatusCode::FORBIDDEN, "made for sending");
    let key = place["key"].as_str().unwrap();
    let (query, _) = bench.control.blobs.sign(&Method::PUT, key, pome_wire::time::now_millis() - 901_000);
    assert_eq!(put(&bench, &format!("/v1/blobs/{key}?{query}"), b"x", None).await, StatusCode::GONE);
    assert_eq!(put(&bench, &path, b"x", Some("br")).await, StatusCode::UNPROCESSABLE_ENTITY);

    let states = ask(&one, "state").await;
    assert!(states.get("per_twin").is_none_or(Value::is_null), "{states}");
    let both = format!("/v1/sessions/{one}/state-upload-url");
    let (_, both) = bench.ask(Method::POST, &both, Some(json!({"twins": ["github"]}))).await;
    assert!(both["per_twin"]["github"]["state_final"]["key"].as_str().unwrap().ends_with("/state_final.github.json"));

    let mut asked = result();
    asked["events_jsonl_url"] = place["key"].clone();
    let (status, body) = bench.ask(Method::POST, &format!("/v1/sessions/{one}/result"), Some(asked)).await;
    assert_eq!(status, StatusCode::OK, "{body}");
    let (_, row) = bench.ask(Method::GET, &format!("/v1/runs/{one}"), None).await;
    let read = path_of(&row["blobs"]["events_jsonl"]["url"]);
    let stored = fetch(&bench, &read).await;
    assert_eq!(stored.headers()["content-encoding"], "gzip");
    assert_eq!(stored.body().as_ref(), packed, "the upload goes before the copy in the result");
    // What was judged stays as it is, also for who still has an address.
    assert_eq!(put(&bench, &path, b"x", None).await, StatusCode::CONFLICT);
    assert_eq!(put(&bench, &read, b"x", None).await, StatusCode::FORBIDDEN, "made for reading");
    assert_eq!(fetch(&bench, &read).await.body().as_ref(), packed);
}

async fn runs_come_in_pages_and_by_what_they_are_about(place: Place) {
    let bench = Bench::with_twins(place, &["github"]).await;
    for number in 0..5 {
        let session = id(&opened(&bench, json!(["github"])).await);
        let mut asked = result();
        asked["scenario_name"] = json!(format!("s{}", number % 2));
        asked["tags"] = json!([format!("t{number}")]);
        bench.ask(Method::POST, &format!("/v1/sessions/{session}/result"), Some(asked)).await;
    }
    let names = |page: &Value| page["runs"].as_array().unwrap().iter().map(|run| run["id"].clone()).collect::<Vec<_>>();
    let (_, all) = bench.ask(Method::GET, "/v1/runs", None).await;
    assert_eq!((names(&all).len(), &all["next_cursor"]), (5, &Value::Null));
    assert!(all["runs"][0].get("lanes").is_none() && all["runs"][0].get("blobs").is_none());
    let (mut seen, mut path) = (Vec::new(), "/v1/runs?limit=2".to_owned());
    for _ in 0..3 {
        let (_, page) = bench.ask(Method::GET, &path, None).await;
        seen.extend(names(&page));
        path = format!("/v1/runs?limit=2&cursor={}", page["next_cursor"].as_str().unwrap_or("-"));
    }
    assert_eq!(seen, names(&all));
    let (_, some) = bench.ask(Method::GET, "/v1/runs?scenario=s1", None).await;
    assert_eq!(names(&some).len(), 2);
    let (_, some) = bench.ask(Method::GET, "/v1/runs?tag=t3&scenario=s1", None).await;
    assert_eq!(names(&some).len(), 1);
    let (status, _) = bench.ask(Method::GET, "/v1/runs?limit=0", None).await;
    assert_eq!(status, StatusCode::UNPROCESSABLE_ENTITY);
    let other = bench.other_team("other", "team").await;
    let (_, theirs) = bench.ask_as(&other, Method::GET, "/v1/runs", None).await;
    assert_eq!(names(&theirs).len(), 0);
    let one = seen[0].as_str().unwrap();
    let (status, _) = bench.ask_as(&other, Method::GET, &format!("/v1/runs/{one}"), None).await;
    assert_eq!(status, StatusCode::NOT_FOUND);
}

async fn traces_are_kept_redacted(place: Place) {
    let bench = Bench::with_twins(place, &["github"]).await;
    let body = opened(&bench, json!(["github"])).await;
    let path = format!("/v1/sessions/{}/traces", id(&body));
    let token = body["agent_token"].as_str().unwrap();
    let secret = format!("ghp_{}", "a".repeat(36));
    for (text, status) in [
        (json!({"resourceSpans": [{"x": secret}]}).to_string(), 200),
        (json!({"spans": []}).to_string(), 422),
        ("[".to_owned(), 400),
    ] {
        let request =
            Request::post(&path).header("authorization", format!("Bearer {token}")).body(Body::from(text)).unwrap();
        let answer = bench.send(request).await;
        assert_eq!(answer.status().as_u16(), status);
        if status == 200 {
            assert_eq!(answer.body().as_ref(), b"{}");
        }
    }
    let keys: Vec<String> = crate::store::on!(&bench.control.store, pool => {
        sqlx::query_scalar("SELECT blob FROM uploads").fetch_all(pool).await
    })
    .unwrap();
    assert_eq!(keys.len(), 1);
    let stored = bench.control.blobs.get(&keys[0]).await.unwrap().unwrap();
    assert!(!String::from_utf8_lossy(&stored).contains(&secret));
}
