//! Which secret signs the tokens of a twin that is started by itself.

use std::io;
use std::path::{Path, PathBuf};

use crate::token::Secret;

/// The secret of a twin that only its own machine can reach and that was given none.
pub(crate) const DEVELOPMENT_SECRET: &str = "dev-only-insecure-secret";

/// Shortest persisted secret that is accepted.
const SHORTEST: usize = 32;

/// What the choice depends on, read from the environment by the caller.
#[derive(Debug, Clone, Copy)]
pub struct BootSecret<'a> {
    /// The host that the listener binds to.
    pub host: &'a str,
    /// `TWIN_AUTH_SECRET`; empty counts as unset.
    pub given: Option<&'a str>,
    /// The folder of the persisted secret.
    pub folder: &'a Path,
    /// Whether the development secret is out of the question.
    pub production: bool,
}

/// The secret and what to tell the person who starts the twin.
#[derive(Debug, Clone)]
pub struct Resolved {
    /// The key for minting and checking.
    pub secret: Secret,
    /// A new secret, to be printed once on standard output.
    pub announce: Option<String>,
    /// Where a secret was found that is used again, to be logged without its value.
    pub reused: Option<PathBuf>,
}

/// No secret can be had. Every message names the variable that helps.
#[derive(Debug, thiserror::Error)]
pub enum BootSecretError {
    /// The file holds something, but not enough.
    #[error("`{path}` holds a secret of fewer than 32 characters; remove it or set `TWIN_AUTH_SECRET`")]
    TooShort {
        /// The file.
        path: PathBuf,
    },
    /// The file can neither be read nor written.
    #[error("cannot keep a token secret in `{path}`; set `TWIN_AUTH_SECRET`")]
    Folder {
        /// The file.
        path: PathBuf,
        /// Why.
        source: io::Error,
    },
}

impl BootSecret<'_> {
    /// Chooses the secret; may create the file `secret` in the folder.
    pub fn resolve(&self) -> Result<Resolved, BootSecretError> {
        let found = |secret| Resolved { secret, announce: None, reused: None };
        if let Some(given) = self.given.filter(|given| !given.is_empty()) {
            return Ok(found(Secret::new(given)));
        }
        if is_loopback(self.host) {
            return Ok(found(if self.production { Secret::missing() } else { Secret::new(DEVELOPMENT_SECRET) }));
        }
        let path = self.folder.join("secret");
        let failed = |source| BootSecretError::Folder { path: path.clone(), source };
        if let Some(resolved) = reuse(&path)? {
            return Ok(resolved);
        }
        std::fs::create_dir_all(self.folder).map_err(failed)?;
        let secret = generate();
        match write_new(&path, &secret) {
            Ok(()) => Ok(Resolved { secret: Secret::new(&secret), announce: Some(secret), reused: None }),
            // Another first start was quicker, or the file is blank.
            Err(error) if error.kind() == io::ErrorKind::AlreadyExists => match reuse(&path)? {
                Some(resolved) => Ok(resolved),
                None => replace_blank(&path, secret).map_err(failed),
            },
            Err(error) => Err(failed(error)),
        }
    }
}

fn is_loopback(host: &str) -> bool {
    matches!(host, "127.0.0.1" | "::1" | "[::1]" | "localhost")
}

fn reuse(path: &Path) -> Result<Option<Resolved>, BootSecretError> {
    let text = match std::fs::read_to_string(path) {
        Ok(text) => text,
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(None),
        Err(source) => return Err(BootSecretError::Folder { path: path.to_owned(), source }),
    };
    match text.trim() {
        "" => Ok(None),
        secret if secret.chars().count() < SHORTEST => Err(BootSecretError::TooShort { path: path.to_owned() }),
        secret => Ok(Some(Resolved { secret: Secret::new(secret), announce: None, reused: Some(path.to_owned()) })),
    }
}

/// 64 hexadecimal digits: 32 bytes, of which 244 bits are random.
fn generate() -> String {
    format!("{}{}", uuid::Uuid::new_v4().simple(), uuid::Uuid::new_v4().simple())
}

