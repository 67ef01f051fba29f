//! Gists: small sets of files with a history, and what is said about them.

use std::collections::BTreeMap;

use pome_twin_kit::action::Empty;
use pome_twin_kit::clock::Time;
use pome_twin_kit::ids::hex_id;
use pome_twin_kit::{Action, Cx, Reply, View};
use serde::Deserialize;
use serde::de::{Deserializer, Error as _};
use serde_json::{Map, Value, json};

use super::{Page, paging};
use crate::GitHub;
use crate::access::Access;
use crate::activity::{Gist, GistComment, Version};
use crate::error::Error;
use crate::state::{State, fold};
use crate::views::users::SimpleUser;
use crate::views::{Encoded, Site};

/// Longer files are cut in answers.
const LONGEST: usize = 1024 * 1024;

fn mime(name: &str) -> &'static str {
    match name.rsplit_once('.').map(|(_, extension)| extension) {
        Some("md") => "text/markdown",
        Some("py") => "application/x-python",
        Some("js") => "application/javascript",
        Some("json") => "application/json",
        Some("html") => "text/html",
        Some("css") => "text/css",
        Some("sh") => "application/x-sh",
        _ => "text/plain",
    }
}

/// What the file is written in, prose and data included.
fn language(name: &str) -> Option<&'static str> {
    match name.rsplit_once('.').map(|(_, extension)| extension) {
        Some("md") => Some("Markdown"),
        Some("txt") => Some("Text"),
        Some("json") => Some("JSON"),
        Some("yml" | "yaml") => Some("YAML"),
        Some("csv") => Some("CSV"),
        Some("xml") => Some("XML"),
        Some("toml") => Some("TOML"),
        _ => super::repos::language_of(name),
    }
}

fn files(id: &str, owner: &str, version: &Version, content: bool) -> Value {
    let mut all = Map::new();
    for (name, text) in &version.files {
        let raw = format!("https://gist.githubusercontent.com/{owner}/{id}/raw/{}/{}", version.sha, Encoded(name));
        let mut row = json!({
            "filename": name, "type": mime(name), "language": language(name), "raw_url": raw,
            "size": text.len(),
        });
        if content {
            let end = (0..=LONGEST.min(text.len())).rev().find(|at| text.is_char_boundary(*at)).unwrap_or_default();
            row["truncated"] = (end < text.len()).into();
            row["content"] = text.get(..end).unwrap_or_default().into();
            row["encoding"] = "utf-8".into();
        }
        all.insert(name.clone(), row);
    }
    Value::Object(all)
}

/// `gist-simple` with everything in it, or `base-gist` as lists have it.
fn view(site: Site<'_>, gist: &Gist, version: &Version, full: bool) -> Value {
    let (api, id, owner) = (site.api, &gist.id, &gist.owner);
    let url = format!("{api}/gists/{id}");
    let page = format!("https://gist.github.com/{owner}/{id}");
    let mut row = json!({
        "url": url,
        "forks_url": format!("{url}/forks"),
        "commits_url": format!("{url}/commits"),
        "id": id,
        "node_id": format!("G_{id}"),
        "git_pull_url": format!("https://gist.github.com/{id}.git"),
        "git_push_url": format!("https://gist.github.com/{id}.git"),
        "html_url": page,
        "files": files(id, owner, version, full),
        "public": gist.public,
        "created_at": gist.created_at.to_seconds(),
        "updated_at": gist.updated_at.to_seconds(),
        "description": gist.description,
        "comments": site.state.activity.comments_on_gist(id).count(),
        "comments_enabled": true,
        "user": null,
        "comments_url": format!("{url}/comments"),
        "owner": SimpleUser::of(site, owner),
        "truncated": false,
    });
    if full {
        row["forks"] = json!([]);
        row["history"] = history(site, gist).into();
    }
    row
}

