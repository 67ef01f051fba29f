//! What of a hosted run goes to the control plane: files, and the result or the question for one.
//!
//! Never anything that the agent printed, and nothing that was not redacted.

use std::fs;
use std::sync::Arc;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use pome_hosted::SystemClock;
use pome_scenario::{Criterion, Scenario};
use pome_wire::control::{FinalizeAnswer, FinalizeCriterion, FinalizeRequest, ResultRequest, WireCriterion};
use pome_wire::files;
use pome_wire::meta::RunMeta;
use pome_wire::score::{CriterionResult, JudgeNote, Score, ScoreSource, ScoreStatus};
use serde::Serialize;
use serde_json::Value;

use super::Run;
use crate::correlate;
use crate::hosting::{Error, Hosting, ask};
use crate::uploads::{Files, Uploaded};

/// A run as the control plane knows it.
#[derive(Debug, Clone)]
pub(super) struct Published {
    pub(super) run_id: String,
    pub(super) dashboard_url: String,
}

impl Run {
    /// Uploads the files and stores the score that was made here.
    pub(super) async fn publish(
        &mut self,
        hosting: &Arc<Hosting>,
        score: &Score,
        meta: &RunMeta,
        fix_prompt: Option<String>,
    ) -> Result<Published, Error> {
        let uploaded = self.upload(hosting).await;
        let result = self.result(hosting, score, meta, fix_prompt, uploaded);
        let session = self.run_id.clone();
        let answer = ask(&hosting.client, move |client| client.post_result(&session, &result)).await?;
        self.compare(hosting, &answer.run_id, score).await;
        Ok(Published { run_id: answer.run_id, dashboard_url: answer.dashboard_url })
    }

    /// Uploads the files and has the control plane judge them.
    pub(super) async fn judged_there(
        &mut self,
        hosting: &Arc<Hosting>,
        meta: &RunMeta,
    ) -> Result<(Score, Published), Error> {
        let uploaded = self.upload(hosting).await;
        let question = self.question(meta, uploaded);
        let session = self.run_id.clone();
        let answer =
            ask(&hosting.client, move |client| client.finalize(&session, &question, &SystemClock::new())).await?;
        let published = Published { run_id: answer.run_id.clone(), dashboard_url: answer.dashboard_url.clone() };
        Ok((verdict(answer, self.plan.pass_threshold, self.plan.require_judge), published))
    }

    /// A control plane may judge again what it is given. When it comes to something else, the person sees both.
    async fn compare(&mut self, hosting: &Hosting, run_id: &str, score: &Score) {
        let run_id = run_id.to_owned();
        let Ok(row) = ask(&hosting.client, move |client| client.run(&run_id)).await else { return };
        if row.satisfaction_score != score.satisfaction {
            self.warnings.push(format!(
                "the control plane shows {}/100 for this run; it was scored {}/100 here",
                row.satisfaction_score, score.satisfaction
            ));
        }
    }

    async fn upload(&mut self, hosting: &Hosting) -> Uploaded {
        let (client, folder, redactor) = (hosting.client.clone(), self.folder.clone(), self.redactor.clone());
        let (session, twins) = (self.run_id.clone(), self.twins());
        let upload = tokio::task::spawn_blocking(move || {
            let (client, session, folder, redactor, twins) = (&client, &*session, &folder, &redactor, &*twins);
            Files { client, session, folder, redactor, twins }.upload()
        });
        let mut uploaded = match upload.await {
            Ok(uploaded) => uploaded,
            Err(error) => Uploaded { warnings: vec![format!("nothing was uploaded: {error}")], ..Uploaded::default() },
        };
        self.warnings.append(&mut uploaded.warnings);
        uploaded
    }

    fn twins(&self) -> Vec<String> {
        self.plan.twins.iter().map(|twin| twin.id.clone()).collect()
    }

