//! `pome run`: scenarios, agents, thresholds, exit codes.

use std::process::Command;
use std::time::{Duration, Instant};

use pome_tests::{Output, Project, pome_snapshot};
use serde_json::json;

use crate::project;

/// Needs nothing from the agent.
const HOLDS: &str = "[D] No new labels were created in `acme/api`";
/// Fails unless the agent does something.
const FAILS: &str = "[D] Issue #1 in `acme/api` has the `bug` label applied";
/// No check reads it.
const UNREAD: &str = "[D] The moon is full";

fn scenario(title: &str, criteria: &[&str]) -> String {
    let criteria: String = criteria.iter().map(|criterion| format!("- {criterion}\n")).collect();
    format!("# {title}\n\n## Prompt\n\nDo it.\n\n## Success Criteria\n\n{criteria}")
}

fn local(project: &Project, args: &[&str]) -> Output {
    project.pome(args).env("POME_LOCAL", "1").run()
}

/// Whether the program is there; says loudly when it is not.
fn there_is(program: &str) -> bool {
    let there = Command::new(program).arg("--version").output().is_ok_and(|output| output.status.success());
    if !there {
        eprintln!("NOT RUN: `{program}` is not installed");
    }
    there
}

fn is_alive(pid: &str) -> bool {
    std::fs::read_to_string(format!("/proc/{}/stat", pid.trim())).is_ok_and(|stat| !stat.contains(") Z "))
}

const ARTIFACTS: [&str; 11] = [
    "egress.jsonl",
    "events.jsonl",
    "meta.json",
    "score.json",
    "signals.jsonl",
    "state_final.json",
    "state_initial.json",
    "stderr.log",
    "stdout.txt",
    "tool_calls.jsonl",
    "verdict.json",
];

/// Acceptance: a new project passes its first scenario with nothing but the interpreter of its harness.
fn a_new_project_passes(language: &str) {
    let project = project();
    project.pome(["init", "--language", language]).run().expect(0);
    let output = project.pome(["run", "scenarios/01-bug-happy-path.md"]).run().expect(0);
    assert!(
        output.stderr.contains("PASS Bug happy path\n  score: 100/100\n  run: runs/01-bug-happy-path/run_"),
        "{output:?}"
    );
    let dir = project.latest_run();
    for name in ARTIFACTS.iter().filter(|name| **name != "egress.jsonl") {
        assert!(dir.join(name).exists(), "{name} is missing");
    }
    assert!(!dir.join("egress.jsonl").exists(), "nothing was refused");

    let shown = project.pome(["inspect", "latest"]).run().expect(0);
    assert!(
        shown.stdout.contains("Score: 100/100\n✓ [code] Issue #1 in `acme/api` has the `bug` label applied"),
        "{shown:?}"
    );
    let document = project.pome(["inspect", "latest", "--format", "json"]).run().expect(0).json();
    assert_eq!(document["score"]["satisfaction"], 100);

    let exported = project.pome(["export", "latest"]).run().expect(0);
    let members = Command::new("tar").arg("-tzf").arg(project.path(exported.stdout.trim())).output().unwrap();
    assert_eq!(
        String::from_utf8(members.stdout).unwrap(),
        "meta.json\ntool_calls.jsonl\nstate_initial.json\nstate_final.json\nscore.json\n"
    );
    let again = project.pome(["eval", "--local"]).run().expect(0);
    assert!(again.stderr.contains("PASS Bug happy path"), "{again:?}");
}

#[test]
fn a_new_typescript_project_passes_its_first_scenario() {
    if there_is("node") {
        a_new_project_passes("ts");
    }
}

#[test]
fn a_new_python_project_passes_its_first_scenario() {
    if there_is("python3") {
        a_new_project_passes("python");
    }
}

