//! Repositories under other addresses: by id, and by a name that they had before.

use std::borrow::Cow;

use pome_twin_kit::Cx;

use crate::GitHub;
use crate::access::Access;
use crate::error::Error;
use crate::state::{RepoId, State, fold};

/// `/repositories/{id}/...` as `/repos/{owner}/{repo}/...`.
pub(crate) fn by_name<'a>(state: &State, path: &'a str) -> Cow<'a, str> {
    let Some(rest) = path.strip_prefix("/repositories/") else { return Cow::Borrowed(path) };
    let (id, rest) = rest.split_at(rest.find('/').unwrap_or(rest.len()));
    match id.parse::<RepoId>().ok().and_then(|id| state.repos.get(&id)) {
        Some(repo) => Cow::Owned(format!("/repos/{}/{}{rest}", repo.owner, repo.name)),
        None => Cow::Borrowed(path),
    }
}

/// Sends REST callers on who use a name that a repository had before. Tools follow by themselves.
///
/// Also refuses changes to archived repositories, whose settings alone stay open.
pub(crate) fn check(cx: &mut Cx<'_, GitHub>) -> Result<(), Error> {
    let (path, reads) = (cx.path, cx.reads);
    let path = path.strip_prefix("/api/v3").unwrap_or(path);
    let Some(rest) = path.strip_prefix("/repos/") else { return Ok(()) };
    let mut parts = rest.splitn(3, '/');
    let (Some(owner), Some(name)) = (parts.next(), parts.next()) else { return Ok(()) };
    let key = (fold(owner), fold(name));
    let rest = parts.next();
    if let Some(id) = cx.state.repo_names.get(&key) {
        let Some(repo) = cx.state.repos.get(id) else { return Ok(()) };
        // Settings, leaving and watching are not content.
        let open = matches!(rest, None | Some("transfer" | "forks" | "subscription"));
        if repo.archived && !reads && !open && cx.permission(repo).is_some() {
            return Err(Error::forbidden("Repository was archived so is read-only."));
        }
        return Ok(());
    }
    let Some(repo) = cx.state.renamed.get(&key).and_then(|id| cx.state.repos.get(id)) else { return Ok(()) };
    if cx.permission(repo).is_none() {
        return Ok(());
    }
    let mut address = format!("{}/repositories/{}", cx.origin, repo.id);
    if let Some(rest) = rest {
        address.push('/');
        address.push_str(rest);
    }
    if !cx.query.is_empty() {
        address.push('?');
        address.push_str(cx.query);
    }
    Err(Error::moved(reads, address))
}
