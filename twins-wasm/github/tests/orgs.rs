//! Organizations, their members and teams, and what these may do.

#![expect(clippy::needless_pass_by_value, reason = "tests write what they send in place")]

use pome_twin_kit::testing::{Native, body};
use serde_json::{Value, json};
use twin_github::GitHub;

/// bob owns acme, alice maintains its platform team, dave is below it, carol is a plain member, eve is nobody.
fn world() -> Native<GitHub> {
    let mut twin = Native::seeded(Some(&json!({
        "users": [{ "login": "eve", "following": ["alice"], "company": "Evil" }],
        "organizations": [{
            "login": "acme", "name": "Acme Inc.", "description": "Makes things", "default_repository_permission": "none",
            "members": [{ "login": "bob", "role": "admin", "public": true }, "alice", "carol", "dave"],
            "teams": [
                { "name": "Platform Team", "members": [{ "login": "alice", "role": "maintainer" }],
                  "repositories": [{ "name": "api", "permission": "push" }] },
                { "name": "Core", "parent": "platform-team", "members": ["dave"] },
                { "name": "Hidden", "privacy": "secret", "members": ["carol"] },
            ],
        }],
        "repositories": [{
            "owner": "acme", "name": "api", "private": true,
            "files": [{ "path": "a.txt", "content": "a\n" }, { "path": "a.txt", "content": "b\n", "branch": "feature" }],
            "pull_requests": [{ "number": 1, "title": "Change", "head": "feature", "author": "bob" }],
        }],
    })));
    twin.caller.login = Some("bob".to_owned());
    twin
}

fn as_user(twin: &mut Native<GitHub>, login: &str) {
    twin.caller.login = Some(login.to_owned());
}

fn send(twin: &mut Native<GitHub>, method: &str, path: &str, sent: Value) -> (u16, Value) {
    let answer = twin.request(method, path, Some(&sent));
    (answer.status, body(&answer))
}

fn logins(list: &Value) -> Vec<&str> {
    list.as_array().unwrap().iter().map(|row| row["login"].as_str().unwrap()).collect()
}

#[test]
fn an_organization_shows_itself_and_its_owners_change_it() {
    let mut twin = world();
    let org = twin.json("/orgs/ACME");
    assert_eq!(
        (&org["name"], &org["description"], &org["type"]),
        (&json!("Acme Inc."), &json!("Makes things"), &json!("Organization"))
    );
    assert_eq!(org["default_repository_permission"], "none");
    let changed = json!({ "description": "Better", "default_repository_permission": "read" });
    let (status, org) = send(&mut twin, "PATCH", "/orgs/acme", changed);
    assert_eq!(
        (status, &org["description"], &org["default_repository_permission"]),
        (200, &json!("Better"), &json!("read"))
    );
    as_user(&mut twin, "carol");
    // The base permission opens the private repository for members.
    assert_eq!(twin.json("/repos/acme/api")["permissions"]["push"], false);
    assert_eq!(send(&mut twin, "PATCH", "/orgs/acme", json!({ "description": "No" })).0, 403);
    as_user(&mut twin, "eve");
    assert_eq!(twin.json("/orgs/acme").get("default_repository_permission"), None);
    assert_eq!(twin.get("/orgs/eve").status, 404);
}

