//! Keys, teams and agents without a server: what an operator does with the database alone.

use std::path::{Path, PathBuf};

use crate::agents::{self, AgentEntry};
use crate::keys::{self, KeyEntry, KeyError, TeamEntry};
use crate::serve::{self, ServeError};
use crate::store::Store;

/// The accounts in a server's database.
#[derive(Debug)]
pub struct Books(Store);

impl Books {
    /// Whether there is a database to open. One at an address is there, as far as can be told without asking it.
    pub fn are_there(data_dir: &Path, database_url: Option<&str>) -> bool {
        database_url.is_some() || data_dir.join(serve::DATABASE).exists()
    }

    /// Opens the database in `data_dir`, or at an address, and makes the first team when there is none.
    pub async fn open(data_dir: PathBuf, database_url: Option<&str>) -> Result<Self, ServeError> {
        let store = serve::store(&data_dir, database_url).await?;
        keys::first_team(&store).await?;
        Ok(Self(store))
    }

    /// Makes a key for a team, by its id or slug; absent: the first team. The whole key, which is kept nowhere.
    pub async fn add_key(&self, team: Option<&str>, name: &str) -> Result<String, KeyError> {
        let (team, user) = keys::team(&self.0, team.unwrap_or(keys::FIRST_TEAM)).await?;
        Ok(keys::mint(&self.0, &team, &user, name).await?.full)
    }

    /// All keys, or those of one team.
    pub async fn keys(&self, team: Option<&str>) -> Result<Vec<KeyEntry>, KeyError> {
        let team = match team {
            Some(team) => Some(keys::team(&self.0, team).await?.0),
            None => None,
        };
        Ok(keys::list(&self.0, team.as_deref()).await?)
    }

    /// Revokes a key by its id, the first twelve characters. False: it was revoked before.
    pub async fn revoke_key(&self, id: &str) -> Result<bool, KeyError> {
        let id = id.get(..12).unwrap_or(id);
        let revoked = keys::revoke(&self.0, None, id).await?;
        if !revoked && keys::holder(&self.0, id).await?.is_none() {
            return Err(KeyError::NoKey(id.to_owned()));
        }
        Ok(revoked)
    }

    /// Makes a team.
    pub async fn add_team(&self, slug: &str, plan: &str, max_sessions: Option<u32>) -> Result<TeamEntry, KeyError> {
        keys::add_team(&self.0, slug, plan, max_sessions).await
    }

    /// All agents, or those of one team.
    pub async fn agents(&self, team: Option<&str>) -> Result<Vec<AgentEntry>, KeyError> {
        let team = match team {
            Some(team) => Some(keys::team(&self.0, team).await?.0),
            None => None,
        };
        Ok(agents::list(&self.0, team.as_deref()).await?)
    }

    /// Gives an agent of a team another slug; absent: of the first team. The old one goes on leading to it.
    pub async fn rename_agent(&self, team: Option<&str>, slug: &str, to: &str) -> Result<AgentEntry, KeyError> {
        let (team, _) = keys::team(&self.0, team.unwrap_or(keys::FIRST_TEAM)).await?;
        agents::rename(&self.0, &team, slug, to).await
    }

    /// All teams.
    pub async fn teams(&self) -> Result<Vec<TeamEntry>, KeyError> {
        Ok(keys::teams(&self.0).await?)
    }
}
