//! Reading messages: a channel's history, and a thread.

use pome_twin_kit::Action;
use serde::Deserialize;
use serde_json::{Map, Value, json};

use super::{Actor, Answer, Cx, Error, Flag, Int, Outcome, access, given, is_set, refuse};
use crate::Slack;
use crate::cursor::Page;
use crate::state::{Channel, Message};
use crate::ts::Ts;
use crate::views::messages::{self, Sight};

/// A span of time, `oldest` and `latest` left out unless `inclusive`.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Span {
    from: Ts,
    to: Ts,
}

impl Span {
    pub(crate) fn new(oldest: Option<&String>, latest: Option<&String>, inclusive: bool) -> Result<Self, Error> {
        let read = |text: Option<&String>, code: &'static str| match given(text) {
            None | Some("0" | "now") => Ok(None),
            Some(text) => Ts::parse(text).map(Some).ok_or_else(|| Error::new(code)),
        };
        let (oldest, latest) = (read(oldest, "invalid_ts_oldest")?, read(latest, "invalid_ts_latest")?);
        let step = u64::from(!inclusive);
        let from = oldest.map_or(Ts::MIN, |ts| Ts(ts.0.saturating_add(step)));
        let to = latest.map_or(Ts::MAX, |ts| Ts(ts.0.saturating_sub(step)));
        Ok(Self { from, to })
    }

    const fn is_empty(self) -> bool {
        self.from.0 > self.to.0
    }
}

fn shown(cx: &Cx<'_>, actor: &Actor, message: &Message, metadata: bool) -> Value {
    let sight = Sight { viewer: &actor.id, context: true, metadata, origin: cx.origin };
    messages::message(cx.state, message, sight)
}

/// A message of a person as the history shows it, with the name that the person's client gave it.
fn with_client(cx: &Cx<'_>, actor: &Actor, message: &Message, metadata: bool) -> Value {
    let mut value = crate::views::object(shown(cx, actor, message, metadata));
    if message.bot_id.is_none() && !message.is_tombstone() {
        value.insert("client_msg_id".to_owned(), messages::client_id(message).into());
    }
    Value::Object(value)
}

/// The messages of a channel, newest first, without replies that stayed in their thread.
#[derive(Deserialize)]
pub(crate) struct History {
    pub(crate) channel: Option<String>,
    pub(crate) cursor: Option<String>,
    pub(crate) inclusive: Option<Flag>,
    pub(crate) latest: Option<String>,
    pub(crate) limit: Option<Int>,
    pub(crate) oldest: Option<String>,
    pub(crate) include_all_metadata: Option<Flag>,
    #[serde(skip)]
    pub(crate) tool: Option<ToolReading>,
}

/// How the tools ask.
#[derive(Debug, Clone, Copy)]
pub(crate) struct ToolReading {
    pub(crate) concise: bool,
    pub(crate) most: usize,
}

impl Action<Slack> for History {
    const NAME: &'static str = "conversations.history";
    type Output = Answer;

    fn run(self, cx: &mut Cx<'_>) -> Outcome {
        let actor = access::actor(cx)?;
        let channel = match self.tool {
            // The tool also takes a user, whose direct conversation is read.
            Some(_) => read_direct(cx, &actor, given(self.channel.as_ref()))?,
            None => access::readable(cx, &actor, given(self.channel.as_ref()))?,
        };
        let span = Span::new(self.oldest.as_ref(), self.latest.as_ref(), is_set(self.inclusive))?;
        let most = self.tool.map_or(999, |tool| tool.most);
        let page = Page::new("next_ts", self.limit, 100, most, self.cursor.as_ref()).descending();
        let start = page.start()?.map(|key| Ts::parse(&key).ok_or_else(|| Error::new("invalid_cursor"))).transpose()?;
        let to = start.map_or(span.to, |start| start.min(span.to));
        let span = Span { to, ..span };
        let mut rows: Vec<&Message> = Vec::new();
        if !span.is_empty() {
            let all = cx.state.messages_between(&channel.id, span.from, span.to).rev();
            let top = all.filter(|message| message.thread.is_none() || message.is_broadcast());
            rows.extend(top.take(page.limit + 1));
        }
        let next = if rows.len() > page.limit { rows.pop() } else { None };
        let next = next.map(|message| page.next(&message.ts.to_string()));
        let concise = self.tool.is_some_and(|tool| tool.concise);
        let list: Vec<Value> = rows
            .iter()
            .map(|message| {
                if concise {
                    brief(cx, message)
                } else {
                    with_client(cx, &actor, message, is_set(self.include_all_metadata))
                }
            })
            .collect();
        let of = channel.id.clone();
        let pins = cx.state.pins.prefix((of.clone(), Ts::MIN), move |(channel, _)| *channel == of).count();
        let answer = Answer::ok().with("messages", list).with("has_more", next.is_some()).with("pin_count", pins);
        let answer = answer.with("channel_actions_count", 0);
        // The vendor repeats the ends of the span that it went by.
        let answer = answer.maybe("latest", self.latest.filter(|ts| !ts.is_empty()));
        let answer = answer.maybe("oldest", self.oldest.filter(|ts| !ts.is_empty()));
        let answer = paged(answer, next);
        Ok(answer.tool("channel_id", channel.id))
    }
}

