//! Conversation comments of issues and pull requests.

use pome_twin_kit::clock::Time;
use pome_twin_kit::page::Paging;
use pome_twin_kit::{Action, Cx, Reply, ToolReply, View, action};
use serde::Deserialize;

use super::issue_lists::Direction;
use super::issues::since;
use super::reactions::{self, Content};
use super::{Page, notifications, paging, rows};
use crate::GitHub;
use crate::access::Access;
use crate::error::Error;
use crate::state::{Comment, Numbered, Permission, Repo, RepoId, State, Subject, fold};
use crate::views::Site;
use crate::views::comments::{CommentReceipt, CommentView, ToolComment};
use crate::views::issues::IssueReceipt;
use crate::views::reactions::ReactionView;

fn found(state: &State, id: u64) -> Option<(&Repo, &Comment)> {
    let comment = state.comments.get(&id)?;
    Some((state.repos.get(&comment.repo)?, comment))
}

/// A comment of this repository.
pub(crate) fn of_repo(state: &State, repo: RepoId, id: u64) -> Result<&Comment, Error> {
    state.comments.get(&id).filter(|comment| comment.repo == repo).ok_or_else(Error::not_found)
}

/// One comment.
pub(crate) struct Shown(u64);

impl View<GitHub> for Shown {
    fn rest(&self, cx: &Cx<'_, GitHub>, reply: &mut Reply) {
        let Some((repo, comment)) = found(cx.state, self.0) else { return };
        let site = Site::of(cx);
        if reply.status == 201 {
            let address = format!("{}/repos/{}/{}/issues/comments/{}", site.api, repo.owner, repo.name, comment.id);
            reply.header("location", address);
        }
        reply.write_json(&CommentView { site, repo, comment });
    }

    fn tool(&self, cx: &Cx<'_, GitHub>) -> ToolReply {
        let Some((repo, comment)) = found(cx.state, self.0) else { return ToolReply::error_text(404, "Not Found") };
        ToolReply::json(&CommentReceipt { site: Site::of(cx), repo, comment })
    }
}

/// A page of comments.
pub(crate) struct Listed(Page<u64>);

impl View<GitHub> for Listed {
    fn rest(&self, cx: &Cx<'_, GitHub>, reply: &mut Reply) {
        self.0.write(cx, reply, |site, id| {
            let (repo, comment) = found(site.state, *id)?;
            Some(CommentView { site, repo, comment })
        });
    }

    fn tool(&self, cx: &Cx<'_, GitHub>) -> ToolReply {
        let site = Site::of(cx);
        let rows = self.0.keys.iter().filter_map(|id| found(cx.state, *id));
        ToolReply::json(&rows.map(|(repo, comment)| ToolComment { site, repo, comment }).collect::<Vec<_>>())
    }
}

/// The conversation of an issue or pull request, oldest first.
pub(crate) fn listed(cx: &Cx<'_, GitHub>, key: Numbered, since: Option<Time>, paging: Paging) -> Listed {
    let recent = |comment: &&Comment| since.is_none_or(|since| comment.updated_at >= since);
    Listed(Page::of(cx.state.comments_on(key).filter(recent).map(|comment| comment.id), paging))
}

#[derive(Deserialize)]
pub(crate) struct List {
    owner: String,
    repo: String,
    issue_number: u64,
    since: Option<String>,
    page: Option<i64>,
    per_page: Option<i64>,
}

impl Action<GitHub> for List {
    const NAME: &'static str = "list_issue_comments";
    type Output = Listed;

    fn run(self, cx: &mut Cx<'_, GitHub>) -> Result<Listed, Error> {
        let repo = cx.repo(&self.owner, &self.repo)?;
        let key = (repo.id, cx.issue(repo, self.issue_number)?.number);
        Ok(listed(cx, key, since(self.since.as_deref())?, paging(self.page, self.per_page)))
    }
}

#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
enum Sort {
    #[default]
    Created,
    Updated,
}

/// Every conversation comment of a repository.
#[derive(Deserialize)]
pub(crate) struct ListForRepo {
    owner: String,
    repo: String,
    #[serde(default)]
    sort: Sort,
    direction: Option<Direction>,
    since: Option<String>,
    page: Option<i64>,
    per_page: Option<i64>,
}

impl Action<GitHub> for ListForRepo {
    const NAME: &'static str = "list_repository_comments";
    type Output = Listed;

