//! The first stage of the namespaces form: new namespaces, and a network in which only the told ports exist.

use std::fs;
use std::io::Write;
use std::os::unix::net::UnixStream;
use std::process::{Command, ExitCode, ExitStatus, Stdio};

use caps::{CapSet, Capability, CapsHashSet};
use libc::{CLONE_NEWIPC, CLONE_NEWNET, CLONE_NEWNS, CLONE_NEWPID, CLONE_NEWUSER};
use rustix::net::{AddressFamily, Protocol, RecvFlags, SendFlags, SocketFlags, SocketType, recv, send, socket_with};
use rustix::process::{Pid, Signal, getegid, geteuid, getpid, kill_process_group};

use crate::listeners;
use crate::policy::{Attempt as _, Policy, Refused};
use crate::stage::{Stage, words};
use crate::system::unshare;

/// What process 1 needs: mounts for the file tree, the bounding set for the agent.
const OF_INIT: [Capability; 2] = [Capability::CAP_SYS_ADMIN, Capability::CAP_SETPCAP];

/// Makes the namespaces, sends the listening sockets through `control`, which is also standard input, and stays until the end of
/// process 1. A refusal is told on `control`, behind a byte that is not `listeners::give`'s.
pub fn enter(policy: &Policy, agent: &[String], control: &UnixStream) -> ExitCode {
    match make(policy, control).and_then(|()| init(policy, agent)) {
        Ok(status) => status.code().and_then(|code| u8::try_from(code).ok()).map_or(ExitCode::FAILURE, ExitCode::from),
        Err(refused) => {
            // The runner may be gone; then nobody wants to know.
            let _ = { control }.write_all(format!("!refused {refused}\n").as_bytes());
            ExitCode::FAILURE
        }
    }
}

fn make(policy: &Policy, control: &UnixStream) -> Result<(), Refused> {
    let (user, group) = (geteuid().as_raw(), getegid().as_raw());
    let all = CLONE_NEWUSER | CLONE_NEWNET | CLONE_NEWPID | CLONE_NEWNS | CLONE_NEWIPC;
    unshare(all).attempt(|| "namespaces cannot be made".to_owned())?;
    // The same numbers inside, so that files keep their owners and nothing runs as a root that is none.
    for (file, text) in [
        ("setgroups", "deny".to_owned()),
        ("uid_map", format!("{user} {user} 1")),
        ("gid_map", format!("{group} {group} 1")),
    ] {
        fs::write(format!("/proc/self/{file}"), text).attempt(|| format!("the user of the namespace ({file})"))?;
    }
    // Namespaces inside of these would give an agent its privileges back and with them more of the kernel to attack. It is
    // read-only in many containers; Landlock refuses mounts there.
    let _ = fs::write("/proc/sys/user/max_user_namespaces", "0");
    raise_loopback().attempt(|| "the loopback device of the namespace".to_owned())?;
    // Capabilities would not survive the start of process 1 for an ordinary user.
    let kept: CapsHashSet = OF_INIT.into_iter().collect();
    caps::raise(None, CapSet::Inheritable, Capability::CAP_SYS_ADMIN)
        .and_then(|()| caps::raise(None, CapSet::Inheritable, Capability::CAP_SETPCAP))
        .and_then(|()| caps::set(None, CapSet::Ambient, &kept))
        .map_err(|error| Refused::because("privileges inside of the namespace", &error.to_string()))?;
    listeners::give(&policy.ports, control).attempt(|| "the listening sockets of the namespace".to_owned())
}

fn init(policy: &Policy, agent: &[String]) -> Result<ExitStatus, Refused> {
    let (program, arguments) =
        policy.again.split_first().ok_or_else(|| Refused::because("the policy", "no program"))?;
    let status = Command::new(program)
        .args(arguments)
        .args(words(Stage::Init, policy, agent)?)
        .stdin(Stdio::inherit())
        .status()
        .attempt(|| "process 1 of the namespace".to_owned())?;
    Ok(status)
}

/// Kills everything else in the process namespace. Does nothing in a process that is not the first one of such a namespace.
pub fn kill_everyone() {
    if getpid() == Pid::INIT {
        // The group of process 1 is written -1, and that means everyone.
        let _ = kill_process_group(Pid::INIT, Signal::KILL);
    }
}

/// Numbers of the rtnetlink interface (`rtnetlink(7)`, `linux/if_link.h`).
/// The protocol with the number 0.
const NETLINK_ROUTE: Option<Protocol> = None;
const RTM_NEWLINK: u16 = 16;
const NLM_F_REQUEST_ACK: u16 = 1 | 4;
const NLMSG_ERROR: u16 = 2;
const IFF_UP: u32 = 1;
/// The loopback device is the first one of a network.
const LOOPBACK: u32 = 1;

/// Sets the device up; a message, because the older call cannot be made without unsafe code.
fn raise_loopback() -> std::io::Result<()> {
    let socket = socket_with(AddressFamily::NETLINK, SocketType::RAW, SocketFlags::CLOEXEC, NETLINK_ROUTE)?;
    let mut message = Vec::with_capacity(32);
    message.extend(32_u32.to_ne_bytes());
    message.extend(RTM_NEWLINK.to_ne_bytes());
    message.extend(NLM_F_REQUEST_ACK.to_ne_bytes());
    message.extend([0; 8]);
    // Family and type are of no interest; then the index, the flags and which of them are meant.
    message.extend([0; 4]);
    for word in [LOOPBACK, IFF_UP, IFF_UP] {
        message.extend(word.to_ne_bytes());
    }
    send(&socket, &message, SendFlags::empty())?;
    let mut answer = [0_u8; 128];
    let (length, _) = recv(&socket, &mut answer[..], RecvFlags::empty())?;
    let word = |at: usize| -> Option<[u8; 4]> { answer.get(..length)?.get(at..at + 4)?.try_into().ok() };
    let kind = word(4).map(|bytes| u16::from_ne_bytes([bytes[0], bytes[1]]));
    match (kind, word(16).map(i32::from_ne_bytes)) {
        (Some(NLMSG_ERROR), Some(0)) => Ok(()),
        (Some(NLMSG_ERROR), Some(error)) => Err(std::io::Error::from_raw_os_error(-error)),
        _ => Err(std::io::Error::other("the kernel answered something else")),
    }
}
