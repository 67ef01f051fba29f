//! Servers of one cluster, and a client that says when it does not know what became of a request.

use std::path::PathBuf;
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use pome_tests::{Postgres, free_port};
use serde_json::{Value, json};
use tempfile::TempDir;

/// What the servers sign with.
pub(crate) const SECRET: &str = "a secret that every server of this test has";
/// How long a server may take to come up.
const BOOT: Duration = Duration::from_secs(60);

/// Where the servers of a test keep their things.
pub(crate) enum Home {
    /// One embedded database.
    Alone,
    /// A database that they share, by its address.
    Shared(String),
}

impl Home {
    /// Each kind of them; without the second one, said loudly, where `PostgreSQL` is not installed.
    pub(crate) fn each() -> impl Iterator<Item = Self> {
        std::iter::once(Self::Alone).chain(Postgres::database().map(Self::Shared))
    }
}

/// Some servers and the key of a team.
pub(crate) struct Cluster {
    folder: TempDir,
    home: Home,
    ports: Vec<u16>,
    children: Vec<Option<Child>>,
    variables: Vec<(String, String)>,
    /// Further flags for servers that are started from now on.
    pub(crate) flags: Vec<String>,
    pub(crate) key: String,
}

impl Cluster {
    /// Starts `count` servers with a team that may have `limit` sessions.
    pub(crate) fn start(home: Home, count: usize, limit: u32) -> Self {
        Self::start_with(home, count, limit, &[])
    }

    /// The same with variables for the servers.
    pub(crate) fn start_with(home: Home, count: usize, limit: u32, variables: &[(&str, &str)]) -> Self {
        let variables = variables.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect();
        let folder = tempfile::tempdir().unwrap();
        let ports = (0..count).map(|_| free_port()).collect();
        let children = (0..count).map(|_| None).collect();
        let mut cluster = Self { folder, home, ports, children, variables, flags: Vec::new(), key: String::new() };
        for number in 0..count {
            cluster.boot(number, limit);
        }
        cluster.key = cluster.operate(&["keys", "add", "test"]).trim().to_owned();
        cluster
    }

    /// Makes another team; a key of it.
    pub(crate) fn team(&self, slug: &str) -> String {
        self.operate(&["teams", "add", slug]);
        self.key_of(slug)
    }

    /// A further key of a team.
    pub(crate) fn key_of(&self, slug: &str) -> String {
        self.operate(&["keys", "add", "test", "--team", slug]).trim().to_owned()
    }

    /// What an operator does beside the servers, and what is answered.
    pub(crate) fn operate(&self, args: &[&str]) -> String {
        let output = self.program().arg("serve").args(args).args(self.place()).output().unwrap();
        assert!(output.status.success(), "{args:?}: {}", String::from_utf8_lossy(&output.stderr));
        String::from_utf8(output.stdout).unwrap()
    }

    /// Changes the database behind the servers' backs, as time would.
    pub(crate) fn sql(&self, statement: &str) {
        match &self.home {
            Home::Shared(database) => Postgres::run(database, statement),
            Home::Alone => {
                const RUN: &str =
                    "import sqlite3, sys\nwith sqlite3.connect(sys.argv[1]) as db: db.execute(sys.argv[2])";
                let file = self.folder.path().join("data/pome.db");
                let status = Command::new("python3").args(["-c", RUN]).arg(file).arg(statement).status().unwrap();
                assert!(status.success(), "{statement}");
            }
        }
    }

    /// Asks a route of server `number` as whoever has `key`.
    pub(crate) fn ask(&self, number: usize, key: &str, method: &str, path: &str, body: Option<&Value>) -> (u16, Value) {
        send(method, &format!("{}{path}", self.url(number)), &[("x-api-key", key)], body)
    }

    /// Starts one more server in the same place that does not come up: its exit code and what it says.
    pub(crate) fn refused(&self) -> (Option<i32>, String) {
        let output = self.program().args(["serve", "--listen", "127.0.0.1:0"]).args(self.place()).output().unwrap();
        (output.status.code(), String::from_utf8_lossy(&output.stderr).into_owned())
    }

