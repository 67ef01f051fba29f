//! Files: showing, listing, deleting, sharing with everybody, and their content.

use pome_twin_kit::Action;
use serde::Deserialize;
use serde_json::{Value, json};

use super::{Actor, Answer, Cx, Error, Flag, Int, List, Outcome, access, given, refuse};
use crate::Slack;
use crate::answer::Plain;
use crate::export;
use crate::paging::Paging;
use crate::state::{Canvas, File, State};
use crate::ts::Ts;
use crate::views::files;

/// The largest file whose content a tool shows.
const MOST_SHOWN: usize = 10 * 1024 * 1024;

/// Whether somebody may see a file: its owner, and who sees a channel that it was shared in.
pub(crate) fn sees(state: &State, user: &str, file: &File) -> bool {
    let shared = file.channels.iter().filter_map(|id| state.channels.get(id));
    file.user == user || shared.into_iter().any(|channel| state.is_visible(channel, user))
}

/// A file that the caller may see.
pub(crate) fn visible(cx: &Cx<'_>, actor: &Actor, id: &str) -> Result<File, Error> {
    let file = cx.state.files.get(&id.to_owned()).filter(|file| sees(cx.state, &actor.id, file));
    file.cloned().ok_or_else(|| Error::new("file_not_found"))
}

fn existing(cx: &Cx<'_>, actor: &Actor, id: Option<&String>) -> Result<File, Error> {
    let file = visible(cx, actor, given(id).unwrap_or_default())?;
    if file.deleted { refuse("file_deleted") } else { Ok(file) }
}

/// One file, with its text when it is text.
#[derive(Deserialize)]
pub(crate) struct Info {
    file: Option<String>,
    count: Option<Int>,
    page: Option<Int>,
}

impl Action<Slack> for Info {
    const NAME: &'static str = "files.info";
    type Output = Answer;

    fn run(self, cx: &mut Cx<'_>) -> Outcome {
        let actor = access::actor(cx)?;
        let id = self.file.clone().unwrap_or_default();
        let paging = Paging::new(self.page, self.count, 100, 1000, 0);
        let answer = Answer::ok();
        if let Some(canvas) = cx.state.canvases.get(&id).filter(|canvas| !canvas.deleted) {
            super::canvases::readable(cx, &actor, canvas).map_err(|_| Error::new("file_not_found"))?;
            let answer = answer.with("file", files::canvas(cx.state, canvas)).with("comments", json!([]));
            return Ok(answer.with("paging", paging.view()).cursor(""));
        }
        let file = existing(cx, &actor, self.file.as_ref())?;
        let mut answer = answer.with("file", files::file(cx.state, &file, cx.origin)).with("comments", json!([]));
        if files::is_text(&file) {
            let content = String::from_utf8_lossy(&file.content).into_owned();
            answer = answer.with("content", content).with("is_truncated", false);
        }
        Ok(answer.with("paging", paging.view()).cursor(""))
    }
}

/// A file's content, as the tool reads it: text between marks, or bytes in base64.
#[derive(Deserialize)]
pub(crate) struct Read {
    file_id: String,
}

impl Action<Slack> for Read {
    const NAME: &'static str = "files.read";
    type Output = Answer;

    fn run(self, cx: &mut Cx<'_>) -> Outcome {
        use base64::Engine as _;
        let actor = access::actor(cx)?;
        let file = existing(cx, &actor, Some(&self.file_id))?;
        if file.content.len() > MOST_SHOWN {
            return refuse("file_too_large");
        }
        let shown = files::file(cx.state, &file, cx.origin);
        let answer = Answer::ok().with("file", shown).with("mimeType", files::mimetype(&file.filetype));
        if files::is_text(&file) {
            // The marks carry a suffix that the content cannot know.
            let suffix = files::secret(&format!("{}/{}", file.id, file.content.len()));
            let text = String::from_utf8_lossy(&file.content);
            let content = format!("<file_content_{suffix}>\n{text}\n</file_content_{suffix}>");
            return Ok(answer.with("encoding", "utf-8").with("content", content));
        }
        let content = base64::engine::general_purpose::STANDARD.encode(file.content.as_slice());
        Ok(answer.with("encoding", "base64").with("content", content))
    }
}

/// Files that the caller may see, newest first.
#[derive(Deserialize)]
pub(crate) struct Files {
    channel: Option<String>,
    user: Option<String>,
    count: Option<Int>,
    page: Option<Int>,
    types: Option<List>,
    ts_from: Option<String>,
    ts_to: Option<String>,
}

