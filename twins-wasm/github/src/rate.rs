//! How much a user may ask. Every call counts towards one resource of its user; each resource has its own window and limit,
//! which are the vendor's.
//!
//! The clock of this world moves only with changes, but windows must pass for readers, too: for them every counted call
//! is one second. Only a limit from the seed refuses anybody: the vendor's limits are per minute and hour of real time, which a
//! reproducible world does not know. Whoever is refused is taken to have waited, so the call after a refusal begins a new window. Counts are no
//! part of what a seed or an export describes, and a call that fails has counted all the same.

use std::collections::BTreeMap;

use pome_twin_kit::store::Journal;
use pome_twin_kit::{Cx, Reply};

use crate::GitHub;
use crate::access::Access;
use crate::error::Error;
use crate::state::fold;
use pome_twin_kit::ids::hash_id;

/// What calls count towards.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Resource {
    Core,
    Search,
    CodeSearch,
    Graphql,
}

impl Resource {
    pub(crate) const ALL: [Self; 4] = [Self::Core, Self::Search, Self::CodeSearch, Self::Graphql];

    pub(crate) const fn name(self) -> &'static str {
        match self {
            Self::Core => "core",
            Self::Search => "search",
            Self::CodeSearch => "code_search",
            Self::Graphql => "graphql",
        }
    }

    pub(crate) fn parse(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|resource| resource.name() == name)
    }

    /// Calls in a window.
    const fn limit(self) -> u64 {
        match self {
            Self::Core | Self::Graphql => 5000,
            Self::Search => 30,
            Self::CodeSearch => 10,
        }
    }

    /// Seconds.
    const fn window(self) -> u64 {
        match self {
            Self::Core | Self::Graphql => 3600,
            Self::Search | Self::CodeSearch => 60,
        }
    }

    /// What a call counts towards; `None` when it is free.
    fn of(cx: &Cx<'_, GitHub>) -> Option<Self> {
        if let Some(call) = cx.tool {
            return Some(match call.name.as_str() {
                "search_code" => Self::CodeSearch,
                name if name.starts_with("search_") => Self::Search,
                "list_issues" | "get_label" | "get_teams" | "get_team_members" | "list_issue_fields" => Self::Graphql,
                "add_comment_to_pending_review" | "pull_request_review_write" => Self::Graphql,
                _ => Self::Core,
            });
        }
        let path = cx.path.strip_prefix("/api/v3").unwrap_or(cx.path);
        match path {
            "/rate_limit" => None,
            "/search/code" => Some(Self::CodeSearch),
            "/graphql" => Some(Self::Graphql),
            path if path.starts_with("/search/") => Some(Self::Search),
            _ => Some(Self::Core),
        }
    }
}

#[derive(Debug, Clone, Copy, Default)]
struct Window {
    /// In seconds of the meter.
    ends: u64,
    used: u64,
    /// The last call of it was refused.
    refused: bool,
}

/// Where a user stands with one resource.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Standing {
    pub(crate) limit: u64,
    pub(crate) used: u64,
    /// Seconds since 1970.
    pub(crate) reset: u64,
}

impl Standing {
    pub(crate) const fn remaining(&self) -> u64 {
        self.limit.saturating_sub(self.used)
    }
}

/// Everybody's counts.
#[derive(Debug, Default)]
pub(crate) struct Meter {
    limits: BTreeMap<Resource, u64>,
    /// By lower-case login.
    windows: BTreeMap<String, BTreeMap<Resource, Window>>,
    /// All calls that counted: the seconds that readers are ahead of the world's clock.
    calls: u64,
}

impl Meter {
    /// Sets another limit than the vendor's.
    pub(crate) fn limit(&mut self, resource: Resource, limit: u64) {
        self.limits.insert(resource, limit);
    }

    fn limit_of(&self, resource: Resource) -> u64 {
        self.limits.get(&resource).copied().unwrap_or_else(|| resource.limit())
    }

    /// Where somebody stands at a time of the world.
    pub(crate) fn standing(&self, login: &str, resource: Resource, now: u64) -> Standing {
        let (limit, now) = (self.limit_of(resource), now + self.calls);
        let window = self.windows.get(&fold(login)).and_then(|windows| windows.get(&resource));
        match window.filter(|window| window.ends > now) {
            Some(window) => Standing { limit, used: window.used.min(limit), reset: window.ends },
            None => Standing { limit, used: 0, reset: now + resource.window() },
        }
    }

    /// Counts a call; the seconds to wait when there is none left.
    fn count(&mut self, login: &str, resource: Resource, now: u64) -> Result<(), u64> {
        let (limit, now) = (self.limit_of(resource), now + self.calls);
        self.calls += 1;
        let window = self.windows.entry(fold(login)).or_default().entry(resource).or_default();
        if window.ends <= now || window.refused {
            *window = Window { ends: now + resource.window(), used: 0, refused: false };
        }
        if window.used >= limit {
            if self.limits.contains_key(&resource) {
                window.refused = true;
                return Err(window.ends - now);
            }
            // This clock knows nothing of how long the caller really took, so only a limit that the seed asked for refuses.
            *window = Window { ends: now + resource.window(), used: 0, refused: false };
        }
        window.used += 1;
        Ok(())
    }

    /// Takes a call back that turned out to be free.
    fn refund(&mut self, login: &str, resource: Resource) {
        let window = self.windows.get_mut(&fold(login)).and_then(|windows| windows.get_mut(&resource));
        if let Some(window) = window {
            window.used = window.used.saturating_sub(1);
        }
    }
}

/// Counts are never taken back, and nobody would call them a change of the world.
impl Journal for Meter {
    fn changed(&self) -> bool {
        false
    }

    fn commit(&mut self) {}

    fn rollback(&mut self) {}
}

/// Counts the call, or refuses it.
pub(crate) fn charge(cx: &mut Cx<'_, GitHub>) -> Result<(), Error> {
    let Some(resource) = Resource::of(cx) else { return Ok(()) };
    let (login, now) = (cx.actor().to_owned(), cx.now().seconds());
    let Err(wait) = cx.state.meter.count(&login, resource, now) else { return Ok(()) };
    cx.doc = "using-the-rest-api/rate-limits-for-the-rest-api";
    let id = cx.state.user(&login).map_or_else(|| hash_id(&login), crate::state::User::id);
    Err(Error::limited(&format!("API rate limit exceeded for user ID {id}."), wait))
}

/// The headers that say where the caller stands. What a client knew already costs nothing.
pub(crate) fn headers(cx: &mut Cx<'_, GitHub>, reply: &mut Reply) {
    let (login, now) = (cx.actor().to_owned(), cx.now().seconds());
    let charged = Resource::of(cx);
    if let (304, Some(resource)) = (reply.status, charged) {
        cx.state.meter.refund(&login, resource);
    }
    let resource = charged.unwrap_or(Resource::Core);
    let standing = cx.state.meter.standing(&login, resource, now);
    reply.header("x-ratelimit-limit", standing.limit.to_string());
    reply.header("x-ratelimit-remaining", standing.remaining().to_string());
    reply.header("x-ratelimit-reset", standing.reset.to_string());
    reply.header("x-ratelimit-used", standing.used.to_string());
    reply.header("x-ratelimit-resource", resource.name());
}
