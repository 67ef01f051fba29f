//! Files, branches, refs and history over both doors.

use pome_twin_kit::envelope::Answer;
use pome_twin_kit::testing::{Native, body};
use serde_json::{Value, json};
use twin_github::GitHub;

const REPO: &str = "/repos/acme/api";
const README_SHA: &str = "264704ee9d50df6f9d8dd81154d8615a5bf92913";

fn twin() -> Native<GitHub> {
    Native::new()
}

fn put(twin: &mut Native<GitHub>, path: &str, body: &Value) -> Answer {
    twin.request("PUT", &format!("{REPO}/contents/{path}"), Some(body))
}

/// The JSON of the answer to a call that must succeed.
fn tool(twin: &mut Native<GitHub>, name: &str, arguments: Value) -> Value {
    let mut all = json!({ "owner": "acme", "repo": "api" });
    all.as_object_mut().unwrap().extend(arguments.as_object().unwrap().clone());
    let answer = twin.call(name, &all);
    assert!(!answer.is_error, "{name}: {}", String::from_utf8_lossy(&answer.value));
    serde_json::from_slice(&answer.value).unwrap()
}

#[test]
fn a_file_is_read_in_lines_of_sixty_at_any_ref() {
    let mut twin = twin();
    let file = twin.json(&format!("{REPO}/contents/README.md"));
    assert_eq!(file["sha"], README_SHA);
    assert_eq!(file["size"], 61);
    assert_eq!(
        file["content"],
        "IyBBY21lIEFQSQoKQSBzZWVkZWQgcmVwb3NpdG9yeSBmb3IgbG9jYWwgR2l0\nSHViIHR3aW4gdGVzdHMuCg==\n"
    );
    assert_eq!(file["url"], "http://twin.test/s/test/repos/acme/api/contents/README.md?ref=main");
    let head = twin.json(&format!("{REPO}/commits"))[0]["sha"].as_str().unwrap().to_owned();
    for name in ["main", "heads/main", "refs/heads/main", "HEAD", &head, &head[..8]] {
        assert_eq!(twin.json(&format!("{REPO}/contents/README.md?ref={name}"))["sha"], README_SHA, "{name}");
    }
    let missing = twin.get(&format!("{REPO}/contents/README.md?ref=nowhere"));
    assert_eq!(
        (missing.status, body(&missing)["message"].as_str()),
        (404, Some("No commit found for the ref nowhere"))
    );
    assert_eq!(twin.get(&format!("{REPO}/contents/none.txt")).status, 404);
    assert_eq!(twin.get(&format!("{REPO}/contents/a%2F..%2Fb")).status, 422);
}

#[test]
fn directories_are_sorted_and_raw_and_object_forms_exist() {
    let mut twin = twin();
    let names = |list: &Value| -> Vec<String> {
        list.as_array().unwrap().iter().map(|entry| entry["name"].as_str().unwrap().to_owned()).collect()
    };
    for path in ["contents", "contents/"] {
        let root = twin.json(&format!("{REPO}/{path}"));
        assert_eq!(names(&root), ["README.md", "src"]);
        assert_eq!((&root[1]["type"], &root[1]["size"]), (&json!("dir"), &json!(0)));
        assert!(root[0].get("content").is_none());
    }
    let raw = twin.request_with(
        "GET",
        &format!("{REPO}/contents/src%2Findex.ts"),
        &[("accept", "application/vnd.github.raw+json")],
        b"",
    );
    assert_eq!(raw.body, b"export function handler() {\n  return 'ok';\n}\n");
    let object =
        twin.request_with("GET", &format!("{REPO}/contents/src"), &[("accept", "application/vnd.github.object")], b"");
    assert_eq!(names(&body(&object)["entries"]), ["index.ts"]);
    assert_eq!(twin.json(&format!("{REPO}/readme"))["path"], "README.md");
}

