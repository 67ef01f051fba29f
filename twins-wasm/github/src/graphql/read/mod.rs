//! The fields of every object, by area. Nothing here changes the state.

mod accounts;
mod checks;
mod commits;
mod issues;
mod pulls;
mod releases;
mod repositories;
mod reviews;
mod search;

use pome_twin_kit::Cx;
use pome_twin_kit::graphql::{Field, GraphError, Resolved};

use super::node::{self, Node};
use super::{Answer, at, no_node, not_found, unanswered};
use crate::GitHub;
use crate::access::Access;
use crate::state::{Repo, RepoId};
use crate::views::HTML;

pub(super) use issues::{NAMES, reaction_groups};

/// Answers a field of an object.
pub(super) fn field(cx: &mut Cx<'_, GitHub>, object: &Node, field: &Field<'_>) -> Answer {
    if field.name == "id" {
        return Ok(object.id(cx.state).into());
    }
    match object {
        Node::Query => query(cx, field),
        Node::Mutation => Err(unanswered("Mutation", field.name)),
        Node::Account(login) => accounts::account(cx, login, field),
        Node::Repository(id) => repositories::repository(cx, *id, field),
        Node::Topic(repo, name) => repositories::topic(cx, *repo, name, field),
        Node::Language(repo) => repositories::language(cx, *repo, field),
        Node::Issue(key) => issues::issue(cx, *key, field),
        Node::Pull(key) => pulls::pull(cx, *key, field),
        Node::PullCommit(key, oid) => pulls::pull_commit(cx, *key, *oid, field),
        Node::ReviewRequest(key, login) => pulls::review_request(*key, login, field),
        Node::Comment(id) => issues::comment(cx, *id, field),
        Node::Label(repo, name) => issues::label(cx, *repo, name, field),
        Node::Milestone(key) => issues::milestone(cx, *key, field),
        Node::Reaction(subject, id) => issues::reaction(cx, (*subject, *id), field),
        Node::Review(key) => reviews::review(cx, *key, field),
        Node::Thread(id) => reviews::thread(cx, *id, field),
        Node::ReviewComment(id) => reviews::comment(cx, *id, field),
        Node::Ref(repo, name) => commits::git_ref(cx, *repo, name, field),
        Node::Commit(repo, oid) => commits::commit(cx, *repo, *oid, field),
        Node::Tree(repo, oid) => commits::tree(cx, *repo, *oid, field),
        Node::Blob(repo, oid) => commits::blob(cx, *repo, *oid, field),
        Node::Tag(repo, oid) => commits::tag(cx, *repo, *oid, field),
        Node::StatusContext(repo, id) => checks::context(cx, *repo, *id, field),
        Node::CheckRun(repo, id) => checks::run(cx, *repo, *id, field),
        Node::CheckSuite(repo, id) => checks::suite(cx, *repo, *id, field),
        Node::Rollup(repo, oid) => checks::rollup(cx, *repo, *oid, field),
        Node::Status(repo, oid) => checks::status(cx, *repo, *oid, field),
        Node::Release(repo, id) => releases::release(cx, *repo, *id, field),
    }
}

fn query(cx: &mut Cx<'_, GitHub>, field: &Field<'_>) -> Answer {
    let text = |name: &str| field.text(name).unwrap_or_default();
    match field.name {
        "viewer" => Ok(Resolved::Object(Node::Account(cx.actor().to_owned()))),
        "node" => node::find(cx, text("id")).map(Resolved::Object).ok_or_else(|| no_node(text("id"))),
        "nodes" => {
            let ids = field.texts("ids").unwrap_or_default();
            let found: Result<Vec<_>, _> =
                ids.iter().map(|id| node::find(cx, id).map(Resolved::Object).ok_or_else(|| no_node(id))).collect();
            found.map(Resolved::List)
        }
        "repository" => {
            let (owner, name) = (text("owner"), text("name"));
            let found = cx.repo(owner, name).map(|repo| Resolved::Object(Node::Repository(repo.id)));
            found.map_err(|_| not_found(format!("Could not resolve to a Repository with the name '{owner}/{name}'.")))
        }
        "user" | "organization" | "repositoryOwner" => accounts::of_login(cx, field),
        "search" => search::search(cx, field),
        "resource" => Ok(Resolved::maybe(search::resource(cx, text("url")))),
        "rateLimit" => Ok(Resolved::record(vec![
            ("limit", 5000.into()),
            ("cost", 1.into()),
            ("remaining", 5000.into()),
            ("used", 0.into()),
            ("nodeCount", 0.into()),
            ("resetAt", at(pome_twin_kit::clock::Time(cx.now().0 + 3_600_000))),
        ])),
        other => Err(unanswered("Query", other)),
    }
}

/// The repository of a node that was found through it.
fn repo_of<'a>(cx: &'a Cx<'_, GitHub>, id: RepoId) -> Result<&'a Repo, GraphError> {
    cx.state.repos.get(&id).ok_or_else(|| not_found("Could not resolve to a Repository"))
}

/// A page for people.
fn page(repo: &Repo, rest: &str) -> Resolved<Node> {
    format!("{HTML}/{}/{}{rest}", repo.owner, repo.name).into()
}

/// The same without the host.
fn path(repo: &Repo, rest: &str) -> Resolved<Node> {
    format!("/{}/{}{rest}", repo.owner, repo.name).into()
}

fn account(login: &str) -> Resolved<Node> {
    Resolved::Object(Node::Account(login.to_owned()))
}

/// What an object points to is not there any more.
pub(super) fn gone() -> GraphError {
    not_found("Could not resolve to a node")
}

/// Sorts as `orderBy` says: `rank` gives the key of a field's name.
fn ordered<K: Ord, I>(field: &Field<'_>, items: &mut [I], rank: impl Fn(&I, &str) -> K) {
    let order = field.object("orderBy");
    let member = |name: &str| order.and_then(|order| order.get(name)).and_then(serde_json::Value::as_str);
    if let Some(by) = member("field") {
        items.sort_by_key(|item| rank(item, by));
        if member("direction") == Some("DESC") {
            items.reverse();
        }
    }
}
