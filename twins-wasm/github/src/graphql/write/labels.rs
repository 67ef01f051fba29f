//! Mutations of labels.

use pome_twin_kit::Cx;
use pome_twin_kit::graphql::{GraphError, Resolved};
use serde_json::Value;

use super::super::node::{self, Node};
use super::super::{Answer, no_node};
use super::{Given, Inputs, payload, perform, repository};
use crate::GitHub;
use crate::actions::labels;

pub(super) fn mutate(cx: &mut Cx<'_, GitHub>, name: &str, input: Given<'_>) -> Option<Answer> {
    Some(match name {
        "createLabel" => create(cx, input),
        "updateLabel" => update(cx, input),
        "deleteLabel" => delete(cx, input),
        _ => return None,
    })
}

fn shown(repo: u64, made: &Value) -> Resolved<Node> {
    let name = made.get("name").and_then(Value::as_str).unwrap_or_default().to_owned();
    payload(vec![("label", Resolved::Object(Node::Label(repo, name)))])
}

fn create(cx: &mut Cx<'_, GitHub>, input: Given<'_>) -> Answer {
    let (id, owner, repo) = repository(cx, input.id("repositoryId"))?;
    let inputs = Inputs::of(&owner, &repo)
        .with("name", input.id("name"))
        .with("color", input.id("color"))
        .maybe("description", input.text("description"));
    let made = perform::<labels::Create>(cx, inputs.build())?;
    Ok(shown(id, &made))
}

fn place(cx: &Cx<'_, GitHub>, id: &str) -> Result<(u64, Inputs), GraphError> {
    let Some(Node::Label(repo, name)) = node::find(cx, id) else { return Err(no_node(id)) };
    let (_, owner, of) = super::named(cx, repo).ok_or_else(|| no_node(id))?;
    Ok((repo, Inputs::of(&owner, &of).with("name", name)))
}

fn update(cx: &mut Cx<'_, GitHub>, input: Given<'_>) -> Answer {
    let (repo, inputs) = place(cx, input.id("id"))?;
    let inputs = inputs
        .maybe("new_name", input.text("name"))
        .maybe("color", input.text("color"))
        .maybe("description", input.text("description"));
    let made = perform::<labels::Update>(cx, inputs.build())?;
    Ok(shown(repo, &made))
}

fn delete(cx: &mut Cx<'_, GitHub>, input: Given<'_>) -> Answer {
    let (_, inputs) = place(cx, input.id("id"))?;
    perform::<labels::Delete>(cx, inputs.build())?;
    Ok(payload(Vec::new()))
}
