//! Twins from component files, under a name that Pome has never seen.

use std::fs;
use std::path::PathBuf;

use pome_tests::{Project, free_port, http, pome_snapshot, root};
use serde_json::{Value, json};

use crate::project;

fn example() -> PathBuf {
    root().join("examples/twin-helpdesk")
}

/// A project with a copy of the example's component under another name, its scenario and its agent.
fn desk() -> Project {
    let project = project();
    let read = |name: &str| fs::read(example().join(name)).unwrap();
    project
        .write("vendor/zx81.wasm", read("prebuilt/helpdesk.wasm"))
        .write("agents/refund.py", read("scenarios/agents/refund.py"))
        .write("scenarios/desk.md", scenario("[../vendor/zx81.wasm]", "code"));
    project
}

/// The example's scenario with other twins and another marker for its criteria.
fn scenario(twins: &str, marker: &str) -> String {
    let text = fs::read_to_string(example().join("scenarios/01-refund-question.md")).unwrap();
    text.replace("[../prebuilt/helpdesk.wasm]", twins).replace("- [code]", &format!("- [{marker}]"))
}

fn run(project: &Project, agent: &str) -> pome_tests::Output {
    project.pome(["run", "scenarios", "--local", "--agent", agent, "--json"]).run()
}

const AGENT: &str = "python3 agents/refund.py";