#[test]
fn local_mode_needs_no_account() {
    let project = project();
    project.write("x.md", scenario("X", &[HOLDS]));
    pome_snapshot!(local(&project, &["run", "x.md", "--agent", "true"]), @r"
    exit 0
    ----- stderr -----
    warning: x.md: no pass threshold is set, so every complete evaluation passes; set `passThreshold` or `--pass-threshold`
    PASS X
      score: 100/100
      run: runs/x/<run>
    ");
}

#[test]
fn what_cannot_be_run_is_a_usage_error() {
    let project = project();
    project.write("good.md", scenario("X", &[HOLDS])).write("malformed.md", "# X\n\n## Prompt\n\nDo it.\n");
    for args in [
        &["run", "/does/not/exist.md", "--agent", "true"] as &[&str],
        &["run", "malformed.md", "--agent", "true"],
        &["run", "good.md"],
        &["run", "good.md", "--agent", "echo 'open"],
        &["run", "good.md", "--agent", "true", "--timeout", "0"],
        &["run", "good.md", "--agent", "true", "--runs", "0"],
        &["run", "good.md", "--agent", "true", "--pass-threshold", "101"],
        &["run", "good.md", "--agent", "true", "--tag", "two words"],
        &["run", "good.md", "--agent", "true", "--seed", "nosuch"],
        &["run", "good.md", "--agent", "true", "--reuse-session", "ses_1"],
        &["run", "good.md", "--harness", "nowhere.py"],
        &["run", "--agent", "true"],
    ] {
        let output = local(&project, args);
        assert_eq!(output.code, 5, "{args:?}: {output:?}");
    }
}

#[test]
fn a_folder_is_run_in_the_order_of_its_names_and_the_worst_code_wins() {
    let project = project();
    project
        .write("s/1-pass.md", scenario("Pass", &[HOLDS]))
        .write("s/2-fail.md", scenario("Fail", &[FAILS]))
        .write("s/3-malformed.md", "# X\n\n## Prompt\n\nDo it.\n")
        .write("s/README.md", "# About\n");
    let output = local(&project, &["run", "s", "--agent", "true", "--pass-threshold", "100"]).expect(5);
    let verdicts: Vec<&str> = output
        .stderr
        .lines()
        .filter(|line| ["PASS ", "FAIL ", "ERROR "].iter().any(|label| line.starts_with(label)))
        .collect();
    assert_eq!(verdicts, ["PASS Pass", "FAIL Fail", "ERROR s/3-malformed.md"], "{output:?}");

    let report = local(
        &project,
        &["run", "s", "--agent", "true", "--pass-threshold", "100", "--json", "--quiet", "--jobs", "auto"],
    )
    .expect(5)
    .json();
    let statuses: Vec<&str> =
        report["runs"].as_array().unwrap().iter().map(|run| run["status"].as_str().unwrap()).collect();
    assert_eq!(statuses, ["pass", "fail", "error"]);
    assert_eq!((report["version"].as_u64(), report["exit_code"].as_u64()), (Some(1), Some(5)));
}

#[test]
fn a_threshold_of_zero_forgives_failures_but_not_gaps() {
    let project = project();
    project.write("fail.md", scenario("Fail", &[FAILS])).write("gap.md", scenario("Gap", &[HOLDS, UNREAD]));
    local(&project, &["run", "fail.md", "--agent", "true", "--pass-threshold", "0"]).expect(0);
    let gap = local(&project, &["run", "gap.md", "--agent", "true", "--pass-threshold", "0"]).expect(1);
    assert!(gap.stderr.contains("INCOMPLETE Gap\n  score: incomplete - 1 of 2 criteria not evaluated;"), "{gap:?}");
}

#[test]
fn an_agent_that_takes_too_long_goes_with_everything_it_started() {
    let project = project();
    project.write("x.md", scenario("X", &[HOLDS]));
    project.write(
        "agent.sh",
        "[ \"$POME_PREFLIGHT\" = 1 ] && exit 0\nsleep 600 &\necho $! > child\necho $$ > agent\nsleep 600\n",
    );
    let before = Instant::now();
    let output =
        local(&project, &["run", "x.md", "--agent", "sh agent.sh", "--timeout", "2", "--pass-threshold", "100"]);
    assert!(before.elapsed() < Duration::from_secs(20), "{output:?}");
    assert!(!is_alive(&project.read("agent")) && !is_alive(&project.read("child")), "something is left");
    let dir = project.latest_run();
    let meta: serde_json::Value =
        serde_json::from_str(&std::fs::read_to_string(dir.join("meta.json")).unwrap()).unwrap();
    assert_eq!((meta["timed_out"].clone(), meta["stop_reason"].clone()), (json!(true), json!("agent_timeout")));
    assert!(output.expect(0).stderr.contains("PASS X"), "the score decides");
}

#[test]
fn a_tunnel_to_a_stranger_is_refused_and_named() {
    if !there_is("python3") {
        return;
    }
    let project = project();
    project.write("x.md", scenario("X", &[HOLDS]));
    project.write(
        "agent.py",
        "import os, socket\n\
         host, port = os.environ['HTTPS_PROXY'].removeprefix('http://').split(':')\n\
         proxy = socket.create_connection((host, int(port)))\n\
         proxy.sendall(b'CONNECT tracker.example:443 HTTP/1.1\\r\\nHost: tracker.example:443\\r\\n\\r\\n')\n\
         print(proxy.recv(100).split(b'\\r')[0].decode())\n",
    );
    let output = local(&project, &["run", "x.md", "--harness", "agent.py", "--pass-threshold", "100"]).expect(0);
    assert!(
        output.stderr.contains("refused 1 tunnel(s) to non-allowlisted host(s) - tracker.example:443"),
        "{output:?}"
    );
    assert!(output.stderr.contains("POME_EGRESS_ALLOW"), "{output:?}");
    let dir = project.latest_run();
    assert!(std::fs::read_to_string(dir.join("egress.jsonl")).unwrap().contains("tracker.example"));
    assert!(std::fs::read_to_string(dir.join("stdout.txt")).unwrap().contains("403"));
}

#[test]
fn trials_are_counted_together() {
    let project = project();
    project.write("x.md", scenario("X", &[FAILS]));
    let output =
        local(&project, &["run", "x.md", "--agent", "true", "-n", "3", "--jobs", "3", "--pass-threshold", "100"])
            .expect(1);
    let lines: Vec<&str> = output.stderr.lines().filter(|line| line.starts_with("trial ")).collect();
    assert!(lines.len() == 3 && lines[2].starts_with("trial 3  ✗"), "{output:?}");
    assert!(output.stderr.contains("─────\n0 of 3 passed\n"), "{output:?}");
    assert!(output.stderr.contains("pome fix-prompt runs/x/run_"), "{output:?}");

    let fix = project.pome(["fix-prompt"]).run().expect(0);
    assert!(fix.stdout.contains("## Likely cause") && fix.stdout.contains("`bug` label"), "{fix:?}");
}

#[test]
fn typed_javascript_runs_without_any_package() {
    if !there_is("node") {
        return;
    }
    let project = project();
    project.write("x.md", scenario("X", &[HOLDS]));
    project.write(
        "agent.ts",
        "import type { Nothing } from './nothing.js';\ninterface Note { text: string }\n\
         const note: Note = { text: process.env.POME_TASK! } as Note;\n\
         const shout = <T extends Note>(it: T): string => it.text.toUpperCase();\nconsole.log(JSON.stringify({ summary: shout(note) }));\n",
    );
    local(&project, &["run", "x.md", "--harness", "agent.ts", "--pass-threshold", "100"]).expect(0);
    let stdout = std::fs::read_to_string(project.latest_run().join("stdout.txt")).unwrap();
    assert_eq!(stdout, "{\"summary\":\"DO IT.\"}\n");
}

#[test]
fn an_agent_with_a_vendor_address_is_warned_about() {
    let project = project();
    project.write("x.md", scenario("X", &[HOLDS])).write("agent.js", "fetch('https://api.github.com')\n");
    let output = local(&project, &["run", "x.md", "--agent", "true"]).expect(0);
    assert!(output.stderr.contains("warning: agent.js:1: `api.github.com` leads past the twins"), "{output:?}");
}
