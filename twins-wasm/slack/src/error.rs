//! What can go wrong and how Slack says it: a code, and keys that belong to the code.

use std::borrow::Cow;

use pome_twin_kit::envelope::Fidelity;
use pome_twin_kit::input::{InputError, Problem};
use pome_twin_kit::{Cx, Reply, ToolReply, VendorError};
use serde_json::{Map, Value, json};

use crate::Slack;
use crate::answer;

/// A refusal, `{"ok":false,"error":"<code>"}`. Slack answers 200 to it.
#[derive(Debug, Clone, PartialEq)]
pub struct Error {
    status: u16,
    code: Cow<'static, str>,
    extra: Map<String, Value>,
}

/// A refusal by its code.
pub(crate) fn refuse<T>(code: &'static str) -> Result<T, Error> {
    Err(Error::new(code))
}

impl Error {
    pub(crate) fn new(code: &'static str) -> Self {
        Self { status: 200, code: Cow::Borrowed(code), extra: Map::new() }
    }

    /// `invalid_arguments` with what is wrong, one sentence each.
    pub(crate) fn arguments(messages: &[String]) -> Self {
        let messages: Vec<String> = messages.iter().map(|message| format!("[ERROR] {message}")).collect();
        Self::new("invalid_arguments").with("response_metadata", json!({ "messages": messages }))
    }

    /// `invalid_arguments` for a required argument that is not there.
    pub(crate) fn missing(name: &str) -> Self {
        Self::arguments(&[format!("missing required field: {name}")])
    }

    /// `invalid_blocks` or a sibling with the sentences of the vendor's validator.
    pub(crate) fn validation(code: &'static str, messages: &[String]) -> Self {
        let mut error = Self::new(code);
        if !messages.is_empty() {
            error = error.with("errors", messages.to_vec());
            let messages: Vec<String> = messages.iter().map(|message| format!("[ERROR] {message}")).collect();
            error = error.with("response_metadata", json!({ "messages": messages }));
        }
        error
    }

    /// 401 of the twin's contract: the credential is known and good for something else.
    pub(crate) fn unauthorized(code: &'static str) -> Self {
        Self { status: 401, ..Self::new(code) }
    }

    /// A seed that does not fit.
    pub(crate) fn seed(reason: impl Into<String>) -> Self {
        Self { status: 500, ..Self::new("internal_error") }.with("warning", reason.into())
    }

    /// 501 for a corner of a modelled method that is not modelled itself.
    pub(crate) fn unsupported(what: &str) -> Self {
        let twin = json!({ "fidelity": "unsupported", "message": format!("This twin does not model {what}.") });
        Self { status: 501, ..Self::new("unsupported_endpoint") }.with("_twin", twin)
    }

    #[must_use]
    pub(crate) fn with(mut self, key: &str, value: impl Into<Value>) -> Self {
        self.extra.insert(key.to_owned(), value.into());
        self
    }

    pub(crate) fn code(&self) -> &str {
        &self.code
    }

    /// A code that the caller chose, as `api.test` repeats it.
    pub(crate) fn named(code: String) -> Self {
        Self { status: 200, code: Cow::Owned(code), extra: Map::new() }
    }

    /// Another code for the same refusal, where a method has its own word.
    #[must_use]
    pub(crate) fn renamed(mut self, from: &str, to: &'static str) -> Self {
        if self.code == from {
            self.code = Cow::Borrowed(to);
        }
        self
    }

    fn body(&self) -> Map<String, Value> {
        let mut body = Map::new();
        body.insert("ok".to_owned(), false.into());
        body.insert("error".to_owned(), self.code.as_ref().into());
        body.extend(self.extra.clone());
        body
    }
}

impl VendorError<Slack> for Error {
    fn malformed_body() -> Self {
        Self::new("invalid_json")
    }

    fn input(error: InputError) -> Self {
        let field = error.field();
        let field = if field.is_empty() { "(root)" } else { &field };
        let message = match &error.problem {
            Problem::Missing => format!("missing required field: {field}"),
            Problem::Type(expected) => format!("{field}: must be {expected}"),
            Problem::Value(reason) => format!("{field}: {reason}"),
            Problem::Undeclared => format!("{field}: is not known"),
        };
        Self::arguments(&[message])
    }

    fn rest(&self, cx: &Cx<'_, Slack>) -> Reply {
        let mut body = self.body();
        answer::warn(&mut body, &answer::charset(cx));
        let mut reply = Reply::json(self.status, &body);
        if self.status == 501 {
            reply.fidelity = Some(Fidelity::Unsupported);
        }
        reply
    }

    fn tool(&self, _: &Cx<'_, Slack>) -> ToolReply {
        let fidelity = (self.status == 501).then_some(Fidelity::Unsupported);
        ToolReply { status: self.status, is_error: true, fidelity, ..ToolReply::json(&self.body()) }
    }

    fn message(&self) -> String {
        self.code.clone().into_owned()
    }
}
