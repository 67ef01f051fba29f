//! The tools of Slack's own MCP server, and how they spell what the methods ask for.

use pome_twin_kit::Tool;
use serde::Deserialize;
use serde_json::{Map, Value, json};

use crate::Slack;
use crate::actions::history::{History, Replies, ToolReading};
use crate::actions::{
    auth, canvases, chat, conversations, drafts, files, membership, reactions, scheduled, search, users,
};
use crate::arguments::{Flag, Int, Structured};
use crate::error::Error;

pub(crate) const LISTING: &str = include_str!("../fixtures/tools.json");

pub(crate) const TOOLS: &[Tool<Slack>] = &[
    Tool::from::<SendMessage, chat::Post>("slack_send_message"),
    Tool::from::<ScheduleMessage, scheduled::Schedule>("slack_schedule_message"),
    Tool::from::<AddReaction, reactions::Add>("slack_add_reaction"),
    Tool::new::<conversations::Found>("slack_create_conversation"),
    Tool::from::<CreateCanvas, canvases::Create>("slack_create_canvas"),
    Tool::from::<UpdateCanvas, canvases::Edit>("slack_update_canvas"),
    Tool::from::<SearchPublic, search::ToolSearch>("slack_search_public"),
    Tool::new::<search::ToolSearch>("slack_search_public_and_private"),
    Tool::new::<conversations::Find>("slack_search_channels"),
    Tool::new::<users::Find>("slack_search_users"),
    Tool::from::<ReadChannel, History>("slack_read_channel"),
    Tool::from::<ReadThread, Replies>("slack_read_thread"),
    Tool::new::<canvases::Read>("slack_read_canvas"),
    Tool::new::<users::ReadProfile>("slack_read_user_profile"),
    Tool::new::<membership::Listed>("slack_list_channel_members"),
    Tool::new::<files::Read>("slack_read_file"),
    Tool::new::<drafts::Create>("slack_send_message_draft"),
    Tool::new::<auth::FindEmoji>("slack_search_emojis"),
    Tool::from::<GetReactions, reactions::Get>("slack_get_reactions"),
];

/// Whether there is a tool of this name.
pub(crate) fn is_known(name: &str) -> bool {
    let listing: Vec<Value> = serde_json::from_str(LISTING).unwrap_or_default();
    listing.iter().any(|row| row.get("name").and_then(Value::as_str) == Some(name))
}

#[derive(Deserialize)]
pub(crate) struct SendMessage {
    channel_id: String,
    message: String,
    thread_ts: Option<String>,
    reply_broadcast: Option<Flag>,
    draft_id: Option<String>,
}

impl From<SendMessage> for chat::Post {
    fn from(from: SendMessage) -> Self {
        Self {
            channel: Some(from.channel_id),
            text: None,
            markdown_text: Some(from.message),
            blocks: None,
            attachments: None,
            metadata: None,
            thread_ts: from.thread_ts,
            reply_broadcast: from.reply_broadcast,
            icon_emoji: None,
            icon_url: None,
            username: None,
            link_names: None,
            parse: None,
            draft: from.draft_id,
        }
    }
}

#[derive(Deserialize)]
pub(crate) struct ScheduleMessage {
    channel_id: String,
    message: String,
    post_at: Int,
    thread_ts: Option<String>,
    reply_broadcast: Option<Flag>,
}

impl From<ScheduleMessage> for scheduled::Schedule {
    fn from(from: ScheduleMessage) -> Self {
        Self {
            channel: Some(from.channel_id),
            text: None,
            markdown_text: Some(from.message),
            post_at: Some(from.post_at),
            thread_ts: from.thread_ts,
            reply_broadcast: from.reply_broadcast,
            blocks: None,
            attachments: None,
            link_names: None,
            parse: None,
            // "At least two minutes in the future", as the tool is described.
            least: 119,
        }
    }
}

#[derive(Deserialize)]
pub(crate) struct AddReaction {
    channel_id: String,
    message_ts: String,
    emoji: String,
}

impl From<AddReaction> for reactions::Add {
    fn from(from: AddReaction) -> Self {
        let AddReaction { channel_id, message_ts, emoji } = from;
        Self { channel: Some(channel_id), timestamp: Some(message_ts), name: Some(emoji), again: true }
    }
}

