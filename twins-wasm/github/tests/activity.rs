//! Stars, watching, notifications, gists, webhooks, deploy keys, commit comments and forks that follow.

#![expect(clippy::needless_pass_by_value, reason = "tests write what they send in place")]

use pome_twin_kit::testing::{Native, body};
use serde_json::{Value, json};
use twin_github::GitHub;

const REPO: &str = "/repos/acme/api";

fn world() -> Native<GitHub> {
    Native::seeded(Some(&json!({
        "users": [{ "login": "eve" }],
        "repositories": [{
            "owner": "acme", "name": "api", "stargazers": ["bob"], "watchers": ["carol"],
            "collaborators": ["alice", "bob", "carol", { "login": "pome-agent", "permission": "admin" }],
            "files": [{ "path": "a.txt", "content": "a\n" }, { "path": "a.txt", "content": "b\n", "branch": "feature" }],
            "issues": [{ "number": 1, "title": "Broken", "user": "alice" }],
            "pull_requests": [{ "number": 2, "title": "Fix", "head": "feature", "author": "bob" }],
        }],
    })))
}

fn as_user(twin: &mut Native<GitHub>, login: &str) {
    twin.caller.login = Some(login.to_owned());
}

fn send(twin: &mut Native<GitHub>, method: &str, path: &str, sent: Value) -> (u16, Value) {
    let answer = twin.request(method, path, Some(&sent));
    (answer.status, body(&answer))
}

#[test]
fn stars_are_given_counted_and_taken_back() {
    let mut twin = world();
    assert_eq!(twin.get("/user/starred/acme/api").status, 404);
    assert_eq!(send(&mut twin, "PUT", "/user/starred/acme/api", json!({})).0, 204);
    assert_eq!(twin.get("/user/starred/acme/api").status, 204);
    assert_eq!(twin.json(REPO)["stargazers_count"], 2);
    let gazers = twin.json(&format!("{REPO}/stargazers"));
    assert_eq!((&gazers[0]["login"], &gazers[1]["login"]), (&json!("bob"), &json!("pome-agent")));
    let timed = twin.request_with("GET", "/user/starred", &[("accept", "application/vnd.github.star+json")], b"");
    assert_eq!(body(&timed)[0]["repo"]["full_name"], "acme/api");
    assert_eq!(body(&timed)[0]["starred_at"], "2026-01-01T00:00:00Z");
    assert_eq!(twin.json("/users/bob/starred")[0]["name"], "api");
    assert_eq!(send(&mut twin, "DELETE", "/user/starred/acme/api", json!({})).0, 204);
    assert_eq!(twin.json("/user/starred"), json!([]));
    assert_eq!(send(&mut twin, "PUT", "/user/starred/acme/nothing", json!({})).0, 404);
    assert_eq!(twin.state()["repositories"][0]["stargazers"], json!(["bob"]));
}

#[test]
fn watching_is_a_subscription_of_ones_own() {
    let mut twin = world();
    let path = format!("{REPO}/subscription");
    assert_eq!(twin.get(&path).status, 404);
    let (status, mine) = send(&mut twin, "PUT", &path, json!({ "subscribed": true }));
    assert_eq!((status, &mine["subscribed"], &mine["ignored"]), (200, &json!(true), &json!(false)));
    assert_eq!(twin.json(&format!("{REPO}/subscribers")).as_array().unwrap().len(), 2);
    assert_eq!(twin.json("/user/subscriptions")[0]["name"], "api");
    assert_eq!(twin.json(REPO)["subscribers_count"], 2);
    assert_eq!(send(&mut twin, "DELETE", &path, json!({})).0, 204);
    assert_eq!(twin.json("/user/subscriptions"), json!([]));
}

