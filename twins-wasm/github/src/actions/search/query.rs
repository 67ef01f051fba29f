//! The search language: words, quoted phrases, qualifiers, negation and `OR`.

use pome_twin_kit::clock::Time;

/// One condition of a query.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Term {
    /// `None` is free text.
    pub(crate) qualifier: Option<String>,
    /// In lower case.
    pub(crate) value: String,
    /// Written with a minus sign.
    pub(crate) negated: bool,
}

/// What was searched for: every group must hold, of a group one term is enough.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct Query {
    pub(crate) groups: Vec<Vec<Term>>,
}

impl Query {
    /// Reads a query. Several `repo:`, `user:` or `org:` widen the search to all of them; everything else narrows it.
    pub(crate) fn parse(text: &str) -> Self {
        let mut groups: Vec<Vec<Term>> = Vec::new();
        let mut places: Vec<Term> = Vec::new();
        let mut or = false;
        for word in words(text) {
            match word.as_str() {
                "OR" => {
                    or = true;
                    continue;
                }
                "AND" => continue,
                _ => {}
            }
            let term = term(&word);
            if term.value.is_empty() {
                continue;
            }
            let place = matches!(term.qualifier.as_deref(), Some("repo" | "user" | "org"));
            match groups.last_mut() {
                Some(group) if or => group.push(term),
                _ if place && !term.negated => places.push(term),
                _ => groups.push(vec![term]),
            }
            or = false;
        }
        if !places.is_empty() {
            groups.push(places);
        }
        Self { groups }
    }

    pub(crate) fn holds(&self, mut term_holds: impl FnMut(&Term) -> bool) -> bool {
        self.groups.iter().all(|group| group.iter().any(|term| term_holds(term) != term.negated))
    }

    /// Free text that whatever is found has to hold, in lower case.
    pub(crate) fn required_words(&self) -> impl Iterator<Item = &str> {
        let alone =
            self.groups.iter().filter_map(|group| if let [term] = group.as_slice() { Some(term) } else { None });
        alone.filter(|term| !term.negated && term.qualifier.is_none()).map(|term| term.value.as_str())
    }

    pub(crate) fn terms(&self) -> impl Iterator<Item = &Term> {
        self.groups.iter().flatten()
    }
}

/// Splits at spaces outside of quotes. Quotes stay, so that a quoted word is told from a qualifier; parentheses only group.
fn words(text: &str) -> Vec<String> {
    let mut words = Vec::new();
    let (mut word, mut quoted) = (String::new(), false);
    for letter in text.chars() {
        match letter {
            '"' => {
                quoted = !quoted;
                word.push(letter);
            }
            ' ' | '\t' | '\n' | '(' | ')' if !quoted => {
                if !word.is_empty() {
                    words.push(std::mem::take(&mut word));
                }
            }
            other => word.push(other),
        }
    }
    if !word.is_empty() {
        words.push(word);
    }
    words
}

fn term(word: &str) -> Term {
    let (negated, word) = match word.strip_prefix('-') {
        Some(rest) if !rest.is_empty() => (true, rest),
        _ => (false, word),
    };
    let negated_word = |qualifier: Option<&str>, value: &str| Term {
        qualifier: qualifier.map(str::to_lowercase),
        value: value.replace('"', "").to_lowercase(),
        negated,
    };
    match word.split_once(':') {
        Some((name, value))
            if !name.is_empty() && name.bytes().all(|byte| byte.is_ascii_alphabetic() || byte == b'-') =>
        {
            negated_word(Some(name), value)
        }
        _ => negated_word(None, word),
    }
}

/// `>5`, `>=5`, `<5`, `<=5`, `1..5`, `1..*`, `*..5` or one value.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Range {
    from: u64,
    to: u64,
}

impl Range {
    pub(crate) const fn holds(self, value: u64) -> bool {
        self.from <= value && value <= self.to
    }

    /// A range of counts.
    pub(crate) fn of_numbers(text: &str) -> Option<Self> {
        Self::read(text, |text| text.parse().ok().map(|number: u64| (number, number)))
    }

    /// A range of times in milliseconds; a day is all of it.
    pub(crate) fn of_times(text: &str) -> Option<Self> {
        Self::read(text, |text| {
            let Time(start) = Time::parse(&text.to_uppercase())?;
            Some((start, start + if text.len() <= 10 { 86_399_999 } else { 999 }))
        })
    }

