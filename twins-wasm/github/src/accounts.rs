//! Organizations with their members and teams, and what people say about themselves and whom they follow.

use std::collections::BTreeMap;

use pome_twin_kit::clock::Time;
use pome_twin_kit::store::{Cell, Table};

use crate::state::{Permission, Repo, RepoId, State, User, UserKind, fold};

/// A login in lower case.
pub(crate) type Login = String;

/// Switches of an organization by the vendor's names, and how they stand before anybody turns them.
pub(crate) const SWITCHES: &[(&str, bool)] = &[
    ("has_organization_projects", true),
    ("has_repository_projects", true),
    ("members_can_create_public_repositories", true),
    ("members_can_create_private_repositories", true),
    ("members_can_create_internal_repositories", false),
    ("members_can_create_pages", true),
    ("members_can_create_public_pages", true),
    ("members_can_create_private_pages", true),
    ("members_can_fork_private_repositories", false),
    ("web_commit_signoff_required", false),
];

/// Further switches, about what keeps repositories safe.
pub(crate) const SAFETY: &[(&str, bool)] = &[
    ("deploy_keys_enabled_for_repositories", true),
    ("advanced_security_enabled_for_new_repositories", false),
    ("dependabot_alerts_enabled_for_new_repositories", false),
    ("dependabot_security_updates_enabled_for_new_repositories", false),
    ("dependency_graph_enabled_for_new_repositories", false),
    ("secret_scanning_enabled_for_new_repositories", false),
    ("secret_scanning_push_protection_enabled_for_new_repositories", false),
    ("secret_scanning_push_protection_custom_link_enabled", false),
];

/// Settings of an organization that differ from what everybody has.
#[derive(Debug, Clone)]
pub(crate) struct Settings {
    pub(crate) description: Option<String>,
    pub(crate) billing_email: Option<String>,
    /// What members may do in every repository; `None` is nothing.
    pub(crate) base: Option<Permission>,
    pub(crate) members_create_repositories: bool,
    /// Those of [`SWITCHES`] and [`SAFETY`] that somebody has set.
    pub(crate) switches: BTreeMap<&'static str, bool>,
    /// Where those are sent whose push was held back for a secret.
    pub(crate) secret_link: Option<String>,
    pub(crate) updated_at: Option<Time>,
}

impl Default for Settings {
    fn default() -> Self {
        Self {
            description: None,
            billing_email: None,
            base: Some(Permission::Read),
            members_create_repositories: true,
            switches: BTreeMap::new(),
            secret_link: None,
            updated_at: None,
        }
    }
}

impl Settings {
    /// How one of [`SWITCHES`] or [`SAFETY`] stands.
    pub(crate) fn allows(&self, name: &str) -> bool {
        let usual = || SWITCHES.iter().chain(SAFETY).any(|(switch, on)| *switch == name && *on);
        self.switches.get(name).copied().unwrap_or_else(usual)
    }

    /// Whether members create repositories that everybody sees, or that only the organization sees.
    pub(crate) fn members_create(&self, private: bool) -> bool {
        let kind =
            if private { "members_can_create_private_repositories" } else { "members_can_create_public_repositories" };
        self.members_create_repositories && self.allows(kind)
    }
}

/// Somebody's place in an organization.
#[derive(Debug, Clone)]
pub(crate) struct Membership {
    pub(crate) login: String,
    pub(crate) admin: bool,
    /// Invited and not yet there.
    pub(crate) pending: bool,
    pub(crate) public: bool,
}

#[derive(Debug, Clone)]
pub(crate) struct Team {
    pub(crate) id: u64,
    /// In the spelling that is shown.
    pub(crate) org: String,
    pub(crate) slug: String,
    pub(crate) name: String,
    pub(crate) description: Option<String>,
    /// Only its members and the organization's owners see it.
    pub(crate) secret: bool,
    pub(crate) notifications: bool,
    /// What it gets in a repository when nobody says.
    pub(crate) permission: Permission,
    pub(crate) parent: Option<u64>,
    pub(crate) created_at: Time,
    pub(crate) updated_at: Time,
}

