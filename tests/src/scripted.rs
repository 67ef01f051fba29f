//! A server that answers from a list and remembers what it was asked.

use std::io::{BufRead as _, BufReader, Read as _, Write as _};
use std::net::{TcpListener, TcpStream};
use std::sync::{Arc, Mutex, PoisonError};
use std::thread;

use serde_json::Value;

/// One request as it arrived.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Asked {
    /// Its method.
    pub method: String,
    /// Path and query.
    pub target: String,
    /// In the order of arrival, names in lower case.
    pub headers: Vec<(String, String)>,
    /// Whatever came behind the headers.
    pub body: Vec<u8>,
}

impl Asked {
    /// Method and target, such as `GET /v1/me`.
    pub fn line(&self) -> String {
        format!("{} {}", self.method, self.target)
    }

    /// The value of a header.
    pub fn header(&self, name: &str) -> Option<&str> {
        self.headers.iter().find(|(key, _)| key == name).map(|(_, value)| value.as_str())
    }

    /// The body as JSON.
    pub fn json(&self) -> Value {
        serde_json::from_slice(&self.body).unwrap_or_else(|error| panic!("the body is not JSON: {error}\n{self:?}"))
    }
}

/// What a scripted server answers.
#[derive(Debug, Clone)]
pub struct Said {
    status: u16,
    headers: Vec<(String, String)>,
    body: Vec<u8>,
}

impl Said {
    /// A document.
    pub fn json(status: u16, document: &Value) -> Self {
        Self::bytes(status, document.to_string()).header("content-type", "application/json")
    }

    /// Any body; none when it is empty.
    pub fn bytes(status: u16, body: impl Into<Vec<u8>>) -> Self {
        Self { status, headers: Vec::new(), body: body.into() }
    }

    /// Another header.
    #[must_use]
    pub fn header(mut self, name: &str, value: &str) -> Self {
        self.headers.push((name.to_owned(), value.to_owned()));
        self
    }
}

type Answers = dyn FnMut(&Asked) -> Said + Send;

/// A server on a free port of this machine, as long as the value lives. Connections are answered side by side, answers are made
/// one after the other.
#[derive(Debug)]
pub struct Scripted {
    url: String,
    asked: Arc<Mutex<Vec<Asked>>>,
    closing: Arc<Mutex<bool>>,
}

impl Scripted {
    /// Answers requests in their order from a list; a request beyond it gets 418.
    pub fn answers(list: impl IntoIterator<Item = Said>) -> Self {
        let mut list = list.into_iter().collect::<std::collections::VecDeque<_>>();
        Self::by(move |_| list.pop_front().unwrap_or_else(|| Said::bytes(418, "beyond the script")))
    }

    /// Answers each request by what it asks.
    pub fn by(answers: impl FnMut(&Asked) -> Said + Send + 'static) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").expect("a port");
        let url = format!("http://{}", listener.local_addr().expect("its number"));
        let asked = Arc::new(Mutex::new(Vec::new()));
        let closing = Arc::new(Mutex::new(false));
        let answers: Arc<Mutex<Box<Answers>>> = Arc::new(Mutex::new(Box::new(answers)));
        let (notes, stop) = (Arc::clone(&asked), Arc::clone(&closing));
        thread::spawn(move || {
            for stream in listener.incoming() {
                if *stop.lock().unwrap_or_else(PoisonError::into_inner) {
                    return;
                }
                let (notes, answers) = (Arc::clone(&notes), Arc::clone(&answers));
                thread::spawn(move || stream.map(|stream| converse(stream, &notes, &answers)));
            }
        });
        Self { url, asked, closing }
    }

    /// `http://127.0.0.1:<port>`
    pub fn url(&self) -> &str {
        &self.url
    }

    /// Everything that was asked so far.
    pub fn asked(&self) -> Vec<Asked> {
        self.asked.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// Methods and targets of everything that was asked so far.
    pub fn lines(&self) -> Vec<String> {
        self.asked().iter().map(Asked::line).collect()
    }
}

impl Drop for Scripted {
    fn drop(&mut self) {
        *self.closing.lock().unwrap_or_else(PoisonError::into_inner) = true;
        // Wakes the thread that accepts.
        let _ = TcpStream::connect(self.url.trim_start_matches("http://"));
    }
}

fn converse(stream: TcpStream, notes: &Mutex<Vec<Asked>>, answers: &Mutex<Box<Answers>>) {
    let Ok(reader) = stream.try_clone() else { return };
    let (mut reader, mut stream) = (BufReader::new(reader), stream);
    let Some(asked) = read(&mut reader) else { return };
    let said = {
        let mut answers = answers.lock().unwrap_or_else(PoisonError::into_inner);
        notes.lock().unwrap_or_else(PoisonError::into_inner).push(asked.clone());
        answers(&asked)
    };
    let mut head = format!("HTTP/1.1 {} Scripted\r\nConnection: close\r\n", said.status);
    for (name, value) in &said.headers {
        head.push_str(&format!("{name}: {value}\r\n"));
    }
    if said.status != 204 {
        head.push_str(&format!("Content-Length: {}\r\n", said.body.len()));
    }
    head.push_str("\r\n");
    let _ = stream.write_all(head.as_bytes());
    let _ = stream.write_all(&said.body);
}

fn read(reader: &mut BufReader<TcpStream>) -> Option<Asked> {
    let mut line = String::new();
    reader.read_line(&mut line).ok().filter(|read| *read > 0)?;
    let mut words = line.split(' ').map(str::to_owned);
    let (method, target) = (words.next()?, words.next()?);
    let mut headers = Vec::new();
    loop {
        let mut line = String::new();
        reader.read_line(&mut line).ok().filter(|read| *read > 0)?;
        match line.trim_end().split_once(':') {
            Some((name, value)) => headers.push((name.to_lowercase(), value.trim().to_owned())),
            None => break,
        }
    }
    let mut asked = Asked { method, target, headers, body: Vec::new() };
    if let Some(length) = asked.header("content-length").and_then(|length| length.parse().ok()) {
        asked.body = vec![0; length];
        reader.read_exact(&mut asked.body).ok()?;
    }
    Some(asked)
}
