//! Many scenarios, many trials, one result.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use pome_wire::Exit;
use tokio::sync::{Semaphore, mpsc};
use tokio::task::JoinHandle;

use crate::execute::{blank, execute};
use crate::interrupt::Interrupt;
use crate::plan::{self, Components, Plan, Refused, Request};
use crate::progress::{News, Progress};
use crate::report::{AgentReport, BatchReport, CriteriaCounts, GroupReport, RunReport, RunStatus};

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
    let mut started = start(plans, request.jobs.get(), Arc::clone(&progress), interrupt.clone());
    let mut report =
        BatchReport { version: 1, mode: "local".to_owned(), exit_code: 0, runs: Vec::new(), groups: Vec::new() };
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

/// Starts the trials in order, as many at once as there are jobs. The handles come in the same order.
fn start(
    plans: Vec<Arc<Plan>>,
    jobs: usize,
    progress: Arc<dyn Progress>,
    interrupt: Interrupt,
) -> mpsc::UnboundedReceiver<Started> {
    let (sender, receiver) = mpsc::unbounded_channel();
    let slots = Arc::new(Semaphore::new(jobs));
    // An authentication error means that every further run would fail in the same way.
    let stopped = Arc::new(AtomicBool::new(false));
    tokio::spawn(async move {
        for plan in plans {
            for trial in 1..=plan.trials {
                let slot = tokio::select! {
                    slot = Arc::clone(&slots).acquire_owned() => slot.ok(),
                    _ = interrupt.wait() => None,
                };
                let (plan, progress, interrupt, stopped) =
                    (Arc::clone(&plan), Arc::clone(&progress), interrupt.clone(), Arc::clone(&stopped));
                let handle = tokio::spawn(async move {
                    let _slot = slot;
                    if let Some(cause) = interrupt.raised() {
                        return not_run(&plan, trial, cause.exit_code(), "interrupted");
                    }
                    if stopped.load(Ordering::Relaxed) {
                        return not_run(
                            &plan,
                            trial,
                            i32::from(Exit::Auth.code()),
                            "not run after an authentication error",
                        );
                    }
                    let report = execute(plan, trial, progress.as_ref(), &interrupt).await;
                    if report.exit_code == i32::from(Exit::Auth.code()) {
                        stopped.store(true, Ordering::Relaxed);
                    }
                    report
                });
                if sender.send(Started(handle)).is_err() {
                    return;
                }
            }
        }
    });
    receiver
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
    let exit = match (group.completed, group.passed) {
        (0, _) => Exit::Orchestrator,
        (completed, passed) if completed == passed => Exit::Passed,
        _ => Exit::BelowThreshold,
    };
    group.exit_code = i32::from(exit.code());
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
            scenario: self.scenario,
            title: self.title,
            path: self.path.display().to_string(),
            run_id: None,
            run_dir: None,
            trial: 1,
            group_id: None,
            tags: Vec::new(),
            status: RunStatus::Error,
            satisfaction: None,
            pass_threshold: 0.0,
            counts: CriteriaCounts::default(),
            criteria: Vec::new(),
            agent: AgentReport::default(),
            duration_ms: 0,
            cloud_url: None,
            blocked_egress: Vec::new(),
            error: Some(self.message),
            exit_code: i32::from(self.exit.code()),
            warnings: Vec::new(),
            hint: self.hint,
        }
    }
}