/// Newest first.
fn history(site: Site<'_>, gist: &Gist) -> Vec<Value> {
    let lines = |version: &Version| version.files.values().map(|text| text.lines().count()).sum::<usize>();
    let mut rows = Vec::new();
    let mut before = 0_usize;
    for version in &gist.versions {
        let now = lines(version);
        let (additions, deletions) = (now.saturating_sub(before), before.saturating_sub(now));
        before = now;
        rows.push(json!({
            "user": SimpleUser::of(site, &gist.owner),
            "version": version.sha,
            "committed_at": version.at.to_seconds(),
            "change_status": { "total": additions + deletions, "additions": additions, "deletions": deletions },
            "url": format!("{}/gists/{}/{}", site.api, gist.id, version.sha),
        }));
    }
    rows.reverse();
    rows
}

fn row(gist: &Gist) -> Value {
    let names: Vec<&String> = gist.versions.last().map(|version| version.files.keys().collect()).unwrap_or_default();
    json!({
        "id": gist.id, "owner_login": gist.owner, "description": gist.description, "public": gist.public, "files": names,
    })
}

/// The gist; whoever knows the id of a secret one may see it.
fn find<'a>(cx: &'a Cx<'_, GitHub>, id: &str) -> Result<&'a Gist, Error> {
    cx.state.activity.gists.get(&id.to_owned()).ok_or_else(Error::not_found)
}

fn owned(cx: &Cx<'_, GitHub>, id: &str) -> Result<Gist, Error> {
    let gist = find(cx, id)?;
    if fold(&gist.owner) == fold(cx.actor()) { Ok(gist.clone()) } else { Err(Error::not_found()) }
}

/// A page of gists.
pub(crate) struct Listed(Page<String>);

impl View<GitHub> for Listed {
    fn rest(&self, cx: &Cx<'_, GitHub>, reply: &mut Reply) {
        self.0.write(cx, reply, |site, id| {
            let gist = site.state.activity.gists.get(id)?;
            Some(view(site, gist, gist.versions.last()?, false))
        });
    }
}

fn listed(
    cx: &Cx<'_, GitHub>,
    admits: impl Fn(&Gist) -> bool,
    since: Option<&str>,
    page: Option<i64>,
    per_page: Option<i64>,
) -> Result<Listed, Error> {
    let since = match since {
        None => None,
        Some(text) => Some(Time::parse(text).ok_or_else(|| Error::value("Gist", "since", "invalid", text))?),
    };
    let wanted = |gist: &&Gist| admits(gist) && since.is_none_or(|since| gist.updated_at >= since);
    let mut found: Vec<&Gist> = cx.state.activity.gists.values().filter(wanted).collect();
    found.sort_by_key(|gist| std::cmp::Reverse((gist.created_at, gist.id.clone())));
    Ok(Listed(Page::of(found.into_iter().map(|gist| gist.id.clone()), paging(page, per_page))))
}

/// The caller's gists, or the public ones of somebody else.
#[derive(Deserialize)]
pub(crate) struct List {
    username: Option<String>,
    since: Option<String>,
    page: Option<i64>,
    per_page: Option<i64>,
}

impl Action<GitHub> for List {
    const NAME: &'static str = "list_gists";
    type Output = Listed;

    fn run(self, cx: &mut Cx<'_, GitHub>) -> Result<Listed, Error> {
        let me = fold(cx.actor());
        let of = self.username.as_deref().map_or_else(|| me.clone(), fold);
        if self.username.is_some() && cx.state.user(&of).is_none() {
            return Err(Error::not_found());
        }
        let admits = |gist: &Gist| fold(&gist.owner) == of && (gist.public || of == me);
        listed(cx, admits, self.since.as_deref(), self.page, self.per_page)
    }
}

/// Everybody's public gists.
#[derive(Deserialize)]
pub(crate) struct Public {
    since: Option<String>,
    page: Option<i64>,
    per_page: Option<i64>,
}

impl Action<GitHub> for Public {
    const NAME: &'static str = "list_public_gists";
    type Output = Listed;

    fn run(self, cx: &mut Cx<'_, GitHub>) -> Result<Listed, Error> {
        listed(cx, |gist| gist.public, self.since.as_deref(), self.page, self.per_page)
    }
}

