//! Git's objects by their ids: blobs, trees, commits and annotated tags.
//!
//! What is made here belongs to the repository at once, although no ref leads to it yet.

use std::collections::BTreeMap;

use pome_twin_kit::{Action, Cx, Reply, View};
use serde::Deserialize;
use serde::ser::{Serialize, SerializeMap, Serializer};
use serde_json::json;

use super::contents::{Person, decode_base64, signatures};
use super::media::Media;
use crate::GitHub;
use crate::access::Access;
use crate::error::Error;
use crate::git::{Commit, Edit, Kind, Mode, Objects, Oid, Side, Tag};
use crate::refs::signature;
use crate::revision::{filled, writable};
use crate::state::{Repo, RepoId};
use crate::views::Site;
use crate::views::commits::{CommitView, GitCommitView, GitUser, Unsigned};
use crate::views::contents::BlobView;
use crate::views::refs::ObjectLink;

/// An object of a repository and how it is shown.
pub(crate) struct Shown {
    repo: RepoId,
    oid: Oid,
    form: Form,
}

enum Form {
    Blob,
    RawBlob,
    /// Only where it is, as its creation answers.
    ShortBlob,
    Tree {
        recursive: bool,
    },
    Commit,
    Tag,
}

impl View<GitHub> for Shown {
    fn rest(&self, cx: &Cx<'_, GitHub>, reply: &mut Reply) {
        let (site, oid) = (Site::of(cx), self.oid);
        let Some(repo) = cx.state.repos.get(&self.repo) else { return };
        let bytes = || cx.objects().blob(oid).map(AsRef::as_ref).unwrap_or_default();
        match self.form {
            Form::Blob => reply.write_json(&BlobView { site, repo, oid, bytes: bytes() }),
            Form::RawBlob => {
                reply.body = bytes().to_vec();
                reply.header("content-type", Media::Raw.content_type());
            }
            Form::ShortBlob => {
                let url = format!("{}/repos/{}/git/blobs/{oid}", site.api, repo.full_name());
                reply.write_json(&json!({ "url": url, "sha": oid }));
            }
            Form::Tree { recursive } => reply.write_json(&TreeView { site, repo, oid, recursive }),
            Form::Commit => reply.write_json(&GitCommitView(CommitView { site, repo, oid })),
            Form::Tag => reply.write_json(&TagObject { site, repo, oid }),
        }
    }
}

/// `git-tree`
struct TreeView<'a> {
    site: Site<'a>,
    repo: &'a Repo,
    oid: Oid,
    recursive: bool,
}

impl TreeView<'_> {
    fn entries(&self) -> Vec<(String, Side)> {
        let objects = &self.site.state.git.objects;
        if self.recursive {
            return objects.walk(self.oid).unwrap_or_default();
        }
        let entries = objects.tree(self.oid).map(|tree| tree.entries()).unwrap_or_default();
        entries.iter().map(|entry| (entry.name.to_string(), Side { mode: entry.mode, oid: entry.oid })).collect()
    }
}

impl Serialize for TreeView<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let Self { site, repo, oid, .. } = self;
        let (objects, base) = (&site.state.git.objects, format!("{}/repos/{}/git", site.api, repo.full_name()));
        let rows = self.entries().into_iter().map(|(path, side)| {
            let (kind, sha) = (side.mode.kind(), side.oid);
            let mut row = json!({ "path": path, "mode": side.mode.as_str(), "type": kind.as_str(), "sha": sha });
            if kind == Kind::Blob {
                row["size"] = objects.blob(sha).map(|bytes| bytes.len()).unwrap_or_default().into();
            }
            if kind != Kind::Commit {
                row["url"] = format!("{base}/{kind}s/{sha}").into();
            }
            row
        });
        let mut map = serializer.serialize_map(Some(4))?;
        map.serialize_entry("sha", oid)?;
        map.serialize_entry("url", &format_args!("{base}/trees/{oid}"))?;
        map.serialize_entry("tree", &rows.collect::<Vec<_>>())?;
        map.serialize_entry("truncated", &false)?;
        map.end()
    }
}

/// `git-tag`: an annotated tag.
pub(crate) struct TagObject<'a> {
    pub(crate) site: Site<'a>,
    pub(crate) repo: &'a Repo,
    pub(crate) oid: Oid,
}

impl Serialize for TagObject<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        use serde::ser::Error as _;
        let Self { site, repo, oid } = self;
        let tag = site.state.git.objects.tag(*oid).map_err(S::Error::custom)?;
        let mut map = serializer.serialize_map(None)?;
        map.serialize_entry("node_id", &format_args!("TA_{oid}"))?;
        map.serialize_entry("tag", &tag.name)?;
        map.serialize_entry("sha", oid)?;
        map.serialize_entry("url", &format_args!("{}/repos/{}/git/tags/{oid}", site.api, repo.full_name()))?;
        map.serialize_entry("message", &tag.message)?;
        map.serialize_entry("tagger", &tag.tagger.as_ref().map(GitUser))?;
        map.serialize_entry("object", &ObjectLink { site: *site, repo, oid: tag.object })?;
        map.serialize_entry("verification", &Unsigned)?;
        map.end()
    }
}

