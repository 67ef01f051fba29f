//! The search grammar: words, phrases and modifiers such as `in:`, `from:`, `has:` and `before:`.

use pome_twin_kit::Cx;
use pome_twin_kit::clock::Time;

use crate::Slack;
use crate::state::{Channel, Kind, Message, State};

/// One word or phrase.
#[derive(Debug, Clone, PartialEq, Eq)]
struct Term {
    /// In lower case.
    text: String,
    excluded: bool,
    /// `word*`
    prefix: bool,
}

/// One modifier with its value.
#[derive(Debug, Clone, PartialEq, Eq)]
struct Filter {
    kind: Key,
    value: String,
    excluded: bool,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Key {
    In,
    From,
    To,
    With,
    Has,
    HasMine,
    Is,
    Before,
    After,
    On,
    During,
    Creator,
    Type,
}

impl Key {
    fn parse(word: &str) -> Option<Self> {
        Some(match word {
            "in" => Self::In,
            "from" => Self::From,
            "to" => Self::To,
            "with" => Self::With,
            "has" => Self::Has,
            "hasmy" => Self::HasMine,
            "is" => Self::Is,
            "before" => Self::Before,
            "after" => Self::After,
            "on" => Self::On,
            "during" => Self::During,
            "creator" => Self::Creator,
            "type" => Self::Type,
            _ => return None,
        })
    }
}

/// A query, taken apart.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct Query {
    terms: Vec<Term>,
    filters: Vec<Filter>,
}

/// The words of a query; quotes hold words together, also after a modifier.
fn words(text: &str) -> Vec<String> {
    let mut out = Vec::new();
    let (mut word, mut quoted) = (String::new(), false);
    for character in text.chars() {
        match character {
            '"' | '“' | '”' => {
                quoted = !quoted;
                word.push('"');
            }
            ' ' | '\t' | '\n' if !quoted => {
                if !word.is_empty() {
                    out.push(std::mem::take(&mut word));
                }
            }
            other => word.push(other),
        }
    }
    if !word.is_empty() {
        out.push(word);
    }
    out
}

impl Query {
    pub(crate) fn parse(text: &str) -> Self {
        let mut query = Self::default();
        for word in words(text) {
            let (excluded, rest) = match word.strip_prefix('-').filter(|rest| !rest.is_empty()) {
                Some(rest) => (true, rest),
                None => (false, word.as_str()),
            };
            let modifier = rest.split_once(':').filter(|_| !rest.starts_with('"'));
            if let Some((key, value)) = modifier
                && let Some(kind) = Key::parse(&key.to_lowercase())
                && !value.is_empty()
            {
                let value = value.trim_matches('"').to_owned();
                query.filters.push(Filter { kind, value, excluded });
                continue;
            }
            let phrase = rest.trim_matches('"');
            let prefix = !rest.starts_with('"') && phrase.len() > 3 && phrase.ends_with('*');
            let text = if prefix { phrase.trim_end_matches('*') } else { phrase }.to_lowercase();
            if !text.is_empty() {
                query.terms.push(Term { text, excluded, prefix });
            }
        }
        query
    }

    /// The words that a result shows, for highlighting.
    pub(crate) fn shown_terms(&self) -> impl Iterator<Item = &str> {
        self.terms.iter().filter(|term| !term.excluded).map(|term| term.text.as_str())
    }

    /// Whether only words count, or nothing at all.
    fn words_fit(&self, text: &str) -> bool {
        let text = text.to_lowercase();
        self.terms.iter().all(|term| {
            let found = if term.prefix { starts_a_word(&text, &term.text) } else { text.contains(&term.text) };
            found != term.excluded
        })
    }

    /// How often the words occur: what results are ordered by.
    pub(crate) fn score(&self, text: &str) -> usize {
        let text = text.to_lowercase();
        self.shown_terms().map(|term| text.matches(term).count()).sum()
    }

    /// Whether a message answers the query.
    pub(crate) fn fits(&self, cx: &Cx<'_, Slack>, viewer: &str, channel: &Channel, message: &Message) -> bool {
        self.words_fit(&crate::text::unescape(&message.text))
            && self.filters.iter().all(|filter| holds(cx, viewer, channel, message, filter) != filter.excluded)
    }

