//! Search over code, commits, issues, repositories, users and labels, and what all searches share.

pub(crate) mod code;
pub(crate) mod commits;
pub(crate) mod issues;
pub(crate) mod query;
pub(crate) mod repos;
pub(crate) mod topics;
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
    let text = text.ok_or_else(|| Error::field("Search", "q", "missing"))?;
    let query = Query::parse(text);
    let refuse = |message: &str| {
        let row = serde_json::json!({ "message": message, "resource": "Search", "field": "q", "code": "invalid" });
        Err(Error::validation(vec![row]))
    };
    let words = query.terms().filter(|term| term.qualifier.is_none()).map(|term| term.value.chars().count());
    if words.sum::<usize>() > 256 {
        return refuse("The search is longer than 256 characters.");
    }
    let joined = text.split_whitespace().filter(|word| matches!(*word, "AND" | "OR" | "NOT")).count();
    if joined > 5 {
        return refuse("More than five AND / OR / NOT operators were used.");
    }
    Ok(query)
}

/// Refuses a query for places of which the caller sees none.
pub(crate) fn known_places(cx: &Cx<'_, GitHub>, query: &Query) -> Result<(), Error> {
    let named = |term: &&Term| !term.negated && matches!(term.qualifier.as_deref(), Some("repo" | "user" | "org"));
    let mut places = query.terms().filter(named).peekable();
    if places.peek().is_none() {
        return Ok(());
    }
    let known = |term: &Term| match (term.qualifier.as_deref(), term.value.split_once('/')) {
        (Some("repo"), Some((owner, name))) => cx.repo(owner, name).is_ok(),
        (Some("repo"), None) => false,
        _ => term.value == "@me" || cx.state.user(term.value.trim_start_matches('@')).is_some(),
    };
    if places.any(known) {
        return Ok(());
    }
    let message = "The listed users and repositories cannot be searched either because the resources do not exist or you \
                   do not have permission to view them.";
    let row = serde_json::json!({ "message": message, "resource": "Search", "field": "q", "code": "invalid" });
    Err(Error::validation(vec![row]))
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
