//! `verdict.json`, version 2: the verdict for scripts. Look at `state` or `passed`, never at the score alone.

use serde::Serialize;
use serde_json::Value;

use crate::fields::{Fields, ShapeError, plain_number};
use crate::score::{Counts, CriterionResult, Score, ScoreSource, ScoreStatus};

/// The version that is written and understood.
pub const VERSION: u64 = 2;

/// `verdict.json`.
#[derive(Debug, Clone, PartialEq)]
pub struct Verdict {
    /// Who decided.
    pub source: ScoreSource,
    /// Slug of the scenario.
    pub task_name: String,
    /// The scenario file as it was given; may be gone later.
    pub task_path: String,
    /// The group of trials.
    pub group_id: Option<String>,
    /// Local: the run id.
    pub session_id: String,
    /// Local: the run id.
    pub cloud_run_id: String,
    /// Local: empty.
    pub cloud_dashboard_url: String,
    /// The model of the first judged criterion.
    pub judge_model: Option<String>,
    /// Over the evaluated criteria only.
    pub score: u8,
    /// The threshold that applied.
    pub pass_threshold: f64,
    /// How it ended.
    pub state: ScoreStatus,
    /// How the criteria ended.
    pub counts: Counts,
    /// In scenario order.
    pub criteria_results: Vec<CriterionResult>,
    /// Wall time of the agent.
    pub duration_ms: u64,
    /// When the score was final.
    pub finalized_at: String,
}

/// What a verdict says beside the score.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct VerdictContext {
    /// Slug of the scenario.
    pub task_name: String,
    /// The scenario file as it was given.
    pub task_path: String,
    /// The group of trials.
    pub group_id: Option<String>,
    /// Id of the run.
    pub run_id: String,
    /// Wall time of the agent.
    pub duration_ms: u64,
    /// When the score was final.
    pub finalized_at: String,
}

impl Verdict {
    /// The verdict of a run that was scored here.
    pub fn local(score: &Score, context: VerdictContext) -> Self {
        Self {
            source: score.source,
            task_name: context.task_name,
            task_path: context.task_path,
            group_id: context.group_id,
            session_id: context.run_id.clone(),
            cloud_run_id: context.run_id,
            cloud_dashboard_url: String::new(),
            judge_model: score.judge_model().map(str::to_owned),
            score: score.satisfaction,
            pass_threshold: score.pass_threshold,
            state: score.status,
            counts: score.counts,
            criteria_results: score.results.clone(),
            duration_ms: context.duration_ms,
            finalized_at: context.finalized_at,
        }
    }
}

impl Serialize for Verdict {
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        #[derive(Serialize)]
        struct Written<'a> {
            version: u64,
            source: ScoreSource,
            task_name: &'a str,
            task_path: &'a str,
            group_id: Option<&'a str>,
            session_id: &'a str,
            cloud_run_id: &'a str,
            cloud_dashboard_url: &'a str,
            judge_model: Option<&'a str>,
            score: u8,
            #[serde(serialize_with = "plain_number")]
            pass_threshold: f64,
            state: ScoreStatus,
            passed: bool,
            evaluated: u64,
            not_evaluated: u64,
            pre_satisfied: u64,
            not_judged: u64,
            total: u64,
            criteria_results: &'a [CriterionResult],
            duration_ms: u64,
            finalized_at: &'a str,
        }
        Written {
            version: VERSION,
            source: self.source,
            task_name: &self.task_name,
            task_path: &self.task_path,
            group_id: self.group_id.as_deref(),
            session_id: &self.session_id,
            cloud_run_id: &self.cloud_run_id,
            cloud_dashboard_url: &self.cloud_dashboard_url,
            judge_model: self.judge_model.as_deref(),
            score: self.score,
            pass_threshold: self.pass_threshold,
            state: self.state,
            passed: self.state == ScoreStatus::Pass,
            evaluated: self.counts.total_required(),
            not_evaluated: self.counts.skipped + self.counts.errored,
            pre_satisfied: self.counts.pre_satisfied,
            not_judged: self.counts.not_judged,
            total: self.counts.total(),
            criteria_results: &self.criteria_results,
            duration_ms: self.duration_ms,
            finalized_at: &self.finalized_at,
        }
        .serialize(serializer)
    }
}

/// What a verdict file turned out to be.
#[derive(Debug, Clone, PartialEq)]
pub enum Reading {
    /// A verdict.
    Ok(Box<Verdict>),
    /// Ours, of another version; the number when it is one.
    StaleVersion(Option<u64>),
    /// Not a verdict; the text says why.
    Unreadable(String),
}

