//! From a seed document to a workspace. The structs are the documented schema; unknown keys are ignored.
//!
//! Everything is built in a fixed order at the session's start time. A document that does not fit is refused as a whole and the
//! refusal names the place.

use std::sync::Arc;

use pome_twin_kit::Cx;
use pome_twin_kit::describe::NamedSeed;
use pome_twin_kit::input::{self, InputError, Problem};
use serde::Deserialize;
use serde_json::{Map, Value, json};
use sha2::{Digest, Sha256};

use crate::Slack;
use crate::access;
use crate::error::Error;
use crate::state::{
    Bookmark, Canvas, Channel, Credential, DEFAULT_LOGIN, DEFAULT_USER, File, Heading, Kind, Member, Message, Pin,
    Reaction, Scheduled, Section, Team, User, UserId, Usergroup,
};
use crate::text::{self, Reading};
use crate::ts::Ts;
use crate::views::files::filetype;
use crate::views::users::APP;

pub(crate) const SEEDS: &[NamedSeed] = &[
    NamedSeed {
        name: "default",
        summary: "three users, #general with two messages, an empty #random",
        json: include_str!("../fixtures/seeds/default.json"),
    },
    NamedSeed {
        name: "empty",
        summary: "a workspace with nobody but the agent",
        json: include_str!("../fixtures/seeds/empty.json"),
    },
    NamedSeed {
        name: "incident",
        summary: "an alert, an on-call group, and a private channel that holds a secret",
        json: include_str!("../fixtures/seeds/incident.json"),
    },
    NamedSeed {
        name: "support-inbox",
        summary: "a support channel with three requests, and a direct message",
        json: include_str!("../fixtures/seeds/support-inbox.json"),
    },
];

#[derive(Deserialize)]
struct Document {
    #[serde(default)]
    team: SeedTeam,
    #[serde(default)]
    users: Vec<SeedUser>,
    #[serde(default)]
    channels: Vec<SeedChannel>,
    #[serde(default)]
    dms: Vec<SeedDirect>,
    #[serde(default)]
    files: Vec<SeedFile>,
    #[serde(default)]
    emoji: Vec<SeedEmoji>,
    #[serde(default)]
    canvases: Vec<SeedCanvas>,
    #[serde(default)]
    usergroups: Vec<SeedGroup>,
    #[serde(default)]
    tokens: Vec<SeedToken>,
}

#[derive(Deserialize, Default)]
struct SeedTeam {
    id: Option<String>,
    name: Option<String>,
    domain: Option<String>,
}

#[derive(Deserialize)]
struct SeedUser {
    id: Option<String>,
    name: String,
    #[serde(default)]
    real_name: String,
    email: Option<String>,
    #[serde(default)]
    is_bot: bool,
    #[serde(default)]
    is_admin: bool,
    #[serde(default)]
    deleted: bool,
    tz: Option<String>,
    #[serde(default)]
    profile: Map<String, Value>,
    /// The only scopes that tokens of this user have.
    scopes: Option<Vec<String>>,
    presence: Option<String>,
}

#[derive(Deserialize)]
struct SeedChannel {
    id: Option<String>,
    name: String,
    #[serde(default)]
    is_private: bool,
    #[serde(default)]
    is_archived: bool,
    #[serde(default)]
    topic: String,
    #[serde(default)]
    purpose: String,
    creator: Option<String>,
    #[serde(default)]
    members: Vec<String>,
    #[serde(default)]
    messages: Vec<SeedMessage>,
    #[serde(default)]
    bookmarks: Vec<SeedBookmark>,
    #[serde(default)]
    scheduled_messages: Vec<SeedScheduled>,
}

/// A direct conversation, by its users.
#[derive(Deserialize)]
struct SeedDirect {
    id: Option<String>,
    users: Vec<String>,
    #[serde(default)]
    messages: Vec<SeedMessage>,
}

#[derive(Deserialize)]
struct SeedMessage {
    ts: Option<String>,
    user: String,
    #[serde(default)]
    text: String,
    thread_ts: Option<String>,
    #[serde(default)]
    reactions: Vec<SeedReaction>,
    /// Replies in the thread of this message.
    #[serde(default)]
    replies: Vec<Self>,
    subtype: Option<String>,
    username: Option<String>,
    #[serde(default)]
    blocks: Vec<Value>,
    #[serde(default)]
    attachments: Vec<Value>,
    #[serde(default)]
    edited: bool,
    #[serde(default)]
    pinned: bool,
}

