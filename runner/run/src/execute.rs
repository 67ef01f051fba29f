//! One run: the sequence, wherever the twins are.
//!
//! | module | part |
//! |---|---|
//! | here | the order of everything, and everything that involves processes |
//! | `material` | files that say what happened |
//! | `judging` | the score and its files |
//! | `publish` | what a control plane gets |
//! | `report` | what whoever asked for the run gets |

mod judging;
mod material;
mod publish;
mod report;

use std::collections::BTreeMap;
use std::io;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::{Duration, Instant};

use pome_gateway::{Recorder, RecorderOptions};
use pome_wire::meta::StopReason;
use pome_wire::redact::Redactor;
use pome_wire::{Exit, env, files, time};

use crate::agent::{self, Ended, How, Told};
use crate::artifacts::{RunFolder, chain};
use crate::capture::{Capture, Seen};
use crate::confinement::Confinement;
use crate::hosting;
use crate::interrupt::{Cause, Interrupt};
use crate::output::last_line;
use crate::plan::Plan;
use crate::progress::{News, Progress};
use crate::report::{RunReport, RunStatus};
use crate::trust::Trust;
use crate::venue::{self, Lease, States, Venue};
use crate::{evaluate, ids};

pub(crate) use publish::{criteria_of, verdict};
pub(crate) use report::{blank, failed};

/// Longest excerpt of the agent's standard error in a warning.
const EXCERPT: usize = 160;

/// Runs a scenario once. Whatever happens, nothing of the agent is left running and the folder holds what is known.
pub async fn execute(plan: Arc<Plan>, trial: u32, progress: &dyn Progress, interrupt: &Interrupt) -> RunReport {
    execute_in(None, plan, trial, progress, interrupt).await
}

/// The same, in a session that was opened before.
pub(crate) async fn execute_in(
    lease: Option<Lease>,
    plan: Arc<Plan>,
    trial: u32,
    progress: &dyn Progress,
    interrupt: &Interrupt,
) -> RunReport {
    let mut run = match Run::prepare(lease, Arc::clone(&plan), trial).await {
        Ok(run) => run,
        Err(failure) => {
            let mut report = blank(&plan, trial);
            failed(&mut report, &failure);
            return report;
        }
    };
    run.announce(progress);
    let outcome = run.drive(progress, interrupt).await;
    run.conclude(outcome).await
}

/// Why a run has no score.
#[derive(Debug)]
pub(crate) struct Failure {
    message: String,
    hint: Option<String>,
    exit: Exit,
    /// Absent: the agent's own end is why it stopped.
    stop: Option<StopReason>,
}

impl Failure {
    fn start(error: &dyn std::error::Error) -> Self {
        Self { message: chain(error), hint: None, exit: Exit::Orchestrator, stop: Some(StopReason::SpawnFailed) }
    }

    fn venue(error: &venue::Error) -> Self {
        Self { hint: error.hint(), exit: error.exit(), ..Self::start(error) }
    }

    pub(crate) fn hosted(error: &hosting::Error) -> Self {
        Self { message: chain(error), hint: error.hint(), exit: error.exit(), stop: None }
    }
}

/// How the part with processes ended.
#[derive(Debug)]
enum Outcome {
    /// The agent ran, whatever its end.
    Agent(Ended),
    /// Something before or beside the agent failed.
    Failed(Failure, Option<Ended>),
    /// The runner was asked to stop.
    Interrupted(Cause, Option<Ended>),
}

/// What the twins showed around the agent.
#[derive(Debug, Default)]
struct Recorded {
    before: States,
    after: States,
    seen: Seen,
    evidence: Option<BTreeMap<String, evaluate::Evidence>>,
}

struct Run {
    plan: Arc<Plan>,
    trial: u32,
    run_id: String,
    random_seed: u64,
    folder: RunFolder,
    /// Absolute.
    dir: PathBuf,
    redactor: Redactor,
    recorder: Recorder,
    began: Instant,
    started_at: String,
    recorded: Recorded,
    venue: Venue,
    confinement: Option<Confinement>,
    warnings: Vec<String>,
}

