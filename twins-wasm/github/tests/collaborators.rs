//! Who may do what, milestones, and limits.

use pome_twin_kit::testing::{Native, body};
use serde_json::{Value, json};
use twin_github::GitHub;

fn expect(twin: &mut Native<GitHub>, status: u16, method: &str, path: &str, input: &Value) -> Value {
    let answer = twin.request(method, path, Some(input));
    assert_eq!(answer.status, status, "{method} {path}: {}", String::from_utf8_lossy(&answer.body));
    body(&answer)
}

const PEOPLE: &str = "/repos/acme/api/collaborators";

#[test]
fn collaborators_are_listed_with_their_roles() {
    let mut twin = Native::<GitHub>::new();
    let people = twin.json(PEOPLE);
    assert_eq!((&people[0]["login"], &people[0]["role_name"]), (&json!("alice"), &json!("write")));
    assert_eq!(people[0]["permissions"]["push"], true);
    assert_eq!(twin.get(&format!("{PEOPLE}/ALICE")).status, 204);
    assert_eq!(twin.get(&format!("{PEOPLE}/nobody")).status, 404);
    let level = twin.json(&format!("{PEOPLE}/alice/permission"));
    assert_eq!((&level["permission"], &level["role_name"]), (&json!("write"), &json!("write")));
    twin.caller.login = Some("stranger".to_owned());
    assert_eq!(twin.get(PEOPLE).status, 403);
    twin.caller.login = None;
    let tool = twin.call("list_repository_collaborators", &json!({ "owner": "acme", "repo": "api", "perPage": 2 }));
    let tool: Value = serde_json::from_slice(&tool.value).unwrap();
    assert_eq!((tool["items"].as_array().unwrap().len(), &tool["nextPage"]), (2, &json!(2)));
}

#[test]
fn known_users_join_at_once_and_unknown_ones_are_invited_until_they_accept() {
    let mut twin = Native::<GitHub>::seeded(Some(&json!({
        "users": [{ "login": "carol" }],
        "repositories": [{ "owner": "acme", "name": "api" }],
    })));
    let answer = twin.request("PUT", &format!("{PEOPLE}/carol"), Some(&json!({ "permission": "triage" })));
    assert_eq!((answer.status, &body(&answer)["permissions"]), (201, &json!("triage")));
    let change = answer.report.delta.unwrap();
    let after: Value = serde_json::from_slice(change.after.as_ref().unwrap()).unwrap();
    assert_eq!(after["invitation_state"], "accepted");
    assert_eq!(twin.request("PUT", &format!("{PEOPLE}/carol"), Some(&json!({ "permission": "push" }))).status, 204);
    let invited = expect(&mut twin, 201, "PUT", &format!("{PEOPLE}/dave"), &json!({}));
    assert_eq!(twin.json("/repos/acme/api/invitations")[0]["invitee"]["login"], "dave");
    assert_eq!(twin.get(&format!("{PEOPLE}/dave")).status, 404);
    expect(&mut twin, 422, "PUT", &format!("{PEOPLE}/dave"), &json!({ "permission": "owner" }));
    twin.caller.login = Some("dave".to_owned());
    let path = format!("/user/repository_invitations/{}", invited["id"]);
    expect(&mut twin, 204, "PATCH", &path, &json!({}));
    assert_eq!(twin.get(&format!("{PEOPLE}/dave")).status, 204);
    assert_eq!(twin.json("/user/repository_invitations"), json!([]));
}

#[test]
fn only_people_with_push_add_and_only_admins_remove() {
    let mut twin = Native::<GitHub>::new();
    twin.caller.login = Some("stranger".to_owned());
    let refused = expect(&mut twin, 403, "PUT", &format!("{PEOPLE}/stranger"), &json!({}));
    assert_eq!(refused["message"], "Must have push access to the repository to add collaborators.");
    twin.caller.login = Some("bob".to_owned());
    expect(&mut twin, 403, "DELETE", &format!("{PEOPLE}/alice"), &json!({}));
    expect(&mut twin, 200, "PATCH", "/repos/acme/api/issues/1", &json!({ "assignees": ["alice", "bob"] }));
    twin.caller.login = Some("acme".to_owned());
    expect(&mut twin, 204, "DELETE", &format!("{PEOPLE}/alice"), &json!({}));
    assert_eq!(twin.json("/repos/acme/api/issues/1")["assignees"].as_array().unwrap().len(), 1);
    twin.caller.login = Some("bob".to_owned());
    expect(&mut twin, 204, "DELETE", &format!("{PEOPLE}/bob"), &json!({}));
}