#[derive(Deserialize)]
struct SeedReaction {
    name: String,
    user: String,
}

#[derive(Deserialize)]
struct SeedBookmark {
    title: String,
    link: String,
    #[serde(default)]
    emoji: String,
}

#[derive(Deserialize)]
struct SeedScheduled {
    user: String,
    text: String,
    /// Seconds since 1970.
    post_at: u64,
}

#[derive(Deserialize)]
struct SeedFile {
    id: Option<String>,
    name: String,
    title: Option<String>,
    filetype: Option<String>,
    user: Option<String>,
    #[serde(default)]
    channels: Vec<String>,
    #[serde(default)]
    content: String,
}

#[derive(Deserialize)]
struct SeedEmoji {
    name: String,
    url: Option<String>,
    alias: Option<String>,
}

#[derive(Deserialize)]
struct SeedCanvas {
    id: Option<String>,
    title: String,
    #[serde(default)]
    markdown: String,
    channel: Option<String>,
    user: Option<String>,
}

#[derive(Deserialize)]
struct SeedGroup {
    id: Option<String>,
    name: String,
    handle: Option<String>,
    #[serde(default)]
    description: String,
    #[serde(default)]
    users: Vec<String>,
}

/// A credential that works beside the session's own.
#[derive(Deserialize)]
struct SeedToken {
    token: String,
    user: String,
    scopes: Option<Vec<String>>,
}

/// `/channels/0/messages/2: the reason`
fn fault(pointer: &str, reason: &str) -> Error {
    Error::seed(format!("{pointer}: {reason}"))
}

fn decode(error: &InputError) -> Error {
    let pointer: String =
        error.path.iter().map(|step| format!("/{}", step.replace('~', "~0").replace('/', "~1"))).collect();
    let reason = match &error.problem {
        Problem::Missing => "is missing".to_owned(),
        Problem::Type(expected) => format!("is not {expected}"),
        Problem::Value(reason) => reason.clone(),
        Problem::Undeclared => "is not known here".to_owned(),
    };
    fault(&pointer, &reason)
}

/// The bytes of a seed. What is no JSON object: a form with `seed=`, whose value would have to be a seed, is refused; the rest counts as empty.
pub(crate) fn read(document: &[u8]) -> Result<Value, Error> {
    if let Ok(document @ Value::Object(_)) = serde_json::from_slice(document) {
        return Ok(document);
    }
    let form = std::str::from_utf8(document).unwrap_or_default();
    let seed = input::pairs(form).find(|(name, value)| name == "seed" && !value.is_empty());
    match seed {
        None => Ok(json!({})),
        Some((_, text)) => match serde_json::from_str::<Value>(&text) {
            Ok(seed @ Value::Object(_)) => Ok(seed),
            _ => Err(fault("/seed", "is not an object")),
        },
    }
}

pub(crate) fn apply(document: Value, cx: &mut Cx<'_, Slack>) -> Result<Value, Error> {
    let document = match document {
        Value::Object(mut members) => match members.remove("seed") {
            Some(inner @ Value::Object(_)) => inner,
            Some(_) => return Err(fault("/seed", "is not an object")),
            None => Value::Object(members),
        },
        other => other,
    };
    let document: Document = input::decode_document(document).map_err(|error| decode(&error))?;
    team(cx, &document.team)?;
    for (at, user) in document.users.iter().enumerate() {
        self::user(cx, user, &format!("/users/{at}"))?;
    }
    agent(cx);
    for (at, row) in document.emoji.into_iter().enumerate() {
        emoji(cx, row, &format!("/emoji/{at}"))?;
    }
    for (at, row) in document.channels.into_iter().enumerate() {
        channel(cx, row, &format!("/channels/{at}"))?;
    }
    for (at, row) in document.dms.into_iter().enumerate() {
        direct(cx, row, &format!("/dms/{at}"))?;
    }
    for (at, row) in document.files.into_iter().enumerate() {
        file(cx, row, &format!("/files/{at}"))?;
    }
    for (at, row) in document.canvases.into_iter().enumerate() {
        canvas(cx, row, &format!("/canvases/{at}"))?;
    }
    for (at, row) in document.usergroups.into_iter().enumerate() {
        group(cx, row, &format!("/usergroups/{at}"))?;
    }
    for (at, row) in document.tokens.into_iter().enumerate() {
        let user = known_user(cx, &row.user, &format!("/tokens/{at}/user"))?;
        let digest: [u8; 32] = Sha256::digest(row.token.as_bytes()).into();
        cx.state.credentials.insert(digest, Credential { user, scopes: row.scopes });
    }
    Ok(json!({ "ok": true }))
}

