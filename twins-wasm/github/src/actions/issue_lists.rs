//! Which issues a list shows, and in which order.

use std::collections::BTreeSet;

use pome_twin_kit::clock::Time;
use pome_twin_kit::page::Paging;
use serde::Deserialize;

use super::Page;
use crate::mentions::names;
use crate::state::{Issue, Numbered, RepoId, State, fold};

/// `open`, `closed` or `all`.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
pub(crate) enum StateFilter {
    #[default]
    Open,
    Closed,
    All,
}

impl StateFilter {
    pub(crate) const fn admits(self, open: bool) -> bool {
        match self {
            Self::Open => open,
            Self::Closed => !open,
            Self::All => true,
        }
    }
}

#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
pub(crate) enum Sort {
    #[default]
    Created,
    Updated,
    Comments,
}

#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
pub(crate) enum Direction {
    Asc,
    #[default]
    Desc,
}

/// A filter value that may also be `*` (any) or `none`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Wanted {
    Any,
    None,
    One(String),
}

impl Wanted {
    pub(crate) fn parse(text: &str) -> Self {
        match text {
            "*" => Self::Any,
            "none" => Self::None,
            other => Self::One(fold(other)),
        }
    }
}

/// Which issues a list shows.
#[derive(Debug, Default)]
pub(crate) struct Filter {
    pub(crate) state: StateFilter,
    /// In lower case.
    pub(crate) labels: Vec<String>,
    /// One of the labels is enough.
    pub(crate) any_label: bool,
    pub(crate) assignee: Option<Wanted>,
    pub(crate) milestone: Option<Wanted>,
    pub(crate) creator: Option<String>,
    pub(crate) mentioned: Option<String>,
    pub(crate) since: Option<Time>,
    pub(crate) without_pulls: bool,
}

impl Filter {
    /// Whether nothing but the state decides.
    fn only_state(&self) -> bool {
        self.labels.is_empty()
            && self.assignee.is_none()
            && self.milestone.is_none()
            && self.creator.is_none()
            && self.mentioned.is_none()
            && self.since.is_none()
    }

    /// The issues of a repository among which the admitted ones are: those with the rarest of the wanted labels, or all.
    fn candidates<'a>(&self, state: &'a State, repo: RepoId) -> Box<dyn Iterator<Item = &'a Issue> + 'a> {
        let labelled = |label: &String| state.issues.index().labelled(repo, label);
        let found = move |numbers: &'a BTreeSet<u64>| {
            numbers.iter().filter_map(move |number| state.issues.get(&(repo, *number)))
        };
        if self.labels.is_empty() {
            Box::new(state.issues_of(repo))
        } else if self.any_label {
            let numbers: BTreeSet<u64> = self.labels.iter().filter_map(labelled).flatten().copied().collect();
            Box::new(numbers.into_iter().filter_map(move |number| state.issues.get(&(repo, number))))
        } else {
            let rarest = self.labels.iter().map(labelled).min_by_key(|numbers| numbers.map_or(0, BTreeSet::len));
            Box::new(rarest.flatten().into_iter().flat_map(found))
        }
    }

    fn admits(&self, state: &State, repo: RepoId, issue: &Issue) -> bool {
        let carries = |wanted: &String| issue.labels.iter().any(|label| fold(label) == *wanted);
        self.state.admits(issue.open)
            && self.since.is_none_or(|since| issue.updated_at >= since)
            && (self.labels.is_empty()
                || if self.any_label { self.labels.iter().any(carries) } else { self.labels.iter().all(carries) })
            && match &self.assignee {
                None => true,
                Some(Wanted::Any) => !issue.assignees.is_empty(),
                Some(Wanted::None) => issue.assignees.is_empty(),
                Some(Wanted::One(login)) => issue.assignees.iter().any(|assigned| fold(assigned) == *login),
            }
            && match &self.milestone {
                None => true,
                Some(Wanted::Any) => issue.milestone.is_some(),
                Some(Wanted::None) => issue.milestone.is_none(),
                Some(Wanted::One(number)) => issue.milestone.is_some_and(|own| own.to_string() == *number),
            }
            && self.creator.as_deref().is_none_or(|login| fold(&issue.user) == fold(login))
            && self.mentioned.as_deref().is_none_or(|login| names(issue.body.as_deref().unwrap_or_default(), login))
            && !(self.without_pulls && state.is_pull((repo, issue.number)))
    }
}

