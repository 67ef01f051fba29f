//! What a consumer may assert of every twin, as a table, against the GitHub twin.

use serde_json::{Value, json};

use crate::support::{SID, Setup, Twin, github, token};

/// Sends the bytes as they are.
fn raw(twin: &Twin, path: &str, kind: &str, body: &str) -> crate::support::Response {
    let authorization = format!("Bearer {}", token(SID, 3600));
    twin.send("POST", path, &[("authorization", &authorization), ("content-type", kind)], body.as_bytes())
}

fn keys(value: &Value) -> Vec<&str> {
    let mut keys: Vec<&str> = value.as_object().unwrap().keys().map(String::as_str).collect();
    keys.sort_unstable();
    keys
}

#[test]
fn health_says_who_the_twin_is() {
    let twin = Twin::github();
    let health = twin.send("GET", "/healthz", &[], b"").json();
    assert_eq!(health["ok"], true);
    assert_eq!(health["twin"], "github");
    assert_eq!(health["implementation"], "github_clone");
    assert_eq!(health["fidelity"], "semantic");
    for key in ["package", "version", "git_sha", "build_time"] {
        assert!(health["runtime"][key].is_string(), "{key}");
    }
    let access = &health["access_control"];
    assert_eq!(
        access["total"].as_u64().unwrap(),
        access["allowed"].as_u64().unwrap() + access["denied"].as_u64().unwrap()
    );
    let tools = twin.get("/mcp/tools").json();
    assert!(health["tools"].as_u64().unwrap() > 0);
    assert_eq!(health["tools"].as_u64().unwrap(), tools["tools"].as_array().unwrap().len() as u64);

    let head = twin.send("HEAD", "/healthz", &[], b"");
    assert_eq!((head.status, head.body.len()), (200, 0));
}

#[test]
fn the_platform_documents_of_a_session_have_their_shapes() {
    let twin = Twin::github();
    assert_eq!(keys(&twin.get("/_pome/health").json()), ["fidelity", "implementation", "ok", "runtime", "twin"]);
    assert!(twin.get("/_pome/health?verbose=1").json()["clock"].is_string());
    assert!(twin.get("/_pome/state").json().is_object());
    assert_eq!(twin.get("/_pome/events").json(), json!([]));
    assert_eq!(twin.get("/healthz").json(), json!({ "ok": true, "sid": SID }));
    assert!(twin.get("/_pome/access-control").json().is_object());
    assert!(!twin.get("/_pome/routes").json()["routes"].as_array().unwrap().is_empty());
    assert_eq!(twin.events(), Vec::<Value>::new(), "none of these is recorded");
}

#[test]
fn reset_needs_no_token_on_this_machine() {
    let twin = Twin::github();
    assert_eq!(twin.post("/repos/acme/api/issues", json!({ "title": "second" })).status, 201);
    let reset = twin.send("POST", "/admin/reset", &[], b"");
    assert_eq!(
        reset.both(),
        json!({ "status": 200, "body": { "ok": true, "message": "GitHub twin state reset to default seed." } })
    );
    assert_eq!(twin.get("/repos/acme/api/issues").json().as_array().unwrap().len(), 1);
    let paths: Vec<Value> = twin.events().iter().map(|event| event["path"].clone()).collect();
    assert_eq!(
        paths,
        [
            json!(format!("/s/{SID}/repos/acme/api/issues")),
            json!("/admin/reset"),
            json!(format!("/s/{SID}/repos/acme/api/issues"))
        ],
        "the trace survives a reset"
    );
    assert_eq!(twin.send("POST", "/admin/reset?tape=1", &[], b"").status, 200);
    assert_eq!(twin.events(), Vec::<Value>::new(), "unless it is asked for");
}