#[test]
fn writes_follow_the_rules_of_the_sha() {
    let mut twin = twin();
    let hello = json!({ "message": "Add", "content": "aGVs\nbG8=", "sha": "ffffffffffffffffffffffffffffffffffffffff" });
    let created = put(&mut twin, "docs/hello.txt", &hello);
    assert_eq!(created.status, 201);
    // `git hash-object` of `hello`.
    assert_eq!(body(&created)["content"]["sha"], "b6fc4c620b67d95f953a5c1c1230aaab5db5a1b0");
    assert_eq!(body(&created)["commit"]["author"]["name"], "Pome Agent");
    let delta = created.report.delta.clone().unwrap();
    assert_eq!(delta.before, None);
    let after: Value = serde_json::from_slice(&delta.after.unwrap()).unwrap();
    assert_eq!((&after["path"], &after["content"]), (&json!("docs/hello.txt"), &json!("hello")));

    let again = put(&mut twin, "docs/hello.txt", &json!({ "message": "Add", "content": "aGk=" }));
    assert_eq!(
        (again.status, body(&again)["message"].as_str()),
        (422, Some("Invalid request.\n\n\"sha\" wasn't supplied."))
    );
    assert!(body(&again).get("errors").is_none());
    let stale = put(&mut twin, "docs/hello.txt", &json!({ "message": "Add", "content": "aGk=", "sha": README_SHA }));
    assert_eq!(stale.status, 409);
    assert_eq!(body(&stale)["message"], format!("docs/hello.txt does not match {README_SHA}"));
    let bad = put(&mut twin, "x", &json!({ "message": "Add", "content": "a*", "branch": "nowhere" }));
    assert_eq!((bad.status, body(&bad)["message"].as_str()), (422, Some("content is not valid Base64")));
    let lost = put(&mut twin, "README.md", &json!({ "message": "Add", "content": "aGk=", "branch": "nowhere" }));
    assert_eq!(lost.status, 404);
    let no_message = put(&mut twin, "x", &json!({ "content": "aGk=" }));
    assert_eq!(body(&no_message)["message"], "Invalid request.\n\n\"message\" wasn't supplied.");
    for path in ["docs", "README.md/below"] {
        assert_eq!(put(&mut twin, path, &json!({ "message": "Add", "content": "aGk=" })).status, 422, "{path}");
    }
    let sha = body(&created)["content"]["sha"].clone();
    let updated = put(&mut twin, "docs/hello.txt", &json!({ "message": "Change", "content": "aGk=", "sha": sha }));
    assert_eq!(updated.status, 200);

    let path = format!("{REPO}/contents/docs/hello.txt");
    let missing = twin.request("DELETE", &path, Some(&json!({ "message": "Drop" })));
    assert_eq!(
        (missing.status, body(&missing)["message"].as_str()),
        (422, Some("Invalid request.\n\n\"sha\" wasn't supplied."))
    );
    let stale = twin.request("DELETE", &path, Some(&json!({ "message": "Drop", "sha": README_SHA })));
    assert_eq!(stale.status, 409);
    let sha = body(&updated)["content"]["sha"].clone();
    let gone = twin.request("DELETE", &path, Some(&json!({ "message": "Drop", "sha": sha })));
    assert_eq!((gone.status, &body(&gone)["content"]), (200, &Value::Null));
    assert_eq!(twin.get(&format!("{REPO}/contents/docs")).status, 404);
}

#[test]
fn a_large_file_is_named_without_its_content() {
    let mut twin = twin();
    let content = "QUFB".repeat(400_000);
    put(&mut twin, "large.bin", &json!({ "message": "Add", "content": content }));
    let file = twin.json(&format!("{REPO}/contents/large.bin"));
    assert_eq!((&file["content"], &file["encoding"], &file["size"]), (&json!(""), &json!("none"), &json!(1_200_000)));
}

