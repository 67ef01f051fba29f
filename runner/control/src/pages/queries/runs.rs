//! Runs: lists of them, and one.

use super::{Cursor, Rows};
use crate::store::{Store, on};

/// Counting stops here; nobody needs to know more than that there are many.
pub(crate) const MOST_COUNTED: i64 = 100_000;

/// A run as lists show it.
#[derive(Debug, Clone, PartialEq, Eq, sqlx::FromRow)]
pub(crate) struct Run {
    pub(crate) id: String,
    pub(crate) scenario: String,
    pub(crate) status: String,
    pub(crate) score: i64,
    pub(crate) agent_version: Option<String>,
    pub(crate) agent_slug: Option<String>,
    pub(crate) agent_name: Option<String>,
    pub(crate) group_id: Option<String>,
    pub(crate) duration_ms: i64,
    pub(crate) created_at: i64,
    #[sqlx(skip)]
    pub(crate) tags: Vec<String>,
}

const COLUMNS: &str = "r.id, r.scenario, r.status, r.score, r.agent_version, a.slug AS agent_slug, a.display_name AS agent_name, \
     r.group_id, r.duration_ms, r.created_at";

/// Which runs; an empty word asks for nothing.
#[derive(Debug, Clone, Default)]
pub(crate) struct Filter {
    pub(crate) scenario: String,
    pub(crate) tag: String,
    /// Id of the agent.
    pub(crate) agent: String,
    pub(crate) status: String,
    pub(crate) group: String,
    /// Part of the name of a scenario, or of an id, a version of an agent or a trial group from the beginning.
    pub(crate) text: String,
}

/// Puts the conditions of a filter behind `... FROM` of a statement. The lists of a tag walk along the tags, all others along the
/// runs, so that an index gives the rows in their order and only as many as are shown are read.
macro_rules! conditions {
    ($query:expr, $team:expr, $filter:expr, $behind:expr) => {{
        let (query, filter, behind): (_, &Filter, Option<&Cursor>) = ($query, $filter, $behind);
        let order = if filter.tag.is_empty() {
            query.push(" runs r LEFT JOIN agents a ON a.id = r.agent_id WHERE r.team_id = ").push_bind($team);
            "r.created_at, r.id"
        } else {
            query.push(
                " run_tags t JOIN runs r ON r.id = t.run_id LEFT JOIN agents a ON a.id = r.agent_id WHERE t.team_id = ",
            );
            query.push_bind($team).push(" AND t.tag = ").push_bind(filter.tag.as_str());
            "t.created_at, t.run_id"
        };
        for (column, value) in [
            ("r.scenario", &filter.scenario),
            ("r.agent_id", &filter.agent),
            ("r.status", &filter.status),
            ("r.group_id", &filter.group),
        ] {
            if !value.is_empty() {
                query.push(format!(" AND {column} = ")).push_bind(value.as_str());
            }
        }
        if !filter.text.is_empty() {
            let text = escaped(&filter.text);
            query.push(" AND (LOWER(r.scenario) LIKE ").push_bind(format!("%{text}%")).push(" ESCAPE '!'");
            for column in ["r.id", "r.session_id", "r.group_id", "r.agent_version"] {
                query.push(format!(" OR LOWER({column}) LIKE ")).push_bind(format!("{text}%")).push(" ESCAPE '!'");
            }
            query.push(")");
        }
        if let Some(behind) = behind {
            query.push(format!(" AND ({order}) < (")).push_bind(behind.at).push(", ");
            query.push_bind(behind.id.as_str()).push(")");
        }
        order
    }};
}

/// What somebody typed, so that it means only itself in a pattern.
fn escaped(text: &str) -> String {
    text.to_lowercase().replace('!', "!!").replace('%', "!%").replace('_', "!_")
}

/// Runs by a filter, newest first.
pub(crate) async fn page(
    store: &Store,
    team: &str,
    filter: &Filter,
    behind: Option<&Cursor>,
    most: usize,
) -> Result<Rows<Run>, sqlx::Error> {
    let limit = i64::try_from(most + 1).unwrap_or(i64::MAX);
    let rows: Vec<Run> = on!(store, pool => {
        let mut query = sqlx::QueryBuilder::new(format!("SELECT {COLUMNS} FROM"));
        let order = conditions!(&mut query, team, filter, behind);
        query.push(format!(" ORDER BY {} LIMIT ", order.replace(',', " DESC,") + " DESC")).push_bind(limit);
        query.build_query_as().fetch_all(pool).await?
    });
    let mut rows = Rows::of(rows, most, |run| Cursor { at: run.created_at, id: run.id.clone() });
    tags(store, team, &mut rows.rows).await?;
    Ok(rows)
}

