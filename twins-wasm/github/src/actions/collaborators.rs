//! Who may do what in a repository.

use pome_twin_kit::{Action, Cx, Reply, ToolReply, View, action};
use serde::Deserialize;
use serde_json::json;

use super::{Page, paging, rows};
use crate::GitHub;
use crate::access::Access;
use crate::error::Error;
use crate::state::{Collaborator, Permission, Repo, RepoId, State, UserKind, fold};
use crate::views::Site;
use crate::views::collaborators::{InvitationView, LevelView, invitation_id};
use crate::views::users::{CollaboratorUser, SimpleUser};

/// The repository, if the caller may push there; administration of people says which right is missing.
fn with_push<'a>(cx: &'a Cx<'_, GitHub>, owner: &str, name: &str, what: &str) -> Result<&'a Repo, Error> {
    let repo = cx.repo(owner, name)?;
    if cx.permission(repo) < Some(Permission::Write) {
        return Err(Error::forbidden(&format!("Must have push access {what}.")));
    }
    Ok(repo)
}

/// The owner and everybody who has accepted a place, by login.
fn everybody<'a>(state: &'a State, repo: &'a Repo) -> Vec<(&'a str, Permission)> {
    let places = state.collaborators_of(repo.id).map(|place| (place.login.as_str(), place.permission));
    let owner = state.user(&repo.owner).filter(|owner| owner.kind == UserKind::User);
    let owner = owner.map(|owner| (owner.login.as_str(), Permission::Admin));
    let places = places.filter(|(login, _)| fold(login) != fold(&repo.owner));
    let places = places.map(|(login, held)| (login, state.permission(repo, login).map_or(held, |all| all.max(held))));
    let placed = |login: &str| state.collaborators.get(&(repo.id, fold(login))).is_some_and(|place| !place.pending);
    let members = state.accounts.members_of(&repo.owner).filter(|member| !placed(&member.login));
    let members =
        members.filter_map(|member| Some((member.login.as_str(), state.accounts.through(repo, &member.login)?)));
    let mut people: Vec<_> = places.chain(members).chain(owner).collect();
    people.sort_by_key(|(login, _)| fold(login));
    people
}

/// A page of collaborators.
pub(crate) struct Listed(Page<(String, Permission)>);

impl View<GitHub> for Listed {
    fn rest(&self, cx: &Cx<'_, GitHub>, reply: &mut Reply) {
        self.0.write(cx, reply, |site, (login, permission)| {
            Some(CollaboratorUser { user: SimpleUser::of(site, login), permission: *permission })
        });
    }

    fn tool(&self, cx: &Cx<'_, GitHub>) -> ToolReply {
        let (paging, total) = (self.0.paging, self.0.total);
        let last = paging.last_page(total);
        let state = &*cx.state;
        let items = self.0.keys.iter().filter_map(|(login, permission)| {
            let user = state.user(login)?;
            Some(json!({ "login": user.login, "id": user.id(), "role_name": permission.role() }))
        });
        ToolReply::json(&json!({
            "items": items.collect::<Vec<_>>(),
            "nextPage": if paging.page < last { paging.page + 1 } else { 0 },
            "prevPage": paging.page - 1,
            "firstPage": usize::from(paging.page > 1),
            "lastPage": if paging.page < last { last } else { 0 },
        }))
    }
}

#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
enum Affiliation {
    Outside,
    Direct,
    #[default]
    All,
}

#[derive(Deserialize)]
pub(crate) struct List {
    owner: String,
    repo: String,
    #[serde(default)]
    affiliation: Affiliation,
    permission: Option<String>,
    page: Option<i64>,
    #[serde(alias = "perPage")]
    per_page: Option<i64>,
}

impl Action<GitHub> for List {
    const NAME: &'static str = "list_collaborators";
    type Output = Listed;

    fn run(self, cx: &mut Cx<'_, GitHub>) -> Result<Listed, Error> {
        let repo = with_push(cx, &self.owner, &self.repo, "to view repository collaborators")?;
        let parse = |text: &str| {
            Permission::parse(text).ok_or_else(|| Error::value("Repository", "permission", "invalid", text))
        };
        let least = self.permission.as_deref().filter(|text| !text.is_empty()).map(parse).transpose()?;
        let organization = cx.state.user(&repo.owner).is_some_and(|owner| owner.kind == UserKind::Organization);
        let wanted = |login: &str| match self.affiliation {
            Affiliation::Outside => {
                organization && fold(login) != fold(&repo.owner) && !cx.state.accounts.is_member(&repo.owner, login)
            }
            Affiliation::Direct => {
                let place = cx.state.collaborators.get(&(repo.id, fold(login)));
                fold(login) == fold(&repo.owner) || place.is_some_and(|place| !place.pending)
            }
            Affiliation::All => true,
        };
        let people = everybody(cx.state, repo).into_iter();
        let people = people.filter(|(login, held)| wanted(login) && least.is_none_or(|least| *held >= least));
        let people = people.map(|(login, held)| (login.to_owned(), held));
        Ok(Listed(Page::of(people, paging(self.page, self.per_page))))
    }
}

