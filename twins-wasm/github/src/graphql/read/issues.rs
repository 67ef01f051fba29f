//! Issues, conversation comments, labels, milestones and reactions.

use std::collections::BTreeSet;

use pome_twin_kit::Cx;
use pome_twin_kit::clock::Time;
use pome_twin_kit::graphql::{Field, Resolved};
use serde_json::Value;

use super::super::node::same;
use super::super::{Answer, at, maybe_at, paging, unanswered};
use super::{Node, account, gone, ordered, page, path, pulls, repo_of};
use crate::GitHub;
use crate::access::Access;
use crate::actions::issues::found;
use crate::mentions::names;
use crate::state::{Issue, Milestone, Numbered, Permission, Repo, RepoId, Subject, fold};
use crate::views::reactions::CONTENTS;
use crate::views::users::association;

/// A page of issues: those of some repositories that pass `wanted` and the filters of the field.
pub(super) fn listed(
    cx: &Cx<'_, GitHub>,
    field: &Field<'_>,
    repos: &[RepoId],
    wanted: impl Fn(&Issue) -> bool,
) -> Answer {
    let state = &*cx.state;
    let all = repos.iter().flat_map(|repo| state.issues_of(*repo).map(|issue| (*repo, issue)));
    let mut rows: Vec<(RepoId, &Issue)> = all
        .filter(|(repo, issue)| !state.is_pull((*repo, issue.number)) && wanted(issue))
        .filter(|(repo, issue)| admits(cx, field, (*repo, issue.number), issue))
        .collect();
    ordered(field, &mut rows, |(_, issue), by| rank(issue, by));
    paging::nodes(cx, field, rows.into_iter().map(|(repo, issue)| Node::Issue((repo, issue.number))))
}

/// What `orderBy` can sort issues and pull requests by.
pub(super) fn rank(issue: &Issue, by: &str) -> (u64, u64) {
    let by = match by {
        "UPDATED_AT" => issue.updated_at.0,
        "COMMENTS" => issue.comments,
        _ => issue.created_at.0,
    };
    (by, issue.number)
}

/// `states`, `labels` and `filterBy`.
fn admits(cx: &Cx<'_, GitHub>, field: &Field<'_>, key: Numbered, issue: &Issue) -> bool {
    let in_state = |states: &[&str]| states.contains(&if issue.open { "OPEN" } else { "CLOSED" });
    let any_label = |names: &[&str]| names.iter().any(|name| issue.labels.iter().any(|label| same(label, name)));
    if field.texts("states").is_some_and(|states| !in_state(&states))
        || field.texts("labels").is_some_and(|names| !names.is_empty() && !any_label(&names))
    {
        return false;
    }
    let Some(filter) = field.object("filterBy") else { return true };
    let text = |name: &str| filter.get(name).and_then(Value::as_str);
    let texts = |name: &str| -> Option<Vec<&str>> {
        Some(filter.get(name)?.as_array()?.iter().filter_map(Value::as_str).collect())
    };
    let cleared = |name: &str| filter.get(name).is_some_and(Value::is_null);
    let assigned = match text("assignee") {
        Some("*") => !issue.assignees.is_empty(),
        Some(login) => issue.assignees.iter().any(|assigned| same(assigned, login)),
        // GitHub reads a written null as "nobody".
        None => !cleared("assignee") || issue.assignees.is_empty(),
    };
    let milestone = issue.milestone.map(|number| number.to_string());
    let in_milestone = match text("milestone").or_else(|| text("milestoneNumber")) {
        Some("*") => milestone.is_some(),
        Some(wanted) => {
            let id = issue.milestone.map(|number| Node::Milestone((key.0, number)).id(cx.state));
            milestone.as_deref() == Some(wanted) || id.as_deref() == Some(wanted)
        }
        None => true,
    };
    assigned
        && in_milestone
        && text("createdBy").is_none_or(|login| same(&issue.user, login))
        && text("mentioned").is_none_or(|login| names(issue.body.as_deref().unwrap_or_default(), login))
        && texts("labels").is_none_or(|names| any_label(&names))
        && texts("states").is_none_or(|states| in_state(&states))
        && text("since").and_then(Time::parse).is_none_or(|since| issue.updated_at >= since)
}

