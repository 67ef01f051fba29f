//! What a session came to: stored once, and not at all when it was closed or its time was over.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use serde_json::{Value, json};

use crate::support::{Cluster, Home, Session};

/// A result as a client sends it.
pub(crate) fn result(score: i64) -> Value {
    json!({
        "scenario_name": "fix-the-bug",
        "scenario_hash": "a".repeat(64),
        "duration_ms": 1200,
        "agent_model": "unknown",
        "satisfaction_score": score,
        "criteria_results": [{
            "criterion": {"type": "code", "text": "No issue is open"},
            "passed": score == 100, "skipped": false, "reason": "so it is",
        }],
        "judge_model": "none",
        "judge_tokens_in": null,
        "judge_tokens_out": null,
        "agent_sdk": null,
        "lanes": [],
        "steps": [],
        "fix_prompt": null,
        "events_jsonl_url": null,
        "trace_jsonl_b64": STANDARD.encode(format!("{{\"score\":{score}}}\n")),
        "state_initial_json_b64": STANDARD.encode("{}"),
        "state_final_json_b64": STANDARD.encode("{\"issues\":[]}"),
        "pass_threshold": 100,
    })
}

/// Sends a result for a session of the first team.
fn post(cluster: &Cluster, session: &Session, score: i64) -> (u16, Value) {
    cluster.ask(0, &cluster.key, "POST", &format!("/v1/sessions/{}/result", session.id), Some(&result(score)))
}

/// A run, without the addresses of its files, which are signed anew each time, and what is in its trace.
fn row(cluster: &Cluster, id: &str) -> (Value, String) {
    let (status, mut row) = cluster.ask(0, &cluster.key, "GET", &format!("/v1/runs/{id}"), None);
    assert_eq!(status, 200, "{row}");
    let blobs = row.as_object_mut().unwrap().remove("blobs").unwrap();
    let trace = crate::support::agent().get(blobs["events_jsonl"]["url"].as_str().unwrap()).call().unwrap();
    (row, trace.into_body().read_to_string().unwrap())
}

#[test]
fn a_result_that_is_sent_twice_is_the_first_one() {
    for home in Home::each() {
        let mut cluster = Cluster::start(home, 1, 10);
        let session = cluster.open(0, &["github"], None);
        let (status, first) = post(&cluster, &session, 50);
        assert!(matches!(status, 200 | 201), "{status} {first}");
        let run = first["run_id"].as_str().unwrap().to_owned();
        let before = row(&cluster, &run);
        assert_eq!((&before.0["satisfaction_score"], &before.0["session_id"]), (&json!(50), &json!(session.id)));
        assert_eq!(before.1, "{\"score\":50}\n");
        assert_eq!(post(&cluster, &session, 100).1, first);
        assert_eq!(row(&cluster, &run), before);
        // Also by a server that knows of the first one only what is stored.
        cluster.kill(0);
        cluster.boot(0, 10);
        assert_eq!(post(&cluster, &session, 100).1, first);
        assert_eq!(row(&cluster, &run), before);
        assert_eq!(row(&cluster, &session.id), before, "the session leads to its run");
        let state = cluster.session(0, &session.id);
        assert_eq!((&state["state"], &state["run_id"]), (&json!("done"), &json!(run)));
    }
}

#[test]
fn results_that_are_sent_at_once_make_one_run() {
    for home in Home::each() {
        let cluster = Cluster::start(home, 1, 10);
        let session = cluster.open(0, &["github"], None);
        let answers: Vec<(u16, Value)> = std::thread::scope(|scope| {
            let (cluster, session) = (&cluster, &session);
            let senders: Vec<_> = (0..8).map(|score| scope.spawn(move || post(cluster, session, score))).collect();
            senders.into_iter().map(|sender| sender.join().unwrap()).collect()
        });
        let runs: Vec<&Value> = answers.iter().map(|(_, answer)| &answer["run_id"]).collect();
        assert!(runs.iter().all(|run| run.is_string() && *run == runs[0]), "{answers:?}");
        let (_, list) = cluster.ask(0, &cluster.key, "GET", "/v1/runs", None);
        assert_eq!(list["runs"].as_array().unwrap().len(), 1, "{list}");
    }
}

#[test]
fn a_session_that_was_closed_takes_no_result() {
    for home in Home::each() {
        let cluster = Cluster::start(home, 1, 10);
        let session = cluster.open(0, &["github"], None);
        let path = format!("/v1/sessions/{}", session.id);
        let (status, refused) = cluster.ask(0, &cluster.key, "DELETE", &path, None);
        assert_eq!((status, &refused["error"]["details"]["reason"]), (409, &json!("ungraded_session")));
        let token = refused["error"]["details"]["discard_token"].as_str().unwrap();
        let confirmed = format!("{path}?confirm_discard={token}");
        assert_eq!(cluster.ask(0, &cluster.key, "DELETE", &confirmed, None), (204, Value::Null));
        let (status, refused) = post(&cluster, &session, 100);
        assert_eq!((status, &refused["error"]["type"]), (409, &json!("conflict")));
        let (status, refused) = cluster.ask(0, &cluster.key, "GET", &format!("/v1/runs/{}", session.id), None);
        assert_eq!((status, &refused["error"]["type"]), (404, &json!("not_found")));

        let abandoned = cluster.open(0, &["github"], None);
        let path = format!("/v1/sessions/{}/abandon", abandoned.id);
        assert_eq!(cluster.ask(0, &cluster.key, "POST", &path, Some(&json!({}))).1["state"], "failed");
        assert_eq!(post(&cluster, &abandoned, 100).0, 409);
    }
}
