//! Organizations and the places of people in them.

use pome_twin_kit::action::Empty;
use pome_twin_kit::input::nullable;
use pome_twin_kit::{Action, Cx, Reply, View};
use serde::Deserialize;
use serde_json::{Value, json};

use super::{Page, paging};
use crate::GitHub;
use crate::access::Access;
use crate::accounts::{Membership, Settings};
use crate::error::Error;
use crate::state::{Permission, User, fold};
use crate::views::Site;
use crate::views::orgs::{full, membership, simple};
use crate::views::users::SimpleUser;

/// The organization in its own spelling.
pub(crate) fn organization<'a>(cx: &'a Cx<'_, GitHub>, login: &str) -> Result<&'a User, Error> {
    cx.state.organization(login).ok_or_else(Error::not_found)
}

/// The organization, if the caller owns it.
pub(crate) fn administered(cx: &Cx<'_, GitHub>, login: &str) -> Result<String, Error> {
    let org = organization(cx, login)?;
    if cx.state.accounts.is_admin(&org.login, cx.actor()) {
        return Ok(org.login.clone());
    }
    Err(Error::forbidden("You must be an admin of this organization."))
}

/// Whether the caller sees what only members see.
pub(crate) fn is_inside(cx: &Cx<'_, GitHub>, org: &str) -> bool {
    cx.state.accounts.is_member(org, cx.actor()) || cx.state.accounts.is_admin(org, cx.actor())
}

fn row(org: &str, place: &Membership) -> Value {
    json!({
        "organization": org, "login": place.login, "role": if place.admin { "admin" } else { "member" },
        "state": if place.pending { "pending" } else { "active" }, "public": place.public,
    })
}

/// One organization in full.
pub(crate) struct Shown(String);

impl View<GitHub> for Shown {
    fn rest(&self, cx: &Cx<'_, GitHub>, reply: &mut Reply) {
        if let Some(org) = cx.state.organization(&self.0) {
            reply.write_json(&full(Site::of(cx), org));
        }
    }
}

#[derive(Deserialize)]
pub(crate) struct Get {
    org: String,
}

impl Action<GitHub> for Get {
    const NAME: &'static str = "get_organization";
    type Output = Shown;

    fn run(self, cx: &mut Cx<'_, GitHub>) -> Result<Shown, Error> {
        organization(cx, &self.org).map(|org| Shown(org.login.clone()))
    }
}

/// Changes what an organization says about itself and what its members may do.
#[derive(Deserialize)]
pub(crate) struct Update {
    org: String,
    name: Option<String>,
    email: Option<String>,
    billing_email: Option<String>,
    company: Option<String>,
    location: Option<String>,
    blog: Option<String>,
    twitter_username: Option<String>,
    #[serde(default, deserialize_with = "nullable")]
    description: Option<Option<String>>,
    default_repository_permission: Option<BasePermission>,
    members_can_create_repositories: Option<bool>,
    members_allowed_repository_creation_type: Option<CreationType>,
    secret_scanning_push_protection_custom_link: Option<String>,
    has_organization_projects: Option<bool>,
    has_repository_projects: Option<bool>,
    members_can_create_public_repositories: Option<bool>,
    members_can_create_private_repositories: Option<bool>,
    members_can_create_internal_repositories: Option<bool>,
    members_can_create_pages: Option<bool>,
    members_can_create_public_pages: Option<bool>,
    members_can_create_private_pages: Option<bool>,
    members_can_fork_private_repositories: Option<bool>,
    web_commit_signoff_required: Option<bool>,
    deploy_keys_enabled_for_repositories: Option<bool>,
    advanced_security_enabled_for_new_repositories: Option<bool>,
    dependabot_alerts_enabled_for_new_repositories: Option<bool>,
    dependabot_security_updates_enabled_for_new_repositories: Option<bool>,
    dependency_graph_enabled_for_new_repositories: Option<bool>,
    secret_scanning_enabled_for_new_repositories: Option<bool>,
    secret_scanning_push_protection_enabled_for_new_repositories: Option<bool>,
    secret_scanning_push_protection_custom_link_enabled: Option<bool>,
}

/// What every member may do in every repository.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
enum BasePermission {
    Read,
    Write,
    Admin,
    None,
}

/// Which repositories members create; an older way to say what the switches say.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
enum CreationType {
    All,
    Private,
    None,
}

