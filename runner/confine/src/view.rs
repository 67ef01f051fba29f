//! The file tree that a confined agent sees: the system's, without devices, run-time sockets and what is hidden.
//!
//! Reading stays allowed, because programs need most of the system. A path to a Unix socket is a way out of the network, though, and
//! no rule about writing closes it: sockets are covered up one by one, and the folder in which services put them is replaced.

use std::collections::BTreeSet;
use std::ffi::CStr;
use std::fs::{self, File};
use std::io;
use std::os::unix::fs::{FileTypeExt as _, symlink};
use std::path::{Path, PathBuf};

use libc::{
    MS_BIND, MS_MOVE, MS_NOATIME, MS_NODEV, MS_NODIRATIME, MS_NOEXEC, MS_NOSUID, MS_PRIVATE, MS_RDONLY, MS_REC,
    MS_RELATIME, MS_REMOUNT, c_ulong,
};
use rustix::process::{DumpableBehavior, Signal, set_dumpable_behavior, set_parent_process_death_signal};

use crate::files;
use crate::policy::{Attempt as _, Form, Policy, Refused};
use crate::system::{What, mount};

/// Where services put their sockets, and programs look for them.
const RUN: &str = "/run";
/// Of that folder: where some distributions have the programs themselves.
const RUN_KEPT: [&str; 3] = ["/run/current-system", "/run/wrappers", "/run/opengl-driver"];
const DEVICES: [&str; 6] = ["null", "zero", "full", "random", "urandom", "tty"];

/// Makes a supervisor ready, before it starts anything: in the namespaces form the file tree, in both what protects this very
/// process. What is weaker than it should be comes back as sentences. Where the kernel has no Landlock, the policy says so afterwards.
pub fn prepare(policy: &mut Policy) -> Result<Vec<String>, Refused> {
    let mut weaker = Vec::new();
    if policy.form == Form::Namespaces {
        // The first stage holds the namespaces together for the runner. It stays outside, so its end is a signal from above.
        set_parent_process_death_signal(Some(Signal::KILL)).attempt(|| "the parent-death signal".to_owned())?;
        policy.landlock &= files::available();
        change(policy, &mut weaker)?;
    }
    // Neither its memory nor its descriptors can be opened by a process of the same user.
    set_dumpable_behavior(DumpableBehavior::NotDumpable).attempt(|| "protecting the supervisor".to_owned())?;
    Ok(weaker)
}

fn change(policy: &Policy, weaker: &mut Vec<String>) -> Result<(), Refused> {
    let folder = std::env::current_dir().attempt(|| "the work folder".to_owned())?;
    let sockets = sockets(policy.runner);
    if sockets.is_none() {
        weaker.push("Unix sockets outside of `/run` can be reached: the table of sockets cannot be read".to_owned());
    }
    let sockets = sockets.unwrap_or_default();
    mount(What::Same, Path::new("/"), MS_REC | MS_PRIVATE).attempt(|| "a file tree of its own".to_owned())?;
    let stage = policy.temporary.join(".stage");
    fs::create_dir(&stage).attempt(|| format!("creating `{}`", stage.display()))?;
    devices(&stage)?;
    run_folder(&stage, policy)?;
    let _ = fs::remove_dir(&stage);
    processes(weaker);
    for path in &policy.hidden {
        hide(path)?;
    }
    for path in sockets.iter().filter(|path| is_socket(path)) {
        cover(path).attempt(|| format!("covering the socket `{}`", path.display()))?;
    }
    if !policy.landlock {
        read_only(policy)?;
    }
    keep(policy)?;
    // The old folder may lie under what was mounted meanwhile.
    std::env::set_current_dir(&folder).attempt(|| format!("entering `{}` again", folder.display()))
}

/// Sockets with a path, of the runner's network and of the machine's. Those of other networks are not listed there.
fn sockets(runner: u32) -> Option<BTreeSet<PathBuf>> {
    let tables = [runner, 1].map(|pid| fs::read(format!("/proc/{pid}/net/unix")).ok());
    let [Some(table), more] = tables else { return None };
    let text = [table, more.unwrap_or_default()].concat();
    let text = String::from_utf8_lossy(&text);
    let paths = text.lines().filter_map(|line| line.find(" /").and_then(|at| line.get(at + 1..)));
    Some(paths.map(PathBuf::from).collect())
}

