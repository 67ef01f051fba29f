//! What never reaches disk: one function for every file, upload, log line and prompt.
//!
//! Two rules: the whole value under a secret-looking key is replaced, and secret-looking stretches of any other string are.
//! Both end in [`MARK`]. Everything here is linear in the input: the scanners are written by hand and never go back.
//!
//! Most material holds no secret, so each door first asks a filter that looks at the few bytes a secret cannot do without and
//! hands the input back untouched when it finds none. The filter may be wrong in one direction only: it may ask for a closer look.

use std::borrow::Cow;

use memchr::memmem::Finder;
use serde_json::Value;

/// What stands where a secret stood.
pub const MARK: &str = "[REDACTED]";

/// Version of the rules below. Recorded runs stay comparable as long as it does not change.
pub const RULES: u32 = 1;

/// Keys whose value is replaced whatever it is, compared without case.
pub const KEYS: [&str; 14] = [
    "authorization",
    "x-api-key",
    "cookie",
    "api_key",
    "client_secret",
    "webhook_secret",
    "password",
    "secret",
    "token",
    "access_token",
    "refresh_token",
    "session_token",
    "agent_token",
    "anthropic_api_key",
];

/// Longest entry of [`KEYS`].
const LONGEST_KEY: usize = 17;

/// Shortest literal that a [`Redactor`] takes: shorter ones would tear holes into ordinary text.
pub const SHORTEST_LITERAL: usize = 8;

/// A replacement may give the text behind it a word boundary it did not have, so the rules run again until nothing changes.
const PASSES: usize = 4;

/// Redacts one text with the general rules.
pub fn text(input: &str) -> Cow<'_, str> {
    match scrub(input) {
        Some(changed) => Cow::Owned(changed),
        None => Cow::Borrowed(input),
    }
}

/// Redacts a JSON tree in place with the general rules.
pub fn value(input: &mut Value) {
    Redactor::default().value(input);
}

/// Redacts a JSON text with the general rules. Untouched parts keep their bytes; what is not JSON is treated as plain text.
pub fn json_bytes(input: &[u8]) -> Cow<'_, [u8]> {
    rewrite(input, is_suspicious_json(input), &|text| scrub(text))
}

/// Whether the whole value under this key is replaced.
pub fn is_secret_key(key: &str) -> bool {
    key.len() <= LONGEST_KEY && KEYS.iter().any(|secret| secret.eq_ignore_ascii_case(key))
}

/// The general rules and the literal secrets of one run: its session token, the account's key, the keys given to the agent.
#[derive(Debug, Clone, Default)]
pub struct Redactor {
    literals: Vec<Literal>,
}

#[derive(Debug, Clone)]
struct Literal {
    text: String,
    plain: Finder<'static>,
    /// The literal as it looks inside a JSON string, where that differs.
    escaped: Option<Finder<'static>>,
}

impl Redactor {
    /// Literals shorter than [`SHORTEST_LITERAL`] are left out.
    pub fn new<S: Into<String>>(secrets: impl IntoIterator<Item = S>) -> Self {
        let mut texts: Vec<String> =
            secrets.into_iter().map(Into::into).filter(|text| text.len() >= SHORTEST_LITERAL).collect();
        // The longest first, so that a literal inside another one does not leave the rest of it behind.
        texts.sort_by(|a, b| b.len().cmp(&a.len()).then_with(|| a.cmp(b)));
        texts.dedup();
        Self { literals: texts.into_iter().map(Literal::new).collect() }
    }

