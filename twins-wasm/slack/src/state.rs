//! The data model: every entity of a workspace and the tables they live in.

use std::sync::Arc;

use pome_twin_kit::clock::Time;
use pome_twin_kit::store::{Cell, Table};
use serde_json::{Map, Value};

use crate::ts::{Clockface, Ts};

/// Who acts when the token names nobody.
pub(crate) const DEFAULT_LOGIN: &str = "pome-agent";
/// The id of that user in the default seed.
pub(crate) const DEFAULT_USER: &str = "U_PRIMARY";

pub(crate) type UserId = String;
pub(crate) type ChannelId = String;
/// A message: its channel and its `ts`.
pub(crate) type MessageKey = (ChannelId, Ts);

#[derive(Debug, Clone)]
pub(crate) struct Team {
    pub(crate) id: String,
    pub(crate) name: String,
    pub(crate) domain: String,
}

impl Team {
    /// `https://pome-twin.slack.com`
    pub(crate) fn site(&self) -> String {
        format!("https://{}.slack.com", self.domain)
    }
}

#[derive(Debug, Clone)]
pub(crate) struct User {
    pub(crate) id: UserId,
    /// The handle, without `@`.
    pub(crate) name: String,
    pub(crate) real_name: String,
    pub(crate) email: Option<String>,
    pub(crate) is_bot: bool,
    pub(crate) is_admin: bool,
    pub(crate) deleted: bool,
    pub(crate) tz: String,
    /// What the profile holds beside the derived keys.
    pub(crate) profile: Map<String, Value>,
    /// `None` is everything; else the only scopes that tokens of this user have.
    pub(crate) scopes: Option<Vec<String>>,
    /// Set by `users.setPresence`: `away`.
    pub(crate) away: bool,
    /// Until when notifications are paused.
    pub(crate) snoozed_until: Option<Time>,
    pub(crate) created_at: Time,
    pub(crate) updated_at: Time,
}

impl User {
    pub(crate) fn profile_text(&self, key: &str) -> &str {
        self.profile.get(key).and_then(Value::as_str).unwrap_or_default()
    }

    /// The id of the bot behind a bot user: `B` where the user has `U`.
    pub(crate) fn bot_id(&self) -> Option<String> {
        self.is_bot.then(|| format!("B{}", self.id.get(1..).unwrap_or_default()))
    }

    /// How the user is shown: display name, else real name, else handle.
    pub(crate) fn shown(&self) -> &str {
        [self.profile_text("display_name"), self.real_name.as_str()]
            .into_iter()
            .find(|name| !name.is_empty())
            .unwrap_or(&self.name)
    }
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Kind {
    Public,
    Private,
    /// A conversation of one or two.
    Direct,
    /// A direct conversation of more than two.
    Group,
}

impl Kind {
    /// The word of `types`.
    pub(crate) const fn word(self) -> &'static str {
        match self {
            Self::Public => "public_channel",
            Self::Private => "private_channel",
            Self::Direct => "im",
            Self::Group => "mpim",
        }
    }

    pub(crate) fn parse(word: &str) -> Option<Self> {
        [Self::Public, Self::Private, Self::Direct, Self::Group].into_iter().find(|kind| kind.word() == word)
    }

    /// Direct conversations have no topic, no invitations and no archive.
    pub(crate) const fn is_direct(self) -> bool {
        matches!(self, Self::Direct | Self::Group)
    }
}

/// A topic or purpose with who set it when.
#[derive(Debug, Clone, Default)]
pub(crate) struct Heading {
    pub(crate) value: String,
    pub(crate) creator: UserId,
    pub(crate) last_set: u64,
}

#[derive(Debug, Clone)]
pub(crate) struct Channel {
    pub(crate) id: ChannelId,
    pub(crate) kind: Kind,
    pub(crate) name: String,
    pub(crate) previous_names: Vec<String>,
    pub(crate) topic: Heading,
    pub(crate) purpose: Heading,
    pub(crate) creator: UserId,
    pub(crate) archived: bool,
    /// The ids of a direct conversation, sorted and joined: there is one conversation for each set.
    pub(crate) signature: Option<String>,
    /// The canvas in the channel's header.
    pub(crate) canvas: Option<String>,
    pub(crate) created_at: Time,
    pub(crate) updated_at: Time,
}

