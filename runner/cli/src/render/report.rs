//! How a batch of runs is shown while it goes on and when its rows are final.

use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::path::Path;
use std::sync::{Mutex, PoisonError};

use pome_run::inspect;
use pome_run::progress::{News, Progress};
use pome_run::report::{BlockedEgress, CriterionReport, GroupReport, RunReport, RunStatus};

use pome_wire::score::{Score, ScoreStatus};

use crate::render::{Console, Painter, Style, plain};

/// Prints news of a batch on standard error.
#[derive(Debug)]
pub(crate) struct Printer {
    console: Console,
    running: Mutex<Running>,
}

/// What is going on now, for the line at the bottom of a terminal.
#[derive(Debug, Default)]
struct Running {
    /// By scenario and trial.
    steps: BTreeMap<(String, u32), String>,
    finished: usize,
}

impl Printer {
    pub(crate) fn new(console: Console) -> Self {
        Self { console, running: Mutex::default() }
    }

    /// Removes the live line for good.
    pub(crate) fn finish(&self) {
        self.console.live_line("");
    }

    fn show_live(&self, running: &Running) {
        if !self.console.live {
            return;
        }
        let Some(((scenario, trial), step)) = running.steps.iter().next_back() else {
            return self.console.live_line("");
        };
        let others = match running.steps.len() - 1 {
            0 => String::new(),
            more => format!(" and {more} more"),
        };
        let line = format!("running {scenario} trial {trial}: {step}{others}, {} done", running.finished);
        let line: String = plain(&line).chars().take(100).collect();
        self.console.live_line(&self.console.err.paint(Style::Faint, &line));
    }
}

impl Progress for Printer {
    fn tell(&self, news: News<'_>) {
        let mut running = self.running.lock().unwrap_or_else(PoisonError::into_inner);
        match news {
            News::Started { scenario, trial, run_dir, .. } => {
                running.steps.insert((scenario.to_owned(), trial), "starting".to_owned());
                if self.console.verbose {
                    self.console.live_line("");
                    self.console.detail(&format!("{scenario} trial {trial}: {}", run_dir.display()));
                }
            }
            News::Step { scenario, trial, step, elapsed } => {
                running.steps.insert((scenario.to_owned(), trial), step.to_owned());
                if self.console.verbose {
                    self.console.live_line("");
                    self.console.detail(&format!("{scenario} trial {trial}: {step} ({:.3}s)", elapsed.as_secs_f64()));
                }
            }
            News::Finished(run) => {
                running.steps.remove(&(run.scenario.clone(), run.trial));
                running.finished += 1;
                self.console.live_line("");
                let text = if run.group_id.is_some() { self.trial(run) } else { self.run(run) };
                self.console.say(&text);
            }
            News::Group { group, trials } => {
                self.console.live_line("");
                self.console.say(&self.group(group, trials));
            }
            News::Warning(text) => {
                self.console.live_line("");
                self.console.warn(text);
            }
            _ => {}
        }
        self.show_live(&running);
    }
}

impl Printer {
    /// The block of one run.
    fn run(&self, run: &RunReport) -> String {
        let paint = self.console.err;
        let (label, style) = label(run.status);
        let mut text = String::new();
        let _ = match run.status {
            RunStatus::Error | RunStatus::NotRun => {
                writeln!(text, "{} {}", paint.paint(style, label), plain(&run.path))
            }
            _ => writeln!(text, "{} {}", paint.paint(style, label), paint.paint(Style::Strong, &run.title)),
        };
        if let Some(error) = &run.error {
            let _ = writeln!(text, "  {}", plain(error));
        }
        if let Some(hint) = &run.hint {
            let _ = writeln!(text, "  {} {}", paint.paint(Style::Strong, "hint:"), plain(hint));
        }
        if let Some(score) = score_line(run) {
            let _ = writeln!(text, "  score: {score}");
        }
        if let Some(folder) = &run.run_dir {
            let name = if run.hosted { "local" } else { "run" };
            let _ = writeln!(text, "  {name}: {}", folder.display());
        }
        if let Some(url) = &run.cloud_url {
            let _ = writeln!(text, "  cloud: {}", plain(url));
        }
        if matches!(run.status, RunStatus::Fail | RunStatus::Incomplete) {
            for criterion in &run.criteria {
                text.push_str(&self.criterion(criterion));
            }
        }
        self.remarks(&mut text, run);
        text
    }

