//! Inputs that many actions share.

use std::fmt;

use pome_twin_kit::input::InputError;
use serde::de::{self, Deserializer, Visitor};
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

use crate::doc::Doc;
use crate::error::Error;

/// A text that can be cleared: with nothing or `null`.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) enum Text {
    #[default]
    Absent,
    Clear,
    Is(String),
}

impl<'de> Deserialize<'de> for Text {
    fn deserialize<D: Deserializer<'de>>(from: D) -> Result<Self, D::Error> {
        struct Seen;
        impl<'de> Visitor<'de> for Seen {
            type Value = Text;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("a string")
            }

            fn visit_none<E: de::Error>(self) -> Result<Text, E> {
                Ok(Text::Clear)
            }

            fn visit_unit<E: de::Error>(self) -> Result<Text, E> {
                Ok(Text::Clear)
            }

            fn visit_some<D: Deserializer<'de>>(self, from: D) -> Result<Text, D::Error> {
                let text = String::deserialize(from)?;
                Ok(if text.is_empty() { Text::Clear } else { Text::Is(text) })
            }
        }
        from.deserialize_option(Seen)
    }
}

impl Text {
    pub(crate) fn text(&self) -> Option<&str> {
        match self {
            Self::Is(text) => Some(text),
            Self::Absent | Self::Clear => None,
        }
    }

    /// Writes it into a member, unless it is absent.
    pub(crate) fn apply(&self, doc: &mut Doc, name: &str) {
        match self {
            Self::Absent => {}
            Self::Clear => doc.set(name, Value::Null),
            Self::Is(text) => doc.set(name, text.as_str()),
        }
    }

    /// As the member of a new object.
    pub(crate) fn json(&self) -> Value {
        self.text().map_or(Value::Null, Value::from)
    }
}

/// A text that must be there.
pub(crate) fn required<'a>(text: &'a Text, param: &str) -> Result<&'a str, Error> {
    match text {
        Text::Is(text) => Ok(text),
        Text::Clear => Err(Error::empty(param)),
        Text::Absent => Err(Error::required(param)),
    }
}

/// Whether an input is there to clear something.
pub(crate) fn clears(value: &Value) -> bool {
    value.is_null() || value == ""
}

const KEYS: usize = 50;
const KEY_LENGTH: usize = 40;
const VALUE_LENGTH: usize = 500;

/// Merges metadata: a value sets its key, nothing or null removes it, nothing at all removes every key.
pub(crate) fn merge_metadata(into: &mut Map<String, Value>, given: Option<&Value>) -> Result<(), Error> {
    let Some(given) = given else { return Ok(()) };
    let members = match given {
        Value::Object(members) => members,
        given if clears(given) => {
            into.clear();
            return Ok(());
        }
        _ => return Err(Error::invalid("Invalid object").code("parameter_invalid").param("metadata")),
    };
    for (key, value) in members {
        let param = format!("metadata[{key}]");
        let refuse = |message: String| Error::invalid(message).code("parameter_invalid").param(param.clone());
        if key.chars().count() > KEY_LENGTH {
            return Err(refuse(format!(
                "Metadata keys can be up to {KEY_LENGTH} characters long. You passed in the key '{key}' that is {} characters long",
                key.chars().count()
            )));
        }
        if clears(value) {
            into.shift_remove(key);
            continue;
        }
        let text = match value {
            Value::String(text) => text.clone(),
            Value::Number(_) | Value::Bool(_) => value.to_string(),
            _ => {
                return Err(refuse(
                    "Metadata values must be strings, but here you passed in a value of type: hash".to_owned(),
                ));
            }
        };
        if text.chars().count() > VALUE_LENGTH {
            return Err(refuse(format!(
                "Metadata values can have up to {VALUE_LENGTH} characters, but you passed in a value that is {} characters. Invalid value: {text}",
                text.chars().count()
            )));
        }
        into.insert(key.clone(), text.into());
    }
    if into.len() > KEYS {
        let message = format!("You can only have up to {KEYS} metadata keys.");
        return Err(Error::invalid(message).code("parameter_invalid").param("metadata"));
    }
    Ok(())
}

/// The metadata of a new object.
pub(crate) fn new_metadata(given: Option<&Value>) -> Result<Value, Error> {
    let mut metadata = Map::new();
    merge_metadata(&mut metadata, given)?;
    Ok(Value::Object(metadata))
}

/// Where somebody lives. As the vendor has it, every key is there.
#[derive(Debug, Clone, Default, PartialEq, Deserialize, Serialize)]
#[serde(default)]
pub(crate) struct Address {
    city: Option<String>,
    country: Option<String>,
    line1: Option<String>,
    line2: Option<String>,
    postal_code: Option<String>,
    state: Option<String>,
}

/// Decodes a nested input, naming the place of what is wrong.
pub(crate) fn nested<A: de::DeserializeOwned>(value: &Value, param: &str) -> Result<A, Error> {
    pome_twin_kit::input::decode_document(value.clone()).map_err(|error: InputError| within(param, error))
}

pub(crate) fn within(param: &str, mut error: InputError) -> Error {
    error.path.insert(0, param.to_owned());
    <Error as pome_twin_kit::VendorError<crate::Stripe>>::input(error)
}