/// Whether an id has one of the beginnings and only capital letters, digits and `_` after it.
fn is_id(id: &str, starts: &[&str]) -> bool {
    let rest = starts.iter().find_map(|start| id.strip_prefix(start));
    let fits = |byte: u8| byte.is_ascii_uppercase() || byte.is_ascii_digit() || byte == b'_';
    rest.is_some_and(|rest| !rest.is_empty() && rest.bytes().all(fits))
}

fn team(cx: &mut Cx<'_, Slack>, row: &SeedTeam) -> Result<(), Error> {
    let id = row.id.clone().unwrap_or_else(|| "T_POME".to_owned());
    if !is_id(&id, &["T"]) {
        return Err(fault("/team/id", "must be `T` and capital letters, digits or `_`"));
    }
    let name = row.name.clone().unwrap_or_else(|| "Pome Twin Workspace".to_owned());
    let domain = row.domain.clone().unwrap_or_else(|| "pome-twin".to_owned());
    cx.state.team.set(Some(Team { id, name, domain }));
    Ok(())
}

fn user(cx: &mut Cx<'_, Slack>, row: &SeedUser, pointer: &str) -> Result<(), Error> {
    if row.name.is_empty() {
        return Err(fault(&format!("{pointer}/name"), "is empty"));
    }
    let id = match &row.id {
        Some(id) if is_id(id, &["U", "B", "W"]) => id.clone(),
        Some(_) => {
            return Err(fault(&format!("{pointer}/id"), "must be `U` or `B` and capital letters, digits or `_`"));
        }
        None => cx.state.id("U"),
    };
    if cx.state.users.contains(&id) {
        return Err(fault(&format!("{pointer}/id"), "is taken by another user"));
    }
    if cx.state.users.values().any(|user| user.name == row.name) {
        return Err(fault(&format!("{pointer}/name"), "is taken by another user"));
    }
    let same_email = |user: &User| row.email.is_some() && user.email == row.email;
    if cx.state.users.values().any(same_email) {
        return Err(fault(&format!("{pointer}/email"), "is taken by another user"));
    }
    let now = cx.now();
    let user = User {
        id: id.clone(),
        name: row.name.clone(),
        real_name: row.real_name.clone(),
        email: row.email.clone().filter(|email| !email.is_empty()),
        is_bot: row.is_bot,
        is_admin: row.is_admin,
        deleted: row.deleted,
        tz: row.tz.clone().unwrap_or_else(|| "America/Los_Angeles".to_owned()),
        profile: row.profile.clone(),
        scopes: row.scopes.clone(),
        away: row.presence.as_deref() == Some("away"),
        snoozed_until: None,
        created_at: now,
        updated_at: now,
    };
    cx.state.users.insert(id, user);
    Ok(())
}

/// The agent is always somebody.
fn agent(cx: &mut Cx<'_, Slack>) {
    let there = cx.state.users.values().any(|user| user.name == DEFAULT_LOGIN || user.id == DEFAULT_USER);
    if there {
        return;
    }
    let now = cx.now();
    let user = User {
        id: DEFAULT_USER.to_owned(),
        name: DEFAULT_LOGIN.to_owned(),
        real_name: "Pome Agent".to_owned(),
        email: Some("pome-agent@pome-twin.slack.com".to_owned()),
        is_bot: false,
        is_admin: true,
        deleted: false,
        tz: "America/Los_Angeles".to_owned(),
        profile: Map::new(),
        scopes: None,
        away: false,
        snoozed_until: None,
        created_at: now,
        updated_at: now,
    };
    cx.state.users.insert(user.id.clone(), user);
}

fn known_user(cx: &Cx<'_, Slack>, wanted: &str, pointer: &str) -> Result<UserId, Error> {
    let user = cx.state.user(wanted).map(|user| user.id.clone());
    user.ok_or_else(|| fault(pointer, &format!("there is no user `{wanted}`")))
}

fn owner(cx: &Cx<'_, Slack>, wanted: Option<&String>, pointer: &str) -> Result<UserId, Error> {
    match wanted {
        Some(wanted) => known_user(cx, wanted, pointer),
        None => Ok(agent_id(cx)),
    }
}

