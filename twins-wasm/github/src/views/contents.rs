//! Files and directories of a repository at a ref.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use serde::ser::{Serialize, SerializeMap, Serializer};

use super::{EncodedPath, HTML, Site};
use crate::git::{Mode, Oid, Side, paths};
use crate::state::Repo;

/// Larger files are listed without their content.
pub(crate) const LARGEST_SHOWN: usize = 1024 * 1024;

/// How much of an entry is shown.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Detail {
    /// In a directory, and as the outcome of a write.
    Entry,
    /// `content-file`, `content-symlink` or `content-submodule`
    Content,
    /// As the official MCP server lists it.
    Tool,
}

/// What stands at one path.
pub(crate) struct ContentView<'a> {
    pub(crate) site: Site<'a>,
    pub(crate) repo: &'a Repo,
    /// The ref of the addresses.
    pub(crate) reference: &'a str,
    pub(crate) path: &'a str,
    pub(crate) side: Side,
    pub(crate) detail: Detail,
}

impl ContentView<'_> {
    fn bytes(&self) -> &[u8] {
        self.site.state.git.objects.blob(self.side.oid).map(AsRef::as_ref).unwrap_or_default()
    }

    pub(crate) fn write<M: SerializeMap>(&self, map: &mut M) -> Result<(), M::Error> {
        let Self { repo, reference, path, side, detail, .. } = self;
        let (owner, name) = (&repo.owner, &repo.name);
        let kind = match side.mode {
            Mode::File | Mode::Executable => "file",
            Mode::Tree => "dir",
            Mode::Link => "symlink",
            Mode::Submodule => "submodule",
        };
        let bytes = self.bytes();
        map.serialize_entry("name", paths::name(path))?;
        map.serialize_entry("path", path)?;
        map.serialize_entry("sha", &side.oid)?;
        map.serialize_entry("size", &bytes.len())?;
        map.serialize_entry("url", &self.own())?;
        map.serialize_entry("html_url", &self.html())?;
        map.serialize_entry("git_url", &self.git())?;
        if matches!(side.mode, Mode::Tree | Mode::Submodule) {
            map.serialize_entry("download_url", &None::<()>)?;
        } else {
            let address = format!("https://raw.githubusercontent.com/{owner}/{name}/{reference}/{}", EncodedPath(path));
            map.serialize_entry("download_url", &address)?;
        }
        map.serialize_entry("type", kind)?;
        if *detail == Detail::Content {
            match side.mode {
                Mode::Link => map.serialize_entry("target", &String::from_utf8_lossy(bytes))?,
                Mode::Submodule => map.serialize_entry("submodule_git_url", &None::<()>)?,
                _ if bytes.len() > LARGEST_SHOWN => {
                    map.serialize_entry("content", "")?;
                    map.serialize_entry("encoding", "none")?;
                }
                _ => {
                    map.serialize_entry("content", &wrapped_base64(bytes))?;
                    map.serialize_entry("encoding", "base64")?;
                }
            }
        }
        if *detail != Detail::Tool {
            map.serialize_entry("_links", &Links(self))?;
        }
        Ok(())
    }

    fn own(&self) -> String {
        let Self { site, repo, reference, path, .. } = self;
        let (api, owner, name) = (site.api, &repo.owner, &repo.name);
        format!("{api}/repos/{owner}/{name}/contents/{}?ref={}", EncodedPath(path), EncodedPath(reference))
    }

    fn html(&self) -> String {
        let Self { repo, reference, path, side, .. } = self;
        let (owner, name) = (&repo.owner, &repo.name);
        let page = if side.mode == Mode::Tree { "tree" } else { "blob" };
        format!("{HTML}/{owner}/{name}/{page}/{}/{}", EncodedPath(reference), EncodedPath(path))
    }

    fn git(&self) -> Option<String> {
        let Self { site, repo, side, .. } = self;
        let (api, owner, name) = (site.api, &repo.owner, &repo.name);
        let objects = match side.mode {
            Mode::Tree => "trees",
            Mode::Submodule => return None,
            _ => "blobs",
        };
        Some(format!("{api}/repos/{owner}/{name}/git/{objects}/{}", side.oid))
    }
}

impl Serialize for ContentView<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut map = serializer.serialize_map(None)?;
        self.write(&mut map)?;
        map.end()
    }
}

struct Links<'a>(&'a ContentView<'a>);

impl Serialize for Links<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut map = serializer.serialize_map(Some(3))?;
        map.serialize_entry("self", &self.0.own())?;
        map.serialize_entry("git", &self.0.git())?;
        map.serialize_entry("html", &self.0.html())?;
        map.end()
    }
}

/// Base64 as the vendor writes it: lines of sixty characters, each with its line break.
pub(crate) fn wrapped_base64(bytes: &[u8]) -> String {
    let mut text = String::with_capacity(bytes.len() * 4 / 3 + bytes.len() / 45 + 8);
    // Forty-five bytes are sixty characters.
    for line in bytes.chunks(45) {
        STANDARD.encode_string(line, &mut text);
        text.push('\n');
    }
    text
}

/// `blob`
pub(crate) struct BlobView<'a> {
    pub(crate) site: Site<'a>,
    pub(crate) repo: &'a Repo,
    pub(crate) oid: Oid,
    pub(crate) bytes: &'a [u8],
}

impl Serialize for BlobView<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let Self { site, repo, oid, bytes } = self;
        let (api, owner, name) = (site.api, &repo.owner, &repo.name);
        let mut map = serializer.serialize_map(Some(6))?;
        map.serialize_entry("sha", oid)?;
        map.serialize_entry("node_id", &format_args!("B_{oid}"))?;
        map.serialize_entry("size", &bytes.len())?;
        map.serialize_entry("url", &format_args!("{api}/repos/{owner}/{name}/git/blobs/{oid}"))?;
        map.serialize_entry("content", &wrapped_base64(bytes))?;
        map.serialize_entry("encoding", "base64")?;
        map.end()
    }
}
