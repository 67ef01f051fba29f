//! Contents, commits, references and git's own objects.

use serde_json::json;

use super::text;
use crate::drive::Drive;

pub(crate) fn send(to: &mut Drive<'_>) {
    contents(to);
    commits(to);
    refs(to);
    objects(to);
}

fn contents(to: &mut Drive<'_>) {
    to.get(200, "/repos/acme/api/contents");
    to.get(200, "/repos/acme/api/contents/");
    to.get(200, "/repos/acme/api/contents/src?ref=feature");
    let file = to.get(200, "/repos/acme/api/contents/README.md");
    to.get(404, "/repos/acme/api/contents/none.md");
    to.get(200, "/repos/acme/api/readme");
    to.get(200, "/repos/acme/api/readme/docs");
    let new = "/repos/acme/api/contents/notes/new.md";
    let by = json!({ "name": "Ada", "email": "ada@acme.test", "date": "2026-01-02T00:00:00Z" });
    to.put(201, new, json!({ "message": "Add", "content": "T25lCg==", "committer": by, "author": by }));
    to.put(422, new, json!({ "message": "Change", "content": "VHdvCg==" }));
    to.put(409, new, json!({ "message": "Change", "content": "VHdvCg==", "sha": text(&file, "/sha") }));
    let old = to.get(200, new);
    let old = to.put(200, new, json!({ "message": "Change", "content": "VHdvCg==", "sha": text(&old, "/sha") }));
    to.send(200, "DELETE", new, &json!({ "message": "Drop", "sha": text(&old, "/content/sha") }));
    to.probe("DELETE", new, &json!({ "message": "Drop", "sha": text(&old, "/content/sha") }));
}

fn commits(to: &mut Drive<'_>) {
    let commits = to.get(200, "/repos/acme/api/commits?path=README.md");
    let sha = text(&commits, "/0/sha");
    to.get(200, &format!("/repos/acme/api/commits/{sha}"));
    to.get(200, "/repos/acme/api/commits/feature");
    to.get(422, "/repos/acme/api/commits/none");
    to.get(200, "/repos/acme/api/commits/feature/branches-where-head");
    to.get(200, "/repos/acme/api/compare/main...feature");
    to.get(404, "/repos/acme/api/compare/main...none");
}

fn refs(to: &mut Drive<'_>) {
    let main = to.get(200, "/repos/acme/api/git/ref/heads/main");
    let feature = to.get(200, "/repos/acme/api/git/ref/heads/feature");
    to.get(404, "/repos/acme/api/git/ref/heads/none");
    to.get(200, "/repos/acme/api/git/matching-refs/heads/fe");
    to.get(200, "/repos/acme/api/git/refs");
    to.get(200, "/repos/acme/api/git/refs/heads/main");
    let (main, feature) = (text(&main, "/object/sha"), text(&feature, "/object/sha"));
    to.post(201, "/repos/acme/api/git/refs", json!({ "ref": "refs/heads/new", "sha": main }));
    to.post(422, "/repos/acme/api/git/refs", json!({ "ref": "refs/heads/new", "sha": main }));
    to.patch(200, "/repos/acme/api/git/refs/heads/new", json!({ "sha": feature, "force": true }));
    to.patch(422, "/repos/acme/api/git/refs/heads/new", json!({ "sha": "nothing" }));
    to.delete(204, "/repos/acme/api/git/refs/heads/new");
    to.delete(422, "/repos/acme/api/git/refs/heads/new");
}

fn objects(to: &mut Drive<'_>) {
    let blob = to.post(201, "/repos/acme/api/git/blobs", json!({ "content": "Hello\n", "encoding": "utf-8" }));
    to.get(200, &format!("/repos/acme/api/git/blobs/{}", text(&blob, "/sha")));
    let head = to.get(200, "/repos/acme/api/commits/main");
    let base = text(&head, "/commit/tree/sha");
    to.get(200, &format!("/repos/acme/api/git/trees/{base}?recursive=1"));
    let entry = json!({ "path": "hello.txt", "mode": "100644", "type": "blob", "sha": blob["sha"] });
    let tree = to.post(201, "/repos/acme/api/git/trees", json!({ "base_tree": base, "tree": [entry] }));
    to.probe("POST", "/repos/acme/api/git/trees", &json!({ "tree": [{ "path": "x" }] }));
    let new = json!({ "message": "Say hello", "tree": tree["sha"], "parents": [head["sha"]] });
    let commit = to.post(201, "/repos/acme/api/git/commits", new);
    to.get(200, &format!("/repos/acme/api/git/commits/{}", text(&commit, "/sha")));
    let tagger = json!({ "name": "Ada", "email": "ada@acme.test", "date": "2026-01-02T00:00:00Z" });
    let new = json!({ "tag": "v9", "message": "Nine", "object": commit["sha"], "type": "commit", "tagger": tagger });
    let tag = to.post(201, "/repos/acme/api/git/tags", new);
    to.get(200, &format!("/repos/acme/api/git/tags/{}", text(&tag, "/sha")));
}
