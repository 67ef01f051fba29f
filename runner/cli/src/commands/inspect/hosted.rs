//! A run that is not here but at the control plane: its files are fetched into a folder that lasts as long as the command.

use std::fs;
use std::path::Path;

use pome_hosted::{Client, credentials::private_file};
use pome_wire::control::{RunRow, SignedBlob};
use pome_wire::files;
use pome_wire::score::{Counts, CriterionResult, Score, ScoreSource, ScoreStatus};
use serde_json::{Value, json};
use tempfile::TempDir;

use crate::context::Context;
use crate::failure::Failure;
use crate::mode::{self, Mode, ModeFlags};
use crate::plane::{self, failure};
use crate::project::Found;

/// A run of the control plane with its files.
pub(crate) struct Fetched {
    /// What the control plane says about it.
    pub(crate) row: RunRow,
    /// Its run folder.
    pub(crate) folder: TempDir,
    /// Files that the control plane has not.
    pub(crate) missing: Vec<&'static str>,
}

/// Fetches a run, when this is hosted mode, somebody is signed in and the name can be that of a run; nothing otherwise.
pub(crate) fn fetch(run: &str, found: Option<&Found>, cx: &Context) -> Result<Option<Fetched>, Failure> {
    let is_id = run.starts_with("run_") || run.starts_with("ses_");
    let project = found.and_then(Found::mode);
    if !is_id || mode::resolve(ModeFlags::default(), &cx.environment, project, &cx.console) != Mode::Hosted {
        return Ok(None);
    }
    let Ok(account) = plane::connect(cx) else { return Ok(None) };
    let row = account.client.run(run).map_err(|error| failure(&error))?;
    let folder = tempfile::Builder::new()
        .prefix("pome-run-")
        .tempdir()
        .map_err(|error| Failure::orchestrator("there is no place for the files of the run").because(&error))?;
    let missing = fill(folder.path(), &row, &account.client)?;
    Ok(Some(Fetched { row, folder, missing }))
}

fn fill(folder: &Path, row: &RunRow, client: &Client) -> Result<Vec<&'static str>, Failure> {
    let blobs = row.blobs.clone().unwrap_or_default();
    let mut missing = Vec::new();
    let files = [
        (files::EVENTS, &blobs.events_jsonl),
        (files::SIGNALS, &blobs.signals_jsonl),
        (files::META, &blobs.meta),
        (files::STATE_INITIAL, &blobs.state_initial),
        (files::STATE_FINAL, &blobs.state_final),
    ];
    for (name, blob) in files {
        match blob {
            Some(blob) => write(&folder.join(name), &get(blob, client)?)?,
            None => missing.push(name),
        }
    }
    for (twin, states) in &blobs.per_twin {
        let plain =
            twin.bytes().all(|byte| byte.is_ascii_lowercase() || byte.is_ascii_digit() || matches!(byte, b'-' | b'_'));
        for (stem, blob) in [("state_initial", &states.state_initial), ("state_final", &states.state_final)] {
            if let (true, Some(blob)) = (plain, blob) {
                write(&folder.join(format!("{stem}.{twin}.json")), &get(blob, client)?)?;
            }
        }
    }
    if blobs.meta.is_none() {
        write(&folder.join(files::META), meta(row).to_string().as_bytes())?;
    }
    let score = serde_json::to_string_pretty(&score(row))
        .map_err(|error| Failure::orchestrator("the score of the run cannot be written").because(&error))?;
    private_file(&folder.join(files::SCORE), &score).map_err(|error| unwritten(&error))?;
    Ok(missing)
}

fn get(blob: &SignedBlob, client: &Client) -> Result<Vec<u8>, Failure> {
    client.get_blob(&blob.url).map_err(|error| failure(&error))
}

fn write(path: &Path, bytes: &[u8]) -> Result<(), Failure> {
    fs::write(path, bytes).map_err(|error| unwritten(&error))
}

fn unwritten(error: &std::io::Error) -> Failure {
    Failure::orchestrator("the files of the run cannot be kept for a moment").because(error)
}

/// What the row says, for a run whose own description was not uploaded.
fn meta(row: &RunRow) -> Value {
    json!({
        "run_id": row.id,
        "scenario": row.name(),
        "scenario_hash": row.hash(),
        "started_at": row.created_at,
        "completed_at": row.finished_at,
        "duration_ms": row.duration_ms,
        "agent_model": row.agent_model,
        "twins": row.twins.clone().unwrap_or_default(),
        "tags": row.tags.clone().unwrap_or_default(),
    })
}

/// The score as the control plane keeps it.
fn score(row: &RunRow) -> Score {
    let results: Vec<CriterionResult> = row.criteria_results.iter().map(|row| row.result().clone()).collect();
    let counts = Counts::of(&results, false);
    let pass_threshold = row.pass_threshold.unwrap_or(100.0);
    let status = match row.status.as_deref() {
        Some("pass") => ScoreStatus::Pass,
        Some("fail") => ScoreStatus::Fail,
        Some("incomplete" | "unevaluated") => ScoreStatus::Incomplete,
        _ => counts.status(pass_threshold),
    };
    let (satisfaction, source) = (row.satisfaction_score, ScoreSource::CloudFinalize);
    Score { counts, status, satisfaction, pass_threshold, results, source }
}
