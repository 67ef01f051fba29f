//! Mutations of refs and branches.

use pome_twin_kit::Cx;
use pome_twin_kit::graphql::{GraphError, Resolved};
use serde_json::{Value, json};

use super::super::node::{self, Node};
use super::super::{Answer, no_node, not_found};
use super::{Given, Inputs, payload, perform, repository};
use crate::GitHub;
use crate::access::Access;
use crate::actions::{branches, git_objects, refs};
use crate::git::Oid;
use crate::state::heads;

pub(super) fn mutate(cx: &mut Cx<'_, GitHub>, name: &str, input: Given<'_>) -> Option<Answer> {
    Some(match name {
        "createRef" => create(cx, input),
        "updateRef" => update(cx, input),
        "deleteRef" => delete(cx, input),
        "mergeBranch" => merge(cx, input),
        "createCommitOnBranch" => commit(cx, input),
        _ => return None,
    })
}

fn create(cx: &mut Cx<'_, GitHub>, input: Given<'_>) -> Answer {
    let (id, owner, repo) = repository(cx, input.id("repositoryId"))?;
    let name = input.id("name");
    let inputs = Inputs::of(&owner, &repo).with("ref", name).with("sha", input.id("oid"));
    perform::<refs::Create>(cx, inputs.build())?;
    Ok(payload(vec![("ref", Resolved::Object(Node::Ref(id, name.to_owned())))]))
}

/// A ref of an id, with the inputs of the actions on it, which leave `refs/` out.
fn place(cx: &Cx<'_, GitHub>, id: &str) -> Result<(u64, String, Inputs), GraphError> {
    let Some(Node::Ref(repo, name)) = node::find(cx, id) else { return Err(no_node(id)) };
    let (_, owner, of) = super::named(cx, repo).ok_or_else(|| no_node(id))?;
    let short = name.strip_prefix("refs/").unwrap_or(&name).to_owned();
    Ok((repo, name, Inputs::of(&owner, &of).with("ref", short)))
}

fn update(cx: &mut Cx<'_, GitHub>, input: Given<'_>) -> Answer {
    let (repo, name, inputs) = place(cx, input.id("refId"))?;
    let inputs = inputs.with("sha", input.id("oid")).maybe("force", input.flag("force"));
    perform::<refs::Update>(cx, inputs.build())?;
    Ok(payload(vec![("ref", Resolved::Object(Node::Ref(repo, name)))]))
}

fn delete(cx: &mut Cx<'_, GitHub>, input: Given<'_>) -> Answer {
    let (_, _, inputs) = place(cx, input.id("refId"))?;
    perform::<refs::Delete>(cx, inputs.build())?;
    Ok(payload(Vec::new()))
}

fn merge(cx: &mut Cx<'_, GitHub>, input: Given<'_>) -> Answer {
    let (id, owner, repo) = repository(cx, input.id("repositoryId"))?;
    let inputs = Inputs::of(&owner, &repo)
        .with("base", input.id("base"))
        .with("head", input.id("head"))
        .maybe("commit_message", input.text("commitMessage"));
    let made = perform::<branches::Merge>(cx, inputs.build())?;
    let commit = made.get("sha").and_then(Value::as_str).and_then(Oid::parse);
    Ok(payload(vec![("mergeCommit", Resolved::maybe(commit.map(|oid| Node::Commit(id, oid))))]))
}

/// The branch that `CommittableBranch` means.
fn branch(cx: &Cx<'_, GitHub>, given: &Value) -> Result<(u64, String, String, String), GraphError> {
    let text = |name: &str| given.get(name).and_then(Value::as_str);
    if let Some(id) = text("id") {
        let Some(Node::Ref(repo, name)) = node::find(cx, id) else { return Err(no_node(id)) };
        let (_, owner, of) = super::named(cx, repo).ok_or_else(|| no_node(id))?;
        return Ok((repo, owner, of, name.strip_prefix("refs/heads/").unwrap_or(&name).to_owned()));
    }
    let full = text("repositoryNameWithOwner").unwrap_or_default();
    let missing = || not_found(format!("Could not resolve to a Repository with the name '{full}'."));
    let (owner, name) = full.split_once('/').ok_or_else(missing)?;
    let repo = cx.repo(owner, name).map_err(|_| missing())?;
    let branch = text("branchName").unwrap_or_default();
    Ok((
        repo.id,
        repo.owner.clone(),
        repo.name.clone(),
        branch.strip_prefix("refs/heads/").unwrap_or(branch).to_owned(),
    ))
}

/// One commit of several files: blobs, a tree, a commit and the branch moved, as one does it over REST.
fn commit(cx: &mut Cx<'_, GitHub>, input: Given<'_>) -> Answer {
    let (id, owner, repo, branch) = branch(cx, input.value("branch").unwrap_or(&Value::Null))?;
    let head = cx.state.branch(id, &branch).map(|branch| branch.oid);
    let head = head.ok_or_else(|| not_found(format!("Could not resolve to a Ref with the name '{branch}'.")))?;
    let expected = input.id("expectedHeadOid");
    if head.to_string() != expected.to_ascii_lowercase() {
        let message = format!("Expected branch to point to \"{expected}\" but it did not. Pull and try again.");
        return Err(GraphError::of_kind("STALE_DATA", message));
    }
    let inputs = || Inputs::of(&owner, &repo);
    let changes = |name: &str| {
        let files = input.value("fileChanges").and_then(|changes| changes.get(name)?.as_array());
        files.cloned().unwrap_or_default()
    };
    let mut entries = Vec::new();
    for file in changes("additions") {
        let content = file.get("contents").cloned().unwrap_or_default();
        let blob = perform::<git_objects::CreateBlob>(
            cx,
            inputs().with("content", content).with("encoding", "base64").build(),
        )?;
        let sha = blob.get("sha").cloned().unwrap_or_default();
        entries.push(json!({ "path": file.get("path"), "mode": "100644", "type": "blob", "sha": sha }));
    }
    for file in changes("deletions") {
        entries.push(json!({ "path": file.get("path"), "mode": "100644", "type": "blob", "sha": null }));
    }
    let base = cx.objects().commit(head)?.tree;
    let tree = if entries.is_empty() {
        json!(base)
    } else {
        let inputs = inputs().with("base_tree", base.to_string()).with("tree", entries);
        perform::<git_objects::CreateTree>(cx, inputs.build())?.get("sha").cloned().unwrap_or_default()
    };
    let said = |name: &str| input.value("message").and_then(|message| message.get(name)?.as_str());
    let message = match said("body").filter(|body| !body.is_empty()) {
        Some(body) => format!("{}\n\n{body}", said("headline").unwrap_or_default()),
        None => said("headline").unwrap_or_default().to_owned(),
    };
    let made = perform::<git_objects::CreateCommit>(
        cx,
        inputs().with("message", message).with("tree", tree).with("parents", vec![head.to_string()]).build(),
    )?;
    let sha = made.get("sha").cloned().unwrap_or_default();
    let oid = sha.as_str().and_then(Oid::parse);
    perform::<refs::Update>(cx, inputs().with("ref", format!("heads/{branch}")).with("sha", sha).build())?;
    Ok(payload(vec![
        ("commit", Resolved::maybe(oid.map(|oid| Node::Commit(id, oid)))),
        ("ref", Resolved::Object(Node::Ref(id, heads(&branch)))),
    ]))
}
