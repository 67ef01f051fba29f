//! Keeping a fork up to date.

use pome_twin_kit::action::Json;
use pome_twin_kit::{Action, Cx};
use serde::Deserialize;
use serde_json::{Value, json};

use super::branches::branch_row;
use crate::GitHub;
use crate::access::Access;
use crate::error::Error;
use crate::git::MergeCommits;
use crate::refs::{commit_as, move_branch};
use crate::revision::{branch_head, writable};

/// Brings a branch of a fork to where the branch of the same name is in the repository that was forked.
#[derive(Deserialize)]
pub(crate) struct MergeUpstream {
    owner: String,
    repo: String,
    branch: String,
}

impl Action<GitHub> for MergeUpstream {
    const NAME: &'static str = "merge_upstream";
    const MUTATES: bool = true;
    type Output = Json<Value>;

    fn run(self, cx: &mut Cx<'_, GitHub>) -> Result<Self::Output, Error> {
        let repo = writable(cx, &self.owner, &self.repo)?.clone();
        let branch = self.branch;
        let parent = repo.parent.and_then(|id| cx.state.repos.get(&id)).cloned();
        let parent = parent.ok_or_else(|| Error::unprocessable("Repository is not a fork."))?;
        let ours = branch_head(cx, &repo, &branch)?;
        let theirs = cx.state.branch(parent.id, &branch).map(|branch| branch.oid);
        let theirs = theirs.ok_or_else(|| Error::unprocessable("Upstream branch not found."))?;
        let upstream = format!("{}:{branch}", parent.owner);
        let answer = |message: String, kind: &str| {
            Ok(Json(json!({ "message": message, "merge_type": kind, "base_branch": upstream })))
        };
        if cx.objects().is_ancestor(theirs, ours)? {
            return answer(format!("This branch is not behind the upstream {upstream}."), "none");
        }
        let before = branch_row(cx, repo.id, &branch);
        let fetched = format!("Successfully fetched and fast-forwarded from upstream {upstream}.");
        let (tip, kind, message) = if cx.objects().is_ancestor(ours, theirs)? {
            (theirs, "fast-forward", fetched)
        } else {
            let tree = match cx.state.git.objects.merge_commits(ours, theirs)? {
                MergeCommits::Merged { tree } | MergeCommits::FastForward { tree } => tree,
                MergeCommits::UpToDate | MergeCommits::Conflicts(_) => {
                    return Err(Error::conflict("There are merge conflicts"));
                }
            };
            let message = format!("Merge branch '{upstream}' into {branch}");
            let tip = commit_as(cx, tree, vec![ours, theirs], &message)?;
            (tip, "merge", format!("Successfully fetched and merged from upstream {upstream}."))
        };
        let now = cx.now();
        move_branch(cx.state, repo.id, &branch, tip, now);
        let after = branch_row(cx, repo.id, &branch);
        cx.changed(before, after);
        answer(message, kind)
    }
}
