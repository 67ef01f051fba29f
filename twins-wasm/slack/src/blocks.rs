//! Blocks as Slack accepts them: what is refused and with which sentence, and what is filled in.
//!
//! Limits are those of the vendor's reference pages of each block and element.

use serde_json::{Map, Value};

use crate::error::Error;
use crate::rich_text::block_id;

/// Where blocks are shown.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Place {
    Message,
    View,
}

impl Place {
    const fn most(self) -> usize {
        match self {
            Self::Message => 50,
            Self::View => 100,
        }
    }
}

/// Checks blocks and fills in what the vendor does. `seed` identifies the message.
pub(crate) fn accept(mut blocks: Vec<Value>, place: Place, seed: &str) -> Result<Vec<Value>, Error> {
    let mut faults = Faults::default();
    if blocks.len() > place.most() {
        faults.add("", &format!("no more than {} items allowed", place.most()));
    }
    let mut ids: Vec<String> = Vec::new();
    for (at, block) in blocks.iter_mut().enumerate() {
        let pointer = format!("/blocks/{at}");
        let Value::Object(members) = block else {
            faults.add(&pointer, "must be an object");
            continue;
        };
        check(members, &pointer, place, &mut faults);
        match members.get("block_id").and_then(Value::as_str) {
            Some(id) if ids.iter().any(|known| known == id) => {
                faults.add(&format!("{pointer}/block_id"), &format!("`block_id` already exists: {id}"));
            }
            Some(id) if id.chars().count() > 255 => {
                faults.add(&format!("{pointer}/block_id"), "must be less than 256 characters");
            }
            Some(id) => ids.push(id.to_owned()),
            None => {
                members.insert("block_id".to_owned(), block_id(&format!("{seed}/{at}")).into());
            }
        }
        complete(block);
    }
    if faults.0.is_empty() { Ok(blocks) } else { Err(Error::validation("invalid_blocks", &faults.0)) }
}

/// Sentences in the vendor's form: `must be a valid enum value [json-pointer:/blocks/0/type]`.
#[derive(Debug, Default)]
struct Faults(Vec<String>);

impl Faults {
    fn add(&mut self, pointer: &str, what: &str) {
        let pointer = if pointer.is_empty() { "/blocks" } else { pointer };
        self.0.push(format!("{what} [json-pointer:{pointer}]"));
    }
}

fn kind(members: &Map<String, Value>) -> &str {
    members.get("type").and_then(Value::as_str).unwrap_or_default()
}

fn check(block: &Map<String, Value>, pointer: &str, place: Place, faults: &mut Faults) {
    let at = |name: &str| format!("{pointer}/{name}");
    match kind(block) {
        "section" => {
            let fields = block.get("fields");
            if !block.contains_key("text") && fields.is_none() {
                faults.add(pointer, "missing required field: text or fields");
            }
            if let Some(text) = block.get("text") {
                text_object(text, &at("text"), &["plain_text", "mrkdwn"], 3000, faults);
            }
            if let Some(fields) = fields {
                each(fields, &at("fields"), 10, faults, |field, pointer, faults| {
                    text_object(field, pointer, &["plain_text", "mrkdwn"], 2000, faults);
                });
            }
            if let Some(accessory) = block.get("accessory") {
                element(accessory, &at("accessory"), faults);
            }
        }
        "header" => required_text(block, "text", &at("text"), &["plain_text"], 150, faults),
        "markdown" => match block.get("text").and_then(Value::as_str) {
            None => faults.add(pointer, "missing required field: text"),
            Some(text) if text.chars().count() > 12_000 => {
                faults.add(&at("text"), "must be less than 12001 characters");
            }
            Some(_) => {}
        },
        "image" => {
            if !["image_url", "slack_file"].iter().any(|key| block.contains_key(*key)) {
                faults.add(pointer, "missing required field: image_url");
            }
            if !block.get("alt_text").is_some_and(Value::is_string) {
                faults.add(pointer, "missing required field: alt_text");
            }
        }
        "actions" => match block.get("elements") {
            None => faults.add(pointer, "missing required field: elements"),
            Some(elements) => each(elements, &at("elements"), 25, faults, element),
        },
        "context" => match block.get("elements") {
            None => faults.add(pointer, "missing required field: elements"),
            Some(elements) => each(elements, &at("elements"), 10, faults, |part, pointer, faults| {
                let image = part.get("type").and_then(Value::as_str) == Some("image");
                if !image {
                    text_object(part, pointer, &["plain_text", "mrkdwn"], 3000, faults);
                }
            }),
        },
        "rich_text" => match block.get("elements") {
            None => faults.add(pointer, "missing required field: elements"),
            Some(elements) => each(elements, &at("elements"), 1000, faults, rich_text),
        },
        "input" if place == Place::View => {
            required_text(block, "label", &at("label"), &["plain_text"], 2000, faults);
            match block.get("element") {
                None => faults.add(pointer, "missing required field: element"),
                Some(part) => element(part, &at("element"), faults),
            }
        }
        "video" => {
            for name in ["video_url", "thumbnail_url", "alt_text", "title"] {
                if !block.contains_key(name) {
                    faults.add(pointer, &format!("missing required field: {name}"));
                }
            }
        }
        "file" if !block.contains_key("external_id") => faults.add(pointer, "missing required field: external_id"),
        "divider" | "file" | "call" | "input" | "table" | "context_actions" | "condition" | "plan" | "task_card" => {}
        "" => faults.add(pointer, "missing required field: type"),
        other => faults.add(&at("type"), &format!("unsupported type: {other}")),
    }
}