    fn run(self, cx: &mut Cx<'_, GitHub>) -> Result<Listed, Error> {
        let repo = cx.repo(&self.owner, &self.repo)?.id;
        let since = since(self.since.as_deref())?;
        let of_repo = cx.state.comments_of.range((repo, 0, 0)..=(repo, u64::MAX, u64::MAX));
        let mut rows: Vec<(Time, u64)> = of_repo
            .filter_map(|((_, _, id), ())| cx.state.comments.get(id))
            .filter(|comment| since.is_none_or(|since| comment.updated_at >= since))
            .map(|comment| {
                let rank = if self.sort == Sort::Created { comment.created_at } else { comment.updated_at };
                (rank, comment.id)
            })
            .collect();
        rows.sort_unstable();
        if self.direction == Some(Direction::Desc) {
            rows.reverse();
        }
        Ok(Listed(Page::of(rows.into_iter().map(|(_, id)| id), paging(self.page, self.per_page))))
    }
}

#[derive(Deserialize)]
pub(crate) struct Get {
    owner: String,
    repo: String,
    comment_id: u64,
}

impl Action<GitHub> for Get {
    const NAME: &'static str = "get_issue_comment";
    type Output = Shown;

    fn run(self, cx: &mut Cx<'_, GitHub>) -> Result<Shown, Error> {
        let repo = cx.repo(&self.owner, &self.repo)?.id;
        Ok(Shown(of_repo(cx.state, repo, self.comment_id)?.id))
    }
}

/// A comment that says something.
fn text(body: String) -> Result<String, Error> {
    if body.trim().is_empty() {
        return Err(Error::field("IssueComment", "body", "missing_field"));
    }
    if body.chars().count() > 65_536 {
        return Err(Error::custom("IssueComment", "body is too long (maximum is 65536 characters)"));
    }
    Ok(body)
}

/// Adds a comment to a conversation.
#[derive(Deserialize)]
pub(crate) struct Create {
    owner: String,
    repo: String,
    issue_number: u64,
    body: String,
}

impl Action<GitHub> for Create {
    const NAME: &'static str = "add_issue_comment";
    const MUTATES: bool = true;
    type Output = Shown;

    fn run(self, cx: &mut Cx<'_, GitHub>) -> Result<Shown, Error> {
        let repo = cx.repo_to_write(&self.owner, &self.repo, Permission::Read)?.clone();
        let issue = cx.issue(&repo, self.issue_number)?;
        let actor = cx.actor().to_owned();
        if issue.locked && !is_collaborator(cx.state, &repo, &actor) {
            return Err(Error::forbidden("Unable to create comment because issue is locked."));
        }
        let body = text(self.body)?;
        let (key, now) = ((repo.id, issue.number), cx.now());
        cx.state.ensure_user(&actor, now);
        let id = cx.state.next_comment.next();
        notifications::said(cx, key, &body);
        let comment = Comment { id, repo: repo.id, number: key.1, body, user: actor, created_at: now, updated_at: now };
        cx.changed(None, Some(rows::comment(&repo, &comment)));
        cx.state.comments.insert(id, comment);
        cx.state.comments_of.insert((key.0, key.1, id), ());
        if let Some(issue) = cx.state.issues.get_mut(&key) {
            issue.comments += 1;
            issue.updated_at = now;
        }
        Ok(Shown(id))
    }
}

/// Whether somebody has a place of their own in a repository.
pub(crate) fn is_collaborator(state: &State, repo: &Repo, login: &str) -> bool {
    let place = state.collaborators.get(&(repo.id, fold(login)));
    fold(&repo.owner) == fold(login) || place.is_some_and(|place| !place.pending)
}

/// The tool that comments, reacts, or does both.
#[derive(Deserialize)]
pub(crate) struct Respond {
    owner: String,
    repo: String,
    #[serde(alias = "issueNumber")]
    issue_number: u64,
    body: Option<String>,
    #[serde(alias = "commentId")]
    comment_id: Option<u64>,
    reaction: Option<Content>,
}

/// What the tool did.
pub(crate) struct Response {
    key: Numbered,
    comment: Option<u64>,
    reaction: Option<(Subject, u64)>,
}

