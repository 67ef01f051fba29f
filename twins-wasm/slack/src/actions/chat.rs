//! Writing, changing and taking back messages.

use pome_twin_kit::Action;
use serde::Deserialize;
use serde_json::{Value, json};

use super::posting::{self, Content, Guise};
use super::{Answer, Cx, Error, Flag, Outcome, Structured, access, given, is_set, refuse};
use crate::Slack;
use crate::export;
use crate::state::{Ephemeral, Message};
use crate::text::Reading;
use crate::ts::Ts;
use crate::views::messages;

/// Writes a message.
#[derive(Deserialize)]
pub(crate) struct Post {
    pub(crate) channel: Option<String>,
    pub(crate) text: Option<String>,
    pub(crate) markdown_text: Option<String>,
    pub(crate) blocks: Option<Structured>,
    pub(crate) attachments: Option<Structured>,
    pub(crate) metadata: Option<Structured>,
    pub(crate) thread_ts: Option<String>,
    pub(crate) reply_broadcast: Option<Flag>,
    pub(crate) icon_emoji: Option<String>,
    pub(crate) icon_url: Option<String>,
    pub(crate) username: Option<String>,
    pub(crate) link_names: Option<Flag>,
    pub(crate) parse: Option<String>,
    /// The draft that this message was; it goes away.
    #[serde(skip)]
    pub(crate) draft: Option<String>,
}

pub(crate) fn reading(link_names: Option<Flag>, parse: Option<&String>) -> Reading {
    let parse = parse.map(String::as_str);
    Reading { link_names: is_set(link_names) || parse == Some("full"), plain: parse == Some("none") }
}

/// Identifies a message before it has its `ts`.
pub(crate) fn seed(cx: &Cx<'_>) -> String {
    format!("{}/{}", cx.now().0, cx.state.messages.len())
}

impl Action<Slack> for Post {
    const NAME: &'static str = "chat.postMessage";
    const MUTATES: bool = true;
    type Output = Answer;

    fn run(self, cx: &mut Cx<'_>) -> Outcome {
        let actor = access::actor(cx)?;
        let channel = access::destination(cx, &actor, given(self.channel.as_ref()))?;
        access::open(&channel)?;
        let content = Content {
            text: self.text,
            markdown: self.markdown_text,
            blocks: self.blocks,
            attachments: self.attachments,
            metadata: self.metadata,
            reading: reading(self.link_names, self.parse.as_ref()),
        };
        let good = posting::accept(cx, content, &seed(cx))?;
        if good.is_empty() {
            return refuse("no_text");
        }
        access::may_post(cx, &actor, &channel)?;
        let root = posting::root(cx, &channel, given(self.thread_ts.as_ref()))?;
        let guise = Guise {
            username: self.username.filter(|name| !name.is_empty()),
            icon_emoji: self.icon_emoji.filter(|name| !name.is_empty()),
            icon_url: self.icon_url.filter(|url| !url.is_empty()),
        };
        let mut message = posting::compose(cx, &actor, &channel, good, root);
        posting::disguise(&mut message, &actor, guise)?;
        if root.is_some() && is_set(self.reply_broadcast) {
            message.subtype = Some("thread_broadcast".to_owned());
        }
        posting::publish(cx, message.clone());
        if let Some(draft) = self.draft {
            cx.state.drafts.remove(&draft);
        }
        let answer = Answer::ok().with("channel", channel.id.clone()).with("ts", message.ts);
        let answer = answer.with("message", posting::written(cx, &actor, &message));
        Ok(answer.tool("channel_id", channel.id).tool("message_link", posting::link(cx, &message)))
    }
}

/// Writes a message in the third person: `/me`.
#[derive(Deserialize)]
pub(crate) struct Me {
    channel: Option<String>,
    text: Option<String>,
}

impl Action<Slack> for Me {
    const NAME: &'static str = "chat.meMessage";
    const MUTATES: bool = true;
    type Output = Answer;

    fn run(self, cx: &mut Cx<'_>) -> Outcome {
        let actor = access::actor(cx)?;
        let channel = access::channel(cx, &actor, given(self.channel.as_ref()))?;
        access::open(&channel)?;
        let content = Content { text: self.text, ..Content::default() };
        let good = posting::accept(cx, content, &seed(cx))?;
        if good.is_empty() {
            return refuse("no_text");
        }
        access::member(cx, &actor, &channel)?;
        let mut message = posting::compose(cx, &actor, &channel, good, None);
        message.subtype = Some("me_message".to_owned());
        posting::publish(cx, message.clone());
        Ok(Answer::ok().with("channel", channel.id).with("ts", message.ts))
    }
}

