//! Criteria that need a model, against a model server on loopback.

use std::io::{BufRead, BufReader, Read, Write};
use std::net::TcpListener;
use std::thread;

use pome_tests::{Cmd, Project};
use serde_json::{Value, json};

use crate::support::{LABELLED, labelling, run, scenario};

const KEY: &str = "the-users-own-judge-key";

/// Gives the same completion to whoever asks, for as long as the test lasts.
fn model(content: &str) -> String {
    let listener = TcpListener::bind("127.0.0.1:0").expect("a port");
    let address = format!("http://{}", listener.local_addr().expect("an address"));
    let answer = json!({ "choices": [{ "message": { "content": content } }] }).to_string();
    thread::spawn(move || {
        for stream in listener.incoming() {
            let Ok(mut stream) = stream else { return };
            let mut reader = BufReader::new(stream.try_clone().expect("a handle"));
            let (mut line, mut length) = (String::new(), 0);
            while reader.read_line(&mut line).is_ok_and(|read| read > 2) {
                if let Some(value) = line.to_lowercase().strip_prefix("content-length: ") {
                    length = value.trim().parse().expect("a number");
                }
                line.clear();
            }
            let mut body = vec![0; length];
            reader.read_exact(&mut body).expect("a body");
            let head = format!("HTTP/1.1 200 OK\r\ncontent-length: {}\r\nconnection: close\r\n\r\n", answer.len());
            let _ = stream.write_all(format!("{head}{answer}").as_bytes());
        }
    });
    address
}

fn project() -> Project {
    let project = labelling(r#"label("bug"); print(json.dumps({"summary": "I labelled it"}))"#);
    project.write("judged.md", scenario("Judged", &format!("{LABELLED}\n- [model] The summary says what was done")));
    project
}

fn with_judge(cmd: Cmd, content: &str) -> Cmd {
    cmd.env("POME_LLM_BASE_URL", model(content)).env("POME_LLM_API_KEY", KEY).env("POME_LLM_MODEL", "m")
}

fn row(report: &Value) -> (Value, Value) {
    let row = &report["runs"][0];
    (row["status"].clone(), row["criteria"][1]["outcome"].clone())
}

#[test]
fn without_a_judge_the_criterion_is_skipped_and_does_not_block() {
    let project = project();
    let report = run(&project, ["judged.md", "--json"]).run().expect(0).json();
    assert_eq!(row(&report), (json!("pass"), json!("skipped")));
    assert_eq!(report["runs"][0]["criteria"][1]["reason"], "judge_not_configured");
    let report = run(&project, ["judged.md", "--json", "--require-judge"]).run().expect(1).json();
    assert_eq!(row(&report), (json!("incomplete"), json!("skipped")));
}

#[test]
fn a_judge_that_agrees_lets_the_run_pass() {
    let project = project();
    let cmd = with_judge(
        run(&project, ["judged.md", "--json"]),
        r#"{"status":"pass","confidence":1,"explanation":"it does"}"#,
    );
    let report = cmd.run().expect(0).json();
    assert_eq!(row(&report), (json!("pass"), json!("passed")));
    assert!(!project.latest_run().join("fix-prompt.md").exists());
}

#[test]
fn a_judge_that_disagrees_fails_the_run_and_a_fix_prompt_is_written() {
    let project = project();
    let answer = r#"{"status":"partial","explanation":"half of it"}"#;
    let report = with_judge(run(&project, ["judged.md", "--json"]), answer).run().expect(1).json();
    assert_eq!(row(&report), (json!("fail"), json!("failed")));
    assert_eq!(report["runs"][0]["criteria"][1]["reason"], "PARTIAL: half of it");
    let prompt = std::fs::read_to_string(project.latest_run().join("fix-prompt.md")).expect("a fix prompt");
    assert_eq!(prompt, format!("{answer}\n"));
    with_judge(run(&project, ["judged.md", "--no-fix-prompt"]), answer).run().expect(1);
    assert!(!project.latest_run().join("fix-prompt.md").exists());
}

#[test]
fn a_judge_without_a_model_blocks() {
    let project = project();
    let report =
        run(&project, ["judged.md", "--json"]).env("POME_LLM_BASE_URL", "http://127.0.0.1:9").run().expect(1).json();
    assert_eq!(row(&report), (json!("incomplete"), json!("skipped")));
    let reason = report["runs"][0]["criteria"][1]["reason"].as_str().expect("a reason").to_owned();
    assert!(reason.starts_with("judge_misconfigured: ") && reason.contains("POME_LLM_MODEL"), "{reason}");
}