/// How many runs a filter finds, up to [`MOST_COUNTED`].
pub(crate) async fn count(store: &Store, team: &str, filter: &Filter) -> Result<i64, sqlx::Error> {
    on!(store, pool => {
        let mut query = sqlx::QueryBuilder::new("SELECT COUNT(*) FROM (SELECT 1 AS one FROM");
        conditions!(&mut query, team, filter, None);
        query.push(" LIMIT ").push_bind(MOST_COUNTED).push(") found");
        query.build_query_scalar().fetch_one(pool).await
    })
}

/// Adds the tags.
async fn tags(store: &Store, team: &str, runs: &mut [Run]) -> Result<(), sqlx::Error> {
    if runs.is_empty() {
        return Ok(());
    }
    let found: Vec<(String, String)> = on!(store, pool => {
        let mut query = sqlx::QueryBuilder::new("SELECT run_id, tag FROM run_tags WHERE run_id IN (");
        let mut ids = query.separated(", ");
        for run in runs.iter() {
            ids.push_bind(run.id.as_str());
        }
        // As an expression, so that nobody looks through all tags of the team instead of those of a few runs.
        query.push(") AND COALESCE(team_id, '') = ").push_bind(team).push(" ORDER BY tag");
        query.build_query_as().fetch_all(pool).await?
    });
    for (id, tag) in found {
        if let Some(run) = runs.iter_mut().find(|run| run.id == id) {
            run.tags.push(tag);
        }
    }
    Ok(())
}

/// One run with everything about it.
#[derive(Debug, sqlx::FromRow)]
pub(crate) struct Whole {
    #[sqlx(flatten)]
    pub(crate) run: Run,
    pub(crate) session_id: String,
    pub(crate) document: String,
}

/// A run by its id or that of its session.
pub(crate) async fn one(store: &Store, team: &str, id: &str) -> Result<Option<Whole>, sqlx::Error> {
    let sql = format!(
        "SELECT {COLUMNS}, r.session_id, r.document FROM runs r LEFT JOIN agents a ON a.id = r.agent_id \
         WHERE r.team_id = $1 AND (r.id = $2 OR r.session_id = $2)"
    );
    let mut found: Option<Whole> =
        on!(store, pool => sqlx::query_as(sqlx::AssertSqlSafe(sql)).bind(team).bind(id).fetch_optional(pool).await?);
    if let Some(whole) = &mut found {
        tags(store, team, std::slice::from_mut(&mut whole.run)).await?;
    }
    Ok(found)
}

/// The trials of a group, oldest first, with their documents; at most so many.
pub(crate) async fn trials(store: &Store, team: &str, group: &str, most: i64) -> Result<Vec<Whole>, sqlx::Error> {
    let sql = format!(
        "SELECT {COLUMNS}, r.session_id, r.document FROM runs r LEFT JOIN agents a ON a.id = r.agent_id \
         WHERE r.team_id = $1 AND r.group_id = $2 ORDER BY r.created_at, r.id LIMIT $3"
    );
    on!(store, pool => sqlx::query_as(sqlx::AssertSqlSafe(sql)).bind(team).bind(group).bind(most).fetch_all(pool).await)
}

/// A file of a run.
#[derive(Debug, Clone, sqlx::FromRow)]
pub(crate) struct Upload {
    pub(crate) blob: String,
    pub(crate) encoding: Option<String>,
    pub(crate) size: i64,
}

impl Upload {
    /// The last part of its key.
    pub(crate) fn file(&self) -> &str {
        self.blob.rsplit('/').next().unwrap_or_default()
    }
}

/// The files of a session, by name.
pub(crate) async fn uploads(store: &Store, team: &str, session: &str) -> Result<Vec<Upload>, sqlx::Error> {
    on!(store, pool => sqlx::query_as(
        "SELECT blob, encoding, size FROM uploads WHERE team_id = $1 AND session_id = $2 ORDER BY blob",
    )
    .bind(team)
    .bind(session)
    .fetch_all(pool)
    .await)
}

/// Words that a filter may be filled with.
#[derive(Debug, Default)]
pub(crate) struct Words {
    pub(crate) scenarios: Vec<String>,
    pub(crate) tags: Vec<String>,
}

/// Names of scenarios and tags of a team, at most 300 of each.
pub(crate) async fn words(store: &Store, team: &str) -> Result<Words, sqlx::Error> {
    let scenarios = "SELECT DISTINCT scenario FROM runs WHERE team_id = $1 ORDER BY scenario LIMIT 300";
    let tags = "SELECT DISTINCT tag FROM run_tags WHERE team_id = $1 ORDER BY tag LIMIT 300";
    Ok(on!(store, pool => Words {
        scenarios: sqlx::query_scalar(scenarios).bind(team).fetch_all(pool).await?,
        tags: sqlx::query_scalar(tags).bind(team).fetch_all(pool).await?,
    }))
}
