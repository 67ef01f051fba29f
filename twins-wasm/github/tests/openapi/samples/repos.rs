//! Repositories and lists of them.

use serde_json::json;

use crate::drive::Drive;

pub(crate) fn send(to: &mut Drive<'_>) {
    to.get(200, "/repos/acme/api");
    to.get(200, "/repos/acme/secret");
    to.get(404, "/repos/acme/nothing");
    to.patch(
        200,
        "/repos/acme/api",
        json!({ "description": "Changed", "homepage": null, "has_wiki": false, "delete_branch_on_merge": true }),
    );
    to.patch(422, "/repos/acme/api", json!({ "name": "" }));
    to.post(201, "/user/repos", json!({ "name": "mine", "description": "New", "auto_init": true }));
    to.post(201, "/user/repos", json!({ "name": "bare", "private": true }));
    to.post(422, "/user/repos", json!({ "name": "mine" }));
    to.post(201, "/orgs/acme/repos", json!({ "name": "ours", "auto_init": true }));
    to.post(202, "/repos/acme/api/forks", json!({}));
    to.get(200, "/repos/acme/api/forks?sort=oldest");
    to.get(200, "/repos/pome-agent/api");
    let next = json!({ "message": "Go on", "content": "R28K", "branch": "main" });
    to.put(201, "/repos/acme/api/contents/go.txt", next);
    to.post(200, "/repos/pome-agent/api/merge-upstream", json!({ "branch": "main" }));
    to.post(200, "/repos/pome-agent/api/merge-upstream", json!({ "branch": "main" }));
    to.probe("POST", "/repos/acme/api/merge-upstream", &json!({ "branch": "main" }));
    to.get(200, "/repos/acme/api/topics");
    to.put(200, "/repos/acme/api/topics", json!({ "names": ["http", "api"] }));
    to.put(422, "/repos/acme/api/topics", json!({}));
    to.get(200, "/repos/acme/api/languages");
    to.get(200, "/repos/acme/api/contributors");
    to.get(200, "/user/repos?type=owner");
    to.get(200, "/user/repos?visibility=all&affiliation=owner,collaborator&sort=created");
    to.get(200, "/users/pome-agent/repos?type=owner");
    to.get(200, "/orgs/acme/repos?type=all");
    to.act_as("rita");
    to.probe("PATCH", "/repos/acme/api", &json!({ "description": "Mine" }));
    to.probe("DELETE", "/repos/acme/api", &json!(null));
    to.act_as("pome-agent");
    to.post(202, "/repos/pome-agent/bare/transfer", json!({ "new_owner": "acme", "new_name": "given" }));
    to.delete(204, "/repos/pome-agent/mine");
}