impl Channel {
    pub(crate) fn is_general(&self) -> bool {
        self.kind == Kind::Public && self.name == "general"
    }

    /// Ids of a direct conversation.
    pub(crate) fn parties(&self) -> impl Iterator<Item = &str> {
        self.signature.as_deref().unwrap_or_default().split(',').filter(|id| !id.is_empty())
    }
}

#[derive(Debug, Clone)]
pub(crate) struct Member {
    pub(crate) joined_at: Time,
    pub(crate) last_read: Option<Ts>,
    /// A direct conversation that was closed is hidden from lists until somebody writes.
    pub(crate) closed: bool,
}

#[derive(Debug, Clone, Default)]
pub(crate) struct Message {
    pub(crate) channel: ChannelId,
    pub(crate) ts: Ts,
    pub(crate) user: UserId,
    /// As stored: `&`, `<` and `>` escaped, mentions and links in angle brackets.
    pub(crate) text: String,
    /// `bot_message`, `me_message`, `thread_broadcast`, `tombstone`, ...
    pub(crate) subtype: Option<String>,
    /// The root of the thread; only replies have one.
    pub(crate) thread: Option<Ts>,
    pub(crate) edited: Option<(UserId, Ts)>,
    /// What the author sent; a message without has blocks made from its text when it is shown.
    pub(crate) blocks: Vec<Value>,
    pub(crate) attachments: Vec<Value>,
    pub(crate) files: Vec<String>,
    pub(crate) metadata: Option<Value>,
    pub(crate) bot_id: Option<String>,
    pub(crate) app_id: Option<String>,
    pub(crate) username: Option<String>,
    pub(crate) icon_url: Option<String>,
    pub(crate) icon_emoji: Option<String>,
    /// A streamed message that is not finished.
    pub(crate) streaming: bool,
}

impl Message {
    pub(crate) fn key(&self) -> MessageKey {
        (self.channel.clone(), self.ts)
    }

    pub(crate) fn is_broadcast(&self) -> bool {
        self.subtype.as_deref() == Some("thread_broadcast")
    }

    pub(crate) fn is_tombstone(&self) -> bool {
        self.subtype.as_deref() == Some("tombstone")
    }
}

/// Seen by one user only.
#[derive(Debug, Clone)]
pub(crate) struct Ephemeral {
    pub(crate) channel: ChannelId,
    pub(crate) ts: Ts,
    pub(crate) to: UserId,
    pub(crate) from: UserId,
    pub(crate) text: String,
    pub(crate) thread: Option<Ts>,
    pub(crate) blocks: Vec<Value>,
}

#[derive(Debug, Clone)]
pub(crate) struct Reaction {
    pub(crate) added_at: Time,
    /// Which one of the workspace this was: the order of reactions on a message.
    pub(crate) order: u64,
}

#[derive(Debug, Clone)]
pub(crate) struct Pin {
    pub(crate) by: UserId,
    pub(crate) at: Time,
}

#[derive(Debug, Clone)]
pub(crate) struct Bookmark {
    pub(crate) id: String,
    pub(crate) channel: ChannelId,
    pub(crate) title: String,
    pub(crate) link: String,
    pub(crate) emoji: String,
    /// `link` or `folder`
    pub(crate) kind: String,
    pub(crate) entity: String,
    pub(crate) by: UserId,
    pub(crate) changed_by: UserId,
    pub(crate) created_at: Time,
    pub(crate) updated_at: Time,
}

#[derive(Debug, Clone)]
pub(crate) struct File {
    pub(crate) id: String,
    pub(crate) user: UserId,
    pub(crate) name: String,
    pub(crate) title: String,
    /// `text`, `markdown`, `png`, ...
    pub(crate) filetype: String,
    pub(crate) content: Arc<Vec<u8>>,
    pub(crate) alt_text: Option<String>,
    pub(crate) channels: Vec<ChannelId>,
    pub(crate) public_url: bool,
    pub(crate) deleted: bool,
    pub(crate) created_at: Time,
}

