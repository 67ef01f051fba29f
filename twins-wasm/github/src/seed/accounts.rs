//! Organizations, teams and people's relations in a seed document.
//!
//! ```json
//! { "organizations": [{ "login": "acme", "default_repository_permission": "read",
//!     "members": ["alice", { "login": "bob", "role": "admin", "public": true }],
//!     "teams": [{ "name": "Platform", "members": [{ "login": "alice", "role": "maintainer" }],
//!                 "repositories": [{ "name": "api", "permission": "push" }] }] }] }
//! ```

use pome_twin_kit::clock::Time;
use serde::Deserialize;
use serde_json::Value;

use crate::accounts::{Membership, Settings, Team};
use crate::actions::teams::slug;
use crate::error::Error;
use crate::seed::invalid;
use crate::state::{Permission, State, User, UserKind, fold};

#[derive(Deserialize)]
pub(crate) struct SeedOrganization {
    login: String,
    #[serde(default)]
    name: Option<String>,
    #[serde(default)]
    description: Option<String>,
    #[serde(default)]
    default_repository_permission: Option<String>,
    #[serde(default)]
    members_can_create_repositories: Option<bool>,
    #[serde(default)]
    members: Vec<SeedMember>,
    #[serde(default)]
    teams: Vec<SeedTeam>,
}

/// A login, or a login with its role.
struct SeedMember {
    login: String,
    role: Option<String>,
    public: bool,
}

impl<'de> Deserialize<'de> for SeedMember {
    fn deserialize<D: serde::Deserializer<'de>>(from: D) -> Result<Self, D::Error> {
        use serde::de::Error as _;
        match Value::deserialize(from)? {
            Value::String(login) => Ok(Self { login, role: None, public: false }),
            Value::Object(members) => {
                let text = |name: &str| members.get(name).and_then(Value::as_str).map(str::to_owned);
                let login = text("login").ok_or_else(|| D::Error::custom("`login` is missing"))?;
                let public = members.get("public").and_then(Value::as_bool).unwrap_or(false);
                Ok(Self { login, role: text("role"), public })
            }
            _ => Err(D::Error::custom("expected a login, or an object with `login` and `role`")),
        }
    }
}

#[derive(Deserialize)]
struct SeedTeam {
    name: String,
    #[serde(default)]
    slug: Option<String>,
    #[serde(default)]
    description: Option<String>,
    #[serde(default)]
    privacy: Option<String>,
    /// The slug of a team that stands before this one.
    #[serde(default)]
    parent: Option<String>,
    #[serde(default)]
    members: Vec<SeedMember>,
    #[serde(default)]
    repositories: Vec<SeedTeamRepo>,
}

#[derive(Deserialize)]
struct SeedTeamRepo {
    name: String,
    #[serde(default)]
    permission: Option<String>,
}

/// What waits for the repositories: team, organization, repository, permission and the place in the document.
pub(crate) struct Grant {
    team: u64,
    org: String,
    repo: String,
    permission: Permission,
    field: String,
}

/// Makes organizations with their members and teams. Repositories come later; what teams get of them is handed back.
pub(crate) fn organizations(state: &mut State, list: Vec<SeedOrganization>, now: Time) -> Result<Vec<Grant>, Error> {
    let mut grants = Vec::new();
    for (at, seed) in list.into_iter().enumerate() {
        let place = format!("organizations.{at}");
        if seed.login.trim().is_empty() {
            return Err(invalid(&format!("{place}.login"), "too_small", "must not be empty"));
        }
        let (login, key) = (seed.login.clone(), fold(&seed.login));
        let known = state.users.get(&key).cloned();
        let name = seed.name.or_else(|| known.as_ref().map(|user| user.name.clone())).unwrap_or_else(|| login.clone());
        let email = known.and_then(|user| user.email);
        let user = User { login: login.clone(), kind: UserKind::Organization, name, email, created_at: now };
        state.users.insert(key.clone(), user);
        let base = match seed.default_repository_permission.as_deref() {
            None => Some(Permission::Read),
            Some("none") => None,
            Some(word) => Some(permission(word, &format!("{place}.default_repository_permission"))?),
        };
        let settings = Settings {
            description: seed.description.filter(|text| !text.is_empty()),
            base,
            members_create_repositories: seed.members_can_create_repositories.unwrap_or(true),
            ..Settings::default()
        };
        state.accounts.settings.insert(key.clone(), settings);
        for (index, member) in seed.members.into_iter().enumerate() {
            let admin = match member.role.as_deref() {
                None | Some("member") => false,
                Some("admin" | "owner") => true,
                Some(_) => {
                    let field = format!("{place}.members.{index}.role");
                    return Err(invalid(&field, "invalid_value", "is neither `member` nor `admin`"));
                }
            };
            state.ensure_user(&member.login, now);
            let row = Membership { login: member.login.clone(), admin, pending: false, public: member.public };
            state.accounts.members.insert((key.clone(), fold(&member.login)), row);
        }
        for (index, team) in seed.teams.into_iter().enumerate() {
            add_team(state, &login, team, &format!("{place}.teams.{index}"), now, &mut grants)?;
        }
    }
    Ok(grants)
}

