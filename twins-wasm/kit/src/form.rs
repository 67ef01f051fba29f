//! Bodies and query strings written as forms: `a[b][c]=1`, `a[0][b]=1`, `a[]=1`, and the parts of `multipart/form-data`.

use serde_json::{Map, Value};

use crate::envelope::Header;
use crate::input::pairs;

/// A file of a multipart body.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct File {
    /// The field it arrived in.
    pub name: String,
    pub filename: String,
    /// As the part says it; empty when it says nothing.
    pub content_type: String,
    pub bytes: Vec<u8>,
}

/// What a body held: members by name, files apart.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Form {
    pub members: Map<String, Value>,
    pub files: Vec<File>,
}

impl Form {
    /// Reads a body by its content type: JSON when it says so or says nothing, otherwise a form. What cannot be read counts as
    /// empty.
    pub fn read(headers: &[Header], bytes: &[u8]) -> Self {
        let kind = headers.iter().find(|(name, _)| name == "content-type").map_or("", |(_, value)| value.as_str());
        let (essence, parameters) = kind.split_once(';').unwrap_or((kind, ""));
        match essence.trim().to_ascii_lowercase().as_str() {
            "application/x-www-form-urlencoded" => {
                Self { members: expand(pairs(&String::from_utf8_lossy(bytes))), files: Vec::new() }
            }
            "multipart/form-data" => {
                boundary(parameters).map(|boundary| multipart(bytes, &boundary)).unwrap_or_default()
            }
            _ => match serde_json::from_slice(bytes) {
                Ok(Value::Object(members)) => Self { members, files: Vec::new() },
                _ => Self::default(),
            },
        }
    }
}

/// Names with brackets become objects and lists; of a plain name that is repeated the last value wins. A list is written with
/// empty brackets or with all the indices from 0.
pub fn expand(pairs: impl Iterator<Item = (String, String)>) -> Map<String, Value> {
    let mut root = Map::new();
    for (name, value) in pairs {
        let steps = steps(&name);
        if !steps.iter().any(|step| FORBIDDEN.contains(step)) {
            put(&mut root, &steps, value);
        }
    }
    root.into_iter().map(|(name, value)| (name, lists(value))).collect()
}

/// Names that would reach into the prototypes of a JavaScript server.
const FORBIDDEN: [&str; 3] = ["__proto__", "constructor", "prototype"];

/// `a[b][]` is `a`, `b` and nothing.
fn steps(name: &str) -> Vec<&str> {
    let Some((first, rest)) = name.split_once('[') else { return vec![name] };
    let Some(rest) = rest.strip_suffix(']') else { return vec![name] };
    std::iter::once(first).chain(rest.split("][")).collect()
}

fn put(into: &mut Map<String, Value>, steps: &[&str], value: String) {
    let Some((step, rest)) = steps.split_first() else { return };
    // The next free index takes the place of empty brackets.
    let key = if step.is_empty() { into.len().to_string() } else { (*step).to_owned() };
    if rest.is_empty() {
        into.insert(key, Value::String(value));
        return;
    }
    let slot = into.entry(key).or_insert_with(|| Value::Object(Map::new()));
    if !slot.is_object() {
        *slot = Value::Object(Map::new());
    }
    if let Value::Object(inner) = slot {
        put(inner, rest, value);
    }
}

/// Objects whose names are the numbers from 0 become lists.
fn lists(value: Value) -> Value {
    let Value::Object(members) = value else { return value };
    let numbered = !members.is_empty() && (0..members.len()).all(|index| members.contains_key(&index.to_string()));
    if !numbered {
        return Value::Object(members.into_iter().map(|(name, value)| (name, lists(value))).collect());
    }
    let mut members = members;
    Value::Array((0..members.len()).filter_map(|index| members.remove(&index.to_string())).map(lists).collect())
}

fn boundary(parameters: &str) -> Option<String> {
    parameter(parameters, "boundary").filter(|boundary| !boundary.is_empty())
}

/// `name="a"; filename="b"`: the value of one name.
fn parameter(parameters: &str, wanted: &str) -> Option<String> {
    let mut rest = parameters;
    while let Some((name, tail)) = rest.split_once('=') {
        let name = name.trim_matches([';', ' ', '\t']);
        let (value, after) = match tail.strip_prefix('"') {
            Some(quoted) => {
                let end = quoted_end(quoted);
                (quoted.get(..end)?.replace("\\\"", "\""), quoted.get(end + 1..).unwrap_or_default())
            }
            None => {
                let end = tail.find(';').unwrap_or(tail.len());
                (tail.get(..end)?.trim().to_owned(), tail.get(end..).unwrap_or_default())
            }
        };
        if name.eq_ignore_ascii_case(wanted) {
            return Some(value);
        }
        rest = after;
    }
    None
}

/// Where the closing quote is.
fn quoted_end(text: &str) -> usize {
    let mut escaped = false;
    for (at, character) in text.char_indices() {
        match character {
            '"' if !escaped => return at,
            '\\' => escaped = !escaped,
            _ => escaped = false,
        }
    }
    text.len()
}

