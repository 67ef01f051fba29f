//! Finding things in an exported state. A missing repository, issue or pull request fails a check; a missing field skips it.

use pome_twin_kit::checks::Verdict;
use serde_json::Value;

/// Something found, with its JSON pointer.
pub(super) struct Found<'a> {
    pub(super) value: &'a Value,
    pub(super) pointer: String,
}

impl<'a> Found<'a> {
    /// The member as a list; skipped when the export does not have it.
    pub(super) fn list(&self, name: &str) -> Result<&'a [Value], Verdict> {
        match self.value.get(name) {
            Some(Value::Array(items)) => Ok(items),
            _ => Err(incomplete(&format!("{}/{name}", self.pointer))),
        }
    }

    pub(super) fn text(&self, name: &str) -> Result<&'a str, Verdict> {
        self.value.get(name).and_then(Value::as_str).ok_or_else(|| incomplete(&format!("{}/{name}", self.pointer)))
    }

    /// The list's items with their own pointers.
    pub(super) fn items(&self, name: &str) -> Result<Vec<Self>, Verdict> {
        let pointer = |at: usize| format!("{}/{name}/{at}", self.pointer);
        Ok(self.list(name)?.iter().enumerate().map(|(at, value)| Found { value, pointer: pointer(at) }).collect())
    }
}

fn incomplete(pointer: &str) -> Verdict {
    Verdict::skipped("state_incomplete", format!("the exported state has no `{pointer}`"))
}

/// The repository, by `full_name` or by owner and name.
pub(super) fn repo<'a>(state: &'a Value, wanted: &str) -> Result<Found<'a>, Verdict> {
    let root = Found { value: state, pointer: String::new() };
    let named = |value: &Value| {
        let text = |name: &str| value.get(name).and_then(Value::as_str);
        text("full_name") == Some(wanted)
            || wanted
                .split_once('/')
                .is_some_and(|(owner, name)| text("owner") == Some(owner) && text("name") == Some(name))
    };
    root.items("repositories")?
        .into_iter()
        .find(|found| named(found.value))
        .ok_or_else(|| Verdict::failed(format!("repository `{wanted}` not found")))
}

fn numbered<'a>(repo: &Found<'a>, list: &str, number: u64, what: &str, wanted: &str) -> Result<Found<'a>, Verdict> {
    repo.items(list)?
        .into_iter()
        .find(|found| found.value.get("number").and_then(Value::as_u64) == Some(number))
        .ok_or_else(|| Verdict::failed(format!("{what} #{number} not found in `{wanted}`")))
}

pub(super) fn issue<'a>(state: &'a Value, wanted: &str, number: u64) -> Result<Found<'a>, Verdict> {
    numbered(&repo(state, wanted)?, "issues", number, "issue", wanted)
}

pub(super) fn pull<'a>(state: &'a Value, wanted: &str, number: u64) -> Result<Found<'a>, Verdict> {
    numbered(&repo(state, wanted)?, "pull_requests", number, "pull request", wanted)
}

/// Names of label rows.
pub(super) fn names(rows: &[Value]) -> Vec<&str> {
    rows.iter().filter_map(|row| row.get("name").and_then(Value::as_str)).collect()
}

/// `a, b` or `none`.
pub(super) fn list(names: &[&str]) -> String {
    if names.is_empty() { "none".to_owned() } else { names.join(", ") }
}
