//! Deterministic ids.

use sha1::{Digest, Sha1};

/// The numeric id of a text: `h = h * 31 + unit` over the text's UTF-16 units, kept to 32 bits.
///
/// The formula is part of the product's contract: ids of users, labels and other named things stay the same across runs,
/// resets and twins. Of a character outside the basic plane only the first unit counts.
pub fn hash_id(text: &str) -> u32 {
    let mut units = [0; 2];
    text.chars().fold(0, |hash: u32, character| {
        let unit = character.encode_utf16(&mut units).first().copied().unwrap_or_default();
        hash.wrapping_mul(31).wrapping_add(u32::from(unit))
    })
}

/// Lower-case hex digits of bytes, two each.
pub fn hex(bytes: &[u8]) -> String {
    let nibbles = bytes.iter().flat_map(|byte| [byte >> 4, byte & 15]);
    nibbles.map(|nibble| char::from_digit(u32::from(nibble), 16).unwrap_or('0')).collect()
}

/// Forty hex digits that follow from a text.
pub fn hex_id(text: &str) -> String {
    hex(&Sha1::digest(text.as_bytes()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn bytes_are_two_digits_each() {
        assert_eq!(hex(&[0, 171]), "00ab");
    }

    #[test]
    fn the_documented_examples_hold() {
        assert_eq!(hash_id("alice"), 92_903_040);
        assert_eq!(hash_id("acme"), 2_988_346);
        assert_eq!(hash_id("pome-agent"), 2_513_727_887);
    }
}