/// What somebody says about themselves.
#[derive(Debug, Clone, Default)]
pub(crate) struct Profile {
    pub(crate) company: Option<String>,
    pub(crate) location: Option<String>,
    pub(crate) bio: Option<String>,
    pub(crate) blog: Option<String>,
    pub(crate) twitter: Option<String>,
    pub(crate) hireable: Option<bool>,
    pub(crate) updated_at: Option<Time>,
}

#[derive(Debug, Default)]
pub(crate) struct Accounts {
    pub(crate) settings: Table<Login, Settings>,
    /// Organization and member.
    pub(crate) members: Table<(Login, Login), Membership>,
    pub(crate) teams: Table<u64, Team>,
    /// Organization and slug.
    pub(crate) slugs: Table<(Login, String), u64>,
    /// Whether somebody maintains the team.
    pub(crate) team_members: Table<(u64, Login), bool>,
    pub(crate) team_repos: Table<(RepoId, u64), Permission>,
    /// Repository, pull request and team that was asked to review it.
    pub(crate) requested_teams: Table<(RepoId, u64, u64), ()>,
    pub(crate) profiles: Table<Login, Profile>,
    /// Follower and followed.
    pub(crate) follows: Table<(Login, Login), ()>,
    /// Addresses beside the one that commits carry.
    pub(crate) emails: Table<(Login, String), ()>,
    pub(crate) next_team: Cell<u64>,
}

impl Accounts {
    pub(crate) fn membership(&self, org: &str, login: &str) -> Option<&Membership> {
        self.members.get(&(fold(org), fold(login)))
    }

    pub(crate) fn is_member(&self, org: &str, login: &str) -> bool {
        self.membership(org, login).is_some_and(|place| !place.pending)
    }

    /// Owners of an organization; the organization itself counts as one.
    pub(crate) fn is_admin(&self, org: &str, login: &str) -> bool {
        fold(org) == fold(login) || self.membership(org, login).is_some_and(|place| place.admin && !place.pending)
    }

    /// Everybody with a place in an organization, by login.
    pub(crate) fn members_of(&self, org: &str) -> impl Iterator<Item = &Membership> {
        let org = fold(org);
        self.members.prefix((org.clone(), String::new()), move |(of, _)| *of == org).map(|(_, place)| place)
    }

    pub(crate) fn settings_of(&self, org: &str) -> Settings {
        self.settings.get(&fold(org)).cloned().unwrap_or_default()
    }

    /// Teams of an organization, by slug.
    pub(crate) fn teams_of(&self, org: &str) -> impl Iterator<Item = &Team> {
        let org = fold(org);
        let slugs = self.slugs.prefix((org.clone(), String::new()), move |(of, _)| *of == org);
        slugs.filter_map(|(_, id)| self.teams.get(id))
    }

    pub(crate) fn team(&self, org: &str, slug: &str) -> Option<&Team> {
        self.teams.get(self.slugs.get(&(fold(org), fold(slug)))?)
    }

    pub(crate) fn children(&self, team: u64) -> impl Iterator<Item = &Team> {
        self.teams.values().filter(move |other| other.parent == Some(team))
    }

    /// Whether somebody is in a team or in one below it.
    pub(crate) fn in_team(&self, team: u64, login: &str) -> bool {
        self.team_members.contains(&(team, fold(login)))
            || self.children(team).any(|child| self.in_team(child.id, login))
    }

    /// Members of a team and of the teams below it, by login, and whether they maintain it.
    pub(crate) fn team_members_of(&self, team: u64) -> Vec<(&str, bool)> {
        let own = self.team_members.prefix((team, String::new()), move |(of, _)| *of == team);
        let mut all: Vec<(&str, bool)> = own.map(|((_, login), maintains)| (login.as_str(), *maintains)).collect();
        for child in self.children(team) {
            for (login, _) in self.team_members_of(child.id) {
                if !all.iter().any(|(known, _)| *known == login) {
                    all.push((login, false));
                }
            }
        }
        all.sort_unstable();
        all
    }

