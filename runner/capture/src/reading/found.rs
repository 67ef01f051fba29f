//! What was found in an answer so far.

use std::collections::BTreeMap;

use pome_wire::gen_ai::ToolCall;
use serde_json::Value;

/// Grows with each piece of an answer; later pieces win.
#[derive(Debug, Default, PartialEq)]
pub(crate) struct Found {
    pub(crate) id: Option<String>,
    pub(crate) model: Option<String>,
    /// By choice.
    pub(crate) reasons: BTreeMap<u64, String>,
    pub(crate) input: Option<u64>,
    pub(crate) output: Option<u64>,
    pub(crate) cache_read: Option<u64>,
    pub(crate) cache_creation: Option<u64>,
    pub(crate) reasoning: Option<u64>,
    /// By choice and place in it.
    pub(crate) tools: BTreeMap<(u64, u64), ToolCall>,
    pub(crate) error: Option<String>,
}

impl Found {
    /// Takes the identity of the answer.
    pub(crate) fn identity(&mut self, id: Option<String>, model: Option<String>) {
        set(&mut self.id, id);
        set(&mut self.model, model);
    }

    /// Takes a tool call, or the part of it that is in this piece.
    pub(crate) fn tool(&mut self, place: (u64, u64), id: Option<String>, name: Option<String>) {
        let call = self.tools.entry(place).or_default();
        set(&mut call.id, id);
        set(&mut call.name, name);
    }

    /// All providers put a failure below `error`, with a name in one of three places.
    pub(crate) fn error(&mut self, value: &Value) {
        let error = value.get("error").or_else(|| value.pointer("/response/error"));
        let Some(error) = error.filter(|error| error.is_object()) else { return };
        let named = ["type", "status", "code"].iter().find_map(|key| text(error, key));
        set(&mut self.error, named);
    }
}

/// Takes what is there and keeps what was there otherwise.
pub(crate) fn set<T>(place: &mut Option<T>, value: Option<T>) {
    if value.is_some() {
        *place = value;
    }
}

/// A text that is not empty.
pub(crate) fn text(value: &Value, key: &str) -> Option<String> {
    value.get(key)?.as_str().filter(|text| !text.is_empty()).map(str::to_owned)
}

/// A number at a path such as `/usage/input_tokens`.
pub(crate) fn number(value: &Value, path: &str) -> Option<u64> {
    value.pointer(path)?.as_u64()
}

/// The items below a key, numbered.
pub(crate) fn items<'a>(value: &'a Value, key: &str) -> impl Iterator<Item = (u64, &'a Value)> + use<'a> {
    (0..).zip(value.get(key).and_then(Value::as_array).into_iter().flatten())
}