#[test]
fn people_are_told_what_concerns_them_and_not_what_they_did() {
    let mut twin = world();
    let (_, issue) =
        send(&mut twin, "POST", &format!("{REPO}/issues"), json!({ "title": "Help", "body": "@alice look" }));
    let number = issue["number"].clone();
    assert_eq!(twin.json("/notifications"), json!([]));
    as_user(&mut twin, "carol");
    assert_eq!(twin.json("/notifications")[0]["reason"], "subscribed");
    assert_eq!(twin.json("/notifications?participating=true"), json!([]));
    as_user(&mut twin, "alice");
    let told = twin.json("/notifications");
    assert_eq!((&told[0]["reason"], &told[0]["subject"]["type"]), (&json!("mention"), &json!("Issue")));
    assert_eq!(told[0]["subject"]["url"], format!("http://twin.test/s/test{REPO}/issues/{number}"));
    let thread = format!("/notifications/threads/{}", told[0]["id"].as_str().unwrap());
    assert_eq!(send(&mut twin, "PATCH", &thread, json!({})).0, 205);
    assert_eq!(twin.json("/notifications"), json!([]));
    assert_eq!(twin.json("/notifications?all=true")[0]["unread"], false);
    // Answering tells the author; being mentioned again makes the thread unread.
    send(&mut twin, "POST", &format!("{REPO}/issues/{number}/comments"), json!({ "body": "On it" }));
    as_user(&mut twin, "pome-agent");
    assert_eq!(twin.json("/notifications")[0]["reason"], "author");
    send(&mut twin, "POST", &format!("{REPO}/issues/{number}/comments"), json!({ "body": "Thanks @alice" }));
    as_user(&mut twin, "alice");
    assert_eq!(twin.json(&thread)["unread"], true);
    assert!(twin.json(&thread)["subject"]["latest_comment_url"].as_str().unwrap().contains("/issues/comments/"));
    assert_eq!(send(&mut twin, "PUT", &format!("{REPO}/notifications"), json!({})).0, 205);
    assert_eq!(twin.json(&format!("{REPO}/notifications")), json!([]));
    assert_eq!(send(&mut twin, "DELETE", &thread, json!({})).0, 204);
    assert_eq!(twin.json("/notifications?all=true"), json!([]));
    as_user(&mut twin, "eve");
    assert_eq!(twin.get(&thread).status, 404);
}

#[test]
fn assignments_and_review_requests_are_told_and_a_thread_can_be_shut_out() {
    let mut twin = world();
    send(&mut twin, "POST", &format!("{REPO}/issues/1/assignees"), json!({ "assignees": ["bob"] }));
    send(&mut twin, "POST", &format!("{REPO}/pulls/2/requested_reviewers"), json!({ "reviewers": ["alice"] }));
    as_user(&mut twin, "bob");
    assert_eq!(twin.json("/notifications")[0]["reason"], "assign");
    as_user(&mut twin, "alice");
    let told = twin.json("/notifications");
    assert_eq!((&told[0]["reason"], &told[0]["subject"]["type"]), (&json!("review_requested"), &json!("PullRequest")));
    let subscription = format!("/notifications/threads/{}/subscription", told[0]["id"].as_str().unwrap());
    let (status, shut) = send(&mut twin, "PUT", &subscription, json!({ "ignored": true }));
    assert_eq!((status, &shut["ignored"], &shut["subscribed"]), (200, &json!(true), &json!(false)));
    assert_eq!(send(&mut twin, "PUT", "/notifications", json!({})).0, 205);
    as_user(&mut twin, "pome-agent");
    send(&mut twin, "POST", &format!("{REPO}/issues/2/assignees"), json!({ "assignees": ["alice"] }));
    as_user(&mut twin, "alice");
    assert_eq!(twin.json("/notifications"), json!([]));
    assert_eq!(twin.state()["notifications"].as_array().unwrap().len(), 2);
}

