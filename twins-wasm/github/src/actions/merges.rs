//! Bringing branches together: how a pull request stands, merging it, and bringing its branch up to date.

use pome_twin_kit::{Action, Cx, Reply, ToolReply, View};
use serde::Deserialize;
use serde_json::json;

use super::pulls::{Target, change_pull, row};
use crate::GitHub;
use crate::access::Access;
use crate::error::Error;
use crate::git::{MergeCommits, Objects, Oid, Replay, Signature};
use crate::merge_words::{MergeMessage, MergeTitle, SquashMessage, SquashTitle};
use crate::refs::{commit_as, delete_branch, move_branch, signature};
use crate::rules::evaluate::Merging;
use crate::state::{Numbered, Permission, Repo, State};
use crate::views::pulls::Detail;

/// What the full form of a pull request shows and only a computation can tell. Nothing of the trial merge stays in the store.
pub(crate) fn detail(cx: &mut Cx<'_, GitHub>, key: Numbered) -> Result<Detail, Error> {
    let pull = cx.state.pulls.get(&key).cloned().ok_or_else(Error::not_found)?;
    let open = cx.state.issues.get(&key).is_some_and(|issue| issue.open);
    let base = cx.state.pull_base(key).unwrap_or(pull.base_sha);
    let committer = signature(cx);
    let (mut mergeable, mut rebaseable) = (None, None);
    let objects = &mut cx.state.git.objects;
    let commits = objects.compare(base, pull.head_sha)?.commits;
    if open {
        let mark = objects.mark();
        let outcome = objects.merge_commits(base, pull.head_sha);
        let replayed = replays(objects, base, &commits, &committer);
        objects.truncate_to(mark);
        mergeable = Some(outcome?.is_mergeable());
        rebaseable = Some(replayed?);
    }
    let (mut additions, mut deletions) = (0, 0);
    let changes = objects.changes_between(base, pull.head_sha)?;
    for change in &changes {
        let patch = objects.patch(change)?;
        additions += patch.additions;
        deletions += patch.deletions;
    }
    let mergeable_state = match mergeable {
        None => "unknown",
        Some(false) => "dirty",
        Some(true) if pull.draft => "draft",
        Some(true) => match protection_says(cx.state, key, base)? {
            Some(word) => word,
            None => checks_say(cx.state, key.0, pull.head_sha),
        },
    };
    let review_comments = cx.state.review_comments_on(key).filter(|comment| cx.state.is_published(comment)).count();
    Ok(Detail {
        mergeable,
        mergeable_state,
        rebaseable: rebaseable.map(|possible| possible && mergeable == Some(true)),
        commits: commits.len(),
        additions,
        deletions,
        changed_files: changes.len(),
        review_comments,
    })
}

fn replays(objects: &mut Objects, onto: Oid, commits: &[Oid], committer: &Signature) -> Result<bool, Error> {
    Ok(matches!(objects.replay(onto, commits, committer)?, Replay::Clean { .. }))
}

/// `clean`, `unstable` when something has not passed, `blocked` when that stands in the way of a merge.
fn checks_say(state: &State, repo: u64, head: Oid) -> &'static str {
    let statuses = state.latest_statuses(repo, head);
    let combined = state.combined_status(repo, head);
    if combined == "failure" && state.repos.get(&repo).is_some_and(|repo| repo.require_green_status) {
        return "blocked";
    }
    let passed = |conclusion: Option<&str>| matches!(conclusion, Some("success" | "neutral" | "skipped"));
    let mut runs = state.check_runs_of(repo).filter(|run| run.head_sha == head);
    let waiting = runs.any(|run| !passed(run.conclusion.as_deref()));
    if waiting || (!statuses.is_empty() && combined != "success") { "unstable" } else { "clean" }
}

/// `blocked` or `behind`, by what the base branch demands.
fn protection_says(state: &State, key: Numbered, base: Oid) -> Result<Option<&'static str>, Error> {
    let rows = (state.repos.get(&key.0), state.issues.get(&key), state.pulls.get(&key));
    let (Some(repo), Some(issue), Some(pull)) = rows else { return Ok(None) };
    Merging { state, repo, issue, pull, base }.state_word()
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
pub(crate) enum Method {
    Merge,
    Squash,
    Rebase,
}

