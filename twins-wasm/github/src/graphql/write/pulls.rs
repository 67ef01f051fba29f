//! Mutations of pull requests.

use pome_twin_kit::Cx;
use pome_twin_kit::graphql::{GraphError, Resolved};
use serde_json::{Value, json};

use super::super::node::Node;
use super::super::{Answer, no_node};
use super::{Given, Inputs, actor, attributes, edge, logins, payload, perform, perform_as, pull, repository};
use crate::GitHub;
use crate::actions::{issues, merges, pulls};
use crate::state::fold;

pub(super) fn mutate(cx: &mut Cx<'_, GitHub>, name: &str, input: Given<'_>) -> Option<Answer> {
    Some(match name {
        "createPullRequest" => create(cx, input),
        "updatePullRequest" => update(cx, input),
        "closePullRequest" => stand(cx, input, json!({ "state": "closed" })),
        "reopenPullRequest" => stand(cx, input, json!({ "state": "open" })),
        "markPullRequestReadyForReview" => stand(cx, input, json!({ "draft": false })),
        "convertPullRequestToDraft" => stand(cx, input, json!({ "draft": true })),
        "mergePullRequest" => merge(cx, input),
        "updatePullRequestBranch" => update_branch(cx, input),
        "requestReviews" => request(cx, input),
        _ => return None,
    })
}

fn create(cx: &mut Cx<'_, GitHub>, input: Given<'_>) -> Answer {
    let (id, owner, repo) = repository(cx, input.id("repositoryId"))?;
    let mut head = input.id("headRefName").to_owned();
    let mut inputs = Inputs::of(&owner, &repo);
    if let Some(from) = input.text("headRepositoryId") {
        let (_, head_owner, head_repo) = repository(cx, from)?;
        if !head.contains(':') {
            head = format!("{head_owner}:{head}");
        }
        inputs = inputs.with("head_repo", head_repo);
    }
    let inputs = inputs
        .with("title", input.id("title"))
        .with("head", head)
        .with("base", input.id("baseRefName"))
        .maybe("body", input.text("body"))
        .maybe("draft", input.flag("draft"))
        .maybe("maintainer_can_modify", input.flag("maintainerCanModify"));
    let made = perform::<pulls::Create>(cx, inputs.build())?;
    let number = made.get("number").and_then(Value::as_u64).unwrap_or_default();
    Ok(payload(vec![("pullRequest", Resolved::Object(Node::Pull((id, number))))]))
}

fn update(cx: &mut Cx<'_, GitHub>, input: Given<'_>) -> Answer {
    let place = pull(cx, input.id("pullRequestId"))?;
    if ["labelIds", "assigneeIds", "milestoneId"].into_iter().any(|name| input.has(name)) {
        let inputs = attributes(cx, place.key.0, input, place.inputs("issue_number"))?;
        perform::<issues::Update>(cx, inputs.build())?;
    }
    if ["title", "body", "baseRefName", "state", "maintainerCanModify"].into_iter().any(|name| input.has(name)) {
        let inputs = place
            .inputs("pull_number")
            .maybe("title", input.text("title"))
            .maybe("body", input.text("body"))
            .maybe("base", input.text("baseRefName"))
            .maybe("state", input.text("state").map(str::to_lowercase))
            .maybe("maintainer_can_modify", input.flag("maintainerCanModify"));
        perform::<pulls::Update>(cx, inputs.build())?;
    }
    Ok(payload(vec![("pullRequest", place.node(cx)), ("actor", actor(cx))]))
}

/// Opens, closes, or makes or ends a draft.
fn stand(cx: &mut Cx<'_, GitHub>, input: Given<'_>, change: Value) -> Answer {
    let place = pull(cx, input.id("pullRequestId"))?;
    let mut inputs = place.inputs("pull_number");
    if let Value::Object(members) = change {
        inputs.0.extend(members);
    }
    perform_as::<pulls::UpdateArguments, pulls::Update>(cx, inputs.build())?;
    Ok(payload(vec![("pullRequest", place.node(cx))]))
}

fn merge(cx: &mut Cx<'_, GitHub>, input: Given<'_>) -> Answer {
    let place = pull(cx, input.id("pullRequestId"))?;
    let inputs = place
        .inputs("pull_number")
        .maybe("commit_title", input.text("commitHeadline"))
        .maybe("commit_message", input.text("commitBody"))
        .maybe("sha", input.text("expectedHeadOid"))
        .maybe("merge_method", input.text("mergeMethod").map(str::to_lowercase));
    perform::<merges::Merge>(cx, inputs.build())?;
    Ok(payload(vec![("pullRequest", place.node(cx)), ("actor", actor(cx))]))
}

fn update_branch(cx: &mut Cx<'_, GitHub>, input: Given<'_>) -> Answer {
    let place = pull(cx, input.id("pullRequestId"))?;
    if input.text("updateMethod") == Some("REBASE") {
        let message = "This twin does not model updating a branch by rebase";
        return Err(GraphError { unmodelled: true, ..GraphError::of_kind("NOT_MODELLED", message) });
    }
    let inputs = place.inputs("pull_number").maybe("expected_head_sha", input.text("expectedHeadOid"));
    perform::<merges::UpdateBranch>(cx, inputs.build())?;
    Ok(payload(vec![("pullRequest", place.node(cx))]))
}

/// Without `union` the list replaces the one there is.
fn request(cx: &mut Cx<'_, GitHub>, input: Given<'_>) -> Answer {
    let id = input.id("pullRequestId");
    let place = pull(cx, id)?;
    let people = logins(cx, &input.ids("userIds").unwrap_or_default())?;
    if input.flag("union") != Some(true) {
        let asked = cx.state.pulls.get(&place.key).ok_or_else(|| no_node(id))?.requested_reviewers.clone();
        let gone: Vec<String> =
            asked.into_iter().filter(|login| !people.iter().any(|name| fold(name) == fold(login))).collect();
        if !gone.is_empty() {
            perform::<pulls::Unrequest>(cx, place.inputs("pull_number").with("reviewers", gone).build())?;
        }
    }
    perform::<pulls::Request>(cx, place.inputs("pull_number").with("reviewers", people.clone()).build())?;
    let last = people.last().map_or(Resolved::NULL, |login| edge(cx, Node::Account(login.clone())));
    Ok(payload(vec![("pullRequest", place.node(cx)), ("actor", actor(cx)), ("requestedReviewersEdge", last)]))
}
