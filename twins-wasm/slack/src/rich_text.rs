//! From message text to the `rich_text` block that Slack shows for it.

use serde_json::{Map, Value, json};
use sha2::{Digest, Sha256};

use crate::text::{Entity, entity, unescape};

/// The blocks of a message that has only text.
pub(crate) fn blocks(text: &str, seed: &str) -> Vec<Value> {
    if text.is_empty() {
        return Vec::new();
    }
    vec![json!({ "type": "rich_text", "block_id": block_id(seed), "elements": elements(text) })]
}

/// Five letters that follow from what identifies the block.
pub(crate) fn block_id(seed: &str) -> String {
    const LETTERS: &[u8] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789";
    Sha256::digest(seed.as_bytes())
        .iter()
        .take(5)
        .map(|byte| char::from(LETTERS.get(usize::from(*byte) % LETTERS.len()).copied().unwrap_or(b'A')))
        .collect()
}

/// Sections, quotes and preformatted parts.
fn elements(text: &str) -> Vec<Value> {
    let mut out = Vec::new();
    for (at, part) in text.split("```").enumerate() {
        // Odd parts stand between fences; an open fence at the end is just text.
        let fenced = at % 2 == 1 && text.matches("```").count() > at;
        if fenced {
            let code = unescape(part.trim_matches('\n'));
            out.push(json!({ "type": "rich_text_preformatted", "elements": [{ "type": "text", "text": code }], "border": 0 }));
        } else {
            let part = if at == 0 { part.to_owned() } else { part.strip_prefix('\n').unwrap_or(part).to_owned() };
            quotes(&part, &mut out);
        }
    }
    if out.is_empty() {
        out.push(json!({ "type": "rich_text_section", "elements": [] }));
    }
    out
}

fn quotes(text: &str, out: &mut Vec<Value>) {
    let mut section: Vec<&str> = Vec::new();
    let mut quote: Vec<&str> = Vec::new();
    let flush = |kind: &str, lines: &mut Vec<&str>, out: &mut Vec<Value>| {
        if !lines.is_empty() {
            let said = lines.join("\n");
            if !said.is_empty() {
                out.push(json!({ "type": kind, "elements": inline(&said) }));
            }
            lines.clear();
        }
    };
    for line in text.split('\n') {
        if let Some(quoted) = line.strip_prefix("&gt;") {
            flush("rich_text_section", &mut section, out);
            quote.push(quoted.strip_prefix(' ').unwrap_or(quoted));
        } else {
            flush("rich_text_quote", &mut quote, out);
            section.push(line);
        }
    }
    flush("rich_text_quote", &mut quote, out);
    flush("rich_text_section", &mut section, out);
}

/// Which marks are open: the letter and the style it stands for.
const MARKS: [(char, &str); 4] = [('*', "bold"), ('_', "italic"), ('~', "strike"), ('`', "code")];

fn inline(text: &str) -> Vec<Value> {
    let mut line = Line::default();
    let mut rest = text;
    let mut before: Option<char> = None;
    while let Some(character) = rest.chars().next() {
        let tail = rest.get(character.len_utf8()..).unwrap_or_default();
        if line.is("code") && character != '`' {
            line.text.push(character);
        } else if let Some((style, length)) = mark(rest, before, &line) {
            line.flush();
            line.toggle(style);
            before = Some(character);
            rest = rest.get(length..).unwrap_or_default();
            continue;
        } else if character == '<'
            && let Some((inner, after)) = tail.split_once('>')
            && let Some(entity) = entity(inner)
        {
            line.push(entity_element(&entity));
            before = Some('>');
            rest = after;
            continue;
        } else if character == ':'
            && let Some(name) = emoji(tail)
        {
            line.push(emoji_element(name));
            before = Some(':');
            rest = tail.get(name.len() + 1..).unwrap_or_default();
            continue;
        } else {
            line.text.push(character);
        }
        before = Some(character);
        rest = tail;
    }
    line.flush();
    line.elements
}

