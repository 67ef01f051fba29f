//! Twins at a control plane: one session for all of them, their states and calls fetched before and after the agent.

use std::collections::{BTreeMap, BTreeSet};
use std::convert::Infallible;
use std::net::{IpAddr, SocketAddr};
use std::time::Duration;

use pome_capture::Target;
use pome_hosted::{Client, Ended as SessionEnd, OpenSession, OpenTwin};
use pome_sandbox::{Judge, VariableValue};
use pome_wire::control::{Evaluator, SeedApplied};
use pome_wire::meta::SeedSource;
use pome_wire::{env, host};
use serde_json::Value;

use crate::agent::ToldTwin;
use crate::evaluate::{Evidence, View, array_of};
use crate::hosting::{self, Error, Hosting, ask};
use crate::plan::Plan;
use crate::venue::States;

/// Between two signs of life of a session.
const HEARTBEAT: Duration = Duration::from_mins(5);

/// The session of one run.
#[derive(Debug)]
pub(crate) struct Hosted {
    lease: Lease,
    service_name: String,
    agent_id: Option<String>,
    collector: Option<String>,
    twins: Vec<Twin>,
    before: States,
    /// Calls that are older than the agent, by twin.
    older: BTreeMap<String, BTreeSet<String>>,
    calls: BTreeMap<String, Vec<Vec<u8>>>,
}

#[derive(Debug)]
struct Twin {
    at: OpenTwin,
    judge: Judge,
    variables: Vec<(String, VariableValue)>,
}

impl Hosted {
    /// A session whose twins have not been looked at yet; it is given back when its twins are not those of the scenario.
    pub(crate) fn new(plan: &Plan, lease: Lease) -> Result<Self, (Error, Lease)> {
        let mut twins = Vec::new();
        for twin in &plan.twins {
            let Some(at) = lease.session.twins.iter().find(|at| at.name == twin.id) else {
                let names = lease.session.twins.iter().map(|twin| twin.name.as_str()).collect::<Vec<_>>().join(", ");
                return Err((Error::OtherTwins { session: lease.session.id.clone(), twins: names }, lease));
            };
            let description = twin.component.description();
            let variables = description.variables.iter().map(|variable| (variable.name.clone(), variable.value));
            twins.push(Twin { at: at.clone(), judge: twin.component.judge(), variables: variables.collect() });
        }
        let agent_id = lease.hosting.agent_id().map(str::to_owned);
        Ok(Self {
            service_name: agent_id.clone().unwrap_or_else(|| "pome-agent".to_owned()),
            agent_id,
            collector: plan.environment.get(env::OTEL_COLLECTOR_URL).cloned(),
            lease,
            twins,
            before: States::default(),
            older: BTreeMap::new(),
            calls: BTreeMap::new(),
        })
    }

    pub(crate) fn id(&self) -> &str {
        &self.lease.session.id
    }

    pub(crate) fn token(&self) -> &str {
        self.lease.session.agent_token.expose()
    }

    /// Texts that must not be written anywhere.
    pub(crate) fn secrets(&self) -> Vec<String> {
        let credentials = self.lease.session.provider_credentials.values();
        let vendors = credentials.flat_map(|credential| [&credential.token, &credential.api_key]).flatten();
        let tokens = vendors.chain([&self.lease.session.agent_token]).map(|token| token.expose().to_owned());
        tokens.chain(self.lease.hosting.secrets.iter().cloned()).collect()
    }

    /// Where the seed came from.
    pub(crate) fn seed_source(&self, plan: &Plan) -> SeedSource {
        match self.lease.session.seed_applied {
            // Nothing was sent, or the server says that it was ignored.
            Some(SeedApplied::Default) => SeedSource::Default,
            _ if plan.seed.is_none() => SeedSource::Server,
            _ => plan.seed_source,
        }
    }

    /// Whether the control plane judges this run.
    pub(crate) fn judges(&self) -> bool {
        self.lease.hosting.evaluator.unwrap_or(self.lease.session.evaluation) == Evaluator::Server
    }

