//! A temporary project and the program in it.

use std::ffi::{OsStr, OsString};
use std::fs;
use std::io::{BufRead as _, BufReader, Read};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, ExitStatus, Stdio};
use std::sync::mpsc::{self, Receiver};
use std::thread;
use std::time::{Duration, Instant};

use serde_json::Value;
use tempfile::TempDir;

use crate::mask::mask;

/// More than any test needs; reaching it is a failure.
const PATIENCE: Duration = Duration::from_mins(2);

/// A folder with these files, and the folders above them. It goes away at the end.
pub fn folder(files: &[(&str, &str)]) -> TempDir {
    let folder = tempfile::tempdir().expect("a temporary folder");
    for (name, text) in files {
        write(&folder.path().join(name), text);
    }
    folder
}

fn write(path: &Path, text: impl AsRef<[u8]>) {
    fs::create_dir_all(path.parent().expect("below a folder")).expect("folders");
    fs::write(path, text).expect("a file");
}

/// A folder of its own with a home beside it. Both go away at the end.
#[derive(Debug)]
pub struct Project {
    program: PathBuf,
    root: TempDir,
}

impl Project {
    /// An empty project for this program: `Project::new(env!("CARGO_BIN_EXE_pome"))`.
    pub fn new(program: impl Into<PathBuf>) -> Self {
        let root = tempfile::Builder::new().prefix("pome-test-").tempdir().expect("a temporary folder");
        fs::create_dir(root.path().join("project")).expect("a folder for the project");
        fs::create_dir(root.path().join("home")).expect("a home");
        Self { program: program.into(), root }
    }

    /// The folder that commands run in.
    pub fn root(&self) -> PathBuf {
        self.root.path().join("project")
    }

    /// The home of commands.
    pub fn home(&self) -> PathBuf {
        self.root.path().join("home")
    }

    /// A path below the folder.
    pub fn path(&self, relative: impl AsRef<Path>) -> PathBuf {
        self.root().join(relative)
    }

    /// Writes a file, with the folders above it.
    pub fn write(&self, relative: impl AsRef<Path>, text: impl AsRef<[u8]>) -> &Self {
        write(&self.path(relative), text);
        self
    }

    /// The content of a file.
    pub fn read(&self, relative: impl AsRef<Path>) -> String {
        let path = self.path(relative);
        fs::read_to_string(&path).unwrap_or_else(|error| panic!("{}: {error}", path.display()))
    }

    /// The content of a JSON file.
    pub fn json(&self, relative: impl AsRef<Path>) -> Value {
        serde_json::from_str(&self.read(relative)).expect("JSON")
    }

    /// Names in a folder, sorted; nothing when it does not exist.
    pub fn names(&self, relative: impl AsRef<Path>) -> Vec<String> {
        let Ok(entries) = fs::read_dir(self.path(relative)) else { return Vec::new() };
        let mut names: Vec<String> =
            entries.map(|entry| entry.expect("an entry").file_name().to_string_lossy().into_owned()).collect();
        names.sort();
        names
    }

    /// The folder of the latest run.
    pub fn latest_run(&self) -> PathBuf {
        let latest = self.json("runs/latest.json");
        self.path(latest["run_dir"].as_str().expect("`run_dir`"))
    }

    /// The program with these arguments, in the folder, with an environment that holds nothing of ours.
    pub fn pome<S: AsRef<OsStr>>(&self, args: impl IntoIterator<Item = S>) -> Cmd {
        let mut cmd = Cmd { program: self.program.clone(), args: Vec::new(), cwd: self.root(), env: Vec::new() };
        cmd.args.extend(args.into_iter().map(|arg| arg.as_ref().to_owned()));
        for name in ["PATH", "TMPDIR", "SystemRoot"] {
            if let Some(value) = std::env::var_os(name) {
                cmd.env.push((name.into(), value));
            }
        }
        cmd.env("HOME", self.home()).env("POME_NO_UPDATE_CHECK", "1").env("LANG", "C.UTF-8")
    }
}

/// A command that has not been started.
#[derive(Debug)]
pub struct Cmd {
    program: PathBuf,
    args: Vec<OsString>,
    cwd: PathBuf,
    env: Vec<(OsString, OsString)>,
}

impl Cmd {
    /// Sets a variable.
    #[must_use]
    pub fn env(mut self, name: impl AsRef<OsStr>, value: impl AsRef<OsStr>) -> Self {
        self.env.push((name.as_ref().to_owned(), value.as_ref().to_owned()));
        self
    }

    /// Runs in another folder.
    #[must_use]
    pub fn cwd(mut self, folder: impl Into<PathBuf>) -> Self {
        self.cwd = folder.into();
        self
    }

    /// Runs it to its end.
    pub fn run(self) -> Output {
        self.start().finish()
    }

    /// Starts it and leaves it running.
    pub fn start(self) -> Started {
        let mut child = Command::new(&self.program)
            .args(&self.args)
            .current_dir(&self.cwd)
            .env_clear()
            .envs(self.env)
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .unwrap_or_else(|error| panic!("{}: {error}", self.program.display()));
        let stdout = lines(child.stdout.take().expect("a pipe"));
        let stderr = lines(child.stderr.take().expect("a pipe"));
        Started { child, stdout, stderr, seen: [String::new(), String::new()], done: false }
    }
}