    /// What a team may do in a repository, by itself or through the teams above it.
    pub(crate) fn team_permission(&self, team: u64, repo: RepoId) -> Option<Permission> {
        let above = self.teams.get(&team).and_then(|team| team.parent);
        let own = self.team_repos.get(&(repo, team)).copied();
        own.max(above.and_then(|parent| self.team_permission(parent, repo)))
    }

    /// Teams that were given a repository, by id.
    pub(crate) fn teams_with(&self, repo: RepoId) -> impl Iterator<Item = (&Team, Permission)> {
        let given = self.team_repos.range((repo, 0)..=(repo, u64::MAX));
        given.filter_map(|((_, id), permission)| Some((self.teams.get(id)?, *permission)))
    }

    /// What somebody may do in a repository as a member of its organization and of teams.
    pub(crate) fn through(&self, repo: &Repo, login: &str) -> Option<Permission> {
        if self.members.is_empty() {
            return None;
        }
        let place = self.membership(&repo.owner, login).filter(|place| !place.pending)?;
        if place.admin {
            return Some(Permission::Admin);
        }
        let teams = self.teams_with(repo.id).filter(|(team, _)| self.in_team(team.id, login));
        teams.map(|(_, permission)| Some(permission)).max().flatten().max(self.settings_of(&repo.owner).base)
    }

    /// Teams that were asked to review a pull request.
    pub(crate) fn asked(&self, repo: RepoId, number: u64) -> impl Iterator<Item = &Team> {
        let asked = self.requested_teams.range((repo, number, 0)..=(repo, number, u64::MAX));
        asked.filter_map(|((_, _, id), ())| self.teams.get(id))
    }

    pub(crate) fn followers(&self, login: &str) -> Vec<Login> {
        let login = fold(login);
        self.follows.keys().filter(|(_, followed)| *followed == login).map(|(follower, _)| follower.clone()).collect()
    }

    pub(crate) fn following(&self, login: &str) -> Vec<Login> {
        let login = fold(login);
        let of = login.clone();
        self.follows.prefix((login, String::new()), move |(by, _)| *by == of).map(|((_, to), ())| to.clone()).collect()
    }

    /// Takes somebody out of an organization and its teams.
    pub(crate) fn leave(&mut self, org: &str, login: &str) {
        self.members.remove(&(fold(org), fold(login)));
        let teams: Vec<u64> = self.teams_of(org).map(|team| team.id).collect();
        for team in teams {
            self.team_members.remove(&(team, fold(login)));
        }
    }

    /// Takes a team away, with those below it.
    pub(crate) fn dissolve(&mut self, id: u64) {
        let below: Vec<u64> = self.children(id).map(|child| child.id).collect();
        for child in below {
            self.dissolve(child);
        }
        let Some(team) = self.teams.remove(&id) else { return };
        self.slugs.remove(&(fold(&team.org), team.slug));
        let members: Vec<_> = self.team_members.keys().filter(|(team, _)| *team == id).cloned().collect();
        let repos: Vec<_> = self.team_repos.keys().filter(|(_, team)| *team == id).copied().collect();
        let asked: Vec<_> = self.requested_teams.keys().filter(|(_, _, team)| *team == id).copied().collect();
        for key in members {
            self.team_members.remove(&key);
        }
        for key in repos {
            self.team_repos.remove(&key);
        }
        for key in asked {
            self.requested_teams.remove(&key);
        }
    }
}

impl State {
    /// The account, if it is an organization.
    pub(crate) fn organization(&self, login: &str) -> Option<&User> {
        self.user(login).filter(|user| user.kind == UserKind::Organization)
    }

    /// The login in its own spelling.
    pub(crate) fn spelled<'a>(&'a self, login: &'a str) -> &'a str {
        self.user(login).map_or(login, |user| user.login.as_str())
    }
}

pome_twin_kit::store!(Accounts {
    settings,
    members,
    teams,
    slugs,
    team_members,
    team_repos,
    requested_teams,
    profiles,
    follows,
    emails,
    next_team,
});
