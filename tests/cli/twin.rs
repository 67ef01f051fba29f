//! `pome twin`.

use pome_tests::{Project, free_port, http, mask, pome_snapshot};
use serde_json::json;

use crate::project;

/// The value of a line `NAME=value`.
fn setting(text: &str, name: &str) -> String {
    let line = text.lines().find_map(|line| line.strip_prefix(name)?.strip_prefix('='));
    line.unwrap_or_else(|| panic!("no {name} in\n{text}")).to_owned()
}

#[cfg(unix)]
fn mode(project: &Project, file: &str) -> u32 {
    use std::os::unix::fs::PermissionsExt as _;
    std::fs::metadata(project.path(file)).unwrap().permissions().mode() & 0o777
}

#[test]
fn a_twin_is_served_reset_without_a_restart_and_stopped() {
    let project = project();
    let port = free_port().to_string();
    let mut twin = project.pome(["twin", "--port", &port]).start();
    twin.wait_for_line("Ctrl-C to stop.");

    let status = project.json(".pome/twin-status.json");
    assert_eq!(status["pid"], json!(twin.pid()));
    assert_eq!(mode(&project, ".pome/twin-status.json"), 0o600);
    let rest = status["rest_url"].as_str().unwrap();
    assert_eq!(rest, format!("http://127.0.0.1:{port}/s/standalone"));
    let token = status["auth_token"].as_str().unwrap();

    let labels = format!("{rest}/repos/acme/api/issues/1/labels");
    assert_eq!(http("GET", &labels, None, None).status, 401);
    assert_eq!(http("POST", &labels, Some(token), Some(&json!({"labels": ["bug"]}))).status, 200);
    assert_eq!(http("GET", &labels, Some(token), None).json()[0]["name"], "bug");

    let reset = project.pome(["twin", "reset"]).run().expect(0);
    assert_eq!(reset.stdout, "Standalone github twin state reset.\n");
    assert_eq!(http("GET", &labels, Some(token), None).json(), json!([]));
    assert_eq!(project.json(".pome/twin-status.json")["pid"], json!(twin.pid()));

    let shown = project.pome(["twin", "status"]).run().expect(0);
    assert!(shown.stdout.contains("answers  yes"), "{shown:?}");

    twin.signal("TERM");
    let ended = twin.finish().expect(0);
    assert!(!project.path(".pome/twin-status.json").exists());
    assert_eq!(
        mask(ended.stdout.split("POME_GITHUB_TOKEN").next().unwrap()),
        "Pome github twin listening at http://127.0.0.1:<port>/s/standalone\n\
         POME_GITHUB_REST_URL=http://127.0.0.1:<port>/s/standalone\n\
         POME_GITHUB_MCP_URL=http://127.0.0.1:<port>/s/standalone/mcp\n\
         POME_AUTH_TOKEN=<token>\n"
    );
    assert!(ended.stdout.ends_with("Ctrl-C to stop.\n"), "{ended:?}");
}

#[test]
fn a_seed_and_the_environment_decide_where_a_twin_starts() {
    let project = project();
    let port = free_port();
    project.write("seed.json", json!({"repositories": [{"owner": "acme", "name": "web"}]}).to_string());
    let mut twin = project
        .pome(["twin", "start", "github", "--seed", "seed.json"])
        .env("PORT", port.to_string())
        .env("TWIN_ADMIN_TOKEN", "open-sesame")
        .start();
    twin.wait_for_line("Ctrl-C to stop.");
    let status = project.json(".pome/twin-status.json");
    let (rest, token) = (status["rest_url"].as_str().unwrap(), status["auth_token"].as_str().unwrap());
    assert_eq!(status["port"], json!(port));
    let repository = |name: &str| http("GET", &format!("{rest}/repos/acme/{name}"), Some(token), None).status;
    assert_eq!((repository("web"), repository("api")), (200, 404));

    project.pome(["twin", "reset"]).run().expect(3);
    let reset = |flags: &[&str]| {
        let args = ["twin", "reset"].iter().chain(flags);
        project.pome(args).env("TWIN_ADMIN_TOKEN", "open-sesame").run().expect(0);
    };
    reset(&["--boot-seed"]);
    assert_eq!((repository("web"), repository("api")), (200, 404));
    reset(&[]);
    assert_eq!((repository("web"), repository("api")), (404, 200));
    project.pome(["twin", "reset", "slack"]).run().expect(5);
}

