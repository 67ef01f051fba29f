//! Teams: who is in them and what they may do where.

use pome_twin_kit::action::{Empty, Json};
use pome_twin_kit::input::nullable;
use pome_twin_kit::{Action, Cx, Reply, View};
use serde::Deserialize;
use serde_json::{Value, json};

use super::orgs::{People, administered, is_inside, organization};
use super::{Page, paging};
use crate::GitHub;
use crate::access::Access;
use crate::accounts::{Membership, Team};
use crate::error::Error;
use crate::state::{Permission, RepoId, State, fold};
use crate::views::Site;
use crate::views::orgs::{full_team, merge, team};
use crate::views::repos::RepoView;

/// `platform-team` of `Platform Team`.
pub(crate) fn slug(name: &str) -> String {
    let mut slug = String::new();
    for letter in name.trim().to_lowercase().chars() {
        if letter.is_alphanumeric() || letter == '_' {
            slug.push(letter);
        } else if !slug.ends_with('-') {
            slug.push('-');
        }
    }
    slug.trim_matches('-').to_owned()
}

fn row(state: &State, team: &Team) -> Value {
    json!({
        "organization": team.org, "slug": team.slug, "name": team.name, "description": team.description,
        "privacy": if team.secret { "secret" } else { "closed" }, "parent_id": team.parent,
        "members": state.accounts.team_members_of(team.id).iter().map(|(login, _)| *login).collect::<Vec<_>>(),
    })
}

/// Whether the caller sees a team: members of its organization, and for a secret one its members and the owners.
fn sees(cx: &Cx<'_, GitHub>, team: &Team) -> bool {
    let (accounts, actor) = (&cx.state.accounts, cx.actor());
    accounts.is_admin(&team.org, actor)
        || (accounts.is_member(&team.org, actor) && (!team.secret || accounts.in_team(team.id, actor)))
}

fn find<'a>(cx: &'a Cx<'_, GitHub>, org: &str, slug: &str) -> Result<&'a Team, Error> {
    let org = organization(cx, org)?;
    let found = cx.state.accounts.team(&org.login, slug);
    found.filter(|team| sees(cx, team)).ok_or_else(Error::not_found)
}

/// The team, if the caller owns the organization or maintains the team.
fn maintained(cx: &Cx<'_, GitHub>, org: &str, slug: &str) -> Result<Team, Error> {
    let team = find(cx, org, slug)?;
    let (accounts, actor) = (&cx.state.accounts, cx.actor());
    if accounts.is_admin(&team.org, actor) || accounts.team_members.get(&(team.id, fold(actor))) == Some(&true) {
        return Ok(team.clone());
    }
    Err(Error::forbidden("You must be an organization owner or team maintainer to perform this action."))
}

/// A page of teams.
pub(crate) struct Teams(Page<u64>);

impl View<GitHub> for Teams {
    fn rest(&self, cx: &Cx<'_, GitHub>, reply: &mut Reply) {
        self.0.write(cx, reply, |site, id| Some(team(site, site.state.accounts.teams.get(id)?, None)));
    }
}

/// Whose teams: organizations have their own, here no enterprise stands above them.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
enum Kind {
    #[default]
    All,
    Enterprise,
    Organization,
}

/// The teams of an organization that the caller sees.
#[derive(Deserialize)]
pub(crate) struct List {
    org: String,
    #[serde(default)]
    team_type: Kind,
    page: Option<i64>,
    per_page: Option<i64>,
}

impl Action<GitHub> for List {
    const NAME: &'static str = "list_teams";
    type Output = Teams;

    fn run(self, cx: &mut Cx<'_, GitHub>) -> Result<Teams, Error> {
        let org = organization(cx, &self.org)?;
        if !is_inside(cx, &org.login) {
            return Err(Error::forbidden("Must be a member of the organization."));
        }
        let shown = |team: &&Team| self.team_type != Kind::Enterprise && sees(cx, team);
        let ids = cx.state.accounts.teams_of(&org.login).filter(shown).map(|team| team.id);
        Ok(Teams(Page::of(ids, paging(self.page, self.per_page))))
    }
}