/// Writes a message that only one user sees.
#[derive(Deserialize)]
pub(crate) struct PostEphemeral {
    channel: Option<String>,
    user: Option<String>,
    text: Option<String>,
    markdown_text: Option<String>,
    blocks: Option<Structured>,
    attachments: Option<Structured>,
    thread_ts: Option<String>,
    link_names: Option<Flag>,
    parse: Option<String>,
}

impl Action<Slack> for PostEphemeral {
    const NAME: &'static str = "chat.postEphemeral";
    const MUTATES: bool = true;
    type Output = Answer;

    fn run(self, cx: &mut Cx<'_>) -> Outcome {
        let actor = access::actor(cx)?;
        let channel = access::destination(cx, &actor, given(self.channel.as_ref()))?;
        access::open(&channel)?;
        let content = Content {
            text: self.text,
            markdown: self.markdown_text,
            blocks: self.blocks,
            attachments: self.attachments,
            metadata: None,
            reading: reading(self.link_names, self.parse.as_ref()),
        };
        let good = posting::accept(cx, content, &seed(cx))?;
        if good.is_empty() {
            return refuse("no_text");
        }
        access::may_post(cx, &actor, &channel)?;
        let to = access::user(cx, given(self.user.as_ref()))
            .map_err(|error| error.renamed("user_not_found", "user_not_in_channel"))?;
        if !cx.state.is_member(&channel.id, &to.id) {
            return refuse("user_not_in_channel");
        }
        let thread = posting::root(cx, &channel, given(self.thread_ts.as_ref()))?;
        let now = cx.now();
        let ts = cx.state.next_ts(now);
        let row = Ephemeral {
            channel: channel.id.clone(),
            ts,
            to: to.id,
            from: actor.id,
            text: good.words(),
            thread,
            blocks: good.blocks.unwrap_or_default(),
        };
        cx.changed(None, Some(export::ephemeral(&row)));
        cx.state.ephemerals.insert((channel.id, ts), row);
        Ok(Answer::ok().with("message_ts", ts))
    }
}

/// Changes a message of the caller.
#[derive(Deserialize)]
pub(crate) struct Update {
    channel: Option<String>,
    ts: Option<String>,
    text: Option<String>,
    markdown_text: Option<String>,
    blocks: Option<Structured>,
    attachments: Option<Structured>,
    metadata: Option<Structured>,
    file_ids: Option<super::List>,
    reply_broadcast: Option<Flag>,
    link_names: Option<Flag>,
    parse: Option<String>,
}

impl Action<Slack> for Update {
    const NAME: &'static str = "chat.update";
    const MUTATES: bool = true;
    type Output = Answer;

    fn run(self, cx: &mut Cx<'_>) -> Outcome {
        let actor = access::actor(cx)?;
        let channel = access::channel(cx, &actor, given(self.channel.as_ref()))?;
        access::open(&channel)?;
        let (channel, message) = posting::found(cx, &actor, Some(&channel.id), self.ts.as_ref(), "message_not_found")?;
        if message.user != actor.id || message.subtype.as_deref() == Some("me_message") {
            return refuse("cant_update_message");
        }
        let content = Content {
            text: self.text,
            markdown: self.markdown_text,
            blocks: self.blocks,
            attachments: self.attachments,
            metadata: self.metadata,
            reading: reading(self.link_names, self.parse.as_ref()),
        };
        let untouched = content.text.is_none()
            && content.markdown.is_none()
            && content.blocks.is_none()
            && content.attachments.is_none();
        let good = posting::accept(cx, content, &format!("{}/{}", channel.id, message.ts))?;
        let mut next = message.clone();
        if !untouched {
            // New text without blocks takes the old blocks away; attachments stay unless they are named.
            match (&good.text, &good.blocks) {
                (Some(text), None) => {
                    next.text.clone_from(text);
                    next.blocks.clear();
                }
                (_, Some(blocks)) => {
                    next.blocks.clone_from(blocks);
                    next.text = good.words();
                }
                (None, None) => {}
            }
            if let Some(attachments) = good.attachments {
                next.attachments = attachments;
            }
            if next.text.trim().is_empty()
                && next.blocks.is_empty()
                && next.attachments.is_empty()
                && next.files.is_empty()
            {
                return refuse("no_text");
            }
        }
        if good.metadata.is_some() {
            next.metadata = good.metadata;
        }
        if let Some(files) = self.file_ids {
            next.files = files.0;
        }
        if is_set(self.reply_broadcast) && next.thread.is_some() {
            next.subtype = Some("thread_broadcast".to_owned());
        }
        let now = cx.now();
        next.edited = Some((actor.id.clone(), cx.state.next_ts(now)));
        let before = export::message(cx.state, &message);
        cx.state.put(next.clone());
        let after = export::message(cx.state, &next);
        cx.changed(Some(before), Some(after));
        let answer = Answer::ok().with("channel", channel.id).with("ts", next.ts).with("text", next.text.clone());
        // The message comes without its time, which stands beside it.
        let mut shown = crate::views::object(posting::written(cx, &actor, &next));
        shown.shift_remove("ts");
        Ok(answer.with("message", shown))
    }
}

