//! Search over code, commits, issues, repositories, users and labels, and what all searches share.

pub(crate) mod code;
pub(crate) mod commits;
pub(crate) mod issues;
pub(crate) mod query;
pub(crate) mod repos;
pub(crate) mod users;

use pome_twin_kit::Cx;
use pome_twin_kit::page::Paging;
use serde::{Deserialize, Serialize};

use super::Page;
use crate::GitHub;
use crate::access::Access;
use crate::error::Error;
use crate::state::{Repo, RepoId, fold};
use query::{Query, Term};

/// No search shows more results than this.
const MOST: usize = 1000;

#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
pub(crate) enum Order {
    Asc,
    #[default]
    Desc,
}

/// A query that asks for something.
pub(crate) fn parse(text: Option<&str>) -> Result<Query, Error> {
    let text = text.map(str::trim).filter(|text| !text.is_empty());
    text.map(Query::parse).ok_or_else(|| Error::field("Search", "q", "missing"))
}

/// One page of results, within the limit.
pub(crate) fn page_of<K>(found: Vec<K>, paging: Paging) -> Result<Page<K>, Error> {
    if paging.start() >= MOST {
        return Err(Error::unprocessable("Only the first 1000 search results are available"));
    }
    let total = found.len();
    let Page { keys, .. } = Page::of(found.into_iter().take(MOST), paging);
    Ok(Page { keys, total, paging })
}

/// How every search answers.
#[derive(Serialize)]
pub(crate) struct Results<T> {
    total_count: usize,
    #[serde(rename = "incomplete_results")]
    incomplete: bool,
    items: Vec<T>,
}

impl<T> Results<T> {
    pub(crate) fn new(total_count: usize, items: Vec<T>) -> Self {
        Self { total_count, incomplete: false, items }
    }
}

/// The repositories that the caller sees and that the place qualifiers of a query allow.
pub(crate) fn repos_in(cx: &Cx<'_, GitHub>, query: &Query) -> Vec<RepoId> {
    let visible = cx.state.repos.values().filter(|repo| cx.permission(repo).is_some());
    visible
        .filter(|repo| {
            let place = Place::of(repo);
            query.holds(|term| place.holds(term).unwrap_or(!term.negated))
        })
        .map(|repo| repo.id)
        .collect()
}

/// What place qualifiers look at, in lower case.
pub(crate) struct Place {
    full_name: String,
    owner: String,
}

impl Place {
    pub(crate) fn of(repo: &Repo) -> Self {
        Self { full_name: fold(&repo.full_name()), owner: fold(&repo.owner) }
    }

    /// Whether this is where `repo:`, `user:` or `org:` points; `None` for any other term.
    pub(crate) fn holds(&self, term: &Term) -> Option<bool> {
        match term.qualifier.as_deref()? {
            "repo" => Some(self.full_name == term.value),
            "user" | "org" => Some(self.owner == term.value.trim_start_matches('@')),
            _ => None,
        }
    }
}
