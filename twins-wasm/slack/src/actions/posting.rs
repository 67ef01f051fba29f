//! What every way of writing a message has in common.

use serde_json::{Value, json};

use super::{Actor, Cx, Error, Structured, access, refuse};
use crate::blocks::{self, Place};
use crate::export;
use crate::markdown;
use crate::state::{Channel, Message};
use crate::text::{self, Reading};
use crate::ts::Ts;
use crate::views::messages::{self, Sight};
use crate::views::users::APP;

/// The content of a message as it was sent.
#[derive(Debug, Default)]
pub(crate) struct Content {
    pub(crate) text: Option<String>,
    pub(crate) markdown: Option<String>,
    pub(crate) blocks: Option<Structured>,
    pub(crate) attachments: Option<Structured>,
    pub(crate) metadata: Option<Structured>,
    pub(crate) reading: Reading,
}

/// Content that was found good.
#[derive(Debug, Default, Clone)]
pub(crate) struct Good {
    pub(crate) text: Option<String>,
    pub(crate) blocks: Option<Vec<Value>>,
    pub(crate) attachments: Option<Vec<Value>>,
    pub(crate) metadata: Option<Value>,
}

impl Good {
    /// Nothing that people could see.
    pub(crate) fn is_empty(&self) -> bool {
        let none = |rows: &Option<Vec<Value>>| rows.as_ref().is_none_or(Vec::is_empty);
        self.text.as_ref().is_none_or(|text| text.trim().is_empty()) && none(&self.blocks) && none(&self.attachments)
    }

    /// The text, or what the blocks say.
    pub(crate) fn words(&self) -> String {
        match self.text.as_ref().filter(|text| !text.is_empty()) {
            Some(text) => text.clone(),
            None => text::of_blocks(self.blocks.as_deref().unwrap_or_default()),
        }
    }
}

/// Checks content, in the vendor's order. `seed` identifies the message.
pub(crate) fn accept(cx: &Cx<'_>, content: Content, seed: &str) -> Result<Good, Error> {
    let mut good = Good::default();
    if content.markdown.as_ref().is_some_and(|text| !text.is_empty()) {
        let both = content.text.as_ref().is_some_and(|text| !text.is_empty()) || content.blocks.is_some();
        if both {
            return refuse("markdown_text_conflict");
        }
    }
    let markdown = content.markdown.filter(|text| !text.is_empty()).map(|text| {
        if text.chars().count() > 12_000 { Err(Error::new("msg_too_long")) } else { Ok(markdown::to_mrkdwn(&text)) }
    });
    let sent = match markdown {
        Some(text) => Some(text?),
        None => content.text,
    };
    if let Some(blocks) = content.blocks {
        let items = blocks.items().map_err(|()| {
            Error::validation("invalid_blocks_format", &["must be an array [json-pointer:/blocks]".to_owned()])
        })?;
        good.blocks = Some(blocks::accept(items, Place::Message, seed)?);
    }
    if let Some(attachments) = content.attachments {
        let items = attachments.items().map_err(|()| Error::new("invalid_attachments"))?;
        good.attachments = Some(attached(items, seed)?);
    }
    if let Some(metadata) = content.metadata {
        let members = match metadata {
            Structured::Given(Value::Null) => None,
            metadata => Some(metadata.object().ok_or_else(|| Error::new("invalid_metadata_format"))?),
        };
        if let Some(members) = members {
            let named = members.get("event_type").is_some_and(Value::is_string);
            if !named || !members.get("event_payload").is_some_and(Value::is_object) {
                return refuse("invalid_metadata_schema");
            }
            good.metadata = Some(Value::Object(members));
        }
    }
    if let Some(text) = sent {
        if text.chars().count() > text::MOST {
            return refuse("msg_too_long");
        }
        good.text = Some(text::store(cx.state, &text, content.reading));
    }
    Ok(good)
}

/// Attachments, numbered and with what notifications say of them.
fn attached(items: Vec<Value>, seed: &str) -> Result<Vec<Value>, Error> {
    if items.len() > 100 {
        return refuse("too_many_attachments");
    }
    let mut out = Vec::new();
    for (at, item) in items.into_iter().enumerate() {
        let Value::Object(mut members) = item else { return refuse("invalid_attachments") };
        if let Some(Value::Array(items)) = members.remove("blocks") {
            let accepted = blocks::accept(items, Place::Message, &format!("{seed}/a{at}"))?;
            members.insert("blocks".to_owned(), accepted.into());
        }
        if let Some(color) = members.get("color").and_then(Value::as_str) {
            let plain = color.trim_start_matches('#').to_owned();
            members.insert("color".to_owned(), plain.into());
        }
        members.insert("id".to_owned(), (at + 1).into());
        let said = ["text", "title", "pretext"].iter().find_map(|key| members.get(*key)?.as_str().map(str::to_owned));
        members.entry("fallback").or_insert_with(|| said.unwrap_or_else(|| "[no preview available]".to_owned()).into());
        out.push(Value::Object(members));
    }
    Ok(out)
}

