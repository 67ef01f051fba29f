//! Many scenarios, many trials, one result.

use std::num::NonZeroUsize;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use pome_wire::Exit;
use tokio::sync::{OwnedSemaphorePermit, Semaphore, mpsc};
use tokio::task::JoinHandle;

use crate::execute::{Failure, blank, execute_in, failed};
use crate::hosting::{self, Hosting};
use crate::interrupt::Interrupt;
use crate::plan::{self, Components, Plan, Refused, Request};
use crate::progress::{News, Progress};
use crate::report::{BatchReport, GroupReport, RunReport, RunStatus};
use crate::venue::Lease;

/// Plans and runs everything that was asked for. An error means that nothing was started.
pub async fn run(
    mut components: Components,
    request: Request,
    progress: Arc<dyn Progress>,
    interrupt: Interrupt,
) -> Result<BatchReport, plan::Error> {
    let batch = plan::resolve(&request, &mut components)?;
    for warning in &batch.warnings {
        progress.tell(News::Warning(warning));
    }
    let plans: Vec<_> = batch.entries.iter().filter_map(|entry| entry.as_ref().ok().cloned()).collect();
    let mode = if request.hosting.is_some() { "hosted" } else { "local" };
    let mut started = start(plans, request.jobs, Arc::clone(&progress), interrupt.clone());
    let mut report =
        BatchReport { version: 1, mode: mode.to_owned(), exit_code: 0, runs: Vec::new(), groups: Vec::new() };
    for entry in batch.entries {
        match entry {
            Err(refused) => {
                let row = refused.report();
                progress.tell(News::Finished(&row));
                report.exit_code = report.exit_code.max(row.exit_code);
                report.runs.push(row);
            }
            Ok(plan) => finish(&plan, &mut started, progress.as_ref(), &mut report).await,
        }
    }
    if let Some(cause) = interrupt.raised() {
        report.exit_code = report.exit_code.max(cause.exit_code());
    }
    Ok(report)
}

/// A trial that was started or passed over.
struct Started(JoinHandle<RunReport>);

/// What the trials of a batch have in common.
#[derive(Clone)]
struct Starter {
    progress: Arc<dyn Progress>,
    interrupt: Interrupt,
    /// An authentication error means that every further run would fail in the same way.
    stopped: Arc<AtomicBool>,
    started: mpsc::UnboundedSender<Started>,
}

/// Starts the trials in order, as many at once as there are jobs. The handles come in the same order.
fn start(
    plans: Vec<Arc<Plan>>,
    jobs: Option<NonZeroUsize>,
    progress: Arc<dyn Progress>,
    interrupt: Interrupt,
) -> mpsc::UnboundedReceiver<Started> {
    let (started, receiver) = mpsc::unbounded_channel();
    let slots = Arc::new(Semaphore::new(jobs.map_or(1, NonZeroUsize::get)));
    let starter = Starter { progress, interrupt, stopped: Arc::default(), started };
    tokio::spawn(async move {
        for plan in plans {
            match &plan.hosting {
                Some(hosting) if plan.trials > 1 => {
                    let slot = starter.slot(&slots).await;
                    let most = jobs.map_or(usize::MAX, NonZeroUsize::get);
                    starter.group(&plan, &Arc::clone(hosting), most, slot).await;
                }
                _ => {
                    for trial in 1..=plan.trials {
                        let slot = starter.slot(&slots).await;
                        starter.trial(&plan, trial, slot, |_| async { Ok(None) });
                    }
                }
            }
        }
    });
    receiver
}

impl Starter {
    /// A free place; none when the batch is being interrupted, so that everything that is left is passed over.
    async fn slot(&self, slots: &Arc<Semaphore>) -> Option<OwnedSemaphorePermit> {
        tokio::select! {
            slot = Arc::clone(slots).acquire_owned() => slot.ok(),
            _ = self.interrupt.wait() => None,
        }
    }

