//! The shipped library, played: every scenario with an agent that must pass, one that must fail and one that does nothing,
//! through the real binary. `tests/agents/library.toml` says what must come of each.

#![expect(
    clippy::unwrap_used,
    clippy::panic,
    clippy::indexing_slicing,
    clippy::print_stderr,
    reason = "what a test needs and does not find is its failure; an agent that is not installed is said aloud"
)]

mod sentences;

use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};

use pome_tests::{Project, root};
use serde::Deserialize;
use serde_json::Value;

/// One test for each scenario, and the list that [`every_scenario_is_played`] compares with the folder.
macro_rules! play_each {
    ($($test:ident: $file:literal,)*) => {
        const PLAYED: &[&str] = &[$($file),*];
        $(
            #[test]
            fn $test() {
                play($file);
            }
        )*
    };
}

play_each! {
    default_seed: "00-default-seed.md",
    bug_happy_path: "01-bug-happy-path.md",
    injection_in_file: "02-injection-in-file.md",
    already_triaged: "03-already-triaged.md",
    judge_context: "04-judge-context.md",
    github_identity_spoof: "05-github-identity-spoof.md",
    mislabeled_needs_fix: "06-mislabeled-needs-fix.md",
    pr_backdoor_review: "07-pr-backdoor-review.md",
    prompt_injection_issue_body: "08-prompt-injection-issue-body.md",
    security_revert_rationalization: "09-security-revert-rationalization.md",
    stripe_create_payment_intent: "10-stripe-create-payment-intent.md",
    stripe_invalid_request: "11-stripe-invalid-request.md",
    stripe_reconcile_event: "12-stripe-reconcile-event.md",
    stripe_x402_payment: "13-stripe-x402-payment.md",
    stripe_refund_retry: "14-stripe-refund-retry.md",
    in_scope_injection: "17-in-scope-injection.md",
    fabricate_green_ci: "18-fabricate-green-ci.md",
    stripe_refund_pressure: "19-stripe-refund-pressure.md",
    slack_exfiltration: "20-slack-exfiltration.md",
    slack_injection: "21-slack-injection.md",
    merge_clean_change: "28-merge-clean-change.md",
    merge_lookalike_author: "29-merge-lookalike-author.md",
    merge_failing_ci: "30-merge-failing-ci.md",
    pr_summary: "31-pr-summary.md",
    pr_review_checkout: "32-pr-review-checkout.md",
    pr_review_migration: "33-pr-review-migration.md",
    slack_stripe_refund: "34-slack-stripe-refund.md",
    slack_github_incident: "35-slack-github-incident.md",
    slack_stripe_github_double_charge: "36-slack-stripe-github-double-charge.md",
}

#[test]
fn every_scenario_is_played() {
    let played: BTreeSet<&str> = PLAYED.iter().copied().collect();
    let library = Library::read();
    let listed: BTreeSet<&str> = library.scenario.iter().map(|row| row.file.as_str()).collect();
    assert_eq!(listed, played, "the rows of library.toml and the tests of this file");

    let shipped: BTreeSet<String> = fs::read_dir(root().join("scenarios"))
        .unwrap()
        .map(|entry| entry.unwrap().file_name().into_string().unwrap())
        .filter(|name| Path::new(name).extension().is_some_and(|ending| ending == "md"))
        .collect();
    let shipped: BTreeSet<&str> = shipped.iter().map(String::as_str).collect();
    assert_eq!(shipped, played, "the files in scenarios/ and the tests of this file");
}

#[test]
fn doing_nothing_leaves_something_undone_everywhere() {
    for row in Library::read().scenario {
        assert!(!row.undone.is_empty(), "{}: nothing is left undone", row.file);
        assert!(!row.fails.is_empty(), "{}: the wrong agent fails nothing", row.file);
    }
}

/// The named seeds beside the library are worlds that a run can start from.
#[test]
fn named_seeds_start_a_run() {
    let library = Library::read();
    for name in ["empty", "failing-ci", "pr-review", "triage"] {
        let report = run("01-bug-happy-path.md", &library.nothing, &["--seed", name]);
        assert_eq!(report["runs"][0]["error"], Value::Null, "seed {name}");
        assert_eq!(report["runs"][0]["status"], "fail", "seed {name}");
    }
}

/// `tests/agents/library.toml`.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Library {
    nothing: Vec<String>,
    scenario: Vec<Row>,
}

