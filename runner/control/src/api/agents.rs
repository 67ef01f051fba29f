//! Agents of a team: found by their slug or one that they had before, or made.

use std::sync::Arc;

use axum::extract::State;
use http::StatusCode;
use pome_wire::control::{Agent, RegisterAgent, ResolvedVia};
use pome_wire::project::{edit_distance, is_slug, slug_of};
use pome_wire::time;
use serde_json::json;

use super::ApiError;
use super::auth::Caller;
use super::body::{Answer, Body};
use super::error::reason;
use crate::state::Control;
use crate::store::{Store, is_duplicate, on};
use crate::{audit, ids};

/// Shortest slug that another one can be mistaken for.
const SHORTEST_NEAR: usize = 5;

#[derive(Debug, Clone, sqlx::FromRow)]
struct Row {
    id: String,
    slug: String,
    display_name: String,
    description: Option<String>,
    version: Option<String>,
    framework: Option<String>,
    twins: String,
}

impl Row {
    fn twins(&self) -> Vec<String> {
        serde_json::from_str(&self.twins).unwrap_or_default()
    }

    fn answer(self, judge_model: Option<String>, via: ResolvedVia, hint: Option<String>) -> Agent {
        Agent {
            enabled_services: Some(self.twins()),
            id: self.id,
            slug: self.slug,
            display_name: self.display_name,
            judge_model,
            framework: self.framework,
            description: self.description,
            version: self.version,
            created: Some(via == ResolvedVia::Created),
            resolved_via: Some(via),
            hint,
        }
    }
}

/// `POST /v1/agents`
pub(crate) async fn register(
    State(control): State<Arc<Control>>,
    caller: Caller,
    Body(asked): Body<RegisterAgent>,
) -> Result<Answer<Agent>, ApiError> {
    let slug = checked(&control, &asked)?;
    let (store, team) = (&control.store, caller.team());
    let judge = control.judge_model();
    if let Some(row) = by_slug(store, team, &slug).await? {
        let row = merged(store, row, &asked).await?;
        return Ok(Answer(StatusCode::OK, row.answer(judge, ResolvedVia::Slug, None)));
    }
    if let Some(row) = by_alias(store, team, &slug).await? {
        let row = merged(store, row, &asked).await?;
        let hint = format!("`{slug}` is called `{}` now", row.slug);
        return Ok(Answer(StatusCode::OK, row.answer(judge, ResolvedVia::Alias, Some(hint))));
    }
    if !asked.confirm
        && let Some(near) = near_miss(store, team, &slug).await?
    {
        let message = format!("there is no agent `{slug}`, but there is `{near}`; is that meant?");
        return Err(
            ApiError::conflict(message).with(json!({"reason": "near_miss", "suggestion": near, "suggestions": [near]}))
        );
    }
    let row = Row {
        id: ids::new("agt_")?,
        slug: slug.clone(),
        display_name: asked.name.trim().to_owned(),
        description: asked.description.clone(),
        version: asked.version.clone(),
        framework: asked.framework.clone(),
        twins: json!(asked.twins).to_string(),
    };
    match insert(store, team, &row).await {
        Ok(()) => {
            audit::write(store, caller.entry("agent.create", Some(&row.id)), "ok").await;
            Ok(Answer(StatusCode::CREATED, row.answer(judge, ResolvedVia::Created, None)))
        }
        // Somebody else made it at the same moment.
        Err(error) if is_duplicate(&error) => {
            let row = by_slug(store, team, &slug).await?.ok_or_else(|| ApiError::conflict("try again"))?;
            let row = merged(store, row, &asked).await?;
            Ok(Answer(StatusCode::OK, row.answer(judge, ResolvedVia::Slug, None)))
        }
        Err(error) => Err(error.into()),
    }
}

/// The slug that is asked for, when everything that is asked for can be.
fn checked(control: &Control, asked: &RegisterAgent) -> Result<String, ApiError> {
    let name = asked.name.trim();
    if name.is_empty() || name.chars().count() > 120 || name.chars().any(char::is_control) {
        return Err(ApiError::invalid("`name`: expected 1 to 120 characters"));
    }
    let texts = [
        ("description", &asked.description, 2000),
        ("version", &asked.version, 200),
        ("framework", &asked.framework, 200),
    ];
    for (field, text, most) in texts {
        if text.as_deref().is_some_and(|text| text.chars().count() > most || text.contains('\0')) {
            return Err(ApiError::invalid(format!("`{field}`: expected at most {most} characters")));
        }
    }
    for (at, twin) in asked.twins.iter().enumerate() {
        if control.hosting.twin(twin).is_none() {
            return Err(ApiError::invalid(format!("`twins`: there is no twin `{}` here", reason(twin))));
        }
        if asked.twins.iter().take(at).any(|before| before == twin) {
            return Err(ApiError::invalid(format!("`twins`: `{twin}` is there twice")));
        }
    }
    let slug = asked.slug.clone().unwrap_or_else(|| slug_of(name));
    if is_slug(&slug) {
        Ok(slug)
    } else {
        Err(ApiError::invalid("`slug`: expected words of a-z 0-9 with `-` between them, at most 64 characters"))
    }
}

