//! Stars and watching.

use pome_twin_kit::action::Empty;
use pome_twin_kit::clock::Time;
use pome_twin_kit::{Action, Cx, Reply, View};
use serde::Deserialize;
use serde_json::{Value, json};

use super::issue_lists::Direction;
use super::orgs::People;
use super::{Page, paging};
use crate::GitHub;
use crate::access::Access;
use crate::activity::Watch;
use crate::error::Error;
use crate::state::{RepoId, fold};
use crate::views::Site;
use crate::views::repos::RepoView;
use crate::views::users::SimpleUser;

/// Whether the caller asks for the times of stars.
fn with_times(cx: &Cx<'_, GitHub>) -> bool {
    cx.header("accept").is_some_and(|accept| accept.contains("star+json"))
}

fn row(cx: &Cx<'_, GitHub>, repo: RepoId) -> Option<Value> {
    let repo = cx.state.repos.get(&repo)?;
    Some(json!({ "repo": repo.full_name(), "user_login": cx.actor() }))
}

#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
enum Sort {
    #[default]
    Created,
    Updated,
}

/// Repositories that the caller or somebody else gave a star.
#[derive(Deserialize)]
pub(crate) struct Starred {
    username: Option<String>,
    #[serde(default)]
    sort: Sort,
    #[serde(default)]
    direction: Direction,
    page: Option<i64>,
    per_page: Option<i64>,
}

/// A page of repositories, with the time of each star.
pub(crate) struct StarredRepos(Page<(RepoId, Time)>);

impl View<GitHub> for StarredRepos {
    fn rest(&self, cx: &Cx<'_, GitHub>, reply: &mut Reply) {
        if with_times(cx) {
            self.0.write(cx, reply, |site, (id, at)| {
                let repo = RepoView::short(site, site.state.repos.get(id)?);
                Some(json!({ "starred_at": at.to_seconds(), "repo": repo }))
            });
        } else {
            self.0.write(cx, reply, |site, (id, _)| Some(RepoView::short(site, site.state.repos.get(id)?)));
        }
    }
}

impl Action<GitHub> for Starred {
    const NAME: &'static str = "list_starred_repositories";
    type Output = StarredRepos;

    fn run(self, cx: &mut Cx<'_, GitHub>) -> Result<StarredRepos, Error> {
        let login = self.username.as_deref().unwrap_or(cx.actor());
        let login = fold(&cx.state.user(login).ok_or_else(Error::not_found)?.login);
        let given = cx.state.activity.stars.iter().filter(|((_, by), _)| *by == login);
        let mut rows: Vec<(Time, RepoId, Time)> = given
            .filter_map(|((id, _), at)| {
                let repo = cx.state.repos.get(id).filter(|repo| cx.permission(repo).is_some())?;
                Some((if self.sort == Sort::Created { *at } else { repo.updated_at }, *id, *at))
            })
            .collect();
        rows.sort_unstable();
        if self.direction == Direction::Desc {
            rows.reverse();
        }
        let rows = rows.into_iter().map(|(_, id, at)| (id, at));
        Ok(StarredRepos(Page::of(rows, paging(self.page, self.per_page))))
    }
}

/// Who gave a repository a star, in order of time.
#[derive(Deserialize)]
pub(crate) struct Stargazers {
    owner: String,
    repo: String,
    page: Option<i64>,
    per_page: Option<i64>,
}

/// A page of people with the times of their stars.
pub(crate) struct Gazers(Page<(String, Time)>);

impl View<GitHub> for Gazers {
    fn rest(&self, cx: &Cx<'_, GitHub>, reply: &mut Reply) {
        if with_times(cx) {
            self.0.write(cx, reply, |site, (login, at)| {
                Some(json!({ "starred_at": at.to_seconds(), "user": SimpleUser::of(site, login) }))
            });
        } else {
            self.0.write(cx, reply, |site, (login, _)| Some(SimpleUser::of(site, login)));
        }
    }
}

impl Action<GitHub> for Stargazers {
    const NAME: &'static str = "list_stargazers";
    type Output = Gazers;

    fn run(self, cx: &mut Cx<'_, GitHub>) -> Result<Gazers, Error> {
        let repo = cx.repo(&self.owner, &self.repo)?.id;
        let mut rows: Vec<(Time, String)> =
            cx.state.activity.stars_of(repo).map(|(login, at)| (at, login.clone())).collect();
        rows.sort_unstable();
        let rows = rows.into_iter().map(|(at, login)| (login, at));
        Ok(Gazers(Page::of(rows, paging(self.page, self.per_page))))
    }
}

/// Whether the caller gave a star: 204 or 404.
#[derive(Deserialize)]
pub(crate) struct IsStarred {
    owner: String,
    repo: String,
}

impl Action<GitHub> for IsStarred {
    const NAME: &'static str = "check_star";
    type Output = Empty;

    fn run(self, cx: &mut Cx<'_, GitHub>) -> Result<Empty, Error> {
        let key = (cx.repo(&self.owner, &self.repo)?.id, fold(cx.actor()));
        cx.state.activity.stars.contains(&key).then_some(Empty).ok_or_else(Error::not_found)
    }
}

#[derive(Deserialize)]
pub(crate) struct Star {
    owner: String,
    repo: String,
}

impl Action<GitHub> for Star {
    const NAME: &'static str = "star_repository";
    const MUTATES: bool = true;
    type Output = Empty;

    fn run(self, cx: &mut Cx<'_, GitHub>) -> Result<Empty, Error> {
        let (key, now) = ((cx.repo(&self.owner, &self.repo)?.id, fold(cx.actor())), cx.now());
        if !cx.state.activity.stars.contains(&key) {
            let after = row(cx, key.0);
            cx.state.activity.stars.insert(key, now);
            cx.changed(None, after);
        }
        Ok(Empty)
    }
}