/// Takes back a message of the caller. A root with replies leaves a mark behind.
#[derive(Deserialize)]
pub(crate) struct Delete {
    channel: Option<String>,
    ts: Option<String>,
}

impl Action<Slack> for Delete {
    const NAME: &'static str = "chat.delete";
    const MUTATES: bool = true;
    type Output = Answer;

    fn run(self, cx: &mut Cx<'_>) -> Outcome {
        let actor = access::actor(cx)?;
        let (channel, message) =
            posting::found(cx, &actor, given(self.channel.as_ref()), self.ts.as_ref(), "message_not_found")?;
        if message.user != actor.id {
            return refuse("cant_delete_message");
        }
        let before = export::message(cx.state, &message);
        erase(cx, &message);
        let left = cx.state.message(&channel.id, message.ts).map(|left| export::message(cx.state, left));
        cx.changed(Some(before), left);
        Ok(Answer::ok().with("channel", channel.id).with("ts", message.ts))
    }
}

/// Takes a message away with its reactions and its pin.
fn erase(cx: &mut Cx<'_>, message: &Message) {
    let (channel, ts) = message.key();
    let of = (channel.clone(), ts, String::new(), String::new());
    let own = |key: &(String, Ts, String, String)| key.0 == channel && key.1 == ts;
    let reactions: Vec<_> = cx.state.reactions.prefix(of, own).map(|(key, _)| key.clone()).collect();
    for key in reactions {
        cx.state.reactions.remove(&key);
    }
    cx.state.pins.remove(&message.key());
    let saved: Vec<_> =
        cx.state.saved.keys().filter(|(_, at, item)| *at == channel && *item == ts.to_string()).cloned().collect();
    for key in saved {
        cx.state.saved.remove(&key);
    }
    if cx.state.replies(&channel, ts).next().is_some() {
        let mark = Message {
            channel,
            ts,
            user: "USLACKBOT".to_owned(),
            text: "This message was deleted.".to_owned(),
            subtype: Some("tombstone".to_owned()),
            ..Message::default()
        };
        cx.state.put(mark);
        return;
    }
    cx.state.messages.remove(&message.key());
    let Some(root) = message.thread else { return };
    cx.state.threads.remove(&(channel.clone(), root, ts));
    // A mark without replies is nothing.
    let lonely = cx.state.message(&channel, root).is_some_and(Message::is_tombstone);
    if lonely && cx.state.replies(&channel, root).next().is_none() {
        cx.state.messages.remove(&(channel, root));
    }
}

/// The address of a message.
#[derive(Deserialize)]
pub(crate) struct Permalink {
    channel: Option<String>,
    message_ts: Option<String>,
}

impl Action<Slack> for Permalink {
    const NAME: &'static str = "chat.getPermalink";
    type Output = Answer;

    fn run(self, cx: &mut Cx<'_>) -> Outcome {
        let actor = access::actor(cx)?;
        let (channel, message) =
            posting::found(cx, &actor, given(self.channel.as_ref()), self.message_ts.as_ref(), "message_not_found")?;
        let link = messages::permalink(cx.state, &message);
        Ok(Answer::ok().with("channel", channel.id).with("permalink", link))
    }
}

/// Adds previews to the links of a message.
#[derive(Deserialize)]
pub(crate) struct Unfurl {
    channel: Option<String>,
    ts: Option<String>,
    unfurls: Option<Structured>,
}

impl Action<Slack> for Unfurl {
    const NAME: &'static str = "chat.unfurl";
    const MUTATES: bool = true;
    type Output = Answer;

    fn run(self, cx: &mut Cx<'_>) -> Outcome {
        let actor = access::actor(cx)?;
        let (_, message) =
            posting::found(cx, &actor, given(self.channel.as_ref()), self.ts.as_ref(), "cannot_find_message")?;
        let Some(unfurls) = self.unfurls.and_then(Structured::object).filter(|unfurls| !unfurls.is_empty()) else {
            return refuse("missing_unfurls");
        };
        let mut next = message.clone();
        for (url, unfurl) in unfurls {
            if !message.text.contains(&crate::text::escape(&url)) && !message.text.contains(&url) {
                return refuse("cannot_unfurl_url");
            }
            let Value::Object(mut unfurl) = unfurl else { return refuse("cannot_unfurl_message") };
            unfurl.insert("id".to_owned(), (next.attachments.len() + 1).into());
            unfurl.insert("from_url".to_owned(), url.clone().into());
            unfurl.insert("original_url".to_owned(), url.into());
            unfurl.entry("fallback").or_insert_with(|| "[no preview available]".into());
            next.attachments.push(Value::Object(unfurl));
        }
        let before = export::message(cx.state, &message);
        let after = export::message(cx.state, &next);
        cx.state.put(next);
        cx.changed(Some(before), Some(after));
        Ok(Answer::ok())
    }
}

