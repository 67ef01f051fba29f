//! `.pome/link.json`: which agent of which team a project is, so that it need not be asked for each time.

use std::fs;
use std::io;
use std::path::{Path, PathBuf};

use pome_wire::time;
use serde::{Deserialize, Serialize};

/// The agent of a project.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Link {
    /// `agt_...`
    pub(crate) agent_id: String,
    /// Whose it is.
    pub(crate) team_id: String,
    /// Since when.
    pub(crate) resolved_at: String,
}

/// Where that is kept.
pub(crate) fn file(folder: &Path) -> PathBuf {
    folder.join(".pome").join("link.json")
}

/// Whether there is anything to read.
pub(crate) fn exists(folder: &Path) -> bool {
    file(folder).is_file()
}

/// The agent of the project in this folder, when it belongs to the team. What cannot be read is as good as absent.
pub(crate) fn read(folder: &Path, team: &str) -> Option<Link> {
    let bytes = fs::read(file(folder)).ok()?;
    let link: Link = serde_json::from_slice(&bytes).ok()?;
    (link.team_id == team && !link.agent_id.is_empty()).then_some(link)
}

/// Remembers the agent of the project in this folder, and keeps that out of git.
pub(crate) fn write(folder: &Path, agent_id: &str, team_id: &str) -> io::Result<()> {
    let link = Link { agent_id: agent_id.to_owned(), team_id: team_id.to_owned(), resolved_at: time::now() };
    let mut text = serde_json::to_string_pretty(&link)?;
    text.push('\n');
    fs::create_dir_all(folder.join(".pome"))?;
    fs::write(file(folder), text)?;
    ignore(folder)
}

fn ignore(folder: &Path) -> io::Result<()> {
    let path = folder.join(".gitignore");
    let text = match fs::read_to_string(&path) {
        Ok(text) => text,
        Err(error) if error.kind() == io::ErrorKind::NotFound => String::new(),
        Err(error) => return Err(error),
    };
    let is_ours = |line: &str| matches!(line.trim().trim_start_matches('/').trim_end_matches('/'), ".pome" | ".pome/*");
    if text.lines().any(is_ours) {
        return Ok(());
    }
    let gap = if text.is_empty() || text.ends_with('\n') { "" } else { "\n" };
    fs::write(path, format!("{text}{gap}.pome/\n"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_link_counts_for_its_own_team_and_stays_out_of_git() {
        let folder = tempfile::tempdir().unwrap();
        fs::write(folder.path().join(".gitignore"), "node_modules").unwrap();
        write(folder.path(), "agt_1", "tm_1").unwrap();
        write(folder.path(), "agt_2", "tm_1").unwrap();
        assert_eq!(read(folder.path(), "tm_1").unwrap().agent_id, "agt_2");
        assert_eq!(read(folder.path(), "tm_2"), None);
        assert_eq!(fs::read_to_string(folder.path().join(".gitignore")).unwrap(), "node_modules\n.pome/\n");
    }

    #[test]
    fn a_broken_link_is_no_link() {
        let folder = tempfile::tempdir().unwrap();
        fs::create_dir(folder.path().join(".pome")).unwrap();
        fs::write(folder.path().join(".pome/link.json"), "{").unwrap();
        assert_eq!(read(folder.path(), "tm_1"), None);
    }
}
