//! Judging of runs by this server: who does it, from what, and what is left of it.
//!
//! An evaluation is a row. A host claims it, says every few seconds that it is still at it, and stores the run; when it falls
//! silent, another one begins again. A session has one run, so that two that judge the same store one result.

use std::collections::BTreeMap;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use http::StatusCode;
use pome_run::evaluators::Evaluators;
use pome_run::judge::Judge;
use pome_run::scoring::{self, Evidence, Material, View};
use pome_sandbox::DEFAULT_CLOCK;
use pome_scenario::{Config, Criterion, MarkerEra, NoTwin, Scenario, SeedSection, Twins};
use pome_wire::control::{EvaluationError, FinalizeRequest, RunRow};
use pome_wire::event::Event;
use pome_wire::score::Score;
use pome_wire::time::now_millis;
use serde_json::{Map, Value};

use crate::api::results::{blank, named, wire};
use crate::api::runs::{self, From};
use crate::api::session::Session;
use crate::api::uploads::{self, EVENTS, STATE_FINAL, STATE_INITIAL, state_file};
use crate::api::{ApiError, chain};
use crate::hosting::{EvidenceError, TwinEvidence};
use crate::state::Control;
use crate::store::{Store, on};

/// How often a host says that it is still judging.
const BEAT: Duration = Duration::from_secs(5);

/// After this long without a word somebody else begins again, in milliseconds.
const SILENT: i64 = 30_000;

/// After this long an evaluation that cannot be brought to an end has failed, in milliseconds.
const HOPELESS: i64 = 10 * 60 * 1000;

/// One evaluation.
#[derive(Debug, Clone, sqlx::FromRow)]
pub(crate) struct Row {
    pub(crate) id: String,
    team_id: String,
    session_id: String,
    pub(crate) run_id: String,
    pub(crate) status: String,
    request: String,
    /// Why it failed.
    pub(crate) answer: Option<String>,
    created_at: i64,
}

const COLUMNS: &str = "id, team_id, session_id, run_id, status, request, answer, created_at";

/// The evaluation of a session, when one was asked for.
pub(crate) async fn find(store: &Store, session: &Session) -> Result<Option<Row>, sqlx::Error> {
    let statement = format!("SELECT {COLUMNS} FROM evaluations WHERE team_id = $1 AND session_id = $2");
    on!(store, pool => {
        sqlx::query_as(sqlx::AssertSqlSafe(statement))
            .bind(&session.team_id)
            .bind(&session.id)
            .fetch_optional(pool)
            .await
    })
}

/// Notes that a session is to be judged; in place of an evaluation that failed, but of no other.
pub(crate) async fn ask(store: &Store, session: &Session, asked: &FinalizeRequest) -> Result<(), ApiError> {
    let request =
        serde_json::to_string(asked).map_err(|error| ApiError::internal("a request cannot be kept", &error))?;
    let (id, run) = (crate::ids::new("eval_")?, crate::ids::new("run_")?);
    let now = now_millis();
    on!(store, pool => sqlx::query(
        "INSERT INTO evaluations (id, team_id, session_id, run_id, status, request, seen_at, created_at) \
         VALUES ($1, $2, $3, $4, 'queued', $5, $6, $7) ON CONFLICT (session_id) DO UPDATE SET id = excluded.id, \
         run_id = excluded.run_id, status = 'queued', request = excluded.request, answer = NULL, owner = NULL, \
         seen_at = excluded.seen_at, created_at = excluded.created_at WHERE evaluations.status = 'failed'",
    )
    .bind(id)
    .bind(&session.team_id)
    .bind(&session.id)
    .bind(run)
    .bind(request)
    .bind(now)
    .bind(now)
    .execute(pool)
    .await
    .map(drop))?;
    Ok(())
}

/// Begins what nobody is at any more.
pub(crate) async fn take_over(control: &Arc<Control>, now: i64) -> Result<(), sqlx::Error> {
    let left: Vec<String> = on!(&control.store, pool => {
        sqlx::query_scalar("SELECT id FROM evaluations WHERE status IN ('queued', 'running') AND seen_at < $1 LIMIT 20")
            .bind(now - SILENT)
            .fetch_all(pool)
            .await?
    });
    for id in left {
        tokio::spawn(work(Arc::clone(control), id));
    }
    Ok(())
}

