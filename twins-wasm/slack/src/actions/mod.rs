//! What can be done: one struct and one `run` an operation, grouped by area.

pub(crate) mod assistant;
pub(crate) mod auth;
pub(crate) mod bookmarks;
pub(crate) mod canvases;
pub(crate) mod chat;
pub(crate) mod conversations;
pub(crate) mod directory;
pub(crate) mod drafts;
pub(crate) mod files;
pub(crate) mod history;
pub(crate) mod membership;
pub(crate) mod pins;
pub(crate) mod posting;
pub(crate) mod reactions;
pub(crate) mod reminders;
pub(crate) mod scheduled;
pub(crate) mod search;
pub(crate) mod stars;
pub(crate) mod surfaces;
pub(crate) mod topics;
pub(crate) mod uploads;
pub(crate) mod usergroups;
pub(crate) mod users;

pub(crate) use crate::access::{self, Actor};
pub(crate) use crate::answer::Answer;
pub(crate) use crate::arguments::{Flag, Int, List, Structured, given, is_set};
pub(crate) use crate::error::{Error, refuse};

/// What an operation comes to.
pub(crate) type Outcome = Result<Answer, Error>;
/// What an operation sees.
pub(crate) type Cx<'a> = pome_twin_kit::Cx<'a, crate::Slack>;
