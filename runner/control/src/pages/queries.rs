//! What the dashboard asks of the database. Everything is asked for one team; what belongs to another is not there.

use crate::store::{Store, on};

pub(crate) mod agents;
pub(crate) mod runs;
pub(crate) mod sessions;
pub(crate) mod trends;

/// Somebody who is signed in, by the key they signed in with.
#[derive(Debug, Clone, sqlx::FromRow)]
pub(crate) struct Holder {
    pub(crate) key_id: String,
    pub(crate) key_name: String,
    pub(crate) team_id: String,
    pub(crate) team: String,
    pub(crate) plan_tier: String,
    pub(crate) max_sessions: Option<i64>,
    pub(crate) email: String,
}

const HOLDER: &str = "SELECT k.id AS key_id, k.name AS key_name, k.team_id, t.slug AS team, t.plan_tier, t.max_sessions, u.email \
     FROM keys k JOIN teams t ON t.id = k.team_id JOIN users u ON u.id = k.user_id WHERE k.revoked_at IS NULL AND ";

/// Who has a key, unless it was revoked.
pub(crate) async fn holder(store: &Store, key_id: &str) -> Result<Option<Holder>, sqlx::Error> {
    let sql = format!("{HOLDER} k.id = $1");
    on!(store, pool => sqlx::query_as(sqlx::AssertSqlSafe(sql)).bind(key_id).fetch_optional(pool).await)
}

/// Who has the key with a hash, unless it was revoked.
pub(crate) async fn holder_by_hash(store: &Store, hash: &str) -> Result<Option<Holder>, sqlx::Error> {
    let sql = format!("{HOLDER} k.hash = $1");
    on!(store, pool => sqlx::query_as(sqlx::AssertSqlSafe(sql)).bind(hash).fetch_optional(pool).await)
}

/// A list in a column.
pub(crate) fn list(json: &str) -> Vec<String> {
    serde_json::from_str(json).unwrap_or_default()
}

/// A place in a list that is ordered by time: behind this row.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Cursor {
    pub(crate) at: i64,
    pub(crate) id: String,
}

impl Cursor {
    /// As it stands in an address.
    pub(crate) fn text(&self) -> String {
        format!("{}-{}", self.at, self.id)
    }

    /// From an address; absent when it is not one.
    pub(crate) fn parse(text: &str) -> Option<Self> {
        let (at, id) = text.split_once('-')?;
        Some(Self { at: at.parse().ok()?, id: id.to_owned() })
    }
}

/// Some rows of a list, and where the next ones begin.
#[derive(Debug)]
pub(crate) struct Rows<T> {
    pub(crate) rows: Vec<T>,
    pub(crate) next: Option<Cursor>,
}

impl<T> Rows<T> {
    /// From one row more than are shown.
    fn of(mut rows: Vec<T>, most: usize, cursor: impl Fn(&T) -> Cursor) -> Self {
        let next = if rows.len() > most {
            rows.truncate(most);
            rows.last().map(cursor)
        } else {
            None
        };
        Self { rows, next }
    }
}
