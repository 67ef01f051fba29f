//! What the host has to know of Slack beside the tables, and the answers that belong to no action.

use std::borrow::Cow;

use pome_twin_kit::describe::{Fault, Identity, Refusal, Tokens, Variable, VariableValue};
use pome_twin_kit::envelope::{Fidelity, Request};
use pome_twin_kit::form::Form;
use pome_twin_kit::ids::hex_id;
use pome_twin_kit::{Cx, Reply, ToolReply};
use serde_json::{Map, Value, json};
use sha2::{Digest, Sha256};

use crate::Slack;
use crate::access;
use crate::actions::uploads::TICKET;
use crate::error::Error;
use crate::routes;
use crate::scopes;
use crate::state::{DEFAULT_LOGIN, State};
use crate::tools;

fn body(code: &str) -> Value {
    json!({ "ok": false, "error": code })
}

fn refusal(case: &'static str, status: u16, code: &str) -> Refusal {
    Refusal { case, status, headers: Vec::new(), body: body(code) }
}

fn faults() -> Vec<Fault> {
    let header = |name: &str, value: &str| (name.to_owned(), value.to_owned());
    let fault = |name, status, headers, code: &str| Fault {
        name,
        status,
        headers,
        body: body(code),
        after_handler: false,
        delay_ms: 0,
    };
    vec![
        fault("rate-limited", 429, vec![header("retry-after", "1")], "ratelimited"),
        fault("internal-error", 200, Vec::new(), "internal_error"),
        fault("server-error", 503, Vec::new(), "service_unavailable"),
        Fault { after_handler: true, ..fault("lost-response", 503, Vec::new(), "service_unavailable") },
        Fault { delay_ms: 10_000, ..fault("timeout", 504, Vec::new(), "request_timeout") },
    ]
}

pub(crate) fn identity() -> Identity {
    let variable = |name: &str, value| Variable { name: name.to_owned(), value };
    Identity {
        title: "Slack",
        implementation: "slack_clone",
        version: env!("CARGO_PKG_VERSION"),
        default_port: 3333,
        root_mount: false,
        mounts: vec!["/api"],
        hosts: vec![("slack.com", ""), ("www.slack.com", ""), ("files.slack.com", ""), ("mcp.slack.com", "")],
        clockwork: true,
        call_aliases: true,
        call_forms: true,
        records_admin: true,
        stamps_tool_call: false,
        health: json!({}),
        session_health: vec!["ok", "twin"],
        extras: Vec::new(),
        reset_answer: json!({}),
        tokens: Tokens {
            schemes: vec!["Bearer".to_owned()],
            any_case: true,
            bare: false,
            query: Some("token".to_owned()),
            form: Some("token".to_owned()),
            prefixes: vec!["xoxb-pome-".to_owned(), "xoxp-pome-".to_owned()],
            claims: vec![("login".to_owned(), DEFAULT_LOGIN.to_owned())],
            kept: vec![TICKET.to_owned(), "xoxb-".to_owned(), "xoxp-".to_owned()],
        },
        variables: vec![variable("POME_SLACK_TOKEN", VariableValue::SessionToken)],
        refusals: vec![
            refusal("no-token", 401, "not_authed"),
            refusal("bad-token", 401, "invalid_auth"),
            refusal("unknown-key", 401, "invalid_auth"),
            refusal("expired-token", 401, "token_expired"),
            refusal("wrong-session", 401, "invalid_auth"),
            refusal("admin-forbidden", 403, "restricted_action"),
            refusal("trap", 500, "internal_error"),
        ],
        faults: faults(),
        private_state: Vec::new(),
    }
}

/// A call of the older tool doors that the host could not make: the tool is unknown, or there is none.
fn uncallable(request: &Request, named: Option<&str>) -> Reply {
    let members = Form::read(&request.headers, &request.body).members;
    let word = |key: &str| members.get(key).and_then(Value::as_str).filter(|name| !name.is_empty());
    let known = |name: &str| tools::is_known(name);
    match named.or_else(|| word("tool")).or_else(|| word("name")) {
        Some(name) if !known(name) => Reply::json(404, &body("unknown_tool")),
        _ => Reply::json(400, &body("invalid_arguments")),
    }
}

