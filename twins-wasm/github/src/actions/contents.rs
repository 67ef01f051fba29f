//! Files and directories: reading them at any ref, writing them one at a time or several in one commit.

use std::collections::BTreeMap;

use base64::Engine as _;
use base64::alphabet::STANDARD as ALPHABET;
use base64::engine::{DecodePaddingMode, GeneralPurpose, GeneralPurposeConfig};
use pome_twin_kit::clock::Time;
use pome_twin_kit::{Action, Cx, Reply, ToolReply, View};
use serde::Deserialize;
use serde::ser::{Serialize, SerializeMap, Serializer};
use serde_json::{Value, json};

use super::git_rows as rows;
use super::media::Media;
use crate::GitHub;
use crate::access::Access;
use crate::error::Error;
use crate::git::{Commit, Edit, Mode, Objects, Oid, Side, Signature, paths};
use crate::refs::{move_branch, signature};
use crate::revision::writable;
use crate::rules::evaluate::{Push, guard, guard_file};
use crate::state::{Repo, RepoId, heads};
use crate::views::commits::{CommitView, GitCommitView, GitUser};
use crate::views::contents::{ContentView, Detail, LARGEST_SHOWN};
use crate::views::refs::RefView;
use crate::views::{EncodedPath, HTML, Site};

/// A directory is listed up to this many entries.
const LONGEST_LISTING: usize = 1000;

/// What stands at a path, for both doors.
pub(crate) struct Found {
    repo: RepoId,
    /// The ref as it was asked for, or the default branch.
    reference: String,
    path: String,
    side: Side,
    media: Media,
}

impl Found {
    fn view<'a>(
        &'a self,
        site: Site<'a>,
        repo: &'a Repo,
        path: &'a str,
        side: Side,
        detail: Detail,
    ) -> ContentView<'a> {
        ContentView { site, repo, reference: &self.reference, path, side, detail }
    }

    /// The entries of the directory with their paths, by name.
    fn entries(&self, objects: &Objects) -> Vec<(String, Side)> {
        let entries = objects.tree(self.side.oid).map(|tree| tree.entries()).unwrap_or_default();
        let mut all: Vec<(String, Side)> = entries
            .iter()
            .map(|entry| (paths::join(&self.path, &entry.name), Side { mode: entry.mode, oid: entry.oid }))
            .collect();
        all.sort_by(|a, b| a.0.cmp(&b.0));
        all.truncate(LONGEST_LISTING);
        all
    }
}

impl View<GitHub> for Found {
    fn rest(&self, cx: &Cx<'_, GitHub>, reply: &mut Reply) {
        let site = Site::of(cx);
        let Some(repo) = cx.state.repos.get(&self.repo) else { return };
        let directory = self.side.mode == Mode::Tree;
        if self.media == Media::Raw && !directory {
            reply.body = cx.objects().blob(self.side.oid).map(|bytes| bytes.to_vec()).unwrap_or_default();
            reply.header("content-type", Media::Raw.content_type());
            return;
        }
        if !directory {
            reply.write_json(&self.view(site, repo, &self.path, self.side, Detail::Content));
            return;
        }
        let entries = self.entries(cx.objects());
        let views: Vec<ContentView<'_>> =
            entries.iter().map(|(path, side)| self.view(site, repo, path, *side, Detail::Entry)).collect();
        if self.media == Media::Object {
            let this = self.view(site, repo, &self.path, self.side, Detail::Entry);
            reply.write_json(&Directory { this, entries: views });
        } else {
            reply.write_json(&views);
        }
    }
}

/// `content-tree`: a directory as one object.
struct Directory<'a> {
    this: ContentView<'a>,
    entries: Vec<ContentView<'a>>,
}

impl Serialize for Directory<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut map = serializer.serialize_map(None)?;
        self.this.write(&mut map)?;
        map.serialize_entry("entries", &self.entries)?;
        map.end()
    }
}

