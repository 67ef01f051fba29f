//! Search for issues and pull requests.

use memchr::memmem::Finder;
use pome_twin_kit::{Action, Cx, Reply, ToolReply, View};
use serde::{Deserialize, Serialize};
use serde_json::Value;

use super::query::{Query, Range, Term, has_text, has_word};
use super::{MOST, Order, Place, Results, known_places, page_of, parse, repos_in};
use crate::GitHub;
use crate::access::Access;
use crate::actions::issues::found;
use crate::actions::{Page, paging};
use crate::error::Error;
use crate::mentions::names;
use crate::state::{Issue, Numbered, Pull, Repo, ReviewState, State, Subject, fold};
use crate::views::Site;
use crate::views::issues::{Extra, IssueView};

#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "kebab-case")]
enum Sort {
    Comments,
    Reactions,
    #[serde(rename = "reactions-+1")]
    ReactionsUp,
    #[serde(rename = "reactions--1")]
    ReactionsDown,
    ReactionsSmile,
    #[serde(rename = "reactions-thinking_face", alias = "reactions-confused")]
    ReactionsThinkingFace,
    ReactionsHeart,
    ReactionsTada,
    Interactions,
    Created,
    Updated,
}

/// An issue with what its conditions look at.
struct Candidate<'a> {
    state: &'a State,
    repo: &'a Repo,
    place: &'a Place,
    issue: &'a Issue,
}

