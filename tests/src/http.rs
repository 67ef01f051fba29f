//! One plain request to a program on this machine.

use std::io::{Read as _, Write as _};
use std::net::TcpStream;
use std::time::Duration;

use serde_json::Value;

/// What came back.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Answer {
    /// Status of the answer.
    pub status: u16,
    /// Its body.
    pub body: String,
}

impl Answer {
    /// The body as JSON.
    pub fn json(&self) -> Value {
        serde_json::from_str(&self.body).unwrap_or_else(|error| panic!("the body is not JSON: {error}\n{self:?}"))
    }
}

/// Sends a request to `http://host:port/path`, with a bearer token and a JSON body where there are some.
pub fn http(method: &str, url: &str, token: Option<&str>, body: Option<&Value>) -> Answer {
    let rest = url.strip_prefix("http://").expect("a plain address");
    let (host, path) = rest.split_at(rest.find('/').unwrap_or(rest.len()));
    let body = body.map(Value::to_string).unwrap_or_default();
    let bearer = token.map(|token| format!("Authorization: Bearer {token}\r\n")).unwrap_or_default();
    let request = format!(
        "{method} {} HTTP/1.0\r\nHost: {host}\r\n{bearer}Content-Type: application/json\r\nContent-Length: {}\r\n\r\n{body}",
        if path.is_empty() { "/" } else { path },
        body.len()
    );
    let mut stream = TcpStream::connect(host).unwrap_or_else(|error| panic!("{host}: {error}"));
    stream.set_read_timeout(Some(Duration::from_secs(30))).expect("a time limit");
    stream.write_all(request.as_bytes()).expect("a request that is taken");
    let mut bytes = Vec::new();
    stream.read_to_end(&mut bytes).expect("an answer");
    let text = String::from_utf8_lossy(&bytes).into_owned();
    let (head, body) = text.split_once("\r\n\r\n").unwrap_or_else(|| panic!("no HTTP answer: {text}"));
    let status = head.split(' ').nth(1).and_then(|status| status.parse().ok()).expect("a status");
    Answer { status, body: body.to_owned() }
}

/// A port that was free a moment ago, for programs that cannot be told to take any.
pub fn free_port() -> u16 {
    let listener = std::net::TcpListener::bind("127.0.0.1:0").expect("a port");
    listener.local_addr().expect("its number").port()
}
