//! The listener: requests for twins go to their worlds, everything else to the router.

use std::convert::Infallible;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::{Duration, Instant};

use axum::Router;
use axum::body::Body;
use axum::extract::ConnectInfo;
use http::{Request, Response};
use hyper::body::Incoming;
use pome_gateway::{Bounds, Front};
use tokio::net::TcpListener;
use tower::ServiceExt as _;

use crate::dataplane;
use crate::hosting::{Dispatched, Hosting};
use crate::observe::Metrics;

/// How long connections may take. How many there may be is for the system to say.
const BOUNDS: Bounds =
    Bounds { head_time: Duration::from_mins(2), drain_time: Duration::from_secs(5), connections: None };

/// The connection is closed without an answer, as an injected fault wants it.
#[derive(Debug, thiserror::Error)]
#[error("the connection is closed on purpose")]
struct Closed;

#[derive(Debug, Clone)]
struct Doors {
    hosting: Hosting,
    metrics: Metrics,
    router: Router,
}

/// What requests for twins are counted under.
const TWIN_ROUTE: &str = "/{twin}/{session}/*";

/// Accepts connections until it is stopped.
pub(crate) fn start(listener: TcpListener, hosting: Hosting, metrics: Metrics, router: Router) -> Front {
    let doors = Arc::new(Doors { hosting, metrics, router });
    Front::start(listener, BOUNDS, move |peer, request| {
        let doors = Arc::clone(&doors);
        async move { answer(&doors, peer, request).await }
    })
}

async fn answer(doors: &Doors, peer: SocketAddr, request: Request<Incoming>) -> Result<Response<Body>, Closed> {
    if dataplane::target(&doors.hosting, request.uri().path()).is_some() {
        let (begun, method) = (Instant::now(), request.method().clone());
        return match dataplane::answer(&doors.hosting, request).await {
            Dispatched::Answer(answer) => {
                let (status, took) = (answer.status().as_u16(), begun.elapsed());
                doors.metrics.answered(&method, TWIN_ROUTE, status, took);
                tracing::debug!(%method, route = TWIN_ROUTE, status, ms = took.as_millis(), "answered");
                Ok(answer)
            }
            Dispatched::Close => Err(Closed),
        };
    }
    let mut request = request.map(Body::new);
    request.extensions_mut().insert(ConnectInfo(peer));
    let answered: Result<_, Infallible> = doors.router.clone().oneshot(request).await;
    Ok(match answered {
        Ok(answer) => answer,
        Err(never) => match never {},
    })
}
