//! Message text as it is stored: `&`, `<` and `>` escaped, mentions and links in angle brackets.

use crate::state::{Kind, State};

/// The most characters a message may have.
pub(crate) const MOST: usize = 40_000;

/// What stands between angle brackets.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Entity<'a> {
    User(&'a str),
    Channel(&'a str),
    Usergroup(&'a str),
    /// `here`, `channel`, `everyone`
    Broadcast(&'a str),
    /// `date^...` and other commands, as they are.
    Command(&'a str),
    Link(&'a str, Option<&'a str>),
}

/// Reads the inside of `<...>`; `None` when it is just text.
pub(crate) fn entity(inner: &str) -> Option<Entity<'_>> {
    let (target, label) = inner.split_once('|').map_or((inner, None), |(target, label)| (target, Some(label)));
    let id = |rest: &str| !rest.is_empty() && rest.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'_');
    if let Some(rest) = target.strip_prefix('@').filter(|rest| id(rest)) {
        return Some(Entity::User(rest));
    }
    if let Some(rest) = target.strip_prefix('#').filter(|rest| id(rest)) {
        return Some(Entity::Channel(rest));
    }
    if let Some(rest) = target.strip_prefix('!') {
        return Some(match rest {
            "here" | "channel" | "everyone" => Entity::Broadcast(rest),
            _ => match rest.strip_prefix("subteam^") {
                Some(group) => Entity::Usergroup(group),
                None if rest.is_empty() => return None,
                None => Entity::Command(rest),
            },
        });
    }
    is_address(target).then_some(Entity::Link(target, label))
}

fn is_address(text: &str) -> bool {
    let schemed = ["http://", "https://", "mailto:", "tel:", "slack://", "ftp://"]
        .iter()
        .any(|scheme| text.get(..scheme.len()).is_some_and(|start| start.eq_ignore_ascii_case(scheme)));
    schemed && !text.contains(char::is_whitespace)
}

/// How far text is read on the way in.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(crate) struct Reading {
    /// `@alice` and `#general` become mentions.
    pub(crate) link_names: bool,
    /// `parse=none`: addresses stay text.
    pub(crate) plain: bool,
}

/// Text as it is stored. What is escaped or in brackets already stays.
pub(crate) fn store(state: &State, text: &str, reading: Reading) -> String {
    let mut out = String::with_capacity(text.len() + 16);
    let mut rest = text;
    while let Some(character) = rest.chars().next() {
        if character == '<'
            && let Some((inner, after)) = rest.get(1..).and_then(|tail| tail.split_once('>'))
            && !inner.contains(['<', '\n'])
            && entity(inner).is_some()
        {
            out.push('<');
            out.push_str(&labelled(state, inner));
            out.push('>');
            rest = after;
            continue;
        }
        let fresh = !out.ends_with(|before: char| before.is_alphanumeric() || matches!(before, '/' | '_' | '<' | '|'));
        if fresh && !reading.plain && (rest.starts_with("http://") || rest.starts_with("https://")) {
            let address = address_at(rest);
            out.push('<');
            out.push_str(&escape(address));
            out.push('>');
            rest = rest.get(address.len()..).unwrap_or_default();
            continue;
        }
        if fresh
            && reading.link_names
            && matches!(character, '@' | '#')
            && let Some((mention, length)) = mention(state, rest)
        {
            out.push_str(&mention);
            rest = rest.get(length..).unwrap_or_default();
            continue;
        }
        match character {
            '&' if ["&amp;", "&lt;", "&gt;"].iter().any(|known| rest.starts_with(known)) => out.push('&'),
            '&' => out.push_str("&amp;"),
            '<' => out.push_str("&lt;"),
            '>' => out.push_str("&gt;"),
            other => out.push(other),
        }
        rest = rest.get(character.len_utf8()..).unwrap_or_default();
    }
    out
}

/// A channel mention carries the channel's name.
fn labelled(state: &State, inner: &str) -> String {
    let Some(Entity::Channel(id)) = entity(inner) else { return inner.to_owned() };
    if inner.contains('|') {
        return inner.to_owned();
    }
    match state.channels.get(&id.to_owned()).filter(|channel| channel.kind == Kind::Public) {
        Some(channel) => format!("#{id}|{}", channel.name),
        None => inner.to_owned(),
    }
}

/// The address at the beginning of a text, without the punctuation that ends a sentence.
fn address_at(text: &str) -> &str {
    let end =
        text.find(|c: char| c.is_whitespace() || matches!(c, '<' | '>' | '|' | '"' | '`' | '*')).unwrap_or(text.len());
    let address = text.get(..end).unwrap_or(text);
    let trimmed = address.trim_end_matches(['.', ',', ';', ':', '!', '?', '\'']);
    if trimmed.ends_with(')') && !trimmed.contains('(') { trimmed.trim_end_matches(')') } else { trimmed }
}

/// `@alice` or `#general` at the beginning of a text, as a mention, and how long it was.
fn mention(state: &State, text: &str) -> Option<(String, usize)> {
    let sign = text.get(..1)?;
    let tail = text.get(1..)?;
    let end = tail.find(|c: char| !(c.is_ascii_alphanumeric() || matches!(c, '_' | '-' | '.'))).unwrap_or(tail.len());
    let name = tail.get(..end)?.trim_end_matches('.');
    if name.is_empty() {
        return None;
    }
    let length = name.len() + 1;
    if sign == "#" {
        let channel = state.channels.values().find(|channel| channel.kind == Kind::Public && channel.name == name)?;
        return Some((format!("<#{}|{}>", channel.id, channel.name), length));
    }
    if matches!(name, "here" | "channel" | "everyone") {
        return Some((format!("<!{name}>"), length));
    }
    if let Some(user) = state.users.values().find(|user| user.name == name) {
        return Some((format!("<@{}>", user.id), length));
    }
    let group = state.usergroups.values().find(|group| group.handle == name && group.disabled_at.is_none())?;
    Some((format!("<!subteam^{}|@{}>", group.id, group.handle), length))
}

pub(crate) fn escape(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    let mut rest = text;
    while let Some(character) = rest.chars().next() {
        match character {
            '&' if ["&amp;", "&lt;", "&gt;"].iter().any(|known| rest.starts_with(known)) => out.push('&'),
            '&' => out.push_str("&amp;"),
            '<' => out.push_str("&lt;"),
            '>' => out.push_str("&gt;"),
            other => out.push(other),
        }
        rest = rest.get(character.len_utf8()..).unwrap_or_default();
    }
    out
}

pub(crate) fn unescape(text: &str) -> String {
    text.replace("&lt;", "<").replace("&gt;", ">").replace("&amp;", "&")
}

/// What the text of blocks says, for a message that has no text of its own: what notifications and search go by.
pub(crate) fn of_blocks(blocks: &[serde_json::Value]) -> String {
    let mut parts = Vec::new();
    for block in blocks {
        collect(block, &mut parts);
    }
    parts.join(" ")
}

fn collect(value: &serde_json::Value, parts: &mut Vec<String>) {
    use serde_json::Value;
    match value {
        Value::Array(items) => items.iter().for_each(|item| collect(item, parts)),
        Value::Object(members) => {
            let text = |name: &str| members.get(name).and_then(Value::as_str);
            match text("type") {
                Some("user") => parts.extend(text("user_id").map(|id| format!("<@{id}>"))),
                Some("channel") => parts.extend(text("channel_id").map(|id| format!("<#{id}>"))),
                Some("broadcast") => parts.extend(text("range").map(|range| format!("<!{range}>"))),
                Some("emoji") => parts.extend(text("name").map(|name| format!(":{name}:"))),
                Some("link") => parts.extend(text("url").map(|url| match text("text") {
                    Some(label) => format!("<{url}|{}>", escape(label)),
                    None => format!("<{url}>"),
                })),
                Some("image") => parts.extend(text("alt_text").map(escape)),
                // Buttons and menus are no part of what a message says.
                Some("actions") => {}
                Some("mrkdwn") => parts.extend(text("text").map(str::to_owned)),
                _ => {
                    if let Some(said) = text("text") {
                        parts.push(escape(said));
                    }
                    for key in ["text", "fields", "elements", "title"] {
                        if let Some(nested @ (Value::Array(_) | Value::Object(_))) = members.get(key) {
                            collect(nested, parts);
                        }
                    }
                }
            }
        }
        _ => {}
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn stored(text: &str) -> String {
        store(&State::default(), text, Reading::default())
    }

    #[test]
    fn special_letters_are_escaped_once() {
        assert_eq!(stored("a & b < c > d"), "a &amp; b &lt; c &gt; d");
        assert_eq!(stored("a &amp; b &lt; c"), "a &amp; b &lt; c");
    }

    #[test]
    fn mentions_and_links_stay_and_bare_addresses_become_links() {
        for kept in ["<@U1>", "<#C1|general>", "<!here>", "<https://a.b/c|label>", "<mailto:a@b.c|a@b.c>"] {
            assert_eq!(stored(kept), kept);
        }
        assert_eq!(stored("see https://a.b/c?d=1&e=2, ok"), "see <https://a.b/c?d=1&amp;e=2>, ok");
        assert_eq!(stored("(https://a.b/c)."), "(<https://a.b/c>).");
        assert_eq!(stored("<b>"), "&lt;b&gt;");
    }
}
