//! Who a twin is and what it offers: the plain owned form of `wit/twin/describe.wit`.

use serde::{Deserialize, Serialize};

use crate::call::{Fidelity, Header};

/// One input of a route or tool.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Input {
    /// Its name.
    pub name: String,
    /// `path`, `query`, `header` or `body`.
    pub place: String,
    /// `string`, `integer`, `boolean`, `array`, `object` or `any`.
    pub kind: String,
    /// Whether a call without it is refused.
    pub required: bool,
}

/// One line of the REST table.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Route {
    /// Upper case.
    pub method: String,
    /// `/repos/{owner}/{repo}/contents/{path...}`; `...` marks a tail that may contain slashes.
    pub path: String,
    /// The action it leads to.
    pub action: String,
    /// Whether it can change the state.
    pub mutates: bool,
    /// How true it is.
    pub fidelity: Fidelity,
    /// What differs from the vendor.
    pub note: Option<String>,
    /// Declared inputs.
    pub inputs: Vec<Input>,
}

/// One line of the MCP table.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Tool {
    /// Its name.
    pub name: String,
    /// The action it leads to.
    pub action: String,
    /// Whether it can change the state.
    pub mutates: bool,
    /// How true it is.
    pub fidelity: Fidelity,
    /// What differs from the vendor.
    pub note: Option<String>,
    /// The tool as `tools/list` shows it: a JSON object.
    pub listing: Vec<u8>,
}

/// A seed that the twin brings with it. `default` always exists.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Seed {
    /// Its name.
    pub name: String,
    /// What is in it, in a line.
    pub summary: String,
    /// The seed document.
    pub json: Vec<u8>,
}

/// Where the content of a variable comes from.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum VariableValue {
    /// The session's token.
    SessionToken,
    /// The address of the REST door.
    RestUrl,
    /// The address of the MCP door.
    McpUrl,
}

/// A variable that an agent of this twin gets beside the common ones.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Variable {
    /// `POME_GITHUB_TOKEN`
    pub name: String,
    /// What the host puts in.
    pub value: VariableValue,
}

/// A fixed answer of the gateway, in the vendor's shape.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Refusal {
    /// `no-token`, `bad-token`, `expired-token`, `wrong-session`, `admin-forbidden` or `trap`.
    pub case: String,
    /// HTTP status.
    pub status: u16,
    /// Header lines.
    pub headers: Vec<Header>,
    /// The body.
    pub body: Vec<u8>,
}

/// A fault that can be switched on by name, in the vendor's shape.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct FaultShape {
    /// `rate-limited`, `server-error`, `timeout`, ...
    pub name: String,
    /// HTTP status.
    pub status: u16,
    /// Header lines.
    pub headers: Vec<Header>,
    /// The body.
    pub body: Vec<u8>,
    /// Whether the call is carried out before its answer is replaced.
    pub after_handler: bool,
    /// Milliseconds to wait before answering.
    pub delay_ms: u32,
}

/// How tokens reach the twin and what else identifies a caller.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Tokens {
    /// Authorization scheme words that are accepted.
    pub schemes: Vec<String>,
    /// Whether scheme words are compared without case.
    pub any_case: bool,
    /// Whether an `Authorization` value without a scheme word counts.
    pub bare: bool,
    /// Name of a query parameter that may carry the token.
    pub query: Option<String>,
    /// Name of a form field that may carry the token.
    pub form: Option<String>,
    /// Prefixes of tokens in the vendor's own shape; the first is used for minting.
    pub prefixes: Vec<String>,
    /// Token claims that identify the vendor user, and the value that a local run puts in.
    pub claims: Vec<(String, String)>,
    /// Beginnings of the credentials that the state may hold.
    pub kept: Vec<String>,
}

/// One slot of a sentence.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct CheckParam {
    /// The slot's name.
    pub name: String,
    /// What fits into it.
    pub pattern: String,
    /// A value that fits.
    pub example: String,
}

/// One sentence that can be judged.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Check {
    /// `github.issue-has-label`
    pub id: String,
    /// The sentence with its slots.
    pub template: String,
    /// What it asserts.
    pub description: String,
    /// `final`, `seed+final` or `tape`.
    pub substrate: String,
    /// Its slots.
    pub params: Vec<CheckParam>,
    /// The generated pattern, as a JavaScript regular expression source.
    pub pattern: String,
}

/// A host of the vendor that the twin can stand in for.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct VendorHost {
    /// `api.github.com`
    pub name: String,
    /// What its paths are found under, from the session root: empty or `/mcp`.
    pub root: String,
}

/// Everything a twin says about itself. It never changes during the life of a component.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Description {
    /// Lower-case id: `github`.
    pub id: String,
    /// How people write it: `GitHub`.
    pub title: String,
    /// `github_clone`
    pub implementation: String,
    /// Version of the component.
    pub version: String,
    /// Port of a twin that is started by itself.
    pub default_port: u16,
    /// Whether the API is also served at the root of the listener.
    pub root_mount: bool,
    /// Beginnings of paths under which the same routes are found again.
    pub mounts: Vec<String>,
    /// Hosts of the vendor that it can be reached as.
    pub hosts: Vec<VendorHost>,
    /// Whether time has effects of its own.
    pub clockwork: bool,
    /// Whether `POST /mcp/call` also takes `name` and `params`.
    pub call_aliases: bool,
    /// Whether `POST /mcp/call` also takes a form.
    pub call_forms: bool,
    /// Whether admin calls appear in the trace.
    pub records_admin: bool,
    /// Whether the correlation header is stamped as `tool_call_id`.
    pub stamps_tool_call: bool,
    /// JSON object merged into `/healthz`.
    pub health: Vec<u8>,
    /// Keys of `/s/<sid>/_pome/health`, in order.
    pub session_health: Vec<String>,
    /// Extra documents below `/s/<sid>/_pome/`, by name.
    pub extras: Vec<(String, Vec<u8>)>,
    /// JSON members added to the answers of `/admin/reset`.
    pub reset_answer: Vec<u8>,
    /// How callers identify themselves.
    pub tokens: Tokens,
    /// Variables for agents.
    pub variables: Vec<Variable>,
    /// The REST table.
    pub routes: Vec<Route>,
    /// The MCP table.
    pub tools: Vec<Tool>,
    /// Seeds that come with it.
    pub seeds: Vec<Seed>,
    /// Fixed answers of the gateway.
    pub refusals: Vec<Refusal>,
    /// Faults that can be switched on.
    pub faults: Vec<FaultShape>,
    /// Sentences that can be judged.
    pub checks: Vec<Check>,
    /// `sha256:` digest over the checks.
    pub checks_digest: String,
    /// Top-level keys of the exported state that must not reach disk.
    pub private_state: Vec<String>,
}

impl Description {
    /// A path as the table of routes spells it.
    pub fn below_mounts<'a>(&self, path: &'a str) -> &'a str {
        let below = |mount: &String| path.strip_prefix(mount.as_str()).filter(|rest| rest.starts_with('/'));
        self.mounts.iter().find_map(below).unwrap_or(path)
    }

    /// The fixed answer for `case`, if the twin brings one.
    pub fn refusal(&self, case: &str) -> Option<&Refusal> {
        self.refusals.iter().find(|refusal| refusal.case == case)
    }

    /// The seed called `name`, if the twin brings one.
    pub fn seed(&self, name: &str) -> Option<&Seed> {
        self.seeds.iter().find(|seed| seed.name == name)
    }
}
