//! The durable log of live sessions: one writer for many sessions, one statement for many calls.
//!
//! An entry names the session's epoch. It is written only while the session has that epoch and is alive, in the same statement
//! that looks, so a host that lost a session cannot write into it; a log that lost an entry takes no later one, so the log of a
//! session is always a prefix of what happened.

use std::io;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicI64, AtomicU64, Ordering};

use futures_util::FutureExt as _;
use futures_util::future::BoxFuture;
use pome_gateway::{Entry, Log, Logged, Rows};
use sqlx::{QueryBuilder, Row as _};
use tokio::sync::{mpsc, oneshot};

use crate::hosting::ACTIVE;
use crate::hosting::seal::Seal;
use crate::store::{Store, on};

/// Most entries that are written with one statement.
const BATCH: usize = 256;
/// About how many bytes are written with one statement.
const BATCH_BYTES: usize = 2 << 20;
/// About how many bytes of rows are read at a time.
const PIECE: usize = 256 << 10;
/// How many rows are read at a time.
const PAGE: i64 = 200;

/// One entry on its way into the database.
#[derive(Debug)]
struct Append {
    session: Arc<SessionLog>,
    seq: i64,
    twin: String,
    event: i64,
    call_id: Option<String>,
    changed: bool,
    step: Option<Vec<u8>>,
    row: String,
    done: oneshot::Sender<bool>,
}

/// Writes the logs of all sessions of this process.
#[derive(Debug, Clone)]
pub(crate) struct Writer {
    shards: Arc<[mpsc::UnboundedSender<Append>]>,
    pub(crate) counters: Arc<Counters>,
}

/// What the writer has done so far.
#[derive(Debug, Default)]
pub(crate) struct Counters {
    /// Calls that were kept.
    pub(crate) kept: AtomicU64,
    /// Calls that were not, or are not known to be.
    pub(crate) lost: AtomicU64,
    /// Statements that wrote them.
    pub(crate) batches: AtomicU64,
}

impl Writer {
    /// Starts the tasks that write; they end when the last writer and the last log are gone.
    pub(crate) fn start(store: &Store) -> Self {
        // SQLite has one writer; PostgreSQL gains from having the next commit under way while the last one reaches the disk.
        let count = if store.is_shared() { 4 } else { 1 };
        let counters = Arc::new(Counters::default());
        let shards = (0..count).map(|_| {
            let (sender, receiver) = mpsc::unbounded_channel();
            tokio::spawn(write(store.clone(), receiver, Arc::clone(&counters)));
            sender
        });
        Self { shards: shards.collect(), counters }
    }
}

/// The log of one session as long as this process holds it, or as long as somebody reads it.
#[derive(Debug)]
pub(crate) struct SessionLog {
    session_id: String,
    epoch: i64,
    next: AtomicI64,
    /// Nothing is written any more.
    over: AtomicBool,
    writer: Option<mpsc::UnboundedSender<Append>>,
    seal: Seal,
    store: Store,
}

/// A call that was read back.
#[derive(Debug)]
pub(crate) struct Kept {
    pub(crate) seq: i64,
    pub(crate) twin: String,
    pub(crate) call: Logged,
}

