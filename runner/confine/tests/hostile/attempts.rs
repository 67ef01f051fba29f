//! What hostile agents try, one row each, and in which forms it must fail.

use std::fs::{self, File, OpenOptions};
use std::io::{self, Read, Write};
use std::net::{TcpStream, UdpSocket};
use std::num::NonZeroU32;
use std::os::linux::net::SocketAddrExt as _;
use std::os::unix::net::{SocketAddr, UnixStream};
use std::process::ExitCode;
use std::time::Duration;

use rustix::net::{AddressFamily, Protocol, SocketType};
use rustix::process::{Pid, Signal, getppid, kill_process};

use crate::confined::{Kind, read};
use crate::outside::{self, Outside};

pub(crate) const WORD: &str = "--attempt";

pub(crate) struct Attempt {
    pub(crate) name: &'static str,
    /// With places that [`Outside::fill`] knows.
    arguments: &'static [&'static str],
    act: fn(&[String]) -> io::Result<()>,
    pub(crate) stopped_in: &'static [Kind],
    /// The first version of Landlock that stops it without namespaces.
    pub(crate) landlock: u32,
    /// What is missing here to make it, if anything.
    pub(crate) needs: fn() -> Option<&'static str>,
}

const EVERYWHERE: &[Kind] = &Kind::ALL;
const ISOLATED: &[Kind] = &[Kind::Namespaces, Kind::Mounts];

fn nothing() -> Option<&'static str> {
    None
}

fn an_interface() -> Option<&'static str> {
    outside::routable().is_none().then_some("an address that is not loopback")
}

fn ipv6() -> Option<&'static str> {
    std::net::TcpListener::bind("[::1]:0").is_err().then_some("IPv6")
}

fn free_ptrace() -> Option<&'static str> {
    let scope = fs::read_to_string("/proc/sys/kernel/yama/ptrace_scope").unwrap_or_default();
    (!matches!(scope.trim(), "" | "0")).then_some("a kernel that lets processes of one user look at each other")
}

fn mptcp() -> Option<&'static str> {
    let enabled = fs::read_to_string("/proc/sys/net/mptcp/enabled").unwrap_or_default();
    (enabled.trim() != "1").then_some("multipath TCP")
}

fn nested() -> Option<&'static str> {
    let status = std::process::Command::new("unshare").args(["-U", "true"]).status();
    (!status.is_ok_and(|status| status.success())).then_some("user namespaces")
}

macro_rules! row {
    ($name:literal, [$($argument:literal),*], $stopped:expr, $needs:expr, $act:expr) => {
        row!($name, [$($argument),*], $stopped, $needs, $act, 4)
    };
    ($name:literal, [$($argument:literal),*], $stopped:expr, $needs:expr, $act:expr, $landlock:literal) => {
        Attempt {
            name: $name,
            arguments: &[$($argument),*],
            act: $act,
            stopped_in: $stopped,
            landlock: $landlock,
            needs: $needs,
        }
    };
}