impl Run {
    async fn prepare(lease: Option<Lease>, plan: Arc<Plan>, trial: u32) -> Result<Self, Failure> {
        let (began, started_at) = (Instant::now(), time::now());
        let mut venue = Venue::reserve(&plan, lease).await.map_err(|error| Failure::venue(&error))?;
        match Self::in_venue(&venue, &plan) {
            Ok((random_seed, folder, dir, redactor, recorder)) => Ok(Self {
                run_id: venue.run_id().to_owned(),
                warnings: venue.remarks(&plan),
                plan,
                trial,
                random_seed,
                folder,
                dir,
                redactor,
                recorder,
                began,
                started_at,
                recorded: Recorded::default(),
                venue,
                confinement: None,
            }),
            Err(failure) => {
                venue.close(None).await;
                Err(failure)
            }
        }
    }

    fn in_venue(venue: &Venue, plan: &Plan) -> Result<(u64, RunFolder, PathBuf, Redactor, Recorder), Failure> {
        let run_id = venue.run_id();
        let random_seed = ids::random_seed().map_err(|error| Failure::start(&error))?;
        let redactor = Redactor::new(secrets(plan, venue));
        let folder = RunFolder::create(&plan.artifacts_dir, &plan.scenario.slug, run_id, redactor.clone());
        let folder = folder.map_err(|error| Failure {
            hint: error.hint().or_else(|| Some("name another folder with `--artifacts-dir`".to_owned())),
            ..Failure::start(&error)
        })?;
        let dir = std::path::absolute(folder.dir()).map_err(|error| Failure::start(&error))?;
        let options = RecorderOptions {
            path: Some(folder.path(files::EVENTS)),
            run_id: run_id.to_owned(),
            durable: plan.durable,
            redactor: redactor.clone(),
        };
        let recorder = Recorder::create(options).map_err(|error| Failure::start(&error))?;
        Ok((random_seed, folder, dir, redactor, recorder))
    }

    fn announce(&self, progress: &dyn Progress) {
        progress.tell(News::Started {
            scenario: &self.plan.scenario.slug,
            title: &self.plan.scenario.title,
            trial: self.trial,
            trials: self.plan.trials,
            run_dir: self.folder.dir(),
        });
    }

    fn step(&self, progress: &dyn Progress, step: &str) {
        let (scenario, trial, elapsed) = (self.plan.scenario.slug.as_str(), self.trial, self.began.elapsed());
        progress.tell(News::Step { scenario, trial, step, elapsed });
    }

    /// Everything that involves processes and sockets. Afterwards the proxy is stopped and the states are taken; the twins are
    /// still there.
    async fn drive(&mut self, progress: &dyn Progress, interrupt: &Interrupt) -> Outcome {
        self.step(progress, "starting the twins");
        let capture = match self.open().await {
            Ok(capture) => capture,
            Err(failure) => return Outcome::Failed(failure, None),
        };
        let outcome = self.agent(capture.as_ref(), progress, interrupt).await;
        self.step(progress, "collecting");
        if let Some(capture) = capture {
            self.recorded.seen = capture.stop().await;
        }
        self.collect(outcome).await
    }

    async fn open(&mut self) -> Result<Option<Capture>, Failure> {
        let opened = self.venue.open(&self.plan, self.random_seed, &self.recorder).await;
        opened.map_err(|error| Failure::venue(&error))?;
        let Some(policy) = &self.plan.egress else { return Ok(None) };
        let inspection = self.plan.ends.inspection(&self.plan.environment, self.venue.routes());
        let inspection = inspection.map_err(|error| Failure::start(&error))?;
        if inspection.as_ref().is_some_and(|inspection| self.plan.ends.llm && inspection.is_rootless()) {
            self.warnings.push(NO_ROOTS.to_owned());
        }
        let targets = self.venue.targets();
        let mut policy = policy.clone();
        policy.allow_all(targets.iter().map(|target| target.host.as_str()));
        let egress = self.folder.path(files::EGRESS);
        let started = Capture::start(policy, inspection, self.recorder.clone(), egress).await;
        let capture = started.map_err(|error| Failure::start(&ProxyError(error)))?;
        capture.leave_unrecorded(targets);
        Ok(Some(capture))
    }

