//! From a request for a twin to the world that answers it, wherever that is.
//!
//! A call has a name. When it is not known what became of it, because a host died or the database did, the log of the session
//! says whether it was carried out; if it was, its answer is worked out again from the log, because the same calls lead to the
//! same answer.

use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::Duration;

use axum::body::Body;
use bytes::Bytes;
use http::header::{CONTENT_TYPE, HeaderValue, RETRY_AFTER};
use http::{Method, Request, Response, StatusCode};
use pome_gateway::Unanswered;
use pome_wire::time;
use serde_json::json;

use crate::api::chain;
use crate::hosting::hosts::{self, Forwarded, Returned};
use crate::hosting::session::Live;
use crate::hosting::{ACTIVE, Close, Hosting};
use crate::store::on;

/// The header by which a client names a call, so that it may send it again without its happening twice.
pub(crate) const CALL_ID: &str = "pome-call-id";

/// How often a call is tried.
const TRIES: u32 = 8;
/// The first pause between two tries; each next one is twice as long.
const PAUSE: Duration = Duration::from_millis(25);
/// How long a closed session may still be looked at, in milliseconds.
const AFTERWARDS: i64 = 60_000;

/// What becomes of a request.
#[derive(Debug)]
pub(crate) enum Dispatched {
    Answer(Response<Body>),
    /// The connection is closed without an answer.
    Close,
}

/// Where a session is.
#[derive(Debug)]
enum Place {
    Here(Arc<Live>),
    There(String),
    Ended {
        closed_at: i64,
    },
    Unknown,
    /// It cannot be had now.
    Away(String),
}

#[derive(Debug, sqlx::FromRow)]
struct Row {
    active: bool,
    owner: Option<String>,
    epoch: i64,
    expires_at: i64,
    closed_at: Option<i64>,
    address: Option<String>,
    alive: bool,
}

impl Hosting {
    /// Answers a request for `twin` in a session. Its path is below the session and begins with a slash.
    pub(crate) async fn answer(
        &self,
        session_id: &str,
        twin: &str,
        rest: &str,
        request: Request<Bytes>,
        call: Forwarded,
        forwarded: bool,
    ) -> Dispatched {
        let mut call = call;
        let mut force = false;
        let mut reason = String::new();
        for attempt in 0..TRIES {
            if attempt > 0 {
                tokio::time::sleep(PAUSE * (1 << (attempt - 1).min(6))).await;
            }
            match self.locate(session_id, force).await {
                Place::Unknown => return problem(StatusCode::NOT_FOUND, "not_found", "there is no such session"),
                Place::Ended { closed_at } => {
                    return self.afterwards(session_id, twin, rest, &request, closed_at).await;
                }
                Place::Away(why) => reason = why,
                Place::There(_) if forwarded => return Dispatched::Answer(hosts::elsewhere()),
                Place::There(address) => match self.0.peers.forward(&address, &request, &call).await {
                    Returned::Answer(answer) => {
                        self.0.done.forwarded.fetch_add(1, Ordering::Relaxed);
                        return Dispatched::Answer(answer);
                    }
                    Returned::Close => return Dispatched::Close,
                    // It may have begun before it noticed.
                    Returned::Elsewhere => {
                        self.0.peers.forget(session_id);
                        call.again = true;
                    }
                    Returned::Lost => {
                        self.0.peers.forget(session_id);
                        (force, call.again) = (true, true);
                        "the host of the session does not answer".clone_into(&mut reason);
                    }
                },
                Place::Here(live) => match self.here(&live, twin, rest, &request, &call).await {
                    Ok(dispatched) => return dispatched,
                    Err(why) => {
                        call.again = true;
                        reason = why;
                    }
                },
            }
        }
        self.0.done.given_up.fetch_add(1, Ordering::Relaxed);
        tracing::warn!(session = session_id, reason, "a call was given up");
        let message = "the session is being moved; send the request again";
        let Dispatched::Answer(mut answer) =
            problem(StatusCode::SERVICE_UNAVAILABLE, "downstream_unavailable", message)
        else {
            return Dispatched::Close;
        };
        answer.headers_mut().insert(RETRY_AFTER, HeaderValue::from_static("1"));
        Dispatched::Answer(answer)
    }