/// The root of the thread that a reply goes to: a reply to a reply goes to the root.
pub(crate) fn root(cx: &Cx<'_>, channel: &Channel, thread: Option<&str>) -> Result<Option<Ts>, Error> {
    let Some(thread) = thread else { return Ok(None) };
    let ts = Ts::parse(thread).ok_or_else(|| Error::new("thread_not_found"))?;
    let message = cx.state.message(&channel.id, ts).ok_or_else(|| Error::new("thread_not_found"))?;
    Ok(Some(message.thread.unwrap_or(message.ts)))
}

/// Another name and picture than the author's.
#[derive(Debug, Default, Clone)]
pub(crate) struct Guise {
    pub(crate) username: Option<String>,
    pub(crate) icon_emoji: Option<String>,
    pub(crate) icon_url: Option<String>,
}

impl Guise {
    fn is_plain(&self) -> bool {
        self.username.is_none() && self.icon_emoji.is_none() && self.icon_url.is_none()
    }
}

/// A message of the caller that is ready to be put in its place.
pub(crate) fn compose(cx: &mut Cx<'_>, actor: &Actor, channel: &Channel, good: Good, thread: Option<Ts>) -> Message {
    let now = cx.now();
    let ts = cx.state.next_ts(now);
    let bot = cx.state.users.get(&actor.id).and_then(crate::state::User::bot_id);
    let app = bot.is_some().then(|| APP.to_owned());
    Message {
        channel: channel.id.clone(),
        ts,
        user: actor.id.clone(),
        text: good.words(),
        thread,
        blocks: good.blocks.unwrap_or_default(),
        attachments: good.attachments.unwrap_or_default(),
        metadata: good.metadata,
        bot_id: bot,
        app_id: app,
        ..Message::default()
    }
}

/// Shows a message under another name.
pub(crate) fn disguise(message: &mut Message, actor: &Actor, guise: Guise) -> Result<(), Error> {
    if guise.is_plain() {
        return Ok(());
    }
    if !actor.has_scope("chat:write.customize") {
        return Err(crate::scopes::missing("chat:write.customize", actor));
    }
    if guise.username.is_some() {
        message.subtype = Some("bot_message".to_owned());
    }
    message.username = guise.username;
    message.icon_emoji = guise.icon_emoji.map(|name| format!(":{}:", name.trim_matches(':')));
    message.icon_url = guise.icon_url;
    Ok(())
}

/// Puts a message in its place and reports it.
pub(crate) fn publish(cx: &mut Cx<'_>, message: Message) {
    reopen(cx, &message.channel);
    let row = export::message(cx.state, &message);
    cx.state.put(message);
    cx.changed(None, Some(row));
}

/// A direct conversation that somebody had closed comes back with the next message.
pub(crate) fn reopen(cx: &mut Cx<'_>, channel: &str) {
    let of = channel.to_owned();
    let direct = cx.state.channels.get(&of).is_some_and(|channel| channel.kind.is_direct());
    if !direct {
        return;
    }
    let rows = cx.state.members.prefix((of.clone(), String::new()), move |(channel, _)| *channel == of);
    let closed: Vec<_> = rows.filter(|(_, member)| member.closed).map(|(key, _)| key.clone()).collect();
    for key in closed {
        if let Some(member) = cx.state.members.get_mut(&key) {
            member.closed = false;
        }
    }
}

/// A message as the answer to who wrote it.
pub(crate) fn written(cx: &Cx<'_>, actor: &Actor, message: &Message) -> Value {
    let sight = Sight { viewer: &actor.id, context: false, metadata: true, origin: cx.origin };
    messages::message(cx.state, message, sight)
}

/// The message that an argument names, in a channel that the caller can see.
pub(crate) fn found(
    cx: &Cx<'_>,
    actor: &Actor,
    channel: Option<&str>,
    ts: Option<&String>,
    code: &'static str,
) -> Result<(Channel, Message), Error> {
    let channel = access::channel(cx, actor, channel)?;
    let ts = ts.and_then(|ts| Ts::parse(ts)).ok_or_else(|| Error::new(code))?;
    let message = cx.state.message(&channel.id, ts).filter(|message| !message.is_tombstone());
    let message = message.cloned().ok_or_else(|| Error::new("message_not_found"))?;
    Ok((channel, message))
}

/// The link that the tools give back.
pub(crate) fn link(cx: &Cx<'_>, message: &Message) -> Value {
    json!(messages::permalink(cx.state, message))
}
