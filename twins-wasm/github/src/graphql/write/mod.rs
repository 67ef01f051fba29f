//! The mutations. Each one turns its input into the action that the REST route of the same operation runs.

mod git;
mod issues;
mod labels;
mod pulls;
mod reviews;

use pome_twin_kit::graphql::{Field, GraphError, Resolved};
use pome_twin_kit::input::Input;
use pome_twin_kit::{Action, Cx, Reply, VendorError, View};
use serde::de::DeserializeOwned;
use serde_json::{Map, Value, json};

use super::node::{self, Node, label_in, login_of};
use super::{Answer, no_node, unanswered};
use crate::GitHub;
use crate::access::Access;
use crate::error::Error;
use crate::state::Numbered;

/// Runs one mutation and answers its payload.
pub(super) fn mutate(cx: &mut Cx<'_, GitHub>, field: &Field<'_>) -> Answer {
    let none = Map::new();
    let input = Given { members: field.object("input").unwrap_or(&none) };
    let answer = issues::mutate(cx, field.name, input)
        .or_else(|| labels::mutate(cx, field.name, input))
        .or_else(|| pulls::mutate(cx, field.name, input))
        .or_else(|| reviews::mutate(cx, field.name, input))
        .or_else(|| git::mutate(cx, field.name, input))
        .unwrap_or_else(|| Err(unanswered("Mutation", field.name)));
    match answer {
        Ok(Resolved::Record(name, mut members)) => {
            members.push(("clientMutationId", input.text("clientMutationId").into()));
            Ok(Resolved::Record(name, members))
        }
        // GitHub names the mutation that somebody may not run.
        Err(error) if error.kind == Some("FORBIDDEN") && error.message.starts_with("Resource not accessible") => {
            let mut mutation = field.name.to_owned();
            if let Some(first) = mutation.get_mut(..1) {
                first.make_ascii_uppercase();
            }
            let message = format!("{} does not have the correct permissions to execute `{mutation}`", cx.actor());
            Err(GraphError::of_kind("FORBIDDEN", message))
        }
        other => other,
    }
}

/// A mutation's input object.
#[derive(Clone, Copy)]
struct Given<'a> {
    members: &'a Map<String, Value>,
}

impl<'a> Given<'a> {
    fn text(self, name: &str) -> Option<&'a str> {
        self.members.get(name).and_then(Value::as_str)
    }

    /// A required text; the schema has seen that it is there.
    fn id(self, name: &str) -> &'a str {
        self.text(name).unwrap_or_default()
    }

    fn flag(self, name: &str) -> Option<bool> {
        self.members.get(name).and_then(Value::as_bool)
    }

    /// A list of ids; absent and null are `None`.
    fn ids(self, name: &str) -> Option<Vec<&'a str>> {
        let items = self.members.get(name)?.as_array()?;
        Some(items.iter().filter_map(Value::as_str).collect())
    }

    /// Whether a member was written, even as null.
    fn has(self, name: &str) -> bool {
        self.members.contains_key(name)
    }

    fn value(self, name: &str) -> Option<&'a Value> {
        self.members.get(name)
    }
}

/// Runs an action with these inputs; the answer is its REST body.
fn perform<A: Action<GitHub>>(cx: &mut Cx<'_, GitHub>, input: Value) -> Result<Value, GraphError> {
    perform_as::<A, A>(cx, input)
}

/// The same for an action that a door spells differently.
fn perform_as<Arguments: DeserializeOwned + Into<A>, A: Action<GitHub>>(
    cx: &mut Cx<'_, GitHub>,
    input: Value,
) -> Result<Value, GraphError> {
    cx.acts(A::NAME);
    // What was not given is not there, as in a body of REST; null is kept only where it clears something.
    let members = match input {
        Value::Object(members) => members,
        _ => Map::new(),
    };
    let arguments: Arguments = Input::arguments(members).decode().map_err(Error::input)?;
    let outcome = arguments.into().run(cx)?;
    let mut reply = Reply::new(200);
    outcome.rest(cx, &mut reply);
    Ok(serde_json::from_slice(&reply.body).unwrap_or_default())
}

/// Builds the input of an action: the repository, then what is given. Absent members are left out.
struct Inputs(Map<String, Value>);

impl Inputs {
    fn of(owner: &str, repo: &str) -> Self {
        let mut members = Map::new();
        members.insert("owner".to_owned(), owner.into());
        members.insert("repo".to_owned(), repo.into());
        Self(members)
    }

    fn with(mut self, name: &str, value: impl Into<Value>) -> Self {
        self.0.insert(name.to_owned(), value.into());
        self
    }

    fn maybe(mut self, name: &str, value: Option<impl Into<Value>>) -> Self {
        if let Some(value) = value {
            self.0.insert(name.to_owned(), value.into());
        }
        self
    }

