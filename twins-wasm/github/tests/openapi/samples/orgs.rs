//! Organizations, places in them and teams.

use serde_json::json;

use super::text;
use crate::drive::Drive;

pub(crate) fn send(to: &mut Drive<'_>) {
    organizations(to);
    members(to);
    places(to);
    teams(to);
    team_members(to);
    team_repositories(to);
}

fn organizations(to: &mut Drive<'_>) {
    to.get(200, "/orgs/acme");
    to.get(404, "/orgs/alice");
    let about = json!({
        "name": "Acme Inc.", "description": "Anvils", "email": "hello@acme.test", "billing_email": "pay@acme.test",
        "company": "Acme", "location": "Desert", "blog": "https://acme.test/blog", "twitter_username": "acme",
        "default_repository_permission": "read", "members_can_create_repositories": true,
        "members_can_create_public_repositories": false, "has_organization_projects": false,
        "web_commit_signoff_required": true, "members_can_fork_private_repositories": true,
    });
    to.patch(200, "/orgs/acme", about);
    to.get(200, "/orgs/acme");
    to.get(200, "/orgs/acme/issue-types");
    to.get(200, "/user/orgs");
    to.get(200, "/users/alice/orgs");
    to.get(404, "/users/nobody/orgs");
    to.act_as("rita");
    to.get(200, "/orgs/acme");
    to.get(200, "/users/alice/orgs");
    to.probe("PATCH", "/orgs/acme", &json!({ "description": "Mine" }));
    to.act_as("pome-agent");
}

fn members(to: &mut Drive<'_>) {
    to.get(200, "/orgs/acme/members?role=admin&filter=all");
    to.get(200, "/orgs/acme/members?filter=2fa_disabled");
    to.get(204, "/orgs/acme/members/alice");
    to.get(404, "/orgs/acme/members/rita");
    to.get(200, "/orgs/acme/public_members");
    to.get(204, "/orgs/acme/public_members/alice");
    to.get(404, "/orgs/acme/public_members/bob");
    to.put(204, "/orgs/acme/public_members/pome-agent", json!(null));
    to.put(403, "/orgs/acme/public_members/bob", json!(null));
    to.delete(204, "/orgs/acme/public_members/pome-agent");
    to.act_as("rita");
    to.get(200, "/orgs/acme/members");
    to.get(302, "/orgs/acme/members/alice");
    to.probe("GET", "/orgs/acme/members?filter=2fa_disabled", &json!(null));
    to.probe("DELETE", "/orgs/acme/members/alice", &json!(null));
    to.act_as("pome-agent");
}

fn places(to: &mut Drive<'_>) {
    to.get(200, "/orgs/acme/memberships/alice");
    to.get(404, "/orgs/acme/memberships/carol");
    to.put(200, "/orgs/acme/memberships/carol", json!({ "role": "member" }));
    to.act_as("carol");
    to.get(200, "/user/memberships/orgs?state=pending");
    to.patch(200, "/user/memberships/orgs/acme", json!({ "state": "active" }));
    to.get(200, "/user/memberships/orgs/acme");
    to.get(404, "/user/memberships/orgs/nobody");
    to.act_as("pome-agent");
    to.put(200, "/orgs/acme/memberships/carol", json!({ "role": "admin" }));
    to.delete(204, "/orgs/acme/memberships/carol");
    to.delete(404, "/orgs/acme/memberships/carol");
    to.put(200, "/orgs/acme/memberships/carol", json!({}));
    to.act_as("carol");
    to.patch(200, "/user/memberships/orgs/acme", json!({ "state": "active" }));
    to.act_as("pome-agent");
    to.delete(204, "/orgs/acme/members/carol");
}

fn teams(to: &mut Drive<'_>) {
    let new = json!({
        "name": "Platform", "description": "Keeps it running", "privacy": "closed", "permission": "push",
        "notification_setting": "notifications_disabled", "maintainers": ["alice"], "repo_names": ["acme/api"],
    });
    let above = to.post(201, "/orgs/acme/teams", new.clone());
    to.post(422, "/orgs/acme/teams", new);
    to.post(422, "/orgs/acme/teams", json!({ "name": "Other", "repo_names": ["acme/nothing"] }));
    to.post(201, "/orgs/acme/teams", json!({ "name": "On call", "privacy": "closed", "parent_team_id": above["id"] }));
    to.post(201, "/orgs/acme/teams", json!({ "name": "Night", "parent_team_slug": "platform" }));
    to.post(201, "/orgs/acme/teams", json!({ "name": "Hidden" }));
    to.get(200, "/orgs/acme/teams?team_type=organization");
    to.get(200, "/orgs/acme/teams/platform");
    to.get(200, "/orgs/acme/teams/on-call");
    to.get(404, "/orgs/acme/teams/none");
    to.get(200, "/orgs/acme/teams/platform/teams");
    to.patch(
        200,
        "/orgs/acme/teams/on-call",
        json!({ "description": "Day", "parent_team_id": null, "permission": "pull" }),
    );
    to.patch(200, "/orgs/acme/teams/night", json!({ "name": "Nights", "parent_team_slug": "on-call" }));
    to.patch(422, "/orgs/acme/teams/nights", json!({ "name": "" }));
    to.get(200, "/user/teams");
    to.delete(204, "/orgs/acme/teams/hidden");
    to.act_as("rita");
    to.probe("GET", "/orgs/acme/teams", &json!(null));
    to.probe("POST", "/orgs/acme/teams", &json!({ "name": "Mine" }));
    to.probe("PATCH", "/orgs/acme/teams/platform", &json!({ "name": "Mine" }));
    to.act_as("bob");
    to.probe("DELETE", "/orgs/acme/teams/platform", &json!(null));
    to.act_as("pome-agent");
}

fn team_members(to: &mut Drive<'_>) {
    let path = "/orgs/acme/teams/platform";
    to.put(200, &format!("{path}/memberships/bob"), json!({ "role": "member" }));
    to.put(200, &format!("{path}/memberships/carol"), json!({ "role": "maintainer" }));
    to.get(200, &format!("{path}/memberships/bob"));
    to.get(404, &format!("{path}/memberships/rita"));
    to.get(200, &format!("{path}/members?role=all"));
    to.get(200, &format!("{path}/members?role=maintainer"));
    to.delete(204, &format!("{path}/memberships/bob"));
    to.delete(404, &format!("{path}/memberships/bob"));
}

fn team_repositories(to: &mut Drive<'_>) {
    let path = "/orgs/acme/teams/platform/repos";
    to.get(200, path);
    to.get(204, &format!("{path}/acme/api"));
    to.get_as(200, &format!("{path}/acme/api"), "application/vnd.github.v3.repository+json");
    to.get(404, &format!("{path}/acme/secret"));
    to.put(204, &format!("{path}/acme/secret"), json!({ "permission": "maintain" }));
    to.put(422, &format!("{path}/pome-agent/dots"), json!({}));
    let teams = to.get(200, "/repos/acme/secret/teams");
    assert_eq!(text(&teams, "/0/permission"), "maintain");
    to.delete(204, &format!("{path}/acme/secret"));
}
