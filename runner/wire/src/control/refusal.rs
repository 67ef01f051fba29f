//! The error envelope of every control route.

use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

/// `{"error": {...}}`
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct ErrorEnvelope {
    /// What went wrong.
    pub error: ErrorBody,
}

/// What went wrong.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct ErrorBody {
    /// One of [`ErrorType`]; other servers may have more.
    #[serde(rename = "type")]
    pub kind: String,
    /// For people.
    pub message: String,
    /// For programs.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub details: Option<Map<String, Value>>,
    /// Where to read more.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub documentation_url: Option<String>,
    /// The same as the header `x-request-id`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub request_id: Option<String>,
}

/// The words of `error.type`, each with the status that our server sends it with.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum ErrorType {
    /// No key, or one that nobody has.
    InvalidAuth,
    /// A key that was revoked.
    RevokedKey,
    /// Not allowed with this key.
    Forbidden,
    /// A quota is used up.
    QuotaExceeded,
    /// Too many requests.
    RateLimited,
    /// A request that cannot be understood.
    ValidationFailed,
    /// Older servers: one twin a session.
    MultiTwinUnsupported,
    /// No such thing, or another team's.
    NotFound,
    /// The session is over.
    SessionExpired,
    /// Not in this state.
    Conflict,
    /// A fault of the server.
    InternalError,
    /// A route that this server has not.
    EndpointNotImplemented,
    /// Something behind the server does not answer.
    DownstreamUnavailable,
}

impl ErrorType {
    /// The word.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::InvalidAuth => "invalid_auth",
            Self::RevokedKey => "revoked_key",
            Self::Forbidden => "forbidden",
            Self::QuotaExceeded => "quota_exceeded",
            Self::RateLimited => "rate_limited",
            Self::ValidationFailed => "validation_failed",
            Self::MultiTwinUnsupported => "multi_twin_unsupported",
            Self::NotFound => "not_found",
            Self::SessionExpired => "session_expired",
            Self::Conflict => "conflict",
            Self::InternalError => "internal_error",
            Self::EndpointNotImplemented => "endpoint_not_implemented",
            Self::DownstreamUnavailable => "downstream_unavailable",
        }
    }

    /// The usual status. `validation_failed` is 400 where the request is no JSON at all, `downstream_unavailable` may be 503.
    pub const fn status(self) -> u16 {
        match self {
            Self::InvalidAuth | Self::RevokedKey => 401,
            Self::QuotaExceeded => 402,
            Self::Forbidden => 403,
            Self::NotFound => 404,
            Self::Conflict => 409,
            Self::SessionExpired => 410,
            Self::ValidationFailed | Self::MultiTwinUnsupported => 422,
            Self::RateLimited => 429,
            Self::InternalError => 500,
            Self::EndpointNotImplemented => 501,
            Self::DownstreamUnavailable => 502,
        }
    }
}