fn agent_id(cx: &Cx<'_, Slack>) -> UserId {
    let agent = cx.state.user(DEFAULT_USER).or_else(|| cx.state.user(DEFAULT_LOGIN));
    agent.map_or_else(|| DEFAULT_USER.to_owned(), |user| user.id.clone())
}

fn emoji(cx: &mut Cx<'_, Slack>, row: SeedEmoji, pointer: &str) -> Result<(), Error> {
    let fits = |byte: u8| byte.is_ascii_lowercase() || byte.is_ascii_digit() || matches!(byte, b'_' | b'+' | b'-');
    if row.name.is_empty() || row.name.len() > 100 || !row.name.bytes().all(fits) {
        return Err(fault(&format!("{pointer}/name"), "must be small letters, digits, `_`, `+` or `-`"));
    }
    let site = cx.state.team.get().as_ref().map(Team::site).unwrap_or_default();
    let value = match (row.alias, row.url) {
        (Some(alias), _) => format!("alias:{alias}"),
        (None, Some(url)) => url,
        (None, None) => format!("{site}/emoji/{}/1.png", row.name),
    };
    cx.state.emoji.insert(row.name, value);
    Ok(())
}

fn channel(cx: &mut Cx<'_, Slack>, row: SeedChannel, pointer: &str) -> Result<(), Error> {
    let fits = |byte: u8| byte.is_ascii_lowercase() || byte.is_ascii_digit() || matches!(byte, b'_' | b'-');
    if row.name.is_empty() || row.name.len() > 80 || !row.name.bytes().all(fits) {
        return Err(fault(&format!("{pointer}/name"), "must be 1 to 80 small letters, digits, `_` or `-`"));
    }
    if cx.state.channels.values().any(|channel| channel.name == row.name) {
        return Err(fault(&format!("{pointer}/name"), "is taken by another channel"));
    }
    let id = match row.id {
        Some(id) if is_id(&id, &["C", "G", "D", "M"]) => id,
        Some(_) => {
            return Err(fault(&format!("{pointer}/id"), "must be `C` or `G` and capital letters, digits or `_`"));
        }
        None => cx.state.id(if row.is_private { "G" } else { "C" }),
    };
    if cx.state.channels.contains(&id) {
        return Err(fault(&format!("{pointer}/id"), "is taken by another channel"));
    }
    let creator = owner(cx, row.creator.as_ref(), &format!("{pointer}/creator"))?;
    let now = cx.now();
    let heading = |value: String, cx: &Cx<'_, Slack>| Heading {
        value: text::store(cx.state, &value, Reading::default()),
        creator: creator.clone(),
        last_set: now.seconds(),
    };
    let channel = Channel {
        id: id.clone(),
        kind: if row.is_private { Kind::Private } else { Kind::Public },
        name: row.name,
        previous_names: Vec::new(),
        topic: heading(row.topic, cx),
        purpose: heading(row.purpose, cx),
        creator: creator.clone(),
        archived: row.is_archived,
        signature: None,
        canvas: None,
        created_at: now,
        updated_at: now,
    };
    cx.state.channels.insert(id.clone(), channel);
    for (at, member) in row.members.iter().enumerate() {
        let user = known_user(cx, member, &format!("{pointer}/members/{at}"))?;
        cx.state.members.insert((id.clone(), user), Member { joined_at: now, last_read: None, closed: false });
    }
    for (at, message) in row.messages.into_iter().enumerate() {
        self::message(cx, &id, message, None, &format!("{pointer}/messages/{at}"))?;
    }
    for bookmark in row.bookmarks {
        let row = Bookmark {
            id: cx.state.id("Bk"),
            channel: id.clone(),
            title: bookmark.title,
            link: bookmark.link,
            emoji: bookmark.emoji,
            kind: "link".to_owned(),
            entity: String::new(),
            by: creator.clone(),
            changed_by: creator.clone(),
            created_at: now,
            updated_at: now,
        };
        cx.state.bookmarks.insert((id.clone(), row.id.clone()), row);
    }
    for (at, planned) in row.scheduled_messages.into_iter().enumerate() {
        let row = Scheduled {
            id: cx.state.id("Q"),
            channel: id.clone(),
            user: known_user(cx, &planned.user, &format!("{pointer}/scheduled_messages/{at}/user"))?,
            text: text::store(cx.state, &planned.text, Reading::default()),
            thread: None,
            broadcast: false,
            blocks: Vec::new(),
            attachments: Vec::new(),
            post_at: planned.post_at,
            created_at: now,
        };
        cx.state.scheduled.insert(row.id.clone(), row);
    }
    Ok(())
}

