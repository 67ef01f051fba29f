//! From what arrived to what an action declares.
//!
//! Path, query and body values are merged into one map and decoded leniently: text becomes the number or boolean that the
//! field asks for. What a field asks for is its Rust type; nothing is declared twice.

use std::collections::BTreeMap;
use std::fmt;

use serde::Deserialize;
use serde::de::value::StrDeserializer;
use serde::de::{self, DeserializeOwned, DeserializeSeed, IntoDeserializer, MapAccess, SeqAccess, Visitor};
use serde_json::Value;

/// Where an input arrived.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Place {
    Path,
    Query,
    Body,
    Arguments,
}

impl Place {
    pub const fn name(self) -> &'static str {
        match self {
            Self::Path => "path",
            Self::Query => "query",
            Self::Body => "body",
            Self::Arguments => "arguments",
        }
    }
}

#[derive(Debug, Clone, PartialEq)]
enum Entry {
    /// A text from path or query.
    Text(Place, String),
    /// A repeated query name.
    Texts(Vec<String>),
    Json(Place, Value),
}

/// Everything that arrived with one call, by name. Path wins over query, query over body.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Input {
    entries: BTreeMap<String, Entry>,
}

impl Input {
    pub fn put_path(&mut self, name: &str, value: String) {
        self.entries.insert(name.to_owned(), Entry::Text(Place::Path, value));
    }

    /// The first value of a name wins; all of them are there for a field that is a list.
    pub fn put_query(&mut self, name: &str, value: String) {
        match self.entries.get_mut(name) {
            Some(Entry::Texts(all)) => all.push(value),
            Some(Entry::Text(Place::Query, first)) => {
                let first = std::mem::take(first);
                self.entries.insert(name.to_owned(), Entry::Texts(vec![first, value]));
            }
            Some(_) => {}
            None => {
                self.entries.insert(name.to_owned(), Entry::Text(Place::Query, value));
            }
        }
    }

    pub fn put_json(&mut self, place: Place, name: String, value: Value) {
        self.entries.entry(name).or_insert(Entry::Json(place, value));
    }

    /// Takes a name out, as JSON.
    pub fn take(&mut self, name: &str) -> Option<Value> {
        Some(match self.entries.remove(name)? {
            Entry::Text(_, text) => Value::String(text),
            Entry::Texts(texts) => texts.into(),
            Entry::Json(_, value) => value,
        })
    }

    /// The first name that is not among those that are declared, with the place where it arrived.
    pub(crate) fn undeclared(&self, declared: &[&str]) -> Option<(&str, Place)> {
        let (name, entry) = self.entries.iter().find(|(name, _)| !declared.contains(&name.as_str()))?;
        let place = match entry {
            Entry::Text(place, _) | Entry::Json(place, _) => *place,
            Entry::Texts(_) => Place::Query,
        };
        Some((name, place))
    }

    /// One text for everything that arrived, the same for JSON and forms and for every order of names: tells whether two calls
    /// ask for the same.
    pub fn canonical(&self) -> String {
        let mut out = String::new();
        for (name, entry) in &self.entries {
            out.push_str(&Value::from(name.as_str()).to_string());
            match entry {
                Entry::Text(_, text) => canonical(&Value::from(text.as_str()), &mut out),
                Entry::Texts(texts) => canonical(&Value::from(texts.as_slice()), &mut out),
                Entry::Json(_, value) => canonical(value, &mut out),
            }
        }
        out
    }

    /// The arguments of a tool call.
    pub fn arguments(map: serde_json::Map<String, Value>) -> Self {
        let entries = map.into_iter().map(|(name, value)| (name, Entry::Json(Place::Arguments, value))).collect();
        Self { entries }
    }

    /// Decodes into an action or argument struct.
    pub fn decode<A: DeserializeOwned>(self) -> Result<A, InputError> {
        A::deserialize(Root(self))
    }
}

