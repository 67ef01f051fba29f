//! Messages that are not sent yet: the tools make one, the user sends it.

use pome_twin_kit::Action;
use serde::Deserialize;

use super::posting::{self, Content};
use super::{Answer, Cx, Outcome, access, refuse};
use crate::Slack;
use crate::export;
use crate::state::Draft;

/// Writes a draft.
#[derive(Deserialize)]
pub(crate) struct Create {
    channel_id: String,
    message: String,
    thread_ts: Option<String>,
}

impl Action<Slack> for Create {
    const NAME: &'static str = "drafts.create";
    const MUTATES: bool = true;
    type Output = Answer;

    fn run(self, cx: &mut Cx<'_>) -> Outcome {
        let actor = access::actor(cx)?;
        let channel = access::destination(cx, &actor, Some(&self.channel_id))?;
        access::open(&channel)?;
        if !channel.kind.is_direct() {
            access::may_post(cx, &actor, &channel)?;
        }
        let content = Content { markdown: Some(self.message), ..Content::default() };
        let good = posting::accept(cx, content, "")?;
        if good.is_empty() {
            return refuse("no_text");
        }
        let thread = posting::root(cx, &channel, self.thread_ts.as_deref().filter(|ts| !ts.is_empty()))?;
        let same = |row: &Draft| row.user == actor.id && row.channel == channel.id && row.thread == thread;
        if cx.state.drafts.values().any(same) {
            return refuse("draft_already_exists");
        }
        let row = Draft {
            id: cx.state.id("Dr"),
            user: actor.id,
            channel: channel.id.clone(),
            thread,
            text: good.words(),
            created_at: cx.now(),
        };
        cx.changed(None, Some(export::draft(&row)));
        let site = super::auth::team(cx.state)?.site();
        let answer = Answer::ok().with("draft_id", row.id.clone()).with("channel_id", channel.id.clone());
        cx.state.drafts.insert(row.id.clone(), row);
        Ok(answer.with("channel_link", format!("{site}/archives/{}", channel.id)))
    }
}
