//! Files of a session: signed addresses, what is sent to them and fetched from them, and traces of the agent.

use std::collections::BTreeMap;
use std::io::Read as _;
use std::sync::Arc;

use axum::body::Body as HttpBody;
use axum::extract::{Path, State};
use axum::response::{IntoResponse, Response};
use bytes::Bytes;
use http::{HeaderMap, HeaderValue, Method, StatusCode, header};
use pome_wire::control::{StateUploadRequest, StateUploadUrls, StateUrls, UploadUrl};
use pome_wire::time::now_millis;
use serde::Deserialize;
use serde_json::{Value, json};

use super::ApiError;
use super::auth::OfSession;
use super::body::{Answer, Body, Query, ok};
use super::session::Session;
use crate::blobs::{self, LARGEST, PutError, Refused};
use crate::state::Control;
use crate::store::{Store, on};

/// The files that a run consists of.
pub(crate) const EVENTS: &str = "events.jsonl";
pub(crate) const SIGNALS: &str = "signals.jsonl";
pub(crate) const META: &str = "meta.json";
pub(crate) const STATE_INITIAL: &str = "state_initial.json";
pub(crate) const STATE_FINAL: &str = "state_final.json";

/// Largest trace in one request, packed and unpacked.
pub(crate) const TRACES: usize = 8 * 1024 * 1024;

/// Most traces of a session.
const MOST_TRACES: i64 = 500;

/// Largest file once it is unpacked.
const UNPACKED: u64 = 512 * 1024 * 1024;

fn address(control: &Control, method: &Method, key: &str) -> String {
    let (query, _) = control.blobs.sign(method, key, now_millis());
    format!("{}/v1/blobs/{key}?{query}", control.public_url)
}

/// Where a file can be fetched for a while, and until when (milliseconds since 1970).
pub(crate) fn fetched(control: &Control, key: &str) -> (String, i64) {
    let (query, exp) = control.blobs.sign(&Method::GET, key, now_millis());
    (format!("{}/v1/blobs/{key}?{query}", control.public_url), exp * 1000)
}

fn place(control: &Control, session: &Session, file: &str) -> UploadUrl {
    let key = blobs::key(&session.team_id, &session.id, file);
    UploadUrl { url: address(control, &Method::PUT, &key), key }
}

async fn may_upload(control: &Control, session: &Session) -> Result<(), ApiError> {
    session.must_be_open()?;
    if is_settled(&control.store, &session.team_id, &session.id).await? {
        return Err(ApiError::conflict("this session has its result; its files are not changed any more"));
    }
    Ok(())
}

/// Whether a run was stored or is being judged: then its files stay as they are. Also when there is no such session.
async fn is_settled(store: &Store, team: &str, id: &str) -> Result<bool, sqlx::Error> {
    let open: i64 = on!(store, pool => sqlx::query_scalar(
        "SELECT COUNT(*) FROM sessions s WHERE s.team_id = $1 AND s.id = $2 \
         AND NOT EXISTS (SELECT 1 FROM runs r WHERE r.session_id = s.id) \
         AND NOT EXISTS (SELECT 1 FROM evaluations e WHERE e.session_id = s.id AND e.status <> 'failed')",
    )
    .bind(team)
    .bind(id)
    .fetch_one(pool)
    .await)?;
    Ok(open == 0)
}

/// `POST /v1/sessions/{id}/result-upload-url`
pub(crate) async fn events(State(control): State<Arc<Control>>, of: OfSession) -> Result<Answer<UploadUrl>, ApiError> {
    may_upload(&control, &of.session).await?;
    Ok(ok(place(&control, &of.session, EVENTS)))
}

/// `POST /v1/sessions/{id}/signals-upload-url`
pub(crate) async fn signals(State(control): State<Arc<Control>>, of: OfSession) -> Result<Answer<UploadUrl>, ApiError> {
    may_upload(&control, &of.session).await?;
    Ok(ok(place(&control, &of.session, SIGNALS)))
}

/// `POST /v1/sessions/{id}/meta-upload-url`
pub(crate) async fn meta(State(control): State<Arc<Control>>, of: OfSession) -> Result<Answer<UploadUrl>, ApiError> {
    may_upload(&control, &of.session).await?;
    Ok(ok(place(&control, &of.session, META)))
}

/// `POST /v1/sessions/{id}/state-upload-url`
pub(crate) async fn states(
    State(control): State<Arc<Control>>,
    of: OfSession,
    Body(asked): Body<StateUploadRequest>,
) -> Result<Answer<StateUploadUrls>, ApiError> {
    let session = &of.session;
    may_upload(&control, session).await?;
    let own = session.twins();
    let mut per_twin = BTreeMap::new();
    for twin in &asked.twins {
        // A session without twins takes the runs of others, whose twins are known here.
        let known = if own.is_empty() { control.hosting.twin(twin).is_some() } else { own.contains(twin) };
        if !known {
            return Err(ApiError::invalid("`twins`: expected twins of this session"));
        }
        let urls = StateUrls {
            state_initial: place(&control, session, &state_file("initial", twin)),
            state_final: place(&control, session, &state_file("final", twin)),
        };
        per_twin.insert(twin.clone(), urls);
    }
    Ok(ok(StateUploadUrls {
        state_initial: place(&control, session, STATE_INITIAL),
        state_final: place(&control, session, STATE_FINAL),
        per_twin: (!per_twin.is_empty()).then_some(per_twin),
    }))
}