fn canonical(value: &Value, out: &mut String) {
    match value {
        Value::Null => out.push('-'),
        // Numbers and booleans may arrive as text.
        Value::Bool(_) | Value::Number(_) => out.push_str(&Value::from(value.to_string()).to_string()),
        Value::String(_) => out.push_str(&value.to_string()),
        Value::Array(items) => {
            out.push('[');
            for item in items {
                canonical(item, out);
            }
            out.push(']');
        }
        Value::Object(members) => {
            out.push('{');
            let sorted: BTreeMap<&String, &Value> = members.iter().collect();
            for (name, value) in sorted {
                out.push_str(&Value::from(name.as_str()).to_string());
                canonical(value, out);
            }
            out.push('}');
        }
    }
}

/// What is wrong with an input.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct InputError {
    /// Names and indices from the outside in; empty when the whole is meant.
    pub path: Vec<String>,
    /// Where the outermost name arrived; `None` when it did not arrive at all.
    pub place: Option<Place>,
    pub problem: Problem,
    /// The text that was found instead of a number or boolean.
    pub found: Option<String>,
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Problem {
    /// Required and not there.
    Missing,
    /// Another type than the field's; holds what was expected, in words.
    Type(String),
    /// The right type with a value that is not allowed; holds the reason.
    Value(String),
    /// No input of the action; only with [`Undeclared::Refused`](crate::twin::Undeclared).
    Undeclared,
}

impl InputError {
    fn new(problem: Problem) -> Self {
        Self { path: Vec::new(), place: None, problem, found: None }
    }

    fn found(mut self, text: &str) -> Self {
        self.found = Some(text.to_owned());
        self
    }

    /// An input that the action does not have.
    pub(crate) fn undeclared(name: &str, place: Place) -> Self {
        let problem = Problem::Undeclared;
        Self { path: vec![name.to_owned()], place: Some(place), problem, found: None }
    }

    fn within(mut self, name: impl Into<String>) -> Self {
        self.path.insert(0, name.into());
        self
    }

    /// `labels.0.name`
    pub fn field(&self) -> String {
        self.path.join(".")
    }
}

impl fmt::Display for InputError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.problem {
            Problem::Missing => write!(f, "`{}` is missing", self.field()),
            Problem::Type(expected) => write!(f, "`{}` is not {expected}", self.field()),
            Problem::Value(reason) => write!(f, "`{}`: {reason}", self.field()),
            Problem::Undeclared => write!(f, "`{}` is not known here", self.field()),
        }
    }
}

impl std::error::Error for InputError {}

impl de::Error for InputError {
    fn custom<T: fmt::Display>(message: T) -> Self {
        Self::new(Problem::Value(message.to_string()))
    }

    fn invalid_type(_: de::Unexpected<'_>, expected: &dyn de::Expected) -> Self {
        Self::new(Problem::Type(expected.to_string()))
    }

    fn missing_field(field: &'static str) -> Self {
        Self::new(Problem::Missing).within(field)
    }

    fn unknown_variant(variant: &str, expected: &'static [&'static str]) -> Self {
        Self::new(Problem::Value(format!("`{variant}` is not one of {}", expected.join(", "))))
    }
}

/// For `#[serde(default, deserialize_with = "input::nullable")]` on an `Option<Option<T>>`: absent is `None`, `null` is
/// `Some(None)`. For fields that can be cleared.
pub fn nullable<'de, T: de::Deserialize<'de>, D: de::Deserializer<'de>>(
    from: D,
) -> Result<Option<Option<T>>, D::Error> {
    Option::<T>::deserialize(from).map(Some)
}

struct Root(Input);

impl<'de> de::Deserializer<'de> for Root {
    type Error = InputError;

    fn deserialize_any<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, InputError> {
        visitor.visit_map(RootMap { entries: self.0.entries.into_iter(), next: None })
    }

    serde::forward_to_deserialize_any! {
        bool i8 i16 i32 i64 i128 u8 u16 u32 u64 u128 f32 f64 char str string bytes byte_buf option unit unit_struct
        newtype_struct seq tuple tuple_struct map struct enum identifier ignored_any
    }
}

