//! What can go wrong and how GitHub says it.

use pome_twin_kit::input::{InputError, Place, Problem};
use pome_twin_kit::{Cx, Reply, ToolReply, VendorError};
use serde_json::{Value, json};

use crate::GitHub;
use crate::git;
use crate::tool_errors;

/// Where errors that belong to no documented operation point.
pub(crate) const GENERIC_DOC: &str = "https://docs.github.com/rest";

const REDIRECTS_DOC: &str =
    "https://docs.github.com/rest/guides/best-practices-for-using-the-rest-api#follow-redirects";

/// A refusal. The message is the vendor's; `errors` is the list that some validation errors carry.
#[derive(Debug, Clone, PartialEq)]
pub struct Error {
    pub(crate) status: u16,
    pub(crate) message: String,
    pub(crate) errors: Option<Vec<Value>>,
    /// Points to the generic page instead of the operation's.
    generic: bool,
    /// Who says it.
    pub(crate) source: Source,
}

/// Where a refusal comes from: only tools show the difference.
#[derive(Debug, Clone, PartialEq)]
pub(crate) enum Source {
    /// The API; the MCP server wraps its answer.
    Api,
    /// The MCP server itself, before it asks the API or after; the message is all it says.
    Server,
    /// An input that does not decode.
    Input(InputError),
    /// What was asked for has moved there.
    Moved(String),
    /// The caller has asked too much and may go on in so many seconds.
    Limited(u64),
}

impl Error {
    pub(crate) fn new(status: u16, message: impl Into<String>) -> Self {
        Self { status, message: message.into(), errors: None, generic: false, source: Source::Api }
    }

    pub(crate) fn not_found() -> Self {
        Self::new(404, "Not Found")
    }

    /// 403 with the vendor's words.
    pub(crate) fn forbidden(message: &str) -> Self {
        Self::new(403, message)
    }

    /// 409
    pub(crate) fn conflict(message: impl Into<String>) -> Self {
        Self::new(409, message)
    }

    /// 405, as merges answer.
    pub(crate) fn not_allowed(message: impl Into<String>) -> Self {
        Self::new(405, message)
    }

    /// 422 with only a message.
    pub(crate) fn unprocessable(message: impl Into<String>) -> Self {
        Self::new(422, message)
    }

    /// 422 `Validation Failed` with its list.
    pub(crate) fn validation(errors: Vec<Value>) -> Self {
        Self { errors: Some(errors), ..Self::new(422, "Validation Failed") }
    }

    /// 422 for one field of one resource: `code` is `missing`, `missing_field`, `invalid`, `already_exists`, ...
    pub(crate) fn field(resource: &str, field: &str, code: &str) -> Self {
        Self::validation(vec![json!({ "resource": resource, "field": field, "code": code })])
    }

    /// 422 with the offending value.
    pub(crate) fn value(resource: &str, field: &str, code: &str, value: impl Into<Value>) -> Self {
        let value = value.into();
        Self::validation(vec![json!({ "value": value, "resource": resource, "field": field, "code": code })])
    }

    /// 422 with code `custom` and a message.
    pub(crate) fn custom(resource: &str, message: &str) -> Self {
        Self::validation(vec![json!({ "resource": resource, "code": "custom", "message": message })])
    }

    /// 422 `Unprocessable Entity` with one sentence, as reviews are refused.
    pub(crate) fn entity(message: &str) -> Self {
        Self { errors: Some(vec![message.into()]), ..Self::unprocessable("Unprocessable Entity") }
    }

    /// A required member of the body is not there.
    pub(crate) fn not_supplied(field: &str) -> Self {
        Self::unprocessable(format!("Invalid request.\n\n\"{field}\" wasn't supplied."))
    }

    /// 501 for a corner of a modelled operation that is not modelled itself.
    pub(crate) fn unsupported(what: &str) -> Self {
        Self { generic: true, ..Self::new(501, format!("This twin does not model {what}.")) }
    }

    /// 422 in the words of the official MCP server, which refuses this without asking the API.
    pub(crate) fn by_server(message: impl Into<String>) -> Self {
        Self { source: Source::Server, ..Self::unprocessable(message) }
    }