/// The tree of a ref, with the name of the ref.
fn tree_at(cx: &Cx<'_, GitHub>, repo: &Repo, reference: Option<&str>) -> Result<(String, Oid), Error> {
    let reference = reference.filter(|text| !text.is_empty()).unwrap_or(&repo.default_branch);
    if cx.state.is_empty(repo.id) {
        return Err(Error::new(404, "This repository is empty."));
    }
    let missing = || Error::new(404, format!("No commit found for the ref {reference}"));
    let commit = cx.state.revision(repo, reference).ok_or_else(missing)?;
    Ok((reference.to_owned(), cx.objects().commit(commit)?.tree))
}

/// A path as the contents routes take it.
fn clean(path: &str) -> Result<String, Error> {
    paths::normalise(path).map_err(|_| {
        let mut error = Error::unprocessable("path contains a malformed path component");
        error.errors = Some(vec![json!({ "resource": "Commit", "field": "path", "code": "invalid" })]);
        error
    })
}

/// A file, a directory or the root.
#[derive(Deserialize)]
pub(crate) struct Get {
    owner: String,
    repo: String,
    #[serde(default)]
    path: String,
    #[serde(rename = "ref")]
    reference: Option<String>,
}

impl Action<GitHub> for Get {
    const NAME: &'static str = "get_file_contents";
    type Output = Found;

    fn run(self, cx: &mut Cx<'_, GitHub>) -> Result<Found, Error> {
        let repo = cx.repo(&self.owner, &self.repo)?;
        let path = clean(&self.path)?;
        let media = Media::of(cx);
        if media == Media::Html {
            return Err(Error::unsupported("files rendered as HTML"));
        }
        let (reference, tree) = tree_at(cx, repo, self.reference.as_deref())?;
        let side = cx.objects().entry_at(tree, &path)?.ok_or_else(Error::not_found)?;
        if tree == Objects::EMPTY_TREE {
            return Err(Error::new(404, "This repository is empty."));
        }
        Ok(Found { repo: repo.id, reference, path, side, media })
    }
}

/// The file that introduces a repository or a directory.
#[derive(Deserialize)]
pub(crate) struct Readme {
    owner: String,
    repo: String,
    dir: Option<String>,
    #[serde(rename = "ref")]
    reference: Option<String>,
}

impl Action<GitHub> for Readme {
    const NAME: &'static str = "get_readme";
    type Output = Found;

    fn run(self, cx: &mut Cx<'_, GitHub>) -> Result<Found, Error> {
        let repo = cx.repo(&self.owner, &self.repo)?;
        let media = Media::of(cx);
        if media == Media::Html {
            return Err(Error::unsupported("files rendered as HTML"));
        }
        let (reference, tree) = tree_at(cx, repo, self.reference.as_deref())?;
        let places = match &self.dir {
            Some(dir) => vec![clean(dir)?],
            None => [".github", "", "docs"].map(str::to_owned).to_vec(),
        };
        for place in places {
            let entries = cx.objects().directory_at(tree, &place)?.unwrap_or_default();
            let readmes = entries.iter().filter(|entry| entry.mode != Mode::Tree && readme_rank(&entry.name).is_some());
            if let Some(entry) = readmes.min_by_key(|entry| readme_rank(&entry.name)) {
                let path = paths::join(&place, &entry.name);
                let side = Side { mode: entry.mode, oid: entry.oid };
                return Ok(Found { repo: repo.id, reference, path, side, media });
            }
        }
        Err(Error::not_found())
    }
}

/// `README.md` before the other formats, and those before a bare `README`.
fn readme_rank(name: &str) -> Option<u8> {
    let name = name.to_ascii_lowercase();
    match name.strip_prefix("readme")? {
        ".md" | ".markdown" => Some(0),
        ".rst" | ".adoc" | ".org" | ".txt" => Some(1),
        "" => Some(2),
        _ => None,
    }
}

/// A name, an address and perhaps a time for a commit.
#[derive(Deserialize, Clone)]
pub(crate) struct Person {
    name: String,
    email: String,
    date: Option<String>,
}

