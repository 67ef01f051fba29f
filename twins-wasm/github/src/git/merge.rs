//! Three-way merges of trees and what is built from them: merge commits, squashes and rebases.

use std::collections::{BTreeMap, BTreeSet};

use super::{Change, Commit, Edit, Error, Mode, Objects, Oid, Side, Signature, Status, is_binary, merge_lines, paths};

/// What became of merging trees.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Merge {
    /// The merged tree.
    Clean(Oid),
    /// The paths on which both sides disagree, in order.
    Conflicts(Vec<String>),
}

impl Merge {
    /// The merged tree, if there is one.
    pub fn tree(&self) -> Option<Oid> {
        match self {
            Self::Clean(tree) => Some(*tree),
            Self::Conflicts(_) => None,
        }
    }
}

/// What became of merging `theirs` into `ours`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum MergeCommits {
    /// `theirs` is contained in `ours`: nothing to do.
    UpToDate,
    /// `ours` is contained in `theirs`: the tree is that of `theirs`, and a merge commit is a matter of taste.
    FastForward { tree: Oid },
    /// Both went on; the tree of the merge commit.
    Merged { tree: Oid },
    /// Both changed these paths.
    Conflicts(Vec<String>),
}

impl MergeCommits {
    /// The resulting tree; `None` when there is nothing to merge or a conflict.
    pub fn tree(&self) -> Option<Oid> {
        match self {
            Self::FastForward { tree } | Self::Merged { tree } => Some(*tree),
            Self::UpToDate | Self::Conflicts(_) => None,
        }
    }

    /// Whether the two do not stand in each other's way.
    pub fn is_mergeable(&self) -> bool {
        !matches!(self, Self::Conflicts(_))
    }
}

/// What became of replaying commits.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Replay {
    /// The new tip and the new commits, oldest first; commits that had nothing left to say are not among them.
    Clean { tip: Oid, commits: Vec<Oid> },
    /// This commit does not apply.
    Conflicts { commit: Oid, paths: Vec<String> },
}

impl Objects {
    /// Merges what `theirs` did since the common history into `ours`: how a pull request stands (`ours` is the base branch) and the tree of its merge commit or squash.
    /// Only trees and blobs are stored.
    pub fn merge_commits(&mut self, ours: Oid, theirs: Oid) -> Result<MergeCommits, Error> {
        if self.is_ancestor(theirs, ours)? {
            return Ok(MergeCommits::UpToDate);
        }
        if self.is_ancestor(ours, theirs)? {
            return Ok(MergeCommits::FastForward { tree: self.commit(theirs)?.tree });
        }
        let base = self.common_tree(ours, theirs)?;
        let (ours, theirs) = (self.commit(ours)?.tree, self.commit(theirs)?.tree);
        Ok(match self.merge_trees(base, ours, theirs)? {
            Merge::Clean(tree) => MergeCommits::Merged { tree },
            Merge::Conflicts(paths) => MergeCommits::Conflicts(paths),
        })
    }

    /// Applies the commits, oldest first, on top of `onto` under a new committer: the rebase of `base..head`, or a cherry-pick.
    ///
    /// Merge commits are left out, and so are commits whose changes are in `onto` already.
    pub fn replay(&mut self, onto: Oid, commits: &[Oid], committer: &Signature) -> Result<Replay, Error> {
        let mut tip = onto;
        let mut made = Vec::new();
        for oid in commits {
            let commit = self.commit(*oid)?.clone();
            let base = match commit.parents.as_slice() {
                [] => Self::EMPTY_TREE,
                [parent] => self.commit(*parent)?.tree,
                _ => continue,
            };
            let before = self.commit(tip)?.tree;
            let tree = match self.merge_trees(base, before, commit.tree)? {
                Merge::Clean(tree) => tree,
                Merge::Conflicts(paths) => return Ok(Replay::Conflicts { commit: *oid, paths }),
            };
            if tree == before && base != commit.tree {
                continue;
            }
            let (author, message) = (commit.author.clone(), commit.message.clone());
            tip = self.add_commit(Commit {
                tree,
                parents: vec![tip],
                author,
                committer: committer.clone(),
                message,
                signature: None,
            })?;
            made.push(tip);
        }
        Ok(Replay::Clean { tip, commits: made })
    }

