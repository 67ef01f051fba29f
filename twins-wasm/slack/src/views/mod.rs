//! From entities to the vendor's JSON, nothing else.

pub(crate) mod channels;
pub(crate) mod files;
pub(crate) mod lists;
pub(crate) mod messages;
pub(crate) mod users;

use serde_json::{Map, Value};

/// The members of a value that was written as an object.
pub(crate) fn object(value: Value) -> Map<String, Value> {
    match value {
        Value::Object(members) => members,
        _ => Map::new(),
    }
}
