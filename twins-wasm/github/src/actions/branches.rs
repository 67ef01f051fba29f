//! Branches by name, and merging one into another.

use pome_twin_kit::{Action, Cx, Reply, ToolReply, View};
use serde::Deserialize;
use serde_json::{Value, json};

use super::contents::Pushed;
use super::{Page, git_rows as rows, paging};
use crate::GitHub;
use crate::access::Access;
use crate::error::Error;
use crate::git::{MergeCommits, Oid};
use crate::refs::{commit_as, delete_branch, move_branch};
use crate::revision::{branch_head, writable};
use crate::rules::evaluate::{Push, guard, push_refusal};
use crate::state::{Permission, RepoId, heads};
use crate::views::Site;
use crate::views::commits::CommitView;
use crate::views::refs::{BranchView, FullBranch};

/// A page of branches, by name.
pub(crate) struct Branches {
    repo: RepoId,
    page: Page<(String, Oid)>,
}

impl View<GitHub> for Branches {
    fn rest(&self, cx: &Cx<'_, GitHub>, reply: &mut Reply) {
        if let Some(repo) = cx.state.repos.get(&self.repo) {
            self.page.write(cx, reply, |site, (name, oid)| Some(BranchView { site, repo, name, oid: *oid }));
        }
    }

    fn tool(&self, cx: &Cx<'_, GitHub>) -> ToolReply {
        let repo = cx.state.repos.get(&self.repo);
        let protected = |name: &str| repo.is_some_and(|repo| cx.state.is_protected(repo, name));
        let row = |(name, oid): &(String, Oid)| json!({ "name": name, "sha": oid, "protected": protected(name) });
        ToolReply::json(&self.page.keys.iter().map(row).collect::<Vec<_>>())
    }
}

#[derive(Deserialize)]
pub(crate) struct List {
    owner: String,
    repo: String,
    protected: Option<bool>,
    page: Option<i64>,
    #[serde(alias = "perPage")]
    per_page: Option<i64>,
}

impl Action<GitHub> for List {
    const NAME: &'static str = "list_branches";
    type Output = Branches;

    fn run(self, cx: &mut Cx<'_, GitHub>) -> Result<Branches, Error> {
        let repo = cx.repo(&self.owner, &self.repo)?;
        let all = cx.state.refs_of(repo.id, "refs/heads/");
        let all = all.map(|(name, branch)| (name.trim_start_matches("refs/heads/").to_owned(), branch.oid));
        let wanted = |name: &str| self.protected.is_none_or(|protected| cx.state.is_protected(repo, name) == protected);
        let all = all.filter(|(name, _)| wanted(name));
        Ok(Branches { repo: repo.id, page: Page::of(all, paging(self.page, self.per_page)) })
    }
}

/// One branch.
pub(crate) struct Shown {
    repo: RepoId,
    name: String,
    oid: Oid,
}

impl View<GitHub> for Shown {
    fn rest(&self, cx: &Cx<'_, GitHub>, reply: &mut Reply) {
        if let Some(repo) = cx.state.repos.get(&self.repo) {
            let view = BranchView { site: Site::of(cx), repo, name: &self.name, oid: self.oid };
            reply.write_json(&FullBranch(view));
        }
    }
}

#[derive(Deserialize)]
pub(crate) struct Get {
    owner: String,
    repo: String,
    branch: String,
}

impl Action<GitHub> for Get {
    const NAME: &'static str = "get_branch";
    type Output = Shown;

    fn run(self, cx: &mut Cx<'_, GitHub>) -> Result<Shown, Error> {
        let repo = cx.repo(&self.owner, &self.repo)?;
        let oid = branch_head(cx, repo, &self.branch)?;
        Ok(Shown { repo: repo.id, name: self.branch, oid })
    }
}

/// Gives a branch another name; pull requests follow, and so does the default branch.
#[derive(Deserialize)]
pub(crate) struct Rename {
    owner: String,
    repo: String,
    branch: String,
    new_name: String,
}

impl Action<GitHub> for Rename {
    const NAME: &'static str = "rename_branch";
    const MUTATES: bool = true;
    type Output = Shown;

