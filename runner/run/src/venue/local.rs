//! Twins in this process, one loopback listener each, one recorder and one token for all.

use std::collections::BTreeMap;
use std::sync::Arc;

use pome_capture::{Destination, Route, Target, TwinSession};
use pome_gateway::token::{self, Claims, MintError, Secret};
use pome_gateway::{Recorder, RuntimeInfo, Server, ServerConfig, StartError, Trapped};
use pome_sandbox::{Fault, VariableValue, VendorHost, WorldOptions};
use pome_wire::{host, time};

use crate::agent::ToldTwin;
use crate::evaluate::{self, Evidence, View};
use crate::ids;
use crate::plan::{Plan, TwinPlan};
use crate::venue::States;

/// The twins did not come up.
#[derive(Debug, thiserror::Error)]
pub(crate) enum Error {
    #[error("no session token can be made")]
    Token(#[from] MintError),
    #[error(transparent)]
    Start(#[from] StartError),
    #[error(transparent)]
    Random(#[from] ids::NoRandom),
    /// A twin could not be put back to its seed.
    #[error(transparent)]
    Reset(#[from] Fault),
}

/// The token of a run.
#[derive(Debug)]
struct Access {
    token: String,
    secret: Secret,
}

impl Access {
    /// Mints a token for all twins of a run.
    fn mint(plan: &Plan, run_id: &str) -> Result<Self, Error> {
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
    run_id: String,
    access: Access,
    /// Of its calls; there once the twins are.
    recorder: Option<Recorder>,
    twins: Vec<Twin>,
}

#[derive(Debug)]
struct Twin {
    plan: TwinPlan,
    server: Server,
}

impl Local {
    /// A run without twins: its name and its token.
    pub(crate) fn reserve(plan: &Plan) -> Result<Self, Error> {
        let run_id = ids::run()?;
        let access = Access::mint(plan, &run_id)?;
        Ok(Self { run_id, access, recorder: None, twins: Vec::new() })
    }

    pub(crate) fn run_id(&self) -> &str {
        &self.run_id
    }

    pub(crate) fn token(&self) -> &str {
        &self.access.token
    }

    /// Starts every twin with its seed.
    pub(crate) async fn open(&mut self, plan: &Plan, random_seed: u64, recorder: &Recorder) -> Result<(), Error> {
        self.recorder = Some(recorder.clone());
        for twin in &plan.twins {
            let mut config = ServerConfig::new(twin.component.clone(), recorder.clone(), self.access.secret.clone());
            config.world = WorldOptions { random_seed, ..twin.world.clone() };
            config.admin_token.clone_from(&plan.admin_token);
            let policy = plan.deliveries.clone();
            config.reach = Some(Arc::new(move |host| policy.allows_host(host)));
            config.runtime =
                RuntimeInfo { version: twin.component.description().version.clone(), ..RuntimeInfo::default() };
            self.twins.push(Twin { plan: twin.clone(), server: Server::start(config).await? });
        }
        Ok(())
    }

    /// What the agent is told about each twin.
    pub(crate) fn told(&self) -> Vec<ToldTwin> {
        let (run_id, token) = (&self.run_id, &self.access.token);
        let told = |twin: &Twin| {
            let (rest_url, mcp_url) = (twin.server.rest_url(run_id), twin.server.mcp_url(run_id));
            let value = |value: VariableValue| match value {
                VariableValue::SessionToken => token.clone(),
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
    pub(crate) fn routes(&self) -> Vec<Route> {
        let Self { run_id, access, .. } = self;
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

    /// The same as hosts and ports: agents also say `localhost`.
    pub(crate) fn targets(&self) -> Vec<Target> {
        let both = |address: std::net::SocketAddr| {
            [address.ip().to_string(), "localhost".to_owned()].map(|host| Target { host, port: address.port() })
        };
        self.addresses().into_iter().flat_map(both).collect()
    }

    /// Every twin back to its seed.
    pub(crate) async fn reset(&self) -> Result<(), Error> {
        for twin in &self.twins {
            twin.server.reseed().await?;
        }
        Ok(())
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
        let Some(recorder) = &self.recorder else { return Ok(BTreeMap::new()) };
        self.twins
            .iter()
            .map(|Twin { plan: TwinPlan { id, component, .. }, .. }| {
                // A very long run gives up raw rows; then it is judged as if only the written trace were at hand.
                let complete = recorder.raw_dropped() == 0;
                let calls = View {
                    raw: complete.then(|| recorder.raw_rows(id)).transpose()?.map(|rows| evaluate::array_of(&rows)),
                    redacted: evaluate::array_of(&recorder.rows(id)?),
                };
                let evidence = Evidence {
                    judge: component.judge(),
                    before: before.of(id),
                    after: after.of(id),
                    calls: Some(calls),
                };
                Ok((id.clone(), evidence))
            })
            .collect()
    }

    /// The calls of all twins before redaction; nothing when some of them are only known redacted.
    pub(crate) fn raw_rows(&self) -> Option<Vec<Vec<u8>>> {
        let recorder = self.recorder.as_ref().filter(|recorder| recorder.raw_dropped() == 0)?;
        let rows = self.twins.iter().map(|twin| recorder.raw_rows(&twin.plan.id));
        rows.collect::<Result<Vec<_>, _>>().ok().map(|rows| rows.concat())
    }

    /// The redacted calls of all twins, oldest first.
    pub(crate) fn rows(&self) -> Vec<Vec<u8>> {
        let Some(recorder) = &self.recorder else { return Vec::new() };
        let mut rows: Vec<Vec<u8>> =
            self.twins.iter().flat_map(|twin| recorder.rows(&twin.plan.id).unwrap_or_default()).collect();
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
    pub(crate) async fn close(&mut self) {
        for twin in std::mem::take(&mut self.twins) {
            twin.server.stop().await;
        }
    }
}