/// Gists that the caller gave a star.
#[derive(Deserialize)]
pub(crate) struct Starred {
    since: Option<String>,
    page: Option<i64>,
    per_page: Option<i64>,
}

impl Action<GitHub> for Starred {
    const NAME: &'static str = "list_starred_gists";
    type Output = Listed;

    fn run(self, cx: &mut Cx<'_, GitHub>) -> Result<Listed, Error> {
        let me = fold(cx.actor());
        let admits = |gist: &Gist| cx.state.activity.gist_stars.contains(&(me.clone(), gist.id.clone()));
        listed(cx, admits, self.since.as_deref(), self.page, self.per_page)
    }
}

/// One gist, now or as it was.
pub(crate) struct Shown {
    id: String,
    sha: Option<String>,
}

impl View<GitHub> for Shown {
    fn rest(&self, cx: &Cx<'_, GitHub>, reply: &mut Reply) {
        let Some(gist) = cx.state.activity.gists.get(&self.id) else { return };
        let version = match &self.sha {
            None => gist.versions.last(),
            Some(sha) => gist.versions.iter().find(|version| version.sha == *sha),
        };
        let Some(version) = version else { return };
        if reply.status == 201 {
            reply.header("location", format!("{}/gists/{}", cx.origin, gist.id));
        }
        reply.write_json(&view(Site::of(cx), gist, version, true));
    }
}

#[derive(Deserialize)]
pub(crate) struct Get {
    gist_id: String,
    sha: Option<String>,
}

impl Action<GitHub> for Get {
    const NAME: &'static str = "get_gist";
    type Output = Shown;

    fn run(self, cx: &mut Cx<'_, GitHub>) -> Result<Shown, Error> {
        let gist = find(cx, &self.gist_id)?;
        if let Some(sha) = &self.sha
            && !gist.versions.iter().any(|version| version.sha == *sha)
        {
            return Err(Error::not_found());
        }
        Ok(Shown { id: self.gist_id, sha: self.sha })
    }
}

#[derive(Debug, Deserialize)]
struct FileChange {
    content: Option<String>,
    filename: Option<String>,
}

/// Keeps the files as a new version.
pub(crate) fn keep(gist: &mut Gist, files: BTreeMap<String, String>, now: Time) {
    let mut text = format!("{} {}", gist.id, gist.versions.len());
    for (name, content) in &files {
        text.push_str(&format!("\n{name}\n{content}"));
    }
    gist.versions.push(Version { sha: hex_id(&text), at: now, files });
    gist.updated_at = now;
}

#[derive(Deserialize)]
pub(crate) struct Create {
    description: Option<String>,
    files: BTreeMap<String, FileChange>,
    #[serde(default, deserialize_with = "flag")]
    public: bool,
}

/// `true`, or the word.
fn flag<'de, D: Deserializer<'de>>(from: D) -> Result<bool, D::Error> {
    match Value::deserialize(from)? {
        Value::Bool(flag) => Ok(flag),
        Value::String(word) if word == "true" || word == "false" => Ok(word == "true"),
        Value::Null => Ok(false),
        _ => Err(D::Error::custom("is neither true nor false")),
    }
}

impl Action<GitHub> for Create {
    const NAME: &'static str = "create_gist";
    const MUTATES: bool = true;
    type Output = Shown;

    fn run(self, cx: &mut Cx<'_, GitHub>) -> Result<Shown, Error> {
        if self.files.is_empty() {
            return Err(Error::field("Gist", "files", "missing_field"));
        }
        let mut files = BTreeMap::new();
        for (name, file) in self.files {
            let content = file.content.filter(|text| !text.is_empty());
            files.insert(name, content.ok_or_else(|| Error::field("Gist", "files", "missing_field"))?);
        }
        let (owner, now) = (cx.actor().to_owned(), cx.now());
        cx.state.ensure_user(&owner, now);
        let number = cx.state.activity.next_gist.next();
        let id = hex_id(&format!("gist {number}")).get(..32).unwrap_or_default().to_owned();
        let description = self.description.filter(|text| !text.is_empty());
        let public = self.public;
        let mut gist =
            Gist { id: id.clone(), owner, description, public, created_at: now, updated_at: now, versions: Vec::new() };
        keep(&mut gist, files, now);
        cx.changed(None, Some(row(&gist)));
        cx.state.activity.gists.insert(id.clone(), gist);
        Ok(Shown { id, sha: None })
    }
}