fn each(items: &Value, pointer: &str, most: usize, faults: &mut Faults, check: impl Fn(&Value, &str, &mut Faults)) {
    let Value::Array(items) = items else { return faults.add(pointer, "must be an array") };
    if items.is_empty() {
        faults.add(pointer, "must have at least one item");
    }
    if items.len() > most {
        faults.add(pointer, &format!("no more than {most} items allowed"));
    }
    for (at, item) in items.iter().enumerate() {
        check(item, &format!("{pointer}/{at}"), faults);
    }
}

fn required_text(
    block: &Map<String, Value>,
    name: &str,
    pointer: &str,
    kinds: &[&str],
    most: usize,
    faults: &mut Faults,
) {
    match block.get(name) {
        Some(text) => text_object(text, pointer, kinds, most, faults),
        None => faults.add(
            pointer.rsplit_once('/').map_or(pointer, |(parent, _)| parent),
            &format!("missing required field: {name}"),
        ),
    }
}

fn text_object(value: &Value, pointer: &str, kinds: &[&str], most: usize, faults: &mut Faults) {
    let Value::Object(members) = value else { return faults.add(pointer, "must provide an object") };
    match kind(members) {
        "" => faults.add(pointer, "missing required field: type"),
        kind if !kinds.contains(&kind) => faults.add(&format!("{pointer}/type"), &format!("unsupported type: {kind}")),
        _ => {}
    }
    match members.get("text").and_then(Value::as_str) {
        None => faults.add(pointer, "missing required field: text"),
        Some("") => faults.add(&format!("{pointer}/text"), "must be more than 0 characters"),
        Some(text) if text.chars().count() > most => {
            faults.add(&format!("{pointer}/text"), &format!("must be less than {} characters", most + 1));
        }
        Some(_) => {}
    }
}

const ELEMENTS: &[&str] = &[
    "button",
    "checkboxes",
    "datepicker",
    "datetimepicker",
    "email_text_input",
    "external_select",
    "file_input",
    "image",
    "multi_channels_select",
    "multi_conversations_select",
    "multi_external_select",
    "multi_static_select",
    "multi_users_select",
    "number_input",
    "overflow",
    "plain_text_input",
    "radio_buttons",
    "rich_text_input",
    "static_select",
    "channels_select",
    "conversations_select",
    "users_select",
    "timepicker",
    "url_text_input",
    "workflow_button",
    "feedback_buttons",
    "icon_button",
];

fn element(value: &Value, pointer: &str, faults: &mut Faults) {
    let Value::Object(members) = value else { return faults.add(pointer, "must be an object") };
    let at = |name: &str| format!("{pointer}/{name}");
    let kind = kind(members);
    if kind.is_empty() {
        return faults.add(pointer, "missing required field: type");
    }
    if !ELEMENTS.contains(&kind) {
        return faults.add(&at("type"), &format!("unsupported type: {kind}"));
    }
    if kind == "button" {
        required_text(members, "text", &at("text"), &["plain_text"], 75, faults);
        if members.get("value").and_then(Value::as_str).is_some_and(|value| value.chars().count() > 2000) {
            faults.add(&at("value"), "must be less than 2001 characters");
        }
        if members.get("style").is_some_and(|style| !matches!(style.as_str(), Some("primary" | "danger"))) {
            faults.add(&at("style"), "must be a valid enum value");
        }
    }
    if members.get("action_id").and_then(Value::as_str).is_some_and(|id| id.chars().count() > 255) {
        faults.add(&at("action_id"), "must be less than 256 characters");
    }
    if matches!(kind, "static_select" | "multi_static_select")
        && !["options", "option_groups"].iter().any(|key| members.contains_key(*key))
    {
        faults.add(pointer, "missing required field: options");
    }
    if matches!(kind, "overflow" | "checkboxes" | "radio_buttons") && !members.contains_key("options") {
        faults.add(pointer, "missing required field: options");
    }
}

