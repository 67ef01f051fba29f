//! `pome checks` and `pome endpoints`.

use pome_tests::{Said, Scripted};
use serde_json::json;

use crate::project;

const SCENARIO: &str =
    "# A\n\n## Prompt\n\nDo it.\n\n## Success Criteria\n\n- [code] Issue #1 exists in `acme/api`\n\nMore.\n";

#[test]
fn a_twin_shows_its_sentences() {
    let catalogue = project().pome(["checks", "github", "--json"]).run().expect(0).json();
    assert_eq!(catalogue["twin"], "github");
    assert!(catalogue["digest"].as_str().unwrap().starts_with("sha256:"), "{catalogue}");
    let exists =
        catalogue["checks"].as_array().unwrap().iter().find(|check| check["id"] == "github.issue-exists").unwrap();
    assert_eq!(exists["template"], "Issue #{issue} exists in `{repo}`");
    assert_eq!(exists["substrate"], "final");
    assert_eq!(exists["params"][0]["name"], "issue");

    let text = project().pome(["checks", "list", "github"]).run().expect(0).stdout;
    assert!(text.contains("github.issue-exists\n  Issue #<issue> exists in `<repo>`\n"), "{text}");
    let index = project().pome(["checks"]).run().expect(0).stdout;
    assert!(index.starts_with("github  "), "{index}");
    project().pome(["checks", "nosuch"]).run().expect(5);
}

#[test]
fn a_criterion_is_added_behind_the_last_one() {
    let project = project();
    project.write("a.md", SCENARIO);
    let add = ["checks", "add", "a.md", "--check", "github.issue-has-label"];
    let args = ["--arg", "issue=1", "--arg", "repo=acme/api", "--arg", "label=bug", "--offline"];
    let added = project.pome(add.iter().chain(&args)).run().expect(0);
    assert_eq!(added.stdout, "a.md: - [code] Issue #1 in `acme/api` has the `bug` label applied\n");
    assert_eq!(
        project.read("a.md"),
        SCENARIO.replace(
            "exists in `acme/api`\n",
            "exists in `acme/api`\n- [code] Issue #1 in `acme/api` has the `bug` label applied\n"
        )
    );
    let again = project.pome(add.iter().chain(&args)).run().expect(5);
    assert!(again.stderr.contains("already, in line 10"), "{again:?}");
    project.pome(["checks", "lint", "a.md"]).run().expect(0);
}

#[test]
fn a_criterion_that_the_control_plane_reads_otherwise_is_not_added() {
    let ours = project().pome(["checks", "github", "--json"]).run().expect(0).json();
    let mut changed = ours.clone();
    changed["digest"] = json!("sha256:00");
    let mut template = changed.clone();
    template["checks"][0]["template"] = json!("Another sentence");
    let mut fewer = changed.clone();
    let only_here = fewer["checks"].as_array_mut().unwrap().remove(0)["id"].as_str().unwrap().to_owned();
    let mut more = changed.clone();
    more["checks"].as_array_mut().unwrap().push(json!({"id": "github.new", "template": "New", "substrate": "final"}));
    let cases = [
        (Said::json(200, &ours), 0, String::new()),
        (Said::json(200, &template), 2, "has another template there: Another sentence".to_owned()),
        (Said::json(200, &fewer), 2, format!("`{only_here}` is only here")),
        (Said::json(200, &more), 2, "`github.new` is only there".to_owned()),
        (Said::json(200, &changed), 2, "the patterns are made from them in another way".to_owned()),
        (Said::bytes(404, ""), 0, "note: the sentence was not compared with a control plane".to_owned()),
    ];
    for (answer, code, words) in cases {
        let project = project();
        project.write("a.md", SCENARIO);
        let server = Scripted::answers([answer]);
        let args = ["checks", "add", "a.md", "--check", "github.issue-has-label", "--arg", "issue=1"];
        let slots = ["--arg", "repo=acme/api", "--arg", "label=bug"];
        let command = project.pome(args.iter().chain(&slots)).env("POME_API_KEY", "pme_x");
        let output = command.env("POME_API_URL", server.url()).run().expect(code);
        assert!(output.stderr.contains(&words), "{words}\n{output:?}");
        assert_eq!(server.lines(), ["GET /v1/checks?twin=github"]);
        assert_eq!(project.read("a.md") == SCENARIO, code == 2);
    }
}

