//! What follows from a twin's description once and for all: fixed answers, listings, health documents.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::OnceLock;
use std::time::Instant;

use bytes::Bytes;
use http::{HeaderMap, StatusCode};
use pome_sandbox::{Component, Description, Route};
use pome_wire::redact::Redactor;
use serde_json::{Map, Value, json};

use crate::http::{JSON, Reply, headers, reply};
use crate::server::RuntimeInfo;

/// Names below `_pome/` that belong to the platform.
const RESERVED: [&str; 5] = ["health", "state", "events", "routes", "deliveries"];

/// Answers that are the same every time.
#[derive(Debug)]
pub(crate) struct Prepared {
    health: Map<String, Value>,
    session_health: Map<String, Value>,
    started: Instant,
    pub(crate) reset: Bytes,
    pub(crate) version: String,
    tool_names: BTreeSet<String>,
    refusals: BTreeMap<String, Fixed>,
    extras: BTreeMap<String, Bytes>,
    private_state: Vec<String>,
    component: Component,
    listings: OnceLock<Listings>,
}

/// Long documents that most runs never ask for.
#[derive(Debug, Default)]
pub(crate) struct Listings {
    /// `{"tools":[...]}` as `tools/list` shows it.
    pub(crate) tools: Bytes,
    /// The same with the keys of `GET /mcp/tools`.
    pub(crate) plain_tools: Bytes,
    pub(crate) routes: Bytes,
}

#[derive(Debug)]
struct Fixed {
    status: StatusCode,
    headers: HeaderMap,
    body: Bytes,
}

impl Prepared {
    /// Works everything out; the rule that the description breaks otherwise.
    pub(crate) fn new(component: &Component, runtime: &RuntimeInfo) -> Result<Self, String> {
        let description = component.description();
        let tool_names = tool_names(description)?;
        reserved(description)?;
        let runtime_json = json!({
            "package": runtime.package.clone().unwrap_or_else(|| format!("pome-twin-{}", description.id)),
            "version": runtime.version,
            "git_sha": runtime.git_sha,
            "build_time": runtime.build_time,
        });
        let health = object("health", &description.health)?;
        // What is part of this program was looked at when it was built.
        let listings = OnceLock::new();
        if !component.trusted() {
            let _ = listings.set(Listings::of(description)?);
        }
        let mut reset = Map::from_iter([("ok".to_owned(), Value::Bool(true))]);
        reset.extend(object("reset-answer", &description.reset_answer)?);
        let mut refusals = BTreeMap::new();
        for refusal in &description.refusals {
            let fixed = fixed(refusal.status, &refusal.headers, &refusal.body)
                .ok_or_else(|| format!("refusal `{}` is not an HTTP answer", refusal.case))?;
            refusals.insert(refusal.case.clone(), fixed);
        }
        Ok(Self {
            session_health: session_health(description, &health, &runtime_json)?,
            started: Instant::now(),
            health: health_document(description, health, &runtime_json),
            reset: Value::Object(reset).to_string().into(),
            version: runtime.version.clone(),
            tool_names,
            refusals,
            extras: description.extras.iter().map(|(name, body)| (name.clone(), body.clone().into())).collect(),
            private_state: description.private_state.clone(),
            component: component.clone(),
            listings,
        })
    }

    /// `/healthz`
    pub(crate) fn health(&self) -> Bytes {
        Value::Object(self.live(&self.health, 0)).to_string().into()
    }

    /// `/s/<sid>/_pome/health` of a world with so many recorded calls.
    pub(crate) fn session_health(&self, events: u64) -> Map<String, Value> {
        self.live(&self.session_health, events)
    }

    fn live(&self, document: &Map<String, Value>, events: u64) -> Map<String, Value> {
        let mut document = document.clone();
        if let Some(uptime) = document.get_mut(UPTIME) {
            let millis = u32::try_from(self.started.elapsed().as_millis()).unwrap_or(u32::MAX);
            *uptime = (f64::from(millis) / 1000.0).into();
        }
        if let Some(recorder) = document.get_mut(RECORDER) {
            // The file holds every row.
            *recorder = json!({ "events": events, "dropped": 0 });
        }
        document
    }

    pub(crate) fn listings(&self) -> &Listings {
        self.listings.get_or_init(|| Listings::of(self.component.description()).unwrap_or_default())
    }

    pub(crate) fn has_tool(&self, name: &str) -> bool {
        self.tool_names.contains(name)
    }

    pub(crate) fn extra(&self, name: &str) -> Option<&Bytes> {
        self.extras.get(name)
    }

    /// A fixed answer in the vendor's shape, or a neutral one where the twin brings none.
    pub(crate) fn refusal(&self, case: &str) -> Reply {
        if let Some(fixed) = self.refusals.get(case) {
            let mut reply = reply(fixed.status, JSON, fixed.body.clone());
            for (name, value) in &fixed.headers {
                reply.headers_mut().insert(name, value.clone());
            }
            return reply;
        }
        let status = match case {
            "admin-forbidden" => StatusCode::FORBIDDEN,
            "trap" => StatusCode::INTERNAL_SERVER_ERROR,
            _ => StatusCode::UNAUTHORIZED,
        };
        crate::http::problem(status, case, "refused")
    }

    /// Status and body of a fixed answer, for rows.
    pub(crate) fn refusal_parts(&self, case: &str) -> (u16, Bytes) {
        self.refusals.get(case).map_or((500, Bytes::new()), |fixed| (fixed.status.as_u16(), fixed.body.clone()))
    }

