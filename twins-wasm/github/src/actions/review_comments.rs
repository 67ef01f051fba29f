//! Comments on lines of a pull request, their replies and their threads.

use std::collections::BTreeMap;

use pome_twin_kit::action::Empty;
use pome_twin_kit::clock::Time;
use pome_twin_kit::{Action, Cx, Reply, View};
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

use super::pulls::{Direction, Target};
use super::reactions::Content;
use super::reviews::{Said, own_or, pending, reviewed};
use super::{Page, paging, reactions};
use crate::GitHub;
use crate::access::Access;
use crate::error::Error;
use crate::git::{Change, Oid};
use crate::state::{Permission, RepoId, ReviewComment, Side, State, Subject as Reacted, fold};
use crate::views::reactions::ReactionView;
use crate::views::review_comments::{ReviewCommentView, ThreadView, line_at};
use crate::views::{HTML, Site};

/// The row of a review comment in the trace.
fn row(state: &State, id: u64) -> Option<Value> {
    let comment = state.review_comments.get(&id)?;
    let repo = state.repos.get(&comment.repo)?;
    Some(json!({
        "repo": repo.full_name(), "pull_number": comment.number, "id": id, "path": comment.path,
        "body": comment.body, "user_login": comment.user, "line": comment.line, "side": comment.side.name(),
        "commit_sha": comment.commit, "in_reply_to_id": comment.in_reply_to,
        "created_at": comment.created_at.to_seconds(), "updated_at": comment.updated_at.to_seconds(),
    }))
}

/// Whether the caller sees a comment: one of a pending review is its author's own.
fn is_visible(cx: &Cx<'_, GitHub>, comment: &ReviewComment) -> bool {
    cx.state.is_published(comment) || fold(&comment.user) == fold(cx.actor())
}

/// One review comment.
pub(crate) struct Shown(u64);

impl View<GitHub> for Shown {
    fn rest(&self, cx: &Cx<'_, GitHub>, reply: &mut Reply) {
        let site = Site::of(cx);
        let Some(comment) = site.state.review_comments.get(&self.0) else { return };
        if let Some(repo) = site.state.repos.get(&comment.repo) {
            reply.write_json(&ReviewCommentView { site, repo, comment });
        }
    }
}

impl Shown {
    /// The official server answers a tool with no more than where it is.
    fn receipt(&self, cx: &Cx<'_, GitHub>) -> Option<Value> {
        let comment = cx.state.review_comments.get(&self.0)?;
        let name = cx.state.repos.get(&comment.repo)?.full_name();
        let url = format!("{HTML}/{name}/pull/{}#discussion_r{}", comment.number, comment.id);
        Some(json!({ "id": comment.id.to_string(), "url": url }))
    }
}

/// Published comments of a pull request that the caller sees, oldest first.
#[derive(Deserialize)]
pub(crate) struct List {
    pub(crate) owner: String,
    pub(crate) repo: String,
    pub(crate) pull_number: u64,
    pub(crate) sort: Option<Sort>,
    pub(crate) direction: Option<Direction>,
    pub(crate) since: Option<String>,
    pub(crate) page: Option<i64>,
    pub(crate) per_page: Option<i64>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum Sort {
    #[serde(alias = "created_at")]
    Created,
    Updated,
}

pub(crate) struct Listed(Page<u64>);

impl View<GitHub> for Listed {
    fn rest(&self, cx: &Cx<'_, GitHub>, reply: &mut Reply) {
        self.0.write(cx, reply, |site, id| {
            let comment = site.state.review_comments.get(id)?;
            Some(ReviewCommentView { site, repo: site.state.repos.get(&comment.repo)?, comment })
        });
    }
}

/// One page of comments in the wanted order.
fn listed<'a>(
    comments: impl Iterator<Item = &'a ReviewComment>,
    sort: (Option<Sort>, Option<Direction>),
    since: Option<&str>,
    page: (Option<i64>, Option<i64>),
) -> Result<Listed, Error> {
    let since = match since {
        None | Some("") => Time(0),
        Some(text) => Time::parse(text).ok_or_else(|| Error::field("PullRequestReviewComment", "since", "invalid"))?,
    };
    let mut found: Vec<&ReviewComment> = comments.filter(|comment| comment.updated_at >= since).collect();
    match sort.0 {
        Some(Sort::Updated) => found.sort_by_key(|comment| (comment.updated_at, comment.id)),
        _ => found.sort_by_key(|comment| comment.id),
    }
    // The direction counts only for a list that is sorted by something that was named.
    if sort.0.is_some() && sort.1 != Some(Direction::Asc) {
        found.reverse();
    }
    Ok(Listed(Page::of(found.into_iter().map(|comment| comment.id), paging(page.0, page.1))))
}

