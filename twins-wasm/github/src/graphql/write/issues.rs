//! Mutations of issues, of what issues and pull requests share, and of their comments.

use pome_twin_kit::Cx;
use pome_twin_kit::graphql::Resolved;
use serde_json::Value;

use super::super::node::{self, Node};
use super::super::read::NAMES;
use super::super::{Answer, no_node};
use super::{
    Given, Inputs, Place, actor, attributes, edge, issue, label_names, logins, numbered, payload, perform, repository,
};
use crate::GitHub;
use crate::access::Access;
use crate::actions::{assignees, comments, issues, labels, reactions};
use crate::state::{Subject, fold};
use crate::views::reactions::CONTENTS;

pub(super) fn mutate(cx: &mut Cx<'_, GitHub>, name: &str, input: Given<'_>) -> Option<Answer> {
    Some(match name {
        "createIssue" => create(cx, input),
        "updateIssue" => update(cx, input),
        "closeIssue" => stand(cx, input, "closed"),
        "reopenIssue" => stand(cx, input, "open"),
        "addComment" => comment(cx, input),
        "updateIssueComment" => update_comment(cx, input),
        "deleteIssueComment" => delete_comment(cx, input),
        "addLabelsToLabelable" => label(cx, input, true),
        "removeLabelsFromLabelable" => label(cx, input, false),
        "clearLabelsFromLabelable" => clear(cx, input),
        "addAssigneesToAssignable" => assign(cx, input, true),
        "removeAssigneesFromAssignable" => assign(cx, input, false),
        "replaceActorsForAssignable" => replace(cx, input),
        "lockLockable" => lock(cx, input),
        "unlockLockable" => unlock(cx, input),
        "addReaction" => react(cx, input),
        "removeReaction" => take_back(cx, input),
        _ => return None,
    })
}

fn create(cx: &mut Cx<'_, GitHub>, input: Given<'_>) -> Answer {
    let (id, owner, repo) = repository(cx, input.id("repositoryId"))?;
    let inputs = Inputs::of(&owner, &repo).with("title", input.id("title")).maybe("body", input.text("body"));
    let inputs = attributes(cx, id, input, inputs)?;
    let made = perform::<issues::Create>(cx, inputs.build())?;
    let number = made.get("number").and_then(Value::as_u64).unwrap_or_default();
    Ok(payload(vec![("issue", Resolved::Object(Node::Issue((id, number))))]))
}

fn update(cx: &mut Cx<'_, GitHub>, input: Given<'_>) -> Answer {
    let place = issue(cx, input.id("id"))?;
    let state = input.text("state").map(str::to_lowercase);
    let inputs = place.inputs("issue_number").maybe("title", input.text("title")).maybe("body", input.text("body"));
    let inputs = attributes(cx, place.key.0, input, inputs.maybe("state", state))?;
    perform::<issues::Update>(cx, inputs.build())?;
    Ok(payload(vec![("issue", place.node(cx)), ("actor", actor(cx))]))
}

fn stand(cx: &mut Cx<'_, GitHub>, input: Given<'_>, state: &str) -> Answer {
    let place = issue(cx, input.id("issueId"))?;
    let reason = input.text("stateReason").map(str::to_lowercase);
    let inputs = place.inputs("issue_number").with("state", state).maybe("state_reason", reason);
    perform::<issues::Update>(cx, inputs.build())?;
    Ok(payload(vec![("issue", place.node(cx))]))
}

fn comment(cx: &mut Cx<'_, GitHub>, input: Given<'_>) -> Answer {
    let place = numbered(cx, input.id("subjectId"))?;
    let made = perform::<comments::Create>(cx, place.inputs("issue_number").with("body", input.id("body")).build())?;
    let id = made.get("id").and_then(Value::as_u64).unwrap_or_default();
    let added = edge(cx, Node::Comment(id));
    Ok(payload(vec![("commentEdge", added.clone()), ("timelineEdge", added), ("subject", place.node(cx))]))
}

/// The repository and number of a comment.
fn comment_place(cx: &Cx<'_, GitHub>, id: &str) -> Result<(Place, u64), super::GraphError> {
    let Some(Node::Comment(number)) = node::find(cx, id) else { return Err(no_node(id)) };
    let comment = cx.state.comments.get(&number).ok_or_else(|| no_node(id))?;
    Ok((super::at_key(cx, (comment.repo, comment.number), id)?, number))
}