impl Candidate<'_> {
    fn pull(&self) -> Option<&Pull> {
        self.state.pulls.get(&(self.repo.id, self.issue.number))
    }

    fn comments(&self) -> impl Iterator<Item = &crate::state::Comment> {
        self.state.comments_on((self.repo.id, self.issue.number))
    }

    /// Free text is looked for in the title and the body, or where `in:` says.
    fn has_text(&self, text: &str, places: &[&str]) -> bool {
        let within = |place: &str| places.is_empty() && place != "comments" || places.contains(&place);
        (within("title") && has_word(&self.issue.title, text))
            || (within("body") && self.issue.body.as_deref().is_some_and(|body| has_word(body, text)))
            || (within("comments") && self.comments().any(|comment| has_word(&comment.body, text)))
    }

    fn is_merged(&self) -> bool {
        self.pull().is_some_and(|pull| pull.merged)
    }

    /// The latest verdicts of the reviewers, put together.
    fn review(&self) -> &'static str {
        let mut verdicts: Vec<(&str, ReviewState)> = Vec::new();
        for review in self.state.reviews_on((self.repo.id, self.issue.number)) {
            if matches!(review.state, ReviewState::Pending | ReviewState::Commented) {
                continue;
            }
            verdicts.retain(|(user, _)| *user != review.user);
            verdicts.push((&review.user, review.state));
        }
        let any = |wanted: ReviewState| verdicts.iter().any(|(_, state)| *state == wanted);
        if any(ReviewState::ChangesRequested) {
            "changes_requested"
        } else if any(ReviewState::Approved) {
            "approved"
        } else if self.pull().is_some_and(|pull| !pull.requested_reviewers.is_empty()) {
            "required"
        } else {
            "none"
        }
    }

    fn is(&self, value: &str) -> bool {
        match value {
            "issue" => self.pull().is_none(),
            "pr" | "pull-request" => self.pull().is_some(),
            "open" => self.issue.open,
            "closed" => !self.issue.open,
            "merged" => self.is_merged(),
            "unmerged" => self.pull().is_some() && !self.is_merged(),
            "draft" => self.pull().is_some_and(|pull| pull.draft),
            "locked" => self.issue.locked,
            "unlocked" => !self.issue.locked,
            "public" => !self.repo.private,
            "private" => self.repo.private,
            // As on the vendor's side, an unknown word matches nothing.
            _ => false,
        }
    }

    fn holds(&self, term: &Term, places: &[&str], me: &str) -> bool {
        let Some(qualifier) = term.qualifier.as_deref() else { return self.has_text(&term.value, places) };
        if let Some(placed) = self.place.holds(term) {
            return placed;
        }
        let (issue, value) = (self.issue, term.value.as_str());
        let login = if value == "@me" { me } else { value.trim_start_matches('@') };
        let author = || fold(&issue.user) == login;
        let assigned = || issue.assignees.iter().any(|assignee| fold(assignee) == login);
        let commented = || self.comments().any(|comment| fold(&comment.user) == login);
        let mentioned = || {
            names(issue.body.as_deref().unwrap_or_default(), login)
                || self.comments().any(|comment| names(&comment.body, login))
        };
        let number = |number: u64| Range::of_numbers(value).is_some_and(|range| range.holds(number));
        let time = |time: Option<pome_twin_kit::clock::Time>| {
            time.is_some_and(|time| Range::of_times(value).is_some_and(|range| range.holds(time.0)))
        };
        let milestone = || issue.milestone.and_then(|number| self.state.milestones.get(&(self.repo.id, number)));
        match qualifier {
            "is" | "type" | "state" => self.is(value),
            "in" | "sort" => true,
            "author" => author(),
            "assignee" => assigned() || (value == "*" && !issue.assignees.is_empty()),
            "mentions" => mentioned(),
            "commenter" => commented(),
            "involves" => author() || assigned() || commented() || mentioned(),
            "label" => value.split(',').any(|wanted| issue.labels.iter().any(|label| fold(label) == wanted)),
            "milestone" => milestone().is_some_and(|milestone| fold(&milestone.title) == value || value == "*"),
            "no" => match value {
                "label" => issue.labels.is_empty(),
                "assignee" => issue.assignees.is_empty(),
                "milestone" => issue.milestone.is_none(),
                _ => true,
            },
            "reason" => issue.state_reason.as_deref().is_some_and(|reason| reason.replace('_', " ") == value),
            "comments" => number(issue.comments),
            "reactions" => number(u64::try_from(self.reactions(None)).unwrap_or(u64::MAX)),
            "created" => time(Some(issue.created_at)),
            "updated" => time(Some(issue.updated_at)),
            "closed" => time(issue.closed_at),
            "merged" => time(self.pull().and_then(|pull| pull.merged_at)),
            "draft" => self.pull().is_some_and(|pull| pull.draft.to_string() == value),
            "head" => self.pull().is_some_and(|pull| fold(&pull.head_ref).starts_with(value)),
            "base" => self.pull().is_some_and(|pull| fold(&pull.base_ref).starts_with(value)),
            "sha" => self.pull().is_some_and(|pull| value.len() >= 7 && pull.head_sha.to_string().starts_with(value)),
            "review" => self.pull().is_some() && self.review() == value,
            "review-requested" => {
                self.pull().is_some_and(|pull| pull.requested_reviewers.iter().any(|reviewer| fold(reviewer) == login))
            }
            "team-review-requested" => {
                let mut asked = self.state.accounts.asked(self.repo.id, issue.number);
                asked.any(|team| fold(&format!("{}/{}", team.org, team.slug)) == value)
            }
            "reviewed-by" => {
                let mut reviews = self.state.reviews_on((self.repo.id, issue.number));
                reviews.any(|review| review.state != ReviewState::Pending && fold(&review.user) == login)
            }
            "status" => {
                self.pull().is_some_and(|pull| self.state.combined_status(pull.head_repo, pull.head_sha) == value)
            }
            "language" => self.repo.language.as_deref().is_some_and(|language| fold(language) == value),
            "archived" => self.repo.archived.to_string() == value,
            // What is no qualifier is text, as it was written.
            _ => self.has_text(&format!("{qualifier}:{value}"), places),
        }
    }

    /// How many reactions there are, or how many of one kind.
    fn reactions(&self, content: Option<&str>) -> usize {
        let subject = Subject::Issue(self.repo.id, self.issue.number);
        let all = self.state.reactions_to(subject);
        all.filter(|reaction| content.is_none_or(|content| reaction.content == content)).count()
    }

    fn rank(&self, sort: Sort) -> u64 {
        let reactions = |content| u64::try_from(self.reactions(content)).unwrap_or(u64::MAX);
        match sort {
            Sort::Created => self.issue.created_at.0,
            Sort::Updated => self.issue.updated_at.0,
            Sort::Comments => self.issue.comments,
            Sort::Reactions => reactions(None),
            Sort::Interactions => reactions(None) + self.issue.comments,
            Sort::ReactionsUp => reactions(Some("+1")),
            Sort::ReactionsDown => reactions(Some("-1")),
            Sort::ReactionsSmile => reactions(Some("laugh")),
            Sort::ReactionsThinkingFace => reactions(Some("confused")),
            Sort::ReactionsHeart => reactions(Some("heart")),
            Sort::ReactionsTada => reactions(Some("hooray")),
        }
    }
}