impl Action<GitHub> for List {
    const NAME: &'static str = "get_pull_request_comments";
    type Output = Listed;

    fn run(self, cx: &mut Cx<'_, GitHub>) -> Result<Listed, Error> {
        let repo = cx.repo(&self.owner, &self.repo)?;
        let key = (repo.id, cx.pull(repo, self.pull_number)?.1.number);
        let visible = cx.state.review_comments_on(key).filter(|comment| is_visible(cx, comment));
        listed(visible, (self.sort, self.direction), self.since.as_deref(), (self.page, self.per_page))
    }
}

/// Review comments of all pull requests of a repository.
#[derive(Deserialize)]
pub(crate) struct ListOfRepo {
    owner: String,
    repo: String,
    sort: Option<Sort>,
    direction: Option<Direction>,
    since: Option<String>,
    page: Option<i64>,
    per_page: Option<i64>,
}

impl Action<GitHub> for ListOfRepo {
    const NAME: &'static str = "list_review_comments_for_repository";
    type Output = Listed;

    fn run(self, cx: &mut Cx<'_, GitHub>) -> Result<Listed, Error> {
        let id = cx.repo(&self.owner, &self.repo)?.id;
        let all = cx.state.review_comments.values().filter(|comment| comment.repo == id && is_visible(cx, comment));
        listed(all, (self.sort, self.direction), self.since.as_deref(), (self.page, self.per_page))
    }
}

/// Conversations of a pull request, as the official server pages them.
#[derive(Deserialize)]
pub(crate) struct Threads {
    pub(crate) owner: String,
    pub(crate) repo: String,
    pub(crate) pull_number: u64,
    pub(crate) after: Option<String>,
    pub(crate) per_page: Option<i64>,
}

pub(crate) struct ThreadsShown {
    repo: RepoId,
    threads: Vec<Vec<u64>>,
    start: usize,
    size: usize,
}

impl View<GitHub> for ThreadsShown {
    fn rest(&self, cx: &Cx<'_, GitHub>, reply: &mut Reply) {
        #[derive(Serialize)]
        struct Answer<'a> {
            review_threads: Vec<ThreadView<'a>>,
            #[serde(rename = "totalCount")]
            total: usize,
            #[serde(rename = "pageInfo")]
            page: Value,
        }
        let site = Site::of(cx);
        let Some(repo) = site.state.repos.get(&self.repo) else { return };
        let threads: Vec<ThreadView<'_>> = self
            .threads
            .iter()
            .skip(self.start)
            .take(self.size)
            .map(|ids| {
                let comments = ids.iter().filter_map(|id| site.state.review_comments.get(id)).collect();
                ThreadView { site, repo, comments }
            })
            .collect();
        let end = self.start + threads.len();
        let (next, previous) = (end < self.threads.len(), self.start > 0);
        let page = match end.checked_sub(1).filter(|_| !threads.is_empty()) {
            None => json!({ "hasNextPage": next, "hasPreviousPage": previous }),
            Some(last) => json!({
                "hasNextPage": next, "hasPreviousPage": previous,
                "startCursor": cursor(self.start), "endCursor": cursor(last),
            }),
        };
        reply.write_json(&Answer { review_threads: threads, total: self.threads.len(), page });
    }
}

/// The place of a thread in the list; a reader only hands it back.
fn cursor(at: usize) -> String {
    format!("thread:{at}")
}

impl Action<GitHub> for Threads {
    const NAME: &'static str = "list_review_threads";
    type Output = ThreadsShown;