impl Update {
    /// The switches that are set, by the vendor's names.
    fn switches(&self) -> impl Iterator<Item = (&'static str, bool)> {
        let mut set = vec![
            ("has_organization_projects", self.has_organization_projects),
            ("has_repository_projects", self.has_repository_projects),
        ];
        if let Some(kind) = self.members_allowed_repository_creation_type {
            set.push(("members_can_create_public_repositories", Some(kind == CreationType::All)));
            set.push(("members_can_create_private_repositories", Some(kind != CreationType::None)));
        }
        set.extend([
            ("members_can_create_public_repositories", self.members_can_create_public_repositories),
            ("members_can_create_private_repositories", self.members_can_create_private_repositories),
            ("members_can_create_internal_repositories", self.members_can_create_internal_repositories),
            ("members_can_create_pages", self.members_can_create_pages),
            ("members_can_create_public_pages", self.members_can_create_public_pages),
            ("members_can_create_private_pages", self.members_can_create_private_pages),
            ("members_can_fork_private_repositories", self.members_can_fork_private_repositories),
            ("web_commit_signoff_required", self.web_commit_signoff_required),
            ("deploy_keys_enabled_for_repositories", self.deploy_keys_enabled_for_repositories),
            ("advanced_security_enabled_for_new_repositories", self.advanced_security_enabled_for_new_repositories),
            ("dependabot_alerts_enabled_for_new_repositories", self.dependabot_alerts_enabled_for_new_repositories),
            (
                "dependabot_security_updates_enabled_for_new_repositories",
                self.dependabot_security_updates_enabled_for_new_repositories,
            ),
            ("dependency_graph_enabled_for_new_repositories", self.dependency_graph_enabled_for_new_repositories),
            ("secret_scanning_enabled_for_new_repositories", self.secret_scanning_enabled_for_new_repositories),
            (
                "secret_scanning_push_protection_enabled_for_new_repositories",
                self.secret_scanning_push_protection_enabled_for_new_repositories,
            ),
            (
                "secret_scanning_push_protection_custom_link_enabled",
                self.secret_scanning_push_protection_custom_link_enabled,
            ),
        ]);
        set.into_iter().filter_map(|(name, on)| on.map(|on| (name, on)))
    }
}

fn settings_row(login: &str, settings: &Settings) -> Value {
    json!({
        "login": login, "description": settings.description, "billing_email": settings.billing_email,
        "default_repository_permission": settings.base.map_or("none", Permission::role),
        "members_can_create_repositories": settings.members_create_repositories, "switches": settings.switches,
    })
}

impl Action<GitHub> for Update {
    const NAME: &'static str = "update_organization";
    const MUTATES: bool = true;
    type Output = Shown;

    fn run(self, cx: &mut Cx<'_, GitHub>) -> Result<Shown, Error> {
        let login = administered(cx, &self.org)?;
        let (key, now) = (fold(&login), cx.now());
        let filled = |text: Option<String>| text.filter(|text| !text.is_empty());
        let mut settings = cx.state.accounts.settings_of(&login);
        let before = settings_row(&login, &settings);
        settings.switches.extend(self.switches());
        if let Some(description) = self.description {
            settings.description = filled(description);
        }
        if let Some(base) = self.default_repository_permission {
            settings.base = match base {
                BasePermission::Read => Some(Permission::Read),
                BasePermission::Write => Some(Permission::Write),
                BasePermission::Admin => Some(Permission::Admin),
                BasePermission::None => None,
            };
        }
        settings.billing_email = filled(self.billing_email).or(settings.billing_email);
        if self.secret_scanning_push_protection_custom_link.is_some() {
            settings.secret_link = filled(self.secret_scanning_push_protection_custom_link);
        }
        let created = self.members_allowed_repository_creation_type.map(|kind| kind != CreationType::None);
        settings.members_create_repositories =
            self.members_can_create_repositories.or(created).unwrap_or(settings.members_create_repositories);
        settings.updated_at = Some(now);
        let after = settings_row(&login, &settings);
        cx.state.accounts.settings.insert(key.clone(), settings);
        let mut profile = cx.state.accounts.profiles.get(&key).cloned().unwrap_or_default();
        for (field, given) in [
            (&mut profile.company, self.company),
            (&mut profile.location, self.location),
            (&mut profile.blog, self.blog),
            (&mut profile.twitter, self.twitter_username),
        ] {
            if given.is_some() {
                *field = filled(given);
            }
        }
        cx.state.accounts.profiles.insert(key.clone(), profile);
        if let Some(user) = cx.state.users.get_mut(&key) {
            user.name = filled(self.name).unwrap_or_else(|| user.name.clone());
            if self.email.is_some() {
                user.email = filled(self.email);
            }
        }
        cx.changed(Some(before), Some(after));
        Ok(Shown(login))
    }
}