pub(super) fn issue(cx: &mut Cx<'_, GitHub>, key: Numbered, field: &Field<'_>) -> Answer {
    if let Some(answer) = conversation(cx, key, field) {
        return answer;
    }
    let (repo, issue) = found(cx.state, key).ok_or_else(gone)?;
    let number = issue.number;
    Ok(match field.name {
        "databaseId" | "fullDatabaseId" => crate::views::issues::issue_id(repo, number).into(),
        "url" => page(repo, &format!("/issues/{number}")),
        "resourcePath" => path(repo, &format!("/issues/{number}")),
        "state" => (if issue.open { "OPEN" } else { "CLOSED" }).into(),
        "stateReason" => issue.state_reason.as_deref().map(str::to_uppercase).into(),
        "isPinned" => false.into(),
        "closedByPullRequestsReferences" => {
            let closed = field.flag("includeClosedPrs").unwrap_or(false);
            let closing = pulls::closing(cx, key, closed);
            return paging::nodes(cx, field, closing.into_iter().map(Node::Pull));
        }
        other => return Err(unanswered("Issue", other)),
    })
}

/// What issues and pull requests share.
pub(super) fn conversation(cx: &Cx<'_, GitHub>, key: Numbered, field: &Field<'_>) -> Option<Answer> {
    let (repo, issue) = found(cx.state, key)?;
    let state = &*cx.state;
    let held = cx.permission(repo);
    let own = same(&issue.user, cx.actor());
    let may_change = !repo.archived && (own || held >= Some(Permission::Triage));
    Some(Ok(match field.name {
        "number" => issue.number.into(),
        "title" => issue.title.as_str().into(),
        "body" => issue.body.clone().unwrap_or_default().into(),
        "bodyText" => plain(issue.body.as_deref().unwrap_or_default()).into(),
        "author" => account(&issue.user),
        "authorAssociation" => association(state, repo, &issue.user).into(),
        "createdAt" | "publishedAt" => at(issue.created_at),
        "updatedAt" => at(issue.updated_at),
        "closedAt" => maybe_at(issue.closed_at),
        "closed" => (!issue.open).into(),
        "lastEditedAt" => Resolved::NULL,
        "includesCreatedEdit" => false.into(),
        "locked" => issue.locked.into(),
        "activeLockReason" => issue.lock_reason.as_deref().map(lock_reason).into(),
        "repository" => Resolved::Object(Node::Repository(repo.id)),
        "assignees" | "assignedActors" => {
            return Some(paging::nodes(cx, field, issue.assignees.iter().cloned().map(Node::Account)));
        }
        "labels" => {
            let mut labels: Vec<_> = issue.labels.iter().filter_map(|name| state.label(repo.id, name)).collect();
            ordered(field, &mut labels, |label, _| fold(&label.name));
            return Some(paging::nodes(
                cx,
                field,
                labels.into_iter().map(|label| Node::Label(repo.id, label.name.clone())),
            ));
        }
        "milestone" => Resolved::maybe(issue.milestone.map(|number| Node::Milestone((repo.id, number)))),
        "comments" => {
            let mut comments: Vec<_> = state.comments_on(key).collect();
            ordered(field, &mut comments, |comment, _| (comment.updated_at, comment.id));
            return Some(paging::nodes(cx, field, comments.into_iter().map(|comment| Node::Comment(comment.id))));
        }
        "participants" => {
            let mut seen = BTreeSet::new();
            let writers = state.comments_on(key).map(|comment| &comment.user);
            let logins = std::iter::once(&issue.user).chain(writers).chain(&issue.assignees);
            let logins: Vec<_> = logins.filter(|login| seen.insert(fold(login))).cloned().collect();
            return Some(paging::nodes(cx, field, logins.into_iter().map(Node::Account)));
        }
        "reactions" => return Some(reactions(cx, Subject::Issue(key.0, key.1), field)),
        "reactionGroups" => reaction_groups(cx, Subject::Issue(key.0, key.1)),
        // Projects are not modelled; what is in none says so.
        "projectCards" | "projectItems" => return Some(paging::page(cx, field, Vec::new())),
        "viewerDidAuthor" => own.into(),
        "viewerCanUpdate" | "viewerCanClose" | "viewerCanReopen" => may_change.into(),
        "viewerCanReact" => (!issue.locked || held >= Some(Permission::Triage)).into(),
        "viewerCanLabel" => (!repo.archived && held >= Some(Permission::Triage)).into(),
        _ => return None,
    }))
}

fn lock_reason(reason: &str) -> String {
    reason.replace([' ', '-'], "_").to_uppercase()
}

/// A body without its marks of emphasis, code and headings.
pub(super) fn plain(body: &str) -> String {
    let lines = body.lines().map(|line| line.trim_start_matches(['#', '>']).trim().replace(['*', '`'], ""));
    lines.collect::<Vec<_>>().join("\n").trim().to_owned()
}