    /// Redacts one text.
    pub fn text<'a>(&self, input: &'a str) -> Cow<'a, str> {
        match self.scrub(input) {
            Some(changed) => Cow::Owned(changed),
            None => Cow::Borrowed(input),
        }
    }

    /// Redacts a JSON tree in place.
    pub fn value(&self, input: &mut Value) {
        match input {
            Value::String(text) => {
                if let Some(changed) = self.scrub(text) {
                    *text = changed;
                }
            }
            Value::Array(items) => items.iter_mut().for_each(|item| self.value(item)),
            Value::Object(members) => {
                for (key, member) in members.iter_mut() {
                    if is_secret_key(key) {
                        *member = Value::String(MARK.to_owned());
                    } else {
                        self.value(member);
                    }
                }
            }
            Value::Null | Value::Bool(_) | Value::Number(_) => {}
        }
    }

    /// Redacts a JSON text. Untouched parts keep their bytes; what is not JSON is treated as plain text.
    pub fn json_bytes<'a>(&self, input: &'a [u8]) -> Cow<'a, [u8]> {
        let suspicious = is_suspicious_json(input) || self.literals.iter().any(|literal| literal.is_in_json(input));
        rewrite(input, suspicious, &|text| self.scrub(text))
    }

    /// Redacts the value of a header or of any other named text.
    pub fn named<'a>(&self, name: &str, value: &'a str) -> Cow<'a, str> {
        if is_secret_key(name) { Cow::Borrowed(MARK) } else { self.text(value) }
    }

    fn scrub(&self, input: &str) -> Option<String> {
        let mut current: Option<String> = None;
        for literal in &self.literals {
            let text = current.as_deref().unwrap_or(input);
            if literal.plain.find(text.as_bytes()).is_some() {
                current = Some(text.replace(&literal.text, MARK));
            }
        }
        let scrubbed = scrub(current.as_deref().unwrap_or(input));
        scrubbed.or(current)
    }
}

impl Literal {
    fn new(text: String) -> Self {
        let quoted = Value::String(text.clone()).to_string();
        let inner = quoted.get(1..quoted.len() - 1).unwrap_or_default();
        let escaped = (inner != text).then(|| Finder::new(inner.as_bytes()).into_owned());
        Self { plain: Finder::new(text.as_bytes()).into_owned(), escaped, text }
    }

    fn is_in_json(&self, json: &[u8]) -> bool {
        self.plain.find(json).is_some() || self.escaped.as_ref().is_some_and(|finder| finder.find(json).is_some())
    }
}

// ---- the rules ----

/// A head followed by a run of characters.
struct Rule {
    heads: &'static [&'static str],
    /// The head must not follow a word character.
    boundary: bool,
    class: fn(u8) -> bool,
    min: usize,
    /// Take exactly `min` characters, not the whole run.
    exact: bool,
}

/// In the order in which they are applied.
const RULE_TABLE: [Rule; 14] = [
    Rule { heads: &["redaction_fixture_secret_"], boundary: false, class: is_word_dash, min: 8, exact: false },
    Rule { heads: &["sk-"], boundary: true, class: is_word_dash, min: 20, exact: false },
    Rule {
        heads: &["sk_test_", "sk_live_", "rk_test_", "rk_live_"],
        boundary: true,
        class: is_word,
        min: 4,
        exact: false,
    },
    Rule { heads: &["ghp_"], boundary: false, class: is_alnum, min: 36, exact: true },
    Rule { heads: &["github_pat_"], boundary: false, class: is_word, min: 20, exact: false },
    Rule {
        heads: &["xoxa-", "xoxb-", "xoxo-", "xoxp-", "xoxr-", "xoxs-"],
        boundary: false,
        class: is_alnum_dash,
        min: 20,
        exact: false,
    },
    Rule { heads: &["xapp-"], boundary: false, class: is_alnum_dash, min: 10, exact: false },
    Rule { heads: &["pme_", "pk_", "rk_"], boundary: false, class: is_word_dash, min: 20, exact: false },
    Rule { heads: &["AIza"], boundary: false, class: is_word_dash, min: 20, exact: false },
    Rule { heads: &["AKIA"], boundary: false, class: is_upper_digit, min: 16, exact: true },
    // Ours, beside the common set.
    Rule { heads: &["gho_", "ghp_", "ghs_", "ghu_", "ghr_"], boundary: false, class: is_alnum, min: 36, exact: false },
    Rule { heads: &["ghp_pome_"], boundary: false, class: is_word_dash, min: 22, exact: false },
    Rule { heads: &["lin_api_", "lin_pome_"], boundary: false, class: is_word_dash, min: 20, exact: false },
    Rule { heads: &["whsec_"], boundary: false, class: is_alnum, min: 16, exact: false },
];

const BEARER: &[u8] = b"Bearer";
const BEARER_MIN: usize = 16;
const JWT: &[u8] = b"eyJ";
const PEM_BEGIN: &[u8] = b"-----BEGIN ";
const PEM_END: &[u8] = b"-----END ";
const PEM_DASHES: &[u8] = b"-----";

