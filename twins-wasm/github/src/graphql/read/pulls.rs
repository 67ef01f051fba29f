//! Pull requests, their commits, files and review requests.

use pome_twin_kit::Cx;
use pome_twin_kit::graphql::{Field, Resolved};

use super::super::node::same;
use super::super::{Answer, GraphError, maybe_at, paging, unanswered};
use super::issues::{conversation, rank, row};
use super::{Node, account, gone, ordered, page, path, repo_of, reviews};
use crate::GitHub;
use crate::access::Access;
use crate::actions::merges::detail;
use crate::actions::pulls::Target;
use crate::git::{Oid, Status as Change};
use crate::state::{Issue, Numbered, Permission, Pull, Repo, RepoId, ReviewState, State, fold, heads};
use crate::views::pulls::{Detail, pull_id};

/// A page of pull requests: those of some repositories that pass `wanted` and the filters of the field.
pub(super) fn listed(
    cx: &Cx<'_, GitHub>,
    field: &Field<'_>,
    repos: &[RepoId],
    wanted: impl Fn(&Issue, &Pull) -> bool,
) -> Answer {
    let state = &*cx.state;
    let states = field.texts("states");
    let labels = field.texts("labels").filter(|labels| !labels.is_empty());
    let (head, base) = (field.text("headRefName"), field.text("baseRefName"));
    let all = repos.iter().flat_map(|repo| state.pulls_of(*repo).map(|pull| (*repo, pull)));
    let mut rows: Vec<(RepoId, &Issue)> = all
        .filter_map(|(repo, pull)| Some((repo, state.issues.get(&(repo, pull.number))?, pull)))
        .filter(|(_, issue, pull)| {
            states.as_ref().is_none_or(|states| states.contains(&standing(issue, pull)))
                && labels
                    .as_ref()
                    .is_none_or(|names| names.iter().any(|name| issue.labels.iter().any(|label| same(label, name))))
                && head.is_none_or(|head| pull.head_ref == head)
                && base.is_none_or(|base| pull.base_ref == base)
                && wanted(issue, pull)
        })
        .map(|(repo, issue, _)| (repo, issue))
        .collect();
    ordered(field, &mut rows, |(_, issue), by| rank(issue, by));
    paging::nodes(cx, field, rows.into_iter().map(|(repo, issue)| Node::Pull((repo, issue.number))))
}

fn standing(issue: &Issue, pull: &Pull) -> &'static str {
    match (pull.merged, issue.open) {
        (true, _) => "MERGED",
        (false, true) => "OPEN",
        (false, false) => "CLOSED",
    }
}

/// Open pull requests (or closed ones, too) whose text says that they close an issue.
pub(super) fn closing(cx: &Cx<'_, GitHub>, issue: Numbered, closed: bool) -> Vec<Numbered> {
    let state = &*cx.state;
    let rows = state.pulls_of(issue.0).filter_map(|pull| state.issues.get(&(issue.0, pull.number)));
    let rows = rows.filter(|pull| (closed || pull.open) && closes(pull).contains(&issue.1));
    rows.map(|pull| (issue.0, pull.number)).collect()
}

/// The numbers behind the vendor's closing words (`fixes #12`) in a description.
fn closes(pull: &Issue) -> Vec<u64> {
    const WORDS: [&str; 9] = ["close", "closes", "closed", "fix", "fixes", "fixed", "resolve", "resolves", "resolved"];
    let body = pull.body.as_deref().unwrap_or_default();
    let words: Vec<&str> = body.split_whitespace().collect();
    let mut numbers = Vec::new();
    for pair in words.windows(2) {
        let [word, target] = pair else { continue };
        let word = word.trim_end_matches(':').to_lowercase();
        let digits =
            target.strip_prefix('#').map(|rest| rest.trim_end_matches(|letter: char| !letter.is_ascii_digit()));
        if let (true, Some(Ok(number))) = (WORDS.contains(&word.as_str()), digits.map(str::parse::<u64>))
            && !numbers.contains(&number)
        {
            numbers.push(number);
        }
    }
    numbers
}

/// A pull request with everything that is compared for it.
fn target(cx: &Cx<'_, GitHub>, key: Numbered) -> Result<Target, GraphError> {
    let repo = repo_of(cx, key.0)?;
    Ok(Target::find(cx, &repo.owner, &repo.name, key.1)?)
}