#[test]
fn members_are_listed_to_each_other_and_invited_by_owners() {
    let mut twin = world();
    assert_eq!(logins(&twin.json("/orgs/acme/members")), ["alice", "bob", "carol", "dave"]);
    assert_eq!(logins(&twin.json("/orgs/acme/members?role=admin")), ["bob"]);
    assert_eq!(logins(&twin.json("/orgs/acme/members?per_page=2&page=2")), ["carol", "dave"]);
    assert_eq!(twin.get("/orgs/acme/members/alice").status, 204);
    assert_eq!(twin.get("/orgs/acme/members/eve").status, 404);
    let (status, invited) = send(&mut twin, "PUT", "/orgs/acme/memberships/eve", json!({ "role": "member" }));
    assert_eq!((status, &invited["state"], &invited["role"]), (200, &json!("pending"), &json!("member")));
    as_user(&mut twin, "eve");
    assert_eq!(logins(&twin.json("/orgs/acme/members")), ["bob"]);
    assert_eq!(twin.get("/orgs/acme/members/alice").status, 302);
    assert_eq!(twin.json("/user/orgs"), json!([]));
    let (status, mine) = send(&mut twin, "PATCH", "/user/memberships/orgs/acme", json!({ "state": "active" }));
    assert_eq!((status, &mine["state"]), (200, &json!("active")));
    assert_eq!(twin.json("/user/orgs")[0]["login"], "acme");
    assert_eq!(send(&mut twin, "PUT", "/orgs/acme/memberships/mallory", json!({})).0, 403);
    assert_eq!(send(&mut twin, "PUT", "/orgs/acme/public_members/eve", json!({})).0, 204);
    assert_eq!(logins(&twin.json("/orgs/acme/public_members")), ["bob", "eve"]);
    assert_eq!(twin.json("/users/eve/orgs")[0]["login"], "acme");
    assert_eq!(send(&mut twin, "DELETE", "/orgs/acme/members/eve", json!({})).0, 204);
    assert_eq!(twin.get("/user/memberships/orgs/acme").status, 404);
    as_user(&mut twin, "bob");
    let (status, refused) = send(&mut twin, "DELETE", "/orgs/acme/memberships/bob", json!({}));
    assert_eq!((status, &refused["message"]), (403, &json!("You cannot remove the last owner of an organization.")));
}

#[test]
fn teams_decide_who_gets_to_a_repository() {
    let mut twin = world();
    for (login, expected) in [("bob", 200), ("alice", 200), ("dave", 200), ("carol", 404), ("eve", 404)] {
        as_user(&mut twin, login);
        assert_eq!(twin.get("/repos/acme/api").status, expected, "{login}");
    }
    as_user(&mut twin, "dave");
    assert_eq!(twin.json("/repos/acme/api")["permissions"]["push"], true);
    assert_eq!(twin.json("/user/repos")[0]["full_name"], "acme/api");
    let (status, issue) =
        send(&mut twin, "POST", "/repos/acme/api/issues", json!({ "title": "T", "assignees": ["alice"] }));
    assert_eq!(
        (status, &issue["author_association"], &issue["assignee"]["login"]),
        (201, &json!("MEMBER"), &json!("alice"))
    );
    as_user(&mut twin, "bob");
    let teams = twin.json("/repos/acme/api/teams");
    assert_eq!((&teams[0]["slug"], &teams[0]["permission"]), (&json!("platform-team"), &json!("push")));
    assert_eq!(logins(&twin.json("/repos/acme/api/collaborators")), ["alice", "bob", "dave", "pome-agent"]);
    assert_eq!(send(&mut twin, "PUT", "/orgs/acme/teams/core/repos/acme/api", json!({ "permission": "admin" })).0, 204);
    as_user(&mut twin, "dave");
    assert_eq!(twin.json("/repos/acme/api")["permissions"]["admin"], true);
    assert_eq!(twin.json("/orgs/acme/teams/core/repos")[0]["role_name"], "admin");
    assert_eq!(send(&mut twin, "DELETE", "/orgs/acme/teams/core/repos/acme/api", json!({})).0, 204);
    assert_eq!(twin.json("/repos/acme/api")["permissions"]["admin"], false);
    as_user(&mut twin, "bob");
    assert_eq!(send(&mut twin, "DELETE", "/orgs/acme/teams/platform-team", json!({})).0, 204);
    assert_eq!(twin.get("/orgs/acme/teams/core").status, 404);
    as_user(&mut twin, "dave");
    assert_eq!(twin.get("/repos/acme/api").status, 404);
}

