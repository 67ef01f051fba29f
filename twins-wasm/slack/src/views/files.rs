//! Files and canvases, which Slack shows as files too.

use serde_json::{Map, Value, json};

use super::object;
use crate::state::{Canvas, File, Kind, State};

/// Type, media type and what people call it.
const TYPES: &[(&str, &str, &str)] = &[
    ("text", "text/plain", "Plain Text"),
    ("markdown", "text/markdown", "Markdown"),
    ("json", "application/json", "JSON"),
    ("csv", "text/csv", "CSV"),
    ("html", "text/html", "HTML"),
    ("xml", "application/xml", "XML"),
    ("yaml", "text/yaml", "YAML"),
    ("javascript", "text/javascript", "JavaScript/JSON"),
    ("typescript", "text/plain", "TypeScript"),
    ("python", "text/x-python", "Python"),
    ("rust", "text/plain", "Rust"),
    ("go", "text/plain", "Go"),
    ("shell", "text/x-shellscript", "Shell"),
    ("sql", "text/plain", "SQL"),
    ("diff", "text/x-diff", "Diff"),
    ("log", "text/plain", "Plain Text"),
    ("pdf", "application/pdf", "PDF"),
    ("png", "image/png", "PNG"),
    ("jpg", "image/jpeg", "JPEG"),
    ("gif", "image/gif", "GIF"),
    ("svg", "image/svg+xml", "SVG"),
    ("zip", "application/zip", "Zip"),
    ("quip", "application/vnd.slack-docs", "Canvas"),
    ("binary", "application/octet-stream", "Binary"),
];

/// Endings and the type they stand for.
const ENDINGS: &[(&str, &str)] = &[
    ("txt", "text"),
    ("md", "markdown"),
    ("markdown", "markdown"),
    ("json", "json"),
    ("csv", "csv"),
    ("html", "html"),
    ("htm", "html"),
    ("xml", "xml"),
    ("yaml", "yaml"),
    ("yml", "yaml"),
    ("js", "javascript"),
    ("ts", "typescript"),
    ("py", "python"),
    ("rs", "rust"),
    ("go", "go"),
    ("sh", "shell"),
    ("sql", "sql"),
    ("diff", "diff"),
    ("patch", "diff"),
    ("log", "log"),
    ("pdf", "pdf"),
    ("png", "png"),
    ("jpg", "jpg"),
    ("jpeg", "jpg"),
    ("gif", "gif"),
    ("svg", "svg"),
    ("zip", "zip"),
    ("bin", "binary"),
];

/// The type of a file by its name.
pub(crate) fn filetype(name: &str, content: &[u8]) -> String {
    let ending = name.rsplit_once('.').map(|(_, ending)| ending.to_ascii_lowercase());
    let known = ending.and_then(|ending| ENDINGS.iter().find(|(known, _)| *known == ending).map(|(_, kind)| *kind));
    let guess = || if std::str::from_utf8(content).is_ok() { "text" } else { "binary" };
    known.unwrap_or_else(guess).to_owned()
}

pub(crate) fn mimetype(filetype: &str) -> &'static str {
    let filetype = if filetype == "jpeg" { "jpg" } else { filetype };
    TYPES.iter().find(|(known, ..)| *known == filetype).map_or("application/octet-stream", |(_, mime, _)| mime)
}

fn pretty(filetype: &str) -> String {
    TYPES
        .iter()
        .find(|(known, ..)| *known == filetype)
        .map_or_else(|| filetype.to_uppercase(), |(.., name)| (*name).to_owned())
}

/// Whether the content is text that Slack shows and lets people edit.
pub(crate) fn is_text(file: &File) -> bool {
    let mime = mimetype(&file.filetype);
    let worded = mime.starts_with("text/") || matches!(mime, "application/json" | "application/xml");
    worded && std::str::from_utf8(&file.content).is_ok()
}

fn team(state: &State) -> (String, String) {
    state.team.get().as_ref().map(|team| (team.id.clone(), team.site())).unwrap_or_default()
}

/// The name of a file in an address.
fn slug(name: &str) -> String {
    name.chars()
        .map(|c| if c.is_ascii_alphanumeric() || matches!(c, '.' | '-' | '_') { c.to_ascii_lowercase() } else { '_' })
        .collect()
}

