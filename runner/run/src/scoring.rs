//! From recorded material to a score, for whoever holds the material: a run that just ended, or a control plane.
//!
//! ```text
//! Scenario + Evidence of each twin -> Material -> score() -> Score
//! ```
//!
//! Nothing here reads or writes a file except evaluators that a scenario brings and that read the run folder themselves.

use std::collections::BTreeMap;
use std::path::Path;

use pome_sandbox::{Component, DEFAULT_CLOCK};
use pome_scenario::{Criterion, CriterionType, Scenario};
use pome_wire::event::{Event, TwinHttpEvent};
use pome_wire::redact::Redactor;
use pome_wire::score::{CriterionResult, Outcome, Score, ScoreSource};
use serde_json::value::RawValue;
use serde_json::{Map, Value};

use crate::evaluate::{self, Recording, array_of};
pub use crate::evaluate::{Evidence, View};
use crate::evaluators::Evaluators;
use crate::judge::{self, Case, Judge, Judgement};

/// Everything that decides the score of one run.
#[derive(Debug)]
pub struct Material<'a> {
    /// What is asked.
    pub scenario: &'a Scenario,
    /// What judges beside the twins' own checks; [`Evaluators::expressions_only`] where files must not be read.
    pub evaluators: &'a Evaluators,
    /// Who judges `[model]` criteria.
    pub judge: &'a Judge,
    /// Whether a missing judge blocks a pass.
    pub require_judge: bool,
    /// The score that a run needs to pass.
    pub pass_threshold: f64,
    /// By the id of the twin. A twin without evidence makes its criteria `state_missing`.
    pub twins: &'a BTreeMap<String, Evidence>,
    /// Every row of the trace as a JSON array; only evaluators and expressions read it.
    pub trace: Option<View>,
    /// The run folder, for evaluators that read it.
    pub folder: Option<&'a Path>,
    /// Where the clock of the primary twin started.
    pub clock: u64,
    /// The random seed of the run.
    pub random_seed: u64,
    /// What the agent said at the end, for judges.
    pub summary: Option<&'a str>,
}

impl<'a> Material<'a> {
    /// Material with nothing but the evidence of its twins, judged without a model.
    pub fn of(scenario: &'a Scenario, evaluators: &'a Evaluators, twins: &'a BTreeMap<String, Evidence>) -> Self {
        Self {
            scenario,
            evaluators,
            judge: &Judge::Absent,
            require_judge: false,
            pass_threshold: scenario.config.pass_threshold.unwrap_or(0.0),
            twins,
            trace: None,
            folder: None,
            clock: DEFAULT_CLOCK,
            random_seed: 0,
            summary: None,
        }
    }
}

impl View {
    /// The state of a twin as its component exported it. What nobody else may see of it is left out of the redacted view.
    pub fn of_state(component: &Component, state: Vec<u8>) -> Self {
        let redacted = pome_gateway::public_state(component, &state, &Redactor::default());
        Self { raw: Some(state), redacted }
    }

    /// What was redacted before it came here. A check whose literal redaction may have hidden is then skipped.
    pub fn of_redacted(bytes: Vec<u8>) -> Self {
        Self { raw: None, redacted: bytes }
    }

    /// Redacted rows, each one JSON object.
    pub fn of_rows(rows: &[Vec<u8>]) -> Self {
        Self::of_redacted(array_of(rows))
    }

    /// Redacted lines of JSON. Lines that are no JSON are left out.
    pub fn of_lines(lines: &str) -> Self {
        let rows = lines.lines().map(str::trim).filter(|line| serde_json::from_str::<&RawValue>(line).is_ok());
        Self::of_rows(&rows.map(|row| row.as_bytes().to_vec()).collect::<Vec<_>>())
    }
}

impl Evidence {
    /// What was recorded of a twin of this component; absent parts were not recorded.
    pub fn new(component: &Component, before: Option<View>, after: Option<View>, calls: Option<View>) -> Self {
        Self { judge: component.judge(), before, after, calls }
    }
}

/// Judges every criterion. Blocks: milliseconds for a check, seconds for a judge (these are asked side by side).
pub fn score(material: &Material<'_>) -> Score {
    let Material { scenario, twins, folder, clock, random_seed, .. } = *material;
    let recording = Recording { twins, trace: material.trace.clone(), folder, clock, random_seed };
    let (mut code, mut judged) = std::thread::scope(|scope| {
        let judged = scope.spawn(|| judged(material));
        (evaluate::code(scenario, material.evaluators, &recording), judged.join().unwrap_or_default())
    });
    let results = scenario.criteria.iter().map(|criterion| {
        let result = code.remove(&criterion.id).or_else(|| judged.remove(&criterion.id));
        result.unwrap_or_else(|| lost(scenario, criterion))
    });
    let results = results.collect();
    Score::of(results, material.pass_threshold, material.require_judge, ScoreSource::LocalEvaluator)
}

