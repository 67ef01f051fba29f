//! Search: words, qualifiers, order, paging, on both doors.

use pome_twin_kit::testing::{Native, body};
use serde_json::{Value, json};
use twin_github::GitHub;

fn world() -> Native<GitHub> {
    let seed = json!({
        "users": [{ "login": "acme", "type": "Organization", "name": "Acme Inc" }, { "login": "carol", "name": "Carol Jones" }],
        "repositories": [
            {
                "owner": "acme", "name": "api", "description": "The order service", "collaborators": ["alice", "bob"],
                "labels": [{ "name": "bug" }, { "name": "help wanted" }], "milestones": [{ "title": "v1" }],
                "files": [{ "path": "a.txt", "content": "1\n" }, { "path": "a.txt", "content": "2\n", "branch": "fix" }],
                "issues": [
                    { "number": 1, "title": "Sign-in fails", "body": "500 on POST", "labels": ["bug"], "assignees": ["alice"],
                      "created_at": "2025-01-01T00:00:00Z", "user": "bob" },
                    { "number": 2, "title": "Design page", "state": "closed", "labels": ["help wanted"], "milestone": 1,
                      "created_at": "2025-02-01T00:00:00Z", "comments": [{ "body": "sign off by @carol", "author": "alice" }] },
                    { "number": 3, "title": "Slow search", "created_at": "2025-03-01T00:00:00Z" },
                ],
                "pull_requests": [{ "number": 4, "title": "Fix sign-in", "head": "fix", "base": "main", "author": "alice" }],
            },
            { "owner": "acme", "name": "web", "description": "Pages", "language": "Rust", "topics": ["site"],
              "issues": [{ "number": 1, "title": "Sign up broken" }] },
            { "owner": "carol", "name": "hidden", "private": true, "issues": [{ "number": 1, "title": "Sign secret" }] },
        ],
    });
    Native::seeded(Some(&seed))
}

fn found(twin: &mut Native<GitHub>, q: &str) -> Vec<String> {
    let q: String = q.replace(' ', "+").replace('"', "%22").replace('@', "%40");
    let answer = twin.json(&format!("/search/issues?q={q}&sort=created&order=asc"));
    let items = answer["items"].as_array().unwrap();
    assert_eq!(answer["total_count"], items.len());
    let mut names: Vec<String> = items
        .iter()
        .map(|item| {
            let repo = item["repository_url"].as_str().unwrap().rsplit('/').next().unwrap();
            format!("{repo}#{}", item["number"])
        })
        .collect();
    names.sort();
    names
}

#[test]
fn words_must_all_be_there_as_a_whole() {
    let mut twin = world();
    assert_eq!(found(&mut twin, "sign"), ["api#1", "api#4", "hidden#1", "web#1"]);
    assert_eq!(found(&mut twin, "sign-in"), ["api#1", "api#4"]);
    assert_eq!(found(&mut twin, "FAILS 500"), ["api#1"]);
    assert_eq!(found(&mut twin, "\"sign up\""), ["web#1"]);
    assert_eq!(found(&mut twin, "sign in:comments"), ["api#2"]);
    assert_eq!(found(&mut twin, "fails OR slow"), ["api#1", "api#3"]);
    assert_eq!(found(&mut twin, "sign -fails -broken repo:acme/api"), ["api#4"]);
}

#[test]
fn qualifiers_narrow_the_search() {
    let mut twin = world();
    for (q, wanted) in [
        ("repo:ACME/api is:issue", vec!["api#1", "api#2", "api#3"]),
        ("org:acme is:pr", vec!["api#4"]),
        ("repo:acme/api repo:acme/web sign", vec!["api#1", "api#4", "web#1"]),
        ("repo:acme/api is:closed", vec!["api#2"]),
        ("repo:acme/api state:open is:issue", vec!["api#1", "api#3"]),
        ("is:bogus", vec![]),
        ("label:bug", vec!["api#1"]),
        ("label:\"help wanted\"", vec!["api#2"]),
        ("repo:acme/api -label:bug is:issue", vec!["api#2", "api#3"]),
        ("assignee:alice", vec!["api#1"]),
        ("author:bob", vec!["api#1"]),
        ("author:alice is:pr", vec!["api#4"]),
        ("commenter:alice", vec!["api#2"]),
        ("mentions:carol", vec!["api#2"]),
        ("involves:alice", vec!["api#1", "api#2", "api#4"]),
        ("milestone:v1", vec!["api#2"]),
        ("repo:acme/api no:label is:issue", vec!["api#3"]),
        ("created:<2025-02-01", vec!["api#1"]),
        ("created:2025-02-01..2025-03-01", vec!["api#2", "api#3"]),
        ("comments:>0", vec!["api#2"]),
        ("head:fix base:main", vec!["api#4"]),
        ("repo:acme/api author:@me is:issue", vec!["api#2", "api#3"]),
    ] {
        assert_eq!(found(&mut twin, q), wanted, "{q}");
    }
}

