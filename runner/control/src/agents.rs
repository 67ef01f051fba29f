//! Agents as an operator sees them: of all teams, and renamed. A slug that an agent had before goes on leading to it.

use pome_wire::project::is_slug;

use crate::keys::KeyError;
use crate::store::{Store, is_duplicate, on};

/// An agent as a list shows it.
#[derive(Debug, Clone, serde::Serialize, sqlx::FromRow)]
pub struct AgentEntry {
    /// `agt_...`
    pub id: String,
    /// Slug of its team.
    pub team: String,
    /// Its short name.
    pub slug: String,
    /// Its name.
    pub display_name: String,
    /// Short names that it had before.
    #[sqlx(skip)]
    pub former: Vec<String>,
}

const AGENTS: &str =
    "SELECT a.id, t.slug AS team, a.slug, a.display_name FROM agents a JOIN teams t ON t.id = a.team_id";

/// All agents of all teams or of one, by team and slug.
pub(crate) async fn list(store: &Store, team_id: Option<&str>) -> Result<Vec<AgentEntry>, sqlx::Error> {
    let sql = format!("{AGENTS} WHERE ($1 IS NULL OR a.team_id = $2) ORDER BY t.slug, a.slug");
    let mut agents: Vec<AgentEntry> = on!(store, pool => {
        sqlx::query_as(sqlx::AssertSqlSafe(sql)).bind(team_id).bind(team_id).fetch_all(pool).await?
    });
    let former: Vec<(String, String)> = on!(store, pool => {
        sqlx::query_as("SELECT agent_id, slug FROM agent_aliases ORDER BY slug").fetch_all(pool).await?
    });
    for (id, slug) in former {
        if let Some(agent) = agents.iter_mut().find(|agent| agent.id == id) {
            agent.former.push(slug);
        }
    }
    Ok(agents)
}

/// Gives the agent `slug` of a team another slug. The old one is kept for it: nobody else gets it, and who asks by it is told.
pub(crate) async fn rename(store: &Store, team_id: &str, slug: &str, to: &str) -> Result<AgentEntry, KeyError> {
    if !is_slug(to) {
        return Err(KeyError::AgentSlug(to.to_owned()));
    }
    let renamed: Result<Result<String, KeyError>, sqlx::Error> = on!(store, pool => async {
        let mut transaction = pool.begin().await?;
        let found: Option<String> = sqlx::query_scalar("SELECT id FROM agents WHERE team_id = $1 AND slug = $2")
            .bind(team_id)
            .bind(slug)
            .fetch_optional(&mut *transaction)
            .await?;
        let Some(id) = found else { return Ok(Err(KeyError::NoAgent(slug.to_owned()))) };
        if slug == to {
            return Ok(Ok(id));
        }
        let had: Option<String> = sqlx::query_scalar("SELECT agent_id FROM agent_aliases WHERE team_id = $1 AND slug = $2")
            .bind(team_id)
            .bind(to)
            .fetch_optional(&mut *transaction)
            .await?;
        if had.is_some_and(|had| had != id) {
            return Ok(Err(KeyError::AgentExists(to.to_owned())));
        }
        sqlx::query("DELETE FROM agent_aliases WHERE team_id = $1 AND slug = $2")
            .bind(team_id)
            .bind(to)
            .execute(&mut *transaction)
            .await?;
        sqlx::query("UPDATE agents SET slug = $1 WHERE id = $2").bind(to).bind(&id).execute(&mut *transaction).await?;
        sqlx::query("INSERT INTO agent_aliases (team_id, slug, agent_id) VALUES ($1, $2, $3)")
            .bind(team_id)
            .bind(slug)
            .bind(&id)
            .execute(&mut *transaction)
            .await?;
        transaction.commit().await?;
        Ok(Ok(id))
    }
    .await);
    let id = match renamed {
        Ok(id) => id?,
        Err(error) if is_duplicate(&error) => return Err(KeyError::AgentExists(to.to_owned())),
        Err(error) => return Err(error.into()),
    };
    let agents = list(store, Some(team_id)).await?;
    agents.into_iter().find(|agent| agent.id == id).ok_or_else(|| KeyError::NoAgent(slug.to_owned()))
}
