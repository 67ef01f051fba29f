//! `pome doctor` and `pome health`.

use crate::project;

#[test]
fn a_fresh_project_is_healthy() {
    let project = project();
    project.pome(["init"]).run().expect(0);
    let report = project.pome(["doctor", "--json", "--quiet"]).run().expect(0).json();
    assert_eq!(report["ok"], true);
    let names: Vec<&str> =
        report["checks"].as_array().unwrap().iter().map(|check| check["name"].as_str().unwrap()).collect();
    assert_eq!(names, ["config", "twin", "routing", "egress"]);
}

#[test]
fn it_stops_at_the_first_problem_and_says_what_to_do() {
    let project = project();
    let none = project.pome(["doctor"]).run().expect(1);
    assert!(
        none.stderr.contains("✗ config - no project file") && none.stderr.contains("fix: run `pome init`"),
        "{none:?}"
    );
    assert!(!none.stderr.contains("twin"), "{none:?}");

    project.pome(["init"]).run().expect(0);
    project.write("src/agent.py", "# https://api.github.com is fine here\nURL = 'https://api.github.com'\n");
    let vendor = project.pome(["doctor"]).run().expect(1);
    assert!(vendor.stderr.contains("✗ routing - src/agent.py:2: `api.github.com`"), "{vendor:?}");
    project.write("src/agent.py", "");
    let open = project.pome(["doctor"]).env("POME_EGRESS_ALLOW", "a.example, *").run().expect(1);
    assert!(open.stderr.contains("✗ egress"), "{open:?}");
}

#[test]
fn a_run_can_insist_on_it() {
    let project = project();
    project.pome(["init"]).run().expect(0);
    project.write("agent.js", "fetch('https://api.stripe.com');\n");
    let refused = project.pome(["run", "--doctor", "--agent", "true"]).run().expect(5);
    assert!(refused.stderr.contains("agent.js:1"), "{refused:?}");
    assert!(!project.path("runs").exists());
}

#[test]
fn health_is_what_the_twin_says() {
    let health = project().pome(["health"]).run().expect(0).json();
    assert_eq!((health["ok"].as_bool(), health["twin"].as_str()), (Some(true), Some("github")));
}
