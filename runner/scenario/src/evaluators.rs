//! The `evaluators` of the config section.

use std::path::PathBuf;

use serde::Serialize;
use serde_norway::Value;

use crate::KNOWN_TWINS;
use crate::config::{Keys, noun};
use crate::error::{Error, Problem};

const KEY: &str = "evaluators";

/// The built-in evaluator's name.
const EXPRESSIONS: &str = "cel";

/// A component that judges criteria of this scenario.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct EvaluatorEntry {
    /// What criteria are tagged with; the stem of the file when the scenario gives none.
    pub name: String,
    /// As written: absolute or relative to the scenario file.
    pub path: PathBuf,
    /// Parameters, an object.
    pub config: serde_json::Value,
    /// The line in the file.
    #[serde(skip)]
    pub line: usize,
}

pub(crate) fn read(keys: &Keys<'_>, value: &Value, twins: &[String]) -> Result<Vec<EvaluatorEntry>, Error> {
    let list = value.as_sequence().ok_or_else(|| keys.wrong(KEY, "a list of paths", value))?;
    let mut entries: Vec<EvaluatorEntry> = Vec::new();
    for (index, item) in list.iter().enumerate() {
        let line = keys.line_of_item(KEY, index);
        let entry = entry(keys, item, &format!("{KEY}[{index}]"), line)?;
        let taken = |by| Error {
            path: keys.path.to_owned(),
            line: Some(line),
            problem: Problem::EvaluatorNameTaken { name: entry.name.clone(), by },
        };
        if entries.iter().any(|other| other.name == entry.name) {
            return Err(taken("another evaluator"));
        }
        if entry.name == EXPRESSIONS {
            return Err(taken("the built-in evaluator of expressions"));
        }
        if KNOWN_TWINS.contains(&entry.name.as_str()) || twins.contains(&entry.name) {
            return Err(taken("a twin"));
        }
        entries.push(entry);
    }
    Ok(entries)
}

fn entry(keys: &Keys<'_>, item: &Value, key: &str, line: usize) -> Result<EvaluatorEntry, Error> {
    let wrong = |key: String, want: &str, found: String| Error {
        path: keys.path.to_owned(),
        line: Some(line),
        problem: Problem::ConfigValue { key, want: want.to_owned(), found },
    };
    let (name, path, config) = match item {
        Value::String(path) => (None, path, None),
        Value::Mapping(_) => {
            let text = |field: &str| match item.get(field) {
                None => Ok(None),
                Some(Value::String(text)) => Ok(Some(text)),
                Some(other) => Err(wrong(format!("{key}.{field}"), "a text", noun(other))),
            };
            let path = text("path")?.ok_or_else(|| wrong(format!("{key}.path"), "a text", "nothing".to_owned()))?;
            (text("name")?, path, item.get("config"))
        }
        other => return Err(wrong(key.to_owned(), "a path or `{name, path, config}`", noun(other))),
    };
    let path = PathBuf::from(path);
    let name = match name {
        Some(name) => name.clone(),
        None => path.file_stem().unwrap_or_default().to_string_lossy().into_owned(),
    };
    if !is_tag(&name) {
        return Err(Error { path: keys.path.to_owned(), line: Some(line), problem: Problem::EvaluatorName { name } });
    }
    let config = match config {
        None | Some(Value::Null) => serde_json::Value::Object(serde_json::Map::new()),
        Some(given @ Value::Mapping(_)) => serde_json::to_value(given)
            .map_err(|_| wrong(format!("{key}.config"), "keys that are texts", noun(given)))?,
        Some(other) => return Err(wrong(format!("{key}.config"), "keys with values", noun(other))),
    };
    Ok(EvaluatorEntry { name, path, config, line })
}

/// Whether a name can stand behind the colon of a marker.
pub fn is_tag(name: &str) -> bool {
    let rest = |byte: u8| byte.is_ascii_lowercase() || byte.is_ascii_digit() || matches!(byte, b'-' | b'_');
    name.bytes().next().is_some_and(|first| first.is_ascii_lowercase()) && name.bytes().all(rest)
}
