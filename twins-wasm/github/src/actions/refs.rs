//! Refs by their full names.

use pome_twin_kit::action::Empty;
use pome_twin_kit::{Action, Cx, Reply, View};
use serde::Deserialize;
use serde_json::Value;

use super::branches::branch_row;
use super::contents::Pushed;
use super::{Page, paging};
use crate::GitHub;
use crate::access::Access;
use crate::error::Error;
use crate::git::Oid;
use crate::refs::{delete_branch, move_branch};
use crate::revision::{filled, writable};
use crate::rules::evaluate::{Push, guard};
use crate::state::{GitRef, Repo, RepoId};
use crate::views::refs::RefView;

/// What a malformed name is told.
pub(crate) const BAD_NAME: &str = "Reference name is not valid";

/// Whether git takes this as the full name of a ref.
pub(crate) fn is_ref_name(name: &str) -> bool {
    let bad = |c: char| c.is_ascii_control() || matches!(c, ' ' | '~' | '^' | ':' | '?' | '*' | '[' | '\\');
    let component = |part: &str| {
        !part.is_empty()
            && !part.starts_with('.')
            && std::path::Path::new(part).extension().is_none_or(|extension| extension != "lock")
    };
    !name.contains(bad)
        && !name.contains("..")
        && !name.contains("@{")
        && !name.ends_with('.')
        && name.split('/').all(component)
}

/// An id as the vendor wants it in a body.
fn read_sha(cx: &Cx<'_, GitHub>, repo: RepoId, sha: &str) -> Result<Oid, Error> {
    let oid = Oid::parse(sha).ok_or_else(|| {
        Error::unprocessable("The sha parameter must be exactly 40 characters and contain only [0-9a-f].")
    })?;
    if cx.state.sees(repo, oid) { Ok(oid) } else { Err(Error::unprocessable("Object does not exist")) }
}

/// Puts a ref where it shall be. Branches lead to commits.
fn point(cx: &mut Cx<'_, GitHub>, repo: RepoId, name: &str, oid: Oid) -> Result<(), Error> {
    let now = cx.now();
    if let Some(branch) = name.strip_prefix("refs/heads/") {
        if cx.objects().commit(oid).is_err() {
            return Err(Error::unprocessable("Reference cannot be updated: the object is not a commit"));
        }
        move_branch(cx.state, repo, branch, oid, now);
        return Ok(());
    }
    let key = (repo, name.to_owned());
    let created_at = cx.state.refs.get(&key).map_or(now, |known| known.created_at);
    cx.state.refs.insert(key, GitRef { oid, created_at, updated_at: now });
    if let Some(repo) = cx.state.repos.get_mut(&repo) {
        repo.pushed_at = now;
        repo.updated_at = now;
    }
    Ok(())
}

/// A branch or other ref for the trace.
fn row(cx: &Cx<'_, GitHub>, repo: RepoId, name: &str) -> Option<Value> {
    if let Some(branch) = name.strip_prefix("refs/heads/") {
        return branch_row(cx, repo, branch);
    }
    let git_ref = cx.state.refs.get(&(repo, name.to_owned()))?;
    Some(super::git_rows::branch(cx.state.repos.get(&repo)?, name, git_ref))
}

/// One ref.
#[derive(Deserialize)]
pub(crate) struct Get {
    owner: String,
    repo: String,
    #[serde(rename = "ref")]
    name: String,
}

impl Action<GitHub> for Get {
    const NAME: &'static str = "get_ref";
    type Output = Pushed;

    fn run(self, cx: &mut Cx<'_, GitHub>) -> Result<Pushed, Error> {
        let repo = filled(cx, &self.owner, &self.repo)?;
        let name = full(&self.name);
        let oid = cx.state.ref_named(repo, &name).ok_or_else(Error::not_found)?;
        Ok(Pushed { repo: repo.id, name, oid })
    }
}

fn full(name: &str) -> String {
    format!("refs/{}", name.strip_prefix("refs/").unwrap_or(name))
}

/// Refs by name.
pub(crate) struct Refs {
    repo: RepoId,
    page: Page<(String, Oid)>,
}

impl View<GitHub> for Refs {
    fn rest(&self, cx: &Cx<'_, GitHub>, reply: &mut Reply) {
        if let Some(repo) = cx.state.repos.get(&self.repo) {
            self.page.write(cx, reply, |site, (name, oid)| Some(RefView { site, repo, name, oid: *oid }));
        }
    }
}

/// Every ref whose name begins so.
#[derive(Deserialize)]
pub(crate) struct Matching {
    owner: String,
    repo: String,
    #[serde(rename = "ref", default)]
    prefix: String,
    page: Option<i64>,
    per_page: Option<i64>,
}

impl Action<GitHub> for Matching {
    const NAME: &'static str = "list_matching_refs";
    type Output = Refs;

    fn run(self, cx: &mut Cx<'_, GitHub>) -> Result<Refs, Error> {
        let repo = filled(cx, &self.owner, &self.repo)?;
        let prefix = full(&self.prefix);
        let mut all: Vec<(String, Oid)> =
            cx.state.refs_of(repo.id, &prefix).map(|(name, git_ref)| (name.to_owned(), git_ref.oid)).collect();
        all.extend(pull_refs(cx, repo).filter(|(name, _)| name.starts_with(&prefix)));
        all.sort();
        Ok(Refs { repo: repo.id, page: Page::of(all.into_iter(), paging(self.page, self.per_page)) })
    }
}

