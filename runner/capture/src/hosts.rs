//! A list of hosts by name and by pattern.

use pome_wire::host::normal;

/// Hosts, `*.suffix` (any depth, not the apex) or `*` for all.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Hosts {
    everything: bool,
    exact: Vec<String>,
    /// `.example.com` for the pattern `*.example.com`.
    suffixes: Vec<String>,
}

impl Hosts {
    /// Adds a pattern. An empty one is none.
    pub fn add(&mut self, pattern: &str) {
        let pattern = normal(pattern.trim());
        if pattern == "*" {
            self.everything = true;
        } else if let Some(suffix) = pattern.strip_prefix('*').filter(|suffix| suffix.starts_with('.')) {
            self.suffixes.push(suffix.to_owned());
        } else if !pattern.is_empty() {
            self.exact.push(pattern);
        }
    }

    /// Adds several patterns.
    pub fn add_all<'a>(&mut self, patterns: impl IntoIterator<Item = &'a str>) {
        for pattern in patterns {
            self.add(pattern);
        }
    }

    /// Whether a host is on the list: lower case, without brackets and without a trailing dot.
    pub fn contains(&self, host: &str) -> bool {
        self.everything
            || self.exact.iter().any(|exact| exact == host)
            || self.suffixes.iter().any(|suffix| host.ends_with(suffix) && host.len() > suffix.len())
    }

    /// The names that cover every host of the list together with what lies below them, as a certificate's name constraints do:
    /// `example.com` for `*.example.com`.
    pub(crate) fn names(&self) -> impl Iterator<Item = &str> {
        let suffixes = self.suffixes.iter().map(|suffix| suffix.trim_start_matches('.'));
        self.exact.iter().map(String::as_str).chain(suffixes)
    }
}
