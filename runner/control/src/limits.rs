//! How much is too much: requests of a key, attempts to sign in, and sessions by plan.

use std::net::IpAddr;
use std::num::NonZeroU32;

use governor::clock::{Clock as _, DefaultClock};
use governor::{DefaultKeyedRateLimiter, Quota, RateLimiter};

use crate::api::ApiError;

/// Requests that a key may make in a second, and at once after a pause.
const PER_SECOND: NonZeroU32 = nonzero(20);
const BURST: NonZeroU32 = nonzero(60);

/// Attempts to sign in that an address may make in a minute.
const ATTEMPTS: NonZeroU32 = nonzero(10);

const fn nonzero(number: u32) -> NonZeroU32 {
    match NonZeroU32::new(number) {
        Some(number) => number,
        None => NonZeroU32::MIN,
    }
}

/// The limits of this process. Several hosts count each for themselves.
pub(crate) struct Limits {
    keys: DefaultKeyedRateLimiter<String>,
    logins: DefaultKeyedRateLimiter<IpAddr>,
}

impl std::fmt::Debug for Limits {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Limits").finish_non_exhaustive()
    }
}

impl Limits {
    pub(crate) fn new() -> Self {
        Self {
            keys: RateLimiter::keyed(Quota::per_second(PER_SECOND).allow_burst(BURST)),
            logins: RateLimiter::keyed(Quota::per_minute(ATTEMPTS)),
        }
    }

    /// Counts a request of a key.
    pub(crate) fn request(&self, key: &str) -> Result<(), ApiError> {
        self.keys.check_key(&key.to_owned()).map_err(|refused| too_many(&refused))
    }

    /// Counts an attempt to sign in.
    pub(crate) fn login(&self, address: IpAddr) -> Result<(), ApiError> {
        self.logins.check_key(&address).map_err(|refused| too_many(&refused))
    }

    /// Forgets who has not been seen for a while.
    pub(crate) fn sweep(&self) {
        self.keys.retain_recent();
        self.logins.retain_recent();
    }
}

fn too_many<P: governor::clock::Reference>(refused: &governor::NotUntil<P>) -> ApiError
where
    DefaultClock: governor::clock::Clock<Instant = P>,
{
    let wait = refused.wait_time_from(DefaultClock::default().now());
    ApiError::too_many(wait.as_secs() + u64::from(wait.subsec_nanos() > 0))
}

/// The plans that a team can have.
pub(crate) const PLANS: [&str; 6] = ["free", "hobby", "pro", "team", "self_host_annual", "enterprise"];

/// Most active sessions of a team: its own limit, else that of its plan.
pub(crate) fn sessions(plan: &str, own: Option<i64>, server: u32) -> i64 {
    let server = i64::from(server);
    own.unwrap_or(match plan {
        "free" => server.min(3),
        "hobby" => server.min(5),
        "pro" => server.min(20),
        "team" => server.min(50),
        _ => server,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_burst_is_allowed_and_what_comes_after_it_has_to_wait() {
        let limits = Limits::new();
        let refused = (0..200).filter(|_| limits.request("pme_a").is_err()).count();
        // A slow machine may have earned some more meanwhile, but never as many as the burst.
        assert!((81..=140).contains(&refused), "{refused}");
        assert_eq!(limits.request("pme_a").unwrap_err().retry_after, Some(1));
        assert!(limits.request("pme_b").is_ok());
    }

    #[test]
    fn ten_attempts_to_sign_in_are_enough() {
        let limits = Limits::new();
        let address = IpAddr::from([10, 0, 0, 1]);
        let refused = (0..12).filter(|_| limits.login(address).is_err()).count();
        assert!((1..=2).contains(&refused), "{refused}");
        assert!(limits.login(address).unwrap_err().retry_after.unwrap() <= 7);
    }

    #[test]
    fn the_limit_of_the_team_goes_before_that_of_its_plan() {
        assert_eq!(sessions("free", None, 50), 3);
        assert_eq!(sessions("free", Some(9), 50), 9);
        assert_eq!(sessions("self_host_annual", None, 50), 50);
        assert_eq!(sessions("team", None, 10), 10);
    }
}
