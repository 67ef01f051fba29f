//! Messages that are written later, when the clock gets there.

use pome_twin_kit::Action;
use serde::Deserialize;
use serde_json::{Map, Value, json};

use super::posting::{self, Content, Good};
use super::{Actor, Answer, Cx, Error, Flag, Int, Outcome, Structured, access, given, is_set, refuse};
use crate::Slack;
use crate::cursor::Page;
use crate::export;
use crate::state::{Message, Scheduled};
use crate::views::messages;

/// How far ahead a message may be planned, in seconds.
const FARTHEST: u64 = 120 * 86_400;

/// Plans a message.
#[derive(Deserialize)]
pub(crate) struct Schedule {
    pub(crate) channel: Option<String>,
    pub(crate) text: Option<String>,
    pub(crate) markdown_text: Option<String>,
    pub(crate) post_at: Option<Int>,
    pub(crate) thread_ts: Option<String>,
    pub(crate) reply_broadcast: Option<Flag>,
    pub(crate) blocks: Option<Structured>,
    pub(crate) attachments: Option<Structured>,
    pub(crate) link_names: Option<Flag>,
    pub(crate) parse: Option<String>,
    /// How many seconds ahead is the least; the tools want two minutes.
    #[serde(skip)]
    pub(crate) least: u64,
}

impl Action<Slack> for Schedule {
    const NAME: &'static str = "chat.scheduleMessage";
    const MUTATES: bool = true;
    type Output = Answer;

    fn run(self, cx: &mut Cx<'_>) -> Outcome {
        let actor = access::actor(cx)?;
        let channel = access::destination(cx, &actor, given(self.channel.as_ref()))?;
        access::open(&channel)?;
        let reading = super::chat::reading(self.link_names, self.parse.as_ref());
        let content = Content {
            text: self.text,
            markdown: self.markdown_text,
            blocks: self.blocks,
            attachments: self.attachments,
            metadata: None,
            reading,
        };
        let good = posting::accept(cx, content, &super::chat::seed(cx))?;
        if good.is_empty() {
            return refuse("no_text");
        }
        let now = cx.now().seconds();
        let post_at = self.post_at.and_then(|at| u64::try_from(at.0).ok()).unwrap_or_default();
        if post_at <= now + self.least {
            return refuse("time_in_past");
        }
        if post_at > now + FARTHEST {
            return refuse("time_too_far");
        }
        access::may_post(cx, &actor, &channel)?;
        let near = |row: &&Scheduled| row.channel == channel.id && row.post_at / 300 == post_at / 300;
        if cx.state.scheduled.values().filter(near).count() >= 30 {
            return refuse("restricted_too_many");
        }
        let thread = posting::root(cx, &channel, given(self.thread_ts.as_ref()))?;
        let row = Scheduled {
            id: cx.state.id("Q"),
            channel: channel.id.clone(),
            user: actor.id.clone(),
            text: good.words(),
            thread,
            broadcast: thread.is_some() && is_set(self.reply_broadcast),
            blocks: good.blocks.unwrap_or_default(),
            attachments: good.attachments.unwrap_or_default(),
            post_at,
            created_at: cx.now(),
        };
        let shown = preview(cx, &row);
        cx.changed(None, Some(export::scheduled(&row)));
        cx.state.scheduled.insert(row.id.clone(), row.clone());
        let answer = Answer::ok().with("channel", channel.id.clone()).with("scheduled_message_id", row.id);
        Ok(answer.with("post_at", post_at).with("message", shown).tool("channel_id", channel.id))
    }
}

/// The message that is to come, without a time.
fn preview(cx: &Cx<'_>, row: &Scheduled) -> Value {
    let user = cx.state.users.get(&row.user);
    let message = Message { text: row.text.clone(), blocks: row.blocks.clone(), ..Message::default() };
    let mut value = Map::new();
    value.insert("user".to_owned(), row.user.clone().into());
    value.insert("type".to_owned(), "delayed_message".into());
    if let Some(bot) = user.and_then(crate::state::User::bot_id) {
        value.insert("bot_id".to_owned(), bot.into());
        value.insert("app_id".to_owned(), crate::views::users::APP.into());
    }
    value.insert("text".to_owned(), row.text.clone().into());
    if let Some(team) = cx.state.team.get() {
        value.insert("team".to_owned(), team.id.clone().into());
    }
    value.insert("blocks".to_owned(), messages::shown_blocks(&message).into());
    Value::Object(value)
}

