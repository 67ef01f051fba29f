//! The contract that every twin keeps, in the words of each vendor beside GitHub.

use pome_sandbox::{Component, Engine, Limits};
use serde_json::{Value, json};

use crate::support::{Response, SID, Setup, Twin, token};

fn start(name: &str, setup: Setup) -> Twin {
    let component: Component = Engine::new(Limits::default()).unwrap().embedded(name).unwrap();
    Twin::start(component, setup)
}

fn post(twin: &Twin, path: &str, kind: &str, body: &str) -> Response {
    let authorization = format!("Bearer {}", token(SID, 3600));
    twin.send("POST", path, &[("authorization", &authorization), ("content-type", kind)], body.as_bytes())
}

const FORM: &str = "application/x-www-form-urlencoded";
const JSON: &str = "application/json";

#[test]
fn slack_takes_and_refuses_what_the_contract_says() {
    let twin = start("slack", Setup::default());
    let health = twin.send("GET", "/healthz", &[], b"").json();
    assert_eq!((&health["twin"], &health["implementation"]), (&json!("slack"), &json!("slack_clone")));
    assert!(health.get("fidelity").is_none());
    assert_eq!(twin.get("/_pome/health").json(), json!({ "ok": true, "twin": "slack" }));
    assert_eq!(twin.get("/healthz").json(), json!({ "ok": true, "sid": SID }));
    let tools = twin.get("/mcp/tools").json();
    assert_eq!(json!(tools["tools"].as_array().unwrap().len()), health["tools"]);

    for (kind, body, status, ok) in [
        (JSON, "{}", 200, true),
        (JSON, r#"{"definitely":"not-a-seed"}"#, 200, true),
        (JSON, "{oops", 200, true),
        (JSON, "", 200, true),
        (FORM, "seed=whatever", 500, false),
    ] {
        let answer = post(&twin, "/admin/seed", kind, body);
        assert_eq!((answer.status, &answer.json()["ok"]), (status, &json!(ok)), "{body}");
    }
    assert_eq!(twin.send("POST", "/admin/reset", &[], b"").json(), json!({ "ok": true }));

    let call = |kind: &str, body: &str| post(&twin, &format!("/s/{SID}/mcp/call"), kind, body);
    let unknown = call(JSON, r#"{"tool":"no_such_tool","arguments":{}}"#);
    assert_eq!(unknown.both(), json!({ "status": 404, "body": { "ok": false, "error": "unknown_tool" } }));
    let broken = call(JSON, "{oops");
    assert_eq!(broken.both(), json!({ "status": 400, "body": { "ok": false, "error": "invalid_arguments" } }));
    assert_eq!(call(JSON, r#"{"name":"slack_read_user_profile","params":{}}"#).status, 200);
    assert_eq!(call(FORM, "tool=slack_read_user_profile").status, 200);

    let health = format!("/s/{SID}/_pome/health");
    for (authorization, error) in [
        (None, "not_authed"),
        (Some("Basic abc".to_owned()), "not_authed"),
        (Some(token(SID, 3600)), "not_authed"),
        (Some("Bearer garbage".to_owned()), "invalid_auth"),
        (Some(format!("Bearer {}", token(SID, -60))), "token_expired"),
        (Some(format!("Bearer {}", token("other", 3600))), "invalid_auth"),
    ] {
        let headers: Vec<(&str, &str)> = authorization.iter().map(|value| ("authorization", value.as_str())).collect();
        let answer = twin.send("GET", &health, &headers, b"");
        assert_eq!((answer.status, &answer.json()["error"]), (401, &json!(error)), "{authorization:?}");
    }
    // The token may stand in the query and in a form.
    let path = format!("/s/{SID}/auth.test");
    assert_eq!(twin.send("GET", &format!("{path}?token={}", token(SID, 60)), &[], b"").json()["ok"], true);
    let form = format!("token={}", token(SID, 60));
    assert_eq!(twin.send("POST", &path, &[("content-type", FORM)], form.as_bytes()).json()["ok"], true);
    assert!(
        !twin.events().iter().any(|row| row.to_string().contains(&token(SID, 60)[..40])),
        "tokens stay out of rows"
    );

    let other = twin.post("/apps.list", json!({}));
    assert_eq!((other.status, &other.json()["error"]), (501, &json!("unsupported_endpoint")));
    let closed = start("slack", Setup { admin_token: Some("secret".to_owned()), ..Setup::default() });
    let refused = closed.send("POST", "/admin/reset", &[("x-admin-token", "wrong")], b"");
    assert_eq!(refused.both(), json!({ "status": 403, "body": { "ok": false, "error": "restricted_action" } }));
}

#[test]
fn stripe_takes_and_refuses_what_the_contract_says() {
    let twin = start("stripe", Setup::default());
    let health = twin.send("GET", "/healthz", &[], b"").json();
    assert_eq!((&health["implementation"], &health["fidelity"]), (&json!("stripe_clone"), &json!("semantic")));
    assert!(health["tthw_seconds"].is_f64());
    let session = twin.get("/_pome/health").json();
    let keys: Vec<&String> = session.as_object().unwrap().keys().collect();
    assert_eq!(keys, ["ok", "twin", "implementation", "fidelity", "tthw_seconds", "runtime", "recorder"]);
    assert_eq!(session["recorder"], json!({ "events": 0, "dropped": 0 }));
    assert_eq!(twin.get("/healthz").status, 501);

    for (kind, body, status) in [
        (JSON, "{}", 200),
        (JSON, r#"{"definitely":"not-a-seed"}"#, 200),
        (FORM, "seed=whatever", 200),
        (JSON, "{oops", 200),
        (JSON, "", 200),
        (JSON, "[]", 400),
        (JSON, r#"{"payment_intents":[{"id":"pi_1"}]}"#, 400),
    ] {
        let answer = post(&twin, "/admin/seed", kind, body);
        assert_eq!(answer.status, status, "{body}: {}", answer.text());
    }
    let reset = twin.send("POST", "/admin/reset", &[], b"").json();
    assert_eq!(reset, json!({ "ok": true, "message": "Stripe twin state reset to default seed." }));
    let admin = |row: &Value| row["path"].as_str().unwrap().starts_with("/admin");
    assert!(!twin.events().iter().any(admin), "admin calls are not recorded");

    let error = |answer: &Response, name: &str| answer.json()["error"][name].clone();
    let call = |kind: &str, body: &str| post(&twin, &format!("/s/{SID}/mcp/call"), kind, body);
    for (kind, body, status, code) in [
        (JSON, r#"{"tool":"no_such_tool"}"#, 400, "tool_unknown"),
        (JSON, r#"{"name":"retrieve_balance","params":{}}"#, 400, "parameter_invalid"),
        (JSON, "{oops", 400, "parameter_invalid"),
    ] {
        let answer = call(kind, body);
        assert_eq!((answer.status, error(&answer, "code")), (status, json!(code)), "{body}");
    }
    assert_eq!(call(JSON, r#"{"tool":"retrieve_balance"}"#).json()["object"], "balance");
    assert_eq!(call(FORM, "tool=retrieve_balance").status, 200);

    let path = format!("/s/{SID}/v1/balance");
    for (authorization, status, message) in [
        (None, 401, "You did not provide an API key."),
        (Some("Bearer garbage".to_owned()), 401, "Bad credentials"),
        (Some("Bearer sk_test_nobody".to_owned()), 401, "Invalid API Key provided"),
        (Some(format!("Bearer {}", token(SID, -60))), 401, "Token expired"),
        (Some(format!("Bearer {}", token("other", 3600))), 403, "Session id mismatch."),
    ] {
        let headers: Vec<(&str, &str)> = authorization.iter().map(|value| ("authorization", value.as_str())).collect();
        let answer = twin.send("GET", &path, &headers, b"");
        let said = error(&answer, "message");
        assert_eq!(answer.status, status, "{authorization:?}");
        assert!(said.as_str().unwrap().starts_with(message), "{authorization:?}: {said}");
    }
    // The seed's key, bare, as a bearer, as a user name; below the session and at the root.
    let basic = base64::Engine::encode(&base64::engine::general_purpose::STANDARD, "sk_test_pome_default:");
    for value in ["sk_test_pome_default", "bearer sk_test_pome_default", &format!("Basic {basic}")] {
        let answer = twin.send("GET", "/v1/balance", &[("authorization", value)], b"");
        assert_eq!(answer.status, 200, "{value}: {}", answer.text());
    }
    assert_eq!(twin.send("GET", &path, &[("authorization", &token(SID, 60))], b"").status, 200);
    assert_eq!(twin.send("GET", "/v1/nothing", &[], b"").status, 401);
    let other = twin.send("GET", "/v1/nothing", &[("authorization", "sk_test_pome_default")], b"");
    assert_eq!(
        (other.status, error(&other, "code"), error(&other, "fidelity")),
        (501, json!("endpoint_not_supported"), json!("unsupported"))
    );
    let closed = start("stripe", Setup { admin_token: Some("secret".to_owned()), ..Setup::default() });
    let refused = closed.send("POST", "/admin/reset", &[], b"");
    assert_eq!(
        refused.both(),
        json!({ "status": 403, "body": { "error": { "type": "invalid_request_error", "code": "forbidden", "message": "Forbidden" } } })
    );
}
