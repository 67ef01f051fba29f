//! Search for users and organizations.

use pome_twin_kit::{Action, Cx, Reply, ToolReply, View};
use serde::Deserialize;

use super::query::{Query, Range, Term, has_text};
use super::{Order, Results, page_of, parse};
use crate::GitHub;
use crate::accounts::Profile;
use crate::actions::{Page, paging};
use crate::error::Error;
use crate::state::{State, User, UserKind, fold};
use crate::views::Site;
use crate::views::users::{FoundUser, ToolUser};

#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
enum Sort {
    Followers,
    Repositories,
    Joined,
}

fn repositories(state: &State, user: &User) -> u64 {
    let owned = state.repos.values().filter(|repo| !repo.private && fold(&repo.owner) == fold(&user.login));
    u64::try_from(owned.count()).unwrap_or(u64::MAX)
}

fn followers(state: &State, user: &User) -> u64 {
    u64::try_from(state.accounts.followers(&user.login).len()).unwrap_or(u64::MAX)
}

/// Whether one line of what somebody says about themselves holds a text.
fn profile(state: &State, user: &User, wanted: &str, line: impl Fn(&Profile) -> Option<&str>) -> bool {
    let profile = state.accounts.profiles.get(&fold(&user.login));
    profile.and_then(line).is_some_and(|text| has_text(text, wanted))
}

fn holds(state: &State, user: &User, term: &Term) -> bool {
    let value = term.value.as_str();
    match term.qualifier.as_deref() {
        None => has_text(&user.login, value) || has_text(&user.name, value),
        Some("user" | "org") => fold(&user.login) == value,
        Some("type") => match value {
            "user" => user.kind == UserKind::User,
            "org" | "organization" => user.kind == UserKind::Organization,
            _ => false,
        },
        Some("in" | "sort") => true,
        Some("fullname") => has_text(&user.name, value),
        Some("repos") => Range::of_numbers(value).is_some_and(|range| range.holds(repositories(state, user))),
        Some("followers") => Range::of_numbers(value).is_some_and(|range| range.holds(followers(state, user))),
        Some("location") => profile(state, user, value, |profile| profile.location.as_deref()),
        Some("bio") => profile(state, user, value, |profile| profile.bio.as_deref()),
        Some("created") => Range::of_times(value).is_some_and(|range| range.holds(user.created_at.0)),
        Some(_) => false,
    }
}

/// A page of results.
pub(crate) struct Found(Page<String>);

impl View<GitHub> for Found {
    fn rest(&self, cx: &Cx<'_, GitHub>, reply: &mut Reply) {
        let site = Site::of(cx);
        let items = self.0.keys.iter().map(|login| FoundUser { site, login }).collect();
        reply.write_json(&Results::new(self.0.total, items));
        self.0.link(cx, reply);
    }

    fn tool(&self, cx: &Cx<'_, GitHub>) -> ToolReply {
        let site = Site::of(cx);
        let items = self.0.keys.iter().map(|login| ToolUser::of(site, login)).collect();
        ToolReply::json(&Results::new(self.0.total, items))
    }
}

fn search(state: &State, query: &Query, sort: Option<Sort>, order: Order) -> Vec<String> {
    let mut rows: Vec<(u64, &str)> = state
        .users
        .values()
        .filter(|user| query.holds(|term| holds(state, user, term)))
        .map(|user| {
            let rank = match sort {
                None => 0,
                Some(Sort::Followers) => followers(state, user),
                Some(Sort::Repositories) => repositories(state, user),
                Some(Sort::Joined) => user.created_at.0,
            };
            (rank, user.login.as_str())
        })
        .collect();
    // Logins stay in alphabetical order among equals.
    rows.sort_by(|(one, _), (other, _)| if order == Order::Desc { other.cmp(one) } else { one.cmp(other) });
    rows.into_iter().map(|(_, login)| login.to_owned()).collect()
}

/// Everybody that a query finds.
pub(crate) fn keys(cx: &Cx<'_, GitHub>, text: &str) -> Result<Vec<String>, Error> {
    Ok(search(cx.state, &parse(Some(text))?, None, Order::default()))
}

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
    const NAME: &'static str = "search_users";
    type Output = Found;

    fn run(self, cx: &mut Cx<'_, GitHub>) -> Result<Found, Error> {
        let query = parse(self.q.as_deref())?;
        let logins = search(cx.state, &query, self.sort, self.order);
        Ok(Found(page_of(logins, paging(self.page, self.per_page))?))
    }
}
