//! A running `pome twin start <name>` and its admin calls.

use std::io::{BufRead, BufReader};
use std::net::{SocketAddr, TcpListener};
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use anyhow::{Context, ensure};
use serde_json::Value;

use crate::http::{Connection, request};

#[derive(Debug)]
pub(crate) struct Twin {
    child: Child,
    folder: tempfile::TempDir,
    pub(crate) address: SocketAddr,
    pub(crate) token: String,
    /// From spawning the process to the first 200 of `/healthz`.
    pub(crate) ready_after: Duration,
}

impl Twin {
    pub(crate) fn start(pome: &Path) -> anyhow::Result<Self> {
        Self::of(pome, "github")
    }

    pub(crate) fn of(pome: &Path, name: &str) -> anyhow::Result<Self> {
        let address = TcpListener::bind("127.0.0.1:0")?.local_addr()?;
        let folder = tempfile::tempdir()?;
        let started = Instant::now();
        let mut child = Command::new(pome)
            .args(["twin", "start", name, "--port", &address.port().to_string()])
            .env("POME_RECORDER_EVENTS_PATH", folder.path().join("events.jsonl"))
            .current_dir(folder.path())
            .stdout(Stdio::piped())
            .stderr(Stdio::null())
            .spawn()
            .context("starting the twin")?;
        let health = request("GET", "/healthz", "", "");
        let ready_after = loop {
            if let Ok(mut connection) = Connection::open(address)
                && connection.exchange(&health).is_ok_and(|(status, _)| status == 200)
            {
                break started.elapsed();
            }
            ensure!(started.elapsed() < Duration::from_secs(10), "the twin did not become ready");
            std::thread::sleep(Duration::from_micros(200));
        };
        let stdout = child.stdout.take().context("the twin has no standard output")?;
        let token = BufReader::new(stdout)
            .lines()
            .map_while(Result::ok)
            .find_map(|line| line.strip_prefix("POME_AUTH_TOKEN=").map(str::to_owned))
            .context("the twin printed no token")?;
        Ok(Self { child, folder, address, token, ready_after })
    }

    pub(crate) fn events_file(&self) -> std::path::PathBuf {
        self.folder.path().join("events.jsonl")
    }

    /// Resident memory in KiB.
    pub(crate) fn resident(&self) -> anyhow::Result<u64> {
        let status = std::fs::read_to_string(format!("/proc/{}/status", self.child.id()))?;
        let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:")).context("no VmRSS")?;
        Ok(line.trim().trim_end_matches(" kB").trim().parse()?)
    }

    /// Memory in KiB with shared pages counted once: worlds map the pages of their seed together, and resident memory counts such
    /// a page for each of them.
    pub(crate) fn proportional(&self) -> anyhow::Result<u64> {
        let rollup = std::fs::read_to_string(format!("/proc/{}/smaps_rollup", self.child.id()))?;
        let line = rollup.lines().find_map(|line| line.strip_prefix("Pss:")).context("no Pss")?;
        Ok(line.trim().trim_end_matches(" kB").trim().parse()?)
    }

    pub(crate) fn connect(&self) -> anyhow::Result<Connection> {
        Ok(Connection::open(self.address)?)
    }

    /// Makes a world from a seed, or forks one, and answers its id and token.
    pub(crate) fn world(connection: &mut Connection, body: &str) -> anyhow::Result<(String, String)> {
        let (status, answer) = connection.exchange(&request("POST", "/admin/sessions", "", body))?;
        ensure!(status == 201, "no world: {status} {}", String::from_utf8_lossy(answer));
        let made: Value = serde_json::from_slice(answer)?;
        let text = |name: &str| made.get(name).and_then(Value::as_str).map(str::to_owned).context("incomplete answer");
        Ok((text("sid")?, text("token")?))
    }
}

impl Drop for Twin {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}