pub(super) fn pull(cx: &mut Cx<'_, GitHub>, key: Numbered, field: &Field<'_>) -> Answer {
    if let Some(answer) = computed(cx, key, field) {
        return answer;
    }
    if let Some(answer) = lists(cx, key, field) {
        return answer;
    }
    if let Some(answer) = conversation(cx, key, field) {
        return answer;
    }
    let (repo, issue) = row(cx, key)?;
    let state = &*cx.state;
    let pull = state.pulls.get(&key).ok_or_else(gone)?;
    let number = pull.number;
    let place = format!("/pull/{number}");
    let base_oid = state.pull_base(key).unwrap_or(pull.base_sha);
    let branch = |repo: RepoId, name: &str| {
        let name = heads(name);
        Resolved::maybe(state.refs.contains(&(repo, name.clone())).then_some(Node::Ref(repo, name)))
    };
    let head_repo = state.repos.get(&pull.head_repo).filter(|repo| cx.permission(repo).is_some());
    Ok(match field.name {
        "databaseId" | "fullDatabaseId" => pull_id(repo, number).into(),
        "url" | "permalink" => page(repo, &place),
        "resourcePath" => path(repo, &place),
        "state" => standing(issue, pull).into(),
        "merged" => pull.merged.into(),
        "mergedAt" => maybe_at(pull.merged_at),
        "mergedBy" => Resolved::maybe(pull.merged_by.clone().map(Node::Account)),
        "mergeCommit" => {
            let commit = pull.merge_commit_sha.filter(|_| pull.merged);
            Resolved::maybe(commit.map(|oid| Node::Commit(key.0, oid)))
        }
        "potentialMergeCommit" | "autoMergeRequest" => Resolved::NULL,
        "isDraft" => pull.draft.into(),
        "isCrossRepository" => (pull.head_repo != key.0).into(),
        "isInMergeQueue" | "isMergeQueueEnabled" => false.into(),
        "baseRefName" => pull.base_ref.as_str().into(),
        "baseRefOid" => base_oid.to_string().into(),
        "baseRef" => branch(key.0, &pull.base_ref),
        "baseRepository" => Resolved::Object(Node::Repository(key.0)),
        "headRefName" => pull.head_ref.as_str().into(),
        "headRefOid" => pull.head_sha.to_string().into(),
        "headRef" => branch(pull.head_repo, &pull.head_ref),
        "headRepository" => Resolved::maybe(head_repo.map(|repo| Node::Repository(repo.id))),
        "headRepositoryOwner" => Resolved::maybe(head_repo.map(|repo| Node::Account(repo.owner.clone()))),
        "maintainerCanModify" => pull.maintainer_can_modify.into(),
        "reviewDecision" => decision(state, repo, key).into(),
        "statusCheckRollup" => super::checks::rollup_of(state, key.0, pull.head_sha),
        "totalCommentsCount" => {
            let threads = state.review_comments_on(key).filter(|comment| state.is_published(comment)).count();
            (u64::try_from(threads).unwrap_or(u64::MAX).saturating_add(issue.comments)).into()
        }
        other => return Err(unanswered("PullRequest", other)),
    })
}

/// What only a computation over the commits can tell.
fn computed(cx: &mut Cx<'_, GitHub>, key: Numbered, field: &Field<'_>) -> Option<Answer> {
    if !matches!(field.name, "mergeable" | "mergeStateStatus" | "additions" | "deletions" | "changedFiles") {
        return None;
    }
    let Detail { mergeable, mergeable_state, additions, deletions, changed_files, .. } = match detail(cx, key) {
        Ok(detail) => detail,
        Err(error) => return Some(Err(error.into())),
    };
    Some(Ok(match field.name {
        "mergeable" => match mergeable {
            Some(true) => "MERGEABLE".into(),
            Some(false) => "CONFLICTING".into(),
            None => "UNKNOWN".into(),
        },
        "mergeStateStatus" => mergeable_state.to_uppercase().into(),
        "additions" => additions.into(),
        "deletions" => deletions.into(),
        _ => changed_files.into(),
    }))
}

