//! The loop that accepts connections and serves them, until it is told to stop.

use std::error::Error;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use futures_util::FutureExt as _;
use http::{Request, Response};
use hyper::body::{Body, Incoming};
use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper_util::rt::{TokioIo, TokioTimer};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::Semaphore;
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;

/// What is between two tries to accept a connection where the first one failed.
const BREATH: Duration = Duration::from_millis(5);

/// Bounds on connections.
#[derive(Debug, Clone, Copy)]
pub struct Bounds {
    /// How long a client may take for the head of a request; also how long a connection may idle between requests.
    pub head_time: Duration,
    /// How long [`Front::stop`] waits for answers that are under way.
    pub drain_time: Duration,
    /// Most connections at a time; further ones wait. Absent: as many as come.
    pub connections: Option<usize>,
}

/// A listener that is served. Dropping it stops it too, without waiting for answers as [`Front::stop`] does.
#[derive(Debug)]
pub struct Front {
    stopping: CancellationToken,
    tasks: TaskTracker,
    drain_time: Duration,
}

impl Front {
    /// Accepts connections and answers their requests. An answer that fails closes its connection.
    pub fn start<A, F, B, E>(listener: TcpListener, bounds: Bounds, answer: A) -> Self
    where
        A: Fn(SocketAddr, Request<Incoming>) -> F + Clone + Send + Sync + 'static,
        F: Future<Output = Result<Response<B>, E>> + Send + 'static,
        B: Body + Send + 'static,
        B::Data: Send,
        B::Error: Into<Box<dyn Error + Send + Sync>>,
        E: Into<Box<dyn Error + Send + Sync>> + 'static,
    {
        let front =
            Self { stopping: CancellationToken::new(), tasks: TaskTracker::new(), drain_time: bounds.drain_time };
        let stopping = front.stopping.clone();
        let serve = move |stream, peer| {
            let answer = answer.clone();
            serve(stream, bounds.head_time, move |request| answer(peer, request), stopping.clone())
        };
        let (stopping, tasks) = (front.stopping.clone(), front.tasks.clone());
        front.tasks.spawn(accept(listener, bounds.connections, serve, stopping, tasks));
        front
    }

    /// Does something else until it stops.
    pub fn beside(&self, task: impl Future<Output = ()> + Send + 'static) {
        self.tasks.spawn(self.stopping.clone().run_until_cancelled_owned(task));
    }

    /// Accepts nothing more and lets answers that are under way leave.
    pub async fn stop(&self) {
        self.close();
        // Connections that are still busy after that are closed with the runtime's tasks.
        let _ = tokio::time::timeout(self.drain_time, self.tasks.wait()).await;
    }

    fn close(&self) {
        self.stopping.cancel();
        self.tasks.close();
    }
}

impl Drop for Front {
    fn drop(&mut self) {
        self.close();
    }
}

async fn accept<F>(
    listener: TcpListener,
    most: Option<usize>,
    serve: impl Fn(TcpStream, SocketAddr) -> F,
    stopping: CancellationToken,
    tasks: TaskTracker,
) where
    F: Future<Output = ()> + Send + 'static,
{
    let room = Arc::new(Semaphore::new(most.unwrap_or(Semaphore::MAX_PERMITS)));
    let begin = |place, (stream, peer)| {
        let served = serve(stream, peer);
        tasks.spawn(async move {
            let _place = place;
            served.await;
        });
    };
    loop {
        let accepted = async {
            let place = Arc::clone(&room).acquire_owned().await;
            (place, listener.accept().await)
        };
        let (place, accepted) = tokio::select! {
            () = stopping.cancelled() => break,
            accepted = accepted => accepted,
        };
        match accepted {
            Ok(connection) => begin(place, connection),
            // Out of descriptors, or the client is gone already: others may still be served.
            Err(_) => tokio::time::sleep(BREATH).await,
        }
    }
    // Connections that the system has taken for this listener: their clients have sent requests.
    while let Ok(place) = Arc::clone(&room).try_acquire_owned()
        && let Some(Ok(connection)) = listener.accept().now_or_never()
    {
        begin(Ok(place), connection);
    }
}

async fn serve<A, F, B, E>(stream: TcpStream, head_time: Duration, answer: A, stopping: CancellationToken)
where
    A: Fn(Request<Incoming>) -> F,
    F: Future<Output = Result<Response<B>, E>>,
    B: Body + 'static,
    B::Error: Into<Box<dyn Error + Send + Sync>>,
    E: Into<Box<dyn Error + Send + Sync>> + 'static,
{
    // Small answers must not wait for more data to fill a segment.
    let _ = stream.set_nodelay(true);
    let connection = http1::Builder::new()
        .timer(TokioTimer::new())
        .header_read_timeout(head_time)
        .pipeline_flush(true)
        .serve_connection(TokioIo::new(stream), service_fn(answer));
    let mut connection = std::pin::pin!(connection);
    // What a broken connection says is of no use to anybody: its client is gone.
    tokio::select! {
        _ = connection.as_mut() => {}
        () = stopping.cancelled() => {
            connection.as_mut().graceful_shutdown();
            let _ = connection.await;
        }
    }
}
