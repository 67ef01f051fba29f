//! One line of a trace, whatever it is.

use serde_json::{Map, Value};

use super::Event;
use crate::fields::{ShapeError, noun};

/// What one line of a JSON Lines file is.
#[derive(Debug, Clone, PartialEq)]
pub enum Line {
    /// Nothing.
    Blank,
    /// Not a JSON object; the text says why.
    Broken(String),
    /// An object without a string `kind`: from before the unified format, or a recorder row.
    Kindless(Map<String, Value>),
    /// A row that can be shown but does not have the form of its kind.
    Invalid {
        /// The row as it is.
        row: Map<String, Value>,
        /// What is wrong.
        error: Box<ShapeError>,
    },
    /// A row of a known or unknown kind.
    Event {
        /// The row as it is.
        row: Map<String, Value>,
        /// The row as it is understood.
        event: Box<Event>,
    },
}

impl Line {
    /// Reads one line. Never fails: what is wrong is part of the answer.
    pub fn read(line: &str) -> Self {
        if line.trim().is_empty() {
            return Self::Blank;
        }
        let row = match serde_json::from_str::<Value>(line) {
            Ok(Value::Object(row)) => row,
            Ok(other) => return Self::Broken(format!("expected an object, found {}", noun(&other))),
            Err(error) => return Self::Broken(error.to_string()),
        };
        if !row.get("kind").is_some_and(Value::is_string) {
            return Self::Kindless(row);
        }
        match Event::read(row.clone()) {
            Ok(event) => Self::Event { row, event: Box::new(event) },
            Err(error) => Self::Invalid { row, error: Box::new(error) },
        }
    }
}
