//! `score.json`: the outcome of every criterion and what follows from them.

use serde::Serialize;
use serde_json::Value;

use crate::fields::{Fields, ShapeError, plain_number, plain_number_or_null};

/// The reason of a criterion that held before the agent did anything.
pub const ALREADY_TRUE_IN_SEED: &str = "already_true_in_seed";
/// The reason of a judged criterion when no judge is configured.
pub const JUDGE_NOT_CONFIGURED: &str = "judge_not_configured";

/// How a criterion is decided.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum CriterionType {
    /// By a check over states and calls.
    Code,
    /// By a model.
    Model,
}

impl CriterionType {
    /// `code` or `model`.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Code => "code",
            Self::Model => "model",
        }
    }

    /// Reads both spellings of the marker: `code`/`D` and `model`/`P`.
    pub fn from_marker(marker: &str) -> Option<Self> {
        match marker {
            "code" | "D" => Some(Self::Code),
            "model" | "P" => Some(Self::Model),
            _ => None,
        }
    }
}

/// How one criterion ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Outcome {
    /// Evaluated and true.
    Passed,
    /// Evaluated and false.
    Failed,
    /// Could not be evaluated, or told nothing about the agent.
    Skipped,
    /// The evaluator or the judge broke.
    Errored,
}

impl Outcome {
    const WORDS: [(&'static str, Self); 4] =
        [("passed", Self::Passed), ("failed", Self::Failed), ("skipped", Self::Skipped), ("errored", Self::Errored)];

    /// `passed`, `failed`, `skipped` or `errored`.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Passed => "passed",
            Self::Failed => "failed",
            Self::Skipped => "skipped",
            Self::Errored => "errored",
        }
    }

    /// The mark in front of a criterion in terminal output.
    pub const fn mark(self) -> &'static str {
        match self {
            Self::Passed => "✓",
            Self::Failed => "✗",
            Self::Skipped => "-",
            Self::Errored => "!",
        }
    }
}

/// The criterion as results repeat it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct CriterionRef {
    /// Written as `code` or `model`.
    #[serde(rename = "type")]
    pub kind: CriterionType,
    /// The sentence, unaltered.
    pub text: String,
    /// The twin it belongs to, when the scenario or the runner names one.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub twin: Option<String>,
}

/// What a judge reported beside its answer.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct JudgeNote {
    /// Between 0 and 1.
    pub confidence: Option<f64>,
    /// The model that answered.
    pub model: Option<String>,
    /// Tokens read.
    pub tokens_in: Option<u64>,
    /// Tokens written.
    pub tokens_out: Option<u64>,
    /// Whether the endpoint reported usage.
    pub has_usage: bool,
}

/// The evaluator that judged a criterion.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct JudgedBy {
    /// As the scenario calls it, or `cel`.
    pub name: String,
    /// `sha256:` digest of the component; with the recorded material it determines the outcome.
    pub digest: String,
}

/// The result of one criterion.
#[derive(Debug, Clone, PartialEq)]
pub struct CriterionResult {
    /// `crit_<n>`; older files have none.
    pub id: Option<String>,
    /// What was asked.
    pub criterion: CriterionRef,
    /// How it ended.
    pub outcome: Outcome,
    /// One line of evidence, or a reason code with details after `: `.
    pub reason: String,
    /// The check that understood the sentence.
    pub matcher: Option<String>,
    /// The evaluator that judged it, when no check of a twin did.
    pub evaluator: Option<JudgedBy>,
    /// JSON pointers into the state after the agent.
    pub evidence_state_paths: Vec<String>,
    /// Ids of events.
    pub evidence_event_ids: Vec<String>,
    /// Present when a judge was asked.
    pub judge: Option<JudgeNote>,
}

impl CriterionResult {
    /// Whether the agent met the criterion before doing anything.
    pub fn is_pre_satisfied(&self) -> bool {
        self.outcome == Outcome::Skipped && self.reason_code() == ALREADY_TRUE_IN_SEED
    }

    /// Whether it was skipped only because no judge is configured.
    pub fn is_not_judged(&self) -> bool {
        self.outcome == Outcome::Skipped && self.reason_code() == JUDGE_NOT_CONFIGURED
    }

    /// The reason up to the first `:`.
    pub fn reason_code(&self) -> &str {
        self.reason.split(':').next().unwrap_or_default().trim()
    }

