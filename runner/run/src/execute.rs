//! One run: the sequence, and what is written at each point of it.

use std::collections::BTreeMap;
use std::io;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::{Duration, Instant};

use pome_sandbox::DEFAULT_CLOCK;
use pome_wire::latest::Latest;
use pome_wire::meta::{self, RunMeta, RunMode, SPEC_VERSION, StopReason};
use pome_wire::redact::Redactor;
use pome_wire::score::{CriterionResult, Score, ScoreStatus};
use pome_wire::verdict::{Verdict, VerdictContext};
use pome_wire::{Exit, env, files, time};
use serde_json::{Map, Value};

use crate::agent::{self, Ended, How, Told};
use crate::artifacts::{self, Moment, RunFolder, chain};
use crate::capture::{Capture, Ends, Seen};
use crate::confinement::Confinement;
use crate::interrupt::{Cause, Interrupt};
use crate::judge;
use crate::output::last_line;
use crate::plan::Plan;
use crate::progress::{News, Progress};
use crate::report::{AgentReport, CriteriaCounts, CriterionReport, RunReport, RunStatus};
use crate::scoring::{self, Material};
use crate::trust::Trust;
use crate::venue::{Access, Local, States};
use crate::{evaluate, fix_prompt, ids, trace};

/// Longest preflight.
const PREFLIGHT_LIMIT: Duration = Duration::from_secs(60);
/// Longest excerpt of the agent's standard error in a warning.
const EXCERPT: usize = 160;

/// Runs a scenario once. Whatever happens, nothing of the agent is left running and the folder holds what is known.
pub async fn execute(plan: Arc<Plan>, trial: u32, progress: &dyn Progress, interrupt: &Interrupt) -> RunReport {
    let mut run = match Run::prepare(plan, trial) {
        Ok(run) => run,
        Err((report, failure)) => return failed(report, &failure),
    };
    run.announce(progress);
    let outcome = run.drive(progress, interrupt).await;
    run.conclude(outcome).await
}

/// The report of a trial about which nothing is known yet.
pub(crate) fn blank(plan: &Plan, trial: u32) -> RunReport {
    RunReport {
        scenario: plan.scenario.slug.clone(),
        title: plan.scenario.title.clone(),
        path: plan.scenario.path.display().to_string(),
        run_id: None,
        run_dir: None,
        trial,
        group_id: plan.group_id.clone(),
        tags: plan.tags.clone(),
        status: RunStatus::NotRun,
        satisfaction: None,
        pass_threshold: plan.pass_threshold,
        counts: CriteriaCounts::default(),
        criteria: Vec::new(),
        agent: AgentReport::default(),
        duration_ms: 0,
        cloud_url: None,
        blocked_egress: Vec::new(),
        error: None,
        exit_code: 0,
        warnings: Vec::new(),
        hint: None,
    }
}

/// Why a run has no score.
#[derive(Debug)]
struct Failure {
    message: String,
    hint: Option<String>,
    /// Absent: the agent's own end is why it stopped.
    stop: Option<StopReason>,
}

impl Failure {
    fn start(error: &dyn std::error::Error) -> Self {
        Self { message: chain(error), hint: None, stop: Some(StopReason::SpawnFailed) }
    }
}

fn failed(mut report: RunReport, failure: &Failure) -> RunReport {
    report.status = RunStatus::Error;
    report.error = Some(failure.message.clone());
    report.hint.clone_from(&failure.hint);
    report.exit_code = i32::from(Exit::Orchestrator.code());
    report
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
    access: Access,
    redactor: Redactor,
    began: Instant,
    started_at: String,
    recorded: Recorded,
    venue: Option<Local>,
    confinement: Option<Confinement>,
    warnings: Vec<String>,
}

impl Run {
    fn prepare(plan: Arc<Plan>, trial: u32) -> Result<Self, (RunReport, Failure)> {
        let report = blank(&plan, trial);
        Self::try_prepare(plan, trial).map_err(|failure| (report, failure))
    }