pub(super) fn comment(cx: &Cx<'_, GitHub>, id: u64, field: &Field<'_>) -> Answer {
    let comment = cx.state.comments.get(&id).ok_or_else(gone)?;
    let repo = repo_of(cx, comment.repo)?;
    let key = (comment.repo, comment.number);
    let pull = cx.state.is_pull(key);
    let place = format!("/{}/{}#issuecomment-{id}", if pull { "pull" } else { "issues" }, comment.number);
    let own = same(&comment.user, cx.actor());
    let may_change = own || cx.permission(repo) >= Some(Permission::Write);
    Ok(match field.name {
        "databaseId" | "fullDatabaseId" => id.into(),
        "author" => account(&comment.user),
        "authorAssociation" => association(cx.state, repo, &comment.user).into(),
        "body" => comment.body.as_str().into(),
        "bodyText" => plain(&comment.body).into(),
        "createdAt" | "publishedAt" => at(comment.created_at),
        "updatedAt" => at(comment.updated_at),
        "lastEditedAt" => maybe_at(Some(comment.updated_at).filter(|time| *time != comment.created_at)),
        "includesCreatedEdit" => (comment.updated_at != comment.created_at).into(),
        "isMinimized" => false.into(),
        "minimizedReason" => Resolved::NULL,
        "issue" => Resolved::Object(Node::Issue(key)),
        "pullRequest" => Resolved::maybe(pull.then_some(Node::Pull(key))),
        "repository" => Resolved::Object(Node::Repository(repo.id)),
        "url" => page(repo, &place),
        "resourcePath" => path(repo, &place),
        "reactions" => return reactions(cx, Subject::Comment(id), field),
        "reactionGroups" => reaction_groups(cx, Subject::Comment(id)),
        "viewerDidAuthor" => own.into(),
        "viewerCanUpdate" | "viewerCanDelete" => may_change.into(),
        "viewerCanReact" => true.into(),
        other => return Err(unanswered("IssueComment", other)),
    })
}

/// Labels of a repository, by name unless ordered otherwise.
pub(super) fn labels(cx: &Cx<'_, GitHub>, id: RepoId, field: &Field<'_>) -> Answer {
    let query = field.text("query").map(str::to_lowercase).unwrap_or_default();
    let matches = |text: &str| text.to_lowercase().contains(&query);
    let mut labels: Vec<_> = cx
        .state
        .labels_of(id)
        .filter(|label| matches(&label.name) || matches(label.description.as_deref().unwrap_or_default()))
        .collect();
    // When labels were made is not kept; by time they stand as by name.
    ordered(field, &mut labels, |label, _| fold(&label.name));
    paging::nodes(cx, field, labels.into_iter().map(|label| Node::Label(id, label.name.clone())))
}

pub(super) fn label(cx: &Cx<'_, GitHub>, id: RepoId, name: &str, field: &Field<'_>) -> Answer {
    let repo = repo_of(cx, id)?;
    let label = cx.state.label(id, name).ok_or_else(gone)?;
    let carries = |issue: &Issue| issue.labels.iter().any(|own| same(own, name));
    let place = format!("/labels/{}", crate::views::Encoded(&label.name));
    Ok(match field.name {
        "name" => label.name.as_str().into(),
        "color" => label.color.as_str().into(),
        "description" => label.description.clone().into(),
        "isDefault" => false.into(),
        "createdAt" | "updatedAt" => at(repo.created_at),
        "url" => page(repo, &place),
        "resourcePath" => path(repo, &place),
        "repository" => Resolved::Object(Node::Repository(id)),
        "issues" => return listed(cx, field, &[id], carries),
        "pullRequests" => return pulls::listed(cx, field, &[id], |issue, _| carries(issue)),
        other => return Err(unanswered("Label", other)),
    })
}

pub(super) fn milestones(cx: &Cx<'_, GitHub>, id: RepoId, field: &Field<'_>) -> Answer {
    let query = field.text("query").map(str::to_lowercase).unwrap_or_default();
    let states = field.texts("states");
    let in_state = |milestone: &Milestone| {
        let state = if milestone.open { "OPEN" } else { "CLOSED" };
        states.as_ref().is_none_or(|states| states.contains(&state))
    };
    let mut rows: Vec<_> = cx
        .state
        .milestones
        .range((id, 0)..=(id, u64::MAX))
        .map(|(_, milestone)| milestone)
        .filter(|milestone| in_state(milestone) && milestone.title.to_lowercase().contains(&query))
        .collect();
    ordered(field, &mut rows, |milestone, by| match by {
        "DUE_DATE" => (milestone.due_on.map_or(u64::MAX, |due| due.0), milestone.number),
        "UPDATED_AT" => (milestone.updated_at.0, milestone.number),
        "CREATED_AT" => (milestone.created_at.0, milestone.number),
        _ => (milestone.number, 0),
    });
    paging::nodes(cx, field, rows.into_iter().map(|milestone| Node::Milestone((id, milestone.number))))
}