    fn run(self, cx: &mut Cx<'_, GitHub>) -> Result<ThreadsShown, Error> {
        let repo = cx.repo(&self.owner, &self.repo)?;
        let key = (repo.id, cx.pull(repo, self.pull_number)?.1.number);
        let mut threads: BTreeMap<u64, Vec<u64>> = BTreeMap::new();
        for comment in cx.state.review_comments_on(key).filter(|comment| is_visible(cx, comment)) {
            threads.entry(root(cx.state, comment)).or_default().push(comment.id);
        }
        let start = match self.after.as_deref().filter(|after| !after.is_empty()) {
            None => 0,
            Some(after) => {
                let place = after.strip_prefix("thread:").and_then(|at| at.parse::<usize>().ok());
                place
                    .map(|at| at.saturating_add(1))
                    .ok_or_else(|| Error::unprocessable(format!("`{after}` does not appear to be a valid cursor.")))?
            }
        };
        let size = paging(None, self.per_page).per_page;
        Ok(ThreadsShown { repo: key.0, threads: threads.into_values().collect(), start, size })
    }
}

/// The first comment of the thread that a comment belongs to.
fn root(state: &State, comment: &ReviewComment) -> u64 {
    let mut first = comment;
    while let Some(parent) = first.in_reply_to.and_then(|id| state.review_comments.get(&id)) {
        first = parent;
    }
    first.id
}

/// Marks a thread as done, or not.
pub(crate) fn resolve(cx: &mut Cx<'_, GitHub>, target: &Target, thread: &str, resolved: bool) -> Result<(), Error> {
    let unknown = || Error::unprocessable(format!("Could not resolve to a node with the global id of '{thread}'"));
    let id: u64 = thread.strip_prefix("PRRT_").and_then(|id| id.parse().ok()).ok_or_else(unknown)?;
    let comment = cx.state.review_comments.get(&id).ok_or_else(unknown)?;
    let belongs = (comment.repo, comment.number) == target.key() && comment.in_reply_to.is_none();
    if !belongs || !is_visible(cx, comment) {
        return Err(unknown());
    }
    target.author_or(cx, Permission::Write)?;
    let actor = cx.actor().to_owned();
    if comment.resolved_by.is_some() == resolved {
        return Ok(());
    }
    let before = row(cx.state, id);
    if let Some(comment) = cx.state.review_comments.get_mut(&id) {
        comment.resolved_by = resolved.then_some(actor);
    }
    let after = row(cx.state, id);
    cx.changed(before, after);
    Ok(())
}

#[derive(Deserialize)]
pub(crate) struct Get {
    owner: String,
    repo: String,
    comment_id: u64,
}

/// A comment of the repository that the caller sees.
fn find(cx: &Cx<'_, GitHub>, owner: &str, repo: &str, id: u64) -> Result<ReviewComment, Error> {
    let repo = cx.repo(owner, repo)?;
    let found = cx.state.review_comments.get(&id).filter(|comment| comment.repo == repo.id);
    found.filter(|comment| is_visible(cx, comment)).cloned().ok_or_else(Error::not_found)
}

impl Action<GitHub> for Get {
    const NAME: &'static str = "get_review_comment";
    type Output = Shown;