/// The score of a run whose evaluation ended before it was done.
pub(crate) fn unfinished(scenario: &Scenario, pass_threshold: f64) -> Score {
    let results = scenario.criteria.iter().map(|criterion| lost(scenario, criterion)).collect();
    Score::of(results, pass_threshold, true, ScoreSource::LocalEvaluator)
}

fn lost(scenario: &Scenario, criterion: &Criterion) -> CriterionResult {
    let reason = "evaluator_trap: the evaluation ended before this criterion".to_owned();
    result(scenario, criterion, Judgement { outcome: Outcome::Errored, reason, note: None })
}

/// Criteria that need a model, asked side by side.
fn judged(material: &Material<'_>) -> BTreeMap<String, CriterionResult> {
    let scenario = material.scenario;
    let asked = scenario.criteria.iter().filter(|criterion| criterion.kind == CriterionType::Model);
    let shown = Shown::of(material);
    std::thread::scope(|scope| {
        let answers: Vec<_> = asked
            .map(|criterion| {
                let answer = match material.judge {
                    Judge::Configured(endpoint) => {
                        let case = shown.case(material, &criterion.text);
                        Err(scope.spawn(move || judge::judge(endpoint, &case)))
                    }
                    judge @ (Judge::Misconfigured(_) | Judge::Absent) => Ok(Judgement::unasked(judge)),
                };
                (criterion, answer)
            })
            .collect();
        let judgement = |answer: Result<Option<Judgement>, std::thread::ScopedJoinHandle<'_, Judgement>>| {
            answer.unwrap_or_else(|asking| asking.join().ok()).unwrap_or_else(Judgement::lost)
        };
        let results = answers
            .into_iter()
            .map(|(criterion, answer)| (criterion.id.clone(), result(scenario, criterion, judgement(answer))));
        results.collect()
    })
}

fn result(scenario: &Scenario, criterion: &Criterion, judgement: Judgement) -> CriterionResult {
    CriterionResult {
        id: Some(criterion.id.clone()),
        criterion: evaluate::reference(criterion, scenario.subject_of(criterion)),
        outcome: judgement.outcome,
        reason: judgement.reason,
        matcher: None,
        evaluator: None,
        evidence_state_paths: Vec::new(),
        evidence_event_ids: Vec::new(),
        judge: judgement.note,
    }
}

/// What the judge of any criterion of this run gets to see: redacted views only.
struct Shown {
    before: Vec<(String, Vec<u8>)>,
    after: Vec<(String, Vec<u8>)>,
    calls: Vec<TwinHttpEvent>,
}

impl Shown {
    fn of(material: &Material<'_>) -> Self {
        let twins = || {
            let ids = material.scenario.config.twins.iter();
            ids.filter_map(|id| Some((id, material.twins.get(id)?)))
        };
        let states = |state: fn(&Evidence) -> Option<&View>| {
            let all = twins().filter_map(|(id, evidence)| Some((id.clone(), state(evidence)?.redacted.clone())));
            all.collect()
        };
        let rows = twins().filter_map(|(_, evidence)| evidence.calls.as_ref());
        let rows =
            rows.flat_map(|view| serde_json::from_slice::<Vec<Map<String, Value>>>(&view.redacted).unwrap_or_default());
        let calls = rows.filter_map(|row| match Event::read(row) {
            Ok(Event::TwinHttp(call)) => Some(*call),
            Ok(_) | Err(_) => None,
        });
        let mut calls: Vec<TwinHttpEvent> = calls.collect();
        calls.sort_by(|left, right| left.ts.cmp(&right.ts));
        Self { before: states(|twin| twin.before.as_ref()), after: states(|twin| twin.after.as_ref()), calls }
    }

    fn case<'a>(&'a self, material: &'a Material<'_>, criterion: &'a str) -> Case<'a> {
        Case {
            criterion,
            expected_behavior: &material.scenario.expected_behavior,
            before: &self.before,
            after: &self.after,
            calls: &self.calls,
            summary: material.summary,
        }
    }
}

#[cfg(test)]
mod tests;
