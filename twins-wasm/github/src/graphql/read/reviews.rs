//! Reviews, their comments and the threads that these make.

use std::collections::BTreeMap;

use pome_twin_kit::Cx;
use pome_twin_kit::graphql::{Field, Resolved};
use serde_json::Value;

use super::super::node::same;
use super::super::{Answer, at, maybe_at, paging, unanswered};
use super::issues::{plain, reaction_groups, reactions};
use super::{Node, account, gone, page, path, repo_of};
use crate::GitHub;
use crate::access::Access;
use crate::state::{Numbered, Permission, RepoId, Review, ReviewComment, ReviewState, Side, State, Subject, fold};
use crate::views::review_comments::Anchor;
use crate::views::users::association;

type ReviewKey = (RepoId, u64, u64);

/// Reviews that the caller sees; a pending one is its author's own and stands last.
fn visible<'a>(cx: &'a Cx<'_, GitHub>, key: Numbered) -> Vec<&'a Review> {
    let mine = |review: &&Review| review.state != ReviewState::Pending || same(&review.user, cx.actor());
    let mut rows: Vec<_> = cx.state.reviews_on(key).filter(mine).collect();
    rows.sort_by_key(|review| (review.submitted_at.is_none(), review.submitted_at, review.id));
    rows
}

pub(super) fn listed(cx: &Cx<'_, GitHub>, key: Numbered, field: &Field<'_>) -> Answer {
    let states = field.texts("states");
    let author = field.text("author");
    let rows = visible(cx, key).into_iter().filter(|review| {
        states.as_ref().is_none_or(|states| states.contains(&review.state.name()))
            && author.is_none_or(|author| same(&review.user, author))
    });
    paging::nodes(cx, field, rows.map(|review| Node::Review((key.0, key.1, review.id))))
}

/// The last review of everybody, or the last that approves, asks for changes or was dismissed.
pub(super) fn latest(cx: &Cx<'_, GitHub>, key: Numbered, field: &Field<'_>, opinionated: bool) -> Answer {
    let rows = if opinionated { opinions(cx.state, key) } else { last_of_each(cx.state, key, |_| true) };
    paging::nodes(cx, field, rows.into_iter().map(|review| Node::Review((key.0, key.1, review.id))))
}

/// The last review of everybody that approves, asks for changes or was dismissed.
pub(super) fn opinions(state: &State, key: Numbered) -> Vec<&Review> {
    last_of_each(state, key, |review| review.state != ReviewState::Commented)
}

fn last_of_each(state: &State, key: Numbered, counts: impl Fn(&Review) -> bool) -> Vec<&Review> {
    let mut last: BTreeMap<String, &Review> = BTreeMap::new();
    for review in state.reviews_on(key).filter(|review| review.state != ReviewState::Pending && counts(review)) {
        last.insert(fold(&review.user), review);
    }
    let mut rows: Vec<_> = last.into_values().collect();
    rows.sort_by_key(|review| (review.submitted_at, review.id));
    rows
}

pub(super) fn latest_of(cx: &Cx<'_, GitHub>, key: Numbered, login: &str) -> Option<Node> {
    let mut mine = visible(cx, key).into_iter().filter(|review| same(&review.user, login));
    mine.next_back().map(|review| Node::Review((key.0, key.1, review.id)))
}

pub(super) fn review(cx: &Cx<'_, GitHub>, key: ReviewKey, field: &Field<'_>) -> Answer {
    let review = cx.state.reviews.get(&key).ok_or_else(gone)?;
    let repo = repo_of(cx, key.0)?;
    let pull = (key.0, key.1);
    let place = format!("/pull/{}#pullrequestreview-{}", key.1, review.id);
    let own = same(&review.user, cx.actor());
    let time = review.submitted_at.unwrap_or_else(|| cx.now());
    Ok(match field.name {
        "databaseId" | "fullDatabaseId" => review.id.into(),
        "author" => account(&review.user),
        "authorAssociation" => association(cx.state, repo, &review.user).into(),
        "body" => review.body.as_str().into(),
        "bodyText" => plain(&review.body).into(),
        "state" => review.state.name().into(),
        "submittedAt" | "publishedAt" => maybe_at(review.submitted_at),
        "createdAt" | "updatedAt" => at(time),
        "lastEditedAt" | "minimizedReason" => Resolved::NULL,
        "includesCreatedEdit" | "isMinimized" => false.into(),
        "commit" => Resolved::Object(Node::Commit(key.0, review.commit)),
        "pullRequest" => Resolved::Object(Node::Pull(pull)),
        "repository" => Resolved::Object(Node::Repository(key.0)),
        "url" => page(repo, &place),
        "resourcePath" => path(repo, &place),
        "comments" => {
            let rows = cx.state.review_comments_on(pull).filter(|comment| comment.review == Some(review.id));
            return paging::nodes(cx, field, rows.map(|comment| Node::ReviewComment(comment.id)));
        }
        // Reactions to reviews are not modelled; GitHub shows every kind with nobody.
        "reactionGroups" => Resolved::List(Vec::new()),
        "viewerDidAuthor" => own.into(),
        "viewerCanUpdate" => (own || cx.permission(repo) >= Some(Permission::Write)).into(),
        "viewerCanDelete" => (own && review.state == ReviewState::Pending).into(),
        other => return Err(unanswered("PullRequestReview", other)),
    })
}

/// Whether the caller sees a comment: one of a pending review is its author's own.
fn shows(cx: &Cx<'_, GitHub>, comment: &ReviewComment) -> bool {
    cx.state.is_published(comment) || same(&comment.user, cx.actor())
}