    /// Reads one element of `results`, of this and of older versions.
    pub fn read(value: Value) -> Result<Self, ShapeError> {
        let mut fields = Fields::of(value, "result")?;
        let mut criterion = Fields::new(fields.opt_object("criterion")?.unwrap_or_default());
        let kinds = [
            ("code", CriterionType::Code),
            ("model", CriterionType::Model),
            ("D", CriterionType::Code),
            ("P", CriterionType::Model),
        ];
        let inside = |error: ShapeError| error.inside("criterion");
        let kind = criterion.opt_word("type", &kinds).map_err(inside)?.unwrap_or(CriterionType::Code);
        let text = criterion.string("text").map_err(inside)?;
        let twin = criterion.opt_string("twin").map_err(inside)?;
        let (passed, skipped) = (fields.opt_bool("passed")?, fields.opt_bool("skipped")?);
        let outcome = match (fields.opt_word("outcome", &Outcome::WORDS)?, skipped, passed) {
            (Some(outcome), _, _) => outcome,
            (None, Some(true), _) => Outcome::Skipped,
            (None, _, Some(true)) => Outcome::Passed,
            (None, _, Some(false)) => Outcome::Failed,
            (None, _, None) => return Err(ShapeError::new("passed", "is missing")),
        };
        let evaluator = match fields.opt_object("evaluator")? {
            None => None,
            Some(evaluator) => {
                let inside = |error: ShapeError| error.inside("evaluator");
                let mut evaluator = Fields::new(evaluator);
                let name = evaluator.string("name").map_err(inside)?;
                Some(JudgedBy { name, digest: evaluator.string("digest").map_err(inside)? })
            }
        };
        let note = JudgeNote {
            confidence: fields.opt_f64("confidence")?,
            model: fields.opt_string("judge_model")?,
            tokens_in: fields.opt_u64("judge_tokens_in")?,
            tokens_out: fields.opt_u64("judge_tokens_out")?,
            has_usage: fields.opt_bool("judge_has_usage")?.unwrap_or(false),
        };
        Ok(Self {
            id: fields.opt_string("id")?,
            criterion: CriterionRef { kind, text, twin },
            outcome,
            reason: fields.opt_string("reason")?.unwrap_or_default(),
            matcher: fields.opt_string("matcher")?,
            evaluator,
            evidence_state_paths: fields.opt_strings("evidence_state_paths")?.unwrap_or_default(),
            evidence_event_ids: fields.opt_strings("evidence_event_ids")?.unwrap_or_default(),
            judge: (note != JudgeNote::default()).then_some(note),
        })
    }
}

impl Serialize for CriterionResult {
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        #[derive(Serialize)]
        struct Written<'a> {
            #[serde(skip_serializing_if = "Option::is_none")]
            id: Option<&'a str>,
            criterion: &'a CriterionRef,
            outcome: Outcome,
            passed: bool,
            skipped: bool,
            reason: &'a str,
            #[serde(skip_serializing_if = "Option::is_none")]
            matcher: Option<&'a str>,
            #[serde(skip_serializing_if = "Option::is_none")]
            evaluator: Option<&'a JudgedBy>,
            #[serde(skip_serializing_if = "<[String]>::is_empty")]
            evidence_state_paths: &'a [String],
            #[serde(skip_serializing_if = "<[String]>::is_empty")]
            evidence_event_ids: &'a [String],
            #[serde(skip_serializing_if = "Option::is_none", serialize_with = "plain_number_or_null")]
            confidence: Option<f64>,
            #[serde(skip_serializing_if = "Option::is_none")]
            judge_model: Option<&'a str>,
            #[serde(skip_serializing_if = "Option::is_none")]
            judge_tokens_in: Option<u64>,
            #[serde(skip_serializing_if = "Option::is_none")]
            judge_tokens_out: Option<u64>,
            #[serde(skip_serializing_if = "Option::is_none")]
            judge_has_usage: Option<bool>,
        }
        let judge = self.judge.as_ref();
        Written {
            id: self.id.as_deref(),
            criterion: &self.criterion,
            outcome: self.outcome,
            passed: self.outcome == Outcome::Passed,
            skipped: matches!(self.outcome, Outcome::Skipped | Outcome::Errored),
            reason: &self.reason,
            matcher: self.matcher.as_deref(),
            evaluator: self.evaluator.as_ref(),
            evidence_state_paths: &self.evidence_state_paths,
            evidence_event_ids: &self.evidence_event_ids,
            confidence: judge.and_then(|note| note.confidence),
            judge_model: judge.and_then(|note| note.model.as_deref()),
            judge_tokens_in: judge.and_then(|note| note.tokens_in),
            judge_tokens_out: judge.and_then(|note| note.tokens_out),
            judge_has_usage: judge.map(|note| note.has_usage),
        }
        .serialize(serializer)
    }
}

