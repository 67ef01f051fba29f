//! Names of things: a prefix and random characters that are safe in an address.

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;

/// The system gives no random numbers.
#[derive(Debug, thiserror::Error)]
#[error("the system gives no random numbers: {0}")]
pub struct NoRandom(getrandom::Error);

/// Letters and digits: ids stand in paths, in file names and in tokens that are read from the right by `_`.
const ALPHABET: &[u8; 62] = b"0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz";

/// A new id: the prefix and 20 random letters and digits (119 bits).
pub(crate) fn new(prefix: &str) -> Result<String, NoRandom> {
    let mut id = prefix.to_owned();
    let mut bytes = [0; 32];
    while id.len() < prefix.len() + 20 {
        getrandom::fill(&mut bytes).map_err(NoRandom)?;
        // The remainder of a division would make some characters more likely than others.
        let kept = bytes.iter().filter(|byte| **byte < 248).filter_map(|byte| ALPHABET.get(usize::from(byte % 62)));
        id.extend(kept.take(prefix.len() + 20 - id.len()).map(|byte| char::from(*byte)));
    }
    Ok(id)
}

/// A secret in a form that is safe in an address: the prefix and 32 random bytes as 43 characters.
pub(crate) fn secret(prefix: &str) -> Result<String, NoRandom> {
    let mut bytes = [0; 32];
    getrandom::fill(&mut bytes).map_err(NoRandom)?;
    Ok(format!("{prefix}{}", URL_SAFE_NO_PAD.encode(bytes)))
}

/// Bytes as hexadecimal digits, lower case.
pub(crate) fn hex(bytes: &[u8]) -> String {
    use std::fmt::Write as _;
    bytes.iter().fold(String::with_capacity(bytes.len() * 2), |mut text, byte| {
        // Writing into a string cannot fail.
        let _ = write!(text, "{byte:02x}");
        text
    })
}

#[cfg(test)]
mod tests {
    #[test]
    fn ids_are_letters_and_digits_behind_their_prefix() {
        for _ in 0..100 {
            let id = super::new("ses_").unwrap();
            assert_eq!(id.len(), 24);
            assert!(id.bytes().skip(4).all(|byte| byte.is_ascii_alphanumeric()), "{id}");
        }
    }

    #[test]
    fn secrets_have_the_length_of_a_key() {
        assert_eq!(super::secret("pme_").unwrap().len(), 47);
    }
}
