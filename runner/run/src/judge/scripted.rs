//! The judge against a model server on loopback that answers from a script.

use std::collections::BTreeMap;
use std::io::{BufRead, BufReader, Read, Write};
use std::net::TcpListener;
use std::thread::{self, JoinHandle};

use pome_wire::score::Outcome;
use serde_json::{Value, json};

use super::{Case, Judge, Judgement, fix_prompt, judge};

/// What arrived: the request line and headers in lower case, and the body.
struct Asked {
    head: String,
    body: Value,
}

/// Answers one request and hands out what was asked.
fn server(status: &'static str, answer: String) -> (String, JoinHandle<Asked>) {
    let listener = TcpListener::bind("127.0.0.1:0").expect("a port");
    let address = format!("http://{}/v1", listener.local_addr().expect("an address"));
    let serving = thread::spawn(move || {
        let (mut stream, _) = listener.accept().expect("a connection");
        let mut reader = BufReader::new(stream.try_clone().expect("a second handle"));
        let mut head = String::new();
        while !head.ends_with("\r\n\r\n") {
            assert!(reader.read_line(&mut head).expect("a line") > 0, "the request ended early");
        }
        let head = head.to_lowercase();
        let length = head.lines().find_map(|line| line.strip_prefix("content-length: ")).expect("a length");
        let mut body = vec![0; length.parse().expect("a number")];
        reader.read_exact(&mut body).expect("a body");
        let length = answer.len();
        let head_of_answer =
            format!("HTTP/1.1 {status}\r\ncontent-type: application/json\r\ncontent-length: {length}\r\n");
        let _ = write!(stream, "{head_of_answer}connection: close\r\n\r\n{answer}");
        Asked { head, body: serde_json::from_slice(&body).expect("JSON") }
    });
    (address, serving)
}

const KEY: &str = "a-key-of-the-user";

fn configured(address: &str) -> Judge {
    let pairs = [("POME_LLM_BASE_URL", address), ("POME_LLM_API_KEY", KEY), ("POME_LLM_MODEL", "small-model")];
    let environment: BTreeMap<String, String> =
        pairs.into_iter().map(|(name, value)| (name.to_owned(), value.to_owned())).collect();
    Judge::from_environment(&environment, None)
}

const CASE: Case<'_> = Case {
    criterion: "it declined",
    expected_behavior: "",
    before: &[],
    after: &[],
    calls: &[],
    summary: Some("I declined"),
};

fn ask(status: &'static str, answer: String) -> (Judgement, Asked) {
    let (address, serving) = server(status, answer);
    let judgement = judge(configured(&address).endpoint().expect("configured"), &CASE);
    (judgement, serving.join().expect("served"))
}

fn completion(content: &str) -> String {
    let usage = json!({ "prompt_tokens": 11, "completion_tokens": 7 });
    json!({ "choices": [{ "message": { "role": "assistant", "content": content } }], "usage": usage }).to_string()
}

#[test]
fn a_pass_is_asked_for_and_noted_as_specified() {
    let (judgement, asked) =
        ask("200 OK", completion(r#"{"status":"pass","confidence":0.8,"explanation":"it said so"}"#));
    assert_eq!((judgement.outcome, judgement.reason.as_str()), (Outcome::Passed, "it said so"));
    let note = judgement.note.expect("a note");
    assert_eq!((note.model.as_deref(), note.tokens_in, note.tokens_out), (Some("small-model"), Some(11), Some(7)));
    assert!(note.has_usage && note.confidence == Some(0.8));

    assert!(asked.head.starts_with("post /v1/chat/completions http/1.1\r\n"), "{}", asked.head);
    assert!(asked.head.contains(&format!("authorization: bearer {KEY}\r\n")), "{}", asked.head);
    assert_eq!((&asked.body["model"], &asked.body["temperature"]), (&json!("small-model"), &json!(0)));
    assert_eq!(asked.body["max_tokens"], json!(1024));
    let roles: Vec<&str> = asked.body["messages"]
        .as_array()
        .expect("messages")
        .iter()
        .map(|m| m["role"].as_str().expect("role"))
        .collect();
    assert_eq!(roles, ["system", "user"]);
    assert!(
        asked.body["messages"][1]["content"].as_str().expect("text").contains("<criterion>\nit declined\n</criterion>")
    );
}

#[test]
fn partial_and_fail_are_failures() {
    let (partial, _) = ask("200 OK", completion(r#"{"status":"partial","explanation":"half"}"#));
    assert_eq!((partial.outcome, partial.reason.as_str()), (Outcome::Failed, "PARTIAL: half"));
    let (fail, _) = ask("200 OK", completion("```json\n{\"status\":\"fail\",\"explanation\":\"no\"}\n```"));
    assert_eq!((fail.outcome, fail.reason.as_str()), (Outcome::Failed, "no"));
}

#[test]
fn refusals_skip_and_outages_are_errors() {
    let error = |message: &str| json!({ "error": { "message": message } }).to_string();
    for (status, answer, outcome, code) in [
        ("401 Unauthorized", error("no"), Outcome::Skipped, "judge_rejected"),
        ("403 Forbidden", error("no"), Outcome::Skipped, "judge_rejected"),
        ("400 Bad Request", error("maximum context length exceeded"), Outcome::Skipped, "judge_rejected"),
        ("400 Bad Request", error("bad"), Outcome::Errored, "judge_unavailable"),
        ("429 Too Many Requests", error("slow down"), Outcome::Errored, "judge_rate_limited"),
        ("500 Internal Server Error", error("oops"), Outcome::Errored, "judge_unavailable"),
        ("200 OK", "not json".to_owned(), Outcome::Errored, "judge_unavailable"),
        ("302 Found", String::new(), Outcome::Errored, "judge_unavailable"),
    ] {
        let (judgement, _) = ask(status, answer);
        assert_eq!((judgement.outcome, judgement.note), (outcome, None), "{status}");
        assert!(judgement.reason.starts_with(&format!("{code}: ")), "{status}: {}", judgement.reason);
    }
}

#[test]
fn an_endpoint_that_is_not_there_is_an_error() {
    let listener = TcpListener::bind("127.0.0.1:0").expect("a port");
    let address = format!("http://{}", listener.local_addr().expect("an address"));
    drop(listener);
    let judgement = judge(configured(&address).endpoint().expect("configured"), &CASE);
    assert_eq!(judgement.outcome, Outcome::Errored);
    assert!(judgement.reason.starts_with("judge_unavailable: http://127.0.0.1:"), "{}", judgement.reason);
}

#[test]
fn the_key_is_in_no_message() {
    let echo = json!({ "error": { "message": format!("the key {KEY} is wrong") } }).to_string();
    let (judgement, _) = ask("401 Unauthorized", echo);
    assert!(!judgement.reason.contains(KEY), "{}", judgement.reason);
    let (judgement, _) = ask("200 OK", completion(&format!(r#"{{"status":"pass","explanation":"{KEY}"}}"#)));
    assert_eq!(judgement.reason, "[REDACTED]");
}

#[test]
fn a_fix_prompt_is_one_question_of_two_thousand_tokens() {
    let (address, serving) = server("200 OK", completion("\n## Likely cause\nit did nothing\n"));
    let text = fix_prompt(configured(&address).endpoint().expect("configured"), "what happened");
    assert_eq!(text, Ok("## Likely cause\nit did nothing".to_owned()));
    let asked = serving.join().expect("served");
    assert_eq!(
        (&asked.body["max_tokens"], &asked.body["messages"][1]["content"]),
        (&json!(2000), &json!("what happened"))
    );
}
