//! Evaluators in whole runs: what they decide is in the files, what breaks is theirs alone, and a second look finds the same.

use std::fs;
use std::path::Path;

use pome_tests::{Project, root};
use serde_json::{Value, json};

use crate::support::{LABELLED, labelling, run};

/// A component that `cargo xtask components` builds: `budget`, the example in Rust, and `hostile-evaluator`, which misbehaves.
fn built(name: &str) -> Vec<u8> {
    fs::read(root().join(format!("tests/guests/prebuilt/{name}.wasm"))).expect("`cargo xtask components` builds it")
}

/// A component that wants to reach the network.
const CALLS_HOME: &str =
    r#"(component (import "wasi:http/outgoing-handler@0.2.0" (instance (export "handle" (func)))))"#;

/// A project whose agent labels issue 1, with evaluators beside the scenario.
fn project() -> Project {
    let project = labelling(r#"label("bug")"#);
    project.write("evaluators/budget.wasm", built("budget"));
    project.write("evaluators/hostile.wasm", built("hostile-evaluator"));
    project.write("evaluators/calls-home.wasm", wat::parse_str(CALLS_HOME).expect("a component"));
    project
}

fn scenario(project: &Project, criteria: &str, config: &str) {
    let text = format!(
        "# Judged\n\n## Prompt\n\nLabel issue 1.\n\n## Success Criteria\n\n{criteria}\n\n## Config\n\npassThreshold: 100\n{config}\n"
    );
    project.write("judged.md", text);
}

/// Outcome and reason of each criterion, in order.
fn outcomes(score: &Value) -> Vec<(String, String)> {
    let text = |result: &Value, key: &str| result[key].as_str().expect(key).to_owned();
    let results = score["results"].as_array().expect("results");
    results.iter().map(|result| (text(result, "outcome"), text(result, "reason"))).collect()
}

fn digest_of(bytes: &[u8]) -> String {
    pome_sandbox::digest(bytes)
}

#[test]
fn a_run_is_judged_by_checks_evaluators_and_expressions_side_by_side() {
    let project = project();
    let criteria = [
        LABELLED,
        "- [D:budget] At most 1 calls are made",
        "- [D] No call is repeated",
        "- [D] cel: final.repositories[0].issues[0].labels.exists(l, l.name == 'bug') && size(calls) == 1",
        "- [D:github] cel: calls.all(c, c.status < 300)",
    ];
    scenario(&project, &criteria.join("\n"), "evaluators: [./evaluators/budget.wasm]");
    run(&project, ["judged.md"]).run().expect(0);

    let run_dir = project.latest_run();
    let score = project.json(run_dir.join("score.json"));
    let outcomes = outcomes(&score);
    assert!(outcomes.iter().all(|(outcome, _)| outcome == "passed"), "{outcomes:#?}");
    assert_eq!(outcomes[1].1, "1 calls were made");
    assert!(outcomes[3].1.starts_with("true: `final.repositories[0].issues[0].labels[0]` is {"), "{}", outcomes[3].1);

    let budget = json!({"name": "budget", "digest": digest_of(&built("budget"))});
    assert_eq!(score["results"][0].get("evaluator"), None, "a check of a twin is no evaluator");
    assert_eq!((&score["results"][1]["evaluator"], &score["results"][2]["evaluator"]), (&budget, &budget));
    let cel = &score["results"][3]["evaluator"];
    assert_eq!(cel["name"], "cel");
    assert!(cel["digest"].as_str().is_some_and(|digest| digest.starts_with("sha256:")), "{cel}");
    assert_eq!(score["results"][3]["evidence_state_paths"], json!(["/repositories/0/issues/0/labels/0"]));

    assert_eq!(score["results"][3]["criterion"]["twin"], "github");

    let verdict = project.json(run_dir.join("verdict.json"));
    assert_eq!(verdict["criteria_results"], score["results"]);
    let meta = project.json(run_dir.join("meta.json"));
    assert_eq!(meta["evaluators"], json!({"budget": digest_of(&built("budget")), "cel": cel["digest"]}));
}

#[test]
fn what_breaks_is_errored_and_everything_else_is_judged() {
    let project = project();
    let sentences = ["loops", "allocates", "recurses", "traps", "exits", "floods", "errs", "skips", "passes"];
    let hostile = sentences.map(|sentence| format!("- [D:hostile] {sentence}")).join("\n");
    let criteria = format!(
        "{LABELLED}\n{hostile}\n- [D:calls-home] is all well\n- [D:budget] At most 9 calls are made\n- [D:budget] anything else"
    );
    let config = "evaluators: [evaluators/hostile.wasm, evaluators/calls-home.wasm, evaluators/budget.wasm]";
    scenario(&project, &criteria, config);
    run(&project, ["judged.md"]).run().expect(1);

    let score = project.json(project.latest_run().join("score.json"));
    let found = outcomes(&score);
    let expected = [
        ("passed", ""),
        ("errored", "evaluator_fuel_exhausted: evaluator `hostile` ran out of fuel"),
        ("errored", "evaluator_trap: evaluator `hostile` ran out of memory"),
        ("errored", "evaluator_trap: evaluator `hostile` overflowed its stack"),
        ("errored", "evaluator_trap: evaluator `hostile` trapped"),
        ("errored", "evaluator_trap: evaluator `hostile` trapped: it exited with 1"),
        ("errored", "evaluator_trap: evaluator `hostile` gave an answer that is too large"),
        ("errored", "broken: by its own account"),
        ("skipped", "as_asked: it says so"),
        ("passed", "as asked"),
        ("errored", "evaluator_refused: component `calls-home` imports `wasi:http/outgoing-handler@0.2.0#handle`"),
        ("passed", "1 calls were made"),
        ("skipped", "unmatched: evaluator `budget` does not read this sentence"),
    ];
    for (found, expected) in found.iter().zip(expected) {
        assert_eq!(found.0, expected.0, "{found:?}");
        assert!(found.1.starts_with(expected.1), "{found:?}");
    }
    assert_eq!(found.len(), expected.len());
    assert_eq!((&score["status"], &score["errored"], &score["passed"]), (&json!("incomplete"), &json!(8), &json!(3)));
}

#[test]
fn a_second_look_finds_the_same_bytes_wherever_the_run_lies() {
    let project = project();
    let criteria =
        format!("{LABELLED}\n- [D:hostile] tells\n- [D] At most 1 calls are made\n- [D] cel: size(events) == 1");
    scenario(&project, &criteria, "evaluators: [evaluators/hostile.wasm, evaluators/budget.wasm]");
    run(&project, ["judged.md"]).run().expect(0);
    let run_dir = project.latest_run();
    let files =
        |dir: &Path| ["score.json", "verdict.json", "meta.json"].map(|name| fs::read(dir.join(name)).expect(name));
    let at_first = files(&run_dir);
    let told = |bytes: &[u8]| outcomes(&serde_json::from_slice(bytes).expect("JSON"))[1].1.clone();
    // The run itself was judged on what redaction had not touched yet; apart from that flag nothing differs.
    assert_eq!(told(&at_first[0]).replace("redacted false", "redacted true"), {
        project.pome(["eval", "--local", &run_dir.display().to_string()]).run().expect(0);
        told(&files(&run_dir)[0])
    });

    let again = files(&run_dir);
    let moved = project.path("elsewhere/moved");
    fs::create_dir_all(moved.parent().expect("a folder")).expect("made");
    fs::rename(&run_dir, &moved).expect("moved");
    project.pome(["eval", "--local", "elsewhere/moved"]).run().expect(0);
    assert_eq!(files(&moved), again);

    // Another evaluator of the same name.
    let other = project.path("other.wasm");
    fs::write(&other, built("hostile-evaluator")).expect("written");
    project.pome(["eval", "--local", "elsewhere/moved", "--evaluator", "budget=other.wasm"]).run().expect(1);
    let score = project.json(moved.join("score.json"));
    assert_eq!(outcomes(&score)[2].0, "skipped", "the hostile one does not count calls");
    assert_eq!(project.json(moved.join("meta.json"))["evaluators"]["budget"], digest_of(&built("hostile-evaluator")));
    project.pome(["eval", "--local", "elsewhere/moved"]).run().expect(0);
    assert_eq!(files(&moved), again, "and back");
}

#[test]
fn a_file_that_is_no_evaluator_makes_the_scenario_malformed() {
    let project = project();
    for (config, says) in [
        ("evaluators: [gone.wasm]", "judged.md:14: evaluator `gone`: `gone.wasm` cannot be read: No such file"),
        ("evaluators:\n  - judged.md", "judged.md:15: evaluator `judged`: `judged.md` is not a component: "),
        ("evaluators: [{path: 7}]", "judged.md:14: `evaluators[0].path`: expected a text, found `7`"),
    ] {
        scenario(&project, LABELLED, config);
        let output = run(&project, ["judged.md"]).run().expect(5);
        assert!(output.masked().contains(says), "{}", output.masked());
    }
    scenario(&project, "- [D:tone] x", "evaluators: [evaluators/budget.wasm]");
    let output = run(&project, ["judged.md"]).run().expect(5);
    assert!(
        output.masked().contains("the scenario's twin is `github` and its evaluator is `budget`"),
        "{}",
        output.masked()
    );
}

#[test]
fn a_wrong_expression_is_shown_with_its_place_before_anything_runs() {
    let project = project();
    scenario(&project, &format!("{LABELLED}\n- [D] cel: size(finale.repositories) == 1"), "");
    let output = run(&project, ["judged.md"]).run().expect(5);
    let shown = "judged.md:10: the expression is wrong at column 6: there is no variable `finale`; there are `seed`, `final`, \
                 `events`, `calls`, `twins`, `task`\n  | size(finale.repositories) == 1\n  |      ^";
    assert!(output.masked().contains(shown), "{}", output.masked());
    assert_eq!(project.names("runs"), [""; 0], "nothing was started");

    let lint = project.pome(["checks", "lint", "judged.md"]).run().expect(2);
    assert!(lint.masked().contains("line 10: the expression is wrong at column 6"), "{}", lint.masked());
    let criteria = format!(
        "{LABELLED}\n- [D:budget] No call is repeated\n- [D:budget] nonsense\n- [D] At most 3 calls are made\n- [D] cel: true"
    );
    scenario(&project, &criteria, "evaluators: [evaluators/budget.wasm]");
    let lint = project.pome(["checks", "lint", "judged.md"]).run().expect(1);
    assert!(lint.masked().contains("judged.md:11 - nonsense"), "{}", lint.masked());
    assert_eq!(lint.masked().matches('✗').count(), 1, "{}", lint.masked());
}

#[test]
fn expressions_over_several_twins_see_each_under_its_id() {
    let project = project();
    let criteria = "- [D] cel: size(final.github.repositories) == 1 && has(final.stripe.customers) && twins == ['github', 'stripe']\n\
                    - [D:stripe] cel: size(calls) == 0 && has(final.customers)\n\
                    - [code] cel: size(seed.github.repositories) == 1\n\
                    - [code] cel: size(final.github.repositories) == 1\n\
                    - [D] At most 1 calls are made";
    scenario(&project, criteria, "twins: [github, stripe]\nevaluators: [evaluators/budget.wasm]");
    run(&project, ["judged.md"]).run().expect(0);
    let score = project.json(project.latest_run().join("score.json"));
    let found = outcomes(&score);
    let words: Vec<&str> = found.iter().map(|(outcome, _)| outcome.as_str()).collect();
    // What was true before the agent did anything says nothing about the agent.
    assert_eq!(words, ["passed", "passed", "skipped", "skipped", "passed"], "{found:#?}");
    assert_eq!(found[3].1, "already_true_in_seed");
    assert_eq!(score["results"][0]["criterion"].get("twin"), None);
    assert_eq!(score["results"][1]["criterion"]["twin"], "stripe");
}