/// How a scored run ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum ScoreStatus {
    /// Fully evaluated and at or above the threshold.
    Pass,
    /// Fully evaluated and below the threshold.
    Fail,
    /// Something that should have been evaluated was not.
    Incomplete,
}

impl ScoreStatus {
    pub(crate) const WORDS: [(&'static str, Self); 4] = [
        ("pass", Self::Pass),
        ("fail", Self::Fail),
        ("incomplete", Self::Incomplete),
        ("unevaluated", Self::Incomplete),
    ];

    /// `pass`, `fail` or `incomplete`.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Pass => "pass",
            Self::Fail => "fail",
            Self::Incomplete => "incomplete",
        }
    }
}

/// How many criteria ended how.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Counts {
    /// Evaluated and true.
    pub passed: u64,
    /// Evaluated and false.
    pub failed: u64,
    /// Not evaluated, the pre-satisfied and not judged ones included.
    pub skipped: u64,
    /// Broken.
    pub errored: u64,
    /// Skipped because they held before the agent did anything.
    pub pre_satisfied: u64,
    /// Skipped because no judge is configured; 0 when a judge is required.
    pub not_judged: u64,
}

impl Counts {
    /// Counts results. With `require_judge` a missing judge blocks a pass, so nothing counts as merely not judged.
    pub fn of(results: &[CriterionResult], require_judge: bool) -> Self {
        let mut counts = Self::default();
        for result in results {
            match result.outcome {
                Outcome::Passed => counts.passed += 1,
                Outcome::Failed => counts.failed += 1,
                Outcome::Skipped => counts.skipped += 1,
                Outcome::Errored => counts.errored += 1,
            }
            counts.pre_satisfied += u64::from(result.is_pre_satisfied());
            counts.not_judged += u64::from(result.is_not_judged() && !require_judge);
        }
        counts
    }

    /// Criteria that were evaluated.
    pub const fn total_required(&self) -> u64 {
        self.passed + self.failed
    }

    /// All criteria.
    pub const fn total(&self) -> u64 {
        self.passed + self.failed + self.skipped + self.errored
    }

    /// Whether anything was evaluated.
    pub const fn evaluated(&self) -> bool {
        self.total_required() > 0
    }

    /// Percentage of the evaluated criteria that passed, rounded half up; 0 when nothing was evaluated.
    pub const fn satisfaction(&self) -> u8 {
        let total = self.total_required();
        if total == 0 {
            return 0;
        }
        #[expect(clippy::cast_possible_truncation, reason = "a percentage")]
        let percent = ((200 * self.passed + total) / (2 * total)) as u8;
        percent
    }

    /// Criteria that were not evaluated and should have been.
    pub const fn blockers(&self) -> u64 {
        (self.skipped + self.errored).saturating_sub(self.pre_satisfied + self.not_judged)
    }

    /// Whether a pass is possible at all.
    pub const fn can_pass(&self) -> bool {
        self.evaluated() && self.blockers() == 0
    }

    /// The status under a threshold.
    pub fn status(&self, threshold: f64) -> ScoreStatus {
        if !self.can_pass() {
            ScoreStatus::Incomplete
        } else if f64::from(self.satisfaction()) >= threshold {
            ScoreStatus::Pass
        } else {
            ScoreStatus::Fail
        }
    }
}

/// Who decided.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum ScoreSource {
    /// The evaluator in this program.
    LocalEvaluator,
    /// A control plane.
    CloudFinalize,
}

