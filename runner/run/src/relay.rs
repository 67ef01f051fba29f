//! Connections out of a network that has no way out: accepted there, answered by what listens on the same port here.

use std::io;
use std::net::{Ipv4Addr, TcpListener as Listener};
use std::sync::Arc;
use std::time::Duration;

use tokio::io::copy_bidirectional;
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::Semaphore;
use tokio::task::JoinSet;

/// Connections side by side for each port. Further ones wait, so that an agent cannot use up the runner's descriptors.
const MOST: usize = 256;
/// Before accepting is tried again when the system has no descriptors left.
const PAUSE: Duration = Duration::from_millis(50);

/// Answers listeners until it is dropped.
#[derive(Debug, Default)]
pub(crate) struct Relays {
    /// Ends its tasks with itself.
    _tasks: JoinSet<()>,
}

impl Relays {
    /// `ports` are those of this machine, in the order of the listeners.
    pub(crate) fn start(listeners: Vec<Listener>, ports: &[u16]) -> io::Result<Self> {
        let mut tasks = JoinSet::new();
        for (listener, &port) in listeners.into_iter().zip(ports) {
            tasks.spawn(serve(TcpListener::from_std(listener)?, port));
        }
        Ok(Self { _tasks: tasks })
    }
}

async fn serve(listener: TcpListener, port: u16) {
    let room = Arc::new(Semaphore::new(MOST));
    let mut open = JoinSet::new();
    loop {
        while open.try_join_next().is_some() {}
        let Ok(place) = Arc::clone(&room).acquire_owned().await else { return };
        match listener.accept().await {
            Ok((from, _)) => {
                open.spawn(async move {
                    relay(from, port).await;
                    drop(place);
                });
            }
            Err(_) => tokio::time::sleep(PAUSE).await,
        }
    }
}

/// Either end may break off; the other one then sees the end of the stream.
async fn relay(mut from: TcpStream, port: u16) {
    let Ok(mut to) = TcpStream::connect((Ipv4Addr::LOCALHOST, port)).await else { return };
    let _ = (from.set_nodelay(true), to.set_nodelay(true));
    let _ = copy_bidirectional(&mut from, &mut to).await;
}
