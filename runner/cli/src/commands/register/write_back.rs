//! Puts slug and name of an agent into the project file and changes nothing else of it: not its order, not its comments.

use std::fs;
use std::io;

use pome_wire::control::Agent;
use pome_wire::project::{Project, Spelling};
use serde_json::Value;

use crate::project::Found;

/// Why the file is as it was.
#[derive(Debug)]
pub(super) enum Error {
    /// Its form is not one that can be changed safely.
    Form,
    /// It cannot be read or written.
    File(io::Error),
}

/// Writes the file when something in it changes. True: it did.
pub(super) fn write(found: &Found, agent: &Agent, name: &str) -> Result<bool, Error> {
    let Some(spelling) = Spelling::ALL
        .into_iter()
        .find(|spelling| found.path.file_name().is_some_and(|file| file == spelling.file_name()))
    else {
        return Err(Error::Form);
    };
    let text = fs::read_to_string(&found.path).map_err(Error::File)?;
    let wanted: Vec<(&[&str], &str)> = match spelling {
        Spelling::PomeConfigJson => {
            vec![(&["agentSlug"][..], agent.slug.as_str()), (&["agentId"][..], agent.id.as_str())]
        }
        _ => vec![(&["agent", "slug"][..], agent.slug.as_str()), (&["agent", "name"][..], name)],
    };
    let changed = wanted.iter().try_fold(text.clone(), |text, (path, value)| {
        if spelling.is_yaml() { yaml(&text, path, value) } else { json(&text, path, value) }
    });
    let changed = changed.filter(|changed| means(changed, spelling, &text, &wanted)).ok_or(Error::Form)?;
    if changed == text {
        return Ok(false);
    }
    fs::write(&found.path, changed).map_err(Error::File)?;
    Ok(true)
}

/// Whether the new text is the old document with the wanted values and nothing else.
fn means(changed: &str, spelling: Spelling, before: &str, wanted: &[(&[&str], &str)]) -> bool {
    let decode = |text: &str| -> Option<Value> {
        if spelling.is_yaml() { serde_norway::from_str(text).ok() } else { serde_json::from_str(text).ok() }
    };
    let (Some(mut expected), Some(found)) = (decode(before), decode(changed)) else { return false };
    for (path, value) in wanted {
        set(&mut expected, path, value);
    }
    expected == found && Project::read(spelling, found).is_ok()
}

fn set(document: &mut Value, path: &[&str], value: &str) {
    let place = path.iter().fold(document, |place, key| {
        if !place.is_object() {
            *place = Value::Object(serde_json::Map::new());
        }
        &mut place[*key]
    });
    *place = Value::String(value.to_owned());
}

/// The text with one string set. What is missing is added as the first member.
fn json(text: &str, path: &[&str], value: &str) -> Option<String> {
    let mut place = object_at(text, skip(text, 0))?;
    let (last, above) = path.split_last()?;
    for key in above {
        match place.members.iter().find(|member| member.key == *key) {
            Some(member) => place = object_at(text, member.start)?,
            None => return Some(insert(text, &place, key, &format!("{{ \"{last}\": {} }}", Value::from(value)))),
        }
    }
    match place.members.iter().find(|member| member.key == *last) {
        Some(member) => Some(format!("{}{}{}", text.get(..member.start)?, Value::from(value), text.get(member.end..)?)),
        None => Some(insert(text, &place, last, &Value::from(value).to_string())),
    }
}

/// An object in a text: where its brace is, and its members.
struct Object {
    open: usize,
    members: Vec<Member>,
}

struct Member {
    key: String,
    /// Where the key begins.
    key_start: usize,
    /// Where the value begins and ends.
    start: usize,
    end: usize,
}

fn object_at(text: &str, open: usize) -> Option<Object> {
    let bytes = text.as_bytes();
    if bytes.get(open) != Some(&b'{') {
        return None;
    }
    let mut members = Vec::new();
    let mut at = skip(text, open + 1);
    while bytes.get(at) == Some(&b'"') {
        let key_start = at;
        let (key, end) = value_at::<String>(text, at)?;
        let colon = skip(text, end);
        if bytes.get(colon) != Some(&b':') {
            return None;
        }
        let start = skip(text, colon + 1);
        let (_, end) = value_at::<serde::de::IgnoredAny>(text, start)?;
        members.push(Member { key, key_start, start, end });
        at = skip(text, end);
        if bytes.get(at) == Some(&b',') {
            at = skip(text, at + 1);
        }
    }
    Some(Object { open, members })
}

/// The value at a place and where it ends.
fn value_at<T: serde::de::DeserializeOwned>(text: &str, start: usize) -> Option<(T, usize)> {
    let mut stream = serde_json::Deserializer::from_str(text.get(start..)?).into_iter::<T>();
    let value = stream.next()?.ok()?;
    Some((value, start + stream.byte_offset()))
}

fn skip(text: &str, from: usize) -> usize {
    let rest = text.get(from..).unwrap_or_default();
    from + rest.len() - rest.trim_start().len()
}

