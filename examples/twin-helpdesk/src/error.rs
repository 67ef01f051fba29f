//! What can go wrong, and how this vendor says it.

use pome_twin_kit::describe::Refusal;
use pome_twin_kit::input::InputError;
use pome_twin_kit::{Cx, Reply, ToolReply, VendorError};
use serde_json::json;

use crate::Helpdesk;

#[derive(Debug)]
pub enum Error {
    NotFound,
    /// An input, with the reason.
    Invalid(String),
    /// The vendor does not allow this in the ticket's present state.
    Conflict(&'static str),
}

impl Error {
    fn parts(&self) -> (u16, &'static str, &str) {
        match self {
            Self::NotFound => (404, "not_found", "there is no such ticket"),
            Self::Invalid(reason) => (422, "invalid", reason),
            Self::Conflict(reason) => (409, "conflict", reason),
        }
    }
}

impl VendorError<Helpdesk> for Error {
    fn malformed_body() -> Self {
        Self::Invalid("the body is not a JSON object".to_owned())
    }

    fn input(error: InputError) -> Self {
        Self::Invalid(error.to_string())
    }

    fn rest(&self, _: &Cx<'_, Helpdesk>) -> Reply {
        let (status, code, message) = self.parts();
        Reply::json(status, &json!({ "error": code, "message": message }))
    }

    fn tool(&self, _: &Cx<'_, Helpdesk>) -> ToolReply {
        let (status, _, message) = self.parts();
        ToolReply::error_text(status, message)
    }

    fn message(&self) -> String {
        self.parts().2.to_owned()
    }
}

/// The gateway turns a caller away before the twin is asked; it does so in these words.
pub(crate) fn unauthorized(case: &'static str) -> Refusal {
    let body = json!({ "error": "unauthorized", "message": "send the API key as a bearer token" });
    Refusal { case, status: 401, headers: Vec::new(), body }
}
