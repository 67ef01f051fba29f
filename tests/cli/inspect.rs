//! `pome inspect`, `pome export`, `pome eval` and `pome fix-prompt` on what is not there or not whole.

use crate::project;

#[test]
fn a_run_that_is_not_there_is_a_usage_error() {
    for command in
        [&["inspect"] as &[&str], &["inspect", "run_1"], &["export", "latest"], &["eval", "--local"], &["fix-prompt"]]
    {
        let output = project().pome(command).run().expect(5);
        assert!(output.stderr.starts_with("error: no "), "{command:?}: {output:?}");
    }
}

#[test]
fn broken_files_are_errors_that_name_them() {
    let project = project();
    project.write("runs/a/run_1/meta.json", "{").write("runs/a/run_2/meta.json", r#"{"run_id":"run_2"}"#);
    let broken = project.pome(["inspect", "run_1"]).run().expect(2);
    assert!(broken.stderr.contains("run_1/meta.json"), "{broken:?}");
    let missing = project.pome(["export", "run_2"]).run().expect(2);
    assert!(missing.stderr.contains("tool_calls.jsonl"), "{missing:?}");
}

#[test]
fn a_run_without_a_score_says_so() {
    let project = project();
    project.write("runs/a/run_1/meta.json", r#"{"run_id":"run_1","twins":[]}"#);
    let output = project.pome(["inspect", "runs/a/run_1"]).run().expect(0);
    assert!(output.stdout.starts_with("Run: run_1\nDirectory: runs/a/run_1\n"), "{output:?}");
    assert!(output.stdout.contains("Events: (events.jsonl not found)\nScore: (not scored)\n"), "{output:?}");
}

#[test]
fn the_artifacts_folder_comes_from_the_flag_or_the_project() {
    let project = project();
    project.write("out/a/run_1/meta.json", r#"{"run_id":"run_1"}"#).write(".pome.json", r#"{"artifacts_dir":"out"}"#);
    project.pome(["inspect", "run_1"]).run().expect(0);
    project.pome(["inspect", "run_1", "--artifacts-dir", "elsewhere"]).run().expect(5);
}