/// Judges, unless somebody else is at it.
pub(crate) async fn work(control: Arc<Control>, id: String) {
    let Ok(_turn) = control.evaluating.acquire().await else { return };
    match claim(&control, &id).await {
        Ok(Some(row)) => {
            let judged = tokio::select! {
                judged = judge(&control, &row) => judged,
                () = beat(&control, &id) => return,
            };
            if let Err(error) = settle(&control, &row, judged).await {
                tracing::warn!(problem = %error, evaluation = %id, "how an evaluation ended could not be noted");
            }
        }
        Ok(None) => {}
        Err(error) => tracing::warn!(problem = %error, evaluation = %id, "an evaluation could not be claimed"),
    }
}

async fn claim(control: &Control, id: &str) -> Result<Option<Row>, sqlx::Error> {
    let now = now_millis();
    let statement = format!(
        "UPDATE evaluations SET status = 'running', owner = $1, seen_at = $2 \
         WHERE id = $3 AND (status = 'queued' OR (status = 'running' AND seen_at < $4)) RETURNING {COLUMNS}"
    );
    on!(&control.store, pool => {
        sqlx::query_as(sqlx::AssertSqlSafe(statement))
            .bind(&control.host)
            .bind(now)
            .bind(id)
            .bind(now - SILENT)
            .fetch_optional(pool)
            .await
    })
}

/// Says again and again that this host is at it; ends when it is not any more.
async fn beat(control: &Control, id: &str) {
    loop {
        tokio::time::sleep(BEAT).await;
        let mine = on!(&control.store, pool => {
            sqlx::query("UPDATE evaluations SET seen_at = $1 WHERE id = $2 AND owner = $3 AND status = 'running'")
                .bind(now_millis())
                .bind(id)
                .bind(&control.host)
                .execute(pool)
                .await
                .map(|done| done.rows_affected())
        });
        // Without a database nobody else can take it over either.
        if mine.is_ok_and(|mine| mine == 0) {
            return;
        }
    }
}

async fn settle(control: &Control, row: &Row, judged: Result<RunRow, ApiError>) -> Result<(), sqlx::Error> {
    let (status, answer) = match judged {
        Ok(_) => ("completed", None),
        Err(error) => {
            let passing = matches!(error.status, StatusCode::SERVICE_UNAVAILABLE | StatusCode::BAD_GATEWAY);
            if passing && row.created_at > now_millis() - HOPELESS {
                // Left as it is: whoever finds it silent begins again.
                return Ok(());
            }
            let why = EvaluationError { kind: error.kind.to_owned(), message: error.message, details: None };
            ("failed", serde_json::to_string(&why).ok())
        }
    };
    on!(&control.store, pool => {
        sqlx::query("UPDATE evaluations SET status = $1, answer = $2, seen_at = $3 WHERE id = $4 AND owner = $5")
            .bind(status)
            .bind(answer)
            .bind(now_millis())
            .bind(&row.id)
            .bind(&control.host)
            .execute(pool)
            .await
            .map(drop)
    })
}

async fn judge(control: &Arc<Control>, row: &Row) -> Result<RunRow, ApiError> {
    let session = Session::find(&control.store, &row.team_id, &row.session_id).await?;
    let session = session.ok_or_else(|| ApiError::not_found("the session is not there any more"))?;
    // Another host may have come to the end of it before it fell silent.
    if let Some(run) = runs::of_session(&control.store, &session).await? {
        return Ok(run);
    }
    let asked: FinalizeRequest =
        serde_json::from_str(&row.request).map_err(|error| ApiError::internal("a request cannot be read", &error))?;
    let scenario = scenario(control, &session, &asked)?;
    let found = collect(control, &session, &scenario).await?;
    let score = score(control, scenario, found).await?;
    let stored = uploads::files(&control.store, &session).await?;
    let mut run = blank(&session, &stored)?;
    run.id.clone_from(&row.run_id);
    run.satisfaction_score = score.satisfaction;
    run.status = Some(score.status.as_str().to_owned());
    run.pass_threshold = Some(score.pass_threshold);
    run.judge_model = score.judge_model().unwrap_or("none").to_owned();
    (run.judge_tokens_in, run.judge_tokens_out) = score.judge_tokens().unzip();
    run.criteria_results = wire(score.results);
    run.duration_ms = asked.duration_ms;
    run.agent_model = asked.agent_model;
    (run.stop_reason, run.exit_code) = (Some(asked.stop_reason), Some(asked.exit_code));
    named(&mut run, &asked.scenario_name, &asked.scenario_hash);
    runs::store(control, &session, &run, From::Accepted).await
}

