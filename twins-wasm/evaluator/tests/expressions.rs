//! Expressions over recorded material: what they come to, what they show, and how mistakes are named.

use pome_evaluator::{Case, Outcome, Verdict, judge};

const SEED: &str = r#"{"repositories":[{"name":"api","issues":[{"number":1,"state":"open","labels":[]}]}]}"#;
const FINAL: &str = r#"{"repositories":[{"name":"api","issues":[
    {"number":1,"state":"open","labels":[{"name":"bug"}],"a/b":1.5},
    {"number":2,"state":"closed","labels":[{"name":"wontfix"},{"name":"bug"}]}]}]}"#;
const EVENTS: &str = r#"[
    {"kind":"TwinHttpEvent","event_id":"e1","twin":"github","tool":"add_labels","status":200,"method":"POST"},
    {"kind":"LlmCallEvent","event_id":"e2","model":"m"},
    {"kind":"TwinHttpEvent","event_id":"e3","twin":"slack","tool":null,"status":404,"method":"GET"}]"#;

fn case(text: &str) -> Case<'_> {
    Case { text, seed: Some(SEED), final_state: Some(FINAL), events: Some(EVENTS), task: "triage", ..Case::default() }
}

fn of(text: &str) -> Outcome {
    judge(&case(text)).unwrap_or_else(|| panic!("`{text}` is an expression"))
}

#[track_caller]
fn comes_to(text: &str, verdict: Verdict, reason: &str) {
    let outcome = of(text);
    assert_eq!((outcome.verdict, outcome.reason.as_str()), (verdict, reason), "{text}");
}

#[test]
fn other_sentences_are_not_expressions() {
    assert_eq!(judge(&case("Issue #1 is closed")), None);
    assert_eq!(judge(&case("celsius: 3")), None);
}

