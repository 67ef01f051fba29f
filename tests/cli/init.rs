//! `pome init`.

use pome_tests::pome_snapshot;

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
    assert_eq!(report["next"], serde_json::json!(["pome login", "pome run scenarios/01-bug-happy-path.md"]));
    assert_eq!(project.json(".pome.json")["mode"], "hosted");
}
