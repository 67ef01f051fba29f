//! Repositories of the caller, of a user and of an organization.

use pome_twin_kit::{Action, Cx, Reply, View};
use serde::Deserialize;

use super::issue_lists::Direction;
use super::issues::since as moment;
use super::{Page, paging};
use crate::GitHub;
use crate::access::Access;
use crate::error::Error;
use crate::state::{Repo, RepoId, UserKind, fold};
use crate::views::repos::RepoView;

/// A page of repositories.
pub(crate) struct Listed(Page<RepoId>);

impl View<GitHub> for Listed {
    fn rest(&self, cx: &Cx<'_, GitHub>, reply: &mut Reply) {
        self.0.write(cx, reply, |site, id| Some(RepoView::short(site, site.state.repos.get(id)?)));
    }
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "snake_case")]
enum Sort {
    Created,
    Updated,
    Pushed,
    FullName,
}

#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
enum Kind {
    #[default]
    All,
    Owner,
    Public,
    Private,
    Member,
    Forks,
    Sources,
}

/// How a list is ordered: names upwards, times downwards, unless said.
struct Order {
    sort: Sort,
    direction: Option<Direction>,
}

fn listed(
    cx: &Cx<'_, GitHub>,
    admits: impl Fn(&Repo) -> bool,
    order: &Order,
    page: Option<i64>,
    per_page: Option<i64>,
) -> Listed {
    let visible = cx.state.repos.values().filter(|repo| cx.permission(repo).is_some() && admits(repo));
    let mut rows: Vec<(u64, String, RepoId)> = visible
        .map(|repo| {
            let rank = match order.sort {
                Sort::FullName => 0,
                Sort::Created => repo.created_at.0,
                Sort::Updated => repo.updated_at.0,
                Sort::Pushed => repo.pushed_at.0,
            };
            (rank, fold(&repo.full_name()), repo.id)
        })
        .collect();
    rows.sort_unstable();
    let otherwise = if order.sort == Sort::FullName { Direction::Asc } else { Direction::Desc };
    if order.direction.unwrap_or(otherwise) == Direction::Desc {
        rows.reverse();
    }
    Listed(Page::of(rows.into_iter().map(|(_, _, id)| id), paging(page, per_page)))
}

/// Whether a repository is of a kind for an owner.
fn is_kind(kind: Kind, repo: &Repo, owner: &str) -> bool {
    let own = fold(&repo.owner) == fold(owner);
    match kind {
        Kind::All => true,
        Kind::Owner => own,
        Kind::Member => !own,
        Kind::Public => !repo.private,
        Kind::Private => repo.private,
        Kind::Forks => repo.parent.is_some(),
        Kind::Sources => repo.parent.is_none(),
    }
}

#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
enum Visibility {
    #[default]
    All,
    Public,
    Private,
}

/// Where the caller has a place: their own repositories and those that they work on.
#[derive(Deserialize)]
pub(crate) struct Mine {
    #[serde(default)]
    visibility: Visibility,
    affiliation: Option<String>,
    #[serde(default, rename = "type")]
    kind: Kind,
    sort: Option<Sort>,
    direction: Option<Direction>,
    /// Only what changed after it.
    since: Option<String>,
    /// Only what changed before it.
    before: Option<String>,
    page: Option<i64>,
    per_page: Option<i64>,
}

impl Action<GitHub> for Mine {
    const NAME: &'static str = "list_my_repositories";
    type Output = Listed;

    fn run(self, cx: &mut Cx<'_, GitHub>) -> Result<Listed, Error> {
        if self.kind != Kind::All && (self.visibility != Visibility::All || self.affiliation.is_some()) {
            return Err(Error::unprocessable("If you specify visibility or affiliation, you cannot specify type."));
        }
        let (after, before) = (moment(self.since.as_deref())?, moment(self.before.as_deref())?);
        let me = cx.actor();
        let wanted = self.affiliation.as_deref().unwrap_or("owner,collaborator,organization_member");
        let affiliated = |name: &str| wanted.split(',').any(|word| word.trim() == name);
        let admits = |repo: &Repo| {
            let own = fold(&repo.owner) == fold(me);
            let place = cx.state.collaborators.get(&(repo.id, fold(me))).is_some_and(|place| !place.pending);
            let visible = match self.visibility {
                Visibility::All => true,
                Visibility::Public => !repo.private,
                Visibility::Private => repo.private,
            };
            let late = after.is_none_or(|after| repo.updated_at > after);
            let early = before.is_none_or(|before| repo.updated_at < before);
            visible
                && late
                && early
                && is_kind(self.kind, repo, me)
                && ((own && affiliated("owner"))
                    || (place && !own && affiliated("collaborator"))
                    || (affiliated("organization_member") && cx.state.accounts.through(repo, me).is_some()))
        };
        let order = Order { sort: self.sort.unwrap_or(Sort::FullName), direction: self.direction };
        Ok(listed(cx, admits, &order, self.page, self.per_page))
    }
}

/// What a user owns; with `type=all` or `member` also what they work on.
#[derive(Deserialize)]
pub(crate) struct OfUser {
    username: String,
    #[serde(rename = "type")]
    kind: Option<Kind>,
    sort: Option<Sort>,
    direction: Option<Direction>,
    page: Option<i64>,
    per_page: Option<i64>,
}

impl Action<GitHub> for OfUser {
    const NAME: &'static str = "list_user_repositories";
    type Output = Listed;

    fn run(self, cx: &mut Cx<'_, GitHub>) -> Result<Listed, Error> {
        let user = cx.state.user(&self.username).ok_or_else(Error::not_found)?;
        let kind = self.kind.unwrap_or(Kind::Owner);
        let admits = |repo: &Repo| {
            let own = fold(&repo.owner) == fold(&user.login);
            let place = cx.state.collaborators.get(&(repo.id, fold(&user.login)));
            (own || place.is_some_and(|place| !place.pending)) && is_kind(kind, repo, &user.login)
        };
        let order = Order { sort: self.sort.unwrap_or(Sort::FullName), direction: self.direction };
        Ok(listed(cx, admits, &order, self.page, self.per_page))
    }
}

/// What an organization owns.
#[derive(Deserialize)]
pub(crate) struct OfOrganization {
    org: String,
    #[serde(default, rename = "type")]
    kind: Kind,
    sort: Option<Sort>,
    direction: Option<Direction>,
    page: Option<i64>,
    per_page: Option<i64>,
}

impl Action<GitHub> for OfOrganization {
    const NAME: &'static str = "list_organization_repositories";
    type Output = Listed;

    fn run(self, cx: &mut Cx<'_, GitHub>) -> Result<Listed, Error> {
        let owner = cx.state.user(&self.org).filter(|owner| owner.kind == UserKind::Organization);
        let owner = owner.ok_or_else(Error::not_found)?;
        let admits = |repo: &Repo| fold(&repo.owner) == fold(&owner.login) && is_kind(self.kind, repo, &owner.login);
        let order = Order { sort: self.sort.unwrap_or(Sort::Created), direction: self.direction };
        Ok(listed(cx, admits, &order, self.page, self.per_page))
    }
}