    /// What of the server's answer the person should know.
    pub(crate) fn remarks(&self, plan: &Plan) -> Vec<String> {
        let ignored = plan.seed.is_some() && self.lease.session.seed_applied == Some(SeedApplied::Default);
        let remark = "the control plane ignored the seed; the twins started from their default seeds";
        ignored.then(|| remark.to_owned()).into_iter().collect()
    }

    /// The first look at the twins.
    pub(crate) async fn open(&mut self) -> Result<(), Error> {
        self.before = self.states().await?;
        Ok(())
    }

    /// The states as they were before anything was started.
    pub(crate) fn before(&self) -> States {
        self.before.clone()
    }

    /// Calls up to now are not the agent's.
    pub(crate) async fn forget_calls(&mut self) -> Result<(), Error> {
        for (twin, rows) in self.events().await? {
            self.older.insert(twin, rows.iter().filter_map(id_of).collect());
        }
        Ok(())
    }

    /// The states and the agent's calls.
    pub(crate) async fn collect(&mut self) -> Result<States, Error> {
        let (states, events) = tokio::try_join!(self.states(), self.events())?;
        for (twin, rows) in events {
            let older = self.older.get(&twin);
            let is_older = |row: &Value| older.is_some_and(|older| id_of(row).is_some_and(|id| older.contains(&id)));
            let rows = rows.into_iter().filter(|row| !is_older(row)).map(|mut row| {
                if let Value::Object(row) = &mut row
                    && row.get("twin").is_none_or(Value::is_null)
                {
                    row.insert("twin".to_owned(), twin.as_str().into());
                }
                row.to_string().into_bytes()
            });
            self.calls.insert(twin.clone(), rows.collect());
        }
        Ok(states)
    }

    async fn states(&self) -> Result<States, Error> {
        let all = self.of_each(|client, twin, token| client.twin_state(&twin.api_url, token)).await?;
        let view = |state: Value| Some(View::of_redacted(state.to_string().into_bytes()));
        let by_twin = all.into_iter().map(|(twin, state)| (twin, view(state))).collect();
        Ok(States { by_twin, warnings: Vec::new() })
    }

    async fn events(&self) -> Result<Vec<(String, Vec<Value>)>, Error> {
        self.of_each(|client, twin, token| client.twin_events(&twin.api_url, token)).await
    }