/// Begins a message that is written bit by bit, as a reply.
#[derive(Deserialize)]
pub(crate) struct StartStream {
    channel: Option<String>,
    thread_ts: Option<String>,
    markdown_text: Option<String>,
}

impl Action<Slack> for StartStream {
    const NAME: &'static str = "chat.startStream";
    const MUTATES: bool = true;
    type Output = Answer;

    fn run(self, cx: &mut Cx<'_>) -> Outcome {
        let actor = access::actor(cx)?;
        let channel = access::destination(cx, &actor, given(self.channel.as_ref()))?;
        access::open(&channel)?;
        access::may_post(cx, &actor, &channel)?;
        let thread = given(self.thread_ts.as_ref()).ok_or_else(|| Error::missing("thread_ts"))?;
        let root = posting::root(cx, &channel, Some(thread))?;
        let content = Content { markdown: self.markdown_text, ..Content::default() };
        let good = posting::accept(cx, content, &seed(cx))?;
        let mut message = posting::compose(cx, &actor, &channel, good, root);
        message.streaming = true;
        posting::publish(cx, message.clone());
        Ok(Answer::ok().with("channel", channel.id).with("ts", message.ts))
    }
}

/// Goes on with a message that is written bit by bit.
#[derive(Deserialize)]
pub(crate) struct AppendStream {
    channel: Option<String>,
    ts: Option<String>,
    markdown_text: Option<String>,
}

fn streamed(cx: &mut Cx<'_>, channel: Option<&String>, ts: Option<&String>) -> Result<(super::Actor, Message), Error> {
    let actor = access::actor(cx)?;
    let (_, message) = posting::found(cx, &actor, given(channel), ts, "message_not_found")?;
    if message.user != actor.id {
        return refuse("message_not_owned_by_app");
    }
    if !message.streaming {
        return refuse("message_not_in_streaming_state");
    }
    Ok((actor, message))
}

fn extend(cx: &mut Cx<'_>, before: &Message, markdown: Option<String>) -> Result<Message, Error> {
    let mut next = before.clone();
    if markdown.as_ref().is_some_and(|text| !text.is_empty()) {
        let content = Content { markdown, ..Content::default() };
        let more = posting::accept(cx, content, "")?;
        next.text.push_str(&more.words());
    }
    Ok(next)
}

impl Action<Slack> for AppendStream {
    const NAME: &'static str = "chat.appendStream";
    const MUTATES: bool = true;
    type Output = Answer;

    fn run(self, cx: &mut Cx<'_>) -> Outcome {
        let (_, message) = streamed(cx, self.channel.as_ref(), self.ts.as_ref())?;
        if self.markdown_text.as_ref().is_none_or(String::is_empty) {
            return refuse("no_text");
        }
        let next = extend(cx, &message, self.markdown_text)?;
        let (before, after) = (export::message(cx.state, &message), export::message(cx.state, &next));
        cx.state.put(next);
        cx.changed(Some(before), Some(after));
        Ok(Answer::ok().with("channel", message.channel).with("ts", message.ts))
    }
}

/// Finishes a message that was written bit by bit.
#[derive(Deserialize)]
pub(crate) struct StopStream {
    channel: Option<String>,
    ts: Option<String>,
    markdown_text: Option<String>,
    blocks: Option<Structured>,
    metadata: Option<Structured>,
}

impl Action<Slack> for StopStream {
    const NAME: &'static str = "chat.stopStream";
    const MUTATES: bool = true;
    type Output = Answer;

    fn run(self, cx: &mut Cx<'_>) -> Outcome {
        let (actor, message) = streamed(cx, self.channel.as_ref(), self.ts.as_ref())?;
        let mut next = extend(cx, &message, self.markdown_text)?;
        let content = Content { blocks: self.blocks, metadata: self.metadata, ..Content::default() };
        let good = posting::accept(cx, content, &format!("{}/{}", message.channel, message.ts))?;
        if let Some(blocks) = good.blocks {
            next.blocks = blocks;
        }
        if good.metadata.is_some() {
            next.metadata = good.metadata;
        }
        next.streaming = false;
        let (before, after) = (export::message(cx.state, &message), export::message(cx.state, &next));
        cx.state.put(next.clone());
        cx.changed(Some(before), Some(after));
        let answer = Answer::ok().with("channel", next.channel.clone()).with("ts", next.ts);
        Ok(answer.with("message", json!(posting::written(cx, &actor, &next))))
    }
}
