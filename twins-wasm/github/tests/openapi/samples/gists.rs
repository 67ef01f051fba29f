//! Gists and what is said about them.

use serde_json::json;

use super::text;
use crate::drive::Drive;

pub(crate) fn send(to: &mut Drive<'_>) {
    let new = json!({
        "description": "How to", "public": true,
        "files": { "notes.md": { "content": "# Notes\n" }, "run": { "content": "make\n" } },
    });
    let gist = to.post(201, "/gists", new);
    to.post(201, "/gists", json!({ "files": { "hidden.py": { "content": "pass\n" } }, "public": "false" }));
    to.post(422, "/gists", json!({ "files": {} }));
    to.get(200, "/gists?since=2020-01-01T00:00:00Z");
    to.get(200, "/gists/public");
    to.get(200, "/users/pome-agent/gists");
    let path = format!("/gists/{}", text(&gist, "/id"));
    let first = text(&gist, "/history/0/version");
    to.get(200, &path);
    to.get(404, "/gists/0000");
    let change =
        json!({ "files": { "run": null, "notes.md": { "filename": "read.md", "content": "# Read\n\nIt.\n" } } });
    to.patch(200, &path, change);
    to.patch(200, &path, json!({ "description": "How to do it" }));
    to.patch(422, &path, json!({ "files": { "read.md": null } }));
    to.get(200, &format!("{path}/commits"));
    to.get(200, &format!("{path}/{first}"));
    to.get(404, &format!("{path}/{}", "0".repeat(40)));
    to.put(204, &format!("{path}/star"), json!(null));
    to.get(204, &format!("{path}/star"));
    to.get(200, "/gists/starred");
    to.delete(204, &format!("{path}/star"));
    to.get(404, &format!("{path}/star"));
    comments(to, &path);
    to.act_as("rita");
    to.probe("PATCH", &path, &json!({ "description": "Mine" }));
    to.probe("DELETE", &path, &json!(null));
    to.act_as("pome-agent");
    to.get(200, "/user");
    to.delete(204, &path);
}

fn comments(to: &mut Drive<'_>, gist: &str) {
    let comment = to.post(201, &format!("{gist}/comments"), json!({ "body": "Thanks" }));
    to.probe("POST", &format!("{gist}/comments"), &json!({ "body": "" }));
    to.get(200, &format!("{gist}/comments"));
    let path = format!("{gist}/comments/{}", text(&comment, "/id"));
    to.get(200, &path);
    to.patch(200, &path, json!({ "body": "Many thanks" }));
    to.delete(204, &path);
    to.get(404, &path);
}