fn is_socket(path: &Path) -> bool {
    path.metadata().is_ok_and(|metadata| metadata.file_type().is_socket())
}

fn tmpfs(at: &Path, options: &CStr) -> io::Result<()> {
    mount(What::New(c"tmpfs", options), at, MS_NOSUID | MS_NODEV)
}

fn bind(from: &Path, to: &Path) -> io::Result<()> {
    mount(What::Path(from), to, MS_BIND | MS_REC)
}

fn cover(path: &Path) -> io::Result<()> {
    bind(Path::new("/dev/null"), path)
}

/// Devices that programs need and nothing else, shared memory and terminals of its own.
fn devices(stage: &Path) -> Result<(), Refused> {
    let dev = Path::new("/dev");
    let make = || -> io::Result<()> {
        tmpfs(stage, c"mode=0755,size=64k")?;
        for name in DEVICES {
            let from = dev.join(name);
            if from.exists() {
                File::create(stage.join(name))?;
                bind(&from, &stage.join(name))?;
            }
        }
        for (name, target) in [
            ("fd", "/proc/self/fd"),
            ("stdin", "/proc/self/fd/0"),
            ("stdout", "/proc/self/fd/1"),
            ("stderr", "/proc/self/fd/2"),
            ("ptmx", "pts/ptmx"),
        ] {
            symlink(target, stage.join(name))?;
        }
        let terminals = stage.join("pts");
        fs::create_dir(&terminals)?;
        let own = What::New(c"devpts", c"newinstance,ptmxmode=0666,mode=620");
        mount(own, &terminals, MS_NOSUID | MS_NOEXEC)?;
        fs::create_dir(stage.join("shm"))?;
        tmpfs(&stage.join("shm"), c"mode=1777,size=50%")?;
        mount(What::Path(stage), dev, MS_MOVE)?;
        Ok(())
    };
    make().attempt(|| "devices of its own".to_owned())
}

/// An empty folder in the place of the one with the sockets of services, but for what the agent works with.
fn run_folder(stage: &Path, policy: &Policy) -> Result<(), Refused> {
    let run = Path::new(RUN);
    if !run.symlink_metadata().is_ok_and(|metadata| metadata.is_dir()) {
        return Ok(());
    }
    let program = policy.again.first().map(PathBuf::from);
    let kept = RUN_KEPT.iter().map(PathBuf::from).chain(policy.writable.iter().cloned()).chain(program);
    let kept: BTreeSet<PathBuf> = kept.filter(|path| path.starts_with(run) && path.exists()).collect();
    let make = || -> io::Result<()> {
        tmpfs(stage, c"mode=0755,size=64k")?;
        for path in &kept {
            let Ok(below) = path.strip_prefix(run) else { continue };
            let place = stage.join(below);
            if path.is_dir() {
                fs::create_dir_all(&place)?;
            } else {
                fs::create_dir_all(place.parent().unwrap_or(stage))?;
                File::create(&place)?;
            }
            bind(path, &place)?;
        }
        mount(What::Path(stage), run, MS_MOVE)?;
        Ok(())
    };
    make().attempt(|| format!("a `{RUN}` of its own"))
}

/// A process table with the processes of the namespace only.
fn processes(weaker: &mut Vec<String>) {
    let flags = MS_NOSUID | MS_NODEV | MS_NOEXEC | MS_RDONLY;
    if mount(What::New(c"proc", c""), Path::new("/proc"), flags).is_err() {
        // The kernel refuses it where parts of the old one are covered, as they are in containers.
        weaker.push(
            "command lines of other processes can be read: no process table of its own could be mounted".to_owned(),
        );
    }
}

fn hide(path: &Path) -> Result<(), Refused> {
    let Ok(metadata) = path.metadata() else { return Ok(()) };
    let hidden = if metadata.is_dir() {
        mount(What::New(c"tmpfs", c"mode=0555,size=4k"), path, MS_RDONLY | MS_NODEV)
    } else {
        cover(path)
    };
    hidden.attempt(|| format!("hiding `{}`", path.display()))
}

