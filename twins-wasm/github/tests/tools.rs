//! The tool door: every advertised schema is honoured, and refusals read as the official server words them.

#![expect(clippy::needless_pass_by_value, reason = "tests write what they send in place")]

use std::collections::BTreeMap;

use pome_twin_kit::describe::describe;
use pome_twin_kit::testing::Native;
use serde_json::{Map, Value, json};
use twin_github::GitHub;

/// One pull request of alice from a branch that is behind, an issue, a label, a tag and a release.
fn world() -> Native<GitHub> {
    Native::seeded(Some(&json!({
        "users": [{ "login": "acme", "type": "Organization" }, { "login": "alice" }, { "login": "carol" }],
        "repositories": [{
            "owner": "acme", "name": "api",
            "collaborators": ["alice", "carol", { "login": "pome-agent", "permission": "admin" }],
            "labels": [{ "name": "bug" }],
            "milestones": [{ "title": "First" }],
            "files": [
                { "path": "a.txt", "content": "one\n" },
                { "path": "b.txt", "content": "two\n", "branch": "feature" },
            ],
            "issues": [{ "number": 1, "title": "Broken", "labels": ["bug"], "comments": [{ "body": "Yes." }] }],
            "pull_requests": [{
                "number": 2, "title": "Fix", "head": "feature", "author": "alice",
                "review_comments": [{ "body": "Why?", "path": "b.txt" }],
            }],
            "tags": [{ "name": "v1" }],
            "releases": [{ "tag_name": "v1" }],
        }],
    })))
}

/// The text of a call's content.
fn text(answer: &pome_twin_kit::envelope::ToolAnswer) -> String {
    let Some(content) = &answer.content else { return String::from_utf8_lossy(&answer.value).into_owned() };
    let content: Value = serde_json::from_slice(content).unwrap();
    content[0]["text"].as_str().unwrap_or_default().to_owned()
}

fn refused(twin: &mut Native<GitHub>, tool: &str, arguments: Value) -> String {
    let answer = twin.call(tool, &arguments);
    assert!(answer.is_error, "{tool} was not refused: {}", text(&answer));
    text(&answer)
}

/// A value that the schema of one argument allows, one of this world where that matters.
fn sample(tool: &str, name: &str, schema: &Value) -> Value {
    let known = match (tool, name) {
        (_, "owner" | "org" | "organization") => json!("acme"),
        (_, "repo") => json!("api"),
        ("issue_write" | "sub_issue_write", "issue_number") => json!(1),
        (_, "issue_number") => json!(1),
        (_, "pullNumber" | "pull_number") => json!(2),
        (_, "comment_id" | "commentId" | "duplicate_of" | "sub_issue_id") => json!(1),
        ("get_label", "name") => json!("bug"),
        // The one order that the description of the input names.
        ("search_code", "sort") => json!("indexed"),
        ("list_commits" | "get_commit" | "get_file_contents", "sha") => json!("main"),
        (_, "sha") => json!("264704ee9d50df6f9d8dd81154d8615a5bf92913"),
        (_, "tag") => json!("v1"),
        ("create_branch", "branch") => json!("other"),
        (_, "branch" | "base" | "base_ref" | "from_branch") => json!("main"),
        (_, "head") => json!("feature"),
        (_, "path") => json!("b.txt"),
        (_, "query") => json!("one"),
        (_, "since" | "until") => json!("2026-01-01T00:00:00Z"),
        (_, "after") => json!("cursor:1"),
        (_, "type") => Value::Null,
        (_, "labels") => json!(["bug"]),
        (_, "assignees" | "reviewers") => json!(["carol"]),
        _ => Value::Bool(false),
    };
    if known != Value::Bool(false) {
        return known;
    }
    if let Some(choice) = schema["enum"].as_array().and_then(|choices| choices.last()) {
        return choice.clone();
    }
    match schema["type"].as_str() {
        Some("number" | "integer") => schema["minimum"].as_i64().map_or(json!(1), |least| json!(least)),
        Some("boolean") => json!(true),
        Some("object") => {
            let members = schema["properties"].as_object().cloned().unwrap_or_default();
            members.iter().map(|(name, schema)| (name.clone(), sample(tool, name, schema))).collect()
        }
        Some("array") => match schema["items"]["type"].as_str() {
            Some("object") => {
                let members = schema["items"]["properties"].as_object().unwrap();
                let members = members.iter().filter(|(name, _)| *name != "delete");
                let members: Map<_, _> =
                    members.map(|(name, schema)| (name.clone(), sample(tool, name, schema))).collect();
                json!([members])
            }
            _ => json!([sample(tool, "", &schema["items"])]),
        },
        _ => json!("text"),
    }
}

