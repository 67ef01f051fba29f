//! The plain part of YAML: mappings and lists by indentation, quoted and plain scalars, `[a, b]`, `{a: b}`, block texts and
//! comments. Anchors, tags, several documents and flow collections over several lines are not read.

use serde_json::{Map, Value};

/// A line with its indentation, comments and blanks taken away.
struct Line<'a> {
    indent: usize,
    text: &'a str,
    /// Where the line is in the document, for block texts.
    at: usize,
}

/// The document; `None` where it is something else.
pub(crate) fn read(text: &str) -> Option<Value> {
    let raw: Vec<&str> = text.lines().collect();
    let mut lines = Vec::new();
    for (at, line) in raw.iter().enumerate() {
        let bare = line.trim_start_matches(' ');
        let body = uncommented(bare).trim_end();
        if !body.is_empty() && body != "---" {
            lines.push(Line { indent: line.len() - bare.len(), text: body, at });
        }
    }
    let mut reader = Reader { raw, lines, next: 0 };
    let indent = reader.lines.first()?.indent;
    let value = reader.block(indent)?;
    (reader.next >= reader.lines.len()).then_some(value)
}

/// A scalar as text.
pub(crate) fn text(value: &Value) -> String {
    value.as_str().map_or_else(|| value.to_string(), str::to_owned)
}

/// Without what stands behind ` #`, unless that is within quotes.
fn uncommented(line: &str) -> &str {
    let mut quote = None;
    let mut before = ' ';
    for (at, letter) in line.char_indices() {
        match (quote, letter) {
            (None, '#') if before == ' ' => return line.get(..at).unwrap_or_default(),
            (None, '"' | '\'') if !before.is_alphanumeric() => quote = Some(letter),
            (Some(open), letter) if open == letter => quote = None,
            _ => {}
        }
        before = letter;
    }
    line
}

struct Reader<'a> {
    raw: Vec<&'a str>,
    lines: Vec<Line<'a>>,
    next: usize,
}

impl<'a> Reader<'a> {
    fn peek(&self) -> Option<(usize, &'a str, usize)> {
        self.lines.get(self.next).map(|line| (line.indent, line.text, line.at))
    }

    /// A mapping, a list or a scalar that starts at this indentation.
    fn block(&mut self, indent: usize) -> Option<Value> {
        let (_, text, _) = self.peek()?;
        if text == "-" || text.starts_with("- ") {
            return self.list(indent);
        }
        if split_key(text).is_some() {
            return self.mapping(indent);
        }
        self.next += 1;
        scalar(text)
    }

    fn list(&mut self, indent: usize) -> Option<Value> {
        let mut items = Vec::new();
        while let Some((at, text, _)) = self.peek() {
            if at != indent || !(text == "-" || text.starts_with("- ")) {
                break;
            }
            let rest = text.strip_prefix('-').unwrap_or_default();
            let inner = rest.trim_start();
            if inner.is_empty() {
                self.next += 1;
                items.push(self.below(indent)?);
            } else if split_key(inner).is_some() && !inner.starts_with(['"', '\'', '[', '{']) {
                // The item is a mapping whose first line stands behind the dash.
                let deeper = indent + 1 + (rest.len() - inner.len());
                let line = self.lines.get_mut(self.next)?;
                (line.indent, line.text) = (deeper, inner);
                items.push(self.mapping(deeper)?);
            } else {
                let (_, _, place) = self.peek()?;
                self.next += 1;
                items.push(self.value(inner, indent, place)?);
            }
        }
        Some(Value::Array(items))
    }

    fn mapping(&mut self, indent: usize) -> Option<Value> {
        let mut members = Map::new();
        while let Some((at, text, place)) = self.peek() {
            if at != indent {
                break;
            }
            let Some((key, rest)) = split_key(text) else { break };
            self.next += 1;
            let value = if rest.is_empty() { self.below(indent)? } else { self.value(rest, indent, place)? };
            members.insert(key, value);
        }
        // A line that is deeper than its siblings fits nowhere.
        if self.peek().is_some_and(|(at, ..)| at > indent) { None } else { Some(Value::Object(members)) }
    }

    /// What stands below a key or dash; a list may stand as far left as its key.
    fn below(&mut self, indent: usize) -> Option<Value> {
        match self.peek() {
            Some((deeper, ..)) if deeper > indent => self.block(deeper),
            Some((same, text, _)) if same == indent && (text == "-" || text.starts_with("- ")) => {
                let before = self.lines.get(self.next.checked_sub(1)?)?.text;
                if before.starts_with('-') { Some(Value::Null) } else { self.list(indent) }
            }
            _ => Some(Value::Null),
        }
    }