/// `sort:created-asc` in the query itself.
fn written_sort(value: &str) -> Option<(Sort, Order)> {
    let (name, order) = match value.rsplit_once('-') {
        Some((name, "asc")) => (name, Order::Asc),
        Some((name, "desc")) => (name, Order::Desc),
        _ => (value, Order::Desc),
    };
    let sort = match name {
        "created" => Sort::Created,
        "updated" => Sort::Updated,
        "comments" => Sort::Comments,
        "reactions" => Sort::Reactions,
        "interactions" => Sort::Interactions,
        _ => return None,
    };
    Some((sort, order))
}

/// All that a query finds, in order; the best match is what changed last.
fn search(cx: &Cx<'_, GitHub>, query: &Query, sort: Option<Sort>, order: Order) -> Vec<Numbered> {
    let state = &*cx.state;
    let me = fold(cx.actor());
    let places: Vec<&str> = query
        .terms()
        .filter(|term| term.qualifier.as_deref() == Some("in"))
        .flat_map(|term| term.value.split(','))
        .collect();
    let written = query.terms().find(|term| term.qualifier.as_deref() == Some("sort"));
    let (sort, order) = match (sort, written) {
        (None, Some(term)) => written_sort(&term.value).unwrap_or((Sort::Updated, order)),
        (sort, _) => (sort.unwrap_or(Sort::Updated), order),
    };
    // Comments are not part of the texts that the index keeps.
    let words: Vec<Finder<'_>> = if places.contains(&"comments") {
        Vec::new()
    } else {
        query.required_words().map(|word| Finder::new(word.as_bytes())).collect()
    };
    let mut rows: Vec<((u64, u64), Numbered)> = Vec::new();
    for repo in repos_in(cx, query).into_iter().filter_map(|id| state.repos.get(&id)) {
        let place = &Place::of(repo);
        // What a text has to hold is looked for first: most issues fall away without being looked at.
        let texts = state.issues.index().texts(repo.id);
        let fitting = texts.filter(|(_, text)| words.iter().all(|word| word.find(text.as_bytes()).is_some()));
        for issue in fitting.filter_map(|(number, _)| state.issues.get(&(repo.id, number))) {
            let candidate = Candidate { state, repo, place, issue };
            if query.holds(|term| candidate.holds(term, &places, &me)) {
                rows.push(((candidate.rank(sort), issue.number), (repo.id, issue.number)));
            }
        }
    }
    rows.sort_unstable();
    if order == Order::Desc {
        rows.reverse();
    }
    rows.into_iter().map(|(_, key)| key).collect()
}

/// Everything that a query finds, the newest change first unless the query sorts.
pub(crate) fn keys(cx: &Cx<'_, GitHub>, text: &str) -> Result<Vec<Numbered>, Error> {
    let query = parse(Some(text))?;
    let mut keys = search(cx, &query, None, Order::default());
    keys.truncate(MOST);
    Ok(keys)
}

/// A page of results.
pub(crate) struct Found {
    page: Page<Numbered>,
    /// Only these members of each, when given.
    fields: Option<Vec<String>>,
}

impl Found {
    fn views<'a>(&self, cx: &'a Cx<'_, GitHub>) -> Vec<IssueView<'a>> {
        let site = Site::of(cx);
        let rows = self.page.keys.iter().filter_map(|key| found(cx.state, *key));
        rows.map(|(repo, issue)| IssueView { site, repo, issue, extra: Extra::Score }).collect()
    }
}