/// A page of organizations.
pub(crate) struct Orgs(Page<String>);

impl View<GitHub> for Orgs {
    fn rest(&self, cx: &Cx<'_, GitHub>, reply: &mut Reply) {
        self.0.write(cx, reply, |site, login| Some(simple(site, login)));
    }
}

/// The organizations that the caller belongs to.
#[derive(Deserialize)]
pub(crate) struct Mine {
    page: Option<i64>,
    per_page: Option<i64>,
}

fn orgs_of(cx: &Cx<'_, GitHub>, login: &str, admits: impl Fn(&Membership) -> bool) -> Vec<String> {
    let login = fold(login);
    let places = cx.state.accounts.members.iter();
    places.filter(|((_, member), place)| *member == login && admits(place)).map(|((org, _), _)| org.clone()).collect()
}

impl Action<GitHub> for Mine {
    const NAME: &'static str = "list_my_organizations";
    type Output = Orgs;

    fn run(self, cx: &mut Cx<'_, GitHub>) -> Result<Orgs, Error> {
        let all = orgs_of(cx, cx.actor(), |place| !place.pending);
        Ok(Orgs(Page::of(all.into_iter(), paging(self.page, self.per_page))))
    }
}

/// The organizations that somebody shows.
#[derive(Deserialize)]
pub(crate) struct OfUser {
    username: String,
    page: Option<i64>,
    per_page: Option<i64>,
}

impl Action<GitHub> for OfUser {
    const NAME: &'static str = "list_user_organizations";
    type Output = Orgs;

    fn run(self, cx: &mut Cx<'_, GitHub>) -> Result<Orgs, Error> {
        let login = cx.state.user(&self.username).ok_or_else(Error::not_found)?.login.clone();
        let mut all = orgs_of(cx, &login, |place| !place.pending);
        all.retain(|org| {
            cx.state.accounts.membership(org, &login).is_some_and(|place| place.public) || is_inside(cx, org)
        });
        Ok(Orgs(Page::of(all.into_iter(), paging(self.page, self.per_page))))
    }
}

/// A page of people.
pub(crate) struct People(pub(crate) Page<String>);

impl View<GitHub> for People {
    fn rest(&self, cx: &Cx<'_, GitHub>, reply: &mut Reply) {
        self.0.write(cx, reply, |site, login| Some(SimpleUser::of(site, login)));
    }
}

#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
pub(crate) enum Role {
    #[default]
    All,
    Admin,
    Member,
}

/// Everybody in an organization; who is outside sees those who show it.
#[derive(Deserialize)]
pub(crate) struct Members {
    org: String,
    #[serde(default)]
    role: Role,
    #[serde(default)]
    filter: Filter,
    page: Option<i64>,
    per_page: Option<i64>,
}

/// How people prove who they are; everybody does it in two ways here.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Deserialize)]
pub(crate) enum Filter {
    #[default]
    #[serde(rename = "all")]
    All,
    #[serde(rename = "2fa_disabled")]
    OneWay,
    #[serde(rename = "2fa_insecure")]
    Insecure,
}

impl Action<GitHub> for Members {
    const NAME: &'static str = "list_organization_members";
    type Output = People;

    fn run(self, cx: &mut Cx<'_, GitHub>) -> Result<People, Error> {
        let org = organization(cx, &self.org)?;
        let inside = is_inside(cx, &org.login);
        if self.filter != Filter::All && !cx.state.accounts.is_admin(&org.login, cx.actor()) {
            return Err(Error::unprocessable("Only owners can use this filter."));
        }
        let admits = |place: &&Membership| {
            !place.pending
                && self.filter == Filter::All
                && (inside || place.public)
                && match self.role {
                    Role::All => true,
                    Role::Admin => place.admin,
                    Role::Member => !place.admin,
                }
        };
        let logins = cx.state.accounts.members_of(&org.login).filter(admits).map(|place| place.login.clone());
        Ok(People(Page::of(logins, paging(self.page, self.per_page))))
    }
}

/// Those who show that they belong to an organization.
#[derive(Deserialize)]
pub(crate) struct PublicMembers {
    org: String,
    page: Option<i64>,
    per_page: Option<i64>,
}

impl Action<GitHub> for PublicMembers {
    const NAME: &'static str = "list_public_organization_members";
    type Output = People;

    fn run(self, cx: &mut Cx<'_, GitHub>) -> Result<People, Error> {
        let org = organization(cx, &self.org)?;
        let public = cx.state.accounts.members_of(&org.login).filter(|place| place.public && !place.pending);
        Ok(People(Page::of(public.map(|place| place.login.clone()), paging(self.page, self.per_page))))
    }
}

