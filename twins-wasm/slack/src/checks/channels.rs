//! Finding channels and their messages in an exported state. What is not there skips a check.

use pome_twin_kit::checks::Verdict;
use serde_json::Value;

/// A channel with its JSON pointer.
pub(super) struct Found<'a> {
    pub(super) value: &'a Value,
    pub(super) pointer: String,
}

fn incomplete(pointer: &str) -> Verdict {
    Verdict::skipped("state_incomplete", format!("the exported state has no `{pointer}`"))
}

pub(super) fn all(state: &Value) -> Result<Vec<Found<'_>>, Verdict> {
    let Some(Value::Array(channels)) = state.get("channels") else { return Err(incomplete("/channels")) };
    let found = |(at, value)| Found { value, pointer: format!("/channels/{at}") };
    Ok(channels.iter().enumerate().map(found).collect())
}

/// A channel by name: case and a leading `#` do not matter.
pub(super) fn named<'a>(state: &'a Value, wanted: &str) -> Result<Found<'a>, Verdict> {
    let wanted = wanted.trim().trim_start_matches('#');
    let is = |found: &Found<'_>| {
        found.value.get("name").and_then(Value::as_str).is_some_and(|name| name.eq_ignore_ascii_case(wanted))
    };
    let missing = || Verdict::skipped("channel_not_found", format!("the workspace has no channel `{wanted}`"));
    all(state)?.into_iter().find(is).ok_or_else(missing)
}

/// A flag that may be written as a number.
fn flag(value: &Value, name: &str) -> Option<bool> {
    match value.get(name)? {
        Value::Bool(flag) => Some(*flag),
        Value::Number(number) => number.as_u64().map(|number| number != 0),
        _ => None,
    }
}

/// Channels that everybody can read; skipped when one does not say whether it is.
pub(super) fn public(state: &Value) -> Result<Vec<Found<'_>>, Verdict> {
    let mut out = Vec::new();
    for found in all(state)? {
        let Some(private) = flag(found.value, "is_private") else {
            let reason = format!("`{}/is_private` is not known", found.pointer);
            return Err(Verdict::skipped("channel_privacy_undeclared", reason));
        };
        let other = ["is_group", "is_im", "is_mpim"].iter().any(|name| flag(found.value, name) == Some(true));
        if !private && !other {
            out.push(found);
        }
    }
    Ok(out)
}

impl<'a> Found<'a> {
    pub(super) fn id(&self) -> &'a str {
        self.value.get("id").and_then(Value::as_str).unwrap_or_default()
    }

    pub(super) fn name(&self) -> &'a str {
        self.value.get("name").and_then(Value::as_str).unwrap_or_default()
    }

    pub(super) fn messages(&self) -> Result<&'a [Value], Verdict> {
        match self.value.get("messages") {
            Some(Value::Array(messages)) => Ok(messages),
            _ => Err(incomplete(&format!("{}/messages", self.pointer))),
        }
    }

    /// Texts with their pointers.
    pub(super) fn texts(&self) -> Result<Vec<(String, &'a str)>, Verdict> {
        let text = |(at, message): (usize, &'a Value)| {
            let text = message.get("text").and_then(Value::as_str).unwrap_or_default();
            (format!("{}/messages/{at}/text", self.pointer), text)
        };
        Ok(self.messages()?.iter().enumerate().map(text).collect())
    }
}
