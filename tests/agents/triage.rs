//! The triage of `triage.py` for machines that have Rust and nothing else: HTTP over a plain socket, decisions by rule.

use std::env;
use std::error::Error;
use std::io::{Read, Write};
use std::net::TcpStream;

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use serde_json::{Value, json};

type Fallible<T> = Result<T, Box<dyn Error>>;

fn main() -> Fallible<()> {
    if env::var("POME_PREFLIGHT").is_ok_and(|value| value == "1") {
        return Ok(());
    }
    let task = env::var("POME_TASK")?;
    let twin = Twin::from_environment()?;
    let repo =
        format!("/repos/{}", quoted(&task).find(|word| is_repository(word)).ok_or("the task names no repository")?);
    let number = issue_number(&task).ok_or("the task names no issue")?;
    let page = quoted(&task).find(|word| is_page(word)).ok_or("the task names no page of owners")?;

    let issue = twin.call("GET", &format!("{repo}/issues/{number}"), None)?;
    let report = format!("{}\n{}", text(&issue, "title"), text(&issue, "body"));
    let file = twin.call("GET", &format!("{repo}/contents/{page}"), None)?;
    let owners = String::from_utf8(STANDARD.decode(text(&file, "content").replace('\n', ""))?)?;

    let label = label_for(&report);
    let owner = owner_for(&report, &owners).ok_or("the report fits no area of the page")?;
    twin.call("POST", &format!("{repo}/issues/{number}/labels"), Some(json!({ "labels": [label] })))?;
    twin.call("POST", &format!("{repo}/issues/{number}/assignees"), Some(json!({ "assignees": [owner] })))?;
    finish(&format!("Issue #{number}: label {label}, owner {owner}."));
    Ok(())
}

fn label_for(report: &str) -> &'static str {
    let broken =
        |word: &str| word.ends_with("Error") || word == "regression" || (word.len() == 3 && word.starts_with('5'));
    if words(report).any(broken) {
        "bug"
    } else if report.contains("would be nice") {
        "feature"
    } else {
        "question"
    }
}

/// The owner whose words occur most often, by the table `| area | words | owner |`.
fn owner_for<'a>(report: &str, owners: &'a str) -> Option<&'a str> {
    let report = report.to_lowercase();
    owners
        .lines()
        .filter_map(|line| {
            let mut cells = line.split('|').map(str::trim).skip(2);
            let (wanted, owner) = (cells.next()?, cells.next()?.strip_prefix('`')?.strip_suffix('`')?);
            let hits = words(&report).filter(|word| wanted.split(", ").any(|one| one == *word)).count();
            (hits > 0).then_some((hits, owner))
        })
        .max_by_key(|(hits, _)| *hits)
        .map(|(_, owner)| owner)
}

fn words(text: &str) -> impl Iterator<Item = &str> {
    text.split(|letter: char| !letter.is_alphanumeric())
}

fn quoted(task: &str) -> impl Iterator<Item = &str> {
    task.split('`').skip(1).step_by(2)
}

fn is_page(word: &str) -> bool {
    word.rsplit_once('.').is_some_and(|(_, ending)| ending == "md")
}

fn is_repository(word: &str) -> bool {
    word.matches('/').count() == 1 && !is_page(word)
}

fn issue_number(task: &str) -> Option<u64> {
    let digits = task.split_once('#')?.1;
    digits.split(|letter: char| !letter.is_ascii_digit()).next()?.parse().ok()
}

fn text<'a>(value: &'a Value, key: &str) -> &'a str {
    value.get(key).and_then(Value::as_str).unwrap_or_default()
}

#[expect(clippy::print_stdout, reason = "the last line of output is how an agent reports")]
fn finish(summary: &str) {
    println!("{}", json!({ "summary": summary }));
}

/// The API of the twin: one connection for each call.
struct Twin {
    host: String,
    base: String,
    token: String,
}

impl Twin {
    fn from_environment() -> Fallible<Self> {
        let url = env::var("POME_GITHUB_REST_URL")?;
        let rest = url.strip_prefix("http://").ok_or("the address of the twin is not a plain http one")?;
        let (host, base) = rest.split_once('/').unwrap_or((rest, ""));
        Ok(Self { host: host.to_owned(), base: format!("/{base}"), token: env::var("POME_AUTH_TOKEN")? })
    }

    fn call(&self, method: &str, path: &str, body: Option<Value>) -> Fallible<Value> {
        let body = body.map(|value| value.to_string()).unwrap_or_default();
        let Self { host, base, token } = self;
        let base = base.trim_end_matches('/');
        // HTTP/1.0: the answer comes in one piece and ends with the connection.
        let request = format!(
            "{method} {base}{path} HTTP/1.0\r\nHost: {host}\r\nAuthorization: Bearer {token}\r\n\
             Content-Type: application/json\r\nContent-Length: {}\r\n\r\n{body}",
            body.len()
        );
        let mut connection = TcpStream::connect(host)?;
        connection.write_all(request.as_bytes())?;
        let mut answer = String::new();
        connection.read_to_string(&mut answer)?;
        let (head, body) = answer.split_once("\r\n\r\n").ok_or("the answer has no end of headers")?;
        let status = head.split(' ').nth(1).unwrap_or_default();
        if !status.starts_with('2') {
            return Err(format!("{method} {path}: {status} {body}").into());
        }
        Ok(serde_json::from_str(body)?)
    }
}
