//! `pome docs`, `pome completions` and the retired commands.

use crate::project;

#[test]
fn topics_are_listed_with_their_addresses() {
    let all = project().pome(["docs"]).run().expect(0);
    assert!(all.stdout.lines().any(|line| line == "pome\thttps://docs.pome.sh/introduction"), "{all:?}");
    let one = project().pome(["docs", "github", "--site", "http://localhost:1/"]).run().expect(0);
    assert_eq!(one.stdout, "http://localhost:1/docs/github\n");
}

#[test]
fn an_unknown_topic_suggests_a_near_one() {
    let output = project().pome(["docs", "gihub"]).run().expect(5);
    assert_eq!(
        output.stderr,
        "error: no documentation topic `gihub`\nhint: did you mean `github`? `pome docs` lists the topics\n"
    );
}

#[test]
fn completions_are_printed_for_each_shell() {
    for (shell, sign) in [("bash", "_pome()"), ("zsh", "#compdef pome"), ("fish", "complete -c pome")] {
        let output = project().pome(["completions", shell]).run().expect(0);
        assert!(output.stdout.contains(sign), "{shell}");
    }
    project().pome(["completions", "nosuch"]).run().expect(5);
}

#[test]
fn retired_commands_accept_anything() {
    let output = project().pome(["install", "--everything", "x", "--help"]).run().expect(0);
    assert!(output.stdout.starts_with("`pome install` is retired"), "{output:?}");
    project().pome(["skills"]).run().expect(0);
}
