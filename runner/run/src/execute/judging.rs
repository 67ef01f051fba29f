//! From what was recorded to the score of the run, and the files that hold it.

use std::sync::Arc;

use pome_sandbox::DEFAULT_CLOCK;
use pome_wire::meta::{self, RunMeta};
use pome_wire::score::{Score, ScoreStatus};
use pome_wire::verdict::{Verdict, VerdictContext};
use pome_wire::{Exit, files, time};

use super::publish::Published;
use super::report::{failed, fill_in};
use super::{Failure, Run};
use crate::agent::Ended;
use crate::artifacts::{self, chain};
use crate::report::RunReport;
use crate::scoring::{self, Material};
use crate::{fix_prompt, judge, trace};

impl Run {
    /// Scores the run, here or at the control plane, writes the score down, and tells a control plane about it. `abandoned`: the
    /// session is given up, so nothing about it is sent.
    pub(super) async fn judge(
        &mut self,
        ended: Option<&Ended>,
        abandoned: bool,
        meta: &mut RunMeta,
        report: &mut RunReport,
    ) -> Exit {
        let hosting = self.plan.hosting.clone().filter(|_| !abandoned);
        let there = hosting.as_ref().filter(|_| self.venue.judges());
        let (score, mut published) = match there {
            None => (self.score(ended).await, None),
            Some(hosting) => match self.judged_there(hosting, meta).await {
                Ok((score, published)) => (score, Some(published)),
                Err(error) => {
                    failed(report, &Failure::hosted(&error));
                    meta.status = meta::RunStatus::Error;
                    return self.noted(self.folder.write_meta(meta));
                }
            },
        };
        fill_in(report, &score);
        meta.status = score.status.into();
        meta.satisfaction_score = Some(score.satisfaction);
        let mut worst = Exit::Passed;
        if published.is_none() {
            worst = self.noted(self.write_score(&score, meta, None));
        }
        let fix_prompt = self.write_fix_prompt(&score).await;
        if let (Some(hosting), None) = (&hosting, &published) {
            match self.publish(hosting, &score, meta, fix_prompt).await {
                Ok(stored) => published = Some(stored),
                Err(error) => {
                    self.warnings.push(format!("the verdict is known here only: {}", chain(&error)));
                    self.warnings.extend(error.hint());
                    worst = worst.worst(error.exit());
                }
            }
        }
        if let Some(published) = published {
            meta.cloud_run_id = Some(published.run_id.clone());
            meta.dashboard_url = Some(published.dashboard_url.clone());
            report.cloud_url = Some(published.dashboard_url.clone());
            worst = worst.worst(self.noted(self.write_score(&score, meta, Some(&published))));
        }
        worst
    }

    /// A file that could not be written is a warning, and the run is not in order.
    pub(super) fn noted(&mut self, written: Result<(), artifacts::Error>) -> Exit {
        match written {
            Ok(()) => Exit::Passed,
            Err(error) => {
                self.warnings.push(chain(&error));
                Exit::Orchestrator
            }
        }
    }

    async fn score(&mut self, ended: Option<&Ended>) -> Score {
        let evidence = self.recorded.evidence.take().unwrap_or_default();
        let plan = Arc::clone(&self.plan);
        let raw = if plan.evaluators.is_empty() { None } else { self.venue.raw_rows() };
        let (folder, random_seed) = (self.dir.clone(), self.random_seed);
        let summary = ended.and_then(|ended| judge::summary_of(&String::from_utf8_lossy(&ended.stdout)));
        let scored = tokio::task::spawn_blocking(move || {
            let trace =
                if plan.evaluators.is_empty() { Ok(None) } else { trace::read(&folder.join(files::EVENTS), raw) };
            let warning = trace.as_ref().err().map(|error| chain(error));
            let score = scoring::score(&Material {
                scenario: &plan.scenario,
                evaluators: &plan.evaluators,
                judge: &plan.judge,
                require_judge: plan.require_judge,
                pass_threshold: plan.pass_threshold,
                twins: &evidence,
                trace: trace.unwrap_or_default(),
                folder: Some(&folder),
                clock: plan.twins.first().map_or(DEFAULT_CLOCK, |twin| twin.world.start()),
                random_seed,
                summary: summary.as_deref(),
            });
            (score, warning)
        });
        match scored.await {
            Ok((score, warning)) => {
                self.warnings.extend(warning);
                score
            }
            Err(error) => {
                self.warnings.push(format!("the evaluation ended early: {error}"));
                scoring::unfinished(&self.plan.scenario, self.plan.pass_threshold)
            }
        }
    }

    fn write_score(
        &self,
        score: &Score,
        meta: &RunMeta,
        published: Option<&Published>,
    ) -> Result<(), artifacts::Error> {
        self.folder.write_score(score)?;
        let mut verdict = Verdict::local(
            score,
            VerdictContext {
                task_name: self.plan.scenario.slug.clone(),
                task_path: self.plan.scenario.path.display().to_string(),
                group_id: self.plan.group_id.clone(),
                run_id: self.run_id.clone(),
                duration_ms: meta.duration_ms,
                finalized_at: time::now(),
            },
        );
        if let Some(published) = published {
            verdict.cloud_run_id.clone_from(&published.run_id);
            verdict.cloud_dashboard_url.clone_from(&published.dashboard_url);
        }
        self.folder.write_verdict(&verdict)?;
        self.folder.write_meta(meta)
    }

    /// Only for a failed run, only with a judge. What goes wrong here is a warning. The text is redacted.
    async fn write_fix_prompt(&mut self, score: &Score) -> Option<String> {
        let endpoint = self.plan.judge.endpoint()?;
        if score.status != ScoreStatus::Fail || !self.plan.fix_prompt {
            return None;
        }
        let events = self.folder.path(files::EVENTS);
        let question = match fix_prompt::of_run(&self.plan.scenario, Some(&score.results), &events) {
            Ok(question) => question,
            Err(error) => {
                self.warnings.push(format!("no fix prompt: {}", chain(&error)));
                return None;
            }
        };
        let endpoint = Arc::clone(endpoint);
        let asked = tokio::task::spawn_blocking(move || judge::fix_prompt(&endpoint, &question));
        let answer = asked.await.unwrap_or_else(|error| Err(error.to_string()));
        let text = answer.map(|text| self.redactor.text(&text).into_owned());
        let written = text.and_then(|text| {
            self.folder.write_fix_prompt(&text).map_err(|error| chain(&error))?;
            Ok(text)
        });
        written.map_err(|reason| self.warnings.push(format!("no fix prompt: {reason}"))).ok()
    }
}