/// Twins that scenarios may name here: those of this server.
struct Here(Vec<String>);

impl Twins for Here {
    fn ids(&self) -> Vec<String> {
        self.0.clone()
    }

    fn id_of(&mut self, _file: &std::path::Path) -> Result<String, NoTwin> {
        Err(NoTwin { source: "a server opens no component files".into(), hint: "name the twin by its id".to_owned() })
    }
}

/// What is judged: the criteria of the request, else those of the scenario that the session was opened with.
pub(crate) fn scenario(control: &Control, session: &Session, asked: &FinalizeRequest) -> Result<Scenario, ApiError> {
    let path = PathBuf::from(format!("{}.md", asked.scenario_name));
    let mut here = Here(control.hosting.twins().map(|twin| twin.description().id.clone()).collect());
    let source = session.scenario_source.as_deref().unwrap_or_default();
    let parsed = pome_scenario::parse(&path, source.as_bytes(), &mut here);
    let why = parsed.as_ref().err().map(|error| chain(error));
    let mut scenario = parsed.unwrap_or_else(|_| Scenario {
        slug: asked.scenario_name.clone(),
        title: asked.scenario_name.clone(),
        path,
        setup: String::new(),
        prompt: asked.scenario_prompt.clone(),
        expected_behavior: asked.expected_behavior.clone(),
        criteria: Vec::new(),
        config: Config::default(),
        seed_section: SeedSection::Absent,
        source_sha256: asked.scenario_hash.clone(),
    });
    let twins = session.twins();
    if !twins.is_empty() {
        scenario.config.twins = twins;
    } else if !asked.per_twin_state_keys.is_empty() {
        scenario.config.twins = asked.per_twin_state_keys.keys().cloned().collect();
    }
    if !asked.criteria.is_empty() {
        scenario.criteria = asked.criteria.iter().map(criterion).collect();
    }
    let unknown =
        |criterion: &&Criterion| criterion.twin.as_ref().is_some_and(|twin| !scenario.config.twins.contains(twin));
    if let Some(criterion) = scenario.criteria.iter().find(unknown) {
        return Err(ApiError::invalid(format!(
            "criterion `{}` is about a twin that the session has not",
            criterion.id
        )));
    }
    if scenario.criteria.is_empty() {
        let why = why.map(|why| format!(": {}", crate::api::reason(&why))).unwrap_or_default();
        return Err(ApiError::invalid(format!("there are no criteria in the request, and none in the session{why}")));
    }
    Ok(scenario)
}

fn criterion(asked: &pome_wire::control::FinalizeCriterion) -> Criterion {
    Criterion {
        id: asked.id.clone(),
        kind: asked.kind,
        twin: asked.twin.clone(),
        evaluator: None,
        text: asked.text.clone(),
        always_scored: asked.always_scored,
        marker_era: MarkerEra::Current,
        line: 0,
    }
}

/// What was found about a run.
struct Found {
    evidence: BTreeMap<String, Evidence>,
    trace: Option<View>,
}