/// A file that was announced and not completed yet.
#[derive(Debug, Clone)]
pub(crate) struct Upload {
    pub(crate) id: String,
    pub(crate) user: UserId,
    pub(crate) name: String,
    pub(crate) length: u64,
    pub(crate) alt_text: Option<String>,
    pub(crate) snippet_type: Option<String>,
    pub(crate) content: Option<Arc<Vec<u8>>>,
    /// Digest of the credential in the upload's address.
    pub(crate) ticket: [u8; 32],
}

#[derive(Debug, Clone)]
pub(crate) struct Scheduled {
    pub(crate) id: String,
    pub(crate) channel: ChannelId,
    pub(crate) user: UserId,
    pub(crate) text: String,
    pub(crate) thread: Option<Ts>,
    pub(crate) broadcast: bool,
    pub(crate) blocks: Vec<Value>,
    pub(crate) attachments: Vec<Value>,
    /// Seconds since 1970.
    pub(crate) post_at: u64,
    pub(crate) created_at: Time,
}

/// One part of a canvas: a heading, a paragraph, a list, ...
#[derive(Debug, Clone)]
pub(crate) struct Section {
    pub(crate) id: String,
    pub(crate) markdown: String,
}

#[derive(Debug, Clone)]
pub(crate) struct Canvas {
    pub(crate) id: String,
    pub(crate) title: String,
    pub(crate) sections: Vec<Section>,
    pub(crate) channel: Option<ChannelId>,
    pub(crate) by: UserId,
    /// Who else may see (`read`) or change (`write`, `owner`) it: users and channels by id.
    pub(crate) access: Vec<(String, String)>,
    pub(crate) deleted: bool,
    pub(crate) created_at: Time,
    pub(crate) updated_at: Time,
}

impl Canvas {
    pub(crate) fn markdown(&self) -> String {
        self.sections.iter().map(|section| section.markdown.as_str()).collect::<Vec<_>>().join("\n\n")
    }
}

#[derive(Debug, Clone)]
pub(crate) struct Usergroup {
    pub(crate) id: String,
    pub(crate) name: String,
    pub(crate) handle: String,
    pub(crate) description: String,
    pub(crate) users: Vec<UserId>,
    pub(crate) channels: Vec<ChannelId>,
    pub(crate) by: UserId,
    pub(crate) changed_by: UserId,
    pub(crate) disabled_at: Option<Time>,
    pub(crate) created_at: Time,
    pub(crate) updated_at: Time,
}

#[derive(Debug, Clone)]
pub(crate) struct Reminder {
    pub(crate) id: String,
    pub(crate) creator: UserId,
    pub(crate) user: UserId,
    pub(crate) text: String,
    pub(crate) recurring: bool,
    /// Seconds since 1970.
    pub(crate) time: u64,
    pub(crate) completed_at: Option<Time>,
}

#[derive(Debug, Clone)]
pub(crate) struct Draft {
    pub(crate) id: String,
    pub(crate) user: UserId,
    pub(crate) channel: ChannelId,
    pub(crate) thread: Option<Ts>,
    pub(crate) text: String,
    pub(crate) created_at: Time,
}

/// A modal or a home tab.
#[derive(Debug, Clone)]
pub(crate) struct Surface {
    pub(crate) id: String,
    pub(crate) user: UserId,
    /// The view as it was sent.
    pub(crate) body: Value,
    pub(crate) hash: String,
    pub(crate) root: String,
    pub(crate) previous: Option<String>,
}

/// A credential that came with the seed.
#[derive(Debug, Clone)]
pub(crate) struct Credential {
    pub(crate) user: UserId,
    pub(crate) scopes: Option<Vec<String>>,
}

