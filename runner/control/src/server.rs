//! The listener: requests for twins go to their worlds, everything else to the router.

use std::convert::Infallible;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::{Duration, Instant};

use axum::Router;
use axum::body::Body;
use axum::extract::ConnectInfo;
use futures_util::FutureExt as _;
use http::{Request, Response};
use hyper::body::Incoming;
use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper_util::rt::{TokioIo, TokioTimer};
use tokio::net::{TcpListener, TcpStream};
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;
use tower::ServiceExt as _;

use crate::dataplane;
use crate::hosting::{Dispatched, Hosting};
use crate::observe::Metrics;

/// How long a client may take for the head of a request; also how long a connection may idle.
const HEAD_TIME: Duration = Duration::from_mins(2);
/// How long answers under way may take when the server stops.
pub(crate) const DRAIN: Duration = Duration::from_secs(5);

/// A listener that accepts connections until it is stopped.
#[derive(Debug)]
pub(crate) struct Front {
    stopping: CancellationToken,
    tasks: TaskTracker,
}

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

impl Front {
    pub(crate) fn start(listener: TcpListener, hosting: Hosting, metrics: Metrics, router: Router) -> Self {
        let front = Self { stopping: CancellationToken::new(), tasks: TaskTracker::new() };
        let doors = Arc::new(Doors { hosting, metrics, router });
        front.tasks.spawn(accept(listener, doors, front.stopping.clone(), front.tasks.clone()));
        front
    }

    /// Accepts nothing more and lets answers under way leave.
    pub(crate) async fn stop(&self) {
        self.stopping.cancel();
        self.tasks.close();
        // What is still busy then is closed with the runtime.
        let _ = tokio::time::timeout(DRAIN, self.tasks.wait()).await;
    }
}

impl Drop for Front {
    fn drop(&mut self) {
        self.stopping.cancel();
        self.tasks.close();
    }
}

async fn accept(listener: TcpListener, doors: Arc<Doors>, stopping: CancellationToken, tasks: TaskTracker) {
    let begin = |(stream, peer)| tasks.spawn(serve(stream, peer, Arc::clone(&doors), stopping.clone()));
    loop {
        let accepted = tokio::select! {
            () = stopping.cancelled() => break,
            accepted = listener.accept() => accepted,
        };
        match accepted {
            Ok(connection) => {
                begin(connection);
            }
            // Out of descriptors, or the client is gone already: others may still be served.
            Err(_) => tokio::time::sleep(Duration::from_millis(5)).await,
        }
    }
    // Connections that the system has taken for this server: their clients have sent requests.
    while let Some(Ok(connection)) = listener.accept().now_or_never() {
        begin(connection);
    }
}

async fn serve(stream: TcpStream, peer: SocketAddr, doors: Arc<Doors>, stopping: CancellationToken) {
    // Small answers must not wait for more data to fill a segment.
    let _ = stream.set_nodelay(true);
    let service = service_fn(move |request| {
        let doors = Arc::clone(&doors);
        async move { answer(&doors, peer, request).await }
    });
    let connection = http1::Builder::new()
        .timer(TokioTimer::new())
        .header_read_timeout(HEAD_TIME)
        .pipeline_flush(true)
        .serve_connection(TokioIo::new(stream), service);
    let mut connection = std::pin::pin!(connection);
    tokio::select! {
        // What a broken connection says is of no use to anybody: its client is gone.
        _ = connection.as_mut() => {}
        () = stopping.cancelled() => {
            connection.as_mut().graceful_shutdown();
            let _ = connection.await;
        }
    }
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
