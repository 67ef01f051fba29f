//! Drives a twin natively through its doors: the same code as in the component, without the sandbox.

use std::cell::Cell;
use std::fmt::Write as _;

use serde_json::Value;

use crate::describe::describe;
use crate::envelope::{Answer, Caller, Report, Request, Seeded, ToolAnswer, ToolCall};
use crate::session::{Host, Level, Session};
use crate::twin::Twin;

/// A host with the runner's rules: time starts at `start` and moves one second after every call that changed something; the
/// random stream is `SplitMix64` over the random seed.
#[derive(Debug)]
pub struct NativeHost {
    now: Cell<u64>,
    random: Cell<u64>,
}

impl NativeHost {
    pub const fn new(start: u64, random_seed: u64) -> Self {
        Self { now: Cell::new(start), random: Cell::new(random_seed) }
    }

    pub fn set(&self, now: u64) {
        self.now.set(now);
    }
}

impl Host for NativeHost {
    fn now(&self) -> u64 {
        self.now.get()
    }

    fn random(&self) -> u64 {
        let state = self.random.get().wrapping_add(0x9e37_79b9_7f4a_7c15);
        self.random.set(state);
        let mixed = (state ^ (state >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        let mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        mixed ^ (mixed >> 31)
    }

    fn log(&self, _: Level, _: &str) {}
}

/// 2026-01-01T00:00:00Z.
pub const START: u64 = 1_767_225_600_000;

/// A running twin.
#[expect(missing_debug_implementations, reason = "holds the whole state")]
pub struct Native<T: Twin> {
    pub session: Session<T>,
    pub host: NativeHost,
    /// Used for every call; change `login` to act as somebody else.
    pub caller: Caller,
    pub origin: String,
    clockwork: bool,
}

impl<T: Twin> Native<T> {
    /// With the default seed.
    pub fn new() -> Self {
        Self::seeded(None)
    }

    /// Panics when the seed is refused.
    pub fn seeded(document: Option<&Value>) -> Self {
        let caller = Caller {
            sid: "test".to_owned(),
            team: "tm_local".to_owned(),
            login: Some("pome-agent".to_owned()),
            claims: b"{}".to_vec(),
        };
        let host = NativeHost::new(START, 1);
        let origin = "http://twin.test/s/test".to_owned();
        let mut twin = Self { session: Session::new(), host, caller, origin, clockwork: T::identity().clockwork };
        let Seeded { accepted, answer } = twin.seed(document);
        assert!(accepted, "the seed was refused: {}", String::from_utf8_lossy(&answer.body));
        twin
    }

    pub fn seed(&mut self, document: Option<&Value>) -> Seeded {
        let bytes = document.map(|document| document.to_string().into_bytes());
        self.session.seed(bytes.as_deref(), &self.host)
    }

    /// A request with a JSON body; `path` may have a query.
    pub fn request(&mut self, method: &str, path: &str, body: Option<&Value>) -> Answer {
        self.request_with(method, path, &[], &body.map(|body| body.to_string().into_bytes()).unwrap_or_default())
    }

    pub fn request_with(&mut self, method: &str, path: &str, headers: &[(&str, &str)], body: &[u8]) -> Answer {
        let (path, query) = path.split_once('?').unwrap_or((path, ""));
        let request = Request {
            method: method.to_owned(),
            path: path.to_owned(),
            query: query.to_owned(),
            headers: headers.iter().map(|&(name, value)| (name.to_owned(), value.to_owned())).collect(),
            body: body.to_vec(),
            caller: self.caller.clone(),
            origin: self.origin.clone(),
        };
        let mut answer = self.session.handle(&request, &self.host);
        self.tick(&mut answer.report);
        answer
    }

    pub fn get(&mut self, path: &str) -> Answer {
        self.request("GET", path, None)
    }

    /// The JSON of a GET that must succeed.
    pub fn json(&mut self, path: &str) -> Value {
        let answer = self.get(path);
        let body = String::from_utf8_lossy(&answer.body).into_owned();
        assert!(answer.status < 300, "GET {path} answered {}: {body}", answer.status);
        serde_json::from_str(&body).unwrap_or_default()
    }

    pub fn call(&mut self, name: &str, arguments: &Value) -> ToolAnswer {
        let call = ToolCall {
            name: name.to_owned(),
            arguments: arguments.to_string().into_bytes(),
            caller: self.caller.clone(),
            origin: self.origin.clone(),
        };
        let mut answer = self.session.call_tool(&call, &self.host);
        self.tick(&mut answer.report);
        answer
    }

    pub fn state(&self) -> Value {
        serde_json::from_slice(&self.session.export()).unwrap_or_default()
    }

    /// What the host does after a change.
    fn tick(&mut self, report: &mut Report) {
        if report.mutation {
            self.host.set(self.host.now() + 1000);
            if self.clockwork {
                report.deliveries.extend(self.session.advance(&self.host));
            }
        }
    }
}

impl<T: Twin> Default for Native<T> {
    fn default() -> Self {
        Self::new()
    }
}

/// The JSON body of an answer.
pub fn body(answer: &Answer) -> Value {
    serde_json::from_slice(&answer.body).unwrap_or_default()
}

/// The tables of a twin as its page shows them.
pub fn surface<T: Twin>() -> String {
    let description = describe::<T>();
    let mut out = String::from("| door | surface | action | fidelity | note |\n|---|---|---|---|---|\n");
    let mut row = |door: &str, name: &str, action: &str, fidelity: &str, note: Option<&str>| {
        // Writing to a string cannot fail.
        let _ = writeln!(out, "| {door} | `{name}` | `{action}` | {fidelity} | {} |", note.unwrap_or_default());
    };
    for route in &description.routes {
        let name = format!("{} {}", route.method, route.path);
        row("REST", &name, route.action, route.fidelity.name(), route.note);
    }
    for tool in &description.tools {
        row("MCP", tool.name, tool.action, tool.fidelity.name(), tool.note);
    }
    out
}

/// Whether a page holds the [`surface`] between `<!-- begin surface -->` and `<!-- end surface -->`. With `POME_UPDATE=1` in the
/// environment it is written there first. Otherwise the error says what to do.
pub fn page_shows_surface<T: Twin>(page: &str) -> Result<(), String> {
    const BEGIN: &str = "<!-- begin surface -->\n";
    let text = std::fs::read_to_string(page).map_err(|error| format!("cannot read `{page}`: {error}"))?;
    let parts =
        text.split_once(BEGIN).and_then(|(before, rest)| Some((before, rest.split_once("<!-- end surface -->")?)));
    let Some((before, (shown, after))) = parts else {
        return Err(format!("`{page}` has no place for the surface: `{}` and its end", BEGIN.trim_end()));
    };
    let surface = surface::<T>();
    if std::env::var_os("POME_UPDATE").is_some_and(|value| value == "1") {
        let text = format!("{before}{BEGIN}{surface}<!-- end surface -->{after}");
        return std::fs::write(page, text).map_err(|error| format!("cannot write `{page}`: {error}"));
    }
    if shown == surface { Ok(()) } else { Err(format!("`{page}` is out of date; run `cargo xtask docs`")) }
}
