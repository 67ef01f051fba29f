//! The GraphQL door: a schema file, a resolver, and everything between them.
//!
//! A vendor supplies a [`Graph`]: its schema in the definition language, one function that answers the fields of its objects,
//! and its words for faults. The parser is the one of `async-graphql`; the checks, the run and introspection are here because a
//! vendor's faults have to be told apart, and resolvers have to read and change a twin's state through [`Cx`].
//!
//! The flow of one request: [`answer`] -> parse -> `validate` -> `values` (variables) -> `execute` -> [`Graph::resolve`] a field.
//! Every root field of a mutation is kept or taken back by itself.

mod connection;
mod execute;
mod fault;
mod introspect;
mod schema;
mod validate;
mod values;

use async_graphql_parser::types::{DocumentOperations, ExecutableDocument, OperationDefinition, OperationType};
use async_graphql_parser::{Pos, Positioned, parse_query};
use serde_json::{Map, Value};

pub use connection::{Connection, Edge, Window};
pub use fault::{Fault, Found, Location, Misfit, MisfitKind, Taker};
pub use schema::Schema;

use crate::action::Cx;
use crate::twin::Twin;

/// A request, however it was carried.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Request {
    pub query: String,
    pub operation_name: Option<String>,
    pub variables: Map<String, Value>,
}

/// What a vendor says about its graph.
pub trait Graph<T: Twin> {
    /// An object of the graph: a key into the state.
    type Object: Clone;

    /// Read once, on the first request.
    fn schema() -> &'static Schema;

    /// The object that an operation starts at.
    fn root(mutation: bool) -> Self::Object;

    /// The object type of an object, as the schema has it.
    fn type_name(cx: &Cx<'_, T>, object: &Self::Object) -> &'static str;

    /// Answers a field; its arguments are complete and of the right types.
    fn resolve(
        cx: &mut Cx<'_, T>,
        object: &Self::Object,
        field: &Field<'_>,
    ) -> Result<Resolved<Self::Object>, GraphError>;

    /// Puts a fault into the vendor's words; place and path are added afterwards.
    fn fault(fault: &Fault) -> GraphError;
}

/// A field that is asked for.
#[derive(Debug)]
pub struct Field<'a> {
    pub name: &'a str,
    pub arguments: Map<String, Value>,
    /// The names that are selected below it, fragments opened.
    pub selected: Vec<&'a str>,
}

impl Field<'_> {
    /// Whether this is selected directly below.
    pub fn selects(&self, name: &str) -> bool {
        self.selected.contains(&name)
    }

    /// A text, id or enum argument; `null` counts as absent.
    pub fn text(&self, name: &str) -> Option<&str> {
        self.arguments.get(name).and_then(Value::as_str)
    }

    pub fn number(&self, name: &str) -> Option<i64> {
        self.arguments.get(name).and_then(Value::as_i64)
    }

    pub fn flag(&self, name: &str) -> Option<bool> {
        self.arguments.get(name).and_then(Value::as_bool)
    }

    /// A list of texts; absent and `null` are `None`.
    pub fn texts(&self, name: &str) -> Option<Vec<&str>> {
        let items = self.arguments.get(name)?.as_array()?;
        Some(items.iter().filter_map(Value::as_str).collect())
    }

    /// An input object.
    pub fn object(&self, name: &str) -> Option<&Map<String, Value>> {
        self.arguments.get(name).and_then(Value::as_object)
    }
}

/// The answer to a field.
#[derive(Debug, Clone)]
pub enum Resolved<O> {
    /// A scalar, an enum or `null`.
    Leaf(Value),
    Object(O),
    List(Vec<Self>),
    /// An object whose fields are already there: pages, payloads. The name is needed where the schema leaves the type open.
    Record(Option<&'static str>, Vec<(&'static str, Self)>),
}

impl<O> Resolved<O> {
    pub const NULL: Self = Self::Leaf(Value::Null);

    pub fn leaf(value: impl Into<Value>) -> Self {
        Self::Leaf(value.into())
    }

    /// The object, or null.
    pub fn maybe(object: Option<O>) -> Self {
        object.map_or(Self::NULL, Self::Object)
    }

    pub fn objects(objects: impl IntoIterator<Item = O>) -> Self {
        Self::List(objects.into_iter().map(Self::Object).collect())
    }