impl ScoreSource {
    pub(crate) const WORDS: [(&'static str, Self); 2] =
        [("local-evaluator", Self::LocalEvaluator), ("cloud-finalize", Self::CloudFinalize)];
}

/// `score.json`.
#[derive(Debug, Clone, PartialEq)]
pub struct Score {
    /// How the criteria ended.
    pub counts: Counts,
    /// What follows from the counts and the threshold.
    pub status: ScoreStatus,
    /// 0 to 100; read `status` first.
    pub satisfaction: u8,
    /// The threshold that applied.
    pub pass_threshold: f64,
    /// In scenario order.
    pub results: Vec<CriterionResult>,
    /// Who decided.
    pub source: ScoreSource,
}

impl Score {
    /// The score that follows from results.
    pub fn of(results: Vec<CriterionResult>, pass_threshold: f64, require_judge: bool, source: ScoreSource) -> Self {
        let counts = Counts::of(&results, require_judge);
        Self {
            counts,
            status: counts.status(pass_threshold),
            satisfaction: counts.satisfaction(),
            pass_threshold,
            results,
            source,
        }
    }

    /// The model of the first judged criterion.
    pub fn judge_model(&self) -> Option<&str> {
        self.results.iter().find_map(|result| result.judge.as_ref()?.model.as_deref())
    }

    /// Tokens read and written by the judge; `None` unless every judged call reported usage.
    pub fn judge_tokens(&self) -> Option<(u64, u64)> {
        let judged: Vec<&JudgeNote> = self.results.iter().filter_map(|result| result.judge.as_ref()).collect();
        if judged.is_empty() || judged.iter().any(|note| !note.has_usage) {
            return None;
        }
        let sum = |part: fn(&JudgeNote) -> Option<u64>| judged.iter().filter_map(|note| part(note)).sum();
        Some((sum(|note| note.tokens_in), sum(|note| note.tokens_out)))
    }

    /// Reads a score file of this or an older version: counts that are missing follow from the results.
    pub fn read(value: Value) -> Result<Self, ShapeError> {
        let mut fields = Fields::of(value, "score")?;
        let mut results = Vec::new();
        for (index, result) in fields.opt_array("results")?.unwrap_or_default().into_iter().enumerate() {
            results.push(CriterionResult::read(result).map_err(|error| error.inside(&format!("results[{index}]")))?);
        }
        let derived = Counts::of(&results, false);
        let counts = Counts {
            passed: fields.opt_u64("passed")?.unwrap_or(derived.passed),
            failed: fields.opt_u64("failed")?.unwrap_or(derived.failed),
            skipped: fields.opt_u64("skipped")?.unwrap_or(derived.skipped),
            errored: fields.opt_u64("errored")?.unwrap_or(derived.errored),
            pre_satisfied: fields.opt_u64("pre_satisfied")?.unwrap_or(derived.pre_satisfied),
            not_judged: fields.opt_u64("not_judged")?.unwrap_or(derived.not_judged),
        };
        let pass_threshold = fields.opt_f64("pass_threshold")?.unwrap_or(100.0);
        let satisfaction = match fields.opt_f64("satisfaction")? {
            #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "clamped to 0..=100")]
            Some(number) => number.clamp(0.0, 100.0).round() as u8,
            None => counts.satisfaction(),
        };
        let status = match fields.opt_word("status", &ScoreStatus::WORDS)? {
            Some(status) => status,
            None => counts.status(pass_threshold),
        };
        let source = fields.opt_word("source", &ScoreSource::WORDS)?.unwrap_or(ScoreSource::LocalEvaluator);
        Ok(Self { counts, status, satisfaction, pass_threshold, results, source })
    }
}

impl Serialize for Score {
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        #[derive(Serialize)]
        struct Written<'a> {
            satisfaction: u8,
            passed: u64,
            failed: u64,
            skipped: u64,
            errored: u64,
            pre_satisfied: u64,
            not_judged: u64,
            total_required: u64,
            evaluated: bool,
            can_pass: bool,
            status: ScoreStatus,
            #[serde(serialize_with = "plain_number")]
            pass_threshold: f64,
            results: &'a [CriterionResult],
            judge_model: Option<&'a str>,
            judge_tokens_in: Option<u64>,
            judge_tokens_out: Option<u64>,
            source: ScoreSource,
            version: u8,
        }
        let tokens = self.judge_tokens();
        Written {
            satisfaction: self.satisfaction,
            passed: self.counts.passed,
            failed: self.counts.failed,
            skipped: self.counts.skipped,
            errored: self.counts.errored,
            pre_satisfied: self.counts.pre_satisfied,
            not_judged: self.counts.not_judged,
            total_required: self.counts.total_required(),
            evaluated: self.counts.evaluated(),
            can_pass: self.counts.can_pass(),
            status: self.status,
            pass_threshold: self.pass_threshold,
            results: &self.results,
            judge_model: self.judge_model(),
            judge_tokens_in: tokens.map(|(read, _)| read),
            judge_tokens_out: tokens.map(|(_, written)| written),
            source: self.source,
            version: 1,
        }
        .serialize(serializer)
    }
}