/// The loud answer to whatever is not in the table.
pub(crate) fn unsupported(request: &Request) -> Reply {
    if request.method == "POST" {
        if request.path == "/mcp/call" {
            return uncallable(request, None);
        }
        if let Some(name) = request.path.strip_prefix("/mcp/tools/") {
            return uncallable(request, Some(name));
        }
    }
    let body = json!({
        "ok": false,
        "error": "unsupported_endpoint",
        "_twin": {
            "fidelity": "unsupported",
            "supported_surfaces": routes::methods(),
            "method": request.method,
            "path": request.path,
        },
    });
    Reply { fidelity: Some(Fidelity::Unsupported), ..Reply::json(501, &body) }
}

pub(crate) fn unknown_tool() -> ToolReply {
    ToolReply { status: 404, is_error: true, ..ToolReply::json(&body("unknown_tool")) }
}

/// `/api/<method>` is what the official clients ask for.
pub(crate) fn canonical(path: &str) -> Cow<'_, str> {
    Cow::Borrowed(path.strip_prefix("/api").filter(|rest| rest.starts_with('/')).unwrap_or(path))
}

/// The method that a call is for: the last part of its address, or what a tool stands for.
fn method<'a>(cx: &Cx<'a, Slack>) -> Cow<'a, str> {
    match cx.tool {
        Some(call) => Cow::Owned(call.name.clone()),
        None => {
            let path = cx.path;
            let path = path.strip_prefix("/api/").or_else(|| path.strip_prefix('/')).unwrap_or(path);
            if path.starts_with("files-pri/") { Cow::Borrowed("files.download") } else { Cow::Borrowed(path) }
        }
    }
}

/// The method whose scopes a tool needs.
fn of_tool(tool: &str) -> &'static str {
    match tool {
        "slack_send_message" | "slack_schedule_message" | "slack_send_message_draft" => "chat.postMessage",
        "slack_add_reaction" => "reactions.add",
        "slack_create_conversation" => "conversations.create",
        "slack_create_canvas" | "slack_update_canvas" => "canvases.edit",
        "slack_search_public" | "slack_search_public_and_private" => "search.messages",
        "slack_search_channels" => "conversations.search",
        "slack_search_users" => "users.list",
        "slack_read_channel" => "conversations.history",
        "slack_read_thread" => "conversations.replies",
        "slack_read_canvas" => "canvases.read",
        "slack_read_user_profile" => "users.profile.get",
        "slack_list_channel_members" => "conversations.members",
        "slack_read_file" => "files.read",
        "slack_search_emojis" => "emoji.list",
        "slack_get_reactions" => "reactions.get",
        _ => "",
    }
}

/// The credential of an upload address is good for that address only; other tokens need one of the method's scopes.
pub(crate) fn admit(cx: &mut Cx<'_, Slack>) -> Result<(), Error> {
    let method = method(cx);
    if access::upload_of(cx).is_some() {
        let sends = cx.tool.is_none() && method.starts_with("upload/v1/");
        return if sends { Ok(()) } else { Err(Error::unauthorized("invalid_auth")) };
    }
    let named = if cx.tool.is_some() { of_tool(&method) } else { &method };
    scopes::check(cx, named)
}

/// Headers that every answer carries.
pub(crate) fn finish(cx: &mut Cx<'_, Slack>, reply: &mut Reply) {
    let method = method(cx);
    if let Ok(actor) = access::actor(cx) {
        reply.header("x-oauth-scopes", scopes::provided(&actor));
        let accepted = scopes::accepted(&method);
        if !accepted.is_empty() {
            reply.header("x-accepted-oauth-scopes", accepted.join(","));
        }
    }
    let asked = format!("{}{}?{}/{}", cx.now().0, cx.path, cx.query, String::from_utf8_lossy(cx.body));
    let id = hex_id(&asked);
    reply.header("x-slack-req-id", id.get(..32).unwrap_or_default());
    reply.header("cache-control", "private, no-cache, no-store, must-revalidate");
}

/// Tokens that came with the seed, and the credentials of upload addresses.
pub(crate) fn authenticate(state: &State, token: &str) -> Option<Map<String, Value>> {
    let digest: [u8; 32] = Sha256::digest(token.as_bytes()).into();
    let claims = |value: Value| crate::views::object(value);
    if token.starts_with(TICKET) {
        let upload = state.uploads.values().find(|upload| upload.ticket == digest)?;
        return Some(claims(json!({ "login": upload.user, "upload": upload.id })));
    }
    let known = state.credentials.get(&digest)?;
    Some(claims(match &known.scopes {
        Some(scopes) => json!({ "login": known.user, "scopes": scopes }),
        None => json!({ "login": known.user }),
    }))
}
