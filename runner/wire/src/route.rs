//! What the capture proxy adds to a request that it sends to a twin in place of the vendor. Neither header is recorded or shown to
//! the twin.

/// The token of the session that the request belongs to, beside whatever credential the agent sent.
pub const TOKEN: &str = "x-pome-route-token";
/// What addresses in the answer have to start with: `https://api.github.com`.
pub const ORIGIN: &str = "x-pome-route-origin";