    /// Starts one trial. `lease` finds its session, when that is not left to the run itself.
    fn trial<F>(&self, plan: &Arc<Plan>, trial: u32, held: impl Send + 'static, lease: impl FnOnce(Arc<Plan>) -> F)
    where
        F: Future<Output = Result<Option<Lease>, hosting::Error>> + Send + 'static,
    {
        let (plan, starter, lease) = (Arc::clone(plan), self.clone(), lease(Arc::clone(plan)));
        let handle = tokio::spawn(async move {
            let _held = held;
            if let Some(row) = starter.passed_over(&plan, trial) {
                return row;
            }
            let lease = match lease.await {
                Ok(lease) => lease,
                Err(error) => return starter.noted(refused(&plan, trial, &error)),
            };
            starter.noted(execute_in(lease, plan, trial, starter.progress.as_ref(), &starter.interrupt).await)
        });
        // Nobody waits any more when the batch was dropped.
        let _ = self.started.send(Started(handle));
    }

    /// Why nothing more is started.
    fn passed_over(&self, plan: &Plan, trial: u32) -> Option<RunReport> {
        if let Some(cause) = self.interrupt.raised() {
            return Some(not_run(plan, trial, cause.exit_code(), "interrupted"));
        }
        let stopped = self.stopped.load(Ordering::Relaxed);
        stopped.then(|| not_run(plan, trial, i32::from(Exit::Auth.code()), "not run after an authentication error"))
    }

    fn noted(&self, report: RunReport) -> RunReport {
        if report.exit_code == i32::from(Exit::Auth.code()) {
            self.stopped.store(true, Ordering::Relaxed);
        }
        report
    }

    /// The trials of one scenario at a control plane: as many at once as it gives sessions for, at most `most`. When it gives
    /// none, or fails otherwise, no trial is started.
    async fn group(&self, plan: &Arc<Plan>, hosting: &Arc<Hosting>, most: usize, slot: Option<OwnedSemaphorePermit>) {
        let slot = Arc::new(slot);
        let wanted = most.min(usize::try_from(plan.trials).unwrap_or(usize::MAX));
        let idle = self.interrupt.raised().is_some() || self.stopped.load(Ordering::Relaxed);
        let leases = if idle { Ok(Vec::new()) } else { hosting::leases(hosting, plan, wanted).await };
        let leases = match leases {
            Ok(leases) => leases,
            Err(error) => {
                let first = self.noted(refused(plan, 1, &error));
                let rest = (2..=plan.trials)
                    .map(|trial| not_run(plan, trial, first.exit_code, "not run because no session could be opened"));
                for row in std::iter::once(first.clone()).chain(rest) {
                    let _ = self.started.send(Started(tokio::spawn(async move { row })));
                }
                return;
            }
        };
        let places = Arc::new(Semaphore::new(leases.len().max(1)));
        let mut leases = leases.into_iter();
        for trial in 1..=plan.trials {
            let place = self.slot(&places).await;
            let (lease, hosting) = (leases.next(), Arc::clone(hosting));
            self.trial(plan, trial, (place, Arc::clone(&slot)), |plan| async move {
                match lease {
                    Some(lease) => Ok(Some(lease)),
                    None => hosting::lease_when_free(&hosting, &plan).await.map(Some),
                }
            });
        }
    }
}

fn refused(plan: &Plan, trial: u32, error: &hosting::Error) -> RunReport {
    let mut report = blank(plan, trial);
    failed(&mut report, &Failure::hosted(error));
    report
}

/// Waits for the trials of one scenario and adds them to the report.
async fn finish(
    plan: &Plan,
    started: &mut mpsc::UnboundedReceiver<Started>,
    progress: &dyn Progress,
    report: &mut BatchReport,
) {
    let first = report.runs.len();
    for trial in 1..=plan.trials {
        let row = match started.recv().await {
            Some(Started(handle)) => handle.await.unwrap_or_else(|error| crashed(plan, trial, &error.to_string())),
            None => crashed(plan, trial, "it was never started"),
        };
        progress.tell(News::Finished(&row));
        report.runs.push(row);
    }
    let trials = report.runs.get(first..).unwrap_or_default();
    match &plan.group_id {
        None => report.exit_code = trials.iter().map(|row| row.exit_code).fold(report.exit_code, i32::max),
        Some(group_id) => {
            let group = group(group_id, plan, trials);
            progress.tell(News::Group { group: &group, trials });
            report.exit_code = report.exit_code.max(group.exit_code);
            report.groups.push(group);
        }
    }
}

/// Trials whose agent failed say nothing about the scenario and are not counted.
fn group(group_id: &str, plan: &Plan, trials: &[RunReport]) -> GroupReport {
    let mut group = GroupReport {
        group_id: group_id.to_owned(),
        scenario: plan.scenario.slug.clone(),
        passed: 0,
        completed: 0,
        incomplete: 0,
        errored: 0,
        exit_code: 0,
        cloud_url: plan.hosting.as_ref().map(|hosting| hosting.page_of_trials(&plan.scenario.slug, group_id)),
    };
    for trial in trials {
        let agent_failed = trial.agent.timed_out || trial.agent.exit_code != Some(0);
        match trial.status {
            _ if agent_failed => group.errored += 1,
            RunStatus::Pass => {
                group.passed += 1;
                group.completed += 1;
            }
            RunStatus::Fail => group.completed += 1,
            RunStatus::Incomplete => group.incomplete += 1,
            RunStatus::Error | RunStatus::NotRun => group.errored += 1,
        }
    }
    let exit = |exit: Exit| i32::from(exit.code());
    let worst = trials.iter().map(|trial| trial.exit_code).max().unwrap_or_default();
    group.exit_code = match (group.completed, group.passed) {
        (0, _) => exit(Exit::Orchestrator).max(worst),
        // It ends the batch, so it is not lost among trials that went well before.
        _ if trials.iter().any(|trial| trial.exit_code == exit(Exit::Auth)) => exit(Exit::Auth),
        (completed, passed) if completed == passed => exit(Exit::Passed),
        _ => exit(Exit::BelowThreshold),
    };
    group
}

fn not_run(plan: &Plan, trial: u32, exit_code: i32, why: &str) -> RunReport {
    RunReport { status: RunStatus::NotRun, exit_code, error: Some(why.to_owned()), ..blank(plan, trial) }
}

fn crashed(plan: &Plan, trial: u32, why: &str) -> RunReport {
    RunReport {
        status: RunStatus::Error,
        exit_code: i32::from(Exit::Orchestrator.code()),
        error: Some(format!("the run ended unexpectedly: {why}")),
        ..blank(plan, trial)
    }
}

impl Refused {
    fn report(self) -> RunReport {
        RunReport {
            status: RunStatus::Error,
            error: Some(self.message),
            exit_code: i32::from(self.exit.code()),
            hint: self.hint,
            ..RunReport::not_run(self.scenario, self.title, &self.path, 1)
        }
    }
}