impl Method {
    const fn name(self) -> &'static str {
        match self {
            Self::Merge => "merge",
            Self::Squash => "squash",
            Self::Rebase => "rebase",
        }
    }
}

/// Merges a pull request.
#[derive(Deserialize)]
#[expect(clippy::struct_field_names, reason = "the fields are the vendor's inputs")]
pub(crate) struct Merge {
    owner: String,
    repo: String,
    pull_number: u64,
    commit_title: Option<String>,
    commit_message: Option<String>,
    sha: Option<String>,
    merge_method: Option<Method>,
}

#[derive(Deserialize)]
pub(crate) struct MergeArguments {
    owner: String,
    repo: String,
    #[serde(alias = "pullNumber")]
    pull_number: u64,
    commit_title: Option<String>,
    commit_message: Option<String>,
    merge_method: Option<Method>,
}

impl From<MergeArguments> for Merge {
    fn from(given: MergeArguments) -> Self {
        let MergeArguments { owner, repo, pull_number, commit_title, commit_message, merge_method } = given;
        Self { owner, repo, pull_number, commit_title, commit_message, sha: None, merge_method }
    }
}

/// The commit that a merge made.
pub(crate) struct Merged(Oid);

impl View<GitHub> for Merged {
    fn rest(&self, _: &Cx<'_, GitHub>, reply: &mut Reply) {
        let message = "Pull Request successfully merged";
        reply.write_json(&json!({ "sha": self.0, "merged": true, "message": message }));
    }
}

impl Action<GitHub> for Merge {
    const NAME: &'static str = "merge_pull_request";
    const MUTATES: bool = true;
    type Output = Merged;

    fn run(self, cx: &mut Cx<'_, GitHub>) -> Result<Merged, Error> {
        let repo = cx.repo(&self.owner, &self.repo)?;
        // Nobody merges in somebody else's name: without a login in the token there is no permission either.
        let named = cx.caller.login.as_ref().is_some_and(|login| !login.is_empty());
        if !named || cx.permission(repo) < Some(Permission::Write) {
            return Err(Error::forbidden("Must have push access to the repository to merge pull requests."));
        }
        let target = Target::find(cx, &self.owner, &self.repo, self.pull_number)?;
        let method = self.merge_method.unwrap_or(Method::Merge);
        refuse(cx, &target, method, self.sha.as_deref())?;
        let key = target.key();
        let before = row(cx.state, key);
        let words = Words { title: self.commit_title, message: self.commit_message };
        let commits = target.commits(cx)?;
        let made = match method {
            Method::Merge => merge(cx, &target, &words)?,
            Method::Squash => squash(cx, &target, &commits, &words)?,
            Method::Rebase => rebase(cx, &target, &commits)?,
        };
        let texts = closing_texts(cx, &target, &commits)?;
        finish(cx, &target, made);
        if target.pull.base_ref == target.repo.default_branch {
            for text in texts {
                close_named(cx, &target.repo, &text);
            }
        }
        if target.repo.delete_branch_on_merge {
            delete_head(cx, &target);
        }
        let after = row(cx.state, key);
        cx.changed(before, after);
        Ok(Merged(made))
    }
}

/// Everything that stands in the way of a merge but a conflict.
fn refuse(cx: &Cx<'_, GitHub>, target: &Target, method: Method, sha: Option<&str>) -> Result<(), Error> {
    let Target { repo, issue, pull, .. } = target;
    if !issue.open || pull.merged {
        return Err(not_mergeable());
    }
    if pull.draft {
        return Err(Error::not_allowed("Pull Request is still a draft"));
    }
    let (allowed, what) = match method {
        Method::Merge => (repo.allow_merge_commit, "Merge commits"),
        Method::Squash => (repo.allow_squash_merge, "Squash merges"),
        Method::Rebase => (repo.allow_rebase_merge, "Rebase merges"),
    };
    if !allowed {
        return Err(Error::not_allowed(format!("{what} are not allowed on this repository.")));
    }
    if sha.is_some_and(|sha| !sha.eq_ignore_ascii_case(&pull.head_sha.hex())) {
        return Err(Error::conflict("Head branch was modified. Review and try the merge again."));
    }
    if repo.require_green_status && cx.state.combined_status(repo.id, pull.head_sha) == "failure" {
        return Err(Error::conflict("Required status check failed"));
    }
    let merging = Merging { state: cx.state, repo, issue, pull, base: target.base };
    merging.refusal(cx.actor(), method.name())?.map_or(Ok(()), |text| Err(Error::not_allowed(text)))
}

