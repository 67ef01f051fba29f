//! What surrounds the content of repositories: files of releases, stars, watching, notifications, gists, webhooks, deploy keys
//! and comments on commits.

use std::collections::BTreeMap;
use std::sync::Arc;

use pome_twin_kit::clock::Time;
use pome_twin_kit::store::{Cell, Table};

use crate::git::Oid;
use crate::state::{Numbered, RepoId, fold};

/// A login in lower case.
pub(crate) type Login = String;

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

/// Somebody wants to hear of a repository, or expressly not.
#[derive(Debug, Clone)]
pub(crate) struct Watch {
    pub(crate) ignored: bool,
    pub(crate) created_at: Time,
}

/// What somebody was told about one issue or pull request.
#[derive(Debug, Clone)]
pub(crate) struct Thread {
    pub(crate) id: u64,
    pub(crate) login: Login,
    pub(crate) subject: Numbered,
    /// `assign`, `author`, `comment`, `mention`, `review_requested`, `subscribed` or `team_mention`.
    pub(crate) reason: String,
    pub(crate) unread: bool,
    /// Put away by its reader.
    pub(crate) done: bool,
    /// Nothing more is told of it, though it is mentioned.
    pub(crate) ignored: bool,
    pub(crate) updated_at: Time,
    pub(crate) last_read_at: Option<Time>,
}

/// One state of a gist's files.
#[derive(Debug, Clone)]
pub(crate) struct Version {
    pub(crate) sha: String,
    pub(crate) at: Time,
    pub(crate) files: BTreeMap<String, String>,
}

#[derive(Debug, Clone)]
pub(crate) struct Gist {
    pub(crate) id: String,
    pub(crate) owner: String,
    pub(crate) description: Option<String>,
    pub(crate) public: bool,
    pub(crate) created_at: Time,
    pub(crate) updated_at: Time,
    /// Oldest first; never empty.
    pub(crate) versions: Vec<Version>,
}

#[derive(Debug, Clone)]
pub(crate) struct GistComment {
    pub(crate) id: u64,
    pub(crate) user: String,
    pub(crate) body: String,
    pub(crate) created_at: Time,
    pub(crate) updated_at: Time,
}

#[derive(Debug, Clone)]
pub(crate) struct Hook {
    pub(crate) id: u64,
    pub(crate) active: bool,
    pub(crate) events: Vec<String>,
    pub(crate) url: String,
    /// `json` or `form`.
    pub(crate) content_type: String,
    pub(crate) insecure_ssl: bool,
    pub(crate) secret: Option<String>,
    pub(crate) created_at: Time,
    pub(crate) updated_at: Time,
}

/// Something that was sent to a webhook.
#[derive(Debug, Clone)]
pub(crate) struct Sent {
    pub(crate) id: u64,
    pub(crate) guid: String,
    pub(crate) event: String,
    pub(crate) action: Option<String>,
    pub(crate) at: Time,
    pub(crate) redelivery: bool,
    pub(crate) headers: Vec<(String, String)>,
    /// JSON, before it becomes a form.
    pub(crate) payload: String,
}

#[derive(Debug, Clone)]
pub(crate) struct DeployKey {
    pub(crate) id: u64,
    pub(crate) title: String,
    pub(crate) key: String,
    pub(crate) read_only: bool,
    pub(crate) added_by: String,
    pub(crate) created_at: Time,
}

#[derive(Debug, Clone)]
pub(crate) struct CommitComment {
    pub(crate) id: u64,
    pub(crate) repo: RepoId,
    pub(crate) commit: Oid,
    pub(crate) body: String,
    pub(crate) path: Option<String>,
    pub(crate) position: Option<u64>,
    pub(crate) line: Option<u64>,
    pub(crate) user: String,
    pub(crate) created_at: Time,
    pub(crate) updated_at: Time,
}