/// A workspace.
#[derive(Debug, Default)]
pub struct State {
    pub(crate) team: Cell<Option<Team>>,
    pub(crate) users: Table<UserId, User>,
    pub(crate) channels: Table<ChannelId, Channel>,
    pub(crate) members: Table<(ChannelId, UserId), Member>,
    pub(crate) messages: Table<MessageKey, Message>,
    /// Replies by channel, root and own `ts`.
    pub(crate) threads: Table<(ChannelId, Ts, Ts), ()>,
    pub(crate) ephemerals: Table<MessageKey, Ephemeral>,
    /// By channel, message, name and user.
    pub(crate) reactions: Table<(ChannelId, Ts, String, UserId), Reaction>,
    pub(crate) pins: Table<MessageKey, Pin>,
    pub(crate) bookmarks: Table<(ChannelId, String), Bookmark>,
    pub(crate) files: Table<String, File>,
    pub(crate) uploads: Table<String, Upload>,
    pub(crate) scheduled: Table<String, Scheduled>,
    pub(crate) canvases: Table<String, Canvas>,
    /// An address, or `alias:<name>`.
    pub(crate) emoji: Table<String, String>,
    pub(crate) usergroups: Table<String, Usergroup>,
    pub(crate) reminders: Table<String, Reminder>,
    /// What users saved: by user, then channel and `ts`, or `""` and a file's id.
    pub(crate) saved: Table<(UserId, String, String), Time>,
    pub(crate) drafts: Table<String, Draft>,
    pub(crate) surfaces: Table<String, Surface>,
    /// By digest of the token.
    pub(crate) credentials: Table<[u8; 32], Credential>,
    pub(crate) revoked: Table<UserId, ()>,
    /// Titles, status lines and prompts of assistant threads, by channel and root.
    pub(crate) assistants: Table<MessageKey, Map<String, Value>>,
    /// The counter behind all ids.
    pub(crate) ids: Cell<u64>,
    pub(crate) reacted: Cell<u64>,
    pub(crate) clockface: Cell<Clockface>,
}

pome_twin_kit::store!(State {
    team,
    users,
    channels,
    members,
    messages,
    threads,
    ephemerals,
    reactions,
    pins,
    bookmarks,
    files,
    uploads,
    scheduled,
    canvases,
    emoji,
    usergroups,
    reminders,
    saved,
    drafts,
    surfaces,
    credentials,
    revoked,
    assistants,
    ids,
    reacted,
    clockface,
});

impl State {
    /// The next id of a kind, in the vendor's form: `C0P00000012`. One counter serves all kinds.
    pub(crate) fn id(&mut self, prefix: &str) -> String {
        loop {
            let id = format!("{prefix}0P{:08}", self.ids.next());
            // A seed may have taken it.
            let taken = self.users.contains(&id) || self.channels.contains(&id) || self.files.contains(&id);
            if !taken {
                return id;
            }
        }
    }

    /// The `ts` of what is written now: later than every other one of the workspace.
    pub(crate) fn next_ts(&mut self, now: Time) -> Ts {
        let (ts, face) = self.clockface.get().tick(now);
        self.clockface.set(face);
        ts
    }

    /// A user by id, handle or address.
    pub(crate) fn user(&self, wanted: &str) -> Option<&User> {
        let wanted = wanted.strip_prefix('@').unwrap_or(wanted);
        if wanted.is_empty() {
            return None;
        }
        self.users
            .get(&wanted.to_owned())
            .or_else(|| self.users.values().find(|user| user.name == wanted))
            .or_else(|| self.users.values().find(|user| user.email.as_deref() == Some(wanted)))
    }

    /// The bot user behind a bot id.
    pub(crate) fn bot(&self, bot_id: &str) -> Option<&User> {
        self.users.values().find(|user| user.bot_id().as_deref() == Some(bot_id))
    }

    pub(crate) fn is_member(&self, channel: &str, user: &str) -> bool {
        self.members.contains(&(channel.to_owned(), user.to_owned()))
    }

