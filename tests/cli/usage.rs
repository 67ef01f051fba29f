//! What every command has in common: help, versions, usage errors.

use crate::project;

#[test]
fn an_unknown_flag_is_a_usage_error() {
    let output = project().pome(["run", "--nonsense"]).run().expect(5);
    assert!(output.stderr.contains("--nonsense"), "{output:?}");
    assert!(output.stderr.ends_with("(add --help for usage)\n"), "{output:?}");
    assert_eq!(output.stdout, "");
}

#[test]
fn help_and_version_are_answers() {
    let project = project();
    let help = project.pome(["run", "--help"]).run().expect(0);
    assert!(help.stdout.contains("--pass-threshold"), "{help:?}");
    for flag in ["--version", "-V"] {
        assert_eq!(project.pome([flag]).run().expect(0).stdout, concat!(env!("CARGO_PKG_VERSION"), "\n"));
    }
}
