//! Mutations of reviews, their comments and their threads.

use pome_twin_kit::Cx;
use pome_twin_kit::graphql::{GraphError, Resolved};
use serde_json::{Map, Value};

use super::super::node::{self, Node};
use super::super::{Answer, no_node};
use super::{Given, Inputs, Place, at_key, edge, payload, perform, pull};
use crate::GitHub;
use crate::actions::pulls::Target;
use crate::actions::reviews::pending;
use crate::actions::{review_comments, reviews};

type ReviewKey = (u64, u64, u64);

pub(super) fn mutate(cx: &mut Cx<'_, GitHub>, name: &str, input: Given<'_>) -> Option<Answer> {
    Some(match name {
        "addPullRequestReview" => add(cx, input),
        "submitPullRequestReview" => submit(cx, input),
        "updatePullRequestReview" => change::<reviews::Update>(cx, input, "body"),
        "dismissPullRequestReview" => change::<reviews::Dismiss>(cx, input, "message"),
        "deletePullRequestReview" => delete(cx, input),
        "addPullRequestReviewComment" => add_comment(cx, input),
        "addPullRequestReviewThread" => add_thread(cx, input),
        "addPullRequestReviewThreadReply" => reply(cx, input),
        "updatePullRequestReviewComment" => update_comment(cx, input),
        "deletePullRequestReviewComment" => delete_comment(cx, input),
        "resolveReviewThread" => resolve(cx, input, true),
        "unresolveReviewThread" => resolve(cx, input, false),
        _ => return None,
    })
}

/// A review of an id with its pull request.
fn review(cx: &Cx<'_, GitHub>, id: &str) -> Result<(Place, ReviewKey), GraphError> {
    match node::find(cx, id) {
        Some(Node::Review(key)) => Ok((at_key(cx, (key.0, key.1), id)?, key)),
        _ => Err(no_node(id)),
    }
}

/// The review of `pullRequestReviewId`, or the caller's pending one on `pullRequestId`.
fn begun(cx: &Cx<'_, GitHub>, input: Given<'_>) -> Result<(Place, Option<ReviewKey>), GraphError> {
    if let Some(id) = input.text("pullRequestReviewId") {
        return review(cx, id).map(|(place, key)| (place, Some(key)));
    }
    let place = pull(cx, input.id("pullRequestId"))?;
    let own = pending(cx, place.key).map(|id| (place.key.0, place.key.1, id));
    Ok((place, own))
}

/// The caller's pending review, begun if there is none.
fn pending_or_new(cx: &mut Cx<'_, GitHub>, place: &Place, known: Option<ReviewKey>) -> Result<ReviewKey, GraphError> {
    if let Some(key) = known {
        return Ok(key);
    }
    let made = perform::<reviews::Create>(cx, place.inputs("pull_number").build())?;
    Ok((place.key.0, place.key.1, made.get("id").and_then(Value::as_u64).unwrap_or_default()))
}

/// `COMMENT`, `APPROVE`, `REQUEST_CHANGES`; a review is dismissed by its own mutation.
fn event(input: Given<'_>) -> Result<Option<&str>, GraphError> {
    match input.text("event") {
        Some("DISMISS") => Err(GraphError::of_kind("UNPROCESSABLE", "Could not submit pull request review.")),
        other => Ok(other),
    }
}

fn shown(cx: &Cx<'_, GitHub>, key: ReviewKey) -> Resolved<Node> {
    let node = Node::Review(key);
    payload(vec![("pullRequestReview", Resolved::Object(node.clone())), ("reviewEdge", edge(cx, node))])
}

fn add(cx: &mut Cx<'_, GitHub>, input: Given<'_>) -> Answer {
    let place = pull(cx, input.id("pullRequestId"))?;
    let renamed = |draft: &Value| {
        let mut out = Map::new();
        for (from, to) in [
            ("path", "path"),
            ("body", "body"),
            ("position", "position"),
            ("line", "line"),
            ("side", "side"),
            ("startLine", "start_line"),
            ("startSide", "start_side"),
        ] {
            // The sides have defaults in the schema; a start side says nothing without a start line.
            let idle = from == "startSide" && draft.get("startLine").is_none_or(Value::is_null);
            if let Some(value) = draft.get(from).filter(|value| !value.is_null() && !idle) {
                out.insert(to.to_owned(), value.clone());
            }
        }
        Value::Object(out)
    };
    let drafts = ["comments", "threads"].into_iter().filter_map(|name| input.value(name)?.as_array());
    let drafts: Vec<Value> = drafts.flatten().map(renamed).collect();
    let inputs = place
        .inputs("pull_number")
        .maybe("body", input.text("body"))
        .maybe("event", event(input)?)
        .maybe("commit_id", input.text("commitOID"))
        .with("comments", drafts);
    let made = perform::<reviews::Create>(cx, inputs.build())?;
    let id = made.get("id").and_then(Value::as_u64).unwrap_or_default();
    Ok(shown(cx, (place.key.0, place.key.1, id)))
}

