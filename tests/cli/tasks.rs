//! `pome tasks`.

use crate::project;

#[test]
fn twins_are_listed_with_the_number_of_their_scenarios() {
    let output = project().pome(["tasks", "--json"]).run().expect(0);
    let shelves = output.json();
    let github = shelves.as_array().unwrap().iter().find(|shelf| shelf["twin"] == "github").unwrap();
    let first =
        &github["tasks"].as_array().unwrap().iter().find(|task| task["filename"] == "01-bug-happy-path.md").unwrap();
    assert_eq!(first["title"], "Bug happy path");
    assert!(first["summary"].as_str().unwrap().starts_with("`acme/api` has one new issue"), "{first}");
    let text = project().pome(["scenarios"]).run().expect(0).stdout;
    assert!(text.starts_with("github  "), "{text}");
}

#[test]
fn copying_keeps_what_is_there_unless_forced() {
    let project = project();
    project.write("scenarios/01-bug-happy-path.md", "mine");
    let output = project.pome(["tasks", "github", "--copy"]).run().expect(0);
    assert!(output.stdout.contains("skipped  scenarios/01-bug-happy-path.md"), "{output:?}");
    assert!(output.stdout.contains("copied   scenarios/01-bug-happy-path.seed.json"), "{output:?}");
    assert_eq!(project.read("scenarios/01-bug-happy-path.md"), "mine");
    project.pome(["tasks", "github", "--copy", "--force"]).run().expect(0);
    assert!(project.read("scenarios/01-bug-happy-path.md").starts_with("# Bug happy path"));
}

#[test]
fn without_a_folder_for_scenarios_they_go_to_tasks_or_where_they_are_told() {
    let project = project();
    project.pome(["tasks", "github", "--copy"]).run().expect(0);
    assert!(project.path("tasks/01-bug-happy-path.md").exists());
    project.pome(["tasks", "github", "--copy", "--dest", "here"]).run().expect(0);
    assert!(project.path("here/01-bug-happy-path.seed.json").exists());
}

#[test]
fn an_unknown_twin_and_copying_without_one_are_usage_errors() {
    let output = project().pome(["tasks", "gihub"]).run().expect(5);
    assert!(output.stderr.contains("did you mean `github`?"), "{output:?}");
    project().pome(["tasks", "--copy"]).run().expect(5);
}