#[test]
fn history_is_listed_filtered_and_shown() {
    let mut twin = twin();
    twin.caller.login = Some("alice".to_owned());
    put(&mut twin, "src/a.ts", &json!({ "message": "First", "content": "YQo=" }));
    twin.caller.login = Some("bob".to_owned());
    put(&mut twin, "src/b.ts", &json!({ "message": "Second", "content": "Ygo=" }));
    let messages = |list: &Value| -> Vec<String> {
        list.as_array().unwrap().iter().map(|row| row["commit"]["message"].as_str().unwrap().to_owned()).collect()
    };
    assert_eq!(messages(&twin.json(&format!("{REPO}/commits"))), ["Second", "First", "Initial seed commit"]);
    assert_eq!(messages(&twin.json(&format!("{REPO}/commits?path=src/a.ts"))), ["First"]);
    assert_eq!(messages(&twin.json(&format!("{REPO}/commits?author=BOB"))), ["Second"]);
    assert_eq!(messages(&twin.json(&format!("{REPO}/commits?since=2026-01-01T00:00:01Z"))), ["Second"]);
    assert_eq!(messages(&twin.json(&format!("{REPO}/commits?until=2025-12-31T00:00:00Z"))), Vec::<String>::new());
    let page = twin.get(&format!("{REPO}/commits?per_page=1"));
    assert!(page.headers.iter().any(|(name, value)| name == "link" && value.contains("rel=\"next\"")));
    assert_eq!(twin.get(&format!("{REPO}/commits?sha=nowhere")).status, 404);

    let commit = twin.json(&format!("{REPO}/commits/main?sha=ignored"));
    assert_eq!(commit["stats"], json!({ "total": 1, "additions": 1, "deletions": 0 }));
    assert_eq!(commit["files"][0]["filename"], "src/b.ts");
    assert_eq!(commit["files"][0]["patch"], "@@ -0,0 +1 @@\n+b");
    assert_eq!(commit["author"]["login"], "bob");
    let unknown = twin.get(&format!("{REPO}/commits/nowhere"));
    assert_eq!((unknown.status, body(&unknown)["message"].as_str()), (422, Some("No commit found for SHA: nowhere")));
    let sha = commit["sha"].as_str().unwrap();
    let diff =
        twin.request_with("GET", &format!("{REPO}/commits/{sha}"), &[("accept", "application/vnd.github.diff")], b"");
    assert!(diff.body.starts_with(b"diff --git a/src/b.ts b/src/b.ts\nnew file mode 100644\n"));
    let name =
        twin.request_with("GET", &format!("{REPO}/commits/main"), &[("accept", "application/vnd.github.sha")], b"");
    assert_eq!(name.body, sha.as_bytes());

    let seen = tool(&mut twin, "get_commit", json!({ "sha": sha, "detail": "full_patch" }));
    assert_eq!(seen["files"][0]["patch"], "@@ -0,0 +1 @@\n+b");
    assert!(tool(&mut twin, "get_commit", json!({ "sha": sha }))["files"][0].get("patch").is_none());
    let listed = tool(&mut twin, "list_commits", json!({ "perPage": 1, "fields": ["sha"] }));
    assert_eq!(listed, json!([{ "sha": sha }]));
}

#[test]
fn a_comparison_starts_at_the_merge_base() {
    let mut twin = twin();
    tool(&mut twin, "create_branch", json!({ "branch": "feature/x" }));
    put(&mut twin, "left.txt", &json!({ "message": "Left", "content": "bAo=" }));
    put(&mut twin, "right.txt", &json!({ "message": "Right", "content": "cgo=", "branch": "feature/x" }));
    for path in ["main...feature/x", "main...feature%2Fx", "acme:main...acme:feature/x"] {
        let seen = twin.json(&format!("{REPO}/compare/{path}"));
        assert_eq!(
            (&seen["status"], &seen["ahead_by"], &seen["behind_by"]),
            (&json!("diverged"), &json!(1), &json!(1))
        );
        assert_eq!(seen["files"].as_array().unwrap().len(), 1);
        assert_eq!(seen["files"][0]["filename"], "right.txt");
        assert_eq!(seen["merge_base_commit"]["commit"]["message"], "Initial seed commit");
    }
    assert_eq!(twin.get(&format!("{REPO}/compare/main")).status, 422);
    assert_eq!(twin.get(&format!("{REPO}/compare/main...nowhere")).status, 404);

    let merged = twin.request("POST", &format!("{REPO}/merges"), Some(&json!({ "base": "main", "head": "feature/x" })));
    assert_eq!(merged.status, 201);
    assert_eq!(body(&merged)["parents"].as_array().unwrap().len(), 2);
    let again = twin.request("POST", &format!("{REPO}/merges"), Some(&json!({ "base": "main", "head": "feature/x" })));
    assert_eq!(again.status, 204);
    assert!(again.body.is_empty());
}