    /// A value behind a key or dash: a scalar, a flow collection or a block text.
    fn value(&mut self, text: &str, indent: usize, place: usize) -> Option<Value> {
        if !text.starts_with(['|', '>']) {
            return scalar(text);
        }
        let folded = text.starts_with('>');
        let mut body: Vec<&str> = Vec::new();
        let mut end = place + 1;
        while let Some(line) = self.raw.get(end) {
            let bare = line.trim_start_matches(' ');
            if !bare.is_empty() && line.len() - bare.len() <= indent {
                break;
            }
            body.push(line);
            end += 1;
        }
        let indented = body.iter().filter(|line| !line.trim().is_empty());
        let margin = indented.map(|line| line.len() - line.trim_start_matches(' ').len()).min().unwrap_or_default();
        let cut: Vec<&str> = body.iter().map(|line| line.get(margin..).unwrap_or_default()).collect();
        let joined = cut.join(if folded { " " } else { "\n" });
        while self.lines.get(self.next).is_some_and(|line| line.at < end) {
            self.next += 1;
        }
        let joined = joined.trim_end();
        Some(Value::String(if text.contains('-') { joined.to_owned() } else { format!("{joined}\n") }))
    }
}

/// `key` and what stands behind its colon.
fn split_key(text: &str) -> Option<(String, &str)> {
    let (key, rest) = match text.strip_prefix(['"', '\'']) {
        Some(inner) => {
            let quote = text.chars().next()?;
            let (key, rest) = inner.split_once(quote)?;
            (key.to_owned(), rest.strip_prefix(':')?)
        }
        None => {
            let at = text.char_indices().find(|(at, letter)| {
                *letter == ':' && text.get(at + 1..).is_some_and(|rest| rest.is_empty() || rest.starts_with(' '))
            })?;
            (text.get(..at.0)?.trim_end().to_owned(), text.get(at.0 + 1..)?)
        }
    };
    Some((key, rest.trim_start())).filter(|(key, _)| !key.starts_with(['[', '{']))
}

fn scalar(text: &str) -> Option<Value> {
    let text = text.trim();
    if text.starts_with(['&', '*', '!']) {
        return None;
    }
    if let Some(inner) = text.strip_prefix('[') {
        let items = pieces(inner.strip_suffix(']')?).into_iter().map(scalar).collect::<Option<Vec<_>>>()?;
        return Some(Value::Array(items));
    }
    if let Some(inner) = text.strip_prefix('{') {
        let mut members = Map::new();
        for piece in pieces(inner.strip_suffix('}')?) {
            let (key, value) = split_key(piece)?;
            members.insert(key, if value.is_empty() { Value::Null } else { scalar(value)? });
        }
        return Some(Value::Object(members));
    }
    for quote in ['"', '\''] {
        if let Some(inner) = text.strip_prefix(quote).and_then(|rest| rest.strip_suffix(quote)) {
            let plain = if quote == '"' {
                inner.replace("\\n", "\n").replace("\\\"", "\"").replace("\\\\", "\\")
            } else {
                inner.replace("''", "'")
            };
            return Some(Value::String(plain));
        }
    }
    Some(match text {
        "" | "~" | "null" => Value::Null,
        "true" => Value::Bool(true),
        "false" => Value::Bool(false),
        other => other.parse::<i64>().map_or_else(|_| Value::String(other.to_owned()), Value::from),
    })
}

/// The parts of a flow collection, split at commas that are not within brackets or quotes.
fn pieces(text: &str) -> Vec<&str> {
    let (mut parts, mut depth, mut start, mut quote) = (Vec::new(), 0_usize, 0, None);
    for (at, letter) in text.char_indices() {
        match (quote, letter) {
            (Some(open), letter) if open == letter => quote = None,
            (Some(_), _) => {}
            (None, '"' | '\'') => quote = Some(letter),
            (None, '[' | '{') => depth += 1,
            (None, ']' | '}') => depth = depth.saturating_sub(1),
            (None, ',') if depth == 0 => {
                parts.push(text.get(start..at).unwrap_or_default().trim());
                start = at + 1;
            }
            _ => {}
        }
    }
    parts.push(text.get(start..).unwrap_or_default().trim());
    parts.retain(|part| !part.is_empty());
    parts
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::read;

    #[test]
    fn a_workflow_file_is_read() {
        let text = r#"
name: "Build & test" # what it is called
on:
  push:
    branches: [main, 'release/**']
  workflow_dispatch:
    inputs:
      level:
        required: true
        type: choice
        options:
        - low
        - high
jobs:
  build:
    runs-on: ubuntu-latest
    steps:
      - uses: actions/checkout@v4
        with: { fetch-depth: 0 }
      - name: Test
        run: |
          cargo test
          # not a comment
      - run: echo "a # b"
  empty:
"#;
        let expected = json!({
            "name": "Build & test",
            "on": {
                "push": { "branches": ["main", "release/**"] },
                "workflow_dispatch": { "inputs": { "level": { "required": true, "type": "choice", "options": ["low", "high"] } } },
            },
            "jobs": {
                "build": {
                    "runs-on": "ubuntu-latest",
                    "steps": [
                        { "uses": "actions/checkout@v4", "with": { "fetch-depth": 0 } },
                        { "name": "Test", "run": "cargo test\n# not a comment\n" },
                        { "run": "echo \"a # b\"" },
                    ],
                },
                "empty": null,
            },
        });
        assert_eq!(read(text), Some(expected));
        assert_eq!(read("on: [push, workflow_dispatch]"), Some(json!({ "on": ["push", "workflow_dispatch"] })));
    }

    #[test]
    fn what_is_not_plain_is_not_read() {
        for text in ["a: &x 1", "a: [1,\n  2]", "a: 1\n   b: 2", ""] {
            assert_eq!(read(text), None, "{text}");
        }
    }
}
