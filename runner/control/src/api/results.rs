//! `/result`: a run that the client judged.

use std::sync::Arc;

use axum::extract::State;
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use pome_wire::control::{ResultAnswer, ResultRequest, RunRow, TwinStateKeys, WireCriterion};
use pome_wire::score::{CriterionResult, Score, ScoreSource};
use pome_wire::time;

use super::ApiError;
use super::auth::KeyOfSession;
use super::body::{Answer, Body, ok};
use super::runs::{self, From};
use super::session::Session;
use super::sessions::tags_fit;
use super::uploads::{self, EVENTS, META, STATE_FINAL, STATE_INITIAL};
use crate::state::Control;
use crate::{audit, blobs, ids};

/// Largest body: three files in base64.
pub(crate) const BODY: usize = 192 * 1024 * 1024;

/// `POST /v1/sessions/{id}/result`
pub(crate) async fn result(
    State(control): State<Arc<Control>>,
    of: KeyOfSession,
    Body(asked): Body<ResultRequest>,
) -> Result<Answer<ResultAnswer>, ApiError> {
    let session = &of.session;
    if let Some(run) = runs::of_session(&control.store, session).await? {
        return Ok(ok(answer(&control, &run)));
    }
    session.must_be_open()?;
    checked(session, &asked)?;
    let (trace, before, after) = parts(&asked)?;
    let stored = uploads::files(&control.store, session).await?;
    let has = |file: &str| stored.iter().any(|name| name == file);
    if !has(EVENTS) {
        uploads::keep(&control, session, EVENTS, trace).await?;
    }
    // A session without twins or a failed export sends nothing for a state.
    for (file, bytes) in [(STATE_INITIAL, before), (STATE_FINAL, after)] {
        if !has(file) && !bytes.is_empty() {
            uploads::keep(&control, session, file, bytes).await?;
        }
    }
    let stored = uploads::files(&control.store, session).await?;
    let run = run(session, asked, &stored)?;
    let run = runs::store(&control, session, &run, From::Open).await?;
    audit::write(&control.store, of.caller.entry("run.create", Some(&run.id)), "ok").await;
    Ok(ok(answer(&control, &run)))
}

/// The trace, and the state before and after.
type Parts = (Vec<u8>, Vec<u8>, Vec<u8>);

fn answer(control: &Control, run: &RunRow) -> ResultAnswer {
    ResultAnswer { run_id: run.id.clone(), dashboard_url: runs::dashboard_url(control, &run.id) }
}

fn checked(session: &Session, asked: &ResultRequest) -> Result<(), ApiError> {
    name_fits("scenario_name", &asked.scenario_name)?;
    hash_fits(&asked.scenario_hash)?;
    tags_fit(&asked.tags)?;
    if asked.status.as_deref().is_some_and(|status| !["pass", "fail", "incomplete"].contains(&status)) {
        return Err(ApiError::invalid("`status`: expected `pass`, `fail` or `incomplete`"));
    }
    if asked.pass_threshold.is_some_and(|threshold| !(0.0..=100.0).contains(&threshold)) {
        return Err(ApiError::invalid("`pass_threshold`: expected 0 to 100"));
    }
    if let (Some(sent), Some(known)) = (&asked.group_id, &session.group_id)
        && sent != known
    {
        return Err(ApiError::invalid("`group_id` is not that of the session"));
    }
    key_fits(session, "events_jsonl_url", asked.events_jsonl_url.as_deref(), EVENTS)?;
    state_keys_fit(session, &asked.per_twin_state_keys)
}

/// A name of a scenario that can stand in a list and in an address.
pub(crate) fn name_fits(field: &str, name: &str) -> Result<(), ApiError> {
    if !name.trim().is_empty() && name.chars().count() <= 200 && !name.chars().any(char::is_control) {
        Ok(())
    } else {
        Err(ApiError::invalid(format!("`{field}`: expected 1 to 200 characters")))
    }
}

/// A SHA-256 in hexadecimal, or nothing.
pub(crate) fn hash_fits(hash: &str) -> Result<(), ApiError> {
    let hash = hash.strip_prefix("sha256:").unwrap_or(hash);
    if hash.is_empty() || (hash.len() == 64 && hash.bytes().all(|byte| byte.is_ascii_hexdigit())) {
        Ok(())
    } else {
        Err(ApiError::invalid("`scenario_hash`: expected a SHA-256 in hexadecimal"))
    }
}

/// A storage key that was handed out for this file of this session.
pub(crate) fn key_fits(session: &Session, field: &str, key: Option<&str>, file: &str) -> Result<(), ApiError> {
    match key {
        Some(key) if key != blobs::key(&session.team_id, &session.id, file) => {
            Err(ApiError::invalid(format!("`{field}` is not a key that was given out for this session")))
        }
        _ => Ok(()),
    }
}

