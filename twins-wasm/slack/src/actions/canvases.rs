//! Canvases: documents made of sections, alone or in the header of a channel.

use pome_twin_kit::Action;
use serde::Deserialize;
use serde_json::{Map, Value, json};

use super::{Actor, Answer, Cx, Error, List, Outcome, Structured, access, given, refuse};
use crate::Slack;
use crate::export;
use crate::state::{Canvas, Section};
use crate::views::files;

/// What somebody may do with a canvas.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum Right {
    Read,
    Write,
    Owner,
}

impl Right {
    fn parse(word: &str) -> Option<Self> {
        Some(match word {
            "read" => Self::Read,
            "write" => Self::Write,
            "owner" => Self::Owner,
            _ => return None,
        })
    }
}

fn right(cx: &Cx<'_>, actor: &Actor, canvas: &Canvas) -> Option<Right> {
    if canvas.by == actor.id {
        return Some(Right::Owner);
    }
    let given = canvas.access.iter().filter(|(who, _)| *who == actor.id || cx.state.is_member(who, &actor.id));
    let given = given.filter_map(|(_, level)| Right::parse(level)).max();
    // A channel's canvas is its members' to write.
    let through =
        canvas.channel.as_ref().filter(|channel| cx.state.is_member(channel, &actor.id)).map(|_| Right::Write);
    given.max(through)
}

/// `restricted_action`, or `not_in_channel` for a channel's canvas, unless the caller may read it.
pub(crate) fn readable(cx: &Cx<'_>, actor: &Actor, canvas: &Canvas) -> Result<(), Error> {
    allowed(cx, actor, canvas, Right::Read)
}

fn allowed(cx: &Cx<'_>, actor: &Actor, canvas: &Canvas, least: Right) -> Result<(), Error> {
    if right(cx, actor, canvas).is_some_and(|right| right >= least) {
        return Ok(());
    }
    refuse(if canvas.channel.is_some() { "not_in_channel" } else { "restricted_action" })
}

fn existing(cx: &Cx<'_>, id: Option<&String>) -> Result<Canvas, Error> {
    let id = given(id).ok_or_else(|| Error::missing("canvas_id"))?.to_owned();
    let canvas = cx.state.canvases.get(&id).filter(|canvas| !canvas.deleted);
    canvas.cloned().ok_or_else(|| Error::new("canvas_not_found"))
}

/// Markdown as sections: each heading begins one, blank lines end paragraphs, fences hold together.
fn sections(cx: &mut Cx<'_>, markdown: &str) -> Vec<Section> {
    let mut parts: Vec<String> = Vec::new();
    let (mut part, mut fenced) = (String::new(), false);
    for line in markdown.lines() {
        if line.trim_start().starts_with("```") {
            fenced = !fenced;
        }
        let breaks = !fenced && (line.trim().is_empty() || line.starts_with('#'));
        if breaks && !part.trim().is_empty() {
            parts.push(std::mem::take(&mut part));
        }
        if !fenced && line.trim().is_empty() {
            continue;
        }
        if !part.is_empty() {
            part.push('\n');
        }
        part.push_str(line);
        if !fenced && line.starts_with('#') {
            parts.push(std::mem::take(&mut part));
        }
    }
    if !part.trim().is_empty() {
        parts.push(part);
    }
    parts.into_iter().map(|markdown| Section { id: section_id(cx), markdown }).collect()
}

/// `temp:C:` and the digits of a counter, as the vendor's ids look.
fn section_id(cx: &mut Cx<'_>) -> String {
    let id = cx.state.id("");
    let hex = pome_twin_kit::ids::hex_id(&id);
    format!("temp:C:{}", hex.get(..20).unwrap_or_default())
}