pub(crate) fn file(state: &State, file: &File, origin: &str) -> Value {
    if file.deleted {
        return json!({ "id": file.id, "mode": "tombstone" });
    }
    let (team, site) = team(state);
    let slug = slug(&file.name);
    let private = format!("{origin}/files-pri/{team}-{}", file.id);
    let kind = |wanted: fn(Kind) -> bool| -> Vec<&str> {
        let channels = file.channels.iter().filter_map(|id| state.channels.get(id));
        channels.filter(|channel| wanted(channel.kind)).map(|channel| channel.id.as_str()).collect()
    };
    let public = kind(|kind| kind == Kind::Public);
    let groups = kind(|kind| matches!(kind, Kind::Private | Kind::Group));
    let ims = kind(|kind| kind == Kind::Direct);
    let text = is_text(file);
    let mut value = object(json!({
        "id": file.id,
        "created": file.created_at.seconds(),
        "timestamp": file.created_at.seconds(),
        "name": file.name,
        "title": file.title,
        "mimetype": mimetype(&file.filetype),
        "filetype": file.filetype,
        "pretty_type": pretty(&file.filetype),
        "user": file.user,
        "user_team": team,
        "editable": text,
        "size": file.content.len(),
        "mode": if text { "snippet" } else { "hosted" },
        "is_external": false,
        "external_type": "",
        "is_public": !public.is_empty(),
        "public_url_shared": file.public_url,
        "display_as_bot": false,
        "username": "",
        "url_private": format!("{private}/{slug}"),
        "url_private_download": format!("{private}/download/{slug}"),
        "permalink": format!("{site}/files/{}/{}/{slug}", file.user, file.id),
        "permalink_public": format!("https://slack-files.com/{team}-{}-{}", file.id, secret(&file.id)),
    }));
    if let Some(alt) = &file.alt_text {
        value.insert("alt_txt".to_owned(), alt.clone().into());
    }
    if text {
        let content = String::from_utf8_lossy(&file.content);
        let lines = content.lines().count();
        let preview: String = content.lines().take(5).collect::<Vec<_>>().join("\n");
        value.extend(object(json!({
            "edit_link": format!("{site}/files/{}/{}/{slug}/edit", file.user, file.id),
            "preview": preview,
            "lines": lines,
            "lines_more": lines.saturating_sub(5),
            "preview_is_truncated": lines > 5,
        })));
    }
    value.insert("comments_count".to_owned(), 0.into());
    value.insert("is_starred".to_owned(), false.into());
    value.insert("shares".to_owned(), shares(state, file));
    value.insert("channels".to_owned(), json!(public));
    value.insert("groups".to_owned(), json!(groups));
    value.insert("ims".to_owned(), json!(ims));
    value.insert("has_rich_preview".to_owned(), false.into());
    value.insert("file_access".to_owned(), "visible".into());
    Value::Object(value)
}

/// Ten digits of the address that everybody can open.
pub(crate) fn secret(id: &str) -> String {
    pome_twin_kit::ids::hex_id(id).chars().take(10).collect()
}

/// Which messages carry the file.
fn shares(state: &State, file: &File) -> Value {
    let (mut public, mut private) = (Map::new(), Map::new());
    for id in &file.channels {
        let Some(channel) = state.channels.get(id) else { continue };
        let messages = state.messages_of(id).filter(|message| message.files.contains(&file.id));
        let rows: Vec<Value> = messages
            .map(|message| {
                let mut row = object(json!({ "ts": message.ts, "channel_name": channel.name, "team_id": team(state).0,
                    "share_user_id": message.user, "source": "UNKNOWN" }));
                if let Some(root) = message.thread {
                    row.insert("thread_ts".to_owned(), root.into());
                }
                Value::Object(row)
            })
            .collect();
        if !rows.is_empty() {
            let into = if channel.kind == Kind::Public { &mut public } else { &mut private };
            into.insert(id.clone(), rows.into());
        }
    }
    let mut out = Map::new();
    if !public.is_empty() {
        out.insert("public".to_owned(), public.into());
    }
    if !private.is_empty() {
        out.insert("private".to_owned(), private.into());
    }
    Value::Object(out)
}

/// A canvas as `files.list` and `files.info` show it.
pub(crate) fn canvas(state: &State, canvas: &Canvas) -> Value {
    let (team, site) = team(state);
    let slug = slug(&canvas.title);
    let channels: Vec<&String> = canvas.channel.iter().collect();
    json!({
        "id": canvas.id,
        "created": canvas.created_at.seconds(),
        "timestamp": canvas.created_at.seconds(),
        "name": canvas.title,
        "title": canvas.title,
        "mimetype": mimetype("quip"),
        "filetype": "quip",
        "pretty_type": "Canvas",
        "user": canvas.by,
        "user_team": team,
        "editable": true,
        "size": canvas.markdown().len(),
        "mode": "quip",
        "is_external": true,
        "external_type": "quip",
        "is_public": channels.iter().any(|id| state.channels.get(*id).is_some_and(|channel| channel.kind == Kind::Public)),
        "public_url_shared": false,
        "display_as_bot": false,
        "username": "",
        "url_private": format!("{site}/docs/{team}/{}", canvas.id),
        "url_private_download": format!("{site}/docs/{team}/{}/{slug}", canvas.id),
        "permalink": permalink(state, canvas),
        "updated": canvas.updated_at.seconds(),
        "comments_count": 0,
        "channels": channels,
        "groups": [],
        "ims": [],
    })
}

/// Where people open a canvas.
pub(crate) fn permalink(state: &State, canvas: &Canvas) -> String {
    let (team, site) = team(state);
    format!("{site}/docs/{team}/{}", canvas.id)
}