/// The teams below a team.
#[derive(Deserialize)]
pub(crate) struct Children {
    org: String,
    team_slug: String,
    page: Option<i64>,
    per_page: Option<i64>,
}

impl Action<GitHub> for Children {
    const NAME: &'static str = "list_child_teams";
    type Output = Teams;

    fn run(self, cx: &mut Cx<'_, GitHub>) -> Result<Teams, Error> {
        let id = find(cx, &self.org, &self.team_slug)?.id;
        let ids = cx.state.accounts.children(id).map(|team| team.id);
        Ok(Teams(Page::of(ids, paging(self.page, self.per_page))))
    }
}

/// One team in full.
pub(crate) struct Shown(u64);

impl View<GitHub> for Shown {
    fn rest(&self, cx: &Cx<'_, GitHub>, reply: &mut Reply) {
        if let Some(team) = cx.state.accounts.teams.get(&self.0) {
            reply.write_json(&full_team(Site::of(cx), team));
        }
    }
}

/// The caller's own teams.
#[derive(Deserialize)]
pub(crate) struct Mine {
    page: Option<i64>,
    per_page: Option<i64>,
}

/// A page of teams in full.
pub(crate) struct FullTeams(Page<u64>);

impl View<GitHub> for FullTeams {
    fn rest(&self, cx: &Cx<'_, GitHub>, reply: &mut Reply) {
        self.0.write(cx, reply, |site, id| Some(full_team(site, site.state.accounts.teams.get(id)?)));
    }
}

impl Action<GitHub> for Mine {
    const NAME: &'static str = "list_my_teams";
    type Output = FullTeams;

    fn run(self, cx: &mut Cx<'_, GitHub>) -> Result<FullTeams, Error> {
        let me = fold(cx.actor());
        let mine = cx.state.accounts.team_members.keys().filter(|(_, login)| *login == me).map(|(team, _)| *team);
        Ok(FullTeams(Page::of(mine, paging(self.page, self.per_page))))
    }
}

#[derive(Deserialize)]
pub(crate) struct Get {
    org: String,
    team_slug: String,
}

impl Action<GitHub> for Get {
    const NAME: &'static str = "get_team";
    type Output = Shown;

    fn run(self, cx: &mut Cx<'_, GitHub>) -> Result<Shown, Error> {
        find(cx, &self.org, &self.team_slug).map(|team| Shown(team.id))
    }
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
pub(crate) enum Privacy {
    Closed,
    Secret,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum Notifications {
    NotificationsEnabled,
    NotificationsDisabled,
}

/// A slug that the organization has not given yet.
fn free(state: &State, org: &str, name: &str, except: Option<u64>) -> Result<String, Error> {
    let slug = slug(name);
    if slug.is_empty() {
        return Err(Error::field("Team", "name", "missing_field"));
    }
    match state.accounts.team(org, &slug) {
        Some(team) if Some(team.id) != except => {
            let taken = json!({
                "resource": "Team", "code": "already_exists", "field": "name",
                "message": "Name must be unique for this org",
            });
            Err(Error::validation(vec![taken]))
        }
        _ => Ok(slug),
    }
}

/// The team that was named by its id or its slug.
fn named(state: &State, org: &str, id: Option<u64>, slug: Option<&str>) -> Result<Option<u64>, Error> {
    match (id, slug) {
        (Some(id), _) => Ok(Some(id)),
        (None, None) => Ok(None),
        (None, Some(slug)) => {
            let found = state.accounts.team(org, slug).map(|team| team.id);
            found.map(Some).ok_or_else(|| Error::value("Team", "parent_team_slug", "invalid", slug))
        }
    }
}

/// A team of the same organization that is not below the team itself and that everybody in it sees.
fn parent(state: &State, org: &str, id: u64, of: Option<u64>) -> Result<u64, Error> {
    let mut above = state.accounts.teams.get(&id).filter(|team| fold(&team.org) == fold(org) && !team.secret);
    let found = above.map(|team| team.id).ok_or_else(|| Error::value("Team", "parent_team_id", "invalid", id))?;
    while let Some(team) = above {
        if Some(team.id) == of {
            return Err(Error::custom("Team", "Parent team cannot be the team itself or one of its children"));
        }
        above = team.parent.and_then(|id| state.accounts.teams.get(&id));
    }
    Ok(found)
}

/// Makes a team; whoever makes it maintains it.
#[derive(Deserialize)]
pub(crate) struct Create {
    org: String,
    name: String,
    description: Option<String>,
    #[serde(default)]
    maintainers: Vec<String>,
    #[serde(default)]
    repo_names: Vec<String>,
    privacy: Option<Privacy>,
    notification_setting: Option<Notifications>,
    permission: Option<String>,
    parent_team_id: Option<u64>,
    parent_team_slug: Option<String>,
}

impl Action<GitHub> for Create {
    const NAME: &'static str = "create_team";
    const MUTATES: bool = true;
    type Output = Shown;