/// Name of the state of one twin.
pub(crate) fn state_file(moment: &str, twin: &str) -> String {
    format!("state_{moment}.{twin}.json")
}

/// What stands behind the `?` of a signed address.
#[derive(Debug, Deserialize)]
pub(crate) struct Signed {
    #[serde(default)]
    exp: String,
    #[serde(default)]
    sig: String,
}

fn allowed(control: &Control, method: &Method, key: &str, signed: &Signed) -> Result<(), ApiError> {
    match control.blobs.verify(method, key, &signed.exp, &signed.sig, now_millis()) {
        Ok(()) if blobs::is_key(key) => Ok(()),
        Ok(()) | Err(Refused::Forged) => Err(ApiError::forbidden("this address was not made here, or not for this")),
        Err(Refused::Late) => {
            let mut error = ApiError::gone("this address is too old; ask for a new one");
            error.kind = "session_expired";
            Err(error)
        }
    }
}

/// `PUT /v1/blobs/{key}`
pub(crate) async fn put(
    State(control): State<Arc<Control>>,
    Path(key): Path<String>,
    Query(signed): Query<Signed>,
    headers: HeaderMap,
    body: HttpBody,
) -> Result<StatusCode, ApiError> {
    allowed(&control, &Method::PUT, &key, &signed)?;
    let length = headers.get(header::CONTENT_LENGTH).and_then(|value| value.to_str().ok()?.parse::<usize>().ok());
    if length.is_some_and(|length| length > LARGEST) {
        return Err(ApiError::too_large());
    }
    let encoding = encoding(&headers)?;
    let (team, session) = blobs::owner(&key).ok_or_else(|| ApiError::forbidden("this address was not made here"))?;
    if is_settled(&control.store, team, session).await? {
        return Err(ApiError::conflict("this session has its result; its files are not changed any more"));
    }
    let size = control.blobs.put_stream(&key, body.into_data_stream()).await.map_err(|error| match error {
        PutError::TooLarge => ApiError::too_large(),
        PutError::Broken => ApiError::malformed("the body of the request broke off"),
        PutError::Store(error) => store_failed(&error),
    })?;
    noted(&control, team, session, &key, encoding, size).await?;
    Ok(StatusCode::OK)
}

fn encoding(headers: &HeaderMap) -> Result<Option<&'static str>, ApiError> {
    match headers.get(header::CONTENT_ENCODING).map(HeaderValue::as_bytes) {
        None | Some(b"" | b"identity") => Ok(None),
        Some(b"gzip") => Ok(Some("gzip")),
        Some(_) => Err(ApiError::invalid("`content-encoding`: expected `gzip` or none")),
    }
}

/// The type of a file is that of its name: what a client says about it never reaches a browser.
fn content_type(key: &str) -> &'static str {
    let lines = std::path::Path::new(key).extension().is_some_and(|ending| ending == "jsonl");
    if lines { "application/x-ndjson" } else { "application/json" }
}

async fn noted(
    control: &Control,
    team: &str,
    session: &str,
    key: &str,
    encoding: Option<&str>,
    size: usize,
) -> Result<(), ApiError> {
    let size = i64::try_from(size).unwrap_or(i64::MAX);
    on!(&control.store, pool => sqlx::query(
        "INSERT INTO uploads (blob, team_id, session_id, content_type, encoding, size, created_at) \
         VALUES ($1, $2, $3, $4, $5, $6, $7) ON CONFLICT (blob) DO UPDATE SET \
         content_type = excluded.content_type, encoding = excluded.encoding, size = excluded.size, \
         created_at = excluded.created_at",
    )
    .bind(key)
    .bind(team)
    .bind(session)
    .bind(content_type(key))
    .bind(encoding)
    .bind(size)
    .bind(now_millis())
    .execute(pool)
    .await
    .map(drop))?;
    control.metrics.blob_bytes.inc_by(u64::try_from(size).unwrap_or_default());
    Ok(())
}

/// Stores a file that came as part of a request.
pub(crate) async fn keep(control: &Control, session: &Session, file: &str, bytes: Vec<u8>) -> Result<String, ApiError> {
    let key = blobs::key(&session.team_id, &session.id, file);
    let size = bytes.len();
    if size > LARGEST {
        return Err(ApiError::too_large());
    }
    control.blobs.put(&key, bytes.into()).await.map_err(|error| store_failed(&error))?;
    noted(control, &session.team_id, &session.id, &key, None, size).await?;
    Ok(key)
}

