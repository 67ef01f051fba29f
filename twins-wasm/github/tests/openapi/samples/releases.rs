//! Tags and releases.

use serde_json::json;

use super::text;
use crate::drive::Drive;

pub(crate) fn send(to: &mut Drive<'_>) {
    to.get(200, "/repos/acme/api/tags");
    to.get(200, "/repos/acme/api/releases");
    to.get(200, "/repos/acme/api/releases/latest");
    to.get(404, "/repos/acme/secret/releases/latest");
    to.get(200, "/repos/acme/api/releases/tags/v0.1.0");
    let new =
        json!({ "tag_name": "v1.0.0", "name": "One", "body": "Done", "target_commitish": "main", "prerelease": true });
    let release = to.post(201, "/repos/acme/api/releases", new);
    to.post(422, "/repos/acme/api/releases", json!({ "tag_name": "v1.0.0" }));
    let path = format!("/repos/acme/api/releases/{}", text(&release, "/id"));
    to.get(200, &path);
    to.patch(200, &path, json!({ "name": "The one", "prerelease": false }));
    assets(to, &path);
    to.post(
        200,
        "/repos/acme/api/releases/generate-notes",
        json!({ "tag_name": "v2.0.0", "previous_tag_name": "v0.1.0" }),
    );
    to.delete(204, &path);
    to.get(404, &path);
    for form in ["tarball", "zipball"] {
        to.get(302, &format!("/repos/acme/api/{form}"));
        to.get(302, &format!("/repos/acme/api/{form}/feature"));
    }
    to.get(200, "/codeload/acme/api/legacy.tar.gz/refs/heads/main");
}

fn assets(to: &mut Drive<'_>, release: &str) {
    let asset = to.post(201, &format!("{release}/assets?name=notes.json&label=Notes"), json!({ "any": "bytes" }));
    to.probe("POST", &format!("{release}/assets?name=notes.json"), &json!({ "any": "bytes" }));
    to.get(200, &format!("{release}/assets"));
    to.get(200, release);
    let path = format!("/repos/acme/api/releases/assets/{}", text(&asset, "/id"));
    to.get(200, &path);
    to.patch(200, &path, json!({ "name": "notes-1.json" }));
    to.delete(204, &path);
    to.get(404, &path);
}
