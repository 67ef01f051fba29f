//! API keys and the teams that they belong to. Of a key only its hash is kept.

use pome_wire::time::now_millis;
use sha2::{Digest as _, Sha256};

use crate::ids;
use crate::limits;
use crate::store::{Store, is_duplicate, on};

/// What the id of a key is: this many of its first characters.
const ID: usize = 12;

/// A use is noted at most this often, in milliseconds.
const NOTED: i64 = 60_000;

/// The team, the user and the plan of a new server.
pub(crate) const FIRST_TEAM: &str = "tm_self";
pub(crate) const FIRST_USER: &str = "usr_admin";
const FIRST_PLAN: &str = "self_host_annual";
const FIRST_EMAIL: &str = "admin@pome.local";

/// A key with whom it stands for.
#[derive(Debug, Clone, sqlx::FromRow)]
pub(crate) struct Holder {
    pub(crate) key_id: String,
    pub(crate) key_name: String,
    pub(crate) team_id: String,
    pub(crate) team_slug: String,
    pub(crate) plan_tier: String,
    /// The team's own limit of active sessions.
    pub(crate) max_sessions: Option<i64>,
    pub(crate) user_id: String,
    pub(crate) email: String,
    pub(crate) revoked_at: Option<i64>,
    hash: String,
    last_used_at: Option<i64>,
}

/// A key as a list shows it.
#[derive(Debug, Clone, serde::Serialize, sqlx::FromRow)]
pub struct KeyEntry {
    /// Its first characters.
    pub id: String,
    /// Slug of its team.
    pub team: String,
    /// Its label.
    pub name: String,
    /// Milliseconds since 1970.
    pub created_at: i64,
    /// Milliseconds since 1970.
    pub last_used_at: Option<i64>,
    /// Milliseconds since 1970.
    pub revoked_at: Option<i64>,
}

/// A team as a list shows it.
#[derive(Debug, Clone, serde::Serialize, sqlx::FromRow)]
pub struct TeamEntry {
    /// `tm_...`
    pub id: String,
    /// Its short name.
    pub slug: String,
    /// Its plan.
    pub plan_tier: String,
    /// Its own limit of active sessions; absent: that of its plan.
    pub max_sessions: Option<i64>,
    /// Milliseconds since 1970.
    pub created_at: i64,
}

