//! Search in the commits of default branches.

use std::collections::BTreeSet;

use pome_twin_kit::{Action, Cx, Reply, ToolReply, View};
use serde::Deserialize;
use serde::ser::{Serialize, SerializeMap, Serializer};
use serde_json::json;

use super::query::{Range, Term};
use super::{Order, Results, known_places, page_of, parse, repos_in};
use crate::GitHub;
use crate::access::Access;
use crate::actions::{Page, paging};
use crate::error::Error;
use crate::git::{Commit, Oid, Signature};
use crate::state::{RepoId, State, fold};
use crate::views::commits::{CommitView, ShortCommit, time, user_of};
use crate::views::repos::RepoView;
use crate::views::{HTML, Site};

#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "kebab-case")]
enum Sort {
    AuthorDate,
    CommitterDate,
}

fn holds(state: &State, oid: Oid, commit: &Commit, term: &Term) -> bool {
    let value = term.value.as_str();
    let login = |signature: &Signature| user_of(state, signature).is_some_and(|user| fold(&user.login) == value);
    let within = |signature: &Signature| Range::of_times(value).is_some_and(|range| range.holds(time(signature).0));
    let Some(qualifier) = term.qualifier.as_deref() else {
        return fold(&commit.message).contains(value) || (value.len() >= 7 && oid.hex().starts_with(value));
    };
    match qualifier {
        // Looked at before, for the whole repository.
        "repo" | "user" | "org" | "is" => !term.negated,
        "author" => login(&commit.author),
        "committer" => login(&commit.committer),
        "author-name" => fold(&commit.author.name).contains(value),
        "committer-name" => fold(&commit.committer.name).contains(value),
        "author-email" => fold(&commit.author.email) == value,
        "committer-email" => fold(&commit.committer.email) == value,
        "author-date" => within(&commit.author),
        "committer-date" => within(&commit.committer),
        "merge" => (commit.parents.len() > 1).to_string() == value,
        "hash" => oid.hex().starts_with(value),
        "parent" => commit.parents.iter().any(|parent| parent.hex().starts_with(value)),
        "tree" => commit.tree.hex() == value,
        // A colon inside of free text, such as `fix: typo`.
        other => fold(&commit.message).contains(&format!("{other}:{value}")),
    }
}

pub(crate) struct Found(Page<(RepoId, Oid)>);

#[derive(Deserialize)]
pub(crate) struct Search {
    #[serde(alias = "query")]
    q: Option<String>,
    sort: Option<Sort>,
    #[serde(default)]
    order: Order,
    page: Option<i64>,
    #[serde(alias = "perPage")]
    per_page: Option<i64>,
}

impl Action<GitHub> for Search {
    const NAME: &'static str = "search_commits";
    type Output = Found;

    fn run(self, cx: &mut Cx<'_, GitHub>) -> Result<Found, Error> {
        let query = parse(self.q.as_deref())?;
        known_places(cx, &query)?;
        let objects = cx.objects();
        let mut found = Vec::new();
        for id in repos_in(cx, &query) {
            let head = cx.state.repos.get(&id).and_then(|repo| cx.state.head(repo));
            let Some(head) = head else { continue };
            let mut seen = BTreeSet::new();
            for oid in objects.log(head)? {
                let commit = objects.commit(oid)?;
                if seen.insert(oid) && query.holds(|term| holds(cx.state, oid, commit, term)) {
                    let at = match self.sort {
                        Some(Sort::AuthorDate) => commit.author.seconds,
                        _ => commit.committer.seconds,
                    };
                    found.push((at, (id, oid)));
                }
            }
        }
        // Within a repository the log's order stays among equals.
        match self.order {
            Order::Asc => found.sort_by_key(|(at, _)| *at),
            Order::Desc => found.sort_by_key(|(at, _)| std::cmp::Reverse(*at)),
        }
        let keys = found.into_iter().map(|(_, key)| key).collect();
        Ok(Found(page_of(keys, paging(self.page, self.per_page))?))
    }
}

/// `commit-search-result-item`, or what the official MCP server makes of it.
struct Item<'a> {
    view: CommitView<'a>,
    short: bool,
}

impl Serialize for Item<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let CommitView { site, repo, .. } = self.view;
        let mut map = serializer.serialize_map(None)?;
        if self.short {
            ShortCommit(self.view).write(&mut map)?;
            let full = repo.full_name();
            let url = format!("{HTML}/{full}");
            let place = json!({ "full_name": full, "html_url": url, "private": repo.private });
            map.serialize_entry("repository", &place)?;
        } else {
            self.view.write(&mut map)?;
            map.serialize_entry("repository", &RepoView::short(site, repo))?;
            map.serialize_entry("score", &1.0)?;
        }
        map.end()
    }
}

impl Found {
    fn results<'a>(&self, cx: &'a Cx<'_, GitHub>, short: bool) -> Results<Item<'a>> {
        let site = Site::of(cx);
        let items = self.0.keys.iter().filter_map(|(id, oid)| {
            let repo = site.state.repos.get(id)?;
            Some(Item { view: CommitView { site, repo, oid: *oid }, short })
        });
        Results::new(self.0.total, items.collect())
    }
}

impl View<GitHub> for Found {
    fn rest(&self, cx: &Cx<'_, GitHub>, reply: &mut Reply) {
        reply.write_json(&self.results(cx, false));
        self.0.link(cx, reply);
    }

    fn tool(&self, cx: &Cx<'_, GitHub>) -> ToolReply {
        ToolReply::json(&self.results(cx, true))
    }
}
