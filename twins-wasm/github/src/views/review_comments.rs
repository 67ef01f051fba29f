//! Comments on lines of a pull request, and the threads that they make.

use serde::ser::{Serialize, SerializeMap, Serializer};

use super::pulls::Href;
use super::reactions::Rollup;
use super::users::{SimpleUser, association};
use super::{HTML, Site};
use crate::git::{LineDiff, Objects, Oid, Origin};
use crate::state::{Repo, ReviewComment, Side, State, Subject};

/// `pull-request-review-comment`, which is also a `review-comment`.
pub(crate) struct ReviewCommentView<'a> {
    pub(crate) site: Site<'a>,
    pub(crate) repo: &'a Repo,
    pub(crate) comment: &'a ReviewComment,
}

impl Serialize for ReviewCommentView<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let Self { site, repo, comment } = *self;
        let (api, owner, name, number) = (site.api, &repo.owner, &repo.name, comment.number);
        let id = comment.id;
        let url = format!("{api}/repos/{owner}/{name}/pulls/comments/{id}");
        let html = format!("{HTML}/{owner}/{name}/pull/{number}#discussion_r{id}");
        let pull = format!("{api}/repos/{owner}/{name}/pulls/{number}");
        let anchor = Anchor::of(site.state, comment);
        let mut map = serializer.serialize_map(None)?;
        map.serialize_entry("url", &url)?;
        map.serialize_entry("pull_request_review_id", &comment.review)?;
        map.serialize_entry("id", &id)?;
        map.serialize_entry("node_id", &format_args!("PRRC_{id}"))?;
        map.serialize_entry("diff_hunk", &anchor.hunk)?;
        map.serialize_entry("path", &comment.path)?;
        map.serialize_entry("position", &anchor.position)?;
        map.serialize_entry("original_position", &anchor.original_position)?;
        map.serialize_entry("commit_id", &comment.commit)?;
        map.serialize_entry("original_commit_id", &comment.commit)?;
        map.serialize_entry("user", &SimpleUser::of(site, &comment.user))?;
        map.serialize_entry("body", &comment.body)?;
        map.serialize_entry("created_at", &comment.created_at.to_seconds())?;
        map.serialize_entry("updated_at", &comment.updated_at.to_seconds())?;
        map.serialize_entry("html_url", &html)?;
        map.serialize_entry("pull_request_url", &pull)?;
        map.serialize_entry("author_association", association(site.state, repo, &comment.user))?;
        map.serialize_entry("_links", &Links { url: &url, html: &html, pull: &pull })?;
        map.serialize_entry("start_line", &comment.start_line.filter(|_| !anchor.outdated))?;
        map.serialize_entry("original_start_line", &comment.start_line)?;
        map.serialize_entry("start_side", &comment.start_side.map(Side::name))?;
        map.serialize_entry("line", &anchor.line)?;
        map.serialize_entry("original_line", &comment.line)?;
        map.serialize_entry("side", comment.side.name())?;
        if let Some(parent) = comment.in_reply_to {
            map.serialize_entry("in_reply_to_id", &parent)?;
        }
        map.serialize_entry("subject_type", if comment.line.is_some() { "line" } else { "file" })?;
        let subject = Subject::ReviewComment(id);
        map.serialize_entry("reactions", &Rollup { site, subject, of: Some(format_args!("{url}")) })?;
        map.end()
    }
}

struct Links<'a> {
    url: &'a str,
    html: &'a str,
    pull: &'a str,
}

impl Serialize for Links<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut map = serializer.serialize_map(Some(3))?;
        map.serialize_entry("self", &Href(format_args!("{}", self.url)))?;
        map.serialize_entry("html", &Href(format_args!("{}", self.html)))?;
        map.serialize_entry("pull_request", &Href(format_args!("{}", self.pull)))?;
        map.end()
    }
}

/// Where a comment stands in the difference.
pub(crate) struct Anchor {
    /// The hunk up to the commented line; empty when the line is in none.
    pub(crate) hunk: String,
    /// Lines below the first `@@` of the file at the time of writing.
    original_position: usize,
    /// The same now; `None` when the line is gone.
    pub(crate) position: Option<usize>,
    /// The line now.
    pub(crate) line: Option<u64>,
    pub(crate) outdated: bool,
}

impl Anchor {
    pub(crate) fn of(state: &State, comment: &ReviewComment) -> Self {
        let key = (comment.repo, comment.number);
        let objects = &state.git.objects;
        let head = state.pulls.get(&key).map_or(comment.commit, |pull| pull.head_sha);
        let base = state.pull_base(key).unwrap_or(comment.commit);
        let at = |commit: Oid, line: Option<u64>| {
            line.and_then(|line| locate(objects, base, commit, &comment.path, line, comment.side))
        };
        let original = at(comment.commit, comment.line);
        let line = match comment.side {
            Side::Right => comment.line.and_then(|line| moved(objects, comment.commit, head, &comment.path, line)),
            Side::Left => comment.line,
        };
        let outdated = comment.line.is_some() && line.is_none();
        // Comments on a whole file, or on a line away from every change, stand at the top.
        let position = (!outdated).then(|| at(head, line).map_or(1, |(position, _)| position));
        let (original_position, hunk) = original.unwrap_or((1, String::new()));
        Self { hunk, original_position, position, line, outdated }
    }
}