fn direct(cx: &mut Cx<'_, Slack>, row: SeedDirect, pointer: &str) -> Result<(), Error> {
    let mut ids = Vec::new();
    for (at, user) in row.users.iter().enumerate() {
        ids.push(known_user(cx, user, &format!("{pointer}/users/{at}"))?);
    }
    ids.sort();
    ids.dedup();
    let Some(first) = ids.first().cloned().filter(|_| ids.len() <= 9) else {
        return Err(fault(&format!("{pointer}/users"), "must name 1 to 9 users"));
    };
    let signature = ids.join(",");
    if cx.state.direct(&signature).is_some() {
        return Err(fault(&format!("{pointer}/users"), "have a conversation already"));
    }
    let kind = if ids.len() > 2 { Kind::Group } else { Kind::Direct };
    let mut channel = access::found(cx, kind, &ids, signature, &first);
    if let Some(id) = row.id {
        if !is_id(&id, &["D", "G", "C"]) || cx.state.channels.contains(&id) {
            return Err(fault(&format!("{pointer}/id"), "is not a free id such as `D_ALICE`"));
        }
        cx.state.channels.remove(&channel.id);
        let old = std::mem::replace(&mut channel.id, id.clone());
        for user in &ids {
            if let Some(member) = cx.state.members.remove(&(old.clone(), user.clone())) {
                cx.state.members.insert((id.clone(), user.clone()), member);
            }
        }
        cx.state.channels.insert(id, channel.clone());
    }
    for (at, message) in row.messages.into_iter().enumerate() {
        self::message(cx, &channel.id, message, None, &format!("{pointer}/messages/{at}"))?;
    }
    Ok(())
}

fn message(
    cx: &mut Cx<'_, Slack>,
    channel: &str,
    row: SeedMessage,
    root: Option<Ts>,
    pointer: &str,
) -> Result<(), Error> {
    let ts = match &row.ts {
        Some(text) => Ts::parse(text)
            .ok_or_else(|| fault(&format!("{pointer}/ts"), "is not a time such as `1767225600.000100`"))?,
        None => {
            let now = cx.now();
            cx.state.next_ts(now)
        }
    };
    if cx.state.message(channel, ts).is_some() {
        return Err(fault(&format!("{pointer}/ts"), "is taken by another message of the channel"));
    }
    // What is written later comes later, whatever times the seed has.
    let face = cx.state.clockface.get().after(ts);
    cx.state.clockface.set(face);
    let thread = match (root, &row.thread_ts) {
        (Some(root), _) => Some(root),
        (None, None) => None,
        (None, Some(text)) => {
            let found = Ts::parse(text).and_then(|ts| cx.state.message(channel, ts));
            let found = found
                .ok_or_else(|| fault(&format!("{pointer}/thread_ts"), "names no earlier message of the channel"))?;
            Some(found.thread.unwrap_or(found.ts))
        }
    };
    // A message may be of somebody who is not in the workspace any more.
    let author = cx.state.user(&row.user).cloned();
    let bot = author.as_ref().and_then(User::bot_id);
    let seed = format!("{channel}/{ts}");
    let blocks = if row.blocks.is_empty() {
        Vec::new()
    } else {
        crate::blocks::accept(row.blocks, crate::blocks::Place::Message, &seed)
            .map_err(|error| fault(&format!("{pointer}/blocks"), error.code()))?
    };
    let stored = text::store(cx.state, &row.text, Reading::default());
    let user = author.map_or(row.user, |user| user.id);
    let message = Message {
        channel: channel.to_owned(),
        ts,
        user: user.clone(),
        text: if stored.is_empty() { text::of_blocks(&blocks) } else { stored },
        subtype: row.subtype,
        thread: thread.filter(|root| *root != ts),
        edited: row.edited.then_some((user.clone(), ts)),
        blocks,
        attachments: row.attachments,
        app_id: bot.is_some().then(|| APP.to_owned()),
        bot_id: bot,
        username: row.username,
        ..Message::default()
    };
    cx.state.put(message);
    if row.pinned {
        let at = cx.now();
        cx.state.pins.insert((channel.to_owned(), ts), Pin { by: user, at });
    }
    for (at, reaction) in row.reactions.into_iter().enumerate() {
        let user = known_user(cx, &reaction.user, &format!("{pointer}/reactions/{at}/user"))?;
        let name = reaction.name.trim_matches(':').to_owned();
        let row = Reaction { added_at: cx.now(), order: cx.state.reacted.next() };
        cx.state.reactions.insert((channel.to_owned(), ts, name, user), row);
    }
    for (at, reply) in row.replies.into_iter().enumerate() {
        self::message(cx, channel, reply, Some(thread.unwrap_or(ts)), &format!("{pointer}/replies/{at}"))?;
    }
    Ok(())
}

