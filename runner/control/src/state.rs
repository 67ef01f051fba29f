//! What every request gets to see: the database, the blobs, the sessions, the limits and the counters of this host.

use std::sync::Arc;

use http::HeaderMap;
use pome_gateway::token::Secret;
use pome_wire::time::now_millis;
use tokio::sync::Semaphore;

use crate::blobs::Blobs;
use crate::config::{Config, Shared};
use crate::hosting::{Hosting, token_secret};
use crate::keys::{self, Holder};
use crate::limits::Limits;
use crate::observe::Metrics;
use crate::pages::cookie::Cookies;
use crate::store::Store;

/// Most runs that are judged at the same time.
const EVALUATIONS: usize = 4;

/// One server process. Everybody holds it in an [`Arc`].
#[derive(Debug)]
pub(crate) struct Control {
    pub(crate) config: Shared,
    /// What addresses that are handed out start with, without a slash at the end.
    pub(crate) public_url: String,
    pub(crate) store: Store,
    pub(crate) blobs: Blobs,
    pub(crate) hosting: Hosting,
    pub(crate) metrics: Metrics,
    pub(crate) limits: Limits,
    pub(crate) cookies: Cookies,
    /// Signs and checks the tokens of sessions.
    pub(crate) session_tokens: Secret,
    /// Name of this process among those that judge.
    pub(crate) host: String,
    /// Turns of those that judge: it takes a processor each.
    pub(crate) evaluating: Semaphore,
}

impl Control {
    /// Puts the parts of a server together.
    pub(crate) fn new(config: Config, public_url: &str, store: Store, blobs: Blobs, hosting: Hosting) -> Arc<Self> {
        Arc::new(Self {
            public_url: public_url.to_owned(),
            store,
            blobs,
            hosting,
            metrics: Metrics::new(),
            limits: Limits::new(),
            cookies: Cookies::new(&config.secrets, public_url),
            session_tokens: token_secret(&config.secrets),
            host: uuid::Uuid::new_v4().simple().to_string(),
            evaluating: Semaphore::new(EVALUATIONS),
            config: Arc::new(config),
        })
    }

    /// Who is signed in with a browser. The key is looked up every time: one that was revoked counts no more.
    pub(crate) async fn signed_in(&self, headers: &HeaderMap) -> Result<Option<Holder>, sqlx::Error> {
        let Some(key_id) = self.cookies.key_id(headers, now_millis()) else { return Ok(None) };
        Ok(keys::holder(&self.store, &key_id).await?.filter(|holder| holder.revoked_at.is_none()))
    }

    /// The model that judges criteria for which code is not enough, where one is configured.
    pub(crate) fn judge_model(&self) -> Option<String> {
        let named = self.config.judge.iter().find(|(name, _)| name == pome_wire::env::LLM_MODEL);
        named.map(|(_, model)| model.clone()).filter(|model| !model.trim().is_empty())
    }
}