fn submit(cx: &mut Cx<'_, GitHub>, input: Given<'_>) -> Answer {
    let (place, key) = begun(cx, input)?;
    let key = key.ok_or_else(|| GraphError::of_kind("NOT_FOUND", "Could not find a pending review to submit."))?;
    let inputs = place
        .inputs("pull_number")
        .with("review_id", key.2)
        .maybe("event", event(input)?)
        .maybe("body", input.text("body"));
    perform::<reviews::Submit>(cx, inputs.build())?;
    Ok(payload(vec![("pullRequestReview", Resolved::Object(Node::Review(key)))]))
}

fn change<A: pome_twin_kit::Action<GitHub>>(cx: &mut Cx<'_, GitHub>, input: Given<'_>, member: &str) -> Answer {
    let (place, key) = review(cx, input.id("pullRequestReviewId"))?;
    let inputs = place.inputs("pull_number").with("review_id", key.2).with(member, input.id(member));
    perform::<A>(cx, inputs.build())?;
    Ok(payload(vec![("pullRequestReview", Resolved::Object(Node::Review(key)))]))
}

fn delete(cx: &mut Cx<'_, GitHub>, input: Given<'_>) -> Answer {
    let (place, key) = review(cx, input.id("pullRequestReviewId"))?;
    let gone = cx.state.reviews.get(&key).cloned();
    perform::<reviews::Delete>(cx, place.inputs("pull_number").with("review_id", key.2).build())?;
    let shown = gone.map_or(Resolved::NULL, |review| {
        Resolved::Record(
            Some("PullRequestReview"),
            vec![
                ("id", Node::Review(key).id(cx.state).into()),
                ("databaseId", review.id.into()),
                ("body", review.body.as_str().into()),
                ("state", review.state.name().into()),
                ("author", Resolved::Object(Node::Account(review.user.clone()))),
                ("pullRequest", place.node(cx)),
            ],
        )
    });
    Ok(payload(vec![("pullRequestReview", shown)]))
}

/// The newest comment of a pull request: the one that was just made.
fn newest(cx: &Cx<'_, GitHub>, place: &Place) -> Result<u64, GraphError> {
    let mut all = cx.state.review_comments_on(place.key);
    all.next_back().map(|comment| comment.id).ok_or_else(super::super::read::gone)
}

fn add_thread(cx: &mut Cx<'_, GitHub>, input: Given<'_>) -> Answer {
    let (place, known) = begun(cx, input)?;
    pending_or_new(cx, &place, known)?;
    let inputs = place
        .inputs("pull_number")
        .with("path", input.id("path"))
        .with("body", input.id("body"))
        .with("subject_type", input.text("subjectType").unwrap_or("LINE"))
        .maybe("line", input.value("line").filter(|line| !line.is_null()).cloned())
        .maybe("side", input.text("side"));
    let start = input.value("startLine").filter(|line| !line.is_null()).cloned();
    let side = input.text("startSide").filter(|_| start.is_some());
    perform::<review_comments::AddToPending>(cx, inputs.maybe("start_line", start).maybe("start_side", side).build())?;
    Ok(payload(vec![("thread", Resolved::Object(Node::Thread(newest(cx, &place)?)))]))
}

