//! What is known of issues beside their order by number: which are open, which carry a label, how many a milestone has. Lists,
//! counts and filters stay cheap however many issues a repository has.

use std::collections::{BTreeMap, BTreeSet};

use pome_twin_kit::clock::Time;
use pome_twin_kit::store::Index;

use crate::state::{Issue, Numbered, RepoId, fold};

/// Issues in the order of their making; a seed may give later numbers earlier times.
type ByAge = BTreeSet<(Time, u64)>;

/// Follows the table of issues, pull requests included.
#[derive(Debug, Clone, Default)]
pub(crate) struct IssueIndex {
    /// Repository and whether open.
    by_state: BTreeMap<(RepoId, bool), ByAge>,
    /// Repository and lower-case label.
    by_label: BTreeMap<(RepoId, String), BTreeSet<u64>>,
    /// Repository and milestone: open and closed issues.
    of_milestone: BTreeMap<(RepoId, u64), (usize, usize)>,
    /// Title and body on two lines, ASCII letters in lower case.
    texts: BTreeMap<Numbered, Box<str>>,
}

impl IssueIndex {
    /// How many issues and pull requests of a repository are open, or closed.
    pub(crate) fn count(&self, repo: RepoId, open: bool) -> usize {
        self.by_state.get(&(repo, open)).map_or(0, BTreeSet::len)
    }

    /// Numbers of open or closed issues, oldest first.
    pub(crate) fn by_age(&self, repo: RepoId, open: bool) -> impl DoubleEndedIterator<Item = (Time, u64)> {
        self.by_state.get(&(repo, open)).into_iter().flatten().copied()
    }

    /// Numbers of the issues that carry a label, given in lower case.
    pub(crate) fn labelled(&self, repo: RepoId, label: &str) -> Option<&BTreeSet<u64>> {
        self.by_label.get(&(repo, label.to_owned()))
    }

    /// Open and closed issues of a milestone.
    pub(crate) fn milestone(&self, repo: RepoId, number: u64) -> (usize, usize) {
        self.of_milestone.get(&(repo, number)).copied().unwrap_or_default()
    }

    /// Numbers of a repository's issues with their titles and bodies, ASCII letters in lower case.
    pub(crate) fn texts(&self, repo: RepoId) -> impl Iterator<Item = (u64, &str)> {
        self.texts.range((repo, 0)..=(repo, u64::MAX)).map(|((_, number), text)| (*number, &**text))
    }

    fn add(&mut self, (repo, number): Numbered, issue: &Issue) {
        self.by_state.entry((repo, issue.open)).or_default().insert((issue.created_at, number));
        for label in &issue.labels {
            self.by_label.entry((repo, fold(label))).or_default().insert(number);
        }
        if let Some(milestone) = issue.milestone {
            let (open, closed) = self.of_milestone.entry((repo, milestone)).or_default();
            *if issue.open { open } else { closed } += 1;
        }
    }

    fn take(&mut self, (repo, number): Numbered, issue: &Issue) {
        if let Some(list) = self.by_state.get_mut(&(repo, issue.open)) {
            list.remove(&(issue.created_at, number));
        }
        for label in &issue.labels {
            let key = (repo, fold(label));
            if let Some(list) = self.by_label.get_mut(&key) {
                list.remove(&number);
                if list.is_empty() {
                    self.by_label.remove(&key);
                }
            }
        }
        if let Some((open, closed)) = issue.milestone.and_then(|own| self.of_milestone.get_mut(&(repo, own))) {
            let count = if issue.open { open } else { closed };
            *count = count.saturating_sub(1);
        }
    }
}

impl Index<Numbered, Issue> for IssueIndex {
    fn update(&mut self, key: &Numbered, old: Option<&Issue>, new: Option<&Issue>) {
        match (old, new) {
            (Some(old), Some(new)) if old.title == new.title && old.body == new.body => {}
            (_, Some(new)) => {
                let text = format!("{}\n{}", new.title, new.body.as_deref().unwrap_or_default());
                self.texts.insert(*key, text.to_ascii_lowercase().into());
            }
            (_, None) => {
                self.texts.remove(key);
            }
        }
        if let (Some(old), Some(new)) = (old, new)
            && old.open == new.open
            && old.created_at == new.created_at
            && old.milestone == new.milestone
            && old.labels == new.labels
        {
            return;
        }
        if let Some(old) = old {
            self.take(*key, old);
        }
        if let Some(new) = new {
            self.add(*key, new);
        }
    }
}
