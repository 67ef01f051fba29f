//! Where the twins of a run are: in this process (`local`) or at a control plane (`hosted`). The sequence of a run asks here and
//! is the same for both.

mod hosted;
mod local;

use std::collections::BTreeMap;
use std::convert::Infallible;
use std::net::SocketAddr;
use std::time::Duration;

use pome_capture::{Route, Target};
use pome_gateway::Recorder;
use pome_wire::Exit;
use pome_wire::meta::SeedSource;

use crate::agent::ToldTwin;
use crate::evaluate::{Evidence, View};
use crate::hosting;
use crate::plan::Plan;

pub(crate) use hosted::{Hosted, Lease};
pub(crate) use local::Local;

/// The twins of one run.
#[derive(Debug)]
pub(crate) enum Venue {
    Local(Local),
    Hosted(Box<Hosted>),
}

/// The twins did not come up, or did not do as they should.
#[derive(Debug, thiserror::Error)]
pub(crate) enum Error {
    #[error(transparent)]
    Local(#[from] local::Error),
    #[error(transparent)]
    Hosted(#[from] hosting::Error),
}

impl Error {
    pub(crate) fn exit(&self) -> Exit {
        match self {
            Self::Local(_) => Exit::Orchestrator,
            Self::Hosted(error) => error.exit(),
        }
    }

    pub(crate) fn hint(&self) -> Option<String> {
        match self {
            Self::Local(_) => None,
            Self::Hosted(error) => error.hint(),
        }
    }
}

/// One export of every twin, in scenario order.
#[derive(Debug, Clone, Default)]
pub(crate) struct States {
    /// Absent when the twin could not export.
    pub(crate) by_twin: Vec<(String, Option<View>)>,
    pub(crate) warnings: Vec<String>,
}

impl States {
    /// The state of one twin.
    pub(crate) fn of(&self, twin: &str) -> Option<View> {
        self.by_twin.iter().find(|(id, _)| id == twin).and_then(|(_, view)| view.clone())
    }
}

impl Venue {
    /// The place of a run, with its name and its token; its twins are not looked at yet.
    pub(crate) async fn reserve(plan: &Plan, lease: Option<Lease>) -> Result<Self, Error> {
        let Some(hosting) = &plan.hosting else { return Ok(Self::Local(Local::reserve(plan)?)) };
        let lease = match lease {
            Some(lease) => lease,
            None => hosting::lease(hosting, plan).await?,
        };
        match Hosted::new(plan, lease) {
            Ok(hosted) => Ok(Self::Hosted(Box::new(hosted))),
            Err((error, mut lease)) => {
                lease.end(None).await;
                Err(error.into())
            }
        }
    }

    /// Whether the twins are in this process.
    pub(crate) fn is_near(&self) -> bool {
        matches!(self, Self::Local(_))
    }

    /// Whether it judges its runs itself.
    pub(crate) fn judges(&self) -> bool {
        match self {
            Self::Local(_) => false,
            Self::Hosted(hosted) => hosted.judges(),
        }
    }

    pub(crate) fn run_id(&self) -> &str {
        match self {
            Self::Local(local) => local.run_id(),
            Self::Hosted(hosted) => hosted.id(),
        }
    }

    pub(crate) fn token(&self) -> &str {
        match self {
            Self::Local(local) => local.token(),
            Self::Hosted(hosted) => hosted.token(),
        }
    }

    /// Texts that must not be written anywhere.
    pub(crate) fn secrets(&self) -> Vec<String> {
        match self {
            Self::Local(local) => vec![local.token().to_owned()],
            Self::Hosted(hosted) => hosted.secrets(),
        }
    }

    /// What the person should know about it.
    pub(crate) fn remarks(&self, plan: &Plan) -> Vec<String> {
        match self {
            Self::Local(_) => Vec::new(),
            Self::Hosted(hosted) => hosted.remarks(plan),
        }
    }

    pub(crate) fn seed_source(&self, plan: &Plan) -> SeedSource {
        match self {
            Self::Local(_) => plan.seed_source,
            Self::Hosted(hosted) => hosted.seed_source(plan),
        }
    }

    /// Starts the twins, or looks at those that were started.
    pub(crate) async fn open(&mut self, plan: &Plan, random_seed: u64, recorder: &Recorder) -> Result<(), Error> {
        match self {
            Self::Local(local) => Ok(local.open(plan, random_seed, recorder).await?),
            Self::Hosted(hosted) => Ok(hosted.open().await?),
        }
    }

    /// What the agent is told about each twin.
    pub(crate) fn told(&self) -> Vec<ToldTwin> {
        match self {
            Self::Local(local) => local.told(),
            Self::Hosted(hosted) => hosted.told(),
        }
    }

    /// What else the agent is told.
    pub(crate) fn extras(&self) -> Vec<(&'static str, String)> {
        match self {
            Self::Local(_) => Vec::new(),
            Self::Hosted(hosted) => hosted.extras(),
        }
    }

    /// Where the agent may go through the proxy, unrecorded.
    pub(crate) fn targets(&self) -> Vec<Target> {
        match self {
            Self::Local(local) => local.targets(),
            Self::Hosted(hosted) => hosted.targets(),
        }
    }

    /// Hosts beside this machine that the agent reaches without the proxy.
    pub(crate) fn direct_hosts(&self) -> Vec<String> {
        match self {
            Self::Local(_) => Vec::new(),
            Self::Hosted(hosted) => hosted.direct_hosts(),
        }
    }

    /// Where on this machine the twins listen.
    pub(crate) fn addresses(&self) -> Vec<SocketAddr> {
        match self {
            Self::Local(local) => local.addresses(),
            Self::Hosted(hosted) => hosted.addresses(),
        }
    }

    /// From the hosts that the twins stand in for to the sessions of this run.
    pub(crate) fn routes(&self) -> Vec<Route> {
        match self {
            Self::Local(local) => local.routes(),
            Self::Hosted(_) => Vec::new(),
        }
    }

    /// How long a preflight may take at most.
    pub(crate) fn preflight_limit(&self) -> Duration {
        Duration::from_secs(if self.is_near() { 60 } else { 10 })
    }

    /// Forgets what the preflight did, as far as that is possible: twins of this process are put back to their seeds, of others
    /// the calls are left out later.
    pub(crate) async fn forget_preflight(&mut self) -> Result<(), Error> {
        match self {
            Self::Local(local) => Ok(local.reset().await?),
            Self::Hosted(hosted) => Ok(hosted.forget_calls().await?),
        }
    }

    /// The states before the agent.
    pub(crate) async fn before(&self) -> States {
        match self {
            Self::Local(local) => local.states().await,
            Self::Hosted(hosted) => hosted.before(),
        }
    }

    /// The states after the agent, with its calls.
    pub(crate) async fn after(&mut self) -> Result<States, Error> {
        match self {
            Self::Local(local) => Ok(local.states().await),
            Self::Hosted(hosted) => Ok(hosted.collect().await?),
        }
    }

    /// Signs of life while the agent runs. Never returns.
    pub(crate) async fn keep_alive(&self) -> Infallible {
        match self {
            Self::Local(_) => std::future::pending().await,
            Self::Hosted(hosted) => hosted.keep_alive().await,
        }
    }

    /// Everything that criteria are judged on.
    pub(crate) fn evidence(&self, before: &States, after: &States) -> std::io::Result<BTreeMap<String, Evidence>> {
        match self {
            Self::Local(local) => local.evidence(before, after),
            Self::Hosted(hosted) => Ok(hosted.evidence(before, after)),
        }
    }

    /// The calls of all twins before redaction; nothing when some of them are only known redacted.
    pub(crate) fn raw_rows(&self) -> Option<Vec<Vec<u8>>> {
        match self {
            Self::Local(local) => local.raw_rows(),
            Self::Hosted(_) => None,
        }
    }

    /// The redacted calls of all twins, oldest first.
    pub(crate) fn rows(&self) -> Vec<Vec<u8>> {
        match self {
            Self::Local(local) => local.rows(),
            Self::Hosted(hosted) => hosted.rows(),
        }
    }

    /// Failures of twins during the run: one line each, naming twin, action and event.
    pub(crate) fn failures(&self) -> Vec<String> {
        match self {
            Self::Local(local) => local.failures(),
            Self::Hosted(_) => Vec::new(),
        }
    }

    /// Ends it. `abandoned`: the word with which its session is given up. What cannot be done is said; the second time nothing
    /// is done.
    pub(crate) async fn close(&mut self, abandoned: Option<&'static str>) -> Vec<String> {
        match self {
            Self::Local(local) => {
                local.close().await;
                Vec::new()
            }
            Self::Hosted(hosted) => hosted.close(abandoned).await,
        }
    }
}