/// The style that a letter opens or closes here.
fn mark(rest: &str, before: Option<char>, line: &Line) -> Option<(&'static str, usize)> {
    let character = rest.chars().next()?;
    let (_, style) = MARKS.iter().find(|(letter, _)| *letter == character)?;
    let tail = rest.get(1..)?;
    if line.is(style) {
        let closes = style == &"code" || !before.is_some_and(char::is_whitespace);
        let ends = tail.chars().next().is_none_or(|next| !next.is_alphanumeric());
        return (closes && ends).then_some((*style, 1));
    }
    let fresh = before.is_none_or(|before| !before.is_alphanumeric());
    let starts = tail.chars().next().is_some_and(|next| !next.is_whitespace() && next != character);
    // A mark that never closes in its line is a letter.
    let line_end = tail.find('\n').unwrap_or(tail.len());
    let mut closers = tail.get(..line_end)?.match_indices(character);
    let closed = closers.any(|(at, _)| {
        let inside = tail.get(..at).and_then(|inside| inside.chars().next_back());
        let after = tail.get(at + 1..).and_then(|after| after.chars().next());
        at > 0
            && (*style == "code" || !inside.is_some_and(char::is_whitespace))
            && after.is_none_or(|after| !after.is_alphanumeric())
    });
    (fresh && starts && closed).then_some((*style, 1))
}

#[derive(Default)]
struct Line {
    elements: Vec<Value>,
    text: String,
    styles: Vec<&'static str>,
}

impl Line {
    fn is(&self, style: &str) -> bool {
        self.styles.contains(&style)
    }

    fn toggle(&mut self, style: &'static str) {
        match self.styles.iter().position(|open| *open == style) {
            Some(at) => {
                self.styles.remove(at);
            }
            None => self.styles.push(style),
        }
    }

    fn styled(&self, mut element: Map<String, Value>) -> Value {
        if !self.styles.is_empty() {
            let styles: Map<String, Value> = MARKS
                .iter()
                .filter(|(_, style)| self.is(style))
                .map(|(_, style)| ((*style).to_owned(), true.into()))
                .collect();
            element.insert("style".to_owned(), Value::Object(styles));
        }
        Value::Object(element)
    }

    fn flush(&mut self) {
        if !self.text.is_empty() {
            let mut element = Map::new();
            element.insert("type".to_owned(), "text".into());
            element.insert("text".to_owned(), unescape(&std::mem::take(&mut self.text)).into());
            let element = self.styled(element);
            self.elements.push(element);
        }
    }

    fn push(&mut self, element: Map<String, Value>) {
        self.flush();
        let element = self.styled(element);
        self.elements.push(element);
    }
}

fn object(value: Value) -> Map<String, Value> {
    match value {
        Value::Object(members) => members,
        _ => Map::new(),
    }
}

fn entity_element(entity: &Entity<'_>) -> Map<String, Value> {
    object(match entity {
        Entity::User(id) => json!({ "type": "user", "user_id": id }),
        Entity::Channel(id) => json!({ "type": "channel", "channel_id": id }),
        Entity::Usergroup(id) => {
            json!({ "type": "usergroup", "usergroup_id": id.split('|').next().unwrap_or_default() })
        }
        Entity::Broadcast(range) => json!({ "type": "broadcast", "range": range }),
        Entity::Command(command) => json!({ "type": "text", "text": format!("<!{command}>") }),
        Entity::Link(url, None) => json!({ "type": "link", "url": unescape(url) }),
        Entity::Link(url, Some(label)) => json!({ "type": "link", "url": unescape(url), "text": unescape(label) }),
    })
}

/// The name of an emoji when the text goes on with `name:`.
fn emoji(tail: &str) -> Option<&str> {
    let (name, _) = tail.split_once(':')?;
    let fits =
        |byte: u8| byte.is_ascii_lowercase() || byte.is_ascii_digit() || matches!(byte, b'_' | b'+' | b'-' | b'\'');
    let named = name.bytes().any(|byte| byte.is_ascii_lowercase()) || matches!(name, "+1" | "-1" | "100");
    (named && name.len() <= 100 && name.bytes().all(fits)).then_some(name)
}

