//! What is sent, by area. A request belongs to the row of the twin's table that answers it; a row that no sample reaches fails the
//! test. Add an area: one file with a function, one line here.

mod actions;
mod activity;
mod branches;
mod commit_comments;
mod gists;
mod git;
mod hooks;
mod issues;
mod orgs;
mod people;
mod pulls;
mod relations;
mod releases;
mod repos;
mod search;

use crate::drive::Drive;

/// An area's requests, sent in order to a fresh world.
pub(crate) type Samples = fn(&mut Drive<'_>);

pub(crate) const AREAS: &[(&str, Samples)] = &[
    ("repos", repos::send),
    ("issues", issues::send),
    ("pulls", pulls::send),
    ("branches", branches::send),
    ("git", git::send),
    ("releases", releases::send),
    ("people", people::send),
    ("search", search::send),
    ("relations", relations::send),
    ("actions", actions::send),
    ("orgs", orgs::send),
    ("activity", activity::send),
    ("gists", gists::send),
    ("hooks", hooks::send),
    ("commit comments", commit_comments::send),
];

/// A member of an answer as text, without quotes, ready for a path.
pub(crate) fn text(value: &serde_json::Value, pointer: &str) -> String {
    match value.pointer(pointer) {
        Some(serde_json::Value::String(text)) => text.clone(),
        Some(other) => other.to_string(),
        None => panic!("no {pointer} in {value}"),
    }
}
