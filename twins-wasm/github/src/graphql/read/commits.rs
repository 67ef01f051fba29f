//! Refs and git objects.

use pome_twin_kit::Cx;
use pome_twin_kit::clock::Time;
use pome_twin_kit::graphql::{Field, Resolved};
use serde_json::Value;

use super::super::{Answer, GraphError, at, paging, unanswered};
use super::{Node, checks, gone, ordered, page, path, pulls, repo_of};
use crate::GitHub;
use crate::access::Access;
use crate::git::{Mode, Oid, Signature, is_binary};
use crate::state::{RepoId, fold, heads};
use crate::views::commits::{time, user_of};

/// A ref by its full name, or by the short one of a branch or tag.
pub(super) fn named_ref(cx: &Cx<'_, GitHub>, repo: RepoId, name: &str) -> Option<Node> {
    let names = [name.to_owned(), heads(name), format!("refs/tags/{name}"), format!("refs/{name}")];
    names.into_iter().find(|name| cx.state.refs.contains(&(repo, name.clone()))).map(|name| Node::Ref(repo, name))
}

/// Refs under a prefix such as `refs/heads/`.
pub(super) fn refs(cx: &Cx<'_, GitHub>, repo: RepoId, field: &Field<'_>) -> Answer {
    let prefix = field.text("refPrefix").unwrap_or_default();
    let query = field.text("query").map(fold).unwrap_or_default();
    let mut names: Vec<_> = cx
        .state
        .refs_of(repo, prefix)
        .filter(|(name, _)| name.strip_prefix(prefix).is_some_and(|rest| fold(rest).contains(&query)))
        .collect();
    ordered(field, &mut names, |(name, git_ref), by| match by {
        "TAG_COMMIT_DATE" => (committed(cx, git_ref.oid), (*name).to_owned()),
        _ => (Time(0), (*name).to_owned()),
    });
    if field.object("orderBy").is_none() && field.text("direction") == Some("DESC") {
        names.reverse();
    }
    paging::nodes(cx, field, names.into_iter().map(|(name, _)| Node::Ref(repo, name.to_owned())))
}

fn committed(cx: &Cx<'_, GitHub>, oid: Oid) -> Time {
    let objects = cx.objects();
    let commit = objects.peel(oid).and_then(|oid| objects.commit(oid));
    commit.map(|commit| time(&commit.committer)).unwrap_or_default()
}

/// `object(oid:)` or `object(expression:)`; the latter may name a path: `main:src/lib.rs`.
pub(super) fn object(cx: &Cx<'_, GitHub>, id: RepoId, field: &Field<'_>) -> Answer {
    let repo = repo_of(cx, id)?;
    let state = &*cx.state;
    let found = match (field.text("oid"), field.text("expression")) {
        (Some(oid), _) => Oid::parse(oid).filter(|oid| state.sees(id, *oid)),
        (None, Some(expression)) => match expression.split_once(':') {
            Some((revision, path)) => {
                let revision = if revision.is_empty() { "HEAD" } else { revision };
                let tree = state.revision_tree(repo, revision);
                let path = path.trim_matches('/');
                match tree {
                    Some(tree) if path.is_empty() => Some(tree),
                    Some(tree) => cx.objects().entry_at(tree, path)?.map(|entry| entry.oid),
                    None => None,
                }
            }
            None => state.revision(repo, expression),
        },
        (None, None) => None,
    };
    Ok(Resolved::maybe(found.and_then(|oid| Node::object(state, id, oid))))
}

pub(super) fn git_ref(cx: &Cx<'_, GitHub>, repo: RepoId, name: &str, field: &Field<'_>) -> Answer {
    let git_ref = cx.state.refs.get(&(repo, name.to_owned())).ok_or_else(gone)?;
    let cut = ["refs/heads/", "refs/tags/", "refs/"].into_iter().find(|prefix| name.starts_with(prefix)).unwrap_or("");
    let short = name.strip_prefix(cut).unwrap_or(name);
    Ok(match field.name {
        "name" => short.into(),
        "prefix" => cut.into(),
        "target" => Resolved::maybe(Node::object(cx.state, repo, git_ref.oid)),
        "repository" => Resolved::Object(Node::Repository(repo)),
        "associatedPullRequests" => {
            let branch = short.to_owned();
            let repos = super::repositories::visible(cx);
            return pulls::listed(cx, field, &repos, |_, pull| pull.head_repo == repo && pull.head_ref == branch);
        }
        "branchProtectionRule" => protection(cx, repo, short),
        other => return Err(unanswered("Ref", other)),
    })
}

