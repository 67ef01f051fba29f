//! Percent decoding, which vendors' clients rely on in session names, paths and forms.

use std::borrow::Cow;

/// Decodes `%XX`. A broken escape stays as it is; bytes that are not UTF-8 are replaced.
pub(crate) fn decode(text: &str) -> Cow<'_, str> {
    if !text.contains('%') {
        return Cow::Borrowed(text);
    }
    let mut out = Vec::with_capacity(text.len());
    let mut bytes = text.bytes();
    while let Some(byte) = bytes.next() {
        let rest = bytes.as_slice_pair();
        match (byte, rest) {
            (b'%', Some((high, low))) => {
                out.push(high << 4 | low);
                bytes.next();
                bytes.next();
            }
            _ => out.push(byte),
        }
    }
    Cow::Owned(String::from_utf8_lossy(&out).into_owned())
}

/// The same for form fields and query strings, where `+` is a blank.
pub(crate) fn decode_form(text: &str) -> Cow<'_, str> {
    if text.contains('+') { Cow::Owned(decode(&text.replace('+', " ")).into_owned()) } else { decode(text) }
}

/// The first value of `name` in a query string or form, decoded.
pub(crate) fn parameter<'a>(query: &'a str, name: &str) -> Option<Cow<'a, str>> {
    query.split('&').find_map(|pair| {
        let (key, value) = pair.split_once('=').unwrap_or((pair, ""));
        (decode_form(key) == name).then(|| decode_form(value))
    })
}

/// The query string without `name`.
pub(crate) fn without(query: &str, name: &str) -> String {
    let kept: Vec<&str> =
        query.split('&').filter(|pair| decode_form(pair.split('=').next().unwrap_or_default()) != name).collect();
    kept.join("&")
}

trait HexPair {
    /// The next two bytes as hexadecimal digits.
    fn as_slice_pair(&self) -> Option<(u8, u8)>;
}

impl HexPair for std::str::Bytes<'_> {
    fn as_slice_pair(&self) -> Option<(u8, u8)> {
        let mut ahead = self.clone();
        Some((digit(ahead.next()?)?, digit(ahead.next()?)?))
    }
}

fn digit(byte: u8) -> Option<u8> {
    match byte {
        b'0'..=b'9' => Some(byte - b'0'),
        b'a'..=b'f' => Some(byte - b'a' + 10),
        b'A'..=b'F' => Some(byte - b'A' + 10),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn escapes_are_decoded_and_broken_ones_stay() {
        assert_eq!(decode("a%2Fb%20%c3%a9"), "a/b é");
        assert_eq!(decode("100%"), "100%");
        assert_eq!(decode("%zz%4"), "%zz%4");
        assert_eq!(decode_form("a+b%2B"), "a b+");
    }

    #[test]
    fn parameters_are_found_and_left_out_by_name() {
        assert_eq!(parameter("a=1&to%6ben=x+y&token=z", "token").as_deref(), Some("x y"));
        assert_eq!(parameter("a=1", "token"), None);
        assert_eq!(without("a=1&token=x&b", "token"), "a=1&b");
    }
}