struct RootMap {
    entries: std::collections::btree_map::IntoIter<String, Entry>,
    next: Option<(String, Entry)>,
}

impl<'de> MapAccess<'de> for RootMap {
    type Error = InputError;

    fn next_key_seed<K: DeserializeSeed<'de>>(&mut self, seed: K) -> Result<Option<K::Value>, InputError> {
        let Some((name, entry)) = self.entries.next() else { return Ok(None) };
        let key: StrDeserializer<'_, InputError> = name.as_str().into_deserializer();
        let key = seed.deserialize(key)?;
        self.next = Some((name, entry));
        Ok(Some(key))
    }

    fn next_value_seed<S: DeserializeSeed<'de>>(&mut self, seed: S) -> Result<S::Value, InputError> {
        let Some((name, entry)) = self.next.take() else {
            return Err(InputError::new(Problem::Value("a value was asked for before its name".to_owned())));
        };
        let (place, result) = match entry {
            Entry::Text(place, text) => (place, seed.deserialize(Text(text))),
            Entry::Texts(texts) => (Place::Query, seed.deserialize(Texts(texts))),
            Entry::Json(place, value) => (place, seed.deserialize(Lenient(value))),
        };
        result.map_err(|error| InputError { place: Some(place), ..error.within(name) })
    }
}

/// Integers and floats from text.
fn visit_number<'de, V: Visitor<'de>>(text: &str, visitor: V) -> Result<V::Value, InputError> {
    let text = text.trim();
    if let Ok(number) = text.parse::<u64>() {
        return visitor.visit_u64(number);
    }
    if let Ok(number) = text.parse::<i64>() {
        return visitor.visit_i64(number);
    }
    Err(InputError::new(Problem::Type("an integer".to_owned())).found(text))
}

fn visit_float<'de, V: Visitor<'de>>(text: &str, visitor: V) -> Result<V::Value, InputError> {
    match text.trim().parse::<f64>() {
        Ok(number) if number.is_finite() => visitor.visit_f64(number),
        _ => Err(InputError::new(Problem::Type("a number".to_owned())).found(text)),
    }
}

fn visit_flag<'de, V: Visitor<'de>>(text: &str, visitor: V) -> Result<V::Value, InputError> {
    match text {
        "true" => visitor.visit_bool(true),
        "false" => visitor.visit_bool(false),
        _ => Err(InputError::new(Problem::Type("a boolean".to_owned())).found(text)),
    }
}

/// One text from path or query.
struct Text(String);

macro_rules! numbers {
    ($($method:ident)*) => { $(
        fn $method<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, InputError> { visit_number(&self.0, visitor) }
    )* };
}

impl<'de> de::Deserializer<'de> for Text {
    type Error = InputError;

    fn deserialize_any<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, InputError> {
        visitor.visit_string(self.0)
    }

    numbers! { deserialize_i8 deserialize_i16 deserialize_i32 deserialize_i64 deserialize_u8 deserialize_u16 deserialize_u32 deserialize_u64 }

    fn deserialize_f64<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, InputError> {
        visit_float(&self.0, visitor)
    }

    fn deserialize_bool<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, InputError> {
        visit_flag(&self.0, visitor)
    }

    fn deserialize_option<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, InputError> {
        visitor.visit_some(self)
    }

    fn deserialize_newtype_struct<V: Visitor<'de>>(self, _: &'static str, visitor: V) -> Result<V::Value, InputError> {
        visitor.visit_newtype_struct(self)
    }

    fn deserialize_seq<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, InputError> {
        Texts(vec![self.0]).deserialize_seq(visitor)
    }

    fn deserialize_enum<V: Visitor<'de>>(
        self,
        _: &'static str,
        _: &'static [&'static str],
        visitor: V,
    ) -> Result<V::Value, InputError> {
        visitor.visit_enum(self.0.into_deserializer())
    }

    serde::forward_to_deserialize_any! {
        i128 u128 f32 char str string bytes byte_buf unit unit_struct tuple tuple_struct map struct identifier ignored_any
    }
}

