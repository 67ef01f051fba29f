//! The agent process: what it gets to see, how long it may take, and that nothing of it is left afterwards.

use std::collections::BTreeMap;
use std::io;
use std::net::SocketAddr;
use std::os::fd::{AsFd, OwnedFd};
use std::path::Path;
use std::process::Stdio;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use pome_confine::Form;
use pome_wire::env;
use rustix::process::{Pid, Signal, kill_process_group};
use tokio::io::{AsyncBufReadExt, AsyncReadExt, AsyncWriteExt, BufReader, Interest, Lines};
use tokio::net::UnixStream;
use tokio::net::unix::{OwnedReadHalf, OwnedWriteHalf, pipe};
use tokio::process::{Child, Command};
use tokio::task::JoinHandle;
use tokio::time::{Instant, sleep_until, timeout};

use crate::confinement::{self, Confinement, first_stage};
use crate::interrupt::{Cause, Interrupt};
use crate::output::HeadTail;
use crate::relay::Relays;
use crate::supervisor;

/// Between SIGTERM and SIGKILL.
const GRACE: Duration = Duration::from_secs(1);
/// How long what the agent left behind may keep its pipes open.
const PIPES: Duration = Duration::from_secs(2);
/// How long the supervisor may take to start the agent, and to say that everything is gone. It answers in milliseconds.
const SUPERVISOR: Duration = Duration::from_secs(10);

/// What to start.
#[derive(Debug, Clone)]
pub(crate) struct Start<'a> {
    /// Program and first arguments of the supervisor.
    pub(crate) supervisor: &'a [String],
    /// Program and arguments of the agent.
    pub(crate) argv: &'a [String],
    /// The whole environment.
    pub(crate) environment: &'a BTreeMap<String, String>,
    /// Wall clock.
    pub(crate) limit: Duration,
    /// Absent: it may do whatever the user may.
    pub(crate) confined: Option<&'a Confinement>,
}

/// How the agent ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum How {
    /// By itself.
    Exited(i32),
    /// By a signal that the runner did not send.
    Signaled(i32),
    /// The time limit passed.
    TimedOut,
    /// The runner was asked to stop.
    Interrupted(Cause),
}

/// What is known afterwards.
#[derive(Debug)]
pub(crate) struct Ended {
    pub(crate) how: How,
    pub(crate) stdout: Vec<u8>,
    pub(crate) stderr: Vec<u8>,
    /// Wall time of the agent's own process.
    pub(crate) duration: Duration,
    /// Something that could not be done as it should.
    pub(crate) warning: Option<String>,
}

/// The agent could not be started.
#[derive(Debug, thiserror::Error)]
pub(crate) enum Error {
    #[error("cannot start agent `{program}`: {reason}")]
    NotStarted { program: String, reason: String },
    #[error("cannot start the supervisor of the agent (`{program}`)")]
    Supervisor { program: String, source: io::Error },
    #[error("the supervisor of the agent ended before it started the agent")]
    SupervisorGone,
    #[error("the agent cannot be confined here: {0}")]
    Refused(String),
}

impl Error {
    /// What to try next.
    pub(crate) fn hint(&self) -> Option<String> {
        match self {
            Self::NotStarted { .. } => Some(
                "check the agent command: a bare name is looked for on `PATH`, a path from the folder the agent starts in"
                    .to_owned(),
            ),
            Self::Refused(_) => Some(confinement::REMEDY.to_owned()),
            Self::Supervisor { .. } | Self::SupervisorGone => None,
        }
    }
}

/// Starts the agent, waits until it and everything it started is gone, and returns what it printed.
pub(crate) async fn run(start: &Start<'_>, interrupt: &Interrupt) -> Result<Ended, Error> {
    let mut running = match (Running::start(start).await, start.confined) {
        (Err(Error::Refused(why)), Some(confined)) if confined.fall_back(&why) => {
            Running::start(start).await.map_err(|error| match error {
                Error::Refused(neither) => Error::Refused(format!("namespaces: {why}; without them: {neither}")),
                other => other,
            })?
        }
        (started, _) => started?,
    };
    let since = Instant::now();
    let how = tokio::select! {
        how = running.exit() => how,
        () = sleep_until(since + start.limit) => How::TimedOut,
        cause = interrupt.wait() => How::Interrupted(cause),
    };
    let duration = since.elapsed();
    match how {
        How::Exited(_) | How::Signaled(_) => running.wait_for_pipes().await,
        How::TimedOut | How::Interrupted(_) => running.terminate().await,
    }
    let warning = running.kill().await;
    let (stdout, stderr) = running.output().await;
    Ok(Ended { how, stdout, stderr, duration, warning })
}

