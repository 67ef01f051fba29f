//! What an agent must not get at: services of this machine, files beside its work, processes of the same user.

use std::collections::BTreeMap;
use std::fs;
use std::io::Write;
use std::net::{Ipv4Addr, Ipv6Addr, TcpListener, UdpSocket};
use std::os::linux::net::SocketAddrExt as _;
use std::os::unix::fs::PermissionsExt as _;
use std::os::unix::net::{SocketAddr, UnixListener};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::Mutex;
use std::sync::atomic::{AtomicU32, Ordering};

use tempfile::TempDir;

use crate::confined::greet;

pub(crate) struct Outside {
    folder: TempDir,
    told: u16,
    other: u16,
    six: Option<u16>,
    udp: u16,
    name: String,
    victim: Mutex<Child>,
}

impl Outside {
    pub(crate) fn new() -> Self {
        let folder = open_folder();
        for name in ["work", "temporary", "beside", "secrets/folder", "work/deep/down"] {
            fs::create_dir_all(folder.path().join(name)).expect("a folder");
        }
        for (name, text) in [
            ("beside/precious", "precious\n"),
            ("work/kept", "kept\n"),
            ("work/deep/down/kept", "kept\n"),
            ("secrets/folder/key", "secret\n"),
            ("secrets/file", "secret\n"),
            ("secrets/shown", "shown\n"),
        ] {
            fs::write(folder.path().join(name), text).expect("a file");
        }
        let tcp = |listener: TcpListener| {
            let port = listener.local_addr().expect("an address").port();
            std::thread::spawn(move || greet(&listener));
            port
        };
        let four = || tcp(TcpListener::bind((Ipv4Addr::UNSPECIFIED, 0)).expect("a port"));
        let (told, other) = (four(), four());
        let six = TcpListener::bind((Ipv6Addr::LOCALHOST, 0)).ok().map(tcp);
        let udp = UdpSocket::bind((Ipv4Addr::UNSPECIFIED, 0)).expect("a port");
        let udp_port = udp.local_addr().expect("an address").port();
        std::thread::spawn(move || {
            let mut buffer = [0; 64];
            while let Ok((_, from)) = udp.recv_from(&mut buffer) {
                let _ = udp.send_to(b"hello", from);
            }
        });
        let name = format!("pome-confine-{}", fresh());
        let abstract_ = SocketAddr::from_abstract_name(&name).expect("a name");
        greet_unix(UnixListener::bind_addr(&abstract_).expect("an abstract socket"));
        greet_unix(UnixListener::bind(folder.path().join("beside/socket")).expect("a socket"));
        let victim = Command::new("sleep")
            .arg(fresh())
            .env("SECRET", "secret")
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .spawn()
            .expect("a process");
        Self { folder, told, other, six, udp: udp_port, name, victim: Mutex::new(victim) }
    }

    pub(crate) fn work(&self) -> PathBuf {
        self.folder.path().join("work")
    }

    pub(crate) fn temporary(&self) -> PathBuf {
        self.folder.path().join("temporary")
    }

    pub(crate) fn secrets(&self) -> PathBuf {
        self.folder.path().join("secrets")
    }

    pub(crate) fn beside(&self) -> PathBuf {
        self.folder.path().join("beside")
    }

    /// The port that a confined agent may reach.
    pub(crate) fn told(&self) -> u16 {
        self.told
    }

    /// A place for each word in braces.
    pub(crate) fn fill(&self, text: &str) -> String {
        let values = [
            ("{beside}", self.beside().display().to_string()),
            ("{other}", self.other.to_string()),
            ("{six}", self.six.unwrap_or_default().to_string()),
            ("{udp}", self.udp.to_string()),
            ("{name}", self.name.clone()),
            ("{routable}", routable().unwrap_or_default()),
            ("{victim}", self.victim.lock().expect("a lock").id().to_string()),
        ];
        values.iter().fold(text.to_owned(), |text, (word, value)| text.replace(word, value))
    }

    /// Names and bytes of everything beside the work folder.
    pub(crate) fn contents(&self) -> BTreeMap<PathBuf, Vec<u8>> {
        let entries = fs::read_dir(self.beside()).expect("a folder").flatten();
        entries.map(|entry| (entry.path(), fs::read(entry.path()).unwrap_or_default())).collect()
    }

    pub(crate) fn victim_lives(&self) -> bool {
        matches!(self.victim.lock().expect("a lock").try_wait(), Ok(None))
    }
}

impl Drop for Outside {
    fn drop(&mut self) {
        let victim = self.victim.get_mut().expect("a lock");
        let _ = victim.kill();
        let _ = victim.wait();
    }
}

fn greet_unix(listener: UnixListener) {
    std::thread::spawn(move || {
        for stream in listener.incoming() {
            let _ = stream.and_then(|mut stream| stream.write_all(b"hello\n"));
        }
    });
}

/// One that other users may enter.
pub(crate) fn open_folder() -> TempDir {
    let folder = tempfile::tempdir().expect("a folder");
    fs::set_permissions(folder.path(), fs::Permissions::from_mode(0o755)).expect("permissions");
    folder
}

/// A number of seconds that no other process sleeps, for one.
pub(crate) fn fresh() -> String {
    static NEXT: AtomicU32 = AtomicU32::new(0);
    format!("{}{:04}", 1_000_000 + std::process::id(), NEXT.fetch_add(1, Ordering::Relaxed))
}

/// An address of this machine that is not loopback. Nothing is sent to find it out.
pub(crate) fn routable() -> Option<String> {
    let socket = UdpSocket::bind((Ipv4Addr::UNSPECIFIED, 0)).ok()?;
    socket.connect("192.0.2.1:9").ok()?;
    let address = socket.local_addr().ok()?.ip();
    (!address.is_loopback() && !address.is_unspecified()).then(|| address.to_string())
}

/// Processes with the marker as a word of their command line.
pub(crate) fn alive(marker: &str) -> Vec<i32> {
    let pids = fs::read_dir("/proc").expect("/proc").flatten();
    let pids = pids.filter_map(|entry| entry.file_name().to_str()?.parse::<i32>().ok());
    pids.filter(|pid| {
        let command = fs::read(Path::new("/proc").join(pid.to_string()).join("cmdline")).unwrap_or_default();
        command.split(|&byte| byte == 0).any(|word| word == marker.as_bytes())
    })
    .collect()
}

pub(crate) fn kill(pids: &[i32]) {
    for pid in pids.iter().filter_map(|&pid| rustix::process::Pid::from_raw(pid)) {
        let _ = rustix::process::kill_process(pid, rustix::process::Signal::KILL);
    }
}
