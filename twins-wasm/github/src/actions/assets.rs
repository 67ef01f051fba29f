//! Files of releases: bytes that are uploaded once and downloaded by whoever sees the release.

use std::sync::Arc;

use pome_twin_kit::action::Empty;
use pome_twin_kit::ids::hex;
use pome_twin_kit::{Action, Cx, Reply, View};
use serde::Deserialize;
use serde_json::{Value, json};
use sha2::{Digest, Sha256};

use super::{Page, paging, releases};
use crate::GitHub;
use crate::access::Access;
use crate::activity::Asset;
use crate::error::Error;
use crate::revision::writable;
use crate::state::{Repo, RepoId, State};
use crate::views::Site;
use crate::views::assets::AssetView;

/// The largest file that this world keeps; the vendor takes two gibibytes.
const LARGEST: usize = 32 * 1024 * 1024;

type Key = (RepoId, u64);

/// SHA-256 in hex.
pub(crate) fn digest(bytes: &[u8]) -> String {
    hex(&Sha256::digest(bytes))
}

/// What is left of a file's name: the vendor takes only these characters and puts a dot for all others.
pub(crate) fn file_name(wished: &str) -> String {
    let plain = |c: char| if c.is_ascii_alphanumeric() || matches!(c, '.' | '_' | '-' | '+' | '@') { c } else { '.' };
    wished.trim().chars().map(plain).collect()
}

fn row(repo: &Repo, asset: &Asset) -> Value {
    json!({
        "repo": repo.full_name(), "id": asset.id, "release_id": asset.release, "name": asset.name, "label": asset.label,
        "content_type": asset.content_type, "size": asset.bytes.len(), "digest": format!("sha256:{}", asset.digest),
    })
}

fn view<'a>(site: Site<'a>, key: &Key) -> Option<AssetView<'a>> {
    let asset = site.state.activity.assets.get(key)?;
    let (repo, release) = (site.state.repos.get(&key.0)?, site.state.releases.get(&(key.0, asset.release))?);
    Some(AssetView { site, repo, release, asset })
}

/// One file, as JSON or as its bytes.
pub(crate) struct Shown {
    key: Key,
    bytes: bool,
}

impl View<GitHub> for Shown {
    fn rest(&self, cx: &Cx<'_, GitHub>, reply: &mut Reply) {
        if let (true, Some(asset)) = (self.bytes, cx.state.activity.assets.get(&self.key)) {
            reply.body = asset.bytes.to_vec();
            reply.header("content-type", asset.content_type.as_str());
            reply.header("content-disposition", format!("attachment; filename={}", asset.name));
        } else if let Some(view) = view(Site::of(cx), &self.key) {
            reply.write_json(&view);
        }
    }
}

/// The file, if the caller sees its release.
fn find(cx: &Cx<'_, GitHub>, owner: &str, repo: &str, id: u64) -> Result<Key, Error> {
    let repo = cx.repo(owner, repo)?;
    let asset = cx.state.activity.assets.get(&(repo.id, id)).ok_or_else(Error::not_found)?;
    releases::find(cx, repo, asset.release)?;
    Ok((repo.id, id))
}

fn free_name(state: &State, repo: RepoId, release: u64, name: &str, except: Option<u64>) -> Result<(), Error> {
    if name.is_empty() {
        return Err(Error::field("ReleaseAsset", "name", "missing_field"));
    }
    let taken = state.activity.assets_of(repo, release).any(|asset| asset.name == name && Some(asset.id) != except);
    if taken { Err(Error::field("ReleaseAsset", "name", "already_exists")) } else { Ok(()) }
}

#[derive(Deserialize)]
pub(crate) struct List {
    owner: String,
    repo: String,
    release_id: u64,
    page: Option<i64>,
    per_page: Option<i64>,
}

/// A page of a release's files.
pub(crate) struct Listed(Page<Key>);

impl View<GitHub> for Listed {
    fn rest(&self, cx: &Cx<'_, GitHub>, reply: &mut Reply) {
        self.0.write(cx, reply, view);
    }
}

impl Action<GitHub> for List {
    const NAME: &'static str = "list_release_assets";
    type Output = Listed;

    fn run(self, cx: &mut Cx<'_, GitHub>) -> Result<Listed, Error> {
        let repo = cx.repo(&self.owner, &self.repo)?;
        let (id, release) = releases::find(cx, repo, self.release_id)?;
        let keys = cx.state.activity.assets_of(id, release).map(|asset| (id, asset.id));
        Ok(Listed(Page::of(keys, paging(self.page, self.per_page))))
    }
}