#[test]
fn what_would_not_be_understood_is_not_added() {
    let project = project();
    project.write("a.md", SCENARIO).write("b.md", "# A\n\n## Prompt\n\nDo it.\n");
    let label = "github.issue-has-label";
    for (args, message) in [
        (vec!["a.md", "--check", "github.no-such"], "no check"),
        (vec!["a.md", "--check", label, "--arg", "issue=1"], "the slot `repo`"),
        (vec!["a.md", "--check", label, "--arg", "nosuch=1"], "has no slot `nosuch`"),
        (
            vec!["a.md", "--check", label, "--arg", "issue=one", "--arg", "repo=acme/api", "--arg", "label=bug"],
            "`issue` cannot be `one`",
        ),
        (vec!["b.md", "--check", label], "Success Criteria"),
        (vec!["a.md"], "nobody to ask"),
    ] {
        let output = project.pome(["checks", "add"].iter().chain(&args)).run().expect(5);
        assert!(output.stderr.contains(message), "{args:?}: {output:?}");
    }
    assert_eq!(project.read("a.md"), SCENARIO);
}

#[test]
fn lint_reports_what_no_check_understands() {
    let project = project();
    project.write("good.md", SCENARIO);
    project.write(
        "bad.md",
        SCENARIO
            .replace("Issue #1 exists", "Issue #one exists")
            .replace("More.", "- [code] The moon is full\n- [model] It was polite"),
    );
    let good = project.pome(["checks", "lint", "good.md"]).run().expect(0);
    assert_eq!(good.stdout, "✓ good.md - 1 criteria bind\n");

    let report = project.pome(["checks", "lint", "good.md", "bad.md", "--json"]).run().expect(1).json();
    let findings = report["files"][1]["findings"].as_array().unwrap();
    let reasons: Vec<&str> = findings.iter().map(|finding| finding["reason"].as_str().unwrap()).collect();
    assert!(
        reasons[0].starts_with("corrupted_check_instance:github.issue-exists: `issue` cannot be `one`"),
        "{report}"
    );
    assert!(reasons[1].starts_with("unmatched"), "{report}");
    assert_eq!((findings[0]["line"].as_u64(), findings[1]["line"].as_u64(), findings.len()), (Some(9), Some(11), 2));

    let missing = project.pome(["checks", "lint", "good.md", "nowhere.md"]).run().expect(2);
    assert!(missing.stdout.contains("! nowhere.md - "), "{missing:?}");
}

#[test]
fn every_shipped_scenario_binds() {
    let project = project();
    project.pome(["init", "--starter"]).run().expect(0);
    let names = project.names("scenarios");
    let files: Vec<String> =
        names.iter().filter(|name| name.ends_with(".md")).map(|name| format!("scenarios/{name}")).collect();
    let output = project.pome(["checks", "lint"].into_iter().map(str::to_owned).chain(files)).run();
    assert_eq!(output.code, 0, "{}", output.stdout);
}

#[test]
fn endpoints_come_from_the_twin_itself() {
    let text = project().pome(["endpoints", "github"]).run().expect(0).stdout;
    assert!(
        text.lines().any(|line| line.split_whitespace().collect::<Vec<_>>().starts_with(&[
            "GET",
            "/repos/{owner}/{repo}/issues",
            "semantic"
        ])),
        "{text}"
    );
    let report = project().pome(["endpoints", "github", "--json"]).run().expect(0).json();
    assert!(report["tools"].as_array().unwrap().iter().any(|tool| tool["name"] == "create_issue"), "{report}");
    let unknown = project().pome(["endpoints", "nosuch"]).run().expect(5);
    assert!(unknown.stderr.contains("no twin is called `nosuch`"), "{unknown:?}");
}
