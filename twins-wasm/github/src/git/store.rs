//! The object store: content-addressed, append-only, undone by cutting its tail off.

use std::{
    collections::{BTreeMap, btree_map},
    ops::Bound,
    sync::Arc,
};

use super::{Commit, Entry, Error, Kind, Mode, Object, Oid, Tag, Tree, object};

/// All objects of one repository, or of a network of forks.
///
/// Every object points only to objects that were stored before it, so a store cut at any [`Mark`] is complete.
#[derive(Debug)]
pub struct Objects {
    index: BTreeMap<Oid, usize>,
    log: Vec<Stored>,
}

#[derive(Debug)]
struct Stored {
    oid: Oid,
    object: Object,
    /// For commits: one more than the largest of the parents, so that a walk by it meets children before parents.
    generation: u32,
}

/// A length of the store to come back to.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct Mark(usize);

impl Default for Objects {
    fn default() -> Self {
        let mut objects = Self { index: BTreeMap::new(), log: Vec::new() };
        objects.insert(Object::Tree(Arc::default()), 0);
        objects
    }
}

impl Objects {
    /// The tree without entries; always present.
    pub const EMPTY_TREE: Oid = Oid::from_bytes([
        0x4b, 0x82, 0x5d, 0xc6, 0x42, 0xcb, 0x6e, 0xb9, 0xa0, 0x60, 0xe5, 0x4b, 0xf8, 0xd6, 0x92, 0x88, 0xfb, 0xee,
        0x49, 0x04,
    ]);

    /// A store with the empty tree in it.
    pub fn new() -> Self {
        Self::default()
    }

    /// Where the store ends now.
    pub fn mark(&self) -> Mark {
        Mark(self.log.len())
    }

    /// Forgets everything stored after the mark.
    pub fn truncate_to(&mut self, mark: Mark) {
        for stored in self.log.drain(mark.0.min(self.log.len())..) {
            self.index.remove(&stored.oid);
        }
    }

    /// How many objects there are.
    pub fn count(&self) -> usize {
        self.log.len()
    }

    /// Whether an object has this id.
    pub fn contains(&self, oid: Oid) -> bool {
        self.index.contains_key(&oid)
    }

    /// The object of this id.
    pub fn get(&self, oid: Oid) -> Option<&Object> {
        self.stored(oid).map(|stored| &stored.object)
    }

    /// The object's kind.
    pub fn kind(&self, oid: Oid) -> Option<Kind> {
        self.get(oid).map(Object::kind)
    }

    /// The bytes of a blob.
    pub fn blob(&self, oid: Oid) -> Result<&Arc<[u8]>, Error> {
        match self.require(oid)? {
            Object::Blob(bytes) => Ok(bytes),
            other => Err(Error::WrongKind { oid, wanted: Kind::Blob, found: other.kind() }),
        }
    }

    /// A directory.
    pub fn tree(&self, oid: Oid) -> Result<&Arc<Tree>, Error> {
        match self.require(oid)? {
            Object::Tree(tree) => Ok(tree),
            other => Err(Error::WrongKind { oid, wanted: Kind::Tree, found: other.kind() }),
        }
    }

    /// A commit; annotated tags are not followed, see [`Objects::peel`].
    pub fn commit(&self, oid: Oid) -> Result<&Arc<Commit>, Error> {
        match self.require(oid)? {
            Object::Commit(commit) => Ok(commit),
            other => Err(Error::WrongKind { oid, wanted: Kind::Commit, found: other.kind() }),
        }
    }

    /// An annotated tag.
    pub fn tag(&self, oid: Oid) -> Result<&Arc<Tag>, Error> {
        match self.require(oid)? {
            Object::Tag(tag) => Ok(tag),
            other => Err(Error::WrongKind { oid, wanted: Kind::Tag, found: other.kind() }),
        }
    }

    /// Follows annotated tags to what they finally name.
    pub fn peel(&self, mut oid: Oid) -> Result<Oid, Error> {
        while let Object::Tag(tag) = self.require(oid)? {
            oid = tag.object;
        }
        Ok(oid)
    }

    /// Follows tags and commits to a tree.
    pub fn peel_to_tree(&self, oid: Oid) -> Result<Oid, Error> {
        let oid = self.peel(oid)?;
        match self.require(oid)? {
            Object::Commit(commit) => Ok(commit.tree),
            Object::Tree(_) => Ok(oid),
            other => Err(Error::WrongKind { oid, wanted: Kind::Tree, found: other.kind() }),
        }
    }