#[test]
fn gists_have_files_versions_comments_and_stars() {
    let mut twin = world();
    let sent = json!({ "description": "Notes", "files": { "a.md": { "content": "# A\n" }, "b.py": { "content": "x = 1\n" } } });
    let (status, gist) = send(&mut twin, "POST", "/gists", sent);
    assert_eq!((status, &gist["public"], &gist["files"]["b.py"]["language"]), (201, &json!(false), &json!("Python")));
    let path = format!("/gists/{}", gist["id"].as_str().unwrap());
    let changed = json!({ "files": { "a.md": { "filename": "c.md" }, "b.py": null, "d.txt": { "content": "d" } } });
    let (status, after) = send(&mut twin, "PATCH", &path, changed);
    let names: Vec<&str> = after["files"].as_object().unwrap().keys().map(String::as_str).collect();
    assert_eq!((status, names), (200, vec!["c.md", "d.txt"]));
    assert_eq!(after["history"].as_array().unwrap().len(), 2);
    let first = twin.json(&format!("{path}/commits"))[1]["version"].as_str().unwrap().to_owned();
    assert_eq!(twin.json(&format!("{path}/{first}"))["files"]["b.py"]["content"], "x = 1\n");
    assert_eq!(send(&mut twin, "PATCH", &path, json!({ "files": { "c.md": null, "d.txt": null } })).0, 422);
    assert_eq!(send(&mut twin, "POST", "/gists", json!({ "files": {} })).0, 422);
    as_user(&mut twin, "eve");
    assert_eq!(twin.json("/gists/public"), json!([]));
    assert_eq!(twin.json("/users/pome-agent/gists"), json!([]));
    // Whoever knows its address sees a secret gist, but only its owner changes it.
    assert_eq!(twin.get(&path).status, 200);
    assert_eq!(send(&mut twin, "PATCH", &path, json!({ "description": "Mine" })).0, 404);
    let (status, comment) = send(&mut twin, "POST", &format!("{path}/comments"), json!({ "body": "Nice" }));
    assert_eq!((status, &comment["user"]["login"]), (201, &json!("eve")));
    assert_eq!(twin.json(&path)["comments"], 1);
    assert_eq!(send(&mut twin, "PUT", &format!("{path}/star"), json!({})).0, 204);
    assert_eq!(twin.json("/gists/starred")[0]["id"], gist["id"]);
    let comment = format!("{path}/comments/{}", comment["id"]);
    assert_eq!(send(&mut twin, "PATCH", &comment, json!({ "body": "Nicer" })).1["body"], "Nicer");
    as_user(&mut twin, "pome-agent");
    assert_eq!(send(&mut twin, "PATCH", &comment, json!({ "body": "No" })).0, 404);
    assert_eq!(send(&mut twin, "DELETE", &comment, json!({})).0, 204);
    assert_eq!(twin.state()["gists"][0]["files"]["d.txt"], "d");
    assert_eq!(send(&mut twin, "DELETE", &path, json!({})).0, 204);
    assert_eq!(twin.get(&path).status, 404);
    as_user(&mut twin, "eve");
    assert_eq!(twin.json("/gists/starred"), json!([]));
}

