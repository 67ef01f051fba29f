//! Which scopes a method accepts: one of them is enough. Slack's reference page of each method.

use pome_twin_kit::Cx;

use crate::Slack;
use crate::access::{self, Actor};
use crate::error::Error;

const READ: &[&str] = &["channels:read", "groups:read", "im:read", "mpim:read"];
const HISTORY: &[&str] = &["channels:history", "groups:history", "im:history", "mpim:history"];
const MANAGE: &[&str] = &["channels:manage", "channels:write", "groups:write", "im:write", "mpim:write"];
const SEARCH: &[&str] = &[
    "search:read",
    "search:read.public",
    "search:read.private",
    "search:read.im",
    "search:read.mpim",
    "search:read.files",
];

/// Methods that need nothing are not in the table.
const TABLE: &[(&str, &[&str])] = &[
    ("assistant.threads.", &["assistant:write", "chat:write"]),
    ("bookmarks.list", &["bookmarks:read"]),
    ("bookmarks.", &["bookmarks:write"]),
    ("bots.info", &["users:read"]),
    ("canvases.sections.lookup", &["canvases:read"]),
    ("canvases.read", &["canvases:read"]),
    ("canvases.", &["canvases:write"]),
    ("chat.getPermalink", &[]),
    ("chat.scheduledMessages.list", &[]),
    ("chat.unfurl", &["links:write"]),
    ("chat.", &["chat:write"]),
    ("conversations.canvases.create", &["canvases:write"]),
    ("conversations.history", HISTORY),
    ("conversations.replies", HISTORY),
    ("conversations.info", READ),
    ("conversations.list", READ),
    ("conversations.members", READ),
    ("conversations.search", READ),
    ("conversations.join", &["channels:join", "channels:write"]),
    (
        "conversations.invite",
        &["channels:write.invites", "groups:write.invites", "channels:manage", "channels:write", "groups:write"],
    ),
    (
        "conversations.setTopic",
        &["channels:write.topic", "groups:write.topic", "channels:manage", "channels:write", "groups:write"],
    ),
    (
        "conversations.setPurpose",
        &["channels:write.topic", "groups:write.topic", "channels:manage", "channels:write", "groups:write"],
    ),
    ("conversations.", MANAGE),
    ("dnd.info", &["dnd:read"]),
    ("dnd.teamInfo", &["dnd:read"]),
    ("dnd.", &["dnd:write"]),
    ("drafts.", &["chat:write"]),
    ("emoji.", &["emoji:read"]),
    ("files.info", &["files:read"]),
    ("files.list", &["files:read"]),
    ("files.read", &["files:read"]),
    ("files.download", &["files:read"]),
    ("files.receive", &[]),
    ("files.", &["files:write"]),
    ("pins.list", &["pins:read"]),
    ("pins.", &["pins:write"]),
    ("reactions.get", &["reactions:read"]),
    ("reactions.list", &["reactions:read"]),
    ("reactions.", &["reactions:write"]),
    ("reminders.list", &["reminders:read"]),
    ("reminders.info", &["reminders:read"]),
    ("reminders.", &["reminders:write"]),
    ("search.", SEARCH),
    ("stars.list", &["stars:read"]),
    ("stars.", &["stars:write"]),
    ("team.profile.get", &["users.profile:read"]),
    ("team.", &["team:read"]),
    ("usergroups.list", &["usergroups:read"]),
    ("usergroups.users.list", &["usergroups:read"]),
    ("usergroups.", &["usergroups:write"]),
    ("users.conversations", READ),
    ("users.identity", &["identity.basic"]),
    ("users.lookupByEmail", &["users:read.email"]),
    ("users.profile.set", &["users.profile:write"]),
    ("users.profile.", &["users.profile:read"]),
    ("users.setPresence", &["users:write"]),
    ("users.", &["users:read"]),
];

/// What tokens usually have: everything but `chat:write.public`, which lets apps write in channels that they are not in.
const ALL: &[&str] = &[
    "assistant:write",
    "bookmarks:read",
    "bookmarks:write",
    "canvases:read",
    "canvases:write",
    "channels:history",
    "channels:join",
    "channels:manage",
    "channels:read",
    "chat:write",
    "chat:write.customize",
    "dnd:read",
    "dnd:write",
    "emoji:read",
    "files:read",
    "files:write",
    "groups:history",
    "groups:read",
    "groups:write",
    "identity.basic",
    "im:history",
    "im:read",
    "im:write",
    "links:write",
    "mpim:history",
    "mpim:read",
    "mpim:write",
    "pins:read",
    "pins:write",
    "reactions:read",
    "reactions:write",
    "reminders:read",
    "reminders:write",
    "search:read",
    "stars:read",
    "stars:write",
    "team:read",
    "usergroups:read",
    "usergroups:write",
    "users.profile:read",
    "users.profile:write",
    "users:read",
    "users:read.email",
    "users:write",
];

/// Whether tokens have a scope that nobody took from them.
pub(crate) fn is_usual(scope: &str) -> bool {
    scope != "chat:write.public"
}

/// The scopes of which a method wants one; none when it wants nothing.
pub(crate) fn accepted(method: &str) -> &'static [&'static str] {
    let row =
        TABLE.iter().find(|(name, _)| if name.ends_with('.') { method.starts_with(name) } else { method == *name });
    row.map_or(&[], |(_, scopes)| scopes)
}

/// The scopes of a token, joined as the headers and refusals have them.
pub(crate) fn provided(actor: &Actor) -> String {
    match &actor.scopes {
        Some(scopes) => scopes.join(","),
        None => ALL.join(","),
    }
}

pub(crate) fn missing(needed: &str, actor: &Actor) -> Error {
    Error::new("missing_scope").with("needed", needed).with("provided", provided(actor))
}

/// `missing_scope` unless the token has one of the scopes of a method.
pub(crate) fn check(cx: &Cx<'_, Slack>, method: &str) -> Result<(), Error> {
    let accepted = accepted(method);
    // Who the caller is, and whether there is anybody, is the method's to say.
    let Ok(actor) = access::actor(cx) else { return Ok(()) };
    let first = match accepted.first() {
        Some(first) if !accepted.iter().any(|scope| actor.has_scope(scope)) => *first,
        _ => return Ok(()),
    };
    Err(missing(first, &actor))
}
