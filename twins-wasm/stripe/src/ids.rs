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
    }
}
