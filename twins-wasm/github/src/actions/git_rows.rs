//! What a change to a repository looks like in the trace.

use serde_json::{Value, json};

use crate::git::{Objects, Oid};
use crate::state::{GitRef, Repo, State};

pub(crate) fn repo(state: &State, repo: &Repo) -> Value {
    let parent = repo.parent.and_then(|id| state.repos.get(&id)).map(Repo::full_name);
    json!({
        "owner": repo.owner, "name": repo.name, "full_name": repo.full_name(), "description": repo.description,
        "private": repo.private, "default_branch": repo.default_branch, "fork": repo.parent.is_some(),
        "parent_full_name": parent, "created_at": repo.created_at.to_millis(), "updated_at": repo.updated_at.to_millis(),
    })
}

pub(crate) fn branch(repo: &Repo, name: &str, git_ref: &GitRef) -> Value {
    json!({
        "repo": repo.full_name(), "name": name, "head_sha": git_ref.oid,
        "created_at": git_ref.created_at.to_millis(), "updated_at": git_ref.updated_at.to_millis(),
    })
}

/// One version of a file on a branch.
pub(crate) fn file(objects: &Objects, repo: &Repo, branch: &str, git_ref: &GitRef, path: &str, blob: Oid) -> Value {
    let bytes = objects.blob(blob).map(AsRef::as_ref).unwrap_or_default();
    json!({
        "repo": repo.full_name(), "branch": branch, "path": path, "content": String::from_utf8_lossy(bytes), "sha": blob,
        "size": bytes.len(), "updated_at": git_ref.updated_at.to_millis(),
    })
}