    /// Members of a channel in the order in which they joined.
    pub(crate) fn members_of(&self, channel: &str) -> Vec<(&str, &Member)> {
        let of = channel.to_owned();
        let rows = self.members.prefix((of.clone(), String::new()), move |(channel, _)| *channel == of);
        let mut rows: Vec<_> = rows.map(|((_, user), member)| (user.as_str(), member)).collect();
        rows.sort_by_key(|(user, member)| (member.joined_at, *user));
        rows
    }

    pub(crate) fn member_count(&self, channel: &str) -> usize {
        let of = channel.to_owned();
        self.members.prefix((of.clone(), String::new()), move |(channel, _)| *channel == of).count()
    }

    /// Public channels are open to everybody, the rest to members.
    pub(crate) fn is_visible(&self, channel: &Channel, user: &str) -> bool {
        channel.kind == Kind::Public || self.is_member(&channel.id, user)
    }

    /// Channels in the order of their creation.
    pub(crate) fn channels_by_age(&self) -> Vec<&Channel> {
        let mut all: Vec<&Channel> = self.channels.values().collect();
        all.sort_by(|a, b| (a.created_at, &a.id).cmp(&(b.created_at, &b.id)));
        all
    }

    pub(crate) fn message(&self, channel: &str, ts: Ts) -> Option<&Message> {
        self.messages.get(&(channel.to_owned(), ts))
    }

    /// Messages of a channel between two times, both included, oldest first.
    pub(crate) fn messages_between(
        &self,
        channel: &str,
        from: Ts,
        to: Ts,
    ) -> impl DoubleEndedIterator<Item = &Message> {
        let from = from.min(to);
        self.messages.range((channel.to_owned(), from)..=(channel.to_owned(), to)).map(|(_, message)| message)
    }

    pub(crate) fn messages_of(&self, channel: &str) -> impl DoubleEndedIterator<Item = &Message> {
        self.messages_between(channel, Ts::MIN, Ts::MAX)
    }

    /// Replies of a thread, oldest first.
    pub(crate) fn replies(&self, channel: &str, root: Ts) -> impl DoubleEndedIterator<Item = &Message> {
        let channel = channel.to_owned();
        self.threads
            .range((channel.clone(), root, Ts::MIN)..=(channel, root, Ts::MAX))
            .filter_map(|((channel, _, ts), ())| self.messages.get(&(channel.clone(), *ts)))
    }

    /// Puts a message in its place, with its thread.
    pub(crate) fn put(&mut self, message: Message) {
        if let Some(root) = message.thread {
            self.threads.insert((message.channel.clone(), root, message.ts), ());
        }
        self.messages.insert(message.key(), message);
    }

    /// Reactions of a message, grouped by name in the order of the first of each: name and users.
    pub(crate) fn reactions_of(&self, channel: &str, ts: Ts) -> Vec<(&str, Vec<&str>)> {
        let of = channel.to_owned();
        let first = (of.clone(), ts, String::new(), String::new());
        let mut rows: Vec<_> = self
            .reactions
            .prefix(first, move |(channel, at, ..)| *channel == of && *at == ts)
            .map(|((_, _, name, user), row)| (row.order, name.as_str(), user.as_str()))
            .collect();
        rows.sort_unstable();
        let mut groups: Vec<(&str, Vec<&str>)> = Vec::new();
        for (_, name, user) in rows {
            match groups.iter_mut().find(|(known, _)| *known == name) {
                Some((_, users)) => users.push(user),
                None => groups.push((name, vec![user])),
            }
        }
        groups
    }

    /// Whether a user takes part in a thread: wrote its root or a reply.
    pub(crate) fn follows(&self, channel: &str, root: Ts, user: &str) -> bool {
        self.message(channel, root).is_some_and(|message| message.user == user)
            || self.replies(channel, root).any(|reply| reply.user == user)
    }

    /// The direct conversation of a set of users.
    pub(crate) fn direct(&self, signature: &str) -> Option<&Channel> {
        self.channels.values().find(|channel| channel.signature.as_deref() == Some(signature))
    }
}
