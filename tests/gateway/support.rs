//! A server with a twin, and a client that sends exactly what it is told.

use std::io::{Read as _, Write as _};
use std::net::{SocketAddr, TcpStream};
use std::path::PathBuf;
use std::sync::OnceLock;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use pome_gateway::token::{Claims, Secret, mint};
use pome_gateway::{Recorder, RecorderOptions, Server, ServerConfig};
use pome_sandbox::{Cache, Component, Engine, Limits, WorldOptions};
use serde_json::{Value, json};
use tokio::runtime::Runtime;

pub(crate) const SECRET: &str = "contract-secret-of-at-least-32-characters";
pub(crate) const SID: &str = "contract-sid";

/// A running server.
pub(crate) struct Twin {
    pub(crate) address: SocketAddr,
    pub(crate) recorder: Recorder,
    pub(crate) server: Option<Server>,
    pub(crate) runtime: Runtime,
}

/// How a server differs from the usual one.
#[derive(Default)]
pub(crate) struct Setup {
    pub(crate) seed: Option<Value>,
    pub(crate) admin_token: Option<String>,
    pub(crate) events: Option<PathBuf>,
    pub(crate) body_limit: Option<usize>,
    pub(crate) head_time: Option<Duration>,
}

/// What came back.
#[derive(Debug, Clone)]
pub(crate) struct Response {
    pub(crate) status: u16,
    pub(crate) headers: Vec<(String, String)>,
    pub(crate) body: Vec<u8>,
}

/// The built-in GitHub twin.
pub(crate) fn github() -> Component {
    static COMPONENT: OnceLock<Component> = OnceLock::new();
    let load = || Engine::new(Limits::default()).unwrap().embedded("github").unwrap();
    COMPONENT.get_or_init(load).clone()
}

/// A counter that misbehaves on request.
pub(crate) fn hostile() -> Component {
    static COMPONENT: OnceLock<Component> = OnceLock::new();
    let load = || {
        let limits = Limits { deadline: Duration::from_millis(300), cache: Cache::Off, ..Limits::default() };
        let engine = Engine::new(limits).unwrap();
        engine.load_bytes("hostile", include_bytes!("../guests/prebuilt/hostile.wasm")).unwrap()
    };
    COMPONENT.get_or_init(load).clone()
}

/// A token for a session, valid for so many seconds from now.
pub(crate) fn token(sid: &str, seconds: i64) -> String {
    let now = SystemTime::now().duration_since(UNIX_EPOCH).unwrap().as_secs();
    let claims = Claims {
        sid: sid.to_owned(),
        team_id: "tm_contract".to_owned(),
        exp: now.checked_add_signed(seconds),
        iat: None,
        extra: vec![("login".to_owned(), "alice".to_owned())],
    };
    mint(&Secret::new(SECRET), &claims).unwrap()
}

impl Twin {
    pub(crate) fn github() -> Self {
        Self::start(github(), Setup::default())
    }

    pub(crate) fn hostile() -> Self {
        Self::start(hostile(), Setup::default())
    }

    pub(crate) fn start(component: Component, setup: Setup) -> Self {
        let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build().unwrap();
        let options =
            RecorderOptions { path: setup.events, run_id: "run_test".to_owned(), ..RecorderOptions::default() };
        let recorder = Recorder::create(options).unwrap();
        let mut config = ServerConfig::new(component, recorder.clone(), Secret::new(SECRET));
        config.world =
            WorldOptions { seed: setup.seed.map(|seed| seed.to_string().into_bytes()), ..WorldOptions::default() };
        config.admin_token = setup.admin_token;
        if let Some(limit) = setup.body_limit {
            config.limits.body = limit;
        }
        if let Some(time) = setup.head_time {
            config.limits.head_time = time;
        }
        let server = runtime.block_on(Server::start(config)).unwrap();
        Self { address: server.address(), recorder, server: Some(server), runtime }
    }

    /// Below the usual session, with its token.
    pub(crate) fn call(&self, method: &str, path: &str, body: Option<Value>) -> Response {
        self.call_as(SID, method, path, body)
    }

