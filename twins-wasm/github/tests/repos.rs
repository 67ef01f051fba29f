//! Making, changing, forking, listing and searching repositories.

use pome_twin_kit::testing::{Native, body};
use serde_json::{Value, json};
use twin_github::GitHub;

fn names(list: &Value) -> Vec<&str> {
    list.as_array().unwrap().iter().map(|repo| repo["full_name"].as_str().unwrap()).collect()
}

#[test]
fn a_repository_is_made_empty_or_with_a_readme() {
    let mut twin = Native::<GitHub>::new();
    twin.caller.login = Some("alice".to_owned());
    let made = twin.request("POST", "/user/repos", Some(&json!({ "name": "my tools", "private": true })));
    assert_eq!((made.status, &body(&made)["full_name"]), (201, &json!("alice/my-tools")));
    assert_eq!(body(&made)["owner"]["type"], "User");
    let empty = twin.get("/repos/alice/my-tools/contents");
    assert_eq!((empty.status, body(&empty)["message"].as_str()), (404, Some("This repository is empty.")));
    assert_eq!(twin.get("/repos/alice/my-tools/commits").status, 409);
    assert_eq!(twin.get("/repos/alice/my-tools/contributors").status, 204);
    assert_eq!(twin.json("/repos/alice/my-tools/branches"), json!([]));
    let first = json!({ "message": "First", "content": "YQo=" });
    assert_eq!(twin.request("PUT", "/repos/alice/my-tools/contents/a", Some(&first)).status, 201);
    assert_eq!(twin.json("/repos/alice/my-tools/branches")[0]["name"], "main");

    let again = twin.request("POST", "/user/repos", Some(&json!({ "name": "My-Tools" })));
    assert_eq!((again.status, body(&again)["message"].as_str()), (422, Some("Repository creation failed.")));
    assert_eq!(body(&again)["errors"][0]["message"], "name already exists on this account");

    let team = twin.request("POST", "/orgs/acme/repos", Some(&json!({ "name": "web", "auto_init": true })));
    assert_eq!(team.status, 201);
    assert_eq!(body(&team)["permissions"]["admin"], true);
    assert_eq!(twin.json("/repos/acme/web/contents/README.md")["content"], "IyB3ZWIK\n");
    assert_eq!(twin.request("POST", "/orgs/nobody/repos", Some(&json!({ "name": "web" }))).status, 404);
    assert_eq!(names(&twin.json("/user/repos")), ["acme/api", "acme/web", "alice/my-tools"]);
    assert_eq!(names(&twin.json("/orgs/acme/repos?sort=full_name")), ["acme/api", "acme/web"]);

    twin.caller.login = Some("bob".to_owned());
    assert_eq!(twin.get("/repos/alice/my-tools").status, 404);
    assert_eq!(names(&twin.json("/users/alice/repos")), Vec::<&str>::new());
    let answer = twin.call("create_repository", &json!({ "name": "b", "organization": "acme" }));
    let value: Value = serde_json::from_slice(&answer.value).unwrap();
    assert_eq!(value["url"], "https://github.com/acme/b");
    assert_eq!(twin.json("/repos/acme/b")["private"], true);
}

#[test]
fn settings_change_and_a_repository_goes() {
    let mut twin = Native::<GitHub>::new();
    let refused = twin.request("PATCH", "/repos/acme/api", Some(&json!({ "name": "x" })));
    assert_eq!(refused.status, 403);
    twin.caller.login = Some("acme".to_owned());
    let changed = json!({ "name": "core", "description": null, "has_wiki": false, "homepage": "https://acme.example" });
    let answer = twin.request("PATCH", "/repos/acme/api", Some(&changed));
    assert_eq!(answer.status, 200);
    let repo = twin.json("/repos/ACME/Core");
    assert_eq!((&repo["description"], &repo["has_wiki"]), (&Value::Null, &json!(false)));
    assert_eq!(twin.get("/repos/acme/api").status, 301);
    let lost = twin.request("PATCH", "/repos/acme/core", Some(&json!({ "default_branch": "nowhere" })));
    assert_eq!(lost.status, 422);
    let topics = twin.request("PUT", "/repos/acme/core/topics", Some(&json!({ "names": ["API", "api", "rest"] })));
    assert_eq!(body(&topics)["names"], json!(["api", "rest"]));
    assert_eq!(twin.request("PUT", "/repos/acme/core/topics", Some(&json!({ "names": ["a b"] }))).status, 422);
    assert_eq!(twin.json("/repos/acme/core/languages"), json!({ "TypeScript": 45 }));
    assert_eq!(twin.json("/repos/acme/core/contributors")[0]["contributions"], 1);
    assert_eq!(twin.request("DELETE", "/repos/acme/core", None).status, 204);
    assert_eq!(twin.get("/repos/acme/core").status, 404);
    assert_eq!(twin.state()["repositories"], json!([]));
}

