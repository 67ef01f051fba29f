//! `/finalize`: a run that this server judges, and asking how far it is.

use std::sync::Arc;
use std::time::Duration;

use axum::extract::State;
use axum::response::{IntoResponse, Response};
use http::{HeaderMap, StatusCode};
use pome_wire::control::{Accepted, Evaluation, EvaluationError, FinalizeAnswer, FinalizeRequest, Queued, RunRow};

use super::ApiError;
use super::auth::OfSession;
use super::body::{Answer, Body, ok};
use super::results::{hash_fits, key_fits, name_fits, state_keys_fit};
use super::runs;
use super::session::Session;
use super::uploads::{EVENTS, SIGNALS, STATE_FINAL, STATE_INITIAL};
use crate::audit;
use crate::evaluation::{self, Row};
use crate::state::Control;

/// How long a request that wants to wait may wait.
const PATIENCE: Duration = Duration::from_secs(240);

/// How often it looks.
const LOOK: Duration = Duration::from_millis(200);

/// Most criteria of a run.
const MOST_CRITERIA: usize = 500;

/// `POST /v1/sessions/{id}/finalize`
pub(crate) async fn finalize(
    State(control): State<Arc<Control>>,
    of: OfSession,
    headers: HeaderMap,
    Body(asked): Body<FinalizeRequest>,
) -> Result<Response, ApiError> {
    let session = &of.session;
    if let Some(run) = runs::of_session(&control.store, session).await? {
        return Ok(ok(answer(&control, run)).into_response());
    }
    let earlier = evaluation::find(&control.store, session).await?;
    if earlier.is_none_or(|row| row.status == "failed") {
        session.must_be_open()?;
        checked(session, &asked)?;
        evaluation::scenario(&control, session, &asked)?;
        evaluation::ask(&control.store, session, &asked).await?;
        audit::write(&control.store, of.entry("run.finalize"), "ok").await;
    }
    let row = evaluation::find(&control.store, session).await?;
    let row = row.ok_or_else(|| ApiError::conflict("the evaluation was not kept; try again"))?;
    if row.status == "queued" {
        tokio::spawn(evaluation::work(Arc::clone(&control), row.id.clone()));
    }
    if prefers_async(&headers) {
        let accepted = Accepted {
            evaluation_id: row.id,
            run_id: row.run_id,
            status: Queued::Queued,
            status_url: format!("/v1/sessions/{}/evaluation", session.id),
        };
        return Ok(Answer(StatusCode::ACCEPTED, accepted).into_response());
    }
    wait(&control, session).await
}

fn prefers_async(headers: &HeaderMap) -> bool {
    let values = headers.get_all("prefer").iter().filter_map(|value| value.to_str().ok());
    values.flat_map(|value| value.split(',')).any(|word| word.trim().eq_ignore_ascii_case("respond-async"))
}

async fn wait(control: &Control, session: &Session) -> Result<Response, ApiError> {
    let begun = tokio::time::Instant::now();
    while begun.elapsed() < PATIENCE {
        if let Some(run) = runs::of_session(&control.store, session).await? {
            return Ok(ok(answer(control, run)).into_response());
        }
        if let Some(row) = evaluation::find(&control.store, session).await?
            && row.status == "failed"
        {
            let why = failure(&row);
            return Err(ApiError::invalid(format!("the run could not be judged: {}", why.message)));
        }
        tokio::time::sleep(LOOK).await;
    }
    let message = "the evaluation takes longer than a request may; ask with `Prefer: respond-async`";
    Err(ApiError::downstream(StatusCode::SERVICE_UNAVAILABLE, message))
}

fn checked(session: &Session, asked: &FinalizeRequest) -> Result<(), ApiError> {
    name_fits("scenario_name", &asked.scenario_name)?;
    hash_fits(&asked.scenario_hash)?;
    if asked.criteria.len() > MOST_CRITERIA {
        return Err(ApiError::invalid(format!("`criteria`: expected at most {MOST_CRITERIA}")));
    }
    for (at, criterion) in asked.criteria.iter().enumerate() {
        if asked.criteria.iter().take(at).any(|before| before.id == criterion.id) {
            return Err(ApiError::invalid("`criteria`: two have the same `id`"));
        }
    }
    key_fits(session, "trace_storage_key", asked.trace_storage_key.as_deref(), EVENTS)?;
    key_fits(session, "signals_storage_key", asked.signals_storage_key.as_deref(), SIGNALS)?;
    // With one twin its state may have either name.
    let twins = session.twins();
    let alone = |field, key: Option<&str>, plain: &str, moment: &str| {
        let own = twins.first().map(|twin| super::uploads::state_file(moment, twin));
        match own {
            Some(own) if key_fits(session, field, key, &own).is_ok() => Ok(()),
            _ => key_fits(session, field, key, plain),
        }
    };
    alone("state_initial_storage_key", asked.state_initial_storage_key.as_deref(), STATE_INITIAL, "initial")?;
    alone("state_final_storage_key", asked.state_final_storage_key.as_deref(), STATE_FINAL, "final")?;
    state_keys_fit(session, &asked.per_twin_state_keys)
}

fn answer(control: &Control, run: RunRow) -> FinalizeAnswer {
    FinalizeAnswer {
        dashboard_url: runs::dashboard_url(control, &run.id),
        run_id: run.id,
        score: run.satisfaction_score,
        judge_model: Some(run.judge_model).filter(|model| model != "none" && !model.is_empty()),
        criteria_results: Some(run.criteria_results),
    }
}

fn failure(row: &Row) -> EvaluationError {
    let told = row.answer.as_deref().and_then(|answer| serde_json::from_str(answer).ok());
    told.unwrap_or_else(|| EvaluationError {
        kind: "internal_error".to_owned(),
        message: "the run could not be judged".to_owned(),
        details: None,
    })
}

/// `GET /v1/sessions/{id}/evaluation`
pub(crate) async fn evaluation(
    State(control): State<Arc<Control>>,
    of: OfSession,
) -> Result<Answer<Evaluation>, ApiError> {
    let session = &of.session;
    let row = evaluation::find(&control.store, session).await?;
    let row =
        row.ok_or_else(|| ApiError::not_found(format!("nobody asked for session `{}` to be judged", session.id)))?;
    let run = runs::of_session(&control.store, session).await?;
    let (evaluation_id, run_id) = (row.id.clone(), row.run_id.clone());
    Ok(ok(match (run, row.status.as_str()) {
        (Some(run), _) => {
            Evaluation::Completed { evaluation_id, run_id: run.id.clone(), result: answer(&control, run) }
        }
        (None, "failed") => Evaluation::Failed { evaluation_id, run_id, error: failure(&row) },
        (None, "queued") => Evaluation::Queued { evaluation_id, run_id },
        (None, _) => Evaluation::Running { evaluation_id, run_id },
    }))
}