/// Takes the body as it is.
#[derive(Deserialize)]
pub(crate) struct Upload {
    owner: String,
    repo: String,
    release_id: u64,
    name: String,
    label: Option<String>,
}

impl Action<GitHub> for Upload {
    const NAME: &'static str = "upload_release_asset";
    const MUTATES: bool = true;
    type Output = Shown;

    fn run(self, cx: &mut Cx<'_, GitHub>) -> Result<Shown, Error> {
        let repo = writable(cx, &self.owner, &self.repo)?.clone();
        let (_, release) = releases::find(cx, &repo, self.release_id)?;
        if cx.body.is_empty() {
            return Err(Error::new(400, "Bad Content-Length: "));
        }
        if cx.body.len() > LARGEST {
            return Err(Error::unsupported("release assets above 32 MiB"));
        }
        let name = file_name(&self.name);
        free_name(cx.state, repo.id, release, &name, None)?;
        let (user, now) = (cx.actor().to_owned(), cx.now());
        let asset = Asset {
            id: cx.state.activity.next_asset.next(),
            release,
            name,
            label: self.label.filter(|label| !label.is_empty()),
            content_type: cx.header("content-type").unwrap_or("application/octet-stream").to_owned(),
            bytes: Arc::from(cx.body),
            digest: digest(cx.body),
            uploader: user,
            created_at: now,
            updated_at: now,
        };
        let key = (repo.id, asset.id);
        cx.changed(None, Some(row(&repo, &asset)));
        cx.state.activity.assets.insert(key, asset);
        Ok(Shown { key, bytes: false })
    }
}

/// One file; its bytes when the caller accepts them.
#[derive(Deserialize)]
pub(crate) struct Get {
    owner: String,
    repo: String,
    asset_id: u64,
}

impl Action<GitHub> for Get {
    const NAME: &'static str = "get_release_asset";
    type Output = Shown;

    fn run(self, cx: &mut Cx<'_, GitHub>) -> Result<Shown, Error> {
        let key = find(cx, &self.owner, &self.repo, self.asset_id)?;
        let bytes = cx.header("accept").is_some_and(|accept| accept.contains("application/octet-stream"));
        Ok(Shown { key, bytes })
    }
}

/// Another name or label.
#[derive(Deserialize)]
pub(crate) struct Update {
    owner: String,
    repo: String,
    asset_id: u64,
    name: Option<String>,
    label: Option<String>,
}

impl Action<GitHub> for Update {
    const NAME: &'static str = "update_release_asset";
    const MUTATES: bool = true;
    type Output = Shown;

    fn run(self, cx: &mut Cx<'_, GitHub>) -> Result<Shown, Error> {
        let repo = writable(cx, &self.owner, &self.repo)?.clone();
        let key = find(cx, &self.owner, &self.repo, self.asset_id)?;
        let before = cx.state.activity.assets.get(&key).cloned().ok_or_else(Error::not_found)?;
        let mut after = before.clone();
        if let Some(name) = &self.name {
            after.name = file_name(name);
            free_name(cx.state, key.0, after.release, &after.name, Some(after.id))?;
        }
        if let Some(label) = self.label {
            after.label = Some(label).filter(|label| !label.is_empty());
        }
        after.updated_at = cx.now();
        cx.changed(Some(row(&repo, &before)), Some(row(&repo, &after)));
        cx.state.activity.assets.insert(key, after);
        Ok(Shown { key, bytes: false })
    }
}

#[derive(Deserialize)]
pub(crate) struct Delete {
    owner: String,
    repo: String,
    asset_id: u64,
}

impl Action<GitHub> for Delete {
    const NAME: &'static str = "delete_release_asset";
    const MUTATES: bool = true;
    type Output = Empty;

    fn run(self, cx: &mut Cx<'_, GitHub>) -> Result<Empty, Error> {
        let repo = writable(cx, &self.owner, &self.repo)?.clone();
        let key = find(cx, &self.owner, &self.repo, self.asset_id)?;
        let gone = cx.state.activity.assets.remove(&key);
        cx.changed(gone.map(|asset| row(&repo, &asset)), None);
        Ok(Empty)
    }
}

/// Takes the files of a release away with it.
pub(crate) fn forget(state: &mut State, repo: RepoId, release: u64) {
    let keys: Vec<Key> = state.activity.assets_of(repo, release).map(|asset| (repo, asset.id)).collect();
    for key in keys {
        state.activity.assets.remove(&key);
    }
}
