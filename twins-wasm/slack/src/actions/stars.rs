//! What a user saved for later.

use pome_twin_kit::Action;
use serde::Deserialize;
use serde_json::{Value, json};

use super::{Actor, Answer, Cx, Error, Int, Outcome, access, given, posting, refuse};
use crate::Slack;
use crate::paging::Paging;
use crate::ts::Ts;
use crate::views::files;
use crate::views::messages::{self, Sight};

/// What can be saved: a message, a file or a whole channel.
#[derive(Deserialize)]
pub(crate) struct Item {
    channel: Option<String>,
    file: Option<String>,
    file_comment: Option<String>,
    timestamp: Option<String>,
}

/// Channel and `ts`; nothing and a file; a channel and nothing.
fn key(cx: &Cx<'_>, actor: &Actor, item: &Item) -> Result<(String, String, String), Error> {
    if given(item.file_comment.as_ref()).is_some() {
        return refuse("file_comment_not_found");
    }
    if let Some(file) = given(item.file.as_ref()) {
        let file = super::files::visible(cx, actor, file)?;
        return Ok((actor.id.clone(), String::new(), file.id));
    }
    let Some(channel) = given(item.channel.as_ref()) else { return refuse("no_item_specified") };
    if given(item.timestamp.as_ref()).is_none() {
        let channel = access::channel(cx, actor, Some(channel))?;
        return Ok((actor.id.clone(), channel.id, String::new()));
    }
    let (channel, message) = posting::found(cx, actor, Some(channel), item.timestamp.as_ref(), "bad_timestamp")?;
    Ok((actor.id.clone(), channel.id, message.ts.to_string()))
}

fn row(key: &(String, String, String)) -> Value {
    json!({ "user_id": key.0, "channel_id": key.1, "item": key.2 })
}

/// Saves something.
#[derive(Deserialize)]
#[serde(transparent)]
pub(crate) struct Add(Item);

impl Action<Slack> for Add {
    const NAME: &'static str = "stars.add";
    const MUTATES: bool = true;
    type Output = Answer;

    fn run(self, cx: &mut Cx<'_>) -> Outcome {
        let actor = access::actor(cx)?;
        let key = key(cx, &actor, &self.0)?;
        if cx.state.saved.contains(&key) {
            return refuse("already_starred");
        }
        cx.changed(None, Some(row(&key)));
        let now = cx.now();
        cx.state.saved.insert(key, now);
        Ok(Answer::ok())
    }
}

/// Takes something off the list.
#[derive(Deserialize)]
#[serde(transparent)]
pub(crate) struct Remove(Item);

impl Action<Slack> for Remove {
    const NAME: &'static str = "stars.remove";
    const MUTATES: bool = true;
    type Output = Answer;

    fn run(self, cx: &mut Cx<'_>) -> Outcome {
        let actor = access::actor(cx)?;
        let key = key(cx, &actor, &self.0)?;
        if cx.state.saved.remove(&key).is_none() {
            return refuse("not_starred");
        }
        cx.changed(Some(row(&key)), None);
        Ok(Answer::ok())
    }
}

/// What the caller saved, latest first.
#[derive(Deserialize)]
pub(crate) struct Saved {
    count: Option<Int>,
    page: Option<Int>,
    limit: Option<Int>,
}

impl Action<Slack> for Saved {
    const NAME: &'static str = "stars.list";
    type Output = Answer;

    fn run(self, cx: &mut Cx<'_>) -> Outcome {
        let actor = access::actor(cx)?;
        let mut rows: Vec<_> = cx.state.saved.iter().filter(|((user, ..), _)| *user == actor.id).collect();
        rows.sort_by(|(a, at), (b, bt)| (bt, b).cmp(&(at, a)));
        let paging = Paging::new(self.page, self.count.or(self.limit), 100, 1000, rows.len());
        let sight = Sight { viewer: &actor.id, context: true, metadata: false, origin: cx.origin };
        let items: Vec<Value> = paging
            .slice(rows.into_iter())
            .filter_map(|((_, channel, item), at)| {
                let created = at.seconds();
                if channel.is_empty() {
                    let file = cx.state.files.get(item)?;
                    return Some(json!({ "type": "file", "file": files::file(cx.state, file, cx.origin), "date_create": created }));
                }
                if item.is_empty() {
                    return Some(json!({ "type": "channel", "channel": channel, "date_create": created }));
                }
                let message = cx.state.message(channel, Ts::parse(item)?)?;
                let shown = messages::message(cx.state, message, sight);
                Some(json!({ "type": "message", "channel": channel, "message": shown, "date_create": created }))
            })
            .collect();
        Ok(Answer::ok().with("items", items).with("paging", paging.spilling()))
    }
}