    fn run(self, cx: &mut Cx<'_, GitHub>) -> Result<Shown, Error> {
        let org = organization(cx, &self.org)?.login.clone();
        if !is_inside(cx, &org) {
            return Err(Error::forbidden("Must be a member of the organization."));
        }
        let slug = free(cx.state, &org, &self.name, None)?;
        let above = named(cx.state, &org, self.parent_team_id, self.parent_team_slug.as_deref())?;
        let parent = above.map(|id| parent(cx.state, &org, id, None)).transpose()?;
        let permission = match self.permission.as_deref() {
            None => Permission::Read,
            Some(word @ ("pull" | "push")) => Permission::parse(word).unwrap_or(Permission::Read),
            Some(other) => return Err(Error::value("Team", "permission", "invalid", other)),
        };
        let mut repos = Vec::new();
        for name in &self.repo_names {
            let found = name.split_once('/').and_then(|(owner, name)| cx.state.repo(owner, name));
            let found = found.filter(|repo| fold(&repo.owner) == fold(&org));
            repos.push(found.ok_or_else(|| Error::value("Team", "repo_names", "invalid", name.as_str()))?.id);
        }
        let now = cx.now();
        let team = Team {
            id: cx.state.accounts.next_team.next(),
            org: org.clone(),
            slug: slug.clone(),
            name: self.name.trim().to_owned(),
            description: self.description.filter(|text| !text.is_empty()),
            secret: parent.is_none() && self.privacy.unwrap_or(Privacy::Secret) == Privacy::Secret,
            notifications: self.notification_setting != Some(Notifications::NotificationsDisabled),
            permission,
            parent,
            created_at: now,
            updated_at: now,
        };
        let id = team.id;
        cx.state.accounts.slugs.insert((fold(&org), slug), id);
        cx.state.accounts.teams.insert(id, team);
        let mut maintainers = self.maintainers;
        if cx.state.accounts.is_member(&org, cx.actor()) {
            maintainers.push(cx.actor().to_owned());
        }
        for login in maintainers {
            if !cx.state.accounts.is_member(&org, &login) {
                return Err(Error::value("Team", "maintainers", "invalid", login));
            }
            cx.state.accounts.team_members.insert((id, fold(&login)), true);
        }
        for repo in repos {
            cx.state.accounts.team_repos.insert((repo, id), permission);
        }
        let after = cx.state.accounts.teams.get(&id).map(|team| row(cx.state, team));
        cx.changed(None, after);
        Ok(Shown(id))
    }
}

/// Another name, description, visibility or place.
#[derive(Deserialize)]
pub(crate) struct Update {
    org: String,
    team_slug: String,
    name: Option<String>,
    description: Option<String>,
    privacy: Option<Privacy>,
    notification_setting: Option<Notifications>,
    permission: Option<String>,
    #[serde(default, deserialize_with = "nullable")]
    parent_team_id: Option<Option<u64>>,
    #[serde(default, deserialize_with = "nullable")]
    parent_team_slug: Option<Option<String>>,
}

impl Action<GitHub> for Update {
    const NAME: &'static str = "update_team";
    const MUTATES: bool = true;
    type Output = Shown;