/// Whole lines as they arrive; the channel closes with the stream.
fn lines(stream: impl Read + Send + 'static) -> Receiver<String> {
    let (sender, receiver) = mpsc::channel();
    thread::spawn(move || {
        let mut stream = BufReader::new(stream);
        let mut line = Vec::new();
        while stream.read_until(b'\n', &mut line).is_ok_and(|read| read > 0) {
            if sender.send(String::from_utf8_lossy(&line).into_owned()).is_err() {
                return;
            }
            line.clear();
        }
    });
    receiver
}

/// A running program. It is killed when the test forgets it.
#[derive(Debug)]
pub struct Started {
    child: Child,
    stdout: Receiver<String>,
    stderr: Receiver<String>,
    seen: [String; 2],
    done: bool,
}

impl Started {
    /// Its process id.
    pub fn pid(&self) -> u32 {
        self.child.id()
    }

    /// Waits for a line on standard output that contains the text, and returns it.
    pub fn wait_for_line(&mut self, text: &str) -> String {
        self.wait_for(0, text)
    }

    /// The same on standard error.
    pub fn wait_for_error_line(&mut self, text: &str) -> String {
        self.wait_for(1, text)
    }

    fn wait_for(&mut self, stream: usize, text: &str) -> String {
        let deadline = Instant::now() + PATIENCE;
        loop {
            let left = deadline.saturating_duration_since(Instant::now());
            let lines = if stream == 0 { &self.stdout } else { &self.stderr };
            let Ok(line) = lines.recv_timeout(left) else {
                self.drain();
                panic!("no line with `{text}`\n{}\n{}", self.seen[0], self.seen[1]);
            };
            self.seen[stream].push_str(&line);
            if line.contains(text) {
                return line.trim_end().to_owned();
            }
        }
    }

    /// Sends a signal by its name, such as `TERM` or `INT`.
    pub fn signal(&self, name: &str) {
        let status = Command::new("kill").args([format!("-{name}"), self.pid().to_string()]).status().expect("kill");
        assert!(status.success(), "the process {} takes no signal", self.pid());
    }

    /// Waits for its end.
    pub fn finish(mut self) -> Output {
        let deadline = Instant::now() + PATIENCE;
        // Its streams close when it has ended, unless something it started keeps them.
        for (index, stream) in [&self.stdout, &self.stderr].into_iter().enumerate() {
            while let Ok(line) = stream.recv_timeout(deadline.saturating_duration_since(Instant::now())) {
                self.seen[index].push_str(&line);
            }
        }
        if Instant::now() >= deadline {
            let _ = self.child.kill();
        }
        let status = self.child.wait().expect("the end of the program");
        self.done = true;
        assert!(Instant::now() < deadline, "the program did not end in time\n{}\n{}", self.seen[0], self.seen[1]);
        Output {
            code: code(status),
            stdout: std::mem::take(&mut self.seen[0]),
            stderr: std::mem::take(&mut self.seen[1]),
        }
    }

    fn drain(&mut self) {
        for (index, stream) in [&self.stdout, &self.stderr].into_iter().enumerate() {
            while let Ok(line) = stream.try_recv() {
                self.seen[index].push_str(&line);
            }
        }
    }
}

impl Drop for Started {
    fn drop(&mut self) {
        if !self.done {
            let _ = self.child.kill();
            let _ = self.child.wait();
        }
    }
}

/// The exit code; a signal counts as 128 and its number, as in a shell.
fn code(status: ExitStatus) -> i32 {
    #[cfg(unix)]
    {
        use std::os::unix::process::ExitStatusExt as _;
        if let Some(signal) = status.signal() {
            return 128 + signal;
        }
    }
    status.code().unwrap_or(-1)
}

/// What a program said and how it ended.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Output {
    /// Exit code.
    pub code: i32,
    /// Standard output.
    pub stdout: String,
    /// Standard error.
    pub stderr: String,
}

impl Output {
    /// Everything in one text, without what differs from run to run.
    pub fn masked(&self) -> String {
        let mut text = format!("exit {}\n", self.code);
        for (name, stream) in [("stdout", &self.stdout), ("stderr", &self.stderr)] {
            if !stream.is_empty() {
                text.push_str(&format!("----- {name} -----\n{}", mask(stream)));
            }
        }
        text
    }

    /// Standard output as JSON.
    pub fn json(&self) -> Value {
        serde_json::from_str(&self.stdout)
            .unwrap_or_else(|error| panic!("standard output is not JSON: {error}\n{self:?}"))
    }

    /// Itself, when the exit code is this one; shows everything otherwise.
    #[expect(clippy::return_self_not_must_use, reason = "often the code is all that a test wants to know")]
    pub fn expect(self, code: i32) -> Self {
        assert_eq!(self.code, code, "{}\n{}", self.stdout, self.stderr);
        self
    }
}
