//! Search, and addresses that lead to objects.

use pome_twin_kit::Cx;
use pome_twin_kit::graphql::{Field, GraphError, Resolved};

use super::super::{Answer, paging};
use super::Node;
use crate::GitHub;
use crate::access::Access;
use crate::actions::search;
use crate::views::HTML;

/// Counts of every kind; only the one that was searched for is not zero.
const COUNTS: [&str; 6] = ["issueCount", "repositoryCount", "userCount", "discussionCount", "codeCount", "wikiCount"];

pub(super) fn search(cx: &Cx<'_, GitHub>, field: &Field<'_>) -> Answer {
    let query = field.text("query").unwrap_or_default();
    let (found, counted): (Vec<Node>, &str) = match field.text("type") {
        // An empty query finds nothing here, where REST refuses it.
        _ if query.trim().is_empty() => (Vec::new(), ""),
        Some("REPOSITORY") => {
            (search::repos::keys(cx, query)?.into_iter().map(Node::Repository).collect(), "repositoryCount")
        }
        Some("USER") => (search::users::keys(cx, query)?.into_iter().map(Node::Account).collect(), "userCount"),
        Some("ISSUE" | "ISSUE_ADVANCED" | "ISSUE_SEMANTIC" | "ISSUE_HYBRID") => {
            let keys = search::issues::keys(cx, query)?.into_iter();
            (keys.map(|key| Node::numbered(cx.state, key)).collect(), "issueCount")
        }
        other => {
            let message = format!("This twin does not model searching for {}", other.unwrap_or("nothing"));
            return Err(GraphError { unmodelled: true, ..GraphError::of_kind("NOT_MODELLED", message) });
        }
    };
    let total = found.len();
    let all = found.into_iter().map(Resolved::Object).collect();
    paging::page_with(cx, field, all, |connection| {
        for name in COUNTS {
            connection.fields.push((name, (if name == counted { total } else { 0 }).into()));
        }
    })
}

/// The object behind a page for people.
pub(super) fn resource(cx: &Cx<'_, GitHub>, url: &str) -> Option<Node> {
    let rest = url.strip_prefix(HTML)?.split(['?', '#']).next()?;
    let parts: Vec<&str> = rest.split('/').filter(|part| !part.is_empty()).collect();
    let (owner, rest) = parts.split_first()?;
    let Some((name, rest)) = rest.split_first() else {
        return cx.state.user(owner).map(|user| Node::Account(user.login.clone()));
    };
    let repo = cx.repo(owner, name).ok()?;
    match rest {
        [] => Some(Node::Repository(repo.id)),
        ["issues" | "pull", number, ..] => {
            let key = (repo.id, number.parse().ok()?);
            cx.state.issues.contains(&key).then(|| Node::numbered(cx.state, key))
        }
        ["commit", sha, ..] => cx.state.revision(repo, sha).map(|oid| Node::Commit(repo.id, oid)),
        ["milestone", number] => {
            let key = (repo.id, number.parse().ok()?);
            cx.state.milestones.contains(&key).then_some(Node::Milestone(key))
        }
        _ => None,
    }
}