    fn run(self, cx: &mut Cx<'_, GitHub>) -> Result<Shown, Error> {
        let before = maintained(cx, &self.org, &self.team_slug)?;
        let mut after = before.clone();
        if let Some(name) = self.name {
            after.slug = free(cx.state, &before.org, &name, Some(before.id))?;
            name.trim().clone_into(&mut after.name);
        }
        if let Some(description) = self.description {
            after.description = Some(description).filter(|text| !text.is_empty());
        }
        if let Some(word) = self.permission.as_deref() {
            after.permission = match word {
                "pull" => Permission::Read,
                "push" => Permission::Write,
                "admin" => Permission::Admin,
                other => return Err(Error::value("Team", "permission", "invalid", other)),
            };
        }
        if self.parent_team_id.is_some() || self.parent_team_slug.is_some() {
            let (id, slug) = (self.parent_team_id.flatten(), self.parent_team_slug.flatten());
            let above = named(cx.state, &before.org, id, slug.as_deref())?;
            after.parent = above.map(|id| parent(cx.state, &before.org, id, Some(before.id))).transpose()?;
        }
        after.secret =
            self.privacy.map_or(after.secret, |privacy| privacy == Privacy::Secret) && after.parent.is_none();
        if let Some(setting) = self.notification_setting {
            after.notifications = setting == Notifications::NotificationsEnabled;
        }
        after.updated_at = cx.now();
        cx.changed(Some(row(cx.state, &before)), Some(row(cx.state, &after)));
        let accounts = &mut cx.state.accounts;
        accounts.slugs.remove(&(fold(&before.org), before.slug));
        accounts.slugs.insert((fold(&after.org), after.slug.clone()), after.id);
        accounts.teams.insert(after.id, after);
        Ok(Shown(before.id))
    }
}

/// Takes a team away, with those below it.
#[derive(Deserialize)]
pub(crate) struct Delete {
    org: String,
    team_slug: String,
}

impl Action<GitHub> for Delete {
    const NAME: &'static str = "delete_team";
    const MUTATES: bool = true;
    type Output = Empty;

    fn run(self, cx: &mut Cx<'_, GitHub>) -> Result<Empty, Error> {
        let team = maintained(cx, &self.org, &self.team_slug)?;
        cx.changed(Some(row(cx.state, &team)), None);
        cx.state.accounts.dissolve(team.id);
        Ok(Empty)
    }
}

#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
enum TeamRole {
    #[default]
    All,
    Maintainer,
    Member,
}

/// Everybody in a team and in the teams below it.
#[derive(Deserialize)]
pub(crate) struct Members {
    org: String,
    team_slug: String,
    #[serde(default)]
    role: TeamRole,
    page: Option<i64>,
    per_page: Option<i64>,
}

impl Action<GitHub> for Members {
    const NAME: &'static str = "list_team_members";
    type Output = People;

    fn run(self, cx: &mut Cx<'_, GitHub>) -> Result<People, Error> {
        let id = find(cx, &self.org, &self.team_slug)?.id;
        let wanted = |maintains: bool| match self.role {
            TeamRole::All => true,
            TeamRole::Maintainer => maintains,
            TeamRole::Member => !maintains,
        };
        let all = cx.state.accounts.team_members_of(id).into_iter().filter(|(_, maintains)| wanted(*maintains));
        let logins = all.map(|(login, _)| login.to_owned());
        Ok(People(Page::of(logins, paging(self.page, self.per_page))))
    }
}

/// Somebody's place in a team.
pub(crate) struct Place {
    team: u64,
    login: String,
}

impl View<GitHub> for Place {
    fn rest(&self, cx: &Cx<'_, GitHub>, reply: &mut Reply) {
        let Some(team) = cx.state.accounts.teams.get(&self.team) else { return };
        let role = cx.state.accounts.team_members.get(&(team.id, fold(&self.login)));
        let owner = cx.state.accounts.is_admin(&team.org, &self.login);
        let pending = cx.state.accounts.membership(&team.org, &self.login).is_none_or(|place| place.pending);
        let login = cx.state.spelled(&self.login);
        reply.write_json(&json!({
            "url": format!("{}/orgs/{}/teams/{}/memberships/{login}", cx.origin, team.org, team.slug),
            "role": if role == Some(&true) || owner { "maintainer" } else { "member" },
            "state": if pending { "pending" } else { "active" },
        }));
    }
}

#[derive(Deserialize)]
pub(crate) struct GetPlace {
    org: String,
    team_slug: String,
    username: String,
}

impl Action<GitHub> for GetPlace {
    const NAME: &'static str = "get_team_membership";
    type Output = Place;