#[test]
fn branches_and_refs_come_and_go() {
    let mut twin = twin();
    let head = twin.json(&format!("{REPO}/branches/main"))["commit"]["sha"].as_str().unwrap().to_owned();
    let refs = format!("{REPO}/git/refs");
    let mut create = |name: &str, sha: &str| {
        let answer = twin.request("POST", &refs, Some(&json!({ "ref": name, "sha": sha })));
        (answer.status, body(&answer))
    };
    let (status, made) = create("refs/heads/feature/x", &head);
    assert_eq!(status, 201);
    assert_eq!((&made["ref"], &made["object"]["sha"]), (&json!("refs/heads/feature/x"), &json!(head)));
    assert_eq!(create("refs/heads/feature/x", &head).1["message"], "Reference already exists");
    assert_eq!(create("refs/heads/y", &"0".repeat(40)).1["message"], "Object does not exist");
    assert_eq!(create("refs/heads/y", "12").0, 422);
    assert_eq!(create("y", &head).0, 422);
    assert_eq!(create("refs/heads/a..b", &head).0, 422);
    let blob = create("refs/heads/blob", README_SHA);
    assert_eq!(blob.0, 422);
    assert_eq!(create("refs/tags/blob", README_SHA).1["object"]["type"], "blob");

    let names = |list: Value| -> Vec<String> {
        list.as_array().unwrap().iter().map(|branch| branch["name"].as_str().unwrap().to_owned()).collect()
    };
    assert_eq!(names(twin.json(&format!("{REPO}/branches"))), ["feature/x", "main"]);
    assert_eq!(twin.json(&format!("{REPO}/git/ref/heads%2Ffeature%2Fx"))["object"]["sha"], head);
    assert_eq!(twin.json(&format!("{REPO}/git/refs/heads/feature/x"))["object"]["sha"], head);
    assert_eq!(twin.json(&format!("{REPO}/git/matching-refs/heads/feat")).as_array().unwrap().len(), 1);
    assert_eq!(body(&twin.get(&format!("{REPO}/branches/none")))["message"], "Branch not found");

    put(&mut twin, "a.txt", &json!({ "message": "A", "content": "YQo=", "branch": "feature/x" }));
    let back = twin.request("PATCH", &format!("{refs}/heads/feature/x"), Some(&json!({ "sha": head })));
    assert_eq!((back.status, body(&back)["message"].as_str()), (422, Some("Update is not a fast forward")));
    let tip = twin.json(&format!("{REPO}/branches/feature/x"))["commit"]["sha"].as_str().unwrap().to_owned();
    let forced =
        twin.request("PATCH", &format!("{refs}/heads/feature/x"), Some(&json!({ "sha": head, "force": true })));
    assert_eq!(forced.status, 200);
    // The commit that was left behind can still be had.
    assert_eq!(twin.json(&format!("{REPO}/commits/{tip}"))["sha"], tip);

    assert_eq!(twin.request("DELETE", &format!("{refs}/heads/feature/x"), None).status, 204);
    let gone = twin.request("DELETE", &format!("{refs}/heads/feature/x"), None);
    assert_eq!((gone.status, body(&gone)["message"].as_str()), (422, Some("Reference does not exist")));
    let kept = twin.request("DELETE", &format!("{refs}/heads/main"), None);
    assert_eq!((kept.status, body(&kept)["message"].as_str()), (422, Some("Cannot delete the default branch")));

    let renamed = twin.request("POST", &format!("{REPO}/branches/main/rename"), Some(&json!({ "new_name": "trunk" })));
    assert_eq!(renamed.status, 403, "only administrators rename the default branch");
}

