//! Deterministic criteria: a sentence is bound to a check of its twin's component, which judges it in the sandbox.

use std::collections::BTreeMap;

use pome_sandbox::{Binding, Bound, Fault, FaultKind, Judge, Material, Substrate, Verdict};
use pome_scenario::{Criterion, CriterionType, MarkerEra, Scenario};
use pome_wire::redact;
use pome_wire::score::{ALREADY_TRUE_IN_SEED, CriterionRef, CriterionResult, Outcome};

/// One recorded thing in its two views. The raw one exists only in the memory of the process that recorded it.
#[derive(Debug, Clone, Default)]
pub(crate) struct View {
    pub(crate) raw: Option<Vec<u8>>,
    pub(crate) redacted: Vec<u8>,
}

impl View {
    fn get(&self, redacted: bool) -> &[u8] {
        match &self.raw {
            Some(raw) if !redacted => raw,
            Some(_) | None => &self.redacted,
        }
    }
}

/// What is known about one twin after the agent.
#[derive(Debug)]
pub(crate) struct Evidence {
    pub(crate) judge: Judge,
    /// Absent when it was not recorded.
    pub(crate) before: Option<View>,
    pub(crate) after: Option<View>,
    /// JSON array of rows.
    pub(crate) calls: Option<View>,
}

/// Judges every deterministic criterion; the others are left out. Blocks for milliseconds a criterion.
pub(crate) fn code(scenario: &Scenario, evidence: &BTreeMap<String, Evidence>) -> BTreeMap<String, CriterionResult> {
    let deterministic = scenario.criteria.iter().filter(|criterion| criterion.kind == CriterionType::Code);
    deterministic
        .map(|criterion| {
            let twin = scenario.twin_of(criterion);
            let found = match evidence.get(twin) {
                Some(evidence) => judge(criterion, twin, evidence),
                None => Found::skipped(format!("state_missing: nothing was recorded of twin `{twin}`")),
            };
            (criterion.id.clone(), found.result(criterion, twin))
        })
        .collect()
}

/// The criterion as results repeat it.
pub(crate) fn reference(criterion: &Criterion, twin: &str) -> CriterionRef {
    CriterionRef { kind: criterion.kind, text: criterion.text.clone(), twin: Some(twin.to_owned()) }
}

struct Found {
    outcome: Outcome,
    reason: String,
    matcher: Option<String>,
    state_paths: Vec<String>,
    event_ids: Vec<String>,
}

impl Found {
    fn skipped(reason: String) -> Self {
        Self { outcome: Outcome::Skipped, reason, matcher: None, state_paths: Vec::new(), event_ids: Vec::new() }
    }

    fn with_matcher(self, matcher: &str) -> Self {
        Self { matcher: Some(matcher.to_owned()), ..self }
    }

    fn errored(fault: &Fault) -> Self {
        let code = match fault.kind {
            FaultKind::Fuel => "evaluator_fuel_exhausted",
            FaultKind::Trap
            | FaultKind::Deadline
            | FaultKind::Memory
            | FaultKind::Stack
            | FaultKind::AnswerTooLarge
            | FaultKind::BadAnswer
            | FaultKind::Dead
            | FaultKind::Host => "evaluator_trap",
        };
        Self { outcome: Outcome::Errored, ..Self::skipped(format!("{code}: {fault}")) }
    }

    fn result(self, criterion: &Criterion, twin: &str) -> CriterionResult {
        CriterionResult {
            id: Some(criterion.id.clone()),
            criterion: reference(criterion, twin),
            outcome: self.outcome,
            // Evidence may quote the state, and the raw view of it was judged.
            reason: redact::text(&one_line(&self.reason)).into_owned(),
            matcher: self.matcher,
            evidence_state_paths: self.state_paths,
            evidence_event_ids: self.event_ids,
            judge: None,
        }
    }
}

