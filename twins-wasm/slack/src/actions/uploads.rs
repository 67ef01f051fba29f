//! Sending files: announce, send the bytes to the address that came back, complete.

use std::sync::Arc;

use pome_twin_kit::Action;
use pome_twin_kit::form::Form;
use serde::Deserialize;
use serde_json::{Value, json};
use sha2::{Digest, Sha256};

use super::posting::{self, Content, Good};
use super::{Actor, Answer, Cx, Error, Int, List, Outcome, Structured, access, given, refuse};
use crate::Slack;
use crate::answer::Plain;
use crate::export;
use crate::state::{File, Upload};
use crate::views::files;

/// What the credentials of upload addresses begin with.
pub(crate) const TICKET: &str = "xupl-pome-";

/// Announces a file; the answer says where its bytes go.
#[derive(Deserialize)]
pub(crate) struct Announce {
    filename: Option<String>,
    length: Option<Int>,
    alt_txt: Option<String>,
    snippet_type: Option<String>,
}

impl Action<Slack> for Announce {
    const NAME: &'static str = "files.getUploadURLExternal";
    const MUTATES: bool = true;
    type Output = Answer;

    fn run(self, cx: &mut Cx<'_>) -> Outcome {
        let actor = access::actor(cx)?;
        let name = given(self.filename.as_ref()).ok_or_else(|| Error::missing("filename"))?.to_owned();
        let length = self.length.ok_or_else(|| Error::missing("length"))?.0;
        let length = u64::try_from(length).ok().filter(|length| *length > 0);
        let length = length.ok_or_else(|| Error::arguments(&["length: must be greater than 0".to_owned()]))?;
        if length > 1_000_000_000 {
            return refuse("file_upload_size_restricted");
        }
        let id = cx.state.id("F");
        let token = format!("{TICKET}{:016x}{:016x}", cx.random(), cx.random());
        let row = Upload {
            id: id.clone(),
            user: actor.id,
            name,
            length,
            alt_text: self.alt_txt.filter(|text| !text.is_empty()),
            snippet_type: self.snippet_type.filter(|kind| !kind.is_empty()),
            content: None,
            ticket: Sha256::digest(token.as_bytes()).into(),
        };
        cx.changed(None, Some(export::upload(&row)));
        cx.state.uploads.insert(id.clone(), row);
        let address = format!("{}/upload/v1/{id}?token={token}", cx.origin);
        Ok(Answer::ok().with("upload_url", address).with("file_id", id))
    }
}

/// Takes the bytes of an announced file, raw or as a part of a form.
#[derive(Deserialize)]
pub(crate) struct Receive {
    file: String,
}

impl Action<Slack> for Receive {
    const NAME: &'static str = "files.receive";
    const MUTATES: bool = true;
    type Output = Plain;

    fn run(self, cx: &mut Cx<'_>) -> Result<Plain, Error> {
        let Some(before) = cx.state.uploads.get(&self.file).cloned() else { return refuse("file_not_found") };
        // Whoever has the address may send; anybody else must be the one who announced.
        if access::upload_of(cx).is_none_or(|upload| upload != self.file) && access::actor(cx)?.id != before.user {
            return refuse("file_not_found");
        }
        let kind = cx.header("content-type").unwrap_or_default().to_ascii_lowercase();
        let bytes = if kind.starts_with("multipart/form-data") {
            let form = Form::read(cx.headers, cx.body);
            let file = form.files.into_iter().next().map(|file| file.bytes);
            let field = || Some(form.members.values().next()?.as_str()?.as_bytes().to_vec());
            file.or_else(field).unwrap_or_default()
        } else {
            cx.body.to_vec()
        };
        let length = bytes.len();
        if u64::try_from(length) != Ok(before.length) {
            return refuse("file_upload_size_mismatch");
        }
        let row = Upload { content: Some(Arc::new(bytes)), ..before.clone() };
        cx.changed(Some(export::upload(&before)), Some(export::upload(&row)));
        cx.state.uploads.insert(self.file, row);
        let said = format!("OK - {length}");
        Ok(Plain { kind: "text/plain; charset=utf-8".to_owned(), name: None, bytes: said.into_bytes() })
    }
}