/// The markdown of `document_content`.
fn document(content: Option<Structured>, failed: &'static str) -> Result<Option<String>, Error> {
    let bad = |detail: &str| Error::new(failed).with("detail", detail);
    let Some(content) = content else { return Ok(None) };
    let members = match content {
        Structured::Given(Value::Null) => return Ok(None),
        content => content.object().ok_or_else(|| bad("invalid document_content"))?,
    };
    if members.get("type").and_then(Value::as_str) != Some("markdown") {
        return Err(bad("unsupported content type"));
    }
    let markdown = members.get("markdown").and_then(Value::as_str);
    markdown.map(|text| Some(text.to_owned())).ok_or_else(|| bad("invalid document_content"))
}

fn create(
    cx: &mut Cx<'_>,
    actor: &Actor,
    title: Option<String>,
    content: Option<String>,
    channel: Option<String>,
) -> Result<Canvas, Error> {
    let title = title.filter(|title| !title.trim().is_empty()).unwrap_or_else(|| "Untitled".to_owned());
    if title.contains('\n') || title.len() > 255 {
        return Err(Error::new("canvas_creation_failed").with("detail", "invalid title"));
    }
    let sections = sections(cx, &content.unwrap_or_default());
    let canvas = Canvas {
        id: cx.state.id("F"),
        title,
        sections,
        channel,
        by: actor.id.clone(),
        access: Vec::new(),
        deleted: false,
        created_at: cx.now(),
        updated_at: cx.now(),
    };
    let team = super::auth::team(cx.state)?;
    cx.changed(None, Some(export::canvas(&team, &canvas)));
    cx.state.canvases.insert(canvas.id.clone(), canvas.clone());
    Ok(canvas)
}

/// Makes a canvas.
#[derive(Deserialize)]
pub(crate) struct Create {
    pub(crate) title: Option<String>,
    pub(crate) document_content: Option<Structured>,
    pub(crate) channel_id: Option<String>,
}

impl Action<Slack> for Create {
    const NAME: &'static str = "canvases.create";
    const MUTATES: bool = true;
    type Output = Answer;

    fn run(self, cx: &mut Cx<'_>) -> Outcome {
        let actor = access::actor(cx)?;
        let content = document(self.document_content, "canvas_creation_failed")?;
        let channel = match given(self.channel_id.as_ref()) {
            Some(channel) => {
                let channel = access::channel(cx, &actor, Some(channel))?;
                access::member(cx, &actor, &channel)?;
                Some(channel.id)
            }
            None => None,
        };
        let canvas = create(cx, &actor, self.title, content, channel)?;
        let link = files::permalink(cx.state, &canvas);
        Ok(Answer::ok().with("canvas_id", canvas.id).tool("canvas_link", link).tool("title", canvas.title))
    }
}

/// Makes the canvas in a channel's header.
#[derive(Deserialize)]
pub(crate) struct CreateInChannel {
    channel_id: Option<String>,
    title: Option<String>,
    document_content: Option<Structured>,
}

impl Action<Slack> for CreateInChannel {
    const NAME: &'static str = "conversations.canvases.create";
    const MUTATES: bool = true;
    type Output = Answer;

    fn run(self, cx: &mut Cx<'_>) -> Outcome {
        let actor = access::actor(cx)?;
        let channel = access::channel(cx, &actor, given(self.channel_id.as_ref()))?;
        access::member(cx, &actor, &channel)?;
        let content = document(self.document_content, "canvas_creation_failed")?;
        let there = channel.canvas.as_ref().and_then(|id| cx.state.canvases.get(id));
        if there.is_some_and(|canvas| !canvas.deleted) {
            return refuse("channel_canvas_already_exists");
        }
        let canvas = create(cx, &actor, self.title, content, Some(channel.id.clone()))?;
        if let Some(channel) = cx.state.channels.get_mut(&channel.id) {
            channel.canvas = Some(canvas.id.clone());
        }
        Ok(Answer::ok().with("canvas_id", canvas.id))
    }
}

/// One change of a canvas.
struct Change {
    operation: String,
    section: Option<String>,
    content: Option<String>,
    title: Option<String>,
}

