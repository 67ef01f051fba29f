//! `pome eval` at a control plane: a finished run is uploaded and judged there.

use std::fs;

use pome_tests::{Asked, Project, Said, Scripted};
use serde_json::{Value, json};

use super::plane::{KEY, asked, plane, project, refusal, sent, signed_in};
use crate::support::run;

/// A project with one local run, and a control plane that knows sessions for evaluation.
fn judged(mut otherwise: impl FnMut(&Asked) -> Option<Said> + Send + 'static) -> (Project, Scripted) {
    let (project, recorded) = project();
    run(&project, ["label.md"]).env("OPENAI_API_KEY", "sk-the-users-own-key").run().expect(0);
    let mut sessions = 0;
    let plane = plane(&recorded, move |asked| {
        if let Some(said) = otherwise(asked) {
            return Some(said);
        }
        if asked.line() == "POST /v1/eval-sessions" {
            sessions += 1;
            let id = format!("ses_eval00000{sessions}");
            return Some(Said::json(201, &json!({ "session_id": id, "expires_at": "2026-05-01T10:30:00.000Z" })));
        }
        asked.target.ends_with("/finalize").then(|| Said::json(200, &answer(100)))
    });
    (project, plane)
}

fn answer(score: u8) -> Value {
    let passed = score == 100;
    json!({ "run_id": "run_judged0001", "score": score, "judge_model": null, "dashboard_url": "https://pome.example/runs/3",
        "criteria_results": [{ "criterion": { "type": "code", "text": "t" }, "passed": passed, "skipped": false, "reason": "r" }] })
}

fn eval(project: &Project, plane: &Scripted) -> pome_tests::Cmd {
    signed_in(project.pome(["eval", "--agent", "triage"]), plane)
}

#[test]
fn a_finished_run_is_uploaded_and_judged_there() {
    let (project, plane) = judged(|_| None);
    let output = eval(&project, &plane).run().expect(0);
    assert!(output.stderr.contains("PASS Label it\n  score: 100/100\n"), "{output:?}");
    assert!(output.stderr.contains("  cloud: https://pome.example/runs/3"), "{output:?}");
    assert_eq!(
        asked(&plane, "POST", "/v1/eval-sessions")[0].json(),
        json!({ "agent": "triage", "task_name": "label" })
    );
    let finalize = asked(&plane, "POST", "/finalize")[0].json();
    assert_eq!((&finalize["stop_reason"], &finalize["criteria"]), (&json!("eval_upload"), &json!([])));
    assert_eq!(finalize["state_final_storage_key"], "team-t/session-ses_eval000001/state_final.json");
    let dir = project.latest_run();
    let file = |name: &str| -> Value { serde_json::from_slice(&fs::read(dir.join(name)).unwrap()).unwrap() };
    let (verdict, session) = (file("verdict.json"), file("eval-session.json"));
    assert_eq!(
        [&verdict["source"], &verdict["session_id"], &verdict["cloud_run_id"]],
        ["cloud-finalize", "ses_eval000001", "run_judged0001"]
    );
    assert_eq!([&session["agent"], &session["task_name"], &session["api_url"]], ["triage", "label", plane.url()]);
    let sent = sent(&plane);
    for secret in ["PRINTED-BY", "COMPLAINED-BY", "sk-the-users-own-key", KEY] {
        assert!(!sent.contains(secret), "{secret}\n{sent}");
    }
    // The second time, the session is there.
    eval(&project, &plane).run().expect(0);
    assert_eq!(asked(&plane, "POST", "/v1/eval-sessions").len(), 1);
    // As another agent, it is another session.
    signed_in(project.pome(["eval", "--agent", "other"]), &plane).run().expect(0);
    assert_eq!(asked(&plane, "POST", "/v1/eval-sessions").len(), 2);
}

#[test]
fn a_session_that_is_gone_is_replaced_once() {
    let mut gone = 0;
    let (project, plane) = judged(move |asked| {
        let finalize = asked.target.ends_with("/finalize");
        gone += u32::from(finalize);
        (finalize && gone == 2).then(|| refusal(410, "session_expired"))
    });
    eval(&project, &plane).run().expect(0);
    eval(&project, &plane).run().expect(0);
    let sessions: Vec<_> = asked(&plane, "POST", "/finalize").iter().map(Asked::line).collect();
    let line = |number: u32| format!("POST /v1/sessions/ses_eval00000{number}/finalize");
    assert_eq!(sessions, [line(1), line(1), line(2)]);
}

#[test]
fn the_verdict_decides_and_failures_have_their_codes() {
    let (project, below) = judged(|asked| asked.target.ends_with("/finalize").then(|| Said::json(200, &answer(50))));
    eval(&project, &below).run().expect(1);
    for (status, kind, code) in [(404, "not_found", 2), (401, "invalid_auth", 3), (402, "quota_exceeded", 4)] {
        let (project, plane) =
            judged(move |asked| (asked.line() == "POST /v1/eval-sessions").then(|| refusal(status, kind)));
        let output = eval(&project, &plane).run().expect(code);
        assert_eq!(output.stderr.contains("too old"), status == 404, "{output:?}");
    }
}

#[test]
fn a_corrupt_run_is_a_usage_error_before_anybody_is_asked() {
    let (project, plane) = judged(|_| None);
    let events = project.latest_run().join("events.jsonl");
    fs::write(&events, "{\"torn").unwrap();
    eval(&project, &plane).run().expect(5);
    project.pome(["eval", "--agent", "triage"]).run().expect(5);
    signed_in(project.pome(["eval", "nowhere"]), &plane).run().expect(5);
    assert!(plane.asked().is_empty());
    fs::write(&events, "").unwrap();
    project.pome(["eval", "--agent", "triage"]).run().expect(3);
}
