//! What is stored of a run, as far as pages show it. Keys that are not there are empty.

use serde::Deserialize;

/// The stored row of a run.
#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub(crate) struct Document {
    pub(crate) scenario_hash: Option<String>,
    pub(crate) task_hash: Option<String>,
    pub(crate) criteria_results: Vec<Outcome>,
    pub(crate) agent_model: Option<String>,
    pub(crate) judge_model: Option<String>,
    pub(crate) pass_threshold: Option<f64>,
    pub(crate) stop_reason: Option<String>,
    pub(crate) exit_code: Option<i64>,
    pub(crate) twins: Option<Vec<String>>,
    pub(crate) summary: Option<String>,
    pub(crate) fix_prompt: Option<String>,
}

/// How one criterion came out.
#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub(crate) struct Outcome {
    pub(crate) criterion: Criterion,
    pub(crate) outcome: Option<String>,
    pub(crate) passed: bool,
    pub(crate) skipped: bool,
    pub(crate) reason: String,
    pub(crate) confidence: Option<f64>,
    pub(crate) judge_model: Option<String>,
    pub(crate) matcher: Option<String>,
    pub(crate) evidence_event_ids: Vec<String>,
    pub(crate) evidence_state_paths: Vec<String>,
}

/// What was asked for.
#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub(crate) struct Criterion {
    #[serde(rename = "type")]
    pub(crate) kind: String,
    pub(crate) text: String,
    pub(crate) twin: Option<String>,
}

impl Document {
    /// From the column. A document that cannot be read shows nothing rather than no page.
    pub(crate) fn read(json: &str) -> Option<Self> {
        serde_json::from_str(json).ok()
    }
}

impl Outcome {
    /// `passed`, `failed`, `skipped` or `errored`.
    pub(crate) fn word(&self) -> &str {
        match self.outcome.as_deref() {
            Some(word @ ("passed" | "failed" | "skipped" | "errored")) => word,
            _ if self.skipped => "skipped",
            _ if self.passed => "passed",
            _ => "failed",
        }
    }

    /// Why, for a person: what stands for a known code, or the words as they are.
    pub(crate) fn why(&self) -> &str {
        match self.reason.as_str() {
            "already_true_in_seed" => "was true before the agent began, so it says nothing about the agent",
            "judge_not_configured" => "needs a judge, and none is configured",
            "unmatched" => "no check understands this sentence",
            "state_missing" => "the state of the twin was not recorded",
            "tape_missing" => "the calls were not recorded",
            other => other,
        }
    }
}

impl Criterion {
    /// `code` or `model`, also by its older names.
    pub(crate) fn kind(&self) -> &str {
        match self.kind.as_str() {
            "D" => "code",
            "P" => "model",
            other => other,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_stored_run_is_read_with_both_spellings_and_without_what_is_missing() {
        let document = Document::read(
            r#"{"criteria_results":[
                {"criterion":{"type":"D","text":"a"},"passed":true,"skipped":false,"reason":"yes"},
                {"criterion":{"type":"model","text":"b"},"passed":false,"skipped":true,"reason":"judge_not_configured"},
                {"criterion":{"type":"code","text":"c","twin":"github"},"outcome":"errored","passed":false,"skipped":true,"reason":"evaluator_trap"}
            ],"exit_code":null,"twins":null,"unknown":[1]}"#,
        )
        .unwrap();
        let words: Vec<_> =
            document.criteria_results.iter().map(|outcome| (outcome.criterion.kind(), outcome.word())).collect();
        assert_eq!(words, [("code", "passed"), ("model", "skipped"), ("code", "errored")]);
        assert_eq!(document.exit_code, None);
        assert!(Document::read("{").is_none());
    }
}
