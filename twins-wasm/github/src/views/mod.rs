//! Entity to vendor JSON, nothing else. Every view writes straight into the answer; addresses are written, not built.
//!
//! API addresses start with the address that the agent used (`cx.origin`), so a client that follows them stays inside; pages
//! for people keep the vendor's host, because text that an agent quotes should look as it does there.

pub(crate) mod apps;
pub(crate) mod assets;
pub(crate) mod check_runs;
pub(crate) mod check_suites;
pub(crate) mod collaborators;
pub(crate) mod comments;
pub(crate) mod commits;
pub(crate) mod contents;
pub(crate) mod events;
pub(crate) mod files;
pub(crate) mod issues;
pub(crate) mod labels;
pub(crate) mod milestones;
pub(crate) mod orgs;
pub(crate) mod protection;
pub(crate) mod pulls;
pub(crate) mod reactions;
pub(crate) mod refs;
pub(crate) mod releases;
pub(crate) mod repos;
pub(crate) mod review_comments;
pub(crate) mod reviews;
pub(crate) mod statuses;
pub(crate) mod users;
pub(crate) mod workflows;

use std::fmt;

use pome_twin_kit::Cx;

use crate::GitHub;
use crate::state::State;

/// Pages for people.
pub(crate) const HTML: &str = "https://github.com";

/// What every view needs: the state and the address of the API.
#[derive(Clone, Copy)]
pub(crate) struct Site<'a> {
    pub(crate) state: &'a State,
    /// Without a trailing slash.
    pub(crate) api: &'a str,
    /// Who looks.
    pub(crate) viewer: &'a str,
}

impl<'a> Site<'a> {
    pub(crate) fn of(cx: &'a Cx<'_, GitHub>) -> Self {
        use crate::access::Access;
        Self { state: cx.state, api: cx.origin, viewer: cx.actor() }
    }
}

/// A text as one segment of an address.
pub(crate) struct Encoded<'a>(pub(crate) &'a str);

impl fmt::Display for Encoded<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for byte in self.0.bytes() {
            match byte {
                b'A'..=b'Z' | b'a'..=b'z' | b'0'..=b'9' | b'-' | b'_' | b'.' | b'~' => {
                    write!(f, "{}", char::from(byte))?;
                }
                other => write!(f, "%{other:02X}")?,
            }
        }
        Ok(())
    }
}

/// A path whose slashes stay.
pub(crate) struct EncodedPath<'a>(pub(crate) &'a str);

impl fmt::Display for EncodedPath<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (at, segment) in self.0.split('/').enumerate() {
            if at > 0 {
                f.write_str("/")?;
            }
            Encoded(segment).fmt(f)?;
        }
        Ok(())
    }
}
