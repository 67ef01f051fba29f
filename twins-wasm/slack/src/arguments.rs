//! Arguments as Slack reads them: booleans as `1`, lists as comma-joined text or JSON text, objects as JSON text.

use serde::de::{Deserialize, Deserializer, Error as _};
use serde_json::Value;

/// A boolean: `true`, `1`, `"true"`, `"1"` and their opposites.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(crate) struct Flag(pub(crate) bool);

impl<'de> Deserialize<'de> for Flag {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let value = Value::deserialize(deserializer)?;
        let flag = match &value {
            Value::Bool(flag) => Some(*flag),
            Value::Number(number) => number.as_u64().filter(|number| *number < 2).map(|number| number == 1),
            Value::String(text) => match text.to_ascii_lowercase().as_str() {
                "true" | "1" => Some(true),
                "false" | "0" | "" => Some(false),
                _ => None,
            },
            _ => None,
        };
        flag.map(Self).ok_or_else(|| D::Error::custom("must be a boolean"))
    }
}

/// A whole number, also as text; empty text is 0.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(crate) struct Int(pub(crate) i64);

impl<'de> Deserialize<'de> for Int {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let value = Value::deserialize(deserializer)?;
        let number = match &value {
            Value::Number(number) => number.as_i64().or_else(|| {
                let float = number.as_f64().filter(|float| float.fract() == 0.0)?;
                format!("{float:.0}").parse().ok()
            }),
            Value::String(text) if text.trim().is_empty() => Some(0),
            Value::String(text) => text.trim().parse().ok(),
            _ => None,
        };
        number.map(Self).ok_or_else(|| D::Error::custom("must be an integer"))
    }
}

/// A list of words: comma-joined text, JSON text or an array.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct List(pub(crate) Vec<String>);

impl List {
    fn of(text: &str) -> Option<Vec<String>> {
        let text = text.trim();
        if text.starts_with('[') {
            return serde_json::from_str(text).ok();
        }
        Some(text.split(',').map(str::trim).filter(|word| !word.is_empty()).map(str::to_owned).collect())
    }
}

impl<'de> Deserialize<'de> for List {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let words = match Value::deserialize(deserializer)? {
            Value::String(text) => Self::of(&text),
            Value::Array(items) => items.iter().map(|item| item.as_str().map(|word| word.trim().to_owned())).collect(),
            _ => None,
        };
        words.map(Self).ok_or_else(|| D::Error::custom("must be a list of strings"))
    }
}

/// An object or array, also as JSON text.
#[derive(Debug, Clone, PartialEq)]
pub(crate) enum Structured {
    Given(Value),
    /// Text that is no JSON.
    Unreadable,
}

impl Structured {
    /// The items of an array; a single object counts as an array of one. `Err` when it is neither.
    pub(crate) fn items(self) -> Result<Vec<Value>, ()> {
        match self {
            Self::Given(Value::Array(items)) => Ok(items),
            Self::Given(Value::Null) => Ok(Vec::new()),
            Self::Given(item @ Value::Object(_)) => Ok(vec![item]),
            _ => Err(()),
        }
    }

    pub(crate) fn object(self) -> Option<serde_json::Map<String, Value>> {
        match self {
            Self::Given(Value::Object(members)) => Some(members),
            _ => None,
        }
    }
}

impl<'de> Deserialize<'de> for Structured {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        Ok(match Value::deserialize(deserializer)? {
            Value::String(text) if text.trim().is_empty() => Self::Given(Value::Null),
            Value::String(text) => serde_json::from_str(&text).map_or(Self::Unreadable, Self::Given),
            value => Self::Given(value),
        })
    }
}

/// Text that was given and is not empty.
pub(crate) fn given(text: Option<&String>) -> Option<&str> {
    text.map(String::as_str).filter(|text| !text.is_empty())
}

/// Whether a flag was set.
pub(crate) fn is_set(flag: Option<Flag>) -> bool {
    flag.is_some_and(|flag| flag.0)
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn booleans_are_words_and_digits() {
        for (value, flag) in [(json!(true), true), (json!("1"), true), (json!(0), false), (json!("False"), false)] {
            assert_eq!(serde_json::from_value::<Flag>(value).unwrap(), Flag(flag));
        }
        assert!(serde_json::from_value::<Flag>(json!("yes")).is_err());
        assert!(serde_json::from_value::<Flag>(json!(2)).is_err());
    }

    #[test]
    fn numbers_are_text_too_and_nothing_is_zero() {
        for (value, number) in [(json!(7), 7), (json!("7"), 7), (json!(""), 0), (json!(7.0), 7), (json!("-1"), -1)] {
            assert_eq!(serde_json::from_value::<Int>(value).unwrap(), Int(number));
        }
        assert!(serde_json::from_value::<Int>(json!("seven")).is_err());
    }

    #[test]
    fn lists_have_three_spellings() {
        let wanted = List(vec!["a".to_owned(), "b".to_owned()]);
        for value in [json!("a, b"), json!("[\"a\",\"b\"]"), json!(["a", "b"])] {
            assert_eq!(serde_json::from_value::<List>(value).unwrap(), wanted);
        }
    }

    #[test]
    fn text_that_is_no_json_is_told_apart() {
        assert_eq!(serde_json::from_value::<Structured>(json!("notjson")).unwrap(), Structured::Unreadable);
        assert_eq!(serde_json::from_value::<Structured>(json!("[]")).unwrap(), Structured::Given(json!([])));
    }
}
