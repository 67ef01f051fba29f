//! Emoji on messages.

use pome_twin_kit::Action;
use serde::Deserialize;
use serde_json::{Map, Value, json};

use super::{Actor, Answer, Cx, Error, Flag, Int, Outcome, access, given, posting, refuse};
use crate::Slack;
use crate::cursor::Page;
use crate::export;
use crate::state::{Kind, Message, Reaction};
use crate::views::messages::{self, Sight};

/// The most kinds on one message, and the most of one user.
const KINDS: usize = 50;
const OF_ONE: usize = 23;

/// A name without colons; `invalid_name` when it is none.
fn name(name: Option<&String>) -> Result<String, Error> {
    let name = name.map(|name| name.trim().trim_matches(':').to_owned()).unwrap_or_default();
    // A skin tone is part of the name: `wave::skin-tone-2`.
    let fits = |c: char| c.is_lowercase() || c.is_ascii_digit() || matches!(c, '_' | '+' | '-' | '\'' | ':');
    if name.is_empty() || name.len() > 100 || !name.chars().all(|c| fits(c) || (c.is_alphabetic() && !c.is_uppercase()))
    {
        return refuse("invalid_name");
    }
    Ok(name)
}

/// The message that reactions are about.
fn target(cx: &Cx<'_>, actor: &Actor, channel: Option<&String>, ts: Option<&String>) -> Result<Message, Error> {
    if given(channel).is_none() && given(ts).is_none() {
        return refuse("no_item_specified");
    }
    let (channel, message) = posting::found(cx, actor, given(channel), ts, "bad_timestamp")?;
    if actor.is_bot && channel.kind != Kind::Public {
        access::member(cx, actor, &channel)?;
    }
    Ok(message)
}

/// Adds a reaction of the caller.
#[derive(Deserialize)]
pub(crate) struct Add {
    pub(crate) channel: Option<String>,
    pub(crate) timestamp: Option<String>,
    pub(crate) name: Option<String>,
    /// The tool takes a reaction that is already there for done.
    #[serde(skip)]
    pub(crate) again: bool,
}

impl Action<Slack> for Add {
    const NAME: &'static str = "reactions.add";
    const MUTATES: bool = true;
    type Output = Answer;

    fn run(self, cx: &mut Cx<'_>) -> Outcome {
        let actor = access::actor(cx)?;
        let name = name(self.name.as_ref())?;
        let message = target(cx, &actor, self.channel.as_ref(), self.timestamp.as_ref())?;
        let channel = access::channel(cx, &actor, Some(&message.channel))?;
        access::open(&channel)?;
        let key = (message.channel.clone(), message.ts, name.clone(), actor.id.clone());
        if cx.state.reactions.contains(&key) {
            return if self.again { Ok(Answer::ok()) } else { refuse("already_reacted") };
        }
        let groups = cx.state.reactions_of(&message.channel, message.ts);
        let is_new = !groups.iter().any(|(known, _)| *known == name);
        if is_new && groups.len() >= KINDS {
            return refuse("too_many_reactions");
        }
        if groups.iter().filter(|(_, users)| users.contains(&actor.id.as_str())).count() >= OF_ONE {
            return refuse("too_many_emoji");
        }
        let row = Reaction { added_at: cx.now(), order: cx.state.reacted.next() };
        cx.changed(None, Some(export::reaction(&key.0, key.1, &key.2, &key.3, &row)));
        cx.state.reactions.insert(key, row);
        Ok(Answer::ok())
    }
}

/// Takes a reaction of the caller away.
#[derive(Deserialize)]
pub(crate) struct Remove {
    channel: Option<String>,
    timestamp: Option<String>,
    name: Option<String>,
    file: Option<String>,
    file_comment: Option<String>,
}

impl Action<Slack> for Remove {
    const NAME: &'static str = "reactions.remove";
    const MUTATES: bool = true;
    type Output = Answer;

    fn run(self, cx: &mut Cx<'_>) -> Outcome {
        let actor = access::actor(cx)?;
        if given(self.file.as_ref()).or(given(self.file_comment.as_ref())).is_some() {
            return Err(Error::unsupported("reactions on files"));
        }
        let name = name(self.name.as_ref())?;
        let message = target(cx, &actor, self.channel.as_ref(), self.timestamp.as_ref())?;
        let key = (message.channel, message.ts, name, actor.id);
        let Some(row) = cx.state.reactions.remove(&key) else { return refuse("no_reaction") };
        cx.changed(Some(export::reaction(&key.0, key.1, &key.2, &key.3, &row)), None);
        Ok(Answer::ok())
    }
}