pub(crate) const ATTEMPTS: &[Attempt] = &[
    row!("tcp_to_another_port", ["127.0.0.1:{other}"], EVERYWHERE, nothing, |a| hello(TcpStream::connect(&a[0])?)),
    row!("tcp_to_a_routable_address", ["{routable}:{other}"], EVERYWHERE, an_interface, |a| hello(TcpStream::connect(
        &a[0]
    )?)),
    row!("tcp_over_ipv6", ["[::1]:{six}"], EVERYWHERE, ipv6, |a| hello(TcpStream::connect(&a[0])?)),
    row!("multipath_tcp", ["127.0.0.1:{other}"], EVERYWHERE, mptcp, |a| multipath(&a[0])),
    row!("udp", ["127.0.0.1:{udp}"], EVERYWHERE, nothing, |a| datagram(&a[0])),
    row!("udp_to_a_routable_address", ["{routable}:{udp}"], EVERYWHERE, an_interface, |a| datagram(&a[0])),
    row!(
        "abstract_socket",
        ["{name}"],
        EVERYWHERE,
        nothing,
        |a| { hello(UnixStream::connect_addr(&SocketAddr::from_abstract_name(&a[0])?)?) },
        6
    ),
    // Landlock learns about these with Linux 7; until then they are a known gap of that form.
    row!("path_socket", ["{beside}/socket"], ISOLATED, nothing, |a| hello(UnixStream::connect(&a[0])?)),
    row!("create_a_file", ["{beside}/new"], EVERYWHERE, nothing, |a| fs::write(&a[0], "x")),
    row!("create_a_folder", ["{beside}/new"], EVERYWHERE, nothing, |a| fs::create_dir(&a[0])),
    row!("create_a_link", ["{beside}/new"], EVERYWHERE, nothing, |a| std::os::unix::fs::symlink("/", &a[0])),
    row!("create_a_socket", ["{beside}/new"], EVERYWHERE, nothing, |a| {
        std::os::unix::net::UnixListener::bind(&a[0]).map(drop)
    }),
    row!("write_through_a_symlink", ["{beside}/precious"], EVERYWHERE, nothing, |a| {
        std::os::unix::fs::symlink(&a[0], "link")?;
        fs::write("link", "x")
    }),
    row!("write_through_a_hard_link", ["{beside}/precious"], EVERYWHERE, nothing, |a| {
        fs::hard_link(&a[0], "link")?;
        fs::write("link", "x")
    }),
    row!("append", ["{beside}/precious"], EVERYWHERE, nothing, |a| {
        OpenOptions::new().append(true).open(&a[0])?.write_all(b"x")
    }),
    row!("truncate_at_opening", ["{beside}/precious"], EVERYWHERE, nothing, |a| {
        OpenOptions::new().write(true).truncate(true).open(&a[0]).map(drop)
    }),
    row!("truncate_by_path", ["{beside}/precious"], EVERYWHERE, nothing, |a| {
        let status = std::process::Command::new("truncate").args(["-s", "0", &a[0]]).status()?;
        if status.success() { Ok(()) } else { Err(io::Error::other("it failed")) }
    }),
    row!("remove_a_file", ["{beside}/precious"], EVERYWHERE, nothing, |a| fs::remove_file(&a[0])),
    row!("rename_away", ["{beside}/precious"], EVERYWHERE, nothing, |a| fs::rename(&a[0], "mine")),
    row!("rename_onto", ["{beside}/precious"], EVERYWHERE, nothing, |a| {
        fs::write("mine", "x")?;
        fs::rename("mine", &a[0])
    }),
    // Landlock's rules can only add, so in that form what lies in a folder goes with it.
    row!("write_what_is_kept", [], ISOLATED, nothing, |_| fs::write("kept", "x")),
    row!("replace_what_is_kept", [], ISOLATED, nothing, |_| {
        fs::write("mine", "x")?;
        fs::rename("mine", "kept")
    }),
    row!("move_a_folder_above_what_is_kept", [], ISOLATED, nothing, |_| fs::rename("deep", "gone")),
    row!("move_the_folder_of_what_is_kept", [], ISOLATED, nothing, |_| fs::rename("deep/down", "gone")),
    row!("remove_what_is_kept", [], ISOLATED, nothing, |_| fs::remove_file("kept")),
    row!("climb_out", ["../beside/precious"], EVERYWHERE, nothing, |a| fs::write(&a[0], "x")),
    row!("write_by_a_descriptor_of_the_folder", ["{beside}"], EVERYWHERE, nothing, |a| {
        let folder = File::open(&a[0])?;
        let path = format!("/proc/self/fd/{}/precious", std::os::fd::AsRawFd::as_raw_fd(&folder));
        fs::write(path, "x")
    }),
    row!("signal", ["{victim}"], EVERYWHERE, nothing, |a| Ok(kill_process(pid(&a[0])?, Signal::KILL)?), 6),
    row!("memory_of_another_process", ["{victim}"], EVERYWHERE, free_ptrace, |a| {
        OpenOptions::new().read(true).write(true).open(format!("/proc/{}/mem", a[0])).map(drop)
    }),
    row!("environment_of_another_process", ["{victim}"], EVERYWHERE, nothing, |a| {
        let _ = read(&format!("/proc/{}/environ", a[0]))?;
        Ok(())
    }),
    row!("environment_of_the_supervisor", [], EVERYWHERE, nothing, |_| {
        let parent = getppid().ok_or_else(|| io::Error::other("no parent"))?;
        let _ = read(&format!("/proc/{}/environ", parent.as_raw_nonzero()))?;
        Ok(())
    }),
    row!("trace_another_process", ["{victim}"], EVERYWHERE, free_ptrace, |a| { trace(pid(&a[0])?) }),
    row!("namespaces_inside", [], EVERYWHERE, nested, |_| {
        let status = std::process::Command::new("unshare").args(["-U", "true"]).status()?;
        if status.success() { Ok(()) } else { Err(io::Error::other("it failed")) }
    }),
];

