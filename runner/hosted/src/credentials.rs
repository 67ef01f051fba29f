//! Who is calling the control plane: the variable, else the stored file, else nobody.

use std::fs::{self, File};
use std::io::{self, Read as _, Write as _};
use std::path::{Path, PathBuf};

use pome_wire::control::Secret;
use serde::{Deserialize, Serialize};

/// The variable that holds a key.
pub const VARIABLE: &str = "POME_API_KEY";

/// A key and where it came from.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Credentials {
    /// The key.
    pub key: Secret,
    /// Where it came from.
    pub source: Source,
    /// Whose it is, when the login said so.
    pub team_id: Option<String>,
    /// Where the login was, when it is stored.
    pub api_url: Option<String>,
    /// Where the pages are, when it is stored.
    pub dashboard_url: Option<String>,
}

/// Where a key came from.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Source {
    /// [`VARIABLE`]
    Variable,
    /// The stored file.
    File(PathBuf),
}

/// `~/.pome/credentials.json`
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Stored {
    /// The key.
    pub api_key: Secret,
    /// Where it was made.
    #[serde(default)]
    pub api_url: Option<String>,
    /// Where the pages are.
    #[serde(default)]
    pub dashboard_url: Option<String>,
    /// Whose it is; unknown after `--token`.
    #[serde(default)]
    pub team_id: Option<String>,
    /// When it was stored.
    #[serde(default)]
    pub created_at: Option<String>,
}

/// Why there is no key. Every variant is an authentication failure.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// Nobody is signed in.
    #[error("not signed in: no API key found")]
    Missing(#[source] Missing),
    /// The file is there and cannot be read.
    #[error("the credentials in `{}` cannot be read", path.display())]
    Unreadable {
        /// The file.
        path: PathBuf,
        /// Why.
        source: io::Error,
    },
    /// The file is no document of ours.
    #[error("the credentials in `{}` are not valid", path.display())]
    NotValid {
        /// The file.
        path: PathBuf,
        /// Why.
        source: serde_json::Error,
    },
    /// The file has no key.
    #[error("the credentials in `{}` hold no `api_key`", _0.display())]
    NoKey(PathBuf),
    /// Others may read the file.
    #[error("other users of this machine may open the credentials in `{}` (mode {mode:04o})", path.display())]
    Exposed {
        /// The file.
        path: PathBuf,
        /// Its permission bits.
        mode: u32,
    },
}

/// Where a key was looked for.
#[derive(Debug, thiserror::Error)]
pub enum Missing {
    /// No variable and no file.
    #[error("`{VARIABLE}` is not set and `{}` does not exist", _0.display())]
    File(PathBuf),
    /// No variable and no home.
    #[error("`{VARIABLE}` is not set, and without a home folder there is no `~/.pome/credentials.json` either")]
    Home,
}

impl Error {
    /// What to do about it.
    pub fn hints(&self) -> Vec<String> {
        match self {
            Self::Missing(_) => vec![
                format!("run `pome login`, or set `{VARIABLE}`"),
                "`pome run --local`, or `POME_LOCAL=1`, runs on this machine without an account".to_owned(),
            ],
            Self::Unreadable { .. } => Vec::new(),
            Self::NotValid { .. } | Self::NoKey(_) => vec!["run `pome login` to write them again".to_owned()],
            Self::Exposed { path, .. } => vec![format!("run `chmod 600 {}`", path.display())],
        }
    }
}

/// The key of this invocation: the value of [`VARIABLE`], else the stored one. Addresses are read from the file also when the
/// key is the variable's, as far as the file can be read.
pub fn resolve(variable: Option<&str>, home: Option<&Path>) -> Result<Credentials, Error> {
    if let Some(key) = variable.map(str::trim).filter(|key| !key.is_empty()) {
        let stored = home.and_then(|home| stored(home).ok().flatten()).map(|(_, stored)| stored);
        return Ok(Credentials {
            key: Secret::new(key),
            source: Source::Variable,
            // The stored team is that of the stored key.
            team_id: None,
            api_url: stored.as_ref().and_then(|stored| stored.api_url.clone()),
            dashboard_url: stored.and_then(|stored| stored.dashboard_url),
        });
    }
    let Some(home) = home else { return Err(Error::Missing(Missing::Home)) };
    match stored(home)? {
        Some((path, stored)) => Ok(Credentials {
            key: stored.api_key,
            source: Source::File(path),
            team_id: stored.team_id,
            api_url: stored.api_url,
            dashboard_url: stored.dashboard_url,
        }),
        None => Err(Error::Missing(Missing::File(file(home)))),
    }
}