#[derive(Deserialize)]
pub(crate) struct Unstar {
    owner: String,
    repo: String,
}

impl Action<GitHub> for Unstar {
    const NAME: &'static str = "unstar_repository";
    const MUTATES: bool = true;
    type Output = Empty;

    fn run(self, cx: &mut Cx<'_, GitHub>) -> Result<Empty, Error> {
        let key = (cx.repo(&self.owner, &self.repo)?.id, fold(cx.actor()));
        if cx.state.activity.stars.remove(&key).is_some() {
            let before = row(cx, key.0);
            cx.changed(before, None);
        }
        Ok(Empty)
    }
}

/// Who watches a repository.
#[derive(Deserialize)]
pub(crate) struct Subscribers {
    owner: String,
    repo: String,
    page: Option<i64>,
    per_page: Option<i64>,
}

impl Action<GitHub> for Subscribers {
    const NAME: &'static str = "list_watchers";
    type Output = People;

    fn run(self, cx: &mut Cx<'_, GitHub>) -> Result<People, Error> {
        let repo = cx.repo(&self.owner, &self.repo)?.id;
        let logins = cx.state.activity.watchers_of(repo).cloned();
        Ok(People(Page::of(logins, paging(self.page, self.per_page))))
    }
}

/// A page of repositories.
pub(crate) struct Repos(Page<RepoId>);

impl View<GitHub> for Repos {
    fn rest(&self, cx: &Cx<'_, GitHub>, reply: &mut Reply) {
        self.0.write(cx, reply, |site, id| Some(RepoView::short(site, site.state.repos.get(id)?)));
    }
}

/// What the caller watches.
#[derive(Deserialize)]
pub(crate) struct Subscriptions {
    page: Option<i64>,
    per_page: Option<i64>,
}

impl Action<GitHub> for Subscriptions {
    const NAME: &'static str = "list_watched_repositories";
    type Output = Repos;

    fn run(self, cx: &mut Cx<'_, GitHub>) -> Result<Repos, Error> {
        let me = fold(cx.actor());
        let mine = cx.state.activity.watches.iter().filter(|((_, login), watch)| *login == me && !watch.ignored);
        let seen = |id: &RepoId| cx.state.repos.get(id).is_some_and(|repo| cx.permission(repo).is_some());
        let ids = mine.map(|((id, _), _)| *id).filter(seen);
        Ok(Repos(Page::of(ids, paging(self.page, self.per_page))))
    }
}

/// The caller's watching of one repository.
pub(crate) struct Subscription(RepoId);

impl View<GitHub> for Subscription {
    fn rest(&self, cx: &Cx<'_, GitHub>, reply: &mut Reply) {
        let site = Site::of(cx);
        let watch = site.state.activity.watches.get(&(self.0, fold(site.viewer)));
        let (Some(repo), Some(watch)) = (site.state.repos.get(&self.0), watch) else { return };
        let own = format!("{}/repos/{}", site.api, repo.full_name());
        reply.write_json(&json!({
            "subscribed": !watch.ignored,
            "ignored": watch.ignored,
            "reason": null,
            "created_at": watch.created_at.to_seconds(),
            "url": format!("{own}/subscription"),
            "repository_url": own,
        }));
    }
}

#[derive(Deserialize)]
pub(crate) struct GetSubscription {
    owner: String,
    repo: String,
}

impl Action<GitHub> for GetSubscription {
    const NAME: &'static str = "get_repository_subscription";
    type Output = Subscription;

    fn run(self, cx: &mut Cx<'_, GitHub>) -> Result<Subscription, Error> {
        let repo = cx.repo(&self.owner, &self.repo)?.id;
        let found = cx.state.activity.watches.contains(&(repo, fold(cx.actor())));
        found.then_some(Subscription(repo)).ok_or_else(Error::not_found)
    }
}

/// Watches a repository, or shuts it out.
#[derive(Deserialize)]
pub(crate) struct Subscribe {
    owner: String,
    repo: String,
    #[serde(default)]
    subscribed: bool,
    #[serde(default)]
    ignored: bool,
}

impl Action<GitHub> for Subscribe {
    const NAME: &'static str = "set_repository_subscription";
    const MUTATES: bool = true;
    type Output = Subscription;

    fn run(self, cx: &mut Cx<'_, GitHub>) -> Result<Subscription, Error> {
        let repo = cx.repo(&self.owner, &self.repo)?.id;
        let ignored = self.ignored && !self.subscribed;
        let watch = Watch { ignored, created_at: cx.now() };
        let mut after = row(cx, repo);
        if let Some(after) = &mut after {
            after["ignored"] = ignored.into();
        }
        let key = (repo, fold(cx.actor()));
        cx.state.activity.watches.insert(key, watch);
        cx.changed(None, after);
        Ok(Subscription(repo))
    }
}

#[derive(Deserialize)]
pub(crate) struct Unsubscribe {
    owner: String,
    repo: String,
}

impl Action<GitHub> for Unsubscribe {
    const NAME: &'static str = "delete_repository_subscription";
    const MUTATES: bool = true;
    type Output = Empty;

    fn run(self, cx: &mut Cx<'_, GitHub>) -> Result<Empty, Error> {
        let key = (cx.repo(&self.owner, &self.repo)?.id, fold(cx.actor()));
        if cx.state.activity.watches.remove(&key).is_some() {
            let before = row(cx, key.0);
            cx.changed(before, None);
        }
        Ok(Empty)
    }
}
