//! Search for repositories and their labels.

use pome_twin_kit::{Action, Cx, Reply, ToolReply, View};
use serde::Deserialize;

use super::query::{Query, Range, Term, has_text};
use super::{Order, Place, Results, page_of, parse};
use crate::GitHub;
use crate::access::Access;
use crate::actions::{Page, paging};
use crate::error::Error;
use crate::state::{Repo, RepoId, State, fold};
use crate::views::Site;
use crate::views::labels::LabelView;
use crate::views::repos::{Detail, RepoView, ToolRepo};

#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "kebab-case")]
enum Sort {
    Stars,
    Forks,
    HelpWantedIssues,
    Updated,
}

fn forks(state: &State, repo: &Repo) -> u64 {
    let count = state.repos.values().filter(|other| other.parent == Some(repo.id)).count();
    u64::try_from(count).unwrap_or(u64::MAX)
}

fn stars(state: &State, repo: &Repo) -> u64 {
    u64::try_from(state.activity.stars_of(repo.id).count()).unwrap_or(u64::MAX)
}

fn holds(state: &State, repo: &Repo, term: &Term) -> bool {
    let value = term.value.as_str();
    let number = |number: u64| Range::of_numbers(value).is_some_and(|range| range.holds(number));
    let time = |time: pome_twin_kit::clock::Time| Range::of_times(value).is_some_and(|range| range.holds(time.0));
    let Some(qualifier) = term.qualifier.as_deref() else {
        return has_text(&repo.full_name(), value)
            || repo.description.as_deref().is_some_and(|text| has_text(text, value))
            || repo.topics.iter().any(|topic| fold(topic) == value);
    };
    match qualifier {
        "repo" | "user" | "org" => Place::of(repo).holds(term).unwrap_or_default(),
        "is" | "visibility" => match value {
            "public" => !repo.private,
            "private" => repo.private,
            _ => false,
        },
        "in" => true,
        "language" => repo.language.as_deref().is_some_and(|language| fold(language) == value),
        "topic" => repo.topics.iter().any(|topic| fold(topic) == value),
        "topics" => number(u64::try_from(repo.topics.len()).unwrap_or(u64::MAX)),
        "archived" => repo.archived.to_string() == value,
        "template" => repo.is_template.to_string() == value,
        // Forks are found when asked for.
        "fork" => match value {
            "only" => repo.parent.is_some(),
            "true" => true,
            _ => repo.parent.is_none(),
        },
        "forks" => number(forks(state, repo)),
        "stars" => number(stars(state, repo)),
        "followers" => number(u64::try_from(state.accounts.followers(&repo.owner).len()).unwrap_or(u64::MAX)),
        "size" => number(0),
        "created" => time(repo.created_at),
        "pushed" => time(repo.pushed_at),
        _ => false,
    }
}

/// Everything that a query finds, in order.
fn search(cx: &Cx<'_, GitHub>, query: &Query, sort: Option<Sort>, order: Order) -> Vec<RepoId> {
    let state = &*cx.state;
    let visible = state.repos.values().filter(|repo| cx.permission(repo).is_some());
    let found = visible.filter(|repo| query.holds(|term| holds(state, repo, term)));
    let mut rows: Vec<(u64, String, RepoId)> = found
        .map(|repo| {
            let rank = match sort {
                None => 0,
                Some(Sort::Stars) => stars(state, repo),
                Some(Sort::Forks) => forks(state, repo),
                Some(Sort::Updated) => repo.updated_at.0,
                Some(Sort::HelpWantedIssues) => {
                    let wanted = |labels: &[String]| labels.iter().any(|label| fold(label) == "help wanted");
                    let count = state.issues_of(repo.id).filter(|issue| issue.open && wanted(&issue.labels)).count();
                    u64::try_from(count).unwrap_or(u64::MAX)
                }
            };
            (rank, fold(&repo.full_name()), repo.id)
        })
        .collect();
    // Names stay in alphabetical order among equals.
    rows.sort_by(|(one, name, _), (other, other_name, _)| {
        let ranks = if order == Order::Desc { other.cmp(one) } else { one.cmp(other) };
        ranks.then_with(|| name.cmp(other_name))
    });
    rows.into_iter().map(|(_, _, id)| id).collect()
}

