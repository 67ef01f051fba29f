//! The vendor's message times: seconds and a six-digit suffix, unique in the workspace.

use std::fmt;

use pome_twin_kit::clock::Time;

/// Microseconds since 1970, written `1767225600.000100`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Default)]
pub(crate) struct Ts(pub(crate) u64);

impl Ts {
    pub(crate) const MIN: Self = Self(0);
    pub(crate) const MAX: Self = Self(u64::MAX);

    /// Reads `1767225600.000100`; a missing or short fraction is filled up.
    pub(crate) fn parse(text: &str) -> Option<Self> {
        let (seconds, fraction) = text.trim().split_once('.').unwrap_or((text.trim(), ""));
        let digits = |text: &str| text.bytes().all(|byte| byte.is_ascii_digit());
        if seconds.is_empty() || seconds.len() > 12 || fraction.len() > 6 || !digits(seconds) || !digits(fraction) {
            return None;
        }
        let micros: u64 = format!("{fraction:0<6}").parse().ok()?;
        Some(Self(seconds.parse::<u64>().ok()? * 1_000_000 + micros))
    }

    pub(crate) const fn seconds(self) -> u64 {
        self.0 / 1_000_000
    }

    /// As in permalinks: `p1767225600000100`.
    pub(crate) fn anchor(self) -> String {
        format!("p{}{:06}", self.seconds(), self.0 % 1_000_000)
    }
}

impl fmt::Display for Ts {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:010}.{:06}", self.seconds(), self.0 % 1_000_000)
    }
}

impl serde::Serialize for Ts {
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

impl From<Ts> for serde_json::Value {
    fn from(ts: Ts) -> Self {
        Self::String(ts.to_string())
    }
}

/// The latest `ts` that was given out.
#[derive(Debug, Clone, Copy, Default)]
pub(crate) struct Clockface(u64);

impl Clockface {
    /// The next `ts`: in the second of `now`, a hundred microseconds after the latest one where that is not over yet.
    pub(crate) fn tick(self, now: Time) -> (Ts, Self) {
        let next = (now.seconds() * 1_000_000 + 100).max(self.0 + 100);
        (Ts(next), Self(next))
    }

    /// Makes sure that later ones come after `ts`.
    pub(crate) fn after(self, ts: Ts) -> Self {
        Self(self.0.max(ts.0))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn times_are_read_and_written_with_six_digits() {
        for (text, written) in [
            ("1767225600.000100", "1767225600.000100"),
            ("1767225600", "1767225600.000000"),
            ("1767225600.5", "1767225600.500000"),
        ] {
            assert_eq!(Ts::parse(text).unwrap().to_string(), written);
        }
        for text in ["", "now", "1.2.3", "1767225600.0000001", "-1"] {
            assert_eq!(Ts::parse(text), None, "{text}");
        }
    }

    #[test]
    fn times_grow_even_when_the_clock_stands_still() {
        let now = Time(1_767_225_600_000);
        let (first, face) = Clockface::default().tick(now);
        let (second, face) = face.tick(now);
        let (third, _) = face.tick(Time(now.0 + 1000));
        assert_eq!(
            [first, second, third].map(|ts| ts.to_string()),
            ["1767225600.000100", "1767225600.000200", "1767225601.000100"]
        );
    }
}
