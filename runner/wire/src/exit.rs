//! The exit codes of the program.

use std::process::ExitCode;

/// How an invocation of `pome` ended. The order is the order of the numbers, so the worst of several is their maximum.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Default)]
#[repr(u8)]
pub enum Exit {
    /// Everything asked for succeeded; for a run: every scenario met its threshold and was fully evaluated.
    #[default]
    Passed = 0,
    /// A scenario below its threshold or incomplete, or a check that found something.
    BelowThreshold = 1,
    /// A twin, an agent, the network or a file of a run failed.
    Orchestrator = 2,
    /// Credentials are missing, refused or unsafe.
    Auth = 3,
    /// A quota of the control plane is used up.
    Quota = 4,
    /// Bad flags, missing files, malformed scenarios or project files.
    Usage = 5,
    /// Ended by SIGINT, after cleaning up.
    Interrupted = 130,
    /// Ended by SIGTERM, after cleaning up.
    Terminated = 143,
}

impl Exit {
    /// The number that the process exits with.
    pub const fn code(self) -> u8 {
        self as u8
    }

    /// The numerically larger of two.
    #[must_use]
    pub fn worst(self, other: Self) -> Self {
        self.max(other)
    }

    /// The exit for an HTTP answer of a control plane that is not a success.
    pub const fn of_http_status(status: u16) -> Self {
        match status {
            401 | 403 => Self::Auth,
            402 | 429 => Self::Quota,
            _ => Self::Orchestrator,
        }
    }
}

impl From<Exit> for ExitCode {
    fn from(exit: Exit) -> Self {
        Self::from(exit.code())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_worst_exit_is_the_numeric_maximum() {
        let all = [Exit::BelowThreshold, Exit::Usage, Exit::Orchestrator];
        assert_eq!(all.into_iter().fold(Exit::Passed, Exit::worst), Exit::Usage);
        assert_eq!(Exit::Usage.code(), 5);
    }

    #[test]
    fn http_statuses_map_to_exits() {
        let statuses = [401, 403, 402, 429, 500, 404].map(Exit::of_http_status);
        assert_eq!(
            statuses,
            [Exit::Auth, Exit::Auth, Exit::Quota, Exit::Quota, Exit::Orchestrator, Exit::Orchestrator]
        );
    }
}