fn is_alnum(byte: u8) -> bool {
    byte.is_ascii_alphanumeric()
}
fn is_word(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || byte == b'_'
}
fn is_word_dash(byte: u8) -> bool {
    is_word(byte) || byte == b'-'
}
fn is_alnum_dash(byte: u8) -> bool {
    is_alnum(byte) || byte == b'-'
}
fn is_upper_digit(byte: u8) -> bool {
    byte.is_ascii_uppercase() || byte.is_ascii_digit()
}
fn is_pem_label(byte: u8) -> bool {
    byte.is_ascii_uppercase() || byte == b' '
}

fn tail(bytes: &[u8], from: usize) -> &[u8] {
    bytes.get(from..).unwrap_or_default()
}

/// Length of the run of `class` at `from`, at most `most`.
fn run(bytes: &[u8], from: usize, class: fn(u8) -> bool, most: usize) -> usize {
    tail(bytes, from).iter().take(most).take_while(|byte| class(**byte)).count()
}

fn scrub(input: &str) -> Option<String> {
    if !is_suspicious(input.as_bytes()) {
        return None;
    }
    let mut current: Option<String> = None;
    for _ in 0..PASSES {
        match pass(current.as_deref().unwrap_or(input)) {
            Some(changed) => current = Some(changed),
            None => break,
        }
    }
    current
}

/// All rules once, in order.
fn pass(input: &str) -> Option<String> {
    let mut current: Option<String> = None;
    let mut step = |scan: &dyn Fn(&str) -> Option<String>| {
        if let Some(changed) = scan(current.as_deref().unwrap_or(input)) {
            current = Some(changed);
        }
    };
    for rule in &RULE_TABLE {
        step(&|text| {
            let present = rule.heads.iter().any(|head| text.contains(head));
            present.then(|| replace(text, |bytes, at| rule.matched(bytes, at))).flatten()
        });
    }
    step(&|text| if_present(text, BEARER, bearer));
    step(&|text| if_present(text, JWT, jwt));
    step(&pem_blocks);
    step(&|text| if_present(text, PEM_BEGIN, |bytes, at| pem_line(bytes, at, PEM_BEGIN).map_or(Step::Next, Step::Hit)));
    current
}

fn if_present(text: &str, head: &[u8], scan: impl Fn(&[u8], usize) -> Step) -> Option<String> {
    memchr::memmem::find(text.as_bytes(), head)?;
    replace(text, scan)
}

/// What a scanner says about one position.
enum Step {
    /// A secret from here up to that position.
    Hit(usize),
    /// No secret starts before that position.
    Skip(usize),
    /// No secret starts here.
    Next,
}

/// Puts [`MARK`] where the scanner sees secrets. Hits begin and end at ASCII characters, so the slices are whole characters.
fn replace(input: &str, scan: impl Fn(&[u8], usize) -> Step) -> Option<String> {
    let bytes = input.as_bytes();
    let mut out = String::new();
    let mut copied = 0;
    let mut at = 0;
    while at < bytes.len() {
        match scan(bytes, at) {
            Step::Hit(end) => {
                out.push_str(input.get(copied..at).unwrap_or_default());
                out.push_str(MARK);
                copied = end;
                at = end;
            }
            Step::Skip(next) => at = next.max(at + 1),
            Step::Next => at += 1,
        }
    }
    if copied == 0 {
        return None;
    }
    out.push_str(input.get(copied..).unwrap_or_default());
    Some(out)
}

impl Rule {
    fn matched(&self, bytes: &[u8], at: usize) -> Step {
        let here = tail(bytes, at);
        let Some(head) = self.heads.iter().find(|head| here.starts_with(head.as_bytes())) else {
            return Step::Next;
        };
        if self.boundary && at.checked_sub(1).and_then(|before| bytes.get(before)).is_some_and(|byte| is_word(*byte)) {
            return Step::Next;
        }
        let start = at + head.len();
        let most = if self.exact { self.min } else { usize::MAX };
        let length = run(bytes, start, self.class, most);
        if length >= self.min { Step::Hit(start + length) } else { Step::Next }
    }
}

/// `Bearer`, white space, a long word that is not already a mark.
fn bearer(bytes: &[u8], at: usize) -> Step {
    if !tail(bytes, at).starts_with(BEARER) {
        return Step::Next;
    }
    let space = at + BEARER.len();
    let word = space + run(bytes, space, |byte| byte.is_ascii_whitespace(), usize::MAX);
    if word == space || tail(bytes, word).starts_with(MARK.as_bytes()) {
        return Step::Skip(word);
    }
    let length = run(bytes, word, |byte| !byte.is_ascii_whitespace(), usize::MAX);
    // Whole characters: the run ends at white space or at the end of the text.
    if length >= BEARER_MIN { Step::Hit(word + length) } else { Step::Skip(word) }
}

