//! Percent decoding, which vendors' clients rely on in session names, paths and forms.

use std::borrow::Cow;

use percent_encoding::percent_decode_str;

/// Decodes `%XX`. A broken escape stays as it is; bytes that are not UTF-8 are replaced.
pub(crate) fn decode(text: &str) -> Cow<'_, str> {
    percent_decode_str(text).decode_utf8_lossy()
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