fn permission(word: &str, field: &str) -> Result<Permission, Error> {
    Permission::parse(word)
        .ok_or_else(|| invalid(field, "invalid_value", "is none of pull, triage, push, maintain, admin"))
}

fn add_team(
    state: &mut State,
    org: &str,
    seed: SeedTeam,
    place: &str,
    now: Time,
    grants: &mut Vec<Grant>,
) -> Result<(), Error> {
    let slug = seed.slug.unwrap_or_else(|| slug(&seed.name));
    let key = (fold(org), fold(&slug));
    if slug.is_empty() || state.accounts.slugs.contains(&key) {
        return Err(invalid(&format!("{place}.name"), "invalid_value", "must be there and be used once"));
    }
    let parent = match &seed.parent {
        None => None,
        Some(slug) => {
            let found = state.accounts.team(org, slug).map(|team| team.id);
            Some(found.ok_or_else(|| invalid(&format!("{place}.parent"), "invalid_value", "names no earlier team"))?)
        }
    };
    let secret = match seed.privacy.as_deref() {
        None | Some("closed") => false,
        Some("secret") => true,
        Some(_) => {
            return Err(invalid(&format!("{place}.privacy"), "invalid_value", "is neither `closed` nor `secret`"));
        }
    };
    let id = state.accounts.next_team.next();
    let team = Team {
        id,
        org: org.to_owned(),
        slug: slug.clone(),
        name: seed.name,
        description: seed.description.filter(|text| !text.is_empty()),
        secret,
        notifications: true,
        permission: Permission::Read,
        parent,
        created_at: now,
        updated_at: now,
    };
    state.accounts.slugs.insert(key, id);
    state.accounts.teams.insert(id, team);
    for member in seed.members {
        state.ensure_user(&member.login, now);
        let of = (fold(org), fold(&member.login));
        if !state.accounts.members.contains(&of) {
            let row = Membership { login: member.login.clone(), admin: false, pending: false, public: member.public };
            state.accounts.members.insert(of, row);
        }
        state.accounts.team_members.insert((id, fold(&member.login)), member.role.as_deref() == Some("maintainer"));
    }
    for (index, repo) in seed.repositories.into_iter().enumerate() {
        let field = format!("{place}.repositories.{index}");
        let word = repo.permission.as_deref().unwrap_or("push");
        let permission = permission(word, &format!("{field}.permission"))?;
        grants.push(Grant { team: id, org: org.to_owned(), repo: repo.name, permission, field });
    }
    Ok(())
}

/// Gives teams their repositories, which must be there now.
pub(crate) fn grant(state: &mut State, grants: Vec<Grant>) -> Result<(), Error> {
    for Grant { team, org, repo, permission, field } in grants {
        let name = repo.rsplit('/').next().unwrap_or(&repo);
        let id = state.repo(&org, name).map(|repo| repo.id);
        let id = id.ok_or_else(|| invalid(&format!("{field}.name"), "invalid_value", "names no repository"))?;
        state.accounts.team_repos.insert((id, team), permission);
    }
    Ok(())
}