    fn program(&self) -> Command {
        let mut command = Command::new(program());
        command
            .env_clear()
            .env("PATH", std::env::var_os("PATH").unwrap())
            .env("HOME", self.folder.path())
            .env("POME_SERVER_SECRET", SECRET)
            .envs(self.variables.iter().cloned())
            .current_dir(self.folder.path())
            .stdin(Stdio::null());
        command
    }

    /// Flags that say where things are kept.
    fn place(&self) -> Vec<String> {
        let data = self.folder.path().join("data").display().to_string();
        let mut flags = vec!["--data-dir".to_owned(), data];
        if let Home::Shared(database) = &self.home {
            flags.extend(["--database-url".to_owned(), database.clone()]);
        }
        flags
    }

    /// Starts server `number` (again) and waits until it answers.
    pub(crate) fn boot(&mut self, number: usize, limit: u32) {
        let port = self.ports[number];
        let log = std::fs::File::options().create(true).append(true).open(self.log(number)).unwrap();
        let child = self
            .program()
            .args(["serve", "--listen", &format!("127.0.0.1:{port}"), "--max-sessions", &limit.to_string()])
            .args(self.place())
            .args(&self.flags)
            .stdout(Stdio::null())
            .stderr(log)
            .spawn()
            .unwrap();
        self.children[number] = Some(child);
        let started = Instant::now();
        while agent().get(format!("{}/healthz", self.url(number))).call().is_err() {
            assert!(started.elapsed() < BOOT, "{}", std::fs::read_to_string(self.log(number)).unwrap_or_default());
            std::thread::sleep(Duration::from_millis(20));
        }
    }

    /// Where everything of the servers is.
    pub(crate) fn folder(&self) -> PathBuf {
        self.folder.path().to_owned()
    }

    pub(crate) fn log(&self, number: usize) -> PathBuf {
        self.folder.path().join(format!("server-{number}.log"))
    }

    /// Ends server `number` as the machine would.
    pub(crate) fn kill(&mut self, number: usize) {
        if let Some(mut child) = self.children[number].take() {
            child.kill().unwrap();
            child.wait().unwrap();
        }
    }

    /// Asks server `number` to stop and waits until it has.
    pub(crate) fn stop(&mut self, number: usize) {
        if let Some(mut child) = self.children[number].take() {
            let asked = Command::new("kill").args(["-TERM", &child.id().to_string()]).status().unwrap();
            assert!(asked.success());
            let status = child.wait().unwrap();
            assert_eq!(status.code(), Some(0), "{}", std::fs::read_to_string(self.log(number)).unwrap_or_default());
        }
    }

    pub(crate) fn url(&self, number: usize) -> String {
        format!("http://127.0.0.1:{}", self.ports[number])
    }

    pub(crate) fn urls(&self) -> Vec<String> {
        (0..self.ports.len()).map(|number| self.url(number)).collect()
    }

    /// Opens a session with these twins.
    pub(crate) fn open(&self, number: usize, twins: &[&str], seed: Option<Value>) -> Session {
        self.open_as(&self.key, number, twins, seed)
    }

    /// The same for the team of a key.
    pub(crate) fn open_as(&self, key: &str, number: usize, twins: &[&str], seed: Option<Value>) -> Session {
        let body = json!({
            "twins": twins,
            "scenario_source": "IyBU",
            "seed": seed,
            "ttl_seconds": 3600,
        });
        let mut waited = 0;
        loop {
            let answer = agent()
                .post(format!("{}/v1/sessions", self.url(number)))
                .header("x-api-key", key)
                .header("content-type", "application/json")
                .send(body.to_string())
                .unwrap();
            if answer.status() == 429 && waited < 100 {
                waited += 1;
                std::thread::sleep(Duration::from_millis(200));
                continue;
            }
            let status = answer.status();
            let body = json(answer);
            assert!(status.is_success(), "{status} {body}");
            return Session {
                id: body["session_id"].as_str().unwrap().to_owned(),
                token: body["agent_token"].as_str().unwrap().to_owned(),
            };
        }
    }

