//! The trace: complete, in order, on disk before the answer.

use std::collections::BTreeSet;
use std::io::{Read as _, Write as _};
use std::net::TcpStream;

use serde_json::{Value, json};

use crate::support::{SID, Setup, Twin, github, hostile, token};

const KEYS: [&str; 25] = [
    "ts",
    "run_id",
    "twin",
    "request_id",
    "correlation_id",
    "task_step_id",
    "scenario_step_id",
    "step_id",
    "tool_call_id",
    "method",
    "path",
    "query",
    "request_body",
    "request_headers",
    "tool",
    "status",
    "response_body",
    "latency_ms",
    "fidelity",
    "state_mutation",
    "state_delta",
    "error",
    "kind",
    "event_id",
    "parent_event_id",
];

#[test]
fn a_row_is_in_the_file_when_its_answer_arrives() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("run/events.jsonl");
    let twin = Twin::start(github(), Setup { events: Some(path.clone()), ..Setup::default() });
    let authorization = format!("Bearer {}", token(SID, 3600));
    let headers = [
        ("authorization", authorization.as_str()),
        ("x-pome-correlation-id", "toolu_01"),
        ("x-pome-scenario-step-id", "step_1"),
    ];
    let body = json!({ "title": "new", "labels": ["bug"] }).to_string();
    let sent = twin.send("POST", &format!("/s/{SID}/repos/acme/api/issues?x=1&x=2"), &headers, body.as_bytes());
    assert_eq!(sent.status, 201);
    let file = std::fs::read_to_string(&path).unwrap();
    assert_eq!(file.lines().count(), 1);
    let row: Value = serde_json::from_str(&file).unwrap();
    assert_eq!(row.as_object().unwrap().keys().map(String::as_str).collect::<Vec<_>>(), KEYS);
    for (key, value) in [
        ("run_id", json!("run_test")),
        ("twin", json!("github")),
        ("correlation_id", json!("toolu_01")),
        ("tool_call_id", json!("toolu_01")),
        ("task_step_id", json!("step_1")),
        ("scenario_step_id", json!("step_1")),
        ("method", json!("POST")),
        ("path", json!(format!("/s/{SID}/repos/acme/api/issues"))),
        ("query", json!({ "x": ["1", "2"] })),
        ("request_body", json!({ "title": "new", "labels": ["bug"] })),
        ("status", json!(201)),
        ("response_body", sent.json()),
        ("fidelity", json!("semantic")),
        ("state_mutation", json!(true)),
        ("error", json!(null)),
        ("kind", json!("TwinHttpEvent")),
        ("parent_event_id", json!(null)),
    ] {
        assert_eq!(row[key], value, "{key}");
    }
    assert!(row["tool"].is_string() && row["state_delta"]["after"].is_object());
    assert_eq!(row["event_id"], row["request_id"]);

    // The served form is the same without the keys that only the file has.
    let mut plain = row.as_object().unwrap().clone();
    for key in ["kind", "event_id", "parent_event_id"] {
        plain.shift_remove(key);
    }
    assert_eq!(twin.events(), [Value::Object(plain)]);
}

#[test]
fn many_callers_leave_a_trace_without_gaps_in_the_order_of_the_calls() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("events.jsonl");
    let twin = Twin::start(hostile(), Setup { events: Some(path.clone()), ..Setup::default() });
    let request = format!(
        "POST /s/{SID}/count HTTP/1.1\r\nhost: x\r\nauthorization: Bearer {}\r\ncontent-length: 0\r\n\r\n",
        token(SID, 3600)
    );
    std::thread::scope(|scope| {
        for _ in 0..8 {
            scope.spawn(|| {
                let mut stream = TcpStream::connect(twin.address).unwrap();
                let mut buffer = [0; 4096];
                for _ in 0..50 {
                    stream.write_all(request.as_bytes()).unwrap();
                    let read = stream.read(&mut buffer).unwrap();
                    assert!(buffer[..read].starts_with(b"HTTP/1.1 201"));
                }
            });
        }
    });
    let file = std::fs::read_to_string(&path).unwrap();
    let rows: Vec<Value> = file.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
    // The counter's answer is the order in which the world saw the calls.
    let seen: Vec<u64> = rows.iter().map(|row| row["response_body"].as_u64().unwrap()).collect();
    assert_eq!(seen, (1..=400).collect::<Vec<u64>>());
    let ids: BTreeSet<&str> = rows.iter().map(|row| row["event_id"].as_str().unwrap()).collect();
    assert_eq!(ids.len(), 400);
    assert_eq!(twin.events().len(), 400);
}

#[test]
fn two_servers_share_one_recorder() {
    use pome_gateway::token::Secret;
    use pome_gateway::{Recorder, RecorderOptions, Server, ServerConfig};

    let twin = Twin::hostile();
    let recorder = Recorder::create(RecorderOptions::default()).unwrap();
    let secret = Secret::new(crate::support::SECRET);
    let start = |component| {
        let config = ServerConfig::new(component, recorder.clone(), secret.clone());
        twin.runtime.block_on(Server::start(config)).unwrap()
    };
    let (one, two) = (start(hostile()), start(github()));
    let call = |server: &Server, path: &str| {
        let request = format!(
            "GET /s/{SID}{path} HTTP/1.1\r\nhost: x\r\nconnection: close\r\nauthorization: Bearer {}\r\n\r\n",
            token(SID, 3600)
        );
        let mut stream = TcpStream::connect(server.address()).unwrap();
        stream.write_all(request.as_bytes()).unwrap();
        stream.read_to_string(&mut String::new()).unwrap();
    };
    call(&one, "/count");
    call(&two, "/user");
    call(&one, "/count");
    assert_eq!(
        (recorder.len(), recorder.rows("hostile").unwrap().len(), recorder.rows("github").unwrap().len()),
        (3, 2, 1)
    );
    twin.runtime.block_on(async {
        one.stop().await;
        two.stop().await;
    });
}

#[test]
fn the_evaluator_sees_what_redaction_took_away() {
    let twin = Twin::github();
    twin.post("/repos/acme/api/issues", json!({ "title": "key sk-prod-7f3a9b2c4d5e6f81" }));
    twin.get("/repos/acme/api");
    let (shown, raw) = (twin.recorder.rows("github").unwrap(), twin.recorder.raw_rows("github").unwrap());
    let text = |rows: &[Vec<u8>], index: usize| String::from_utf8(rows[index].clone()).unwrap();
    assert!(!text(&shown, 0).contains("sk-prod-7f3a9b2c4d5e6f81"));
    assert!(text(&raw, 0).contains("sk-prod-7f3a9b2c4d5e6f81"));
    assert_eq!(text(&shown, 1), text(&raw, 1));
    assert!(!text(&raw, 0).contains(&token(SID, 3600)[..20]), "tokens are in neither");
}
