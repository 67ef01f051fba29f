//! The proxy as a process of its own, writing its rows to files.

use std::fs::{File, OpenOptions};
use std::io::{self, Write};
use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError};

use crate::egress::{EgressPolicy, Target};
use crate::exchange::Exchange;
use crate::proxy::{Proxy, Sink};
use crate::tunnel::{Refusal, Tunnel};

/// What `pome capture-server` was asked for.
#[derive(Debug, Clone)]
pub struct ServeOptions {
    /// Gets one `LlmCallEvent` per tunnel.
    pub events_out: PathBuf,
    /// Gets one `EgressRefusedEvent` per refusal; created on the first one.
    pub egress_out: Option<PathBuf>,
    /// 0 for any.
    pub port: u16,
    /// What may be reached.
    pub policy: EgressPolicy,
    /// Places that are piped without a row.
    pub unrecorded: Vec<Target>,
}

/// Serves until `stop` is ready, then closes open tunnels and writes their rows. `listening` is told the address once it is known.
pub async fn serve(
    options: ServeOptions,
    listening: impl FnOnce(SocketAddr),
    stop: impl Future<Output = ()>,
) -> io::Result<()> {
    let sink = Arc::new(Files {
        events: Mutex::new(append(&options.events_out)?),
        egress: options.egress_out.map(|path| Mutex::new(LazyFile { path, file: None })),
        failure: Mutex::new(None),
    });
    let proxy = Proxy::start(options.policy, None, Arc::clone(&sink) as Arc<dyn Sink>, options.port).await?;
    for target in options.unrecorded {
        proxy.leave_unrecorded(target);
    }
    listening(proxy.address());
    stop.await;
    let complete = proxy.stop().await;
    if let Some(error) = sink.failure.lock().unwrap_or_else(PoisonError::into_inner).take() {
        return Err(error);
    }
    if complete { Ok(()) } else { Err(io::Error::new(io::ErrorKind::TimedOut, "open tunnels did not end in time")) }
}

struct LazyFile {
    path: PathBuf,
    file: Option<File>,
}

struct Files {
    events: Mutex<File>,
    egress: Option<Mutex<LazyFile>>,
    /// The first write that failed, told at the end.
    failure: Mutex<Option<io::Error>>,
}

impl Files {
    fn keep(&self, result: io::Result<()>) {
        if let Err(error) = result {
            self.failure.lock().unwrap_or_else(PoisonError::into_inner).get_or_insert(error);
        }
    }
}

impl Sink for Files {
    fn tunnel_closed(&self, tunnel: Tunnel) {
        let line = line(&tunnel.event());
        self.keep(line.and_then(|line| self.events.lock().unwrap_or_else(PoisonError::into_inner).write_all(&line)));
    }

    fn refused(&self, refusal: Refusal) {
        let Some(egress) = &self.egress else { return };
        let mut lazy = egress.lock().unwrap_or_else(PoisonError::into_inner);
        self.keep(line(&refusal.event()).and_then(|line| lazy.write(&line)));
    }

    // Nothing is decrypted here.
    fn exchanged(&self, _: Exchange) {}
    fn untrusted(&self, _: Target, _: String) {}
}

impl LazyFile {
    fn write(&mut self, line: &[u8]) -> io::Result<()> {
        let file = match &mut self.file {
            Some(file) => file,
            None => self.file.insert(append(&self.path)?),
        };
        file.write_all(line)
    }
}

fn append(path: &Path) -> io::Result<File> {
    OpenOptions::new().create(true).append(true).open(path)
}

fn line(row: &impl serde::Serialize) -> io::Result<Vec<u8>> {
    let mut line = serde_json::to_vec(row)?;
    line.push(b'\n');
    Ok(line)
}
