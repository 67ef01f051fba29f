//! Sessions of a team, and the calls of one.

use super::{Cursor, Rows};
use crate::hosting::ACTIVE;
use crate::store::{Store, on};

/// A session.
#[derive(Debug, Clone, sqlx::FromRow)]
pub(crate) struct Session {
    pub(crate) id: String,
    pub(crate) twins: String,
    pub(crate) state: String,
    pub(crate) error_code: Option<String>,
    pub(crate) task_name: Option<String>,
    pub(crate) group_id: Option<String>,
    pub(crate) agent_version: Option<String>,
    pub(crate) tags: String,
    pub(crate) created_at: i64,
    pub(crate) ready_at: Option<i64>,
    pub(crate) closed_at: Option<i64>,
    pub(crate) expires_at: i64,
    pub(crate) run_id: Option<String>,
    pub(crate) swept: i64,
    pub(crate) agent_slug: Option<String>,
    pub(crate) agent_name: Option<String>,
    /// How many calls its log has. Not in the database: whoever shows it asks the log.
    #[sqlx(skip)]
    pub(crate) calls: i64,
}

impl Session {
    /// Whether it still answers.
    pub(crate) fn is_live(&self) -> bool {
        matches!(self.state.as_str(), "provisioning" | "ready" | "running")
    }
}

const SESSION: &str = "SELECT s.id, s.twins, s.state, s.error_code, s.task_name, s.group_id, s.agent_version, s.tags, \
     s.created_at, s.ready_at, s.closed_at, s.expires_at, s.run_id, s.swept, a.slug AS agent_slug, a.display_name AS agent_name \
     FROM sessions s LEFT JOIN agents a ON a.id = s.agent_id WHERE s.team_id = ";

/// Sessions, newest first: the live ones, or all.
pub(crate) async fn page(
    store: &Store,
    team: &str,
    live: bool,
    behind: Option<&Cursor>,
    most: usize,
) -> Result<Rows<Session>, sqlx::Error> {
    let limit = i64::try_from(most + 1).unwrap_or(i64::MAX);
    let rows: Vec<Session> = on!(store, pool => {
        let mut query = sqlx::QueryBuilder::new(SESSION);
        query.push_bind(team);
        if live {
            query.push(format!(" AND s.state IN {ACTIVE}"));
        }
        if let Some(behind) = behind {
            query.push(" AND (s.created_at, s.id) < (").push_bind(behind.at).push(", ");
            query.push_bind(behind.id.as_str()).push(")");
        }
        query.push(" ORDER BY s.created_at DESC, s.id DESC LIMIT ").push_bind(limit);
        query.build_query_as().fetch_all(pool).await?
    });
    let rows = Rows::of(rows, most, |session| Cursor { at: session.created_at, id: session.id.clone() });
    Ok(rows)
}

/// One by its id.
pub(crate) async fn one(store: &Store, team: &str, id: &str) -> Result<Option<Session>, sqlx::Error> {
    let found: Option<Session> = on!(store, pool => {
        let mut query = sqlx::QueryBuilder::new(SESSION);
        query.push_bind(team).push(" AND s.id = ").push_bind(id);
        query.build_query_as().fetch_optional(pool).await?
    });
    Ok(found)
}
