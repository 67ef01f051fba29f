//! What goes in and out of a world: plain owned forms of the records in `wit/twin/http.wit` and of the judging records in
//! `wit/evaluator/world.wit`. `convert.rs` is the only place where the two forms meet.

use serde::{Deserialize, Serialize};

/// One header line. Names arrive and leave in lower case; a name may repeat.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Header {
    /// Lower-case name.
    pub name: String,
    /// Value without surrounding blanks.
    pub value: String,
}

impl Header {
    /// A header line from its two halves.
    pub fn new(name: impl Into<String>, value: impl Into<String>) -> Self {
        Self { name: name.into(), value: value.into() }
    }
}

/// Who is calling, as the gateway established it from the token.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Caller {
    /// The session id in the address, or of the token for a twin that is mounted at the root.
    pub sid: String,
    /// The team that the token was made for.
    pub team: String,
    /// The vendor identity in the token, if it names one.
    pub login: Option<String>,
    /// Every claim of the token as one JSON object.
    pub claims: Vec<u8>,
}

/// One HTTP request below a session's address.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Request {
    /// Upper case.
    pub method: String,
    /// The vendor's path, percent-encoded, without the session prefix.
    pub path: String,
    /// The raw query string without `?`, empty when there is none.
    pub query: String,
    /// Header lines in the order in which they arrived.
    pub headers: Vec<Header>,
    /// The body as it arrived.
    pub body: Vec<u8>,
    /// Who is calling.
    pub caller: Caller,
    /// The address that the agent used for this session, without a trailing slash.
    pub origin: String,
}

/// One call of an MCP tool.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct ToolCall {
    /// The tool's name.
    pub name: String,
    /// A JSON object.
    pub arguments: Vec<u8>,
    /// Who is calling.
    pub caller: Caller,
    /// The address that the agent used for this session, without a trailing slash.
    pub origin: String,
}

/// How true an answer is to the vendor.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Fidelity {
    /// Stateful behaviour as the vendor documents it.
    Semantic,
    /// Keys and types match, behaviour is simplified.
    Shape,
    /// Not modelled: the answer says so.
    Unsupported,
}

impl Fidelity {
    /// The word that event rows and tables use.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Semantic => "semantic",
            Self::Shape => "shape",
            Self::Unsupported => "unsupported",
        }
    }
}

/// What a call did to the state: the touched thing before and after, each a JSON object.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Delta {
    /// Absent when the thing was created.
    pub before: Option<Vec<u8>>,
    /// Absent when the thing was deleted.
    pub after: Option<Vec<u8>>,
}

/// Something the host is to send on the twin's behalf, such as a webhook.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Delivery {
    /// The twin's id for it.
    pub id: String,
    /// HTTP method.
    pub method: String,
    /// Absolute address.
    pub url: String,
    /// Header lines to send.
    pub headers: Vec<Header>,
    /// Body to send.
    pub body: Vec<u8>,
    /// Virtual time, in milliseconds, at which it is due.
    pub due: u64,
    /// When it is tried again if it was not taken, in virtual milliseconds after `due`.
    pub retries: Vec<u64>,
}

/// What every call reports beside its content.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Report {
    /// The action that ran, the same whichever door it came through.
    pub action: Option<String>,
    /// How true the answer is.
    pub fidelity: Fidelity,
    /// Whether the state really changed.
    pub mutation: bool,
    /// What changed, for the trace.
    pub delta: Option<Delta>,
    /// The vendor's error text when the call failed.
    pub error: Option<String>,
    /// Whether this is the stored answer of an earlier call with the same idempotency key.
    pub replayed: bool,
    /// What the host is to send.
    pub deliveries: Vec<Delivery>,
}

/// The answer to a request.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Answer {
    /// HTTP status.
    pub status: u16,
    /// Header lines.
    pub headers: Vec<Header>,
    /// The body.
    pub body: Vec<u8>,
    /// What the recorder wants to know.
    pub report: Report,
}

/// The answer to a tool call.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ToolAnswer {
    /// The HTTP status that the same outcome has on the vendor's REST door.
    pub status: u16,
    /// The tool's value as JSON, or the vendor's error envelope.
    pub value: Vec<u8>,
    /// The MCP `content` array as JSON, when it is more than one text item that holds `value`.
    pub content: Option<Vec<u8>>,
    /// Whether the result is a tool error.
    pub is_error: bool,
    /// Whether `value` is also sent as `structuredContent`.
    pub structured: bool,
    /// What the recorder wants to know.
    pub report: Report,
}

/// The answer to a seed and whether the world is now that seed.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Seeded {
    /// Whether the seed was taken.
    pub accepted: bool,
    /// The answer in the vendor's shape.
    pub answer: Answer,
}

/// How far to move a world's clock.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Advance {
    /// By so many milliseconds.
    By(u64),
    /// To this time, in milliseconds since 1970-01-01T00:00:00Z. A time that has passed leaves the clock where it is.
    To(u64),
}

/// Which recorded material a check reads.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub enum Substrate {
    /// The state after the agent.
    #[serde(rename = "final")]
    Final,
    /// The states before and after.
    #[serde(rename = "seed+final")]
    SeedAndFinal,
    /// The recorded calls.
    #[serde(rename = "tape")]
    Tape,
}

/// A sentence that was understood.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Bound {
    /// `github.issue-has-label`
    pub matcher: String,
    /// What it reads.
    pub substrate: Substrate,
    /// Literal texts that the check looks for.
    pub subjects: Vec<String>,
    /// Whether it wants the redacted view of the material.
    pub redacted: bool,
}

/// A sentence that nearly matches a template.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct NearMiss {
    /// The check that it nearly is.
    pub matcher: String,
    /// The slot whose value does not fit.
    pub slot: String,
    /// The value that does not fit.
    pub value: String,
    /// A value that would.
    pub example: String,
}

/// How a sentence is understood.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Binding {
    /// It can be judged.
    Bound(Bound),
    /// It nearly matches: skipped with `corrupted_check_instance`.
    Corrupted(NearMiss),
    /// No check of this component reads it.
    Unmatched,
}

/// What one criterion is judged on. Absent parts were not recorded.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Material<'a> {
    /// The criterion's text, trimmed.
    pub text: &'a str,
    /// The exported state before the agent.
    pub seed: Option<&'a [u8]>,
    /// The exported state after the agent.
    pub final_state: Option<&'a [u8]>,
    /// A JSON array of the twin's recorded calls, oldest first.
    pub tape: Option<&'a [u8]>,
    /// Parameters from the scenario as a JSON object; empty when there are none.
    pub config: &'a [u8],
}

/// What a check found.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Verdict {
    /// It holds.
    Passed,
    /// It does not hold.
    Failed,
    /// It could not be judged; the reason says why.
    Skipped,
    /// What judges is broken, by its own account.
    Errored,
}

/// The outcome of one criterion with its evidence.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Outcome {
    /// What the check found.
    pub verdict: Verdict,
    /// One line of evidence, or a reason code followed by details.
    pub reason: String,
    /// The check that judged.
    pub matcher: Option<String>,
    /// JSON pointers into the state after the agent.
    pub state_paths: Vec<String>,
    /// `event_id`s of recorded calls.
    pub event_ids: Vec<String>,
}