const RICH_PARTS: &[&str] = &["rich_text_section", "rich_text_list", "rich_text_preformatted", "rich_text_quote"];
const RICH_LEAVES: &[&str] =
    &["text", "link", "user", "usergroup", "channel", "emoji", "broadcast", "color", "date", "team"];

fn rich_text(value: &Value, pointer: &str, faults: &mut Faults) {
    let Value::Object(members) = value else { return faults.add(pointer, "must be an object") };
    let kind = kind(members);
    if !RICH_PARTS.contains(&kind) {
        return faults.add(&format!("{pointer}/type"), &format!("unsupported type: {kind}"));
    }
    if kind == "rich_text_list" && !matches!(members.get("style").and_then(Value::as_str), Some("bullet" | "ordered")) {
        faults.add(pointer, "missing required field: style");
    }
    let Some(Value::Array(elements)) = members.get("elements") else {
        return faults.add(pointer, "missing required field: elements");
    };
    for (at, leaf) in elements.iter().enumerate() {
        let pointer = format!("{pointer}/elements/{at}");
        if kind == "rich_text_list" {
            rich_text(leaf, &pointer, faults);
            continue;
        }
        let name = leaf.get("type").and_then(Value::as_str).unwrap_or_default();
        if !RICH_LEAVES.contains(&name) {
            faults.add(&format!("{pointer}/type"), &format!("unsupported type: {name}"));
        }
        let needs = match name {
            "text" => Some("text"),
            "link" => Some("url"),
            "user" => Some("user_id"),
            "channel" => Some("channel_id"),
            "usergroup" => Some("usergroup_id"),
            "emoji" => Some("name"),
            "broadcast" => Some("range"),
            _ => None,
        };
        if let Some(needs) = needs.filter(|needs| leaf.get(*needs).is_none()) {
            faults.add(&pointer, &format!("missing required field: {needs}"));
        }
    }
}

/// What the vendor writes into text objects that leave it out.
fn complete(value: &mut Value) {
    match value {
        Value::Array(items) => items.iter_mut().for_each(complete),
        Value::Object(members) => {
            match kind(members) {
                "plain_text" => {
                    members.entry("emoji").or_insert(true.into());
                }
                "mrkdwn" => {
                    members.entry("verbatim").or_insert(false.into());
                }
                _ => {}
            }
            members.values_mut().for_each(complete);
        }
        _ => {}
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn refused(blocks: Value) -> Vec<String> {
        let Value::Array(blocks) = blocks else { panic!("tests pass arrays") };
        let error = accept(blocks, Place::Message, "x").unwrap_err();
        assert_eq!(error.code(), "invalid_blocks");
        let value = serde_json::to_value(format!("{error:?}")).unwrap();
        vec![value.as_str().unwrap().to_owned()]
    }

    #[test]
    fn text_objects_are_completed_and_blocks_get_ids() {
        let blocks = vec![json!({ "type": "section", "text": { "type": "mrkdwn", "text": "hi" } })];
        let accepted = accept(blocks, Place::Message, "x").unwrap();
        assert_eq!(accepted[0]["text"], json!({ "type": "mrkdwn", "text": "hi", "verbatim": false }));
        assert_eq!(accepted[0]["block_id"].as_str().unwrap().len(), 5);
    }

    #[test]
    fn every_rule_has_its_sentence() {
        for (blocks, sentence) in [
            (json!([{ "type": "nothing" }]), "unsupported type: nothing [json-pointer:/blocks/0/type]"),
            (json!([{ "text": "x" }]), "missing required field: type [json-pointer:/blocks/0]"),
            (json!([{ "type": "section" }]), "missing required field: text or fields"),
            (
                json!([{ "type": "header", "text": { "type": "mrkdwn", "text": "x" } }]),
                "[json-pointer:/blocks/0/text/type]",
            ),
            (
                json!([{ "type": "section", "text": { "type": "mrkdwn", "text": "" } }]),
                "must be more than 0 characters",
            ),
            (
                json!([{ "type": "section", "text": { "type": "mrkdwn", "text": "x".repeat(3001) } }]),
                "must be less than 3001",
            ),
            (json!([{ "type": "actions", "elements": [{ "type": "knob" }] }]), "unsupported type: knob"),
            (
                json!([{ "type": "rich_text", "elements": [{ "type": "rich_text_section", "elements": [{ "type": "text" }] }] }]),
                "missing required field: text",
            ),
            (
                json!([{ "type": "divider", "block_id": "a" }, { "type": "divider", "block_id": "a" }]),
                "already exists: a",
            ),
            (Value::Array(vec![json!({ "type": "divider" }); 51]), "no more than 50 items"),
        ] {
            let said = refused(blocks).join("\n");
            assert!(said.contains(sentence), "{sentence}: {said}");
        }
    }
}