/// The text with a new first member, set as the one that is first now.
fn insert(text: &str, object: &Object, key: &str, value: &str) -> String {
    let (before, after) = text.split_at_checked(object.open + 1).unwrap_or((text, ""));
    match object.members.first() {
        Some(first) => {
            let gap = text.get(object.open + 1..first.key_start).unwrap_or_default();
            format!("{before}{gap}\"{key}\": {value},{}{}", if gap.is_empty() { " " } else { "" }, after)
        }
        None => format!("{before} \"{key}\": {value} {}", after.trim_start()),
    }
}

/// The same for YAML in blocks, as people write it: `agent:` and indented lines under it.
fn yaml(text: &str, path: &[&str], value: &str) -> Option<String> {
    let [above, key] = path else { return None };
    let lines: Vec<&str> = text.split_inclusive('\n').collect();
    let head = lines.iter().position(|line| line.trim_end() == format!("{above}:"))?;
    let indented = |line: &&&str| line.starts_with([' ', '\t']) || line.trim().is_empty();
    let block = lines.get(head + 1..)?.iter().take_while(indented).count();
    let inside = lines.get(head + 1..head + 1 + block)?;
    let first = inside.iter().find(|line| !line.trim().is_empty())?;
    let indent = first.get(..first.len() - first.trim_start().len())?;
    let wanted = format!("{indent}{key}:");
    let end = if text.contains("\r\n") { "\r\n" } else { "\n" };
    let line = format!("{wanted} {}{end}", Value::from(value));
    let mut out: Vec<String> = lines.iter().map(|line| (*line).to_owned()).collect();
    match inside.iter().position(|line| line.starts_with(&wanted)) {
        Some(at) => {
            let old = out.get_mut(head + 1 + at)?;
            let current = old.strip_prefix(&wanted)?.trim();
            let (current, comment) =
                current.split_once(" #").map_or((current, None), |(value, rest)| (value.trim(), Some(rest)));
            if serde_norway::from_str::<Value>(current).ok()?.as_str() == Some(value) {
                return Some(text.to_owned());
            }
            *old = match comment {
                Some(comment) => format!("{} #{comment}{end}", line.trim_end()),
                None => line,
            };
        }
        None => out.insert(head + 1, line),
    }
    Some(out.concat())
}

#[cfg(test)]
mod tests {
    use super::*;

    const SLUG: &[&str] = &["agent", "slug"];

    #[test]
    fn a_value_is_replaced_where_it_stands() {
        let text = "{\n    \"twins\": [\"github\", \"slack\"],\n    \"agent\": {\"slug\": \"a\", \"x\": 1.0}\n}\n";
        let expected =
            "{\n    \"twins\": [\"github\", \"slack\"],\n    \"agent\": {\"slug\": \"b\\\"c\", \"x\": 1.0}\n}\n";
        assert_eq!(json(text, SLUG, "b\"c").unwrap(), expected);
    }

    #[test]
    fn what_is_missing_is_added_in_the_style_of_the_file() {
        let cases = [
            ("{}", "{ \"agent\": { \"slug\": \"a\" } }"),
            ("{\n\t\"mode\": \"oss\"\n}\n", "{\n\t\"agent\": { \"slug\": \"a\" },\n\t\"mode\": \"oss\"\n}\n"),
            ("{\"agent\":{\"name\":\"n\"}}", "{\"agent\":{\"slug\": \"a\", \"name\":\"n\"}}"),
            ("{\"agent\": {}}", "{\"agent\": { \"slug\": \"a\" }}"),
        ];
        for (text, expected) in cases {
            assert_eq!(json(text, SLUG, "a").unwrap(), expected);
            assert!(serde_json::from_str::<Value>(expected).is_ok());
        }
        assert_eq!(json("{\"agent\": 5}", SLUG, "a"), None);
    }

    #[test]
    fn yaml_keeps_its_comments() {
        let text =
            "# ours\ncommand: node a.js\nagent:\n  slug: old # the name\n  # more\n  version: 2\ntwins: [github]\n";
        let renamed = yaml(text, SLUG, "new").unwrap();
        assert_eq!(renamed, text.replace("slug: old # the name", "slug: \"new\" # the name"));
        let named = yaml(&renamed, &["agent", "name"], "My bot").unwrap();
        assert!(named.contains("agent:\n  name: \"My bot\"\n  slug: \"new\""), "{named}");
        assert_eq!(yaml(text, SLUG, "old").unwrap(), text);
        assert_eq!(yaml("agent: {slug: a}\n", SLUG, "b"), None);
    }

    #[test]
    fn only_the_wanted_values_may_differ() {
        let wanted: Vec<(&[&str], &str)> = vec![(SLUG, "b")];
        let before = "{\"agent\": {\"slug\": \"a\"}, \"x\": 1}";
        let mean = |changed: &str| means(changed, Spelling::DotPomeJson, before, &wanted);
        assert!(mean("{\"agent\": {\"slug\": \"b\"}, \"x\": 1}"));
        assert!(!mean("{\"agent\": {\"slug\": \"b\"}, \"x\": 2}"));
        assert!(!mean("{\"agent\": {\"slug\": \"b\"}"));
    }
}
