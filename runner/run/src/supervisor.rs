//! The process between the runner and the agent.
//!
//! An agent may start processes that leave its process group, outlive it, ignore SIGTERM or keep its pipes open, and the runner may
//! itself be killed. One small process per agent answers for all of that: it is the reaper of everything the agent starts, it
//! watches a socket to the runner, and when it is told to, or when the runner is gone, it kills until nothing is left.
//!
//! The runner starts its own executable with a hidden subcommand for this. Standard input is the socket. The first message on it
//! carries the writing ends of the agent's two pipes; the supervisor does not keep them, so that the pipes end with the agent.
//!
//! ```text
//! runner -> supervisor   T  SIGTERM to the agent's process group      K (or the end of the stream)  SIGKILL to everything
//! supervisor -> runner   confined <document> | refused <message>   started <pid> | cannot <message>
//!                        exited <code> | signaled <number>   empty | stuck
//! ```

use std::collections::BTreeMap;
use std::fs;
use std::io::{self, IoSlice, IoSliceMut, Write as _};
use std::mem::MaybeUninit;
use std::os::fd::{AsFd, BorrowedFd, OwnedFd};
use std::os::unix::net::UnixStream as Control;
use std::os::unix::process::CommandExt;
use std::process::{Command, ExitCode, Stdio};
use std::time::Duration;

use pome_confine::{Called, Form, Policy, Refused, Report, Stage};
use rustix::net::{
    RecvAncillaryBuffer, RecvAncillaryMessage, RecvFlags, SendAncillaryBuffer, SendAncillaryMessage, SendFlags,
    recvmsg, sendmsg,
};
use rustix::process::{
    Pid, Signal, WaitOptions, getpid, getppid, kill_process, kill_process_group, set_child_subreaper,
    set_parent_process_death_signal, wait,
};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::UnixStream;
use tokio::signal::unix::{SignalKind, signal};
use tokio::time::Instant;

/// Asks for SIGTERM to the agent's process group.
pub(crate) const TERMINATE: u8 = b'T';
/// Asks for SIGKILL to everything the agent started.
pub(crate) const KILL: u8 = b'K';

/// How long killing may take before it is given up: a process that hangs in the kernel cannot be killed.
const KILL_LIMIT: Duration = Duration::from_secs(5);
/// How often the process table is looked at while killing: a fork may have slipped through.
const SWEEP_EVERY: Duration = Duration::from_millis(10);

/// Runs `agent` (program and arguments) as a supervisor, or as another stage of confining it. Belongs behind the hidden subcommand `agent-supervisor`.
pub fn main(agent: &[String]) -> ExitCode {
    let run = || -> io::Result<ExitCode> {
        let control = || Ok::<_, io::Error>(Control::from(io::stdin().as_fd().try_clone_to_owned()?));
        let called = Called::read(agent).map_err(io::Error::other)?;
        let (agent, confined) = match called {
            None => (agent, None),
            Some(Called { stage: Stage::Enter, policy, agent }) => {
                return Ok(pome_confine::enter(&policy, agent, &control()?));
            }
            Some(Called { stage: Stage::Exec, policy, agent }) => {
                return Ok(pome_confine::become_agent(&policy, agent));
            }
            Some(Called { stage: Stage::Init | Stage::Guard, policy, agent }) => (agent, Some(policy)),
        };
        let control = control()?;
        let confined = match confined.map(Confined::prepare).transpose() {
            Ok(confined) => confined,
            Err(refused) => {
                writeln!(&control, "refused {refused}")?;
                return Ok(ExitCode::FAILURE);
            }
        };
        let runtime = tokio::runtime::Builder::new_current_thread().enable_io().enable_time().build()?;
        runtime.block_on(supervise(agent, confined, control))?;
        Ok(ExitCode::SUCCESS)
    };
    run().unwrap_or(ExitCode::FAILURE)
}

/// An agent that is to be confined, by a process that is ready for it.
struct Confined {
    policy: Policy,
    weaker: Vec<String>,
}

impl Confined {
    fn prepare(mut policy: Policy) -> Result<Self, Refused> {
        let weaker = pome_confine::prepare(&mut policy)?;
        Ok(Self { policy, weaker })
    }
}