/// `eyJ` and three parts with dots between, the last of which may be empty.
fn jwt(bytes: &[u8], at: usize) -> Step {
    if !tail(bytes, at).starts_with(JWT) {
        return Step::Next;
    }
    let first = at + JWT.len();
    let first_end = first + run(bytes, first, is_word_dash, usize::MAX);
    if first_end == first {
        return Step::Next;
    }
    // Inside a run without a dot behind it no other token can start.
    if bytes.get(first_end) != Some(&b'.') {
        return Step::Skip(first_end);
    }
    let second = first_end + 1;
    let second_end = second + run(bytes, second, is_word_dash, usize::MAX);
    if second_end == second || bytes.get(second_end) != Some(&b'.') {
        return Step::Skip(second_end);
    }
    let third = second_end + 1;
    Step::Hit(third + run(bytes, third, is_word_dash, usize::MAX))
}

/// The end of `-----BEGIN LABEL-----` (or `END`) that starts here.
fn pem_line(bytes: &[u8], at: usize, head: &[u8]) -> Option<usize> {
    if !tail(bytes, at).starts_with(head) {
        return None;
    }
    let label = at + head.len();
    let end = label + run(bytes, label, is_pem_label, usize::MAX);
    (end > label && tail(bytes, end).starts_with(PEM_DASHES)).then_some(end + PEM_DASHES.len())
}

/// Every complete block, from its first line to the first well-formed last line behind it.
fn pem_blocks(input: &str) -> Option<String> {
    let bytes = input.as_bytes();
    memchr::memmem::find(bytes, PEM_BEGIN)?;
    let ends: Vec<(usize, usize)> = memchr::memmem::find_iter(bytes, PEM_END)
        .filter_map(|at| pem_line(bytes, at, PEM_END).map(|end| (at, end)))
        .collect();
    replace(input, |bytes, at| {
        let Some(body) = pem_line(bytes, at, PEM_BEGIN) else {
            return Step::Next;
        };
        let next = ends.partition_point(|(start, _)| *start < body);
        ends.get(next).map_or(Step::Next, |(_, end)| Step::Hit(*end))
    })
}

// ---- the filter ----

/// Bytes that some secret cannot do without.
const fn is_anchor(byte: u8) -> bool {
    matches!(byte, b'_' | b'-' | b'J' | b'A' | b'B')
}

/// The same for JSON text: also keys and escapes.
const fn is_json_anchor(byte: u8) -> bool {
    is_anchor(byte) || matches!(byte, b':' | b'\\')
}

fn is_suspicious(bytes: &[u8]) -> bool {
    bytes.iter().enumerate().any(|(at, byte)| is_anchor(*byte) && is_candidate(bytes, at, *byte))
}

fn is_suspicious_json(bytes: &[u8]) -> bool {
    bytes.iter().enumerate().any(|(at, byte)| {
        is_json_anchor(*byte)
            && match byte {
                b':' => ends_secret_key(bytes.get(..at).unwrap_or_default()),
                // A character may be spelled in a way that hides a secret from the filter.
                b'\\' => bytes.get(at + 1) == Some(&b'u'),
                _ => is_candidate(bytes, at, *byte),
            }
    })
}

