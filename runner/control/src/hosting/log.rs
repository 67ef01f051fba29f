//! The durable logs of live sessions: every call is in one before it is answered.
//!
//! Alone, a server keeps a file per session, which it appends to. Servers that share a database keep a table there, whose entries
//! name the session's epoch: an entry is written only while the session has that epoch and is alive, in the same statement that
//! looks, so a host that lost a session cannot write into it. Either way a log that lost an entry takes no later one, so a log is
//! always a prefix of what happened.

mod file;
mod shared;

use std::io;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicBool, AtomicI64, AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError};

use futures_util::FutureExt as _;
use futures_util::future::BoxFuture;
use pome_gateway::{Entry, Log, Logged, Rows};
use tokio::sync::oneshot;

use crate::hosting::log::file::{FileLog, Files};
use crate::hosting::log::shared::{Append, Table};
use crate::hosting::seal::{Broken, Seal};
use crate::store::Store;

/// About how many bytes of rows are read at a time.
const PIECE: usize = 256 << 10;
/// How many rows are read at a time.
const PAGE: usize = 200;

/// One entry as it is kept.
#[derive(Debug, Clone, PartialEq, Eq)]
struct Stored {
    seq: i64,
    twin: String,
    /// Number among the calls of its world; 0 for a row that is no call.
    event: i64,
    call_id: Option<String>,
    /// Whether it may have changed its world.
    changed: bool,
    /// What the twin was told, encrypted.
    step: Option<Vec<u8>>,
    /// The redacted row of the trace: a JSON object.
    row: String,
}

/// Number of the last entry and, by twin, of the last call in its world.
pub(crate) type Last = (i64, Vec<(String, i64)>);

/// The logs of all sessions. Cheap to clone.
#[derive(Debug, Clone)]
pub(crate) struct Logs {
    way: Way,
    seal: Seal,
    pub(crate) counters: Arc<Counters>,
}

#[derive(Debug, Clone)]
enum Way {
    Files(Files),
    Shared(Table),
}

/// What was written so far.
#[derive(Debug, Default)]
pub(crate) struct Counters {
    /// Calls that were kept.
    pub(crate) kept: AtomicU64,
    /// Calls that were not, or are not known to be.
    pub(crate) lost: AtomicU64,
    /// Writes that it took.
    pub(crate) batches: AtomicU64,
}

impl Counters {
    /// Tells whoever waits for an entry whether it is kept.
    fn tell(&self, done: oneshot::Sender<bool>, kept: bool) {
        let counter = if kept { &self.kept } else { &self.lost };
        counter.fetch_add(1, Ordering::Relaxed);
        // Whoever waited may have gone.
        let _ = done.send(kept);
    }
}

