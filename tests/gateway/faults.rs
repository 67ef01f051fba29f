//! Faults that a seed asks for.

use serde_json::{Value, json};

use crate::support::{SID, Setup, Twin, github};

fn with(extra: Value) -> Twin {
    let mut seed =
        json!({ "repositories": [{ "owner": "acme", "name": "api", "issues": [{ "number": 1, "title": "one" }] }] });
    seed.as_object_mut().unwrap().extend(extra.as_object().unwrap().clone());
    Twin::start(github(), Setup { seed: Some(seed), ..Setup::default() })
}

fn statuses(twin: &Twin, path: &str, count: usize) -> Vec<u16> {
    (0..count).map(|_| twin.get(path).status).collect()
}

#[test]
fn the_nth_request_is_answered_as_written() {
    let twin = with(json!({ "failure_injection": [
        { "method": "get", "path": "/repos/acme/api", "attempt": 2, "mode": "before_handler", "status": 503, "body": { "error": { "message": "down" } } },
    ] }));
    assert_eq!(twin.send("GET", &format!("/s/{SID}/repos/acme/api"), &[], b"").status, 401, "neither fires nor counts");
    assert_eq!(statuses(&twin, "/repos/acme/api", 3), [200, 503, 200]);
    let row = &twin.events()[1];
    assert_eq!((row["status"].clone(), row["error"].clone()), (json!(503), json!("down")));
    assert_eq!(
        (row["tool"].clone(), row["response_body"].clone()),
        (Value::Null, json!({ "error": { "message": "down" } }))
    );
    twin.send("POST", "/admin/reset", &[], b"");
    assert_eq!(statuses(&twin, "/repos/acme/api", 3), [200, 503, 200], "counting begins anew");
    twin.send("POST", "/admin/reset", &[], b"");
    let spelled = ["/api/v3/repos/acme/api", "/repos/acme/api"].map(|path| twin.get(path).status);
    assert_eq!(spelled, [200, 503], "another spelling of the path is the same route");
}

#[test]
fn an_answer_can_be_lost_after_the_change() {
    let twin = with(json!({ "failure_injection": [
        { "method": "POST", "path": "/repos/acme/api/issues", "attempt": 1, "status": 502, "body": { "message": "lost" } },
    ] }));
    assert_eq!(twin.post("/repos/acme/api/issues", json!({ "title": "two" })).status, 502);
    assert_eq!(twin.get("/repos/acme/api/issues").json().as_array().unwrap().len(), 2);
    let row = &twin.events()[0];
    assert_eq!((row["status"].clone(), row["state_mutation"].clone()), (json!(502), json!(true)));
    assert!(row["state_delta"].is_object() && row["tool"].is_string());
    assert_eq!(row["error"], "lost");
}

#[test]
fn named_faults_hit_routes_tools_and_everything() {
    let read = json!({ "jsonrpc": "2.0", "id": 1, "method": "tools/call", "params": { "name": "issue_read",
        "arguments": { "method": "get", "owner": "acme", "repo": "api", "issue_number": 1 } } });
    let is_error = |twin: &Twin| twin.post("/mcp", read.clone()).json()["result"]["isError"] == json!(true);

    let route = with(
        json!({ "faults": [{ "name": "rate-limited", "target": "GET /repos/:owner/:repo/issues/*", "succeedFirst": 1, "throttleFor": 2, "retryAfterSeconds": 9 }] }),
    );
    assert_eq!(statuses(&route, "/repos/acme/api/issues/1", 4), [200, 403, 403, 200]);
    assert_eq!(route.get("/repos/acme/api").status, 200);
    assert!(!is_error(&route));

    let limited = with(json!({ "faults": [{ "name": "rate-limited", "target": "*", "retryAfterSeconds": 9 }] }));
    let answer = limited.get("/repos/acme/api");
    assert_eq!(
        (answer.status, answer.header("retry-after"), answer.header("x-ratelimit-remaining")),
        (403, Some("9"), Some("0"))
    );
    assert!(is_error(&limited), "a tool call counts as well");

    let tool = with(json!({ "faults": [{ "name": "server-error", "target": "issue_read", "throttleFor": 1 }] }));
    assert!(is_error(&tool));
    assert!(!is_error(&tool));
    assert_eq!(tool.events()[0]["status"], 502);
}

#[test]
fn a_fault_in_a_seed_that_is_not_understood_is_refused() {
    let twin = Twin::github();
    let seed = json!({ "repositories": [], "faults": [{ "name": "earthquake", "target": "*" }] });
    let response = twin.admin("POST", "/admin/seed", seed);
    assert_eq!(response.status, 422);
    assert!(
        response.text().contains("faults[0].name") && response.text().contains("rate-limited"),
        "{}",
        response.text()
    );
}
