//! What happens around every request: its id, its line in the log, its count, and the body of a refusal.

use std::sync::Arc;
use std::time::Instant;

use axum::Router;
use axum::body::Body;
use axum::extract::{DefaultBodyLimit, MatchedPath, Request, State};
use axum::middleware::{Next, from_fn_with_state};
use axum::response::{IntoResponse as _, Response};
use http::{HeaderName, HeaderValue, header};
use tracing::Instrument as _;

use super::ApiError;
use crate::state::Control;

/// Largest body of a route that does not say otherwise.
pub(crate) const BODY: usize = 1024 * 1024;

/// The id of a request; in its extensions, and in the header `x-request-id` of its answer.
#[derive(Debug, Clone)]
pub(crate) struct RequestId(pub(crate) String);

/// What a request is logged and counted under when its route has no template: put it into the extensions of the answer.
#[derive(Debug, Clone, Copy)]
pub(crate) struct RouteName(pub(crate) &'static str);

/// Routes that machines ask all the time.
const PROBES: [&str; 3] = ["/healthz", "/readyz", "/metrics"];

const REQUEST_ID: HeaderName = HeaderName::from_static("x-request-id");

/// Puts the layers around all routes.
pub(crate) fn around(router: Router, control: Arc<Control>) -> Router {
    router.layer(DefaultBodyLimit::max(BODY)).layer(from_fn_with_state(control, observed))
}

async fn observed(State(control): State<Arc<Control>>, mut request: Request, next: Next) -> Response {
    let begun = Instant::now();
    let id = match crate::ids::new("rq_") {
        Ok(id) => id,
        Err(error) => return ApiError::from(error).into_response(),
    };
    request.extensions_mut().insert(RequestId(id.clone()));
    let method = request.method().clone();
    let template = request.extensions().get::<MatchedPath>().map(|path| path.as_str().to_owned());
    let span = tracing::info_span!(
        "request",
        otel.kind = "server",
        http.request.method = %method,
        http.route = template.as_deref(),
        http.response.status_code = tracing::field::Empty,
        request_id = %id,
    );
    let answer = next.run(request).instrument(span.clone()).await;
    let answer = finished(answer, &id);
    let route = match (answer.extensions().get::<RouteName>(), &template) {
        (Some(RouteName(name)), _) => (*name).to_owned(),
        (None, Some(template)) => template.clone(),
        (None, None) => "(none)".to_owned(),
    };
    let (status, took) = (answer.status().as_u16(), begun.elapsed());
    span.record("http.response.status_code", status);
    control.metrics.answered(&method, &route, status, took);
    let ms = u64::try_from(took.as_millis()).unwrap_or(u64::MAX);
    // Beside the span, whose fields say the same. Probes come every few seconds; what is wrong is logged where it is found.
    if PROBES.contains(&route.as_str()) && status == 200 {
        tracing::debug!(parent: None, %method, route, status, ms, request_id = %id, "answered");
    } else {
        tracing::info!(parent: None, %method, route, status, ms, request_id = %id, "answered");
    }
    answer
}

/// The answer with the id of its request; a refusal gets its body here.
fn finished(mut answer: Response, id: &str) -> Response {
    if let Some(error) = answer.extensions_mut().remove::<ApiError>() {
        *answer.body_mut() = Body::from(error.body(id).to_string());
        let headers = answer.headers_mut();
        headers.insert(header::CONTENT_TYPE, HeaderValue::from_static("application/json"));
        headers.remove(header::CONTENT_LENGTH);
    }
    if let Ok(value) = HeaderValue::from_str(id) {
        answer.headers_mut().insert(REQUEST_ID, value);
    }
    answer
}
