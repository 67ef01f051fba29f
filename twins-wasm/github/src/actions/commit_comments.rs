//! What is said about commits.

use pome_twin_kit::action::Empty;
use pome_twin_kit::{Action, Cx, Reply, View};
use serde::Deserialize;
use serde_json::{Value, json};

use super::{Page, paging, reactions};
use crate::GitHub;
use crate::access::Access;
use crate::activity::CommitComment;
use crate::error::Error;
use crate::refs::commit_named;
use crate::state::{Permission, Repo, Subject, fold};
use crate::views::reactions::Rollup;
use crate::views::users::{SimpleUser, association};
use crate::views::{HTML, Site};

pub(crate) fn view(site: Site<'_>, id: u64) -> Option<Value> {
    let comment = site.state.activity.commit_comments.get(&id)?;
    let repo = site.state.repos.get(&comment.repo)?;
    let name = repo.full_name();
    let url = format!("{}/repos/{name}/comments/{id}", site.api);
    let subject = Subject::CommitComment(id);
    let mut row = json!({
        "html_url": format!("{HTML}/{name}/commit/{}#commitcomment-{id}", comment.commit),
        "url": url,
        "id": id,
        "node_id": format!("CC_{id}"),
        "body": comment.body,
        "path": comment.path,
        "position": comment.position,
        "line": comment.line,
        "commit_id": comment.commit,
        "user": SimpleUser::of(site, &comment.user),
        "created_at": comment.created_at.to_seconds(),
        "updated_at": comment.updated_at.to_seconds(),
        "author_association": association(site.state, repo, &comment.user),
    });
    row["reactions"] = json!(Rollup { site, subject, of: Some(format_args!("{url}")) });
    Some(row)
}

fn row(repo: &Repo, comment: &CommitComment) -> Value {
    json!({
        "repo": repo.full_name(), "id": comment.id, "commit_sha": comment.commit, "body": comment.body,
        "path": comment.path, "user_login": comment.user,
    })
}

/// One comment.
pub(crate) struct Shown(u64);

impl View<GitHub> for Shown {
    fn rest(&self, cx: &Cx<'_, GitHub>, reply: &mut Reply) {
        if let Some(value) = view(Site::of(cx), self.0) {
            reply.write_json(&value);
        }
    }
}

/// A page of comments.
pub(crate) struct Listed(Page<u64>);

impl View<GitHub> for Listed {
    fn rest(&self, cx: &Cx<'_, GitHub>, reply: &mut Reply) {
        self.0.write(cx, reply, |site, id| view(site, *id));
    }
}

/// Every commit comment of a repository, or those of one commit.
#[derive(Deserialize)]
pub(crate) struct List {
    owner: String,
    repo: String,
    commit_sha: Option<String>,
    page: Option<i64>,
    per_page: Option<i64>,
}

impl Action<GitHub> for List {
    const NAME: &'static str = "list_commit_comments";
    type Output = Listed;

    fn run(self, cx: &mut Cx<'_, GitHub>) -> Result<Listed, Error> {
        let repo = cx.repo(&self.owner, &self.repo)?;
        let commit = self.commit_sha.as_deref().map(|sha| commit_named(cx, repo, sha)).transpose()?;
        let all = cx.state.activity.commit_comments_of(repo.id);
        let ids = all.filter(|comment| commit.is_none_or(|commit| comment.commit == commit)).map(|comment| comment.id);
        Ok(Listed(Page::of(ids, paging(self.page, self.per_page))))
    }
}

/// The comment, if it is one of the repository's.
pub(crate) fn find(cx: &Cx<'_, GitHub>, owner: &str, repo: &str, id: u64) -> Result<CommitComment, Error> {
    let repo = cx.repo(owner, repo)?.id;
    let found = cx.state.activity.commit_comments.get(&id).filter(|comment| comment.repo == repo);
    found.cloned().ok_or_else(Error::not_found)
}