/// Whether the anchor at `at` may belong to a secret.
fn is_candidate(bytes: &[u8], at: usize, byte: u8) -> bool {
    let before = bytes.get(..at).unwrap_or_default();
    let behind = tail(bytes, at + 1);
    match byte {
        b'_' => match before.last() {
            Some(b'p') => before.ends_with(b"ghp"),
            Some(b'o' | b's' | b'u') => {
                before.ends_with(b"gho") || before.ends_with(b"ghs") || before.ends_with(b"ghu")
            }
            Some(b'r') => before.ends_with(b"ghr"),
            Some(b't') => {
                before.ends_with(b"github_pat")
                    || before.ends_with(b"k_test")
                    || before.ends_with(b"redaction_fixture_secret")
            }
            Some(b'e') => before.ends_with(b"k_live") || before.ends_with(b"pme") || before.ends_with(b"lin_pome"),
            Some(b'k') => {
                (before.ends_with(b"pk") || before.ends_with(b"rk")) && run(behind, 0, is_word_dash, 20) >= 20
            }
            Some(b'i') => before.ends_with(b"lin_api"),
            Some(b'c') => before.ends_with(b"whsec"),
            _ => false,
        },
        b'-' => match before.last() {
            Some(b'k') => before.ends_with(b"sk") && run(behind, 0, is_word_dash, 20) >= 20,
            Some(b'-') => before.ends_with(b"----") && behind.starts_with(b"BEGIN "),
            Some(b'p') if before.ends_with(b"xapp") => true,
            Some(_) => before.len() >= 4 && before.get(before.len() - 4..before.len() - 1) == Some(b"xox"),
            None => false,
        },
        b'J' => before.ends_with(b"ey"),
        b'A' => behind.starts_with(b"Iza") || behind.starts_with(b"KIA"),
        b'B' => behind.starts_with(b"earer"),
        _ => false,
    }
}

/// Whether the bytes before a colon end in a quoted key of [`KEYS`].
fn ends_secret_key(before: &[u8]) -> bool {
    let Some((b'"', before)) = before.trim_ascii_end().split_last().map(|(last, rest)| (*last, rest)) else {
        return false;
    };
    let Some(b'n' | b'N' | b'y' | b'Y' | b'e' | b'E' | b't' | b'T' | b'd' | b'D') = before.last() else {
        return false;
    };
    let window = tail(before, before.len().saturating_sub(LONGEST_KEY + 1));
    let Some(quote) = window.iter().rposition(|byte| *byte == b'"') else {
        return false;
    };
    let key = tail(window, quote + 1);
    KEYS.iter().any(|secret| key.eq_ignore_ascii_case(secret.as_bytes()))
}

// ---- JSON text ----

fn rewrite<'a>(input: &'a [u8], suspicious: bool, scrub: &dyn Fn(&str) -> Option<String>) -> Cow<'a, [u8]> {
    if !suspicious {
        return Cow::Borrowed(input);
    }
    let Ok(json) = std::str::from_utf8(input) else {
        let lossy = String::from_utf8_lossy(input);
        return scrub(&lossy).map_or(Cow::Borrowed(input), |changed| Cow::Owned(changed.into_bytes()));
    };
    if serde_json::from_str::<serde::de::IgnoredAny>(json).is_err() {
        return scrub(json).map_or(Cow::Borrowed(input), |changed| Cow::Owned(changed.into_bytes()));
    }
    match rewrite_valid(json, scrub) {
        Some(changed) => Cow::Owned(changed.into_bytes()),
        None => Cow::Borrowed(input),
    }
}

/// Walks over the strings of a valid JSON text. A string with a colon behind it is a key, every other one a value.
fn rewrite_valid(json: &str, scrub: &dyn Fn(&str) -> Option<String>) -> Option<String> {
    let bytes = json.as_bytes();
    let mut out = String::new();
    let mut copied = 0;
    let mut at = 0;
    let mut put = |from: usize, to: usize, text: &str| {
        out.push_str(json.get(copied..from).unwrap_or_default());
        out.push_str(text);
        copied = to;
    };
    let mut changed = false;
    while let Some(offset) = memchr::memchr(b'"', tail(bytes, at)) {
        let start = at + offset;
        let end = string_end(bytes, start);
        let quoted = json.get(start..end).unwrap_or_default();
        let content = content(quoted);
        let next = skip_space(bytes, end);
        if bytes.get(next) == Some(&b':') {
            let from = skip_space(bytes, next + 1);
            at = from;
            if is_secret_key(&content) {
                at = value_end(bytes, from);
                if json.get(from..at) != Some("\"[REDACTED]\"") {
                    put(from, at, "\"[REDACTED]\"");
                    changed = true;
                }
            }
        } else {
            at = end;
            if let Some(scrubbed) = scrub(&content) {
                put(start, end, &Value::String(scrubbed).to_string());
                changed = true;
            }
        }
    }
    if !changed {
        return None;
    }
    out.push_str(json.get(copied..).unwrap_or_default());
    Some(out)
}

/// What a quoted JSON string says.
fn content(quoted: &str) -> Cow<'_, str> {
    let inner = quoted.get(1..quoted.len().saturating_sub(1)).unwrap_or_default();
    if !inner.contains('\\') {
        return Cow::Borrowed(inner);
    }
    // Half a surrogate pair has no text; the escapes around it are still looked at as they stand.
    serde_json::from_str::<String>(quoted).map_or(Cow::Borrowed(inner), Cow::Owned)
}