#[derive(Deserialize)]
pub(crate) struct GetReactions {
    channel_id: String,
    message_ts: String,
}

impl From<GetReactions> for reactions::Get {
    fn from(from: GetReactions) -> Self {
        Self::of(from.channel_id, from.message_ts)
    }
}

#[derive(Deserialize)]
pub(crate) struct CreateCanvas {
    title: String,
    content: String,
}

impl From<CreateCanvas> for canvases::Create {
    fn from(from: CreateCanvas) -> Self {
        let content = json!({ "type": "markdown", "markdown": from.content });
        Self { title: Some(from.title), document_content: Some(Structured::Given(content)), channel_id: None }
    }
}

/// Many changes in `sections`, or one spelled flat.
#[derive(Deserialize)]
pub(crate) struct UpdateCanvas {
    canvas_id: String,
    sections: Option<Structured>,
    action: Option<String>,
    content: Option<String>,
    section_id: Option<String>,
}

fn change(kind: Option<&str>, content: Option<&str>, section: Option<&str>) -> Value {
    let operation = match (kind.unwrap_or_default(), section) {
        ("append", None) => "insert_at_end",
        ("append", Some(_)) => "insert_after",
        ("prepend", None) => "insert_at_start",
        ("prepend", Some(_)) => "insert_before",
        (other, _) => other,
    };
    let mut value = Map::new();
    value.insert("operation".to_owned(), operation.into());
    if let Some(section) = section {
        value.insert("section_id".to_owned(), section.into());
    }
    if let Some(content) = content.filter(|_| operation != "delete") {
        value.insert("document_content".to_owned(), json!({ "type": "markdown", "markdown": content }));
    }
    Value::Object(value)
}

impl From<UpdateCanvas> for canvases::Edit {
    fn from(from: UpdateCanvas) -> Self {
        let listed = match from.sections.map(Structured::items) {
            Some(Ok(items)) => items,
            _ => Vec::new(),
        };
        let text = |item: &Value, key: &str| item.get(key).and_then(Value::as_str).map(str::to_owned);
        let mut changes: Vec<Value> = listed
            .iter()
            .map(|item| {
                let (kind, content, section) =
                    (text(item, "edit_type"), text(item, "content"), text(item, "section_id"));
                change(kind.as_deref(), content.as_deref(), section.as_deref())
            })
            .collect();
        if changes.is_empty() && from.action.is_some() {
            changes.push(change(from.action.as_deref(), from.content.as_deref(), from.section_id.as_deref()));
        }
        Self { canvas_id: Some(from.canvas_id), changes: Some(Structured::Given(Value::Array(changes))) }
    }
}

/// The search of public channels: no choice of channel types, everything else the same.
#[derive(Deserialize)]
#[serde(transparent)]
pub(crate) struct SearchPublic(search::ToolSearch);

impl From<SearchPublic> for search::ToolSearch {
    fn from(from: SearchPublic) -> Self {
        from.0.in_public()
    }
}

#[derive(Deserialize)]
pub(crate) struct ReadChannel {
    channel_id: String,
    limit: Option<Int>,
    cursor: Option<String>,
    latest: Option<String>,
    oldest: Option<String>,
    response_format: Option<String>,
}

fn tool_reading(format: Option<&String>, most: usize) -> ToolReading {
    ToolReading { concise: format.is_some_and(|format| format == "concise"), most }
}

impl From<ReadChannel> for History {
    fn from(from: ReadChannel) -> Self {
        Self {
            channel: Some(from.channel_id),
            cursor: from.cursor,
            inclusive: None,
            latest: from.latest,
            limit: from.limit,
            oldest: from.oldest,
            include_all_metadata: None,
            tool: Some(tool_reading(from.response_format.as_ref(), 100)),
        }
    }
}

#[derive(Deserialize)]
pub(crate) struct ReadThread {
    channel_id: String,
    message_ts: String,
    limit: Option<Int>,
    cursor: Option<String>,
    latest: Option<String>,
    oldest: Option<String>,
    response_format: Option<String>,
}

impl From<ReadThread> for Replies {
    fn from(from: ReadThread) -> Self {
        Self {
            channel: Some(from.channel_id),
            ts: Some(from.message_ts),
            cursor: from.cursor,
            inclusive: None,
            latest: from.latest,
            limit: Some(from.limit.unwrap_or(Int(100))),
            oldest: from.oldest,
            include_all_metadata: None,
            tool: Some(tool_reading(from.response_format.as_ref(), 1000)),
        }
    }
}