pub(super) fn milestone(cx: &Cx<'_, GitHub>, key: Numbered, field: &Field<'_>) -> Answer {
    let (id, number) = key;
    let repo = repo_of(cx, id)?;
    let milestone = cx.state.milestones.get(&key).ok_or_else(gone)?;
    let within = |issue: &Issue| issue.milestone == Some(number);
    Ok(match field.name {
        "number" => number.into(),
        "title" => milestone.title.as_str().into(),
        "description" => milestone.description.clone().into(),
        "state" => (if milestone.open { "OPEN" } else { "CLOSED" }).into(),
        "closed" => (!milestone.open).into(),
        "closedAt" => maybe_at(milestone.closed_at),
        "createdAt" => at(milestone.created_at),
        "updatedAt" => at(milestone.updated_at),
        "dueOn" => maybe_at(milestone.due_on),
        "creator" => account(&milestone.creator),
        "url" => page(repo, &format!("/milestone/{number}")),
        "resourcePath" => path(repo, &format!("/milestone/{number}")),
        "repository" => Resolved::Object(Node::Repository(id)),
        "progressPercentage" => {
            let issues: Vec<_> = cx.state.issues_of(id).filter(|issue| within(issue)).collect();
            let closed = issues.iter().filter(|issue| !issue.open).count();
            Resolved::Leaf(percentage(closed, issues.len()))
        }
        "issues" => return listed(cx, field, &[id], within),
        "pullRequests" => return pulls::listed(cx, field, &[id], |issue, _| within(issue)),
        other => return Err(unanswered("Milestone", other)),
    })
}

fn percentage(part: usize, whole: usize) -> Value {
    let small = |count: usize| u32::try_from(count).map_or(f64::from(u32::MAX), f64::from);
    Value::from(if whole == 0 { 0.0 } else { small(part) * 100.0 / small(whole) })
}

/// GitHub's names of the reactions, in the order of [`CONTENTS`].
pub(in super::super) const NAMES: [&str; 8] =
    ["THUMBS_UP", "THUMBS_DOWN", "LAUGH", "HOORAY", "CONFUSED", "HEART", "ROCKET", "EYES"];

fn content_name(content: &str) -> &'static str {
    CONTENTS.iter().zip(NAMES).find(|(known, _)| **known == content).map_or("THUMBS_UP", |(_, name)| name)
}

/// A page of reactions.
pub(super) fn reactions(cx: &Cx<'_, GitHub>, subject: Subject, field: &Field<'_>) -> Answer {
    let wanted = field.text("content");
    let mut rows: Vec<_> = cx
        .state
        .reactions_to(subject)
        .filter(|reaction| wanted.is_none_or(|wanted| content_name(&reaction.content) == wanted))
        .collect();
    ordered(field, &mut rows, |reaction, _| (reaction.created_at, reaction.id));
    let all = rows.into_iter().map(|reaction| Resolved::Object(Node::Reaction(subject, reaction.id))).collect();
    let mine = cx.state.reactions_to(subject).any(|reaction| same(&reaction.user, cx.actor()));
    paging::page_with(cx, field, all, |connection| {
        connection.fields.push(("viewerHasReacted", mine.into()));
    })
}

/// Every kind of reaction with who gave it, also those that nobody gave.
pub(in super::super) fn reaction_groups(cx: &Cx<'_, GitHub>, subject: Subject) -> Resolved<Node> {
    let groups = CONTENTS.iter().zip(NAMES).map(|(content, name)| {
        let given: Vec<_> = cx.state.reactions_to(subject).filter(|reaction| reaction.content == *content).collect();
        let people = || {
            let people: Vec<_> = given.iter().map(|reaction| account(&reaction.user)).collect();
            let total = people.len();
            Resolved::record(vec![("nodes", Resolved::List(people)), ("totalCount", total.into())])
        };
        let first = given.first().map(|reaction| reaction.created_at);
        Resolved::record(vec![
            ("content", name.into()),
            ("createdAt", maybe_at(first)),
            ("viewerHasReacted", given.iter().any(|reaction| same(&reaction.user, cx.actor())).into()),
            ("users", people()),
            ("reactors", people()),
        ])
    });
    Resolved::List(groups.collect())
}

pub(super) fn reaction(cx: &Cx<'_, GitHub>, key: (Subject, u64), field: &Field<'_>) -> Answer {
    let reaction = cx.state.reactions.get(&key).ok_or_else(gone)?;
    Ok(match field.name {
        "databaseId" => reaction.id.into(),
        "content" => content_name(&reaction.content).into(),
        "createdAt" => at(reaction.created_at),
        "user" => account(&reaction.user),
        other => return Err(unanswered("Reaction", other)),
    })
}

/// A repository's issue or pull request, both there.
pub(super) fn row<'a>(cx: &'a Cx<'_, GitHub>, key: Numbered) -> Result<(&'a Repo, &'a Issue), super::GraphError> {
    found(cx.state, key).ok_or_else(gone)
}