    /// Preflight, reset, first states, agent.
    async fn agent(&mut self, capture: Option<&Capture>, progress: &dyn Progress, interrupt: &Interrupt) -> Outcome {
        let mut environment = agent::environment(
            &self.plan.environment,
            &Told {
                task: &self.plan.scenario.prompt,
                token: self.venue.token(),
                run_id: &self.run_id,
                run_dir: &self.dir,
                signals: &self.dir.join(files::SIGNALS),
                twins: &self.venue.told(),
                extras: &self.venue.extras(),
                proxy: capture.map(Capture::address),
                direct: &self.venue.direct_hosts(),
            },
        );

        let inspection = capture.and_then(|capture| capture.inspection.as_ref());
        // What it trusts is on disk until this function returns, whatever its end.
        let trust = inspection.map(|inspection| Trust::install(&self.dir, inspection, &mut environment)).transpose();
        let _trust = match trust {
            Ok(trust) => trust,
            Err(error) => return Outcome::Failed(Failure::start(&TrustError(error)), None),
        };
        if let Err(failure) = self.confine(capture, &mut environment) {
            return Outcome::Failed(failure, None);
        }

        self.step(progress, "preflight");
        environment.insert(env::PREFLIGHT.to_owned(), "1".to_owned());
        let limit = self.plan.timeout.min(self.venue.preflight_limit());
        let preflight = match self.start(&environment, limit, interrupt).await {
            Ok(ended) => ended,
            Err(failure) => return Outcome::Failed(failure, None),
        };
        if let How::Interrupted(cause) = preflight.how {
            return Outcome::Interrupted(cause, Some(preflight));
        }
        let problem = self.preflight_problem(&preflight, limit);
        // Whatever the preflight called is forgotten, so that the trace and the states are the agent's alone.
        let reset = self.forget_preflight(capture).await;
        self.recorded.before = self.venue.before().await;
        if let Some(message) = problem {
            let hint = Some(PREFLIGHT_HINT.to_owned());
            let stop = Some(StopReason::PreflightFailed);
            return Outcome::Failed(Failure { message, hint, exit: Exit::Orchestrator, stop }, Some(preflight));
        }
        if let Err(failure) = reset {
            return Outcome::Failed(failure, None);
        }

        self.step(progress, "agent");
        environment.remove(env::PREFLIGHT);
        let agent = self.start(&environment, self.plan.timeout, interrupt);
        let ended = tokio::select! {
            ended = agent => ended,
            never = self.venue.keep_alive() => match never {},
        };
        match ended {
            Ok(ended) => match ended.how {
                How::Interrupted(cause) => Outcome::Interrupted(cause, Some(ended)),
                How::Exited(_) | How::Signaled(_) | How::TimedOut => Outcome::Agent(ended),
            },
            Err(failure) => Outcome::Failed(failure, None),
        }
    }

    fn confine(
        &mut self,
        capture: Option<&Capture>,
        environment: &mut BTreeMap<String, String>,
    ) -> Result<(), Failure> {
        let Some(sandbox) = self.plan.sandbox else { return Ok(()) };
        if let Some(host) = self.venue.direct_hosts().first() {
            let message = format!("a confined agent cannot reach `{host}`, which does not speak HTTPS");
            let hint = Some("use an `https` address for the control plane, or leave `--sandbox` out".to_owned());
            return Err(Failure { message, hint, exit: Exit::Usage, stop: Some(StopReason::SpawnFailed) });
        }
        let addresses = self.venue.addresses().into_iter().chain(capture.map(Capture::address));
        let confinement = Confinement::new(sandbox, &self.plan.supervisor, &self.dir, addresses, environment);
        let confinement = confinement.map_err(|error| Failure::start(&error))?;
        confinement.tell(environment);
        self.confinement = Some(confinement);
        Ok(())
    }

