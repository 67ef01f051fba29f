//! A control plane with many live sessions.

use std::net::{SocketAddr, TcpListener};
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::thread;
use std::time::{Duration, Instant};

use anyhow::{Context, ensure};
use serde_json::{Value, json};

use crate::http::{Bare, Connection, load, quantile, request};
use crate::{LOAD_TIME, Row, as_mib, millis};

/// Live sessions.
const SESSIONS: usize = 1000;
/// Connections that ask at the same time.
const CONNECTIONS: usize = 64;
/// Keys that sessions are made with: one may make twenty a second.
const KEYS: usize = 20;

/// Twins in turn, and what is read of each.
const READS: [(&str, &str); 3] =
    [("github", "/repos/acme/api/issues/1"), ("stripe", "/v1/customers"), ("slack", "/auth.test")];

struct Server {
    child: Child,
    folder: tempfile::TempDir,
    address: SocketAddr,
}

impl Server {
    fn start(pome: &Path) -> anyhow::Result<Self> {
        let address = TcpListener::bind("127.0.0.1:0")?.local_addr()?;
        let folder = tempfile::tempdir()?;
        let child = Command::new(pome)
            .args(["serve", "--listen", &address.to_string(), "--max-sessions", "2000", "--data-dir"])
            .arg(folder.path().join("data"))
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(std::fs::File::create(folder.path().join("log"))?)
            .spawn()?;
        let server = Self { child, folder, address };
        let started = Instant::now();
        let health = request("GET", "/healthz", "", "");
        while !Connection::open(address)
            .is_ok_and(|mut connection| connection.exchange(&health).is_ok_and(|(status, _)| status == 200))
        {
            ensure!(started.elapsed() < Duration::from_secs(20), "the server did not become ready");
            thread::sleep(Duration::from_millis(5));
        }
        Ok(server)
    }

    fn key(&self, pome: &Path, name: &str) -> anyhow::Result<String> {
        let output = Command::new(pome)
            .args(["serve", "keys", "add", name, "--data-dir"])
            .arg(self.folder.path().join("data"))
            .output()?;
        let said = [output.stdout, output.stderr].concat();
        let said = String::from_utf8_lossy(&said).into_owned();
        let is_key = |word: &&str| word.starts_with("pme_") && word.len() > 40;
        let word = said.split(|c: char| !(c.is_ascii_alphanumeric() || "_-".contains(c))).find(is_key);
        word.map(str::to_owned).with_context(|| format!("no key: {said}"))
    }

    /// Memory in KiB with shared pages counted once.
    fn proportional(&self) -> anyhow::Result<u64> {
        let rollup = std::fs::read_to_string(format!("/proc/{}/smaps_rollup", self.child.id()))?;
        let line = rollup.lines().find_map(|line| line.strip_prefix("Pss:")).context("no Pss")?;
        Ok(line.trim().trim_end_matches(" kB").trim().parse()?)
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

fn create(connection: &mut Connection, key: &str, twin: &str) -> anyhow::Result<(String, String)> {
    let body = json!({ "twins": [twin], "scenario_source": "IyBU", "ttl_seconds": 3600 }).to_string();
    let sent = format!(
        "POST /v1/sessions HTTP/1.1\r\nhost: 127.0.0.1\r\nx-api-key: {key}\r\ncontent-type: application/json\r\n\
         content-length: {}\r\n\r\n{body}",
        body.len()
    );
    let (status, answer) = connection.exchange(sent.as_bytes())?;
    ensure!(status == 201, "no session: {status} {}", String::from_utf8_lossy(answer));
    let made: Value = serde_json::from_slice(answer)?;
    let text = |name: &str| made.get(name).and_then(Value::as_str).map(str::to_owned).context("incomplete answer");
    Ok((text("session_id")?, text("agent_token")?))
}

/// P18: live sessions of mixed twins on one server, and what reading them costs.
pub(crate) fn hosted(pome: &Path) -> anyhow::Result<Vec<Row>> {
    let server = Server::start(pome)?;
    let keys: Vec<String> = (0..KEYS).map(|number| server.key(pome, &number.to_string())).collect::<Result<_, _>>()?;
    let mut connection = Connection::open(server.address)?;
    let before = server.proportional()?;
    let (mut reads, mut creating) = (Vec::with_capacity(SESSIONS), Vec::with_capacity(SESSIONS));
    for ((number, (twin, path)), key) in (0..SESSIONS).zip(READS.iter().cycle()).zip(keys.iter().cycle()) {
        let started = Instant::now();
        let (session, token) = create(&mut connection, key, twin).with_context(|| format!("session {number}"))?;
        creating.push(u32::try_from(started.elapsed().as_micros())?);
        reads.push(request("GET", &format!("/{twin}/{session}{path}"), &token, ""));
    }
    let idle = server.proportional()?;
    for read in &reads {
        let (status, body) = connection.exchange(read)?;
        ensure!(status == 200, "a session answered {status}: {}", String::from_utf8_lossy(body));
    }
    let called = server.proportional()?;
    let got = load(server.address, &reads, 200, CONNECTIONS, LOAD_TIME)?;
    let bare = Bare::start()?;
    let rival = load(bare.address, &[request("GET", "/", "", "")], 200, CONNECTIONS, LOAD_TIME)?;
    creating.sort_unstable();
    let count = u64::try_from(SESSIONS)?;
    let (each, each_called) = (idle.saturating_sub(before) / count, called.saturating_sub(before) / count);
    Ok(vec![
        Row {
            id: "P18",
            what: "hosted: GET over 1 000 live sessions, 64 connections, every call in the log",
            figure: format!("p50 {:.2} ms, p99 {:.2} ms, {:.0}/s", millis(got.p50), millis(got.p99), got.per_second),
            goal: "p99 <= 10 ms",
            met: Some(millis(got.p99) <= 10.0),
            beside: format!("server that does nothing: p99 {:.2} ms, {:.0}/s", millis(rival.p99), rival.per_second),
        },
        Row {
            id: "P18",
            what: "hosted: memory of an idle session, and of one that was read",
            figure: format!("{each} KiB, {each_called} KiB; {:.0} MiB in all", as_mib(called)),
            goal: "printed",
            met: None,
            beside: format!("server without sessions: {:.0} MiB", as_mib(before)),
        },
        Row {
            id: "P18",
            what: "hosted: POST /v1/sessions, stored",
            figure: format!(
                "p50 {:.2} ms, p99 {:.2} ms",
                millis(quantile(&creating, 50)),
                millis(quantile(&creating, 99))
            ),
            goal: "printed",
            met: None,
            beside: String::new(),
        },
    ])
}
