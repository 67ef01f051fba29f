//! Names of hosts, as rules about where things may go compare them.

use std::net::{Ipv4Addr, Ipv6Addr};

/// Lower case, without the brackets of an IPv6 address and without one trailing dot.
pub fn normal(host: &str) -> String {
    let host = host.strip_prefix('[').and_then(|rest| rest.strip_suffix(']')).unwrap_or(host);
    host.strip_suffix('.').unwrap_or(host).to_ascii_lowercase()
}

/// Whether a normal name always means this machine: a loopback address, or a name under `localhost` (RFC 6761).
pub fn is_this_machine(host: &str) -> bool {
    host == "localhost"
        || host.ends_with(".localhost")
        || host.parse::<Ipv4Addr>().is_ok_and(|address| address.is_loopback())
        || host.parse::<Ipv6Addr>().is_ok_and(|address| address.is_loopback())
}
