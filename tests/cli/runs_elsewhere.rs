//! `pome inspect` and `pome export` of a run that is at the control plane.

use pome_tests::{Cmd, Project, Said, Scripted};
use serde_json::{Value, json};

use crate::project;

const KEY: &str = "pme_0123456789abcdefghij";

fn ask(project: &Project, server: &Scripted, args: &[&str]) -> Cmd {
    project.pome(args).env("POME_API_KEY", KEY).env("POME_API_URL", server.url())
}

/// A control plane that has one run; `without` is a file that was not uploaded.
fn server(without: &'static str) -> Scripted {
    Scripted::by(move |asked| {
        let host = asked.header("host").unwrap();
        let place = |name: &str| {
            if name == without {
                Value::Null
            } else {
                json!({"url": format!("http://{host}/blobs/{name}?sig=1"), "expires_at": "t"})
            }
        };
        match asked.target.as_str() {
            "/v1/runs/run_aB3kPq90Zx" => Said::json(
                200,
                &json!({
                    "id": "run_aB3kPq90Zx", "session_id": "ses_1", "team_id": "tm_1", "task_name": "01-bug", "task_hash": "ab",
                    "satisfaction_score": 50, "pass_threshold": 100, "status": "fail",
                    "criteria_results": [
                        {"criterion": {"type": "D", "text": "Issue #1 exists in `acme/api`"}, "passed": true, "skipped": false, "reason": "it does"},
                        {"criterion": {"type": "code", "text": "Issue #2 exists in `acme/api`"}, "passed": false, "skipped": false, "reason": "it does not"},
                    ],
                    "dashboard_url": "https://pages.example/runs/run_aB3kPq90Zx", "created_at": "2026-05-01T10:00:00.000Z",
                    "blobs": {"events_jsonl": place("events"), "signals_jsonl": null, "meta": null,
                              "state_initial": place("before"), "state_final": place("after"), "per_twin": {}},
                }),
            ),
            "/blobs/events?sig=1" => Said::bytes(200, gzip()).header("content-encoding", "gzip"),
            "/blobs/before?sig=1" | "/blobs/after?sig=1" => Said::bytes(200, "{\"issues\":[]}"),
            _ => Said::json(404, &json!({"error": {"type": "not_found", "message": "no such run"}})),
        }
    })
}

/// An empty trace, packed: what `printf '' | gzip -n` writes.
fn gzip() -> Vec<u8> {
    vec![0x1f, 0x8b, 8, 0, 0, 0, 0, 0, 0, 3, 3, 0, 0, 0, 0, 0, 0, 0, 0, 0]
}

#[test]
fn a_run_of_the_control_plane_is_shown_like_one_of_this_machine() {
    let (project, server) = (project(), server(""));
    let output = ask(&project, &server, &["inspect", "run_aB3kPq90Zx"]).run().expect(0);
    for part in [
        "Run: run_aB3kPq90Zx\nCloud: https://pages.example/runs/run_aB3kPq90Zx\n",
        "Events (0):",
        "Score: 50/100",
        "✗ [code] Issue #2",
    ] {
        assert!(output.stdout.contains(part), "{part}\n{output:?}");
    }
    for asked in server.asked() {
        let expected = asked.target.starts_with("/v1/").then_some(KEY);
        assert_eq!(asked.header("x-api-key"), expected, "{}", asked.line());
    }
    let document = ask(&project, &server, &["inspect", "run_aB3kPq90Zx", "--format", "json"]).run().expect(0).json();
    assert_eq!((&document["run"]["session_id"], &document["score"]["satisfaction"]), (&json!("ses_1"), &json!(50)));
    assert_eq!(project.names("."), [""; 0], "nothing is left behind");
}

#[test]
fn a_run_of_the_control_plane_is_packed() {
    let (project, server) = (project(), server(""));
    let output = ask(&project, &server, &["export", "run_aB3kPq90Zx"]).run().expect(0);
    assert_eq!(output.stdout, "run_aB3kPq90Zx.tar.gz\n");
    assert!(project.path("run_aB3kPq90Zx.tar.gz").is_file());
}

#[test]
fn a_file_that_was_not_uploaded_is_named() {
    let (project, server) = (project(), server("after"));
    let output = ask(&project, &server, &["export", "run_aB3kPq90Zx"]).run().expect(2);
    assert!(output.stderr.contains("the control plane has no `state_final.json` of it"), "{output:?}");
    ask(&project, &server, &["inspect", "run_aB3kPq90Zx"]).run().expect(0);
}

#[test]
fn a_run_that_nobody_knows_is_2_there_and_5_here() {
    let (project, server) = (project(), server(""));
    ask(&project, &server, &["inspect", "run_0000000000"]).run().expect(2);
    ask(&project, &server, &["inspect", "latest"]).run().expect(5);
    ask(&project, &server, &["inspect", "run_aB3kPq90Zx"]).env("POME_LOCAL", "1").run().expect(5);
    project.pome(["inspect", "run_aB3kPq90Zx"]).env("POME_API_URL", server.url()).run().expect(5);
    assert_eq!(server.lines(), ["GET /v1/runs/run_0000000000"]);
}
