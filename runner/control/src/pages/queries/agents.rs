//! Agents of a team.

use crate::pages::queries::trends::Tally;
use crate::store::{Store, on};

/// An agent that was registered.
#[derive(Debug, sqlx::FromRow)]
pub(crate) struct Agent {
    pub(crate) id: String,
    pub(crate) slug: String,
    pub(crate) display_name: String,
    pub(crate) description: Option<String>,
    pub(crate) version: Option<String>,
    pub(crate) framework: Option<String>,
    pub(crate) twins: String,
    pub(crate) created_at: i64,
}

const COLUMNS: &str = "id, slug, display_name, description, version, framework, twins, created_at";

/// All of them by name.
pub(crate) async fn all(store: &Store, team: &str) -> Result<Vec<Agent>, sqlx::Error> {
    let sql = format!("SELECT {COLUMNS} FROM agents WHERE team_id = $1 ORDER BY display_name, id LIMIT 500");
    on!(store, pool => sqlx::query_as(sqlx::AssertSqlSafe(sql)).bind(team).fetch_all(pool).await)
}

/// Outcomes of the runs of each agent since a time, by its id.
pub(crate) async fn tallies(store: &Store, team: &str, at: i64) -> Result<Vec<(String, Tally)>, sqlx::Error> {
    let rows: Vec<(String, i64, i64, i64)> = on!(store, pool => sqlx::query_as(
        "SELECT agent_id, COUNT(CASE WHEN status = 'pass' THEN 1 END), COUNT(CASE WHEN status = 'fail' THEN 1 END), COUNT(*) \
         FROM runs WHERE team_id = $1 AND agent_id IS NOT NULL AND created_at >= $2 GROUP BY agent_id",
    )
    .bind(team)
    .bind(at)
    .fetch_all(pool)
    .await?);
    Ok(rows.into_iter().map(|(id, passed, failed, total)| (id, Tally { passed, failed, total })).collect())
}

/// One by its slug, one that it had before, or its id.
pub(crate) async fn one(store: &Store, team: &str, name: &str) -> Result<Option<Agent>, sqlx::Error> {
    let sql = format!("SELECT {COLUMNS} FROM agents WHERE team_id = $1 AND (slug = $2 OR id = $2)");
    let found: Option<Agent> =
        on!(store, pool => sqlx::query_as(sqlx::AssertSqlSafe(sql)).bind(team).bind(name).fetch_optional(pool).await?);
    if found.is_some() {
        return Ok(found);
    }
    let sql = format!(
        "SELECT {COLUMNS} FROM agents WHERE team_id = $1 AND id = \
         (SELECT agent_id FROM agent_aliases WHERE team_id = $1 AND slug = $2)"
    );
    on!(store, pool => sqlx::query_as(sqlx::AssertSqlSafe(sql)).bind(team).bind(name).fetch_optional(pool).await)
}
