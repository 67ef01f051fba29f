//! The state as JSON, in the shape that checks and readers of `state_final.json` know. Sorted; same state, same bytes.
//!
//! The rows are also what a call reports as changed.

use pome_twin_kit::clock::Time;
use serde::Serialize;
use serde::ser::Serializer;
use serde_json::{Value, json};

use crate::state::{
    Bookmark, Canvas, Channel, Draft, Ephemeral, File, Kind, Member, Message, Pin, Reaction, Reminder, Scheduled,
    State, Surface, Team, Upload, User, Usergroup,
};
use crate::ts::Ts;

pub(crate) fn export(state: &State) -> Vec<u8> {
    let mut out = Vec::new();
    // Writing to memory cannot fail.
    let _ = match state.team.get() {
        Some(team) => serde_json::to_writer(&mut out, &world(state, team)),
        None => serde_json::to_writer(&mut out, &json!({ "workspace": null })),
    };
    out
}

/// A list that is written row by row, so that a large world is never in memory twice.
struct Rows<F>(F);

impl<F: Fn() -> I, I: Iterator<Item: Serialize>> Serialize for Rows<F> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_seq((self.0)())
    }
}

#[derive(Serialize)]
struct World<W, A, B, C, D, E, F, G, H, I, M> {
    workspace: W,
    users: A,
    channels: B,
    reactions: C,
    pins: D,
    files: E,
    bookmarks: F,
    scheduled_messages: G,
    canvases: H,
    emoji: I,
    #[serde(flatten)]
    more: M,
}

fn world<'a>(state: &'a State, team: &'a Team) -> impl Serialize + 'a {
    let emoji = move |(name, value): (&String, &String)| json!({ "team_id": team.id, "name": name, "value": value });
    World {
        workspace: json!({ "id": team.id, "name": team.name, "domain": team.domain }),
        users: Rows(move || state.users.values().map(|row| user(team, row))),
        channels: Rows(move || state.channels_by_age().into_iter().map(|row| full_channel(state, team, row))),
        reactions: Rows(move || {
            state.reactions.iter().map(|((c, ts, name, user), row)| reaction(c, *ts, name, user, row))
        }),
        pins: Rows(move || state.pins.iter().map(|((channel, ts), row)| pin(channel, *ts, row))),
        files: Rows(move || state.files.values().map(|row| file(team, row))),
        bookmarks: Rows(move || state.bookmarks.values().map(bookmark)),
        scheduled_messages: Rows(move || state.scheduled.values().map(scheduled)),
        canvases: Rows(move || state.canvases.values().map(|row| canvas(team, row))),
        emoji: Rows(move || state.emoji.iter().map(emoji)),
        more: more(state),
    }
}

/// What only some worlds have: a list appears when it has rows.
fn more(state: &State) -> Value {
    let mut out = serde_json::Map::new();
    let mut put = |name: &str, rows: Vec<Value>| {
        if !rows.is_empty() {
            out.insert(name.to_owned(), Value::Array(rows));
        }
    };
    put("ephemeral_messages", state.ephemerals.values().map(ephemeral).collect());
    put("usergroups", state.usergroups.values().map(usergroup).collect());
    put("reminders", state.reminders.values().map(reminder).collect());
    let saved = state.saved.iter().map(|((user, channel, item), at)| {
        json!({ "user_id": user, "channel_id": channel, "item": item, "saved_at": time(*at) })
    });
    put("saved", saved.collect());
    put("drafts", state.drafts.values().map(draft).collect());
    put("views", state.surfaces.values().map(surface).collect());
    put("uploads", state.uploads.values().map(upload).collect());
    let assistants = state.assistants.iter().map(|((channel, ts), row)| {
        let mut row = row.clone();
        row.insert("channel_id".to_owned(), channel.clone().into());
        row.insert("thread_ts".to_owned(), (*ts).into());
        Value::Object(row)
    });
    put("assistant_threads", assistants.collect());
    Value::Object(out)
}

fn time(time: Time) -> String {
    time.to_millis().to_string()
}

/// Flags of the stored rows are numbers.
fn flag(value: bool) -> u8 {
    u8::from(value)
}

/// Columns that hold JSON are text.
fn text(rows: &[Value]) -> String {
    Value::Array(rows.to_vec()).to_string()
}

pub(crate) fn user(team: &Team, row: &User) -> Value {
    json!({
        "id": row.id,
        "team_id": team.id,
        "name": row.name,
        "real_name": row.real_name,
        "display_name": row.profile_text("display_name"),
        "email": row.email,
        "is_bot": flag(row.is_bot),
        "is_admin": flag(row.is_admin),
        "deleted": flag(row.deleted),
        "tz": row.tz,
        "profile_json": Value::Object(row.profile.clone()).to_string(),
        "presence": if row.away { "away" } else { "auto" },
        "snoozed_until": row.snoozed_until.map(Time::seconds),
        "created_at": time(row.created_at),
        "updated_at": time(row.updated_at),
    })
}

pub(crate) fn channel(state: &State, row: &Channel) -> Value {
    json!({
        "id": row.id,
        "team_id": state.team.get().as_ref().map(|team| &team.id),
        "name": row.name,
        "is_channel": flag(row.kind == Kind::Public),
        "is_group": flag(row.kind == Kind::Private),
        "is_im": flag(row.kind == Kind::Direct),
        "is_mpim": flag(row.kind == Kind::Group),
        "is_private": flag(row.kind != Kind::Public),
        "is_archived": flag(row.archived),
        "topic": row.topic.value,
        "purpose": row.purpose.value,
        "creator": row.creator,
        "created_at": time(row.created_at),
        "ts_counter": 0,
        "dm_signature": row.signature,
    })
}

