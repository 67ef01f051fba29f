//! Topic and purpose of a channel.

use pome_twin_kit::Action;
use serde::Deserialize;

use super::conversations::change;
use super::{Answer, Cx, Error, Outcome, access, given, refuse};
use crate::Slack;
use crate::state::{Channel, Heading};
use crate::text;
use crate::views::channels;

/// The most characters of either.
const MOST: usize = 250;

fn headed(
    cx: &mut Cx<'_>,
    channel: Option<&String>,
    value: Option<String>,
    set: impl FnOnce(&mut Channel, Heading),
) -> Result<(Channel, super::Actor), Error> {
    let actor = access::actor(cx)?;
    let value = value.unwrap_or_default();
    if value.chars().count() > MOST {
        return refuse("too_long");
    }
    let channel = access::channel(cx, &actor, given(channel))?;
    // Groups have a topic at the vendor, but two people need none.
    if channel.kind.is_direct() {
        return refuse("method_not_supported_for_channel_type");
    }
    access::open(&channel)?;
    access::member(cx, &actor, &channel)?;
    let value = text::store(cx.state, &value, text::Reading::default());
    let heading = Heading { value, creator: actor.id.clone(), last_set: cx.now().seconds() };
    let channel = change(cx, &channel.id, |channel| set(channel, heading))?;
    Ok((channel, actor))
}

/// What a channel is about at the moment.
#[derive(Deserialize)]
pub(crate) struct SetTopic {
    channel: Option<String>,
    topic: Option<String>,
}

impl Action<Slack> for SetTopic {
    const NAME: &'static str = "conversations.setTopic";
    const MUTATES: bool = true;
    type Output = Answer;

    fn run(self, cx: &mut Cx<'_>) -> Outcome {
        let (channel, actor) =
            headed(cx, self.channel.as_ref(), self.topic, |channel, heading| channel.topic = heading)?;
        Ok(Answer::ok().with("channel", channels::detailed(cx.state, &channel, &actor.id, true)))
    }
}

/// What a channel is for.
#[derive(Deserialize)]
pub(crate) struct SetPurpose {
    channel: Option<String>,
    purpose: Option<String>,
}

impl Action<Slack> for SetPurpose {
    const NAME: &'static str = "conversations.setPurpose";
    const MUTATES: bool = true;
    type Output = Answer;

    fn run(self, cx: &mut Cx<'_>) -> Outcome {
        let (channel, actor) =
            headed(cx, self.channel.as_ref(), self.purpose, |channel, heading| channel.purpose = heading)?;
        Ok(Answer::ok().with("channel", channels::detailed(cx.state, &channel, &actor.id, true)))
    }
}
