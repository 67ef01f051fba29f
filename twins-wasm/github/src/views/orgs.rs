//! Organizations, places in them and teams.

use pome_twin_kit::ids::hash_id;
use serde_json::{Value, json};

use super::users::{Permissions, SimpleUser};
use super::{HTML, Site};
use crate::accounts::{Membership, Team};
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
        "has_organization_projects": true,
        "has_repository_projects": true,
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
    for optional in ["company", "location", "email"] {
        if row[optional].is_null()
            && let Some(members) = row.as_object_mut()
        {
            members.remove(optional);
        }
    }
    if accounts.is_admin(&org.login, site.viewer) || accounts.is_member(&org.login, site.viewer) {
        merge(
            &mut row,
            json!({
                "total_private_repos": hidden.len(),
                "owned_private_repos": hidden.len(),
                "billing_email": settings.billing_email,
                "default_repository_permission": settings.base.map_or("none", Permission::role),
                "members_can_create_repositories": settings.members_create_repositories,
                "two_factor_requirement_enabled": false,
            }),
        );
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
        "permission": "pull",
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
    let organization = site.state.organization(&of.org).map_or(Value::Null, |org| full(site, org));
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