/// The words of `types`.
fn is_of(types: &[String], filetype: &str) -> bool {
    let mime = files::mimetype(filetype);
    let word = |word: &String| match word.as_str() {
        "all" => true,
        "snippets" => mime.starts_with("text/"),
        "images" => mime.starts_with("image/"),
        "zips" => filetype == "zip",
        "pdfs" => filetype == "pdf",
        "spaces" | "canvas" => filetype == "quip",
        _ => false,
    };
    types.is_empty() || types.iter().any(word)
}

impl Action<Slack> for Files {
    const NAME: &'static str = "files.list";
    type Output = Answer;

    fn run(self, cx: &mut Cx<'_>) -> Outcome {
        let actor = access::actor(cx)?;
        let user = match given(self.user.as_ref()) {
            Some(user) => Some(access::user(cx, Some(user))?.id),
            None => None,
        };
        let channel = match given(self.channel.as_ref()) {
            Some(channel) => Some(access::channel(cx, &actor, Some(channel))?.id),
            None => None,
        };
        let types = self.types.map(|types| types.0).unwrap_or_default();
        let words = ["all", "spaces", "snippets", "images", "gdocs", "zips", "pdfs", "canvas"];
        if types.iter().any(|word| !words.contains(&word.as_str())) {
            return refuse("unknown_type");
        }
        let second = |text: Option<&String>| given(text).and_then(Ts::parse).map(Ts::seconds);
        let from = second(self.ts_from.as_ref()).unwrap_or_default();
        let to = second(self.ts_to.as_ref()).unwrap_or(u64::MAX);
        let mut rows: Vec<(u64, &str, Value)> = Vec::new();
        for file in cx.state.files.values().filter(|file| !file.deleted && sees(cx.state, &actor.id, file)) {
            let fits = user.as_ref().is_none_or(|user| file.user == *user)
                && channel.as_ref().is_none_or(|channel| file.channels.contains(channel))
                && is_of(&types, &file.filetype)
                && (from..=to).contains(&file.created_at.seconds());
            if fits {
                rows.push((file.created_at.0, &file.id, files::file(cx.state, file, cx.origin)));
            }
        }
        let listed = |canvas: &&Canvas| {
            !canvas.deleted
                && super::canvases::readable(cx, &actor, canvas).is_ok()
                && user.as_ref().is_none_or(|user| canvas.by == *user)
                && channel.as_ref().is_none_or(|channel| canvas.channel.as_ref() == Some(channel))
                && is_of(&types, "quip")
                && (from..=to).contains(&canvas.created_at.seconds())
        };
        for canvas in cx.state.canvases.values().filter(listed) {
            rows.push((canvas.created_at.0, &canvas.id, files::canvas(cx.state, canvas)));
        }
        rows.sort_by(|a, b| (b.0, b.1).cmp(&(a.0, a.1)));
        let paging = Paging::new(self.page, self.count, 100, 1000, rows.len());
        let shown: Vec<Value> = paging.slice(rows.into_iter()).map(|(.., value)| value).collect();
        Ok(Answer::ok().with("files", shown).with("paging", paging.view()))
    }
}

/// Changes a file and reports both sides.
fn change(cx: &mut Cx<'_>, file: &File, change: impl FnOnce(&mut File)) -> Result<File, Error> {
    let team = super::auth::team(cx.state)?;
    let before = export::file(&team, file);
    let mut next = file.clone();
    change(&mut next);
    let after = export::file(&team, &next);
    cx.state.files.insert(next.id.clone(), next.clone());
    cx.changed(Some(before), Some(after));
    Ok(next)
}

/// Deletes a file of the caller; admins may delete those of others.
#[derive(Deserialize)]
pub(crate) struct Delete {
    file: Option<String>,
}

impl Action<Slack> for Delete {
    const NAME: &'static str = "files.delete";
    const MUTATES: bool = true;
    type Output = Answer;

    fn run(self, cx: &mut Cx<'_>) -> Outcome {
        let actor = access::actor(cx)?;
        let file = existing(cx, &actor, self.file.as_ref())?;
        if file.user != actor.id && !actor.is_admin {
            return refuse("cant_delete_file");
        }
        change(cx, &file, |file| {
            file.deleted = true;
            file.content = std::sync::Arc::default();
        })?;
        Ok(Answer::ok())
    }
}

/// Lets everybody who has the address see a file.
#[derive(Deserialize)]
pub(crate) struct Publish {
    file: Option<String>,
}

impl Action<Slack> for Publish {
    const NAME: &'static str = "files.sharedPublicURL";
    const MUTATES: bool = true;
    type Output = Answer;

