//! A `PostgreSQL` server of the test's own, on a free loopback port, in a temporary folder.

use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

use tempfile::TempDir;

use crate::free_port;

/// How long the server may take to come up.
const BOOT: Duration = Duration::from_secs(60);

/// A running server; it ends when it is dropped.
#[derive(Debug)]
pub struct Postgres {
    folder: TempDir,
    bin: PathBuf,
    port: u16,
}

impl Postgres {
    /// Starts one; `None`, said loudly, where `PostgreSQL` is not installed.
    pub fn start() -> Option<Self> {
        let Some(bin) = programs() else {
            eprintln!("NOT RUN: there is no PostgreSQL server (Debian: `apt-get install postgresql`)");
            return None;
        };
        let folder = tempfile::tempdir().expect("a temporary folder");
        let postgres = Self { folder, bin, port: free_port() };
        if is_root() {
            let owned = Command::new("chown").arg("postgres").arg(postgres.folder.path()).status();
            assert!(owned.is_ok_and(|status| status.success()), "the folder cannot be given to the user `postgres`");
        }
        let data = postgres.data();
        postgres
            .command("initdb")
            .args(["-A", "trust", "-U", "pome", "-E", "UTF8", "--no-sync", "-D"])
            .arg(&data)
            .done();
        let options = format!(
            "-p {} -c listen_addresses=127.0.0.1 -c unix_socket_directories={} -c max_connections=200",
            postgres.port,
            postgres.folder.path().display()
        );
        postgres
            .command("pg_ctl")
            .args(["start", "-s", "-W", "-o", &options, "-l"])
            .arg(data.join("log"))
            .arg("-D")
            .arg(&data)
            .done();
        let started = Instant::now();
        let ready = || {
            let mut command = Command::new(postgres.bin.join("pg_isready"));
            command.args(["-q", "-h", "127.0.0.1", "-U", "pome", "-d", "postgres", "-p", &postgres.port.to_string()]);
            command.status().is_ok_and(|status| status.success())
        };
        while !ready() {
            assert!(started.elapsed() < BOOT, "PostgreSQL did not come up");
            std::thread::sleep(Duration::from_millis(50));
        }
        Some(postgres)
    }

    /// The address of its only database.
    pub fn url(&self) -> String {
        format!("postgres://pome@127.0.0.1:{}/postgres", self.port)
    }

    fn data(&self) -> PathBuf {
        self.folder.path().join("data")
    }

    /// One of its programs, not as root: it refuses that.
    fn command(&self, name: &str) -> Command {
        let program = self.bin.join(name);
        let mut command = if is_root() {
            let mut command = Command::new("runuser");
            command.args(["-u", "postgres", "--"]).arg(program);
            command
        } else {
            Command::new(program)
        };
        command.current_dir(self.folder.path()).stdin(Stdio::null()).stdout(Stdio::null());
        command
    }
}

impl Drop for Postgres {
    fn drop(&mut self) {
        // Nothing of it is needed any more.
        let _ = self.command("pg_ctl").args(["stop", "-s", "-m", "immediate", "-D"]).arg(self.data()).status();
    }
}

trait Done {
    fn done(&mut self);
}

impl Done for Command {
    fn done(&mut self) {
        let status = self.status().expect("the program can be started");
        assert!(status.success(), "{self:?}: {status}");
    }
}

fn is_root() -> bool {
    let id = Command::new("id").arg("-u").output();
    id.is_ok_and(|output| output.stdout.trim_ascii() == b"0")
}

/// Where the newest server's programs are.
fn programs() -> Option<PathBuf> {
    let mut found: Vec<PathBuf> = std::fs::read_dir("/usr/lib/postgresql")
        .into_iter()
        .flatten()
        .filter_map(|entry| Some(entry.ok()?.path().join("bin")))
        .filter(|bin| bin.join("initdb").exists())
        .collect();
    found.sort();
    let on_path = || {
        let path = std::env::var_os("PATH")?;
        std::env::split_paths(&path).find(|folder: &PathBuf| is_server(folder))
    };
    found.pop().or_else(on_path)
}

fn is_server(folder: &Path) -> bool {
    ["initdb", "pg_ctl", "postgres", "pg_isready"].iter().all(|name| folder.join(name).exists())
}