    fn result(
        &self,
        hosting: &Hosting,
        score: &Score,
        meta: &RunMeta,
        fix_prompt: Option<String>,
        uploaded: Uploaded,
    ) -> ResultRequest {
        let plan = &self.plan;
        let files = Files {
            client: &hosting.client,
            session: &self.run_id,
            folder: &self.folder,
            redactor: &self.redactor,
            twins: &[],
        };
        let events = files.lines(files::EVENTS).unwrap_or_default();
        let signals = files.lines(files::SIGNALS).unwrap_or_default();
        let correlation = correlate::correlate(&events, &signals);
        let state = |name: &str| STANDARD.encode(fs::read(self.folder.path(name)).unwrap_or_default());
        let tokens = |of: fn(&JudgeNote) -> Option<u64>| {
            let all = score.results.iter().filter_map(|result| result.judge.as_ref().and_then(of));
            all.fold(None, |sum: Option<u64>, tokens| Some(sum.unwrap_or_default().saturating_add(tokens)))
        };
        let redacted = |text: &str| self.redactor.text(text).into_owned();
        ResultRequest {
            scenario_name: plan.scenario.slug.clone(),
            scenario_hash: plan.scenario.source_sha256.clone(),
            duration_ms: meta.duration_ms,
            agent_model: plan.agent_model.clone(),
            satisfaction_score: score.satisfaction,
            criteria_results: score.results.iter().map(|result| wire(result, &redacted)).collect(),
            judge_model: score.judge_model().unwrap_or("none").to_owned(),
            judge_tokens_in: tokens(|note| note.tokens_in),
            judge_tokens_out: tokens(|note| note.tokens_out),
            agent_sdk: plan.agent_sdk.clone(),
            lanes: values(&correlation.lanes),
            steps: values(&correlation.steps),
            fix_prompt,
            events_jsonl_url: uploaded.trace,
            trace_jsonl_b64: STANDARD.encode(events),
            state_initial_json_b64: state(files::STATE_INITIAL),
            state_final_json_b64: state(files::STATE_FINAL),
            status: Some(score.status.as_str().to_owned()),
            pass_threshold: Some(score.pass_threshold),
            stop_reason: Some(meta.stop_reason.as_str().to_owned()),
            exit_code: meta.exit_code.map(i64::from),
            tags: plan.tags.clone(),
            group_id: plan.group_id.clone(),
            per_twin_state_keys: uploaded.per_twin,
        }
    }

    fn question(&self, meta: &RunMeta, uploaded: Uploaded) -> FinalizeRequest {
        let scenario = &self.plan.scenario;
        FinalizeRequest {
            stop_reason: meta.stop_reason.as_str().to_owned(),
            exit_code: meta.exit_code.map(i64::from).unwrap_or_default(),
            duration_ms: meta.duration_ms,
            agent_model: self.plan.agent_model.clone(),
            agent_sdk: self.plan.agent_sdk.clone(),
            criteria: criteria_of(scenario),
            scenario_name: scenario.slug.clone(),
            scenario_hash: scenario.source_sha256.clone(),
            scenario_prompt: scenario.prompt.clone(),
            expected_behavior: scenario.expected_behavior.clone(),
            trace_storage_key: uploaded.trace,
            state_initial_storage_key: uploaded.before,
            state_final_storage_key: uploaded.after,
            signals_storage_key: uploaded.signals,
            per_twin_state_keys: uploaded.per_twin,
        }
    }
}

/// What is to be judged.
pub(crate) fn criteria_of(scenario: &Scenario) -> Vec<FinalizeCriterion> {
    let criterion = |criterion: &Criterion| FinalizeCriterion {
        id: criterion.id.clone(),
        text: criterion.text.clone(),
        kind: criterion.kind,
        twin: criterion.twin.clone(),
        always_scored: criterion.always_scored,
    };
    scenario.criteria.iter().map(criterion).collect()
}

/// A result as it goes over the wire. What it quotes may come from a judge.
fn wire(result: &CriterionResult, redacted: &impl Fn(&str) -> String) -> WireCriterion {
    CriterionResult { reason: redacted(&result.reason), ..result.clone() }.into()
}

fn values(all: &[impl Serialize]) -> Vec<Value> {
    all.iter().filter_map(|one| serde_json::to_value(one).ok()).collect()
}

/// What the control plane decided, as a score: its number, and what follows from how the criteria ended.
pub(crate) fn verdict(answer: FinalizeAnswer, pass_threshold: f64, require_judge: bool) -> Score {
    let Some(results) = answer.criteria_results else {
        let passed = f64::from(answer.score) >= pass_threshold;
        let empty = Score::of(Vec::new(), pass_threshold, require_judge, ScoreSource::CloudFinalize);
        let status = if passed { ScoreStatus::Pass } else { ScoreStatus::Fail };
        return Score { satisfaction: answer.score, status, ..empty };
    };
    let results = results.into_iter().map(WireCriterion::into_result).collect();
    let counted = Score::of(results, pass_threshold, require_judge, ScoreSource::CloudFinalize);
    let status = match counted.status {
        ScoreStatus::Incomplete => ScoreStatus::Incomplete,
        ScoreStatus::Pass | ScoreStatus::Fail if f64::from(answer.score) >= pass_threshold => ScoreStatus::Pass,
        ScoreStatus::Pass | ScoreStatus::Fail => ScoreStatus::Fail,
    };
    Score { satisfaction: answer.score, status, ..counted }
}
