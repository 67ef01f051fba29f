//! Comments on commits and the reactions to them.

use serde_json::json;

use super::text;
use crate::drive::Drive;

const COMMENTS: &str = "/repos/acme/api/comments";

pub(crate) fn send(to: &mut Drive<'_>) {
    let branch = to.get(200, "/repos/acme/api/branches/feature");
    let of = format!("/repos/acme/api/commits/{}/comments", text(&branch, "/commit/sha"));
    to.post(201, &of, json!({ "body": "On all of it" }));
    let comment = to.post(201, &of, json!({ "body": "Here", "path": "src/more.ts", "position": 1, "line": 1 }));
    to.post(422, &of, json!({ "body": "There", "path": "nowhere.ts" }));
    to.get(200, &of);
    to.get(200, COMMENTS);
    let path = format!("{COMMENTS}/{}", text(&comment, "/id"));
    to.get(200, &path);
    to.get(404, &format!("{COMMENTS}/99"));
    to.patch(200, &path, json!({ "body": "Right here" }));
    let reaction = to.post(201, &format!("{path}/reactions"), json!({ "content": "heart" }));
    to.post(200, &format!("{path}/reactions"), json!({ "content": "heart" }));
    to.get(200, &format!("{path}/reactions?content=heart"));
    to.get(200, &path);
    to.delete(204, &format!("{path}/reactions/{}", text(&reaction, "/id")));
    to.act_as("rita");
    to.probe("PATCH", &path, &json!({ "body": "Mine" }));
    to.act_as("pome-agent");
    to.delete(204, &path);
}
