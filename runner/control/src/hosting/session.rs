//! One session in this process: its worlds, opened anew or built again from the log.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicI64, Ordering};

use bytes::Bytes;
use http::Request;
use pome_gateway::token::Secret;
use pome_gateway::{Hosted, HostedConfig, HttpLimits, Recorder, Reply, StartError, Twin, Unanswered};
use pome_sandbox::WorldOptions;
use pome_wire::redact::Redactor;
use pome_wire::time;

use crate::hosting::log::{Handle, ReadError, SessionLog};

/// Largest body of a request to a twin.
pub(crate) const LARGEST_BODY: usize = 16 << 20;

/// What a world starts from.
#[derive(Debug, Clone)]
pub(crate) struct Origin {
    pub(crate) twin: Twin,
    /// Absent: the twin's default.
    pub(crate) seed: Option<Vec<u8>>,
    pub(crate) random_seed: u64,
}

/// The worlds of a session.
#[derive(Debug)]
pub(crate) struct Live {
    pub(crate) id: String,
    pub(crate) log: Arc<SessionLog>,
    worlds: Vec<(String, Hosted)>,
    /// Milliseconds since 1970; as far as is known here.
    pub(crate) expires_at: AtomicI64,
    /// Whether it was noted in this process that the session runs. The note of another may have been lost with it.
    pub(crate) running: AtomicBool,
    /// When it was last called, in milliseconds since 1970.
    pub(crate) used_at: AtomicI64,
}

/// A session cannot be built again.
#[derive(Debug, thiserror::Error)]
pub(crate) enum BuildError {
    #[error("twin `{twin}` cannot start from what it started from before")]
    Start { twin: String, source: StartError },
    #[error("the log of the session cannot be read")]
    Read(#[from] ReadError),
    #[error(transparent)]
    History(#[from] pome_gateway::HistoryError),
    #[error("the database does not answer")]
    Database(#[from] sqlx::Error),
}

/// What every world of this server has in common.
#[derive(Debug, Clone)]
pub(crate) struct Common {
    pub(crate) secret: Secret,
    /// `https://host`, without a slash at the end.
    pub(crate) public_url: String,
}

impl Live {
    /// Opens the worlds as their seeds say.
    pub(crate) fn open(
        id: &str,
        origins: &[Origin],
        log: Arc<SessionLog>,
        common: &Common,
        expires_at: i64,
    ) -> Result<Self, (String, StartError)> {
        let recorder = Recorder::logged(Arc::new(Handle(Arc::clone(&log))), id.to_owned(), Redactor::default());
        let mut worlds = Vec::with_capacity(origins.len());
        for origin in origins {
            let twin = origin.twin.component().description().id.clone();
            let config = HostedConfig {
                world: WorldOptions { seed: origin.seed.clone(), clock: None, random_seed: origin.random_seed },
                recorder: recorder.clone(),
                secret: common.secret.clone(),
                public: format!("{}/{twin}/{id}", common.public_url),
                limits: HttpLimits { body: LARGEST_BODY, ..HttpLimits::default() },
            };
            let world = Hosted::open(&origin.twin, config).map_err(|error| (twin.clone(), error))?;
            worlds.push((twin, world));
        }
        Ok(Self {
            id: id.to_owned(),
            log,
            worlds,
            expires_at: AtomicI64::new(expires_at),
            running: AtomicBool::new(false),
            used_at: AtomicI64::new(time::now_millis()),
        })
    }

    /// Opens the worlds and lets everything happen again that the log holds, up to and including entry `until`.
    pub(crate) async fn build(
        id: &str,
        origins: &[Origin],
        log: Arc<SessionLog>,
        common: &Common,
        expires_at: i64,
        until: i64,
    ) -> Result<Self, BuildError> {
        let live = Self::open(id, origins, log, common, expires_at)
            .map_err(|(twin, source)| BuildError::Start { twin, source })?;
        let mut all = false;
        for (_, world) in &live.worlds {
            all |= world.counts_every_call().await;
        }
        let mut after = 0;
        loop {
            let page = live.log.page(after, all).await?;
            let Some(last) = page.last().map(|kept| kept.seq) else { break };
            let (now, later): (Vec<_>, Vec<_>) = page.into_iter().partition(|kept| kept.seq <= until);
            // Worlds do not see each other, so the order among them does not matter.
            for (twin, world) in &live.worlds {
                world.play(now.iter().filter(|kept| kept.twin == *twin).map(|kept| kept.call.clone())).await?;
            }
            if !later.is_empty() {
                break;
            }
            after = last;
        }
        let (last, events) = live.log.last().await?;
        if until == i64::MAX {
            live.log.goes_on_after(last);
            for (twin, event) in events {
                if let Some(world) = live.world(&twin) {
                    world.counts_from(u64::try_from(event).unwrap_or_default()).await;
                }
            }
        }
        Ok(live)
    }

    /// The world of a twin.
    pub(crate) fn world(&self, twin: &str) -> Option<&Hosted> {
        self.worlds.iter().find(|(id, _)| id == twin).map(|(_, world)| world)
    }

    /// The worlds by their twins, the primary one first.
    pub(crate) fn worlds(&self) -> impl Iterator<Item = (&str, &Hosted)> {
        self.worlds.iter().map(|(twin, world)| (twin.as_str(), world))
    }

    /// Lets a twin answer. `path` is below the session and begins with a slash.
    pub(crate) async fn answer(
        &self,
        twin: &str,
        request: Request<Bytes>,
        call_id: &str,
    ) -> Option<Result<Reply, Unanswered>> {
        self.used_at.store(time::now_millis(), Ordering::Relaxed);
        Some(self.world(twin)?.answer(request, Some(call_id).filter(|id| !id.is_empty())).await)
    }
}