#[test]
fn a_webhook_is_pinged_tested_and_keeps_its_secret() {
    let mut twin = world();
    let sent = json!({ "config": { "url": "http://127.0.0.1:9/x", "content_type": "json", "secret": "s", "insecure_ssl": 0 } });
    let answer = twin.request("POST", &format!("{REPO}/hooks"), Some(&sent));
    let hook = body(&answer);
    assert_eq!(
        (answer.status, &hook["events"], &hook["config"]["secret"]),
        (201, &json!(["push"]), &json!("********"))
    );
    let delivery = &answer.report.deliveries[0];
    let header = |name: &str| delivery.headers.iter().find(|(known, _)| known == name).map(|(_, value)| value.as_str());
    assert_eq!((delivery.url.as_str(), header("x-github-event")), ("http://127.0.0.1:9/x", Some("ping")));
    assert!(header("x-hub-signature-256").unwrap().starts_with("sha256="));
    let payload: Value = serde_json::from_slice(&delivery.body).unwrap();
    assert_eq!((&payload["hook_id"], &payload["repository"]["full_name"]), (&hook["id"], &json!("acme/api")));
    let path = format!("{REPO}/hooks/{}", hook["id"]);
    let tested = twin.request("POST", &format!("{path}/tests"), Some(&json!({})));
    assert_eq!((tested.status, tested.report.deliveries.len()), (204, 1));
    let deliveries = twin.json(&format!("{path}/deliveries"));
    assert_eq!((&deliveries[0]["event"], &deliveries[1]["event"]), (&json!("push"), &json!("ping")));
    let again = twin.request("POST", &format!("{path}/deliveries/1/attempts"), Some(&json!({})));
    assert_eq!((again.status, again.report.deliveries[0].body.clone()), (202, delivery.body.clone()));
    assert_eq!(twin.json(&format!("{path}/deliveries/3"))["redelivery"], true);
    let (_, changed) = send(&mut twin, "PATCH", &path, json!({ "add_events": ["issues"], "active": false }));
    assert_eq!((&changed["events"], &changed["active"]), (&json!(["push", "issues"]), &json!(false)));
    assert_eq!(send(&mut twin, "PATCH", &format!("{path}/config"), json!({ "content_type": "xml" })).0, 422);
    assert_eq!(send(&mut twin, "POST", &format!("{REPO}/hooks"), json!({ "config": {} })).0, 422);
    assert_eq!(twin.state()["repositories"][0]["webhooks"][0]["events"], json!(["push", "issues"]));
    as_user(&mut twin, "alice");
    assert_eq!(twin.get(&path).status, 404);
    as_user(&mut twin, "pome-agent");
    assert_eq!(send(&mut twin, "DELETE", &path, json!({})).0, 204);
    assert_eq!(twin.json(&format!("{REPO}/hooks")), json!([]));
}

#[test]
fn deploy_keys_are_for_administrators_and_unique() {
    let mut twin = world();
    let key = "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIGd0 someone@host";
    let (status, made) =
        send(&mut twin, "POST", &format!("{REPO}/keys"), json!({ "title": "CI", "key": key, "read_only": true }));
    assert_eq!((status, &made["title"], &made["read_only"]), (201, &json!("CI"), &json!(true)));
    assert_eq!(made["key"], "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIGd0");
    let (status, refused) = send(&mut twin, "POST", &format!("{REPO}/keys"), json!({ "key": key }));
    assert_eq!((status, &refused["errors"][0]["message"]), (422, &json!("key is already in use")));
    assert_eq!(send(&mut twin, "POST", &format!("{REPO}/keys"), json!({ "key": "secret" })).0, 422);
    as_user(&mut twin, "alice");
    assert_eq!(twin.get(&format!("{REPO}/keys")).status, 403);
    as_user(&mut twin, "pome-agent");
    let path = format!("{REPO}/keys/{}", made["id"]);
    assert_eq!(send(&mut twin, "DELETE", &path, json!({})).0, 204);
    assert_eq!(twin.get(&path).status, 404);
}

#[test]
fn commits_are_commented_and_reacted_to() {
    let mut twin = world();
    let sha = twin.json(&format!("{REPO}/commits/feature"))["sha"].as_str().unwrap().to_owned();
    let path = format!("{REPO}/commits/{sha}/comments");
    let (status, comment) = send(&mut twin, "POST", &path, json!({ "body": "Why?", "path": "a.txt", "position": 1 }));
    assert_eq!((status, &comment["commit_id"], &comment["path"]), (201, &json!(sha), &json!("a.txt")));
    assert_eq!(send(&mut twin, "POST", &path, json!({ "body": "x", "path": "none.txt" })).0, 422);
    let own = format!("{REPO}/comments/{}", comment["id"]);
    assert_eq!(send(&mut twin, "POST", &format!("{own}/reactions"), json!({ "content": "eyes" })).0, 201);
    assert_eq!(twin.json(&own)["reactions"]["eyes"], 1);
    assert_eq!(twin.json(&format!("{REPO}/comments")).as_array().unwrap().len(), 1);
    assert_eq!(twin.json(&format!("{REPO}/commits/main/comments")), json!([]));
    as_user(&mut twin, "eve");
    assert_eq!(send(&mut twin, "PATCH", &own, json!({ "body": "Mine" })).0, 403);
    as_user(&mut twin, "alice");
    assert_eq!(send(&mut twin, "PATCH", &own, json!({ "body": "Because" })).1["body"], "Because");
    assert_eq!(send(&mut twin, "DELETE", &own, json!({})).0, 204);
    assert_eq!(twin.get(&own).status, 404);
}