impl Person {
    pub(crate) fn sign(&self, now: Time) -> Result<Signature, Error> {
        let at = match &self.date {
            None => now,
            Some(text) => Time::parse(text).ok_or_else(|| Error::value("Commit", "date", "invalid", text.as_str()))?,
        };
        Ok(Signature::new(&self.name, &self.email, i64::try_from(at.seconds()).unwrap_or(i64::MAX)))
    }
}

/// Who made a commit and who recorded it: the caller unless the request says otherwise.
pub(crate) fn signatures(
    cx: &Cx<'_, GitHub>,
    author: Option<&Person>,
    committer: Option<&Person>,
) -> Result<(Signature, Signature), Error> {
    let committer_signature = match committer {
        Some(person) => person.sign(cx.now())?,
        None => signature(cx),
    };
    let author = match author {
        Some(person) => person.sign(cx.now())?,
        None => committer_signature.clone(),
    };
    Ok((author, committer_signature))
}

/// Where a write goes: the branch, its head and tree. An empty repository has neither yet, but takes its default branch.
struct Target {
    repo: RepoId,
    branch: String,
    head: Option<Oid>,
    tree: Oid,
}

impl Target {
    fn of(cx: &Cx<'_, GitHub>, repo: &Repo, branch: Option<&str>) -> Result<Self, Error> {
        let branch = branch.filter(|text| !text.is_empty()).unwrap_or(&repo.default_branch);
        let branch = branch.strip_prefix("refs/heads/").unwrap_or(branch);
        let target = |head, tree| Self { repo: repo.id, branch: branch.to_owned(), head, tree };
        match cx.state.branch(repo.id, branch) {
            Some(found) => Ok(target(Some(found.oid), cx.objects().commit(found.oid)?.tree)),
            None if cx.state.is_empty(repo.id) && branch == repo.default_branch => {
                Ok(target(None, Objects::EMPTY_TREE))
            }
            None => Err(Error::new(404, format!("Branch {branch} not found"))),
        }
    }

    /// Commits a tree on the branch, if its protection lets the caller push there. `what` happens to a single file: `create`,
    /// `update` or `delete`.
    fn commit(
        &self,
        cx: &mut Cx<'_, GitHub>,
        tree: Oid,
        message: &str,
        (author, committer): (Signature, Signature),
        what: Option<&str>,
    ) -> Result<Oid, Error> {
        let parents = self.head.into_iter().collect();
        let commit = Commit { tree, parents, author, committer, message: message.to_owned(), signature: None };
        let oid = cx.state.git.objects.add_commit(commit)?;
        let name = heads(&self.branch);
        let push = self.head.map_or(Push::Create, |old| Push::Move { old, new: oid });
        match what {
            Some(what) => guard_file(cx, self.repo, &name, push, what)?,
            None => guard(cx, self.repo, &name, push)?,
        }
        let now = cx.now();
        move_branch(cx.state, self.repo, &self.branch, oid, now);
        Ok(oid)
    }
}

/// A file before or after the call, for the trace.
fn file_row(cx: &Cx<'_, GitHub>, target: &Target, path: &str, side: Option<Side>) -> Option<Value> {
    let (side, repo) = (side?, cx.state.repos.get(&target.repo)?);
    let git_ref = cx.state.branch(target.repo, &target.branch)?;
    Some(rows::file(cx.objects(), repo, &target.branch, git_ref, path, side.oid))
}

/// A file was written or deleted.
pub(crate) struct Written {
    repo: RepoId,
    branch: String,
    path: String,
    /// `None` when it was deleted.
    side: Option<Side>,
    commit: Oid,
    created: bool,
}

impl View<GitHub> for Written {
    fn rest(&self, cx: &Cx<'_, GitHub>, reply: &mut Reply) {
        let site = Site::of(cx);
        let Some(repo) = cx.state.repos.get(&self.repo) else { return };
        let content = self.side.map(|side| ContentView {
            site,
            repo,
            reference: &self.branch,
            path: &self.path,
            side,
            detail: Detail::Entry,
        });
        let commit = GitCommitView(CommitView { site, repo, oid: self.commit });
        reply.status = if self.created { 201 } else { 200 };
        reply.write_json(&FileCommit { content, commit });
    }

