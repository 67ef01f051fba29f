//! Who did what. Never a secret, never a body.

use pome_wire::time::now_millis;

use crate::store::{Store, on};

/// One line of the log.
#[derive(Debug, Clone, Copy, Default)]
pub(crate) struct Entry<'a> {
    pub(crate) team_id: Option<&'a str>,
    pub(crate) key_id: Option<&'a str>,
    /// What was done: `session.create`, `key.revoke`, ...
    pub(crate) action: &'a str,
    /// What it was done to, by its id.
    pub(crate) subject: Option<&'a str>,
    pub(crate) request_id: Option<&'a str>,
}

/// Writes a line. That the log cannot be written stops nothing, but the server's own log says so.
pub(crate) async fn write(store: &Store, entry: Entry<'_>, outcome: &str) {
    if let Err(error) = insert(store, entry, outcome).await {
        tracing::error!(action = entry.action, problem = %error, "the audit log cannot be written");
    }
}

async fn insert(store: &Store, entry: Entry<'_>, outcome: &str) -> Result<(), sqlx::Error> {
    let id = crate::ids::new("aud_").map_err(|error| sqlx::Error::Io(std::io::Error::other(error)))?;
    on!(store, pool => sqlx::query(
        "INSERT INTO audit (id, team_id, key_id, action, subject, outcome, request_id, at) \
         VALUES ($1, $2, $3, $4, $5, $6, $7, $8)",
    )
    .bind(id)
    .bind(entry.team_id)
    .bind(entry.key_id)
    .bind(entry.action)
    .bind(entry.subject)
    .bind(outcome)
    .bind(entry.request_id)
    .bind(now_millis())
    .execute(pool)
    .await
    .map(drop))
}