#[test]
fn a_fork_follows_what_it_was_forked_from() {
    let mut twin = world();
    assert_eq!(send(&mut twin, "POST", &format!("{REPO}/forks"), json!({})).0, 202);
    let sync = "/repos/pome-agent/api/merge-upstream";
    let (status, answer) = send(&mut twin, "POST", sync, json!({ "branch": "main" }));
    assert_eq!((status, &answer["merge_type"]), (200, &json!("none")));
    let write = |twin: &mut Native<GitHub>, repo: &str, path: &str, text: &str| {
        let content = base64(text);
        let sent = json!({ "message": "Write", "content": content });
        assert_eq!(send(twin, "PUT", &format!("/repos/{repo}/contents/{path}"), sent).0, 201);
    };
    write(&mut twin, "acme/api", "new.txt", "new");
    let (_, answer) = send(&mut twin, "POST", sync, json!({ "branch": "main" }));
    assert_eq!((&answer["merge_type"], &answer["base_branch"]), (&json!("fast-forward"), &json!("acme:main")));
    write(&mut twin, "acme/api", "up.txt", "up");
    write(&mut twin, "pome-agent/api", "own.txt", "own");
    assert_eq!(send(&mut twin, "POST", sync, json!({ "branch": "main" })).1["merge_type"], "merge");
    assert_eq!(twin.get("/repos/pome-agent/api/contents/up.txt").status, 200);
    write(&mut twin, "acme/api", "same.txt", "theirs");
    write(&mut twin, "pome-agent/api", "same.txt", "ours");
    assert_eq!(send(&mut twin, "POST", sync, json!({ "branch": "main" })).0, 409);
    assert_eq!(send(&mut twin, "POST", &format!("{REPO}/merge-upstream"), json!({ "branch": "main" })).0, 422);
}

#[test]
fn an_open_invitation_is_changed_and_taken_back_by_administrators() {
    let mut twin = world();
    let (status, invited) = send(&mut twin, "PUT", &format!("{REPO}/collaborators/zoe"), json!({}));
    assert_eq!((status, &invited["permissions"]), (201, &json!("write")));
    let path = format!("{REPO}/invitations/{}", invited["id"]);
    let (status, changed) = send(&mut twin, "PATCH", &path, json!({ "permissions": "maintain" }));
    assert_eq!((status, &changed["permissions"]), (200, &json!("maintain")));
    assert_eq!(send(&mut twin, "PATCH", &path, json!({ "permissions": "owner" })).0, 422);
    as_user(&mut twin, "alice");
    assert_eq!(send(&mut twin, "DELETE", &path, json!({})).0, 403);
    as_user(&mut twin, "pome-agent");
    assert_eq!(send(&mut twin, "DELETE", &path, json!({})).0, 204);
    assert_eq!(twin.json(&format!("{REPO}/invitations")), json!([]));
}

/// Base64 of a short text.
fn base64(text: &str) -> String {
    const LETTERS: &[u8; 64] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    let mut out = String::new();
    for chunk in text.as_bytes().chunks(3) {
        let bits = chunk.iter().fold(0_usize, |bits, byte| bits << 8 | usize::from(*byte)) << (8 * (3 - chunk.len()));
        for at in 0..4 {
            let letter = char::from(LETTERS[bits >> (18 - 6 * at) & 63]);
            out.push(if at <= chunk.len() { letter } else { '=' });
        }
    }
    out
}

