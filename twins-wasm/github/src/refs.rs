//! Branches and what hangs on them: every change of a branch goes through here, so that open pull requests follow their heads.

use pome_twin_kit::Cx;
use pome_twin_kit::clock::Time;

use crate::GitHub;
use crate::access::Access;
use crate::error::Error;
use crate::git::{Commit, Oid, Signature};
use crate::state::{GitRef, Numbered, Pull, Repo, RepoId, ReviewComment, ReviewState, State, heads};

/// Points a branch at a commit, making the branch if need be. The repository was pushed to, and open pull requests from this
/// branch now show the commit.
pub(crate) fn move_branch(state: &mut State, repo: RepoId, branch: &str, oid: Oid, now: Time) {
    let key = (repo, heads(branch));
    let created_at = state.refs.get(&key).map_or(now, |known| known.created_at);
    state.refs.insert(key, GitRef { oid, created_at, updated_at: now });
    pushed(state, repo, now);
    for key in open_pulls(state, |pull| pull.head_repo == repo && pull.head_ref == branch) {
        dismiss_stale_reviews(state, key, oid);
        if let Some(pull) = state.pulls.get_mut(&key) {
            pull.head_sha = oid;
        }
        state.touch(key, now);
    }
}

/// Ends the approvals of a pull request whose head is about to move, where the base branch says so and the difference is
/// another one afterwards.
fn dismiss_stale_reviews(state: &mut State, key: Numbered, head: Oid) {
    let (Some(pull), Some(base)) = (state.pulls.get(&key), state.pull_base(key)) else { return };
    let wanted = state.repos.get(&key.0).is_some_and(|repo| state.dismisses_stale_reviews(repo, &pull.base_ref));
    let changes = |head: Oid| state.git.objects.changes_between(base, head);
    let same = matches!((changes(pull.head_sha), changes(head)), (Ok(old), Ok(new)) if old == new);
    if !wanted || same {
        return;
    }
    let approved: Vec<u64> =
        state.reviews_on(key).filter(|review| review.state == ReviewState::Approved).map(|review| review.id).collect();
    for id in approved {
        if let Some(review) = state.reviews.get_mut(&(key.0, key.1, id)) {
            review.state = ReviewState::Dismissed;
        }
    }
}

/// Takes a branch away; open pull requests from it or into it are closed. Says whether there was one.
pub(crate) fn delete_branch(state: &mut State, repo: RepoId, branch: &str, now: Time) -> bool {
    let bases: Vec<(Numbered, Oid)> =
        open_pulls(state, |_| true).into_iter().filter_map(|key| Some((key, state.pull_base(key)?))).collect();
    if state.refs.remove(&(repo, heads(branch))).is_none() {
        return false;
    }
    pushed(state, repo, now);
    for (key, base) in bases {
        let from = state.pulls.get(&key).is_some_and(|pull| pull.head_repo == repo && pull.head_ref == branch);
        let into = key.0 == repo && state.pulls.get(&key).is_some_and(|pull| pull.base_ref == branch);
        if from || into {
            close_pull(state, key, base, now);
        }
    }
    true
}

/// Closes a pull request as it stands against `base`.
pub(crate) fn close_pull(state: &mut State, key: Numbered, base: Oid, now: Time) {
    if let Some(pull) = state.pulls.get_mut(&key) {
        pull.base_sha = base;
    }
    if let Some(issue) = state.issues.get_mut(&key) {
        issue.open = false;
        issue.closed_at = Some(now);
        issue.updated_at = now;
    }
}

fn pushed(state: &mut State, repo: RepoId, now: Time) {
    if let Some(repo) = state.repos.get_mut(&repo) {
        repo.pushed_at = now;
        repo.updated_at = now;
    }
}

fn open_pulls(state: &State, wanted: impl Fn(&Pull) -> bool) -> Vec<Numbered> {
    let is_open = |key: &Numbered| state.issues.get(key).is_some_and(|issue| issue.open);
    state.pulls.iter().filter(|(key, pull)| wanted(pull) && is_open(key)).map(|(key, _)| *key).collect()
}

impl State {
    /// What a pull request is compared with: its base branch now, or as it was when the pull request was closed.
    pub(crate) fn pull_base(&self, key: Numbered) -> Option<Oid> {
        let pull = self.pulls.get(&key)?;
        let open = self.issues.get(&key).is_some_and(|issue| issue.open);
        let now = self.branch(key.0, &pull.base_ref).filter(|_| open);
        Some(now.map_or(pull.base_sha, |branch| branch.oid))
    }

    /// Whether others see a review comment: those of a pending review are still its author's own.
    pub(crate) fn is_published(&self, comment: &ReviewComment) -> bool {
        let review = comment.review.and_then(|id| self.reviews.get(&(comment.repo, comment.number, id)));
        review.is_none_or(|review| review.state != ReviewState::Pending)
    }
}

/// The caller as git records it, at virtual now.
pub(crate) fn signature(cx: &Cx<'_, GitHub>) -> Signature {
    signature_of(cx.state, cx.actor(), cx.now())
}

/// Somebody as git records them.
pub(crate) fn signature_of(state: &State, login: &str, now: Time) -> Signature {
    let (name, email) = match state.user(login) {
        Some(user) => (user.name.clone(), user.commit_email()),
        None => (login.to_owned(), format!("{login}@example.local")),
    };
    Signature::new(&name, &email, i64::try_from(now.seconds()).unwrap_or(i64::MAX))
}

/// A commit by the caller, who is author and committer. No branch moves.
pub(crate) fn commit_as(cx: &mut Cx<'_, GitHub>, tree: Oid, parents: Vec<Oid>, message: &str) -> Result<Oid, Error> {
    let author = signature(cx);
    let commit = Commit {
        tree,
        parents,
        author: author.clone(),
        committer: author,
        message: message.to_owned(),
        signature: None,
    };
    Ok(cx.state.git.objects.add_commit(commit)?)
}

/// The commit that a branch, a tag or an id names in a repository.
pub(crate) fn commit_named(cx: &Cx<'_, GitHub>, repo: &Repo, text: &str) -> Result<Oid, Error> {
    let found = cx.state.revision(repo, text);
    found.ok_or_else(|| Error::unprocessable(format!("No commit found for SHA: {text}")))
}