/// A message with its reactions.
#[derive(Deserialize)]
pub(crate) struct Get {
    pub(crate) channel: Option<String>,
    pub(crate) timestamp: Option<String>,
    #[expect(dead_code, reason = "every reaction is always listed in full")]
    pub(crate) full: Option<Flag>,
    pub(crate) file: Option<String>,
    pub(crate) file_comment: Option<String>,
}

impl Get {
    pub(crate) fn of(channel: String, timestamp: String) -> Self {
        Self { channel: Some(channel), timestamp: Some(timestamp), full: None, file: None, file_comment: None }
    }
}

fn shown(cx: &Cx<'_>, actor: &Actor, message: &Message) -> Value {
    // Neither the counters of a thread nor edits are part of this view.
    let sight = Sight { viewer: &actor.id, context: false, metadata: false, origin: cx.origin };
    let mut value = crate::views::object(messages::message(cx.state, message, sight));
    value.shift_remove("edited");
    let reactions = messages::reactions(cx.state, message);
    if !reactions.is_empty() {
        value.insert("reactions".to_owned(), reactions.into());
    }
    value.insert("permalink".to_owned(), messages::permalink(cx.state, message).into());
    Value::Object(value)
}

impl Action<Slack> for Get {
    const NAME: &'static str = "reactions.get";
    type Output = Answer;

    fn run(self, cx: &mut Cx<'_>) -> Outcome {
        let actor = access::actor(cx)?;
        if given(self.file.as_ref()).or(given(self.file_comment.as_ref())).is_some() {
            return Err(Error::unsupported("reactions on files"));
        }
        let message = target(cx, &actor, self.channel.as_ref(), self.timestamp.as_ref())?;
        let answer = Answer::ok().with("type", "message").with("channel", message.channel.clone());
        let named = |id: &&str| {
            let name = cx.state.users.get(&(**id).to_owned()).map_or(*id, |user| user.shown());
            json!({ "id": id, "display_name": name })
        };
        let groups: Vec<Value> = cx
            .state
            .reactions_of(&message.channel, message.ts)
            .into_iter()
            .map(|(name, users)| {
                let shown: Vec<Value> = users.iter().take(50).map(named).collect();
                json!({ "name": name, "count": users.len(), "users": shown })
            })
            .collect();
        let note = groups.is_empty().then_some("This message has no reactions.");
        let answer = answer.with("message", shown(cx, &actor, &message)).tool("reactions", groups);
        Ok(match note {
            Some(note) => answer.tool("note", note),
            None => answer,
        })
    }
}

/// What a user reacted to, newest reaction first.
#[derive(Deserialize)]
pub(crate) struct Given {
    user: Option<String>,
    count: Option<Int>,
    page: Option<Int>,
    cursor: Option<String>,
    limit: Option<Int>,
}

impl Action<Slack> for Given {
    const NAME: &'static str = "reactions.list";
    type Output = Answer;

    fn run(self, cx: &mut Cx<'_>) -> Outcome {
        let actor = access::actor(cx)?;
        let user = match given(self.user.as_ref()) {
            Some(user) => access::user(cx, Some(user))?.id,
            None => actor.id.clone(),
        };
        let mut latest: Map<String, Value> = Map::new();
        let mut rows: Vec<(u64, &Message)> = Vec::new();
        for ((channel, ts, _, by), row) in cx.state.reactions.iter() {
            let Some(message) = cx.state.message(channel, *ts).filter(|_| *by == user) else { continue };
            let visible = cx.state.channels.get(channel).is_some_and(|of| cx.state.is_visible(of, &actor.id));
            if !visible {
                continue;
            }
            let key = format!("{channel}/{ts}");
            if latest.insert(key, true.into()).is_some() {
                let known = rows.iter_mut().find(|(_, known)| known.ts == *ts && known.channel == *channel);
                if let Some((order, _)) = known {
                    *order = (*order).max(row.order);
                }
            } else {
                rows.push((row.order, message));
            }
        }
        rows.sort_by_key(|(order, _)| std::cmp::Reverse(*order));
        let item = |message: &Message| json!({ "type": "message", "channel": message.channel, "message": shown(cx, &actor, message) });
        let total = rows.len();
        if self.limit.is_some() || self.cursor.is_some() {
            let page = Page::new("reaction", self.limit, 100, 1000, self.cursor.as_ref()).descending();
            let (rows, next) = page.cut(rows, |(order, _)| format!("{order:012}"))?;
            let items: Vec<Value> = rows.iter().map(|(_, message)| item(message)).collect();
            return Ok(Answer::ok().with("items", items).cursor(&next));
        }
        let paging = crate::paging::Paging::new(self.page, self.count, 100, 1000, total);
        let items: Vec<Value> = paging.slice(rows.iter()).map(|(_, message)| item(message)).collect();
        Ok(Answer::ok().with("items", items).with("paging", paging.view()).cursor(""))
    }
}