impl Reading {
    /// Reads the content of a file.
    pub fn of(bytes: &[u8]) -> Self {
        let value = match serde_json::from_slice::<Value>(bytes) {
            Ok(value) => value,
            Err(error) => return Self::Unreadable(error.to_string()),
        };
        if let Err(error) = recognise(&value) {
            return Self::Unreadable(error.to_string());
        }
        match value.get("version").and_then(Value::as_u64) {
            Some(VERSION) => match read(value) {
                Ok(verdict) => Self::Ok(Box::new(verdict)),
                Err(error) => Self::Unreadable(error.to_string()),
            },
            other => Self::StaleVersion(other),
        }
    }
}

/// What makes a document recognisably a verdict of any version.
fn recognise(value: &Value) -> Result<(), ShapeError> {
    let mut fields = Fields::of(value.clone(), "verdict")?;
    fields.opt_word("source", &ScoreSource::WORDS)?.ok_or_else(|| ShapeError::new("source", "is missing"))?;
    for key in ["session_id", "task_name", "finalized_at"] {
        fields.string(key)?;
    }
    if fields.opt_string("task_path")?.is_none() {
        fields.string("scenario_path").map_err(|_| ShapeError::new("task_path", "is missing"))?;
    }
    if !fields.has("group_id") {
        return Err(ShapeError::new("group_id", "is missing"));
    }
    fields.opt_string("group_id")?;
    fields.bool("passed")?;
    fields.opt_f64("score")?.ok_or_else(|| ShapeError::new("score", "is missing"))?;
    let results = fields.opt_array("criteria_results")?;
    for (index, result) in
        results.ok_or_else(|| ShapeError::new("criteria_results", "is missing"))?.into_iter().enumerate()
    {
        let inside = |error: ShapeError| error.inside(&format!("criteria_results[{index}]"));
        let mut result = Fields::of(result, "result").map_err(inside)?;
        result.string("reason").map_err(inside)?;
        result.bool("passed").map_err(inside)?;
        result.bool("skipped").map_err(inside)?;
        let mut criterion = Fields::new(result.opt_object("criterion").map_err(inside)?.unwrap_or_default());
        criterion.string("text").map_err(|error| inside(error.inside("criterion")))?;
    }
    Ok(())
}

fn read(value: Value) -> Result<Verdict, ShapeError> {
    let mut fields = Fields::of(value, "verdict")?;
    let mut results = Vec::new();
    for (index, result) in fields.opt_array("criteria_results")?.unwrap_or_default().into_iter().enumerate() {
        let inside = |error: ShapeError| error.inside(&format!("criteria_results[{index}]"));
        results.push(CriterionResult::read(result).map_err(inside)?);
    }
    let derived = Counts::of(&results, false);
    let counts = Counts {
        pre_satisfied: fields.opt_u64("pre_satisfied")?.unwrap_or(derived.pre_satisfied),
        not_judged: fields.opt_u64("not_judged")?.unwrap_or(0),
        ..derived
    };
    let passed = fields.bool("passed")?;
    let state = fields.opt_word("state", &ScoreStatus::WORDS)?;
    let session_id = fields.string("session_id")?;
    let task_path = match fields.opt_string("task_path")? {
        Some(path) => path,
        None => fields.string("scenario_path")?,
    };
    #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "clamped to 0..=100")]
    let score = fields.opt_f64("score")?.unwrap_or_default().clamp(0.0, 100.0).round() as u8;
    Ok(Verdict {
        source: fields.opt_word("source", &ScoreSource::WORDS)?.unwrap_or(ScoreSource::LocalEvaluator),
        task_name: fields.string("task_name")?,
        task_path,
        group_id: fields.opt_string("group_id")?,
        cloud_run_id: fields.opt_string("cloud_run_id")?.unwrap_or_else(|| session_id.clone()),
        session_id,
        cloud_dashboard_url: fields.opt_string("cloud_dashboard_url")?.unwrap_or_default(),
        judge_model: fields.opt_string("judge_model")?,
        score,
        pass_threshold: fields.opt_f64("pass_threshold")?.unwrap_or(100.0),
        state: state.unwrap_or(if passed { ScoreStatus::Pass } else { ScoreStatus::Fail }),
        counts,
        criteria_results: results,
        duration_ms: fields.opt_u64("duration_ms")?.unwrap_or_default(),
        finalized_at: fields.string("finalized_at")?,
    })
}
