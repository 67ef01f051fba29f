//! Repositories and what is listed on them.

use pome_twin_kit::Cx;
use pome_twin_kit::graphql::{Field, Resolved};
use serde_json::Value;

use super::super::{Answer, at, not_found, paging, unanswered};
use super::{Node, account, accounts, commits, issues, ordered, page, path, pulls, releases, repo_of};
use crate::GitHub;
use crate::access::Access;
use crate::state::{Permission, Repo, RepoId, UserKind};

/// Every repository that the caller sees.
pub(super) fn visible(cx: &Cx<'_, GitHub>) -> Vec<RepoId> {
    cx.state.repos.values().filter(|repo| cx.permission(repo).is_some()).map(|repo| repo.id).collect()
}

/// A page of repositories, filtered and ordered as asked for.
pub(super) fn listed(cx: &Cx<'_, GitHub>, field: &Field<'_>, ids: &[RepoId]) -> Answer {
    let mut found: Vec<&Repo> = ids.iter().filter_map(|id| cx.state.repos.get(id)).collect();
    if let Some(privacy) = field.text("privacy").or_else(|| field.text("visibility")) {
        found.retain(|repo| repo.private == (privacy == "PRIVATE"));
    }
    for (name, holds) in [
        ("isFork", (|repo| repo.parent.is_some()) as fn(&Repo) -> bool),
        ("isArchived", |repo| repo.archived),
        ("hasIssuesEnabled", |repo| repo.has_issues),
    ] {
        if let Some(wanted) = field.flag(name) {
            found.retain(|repo| holds(repo) == wanted);
        }
    }
    ordered(field, &mut found, |repo, by| match by {
        "NAME" => (repo.name.to_lowercase(), 0),
        "UPDATED_AT" => (String::new(), repo.updated_at.0),
        "PUSHED_AT" => (String::new(), repo.pushed_at.0),
        "CREATED_AT" => (String::new(), repo.created_at.0),
        _ => (String::new(), repo.id),
    });
    paging::nodes(cx, field, found.into_iter().map(|repo| Node::Repository(repo.id)))
}

pub(super) fn repository(cx: &mut Cx<'_, GitHub>, id: RepoId, field: &Field<'_>) -> Answer {
    if let Some(answer) = entries(cx, id, field) {
        return answer;
    }
    let repo = repo_of(cx, id)?;
    let state = &*cx.state;
    let held = cx.permission(repo);
    let may = |needed: Permission| Resolved::leaf(held >= Some(needed));
    Ok(match field.name {
        "databaseId" => repo.id.into(),
        "name" => repo.name.as_str().into(),
        "nameWithOwner" => repo.full_name().into(),
        "owner" => account(&repo.owner),
        "description" => repo.description.clone().into(),
        "homepageUrl" => repo.homepage.clone().into(),
        "url" => page(repo, ""),
        "resourcePath" => path(repo, ""),
        "sshUrl" => format!("git@github.com:{}.git", repo.full_name()).into(),
        "isPrivate" => repo.private.into(),
        "isFork" => repo.parent.is_some().into(),
        "isArchived" => repo.archived.into(),
        "isDisabled" | "isLocked" | "isMirror" => false.into(),
        "isEmpty" => state.is_empty(id).into(),
        "isTemplate" => repo.is_template.into(),
        "isInOrganization" => state.user(&repo.owner).is_some_and(|owner| owner.kind == UserKind::Organization).into(),
        "isBlankIssuesEnabled" => true.into(),
        "visibility" => (if repo.private { "PRIVATE" } else { "PUBLIC" }).into(),
        "createdAt" => at(repo.created_at),
        "updatedAt" => at(repo.updated_at),
        "pushedAt" => at(repo.pushed_at),
        "parent" => Resolved::maybe(repo.parent.filter(|parent| state.repos.contains(parent)).map(Node::Repository)),
        "templateRepository" => Resolved::NULL,
        "forkCount" => state.repos.values().filter(|other| other.parent == Some(id)).count().into(),
        "stargazerCount" | "diskUsage" => 0.into(),
        "hasIssuesEnabled" => repo.has_issues.into(),
        "hasProjectsEnabled" => repo.has_projects.into(),
        "hasWikiEnabled" => repo.has_wiki.into(),
        "hasDiscussionsEnabled" => repo.has_discussions.into(),
        "mergeCommitAllowed" => repo.allow_merge_commit.into(),
        "squashMergeAllowed" => repo.allow_squash_merge.into(),
        "rebaseMergeAllowed" => repo.allow_rebase_merge.into(),
        "autoMergeAllowed" => repo.allow_auto_merge.into(),
        "deleteBranchOnMerge" => repo.delete_branch_on_merge.into(),
        "viewerPermission" => held.map(|held| held.role().to_uppercase()).into(),
        "viewerCanAdminister" => may(Permission::Admin),
        "viewerDefaultMergeMethod" => {
            let first = [(repo.allow_merge_commit, "MERGE"), (repo.allow_squash_merge, "SQUASH")];
            first.iter().find(|(allowed, _)| *allowed).map_or("REBASE", |(_, method)| method).into()
        }
        "viewerDefaultCommitEmail" => state.user(cx.actor()).map(crate::state::User::commit_email).into(),
        "viewerPossibleCommitEmails" => {
            Resolved::Leaf(state.user(cx.actor()).map(|user| vec![user.commit_email()]).into())
        }
        "primaryLanguage" => Resolved::maybe(repo.language.is_some().then_some(Node::Language(id))),
        "issueTemplates" | "pullRequestTemplates" => Resolved::List(Vec::new()),
        other => return Err(unanswered("Repository", other)),
    })
}