/// A repeated query name: its first value, or all of them for a list.
struct Texts(Vec<String>);

impl Texts {
    fn first(self) -> Text {
        Text(self.0.into_iter().next().unwrap_or_default())
    }
}

macro_rules! first_text {
    ($($method:ident)*) => { $(
        fn $method<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, InputError> { self.first().$method(visitor) }
    )* };
}

impl<'de> de::Deserializer<'de> for Texts {
    type Error = InputError;

    first_text! {
        deserialize_any deserialize_i8 deserialize_i16 deserialize_i32 deserialize_i64 deserialize_u8 deserialize_u16
        deserialize_u32 deserialize_u64 deserialize_f64 deserialize_bool
    }

    fn deserialize_option<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, InputError> {
        visitor.visit_some(self)
    }

    fn deserialize_newtype_struct<V: Visitor<'de>>(self, _: &'static str, visitor: V) -> Result<V::Value, InputError> {
        visitor.visit_newtype_struct(self)
    }

    fn deserialize_seq<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, InputError> {
        visitor.visit_seq(Items { items: self.0.into_iter().map(Text), at: 0 })
    }

    fn deserialize_enum<V: Visitor<'de>>(
        self,
        name: &'static str,
        variants: &'static [&'static str],
        visitor: V,
    ) -> Result<V::Value, InputError> {
        self.first().deserialize_enum(name, variants, visitor)
    }

    serde::forward_to_deserialize_any! {
        i128 u128 f32 char str string bytes byte_buf unit unit_struct tuple tuple_struct map struct identifier ignored_any
    }
}

/// JSON in which numbers and booleans may have arrived as text.
struct Lenient(Value);

impl<'de> de::Deserializer<'de> for Lenient {
    type Error = InputError;

    fn deserialize_any<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, InputError> {
        match self.0 {
            Value::Null => visitor.visit_unit(),
            Value::Bool(flag) => visitor.visit_bool(flag),
            Value::String(text) => visitor.visit_string(text),
            Value::Number(number) => visit_json_number(&number, visitor),
            Value::Array(items) => visitor.visit_seq(Items { items: items.into_iter().map(Lenient), at: 0 }),
            Value::Object(members) => visitor.visit_map(Members { members: members.into_iter(), next: None }),
        }
    }

    fn deserialize_i64<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, InputError> {
        match self.0 {
            Value::String(text) => visit_number(&text, visitor),
            Value::Number(number) => match (number.as_u64(), number.as_i64(), number.as_f64()) {
                (Some(number), _, _) => visitor.visit_u64(number),
                (_, Some(number), _) => visitor.visit_i64(number),
                // A client may write 3 as 3.0; anything with a real fraction is refused.
                (_, _, Some(number)) if number.fract() == 0.0 => visit_number(&format!("{number:.0}"), visitor),
                _ => Err(InputError::new(Problem::Type("an integer".to_owned())).found(&number.to_string())),
            },
            other => Err(InputError::new(Problem::Type("an integer".to_owned())).found(&other.to_string())),
        }
    }

    fn deserialize_i8<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, InputError> {
        self.deserialize_i64(visitor)
    }

    fn deserialize_i16<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, InputError> {
        self.deserialize_i64(visitor)
    }

    fn deserialize_i32<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, InputError> {
        self.deserialize_i64(visitor)
    }

    fn deserialize_u8<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, InputError> {
        self.deserialize_i64(visitor)
    }

    fn deserialize_u16<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, InputError> {
        self.deserialize_i64(visitor)
    }

    fn deserialize_u32<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, InputError> {
        self.deserialize_i64(visitor)
    }

    fn deserialize_u64<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, InputError> {
        self.deserialize_i64(visitor)
    }