    fn criterion(&self, criterion: &CriterionReport) -> String {
        let (mark, style) = mark(&criterion.outcome);
        let mut text = format!(
            "  {} [{}] {}\n",
            self.console.err.paint(style, mark),
            plain(&criterion.kind),
            plain(&criterion.text)
        );
        for line in criterion.reason.lines() {
            let _ = writeln!(text, "      {}", plain(line));
        }
        text
    }

    /// Refused tunnels and warnings: nothing about the score.
    fn remarks(&self, text: &mut String, run: &RunReport) {
        if !run.blocked_egress.is_empty() {
            let _ = writeln!(text, "  {}", egress_line(&run.blocked_egress));
            let _ = writeln!(
                text,
                "  {} `POME_EGRESS_ALLOW=<host>` lets a host through",
                self.console.err.paint(Style::Strong, "hint:")
            );
        }
        for warning in &run.warnings {
            let _ = writeln!(text, "  {} {}", self.console.err.paint(Style::Caution, "warning:"), plain(warning));
        }
    }

    /// The line of one trial.
    fn trial(&self, run: &RunReport) -> String {
        let paint = self.console.err;
        let seconds = format!("{:.1}s", std::time::Duration::from_millis(run.duration_ms).as_secs_f64());
        let mut text = String::new();
        if run.trial == 1 {
            let _ = writeln!(text, "{}", paint.paint(Style::Strong, &run.title));
        }
        let score = run.satisfaction.unwrap_or_default();
        let number = run.trial;
        let line = match run.status {
            _ if errored(run) => {
                let reason =
                    run.error.as_deref().or(run.warnings.first().map(String::as_str)).unwrap_or("no reason given");
                format!(
                    "trial {number}  {}  errored         {} (not counted)",
                    paint.paint(Style::Caution, "⚠"),
                    plain(reason)
                )
            }
            RunStatus::Pass => format!("trial {number}  {}  {score:<6}  {seconds:>6}", paint.paint(Style::Good, "✓")),
            RunStatus::Fail => {
                let failed: Vec<&str> = run
                    .criteria
                    .iter()
                    .filter(|criterion| criterion.outcome == "failed")
                    .map(|criterion| criterion.text.as_str())
                    .collect();
                format!(
                    "trial {number}  {}  {score:<6}  {seconds:>6}  {}",
                    paint.paint(Style::Bad, "✗"),
                    plain(&failed.join(" · "))
                )
            }
            _ => format!(
                "trial {number}  {}  {score:<6}  {seconds:>6}            (incomplete)",
                paint.paint(Style::Caution, "–")
            ),
        };
        text.push_str(line.trim_end());
        text.push('\n');
        self.remarks(&mut text, run);
        text
    }

    /// The end of a group, with what to do about its failures.
    #[expect(clippy::unused_self, reason = "like the other parts of a report")]
    fn group(&self, group: &GroupReport, trials: &[RunReport]) -> String {
        let mut parts = vec![format!("{} of {} passed", group.passed, group.completed)];
        if group.incomplete > 0 {
            parts.push(format!("{} incomplete (not counted)", group.incomplete));
        }
        if group.errored > 0 {
            parts.push(format!("{} errored (not counted)", group.errored));
        }
        let mut text = format!("─────\n{}\n", parts.join(" · "));
        if let Some(url) = &group.cloud_url {
            let _ = writeln!(text, "cloud: {}", plain(url));
        }
        if let Some(failed) = trials.iter().find(|trial| trial.status == RunStatus::Fail) {
            if let Some(folder) = &failed.run_dir {
                let _ = writeln!(text, "ask a coding assistant: pome fix-prompt {}", folder.display());
            }
            let _ = writeln!(text, "run it again: pome run {} --runs {}", plain(&failed.path), trials.len());
        }
        text
    }
}