/// The same for the states of several twins.
pub(crate) fn state_keys_fit(
    session: &Session,
    keys: &std::collections::BTreeMap<String, TwinStateKeys>,
) -> Result<(), ApiError> {
    for (twin, keys) in keys {
        let (before, after) = (uploads::state_file("initial", twin), uploads::state_file("final", twin));
        key_fits(session, "per_twin_state_keys", keys.state_initial_key.as_deref(), &before)?;
        key_fits(session, "per_twin_state_keys", keys.state_final_key.as_deref(), &after)?;
    }
    Ok(())
}

fn parts(asked: &ResultRequest) -> Result<Parts, ApiError> {
    let decoded = |field: &str, text: &str| {
        STANDARD.decode(text).map_err(|_| ApiError::invalid(format!("`{field}`: expected base64")))
    };
    let trace = decoded("trace_jsonl_b64", &asked.trace_jsonl_b64)?;
    if std::str::from_utf8(&trace).is_err() {
        return Err(ApiError::invalid("`trace_jsonl_b64`: expected UTF-8"));
    }
    let state = |field: &str, text: &str| {
        let bytes = decoded(field, text)?;
        let json = bytes.is_empty() || serde_json::from_slice::<&serde_json::value::RawValue>(&bytes).is_ok();
        if json { Ok(bytes) } else { Err(ApiError::invalid(format!("`{field}`: expected JSON"))) }
    };
    Ok((
        trace,
        state("state_initial_json_b64", &asked.state_initial_json_b64)?,
        state("state_final_json_b64", &asked.state_final_json_b64)?,
    ))
}

fn run(session: &Session, asked: ResultRequest, stored: &[String]) -> Result<RunRow, ApiError> {
    let results: Vec<CriterionResult> = asked.criteria_results.iter().map(|result| result.result().clone()).collect();
    let threshold = asked.pass_threshold.unwrap_or(100.0);
    let status = asked.status.unwrap_or_else(|| {
        Score::of(results, threshold, false, ScoreSource::LocalEvaluator).status.as_str().to_owned()
    });
    let mut run = blank(session, stored)?;
    run.satisfaction_score = asked.satisfaction_score;
    run.criteria_results = asked.criteria_results;
    run.duration_ms = asked.duration_ms;
    run.agent_model = asked.agent_model;
    run.judge_model = asked.judge_model;
    (run.judge_tokens_in, run.judge_tokens_out) = (asked.judge_tokens_in, asked.judge_tokens_out);
    run.fix_prompt = asked.fix_prompt;
    (run.lanes, run.steps) = (Some(asked.lanes), Some(asked.steps));
    run.status = Some(status);
    run.pass_threshold = asked.pass_threshold;
    (run.stop_reason, run.exit_code) = (asked.stop_reason, asked.exit_code);
    if !asked.tags.is_empty() {
        run.tags = Some(asked.tags);
    }
    run.group_id = run.group_id.or(asked.group_id);
    named(&mut run, &asked.scenario_name, &asked.scenario_hash);
    Ok(run)
}

/// Gives a run its scenario in both spellings.
pub(crate) fn named(run: &mut RunRow, name: &str, hash: &str) {
    let hash = hash.strip_prefix("sha256:").unwrap_or(hash).to_ascii_lowercase();
    (run.task_name, run.task_hash) = (name.to_owned(), hash.clone());
    (run.scenario_name, run.scenario_hash) = (Some(name.to_owned()), Some(hash));
}

/// A run with what its session says.
pub(crate) fn blank(session: &Session, stored: &[String]) -> Result<RunRow, ApiError> {
    let key = |file: &str| {
        let has = stored.iter().any(|name| name == file);
        has.then(|| blobs::key(&session.team_id, &session.id, file))
    };
    Ok(RunRow {
        id: ids::new("run_")?,
        session_id: session.id.clone(),
        team_id: session.team_id.clone(),
        trace_s3_key: key(EVENTS),
        events_jsonl_url: key(EVENTS),
        state_s3_key: key(STATE_FINAL),
        meta_s3_key: key(META),
        created_at: time::format(session.created_at),
        finished_at: Some(time::now()),
        twins: Some(session.twins()),
        tags: Some(session.tags()),
        group_id: session.group_id.clone(),
        agent_id: session.agent_id.clone(),
        agent_version: session.agent_version.clone(),
        ..RunRow::default()
    })
}

/// The criteria of a score as they go over the wire.
pub(crate) fn wire(results: Vec<CriterionResult>) -> Vec<WireCriterion> {
    results.into_iter().map(WireCriterion::from).collect()
}
