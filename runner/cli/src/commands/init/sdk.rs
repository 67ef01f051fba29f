//! Whether the harness SDK is there for the harness that is about to be written.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::thread;
use std::time::{Duration, Instant};

use serde::Serialize;

use crate::args::LanguageName;
use crate::harness;

/// How long an interpreter may take to say what it has.
const PATIENCE: Duration = Duration::from_secs(5);
const STEP: Duration = Duration::from_millis(10);

/// Looks for the module without running anything of it.
const ASK_PYTHON: &str = "import importlib.util, sys; sys.exit(0 if importlib.util.find_spec('pome_harness') else 7)";

/// What was found, and where or why not.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub(super) struct Sdk {
    pub(super) installed: bool,
    /// For the report: `found in node_modules/pome-harness`.
    pub(super) reason: String,
}

impl Sdk {
    /// Looks where the harness of this folder will look.
    pub(super) fn look(language: LanguageName, folder: &Path) -> Self {
        match language {
            LanguageName::Ts => node(folder),
            LanguageName::Python => python(folder),
        }
    }

    /// How the package is installed.
    pub(super) const fn install(language: LanguageName) -> &'static str {
        match language {
            LanguageName::Ts => "npm install pome-harness",
            LanguageName::Python => "pip install pome-harness",
        }
    }

    fn found(place: &str) -> Self {
        Self { installed: true, reason: format!("found in {place}") }
    }

    fn missing(reason: String) -> Self {
        Self { installed: false, reason }
    }
}

/// The nearest `node_modules` upwards that has the package, as Node resolves it.
fn node(folder: &Path) -> Sdk {
    const PACKAGE: &str = "node_modules/pome-harness";
    for (up, above) in folder.ancestors().enumerate() {
        if above.join(PACKAGE).join("package.json").is_file() {
            return Sdk::found(&format!("{}{PACKAGE}", "../".repeat(up)));
        }
    }
    Sdk::missing("no `node_modules` here or above has `pome-harness`".to_owned())
}

/// What the interpreter has that will start the harness: that of `.venv`, else the system's.
fn python(folder: &Path) -> Sdk {
    let interpreter = harness::python(folder);
    let own = interpreter.starts_with(folder);
    if own && let Some(place) = site_package(&folder.join(".venv")) {
        let place = place.strip_prefix(folder).unwrap_or(&place).display().to_string();
        return Sdk::found(&place);
    }
    let shown = interpreter.strip_prefix(folder).unwrap_or(&interpreter).display().to_string();
    match ask(&interpreter, folder) {
        Some(true) => Sdk::found(&format!("what `{shown}` imports")),
        Some(false) => Sdk::missing(format!("`{shown}` has no `pome_harness`")),
        None => Sdk::missing(format!("`{shown}` could not be asked for `pome_harness`")),
    }
}

/// The package in a virtual environment, on Unix below the version of Python.
fn site_package(venv: &Path) -> Option<PathBuf> {
    let versions = fs::read_dir(venv.join("lib")).into_iter().flatten().flatten().map(|entry| entry.path());
    let candidates = versions.map(|version| version.join("site-packages")).chain([venv.join("Lib/site-packages")]);
    candidates.map(|site| site.join("pome_harness")).find(|package| package.join("__init__.py").is_file())
}

/// Asks with the search path that agents get, which is without `PYTHONPATH`. `None`: it cannot be started, or takes too long.
fn ask(interpreter: &Path, folder: &Path) -> Option<bool> {
    let mut child = Command::new(interpreter)
        .args(["-c", ASK_PYTHON])
        .current_dir(folder)
        .env_remove("PYTHONPATH")
        .stdin(Stdio::null())
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .spawn()
        .ok()?;
    let deadline = Instant::now() + PATIENCE;
    loop {
        match child.try_wait() {
            Ok(Some(status)) => {
                return match status.code() {
                    Some(0) => Some(true),
                    Some(7) => Some(false),
                    _ => None,
                };
            }
            Ok(None) if Instant::now() < deadline => thread::sleep(STEP),
            Ok(None) | Err(_) => {
                let _ = child.kill();
                let _ = child.wait();
                return None;
            }
        }
    }
}