/// The older way: a comment by position, or an answer.
fn add_comment(cx: &mut Cx<'_, GitHub>, input: Given<'_>) -> Answer {
    if let Some(parent) = input.text("inReplyTo") {
        let Some(Node::ReviewComment(id)) = node::find(cx, parent) else { return Err(no_node(parent)) };
        let key = cx.state.review_comments.get(&id).map(|comment| (comment.repo, comment.number));
        let place = at_key(cx, key.ok_or_else(|| no_node(parent))?, parent)?;
        let made = answer(cx, &place, id, input.id("body"))?;
        return Ok(commented(cx, made));
    }
    let (place, known) = begun(cx, input)?;
    let key = pending_or_new(cx, &place, known)?;
    let target = Target::find(cx, &place.owner, &place.repo, place.key.1)?;
    let commit = cx.state.reviews.get(&key).map_or(target.pull.head_sha, |review| review.commit);
    let position = input.value("position").and_then(Value::as_u64).and_then(|number| usize::try_from(number).ok());
    let draft = review_comments::Draft {
        path: input.id("path").to_owned(),
        body: input.id("body").to_owned(),
        line: None,
        side: None,
        start_line: None,
        start_side: None,
        position,
        subject_type: None,
    };
    let id = review_comments::place(cx, &target, draft, commit, Some(key.2))?;
    Ok(commented(cx, id))
}

fn commented(cx: &Cx<'_, GitHub>, id: u64) -> Resolved<Node> {
    let node = Node::ReviewComment(id);
    payload(vec![("comment", Resolved::Object(node.clone())), ("commentEdge", edge(cx, node))])
}

fn answer(cx: &mut Cx<'_, GitHub>, place: &Place, parent: u64, body: &str) -> Result<u64, GraphError> {
    let inputs = place.inputs("pull_number").with("comment_id", parent).with("body", body);
    let made = perform::<review_comments::ReplyTo>(cx, inputs.build())?;
    Ok(made.get("id").and_then(Value::as_u64).unwrap_or_default())
}

/// The thread of an id.
fn thread(cx: &Cx<'_, GitHub>, id: &str) -> Result<(Place, u64), GraphError> {
    let Some(Node::Thread(first)) = node::find(cx, id) else { return Err(no_node(id)) };
    let comment = cx.state.review_comments.get(&first).ok_or_else(|| no_node(id))?;
    Ok((at_key(cx, (comment.repo, comment.number), id)?, first))
}

fn reply(cx: &mut Cx<'_, GitHub>, input: Given<'_>) -> Answer {
    let (place, first) = thread(cx, input.id("pullRequestReviewThreadId"))?;
    let id = answer(cx, &place, first, input.id("body"))?;
    Ok(payload(vec![("comment", Resolved::Object(Node::ReviewComment(id)))]))
}

fn comment_inputs(cx: &Cx<'_, GitHub>, id: &str) -> Result<(u64, Inputs), GraphError> {
    let Some(Node::ReviewComment(comment)) = node::find(cx, id) else { return Err(no_node(id)) };
    let repo = cx.state.review_comments.get(&comment).map(|comment| comment.repo);
    let (_, owner, name) = repo.and_then(|repo| super::named(cx, repo)).ok_or_else(|| no_node(id))?;
    Ok((comment, Inputs::of(&owner, &name).with("comment_id", comment)))
}

fn update_comment(cx: &mut Cx<'_, GitHub>, input: Given<'_>) -> Answer {
    let (id, inputs) = comment_inputs(cx, input.id("pullRequestReviewCommentId"))?;
    perform::<review_comments::Update>(cx, inputs.with("body", input.id("body")).build())?;
    Ok(payload(vec![("pullRequestReviewComment", Resolved::Object(Node::ReviewComment(id)))]))
}

fn delete_comment(cx: &mut Cx<'_, GitHub>, input: Given<'_>) -> Answer {
    let (id, inputs) = comment_inputs(cx, input.id("id"))?;
    let review = cx.state.review_comments.get(&id).and_then(|row| Some((row.repo, row.number, row.review?)));
    perform::<review_comments::Delete>(cx, inputs.build())?;
    Ok(payload(vec![("pullRequestReview", Resolved::maybe(review.map(Node::Review)))]))
}

fn resolve(cx: &mut Cx<'_, GitHub>, input: Given<'_>, resolved: bool) -> Answer {
    let (place, first) = thread(cx, input.id("threadId"))?;
    let target = Target::find(cx, &place.owner, &place.repo, place.key.1)?;
    cx.acts(if resolved { "resolve_review_thread" } else { "unresolve_review_thread" });
    review_comments::resolve(cx, &target, input.id("threadId"), resolved)?;
    Ok(payload(vec![("thread", Resolved::Object(Node::Thread(first)))]))
}