    fn run(self, cx: &mut Cx<'_, GitHub>) -> Result<Place, Error> {
        let team = find(cx, &self.org, &self.team_slug)?.id;
        if cx.state.accounts.in_team(team, &self.username) {
            return Ok(Place { team, login: self.username });
        }
        Err(Error::not_found())
    }
}

/// Adds somebody, or changes their role. Who is not in the organization is invited to it.
#[derive(Deserialize)]
pub(crate) struct SetPlace {
    org: String,
    team_slug: String,
    username: String,
    #[serde(default)]
    role: TeamRole,
}

impl Action<GitHub> for SetPlace {
    const NAME: &'static str = "set_team_membership";
    const MUTATES: bool = true;
    type Output = Place;

    fn run(self, cx: &mut Cx<'_, GitHub>) -> Result<Place, Error> {
        let team = maintained(cx, &self.org, &self.team_slug)?;
        let user = cx.state.user(&self.username).ok_or_else(Error::not_found)?;
        if user.kind == crate::state::UserKind::Organization {
            let refused = json!({ "code": "org", "field": "user", "resource": "TeamMember" });
            let mut error = Error::validation(vec![refused]);
            "Cannot add an organization as a member.".clone_into(&mut error.message);
            return Err(error);
        }
        let login = user.login.clone();
        if cx.state.accounts.membership(&team.org, &login).is_none() {
            administered(cx, &team.org)?;
            let place = Membership { login: login.clone(), admin: false, pending: true, public: false };
            cx.state.accounts.members.insert((fold(&team.org), fold(&login)), place);
        }
        let before = row(cx.state, &team);
        cx.state.accounts.team_members.insert((team.id, fold(&login)), self.role == TeamRole::Maintainer);
        let after = row(cx.state, &team);
        cx.changed(Some(before), Some(after));
        Ok(Place { team: team.id, login })
    }
}

/// Takes somebody out of a team; people may leave by themselves.
#[derive(Deserialize)]
pub(crate) struct RemovePlace {
    org: String,
    team_slug: String,
    username: String,
}

impl Action<GitHub> for RemovePlace {
    const NAME: &'static str = "remove_team_membership";
    const MUTATES: bool = true;
    type Output = Empty;

    fn run(self, cx: &mut Cx<'_, GitHub>) -> Result<Empty, Error> {
        let own = fold(&self.username) == fold(cx.actor());
        let team = if own {
            find(cx, &self.org, &self.team_slug)?.clone()
        } else {
            maintained(cx, &self.org, &self.team_slug)?
        };
        let before = row(cx.state, &team);
        let gone = cx.state.accounts.team_members.remove(&(team.id, fold(&self.username)));
        gone.ok_or_else(Error::not_found)?;
        let after = row(cx.state, &team);
        cx.changed(Some(before), Some(after));
        Ok(Empty)
    }
}

/// A page of a team's repositories.
pub(crate) struct Repos {
    team: u64,
    page: Page<RepoId>,
}

/// A repository with what the team, not the caller, may do there.
fn repo_row(site: Site<'_>, team: u64, id: RepoId) -> Option<Value> {
    let repo = site.state.repos.get(&id)?;
    let held = site.state.accounts.team_permission(team, id)?;
    let mut row = serde_json::to_value(RepoView::short(site, repo)).unwrap_or_default();
    merge(&mut row, json!({ "permissions": crate::views::users::Permissions(held), "role_name": held.role() }));
    Some(row)
}

impl View<GitHub> for Repos {
    fn rest(&self, cx: &Cx<'_, GitHub>, reply: &mut Reply) {
        self.page.write(cx, reply, |site, id| repo_row(site, self.team, *id));
    }
}

#[derive(Deserialize)]
pub(crate) struct ListRepos {
    org: String,
    team_slug: String,
    page: Option<i64>,
    per_page: Option<i64>,
}

impl Action<GitHub> for ListRepos {
    const NAME: &'static str = "list_team_repositories";
    type Output = Repos;