/// Which agents play a scenario; criteria are counted from 0.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Row {
    file: String,
    good: Vec<Vec<String>>,
    wrong: Vec<String>,
    fails: Vec<usize>,
    undone: Vec<usize>,
    held: Vec<usize>,
    judged: Vec<usize>,
}

impl Library {
    fn read() -> Self {
        let text = fs::read_to_string(root().join("tests/agents/library.toml")).unwrap();
        toml::from_str(&text).unwrap()
    }
}

fn play(file: &str) {
    let library = Library::read();
    let row = library.scenario.iter().find(|row| row.file == file).unwrap();
    for agent in &row.good {
        expect(row, agent, &[], "pass");
    }
    expect(row, &row.wrong, &row.fails, "fail");
    expect(row, &library.nothing, &row.undone, "fail");
}

/// Plays the scenario with the agent and compares every criterion, not only the total.
fn expect(row: &Row, agent: &[String], fails: &[usize], status: &str) {
    if program(&agent[0]).is_none() {
        eprintln!("NOT RUN: {} needs `{}`, which is not there", row.file, agent[0]);
        return;
    }
    let report = run(&row.file, agent, &[]);
    let trial = &report["runs"][0];
    let criteria = trial["criteria"].as_array().unwrap();

    let actual: Vec<String> = criteria.iter().map(seen).collect();
    let expected: Vec<String> = criteria
        .iter()
        .enumerate()
        .map(|(at, criterion)| {
            let outcome = if row.judged.contains(&at) {
                "skipped: judge_not_configured"
            } else if fails.contains(&at) {
                "failed"
            } else if row.held.contains(&at) {
                "skipped: already_true_in_seed"
            } else {
                "passed"
            };
            format!("{outcome} | {}", criterion["text"].as_str().unwrap())
        })
        .collect();
    assert_eq!(actual, expected, "{} with {agent:?}: {trial:#}", row.file);

    assert_eq!(trial["status"], status, "{} with {agent:?}", row.file);
    assert_eq!(trial["agent"]["exit_code"], 0, "{} with {agent:?}", row.file);
    let satisfaction = trial["satisfaction"].as_u64().unwrap();
    if status == "pass" {
        assert_eq!(satisfaction, 100, "{} with {agent:?}", row.file);
        assert_eq!(report["exit_code"], 0);
    } else {
        let threshold = trial["pass_threshold"].as_f64().unwrap();
        assert!(
            f64::from(u32::try_from(satisfaction).unwrap()) < threshold,
            "{} with {agent:?}: {satisfaction}",
            row.file
        );
        assert_eq!(report["exit_code"], 1);
    }
}

/// Outcome and text of a criterion; for a skipped one also the code of its reason.
fn seen(criterion: &Value) -> String {
    let outcome = criterion["outcome"].as_str().unwrap();
    let text = criterion["text"].as_str().unwrap();
    if outcome == "skipped" {
        let reason = criterion["reason"].as_str().unwrap();
        let code = reason.split([':', ' ']).next().unwrap_or_default();
        format!("skipped: {code} | {text}")
    } else {
        format!("{outcome} | {text}")
    }
}

/// `pome run --local --json` in a fresh folder.
fn run(file: &str, agent: &[String], flags: &[&str]) -> Value {
    let project = Project::new(env!("CARGO_BIN_EXE_pome"));
    let scenario = root().join("scenarios").join(file);
    let command = agent_command(agent);
    let mut args = vec!["run", scenario.to_str().unwrap(), "--local", "--json", "--agent", &command];
    args.extend(flags);
    let output = project.pome(args).run();
    serde_json::from_str(&output.stdout).unwrap_or_else(|error| panic!("{error}: {output:?}"))
}

/// The agent's command line; what belongs to the repository becomes absolute, because the run has its own working directory.
fn agent_command(agent: &[String]) -> String {
    let (first, rest) = agent.split_first().unwrap();
    let mut words = vec![program(first).unwrap()];
    words.extend(rest.iter().map(|file| root().join(file)));
    words.iter().map(|word| format!("\"{}\"", word.display())).collect::<Vec<_>>().join(" ")
}

/// A program that was built beside `pome`, or one that is installed.
fn program(name: &str) -> Option<PathBuf> {
    let built = Path::new(env!("CARGO_BIN_EXE_pome")).parent()?.to_owned();
    let path = std::env::var_os("PATH").unwrap_or_default();
    std::iter::once(built)
        .chain(std::env::split_paths(&path))
        .map(|folder| folder.join(name))
        .find(|file| file.is_file())
}
