//! `pome login` and `pome logout`.

use std::fs;
use std::os::unix::fs::PermissionsExt as _;

use pome_tests::{Cmd, Project, Said, Scripted, Started, http};
use serde_json::{Value, json};

use crate::project;

fn stored(project: &Project) -> Value {
    let path = project.home().join(".pome/credentials.json");
    assert_eq!(fs::metadata(&path).unwrap().permissions().mode() & 0o777, 0o600);
    assert_eq!(fs::metadata(path.parent().unwrap()).unwrap().permissions().mode() & 0o777, 0o700);
    serde_json::from_str(&fs::read_to_string(path).unwrap()).unwrap()
}

fn browser(project: &Project, server: &Scripted) -> Cmd {
    project.pome(["login", "--no-browser", "--api-url", server.url(), "--dashboard-url", "https://pages.example/"])
}

/// Where the browser has to come back to, and the state.
fn address(started: &mut Started) -> (String, String) {
    let line = started.wait_for_error_line("sign in at ");
    let (_, query) = line.split_once("/cli-auth?").unwrap();
    let value = |name: &str| {
        let (_, rest) = query.split_once(&format!("{name}=")).unwrap();
        rest.split('&').next().unwrap().replace("%3A", ":").replace("%2F", "/")
    };
    (value("redirect_uri"), value("state"))
}

#[test]
fn a_given_key_is_stored_without_asking_anybody() {
    let project = project();
    let server = Scripted::answers([]);
    let output = project.pome(["login", "--token", " pme_given ", "--api-url", server.url()]).run().expect(0);
    assert!(!output.stderr.contains("pme_given"), "{output:?}");
    let file = stored(&project);
    assert_eq!((&file["api_key"], &file["team_id"]), (&json!("pme_given"), &Value::Null));
    assert_eq!((&file["api_url"], &file["dashboard_url"]), (&json!(server.url()), &json!("https://pome.sh")));
    assert_eq!(server.lines(), [""; 0]);
    for empty in ["", "  "] {
        project.pome(["login", "--token", empty]).run().expect(5);
    }
}

#[test]
fn the_browser_brings_a_code_that_becomes_a_key() {
    let project = project();
    let server = Scripted::by(|_| {
        Said::json(200, &json!({"api_key": {"full_key": "pme_minted", "id": "pme_1"}, "team_id": "tm_1"}))
    });
    let mut started = browser(&project, &server).start();
    let (callback, state) = address(&mut started);
    assert!(callback.starts_with("http://127.0.0.1:") && callback.ends_with("/callback"), "{callback}");
    assert_eq!(http("GET", &format!("{callback}?code=c&state=other"), None, None).status, 400);
    assert_eq!(http("GET", &format!("{callback}?code=c1&state={state}"), None, None).status, 200);
    started.finish().expect(0);
    let asked = server.asked();
    assert_eq!(asked[0].line(), "POST /v1/auth/cli/exchange");
    assert_eq!(asked[0].json(), json!({"code": "c1", "key_name": "pome login"}));
    assert_eq!(asked[0].header("x-api-key"), None);
    let file = stored(&project);
    assert_eq!((&file["api_key"], &file["team_id"]), (&json!("pme_minted"), &json!("tm_1")));
}

#[test]
fn a_failed_login_is_code_2_and_stores_nothing() {
    let answers = [
        Said::json(401, &json!({"error": {"type": "invalid_auth", "message": "unknown code"}})),
        Said::json(402, &json!({"error": {"type": "quota_exceeded", "message": "no"}})),
        Said::json(200, &json!({"api_key": {"id": "pme_1"}, "team_id": "tm_1"})),
        Said::json(200, &json!({"api_key": {"full_key": "pme_minted"}})),
        Said::bytes(200, "<html></html>"),
    ];
    for answer in answers {
        let project = project();
        let server = Scripted::answers([answer]);
        let mut started = browser(&project, &server).start();
        let (callback, state) = address(&mut started);
        http("GET", &format!("{callback}?code=c1&state={state}"), None, None);
        let output = started.finish().expect(2);
        assert!(output.stderr.contains("run `pome login` again"), "{output:?}");
        assert!(!project.home().join(".pome/credentials.json").exists());
    }
}

#[test]
fn a_refusal_in_the_browser_and_ctrl_c_change_nothing() {
    let project = project();
    let server = Scripted::answers([]);
    let mut started = browser(&project, &server).start();
    let (callback, state) = address(&mut started);
    assert_eq!(http("GET", &format!("{callback}?error=access_denied&state={state}"), None, None).status, 400);
    let output = started.finish().expect(2);
    assert!(output.stderr.contains("the login was refused: access_denied"), "{output:?}");

    let mut started = browser(&project, &server).start();
    address(&mut started);
    started.signal("INT");
    let output = started.finish().expect(2);
    assert!(output.stderr.contains("nothing was changed"), "{output:?}");
    assert_eq!(server.lines(), [""; 0]);
    assert!(!project.home().join(".pome/credentials.json").exists());
}

#[test]
fn logging_out_revokes_the_stored_key_and_forgets_it() {
    let project = project();
    let server = Scripted::answers([Said::bytes(204, "")]);
    project.pome(["login", "--token", "pme_stored", "--api-url", server.url()]).run().expect(0);
    project.pome(["logout"]).env("POME_API_KEY", "pme_other").run().expect(0);
    let asked = server.asked();
    assert_eq!((asked.len(), asked[0].line().as_str()), (1, "POST /v1/auth/revoke"));
    assert_eq!(asked[0].header("x-api-key"), Some("pme_stored"));
    assert!(!project.home().join(".pome/credentials.json").exists());
}

#[test]
fn logging_out_never_fails() {
    project().pome(["logout"]).run().expect(0);
    for answer in [Said::bytes(404, ""), Said::bytes(500, ""), Said::bytes(401, "")] {
        let project = project();
        let server = Scripted::answers([answer]);
        project.pome(["login", "--token", "pme_stored", "--api-url", server.url()]).run().expect(0);
        let output = project.pome(["logout"]).run().expect(0);
        assert!(output.stderr.contains("note: the key is removed here, but not revoked"), "{output:?}");
        assert!(!project.home().join(".pome/credentials.json").exists());
    }
    let project = project();
    project.pome(["login", "--token", "pme_stored", "--api-url", "http://127.0.0.1:1"]).run().expect(0);
    project.pome(["logout"]).run().expect(0);
    assert!(!project.home().join(".pome/credentials.json").exists());
}