#[test]
fn whatever_an_advertised_schema_allows_is_understood() {
    // Arguments that are refused for what they say and not for their form: no type and no field is defined here.
    let about_the_world = ["issue_fields", "field_filters", "type"];
    let listings: BTreeMap<String, Value> = describe::<GitHub>()
        .tools
        .into_iter()
        .map(|tool| (tool.name.to_owned(), tool.listing["inputSchema"].clone()))
        .collect();
    assert!(listings.len() >= 43);
    for (tool, schema) in &listings {
        let properties = schema["properties"].as_object().cloned().unwrap_or_default();
        let required: Vec<&str> =
            schema["required"].as_array().into_iter().flatten().filter_map(Value::as_str).collect();
        let methods = match properties.get("method").and_then(|method| method["enum"].as_array()) {
            Some(methods) => methods.clone(),
            None => vec![Value::Null],
        };
        for method in methods {
            for full in [false, true] {
                let mut arguments = Map::new();
                for (name, schema) in &properties {
                    if (full || required.contains(&name.as_str())) && !about_the_world.contains(&name.as_str()) {
                        arguments.insert(name.clone(), sample(tool, name, schema));
                    }
                }
                if !method.is_null() {
                    arguments.insert("method".to_owned(), method.clone());
                }
                let answer = world().call(tool, &Value::Object(arguments.clone()));
                let said = text(&answer);
                // What a method needs beyond the schema is told in words; with all arguments nothing is missing.
                let form = ["parameter ", "validating ", "unknown method"].iter().any(|start| said.starts_with(start));
                let lacking = said.starts_with("missing required parameter") && full;
                assert!(!answer.is_error || !(form || lacking), "{tool} {arguments:?}: {said}");
                assert_ne!(answer.status, 501, "{tool} {arguments:?}: {said}");
            }
        }
        for name in &required {
            let mut arguments = Map::new();
            for other in &required {
                if other != name {
                    arguments.insert((*other).to_owned(), sample(tool, other, &properties[*other]));
                }
            }
            let said = refused(&mut world(), tool, Value::Object(arguments));
            assert_eq!(said, format!("missing required parameter: {name}"), "{tool}");
        }
    }
}

#[test]
fn what_the_api_refuses_is_one_line_with_the_request() {
    let mut twin = world();
    let at = |path: &str| format!("http://twin.test/s/test{path}");
    let issue = json!({ "method": "get", "owner": "acme", "repo": "api", "issue_number": 9 });
    assert_eq!(
        refused(&mut twin, "issue_read", issue),
        format!("failed to get issue: GET {}: 404 Not Found []", at("/repos/acme/api/issues/9"))
    );
    let title = json!({ "method": "create", "owner": "acme", "repo": "api", "title": " " });
    assert_eq!(
        refused(&mut twin, "issue_write", title),
        format!(
            "failed to create issue: POST {}: 422 Validation Failed [{{Resource:Issue Field:title Code:missing_field Message:}}]",
            at("/repos/acme/api/issues")
        )
    );
    let merged = json!({ "owner": "acme", "repo": "api", "pullNumber": 7 });
    assert_eq!(
        refused(&mut twin, "merge_pull_request", merged),
        format!("failed to merge pull request: PUT {}: 404 Not Found []", at("/repos/acme/api/pulls/7/merge"))
    );
    assert_eq!(
        refused(&mut twin, "list_issues", json!({ "owner": "acme", "repo": "nothing" })),
        "failed to list issues: Could not resolve to a Repository with the name 'acme/nothing'."
    );
    assert_eq!(
        refused(&mut twin, "get_label", json!({ "owner": "acme", "repo": "api", "name": "wish" })),
        "label 'wish' not found in acme/api"
    );
}