/// Logs cannot be kept.
#[derive(Debug, thiserror::Error)]
pub enum LogsError {
    /// Their folder cannot be made.
    #[error("cannot make the folder of the logs of sessions, `{path}`")]
    Folder {
        /// The folder.
        path: PathBuf,
        /// Why.
        source: io::Error,
    },
    /// What brings them to the medium cannot be started.
    #[error("no thread can be started for the logs of sessions")]
    Thread(#[source] io::Error),
}

/// A log cannot be read.
#[derive(Debug, thiserror::Error)]
pub(crate) enum ReadError {
    #[error("the database does not answer")]
    Database(#[from] sqlx::Error),
    #[error(transparent)]
    Broken(#[from] Broken),
    #[error("cannot read the log of a session, `{path}`")]
    File { path: PathBuf, source: io::Error },
    #[error("the log of a session, `{path}`, is damaged at byte {at}")]
    Damaged { path: PathBuf, at: u64, source: serde_json::Error },
    #[error("the log could not be read to its end")]
    Ended(#[from] tokio::task::JoinError),
}

impl Logs {
    /// Where sessions of a server with this database have their logs: a folder below `data_dir`, or the database itself when
    /// others share it.
    pub(crate) fn start(store: &Store, data_dir: &Path, seal: Seal) -> Result<Self, LogsError> {
        let counters = Arc::new(Counters::default());
        let way = match store {
            Store::Sqlite(_) => Way::Files(Files::start(data_dir.join("calls"))?),
            Store::Postgres(pool) => Way::Shared(Table::start(pool, &counters)),
        };
        Ok(Self { way, seal, counters })
    }

    /// The log of a session, to go on with in `epoch`.
    pub(crate) fn of(&self, session_id: &str, epoch: i64) -> SessionLog {
        self.log(session_id, Some(epoch))
    }

    /// The same, only to be read: what is appended is said to be kept and forgotten.
    pub(crate) fn reading(&self, session_id: &str) -> SessionLog {
        self.log(session_id, None)
    }

    fn log(&self, session_id: &str, epoch: Option<i64>) -> SessionLog {
        let place = match &self.way {
            Way::Files(files) => Place::File(Arc::new(files.log(session_id))),
            Way::Shared(table) => Place::Table(table.clone()),
        };
        SessionLog {
            session_id: session_id.to_owned(),
            epoch: epoch.unwrap_or_default(),
            writes: epoch.is_some(),
            next: AtomicI64::new(1),
            over: AtomicBool::new(false),
            appending: Mutex::new(()),
            place,
            seal: self.seal.clone(),
            counters: Arc::clone(&self.counters),
        }
    }

    /// How many entries the log of a session has.
    pub(crate) async fn count(&self, session_id: &str) -> Result<i64, ReadError> {
        match &self.way {
            Way::Files(files) => blocking(&Arc::new(files.log(session_id)), FileLog::count).await,
            Way::Shared(table) => Ok(table.count(session_id).await?),
        }
    }

    /// Rows of a session behind a number, oldest first.
    pub(crate) async fn rows(
        &self,
        session_id: &str,
        behind: i64,
        most: usize,
    ) -> Result<Vec<(i64, String)>, ReadError> {
        match &self.way {
            Way::Files(files) => {
                blocking(&Arc::new(files.log(session_id)), move |log| log.rows(behind, most, &|_| true)).await
            }
            Way::Shared(table) => Ok(table.rows(session_id, behind, most).await?),
        }
    }

    /// Deletes the log of a session that has ended.
    pub(crate) async fn delete(&self, session_id: &str) -> Result<(), ReadError> {
        match &self.way {
            Way::Files(files) => blocking(&Arc::new(files.log(session_id)), FileLog::delete).await,
            Way::Shared(table) => Ok(table.delete(session_id).await?),
        }
    }
}

/// Does something with a file beside the tasks.
async fn blocking<T: Send + 'static>(
    log: &Arc<FileLog>,
    work: impl FnOnce(&FileLog) -> Result<T, ReadError> + Send + 'static,
) -> Result<T, ReadError> {
    let log = Arc::clone(log);
    tokio::task::spawn_blocking(move || work(&log)).await?
}

/// The log of one session as long as this process holds it, or as long as somebody reads it.
#[derive(Debug)]
pub(crate) struct SessionLog {
    session_id: String,
    epoch: i64,
    /// Whether what is appended is kept.
    writes: bool,
    next: AtomicI64,
    /// Nothing is written any more.
    over: AtomicBool,
    /// Held while something is appended: what has not been by the end of the log is not.
    appending: Mutex<()>,
    place: Place,
    seal: Seal,
    counters: Arc<Counters>,
}

#[derive(Debug)]
enum Place {
    File(Arc<FileLog>),
    Table(Table),
}

/// A call that was read back.
#[derive(Debug)]
pub(crate) struct Kept {
    pub(crate) seq: i64,
    pub(crate) twin: String,
    pub(crate) call: Logged,
}

impl SessionLog {
    pub(crate) fn epoch(&self) -> i64 {
        self.epoch
    }

    /// Where the next entry goes.
    pub(crate) fn goes_on_after(&self, last: i64) {
        self.next.store(last + 1, Ordering::Relaxed);
    }

    /// Whether it takes no more entries.
    pub(crate) fn is_over(&self) -> bool {
        self.over.load(Ordering::Acquire)
    }

    /// Takes no more entries. What is being appended to a file is, when this returns.
    pub(crate) fn end(&self) {
        self.over.store(true, Ordering::Release);
        drop(self.appending.lock().unwrap_or_else(PoisonError::into_inner));
    }

    /// What the encrypted part of an entry is bound to.
    fn bound(&self, seq: i64) -> String {
        format!("calls/{}/{seq}", self.session_id)
    }

    /// A page of calls after `after` that have to be played again, or of all calls.
    pub(crate) async fn page(&self, after: i64, all: bool) -> Result<Vec<Kept>, ReadError> {
        let stored = match &self.place {
            Place::File(file) => blocking(file, move |file| file.page(after, all)).await?,
            Place::Table(table) => table.page(&self.session_id, after, all).await?,
        };
        let kept = stored.into_iter().map(|stored| {
            let step = self.seal.open(&self.bound(stored.seq), stored.step.unwrap_or_default())?;
            let event = u64::try_from(stored.event).unwrap_or_default();
            let call = Logged { event, call_id: stored.call_id, changed: stored.changed, step };
            Ok(Kept { seq: stored.seq, twin: stored.twin, call })
        });
        kept.collect()
    }

    /// Where the log ends. One that is to be gone on with is put in order: half an entry of a killed process is taken off.
    pub(crate) async fn last(&self) -> Result<Last, ReadError> {
        let writes = self.writes;
        match &self.place {
            Place::File(file) => blocking(file, move |file| file.last(writes)).await,
            Place::Table(table) => Ok(table.last(&self.session_id).await?),
        }
    }

    /// Where a call stands that its sender calls so, if it was carried out: number and twin.
    pub(crate) async fn find(&self, call_id: &str) -> Result<Option<(i64, String)>, ReadError> {
        match &self.place {
            Place::File(file) => {
                let call_id = call_id.to_owned();
                blocking(file, move |file| file.find(&call_id)).await
            }
            Place::Table(table) => Ok(table.find(&self.session_id, call_id).await?),
        }
    }

    async fn rows_after(&self, twin: &str, after: i64) -> Result<Option<Rows>, ReadError> {
        let rows = match &self.place {
            Place::File(file) => {
                let twin = twin.to_owned();
                let wanted = move |stored: &file::Line<'_>| stored.event > 0 && stored.twin == twin;
                blocking(file, move |file| file.rows(after, PAGE, &wanted)).await?
            }
            Place::Table(table) => table.rows_of(&self.session_id, twin, after).await?,
        };
        let mut found = Rows { rows: Vec::new(), last: u64::try_from(after).unwrap_or_default() };
        let mut bytes = 0;
        // Rows may be large; a page that turns out too large is cut, and the rest is read again.
        for (seq, row) in rows {
            bytes += row.len();
            found.last = u64::try_from(seq).unwrap_or_default();
            found.rows.push(row.into_bytes());
            if bytes > PIECE {
                break;
            }
        }
        Ok((!found.rows.is_empty()).then_some(found))
    }

    /// An entry in its place. `None`: it cannot be kept.
    fn stored(&self, twin: String, call: Option<Logged>, row: Vec<u8>) -> Option<Stored> {
        let row = String::from_utf8(row).ok()?;
        let seq = self.next.fetch_add(1, Ordering::Relaxed);
        let Some(call) = call else {
            return Some(Stored { seq, twin, event: 0, call_id: None, changed: false, step: None, row });
        };
        let step = match call.step {
            step if step.is_empty() => None,
            step => Some(self.seal.close(&self.bound(seq), step).ok()?),
        };
        let event = i64::try_from(call.event).unwrap_or(i64::MAX);
        Some(Stored { seq, twin, event, call_id: call.call_id, changed: call.changed, step, row })
    }
}

/// The log of a session as the recorder sees it.
#[derive(Debug, Clone)]
pub(crate) struct Handle(pub(crate) Arc<SessionLog>);

impl Log for Handle {
    fn append(&self, entries: Vec<Entry>) {
        let log = &self.0;
        let _appending = log.appending.lock().unwrap_or_else(PoisonError::into_inner);
        let (mut stored, mut waiting) = (Vec::with_capacity(entries.len()), Vec::with_capacity(entries.len()));
        for Entry { twin, call, row, done } in entries {
            if !log.writes {
                // Whoever waits may have gone.
                let _ = done.send(true);
                continue;
            }
            let entry = if log.is_over() { None } else { log.stored(twin, call, row) };
            if let Some(entry) = entry {
                stored.push(entry);
                waiting.push(done);
            } else {
                log.over.store(true, Ordering::Release);
                log.counters.tell(done, false);
            }
        }
        if stored.is_empty() {
            return;
        }
        match &log.place {
            Place::Table(table) => {
                for (stored, done) in stored.into_iter().zip(waiting) {
                    table.write(Append { session: Arc::clone(log), stored, done });
                }
            }
            Place::File(file) => {
                log.counters.batches.fetch_add(1, Ordering::Relaxed);
                let kept = file.append(&stored).inspect_err(|error| {
                    tracing::warn!(session = log.session_id, error = %error, "calls could not be logged");
                });
                if kept.is_err() {
                    log.over.store(true, Ordering::Release);
                }
                for done in waiting {
                    log.counters.tell(done, kept.is_ok());
                }
            }
        }
    }

    fn gap(&self) {
        if self.0.writes {
            self.0.end();
        }
    }

    fn rows<'a>(&'a self, twin: &'a str, after: u64) -> BoxFuture<'a, io::Result<Option<Rows>>> {
        let after = i64::try_from(after).unwrap_or(i64::MAX);
        async move { self.0.rows_after(twin, after).await.map_err(io::Error::other) }.boxed()
    }
}
