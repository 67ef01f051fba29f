//! A control plane as runs use it: opening sessions, signs of life, and which failure means what.
//!
//! The client blocks, so each question has a thread of its own (`ask`).

use std::convert::Infallible;
use std::sync::Arc;
use std::time::Duration;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use pome_hosted::{Address, Cause, Client, idempotency_key};
use pome_wire::Exit;
use pome_wire::control::{CreateSession, Evaluator};

use crate::plan::Plan;
use crate::venue::Lease;

/// A session is asked to live this much longer than its agent may take.
const MARGIN: Duration = Duration::from_mins(10);
/// How long a session lives when nobody says anything.
const USUAL_LIFE: Duration = Duration::from_mins(30);
/// The longest life of a session.
const LONGEST_LIFE: Duration = Duration::from_hours(24);
/// Between two attempts to open a session.
const PAUSE: Duration = Duration::from_secs(2);
/// How often a twin is asked when nobody answers.
const QUESTIONS: u32 = 4;
/// Attempts of a trial whose group has used up the quota.
const ATTEMPTS: u32 = 5;

/// Where hosted runs happen and as whom.
#[derive(Debug)]
pub struct Hosting {
    /// The control plane, with a key.
    pub client: Client,
    /// Its pages for people.
    pub dashboard: Address,
    /// The registered agent that runs belong to.
    pub agent: Option<AgentIdentity>,
    /// Who judges, when the user said so; else the server does.
    pub evaluator: Option<Evaluator>,
    /// An open session to attach to instead of opening one.
    pub reuse: Option<String>,
    /// Leave sessions open.
    pub keep: bool,
    /// Texts that must not be written anywhere, such as the key.
    pub secrets: Vec<String>,
}

/// A registered agent.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct AgentIdentity {
    /// `agt_...`
    pub id: String,
    /// Its name in addresses, when it is known.
    pub slug: Option<String>,
}

impl Hosting {
    pub(crate) fn agent_id(&self) -> Option<&str> {
        self.agent.as_ref().map(|agent| agent.id.as_str())
    }

    /// The page of a group of trials.
    pub(crate) fn page_of_trials(&self, task: &str, group: &str) -> String {
        let slug = self.agent.as_ref().and_then(|agent| agent.slug.as_deref());
        pome_hosted::links::trials(&self.dashboard, task, slug, Some(group), self.agent_id())
    }
}

/// Something at the control plane did not work.
#[derive(Debug, thiserror::Error)]
pub(crate) enum Error {
    #[error(transparent)]
    Request(pome_hosted::Error),
    /// The same for what a twin was asked, where the status says nothing about the user's key.
    #[error(transparent)]
    Twin(pome_hosted::Error),
    #[error("session `{session}` is {state}; only one that is ready or running can be used again")]
    NotOpen { session: String, state: &'static str },
    #[error("session `{session}` has other twins than the scenario: {twins}")]
    OtherTwins { session: String, twins: String },
    #[error("the request ended unexpectedly")]
    Ended,
}

impl Error {
    pub(crate) fn exit(&self) -> Exit {
        match self {
            Self::Request(error) => error.exit(),
            Self::Twin(_) | Self::NotOpen { .. } | Self::OtherTwins { .. } | Self::Ended => Exit::Orchestrator,
        }
    }

    pub(crate) fn hint(&self) -> Option<String> {
        match self {
            Self::Request(error) | Self::Twin(error) => error.hint().map(str::to_owned),
            Self::NotOpen { .. } => Some("`pome sessions list` shows the open ones".to_owned()),
            Self::OtherTwins { .. } => {
                Some("`pome sessions create --twin <name>` opens one with the twins that are needed".to_owned())
            }
            Self::Ended => None,
        }
    }

    /// The same error, asked of a twin.
    pub(crate) fn of_twin(self) -> Self {
        match self {
            Self::Request(error) => Self::Twin(error),
            other => other,
        }
    }

    fn is_quota(&self) -> bool {
        self.exit() == Exit::Quota
    }

    /// Whether the same question may find somebody the next time: a session moves when its host goes away.
    fn may_pass(&self) -> bool {
        self.is_network() || matches!(self, Self::Request(error) if matches!(error.status(), Some(502..=504)))
    }

