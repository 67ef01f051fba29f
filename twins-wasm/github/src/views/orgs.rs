//! Organizations, places in them and teams.

use pome_twin_kit::ids::hash_id;
use serde_json::{Value, json};

use super::users::{Permissions, SimpleUser};
use super::{HTML, Site};
use crate::accounts::{Membership, SAFETY, SWITCHES, Settings, Team};
use crate::state::{Permission, RepoId, User};

/// `organization-simple`
pub(crate) fn simple(site: Site<'_>, login: &str) -> Value {
    let login = site.state.spelled(login);
    let (id, api) = (hash_id(login), site.api);
    json!({
        "login": login,
        "id": id,
        "node_id": format!("O_{id}"),
        "url": format!("{api}/orgs/{login}"),
        "repos_url": format!("{api}/orgs/{login}/repos"),
        "events_url": format!("{api}/orgs/{login}/events"),
        "hooks_url": format!("{api}/orgs/{login}/hooks"),
        "issues_url": format!("{api}/orgs/{login}/issues"),
        "members_url": format!("{api}/orgs/{login}/members{{/member}}"),
        "public_members_url": format!("{api}/orgs/{login}/public_members{{/member}}"),
        "avatar_url": format!("https://avatars.githubusercontent.com/u/{id}?v=4"),
        "description": site.state.accounts.settings_of(login).description,
    })
}

/// `organization-full`; members see more of it.
pub(crate) fn full(site: Site<'_>, org: &User) -> Value {
    let mut row = of_team(site, org);
    if is_inside(site, org) {
        let settings = site.state.accounts.settings_of(&org.login);
        for (name, _) in SAFETY {
            row[*name] = settings.allows(name).into();
        }
        row["secret_scanning_push_protection_custom_link"] = settings.secret_link.into();
    }
    row
}

fn is_inside(site: Site<'_>, org: &User) -> bool {
    let accounts = &site.state.accounts;
    accounts.is_admin(&org.login, site.viewer) || accounts.is_member(&org.login, site.viewer)
}

/// `team-organization`: all but what keeps repositories safe.
fn of_team(site: Site<'_>, org: &User) -> Value {
    let accounts = &site.state.accounts;
    let settings = accounts.settings_of(&org.login);
    let profile = accounts.profiles.get(&crate::state::fold(&org.login)).cloned().unwrap_or_default();
    let owned = site.state.repos.values().filter(|repo| repo.owner == org.login);
    let (hidden, public): (Vec<_>, Vec<_>) = owned.partition(|repo| repo.private);
    let mut row = simple(site, &org.login);
    let more = json!({
        "name": org.name,
        "company": profile.company,
        "blog": profile.blog.unwrap_or_default(),
        "location": profile.location,
        "email": org.email,
        "twitter_username": profile.twitter,
        "is_verified": false,
        "has_organization_projects": settings.allows("has_organization_projects"),
        "has_repository_projects": settings.allows("has_repository_projects"),
        "public_repos": public.len(),
        "public_gists": 0,
        "followers": accounts.followers(&org.login).len(),
        "following": 0,
        "html_url": format!("{HTML}/{}", org.login),
        "created_at": org.created_at.to_seconds(),
        "updated_at": settings.updated_at.unwrap_or(org.created_at).to_seconds(),
        "archived_at": null,
        "type": "Organization",
    });
    merge(&mut row, more);
    if is_inside(site, org) {
        merge(&mut row, inside(site, org, &settings, hidden.len()));
    }
    row
}

