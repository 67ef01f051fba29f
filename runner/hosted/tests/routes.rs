//! The client against a scripted server.

#![expect(clippy::unwrap_used, reason = "helpers of tests fail like tests")]

use std::sync::Mutex;
use std::time::{Duration, SystemTime};

use pome_hosted::{Address, BlobKind, Cause, Client, Clock, Ended, Error, Registration, Upload};
use pome_tests::{Said, Scripted};
use pome_wire::Exit;
use pome_wire::control::{CreateSession, FinalizeAnswer, FinalizeRequest, RegisterAgent, Secret};
use serde_json::{Value, json};

const KEY: &str = "pme_0123456789abcdefghij";

fn client(server: &Scripted) -> Client {
    Client::new(Address::parse(server.url()).unwrap(), Secret::new(KEY))
}

fn envelope(kind: &str, details: &Value) -> Value {
    json!({"error": {"type": kind, "message": "no\u{1b}[31m", "details": details, "request_id": "rq_1"}})
}

fn whole(error: &Error) -> String {
    format!("{error}: {}", error.cause)
}

#[test]
fn every_refusal_has_its_exit_code() {
    let rows = [
        ("invalid_auth", 401, Exit::Auth),
        ("revoked_key", 401, Exit::Auth),
        ("forbidden", 403, Exit::Auth),
        ("quota_exceeded", 402, Exit::Quota),
        ("rate_limited", 429, Exit::Quota),
        ("validation_failed", 400, Exit::Orchestrator),
        ("validation_failed", 422, Exit::Orchestrator),
        ("multi_twin_unsupported", 422, Exit::Orchestrator),
        ("not_found", 404, Exit::Orchestrator),
        ("session_expired", 410, Exit::Orchestrator),
        ("conflict", 409, Exit::Orchestrator),
        ("internal_error", 500, Exit::Orchestrator),
        ("endpoint_not_implemented", 501, Exit::Orchestrator),
        ("downstream_unavailable", 502, Exit::Orchestrator),
        ("downstream_unavailable", 503, Exit::Orchestrator),
        // The status decides, whatever the word is.
        ("quota_exceeded", 500, Exit::Orchestrator),
    ];
    for (kind, status, exit) in rows {
        let server = Scripted::answers([Said::json(status, &envelope(kind, &Value::Null))]);
        let error = client(&server).create_session(&CreateSession::default()).unwrap_err();
        assert_eq!(error.exit(), exit, "{status} {kind}");
        assert_eq!(whole(&error), "cannot open a session: no[31m (request rq_1)");
    }
}

#[test]
fn an_answer_in_another_form_is_an_error_of_the_server() {
    let answers = [
        Said::bytes(200, "<html>hello</html>").header("content-type", "text/html"),
        Said::json(200, &json!({"user": 1})),
        Said::bytes(200, ""),
        Said::json(200, &json!([])),
    ];
    for answer in answers {
        let server = Scripted::answers([answer]);
        let error = client(&server).me().unwrap_err();
        assert!(matches!(error.cause, Cause::NotUnderstood(_)), "{error:?}");
        assert_eq!(error.exit(), Exit::Orchestrator);
    }
    let server = Scripted::answers([Said::bytes(500, "<html>oops</html>").header("x-request-id", "rq_2")]);
    assert_eq!(
        whole(&client(&server).me().unwrap_err()),
        "cannot find out who is signed in: the server answered 500 (request rq_2)"
    );
}

#[test]
fn nobody_there_is_an_error_of_the_orchestrator() {
    let client = Client::new(Address::parse("http://127.0.0.1:1").unwrap(), Secret::new(KEY));
    let error = client.me().unwrap_err();
    assert!(matches!(error.cause, Cause::NoAnswer { .. }), "{error:?}");
    assert_eq!(error.exit(), Exit::Orchestrator);
}

#[test]
fn the_key_goes_to_its_origin_and_a_redirect_is_not_followed() {
    let elsewhere = Scripted::answers([]);
    for status in [301, 302, 303, 307, 308] {
        let answer = Said::bytes(status, "").header("location", &format!("{}/v1/me", elsewhere.url()));
        let server = Scripted::answers([answer]);
        let error = client(&server).me().unwrap_err();
        assert!(matches!(error.cause, Cause::Redirected { .. }), "{error:?}");
        assert_eq!(error.exit(), Exit::Orchestrator);
        let asked = server.asked();
        assert_eq!(asked[0].header("x-api-key"), Some(KEY));
        assert!(asked[0].header("user-agent").unwrap().starts_with("pome/"));
    }
    assert_eq!(elsewhere.asked(), []);
}