    fn deserialize_f64<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, InputError> {
        match self.0 {
            Value::String(text) => visit_float(&text, visitor),
            Value::Number(number) => visitor.visit_f64(number.as_f64().unwrap_or_default()),
            _ => Err(InputError::new(Problem::Type("a number".to_owned()))),
        }
    }

    fn deserialize_bool<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, InputError> {
        match self.0 {
            Value::Bool(flag) => visitor.visit_bool(flag),
            Value::String(text) => visit_flag(&text, visitor),
            _ => Err(InputError::new(Problem::Type("a boolean".to_owned()))),
        }
    }

    fn deserialize_option<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, InputError> {
        match self.0 {
            Value::Null => visitor.visit_none(),
            _ => visitor.visit_some(self),
        }
    }

    fn deserialize_newtype_struct<V: Visitor<'de>>(self, _: &'static str, visitor: V) -> Result<V::Value, InputError> {
        visitor.visit_newtype_struct(self)
    }

    fn deserialize_enum<V: Visitor<'de>>(
        self,
        _: &'static str,
        _: &'static [&'static str],
        visitor: V,
    ) -> Result<V::Value, InputError> {
        match self.0 {
            Value::String(text) => visitor.visit_enum(text.into_deserializer()),
            _ => Err(InputError::new(Problem::Type("a string".to_owned()))),
        }
    }

    serde::forward_to_deserialize_any! {
        i128 u128 f32 char str string bytes byte_buf unit unit_struct seq tuple tuple_struct map struct identifier
        ignored_any
    }
}

fn visit_json_number<'de, V: Visitor<'de>>(number: &serde_json::Number, visitor: V) -> Result<V::Value, InputError> {
    match (number.as_u64(), number.as_i64()) {
        (Some(number), _) => visitor.visit_u64(number),
        (_, Some(number)) => visitor.visit_i64(number),
        _ => visitor.visit_f64(number.as_f64().unwrap_or_default()),
    }
}

struct Items<I> {
    items: I,
    at: usize,
}

impl<'de, D: de::Deserializer<'de, Error = InputError>, I: Iterator<Item = D>> SeqAccess<'de> for Items<I> {
    type Error = InputError;

    fn next_element_seed<S: DeserializeSeed<'de>>(&mut self, seed: S) -> Result<Option<S::Value>, InputError> {
        let Some(item) = self.items.next() else { return Ok(None) };
        let at = self.at;
        self.at += 1;
        seed.deserialize(item).map(Some).map_err(|error| error.within(at.to_string()))
    }
}

struct Members {
    members: serde_json::map::IntoIter,
    next: Option<(String, Value)>,
}

impl<'de> MapAccess<'de> for Members {
    type Error = InputError;

    fn next_key_seed<K: DeserializeSeed<'de>>(&mut self, seed: K) -> Result<Option<K::Value>, InputError> {
        let Some((name, value)) = self.members.next() else { return Ok(None) };
        let key: StrDeserializer<'_, InputError> = name.as_str().into_deserializer();
        let key = seed.deserialize(key)?;
        self.next = Some((name, value));
        Ok(Some(key))
    }

    fn next_value_seed<S: DeserializeSeed<'de>>(&mut self, seed: S) -> Result<S::Value, InputError> {
        let Some((name, value)) = self.next.take() else {
            return Err(InputError::new(Problem::Value("a value was asked for before its name".to_owned())));
        };
        seed.deserialize(Lenient(value)).map_err(|error| error.within(name))
    }
}

/// Decodes a JSON document (a seed) with the same leniency and errors that name the place.
pub fn decode_document<A: DeserializeOwned>(document: Value) -> Result<A, InputError> {
    A::deserialize(Lenient(document))
}