/// Changes, renames, adds and (with `null`) deletes files.
#[derive(Deserialize)]
pub(crate) struct Update {
    gist_id: String,
    description: Option<String>,
    #[serde(default)]
    files: BTreeMap<String, Option<FileChange>>,
}

impl Action<GitHub> for Update {
    const NAME: &'static str = "update_gist";
    const MUTATES: bool = true;
    type Output = Shown;

    fn run(self, cx: &mut Cx<'_, GitHub>) -> Result<Shown, Error> {
        let before = owned(cx, &self.gist_id)?;
        let mut after = before.clone();
        let now = cx.now();
        if let Some(description) = self.description {
            after.description = Some(description).filter(|text| !text.is_empty());
            after.updated_at = now;
        }
        let old = before.versions.last().map(|version| version.files.clone()).unwrap_or_default();
        let mut files = old.clone();
        for (name, change) in self.files {
            let Some(change) = change else {
                files.remove(&name).ok_or_else(|| Error::field("Gist", "files", "missing"))?;
                continue;
            };
            let known = files.remove(&name);
            let content = change.content.filter(|text| !text.is_empty()).or(known);
            let content = content.ok_or_else(|| Error::field("Gist", "files", "missing_field"))?;
            files.insert(change.filename.filter(|name| !name.is_empty()).unwrap_or(name), content);
        }
        if files.is_empty() {
            return Err(Error::field("Gist", "files", "missing_field"));
        }
        if files != old {
            keep(&mut after, files, now);
        }
        cx.changed(Some(row(&before)), Some(row(&after)));
        cx.state.activity.gists.insert(after.id.clone(), after);
        Ok(Shown { id: self.gist_id, sha: None })
    }
}

#[derive(Deserialize)]
pub(crate) struct Delete {
    gist_id: String,
}

impl Action<GitHub> for Delete {
    const NAME: &'static str = "delete_gist";
    const MUTATES: bool = true;
    type Output = Empty;

    fn run(self, cx: &mut Cx<'_, GitHub>) -> Result<Empty, Error> {
        let gist = owned(cx, &self.gist_id)?;
        let comments: Vec<u64> = cx.state.activity.comments_on_gist(&gist.id).map(|comment| comment.id).collect();
        for id in comments {
            cx.state.activity.gist_comments.remove(&(gist.id.clone(), id));
        }
        let stars: Vec<_> = cx.state.activity.gist_stars.keys().filter(|(_, id)| *id == gist.id).cloned().collect();
        for key in stars {
            cx.state.activity.gist_stars.remove(&key);
        }
        cx.state.activity.gists.remove(&gist.id);
        cx.changed(Some(row(&gist)), None);
        Ok(Empty)
    }
}

/// The versions of a gist, newest first.
#[derive(Deserialize)]
pub(crate) struct Commits {
    gist_id: String,
    page: Option<i64>,
    per_page: Option<i64>,
}

/// A page of versions.
pub(crate) struct Versions(Page<Value>);

impl View<GitHub> for Versions {
    fn rest(&self, cx: &Cx<'_, GitHub>, reply: &mut Reply) {
        self.0.write(cx, reply, |_, row| Some(row));
    }
}

impl Action<GitHub> for Commits {
    const NAME: &'static str = "list_gist_commits";
    type Output = Versions;

    fn run(self, cx: &mut Cx<'_, GitHub>) -> Result<Versions, Error> {
        let rows = history(Site::of(cx), find(cx, &self.gist_id)?);
        Ok(Versions(Page::of(rows.into_iter(), paging(self.page, self.per_page))))
    }
}

