//! What the host has to know of Stripe beside the tables, and the answers that belong to no action.

use pome_twin_kit::describe::{Fault, Identity, Refusal, Tokens, Variable, VariableValue};
use pome_twin_kit::envelope::{Fidelity, Request};
use pome_twin_kit::{Cx, Reply, ToolReply};
use serde_json::{Value, json};

use crate::desk::request_id;
use crate::error::Error;
use crate::{API_VERSION, Stripe, auth, seed};

const NO_KEY: &str = "You did not provide an API key. You need to provide your API key in the Authorization header, using Bearer \
                      auth (e.g. 'Authorization: Bearer YOUR_SECRET_KEY'). See https://stripe.com/docs/api#authentication for \
                      details, or we can help at https://support.stripe.com/.";

fn error_body(kind: &str, code: &str, message: &str) -> Value {
    json!({ "error": { "type": kind, "code": code, "message": message } })
}

fn refusal(case: &'static str, status: u16, code: &str, message: &str) -> Refusal {
    Refusal { case, status, headers: Vec::new(), body: error_body("invalid_request_error", code, message) }
}

fn faults() -> Vec<Fault> {
    let header = |name: &str, value: &str| (name.to_owned(), value.to_owned());
    let fault = |name, status, headers, body| Fault { name, status, headers, body, after_handler: false, delay_ms: 0 };
    let limited = error_body(
        "rate_limit_error",
        "rate_limit",
        "Request rate limit exceeded. You can learn more about rate limits here https://docs.stripe.com/rate-limits.",
    );
    let locked = error_body(
        "invalid_request_error",
        "lock_timeout",
        "This object cannot be accessed right now because another API request or Stripe process is currently accessing it.",
    );
    let server_error = json!({ "error": { "type": "api_error", "message": "An unknown error occurred" } });
    let global = vec![header("stripe-rate-limited-reason", "global-rate"), header("stripe-should-retry", "true")];
    vec![
        fault("rate-limited", 429, global, limited),
        fault("lock-timeout", 429, vec![header("stripe-rate-limited-reason", "resource-specific")], locked),
        fault("server-error", 500, Vec::new(), server_error.clone()),
        Fault { after_handler: true, ..fault("lost-response", 500, Vec::new(), server_error.clone()) },
        Fault { delay_ms: 10_000, ..fault("timeout", 504, Vec::new(), server_error) },
    ]
}

pub(crate) fn identity() -> Identity {
    let variable = |name: &str, value| Variable { name: name.to_owned(), value };
    Identity {
        title: "Stripe",
        implementation: "stripe_clone",
        version: env!("CARGO_PKG_VERSION"),
        default_port: 3333,
        root_mount: true,
        call_aliases: false,
        call_forms: true,
        records_admin: false,
        stamps_tool_call: true,
        health: json!({ "fidelity": "semantic" }),
        session_health: vec!["ok", "twin", "implementation", "fidelity", "tthw_seconds", "runtime", "recorder"],
        extras: Vec::new(),
        reset_answer: json!({ "message": "Stripe twin state reset to default seed." }),
        tokens: Tokens {
            // curl sends the key as the user name.
            schemes: vec!["Bearer".to_owned(), "Basic".to_owned()],
            any_case: true,
            bare: true,
            query: None,
            form: None,
            prefixes: vec!["sk_test_pome_".to_owned()],
            kept: auth::PREFIXES.map(str::to_owned).to_vec(),
            claims: vec![("account_id".to_owned(), seed::DEFAULT_ACCOUNT.to_owned())],
        },
        variables: vec![
            variable("POME_STRIPE_API_BASE", VariableValue::RestUrl),
            variable("POME_STRIPE_API_KEY", VariableValue::SessionToken),
        ],
        refusals: vec![
            refusal("no-token", 401, "unauthorized", NO_KEY),
            refusal("bad-token", 401, "unauthorized", "Bad credentials"),
            refusal("unknown-key", 401, "unauthorized", "Invalid API Key provided."),
            refusal("expired-token", 401, "unauthorized", "Token expired"),
            refusal("wrong-session", 403, "forbidden", "Session id mismatch."),
            refusal("admin-forbidden", 403, "forbidden", "Forbidden"),
            Refusal {
                case: "trap",
                status: 500,
                headers: Vec::new(),
                body: error_body(
                    "api_error",
                    "internal_error",
                    "The Stripe twin stopped unexpectedly while answering this call.",
                ),
            },
        ],
        faults: faults(),
        private_state: Vec::new(),
        mounts: Vec::new(),
        hosts: vec![("api.stripe.com", ""), ("files.stripe.com", ""), ("mcp.stripe.com", "/mcp")],
        clockwork: true,
    }
}

/// The loud answer to whatever is not in the table.
pub(crate) fn unsupported(request: &Request) -> Reply {
    if request.method == "POST" {
        if request.path == "/mcp/call" {
            return uncallable(request);
        }
        if let Some(name) = request.path.strip_prefix("/mcp/tools/") {
            let ToolReply { status, value, .. } = unknown_tool(name);
            let mut reply = Reply { body: value, ..Reply::new(status) };
            reply.header("content-type", "application/json; charset=utf-8");
            return reply;
        }
    }
    let mut body = error_body(
        "invalid_request_error",
        "endpoint_not_supported",
        "This endpoint is not supported by this Stripe twin.",
    );
    body["error"]["fidelity"] = "unsupported".into();
    body["error"]["supported_surfaces"] = json!([
        "Stripe-shaped REST under /v1/*",
        "GET /s/:sid/mcp/tools",
        "POST /s/:sid/mcp/call",
        "POST /s/:sid/mcp/tools/:name",
    ]);
    Reply { fidelity: Some(Fidelity::Unsupported), ..Reply::json(501, &body) }
}

/// A call of the older tool door that the host could not make: the body names no tool or one that is unknown.
fn uncallable(request: &Request) -> Reply {
    let body: Value = serde_json::from_slice(&request.body).unwrap_or_default();
    match body.get("tool").and_then(Value::as_str) {
        Some(name) => Reply::json(400, &tool_unknown(name).body(None)),
        None => {
            let error = Error::invalid("Invalid input: expected string, received undefined");
            Reply::json(400, &error.code("parameter_invalid").param("tool").body(None))
        }
    }
}

fn tool_unknown(name: &str) -> Error {
    Error::invalid(format!("No such MCP tool: '{name}'.")).code("tool_unknown").param("tool")
}

pub(crate) fn unknown_tool(name: &str) -> ToolReply {
    ToolReply { status: 400, is_error: true, ..ToolReply::json(&tool_unknown(name).body(None)) }
}

/// Headers that every answer carries.
pub(crate) fn finish(cx: &Cx<'_, Stripe>, reply: &mut Reply) {
    let id = request_id(cx);
    if !id.is_empty() {
        reply.header("request-id", id);
    }
    reply.header("stripe-version", cx.header("stripe-version").unwrap_or(API_VERSION));
    if let Some(key) = cx.header("idempotency-key").filter(|_| !cx.reads) {
        reply.header("idempotency-key", key);
    }
}
