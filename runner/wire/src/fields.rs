//! Reading a JSON object key by key, with messages that name the key.

use serde_json::{Map, Value};

/// A key of a document that has not the expected form.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ShapeError {
    /// The key, with a path in front when it lies deeper.
    pub key: String,
    /// What is wrong with it.
    pub problem: String,
}

impl ShapeError {
    pub(crate) fn new(key: impl Into<String>, problem: impl Into<String>) -> Self {
        Self { key: key.into(), problem: problem.into() }
    }

    pub(crate) fn inside(self, outer: &str) -> Self {
        Self { key: format!("{outer}.{}", self.key), problem: self.problem }
    }
}

impl std::fmt::Display for ShapeError {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "`{}`: {}", self.key, self.problem)
    }
}

impl std::error::Error for ShapeError {}

/// What a value is, as a person says it.
pub fn noun(value: &Value) -> &'static str {
    match value {
        Value::Null => "null",
        Value::Bool(_) => "a boolean",
        Value::Number(_) => "a number",
        Value::String(_) => "a string",
        Value::Array(_) => "a list",
        Value::Object(_) => "an object",
    }
}

/// The keys of an object that are not read yet.
#[derive(Debug)]
pub(crate) struct Fields {
    map: Map<String, Value>,
}

impl Fields {
    pub(crate) fn new(map: Map<String, Value>) -> Self {
        Self { map }
    }

    pub(crate) fn of(value: Value, what: &str) -> Result<Self, ShapeError> {
        match value {
            Value::Object(map) => Ok(Self::new(map)),
            other => Err(ShapeError::new(what, format!("expected an object, found {}", noun(&other)))),
        }
    }

    pub(crate) fn has(&self, key: &str) -> bool {
        self.map.contains_key(key)
    }

    pub(crate) fn raw(&mut self, key: &str) -> Option<Value> {
        self.map.shift_remove(key)
    }

    /// The value of a key; null when absent.
    pub(crate) fn any(&mut self, key: &str) -> Value {
        self.raw(key).unwrap_or_default()
    }

    pub(crate) fn rest(self) -> Map<String, Value> {
        self.map
    }

    fn read<T>(
        &mut self,
        key: &str,
        want: &str,
        convert: impl FnOnce(&Value) -> Option<T>,
    ) -> Result<Option<T>, ShapeError> {
        match self.raw(key) {
            None | Some(Value::Null) => Ok(None),
            Some(value) => match convert(&value) {
                Some(read) => Ok(Some(read)),
                None => Err(ShapeError::new(key, format!("expected {want}, found {}", described(&value)))),
            },
        }
    }

    pub(crate) fn opt_string(&mut self, key: &str) -> Result<Option<String>, ShapeError> {
        self.read(key, "a string", |value| value.as_str().map(str::to_owned))
    }

    pub(crate) fn string(&mut self, key: &str) -> Result<String, ShapeError> {
        self.opt_string(key)?.ok_or_else(|| missing(key))
    }

    pub(crate) fn non_empty(&mut self, key: &str) -> Result<String, ShapeError> {
        let text = self.string(key)?;
        if text.is_empty() { Err(ShapeError::new(key, "is empty")) } else { Ok(text) }
    }

    pub(crate) fn opt_u64(&mut self, key: &str) -> Result<Option<u64>, ShapeError> {
        self.read(key, "an integer that is not negative", integer)
    }

    pub(crate) fn u64(&mut self, key: &str) -> Result<u64, ShapeError> {
        self.opt_u64(key)?.ok_or_else(|| missing(key))
    }

    pub(crate) fn u16(&mut self, key: &str) -> Result<u16, ShapeError> {
        self.opt_u16(key)?.ok_or_else(|| missing(key))
    }

    pub(crate) fn opt_u16(&mut self, key: &str) -> Result<Option<u16>, ShapeError> {
        self.read(key, "an integer up to 65535", |value| integer(value).and_then(|number| u16::try_from(number).ok()))
    }

    pub(crate) fn opt_i64(&mut self, key: &str) -> Result<Option<i64>, ShapeError> {
        self.read(key, "an integer", Value::as_i64)
    }

    pub(crate) fn opt_f64(&mut self, key: &str) -> Result<Option<f64>, ShapeError> {
        self.read(key, "a number", Value::as_f64)
    }

    pub(crate) fn opt_bool(&mut self, key: &str) -> Result<Option<bool>, ShapeError> {
        self.read(key, "a boolean", Value::as_bool)
    }

    pub(crate) fn bool(&mut self, key: &str) -> Result<bool, ShapeError> {
        self.opt_bool(key)?.ok_or_else(|| missing(key))
    }

    pub(crate) fn opt_strings(&mut self, key: &str) -> Result<Option<Vec<String>>, ShapeError> {
        self.read(key, "a list of strings", |value| {
            value.as_array()?.iter().map(|item| item.as_str().map(str::to_owned)).collect()
        })
    }

    pub(crate) fn opt_array(&mut self, key: &str) -> Result<Option<Vec<Value>>, ShapeError> {
        self.read(key, "a list", |value| value.as_array().cloned())
    }

    pub(crate) fn opt_object(&mut self, key: &str) -> Result<Option<Map<String, Value>>, ShapeError> {
        self.read(key, "an object", |value| value.as_object().cloned())
    }

    /// One of a closed set of words.
    pub(crate) fn opt_word<T: Copy>(&mut self, key: &str, words: &[(&str, T)]) -> Result<Option<T>, ShapeError> {
        let listed = words.iter().map(|(word, _)| format!("`{word}`")).collect::<Vec<_>>().join(", ");
        self.read(key, &format!("one of {listed}"), |value| {
            let text = value.as_str()?;
            words.iter().find(|(word, _)| *word == text).map(|(_, meaning)| *meaning)
        })
    }
}

pub(crate) fn missing(key: &str) -> ShapeError {
    ShapeError::new(key, "is missing")
}

/// Integers that were written with an empty fraction (`3.0`) count as integers.
fn integer(value: &Value) -> Option<u64> {
    #[expect(
        clippy::cast_possible_truncation,
        clippy::cast_sign_loss,
        reason = "only exact integers below 2^53 reach the cast"
    )]
    let from_float = |number: f64| {
        (number.fract() == 0.0 && (0.0..9_007_199_254_740_992.0).contains(&number)).then_some(number as u64)
    };
    value.as_u64().or_else(|| value.as_f64().and_then(from_float))
}

fn described(value: &Value) -> String {
    match value {
        Value::String(text) if text.chars().count() <= 40 => format!("{text:?}"),
        Value::Number(number) => number.to_string(),
        other => noun(other).to_owned(),
    }
}

/// Serialises a number without a fraction when it has none.
#[expect(clippy::trivially_copy_pass_by_ref, reason = "the signature that serde asks for")]
pub(crate) fn plain_number<S: serde::Serializer>(number: &f64, serializer: S) -> Result<S::Ok, S::Error> {
    #[expect(clippy::cast_possible_truncation, reason = "only exact integers below 2^53 reach the cast")]
    if number.fract() == 0.0 && number.abs() < 9_007_199_254_740_992.0 {
        serializer.serialize_i64(*number as i64)
    } else {
        serializer.serialize_f64(*number)
    }
}

#[expect(clippy::ref_option, reason = "the signature that serde asks for")]
pub(crate) fn plain_number_or_null<S: serde::Serializer>(
    number: &Option<f64>,
    serializer: S,
) -> Result<S::Ok, S::Error> {
    match number {
        Some(number) => plain_number(number, serializer),
        None => serializer.serialize_none(),
    }
}
