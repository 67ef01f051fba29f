//! Where the twins of a scenario come from: built in, or a component file beside the scenario.

use std::path::{Path, PathBuf};

/// Knows the twins that a scenario may use beside [`KNOWN_TWINS`](crate::KNOWN_TWINS).
pub trait Twins {
    /// Further ids that a scenario may name.
    fn ids(&self) -> Vec<String>;

    /// The id of the twin in a component file.
    fn id_of(&mut self, file: &Path) -> Result<String, NoTwin>;
}

/// Why a file gives no twin.
#[derive(Debug)]
pub struct NoTwin {
    /// What is wrong with it.
    pub source: Box<dyn std::error::Error + Send + Sync>,
    /// What to do about it.
    pub hint: String,
}

/// For those who look at scenarios without running anything, of twins that are built in.
#[derive(Debug, Clone, Copy)]
pub struct BuiltInOnly;

impl Twins for BuiltInOnly {
    fn ids(&self) -> Vec<String> {
        Vec::new()
    }

    fn id_of(&mut self, _file: &Path) -> Result<String, NoTwin> {
        Err(NoTwin {
            source: "component files are only used in local runs".into(),
            hint: "run it with `pome run --local`".to_owned(),
        })
    }
}

/// Whether an entry of `twins` is the path of a component and not the id of a twin: it contains a slash or ends in `.wasm`.
pub fn is_path(entry: &str) -> bool {
    entry.contains(['/', '\\']) || Path::new(entry).extension().is_some_and(|extension| extension == "wasm")
}

/// The file that an entry of a scenario means.
pub(crate) fn file_of(scenario: &Path, entry: &str) -> PathBuf {
    scenario.parent().unwrap_or(Path::new("")).join(entry)
}

/// A twin's id as its variables spell it: those of `my-twin` and `my_twin` are the same.
pub(crate) fn same_variables(left: &str, right: &str) -> bool {
    pome_wire::env::rest_url(left) == pome_wire::env::rest_url(right)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_slash_or_the_ending_makes_a_path() {
        for path in ["./a.wasm", "a.wasm", "../x/y", "/abs/twin.wasm", "..\\twin.wasm"] {
            assert!(is_path(path), "{path}");
        }
        for id in ["github", "help-desk", "my_twin2", "wasm"] {
            assert!(!is_path(id), "{id}");
        }
    }

    #[test]
    fn a_path_starts_at_the_folder_of_the_scenario() {
        assert_eq!(file_of(Path::new("scenarios/01.md"), "../twin.wasm"), Path::new("scenarios/../twin.wasm"));
        assert_eq!(file_of(Path::new("01.md"), "./twin.wasm"), Path::new("./twin.wasm"));
    }
}
