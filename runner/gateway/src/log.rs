//! A log of calls that outlives the process: what a recorder writes to when a session is hosted.

use std::fmt;
use std::io;

use futures_util::future::BoxFuture;
use tokio::sync::oneshot;

use crate::journal::{self, Step};

/// Where the calls of one session are kept. A call is answered only after its entry is.
pub trait Log: fmt::Debug + Send + Sync {
    /// Takes entries in the order in which they changed the worlds, without waiting. Each is told through its `done` whether it
    /// is kept; after one that is not, no later one may be.
    fn append(&self, entries: Vec<Entry>);

    /// A call may have changed a world and brings no entry: no later entry may be kept.
    fn gap(&self);

    /// The rows of one twin's calls after entry `after` (0: from the first), about 256 KiB of them, each as it was given, and the
    /// number of the last; `None` when there are no more.
    fn rows<'a>(&'a self, twin: &'a str, after: u64) -> BoxFuture<'a, io::Result<Option<Rows>>>;
}

/// A piece of a log.
#[derive(Debug)]
pub struct Rows {
    /// Whole rows.
    pub rows: Vec<Vec<u8>>,
    /// Number of the last of them in the log.
    pub last: u64,
}

/// One thing that happened to a session.
#[derive(Debug)]
pub struct Entry {
    /// The twin it happened to.
    pub twin: String,
    /// The call; absent for what is only told in the trace (a webhook that was sent).
    pub call: Option<Logged>,
    /// The redacted row: a JSON object.
    pub row: Vec<u8>,
    /// Told `true` once the entry is kept. Dropped or `false`: it may or may not be.
    pub done: oneshot::Sender<bool>,
}

/// A call as it has to be played again.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Logged {
    /// Its number among the calls of its world, counted from 1.
    pub event: u64,
    /// What the sender calls it, to find out whether it was carried out already.
    pub call_id: Option<String>,
    /// Whether it may have changed the world.
    pub changed: bool,
    /// Everything that the twin was told; opaque. It may hold what the row hides. Empty for a call that neither changed nor counts.
    pub step: Vec<u8>,
}

impl Logged {
    /// Without a `step` when the call need not be played again.
    pub(crate) fn of(event: u64, call_id: Option<String>, changed: bool, step: Option<&Step>) -> Self {
        Self { event, call_id, changed, step: step.map(journal::encoded).unwrap_or_default() }
    }
}

/// A call whose entry is not kept, or not known to be.
#[derive(Debug, Clone, Copy, thiserror::Error)]
#[error("the call could not be logged")]
pub(crate) struct NotKept;