    fn tool(&self, cx: &Cx<'_, GitHub>) -> ToolReply {
        let Some(side) = self.side else {
            let mut reply = Reply::new(200);
            self.rest(cx, &mut reply);
            return ToolReply { status: 200, value: reply.body, ..ToolReply::default() };
        };
        let Some(repo) = cx.state.repos.get(&self.repo) else { return ToolReply::default() };
        let objects = cx.objects();
        let (owner, name, path, oid) = (&repo.owner, &repo.name, &self.path, self.commit);
        let size = objects.blob(side.oid).map(|bytes| bytes.len()).unwrap_or_default();
        let Ok(commit) = objects.commit(oid) else { return ToolReply::default() };
        let value = json!({
            "content": {
                "name": paths::name(path), "path": path, "sha": side.oid, "size": size,
                "html_url": format!("{HTML}/{owner}/{name}/blob/{}/{}", EncodedPath(&self.branch), EncodedPath(path)),
            },
            "commit": {
                "sha": oid, "message": commit.message, "html_url": format!("{HTML}/{owner}/{name}/commit/{oid}"),
                "author": GitUser(&commit.author),
            },
        });
        ToolReply { status: if self.created { 201 } else { 200 }, ..ToolReply::json(&value) }
    }
}

/// `file-commit`
struct FileCommit<'a> {
    content: Option<ContentView<'a>>,
    commit: GitCommitView<'a>,
}

impl Serialize for FileCommit<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut map = serializer.serialize_map(Some(2))?;
        map.serialize_entry("content", &self.content)?;
        map.serialize_entry("commit", &self.commit)?;
        map.end()
    }
}

/// Whether a write must name the version that it replaces.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Guard<'a> {
    /// The REST door: what exists has to be named.
    Named(Option<&'a str>),
    /// The official MCP server looks the version up when none is given.
    LookedUp(Option<&'a str>),
}

impl Guard<'_> {
    fn check(self, path: &str, existing: Option<Side>) -> Result<(), Error> {
        let (Self::Named(sha) | Self::LookedUp(sha)) = self;
        let sha = sha.filter(|text| !text.is_empty());
        match (existing, sha) {
            // A version of a path that does not exist is not looked at.
            (None, _) => Ok(()),
            (Some(_), None) if matches!(self, Self::LookedUp(_)) => Ok(()),
            (Some(_), None) => Err(Error::not_supplied("sha")),
            (Some(side), Some(sha)) if sha.eq_ignore_ascii_case(&side.oid.hex()) => Ok(()),
            (Some(_), Some(sha)) => Err(Error::conflict(format!("{path} does not match {sha}"))),
        }
    }
}

/// What is at a path that shall become or stop being a file: a file or nothing.
fn file_at(objects: &Objects, tree: Oid, path: &str) -> Result<Option<Side>, Error> {
    if path.is_empty() {
        return Err(Error::not_supplied("path"));
    }
    match objects.entry_at(tree, path)? {
        Some(side) if side.mode == Mode::Tree => Err(Error::unprocessable(format!("{path} is a directory"))),
        found => Ok(found),
    }
}

/// Refuses a path below something that is a file.
fn free_below(objects: &Objects, tree: Oid, path: &str) -> Result<(), Error> {
    let mut above = paths::parent(path);
    while !above.is_empty() {
        if objects.entry_at(tree, above)?.is_some_and(|side| side.mode != Mode::Tree) {
            return Err(Error::unprocessable(format!("{above} is a file, so nothing can be below it")));
        }
        above = paths::parent(above);
    }
    Ok(())
}

fn put(
    cx: &mut Cx<'_, GitHub>,
    target: &Target,
    path: String,
    bytes: Vec<u8>,
    message: &str,
    guard: Guard<'_>,
    who: (Signature, Signature),
) -> Result<Written, Error> {
    let existing = file_at(cx.objects(), target.tree, &path)?;
    guard.check(&path, existing)?;
    free_below(cx.objects(), target.tree, &path)?;
    let before = file_row(cx, target, &path, existing);
    let tree = cx.state.git.objects.put_file(target.tree, &path, bytes)?;
    let what = if existing.is_none() { "create" } else { "update" };
    let commit = target.commit(cx, tree, message, who, Some(what))?;
    let side = cx.objects().entry_at(tree, &path)?;
    let after = file_row(cx, target, &path, side);
    cx.changed(before, after);
    let created = existing.is_none();
    Ok(Written { repo: target.repo, branch: target.branch.clone(), path, side, commit, created })
}