struct Running {
    supervisor: Child,
    orders: OwnedWriteHalf,
    lines: Lines<BufReader<OwnedReadHalf>>,
    /// Absent when its number means nothing here, because it has a process table of its own.
    agent: Option<Pid>,
    _relays: Relays,
    /// The supervisor said that no process is left.
    empty: bool,
    lost: bool,
    stdout: Stream,
    stderr: Stream,
}

impl Running {
    async fn start(start: &Start<'_>) -> Result<Self, Error> {
        let program = start.supervisor.first().cloned().unwrap_or_default();
        let failed = |source| Error::Supervisor { program: program.clone(), source };
        let (ours, theirs) = std::os::unix::net::UnixStream::pair().map_err(failed)?;
        let (stdout, stdout_end) = pipe().map_err(failed)?;
        let (stderr, stderr_end) = pipe().map_err(failed)?;
        supervisor::send_pipes(&ours, [stdout_end.as_fd(), stderr_end.as_fd()]).map_err(failed)?;
        // From here on the supervisor and the agent hold the only writing ends.
        drop((stdout_end, stderr_end));
        ours.set_nonblocking(true).map_err(failed)?;
        let ours = UnixStream::from_std(ours).map_err(failed)?;
        let policy = start.confined.map(Confinement::policy);
        let words = match &policy {
            Some(policy) => pome_confine::words(first_stage(policy.form), policy, start.argv)
                .map_err(|error| Error::Refused(error.to_string()))?,
            None => start.argv.to_vec(),
        };
        let supervisor = Command::new(&program)
            .args(start.supervisor.iter().skip(1))
            .args(words)
            .env_clear()
            .envs(start.environment)
            .stdin(Stdio::from(OwnedFd::from(theirs)))
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            // Ctrl-C at a terminal reaches the runner alone; what becomes of the agent is its decision.
            .process_group(0)
            .spawn()
            .map_err(failed)?;
        let (stdout, stderr) = (Stream::read(stdout), Stream::read(stderr));
        let isolated = policy.filter(|policy| policy.form == Form::Namespaces);
        let relays = match &isolated {
            Some(policy) => relays(&ours, &policy.ports).await?,
            None => Relays::default(),
        };
        let (reading, orders) = ours.into_split();
        let lines = BufReader::new(reading).lines();
        let mut running =
            Self { supervisor, orders, lines, agent: None, _relays: relays, empty: false, lost: false, stdout, stderr };
        let agent = running.started(start).await?;
        running.agent = agent.filter(|_| isolated.is_none());
        Ok(running)
    }

    /// What the supervisor says until the agent runs.
    async fn started(&mut self, start: &Start<'_>) -> Result<Option<Pid>, Error> {
        loop {
            let Ok(Ok(Some(line))) = timeout(SUPERVISOR, self.lines.next_line()).await else {
                return Err(Error::SupervisorGone);
            };
            match (line.trim_start_matches('!').split_once(' '), start.confined) {
                (Some(("started", pid)), _) => return Ok(pid.parse().ok().and_then(Pid::from_raw)),
                (Some(("refused", why)), _) => return Err(Error::Refused(why.to_owned())),
                (Some(("confined", enforced)), Some(confined)) => match serde_json::from_str(enforced) {
                    Ok(enforced) => confined.started(enforced),
                    Err(error) => return Err(Error::Refused(error.to_string())),
                },
                _ => {
                    let program = start.argv.first().cloned().unwrap_or_default();
                    let reason = line.strip_prefix("cannot ").unwrap_or(&line).to_owned();
                    return Err(Error::NotStarted { program, reason });
                }
            }
        }
    }