    /// Asks every twin the same, side by side; the answers are in the order of the twins.
    async fn of_each<T: Send + 'static>(
        &self,
        question: fn(&Client, &OpenTwin, &pome_wire::control::Secret) -> Result<T, pome_hosted::Error>,
    ) -> Result<Vec<(String, T)>, Error> {
        let asked: Vec<_> = self
            .twins
            .iter()
            .map(|twin| {
                let (at, token) = (twin.at.clone(), self.lease.session.agent_token.clone());
                let client = self.lease.hosting.client.clone();
                let answer = hosting::patiently(async move || {
                    let (at, token) = (at.clone(), token.clone());
                    ask(&client, move |client| question(client, &at, &token)).await
                });
                (twin.at.name.clone(), tokio::spawn(answer))
            })
            .collect();
        let mut answers = Vec::new();
        for (twin, answer) in asked {
            let answer = answer.await.map_err(|_| Error::Ended)?;
            answers.push((twin, answer.map_err(super::super::hosting::Error::of_twin)?));
        }
        Ok(answers)
    }

    /// Signs of life until the server turns out not to want any. Never returns.
    pub(crate) async fn keep_alive(&self) -> Infallible {
        hosting::keep_alive(&self.lease.hosting.client, self.id(), HEARTBEAT).await
    }

    /// What the agent is told about each twin.
    pub(crate) fn told(&self) -> Vec<ToldTwin> {
        let told = |twin: &Twin| {
            let (rest_url, mcp_url) = (twin.at.api_url.clone(), twin.at.mcp_url.clone());
            let value = |value: VariableValue| match value {
                VariableValue::SessionToken => self.vendor_token(&twin.at.name),
                VariableValue::RestUrl => rest_url.clone(),
                VariableValue::McpUrl => mcp_url.clone(),
            };
            let variables = twin.variables.iter().map(|(name, kind)| (name.clone(), value(*kind))).collect();
            ToldTwin { id: twin.at.name.clone(), variables, rest_url: rest_url.clone(), mcp_url: mcp_url.clone() }
        };
        self.twins.iter().map(told).collect()
    }

    /// GitHub's clients look at the form of a token, so the server may send one of that form.
    fn vendor_token(&self, twin: &str) -> String {
        let of_vendor = self.lease.session.provider_credentials.get(twin).filter(|_| twin == "github");
        let token = of_vendor.and_then(|credential| credential.token.as_ref());
        token.unwrap_or(&self.lease.session.agent_token).expose().to_owned()
    }

    /// Variables of hosted runs only.
    pub(crate) fn extras(&self) -> Vec<(&'static str, String)> {
        let id = self.id();
        let traces = || format!("{}/v1/sessions/{id}/traces", self.lease.hosting.client.base());
        let mut attributes = format!("pome.session_id={id},pome.run_id={id}");
        if let Some(agent) = &self.agent_id {
            attributes.push_str(&format!(",pome.agent_id={agent}"));
        }
        vec![
            (env::TWIN_BASE_URL, self.lease.session.twin_url.clone()),
            (env::SESSION_ID, id.to_owned()),
            (env::OTEL_EXPORTER_OTLP_ENDPOINT, self.collector.clone().unwrap_or_else(traces)),
            (env::OTEL_EXPORTER_OTLP_HEADERS, format!("Authorization=Bearer {}", self.token())),
            (env::OTEL_SERVICE_NAME, self.service_name.clone()),
            (env::OTEL_RESOURCE_ATTRIBUTES, attributes),
        ]
    }

    fn urls(&self) -> impl Iterator<Item = Place> {
        let base = self.lease.hosting.client.base().to_string();
        let twins = self.twins.iter().flat_map(|twin| [twin.at.api_url.clone(), twin.at.mcp_url.clone()]);
        twins.chain([self.lease.session.twin_url.clone(), base]).filter_map(|url| Place::of(&url))
    }

    /// Where the agent may go through the proxy, unrecorded.
    pub(crate) fn targets(&self) -> Vec<Target> {
        self.urls().map(|place| Target { host: place.host, port: place.port }).collect()
    }

    /// Hosts that speak plain HTTP to the agent and are not this machine: the proxy only does tunnels, so it cannot be used there.
    pub(crate) fn direct_hosts(&self) -> Vec<String> {
        let plain = self.urls().filter(|place| place.plain && place.loopback().is_none()).map(|place| place.host);
        plain.collect::<BTreeSet<_>>().into_iter().collect()
    }

    /// What of it listens on this machine.
    pub(crate) fn addresses(&self) -> Vec<SocketAddr> {
        self.urls().filter_map(|place| Some(SocketAddr::new(place.loopback()?, place.port))).collect()
    }

    pub(crate) fn evidence(&self, before: &States, after: &States) -> BTreeMap<String, Evidence> {
        let all = self.twins.iter().map(|twin| {
            let id = &twin.at.name;
            let calls = self.calls.get(id).map(|rows| View::of_redacted(array_of(rows)));
            let (before, after) = (before.of(id), after.of(id));
            (id.clone(), Evidence { judge: twin.judge.clone(), before, after, calls })
        });
        all.collect()
    }

    /// The agent's calls to all twins, by time.
    pub(crate) fn rows(&self) -> Vec<Vec<u8>> {
        let all = self.twins.iter().filter_map(|twin| self.calls.get(&twin.at.name)).flatten();
        let mut rows: Vec<(String, Vec<u8>)> = all.map(|row| (time_of(row), row.clone())).collect();
        rows.sort_by(|left, right| left.0.cmp(&right.0));
        rows.into_iter().map(|(_, row)| row).collect()
    }

    /// Ends the session, once; what cannot be done is said.
    pub(crate) async fn close(&mut self, abandoned: Option<&'static str>) -> Vec<String> {
        self.lease.end(abandoned).await
    }
}

