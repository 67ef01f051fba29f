//! `pome sessions` against a scripted control plane.

use std::fs;
use std::os::unix::fs::PermissionsExt as _;

use pome_tests::{Cmd, Project, Said, Scripted, pome_snapshot};
use serde_json::{Value, json};

use crate::project;

const KEY: &str = "pme_0123456789abcdefghij";

/// A command of somebody who is signed in.
fn signed_in(project: &Project, server: &Scripted, args: &[&str]) -> Cmd {
    project.pome(args).env("POME_API_KEY", KEY).env("POME_API_URL", server.url())
}

fn row(id: &str, state: &str, tags: &[&str]) -> Value {
    json!({"id": id, "team_id": "tm_1", "twin_type": "github", "twins": ["github", "slack"], "state": state,
           "twin_url": null, "created_at": "2026-05-01T10:00:00.000Z", "expires_at": "2026-05-01T10:30:00.000Z",
           "ready_at": null, "closed_at": null, "tags": tags})
}

fn rows() -> Value {
    json!([
        row("ses_1", "ready", &["a"]),
        row("ses_2", "done", &[]),
        row("ses_3", "running", &[]),
        row("ses_4", "expired", &[]),
        row("ses_5", "provisioning", &[]),
        row("ses_6", "failed", &[])
    ])
}

fn refusal(status: u16, kind: &str, details: &Value) -> Said {
    Said::json(status, &json!({"error": {"type": kind, "message": "no", "details": details, "request_id": "rq_1"}}))
}

fn ungraded(token: &str) -> Said {
    let details = json!({"reason": "ungraded_session", "discard_token": token, "session_id": "ses_1",
                         "state": "running", "task_name": "01-bug", "open_seconds": 312});
    refusal(409, "conflict", &details)
}