    fn run(self, cx: &mut Cx<'_, GitHub>) -> Result<Repos, Error> {
        let team = find(cx, &self.org, &self.team_slug)?;
        let repos = cx.state.repos.values().filter(|repo| {
            fold(&repo.owner) == fold(&team.org) && cx.state.accounts.team_permission(team.id, repo.id).is_some()
        });
        let page = Page::of(repos.map(|repo| repo.id), paging(self.page, self.per_page));
        Ok(Repos { team: team.id, page })
    }
}

/// Whether a team has a repository: 204, or the repository when the caller asks for that media type.
#[derive(Deserialize)]
pub(crate) struct CheckRepo {
    org: String,
    team_slug: String,
    owner: String,
    repo: String,
}

impl Action<GitHub> for CheckRepo {
    const NAME: &'static str = "check_team_repository";
    type Output = Reply;

    fn run(self, cx: &mut Cx<'_, GitHub>) -> Result<Reply, Error> {
        let team = find(cx, &self.org, &self.team_slug)?.id;
        let repo = cx.repo(&self.owner, &self.repo)?.id;
        let row = repo_row(Site::of(cx), team, repo).ok_or_else(Error::not_found)?;
        let wanted = cx.header("accept").is_some_and(|accept| accept.contains("repository+json"));
        Ok(if wanted { Reply::json(200, &row) } else { Reply::new(204) })
    }
}

/// Gives a team a repository.
#[derive(Deserialize)]
pub(crate) struct SetRepo {
    org: String,
    team_slug: String,
    owner: String,
    repo: String,
    permission: Option<String>,
}

impl Action<GitHub> for SetRepo {
    const NAME: &'static str = "set_team_repository";
    const MUTATES: bool = true;
    type Output = Empty;

    fn run(self, cx: &mut Cx<'_, GitHub>) -> Result<Empty, Error> {
        let team = find(cx, &self.org, &self.team_slug)?.clone();
        let repo = cx.repo_with(&self.owner, &self.repo, Permission::Admin)?;
        if fold(&repo.owner) != fold(&team.org) {
            return Err(Error::field("Team", "repository", "invalid"));
        }
        let (id, full_name) = (repo.id, repo.full_name());
        let word = self.permission.as_deref().unwrap_or(team.permission.word());
        let permission = Permission::parse(word).ok_or_else(|| Error::value("Team", "permission", "invalid", word))?;
        let row = |held: Permission| json!({ "team": team.slug, "repo": full_name, "permission": held.word() });
        let before = cx.state.accounts.team_repos.get(&(id, team.id)).copied();
        cx.changed(before.map(row), Some(row(permission)));
        cx.state.accounts.team_repos.insert((id, team.id), permission);
        Ok(Empty)
    }
}

/// Takes a repository from a team.
#[derive(Deserialize)]
pub(crate) struct RemoveRepo {
    org: String,
    team_slug: String,
    owner: String,
    repo: String,
}

impl Action<GitHub> for RemoveRepo {
    const NAME: &'static str = "remove_team_repository";
    const MUTATES: bool = true;
    type Output = Empty;