/// Finishes uploads and shares the files, as one message in each channel.
#[derive(Deserialize)]
pub(crate) struct Complete {
    files: Option<Structured>,
    channel_id: Option<String>,
    channels: Option<List>,
    thread_ts: Option<String>,
    initial_comment: Option<String>,
    blocks: Option<Structured>,
}

impl Action<Slack> for Complete {
    const NAME: &'static str = "files.completeUploadExternal";
    const MUTATES: bool = true;
    type Output = Answer;

    fn run(self, cx: &mut Cx<'_>) -> Outcome {
        let actor = access::actor(cx)?;
        let items = self.files.ok_or_else(|| Error::missing("files"))?;
        let items = items.items().map_err(|()| Error::arguments(&["files: must be an array".to_owned()]))?;
        if items.is_empty() {
            return Err(Error::missing("files"));
        }
        let mut ids = Vec::new();
        for item in &items {
            let id = item.get("id").and_then(Value::as_str).ok_or_else(|| Error::missing("files/id"))?.to_owned();
            let own = |upload: &&Upload| upload.user == actor.id;
            let Some(upload) = cx.state.uploads.get(&id).filter(own).cloned() else { return refuse("file_not_found") };
            let Some(content) = upload.content else { return refuse("file_not_found") };
            let title = item.get("title").and_then(Value::as_str).filter(|title| !title.is_empty());
            let filetype = upload.snippet_type.unwrap_or_else(|| files::filetype(&upload.name, &content));
            let file = File {
                id: id.clone(),
                user: actor.id.clone(),
                title: title.unwrap_or(&upload.name).to_owned(),
                name: upload.name,
                filetype,
                content,
                alt_text: upload.alt_text,
                channels: Vec::new(),
                public_url: false,
                deleted: false,
                created_at: cx.now(),
            };
            cx.state.uploads.remove(&id);
            cx.state.files.insert(id.clone(), file);
            ids.push(id);
        }
        let mut channels = self.channels.map(|channels| channels.0).unwrap_or_default();
        channels.extend(self.channel_id.filter(|channel| !channel.is_empty()));
        let share_as = Share { comment: self.initial_comment, blocks: self.blocks, thread: self.thread_ts };
        share(cx, &actor, &ids, &channels, &share_as)?;
        let team = super::auth::team(cx.state)?;
        let rows = ids.iter().filter_map(|id| cx.state.files.get(id));
        let shown: Vec<Value> = rows.clone().map(|file| files::file(cx.state, file, cx.origin)).collect();
        let exported: Vec<Value> = rows.map(|file| export::file(&team, file)).collect();
        cx.changed(None, Some(json!({ "files": exported })));
        Ok(Answer::ok().with("files", shown))
    }
}

/// How files are shared.
pub(crate) struct Share {
    pub(crate) comment: Option<String>,
    pub(crate) blocks: Option<Structured>,
    pub(crate) thread: Option<String>,
}

/// Shares files in channels, each with one message.
pub(crate) fn share(
    cx: &mut Cx<'_>,
    actor: &Actor,
    ids: &[String],
    channels: &[String],
    how: &Share,
) -> Result<(), Error> {
    for wanted in channels {
        let channel = access::destination(cx, actor, Some(wanted))?;
        access::open(&channel)?;
        access::may_post(cx, actor, &channel)?;
        let root = posting::root(cx, &channel, given(how.thread.as_ref()))?;
        let content = Content { text: how.comment.clone(), blocks: how.blocks.clone(), ..Content::default() };
        let good: Good = posting::accept(cx, content, &super::chat::seed(cx))?;
        let mut message = posting::compose(cx, actor, &channel, good, root);
        message.files = ids.to_vec();
        for id in ids {
            if let Some(file) = cx.state.files.get_mut(id)
                && !file.channels.contains(&channel.id)
            {
                file.channels.push(channel.id.clone());
            }
        }
        posting::publish(cx, message);
    }
    Ok(())
}