/// An object of one kind that the repository has.
fn seen(cx: &Cx<'_, GitHub>, repo: &Repo, sha: &str, kind: Kind) -> Option<Oid> {
    Oid::parse(sha).filter(|oid| cx.objects().kind(*oid) == Some(kind) && cx.state.sees(repo.id, *oid))
}

#[derive(Deserialize)]
pub(crate) struct GetBlob {
    owner: String,
    repo: String,
    file_sha: String,
}

impl Action<GitHub> for GetBlob {
    const NAME: &'static str = "get_blob";
    type Output = Shown;

    fn run(self, cx: &mut Cx<'_, GitHub>) -> Result<Shown, Error> {
        let repo = filled(cx, &self.owner, &self.repo)?;
        let oid = seen(cx, repo, &self.file_sha, Kind::Blob).ok_or_else(Error::not_found)?;
        let form = if Media::of(cx) == Media::Raw { Form::RawBlob } else { Form::Blob };
        Ok(Shown { repo: repo.id, oid, form })
    }
}

#[derive(Deserialize)]
pub(crate) struct CreateBlob {
    owner: String,
    repo: String,
    content: String,
    encoding: Option<String>,
}

impl Action<GitHub> for CreateBlob {
    const NAME: &'static str = "create_blob";
    const MUTATES: bool = true;
    type Output = Shown;

    fn run(self, cx: &mut Cx<'_, GitHub>) -> Result<Shown, Error> {
        let repo = writable(cx, &self.owner, &self.repo)?.id;
        let bytes = match self.encoding.as_deref() {
            None | Some("utf-8") => self.content.into_bytes(),
            Some("base64") => {
                decode_base64(&self.content).ok_or_else(|| Error::unprocessable("content is not valid Base64"))?
            }
            Some(other) => return Err(Error::unprocessable(format!("encoding must be utf-8 or base64, not {other}"))),
        };
        let oid = cx.state.git.objects.add_blob(bytes);
        cx.state.keep(repo, oid);
        Ok(Shown { repo, oid, form: Form::ShortBlob })
    }
}

#[derive(Deserialize)]
pub(crate) struct GetTree {
    owner: String,
    repo: String,
    tree_sha: String,
    /// Any value at all means yes.
    recursive: Option<String>,
}

impl Action<GitHub> for GetTree {
    const NAME: &'static str = "get_tree";
    type Output = Shown;

    fn run(self, cx: &mut Cx<'_, GitHub>) -> Result<Shown, Error> {
        let repo = filled(cx, &self.owner, &self.repo)?;
        let oid = cx.state.revision_tree(repo, &self.tree_sha).ok_or_else(Error::not_found)?;
        Ok(Shown { repo: repo.id, oid, form: Form::Tree { recursive: self.recursive.is_some() } })
    }
}

#[derive(Deserialize)]
struct NewEntry {
    path: String,
    mode: Option<String>,
    /// `null` takes the path away.
    #[serde(default, deserialize_with = "pome_twin_kit::input::nullable")]
    sha: Option<Option<String>>,
    content: Option<String>,
}

#[derive(Deserialize)]
pub(crate) struct CreateTree {
    owner: String,
    repo: String,
    tree: Vec<NewEntry>,
    base_tree: Option<String>,
}

impl Action<GitHub> for CreateTree {
    const NAME: &'static str = "create_tree";
    const MUTATES: bool = true;
    type Output = Shown;

    fn run(self, cx: &mut Cx<'_, GitHub>) -> Result<Shown, Error> {
        let repo = writable(cx, &self.owner, &self.repo)?;
        let id = repo.id;
        let base = match self.base_tree.as_deref().filter(|text| !text.is_empty()) {
            None => Objects::EMPTY_TREE,
            Some(sha) => {
                let known = Oid::parse(sha).and_then(|_| cx.state.revision_tree(repo, sha));
                known.ok_or_else(|| Error::unprocessable("base_tree is not a valid tree oid"))?
            }
        };
        let mut edits = BTreeMap::new();
        for entry in self.tree {
            let edit = entry_edit(cx, id, &entry)?;
            if edits.insert(entry.path, edit).is_some() {
                return Err(Error::unprocessable("tree.path appears twice"));
            }
        }
        let oid = cx.state.git.objects.edit_tree(base, &edits)?;
        cx.state.keep(id, oid);
        Ok(Shown { repo: id, oid, form: Form::Tree { recursive: false } })
    }
}