fn write_new(path: &Path, secret: &str) -> io::Result<()> {
    let mut options = std::fs::OpenOptions::new();
    options.write(true).create_new(true);
    write(&mut options, path, secret)
}

fn replace_blank(path: &Path, secret: String) -> io::Result<Resolved> {
    let mut options = std::fs::OpenOptions::new();
    options.write(true).truncate(true);
    write(&mut options, path, &secret)?;
    Ok(Resolved { secret: Secret::new(&secret), announce: Some(secret), reused: None })
}

fn write(options: &mut std::fs::OpenOptions, path: &Path, secret: &str) -> io::Result<()> {
    use std::io::Write as _;
    #[cfg(unix)]
    {
        use std::os::unix::fs::OpenOptionsExt as _;
        options.mode(0o600);
    }
    options.open(path)?.write_all(format!("{secret}\n").as_bytes())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn resolve(host: &str, given: Option<&str>, folder: &Path, production: bool) -> Result<Resolved, BootSecretError> {
        BootSecret { host, given, folder, production }.resolve()
    }

    #[test]
    fn a_given_secret_always_wins_and_touches_no_file() {
        let folder = tempfile::tempdir().unwrap();
        std::fs::write(folder.path().join("secret"), "short").unwrap();
        for host in ["127.0.0.1", "0.0.0.0"] {
            let resolved = resolve(host, Some("given"), folder.path(), false).unwrap();
            assert_eq!((resolved.announce, resolved.reused), (None, None));
        }
        assert_eq!(std::fs::read_to_string(folder.path().join("secret")).unwrap(), "short");
    }

    #[test]
    fn loopback_needs_no_secret_except_in_production() {
        let folder = tempfile::tempdir().unwrap();
        for host in ["127.0.0.1", "::1", "localhost"] {
            let development = resolve(host, Some(""), folder.path(), false).unwrap();
            assert_eq!(format!("{:?}", development.secret), "Secret(set)");
            assert_eq!(format!("{:?}", resolve(host, None, folder.path(), true).unwrap().secret), "Secret(missing)");
        }
        assert!(!folder.path().join("secret").exists());
    }

    #[test]
    fn a_reachable_twin_makes_a_secret_once_and_uses_it_again() {
        let folder = tempfile::tempdir().unwrap();
        let data = folder.path().join("deep/data");
        let first = resolve("0.0.0.0", None, &data, false).unwrap();
        let announced = first.announce.unwrap();
        assert_eq!(announced.len(), 64);
        assert!(announced.bytes().all(|byte| byte.is_ascii_digit() || (b'a'..=b'f').contains(&byte)));
        let path = data.join("secret");
        assert_eq!(std::fs::read_to_string(&path).unwrap(), format!("{announced}\n"));
        #[cfg(unix)]
        {
            use std::os::unix::fs::PermissionsExt as _;
            assert_eq!(std::fs::metadata(&path).unwrap().permissions().mode() & 0o777, 0o600);
        }
        let second = resolve("0.0.0.0", None, &data, false).unwrap();
        assert_eq!((second.announce, second.reused), (None, Some(path.clone())));
        std::fs::write(&path, " \n").unwrap();
        assert!(resolve("0.0.0.0", None, &data, false).unwrap().announce.is_some(), "a blank file is filled");
    }

    #[test]
    fn without_a_usable_secret_the_message_names_the_variable() {
        let folder = tempfile::tempdir().unwrap();
        std::fs::write(folder.path().join("secret"), "only-20-characters-x").unwrap();
        let short = resolve("0.0.0.0", None, folder.path(), false).unwrap_err();
        assert!(short.to_string().contains("TWIN_AUTH_SECRET"), "{short}");
        let blocked = folder.path().join("file");
        std::fs::write(&blocked, "").unwrap();
        let unusable = resolve("0.0.0.0", None, &blocked, false).unwrap_err();
        assert!(unusable.to_string().contains("TWIN_AUTH_SECRET"), "{unusable}");
    }
}
