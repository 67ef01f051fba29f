//! `pome version` and its line about a newer version.

use pome_tests::{Said, Scripted};
use serde_json::json;

use crate::project;

const OWN: &str = env!("CARGO_PKG_VERSION");

fn ask(project: &pome_tests::Project, server: &Scripted) -> pome_tests::Cmd {
    project
        .pome(["version"])
        .env("POME_NO_UPDATE_CHECK", "")
        .env("POME_API_URL", server.url())
        .env("POME_API_KEY", "pme_x")
}

#[test]
fn a_newer_version_is_a_second_line_and_asked_for_once_a_day() {
    let project = project();
    let server = Scripted::by(|_| Said::json(200, &json!({"version": "99.0.0"})));
    for _ in 0..2 {
        let output = ask(&project, &server).run().expect(0);
        let lines: Vec<&str> = output.stdout.lines().collect();
        assert_eq!(lines[0], OWN);
        assert!(lines[1].starts_with("99.0.0 is available"), "{output:?}");
    }
    let asked = server.asked();
    assert_eq!((asked.len(), asked[0].line().as_str()), (1, "GET /v1/cli/latest"));
    assert_eq!(asked[0].header("x-api-key"), None);
}

#[test]
fn anything_else_is_one_line() {
    let answers =
        [Said::json(200, &json!({"version": OWN})), Said::json(200, &json!({"version": "soon"})), Said::bytes(404, "")];
    for answer in answers {
        let server = Scripted::answers([answer]);
        assert_eq!(ask(&project(), &server).run().expect(0).stdout, format!("{OWN}\n"));
        assert_eq!(server.lines().len(), 1);
    }
    let server = Scripted::answers([]);
    for name in ["CI", "POME_NO_UPDATE_CHECK"] {
        assert_eq!(ask(&project(), &server).env(name, "1").run().expect(0).stdout, format!("{OWN}\n"));
    }
    assert_eq!(server.lines(), [""; 0]);
}
