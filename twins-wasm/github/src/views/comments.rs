//! Conversation comments of issues and pull requests.

use serde::ser::{Serialize, SerializeMap, Serializer};

use super::reactions::Rollup;
use super::users::{SimpleUser, ToolUser, association};
use super::{HTML, Site};
use crate::state::{Comment, Repo, Subject};

/// The page of a comment for people.
fn html_url<S: SerializeMap>(map: &mut S, site: Site<'_>, repo: &Repo, comment: &Comment) -> Result<(), S::Error> {
    let kind = if site.state.is_pull((repo.id, comment.number)) { "pull" } else { "issues" };
    let (owner, name, number, id) = (&repo.owner, &repo.name, comment.number, comment.id);
    map.serialize_entry("html_url", &format_args!("{HTML}/{owner}/{name}/{kind}/{number}#issuecomment-{id}"))
}

/// `issue-comment`
pub(crate) struct CommentView<'a> {
    pub(crate) site: Site<'a>,
    pub(crate) repo: &'a Repo,
    pub(crate) comment: &'a Comment,
}

impl Serialize for CommentView<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let (site, repo, comment) = (self.site, self.repo, self.comment);
        let (api, owner, name, id) = (site.api, &repo.owner, &repo.name, comment.id);
        let mut map = serializer.serialize_map(None)?;
        map.serialize_entry("url", &format_args!("{api}/repos/{owner}/{name}/issues/comments/{id}"))?;
        html_url(&mut map, site, repo, comment)?;
        map.serialize_entry("issue_url", &format_args!("{api}/repos/{owner}/{name}/issues/{}", comment.number))?;
        map.serialize_entry("id", &id)?;
        map.serialize_entry("node_id", &format_args!("IC_{id}"))?;
        map.serialize_entry("user", &SimpleUser::of(site, &comment.user))?;
        map.serialize_entry("created_at", &comment.created_at.to_seconds())?;
        map.serialize_entry("updated_at", &comment.updated_at.to_seconds())?;
        map.serialize_entry("body", &comment.body)?;
        map.serialize_entry("author_association", association(site.state, repo, &comment.user))?;
        map.serialize_entry("performed_via_github_app", &None::<&str>)?;
        let of = format_args!("{api}/repos/{owner}/{name}/issues/comments/{id}");
        map.serialize_entry("reactions", &Rollup { site, subject: Subject::Comment(id), of: Some(of) })?;
        map.end()
    }
}

/// A comment as the official server's tools show it.
pub(crate) struct ToolComment<'a> {
    pub(crate) site: Site<'a>,
    pub(crate) repo: &'a Repo,
    pub(crate) comment: &'a Comment,
}

impl Serialize for ToolComment<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let (site, repo, comment) = (self.site, self.repo, self.comment);
        let mut map = serializer.serialize_map(None)?;
        map.serialize_entry("id", &comment.id)?;
        map.serialize_entry("body", &comment.body)?;
        html_url(&mut map, site, repo, comment)?;
        map.serialize_entry("user", &ToolUser::of(site, &comment.user))?;
        map.serialize_entry("author_association", association(site.state, repo, &comment.user))?;
        let reactions = Rollup { site, subject: Subject::Comment(comment.id), of: None };
        if !reactions.is_empty() {
            map.serialize_entry("reactions", &reactions)?;
        }
        map.serialize_entry("created_at", &comment.created_at.to_seconds())?;
        map.serialize_entry("updated_at", &comment.updated_at.to_seconds())?;
        map.end()
    }
}

/// What the tools answer after something was written: its number as text and its page.
pub(crate) struct CommentReceipt<'a> {
    pub(crate) site: Site<'a>,
    pub(crate) repo: &'a Repo,
    pub(crate) comment: &'a Comment,
}

impl Serialize for CommentReceipt<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let (owner, name, number, id) = (&self.repo.owner, &self.repo.name, self.comment.number, self.comment.id);
        let kind = if self.site.state.is_pull((self.repo.id, number)) { "pull" } else { "issues" };
        let mut map = serializer.serialize_map(Some(2))?;
        map.serialize_entry("id", &format_args!("{id}"))?;
        map.serialize_entry("url", &format_args!("{HTML}/{owner}/{name}/{kind}/{number}#issuecomment-{id}"))?;
        map.end()
    }
}