    fn try_prepare(plan: Arc<Plan>, trial: u32) -> Result<Self, Failure> {
        let started_at = time::now();
        let run_id = ids::run().map_err(|error| Failure::start(&error))?;
        let random_seed = ids::random_seed().map_err(|error| Failure::start(&error))?;
        let access = Access::mint(&plan, &run_id).map_err(|error| Failure::start(&error))?;
        let redactor = Redactor::new(secrets(&plan, &access));
        let folder = RunFolder::create(&plan.artifacts_dir, &plan.scenario.slug, &run_id, redactor.clone());
        let folder = folder.map_err(|error| Failure {
            hint: error.hint().or_else(|| Some("name another folder with `--artifacts-dir`".to_owned())),
            ..Failure::start(&error)
        })?;
        let dir = std::path::absolute(folder.dir()).map_err(|error| Failure::start(&error))?;
        Ok(Self {
            plan,
            trial,
            run_id,
            random_seed,
            folder,
            dir,
            access,
            redactor,
            began: Instant::now(),
            started_at,
            recorded: Recorded::default(),
            venue: None,
            confinement: None,
            warnings: Vec::new(),
        })
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
        let venue = self.venue.as_ref();
        if let Some(venue) = venue {
            self.recorded.after = match &outcome {
                // The agent never ran: the second state is the first one again.
                Outcome::Failed(failure, _) if failure.stop == Some(StopReason::PreflightFailed) => {
                    self.recorded.before.clone()
                }
                _ => venue.states().await,
            };
            match venue.evidence(&self.recorded.before, &self.recorded.after) {
                Ok(evidence) => self.recorded.evidence = Some(evidence),
                Err(error) => self.warnings.push(format!("the recorded calls cannot be read back: {error}")),
            }
        }
        outcome
    }

    async fn open(&mut self) -> Result<Option<Capture>, Failure> {
        let recorder = Local::recorder(&self.plan, &self.run_id, &self.folder.path(files::EVENTS), &self.redactor)
            .map_err(|error| Failure::start(&error))?;
        let venue = Local::open(&self.plan, self.random_seed, &self.access, recorder.clone())
            .await
            .map_err(|error| Failure::start(&error))?;
        let venue = self.venue.insert(venue);
        let Some(policy) = &self.plan.egress else { return Ok(None) };
        let routes = venue.routes(&self.run_id, &self.access);
        let inspection = self.plan.ends.inspection(&self.plan.environment, routes);
        let inspection = inspection.map_err(|error| Failure::start(&error))?;
        if inspection.as_ref().is_some_and(|inspection| self.plan.ends.llm && inspection.is_rootless()) {
            self.warnings.push(NO_ROOTS.to_owned());
        }
        let egress = self.folder.path(files::EGRESS);
        let started = Capture::start(policy.clone(), inspection, recorder, egress).await;
        let capture = started.map_err(|error| Failure::start(&ProxyError(error)))?;
        capture.leave_unrecorded(venue.addresses());
        Ok(Some(capture))
    }