    /// `read` gives the first and the last value that a text stands for.
    fn read(text: &str, read: impl Fn(&str) -> Option<(u64, u64)>) -> Option<Self> {
        if let Some((from, to)) = text.split_once("..") {
            let from = if from == "*" { 0 } else { read(from)?.0 };
            let to = if to == "*" { u64::MAX } else { read(to)?.1 };
            return Some(Self { from, to });
        }
        for (sign, below, inclusive) in
            [(">=", false, true), ("<=", true, true), (">", false, false), ("<", true, false)]
        {
            let Some(rest) = text.strip_prefix(sign) else { continue };
            let (first, last) = read(rest)?;
            return Some(match (below, inclusive) {
                (false, true) => Self { from: first, to: u64::MAX },
                (false, false) => Self { from: last.saturating_add(1), to: u64::MAX },
                (true, true) => Self { from: 0, to: last },
                // Nothing is below the first of all values.
                (true, false) => first.checked_sub(1).map_or(Self { from: 1, to: 0 }, |to| Self { from: 0, to }),
            });
        }
        let (from, to) = read(text)?;
        Some(Self { from, to })
    }
}

/// Whether a text holds a word (or phrase) as a whole: nothing that belongs to a word stands right before or after it. Case
/// does not matter. Hyphens and underscores both join and separate, so `sign-in` is found by `sign-in`, `sign` and `in`.
pub(crate) fn has_word(text: &str, wanted: &str) -> bool {
    let (text, wanted) = (text.as_bytes(), wanted.as_bytes());
    let Some((&first, _)) = wanted.split_first() else { return true };
    let belongs = |byte: Option<&u8>| byte.is_some_and(|byte| byte.is_ascii_alphanumeric() || *byte >= 0x80);
    let mut at = 0;
    let (lower, upper) = (first.to_ascii_lowercase(), first.to_ascii_uppercase());
    while let Some(found) = text.get(at..).and_then(|rest| memchr::memchr2(lower, upper, rest)) {
        let start = at + found;
        let end = start + wanted.len();
        let Some(part) = text.get(start..end) else { return false };
        let before = start.checked_sub(1).and_then(|before| text.get(before));
        // Only where the wanted text itself begins or ends with a letter does its neighbour matter.
        let open = !belongs(Some(&first)) || !belongs(before);
        let close = !belongs(wanted.last()) || !belongs(text.get(end));
        if open && close && part.eq_ignore_ascii_case(wanted) {
            return true;
        }
        at = start + 1;
    }
    false
}

/// Whether a text holds another, whatever the case. `wanted` is in lower case.
pub(crate) fn has_text(text: &str, wanted: &str) -> bool {
    let (text, wanted) = (text.as_bytes(), wanted.as_bytes());
    wanted.is_empty() || text.windows(wanted.len()).any(|part| part.eq_ignore_ascii_case(wanted))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn queries_split_into_terms() {
        let query = Query::parse("-label:\"help wanted\" Crash repo:a/b OR is:pr repo:c/d");
        let shown: Vec<Vec<String>> = query
            .groups
            .iter()
            .map(|group| {
                group
                    .iter()
                    .map(|term| {
                        let sign = if term.negated { "-" } else { "" };
                        format!("{sign}{}={}", term.qualifier.as_deref().unwrap_or("text"), term.value)
                    })
                    .collect()
            })
            .collect();
        assert_eq!(
            shown,
            [vec!["-label=help wanted"], vec!["text=crash", "is=pr"], vec!["repo=a/b", "repo=c/d"]]
                .map(|group| group.into_iter().map(str::to_owned).collect::<Vec<_>>())
        );
    }

    #[test]
    fn words_are_found_whole() {
        assert!(has_word("The Sign-In fails", "sign-in"));
        assert!(has_word("The Sign-In fails", "in"));
        assert!(has_word("a_b c", "b c"));
        assert!(!has_word("signing", "sign"));
        assert!(!has_word("design", "sign"));
        assert!(has_word("redesign sign", "sign"));
    }

    #[test]
    fn ranges_cover_their_ends_as_written() {
        let holds = |text: &str| -> Vec<u64> {
            let range = Range::of_numbers(text).unwrap();
            (0..5).filter(|number| range.holds(*number)).collect()
        };
        assert_eq!(holds(">2"), [3, 4]);
        assert_eq!(holds(">=2"), [2, 3, 4]);
        assert_eq!(holds("<1"), [0]);
        assert_eq!(holds("<0"), Vec::<u64>::new());
        assert_eq!(holds("1..2"), [1, 2]);
        assert_eq!(holds("*..1"), [0, 1]);
        let day = Range::of_times(">2025-01-02").unwrap();
        assert!(!day.holds(Time::parse("2025-01-02T23:00:00Z").unwrap().0));
        assert!(day.holds(Time::parse("2025-01-03").unwrap().0));
    }
}
