//! Agents and runners that end badly.

use std::fs;

use serde_json::{Value, json};

use crate::support::{labelling, lives, pids, rows, run, until};

#[test]
fn an_agent_beyond_its_time_is_gone_with_everything_it_started_and_still_scored() {
    let project = labelling(
        r#"
if not preflight:
    label("bug")
    signal.signal(signal.SIGTERM, signal.SIG_IGN)
    child = subprocess.Popen(["sleep", "1000"], start_new_session=True)
    open("pids", "w").write(f"{os.getpid()}\n{child.pid}\n")
    time.sleep(1000)
"#,
    );
    let output = run(&project, ["label.md", "--timeout", "5", "--json"]).run().expect(0);
    let row = &output.json()["runs"][0];
    assert_eq!((&row["status"], &row["agent"]), (&json!("pass"), &json!({ "exit_code": null, "timed_out": true })));
    assert!(output.stderr.contains("the agent was stopped after 5 s"), "{}", output.stderr);
    for pid in pids(&project.path("pids"), 2).unwrap() {
        assert!(!lives(&pid), "{pid}");
    }
    let meta: Value =
        serde_json::from_str(&fs::read_to_string(project.latest_run().join("meta.json")).unwrap()).unwrap();
    assert_eq!((&meta["timed_out"], &meta["stop_reason"]), (&json!(true), &json!("agent_timeout")));
}

#[test]
fn an_agent_that_fails_is_scored_and_mentioned() {
    let project = labelling(r#"label("bug"); sys.exit(None if preflight else "it broke")"#);
    let output = run(&project, ["label.md"]).run().expect(0);
    assert!(output.stderr.contains("the agent exited with 1: it broke"), "{}", output.stderr);
}

#[test]
fn a_program_that_is_not_there_is_a_start_error() {
    let project = labelling("");
    let output = project.pome(["run", "--local", "--agent", "./nothing-here", "label.md"]).run().expect(2);
    assert!(output.stderr.contains("cannot start agent `./nothing-here`"), "{}", output.stderr);
    let meta: Value =
        serde_json::from_str(&fs::read_to_string(project.latest_run().join("meta.json")).unwrap()).unwrap();
    assert_eq!(meta["stop_reason"], "spawn_failed");
}

#[test]
fn a_killed_runner_leaves_its_trace_and_no_process() {
    let project = labelling(
        r#"
if not preflight:
    for name in ["bug", "feature", "question"]:
        label(name)
    child = subprocess.Popen(["sleep", "1000"], start_new_session=True)
    open("pids", "w").write(f"{os.getpid()}\n{child.pid}\n")
    time.sleep(1000)
"#,
    );
    let started = run(&project, ["label.md"]).start();
    let pids = until("the agent's third call", || pids(&project.path("pids"), 2));
    started.signal("KILL");
    assert_eq!(started.finish().code, 128 + 9);
    for pid in pids {
        until("the end of the agent", || (!lives(&pid)).then_some(()));
    }
    let run_id = project.names("runs/label").pop().unwrap();
    let dir = project.path(format!("runs/label/{run_id}"));
    assert_eq!(rows(&dir.join("events.jsonl")).len(), 3);
    assert!(!dir.join("meta.json").exists());
    let shown = project.pome(["inspect", run_id.as_str()]).run().expect(0);
    assert!(shown.stdout.contains("Events (3):") && shown.stdout.contains("(not scored)"), "{}", shown.stdout);
}

#[test]
fn an_interrupted_batch_keeps_what_was_finished_and_what_was_running() {
    let project = labelling(
        r#"
if not preflight:
    label("bug")
    if os.path.exists("second"):
        open("pids", "w").write(f"{os.getpid()}\n")
        time.sleep(1000)
    open("second", "w")
"#,
    );
    let started = run(&project, ["label.md", "--runs", "3", "--json"]).start();
    let pids = until("the second trial", || pids(&project.path("pids"), 1));
    started.signal("INT");
    let output = started.finish().expect(130);
    assert!(!lives(&pids[0]));
    let statuses: Vec<_> = output.json()["runs"].as_array().unwrap().iter().map(|run| run["status"].clone()).collect();
    assert_eq!(statuses, ["pass", "not_run", "not_run"]);
    let mut reasons = Vec::new();
    for run_id in project.names("runs/label") {
        let dir = project.path(format!("runs/label/{run_id}"));
        let meta: Value = serde_json::from_str(&fs::read_to_string(dir.join("meta.json")).unwrap()).unwrap();
        assert_eq!(rows(&dir.join("tool_calls.jsonl")).len(), 1);
        assert!(dir.join("state_final.json").exists());
        reasons.push((meta["trial"].as_u64(), meta["stop_reason"].as_str().unwrap().to_owned()));
    }
    reasons.sort();
    assert_eq!(reasons, [(Some(1), "agent_exit_0".to_owned()), (Some(2), "interrupted".to_owned())]);
}
