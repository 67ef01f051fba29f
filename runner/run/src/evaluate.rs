//! Deterministic criteria: a sentence is bound to a check of its twin's component, or to an evaluator, which judges it in the
//! sandbox.

use std::collections::BTreeMap;
use std::path::Path;

use pome_sandbox::{Binding, Bound, Case, Fault, FaultKind, Judge, Material, Substrate, Verdict};
use pome_scenario::{Criterion, CriterionType, MarkerEra, Scenario};
use pome_wire::redact;
use pome_wire::score::{ALREADY_TRUE_IN_SEED, CriterionRef, CriterionResult, JudgedBy, Outcome};

use crate::evaluators::{Entry, Evaluators};

/// What the reason of a sentence that nobody reads starts with.
const UNMATCHED: &str = "unmatched: ";

/// Characters of a reason, a pointer or an id from an evaluator.
const LONGEST_REASON: usize = 2000;

/// Pointers, and ids, from an evaluator.
const MOST_EVIDENCE: usize = 100;

/// One recorded thing in its two views. The raw one exists only in the memory of the process that recorded it.
#[derive(Debug, Clone, Default)]
pub struct View {
    /// Before redaction, where it is known.
    pub raw: Option<Vec<u8>>,
    /// As anybody may see it.
    pub redacted: Vec<u8>,
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
pub struct Evidence {
    /// The checks of the twin.
    pub judge: Judge,
    /// The state before the agent; absent when it was not recorded.
    pub before: Option<View>,
    /// The state after the agent; absent when it was not recorded.
    pub after: Option<View>,
    /// JSON array of rows; absent when they were not recorded.
    pub calls: Option<View>,
}

/// Everything that the criteria of one run are judged on.
#[derive(Debug)]
pub(crate) struct Recording<'a> {
    /// By twin.
    pub(crate) twins: &'a BTreeMap<String, Evidence>,
    /// Every row of the trace; only evaluators read it, so it may be absent when there are none.
    pub(crate) trace: Option<View>,
    /// The run folder, where there is one.
    pub(crate) folder: Option<&'a Path>,
    /// Where the clock of the primary twin started.
    pub(crate) clock: u64,
    pub(crate) random_seed: u64,
}

/// Judges every deterministic criterion; the others are left out. Blocks for milliseconds a criterion, longer for evaluators that
/// bring a language's runtime.
pub(crate) fn code(
    scenario: &Scenario,
    evaluators: &Evaluators,
    recording: &Recording<'_>,
) -> BTreeMap<String, CriterionResult> {
    let deterministic = scenario.criteria.iter().filter(|criterion| criterion.kind == CriterionType::Code);
    deterministic
        .map(|criterion| {
            let judging = Judging { scenario, criterion, evaluators, recording };
            (criterion.id.clone(), judging.found().result(criterion, scenario.subject_of(criterion)))
        })
        .collect()
}

/// The criterion as results repeat it.
pub(crate) fn reference(criterion: &Criterion, twin: Option<&str>) -> CriterionRef {
    CriterionRef { kind: criterion.kind, text: criterion.text.clone(), twin: twin.map(str::to_owned) }
}

struct Found {
    outcome: Outcome,
    reason: String,
    matcher: Option<String>,
    evaluator: Option<JudgedBy>,
    state_paths: Vec<String>,
    event_ids: Vec<String>,
}

impl Found {
    fn skipped(reason: String) -> Self {
        Self {
            outcome: Outcome::Skipped,
            reason,
            matcher: None,
            evaluator: None,
            state_paths: Vec::new(),
            event_ids: Vec::new(),
        }
    }

    fn of(outcome: pome_sandbox::Outcome) -> Self {
        Self {
            outcome: match outcome.verdict {
                Verdict::Passed => Outcome::Passed,
                Verdict::Failed => Outcome::Failed,
                Verdict::Skipped => Outcome::Skipped,
                Verdict::Errored => Outcome::Errored,
            },
            state_paths: outcome.state_paths,
            event_ids: outcome.event_ids,
            ..Self::skipped(outcome.reason)
        }
    }