fn remove(
    cx: &mut Cx<'_, GitHub>,
    target: &Target,
    path: String,
    message: &str,
    guard: Guard<'_>,
    who: (Signature, Signature),
) -> Result<Written, Error> {
    let existing = file_at(cx.objects(), target.tree, &path)?.ok_or_else(Error::not_found)?;
    guard.check(&path, Some(existing))?;
    let before = file_row(cx, target, &path, Some(existing));
    let tree = cx.state.git.objects.delete_path(target.tree, &path)?;
    let commit = target.commit(cx, tree, message, who, Some("delete"))?;
    cx.changed(before, None);
    Ok(Written { repo: target.repo, branch: target.branch.clone(), path, side: None, commit, created: false })
}

/// Base64 with blanks and line breaks anywhere.
pub(crate) fn decode_base64(text: &str) -> Option<Vec<u8>> {
    const ENGINE: GeneralPurpose = GeneralPurpose::new(
        &ALPHABET,
        GeneralPurposeConfig::new()
            .with_decode_allow_trailing_bits(true)
            .with_decode_padding_mode(DecodePaddingMode::RequireCanonical),
    );
    let packed: Vec<u8> = text.bytes().filter(|byte| !byte.is_ascii_whitespace()).collect();
    ENGINE.decode(packed).ok()
}

/// Creates or replaces a file.
#[derive(Deserialize)]
pub(crate) struct Put {
    owner: String,
    repo: String,
    path: String,
    message: String,
    content: String,
    sha: Option<String>,
    branch: Option<String>,
    committer: Option<Person>,
    author: Option<Person>,
}

impl Action<GitHub> for Put {
    const NAME: &'static str = "create_or_update_file";
    const MUTATES: bool = true;
    type Output = Written;

    fn run(self, cx: &mut Cx<'_, GitHub>) -> Result<Written, Error> {
        let bytes = decode_base64(&self.content).ok_or_else(|| Error::unprocessable("content is not valid Base64"))?;
        let repo = writable(cx, &self.owner, &self.repo)?;
        let target = Target::of(cx, repo, self.branch.as_deref())?;
        let path = clean(&self.path)?;
        let who = signatures(cx, self.author.as_ref(), self.committer.as_ref())?;
        put(cx, &target, path, bytes, &self.message, Guard::Named(self.sha.as_deref()), who)
    }
}

/// Deletes a file.
#[derive(Deserialize)]
pub(crate) struct Delete {
    owner: String,
    repo: String,
    path: String,
    message: String,
    sha: String,
    branch: Option<String>,
    committer: Option<Person>,
    author: Option<Person>,
}

impl Action<GitHub> for Delete {
    const NAME: &'static str = "delete_file";
    const MUTATES: bool = true;
    type Output = Written;

    fn run(self, cx: &mut Cx<'_, GitHub>) -> Result<Written, Error> {
        let repo = writable(cx, &self.owner, &self.repo)?;
        let target = Target::of(cx, repo, self.branch.as_deref())?;
        let path = clean(&self.path)?;
        let who = signatures(cx, self.author.as_ref(), self.committer.as_ref())?;
        remove(cx, &target, path, &self.message, Guard::Named(Some(&self.sha)), who)
    }
}

/// The tool that writes plain text.
#[derive(Deserialize)]
pub(crate) struct PutText {
    owner: String,
    repo: String,
    path: String,
    content: String,
    message: String,
    branch: String,
    sha: Option<String>,
}

impl Action<GitHub> for PutText {
    const NAME: &'static str = "create_or_update_file";
    const MUTATES: bool = true;
    type Output = Written;

