//! `pome version`: the version, and a line about a newer one.

use std::fs;
use std::path::Path;

use pome_hosted::{credentials, latest_version};
use pome_wire::{Exit, env, time};
use serde::{Deserialize, Serialize};

use crate::context::Context;
use crate::plane;

const OWN: &str = env!("CARGO_PKG_VERSION");
/// How long an answer counts.
const DAY: i64 = 86_400_000;

pub(crate) fn run(cx: &Context) -> Exit {
    cx.console.result(OWN);
    if let Some(newer) = newest(cx).filter(|newest| is_newer(newest, OWN)) {
        cx.console.result(&format!("{newer} is available: get it the way you got this one"));
    }
    Exit::Passed
}

/// `~/.pome/update-check.json`
#[derive(Debug, Serialize, Deserialize)]
struct Check {
    version: String,
    checked_at: String,
    /// Who said so.
    api_url: String,
}

/// The newest version that is known of. Nothing is ever wrong with this: without an answer there is no second line.
fn newest(cx: &Context) -> Option<String> {
    if cx.environment.is_set(env::CI) || cx.environment.is_on(env::NO_UPDATE_CHECK) {
        return None;
    }
    let stored = plane::stored(cx).and_then(|stored| stored.api_url);
    let base = plane::api(cx, stored.as_deref()).ok()?;
    let cache = cx.environment.home().map(|home| home.join(".pome").join("update-check.json"));
    if let Some(version) = cache.as_ref().and_then(|cache| remembered(cache, &base.to_string())) {
        return Some(version);
    }
    let version = latest_version(base.clone()).ok()?;
    numbers(&version)?;
    if let (Some(home), Some(cache)) = (cx.environment.home(), cache) {
        let check = Check { version: version.clone(), checked_at: time::now(), api_url: base.to_string() };
        // A home that cannot be written to means that the question is asked again.
        let _ = credentials::private_home(&home).and_then(|_| {
            let text = serde_json::to_string_pretty(&check)?;
            credentials::private_file(&cache, &format!("{text}\n"))
        });
    }
    Some(version)
}

fn remembered(cache: &Path, base: &str) -> Option<String> {
    let check: Check = serde_json::from_slice(&fs::read(cache).ok()?).ok()?;
    let age = time::now_millis() - time::parse(&check.checked_at)?;
    (check.api_url == base && (0..DAY).contains(&age)).then_some(check.version)
}

/// Whether one version is higher than another. Versions before a release do not count.
fn is_newer(version: &str, than: &str) -> bool {
    matches!((numbers(version), numbers(than)), (Some(left), Some(right)) if left > right)
}

fn numbers(version: &str) -> Option<[u64; 3]> {
    let version = version.split_once('+').map_or(version, |(version, _)| version);
    let parts: Vec<u64> = version.split('.').map(|part| part.parse().ok()).collect::<Option<_>>()?;
    parts.try_into().ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn versions_are_compared_by_their_numbers() {
        assert!(is_newer("0.10.0", "0.9.9"));
        assert!(is_newer("1.0.0+build", "0.99.99"));
        for same_or_older in ["0.9.9", "0.9.8", "0.10.0-rc.1", "1.0", "nonsense", ""] {
            assert!(!is_newer(same_or_older, "0.9.9"), "{same_or_older}");
        }
    }
}
