//! The logs of sessions in a `PostgreSQL` that several servers share: a table, and a few tasks, each writing what has come in since
//! its last statement with the next one.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::sync::atomic::Ordering;

use sqlx::postgres::PgRow;
use sqlx::{PgPool, Row as _};
use tokio::sync::mpsc::{self, UnboundedReceiver, UnboundedSender};
use tokio::sync::oneshot;

use crate::hosting::ACTIVE;
use crate::hosting::log::{Counters, Last, PAGE, SessionLog, Stored};

/// How many statements are under way at most: the next one while the last one reaches the disk.
const SHARDS: usize = 4;
/// Most entries that are written with one statement.
const BATCH: usize = 256;
/// About how many bytes are written with one statement.
const BATCH_BYTES: usize = 2 << 20;

/// The table of all logs, and the tasks that write into it; a session always goes through the same one. They end when the last of
/// these is gone.
#[derive(Debug, Clone)]
pub(super) struct Table {
    pool: PgPool,
    shards: Arc<[UnboundedSender<Append>]>,
    counters: Arc<Counters>,
}

/// One entry on its way into the database.
#[derive(Debug)]
pub(super) struct Append {
    pub(super) session: Arc<SessionLog>,
    pub(super) stored: Stored,
    pub(super) done: oneshot::Sender<bool>,
}

impl Append {
    fn bytes(&self) -> usize {
        self.stored.row.len() + self.stored.step.as_ref().map_or(0, Vec::len)
    }

    /// Tells whoever waits whether the entry is kept. A log that lost one takes no more.
    fn tell(self, kept: bool, counters: &Counters) {
        if !kept {
            self.session.over.store(true, Ordering::Release);
        }
        counters.tell(self.done, kept);
    }
}

impl Table {
    pub(super) fn start(pool: &PgPool, counters: &Arc<Counters>) -> Self {
        let shards = (0..SHARDS).map(|_| {
            let (sender, receiver) = mpsc::unbounded_channel();
            tokio::spawn(write(pool.clone(), receiver, Arc::clone(counters)));
            sender
        });
        Self { pool: pool.clone(), shards: shards.collect(), counters: Arc::clone(counters) }
    }

    pub(super) fn write(&self, append: Append) {
        let id = append.session.session_id.bytes();
        let shard = id.fold(0_usize, |sum, byte| sum.wrapping_mul(31).wrapping_add(byte.into()));
        let lost = match self.shards.get(shard % self.shards.len().max(1)) {
            Some(shard) => shard.send(append).err().map(|mpsc::error::SendError(append)| append),
            None => Some(append),
        };
        if let Some(append) = lost {
            append.tell(false, &self.counters);
        }
    }

    /// Calls after `after` that have to be played again, or all calls. Rows are left out.
    pub(super) async fn page(&self, session_id: &str, after: i64, all: bool) -> Result<Vec<Stored>, sqlx::Error> {
        const COLUMNS: &str = "SELECT seq, twin, event, call_id, changed, step FROM calls \
            WHERE session_id = $1 AND seq > $2 AND event > 0 AND changed >= $3 ORDER BY seq LIMIT $4";
        let stored = |row: PgRow| {
            Ok(Stored {
                seq: row.try_get(0)?,
                twin: row.try_get(1)?,
                event: row.try_get(2)?,
                call_id: row.try_get(3)?,
                changed: row.try_get::<i64, _>(4)? != 0,
                step: row.try_get(5)?,
                row: String::new(),
            })
        };
        let query = sqlx::query(COLUMNS).bind(session_id).bind(after).bind(i64::from(!all)).bind(limit(PAGE));
        query.try_map(stored).fetch_all(&self.pool).await
    }

    pub(super) async fn last(&self, session_id: &str) -> Result<Last, sqlx::Error> {
        const LAST: &str =
            "SELECT twin, MAX(seq), MAX(event) FROM calls WHERE session_id = $1 GROUP BY twin ORDER BY twin";
        let rows: Vec<(String, i64, i64)> = sqlx::query_as(LAST).bind(session_id).fetch_all(&self.pool).await?;
        let seq = rows.iter().map(|(_, seq, _)| *seq).max().unwrap_or_default();
        Ok((seq, rows.into_iter().map(|(twin, _, event)| (twin, event)).collect()))
    }

    pub(super) async fn find(&self, session_id: &str, call_id: &str) -> Result<Option<(i64, String)>, sqlx::Error> {
        const FIND: &str = "SELECT seq, twin FROM calls WHERE session_id = $1 AND call_id = $2";
        sqlx::query_as(FIND).bind(session_id).bind(call_id).fetch_optional(&self.pool).await
    }

