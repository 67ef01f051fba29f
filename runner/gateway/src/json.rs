//! JSON as bytes: what is recorded is checked and copied, not taken apart.

use std::borrow::Cow;

use serde::de::IgnoredAny;

/// Deeper documents are not recorded: readers that build trees would refuse them.
const DEEPEST: usize = 100;

/// Why a body cannot stand in a row as it is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Unfit {
    /// It is not JSON.
    NotJson,
    /// It is nested too deeply.
    TooDeep,
}

/// A JSON text on one line, without blanks between its tokens. `checked` skips the look at the grammar.
pub(crate) fn one_line(bytes: &[u8], checked: bool) -> Result<Cow<'_, [u8]>, Unfit> {
    if !checked {
        let text = std::str::from_utf8(bytes).map_err(|_| Unfit::NotJson)?;
        serde_json::from_str::<IgnoredAny>(text).map_err(|_| Unfit::NotJson)?;
    }
    let mut blanks = false;
    let mut depth = 0_usize;
    let mut deepest = 0_usize;
    walk(bytes, |byte| {
        match byte {
            b'{' | b'[' => {
                depth += 1;
                deepest = deepest.max(depth);
            }
            b'}' | b']' => depth = depth.saturating_sub(1),
            b' ' | b'\n' | b'\r' | b'\t' => blanks = true,
            _ => {}
        }
        true
    });
    if deepest > DEEPEST {
        return Err(Unfit::TooDeep);
    }
    if !blanks {
        return Ok(Cow::Borrowed(bytes));
    }
    Ok(Cow::Owned(without_blanks(bytes)))
}

/// Visits the bytes outside strings until told to stop.
fn walk(bytes: &[u8], mut visit: impl FnMut(u8) -> bool) {
    let mut rest = bytes;
    while let Some((byte, behind)) = rest.split_first() {
        rest = behind;
        if *byte == b'"' {
            rest = behind_string(behind);
        } else if !visit(*byte) {
            return;
        }
    }
}

/// What follows the string whose inside starts here.
fn behind_string(mut inside: &[u8]) -> &[u8] {
    while let Some(at) = memchr::memchr2(b'"', b'\\', inside) {
        let escaped = inside.get(at) == Some(&b'\\');
        inside = inside.get(at + 1 + usize::from(escaped)..).unwrap_or_default();
        if !escaped {
            return inside;
        }
    }
    &[]
}

fn without_blanks(bytes: &[u8]) -> Vec<u8> {
    let mut out = Vec::with_capacity(bytes.len());
    let mut in_string = false;
    let mut escaped = false;
    for byte in bytes {
        if in_string {
            in_string = escaped || *byte != b'"';
            escaped = !escaped && *byte == b'\\';
        } else if matches!(byte, b' ' | b'\n' | b'\r' | b'\t') {
            continue;
        } else {
            in_string = *byte == b'"';
        }
        out.push(*byte);
    }
    out
}

/// Appends a quoted string.
pub(crate) fn push_string(out: &mut Vec<u8>, text: &str) {
    // Writing to memory cannot fail.
    let _ = serde_json::to_writer(out, text);
}

/// Appends a quoted string or null.
pub(crate) fn push_optional(out: &mut Vec<u8>, text: Option<&str>) {
    match text {
        Some(text) => push_string(out, text),
        None => out.extend_from_slice(b"null"),
    }
}

/// Appends a number.
pub(crate) fn push_number(out: &mut Vec<u8>, number: u64) {
    let _ = serde_json::to_writer(out, &number);
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn blanks_outside_strings_go_and_nothing_else() {
        let pretty = b"{\n \"a b\" : [ 1 , \"x \\\" \\\\\" , \"\\n y\" ] }";
        assert_eq!(one_line(pretty, false).unwrap().as_ref(), b"{\"a b\":[1,\"x \\\" \\\\\",\"\\n y\"]}");
        let compact = b"{\"a\":\"b c\"}";
        assert!(matches!(one_line(compact, false).unwrap(), Cow::Borrowed(_)));
    }

    #[test]
    fn what_cannot_stand_in_a_row_is_told_apart() {
        assert_eq!(one_line(b"{oops", false), Err(Unfit::NotJson));
        assert_eq!(one_line(b"", false), Err(Unfit::NotJson));
        assert_eq!(one_line(b"\"\xff\"", false), Err(Unfit::NotJson));
        let deep = [b"[".repeat(1000), b"]".repeat(1000)].concat();
        assert_eq!(one_line(&deep, false), Err(Unfit::TooDeep));
        assert!(one_line(b"[[[[]]]]", false).is_ok());
    }
}