/// What members see of their organization.
fn inside(site: Site<'_>, org: &User, settings: &Settings, hidden: usize) -> Value {
    let seats = site.state.accounts.members_of(&org.login).filter(|place| !place.pending).count();
    let mut row = json!({
        "total_private_repos": hidden,
        "owned_private_repos": hidden,
        "private_gists": 0,
        "disk_usage": 0,
        "collaborators": 0,
        "billing_email": settings.billing_email,
        "plan": { "name": "free", "space": 976_562_499, "private_repos": 10_000, "filled_seats": seats, "seats": 0 },
        "default_repository_permission": settings.base.map_or("none", Permission::role),
        "members_can_create_repositories": settings.members_create_repositories,
        "members_allowed_repository_creation_type": match (settings.members_create(false), settings.members_create(true)) {
            (true, _) => "all",
            (false, true) => "private",
            (false, false) => "none",
        },
        "two_factor_requirement_enabled": false,
    });
    for (name, _) in SWITCHES {
        row[*name] = settings.allows(name).into();
    }
    for (name, private) in
        [("members_can_create_public_repositories", false), ("members_can_create_private_repositories", true)]
    {
        row[name] = settings.members_create(private).into();
    }
    row
}

pub(crate) fn merge(row: &mut Value, more: Value) {
    if let (Value::Object(row), Value::Object(more)) = (row, more) {
        row.extend(more);
    }
}

/// `org-membership`
pub(crate) fn membership(site: Site<'_>, org: &str, place: &Membership) -> Value {
    let (api, org) = (site.api, site.state.spelled(org));
    json!({
        "url": format!("{api}/orgs/{org}/memberships/{}", place.login),
        "state": if place.pending { "pending" } else { "active" },
        "role": if place.admin { "admin" } else { "member" },
        "organization_url": format!("{api}/orgs/{org}"),
        "organization": simple(site, org),
        "user": SimpleUser::of(site, &place.login),
    })
}

/// `team-simple`
fn short(site: Site<'_>, team: &Team) -> Value {
    let (api, org, slug, id) = (site.api, &team.org, &team.slug, team.id);
    json!({
        "id": id,
        "node_id": format!("T_{id}"),
        "url": format!("{api}/orgs/{org}/teams/{slug}"),
        "html_url": format!("{HTML}/orgs/{org}/teams/{slug}"),
        "name": team.name,
        "slug": slug,
        "description": team.description,
        "privacy": if team.secret { "secret" } else { "closed" },
        "notification_setting": if team.notifications { "notifications_enabled" } else { "notifications_disabled" },
        "permission": team.permission.word(),
        "members_url": format!("{api}/orgs/{org}/teams/{slug}/members{{/member}}"),
        "repositories_url": format!("{api}/orgs/{org}/teams/{slug}/repos"),
        "type": "organization",
        "organization_id": hash_id(org),
    })
}

/// `team`; with what it may do in a repository when it is listed for one.
pub(crate) fn team(site: Site<'_>, team: &Team, held: Option<Permission>) -> Value {
    let mut row = short(site, team);
    let parent = team.parent.and_then(|id| site.state.accounts.teams.get(&id));
    row["parent"] = parent.map_or(Value::Null, |parent| short(site, parent));
    if let Some(held) = held {
        row["permission"] = held.word().into();
        row["permissions"] = json!(Permissions(held));
    }
    row
}

/// `team-full`
pub(crate) fn full_team(site: Site<'_>, of: &Team) -> Value {
    let mut row = team(site, of, None);
    let accounts = &site.state.accounts;
    let repos = accounts.team_repos.keys().filter(|(_, id)| *id == of.id).count();
    let organization = site.state.organization(&of.org).map_or(Value::Null, |org| of_team(site, org));
    let more = json!({
        "members_count": accounts.team_members_of(of.id).len(),
        "repos_count": repos,
        "created_at": of.created_at.to_seconds(),
        "updated_at": of.updated_at.to_seconds(),
        "organization": organization,
    });
    merge(&mut row, more);
    row
}

/// Teams that were asked to review.
pub(crate) fn asked(site: Site<'_>, repo: RepoId, number: u64) -> Vec<Value> {
    site.state.accounts.asked(repo, number).map(|one| team(site, one, None)).collect()
}