    pub(super) async fn count(&self, session_id: &str) -> Result<i64, sqlx::Error> {
        const COUNT: &str = "SELECT COUNT(*) FROM calls WHERE session_id = $1";
        sqlx::query_scalar(COUNT).bind(session_id).fetch_one(&self.pool).await
    }

    pub(super) async fn rows(
        &self,
        session_id: &str,
        after: i64,
        most: usize,
    ) -> Result<Vec<(i64, String)>, sqlx::Error> {
        const ROWS: &str = "SELECT seq, row_json FROM calls WHERE session_id = $1 AND seq > $2 ORDER BY seq LIMIT $3";
        let query = sqlx::query_as(ROWS).bind(session_id).bind(after).bind(limit(most));
        query.fetch_all(&self.pool).await
    }

    /// The rows of the calls of one twin.
    pub(super) async fn rows_of(
        &self,
        session_id: &str,
        twin: &str,
        after: i64,
    ) -> Result<Vec<(i64, String)>, sqlx::Error> {
        const ROWS: &str = "SELECT seq, row_json FROM calls \
            WHERE session_id = $1 AND twin = $2 AND seq > $3 AND event > 0 ORDER BY seq LIMIT $4";
        let query = sqlx::query_as(ROWS).bind(session_id).bind(twin).bind(after).bind(limit(PAGE));
        query.fetch_all(&self.pool).await
    }

    pub(super) async fn delete(&self, session_id: &str) -> Result<(), sqlx::Error> {
        const DELETE: &str = "DELETE FROM calls WHERE session_id = $1";
        sqlx::query(DELETE).bind(session_id).execute(&self.pool).await.map(drop)
    }
}

fn limit(most: usize) -> i64 {
    i64::try_from(most).unwrap_or(i64::MAX)
}

/// The entries of a batch by their sessions, each in its order.
fn by_session(batch: Vec<Append>) -> impl Iterator<Item = Vec<Append>> {
    let mut sessions: BTreeMap<String, Vec<Append>> = BTreeMap::new();
    for append in batch {
        sessions.entry(append.session.session_id.clone()).or_default().push(append);
    }
    sessions.into_values()
}

async fn write(pool: PgPool, mut waiting: UnboundedReceiver<Append>, counters: Arc<Counters>) {
    while let Some(first) = waiting.recv().await {
        let mut bytes = first.bytes();
        let mut batch = vec![first];
        while batch.len() < BATCH
            && bytes < BATCH_BYTES
            && let Ok(next) = waiting.try_recv()
        {
            bytes += next.bytes();
            batch.push(next);
        }
        settle(&pool, batch, &counters).await;
    }
}

/// Writes a batch and tells everybody who waits for it.
async fn settle(pool: &PgPool, batch: Vec<Append>, counters: &Counters) {
    counters.batches.fetch_add(1, Ordering::Relaxed);
    // What follows a lost entry of its session is lost as well.
    let (batch, lost): (Vec<_>, Vec<_>) = batch.into_iter().partition(|append| !append.session.is_over());
    tell(lost, &|_| false, counters);
    if batch.is_empty() {
        return;
    }
    match insert(pool, &batch).await {
        Ok(current) => tell(batch, &|append| is_among(&append.session, &current), counters),
        // The statement as a whole was refused, so nothing of it is written: whose fault it is shows one by one.
        Err(sqlx::Error::Database(_)) => {
            for mine in by_session(batch) {
                let kept = match insert(pool, &mine).await {
                    Ok(current) => mine.iter().all(|append| is_among(&append.session, &current)),
                    Err(error) => {
                        let session = mine.first().map(|append| append.session.session_id.as_str());
                        tracing::warn!(session, error = %error, "calls could not be logged");
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
        append.tell(kept, counters);
    }
}

/// Whether this is still who writes the session, as the database says.
fn is_among(log: &SessionLog, current: &[(String, i64)]) -> bool {
    current.iter().any(|(id, epoch)| *id == log.session_id && *epoch == log.epoch)
}

/// Writes the entries of those sessions that still have the epoch that is named; which those are.
async fn insert(pool: &PgPool, batch: &[Append]) -> Result<Vec<(String, i64)>, sqlx::Error> {
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
        .bind(numbers(|append| append.stored.seq))
        .bind(of(|append| append.stored.twin.clone()))
        .bind(numbers(|append| append.stored.event))
        .bind(batch.iter().map(|append| append.stored.call_id.clone()).collect::<Vec<_>>())
        .bind(numbers(|append| i64::from(append.stored.changed)))
        .bind(batch.iter().map(|append| append.stored.step.clone()).collect::<Vec<_>>())
        .bind(of(|append| append.stored.row.clone()))
        .bind(ids)
        .fetch_all(pool)
        .await
}