#[test]
fn reset_returns_to_the_seed_of_the_start_unless_told_otherwise() {
    let seed = json!({ "repositories": [{ "owner": "acme", "name": "other" }] });
    let twin = Twin::start(github(), Setup { seed: Some(seed), ..Setup::default() });
    assert_eq!(twin.get("/repos/acme/other").status, 200);
    twin.send("POST", "/admin/reset", &[], b"");
    assert_eq!(twin.get("/repos/acme/other").status, 200);
    assert_eq!(twin.send("POST", "/admin/reset?seed=default", &[], b"").status, 200);
    assert_eq!(twin.get("/repos/acme/other").status, 404);
    assert_eq!(twin.get("/repos/acme/api").status, 200);
    assert_eq!(twin.send("POST", "/admin/reset?seed=nonsense", &[], b"").status, 400);
}

#[test]
fn seed_bodies_are_judged_by_the_twin() {
    let twin = Twin::github();
    let valid = r#"{"repositories":[{"owner":"acme","name":"one"},{"owner":"acme","name":"two"}]}"#;
    let cases = [
        ("application/json", valid, 200, "ok", json!(true)),
        ("application/json", r#"{"definitely":"not-a-seed"}"#, 422, "message", json!("Validation Failed")),
        ("application/x-www-form-urlencoded", "seed=whatever", 400, "message", json!("Problems parsing JSON")),
        ("application/json", "{oops", 400, "message", json!("Problems parsing JSON")),
        ("application/json", "", 400, "message", json!("Problems parsing JSON")),
        ("application/json", "{}", 422, "message", json!("Validation Failed")),
    ];
    for (kind, body, status, key, value) in cases {
        let response = raw(&twin, "/admin/seed", kind, body);
        assert_eq!((response.status, &response.json()[key]), (status, &value), "{body}");
    }
    assert_eq!(twin.get("/repos/acme/two").status, 200, "a refused seed leaves the world as it was");
    let rows: Vec<Value> = twin.events().into_iter().filter(|event| event["path"] == "/admin/seed").collect();
    assert_eq!(rows.len(), cases_count());
    assert!(rows[0]["state_delta"].is_object());
    assert_eq!(rows.last().unwrap()["state_delta"], Value::Null);
}

const fn cases_count() -> usize {
    6
}

#[test]
fn the_auth_matrix_holds() {
    let twin = Twin::github();
    let path = format!("/s/{SID}/_pome/health");
    let good = token(SID, 3600);
    let cases = [
        ("none", None, "Requires authentication"),
        ("basic", Some("Basic abc".to_owned()), "Requires authentication"),
        ("raw", Some(good.clone()), "Requires authentication"),
        ("garbage", Some("Bearer garbage".to_owned()), "Bad credentials"),
        ("expired", Some(format!("Bearer {}", token(SID, -60))), "Bad credentials"),
        ("other session", Some(format!("Bearer {}", token("other", 3600))), "Forbidden"),
    ];
    for (name, authorization, message) in cases {
        let headers: Vec<(&str, &str)> = authorization.iter().map(|value| ("authorization", value.as_str())).collect();
        let response = twin.send("GET", &path, &headers, b"");
        let body = json!({ "message": message, "documentation_url": "https://docs.github.com/rest", "status": "401" });
        assert_eq!(response.both(), json!({ "status": 401, "body": body }), "{name}");
        // The wall stands before every path, also one that nobody knows.
        let unknown = twin.send("GET", &format!("/s/{SID}/no/such/path"), &headers, b"");
        assert_eq!(unknown.status, 401, "{name}");
    }
    for scheme in ["Bearer", "bearer", "token"] {
        let authorization = format!("{scheme} {good}");
        assert_eq!(twin.send("GET", &path, &[("authorization", &authorization)], b"").status, 200, "{scheme}");
    }
    assert_eq!(twin.events(), Vec::<Value>::new(), "refusals leave no trace");
}

#[test]
fn a_session_name_is_compared_decoded() {
    let twin = Twin::github();
    let authorization = format!("Bearer {}", token("a/b c", 3600));
    let response = twin.send("GET", "/s/a%2Fb%20c/healthz", &[("authorization", &authorization)], b"");
    assert_eq!(response.both(), json!({ "status": 200, "body": { "ok": true, "sid": "a/b c" } }));
}

#[test]
fn the_older_tool_doors_have_their_corners() {
    let twin = Twin::github();
    let path = format!("/s/{SID}/mcp/call");
    let json_kind = "application/json";
    let field = |response: &crate::support::Response| response.json()["errors"][0].clone();

    let unknown = raw(&twin, &path, json_kind, r#"{"tool":"list_repos","arguments":{}}"#);
    assert_eq!((unknown.status, unknown.json()["message"].clone()), (422, json!("Validation Failed")));
    assert_eq!(
        field(&unknown),
        json!({ "resource": "Request", "field": "tool", "code": "invalid", "value": "list_repos" })
    );
    let aliased = raw(&twin, &path, json_kind, r#"{"name":"issue_read","params":{}}"#);
    assert_eq!((aliased.status, field(&aliased)["field"].clone()), (422, json!("tool")));
    for (kind, body) in [("application/x-www-form-urlencoded", "tool=issue_read"), (json_kind, "{oops")] {
        let response = raw(&twin, &path, kind, body);
        assert_eq!(
            (response.status, response.json()["message"].clone()),
            (400, json!("Problems parsing JSON")),
            "{body}"
        );
    }
    let arguments = json!({ "owner": "acme", "repo": "api", "issue_number": 1, "method": "get" });
    let called = twin.post("/mcp/call", json!({ "tool": "issue_read", "arguments": arguments }));
    assert_eq!((called.status, called.json()["number"].clone()), (200, json!(1)), "the value itself, not wrapped");
    let named = twin.post("/mcp/tools/issue_read", arguments);
    assert_eq!(named.json(), called.json());
    let nobody = twin.post("/mcp/tools/nobody", json!({}));
    assert_eq!((nobody.status, field(&nobody)["value"].clone()), (422, json!("nobody")));

    let rows = twin.events();
    let tools: Vec<Value> = rows.iter().map(|row| row["tool"].clone()).collect();
    assert_eq!(
        tools,
        [
            json!("list_repos"),
            json!(null),
            json!(null),
            json!(null),
            json!("issue_read"),
            json!("issue_read"),
            json!("nobody")
        ]
    );
    assert!(rows.iter().all(|row| row["fidelity"] == "semantic"));
    assert_eq!(rows[4]["request_body"]["tool"], "issue_read");
}

#[test]
fn what_is_not_modelled_is_refused_loudly_and_recorded() {
    let twin = Twin::github();
    for (method, path) in [
        ("GET", "/no/such/route"),
        ("PUT", "/mcp"),
        ("OPTIONS", "/repos/acme/api"),
        ("POST", "/_pome/health"),
        ("GET", "/_pome/health/"),
        ("GET", ""),
        ("GET", "/"),
        ("GET", "/_pome/nothing"),
    ] {
        let response = twin.call(method, path, None);
        assert_eq!(response.status, 501, "{method} {path}");
        assert_eq!(response.json()["_twin"]["fidelity"], "unsupported", "{method} {path}");
    }
    let rows = twin.events();
    assert_eq!(rows.len(), 8);
    assert!(
        rows.iter()
            .all(|row| row["fidelity"] == "unsupported" && row["state_mutation"] == false && row["tool"].is_null())
    );
}

#[test]
fn elsewhere_there_is_nothing() {
    let twin = Twin::github();
    for (method, path) in [
        ("GET", "/"),
        ("GET", "/repos/acme/api"),
        ("GET", "/healthz/"),
        ("POST", "/healthz"),
        ("GET", "/admin/reset"),
        ("GET", "/s/"),
        ("GET", "/mcp"),
    ] {
        let response = twin.send(method, path, &[], b"");
        assert_eq!((response.status, response.text().as_str()), (404, "404 Not Found"), "{method} {path}");
        assert!(response.header("content-type").unwrap().starts_with("text/plain"), "{method} {path}");
        assert!(response.header("access-control-allow-origin").is_none());
    }
}

#[test]
fn an_admin_token_replaces_the_look_at_the_socket() {
    let setup = Setup { admin_token: Some("let-me-in".to_owned()), ..Setup::default() };
    let twin = Twin::start(github(), setup);
    let forbidden = json!({
        "status": 403,
        "body": { "message": "Forbidden", "documentation_url": "https://docs.github.com/rest", "status": "403" },
    });
    for path in ["/admin/reset", "/admin/seed", "/admin/sessions", "/admin/sessions/x/reset"] {
        assert_eq!(twin.send("POST", path, &[], b"").both(), forbidden, "{path}: missing");
        for wrong in ["let-me-out", "let-me-in ", "let-me-i", ""] {
            let sent = format!("{wrong}.");
            let response = twin.send("POST", path, &[("x-admin-token", &sent)], b"");
            assert_eq!(response.both(), forbidden, "{path}: {wrong:?}");
        }
    }
    let right = twin.send("POST", "/admin/reset", &[("x-admin-token", "let-me-in")], b"");
    assert_eq!(right.status, 200);
    assert_eq!(twin.events().len(), 1, "a refused admin call leaves no trace");
}

#[test]
fn state_is_never_on_the_trace_and_always_redacted() {
    let twin = Twin::github();
    let secret = "the key is sk-prod-7f3a9b2c4d5e6f81";
    assert_eq!(twin.post("/repos/acme/api/issues", json!({ "title": "leak", "body": secret })).json()["body"], secret);
    let state = twin.get("/_pome/state").text();
    assert!(state.contains("the key is [REDACTED]") && !state.contains("sk-prod-7f3a9b2c4d5e6f81"));
    twin.post("/_pome/state", json!({}));
    let rows = twin.events();
    assert!(rows.iter().all(|row| !row["path"].as_str().unwrap().contains("_pome/state")));
    assert_eq!(rows[0]["response_body"]["body"], "the key is [REDACTED]");
}

#[test]
fn a_body_beyond_the_limit_is_refused_and_the_server_lives_on() {
    let setup = Setup { body_limit: Some(1000), ..Setup::default() };
    let twin = Twin::start(github(), setup);
    let long = twin.post("/repos/acme/api/issues", json!({ "title": "x".repeat(2000) }));
    assert_eq!((long.status, long.json()["error"]["code"].clone()), (413, json!("payload_too_large")));
    // Without a length, so that it is noticed while reading.
    let authorization = token(SID, 3600);
    let head = format!(
        "POST /s/{SID}/repos/acme/api/issues HTTP/1.1\r\nhost: x\r\nauthorization: Bearer {authorization}\r\ntransfer-encoding: chunked\r\n\r\n7d0\r\n{}\r\n0\r\n\r\n",
        "x".repeat(2000)
    );
    assert!(twin.raw(head.as_bytes()).starts_with(b"HTTP/1.1 413"));
    assert_eq!(twin.get("/repos/acme/api").status, 200);
}

#[test]
fn a_client_that_dawdles_is_dropped() {
    let setup = Setup { head_time: Some(std::time::Duration::from_millis(100)), ..Setup::default() };
    let twin = Twin::start(github(), setup);
    let answer = twin.raw(b"GET /healthz HTTP/1.1\r\nhost: x\r\nx-slow:");
    assert!(answer.is_empty() || answer.starts_with(b"HTTP/1.1 408"), "{answer:?}");
}

#[test]
fn the_head_of_a_route_is_what_get_would_say() {
    let twin = Twin::github();
    let head = twin.call("HEAD", "/repos/acme/api", None);
    assert_eq!((head.status, head.body.len()), (200, 0));
    let row = &twin.events()[0];
    assert_eq!((row["method"].clone(), row["status"].clone()), (json!("HEAD"), json!(200)));
    assert_eq!((row["request_body"].clone(), row["response_body"].clone()), (Value::Null, Value::Null));
}

#[test]
fn links_lead_back_to_the_address_that_was_asked() {
    let twin = Twin::github();
    for number in 0..3 {
        twin.post("/repos/acme/api/issues", json!({ "title": number.to_string() }));
    }
    let page = twin.get("/repos/acme/api/issues?per_page=1");
    let link = page.header("link").unwrap().to_owned();
    assert!(link.contains(&format!("<http://{}/s/{SID}/", twin.address)), "{link}");
}