/// Scheme, host and port of an address.
struct Place {
    plain: bool,
    host: String,
    port: u16,
}

impl Place {
    fn of(url: &str) -> Option<Self> {
        let url = url::Url::parse(url).ok()?;
        let host = host::normal(url.host_str()?.trim_start_matches('[').trim_end_matches(']'));
        Some(Self { plain: url.scheme() == "http", host, port: url.port_or_known_default()? })
    }

    fn loopback(&self) -> Option<IpAddr> {
        let localhost =
            (self.host == "localhost" || self.host.ends_with(".localhost")).then_some([127, 0, 0, 1].into());
        self.host.parse::<IpAddr>().ok().filter(IpAddr::is_loopback).or(localhost)
    }
}

fn id_of(row: &Value) -> Option<String> {
    let id = row.get("request_id").filter(|id| !id.is_null()).or_else(|| row.get("event_id"))?;
    id.as_str().map(str::to_owned)
}

fn time_of(row: &[u8]) -> String {
    let row: Option<Value> = serde_json::from_slice(row).ok();
    row.and_then(|row| Some(row.get("ts")?.as_str()?.to_owned())).unwrap_or_default()
}

/// A session that is ended when nobody holds it any more.
#[derive(Debug)]
pub(crate) struct Lease {
    pub(crate) session: OpenSession,
    hosting: std::sync::Arc<Hosting>,
    /// Whether it is ours to end.
    ours: bool,
    ended: bool,
}

impl Lease {
    /// `ours`: it was opened for this run and is not to be kept.
    pub(crate) fn new(session: OpenSession, hosting: std::sync::Arc<Hosting>, ours: bool) -> Self {
        Self { session, hosting, ours, ended: false }
    }

    /// Gives it up with a word when there is one, and ends it. What cannot be done is said.
    pub(crate) async fn end(&mut self, abandoned: Option<&'static str>) -> Vec<String> {
        if !self.ours || self.ended {
            return Vec::new();
        }
        self.ended = true;
        let id = self.session.id.clone();
        let ending = ask(&self.hosting.client, move |client| Ok(end(client, &id, abandoned)));
        ending.await.unwrap_or_else(|error| vec![error.to_string()])
    }
}

impl Drop for Lease {
    /// Only after a panic: everything else ends the session itself.
    fn drop(&mut self) {
        if self.ended || !self.ours {
            return;
        }
        let (client, id) = (self.hosting.client.clone(), self.session.id.clone());
        // Requests block, which this thread may not be allowed to do.
        let ending = std::thread::spawn(move || end(&client, &id, Some("trial_crashed")));
        let _ = ending.join();
    }
}

fn end(client: &Client, id: &str, abandoned: Option<&str>) -> Vec<String> {
    let mut warnings = Vec::new();
    if let Some(code) = abandoned
        && let Err(error) = client.abandon(id, code)
    {
        warnings.push(format!("session `{id}` could not be abandoned: {}", crate::artifacts::chain(&error)));
    }
    match client.end_session_quickly(id) {
        Ok(SessionEnd::Closed | SessionEnd::AlreadyClosed) => {}
        Ok(SessionEnd::Ungraded(_)) => warnings.push(format!(
            "the control plane did not end session `{id}`: nothing is graded, and it took no confirmation"
        )),
        Err(error) if error.status() == Some(404) => {}
        Err(error) => warnings.push(format!(
            "session `{id}` may still be open ({}); `pome sessions kill {id}` ends it",
            crate::artifacts::chain(&error)
        )),
    }
    warnings
}