    async fn start(
        &self,
        environment: &BTreeMap<String, String>,
        limit: Duration,
        interrupt: &Interrupt,
    ) -> Result<Ended, Failure> {
        let confined = self.confinement.as_ref();
        let start =
            agent::Start { supervisor: &self.plan.supervisor, argv: &self.plan.argv, environment, limit, confined };
        agent::run(&start, interrupt).await.map_err(|error| Failure { hint: error.hint(), ..Failure::start(&error) })
    }

    async fn forget_preflight(&mut self, capture: Option<&Capture>) -> Result<(), Failure> {
        if let Some(capture) = capture {
            capture.clear().await.map_err(|error| Failure::start(&error))?;
        }
        self.venue.forget_preflight().await.map_err(|error| Failure::venue(&error))?;
        self.recorder.clear().map_err(|error| Failure::start(&TraceError(error)))?;
        self.folder.clear_signals().map_err(|error| Failure::start(&error))
    }

    fn preflight_problem(&self, ended: &Ended, limit: Duration) -> Option<String> {
        let stderr = String::from_utf8_lossy(&ended.stderr);
        let said = last_line(&self.redactor.text(&stderr), EXCERPT).map(|line| format!(": {line}")).unwrap_or_default();
        match ended.how {
            How::Exited(0) | How::Interrupted(_) => None,
            How::Exited(code) => Some(format!("the preflight of the agent exited with {code}{said}")),
            How::Signaled(signal) => Some(format!("the preflight of the agent was ended by signal {signal}{said}")),
            How::TimedOut => Some(format!("the preflight of the agent took longer than {} s", limit.as_secs_f64())),
        }
    }

    /// The states after the agent and everything that criteria are judged on.
    async fn collect(&mut self, outcome: Outcome) -> Outcome {
        let outcome = match outcome {
            // The agent never ran: the second state is the first one again.
            Outcome::Failed(Failure { stop: Some(StopReason::PreflightFailed), .. }, _) => {
                self.recorded.after = self.recorded.before.clone();
                outcome
            }
            // What is far away is not worth the wait when nothing will be judged.
            Outcome::Failed(..) | Outcome::Interrupted(..) if !self.venue.is_near() => {
                self.recorded.before = self.venue.before().await;
                self.recorded.after = self.recorded.before.clone();
                outcome
            }
            _ => match (self.venue.after().await, outcome) {
                (Ok(after), outcome) => {
                    self.recorded.after = after;
                    outcome
                }
                (Err(error), Outcome::Agent(ended)) => {
                    Outcome::Failed(Failure { stop: None, ..Failure::venue(&error) }, Some(ended))
                }
                (Err(_), outcome) => outcome,
            },
        };
        match self.venue.evidence(&self.recorded.before, &self.recorded.after) {
            Ok(evidence) => self.recorded.evidence = Some(evidence),
            Err(error) => self.warnings.push(format!("the recorded calls cannot be read back: {error}")),
        }
        outcome
    }

    /// Everything after the agent: files, score, report, and the end of the twins.
    async fn conclude(mut self, outcome: Outcome) -> RunReport {
        let (ended, failure, interrupted) = match outcome {
            Outcome::Agent(ended) => (Some(ended), None, None),
            Outcome::Failed(failure, ended) => (ended, Some(failure), None),
            Outcome::Interrupted(cause, ended) => (ended, None, Some(cause)),
        };
        let failure = failure.or_else(|| self.twin_failure());
        let how = ended.as_ref().map(|ended| ended.how);
        let stop = stop_reason(failure.as_ref(), how, interrupted.is_some());
        let abandoned = self.abandoned(stop, failure.is_some());
        if interrupted.is_some() && !self.venue.is_near() {
            // Whoever interrupts does not wait for files.
            let warnings = self.venue.close(abandoned).await;
            self.warnings.extend(warnings);
        }
        let mut meta = self.meta(stop, ended.as_ref(), failure.is_some());
        let written = self.write_material(ended.as_ref(), &mut meta).await;
        let mut worst = self.noted(written).worst(self.recorder_problem());

        let mut report = self.report(ended.as_ref());
        match (failure, interrupted) {
            (Some(failure), _) => failed(&mut report, &failure),
            (None, Some(cause)) => {
                report.status = RunStatus::NotRun;
                report.error = Some("interrupted".to_owned());
                report.exit_code = cause.exit_code();
            }
            (None, None) => {
                let judged = self.judge(ended.as_ref(), abandoned.is_some(), &mut meta, &mut report).await;
                worst = worst.worst(judged);
            }
        }
        worst = worst.worst(self.noted(self.write_latest()));
        report.exit_code = report.exit_code.max(i32::from(worst.code()));
        let warnings = self.venue.close(abandoned).await;
        self.warnings.extend(warnings);
        report.warnings = self.warnings;
        report
    }

