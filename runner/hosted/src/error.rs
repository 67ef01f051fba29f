//! What went wrong with a request, and the exit code that follows.

use pome_wire::Exit;
use pome_wire::control::{ErrorType, EvaluationError};
use serde_json::{Map, Value};

/// A request that did not bring what was asked for.
#[derive(Debug, thiserror::Error)]
#[error("cannot {action}")]
pub struct Error {
    /// What was attempted, as the end of a sentence that begins with "cannot".
    pub action: &'static str,
    /// Why it did not happen.
    #[source]
    pub cause: Cause,
}

/// Why a request did not bring what was asked for. Texts of the server hold no control characters.
#[derive(Debug, thiserror::Error)]
pub enum Cause {
    /// An answer that is not a success.
    #[error("{}", refusal(*status, message.as_deref(), request_id.as_deref()))]
    Refused {
        /// Its status.
        status: u16,
        /// `error.type`, when there was an envelope.
        kind: Option<String>,
        /// `error.message`, or a top-level `message`.
        message: Option<String>,
        /// Which request it was, for the people who run the server.
        request_id: Option<String>,
        /// `error.details`.
        details: Option<Map<String, Value>>,
    },
    /// A redirect, which is never followed with a key.
    #[error("the server answered {status} and sends the request elsewhere; redirects are not followed")]
    Redirected {
        /// Its status.
        status: u16,
    },
    /// No answer.
    #[error("no answer from `{origin}`: {reason}")]
    NoAnswer {
        /// Who was asked.
        origin: String,
        /// What the transport says.
        reason: String,
    },
    /// An answer in another form.
    #[error("the answer is not understood: {0}")]
    NotUnderstood(String),
    /// The server could not judge the run.
    #[error("{}", strip(&_0.message))]
    NotJudged(EvaluationError),
    /// The limit for judging is over.
    #[error("the server did not finish within {0} seconds")]
    TooLate(u64),
    /// A name that cannot be an id.
    #[error("`{0}` is not an id: expected letters, digits, `_` and `-`")]
    BadId(String),
    /// The server has not what this needs.
    #[error("{0}")]
    Unsupported(&'static str),
}

fn refusal(status: u16, message: Option<&str>, request_id: Option<&str>) -> String {
    let mut text = match message {
        Some(message) => message.to_owned(),
        None => format!("the server answered {status}"),
    };
    if let Some(id) = request_id {
        text.push_str(&format!(" (request {id})"));
    }
    text
}

/// What is there does not speak as a control plane does.
const NO_PLANE: &str =
    "is that the address of a control plane? `--api-url`, `POME_API_URL` or the last `pome login` said so";

impl Error {
    /// The exit code.
    pub fn exit(&self) -> Exit {
        match &self.cause {
            Cause::Refused { status, .. } => Exit::of_http_status(*status),
            Cause::NotJudged(error) if error.kind == ErrorType::QuotaExceeded.as_str() => Exit::Quota,
            Cause::BadId(_) => Exit::Usage,
            Cause::Redirected { .. }
            | Cause::NoAnswer { .. }
            | Cause::NotUnderstood(_)
            | Cause::NotJudged(_)
            | Cause::TooLate(_)
            | Cause::Unsupported(_) => Exit::Orchestrator,
        }
    }

    /// The status, when there was an answer that is not a success.
    pub const fn status(&self) -> Option<u16> {
        match &self.cause {
            Cause::Refused { status, .. } | Cause::Redirected { status } => Some(*status),
            _ => None,
        }
    }

    /// What to do about it.
    pub fn hint(&self) -> Option<&'static str> {
        match &self.cause {
            Cause::Refused { status: 401, .. } => Some("run `pome login`, or check `POME_API_KEY`"),
            Cause::Refused { status: 402, .. } => {
                Some("see `pome sessions list` for what is in use; `pome sessions kill --all` ends it")
            }
            Cause::Refused { status: 429, .. } => Some("try again in a moment"),
            Cause::Refused { status: 404, message: Some(_), .. } if self.action.ends_with("the session") => {
                Some("`pome sessions list --state all` shows those of your team")
            }
            // A control plane says what is wrong.
            Cause::Refused { status: 404 | 405 | 501, message: None, .. } => Some(NO_PLANE),
            Cause::Refused { kind: Some(kind), .. } if kind == ErrorType::MultiTwinUnsupported.as_str() => {
                Some("this server runs one twin per session")
            }
            Cause::Redirected { .. } => Some("set `--api-url` or `POME_API_URL` to where the control plane really is"),
            Cause::NoAnswer { .. } => Some(
                "is it up, and is that its address? `--api-url`, `POME_API_URL` or the last `pome login` said so; `--local` runs \
                 on this machine without a control plane",
            ),
            Cause::NotUnderstood(_) => Some(NO_PLANE),
            _ => None,
        }
    }

    /// Whether the route does not exist there.
    pub(crate) const fn is_missing_route(&self) -> bool {
        matches!(self.status(), Some(404 | 405 | 501))
    }
}

/// A text without control characters other than newline and tab.
pub(crate) fn strip(text: &str) -> String {
    text.chars()
        .filter(|character| {
            matches!(character, '\n' | '\t') || !(character.is_ascii_control() || *character == '\u{7f}')
        })
        .collect()
}
