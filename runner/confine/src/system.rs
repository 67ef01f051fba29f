//! The three system calls that no library at hand offers safely without features that would be compiled into everything else.

use std::ffi::{CStr, CString};
use std::io;
use std::os::unix::ffi::OsStrExt as _;
use std::path::Path;
use std::ptr;

use libc::{c_int, c_uint, c_ulong};

/// New namespaces for this process, by the `CLONE_NEW...` flags.
#[expect(unsafe_code, reason = "no safe form without side effects on other crates' features")]
pub(crate) fn unshare(flags: c_int) -> io::Result<()> {
    // SAFETY: no memory is passed. Only namespaces are named, so files and memory stay shared as they were; the stages have one
    // thread, and the kernel refuses a user namespace to a process with more.
    check(unsafe { libc::unshare(flags) }.into())
}

/// What to mount.
#[derive(Debug, Clone, Copy)]
pub(crate) enum What<'a> {
    /// A new file system of this kind, with options.
    New(&'a CStr, &'a CStr),
    /// Something that exists, or is mounted: `MS_BIND`, `MS_MOVE`.
    Path(&'a Path),
    /// The mount that is there, with other flags.
    Same,
}

/// `mount(2)`.
#[expect(unsafe_code, reason = "no safe form without side effects on other crates' features")]
pub(crate) fn mount(what: What<'_>, at: &Path, flags: c_ulong) -> io::Result<()> {
    let path = |path: &Path| CString::new(path.as_os_str().as_bytes()).map_err(io::Error::from);
    let at = path(at)?;
    let source = match what {
        What::Path(from) => Some(path(from)?),
        What::New(..) | What::Same => None,
    };
    let (kind, options) = match what {
        What::New(kind, options) => (kind.as_ptr(), options.as_ptr()),
        What::Path(_) | What::Same => (ptr::null(), ptr::null()),
    };
    let from = source.as_ref().map_or(kind, |source| source.as_ptr());
    // SAFETY: each pointer is null or leads to text with an end that lives until the call is over; the kernel copies it.
    check(unsafe { libc::mount(from, at.as_ptr(), kind, flags, options.cast()) }.into())
}

/// Lets every descriptor but the first three end with this program.
#[expect(unsafe_code, reason = "no safe form exists")]
pub(crate) fn close_on_exec() -> io::Result<()> {
    const FROM: c_uint = 3;
    // SAFETY: numbers go in, no memory is touched, and every descriptor stays open and owned by whom it was.
    check(unsafe { libc::syscall(libc::SYS_close_range, FROM, c_uint::MAX, libc::CLOSE_RANGE_CLOEXEC) })
}

fn check(answer: i64) -> io::Result<()> {
    if answer == 0 { Ok(()) } else { Err(io::Error::last_os_error()) }
}
