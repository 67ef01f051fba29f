//! What a batch of runs came to: the document that `pome run --json` prints and that the text rendering reads.

use std::path::{Path, PathBuf};

use serde::{Deserialize, Serialize};

/// The whole batch. Serialises to the `--json` document.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct BatchReport {
    /// Version of this document, `1`.
    pub version: u32,
    /// Where the twins were: `local` or `hosted`.
    pub mode: String,
    /// The worst exit code of everything that was asked for.
    pub exit_code: i32,
    /// One row per trial, in scenario order, trials of one scenario together.
    pub runs: Vec<RunReport>,
    /// One row per scenario that was run more than once.
    #[serde(default)]
    pub groups: Vec<GroupReport>,
}

/// One trial of one scenario.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct RunReport {
    /// The scenario's slug.
    pub scenario: String,
    /// The scenario's title.
    pub title: String,
    /// Path of the scenario as it was given.
    pub path: String,
    /// Absent when nothing was started.
    pub run_id: Option<String>,
    /// The run folder as built from the artifacts folder; absent when nothing was started.
    pub run_dir: Option<PathBuf>,
    /// 1-based.
    pub trial: u32,
    /// Only for scenarios that are run more than once.
    pub group_id: Option<String>,
    /// Tags of the command line and of the scenario.
    pub tags: Vec<String>,
    /// How it ended.
    pub status: RunStatus,
    /// 0..=100; absent when nothing was evaluated.
    pub satisfaction: Option<u32>,
    /// The effective threshold.
    pub pass_threshold: f64,
    /// Criteria by outcome.
    pub counts: CriteriaCounts,
    /// In scenario order.
    pub criteria: Vec<CriterionReport>,
    /// How the agent process ended.
    pub agent: AgentReport,
    /// Wall time of the agent.
    pub duration_ms: u64,
    /// Its page at the control plane; always absent in local runs.
    pub cloud_url: Option<String>,
    /// Tunnels that the capture proxy refused, most frequent first.
    pub blocked_egress: Vec<BlockedEgress>,
    /// What went wrong when `status` is `error`: one message, causes joined by `: `.
    pub error: Option<String>,
    /// The exit code of this row alone.
    pub exit_code: i32,
    /// Whether the twins were at a control plane.
    #[serde(skip)]
    pub hosted: bool,
    /// Lines for the person who runs it; never about the score.
    #[serde(skip)]
    pub warnings: Vec<String>,
    /// What to try next when `error` is set.
    #[serde(skip)]
    pub hint: Option<String>,
}

impl RunReport {
    /// Of a trial about which nothing else is known.
    pub(crate) fn not_run(scenario: String, title: String, path: &Path, trial: u32) -> Self {
        Self {
            scenario,
            title,
            path: path.display().to_string(),
            run_id: None,
            run_dir: None,
            trial,
            group_id: None,
            tags: Vec::new(),
            status: RunStatus::NotRun,
            satisfaction: None,
            pass_threshold: 0.0,
            counts: CriteriaCounts::default(),
            criteria: Vec::new(),
            agent: AgentReport::default(),
            duration_ms: 0,
            cloud_url: None,
            blocked_egress: Vec::new(),
            error: None,
            exit_code: 0,
            hosted: false,
            warnings: Vec::new(),
            hint: None,
        }
    }
}

/// How one row ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum RunStatus {
    /// Every criterion that counts was evaluated and the threshold was met.
    Pass,
    /// Evaluated, below the threshold.
    Fail,
    /// A criterion could not be evaluated.
    Incomplete,
    /// Nothing was scored: the scenario is malformed, a twin did not start, the preflight failed.
    Error,
    /// Stopped by a signal, or never started because an earlier error ended the batch.
    NotRun,
}

/// Criteria of one run by outcome.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct CriteriaCounts {
    /// Held.
    pub passed: u32,
    /// Did not hold.
    pub failed: u32,
    /// Not evaluable, including those already true in the seed.
    pub skipped: u32,
    /// The evaluation itself failed.
    pub errored: u32,
    /// Part of `skipped`: true before the agent did anything.
    pub pre_satisfied: u32,
    /// All of them.
    pub total: u32,
}

/// One criterion of one run.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct CriterionReport {
    /// `crit_0`
    pub id: String,
    /// `code` or `model`.
    #[serde(rename = "type")]
    pub kind: String,
    /// The twin it belongs to.
    pub twin: Option<String>,
    /// As written.
    pub text: String,
    /// `passed`, `failed`, `skipped` or `errored`.
    pub outcome: String,
    /// One line.
    pub reason: String,
}

/// How the agent process ended.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct AgentReport {
    /// Absent when it was killed or never started.
    pub exit_code: Option<i32>,
    /// Whether the time limit ended it.
    pub timed_out: bool,
}

/// Refused tunnels to one place.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct BlockedEgress {
    /// As the agent asked for it, lower case.
    pub host: String,
    /// As the agent asked for it.
    pub port: u16,
    /// How often.
    pub count: u32,
}

/// The trials of one scenario taken together.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct GroupReport {
    /// `grp_` and 21 characters.
    pub group_id: String,
    /// The scenario's slug.
    pub scenario: String,
    /// Trials that passed.
    pub passed: u32,
    /// Trials with a complete evaluation (passed or failed).
    pub completed: u32,
    /// Trials whose evaluation is incomplete; not counted.
    pub incomplete: u32,
    /// Trials that ended in an error or whose agent failed; not counted.
    pub errored: u32,
    /// 0 when every completed one passed, else 1; when none completed, the worst of their errors, at least 2.
    pub exit_code: i32,
    /// Their page at the control plane; always absent in local runs.
    #[serde(default)]
    pub cloud_url: Option<String>,
}