    fn is_unmatched(&self) -> bool {
        self.outcome == Outcome::Skipped && self.reason.starts_with(UNMATCHED)
    }

    /// Evidence is for reading, so a project's evaluator cannot fill a file with it.
    fn shortened(mut self) -> Self {
        let cut = |text: &mut String| {
            if let Some((end, _)) = text.char_indices().nth(LONGEST_REASON) {
                text.truncate(end);
                text.push_str("...");
            }
        };
        cut(&mut self.reason);
        for list in [&mut self.state_paths, &mut self.event_ids] {
            list.truncate(MOST_EVIDENCE);
            list.iter_mut().for_each(cut);
        }
        self
    }

    fn with_matcher(self, matcher: &str) -> Self {
        Self { matcher: Some(matcher.to_owned()), ..self }
    }

    fn errored(fault: &Fault) -> Self {
        Self { outcome: Outcome::Errored, ..Self::skipped(format!("{}: {fault}", code_of(fault.kind))) }
    }

    fn result(self, criterion: &Criterion, twin: Option<&str>) -> CriterionResult {
        CriterionResult {
            id: Some(criterion.id.clone()),
            criterion: reference(criterion, twin),
            outcome: self.outcome,
            // Evidence may quote the state, and the raw view of it was judged.
            reason: redact::text(&one_line(&self.reason)).into_owned(),
            matcher: self.matcher,
            evaluator: self.evaluator,
            evidence_state_paths: self.state_paths,
            evidence_event_ids: self.event_ids,
            judge: None,
        }
    }
}

/// The reason code of a guest that was stopped.
pub(crate) fn code_of(kind: FaultKind) -> &'static str {
    match kind {
        FaultKind::Fuel => "evaluator_fuel_exhausted",
        FaultKind::Trap
        | FaultKind::Deadline
        | FaultKind::Memory
        | FaultKind::Stack
        | FaultKind::AnswerTooLarge
        | FaultKind::BadAnswer
        | FaultKind::Dead
        | FaultKind::Host => "evaluator_trap",
    }
}

/// One criterion with what it is judged by and on.
struct Judging<'a> {
    scenario: &'a Scenario,
    criterion: &'a Criterion,
    evaluators: &'a Evaluators,
    recording: &'a Recording<'a>,
}