#[test]
fn teams_are_made_changed_and_filled() {
    let mut twin = world();
    as_user(&mut twin, "alice");
    let made = json!({ "name": "Release Crew!", "privacy": "closed", "description": "Ships" });
    let (status, team) = send(&mut twin, "POST", "/orgs/acme/teams", made.clone());
    assert_eq!((status, &team["slug"], &team["members_count"]), (201, &json!("release-crew"), &json!(1)));
    assert_eq!(team["organization"]["login"], "acme");
    let (status, taken) = send(&mut twin, "POST", "/orgs/acme/teams", made);
    assert_eq!((status, &taken["errors"][0]["code"]), (422, &json!("already_exists")));
    let (status, place) =
        send(&mut twin, "PUT", "/orgs/acme/teams/release-crew/memberships/carol", json!({ "role": "maintainer" }));
    assert_eq!((status, &place["role"], &place["state"]), (200, &json!("maintainer"), &json!("active")));
    assert_eq!(logins(&twin.json("/orgs/acme/teams/release-crew/members?role=maintainer")), ["alice", "carol"]);
    assert_eq!(send(&mut twin, "PUT", "/orgs/acme/teams/release-crew/memberships/eve", json!({})).0, 403);
    let (_, team) = send(&mut twin, "PATCH", "/orgs/acme/teams/release-crew", json!({ "name": "Shippers" }));
    assert_eq!(team["slug"], "shippers");
    assert_eq!(twin.get("/orgs/acme/teams/release-crew").status, 404);
    assert_eq!(twin.json("/user/teams").as_array().unwrap().len(), 2);
    // A secret team is there for its members and the owners only.
    assert_eq!(twin.get("/orgs/acme/teams/hidden").status, 404);
    as_user(&mut twin, "carol");
    assert_eq!(twin.get("/orgs/acme/teams/hidden").status, 200);
    assert_eq!(send(&mut twin, "PATCH", "/orgs/acme/teams/platform-team", json!({ "name": "Mine" })).0, 403);
    as_user(&mut twin, "dave");
    assert_eq!(logins(&twin.json("/orgs/acme/teams/platform-team/members")), ["alice", "dave"]);
    assert_eq!(twin.json("/orgs/acme/teams/platform-team/teams")[0]["slug"], "core");
    let round = json!({ "parent_team_id": 2 });
    as_user(&mut twin, "bob");
    assert_eq!(send(&mut twin, "PATCH", "/orgs/acme/teams/platform-team", round).0, 422);
    as_user(&mut twin, "eve");
    assert_eq!(twin.get("/orgs/acme/teams").status, 403);
    let state = twin.state();
    assert_eq!(state["organizations"][0]["teams"][2]["slug"], "platform-team");
    assert_eq!(state["organizations"][0]["members"].as_array().unwrap().len(), 4);
}

#[test]
fn a_team_is_asked_for_a_review_and_one_of_it_answers() {
    let mut twin = world();
    let asked = json!({ "team_reviewers": ["platform-team"] });
    let path = "/repos/acme/api/pulls/1/requested_reviewers";
    let (status, pull) = send(&mut twin, "POST", path, asked.clone());
    assert_eq!((status, &pull["requested_teams"][0]["slug"]), (201, &json!("platform-team")));
    assert_eq!(send(&mut twin, "POST", path, json!({ "team_reviewers": ["hidden"] })).0, 422);
    assert_eq!(twin.json(path)["teams"][0]["name"], "Platform Team");
    assert_eq!(twin.state()["repositories"][0]["pull_requests"][0]["requested_teams"], json!(["platform-team"]));
    as_user(&mut twin, "dave");
    assert_eq!(send(&mut twin, "POST", "/repos/acme/api/pulls/1/reviews", json!({ "event": "APPROVE" })).0, 200);
    assert_eq!(twin.json(path)["teams"], json!([]));
    as_user(&mut twin, "bob");
    assert_eq!(send(&mut twin, "POST", path, asked.clone()).0, 201);
    let gone = json!({ "reviewers": [], "team_reviewers": ["platform-team"] });
    let (status, pull) = send(&mut twin, "DELETE", path, gone);
    assert_eq!((status, &pull["requested_teams"]), (200, &json!([])));
}