#[derive(Debug, Default)]
pub(crate) struct Activity {
    pub(crate) assets: Table<(RepoId, u64), Asset>,
    /// When somebody gave a star.
    pub(crate) stars: Table<(RepoId, Login), Time>,
    pub(crate) watches: Table<(RepoId, Login), Watch>,
    pub(crate) threads: Table<u64, Thread>,
    pub(crate) threads_of: Table<(Login, RepoId, u64), u64>,
    pub(crate) gists: Table<String, Gist>,
    pub(crate) gist_comments: Table<(String, u64), GistComment>,
    pub(crate) gist_stars: Table<(Login, String), ()>,
    pub(crate) hooks: Table<(RepoId, u64), Hook>,
    /// Repository, hook and delivery.
    pub(crate) sent: Table<(RepoId, u64, u64), Sent>,
    pub(crate) keys: Table<(RepoId, u64), DeployKey>,
    pub(crate) commit_comments: Table<u64, CommitComment>,
    pub(crate) next_asset: Cell<u64>,
    pub(crate) next_thread: Cell<u64>,
    pub(crate) next_gist: Cell<u64>,
    pub(crate) next_gist_comment: Cell<u64>,
    pub(crate) next_hook: Cell<u64>,
    pub(crate) next_sent: Cell<u64>,
    pub(crate) next_key: Cell<u64>,
    pub(crate) next_commit_comment: Cell<u64>,
}

impl Activity {
    /// The files of a release, oldest first.
    pub(crate) fn assets_of(&self, repo: RepoId, release: u64) -> impl Iterator<Item = &Asset> {
        let all = self.assets.range((repo, 0)..=(repo, u64::MAX)).map(|(_, asset)| asset);
        all.filter(move |asset| asset.release == release)
    }

    /// Who gave a repository a star, by login, and when.
    pub(crate) fn stars_of(&self, repo: RepoId) -> impl Iterator<Item = (&Login, Time)> {
        self.stars.prefix((repo, String::new()), move |(of, _)| *of == repo).map(|((_, login), at)| (login, *at))
    }

    /// Who watches a repository, by login.
    pub(crate) fn watchers_of(&self, repo: RepoId) -> impl Iterator<Item = &Login> {
        let all = self.watches.prefix((repo, String::new()), move |(of, _)| *of == repo);
        all.filter(|(_, watch)| !watch.ignored).map(|((_, login), _)| login)
    }

    /// What somebody was told, in no order that is shown.
    pub(crate) fn threads_for(&self, login: &str) -> impl Iterator<Item = &Thread> {
        let login = fold(login);
        let all = self.threads_of.prefix((login.clone(), 0, 0), move |(of, _, _)| *of == login);
        all.filter_map(|(_, id)| self.threads.get(id))
    }

    pub(crate) fn comments_on_gist(&self, gist: &str) -> impl Iterator<Item = &GistComment> {
        let gist = gist.to_owned();
        self.gist_comments.prefix((gist.clone(), 0), move |(of, _)| *of == gist).map(|(_, comment)| comment)
    }

    pub(crate) fn hooks_of(&self, repo: RepoId) -> impl Iterator<Item = &Hook> {
        self.hooks.range((repo, 0)..=(repo, u64::MAX)).map(|(_, hook)| hook)
    }

    pub(crate) fn sent_to(&self, repo: RepoId, hook: u64) -> impl DoubleEndedIterator<Item = &Sent> {
        self.sent.range((repo, hook, 0)..=(repo, hook, u64::MAX)).map(|(_, sent)| sent)
    }

    pub(crate) fn keys_of(&self, repo: RepoId) -> impl Iterator<Item = &DeployKey> {
        self.keys.range((repo, 0)..=(repo, u64::MAX)).map(|(_, key)| key)
    }

    pub(crate) fn commit_comments_of(&self, repo: RepoId) -> impl Iterator<Item = &CommitComment> {
        self.commit_comments.values().filter(move |comment| comment.repo == repo)
    }
}

pome_twin_kit::store!(Activity {
    assets,
    stars,
    watches,
    threads,
    threads_of,
    gists,
    gist_comments,
    gist_stars,
    hooks,
    sent,
    keys,
    commit_comments,
    next_asset,
    next_thread,
    next_gist,
    next_gist_comment,
    next_hook,
    next_sent,
    next_key,
    next_commit_comment,
});