    /// Below another session, with its token.
    pub(crate) fn call_as(&self, sid: &str, method: &str, path: &str, body: Option<Value>) -> Response {
        let authorization = format!("Bearer {}", token(sid, 3600));
        let body = body.map(|body| body.to_string()).unwrap_or_default();
        self.send(method, &format!("/s/{sid}{path}"), &[("authorization", &authorization)], body.as_bytes())
    }

    pub(crate) fn get(&self, path: &str) -> Response {
        self.call("GET", path, None)
    }

    pub(crate) fn post(&self, path: &str, body: Value) -> Response {
        self.call("POST", path, Some(body))
    }

    /// An admin call.
    pub(crate) fn admin(&self, method: &str, path: &str, body: Value) -> Response {
        self.send(method, path, &[], body.to_string().as_bytes())
    }

    /// The recorded calls.
    pub(crate) fn events(&self) -> Vec<Value> {
        let response = self.get("/_pome/events");
        assert_eq!(response.status, 200);
        serde_json::from_slice(&response.body).unwrap()
    }

    /// Any request at all.
    pub(crate) fn send(&self, method: &str, path: &str, headers: &[(&str, &str)], body: &[u8]) -> Response {
        let mut head = format!("{method} {path} HTTP/1.1\r\nhost: {}\r\nconnection: close\r\n", self.address);
        for (name, value) in headers {
            head.push_str(&format!("{name}: {value}\r\n"));
        }
        if !body.is_empty() || matches!(method, "POST" | "PUT" | "PATCH") {
            head.push_str(&format!("content-length: {}\r\n", body.len()));
        }
        head.push_str("\r\n");
        let raw = self.raw(&[head.as_bytes(), body].concat());
        Response::parse(&raw).unwrap_or_else(|| panic!("no HTTP answer to {method} {path}: {raw:?}"))
    }

    /// Bytes in, everything that comes back until the other side closes.
    pub(crate) fn raw(&self, bytes: &[u8]) -> Vec<u8> {
        let mut stream = TcpStream::connect(self.address).unwrap();
        stream.set_read_timeout(Some(Duration::from_secs(20))).unwrap();
        // The other side may refuse before it has read everything.
        let _ = stream.write_all(bytes);
        let mut answer = Vec::new();
        let _ = stream.read_to_end(&mut answer);
        answer
    }
}

impl Drop for Twin {
    fn drop(&mut self) {
        if let Some(server) = self.server.take() {
            self.runtime.block_on(server.stop());
        }
    }
}

impl Response {
    fn parse(raw: &[u8]) -> Option<Self> {
        let end = raw.windows(4).position(|four| four == b"\r\n\r\n")?;
        let head = std::str::from_utf8(&raw[..end]).ok()?;
        let mut lines = head.split("\r\n");
        let status = lines.next()?.split(' ').nth(1)?.parse().ok()?;
        let headers: Vec<(String, String)> = lines
            .filter_map(|line| line.split_once(':'))
            .map(|(name, value)| (name.to_ascii_lowercase(), value.trim().to_owned()))
            .collect();
        let mut body = raw[end + 4..].to_vec();
        if headers.iter().any(|(name, value)| name == "transfer-encoding" && value == "chunked") {
            body = unchunk(&body)?;
        }
        Some(Self { status, headers, body })
    }

    pub(crate) fn header(&self, name: &str) -> Option<&str> {
        self.headers.iter().find(|(known, _)| known == name).map(|(_, value)| value.as_str())
    }

    pub(crate) fn json(&self) -> Value {
        serde_json::from_slice(&self.body).unwrap_or_else(|_| panic!("not JSON: {self:?}"))
    }

    pub(crate) fn text(&self) -> String {
        String::from_utf8(self.body.clone()).unwrap()
    }

    /// Status and body together, so that one comparison says both.
    pub(crate) fn both(&self) -> Value {
        json!({ "status": self.status, "body": self.json() })
    }
}

fn unchunk(mut rest: &[u8]) -> Option<Vec<u8>> {
    let mut out = Vec::new();
    loop {
        let line = rest.windows(2).position(|two| two == b"\r\n")?;
        let size = usize::from_str_radix(std::str::from_utf8(&rest[..line]).ok()?, 16).ok()?;
        rest = &rest[line + 2..];
        if size == 0 {
            return Some(out);
        }
        out.extend_from_slice(&rest[..size]);
        rest = &rest[size + 2..];
    }
}