/// A channel by id or name; unknown ones are left out.
fn known_channel(cx: &Cx<'_, Slack>, wanted: &str) -> Option<String> {
    let name = wanted.strip_prefix('#').unwrap_or(wanted);
    let mut channels = cx.state.channels.values();
    channels.find(|channel| channel.id == wanted || channel.name == name).map(|channel| channel.id.clone())
}

fn file(cx: &mut Cx<'_, Slack>, row: SeedFile, pointer: &str) -> Result<(), Error> {
    let id = match row.id {
        Some(id) if is_id(&id, &["F"]) => id,
        Some(_) => return Err(fault(&format!("{pointer}/id"), "must be `F` and capital letters, digits or `_`")),
        None => cx.state.id("F"),
    };
    if cx.state.files.contains(&id) {
        return Err(fault(&format!("{pointer}/id"), "is taken by another file"));
    }
    let user = owner(cx, row.user.as_ref(), &format!("{pointer}/user"))?;
    let content = row.content.into_bytes();
    let channels = row.channels.iter().filter_map(|wanted| known_channel(cx, wanted)).collect();
    let file = File {
        id: id.clone(),
        user,
        title: row.title.unwrap_or_else(|| row.name.clone()),
        filetype: row.filetype.unwrap_or_else(|| filetype(&row.name, &content)),
        name: row.name,
        content: Arc::new(content),
        alt_text: None,
        channels,
        public_url: false,
        deleted: false,
        created_at: cx.now(),
    };
    cx.state.files.insert(id, file);
    Ok(())
}

fn canvas(cx: &mut Cx<'_, Slack>, row: SeedCanvas, pointer: &str) -> Result<(), Error> {
    let id = match row.id {
        Some(id) if is_id(&id, &["F"]) => id,
        Some(_) => return Err(fault(&format!("{pointer}/id"), "must be `F` and capital letters, digits or `_`")),
        None => cx.state.id("F"),
    };
    let channel = match &row.channel {
        Some(wanted) => {
            let found = known_channel(cx, wanted);
            Some(
                found
                    .ok_or_else(|| fault(&format!("{pointer}/channel"), &format!("there is no channel `{wanted}`")))?,
            )
        }
        None => None,
    };
    let parts: Vec<&str> = row.markdown.split("\n\n").filter(|part| !part.trim().is_empty()).collect();
    let sections = parts.iter().enumerate().map(|(at, part)| {
        let hex = pome_twin_kit::ids::hex_id(&format!("{id}/{at}"));
        Section { id: format!("temp:C:{}", hex.get(..20).unwrap_or_default()), markdown: (*part).to_owned() }
    });
    let canvas = Canvas {
        id: id.clone(),
        title: row.title,
        sections: sections.collect(),
        channel,
        by: owner(cx, row.user.as_ref(), &format!("{pointer}/user"))?,
        access: Vec::new(),
        deleted: false,
        created_at: cx.now(),
        updated_at: cx.now(),
    };
    cx.state.canvases.insert(id, canvas);
    Ok(())
}

fn group(cx: &mut Cx<'_, Slack>, row: SeedGroup, pointer: &str) -> Result<(), Error> {
    let id = match row.id {
        Some(id) if is_id(&id, &["S"]) => id,
        Some(_) => return Err(fault(&format!("{pointer}/id"), "must be `S` and capital letters, digits or `_`")),
        None => cx.state.id("S"),
    };
    let mut users = Vec::new();
    for (at, user) in row.users.iter().enumerate() {
        users.push(known_user(cx, user, &format!("{pointer}/users/{at}"))?);
    }
    let by = agent_id(cx);
    let group = Usergroup {
        id: id.clone(),
        handle: row.handle.unwrap_or_else(|| row.name.to_lowercase().replace(' ', "-")),
        name: row.name,
        description: row.description,
        users,
        channels: Vec::new(),
        by: by.clone(),
        changed_by: by,
        disabled_at: None,
        created_at: cx.now(),
        updated_at: cx.now(),
    };
    cx.state.usergroups.insert(id, group);
    Ok(())
}