/// Where credentials are stored.
pub fn file(home: &Path) -> PathBuf {
    home.join(".pome").join("credentials.json")
}

/// What is stored, when something is.
pub fn stored(home: &Path) -> Result<Option<(PathBuf, Stored)>, Error> {
    let path = file(home);
    let mut file = match File::open(&path) {
        Ok(file) => file,
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(None),
        Err(source) => return Err(Error::Unreadable { path, source }),
    };
    if let Some(mode) = exposed(&file).map_err(|source| Error::Unreadable { path: path.clone(), source })? {
        return Err(Error::Exposed { path, mode });
    }
    let mut bytes = Vec::new();
    if let Err(source) = file.read_to_end(&mut bytes) {
        return Err(Error::Unreadable { path, source });
    }
    let document: serde_json::Value = match serde_json::from_slice(&bytes) {
        Ok(document) => document,
        Err(source) => return Err(Error::NotValid { path, source }),
    };
    if document.is_object() && document.get("api_key").is_none_or(serde_json::Value::is_null) {
        return Err(Error::NoKey(path));
    }
    match serde_json::from_value::<Stored>(document) {
        Ok(mut stored) => {
            stored.api_key = Secret::new(stored.api_key.expose().trim());
            if stored.api_key.expose().is_empty() { Err(Error::NoKey(path)) } else { Ok(Some((path, stored))) }
        }
        Err(source) => Err(Error::NotValid { path, source }),
    }
}

/// Stores credentials in place of what is there, in a file that only its owner may read. Returns where.
pub fn store(home: &Path, stored: &Stored) -> io::Result<PathBuf> {
    let path = file(home);
    private_home(home)?;
    let mut text = serde_json::to_string_pretty(stored)?;
    text.push('\n');
    private_file(&path, &text)?;
    Ok(path)
}

/// Writes a file in place of what is there, in one step, so that only its owner may read it.
pub fn private_file(path: &Path, text: &str) -> io::Result<()> {
    let folder = path.parent().filter(|folder| !folder.as_os_str().is_empty()).unwrap_or(Path::new("."));
    // A temporary file is its owner's alone from the start.
    let mut temporary = tempfile::NamedTempFile::new_in(folder)?;
    temporary.write_all(text.as_bytes())?;
    temporary.as_file().sync_all()?;
    temporary.persist(path)?;
    Ok(())
}

/// Makes `~/.pome` when it does not exist, for its owner only.
pub fn private_home(home: &Path) -> io::Result<PathBuf> {
    let folder = home.join(".pome");
    private_folder(&folder)?;
    Ok(folder)
}

/// Removes what is stored. False: nothing was.
pub fn forget(home: &Path) -> io::Result<bool> {
    match fs::remove_file(file(home)) {
        Ok(()) => Ok(true),
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(false),
        Err(error) => Err(error),
    }
}

#[cfg(unix)]
fn private_folder(folder: &Path) -> io::Result<()> {
    use std::os::unix::fs::{DirBuilderExt as _, PermissionsExt as _};

    fs::DirBuilder::new().recursive(true).mode(0o700).create(folder)?;
    if fs::metadata(folder)?.permissions().mode() & 0o077 != 0 {
        fs::set_permissions(folder, fs::Permissions::from_mode(0o700))?;
    }
    Ok(())
}

#[cfg(not(unix))]
fn private_folder(folder: &Path) -> io::Result<()> {
    fs::create_dir_all(folder)
}

/// The permission bits, when they let anybody else in.
#[cfg(unix)]
fn exposed(file: &File) -> io::Result<Option<u32>> {
    use std::os::unix::fs::PermissionsExt as _;

    let mode = file.metadata()?.permissions().mode() & 0o777;
    Ok((mode & 0o077 != 0).then_some(mode))
}