    /// Whether a file answers the query; modifiers that only messages have never hold.
    pub(crate) fn fits_file(&self, cx: &Cx<'_, Slack>, viewer: &str, file: &crate::state::File) -> bool {
        let content =
            if crate::views::files::is_text(file) { String::from_utf8_lossy(&file.content) } else { "".into() };
        let words = self.words_fit(&format!("{} {} {content}", file.name, file.title));
        words
            && self.filters.iter().all(|filter| {
                let value = filter.value.as_str();
                let holds = match filter.kind {
                    Key::From | Key::Creator => is_user(cx.state, viewer, value, &file.user),
                    Key::In => file
                        .channels
                        .iter()
                        .filter_map(|id| cx.state.channels.get(id))
                        .any(|channel| is_channel(cx.state, viewer, value, channel)),
                    Key::Before | Key::After | Key::On | Key::During => {
                        in_span(filter.kind, value, file.created_at.seconds(), cx.now())
                    }
                    Key::Type => {
                        file.filetype == value
                            || crate::views::files::mimetype(&file.filetype).starts_with(value.trim_end_matches('s'))
                    }
                    _ => false,
                };
                holds != filter.excluded
            })
    }
}

fn starts_a_word(text: &str, start: &str) -> bool {
    text.match_indices(start).any(|(at, _)| {
        let before = text.get(..at).and_then(|before| before.chars().next_back());
        before.is_none_or(|before| !before.is_alphanumeric())
    })
}

/// `@alice`, `<@U1>`, `me`, an id or a name, against a user.
fn is_user(state: &State, viewer: &str, value: &str, user: &str) -> bool {
    let value = value.trim_start_matches('<').trim_end_matches('>').trim_start_matches('@');
    if value.eq_ignore_ascii_case("me") {
        return user == viewer;
    }
    if value == user {
        return true;
    }
    let lower = value.to_lowercase();
    state.users.get(&user.to_owned()).is_some_and(|user| {
        let display = user.profile_text("display_name").to_lowercase();
        user.name == lower || display == lower || user.real_name.to_lowercase() == lower
    })
}

/// `general`, `#general`, `<#C1|general>`, an id, or `@alice` for the direct conversation.
fn is_channel(state: &State, viewer: &str, value: &str, channel: &Channel) -> bool {
    let inner = value.trim_start_matches('<').trim_end_matches('>');
    if let Some(user) = inner.strip_prefix('@') {
        let other = channel.parties().find(|id| *id != viewer).unwrap_or(viewer);
        return channel.kind == Kind::Direct && is_user(state, viewer, user, other);
    }
    let inner = inner.trim_start_matches('#');
    let id = inner.split('|').next().unwrap_or_default();
    channel.id == id || (!channel.name.is_empty() && channel.name == id.to_lowercase())
}

fn holds(cx: &Cx<'_, Slack>, viewer: &str, channel: &Channel, message: &Message, filter: &Filter) -> bool {
    let state: &State = cx.state;
    let value = filter.value.as_str();
    match filter.kind {
        Key::In => is_channel(state, viewer, value, channel),
        Key::From | Key::Creator => {
            is_user(state, viewer, value, &message.user)
                || message
                    .username
                    .as_ref()
                    .is_some_and(|name| name.eq_ignore_ascii_case(value.trim_start_matches('@')))
        }
        Key::To => {
            channel.kind == Kind::Direct
                && is_user(
                    state,
                    viewer,
                    value,
                    channel.parties().find(|id| *id != message.user).unwrap_or(&message.user),
                )
        }
        Key::With => {
            let root = message.thread.unwrap_or(message.ts);
            let in_thread = state.message(&channel.id, root).into_iter().chain(state.replies(&channel.id, root));
            channel.parties().any(|id| is_user(state, viewer, value, id))
                || in_thread.into_iter().any(|other| is_user(state, viewer, value, &other.user))
        }
        Key::Has => has(state, message, value, None),
        Key::HasMine => has(state, message, value, Some(viewer)),
        Key::Is => match value.to_lowercase().as_str() {
            "thread" => message.thread.is_some() || state.replies(&channel.id, message.ts).next().is_some(),
            "dm" => channel.kind.is_direct(),
            "saved" => state.saved.contains(&(viewer.to_owned(), channel.id.clone(), message.ts.to_string())),
            "pinned" => state.pins.contains(&message.key()),
            _ => false,
        },
        Key::Before | Key::After | Key::On | Key::During => in_span(filter.kind, value, message.ts.seconds(), cx.now()),
        Key::Type => false,
    }
}

/// `has:pin`, `has:link`, `has:file`, `has:reaction`, `has::eyes:`
fn has(state: &State, message: &Message, value: &str, by: Option<&str>) -> bool {
    let reactions = state.reactions_of(&message.channel, message.ts);
    let counts = |users: &Vec<&str>| by.is_none_or(|by| users.contains(&by));
    match value.to_lowercase().as_str() {
        "pin" => state.pins.contains(&message.key()),
        "link" => message.text.contains("<http"),
        "file" | "image" | "snippet" => !message.files.is_empty(),
        "reaction" => reactions.iter().any(|(_, users)| counts(users)),
        "star" => {
            state.saved.keys().any(|(_, channel, item)| *channel == message.channel && *item == message.ts.to_string())
        }
        "thread" => state.replies(&message.channel, message.ts).next().is_some(),
        name => {
            let name = name.trim_matches(':');
            reactions.iter().any(|(known, users)| *known == name && counts(users))
        }
    }
}