/// An address input as the vendor shows it; empty texts are null.
pub(crate) fn address(value: &Value, param: &str) -> Result<Value, Error> {
    if clears(value) {
        return Ok(Value::Null);
    }
    let address: Address = nested(value, param)?;
    let empty = |text: Option<String>| text.filter(|text| !text.is_empty());
    let Address { city, country, line1, line2, postal_code, state } = address;
    let address = Address {
        city: empty(city),
        country: empty(country),
        line1: empty(line1),
        line2: empty(line2),
        postal_code: empty(postal_code),
        state: empty(state),
    };
    Ok(serde_json::to_value(address).unwrap_or_default())
}

#[derive(Deserialize)]
struct Shipping {
    address: Option<Value>,
    name: Option<String>,
    phone: Option<String>,
    carrier: Option<String>,
    tracking_number: Option<String>,
}

/// A shipping input: `name` and `address`, for payments also `carrier` and `tracking_number`.
pub(crate) fn shipping(value: &Value, payment: bool) -> Result<Value, Error> {
    if clears(value) {
        return Ok(Value::Null);
    }
    let Shipping { address: place, name, phone, carrier, tracking_number } = nested(value, "shipping")?;
    let place = place.ok_or_else(|| Error::required("shipping[address]"))?;
    let name = name.ok_or_else(|| Error::required("shipping[name]"))?;
    let mut out = Doc::default();
    out.set("address", address(&place, "shipping[address]")?);
    if payment {
        out.set("carrier", carrier);
    }
    out.set("name", name);
    out.set("phone", phone);
    if payment {
        out.set("tracking_number", tracking_number);
    }
    Ok(out.json())
}

/// A whole number from JSON or text.
pub(crate) fn integer(value: &Value, param: &str) -> Result<i64, Error> {
    let found = match value {
        Value::Number(number) => match number.as_i64() {
            Some(number) => return Ok(number),
            None => number.to_string(),
        },
        Value::String(text) => match text.trim().parse() {
            Ok(number) => return Ok(number),
            Err(_) => text.clone(),
        },
        other => other.to_string(),
    };
    Err(Error::integer(&found, param))
}

/// `true` or `false`, from JSON or text.
pub(crate) fn flag(value: &Value, param: &str) -> Result<bool, Error> {
    match value {
        Value::Bool(flag) => Ok(*flag),
        Value::String(text) if text == "true" => Ok(true),
        Value::String(text) if text == "false" => Ok(false),
        other => {
            let found = other.as_str().map_or_else(|| other.to_string(), str::to_owned);
            Err(Error::invalid(format!("Invalid boolean: {found}")).code("parameter_invalid").param(param))
        }
    }
}

/// `created=1` or `created[gte]=1`, for any member that holds a time or a number.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(crate) struct Span {
    above: Option<i64>,
    below: Option<i64>,
}

impl Span {
    pub(crate) fn of(given: Option<&Value>, param: &str) -> Result<Self, Error> {
        let mut span = Self::default();
        match given {
            None => {}
            Some(Value::Object(bounds)) => {
                for (name, value) in bounds {
                    let place = format!("{param}[{name}]");
                    let value = integer(value, &place)?;
                    match name.as_str() {
                        "gt" => span.above = Some(value.saturating_add(1)),
                        "gte" => span.above = Some(value),
                        "lt" => span.below = Some(value.saturating_sub(1)),
                        "lte" => span.below = Some(value),
                        _ => {
                            let message = format!("Received unknown parameter: {place}");
                            return Err(Error::invalid(message).code("parameter_unknown").param(place));
                        }
                    }
                }
            }
            Some(value) => {
                let value = integer(value, param)?;
                span = Self { above: Some(value), below: Some(value) };
            }
        }
        Ok(span)
    }

    pub(crate) fn holds(self, value: i64) -> bool {
        self.above.is_none_or(|bound| value >= bound) && self.below.is_none_or(|bound| value <= bound)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn metadata_is_merged_key_by_key() {
        let mut metadata = Map::from_iter([("a".to_owned(), json!("1")), ("b".to_owned(), json!("2"))]);
        merge_metadata(&mut metadata, Some(&json!({"a": "", "b": 3, "c": null, "d": "x"}))).unwrap();
        assert_eq!(Value::Object(metadata.clone()), json!({"b": "3", "d": "x"}));
        merge_metadata(&mut metadata, Some(&json!(""))).unwrap();
        assert!(metadata.is_empty());
        assert!(merge_metadata(&mut metadata, Some(&json!({"k".repeat(41): "x"}))).is_err());
        assert!(merge_metadata(&mut metadata, Some(&json!({"k": "x".repeat(501)}))).is_err());
    }

    #[test]
    fn a_span_takes_a_second_or_bounds() {
        let span = |value: Value| Span::of(Some(&value), "created").unwrap();
        assert!(span(json!("5")).holds(5) && !span(json!(5)).holds(6));
        let between = span(json!({"gt": "5", "lte": 7}));
        assert_eq!([5, 6, 7, 8].map(|value| between.holds(value)), [false, true, true, false]);
        assert!(Span::of(Some(&json!({"gte": "x"})), "created").is_err());
    }
}
