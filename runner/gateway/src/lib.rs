//! A live twin behind an address.
//!
//! Owns the listener, session paths, tokens, JSON-RPC framing, the admin gate, worlds, health, state and events, injected faults
//! and the recorder. What a route or tool does, and every body that a vendor would shape, comes from the component and its
//! description; no vendor is named in this crate.
//!
//! ```text
//! connection -> server::route -> token (who?) -> fault (instead?) -> world, one call at a time, numbered
//!            -> recorder: row redacted and on disk -> answer
//! ```
//!
//! Start reading at [`Server::start`]; [`Recorder`] is the other half and is shared by the servers of a run.

mod control;
mod delivery;
mod description;
mod fault;
mod front;
mod hosted;
mod http;
mod journal;
mod json;
mod log;
mod mcp;
mod recorder;
mod rest;
mod row;
mod secret;
mod seed;
mod server;
mod session;
pub mod token;
mod uri;
mod world;
mod worlds;

pub use delivery::Reach;
pub use description::public_state;
pub use front::{Bounds, Front};
pub use hosted::{HistoryError, Hosted, HostedConfig, Twin};
pub use http::{Body, Reply, Unanswered};
pub use log::{Entry, Log, Logged, Rows};
pub use recorder::{Recorder, RecorderError, RecorderOptions};
pub use secret::{BootSecret, BootSecretError, Resolved};
pub use server::{HttpLimits, OnTrap, RuntimeInfo, Server, ServerConfig, StartError, Trapped};
