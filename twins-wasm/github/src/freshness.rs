//! What a client knows already is not sent again: entity tags, and when a thing was changed last.

use std::time::{Duration, UNIX_EPOCH};

use pome_twin_kit::clock::Time;
use pome_twin_kit::{Cx, Reply};
use serde::Deserialize;

use crate::GitHub;

/// The part of a single thing's answer that says when it was changed.
#[derive(Deserialize)]
struct Stamp<'a> {
    updated_at: Option<&'a str>,
}

/// When the thing that is answered was changed last, in whole seconds; lists and what carries no such time have none.
fn changed_at(body: &[u8]) -> Option<Duration> {
    let stamp: Stamp<'_> = serde_json::from_slice(body).ok()?;
    Some(Duration::from_secs(Time::parse(stamp.updated_at?)?.seconds()))
}

/// Adds `ETag` and `Last-Modified` to an answer with 200, or makes it a 304 when the client has it. A tag that is sent is what
/// counts; the time is looked at only without one.
pub(crate) fn check(cx: &Cx<'_, GitHub>, reply: &mut Reply) {
    let etag = etag(&reply.body);
    let changed = changed_at(&reply.body);
    let same = |sent: &str| sent.split(',').any(|one| one.trim().trim_start_matches("W/") == etag);
    let known = match cx.header("if-none-match") {
        Some(sent) => same(sent),
        None => {
            let since = cx.header("if-modified-since").and_then(|sent| httpdate::parse_http_date(sent).ok());
            since.zip(changed).is_some_and(|(since, changed)| UNIX_EPOCH + changed <= since)
        }
    };
    if known {
        reply.status = 304;
        reply.body.clear();
        reply.headers.retain(|(name, _)| name != "content-type");
    }
    reply.header("etag", format!("W/{etag}"));
    if let Some(changed) = changed {
        reply.header("last-modified", httpdate::fmt_http_date(UNIX_EPOCH + changed));
    }
}

fn etag(body: &[u8]) -> String {
    format!("\"{:032x}\"", xxhash_rust::xxh3::xxh3_128(body))
}
