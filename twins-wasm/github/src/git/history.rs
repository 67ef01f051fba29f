//! Walking commits: logs, common ancestors, what one side has and the other has not.

use std::collections::{BTreeMap, BTreeSet};

use super::{Change, Error, Objects, Oid};

/// How a head stands to a base.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Standing {
    Identical,
    Ahead,
    Behind,
    Diverged,
}

impl Standing {
    /// The word the vendor uses.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Identical => "identical",
            Self::Ahead => "ahead",
            Self::Behind => "behind",
            Self::Diverged => "diverged",
        }
    }
}

/// A three-dot comparison: what happened on `head` since it left `base`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Comparison {
    pub base: Oid,
    pub head: Oid,
    /// The best common ancestor; `None` when the histories are unrelated.
    pub merge_base: Option<Oid>,
    /// Reachable from head and not from base, oldest first.
    pub commits: Vec<Oid>,
    /// How many commits base has that head has not.
    pub behind_by: usize,
}

impl Comparison {
    /// How many commits head has that base has not.
    pub fn ahead_by(&self) -> usize {
        self.commits.len()
    }

    pub fn standing(&self) -> Standing {
        match (self.commits.is_empty(), self.behind_by) {
            (true, 0) => Standing::Identical,
            (false, 0) => Standing::Ahead,
            (true, _) => Standing::Behind,
            (false, _) => Standing::Diverged,
        }
    }
}

/// Sorts so that the last element is the next commit of a log: newest first, children before parents of the same second, then first come first.
type Turn = (i64, u32, std::cmp::Reverse<usize>, Oid);

/// The commits reachable from some starts, in the order of `git log`. Lazy: a page costs what it shows.
#[derive(Debug)]
pub struct Log<'a> {
    objects: &'a Objects,
    queue: BTreeSet<Turn>,
    seen: BTreeSet<Oid>,
    hidden: BTreeSet<Oid>,
    path: Option<String>,
    arrivals: usize,
}

impl Log<'_> {
    fn arrive(&mut self, oid: Oid) {
        if self.hidden.contains(&oid) || !self.seen.insert(oid) {
            return;
        }
        let Ok(commit) = self.objects.commit(oid) else { return };
        let turn = (commit.committer.seconds, self.objects.generation(oid), std::cmp::Reverse(self.arrivals), oid);
        self.arrivals += 1;
        self.queue.insert(turn);
    }

    /// Whether the commit touched the path, and which parents to go on with: git follows one parent alone when it has the same content.
    fn consider(&self, oid: Oid) -> Result<(bool, Vec<Oid>), Error> {
        let commit = self.objects.commit(oid)?;
        let Some(path) = &self.path else { return Ok((true, commit.parents.clone())) };
        let here = self.objects.entry_at(commit.tree, path)?;
        for parent in &commit.parents {
            if self.objects.entry_at(self.objects.commit(*parent)?.tree, path)? == here {
                return Ok((false, vec![*parent]));
            }
        }
        Ok((!commit.parents.is_empty() || here.is_some(), commit.parents.clone()))
    }
}

impl Iterator for Log<'_> {
    type Item = Oid;

    fn next(&mut self) -> Option<Oid> {
        while let Some((.., oid)) = self.queue.pop_last() {
            // Commits are stored with their trees and parents, so looking at a queued one cannot fail.
            let (shown, parents) = self.consider(oid).ok()?;
            for parent in parents {
                self.arrive(parent);
            }
            if shown {
                return Some(oid);
            }
        }
        None
    }
}

/// From which side of a comparison a commit is reachable.
const BASE: u8 = 1;
const HEAD: u8 = 2;
const BOTH: u8 = BASE | HEAD;
/// Below a common ancestor already found.
const STALE: u8 = 4;