#[derive(Deserialize)]
pub(crate) struct Get {
    owner: String,
    repo: String,
    comment_id: u64,
}

impl Action<GitHub> for Get {
    const NAME: &'static str = "get_commit_comment";
    type Output = Shown;

    fn run(self, cx: &mut Cx<'_, GitHub>) -> Result<Shown, Error> {
        find(cx, &self.owner, &self.repo, self.comment_id).map(|comment| Shown(comment.id))
    }
}

fn text(body: String) -> Result<String, Error> {
    if body.trim().is_empty() { Err(Error::field("CommitComment", "body", "missing_field")) } else { Ok(body) }
}

/// Says something about a commit, or about a place in it.
#[derive(Deserialize)]
pub(crate) struct Create {
    owner: String,
    repo: String,
    commit_sha: String,
    body: String,
    path: Option<String>,
    position: Option<u64>,
    line: Option<u64>,
}

impl Action<GitHub> for Create {
    const NAME: &'static str = "create_commit_comment";
    const MUTATES: bool = true;
    type Output = Shown;

    fn run(self, cx: &mut Cx<'_, GitHub>) -> Result<Shown, Error> {
        let repo = cx.repo_to_write(&self.owner, &self.repo, Permission::Read)?.clone();
        let commit = commit_named(cx, &repo, &self.commit_sha)?;
        let body = text(self.body)?;
        if let Some(path) = &self.path {
            let touched = cx.objects().changes_of(commit)?;
            if !touched.iter().any(|change| change.path == *path) {
                return Err(Error::value("CommitComment", "path", "invalid", path.as_str()));
            }
        }
        let (user, now) = (cx.actor().to_owned(), cx.now());
        cx.state.ensure_user(&user, now);
        let id = cx.state.activity.next_commit_comment.next();
        let comment = CommitComment {
            id,
            repo: repo.id,
            commit,
            body,
            path: self.path,
            position: self.position,
            line: self.line,
            user,
            created_at: now,
            updated_at: now,
        };
        cx.changed(None, Some(row(&repo, &comment)));
        cx.state.activity.commit_comments.insert(id, comment);
        Ok(Shown(id))
    }
}

/// Its author and whoever may write change and delete a comment.
fn to_write(cx: &Cx<'_, GitHub>, owner: &str, name: &str, id: u64) -> Result<(Repo, CommitComment), Error> {
    let comment = find(cx, owner, name, id)?;
    let needed = if fold(&comment.user) == fold(cx.actor()) { Permission::Read } else { Permission::Write };
    Ok((cx.repo_to_write(owner, name, needed)?.clone(), comment))
}

#[derive(Deserialize)]
pub(crate) struct Update {
    owner: String,
    repo: String,
    comment_id: u64,
    body: String,
}

impl Action<GitHub> for Update {
    const NAME: &'static str = "update_commit_comment";
    const MUTATES: bool = true;
    type Output = Shown;

    fn run(self, cx: &mut Cx<'_, GitHub>) -> Result<Shown, Error> {
        let (repo, before) = to_write(cx, &self.owner, &self.repo, self.comment_id)?;
        let after = CommitComment { body: text(self.body)?, updated_at: cx.now(), ..before.clone() };
        cx.changed(Some(row(&repo, &before)), Some(row(&repo, &after)));
        cx.state.activity.commit_comments.insert(after.id, after);
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
    const NAME: &'static str = "delete_commit_comment";
    const MUTATES: bool = true;
    type Output = Empty;

    fn run(self, cx: &mut Cx<'_, GitHub>) -> Result<Empty, Error> {
        let (repo, comment) = to_write(cx, &self.owner, &self.repo, self.comment_id)?;
        cx.changed(Some(row(&repo, &comment)), None);
        cx.state.activity.commit_comments.remove(&comment.id);
        reactions::forget(cx.state, Subject::CommitComment(comment.id));
        Ok(Empty)
    }
}