/// What an answer made webhooks hear: event and payload.
fn heard(answer: &pome_twin_kit::envelope::Answer) -> Vec<(String, Value)> {
    let header = |delivery: &pome_twin_kit::envelope::Delivery, name: &str| {
        delivery.headers.iter().find(|(known, _)| known == name).map(|(_, value)| value.clone()).unwrap_or_default()
    };
    let deliveries = answer.report.deliveries.iter();
    deliveries
        .map(|one| (header(one, "x-github-event"), serde_json::from_slice(&one.body).unwrap_or_default()))
        .collect()
}

fn hooked(events: Value) -> Native<GitHub> {
    let mut twin = world();
    let config = json!({ "url": "https://ci.test/hook", "content_type": "json", "secret": "s3cret" });
    let (status, _) = send(&mut twin, "POST", &format!("{REPO}/hooks"), json!({ "config": config, "events": events }));
    assert_eq!(status, 201);
    twin
}

#[test]
fn a_webhook_hears_of_the_events_that_it_subscribed_to() {
    let mut twin = hooked(json!(["issues"]));
    let opened = twin.request("POST", &format!("{REPO}/issues"), Some(&json!({ "title": "Look" })));
    let told = heard(&opened);
    assert_eq!(told.len(), 1);
    let (event, payload) = &told[0];
    assert_eq!(
        (event.as_str(), &payload["action"], &payload["issue"]["title"]),
        ("issues", &json!("opened"), &json!("Look"))
    );
    assert_eq!(payload["sender"]["login"], "pome-agent");
    assert_eq!(payload["repository"]["full_name"], "acme/api");
    let signature = opened.report.deliveries[0].headers.iter().find(|(name, _)| name == "x-hub-signature-256");
    assert!(signature.is_some_and(|(_, value)| value.starts_with("sha256=") && value.len() == 71));
    // Another event, and one that was refused, are not told.
    let comment = twin.request("POST", &format!("{REPO}/issues/1/comments"), Some(&json!({ "body": "Yes" })));
    assert_eq!((comment.status, heard(&comment)), (201, Vec::new()));
    let refused = twin.request("POST", &format!("{REPO}/issues"), Some(&json!({ "title": "" })));
    assert_eq!((refused.status, heard(&refused)), (422, Vec::new()));
    let listed = twin.json(&format!("{REPO}/hooks/1/deliveries"));
    assert_eq!((&listed[0]["event"], &listed[0]["action"]), (&json!("issues"), &json!("opened")));
    assert_eq!(listed[1]["event"], "ping");
    let one = twin.json(&format!("{REPO}/hooks/1/deliveries/{}", listed[0]["id"]));
    assert_eq!(&one["request"]["payload"], payload);
    send(&mut twin, "PATCH", &format!("{REPO}/hooks/1"), json!({ "active": false }));
    let after = twin.request("POST", &format!("{REPO}/issues"), Some(&json!({ "title": "Alone" })));
    assert_eq!((after.status, heard(&after)), (201, Vec::new()));
}

#[test]
fn tools_make_webhooks_hear_as_routes_do() {
    let mut twin = hooked(json!(["issues"]));
    let made = json!({ "method": "create", "owner": "acme", "repo": "api", "title": "By a tool" });
    let answer = twin.call("issue_write", &made);
    assert_eq!(answer.report.deliveries.len(), 1);
}

#[test]
fn a_push_says_which_commits_came_and_what_they_changed() {
    let mut twin = hooked(json!(["push", "create"]));
    let sent = json!({ "message": "Add it", "content": "YQo=", "branch": "main" });
    let answer = twin.request("PUT", &format!("{REPO}/contents/new.txt"), Some(&sent));
    let told = heard(&answer);
    assert_eq!(told.len(), 1);
    let payload = &told[0].1;
    assert_eq!(
        (&payload["ref"], &payload["created"], &payload["forced"]),
        (&json!("refs/heads/main"), &json!(false), &json!(false))
    );
    assert_eq!(payload["commits"].as_array().unwrap().len(), 1);
    assert_eq!(payload["commits"][0]["added"], json!(["new.txt"]));
    assert_eq!(payload["head_commit"]["id"], payload["after"]);
    let made = json!({ "ref": "refs/heads/side", "sha": payload["after"] });
    let answer = twin.request("POST", &format!("{REPO}/git/refs"), Some(&made));
    let events: Vec<String> = heard(&answer).into_iter().map(|(event, _)| event).collect();
    assert_eq!(events, ["push", "create"]);
}