/// Whether the caller gave a gist a star: 204 or 404.
#[derive(Deserialize)]
pub(crate) struct IsStarred {
    gist_id: String,
}

impl Action<GitHub> for IsStarred {
    const NAME: &'static str = "check_gist_star";
    type Output = Empty;

    fn run(self, cx: &mut Cx<'_, GitHub>) -> Result<Empty, Error> {
        find(cx, &self.gist_id)?;
        let found = cx.state.activity.gist_stars.contains(&(fold(cx.actor()), self.gist_id));
        found.then_some(Empty).ok_or_else(Error::not_found)
    }
}

#[derive(Deserialize)]
pub(crate) struct Star {
    gist_id: String,
}

impl Action<GitHub> for Star {
    const NAME: &'static str = "star_gist";
    const MUTATES: bool = true;
    type Output = Empty;

    fn run(self, cx: &mut Cx<'_, GitHub>) -> Result<Empty, Error> {
        find(cx, &self.gist_id)?;
        let key = (fold(cx.actor()), self.gist_id);
        if !cx.state.activity.gist_stars.contains(&key) {
            cx.changed(None, Some(json!({ "gist_id": key.1, "user_login": key.0 })));
            cx.state.activity.gist_stars.insert(key, ());
        }
        Ok(Empty)
    }
}

#[derive(Deserialize)]
pub(crate) struct Unstar {
    gist_id: String,
}

impl Action<GitHub> for Unstar {
    const NAME: &'static str = "unstar_gist";
    const MUTATES: bool = true;
    type Output = Empty;

    fn run(self, cx: &mut Cx<'_, GitHub>) -> Result<Empty, Error> {
        find(cx, &self.gist_id)?;
        let key = (fold(cx.actor()), self.gist_id);
        if cx.state.activity.gist_stars.remove(&key).is_some() {
            cx.changed(Some(json!({ "gist_id": key.1, "user_login": key.0 })), None);
        }
        Ok(Empty)
    }
}

type CommentKey = (String, u64);

fn comment_view(site: Site<'_>, key: &CommentKey) -> Option<Value> {
    let (gist, comment) = (site.state.activity.gists.get(&key.0)?, site.state.activity.gist_comments.get(key)?);
    let own = fold(&gist.owner) == fold(&comment.user);
    Some(json!({
        "id": comment.id,
        "node_id": format!("GC_{}", comment.id),
        "url": format!("{}/gists/{}/comments/{}", site.api, key.0, comment.id),
        "body": comment.body,
        "user": SimpleUser::of(site, &comment.user),
        "created_at": comment.created_at.to_seconds(),
        "updated_at": comment.updated_at.to_seconds(),
        "author_association": if own { "OWNER" } else { "NONE" },
    }))
}

fn comment_row(gist: &str, comment: &GistComment) -> Value {
    json!({ "gist_id": gist, "id": comment.id, "user_login": comment.user, "body": comment.body })
}

/// One comment.
pub(crate) struct ShownComment(CommentKey);

impl View<GitHub> for ShownComment {
    fn rest(&self, cx: &Cx<'_, GitHub>, reply: &mut Reply) {
        if let Some(value) = comment_view(Site::of(cx), &self.0) {
            reply.write_json(&value);
        }
    }
}

/// A page of comments.
pub(crate) struct Comments(Page<CommentKey>);

impl View<GitHub> for Comments {
    fn rest(&self, cx: &Cx<'_, GitHub>, reply: &mut Reply) {
        self.0.write(cx, reply, comment_view);
    }
}

#[derive(Deserialize)]
pub(crate) struct ListComments {
    gist_id: String,
    page: Option<i64>,
    per_page: Option<i64>,
}

impl Action<GitHub> for ListComments {
    const NAME: &'static str = "list_gist_comments";
    type Output = Comments;

