//! The searches, and the other door that asks for anything.

use crate::drive::Drive;

pub(crate) fn send(to: &mut Drive<'_>) {
    to.get(200, "/search/repositories?q=api&sort=stars&order=desc");
    to.get(200, "/search/code?q=handler+repo:acme/api");
    to.get(200, "/search/commits?q=repo:acme/api+seed&sort=author-date");
    to.get(200, "/search/issues?q=repo:acme/api&sort=created&order=asc");
    to.get(200, "/search/issues?q=repo:acme/api+is:pr");
    to.get(200, "/search/users?q=ali&sort=joined");
    to.get(200, "/search/topics?q=http+repositories:%3E0");
    let repo = to.get(200, "/repos/acme/api");
    to.get(200, &format!("/search/labels?q=bug&repository_id={}", repo["id"]));
    to.post(200, "/graphql", serde_json::json!({ "query": "{ viewer { login } }" }));
    to.probe("GET", "/search/issues", &serde_json::Value::Null);
    to.probe("GET", "/search/issues?q=repo:acme/nothing", &serde_json::Value::Null);
}