    pub fn record(fields: Vec<(&'static str, Self)>) -> Self {
        Self::Record(None, fields)
    }
}

impl<O, V: Into<Value>> From<V> for Resolved<O> {
    fn from(value: V) -> Self {
        Self::Leaf(value.into())
    }
}

/// One entry of `errors`.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct GraphError {
    pub message: String,
    /// The vendor's word for the kind of error, where it has one.
    pub kind: Option<&'static str>,
    pub path: Vec<Value>,
    pub locations: Vec<Location>,
    pub extensions: Map<String, Value>,
    /// It says that the twin does not model something.
    pub unmodelled: bool,
}

impl GraphError {
    pub fn new(message: impl Into<String>) -> Self {
        Self { message: message.into(), ..Self::default() }
    }

    pub fn of_kind(kind: &'static str, message: impl Into<String>) -> Self {
        Self { kind: Some(kind), ..Self::new(message) }
    }
}

/// What came of a request.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Outcome {
    /// `None` when nothing ran.
    pub data: Option<Value>,
    pub errors: Vec<GraphError>,
}

/// Answers a request.
pub fn answer<T: Twin, G: Graph<T>>(cx: &mut Cx<'_, T>, request: &Request) -> Outcome {
    match prepare::<T, G>(request) {
        Ok(prepared) => execute::run::<T, G>(cx, &prepared),
        Err(found) => Outcome { data: None, errors: found.into_iter().map(into_error::<T, G>).collect() },
    }
}

/// A document that can run.
struct Prepared {
    document: ExecutableDocument,
    /// The key of the chosen operation.
    operation: Option<String>,
    variables: Map<String, Value>,
}

impl Prepared {
    fn operation(&self) -> Option<&Positioned<OperationDefinition>> {
        chosen(&self.document, self.operation.as_deref()).ok()
    }
}

fn prepare<T: Twin, G: Graph<T>>(request: &Request) -> Result<Prepared, Vec<Found>> {
    let only = |fault: Fault, locations: Vec<Location>| vec![Found { fault, path: Vec::new(), locations }];
    if request.query.trim().is_empty() {
        return Err(only(Fault::NoQuery, Vec::new()));
    }
    let document = parse_query(&request.query).map_err(|error| {
        let pos = error.positions().next();
        let token = pos.and_then(|pos| token_at(&request.query, pos));
        only(Fault::Syntax { token }, pos.map(validate::place).into_iter().collect())
    })?;
    let schema = G::schema();
    let found = validate::validate(schema, &document);
    if !found.is_empty() {
        return Err(found);
    }
    let operation = request.operation_name.clone().filter(|name| !name.is_empty());
    let definition = chosen(&document, operation.as_deref()).map_err(|fault| only(fault, Vec::new()))?;
    let variables = values::variables(schema, &definition.node.variable_definitions, &request.variables)?;
    Ok(Prepared { document, operation, variables })
}

/// The operation of a name, or the only one. A single operation may have a name that the request repeats.
fn chosen<'a>(
    document: &'a ExecutableDocument,
    wanted: Option<&str>,
) -> Result<&'a Positioned<OperationDefinition>, Fault> {
    let missing = || Fault::NoOperation { wanted: wanted.map(str::to_owned) };
    match (&document.operations, wanted) {
        (DocumentOperations::Single(operation), None) => Ok(operation),
        (DocumentOperations::Multiple(operations), None) if operations.len() == 1 => {
            operations.values().next().ok_or_else(missing)
        }
        (DocumentOperations::Multiple(operations), Some(wanted)) => {
            operations.iter().find(|(name, _)| name.as_str() == wanted).map(|(_, found)| found).ok_or_else(missing)
        }
        _ => Err(missing()),
    }
}

/// Whether a document's chosen operation changes something.
fn is_mutation(operation: &OperationDefinition) -> bool {
    operation.ty == OperationType::Mutation
}

/// The token that stands at a place.
fn token_at(text: &str, pos: Pos) -> Option<String> {
    let line = text.lines().nth(pos.line.checked_sub(1)?)?;
    let rest: String = line.chars().skip(pos.column.checked_sub(1)?).collect();
    let rest = rest.trim_start();
    let first = rest.chars().next()?;
    let in_name = |letter: char| letter.is_ascii_alphanumeric() || letter == '_';
    let length =
        if in_name(first) { rest.find(|letter| !in_name(letter)).unwrap_or(rest.len()) } else { first.len_utf8() };
    rest.get(..length).map(str::to_owned)
}

fn into_error<T: Twin, G: Graph<T>>(found: Found) -> GraphError {
    let mut error = G::fault(&found.fault);
    error.path = found.path.into_iter().map(Value::from).collect();
    error.locations = found.locations;
    error.unmodelled |= matches!(found.fault, Fault::Unmodelled { .. });
    error
}