/// The first comment of a comment's thread.
fn root<'a>(state: &'a State, comment: &'a ReviewComment) -> &'a ReviewComment {
    let mut first = comment;
    while let Some(parent) = first.in_reply_to.and_then(|id| state.review_comments.get(&id)) {
        first = parent;
    }
    first
}

pub(super) fn threads(cx: &Cx<'_, GitHub>, key: Numbered, field: &Field<'_>) -> Answer {
    let firsts = cx.state.review_comments_on(key).filter(|comment| comment.in_reply_to.is_none() && shows(cx, comment));
    paging::nodes(cx, field, firsts.map(|comment| Node::Thread(comment.id)))
}

pub(super) fn thread(cx: &Cx<'_, GitHub>, id: u64, field: &Field<'_>) -> Answer {
    let state = &*cx.state;
    let first = state.review_comments.get(&id).ok_or_else(gone)?;
    let key = (first.repo, first.number);
    let repo = repo_of(cx, first.repo)?;
    let anchor = Anchor::of(state, first);
    let resolved = first.resolved_by.is_some();
    let author = state.issues.get(&key).is_some_and(|issue| same(&issue.user, cx.actor()));
    let may_resolve = author || cx.permission(repo) >= Some(Permission::Write);
    Ok(match field.name {
        "path" => first.path.as_str().into(),
        "line" => anchor.line.into(),
        "originalLine" => first.line.into(),
        "startLine" => first.start_line.filter(|_| !anchor.outdated).into(),
        "originalStartLine" => first.start_line.into(),
        "diffSide" => first.side.name().into(),
        "startDiffSide" => first.start_side.map(Side::name).into(),
        "subjectType" => (if first.line.is_some() { "LINE" } else { "FILE" }).into(),
        "isResolved" | "isCollapsed" => resolved.into(),
        "isOutdated" => anchor.outdated.into(),
        "resolvedBy" => Resolved::maybe(first.resolved_by.clone().map(Node::Account)),
        "pullRequest" => Resolved::Object(Node::Pull(key)),
        "repository" => Resolved::Object(Node::Repository(key.0)),
        "viewerCanReply" => true.into(),
        "viewerCanResolve" => (may_resolve && !resolved).into(),
        "viewerCanUnresolve" => (may_resolve && resolved).into(),
        "comments" => {
            let all =
                state.review_comments_on(key).filter(|comment| root(state, comment).id == id && shows(cx, comment));
            let skip = field.number("skip").and_then(|skip| usize::try_from(skip).ok()).unwrap_or(0);
            return paging::nodes(cx, field, all.skip(skip).map(|comment| Node::ReviewComment(comment.id)));
        }
        other => return Err(unanswered("PullRequestReviewThread", other)),
    })
}

pub(super) fn comment(cx: &Cx<'_, GitHub>, id: u64, field: &Field<'_>) -> Answer {
    let state = &*cx.state;
    let comment = state.review_comments.get(&id).ok_or_else(gone)?;
    let key = (comment.repo, comment.number);
    let repo = repo_of(cx, comment.repo)?;
    let place = format!("/pull/{}#discussion_r{id}", comment.number);
    let own = same(&comment.user, cx.actor());
    let may_change = own || cx.permission(repo) >= Some(Permission::Write);
    let anchor = || Anchor::of(state, comment);
    let edited = comment.updated_at != comment.created_at;
    Ok(match field.name {
        "databaseId" | "fullDatabaseId" => id.into(),
        "author" => account(&comment.user),
        "authorAssociation" => association(state, repo, &comment.user).into(),
        "body" => comment.body.as_str().into(),
        "bodyText" => plain(&comment.body).into(),
        "createdAt" | "publishedAt" => at(comment.created_at),
        "updatedAt" => at(comment.updated_at),
        "lastEditedAt" => maybe_at(Some(comment.updated_at).filter(|_| edited)),
        "includesCreatedEdit" => edited.into(),
        "isMinimized" => false.into(),
        "minimizedReason" => Resolved::NULL,
        "commit" | "originalCommit" => Resolved::Object(Node::Commit(comment.repo, comment.commit)),
        "diffHunk" => anchor().hunk.into(),
        "path" => comment.path.as_str().into(),
        "line" => anchor().line.into(),
        "originalLine" => comment.line.into(),
        "startLine" => comment.start_line.filter(|_| !anchor().outdated).into(),
        "originalStartLine" => comment.start_line.into(),
        "position" => Resolved::Leaf(anchor().position.map_or(Value::Null, Value::from)),
        "outdated" => anchor().outdated.into(),
        "subjectType" => (if comment.line.is_some() { "LINE" } else { "FILE" }).into(),
        "state" => (if state.is_published(comment) { "SUBMITTED" } else { "PENDING" }).into(),
        "pullRequest" => Resolved::Object(Node::Pull(key)),
        "pullRequestReview" => Resolved::maybe(comment.review.map(|review| Node::Review((key.0, key.1, review)))),
        "replyTo" => Resolved::maybe(comment.in_reply_to.map(Node::ReviewComment)),
        "repository" => Resolved::Object(Node::Repository(key.0)),
        "url" => page(repo, &place),
        "resourcePath" => path(repo, &place),
        "reactions" => return reactions(cx, Subject::ReviewComment(id), field),
        "reactionGroups" => reaction_groups(cx, Subject::ReviewComment(id)),
        "viewerDidAuthor" => own.into(),
        "viewerCanUpdate" | "viewerCanDelete" => may_change.into(),
        "viewerCanReact" => true.into(),
        other => return Err(unanswered("PullRequestReviewComment", other)),
    })
}
