//! A `PostgreSQL` server of the tests' own, on a free loopback port, in a temporary folder.

use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::OnceLock;
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::{Duration, Instant};

use tempfile::TempDir;

use crate::free_port;

/// How long the server may take to come up.
const BOOT: Duration = Duration::from_secs(60);

/// Starts the server, waits until nobody holds its standard input any more, ends it and removes its folder: however the tests
/// end, nothing of it stays.
const KEEP: &str = r#"folder=$1; shift; "$@" </dev/null & server=$!; cat >/dev/null; kill -QUIT $server; wait $server; rm -rf "$folder""#;

/// A running server.
#[derive(Debug)]
pub struct Postgres {
    folder: PathBuf,
    bin: PathBuf,
    port: u16,
    keeper: Child,
}

impl Postgres {
    /// The address of a new, empty database in the server that all tests of this process share; `None`, said loudly, where
    /// `PostgreSQL` is not installed.
    pub fn database() -> Option<String> {
        static SHARED: OnceLock<Option<Postgres>> = OnceLock::new();
        static MADE: AtomicU32 = AtomicU32::new(0);
        let Some(server) = SHARED.get_or_init(Self::start) else {
            eprintln!("NOT RUN: there is no PostgreSQL server (Debian: `apt-get install postgresql`)");
            return None;
        };
        let name = format!("test_{}", MADE.fetch_add(1, Ordering::Relaxed));
        server.client("createdb").arg(&name).done();
        Some(server.url(&name))
    }

    /// Carries a statement out in a database.
    pub fn run(database: &str, statement: &str) {
        let bin = programs().expect("there is a database, so there are the programs");
        Command::new(bin.join("psql"))
            .args(["-q", "-X", "-v", "ON_ERROR_STOP=1", "-c", statement, database])
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .done();
    }

    fn start() -> Option<Self> {
        let bin = programs()?;
        let folder: TempDir = tempfile::tempdir().expect("a temporary folder");
        if is_root() {
            let owned = Command::new("chown").arg("postgres").arg(folder.path()).status();
            assert!(owned.is_ok_and(|status| status.success()), "the folder cannot be given to the user `postgres`");
        }
        let (data, port) = (folder.path().join("data"), free_port());
        command(&bin.join("initdb"), folder.path())
            .args(["-A", "trust", "-U", "pome", "-E", "UTF8", "--no-sync", "-D"])
            .arg(&data)
            .done();
        let log = std::fs::File::create(folder.path().join("log")).expect("a file for the log");
        let keeper = command(Path::new("sh"), folder.path())
            .args(["-c", KEEP, "sh"])
            .arg(folder.path())
            .arg(bin.join("postgres"))
            .args(["-D".as_ref(), data.as_os_str(), "-k".as_ref(), folder.path().as_os_str()])
            .args(["-p", &port.to_string(), "-c", "listen_addresses=127.0.0.1", "-c", "max_connections=400"])
            // A database that nobody needs tomorrow need not reach the disk.
            .args(["-c", "fsync=off"])
            .stdin(Stdio::piped())
            .stderr(log)
            .spawn()
            .expect("the server can be started");
        let server = Self { folder: folder.keep(), bin, port, keeper };
        let started = Instant::now();
        while !server.client("pg_isready").args(["-q", "-d", "postgres"]).status().is_ok_and(|status| status.success())
        {
            assert!(started.elapsed() < BOOT, "PostgreSQL did not come up: {}", server.log());
            std::thread::sleep(Duration::from_millis(50));
        }
        Some(server)
    }

    fn url(&self, database: &str) -> String {
        format!("postgres://pome@127.0.0.1:{}/{database}", self.port)
    }

    fn log(&self) -> String {
        std::fs::read_to_string(self.folder.join("log")).unwrap_or_default()
    }

    /// A program that talks to the server.
    fn client(&self, name: &str) -> Command {
        let mut command = Command::new(self.bin.join(name));
        command.args(["-h", "127.0.0.1", "-U", "pome", "-p", &self.port.to_string()]);
        command
    }
}

impl Drop for Postgres {
    fn drop(&mut self) {
        drop(self.keeper.stdin.take());
        // Nothing of it is needed any more.
        let _ = self.keeper.wait();
    }
}

/// A program that serves, in a folder, not as root: the server refuses that.
fn command(program: &Path, folder: &Path) -> Command {
    let mut command = if is_root() {
        let mut command = Command::new("runuser");
        command.args(["-u", "postgres", "--"]).arg(program);
        command
    } else {
        Command::new(program)
    };
    command.current_dir(folder).stdin(Stdio::null()).stdout(Stdio::null());
    command
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
    ["initdb", "postgres", "pg_isready", "createdb", "psql"].iter().all(|name| folder.join(name).exists())
}