/// What a repository lists or finds by a name or number.
fn entries(cx: &mut Cx<'_, GitHub>, id: RepoId, field: &Field<'_>) -> Option<Answer> {
    let state = &*cx.state;
    let repo = state.repos.get(&id)?;
    let number = field.number("number").and_then(|number| u64::try_from(number).ok()).unwrap_or_default();
    let text = |name: &str| field.text(name).unwrap_or_default();
    let collaborators = || {
        let mut logins: Vec<String> = state.collaborators_of(id).map(|place| place.login.clone()).collect();
        if state.user(&repo.owner).is_none_or(|owner| owner.kind == UserKind::User) {
            logins.push(repo.owner.clone());
        }
        logins
    };
    let key = (id, number);
    let missing = |what: &str| Err(not_found(format!("Could not resolve to {what} with the number of {number}.")));
    Some(match field.name {
        "issue" if state.issues.contains(&key) && !state.is_pull(key) => Ok(Resolved::Object(Node::Issue(key))),
        "issue" => missing("an Issue"),
        "pullRequest" if state.is_pull(key) => Ok(Resolved::Object(Node::Pull(key))),
        "pullRequest" => missing("a PullRequest"),
        "issueOrPullRequest" if state.issues.contains(&key) => Ok(Resolved::Object(Node::numbered(state, key))),
        "issueOrPullRequest" => missing("an issue or pull request"),
        "issues" => issues::listed(cx, field, &[id], |_| true),
        "pullRequests" => pulls::listed(cx, field, &[id], |_, _| true),
        "label" => Ok(Resolved::maybe(state.label(id, text("name")).map(|label| Node::Label(id, label.name.clone())))),
        "labels" => issues::labels(cx, id, field),
        "milestone" => Ok(Resolved::maybe(state.milestones.contains(&key).then_some(Node::Milestone(key)))),
        "milestones" => issues::milestones(cx, id, field),
        "release" => Ok(Resolved::maybe(releases::tagged(cx, id, text("tagName")))),
        "releases" => releases::listed(cx, id, field),
        "latestRelease" => Ok(Resolved::maybe(releases::latest(cx, id))),
        "assignableUsers" | "mentionableUsers" | "collaborators" | "suggestedActors" => {
            accounts::listed(cx, field, collaborators())
        }
        "defaultBranchRef" => {
            let name = crate::state::heads(&repo.default_branch);
            let found = state.refs.contains(&(id, name.clone()));
            Ok(Resolved::maybe(found.then_some(Node::Ref(id, name))))
        }
        "ref" => Ok(Resolved::maybe(commits::named_ref(cx, id, text("qualifiedName")))),
        "refs" => commits::refs(cx, id, field),
        "object" => commits::object(cx, id, field),
        "forks" => {
            let forks = visible(cx).into_iter();
            let forks = forks.filter(|other| state.repos.get(other).is_some_and(|other| other.parent == Some(id)));
            let forks: Vec<_> = forks.collect();
            listed(cx, field, &forks)
        }
        "repositoryTopics" => paging::nodes(cx, field, repo.topics.iter().map(|topic| Node::Topic(id, topic.clone()))),
        // Projects are not modelled; a repository that has none says so.
        "projects" | "projectsV2" => paging::page(cx, field, Vec::new()),
        _ => return None,
    })
}

pub(super) fn topic(cx: &Cx<'_, GitHub>, id: RepoId, name: &str, field: &Field<'_>) -> Answer {
    let repo = repo_of(cx, id)?;
    Ok(match field.name {
        "topic" => Resolved::record(vec![("id", format!("T_{name}").into()), ("name", name.into())]),
        "url" => page(repo, &format!("/topics/{name}")),
        "resourcePath" => path(repo, &format!("/topics/{name}")),
        other => return Err(unanswered("RepositoryTopic", other)),
    })
}

pub(super) fn language(cx: &Cx<'_, GitHub>, id: RepoId, field: &Field<'_>) -> Answer {
    let repo = repo_of(cx, id)?;
    Ok(match field.name {
        "name" => repo.language.clone().unwrap_or_default().into(),
        "color" => Resolved::Leaf(Value::Null),
        other => return Err(unanswered("Language", other)),
    })
}