#[test]
fn what_cannot_be_served_says_why() {
    let project = project();
    project.pome(["twin", "--port", "0"]).run().expect(5);
    let unknown = project.pome(["twin", "start", "gihub"]).run().expect(5);
    assert!(unknown.stderr.contains("did you mean `github`?"), "{unknown:?}");
    project.write("bad.json", "{").write("refused.json", r#"{"repositories": 7}"#);
    for seed in ["bad.json", "refused.json"] {
        let port = free_port().to_string();
        let refused = project.pome(["twin", "--port", &port, "--seed", seed]).run().expect(2);
        assert!(refused.stderr.starts_with("error: "), "{refused:?}");
    }
    project.pome(["twin", "--seed", "missing.json"]).run().expect(5);
    project.pome(["twin", "start", "./missing.wasm"]).run().expect(5);

    let taken = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let port = taken.local_addr().unwrap().port().to_string();
    let busy = project.pome(["twin", "--port", &port]).run().expect(2);
    assert!(busy.stderr.contains(&format!("port {port}")), "{busy:?}");
    assert_eq!(project.names(".pome"), Vec::<String>::new());
}

#[test]
fn a_persisted_secret_that_is_too_short_is_refused() {
    let project = project();
    project.write(".pome-data/github/secret", "short");
    let port = free_port().to_string();
    let refused = project.pome(["twin", "--port", &port]).run().expect(2);
    assert!(refused.stderr.contains("TWIN_AUTH_SECRET"), "{refused:?}");
}

#[test]
fn without_a_running_twin_status_and_reset_say_so() {
    let project = project();
    pome_snapshot!(project.pome(["twin", "status"]).run(), @r"
    exit 0
    ----- stdout -----
    No standalone twin status found.
    ");
    project.write(".pome/github.db", "").write(".pome/github.db-wal", "").write(".pome/link.json", "{}");
    pome_snapshot!(project.pome(["twin", "reset"]).run(), @r"
    exit 0
    ----- stdout -----
    removed .pome/github.db
    removed .pome/github.db-wal
    No standalone github twin was running.
    ");
    assert_eq!(project.names(".pome"), ["link.json"]);
}

#[test]
fn the_built_in_twins_are_listed() {
    let listing = project().pome(["twin", "list", "--json"]).run().expect(0).json();
    let github = listing["twins"].as_array().unwrap().iter().find(|twin| twin["name"] == "github").unwrap();
    assert_eq!(github["default_port"], 3333);
    assert!(github["routes"].as_u64().unwrap() > 0 && github["checks"].as_u64().unwrap() > 0, "{github}");
    let text = project().pome(["twin", "list"]).run().expect(0).stdout;
    assert!(text.starts_with("NAME "), "{text}");
}

#[test]
fn the_token_of_the_environment_is_the_one_that_is_printed() {
    let project = project();
    let port = free_port().to_string();
    let mut twin = project.pome(["twin", "--port", &port]).env("TWIN_AUTH_SECRET", "a".repeat(32)).start();
    let line = twin.wait_for_line("POME_AUTH_TOKEN=");
    let token = setting(&line, "POME_AUTH_TOKEN");
    twin.wait_for_line("Ctrl-C to stop.");
    let health = http("GET", &format!("http://127.0.0.1:{port}/s/standalone/_pome/health"), Some(&token), None);
    assert_eq!(health.json()["twin"], "github");
}