#[test]
fn a_scenario_runs_a_twin_from_a_file_on_both_doors_with_its_own_checks() {
    let project = desk();
    let report = run(&project, AGENT).expect(0).json();
    assert_eq!(report["runs"][0]["satisfaction"], 100, "{report}");
    let folder = project.latest_run();
    let read = |name: &str| -> Value { serde_json::from_slice(&fs::read(folder.join(name)).unwrap()).unwrap() };
    let meta = read("meta.json");
    assert_eq!(meta["twins"], json!(["helpdesk"]));
    assert_eq!(meta["twin_versions"]["helpdesk"], "0.1.0");
    assert!(meta["components"]["helpdesk"].as_str().unwrap().starts_with("sha256:"), "{meta}");
    assert_eq!(read("state_final.json")["tickets"][0]["state"], "solved");
    let events = fs::read_to_string(folder.join("events.jsonl")).unwrap();
    assert!(events.contains(r#""twin":"helpdesk""#) && events.contains("reply_to_ticket"), "{events}");

    let judged = project.pome(["eval", "--local", "--json"]).run().expect(0).json();
    assert_eq!(judged["satisfaction"], 100, "{judged}");
}

#[test]
fn an_agent_that_does_nothing_fails() {
    let project = desk();
    let report = run(&project, "true").expect(1).json();
    let score = &report["runs"][0]["satisfaction"];
    assert!(score.as_f64().unwrap() < 100.0, "{report}");
    let prompt = project.pome(["fix-prompt"]).run().expect(0).stdout;
    assert!(prompt.contains("Ticket #1 is solved"), "{prompt}");
}

#[test]
fn it_stands_beside_a_built_in_twin_with_its_own_seed_and_tags() {
    let project = desk();
    let seed = json!({
        "helpdesk": {
            "agents": [{"login": "ana"}],
            "tickets": [{"subject": "Charged twice", "requester": "sam@example.com"}]
        },
        "github": {"repositories": [{"owner": "acme", "name": "web"}]}
    });
    let text = scenario("\n  - github\n  - ../vendor/zx81.wasm", "D:helpdesk");
    project.write("scenarios/desk.md", text).write("scenarios/desk.seed.json", seed.to_string());
    let report = run(&project, AGENT).expect(0).json();
    assert_eq!(report["runs"][0]["satisfaction"], 100, "{report}");
    let state = fs::read_to_string(project.latest_run().join("state_initial.helpdesk.json")).unwrap();
    assert!(state.contains("sam@example.com"), "{state}");
}

#[test]
fn a_component_that_the_project_names_is_known_by_its_id() {
    let project = desk();
    project
        .write(".pome.json", json!({"twins": ["./vendor/zx81.wasm"], "scenarios": "scenarios"}).to_string())
        .write("scenarios/desk.md", scenario("[helpdesk]", "code"));
    assert_eq!(run(&project, AGENT).expect(0).json()["runs"][0]["satisfaction"], 100);
    project.pome(["checks", "lint", "scenarios/desk.md"]).run().expect(0);

    let below = project.path("scenarios");
    let port = free_port().to_string();
    let mut twin = project.pome(["twin", "--port", &port]).cwd(below).start();
    assert!(twin.wait_for_line("listening").starts_with("Pome helpdesk twin"));

    project.write(".pome.json", json!({"twins": ["./nowhere.wasm"]}).to_string());
    let missing = run(&project, AGENT).expect(5);
    assert!(missing.stderr.contains(".pome.json: `twins`: `./nowhere.wasm` is not a twin"), "{missing:?}");
}

#[test]
fn a_twin_from_a_file_is_served_and_shown() {
    let project = desk();
    let port = free_port().to_string();
    let mut twin = project.pome(["twin", "start", "./vendor/zx81.wasm", "--port", &port]).start();
    twin.wait_for_line("POME_HELPDESK_API_KEY=");
    twin.wait_for_line("Ctrl-C to stop.");
    let status = project.json(".pome/twin-status.json");
    let (rest, token) = (status["rest_url"].as_str().unwrap(), status["auth_token"].as_str().unwrap());
    assert_eq!(http("GET", &format!("{rest}/tickets"), None, None).json()["error"], "unauthorized");
    let tickets = http("GET", &format!("{rest}/tickets?state=open"), Some(token), None).json();
    assert_eq!(tickets["tickets"][0]["number"], 1);
    twin.signal("TERM");
    twin.finish().expect(0);

    let endpoints = project.pome(["endpoints", "vendor/zx81.wasm"]).run().expect(0).stdout;
    assert!(endpoints.contains("6 routes and 4 tools of the Helpdesk twin 0.1.0"), "{endpoints}");
    let checks = project.pome(["checks", "./vendor/zx81.wasm", "--json"]).run().expect(0).json();
    assert_eq!(
        (&checks["twin"], &checks["checks"][0]["id"]),
        (&json!("helpdesk"), &json!("helpdesk.ticket-is-in-state"))
    );
    project.pome(["tasks", "./vendor/zx81.wasm"]).run().expect(5);
}

#[test]
fn its_sentences_are_linted_and_added() {
    let project = desk();
    let linted = project.pome(["checks", "lint", "scenarios/desk.md"]).run().expect(0);
    assert_eq!(linted.stdout, "✓ scenarios/desk.md - 5 criteria bind\n");
    let add = ["checks", "add", "scenarios/desk.md", "--check", "helpdesk.ticket-is-in-state", "--offline"];
    project.pome(add.iter().chain(&["--arg", "ticket=2", "--arg", "state=solved"])).run().expect(0);
    assert!(project.read("scenarios/desk.md").contains("- [code] Ticket #2 is solved\n"));
    let text = scenario("[../vendor/zx81.wasm]", "code").replace("is solved", "is lost");
    project.write("scenarios/desk.md", text);
    let found = project.pome(["checks", "lint", "scenarios/desk.md"]).run().expect(1).stdout;
    assert!(
        found.contains("corrupted_check_instance:helpdesk.ticket-is-in-state: `state` cannot be `lost`"),
        "{found}"
    );
}

#[test]
fn a_file_that_gives_no_twin_is_named_with_file_line_field_and_remedy() {
    let project = desk();
    // An empty component, as the format writes it.
    project.write("vendor/empty.wasm", b"\0asm\x0d\0\x01\0").write("vendor/page.wasm", "<html>");
    let wrong = |twins: &str, code: i32| {
        project.write("scenarios/desk.md", scenario(twins, "code"));
        project.pome(["run", "scenarios/desk.md", "--local", "--agent", "true"]).run().expect(code).stderr
    };
    let missing = wrong("[../vendor/nowhere.wasm]", 5);
    assert!(
        missing.contains("scenarios/desk.md:19: `twins`: there is no component `../vendor/nowhere.wasm`"),
        "{missing}"
    );
    assert!(missing.contains("looked at `scenarios/../vendor/nowhere.wasm`"), "{missing}");
    let html = wrong("[../vendor/page.wasm]", 2);
    assert!(html.contains("desk.md:19: `twins`: `../vendor/page.wasm` is not a twin that can be used"), "{html}");
    assert!(html.contains("it is no WebAssembly file"), "{html}");
    assert!(html.contains("docs/custom-twins.md"), "{html}");
    let empty = wrong("[../vendor/empty.wasm]", 2);
    assert!(empty.contains("does not export `pome:twin/twin`, which every twin has to"), "{empty}");
    let twice = wrong("[../vendor/zx81.wasm, ../vendor/../vendor/zx81.wasm]", 5);
    assert!(twice.contains("is called `helpdesk`, which another twin of the scenario is called too"), "{twice}");
    pome_snapshot!(project.pome(["twin", "start", "./vendor/empty.wasm"]).run(), @r"
    exit 2
    ----- stderr -----
    error: component `<project>/project/vendor/empty.wasm` does not export `pome:twin/twin`, which every twin has to
    hint: a twin ends with `pome_twin_kit::export_twin!(...)` and is built as a `cdylib` with `--features component`; `docs/custom-twins.md` has the steps
    ");
}