async fn supervise(agent: &[String], confined: Option<Confined>, control: Control) -> io::Result<()> {
    let pipes = receive_pipes(&control)?;
    control.set_nonblocking(true)?;
    let mut control = UnixStream::from_std(control)?;
    // Handlers, not ignored signals: an ignored signal would be inherited by the agent. Whoever signals this process means the
    // runner too, and the runner decides.
    let mut children = signal(SignalKind::child())?;
    let _kept = [SignalKind::terminate(), SignalKind::interrupt(), SignalKind::hangup()].map(signal);
    set_child_subreaper(Some(getpid()))?;

    let isolated = confined.as_ref().is_some_and(|confined| confined.policy.form == Form::Namespaces);
    let spawned = match confined {
        None => plain(agent).and_then(|command| spawn(command, pipes)).map_err(|error| format!("cannot {error}")),
        Some(confined) => spawn_confined(confined, agent, pipes),
    };
    let agent = match spawned {
        Ok(Spawned { agent, enforced }) => {
            if let Some(enforced) = enforced {
                tell(&mut control, &format!("confined {enforced}")).await;
            }
            agent
        }
        Err(line) => return control.write_all(format!("{line}\n").as_bytes()).await,
    };
    tell(&mut control, &format!("started {}", agent.as_raw_nonzero())).await;

    let mut killing: Option<Instant> = None;
    let mut connected = true;
    let mut order = [0];
    loop {
        loop {
            match reap() {
                Reaped::Child(pid, how) if pid == agent => tell(&mut control, &how).await,
                Reaped::Child(..) => {}
                Reaped::Nothing => break,
                Reaped::Last => {
                    tell(&mut control, "empty").await;
                    return Ok(());
                }
            }
        }
        if let Some(since) = killing {
            if since.elapsed() > KILL_LIMIT {
                tell(&mut control, "stuck").await;
                return Ok(());
            }
            if isolated { pome_confine::kill_everyone() } else { kill_descendants() }
        }
        tokio::select! {
            _ = children.recv() => {}
            read = control.read(&mut order), if connected => match (read, order) {
                (Ok(1..), [TERMINATE]) => { let _ = kill_process_group(agent, Signal::TERM); }
                (Ok(1..), [KILL]) => { killing.get_or_insert_with(Instant::now); }
                (Ok(1..), _) => {}
                // The runner is gone.
                (Ok(0) | Err(_), _) => {
                    connected = false;
                    killing.get_or_insert_with(Instant::now);
                }
            },
            () = tokio::time::sleep(SWEEP_EVERY), if killing.is_some() => {}
        }
    }
}

/// The runner may be gone; then there is nobody to tell and the stream's end says what to do.
async fn tell(control: &mut UnixStream, line: &str) {
    let _ = control.write_all(format!("{line}\n").as_bytes()).await;
}

struct Spawned {
    agent: Pid,
    /// What holds for it, as a document.
    enforced: Option<String>,
}

fn plain(agent: &[String]) -> io::Result<Command> {
    let (program, arguments) = agent.split_first().ok_or_else(|| io::Error::other("no program was named"))?;
    let mut command = Command::new(program);
    command.args(arguments).stdin(Stdio::null()).process_group(0);
    Ok(command)
}

/// The error is the line that the runner is told.
fn spawn_confined(confined: Confined, agent: &[String], pipes: [OwnedFd; 2]) -> Result<Spawned, String> {
    let refused = |error: &dyn std::error::Error| format!("refused {error}");
    let (command, report) = pome_confine::start(&confined.policy, agent).map_err(|error| refused(&error))?;
    let spawned = spawn(command, pipes).map_err(|error| refused(&error))?;
    match pome_confine::read_report(report).map_err(|error| refused(&error))? {
        Report::Confined(mut enforced) => {
            enforced.weaker.splice(0..0, confined.weaker);
            let enforced = serde_json::to_string(&enforced).map_err(|error| refused(&error))?;
            Ok(Spawned { enforced: Some(enforced), ..spawned })
        }
        Report::Refused(why) => Err(format!("refused {why}")),
        Report::NotStarted(why) => Err(format!("cannot {why}")),
    }
}

