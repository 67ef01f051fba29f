//! The one secret of a server, and the keys that are derived from it: one for each purpose, so that none can stand in for another.

use std::fmt;
use std::fs::{self, OpenOptions};
use std::io::{self, Write as _};
use std::os::unix::fs::{OpenOptionsExt as _, PermissionsExt as _};
use std::path::{Path, PathBuf};

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use ring::hmac;

/// Bytes of the secret that is made on the first start.
const LENGTH: usize = 32;

/// Fewest bytes of a secret from elsewhere.
const SHORTEST: usize = 32;

/// The secret of a server. Never shown.
#[derive(Clone)]
pub struct Secrets(hmac::Key);

impl fmt::Debug for Secrets {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Secrets(set)")
    }
}

/// There is no usable secret.
#[derive(Debug, thiserror::Error)]
pub enum SecretError {
    /// The file cannot be read or made.
    #[error("cannot use the secret in `{path}`")]
    File {
        /// The file.
        path: PathBuf,
        /// Why.
        source: io::Error,
    },
    /// Others may read the file.
    #[error("other users of this machine may read the secret in `{path}`; run `chmod 600 {path}`")]
    Open {
        /// The file.
        path: PathBuf,
    },
    /// It is too short to be one.
    #[error(
        "the secret from {place} has {length} bytes, at least {SHORTEST} are needed; `openssl rand -hex 32` makes one"
    )]
    Short {
        /// Where it came from.
        place: String,
        /// How long it is.
        length: usize,
    },
    /// There are no random numbers for a new one.
    #[error(transparent)]
    Random(#[from] crate::ids::NoRandom),
}

impl Secrets {
    /// A secret that is known already, as from a variable.
    pub fn new(secret: &str, place: &str) -> Result<Self, SecretError> {
        let bytes = secret.trim().as_bytes();
        if bytes.len() < SHORTEST {
            return Err(SecretError::Short { place: place.to_owned(), length: bytes.len() });
        }
        Ok(Self(hmac::Key::new(hmac::HMAC_SHA256, bytes)))
    }

    /// The secret in a file, which only its owner may read.
    pub fn read(path: &Path) -> Result<Self, SecretError> {
        let error = |source| SecretError::File { path: path.to_owned(), source };
        let mode = fs::metadata(path).map_err(error)?.permissions().mode();
        if mode & 0o077 != 0 {
            return Err(SecretError::Open { path: path.to_owned() });
        }
        let text = fs::read_to_string(path).map_err(error)?;
        Self::new(&text, &format!("`{}`", path.display()))
    }

    /// The secret in a file, which is made when it is not there.
    pub fn read_or_make(path: &Path) -> Result<Self, SecretError> {
        let error = |source| SecretError::File { path: path.to_owned(), source };
        match OpenOptions::new().write(true).create_new(true).mode(0o600).open(path) {
            Ok(mut file) => {
                let secret = crate::ids::secret("")?;
                file.write_all(format!("{secret}\n").as_bytes()).and_then(|()| file.sync_all()).map_err(error)?;
                Self::new(&secret, "a random source")
            }
            Err(problem) if problem.kind() == io::ErrorKind::AlreadyExists => Self::read(path),
            Err(problem) => Err(error(problem)),
        }
    }

    /// The key for one purpose.
    pub(crate) fn derive(&self, purpose: &str) -> [u8; LENGTH] {
        let tag = hmac::sign(&self.0, purpose.as_bytes());
        let mut key = [0; LENGTH];
        for (place, byte) in key.iter_mut().zip(tag.as_ref()) {
            *place = *byte;
        }
        key
    }

    /// The same as text, for what takes its keys as text.
    pub(crate) fn derive_text(&self, purpose: &str) -> String {
        URL_SAFE_NO_PAD.encode(self.derive(purpose))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_secret_is_made_once_and_kept_private() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("secret");
        let first = Secrets::read_or_make(&path).unwrap();
        let again = Secrets::read_or_make(&path).unwrap();
        assert_eq!(first.derive("a"), again.derive("a"));
        assert_ne!(first.derive("a"), first.derive("b"));
        assert_eq!(fs::metadata(&path).unwrap().permissions().mode() & 0o777, 0o600);
        fs::set_permissions(&path, fs::Permissions::from_mode(0o644)).unwrap();
        assert!(matches!(Secrets::read_or_make(&path), Err(SecretError::Open { .. })));
        assert!(matches!(Secrets::new("short", "a test"), Err(SecretError::Short { length: 5, .. })));
        assert_eq!(format!("{first:?}"), "Secrets(set)");
    }
}
