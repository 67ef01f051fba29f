//! Words, numbers and addresses as a person reads them. Whatever an agent wrote passes through [`visible`].

use std::borrow::Cow;

use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, utf8_percent_encode};

/// Text whose control characters can be seen and do nothing: escapes of terminals, marks that turn the direction of writing, and
/// characters without a width would let a text look like another. Line ends and tabs stay.
pub(crate) fn visible(text: &str) -> Cow<'_, str> {
    if !text.chars().any(is_hidden) {
        return Cow::Borrowed(text);
    }
    let mut out = String::with_capacity(text.len() + 16);
    for char in text.chars() {
        match (is_hidden(char), u32::from(char)) {
            (false, _) => out.push(char),
            (true, code @ 0..0x20) => out.extend(char::from_u32(0x2400 + code)),
            (true, 0x7f) => out.push('\u{2421}'),
            (true, code) => out.push_str(&format!("\u{27e8}U+{code:04X}\u{27e9}")),
        }
    }
    Cow::Owned(out)
}

fn is_hidden(char: char) -> bool {
    match char {
        '\n' | '\t' => false,
        '\u{ad}' | '\u{61c}' | '\u{180e}' | '\u{feff}' => true,
        '\u{200b}'..='\u{200f}' | '\u{2028}'..='\u{202e}' | '\u{2060}'..='\u{206f}' => true,
        '\u{fff9}'..='\u{fffb}' | '\u{e0000}'..='\u{e007f}' => true,
        char => char.is_control(),
    }
}

/// The same in one line, for what has to fit into a row.
pub(crate) fn line(text: &str) -> String {
    visible(text).split_whitespace().collect::<Vec<_>>().join(" ")
}

/// At most so many characters, with an ellipsis where some are missing.
pub(crate) fn short(text: &str, most: usize) -> Cow<'_, str> {
    match text.char_indices().nth(most) {
        Some((end, _)) => Cow::Owned(format!("{}\u{2026}", text.get(..end).unwrap_or_default())),
        None => Cow::Borrowed(text),
    }
}

/// How long ago something was, or the day when that is long ago.
pub(crate) fn ago(now: i64, then: i64) -> String {
    match (now - then) / 1000 {
        ..5 => "just now".to_owned(),
        seconds @ 5..60 => format!("{seconds} s ago"),
        seconds @ 60..3600 => format!("{} min ago", seconds / 60),
        seconds @ 3600..86_400 => format!("{} h ago", seconds / 3600),
        seconds @ 86_400..172_800 => format!("{} day ago", seconds / 86_400),
        seconds @ 172_800..1_209_600 => format!("{} days ago", seconds / 86_400),
        _ => day(then),
    }
}

/// How long something still takes.
pub(crate) fn left(millis: i64) -> String {
    match millis / 1000 {
        ..1 => "now".to_owned(),
        seconds @ 1..120 => format!("{seconds} s"),
        seconds @ 120..7200 => format!("{} min", seconds / 60),
        seconds => format!("{} h", seconds / 3600),
    }
}

/// The day of a time.
pub(crate) fn day(millis: i64) -> String {
    pome_wire::time::format(millis).split('T').next().unwrap_or_default().to_owned()
}

/// A time to the second, as people in one place write it: `2026-05-01 10:00:05 UTC`.
pub(crate) fn clock(millis: i64) -> String {
    let text = pome_wire::time::format(millis);
    format!("{} UTC", text.get(..19).unwrap_or_default().replace('T', " "))
}

/// A length of time.
pub(crate) fn duration(millis: i64) -> String {
    match millis {
        ..1000 => format!("{} ms", millis.max(0)),
        1000..60_000 => format!("{}.{} s", millis / 1000, millis % 1000 / 100),
        60_000..3_600_000 => format!("{} min {} s", millis / 60_000, millis / 1000 % 60),
        _ => format!("{} h {} min", millis / 3_600_000, millis / 60_000 % 60),
    }
}

