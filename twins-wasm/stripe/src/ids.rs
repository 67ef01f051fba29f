//! Ids as Stripe writes them.

const ALPHABET: &[u8; 62] = b"0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz";

/// So many letters and digits, eight from each draw.
pub(crate) fn suffix(length: usize, draw: impl Fn() -> u64) -> String {
    let mut out = String::with_capacity(length);
    while out.len() < length {
        let mut bits = draw();
        for _ in 0..8.min(length - out.len()) {
            let at = usize::try_from(bits % 62).unwrap_or_default();
            bits /= 62;
            out.push(ALPHABET.get(at).copied().map_or('0', char::from));
        }
    }
    out
}

/// Lower-case hex digits of bytes.
pub(crate) fn hex(bytes: &[u8]) -> String {
    bytes
        .iter()
        .flat_map(|byte| [byte >> 4, byte & 15])
        .map(|nibble| char::from_digit(u32::from(nibble), 16).unwrap_or('0'))
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_suffix_has_its_length_and_follows_the_draws() {
        let draws = std::cell::Cell::new(0);
        let text = suffix(24, || {
            draws.set(draws.get() + 1);
            61 + 62 * draws.get()
        });
        assert_eq!((text.as_str(), draws.get()), ("z1000000z2000000z3000000", 3));
        assert_eq!(hex(&[0, 171]), "00ab");
    }
}
