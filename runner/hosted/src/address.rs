//! Where a control plane or its dashboard is.

use std::fmt;

use url::{ParseError, Url};

/// The control plane when nothing else is said.
pub const DEFAULT_API_URL: &str = "https://api.pome.sh";
/// The dashboard when nothing else is said.
pub const DEFAULT_DASHBOARD_URL: &str = "https://pome.sh";

/// An `http` or `https` address without credentials, query or trailing slash.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Address(Url);

/// A text that is no such address.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("`{text}` is not an address of a control plane: {problem}")]
pub struct BadAddress {
    text: String,
    problem: String,
}

impl Address {
    /// Reads an address.
    pub fn parse(text: &str) -> Result<Self, BadAddress> {
        let bad = |problem: &str| BadAddress { text: text.trim().to_owned(), problem: problem.to_owned() };
        let form = "expected `http://` or `https://`, and a host";
        let mut url = match Url::parse(text.trim()) {
            Ok(url) => url,
            Err(ParseError::RelativeUrlWithoutBase) => return Err(bad(form)),
            Err(error) => return Err(bad(&error.to_string())),
        };
        if !matches!(url.scheme(), "http" | "https") || url.host_str().is_none() {
            return Err(bad(form));
        }
        if !url.username().is_empty() || url.password().is_some() {
            // The text is not repeated: it holds a password.
            return Err(BadAddress { text: "...@...".to_owned(), problem: "it holds credentials".to_owned() });
        }
        if url.query().is_some() || url.fragment().is_some() {
            return Err(bad("it has a query or a fragment"));
        }
        let path = url.path().trim_end_matches('/').to_owned();
        url.set_path(&path);
        Ok(Self(url))
    }

    /// The first that is given, in the order of precedence, else the default.
    pub fn first_of<'a>(
        candidates: impl IntoIterator<Item = Option<&'a str>>,
        default: &str,
    ) -> Result<Self, BadAddress> {
        let given = candidates.into_iter().flatten().find(|text| !text.trim().is_empty());
        Self::parse(given.unwrap_or(default))
    }

    /// The address with path segments behind it, each encoded.
    pub(crate) fn join<'a>(&self, segments: impl IntoIterator<Item = &'a str>) -> Url {
        let mut url = self.0.clone();
        if let Ok(mut path) = url.path_segments_mut() {
            path.pop_if_empty().extend(segments);
        }
        url
    }

    /// An address or an absolute path that came from the server, when it has our origin.
    pub(crate) fn same_origin(&self, text: &str) -> Option<Url> {
        let url = if text.starts_with('/') {
            if text.starts_with("//") || text.starts_with("/\\") {
                return None;
            }
            self.0.join(text).ok()?
        } else {
            Url::parse(text).ok()?
        };
        let plain = url.username().is_empty() && url.password().is_none();
        (plain && url.origin() == self.0.origin()).then_some(url)
    }
}

impl fmt::Display for Address {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.0.as_str().trim_end_matches('/'))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_trailing_slash_makes_no_difference() {
        for text in ["https://api.example.com", " https://API.example.com/ ", "https://api.example.com:443"] {
            assert_eq!(Address::parse(text).unwrap().to_string(), "https://api.example.com", "{text}");
        }
        let below = Address::parse("http://127.0.0.1:8787/pome/").unwrap();
        assert_eq!(below.join(["v1", "me"]).as_str(), "http://127.0.0.1:8787/pome/v1/me");
    }

    #[test]
    fn what_is_no_address_is_refused_without_repeating_a_password() {
        for text in ["", "api.example.com", "ftp://x.example", "https://x.example/?a=1"] {
            assert!(Address::parse(text).is_err(), "{text}");
        }
        let error = Address::parse("https://me:hunter2@x.example").unwrap_err();
        assert!(!error.to_string().contains("hunter2"));
    }

    #[test]
    fn the_first_that_is_given_wins() {
        let of = |given: [Option<&str>; 2]| Address::first_of(given, DEFAULT_API_URL).unwrap().to_string();
        assert_eq!(of([Some("http://a.example"), Some("http://b.example")]), "http://a.example");
        assert_eq!(of([Some(" "), Some("http://b.example")]), "http://b.example");
        assert_eq!(of([None, None]), DEFAULT_API_URL);
    }

    #[test]
    fn only_our_origin_is_followed() {
        let ours = Address::parse("https://api.example.com").unwrap();
        for good in ["/v1/x?a=1", "https://api.example.com/v1/x", "https://api.example.com:443/x"] {
            assert!(ours.same_origin(good).is_some(), "{good}");
        }
        for bad in [
            "//evil.example/x",
            "/\\evil.example/x",
            "http://api.example.com/x",
            "https://api.example.com.evil.example/",
            "https://api.example.com@evil.example/",
            "https://me:x@api.example.com/",
            "v1/x",
            "",
        ] {
            assert!(ours.same_origin(bad).is_none(), "{bad}");
        }
    }
}
