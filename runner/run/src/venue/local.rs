//! Twins in this process, one loopback listener each, one recorder and one token for all.

use std::collections::BTreeMap;
use std::path::Path;
use std::sync::Arc;

use pome_capture::{Destination, Route, TwinSession};
use pome_gateway::token::{self, Claims, MintError, Secret};
use pome_gateway::{Recorder, RecorderError, RecorderOptions, RuntimeInfo, Server, ServerConfig, StartError, Trapped};
use pome_sandbox::{Fault, VariableValue, VendorHost, WorldOptions};
use pome_wire::redact::Redactor;
use pome_wire::{host, time};

use crate::agent::ToldTwin;
use crate::evaluate::{self, Evidence, View};
use crate::ids;
use crate::plan::{Plan, TwinPlan};

/// The twins did not come up.
#[derive(Debug, thiserror::Error)]
pub(crate) enum Error {
    #[error("the trace cannot be recorded")]
    Recorder(#[from] RecorderError),
    #[error("no session token can be made")]
    Token(#[from] MintError),
    #[error(transparent)]
    Start(#[from] StartError),
    #[error(transparent)]
    Random(#[from] ids::NoRandom),
}

/// A twin failed or the trace could not be reset while the run was being prepared.
#[derive(Debug, thiserror::Error)]
pub(crate) enum ResetError {
    #[error(transparent)]
    Fault(#[from] Fault),
    #[error("the trace of the preflight cannot be cleared")]
    Trace(#[from] std::io::Error),
}

/// The token of a run, and how to remove it from what is written.
#[derive(Debug)]
pub(crate) struct Access {
    pub(crate) token: String,
    secret: Secret,
}

impl Access {
    /// Mints a token for all twins of a run.
    pub(crate) fn mint(plan: &Plan, run_id: &str) -> Result<Self, Error> {
        let secret = match &plan.secret {
            Some(secret) => Secret::new(secret),
            None => Secret::new(&ids::secret()?),
        };
        let lifetime = (2 * plan.timeout.as_secs()).max(600);
        let now = u64::try_from(time::now_millis() / 1000).unwrap_or_default();
        let mut extra = vec![("login".to_owned(), "pome-agent".to_owned())];
        for (name, value) in plan.twins.iter().flat_map(|twin| &twin.component.description().tokens.claims) {
            if !extra.iter().any(|(known, _)| known == name) {
                extra.push((name.clone(), value.clone()));
            }
        }
        let claims = Claims {
            sid: run_id.to_owned(),
            team_id: "tm_local".to_owned(),
            exp: Some(now + lifetime),
            iat: None,
            extra,
        };
        Ok(Self { token: token::mint(&secret, &claims)?, secret })
    }
}

/// Length of `{"ts":"YYYY-MM-DDTHH:MM:SS.mmmZ"`, with which every row starts.
const TIME: usize = 32;

/// The running twins of one run.
#[derive(Debug)]
pub(crate) struct Local {
    pub(crate) recorder: Recorder,
    twins: Vec<Twin>,
}

#[derive(Debug)]
struct Twin {
    plan: TwinPlan,
    server: Server,
}

/// One export of every twin, in scenario order.
#[derive(Debug, Clone, Default)]
pub(crate) struct States {
    /// Absent when the twin could not export.
    pub(crate) by_twin: Vec<(String, Option<View>)>,
    pub(crate) warnings: Vec<String>,
}

impl Local {
    /// The recorder that all twins of a run share.
    pub(crate) fn recorder(plan: &Plan, run_id: &str, events: &Path, redactor: &Redactor) -> Result<Recorder, Error> {
        let (path, run_id, redactor) = (Some(events.to_owned()), run_id.to_owned(), redactor.clone());
        Ok(Recorder::create(RecorderOptions { path, run_id, durable: plan.durable, redactor })?)
    }

    /// Starts every twin with its seed.
    pub(crate) async fn open(
        plan: &Plan,
        random_seed: u64,
        access: &Access,
        recorder: Recorder,
    ) -> Result<Self, Error> {
        let mut twins = Vec::new();
        for twin in &plan.twins {
            let mut config = ServerConfig::new(twin.component.clone(), recorder.clone(), access.secret.clone());
            config.world = WorldOptions { random_seed, ..twin.world.clone() };
            config.admin_token.clone_from(&plan.admin_token);
            let policy = plan.deliveries.clone();
            config.reach = Some(Arc::new(move |host| policy.allows_host(host)));
            config.runtime =
                RuntimeInfo { version: twin.component.description().version.clone(), ..RuntimeInfo::default() };
            twins.push(Twin { plan: twin.clone(), server: Server::start(config).await? });
        }
        Ok(Self { recorder, twins })
    }

    /// What the agent is told about each twin.
    pub(crate) fn told(&self, run_id: &str, token: &str) -> Vec<ToldTwin> {
        let told = |twin: &Twin| {
            let (rest_url, mcp_url) = (twin.server.rest_url(run_id), twin.server.mcp_url(run_id));
            let value = |value: VariableValue| match value {
                VariableValue::SessionToken => token.to_owned(),
                VariableValue::RestUrl => rest_url.clone(),
                VariableValue::McpUrl => mcp_url.clone(),
            };
            let variables = &twin.plan.component.description().variables;
            ToldTwin {
                id: twin.plan.id.clone(),
                variables: variables.iter().map(|variable| (variable.name.clone(), value(variable.value))).collect(),
                rest_url: rest_url.clone(),
                mcp_url: mcp_url.clone(),
            }
        };
        self.twins.iter().map(told).collect()
    }

    /// From the hosts that the twins stand in for to the sessions of this run.
    pub(crate) fn routes(&self, run_id: &str, access: &Access) -> Vec<Route> {
        let of_twin = |twin: &Twin| {
            let hosts = &twin.plan.component.description().hosts;
            // A host that serves one door only is no place that other addresses could start with.
            let shown = hosts.iter().find(|host| host.root.is_empty()).map(|host| host.name.clone());
            let address = twin.server.address();
            let route = |host: &VendorHost| Route {
                host: host::normal(&host.name),
                to: Destination::Twin(TwinSession {
                    address,
                    session: format!("/s/{run_id}"),
                    root: host.root.clone(),
                    token: access.token.clone(),
                    shown_host: shown.clone().filter(|_| !host.root.is_empty()),
                }),
            };
            hosts.iter().map(route).collect::<Vec<_>>()
        };
        self.twins.iter().flat_map(of_twin).collect()
    }

    /// Addresses of the twins.
    pub(crate) fn addresses(&self) -> Vec<std::net::SocketAddr> {
        self.twins.iter().map(|twin| twin.server.address()).collect()
    }

    /// Forgets the preflight: every twin back to its seed, the trace empty.
    pub(crate) async fn reset(&self) -> Result<(), ResetError> {
        for twin in &self.twins {
            twin.server.reseed().await?;
        }
        Ok(self.recorder.clear()?)
    }

    /// The states now. A twin that cannot export is reported in a warning.
    pub(crate) async fn states(&self) -> States {
        let mut states = States::default();
        for Twin { plan, server } in &self.twins {
            let exported = async { Ok::<_, Fault>((server.export_state().await?, server.public_state().await?)) };
            let view = match exported.await {
                Ok((raw, redacted)) => Some(View { raw: Some(raw), redacted }),
                Err(fault) => {
                    states.warnings.push(format!("the state of twin `{}` could not be exported: {fault}", plan.id));
                    None
                }
            };
            states.by_twin.push((plan.id.clone(), view));
        }
        states
    }

    /// Everything that criteria are judged on.
    pub(crate) fn evidence(&self, before: &States, after: &States) -> std::io::Result<BTreeMap<String, Evidence>> {
        let of = |states: &States, id: &str| {
            states.by_twin.iter().find(|(twin, _)| twin == id).and_then(|(_, view)| view.clone())
        };
        self.twins
            .iter()
            .map(|Twin { plan: TwinPlan { id, component, .. }, .. }| {
                // A very long run gives up raw rows; then it is judged as if only the written trace were at hand.
                let complete = self.recorder.raw_dropped() == 0;
                let calls = View {
                    raw: complete
                        .then(|| self.recorder.raw_rows(id))
                        .transpose()?
                        .map(|rows| evaluate::array_of(&rows)),
                    redacted: evaluate::array_of(&self.recorder.rows(id)?),
                };
                let evidence = Evidence {
                    judge: component.judge(),
                    before: of(before, id),
                    after: of(after, id),
                    calls: Some(calls),
                };
                Ok((id.clone(), evidence))
            })
            .collect()
    }

    /// The calls of all twins before redaction; nothing when some of them are only known redacted.
    pub(crate) fn raw_rows(&self) -> Option<Vec<Vec<u8>>> {
        if self.recorder.raw_dropped() > 0 {
            return None;
        }
        let rows = self.twins.iter().map(|twin| self.recorder.raw_rows(&twin.plan.id));
        rows.collect::<Result<Vec<_>, _>>().ok().map(|rows| rows.concat())
    }

    /// The redacted calls of all twins, oldest first.
    pub(crate) fn rows(&self) -> Vec<Vec<u8>> {
        let mut rows: Vec<Vec<u8>> =
            self.twins.iter().flat_map(|twin| self.recorder.rows(&twin.plan.id).unwrap_or_default()).collect();
        if self.twins.len() > 1 {
            // Every row starts with its time, and those compare as bytes.
            rows.sort_by(|a, b| a.get(..TIME).cmp(&b.get(..TIME)));
        }
        rows
    }

    /// Failures of twins during the run: one line each, naming twin, action and event.
    pub(crate) fn failures(&self) -> Vec<String> {
        let traps = self.twins.iter().flat_map(|twin| twin.server.traps());
        let line = |trap: Trapped| match trap.event_id {
            Some(id) => format!("{} (event {}, `{id}`)", trap.fault, trap.event),
            None => format!("{} (event {})", trap.fault, trap.event),
        };
        traps.map(line).collect()
    }

    /// Stops every listener; answers under way leave first.
    pub(crate) async fn close(self) {
        for twin in self.twins {
            twin.server.stop().await;
        }
    }
}
