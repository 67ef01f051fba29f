//! What a run came to, for whoever asked for it.

use pome_wire::Exit;
use pome_wire::score::{CriterionResult, Score, ScoreStatus};

use super::{EXCERPT, Failure, Run, millis};
use crate::agent::{Ended, How};
use crate::output::last_line;
use crate::plan::Plan;
use crate::report::{AgentReport, CriteriaCounts, CriterionReport, RunReport, RunStatus};

/// The report of a trial about which nothing is known yet.
pub(crate) fn blank(plan: &Plan, trial: u32) -> RunReport {
    let scenario = &plan.scenario;
    RunReport {
        group_id: plan.group_id.clone(),
        tags: plan.tags.clone(),
        pass_threshold: plan.pass_threshold,
        hosted: plan.hosting.is_some(),
        ..RunReport::not_run(scenario.slug.clone(), scenario.title.clone(), &scenario.path, trial)
    }
}

/// Turns a report into that of a run without a score.
pub(crate) fn failed(report: &mut RunReport, failure: &Failure) {
    report.status = RunStatus::Error;
    report.error = Some(failure.message.clone());
    report.hint.clone_from(&failure.hint);
    report.exit_code = i32::from(failure.exit.code());
}

impl Run {
    pub(super) fn report(&mut self, ended: Option<&Ended>) -> RunReport {
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
}

/// Puts a score into a report.
pub(super) fn fill_in(report: &mut RunReport, score: &Score) {
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

fn criterion_report(result: &CriterionResult) -> CriterionReport {
    CriterionReport {
        id: result.id.clone().unwrap_or_default(),
        kind: result.criterion.kind.as_str().to_owned(),
        twin: result.criterion.twin.clone(),
        text: result.criterion.text.clone(),
        outcome: result.outcome.as_str().to_owned(),
        reason: result.reason.clone(),
    }
}