/// Whether somebody belongs to an organization: 204 or 404. Who is outside is sent to the public list.
#[derive(Deserialize)]
pub(crate) struct CheckMember {
    org: String,
    username: String,
}

impl Action<GitHub> for CheckMember {
    const NAME: &'static str = "check_organization_member";
    type Output = Reply;

    fn run(self, cx: &mut Cx<'_, GitHub>) -> Result<Reply, Error> {
        let org = organization(cx, &self.org)?;
        if !is_inside(cx, &org.login) {
            let mut reply = Reply::new(302);
            let there = format!("{}/orgs/{}/public_members/{}", cx.origin, org.login, self.username);
            reply.header("location", there);
            return Ok(reply);
        }
        if cx.state.accounts.is_member(&org.login, &self.username) {
            return Ok(Reply::new(204));
        }
        Err(Error::new(404, "User does not exist or is not a member of the organization"))
    }
}

/// Whether somebody shows that they belong: 204 or 404.
#[derive(Deserialize)]
pub(crate) struct CheckPublicMember {
    org: String,
    username: String,
}

impl Action<GitHub> for CheckPublicMember {
    const NAME: &'static str = "check_public_organization_member";
    type Output = Empty;

    fn run(self, cx: &mut Cx<'_, GitHub>) -> Result<Empty, Error> {
        let org = organization(cx, &self.org)?;
        let place = cx.state.accounts.membership(&org.login, &self.username);
        place.filter(|place| place.public && !place.pending).map(|_| Empty).ok_or_else(Error::not_found)
    }
}

fn show(cx: &mut Cx<'_, GitHub>, org: &str, username: &str, public: bool) -> Result<Empty, Error> {
    let org = organization(cx, org)?.login.clone();
    if fold(username) != fold(cx.actor()) {
        return Err(Error::forbidden("Must be the authenticated user."));
    }
    let place = cx.state.accounts.members.get_mut(&(fold(&org), fold(username))).ok_or_else(Error::not_found)?;
    let before = row(&org, place);
    place.public = public;
    let after = row(&org, place);
    cx.changed(Some(before), Some(after));
    Ok(Empty)
}

/// The caller shows that they belong.
#[derive(Deserialize)]
pub(crate) struct Publicize {
    org: String,
    username: String,
}

impl Action<GitHub> for Publicize {
    const NAME: &'static str = "publicize_membership";
    const MUTATES: bool = true;
    type Output = Empty;

    fn run(self, cx: &mut Cx<'_, GitHub>) -> Result<Empty, Error> {
        show(cx, &self.org, &self.username, true)
    }
}

/// The caller hides that they belong.
#[derive(Deserialize)]
pub(crate) struct Conceal {
    org: String,
    username: String,
}

impl Action<GitHub> for Conceal {
    const NAME: &'static str = "conceal_membership";
    const MUTATES: bool = true;
    type Output = Empty;

    fn run(self, cx: &mut Cx<'_, GitHub>) -> Result<Empty, Error> {
        show(cx, &self.org, &self.username, false)
    }
}

/// One place, whether its holder came or not.
pub(crate) struct Place {
    org: String,
    login: String,
}

impl View<GitHub> for Place {
    fn rest(&self, cx: &Cx<'_, GitHub>, reply: &mut Reply) {
        if let Some(place) = cx.state.accounts.membership(&self.org, &self.login) {
            reply.write_json(&membership(Site::of(cx), &self.org, place));
        }
    }
}

/// Somebody's place in an organization, for those inside.
#[derive(Deserialize)]
pub(crate) struct GetMembership {
    org: String,
    username: String,
}

impl Action<GitHub> for GetMembership {
    const NAME: &'static str = "get_organization_membership";
    type Output = Place;

    fn run(self, cx: &mut Cx<'_, GitHub>) -> Result<Place, Error> {
        let org = organization(cx, &self.org)?.login.clone();
        if !is_inside(cx, &org) && fold(&self.username) != fold(cx.actor()) {
            return Err(Error::forbidden("You must be a member of this organization to see its members."));
        }
        cx.state.accounts.membership(&org, &self.username).ok_or_else(Error::not_found)?;
        Ok(Place { org, login: self.username })
    }
}

/// The caller's own place.
#[derive(Deserialize)]
pub(crate) struct GetMyMembership {
    org: String,
}

impl Action<GitHub> for GetMyMembership {
    const NAME: &'static str = "get_my_organization_membership";
    type Output = Place;