#[test]
fn the_value_of_a_refusal_stays_the_apis_answer() {
    let answer =
        world().call("issue_read", &json!({ "method": "get", "owner": "acme", "repo": "api", "issue_number": 9 }));
    let value: Value = serde_json::from_slice(&answer.value).unwrap();
    assert_eq!((answer.status, &value["message"], &value["status"]), (404, &json!("Not Found"), &json!("404")));
}

#[test]
fn what_the_server_refuses_by_itself_is_said_in_its_words() {
    let mut twin = world();
    let numbered = |number: Value| json!({ "method": "get", "owner": "acme", "repo": "api", "issue_number": number });
    for (tool, arguments, expected) in [
        ("issue_read", json!({ "owner": "acme" }), "missing required parameter: method"),
        ("issue_read", numbered(json!("x")), "parameter issue_number is not a valid number: invalid numeric value: x"),
        (
            "issue_read",
            numbered(json!([1])),
            "parameter issue_number is not a valid number: expected number, got []interface {}",
        ),
        ("get_label", json!({ "owner": 1, "repo": "api", "name": "x" }), "parameter owner is not of type string"),
        ("get_label", json!({ "owner": "acme", "repo": "", "name": "x" }), "missing required parameter: repo"),
        (
            "list_issues",
            json!({ "owner": "acme", "repo": "api", "state": "open?" }),
            "validating /properties/state: enum: open? does not equal any of: [OPEN CLOSED]",
        ),
        (
            "pull_request_review_write",
            json!({ "method": "submit_pending", "owner": "acme", "repo": "api", "pullNumber": 2, "event": "COMMENT" }),
            "No pending review found for the viewer",
        ),
        (
            "list_issues",
            json!({ "owner": "acme", "repo": "api", "labels": "bug" }),
            "parameter labels could not be coerced to []string, is string",
        ),
    ] {
        assert_eq!(refused(&mut twin, tool, arguments), expected);
    }
    // A number may arrive as text.
    let answer = twin.call("issue_read", &numbered(json!("1")));
    assert!(!answer.is_error, "{}", text(&answer));
}

#[test]
fn advertised_arguments_are_honoured() {
    let mut twin = world();
    let json =
        |answer: &pome_twin_kit::envelope::ToolAnswer| -> Value { serde_json::from_slice(&answer.value).unwrap() };
    let answer = twin.call("create_repository", &json!({ "name": "site", "organization": "acme" }));
    assert_eq!(json(&answer)["url"], "https://github.com/acme/site");
    assert_eq!(twin.json("/repos/acme/site")["private"], true);
    let head = twin.json("/repos/acme/api/pulls/2")["head"]["sha"].as_str().unwrap().to_owned();
    let answer = twin.call("get_commit", &json!({ "owner": "acme", "repo": "api", "sha": head }));
    assert_eq!(json(&answer)["sha"], json!(head));
    let wrong = json!({ "owner": "acme", "repo": "api", "pullNumber": 2, "expectedHeadSha": "0".repeat(40) });
    assert!(
        refused(&mut twin, "update_pull_request_branch", wrong)
            .ends_with("422 expected head sha didn't match current head ref. []")
    );
    let gone = json!({ "owner": "acme", "repo": "api", "path": "a.txt", "message": "Away", "branch": "main" });
    assert!(!twin.call("delete_file", &gone).is_error);
    assert_eq!(twin.get("/repos/acme/api/contents/a.txt").status, 404);
}

#[test]
fn the_page_lists_what_is_modelled() {
    let page = concat!(env!("CARGO_MANIFEST_DIR"), "/README.md");
    assert_eq!(pome_twin_kit::testing::page_shows_surface::<twin_github::GitHub>(page), Ok(()));
}