/// The classic protection of a branch.
fn protection(cx: &Cx<'_, GitHub>, repo: RepoId, branch: &str) -> Resolved<Node> {
    let Some(protection) = cx.state.protection(repo, branch) else { return Resolved::NULL };
    let rules = &protection.rules;
    let id = pome_twin_kit::ids::hash_id(&format!("{repo}/protection/{branch}"));
    Resolved::record(vec![
        ("id", format!("BPR_{id}").into()),
        ("databaseId", id.into()),
        ("pattern", branch.into()),
        ("requiresApprovingReviews", rules.reviews.is_some().into()),
        ("requiredApprovingReviewCount", rules.reviews.as_ref().map(|reviews| reviews.approvals).into()),
        ("requiresCodeOwnerReviews", rules.reviews.as_ref().is_some_and(|reviews| reviews.code_owners).into()),
        ("requiresStatusChecks", rules.checks.is_some().into()),
        ("requiresStrictStatusChecks", rules.checks.as_ref().is_some_and(|checks| checks.strict).into()),
        ("isAdminEnforced", protection.enforce_admins.into()),
        ("allowsForcePushes", (!rules.no_force).into()),
        ("allowsDeletions", (!rules.no_deletion).into()),
    ])
}

/// Who signed a commit or tag, and when.
fn actor(cx: &Cx<'_, GitHub>, signature: &Signature) -> Resolved<Node> {
    let user = user_of(cx.state, signature);
    let avatar = user.map_or_else(
        || "https://avatars.githubusercontent.com/u/0?v=4".to_owned(),
        |user| format!("https://avatars.githubusercontent.com/u/{}?v=4", user.id()),
    );
    Resolved::record(vec![
        ("name", signature.name.clone().into()),
        ("email", signature.email.clone().into()),
        ("date", at(time(signature))),
        ("user", Resolved::maybe(user.map(|user| Node::Account(user.login.clone())))),
        ("avatarUrl", avatar.into()),
    ])
}

/// The fields of every git object.
fn common(
    cx: &Cx<'_, GitHub>,
    repo: RepoId,
    oid: Oid,
    field: &Field<'_>,
) -> Result<Option<Resolved<Node>>, GraphError> {
    let row = repo_of(cx, repo)?;
    Ok(Some(match field.name {
        "oid" => oid.to_string().into(),
        "abbreviatedOid" => cx.objects().abbreviate(oid).into(),
        "commitUrl" => page(row, &format!("/commit/{oid}")),
        "commitResourcePath" => path(row, &format!("/commit/{oid}")),
        "repository" => Resolved::Object(Node::Repository(repo)),
        _ => return Ok(None),
    }))
}

pub(super) fn commit(cx: &Cx<'_, GitHub>, repo: RepoId, oid: Oid, field: &Field<'_>) -> Answer {
    if let Some(answer) = common(cx, repo, oid, field)? {
        return Ok(answer);
    }
    let row = repo_of(cx, repo)?;
    let commit = cx.objects().commit(oid)?.clone();
    let (subject, body) = commit.message.split_once('\n').unwrap_or((&commit.message, ""));
    Ok(match field.name {
        "message" => commit.message.trim_end().into(),
        "messageHeadline" => subject.into(),
        "messageBody" => body.trim().into(),
        "author" => actor(cx, &commit.author),
        "committer" => actor(cx, &commit.committer),
        "authors" => return paging::page(cx, field, vec![actor(cx, &commit.author)]),
        "authoredByCommitter" => (commit.author.email == commit.committer.email).into(),
        "committedViaWeb" => false.into(),
        "committedDate" => at(time(&commit.committer)),
        "authoredDate" => at(time(&commit.author)),
        "pushedDate" => Resolved::NULL,
        "url" => page(row, &format!("/commit/{oid}")),
        "resourcePath" => path(row, &format!("/commit/{oid}")),
        "treeUrl" => page(row, &format!("/tree/{oid}")),
        "treeResourcePath" => path(row, &format!("/tree/{oid}")),
        "tarballUrl" => format!("https://codeload.github.com/{}/legacy.tar.gz/{oid}", row.full_name()).into(),
        "zipballUrl" => format!("https://codeload.github.com/{}/legacy.zip/{oid}", row.full_name()).into(),
        "tree" => Resolved::Object(Node::Tree(repo, commit.tree)),
        "parents" => return paging::nodes(cx, field, commit.parents.iter().map(|parent| Node::Commit(repo, *parent))),
        "history" => return history(cx, repo, oid, field),
        "associatedPullRequests" => {
            let here: Vec<u64> = associated(cx, repo, oid)?;
            return pulls::listed(cx, field, &[repo], |issue, _| here.contains(&issue.number));
        }
        "statusCheckRollup" => checks::rollup_of(cx.state, repo, oid),
        "status" => {
            let any = !cx.state.latest_statuses(repo, oid).is_empty();
            Resolved::maybe(any.then_some(Node::Status(repo, oid)))
        }
        "checkSuites" => return checks::suites(cx, repo, oid, field),
        "additions" | "deletions" | "changedFilesIfAvailable" => {
            let changes = cx.objects().changes_of(oid)?;
            let (mut additions, mut deletions) = (0, 0);
            for change in &changes {
                let patch = cx.objects().patch(change)?;
                additions += patch.additions;
                deletions += patch.deletions;
            }
            match field.name {
                "additions" => additions.into(),
                "deletions" => deletions.into(),
                _ => changes.len().into(),
            }
        }
        other => return Err(unanswered("Commit", other)),
    })
}

