//! Commands that need a control plane, as long as nobody is signed in.

use std::fs;
use std::os::unix::fs::PermissionsExt as _;

use pome_tests::pome_snapshot;

use crate::project;

const SCENARIO: &str = "# A\n\n## Prompt\n\nDo it.\n\n## Success Criteria\n\n- [code] Issue #1 exists in `acme/api`\n";

#[test]
fn a_hosted_run_without_credentials_is_an_authentication_error_and_starts_nothing() {
    let project = project();
    project.write("x.md", SCENARIO);
    pome_snapshot!(project.pome(["run", "x.md", "--agent", "true"]).run(), @r#"
    exit 3
    ----- stderr -----
    error: not signed in: no API key found
      caused by: `POME_API_KEY` is not set and `<project>/home/.pome/credentials.json` does not exist
    hint: run `pome login`, or set `POME_API_KEY`
    hint: `pome run --local`, or `POME_LOCAL=1`, runs on this machine without an account
    "#);
    assert_eq!(project.names("."), ["x.md"]);
}

#[test]
fn every_hosted_command_gives_the_same_error() {
    let commands: [&[&str]; 5] = [
        &["sessions", "list"],
        &["sessions", "stop", "ses_1"],
        &["sessions", "kill", "ses_1"],
        &["session", "kill", "--all"],
        &["sandbox", "create", "--twin", "github"],
    ];
    for command in commands {
        let output = project().pome(command).run().expect(3);
        for part in ["pome login", "POME_API_KEY", ".pome/credentials.json", "POME_LOCAL=1", "--local"] {
            assert!(output.stderr.contains(part), "{command:?}: {part}\n{output:?}");
        }
    }
}

#[test]
fn flags_are_checked_before_credentials() {
    for command in [
        &["sessions", "kill"] as &[&str],
        &["sessions", "list", "--state", "nonsense"],
        &["login", "--token", ""],
        &["run", "/does/not/exist.md", "--agent", "true"],
    ] {
        project().pome(command).run().expect(5);
    }
    let output = project().pome(["sessions", "kill"]).run().expect(5);
    assert!(output.stderr.contains("<ID|--all>"), "{output:?}");
}

#[test]
fn a_malformed_scenario_is_reported_before_credentials() {
    let project = project();
    project.write("x.md", "# A\n\n## Prompt\n\nDo it.\n");
    project.pome(["run", "x.md", "--agent", "true"]).run().expect(5);
}

#[test]
fn credentials_that_others_may_read_are_refused_with_the_remedy() {
    let project = project();
    let folder = project.home().join(".pome");
    fs::create_dir(&folder).unwrap();
    let file = folder.join("credentials.json");
    fs::write(&file, r#"{"api_key":"pme_x"}"#).unwrap();
    fs::set_permissions(&file, fs::Permissions::from_mode(0o644)).unwrap();
    let output = project.pome(["sessions", "list"]).run().expect(3);
    assert!(output.stderr.contains(&format!("chmod 600 {}", file.display())), "{output:?}");
    assert!(!output.stderr.contains("pme_x"), "{output:?}");
}