/// Whether somebody is a collaborator: 204 or 404.
#[derive(Deserialize)]
pub(crate) struct Check {
    owner: String,
    repo: String,
    username: String,
}

impl Action<GitHub> for Check {
    const NAME: &'static str = "check_collaborator";
    type Output = action::Empty;

    fn run(self, cx: &mut Cx<'_, GitHub>) -> Result<action::Empty, Error> {
        let repo = cx.repo(&self.owner, &self.repo)?;
        let found = everybody(cx.state, repo).into_iter().any(|(login, _)| fold(login) == fold(&self.username));
        found.then_some(action::Empty).ok_or_else(Error::not_found)
    }
}

/// What somebody may do.
pub(crate) struct Level {
    login: String,
    held: Option<Permission>,
}

impl View<GitHub> for Level {
    fn rest(&self, cx: &Cx<'_, GitHub>, reply: &mut Reply) {
        reply.write_json(&LevelView { site: Site::of(cx), login: &self.login, held: self.held });
    }
}

#[derive(Deserialize)]
pub(crate) struct GetLevel {
    owner: String,
    repo: String,
    username: String,
}

impl Action<GitHub> for GetLevel {
    const NAME: &'static str = "get_collaborator_permission";
    type Output = Level;

    fn run(self, cx: &mut Cx<'_, GitHub>) -> Result<Level, Error> {
        let repo = cx.repo(&self.owner, &self.repo)?;
        let user = cx.state.user(&self.username).ok_or_else(Error::not_found)?;
        Ok(Level { login: user.login.clone(), held: cx.state.permission(repo, &user.login) })
    }
}

/// What came of adding somebody: an invitation, or nothing to say.
pub(crate) struct Added {
    repo: RepoId,
    invited: Option<String>,
}

impl View<GitHub> for Added {
    fn rest(&self, cx: &Cx<'_, GitHub>, reply: &mut Reply) {
        let place = self.invited.as_ref().and_then(|login| cx.state.collaborators.get(&(self.repo, fold(login))));
        match (cx.state.repos.get(&self.repo), place) {
            (Some(repo), Some(place)) => reply.write_json(&InvitationView { site: Site::of(cx), repo, place }),
            _ => reply.status = 204,
        }
    }
}

/// Gives somebody a place. Known users have it at once, others get an invitation that stays pending.
#[derive(Deserialize)]
pub(crate) struct Add {
    owner: String,
    repo: String,
    username: String,
    permission: Option<String>,
}

impl Action<GitHub> for Add {
    const NAME: &'static str = "add_collaborator";
    const MUTATES: bool = true;
    type Output = Added;

    fn run(self, cx: &mut Cx<'_, GitHub>) -> Result<Added, Error> {
        let repo = with_push(cx, &self.owner, &self.repo, "to the repository to add collaborators")?.clone();
        let permission = match self.permission.as_deref().filter(|text| !text.is_empty()) {
            None => None,
            Some(text) => Some(
                Permission::parse(text)
                    .ok_or_else(|| Error::value("RepositoryInvitation", "permission", "invalid", text))?,
            ),
        };
        let known = cx.state.user(&self.username);
        if known.is_some_and(|user| user.kind == UserKind::Organization) {
            return Err(Error::value("RepositoryInvitation", "invitee", "invalid", self.username));
        }
        if fold(&repo.owner) == fold(&self.username) {
            return Err(Error::custom("RepositoryInvitation", "Repository owner cannot be a collaborator"));
        }
        let (pending, now) = (known.is_none(), cx.now());
        cx.state.ensure_user(&self.username, now);
        let login = cx.state.user(&self.username).map_or(self.username, |user| user.login.clone());
        let key = (repo.id, fold(&login));
        let before = cx.state.collaborators.get(&key).cloned();
        let after = match &before {
            Some(place) => Collaborator { permission: permission.unwrap_or(place.permission), ..place.clone() },
            None => Collaborator {
                login: login.clone(),
                permission: permission.unwrap_or(Permission::Write),
                pending,
                inviter: cx.actor().to_owned(),
                created_at: now,
            },
        };
        let accepted = before.as_ref().is_some_and(|place| !place.pending);
        if before.as_ref().is_none_or(|place| place.permission != after.permission) {
            let before = before.as_ref().map(|place| rows::collaborator(&repo, place));
            cx.changed(before, Some(rows::collaborator(&repo, &after)));
            cx.state.collaborators.insert(key, after);
        }
        Ok(Added { repo: repo.id, invited: (!accepted).then_some(login) })
    }
}

/// Takes somebody's place or invitation away. People may leave by themselves.
#[derive(Deserialize)]
pub(crate) struct Remove {
    owner: String,
    repo: String,
    username: String,
}

impl Action<GitHub> for Remove {
    const NAME: &'static str = "remove_collaborator";
    const MUTATES: bool = true;
    type Output = action::Empty;