    /// Lets a world in this process answer. An error says why it has to be tried again.
    async fn here(
        &self,
        live: &Arc<Live>,
        twin: &str,
        rest: &str,
        request: &Request<Bytes>,
        call: &Forwarded,
    ) -> Result<Dispatched, String> {
        if live.world(twin).is_none() {
            return Ok(problem(StatusCode::NOT_FOUND, "not_found", "the session has no such twin"));
        }
        if call.again
            && !call.call_id.is_empty()
            && let Some(dispatched) = self.once_more(live, twin, rest, request, &call.call_id).await?
        {
            return Ok(dispatched);
        }
        if rest == "/_pome/state" && self.0.store.is_shared() && !self.still_mine(live).await {
            // What is not logged does not notice by itself that the session has moved on.
            live.log.end();
            return Err("the session has moved".to_owned());
        }
        let Some(answered) = live.answer(twin, inner(&live.id, rest, request), &call.call_id).await else {
            return Ok(problem(StatusCode::NOT_FOUND, "not_found", "the session has no such twin"));
        };
        match answered {
            Ok(reply) => {
                if !live.running.load(Ordering::Relaxed) && live.worlds().any(|(_, world)| world.events() > 0) {
                    live.running.store(true, Ordering::Relaxed);
                    self.runs(&live.id);
                }
                Ok(Dispatched::Answer(reply.map(Body::new)))
            }
            Err(Unanswered::Closed) => Ok(Dispatched::Close),
            Err(Unanswered::NotKept) => {
                live.log.end();
                Err("the call could not be logged".to_owned())
            }
        }
    }

    /// The answer to a call that was carried out already, if it was.
    async fn once_more(
        &self,
        live: &Arc<Live>,
        twin: &str,
        rest: &str,
        request: &Request<Bytes>,
        call_id: &str,
    ) -> Result<Option<Dispatched>, String> {
        let Some((seq, logged)) = live.log.find(call_id).await.map_err(|error| error.to_string())? else {
            return Ok(None);
        };
        if logged != twin {
            let message = "another call has this name already";
            return Ok(Some(problem(StatusCode::CONFLICT, "conflict", message)));
        }
        if rest.starts_with("/mcp") && request.body().trim_ascii_start().starts_with(b"[") {
            let message = "the batch broke off; how much of it was done is in `_pome/events`";
            return Ok(Some(problem(StatusCode::CONFLICT, "conflict", message)));
        }
        let copy = self.copy(&live.id, seq - 1).await.map_err(|error| chain(&error))?;
        let copy = copy.map_err(|missing| missing.to_string())?;
        match copy.answer(twin, inner(&live.id, rest, request), call_id).await {
            Some(Ok(reply)) => Ok(Some(Dispatched::Answer(reply.map(Body::new)))),
            Some(Err(Unanswered::Closed)) => Ok(Some(Dispatched::Close)),
            Some(Err(Unanswered::NotKept)) | None => Err("the answer cannot be worked out again".to_owned()),
        }
    }

    /// A closed session may be looked at for a while.
    async fn afterwards(
        &self,
        session_id: &str,
        twin: &str,
        rest: &str,
        request: &Request<Bytes>,
        closed_at: i64,
    ) -> Dispatched {
        let looks = request.method() == Method::GET && matches!(rest, "/_pome/state" | "/_pome/events");
        if !looks || time::now_millis() - closed_at > AFTERWARDS {
            return problem(StatusCode::GONE, "session_expired", "the session has ended");
        }
        let copy = match self.copy(session_id, i64::MAX).await {
            Ok(Ok(copy)) => copy,
            Ok(Err(missing)) => return problem(StatusCode::GONE, "session_expired", &missing.to_string()),
            Err(error) => {
                tracing::warn!(session = session_id, error = chain(&error), "cannot be built");
                let message = "the ended session cannot be looked at now";
                return problem(StatusCode::SERVICE_UNAVAILABLE, "downstream_unavailable", message);
            }
        };
        match copy.answer(twin, inner(session_id, rest, request), "").await {
            Some(Ok(reply)) => Dispatched::Answer(reply.map(Body::new)),
            Some(Err(_)) => Dispatched::Close,
            None => problem(StatusCode::NOT_FOUND, "not_found", "the session has no such twin"),
        }
    }

    /// Finds out where a session is and, when nobody has it, takes it. `force`: its host does not answer.
    async fn locate(&self, session_id: &str, force: bool) -> Place {
        let known = self.0.live.read().unwrap_or_else(std::sync::PoisonError::into_inner).get(session_id).cloned();
        if let Some(live) = known.and_then(|slot| slot.current())
            && live.expires_at.load(Ordering::Relaxed) > time::now_millis()
        {
            return Place::Here(live);
        }
        if !force && let Some(address) = self.0.peers.remembered(session_id) {
            return Place::There(address);
        }
        let slot = self.slot(session_id);
        let place = {
            // One at a time: the others find what the first has found.
            let _finding = slot.finding.lock().await;
            match slot.current() {
                Some(live) if live.expires_at.load(Ordering::Relaxed) > time::now_millis() => Place::Here(live),
                current => match self.find(session_id, current, force).await {
                    Ok(place) => place,
                    Err(error) => Place::Away(error.to_string()),
                },
            }
        };
        match &place {
            Place::Here(live) => {
                self.slot(session_id).put_if_new(live);
            }
            Place::There(address) => {
                self.0.peers.remember(session_id, address);
                self.forget(session_id);
            }
            Place::Ended { .. } | Place::Unknown => self.forget(session_id),
            Place::Away(_) => {}
        }
        place
    }

