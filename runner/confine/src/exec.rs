//! The last stage: everything is given up, then the agent takes the place of this process.

use std::fs::File;
use std::io::{self, Read, Write};
use std::os::fd::AsFd;
use std::os::unix::process::CommandExt as _;
use std::process::{Command, ExitCode, Stdio};

use caps::CapSet;
use rustix::process::setsid;

use crate::policy::{Attempt as _, Enforced, Form, Policy, Refused};
use crate::stage::{Stage, words};
use crate::system::close_on_exec;
use crate::{calls, files};

/// What the last stage said before it became the agent.
#[derive(Debug)]
pub enum Report {
    /// The agent runs, and this holds for it.
    Confined(Enforced),
    /// The kernel does not allow it; nothing runs.
    Refused(String),
    /// Confined, but the agent's program cannot be started.
    NotStarted(String),
}

/// The command that becomes `agent`, and where its report will be read. The caller sets its output; its input is taken. It leads a
/// session and with it a process group of its own.
pub fn start(policy: &Policy, agent: &[String]) -> Result<(Command, File), Refused> {
    let (program, arguments) =
        policy.again.split_first().ok_or_else(|| Refused::because("the policy", "no program"))?;
    let pipe = rustix::pipe::pipe_with(rustix::pipe::PipeFlags::CLOEXEC);
    let (reading, writing) = pipe.attempt(|| "a pipe for the report".to_owned())?;
    let mut command = Command::new(program);
    command.args(arguments).args(words(Stage::Exec, policy, agent)?).stdin(Stdio::from(writing));
    Ok((command, File::from(reading)))
}

/// Waits until the agent runs or will not. The command of [`start`] must be dropped before, because it holds the other end.
pub fn read_report(mut from: File) -> io::Result<Report> {
    let mut text = String::new();
    from.read_to_string(&mut text)?;
    let mut report = Report::Refused("the confined process ended before it became the agent".to_owned());
    for line in text.lines() {
        report = match line.split_once(' ') {
            Some(("confined", enforced)) => Report::Confined(serde_json::from_str(enforced)?),
            Some(("cannot", why)) => Report::NotStarted(why.to_owned()),
            Some(("refused", why)) => Report::Refused(why.to_owned()),
            _ => return Err(io::Error::other(format!("not a report: `{line}`"))),
        };
    }
    Ok(report)
}

/// Becomes the agent. Comes back only if that fails; the report says why.
pub fn become_agent(policy: &Policy, agent: &[String]) -> ExitCode {
    // Standard input is where the report goes; the agent has none.
    let Ok(mut report) = io::stdin().as_fd().try_clone_to_owned().map(File::from) else { return ExitCode::FAILURE };
    let said = match restrict(policy) {
        Ok(enforced) => match serde_json::to_string(&enforced) {
            Ok(enforced) => writeln!(report, "confined {enforced}").map(|()| exec(agent)),
            Err(error) => Err(error.into()),
        },
        Err(refused) => writeln!(report, "refused {refused}").map(|()| String::new()),
    };
    if let Ok(why) = said
        && !why.is_empty()
    {
        let _ = writeln!(report, "cannot {why}");
    }
    ExitCode::FAILURE
}

fn exec(agent: &[String]) -> String {
    match agent.split_first() {
        Some((program, arguments)) => Command::new(program).args(arguments).stdin(Stdio::null()).exec().to_string(),
        None => "no program was named".to_owned(),
    }
}

fn restrict(policy: &Policy) -> Result<Enforced, Refused> {
    // Away from the user's terminal: without one, nothing can be typed into it.
    setsid().attempt(|| "a session of its own".to_owned())?;
    close_on_exec().attempt(|| "closing inherited files".to_owned())?;
    drop_capabilities().map_err(|error| Refused::because("giving up privileges", &error.to_string()))?;
    let mut weaker = Vec::new();
    let granted = if policy.landlock { files::restrict(policy)? } else { None };
    let files = match (&granted, policy.form) {
        (Some(granted), _) => format!("landlock-{}", granted.version),
        (None, Form::Namespaces) if !policy.landlock => "mounts".to_owned(),
        (None, Form::Namespaces | Form::Landlock) => {
            return Err(Refused::because("Landlock", "the kernel has none, or it is turned off"));
        }
    };
    weaker.extend(granted.into_iter().flat_map(|granted| granted.weaker));
    let calls = match (calls::restrict(policy.form), policy.form) {
        (Ok(()), _) => "seccomp",
        (Err(refused), Form::Landlock) => return Err(refused),
        (Err(refused), Form::Namespaces) => {
            weaker.push(format!("dangerous system calls are not refused: {refused}"));
            "none"
        }
    };
    let (network, processes) = match policy.form {
        Form::Namespaces => ("isolated", "isolated"),
        Form::Landlock => ("tcp", "shared"),
    };
    Ok(Enforced {
        form: policy.form,
        network: network.to_owned(),
        files,
        processes: processes.to_owned(),
        calls: calls.to_owned(),
        weaker,
    })
}

fn drop_capabilities() -> Result<(), caps::errors::CapsError> {
    caps::clear(None, CapSet::Ambient)?;
    // What cannot be taken out of the set is out of reach by now: privileges only shrink from here on.
    for capability in caps::all() {
        let _ = caps::drop(None, CapSet::Bounding, capability);
    }
    for set in [CapSet::Inheritable, CapSet::Effective, CapSet::Permitted] {
        caps::clear(None, set)?;
    }
    Ok(())
}
