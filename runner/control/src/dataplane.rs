//! `/{twin}/{session}/...`: requests of agents, on their way to a world.

use std::future::poll_fn;
use std::panic::AssertUnwindSafe;
use std::task::Poll;
use std::time::Duration;

use axum::body::Body;
use bytes::Bytes;
use futures_util::FutureExt as _;
use http::header::{CONTENT_TYPE, HeaderValue};
use http::{Request, Response, StatusCode};
use http_body_util::{BodyExt as _, LengthLimitError, Limited};
use hyper::body::Incoming;
use pome_sandbox::Component;
use serde_json::{Map, Value, json};

use crate::hosting::{CALL_ID, Dispatched, Forwarded, Hosting, LARGEST_BODY, closed, problem};

/// How long a client may take for the body of a request.
const BODY_TIME: Duration = Duration::from_mins(1);

/// Most characters of a name that a client gives to a call.
const LONGEST_CALL_ID: usize = 64;

/// A request for a twin of a session.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Target<'a> {
    pub(crate) twin: &'a str,
    pub(crate) session: &'a str,
    /// Below the session; begins with a slash.
    pub(crate) rest: &'a str,
}

/// Takes the path of such a request apart; `None` when it is for the control plane itself.
pub(crate) fn target<'a>(hosting: &Hosting, path: &'a str) -> Option<Target<'a>> {
    let (twin, below) = path.strip_prefix('/')?.split_once('/')?;
    hosting.twin(twin)?;
    let end = below.find('/').unwrap_or(below.len());
    let (session, rest) = below.split_at_checked(end)?;
    (!session.is_empty()).then_some(Target { twin, session, rest: if rest.is_empty() { "/" } else { rest } })
}

/// Answers a request for a twin.
pub(crate) async fn answer(hosting: &Hosting, request: Request<Incoming>) -> Dispatched {
    let (mut parts, body) = request.into_parts();
    let path = parts.uri.path().to_owned();
    let Some(Target { twin, session, rest }) = target(hosting, &path) else {
        return problem(StatusCode::NOT_FOUND, "not_found", "there is nothing at this address");
    };
    if rest == "/admin" || rest.starts_with("/admin/") {
        return problem(StatusCode::NOT_FOUND, "not_found", "there is nothing at this address");
    }
    if let (Some(component), true) = (hosting.twin(twin), parts.method == http::Method::GET) {
        match rest {
            "/healthz" => return document(&json!({ "ok": true, "twin": twin })),
            "/openapi.json" => return document(&openapi(component)),
            _ => {}
        }
    }
    let line = parts.uri.path_and_query().map_or("/", http::uri::PathAndQuery::as_str).to_owned();
    let received = hosting.received(&parts.method, &line, &mut parts.headers);
    let forwarded = received.is_some();
    let named = parts.headers.remove(CALL_ID);
    let call = match (received, named) {
        (Some(call), _) => call,
        (None, None) => Forwarded { call_id: hosting.name_of_call(), again: false },
        (None, Some(name)) => match name.to_str().ok().filter(|name| is_call_id(name)) {
            // What the client names may have been sent before.
            Some(name) => Forwarded { call_id: format!("client:{name}"), again: true },
            None => {
                let message = "Pome-Call-Id: expected up to 64 letters, digits and `.`, `_`, `:`, `-`";
                return problem(StatusCode::BAD_REQUEST, "validation_failed", message);
            }
        },
    };
    parts.headers.remove("x-api-key");
    let body = match read(body).await {
        Ok(body) => body,
        Err(refused) => return refused,
    };
    let request = Request::from_parts(parts, body);
    let (hosting, session, twin, rest) = (hosting.clone(), session.to_owned(), twin.to_owned(), rest.to_owned());
    let answering = async move { hosting.answer(&session, &twin, &rest, request, call, forwarded).await };
    match to_its_end(answering).await {
        Some(Dispatched::Close) if forwarded => Dispatched::Answer(closed()),
        Some(dispatched) => dispatched,
        None => problem(StatusCode::INTERNAL_SERVER_ERROR, "internal_error", "the call ended unexpectedly"),
    }
}

/// What has begun is brought to its end, also when the client that waits for it goes. Most calls have nothing to wait for and end
/// where they began; only what has to wait becomes a task of its own. `None`: it panicked.
async fn to_its_end<T: Send + 'static>(work: impl Future<Output = T> + Send + 'static) -> Option<T> {
    let mut work = AssertUnwindSafe(work).catch_unwind().boxed();
    match poll_fn(|context| Poll::Ready(work.as_mut().poll(context))).await {
        Poll::Ready(ended) => ended.ok(),
        Poll::Pending => tokio::spawn(work).await.ok()?.ok(),
    }
}

fn is_call_id(name: &str) -> bool {
    (1..=LONGEST_CALL_ID).contains(&name.len())
        && name.bytes().all(|byte| byte.is_ascii_alphanumeric() || matches!(byte, b'.' | b'_' | b':' | b'-'))
}

async fn read(body: Incoming) -> Result<Bytes, Dispatched> {
    match tokio::time::timeout(BODY_TIME, Limited::new(body, LARGEST_BODY).collect()).await {
        Ok(Ok(collected)) => Ok(collected.to_bytes()),
        Ok(Err(error)) if error.is::<LengthLimitError>() => {
            let message = format!("the request body is larger than {LARGEST_BODY} bytes");
            Err(problem(StatusCode::PAYLOAD_TOO_LARGE, "validation_failed", &message))
        }
        Ok(Err(_)) => Err(problem(StatusCode::BAD_REQUEST, "validation_failed", "the request body broke off")),
        Err(_) => {
            let message = "the request body did not arrive in time";
            Err(problem(StatusCode::REQUEST_TIMEOUT, "validation_failed", message))
        }
    }
}

fn document(document: &Value) -> Dispatched {
    let mut answer = Response::new(Body::from(document.to_string()));
    answer.headers_mut().insert(CONTENT_TYPE, HeaderValue::from_static("application/json"));
    Dispatched::Answer(answer)
}

/// The routes of a twin as an OpenAPI document: paths, methods and which operation each leads to.
fn openapi(component: &Component) -> Value {
    let description = component.description();
    let mut paths = Map::new();
    for route in &description.routes {
        let mut parameters = Vec::new();
        let segments = route.path.split('/').map(|segment| match segment.strip_prefix([':', '*']) {
            Some(name) if !name.is_empty() => {
                parameters
                    .push(json!({ "name": name, "in": "path", "required": true, "schema": { "type": "string" } }));
                format!("{{{name}}}")
            }
            _ => segment.to_owned(),
        });
        let path = segments.collect::<Vec<_>>().join("/");
        let operation = json!({
            "operationId": format!("{} {}", route.method, route.path),
            "summary": route.action,
            "parameters": parameters,
            "responses": { "default": { "description": "as the vendor answers" } },
        });
        let methods = paths.entry(path).or_insert_with(|| Value::Object(Map::new()));
        if let Value::Object(methods) = methods {
            methods.insert(route.method.to_ascii_lowercase(), operation);
        }
    }
    json!({
        "openapi": "3.1.0",
        "info": { "title": format!("{} twin", description.id), "version": description.version },
        "paths": paths,
    })
}