impl Judging<'_> {
    fn found(&self) -> Found {
        let Self { criterion, evaluators, .. } = self;
        if let Some(name) = &criterion.evaluator {
            return match evaluators.named(name) {
                Some(entry) => self.by(entry, false).unwrap_or_else(|| {
                    Found::skipped(format!("unmatched: evaluator `{name}` does not read this sentence"))
                }),
                None => Found::skipped(format!("unmatched: there is no evaluator `{name}`")),
            };
        }
        if criterion.expression().is_some() {
            let found = evaluators.expressions().and_then(|entry| self.by(entry, true));
            return found.unwrap_or_else(|| Found::skipped("unmatched: nothing reads expressions".to_owned()));
        }
        let twin = self.scenario.subject_of(criterion);
        let by_twin = twin.map(|twin| match self.recording.twins.get(twin) {
            Some(evidence) => judge(criterion, twin, evidence),
            None => Found::skipped(format!("state_missing: nothing was recorded of twin `{twin}`")),
        });
        match by_twin {
            // A tag asks one twin and nobody else.
            Some(found) if criterion.twin.is_some() || !found.is_unmatched() => found,
            found => self.offered().or(found).unwrap_or_else(|| {
                Found::skipped("unmatched: no evaluator of the scenario reads this sentence".to_owned())
            }),
        }
    }

    /// The first evaluator that reads the sentence. One that breaks may have been meant, but the others are asked as well.
    fn offered(&self) -> Option<Found> {
        let mut broken = None;
        for entry in self.evaluators.own() {
            match self.by(entry, false) {
                Some(found) if found.outcome == Outcome::Errored => broken = broken.or(Some(found)),
                Some(found) => return Some(found),
                None => {}
            }
        }
        broken
    }

    /// What an evaluator says; nothing when the sentence is not its own. Only the built-in one is asked whether the criterion held
    /// before the agent did anything: others have both states and the trace, and know what they are for.
    fn by(&self, entry: &Entry, built_in: bool) -> Option<Found> {
        let Self { scenario, criterion, recording, .. } = self;
        let twin = criterion.twin.as_deref();
        let of_state = |state: fn(&Evidence) -> Option<&View>| state_of(scenario, criterion, recording.twins, state);
        let (before, after) = (of_state(|twin| twin.before.as_ref()), of_state(|twin| twin.after.as_ref()));
        let trace = recording.trace.as_ref();
        let redacted = [before.as_ref(), after.as_ref(), trace].into_iter().flatten().any(|view| view.raw.is_none());
        let own = |found: Found| Found { evaluator: Some(entry.by.clone()), ..found };
        if redacted && [criterion.text.as_str(), &entry.config].into_iter().any(|text| redact::text(text) != text) {
            let reason = "subject_redacted: the criterion looks for something that is hidden in what was recorded";
            return Some(own(Found::skipped(reason.to_owned())));
        }
        let text = |view: Option<&'_ View>| view.map(|view| String::from_utf8_lossy(view.get(redacted)).into_owned());
        let (seed, after, trace) = (text(before.as_ref()), text(after.as_ref()), text(trace));
        let twins: Vec<&str> = scenario.config.twins.iter().map(String::as_str).collect();
        let case = Case {
            id: &criterion.id,
            text: &criterion.text,
            twin,
            twins: &twins,
            seed: seed.as_deref(),
            final_state: after.as_deref(),
            events: trace.as_deref(),
            redacted,
            task: &scenario.prompt,
            config: &entry.config,
            clock: recording.clock,
            random_seed: recording.random_seed,
            run: recording.folder,
        };
        let evaluate = |case: &Case<'_>| match entry.evaluate(case) {
            Ok(evaluated) => evaluated.outcome.map(Found::of).map(Found::shortened),
            Err(broken) => Some(Found { outcome: Outcome::Errored, ..Found::skipped(broken.reason()) }),
        };
        let mut found = evaluate(&case)?;
        let may_be_vacuous = built_in && !criterion.always_scored && criterion.marker_era == MarkerEra::Current;
        if found.outcome == Outcome::Passed && may_be_vacuous && seed.is_some() {
            let untouched = Case { final_state: seed.as_deref(), events: None, ..case };
            if evaluate(&untouched).is_some_and(|found| found.outcome == Outcome::Passed) {
                found = Found::skipped(ALREADY_TRUE_IN_SEED.to_owned());
            }
        }
        Some(own(found))
    }
}

/// The state that a criterion is about: of its twin, or of all twins under their ids. Absent when any of it was not recorded.
fn state_of(
    scenario: &Scenario,
    criterion: &Criterion,
    twins: &BTreeMap<String, Evidence>,
    state: fn(&Evidence) -> Option<&View>,
) -> Option<View> {
    if let [only] = scenario.config.twins.as_slice() {
        return twins.get(only).and_then(state).cloned();
    }
    if let Some(twin) = &criterion.twin {
        return twins.get(twin).and_then(state).cloned();
    }
    let views = scenario.config.twins.iter().map(|twin| Some((twin, twins.get(twin).and_then(state)?)));
    let views: Vec<_> = views.collect::<Option<_>>()?;
    let all = |redacted: bool| {
        let mut text = vec![b'{'];
        for (index, (twin, view)) in views.iter().enumerate() {
            if index > 0 {
                text.push(b',');
            }
            // Ids of twins are letters, digits and dashes.
            text.extend_from_slice(format!("\"{twin}\":").as_bytes());
            text.extend_from_slice(view.get(redacted));
        }
        text.push(b'}');
        text
    };
    let raw = views.iter().all(|(_, view)| view.raw.is_some()).then(|| all(false));
    Some(View { raw, redacted: all(true) })
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
            return Found::skipped(format!("{UNMATCHED}no check reads this sentence; `pome checks {twin}` lists them"));
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
    let mut found = Found::of(outcome);
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