fn multipart(bytes: &[u8], boundary: &str) -> Form {
    let delimiter = [b"\r\n--", boundary.as_bytes()].concat();
    // The first delimiter needs no line break before it.
    let body = [b"\r\n", bytes].concat();
    let mut fields = Vec::new();
    let mut files = Vec::new();
    let mut rest = split(&body, &delimiter).map(|(_, after)| after);
    while let Some(part) = rest.and_then(|rest| rest.strip_prefix(b"\r\n")) {
        let Some((part, after)) = split(part, &delimiter) else { break };
        rest = Some(after);
        // A part without headers starts with the empty line at once.
        let (head, content) = match part.strip_prefix(b"\r\n") {
            Some(content) => (&b""[..], content),
            None => split(part, b"\r\n\r\n").unwrap_or((part, b"")),
        };
        let head = String::from_utf8_lossy(head);
        let header = |wanted: &str| {
            let lines = head.split("\r\n").filter_map(|line| line.split_once(':'));
            lines.filter(|(name, _)| name.trim().eq_ignore_ascii_case(wanted)).map(|(_, value)| value.trim()).next()
        };
        let disposition = header("content-disposition").unwrap_or_default();
        let Some(name) = parameter(disposition.split_once(';').map_or("", |(_, rest)| rest), "name") else { continue };
        match parameter(disposition.split_once(';').map_or("", |(_, rest)| rest), "filename") {
            Some(filename) => {
                fields.push((name.clone(), filename.clone()));
                let content_type = header("content-type").unwrap_or_default().to_owned();
                files.push(File { name, filename, content_type, bytes: content.to_vec() });
            }
            None => fields.push((name, String::from_utf8_lossy(content).into_owned())),
        }
    }
    Form { members: expand(fields.into_iter()), files }
}

fn split<'a>(bytes: &'a [u8], at: &[u8]) -> Option<(&'a [u8], &'a [u8])> {
    let found = bytes.windows(at.len()).position(|window| window == at)?;
    Some((bytes.get(..found)?, bytes.get(found + at.len()..)?))
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn expanded(text: &str) -> Value {
        Value::Object(expand(pairs(text)))
    }

    #[test]
    fn brackets_become_objects_and_lists() {
        assert_eq!(expanded("a[b]=1&a[c][d]=2"), json!({"a": {"b": "1", "c": {"d": "2"}}}));
        assert_eq!(
            expanded("items[0][price]=p&items[0][quantity]=2&items[1][price]=q"),
            json!({"items": [{"price": "p", "quantity": "2"}, {"price": "q"}]})
        );
        assert_eq!(expanded("types[]=card&types[]=link&x=1&x=2"), json!({"types": ["card", "link"], "x": "2"}));
        assert_eq!(expanded("items[1][price]=q"), json!({"items": {"1": {"price": "q"}}}));
        assert_eq!(
            expanded("expand%5B%5D=data.customer&metadata[k]="),
            json!({"expand": ["data.customer"], "metadata": {"k": ""}})
        );
    }

    #[test]
    fn a_name_that_is_a_value_and_an_object_keeps_the_later_meaning() {
        assert_eq!(expanded("a=1&a[b]=2"), json!({"a": {"b": "2"}}));
        assert_eq!(expanded("a[b]=2&a=1"), json!({"a": "1"}));
    }

    #[test]
    fn names_of_prototypes_are_dropped_at_every_level() {
        assert_eq!(expanded("__proto__[x]=1&a[constructor]=2&a[b][prototype]=3&a[c]=4"), json!({"a": {"c": "4"}}));
    }

    #[test]
    fn the_content_type_says_how_a_body_is_read() {
        let of = |kind: &str, body: &str| {
            let headers = [("content-type".to_owned(), kind.to_owned())];
            Value::Object(Form::read(&headers, body.as_bytes()).members)
        };
        assert_eq!(of("application/x-www-form-urlencoded; charset=utf-8", "a[b]=1"), json!({"a": {"b": "1"}}));
        assert_eq!(of("application/json", r#"{"a":1}"#), json!({"a": 1}));
        assert_eq!(of("application/json", "a=1"), json!({}));
        assert_eq!(Value::Object(Form::read(&[], br#"{"a":1}"#).members), json!({"a": 1}));
    }

    #[test]
    fn multipart_bodies_have_fields_and_files() {
        let body = "preamble\r\n--x y\r\nContent-Disposition: form-data; name=\"purpose\"\r\n\r\ndispute_evidence\r\n--x y\r\n\
                    content-disposition: form-data; name=\"file\"; filename=\"a \\\"b\\\".txt\"\r\nContent-Type: text/plain\r\n\r\n\
                    one\r\ntwo\r\n--x y--\r\nepilogue";
        let headers = [("content-type".to_owned(), "multipart/form-data; boundary=\"x y\"".to_owned())];
        let form = Form::read(&headers, body.as_bytes());
        assert_eq!(Value::Object(form.members), json!({"purpose": "dispute_evidence", "file": "a \"b\".txt"}));
        let file = File {
            name: "file".to_owned(),
            filename: "a \"b\".txt".to_owned(),
            content_type: "text/plain".to_owned(),
            bytes: b"one\r\ntwo".to_vec(),
        };
        assert_eq!(form.files, [file]);
    }

    #[test]
    fn a_broken_multipart_body_is_empty() {
        let headers = |kind: &str| [("content-type".to_owned(), kind.to_owned())];
        assert_eq!(Form::read(&headers("multipart/form-data"), b"--x\r\n\r\na"), Form::default());
        assert_eq!(Form::read(&headers("multipart/form-data; boundary=x"), b"--x\r\n\r\na"), Form::default());
    }
}