/// Takes a plan back.
#[derive(Deserialize)]
pub(crate) struct Unschedule {
    channel: Option<String>,
    scheduled_message_id: Option<String>,
}

impl Action<Slack> for Unschedule {
    const NAME: &'static str = "chat.deleteScheduledMessage";
    const MUTATES: bool = true;
    type Output = Answer;

    fn run(self, cx: &mut Cx<'_>) -> Outcome {
        let actor = access::actor(cx)?;
        let channel = access::channel(cx, &actor, given(self.channel.as_ref()))?;
        let id = self.scheduled_message_id.unwrap_or_default();
        let own = |row: &&Scheduled| row.channel == channel.id && row.user == actor.id;
        let Some(row) = cx.state.scheduled.get(&id).filter(own).cloned() else {
            return refuse("invalid_scheduled_message_id");
        };
        cx.state.scheduled.remove(&id);
        cx.changed(Some(export::scheduled(&row)), None);
        Ok(Answer::ok())
    }
}

/// What the caller has planned.
#[derive(Deserialize)]
pub(crate) struct Planned {
    channel: Option<String>,
    latest: Option<String>,
    oldest: Option<String>,
    limit: Option<Int>,
    cursor: Option<String>,
}

impl Action<Slack> for Planned {
    const NAME: &'static str = "chat.scheduledMessages.list";
    type Output = Answer;

    fn run(self, cx: &mut Cx<'_>) -> Outcome {
        let actor = access::actor(cx)?;
        let channel = match given(self.channel.as_ref()) {
            Some(channel) => Some(
                access::channel(cx, &actor, Some(channel))
                    .map_err(|error| error.renamed("channel_not_found", "invalid_channel"))?,
            ),
            None => None,
        };
        let time = |text: Option<&String>, code: &'static str| match given(text) {
            None => Ok(None),
            Some(text) => crate::ts::Ts::parse(text).map(|ts| Some(ts.seconds())).ok_or_else(|| Error::new(code)),
        };
        let oldest = time(self.oldest.as_ref(), "invalid_arguments")?.unwrap_or_default();
        let latest = time(self.latest.as_ref(), "invalid_arguments")?.unwrap_or(u64::MAX);
        let mut rows: Vec<&Scheduled> = cx
            .state
            .scheduled
            .values()
            .filter(|row| row.user == actor.id && (oldest..=latest).contains(&row.post_at))
            .filter(|row| channel.as_ref().is_none_or(|channel| channel.id == row.channel))
            .collect();
        rows.sort_by_key(|row| (row.post_at, &row.id));
        let page = Page::new("scheduled", self.limit, 100, 1000, self.cursor.as_ref());
        let (rows, next) = page.cut(rows, |row| format!("{:012}-{}", row.post_at, row.id))?;
        let shown: Vec<Value> = rows
            .iter()
            .map(|row| {
                json!({
                    "id": row.id, "channel_id": row.channel, "post_at": row.post_at,
                    "date_created": row.created_at.seconds(), "text": row.text,
                })
            })
            .collect();
        Ok(Answer::ok().with("scheduled_messages", shown).cursor(&next))
    }
}

/// Writes every message whose time has come, earliest first.
pub(crate) fn fire(cx: &mut Cx<'_>) {
    let now = cx.now().seconds();
    let mut due: Vec<Scheduled> = cx.state.scheduled.values().filter(|row| row.post_at <= now).cloned().collect();
    due.sort_by(|a, b| (a.post_at, &a.id).cmp(&(b.post_at, &b.id)));
    for row in due {
        cx.state.scheduled.remove(&row.id);
        // What nobody can write any more is dropped, as the vendor does.
        let Some(channel) = cx.state.channels.get(&row.channel).filter(|channel| !channel.archived).cloned() else {
            continue;
        };
        let Some(user) = cx.state.users.get(&row.user).filter(|user| !user.deleted).cloned() else { continue };
        let actor = Actor { id: user.id, is_bot: user.is_bot, is_admin: user.is_admin, scopes: None };
        let good =
            Good { text: Some(row.text), blocks: Some(row.blocks), attachments: Some(row.attachments), metadata: None };
        let thread = row.thread.filter(|root| cx.state.message(&channel.id, *root).is_some());
        let mut message = posting::compose(cx, &actor, &channel, good, thread);
        if row.broadcast && thread.is_some() {
            message.subtype = Some("thread_broadcast".to_owned());
        }
        posting::reopen(cx, &channel.id);
        cx.state.put(message);
    }
}