    /// Stores bytes.
    pub fn add_blob(&mut self, bytes: impl Into<Arc<[u8]>>) -> Oid {
        self.insert(Object::Blob(bytes.into()), 0)
    }

    /// Stores a directory whose entries, submodules aside, are stored already and of the kind their mode says.
    pub fn add_tree(&mut self, entries: Vec<Entry>) -> Result<Oid, Error> {
        entries.iter().try_for_each(|entry| self.check_entry(entry))?;
        let tree = Tree::new(entries).map_err(|name| Error::PathClash { path: name.to_string() })?;
        Ok(self.insert(Object::Tree(Arc::new(tree)), 0))
    }

    /// Stores a commit whose tree and parents are stored already.
    pub fn add_commit(&mut self, commit: Commit) -> Result<Oid, Error> {
        self.require_kind(commit.tree, Kind::Tree)?;
        let mut generation = 0;
        for parent in &commit.parents {
            self.require_kind(*parent, Kind::Commit)?;
            generation = generation.max(self.generation(*parent));
        }
        Ok(self.insert(Object::Commit(Arc::new(commit)), generation + 1))
    }

    /// Stores an annotated tag whose object is stored already and of the kind it says.
    pub fn add_tag(&mut self, tag: Tag) -> Result<Oid, Error> {
        self.require_kind(tag.object, tag.kind)?;
        Ok(self.insert(Object::Tag(Arc::new(tag)), 0))
    }

    /// The ids that begin with these digits, in order; none when the prefix is not hexadecimal.
    pub fn with_prefix(&self, prefix: &str) -> impl Iterator<Item = Oid> {
        let prefix = prefix.to_ascii_lowercase();
        let first = Oid::parse(&format!("{prefix:0<40}"));
        let range = first.map(|first| self.index.range((Bound::Included(first), Bound::Unbounded)));
        range.into_iter().flatten().map(|(oid, _)| *oid).take_while(move |oid| oid.short(prefix.len()) == prefix)
    }

    /// The shortest unambiguous prefix of at least seven digits, as git abbreviates in a small repository.
    pub fn abbreviate(&self, oid: Oid) -> String {
        let shared = |other: Option<Oid>| {
            other.map_or(0, |other| oid.hex().bytes().zip(other.hex().bytes()).take_while(|(a, b)| a == b).count())
        };
        let before = self.index.range(..oid).next_back().map(|(oid, _)| *oid);
        let after = self.index.range((Bound::Excluded(oid), Bound::Unbounded)).next().map(|(oid, _)| *oid);
        oid.short((shared(before).max(shared(after)) + 1).max(7))
    }

    pub(super) fn generation(&self, oid: Oid) -> u32 {
        self.stored(oid).map_or(0, |stored| stored.generation)
    }

    fn stored(&self, oid: Oid) -> Option<&Stored> {
        self.log.get(*self.index.get(&oid)?)
    }

    fn require(&self, oid: Oid) -> Result<&Object, Error> {
        self.get(oid).ok_or(Error::UnknownObject { oid })
    }

    fn require_kind(&self, oid: Oid, wanted: Kind) -> Result<(), Error> {
        match self.require(oid)?.kind() {
            found if found == wanted => Ok(()),
            found => Err(Error::WrongKind { oid, wanted, found }),
        }
    }

    /// Stores a directory made of checked entries with distinct names.
    pub(super) fn add_checked_tree(&mut self, entries: Vec<Entry>) -> Oid {
        self.insert(Object::Tree(Arc::new(Tree::of_distinct(entries))), 0)
    }

    /// Whether a tree may have this entry.
    pub(super) fn check_entry(&self, Entry { name, mode, oid }: &Entry) -> Result<(), Error> {
        if !super::paths::is_component(name) {
            return Err(Error::MalformedPath { path: name.to_string() });
        }
        if *mode == Mode::Submodule { Ok(()) } else { self.require_kind(*oid, mode.kind()) }
    }

    fn insert(&mut self, object: Object, generation: u32) -> Oid {
        let oid = match &object {
            Object::Blob(bytes) => object::hash(Kind::Blob, bytes),
            other => object::hash(other.kind(), &other.encode()),
        };
        if let btree_map::Entry::Vacant(vacant) = self.index.entry(oid) {
            vacant.insert(self.log.len());
            self.log.push(Stored { oid, object, generation });
        }
        oid
    }
}