#[test]
fn a_fork_has_the_branches_and_compares_with_its_parent() {
    let mut twin = Native::<GitHub>::new();
    twin.caller.login = Some("alice".to_owned());
    let forked = twin.request("POST", "/repos/acme/api/forks", None);
    assert_eq!((forked.status, &body(&forked)["full_name"]), (202, &json!("alice/api")));
    assert_eq!(body(&forked)["parent"]["full_name"], "acme/api");
    let again = twin.request("POST", "/repos/acme/api/forks", None);
    assert_eq!(body(&again)["id"], body(&forked)["id"]);
    assert_eq!(twin.json("/repos/acme/api")["forks_count"], 1);
    assert_eq!(names(&twin.json("/repos/acme/api/forks")), ["alice/api"]);
    let head = twin.json("/repos/acme/api/branches/main")["commit"]["sha"].clone();
    assert_eq!(twin.json("/repos/alice/api/branches/main")["commit"]["sha"], head);
    let change = json!({ "message": "Mine", "content": "YQo=" });
    assert_eq!(twin.request("PUT", "/repos/alice/api/contents/mine", Some(&change)).status, 201);
    let compared = twin.json("/repos/acme/api/compare/main...alice:main");
    assert_eq!((&compared["ahead_by"], &compared["status"]), (&json!(1), &json!("ahead")));
    // What only the fork has is not had through the parent.
    let mine = twin.json("/repos/alice/api/branches/main")["commit"]["sha"].as_str().unwrap().to_owned();
    assert_eq!(twin.get(&format!("/repos/acme/api/commits/{mine}")).status, 422);
}

#[test]
fn code_and_commits_are_found() {
    let mut twin = Native::<GitHub>::new();
    let change = json!({ "message": "Fix the login\n\nCloses #1", "content": "ZXhwb3J0IGNvbnN0IExvZ2luID0gMTsK" });
    twin.request("PUT", "/repos/acme/api/contents/src/login.ts", Some(&change));
    let mut paths = |query: &str| -> Vec<String> {
        let found = twin.json(&format!("/search/code?q={query}"));
        let items = found["items"].as_array().unwrap().clone();
        assert_eq!(found["total_count"], items.len());
        items.iter().map(|item| item["path"].as_str().unwrap().to_owned()).collect()
    };
    assert_eq!(paths("export+repo:acme/api"), ["src/index.ts", "src/login.ts"]);
    assert_eq!(paths("LOGIN"), ["src/login.ts"]);
    assert_eq!(paths("export+-filename:login"), ["src/index.ts"]);
    assert_eq!(paths("path:src+extension:ts+handler"), ["src/index.ts"]);
    assert_eq!(paths("%22return+%27ok%27%22"), ["src/index.ts"]);
    assert_eq!(paths("language:typescript"), ["src/index.ts", "src/login.ts"]);
    // A place that nobody sees is refused, an empty query as well.
    assert_eq!(twin.get("/search/code?q=export+repo:acme/other").status, 422);
    assert_eq!(twin.get("/search/code?q=").status, 422);
    let text = twin.request_with(
        "GET",
        "/search/code?q=handler",
        &[("accept", "application/vnd.github.text-match+json")],
        b"",
    );
    assert_eq!(body(&text)["items"][0]["text_matches"][0]["matches"][0]["text"], "handler");

    let mut messages = |query: &str| -> Vec<String> {
        let found = twin.json(&format!("/search/commits?q={query}"));
        let items = found["items"].as_array().unwrap().clone();
        items.iter().map(|item| item["commit"]["message"].as_str().unwrap().to_owned()).collect()
    };
    assert_eq!(messages("login+author:pome-agent"), ["Fix the login\n\nCloses #1"]);
    assert_eq!(messages("login+author:alice"), Vec::<String>::new());
    assert_eq!(messages("seed+merge:false+repo:acme/api"), ["Initial seed commit"]);
    let tool = twin.call("search_code", &json!({ "query": "handler", "fields": ["path", "repository"] }));
    let value: Value = serde_json::from_slice(&tool.value).unwrap();
    assert_eq!(value["items"], json!([{ "path": "src/index.ts", "repository": "acme/api" }]));
    let tool = twin.call("search_commits", &json!({ "query": "login" }));
    let value: Value = serde_json::from_slice(&tool.value).unwrap();
    assert_eq!(value["items"][0]["repository"]["full_name"], "acme/api");
}
