//! Names of runs and groups.

use std::fmt;

const ALPHANUMERIC: &[u8; 62] = b"0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz";
const URL_SAFE: &[u8; 64] = b"0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz_-";

/// The system has no random bytes to give.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct NoRandom(String);

impl fmt::Display for NoRandom {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "the system gives no random bytes: {}", self.0)
    }
}

impl std::error::Error for NoRandom {}

/// `run_` and 10 letters or digits.
pub(crate) fn run() -> Result<String, NoRandom> {
    Ok(format!("run_{}", draw(ALPHANUMERIC, 10)?))
}

/// `grp_` and 21 characters.
pub(crate) fn group() -> Result<String, NoRandom> {
    Ok(format!("grp_{}", draw(URL_SAFE, 21)?))
}

/// 53 random bits, so that readers who hold numbers as doubles see the same seed.
pub(crate) fn random_seed() -> Result<u64, NoRandom> {
    let mut bytes = [0; 8];
    fill(&mut bytes)?;
    Ok(u64::from_le_bytes(bytes) >> 11)
}

/// 32 random bytes in hex.
pub(crate) fn secret() -> Result<String, NoRandom> {
    let mut bytes = [0; 32];
    fill(&mut bytes)?;
    Ok(bytes.iter().map(|byte| format!("{byte:02x}")).collect())
}

fn fill(bytes: &mut [u8]) -> Result<(), NoRandom> {
    getrandom::fill(bytes).map_err(|error| NoRandom(error.to_string()))
}

fn draw(alphabet: &[u8], count: usize) -> Result<String, NoRandom> {
    let mut drawn = String::with_capacity(count);
    // Bytes beyond the last whole multiple of the alphabet would favour its first letters.
    let bound = 256 - 256 % alphabet.len();
    while drawn.len() < count {
        let mut bytes = [0; 32];
        fill(&mut bytes)?;
        let fair = bytes.into_iter().map(usize::from).filter(|byte| *byte < bound);
        let letters = fair.filter_map(|byte| alphabet.get(byte % alphabet.len()).map(|&letter| char::from(letter)));
        drawn.extend(letters.take(count - drawn.len()));
    }
    Ok(drawn)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ids_have_their_shape() {
        let run = run().expect("random");
        let name = run.strip_prefix("run_").expect("prefix");
        assert!(name.len() == 10 && name.bytes().all(|byte| byte.is_ascii_alphanumeric()), "{run}");
        let group = group().expect("random");
        let name = group.strip_prefix("grp_").expect("prefix");
        assert!(name.len() == 21 && name.bytes().all(|byte| URL_SAFE.contains(&byte)), "{group}");
        assert!(random_seed().expect("random") < 1 << 53);
    }
}