#[test]
fn a_key_that_the_server_repeats_is_not_shown() {
    let server = Scripted::answers([Said::json(401, &json!({"message": format!("bad key {KEY}")}))]);
    let error = client(&server).me().unwrap_err();
    assert_eq!(whole(&error), "cannot find out who is signed in: bad key [redacted]");
    assert!(!format!("{error:?} {:?}", client(&server)).contains(KEY));
}

#[test]
fn a_name_that_would_change_the_address_is_refused_before_anything_is_sent() {
    let server = Scripted::answers([]);
    for bad in ["", "..", "a/b", "a?b", "a%2fb", "ses 1"] {
        let error = client(&server).session(bad).unwrap_err();
        assert_eq!(error.exit(), Exit::Usage, "{bad}");
    }
    assert_eq!(server.asked(), []);
}

#[test]
fn ending_a_session_reads_every_answer_as_it_is_meant() {
    let ungraded = |token: Value| {
        envelope(
            "conflict",
            &json!({"reason": "ungraded_session", "discard_token": token, "session_id": "ses_1",
                                     "state": "running", "task_name": "01-a", "open_seconds": 312}),
        )
    };
    let plain = envelope("conflict", &json!({}));
    let end = |discard: bool, answers: Vec<Said>| {
        let server = Scripted::answers(answers);
        let ended = client(&server).end_session("ses_1", discard);
        (ended, server.lines())
    };
    for (status, ended) in [(204, Ended::Closed), (200, Ended::Closed)] {
        assert_eq!(end(true, vec![Said::bytes(status, "")]).0.unwrap(), ended);
    }
    assert_eq!(end(false, vec![Said::json(409, &plain)]).0.unwrap(), Ended::AlreadyClosed);

    let (ended, lines) = end(true, vec![Said::json(409, &ungraded(json!("dsc_a&b"))), Said::bytes(204, "")]);
    assert_eq!(ended.unwrap(), Ended::Closed);
    assert_eq!(lines, ["DELETE /v1/sessions/ses_1", "DELETE /v1/sessions/ses_1?confirm_discard=dsc_a%26b"]);

    // Not confirmed, not confirmable, and refused again.
    let refusals = [
        (false, vec![Said::json(409, &ungraded(json!("dsc_a")))], 1),
        (true, vec![Said::json(409, &ungraded(json!("")))], 1),
        (true, vec![Said::json(409, &ungraded(Value::Null))], 1),
        (true, vec![Said::json(409, &ungraded(json!("a"))), Said::json(409, &ungraded(json!("b")))], 2),
    ];
    for (discard, answers, requests) in refusals {
        let (ended, lines) = end(discard, answers);
        let Ended::Ungraded(details) = ended.unwrap() else { unreachable!("it is open still") };
        assert_eq!((details.task_name.as_deref(), details.open_seconds), (Some("01-a"), Some(312)));
        assert_eq!(lines.len(), requests);
    }

    // The reason means something with 409 only.
    for (status, exit) in [(500, Exit::Orchestrator), (404, Exit::Orchestrator), (401, Exit::Auth), (403, Exit::Auth)] {
        let (ended, lines) = end(true, vec![Said::json(status, &ungraded(json!("dsc_a")))]);
        assert_eq!((ended.unwrap_err().exit(), lines.len()), (exit, 1), "{status}");
    }
}

#[test]
fn a_heartbeat_that_does_not_exist_is_no_error() {
    for status in [404, 405, 501] {
        let server = Scripted::answers([Said::bytes(status, "")]);
        assert_eq!(client(&server).heartbeat("ses_1").unwrap(), None);
    }
    let server = Scripted::answers([Said::bytes(500, "")]);
    assert!(client(&server).heartbeat("ses_1").is_err());
}

#[test]
fn blobs_are_packed_and_travel_without_the_key() {
    let server = Scripted::by({
        let mut stored = Vec::new();
        move |asked| match &*asked.method {
            "PUT" => {
                stored.clone_from(&asked.body);
                Said::bytes(200, "")
            }
            _ => Said::bytes(200, stored.clone()).header("content-encoding", "gzip"),
        }
    });
    let url = format!("{}/v1/blobs/team-a/session-b/events.jsonl?exp=1&sig=ab", server.url());
    let text = b"{\"kind\":\"x\"}\n".repeat(500);
    client(&server).put_blob(&url, BlobKind::JsonLines, &text).unwrap();
    assert_eq!(client(&server).get_blob(&url).unwrap(), text);
    let asked = server.asked();
    assert_eq!(asked[0].header("content-encoding"), Some("gzip"));
    assert_eq!(asked[0].header("content-type"), Some("application/x-ndjson"));
    assert!(asked[0].body.len() < text.len());
    for request in asked {
        assert_eq!((request.header("x-api-key"), request.header("authorization")), (None, None));
    }
}

