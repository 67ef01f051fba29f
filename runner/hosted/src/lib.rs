//! The client of a control plane: its requests, who is signed in, and the login.
//!
//! Owns what goes over the wire to a control plane and how its answers are read; leaves printing to the command line and the
//! sequence of a run to `pome-run`. Everything here blocks: call it on a blocking thread.
//!
//! ```text
//! credentials   who is calling            login     the browser's way to a key
//! address       where a control plane is  links     pages for people
//! client        one request               error     what went wrong, and the exit code
//!   sessions, results, finalize, blobs, registry, account: the routes
//! ```

mod account;
mod address;
mod blobs;
mod client;
mod clock;
pub mod credentials;
mod error;
mod finalize;
pub mod links;
pub mod login;
mod registry;
mod results;
mod sessions;

pub use account::latest_version;
pub use address::{Address, BadAddress, DEFAULT_API_URL, DEFAULT_DASHBOARD_URL};
pub use blobs::BlobKind;
pub use client::{Client, Observer};
pub use clock::{Clock, SystemClock};
pub use error::{Cause, Error};
pub use registry::Registration;
pub use results::{RunFilter, Upload};
pub use sessions::{Ended, OpenSession, OpenTwin, idempotency_key};
