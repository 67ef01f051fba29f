//! Time, so that tests need not wait for it.

use std::fmt::Debug;
use std::time::{Duration, Instant, SystemTime};

/// What waiting and limits are measured with.
pub trait Clock: Debug + Send + Sync {
    /// Time since some moment; never goes back.
    fn elapsed(&self) -> Duration;
    /// The date.
    fn date(&self) -> SystemTime;
    /// Lets time pass.
    fn sleep(&self, duration: Duration);
}

/// The clock of the machine.
#[derive(Debug, Clone, Copy)]
pub struct SystemClock(Instant);

impl SystemClock {
    /// Starts now.
    #[expect(clippy::new_without_default, reason = "it says when it starts")]
    pub fn new() -> Self {
        Self(Instant::now())
    }
}

impl Clock for SystemClock {
    fn elapsed(&self) -> Duration {
        self.0.elapsed()
    }

    fn date(&self) -> SystemTime {
        SystemTime::now()
    }

    fn sleep(&self, duration: Duration) {
        std::thread::sleep(duration);
    }
}