/// Files that were sent go first; what is missing is built from the log of the session, and kept.
async fn collect(control: &Control, session: &Session, scenario: &Scenario) -> Result<Found, ApiError> {
    let mut trace =
        uploads::read(control, session, EVENTS).await?.map(|bytes| String::from_utf8_lossy(&bytes).into_owned());
    let mut states = BTreeMap::new();
    for (at, twin) in scenario.config.twins.iter().enumerate() {
        let before = state(control, session, at == 0, STATE_INITIAL, &state_file("initial", twin)).await?;
        let after = state(control, session, at == 0, STATE_FINAL, &state_file("final", twin)).await?;
        states.insert(twin.clone(), (before, after));
    }
    let complete = trace.is_some() && states.values().all(|(before, after)| before.is_some() && after.is_some());
    let hosted = if complete || session.twins().is_empty() { Vec::new() } else { from_log(control, session).await? };
    if trace.is_none() && !hosted.is_empty() {
        let mut lines = String::new();
        for row in hosted.iter().flat_map(|twin| &twin.rows) {
            lines.push_str(&String::from_utf8_lossy(row));
            lines.push('\n');
        }
        uploads::keep(control, session, EVENTS, lines.clone().into_bytes()).await?;
        trace = Some(lines);
    }
    for (at, twin) in hosted.into_iter().enumerate() {
        let Some((before, after)) = states.get_mut(&twin.twin) else { continue };
        let primary = scenario.config.twins.first() == Some(&twin.twin);
        for (place, bytes, plain, moment) in
            [(before, twin.before, STATE_INITIAL, "initial"), (after, twin.after, STATE_FINAL, "final")]
        {
            if place.is_none() {
                let view = View::of_state(&twin.component, bytes);
                let file = if primary { plain.to_owned() } else { state_file(moment, &twin.twin) };
                uploads::keep(control, session, &file, view.redacted.clone()).await?;
                *place = Some(view);
            }
        }
        tracing::debug!(session = %session.id, at, "evidence came from the log");
    }
    let mut evidence = BTreeMap::new();
    for (twin, (before, after)) in states {
        let Some(component) = control.hosting.twin(&twin) else { continue };
        let calls = trace.as_deref().map(|trace| View::of_rows(&calls(trace, &twin)));
        evidence.insert(twin, Evidence::new(component, before, after, calls));
    }
    Ok(Found { evidence, trace: trace.as_deref().map(View::of_lines) })
}

async fn state(
    control: &Control,
    session: &Session,
    primary: bool,
    plain: &str,
    own: &str,
) -> Result<Option<View>, ApiError> {
    let names = if primary { [Some(own), Some(plain)] } else { [Some(own), None] };
    for name in names.into_iter().flatten() {
        if let Some(bytes) = uploads::read(control, session, name).await? {
            let value: Value = serde_json::from_slice(&bytes)
                .map_err(|error| ApiError::invalid(format!("`{name}` is not JSON: {error}")))?;
            // `{}` stands for an export that failed.
            let failed = value.as_object().is_some_and(Map::is_empty);
            return Ok((!failed).then(|| View::of_redacted(bytes)));
        }
    }
    Ok(None)
}

async fn from_log(control: &Control, session: &Session) -> Result<Vec<TwinEvidence>, ApiError> {
    match control.hosting.evidence(&session.id).await {
        Ok(evidence) => Ok(evidence),
        // Without it the criteria that need it say so.
        Err(error @ (EvidenceError::Swept | EvidenceError::Component(_))) => {
            tracing::warn!(session = %session.id, problem = %error, "an evaluation has no evidence");
            Ok(Vec::new())
        }
        Err(EvidenceError::Database(error)) => Err(error.into()),
        Err(error) => Err(ApiError::internal("the evidence of the session cannot be had", &error)),
    }
}

/// The calls of one twin.
fn calls(trace: &str, twin: &str) -> Vec<Vec<u8>> {
    let own = |line: &&str| {
        let Ok(row) = serde_json::from_str::<Map<String, Value>>(line) else { return false };
        row.get("twin").and_then(Value::as_str) == Some(twin) && matches!(Event::read(row), Ok(Event::TwinHttp(_)))
    };
    trace.lines().map(str::trim).filter(own).map(|line| line.as_bytes().to_vec()).collect()
}

async fn score(control: &Control, scenario: Scenario, found: Found) -> Result<Score, ApiError> {
    let engine = control.hosting.twins().next().map(|twin| twin.engine().clone());
    let engine = engine.ok_or_else(|| ApiError::invalid("this server has no twins, so it cannot judge"))?;
    let environment: BTreeMap<String, String> = control.config.judge.iter().cloned().collect();
    let scored = tokio::task::spawn_blocking(move || {
        let evaluators = Evaluators::expressions_only(&scenario, &engine)
            .map_err(|error| ApiError::invalid(crate::api::reason(&chain(&error))))?;
        let judge = Judge::from_environment(&environment, scenario.config.judge.as_deref());
        Ok::<Score, ApiError>(scoring::score(&Material {
            scenario: &scenario,
            evaluators: &evaluators,
            judge: &judge,
            require_judge: false,
            pass_threshold: scenario.config.pass_threshold.unwrap_or(100.0),
            twins: &found.evidence,
            trace: found.trace,
            folder: None,
            clock: DEFAULT_CLOCK,
            random_seed: 0,
            summary: None,
        }))
    });
    let score: Score = scored.await.map_err(|error| ApiError::internal("the evaluation ended early", &error))??;
    Ok(score)
}