/// Whether the trial counts as nothing: no score, or an agent that did not end by itself with 0.
fn errored(run: &RunReport) -> bool {
    matches!(run.status, RunStatus::Error | RunStatus::NotRun) || run.agent.timed_out || run.agent.exit_code != Some(0)
}

fn label(status: RunStatus) -> (&'static str, Style) {
    match status {
        RunStatus::Pass => ("PASS", Style::Good),
        RunStatus::Fail => ("FAIL", Style::Bad),
        RunStatus::Incomplete => ("INCOMPLETE", Style::Caution),
        RunStatus::Error => ("ERROR", Style::Bad),
        RunStatus::NotRun => ("NOT RUN", Style::Caution),
    }
}

/// The block of a run that was judged again.
pub(crate) fn judged(title: &str, folder: &Path, score: &Score, paint: Painter) -> String {
    let status = match score.status {
        ScoreStatus::Pass => RunStatus::Pass,
        ScoreStatus::Fail => RunStatus::Fail,
        ScoreStatus::Incomplete => RunStatus::Incomplete,
    };
    let (label, style) = label(status);
    let mut text = format!("{} {}\n", paint.paint(style, label), paint.paint(Style::Strong, title));
    let _ = writeln!(text, "  score: {}", inspect::score_line(score));
    let _ = writeln!(text, "  run: {}", folder.display());
    if status != RunStatus::Pass {
        for result in &score.results {
            let (mark, style) = mark(result.outcome.as_str());
            let kind = result.criterion.kind.as_str();
            let _ = writeln!(text, "  {} [{kind}] {}", paint.paint(style, mark), plain(&result.criterion.text));
            for line in result.reason.lines() {
                let _ = writeln!(text, "      {}", plain(line));
            }
        }
    }
    text
}

/// The mark in front of a criterion.
pub(crate) fn mark(outcome: &str) -> (&'static str, Style) {
    match outcome {
        "passed" => ("✓", Style::Good),
        "failed" => ("✗", Style::Bad),
        "errored" => ("!", Style::Caution),
        _ => ("-", Style::Faint),
    }
}

fn score_line(run: &RunReport) -> Option<String> {
    let score = run.satisfaction?;
    if run.status != RunStatus::Incomplete {
        return Some(format!("{score}/100"));
    }
    let counts = run.counts;
    Some(format!(
        "incomplete - {} of {} criteria not evaluated; {} passed, {} failed, {} skipped, {} errored; numeric score: {score}/100",
        counts.skipped + counts.errored,
        counts.total,
        counts.passed,
        counts.failed,
        counts.skipped,
        counts.errored
    ))
}