/// Standard emoji that agents use most, with their code points.
const EMOJI: &[(&str, &str)] = &[
    ("+1", "1f44d"),
    ("-1", "1f44e"),
    ("100", "1f4af"),
    ("bell", "1f514"),
    ("bug", "1f41b"),
    ("bulb", "1f4a1"),
    ("calendar", "1f4c6"),
    ("clap", "1f44f"),
    ("eyes", "1f440"),
    ("fire", "1f525"),
    ("heart", "2764-fe0f"),
    ("heavy_check_mark", "2714-fe0f"),
    ("hourglass", "231b"),
    ("joy", "1f602"),
    ("link", "1f517"),
    ("lock", "1f512"),
    ("mag", "1f50d"),
    ("memo", "1f4dd"),
    ("no_entry", "26d4"),
    ("ok_hand", "1f44c"),
    ("package", "1f4e6"),
    ("partying_face", "1f973"),
    ("pray", "1f64f"),
    ("pushpin", "1f4cc"),
    ("question", "2753"),
    ("raised_hands", "1f64c"),
    ("red_circle", "1f534"),
    ("robot_face", "1f916"),
    ("rocket", "1f680"),
    ("rotating_light", "1f6a8"),
    ("slightly_smiling_face", "1f642"),
    ("smile", "1f604"),
    ("sob", "1f62d"),
    ("sparkles", "2728"),
    ("tada", "1f389"),
    ("thinking_face", "1f914"),
    ("thumbsdown", "1f44e"),
    ("thumbsup", "1f44d"),
    ("warning", "26a0-fe0f"),
    ("wave", "1f44b"),
    ("white_check_mark", "2705"),
    ("x", "274c"),
    ("zap", "26a1"),
];

fn emoji_element(name: &str) -> Map<String, Value> {
    let mut element = object(json!({ "type": "emoji", "name": name }));
    if let Some((_, unicode)) = EMOJI.iter().find(|(known, _)| *known == name) {
        element.insert("unicode".to_owned(), (*unicode).into());
    }
    element
}

/// Names of the standard emoji that are known here.
pub(crate) fn standard_emoji() -> impl Iterator<Item = &'static str> {
    EMOJI.iter().map(|(name, _)| *name)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn section(text: &str) -> Value {
        blocks(text, "x").remove(0)["elements"][0]["elements"].take()
    }

    #[test]
    fn text_mentions_links_and_emoji_become_elements() {
        assert_eq!(
            section("hi <@U1> in <#C1|general>: <https://a.b|a &amp; b> :wave:"),
            json!([
                { "type": "text", "text": "hi " },
                { "type": "user", "user_id": "U1" },
                { "type": "text", "text": " in " },
                { "type": "channel", "channel_id": "C1" },
                { "type": "text", "text": ": " },
                { "type": "link", "url": "https://a.b", "text": "a & b" },
                { "type": "text", "text": " " },
                { "type": "emoji", "name": "wave", "unicode": "1f44b" },
            ])
        );
    }

    #[test]
    fn marks_become_styles_and_lonely_marks_stay() {
        assert_eq!(
            section("*bold* a_b_c 2 * 3 `x*y*`"),
            json!([
                { "type": "text", "text": "bold", "style": { "bold": true } },
                { "type": "text", "text": " a_b_c 2 * 3 " },
                { "type": "text", "text": "x*y*", "style": { "code": true } },
            ])
        );
    }

    #[test]
    fn quotes_and_fences_are_parts_of_their_own() {
        let block = blocks("see\n&gt; said\n```\na &lt; b\n```", "x").remove(0);
        let kinds: Vec<_> = block["elements"].as_array().unwrap().iter().map(|part| part["type"].clone()).collect();
        assert_eq!(kinds, ["rich_text_section", "rich_text_quote", "rich_text_preformatted"]);
        assert_eq!(block["elements"][2]["elements"][0]["text"], "a < b");
    }
}