    fn run(self, cx: &mut Cx<'_>) -> Outcome {
        let actor = access::actor(cx)?;
        let file = existing(cx, &actor, self.file.as_ref())?;
        if file.public_url {
            return refuse("already_public");
        }
        let file = change(cx, &file, |file| file.public_url = true)?;
        Ok(Answer::ok().with("file", files::file(cx.state, &file, cx.origin)))
    }
}

/// Takes that back.
#[derive(Deserialize)]
pub(crate) struct Unpublish {
    file: Option<String>,
}

impl Action<Slack> for Unpublish {
    const NAME: &'static str = "files.revokePublicURL";
    const MUTATES: bool = true;
    type Output = Answer;

    fn run(self, cx: &mut Cx<'_>) -> Outcome {
        let actor = access::actor(cx)?;
        let file = existing(cx, &actor, self.file.as_ref())?;
        let file = change(cx, &file, |file| file.public_url = false)?;
        Ok(Answer::ok().with("file", files::file(cx.state, &file, cx.origin)))
    }
}

/// The bytes of a file, at the address that `url_private` names.
#[derive(Deserialize)]
pub(crate) struct Download {
    /// `<team>-<file>`
    key: String,
    #[expect(dead_code, reason = "the rest of the address is decoration")]
    name: String,
}

impl Action<Slack> for Download {
    const NAME: &'static str = "files.download";
    type Output = Plain;

    fn run(self, cx: &mut Cx<'_>) -> Result<Plain, Error> {
        let actor = access::actor(cx)?;
        let id = self.key.rsplit_once('-').map_or(self.key.as_str(), |(_, id)| id);
        let file = existing(cx, &actor, Some(&id.to_owned()))?;
        let kind = files::mimetype(&file.filetype);
        let kind = if kind.starts_with("text/") { format!("{kind}; charset=utf-8") } else { kind.to_owned() };
        Ok(Plain { kind, name: Some(file.name.clone()), bytes: file.content.to_vec() })
    }
}

/// The old way to send a file, in one call.
#[derive(Deserialize)]
pub(crate) struct Upload {
    channels: Option<List>,
    filename: Option<String>,
    title: Option<String>,
    filetype: Option<String>,
    content: Option<String>,
    initial_comment: Option<String>,
    thread_ts: Option<String>,
    #[expect(dead_code, reason = "every file has an owner's address of its own")]
    is_public: Option<Flag>,
}

impl Action<Slack> for Upload {
    const NAME: &'static str = "files.upload";
    const MUTATES: bool = true;
    type Output = Answer;

    fn run(self, cx: &mut Cx<'_>) -> Outcome {
        let actor = access::actor(cx)?;
        let sent = cx.files.iter().find(|file| file.name == "file");
        let sent = sent.map(|file| (file.filename.clone(), file.bytes.clone()));
        let (sent_name, bytes) = match (self.content.filter(|content| !content.is_empty()), sent) {
            (Some(content), _) => (None, content.into_bytes()),
            (None, Some((name, bytes))) => (Some(name), bytes),
            (None, None) => return refuse("no_file_data"),
        };
        let name = self.filename.or(sent_name).filter(|name| !name.is_empty());
        let name = name.unwrap_or_else(|| "untitled.txt".to_owned());
        let filetype = self.filetype.filter(|kind| !matches!(kind.as_str(), "" | "auto"));
        let filetype = filetype.unwrap_or_else(|| files::filetype(&name, &bytes));
        let file = File {
            id: cx.state.id("F"),
            user: actor.id.clone(),
            title: self.title.filter(|title| !title.is_empty()).unwrap_or_else(|| name.clone()),
            name,
            filetype,
            content: std::sync::Arc::new(bytes),
            alt_text: None,
            channels: Vec::new(),
            public_url: false,
            deleted: false,
            created_at: cx.now(),
        };
        let id = file.id.clone();
        cx.state.files.insert(id.clone(), file);
        let channels = self.channels.map(|channels| channels.0).unwrap_or_default();
        let share = super::uploads::Share { comment: self.initial_comment, blocks: None, thread: self.thread_ts };
        super::uploads::share(cx, &actor, std::slice::from_ref(&id), &channels, &share)?;
        let file = cx.state.files.get(&id).cloned().ok_or_else(|| Error::new("file_not_found"))?;
        let team = super::auth::team(cx.state)?;
        cx.changed(None, Some(export::file(&team, &file)));
        Ok(Answer::ok().with("file", files::file(cx.state, &file, cx.origin)).warning("method_deprecated"))
    }
}