    /// The tree that has what both sides did to `base`. Renames on one side carry the changes of the other along.
    pub fn merge_trees(&mut self, base: Oid, ours: Oid, theirs: Oid) -> Result<Merge, Error> {
        if ours == theirs || theirs == base {
            return Ok(Merge::Clean(ours));
        }
        if ours == base {
            return Ok(Merge::Clean(theirs));
        }
        let (mine, other) = (Sided::new(self.diff_trees(base, ours)?), Sided::new(self.diff_trees(base, theirs)?));
        let mut merging = Merging { edits: BTreeMap::new(), conflicts: BTreeSet::new() };
        // One key per file of the base, or per new path.
        let keys: BTreeSet<&str> = mine.by_origin.keys().chain(other.by_origin.keys()).map(String::as_str).collect();
        for key in keys {
            match (mine.by_origin.get(key), other.by_origin.get(key)) {
                (None, Some(change)) => merging.take(change),
                (_, None) => {}
                (Some(mine), Some(other)) => merging.both(self, mine, other)?,
            }
        }
        merging.collisions(&mine, &other);
        let Merging { mut edits, mut conflicts } = merging;
        self.drop_deletions_done(ours, &mut edits)?;
        conflicts.extend(self.blocked(ours, &edits)?);
        if conflicts.is_empty() {
            Ok(Merge::Clean(self.edit_tree(ours, &edits)?))
        } else {
            Ok(Merge::Conflicts(conflicts.into_iter().collect()))
        }
    }

    /// The tree both sides started from. After a criss-cross the several common ancestors are merged first; where they disagree, the oldest common text counts.
    fn common_tree(&mut self, a: Oid, b: Oid) -> Result<Oid, Error> {
        let bases = self.merge_bases(a, b)?;
        let Some((first, others)) = bases.split_first() else { return Ok(Self::EMPTY_TREE) };
        let mut tree = self.commit(*first)?.tree;
        for other in others {
            let below = self.common_tree(*first, *other)?;
            let theirs = self.commit(*other)?.tree;
            tree = match self.merge_trees(below, tree, theirs)? {
                Merge::Clean(tree) => tree,
                Merge::Conflicts(paths) => {
                    let (mut mine, mut other) = (tree, theirs);
                    for path in &paths {
                        mine = self.with_side_of(mine, below, path)?;
                        other = self.with_side_of(other, below, path)?;
                    }
                    self.merge_trees(below, mine, other)?.tree().unwrap_or(below)
                }
            };
        }
        Ok(tree)
    }

    /// `tree` with what `from` has at `path`.
    fn with_side_of(&mut self, tree: Oid, from: Oid, path: &str) -> Result<Oid, Error> {
        let edit = match (self.entry_at(from, path)?, self.entry_at(tree, path)?) {
            (Some(side), _) => Edit::Put(side.mode, side.oid),
            (None, Some(_)) => Edit::Delete,
            (None, None) => return Ok(tree),
        };
        self.edit_tree(tree, &BTreeMap::from([(path.to_owned(), edit)]))
    }

    /// What our side has moved or deleted itself need not be deleted again.
    fn drop_deletions_done(&self, ours: Oid, edits: &mut BTreeMap<String, Edit>) -> Result<(), Error> {
        let mut needed = BTreeMap::new();
        for (path, edit) in std::mem::take(edits) {
            if edit != Edit::Delete || self.entry_at(ours, &path)?.is_some_and(|side| side.mode != Mode::Tree) {
                needed.insert(path, edit);
            }
        }
        *edits = needed;
        Ok(())
    }

    /// New files of theirs where we have a directory, or below a file of ours.
    fn blocked(&self, ours: Oid, edits: &BTreeMap<String, Edit>) -> Result<Vec<String>, Error> {
        let mut blocked = Vec::new();
        for path in edits.iter().filter(|(_, edit)| matches!(edit, Edit::Put(..))).map(|(path, _)| path) {
            let mut way = paths::parent(path);
            while !way.is_empty() {
                let file = self.entry_at(ours, way)?.is_some_and(|side| side.mode != Mode::Tree);
                if (file && edits.get(way) != Some(&Edit::Delete)) || matches!(edits.get(way), Some(Edit::Put(..))) {
                    blocked.push(path.clone());
                }
                way = paths::parent(way);
            }
            if self.entry_at(ours, path)?.is_some_and(|side| side.mode == Mode::Tree) {
                let held = self.files(ours_directory(self, ours, path)?)?;
                if held.iter().any(|(below, _)| edits.get(&paths::join(path, below)) != Some(&Edit::Delete)) {
                    blocked.push(path.clone());
                }
            }
        }
        Ok(blocked)
    }
}

fn ours_directory(objects: &Objects, ours: Oid, path: &str) -> Result<Oid, Error> {
    Ok(objects.entry_at(ours, path)?.map_or(Objects::EMPTY_TREE, |side| side.oid))
}

/// The changes of one side by the path in the base, or the new path of an added file.
struct Sided {
    by_origin: BTreeMap<String, Change>,
}