    /// What the control plane says about a session.
    pub(crate) fn session(&self, number: usize, id: &str) -> Value {
        let url = format!("{}/v1/sessions/{id}", self.url(number));
        json(agent().get(url).header("x-api-key", &self.key).call().unwrap())
    }

    /// Waits until a session has been seen to be called: that is noted beside the answers.
    pub(crate) fn until_running(&self, number: usize, id: &str) {
        let started = Instant::now();
        while self.session(number, id)["state"] != "running" {
            assert!(started.elapsed() < BOOT, "{}", self.session(number, id));
            std::thread::sleep(Duration::from_millis(50));
        }
    }
}

impl Drop for Cluster {
    fn drop(&mut self) {
        for number in 0..self.children.len() {
            self.kill(number);
        }
        if std::thread::panicking() {
            for number in 0..self.children.len() {
                let log = std::fs::read_to_string(self.log(number)).unwrap_or_default();
                let tail: Vec<&str> = log.lines().rev().take(15).collect();
                eprintln!("server {number}, newest first:\n{}", tail.join("\n"));
            }
        }
    }
}

/// A session and how to talk to it.
#[derive(Debug, Clone)]
pub(crate) struct Session {
    pub(crate) id: String,
    pub(crate) token: String,
}

/// What is known of a request.
#[derive(Debug)]
pub(crate) enum Told {
    Answer(u16, Value),
    /// The connection broke, or the server says to try again: it may have happened or not.
    Unknown(String),
}

/// Sends a request to a twin of a session through the server at `url`.
pub(crate) fn call(
    agent: &ureq::Agent,
    url: &str,
    session: &Session,
    method: &str,
    path: &str,
    body: Option<&Value>,
    call_id: Option<&str>,
) -> Told {
    let mut request = http::Request::builder()
        .method(method)
        .uri(format!("{url}/github/{}{path}", session.id))
        .header("authorization", format!("Bearer {}", session.token))
        .header("content-type", "application/json");
    if let Some(id) = call_id {
        request = request.header("pome-call-id", id);
    }
    let body = body.map(Value::to_string).unwrap_or_default();
    match agent.run(request.body(body).unwrap()) {
        Ok(mut answer) => {
            let status = answer.status().as_u16();
            // The trace of a session under constant load is larger than what the client takes unasked.
            match answer.body_mut().with_config().limit(1 << 30).read_to_string() {
                Ok(_) if matches!(status, 502..=504) => Told::Unknown(format!("status {status}")),
                Ok(text) => Told::Answer(status, serde_json::from_str(&text).unwrap_or(Value::String(text))),
                Err(error) => Told::Unknown(error.to_string()),
            }
        }
        Err(error) => Told::Unknown(error.to_string()),
    }
}

/// Sends one request; its status and what it was answered.
pub(crate) fn send(method: &str, url: &str, headers: &[(&str, &str)], body: Option<&Value>) -> (u16, Value) {
    let mut request = http::Request::builder().method(method).uri(url).header("content-type", "application/json");
    for (name, value) in headers {
        request = request.header(*name, *value);
    }
    let answer = agent().run(request.body(body.map(Value::to_string).unwrap_or_default()).unwrap()).unwrap();
    let status = answer.status().as_u16();
    let text = answer.into_body().read_to_string().unwrap();
    (status, if text.is_empty() { Value::Null } else { serde_json::from_str(&text).unwrap_or(Value::String(text)) })
}

fn json(answer: http::Response<ureq::Body>) -> Value {
    let text = answer.into_body().read_to_string().unwrap();
    serde_json::from_str(&text).unwrap_or_else(|error| panic!("{error}: {text}"))
}

/// The program: the one that was built for this test, or another build of it.
pub(crate) fn program() -> std::ffi::OsString {
    std::env::var_os("POME_BIN").unwrap_or_else(|| env!("CARGO_BIN_EXE_pome").into())
}

/// A client that reports every status.
pub(crate) fn agent() -> ureq::Agent {
    let config = ureq::Agent::config_builder()
        .http_status_as_error(false)
        .timeout_global(Some(Duration::from_secs(30)))
        .proxy(None)
        .build();
    config.into()
}
