//! The forward proxy that an agent's traffic to model providers passes through.
//!
//! It only answers `CONNECT`: it sees where a tunnel goes, how long it lives and how many bytes pass, never what is in it. It owns the
//! egress floor (which hosts a tunnel may go to) and leaves to its caller what becomes of the rows.
//!
//! Start at [`Proxy::start`]; `egress.rs` holds the rules, `tunnel.rs` one connection, `server.rs` the stand-alone form behind the hidden
//! `pome capture-server`.
//!
//! ```text
//! agent --CONNECT host:port--> Proxy --allowed?--> dial --> blind pipe --> Sink::tunnel_closed
//!                                  \--refused-----------> 403 ---------> Sink::refused
//! ```

mod egress;
mod proxy;
mod server;
mod tunnel;

pub use egress::{EgressPolicy, Target};
pub use proxy::{Proxy, Sink};
pub use server::{ServeOptions, serve};
pub use tunnel::{Refusal, Tunnel};