fn full_channel(state: &State, _: &Team, row: &Channel) -> Value {
    let mut value = channel(state, row);
    let of = row.id.clone();
    let members = state.members.prefix((of.clone(), String::new()), move |(channel, _)| *channel == of);
    let members: Vec<&str> = members.map(|((_, user), _)| user.as_str()).collect();
    if let Value::Object(row_value) = &mut value {
        row_value.insert("members".to_owned(), json!(members));
        let messages = state.messages_of(&row.id).map(|each| message(state, each));
        row_value.insert("messages".to_owned(), messages.collect());
    }
    value
}

pub(crate) fn member(channel: &str, user: &str, row: &Member) -> Value {
    json!({ "channel_id": channel, "user_id": user, "joined_at": time(row.joined_at), "last_read": row.last_read })
}

pub(crate) fn message(state: &State, row: &Message) -> Value {
    let mut users: Vec<&str> = Vec::new();
    let (mut replies, mut latest) = (0_usize, None);
    for reply in state.replies(&row.channel, row.ts) {
        replies += 1;
        latest = Some(reply.ts);
        if !users.contains(&reply.user.as_str()) {
            users.push(&reply.user);
        }
    }
    json!({
        "channel_id": row.channel,
        "ts": row.ts,
        "user_id": row.user,
        "text": row.text,
        "subtype": row.subtype,
        "thread_ts": row.thread,
        "reply_count": replies,
        "reply_users_count": users.len(),
        "latest_reply": latest,
        "edited_user_id": row.edited.as_ref().map(|(user, _)| user),
        "edited_ts": row.edited.as_ref().map(|(_, ts)| ts),
        "blocks_json": text(&row.blocks),
        "attachments_json": text(&row.attachments),
        "files_json": json!(row.files).to_string(),
        "metadata_json": row.metadata.as_ref().map(Value::to_string),
        "bot_id": row.bot_id,
        "app_id": row.app_id,
        "username": row.username,
        "icon_url": row.icon_url,
        "icon_emoji": row.icon_emoji,
    })
}

pub(crate) fn ephemeral(row: &Ephemeral) -> Value {
    json!({
        "channel_id": row.channel, "ts": row.ts, "to_user_id": row.to, "user_id": row.from, "text": row.text,
        "thread_ts": row.thread, "blocks_json": text(&row.blocks),
    })
}

pub(crate) fn reaction(channel: &str, ts: Ts, name: &str, user: &str, row: &Reaction) -> Value {
    json!({ "channel_id": channel, "message_ts": ts, "name": name, "user_id": user, "added_at": time(row.added_at) })
}

pub(crate) fn pin(channel: &str, ts: Ts, row: &Pin) -> Value {
    json!({ "channel_id": channel, "message_ts": ts, "pinned_by": row.by, "pinned_at": time(row.at) })
}

pub(crate) fn file(team: &Team, row: &File) -> Value {
    let content = std::str::from_utf8(&row.content).ok();
    json!({
        "id": row.id,
        "team_id": team.id,
        "user_id": row.user,
        "name": row.name,
        "title": row.title,
        "mimetype": crate::views::files::mimetype(&row.filetype),
        "filetype": row.filetype,
        "size": row.content.len(),
        "url_private": format!("{}/files-pri/{}-{}/{}", team.site(), team.id, row.id, row.name),
        "channels_json": json!(row.channels).to_string(),
        "public_url_shared": flag(row.public_url),
        "deleted": flag(row.deleted),
        "content": content,
        "created_at": time(row.created_at),
    })
}

pub(crate) fn upload(row: &Upload) -> Value {
    json!({ "id": row.id, "user_id": row.user, "name": row.name, "length": row.length, "received": flag(row.content.is_some()) })
}

pub(crate) fn bookmark(row: &Bookmark) -> Value {
    json!({
        "id": row.id, "channel_id": row.channel, "title": row.title, "link": row.link, "emoji": row.emoji,
        "type": row.kind, "created_by": row.by, "created_at": time(row.created_at),
    })
}

pub(crate) fn scheduled(row: &Scheduled) -> Value {
    json!({
        "id": row.id, "channel_id": row.channel, "user_id": row.user, "text": row.text, "thread_ts": row.thread,
        "post_at": row.post_at, "date_created": row.created_at.seconds(), "blocks_json": text(&row.blocks),
    })
}

pub(crate) fn canvas(team: &Team, row: &Canvas) -> Value {
    json!({
        "id": row.id, "team_id": team.id, "title": row.title, "markdown": row.markdown(), "channel_id": row.channel,
        "created_by": row.by, "access_json": json!(row.access).to_string(), "deleted": flag(row.deleted),
        "created_at": time(row.created_at), "updated_at": time(row.updated_at),
    })
}

pub(crate) fn usergroup(row: &Usergroup) -> Value {
    json!({
        "id": row.id, "name": row.name, "handle": row.handle, "description": row.description, "users": row.users,
        "channels": row.channels, "created_by": row.by, "disabled_at": row.disabled_at.map(time),
        "created_at": time(row.created_at), "updated_at": time(row.updated_at),
    })
}

pub(crate) fn reminder(row: &Reminder) -> Value {
    json!({
        "id": row.id, "creator": row.creator, "user_id": row.user, "text": row.text, "time": row.time,
        "recurring": flag(row.recurring), "completed_at": row.completed_at.map(time),
    })
}

pub(crate) fn draft(row: &Draft) -> Value {
    json!({
        "id": row.id, "user_id": row.user, "channel_id": row.channel, "thread_ts": row.thread, "text": row.text,
        "created_at": time(row.created_at),
    })
}

pub(crate) fn surface(row: &Surface) -> Value {
    json!({ "id": row.id, "user_id": row.user, "hash": row.hash, "root_view_id": row.root, "view_json": row.body.to_string() })
}