    fn run(self, cx: &mut Cx<'_, GitHub>) -> Result<Written, Error> {
        let repo = writable(cx, &self.owner, &self.repo)?;
        let target = Target::of(cx, repo, Some(&self.branch))?;
        let path = clean(&self.path)?;
        let who = signatures(cx, None, None)?;
        let guard = Guard::LookedUp(self.sha.as_deref());
        put(cx, &target, path, self.content.into_bytes(), &self.message, guard, who)
    }
}

/// The tool that deletes a file; it needs no version.
#[derive(Deserialize)]
pub(crate) struct DeleteCurrent {
    owner: String,
    repo: String,
    path: String,
    message: String,
    branch: String,
    sha: Option<String>,
}

impl Action<GitHub> for DeleteCurrent {
    const NAME: &'static str = "delete_file";
    const MUTATES: bool = true;
    type Output = Written;

    fn run(self, cx: &mut Cx<'_, GitHub>) -> Result<Written, Error> {
        let repo = writable(cx, &self.owner, &self.repo)?;
        let target = Target::of(cx, repo, Some(&self.branch))?;
        let path = clean(&self.path)?;
        let who = signatures(cx, None, None)?;
        remove(cx, &target, path, &self.message, Guard::LookedUp(self.sha.as_deref()), who)
    }
}

#[derive(Deserialize)]
struct PushedFile {
    path: String,
    content: String,
}

/// The tool that writes several files in one commit.
#[derive(Deserialize)]
pub(crate) struct PushFiles {
    owner: String,
    repo: String,
    branch: Option<String>,
    files: Vec<PushedFile>,
    message: String,
}

/// A branch, shown as its ref.
pub(crate) struct Pushed {
    pub(crate) repo: RepoId,
    pub(crate) name: String,
    pub(crate) oid: Oid,
}

impl View<GitHub> for Pushed {
    fn rest(&self, cx: &Cx<'_, GitHub>, reply: &mut Reply) {
        if let Some(repo) = cx.state.repos.get(&self.repo) {
            reply.write_json(&RefView { site: Site::of(cx), repo, name: &self.name, oid: self.oid });
        }
    }
}

impl Action<GitHub> for PushFiles {
    const NAME: &'static str = "push_files";
    const MUTATES: bool = true;
    type Output = Pushed;

    fn run(self, cx: &mut Cx<'_, GitHub>) -> Result<Pushed, Error> {
        let repo = writable(cx, &self.owner, &self.repo)?;
        let full_name = repo.full_name();
        let target = Target::of(cx, repo, self.branch.as_deref())?;
        if self.files.is_empty() {
            return Err(Error::field("Request", "files", "too_small"));
        }
        let mut edits = BTreeMap::new();
        let mut before = Vec::new();
        let mut after = Vec::new();
        for file in self.files {
            let path = clean(&file.path)?;
            let existing = file_at(cx.objects(), target.tree, &path)?;
            free_below(cx.objects(), target.tree, &path)?;
            let mode = existing.filter(|side| side.mode == Mode::Executable).map_or(Mode::File, |side| side.mode);
            let blob = cx.state.git.objects.add_blob(file.content.into_bytes());
            before.push(
                existing.map_or_else(|| json!({ "path": path }), |side| json!({ "path": path, "sha": side.oid })),
            );
            after.push(json!({ "path": path, "sha": blob }));
            if edits.insert(path.clone(), Edit::Put(mode, blob)).is_some() {
                return Err(Error::value("Request", "files.path", "duplicate", path));
            }
        }
        let tree = cx.state.git.objects.edit_tree(target.tree, &edits)?;
        let who = signatures(cx, None, None)?;
        let oid = target.commit(cx, tree, &self.message, who, None)?;
        let row = |files: Vec<Value>| json!({ "repo": full_name, "branch": target.branch, "files": files });
        let mut after = row(after);
        after["commit_sha"] = json!(oid);
        cx.changed(Some(row(before)), Some(after));
        Ok(Pushed { repo: target.repo, name: heads(&target.branch), oid })
    }
}

