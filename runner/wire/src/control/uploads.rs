//! Places for blobs.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use super::lenient::{or_default, or_none};

/// The answer to `POST /v1/sessions/{id}/{result,signals,meta}-upload-url`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct UploadUrl {
    /// Where to put it. Signed: who has the address may write.
    pub url: String,
    /// Its name in the store, which other requests use.
    pub key: String,
}

/// `POST /v1/sessions/{id}/state-upload-url`
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct StateUploadRequest {
    /// With several twins, all of them.
    #[serde(default, deserialize_with = "or_default", skip_serializing_if = "Vec::is_empty")]
    pub twins: Vec<String>,
}

/// The answer to [`StateUploadRequest`].
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct StateUploadUrls {
    /// Before the agent, of the primary twin.
    pub state_initial: UploadUrl,
    /// After the agent, of the primary twin.
    pub state_final: UploadUrl,
    /// Of each twin, when there are several. Dropped when malformed.
    #[serde(default, deserialize_with = "or_none", skip_serializing_if = "Option::is_none")]
    pub per_twin: Option<BTreeMap<String, StateUrls>>,
}

/// Places for the states of one twin.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct StateUrls {
    /// Before the agent.
    pub state_initial: UploadUrl,
    /// After the agent.
    pub state_final: UploadUrl,
}
