//! Login, logout, who is calling, the newest version, and what is left of the quota.

use serde::{Deserialize, Serialize};

use super::Secret;

/// `POST /v1/auth/cli/exchange`
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ExchangeRequest {
    /// The code of the callback.
    pub code: Secret,
    /// Label of the new key, 1 to 80 characters.
    pub key_name: String,
}

/// The answer to [`ExchangeRequest`].
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Exchange {
    /// The new key.
    pub api_key: ApiKey,
    /// Whose it is.
    pub team_id: String,
}

/// A key at the only moment at which it is shown.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ApiKey {
    /// The key itself.
    pub full_key: Secret,
    /// Its name in lists.
    #[serde(default)]
    pub id: Option<String>,
}

/// `GET /v1/me`
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Me {
    /// The person.
    pub user: User,
    /// The team of the key.
    pub team: Team,
    /// The key that was used.
    #[serde(default)]
    pub api_key: Option<KeyRef>,
}

/// A person.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct User {
    /// `usr_...`
    pub id: String,
    /// With a dotted domain.
    pub email: String,
}

/// A team.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Team {
    /// `tm_...`
    pub id: String,
    /// Its name in addresses.
    pub slug: String,
    /// `free`, `hobby`, `pro`, `team`, `self_host_annual` or `enterprise`.
    pub plan_tier: String,
}

/// A key, without what makes it one.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct KeyRef {
    /// The first 12 characters.
    pub id: String,
    /// Its label.
    pub name: String,
}

/// `GET /v1/cli/latest`
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Latest {
    /// Three numbers.
    pub version: String,
}

/// `GET /v1/usage`: active sessions against the quota at this moment.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Usage {
    /// Start of the period.
    pub period_start: String,
    /// End of the period.
    pub period_end: String,
    /// In use.
    pub sessions_used: u64,
    /// Allowed.
    pub sessions_quota: u64,
    /// Left, never below 0.
    pub sessions_remaining: u64,
    /// As in [`Team`].
    pub plan_tier: String,
}
