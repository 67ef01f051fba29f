//! Reading and editing directories by path. An edit rewrites only the directories on the way.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use super::{Entry, Error, Mode, Objects, Oid, Side, paths};

/// What should happen at one path.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Edit {
    /// Something of this mode shall be there, in place of whatever was.
    Put(Mode, Oid),
    /// What is there, file or directory, shall go; it must exist.
    Delete,
}

impl Objects {
    /// What stands at a path of a tree; the empty path is the tree itself. `None` when nothing does.
    pub fn entry_at(&self, tree: Oid, path: &str) -> Result<Option<Side>, Error> {
        let mut found = Side { mode: Mode::Tree, oid: tree };
        for component in path.split('/').filter(|component| !component.is_empty()) {
            if found.mode != Mode::Tree {
                return Ok(None);
            }
            match self.tree(found.oid)?.get(component) {
                Some(entry) => found = Side { mode: entry.mode, oid: entry.oid },
                None => return Ok(None),
            }
        }
        self.tree(tree)?;
        Ok(Some(found))
    }

    /// The bytes of the file or link at a path.
    pub fn file_at(&self, tree: Oid, path: &str) -> Result<Option<&Arc<[u8]>>, Error> {
        match self.entry_at(tree, path)? {
            Some(side) if matches!(side.mode, Mode::File | Mode::Executable | Mode::Link) => {
                self.blob(side.oid).map(Some)
            }
            _ => Ok(None),
        }
    }

    /// The directory at a path, in git's order. `None` when nothing or no directory is there.
    pub fn directory_at(&self, tree: Oid, path: &str) -> Result<Option<&[Entry]>, Error> {
        match self.entry_at(tree, path)? {
            Some(side) if side.mode == Mode::Tree => Ok(Some(self.tree(side.oid)?.entries())),
            _ => Ok(None),
        }
    }

    /// Everything below a tree with its full path, a directory before what it holds: the order of `git ls-tree -r -t`.
    pub fn walk(&self, tree: Oid) -> Result<Vec<(String, Side)>, Error> {
        let mut all = Vec::new();
        self.walk_into(tree, "", &mut all)?;
        Ok(all)
    }

    /// Everything below a tree that is no directory: the order of `git ls-tree -r`.
    pub fn files(&self, tree: Oid) -> Result<Vec<(String, Side)>, Error> {
        let mut all = self.walk(tree)?;
        all.retain(|(_, side)| side.mode != Mode::Tree);
        Ok(all)
    }

    /// The tree with one file written; its mode is kept when it was a file before.
    pub fn put_file(&mut self, tree: Oid, path: &str, bytes: impl Into<Arc<[u8]>>) -> Result<Oid, Error> {
        let mode = match self.entry_at(tree, path)? {
            Some(Side { mode: mode @ (Mode::File | Mode::Executable), .. }) => mode,
            _ => Mode::File,
        };
        let oid = self.add_blob(bytes);
        self.edit_tree(tree, &BTreeMap::from([(path.to_owned(), Edit::Put(mode, oid))]))
    }

    /// The tree without what stands at the path; directories left empty go too.
    pub fn delete_path(&mut self, tree: Oid, path: &str) -> Result<Oid, Error> {
        self.edit_tree(tree, &BTreeMap::from([(path.to_owned(), Edit::Delete)]))
    }

    /// The tree with all edits applied at once. Paths are normalised first.
    ///
    /// A file on the way of a new path gives way to a directory. Two edits that need a file and a directory at one path are a clash; deleting
    /// a file and writing below it is not.
    pub fn edit_tree(&mut self, tree: Oid, edits: &BTreeMap<String, Edit>) -> Result<Oid, Error> {
        let mut list = Vec::with_capacity(edits.len());
        for (path, edit) in edits {
            let path = paths::normalise(path)?;
            if path.is_empty() {
                return Err(Error::MalformedPath { path });
            }
            list.push((path, *edit));
        }
        let list: Vec<(&str, Edit)> = list.iter().map(|(path, edit)| (path.as_str(), *edit)).collect();
        self.tree(tree)?;
        Ok(self.edited(Some(tree), "", &list)?.unwrap_or(Self::EMPTY_TREE))
    }

    /// `None` when the directory has become empty. Edits are relative to the directory, which stands at `at`.
    fn edited(&mut self, tree: Option<Oid>, at: &str, edits: &[(&str, Edit)]) -> Result<Option<Oid>, Error> {
        let old = tree.map(|oid| self.tree(oid).cloned()).transpose()?.unwrap_or_default();
        let mut touched: BTreeMap<&str, Touched<'_>> = BTreeMap::new();
        for (path, edit) in edits {
            match path.split_once('/') {
                Some((name, rest)) => touched.entry(name).or_default().below.push((rest, *edit)),
                None if touched.entry(path).or_default().here.replace(*edit).is_some() => {
                    return Err(Error::PathClash { path: paths::join(at, path) });
                }
                None => {}
            }
        }
        let names: BTreeSet<&str> = touched.keys().copied().collect();
        let mut entries: Vec<Entry> =
            old.entries().iter().filter(|entry| !names.contains(&*entry.name)).cloned().collect();
        for (name, Touched { here, below }) in touched {
            let path = paths::join(at, name);
            let mut entry = old.get(name).cloned();
            match here {
                Some(Edit::Put(..)) if !below.is_empty() => return Err(Error::PathClash { path }),
                Some(Edit::Put(mode, oid)) => entry = Some(Entry { name: Arc::from(name), mode, oid }),
                Some(Edit::Delete) if entry.is_none() => return Err(Error::UnknownPath { path }),
                Some(Edit::Delete) => entry = None,
                None => {}
            }
            if !below.is_empty() {
                let directory = entry.as_ref().filter(|entry| entry.mode == Mode::Tree).map(|entry| entry.oid);
                entry = self.edited(directory, &path, &below)?.map(|oid| Entry {
                    name: Arc::from(name),
                    mode: Mode::Tree,
                    oid,
                });
            }
            if let Some(entry) = entry {
                self.check_entry(&entry)?;
                entries.push(entry);
            }
        }
        // The entries that stay were checked when they came.
        Ok(if entries.is_empty() { None } else { Some(self.add_checked_tree(entries)) })
    }

    fn walk_into(&self, tree: Oid, at: &str, all: &mut Vec<(String, Side)>) -> Result<(), Error> {
        for entry in self.tree(tree)?.entries() {
            let path = paths::join(at, &entry.name);
            all.push((path.clone(), Side { mode: entry.mode, oid: entry.oid }));
            if entry.mode == Mode::Tree {
                self.walk_into(entry.oid, &path, all)?;
            }
        }
        Ok(())
    }
}

/// The edits that concern one name of a directory.
#[derive(Default)]
struct Touched<'a> {
    here: Option<Edit>,
    below: Vec<(&'a str, Edit)>,
}
