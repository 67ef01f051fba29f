//! How a request fails: the error envelope, its words and their statuses.

use axum::response::{IntoResponse, Response};
use http::{HeaderValue, StatusCode, header};
use serde_json::{Value, json};

use crate::ids::NoRandom;

/// Most characters of a reason that comes from a twin, a seed or a component.
const LONGEST_REASON: usize = 500;

/// A refusal. The layer around all routes writes its body, because only that knows the id of the request.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct ApiError {
    pub(crate) status: StatusCode,
    pub(crate) kind: &'static str,
    pub(crate) message: String,
    pub(crate) details: Option<Value>,
    /// Seconds after which it makes sense to ask again.
    pub(crate) retry_after: Option<u64>,
}

impl ApiError {
    fn new(status: StatusCode, kind: &'static str, message: impl Into<String>) -> Self {
        Self { status, kind, message: message.into(), details: None, retry_after: None }
    }

    /// No credential, or one that is not ours.
    pub(crate) fn unauthenticated(message: impl Into<String>) -> Self {
        Self::new(StatusCode::UNAUTHORIZED, "invalid_auth", message)
    }

    /// The key was revoked.
    pub(crate) fn revoked() -> Self {
        Self::new(StatusCode::UNAUTHORIZED, "revoked_key", "this API key was revoked; `pome login` makes a new one")
    }

    /// The credential is good but not for this.
    pub(crate) fn forbidden(message: impl Into<String>) -> Self {
        Self::new(StatusCode::FORBIDDEN, "forbidden", message)
    }

    /// The team has as many sessions as it may.
    pub(crate) fn over_quota(limit: i64, used: i64) -> Self {
        Self::new(StatusCode::PAYMENT_REQUIRED, "quota_exceeded", format!("{used} of {limit} sessions in use"))
            .with(json!({"kind": "concurrent_sessions", "limit": limit, "used": used}))
    }

    /// Too many requests.
    pub(crate) fn too_many(seconds: u64) -> Self {
        let mut error =
            Self::new(StatusCode::TOO_MANY_REQUESTS, "rate_limited", "too many requests; try again shortly");
        error.retry_after = Some(seconds);
        error
    }

    /// It cannot be read at all.
    pub(crate) fn malformed(message: impl Into<String>) -> Self {
        Self::new(StatusCode::BAD_REQUEST, "validation_failed", message)
    }

    /// It can be read but says something that cannot be.
    pub(crate) fn invalid(message: impl Into<String>) -> Self {
        Self::new(StatusCode::UNPROCESSABLE_ENTITY, "validation_failed", message)
    }

    /// It is larger than what this route takes.
    pub(crate) fn too_large() -> Self {
        Self::new(StatusCode::PAYLOAD_TOO_LARGE, "validation_failed", "the body is larger than this route takes")
    }

    /// There is no such thing, as far as this caller may know.
    pub(crate) fn not_found(message: impl Into<String>) -> Self {
        Self::new(StatusCode::NOT_FOUND, "not_found", message)
    }

    /// The route knows other methods only.
    pub(crate) fn method_not_allowed() -> Self {
        Self::new(StatusCode::METHOD_NOT_ALLOWED, "validation_failed", "this route does not know this method")
    }

    /// The session is over.
    pub(crate) fn gone(message: impl Into<String>) -> Self {
        Self::new(StatusCode::GONE, "session_expired", message)
    }

    /// The thing is in a state that does not allow it.
    pub(crate) fn conflict(message: impl Into<String>) -> Self {
        Self::new(StatusCode::CONFLICT, "conflict", message)
    }

    /// This server does not do that.
    pub(crate) fn not_implemented(message: impl Into<String>) -> Self {
        Self::new(StatusCode::NOT_IMPLEMENTED, "endpoint_not_implemented", message)
    }

    /// Something that this server needs does not answer.
    pub(crate) fn downstream(status: StatusCode, message: impl Into<String>) -> Self {
        Self::new(status, "downstream_unavailable", message)
    }

    /// Our own fault. What happened goes to the log, not to the caller.
    pub(crate) fn internal(what: &str, problem: &dyn std::error::Error) -> Self {
        tracing::error!(what, problem = %chain(problem), "a request failed");
        Self::new(StatusCode::INTERNAL_SERVER_ERROR, "internal_error", format!("{what}; the server's log says why"))
    }

    /// The same with details.
    pub(crate) fn with(mut self, details: Value) -> Self {
        self.details = Some(details);
        self
    }

    /// The body, with the id of the request.
    pub(crate) fn body(&self, request_id: &str) -> Value {
        let mut error = json!({"type": self.kind, "message": self.message});
        if let Value::Object(map) = &mut error {
            if let Some(details) = &self.details {
                map.insert("details".to_owned(), details.clone());
            }
            map.insert("request_id".to_owned(), request_id.into());
        }
        json!({"error": error})
    }
}

impl IntoResponse for ApiError {
    fn into_response(self) -> Response {
        let mut response = self.status.into_response();
        if let Some(seconds) = self.retry_after {
            response.headers_mut().insert(header::RETRY_AFTER, HeaderValue::from(seconds));
        }
        response.extensions_mut().insert(self);
        response
    }
}

impl From<sqlx::Error> for ApiError {
    fn from(error: sqlx::Error) -> Self {
        match &error {
            sqlx::Error::PoolTimedOut | sqlx::Error::Io(_) | sqlx::Error::PoolClosed => {
                tracing::error!(problem = %chain(&error), "the database does not answer");
                Self::downstream(StatusCode::SERVICE_UNAVAILABLE, "the database does not answer; try again shortly")
            }
            _ => Self::internal("the database refused a statement", &error),
        }
    }
}

impl From<NoRandom> for ApiError {
    fn from(error: NoRandom) -> Self {
        Self::internal("there are no random numbers", &error)
    }
}

/// An error and what caused it, in one line.
pub(crate) fn chain(error: &dyn std::error::Error) -> String {
    let mut text = error.to_string();
    let mut next = error.source();
    while let Some(error) = next {
        text = format!("{text}: {error}");
        next = error.source();
    }
    text
}

/// What a twin, a seed or a component said, as it may be handed on: without secrets and not too long.
pub(crate) fn reason(text: &str) -> String {
    let redacted = pome_wire::redact::text(text);
    match redacted.char_indices().nth(LONGEST_REASON) {
        Some((at, _)) => format!("{}...", redacted.get(..at).unwrap_or_default()),
        None => redacted.into_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_envelope_has_the_words_of_the_contract() {
        let error = ApiError::over_quota(3, 3);
        assert_eq!(error.status, StatusCode::PAYMENT_REQUIRED);
        assert_eq!(
            error.body("rq_1"),
            json!({"error": {
                "type": "quota_exceeded",
                "message": "3 of 3 sessions in use",
                "details": {"kind": "concurrent_sessions", "limit": 3, "used": 3},
                "request_id": "rq_1",
            }})
        );
        let limited = ApiError::too_many(1).into_response();
        assert_eq!(limited.headers()["retry-after"], "1");
    }

    #[test]
    fn reasons_are_cut_and_redacted() {
        let text = reason(&format!("ghp_{} {}", "a".repeat(36), "x".repeat(600)));
        assert!(!text.contains("ghp_aaaa"), "{text}");
        assert!(text.chars().count() <= LONGEST_REASON + 3);
    }
}