fn not_mergeable() -> Error {
    Error::not_allowed("Pull Request is not mergeable")
}

/// What the caller wants the commit to say.
struct Words {
    title: Option<String>,
    message: Option<String>,
}

impl Words {
    fn or(&self, title: String, message: impl FnOnce() -> String) -> String {
        let title = self.title.clone().filter(|title| !title.is_empty()).unwrap_or(title);
        let message = self.message.clone().unwrap_or_else(message);
        let message = message.trim_end();
        if message.is_empty() { title } else { format!("{title}\n\n{message}") }
    }
}

fn merged_tree(cx: &mut Cx<'_, GitHub>, target: &Target) -> Result<Oid, Error> {
    cx.state.git.objects.merge_commits(target.base, target.pull.head_sha)?.tree().ok_or_else(not_mergeable)
}

fn merge(cx: &mut Cx<'_, GitHub>, target: &Target, words: &Words) -> Result<Oid, Error> {
    let tree = merged_tree(cx, target)?;
    // Owner and branch are written with a slash here, as the vendor does.
    let head = target.head_label(cx).replacen(':', "/", 1);
    let settings = target.repo.merge_words;
    let title = match settings.merge_title {
        MergeTitle::PrTitle => numbered(&target.issue.title, target),
        MergeTitle::MergeMessage => format!("Merge pull request #{} from {head}", target.pull.number),
    };
    let message = words.or(title, || match settings.merge_message {
        MergeMessage::PrBody => target.issue.body.clone().unwrap_or_default(),
        MergeMessage::PrTitle => target.issue.title.clone(),
        MergeMessage::Blank => String::new(),
    });
    commit_as(cx, tree, vec![target.base, target.pull.head_sha], &message)
}

/// A title with the number of the pull request.
fn numbered(title: &str, target: &Target) -> String {
    format!("{title} (#{})", target.pull.number)
}

fn squash(cx: &mut Cx<'_, GitHub>, target: &Target, commits: &[Oid], words: &Words) -> Result<Oid, Error> {
    let tree = merged_tree(cx, target)?;
    let mut said = Vec::new();
    for oid in commits {
        let commit = cx.objects().commit(*oid)?;
        said.push((commit.subject(), commit.body().to_owned()));
    }
    let settings = target.repo.merge_words;
    let title = match (settings.squash_title, said.as_slice()) {
        (SquashTitle::CommitOrPrTitle, [(subject, _)]) => subject,
        _ => &target.issue.title,
    };
    let message = words.or(numbered(title, target), || match (settings.squash_message, said.as_slice()) {
        (SquashMessage::Blank, _) => String::new(),
        (SquashMessage::PrBody, _) => target.issue.body.clone().unwrap_or_default(),
        (SquashMessage::CommitMessages, [(_, body)]) => body.clone(),
        (SquashMessage::CommitMessages, several) => {
            let each = several.iter().map(|(subject, body)| match body.as_str() {
                "" => format!("* {subject}"),
                body => format!("* {subject}\n\n{body}"),
            });
            each.collect::<Vec<_>>().join("\n\n")
        }
    });
    commit_as(cx, tree, vec![target.base], &message)
}

fn rebase(cx: &mut Cx<'_, GitHub>, target: &Target, commits: &[Oid]) -> Result<Oid, Error> {
    let committer = signature(cx);
    match cx.state.git.objects.replay(target.base, commits, &committer)? {
        Replay::Clean { tip, .. } => Ok(tip),
        Replay::Conflicts { .. } => Err(not_mergeable()),
    }
}