    fn run(self, cx: &mut Cx<'_, GitHub>) -> Result<Shown, Error> {
        find(cx, &self.owner, &self.repo, self.comment_id).map(|comment| Shown(comment.id))
    }
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
pub(crate) enum Subject {
    #[serde(rename = "line", alias = "LINE")]
    Line,
    #[serde(rename = "file", alias = "FILE")]
    File,
}

/// A comment that somebody wants to make.
#[derive(Debug, Deserialize)]
pub(crate) struct Draft {
    pub(crate) path: String,
    pub(crate) body: String,
    pub(crate) line: Option<u64>,
    pub(crate) side: Option<Side>,
    pub(crate) start_line: Option<u64>,
    pub(crate) start_side: Option<Side>,
    /// The older way to say which line.
    pub(crate) position: Option<usize>,
    pub(crate) subject_type: Option<Subject>,
}

const RESOURCE: &str = "PullRequestReviewComment";

/// Puts a comment on a line of the difference, or on a whole file.
pub(crate) fn place(
    cx: &mut Cx<'_, GitHub>,
    target: &Target,
    draft: Draft,
    commit: Oid,
    review: Option<u64>,
) -> Result<u64, Error> {
    if draft.body.trim().is_empty() {
        return Err(Error::field(RESOURCE, "body", "missing_field"));
    }
    let changes = cx.objects().changes_between(target.base, commit)?;
    let path = draft.path.trim_start_matches('/');
    let change =
        changes.iter().find(|change| change.path == path).ok_or_else(|| Error::field(RESOURCE, "path", "invalid"))?;
    let mut side = draft.side.unwrap_or(Side::Right);
    let line = if draft.subject_type == Some(Subject::File) {
        None
    } else if let Some(line) = draft.line {
        check_line(cx, change, line, side, "line")?;
        Some(line)
    } else {
        let position = draft.position.ok_or_else(|| Error::not_supplied("line"))?;
        let found = line_at(cx.objects(), target.base, commit, path, position)
            .ok_or_else(|| Error::field(RESOURCE, "position", "invalid"))?;
        side = found.1;
        Some(found.0)
    };
    let start_line = draft.start_line.filter(|_| line.is_some());
    if let Some(start) = start_line {
        check_line(cx, change, start, draft.start_side.unwrap_or(side), "start_line")?;
        if Some(start) >= line {
            return Err(Error::field(RESOURCE, "start_line", "invalid"));
        }
    }
    let path = change.path.clone();
    let start_side = start_line.map(|_| draft.start_side.unwrap_or(side));
    let (repo, number) = target.key();
    let comment = ReviewComment {
        id: 0,
        repo,
        number,
        review,
        path,
        body: draft.body,
        user: String::new(),
        line,
        side,
        start_line,
        start_side,
        commit,
        in_reply_to: None,
        resolved_by: None,
        created_at: cx.now(),
        updated_at: cx.now(),
    };
    Ok(store(cx, comment))
}

/// A commented line is one of the file on its side.
fn check_line(cx: &Cx<'_, GitHub>, change: &Change, line: u64, side: Side, field: &str) -> Result<(), Error> {
    let (old, new) = cx.objects().contents(change)?;
    let text = if side == Side::Left { old } else { new };
    let breaks = text.split_inclusive(|byte| *byte == b'\n').count();
    match usize::try_from(line) {
        Ok(line) if (1..=breaks).contains(&line) => Ok(()),
        _ => Err(Error::field(RESOURCE, field, "invalid")),
    }
}

/// Stores a comment of the caller under the next id.
fn store(cx: &mut Cx<'_, GitHub>, comment: ReviewComment) -> u64 {
    let user = cx.actor().to_owned();
    cx.state.ensure_user(&user, cx.now());
    let id = cx.state.next_review_comment.next();
    let (repo, number) = (comment.repo, comment.number);
    cx.state.review_comments.insert(id, ReviewComment { id, user, ..comment });
    cx.state.review_comments_of.insert((repo, number, id), ());
    cx.state.touch((repo, number), cx.now());
    id
}

pub(crate) fn remove(state: &mut State, id: u64) {
    if let Some(comment) = state.review_comments.remove(&id) {
        state.review_comments_of.remove(&(comment.repo, comment.number, id));
        reactions::forget(state, Reacted::ReviewComment(id));
    }
}

/// Comments on a line.
#[derive(Deserialize)]
pub(crate) struct Create {
    owner: String,
    repo: String,
    pull_number: u64,
    body: String,
    path: Option<String>,
    commit_id: Option<String>,
    line: Option<u64>,
    side: Option<Side>,
    start_line: Option<u64>,
    start_side: Option<Side>,
    position: Option<usize>,
    subject_type: Option<Subject>,
    in_reply_to: Option<u64>,
}

impl Action<GitHub> for Create {
    const NAME: &'static str = "create_pull_request_review_comment";
    const MUTATES: bool = true;
    type Output = Shown;