    fn is_network(&self) -> bool {
        matches!(self, Self::Request(error) if matches!(error.cause, Cause::NoAnswer { .. }))
    }
}

/// Asks the control plane on a thread that may block.
pub(crate) async fn ask<T: Send + 'static>(
    client: &Client,
    question: impl FnOnce(&Client) -> Result<T, pome_hosted::Error> + Send + 'static,
) -> Result<T, Error> {
    let client = client.clone();
    let answer = tokio::task::spawn_blocking(move || question(&client)).await;
    answer.map_err(|_| Error::Ended)?.map_err(Error::Request)
}

/// Asks again, a few times, when nobody was there to answer. For questions only.
pub(crate) async fn patiently<T>(question: impl AsyncFn() -> Result<T, Error>) -> Result<T, Error> {
    for _ in 1..QUESTIONS {
        match question().await {
            Err(error) if error.may_pass() => tokio::time::sleep(PAUSE).await,
            result => return result,
        }
    }
    question().await
}

/// The session of a run: a new one, or the one that the user named.
pub(crate) async fn lease(hosting: &Arc<Hosting>, plan: &Plan) -> Result<Lease, Error> {
    let Some(named) = hosting.reuse.clone() else {
        let opened = open(&hosting.client, session_of(hosting, plan)).await?;
        return Ok(Lease::new(opened, Arc::clone(hosting), !hosting.keep));
    };
    let session = ask(&hosting.client, {
        let named = named.clone();
        move |client| client.session(&named)
    });
    let state = session.await?.state;
    if !matches!(state, pome_wire::control::SessionState::Ready | pome_wire::control::SessionState::Running) {
        return Err(Error::NotOpen { session: named, state: state.as_str() });
    }
    let attached = ask(&hosting.client, move |client| client.attach(&named)).await?;
    Ok(Lease::new(attached, Arc::clone(hosting), false))
}

/// A session for a trial whose group has used up the quota: tried again while others end.
pub(crate) async fn lease_when_free(hosting: &Arc<Hosting>, plan: &Plan) -> Result<Lease, Error> {
    let mut attempt = 1;
    loop {
        match lease(hosting, plan).await {
            Err(error) if error.is_quota() && attempt < ATTEMPTS => attempt += 1,
            result => return result,
        }
        tokio::time::sleep(PAUSE).await;
    }
}

/// As many sessions as the quota allows, at most `count`. An error means that there is none: what was opened is ended again.
pub(crate) async fn leases(hosting: &Arc<Hosting>, plan: &Plan, count: usize) -> Result<Vec<Lease>, Error> {
    let mut leases: Vec<Lease> = Vec::new();
    while leases.len() < count {
        match lease(hosting, plan).await {
            Ok(lease) => leases.push(lease),
            Err(error) if error.is_quota() && !leases.is_empty() => break,
            Err(error) => {
                for mut lease in leases {
                    lease.end(None).await;
                }
                return Err(error);
            }
        }
    }
    Ok(leases)
}

/// Opens a session. A request that got no answer is repeated once, with a key that makes the repetition harmless.
async fn open(client: &Client, document: CreateSession) -> Result<pome_hosted::OpenSession, Error> {
    let again = CreateSession { idempotency_key: Some(idempotency_key()), ..document.clone() };
    match ask(client, move |client| client.create_session(&document)).await {
        Err(error) if error.is_network() => {
            tokio::time::sleep(PAUSE).await;
            ask(client, move |client| client.create_session(&again)).await
        }
        result => result,
    }
}

fn session_of(hosting: &Hosting, plan: &Plan) -> CreateSession {
    let life = plan.timeout.saturating_add(MARGIN);
    CreateSession {
        twins: plan.twins.iter().map(|twin| twin.id.clone()).collect(),
        scenario_source: Some(STANDARD.encode(&plan.source)),
        scenario_id: None,
        seed: plan.seed.clone(),
        idempotency_key: None,
        group_id: plan.group_id.clone(),
        agent_id: hosting.agent_id().map(str::to_owned),
        agent_version: plan.agent_version.clone(),
        tags: plan.tags.clone(),
        ttl_seconds: (life > USUAL_LIFE).then(|| life.min(LONGEST_LIFE).as_secs()),
    }
}

/// Signs of life of a session at this interval, until the server turns out not to want any. Never returns.
pub(crate) async fn keep_alive(client: &Client, session: &str, interval: Duration) -> Infallible {
    loop {
        tokio::time::sleep(interval).await;
        let session = session.to_owned();
        // What fails otherwise may work the next time; whether the session is still there shows when it is collected.
        if let Ok(None) = ask(client, move |client| client.heartbeat(&session)).await {
            return std::future::pending().await;
        }
    }
}

#[cfg(test)]
mod tests;