    fn build(self) -> Value {
        Value::Object(self.0)
    }
}

/// An issue or pull request with the name of its repository.
struct Place {
    owner: String,
    repo: String,
    key: Numbered,
}

impl Place {
    fn inputs(&self, number: &str) -> Inputs {
        Inputs::of(&self.owner, &self.repo).with(number, self.key.1)
    }

    fn node(&self, cx: &Cx<'_, GitHub>) -> Resolved<Node> {
        Resolved::Object(Node::numbered(cx.state, self.key))
    }
}

/// The repository of an id.
fn repository(cx: &Cx<'_, GitHub>, id: &str) -> Result<(u64, String, String), GraphError> {
    match node::find(cx, id) {
        Some(Node::Repository(found)) => named(cx, found).ok_or_else(|| no_node(id)),
        _ => Err(no_node(id)),
    }
}

fn named(cx: &Cx<'_, GitHub>, id: u64) -> Option<(u64, String, String)> {
    cx.state.repos.get(&id).map(|repo| (id, repo.owner.clone(), repo.name.clone()))
}

fn at_key(cx: &Cx<'_, GitHub>, key: Numbered, id: &str) -> Result<Place, GraphError> {
    let (_, owner, repo) = named(cx, key.0).ok_or_else(|| no_node(id))?;
    Ok(Place { owner, repo, key })
}

/// The issue or pull request of an id.
fn numbered(cx: &Cx<'_, GitHub>, id: &str) -> Result<Place, GraphError> {
    match node::find(cx, id) {
        Some(Node::Issue(key) | Node::Pull(key)) => at_key(cx, key, id),
        _ => Err(no_node(id)),
    }
}

/// The issue of an id.
fn issue(cx: &Cx<'_, GitHub>, id: &str) -> Result<Place, GraphError> {
    match node::find(cx, id) {
        Some(Node::Issue(key)) => at_key(cx, key, id),
        _ => Err(no_node(id)),
    }
}

/// The pull request of an id.
fn pull(cx: &Cx<'_, GitHub>, id: &str) -> Result<Place, GraphError> {
    match node::find(cx, id) {
        Some(Node::Pull(key)) => at_key(cx, key, id),
        _ => Err(no_node(id)),
    }
}

/// The logins behind ids of accounts.
fn logins(cx: &Cx<'_, GitHub>, ids: &[&str]) -> Result<Vec<String>, GraphError> {
    ids.iter().map(|id| login_of(cx, id).ok_or_else(|| no_node(id))).collect()
}

/// The names behind ids of a repository's labels.
fn label_names(cx: &Cx<'_, GitHub>, repo: u64, ids: &[&str]) -> Result<Vec<String>, GraphError> {
    ids.iter().map(|id| label_in(cx.state, repo, id).ok_or_else(|| no_node(id))).collect()
}

/// The number behind the id of a repository's milestone.
fn milestone(cx: &Cx<'_, GitHub>, repo: u64, id: &str) -> Result<u64, GraphError> {
    match node::find(cx, id) {
        Some(Node::Milestone((of, number))) if of == repo => Ok(number),
        _ => Err(no_node(id)),
    }
}

/// The caller, for payloads that say who did it.
fn actor(cx: &Cx<'_, GitHub>) -> Resolved<Node> {
    Resolved::Object(Node::Account(cx.actor().to_owned()))
}

fn payload(members: Vec<(&'static str, Resolved<Node>)>) -> Resolved<Node> {
    Resolved::record(members)
}

/// An element of a list, as payloads show what was added.
fn edge(cx: &Cx<'_, GitHub>, node: Node) -> Resolved<Node> {
    use base64::Engine as _;
    let cursor = base64::engine::general_purpose::STANDARD.encode(format!("cursor:v2:{}", node.id(cx.state)));
    Resolved::record(vec![("cursor", cursor.into()), ("node", Resolved::Object(node))])
}

/// What an issue or pull request can be given in one go: labels, people, a milestone.
fn attributes(cx: &Cx<'_, GitHub>, repo: u64, input: Given<'_>, mut inputs: Inputs) -> Result<Inputs, GraphError> {
    if let Some(ids) = input.ids("labelIds") {
        inputs = inputs.with("labels", label_names(cx, repo, &ids)?);
    }
    if let Some(ids) = input.ids("assigneeIds") {
        inputs = inputs.with("assignees", logins(cx, &ids)?);
    }
    if let Some(id) = input.text("milestoneId") {
        inputs = inputs.with("milestone", milestone(cx, repo, id)?);
    } else if input.has("milestoneId") {
        inputs = inputs.with("milestone", json!(null));
    }
    Ok(inputs)
}
