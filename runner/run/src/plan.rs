//! From what was asked for to what will be done. After this nobody reads a flag, a project file or the environment.

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use pome_capture::EgressPolicy;
use pome_sandbox::{Component, DEFAULT_CLOCK, LoadError, WorldOptions};
use pome_scenario::Scenario;
use pome_wire::meta::SeedSource;
use pome_wire::{Exit, env, time};
use serde_json::{Map, Value};

use crate::artifacts::chain;
pub use crate::capture::Ends;
use crate::confinement::Sandbox;
use crate::evaluators::{Evaluators, Replaced};
use crate::hosting::Hosting;
use crate::judge::Judge;
use crate::{command, ids};

mod components;
mod request;

pub use components::Components;
pub use request::{Agent, Request};

/// Why nothing could be started.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// There is nothing there to run.
    #[error("no scenario at `{}`", path.display())]
    NoScenario {
        /// As given.
        path: PathBuf,
    },
    /// The path cannot be read, or the folder holds no scenario.
    #[error(transparent)]
    Discover(#[from] pome_scenario::Error),
    /// The agent command cannot be split into arguments.
    #[error("agent command `{command}`: {reason}")]
    AgentCommand {
        /// As given.
        command: String,
        /// Which quote or character.
        reason: String,
    },
    /// A command from a project file needs a shell and is not trusted with one.
    #[error("the agent command of the project file needs a shell: `{command}`")]
    ShellInProject {
        /// As it stands in the file.
        command: String,
    },
    /// A route leads to a host that agents may not reach.
    #[error("`--route` leads from `{from}` to `{to}`, which is not on the list of allowed hosts")]
    Route {
        /// The host that is routed.
        from: String,
        /// Where it is routed to.
        to: String,
    },
    /// The component engine does not start.
    #[error(transparent)]
    Engine(#[from] LoadError),
}

impl Error {
    /// How the program ends.
    pub fn exit(&self) -> Exit {
        match self {
            Self::NoScenario { .. }
            | Self::Discover(_)
            | Self::AgentCommand { .. }
            | Self::ShellInProject { .. }
            | Self::Route { .. } => Exit::Usage,
            Self::Engine(_) => Exit::Orchestrator,
        }
    }

    /// What to try next.
    pub fn hint(&self) -> Option<String> {
        match self {
            Self::NoScenario { .. } => Some("scenarios live in `scenarios/`; `pome init` creates one".to_owned()),
            Self::Discover(error) => Some(error.hint()),
            Self::ShellInProject { .. } => Some(format!(
                "put it into a script, pass it with `--agent`, or set {}=1 if you trust the project file",
                env::TRUST_AGENT_COMMAND
            )),
            Self::Route { to, .. } => Some(format!("add it with {}={to}", env::EGRESS_ALLOW)),
            Self::AgentCommand { .. } | Self::Engine(_) => None,
        }
    }
}

/// A scenario made ready: everything is decided, its trials differ in nothing but their number.
#[derive(Debug)]
pub struct Plan {
    /// What is asked and judged.
    pub scenario: Scenario,
    /// What judges beside the twins' own checks.
    pub evaluators: Evaluators,
    /// In scenario order.
    pub twins: Vec<TwinPlan>,
    /// Where the seeds come from.
    pub seed_source: SeedSource,
    /// Where the twins are; absent: in this process.
    pub hosting: Option<Arc<Hosting>>,
    /// What a control plane is told to start from: a seed, or one a twin; absent: the default seeds.
    pub seed: Option<Map<String, Value>>,
    /// The scenario file as it was read.
    pub source: Vec<u8>,
    /// Wall clock of the agent.
    pub timeout: Duration,
    /// The effective threshold.
    pub pass_threshold: f64,
    /// Without repetitions.
    pub tags: Vec<String>,
    /// Program and arguments of the agent.
    pub argv: Vec<String>,
    /// The runner's environment; little of it reaches the agent.
    pub environment: Arc<BTreeMap<String, String>>,
    /// Program and first arguments of the supervisor.
    pub supervisor: Vec<String>,
    /// Which hosts the capture proxy lets through; absent without capture.
    pub egress: Option<EgressPolicy>,
    /// What of the traffic ends in the proxy.
    pub ends: Ends,
    /// How the agent is confined.
    pub sandbox: Option<Sandbox>,
    /// Where webhooks of twins may go beside this machine: what the user names in `POME_EGRESS_ALLOW`, no model providers.
    pub deliveries: EgressPolicy,
    /// What session tokens are signed with; absent: drawn for each run.
    pub secret: Option<String>,
    /// Token of the twins' admin routes.
    pub admin_token: Option<String>,
    /// Where run folders go.
    pub artifacts_dir: PathBuf,
    /// As given.
    pub agent_model: String,
    /// As given.
    pub agent_version: Option<String>,
    /// As given.
    pub agent_sdk: Option<String>,
    /// Who judges `[model]` criteria.
    pub judge: Judge,
    /// Whether a missing judge blocks a pass.
    pub require_judge: bool,
    /// Whether a failed run gets a fix prompt.
    pub fix_prompt: bool,
    /// Whether every event is synced.
    pub durable: bool,
    /// How often the scenario is run.
    pub trials: u32,
    /// Only when it is run more than once.
    pub group_id: Option<String>,
    /// For `meta.json`.
    pub pome_version: String,
}

/// One twin of a scenario.
#[derive(Debug, Clone)]
pub struct TwinPlan {
    /// As the scenario names it.
    pub id: String,
    /// Ready to open worlds.
    pub component: Component,
    /// Seed and start of the clock. The random seed is drawn for each run.
    pub world: WorldOptions,
}

/// Every scenario of a request, ready or refused, in order.
#[derive(Debug)]
pub(crate) struct Batch {
    pub(crate) entries: Vec<Result<Arc<Plan>, Refused>>,
    /// Lines for the person, before anything starts.
    pub(crate) warnings: Vec<String>,
}

/// A scenario that cannot be run.
#[derive(Debug)]
pub(crate) struct Refused {
    pub(crate) path: PathBuf,
    pub(crate) scenario: String,
    pub(crate) title: String,
    pub(crate) message: String,
    pub(crate) hint: Option<String>,
    pub(crate) exit: Exit,
}

/// Decides everything. An error means that there is nothing to run at all; a scenario that cannot be run is an entry.
pub(crate) fn resolve(request: &Request, components: &mut Components) -> Result<Batch, Error> {
    let mut warnings = Vec::new();
    let argv = agent_argv(&request.agent, &request.environment, &mut warnings)?;
    if is_one(&request.environment, env::INHERIT_AGENT_ENV) {
        warnings.push(format!("{}=1: the agent gets the whole environment of this process", env::INHERIT_AGENT_ENV));
    }
    let policy = EgressPolicy::from_environment(&request.environment);
    if let Some(route) = request.ends.routes.iter().find(|route| !route.is_allowed_by(&policy)) {
        return Err(Error::Route { from: route.host.clone(), to: route.to.host() });
    }
    let found = pome_scenario::discover(&request.path)?;
    warnings.extend(found.skipped.iter().map(pome_scenario::Skipped::note));
    let environment = Arc::new(request.environment.clone());
    let entries = found
        .files
        .into_iter()
        .map(|path| one(request, components, &argv, &environment, &path, &mut warnings).map(Arc::new))
        .collect();
    Ok(Batch { entries, warnings })
}

fn one(
    request: &Request,
    components: &mut Components,
    argv: &[String],
    environment: &Arc<BTreeMap<String, String>>,
    path: &Path,
    warnings: &mut Vec<String>,
) -> Result<Plan, Refused> {
    let scenario = pome_scenario::read(path, components).map_err(|error| Refused::malformed(path, &error))?;
    let source =
        fs::read(path).map_err(|error| Refused::unusable(&scenario, format!("cannot be read: {error}"), ""))?;
    if request.hosting.is_some() && !scenario.config.components.is_empty() {
        let message = "component files are only used in local runs, and this run is hosted".to_owned();
        return Err(Refused::unusable(&scenario, message, "run it with `pome run --local`"));
    }
    let refused = |exit: Exit, error: &dyn std::error::Error| Refused {
        path: path.to_owned(),
        scenario: scenario.slug.clone(),
        title: scenario.title.clone(),
        message: chain(error),
        hint: None,
        exit,
    };
    let malformed =
        |error: &pome_scenario::Error| Refused { title: scenario.title.clone(), ..Refused::malformed(path, error) };
    let evaluators =
        Evaluators::of(&scenario, components.engine(), &Replaced::new()).map_err(|error| malformed(&error))?;
    let mut loaded = Vec::new();
    for id in &scenario.config.twins {
        let component = components.of(&scenario, id).map_err(|error| refused(Exit::Orchestrator, &error))?;
        loaded.push((id.clone(), component));
    }
    let built_in = |twin: &str, name: &str| {
        let (_, component) = loaded.iter().find(|(id, _)| id == twin)?;
        Some(component.description().seed(name)?.json.clone())
    };
    let seeds = pome_scenario::seed::resolve(&scenario, request.seed.as_deref(), Path::new(""), &built_in)
        .map_err(|error| malformed(&error))?;
    if request.ends.twins {
        if let Some(message) = foreign_host(&loaded, environment) {
            let hint = "run it without `--route`, or use a twin that names its own vendor's hosts only";
            return Err(Refused::unusable(&scenario, message, hint));
        }
        let hostless = loaded.iter().filter(|(_, component)| component.description().hosts.is_empty());
        warnings.extend(hostless.map(|(id, _)| format!("twin `{id}` names no hosts, so `--route` cannot lead to it")));
    }
    let twins = loaded.into_iter().map(|(id, component)| {
        let clock = seeds.value_of(&id).and_then(clock_of).unwrap_or(DEFAULT_CLOCK);
        let world = WorldOptions { seed: seeds.json_of(&id), clock: Some(clock), ..WorldOptions::default() };
        TwinPlan { id, component, world }
    });
    let twins: Vec<TwinPlan> = twins.collect();
    let pass_threshold =
        request.pass_threshold.or(scenario.config.pass_threshold).or(request.project_pass_threshold).unwrap_or_else(|| {
            warnings.push(format!(
                "{}: no pass threshold is set, so every complete evaluation passes; set `passThreshold` or `--pass-threshold`",
                path.display()
            ));
            0.0
        });
    let trials = request.runs.unwrap_or(scenario.config.runs).max(1);
    let group_id =
        if trials > 1 { Some(ids::group().map_err(|error| refused(Exit::Orchestrator, &error))?) } else { None };
    let mut tags: Vec<String> = Vec::new();
    for tag in request.tags.iter().chain(&scenario.config.tags) {
        if !tags.contains(tag) {
            tags.push(tag.clone());
        }
    }
    Ok(Plan {
        evaluators,
        seed: (seeds.source != SeedSource::Default).then(|| sent(&seeds, &twins)),
        twins,
        seed_source: seeds.source,
        hosting: request.hosting.clone(),
        source,
        timeout: request.timeout.unwrap_or(Duration::from_secs(scenario.config.timeout)),
        pass_threshold,
        tags,
        argv: argv.to_vec(),
        environment: Arc::clone(environment),
        supervisor: request.supervisor.clone(),
        ends: request.ends.clone(),
        egress: request.capture.then(|| reach(request, EgressPolicy::from_environment(environment))),
        deliveries: reach(request, EgressPolicy::named(environment.get(env::EGRESS_ALLOW).map(String::as_str))),
        sandbox: request.sandbox,
        secret: set(environment, env::TWIN_AUTH_SECRET),
        admin_token: set(environment, env::TWIN_ADMIN_TOKEN),
        artifacts_dir: request.artifacts_dir.clone(),
        agent_model: request.agent_model.clone(),
        agent_version: request.agent_version.clone(),
        agent_sdk: request.agent_sdk.clone(),
        judge: Judge::from_environment(environment, scenario.config.judge.as_deref()),
        require_judge: request.require_judge,
        fix_prompt: request.fix_prompt,
        durable: request.durable,
        trials,
        group_id,
        pome_version: request.pome_version.clone(),
        scenario,
    })
}

/// The seeds as a control plane takes them: flat for one twin, by their ids for several.
fn sent(seeds: &pome_scenario::seed::Seeds, twins: &[TwinPlan]) -> Map<String, Value> {
    if let [only] = twins {
        return seeds.value_of(&only.id).and_then(Value::as_object).cloned().unwrap_or_default();
    }
    twins.iter().filter_map(|twin| Some((twin.id.clone(), seeds.value_of(&twin.id)?.clone()))).collect()
}

/// A confined agent must not get to other services of this machine by way of the runner.
fn reach(request: &Request, policy: EgressPolicy) -> EgressPolicy {
    let named = request.environment.get(env::EGRESS_ALLOW).map(String::as_str);
    if request.sandbox.is_some() { policy.without_this_machine_but(named) } else { policy }
}

/// A component from elsewhere that wants a host which is a model's or another twin's: with the host it would get the credentials.
fn foreign_host(twins: &[(String, Component)], environment: &BTreeMap<String, String>) -> Option<String> {
    let models = pome_capture::model_hosts(environment);
    for (id, component) in twins.iter().filter(|(_, component)| !component.trusted()) {
        for host in &component.description().hosts {
            let others = twins.iter().filter(|(other, _)| other != id);
            let of_other = others
                .filter(|(_, other)| other.description().hosts.iter().any(|theirs| theirs.name == host.name))
                .map(|(other, _)| format!("is a host of the twin `{other}` too"));
            let of_model = models.contains(&host.name).then(|| "is a host of a model provider".to_owned());
            if let Some(why) = of_model.into_iter().chain(of_other).next() {
                return Some(format!("twin `{id}` wants to stand in for `{}`, which {why}", host.name));
            }
        }
    }
    None
}

impl Refused {
    /// A scenario that is in order and cannot be run as asked.
    fn unusable(scenario: &Scenario, message: String, hint: &str) -> Self {
        Self {
            path: scenario.path.clone(),
            scenario: scenario.slug.clone(),
            title: scenario.title.clone(),
            message,
            hint: (!hint.is_empty()).then(|| hint.to_owned()),
            exit: Exit::Usage,
        }
    }

    fn malformed(path: &Path, error: &pome_scenario::Error) -> Self {
        let slug = pome_scenario::slug_of(path);
        Self {
            path: path.to_owned(),
            title: slug.clone(),
            scenario: slug,
            message: chain(error),
            hint: Some(error.hint()),
            exit: error.exit(),
        }
    }
}

/// A seed may say when its world begins; the gateway understands the same key.
fn clock_of(seed: &Value) -> Option<u64> {
    match seed.get("_clock")? {
        Value::String(text) => u64::try_from(time::parse(text)?).ok(),
        number => number.as_u64(),
    }
}

fn agent_argv(
    agent: &Agent,
    environment: &BTreeMap<String, String>,
    warnings: &mut Vec<String>,
) -> Result<Vec<String>, Error> {
    let trusted = is_one(environment, env::TRUST_AGENT_COMMAND);
    let (command, typed) = match agent {
        Agent::Argv(argv) => return Ok(argv.clone()),
        Agent::Typed(command) => (command, true),
        Agent::Project(command) => (command, false),
    };
    let in_shell = || vec!["sh".to_owned(), "-c".to_owned(), command.clone()];
    if trusted {
        warnings.push(format!("{}=1: the agent command runs in a shell", env::TRUST_AGENT_COMMAND));
        return Ok(in_shell());
    }
    let malformed = |reason: String| Error::AgentCommand { command: command.clone(), reason };
    let words = command::split(command).map_err(|error| malformed(error.to_string()))?;
    match (words.shell, typed) {
        (false, _) => Ok(words.argv),
        (true, true) => Ok(in_shell()),
        (true, false) => Err(Error::ShellInProject { command: command.clone() }),
    }
}

fn is_one(environment: &BTreeMap<String, String>, name: &str) -> bool {
    environment.get(name).is_some_and(|value| value == "1")
}

fn set(environment: &BTreeMap<String, String>, name: &str) -> Option<String> {
    environment.get(name).map(|value| value.trim()).filter(|value| !value.is_empty()).map(str::to_owned)
}