fn update_comment(cx: &mut Cx<'_, GitHub>, input: Given<'_>) -> Answer {
    let (place, id) = comment_place(cx, input.id("id"))?;
    let inputs = Inputs::of(&place.owner, &place.repo).with("comment_id", id).with("body", input.id("body"));
    perform::<comments::Update>(cx, inputs.build())?;
    Ok(payload(vec![("issueComment", Resolved::Object(Node::Comment(id)))]))
}

fn delete_comment(cx: &mut Cx<'_, GitHub>, input: Given<'_>) -> Answer {
    let (place, id) = comment_place(cx, input.id("id"))?;
    perform::<comments::Delete>(cx, Inputs::of(&place.owner, &place.repo).with("comment_id", id).build())?;
    Ok(payload(Vec::new()))
}

fn label(cx: &mut Cx<'_, GitHub>, input: Given<'_>, add: bool) -> Answer {
    let place = numbered(cx, input.id("labelableId"))?;
    let names = label_names(cx, place.key.0, &input.ids("labelIds").unwrap_or_default())?;
    if add {
        perform::<labels::AddToIssue>(cx, place.inputs("issue_number").with("labels", names).build())?;
    } else {
        let carried = cx.state.issues.get(&place.key).map(|issue| issue.labels.clone()).unwrap_or_default();
        // Taking away what is not there is no error here, unlike in REST.
        for name in names.into_iter().filter(|name| carried.iter().any(|own| fold(own) == fold(name))) {
            perform::<labels::RemoveFromIssue>(cx, place.inputs("issue_number").with("name", name).build())?;
        }
    }
    Ok(payload(vec![("labelable", place.node(cx))]))
}

fn clear(cx: &mut Cx<'_, GitHub>, input: Given<'_>) -> Answer {
    let place = numbered(cx, input.id("labelableId"))?;
    perform::<labels::RemoveAllFromIssue>(cx, place.inputs("issue_number").build())?;
    Ok(payload(vec![("labelable", place.node(cx))]))
}

fn assign(cx: &mut Cx<'_, GitHub>, input: Given<'_>, add: bool) -> Answer {
    let place = numbered(cx, input.id("assignableId"))?;
    let people = logins(cx, &input.ids("assigneeIds").unwrap_or_default())?;
    let inputs = place.inputs("issue_number").with("assignees", people).build();
    if add {
        perform::<assignees::Add>(cx, inputs)?;
    } else {
        perform::<assignees::Remove>(cx, inputs)?;
    }
    Ok(payload(vec![("assignable", place.node(cx))]))
}

fn replace(cx: &mut Cx<'_, GitHub>, input: Given<'_>) -> Answer {
    let place = numbered(cx, input.id("assignableId"))?;
    let mut people = logins(cx, &input.ids("actorIds").unwrap_or_default())?;
    people.extend(input.ids("actorLogins").unwrap_or_default().into_iter().map(str::to_owned));
    perform::<issues::Update>(cx, place.inputs("issue_number").with("assignees", people).build())?;
    Ok(payload(vec![("assignable", place.node(cx))]))
}

fn lock(cx: &mut Cx<'_, GitHub>, input: Given<'_>) -> Answer {
    let place = numbered(cx, input.id("lockableId"))?;
    let reason = input.text("lockReason").map(|reason| match reason {
        "OFF_TOPIC" => "off-topic".to_owned(),
        other => other.to_lowercase().replace('_', " "),
    });
    perform::<issues::Lock>(cx, place.inputs("issue_number").maybe("lock_reason", reason).build())?;
    Ok(payload(vec![("lockedRecord", place.node(cx)), ("actor", actor(cx))]))
}

fn unlock(cx: &mut Cx<'_, GitHub>, input: Given<'_>) -> Answer {
    let place = numbered(cx, input.id("lockableId"))?;
    perform::<issues::Unlock>(cx, place.inputs("issue_number").build())?;
    Ok(payload(vec![("unlockedRecord", place.node(cx)), ("actor", actor(cx))]))
}