/// A size of a file.
pub(crate) fn size(bytes: i64) -> String {
    match bytes {
        ..1024 => format!("{bytes} bytes"),
        1024..1_048_576 => format!("{}.{} KiB", bytes / 1024, bytes % 1024 * 10 / 1024),
        _ => format!("{}.{} MiB", bytes / 1_048_576, bytes % 1_048_576 * 10 / 1_048_576),
    }
}

/// A number with its noun, which gets an `s` unless there is one.
pub(crate) fn count(number: i64, noun: &str) -> String {
    let plural = if number == 1 { "" } else { "s" };
    format!("{} {noun}{plural}", grouped(number))
}

/// A number with its thousands apart.
pub(crate) fn grouped(number: i64) -> String {
    let digits = number.unsigned_abs().to_string();
    let mut out = String::from(if number < 0 { "-" } else { "" });
    for (place, digit) in digits.chars().enumerate() {
        if place > 0 && (digits.len() - place).is_multiple_of(3) {
            out.push('\u{202f}');
        }
        out.push(digit);
    }
    out
}

/// What needs no encoding anywhere in an address.
const UNRESERVED: &AsciiSet = &NON_ALPHANUMERIC.remove(b'-').remove(b'.').remove(b'_').remove(b'~');

/// A part of an address: everything that could end it or mean something there is encoded.
pub(crate) fn segment(text: &str) -> String {
    // These two are not names but steps, and browsers take them.
    match text {
        "." => "%2E".to_owned(),
        ".." => "%2E%2E".to_owned(),
        _ => utf8_percent_encode(text, UNRESERVED).to_string(),
    }
}

/// A query of the pairs that have a value, with its question mark; empty when none has.
pub(crate) fn query(pairs: &[(&str, &str)]) -> String {
    let parts: Vec<String> = pairs
        .iter()
        .filter(|(_, value)| !value.is_empty())
        .map(|(name, value)| format!("{name}={}", segment(value)))
        .collect();
    if parts.is_empty() { String::new() } else { format!("?{}", parts.join("&")) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn hidden_characters_are_shown() {
        assert_eq!(visible("plain \u{e9}\n\t"), "plain \u{e9}\n\t");
        assert_eq!(visible("a\u{1b}[31m\0\r\u{7f}"), "a\u{241b}[31m\u{2400}\u{240d}\u{2421}");
        assert_eq!(
            visible("x\u{202e}y\u{9b}\u{200b}"),
            "x\u{27e8}U+202E\u{27e9}y\u{27e8}U+009B\u{27e9}\u{27e8}U+200B\u{27e9}"
        );
        assert_eq!(line("a\n  b\tc"), "a b c");
    }

    #[test]
    fn times_and_numbers_read_well() {
        assert_eq!(ago(10_000, 9_000), "just now");
        assert_eq!(ago(3_700_000, 0), "1 h ago");
        assert_eq!(ago(86_400_000 * 3, 0), "3 days ago");
        assert_eq!(ago(86_400_000 * 30, 0), "1970-01-01");
        assert_eq!(duration(5_120), "5.1 s");
        assert_eq!(duration(125_000), "2 min 5 s");
        assert_eq!(size(1536), "1.5 KiB");
        assert_eq!(count(1, "run"), "1 run");
        assert_eq!(count(10_000, "run"), "10\u{202f}000 runs");
        assert_eq!(clock(0), "1970-01-01 00:00:00 UTC");
        assert_eq!(short("abcdef", 3), "abc\u{2026}");
        assert_eq!(short("abc", 3), "abc");
    }

    #[test]
    fn names_cannot_leave_their_place_in_an_address() {
        assert_eq!(segment("a/b?c#d e"), "a%2Fb%3Fc%23d%20e");
        assert_eq!(segment(".."), "%2E%2E");
        assert_eq!(query(&[("a", "1&2"), ("b", ""), ("c", "x")]), "?a=1%262&c=x");
        assert_eq!(query(&[("b", "")]), "");
    }
}