    /// Preflight, reset, first states, agent.
    async fn agent(&mut self, capture: Option<&Capture>, progress: &dyn Progress, interrupt: &Interrupt) -> Outcome {
        let Some(venue) = &self.venue else {
            return Outcome::Failed(Failure::start(&io::Error::other("the twins are gone")), None);
        };
        let told = venue.told(&self.run_id, &self.access.token);
        let mut environment = agent::environment(
            &self.plan.environment,
            &Told {
                task: &self.plan.scenario.prompt,
                token: &self.access.token,
                run_id: &self.run_id,
                run_dir: &self.dir,
                signals: &self.dir.join(files::SIGNALS),
                twins: &told,
                proxy: capture.map(Capture::address),
            },
        );

        let inspection = capture.and_then(|capture| capture.inspection.as_ref());
        // What it trusts is on disk until this function returns, whatever its end.
        let trust = inspection.map(|inspection| Trust::install(&self.dir, inspection, &mut environment)).transpose();
        let _trust = match trust {
            Ok(trust) => trust,
            Err(error) => return Outcome::Failed(Failure::start(&TrustError(error)), None),
        };
        let addresses = venue.addresses().into_iter().chain(capture.map(Capture::address));
        self.confinement = match self.plan.sandbox {
            Some(sandbox) => {
                let new = Confinement::new(sandbox, &self.plan.supervisor, &self.dir, addresses, &environment);
                match new {
                    Ok(confinement) => Some(confinement),
                    Err(error) => return Outcome::Failed(Failure::start(&error), None),
                }
            }
            None => None,
        };
        if let Some(confinement) = &self.confinement {
            confinement.tell(&mut environment);
        }

        self.step(progress, "preflight");
        environment.insert(env::PREFLIGHT.to_owned(), "1".to_owned());
        let limit = self.plan.timeout.min(PREFLIGHT_LIMIT);
        let preflight = match self.start(&environment, limit, interrupt).await {
            Ok(ended) => ended,
            Err(failure) => return Outcome::Failed(failure, None),
        };
        if let How::Interrupted(cause) = preflight.how {
            return Outcome::Interrupted(cause, Some(preflight));
        }
        // Whatever the preflight called is forgotten, so that the trace and the states are the agent's alone.
        let reset = self.forget_preflight(capture).await;
        self.recorded.before = venue.states().await;
        if let Some(message) = self.preflight_problem(&preflight, limit) {
            let failure =
                Failure { message, hint: Some(PREFLIGHT_HINT.to_owned()), stop: Some(StopReason::PreflightFailed) };
            return Outcome::Failed(failure, Some(preflight));
        }
        if let Err(failure) = reset {
            return Outcome::Failed(failure, None);
        }

        self.step(progress, "agent");
        environment.remove(env::PREFLIGHT);
        match self.start(&environment, self.plan.timeout, interrupt).await {
            Ok(ended) => match ended.how {
                How::Interrupted(cause) => Outcome::Interrupted(cause, Some(ended)),
                How::Exited(_) | How::Signaled(_) | How::TimedOut => Outcome::Agent(ended),
            },
            Err(failure) => Outcome::Failed(failure, None),
        }
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

    async fn forget_preflight(&self, capture: Option<&Capture>) -> Result<(), Failure> {
        let not_cleared = |error: &dyn std::error::Error| Failure::start(error);
        if let Some(capture) = capture {
            capture.clear().await.map_err(|error| not_cleared(&error))?;
        }
        if let Some(venue) = &self.venue {
            venue.reset().await.map_err(|error| not_cleared(&error))?;
        }
        self.folder.clear_signals().map_err(|error| not_cleared(&error))
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

    /// Everything after the agent: files, score, report, and the end of the twins.
    async fn conclude(mut self, outcome: Outcome) -> RunReport {
        let (ended, failure, interrupted) = match outcome {
            Outcome::Agent(ended) => (Some(ended), None, None),
            Outcome::Failed(failure, ended) => (ended, Some(failure), None),
            Outcome::Interrupted(cause, ended) => (ended, None, Some(cause)),
        };
        let failure = failure.or_else(|| self.twin_failure());
        let stop = match (failure.as_ref().and_then(|failure| failure.stop), ended.as_ref().map(|ended| ended.how)) {
            _ if interrupted.is_some() => StopReason::Interrupted,
            (Some(stop), _) => stop,
            (None, Some(How::Exited(0))) => StopReason::AgentExit0,
            (None, Some(How::Exited(_) | How::Signaled(_))) => StopReason::AgentExitNonzero,
            (None, Some(How::TimedOut)) => StopReason::AgentTimeout,
            (None, Some(How::Interrupted(_))) => StopReason::Interrupted,
            (None, None) => StopReason::SpawnFailed,
        };
        let mut meta = self.meta(stop, ended.as_ref(), failure.is_some());
        let mut worst = Exit::Passed;
        if let Err(error) = self.write_material(ended.as_ref(), &mut meta).await {
            self.warnings.push(chain(&error));
            worst = Exit::Orchestrator;
        }
        worst = worst.worst(self.recorder_problem());

        let mut report = self.report(ended.as_ref());
        match (failure, interrupted) {
            (Some(failure), _) => report = failed(report, &failure),
            (None, Some(cause)) => {
                report.status = RunStatus::NotRun;
                report.error = Some("interrupted".to_owned());
                report.exit_code = cause.exit_code();
            }
            (None, None) => {
                let score = self.score(ended.as_ref()).await;
                self.fill_in(&mut report, &score);
                meta.status = score.status.into();
                meta.satisfaction_score = Some(score.satisfaction);
                if let Err(error) = self.write_score(&score, &meta) {
                    self.warnings.push(chain(&error));
                    worst = Exit::Orchestrator;
                }
                self.write_fix_prompt(&score).await;
            }
        }
        if let Err(error) = self.write_latest() {
            self.warnings.push(chain(&error));
            worst = Exit::Orchestrator;
        }
        report.exit_code = report.exit_code.max(i32::from(worst.code()));
        report.warnings = self.warnings;
        if let Some(venue) = self.venue {
            venue.close().await;
        }
        report
    }

    /// A twin that was stopped by the sandbox is never turned into a score.
    fn twin_failure(&self) -> Option<Failure> {
        let failures = self.venue.as_ref()?.failures();
        let message = failures.first()?;
        let more = failures.len() - 1;
        let message = if more > 0 { format!("{message}, and {more} more") } else { message.clone() };
        Some(Failure { message, hint: None, stop: None })
    }

    fn recorder_problem(&mut self) -> Exit {
        match self.venue.as_ref().and_then(|venue| venue.recorder.failure()) {
            Some(problem) => {
                self.warnings
                    .push(format!("events were kept in memory because the trace could not be written: {problem}"));
                Exit::Orchestrator
            }
            None => Exit::Passed,
        }
    }

    fn meta(&self, stop_reason: StopReason, ended: Option<&Ended>, failed: bool) -> RunMeta {
        let plan = &self.plan;
        let of_twins = |value: fn(&crate::plan::TwinPlan) -> Value| -> Value {
            plan.twins.iter().map(|twin| (twin.id.clone(), value(twin))).collect::<Map<String, Value>>().into()
        };
        let mut extra = Map::new();
        extra.insert("random_seed".to_owned(), self.random_seed.into());
        extra.insert("clock".to_owned(), of_twins(|twin| twin.world.clock.into()));
        extra.insert("components".to_owned(), of_twins(|twin| twin.component.digest().into()));
        if let Some(confinement) = &self.confinement {
            extra.insert("sandbox".to_owned(), confinement.document());
        }
        if plan.ends != Ends::default() {
            extra.insert("capture".to_owned(), plan.ends.record());
        }
        if let Some(digests) = plan.evaluators.digests() {
            extra.insert("evaluators".to_owned(), digests);
        }
        let how = ended.map(|ended| ended.how);
        RunMeta {
            run_id: self.run_id.clone(),
            scenario: plan.scenario.slug.clone(),
            title: plan.scenario.title.clone(),
            started_at: self.started_at.clone(),
            completed_at: time::now(),
            exit_code: match how {
                Some(How::Exited(code)) => Some(code),
                Some(How::Signaled(_) | How::TimedOut | How::Interrupted(_)) | None => None,
            },
            twins: plan.twins.iter().map(|twin| twin.id.clone()).collect(),
            spec_version: SPEC_VERSION,
            twin_versions: plan
                .twins
                .iter()
                .map(|twin| (twin.id.clone(), twin.component.description().version.clone()))
                .collect(),
            mode: RunMode::Local,
            status: if failed { meta::RunStatus::Error } else { meta::RunStatus::NotScored },
            stop_reason,
            timed_out: how == Some(How::TimedOut),
            duration_ms: ended.map_or(0, |ended| millis(ended.duration)),
            agent_model: plan.agent_model.clone(),
            agent_version: plan.agent_version.clone(),
            agent_sdk: plan.agent_sdk.clone(),
            satisfaction_score: None,
            pass_threshold: Some(plan.pass_threshold),
            scenario_path: plan.scenario.path.display().to_string(),
            scenario_hash: plan.scenario.source_sha256.clone(),
            seed_source: plan.seed_source,
            tags: plan.tags.clone(),
            group_id: plan.group_id.clone(),
            trial: plan.group_id.is_some().then_some(self.trial),
            session_id: None,
            cloud_run_id: None,
            dashboard_url: None,
            events_dropped: 0,
            pome_version: plan.pome_version.clone(),
            extra,
        }
    }

    /// States, output, the finished trace and `meta.json` without a score.
    async fn write_material(&mut self, ended: Option<&Ended>, meta: &mut RunMeta) -> Result<(), artifacts::Error> {
        let folder = &self.folder;
        for (moment, states) in [(Moment::Initial, &self.recorded.before), (Moment::Final, &self.recorded.after)] {
            for (index, twin) in self.plan.twins.iter().enumerate() {
                let view = states.by_twin.iter().find(|(id, _)| *id == twin.id).and_then(|(_, view)| view.as_ref());
                folder.write_state(moment, &twin.id, index == 0, view.map(|view| view.redacted.as_slice()))?;
            }
            self.warnings.extend(states.warnings.iter().cloned());
        }
        let (stdout, stderr) = ended.map_or((&[][..], &[][..]), |ended| (&ended.stdout, &ended.stderr));
        folder.write_output(stdout, stderr)?;
        if let Some(warning) = ended.and_then(|ended| ended.warning.clone()) {
            self.warnings.push(warning);
        }
        self.warnings.append(&mut self.recorded.seen.warnings);
        self.warnings.extend(self.confinement.iter().flat_map(Confinement::warnings));
        if let Some(venue) = self.venue.as_ref().filter(|venue| venue.recorder.failure().is_some()) {
            folder.append_missing(&venue.rows())?;
        }
        // The merge holds the whole trace, so it has a thread of its own.
        let trace = tokio::task::spawn_blocking({
            let folder = folder.clone();
            move || folder.finish_trace()
        });
        match trace.await {
            Ok(trace) => {
                meta.events_dropped = trace.events_dropped;
                self.warnings.extend(trace.warnings);
            }
            Err(error) => self.warnings.push(format!("the trace stays unmerged: {error}")),
        }
        self.folder.write_meta(meta)
    }

    async fn score(&mut self, ended: Option<&Ended>) -> Score {
        let evidence = self.recorded.evidence.take().unwrap_or_default();
        let plan = Arc::clone(&self.plan);
        let raw = self.venue.as_ref().filter(|_| !plan.evaluators.is_empty()).and_then(Local::raw_rows);
        let (folder, random_seed) = (self.dir.clone(), self.random_seed);
        let summary = ended.and_then(|ended| judge::summary_of(&String::from_utf8_lossy(&ended.stdout)));
        let scored = tokio::task::spawn_blocking(move || {
            let trace =
                if plan.evaluators.is_empty() { Ok(None) } else { trace::read(&folder.join(files::EVENTS), raw) };
            let warning = trace.as_ref().err().map(|error| chain(error));
            let score = scoring::score(&Material {
                scenario: &plan.scenario,
                evaluators: &plan.evaluators,
                judge: &plan.judge,
                require_judge: plan.require_judge,
                pass_threshold: plan.pass_threshold,
                twins: &evidence,
                trace: trace.unwrap_or_default(),
                folder: Some(&folder),
                clock: plan.twins.first().map_or(DEFAULT_CLOCK, |twin| twin.world.start()),
                random_seed,
                summary: summary.as_deref(),
            });
            (score, warning)
        });
        match scored.await {
            Ok((score, warning)) => {
                self.warnings.extend(warning);
                score
            }
            Err(error) => {
                self.warnings.push(format!("the evaluation ended early: {error}"));
                scoring::unfinished(&self.plan.scenario, self.plan.pass_threshold)
            }
        }
    }

    fn write_score(&self, score: &Score, meta: &RunMeta) -> Result<(), artifacts::Error> {
        self.folder.write_score(score)?;
        let verdict = Verdict::local(
            score,
            VerdictContext {
                task_name: self.plan.scenario.slug.clone(),
                task_path: self.plan.scenario.path.display().to_string(),
                group_id: self.plan.group_id.clone(),
                run_id: self.run_id.clone(),
                duration_ms: meta.duration_ms,
                finalized_at: time::now(),
            },
        );
        self.folder.write_verdict(&verdict)?;
        self.folder.write_meta(meta)
    }

    /// Only for a failed run, only with a judge. What goes wrong here is a warning.
    async fn write_fix_prompt(&mut self, score: &Score) {
        let Some(endpoint) = self.plan.judge.endpoint() else { return };
        if score.status != ScoreStatus::Fail || !self.plan.fix_prompt {
            return;
        }
        let events = self.folder.path(files::EVENTS);
        let question = match fix_prompt::of_run(&self.plan.scenario, Some(&score.results), &events) {
            Ok(question) => question,
            Err(error) => return self.warnings.push(format!("no fix prompt: {}", chain(&error))),
        };
        let endpoint = Arc::clone(endpoint);
        let asked = tokio::task::spawn_blocking(move || judge::fix_prompt(&endpoint, &question));
        let answer = asked.await.unwrap_or_else(|error| Err(error.to_string()));
        let written = answer.and_then(|text| self.folder.write_fix_prompt(&text).map_err(|error| chain(&error)));
        if let Err(reason) = written {
            self.warnings.push(format!("no fix prompt: {reason}"));
        }
    }

    fn write_latest(&self) -> Result<(), artifacts::Error> {
        let latest = Latest {
            run_id: self.run_id.clone(),
            scenario: self.plan.scenario.slug.clone(),
            run_dir: self.folder.dir().display().to_string(),
        };
        artifacts::write_latest(&self.plan.artifacts_dir, &latest)
    }

    fn report(&mut self, ended: Option<&Ended>) -> RunReport {
        let mut report = blank(&self.plan, self.trial);
        report.run_id = Some(self.run_id.clone());
        report.run_dir = Some(self.folder.dir().to_owned());
        report.blocked_egress = std::mem::take(&mut self.recorded.seen.blocked);
        if let Some(ended) = ended {
            report.duration_ms = millis(ended.duration);
            report.agent = AgentReport {
                exit_code: match ended.how {
                    How::Exited(code) => Some(code),
                    How::Signaled(_) | How::TimedOut | How::Interrupted(_) => None,
                },
                timed_out: ended.how == How::TimedOut,
            };
            self.warn_about_agent(ended);
        }
        report
    }

    fn warn_about_agent(&mut self, ended: &Ended) {
        let what = match ended.how {
            How::Exited(0) | How::Interrupted(_) => return,
            How::Exited(code) => format!("the agent exited with {code}"),
            How::Signaled(signal) => format!("the agent was ended by signal {signal}"),
            How::TimedOut => format!("the agent was stopped after {} s", self.plan.timeout.as_secs_f64()),
        };
        let stderr = String::from_utf8_lossy(&ended.stderr);
        self.warnings.push(match last_line(&self.redactor.text(&stderr), EXCERPT) {
            Some(line) => format!("{what}: {line}"),
            None => what,
        });
    }

    #[expect(clippy::unused_self, reason = "reads as a step of the sequence like its neighbours")]
    fn fill_in(&self, report: &mut RunReport, score: &Score) {
        report.status = match score.status {
            ScoreStatus::Pass => RunStatus::Pass,
            ScoreStatus::Fail => RunStatus::Fail,
            ScoreStatus::Incomplete => RunStatus::Incomplete,
        };
        let passed = score.status == ScoreStatus::Pass;
        report.exit_code = i32::from(if passed { Exit::Passed } else { Exit::BelowThreshold }.code());
        report.satisfaction = Some(u32::from(score.satisfaction));
        let count = |number: u64| u32::try_from(number).unwrap_or(u32::MAX);
        report.counts = CriteriaCounts {
            passed: count(score.counts.passed),
            failed: count(score.counts.failed),
            skipped: count(score.counts.skipped),
            errored: count(score.counts.errored),
            pre_satisfied: count(score.counts.pre_satisfied),
            total: count(score.counts.total()),
        };
        report.criteria = score.results.iter().map(criterion_report).collect();
    }
}

pub(crate) fn criterion_report(result: &CriterionResult) -> CriterionReport {
    CriterionReport {
        id: result.id.clone().unwrap_or_default(),
        kind: result.criterion.kind.as_str().to_owned(),
        twin: result.criterion.twin.clone(),
        text: result.criterion.text.clone(),
        outcome: result.outcome.as_str().to_owned(),
        reason: result.reason.clone(),
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

/// Literal texts that must not reach disk.
fn secrets(plan: &Plan, access: &Access) -> Vec<String> {
    let names = env::AGENT_PROVIDER_KEYS.iter().chain(&env::AGENT_NEVER).chain([&env::LLM_API_KEY]);
    let mut all: Vec<String> = names.filter_map(|name| plan.environment.get(*name).cloned()).collect();
    all.push(access.token.clone());
    all
}

fn millis(duration: Duration) -> u64 {
    u64::try_from(duration.as_millis()).unwrap_or(u64::MAX)
}