    /// Waits for the end of the agent's own process. May be dropped and called again.
    async fn exit(&mut self) -> How {
        loop {
            let line = self.lines.next_line().await.ok().flatten();
            match line.as_deref().and_then(|line| line.split_once(' ')) {
                Some(("exited", code)) => return How::Exited(code.parse().unwrap_or(-1)),
                Some(("signaled", signal)) => return How::Signaled(signal.parse().unwrap_or(-1)),
                _ if line.is_some() => {}
                // Somebody killed the supervisor. The agent died with it, by its parent-death signal.
                _ => {
                    self.lost = true;
                    return How::Signaled(Signal::KILL.as_raw());
                }
            }
        }
    }

    /// Waits until nobody holds the pipes any more, within bounds.
    async fn wait_for_pipes(&mut self) {
        let both = async {
            self.stdout.end().await;
            self.stderr.end().await;
        };
        let _ = timeout(PIPES, both).await;
    }

    /// Asks the agent's process group to end and waits a moment for it.
    async fn terminate(&mut self) {
        let _ = self.orders.write_all(&[supervisor::TERMINATE]).await;
        let _ = timeout(GRACE, self.wait_until_empty()).await;
    }

    /// Kills whatever is left. A text means that something may have survived.
    async fn kill(&mut self) -> Option<String> {
        if !self.empty {
            let _ = self.orders.write_all(&[supervisor::KILL]).await;
            let _ = timeout(SUPERVISOR, self.wait_until_empty()).await;
        }
        if !self.empty {
            // Without the supervisor the process group is all that is known. Namespaces end with their first stage.
            match self.agent {
                Some(agent) => {
                    let _ = kill_process_group(agent, Signal::KILL);
                }
                None => {
                    let _ = self.supervisor.start_kill();
                }
            }
        }
        let _ = timeout(SUPERVISOR, self.supervisor.wait()).await;
        match (self.empty, self.lost) {
            (true, _) => None,
            (false, true) => {
                Some("the supervisor of the agent was killed; processes of the agent may be left".to_owned())
            }
            (false, false) => Some("a process of the agent could not be killed".to_owned()),
        }
    }

    async fn wait_until_empty(&mut self) {
        while !self.empty {
            match self.lines.next_line().await {
                Ok(Some(line)) if line == "empty" => self.empty = true,
                Ok(Some(line)) if line == "stuck" => return,
                Ok(Some(_)) => {}
                Ok(None) | Err(_) => {
                    self.lost = true;
                    return;
                }
            }
        }
    }

    async fn output(self) -> (Vec<u8>, Vec<u8>) {
        // Everybody who held the pipes is dead; what is still in them arrives at once.
        (self.stdout.take().await, self.stderr.take().await)
    }
}

/// The listening sockets of the agent's own network, answered from here on.
async fn relays(control: &UnixStream, ports: &[u16]) -> Result<Relays, Error> {
    let received = control.async_io(Interest::READABLE, || pome_confine::receive(control));
    let listeners = match timeout(SUPERVISOR, received).await {
        Ok(Ok(listeners)) => listeners.unwrap_or_default(),
        Ok(Err(_)) | Err(_) => return Err(Error::SupervisorGone),
    };
    Relays::start(listeners, ports).map_err(|error| Error::Refused(format!("the told ports: {error}")))
}

fn pipe() -> io::Result<(pipe::Receiver, OwnedFd)> {
    let (reading, writing) = rustix::pipe::pipe_with(rustix::pipe::PipeFlags::CLOEXEC)?;
    Ok((pipe::Receiver::from_owned_fd(reading)?, writing))
}

/// One pipe, read in the background.
struct Stream {
    kept: Arc<Mutex<HeadTail>>,
    reader: JoinHandle<()>,
}

