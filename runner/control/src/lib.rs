//! The control plane (`pome serve`): sessions of twins, keys, results and runs, served over HTTP.
//!
//! Owns who may do what, the durable log of every live session, and what is kept of a run; leaves what a twin does to the
//! components, how a session's requests are told apart and recorded to `pome-gateway`, and judging to `pome-run`.

mod agents;
mod api;
mod audit;
mod blobs;
mod books;
mod config;
mod dataplane;
mod evaluation;
mod hosting;
mod ids;
mod keys;
mod limits;
mod logs;
mod observe;
mod pages;
mod secrets;
mod serve;
mod server;
mod state;
mod store;
mod sweeper;
#[cfg(test)]
mod tests;

pub use agents::AgentEntry;
pub use api::{Access, ROUTES, Route};
pub use blobs::BlobsError;
pub use books::Books;
pub use config::{Config, Evaluation};
pub use hosting::HostingError;
pub use ids::NoRandom;
pub use keys::{KeyEntry, KeyError, TeamEntry};
pub use logs::{LogError, LogFormat, LogOptions, Logging, log};
pub use secrets::{SecretError, Secrets};
pub use serve::data_dir;
pub use serve::{ServeError, Server};
pub use store::StoreError;