/// Decodes `%2F` and, in query strings, `+`.
pub fn percent_decode(text: &str, plus_is_space: bool) -> String {
    let mut bytes = Vec::with_capacity(text.len());
    let mut rest = text.as_bytes();
    while let Some((&first, tail)) = rest.split_first() {
        rest = tail;
        match first {
            b'%' => match (tail.first().copied().and_then(hex), tail.get(1).copied().and_then(hex)) {
                (Some(high), Some(low)) => {
                    bytes.push(high << 4 | low);
                    rest = tail.get(2..).unwrap_or_default();
                }
                _ => bytes.push(b'%'),
            },
            b'+' if plus_is_space => bytes.push(b' '),
            other => bytes.push(other),
        }
    }
    String::from_utf8(bytes).unwrap_or_else(|error| String::from_utf8_lossy(error.as_bytes()).into_owned())
}

fn hex(digit: u8) -> Option<u8> {
    char::from(digit).to_digit(16).and_then(|value| u8::try_from(value).ok())
}

/// The pairs of a query string or urlencoded form, decoded, in order.
pub fn pairs(query: &str) -> impl Iterator<Item = (String, String)> + '_ {
    query.split('&').filter(|pair| !pair.is_empty()).map(|pair| {
        let (name, value) = pair.split_once('=').unwrap_or((pair, ""));
        (percent_decode(name, true), percent_decode(value, true))
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde::Deserialize;
    use serde_json::json;

    #[derive(Debug, PartialEq, Deserialize)]
    #[serde(rename_all = "lowercase")]
    enum Color {
        Red,
        Blue,
    }

    #[derive(Debug, PartialEq, Deserialize)]
    struct Declared {
        number: u64,
        #[serde(default)]
        draft: bool,
        #[serde(default)]
        labels: Vec<String>,
        color: Option<Color>,
        #[serde(default, deserialize_with = "nullable")]
        milestone: Option<Option<u64>>,
    }

    fn arguments(value: Value) -> Input {
        match value {
            Value::Object(map) => Input::arguments(map),
            _ => unreachable!("tests pass objects"),
        }
    }

    #[test]
    fn text_becomes_what_the_field_asks_for() {
        let mut input = Input::default();
        input.put_path("number", "12".into());
        input.put_query("draft", "true".into());
        input.put_query("labels", "a".into());
        input.put_query("labels", "b".into());
        input.put_query("color", "blue".into());
        input.put_query("color", "red".into());
        input.put_query("undeclared", "x".into());
        let decoded: Declared = input.decode().unwrap();
        let labels = vec!["a".to_owned(), "b".to_owned()];
        assert_eq!(decoded, Declared { number: 12, draft: true, labels, color: Some(Color::Blue), milestone: None });
    }

    #[test]
    fn numbers_may_be_text_or_whole_floats_in_json_too() {
        for number in [json!(7), json!("7"), json!(7.0)] {
            let decoded: Declared = arguments(json!({"number": number, "milestone": null})).decode().unwrap();
            assert_eq!((decoded.number, decoded.milestone), (7, Some(None)));
        }
        let error = arguments(json!({"number": 7.5})).decode::<Declared>().unwrap_err();
        assert_eq!(error.problem, Problem::Type("an integer".into()));
    }

    #[test]
    fn errors_name_the_field_and_where_it_arrived() {
        let error = arguments(json!({"number": 1, "labels": ["x", 3]})).decode::<Declared>().unwrap_err();
        assert_eq!((error.field().as_str(), error.place), ("labels.1", Some(Place::Arguments)));
        let error = arguments(json!({})).decode::<Declared>().unwrap_err();
        assert_eq!((error.field().as_str(), error.place, error.problem), ("number", None, Problem::Missing));
        let error = arguments(json!({"number": 1, "color": "green"})).decode::<Declared>().unwrap_err();
        assert_eq!(error.problem, Problem::Value("`green` is not one of red, blue".into()));
    }

    #[test]
    fn percent_signs_decode_and_broken_ones_stay() {
        assert_eq!(percent_decode("heads%2Ffeature%2fx", false), "heads/feature/x");
        assert_eq!(percent_decode("100%", false), "100%");
        assert_eq!(
            pairs("q=a+b%26c&x&").collect::<Vec<_>>(),
            [("q".into(), "a b&c".into()), ("x".into(), String::new())]
        );
    }
}
