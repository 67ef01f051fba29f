//! What a guest may call: the time of its session, its random stream, a line for the log. And the bounds that the engine asks
//! about while a guest runs.

use std::fmt;

use wasmtime::ResourceLimiter;

/// 2026-01-01T00:00:00Z, where the clock of every world starts unless told otherwise.
pub const DEFAULT_CLOCK: u64 = 1_767_225_600_000;

/// How far the clock moves after a call that changed the state.
pub(crate) const STEP_MS: u64 = 1000;

/// A log line is cut after so many bytes.
const LONGEST_LINE: usize = 4096;

/// The random stream of a world: `SplitMix64` (Steele, Lea and Flood, 2014), started at the recorded random seed.
///
/// Each draw adds `0x9e3779b97f4a7c15` to the state and mixes the sum:
/// `z = (z ^ z >> 30) * 0xbf58476d1ce4e5b9; z = (z ^ z >> 27) * 0x94d049bb133111eb; z ^ z >> 31`, all modulo 2^64.
/// It is written down here because a recorded run has to draw the same numbers in every later version and embedder.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Stream(u64);

impl Stream {
    pub(crate) fn new(seed: u64) -> Self {
        Self(seed)
    }

    pub(crate) fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        z ^ (z >> 31)
    }
}

/// The part of a world that lives outside its linear memory. It travels with an image.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Senses {
    pub(crate) clock: u64,
    pub(crate) random: Stream,
}

impl Senses {
    pub(crate) fn new(clock: u64, random_seed: u64) -> Self {
        Self { clock, random: Stream::new(random_seed) }
    }
}

/// How loud a log line of a guest is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum LogLevel {
    /// For the author of the twin.
    Debug,
    /// Worth knowing.
    Info,
    /// Suspicious.
    Warn,
    /// Wrong; also what a panic says before it traps.
    Error,
}

/// What the engine keeps beside an instance.
#[derive(Debug)]
pub(crate) struct Host {
    pub(crate) senses: Senses,
    /// Whether the guest has looked at the clock or drawn a random number since it was made.
    pub(crate) saw_clock: bool,
    pub(crate) drew_random: bool,
    /// The last error line of the current call, for the message of a trap that follows it.
    pub(crate) last_error: Option<String>,
    pub(crate) bounds: Bounds,
}

impl Host {
    pub(crate) fn new(senses: Senses, memory: usize) -> Self {
        Self { senses, saw_clock: false, drew_random: false, last_error: None, bounds: Bounds::new(memory) }
    }

    pub(crate) fn now(&mut self) -> u64 {
        self.saw_clock = true;
        self.senses.clock
    }

    pub(crate) fn next_random(&mut self) -> u64 {
        self.drew_random = true;
        self.senses.random.next()
    }

    pub(crate) fn log(&mut self, level: LogLevel, mut message: String) {
        if level == LogLevel::Error {
            let mut end = message.len().min(LONGEST_LINE);
            while !message.is_char_boundary(end) {
                end -= 1;
            }
            message.truncate(end);
            self.last_error = Some(message);
        }
    }
}

/// Counts the memory of one instance. Asking for more than is allowed ends the guest at once: that is the same on every machine,
/// whereas a failed allocation is handled by each guest in its own way.
#[derive(Debug)]
pub(crate) struct Bounds {
    memory: usize,
    pub(crate) used: usize,
}

impl Bounds {
    pub(crate) fn new(memory: usize) -> Self {
        Self { memory, used: 0 }
    }
}

/// Elements that all tables of an instance may have; a table element takes a pointer of host memory.
const TABLE_ELEMENTS: usize = 1 << 20;

/// The guest wanted more memory than it may have.
#[derive(Debug)]
pub(crate) struct OutOfMemory {
    pub(crate) wanted: usize,
    pub(crate) allowed: usize,
}

impl fmt::Display for OutOfMemory {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "wanted {} bytes of memory, may have {}", self.wanted, self.allowed)
    }
}

impl std::error::Error for OutOfMemory {}

impl ResourceLimiter for Bounds {
    fn memory_growing(&mut self, current: usize, desired: usize, _maximum: Option<usize>) -> wasmtime::Result<bool> {
        let wanted = self.used.saturating_add(desired.saturating_sub(current));
        if wanted > self.memory {
            return Err(OutOfMemory { wanted, allowed: self.memory }.into());
        }
        self.used = wanted;
        Ok(true)
    }

    fn table_growing(&mut self, _current: usize, desired: usize, _maximum: Option<usize>) -> wasmtime::Result<bool> {
        if desired > TABLE_ELEMENTS {
            return Err(OutOfMemory {
                wanted: desired * size_of::<usize>(),
                allowed: TABLE_ELEMENTS * size_of::<usize>(),
            }
            .into());
        }
        Ok(true)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_random_stream_is_the_published_one() {
        let mut stream = Stream::new(0);
        assert_eq!(stream.next(), 0xe220_a839_7b1d_cdaf);
        assert_eq!(stream.next(), 0x6e78_9e6a_a1b9_65f4);
        assert_eq!(stream.next(), 0x06c4_5d18_8009_454f);
    }

    #[test]
    fn the_default_clock_is_the_first_instant_of_2026() {
        // Days from 1970 to 2026: 56 years, 14 of them leap years.
        assert_eq!(DEFAULT_CLOCK, (56 * 365 + 14) * 24 * 60 * 60 * 1000);
    }
}