/// What can be reacted to: the repository, the thing and its number in the routes.
fn subject(cx: &Cx<'_, GitHub>, id: &str) -> Result<(Place, Subject, u64), super::GraphError> {
    match node::find(cx, id) {
        Some(Node::Issue(key) | Node::Pull(key)) => {
            Ok((super::at_key(cx, key, id)?, Subject::Issue(key.0, key.1), key.1))
        }
        Some(Node::Comment(comment)) => {
            let (place, number) = comment_place(cx, id)?;
            Ok((place, Subject::Comment(comment), number))
        }
        Some(Node::ReviewComment(comment)) => {
            let found = cx.state.review_comments.get(&comment).ok_or_else(|| no_node(id))?;
            let place = super::at_key(cx, (found.repo, found.number), id)?;
            Ok((place, Subject::ReviewComment(comment), comment))
        }
        _ => Err(no_node(id)),
    }
}

/// REST's word for a kind of reaction.
fn content(input: Given<'_>) -> &'static str {
    let wanted = input.id("content");
    NAMES.iter().zip(CONTENTS).find(|(name, _)| **name == wanted).map_or("+1", |(_, content)| content)
}

fn react(cx: &mut Cx<'_, GitHub>, input: Given<'_>) -> Answer {
    let (place, subject, number) = subject(cx, input.id("subjectId"))?;
    let inputs = Inputs::of(&place.owner, &place.repo).with("content", content(input));
    let made = match subject {
        Subject::Issue(..) => perform::<reactions::CreateOnIssue>(cx, inputs.with("issue_number", number).build())?,
        Subject::Comment(_) => perform::<reactions::CreateOnComment>(cx, inputs.with("comment_id", number).build())?,
        Subject::ReviewComment(_) => {
            perform::<reactions::CreateOnReviewComment>(cx, inputs.with("comment_id", number).build())?
        }
        Subject::CommitComment(_) => {
            perform::<reactions::CreateOnCommitComment>(cx, inputs.with("comment_id", number).build())?
        }
    };
    let id = made.get("id").and_then(Value::as_u64).unwrap_or_default();
    Ok(reacted(cx, subject, &place, Resolved::Object(Node::Reaction(subject, id))))
}

fn reacted(cx: &Cx<'_, GitHub>, subject: Subject, place: &Place, reaction: Resolved<Node>) -> Resolved<Node> {
    let shown = match subject {
        Subject::Issue(..) => place.node(cx),
        Subject::Comment(id) => Resolved::Object(Node::Comment(id)),
        Subject::ReviewComment(id) => Resolved::Object(Node::ReviewComment(id)),
        // Comments on commits have no node here.
        Subject::CommitComment(_) => Resolved::NULL,
    };
    let groups = super::super::read::reaction_groups(cx, subject);
    payload(vec![("reaction", reaction), ("subject", shown), ("reactionGroups", groups)])
}

fn take_back(cx: &mut Cx<'_, GitHub>, input: Given<'_>) -> Answer {
    let (place, subject, number) = subject(cx, input.id("subjectId"))?;
    let (wanted, me) = (content(input), fold(cx.actor()));
    let own = cx.state.reactions_to(subject).find(|row| row.content == wanted && fold(&row.user) == me).cloned();
    let Some(own) = own else {
        return Ok(reacted(cx, subject, &place, Resolved::NULL));
    };
    // The payload shows what is gone, so it is written before.
    let shown = Resolved::Record(
        Some("Reaction"),
        vec![
            ("id", Node::Reaction(subject, own.id).id(cx.state).into()),
            ("databaseId", own.id.into()),
            ("content", input.id("content").into()),
            ("createdAt", super::super::at(own.created_at)),
            ("user", Resolved::Object(Node::Account(own.user.clone()))),
        ],
    );
    let inputs = Inputs::of(&place.owner, &place.repo).with("reaction_id", own.id);
    match subject {
        Subject::Issue(..) => {
            perform::<reactions::DeleteFromIssue>(cx, inputs.with("issue_number", number).build())?;
        }
        Subject::Comment(_) => {
            perform::<reactions::DeleteFromComment>(cx, inputs.with("comment_id", number).build())?;
        }
        Subject::ReviewComment(_) => {
            perform::<reactions::DeleteFromReviewComment>(cx, inputs.with("comment_id", number).build())?;
        }
        Subject::CommitComment(_) => {
            perform::<reactions::DeleteFromCommitComment>(cx, inputs.with("comment_id", number).build())?;
        }
    }
    Ok(reacted(cx, subject, &place, shown))
}