fn paged(answer: Answer, next: Option<String>) -> Answer {
    let Some(next) = next else { return answer.tool("pagination_info", json!({ "next_cursor": "" })) };
    answer.cursor(&next).tool("pagination_info", json!({ "next_cursor": next }))
}

/// A message in a few words.
fn brief(cx: &Cx<'_>, message: &Message) -> Value {
    let name = cx.state.users.get(&message.user).map(|user| user.shown().to_owned());
    let replies = cx.state.replies(&message.channel, message.ts).count();
    let mut value = Map::new();
    value.insert("user".to_owned(), message.user.clone().into());
    value.insert("user_name".to_owned(), message.username.clone().or(name).into());
    value.insert("ts".to_owned(), message.ts.into());
    value.insert("text".to_owned(), message.text.clone().into());
    if replies > 0 {
        value.insert("reply_count".to_owned(), replies.into());
    }
    Value::Object(value)
}

/// A channel, or the direct conversation with a user.
fn read_direct(cx: &Cx<'_>, actor: &Actor, wanted: Option<&str>) -> Result<Channel, Error> {
    let missing = match access::readable(cx, actor, wanted) {
        Ok(channel) => return Ok(channel),
        Err(error) => error,
    };
    let other = wanted.filter(|id| cx.state.users.contains(&(*id).to_owned()));
    let Some(other) = other else { return Err(missing) };
    let mut ids = vec![other.to_owned(), actor.id.clone()];
    ids.sort();
    ids.dedup();
    cx.state.direct(&ids.join(",")).cloned().ok_or(missing)
}

/// A thread: its root, then its replies, oldest first.
#[derive(Deserialize)]
pub(crate) struct Replies {
    pub(crate) channel: Option<String>,
    pub(crate) ts: Option<String>,
    pub(crate) cursor: Option<String>,
    pub(crate) inclusive: Option<Flag>,
    pub(crate) latest: Option<String>,
    pub(crate) limit: Option<Int>,
    pub(crate) oldest: Option<String>,
    pub(crate) include_all_metadata: Option<Flag>,
    #[serde(skip)]
    pub(crate) tool: Option<ToolReading>,
}

impl Action<Slack> for Replies {
    const NAME: &'static str = "conversations.replies";
    type Output = Answer;

    fn run(self, cx: &mut Cx<'_>) -> Outcome {
        let actor = access::actor(cx)?;
        let ts = given(self.ts.as_ref()).ok_or_else(|| Error::missing("ts"))?;
        let channel = access::readable(cx, &actor, given(self.channel.as_ref()))?;
        let Some(root) = Ts::parse(ts).and_then(|ts| cx.state.message(&channel.id, ts)) else {
            return refuse("thread_not_found");
        };
        let span = Span::new(self.oldest.as_ref(), self.latest.as_ref(), is_set(self.inclusive))?;
        let most = self.tool.map_or(1000, |tool| tool.most);
        let page = Page::new("next_ts", self.limit, 1000, most, self.cursor.as_ref());
        let start = page.start()?.map(|key| Ts::parse(&key).ok_or_else(|| Error::new("invalid_cursor"))).transpose()?;
        let mut rows: Vec<&Message> = Vec::new();
        // A reply by itself is a thread of one. The root is always shown, on every page.
        if root.thread.is_none() {
            let from = start.map_or(span.from, |start| start.max(span.from));
            let replies = cx.state.replies(&channel.id, root.ts);
            rows.extend(replies.filter(|reply| reply.ts >= from && reply.ts <= span.to).take(page.limit + 1));
        }
        let next = if rows.len() > page.limit { rows.pop() } else { None };
        let next = next.map(|message| page.next(&message.ts.to_string()));
        let concise = self.tool.is_some_and(|tool| tool.concise);
        let list: Vec<Value> = std::iter::once(&root)
            .chain(&rows)
            .map(|message| {
                if concise { brief(cx, message) } else { shown(cx, &actor, message, is_set(self.include_all_metadata)) }
            })
            .collect();
        let answer = paged(Answer::ok().with("messages", list).with("has_more", next.is_some()), next);
        Ok(answer.tool("channel_id", channel.id))
    }
}