#[cfg(not(unix))]
fn exposed(_file: &File) -> io::Result<Option<u32>> {
    Ok(None)
}

#[cfg(unix)]
#[cfg(test)]
mod tests {
    use super::*;
    use std::os::unix::fs::PermissionsExt as _;

    fn home(text: &str, mode: u32) -> tempfile::TempDir {
        let home = tempfile::tempdir().unwrap();
        fs::create_dir(home.path().join(".pome")).unwrap();
        fs::write(file(home.path()), text).unwrap();
        fs::set_permissions(file(home.path()), fs::Permissions::from_mode(mode)).unwrap();
        home
    }

    fn document(key: &str) -> Stored {
        Stored {
            api_key: Secret::new(key),
            api_url: Some("https://a.example".to_owned()),
            dashboard_url: None,
            team_id: None,
            created_at: None,
        }
    }

    #[test]
    fn a_private_file_with_a_key_is_accepted() {
        let home = home(r#"{"api_key":" k ","api_url":"https://a.example","later":1}"#, 0o600);
        let credentials = resolve(None, Some(home.path())).unwrap();
        assert_eq!(credentials.key.expose(), "k");
        assert_eq!(credentials.api_url.as_deref(), Some("https://a.example"));
    }

    #[test]
    fn a_file_that_others_may_read_is_refused_and_names_the_remedy() {
        for mode in [0o640, 0o604, 0o620, 0o601] {
            let home = home(r#"{"api_key":"k"}"#, mode);
            let error = resolve(None, Some(home.path())).unwrap_err();
            assert!(error.hints()[0].starts_with("run `chmod 600 "), "{error:?}");
        }
    }

    #[test]
    fn a_file_without_a_key_or_without_json_is_refused() {
        for text in ["{}", r#"{"api_key":" "}"#, r#"{"api_key":null}"#] {
            let home = home(text, 0o600);
            assert!(matches!(resolve(None, Some(home.path())), Err(Error::NoKey(_))), "{text}");
        }
        for text in ["not json", "[]", r#"{"api_key":1}"#] {
            let home = home(text, 0o600);
            assert!(matches!(resolve(None, Some(home.path())), Err(Error::NotValid { .. })), "{text}");
        }
    }

    #[test]
    fn the_variable_wins_and_a_blank_one_does_not_count() {
        let home = home(r#"{"api_key":"stored","team_id":"tm_1","api_url":"https://a.example"}"#, 0o600);
        let variable = resolve(Some(" key "), Some(home.path())).unwrap();
        assert_eq!((variable.key.expose(), &variable.source), ("key", &Source::Variable));
        assert_eq!((variable.team_id, variable.api_url.as_deref()), (None, Some("https://a.example")));
        let blank = resolve(Some("  "), Some(home.path())).unwrap();
        assert_eq!((blank.key.expose(), blank.team_id.as_deref()), ("stored", Some("tm_1")));
        let nowhere = resolve(None, Some(Path::new("/nowhere"))).unwrap_err();
        assert!(matches!(nowhere, Error::Missing(Missing::File(_))));
        assert!(nowhere.hints().concat().contains("POME_LOCAL=1"));
    }

    #[test]
    fn what_is_stored_is_private_replaced_as_a_whole_and_can_be_forgotten() {
        let home = tempfile::tempdir().unwrap();
        fs::create_dir(home.path().join(".pome")).unwrap();
        fs::set_permissions(home.path().join(".pome"), fs::Permissions::from_mode(0o755)).unwrap();
        store(home.path(), &document("first")).unwrap();
        let path = store(home.path(), &document("second")).unwrap();
        let mode = |path: &Path| fs::metadata(path).unwrap().permissions().mode() & 0o777;
        assert_eq!((mode(&path), mode(&home.path().join(".pome"))), (0o600, 0o700));
        assert_eq!(stored(home.path()).unwrap().unwrap().1, document("second"));
        assert!(fs::read_to_string(&path).unwrap().ends_with("}\n"));
        assert_eq!(fs::read_dir(home.path().join(".pome")).unwrap().count(), 1);
        assert!(forget(home.path()).unwrap());
        assert!(!forget(home.path()).unwrap());
    }
}