#[test]
fn milestones_are_numbered_counted_changed_and_deleted() {
    let mut twin = Native::<GitHub>::new();
    let path = "/repos/acme/api/milestones";
    let made = json!({ "title": "v1", "due_on": "2026-02-01T00:00:00Z", "description": "First" });
    let made = expect(&mut twin, 201, "POST", path, &made);
    assert_eq!((&made["number"], &made["due_on"]), (&json!(1), &json!("2026-02-01T00:00:00Z")));
    let twice = expect(&mut twin, 422, "POST", path, &json!({ "title": "V1" }));
    assert_eq!(twice["errors"][0]["code"], "already_exists");
    expect(&mut twin, 422, "POST", path, &json!({ "title": "v2", "due_on": "soon" }));
    expect(&mut twin, 201, "POST", path, &json!({ "title": "v2" }));
    expect(&mut twin, 200, "PATCH", "/repos/acme/api/issues/1", &json!({ "milestone": 1, "labels": ["bug"] }));
    expect(&mut twin, 200, "PATCH", "/repos/acme/api/issues/1", &json!({ "state": "closed" }));
    let one = twin.json("/repos/acme/api/milestones/1");
    assert_eq!((&one["open_issues"], &one["closed_issues"]), (&json!(0), &json!(1)));
    assert_eq!(twin.json("/repos/acme/api/milestones/1/labels")[0]["name"], "bug");
    let closed = json!({ "state": "closed", "due_on": null });
    let closed = expect(&mut twin, 200, "PATCH", "/repos/acme/api/milestones/1", &closed);
    assert_eq!((closed["closed_at"].is_string(), &closed["due_on"]), (true, &Value::Null));
    assert_eq!(twin.json(path).as_array().unwrap().len(), 1);
    assert_eq!(twin.json(&format!("{path}?state=all")).as_array().unwrap().len(), 2);
    expect(&mut twin, 204, "DELETE", "/repos/acme/api/milestones/1", &json!({}));
    assert_eq!(twin.json("/repos/acme/api/issues/1")["milestone"], Value::Null);
    assert_eq!(twin.get("/repos/acme/api/milestones/1").status, 404);
    twin.caller.login = Some("stranger".to_owned());
    expect(&mut twin, 403, "POST", path, &json!({ "title": "mine" }));
}

#[test]
fn limits_are_those_of_a_fresh_hour() {
    let mut twin = Native::<GitHub>::new();
    let limits = twin.json("/rate_limit");
    assert_eq!((&limits["rate"]["remaining"], &limits["resources"]["search"]["limit"]), (&json!(5000), &json!(30)));
}

#[test]
fn repositories_are_listed_for_their_people_and_hidden_from_others() {
    let mut twin = Native::<GitHub>::seeded(Some(&json!({
        "users": [{ "login": "acme", "type": "Organization" }, { "login": "carol" }],
        "repositories": [
            { "owner": "acme", "name": "api", "collaborators": ["carol"] },
            { "owner": "acme", "name": "web" },
            { "owner": "carol", "name": "notes", "private": true, "collaborators": [{ "login": "dave", "permission": "pull" }] },
        ],
    })));
    let mut names = |login: &str, path: &str| -> Vec<String> {
        twin.caller.login = Some(login.to_owned());
        let list = twin.json(path);
        list.as_array().unwrap().iter().map(|repo| repo["full_name"].as_str().unwrap().to_owned()).collect()
    };
    assert_eq!(names("carol", "/user/repos"), ["acme/api", "carol/notes"]);
    assert_eq!(names("carol", "/user/repos?affiliation=owner&visibility=private"), ["carol/notes"]);
    assert_eq!(names("carol", "/user/repos?type=member"), ["acme/api"]);
    assert_eq!(names("dave", "/users/carol/repos"), ["carol/notes"]);
    assert_eq!(names("stranger", "/users/carol/repos"), Vec::<String>::new());
    assert_eq!(names("stranger", "/orgs/acme/repos?sort=full_name&direction=desc"), ["acme/web", "acme/api"]);
    assert_eq!(twin.get("/orgs/carol/repos").status, 404);
    assert_eq!(twin.get("/user/repos?type=owner&visibility=public").status, 422);
}