fn entry_edit(cx: &mut Cx<'_, GitHub>, repo: RepoId, entry: &NewEntry) -> Result<Edit, Error> {
    const MODES: &str = "tree.mode must be one of 100644, 100755, 040000, 160000 or 120000";
    let mode = match &entry.mode {
        Some(text) => Some(Mode::parse(text).ok_or_else(|| Error::unprocessable(MODES))?),
        None => None,
    };
    let sha = match (&entry.sha, &entry.content) {
        (Some(Some(_)), Some(_)) => return Err(Error::unprocessable("tree entries have either sha or content")),
        (Some(None), None) => return Ok(Edit::Delete),
        (Some(Some(sha)), None) => sha,
        (_, Some(content)) => {
            let oid = cx.state.git.objects.add_blob(content.as_bytes());
            return Ok(Edit::Put(mode.unwrap_or(Mode::File), oid));
        }
        (None, None) => return Err(Error::unprocessable("tree entries need a sha or content")),
    };
    let mode = mode.ok_or_else(|| Error::unprocessable(MODES))?;
    let missing = || Error::unprocessable(format!("tree.sha {sha} is not a valid {}", mode.kind()));
    let oid = Oid::parse(sha).ok_or_else(missing)?;
    let fits = mode == Mode::Submodule || (cx.objects().kind(oid) == Some(mode.kind()) && cx.state.sees(repo, oid));
    if fits { Ok(Edit::Put(mode, oid)) } else { Err(missing()) }
}

#[derive(Deserialize)]
pub(crate) struct GetCommit {
    owner: String,
    repo: String,
    commit_sha: String,
}

impl Action<GitHub> for GetCommit {
    const NAME: &'static str = "get_git_commit";
    type Output = Shown;

    fn run(self, cx: &mut Cx<'_, GitHub>) -> Result<Shown, Error> {
        let repo = filled(cx, &self.owner, &self.repo)?;
        let oid = seen(cx, repo, &self.commit_sha, Kind::Commit).ok_or_else(Error::not_found)?;
        Ok(Shown { repo: repo.id, oid, form: Form::Commit })
    }
}

#[derive(Deserialize)]
pub(crate) struct CreateCommit {
    owner: String,
    repo: String,
    message: String,
    tree: String,
    #[serde(default)]
    parents: Vec<String>,
    author: Option<Person>,
    committer: Option<Person>,
    signature: Option<String>,
}

impl Action<GitHub> for CreateCommit {
    const NAME: &'static str = "create_git_commit";
    const MUTATES: bool = true;
    type Output = Shown;

    fn run(self, cx: &mut Cx<'_, GitHub>) -> Result<Shown, Error> {
        let repo = writable(cx, &self.owner, &self.repo)?;
        let id = repo.id;
        let tree = seen(cx, repo, &self.tree, Kind::Tree);
        let tree = tree.ok_or_else(|| Error::unprocessable("Tree SHA does not exist"))?;
        let mut parents = Vec::with_capacity(self.parents.len());
        for sha in &self.parents {
            let parent = seen(cx, repo, sha, Kind::Commit);
            parents.push(
                parent.ok_or_else(|| Error::unprocessable("Parent SHA does not exist or is not a commit object"))?,
            );
        }
        // Unlike in the contents routes, the committer is who the author is.
        let (author, committer) = match (&self.author, &self.committer) {
            (Some(author), None) => signatures(cx, Some(author), Some(author))?,
            (author, committer) => signatures(cx, author.as_ref(), committer.as_ref())?,
        };
        let signature = self.signature.filter(|text| !text.is_empty());
        let commit = Commit { tree, parents, author, committer, message: self.message, signature };
        let oid = cx.state.git.objects.add_commit(commit)?;
        cx.state.keep(id, oid);
        Ok(Shown { repo: id, oid, form: Form::Commit })
    }
}

#[derive(Deserialize)]
pub(crate) struct GetTag {
    owner: String,
    repo: String,
    tag_sha: String,
}

impl Action<GitHub> for GetTag {
    const NAME: &'static str = "get_git_tag";
    type Output = Shown;

    fn run(self, cx: &mut Cx<'_, GitHub>) -> Result<Shown, Error> {
        let repo = filled(cx, &self.owner, &self.repo)?;
        let oid = seen(cx, repo, &self.tag_sha, Kind::Tag).ok_or_else(Error::not_found)?;
        Ok(Shown { repo: repo.id, oid, form: Form::Tag })
    }
}

#[derive(Deserialize)]
pub(crate) struct CreateTag {
    owner: String,
    repo: String,
    tag: String,
    message: String,
    object: String,
    #[serde(rename = "type")]
    kind: Kind,
    tagger: Option<Person>,
}

impl Action<GitHub> for CreateTag {
    const NAME: &'static str = "create_git_tag";
    const MUTATES: bool = true;
    type Output = Shown;

    fn run(self, cx: &mut Cx<'_, GitHub>) -> Result<Shown, Error> {
        let repo = writable(cx, &self.owner, &self.repo)?;
        let id = repo.id;
        let object = seen(cx, repo, &self.object, self.kind);
        let object = object.ok_or_else(|| Error::unprocessable(format!("object is not a valid {}", self.kind)))?;
        let tagger = match &self.tagger {
            Some(person) => person.sign(cx.now())?,
            None => signature(cx),
        };
        let tag = Tag { object, kind: self.kind, name: self.tag, tagger: Some(tagger), message: self.message };
        let oid = cx.state.git.objects.add_tag(tag)?;
        cx.state.keep(id, oid);
        Ok(Shown { repo: id, oid, form: Form::Tag })
    }
}