/// Pull requests that have a commit, and the merged one that brought it.
fn associated(cx: &Cx<'_, GitHub>, repo: RepoId, oid: Oid) -> Result<Vec<u64>, GraphError> {
    let mut numbers = Vec::new();
    for pull in cx.state.pulls_of(repo) {
        let base = cx.state.pull_base((repo, pull.number)).unwrap_or(pull.base_sha);
        if pull.merge_commit_sha == Some(oid) || cx.objects().compare(base, pull.head_sha)?.commits.contains(&oid) {
            numbers.push(pull.number);
        }
    }
    Ok(numbers)
}

fn history(cx: &Cx<'_, GitHub>, repo: RepoId, oid: Oid, field: &Field<'_>) -> Answer {
    let limit = |name: &str| field.text(name).and_then(Time::parse);
    let (since, until) = (limit("since"), limit("until"));
    let emails = field.object("author").and_then(|author| author.get("emails")).and_then(Value::as_array).cloned();
    let author = field.object("author").and_then(|author| author.get("id")).and_then(Value::as_str);
    let log: Vec<Oid> = match field.text("path").map(|path| path.trim_matches('/')).filter(|path| !path.is_empty()) {
        Some(path) => cx.objects().log_of_path(oid, path)?.collect(),
        None => cx.objects().log(oid)?.collect(),
    };
    let mut commits = Vec::new();
    for oid in log {
        let commit = cx.objects().commit(oid)?;
        let when = time(&commit.committer);
        let by_email = emails.as_ref().is_none_or(|emails| {
            emails
                .iter()
                .any(|email| email.as_str().is_some_and(|email| commit.author.email.eq_ignore_ascii_case(email)))
        });
        let by_id = author.is_none_or(|id| {
            user_of(cx.state, &commit.author).is_some_and(|user| Node::Account(user.login.clone()).id(cx.state) == id)
        });
        if since.is_none_or(|since| when >= since) && until.is_none_or(|until| when <= until) && by_email && by_id {
            commits.push(Node::Commit(repo, oid));
        }
    }
    paging::nodes(cx, field, commits)
}

pub(super) fn tree(cx: &Cx<'_, GitHub>, repo: RepoId, oid: Oid, field: &Field<'_>) -> Answer {
    if let Some(answer) = common(cx, repo, oid, field)? {
        return Ok(answer);
    }
    if field.name != "entries" {
        return Err(unanswered("Tree", field.name));
    }
    let tree = cx.objects().tree(oid)?.clone();
    let entries = tree.entries().iter().map(|entry| {
        let kind = match entry.mode {
            Mode::Tree => "tree",
            Mode::Submodule => "commit",
            _ => "blob",
        };
        let size = cx.objects().blob(entry.oid).map_or(0, |bytes| bytes.len());
        let name = entry.name.to_string();
        let extension = name.rsplit_once('.').map(|(_, extension)| format!(".{extension}"));
        Resolved::record(vec![
            ("name", name.as_str().into()),
            ("path", name.as_str().into()),
            ("extension", extension.into()),
            ("mode", u32::from_str_radix(entry.mode.as_str(), 8).unwrap_or_default().into()),
            ("type", kind.into()),
            ("oid", entry.oid.to_string().into()),
            ("size", size.into()),
            ("object", Resolved::maybe(Node::object(cx.state, repo, entry.oid))),
        ])
    });
    Ok(Resolved::List(entries.collect()))
}

pub(super) fn blob(cx: &Cx<'_, GitHub>, repo: RepoId, oid: Oid, field: &Field<'_>) -> Answer {
    if let Some(answer) = common(cx, repo, oid, field)? {
        return Ok(answer);
    }
    let bytes = cx.objects().blob(oid)?;
    let binary = is_binary(bytes);
    Ok(match field.name {
        "byteSize" => bytes.len().into(),
        "isBinary" => binary.into(),
        "isTruncated" => false.into(),
        "text" => Resolved::Leaf(std::str::from_utf8(bytes).ok().filter(|_| !binary).into()),
        other => return Err(unanswered("Blob", other)),
    })
}

pub(super) fn tag(cx: &Cx<'_, GitHub>, repo: RepoId, oid: Oid, field: &Field<'_>) -> Answer {
    if let Some(answer) = common(cx, repo, oid, field)? {
        return Ok(answer);
    }
    let tag = cx.objects().tag(oid)?;
    Ok(match field.name {
        "name" => tag.name.clone().into(),
        "message" => tag.message.trim_end().into(),
        "tagger" => tag.tagger.as_ref().map_or(Resolved::NULL, |tagger| actor(cx, tagger)),
        "target" => Resolved::maybe(Node::object(cx.state, repo, tag.object)),
        other => return Err(unanswered("Tag", other)),
    })
}