#[test]
fn what_the_caller_cannot_see_is_not_found() {
    let mut twin = world();
    twin.caller.login = Some("stranger".to_owned());
    assert_eq!(found(&mut twin, "secret"), Vec::<String>::new());
    twin.caller.login = Some("carol".to_owned());
    assert_eq!(found(&mut twin, "secret"), ["hidden#1"]);
}

#[test]
fn an_empty_query_and_a_page_beyond_the_limit_are_refused() {
    let mut twin = world();
    for path in ["/search/issues", "/search/repositories?q=", "/search/users?q=+"] {
        let answer = twin.get(path);
        assert_eq!(answer.status, 422, "{path}");
        assert_eq!(body(&answer)["errors"], json!([{ "resource": "Search", "field": "q", "code": "missing" }]));
    }
    assert_eq!(twin.get("/search/issues?q=sign&page=11&per_page=100").status, 422);
    let answer = twin.get("/search/issues?q=sign&per_page=1");
    let link = &answer.headers.iter().find(|(name, _)| name == "link").unwrap().1;
    assert!(link.contains("/search/issues?q=sign&per_page=1&page=2>; rel=\"next\""), "{link}");
}

#[test]
fn repositories_and_users_are_found_by_their_names_and_properties() {
    let mut twin = world();
    let mut names = |path: &str, member: &str| -> Vec<String> {
        let answer = twin.json(path);
        answer["items"].as_array().unwrap().iter().map(|item| item[member].as_str().unwrap().to_owned()).collect()
    };
    assert_eq!(names("/search/repositories?q=order", "full_name"), ["acme/api"]);
    assert_eq!(names("/search/repositories?q=user:acme", "full_name"), ["acme/api", "acme/web"]);
    assert_eq!(names("/search/repositories?q=language:rust+topic:site", "full_name"), ["acme/web"]);
    assert_eq!(names("/search/users?q=carol", "login"), ["carol"]);
    assert_eq!(names("/search/users?q=jones", "login"), ["carol"]);
    assert_eq!(names("/search/users?q=type:org", "login"), ["acme"]);
    let id = twin.json("/repos/acme/api")["id"].clone();
    assert_eq!(twin.json(&format!("/search/labels?repository_id={id}&q=help"))["items"][0]["name"], "help wanted");
}

#[test]
fn the_search_tools_add_what_they_search_for() {
    let mut twin = world();
    let mut call = |name: &str, arguments: Value| -> Value {
        let answer = twin.call(name, &arguments);
        assert!(!answer.is_error, "{}", String::from_utf8_lossy(&answer.value));
        serde_json::from_slice(&answer.value).unwrap()
    };
    let issues = call("search_issues", json!({ "query": "sign-in", "owner": "acme", "repo": "api" }));
    assert_eq!((&issues["total_count"], &issues["items"][0]["number"]), (&json!(1), &json!(1)));
    let pulls = json!({ "query": "sign-in", "fields": ["number", "state"], "sort": "reactions-+1", "order": "asc" });
    assert_eq!(call("search_pull_requests", pulls)["items"], json!([{ "number": 4, "state": "open" }]));
    let repos = call("search_repositories", json!({ "query": "api" }));
    assert_eq!((&repos["items"][0]["full_name"], repos["items"][0].get("url")), (&json!("acme/api"), None));
    let full = call("search_repositories", json!({ "query": "api", "minimal_output": false }));
    assert!(full["items"][0]["url"].is_string());
    let users = call("search_users", json!({ "query": "alice", "perPage": 1.0 }));
    assert_eq!(users["items"][0]["profile_url"], "https://github.com/alice");
}

#[test]
fn a_large_repository_is_listed_read_and_searched() {
    let issues: Vec<Value> = (1..=20_000)
        .map(|number| json!({ "number": number, "title": format!("Issue {number}"), "body": "needle in a haystack" }))
        .collect();
    let seed = json!({ "repositories": [{ "owner": "acme", "name": "api", "issues": issues }] });
    let mut twin = Native::<GitHub>::seeded(Some(&seed));
    let list = twin.json("/repos/acme/api/issues?per_page=5");
    assert_eq!(list[0]["number"], 20_000);
    assert_eq!(twin.json("/repos/acme/api/issues/19999")["title"], "Issue 19999");
    assert_eq!(twin.json("/search/issues?q=needle+19998")["items"][0]["number"], 19_998);
}