    fn run(self, cx: &mut Cx<'_, GitHub>) -> Result<Empty, Error> {
        let team = find(cx, &self.org, &self.team_slug)?.clone();
        let repo = cx.repo_with(&self.owner, &self.repo, Permission::Admin)?;
        let (id, full_name) = (repo.id, repo.full_name());
        let held = cx.state.accounts.team_repos.remove(&(id, team.id)).ok_or_else(Error::not_found)?;
        cx.changed(Some(json!({ "team": team.slug, "repo": full_name, "permission": held.word() })), None);
        Ok(Empty)
    }
}

/// The teams that have a repository.
#[derive(Deserialize)]
pub(crate) struct OfRepo {
    owner: String,
    repo: String,
    page: Option<i64>,
    per_page: Option<i64>,
}

/// A page of teams with what they may do in one repository.
pub(crate) struct TeamsOfRepo {
    page: Page<(u64, Permission)>,
}

impl View<GitHub> for TeamsOfRepo {
    fn rest(&self, cx: &Cx<'_, GitHub>, reply: &mut Reply) {
        self.page
            .write(cx, reply, |site, (id, held)| Some(team(site, site.state.accounts.teams.get(id)?, Some(*held))));
    }
}

impl Action<GitHub> for OfRepo {
    const NAME: &'static str = "list_repository_teams";
    type Output = TeamsOfRepo;

    fn run(self, cx: &mut Cx<'_, GitHub>) -> Result<TeamsOfRepo, Error> {
        let repo = cx.repo(&self.owner, &self.repo)?;
        let given = cx.state.accounts.teams_with(repo.id).filter(|(team, _)| sees(cx, team));
        let page = Page::of(given.map(|(team, held)| (team.id, held)), paging(self.page, self.per_page));
        Ok(TeamsOfRepo { page })
    }
}

/// The tool that lists somebody's teams by organization.
#[derive(Deserialize)]
pub(crate) struct OfUser {
    user: Option<String>,
}

impl Action<GitHub> for OfUser {
    const NAME: &'static str = "get_teams";
    type Output = Json<Value>;

    fn run(self, cx: &mut Cx<'_, GitHub>) -> Result<Self::Output, Error> {
        let login = self.user.filter(|login| !login.is_empty()).unwrap_or_else(|| cx.actor().to_owned());
        let login = fold(&cx.state.user(&login).ok_or_else(Error::not_found)?.login);
        let accounts = &cx.state.accounts;
        let mut rows = Vec::new();
        for ((org, member), place) in accounts.members.iter() {
            if *member != login || place.pending || !is_inside(cx, org) {
                continue;
            }
            let teams = accounts.teams_of(org);
            let mine = teams.filter(|team| accounts.team_members.contains(&(team.id, login.clone())) && sees(cx, team));
            let teams: Vec<Value> = mine
                .map(|team| {
                    let description = team.description.as_deref().unwrap_or_default();
                    json!({ "name": team.name, "slug": team.slug, "description": description })
                })
                .collect();
            rows.push(json!({ "org": cx.state.spelled(org), "teams": teams }));
        }
        // The server's list is no list at all when nothing is in it.
        Ok(Json(if rows.is_empty() { Value::Null } else { Value::Array(rows) }))
    }
}

/// The tool that lists the logins of a team.
#[derive(Deserialize)]
pub(crate) struct MembersForTool {
    org: String,
    team_slug: String,
}

impl Action<GitHub> for MembersForTool {
    const NAME: &'static str = "get_team_members";
    type Output = Json<Value>;

    fn run(self, cx: &mut Cx<'_, GitHub>) -> Result<Self::Output, Error> {
        organization(cx, &self.org)?;
        // A team that is not there is a node without members to GraphQL.
        let Ok(team) = find(cx, &self.org, &self.team_slug) else { return Ok(Json(Value::Null)) };
        let members = cx.state.accounts.team_members_of(team.id);
        let logins: Vec<&str> = members.iter().map(|(login, _)| cx.state.spelled(login)).collect();
        Ok(Json(if logins.is_empty() { Value::Null } else { json!(logins) }))
    }
}