    fn run(self, cx: &mut Cx<'_, GitHub>) -> Result<Shown, Error> {
        let target = Target::find(cx, &self.owner, &self.repo, self.pull_number)?;
        let id = if let Some(parent) = self.in_reply_to {
            answer(cx, &target, parent, self.body)?
        } else {
            let path = self.path.ok_or_else(|| Error::not_supplied("path"))?;
            let commit = reviewed(cx, &target, self.commit_id.as_deref(), RESOURCE)?;
            let draft = Draft {
                path,
                body: self.body,
                line: self.line,
                side: self.side,
                start_line: self.start_line,
                start_side: self.start_side,
                position: self.position,
                subject_type: self.subject_type,
            };
            place(cx, &target, draft, commit, None)?
        };
        let after = row(cx.state, id);
        cx.changed(None, after);
        Ok(Shown(id))
    }
}

/// Answers a comment of the pull request; the answer stands where the comment stands.
fn answer(cx: &mut Cx<'_, GitHub>, target: &Target, parent: u64, body: String) -> Result<u64, Error> {
    if body.trim().is_empty() {
        return Err(Error::field(RESOURCE, "body", "missing_field"));
    }
    let found = cx.state.review_comments.get(&parent);
    let found = found.filter(|comment| (comment.repo, comment.number) == target.key() && is_visible(cx, comment));
    let comment = found.cloned().ok_or_else(|| Error::new(404, "Not Found"))?;
    let now = cx.now();
    let reply = ReviewComment {
        body,
        review: comment.review.filter(|_| !cx.state.is_published(&comment)),
        in_reply_to: Some(parent),
        resolved_by: None,
        created_at: now,
        updated_at: now,
        ..comment
    };
    Ok(store(cx, reply))
}

/// Answers a comment.
#[derive(Deserialize)]
pub(crate) struct ReplyTo {
    owner: String,
    repo: String,
    pull_number: u64,
    comment_id: u64,
    body: String,
}

impl Action<GitHub> for ReplyTo {
    const NAME: &'static str = "add_reply_to_pull_request_comment";
    const MUTATES: bool = true;
    type Output = Shown;

    fn run(self, cx: &mut Cx<'_, GitHub>) -> Result<Shown, Error> {
        let target = Target::find(cx, &self.owner, &self.repo, self.pull_number)?;
        let id = answer(cx, &target, self.comment_id, self.body)?;
        let after = row(cx.state, id);
        cx.changed(None, after);
        Ok(Shown(id))
    }
}

/// The same as a tool, which may leave the pull request to the comment and may react, too.
#[derive(Deserialize)]
pub(crate) struct Respond {
    owner: String,
    repo: String,
    #[serde(alias = "pullNumber")]
    pull_number: Option<u64>,
    #[serde(alias = "commentId")]
    comment_id: u64,
    body: Option<String>,
    reaction: Option<Content>,
}

/// What the tool did: one or both.
pub(crate) struct Response {
    reply: Option<Shown>,
    reaction: Option<(Reacted, u64)>,
}

impl View<GitHub> for Response {
    fn rest(&self, cx: &Cx<'_, GitHub>, reply: &mut Reply) {
        #[derive(Serialize)]
        struct Both<C, R> {
            comment: C,
            reaction: R,
        }
        let comment = self.reply.as_ref().and_then(|shown| shown.receipt(cx));
        let reaction = self.reaction.and_then(|key| cx.state.reactions.get(&key));
        let reaction = reaction.map(|reaction| ReactionView { site: Site::of(cx), reaction });
        match (comment, reaction) {
            (Some(comment), Some(reaction)) => reply.write_json(&Both { comment, reaction }),
            (Some(comment), None) => reply.write_json(&comment),
            (None, reaction) => reply.write_json(&reaction),
        }
    }
}

impl Action<GitHub> for Respond {
    const NAME: &'static str = "add_reply_to_pull_request_comment";
    const MUTATES: bool = true;
    type Output = Response;