fn changes(items: Vec<Value>) -> Result<Vec<Change>, Error> {
    let bad = |what: &str| Error::arguments(&[format!("changes: {what}")]);
    let mut out = Vec::new();
    for item in items {
        let Value::Object(mut members) = item else { return Err(bad("each must be an object")) };
        let text =
            |members: &Map<String, Value>, key: &str| members.get(key).and_then(Value::as_str).map(str::to_owned);
        let operation = text(&members, "operation").ok_or_else(|| bad("missing required field: operation"))?;
        let section = text(&members, "section_id").filter(|id| !id.is_empty());
        let markdown = |members: &mut Map<String, Value>, key: &str| {
            document(members.remove(key).map(Structured::Given), "canvas_editing_failed")
        };
        let content = markdown(&mut members, "document_content")?;
        let title = markdown(&mut members, "title_content")?;
        out.push(Change { operation, section, content, title });
    }
    Ok(out)
}

fn edit(cx: &mut Cx<'_>, canvas: &mut Canvas, changes: Vec<Change>) -> Result<(), Error> {
    let failed = |detail: String| Error::new("canvas_editing_failed").with("detail", detail);
    for change in changes {
        let operation = change.operation.as_str();
        if operation == "rename" {
            let title = change.title.ok_or_else(|| Error::missing("title_content"))?;
            if title.trim().is_empty() || title.contains('\n') || title.len() > 255 {
                return Err(failed("invalid title".to_owned()));
            }
            canvas.title = title;
            continue;
        }
        let at = match &change.section {
            Some(id) => {
                let at = canvas.sections.iter().position(|section| section.id == *id);
                Some(at.ok_or_else(|| failed(format!("section not found: {id}")))?)
            }
            None => None,
        };
        if operation == "delete" {
            let at = at.ok_or_else(|| Error::missing("section_id"))?;
            canvas.sections.remove(at);
            continue;
        }
        if !matches!(operation, "insert_at_start" | "insert_at_end" | "insert_after" | "insert_before" | "replace") {
            return Err(failed(format!("unknown operation: {operation}")));
        }
        let content = change.content.ok_or_else(|| Error::missing("document_content"))?;
        let fresh = sections(cx, &content);
        let end = canvas.sections.len();
        let needed = || at.ok_or_else(|| Error::missing("section_id"));
        let range = match operation {
            "insert_at_start" => 0..0,
            "insert_at_end" => end..end,
            "insert_after" => needed()? + 1..needed()? + 1,
            "insert_before" => needed()?..needed()?,
            _ => at.map_or(0..end, |at| at..at + 1),
        };
        canvas.sections.splice(range, fresh);
    }
    Ok(())
}

/// Changes a canvas, all changes or none.
#[derive(Deserialize)]
pub(crate) struct Edit {
    pub(crate) canvas_id: Option<String>,
    pub(crate) changes: Option<Structured>,
}

impl Action<Slack> for Edit {
    const NAME: &'static str = "canvases.edit";
    const MUTATES: bool = true;
    type Output = Answer;

    fn run(self, cx: &mut Cx<'_>) -> Outcome {
        let actor = access::actor(cx)?;
        given(self.canvas_id.as_ref()).ok_or_else(|| Error::missing("canvas_id"))?;
        let items = self.changes.ok_or_else(|| Error::missing("changes"))?;
        let items = items.items().map_err(|()| Error::arguments(&["changes: must be an array".to_owned()]))?;
        if items.is_empty() {
            return Err(Error::missing("changes"));
        }
        if items.len() > 100 {
            return Err(Error::arguments(&["changes: no more than 100 items allowed".to_owned()]));
        }
        let changes = changes(items)?;
        let before = existing(cx, self.canvas_id.as_ref())?;
        allowed(cx, &actor, &before, Right::Write)?;
        let mut canvas = before.clone();
        edit(cx, &mut canvas, changes)?;
        // Ids of sections are good until the next change.
        for section in &mut canvas.sections {
            section.id = section_id(cx);
        }
        canvas.updated_at = cx.now();
        let team = super::auth::team(cx.state)?;
        cx.changed(Some(export::canvas(&team, &before)), Some(export::canvas(&team, &canvas)));
        let link = files::permalink(cx.state, &canvas);
        let answer = Answer::ok().tool("canvas_id", canvas.id.clone()).tool("canvas_link", link);
        let answer = answer.tool("section_id_mapping", mapping(&canvas));
        cx.state.canvases.insert(canvas.id.clone(), canvas);
        Ok(answer)
    }
}

