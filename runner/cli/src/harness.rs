//! How a harness file is started: from its extension to program and arguments.

use std::path::{Path, PathBuf};

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;

use crate::failure::Failure;

/// Lets a Node that cannot strip types by itself load erasable TypeScript. It does nothing on one that can.
const NODE_HOOK: &str = include_str!("../templates/node-hook.mjs");

/// Program and arguments for the file. `project` is the folder of the project file, where a virtual environment may be.
pub(crate) fn argv(file: &Path, project: &Path) -> Result<Vec<String>, Failure> {
    if !file.is_file() {
        return Err(Failure::usage(format!("no harness at `{}`", file.display()))
            .hint("name the file with `--harness <path>`, or give a command with `--agent <command>`"));
    }
    let path = text(file)?;
    match file.extension().and_then(|extension| extension.to_str()).unwrap_or_default() {
        "py" => Ok(vec![text(&python(project))?, path]),
        "js" | "mjs" | "cjs" => Ok(vec!["node".to_owned(), path]),
        "ts" | "mts" => match tsx(file) {
            Some(tsx) => Ok(vec![text(&tsx)?, path]),
            None => Ok(vec!["node".to_owned(), "--import".to_owned(), module_url(NODE_HOOK), path]),
        },
        _ if is_executable(file) => Ok(vec![path]),
        _ => Err(Failure::usage(format!("harness `{}` cannot be started", file.display()))
            .cause("it is neither Python, JavaScript nor TypeScript, and not executable")
            .hint(format!("`chmod +x {}`, or give the whole command with `--agent`", file.display()))),
    }
}

/// The interpreter of a harness: that of the virtual environment in the folder, else the system's.
pub(crate) fn python(project: &Path) -> PathBuf {
    if cfg!(windows) {
        return PathBuf::from("python");
    }
    let own = project.join(".venv/bin/python");
    if own.is_file() { own } else { PathBuf::from("python3") }
}

/// The runner that the user installed, in the nearest folder upwards.
fn tsx(file: &Path) -> Option<PathBuf> {
    let start = file.canonicalize().ok()?;
    start.ancestors().skip(1).map(|folder| folder.join("node_modules/.bin/tsx")).find(|tsx| tsx.is_file())
}

/// The module as an address, so that nothing has to be written to disk. Comments and indentation stay behind.
fn module_url(source: &str) -> String {
    let lines = source.lines().map(str::trim_start).filter(|line| !line.starts_with("//"));
    let code = lines.collect::<Vec<_>>().join("\n");
    format!("data:text/javascript;base64,{}", STANDARD.encode(code))
}

fn text(path: &Path) -> Result<String, Failure> {
    path.to_str()
        .map(str::to_owned)
        .ok_or_else(|| Failure::usage(format!("the path `{}` is not UTF-8", path.display())))
}

#[cfg(unix)]
fn is_executable(file: &Path) -> bool {
    use std::os::unix::fs::PermissionsExt as _;
    file.metadata().is_ok_and(|metadata| metadata.permissions().mode() & 0o111 != 0)
}

#[cfg(not(unix))]
fn is_executable(file: &Path) -> bool {
    file.extension().is_some_and(|extension| extension == "exe")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn folder(files: &[&str]) -> tempfile::TempDir {
        let empty: Vec<(&str, &str)> = files.iter().map(|file| (*file, "")).collect();
        pome_tests::folder(&empty)
    }

    #[test]
    fn python_prefers_the_virtual_environment_of_the_project() {
        let plain = folder(&["harness.py"]);
        assert_eq!(argv(&plain.path().join("harness.py"), plain.path()).unwrap()[0], "python3");
        let own = folder(&["harness.py", ".venv/bin/python"]);
        assert!(argv(&own.path().join("harness.py"), own.path()).unwrap()[0].ends_with(".venv/bin/python"));
    }

    #[test]
    fn typescript_uses_an_installed_tsx_or_node_with_the_hook() {
        let plain = folder(&["agents/a.ts"]);
        let argv_of = |folder: &tempfile::TempDir| argv(&folder.path().join("agents/a.ts"), folder.path()).unwrap();
        let words = argv_of(&plain);
        assert_eq!(words[..2], ["node", "--import"]);
        assert!(words[2].starts_with("data:text/javascript;base64,"));
        let installed = folder(&["agents/a.ts", "node_modules/.bin/tsx"]);
        assert!(argv_of(&installed)[0].ends_with("node_modules/.bin/tsx"));
    }

    #[test]
    fn a_missing_file_and_a_file_nobody_can_start_are_usage_errors() {
        let folder = folder(&["agent.txt"]);
        for name in ["agent.txt", "nowhere.ts"] {
            let failure = argv(&folder.path().join(name), folder.path()).unwrap_err();
            assert_eq!(failure.exit, pome_wire::Exit::Usage, "{name}");
        }
    }
}
