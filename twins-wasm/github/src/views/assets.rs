//! Files of releases.

use serde::ser::{Serialize, SerializeMap, Serializer};

use super::users::SimpleUser;
use super::{Encoded, EncodedPath, HTML, Site};
use crate::activity::Asset;
use crate::state::{Release, Repo};

/// `release-asset`
pub(crate) struct AssetView<'a> {
    pub(crate) site: Site<'a>,
    pub(crate) repo: &'a Repo,
    pub(crate) release: &'a Release,
    pub(crate) asset: &'a Asset,
}

impl Serialize for AssetView<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let Self { site, repo, release, asset } = self;
        let (api, owner, repo_name, id) = (site.api, &repo.owner, &repo.name, asset.id);
        let untagged = format!("untagged-{}", release.id);
        let tag = if release.draft { &untagged } else { &release.tag_name };
        let (tag, name) = (EncodedPath(tag), Encoded(&asset.name));
        let mut map = serializer.serialize_map(None)?;
        map.serialize_entry("url", &format_args!("{api}/repos/{owner}/{repo_name}/releases/assets/{id}"))?;
        map.serialize_entry("id", &id)?;
        map.serialize_entry("node_id", &format_args!("RA_{id}"))?;
        map.serialize_entry("name", &asset.name)?;
        map.serialize_entry("label", &asset.label)?;
        map.serialize_entry("uploader", &SimpleUser::of(*site, &asset.uploader))?;
        map.serialize_entry("content_type", &asset.content_type)?;
        map.serialize_entry("state", "uploaded")?;
        map.serialize_entry("size", &asset.bytes.len())?;
        map.serialize_entry("digest", &format_args!("sha256:{}", asset.digest))?;
        map.serialize_entry("download_count", &0)?;
        map.serialize_entry("created_at", &asset.created_at.to_seconds())?;
        map.serialize_entry("updated_at", &asset.updated_at.to_seconds())?;
        let page = format_args!("{HTML}/{owner}/{repo_name}/releases/download/{tag}/{name}").to_string();
        map.serialize_entry("browser_download_url", &page)?;
        map.end()
    }
}
