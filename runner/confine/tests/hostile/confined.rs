//! Running a program confined, as a runner would, with a supervisor that does no more than it must.

use std::fs::File;
use std::io::{BufRead, BufReader, Read, Write};
use std::net::TcpListener;
use std::os::fd::{AsFd, OwnedFd};
use std::os::unix::net::UnixStream;
use std::process::{Command, ExitCode, Stdio};

use pome_confine::{Called, Enforced, Form, Policy, Report, Stage};

use crate::outside::Outside;

/// The forms, and the namespaces form as it is on a kernel without Landlock.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Kind {
    Namespaces,
    Mounts,
    Landlock,
}

impl Kind {
    pub(crate) const ALL: [Self; 3] = [Self::Namespaces, Self::Mounts, Self::Landlock];

    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::Namespaces => "namespaces",
            Self::Mounts => "mounts",
            Self::Landlock => "landlock",
        }
    }
}

#[derive(Debug)]
pub(crate) struct Ended {
    pub(crate) code: Option<i32>,
    pub(crate) stdout: String,
    pub(crate) stderr: String,
    pub(crate) enforced: Enforced,
}

/// The error is the line that the runner was told instead of an agent.
pub(crate) fn run(kind: Kind, outside: &Outside, agent: &[String]) -> Result<Ended, String> {
    let program = std::env::current_exe().expect("this program").display().to_string();
    let policy = Policy {
        form: if kind == Kind::Landlock { Form::Landlock } else { Form::Namespaces },
        again: vec![program.clone()],
        writable: vec![outside.work(), outside.temporary()],
        kept: vec![outside.work().join("kept"), outside.work().join("deep/down/kept")],
        temporary: outside.temporary(),
        hidden: vec![outside.secrets().join("folder"), outside.secrets().join("file"), "/nowhere".into()],
        runner: std::process::id(),
        ports: vec![outside.told()],
        landlock: kind != Kind::Mounts,
    };
    let first = if kind == Kind::Landlock { Stage::Guard } else { Stage::Enter };
    let (ours, theirs) = UnixStream::pair().expect("a socket");
    let child = Command::new(program)
        .args(pome_confine::words(first, &policy, agent).expect("words"))
        .current_dir(outside.work())
        .env("TMPDIR", outside.temporary())
        .stdin(Stdio::from(OwnedFd::from(theirs)))
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .expect("the first stage");
    if first == Stage::Enter {
        let listeners = pome_confine::receive(&ours).expect("a message").unwrap_or_default();
        for listener in listeners {
            listener.set_nonblocking(false).expect("blocking");
            std::thread::spawn(move || greet(&listener));
        }
    }
    let mut lines = BufReader::new(ours).lines().map_while(Result::ok);
    let line = lines.next().expect("a line");
    let output = child.wait_with_output().expect("the end");
    let Some(enforced) = line.strip_prefix("confined ") else { return Err(line) };
    Ok(Ended {
        code: output.status.code(),
        stdout: String::from_utf8_lossy(&output.stdout).into_owned(),
        stderr: String::from_utf8_lossy(&output.stderr).into_owned(),
        enforced: serde_json::from_str(enforced).expect("a document"),
    })
}

pub(crate) fn greet(listener: &TcpListener) {
    for stream in listener.incoming() {
        let _ = stream.and_then(|mut stream| stream.write_all(b"hello\n"));
    }
}

/// This program as one of the processes in between.
pub(crate) fn stage(called: Called<'_>) -> ExitCode {
    let Called { stage, mut policy, agent } = called;
    match stage {
        Stage::Enter => pome_confine::enter(&policy, agent, &control()),
        Stage::Exec => pome_confine::become_agent(&policy, agent),
        Stage::Init | Stage::Guard => {
            let weaker = match pome_confine::prepare(&mut policy) {
                Ok(weaker) => weaker,
                Err(refused) => return tell(&format!("refused {refused}")),
            };
            let (mut command, report) = pome_confine::start(&policy, agent).expect("a command");
            let mut child = command.spawn().expect("the last stage");
            drop(command);
            let line = match pome_confine::read_report(report).expect("a report") {
                Report::Confined(mut enforced) => {
                    enforced.weaker.extend(weaker);
                    format!("confined {}", serde_json::to_string(&enforced).expect("text"))
                }
                Report::Refused(why) => format!("refused {why}"),
                Report::NotStarted(why) => format!("cannot {why}"),
            };
            tell(&line);
            let code = child.wait().ok().and_then(|status| status.code());
            code.and_then(|code| u8::try_from(code).ok()).map_or(ExitCode::FAILURE, ExitCode::from)
        }
    }
}

fn control() -> UnixStream {
    UnixStream::from(std::io::stdin().as_fd().try_clone_to_owned().expect("standard input"))
}

fn tell(line: &str) -> ExitCode {
    let _ = writeln!(control(), "{line}");
    ExitCode::FAILURE
}

/// All of a small file, or why not.
pub(crate) fn read(path: &str) -> std::io::Result<Vec<u8>> {
    let mut bytes = [0; 1];
    let read = File::open(path)?.read(&mut bytes)?;
    Ok(bytes[..read].to_vec())
}