/// Moves the base branch and closes the pull request as merged; what it showed stays as it is.
fn finish(cx: &mut Cx<'_, GitHub>, target: &Target, made: Oid) {
    let (now, key, actor) = (cx.now(), target.key(), cx.actor().to_owned());
    move_branch(cx.state, target.repo.id, &target.pull.base_ref, made, now);
    change_pull(cx, key, |pull| {
        pull.base_sha = target.base;
        pull.merged = true;
        pull.merged_at = Some(now);
        pull.merged_by = Some(actor.clone());
        pull.merge_commit_sha = Some(made);
    });
    if let Some(issue) = cx.state.issues.get_mut(&key) {
        issue.open = false;
        issue.closed_at = Some(now);
        issue.closed_by = Some(actor);
    }
}

/// Where closing keywords count: the description and the messages of the commits.
fn closing_texts(cx: &Cx<'_, GitHub>, target: &Target, commits: &[Oid]) -> Result<Vec<String>, Error> {
    let mut texts: Vec<String> = target.issue.body.iter().cloned().collect();
    for oid in commits {
        texts.push(cx.objects().commit(*oid)?.message.clone());
    }
    Ok(texts)
}

const CLOSING: &[&str] = &["close", "closes", "closed", "fix", "fixes", "fixed", "resolve", "resolves", "resolved"];

/// The issues that a text closes: `fixes #1`, `Closes: owner/repo#2`. The repository is empty for the own one.
fn closing_references(text: &str) -> Vec<(&str, u64)> {
    let mut found = Vec::new();
    let mut keyword = false;
    for word in text.split_whitespace() {
        let bare = word.trim_matches(|c: char| !c.is_ascii_alphanumeric() && !matches!(c, '#' | '/' | '-' | '_' | '.'));
        let bare = bare.trim_end_matches(['.', '-', '_']);
        if keyword
            && let Some((repo, number)) = bare.split_once('#')
            && let Ok(number) = number.parse()
            && (repo.is_empty() || repo.split('/').filter(|part| !part.is_empty()).count() == 2)
        {
            found.push((repo, number));
        }
        // After the keyword there may be a colon, nothing else.
        let said = word.trim_start_matches(|c: char| !c.is_ascii_alphanumeric()).trim_end_matches(':');
        keyword = CLOSING.iter().any(|known| known.eq_ignore_ascii_case(said));
    }
    found
}

/// Closes the open issues that a text names, where the caller may do so.
fn close_named(cx: &mut Cx<'_, GitHub>, here: &Repo, text: &str) {
    let (now, actor) = (cx.now(), cx.actor().to_owned());
    for (name, number) in closing_references(text) {
        let repo = match name.split_once('/') {
            Some((owner, name)) => cx.state.repo(owner, name),
            None => Some(here),
        };
        let Some(repo) = repo.filter(|repo| cx.permission(repo) >= Some(Permission::Write)) else { continue };
        let key = (repo.id, number);
        if cx.state.is_pull(key) || !cx.state.issues.get(&key).is_some_and(|issue| issue.open) {
            continue;
        }
        if let Some(issue) = cx.state.issues.get_mut(&key) {
            issue.open = false;
            issue.state_reason = Some("completed".to_owned());
            issue.closed_at = Some(now);
            issue.closed_by = Some(actor.clone());
            issue.updated_at = now;
        }
    }
}

/// Deletes the merged branch; pull requests into it now go where it went.
fn delete_head(cx: &mut Cx<'_, GitHub>, target: &Target) {
    let Target { repo, pull, .. } = target;
    if pull.head_repo != repo.id || pull.head_ref == repo.default_branch {
        return;
    }
    let base_sha = cx.state.branch(repo.id, &pull.base_ref).map(|branch| branch.oid);
    let into: Vec<u64> = cx
        .state
        .pulls_of(repo.id)
        .filter(|other| other.base_ref == pull.head_ref)
        .filter(|other| cx.state.issues.get(&(repo.id, other.number)).is_some_and(|issue| issue.open))
        .map(|other| other.number)
        .collect();
    for number in into {
        change_pull(cx, (repo.id, number), |other| {
            other.base_ref.clone_from(&pull.base_ref);
            other.base_sha = base_sha.unwrap_or(other.base_sha);
        });
    }
    delete_branch(cx.state, repo.id, &pull.head_ref, cx.now());
}

