//! What differs between two trees, file by file.

use super::{Error, Mode, Objects, Oid, paths, rename};

/// One version of a file: what a tree says at a path.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Side {
    pub mode: Mode,
    pub oid: Oid,
}

/// What happened to a file.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Status {
    Added,
    Removed,
    /// Other content or another executable bit.
    Modified,
    /// Another path, with the same or similar content.
    Renamed,
    /// A file became a link or a submodule, or the other way round.
    Changed,
}

impl Status {
    /// The word the vendor uses.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Added => "added",
            Self::Removed => "removed",
            Self::Modified => "modified",
            Self::Renamed => "renamed",
            Self::Changed => "changed",
        }
    }
}

/// One file that differs.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Change {
    /// Where the file is afterwards; for a removed file, where it was.
    pub path: String,
    /// Where it was before, when that is elsewhere.
    pub previous_path: Option<String>,
    pub status: Status,
    /// `None` for an added file.
    pub old: Option<Side>,
    /// `None` for a removed file.
    pub new: Option<Side>,
    /// How much of the content stayed, in percent; 100 for an exact rename.
    pub similarity: Option<u8>,
}

impl Change {
    /// The path on the old side.
    pub fn old_path(&self) -> &str {
        self.previous_path.as_deref().unwrap_or(&self.path)
    }

    /// The blob to show: the new one, or the old one of a removed file.
    pub fn blob(&self) -> Oid {
        self.new.or(self.old).map_or(Oid::ZERO, |side| side.oid)
    }
}

impl Objects {
    /// The files that differ, by path, with renames found as `git diff -M` finds them.
    pub fn diff_trees(&self, old: Oid, new: Oid) -> Result<Vec<Change>, Error> {
        rename::pair(self, self.diff_trees_plain(old, new)?)
    }

    /// The files that differ, by path; a rename is a removed and an added file.
    pub fn diff_trees_plain(&self, old: Oid, new: Oid) -> Result<Vec<Change>, Error> {
        let mut changes = Vec::new();
        self.diff_into(Some(old), Some(new), "", &mut changes)?;
        changes.sort_by(|a, b| a.path.cmp(&b.path));
        Ok(changes)
    }

    /// Compares two directories; equal subdirectories are not opened.
    fn diff_into(&self, old: Option<Oid>, new: Option<Oid>, at: &str, changes: &mut Vec<Change>) -> Result<(), Error> {
        let side =
            |tree: Option<Oid>| tree.map(|oid| self.tree(oid).cloned()).transpose().map(Option::unwrap_or_default);
        if old == new {
            return Ok(());
        }
        let (old, new) = (side(old)?, side(new)?);
        for entry in old.entries() {
            let before = Side { mode: entry.mode, oid: entry.oid };
            let after = new.get(&entry.name).map(|entry| Side { mode: entry.mode, oid: entry.oid });
            if Some(before) != after {
                self.diff_name(Some(before), after, paths::join(at, &entry.name), changes)?;
            }
        }
        for entry in new.entries().iter().filter(|entry| old.get(&entry.name).is_none()) {
            let after = Side { mode: entry.mode, oid: entry.oid };
            self.diff_name(None, Some(after), paths::join(at, &entry.name), changes)?;
        }
        Ok(())
    }

    fn diff_name(
        &self,
        old: Option<Side>,
        new: Option<Side>,
        path: String,
        changes: &mut Vec<Change>,
    ) -> Result<(), Error> {
        let directory = |side: Option<Side>| side.filter(|side| side.mode == Mode::Tree).map(|side| side.oid);
        if directory(old).is_some() || directory(new).is_some() {
            self.diff_into(directory(old), directory(new), &path, changes)?;
        }
        let file = |side: Option<Side>| side.filter(|side| side.mode != Mode::Tree);
        let (old, new) = (file(old), file(new));
        let status = match (old, new) {
            (None, None) => return Ok(()),
            (None, Some(_)) => Status::Added,
            (Some(_), None) => Status::Removed,
            (Some(old), Some(new)) if old.mode.same_type(new.mode) => Status::Modified,
            (Some(_), Some(_)) => Status::Changed,
        };
        changes.push(Change { path, previous_path: None, status, old, new, similarity: None });
        Ok(())
    }
}