#[test]
fn a_merge_is_told_as_a_push_and_a_closed_pull_request() {
    let mut twin = hooked(json!(["push", "pull_request"]));
    let answer = twin.request("PUT", &format!("{REPO}/pulls/2/merge"), Some(&json!({})));
    assert_eq!(answer.status, 200);
    let told = heard(&answer);
    let names: Vec<_> = told.iter().map(|(event, payload)| (event.as_str(), payload["action"].as_str())).collect();
    assert_eq!(names, [("push", None), ("pull_request", Some("closed"))]);
    assert_eq!(told[1].1["pull_request"]["merged"], true);
}

#[test]
fn a_seed_holds_what_surrounds_repositories() {
    let key = "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIBd2d2d2d2d2d2d2d2d2d2d2d2d2d2d2d2d2d2d2d2d2";
    let mut twin: Native<GitHub> = Native::seeded(Some(&json!({
        "repositories": [{
            "owner": "acme", "name": "api",
            "collaborators": [{ "login": "pome-agent", "permission": "admin" }],
            "stargazers": ["bob", { "login": "carol", "starred_at": "2025-01-01T00:00:00Z" }],
            "watchers": [{ "login": "bob", "ignored": true }],
            "files": [{ "path": "a.txt", "content": "a\n" }],
            "issues": [{ "number": 1, "title": "Broken" }],
            "webhooks": [{ "url": "https://ci.test/hook", "events": ["issues"], "content_type": "json" }],
            "deploy_keys": [{ "title": "CI", "key": key, "read_only": true }],
            "commit_comments": [{ "body": "Nice", "author": "bob", "path": "a.txt", "line": 1 }],
        }],
        "gists": [{
            "owner": "bob", "id": "abc123", "public": true, "files": { "a.md": "# A\n" },
            "comments": [{ "body": "Good", "author": "carol" }], "starred_by": ["pome-agent"],
        }],
        "notifications": [{ "login": "pome-agent", "repository": "acme/api", "number": 1, "reason": "mention" }],
    })));
    let gazers = twin.json(&format!("{REPO}/stargazers"));
    assert_eq!((&gazers[0]["login"], &gazers[1]["login"]), (&json!("carol"), &json!("bob")));
    assert_eq!(twin.json(&format!("{REPO}/subscribers")), json!([]));
    assert_eq!(twin.json(&format!("{REPO}/hooks"))[0]["events"], json!(["issues"]));
    assert_eq!(twin.json(&format!("{REPO}/keys"))[0]["read_only"], true);
    assert_eq!(twin.json(&format!("{REPO}/comments"))[0]["user"]["login"], "bob");
    assert_eq!(twin.json("/gists/abc123")["files"]["a.md"]["content"], "# A\n");
    assert_eq!(twin.json("/gists/abc123/comments")[0]["body"], "Good");
    assert_eq!(twin.json("/gists/starred")[0]["id"], "abc123");
    assert_eq!(twin.json("/notifications")[0]["reason"], "mention");
    let answer = twin.request("PATCH", &format!("{REPO}/issues/1"), Some(&json!({ "state": "closed" })));
    assert_eq!(heard(&answer)[0].1["action"], "closed");
}

#[test]
fn a_seed_with_a_webhook_that_leads_nowhere_is_refused() {
    let mut twin: Native<GitHub> = Native::new();
    for hook in [json!({ "url": "ftp://ci.test" }), json!({ "url": "https://ci.test", "events": ["nothing"] })] {
        let seed = json!({ "repositories": [{ "owner": "acme", "name": "api", "webhooks": [hook] }] });
        assert!(!twin.seed(Some(&seed)).accepted);
    }
}
