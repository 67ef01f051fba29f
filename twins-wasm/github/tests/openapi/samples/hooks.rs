//! Webhooks and keys of a repository.

use serde_json::json;

use super::text;
use crate::drive::Drive;

const HOOKS: &str = "/repos/acme/api/hooks";
const KEYS: &str = "/repos/acme/api/keys";

pub(crate) fn send(to: &mut Drive<'_>) {
    hooks(to);
    keys(to);
}

fn hooks(to: &mut Drive<'_>) {
    let config =
        json!({ "url": "https://ci.test/hook", "content_type": "json", "secret": "s3cret", "insecure_ssl": "0" });
    let hook =
        to.post(201, HOOKS, json!({ "name": "web", "config": config, "events": ["push", "issues"], "active": true }));
    to.post(422, HOOKS, json!({ "config": { "content_type": "json" } }));
    to.post(422, HOOKS, json!({ "config": config, "events": ["no_event"] }));
    to.get(200, HOOKS);
    let path = format!("{HOOKS}/{}", text(&hook, "/id"));
    to.get(200, &path);
    to.get(404, &format!("{HOOKS}/99"));
    to.patch(200, &path, json!({ "add_events": ["release"], "remove_events": ["issues"], "active": true }));
    to.patch(200, &path, json!({ "events": ["*"], "config": { "url": "https://ci.test/other" } }));
    to.patch(422, &path, json!({ "config": { "url": "ftp://ci.test" } }));
    to.get(200, &format!("{path}/config"));
    to.patch(200, &format!("{path}/config"), json!({ "content_type": "form", "insecure_ssl": 1 }));
    to.post(204, &format!("{path}/pings"), json!(null));
    to.post(204, &format!("{path}/tests"), json!(null));
    to.post(204, &format!("{path}/test"), json!(null));
    let page = to.get(200, &format!("{path}/deliveries?per_page=1"));
    to.get(200, &format!("{path}/deliveries?per_page=5&cursor={}", text(&page, "/0/id")));
    to.get(200, &format!("{path}/deliveries?status=success"));
    let sent = format!("{path}/deliveries/{}", text(&page, "/0/id"));
    to.get(200, &sent);
    to.get(404, &format!("{path}/deliveries/99"));
    to.post(202, &format!("{sent}/attempts"), json!(null));
    to.act_as("rita");
    to.probe("GET", HOOKS, &json!(null));
    to.probe("DELETE", &path, &json!(null));
    to.act_as("pome-agent");
    to.delete(204, &path);
    to.delete(404, &path);
}

fn keys(to: &mut Drive<'_>) {
    let line = "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIBd2d2d2d2d2d2d2d2d2d2d2d2d2d2d2d2d2d2d2d2d2 ci";
    let key = to.post(201, KEYS, json!({ "title": "CI", "key": line, "read_only": true }));
    to.post(422, KEYS, json!({ "title": "CI", "key": line }));
    to.post(422, KEYS, json!({ "title": "Bad", "key": "no key" }));
    to.get(200, KEYS);
    let path = format!("{KEYS}/{}", text(&key, "/id"));
    to.get(200, &path);
    to.delete(204, &path);
    to.get(404, &path);
}
