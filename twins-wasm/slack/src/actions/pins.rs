//! Messages pinned to their channel.

use pome_twin_kit::Action;
use serde::Deserialize;
use serde_json::{Value, json};

use super::{Answer, Cx, Outcome, access, given, posting, refuse};
use crate::Slack;
use crate::export;
use crate::state::Pin;
use crate::ts::Ts;
use crate::views::messages::{self, Sight};

/// The most pins of a channel.
const MOST: usize = 100;

/// Pins a message.
#[derive(Deserialize)]
pub(crate) struct Add {
    channel: Option<String>,
    timestamp: Option<String>,
}

impl Action<Slack> for Add {
    const NAME: &'static str = "pins.add";
    const MUTATES: bool = true;
    type Output = Answer;

    fn run(self, cx: &mut Cx<'_>) -> Outcome {
        let actor = access::actor(cx)?;
        let channel = access::channel(cx, &actor, given(self.channel.as_ref()))?;
        if given(self.timestamp.as_ref()).is_none() {
            return refuse("no_item_specified");
        }
        let (channel, message) =
            posting::found(cx, &actor, Some(&channel.id), self.timestamp.as_ref(), "bad_timestamp")?;
        access::member(cx, &actor, &channel)?;
        access::open(&channel)?;
        let key = message.key();
        if cx.state.pins.contains(&key) {
            return refuse("already_pinned");
        }
        let of = channel.id.clone();
        if cx.state.pins.prefix((of.clone(), Ts::MIN), move |(channel, _)| *channel == of).count() >= MOST {
            return refuse("too_many_pins");
        }
        let row = Pin { by: actor.id, at: cx.now() };
        cx.changed(None, Some(export::pin(&key.0, key.1, &row)));
        cx.state.pins.insert(key, row);
        Ok(Answer::ok())
    }
}

/// Takes a pin away.
#[derive(Deserialize)]
pub(crate) struct Remove {
    channel: Option<String>,
    timestamp: Option<String>,
}

impl Action<Slack> for Remove {
    const NAME: &'static str = "pins.remove";
    const MUTATES: bool = true;
    type Output = Answer;

    fn run(self, cx: &mut Cx<'_>) -> Outcome {
        let actor = access::actor(cx)?;
        let channel = access::channel(cx, &actor, given(self.channel.as_ref()))?;
        if given(self.timestamp.as_ref()).is_none() {
            return refuse("no_item_specified");
        }
        access::member(cx, &actor, &channel)?;
        let ts = access::ts(self.timestamp.as_ref(), "bad_timestamp")?;
        let Some(row) = cx.state.pins.remove(&(channel.id.clone(), ts)) else { return refuse("not_pinned") };
        cx.changed(Some(export::pin(&channel.id, ts, &row)), None);
        Ok(Answer::ok())
    }
}

/// Pins of a channel, in the order in which they were made.
#[derive(Deserialize)]
pub(crate) struct Pins {
    channel: Option<String>,
}

impl Action<Slack> for Pins {
    const NAME: &'static str = "pins.list";
    type Output = Answer;

    fn run(self, cx: &mut Cx<'_>) -> Outcome {
        let actor = access::actor(cx)?;
        let channel = access::readable(cx, &actor, given(self.channel.as_ref()))?;
        let of = channel.id.clone();
        let rows = cx.state.pins.prefix((of.clone(), Ts::MIN), move |(channel, _)| *channel == of);
        let mut rows: Vec<_> = rows.collect();
        rows.sort_by_key(|((_, ts), pin)| (pin.at, *ts));
        let sight = Sight { viewer: &actor.id, context: true, metadata: false, origin: cx.origin };
        let items: Vec<Value> = rows
            .into_iter()
            .filter_map(|(key, pin)| {
                let message = cx.state.messages.get(key)?;
                let mut shown = crate::views::object(messages::message(cx.state, message, sight));
                // Neither edits nor subscriptions are part of this list.
                shown.shift_remove("edited");
                shown.shift_remove("subscribed");
                shown.insert("permalink".to_owned(), messages::permalink(cx.state, message).into());
                let (at, by) = (pin.at.seconds(), &pin.by);
                Some(json!({ "type": "message", "created": at, "created_by": by, "channel": channel.id, "message": shown }))
            })
            .collect();
        Ok(Answer::ok().with("items", items))
    }
}