#[test]
fn the_tools_for_teams_answer_as_the_official_server() {
    let mut twin = world();
    as_user(&mut twin, "alice");
    let value =
        |answer: pome_twin_kit::envelope::ToolAnswer| -> Value { serde_json::from_slice(&answer.value).unwrap() };
    let teams = value(twin.call("get_teams", &json!({})));
    let expected =
        json!([{ "org": "acme", "teams": [{ "name": "Platform Team", "slug": "platform-team", "description": "" }] }]);
    assert_eq!(teams, expected);
    let members = value(twin.call("get_team_members", &json!({ "org": "acme", "team_slug": "platform-team" })));
    assert_eq!(members, json!(["alice", "dave"]));
}

#[test]
fn people_follow_each_other_and_say_who_they_are() {
    let mut twin = world();
    as_user(&mut twin, "alice");
    assert_eq!(logins(&twin.json("/users/alice/followers")), ["eve"]);
    assert_eq!(send(&mut twin, "PUT", "/user/following/eve", json!({})).0, 204);
    assert_eq!(twin.get("/user/following/eve").status, 204);
    assert_eq!(twin.get("/users/eve/following/bob").status, 404);
    assert_eq!(send(&mut twin, "PUT", "/user/following/alice", json!({})).0, 422);
    let me = twin.json("/user");
    assert_eq!((&me["followers"], &me["following"]), (&json!(1), &json!(1)));
    let (status, me) =
        send(&mut twin, "PATCH", "/user", json!({ "name": "Alice A.", "bio": "Codes", "location": "Oslo" }));
    assert_eq!(
        (status, &me["name"], &me["bio"], &me["location"]),
        (200, &json!("Alice A."), &json!("Codes"), &json!("Oslo"))
    );
    assert_eq!(twin.json("/users/alice")["bio"], "Codes");
    assert_eq!(twin.json("/users/eve")["company"], "Evil");
    assert_eq!(send(&mut twin, "PATCH", "/user", json!({ "bio": "x".repeat(161) })).0, 422);
    let (status, all) = send(&mut twin, "POST", "/user/emails", json!(["a@b.example"]));
    assert_eq!((status, &all[1]["email"], &all[0]["primary"]), (201, &json!("a@b.example"), &json!(true)));
    assert_eq!(send(&mut twin, "POST", "/user/emails", json!({ "emails": ["a@b.example"] })).0, 422);
    assert_eq!(send(&mut twin, "DELETE", "/user/emails", json!(["a@b.example"])).0, 204);
    assert_eq!(twin.json("/user/emails").as_array().unwrap().len(), 1);
    assert_eq!(send(&mut twin, "DELETE", "/user/following/eve", json!({})).0, 204);
    assert_eq!(twin.json("/user/following"), json!([]));
}

#[test]
fn all_users_are_listed_by_id_in_stretches() {
    let mut twin = world();
    let first = twin.get("/users?per_page=3");
    let rows = body(&first);
    let ids: Vec<u64> = rows.as_array().unwrap().iter().map(|row| row["id"].as_u64().unwrap()).collect();
    assert!(ids.is_sorted());
    let link = first.headers.iter().find(|(name, _)| name == "link").unwrap().1.clone();
    assert!(link.contains(&format!("since={}>; rel=\"next\"", ids[2])), "{link}");
    let rest = twin.json(&format!("/users?since={}", ids[2]));
    assert!(rest.as_array().unwrap().iter().all(|row| row["id"].as_u64().unwrap() > ids[2]));
    assert_eq!(twin.json(&format!("/user/{}", ids[0]))["id"], ids[0]);
}

#[test]
fn only_members_make_repositories_in_an_organization() {
    let mut twin = world();
    as_user(&mut twin, "eve");
    assert_eq!(send(&mut twin, "POST", "/orgs/acme/repos", json!({ "name": "x" })).0, 403);
    as_user(&mut twin, "carol");
    assert_eq!(send(&mut twin, "POST", "/orgs/acme/repos", json!({ "name": "x" })).0, 201);
}