impl View<GitHub> for Found {
    fn rest(&self, cx: &Cx<'_, GitHub>, reply: &mut Reply) {
        #[derive(Serialize)]
        struct Body<T> {
            #[serde(flatten)]
            results: Results<T>,
            search_type: &'static str,
        }
        let results = Results::new(self.page.total, self.views(cx));
        reply.write_json(&Body { results, search_type: "lexical" });
        self.page.link(cx, reply);
    }

    fn tool(&self, cx: &Cx<'_, GitHub>) -> ToolReply {
        let views = self.views(cx);
        let Some(fields) = &self.fields else {
            return ToolReply::json(&Results::new(self.page.total, views));
        };
        let only = |view: IssueView<'_>| {
            let mut value = serde_json::to_value(&view).unwrap_or_default();
            if let Value::Object(members) = &mut value {
                members.retain(|name, _| fields.iter().any(|field| field == name));
            }
            value
        };
        ToolReply::json(&Results::new(self.page.total, views.into_iter().map(only).collect::<Vec<_>>()))
    }
}

#[derive(Deserialize)]
#[serde(rename_all = "lowercase")]
enum SearchType {
    Semantic,
    Hybrid,
}

#[derive(Deserialize)]
pub(crate) struct Search {
    q: Option<String>,
    sort: Option<Sort>,
    #[serde(default)]
    order: Order,
    search_type: Option<SearchType>,
    page: Option<i64>,
    per_page: Option<i64>,
}

impl Action<GitHub> for Search {
    const NAME: &'static str = "search_issues";
    type Output = Found;

    fn run(self, cx: &mut Cx<'_, GitHub>) -> Result<Found, Error> {
        if self.search_type.is_some() {
            return Err(Error::unsupported("search by meaning"));
        }
        let query = parse(self.q.as_deref())?;
        known_places(cx, &query)?;
        let keys = search(cx, &query, self.sort, self.order);
        Ok(Found { page: page_of(keys, paging(self.page, self.per_page))?, fields: None })
    }
}

/// What both search tools take.
#[derive(Deserialize)]
pub(crate) struct Arguments {
    #[serde(alias = "q")]
    query: String,
    owner: Option<String>,
    repo: Option<String>,
    state: Option<String>,
    sort: Option<Sort>,
    #[serde(default)]
    order: Order,
    page: Option<i64>,
    #[serde(rename = "perPage", alias = "per_page")]
    per_page: Option<i64>,
    fields: Option<Vec<String>>,
}

impl Arguments {
    fn run(self, cx: &Cx<'_, GitHub>, kind: &str) -> Result<Found, Error> {
        if self.query.trim().is_empty() {
            return Err(Error::field("Search", "q", "missing"));
        }
        let mut text = self.query;
        let has = |text: &str, part: &str| has_text(text, part);
        if !has(&text, "is:issue") && !has(&text, "is:pr") {
            text.push_str(kind);
        }
        if let Some(state) = self.state.filter(|state| !state.is_empty()) {
            text.push_str(" state:");
            text.push_str(&state);
        }
        if let (Some(owner), Some(repo), false) = (&self.owner, &self.repo, has(&text, "repo:")) {
            text.push_str(&format!(" repo:{owner}/{repo}"));
        }
        let query = parse(Some(&text))?;
        known_places(cx, &query)?;
        let keys = search(cx, &query, self.sort, self.order);
        let fields = self.fields.filter(|fields| !fields.is_empty());
        Ok(Found { page: page_of(keys, paging(self.page, self.per_page))?, fields })
    }
}

/// The tool that searches issues.
#[derive(Deserialize)]
#[serde(transparent)]
pub(crate) struct IssuesTool(Arguments);

impl Action<GitHub> for IssuesTool {
    const NAME: &'static str = "search_issues";
    type Output = Found;

    fn run(self, cx: &mut Cx<'_, GitHub>) -> Result<Found, Error> {
        self.0.run(cx, " is:issue")
    }
}

/// The tool that searches pull requests.
#[derive(Deserialize)]
#[serde(transparent)]
pub(crate) struct PullsTool(Arguments);

impl Action<GitHub> for PullsTool {
    const NAME: &'static str = "search_pull_requests";
    type Output = Found;

    fn run(self, cx: &mut Cx<'_, GitHub>) -> Result<Found, Error> {
        self.0.run(cx, " is:pr")
    }
}