/// Holds arguments to the schema that the listing shows, so that the two never disagree. Lists may be JSON text.
pub(crate) fn check(tool: &str, arguments: &Map<String, Value>) -> Result<(), Error> {
    let listing: Vec<Value> = serde_json::from_str(LISTING).unwrap_or_default();
    let Some(tool) = listing.iter().find(|row| row.get("name").and_then(Value::as_str) == Some(tool)) else {
        return Ok(());
    };
    let schema = tool.get("inputSchema").cloned().unwrap_or_default();
    let mut faults = Vec::new();
    object(&schema, arguments, "", &mut faults);
    if faults.is_empty() { Ok(()) } else { Err(Error::arguments(&faults)) }
}

fn object(schema: &Value, members: &Map<String, Value>, path: &str, faults: &mut Vec<String>) {
    let required = schema.get("required").and_then(Value::as_array).map(Vec::as_slice).unwrap_or_default();
    for name in required.iter().filter_map(Value::as_str) {
        if members.get(name).is_none_or(Value::is_null) {
            faults.push(format!("missing required field: {path}{name}"));
        }
    }
    let Some(properties) = schema.get("properties").and_then(Value::as_object) else { return };
    for (name, value) in members {
        if let Some(schema) = properties.get(name).filter(|_| !value.is_null()) {
            typed(schema, value, &format!("{path}{name}"), faults);
        }
    }
}

fn typed(schema: &Value, value: &Value, path: &str, faults: &mut Vec<String>) {
    let kind = schema.get("type").and_then(Value::as_str).unwrap_or_default();
    match (kind, value) {
        ("array", Value::Array(items)) => {
            let Some(schema) = schema.get("items") else { return };
            for (at, item) in items.iter().enumerate() {
                typed(schema, item, &format!("{path}/{at}"), faults);
            }
        }
        ("array", Value::String(text)) => {
            // Comma-joined words are a list of words too.
            if let Ok(items @ Value::Array(_)) = serde_json::from_str::<Value>(text) {
                typed(schema, &items, path, faults);
            }
        }
        ("object", Value::Object(members)) => object(schema, members, &format!("{path}/"), faults),
        ("string", Value::String(text)) => {
            let words = schema.get("enum").and_then(Value::as_array);
            if words.is_some_and(|words| !words.iter().any(|word| word.as_str() == Some(text))) {
                faults.push(format!("{path}: must be a valid enum value"));
            }
        }
        ("integer", Value::Number(number)) if number.as_f64().is_some_and(|number| number.fract() == 0.0) => {}
        ("boolean", Value::Bool(_)) | ("", _) => {}
        (kind, _) => faults
            .push(format!("{path}: must be {} {kind}", if kind.starts_with(['a', 'i', 'o']) { "an" } else { "a" })),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_tool_is_listed_once_and_every_listing_has_a_tool() {
        let listing: Vec<Value> = serde_json::from_str(LISTING).unwrap();
        let listed: Vec<&str> = listing.iter().map(|row| row["name"].as_str().unwrap()).collect();
        let described = pome_twin_kit::describe::describe::<Slack>().tools;
        let tools: Vec<&str> = described.iter().map(|row| row.name).collect();
        assert_eq!(listed, tools);
        assert!(described.iter().all(|row| row.listing.is_object()));
    }

    #[test]
    fn arguments_are_held_to_the_listing() {
        let check = |tool: &str, arguments: Value| match arguments {
            Value::Object(arguments) => check(tool, &arguments).is_ok(),
            _ => unreachable!("tests pass objects"),
        };
        assert!(check("slack_send_message", json!({ "channel_id": "C1", "message": "x", "unknown": 1 })));
        assert!(!check("slack_send_message", json!({ "channel_id": "C1" })));
        assert!(!check("slack_send_message", json!({ "channel_id": 1, "message": "x" })));
        assert!(!check("slack_update_canvas", json!({ "canvas_id": "F1", "sections": [{ "edit_type": "burn" }] })));
        assert!(check("slack_create_conversation", json!({ "user_ids": "[\"U1\"]" })));
    }
}
