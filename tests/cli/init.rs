//! `pome init`.

use std::fs;
use std::os::unix::fs::PermissionsExt as _;

use pome_tests::{Project, pome_snapshot};
use serde_json::{Value, json};

use crate::project;

#[test]
fn an_empty_folder_gets_a_project_that_can_be_run() {
    let project = project();
    pome_snapshot!(project.pome(["init"]).run(), @r#"
    exit 0
    ----- stderr -----
    wrote  .pome.json
    wrote  harness.ts
    wrote  scenarios/01-bug-happy-path.md
    wrote  scenarios/01-bug-happy-path.seed.json
    note: `harness.ts` uses the standard library alone: no `node_modules` here or above has `pome-harness`
    note: for the typed SDK, `npm install pome-harness`, then move `harness.ts` away and run `pome init --force`

    next:
      pome run scenarios/01-bug-happy-path.md
    "#);
    assert_eq!(project.names("."), [".pome.json", "harness.ts", "scenarios"]);
    assert_eq!(project.names("scenarios"), ["01-bug-happy-path.md", "01-bug-happy-path.seed.json"]);
    insta::assert_snapshot!(project.read(".pome.json"), @r#"
    {
      "$schema": "https://pome.sh/schemas/v1/pome.json",
      "mode": "oss",
      "language": "ts",
      "harness": "harness.ts",
      "scenarios": "scenarios",
      "artifacts_dir": "runs",
      "pass_threshold": 100,
      "agent": {
        "slug": "project"
      }
    }
    "#);
}

#[test]
fn a_second_time_changes_nothing_unless_forced() {
    let project = project();
    project.write(".pome.json", "{}").write("harness.ts", "mine");
    pome_snapshot!(project.pome(["init"]).run(), @r#"
    exit 1
    ----- stderr -----
    error: `.pome.json` already exists, nothing was written
    hint: `pome init --force` overwrites it; other files stay as they are
    "#);
    assert_eq!(project.names("."), [".pome.json", "harness.ts"]);
    assert_eq!(project.read(".pome.json"), "{}");

    let forced = project.pome(["init", "--force"]).run().expect(0);
    assert!(forced.stderr.contains("kept   harness.ts"), "{forced:?}");
    assert_eq!(project.read("harness.ts"), "mine");
    assert_eq!(project.json(".pome.json")["mode"], "oss");
}

#[test]
fn python_is_recognised_by_its_files() {
    for (files, harness) in [
        (vec!["pyproject.toml"], "harness.py"),
        (vec!["main.py"], "harness.py"),
        (vec!["main.py", "package.json"], "harness.ts"),
        (vec!["requirements.txt", "tsconfig.json"], "harness.ts"),
    ] {
        let project = project();
        for file in &files {
            project.write(file, "");
        }
        project.pome(["init"]).run().expect(0);
        assert!(project.path(harness).exists(), "{files:?}");
    }
}

#[test]
fn an_sdk_agent_comes_with_its_command_and_framework() {
    let project = project();
    project.pome(["init", "--sdk", "claude"]).run().expect(0);
    let config = project.json(".pome.json");
    assert_eq!(config["command"], "node examples/agents/claude-sdk-agent.ts");
    assert_eq!(config["agent"]["framework"], "claude-agent-sdk");
    assert!(project.path("examples/agents/claude-sdk-agent.ts").exists());
    project.pome(["init", "--force", "--sdk", "other"]).run().expect(5);
}

#[test]
fn bare_is_the_project_file_alone_and_starter_the_whole_library() {
    let bare = project();
    bare.pome(["init", "--bare"]).run().expect(0);
    assert_eq!(bare.names("."), [".pome.json"]);

    let starter = project();
    starter.pome(["init", "--starter"]).run().expect(0);
    assert!(starter.names("scenarios").len() > 10);
    assert_eq!(starter.names("examples/agents"), ["claude-sdk-agent.ts", "scripted-triage-agent.ts"]);

    project().pome(["init", "--bare", "--starter"]).run().expect(5);
}

#[test]
fn bare_and_starter_follow_the_language_of_the_folder_and_keep_what_is_there() {
    for (file, language, harness) in [
        ("package.json", "ts", "harness.ts"),
        ("pyproject.toml", "python", "harness.py"),
        ("main.py", "python", "harness.py"),
    ] {
        let bare = project();
        bare.write(file, "");
        let report = bare.pome(["init", "--bare", "--json"]).run().expect(0).json();
        assert_eq!((&report["language"], &report["harness"]), (&json!(language), &Value::Null));
        let mut names = vec![".pome.json".to_owned(), file.to_owned()];
        names.sort();
        assert_eq!(bare.names("."), names);
        assert_eq!(bare.json(".pome.json")["harness"], harness);

        let starter = project();
        starter.write(file, "").write("scenarios/01-bug-happy-path.md", "mine");
        interpreter(&starter, 7);
        let report = starter.pome(["init", "--starter", "--json"]).run().expect(0).json();
        assert_eq!(report["kept"], json!(["scenarios/01-bug-happy-path.md"]));
        assert_eq!(starter.read("scenarios/01-bug-happy-path.md"), "mine");
        let files = [harness, "examples/agents/claude-sdk-agent.ts", "examples/agents/scripted-triage-agent.ts"];
        for name in files {
            assert!(starter.path(name).is_file(), "{file}: {name}");
        }
        let of_other_twins = |name: &String| name.contains("stripe") || name.contains("slack");
        assert!(!starter.names("scenarios").iter().any(of_other_twins));
        assert!(!starter.path("runs").exists());
    }
}

/// A virtual environment whose interpreter only knows how to end.
fn interpreter(project: &Project, code: u8) {
    project.write(".venv/bin/python", format!("#!/bin/sh\nexit {code}\n"));
    let path = project.path(".venv/bin/python");
    fs::set_permissions(path, fs::Permissions::from_mode(0o755)).unwrap();
}

#[test]
fn an_installed_typescript_sdk_is_found_upwards_and_used() {
    let project = project();
    project.write("node_modules/pome-harness/package.json", "{}").write("inner/agents/x", "");
    let report = project.pome(["init", "--json"]).run().expect(0).json();
    assert_eq!(report["harness"]["template"], "sdk");
    assert_eq!(report["harness"]["sdk"], json!({"installed": true, "reason": "found in node_modules/pome-harness"}));
    assert!(project.read("harness.ts").contains("from \"pome-harness\""));

    let inner = project.pome(["init", "--language", "ts"]).cwd(project.path("inner/agents")).run().expect(0);
    assert!(inner.stderr.contains("on the harness SDK, found in ../../node_modules/pome-harness"), "{inner:?}");

    let again = project.pome(["init", "--force"]).run().expect(0);
    assert!(again.stderr.contains("move `harness.ts` away and run `pome init --force`"), "{again:?}");
}

#[test]
fn a_python_sdk_is_found_in_the_virtual_environment_or_by_asking_the_interpreter() {
    let ask = |project: &Project| {
        let report = project.pome(["init", "--language", "python", "--json", "--force"]).run().expect(0).json();
        let _ = fs::remove_file(project.path("harness.py"));
        report["harness"].clone()
    };
    let project = project();
    interpreter(&project, 7);
    let plain = ask(&project);
    assert_eq!(plain["template"], "plain");
    assert_eq!(plain["sdk"]["reason"], "`.venv/bin/python` has no `pome_harness`");
    interpreter(&project, 1);
    assert_eq!(ask(&project)["sdk"]["reason"], "`.venv/bin/python` could not be asked for `pome_harness`");
    interpreter(&project, 0);
    assert_eq!(ask(&project)["sdk"]["reason"], "found in what `.venv/bin/python` imports");
    interpreter(&project, 7);
    project.write(".venv/lib/python3.13/site-packages/pome_harness/__init__.py", "");
    let found = ask(&project);
    assert_eq!(found["sdk"]["reason"], "found in .venv/lib/python3.13/site-packages/pome_harness");
    assert_eq!(found["template"], "sdk");
    project.pome(["init", "--language", "python", "--force"]).run().expect(0);
    assert!(project.read("harness.py").contains("from pome_harness import"));
}

#[test]
fn other_project_files_stay_and_are_named() {
    let project = project();
    project.write("pome.yaml", "agent: {slug: a}\n");
    let output = project.pome(["init"]).run().expect(0);
    assert!(output.stderr.contains("`.pome.json` now takes precedence over `pome.yaml`"), "{output:?}");
    assert_eq!(project.read("pome.yaml"), "agent: {slug: a}\n");
}

#[test]
fn hosted_mode_asks_for_a_login_first_and_json_goes_to_standard_output() {
    let project = project();
    let output =
        project.pome(["init", "--mode", "hosted", "--language", "python", "--json", "--quiet"]).run().expect(0);
    assert_eq!(output.stderr, "");
    let report = output.json();
    assert_eq!(report["next"], json!(["pome login", "pome run scenarios/01-bug-happy-path.md"]));
    assert_eq!(project.json(".pome.json")["mode"], "hosted");
}