const MONTHS: [&str; 12] = [
    "january",
    "february",
    "march",
    "april",
    "may",
    "june",
    "july",
    "august",
    "september",
    "october",
    "november",
    "december",
];

const DAY: u64 = 86_400;

/// First and last second of a day, month or year.
fn span(value: &str, now: Time) -> Option<(u64, u64)> {
    let value = value.trim().to_lowercase();
    let today = now.seconds() / DAY * DAY;
    let day = |start: u64| Some((start, start + DAY - 1));
    match value.as_str() {
        "today" => return day(today),
        "yesterday" => return day(today - DAY),
        "week" => return Some((today - 6 * DAY, today + DAY - 1)),
        _ => {}
    }
    let this_year: u64 = now.to_seconds().to_string().get(..4)?.parse().ok()?;
    let this_month: u64 = now.to_seconds().to_string().get(5..7)?.parse().ok()?;
    if value == "month" {
        return month(this_year, this_month);
    }
    if value == "year" {
        return Some((month(this_year, 1)?.0, month(this_year, 12)?.1));
    }
    let named =
        MONTHS.iter().zip(1..).find(|(name, _)| **name == value || (value.len() == 3 && name.starts_with(&value)));
    if let Some((_, number)) = named {
        // A month that has not come yet is last year's.
        let year = if number > this_month { this_year - 1 } else { this_year };
        return month(year, number);
    }
    if value.len() == 4 {
        let year = value.parse().ok()?;
        return Some((month(year, 1)?.0, month(year, 12)?.1));
    }
    if let Some((year, number)) = value.split_once('-').filter(|_| value.len() == 7) {
        return month(year.parse().ok()?, number.parse().ok()?);
    }
    day(Time::parse(&value.replace('/', "-"))?.seconds() / DAY * DAY)
}

fn month(year: u64, month: u64) -> Option<(u64, u64)> {
    let start = |year: u64, month: u64| Some(Time::parse(&format!("{year:04}-{month:02}-01"))?.seconds());
    let next = if month == 12 { start(year + 1, 1)? } else { start(year, month + 1)? };
    Some((start(year, month)?, next - 1))
}

fn in_span(key: Key, value: &str, at: u64, now: Time) -> bool {
    let Some((first, last)) = span(value, now) else { return false };
    match key {
        Key::Before => at < first,
        Key::After => at > last,
        _ => (first..=last).contains(&at),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const NOW: Time = Time(1_767_225_600_000);

    #[test]
    fn words_phrases_and_modifiers_are_told_apart() {
        let query = Query::parse(r#"deploy "went wrong" -noise rel* in:#ops from:@alice has::eyes: -in:random a:b"#);
        let shown: Vec<_> = query.shown_terms().collect();
        assert_eq!(shown, ["deploy", "went wrong", "rel", "a:b"]);
        let filters: Vec<_> =
            query.filters.iter().map(|filter| (filter.kind, filter.value.as_str(), filter.excluded)).collect();
        assert_eq!(
            filters,
            [
                (Key::In, "#ops", false),
                (Key::From, "@alice", false),
                (Key::Has, ":eyes:", false),
                (Key::In, "random", true)
            ]
        );
    }

    #[test]
    fn words_fit_as_parts_of_text_and_stars_only_where_words_begin() {
        assert!(Query::parse("ploy").words_fit("the Deployment"));
        assert!(!Query::parse("ploy*").words_fit("the Deployment"));
        assert!(Query::parse("depl*").words_fit("the Deployment"));
        assert!(!Query::parse("deploy -the").words_fit("the Deployment"));
    }

    #[test]
    fn spans_are_days_months_and_years() {
        let day = |text: &str| Time::parse(text).unwrap().seconds();
        assert_eq!(span("2026-01-05", NOW), Some((day("2026-01-05"), day("2026-01-06") - 1)));
        assert_eq!(span("december", NOW), Some((day("2025-12-01"), day("2026-01-01") - 1)));
        assert_eq!(span("jan", NOW), Some((day("2026-01-01"), day("2026-02-01") - 1)));
        assert_eq!(span("2025", NOW), Some((day("2025-01-01"), day("2026-01-01") - 1)));
        assert_eq!(span("yesterday", NOW), Some((day("2025-12-31"), day("2026-01-01") - 1)));
        assert_eq!(span("soon", NOW), None);
    }
}
