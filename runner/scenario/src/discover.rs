//! From a path to the scenario files behind it, in order.

use std::fs;
use std::path::{Path, PathBuf};

use crate::error::{Error, Problem};
use crate::markdown::looks_like_a_scenario;

/// The files behind a path.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Discovery {
    /// In byte order of their names; at least one.
    pub files: Vec<PathBuf>,
    /// Markdown files that are no scenarios.
    pub skipped: Vec<Skipped>,
}

/// A Markdown file that is no scenario.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Skipped {
    /// The file.
    pub path: PathBuf,
}

impl Skipped {
    /// Why it was skipped, as a note.
    pub fn note(&self) -> String {
        format!("skipped `{}`: it has neither a prompt nor criteria", self.path.display())
    }
}

/// The file itself, or the `.md` files directly in the folder. A Markdown file in a folder that has neither a prompt nor criteria,
/// such as a README, is skipped; one that has only one of the two is a malformed scenario.
pub fn discover(path: &Path) -> Result<Discovery, Error> {
    let failed = |source: std::io::Error| {
        let missing = source.kind() == std::io::ErrorKind::NotFound;
        Error::new(path, if missing { Problem::NotFound } else { Problem::Read(source) })
    };
    if !fs::metadata(path).map_err(failed)?.is_dir() {
        return Ok(Discovery { files: vec![path.to_owned()], skipped: Vec::new() });
    }
    let mut candidates = Vec::new();
    for entry in fs::read_dir(path).map_err(failed)? {
        let entry = entry.map_err(failed)?;
        let file = entry.path();
        if file.extension().is_some_and(|extension| extension == "md") && file.is_file() {
            candidates.push((entry.file_name(), file));
        }
    }
    candidates.sort_by(|(left, _), (right, _)| left.as_encoded_bytes().cmp(right.as_encoded_bytes()));
    let (mut files, mut skipped) = (Vec::new(), Vec::new());
    for (_, file) in candidates {
        // A file that cannot be read or is not text stays in the list: reading it later says what is wrong.
        match fs::read_to_string(&file) {
            Ok(text) if !looks_like_a_scenario(&text) => skipped.push(Skipped { path: file }),
            _ => files.push(file),
        }
    }
    if files.is_empty() {
        return Err(Error::new(path, Problem::NoScenario));
    }
    Ok(Discovery { files, skipped })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_folder_gives_its_scenarios_in_byte_order_and_skips_other_markdown() {
        let folder = tempfile::tempdir().unwrap();
        let write = |name: &str, text: &str| fs::write(folder.path().join(name), text).unwrap();
        for name in ["b.md", "B.md", "a-10.md", "a-2.md"] {
            write(name, "## Prompt\nx\n## Checks\n- [D] y");
        }
        write("README.md", "# Scenarios\n## How to\n");
        write("half.md", "## Prompt\nx");
        write("a.seed.json", "{}");
        fs::create_dir(folder.path().join("deeper.md")).unwrap();
        let found = discover(folder.path()).unwrap();
        let names = |files: &[PathBuf]| {
            files.iter().map(|file| file.file_name().unwrap().to_string_lossy().into_owned()).collect::<Vec<_>>()
        };
        assert_eq!(names(&found.files), ["B.md", "a-10.md", "a-2.md", "b.md", "half.md"]);
        assert_eq!(found.skipped, [Skipped { path: folder.path().join("README.md") }]);
    }

    #[test]
    fn a_file_is_itself_whatever_its_name() {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("x.txt");
        fs::write(&file, "").unwrap();
        assert_eq!(discover(&file).unwrap().files, [file]);
    }

    #[test]
    fn nothing_there_is_an_error_with_a_remedy() {
        let folder = tempfile::tempdir().unwrap();
        assert!(matches!(discover(folder.path()).unwrap_err().problem, Problem::NoScenario));
        let error = discover(Path::new("nowhere/at-all.md")).unwrap_err();
        assert_eq!(error.to_string(), "nowhere/at-all.md: no scenario there");
        assert_eq!(error.hint(), "scenarios live in `scenarios/`; `pome init` creates one");
    }
}