    fn run(self, cx: &mut Cx<'_, GitHub>) -> Result<Place, Error> {
        let org = organization(cx, &self.org)?.login.clone();
        let login = cx.actor().to_owned();
        cx.state.accounts.membership(&org, &login).ok_or_else(Error::not_found)?;
        Ok(Place { org, login })
    }
}

/// Invites somebody, or changes the role of a member.
#[derive(Deserialize)]
pub(crate) struct SetMembership {
    org: String,
    username: String,
    role: Option<Role>,
}

impl Action<GitHub> for SetMembership {
    const NAME: &'static str = "set_organization_membership";
    const MUTATES: bool = true;
    type Output = Place;

    fn run(self, cx: &mut Cx<'_, GitHub>) -> Result<Place, Error> {
        let org = administered(cx, &self.org)?;
        if self.role == Some(Role::All) {
            return Err(Error::value("OrganizationInvitation", "role", "invalid", "all"));
        }
        let user = cx.state.user(&self.username).ok_or_else(Error::not_found)?;
        let (login, admin) = (user.login.clone(), self.role == Some(Role::Admin));
        let before = cx.state.accounts.membership(&org, &login).cloned();
        let place = match &before {
            Some(place) => Membership { admin, ..place.clone() },
            None => Membership { login: login.clone(), admin, pending: true, public: false },
        };
        cx.changed(before.map(|place| row(&org, &place)), Some(row(&org, &place)));
        cx.state.accounts.members.insert((fold(&org), fold(&login)), place);
        Ok(Place { org, login })
    }
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
pub(crate) enum Standing {
    Active,
    Pending,
}

/// The caller comes where they were invited.
#[derive(Deserialize)]
pub(crate) struct AcceptMembership {
    org: String,
    state: Standing,
}

impl Action<GitHub> for AcceptMembership {
    const NAME: &'static str = "accept_organization_membership";
    const MUTATES: bool = true;
    type Output = Place;

    fn run(self, cx: &mut Cx<'_, GitHub>) -> Result<Place, Error> {
        let org = organization(cx, &self.org)?.login.clone();
        let login = cx.actor().to_owned();
        if self.state != Standing::Active {
            return Err(Error::value("OrganizationMembership", "state", "invalid", "pending"));
        }
        let place = cx.state.accounts.members.get_mut(&(fold(&org), fold(&login))).ok_or_else(Error::not_found)?;
        let before = row(&org, place);
        place.pending = false;
        let after = row(&org, place);
        cx.changed(Some(before), Some(after));
        Ok(Place { org, login })
    }
}

/// The caller's places.
#[derive(Deserialize)]
pub(crate) struct MyMemberships {
    state: Option<Standing>,
    page: Option<i64>,
    per_page: Option<i64>,
}

/// A page of one person's places.
pub(crate) struct Places {
    login: String,
    page: Page<String>,
}

impl View<GitHub> for Places {
    fn rest(&self, cx: &Cx<'_, GitHub>, reply: &mut Reply) {
        self.page.write(cx, reply, |site, org| {
            Some(membership(site, org, site.state.accounts.membership(org, &self.login)?))
        });
    }
}

impl Action<GitHub> for MyMemberships {
    const NAME: &'static str = "list_my_organization_memberships";
    type Output = Places;

    fn run(self, cx: &mut Cx<'_, GitHub>) -> Result<Places, Error> {
        let login = cx.actor().to_owned();
        let wanted = self.state.map(|state| state == Standing::Pending);
        let all = orgs_of(cx, &login, |place| wanted.is_none_or(|pending| place.pending == pending));
        Ok(Places { login, page: Page::of(all.into_iter(), paging(self.page, self.per_page)) })
    }
}

/// Takes somebody out; people may leave by themselves.
#[derive(Deserialize)]
pub(crate) struct Remove {
    org: String,
    username: String,
}

impl Action<GitHub> for Remove {
    const NAME: &'static str = "remove_organization_member";
    const MUTATES: bool = true;
    type Output = Empty;

    fn run(self, cx: &mut Cx<'_, GitHub>) -> Result<Empty, Error> {
        let org = organization(cx, &self.org)?.login.clone();
        if fold(&self.username) != fold(cx.actor()) {
            administered(cx, &org)?;
        }
        let place = cx.state.accounts.membership(&org, &self.username).cloned().ok_or_else(Error::not_found)?;
        let owners = cx.state.accounts.members_of(&org).filter(|place| place.admin && !place.pending).count();
        if place.admin && !place.pending && owners == 1 {
            return Err(Error::forbidden("You cannot remove the last owner of an organization."));
        }
        cx.state.accounts.leave(&org, &self.username);
        cx.changed(Some(row(&org, &place)), None);
        Ok(Empty)
    }
}