#[test]
fn an_expression_is_true_or_false_with_the_values_that_decided() {
    use Verdict::{Failed, Passed};
    for (text, verdict, reason) in [
        ("cel: final.repositories[0].name == 'api'", Passed, r#"true: `final.repositories[0].name` is "api""#),
        ("cel: final.repositories[0].name == 'web'", Failed, r#"false: `final.repositories[0].name` is "api""#),
        (
            "cel: size(final.repositories[0].issues) - size(seed.repositories[0].issues) == 1",
            Passed,
            "true: `size(final.repositories[0].issues) - size(seed.repositories[0].issues)` is 1",
        ),
        (
            "cel: final.repositories[0].issues.exists(i, i.state == 'open' && i.number > 5)",
            Failed,
            "false: `final.repositories[0].issues` has 2 elements",
        ),
        (
            "cel: final.repositories[0].issues.all(i, i.state == 'open')",
            Failed,
            r#"false: `final.repositories[0].issues[1]` is {labels: [{name: "wontfix"}, {name: "bug"}], number: 2, state: "closed"}"#,
        ),
        ("cel: task == 'triage' && !(task.contains('age'))", Failed, r#"false: `task` is "triage""#),
        ("cel: task == 'x' || task.startsWith('y')", Failed, r#"false: `task` is "triage""#),
        ("cel: task in ['x', 'y']", Failed, r#"false: `task` is "triage"; `["x", "y"]` is ["x", "y"]"#),
        ("cel: task.matches('^tri')", Passed, r#"true: `task` is "triage""#),
        ("cel: has(final.missing)", Failed, "false: `has(final.missing)` is false"),
        (
            "cel: final.repositories[0].issues[0]['a/b'] > 1",
            Passed,
            r#"true: `final.repositories[0].issues[0]["a/b"]` is 1.5"#,
        ),
        (
            "cel: calls.exists_one(c, c.status >= 400)",
            Passed,
            r#"true: `calls[1]` is {event_id: "e3", kind: "TwinHttpEvent", method: "GET", status: 404, tool: null, twin: "slack"}"#,
        ),
        ("cel: false", Failed, "false"),
    ] {
        comes_to(text, verdict, reason);
    }
}

#[test]
fn evidence_points_into_the_state_and_the_trace() {
    let paths = |text: &str| of(text).state_paths;
    assert_eq!(paths("cel: final.repositories[0].issues[0].state == 'open'"), ["/repositories/0/issues/0/state"]);
    assert_eq!(paths("cel: final.repositories[0].issues[0]['a/b'] == 1.5"), ["/repositories/0/issues/0/a~1b"]);
    assert_eq!(paths("cel: final.repositories[0].issues.exists(i, i.number == 2)"), ["/repositories/0/issues/1"]);
    assert_eq!(paths("cel: final.repositories[0].issues.all(i, i.number == 2)"), ["/repositories/0/issues/0"]);
    assert_eq!(paths("cel: size(seed.repositories) == 1"), [""; 0]);

    let events = |text: &str| of(text).event_ids;
    assert_eq!(events("cel: calls.exists(c, c.tool == 'add_labels')"), ["e1"]);
    assert_eq!(events("cel: size(calls.filter(c, c.status < 500)) == 2"), ["e1", "e3"]);
    assert_eq!(events("cel: events.all(e, e.kind == 'TwinHttpEvent')"), ["e2"]);
    assert_eq!(events("cel: !calls.exists(c, c.method == 'DELETE')"), [""; 0]);
}

#[test]
fn a_tagged_expression_sees_the_calls_of_its_twin_only() {
    let judged = |twin| {
        let case = Case { twin: Some(twin), ..case("cel: calls.exists(c, c.tool == 'add_labels')") };
        judge(&case).map(|outcome| outcome.verdict)
    };
    assert_eq!((judged("github"), judged("slack")), (Some(Verdict::Passed), Some(Verdict::Failed)));
}

#[test]
fn what_is_missing_fails_and_what_was_not_recorded_is_skipped() {
    comes_to(
        "cel: final.repositories[0].wiki == true",
        Verdict::Failed,
        "there is no `wiki` where the expression looks for it; `has(...)` asks whether there is",
    );
    comes_to("cel: final.repositories[7].name == 'x'", Verdict::Failed, "there is no element 7");
    for (text, reason) in [
        ("cel: seed.a == 1", "seed_missing: the state before the agent was not recorded"),
        ("cel: final.a == 1", "state_missing: the state after the agent was not recorded"),
        ("cel: size(calls) == 0", "tape_missing: the trace was not recorded"),
    ] {
        let bare = judge(&Case { text, ..Case::default() }).expect("an expression");
        assert_eq!((bare.verdict, bare.reason.as_str()), (Verdict::Skipped, reason));
    }
    // What it does not read need not be there.
    let bare = judge(&Case { text: "cel: task == ''", ..Case::default() }).expect("an expression");
    assert_eq!(bare.verdict, Verdict::Passed);
}

#[test]
fn mistakes_are_named_with_their_column() {
    for (text, reason) in [
        ("cel:", "cel_syntax: column 1: there is no expression"),
        ("cel: final.a ==", "cel_syntax: column 11: mismatched input the end"),
        ("cel: final.a = 1", "cel_syntax: column 9: token recognition error at: '= '"),
        ("cel: (task", "cel_syntax: column 6: missing ')' at the end"),
        (
            "cel: final.x == 1 && finl.y == 2",
            "cel_syntax: column 17: there is no variable `finl`; there are `seed`, `final`, `events`, `calls`, `twins`, `task`",
        ),
        (
            "cel: 'ü' == name",
            "cel_syntax: column 8: there is no variable `name`; there are `seed`, `final`, `events`, `calls`, `twins`, `task`",
        ),
    ] {
        comes_to(text, Verdict::Errored, reason);
    }
}

#[test]
fn what_is_neither_true_nor_false_is_an_error() {
    for (text, reason) in [
        ("cel: size(final.repositories)", "cel_type: the expression is the int 1, not true or false"),
        ("cel: null", "cel_type: the expression is null, not true or false"),
        ("cel: task + 1 == 2", "cel_type: `+` does not take the string \"triage\" and the int 1"),
        ("cel: tsk(1)", "cel_type: there is no function or variable `tsk`"),
        ("cel: 1 / 0 == 1", "cel_type: division by zero"),
    ] {
        comes_to(text, Verdict::Errored, reason);
    }
}

#[test]
fn deep_nesting_is_refused_instead_of_exhausting_the_stack() {
    let deep = format!("cel: {}1{}", "(".repeat(5_000), ")".repeat(5_000));
    assert_eq!(of(&deep).verdict, Verdict::Errored);
    let long = format!("cel: {}", vec!["true"; 2_000].join(" && "));
    assert_eq!(of(&long).verdict, Verdict::Passed);
}