/// The position of a line in the difference of its file, and its hunk up to it.
fn locate(objects: &Objects, base: Oid, head: Oid, path: &str, line: u64, side: Side) -> Option<(usize, String)> {
    let line = usize::try_from(line).ok()?;
    let changes = objects.changes_between(base, head).ok()?;
    let change = changes.iter().find(|change| change.path == path)?;
    let (old, new) = objects.contents(change).ok()?;
    let mut position = 0;
    for (at, hunk) in LineDiff::of(&old, &new).hunks().iter().enumerate() {
        // Headers of later hunks count as lines.
        position += usize::from(at > 0);
        let mut text = hunk.header();
        for each in &hunk.lines {
            position += 1;
            text.extend_from_slice(each.origin.sign().to_string().as_bytes());
            text.extend_from_slice(each.bytes.strip_suffix(b"\n").unwrap_or(each.bytes));
            let number = if side == Side::Left { each.old } else { each.new };
            if number == Some(line) {
                return Some((position, String::from_utf8_lossy(&text).into_owned()));
            }
            text.push(b'\n');
        }
    }
    None
}

/// The line and side that a position in the difference of a file means.
pub(crate) fn line_at(objects: &Objects, base: Oid, head: Oid, path: &str, wanted: usize) -> Option<(u64, Side)> {
    let changes = objects.changes_between(base, head).ok()?;
    let (old, new) = objects.contents(changes.iter().find(|change| change.path == path)?).ok()?;
    let mut position = 0;
    for (at, hunk) in LineDiff::of(&old, &new).hunks().iter().enumerate() {
        position += usize::from(at > 0);
        for each in &hunk.lines {
            position += 1;
            if position == wanted {
                let side = if each.origin == Origin::Removed { Side::Left } else { Side::Right };
                let line = each.new.or(each.old)?;
                return u64::try_from(line).ok().map(|line| (line, side));
            }
        }
    }
    None
}

/// Where a line of a file in one commit is in another; `None` when it was changed or is gone.
fn moved(objects: &Objects, from: Oid, to: Oid, path: &str, line: u64) -> Option<u64> {
    if from == to {
        return Some(line);
    }
    let content = |commit: Oid| objects.file_at(objects.commit(commit).ok()?.tree, path).ok()?;
    let (old, new) = (content(from)?, content(to)?);
    let mut shift = 0_i64;
    let signed = |number: usize| i64::try_from(number).unwrap_or(i64::MAX);
    let wanted = usize::try_from(line).ok()?;
    for hunk in LineDiff::of(old, new).hunks() {
        if let Some(found) = hunk.lines.iter().find(|each| each.old == Some(wanted)) {
            return found.new.and_then(|number| u64::try_from(number).ok());
        }
        let before = hunk.lines.iter().filter_map(|each| each.old).max().unwrap_or(hunk.old_start);
        if before > wanted {
            break;
        }
        shift += signed(hunk.new_count) - signed(hunk.old_count);
    }
    line.checked_add_signed(shift)
}

/// A conversation about one place, as the official server's tools show it.
pub(crate) struct ThreadView<'a> {
    pub(crate) site: Site<'a>,
    pub(crate) repo: &'a Repo,
    /// The first comment and the replies to it.
    pub(crate) comments: Vec<&'a ReviewComment>,
}

impl Serialize for ThreadView<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let first = self.comments.first();
        let resolved = first.is_some_and(|comment| comment.resolved_by.is_some());
        let outdated = first.is_some_and(|comment| Anchor::of(self.site.state, comment).outdated);
        let rows: Vec<_> = self.comments.iter().map(|comment| ThreadComment { thread: self, comment }).collect();
        let mut map = serializer.serialize_map(None)?;
        map.serialize_entry("id", &format_args!("PRRT_{}", first.map_or(0, |comment| comment.id)))?;
        map.serialize_entry("is_resolved", &resolved)?;
        map.serialize_entry("is_outdated", &outdated)?;
        map.serialize_entry("is_collapsed", &resolved)?;
        map.serialize_entry("comments", &rows)?;
        map.serialize_entry("total_count", &rows.len())?;
        map.end()
    }
}

struct ThreadComment<'a> {
    thread: &'a ThreadView<'a>,
    comment: &'a ReviewComment,
}

impl Serialize for ThreadComment<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let (repo, comment) = (self.thread.repo, self.comment);
        let (owner, name, number, id) = (&repo.owner, &repo.name, comment.number, comment.id);
        let mut map = serializer.serialize_map(None)?;
        map.serialize_entry("body", &comment.body)?;
        map.serialize_entry("path", &comment.path)?;
        if let Some(line) = Anchor::of(self.thread.site.state, comment).line {
            map.serialize_entry("line", &line)?;
        }
        map.serialize_entry("author", &comment.user)?;
        map.serialize_entry("created_at", &comment.created_at.to_seconds())?;
        map.serialize_entry("updated_at", &comment.updated_at.to_seconds())?;
        map.serialize_entry("html_url", &format_args!("{HTML}/{owner}/{name}/pull/{number}#discussion_r{id}"))?;
        map.end()
    }
}
