//! Users, collaborators, invitations and the caller's limits.

use serde_json::json;

use super::text;
use crate::drive::Drive;

const REPO: &str = "/repos/acme/api/collaborators";

pub(crate) fn send(to: &mut Drive<'_>) {
    to.get(200, "/user");
    to.get(200, "/users/alice");
    to.get(200, "/users/acme");
    to.get(404, "/users/nobody");
    to.get(200, "/rate_limit");
    to.get(200, &format!("{REPO}?affiliation=all"));
    to.get(204, &format!("{REPO}/bob"));
    to.get(404, &format!("{REPO}/zoe"));
    to.get(200, &format!("{REPO}/bob/permission"));
    let invitation = to.put(201, &format!("{REPO}/zoe"), json!({ "permission": "push" }));
    to.put(204, &format!("{REPO}/bob"), json!({ "permission": "admin" }));
    to.get(200, "/repos/acme/api/invitations");
    to.act_as("zoe");
    to.get(200, "/user/repository_invitations");
    to.probe("PUT", &format!("{REPO}/rita"), &json!({}));
    to.patch(204, &format!("/user/repository_invitations/{}", text(&invitation, "/id")), json!(null));
    to.act_as("pome-agent");
    to.delete(204, &format!("{REPO}/zoe"));
    let open = to.put(201, &format!("{REPO}/xena"), json!({ "permission": "pull" }));
    let path = format!("/repos/acme/api/invitations/{}", text(&open, "/id"));
    to.patch(200, &path, json!({ "permissions": "maintain" }));
    to.delete(204, &path);
    to.delete(404, &path);
    let invitation = to.put(201, &format!("{REPO}/yan"), json!({ "permission": "triage" }));
    to.act_as("yan");
    to.delete(204, &format!("/user/repository_invitations/{}", text(&invitation, "/id")));
    to.act_as("pome-agent");
}
