//! Changed files of a pull request, a commit or a comparison.

use serde::ser::{Error as _, Serialize, SerializeMap, Serializer};

use super::{Encoded, EncodedPath, HTML, Site};
use crate::git::{Change, Oid, Status};
use crate::state::Repo;

/// `diff-entry`
pub(crate) struct FileView<'a> {
    pub(crate) site: Site<'a>,
    pub(crate) repo: &'a Repo,
    pub(crate) change: &'a Change,
    /// The commit that has the files as they are afterwards.
    pub(crate) sha: Oid,
    /// The commit that still has removed files.
    pub(crate) before: Option<Oid>,
}

impl Serialize for FileView<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let Self { site, repo, change, .. } = self;
        let (api, owner, name, path) = (site.api, &repo.owner, &repo.name, &change.path);
        let sha = match change.status {
            Status::Removed => self.before.unwrap_or(self.sha),
            _ => self.sha,
        };
        let patch = site.state.git.objects.patch(change).map_err(S::Error::custom)?;
        let mut map = serializer.serialize_map(None)?;
        map.serialize_entry("sha", &change.blob())?;
        map.serialize_entry("filename", path)?;
        map.serialize_entry("status", change.status.as_str())?;
        map.serialize_entry("additions", &patch.additions)?;
        map.serialize_entry("deletions", &patch.deletions)?;
        map.serialize_entry("changes", &(patch.additions + patch.deletions))?;
        map.serialize_entry("blob_url", &format_args!("{HTML}/{owner}/{name}/blob/{sha}/{}", Encoded(path)))?;
        map.serialize_entry("raw_url", &format_args!("{HTML}/{owner}/{name}/raw/{sha}/{}", Encoded(path)))?;
        let contents = format_args!("{api}/repos/{owner}/{name}/contents/{}?ref={sha}", EncodedPath(path));
        map.serialize_entry("contents_url", &contents)?;
        if let Some(patch) = &patch.text {
            map.serialize_entry("patch", patch)?;
        }
        if let Some(previous) = &change.previous_path {
            map.serialize_entry("previous_filename", previous)?;
        }
        map.end()
    }
}

/// A changed file as the official MCP server shows it.
pub(crate) struct ShortFile<'a> {
    pub(crate) site: Site<'a>,
    pub(crate) change: &'a Change,
}

impl Serialize for ShortFile<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let change = self.change;
        let patch = self.site.state.git.objects.patch(change).map_err(S::Error::custom)?;
        let mut map = serializer.serialize_map(None)?;
        map.serialize_entry("filename", &change.path)?;
        map.serialize_entry("status", change.status.as_str())?;
        for (key, count) in [
            ("additions", patch.additions),
            ("deletions", patch.deletions),
            ("changes", patch.additions + patch.deletions),
        ] {
            map.serialize_entry(key, &count)?;
        }
        if let Some(patch) = &patch.text {
            map.serialize_entry("patch", patch)?;
        }
        if let Some(previous) = &change.previous_path {
            map.serialize_entry("previous_filename", previous)?;
        }
        map.end()
    }
}