    async fn find(&self, session_id: &str, current: Option<Arc<Live>>, force: bool) -> Result<Place, sqlx::Error> {
        let Some(row) = self.row(session_id).await? else { return Ok(Place::Unknown) };
        if !row.active {
            return Ok(Place::Ended { closed_at: row.closed_at.unwrap_or_default() });
        }
        if row.expires_at <= time::now_millis() {
            self.close(session_id, Close { state: "expired", error_code: None }).await?;
            return Ok(Place::Ended { closed_at: row.expires_at });
        }
        let mine = row.owner.as_deref() == Some(self.0.peers.id());
        let (current, before) = match current {
            Some(live) if mine && live.log.epoch() == row.epoch => (Some(live), None),
            before => (None, before),
        };
        if let Some(live) = current {
            // Its end was moved.
            live.expires_at.store(row.expires_at, Ordering::Relaxed);
            return Ok(Place::Here(live));
        }
        if !mine
            && row.alive
            && !force
            && let Some(address) = row.address
        {
            return Ok(Place::There(address));
        }
        let claim = format!(
            "UPDATE sessions SET owner = $2, epoch = epoch + 1 WHERE id = $1 AND epoch = $3 AND state IN {ACTIVE}"
        );
        let claimed = on!(&self.0.store, pool => {
            sqlx::query(sqlx::AssertSqlSafe(claim))
                .bind(session_id)
                .bind(self.0.peers.id())
                .bind(row.epoch)
                .execute(pool)
                .await?
                .rows_affected()
        });
        if claimed == 0 {
            return Ok(Place::Away("somebody else took the session".to_owned()));
        }
        // Whatever is still under way in the world as it was here is not kept any more.
        if let Some(live) = before {
            live.log.end();
        }
        if !mine {
            self.0.done.taken_over.fetch_add(1, Ordering::Relaxed);
        }
        match self.revive(session_id, row.epoch + 1, row.expires_at).await {
            Ok(Ok(live)) => Ok(Place::Here(Arc::new(live))),
            Ok(Err(missing)) => {
                tracing::error!(session = session_id, reason = missing.to_string(), "a session cannot go on");
                self.close(session_id, Close { state: "failed", error_code: Some("component_missing") }).await?;
                Ok(Place::Ended { closed_at: time::now_millis() })
            }
            Err(error) => Ok(Place::Away(chain(&error))),
        }
    }

    async fn row(&self, session_id: &str) -> Result<Option<Row>, sqlx::Error> {
        let sql = format!(
            "SELECT s.state IN {ACTIVE} AS active, s.owner, s.epoch, s.expires_at, s.closed_at, h.address, \
             COALESCE({}, 1 = 0) AS alive \
             FROM sessions s LEFT JOIN hosts h ON h.id = s.owner WHERE s.id = $1 AND s.kind = 'twins'",
            hosts::alive(&self.0.store)
        );
        on!(&self.0.store, pool => {
            sqlx::query_as(sqlx::AssertSqlSafe(sql)).bind(session_id).fetch_optional(pool).await
        })
    }

    async fn still_mine(&self, live: &Live) -> bool {
        matches!(self.row(&live.id).await, Ok(Some(row)) if row.active && row.epoch == live.log.epoch())
    }

    /// Notes in the database that a session has been called.
    fn runs(&self, session_id: &str) {
        let (store, id) = (self.0.store.clone(), session_id.to_owned());
        tokio::spawn(async move {
            const RUNS: &str = "UPDATE sessions SET state = 'running' WHERE id = $1 AND state = 'ready'";
            let noted = on!(&store, pool => sqlx::query(RUNS).bind(&id).execute(pool).await.map(drop));
            if let Err(error) = noted {
                tracing::warn!(session = id, error = %error, "that the session runs could not be noted");
            }
        });
    }
}

/// The request as the gateway takes it.
fn inner(session_id: &str, rest: &str, request: &Request<Bytes>) -> Request<Bytes> {
    let mut inner = Request::new(request.body().clone());
    *inner.method_mut() = request.method().clone();
    *inner.headers_mut() = request.headers().clone();
    let target = match request.uri().query() {
        Some(query) => format!("/s/{session_id}{rest}?{query}"),
        None => format!("/s/{session_id}{rest}"),
    };
    // It was part of an address before.
    if let Ok(uri) = target.parse() {
        *inner.uri_mut() = uri;
    }
    inner
}

/// An answer of the control plane about a request that no twin sees.
pub(crate) fn problem(status: StatusCode, kind: &str, message: &str) -> Dispatched {
    let id = crate::ids::new("rq_").unwrap_or_default();
    let body = json!({ "error": { "type": kind, "message": message, "request_id": id } }).to_string();
    let mut answer = Response::new(Body::from(body));
    if let Ok(id) = HeaderValue::from_str(&id) {
        answer.headers_mut().insert("x-request-id", id);
    }
    *answer.status_mut() = status;
    answer.headers_mut().insert(CONTENT_TYPE, HeaderValue::from_static("application/json"));
    Dispatched::Answer(answer)
}