/// `GET /v1/blobs/{key}`
pub(crate) async fn get(
    State(control): State<Arc<Control>>,
    Path(key): Path<String>,
    Query(signed): Query<Signed>,
) -> Result<Response, ApiError> {
    allowed(&control, &Method::GET, &key, &signed)?;
    let missing = || ApiError::not_found("there is no such file");
    let encoding = encoding_of(&control.store, &key).await?.ok_or_else(missing)?;
    let found = control.blobs.get_stream(&key).await.map_err(|error| store_failed(&error))?;
    let (size, stream) = found.ok_or_else(missing)?;
    let mut response = HttpBody::from_stream(stream).into_response();
    let headers = response.headers_mut();
    headers.insert(header::CONTENT_TYPE, HeaderValue::from_static(content_type(&key)));
    headers.insert(header::CONTENT_LENGTH, HeaderValue::from(size));
    headers.insert(header::X_CONTENT_TYPE_OPTIONS, HeaderValue::from_static("nosniff"));
    headers.insert(header::CONTENT_SECURITY_POLICY, HeaderValue::from_static("default-src 'none'; sandbox"));
    headers.insert(header::CACHE_CONTROL, HeaderValue::from_static("private, no-store"));
    if let Some(encoding) = encoding.and_then(|encoding| HeaderValue::from_str(&encoding).ok()) {
        headers.insert(header::CONTENT_ENCODING, encoding);
    }
    Ok(response)
}

async fn encoding_of(store: &Store, key: &str) -> Result<Option<Option<String>>, sqlx::Error> {
    on!(store, pool => {
        sqlx::query_scalar("SELECT encoding FROM uploads WHERE blob = $1").bind(key).fetch_optional(pool).await
    })
}

/// The files of a session that were stored, by name.
pub(crate) async fn files(store: &Store, session: &Session) -> Result<Vec<String>, sqlx::Error> {
    let keys: Vec<String> = on!(store, pool => {
        sqlx::query_scalar("SELECT blob FROM uploads WHERE team_id = $1 AND session_id = $2 ORDER BY blob")
            .bind(&session.team_id)
            .bind(&session.id)
            .fetch_all(pool)
            .await?
    });
    Ok(keys.iter().filter_map(|key| key.rsplit('/').next()).map(str::to_owned).collect())
}

/// A file of a session, unpacked; nothing when it was not stored.
pub(crate) async fn read(control: &Control, session: &Session, file: &str) -> Result<Option<Vec<u8>>, ApiError> {
    let key = blobs::key(&session.team_id, &session.id, file);
    let Some(encoding) = encoding_of(&control.store, &key).await? else { return Ok(None) };
    let bytes = control.blobs.get(&key).await.map_err(|error| store_failed(&error))?;
    match (bytes, encoding.as_deref()) {
        (None, _) => Ok(None),
        (Some(bytes), None) => Ok(Some(bytes.to_vec())),
        (Some(bytes), Some(_)) => {
            let unpacked = tokio::task::spawn_blocking(move || unpacked(&bytes, UNPACKED)).await;
            let unpacked = unpacked.map_err(|error| ApiError::internal("a file could not be unpacked", &error))?;
            unpacked
                .map(Some)
                .ok_or_else(|| ApiError::invalid(format!("`{file}` is not packed as it says, or too large")))
        }
    }
}

fn unpacked(bytes: &[u8], most: u64) -> Option<Vec<u8>> {
    let mut out = Vec::new();
    flate2::read::MultiGzDecoder::new(bytes).take(most + 1).read_to_end(&mut out).ok()?;
    (out.len() as u64 <= most).then_some(out)
}

fn store_failed(error: &object_store::Error) -> ApiError {
    tracing::error!(problem = %super::chain(error), "the object store failed");
    ApiError::downstream(StatusCode::SERVICE_UNAVAILABLE, "the object store does not answer; try again shortly")
}

/// `POST /v1/sessions/{id}/traces`
pub(crate) async fn traces(
    State(control): State<Arc<Control>>,
    of: OfSession,
    headers: HeaderMap,
    bytes: Result<Bytes, axum::extract::rejection::BytesRejection>,
) -> Result<Answer<Value>, ApiError> {
    let bytes = bytes.map_err(|_| ApiError::too_large())?;
    may_upload(&control, &of.session).await?;
    let plain = match encoding(&headers)? {
        None => bytes.to_vec(),
        Some(_) => unpacked(&bytes, TRACES as u64).ok_or_else(|| ApiError::malformed("the body is not gzip"))?,
    };
    let spans: Value = super::body::read(&plain)?;
    if !spans.get("resourceSpans").is_some_and(Value::is_array) {
        return Err(ApiError::invalid("expected an `ExportTraceServiceRequest` as JSON, with `resourceSpans`"));
    }
    let stored: i64 = on!(&control.store, pool => {
        sqlx::query_scalar("SELECT COUNT(*) FROM uploads WHERE session_id = $1")
            .bind(&of.session.id)
            .fetch_one(pool)
            .await?
    });
    if stored >= MOST_TRACES {
        return Err(ApiError::too_large());
    }
    let redacted = pome_wire::redact::json_bytes(&plain).into_owned();
    let file = format!("traces.{}.json", uuid::Uuid::new_v4().simple());
    keep(&control, &of.session, &file, redacted).await?;
    Ok(ok(json!({})))
}