/// The refs that lead to the heads of pull requests.
fn pull_refs(cx: &Cx<'_, GitHub>, repo: &Repo) -> impl Iterator<Item = (String, Oid)> {
    cx.state.pulls_of(repo.id).map(|pull| (format!("refs/pull/{}/head", pull.number), pull.head_sha))
}

/// The older spelling: one ref, or every ref below the name.
#[derive(Deserialize)]
pub(crate) struct GetOrMatching {
    owner: String,
    repo: String,
    #[serde(rename = "ref")]
    name: String,
}

impl Action<GitHub> for GetOrMatching {
    const NAME: &'static str = "get_ref";
    type Output = Box<dyn View<GitHub>>;

    fn run(self, cx: &mut Cx<'_, GitHub>) -> Result<Box<dyn View<GitHub>>, Error> {
        let (owner, repo) = (self.owner, self.repo);
        let exact = Get { owner: owner.clone(), repo: repo.clone(), name: self.name.clone() }.run(cx);
        if let Ok(found) = exact {
            return Ok(Box::new(found));
        }
        let refs = Matching { owner, repo, prefix: self.name, page: None, per_page: Some(100) }.run(cx)?;
        if refs.page.total == 0 {
            return Err(Error::not_found());
        }
        Ok(Box::new(refs))
    }
}

/// Makes a ref.
#[derive(Deserialize)]
pub(crate) struct Create {
    owner: String,
    repo: String,
    #[serde(rename = "ref")]
    name: String,
    sha: String,
}

impl Action<GitHub> for Create {
    const NAME: &'static str = "create_ref";
    const MUTATES: bool = true;
    type Output = Pushed;

    fn run(self, cx: &mut Cx<'_, GitHub>) -> Result<Pushed, Error> {
        let repo = writable(cx, &self.owner, &self.repo)?.id;
        if !self.name.starts_with("refs/") || self.name.matches('/').count() < 2 {
            return Err(Error::unprocessable(
                "Reference name must be fully qualified: it starts with 'refs/' and has at least two slashes",
            ));
        }
        if !is_ref_name(&self.name) || self.name.starts_with("refs/pull/") {
            return Err(Error::unprocessable(BAD_NAME));
        }
        let oid = read_sha(cx, repo, &self.sha)?;
        if cx.state.refs.contains(&(repo, self.name.clone())) {
            return Err(Error::unprocessable("Reference already exists"));
        }
        guard(cx, repo, &self.name, Push::Create)?;
        point(cx, repo, &self.name, oid)?;
        let after = row(cx, repo, &self.name);
        cx.changed(None, after);
        Ok(Pushed { repo, name: self.name, oid })
    }
}

/// Moves a ref.
#[derive(Deserialize)]
pub(crate) struct Update {
    owner: String,
    repo: String,
    #[serde(rename = "ref")]
    name: String,
    sha: String,
    #[serde(default)]
    force: bool,
}

impl Action<GitHub> for Update {
    const NAME: &'static str = "update_ref";
    const MUTATES: bool = true;
    type Output = Pushed;

    fn run(self, cx: &mut Cx<'_, GitHub>) -> Result<Pushed, Error> {
        let repo = writable(cx, &self.owner, &self.repo)?.id;
        let name = full(&self.name);
        let known = cx.state.refs.get(&(repo, name.clone())).map(|git_ref| git_ref.oid);
        let old = known.ok_or_else(|| Error::unprocessable("Reference does not exist"))?;
        let oid = read_sha(cx, repo, &self.sha)?;
        let objects = cx.objects();
        let forward = old == oid || (objects.commit(old).is_ok() && objects.is_ancestor(old, oid).unwrap_or(false));
        if !self.force && !forward {
            return Err(Error::unprocessable("Update is not a fast forward"));
        }
        if old != oid {
            guard(cx, repo, &name, Push::Move { old, new: oid })?;
        }
        let before = row(cx, repo, &name);
        point(cx, repo, &name, oid)?;
        // What nothing leads to any more can still be had by its id.
        cx.state.keep(repo, old);
        let after = row(cx, repo, &name);
        cx.changed(before, after);
        Ok(Pushed { repo, name, oid })
    }
}

/// Deletes a ref.
#[derive(Deserialize)]
pub(crate) struct Delete {
    owner: String,
    repo: String,
    #[serde(rename = "ref")]
    name: String,
}

impl Action<GitHub> for Delete {
    const NAME: &'static str = "delete_ref";
    const MUTATES: bool = true;
    type Output = Empty;

    fn run(self, cx: &mut Cx<'_, GitHub>) -> Result<Empty, Error> {
        let repo = writable(cx, &self.owner, &self.repo)?;
        let (id, name) = (repo.id, full(&self.name));
        if name.strip_prefix("refs/heads/").is_some_and(|branch| branch == repo.default_branch) {
            return Err(Error::unprocessable("Cannot delete the default branch"));
        }
        let known = cx.state.refs.get(&(id, name.clone())).map(|git_ref| git_ref.oid);
        let old = known.ok_or_else(|| Error::unprocessable("Reference does not exist"))?;
        guard(cx, id, &name, Push::Delete)?;
        let before = row(cx, id, &name);
        let now = cx.now();
        match name.strip_prefix("refs/heads/") {
            Some(branch) => {
                delete_branch(cx.state, id, branch, now);
            }
            None => {
                cx.state.refs.remove(&(id, name));
            }
        }
        cx.state.keep(id, old);
        cx.changed(before, None);
        Ok(Empty)
    }
}
