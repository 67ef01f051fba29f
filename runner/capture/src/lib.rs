//! The forward proxy that an agent's traffic to model providers passes through.
//!
//! It answers `CONNECT` with a blind pipe: it sees where a tunnel goes, how long it lives and how many bytes pass, never what is in
//! it. With an [`Inspection`] the tunnels to some hosts end here instead: TLS with a certificate of the run, HTTP/1.1, and on to the
//! host, to a twin or to wherever else it is routed; model calls in them are read from a copy.
//!
//! It owns the egress floor (which hosts a tunnel may go to) and the certificates of the run, and leaves to its caller what becomes
//! of the rows and how an agent comes to trust the certificates.
//!
//! Start at [`Proxy::start`]; `egress.rs` holds the rules, `tunnel.rs` one connection, `session.rs` one that ends here, `exchange.rs`
//! one call in it, `reading.rs` what is read of it, `server.rs` the stand-alone form behind the hidden `pome capture-server`.
//!
//! ```text
//! agent --CONNECT host:port--> Proxy --allowed?--> dial --> blind pipe ------------------------> Sink::tunnel_closed
//!                                  |                  \--> TLS, HTTP --> host, twin or route --> Sink::exchanged
//!                                  \--refused-----------> 403 ---------------------------------> Sink::refused
//! ```

mod authority;
mod egress;
mod exchange;
mod hosts;
mod inspection;
mod proxy;
mod reading;
mod route;
mod server;
mod session;
mod stream;
mod tunnel;
mod watched;

pub use authority::{AuthorityError, Roots};
pub use egress::{EgressPolicy, Target, model_hosts};
pub use exchange::Exchange;
pub use hosts::Hosts;
pub use inspection::Inspection;
pub use proxy::{Proxy, Sink};
pub use route::{Destination, Route, TwinSession, Url};
pub use server::{ServeOptions, serve};
pub use tunnel::{Refusal, Tunnel};