#[test]
fn the_list_shows_what_is_active() {
    let server = Scripted::by(|_| Said::json(200, &rows()));
    pome_snapshot!(signed_in(&project(), &server, &["sessions", "list"]).run(), @r"
    exit 0
    ----- stdout -----
    ID     STATE         TWINS         EXPIRES
    ses_1  running       github,slack  <time>
    ses_3  running       github,slack  <time>
    ses_5  provisioning  github,slack  <time>
    ");
    assert_eq!(server.asked()[0].header("x-api-key"), Some(KEY));
}

#[test]
fn the_list_is_filtered_here_and_can_be_a_document() {
    let server = Scripted::by(|_| Said::json(200, &rows()));
    let project = project();
    let ids = |args: &[&str]| {
        let args = [&["session", "list", "--format", "json"], args].concat();
        let output = signed_in(&project, &server, &args).run().expect(0);
        let ids: Vec<String> =
            output.json().as_array().unwrap().iter().map(|row| row["id"].as_str().unwrap().to_owned()).collect();
        ids.join(" ")
    };
    assert_eq!(ids(&["--state", "ready"]), "ses_1");
    assert_eq!(ids(&["--state", "done"]), "ses_2");
    assert_eq!(ids(&["--state", "expired"]), "ses_4");
    assert_eq!(ids(&["--tag", "a"]), "ses_1");
    assert_eq!(ids(&["--limit", "2"]), "ses_1 ses_3");
    assert_eq!(ids(&["--state", "all", "--limit", "6"]), "ses_1 ses_2 ses_3 ses_4 ses_5 ses_6");
    assert_eq!(server.lines().last().unwrap(), "GET /v1/sessions?limit=6");
}

#[test]
fn an_empty_list_is_no_failure() {
    let server = Scripted::by(|_| Said::json(200, &json!([])));
    let output = signed_in(&project(), &server, &["sessions", "list"]).run().expect(0);
    assert_eq!(
        (output.stdout.as_str(), output.stderr.as_str()),
        ("", "note: no session is active; `--state all` shows those that ended, too\n")
    );
    let output = signed_in(&project(), &server, &["sessions", "list", "--state", "done"]).run().expect(0);
    assert_eq!((output.stdout.as_str(), output.stderr.as_str()), ("", "note: no such sessions\n"));
}

#[test]
fn every_refusal_ends_with_its_code_and_says_which_request_it_was() {
    let rows = [
        (401, "invalid_auth", 3),
        (403, "forbidden", 3),
        (402, "quota_exceeded", 4),
        (429, "rate_limited", 4),
        (404, "not_found", 2),
        (409, "conflict", 2),
        (410, "session_expired", 2),
        (422, "validation_failed", 2),
        (500, "internal_error", 2),
        (501, "endpoint_not_implemented", 2),
        (502, "downstream_unavailable", 2),
    ];
    let project = project();
    for (status, kind, code) in rows {
        let server = Scripted::answers([refusal(status, kind, &Value::Null)]);
        let output = signed_in(&project, &server, &["sessions", "list"]).run().expect(code);
        assert!(output.stderr.contains("caused by: no (request rq_1)"), "{status}\n{output:?}");
    }
}

#[test]
fn what_is_no_control_plane_is_an_error_and_no_redirect_is_followed() {
    let project = project();
    let page = Scripted::answers([Said::bytes(200, "<html></html>")]);
    signed_in(&project, &page, &["sessions", "list"]).run().expect(2);
    for status in [404, 501] {
        let other = Scripted::answers([Said::bytes(status, "<html></html>")]);
        let output = signed_in(&project, &other, &["sessions", "list"]).run().expect(2);
        assert!(output.stderr.contains("hint: is that the address of a control plane?"), "{output:?}");
    }
    let elsewhere = Scripted::answers([]);
    let moved = Scripted::answers([Said::bytes(302, "").header("location", elsewhere.url())]);
    signed_in(&project, &moved, &["sessions", "list"]).run().expect(2);
    assert_eq!(elsewhere.lines(), [""; 0]);
}

#[test]
fn the_flag_wins_over_the_variable() {
    let (server, other) = (Scripted::by(|_| Said::json(200, &json!([]))), Scripted::answers([]));
    signed_in(&project(), &other, &["sessions", "list", "--api-url", server.url()]).run().expect(0);
    assert_eq!((server.lines().len(), other.lines().len()), (1, 0));
    signed_in(&project(), &other, &["sessions", "list", "--api-url", "not an address"]).run().expect(5);
}

#[test]
fn killing_confirms_the_discard_once() {
    let server = Scripted::answers([ungraded("dsc_1"), Said::bytes(204, "")]);
    let output = signed_in(&project(), &server, &["sessions", "kill", "ses_1"]).run().expect(0);
    assert_eq!(output.stderr, "ses_1: ended\n");
    assert_eq!(server.lines(), ["DELETE /v1/sessions/ses_1", "DELETE /v1/sessions/ses_1?confirm_discard=dsc_1"]);

    let stubborn = Scripted::answers([ungraded("dsc_1"), ungraded("dsc_2")]);
    signed_in(&project(), &stubborn, &["sessions", "kill", "ses_1"]).run().expect(2);
    assert_eq!(stubborn.lines().len(), 2);
    let empty = Scripted::answers([ungraded("")]);
    signed_in(&project(), &empty, &["sessions", "kill", "ses_1"]).run().expect(2);
    assert_eq!(empty.lines().len(), 1);
    let closed = Scripted::answers([refusal(409, "conflict", &Value::Null)]);
    signed_in(&project(), &closed, &["sessions", "kill", "ses_1"]).run().expect(0);
    let unknown = Scripted::answers([refusal(404, "not_found", &Value::Null)]);
    let output = signed_in(&project(), &unknown, &["sessions", "kill", "ses_1"]).run().expect(2);
    assert!(output.stderr.contains("hint: `pome sessions list --state all`"), "{output:?}");
    let echo = Scripted::answers([refusal(
        500,
        "internal_error",
        &json!({"reason": "ungraded_session", "discard_token": "d"}),
    )]);
    signed_in(&project(), &echo, &["sessions", "kill", "ses_1"]).run().expect(2);
    assert_eq!(echo.lines().len(), 1);
}

#[test]
fn killing_all_goes_on_after_a_failure_and_ends_with_the_worst_code() {
    let server = Scripted::by(|asked| match asked.line().as_str() {
        "GET /v1/sessions?limit=200" => Said::json(200, &rows()),
        "DELETE /v1/sessions/ses_1" => refusal(403, "forbidden", &Value::Null),
        "DELETE /v1/sessions/ses_3" => refusal(500, "internal_error", &Value::Null),
        _ => Said::bytes(204, ""),
    });
    let output = signed_in(&project(), &server, &["sandbox", "kill", "--all"]).run().expect(3);
    let ended: Vec<String> = server.lines().into_iter().filter(|line| line.starts_with("DELETE")).collect();
    assert_eq!(ended, ["DELETE /v1/sessions/ses_1", "DELETE /v1/sessions/ses_3", "DELETE /v1/sessions/ses_5"]);
    assert!(output.stderr.contains("ses_5: ended"), "{output:?}");
}

#[test]
fn stopping_keeps_what_was_not_graded() {
    let server =
        Scripted::by(|asked| if asked.target.contains('?') { Said::bytes(204, "") } else { ungraded("dsc_1") });
    pome_snapshot!(signed_in(&project(), &server, &["sessions", "stop", "ses_1"]).run(), @r"
    exit 2
    ----- stderr -----
    error: the session `ses_1` was not ended
      caused by: nothing was graded in it; state running; scenario 01-bug; open for 312 seconds
    hint: `pome sessions stop ses_1 --discard` ends it all the same
    ");
    assert_eq!(server.lines().len(), 1);
    signed_in(&project(), &server, &["sessions", "stop", "ses_1", "--discard"]).run().expect(0);
    let gone = Scripted::answers([refusal(404, "not_found", &Value::Null)]);
    signed_in(&project(), &gone, &["sessions", "stop", "ses_1"]).run().expect(2);
}

fn created() -> Value {
    json!({"session_id": "ses_1", "session_token": "ses_1", "twin_url": "http://x.example/github/ses_1",
           "expires_at": "2026-05-01T10:30:00.000Z", "agent_token": "edt_top'secret", "provider_credentials": {},
           "openapi_url": "http://x.example/github/ses_1/openapi.json",
           "per_twin": {"github": {"api_url": "http://x.example/github/ses_1", "mcp_url": "http://x.example/github/ses_1/mcp",
                                   "openapi_url": "http://x.example/github/ses_1/openapi.json"}}})
}

#[test]
fn a_created_session_never_shows_its_secret() {
    let server = Scripted::by(|_| Said::json(201, &created()));
    let project = project();
    pome_snapshot!(signed_in(&project, &server, &["sessions", "create", "--twin", "github"]).run(), @r"
    exit 0
    ----- stdout -----
    session: ses_1
    expires: <time>
    github: http://x.example/github/ses_1
      mcp: http://x.example/github/ses_1/mcp
    secrets: not kept; `--secrets-file <path>` keeps them
    cloud: https://pome.sh/twins/ses_1
    ");
    let request = server.asked()[0].json();
    assert_eq!(request["twins"], json!(["github"]));
    assert_eq!(request["idempotency_key"].as_str().unwrap().len(), 36);
    let args = ["sessions", "create", "--secrets-file", "s.env", "--format", "json"];
    let output = signed_in(&project, &server, &args).run().expect(0);
    assert_eq!(output.json()["agent_token"], "[redacted]");
    let shown = format!("{output:?}");
    assert!(!shown.contains("top") && !shown.contains(KEY), "{shown}");

    assert_eq!(fs::metadata(project.path("s.env")).unwrap().permissions().mode() & 0o777, 0o600);
    assert_eq!(
        project.read("s.env").lines().collect::<Vec<_>>(),
        [
            r"export POME_AUTH_TOKEN='edt_top'\''secret'",
            "export POME_SESSION_ID='ses_1'",
            "export POME_TWIN_URL='http://x.example/github/ses_1'",
            "export POME_TWIN_NAMES='github'",
            "export POME_GITHUB_REST_URL='http://x.example/github/ses_1'",
            "export POME_GITHUB_MCP_URL='http://x.example/github/ses_1/mcp'",
            r"export POME_GITHUB_TOKEN='edt_top'\''secret'",
        ]
    );
}

#[test]
fn what_is_wrong_with_a_creation_is_said_before_anything_is_created() {
    let server = Scripted::answers([]);
    let project = project();
    for args in [
        &["--format", "env"] as &[&str],
        &["--twin", "a", "--twin", "b", "--twin", "c", "--twin", "d"],
        &["--twin", "a", "--twin", "a"],
        &["--secrets-file", "nowhere/s.env"],
        &["--secrets-file", "."],
    ] {
        signed_in(&project, &server, &[&["sessions", "create"], args].concat()).run().expect(5);
    }
    assert_eq!(server.lines(), [""; 0]);
}

#[test]
fn every_form_of_a_created_answer_can_be_used() {
    let mut legacy = created();
    legacy.as_object_mut().unwrap().remove("per_twin");
    legacy.as_object_mut().unwrap().remove("session_token");
    let mut null = created();
    null["per_twin"] = Value::Null;
    let mut without_mcp = created();
    without_mcp["per_twin"]["github"]["mcp_url"] = json!("http://x.example/github/ses_1");
    for answer in [created(), legacy, null, without_mcp] {
        let server = Scripted::by(move |_| Said::json(201, &answer));
        let output = signed_in(&project(), &server, &["sessions", "create", "--json"]).run().expect(0);
        let twin = &output.json()["twins"]["github"];
        assert_eq!(
            (&twin["api_url"], &twin["mcp_url"]),
            (&json!("http://x.example/github/ses_1"), &json!("http://x.example/github/ses_1/mcp"))
        );
    }
}

#[test]
fn nothing_is_sent_for_somebody_who_is_not_signed_in() {
    let server = Scripted::answers([]);
    for args in [&["sessions", "list"] as &[&str], &["sessions", "create"], &["sessions", "kill", "--all"]] {
        project().pome(args).env("POME_API_URL", server.url()).run().expect(3);
    }
    assert_eq!(server.lines(), [""; 0]);
}

#[test]
fn a_full_quota_says_where_to_look() {
    let details = json!({"kind": "concurrent_sessions", "limit": 3, "used": 3});
    let server = Scripted::answers([refusal(402, "quota_exceeded", &details)]);
    let output = signed_in(&project(), &server, &["sessions", "create"]).run().expect(4);
    assert!(output.stderr.contains("see `pome sessions list`"), "{output:?}");
}