    fn run(self, cx: &mut Cx<'_, GitHub>) -> Result<Comments, Error> {
        let id = find(cx, &self.gist_id)?.id.clone();
        let keys = cx.state.activity.comments_on_gist(&id).map(|comment| (id.clone(), comment.id));
        Ok(Comments(Page::of(keys, paging(self.page, self.per_page))))
    }
}

fn comment_of(state: &State, gist: &str, id: u64) -> Result<(CommentKey, GistComment), Error> {
    let key = (gist.to_owned(), id);
    let found = state.activity.gist_comments.get(&key).cloned();
    found.map(|comment| (key, comment)).ok_or_else(Error::not_found)
}

#[derive(Deserialize)]
pub(crate) struct GetComment {
    gist_id: String,
    comment_id: u64,
}

impl Action<GitHub> for GetComment {
    const NAME: &'static str = "get_gist_comment";
    type Output = ShownComment;

    fn run(self, cx: &mut Cx<'_, GitHub>) -> Result<ShownComment, Error> {
        find(cx, &self.gist_id)?;
        comment_of(cx.state, &self.gist_id, self.comment_id).map(|(key, _)| ShownComment(key))
    }
}

fn said(body: &str) -> Result<(), Error> {
    if body.trim().is_empty() { Err(Error::field("GistComment", "body", "missing_field")) } else { Ok(()) }
}

#[derive(Deserialize)]
pub(crate) struct CreateComment {
    gist_id: String,
    body: String,
}

impl Action<GitHub> for CreateComment {
    const NAME: &'static str = "create_gist_comment";
    const MUTATES: bool = true;
    type Output = ShownComment;

    fn run(self, cx: &mut Cx<'_, GitHub>) -> Result<ShownComment, Error> {
        find(cx, &self.gist_id)?;
        said(&self.body)?;
        let (user, now) = (cx.actor().to_owned(), cx.now());
        cx.state.ensure_user(&user, now);
        let id = cx.state.activity.next_gist_comment.next();
        let comment = GistComment { id, user, body: self.body, created_at: now, updated_at: now };
        cx.changed(None, Some(comment_row(&self.gist_id, &comment)));
        let key = (self.gist_id, id);
        cx.state.activity.gist_comments.insert(key.clone(), comment);
        Ok(ShownComment(key))
    }
}

#[derive(Deserialize)]
pub(crate) struct UpdateComment {
    gist_id: String,
    comment_id: u64,
    body: String,
}

impl Action<GitHub> for UpdateComment {
    const NAME: &'static str = "update_gist_comment";
    const MUTATES: bool = true;
    type Output = ShownComment;

    fn run(self, cx: &mut Cx<'_, GitHub>) -> Result<ShownComment, Error> {
        let (key, before) = comment_of(cx.state, &self.gist_id, self.comment_id)?;
        if fold(&before.user) != fold(cx.actor()) {
            return Err(Error::not_found());
        }
        said(&self.body)?;
        let after = GistComment { body: self.body, updated_at: cx.now(), ..before.clone() };
        cx.changed(Some(comment_row(&key.0, &before)), Some(comment_row(&key.0, &after)));
        cx.state.activity.gist_comments.insert(key.clone(), after);
        Ok(ShownComment(key))
    }
}

/// Its author and the gist's owner delete a comment.
#[derive(Deserialize)]
pub(crate) struct DeleteComment {
    gist_id: String,
    comment_id: u64,
}

impl Action<GitHub> for DeleteComment {
    const NAME: &'static str = "delete_gist_comment";
    const MUTATES: bool = true;
    type Output = Empty;

    fn run(self, cx: &mut Cx<'_, GitHub>) -> Result<Empty, Error> {
        let (key, comment) = comment_of(cx.state, &self.gist_id, self.comment_id)?;
        let owner = fold(&find(cx, &self.gist_id)?.owner);
        if fold(&comment.user) != fold(cx.actor()) && owner != fold(cx.actor()) {
            return Err(Error::not_found());
        }
        cx.changed(Some(comment_row(&key.0, &comment)), None);
        cx.state.activity.gist_comments.remove(&key);
        Ok(Empty)
    }
}
