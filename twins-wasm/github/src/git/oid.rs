//! Object ids: twenty bytes, written as forty hexadecimal digits.

use std::{fmt, str::FromStr};

use serde::{Deserialize, Deserializer, Serialize, Serializer, de};

/// The id of a git object.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Oid([u8; 20]);

impl Oid {
    /// Stands for "no object" in diffs and ref updates.
    pub const ZERO: Self = Self([0; 20]);

    /// The id made of these bytes.
    pub const fn from_bytes(bytes: [u8; 20]) -> Self {
        Self(bytes)
    }

    /// The raw bytes, as they stand in tree objects.
    pub const fn as_bytes(&self) -> &[u8; 20] {
        &self.0
    }

    /// Forty lower-case digits.
    pub fn hex(&self) -> String {
        self.to_string()
    }

    /// The first `length` digits.
    pub fn short(&self, length: usize) -> String {
        let mut hex = self.to_string();
        hex.truncate(length);
        hex
    }

    /// Reads forty digits of either case, nothing else.
    pub fn parse(text: &str) -> Option<Self> {
        if text.len() != 40 {
            return None;
        }
        let mut bytes = [0; 20];
        for (byte, pair) in bytes.iter_mut().zip(text.as_bytes().chunks_exact(2)) {
            for digit in pair {
                *byte = *byte << 4 | u8::try_from(char::from(*digit).to_digit(16)?).ok()?;
            }
        }
        Some(Self(bytes))
    }
}

impl fmt::Display for Oid {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.iter().try_for_each(|byte| write!(f, "{byte:02x}"))
    }
}

impl fmt::Debug for Oid {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

/// The text is not forty hexadecimal digits.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct NotAnOid;

impl fmt::Display for NotAnOid {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("expected an object id of forty hexadecimal digits")
    }
}

impl std::error::Error for NotAnOid {}

impl FromStr for Oid {
    type Err = NotAnOid;

    fn from_str(text: &str) -> Result<Self, NotAnOid> {
        Self::parse(text).ok_or(NotAnOid)
    }
}

impl Serialize for Oid {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

impl<'de> Deserialize<'de> for Oid {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = std::borrow::Cow::<'de, str>::deserialize(deserializer)?;
        text.parse().map_err(de::Error::custom)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_id_is_read_back_from_its_text() {
        let text = "4b825dc642cb6eb9a060e54bf8d69288fbee4904";
        let oid = Oid::parse(text).unwrap();
        assert_eq!(oid.hex(), text);
        assert_eq!(Oid::parse(&text.to_uppercase()), Some(oid));
        assert_eq!(oid.short(7), "4b825dc");
        assert_eq!(serde_json::to_string(&oid).unwrap(), format!("\"{text}\""));
        assert_eq!(serde_json::from_str::<Oid>(&format!("\"{text}\"")).unwrap(), oid);
    }

    #[test]
    fn anything_but_forty_digits_is_refused() {
        for text in
            ["", "4b82", "zb825dc642cb6eb9a060e54bf8d69288fbee4904", "4b825dc642cb6eb9a060e54bf8d69288fbee49040"]
        {
            assert_eq!(Oid::parse(text), None, "{text}");
        }
    }
}