fn skip_space(bytes: &[u8], from: usize) -> usize {
    from + run(bytes, from, |byte| matches!(byte, b' ' | b'\t' | b'\n' | b'\r'), usize::MAX)
}

/// One behind the closing quote of the string that starts at `start`.
fn string_end(bytes: &[u8], start: usize) -> usize {
    let mut at = start + 1;
    while let Some(offset) = memchr::memchr2(b'"', b'\\', tail(bytes, at)) {
        at += offset;
        if bytes.get(at) == Some(&b'"') {
            return at + 1;
        }
        at += 2;
    }
    bytes.len()
}

/// One behind the value that starts at `start`.
fn value_end(bytes: &[u8], start: usize) -> usize {
    let mut depth = 0_usize;
    let mut at = start;
    while let Some(byte) = bytes.get(at) {
        match byte {
            b'"' => {
                at = string_end(bytes, at);
                if depth == 0 {
                    return at;
                }
                continue;
            }
            b'{' | b'[' => depth += 1,
            b'}' | b']' => {
                if depth <= 1 {
                    return if depth == 1 { at + 1 } else { at };
                }
                depth -= 1;
            }
            b',' | b' ' | b'\t' | b'\n' | b'\r' if depth == 0 => return at,
            _ => {}
        }
        at += 1;
    }
    bytes.len()
}

#[cfg(test)]
mod tests {
    use std::fmt::Write as _;
    use std::time::{Duration, Instant};

    use serde_json::json;

    use super::*;

    /// Input and what is left of it, for every language that redacts.
    fn vectors() -> Vec<(String, String)> {
        serde_json::from_str(include_str!("../../../tests/contract/redaction.json")).unwrap()
    }

    #[test]
    fn every_vector_comes_out_as_written() {
        for (input, expected) in vectors() {
            assert_eq!(text(&input), expected, "text {input:?}");
            let mut tree = json!({ "plain": [input] });
            let bytes = serde_json::to_vec(&tree).unwrap();
            value(&mut tree);
            assert_eq!(tree, json!({ "plain": [expected] }), "tree {input:?}");
            let redacted: Value = serde_json::from_slice(&json_bytes(&bytes)).unwrap();
            assert_eq!(redacted, tree, "bytes {input:?}");
        }
    }

    #[test]
    fn redaction_is_idempotent() {
        for (input, _) in vectors() {
            let once = text(&input).into_owned();
            assert_eq!(text(&once), once, "{input:?}");
        }
        for glued in ["AKIAABCDEFGHIJKLMNOPsk-prod-7f3a9b2c4d5e6f81", "Bearer eyJa.b..defghij", "Bearer eyJa.b.c.defg"]
        {
            let once = text(glued).into_owned();
            assert_eq!(text(&once), once, "{glued:?}");
        }
    }

    #[test]
    fn the_whole_value_under_a_secret_key_goes() {
        for key in KEYS {
            for spelled in [key.to_owned(), key.to_uppercase()] {
                let mut tree =
                    json!({ "a": { &spelled: { "deep": [1, 2] } }, "b": [{ &spelled: 1 }, { &spelled: null }] });
                let bytes = serde_json::to_vec_pretty(&tree).unwrap();
                value(&mut tree);
                let expected = json!({ "a": { &spelled: MARK }, "b": [{ &spelled: MARK }, { &spelled: MARK }] });
                assert_eq!(tree, expected, "{spelled}");
                assert_eq!(serde_json::from_slice::<Value>(&json_bytes(&bytes)).unwrap(), expected, "{spelled}");
            }
        }
        let harmless = json!({ "tokens": [1], "my_token": "x", "secrets": "y", "token_type": "z" });
        let mut tree = harmless.clone();
        value(&mut tree);
        assert_eq!(tree, harmless);
    }

    #[test]
    fn bytes_without_a_secret_are_handed_back_as_they_are() {
        let body = br#"{"id":1,"html_url":"https://github.com/acme/api/issues/1","number":1.50,"big":12345678901234567890123}"#;
        assert!(matches!(json_bytes(body), Cow::Borrowed(_)));
        assert!(matches!(text("nothing to see-here_really"), Cow::Borrowed(_)));
    }

