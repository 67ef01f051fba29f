//! SIGINT and SIGTERM: the first one ends what runs in order, the second one ends the process at once.

use std::io;

use tokio::signal::unix::{SignalKind, signal};
use tokio::sync::watch;

/// The signal that asked the runner to stop.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Cause {
    /// Ctrl-C.
    Interrupt,
    /// `kill`.
    Terminate,
}

impl Cause {
    /// The exit code that tells a caller about it.
    pub fn exit_code(self) -> i32 {
        match self {
            Self::Interrupt => 130,
            Self::Terminate => 143,
        }
    }
}

/// Tells everybody who holds a copy that the runner was asked to stop.
#[derive(Debug, Clone)]
pub struct Interrupt(watch::Receiver<Option<Cause>>);

impl Interrupt {
    /// Listens for SIGINT and SIGTERM from now on. Call inside the runtime, once per process: the second signal ends the process
    /// with the code of that signal, without cleaning up more than what agents were to trust.
    pub fn install() -> io::Result<Self> {
        let mut interrupts = signal(SignalKind::interrupt())?;
        let mut terminations = signal(SignalKind::terminate())?;
        let (sender, receiver) = watch::channel(None);
        tokio::spawn(async move {
            loop {
                let cause = tokio::select! {
                    Some(()) = interrupts.recv() => Cause::Interrupt,
                    Some(()) = terminations.recv() => Cause::Terminate,
                    else => return,
                };
                if sender.borrow().is_some() {
                    leave_at_once(cause);
                }
                sender.send_replace(Some(cause));
            }
        });
        Ok(Self(receiver))
    }

    /// One that is never raised by a signal, with the means to raise it: for embedding and for tests.
    pub fn manual() -> (watch::Sender<Option<Cause>>, Self) {
        let (sender, receiver) = watch::channel(None);
        (sender, Self(receiver))
    }

    /// The cause if it has happened.
    pub fn raised(&self) -> Option<Cause> {
        *self.0.borrow()
    }

    /// Waits until it happens; for ever if it never does.
    pub async fn wait(&self) -> Cause {
        let mut receiver = self.0.clone();
        loop {
            if let Some(cause) = *receiver.borrow_and_update() {
                return cause;
            }
            if receiver.changed().await.is_err() {
                std::future::pending::<()>().await;
            }
        }
    }
}

#[expect(clippy::exit, reason = "the second signal means now: no destructor may delay it")]
fn leave_at_once(cause: Cause) -> ! {
    crate::trust::remove_all();
    std::process::exit(cause.exit_code())
}