/// Where Landlock is missing: everything that is mounted becomes read-only, but for the folders that may be written.
fn read_only(policy: &Policy) -> Result<(), Refused> {
    for folder in &policy.writable {
        bind(folder, folder).attempt(|| format!("mounting `{}`", folder.display()))?;
    }
    let table = table()?;
    let stays =
        |place: &Path| place.starts_with("/dev") || policy.writable.iter().any(|folder| place.starts_with(folder));
    for (place, flags) in table.lines().filter_map(mounted) {
        if stays(&place) {
            continue;
        }
        match freeze(&place, flags).map_err(|error| (error.raw_os_error(), error)) {
            // Under another mount or in a folder that this user cannot enter: out of reach for the agent as well.
            Ok(()) | Err((Some(libc::ENOENT | libc::EACCES | libc::EINVAL), _)) => {}
            Err((_, error)) => return Err(Refused::new(format!("making `{}` read-only", place.display()), error)),
        }
    }
    Ok(())
}

/// Files that stay as they are although their folder may be written: each becomes a mount, which can neither be written nor moved.
/// So do the folders on the way to it, or another folder could take the place of one of them.
fn keep(policy: &Policy) -> Result<(), Refused> {
    let may_move = |folder: &Path| policy.writable.iter().any(|root| folder != root && folder.starts_with(root));
    for file in policy.kept.iter().filter(|file| file.is_file()) {
        let make = || -> io::Result<()> {
            let mut above: Vec<&Path> = file.ancestors().skip(1).filter(|folder| may_move(folder)).collect();
            above.reverse();
            for place in above {
                bind(place, place)?;
            }
            bind(file, file)?;
            let table = fs::read_to_string(TABLE)?;
            let flags = table.lines().filter_map(mounted).rfind(|(place, _)| place == file);
            freeze(file, flags.map(|(_, flags)| flags).unwrap_or_default())
        };
        make().attempt(|| format!("keeping `{}`", file.display()))?;
    }
    Ok(())
}

const TABLE: &str = "/proc/self/mountinfo";

fn table() -> Result<String, Refused> {
    fs::read_to_string(TABLE).attempt(|| "reading the table of mounts".to_owned())
}

fn freeze(place: &Path, flags: c_ulong) -> io::Result<()> {
    mount(What::Same, place, flags | MS_BIND | MS_REMOUNT | MS_RDONLY)
}

/// Fifth and sixth field of a line of `mountinfo`: the place, and flags that must be kept because they cannot be taken away here.
fn mounted(line: &str) -> Option<(PathBuf, c_ulong)> {
    let mut fields = line.split(' ').skip(4);
    let place = PathBuf::from(plain(fields.next()?));
    let known = [
        ("nosuid", MS_NOSUID),
        ("nodev", MS_NODEV),
        ("noexec", MS_NOEXEC),
        ("noatime", MS_NOATIME),
        ("nodiratime", MS_NODIRATIME),
        ("relatime", MS_RELATIME),
    ];
    let options = fields.next()?;
    let flags = known.into_iter().filter(|(name, _)| options.split(',').any(|option| option == *name));
    Some((place, flags.fold(0, |all, (_, flag)| all | flag)))
}

/// The kernel writes blanks and backslashes as three octal digits.
fn plain(field: &str) -> String {
    ["\\040", "\\011", "\\012", "\\134"]
        .iter()
        .zip([" ", "\t", "\n", "\\"])
        .fold(field.to_owned(), |text, (escaped, plain)| text.replace(escaped, plain))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_line_of_the_mount_table_keeps_the_flags_that_cannot_be_taken_away() {
        let line = r"36 35 98:0 / /mnt/a\040b rw,nosuid,noexec,relatime shared:1 - ext4 /dev/root rw,errors=continue";
        let flags = MS_NOSUID | MS_NOEXEC | MS_RELATIME;
        assert_eq!(mounted(line), Some((PathBuf::from("/mnt/a b"), flags)));
        assert_eq!(mounted("nonsense"), None);
    }
}
