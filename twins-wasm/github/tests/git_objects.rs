//! Git objects by id, tags and releases.

use pome_twin_kit::testing::{Native, body};
use serde_json::{Value, json};
use twin_github::GitHub;

const REPO: &str = "/repos/acme/api";

fn post(twin: &mut Native<GitHub>, path: &str, sent: Value) -> Value {
    let answer = twin.request("POST", &format!("{REPO}{path}"), Some(&sent));
    assert_eq!(answer.status, 201, "{path}: {}", body(&answer));
    body(&answer)
}

#[test]
fn a_commit_is_built_from_its_objects() {
    let mut twin = Native::<GitHub>::new();
    let head = twin.json(&format!("{REPO}/git/ref/heads/main"))["object"]["sha"].clone();
    let blob = post(&mut twin, "/git/blobs", json!({ "content": "aGVsbG8=", "encoding": "base64" }));
    assert_eq!(blob["sha"], "b6fc4c620b67d95f953a5c1c1230aaab5db5a1b0");
    let shown = twin.json(&format!("{REPO}/git/blobs/b6fc4c620b67d95f953a5c1c1230aaab5db5a1b0"));
    assert_eq!((&shown["content"], &shown["size"]), (&json!("aGVsbG8=\n"), &json!(5)));
    let tree = post(
        &mut twin,
        "/git/trees",
        json!({ "base_tree": head, "tree": [
            { "path": "hello.txt", "mode": "100644", "type": "blob", "sha": blob["sha"] },
            { "path": "run.sh", "mode": "100755", "type": "blob", "content": "true\n" },
            { "path": "README.md", "mode": "100644", "type": "blob", "sha": null },
        ] }),
    );
    let commit = post(
        &mut twin,
        "/git/commits",
        json!({
            "message": "Built", "tree": tree["sha"], "parents": [head],
            "author": { "name": "A", "email": "a@example.com", "date": "2026-01-01T00:00:00Z" },
        }),
    );
    assert_eq!(commit["committer"]["email"], "a@example.com");
    let moved = twin.request("PATCH", &format!("{REPO}/git/refs/heads/main"), Some(&json!({ "sha": commit["sha"] })));
    assert_eq!(moved.status, 200);
    let all = twin.json(&format!("{REPO}/git/trees/main?recursive=1"));
    let rows: Vec<(&str, &str)> = all["tree"]
        .as_array()
        .unwrap()
        .iter()
        .map(|row| (row["path"].as_str().unwrap(), row["mode"].as_str().unwrap()))
        .collect();
    assert_eq!(rows, [("hello.txt", "100644"), ("run.sh", "100755"), ("src", "040000"), ("src/index.ts", "100644")]);
    let flat = twin.json(&format!("{REPO}/git/trees/main"));
    assert_eq!(flat["tree"].as_array().unwrap().len(), 3);

    for (path, sent) in [
        ("/git/commits", json!({ "message": "M", "tree": "0".repeat(40) })),
        ("/git/commits", json!({ "message": "M", "tree": tree["sha"], "parents": [blob["sha"]] })),
        ("/git/trees", json!({ "tree": [{ "path": "a", "mode": "100644", "sha": "0".repeat(40) }] })),
        ("/git/trees", json!({ "tree": [{ "path": "../a", "mode": "100644", "content": "" }] })),
        ("/git/blobs", json!({ "content": "%", "encoding": "base64" })),
    ] {
        assert_eq!(twin.request("POST", &format!("{REPO}{path}"), Some(&sent)).status, 422, "{path} {sent}");
    }
    assert_eq!(twin.get(&format!("{REPO}/git/blobs/{}", "0".repeat(40))).status, 404);
}

#[test]
fn tags_and_releases_live_together() {
    let mut twin = Native::<GitHub>::new();
    let head = twin.json(&format!("{REPO}/git/ref/heads/main"))["object"]["sha"].clone();
    assert_eq!(twin.get(&format!("{REPO}/releases/latest")).status, 404);
    let first = post(&mut twin, "/releases", json!({ "tag_name": "v1/a", "name": "One", "body": "Notes" }));
    assert_eq!(first["author"]["login"], "pome-agent");
    assert_eq!(twin.json(&format!("{REPO}/git/ref/tags/v1/a"))["object"]["sha"], head);
    let draft = post(&mut twin, "/releases", json!({ "tag_name": "v2", "draft": true }));
    assert_eq!(draft["published_at"], Value::Null);
    assert_eq!(twin.get(&format!("{REPO}/releases/tags/v2")).status, 404);
    assert_eq!(twin.json(&format!("{REPO}/releases/tags/v1%2Fa"))["id"], first["id"]);
    assert_eq!(twin.json(&format!("{REPO}/releases/latest"))["id"], first["id"]);
    let again = twin.request("POST", &format!("{REPO}/releases"), Some(&json!({ "tag_name": "v2" })));
    assert_eq!((again.status, &body(&again)["errors"][0]["code"]), (422, &json!("already_exists")));
    let lost = json!({ "tag_name": "v3", "target_commitish": "nowhere" });
    assert_eq!(twin.request("POST", &format!("{REPO}/releases"), Some(&lost)).status, 422);

    twin.caller.login = Some("stranger".to_owned());
    assert_eq!(twin.json(&format!("{REPO}/releases")).as_array().unwrap().len(), 1);
    twin.caller.login = Some("alice".to_owned());
    assert_eq!(twin.json(&format!("{REPO}/releases")).as_array().unwrap().len(), 2);

    let path = format!("{REPO}/releases/{}", draft["id"]);
    assert_eq!(twin.request("PATCH", &path, Some(&json!({ "draft": false }))).status, 200);
    assert_eq!(twin.json(&format!("{REPO}/releases/latest"))["tag_name"], "v2");
    let names: Vec<Value> =
        twin.json(&format!("{REPO}/tags")).as_array().unwrap().iter().map(|tag| tag["name"].clone()).collect();
    assert_eq!(names, ["v2", "v1/a"]);
    assert_eq!(twin.request("DELETE", &path, None).status, 204);
    assert_eq!(twin.get(&path).status, 404);

    let made =
        post(&mut twin, "/git/tags", json!({ "tag": "v9", "message": "Nine", "object": head, "type": "commit" }));
    post(&mut twin, "/git/refs", json!({ "ref": "refs/tags/v9", "sha": made["sha"] }));
    let place = |tag: &str| json!({ "owner": "acme", "repo": "api", "tag": tag });
    let annotated: Value = serde_json::from_slice(&twin.call("get_tag", &place("v9")).value).unwrap();
    assert_eq!((&annotated["message"], &annotated["object"]["sha"]), (&json!("Nine"), &head));
    let light: Value = serde_json::from_slice(&twin.call("get_tag", &place("v2")).value).unwrap();
    assert_eq!(light["ref"], "refs/tags/v2");
    assert!(twin.call("get_tag", &place("none")).is_error);
    let short: Value = serde_json::from_slice(&twin.call("get_release_by_tag", &place("v1/a")).value).unwrap();
    assert_eq!((&short["tag_name"], &short["author"]["login"]), (&json!("v1/a"), &json!("pome-agent")));
}