impl View<GitHub> for Response {
    fn rest(&self, cx: &Cx<'_, GitHub>, reply: &mut Reply) {
        #[derive(serde::Serialize)]
        struct Both<C, R> {
            comment: C,
            reaction: R,
        }
        let site = Site::of(cx);
        let comment = self.comment.and_then(|id| found(cx.state, id));
        let comment = comment.map(|(repo, comment)| CommentReceipt { site, repo, comment });
        let reaction = self.reaction.and_then(|key| cx.state.reactions.get(&key));
        let reaction = reaction.map(|reaction| ReactionView { site, reaction });
        match (comment, reaction) {
            (Some(comment), Some(reaction)) => reply.write_json(&Both { comment, reaction }),
            (Some(comment), None) => reply.write_json(&comment),
            (None, Some(reaction)) => reply.write_json(&reaction),
            (None, None) => {
                if let Some(repo) = cx.state.repos.get(&self.key.0) {
                    reply.write_json(&IssueReceipt { site, repo, number: self.key.1 });
                }
            }
        }
    }
}

impl Action<GitHub> for Respond {
    const NAME: &'static str = "add_issue_comment";
    const MUTATES: bool = true;
    type Output = Response;

    fn run(self, cx: &mut Cx<'_, GitHub>) -> Result<Response, Error> {
        let Self { owner, repo, issue_number, body, comment_id, reaction } = self;
        let body = body.filter(|text| !text.is_empty());
        if body.is_none() && reaction.is_none() {
            return Err(Error::argument("body"));
        }
        let found = cx.repo(&owner, &repo)?;
        let key = (found.id, cx.issue(found, issue_number)?.number);
        let subject = match comment_id {
            None => Subject::Issue(key.0, key.1),
            Some(id) => {
                if of_repo(cx.state, key.0, id)?.number != key.1 {
                    return Err(Error::not_found());
                }
                if reaction.is_none() {
                    return Err(Error::by_server("comment_id is the comment to react to; it needs reaction."));
                }
                Subject::Comment(id)
            }
        };
        let comment = match body {
            None => None,
            Some(body) => Some(Create { owner, repo, issue_number, body }.run(cx)?.0),
        };
        let reaction = reaction.map(|content| (subject, reactions::react(cx, subject, content).0));
        Ok(Response { key, comment, reaction })
    }
}

/// Their author and whoever may write can change and delete comments.
fn comment_to_write(cx: &Cx<'_, GitHub>, owner: &str, name: &str, id: u64) -> Result<(Repo, Comment), Error> {
    let repo = cx.repo_to_write(owner, name, Permission::Read)?;
    let comment = of_repo(cx.state, repo.id, id)?;
    if fold(&comment.user) != fold(cx.actor()) {
        cx.repo_with(owner, name, Permission::Write)?;
    }
    Ok((repo.clone(), comment.clone()))
}

#[derive(Deserialize)]
pub(crate) struct Update {
    owner: String,
    repo: String,
    comment_id: u64,
    body: String,
}

impl Action<GitHub> for Update {
    const NAME: &'static str = "update_issue_comment";
    const MUTATES: bool = true;
    type Output = Shown;

    fn run(self, cx: &mut Cx<'_, GitHub>) -> Result<Shown, Error> {
        let (repo, before) = comment_to_write(cx, &self.owner, &self.repo, self.comment_id)?;
        let body = text(self.body)?;
        if body != before.body {
            let now = cx.now();
            let after = Comment { body, updated_at: now, ..before.clone() };
            cx.changed(Some(rows::comment(&repo, &before)), Some(rows::comment(&repo, &after)));
            cx.state.comments.insert(after.id, after);
            cx.state.touch((repo.id, before.number), now);
        }
        Ok(Shown(before.id))
    }
}

#[derive(Deserialize)]
pub(crate) struct Delete {
    owner: String,
    repo: String,
    comment_id: u64,
}

impl Action<GitHub> for Delete {
    const NAME: &'static str = "delete_issue_comment";
    const MUTATES: bool = true;
    type Output = action::Empty;

    fn run(self, cx: &mut Cx<'_, GitHub>) -> Result<action::Empty, Error> {
        let (repo, comment) = comment_to_write(cx, &self.owner, &self.repo, self.comment_id)?;
        let now = cx.now();
        cx.changed(Some(rows::comment(&repo, &comment)), None);
        cx.state.comments.remove(&comment.id);
        cx.state.comments_of.remove(&(repo.id, comment.number, comment.id));
        reactions::forget(cx.state, Subject::Comment(comment.id));
        if let Some(issue) = cx.state.issues.get_mut(&(repo.id, comment.number)) {
            issue.comments = issue.comments.saturating_sub(1);
            issue.updated_at = now;
        }
        Ok(action::Empty)
    }
}