    fn run(self, cx: &mut Cx<'_, GitHub>) -> Result<Shown, Error> {
        let repo = writable(cx, &self.owner, &self.repo)?;
        let is_default = repo.default_branch == self.branch;
        if is_default {
            cx.repo_with(&self.owner, &self.repo, Permission::Admin)?;
        }
        let id = repo.id;
        let oid = branch_head(cx, repo, &self.branch)?;
        let before = branch_row(cx, id, &self.branch);
        let (old, new) = (self.branch, self.new_name);
        if !super::refs::is_ref_name(&heads(&new)) {
            return Err(Error::custom("Branch", "is not a valid branch name"));
        }
        if old != new {
            if cx.state.branch(id, &new).is_some() {
                return Err(Error::custom("Branch", "New branch already exists"));
            }
            let now = cx.now();
            let keys: Vec<_> = cx.state.pulls.iter().map(|(key, _)| *key).collect();
            for key in keys {
                let pull = cx.state.pulls.get(&key);
                let from = pull.is_some_and(|pull| pull.head_repo == id && pull.head_ref == old);
                let into = key.0 == id && pull.is_some_and(|pull| pull.base_ref == old);
                if !from && !into {
                    continue;
                }
                if let Some(pull) = cx.state.pulls.get_mut(&key) {
                    if from {
                        pull.head_ref.clone_from(&new);
                    }
                    if into {
                        pull.base_ref.clone_from(&new);
                    }
                }
            }
            move_branch(cx.state, id, &new, oid, now);
            delete_branch(cx.state, id, &old, now);
            // Protection goes along.
            if let Some(protection) = cx.state.protections.remove(&(id, old.clone())) {
                cx.state.protections.insert((id, new.clone()), protection);
            }
            if is_default && let Some(repo) = cx.state.repos.get_mut(&id) {
                repo.default_branch.clone_from(&new);
            }
            let after = branch_row(cx, id, &new);
            cx.changed(before, after);
        }
        Ok(Shown { repo: id, name: new, oid })
    }
}

/// A branch for the trace.
pub(crate) fn branch_row(cx: &Cx<'_, GitHub>, repo: RepoId, name: &str) -> Option<Value> {
    let (repo, branch) = (cx.state.repos.get(&repo)?, cx.state.branch(repo, name)?);
    Some(rows::branch(repo, name, branch))
}

/// The tool that starts a branch from another one.
#[derive(Deserialize)]
pub(crate) struct Create {
    owner: String,
    repo: String,
    branch: String,
    from_branch: Option<String>,
}

impl Action<GitHub> for Create {
    const NAME: &'static str = "create_branch";
    const MUTATES: bool = true;
    type Output = Pushed;

    fn run(self, cx: &mut Cx<'_, GitHub>) -> Result<Pushed, Error> {
        let repo = writable(cx, &self.owner, &self.repo)?;
        let id = repo.id;
        let plain = |name: &str| name.strip_prefix("refs/heads/").unwrap_or(name).to_owned();
        let from = self.from_branch.as_deref().filter(|name| !name.is_empty()).unwrap_or(&repo.default_branch);
        let oid = branch_head(cx, repo, &plain(from))?;
        let branch = plain(&self.branch);
        let name = heads(&branch);
        if !super::refs::is_ref_name(&name) {
            return Err(Error::unprocessable(super::refs::BAD_NAME));
        }
        if cx.state.branch(id, &branch).is_some() {
            return Err(Error::unprocessable("Reference already exists"));
        }
        guard(cx, id, &name, Push::Create)?;
        let now = cx.now();
        move_branch(cx.state, id, &branch, oid, now);
        let after = branch_row(cx, id, &branch);
        cx.changed(None, after);
        Ok(Pushed { repo: id, name, oid })
    }
}

/// Merges a branch, tag or commit into a branch.
#[derive(Deserialize)]
pub(crate) struct Merge {
    owner: String,
    repo: String,
    base: String,
    head: String,
    commit_message: Option<String>,
}

/// The merge commit, or nothing when the base has it all.
pub(crate) struct Merged {
    repo: RepoId,
    commit: Option<Oid>,
}

impl View<GitHub> for Merged {
    fn rest(&self, cx: &Cx<'_, GitHub>, reply: &mut Reply) {
        match (self.commit, cx.state.repos.get(&self.repo)) {
            (Some(oid), Some(repo)) => reply.write_json(&CommitView { site: Site::of(cx), repo, oid }),
            _ => reply.status = 204,
        }
    }
}

impl Action<GitHub> for Merge {
    const NAME: &'static str = "merge_branch";
    const MUTATES: bool = true;
    type Output = Merged;

    fn run(self, cx: &mut Cx<'_, GitHub>) -> Result<Merged, Error> {
        let repo = writable(cx, &self.owner, &self.repo)?;
        let id = repo.id;
        let base = cx.state.branch(id, &self.base).ok_or_else(|| Error::new(404, "Base does not exist"))?.oid;
        let head = cx.state.revision(repo, &self.head).ok_or_else(|| Error::new(404, "Head does not exist"))?;
        let before = branch_row(cx, id, &self.base);
        let tree = match cx.state.git.objects.merge_commits(base, head)? {
            MergeCommits::UpToDate => return Ok(Merged { repo: id, commit: None }),
            MergeCommits::FastForward { tree } | MergeCommits::Merged { tree } => tree,
            MergeCommits::Conflicts(_) => return Err(Error::conflict("Merge conflict")),
        };
        let message = self.commit_message.filter(|message| !message.is_empty());
        let message = message.unwrap_or_else(|| format!("Merge {} into {}", self.head, self.base));
        let oid = commit_as(cx, tree, vec![base, head], &message)?;
        if let Some((_, text)) = push_refusal(cx, id, &heads(&self.base), Push::Move { old: base, new: oid }) {
            return Err(Error::conflict(text));
        }
        let now = cx.now();
        move_branch(cx.state, id, &self.base, oid, now);
        let after = branch_row(cx, id, &self.base);
        cx.changed(before, after);
        Ok(Merged { repo: id, commit: Some(oid) })
    }
}
