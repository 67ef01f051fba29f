//! Releases.

use serde::ser::{Serialize, SerializeMap, Serializer};

use super::assets::AssetView;
use super::users::SimpleUser;
use super::{EncodedPath, HTML, Site};
use crate::state::{Release, Repo};

/// `release`
pub(crate) struct ReleaseView<'a> {
    pub(crate) site: Site<'a>,
    pub(crate) repo: &'a Repo,
    pub(crate) release: &'a Release,
}

impl Serialize for ReleaseView<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let Self { site, repo, release } = self;
        let (api, owner, name, id) = (site.api, &repo.owner, &repo.name, release.id);
        let own = format!("{api}/repos/{owner}/{name}/releases/{id}");
        let tag = EncodedPath(&release.tag_name);
        let mut map = serializer.serialize_map(None)?;
        map.serialize_entry("url", &own)?;
        map.serialize_entry("assets_url", &format_args!("{own}/assets"))?;
        map.serialize_entry("upload_url", &format_args!("{own}/assets{{?name,label}}"))?;
        map.serialize_entry("html_url", &html(repo, release))?;
        map.serialize_entry("id", &id)?;
        map.serialize_entry("author", &SimpleUser::of(*site, &release.author))?;
        map.serialize_entry("node_id", &format_args!("RE_{id}"))?;
        map.serialize_entry("tag_name", &release.tag_name)?;
        map.serialize_entry("target_commitish", &release.target_commitish)?;
        map.serialize_entry("name", &release.name)?;
        map.serialize_entry("draft", &release.draft)?;
        map.serialize_entry("immutable", &false)?;
        map.serialize_entry("prerelease", &release.prerelease)?;
        map.serialize_entry("created_at", &release.created_at.to_seconds())?;
        map.serialize_entry("updated_at", &release.published_at.unwrap_or(release.created_at).to_seconds())?;
        map.serialize_entry("published_at", &release.published_at.map(pome_twin_kit::clock::Time::to_seconds))?;
        let assets = site.state.activity.assets_of(repo.id, id);
        let assets = assets.map(|asset| AssetView { site: *site, repo, release, asset });
        map.serialize_entry("assets", &assets.collect::<Vec<_>>())?;
        for (key, archive) in [("tarball_url", "tarball"), ("zipball_url", "zipball")] {
            let url = (!release.draft).then(|| format!("{api}/repos/{owner}/{name}/{archive}/{tag}"));
            map.serialize_entry(key, &url)?;
        }
        map.serialize_entry("body", &release.body)?;
        map.end()
    }
}

/// The page of a release for people.
pub(crate) fn html(repo: &Repo, release: &Release) -> String {
    let (owner, name) = (&repo.owner, &repo.name);
    if release.draft {
        return format!("{HTML}/{owner}/{name}/releases/tag/untagged-{}", release.id);
    }
    format!("{HTML}/{owner}/{name}/releases/tag/{}", EncodedPath(&release.tag_name))
}