    fn run(self, cx: &mut Cx<'_, GitHub>) -> Result<Response, Error> {
        let comment = find(cx, &self.owner, &self.repo, self.comment_id)?;
        let pull_number = self.pull_number.unwrap_or(comment.number);
        if pull_number != comment.number {
            return Err(Error::not_found());
        }
        let body = self.body.filter(|body| !body.is_empty());
        if body.is_none() && self.reaction.is_none() {
            return Err(Error::argument("body"));
        }
        let Self { owner, repo, comment_id, .. } = self;
        let reply = match body {
            None => None,
            Some(body) => Some(ReplyTo { owner, repo, pull_number, comment_id, body }.run(cx)?),
        };
        let subject = Reacted::ReviewComment(comment_id);
        let reaction = self.reaction.map(|content| (subject, reactions::react(cx, subject, content).0));
        Ok(Response { reply, reaction })
    }
}

/// Changes the text of a comment.
#[derive(Deserialize)]
pub(crate) struct Update {
    owner: String,
    repo: String,
    comment_id: u64,
    body: String,
}

impl Action<GitHub> for Update {
    const NAME: &'static str = "update_review_comment";
    const MUTATES: bool = true;
    type Output = Shown;

    fn run(self, cx: &mut Cx<'_, GitHub>) -> Result<Shown, Error> {
        let comment = find(cx, &self.owner, &self.repo, self.comment_id)?;
        let target = Target::find(cx, &self.owner, &self.repo, comment.number)?;
        own_or(cx, &target, &comment.user, Permission::Write)?;
        if self.body.trim().is_empty() {
            return Err(Error::field(RESOURCE, "body", "missing_field"));
        }
        let (id, now) = (comment.id, cx.now());
        let before = row(cx.state, id);
        if let Some(comment) = cx.state.review_comments.get_mut(&id) {
            comment.body = self.body;
            comment.updated_at = now;
        }
        let after = row(cx.state, id);
        cx.changed(before, after);
        Ok(Shown(id))
    }
}

#[derive(Deserialize)]
pub(crate) struct Delete {
    owner: String,
    repo: String,
    comment_id: u64,
}

impl Action<GitHub> for Delete {
    const NAME: &'static str = "delete_review_comment";
    const MUTATES: bool = true;
    type Output = Empty;

    fn run(self, cx: &mut Cx<'_, GitHub>) -> Result<Empty, Error> {
        let comment = find(cx, &self.owner, &self.repo, self.comment_id)?;
        let target = Target::find(cx, &self.owner, &self.repo, comment.number)?;
        own_or(cx, &target, &comment.user, Permission::Write)?;
        let before = row(cx.state, comment.id);
        remove(cx.state, comment.id);
        cx.changed(before, None);
        Ok(Empty)
    }
}

/// Adds a comment to the caller's pending review.
#[derive(Deserialize)]
pub(crate) struct AddToPending {
    owner: String,
    repo: String,
    #[serde(alias = "pullNumber")]
    pull_number: u64,
    path: String,
    body: String,
    #[serde(alias = "subjectType")]
    subject_type: Subject,
    line: Option<u64>,
    side: Option<Side>,
    #[serde(alias = "startLine")]
    start_line: Option<u64>,
    #[serde(alias = "startSide")]
    start_side: Option<Side>,
}

impl Action<GitHub> for AddToPending {
    const NAME: &'static str = "add_comment_to_pending_review";
    const MUTATES: bool = true;
    type Output = Said;

    fn run(self, cx: &mut Cx<'_, GitHub>) -> Result<Said, Error> {
        let target = Target::find(cx, &self.owner, &self.repo, self.pull_number)?;
        let none = || Error::by_server("No pending review found for the viewer");
        let review = pending(cx, target.key()).ok_or_else(none)?;
        let (repo, number) = target.key();
        let commit = cx.state.reviews.get(&(repo, number, review)).map_or(target.pull.head_sha, |row| row.commit);
        let Self { path, body, line, side, start_line, start_side, .. } = self;
        let subject_type = Some(self.subject_type);
        let draft = Draft { path, body, line, side, start_line, start_side, position: None, subject_type };
        let id = place(cx, &target, draft, commit, Some(review))?;
        let after = row(cx.state, id);
        cx.changed(None, after);
        Ok(Said("pull request review comment successfully added to pending review"))
    }
}