    /// 422: a tool was called without an argument that it needs.
    pub(crate) fn argument(name: &str) -> Self {
        let message = format!("missing required parameter: {name}");
        let row = json!({ "resource": "Request", "field": name, "code": "missing_field", "message": message });
        Self { source: Source::Server, ..Self::validation(vec![row]) }
    }

    /// 410: the repository has no issues any more.
    pub(crate) fn gone() -> Self {
        Self::new(410, "Issues has been disabled in this repository.")
    }

    /// 403: nothing is left to ask for so many seconds.
    pub(crate) fn limited(message: &str, wait: u64) -> Self {
        Self { source: Source::Limited(wait), ..Self::forbidden(message) }
    }

    /// The repository has another name now: 301 for those who read, 307 for those who write.
    pub(crate) fn moved(reads: bool, address: String) -> Self {
        Self { source: Source::Moved(address), ..Self::new(if reads { 301 } else { 307 }, "Moved Permanently") }
    }

    /// The error points to the generic page.
    #[must_use]
    pub(crate) fn generic(mut self) -> Self {
        self.generic = true;
        self
    }

    fn body(&self, doc: &str) -> Value {
        let documentation =
            if self.generic || doc.is_empty() { GENERIC_DOC.to_owned() } else { format!("{GENERIC_DOC}/{doc}") };
        let mut body = json!({ "message": self.message });
        if let Some(errors) = &self.errors {
            body["errors"] = Value::Array(errors.clone());
        }
        body["documentation_url"] = documentation.into();
        body["status"] = self.status.to_string().into();
        body
    }
}

/// The git model refuses only what the vendor refuses as well: bad paths, unknown objects.
impl From<git::Error> for Error {
    fn from(error: git::Error) -> Self {
        Self::unprocessable(error.to_string())
    }
}

impl VendorError<GitHub> for Error {
    fn malformed_body() -> Self {
        Self::new(400, "Problems parsing JSON")
    }

    fn input(error: InputError) -> Self {
        let field = error.field();
        let refused = match (&error.problem, error.place) {
            // A path value of the wrong form names nothing.
            (_, Some(Place::Path)) => Self::not_found(),
            (Problem::Missing, None) => Self::not_supplied(&field),
            (Problem::Missing, _) => Self::field("Request", &field, "missing_field"),
            (Problem::Undeclared, _) => Self::field("Request", &field, "invalid"),
            (Problem::Type(expected), _) => {
                let message =
                    format!("Invalid request.\n\nFor 'properties/{}', value is not {expected}.", error.path.join("/"));
                Self::unprocessable(message)
            }
            (Problem::Value(reason), _) => {
                let errors =
                    vec![json!({ "resource": "Request", "field": field, "code": "invalid", "message": reason })];
                Self::validation(errors)
            }
        };
        Self { source: Source::Input(error), ..refused }
    }

    fn rest(&self, cx: &Cx<'_, GitHub>) -> Reply {
        let mut body = self.body(cx.doc);
        let mut reply = Reply::new(self.status);
        if let Source::Moved(address) = &self.source {
            body = json!({ "message": self.message, "url": address, "documentation_url": REDIRECTS_DOC });
            reply.header("location", address.as_str());
        }
        reply.write_json(&body);
        if self.status == 501 {
            reply.fidelity = Some(pome_twin_kit::envelope::Fidelity::Unsupported);
        }
        reply
    }

    fn tool(&self, cx: &Cx<'_, GitHub>) -> ToolReply {
        // The content is what the official server says; the value, which the twin's own doors and the trace show, is the
        // API's answer.
        let value = Reply::json(self.status, &self.body(cx.doc)).body;
        let said = ToolReply::error_text(self.status, &tool_errors::text(cx, self));
        let mut reply = ToolReply { value, ..said };
        if self.status == 501 {
            reply.fidelity = Some(pome_twin_kit::envelope::Fidelity::Unsupported);
        }
        reply
    }

    fn message(&self) -> String {
        self.message.clone()
    }
}
