//! Threads with an AI app: status line, title and prompts.

use pome_twin_kit::Action;
use serde::Deserialize;
use serde_json::{Value, json};

use super::{Answer, Cx, Error, Outcome, Structured, access, given, posting, refuse};
use crate::Slack;

fn set(cx: &mut Cx<'_>, channel: Option<&String>, thread: Option<&String>, key: &str, value: Value) -> Outcome {
    let actor = access::actor(cx)?;
    let (channel, root) = posting::found(cx, &actor, given(channel), thread, "invalid_thread_ts")?;
    access::may_post(cx, &actor, &channel)?;
    let place = (channel.id, root.thread.unwrap_or(root.ts));
    let before = cx.state.assistants.get(&place).cloned();
    let mut row = before.clone().unwrap_or_default();
    row.insert(key.to_owned(), value);
    cx.changed(before.map(Value::Object), Some(Value::Object(row.clone())));
    cx.state.assistants.insert(place, row);
    Ok(Answer::ok())
}

/// What the app is doing.
#[derive(Deserialize)]
pub(crate) struct SetStatus {
    channel_id: Option<String>,
    thread_ts: Option<String>,
    status: Option<String>,
}

impl Action<Slack> for SetStatus {
    const NAME: &'static str = "assistant.threads.setStatus";
    const MUTATES: bool = true;
    type Output = Answer;

    fn run(self, cx: &mut Cx<'_>) -> Outcome {
        let status = self.status.ok_or_else(|| Error::missing("status"))?;
        set(cx, self.channel_id.as_ref(), self.thread_ts.as_ref(), "status", status.into())
    }
}

/// What the thread is about.
#[derive(Deserialize)]
pub(crate) struct SetTitle {
    channel_id: Option<String>,
    thread_ts: Option<String>,
    title: Option<String>,
}

impl Action<Slack> for SetTitle {
    const NAME: &'static str = "assistant.threads.setTitle";
    const MUTATES: bool = true;
    type Output = Answer;

    fn run(self, cx: &mut Cx<'_>) -> Outcome {
        let title = self.title.filter(|title| !title.is_empty()).ok_or_else(|| Error::missing("title"))?;
        set(cx, self.channel_id.as_ref(), self.thread_ts.as_ref(), "title", title.into())
    }
}

/// What the user may ask next.
#[derive(Deserialize)]
pub(crate) struct SetPrompts {
    channel_id: Option<String>,
    thread_ts: Option<String>,
    title: Option<String>,
    prompts: Option<Structured>,
}

impl Action<Slack> for SetPrompts {
    const NAME: &'static str = "assistant.threads.setSuggestedPrompts";
    const MUTATES: bool = true;
    type Output = Answer;

    fn run(self, cx: &mut Cx<'_>) -> Outcome {
        let prompts = self.prompts.ok_or_else(|| Error::missing("prompts"))?;
        let prompts = prompts.items().map_err(|()| Error::arguments(&["prompts: must be an array".to_owned()]))?;
        let whole =
            |prompt: &Value| ["title", "message"].iter().all(|key| prompt.get(*key).is_some_and(Value::is_string));
        if prompts.is_empty() || !prompts.iter().all(whole) {
            return Err(Error::arguments(&["prompts: each needs a title and a message".to_owned()]));
        }
        if prompts.len() > 4 {
            return refuse("too_many_prompts");
        }
        let value = json!({ "title": self.title, "prompts": prompts });
        set(cx, self.channel_id.as_ref(), self.thread_ts.as_ref(), "suggested_prompts", value)
    }
}