#[test]
fn places_for_blobs_are_asked_for_as_the_route_wants_it() {
    let place = json!({"url": "https://x.example/a", "key": "team-a/session-b/x.json"});
    let server = Scripted::by(move |asked| {
        Said::json(
            200,
            &if asked.target.contains("state") {
                json!({"state_initial": place, "state_final": place})
            } else {
                place.clone()
            },
        )
    });
    let client = client(&server);
    for upload in [Upload::Events, Upload::Signals, Upload::Meta] {
        client.upload_url("ses_1", upload).unwrap();
    }
    client.state_upload_urls("ses_1", &["github".to_owned()]).unwrap();
    client.state_upload_urls("ses_1", &["github".to_owned(), "slack".to_owned()]).unwrap();
    let bodies: Vec<(String, Value)> = server.asked().iter().map(|asked| (asked.line(), asked.json())).collect();
    let post = |route: &str| format!("POST /v1/sessions/ses_1/{route}-upload-url");
    assert_eq!(
        bodies,
        [
            (post("result"), json!({})),
            (post("signals"), json!({})),
            (post("meta"), json!({})),
            (post("state"), json!({})),
            (post("state"), json!({"twins": ["github", "slack"]})),
        ]
    );
}

#[test]
fn a_near_miss_is_a_question_unless_it_was_answered() {
    let near = || Said::json(409, &envelope("conflict", &json!({"suggestion": "my-bot"})));
    let server = Scripted::answers([near(), near()]);
    let mut document = RegisterAgent { name: "my bot".to_owned(), ..RegisterAgent::default() };
    let first = client(&server).register_agent(&document).unwrap();
    assert_eq!(first, Registration::NearMiss(Some("my-bot".to_owned())));
    document.confirm = true;
    assert_eq!(client(&server).register_agent(&document).unwrap_err().exit(), Exit::Orchestrator);
}

/// A clock whose time passes by waiting only.
#[derive(Debug, Default)]
struct Fake {
    now: Mutex<Duration>,
    waits: Mutex<Vec<u128>>,
}

impl Clock for Fake {
    fn elapsed(&self) -> Duration {
        *self.now.lock().unwrap()
    }

    fn date(&self) -> SystemTime {
        SystemTime::UNIX_EPOCH + self.elapsed()
    }

    fn sleep(&self, duration: Duration) {
        *self.now.lock().unwrap() += duration;
        self.waits.lock().unwrap().push(duration.as_millis());
    }
}

fn to_judge() -> FinalizeRequest {
    FinalizeRequest {
        stop_reason: "agent_exit_0".to_owned(),
        exit_code: 0,
        duration_ms: 1,
        agent_model: "unknown".to_owned(),
        agent_sdk: None,
        criteria: Vec::new(),
        scenario_name: "a".to_owned(),
        scenario_hash: "h".to_owned(),
        scenario_prompt: "p".to_owned(),
        expected_behavior: String::new(),
        trace_storage_key: None,
        state_initial_storage_key: None,
        state_final_storage_key: None,
        signals_storage_key: None,
        per_twin_state_keys: std::collections::BTreeMap::default(),
    }
}

fn judged() -> Value {
    json!({"run_id": "run_1", "score": 75, "dashboard_url": "https://x.example/runs/run_1"})
}

fn accepted(status_url: &str) -> Said {
    let body = json!({"evaluation_id": "eval_1", "run_id": "run_1", "status": "queued", "status_url": status_url});
    Said::json(202, &body)
}

fn state(status: &str, more: &Value) -> Said {
    let mut body = json!({"evaluation_id": "eval_1", "run_id": "run_1", "status": status});
    body.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
    Said::json(200, &body)
}

const STATUS: &str = "/v1/sessions/ses_1/evaluation";

fn finalize(answers: impl IntoIterator<Item = Said>) -> (Result<FinalizeAnswer, Error>, Vec<u128>, Vec<String>) {
    let server = Scripted::answers(answers);
    let clock = Fake::default();
    let answer = client(&server).finalize("ses_1", &to_judge(), &clock);
    let waits = clock.waits.lock().unwrap().clone();
    (answer, waits, server.lines())
}

