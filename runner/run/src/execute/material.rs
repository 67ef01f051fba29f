//! The files of a run that say what happened: states, output, trace, `meta.json`.

use pome_wire::Exit;
use pome_wire::latest::Latest;
use pome_wire::meta::{self, RunMeta, RunMode, SPEC_VERSION, StopReason};
use pome_wire::time;
use serde_json::{Map, Value};

use super::{Run, millis};
use crate::agent::{Ended, How};
use crate::artifacts::{self, Moment};
use crate::capture::Ends;
use crate::confinement::Confinement;
use crate::plan::TwinPlan;

impl Run {
    /// `meta.json` as long as nothing is scored.
    pub(super) fn meta(&self, stop_reason: StopReason, ended: Option<&Ended>, failed: bool) -> RunMeta {
        let plan = &self.plan;
        let of_twins = |value: fn(&TwinPlan) -> Value| -> Value {
            plan.twins.iter().map(|twin| (twin.id.clone(), value(twin))).collect::<Map<String, Value>>().into()
        };
        let mut extra = Map::new();
        if self.venue.is_near() {
            extra.insert("random_seed".to_owned(), self.random_seed.into());
        }
        extra.insert("clock".to_owned(), of_twins(|twin| twin.world.clock.into()));
        extra.insert("components".to_owned(), of_twins(|twin| twin.component.digest().into()));
        if let Some(confinement) = &self.confinement {
            extra.insert("sandbox".to_owned(), confinement.document());
        }
        if plan.ends != Ends::default() {
            extra.insert("capture".to_owned(), plan.ends.record());
        }
        if let Some(digests) = plan.evaluators.digests() {
            extra.insert("evaluators".to_owned(), digests);
        }
        let how = ended.map(|ended| ended.how);
        RunMeta {
            run_id: self.run_id.clone(),
            scenario: plan.scenario.slug.clone(),
            title: plan.scenario.title.clone(),
            started_at: self.started_at.clone(),
            completed_at: time::now(),
            exit_code: match how {
                Some(How::Exited(code)) => Some(code),
                Some(How::Signaled(_) | How::TimedOut | How::Interrupted(_)) | None => None,
            },
            twins: plan.twins.iter().map(|twin| twin.id.clone()).collect(),
            spec_version: SPEC_VERSION,
            twin_versions: plan
                .twins
                .iter()
                .map(|twin| (twin.id.clone(), twin.component.description().version.clone()))
                .collect(),
            mode: if self.venue.is_near() { RunMode::Local } else { RunMode::Hosted },
            status: if failed { meta::RunStatus::Error } else { meta::RunStatus::NotScored },
            stop_reason,
            timed_out: how == Some(How::TimedOut),
            duration_ms: ended.map_or(0, |ended| millis(ended.duration)),
            agent_model: plan.agent_model.clone(),
            agent_version: plan.agent_version.clone(),
            agent_sdk: plan.agent_sdk.clone(),
            satisfaction_score: None,
            pass_threshold: Some(plan.pass_threshold),
            scenario_path: plan.scenario.path.display().to_string(),
            scenario_hash: plan.scenario.source_sha256.clone(),
            seed_source: self.venue.seed_source(plan),
            tags: plan.tags.clone(),
            group_id: plan.group_id.clone(),
            trial: plan.group_id.is_some().then_some(self.trial),
            session_id: (!self.venue.is_near()).then(|| self.run_id.clone()),
            cloud_run_id: None,
            dashboard_url: None,
            events_dropped: 0,
            pome_version: plan.pome_version.clone(),
            extra,
        }
    }

    /// States, output, the finished trace and `meta.json` without a score.
    pub(super) async fn write_material(
        &mut self,
        ended: Option<&Ended>,
        meta: &mut RunMeta,
    ) -> Result<(), artifacts::Error> {
        let folder = &self.folder;
        for (moment, states) in [(Moment::Initial, &self.recorded.before), (Moment::Final, &self.recorded.after)] {
            for (index, twin) in self.plan.twins.iter().enumerate() {
                let view = states.by_twin.iter().find(|(id, _)| *id == twin.id).and_then(|(_, view)| view.as_ref());
                folder.write_state(moment, &twin.id, index == 0, view.map(|view| view.redacted.as_slice()))?;
            }
            self.warnings.extend(states.warnings.iter().cloned());
        }
        let (stdout, stderr) = ended.map_or((&[][..], &[][..]), |ended| (&ended.stdout, &ended.stderr));
        folder.write_output(stdout, stderr)?;
        if let Some(warning) = ended.and_then(|ended| ended.warning.clone()) {
            self.warnings.push(warning);
        }
        self.warnings.append(&mut self.recorded.seen.warnings);
        self.warnings.extend(self.confinement.iter().flat_map(Confinement::warnings));
        if !self.venue.is_near() {
            folder.add_calls(&self.venue.rows())?;
        } else if self.recorder.failure().is_some() {
            folder.append_missing(&self.venue.rows())?;
        }
        // The merge holds the whole trace, so it has a thread of its own.
        let trace = tokio::task::spawn_blocking({
            let folder = folder.clone();
            move || folder.finish_trace()
        });
        match trace.await {
            Ok(trace) => {
                meta.events_dropped = trace.events_dropped;
                self.warnings.extend(trace.warnings);
            }
            Err(error) => self.warnings.push(format!("the trace stays unmerged: {error}")),
        }
        self.folder.write_meta(meta)
    }

    pub(super) fn recorder_problem(&mut self) -> Exit {
        match self.recorder.failure() {
            Some(problem) => {
                self.warnings
                    .push(format!("events were kept in memory because the trace could not be written: {problem}"));
                Exit::Orchestrator
            }
            None => Exit::Passed,
        }
    }

    pub(super) fn write_latest(&self) -> Result<(), artifacts::Error> {
        let latest = Latest {
            run_id: self.run_id.clone(),
            scenario: self.plan.scenario.slug.clone(),
            run_dir: self.folder.dir().display().to_string(),
        };
        artifacts::write_latest(&self.plan.artifacts_dir, &latest)
    }
}