fn lists(cx: &Cx<'_, GitHub>, key: Numbered, field: &Field<'_>) -> Option<Answer> {
    let state = &*cx.state;
    let pull = state.pulls.get(&key)?;
    Some(match field.name {
        "commits" => target(cx, key).and_then(|target| {
            let commits = target.commits(cx)?;
            paging::nodes(cx, field, commits.into_iter().map(|oid| Node::PullCommit(key, oid)))
        }),
        "files" => files(cx, key, field),
        "reviewRequests" => {
            let asked = pull.requested_reviewers.iter().map(|login| Node::ReviewRequest(key, login.clone()));
            paging::nodes(cx, field, asked)
        }
        "reviews" => reviews::listed(cx, key, field),
        "latestReviews" => reviews::latest(cx, key, field, false),
        "latestOpinionatedReviews" => reviews::latest(cx, key, field, true),
        "viewerLatestReview" => Ok(Resolved::maybe(reviews::latest_of(cx, key, cx.actor()))),
        "reviewThreads" => reviews::threads(cx, key, field),
        "closingIssuesReferences" => {
            let issue = state.issues.get(&key)?;
            let closed = closes(issue).into_iter().map(|number| (key.0, number));
            let closed = closed.filter(|key| state.issues.contains(key) && !state.is_pull(*key));
            paging::nodes(cx, field, closed.map(Node::Issue))
        }
        _ => return None,
    })
}

fn files(cx: &Cx<'_, GitHub>, key: Numbered, field: &Field<'_>) -> Answer {
    let target = target(cx, key)?;
    let mut rows = Vec::new();
    for change in target.changes(cx)? {
        let patch = cx.objects().patch(&change)?;
        let kind = match change.status {
            Change::Added => "ADDED",
            Change::Removed => "DELETED",
            Change::Renamed => "RENAMED",
            _ => "MODIFIED",
        };
        rows.push(Resolved::record(vec![
            ("path", change.path.as_str().into()),
            ("additions", patch.additions.into()),
            ("deletions", patch.deletions.into()),
            ("changeType", kind.into()),
            ("viewerViewedState", "UNVIEWED".into()),
        ]));
    }
    paging::page(cx, field, rows)
}

/// What the reviews amount to: `None` when nobody was asked and nothing demands a review.
fn decision(state: &State, repo: &Repo, key: Numbered) -> Option<&'static str> {
    let latest = reviews::opinions(state, key);
    if latest.iter().any(|review| review.state == ReviewState::ChangesRequested) {
        return Some("CHANGES_REQUESTED");
    }
    let pull = state.pulls.get(&key)?;
    let demanded = state.demands(repo, &pull.base_ref);
    let demanded =
        demanded.iter().filter_map(|(_, rules)| rules.reviews.as_ref().map(|reviews| reviews.approvals)).max();
    let counts = |login: &str| state.permission(repo, login) >= Some(Permission::Write);
    let approvals =
        latest.iter().filter(|review| review.state == ReviewState::Approved && counts(&review.user)).count();
    if approvals > 0 && u64::try_from(approvals).unwrap_or(u64::MAX) >= demanded.unwrap_or(1) {
        return Some("APPROVED");
    }
    (demanded.is_some_and(|count| count > 0) || !pull.requested_reviewers.is_empty()).then_some("REVIEW_REQUIRED")
}

pub(super) fn pull_commit(cx: &Cx<'_, GitHub>, key: Numbered, oid: Oid, field: &Field<'_>) -> Answer {
    let repo = repo_of(cx, key.0)?;
    let place = format!("/pull/{}/commits/{oid}", key.1);
    Ok(match field.name {
        "commit" => Resolved::Object(Node::Commit(key.0, oid)),
        "pullRequest" => Resolved::Object(Node::Pull(key)),
        "url" => page(repo, &place),
        "resourcePath" => path(repo, &place),
        other => return Err(unanswered("PullRequestCommit", other)),
    })
}

pub(super) fn review_request(key: Numbered, login: &str, field: &Field<'_>) -> Answer {
    Ok(match field.name {
        "requestedReviewer" => account(login),
        "pullRequest" => Resolved::Object(Node::Pull(key)),
        "asCodeOwner" => false.into(),
        "databaseId" => pome_twin_kit::ids::hash_id(&format!("{}/{}/{}", key.0, key.1, fold(login))).into(),
        other => return Err(unanswered("ReviewRequest", other)),
    })
}
