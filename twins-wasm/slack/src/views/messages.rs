//! Messages with everything that hangs on them: reactions, thread counters, files, blocks made from text.

use serde_json::{Map, Value, json};

use super::{files, object, users};
use crate::rich_text;
use crate::state::{Message, State};

/// Where a message is shown; some keys appear only in some places.
#[derive(Debug, Clone, Copy, Default)]
pub(crate) struct Sight<'a> {
    /// Who looks.
    pub(crate) viewer: &'a str,
    /// Reactions and thread counters are part of it.
    pub(crate) context: bool,
    /// `include_all_metadata`
    pub(crate) metadata: bool,
    /// The address that the agent uses for the twin: downloads start there.
    pub(crate) origin: &'a str,
}

pub(crate) fn message(state: &State, of: &Message, sight: Sight<'_>) -> Value {
    let mut value = Map::new();
    let mut put = |key: &str, entry: Value| {
        value.insert(key.to_owned(), entry);
    };
    if let Some(subtype) = &of.subtype {
        put("subtype", subtype.clone().into());
    }
    if of.is_tombstone() {
        put("hidden", true.into());
    }
    put("user", of.user.clone().into());
    put("type", "message".into());
    put("ts", of.ts.into());
    if let Some(bot) = &of.bot_id {
        put("bot_id", bot.clone().into());
        put("app_id", of.app_id.clone().into());
    }
    put("text", of.text.clone().into());
    if let Some(team) = state.team.get() {
        put("team", team.id.clone().into());
    }
    if let Some(user) = state.users.get(&of.user).filter(|user| of.bot_id.is_some() && user.is_bot) {
        put("bot_profile", users::bot_profile(state, user));
    }
    if let Some(name) = &of.username {
        put("username", name.clone().into());
    }
    let icons = icons(of);
    if !icons.is_empty() {
        put("icons", Value::Object(icons));
    }
    if !of.files.is_empty() {
        let shown = of.files.iter().filter_map(|id| state.files.get(id));
        put("files", shown.map(|file| files::file(state, file, sight.origin)).collect());
        put("upload", false.into());
        put("display_as_bot", false.into());
    }
    let blocks = shown_blocks(of);
    if !blocks.is_empty() {
        put("blocks", blocks.into());
    }
    if !of.attachments.is_empty() {
        put("attachments", of.attachments.clone().into());
    }
    if let Some((user, ts)) = &of.edited {
        put("edited", json!({ "user": user, "ts": ts }));
    }
    if let Some(metadata) = of.metadata.as_ref().filter(|_| sight.metadata) {
        put("metadata", metadata.clone());
    }
    if sight.context {
        value.extend(thread(state, of, sight));
        let reactions = reactions(state, of);
        if !reactions.is_empty() {
            value.insert("reactions".to_owned(), reactions.into());
        }
    } else if let Some(root) = of.thread {
        value.insert("thread_ts".to_owned(), root.into());
        value.insert("parent_user_id".to_owned(), parent(state, of).into());
    }
    Value::Object(value)
}

/// What is shown for a message: its own blocks, or those made from its text.
pub(crate) fn shown_blocks(of: &Message) -> Vec<Value> {
    if !of.blocks.is_empty() || of.is_tombstone() || !of.attachments.is_empty() && of.text.is_empty() {
        return of.blocks.clone();
    }
    rich_text::blocks(&of.text, &format!("{}/{}", of.channel, of.ts))
}

fn icons(of: &Message) -> Map<String, Value> {
    let mut icons = Map::new();
    if let Some(emoji) = &of.icon_emoji {
        icons.insert("emoji".to_owned(), emoji.clone().into());
    }
    if let Some(url) = &of.icon_url {
        icons.insert("image_48".to_owned(), url.clone().into());
    }
    icons
}

/// What a client would have named the message, in the form of a UUID.
pub(crate) fn client_id(of: &Message) -> String {
    let hex = pome_twin_kit::ids::hex_id(&format!("{}/{}", of.channel, of.ts));
    let part = |from: usize, to: usize| hex.get(from..to).unwrap_or_default();
    format!("{}-{}-4{}-8{}-{}", part(0, 8), part(8, 12), part(13, 16), part(17, 20), part(20, 32))
}

fn parent(state: &State, of: &Message) -> Option<String> {
    let root = state.message(&of.channel, of.thread?)?;
    Some(root.user.clone())
}

/// What a root or a reply says of its thread.
fn thread(state: &State, of: &Message, sight: Sight<'_>) -> Map<String, Value> {
    if let Some(root) = of.thread {
        let mut value = object(json!({ "thread_ts": root, "parent_user_id": parent(state, of) }));
        if let Some(root) = state.message(&of.channel, root).filter(|_| of.is_broadcast()) {
            let bare = Sight { context: false, ..sight };
            let mut root = object(message(state, root, bare));
            root.extend(counters(state, of.channel.as_str(), of.thread.unwrap_or_default(), sight.viewer));
            value.insert("root".to_owned(), Value::Object(root));
        }
        return value;
    }
    counters(state, &of.channel, of.ts, sight.viewer)
}

/// Counters of a thread; nothing when there are no replies.
pub(crate) fn counters(state: &State, channel: &str, root: crate::ts::Ts, viewer: &str) -> Map<String, Value> {
    let mut users: Vec<&str> = Vec::new();
    let mut count = 0_usize;
    let mut latest = None;
    for reply in state.replies(channel, root) {
        count += 1;
        latest = Some(reply.ts);
        if !users.contains(&reply.user.as_str()) {
            users.push(&reply.user);
        }
    }
    let Some(latest) = latest else { return Map::new() };
    let subscribed = state.follows(channel, root, viewer);
    object(json!({
        "thread_ts": root,
        "reply_count": count,
        "reply_users_count": users.len(),
        "latest_reply": latest,
        "reply_users": users.iter().take(5).collect::<Vec<_>>(),
        "is_locked": false,
        "subscribed": subscribed,
    }))
}

/// Reactions in the order in which their names came up.
pub(crate) fn reactions(state: &State, of: &Message) -> Vec<Value> {
    state
        .reactions_of(&of.channel, of.ts)
        .into_iter()
        .map(|(name, users)| json!({ "name": name, "count": users.len(), "users": users }))
        .collect()
}

/// Where people open a message.
pub(crate) fn permalink(state: &State, of: &Message) -> String {
    let site = state.team.get().as_ref().map(crate::state::Team::site).unwrap_or_default();
    let plain = format!("{site}/archives/{}/{}", of.channel, of.ts.anchor());
    match of.thread {
        Some(root) => format!("{plain}?thread_ts={root}&cid={}", of.channel),
        None => plain,
    }
}