    /// A state as others may see it.
    pub(crate) fn public_state(&self, state: &[u8], redactor: &Redactor) -> Vec<u8> {
        public(&self.private_state, state, redactor)
    }
}

/// An exported state as others may see it: without what the twin calls private, and redacted.
pub fn public_state(component: &Component, state: &[u8], redactor: &Redactor) -> Vec<u8> {
    public(&component.description().private_state, state, redactor)
}

fn public(private: &[String], state: &[u8], redactor: &Redactor) -> Vec<u8> {
    if private.is_empty() {
        return redactor.json_bytes(state).into_owned();
    }
    // A state that is no object has no keys to leave out.
    let Ok(mut members) = serde_json::from_slice::<Map<String, Value>>(state) else {
        return redactor.json_bytes(state).into_owned();
    };
    for key in private {
        members.shift_remove(key);
    }
    let mut value = Value::Object(members);
    redactor.value(&mut value);
    value.to_string().into_bytes()
}

fn fixed(status: u16, lines: &[pome_sandbox::Header], body: &[u8]) -> Option<Fixed> {
    let status = StatusCode::from_u16(status).ok()?;
    Some(Fixed { status, headers: headers(lines).ok()?, body: body.to_vec().into() })
}

fn tool_names(description: &Description) -> Result<BTreeSet<String>, String> {
    let mut names = BTreeSet::new();
    for tool in &description.tools {
        if !names.insert(tool.name.clone()) {
            return Err(format!("two tools are called `{}`", tool.name));
        }
    }
    Ok(names)
}

fn reserved(description: &Description) -> Result<(), String> {
    for route in &description.routes {
        let first = route.path.trim_start_matches('/').split('/').next().unwrap_or_default();
        if matches!(first, "_pome" | "mcp") {
            return Err(format!(
                "route `{} {}` lies below `/{first}`, which is the platform's",
                route.method, route.path
            ));
        }
    }
    match description.extras.iter().find(|(name, _)| RESERVED.contains(&name.as_str())) {
        Some((name, _)) => Err(format!("the extra document `{name}` has a name that is the platform's")),
        None => Ok(()),
    }
}

fn object(what: &str, bytes: &[u8]) -> Result<Map<String, Value>, String> {
    if bytes.is_empty() {
        return Ok(Map::new());
    }
    serde_json::from_slice(bytes).map_err(|error| format!("`{what}` is not a JSON object: {error}"))
}

/// Seconds since the server was started, for twins whose session health names it.
const UPTIME: &str = "tthw_seconds";

/// How many calls are recorded, for twins whose session health names it.
const RECORDER: &str = "recorder";

fn health_document(description: &Description, extras: Map<String, Value>, runtime: &Value) -> Map<String, Value> {
    let mut body = Map::new();
    body.insert("ok".to_owned(), true.into());
    body.insert("twin".to_owned(), description.id.clone().into());
    body.insert("implementation".to_owned(), description.implementation.clone().into());
    body.insert("tools".to_owned(), description.tools.len().into());
    body.insert("runtime".to_owned(), runtime.clone());
    for (key, value) in extras {
        body.entry(key).or_insert(value);
    }
    if description.session_health.iter().any(|key| key == UPTIME) {
        body.insert(UPTIME.to_owned(), Value::Null);
    }
    body
}

fn session_health(
    description: &Description,
    extras: &Map<String, Value>,
    runtime: &Value,
) -> Result<Map<String, Value>, String> {
    let mut body = Map::new();
    for key in &description.session_health {
        let value = match key.as_str() {
            "ok" => true.into(),
            "twin" => description.id.clone().into(),
            "implementation" => description.implementation.clone().into(),
            "runtime" => runtime.clone(),
            "version" => runtime.get("version").cloned().unwrap_or_default(),
            // Filled in when it is asked for.
            UPTIME | RECORDER => Value::Null,
            other => extras
                .get(other)
                .cloned()
                .ok_or_else(|| format!("`session-health` names `{other}`, which `health` does not have"))?,
        };
        body.insert(key.clone(), value);
    }
    Ok(body)
}

impl Listings {
    fn of(description: &Description) -> Result<Self, String> {
        let mut listed = Vec::new();
        let mut plain = Vec::new();
        for tool in &description.tools {
            let listing = object(&format!("listing of tool {}", tool.name), &tool.listing)?;
            let renamed = listing.iter().map(|(key, value)| {
                let key = if key == "inputSchema" { "input_schema" } else { key.as_str() };
                (key.to_owned(), value.clone())
            });
            plain.push(Value::Object(renamed.collect()));
            listed.push(Value::Object(listing));
        }
        let document = |tools: Vec<Value>| Bytes::from(json!({ "tools": tools }).to_string());
        Ok(Self { tools: document(listed), plain_tools: document(plain), routes: routes(&description.routes) })
    }
}

fn routes(routes: &[Route]) -> Bytes {
    let lines: Vec<Value> = routes
        .iter()
        .map(|route| {
            json!({
                "method": route.method,
                "path": route.path,
                "action": route.action,
                "mutates": route.mutates,
                "fidelity": route.fidelity.as_str(),
                "note": route.note,
                "inputs": route.inputs,
            })
        })
        .collect();
    json!({ "routes": lines }).to_string().into()
}
