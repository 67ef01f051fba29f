//! From what a request calls a commit to the commit, and which objects a repository lets one see.
//!
//! All repositories share one object store. An id opens an object only through a repository that has it: because a ref or a
//! pull request of the repository leads there, or because it was made there ([`State::keep`]).

use std::collections::BTreeSet;

use pome_twin_kit::Cx;

use crate::GitHub;
use crate::access::Access;
use crate::error::Error;
use crate::git::{Kind, Mode, Object, Objects, Oid};
use crate::state::{Permission, Repo, RepoId, State, heads};

impl State {
    /// The commit that a text names: a branch, a tag, a full or short id, `HEAD`, a full ref name, any of them with `~` and `^`.
    pub(crate) fn revision(&self, repo: &Repo, text: &str) -> Option<Oid> {
        let oid = self.git.objects.resolve_commit(text, &|name| self.ref_named(repo, name)).ok()?;
        self.sees(repo.id, oid).then_some(oid)
    }

    /// The tree that a text names, through tags and commits.
    pub(crate) fn revision_tree(&self, repo: &Repo, text: &str) -> Option<Oid> {
        let oid = self.git.objects.resolve_tree(text, &|name| self.ref_named(repo, name)).ok()?;
        self.sees(repo.id, oid).then_some(oid)
    }

    /// The newest commit of the default branch; `None` in an empty repository.
    pub(crate) fn head(&self, repo: &Repo) -> Option<Oid> {
        self.branch(repo.id, &repo.default_branch).map(|branch| branch.oid)
    }

    /// Nothing was ever pushed.
    pub(crate) fn is_empty(&self, repo: RepoId) -> bool {
        self.refs_of(repo, "refs/").next().is_none()
    }

    /// What a full ref name points to, the ones that pull requests have included.
    pub(crate) fn ref_named(&self, repo: &Repo, name: &str) -> Option<Oid> {
        if name == "HEAD" {
            return self.head(repo);
        }
        if let Some(rest) = name.strip_prefix("refs/pull/") {
            let (number, end) = rest.split_once('/')?;
            let pull = self.pulls.get(&(repo.id, number.parse().ok()?))?;
            return match end {
                "head" => Some(pull.head_sha),
                "merge" => pull.merge_commit_sha,
                _ => None,
            };
        }
        self.refs.get(&(repo.id, name.to_owned())).map(|git_ref| git_ref.oid)
    }

    /// Whether an object of this id exists as far as the repository is concerned.
    pub(crate) fn sees(&self, repo: RepoId, wanted: Oid) -> bool {
        let objects = &self.git.objects;
        let Some(kind) = objects.kind(wanted) else { return false };
        if wanted == Objects::EMPTY_TREE || self.kept.contains(&(repo, wanted)) {
            return true;
        }
        let pulls = self.pulls_of(repo).flat_map(|pull| [Some(pull.head_sha), pull.merge_commit_sha]).flatten();
        let kept =
            self.kept.range((repo, Oid::ZERO)..).take_while(|((of, _), ())| *of == repo).map(|((_, oid), ())| *oid);
        let tips: Vec<Oid> = self.refs_of(repo, "refs/").map(|(_, tip)| tip.oid).chain(pulls).chain(kept).collect();
        tips.contains(&wanted) || reaches(objects, tips, wanted, matches!(kind, Kind::Tree | Kind::Blob))
    }

    /// Makes an object that no ref leads to readable through the repository.
    pub(crate) fn keep(&mut self, repo: RepoId, oid: Oid) {
        self.kept.insert((repo, oid), ());
    }
}

/// Whether one comes from the tips to the object. Trees are opened only when what is looked for can be in one.
fn reaches(objects: &Objects, tips: Vec<Oid>, wanted: Oid, inside_trees: bool) -> bool {
    let mut seen: BTreeSet<Oid> = BTreeSet::new();
    let mut open = tips;
    while let Some(oid) = open.pop() {
        if oid == wanted {
            return true;
        }
        if !seen.insert(oid) {
            continue;
        }
        match objects.get(oid) {
            Some(Object::Commit(commit)) => {
                open.extend(&commit.parents);
                open.extend(inside_trees.then_some(commit.tree));
            }
            Some(Object::Tag(tag)) => open.push(tag.object),
            Some(Object::Tree(tree)) => {
                if tree.entries().iter().any(|entry| entry.oid == wanted) {
                    return true;
                }
                open.extend(tree.entries().iter().filter(|entry| entry.mode == Mode::Tree).map(|entry| entry.oid));
            }
            Some(Object::Blob(_)) | None => {}
        }
    }
    false
}

/// The repository, if the caller may write to it and it takes writes.
pub(crate) fn writable<'a>(cx: &'a Cx<'_, GitHub>, owner: &str, name: &str) -> Result<&'a Repo, Error> {
    let repo = cx.repo_with(owner, name, Permission::Write)?;
    if repo.archived {
        return Err(Error::forbidden("Repository was archived so is read-only."));
    }
    Ok(repo)
}

/// The repository, if it has any commits.
pub(crate) fn filled<'a>(cx: &'a Cx<'_, GitHub>, owner: &str, name: &str) -> Result<&'a Repo, Error> {
    let repo = cx.repo(owner, name)?;
    if cx.state.is_empty(repo.id) {
        return Err(Error::conflict("Git Repository is empty."));
    }
    Ok(repo)
}

/// The head of a branch.
pub(crate) fn branch_head(cx: &Cx<'_, GitHub>, repo: &Repo, branch: &str) -> Result<Oid, Error> {
    let found = cx.state.refs.get(&(repo.id, heads(branch)));
    found.map(|branch| branch.oid).ok_or_else(|| Error::new(404, "Branch not found"))
}