/// Deletes a canvas.
#[derive(Deserialize)]
pub(crate) struct Delete {
    canvas_id: Option<String>,
}

impl Action<Slack> for Delete {
    const NAME: &'static str = "canvases.delete";
    const MUTATES: bool = true;
    type Output = Answer;

    fn run(self, cx: &mut Cx<'_>) -> Outcome {
        let actor = access::actor(cx)?;
        let canvas = existing(cx, self.canvas_id.as_ref())?;
        allowed(cx, &actor, &canvas, Right::Write)?;
        let team = super::auth::team(cx.state)?;
        cx.changed(Some(export::canvas(&team, &canvas)), None);
        cx.state.canvases.remove(&canvas.id);
        Ok(Answer::ok())
    }
}

/// Sections by id, with the beginning of each.
fn mapping(canvas: &Canvas) -> Value {
    let rows = canvas.sections.iter().map(|section| {
        let start: String = section.markdown.lines().next().unwrap_or_default().chars().take(80).collect();
        (section.id.clone(), start.into())
    });
    Value::Object(rows.collect())
}

/// A canvas with its sections, as the tool reads it.
#[derive(Deserialize)]
pub(crate) struct Read {
    canvas_id: Option<String>,
}

impl Action<Slack> for Read {
    const NAME: &'static str = "canvases.read";
    type Output = Answer;

    fn run(self, cx: &mut Cx<'_>) -> Outcome {
        let actor = access::actor(cx)?;
        let canvas = existing(cx, self.canvas_id.as_ref())?;
        readable(cx, &actor, &canvas)?;
        let answer = Answer::ok().with("canvas_id", canvas.id.clone()).with("title", canvas.title.clone());
        let answer = answer.with("content", canvas.markdown()).with("channel_id", canvas.channel.clone());
        let answer = answer.with("section_id_mapping", mapping(&canvas));
        let answer = answer.with("canvas_link", files::permalink(cx.state, &canvas));
        let answer = answer.with("date_created", canvas.created_at.to_millis().to_string());
        Ok(answer.with("date_updated", canvas.updated_at.to_millis().to_string()))
    }
}

/// Sections of some kind, or with some text.
#[derive(Deserialize)]
pub(crate) struct Lookup {
    canvas_id: Option<String>,
    criteria: Option<Structured>,
}

impl Action<Slack> for Lookup {
    const NAME: &'static str = "canvases.sections.lookup";
    type Output = Answer;

    fn run(self, cx: &mut Cx<'_>) -> Outcome {
        let actor = access::actor(cx)?;
        let canvas = existing(cx, self.canvas_id.as_ref())?;
        readable(cx, &actor, &canvas)?;
        let criteria = self.criteria.and_then(Structured::object).ok_or_else(|| Error::missing("criteria"))?;
        let text = criteria.get("contains_text").and_then(Value::as_str).map(str::to_lowercase);
        let types: Vec<&str> = match criteria.get("section_types") {
            Some(Value::Array(items)) => items.iter().filter_map(Value::as_str).collect(),
            _ => Vec::new(),
        };
        if text.is_none() && types.is_empty() {
            return Err(Error::missing("criteria"));
        }
        if types.iter().any(|kind| !matches!(*kind, "h1" | "h2" | "h3" | "any_header")) {
            return Err(Error::arguments(&["criteria/section_types: must be a valid enum value".to_owned()]));
        }
        let fits = |section: &&Section| {
            let level = section.markdown.bytes().take_while(|byte| *byte == b'#').count();
            let kind = types.is_empty()
                || types.iter().any(|kind| match *kind {
                    "any_header" => level > 0,
                    kind => kind == format!("h{level}"),
                });
            kind && text.as_ref().is_none_or(|text| section.markdown.to_lowercase().contains(text))
        };
        let found: Vec<Value> =
            canvas.sections.iter().filter(fits).map(|section| json!({ "id": section.id })).collect();
        Ok(Answer::ok().with("sections", found))
    }
}