impl Sided {
    fn new(changes: Vec<Change>) -> Self {
        Self { by_origin: changes.into_iter().map(|change| (change.old_path().to_owned(), change)).collect() }
    }

    /// Files that are new at their path: added or moved there.
    fn arrivals(&self) -> impl Iterator<Item = (&str, &Change)> {
        let arrived = |change: &&Change| matches!(change.status, Status::Added | Status::Renamed);
        self.by_origin.values().filter(arrived).map(|change| (change.path.as_str(), change))
    }
}

/// What has to be done to our tree, as far as it is known.
struct Merging {
    edits: BTreeMap<String, Edit>,
    conflicts: BTreeSet<String>,
}

impl Merging {
    /// Only they changed the file.
    fn take(&mut self, change: &Change) {
        self.place(change.old.map(|_| change.old_path()), &change.path, change.new);
    }

    /// Both changed the same file of the base, or both added one at the same path.
    fn both(&mut self, objects: &mut Objects, mine: &Change, other: &Change) -> Result<(), Error> {
        let path = match (mine.status, other.status) {
            (Status::Renamed, Status::Renamed) if mine.path != other.path => {
                self.conflicts.extend([mine.path.clone(), other.path.clone()]);
                return Ok(());
            }
            // The key of an added file may be that of a file the other side renamed away: then they have nothing in common.
            (Status::Added, _) | (_, Status::Added) if mine.old.is_some() != other.old.is_some() => {
                self.take(other);
                return Ok(());
            }
            (Status::Renamed, _) => &mine.path,
            _ => &other.path,
        };
        let (base, ours, theirs) = (mine.old, mine.new, other.new);
        match (ours, theirs) {
            (None, None) => {}
            (Some(ours), Some(theirs)) => match content(objects, base, ours, theirs)? {
                Some(merged) => self.place(Some(other.old_path()), path, Some(merged)),
                None => drop(self.conflicts.insert(path.clone())),
            },
            // One side deleted what the other changed.
            _ => drop(self.conflicts.insert(path.clone())),
        }
        Ok(())
    }

    fn place(&mut self, old_path: Option<&str>, path: &str, new: Option<Side>) {
        if let Some(old_path) = old_path.filter(|old_path| new.is_none() || *old_path != path) {
            self.edits.entry(old_path.to_owned()).or_insert(Edit::Delete);
        }
        if let Some(side) = new {
            self.edits.insert(path.to_owned(), Edit::Put(side.mode, side.oid));
        }
    }

    /// Different files that both sides put at one path.
    fn collisions(&mut self, mine: &Sided, other: &Sided) {
        let ours: BTreeMap<&str, &Change> = mine.arrivals().collect();
        for (path, change) in other.arrivals() {
            let Some(our_change) = ours.get(path) else { continue };
            let same_file = our_change.old_path() == change.old_path() && our_change.status == change.status;
            if !same_file && our_change.new != change.new {
                self.conflicts.insert(path.to_owned());
            }
        }
    }
}

/// The merged version of a file that both sides have; `None` when they disagree.
fn content(objects: &mut Objects, base: Option<Side>, ours: Side, theirs: Side) -> Result<Option<Side>, Error> {
    if ours == theirs || Some(theirs) == base {
        return Ok(Some(ours));
    }
    if Some(ours) == base {
        return Ok(Some(theirs));
    }
    let Some(mode) = choose(base.as_ref().map(|side| &side.mode), ours.mode, theirs.mode) else { return Ok(None) };
    if let Some(oid) = choose(base.as_ref().map(|side| &side.oid), ours.oid, theirs.oid) {
        return Ok(Some(Side { mode, oid }));
    }
    if !matches!(mode, Mode::File | Mode::Executable) {
        return Ok(None);
    }
    let ancestor = match base.filter(|side| side.mode.same_type(Mode::File)) {
        Some(side) => objects.blob(side.oid)?.clone(),
        None => return Ok(None),
    };
    let (ours, theirs) = (objects.blob(ours.oid)?.clone(), objects.blob(theirs.oid)?.clone());
    if [&ancestor, &ours, &theirs].into_iter().any(|bytes| is_binary(bytes)) {
        return Ok(None);
    }
    let merged = merge_lines(&ancestor, &ours, &theirs);
    Ok(merged.map(|bytes| Side { mode, oid: objects.add_blob(bytes) }))
}

/// The value that changed, when at most one side changed it.
fn choose<T: PartialEq>(base: Option<&T>, ours: T, theirs: T) -> Option<T> {
    if ours == theirs || base == Some(&theirs) { Some(ours) } else { (base == Some(&ours)).then_some(theirs) }
}