#[expect(unsafe_code, reason = "the parent-death signal can only be set between fork and exec")]
fn spawn(mut command: Command, [stdout, stderr]: [OwnedFd; 2]) -> io::Result<Spawned> {
    command.stdout(stdout).stderr(stderr);
    let supervisor = getpid();
    // SAFETY: the closure runs in the child between fork and exec. It makes two system calls, allocates nothing, takes no lock
    // and touches no memory of other threads.
    unsafe {
        command.pre_exec(move || {
            set_parent_process_death_signal(Some(Signal::KILL))?;
            // The supervisor may have died before the line above.
            if getppid() == Some(supervisor) { Ok(()) } else { Err(io::ErrorKind::BrokenPipe.into()) }
        });
    }
    let child = command.spawn()?;
    let pid = i32::try_from(child.id()).ok().and_then(Pid::from_raw);
    let agent = pid.ok_or_else(|| io::Error::other("the system gave no process id"))?;
    Ok(Spawned { agent, enforced: None })
}

/// Hands the writing ends of the agent's pipes to the supervisor at the other end of the socket.
pub(crate) fn send_pipes(control: &Control, pipes: [BorrowedFd<'_>; 2]) -> io::Result<()> {
    let mut space = [MaybeUninit::uninit(); rustix::cmsg_space!(ScmRights(2))];
    let mut ancillary = SendAncillaryBuffer::new(&mut space);
    if !ancillary.push(SendAncillaryMessage::ScmRights(&pipes)) {
        return Err(io::Error::other("no room for two file descriptors in a message"));
    }
    sendmsg(control, &[IoSlice::new(b"P")], &mut ancillary, SendFlags::empty())?;
    Ok(())
}

fn receive_pipes(control: &Control) -> io::Result<[OwnedFd; 2]> {
    let mut space = [MaybeUninit::uninit(); rustix::cmsg_space!(ScmRights(2))];
    let mut ancillary = RecvAncillaryBuffer::new(&mut space);
    let mut byte = [0];
    recvmsg(control, &mut [IoSliceMut::new(&mut byte)], &mut ancillary, RecvFlags::CMSG_CLOEXEC)?;
    let mut pipes = Vec::new();
    for message in ancillary.drain() {
        if let RecvAncillaryMessage::ScmRights(descriptors) = message {
            pipes.extend(descriptors);
        }
    }
    pipes.try_into().map_err(|_| io::Error::other("the runner sent no pipes for the agent"))
}

enum Reaped {
    /// A process ended, and how.
    Child(Pid, String),
    /// There are processes, none of them has ended.
    Nothing,
    /// No process is left.
    Last,
}

fn reap() -> Reaped {
    match wait(WaitOptions::NOHANG) {
        Ok(Some((pid, status))) => match (status.exit_status(), status.terminating_signal()) {
            (Some(code), _) => Reaped::Child(pid, format!("exited {code}")),
            (None, Some(signal)) => Reaped::Child(pid, format!("signaled {signal}")),
            (None, None) => Reaped::Nothing,
        },
        Err(rustix::io::Errno::CHILD) => Reaped::Last,
        Ok(None) | Err(_) => Reaped::Nothing,
    }
}

/// Everything the agent started is a descendant of this process, wherever it moved itself.
fn kill_descendants() {
    for pid in descendants(getpid()) {
        let _ = kill_process(pid, Signal::KILL);
    }
}

fn descendants(root: Pid) -> Vec<Pid> {
    let mut children: BTreeMap<i32, Vec<i32>> = BTreeMap::new();
    let entries = fs::read_dir("/proc").into_iter().flatten().flatten();
    for pid in entries.filter_map(|entry| entry.file_name().to_str()?.parse::<i32>().ok()) {
        if let Some(parent) = parent_of(pid) {
            children.entry(parent).or_default().push(pid);
        }
    }
    let mut found = Vec::new();
    let mut open = vec![root.as_raw_nonzero().get()];
    while let Some(pid) = open.pop() {
        for &child in children.get(&pid).into_iter().flatten() {
            found.extend(Pid::from_raw(child));
            open.push(child);
        }
    }
    found
}

/// Fourth field of `/proc/<pid>/stat`; the second one is the program's name in parentheses and may contain anything.
fn parent_of(pid: i32) -> Option<i32> {
    let stat = fs::read(format!("/proc/{pid}/stat")).ok()?;
    let after_name = stat.iter().rposition(|&byte| byte == b')')?;
    let rest = std::str::from_utf8(stat.get(after_name + 1..)?).ok()?;
    rest.split_ascii_whitespace().nth(1)?.parse().ok()
}
