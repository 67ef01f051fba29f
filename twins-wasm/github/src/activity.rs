//! What surrounds the content of repositories: files of releases.

use std::sync::Arc;

use pome_twin_kit::clock::Time;
use pome_twin_kit::store::{Cell, Journal, Store, Table};

use crate::state::RepoId;

/// A file of a release.
#[derive(Debug, Clone)]
pub(crate) struct Asset {
    pub(crate) id: u64,
    pub(crate) release: u64,
    pub(crate) name: String,
    pub(crate) label: Option<String>,
    pub(crate) content_type: String,
    pub(crate) bytes: Arc<[u8]>,
    /// SHA-256 in hex.
    pub(crate) digest: String,
    pub(crate) uploader: String,
    pub(crate) created_at: Time,
    pub(crate) updated_at: Time,
}

#[derive(Debug, Default)]
pub(crate) struct Activity {
    pub(crate) assets: Table<(RepoId, u64), Asset>,
    pub(crate) next_asset: Cell<u64>,
}

impl Activity {
    /// The files of a release, oldest first.
    pub(crate) fn assets_of(&self, repo: RepoId, release: u64) -> impl Iterator<Item = &Asset> {
        let all = self.assets.range((repo, 0)..=(repo, u64::MAX)).map(|(_, asset)| asset);
        all.filter(move |asset| asset.release == release)
    }
}

impl Store for Activity {
    fn each(&mut self, visit: &mut dyn FnMut(&mut dyn Journal)) {
        let Self { assets, next_asset } = self;
        let journals = [assets as &mut dyn Journal, next_asset];
        for journal in journals {
            visit(journal);
        }
    }
}
