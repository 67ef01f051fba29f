//! System calls that no agent needs and that lead around the other walls.

use std::collections::BTreeMap;

use libc::{
    AF_INET, AF_INET6, AF_NETLINK, AF_UNIX, CLONE_NEWUSER, IPPROTO_TCP, MSG_FASTOPEN, SOCK_STREAM, SYS_add_key,
    SYS_clone, SYS_clone3, SYS_io_uring_setup, SYS_ioctl, SYS_keyctl, SYS_request_key, SYS_sendmmsg, SYS_sendmsg,
    SYS_sendto, SYS_socket, SYS_unshare, TIOCLINUX, TIOCSTI,
};
use seccompiler::SeccompCmpArgLen::Dword;
use seccompiler::SeccompCmpOp::{self, Eq, MaskedEq, Ne};
use seccompiler::{BackendError, BpfProgram, SeccompAction, SeccompCondition, SeccompFilter, SeccompRule};

use crate::policy::{Form, Refused};

/// The kind of a socket without the flags that may stand beside it.
const KIND: u64 = 0xf;
/// Set in the numbers of a second table of system calls that a processor of this family may have (x32).
const X32: i64 = 0x4000_0000;

type Table = BTreeMap<i64, Vec<SeccompRule>>;

/// Filters this process for ever.
pub(crate) fn restrict(form: Form) -> Result<(), Refused> {
    let built = |error: BackendError| Refused::because("the filter of system calls", &error.to_string());
    // Its arguments are in memory, where a filter does not look. Every C library goes on with the older call.
    let hidden = Table::from([(SYS_clone3, Vec::new())]);
    apply(hidden, libc::ENOSYS)?;
    apply(table(form).map_err(built)?, libc::EPERM)
}

fn apply(mut table: Table, answer: i32) -> Result<(), Refused> {
    let built = |error: BackendError| Refused::because("the filter of system calls", &error.to_string());
    let arch = std::env::consts::ARCH.try_into().map_err(built)?;
    if cfg!(target_arch = "x86_64") {
        let second: Vec<_> = table.iter().map(|(number, rules)| (number | X32, rules.clone())).collect();
        table.extend(second);
    }
    let denied = SeccompAction::Errno(answer.unsigned_abs());
    let filter = SeccompFilter::new(table, SeccompAction::Allow, denied, arch).map_err(built)?;
    let program: BpfProgram = filter.try_into().map_err(built)?;
    seccompiler::apply_filter(&program)
        .map_err(|error| Refused::because("the filter of system calls", &error.to_string()))
}

fn table(form: Form) -> Result<Table, BackendError> {
    let mut table = Table::new();
    // Rings of requests do what system calls do without being one.
    table.insert(SYS_io_uring_setup, Vec::new());
    // Keys in the kernel belong to the user, not to a process.
    for call in [SYS_add_key, SYS_request_key, SYS_keyctl] {
        table.insert(call, Vec::new());
    }
    // Typing into a terminal for the one who sits at it.
    table.insert(SYS_ioctl, vec![rule(&[(1, Eq, TIOCSTI)])?, rule(&[(1, Eq, TIOCLINUX)])?]);
    let new_user = u64::from(CLONE_NEWUSER.unsigned_abs());
    table.insert(SYS_unshare, vec![rule(&[(0, MaskedEq(new_user), new_user)])?]);
    table.insert(SYS_clone, vec![rule(&[(0, MaskedEq(new_user), new_user)])?]);
    // Families such as the one between a virtual machine and its host know no namespaces.
    let families = [AF_UNIX, AF_INET, AF_INET6, AF_NETLINK].map(number);
    let mut sockets = vec![rule(&families.map(|family| (0, Ne, family)))?];
    if form == Form::Landlock {
        // Landlock's rules are for TCP and for opening a connection; so nothing else may be an Internet socket.
        for family in [AF_INET, AF_INET6].map(number) {
            for kind in (0..=KIND).filter(|&kind| kind != number(SOCK_STREAM)) {
                sockets.push(rule(&[(0, Eq, family), (1, MaskedEq(KIND), kind)])?);
            }
            sockets.push(rule(&[(0, Eq, family), (2, Ne, 0), (2, Ne, number(IPPROTO_TCP))])?);
        }
        let fast_open = number(MSG_FASTOPEN);
        for (call, flags) in [(SYS_sendto, 3), (SYS_sendmsg, 2), (SYS_sendmmsg, 3)] {
            table.insert(call, vec![rule(&[(flags, MaskedEq(fast_open), fast_open)])?]);
        }
    }
    table.insert(SYS_socket, sockets);
    Ok(table)
}

fn number(constant: i32) -> u64 {
    u64::from(constant.unsigned_abs())
}

/// Arguments that must all be as said.
fn rule(conditions: &[(u8, SeccompCmpOp, u64)]) -> Result<SeccompRule, BackendError> {
    let conditions = conditions
        .iter()
        .map(|(argument, operator, value)| SeccompCondition::new(*argument, Dword, operator.clone(), *value));
    SeccompRule::new(conditions.collect::<Result<_, _>>()?)
}
