//! Finds the project file: the nearest folder upwards that has one, in any of its spellings.

use std::fs;
use std::io::ErrorKind;
use std::path::{Path, PathBuf};

use pome_wire::project::{Mode as ProjectMode, Project, Spelling};
use serde_json::Value;

use crate::failure::Failure;
use crate::mode::Mode;
use crate::render::Console;

/// A project file that was found and understood.
#[derive(Debug)]
pub(crate) struct Found {
    pub(crate) project: Project,
    pub(crate) path: PathBuf,
    /// The folder of the file: relative paths in it start here.
    pub(crate) folder: PathBuf,
    /// Other project files in the same folder, which do not count.
    pub(crate) ignored: Vec<&'static str>,
}

impl Found {
    /// A path of the file, from where it is meant.
    pub(crate) fn resolve(&self, path: &str) -> PathBuf {
        self.folder.join(path)
    }

    pub(crate) fn mode(&self) -> Option<Mode> {
        self.project.mode.map(|mode| match mode {
            ProjectMode::Local => Mode::Local,
            ProjectMode::Hosted => Mode::Hosted,
        })
    }

    /// What is odd about the file without being wrong.
    pub(crate) fn warnings(&self) -> Vec<String> {
        let winner = self.path.file_name().unwrap_or_default().to_string_lossy().into_owned();
        let mut warnings: Vec<String> =
            self.ignored.iter().map(|name| format!("`{name}` is ignored: `{winner}` takes precedence")).collect();
        if let (Some(framework), Some(known)) = (&self.project.agent.framework, self.project.framework_suggestion()) {
            warnings.push(format!("`{winner}`: unknown framework `{framework}`, did you mean `{known}`?"));
        }
        warnings
    }
}

/// The project around the folder, with its warnings printed; nothing when no folder upwards has a project file.
pub(crate) fn find(start: &Path, console: &Console) -> Result<Option<Found>, Failure> {
    let found = discover(start)?;
    for warning in found.iter().flat_map(Found::warnings) {
        console.warn(&warning);
    }
    Ok(found)
}

/// The project around the folder.
pub(crate) fn discover(start: &Path) -> Result<Option<Found>, Failure> {
    for folder in start.ancestors() {
        let present: Vec<Spelling> =
            Spelling::ALL.into_iter().filter(|spelling| folder.join(spelling.file_name()).is_file()).collect();
        if let Some((&spelling, others)) = present.split_first() {
            return read(folder, spelling, others).map(Some);
        }
    }
    Ok(None)
}

fn read(folder: &Path, spelling: Spelling, others: &[Spelling]) -> Result<Found, Failure> {
    let yaml = others.iter().copied().chain([spelling]).find(|spelling| spelling.is_yaml());
    let json = others.iter().copied().chain([spelling]).any(|spelling| spelling == Spelling::PomeJson);
    if let (true, Some(yaml)) = (json, yaml) {
        let (json, yaml) = (Spelling::PomeJson.file_name(), yaml.file_name());
        return Err(Failure::usage(format!("`{}` has both `{json}` and `{yaml}`", folder.display()))
            .cause("neither takes precedence over the other")
            .hint("keep one of them"));
    }
    let path = folder.join(spelling.file_name());
    let document = decode(&path, spelling)?;
    let project = Project::read(spelling, document).map_err(|error| invalid(&path, &error))?;
    let ignored = others.iter().map(|spelling| spelling.file_name()).collect();
    Ok(Found { project, path, folder: folder.to_path_buf(), ignored })
}

fn decode(path: &Path, spelling: Spelling) -> Result<Value, Failure> {
    let text = fs::read_to_string(path).map_err(|error| match error.kind() {
        ErrorKind::InvalidData => invalid(path, &error),
        _ => Failure::usage(format!("the project file `{}` cannot be read", path.display())).because(&error),
    })?;
    if spelling.is_yaml() {
        serde_norway::from_str(&text).map_err(|error| invalid(path, &error))
    } else {
        serde_json::from_str(&text).map_err(|error| invalid(path, &error))
    }
}

fn invalid(path: &Path, error: &dyn std::error::Error) -> Failure {
    Failure::usage(format!("the project file `{}` is not valid", path.display())).because(error)
}

#[cfg(test)]
mod tests {
    use pome_tests::folder;

    use super::*;

    #[test]
    fn the_nearest_folder_with_a_project_file_wins() {
        let folder = folder(&[
            (".pome.json", r#"{"mode":"hosted"}"#),
            ("inner/.pome.json", r#"{"mode":"oss"}"#),
            ("inner/deep/x", ""),
        ]);
        let found = discover(&folder.path().join("inner/deep")).unwrap().unwrap();
        assert_eq!(found.mode(), Some(Mode::Local));
        assert_eq!(found.folder, folder.path().join("inner"));
    }

    #[test]
    fn the_dotted_name_takes_precedence_and_the_others_are_named() {
        let folder = folder(&[(".pome.json", "{}"), ("pome.config.json", "{}"), ("pome.yaml", "agent: {slug: a}")]);
        let found = discover(folder.path()).unwrap().unwrap();
        assert_eq!(found.ignored, ["pome.config.json", "pome.yaml"]);
        assert_eq!(found.warnings()[0], "`pome.config.json` is ignored: `.pome.json` takes precedence");
    }

    #[test]
    fn json_and_yaml_of_the_same_spelling_are_an_error() {
        for dotted in [None, Some((".pome.json", "{}"))] {
            let mut files = vec![("pome.json", r#"{"agent":{"slug":"a"}}"#), ("pome.yml", "agent: {slug: a}")];
            files.extend(dotted);
            let folder = folder(&files);
            let failure = discover(folder.path()).unwrap_err();
            assert_eq!(failure.exit, pome_wire::Exit::Usage);
            assert!(failure.message.contains("both `pome.json` and `pome.yml`"));
        }
    }

    #[test]
    fn a_broken_file_is_a_usage_error_that_names_it() {
        for (name, text) in [(".pome.json", "{"), (".pome.json", "[]"), ("pome.yaml", "a: [")] {
            let folder = folder(&[(name, text)]);
            let failure = discover(folder.path()).unwrap_err();
            assert_eq!(failure.exit, pome_wire::Exit::Usage);
            assert!(failure.message.contains(name), "{failure:?}");
        }
    }

    #[test]
    fn a_yaml_file_is_understood() {
        let folder = folder(&[("pome.yml", "command: node agent.js\nagent:\n  slug: my-bot\n")]);
        let found = discover(folder.path()).unwrap().unwrap();
        assert_eq!(found.project.command.as_deref(), Some("node agent.js"));
    }
}
