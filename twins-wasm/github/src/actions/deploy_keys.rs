//! Keys that let machines read or write one repository.

use pome_twin_kit::action::Empty;
use pome_twin_kit::{Action, Cx, Reply, View};
use serde::Deserialize;
use serde_json::{Value, json};

use super::{Page, paging};
use crate::GitHub;
use crate::access::Access;
use crate::activity::DeployKey;
use crate::error::Error;
use crate::state::{Permission, Repo, RepoId};
use crate::views::Site;

type Key = (RepoId, u64);

fn view(site: Site<'_>, key: &Key) -> Option<Value> {
    let (repo, row) = (site.state.repos.get(&key.0)?, site.state.activity.keys.get(key)?);
    Some(row_view(site, repo, row))
}

/// `deploy-key`
pub(crate) fn row_view(site: Site<'_>, repo: &Repo, row: &DeployKey) -> Value {
    json!({
        "id": row.id,
        "key": row.key,
        "url": format!("{}/repos/{}/keys/{}", site.api, repo.full_name(), row.id),
        "title": row.title,
        "verified": true,
        "created_at": row.created_at.to_seconds(),
        "read_only": row.read_only,
        "added_by": row.added_by,
        "last_used": null,
        "enabled": true,
    })
}

fn row(key: &DeployKey) -> Value {
    json!({ "id": key.id, "title": key.title, "key": key.key, "read_only": key.read_only, "added_by": key.added_by })
}

/// A page of keys.
pub(crate) struct Listed(Page<Key>);

impl View<GitHub> for Listed {
    fn rest(&self, cx: &Cx<'_, GitHub>, reply: &mut Reply) {
        self.0.write(cx, reply, view);
    }
}

#[derive(Deserialize)]
pub(crate) struct List {
    owner: String,
    repo: String,
    page: Option<i64>,
    per_page: Option<i64>,
}

impl Action<GitHub> for List {
    const NAME: &'static str = "list_deploy_keys";
    type Output = Listed;

    fn run(self, cx: &mut Cx<'_, GitHub>) -> Result<Listed, Error> {
        let repo = cx.repo_with(&self.owner, &self.repo, Permission::Admin)?.id;
        let keys = cx.state.activity.keys_of(repo).map(|key| (repo, key.id));
        Ok(Listed(Page::of(keys, paging(self.page, self.per_page))))
    }
}

/// One key.
pub(crate) struct Shown(Key);

impl View<GitHub> for Shown {
    fn rest(&self, cx: &Cx<'_, GitHub>, reply: &mut Reply) {
        if let Some(value) = view(Site::of(cx), &self.0) {
            reply.write_json(&value);
        }
    }
}

#[derive(Deserialize)]
pub(crate) struct Get {
    owner: String,
    repo: String,
    key_id: u64,
}

impl Action<GitHub> for Get {
    const NAME: &'static str = "get_deploy_key";
    type Output = Shown;

    fn run(self, cx: &mut Cx<'_, GitHub>) -> Result<Shown, Error> {
        let key = (cx.repo_with(&self.owner, &self.repo, Permission::Admin)?.id, self.key_id);
        cx.state.activity.keys.contains(&key).then_some(Shown(key)).ok_or_else(Error::not_found)
    }
}

/// Adds a key; the same one opens no second repository.
#[derive(Deserialize)]
pub(crate) struct Create {
    owner: String,
    repo: String,
    title: Option<String>,
    key: String,
    #[serde(default)]
    read_only: bool,
}

fn is_key(text: &str) -> bool {
    let mut parts = text.split_whitespace();
    let kind = parts
        .next()
        .is_some_and(|kind| kind.starts_with("ssh-") || kind.starts_with("ecdsa-sha2-") || kind.starts_with("sk-"));
    let plain = |c: char| c.is_ascii_alphanumeric() || matches!(c, '+' | '/' | '=');
    kind && parts.next().is_some_and(|body| body.len() >= 16 && body.chars().all(plain))
}

/// A key without the comment at its end, which is no part of it; `None` when it is none.
pub(crate) fn plain(text: &str) -> Option<String> {
    let text = text.trim();
    is_key(text).then(|| text.split_whitespace().take(2).collect::<Vec<_>>().join(" "))
}

impl Action<GitHub> for Create {
    const NAME: &'static str = "create_deploy_key";
    const MUTATES: bool = true;
    type Output = Shown;

    fn run(self, cx: &mut Cx<'_, GitHub>) -> Result<Shown, Error> {
        let repo = cx.repo_to_write(&self.owner, &self.repo, Permission::Admin)?;
        if !cx.state.accounts.settings_of(&repo.owner).allows("deploy_keys_enabled_for_repositories") {
            return Err(Error::unprocessable("Deploy keys are disabled for this repository"));
        }
        let repo = repo.id;
        let refuse = |message: &str| {
            let row = json!({ "resource": "PublicKey", "code": "custom", "field": "key", "message": message });
            Err(Error::validation(vec![row]))
        };
        let text = self.key.trim();
        let Some(stored) = plain(text) else {
            return refuse("key is invalid. You must supply a key in OpenSSH public key format");
        };
        if cx.state.activity.keys.values().any(|known| known.key == stored) {
            return refuse("key is already in use");
        }
        let key = DeployKey {
            id: cx.state.activity.next_key.next(),
            title: self.title.filter(|title| !title.is_empty()).unwrap_or_else(|| text.to_owned()),
            key: stored,
            read_only: self.read_only,
            added_by: cx.actor().to_owned(),
            created_at: cx.now(),
        };
        let at = (repo, key.id);
        cx.changed(None, Some(row(&key)));
        cx.state.activity.keys.insert(at, key);
        Ok(Shown(at))
    }
}

#[derive(Deserialize)]
pub(crate) struct Delete {
    owner: String,
    repo: String,
    key_id: u64,
}

impl Action<GitHub> for Delete {
    const NAME: &'static str = "delete_deploy_key";
    const MUTATES: bool = true;
    type Output = Empty;

    fn run(self, cx: &mut Cx<'_, GitHub>) -> Result<Empty, Error> {
        let key = (cx.repo_to_write(&self.owner, &self.repo, Permission::Admin)?.id, self.key_id);
        let gone = cx.state.activity.keys.remove(&key).ok_or_else(Error::not_found)?;
        cx.changed(Some(row(&gone)), None);
        Ok(Empty)
    }
}
