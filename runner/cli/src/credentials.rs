//! Who is calling the control plane: the variable, else the stored file, else nobody.

use std::fs;
use std::path::{Path, PathBuf};

use serde::Deserialize;

use crate::environment::Environment;
use crate::failure::Failure;

/// An API key and where it came from. Never printed.
#[derive(Clone)]
pub(crate) struct Credentials {
    pub(crate) source: Source,
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Source {
    Variable,
    File(PathBuf),
}

#[derive(Deserialize)]
struct Stored {
    api_key: Option<String>,
}

/// The credentials of this invocation. Every way of not having them is an authentication failure.
pub(crate) fn resolve(environment: &Environment) -> Result<Credentials, Failure> {
    if environment.get("POME_API_KEY").is_some() {
        return Ok(Credentials { source: Source::Variable });
    }
    let Some(path) = file(environment) else { return Err(missing(None)) };
    match fs::read(&path) {
        Ok(bytes) => {
            check_mode(&path)?;
            let stored: Stored = serde_json::from_slice(&bytes).map_err(|error| {
                Failure::auth(format!("the credentials in `{}` are not valid", path.display()))
                    .because(&error)
                    .hint("run `pome login` to write them again")
            })?;
            match stored.api_key {
                Some(key) if !key.trim().is_empty() => Ok(Credentials { source: Source::File(path) }),
                _ => Err(Failure::auth(format!("the credentials in `{}` hold no `api_key`", path.display()))
                    .hint("run `pome login` to write them again")),
            }
        }
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => Err(missing(Some(&path))),
        Err(error) => {
            Err(Failure::auth(format!("the credentials in `{}` cannot be read", path.display())).because(&error))
        }
    }
}

/// Where credentials are stored.
fn file(environment: &Environment) -> Option<PathBuf> {
    Some(environment.home()?.join(".pome").join("credentials.json"))
}

fn missing(path: Option<&Path>) -> Failure {
    let failure = Failure::auth("not signed in: no API key found");
    let failure = match path {
        Some(path) => failure.cause(format!("`POME_API_KEY` is not set and `{}` does not exist", path.display())),
        None => failure.cause(
            "`POME_API_KEY` is not set, and without a home folder there is no `~/.pome/credentials.json` either",
        ),
    };
    failure
        .hint("run `pome login`, or set `POME_API_KEY`")
        .hint("`pome run --local`, or `POME_LOCAL=1`, runs on this machine without an account")
}

#[cfg(unix)]
fn check_mode(path: &Path) -> Result<(), Failure> {
    use std::os::unix::fs::PermissionsExt as _;

    let mode = fs::metadata(path)
        .map_err(|error| Failure::auth(format!("`{}` cannot be read", path.display())).because(&error))?
        .permissions()
        .mode();
    let others = mode & 0o077;
    if others == 0 {
        return Ok(());
    }
    Err(Failure::auth(format!(
        "other users of this machine may open the credentials in `{}` (mode {:04o})",
        path.display(),
        mode & 0o777
    ))
    .hint(format!("run `chmod 600 {}`", path.display())))
}

#[cfg(not(unix))]
fn check_mode(_path: &Path) -> Result<(), Failure> {
    Ok(())
}

#[cfg(all(test, unix))]
mod tests {
    use super::*;
    use pome_wire::Exit;
    use std::os::unix::fs::PermissionsExt as _;

    fn stored(text: &str, mode: u32) -> (tempfile::TempDir, Environment) {
        let home = tempfile::tempdir().unwrap();
        let folder = home.path().join(".pome");
        fs::create_dir(&folder).unwrap();
        let path = folder.join("credentials.json");
        fs::write(&path, text).unwrap();
        fs::set_permissions(&path, fs::Permissions::from_mode(mode)).unwrap();
        let environment = Environment::of([("HOME", home.path().to_str().unwrap())]);
        (home, environment)
    }

    #[test]
    fn a_private_file_with_a_key_is_accepted() {
        let (_home, environment) = stored(r#"{"api_key":"k"}"#, 0o600);
        assert!(resolve(&environment).is_ok());
    }

    #[test]
    fn a_file_that_others_may_read_is_refused_and_names_the_remedy() {
        let (_home, environment) = stored(r#"{"api_key":"k"}"#, 0o640);
        let failure = resolve(&environment).err().unwrap();
        assert_eq!(failure.exit, Exit::Auth);
        assert!(failure.hints[0].starts_with("run `chmod 600 "), "{failure:?}");
    }

    #[test]
    fn a_file_without_a_key_or_without_json_is_an_authentication_failure() {
        for text in ["{}", r#"{"api_key":" "}"#, "not json"] {
            let (_home, environment) = stored(text, 0o600);
            assert_eq!(resolve(&environment).err().unwrap().exit, Exit::Auth, "{text}");
        }
    }

    #[test]
    fn the_variable_wins_and_a_blank_one_does_not_count() {
        let set = Environment::of([("POME_API_KEY", " key ")]);
        assert_eq!(resolve(&set).ok().unwrap().source, Source::Variable);
        let blank = Environment::of([("POME_API_KEY", "  "), ("HOME", "/nowhere")]);
        let failure = resolve(&blank).err().unwrap();
        assert_eq!(failure.exit, Exit::Auth);
        assert!(failure.causes[0].contains("/nowhere/.pome/credentials.json"));
        assert!(failure.hints.concat().contains("POME_LOCAL=1"));
    }
}