/// A key, a team or an agent cannot be changed.
#[derive(Debug, thiserror::Error)]
pub enum KeyError {
    /// There is no such team.
    #[error("there is no team `{0}`; `pome serve teams list` shows those that are there")]
    NoTeam(String),
    /// There is no such key.
    #[error("there is no key `{0}`; `pome serve keys list` shows those that are there")]
    NoKey(String),
    /// The slug is taken.
    #[error("there is a team `{0}` already")]
    TeamExists(String),
    /// The slug is not one.
    #[error("`{0}` is not the short name of a team: lower-case letters, digits and `-`, at most 40")]
    Slug(String),
    /// The plan is not one.
    #[error("`{0}` is not a plan; there are {known}", known = limits::PLANS.join(", "))]
    Plan(String),
    /// There is no such agent.
    #[error("there is no agent `{0}`; `pome serve agents list` shows those that are there")]
    NoAgent(String),
    /// An agent has the slug, or had it before.
    #[error("another agent is called `{0}`, or was before")]
    AgentExists(String),
    /// The slug is not one of an agent.
    #[error("`{0}` is not the short name of an agent: words of a-z 0-9 with `-` between them, at most 64 characters")]
    AgentSlug(String),
    /// The database refused.
    #[error("the database refused a statement")]
    Database(#[from] sqlx::Error),
    /// There are no random numbers.
    #[error(transparent)]
    Random(#[from] ids::NoRandom),
}

/// A new key; the only moment in which it is known as a whole.
pub(crate) struct Minted {
    pub(crate) id: String,
    pub(crate) full: String,
}

/// The hash under which a key or a code is kept.
pub(crate) fn hash(secret: &str) -> String {
    ids::hex(&Sha256::digest(secret.as_bytes()))
}

/// Whose key this is, also when it was revoked; nothing when it is not one of ours.
pub(crate) async fn find(store: &Store, key: &str) -> Result<Option<Holder>, sqlx::Error> {
    let Some(id) = key.get(..ID).filter(|_| key.starts_with("pme_") && key.len() <= 200) else { return Ok(None) };
    let Some(holder) = holder(store, id).await? else { return Ok(None) };
    if !pome_gateway::token::equal(hash(key).as_bytes(), holder.hash.as_bytes()) {
        return Ok(None);
    }
    note_use(store, &holder).await?;
    Ok(Some(holder))
}

/// Whom a key id stands for.
pub(crate) async fn holder(store: &Store, key_id: &str) -> Result<Option<Holder>, sqlx::Error> {
    on!(store, pool => sqlx::query_as(
        "SELECT k.id AS key_id, k.name AS key_name, k.team_id, t.slug AS team_slug, t.plan_tier, t.max_sessions, \
         k.user_id, u.email, k.revoked_at, k.hash, k.last_used_at \
         FROM keys k JOIN teams t ON t.id = k.team_id JOIN users u ON u.id = k.user_id WHERE k.id = $1",
    )
    .bind(key_id)
    .fetch_optional(pool)
    .await)
}

async fn note_use(store: &Store, holder: &Holder) -> Result<(), sqlx::Error> {
    let now = now_millis();
    if holder.last_used_at.is_some_and(|last| last > now - NOTED) {
        return Ok(());
    }
    on!(store, pool => sqlx::query(
        "UPDATE keys SET last_used_at = $1 WHERE id = $2 AND (last_used_at IS NULL OR last_used_at <= $3)",
    )
    .bind(now)
    .bind(&holder.key_id)
    .bind(now - NOTED)
    .execute(pool)
    .await
    .map(drop))
}

/// Makes a key for a user of a team.
pub(crate) async fn mint(store: &Store, team_id: &str, user_id: &str, name: &str) -> Result<Minted, KeyError> {
    loop {
        let full = ids::secret("pme_")?;
        let id = full.get(..ID).unwrap_or(&full).to_owned();
        let inserted = on!(store, pool => sqlx::query(
            "INSERT INTO keys (id, team_id, user_id, name, hash, created_at) VALUES ($1, $2, $3, $4, $5, $6)",
        )
        .bind(&id)
        .bind(team_id)
        .bind(user_id)
        .bind(name)
        .bind(hash(&full))
        .bind(now_millis())
        .execute(pool)
        .await
        .map(drop));
        match inserted {
            Ok(()) => return Ok(Minted { id, full }),
            // Two keys may begin alike, once in a very long while.
            Err(error) if is_duplicate(&error) => {}
            Err(error) => return Err(error.into()),
        }
    }
}

/// Revokes a key. False: it was revoked already, or there is none.
pub(crate) async fn revoke(store: &Store, team_id: Option<&str>, key_id: &str) -> Result<bool, sqlx::Error> {
    let changed = on!(store, pool => sqlx::query(
        "UPDATE keys SET revoked_at = $1 WHERE id = $2 AND revoked_at IS NULL AND ($3 IS NULL OR team_id = $4)",
    )
    .bind(now_millis())
    .bind(key_id)
    .bind(team_id)
    .bind(team_id)
    .execute(pool)
    .await
    .map(|done| done.rows_affected()))?;
    Ok(changed > 0)
}

/// Makes team, user and key of a new server. Nothing when there is a team already.
pub(crate) async fn first_start(store: &Store) -> Result<Option<String>, KeyError> {
    if first_team(store).await? {
        return Ok(Some(mint(store, FIRST_TEAM, FIRST_USER, "first key").await?.full));
    }
    Ok(None)
}

/// Makes team and user of a new server. False: there is a team already.
pub(crate) async fn first_team(store: &Store) -> Result<bool, KeyError> {
    let now = now_millis();
    let any: Option<(String,)> =
        on!(store, pool => sqlx::query_as("SELECT id FROM teams LIMIT 1").fetch_optional(pool).await)?;
    if any.is_some() {
        return Ok(false);
    }
    // Of several hosts that start at once one makes the team, and that one shows the key.
    let made = on!(store, pool => {
        let mut transaction = pool.begin().await?;
        let made = sqlx::query(
            "INSERT INTO teams (id, slug, plan_tier, created_at) VALUES ($1, 'self', $2, $3) ON CONFLICT DO NOTHING",
        )
        .bind(FIRST_TEAM)
        .bind(FIRST_PLAN)
        .bind(now)
        .execute(&mut *transaction)
        .await?
        .rows_affected();
        if made > 0 {
            sqlx::query("INSERT INTO users (id, team_id, email, created_at) VALUES ($1, $2, $3, $4)")
                .bind(FIRST_USER)
                .bind(FIRST_TEAM)
                .bind(FIRST_EMAIL)
                .bind(now)
                .execute(&mut *transaction)
                .await?;
        }
        transaction.commit().await?;
        made
    });
    Ok(made > 0)
}

/// Makes a team with a user of its own.
pub(crate) async fn add_team(
    store: &Store,
    slug: &str,
    plan: &str,
    max_sessions: Option<u32>,
) -> Result<TeamEntry, KeyError> {
    let fits = !slug.is_empty()
        && slug.len() <= 40
        && slug.bytes().all(|byte| matches!(byte, b'a'..=b'z' | b'0'..=b'9' | b'-'))
        && !slug.starts_with('-')
        && !slug.ends_with('-');
    if !fits {
        return Err(KeyError::Slug(slug.to_owned()));
    }
    if !limits::PLANS.contains(&plan) {
        return Err(KeyError::Plan(plan.to_owned()));
    }
    let team = TeamEntry {
        id: ids::new("tm_")?,
        slug: slug.to_owned(),
        plan_tier: plan.to_owned(),
        max_sessions: max_sessions.map(i64::from),
        created_at: now_millis(),
    };
    let user = ids::new("usr_")?;
    let result: Result<(), sqlx::Error> = on!(store, pool => async {
        let mut transaction = pool.begin().await?;
        sqlx::query("INSERT INTO teams (id, slug, plan_tier, max_sessions, created_at) VALUES ($1, $2, $3, $4, $5)")
            .bind(&team.id)
            .bind(&team.slug)
            .bind(&team.plan_tier)
            .bind(team.max_sessions)
            .bind(team.created_at)
            .execute(&mut *transaction)
            .await?;
        sqlx::query("INSERT INTO users (id, team_id, email, created_at) VALUES ($1, $2, $3, $4)")
            .bind(&user)
            .bind(&team.id)
            .bind(format!("admin@{slug}.pome.local"))
            .bind(team.created_at)
            .execute(&mut *transaction)
            .await?;
        transaction.commit().await
    }
    .await);
    match result {
        Ok(()) => Ok(team),
        Err(error) if is_duplicate(&error) => Err(KeyError::TeamExists(slug.to_owned())),
        Err(error) => Err(error.into()),
    }
}

/// All teams, oldest first.
pub(crate) async fn teams(store: &Store) -> Result<Vec<TeamEntry>, sqlx::Error> {
    on!(store, pool => sqlx::query_as(
        "SELECT id, slug, plan_tier, max_sessions, created_at FROM teams ORDER BY created_at, id",
    )
    .fetch_all(pool)
    .await)
}

/// All keys of all teams or of one, oldest first.
pub(crate) async fn list(store: &Store, team_id: Option<&str>) -> Result<Vec<KeyEntry>, sqlx::Error> {
    on!(store, pool => sqlx::query_as(
        "SELECT k.id, t.slug AS team, k.name, k.created_at, k.last_used_at, k.revoked_at \
         FROM keys k JOIN teams t ON t.id = k.team_id WHERE ($1 IS NULL OR k.team_id = $2) ORDER BY k.created_at, k.id",
    )
    .bind(team_id)
    .bind(team_id)
    .fetch_all(pool)
    .await)
}

/// A team by its id or its slug, and one of its users.
pub(crate) async fn team(store: &Store, name: &str) -> Result<(String, String), KeyError> {
    let found: Option<(String, String)> = on!(store, pool => sqlx::query_as(
        "SELECT t.id, MIN(u.id) FROM teams t JOIN users u ON u.team_id = t.id WHERE t.id = $1 OR t.slug = $2 GROUP BY t.id",
    )
    .bind(name)
    .bind(name)
    .fetch_optional(pool)
    .await)?;
    found.ok_or_else(|| KeyError::NoTeam(name.to_owned()))
}
