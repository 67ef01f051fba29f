//! What a view writes.

use serde::Serialize;

use crate::envelope::{Fidelity, Header};

/// The answer to a request, under construction. The status starts as the route's.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Reply {
    pub status: u16,
    pub headers: Vec<Header>,
    pub body: Vec<u8>,
    /// Overrides the route's tier, for an answer that says "not modelled".
    pub fidelity: Option<Fidelity>,
}

impl Reply {
    pub fn new(status: u16) -> Self {
        Self { status, ..Self::default() }
    }

    /// A JSON body with its content type.
    pub fn json<S: Serialize + ?Sized>(status: u16, body: &S) -> Self {
        let mut reply = Self::new(status);
        reply.write_json(body);
        reply
    }

    /// Writes the body as compact JSON.
    pub fn write_json<S: Serialize + ?Sized>(&mut self, body: &S) {
        self.body.clear();
        if let Err(error) = serde_json::to_writer(&mut self.body, body) {
            // Only a map with keys that are not text can fail; such a view is a bug that a trap reports with its name.
            #[expect(
                clippy::panic,
                reason = "a view that cannot be written is a fault of the twin, and a trap names it"
            )]
            {
                panic!("a view cannot be written as JSON: {error}");
            }
        }
        if !self.headers.iter().any(|(name, _)| name == "content-type") {
            self.header("content-type", "application/json; charset=utf-8");
        }
    }

    /// Sets a header, replacing an earlier one of the same name.
    pub fn header(&mut self, name: &str, value: impl Into<String>) {
        let value = value.into();
        match self.headers.iter_mut().find(|(known, _)| known == name) {
            Some((_, old)) => *old = value,
            None => self.headers.push((name.to_owned(), value)),
        }
    }
}

/// The answer to a tool call, under construction.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct ToolReply {
    /// The REST status of the same outcome.
    pub status: u16,
    /// The value as JSON.
    pub value: Vec<u8>,
    /// The MCP content array as JSON, when it is not one text item holding `value`.
    pub content: Option<Vec<u8>>,
    pub is_error: bool,
    pub structured: bool,
    pub fidelity: Option<Fidelity>,
}

impl ToolReply {
    pub fn json<S: Serialize + ?Sized>(value: &S) -> Self {
        Self { status: 200, value: Reply::json(200, value).body, ..Self::default() }
    }

    /// Plain text instead of JSON; the value is the text as a JSON string.
    pub fn text(text: &str) -> Self {
        let content = serde_json::json!([{ "type": "text", "text": text }]);
        Self { content: Some(content.to_string().into_bytes()), ..Self::json(text) }
    }

    /// A tool error as plain text.
    pub fn error_text(status: u16, text: &str) -> Self {
        Self { status, is_error: true, ..Self::text(text) }
    }
}
