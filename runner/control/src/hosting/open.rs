//! Sessions begin and end.

use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::Duration;

use pome_gateway::StartError;
use pome_sandbox::OpenError as WorldError;
use pome_wire::time;
use serde_json::json;

use crate::api::chain;
use crate::hosting::log::SessionLog;
use crate::hosting::session::{Live, Origin};
use crate::hosting::{ACTIVE, Close, Hosting, NewSession, OpenError, Opened};
use crate::store::{is_duplicate, on};

/// How long twins may take to come up.
const BOOT: Duration = Duration::from_secs(20);

/// How long an idempotency key stands for the session that was made with it, in milliseconds.
pub(crate) const ONCE: i64 = 30_000;

const INSERT: &str = "INSERT INTO sessions (id, team_id, key_id, kind, twins, state, task_name, scenario_source, \
    scenario_hash, seed_applied, group_id, agent_id, agent_version, tags, idempotency_key, ttl_seconds, created_at, \
    ready_at, expires_at, owner, error_code, closed_at, epoch, swept) \
    VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15, $16, $17, $18, $19, $20, $21, $22, 1, 0)";

/// A world as it is stored: its twin, the digest of its component, and what it starts from, encrypted.
type Sealed = (String, String, Vec<u8>);

/// How a session gets its row.
enum Begin<'a> {
    /// Its twins are up, and the team may have `limit` sessions.
    Ready { worlds: &'a [Sealed], limit: i64 },
    /// Its twins did not come up.
    Failed { code: &'a str },
}

impl Hosting {
    /// Opens the worlds of a session and stores it, unless the team has `limit` active ones. When its twins do not come up, it
    /// is stored as one that failed; what cannot be asked for is not stored at all.
    pub(crate) async fn open(&self, new: NewSession, limit: i64) -> Result<Opened, OpenError> {
        let now = time::now_millis();
        let ttl = i64::try_from(new.ttl.as_millis()).unwrap_or(i64::MAX);
        let opened = Opened { created_at: now, expires_at: now.saturating_add(ttl) };
        let (live, worlds) = match self.prepare(&new, &opened).await {
            Ok(prepared) => prepared,
            Err(error) => {
                if let Some(code) = error.code()
                    && let Err(problem) = self.insert(&new, &opened, Begin::Failed { code }).await
                {
                    tracing::warn!(
                        session = new.id,
                        problem = chain(&problem),
                        "that a session failed could not be noted"
                    );
                }
                return Err(error);
            }
        };
        self.insert(&new, &opened, Begin::Ready { worlds: &worlds, limit }).await?;
        if !new.worlds.is_empty() {
            self.slot(&new.id).put(Some(Arc::new(live)));
        }
        Ok(opened)
    }

    /// The worlds, open, and what is stored of them.
    async fn prepare(&self, new: &NewSession, opened: &Opened) -> Result<(Live, Vec<Sealed>), OpenError> {
        let origins = self.origins(new)?;
        let log = self.0.logs.of(&new.id, 1);
        let live = self.boot(&new.id, &origins, Arc::new(log), opened.expires_at).await?;
        let mut sealed = Vec::with_capacity(origins.len());
        for (world, origin) in new.worlds.iter().zip(&origins) {
            let place = format!("worlds/{}/{}", new.id, world.twin);
            let bytes = self.0.seal.close(&place, origin.encode());
            let bytes =
                bytes.map_err(|error| OpenError::Boot { twin: world.twin.clone(), reason: error.to_string() })?;
            sealed.push((world.twin.clone(), origin.twin.component().digest().to_owned(), bytes));
        }
        Ok((live, sealed))
    }

    fn origins(&self, new: &NewSession) -> Result<Vec<Origin>, OpenError> {
        let origin = |world: &crate::hosting::NewWorld| {
            let twin = self.0.twins.get(&world.twin);
            let twin = twin.ok_or_else(|| OpenError::UnknownTwin { twin: world.twin.clone() })?.clone();
            let mut random = [0; 8];
            getrandom::fill(&mut random)
                .map_err(|error| OpenError::Boot { twin: world.twin.clone(), reason: error.to_string() })?;
            Ok(Origin { twin, seed: world.seed.clone(), random_seed: u64::from_le_bytes(random) })
        };
        new.worlds.iter().map(origin).collect()
    }

    async fn boot(
        &self,
        id: &str,
        origins: &[Origin],
        log: Arc<SessionLog>,
        expires_at: i64,
    ) -> Result<Live, OpenError> {
        let (id, origins, common) = (id.to_owned(), origins.to_vec(), self.0.common.clone());
        let opening = tokio::task::spawn_blocking(move || Live::open(&id, &origins, log, &common, expires_at));
        match tokio::time::timeout(BOOT, opening).await {
            Ok(Ok(Ok(live))) => Ok(live),
            Ok(Ok(Err((twin, error)))) => Err(refused(twin, &error)),
            Ok(Err(error)) => Err(OpenError::Boot { twin: String::new(), reason: error.to_string() }),
            Err(_) => Err(OpenError::Slow),
        }
    }

    async fn insert(&self, new: &NewSession, opened: &Opened, begin: Begin<'_>) -> Result<(), OpenError> {
        let twins: Vec<&str> = new.worlds.iter().map(|world| world.twin.as_str()).collect();
        let kind = if twins.is_empty() { "evaluation" } else { "twins" };
        let (twins, tags) = (json!(twins).to_string(), json!(new.tags).to_string());
        let ttl = i64::try_from(new.ttl.as_secs()).unwrap_or(i64::MAX);
        let now = time::now_millis();
        // Whoever sends the same request again shall not be given a session that failed.
        let (state, code, ready_at, closed_at, owner, once) = match begin {
            Begin::Ready { .. } => {
                ("ready", None, Some(opened.created_at), None, Some(self.0.peers.id()), new.idempotency_key.as_deref())
            }
            Begin::Failed { code } => ("failed", Some(code), None, Some(now), None, None),
        };
        let count = format!("SELECT COUNT(*) FROM sessions WHERE team_id = $1 AND state IN {ACTIVE}");
        on!(&self.0.store, pool => {
            let mut transaction = pool.begin().await?;
            if let Begin::Ready { limit, .. } = begin {
                // Whoever else opens a session of this team waits here, so that two cannot take the last place.
                sqlx::query("UPDATE teams SET slug = slug WHERE id = $1").bind(&new.team_id).execute(&mut *transaction).await?;
                let used: i64 = sqlx::query_scalar(sqlx::AssertSqlSafe(count)).bind(&new.team_id).fetch_one(&mut *transaction).await?;
                if used >= limit {
                    return Err(OpenError::OverQuota { limit, used });
                }
                sqlx::query("UPDATE sessions SET idempotency_key = NULL WHERE team_id = $1 AND idempotency_key = $2 AND created_at < $3")
                    .bind(&new.team_id)
                    .bind(once)
                    .bind(opened.created_at - ONCE)
                    .execute(&mut *transaction)
                    .await?;
            }
            let inserted = sqlx::query(INSERT)
                .bind(&new.id)
                .bind(&new.team_id)
                .bind(&new.key_id)
                .bind(kind)
                .bind(&twins)
                .bind(state)
                .bind(&new.task_name)
                .bind(&new.scenario_source)
                .bind(&new.scenario_hash)
                .bind(new.seed_applied)
                .bind(&new.group_id)
                .bind(&new.agent_id)
                .bind(&new.agent_version)
                .bind(&tags)
                .bind(once)
                .bind(ttl)
                .bind(opened.created_at)
                .bind(ready_at)
                .bind(opened.expires_at)
                .bind(owner)
                .bind(code)
                .bind(closed_at)
                .execute(&mut *transaction)
                .await;
            if let Err(error) = inserted {
                return Err(if is_duplicate(&error) { OpenError::Duplicate } else { error.into() });
            }
            if let Begin::Ready { worlds, .. } = begin {
                for (position, (twin, digest, origin)) in (0_i64..).zip(worlds) {
                    sqlx::query("INSERT INTO worlds (session_id, twin, position, component_digest, origin) VALUES ($1, $2, $3, $4, $5)")
                        .bind(&new.id)
                        .bind(twin)
                        .bind(position)
                        .bind(digest)
                        .bind(origin)
                        .execute(&mut *transaction)
                        .await?;
                }
            }
            transaction.commit().await?;
        });
        Ok(())
    }

    /// Ends a session wherever it is; `false` when it had ended before.
    pub(crate) async fn close(&self, session_id: &str, close: Close<'_>) -> Result<bool, sqlx::Error> {
        let sql = format!(
            "UPDATE sessions SET state = $2, error_code = $3, closed_at = $4, epoch = epoch + 1 \
             WHERE id = $1 AND state IN {ACTIVE}"
        );
        let closed = on!(&self.0.store, pool => {
            sqlx::query(sqlx::AssertSqlSafe(sql))
                .bind(session_id)
                .bind(close.state)
                .bind(close.error_code)
                .bind(time::now_millis())
                .execute(pool)
                .await?
                .rows_affected()
        });
        self.released(session_id);
        Ok(closed > 0)
    }

    /// Notes that a session has another end than was known here.
    pub(crate) fn prolonged(&self, session_id: &str, expires_at: i64) {
        let live = self.0.live.read().unwrap_or_else(std::sync::PoisonError::into_inner);
        if let Some(live) = live.get(session_id).and_then(|slot| slot.current()) {
            live.expires_at.store(expires_at, Ordering::Relaxed);
        }
    }
}

fn refused(twin: String, error: &StartError) -> OpenError {
    match error {
        StartError::Seed { reason, .. } => OpenError::SeedRefused { twin, reason: reason.clone() },
        StartError::World { source: source @ WorldError::SeedRefused { .. }, .. } => {
            OpenError::SeedRefused { twin, reason: source.to_string() }
        }
        error => OpenError::Boot { twin, reason: chain(error) },
    }
}