impl Objects {
    /// The commit and its ancestors, newest first.
    pub fn log(&self, start: Oid) -> Result<Log<'_>, Error> {
        self.log_with(&[start], BTreeSet::new(), None)
    }

    /// The ancestors that changed what stands at `path` (file or directory), as `git log -- path` picks them.
    pub fn log_of_path(&self, start: Oid, path: &str) -> Result<Log<'_>, Error> {
        let path = super::paths::normalise(path)?;
        self.log_with(&[start], BTreeSet::new(), Some(path).filter(|path| !path.is_empty()))
    }

    /// What `head` has and `base` has not, newest first: `git log base..head`.
    pub fn log_between(&self, base: Oid, head: Oid) -> Result<Log<'_>, Error> {
        let hidden = self.painted(base, head)?.into_iter().filter(|(_, paint)| paint & BASE != 0);
        self.log_with(&[head], hidden.map(|(oid, _)| oid).collect(), None)
    }

    /// The best common ancestors, newest first; several after a criss-cross, none for unrelated histories.
    pub fn merge_bases(&self, a: Oid, b: Oid) -> Result<Vec<Oid>, Error> {
        let painted = self.painted(a, b)?;
        let mut best: Vec<(std::cmp::Reverse<i64>, Oid)> = Vec::new();
        for (oid, paint) in painted {
            if paint & (BOTH | STALE) == BOTH {
                best.push((std::cmp::Reverse(self.commit(oid)?.committer.seconds), oid));
            }
        }
        best.sort();
        Ok(best.into_iter().map(|(_, oid)| oid).collect())
    }

    /// The merge base a comparison is made from.
    pub fn merge_base(&self, a: Oid, b: Oid) -> Result<Option<Oid>, Error> {
        Ok(self.merge_bases(a, b)?.first().copied())
    }

    /// How many commits `head` has that `base` has not, and the other way round.
    pub fn ahead_behind(&self, base: Oid, head: Oid) -> Result<(usize, usize), Error> {
        let painted = self.painted(base, head)?;
        let count = |wanted: u8| painted.values().filter(|paint| **paint & BOTH == wanted).count();
        Ok((count(HEAD), count(BASE)))
    }

    /// Whether `ancestor` is `descendant` or one of its ancestors.
    pub fn is_ancestor(&self, ancestor: Oid, descendant: Oid) -> Result<bool, Error> {
        self.commit(ancestor)?;
        self.commit(descendant)?;
        let floor = self.generation(ancestor);
        let mut queue = BTreeSet::from([(self.generation(descendant), descendant)]);
        while let Some((generation, oid)) = queue.pop_last() {
            if oid == ancestor {
                return Ok(true);
            }
            if generation > floor {
                queue.extend(self.commit(oid)?.parents.iter().map(|parent| (self.generation(*parent), *parent)));
            }
        }
        Ok(false)
    }

    /// `base...head`: merge base, commits and counts. The files are [`Objects::changes_between`].
    pub fn compare(&self, base: Oid, head: Oid) -> Result<Comparison, Error> {
        let merge_base = self.merge_base(base, head)?;
        let mut commits: Vec<Oid> = self.log_between(base, head)?.collect();
        commits.reverse();
        let (_, behind_by) = self.ahead_behind(base, head)?;
        Ok(Comparison { base, head, merge_base, commits, behind_by })
    }

    /// The files of a three-dot comparison or pull request: merge base against head, renames found.
    pub fn changes_between(&self, base: Oid, head: Oid) -> Result<Vec<Change>, Error> {
        let from = match self.merge_base(base, head)? {
            Some(oid) => self.commit(oid)?.tree,
            None => Self::EMPTY_TREE,
        };
        self.diff_trees(from, self.commit(head)?.tree)
    }

    /// The files of one commit: its first parent, or nothing, against it.
    pub fn changes_of(&self, commit: Oid) -> Result<Vec<Change>, Error> {
        let commit = self.commit(commit)?;
        let from = match commit.parents.first() {
            Some(parent) => self.commit(*parent)?.tree,
            None => Self::EMPTY_TREE,
        };
        self.diff_trees(from, commit.tree)
    }

    fn log_with(&self, starts: &[Oid], hidden: BTreeSet<Oid>, path: Option<String>) -> Result<Log<'_>, Error> {
        let mut log = Log { objects: self, queue: BTreeSet::new(), seen: BTreeSet::new(), hidden, path, arrivals: 0 };
        for start in starts {
            self.commit(*start)?;
            log.arrive(*start);
        }
        Ok(log)
    }

    /// Paints everything above and some of what is below the common ancestors. Walking by generation meets every commit after all its
    /// descendants, so the paint of a commit is final when it is taken.
    fn painted(&self, base: Oid, head: Oid) -> Result<BTreeMap<Oid, u8>, Error> {
        let mut paints: BTreeMap<Oid, u8> = BTreeMap::new();
        let mut queue: BTreeSet<(u32, Oid)> = BTreeSet::new();
        // How many in the queue are not yet known to be below a common ancestor.
        let mut fresh = 0_usize;
        let add = |oid: Oid,
                   paint: u8,
                   paints: &mut BTreeMap<Oid, u8>,
                   queue: &mut BTreeSet<(u32, Oid)>,
                   fresh: &mut usize| {
            let known = paints.entry(oid).or_default();
            let was_fresh = *known & STALE == 0;
            *known |= paint;
            let is_fresh = *known & STALE == 0;
            if queue.insert((self.generation(oid), oid)) {
                *fresh += usize::from(is_fresh);
            } else if was_fresh && !is_fresh {
                *fresh -= 1;
            }
        };
        for (oid, paint) in [(base, BASE), (head, HEAD)] {
            self.commit(oid)?;
            add(oid, paint, &mut paints, &mut queue, &mut fresh);
        }
        while fresh > 0 {
            let Some((_, oid)) = queue.pop_last() else { break };
            let paint = paints.get(&oid).copied().unwrap_or_default();
            fresh -= usize::from(paint & STALE == 0);
            let inherited = if paint & BOTH == BOTH { BOTH | STALE } else { paint };
            for parent in &self.commit(oid)?.parents {
                add(*parent, inherited, &mut paints, &mut queue, &mut fresh);
            }
        }
        Ok(paints)
    }
}