#[test]
fn a_run_may_be_judged_at_once() {
    let server = Scripted::answers([Said::json(200, &judged())]);
    let answer = client(&server).finalize("ses_1", &to_judge(), &Fake::default()).unwrap();
    assert_eq!((answer.score, answer.run_id.as_str()), (75, "run_1"));
    assert_eq!(server.asked()[0].header("prefer"), Some("respond-async"));
}

#[test]
fn a_run_that_is_judged_later_is_asked_for_with_growing_pauses() {
    let running = || state("running", &json!({}));
    let done = state("completed", &json!({"result": judged()}));
    let script = [accepted(STATUS), state("queued", &json!({})), running(), running(), running(), running(), done];
    let (answer, waits, lines) = finalize(script);
    assert_eq!(answer.unwrap().score, 75);
    assert_eq!(waits, [500, 1000, 2000, 4000, 5000, 5000]);
    assert_eq!(lines[1], format!("GET {STATUS}"));
}

#[test]
fn the_server_may_ask_for_more_time_but_not_for_a_storm() {
    let later = |seconds: &str| state("running", &json!({})).header("retry-after", seconds);
    let script = [
        accepted(STATUS).header("retry-after", "0"),
        later("0"),
        later("7"),
        later("Thu, 01 Jan 1970 00:01:00 GMT"),
        later("nonsense"),
        state("completed", &json!({"result": judged()})),
    ];
    let (answer, waits, _) = finalize(script);
    assert!(answer.is_ok());
    // 500 + 500 + 7000 are over when the date is read: 52 s to go.
    assert_eq!(waits, [500, 500, 7000, 52_000, 5000]);
}

#[test]
fn faults_of_the_server_pass_and_refusals_stay() {
    let done = || state("completed", &json!({"result": judged()}));
    let (answer, waits, _) = finalize([accepted(STATUS), Said::bytes(503, ""), Said::bytes(500, ""), done()]);
    assert!(answer.is_ok());
    assert_eq!(waits.len(), 3);
    for (status, exit) in [(404, Exit::Orchestrator), (401, Exit::Auth), (429, Exit::Quota), (302, Exit::Orchestrator)]
    {
        let (answer, _, lines) = finalize([accepted(STATUS), Said::bytes(status, ""), done()]);
        assert_eq!((answer.unwrap_err().exit(), lines.len()), (exit, 2), "{status}");
    }
}

#[test]
fn only_the_same_origin_is_asked() {
    for elsewhere in ["https://evil.example/x", "//evil.example/x", "v1/x", "http://127.0.0.1:1/x"] {
        let (answer, _, lines) = finalize([accepted(elsewhere)]);
        assert!(matches!(answer.unwrap_err().cause, Cause::NotUnderstood(_)), "{elsewhere}");
        assert_eq!(lines.len(), 1);
    }
}

#[test]
fn an_answer_about_another_evaluation_is_refused() {
    let other = |key: &str, value: &str| state("running", &json!({ key: value }));
    let wrong_result = state("completed", &json!({"result": {"run_id": "run_2", "score": 1, "dashboard_url": "x"}}));
    for wrong in [other("evaluation_id", "eval_2"), other("run_id", "run_2"), wrong_result, state("paused", &json!({}))]
    {
        let (answer, _, _) = finalize([accepted(STATUS), wrong]);
        assert_eq!(answer.unwrap_err().exit(), Exit::Orchestrator);
    }
    let strange = finalize([Said::json(206, &judged())]).0.unwrap_err();
    assert_eq!(strange.exit(), Exit::Orchestrator);
}

#[test]
fn a_failed_evaluation_says_why() {
    for (kind, exit) in [("quota_exceeded", Exit::Quota), ("internal_error", Exit::Orchestrator)] {
        let failed = state("failed", &json!({"error": {"type": kind, "message": "why"}}));
        let error = finalize([accepted(STATUS), failed]).0.unwrap_err();
        assert_eq!((error.exit(), whole(&error).as_str()), (exit, "cannot have the run judged: why"));
    }
}

#[test]
fn five_minutes_are_enough() {
    let server = Scripted::by(|asked| match &*asked.method {
        "POST" => accepted(STATUS),
        _ => state("running", &json!({})),
    });
    let clock = Fake::default();
    let error = client(&server).finalize("ses_1", &to_judge(), &clock).unwrap_err();
    assert_eq!(error.exit(), Exit::Orchestrator);
    assert!(clock.elapsed() <= Duration::from_mins(5), "{:?}", clock.elapsed());
    assert!(clock.elapsed() > Duration::from_secs(290), "{:?}", clock.elapsed());
}