/// Lets users or channels read or write a canvas.
#[derive(Deserialize)]
pub(crate) struct SetAccess {
    canvas_id: Option<String>,
    access_level: Option<String>,
    channel_ids: Option<List>,
    user_ids: Option<List>,
}

/// Those who are named, as ids that exist.
fn named(cx: &Cx<'_>, actor: &Actor, channels: Option<List>, users: Option<List>) -> Result<Vec<String>, Error> {
    let (channels, users) = (channels.map(|ids| ids.0).unwrap_or_default(), users.map(|ids| ids.0).unwrap_or_default());
    if channels.is_empty() == users.is_empty() {
        return Err(Error::arguments(&["either channel_ids or user_ids is required, not both".to_owned()]));
    }
    let mut ids = Vec::new();
    for channel in channels {
        ids.push(access::channel(cx, actor, Some(&channel))?.id);
    }
    for user in users {
        ids.push(access::user(cx, Some(&user))?.id);
    }
    Ok(ids)
}

fn store(cx: &mut Cx<'_>, before: &Canvas, canvas: Canvas) -> Outcome {
    let team = super::auth::team(cx.state)?;
    cx.changed(Some(export::canvas(&team, before)), Some(export::canvas(&team, &canvas)));
    cx.state.canvases.insert(canvas.id.clone(), canvas);
    Ok(Answer::ok().with("failed_to_update_channel_ids", json!([])).with("failed_to_update_user_ids", json!([])))
}

impl Action<Slack> for SetAccess {
    const NAME: &'static str = "canvases.access.set";
    const MUTATES: bool = true;
    type Output = Answer;

    fn run(self, cx: &mut Cx<'_>) -> Outcome {
        let actor = access::actor(cx)?;
        let before = existing(cx, self.canvas_id.as_ref())?;
        allowed(cx, &actor, &before, Right::Owner)?;
        let level = self.access_level.unwrap_or_default();
        let right = Right::parse(&level).ok_or_else(|| Error::missing("access_level"))?;
        let ids = named(cx, &actor, self.channel_ids, self.user_ids)?;
        if right == Right::Owner && ids.iter().any(|id| cx.state.channels.contains(id)) {
            return refuse("invalid_access_level");
        }
        let mut canvas = before.clone();
        canvas.access.retain(|(id, _)| !ids.contains(id));
        canvas.access.extend(ids.into_iter().map(|id| (id, level.clone())));
        store(cx, &before, canvas)
    }
}

/// Takes that back.
#[derive(Deserialize)]
pub(crate) struct DeleteAccess {
    canvas_id: Option<String>,
    channel_ids: Option<List>,
    user_ids: Option<List>,
}

impl Action<Slack> for DeleteAccess {
    const NAME: &'static str = "canvases.access.delete";
    const MUTATES: bool = true;
    type Output = Answer;

    fn run(self, cx: &mut Cx<'_>) -> Outcome {
        let actor = access::actor(cx)?;
        let before = existing(cx, self.canvas_id.as_ref())?;
        allowed(cx, &actor, &before, Right::Owner)?;
        let ids = named(cx, &actor, self.channel_ids, self.user_ids)?;
        let mut canvas = before.clone();
        canvas.access.retain(|(id, _)| !ids.contains(id));
        store(cx, &before, canvas)
    }
}