/// The command line that makes an attempt.
pub(crate) fn words(attempt: &Attempt, outside: &Outside) -> Vec<String> {
    let program = std::env::current_exe().expect("this program").display().to_string();
    let fixed = [program, WORD.to_owned(), attempt.name.to_owned()];
    fixed.into_iter().chain(attempt.arguments.iter().map(|argument| outside.fill(argument))).collect()
}

/// The command line that prints what a port says.
pub(crate) fn reach(port: u16) -> Vec<String> {
    let program = std::env::current_exe().expect("this program").display().to_string();
    vec![program, WORD.to_owned(), "reach".to_owned(), format!("127.0.0.1:{port}")]
}

/// As the agent.
pub(crate) fn make(name: &str, arguments: &[String]) -> ExitCode {
    let made = match ATTEMPTS.iter().find(|attempt| attempt.name == name) {
        Some(attempt) => (attempt.act)(arguments),
        None => TcpStream::connect(&arguments[0]).and_then(|mut stream| {
            io::copy(&mut stream, &mut io::stdout())?;
            Ok(())
        }),
    };
    match made {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("{error}");
            ExitCode::FAILURE
        }
    }
}

fn hello(mut stream: impl Read) -> io::Result<()> {
    let mut text = String::new();
    stream.read_to_string(&mut text)?;
    if text == "hello\n" { Ok(()) } else { Err(io::Error::other("somebody else answered")) }
}

fn datagram(to: &str) -> io::Result<()> {
    let socket = UdpSocket::bind("0.0.0.0:0")?;
    socket.set_read_timeout(Some(Duration::from_secs(2)))?;
    socket.send_to(b"question", to)?;
    socket.recv(&mut [0; 64]).map(drop)
}

/// Landlock's rules are about plain TCP.
fn multipath(to: &str) -> io::Result<()> {
    let protocol = NonZeroU32::new(262).map(Protocol::from_raw);
    let socket = rustix::net::socket(AddressFamily::INET, SocketType::STREAM, protocol)?;
    let to: std::net::SocketAddr = to.parse().map_err(io::Error::other)?;
    rustix::net::connect(&socket, &to)?;
    hello(TcpStream::from(socket))
}

#[expect(unsafe_code, reason = "no safe form without another library")]
fn trace(victim: Pid) -> io::Result<()> {
    // SAFETY: seizing reads and writes no memory of this process.
    let answer = unsafe { libc::ptrace(libc::PTRACE_SEIZE, victim.as_raw_nonzero().get(), 0, 0) };
    if answer == 0 { Ok(()) } else { Err(io::Error::last_os_error()) }
}

fn pid(text: &str) -> io::Result<Pid> {
    text.parse().ok().and_then(Pid::from_raw).ok_or_else(|| io::Error::other("not a process"))
}