/// Everything that a query finds.
pub(crate) fn keys(cx: &Cx<'_, GitHub>, text: &str) -> Result<Vec<RepoId>, Error> {
    Ok(search(cx, &parse(Some(text))?, None, Order::default()))
}

/// A page of results.
pub(crate) struct Found {
    page: Page<RepoId>,
    minimal: bool,
}

impl Found {
    fn full<'a>(&self, cx: &'a Cx<'_, GitHub>) -> Results<RepoView<'a>> {
        let site = Site::of(cx);
        let repos = self.page.keys.iter().filter_map(|id| cx.state.repos.get(id));
        let items = repos.map(|repo| RepoView { site, repo, detail: Detail::Short, score: true }).collect();
        Results::new(self.page.total, items)
    }
}

impl View<GitHub> for Found {
    fn rest(&self, cx: &Cx<'_, GitHub>, reply: &mut Reply) {
        reply.write_json(&self.full(cx));
        self.page.link(cx, reply);
    }

    fn tool(&self, cx: &Cx<'_, GitHub>) -> ToolReply {
        if !self.minimal {
            return ToolReply::json(&self.full(cx));
        }
        let site = Site::of(cx);
        let repos = self.page.keys.iter().filter_map(|id| cx.state.repos.get(id));
        let items = repos.map(|repo| ToolRepo { site, repo }).collect();
        ToolReply::json(&Results::new(self.page.total, items))
    }
}

#[derive(Deserialize)]
pub(crate) struct Search {
    #[serde(alias = "query")]
    q: Option<String>,
    sort: Option<Sort>,
    #[serde(default)]
    order: Order,
    minimal_output: Option<bool>,
    page: Option<i64>,
    #[serde(alias = "perPage")]
    per_page: Option<i64>,
}

impl Action<GitHub> for Search {
    const NAME: &'static str = "search_repositories";
    type Output = Found;

    fn run(self, cx: &mut Cx<'_, GitHub>) -> Result<Found, Error> {
        let query = parse(self.q.as_deref())?;
        let keys = search(cx, &query, self.sort, self.order);
        let page = page_of(keys, paging(self.page, self.per_page))?;
        Ok(Found { page, minimal: self.minimal_output.unwrap_or(true) })
    }
}

/// A page of labels of one repository.
pub(crate) struct FoundLabels {
    repo: RepoId,
    page: Page<String>,
}

impl View<GitHub> for FoundLabels {
    fn rest(&self, cx: &Cx<'_, GitHub>, reply: &mut Reply) {
        let (site, Some(repo)) = (Site::of(cx), cx.state.repos.get(&self.repo)) else { return };
        let labels = self.page.keys.iter().filter_map(|name| cx.state.label(repo.id, name));
        let items = labels.map(|label| LabelView { site, repo, label, score: true }).collect();
        reply.write_json(&Results::new(self.page.total, items));
        self.page.link(cx, reply);
    }
}

/// Labels carry no times, so an order by them is that of names.
#[derive(Deserialize)]
#[serde(rename_all = "lowercase")]
enum LabelSort {
    Created,
    Updated,
}

#[derive(Deserialize)]
pub(crate) struct SearchLabels {
    repository_id: RepoId,
    q: Option<String>,
    #[serde(rename = "sort")]
    _sort: Option<LabelSort>,
    #[serde(default, rename = "order")]
    _order: Order,
    page: Option<i64>,
    per_page: Option<i64>,
}

impl Action<GitHub> for SearchLabels {
    const NAME: &'static str = "search_labels";
    type Output = FoundLabels;

    fn run(self, cx: &mut Cx<'_, GitHub>) -> Result<FoundLabels, Error> {
        let repo = cx.state.repos.get(&self.repository_id).filter(|repo| cx.permission(repo).is_some());
        let repo = repo.ok_or_else(Error::not_found)?.id;
        let query = parse(self.q.as_deref())?;
        let labels = cx.state.labels_of(repo).filter(|label| {
            query.holds(|term| {
                let described = label.description.as_deref().is_some_and(|text| has_text(text, &term.value));
                described || has_text(&label.name, &term.value)
            })
        });
        let names = labels.map(|label| label.name.clone()).collect();
        Ok(FoundLabels { repo, page: page_of(names, paging(self.page, self.per_page))? })
    }
}