/// The tool that reads a file or directory.
#[derive(Deserialize)]
pub(crate) struct GetForTool {
    owner: String,
    repo: String,
    #[serde(default)]
    path: String,
    #[serde(rename = "ref")]
    reference: Option<String>,
    sha: Option<String>,
    #[serde(default)]
    fields: Vec<String>,
}

/// What the tool found.
pub(crate) struct ToolContents {
    /// The place in `repo://owner/name/<place>/contents/path`.
    place: String,
    /// Says that another ref was taken than the one asked for.
    note: String,
    fields: Vec<String>,
    outcome: Outcome,
}

enum Outcome {
    Found(Found),
    /// Nothing is there; these paths end alike.
    Similar(Vec<String>),
}

impl View<GitHub> for ToolContents {
    fn rest(&self, cx: &Cx<'_, GitHub>, reply: &mut Reply) {
        match &self.outcome {
            Outcome::Found(found) => found.rest(cx, reply),
            Outcome::Similar(paths) => reply.write_json(paths),
        }
    }

    fn tool(&self, cx: &Cx<'_, GitHub>) -> ToolReply {
        let found = match &self.outcome {
            Outcome::Found(found) => found,
            Outcome::Similar(paths) => {
                let list = paths.join("\n");
                return ToolReply::text(&format!(
                    "Nothing is at this path in {}. Paths that end alike:\n{list}",
                    self.place
                ));
            }
        };
        let Some(repo) = cx.state.repos.get(&found.repo) else { return ToolReply::default() };
        let site = Site::of(cx);
        if found.side.mode == Mode::Tree {
            let entries = found.entries(cx.objects());
            let rows = entries.iter().map(|(path, side)| {
                let row = serde_json::to_value(found.view(site, repo, path, *side, Detail::Tool)).unwrap_or_default();
                only(row, &self.fields)
            });
            return ToolReply::json(&rows.collect::<Vec<_>>());
        }
        let value = ToolReply::json(&found.view(site, repo, &found.path, found.side, Detail::Content));
        let content = self.items(cx, repo, found).to_string().into_bytes();
        ToolReply { content: Some(content), ..value }
    }
}

impl ToolContents {
    /// The content items of a file.
    fn items(&self, cx: &Cx<'_, GitHub>, repo: &Repo, found: &Found) -> Value {
        let bytes: &[u8] = cx.objects().blob(found.side.oid).map(AsRef::as_ref).unwrap_or_default();
        let (sha, note, path) = (found.side.oid, &self.note, &found.path);
        let uri = format!("repo://{}/{}/contents/{}", repo.full_name(), self.place, EncodedPath(path));
        let mime = mime_type(path, bytes);
        if bytes.len() >= LARGEST_SHOWN {
            let text = format!("the file is too large to be shown here: {} bytes (SHA: {sha}){note}", bytes.len());
            let link = json!({
                "type": "resource_link", "uri": uri, "name": paths::name(path), "mimeType": mime, "size": bytes.len(),
            });
            return json!([{ "type": "text", "text": text }, link]);
        }
        let (kind, resource) = match std::str::from_utf8(bytes) {
            Ok(text) if !bytes.contains(&0) => ("text", json!({ "uri": uri, "mimeType": mime, "text": text })),
            _ => {
                let blob = base64::engine::general_purpose::STANDARD.encode(bytes);
                ("binary", json!({ "uri": uri, "mimeType": mime, "blob": blob }))
            }
        };
        json!([
            { "type": "text", "text": format!("successfully downloaded {kind} file (SHA: {sha}){note}") },
            { "type": "resource", "resource": resource },
        ])
    }
}

/// The members of an object that were asked for; all of them when none was named.
pub(crate) fn only(mut row: Value, fields: &[String]) -> Value {
    if let Value::Object(members) = &mut row
        && !fields.is_empty()
    {
        members.retain(|name, _| fields.iter().any(|field| field == name));
    }
    row
}

