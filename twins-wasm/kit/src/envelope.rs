//! The shapes that cross the component boundary, as plain Rust. `wit/twin` documents each field; this page only mirrors it so
//! that a twin also runs natively.

use serde::{Deserialize, Serialize};

/// One header line, name in lower case.
pub type Header = (String, String);

/// Who is calling, as the gateway established it from the token.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Caller {
    pub sid: String,
    pub team: String,
    /// The vendor identity in the token.
    pub login: Option<String>,
    /// Every claim of the token as one JSON object; empty bytes mean none.
    pub claims: Vec<u8>,
}

#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Request {
    /// Upper case.
    pub method: String,
    /// Still percent-encoded, without the session prefix.
    pub path: String,
    /// Without `?`.
    pub query: String,
    pub headers: Vec<Header>,
    pub body: Vec<u8>,
    pub caller: Caller,
    /// `http://127.0.0.1:3333/s/abc`, no trailing slash.
    pub origin: String,
}

#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct ToolCall {
    pub name: String,
    /// A JSON object.
    pub arguments: Vec<u8>,
    pub caller: Caller,
    pub origin: String,
}

/// How true an answer is to the vendor.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Fidelity {
    #[default]
    Semantic,
    Shape,
    Unsupported,
}

impl Fidelity {
    pub const fn name(self) -> &'static str {
        match self {
            Self::Semantic => "semantic",
            Self::Shape => "shape",
            Self::Unsupported => "unsupported",
        }
    }
}

/// What a call did to the state: JSON objects.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Delta {
    pub before: Option<Vec<u8>>,
    pub after: Option<Vec<u8>>,
}

/// Something the host sends on the twin's behalf.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Delivery {
    pub id: String,
    pub method: String,
    pub url: String,
    pub headers: Vec<Header>,
    pub body: Vec<u8>,
    /// Virtual milliseconds.
    pub due: u64,
    /// When it is tried again if it was not taken, in virtual milliseconds after `due`.
    pub retries: Vec<u64>,
}

#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Report {
    pub action: Option<String>,
    pub fidelity: Fidelity,
    pub mutation: bool,
    pub delta: Option<Delta>,
    pub error: Option<String>,
    pub replayed: bool,
    pub deliveries: Vec<Delivery>,
}

#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Answer {
    pub status: u16,
    pub headers: Vec<Header>,
    pub body: Vec<u8>,
    pub report: Report,
}

#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct ToolAnswer {
    pub status: u16,
    pub value: Vec<u8>,
    pub content: Option<Vec<u8>>,
    pub is_error: bool,
    pub structured: bool,
    pub report: Report,
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Seeded {
    pub accepted: bool,
    pub answer: Answer,
}