fn judge(criterion: &Criterion, twin: &str, evidence: &Evidence) -> Found {
    let bound = match evidence.judge.bind(&criterion.text) {
        Ok(Binding::Bound(bound)) => bound,
        Ok(Binding::Corrupted(near)) => {
            return Found::skipped(format!(
                "corrupted_check_instance:{}: `{}` does not fit {{{}}}; for example `{}`",
                near.matcher, near.value, near.slot, near.example
            ));
        }
        Ok(Binding::Unmatched) => {
            return Found::skipped(format!("unmatched: no check reads this sentence; `pome checks {twin}` lists them"));
        }
        Err(fault) => return Found::errored(&fault),
    };
    match holds(criterion, &bound, evidence) {
        Ok(found) => found.with_matcher(&bound.matcher),
        Err(fault) => Found::errored(&fault).with_matcher(&bound.matcher),
    }
}

fn holds(criterion: &Criterion, bound: &Bound, evidence: &Evidence) -> Result<Found, Fault> {
    let reads_state = bound.substrate != Substrate::Tape;
    let Some(after) = evidence.after.as_ref().or(if reads_state { None } else { Some(&EMPTY) }) else {
        return Ok(Found::skipped("state_missing: the state after the agent was not recorded".to_owned()));
    };
    if let Some(subject) = hidden_subject(bound, evidence) {
        return Ok(Found::skipped(format!(
            "subject_redacted: `{}` is hidden in what was recorded",
            redact::text(subject)
        )));
    }
    let before = evidence.before.as_ref();
    let evaluate = |after: &View| {
        evidence.judge.evaluate(&Material {
            text: &criterion.text,
            seed: before.map(|view| view.get(bound.redacted)),
            final_state: (reads_state || evidence.after.is_some()).then(|| after.get(bound.redacted)),
            tape: evidence.calls.as_ref().map(|view| view.get(bound.redacted)),
            config: b"",
        })
    };
    let outcome = evaluate(after)?;
    let mut found = Found {
        outcome: match outcome.verdict {
            Verdict::Passed => Outcome::Passed,
            Verdict::Failed => Outcome::Failed,
            Verdict::Skipped => Outcome::Skipped,
        },
        reason: outcome.reason,
        matcher: None,
        state_paths: outcome.state_paths,
        event_ids: outcome.event_ids,
    };
    // Lines with the older markers are always scored: whole scenarios of that time consist of guards.
    let may_be_vacuous = reads_state && !criterion.always_scored && criterion.marker_era == MarkerEra::Current;
    if let (Outcome::Passed, true, Some(before)) = (found.outcome, may_be_vacuous, before)
        && evaluate(before)?.verdict == Verdict::Passed
    {
        found = Found::skipped(ALREADY_TRUE_IN_SEED.to_owned());
    }
    Ok(found)
}

static EMPTY: View = View { raw: None, redacted: Vec::new() };

/// A literal that the check looks for and that redaction has replaced in everything it could look at.
fn hidden_subject<'a>(bound: &'a Bound, evidence: &Evidence) -> Option<&'a String> {
    let read: [Option<&View>; 3] = match bound.substrate {
        Substrate::Final => [evidence.after.as_ref(), None, None],
        Substrate::SeedAndFinal => [evidence.after.as_ref(), evidence.before.as_ref(), None],
        Substrate::Tape => [evidence.calls.as_ref(), None, None],
    };
    let redacted_only = bound.redacted || read.into_iter().flatten().any(|view| view.raw.is_none());
    if !redacted_only {
        return None;
    }
    bound.subjects.iter().find(|subject| redact::text(subject) != subject.as_str())
}

fn one_line(text: &str) -> String {
    text.split_whitespace().collect::<Vec<_>>().join(" ")
}

/// Joins rows to a JSON array.
pub(crate) fn array_of(rows: &[Vec<u8>]) -> Vec<u8> {
    let mut array = Vec::with_capacity(rows.iter().map(|row| row.len() + 1).sum::<usize>() + 2);
    array.push(b'[');
    for (index, row) in rows.iter().enumerate() {
        if index > 0 {
            array.push(b',');
        }
        array.extend_from_slice(row);
    }
    array.push(b']');
    array
}