fn mime_type(path: &str, bytes: &[u8]) -> &'static str {
    let starts: [(&[u8], &str); 6] = [
        (b"\x89PNG\r\n\x1a\n", "image/png"),
        (b"\xff\xd8\xff", "image/jpeg"),
        (b"GIF8", "image/gif"),
        (b"%PDF-", "application/pdf"),
        (b"PK\x03\x04", "application/zip"),
        (b"\x1f\x8b", "application/gzip"),
    ];
    if let Some((_, mime)) = starts.iter().find(|(start, _)| bytes.starts_with(start)) {
        return mime;
    }
    if std::str::from_utf8(bytes).is_err() || bytes.contains(&0) {
        return "application/octet-stream";
    }
    match path.rsplit_once('.').map(|(_, extension)| extension) {
        Some("json") => "application/json; charset=utf-8",
        Some("md") => "text/markdown; charset=utf-8",
        Some("html" | "htm") => "text/html; charset=utf-8",
        Some("css") => "text/css; charset=utf-8",
        Some("csv") => "text/csv; charset=utf-8",
        Some("svg") => "image/svg+xml",
        Some("xml") => "text/xml; charset=utf-8",
        _ => "text/plain; charset=utf-8",
    }
}

impl GetForTool {
    /// The commit, where it is in a resource address, and a note when it is another one than was asked for.
    fn commit(&self, cx: &Cx<'_, GitHub>, repo: &Repo) -> Result<(Oid, String, String), Error> {
        if let Some(sha) = self.sha.as_deref().filter(|text| !text.is_empty()) {
            let missing = || Error::new(404, format!("No commit found for the ref {sha}"));
            let oid = cx.state.revision(repo, sha).ok_or_else(missing)?;
            return Ok((oid, format!("sha/{oid}"), String::new()));
        }
        let default = heads(&repo.default_branch);
        let asked = self.reference.as_deref().filter(|text| !text.is_empty());
        if let Some(asked) = asked {
            let names = [asked.to_owned(), format!("refs/{asked}"), heads(asked), format!("refs/tags/{asked}")];
            for name in names.iter().filter(|name| name.starts_with("refs/")) {
                if let Some(oid) = cx.state.ref_named(repo, name) {
                    return Ok((cx.objects().peel(oid)?, name.clone(), String::new()));
                }
            }
            if let Some(oid) = cx.state.revision(repo, asked) {
                return Ok((oid, format!("sha/{oid}"), String::new()));
            }
        }
        let head = cx.state.head(repo).ok_or_else(|| Error::new(404, "This repository is empty."))?;
        let note = asked.map_or_else(String::new, |asked| {
            format!(". Note: the ref '{asked}' does not exist, so this is the file on the default branch '{default}'")
        });
        Ok((head, default, note))
    }
}

impl Action<GitHub> for GetForTool {
    const NAME: &'static str = "get_file_contents";
    type Output = ToolContents;

    fn run(self, cx: &mut Cx<'_, GitHub>) -> Result<ToolContents, Error> {
        let repo = cx.repo(&self.owner, &self.repo)?;
        let path = clean(&self.path)?;
        let (commit, place, note) = self.commit(cx, repo)?;
        let objects = cx.objects();
        let tree = objects.commit(commit)?.tree;
        let outcome = match objects.entry_at(tree, &path)? {
            Some(side) => {
                let reference = place.strip_prefix("refs/heads/").or_else(|| place.strip_prefix("refs/tags/"));
                let reference = reference.or_else(|| place.strip_prefix("sha/")).unwrap_or(&place).to_owned();
                Outcome::Found(Found { repo: repo.id, reference, path, side, media: Media::Json })
            }
            None => {
                let alike = |candidate: &str| {
                    candidate.strip_suffix(&path).is_some_and(|before| before.is_empty() || before.ends_with('/'))
                };
                let walked = objects.walk(tree)?;
                let similar: Vec<String> =
                    walked.into_iter().map(|(path, _)| path).filter(|path| alike(path)).take(10).collect();
                if similar.is_empty() {
                    return Err(Error::not_found());
                }
                Outcome::Similar(similar)
            }
        };
        Ok(ToolContents { place, note, fields: self.fields, outcome })
    }
}
