//! What has to be done from time to time: sessions whose time is over, logs that nobody reads any more, codes that are worth nothing.
//!
//! Every host does it. Each step names the state that it changes, so two hosts that do the same at once do it once.

use std::sync::Arc;
use std::time::Duration;

use pome_wire::time::now_millis;

use crate::api::chain;
use crate::evaluation;
use crate::hosting::ACTIVE;
use crate::state::Control;
use crate::store::on;

/// How often.
const EVERY: Duration = Duration::from_secs(10);

/// How long the log of a closed session is kept, in milliseconds.
const KEPT: i64 = 24 * 60 * 60 * 1000;

/// Most sessions that one round looks after.
const ROUND: i64 = 500;

/// Sweeps until nobody holds the server any more.
pub(crate) fn start(control: &Arc<Control>) {
    let control = Arc::downgrade(control);
    tokio::spawn(async move {
        loop {
            tokio::time::sleep(EVERY).await;
            let Some(control) = control.upgrade() else { return };
            if let Err(error) = evaluation::take_over(&control, now_millis()).await {
                tracing::warn!(problem = %error, "evaluations that nobody is at could not be found");
            }
            if let Err(error) = sweep(&control, now_millis()).await {
                tracing::warn!(problem = %error, "sweeping stopped early; the next round goes on");
            }
        }
    });
}

/// One round, as at a time.
pub(crate) async fn sweep(control: &Control, now: i64) -> Result<(), sqlx::Error> {
    control.limits.sweep();
    expire(control, now).await?;
    forget_logs(control, now).await?;
    on!(&control.store, pool => {
        sqlx::query("DELETE FROM login_codes WHERE expires_at < $1").bind(now - KEPT).execute(pool).await?;
        sqlx::query("DELETE FROM discards WHERE expires_at < $1").bind(now - KEPT).execute(pool).await?;
    });
    control.metrics.sessions_active.set(crate::hosting::active(&control.store, None).await?);
    Ok(())
}

/// Sessions whose time is over have expired.
async fn expire(control: &Control, now: i64) -> Result<(), sqlx::Error> {
    let statement = format!("SELECT id FROM sessions WHERE state IN {ACTIVE} AND expires_at <= $1 LIMIT $2");
    let over: Vec<String> = on!(&control.store, pool => {
        sqlx::query_scalar(sqlx::AssertSqlSafe(statement)).bind(now).bind(ROUND).fetch_all(pool).await?
    });
    for id in over {
        // A heartbeat may have come meanwhile: the time is looked at again.
        let statement = format!(
            "UPDATE sessions SET state = 'expired', closed_at = $1, epoch = epoch + 1 \
             WHERE id = $2 AND expires_at <= $3 AND state IN {ACTIVE}"
        );
        let expired = on!(&control.store, pool => {
            sqlx::query(sqlx::AssertSqlSafe(statement))
                .bind(now)
                .bind(&id)
                .bind(now)
                .execute(pool)
                .await?
                .rows_affected()
        });
        if expired > 0 {
            control.hosting.released(&id);
            tracing::info!(session = %id, "a session expired");
        }
    }
    Ok(())
}

/// Logs of sessions that closed long ago are deleted, and what their worlds started from.
async fn forget_logs(control: &Control, now: i64) -> Result<(), sqlx::Error> {
    let old: Vec<String> = on!(&control.store, pool => {
        sqlx::query_scalar("SELECT id FROM sessions WHERE swept = 0 AND closed_at < $1 LIMIT $2")
            .bind(now - KEPT)
            .bind(ROUND)
            .fetch_all(pool)
            .await?
    });
    for id in old {
        // First the log: a session that is not marked yet is looked at again.
        if let Err(error) = control.hosting.logs().delete(&id).await {
            tracing::warn!(session = id, problem = chain(&error), "the log of a session could not be deleted");
            continue;
        }
        on!(&control.store, pool => {
            let mut transaction = pool.begin().await?;
            sqlx::query("UPDATE sessions SET swept = 1 WHERE id = $1").bind(&id).execute(&mut *transaction).await?;
            sqlx::query("DELETE FROM worlds WHERE session_id = $1").bind(&id).execute(&mut *transaction).await?;
            transaction.commit().await?;
        });
    }
    Ok(())
}
