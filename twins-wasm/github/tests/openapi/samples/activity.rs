//! Following, addresses, stars, watching and notifications.

use serde_json::json;

use super::text;
use crate::drive::Drive;

const TIMED: &str = "application/vnd.github.star+json";

pub(crate) fn send(to: &mut Drive<'_>) {
    profile(to);
    emails(to);
    following(to);
    stars(to);
    watching(to);
    notifications(to);
}

fn profile(to: &mut Drive<'_>) {
    to.get(200, "/users?per_page=2");
    let alice = to.get(200, "/users/alice");
    to.get(200, &format!("/user/{}", text(&alice, "/id")));
    to.get(404, "/user/1");
    let about = json!({
        "name": "The Agent", "email": "agent@acme.test", "blog": "https://agent.test", "twitter_username": "agent",
        "company": "Acme", "location": "Here", "hireable": true, "bio": "Works.",
    });
    to.patch(200, "/user", about);
    to.patch(422, "/user", json!({ "bio": "long ".repeat(40) }));
    to.get(200, "/user");
    to.get(200, "/users/pome-agent");
}

fn emails(to: &mut Drive<'_>) {
    to.get(200, "/user/emails?per_page=5");
    to.post(201, "/user/emails", json!({ "emails": ["other@acme.test"] }));
    to.post(201, "/user/emails", json!(["third@acme.test"]));
    to.post(422, "/user/emails", json!({ "emails": ["nothing"] }));
    to.get(200, "/user/emails?per_page=2&page=2");
    to.send(204, "DELETE", "/user/emails", &json!({ "emails": ["other@acme.test"] }));
    to.send(422, "DELETE", "/user/emails", &json!({ "emails": ["other@acme.test"] }));
}

fn following(to: &mut Drive<'_>) {
    to.put(204, "/user/following/alice", json!(null));
    to.get(204, "/user/following/alice");
    to.get(404, "/user/following/bob");
    to.get(200, "/user/following");
    to.get(200, "/users/alice/followers");
    to.get(200, "/users/pome-agent/following");
    to.get(204, "/users/pome-agent/following/alice");
    to.get(404, "/users/alice/following/pome-agent");
    to.act_as("alice");
    to.put(204, "/user/following/pome-agent", json!(null));
    to.act_as("pome-agent");
    to.get(200, "/user/followers");
    to.delete(204, "/user/following/alice");
    to.probe("PUT", "/user/following/nobody", &json!(null));
}

fn stars(to: &mut Drive<'_>) {
    to.get(404, "/user/starred/acme/api");
    to.put(204, "/user/starred/acme/api", json!(null));
    to.put(404, "/user/starred/acme/nothing", json!(null));
    to.get(204, "/user/starred/acme/api");
    to.get(200, "/user/starred?sort=created&direction=asc");
    to.get_as(200, "/users/pome-agent/starred", TIMED);
    to.get(200, "/users/pome-agent/starred?sort=updated&direction=desc");
    to.get(200, "/repos/acme/api/stargazers");
    to.get_as(200, "/repos/acme/api/stargazers", TIMED);
    to.delete(204, "/user/starred/acme/api");
}

fn watching(to: &mut Drive<'_>) {
    let path = "/repos/acme/api/subscription";
    to.get(404, path);
    to.put(200, path, json!({ "subscribed": true }));
    to.get(200, path);
    to.get(200, "/repos/acme/api/subscribers");
    to.get(200, "/user/subscriptions");
    to.put(200, path, json!({ "ignored": true }));
    to.delete(204, path);
}

fn notifications(to: &mut Drive<'_>) {
    to.act_as("alice");
    to.post(201, "/repos/acme/api/issues", json!({ "title": "Look", "body": "@pome-agent, please." }));
    to.post(201, "/repos/acme/api/issues/3/comments", json!({ "body": "And here, @pome-agent." }));
    to.act_as("pome-agent");
    let all = to.get(200, "/notifications?all=true&participating=true");
    to.get(200, "/repos/acme/api/notifications?since=2020-01-01T00:00:00Z");
    let path = format!("/notifications/threads/{}", text(&all, "/0/id"));
    to.get(200, &path);
    to.get(404, "/notifications/threads/99");
    to.patch(205, &path, json!(null));
    to.get(200, &format!("{path}/subscription"));
    to.put(200, &format!("{path}/subscription"), json!({ "ignored": true }));
    to.delete(204, &format!("{path}/subscription"));
    to.get(200, "/notifications?all=true");
    to.delete(204, &path);
    to.put(205, "/repos/acme/api/notifications", json!({ "last_read_at": "2030-01-01T00:00:00Z" }));
    to.put(205, "/notifications", json!({ "read": false }));
    to.put(205, "/notifications", json!({}));
    to.probe("PUT", "/notifications", &json!({ "last_read_at": "yesterday" }));
    to.probe("GET", "/notifications?since=yesterday", &json!(null));
}