    fn run(self, cx: &mut Cx<'_, GitHub>) -> Result<action::Empty, Error> {
        let own = fold(&self.username) == fold(cx.actor());
        let needed = if own { Permission::Read } else { Permission::Admin };
        let repo = cx.repo_with(&self.owner, &self.repo, needed)?.clone();
        remove(cx, &repo, &self.username)?;
        Ok(action::Empty)
    }
}

/// Takes a place away, with the assignments that came with it.
fn remove(cx: &mut Cx<'_, GitHub>, repo: &Repo, login: &str) -> Result<(), Error> {
    let place = cx.state.collaborators.remove(&(repo.id, fold(login))).ok_or_else(Error::not_found)?;
    cx.changed(Some(rows::collaborator(repo, &place)), None);
    let assigned = |logins: &[String]| logins.iter().any(|known| fold(known) == fold(login));
    let numbers: Vec<u64> =
        cx.state.issues_of(repo.id).filter(|issue| assigned(&issue.assignees)).map(|issue| issue.number).collect();
    for number in numbers {
        if let Some(issue) = cx.state.issues.get_mut(&(repo.id, number)) {
            issue.assignees.retain(|known| fold(known) != fold(login));
        }
    }
    Ok(())
}

/// A page of open invitations.
pub(crate) struct Invitations(Page<(RepoId, String)>);

impl View<GitHub> for Invitations {
    fn rest(&self, cx: &Cx<'_, GitHub>, reply: &mut Reply) {
        self.0.write(cx, reply, |site, key| {
            let (repo, place) = (site.state.repos.get(&key.0)?, site.state.collaborators.get(key)?);
            Some(InvitationView { site, repo, place })
        });
    }
}

#[derive(Deserialize)]
pub(crate) struct ListInvitations {
    owner: String,
    repo: String,
    page: Option<i64>,
    per_page: Option<i64>,
}

impl Action<GitHub> for ListInvitations {
    const NAME: &'static str = "list_invitations";
    type Output = Invitations;

    fn run(self, cx: &mut Cx<'_, GitHub>) -> Result<Invitations, Error> {
        let repo = with_push(cx, &self.owner, &self.repo, "to view repository invitations")?.id;
        let places = cx.state.collaborators.prefix((repo, String::new()), move |(id, _)| *id == repo);
        let keys = places.filter(|(_, place)| place.pending).map(|(key, _)| key.clone());
        Ok(Invitations(Page::of(keys, paging(self.page, self.per_page))))
    }
}

/// The caller's own open invitations.
#[derive(Deserialize)]
pub(crate) struct ListMyInvitations {
    page: Option<i64>,
    per_page: Option<i64>,
}

impl Action<GitHub> for ListMyInvitations {
    const NAME: &'static str = "list_my_invitations";
    type Output = Invitations;

    fn run(self, cx: &mut Cx<'_, GitHub>) -> Result<Invitations, Error> {
        let me = fold(cx.actor());
        let mine = cx.state.collaborators.iter().filter(|((_, login), place)| *login == me && place.pending);
        Ok(Invitations(Page::of(mine.map(|(key, _)| key.clone()), paging(self.page, self.per_page))))
    }
}

/// The caller's open invitation of an id.
fn my_invitation(cx: &Cx<'_, GitHub>, id: u64) -> Result<(RepoId, String), Error> {
    let me = fold(cx.actor());
    let mut mine = cx.state.collaborators.iter().filter(|((_, login), place)| *login == me && place.pending);
    let found = mine.find(|((repo, _), place)| {
        cx.state.repos.get(repo).is_some_and(|repo| u64::from(invitation_id(repo, &place.login)) == id)
    });
    found.map(|(key, _)| key.clone()).ok_or_else(Error::not_found)
}

#[derive(Deserialize)]
pub(crate) struct AcceptInvitation {
    invitation_id: u64,
}

impl Action<GitHub> for AcceptInvitation {
    const NAME: &'static str = "accept_invitation";
    const MUTATES: bool = true;
    type Output = action::Empty;

    fn run(self, cx: &mut Cx<'_, GitHub>) -> Result<action::Empty, Error> {
        let key = my_invitation(cx, self.invitation_id)?;
        let repo = cx.state.repos.get(&key.0).ok_or_else(Error::not_found)?.clone();
        let place = cx.state.collaborators.get_mut(&key).ok_or_else(Error::not_found)?;
        let before = rows::collaborator(&repo, place);
        place.pending = false;
        let after = rows::collaborator(&repo, place);
        cx.changed(Some(before), Some(after));
        Ok(action::Empty)
    }
}

#[derive(Deserialize)]
pub(crate) struct DeclineInvitation {
    invitation_id: u64,
}

impl Action<GitHub> for DeclineInvitation {
    const NAME: &'static str = "decline_invitation";
    const MUTATES: bool = true;
    type Output = action::Empty;

    fn run(self, cx: &mut Cx<'_, GitHub>) -> Result<action::Empty, Error> {
        let (repo, login) = my_invitation(cx, self.invitation_id)?;
        let repo = cx.state.repos.get(&repo).ok_or_else(Error::not_found)?.clone();
        remove(cx, &repo, &login)?;
        Ok(action::Empty)
    }
}
