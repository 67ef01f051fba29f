//! A body that is passed on piece by piece, with a copy for a reader beside it and a note of when it ended.
//!
//! The copy is an unbounded queue of counted references: passing a piece on never waits for the reader.

use std::pin::Pin;
use std::sync::{Arc, OnceLock};
use std::task::{Context, Poll, ready};
use std::time::{Duration, Instant, SystemTime};

use bytes::Bytes;
use hyper::body::{Body, Frame, Incoming, SizeHint};
use tokio::sync::mpsc::{UnboundedReceiver, UnboundedSender, unbounded_channel};

use crate::stream::Counts;

/// Most bytes of one body that are copied. What is longer is passed on unread.
const MOST_COPIED: u64 = 32 << 20;

/// How an exchange went in time and bytes.
#[derive(Debug)]
pub(crate) struct Clock {
    began: Instant,
    counts: Arc<Counts>,
    first: OnceLock<Duration>,
    end: OnceLock<End>,
}

/// The end of an answer.
#[derive(Debug, Clone, Copy)]
pub(crate) struct End {
    pub(crate) at: SystemTime,
    pub(crate) latency: Duration,
    /// Read, written on the whole connection until then.
    pub(crate) bytes: (u64, u64),
}

impl Clock {
    pub(crate) fn start(counts: Arc<Counts>) -> Self {
        Self { began: Instant::now(), counts, first: OnceLock::new(), end: OnceLock::new() }
    }

    /// When the answer's first piece was there.
    pub(crate) fn first(&self) -> Option<Duration> {
        self.first.get().copied()
    }

    /// The end, which is now unless it is over already.
    pub(crate) fn end(&self) -> End {
        *self.end.get_or_init(|| End { at: SystemTime::now(), latency: self.began.elapsed(), bytes: self.counts.now() })
    }

    fn piece(&self) {
        self.first.get_or_init(|| self.began.elapsed());
    }
}

/// A body under way.
#[derive(Debug)]
pub(crate) struct Watched {
    inner: Incoming,
    /// Closed when the body has ended, however it did.
    copy: Option<UnboundedSender<Bytes>>,
    /// How much may still be copied.
    left: u64,
    clock: Option<Arc<Clock>>,
}

impl Watched {
    /// `copied`: whether the pieces reach the receiver; its end is told either way. `clock` is stopped at the end.
    pub(crate) fn new(inner: Incoming, copied: bool, clock: Option<Arc<Clock>>) -> (Self, UnboundedReceiver<Bytes>) {
        let (sender, receiver) = unbounded_channel();
        let left = if copied { MOST_COPIED } else { 0 };
        (Self { inner, copy: Some(sender), left, clock }, receiver)
    }

    fn piece(&mut self, piece: &Bytes) {
        if let Some(clock) = &self.clock {
            clock.piece();
        }
        self.left = self.left.saturating_sub(piece.len() as u64);
        if let Some(copy) = self.copy.as_ref().filter(|_| self.left > 0) {
            // A reader that has seen enough is gone.
            let _ = copy.send(piece.clone());
        }
    }

    fn finish(&mut self) {
        if let Some(clock) = self.clock.take() {
            clock.end();
        }
        self.copy = None;
    }
}

impl Body for Watched {
    type Data = Bytes;
    type Error = hyper::Error;

    fn poll_frame(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<Result<Frame<Bytes>, hyper::Error>>> {
        let this = self.get_mut();
        let frame = ready!(Pin::new(&mut this.inner).poll_frame(cx));
        match &frame {
            Some(Ok(frame)) => {
                if let Some(piece) = frame.data_ref() {
                    this.piece(piece);
                }
            }
            Some(Err(_)) | None => this.finish(),
        }
        Poll::Ready(frame)
    }

    fn is_end_stream(&self) -> bool {
        self.inner.is_end_stream()
    }

    fn size_hint(&self) -> SizeHint {
        self.inner.size_hint()
    }
}

impl Drop for Watched {
    fn drop(&mut self) {
        self.finish();
    }
}
