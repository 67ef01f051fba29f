//! Judging a finished run again from its folder, without a network: `pome eval --local`.
//!
//! Only redacted material is at hand. A check whose literal redaction has hidden is skipped instead of holding for nothing, and
//! criteria that need a model keep the outcome that is on disk.

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};

use pome_sandbox::{DEFAULT_CLOCK, LoadError};
use pome_scenario::{CriterionType, Scenario};
use pome_wire::meta::{self, MetaView};
use pome_wire::redact::Redactor;
use pome_wire::score::{CriterionResult, JUDGE_NOT_CONFIGURED, Outcome, Score, ScoreSource};
use pome_wire::verdict::{Reading, Verdict, VerdictContext};
use pome_wire::{Exit, files, time};
use serde_json::Value;

use crate::artifacts::{self, RunFolder, call_of, for_each_line, read_json, read_text};
use crate::evaluate::{self, Evidence, Recording, View};
use crate::evaluators::{Evaluators, Replaced};
use crate::plan::Components;
use crate::trace;

/// The threshold of a re-evaluation.
pub const THRESHOLD: f64 = 100.0;

/// Why a run cannot be judged again.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// There is no such folder, or it holds no run.
    #[error("`{}` is no run folder", dir.display())]
    NoRun {
        /// As given.
        dir: PathBuf,
    },
    /// Neither the command line nor `meta.json` says which scenario it was.
    #[error("`{}` does not say which scenario was run", dir.display())]
    NoScenario {
        /// The run folder.
        dir: PathBuf,
    },
    /// A file of the run cannot be read or written.
    #[error(transparent)]
    Artifacts(#[from] artifacts::Error),
    /// The scenario cannot be read.
    #[error(transparent)]
    Scenario(#[from] pome_scenario::Error),
    /// A twin of the scenario is not there to judge.
    #[error(transparent)]
    Twin(#[from] LoadError),
}

impl Error {
    /// How the program ends.
    pub fn exit(&self) -> Exit {
        match self {
            Self::NoRun { .. } | Self::NoScenario { .. } => Exit::Usage,
            Self::Scenario(error) => error.exit(),
            // A corrupt file is what was asked for, not a failure of the machinery.
            Self::Artifacts(artifacts::Error::Corrupt { .. } | artifacts::Error::LegacyEvents { .. }) => Exit::Usage,
            Self::Artifacts(error) => error.exit(),
            Self::Twin(error) => error.exit(),
        }
    }

    /// What to try next.
    pub fn hint(&self) -> Option<String> {
        match self {
            Self::NoScenario { .. } => Some("name the scenario file with `--scenario`".to_owned()),
            Self::Scenario(error) => Some(error.hint()),
            Self::Artifacts(error) => error.hint(),
            Self::Twin(error) => Some(error.hint().to_owned()),
            Self::NoRun { .. } => None,
        }
    }
}

/// What the second look came to. `score.json`, `verdict.json` and `meta.json` say the same.
#[derive(Debug, Clone, PartialEq)]
pub struct Reevaluated {
    /// The scenario it was judged by.
    pub scenario: Scenario,
    /// The new score.
    pub score: Score,
}

/// Judges the run in `dir` again and writes what it came to. `scenario` wins over the path in `meta.json`, `replaced` over the
/// evaluators that the scenario names. Blocks.
///
/// The same run, scenario and evaluators give the same bytes, wherever the folder lies: nothing is taken from the clock.
pub fn run(
    dir: &Path,
    scenario: Option<&Path>,
    replaced: &Replaced,
    components: &mut Components,
) -> Result<Reevaluated, Error> {
    if !dir.is_dir() {
        return Err(Error::NoRun { dir: dir.to_owned() });
    }
    let meta_path = dir.join(files::META);
    let meta = match read_json(&meta_path)? {
        Some(value) => MetaView::read(value).map_err(|error| artifacts::Error::corrupt(&meta_path, error))?,
        None => MetaView::default(),
    };
    let path = scenario.map(Path::to_owned).or_else(|| meta.scenario_path.clone().map(PathBuf::from));
    let path = path.ok_or_else(|| Error::NoScenario { dir: dir.to_owned() })?;
    let scenario = pome_scenario::read(&path, components)?;
    let evaluators = Evaluators::of(&scenario, components.engine(), replaced)?;
    let mut evidence = BTreeMap::new();
    for (index, twin) in scenario.config.twins.iter().enumerate() {
        let material = Evidence {
            judge: components.of(&scenario, twin)?.judge(),
            before: state(
                dir,
                index == 0,
                &[files::STATE_INITIAL, files::LEGACY_STATE_INITIAL],
                &files::state_initial_of(twin),
            )?,
            after: state(
                dir,
                index == 0,
                &[files::STATE_FINAL, files::LEGACY_STATE_FINAL],
                &files::state_final_of(twin),
            )?,
            calls: calls(dir, twin)?,
        };
        evidence.insert(twin.clone(), material);
    }
    if evidence.values().all(|material| material.after.is_none() && material.calls.is_none()) {
        return Err(Error::NoRun { dir: dir.to_owned() });
    }
    let mut code = evaluate::code(
        &scenario,
        &evaluators,
        &Recording {
            twins: &evidence,
            trace: if evaluators.is_empty() { None } else { trace::read(&dir.join(files::EVENTS), None)? },
            folder: Some(dir),
            clock: recorded_clock(&meta, scenario.primary_twin()),
            random_seed: meta.raw.get("random_seed").and_then(Value::as_u64).unwrap_or_default(),
        },
    );
    let earlier = earlier_results(dir)?;
    let results = scenario.criteria.iter().map(|criterion| match code.remove(&criterion.id) {
        Some(result) => result,
        None => kept(&earlier, &scenario, criterion),
    });
    let score = Score::of(results.collect(), THRESHOLD, false, ScoreSource::LocalEvaluator);
    write(dir, &meta, &scenario, &evaluators, &score)?;
    Ok(Reevaluated { scenario, score })
}

fn state(dir: &Path, primary: bool, plain: &[&str], own: &str) -> Result<Option<View>, artifacts::Error> {
    let names = if primary { plain } else { &[own][..] };
    for name in names {
        let path = dir.join(name);
        if let Some(text) = read_text(&path)? {
            let value: Value = serde_json::from_str(&text).map_err(|error| artifacts::Error::corrupt(&path, error))?;
            // `{}` stands for an export that failed.
            let failed = value.as_object().is_some_and(serde_json::Map::is_empty);
            return Ok((!failed).then(|| View { raw: None, redacted: text.into_bytes() }));
        }
    }
    Ok(None)
}

/// The calls of one twin; the trace is preferred, because only it has event ids.
fn calls(dir: &Path, twin: &str) -> Result<Option<View>, artifacts::Error> {
    for name in [files::EVENTS, files::TOOL_CALLS] {
        let path = dir.join(name);
        if !path.is_file() {
            continue;
        }
        let mut rows = Vec::new();
        for_each_line(&path, |number, line| {
            let line = line.trim();
            if line.is_empty() {
                return Ok(());
            }
            let corrupt = |error| artifacts::Error::corrupt(&path, format!("line {number}: {error}"));
            let value: Value = serde_json::from_str(line).map_err(corrupt)?;
            let own = value.get("twin").and_then(Value::as_str) == Some(twin);
            if own && call_of(line).is_some() {
                rows.push(line.as_bytes().to_vec());
            }
            Ok(())
        })?;
        return Ok(Some(View { raw: None, redacted: evaluate::array_of(&rows) }));
    }
    Ok(None)
}

fn earlier_results(dir: &Path) -> Result<Vec<CriterionResult>, artifacts::Error> {
    let path = dir.join(files::SCORE);
    let Some(value) = read_json(&path)? else { return Ok(Vec::new()) };
    let score = Score::read(value).map_err(|error| artifacts::Error::corrupt(&path, error))?;
    Ok(score.results)
}

/// A judged criterion as it was, if it is still the same sentence.
fn kept(earlier: &[CriterionResult], scenario: &Scenario, criterion: &pome_scenario::Criterion) -> CriterionResult {
    let same = |result: &&CriterionResult| {
        result.criterion.kind == CriterionType::Model && result.criterion.text == criterion.text
    };
    earlier.iter().find(same).cloned().map_or_else(
        || CriterionResult {
            id: Some(criterion.id.clone()),
            criterion: evaluate::reference(criterion, scenario.subject_of(criterion)),
            outcome: Outcome::Skipped,
            reason: JUDGE_NOT_CONFIGURED.to_owned(),
            matcher: None,
            evaluator: None,
            evidence_state_paths: Vec::new(),
            evidence_event_ids: Vec::new(),
            judge: None,
        },
        |result| CriterionResult { id: Some(criterion.id.clone()), ..result },
    )
}

/// Where the clock of a twin started; older runs do not say.
fn recorded_clock(meta: &MetaView, twin: &str) -> u64 {
    let clock = meta.raw.get("clock").and_then(|clocks| clocks.get(twin)).and_then(Value::as_u64);
    clock.unwrap_or(DEFAULT_CLOCK)
}

/// When the run was first final. A verdict that is found again stays as old as it is.
fn finalized_at(dir: &Path, meta: &MetaView) -> String {
    let earlier = fs::read(dir.join(files::VERDICT)).ok().map(|bytes| Reading::of(&bytes));
    match earlier {
        Some(Reading::Ok(verdict)) => verdict.finalized_at,
        Some(Reading::StaleVersion(_) | Reading::Unreadable(_)) | None => {
            meta.completed_at.clone().unwrap_or_else(time::now)
        }
    }
}

fn write(
    dir: &Path,
    meta: &MetaView,
    scenario: &Scenario,
    evaluators: &Evaluators,
    score: &Score,
) -> Result<(), artifacts::Error> {
    let finalized_at = finalized_at(dir, meta);
    let folder = RunFolder::open(dir.to_owned(), Redactor::default());
    folder.write_score(score)?;
    let text = |key: &str| meta.raw.get(key).and_then(Value::as_str).map(str::to_owned);
    let run_id = meta.run_id.clone().or_else(|| Some(dir.file_name()?.to_string_lossy().into_owned()));
    folder.write_verdict(&Verdict::local(
        score,
        VerdictContext {
            task_name: meta.scenario.clone().unwrap_or_else(|| scenario.slug.clone()),
            task_path: scenario.path.display().to_string(),
            group_id: text("group_id"),
            run_id: run_id.unwrap_or_default(),
            duration_ms: meta.duration_ms.unwrap_or_default(),
            finalized_at,
        },
    ))?;
    if meta.raw.is_empty() {
        return Ok(());
    }
    let mut raw = meta.raw.clone();
    raw.insert("status".to_owned(), meta::RunStatus::from(score.status).as_str().into());
    raw.insert("satisfaction_score".to_owned(), score.satisfaction.into());
    raw.insert("pass_threshold".to_owned(), serde_json::json!(100));
    match evaluators.digests() {
        Some(digests) => raw.insert("evaluators".to_owned(), digests),
        None => raw.remove("evaluators"),
    };
    folder.write_json(files::META, &raw)
}