/// Merges the base branch into the head branch.
#[derive(Deserialize)]
pub(crate) struct UpdateBranch {
    owner: String,
    repo: String,
    pull_number: u64,
    expected_head_sha: Option<String>,
}

#[derive(Deserialize)]
pub(crate) struct UpdateBranchArguments {
    owner: String,
    repo: String,
    #[serde(alias = "pullNumber")]
    pull_number: u64,
    #[serde(alias = "expectedHeadSha")]
    expected_head_sha: Option<String>,
}

impl From<UpdateBranchArguments> for UpdateBranch {
    fn from(given: UpdateBranchArguments) -> Self {
        let UpdateBranchArguments { owner, repo, pull_number, expected_head_sha } = given;
        Self { owner, repo, pull_number, expected_head_sha }
    }
}

/// A branch that is being updated, in the vendor's words; here it is done already.
pub(crate) struct Updating {
    repo: Repo,
    number: u64,
}

impl View<GitHub> for Updating {
    fn rest(&self, cx: &Cx<'_, GitHub>, reply: &mut Reply) {
        let url = format!("{}/repos/{}/pulls/{}", cx.origin, self.repo.full_name(), self.number);
        reply.write_json(&json!({ "message": "Updating pull request branch.", "url": url }));
    }

    fn tool(&self, _: &Cx<'_, GitHub>) -> ToolReply {
        ToolReply { status: 202, ..ToolReply::text("Pull request branch update is in progress") }
    }
}

impl Action<GitHub> for UpdateBranch {
    const NAME: &'static str = "update_pull_request_branch";
    const MUTATES: bool = true;
    type Output = Updating;

    fn run(self, cx: &mut Cx<'_, GitHub>) -> Result<Updating, Error> {
        let target = Target::find(cx, &self.owner, &self.repo, self.pull_number)?;
        let Target { repo, issue, pull, base } = &target;
        let head_repo = cx.state.repos.get(&pull.head_repo).ok_or_else(Error::not_found)?.clone();
        cx.repo_to_write(&head_repo.owner, &head_repo.name, Permission::Write)?;
        if !issue.open {
            return Err(Error::unprocessable("Pull request is closed"));
        }
        let expected = self.expected_head_sha.filter(|sha| !sha.is_empty());
        if expected.is_some_and(|sha| !sha.eq_ignore_ascii_case(&pull.head_sha.hex())) {
            return Err(Error::unprocessable("expected head sha didn't match current head ref."));
        }
        let tree = match cx.state.git.objects.merge_commits(pull.head_sha, *base)? {
            MergeCommits::UpToDate => {
                return Err(Error::unprocessable("There are no new commits on the base branch."));
            }
            MergeCommits::Conflicts(_) => {
                return Err(Error::unprocessable("merge conflict between base and head"));
            }
            MergeCommits::FastForward { tree } | MergeCommits::Merged { tree } => tree,
        };
        let key = target.key();
        let before = row(cx.state, key);
        let message = format!("Merge branch '{}' into {}", pull.base_ref, pull.head_ref);
        let made = commit_as(cx, tree, vec![pull.head_sha, *base], &message)?;
        let now = cx.now();
        move_branch(cx.state, head_repo.id, &pull.head_ref, made, now);
        let after = row(cx.state, key);
        cx.changed(before, after);
        Ok(Updating { repo: repo.clone(), number: pull.number })
    }
}

#[cfg(test)]
mod tests {
    use super::closing_references;

    #[test]
    fn keywords_close_what_follows_them() {
        for (text, expected) in [
            ("Fixes #12", vec![("", 12)]),
            ("fixes: #1, closes #2.", vec![("", 1), ("", 2)]),
            ("This RESOLVES acme/api#7!", vec![("acme/api", 7)]),
            ("(closes #3)\n\nfixed\n#4", vec![("", 3), ("", 4)]),
            ("see #5, prefixes #6, fix the #7, close api#8, fixes #x", vec![]),
        ] {
            assert_eq!(closing_references(text), expected, "{text}");
        }
    }
}