const COLUMNS: &str = "a.id, a.slug, a.display_name, a.description, a.version, a.framework, a.twins";

async fn by_slug(store: &Store, team: &str, slug: &str) -> Result<Option<Row>, sqlx::Error> {
    let statement = format!("SELECT {COLUMNS} FROM agents a WHERE a.team_id = $1 AND a.slug = $2");
    on!(store, pool => {
        sqlx::query_as(sqlx::AssertSqlSafe(statement)).bind(team).bind(slug).fetch_optional(pool).await
    })
}

async fn by_alias(store: &Store, team: &str, slug: &str) -> Result<Option<Row>, sqlx::Error> {
    let statement = format!(
        "SELECT {COLUMNS} FROM agents a JOIN agent_aliases l ON l.agent_id = a.id AND l.team_id = a.team_id \
         WHERE l.team_id = $1 AND l.slug = $2"
    );
    on!(store, pool => {
        sqlx::query_as(sqlx::AssertSqlSafe(statement)).bind(team).bind(slug).fetch_optional(pool).await
    })
}

/// An agent whose slug is almost the same, the nearest one first.
async fn near_miss(store: &Store, team: &str, slug: &str) -> Result<Option<String>, sqlx::Error> {
    let slugs: Vec<String> = on!(store, pool => {
        sqlx::query_scalar("SELECT slug FROM agents WHERE team_id = $1 ORDER BY slug").bind(team).fetch_all(pool).await?
    });
    let distances = slugs.into_iter().filter(|known| known.len() >= SHORTEST_NEAR && slug.len() >= SHORTEST_NEAR);
    let near = distances.map(|known| (edit_distance(&known, slug), known)).filter(|(distance, _)| *distance <= 2);
    Ok(near.min().map(|(_, known)| known))
}

async fn insert(store: &Store, team: &str, row: &Row) -> Result<(), sqlx::Error> {
    on!(store, pool => sqlx::query(
        "INSERT INTO agents (id, team_id, slug, display_name, description, version, framework, twins, created_at) \
         VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9)",
    )
    .bind(&row.id)
    .bind(team)
    .bind(&row.slug)
    .bind(&row.display_name)
    .bind(&row.description)
    .bind(&row.version)
    .bind(&row.framework)
    .bind(&row.twins)
    .bind(time::now_millis())
    .execute(pool)
    .await
    .map(drop))
}

/// The agent with the twins of the request added to its own, and what the request says about it.
async fn merged(store: &Store, mut row: Row, asked: &RegisterAgent) -> Result<Row, sqlx::Error> {
    let mut twins = row.twins();
    for twin in &asked.twins {
        if !twins.contains(twin) {
            twins.push(twin.clone());
        }
    }
    row.twins = json!(twins).to_string();
    row.description = asked.description.clone().or(row.description);
    row.version = asked.version.clone().or(row.version);
    row.framework = asked.framework.clone().or(row.framework);
    on!(store, pool => sqlx::query(
        "UPDATE agents SET twins = $1, description = $2, version = $3, framework = $4 WHERE id = $5",
    )
    .bind(&row.twins)
    .bind(&row.description)
    .bind(&row.version)
    .bind(&row.framework)
    .bind(&row.id)
    .execute(pool)
    .await
    .map(drop))?;
    Ok(row)
}

/// Whether an agent of the team may be used with these twins.
pub(crate) async fn may_use(store: &Store, team: &str, agent_id: &str, twins: &[String]) -> Result<(), ApiError> {
    let statement = format!("SELECT {COLUMNS} FROM agents a WHERE a.team_id = $1 AND a.id = $2");
    let row: Option<Row> = on!(store, pool => {
        sqlx::query_as(sqlx::AssertSqlSafe(statement)).bind(team).bind(agent_id).fetch_optional(pool).await?
    });
    let row =
        row.ok_or_else(|| ApiError::malformed(format!("`agent_id`: there is no agent `{}`", reason(agent_id))))?;
    let enabled = row.twins();
    match twins.iter().find(|twin| !enabled.contains(twin)) {
        None => Ok(()),
        Some(twin) => Err(ApiError::malformed(format!(
            "twin `{twin}` is not enabled for agent `{}`; `pome register agent {} --twins {twin}` enables it",
            row.slug, row.slug
        ))),
    }
}

/// The id of a team's agent by its slug, also one that it had before.
pub(crate) async fn id_of(store: &Store, team: &str, slug: &str) -> Result<Option<String>, sqlx::Error> {
    match by_slug(store, team, slug).await? {
        Some(row) => Ok(Some(row.id)),
        None => Ok(by_alias(store, team, slug).await?.map(|row| row.id)),
    }
}