#[test]
fn tools_read_and_write_files_as_the_official_server_does() {
    let mut twin = twin();
    let written = tool(
        &mut twin,
        "create_or_update_file",
        json!({ "path": "n.md", "content": "one\n", "message": "N", "branch": "main" }),
    );
    assert_eq!(written["content"]["sha"], "5626abf0f72e58d7a153368ba57db4c673c0e171");
    let rewritten = tool(
        &mut twin,
        "create_or_update_file",
        json!({ "path": "n.md", "content": "two\n", "message": "N", "branch": "main" }),
    );
    assert_eq!(rewritten["content"]["sha"], "f719efd430d52bcfc8566a43b2eb655688d38871");
    let stale = twin.call(
        "create_or_update_file",
        &json!({ "owner": "acme", "repo": "api", "path": "n.md", "content": "3", "message": "N", "branch": "main", "sha": README_SHA }),
    );
    assert!(stale.is_error);
    assert_eq!(stale.status, 409);

    let read = twin.call("get_file_contents", &json!({ "owner": "acme", "repo": "api", "path": "n.md" }));
    let items: Value = serde_json::from_slice(&read.content.unwrap()).unwrap();
    assert_eq!(items[0]["text"], "successfully downloaded text file (SHA: f719efd430d52bcfc8566a43b2eb655688d38871)");
    assert_eq!(
        items[1]["resource"],
        json!({ "uri": "repo://acme/api/refs/heads/main/contents/n.md", "mimeType": "text/markdown; charset=utf-8", "text": "two\n" })
    );
    let noted =
        twin.call("get_file_contents", &json!({ "owner": "acme", "repo": "api", "path": "n.md", "ref": "nowhere" }));
    let items: Value = serde_json::from_slice(&noted.content.unwrap()).unwrap();
    assert!(items[0]["text"].as_str().unwrap().contains("'nowhere' does not exist"));
    let root = tool(&mut twin, "get_file_contents", json!({ "path": "/", "fields": ["name", "type"] }));
    assert_eq!(root[0], json!({ "name": "README.md", "type": "file" }));
    let similar = twin.call("get_file_contents", &json!({ "owner": "acme", "repo": "api", "path": "index.ts" }));
    assert!(String::from_utf8_lossy(&similar.value).contains("src/index.ts"));

    let files = json!([{ "path": "x/1", "content": "1\n" }, { "path": "x/2", "content": "2\n" }]);
    let pushed = tool(&mut twin, "push_files", json!({ "branch": "main", "message": "Both", "files": files }));
    assert_eq!(pushed["ref"], "refs/heads/main");
    assert_eq!(twin.json(&format!("{REPO}/commits/main"))["files"].as_array().unwrap().len(), 2);
    let twice = json!([{ "path": "x/1", "content": "1" }, { "path": "/x//1", "content": "2" }]);
    let refused = twin.call(
        "push_files",
        &json!({ "owner": "acme", "repo": "api", "branch": "main", "message": "B", "files": twice }),
    );
    assert_eq!(refused.status, 422);

    let deleted = tool(&mut twin, "delete_file", json!({ "path": "n.md", "message": "Drop", "branch": "main" }));
    assert_eq!(deleted["content"], Value::Null);
    let branches = tool(&mut twin, "list_branches", json!({}));
    assert_eq!(branches[0]["name"], "main");
}

#[test]
fn of_two_who_create_one_path_one_wins() {
    let mut twin = twin();
    let statuses: Vec<u16> = (0..5)
        .map(|n| {
            let content = ["MA==", "MQ==", "Mg==", "Mw==", "NA=="][n];
            put(&mut twin, "race.txt", &json!({ "message": "Race", "content": content })).status
        })
        .collect();
    assert_eq!(statuses, [201, 422, 422, 422, 422]);
}

#[test]
fn objects_of_a_private_repository_are_not_had_through_another() {
    let seed = json!({ "repositories": [
        { "owner": "acme", "name": "open", "files": [{ "path": "a", "content": "open\n" }] },
        { "owner": "acme", "name": "shut", "private": true, "files": [{ "path": "s", "content": "secret\n" }] },
    ] });
    let mut twin = Native::<GitHub>::seeded(Some(&seed));
    let commit = twin.json("/repos/acme/shut/commits")[0]["sha"].as_str().unwrap().to_owned();
    assert_eq!(twin.get(&format!("/repos/acme/shut/commits/{commit}")).status, 200);
    assert_eq!(twin.get(&format!("/repos/acme/open/commits/{commit}")).status, 422);
    assert_eq!(twin.get(&format!("/repos/acme/open/contents/s?ref={commit}")).status, 404);
    let steal = json!({ "ref": "refs/heads/steal", "sha": commit });
    assert_eq!(twin.request("POST", "/repos/acme/open/git/refs", Some(&steal)).status, 422);
    twin.caller.login = Some("stranger".to_owned());
    assert_eq!(twin.get("/repos/acme/shut/commits").status, 404);
    assert_eq!(twin.get("/repos/acme/open/commits").status, 200);
    let write = json!({ "message": "M", "content": "YQo=" });
    assert_eq!(twin.request("PUT", "/repos/acme/open/contents/b", Some(&write)).status, 403);
}