/// The log cannot be read.
#[derive(Debug, thiserror::Error)]
pub(crate) enum ReadError {
    #[error("the database does not answer")]
    Database(#[from] sqlx::Error),
    #[error(transparent)]
    Broken(#[from] crate::hosting::seal::Broken),
}

impl SessionLog {
    /// A log that goes on after entry `last`.
    pub(crate) fn new(writer: &Writer, store: &Store, seal: &Seal, session_id: &str, epoch: i64, last: i64) -> Self {
        let shard = session_id.bytes().fold(0_usize, |sum, byte| sum.wrapping_mul(31).wrapping_add(byte.into()));
        Self {
            session_id: session_id.to_owned(),
            epoch,
            next: AtomicI64::new(last + 1),
            over: AtomicBool::new(false),
            writer: writer.shards.get(shard % writer.shards.len().max(1)).cloned(),
            seal: seal.clone(),
            store: store.clone(),
        }
    }

    /// A log that is only read: what is appended is said to be kept and forgotten.
    pub(crate) fn reading(store: &Store, seal: &Seal, session_id: &str) -> Self {
        Self {
            session_id: session_id.to_owned(),
            epoch: 0,
            next: AtomicI64::new(0),
            over: AtomicBool::new(false),
            writer: None,
            seal: seal.clone(),
            store: store.clone(),
        }
    }

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

    /// Takes no more entries.
    pub(crate) fn end(&self) {
        self.over.store(true, Ordering::Release);
    }

    /// Whether this is still who writes the session, as the database says.
    fn is_among(&self, current: &[(String, i64)]) -> bool {
        current.iter().any(|(id, epoch)| *id == self.session_id && *epoch == self.epoch)
    }

    fn place(&self, seq: i64) -> String {
        format!("calls/{}/{seq}", self.session_id)
    }

    /// A page of calls after `after` that have to be played again, or of all calls.
    pub(crate) async fn page(&self, after: i64, all: bool) -> Result<Vec<Kept>, ReadError> {
        const COLUMNS: &str = "SELECT seq, twin, event, call_id, changed, step FROM calls \
            WHERE session_id = $1 AND seq > $2 AND event > 0 AND changed >= $3 ORDER BY seq LIMIT $4";
        let least = i64::from(!all);
        let mut kept = Vec::new();
        on!(&self.store, pool => {
            let rows = sqlx::query(COLUMNS).bind(&self.session_id).bind(after).bind(least).bind(PAGE).fetch_all(pool).await?;
            for row in rows {
                let seq: i64 = row.try_get(0)?;
                let sealed: Option<Vec<u8>> = row.try_get(5)?;
                let step = self.seal.open(&self.place(seq), sealed.unwrap_or_default())?;
                let call = Logged {
                    event: u64::try_from(row.try_get::<i64, _>(2)?).unwrap_or_default(),
                    call_id: row.try_get(3)?,
                    changed: row.try_get::<i64, _>(4)? != 0,
                    step,
                };
                kept.push(Kept { seq, twin: row.try_get(1)?, call });
            }
        });
        Ok(kept)
    }

    /// Number of the last entry and, by twin, of the last call in its world.
    pub(crate) async fn last(&self) -> Result<(i64, Vec<(String, i64)>), sqlx::Error> {
        const LAST: &str =
            "SELECT twin, MAX(seq), MAX(event) FROM calls WHERE session_id = $1 GROUP BY twin ORDER BY twin";
        let rows: Vec<(String, i64, i64)> =
            on!(&self.store, pool => sqlx::query_as(LAST).bind(&self.session_id).fetch_all(pool).await?);
        let seq = rows.iter().map(|(_, seq, _)| *seq).max().unwrap_or_default();
        Ok((seq, rows.into_iter().map(|(twin, _, event)| (twin, event)).collect()))
    }

    /// Where a call stands that its sender calls so, if it was carried out: number and twin, and how many of its batch were.
    pub(crate) async fn find(&self, call_id: &str) -> Result<Option<(i64, String)>, sqlx::Error> {
        const FIND: &str = "SELECT seq, twin FROM calls WHERE session_id = $1 AND call_id = $2";
        on!(&self.store, pool => {
            sqlx::query_as(FIND).bind(&self.session_id).bind(call_id).fetch_optional(pool).await
        })
    }

    async fn rows_after(&self, twin: &str, after: i64) -> Result<Option<Rows>, sqlx::Error> {
        const ROWS: &str = "SELECT seq, row_json FROM calls \
            WHERE session_id = $1 AND twin = $2 AND seq > $3 AND event > 0 ORDER BY seq LIMIT $4";
        let mut found = Rows { rows: Vec::new(), last: u64::try_from(after).unwrap_or_default() };
        let mut bytes = 0;
        // Rows may be large; a page that turns out too large is cut, and the rest is read again.
        let rows: Vec<(i64, String)> = on!(&self.store, pool => {
            sqlx::query_as(ROWS).bind(&self.session_id).bind(twin).bind(after).bind(PAGE).fetch_all(pool).await?
        });
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
}

/// The log of a session as the recorder sees it.
#[derive(Debug, Clone)]
pub(crate) struct Handle(pub(crate) Arc<SessionLog>);

impl Log for Handle {
    fn append(&self, entries: Vec<Entry>) {
        let log = &self.0;
        for entry in entries {
            let Some(writer) = &log.writer else {
                // Whoever waits may have gone.
                let _ = entry.done.send(true);
                continue;
            };
            if log.is_over() {
                let _ = entry.done.send(false);
                continue;
            }
            let seq = log.next.fetch_add(1, Ordering::Relaxed);
            let (event, call_id, changed, step) = match entry.call {
                Some(call) => (
                    i64::try_from(call.event).unwrap_or(i64::MAX),
                    call.call_id,
                    call.changed,
                    (!call.step.is_empty()).then(|| log.seal.close(&log.place(seq), call.step)),
                ),
                None => (0, None, false, None),
            };
            let row = String::from_utf8(entry.row);
            let (Ok(step), Ok(row)) = (step.transpose(), row) else {
                log.end();
                let _ = entry.done.send(false);
                continue;
            };
            let append = Append {
                session: Arc::clone(log),
                seq,
                twin: entry.twin,
                event,
                call_id,
                changed,
                step,
                row,
                done: entry.done,
            };
            if let Err(mpsc::error::SendError(append)) = writer.send(append) {
                log.end();
                let _ = append.done.send(false);
            }
        }
    }

    fn gap(&self) {
        if self.0.writer.is_some() {
            self.0.end();
        }
    }

    fn rows<'a>(&'a self, twin: &'a str, after: u64) -> BoxFuture<'a, io::Result<Option<Rows>>> {
        let after = i64::try_from(after).unwrap_or(i64::MAX);
        async move { self.0.rows_after(twin, after).await.map_err(io::Error::other) }.boxed()
    }
}

async fn write(store: Store, mut waiting: mpsc::UnboundedReceiver<Append>, counters: Arc<Counters>) {
    while let Some(first) = waiting.recv().await {
        let mut bytes = first.row.len();
        let mut batch = vec![first];
        while batch.len() < BATCH
            && bytes < BATCH_BYTES
            && let Ok(next) = waiting.try_recv()
        {
            bytes += next.row.len() + next.step.as_ref().map_or(0, Vec::len);
            batch.push(next);
        }
        settle(&store, batch, &counters).await;
    }
}

/// Writes a batch and tells everybody who waits for it.
async fn settle(store: &Store, batch: Vec<Append>, counters: &Counters) {
    counters.batches.fetch_add(1, Ordering::Relaxed);
    // What follows a lost entry of its session is lost as well.
    let (batch, lost): (Vec<_>, Vec<_>) = batch.into_iter().partition(|append| !append.session.is_over());
    tell(lost, &|_| false, counters);
    if batch.is_empty() {
        return;
    }
    match insert(store, &batch).await {
        Ok(current) => tell(batch, &|append| append.session.is_among(&current), counters),
        // The statement as a whole was refused, so nothing of it is written: whose fault it is shows one by one.
        Err(sqlx::Error::Database(_)) => {
            let mut batch = batch;
            while let Some(first) = batch.first() {
                let id = first.session.session_id.clone();
                let (mine, others): (Vec<_>, Vec<_>) =
                    batch.into_iter().partition(|append| append.session.session_id == id);
                batch = others;
                let kept = match insert(store, &mine).await {
                    Ok(current) => mine.iter().all(|append| append.session.is_among(&current)),
                    Err(error) => {
                        tracing::warn!(session = id, error = %error, "calls could not be logged");
                        false
                    }
                };
                tell(mine, &|_| kept, counters);
            }
        }
        // Nobody knows what became of it. The sessions are built again from what is there.
        Err(error) => {
            tracing::warn!(error = %error, "calls could not be logged");
            tell(batch, &|_| false, counters);
        }
    }
}

fn tell(batch: Vec<Append>, kept: &dyn Fn(&Append) -> bool, counters: &Counters) {
    for append in batch {
        let kept = kept(&append);
        if kept {
            counters.kept.fetch_add(1, Ordering::Relaxed);
        } else {
            counters.lost.fetch_add(1, Ordering::Relaxed);
            append.session.end();
        }
        // Whoever waited may have gone.
        let _ = append.done.send(kept);
    }
}

/// Writes the entries of those sessions that still have the epoch that is named; which those are.
async fn insert(store: &Store, batch: &[Append]) -> Result<Vec<(String, i64)>, sqlx::Error> {
    match store {
        Store::Postgres(pool) => {
            let sql = format!(
                "WITH e AS (SELECT * FROM UNNEST($1::text[], $2::bigint[], $3::bigint[], $4::text[], $5::bigint[], \
                     $6::text[], $7::bigint[], $8::bytea[], $9::text[]) \
                     AS t(session_id, epoch, seq, twin, event, call_id, changed, step, row_json)), \
                 s AS (SELECT id, epoch FROM sessions WHERE id = ANY($10::text[]) AND state IN {ACTIVE} \
                     ORDER BY id FOR SHARE), \
                 written AS (INSERT INTO calls (session_id, seq, twin, event, call_id, changed, step, row_json) \
                     SELECT e.session_id, e.seq, e.twin, e.event, e.call_id, e.changed, e.step, e.row_json \
                     FROM e JOIN s ON s.id = e.session_id AND s.epoch = e.epoch RETURNING session_id) \
                 SELECT id, epoch FROM s WHERE id IN (SELECT session_id FROM written)"
            );
            let of = |column: fn(&Append) -> String| batch.iter().map(column).collect::<Vec<_>>();
            let numbers = |column: fn(&Append) -> i64| batch.iter().map(column).collect::<Vec<_>>();
            let mut ids = of(|append| append.session.session_id.clone());
            let all = ids.clone();
            ids.sort_unstable();
            ids.dedup();
            sqlx::query_as(sqlx::AssertSqlSafe(sql))
                .bind(all)
                .bind(numbers(|append| append.session.epoch))
                .bind(numbers(|append| append.seq))
                .bind(of(|append| append.twin.clone()))
                .bind(numbers(|append| append.event))
                .bind(batch.iter().map(|append| append.call_id.clone()).collect::<Vec<_>>())
                .bind(numbers(|append| i64::from(append.changed)))
                .bind(batch.iter().map(|append| append.step.clone()).collect::<Vec<_>>())
                .bind(of(|append| append.row.clone()))
                .bind(ids)
                .fetch_all(pool)
                .await
        }
        Store::Sqlite(pool) => {
            let mut transaction = pool.begin_with("BEGIN IMMEDIATE").await?;
            let mut ids: Vec<&str> = batch.iter().map(|append| append.session.session_id.as_str()).collect();
            ids.sort_unstable();
            ids.dedup();
            let mut current: Vec<(String, i64)> = Vec::with_capacity(ids.len());
            for ids in pieces(&ids) {
                let mut look =
                    QueryBuilder::new(format!("SELECT id, epoch FROM sessions WHERE state IN {ACTIVE} AND id IN ("));
                let mut list = look.separated(", ");
                for id in ids {
                    list.push_bind(*id);
                }
                look.push(")");
                current.extend(look.build_query_as::<(String, i64)>().fetch_all(&mut *transaction).await?);
            }
            let good: Vec<&Append> = batch.iter().filter(|append| append.session.is_among(&current)).collect();
            for good in pieces(&good) {
                let mut insert = QueryBuilder::new(
                    "INSERT INTO calls (session_id, seq, twin, event, call_id, changed, step, row_json) ",
                );
                insert.push_values(good, |mut tuple, append| {
                    tuple
                        .push_bind(&append.session.session_id)
                        .push_bind(append.seq)
                        .push_bind(&append.twin)
                        .push_bind(append.event)
                        .push_bind(&append.call_id)
                        .push_bind(i64::from(append.changed))
                        .push_bind(&append.step)
                        .push_bind(&append.row);
                });
                insert.build().execute(&mut *transaction).await?;
            }
            transaction.commit().await?;
            Ok(current)
        }
    }
}

/// The same in pieces whose lengths are powers of two, so that a statement of each length is prepared once.
fn pieces<T>(all: &[T]) -> impl Iterator<Item = &[T]> {
    let mut rest = all;
    std::iter::from_fn(move || {
        let length = 1_usize << rest.len().checked_ilog2()?;
        let (piece, after) = rest.split_at_checked(length)?;
        rest = after;
        Some(piece)
    })
}

#[cfg(test)]
mod tests {
    #[test]
    fn pieces_are_all_of_it_in_order_and_of_few_lengths() {
        for length in 0..300 {
            let all: Vec<usize> = (0..length).collect();
            let pieces: Vec<&[usize]> = super::pieces(&all).collect();
            assert!(pieces.iter().all(|piece| piece.len().is_power_of_two()));
            assert_eq!(pieces.concat(), all);
        }
    }
}
