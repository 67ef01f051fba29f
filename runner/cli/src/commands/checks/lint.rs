//! `pome checks lint`: which deterministic criteria would be skipped, and why.

use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::path::{Path, PathBuf};

use pome_run::evaluators::{Evaluators, Replaced};
use pome_run::plan::Components;
use pome_sandbox::{Binding, Judge, LoadError};
use pome_scenario::{Criterion, CriterionType, Scenario};
use pome_wire::Exit;
use serde::Serialize;

use crate::context::Context;
use crate::failure::Failure;
use crate::render::{Style, plain};
use crate::{project, twins};

#[derive(Debug, Serialize)]
struct Report {
    version: u32,
    files: Vec<FileReport>,
}

#[derive(Debug, Serialize)]
struct FileReport {
    path: PathBuf,
    ok: bool,
    /// Criteria that a check understands.
    bound: usize,
    findings: Vec<Finding>,
    /// Why the file cannot be looked at.
    error: Option<String>,
}

#[derive(Debug, Serialize)]
struct Finding {
    line: usize,
    /// Absent where the criterion is about no single twin.
    twin: Option<String>,
    /// The evaluator that it is tagged with.
    #[serde(skip_serializing_if = "Option::is_none")]
    evaluator: Option<String>,
    text: String,
    reason: String,
}

pub(super) fn run(files: &[PathBuf], cx: &Context) -> Result<Exit, Failure> {
    let found = project::find(&cx.cwd, &cx.console)?;
    let mut known = twins::components(found.as_ref(), cx)?;
    let mut report = Report { version: 1, files: Vec::new() };
    for file in files {
        report.files.push(look_at(file, &mut known, cx)?);
    }
    if cx.console.json {
        cx.console.document(&report)?;
    } else {
        cx.console.result(&text(&report, cx));
    }
    let exit = |file: &FileReport| match file {
        FileReport { error: Some(_), .. } => Exit::Orchestrator,
        FileReport { ok: false, .. } => Exit::BelowThreshold,
        FileReport { .. } => Exit::Passed,
    };
    Ok(report.files.iter().map(exit).fold(Exit::Passed, Exit::worst))
}

fn look_at(file: &Path, known: &mut Components, cx: &Context) -> Result<FileReport, Failure> {
    let mut report = FileReport { path: file.to_path_buf(), ok: false, bound: 0, findings: Vec::new(), error: None };
    let scenario = match pome_scenario::read(&cx.cwd.join(file), known) {
        Ok(scenario) => scenario,
        Err(error) => {
            report.error = Some(described(&error));
            return Ok(report);
        }
    };
    let evaluators = match Evaluators::of(&scenario, known.engine(), &Replaced::new()) {
        Ok(evaluators) => evaluators,
        Err(error) => {
            report.error = Some(described(&error));
            return Ok(report);
        }
    };
    let mut judges = Judges { scenario: &scenario, components: known, known: BTreeMap::new() };
    for criterion in scenario.criteria.iter().filter(|criterion| criterion.kind == CriterionType::Code) {
        match judges.problem(&evaluators, criterion)? {
            None => report.bound += 1,
            Some(reason) => report.findings.push(Finding {
                line: criterion.line,
                twin: scenario.subject_of(criterion).map(str::to_owned),
                evaluator: criterion.evaluator.clone(),
                text: criterion.text.clone(),
                reason,
            }),
        }
    }
    report.ok = report.findings.is_empty();
    Ok(report)
}

/// The place in the file and what is wrong there.
fn described(error: &pome_scenario::Error) -> String {
    // The path is shown beside the problem.
    let chain = Failure::from_error(error.exit(), error);
    let causes = Failure { message: error.problem.to_string(), ..chain };
    let line = error.line.map(|line| format!("line {line}: ")).unwrap_or_default();
    let causes = std::iter::once(causes.message).chain(causes.causes).collect::<Vec<_>>().join(": ");
    format!("{line}{causes}")
}

/// The checks of each twin of a scenario, loaded when a criterion needs them.
struct Judges<'a> {
    scenario: &'a Scenario,
    components: &'a mut Components,
    known: BTreeMap<String, Option<Judge>>,
}

impl Judges<'_> {
    /// Why nothing can judge the criterion; nothing when a check understands it.
    fn problem(&mut self, evaluators: &Evaluators, criterion: &Criterion) -> Result<Option<String>, Failure> {
        let scenario = self.scenario;
        let asked_only = criterion.evaluator.is_some() || criterion.expression().is_some();
        let of_evaluators = || match evaluators.reads(criterion) {
            Ok(true) => None,
            Ok(false) => Some("unmatched: no evaluator of the scenario reads this sentence".to_owned()),
            Err(reason) => Some(reason),
        };
        let twin = match scenario.subject_of(criterion) {
            Some(twin) if !asked_only => twin,
            _ => return Ok(of_evaluators()),
        };
        let unread = self.unread_by(twin, criterion)?;
        let unmatched = unread.as_ref().is_some_and(|reason| reason.starts_with("unmatched"));
        let offered = unmatched && criterion.twin.is_none() && !scenario.config.evaluators.is_empty();
        Ok(if offered && of_evaluators().is_none() { None } else { unread })
    }

    fn unread_by(&mut self, twin: &str, criterion: &Criterion) -> Result<Option<String>, Failure> {
        if !self.known.contains_key(twin) {
            let judge = match self.components.of(self.scenario, twin) {
                Ok(component) => Some(component.judge()),
                Err(LoadError::Unknown { .. }) => None,
                Err(error) => return Err(twins::load_failure(&error)),
            };
            self.known.insert(twin.to_owned(), judge);
        }
        let Some(Some(judge)) = self.known.get(twin) else {
            return Ok(Some(format!("the twin `{twin}` is not built in, so that nothing can judge it")));
        };
        let binding = judge.bind(&criterion.text).map_err(|fault| Failure::from_error(Exit::Orchestrator, &fault))?;
        Ok(match binding {
            Binding::Bound(_) => None,
            Binding::Corrupted(miss) => Some(format!(
                "corrupted_check_instance:{}: `{}` cannot be `{}`; `{}` would do",
                miss.matcher, miss.slot, miss.value, miss.example
            )),
            Binding::Unmatched => {
                let file = self.scenario.config.components.get(twin);
                let twin = file.map_or(twin.to_owned(), |file| file.display().to_string());
                Some(format!("unmatched: `pome checks {twin}` lists the sentences"))
            }
        })
    }
}

fn text(report: &Report, cx: &Context) -> String {
    let paint = cx.console.out;
    let mut text = String::new();
    for file in &report.files {
        let path = file.path.display();
        if let Some(error) = &file.error {
            let _ = writeln!(text, "{} {path} - {}", paint.paint(Style::Bad, "!"), plain(error));
        } else if file.ok {
            let _ = writeln!(text, "{} {path} - {} criteria bind", paint.paint(Style::Good, "✓"), file.bound);
        } else {
            for finding in &file.findings {
                let mark = paint.paint(Style::Bad, "✗");
                let _ = writeln!(text, "{mark} {path}:{} - {}", finding.line, plain(&finding.text));
                let _ = writeln!(text, "  {}", plain(&finding.reason));
            }
        }
    }
    text
}
