//! How issues hang together: sub-issues and what blocks what.

use crate::state::{Numbered, State};

/// An issue has at most so many sub-issues.
pub(crate) const MOST_CHILDREN: usize = 100;
/// Sub-issues nest at most so deep.
pub(crate) const DEEPEST: usize = 8;

impl State {
    /// Sub-issues in the order of their priority.
    pub(crate) fn sub_issues(&self, parent: Numbered) -> &[Numbered] {
        self.children.get(&parent).map(Vec::as_slice).unwrap_or_default()
    }

    pub(crate) fn parent_of(&self, child: Numbered) -> Option<Numbered> {
        self.parents.get(&child).copied()
    }

    /// The issue itself and everything above it.
    pub(crate) fn line_of(&self, key: Numbered) -> Vec<Numbered> {
        let mut line = vec![key];
        let mut at = key;
        while let Some(parent) = self.parent_of(at).filter(|parent| !line.contains(parent)) {
            line.push(parent);
            at = parent;
        }
        line
    }

    /// How many levels there are below an issue.
    pub(crate) fn depth_below(&self, key: Numbered) -> usize {
        let mut level = vec![key];
        let mut depth = 0;
        while depth <= DEEPEST {
            level = level.iter().flat_map(|key| self.sub_issues(*key)).copied().collect();
            if level.is_empty() {
                break;
            }
            depth += 1;
        }
        depth
    }

    /// `(total, completed)` sub-issues.
    pub(crate) fn sub_issue_counts(&self, key: Numbered) -> (usize, usize) {
        let children = self.sub_issues(key);
        let closed = children.iter().filter(|child| self.issues.get(child).is_some_and(|issue| !issue.open));
        (children.len(), closed.count())
    }

    /// What an issue waits for, in the order in which it was said.
    pub(crate) fn blockers(&self, key: Numbered) -> &[Numbered] {
        self.blocked_by.get(&key).map(Vec::as_slice).unwrap_or_default()
    }

    /// What waits for an issue.
    pub(crate) fn blocks(&self, key: Numbered) -> impl Iterator<Item = Numbered> {
        self.blocked_by.iter().filter(move |(_, blockers)| blockers.contains(&key)).map(|(blocked, _)| *blocked)
    }

    /// Puts a child below a parent, last.
    pub(crate) fn adopt(&mut self, parent: Numbered, child: Numbered) {
        self.disown(child);
        let mut children = self.sub_issues(parent).to_vec();
        children.push(child);
        self.children.insert(parent, children);
        self.parents.insert(child, parent);
    }

    /// Takes a child from its parent.
    pub(crate) fn disown(&mut self, child: Numbered) {
        let Some(parent) = self.parents.remove(&child) else { return };
        let mut children = self.sub_issues(parent).to_vec();
        children.retain(|other| *other != child);
        self.children.insert(parent, children);
    }
}