fn egress_line(blocked: &[BlockedEgress]) -> String {
    let tunnels: u32 = blocked.iter().map(|place| place.count).sum();
    let places: Vec<String> = blocked
        .iter()
        .map(|place| {
            let times = if place.count > 1 { format!(" x{}", place.count) } else { String::new() };
            format!("{}:{}{times}", plain(&place.host), place.port)
        })
        .collect();
    format!("egress: refused {tunnels} tunnel(s) to non-allowlisted host(s) - {}", places.join(", "))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::args::Global;
    use crate::environment::Environment;
    use pome_run::report::{AgentReport, CriteriaCounts};

    fn printer() -> Printer {
        Printer::new(Console::new(&Global { no_color: true, ..Global::default() }, &Environment::default()))
    }

    fn run() -> RunReport {
        RunReport {
            scenario: "a".to_owned(),
            title: "A title".to_owned(),
            path: "scenarios/a.md".to_owned(),
            run_id: Some("run_1".to_owned()),
            run_dir: Some("runs/a/run_1".into()),
            trial: 1,
            group_id: None,
            tags: Vec::new(),
            status: RunStatus::Pass,
            satisfaction: Some(100),
            pass_threshold: 100.0,
            counts: CriteriaCounts { passed: 1, total: 1, ..CriteriaCounts::default() },
            criteria: vec![criterion("Issue #1 exists", "passed", "there")],
            agent: AgentReport { exit_code: Some(0), timed_out: false },
            duration_ms: 14_321,
            cloud_url: None,
            blocked_egress: Vec::new(),
            error: None,
            exit_code: 0,
            hosted: false,
            warnings: Vec::new(),
            hint: None,
        }
    }

    fn criterion(text: &str, outcome: &str, reason: &str) -> CriterionReport {
        CriterionReport {
            id: "crit_0".to_owned(),
            kind: "code".to_owned(),
            twin: None,
            text: text.to_owned(),
            outcome: outcome.to_owned(),
            reason: reason.to_owned(),
        }
    }

    #[test]
    fn a_pass_is_three_lines() {
        assert_eq!(printer().run(&run()), "PASS A title\n  score: 100/100\n  run: runs/a/run_1\n");
    }

    #[test]
    fn a_fail_shows_every_criterion_with_its_reason() {
        let failed = RunReport {
            status: RunStatus::Fail,
            satisfaction: Some(50),
            criteria: vec![criterion("One", "passed", "yes"), criterion("Two\u{1b}[2J", "failed", "no\nreally")],
            blocked_egress: vec![BlockedEgress { host: "example.com".to_owned(), port: 443, count: 2 }],
            warnings: vec!["the agent left with 1: boom".to_owned()],
            ..run()
        };
        assert_eq!(
            printer().run(&failed),
            "FAIL A title\n  score: 50/100\n  run: runs/a/run_1\n  ✓ [code] One\n      yes\n  ✗ [code] Two[2J\n      no\n      really\n  \
             egress: refused 2 tunnel(s) to non-allowlisted host(s) - example.com:443 x2\n  hint: `POME_EGRESS_ALLOW=<host>` \
             lets a host through\n  warning: the agent left with 1: boom\n"
        );
    }

    #[test]
    fn an_incomplete_run_says_how_much_is_missing() {
        let counts = CriteriaCounts { passed: 1, skipped: 1, errored: 1, total: 3, ..CriteriaCounts::default() };
        let incomplete = RunReport { status: RunStatus::Incomplete, counts, criteria: Vec::new(), ..run() };
        assert_eq!(
            printer().run(&incomplete),
            "INCOMPLETE A title\n  score: incomplete - 2 of 3 criteria not evaluated; 1 passed, 0 failed, 1 skipped, 1 errored; \
             numeric score: 100/100\n  run: runs/a/run_1\n"
        );
    }

    #[test]
    fn an_error_names_the_file_and_the_reason() {
        let error = RunReport {
            status: RunStatus::Error,
            satisfaction: None,
            run_dir: None,
            error: Some("line 3: no prompt".to_owned()),
            ..run()
        };
        assert_eq!(printer().run(&error), "ERROR scenarios/a.md\n  line 3: no prompt\n");
    }

    #[test]
    fn trials_are_one_line_each_and_end_with_their_count() {
        let grouped = RunReport { group_id: Some("grp_1".to_owned()), ..run() };
        let failed = RunReport {
            trial: 2,
            status: RunStatus::Fail,
            satisfaction: Some(58),
            criteria: vec![criterion("One", "failed", "x"), criterion("Two", "failed", "y")],
            ..grouped.clone()
        };
        let crashed = RunReport {
            trial: 3,
            agent: AgentReport { exit_code: Some(7), timed_out: false },
            warnings: vec!["agent left with 7".to_owned()],
            ..grouped.clone()
        };
        let group = GroupReport {
            group_id: "grp_1".to_owned(),
            scenario: "a".to_owned(),
            passed: 1,
            completed: 2,
            incomplete: 0,
            errored: 1,
            exit_code: 1,
            cloud_url: None,
        };
        let printer = printer();
        assert_eq!(printer.trial(&grouped), "A title\ntrial 1  ✓  100      14.3s\n");
        assert_eq!(printer.trial(&failed), "trial 2  ✗  58       14.3s  One · Two\n");
        assert!(printer.trial(&crashed).starts_with("trial 3  ⚠  errored         agent left with 7 (not counted)\n"));
        assert_eq!(
            printer.group(&group, &[grouped, failed, crashed]),
            "─────\n1 of 2 passed · 1 errored (not counted)\nask a coding assistant: pome fix-prompt runs/a/run_1\n\
             run it again: pome run scenarios/a.md --runs 3\n"
        );
    }
}