impl Stream {
    fn read(mut pipe: pipe::Receiver) -> Self {
        let kept = Arc::new(Mutex::new(HeadTail::default()));
        let reader = tokio::spawn({
            let kept = Arc::clone(&kept);
            async move {
                let mut buffer = vec![0; 64 << 10];
                while let Ok(read @ 1..) = pipe.read(&mut buffer).await {
                    let piece = buffer.get(..read).unwrap_or_default();
                    kept.lock().unwrap_or_else(PoisonError::into_inner).push(piece);
                }
            }
        });
        Self { kept, reader }
    }

    async fn end(&mut self) {
        if !self.reader.is_finished() {
            let _ = (&mut self.reader).await;
        }
    }

    async fn take(mut self) -> Vec<u8> {
        let _ = timeout(PIPES, self.end()).await;
        self.reader.abort();
        std::mem::take(&mut *self.kept.lock().unwrap_or_else(PoisonError::into_inner)).into_bytes()
    }
}

/// What every agent of a run is told.
#[derive(Debug, Clone)]
pub(crate) struct Told<'a> {
    pub(crate) task: &'a str,
    pub(crate) token: &'a str,
    pub(crate) run_id: &'a str,
    /// Absolute.
    pub(crate) run_dir: &'a Path,
    /// Absolute.
    pub(crate) signals: &'a Path,
    pub(crate) twins: &'a [ToldTwin],
    /// What else it is told: name and value.
    pub(crate) extras: &'a [(&'static str, String)],
    /// Where the capture proxy listens.
    pub(crate) proxy: Option<SocketAddr>,
    /// Hosts beside this machine that are reached without the proxy.
    pub(crate) direct: &'a [String],
}

/// What an agent is told about one twin.
#[derive(Debug, Clone)]
pub(crate) struct ToldTwin {
    pub(crate) id: String,
    /// Session root.
    pub(crate) rest_url: String,
    pub(crate) mcp_url: String,
    /// Variables that the twin itself asks for, with their values.
    pub(crate) variables: Vec<(String, String)>,
}

/// The whole environment of the agent: little of the runner's, and what it is told. The runner's own secrets are never in it.
pub(crate) fn environment(parent: &BTreeMap<String, String>, told: &Told<'_>) -> BTreeMap<String, String> {
    let inherits = parent.get(env::INHERIT_AGENT_ENV).is_some_and(|value| value == "1");
    let allowed: Vec<&str> =
        parent.get(env::AGENT_ENV_ALLOWLIST).into_iter().flat_map(|list| list.split(',')).map(str::trim).collect();
    let passes = |name: &str| {
        let listed = env::AGENT_BASE.contains(&name) || env::AGENT_PROVIDER_KEYS.contains(&name);
        (inherits || listed || allowed.contains(&name)) && !env::AGENT_NEVER.contains(&name)
    };
    let mut all: BTreeMap<String, String> =
        parent.iter().filter(|(name, _)| passes(name)).map(|(name, value)| (name.clone(), value.clone())).collect();
    let mut put = |name: &str, value: String| {
        all.insert(name.to_owned(), value);
    };
    let names: Vec<&str> = told.twins.iter().map(|twin| twin.id.as_str()).collect();
    put(env::TASK, told.task.to_owned());
    put(env::TWIN_NAMES, names.join(","));
    put(env::AUTH_TOKEN, told.token.to_owned());
    put(env::RUN_ID, told.run_id.to_owned());
    put(env::ARTIFACTS_DIR, told.run_dir.display().to_string());
    put(env::ADAPTER_SIGNALS_PATH, told.signals.display().to_string());
    for twin in told.twins {
        put(&env::rest_url(&twin.id), twin.rest_url.clone());
        put(&env::mcp_url(&twin.id), twin.mcp_url.clone());
        for (name, value) in &twin.variables {
            put(name, value.clone());
        }
    }
    for (name, value) in told.extras {
        put(name, value.clone());
    }
    if let Some(proxy) = told.proxy {
        for name in env::PROXY {
            put(name, format!("http://{proxy}"));
        }
        let direct: Vec<&str> =
            ["127.0.0.1", "localhost"].into_iter().chain(told.direct.iter().map(String::as_str)).collect();
        for name in env::NO_PROXY {
            put(name, direct.join(","));
        }
    }
    all
}

#[cfg(test)]
mod hostile;

