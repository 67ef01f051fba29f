//! What a guest may use, with the defaults and the reason for each.

use std::time::Duration;

/// Bounds on a guest. Everything is per world or per call; nothing is shared between worlds.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Limits {
    /// Wall-clock bound of one call into a world. Calls take microseconds; five seconds mean an endless loop.
    pub deadline: Duration,
    /// Bound on all linear memory of one world, in bytes. A world of 50 000 issues needs about 150 MiB; one GiB leaves room and
    /// still protects a machine with many worlds.
    pub memory: usize,
    /// Bound on what one call may hand out, in bytes. Larger answers are a fault of the twin.
    pub answer: usize,
    /// The same bound for an export of the state: a world of 50 000 issues has some 100 MiB of JSON.
    pub state: usize,
    /// Instructions (fuel units) that judging one criterion may use. The count is deterministic, so the outcome is as well.
    pub judge_fuel: u64,
    /// Wall-clock bound of judging one criterion, far above what `judge_fuel` allows on any machine.
    pub judge_deadline: Duration,
    /// Bound on the bytes of all cached seed images of one component.
    pub seed_images: usize,
    /// Where compiled components from elsewhere are kept. `None` compiles them again in every process.
    pub cache: Cache,
}

/// Where the code of components that were not built in is kept between processes.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Cache {
    /// The compiler's default folder below the user's cache folder; when that cannot be used, nothing is kept.
    Default,
    /// This folder; when it cannot be used, nothing is kept.
    Folder(std::path::PathBuf),
    /// Nothing is kept.
    Off,
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            deadline: Duration::from_secs(5),
            memory: 1 << 30,
            answer: 64 << 20,
            state: 512 << 20,
            judge_fuel: 20_000_000_000,
            judge_deadline: Duration::from_mins(5),
            seed_images: 256 << 20,
            cache: Cache::Default,
        }
    }
}
