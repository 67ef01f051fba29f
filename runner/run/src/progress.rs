//! What a run tells while it goes on. The command line prints it; tests collect it.

use std::path::Path;
use std::time::Duration;

use crate::report::{GroupReport, RunReport};

/// Receives what happens, from several runs at once when `--jobs` allows it.
pub trait Progress: Send + Sync {
    /// Something happened. Must not block for long.
    fn tell(&self, news: News<'_>);
}

/// Says nothing.
#[derive(Debug, Clone, Copy, Default)]
pub struct Silent;

impl Progress for Silent {
    fn tell(&self, _news: News<'_>) {}
}

/// One piece of news.
#[derive(Debug)]
#[non_exhaustive]
pub enum News<'a> {
    /// A trial begins.
    Started {
        /// Slug.
        scenario: &'a str,
        /// Title.
        title: &'a str,
        /// 1-based.
        trial: u32,
        /// How many trials this scenario has.
        trials: u32,
        /// Its folder.
        run_dir: &'a Path,
    },
    /// A step of a trial begins; for `--verbose`.
    Step {
        /// Slug.
        scenario: &'a str,
        /// 1-based.
        trial: u32,
        /// What is done now: a lower-case fragment.
        step: &'a str,
        /// Since the start of the trial.
        elapsed: Duration,
    },
    /// The next row in report order is final. Rows come in scenario order whatever `--jobs` is.
    Finished(&'a RunReport),
    /// All trials of a repeated scenario are final; comes after their `Finished`.
    Group {
        /// The numbers.
        group: &'a GroupReport,
        /// The trials, in order.
        trials: &'a [RunReport],
    },
    /// A line for the person: a warning that belongs to no single run.
    Warning(&'a str),
}