    /// The word with which a session is given up. A trial of a group whose agent failed says nothing about the scenario.
    fn abandoned(&self, stop: StopReason, failed: bool) -> Option<&'static str> {
        let in_group = self.plan.group_id.is_some();
        match stop {
            StopReason::Interrupted => Some("interrupted"),
            StopReason::PreflightFailed => Some("preflight_failed"),
            _ if !in_group => None,
            _ if failed => Some("trial_crashed"),
            StopReason::AgentTimeout => Some("agent_timeout"),
            StopReason::AgentExitNonzero => Some("agent_exit_nonzero"),
            StopReason::SpawnFailed => Some("trial_crashed"),
            StopReason::AgentExit0 | StopReason::EvalUpload => None,
        }
    }

    /// A twin that was stopped by the sandbox is never turned into a score.
    fn twin_failure(&self) -> Option<Failure> {
        let failures = self.venue.failures();
        let message = failures.first()?;
        let more = failures.len() - 1;
        let message = if more > 0 { format!("{message}, and {more} more") } else { message.clone() };
        Some(Failure { message, hint: None, exit: Exit::Orchestrator, stop: None })
    }
}

fn stop_reason(failure: Option<&Failure>, how: Option<How>, interrupted: bool) -> StopReason {
    match (failure.and_then(|failure| failure.stop), how) {
        _ if interrupted => StopReason::Interrupted,
        (Some(stop), _) => stop,
        (None, Some(How::Exited(0))) => StopReason::AgentExit0,
        (None, Some(How::Exited(_) | How::Signaled(_))) => StopReason::AgentExitNonzero,
        (None, Some(How::TimedOut)) => StopReason::AgentTimeout,
        (None, Some(How::Interrupted(_))) => StopReason::Interrupted,
        (None, None) => StopReason::SpawnFailed,
    }
}

const PREFLIGHT_HINT: &str =
    "an agent is started once with POME_PREFLIGHT=1 before the run; it should exit with 0 when it could start";

const NO_ROOTS: &str = "the system has no root certificates, so model calls cannot be read; \
    install them (`ca-certificates`) or set SSL_CERT_FILE";

#[derive(Debug, thiserror::Error)]
#[error("the certificate of the run cannot be written")]
struct TrustError(#[source] io::Error);

#[derive(Debug, thiserror::Error)]
#[error("the capture proxy did not start")]
struct ProxyError(#[source] io::Error);

#[derive(Debug, thiserror::Error)]
#[error("the trace of the preflight cannot be cleared")]
struct TraceError(#[source] io::Error);

/// Literal texts that must not reach disk.
fn secrets(plan: &Plan, venue: &Venue) -> Vec<String> {
    let names = env::AGENT_PROVIDER_KEYS.iter().chain(&env::AGENT_NEVER).chain([&env::LLM_API_KEY]);
    let mut all: Vec<String> = names.filter_map(|name| plan.environment.get(*name).cloned()).collect();
    all.extend(venue.secrets());
    all
}

fn millis(duration: Duration) -> u64 {
    u64::try_from(duration.as_millis()).unwrap_or(u64::MAX)
}
