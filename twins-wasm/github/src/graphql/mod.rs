//! The GraphQL door: GitHub's graph over the same state and the same actions as REST.
//!
//! `node` is the objects and their ids, `read` the fields by area, `write` the mutations, `faults` GitHub's words for requests
//! that cannot run. The schema lies in `fixtures/graphql`.

mod faults;
pub(crate) mod node;
mod paging;
mod read;
mod write;

use std::sync::OnceLock;

use pome_twin_kit::clock::Time;
use pome_twin_kit::envelope::Fidelity;
use pome_twin_kit::graphql::{self, Fault, Field, Graph, GraphError, Outcome, Request, Resolved, Schema};
use pome_twin_kit::{Action, Cx, Reply, View};
use serde::Deserialize;
use serde_json::{Map, Value, json};

use crate::GitHub;
use crate::error::Error;
use node::Node;

/// The answer to a field.
type Answer = Result<Resolved<Node>, GraphError>;

/// One request, whatever it asks for.
#[derive(Deserialize)]
pub(crate) struct Execute {
    query: Option<String>,
    #[serde(rename = "operationName")]
    operation_name: Option<String>,
    variables: Option<Value>,
}

impl Action<GitHub> for Execute {
    const NAME: &'static str = "graphql";
    const MUTATES: bool = true;
    type Output = Answered;

    fn run(self, cx: &mut Cx<'_, GitHub>) -> Result<Answered, Error> {
        let variables = match self.variables {
            None | Some(Value::Null) => Map::new(),
            Some(Value::Object(members)) => members,
            // Some clients send the variables as JSON in a text.
            Some(Value::String(text)) if text.trim().is_empty() => Map::new(),
            Some(Value::String(text)) => {
                serde_json::from_str(&text).map_err(|_| Error::new(400, "Problems parsing JSON"))?
            }
            Some(_) => return Err(Error::new(400, "Problems parsing JSON")),
        };
        let request = Request { query: self.query.unwrap_or_default(), operation_name: self.operation_name, variables };
        let outcome = graphql::answer::<GitHub, Hub>(cx, &request);
        if let Some(error) = outcome.errors.first() {
            cx.refuses(&error.message);
        }
        Ok(Answered(outcome))
    }
}

/// What came of it. Errors do not change the status, unless the twin does not model what was asked for.
pub(crate) struct Answered(Outcome);

impl View<GitHub> for Answered {
    fn rest(&self, _: &Cx<'_, GitHub>, reply: &mut Reply) {
        let Outcome { data, errors } = &self.0;
        let mut body = Map::new();
        let unmodelled = errors.iter().find(|error| error.unmodelled);
        if let Some(error) = unmodelled {
            reply.status = 501;
            reply.fidelity = Some(Fidelity::Unsupported);
            body.insert("message".to_owned(), error.message.as_str().into());
        }
        if let Some(data) = data {
            body.insert("data".to_owned(), data.clone());
        }
        if !errors.is_empty() {
            body.insert("errors".to_owned(), errors.iter().map(written).collect());
        }
        reply.write_json(&body);
    }
}

/// An error as GitHub lists it.
fn written(error: &GraphError) -> Value {
    let mut entry = Map::new();
    if let Some(kind) = error.kind {
        entry.insert("type".to_owned(), kind.into());
    }
    if !error.path.is_empty() {
        entry.insert("path".to_owned(), error.path.clone().into());
    }
    if !error.extensions.is_empty() {
        entry.insert("extensions".to_owned(), error.extensions.clone().into());
    }
    if !error.locations.is_empty() {
        let places = error.locations.iter().map(|place| json!({ "line": place.line, "column": place.column }));
        entry.insert("locations".to_owned(), places.collect());
    }
    entry.insert("message".to_owned(), error.message.as_str().into());
    Value::Object(entry)
}

/// GitHub's graph.
struct Hub;

impl Graph<GitHub> for Hub {
    type Object = Node;

    fn schema() -> &'static Schema {
        static SCHEMA: OnceLock<Schema> = OnceLock::new();
        SCHEMA.get_or_init(|| Schema::of(include_str!("../../fixtures/graphql/schema.graphql")))
    }

    fn root(mutation: bool) -> Node {
        if mutation { Node::Mutation } else { Node::Query }
    }

    fn type_name(cx: &Cx<'_, GitHub>, object: &Node) -> &'static str {
        object.type_name(cx.state)
    }

    fn resolve(cx: &mut Cx<'_, GitHub>, object: &Node, field: &Field<'_>) -> Answer {
        match object {
            Node::Mutation => write::mutate(cx, field),
            _ => read::field(cx, object, field),
        }
    }

    fn fault(fault: &Fault) -> GraphError {
        faults::worded(fault)
    }
}

/// A refusal of an action in GraphQL's words.
impl From<Error> for GraphError {
    fn from(error: Error) -> Self {
        // Of a list of reasons GitHub shows the words, joined.
        let reasons: Vec<String> = error.errors.iter().flatten().filter_map(in_words).collect();
        let message = if reasons.is_empty() { error.message.clone() } else { reasons.join(", ") };
        let kind = match error.status {
            401 | 403 => "FORBIDDEN",
            404 | 410 => "NOT_FOUND",
            501 => return Self { unmodelled: true, ..Self::of_kind("NOT_MODELLED", message) },
            _ => "UNPROCESSABLE",
        };
        Self::of_kind(kind, message)
    }
}

impl From<crate::git::Error> for GraphError {
    fn from(error: crate::git::Error) -> Self {
        Error::from(error).into()
    }
}

/// One reason of a validation error as a sentence.
fn in_words(reason: &Value) -> Option<String> {
    let member = |name: &str| reason.get(name).and_then(Value::as_str);
    if let Some(text) = reason.as_str().or_else(|| member("message")) {
        return Some(text.to_owned());
    }
    let field = member("field")?;
    let mut words = field.replace('_', " ");
    if let Some(first) = words.get_mut(..1) {
        first.make_ascii_uppercase();
    }
    Some(match member("code")? {
        "missing_field" => format!("{words} can't be blank"),
        "already_exists" => format!("{words} has already been taken"),
        "missing" => format!("{words} does not exist"),
        _ => format!("{words} is invalid"),
    })
}

fn not_found(message: impl Into<String>) -> GraphError {
    GraphError::of_kind("NOT_FOUND", message)
}

/// An id that names nothing.
fn no_node(id: &str) -> GraphError {
    not_found(format!("Could not resolve to a node with the global id of '{id}'"))
}

/// A field of the schema that no resolver answers: the twin's own fault, said loudly.
fn unanswered(of: &str, field: &str) -> GraphError {
    let message = format!("This twin does not model '{field}' of '{of}'");
    GraphError { unmodelled: true, ..GraphError::of_kind("NOT_MODELLED", message) }
}

fn at(time: Time) -> Resolved<Node> {
    Resolved::Leaf(time.to_seconds().to_string().into())
}

fn maybe_at(time: Option<Time>) -> Resolved<Node> {
    time.map_or(Resolved::NULL, at)
}
