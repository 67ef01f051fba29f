//! How runs come out over time, by scenario and by trial group.

use crate::pages::rate::Rate;
use crate::store::{Store, on};

const DAY: i64 = 86_400_000;

/// Outcomes of some runs.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, sqlx::FromRow)]
pub(crate) struct Tally {
    pub(crate) passed: i64,
    pub(crate) failed: i64,
    pub(crate) total: i64,
}

impl Tally {
    pub(crate) fn rate(self) -> Rate {
        Rate::new(self.passed, self.failed)
    }
}

const TALLY: &str = "COUNT(CASE WHEN status = 'pass' THEN 1 END) AS passed, \
     COUNT(CASE WHEN status = 'fail' THEN 1 END) AS failed, COUNT(*) AS total";

/// Outcomes since a time.
pub(crate) async fn since(store: &Store, team: &str, at: i64) -> Result<Tally, sqlx::Error> {
    let sql = format!("SELECT {TALLY} FROM runs WHERE team_id = $1 AND created_at >= $2");
    on!(store, pool => sqlx::query_as(sqlx::AssertSqlSafe(sql)).bind(team).bind(at).fetch_one(pool).await)
}

/// A scenario and how its runs came out.
#[derive(Debug, sqlx::FromRow)]
pub(crate) struct Scenario {
    pub(crate) scenario: String,
    #[sqlx(flatten)]
    pub(crate) tally: Tally,
    pub(crate) last_at: i64,
    /// Status of the newest runs, oldest first.
    #[sqlx(skip)]
    pub(crate) latest: Vec<String>,
}

/// All scenarios, or those that an agent ran, newest first; the last `recent` results of each.
pub(crate) async fn scenarios(
    store: &Store,
    team: &str,
    agent: Option<&str>,
    recent: i64,
) -> Result<Vec<Scenario>, sqlx::Error> {
    let of_agent = if agent.is_some() { "AND agent_id = $2" } else { "AND $2 = $2" };
    let sql = format!(
        "SELECT scenario, {TALLY}, MAX(created_at) AS last_at FROM runs WHERE team_id = $1 {of_agent} \
         GROUP BY scenario ORDER BY MAX(created_at) DESC, scenario LIMIT 500"
    );
    let agent = agent.unwrap_or_default();
    let mut rows: Vec<Scenario> =
        on!(store, pool => sqlx::query_as(sqlx::AssertSqlSafe(sql)).bind(team).bind(agent).fetch_all(pool).await?);
    let sql = format!(
        "SELECT scenario, status FROM (SELECT scenario, status, created_at, \
         ROW_NUMBER() OVER (PARTITION BY scenario ORDER BY created_at DESC, id DESC) AS place \
         FROM runs WHERE team_id = $1 {of_agent}) ranked WHERE place <= $3 ORDER BY scenario, place DESC"
    );
    let latest: Vec<(String, String)> = on!(store, pool => {
        sqlx::query_as(sqlx::AssertSqlSafe(sql)).bind(team).bind(agent).bind(recent).fetch_all(pool).await?
    });
    for (scenario, status) in latest {
        if let Some(row) = rows.iter_mut().find(|row| row.scenario == scenario) {
            row.latest.push(status);
        }
    }
    Ok(rows)
}

/// Outcomes of one day.
#[derive(Debug, PartialEq, Eq, sqlx::FromRow)]
pub(crate) struct Day {
    /// Days since 1970.
    pub(crate) day: i64,
    #[sqlx(flatten)]
    pub(crate) tally: Tally,
}

/// Outcomes of a scenario by day, oldest first; only days on which it ran, the last `most` of them.
pub(crate) async fn days(
    store: &Store,
    team: &str,
    scenario: &str,
    agent: Option<&str>,
    most: i64,
) -> Result<Vec<Day>, sqlx::Error> {
    let of_agent = if agent.is_some() { "AND agent_id = $3" } else { "AND $3 = $3" };
    let sql = format!(
        "SELECT created_at / {DAY} AS day, {TALLY} FROM runs WHERE team_id = $1 AND scenario = $2 {of_agent} \
         GROUP BY created_at / {DAY} ORDER BY created_at / {DAY} DESC LIMIT $4"
    );
    let mut days: Vec<Day> = on!(store, pool => {
        sqlx::query_as(sqlx::AssertSqlSafe(sql))
            .bind(team)
            .bind(scenario)
            .bind(agent.unwrap_or_default())
            .bind(most)
            .fetch_all(pool)
            .await?
    });
    days.reverse();
    Ok(days)
}

/// A trial group.
#[derive(Debug, sqlx::FromRow)]
pub(crate) struct Group {
    pub(crate) group_id: String,
    pub(crate) scenario: String,
    #[sqlx(flatten)]
    pub(crate) tally: Tally,
    pub(crate) last_at: i64,
}

/// The newest trial groups, of one scenario or of all, of one agent or of all.
pub(crate) async fn groups(
    store: &Store,
    team: &str,
    scenario: Option<&str>,
    agent: Option<&str>,
    most: i64,
) -> Result<Vec<Group>, sqlx::Error> {
    let of_scenario = if scenario.is_some() { "AND scenario = $2" } else { "AND $2 = $2" };
    let of_agent = if agent.is_some() { "AND agent_id = $3" } else { "AND $3 = $3" };
    let sql = format!(
        "SELECT group_id, MIN(scenario) AS scenario, {TALLY}, MAX(created_at) AS last_at FROM runs \
         WHERE team_id = $1 AND group_id IS NOT NULL {of_scenario} {of_agent} \
         GROUP BY group_id ORDER BY MAX(created_at) DESC, group_id LIMIT $4"
    );
    on!(store, pool => sqlx::query_as(sqlx::AssertSqlSafe(sql))
        .bind(team)
        .bind(scenario.unwrap_or_default())
        .bind(agent.unwrap_or_default())
        .bind(most)
        .fetch_all(pool)
        .await)
}
