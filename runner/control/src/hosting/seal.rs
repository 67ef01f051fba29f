//! Encryption of what the log has to keep as it was sent: requests and seeds may hold credentials, and those never reach a disk.

use ring::aead::{AES_256_GCM, Aad, LessSafeKey, NONCE_LEN, Nonce, UnboundKey};

/// The key of the log.
#[derive(Clone)]
pub(crate) struct Seal(std::sync::Arc<LessSafeKey>);

impl std::fmt::Debug for Seal {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Seal(set)")
    }
}

/// A text cannot be sealed, or was not sealed by this key at this place.
#[derive(Debug, Clone, Copy, thiserror::Error)]
#[error("what is stored cannot be decrypted with this server's secret")]
pub(crate) struct Broken;

impl Seal {
    pub(crate) fn new(key: &[u8; 32]) -> Result<Self, Broken> {
        let key = UnboundKey::new(&AES_256_GCM, key).map_err(|_| Broken)?;
        Ok(Self(std::sync::Arc::new(LessSafeKey::new(key))))
    }

    /// Encrypts. `place` says where the bytes will stand; elsewhere they cannot be opened.
    pub(crate) fn close(&self, place: &str, mut bytes: Vec<u8>) -> Result<Vec<u8>, Broken> {
        let mut nonce = [0; NONCE_LEN];
        getrandom::fill(&mut nonce).map_err(|_| Broken)?;
        let aad = Aad::from(place.as_bytes());
        self.0.seal_in_place_append_tag(Nonce::assume_unique_for_key(nonce), aad, &mut bytes).map_err(|_| Broken)?;
        bytes.extend_from_slice(&nonce);
        Ok(bytes)
    }

    /// Decrypts what [`Seal::close`] made for the same place.
    pub(crate) fn open(&self, place: &str, mut bytes: Vec<u8>) -> Result<Vec<u8>, Broken> {
        let at = bytes.len().checked_sub(NONCE_LEN).ok_or(Broken)?;
        let nonce = Nonce::try_assume_unique_for_key(bytes.get(at..).unwrap_or_default()).map_err(|_| Broken)?;
        bytes.truncate(at);
        let length = self.0.open_in_place(nonce, Aad::from(place.as_bytes()), &mut bytes).map_err(|_| Broken)?.len();
        bytes.truncate(length);
        Ok(bytes)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_sealed_opens_only_at_its_place_and_whole() {
        let seal = Seal::new(&[7; 32]).unwrap();
        let sealed = seal.close("a/1", b"secret".to_vec()).unwrap();
        assert!(!sealed.windows(6).any(|part| part == b"secret"));
        assert_eq!(seal.open("a/1", sealed.clone()).unwrap(), b"secret");
        assert!(seal.open("a/2", sealed.clone()).is_err());
        assert!(Seal::new(&[8; 32]).unwrap().open("a/1", sealed.clone()).is_err());
        assert!(seal.open("a/1", sealed[1..].to_vec()).is_err());
        assert!(seal.open("a/1", Vec::new()).is_err());
    }
}
