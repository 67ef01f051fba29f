//! API keys that a seed hands out. Session tokens are the gateway's.

use pome_twin_kit::ids::hex;
use serde_json::{Map, Value};
use sha2::{Digest, Sha256};

use crate::state::State;

/// What the state keeps of a key. Looking a digest up takes a time that tells nothing about the key.
pub(crate) fn digest(key: &str) -> String {
    hex(&Sha256::digest(key.as_bytes()))
}

/// The session and account of a key.
pub(crate) fn resolve(state: &State, token: &str) -> Option<Map<String, Value>> {
    if !PREFIXES.iter().any(|prefix| token.starts_with(prefix)) {
        return None;
    }
    let key = state.api_keys.get(&digest(token))?;
    Some(Map::from_iter([
        ("sid".to_owned(), Value::from(key.sid.as_str())),
        ("account_id".to_owned(), Value::from(key.account.as_str())),
    ]))
}

/// How keys of test mode begin: secret ones and restricted ones.
pub(crate) const PREFIXES: [&str; 2] = ["sk_test_", "rk_test_"];
