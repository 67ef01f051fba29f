//! Refs, branches and tags.

use pome_twin_kit::ids::hash_id;
use serde::ser::{Serialize, SerializeMap, Serializer};

use super::commits::CommitView;
use super::protection::summary;
use super::{Encoded, EncodedPath, HTML, Site};
use crate::git::{Kind, Oid};
use crate::state::Repo;

/// `git-ref`
pub(crate) struct RefView<'a> {
    pub(crate) site: Site<'a>,
    pub(crate) repo: &'a Repo,
    /// In full: `refs/heads/main`.
    pub(crate) name: &'a str,
    pub(crate) oid: Oid,
}

impl Serialize for RefView<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let Self { site, repo, name, oid } = self;
        let (api, owner, of) = (site.api, &repo.owner, &repo.name);
        let mut map = serializer.serialize_map(Some(4))?;
        map.serialize_entry("ref", name)?;
        map.serialize_entry("node_id", &format_args!("REF_{}", hash_id(&format!("{owner}/{of}:{name}"))))?;
        map.serialize_entry("url", &format_args!("{api}/repos/{owner}/{of}/git/{}", EncodedPath(name)))?;
        map.serialize_entry("object", &ObjectLink { site: *site, repo, oid: *oid })?;
        map.end()
    }
}

/// What a ref or an annotated tag points to.
pub(crate) struct ObjectLink<'a> {
    pub(crate) site: Site<'a>,
    pub(crate) repo: &'a Repo,
    pub(crate) oid: Oid,
}

impl Serialize for ObjectLink<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let Self { site, repo, oid } = self;
        let (api, owner, name) = (site.api, &repo.owner, &repo.name);
        let kind = site.state.git.objects.kind(*oid).unwrap_or(Kind::Commit);
        let mut map = serializer.serialize_map(Some(3))?;
        map.serialize_entry("sha", oid)?;
        map.serialize_entry("type", kind.as_str())?;
        map.serialize_entry("url", &format_args!("{api}/repos/{owner}/{name}/git/{kind}s/{oid}"))?;
        map.end()
    }
}

/// `short-branch`
pub(crate) struct BranchView<'a> {
    pub(crate) site: Site<'a>,
    pub(crate) repo: &'a Repo,
    pub(crate) name: &'a str,
    pub(crate) oid: Oid,
}

impl Serialize for BranchView<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let Self { site, repo, name, oid } = self;
        let mut map = serializer.serialize_map(Some(3))?;
        map.serialize_entry("name", name)?;
        map.serialize_entry("commit", &CommitLink { site: *site, repo, oid: *oid })?;
        let protected = site.state.is_protected(repo, name);
        map.serialize_entry("protected", &protected)?;
        if protected {
            let (api, owner, of) = (site.api, &repo.owner, &repo.name);
            let url = format_args!("{api}/repos/{owner}/{of}/branches/{}/protection", Encoded(name)).to_string();
            map.serialize_entry("protection", &summary(*site, repo, name))?;
            map.serialize_entry("protection_url", &url)?;
        }
        map.end()
    }
}

/// `branch-with-protection`
pub(crate) struct FullBranch<'a>(pub(crate) BranchView<'a>);

impl Serialize for FullBranch<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let BranchView { site, repo, name, oid } = self.0;
        let (api, owner, of) = (site.api, &repo.owner, &repo.name);
        let own = format!("{api}/repos/{owner}/{of}/branches/{}", Encoded(name));
        let html = format!("{HTML}/{owner}/{of}/tree/{}", EncodedPath(name));
        let mut map = serializer.serialize_map(None)?;
        map.serialize_entry("name", name)?;
        map.serialize_entry("commit", &CommitView { site, repo, oid })?;
        map.serialize_entry("_links", &serde_json::json!({ "self": own, "html": html }))?;
        map.serialize_entry("protected", &site.state.is_protected(repo, name))?;
        map.serialize_entry("protection", &summary(site, repo, name))?;
        map.serialize_entry("protection_url", &format_args!("{own}/protection"))?;
        map.end()
    }
}

/// `{sha, url}` of a commit.
pub(crate) struct CommitLink<'a> {
    pub(crate) site: Site<'a>,
    pub(crate) repo: &'a Repo,
    pub(crate) oid: Oid,
}

impl Serialize for CommitLink<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let Self { site, repo, oid } = self;
        let mut map = serializer.serialize_map(Some(2))?;
        map.serialize_entry("sha", oid)?;
        let url = format_args!("{}/repos/{}/{}/commits/{oid}", site.api, repo.owner, repo.name);
        map.serialize_entry("url", &url)?;
        map.end()
    }
}

/// `tag`
pub(crate) struct TagView<'a> {
    pub(crate) site: Site<'a>,
    pub(crate) repo: &'a Repo,
    pub(crate) name: &'a str,
    /// The commit that the tag leads to.
    pub(crate) oid: Oid,
}

impl Serialize for TagView<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let Self { site, repo, name, oid } = self;
        let (api, owner, of) = (site.api, &repo.owner, &repo.name);
        let mut map = serializer.serialize_map(Some(5))?;
        map.serialize_entry("name", name)?;
        for (key, archive) in [("zipball_url", "zipball"), ("tarball_url", "tarball")] {
            map.serialize_entry(
                key,
                &format_args!("{api}/repos/{owner}/{of}/{archive}/refs/tags/{}", EncodedPath(name)),
            )?;
        }
        map.serialize_entry("commit", &CommitLink { site: *site, repo, oid: *oid })?;
        map.serialize_entry("node_id", &format_args!("T_{}", hash_id(&format!("{owner}/{of}/tag/{name}"))))?;
        map.end()
    }
}