/// How a list is put in order.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Ordering {
    pub(crate) sort: Sort,
    pub(crate) direction: Direction,
}

/// The part of a list that starts after `start` rows, and how long the whole list is.
pub(crate) struct Part {
    pub(crate) keys: Vec<Numbered>,
    pub(crate) total: usize,
}

impl Part {
    fn of(all: impl ExactSizeIterator<Item = Numbered>, start: usize, most: usize) -> Self {
        let total = all.len();
        Self { keys: all.skip(start).take(most).collect(), total }
    }

    pub(crate) fn page(self, paging: Paging) -> Page<Numbered> {
        Page { keys: self.keys, total: self.total, paging }
    }
}

/// Issues of some repositories that a filter admits, in order.
pub(crate) fn ordered(
    state: &State,
    repos: impl Iterator<Item = RepoId>,
    filter: &Filter,
    related: impl Fn(&Issue) -> bool,
    ordering: Ordering,
    (start, most): (usize, usize),
) -> Part {
    let mut rows: Vec<((u64, u64), Numbered)> = Vec::new();
    for repo in repos {
        for issue in filter.candidates(state, repo).filter(|issue| related(issue) && filter.admits(state, repo, issue))
        {
            let rank = match ordering.sort {
                Sort::Created => issue.created_at.0,
                Sort::Updated => issue.updated_at.0,
                Sort::Comments => issue.comments,
            };
            rows.push(((rank, issue.number), (repo, issue.number)));
        }
    }
    // Rows come almost sorted from the table, so the sort is one more pass.
    rows.sort_unstable();
    if ordering.direction == Direction::Desc {
        rows.reverse();
    }
    Part::of(rows.into_iter().map(|(_, key)| key), start, most)
}

/// The same for one repository. A list by age that only looks at the state costs what it shows, not what there is.
pub(crate) fn ordered_in(
    state: &State,
    repo: RepoId,
    filter: &Filter,
    ordering: Ordering,
    bounds: (usize, usize),
) -> Part {
    if ordering.sort != Sort::Created || !filter.only_state() {
        return ordered(state, std::iter::once(repo), filter, |_| true, ordering, bounds);
    }
    let index = state.issues.index();
    let shown = |open: bool| filter.state.admits(open);
    let hidden = |number: u64| filter.without_pulls && state.is_pull((repo, number));
    let pulls = if filter.without_pulls {
        let sides = state.pulls_of(repo).filter_map(|pull| state.issues.get(&(repo, pull.number)));
        sides.filter(|issue| shown(issue.open)).count()
    } else {
        0
    };
    let all: usize = [true, false].into_iter().filter(|open| shown(*open)).map(|open| index.count(repo, open)).sum();
    let listed = |open: bool| -> Box<dyn Iterator<Item = (Time, u64)> + '_> {
        let by_age = shown(open).then(|| index.by_age(repo, open)).into_iter().flatten();
        let by_age = by_age.filter(move |(_, number)| !hidden(*number));
        match ordering.direction {
            Direction::Asc => Box::new(by_age),
            Direction::Desc => Box::new(by_age.rev()),
        }
    };
    let (mut open, mut closed) = (listed(true).peekable(), listed(false).peekable());
    let merged = std::iter::from_fn(|| {
        let open_first = match (open.peek(), closed.peek()) {
            (Some(one), Some(other)) => (one < other) == (ordering.direction == Direction::Asc),
            (one, _) => one.is_some(),
        };
        if open_first { open.next() } else { closed.next() }
    });
    let (start, most) = bounds;
    let keys = merged.skip(start).take(most).map(|(_, number)| (repo, number)).collect();
    Part { keys, total: all.saturating_sub(pulls) }
}