    #[test]
    fn untouched_parts_of_json_keep_their_bytes() {
        let body = br#"{ "n" : 1.50, "token" : [1,{"x":"}"}] , "s":"a\tb", "k":"eyJa.b.c" }"#;
        assert_eq!(
            String::from_utf8(json_bytes(body).into_owned()).unwrap(),
            r#"{ "n" : 1.50, "token" : "[REDACTED]" , "s":"a\tb", "k":"[REDACTED]" }"#
        );
    }

    #[test]
    fn escapes_do_not_hide_a_secret() {
        let body = br#"{"pass\u0077ord":"x","note":"\u0065yJa.b.c","line":"a\nsk-prod-7f3a9b2c4d5e6f81"}"#;
        let redacted: Value = serde_json::from_slice(&json_bytes(body)).unwrap();
        assert_eq!(redacted, json!({ "password": MARK, "note": MARK, "line": "a\n[REDACTED]" }));
    }

    #[test]
    fn what_is_not_json_is_treated_as_text() {
        assert_eq!(json_bytes(b"{oops eyJa.b.c").as_ref(), b"{oops [REDACTED]");
        assert_eq!(json_bytes(b"\xff eyJa.b.c").as_ref(), "\u{fffd} [REDACTED]".as_bytes());
    }

    #[test]
    fn literals_go_wherever_they_stand_and_the_longest_first() {
        let redactor = Redactor::new(["hunter2-hunter2", "hunter2-", "short", "quo\"te-secret"]);
        assert_eq!(redactor.text("a hunter2-hunter2 b hunter2- c short"), "a [REDACTED] b [REDACTED] c short");
        let body = br#"{"a":"xhunter2-hunter2x","b":"quo\"te-secret","c":"short"}"#;
        let redacted: Value = serde_json::from_slice(&redactor.json_bytes(body)).unwrap();
        assert_eq!(redacted, json!({ "a": "x[REDACTED]x", "b": MARK, "c": "short" }));
        assert_eq!(redactor.named("Cookie", "a=b"), MARK);
        assert_eq!(redactor.named("accept", "text/html"), "text/html");
    }

    #[test]
    fn the_tree_and_the_text_form_agree() {
        // A fixed walk over pieces that sit at the edges of the rules.
        let pieces = [
            "sk-",
            "0123456789",
            "abcdefghij",
            "_",
            "-",
            "eyJ",
            ".",
            "ghp_",
            "rk_live_",
            "Bearer ",
            " ",
            "-----BEGIN ",
            "A",
            "-----END ",
            "-----",
            "xoxb-",
            "AKIA",
            "\"",
            "\\",
            "\n",
            "ü",
            "pk_",
            "whsec_",
            "lin_api_",
        ];
        let mut state = 1_u64;
        for _ in 0..4000 {
            let mut input = String::new();
            for _ in 0..12 {
                state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
                write!(input, "{}", pieces[usize::try_from(state >> 33).unwrap() % pieces.len()]).unwrap();
            }
            let once = text(&input).into_owned();
            assert_eq!(text(&once), once, "idempotent: {input:?}");
            let bytes = serde_json::to_vec(&json!([input])).unwrap();
            let redacted: Value = serde_json::from_slice(&json_bytes(&bytes)).unwrap();
            assert_eq!(redacted, json!([once]), "same rules: {input:?}");
            // The filter never misses what the rules would take.
            if pass(&input).is_some() {
                assert!(is_suspicious(input.as_bytes()), "filter: {input:?}");
            }
        }
    }

    #[test]
    fn long_adversarial_inputs_take_linear_time() {
        let started = Instant::now();
        for input in [
            "eyJ".repeat(50_000),
            "eyJa.".repeat(30_000),
            "-----BEGIN AAAA-----\n".repeat(20_000),
            "-----END AAAA-----\n".repeat(20_000),
            format!("{}{}", "-----BEGIN A-----".repeat(5_000), "-----END ".repeat(5_000)),
            "sk-".repeat(50_000),
            "Bearer ".repeat(20_000),
            "\"token\":".repeat(20_000),
        ] {
            let _ = text(&input);
            let _ = json_bytes(&serde_json::to_vec(&json!([input])).unwrap());
            let _ = json_bytes(input.as_bytes());
        }
        assert!(started.elapsed() < Duration::from_secs(4), "{:?}", started.elapsed());
    }
}
