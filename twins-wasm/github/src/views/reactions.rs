//! Reactions: one by one, and the counts that issues and comments carry.

use std::fmt;

use serde::ser::{Serialize, SerializeMap, Serializer};

use super::Site;
use super::users::SimpleUser;
use crate::state::{Reaction, Subject};

/// Every reaction there is, in the order of the counts.
pub(crate) const CONTENTS: [&str; 8] = ["+1", "-1", "laugh", "hooray", "confused", "heart", "rocket", "eyes"];

/// `reaction`
pub(crate) struct ReactionView<'a> {
    pub(crate) site: Site<'a>,
    pub(crate) reaction: &'a Reaction,
}

impl Serialize for ReactionView<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let reaction = self.reaction;
        let mut map = serializer.serialize_map(Some(5))?;
        map.serialize_entry("id", &reaction.id)?;
        map.serialize_entry("node_id", &format_args!("REA_{}", reaction.id))?;
        map.serialize_entry("user", &SimpleUser::of(self.site, &reaction.user))?;
        map.serialize_entry("content", &reaction.content)?;
        map.serialize_entry("created_at", &reaction.created_at.to_seconds())?;
        map.end()
    }
}

/// `reaction-rollup`; `of` is the address of the thing that was reacted to. Without an address only the counts are written,
/// as the official server's tools do.
pub(crate) struct Rollup<'a> {
    pub(crate) site: Site<'a>,
    pub(crate) subject: Subject,
    pub(crate) of: Option<fmt::Arguments<'a>>,
}

impl Rollup<'_> {
    pub(crate) fn is_empty(&self) -> bool {
        self.site.state.reactions_to(self.subject).next().is_none()
    }
}

impl Serialize for Rollup<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut counts = [0_usize; CONTENTS.len()];
        for reaction in self.site.state.reactions_to(self.subject) {
            for (content, count) in CONTENTS.iter().zip(&mut counts) {
                *count += usize::from(*content == reaction.content);
            }
        }
        let mut map = serializer.serialize_map(Some(CONTENTS.len() + 2))?;
        if let Some(of) = self.of {
            map.serialize_entry("url", &format_args!("{of}/reactions"))?;
        }
        map.serialize_entry("total_count", &counts.iter().sum::<usize>())?;
        for (content, count) in CONTENTS.iter().zip(&counts) {
            map.serialize_entry(content, count)?;
        }
        map.end()
    }
}