#[cfg(test)]
mod tests {
    use super::*;

    fn parent(pairs: &[(&str, &str)]) -> BTreeMap<String, String> {
        pairs.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect()
    }

    fn told<'a>(twins: &'a [ToldTwin]) -> Told<'a> {
        Told {
            task: "do it",
            token: "the.session.token",
            run_id: "run_1",
            run_dir: Path::new("/runs/run_1"),
            signals: Path::new("/runs/run_1/signals.jsonl"),
            twins,
            extras: &[],
            proxy: None,
            direct: &[],
        }
    }

    const SECRETS: [(&str, &str); 3] =
        [("POME_API_KEY", "pme_x"), ("TWIN_AUTH_SECRET", "sssh"), ("TWIN_ADMIN_TOKEN", "admin")];

    #[test]
    fn an_agent_sees_the_base_provider_keys_and_what_it_is_told() {
        let mut variables = vec![("PATH", "/bin"), ("EDITOR", "ed"), ("OPENAI_API_KEY", "sk"), ("POME_TASK", "stale")];
        variables.extend(SECRETS);
        let twins = [ToldTwin {
            id: "github".into(),
            rest_url: "http://127.0.0.1:1/s/run_1".into(),
            mcp_url: "http://127.0.0.1:1/s/run_1/mcp".into(),
            variables: vec![("POME_GITHUB_TOKEN".into(), "the.session.token".into())],
        }];
        let seen = environment(&parent(&variables), &told(&twins));
        let expected = parent(&[
            ("PATH", "/bin"),
            ("OPENAI_API_KEY", "sk"),
            ("POME_TASK", "do it"),
            ("POME_TWIN_NAMES", "github"),
            ("POME_AUTH_TOKEN", "the.session.token"),
            ("POME_RUN_ID", "run_1"),
            ("POME_ARTIFACTS_DIR", "/runs/run_1"),
            ("POME_ADAPTER_SIGNALS_PATH", "/runs/run_1/signals.jsonl"),
            ("POME_GITHUB_REST_URL", "http://127.0.0.1:1/s/run_1"),
            ("POME_GITHUB_MCP_URL", "http://127.0.0.1:1/s/run_1/mcp"),
            ("POME_GITHUB_TOKEN", "the.session.token"),
        ]);
        assert_eq!(seen, expected);
    }

    #[test]
    fn the_runners_secrets_pass_neither_by_list_nor_by_inheritance() {
        let mut variables = vec![
            ("POME_INHERIT_AGENT_ENV", "1"),
            ("POME_AGENT_ENV_ALLOWLIST", "POME_API_KEY, TWIN_AUTH_SECRET,TWIN_ADMIN_TOKEN,EDITOR"),
            ("EDITOR", "ed"),
        ];
        variables.extend(SECRETS);
        let seen = environment(&parent(&variables), &told(&[]));
        assert_eq!(seen.get("EDITOR").map(String::as_str), Some("ed"));
        for (name, _) in SECRETS {
            assert_eq!(seen.get(name), None, "{name}");
        }
    }

    #[test]
    fn the_allow_list_adds_names_and_only_1_inherits() {
        let variables =
            [("POME_INHERIT_AGENT_ENV", "true"), ("POME_AGENT_ENV_ALLOWLIST", "A, B"), ("A", "1"), ("C", "3")];
        let seen = environment(&parent(&variables), &told(&[]));
        assert_eq!((seen.get("A").map(String::as_str), seen.get("C")), (Some("1"), None));
    }

    #[test]
    fn the_proxy_is_told_in_every_spelling() {
        let told = Told { proxy: Some(([127, 0, 0, 1], 8910).into()), ..told(&[]) };
        let seen = environment(&BTreeMap::new(), &told);
        for name in ["HTTP_PROXY", "HTTPS_PROXY", "http_proxy", "https_proxy"] {
            assert_eq!(seen.get(name).map(String::as_str), Some("http://127.0.0.1:8910"));
        }
        assert_eq!(seen.get("NO_PROXY").map(String::as_str), Some("127.0.0.1,localhost"));
    }
}
