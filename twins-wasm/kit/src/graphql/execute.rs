//! Runs an operation: collects fields, asks the vendor for each, completes what it answers, and lets errors rise to the next
//! place that may be null.

use std::collections::BTreeSet;

use async_graphql_parser::Positioned;
use async_graphql_parser::types::{BaseType, Directive, Field as Asked, Selection, SelectionSet, Type};
use async_graphql_value::Value as Literal;
use serde_json::{Map, Value};

use super::introspect::{Answer, Meta};
use super::schema::{Definition, Schema, named};
use super::validate::place;
use super::{Field, Graph, GraphError, Outcome, Prepared, Resolved, is_mutation, values};
use crate::action::Cx;
use crate::twin::Twin;

/// An error was noted below; the nearest place that may be null becomes null.
struct Nulled;

/// What is being completed.
enum Source<'a, O> {
    Object(&'a O),
    Record(&'a [(&'static str, Resolved<O>)]),
    Meta(Meta<'static>),
}

impl<O> Clone for Source<'_, O> {
    fn clone(&self) -> Self {
        *self
    }
}

impl<O> Copy for Source<'_, O> {}

struct Run<'p, 'c, 's, T: Twin> {
    cx: &'c mut Cx<'s, T>,
    prepared: &'p Prepared,
    schema: &'static Schema,
    errors: Vec<GraphError>,
    /// Response names and indices from the root.
    path: Vec<Value>,
}

pub(super) fn run<T: Twin, G: Graph<T>>(cx: &mut Cx<'_, T>, prepared: &Prepared) -> Outcome {
    let Some(operation) = prepared.operation() else { return Outcome::default() };
    let schema = G::schema();
    let mutation = is_mutation(&operation.node);
    let root_type = if mutation { schema.mutation.as_deref() } else { Some(schema.query.as_str()) };
    let Some(root_type) = root_type.and_then(|name| schema.get(name)) else { return Outcome::default() };
    let mut run = Run { cx, prepared, schema, errors: Vec::new(), path: Vec::new() };
    let root = G::root(mutation);
    let sets = [&operation.node.selection_set.node];
    let data = run.object::<G>(Source::Object(&root), root_type, &sets, mutation);
    Outcome { data: Some(data.map_or(Value::Null, Value::Object)), errors: run.errors }
}

impl<'p, T: Twin> Run<'p, '_, '_, T> {
    fn object<G: Graph<T>>(
        &mut self,
        source: Source<'_, G::Object>,
        definition: &'static Definition,
        sets: &[&'p SelectionSet],
        serial: bool,
    ) -> Result<Map<String, Value>, Nulled> {
        let mut groups: Vec<(&'p str, Vec<&'p Positioned<Asked>>)> = Vec::new();
        let mut seen = BTreeSet::new();
        for set in sets {
            self.collect(set, &definition.name, &mut groups, &mut seen);
        }
        let mut out = Map::new();
        let mut nulled = false;
        for (key, fields) in groups {
            self.path.push(key.into());
            let value = self.field::<G>(source, definition, &fields, serial);
            self.path.pop();
            match value {
                Ok(value) => {
                    out.insert(key.to_owned(), value);
                }
                Err(Nulled) => nulled = true,
            }
        }
        if nulled { Err(Nulled) } else { Ok(out) }
    }

    /// The fields of a selection, fragments opened, by response name in the order of the text.
    fn collect(
        &self,
        set: &'p SelectionSet,
        object: &str,
        groups: &mut Vec<(&'p str, Vec<&'p Positioned<Asked>>)>,
        seen: &mut BTreeSet<&'p str>,
    ) {
        for selection in &set.items {
            if !self.included(selection.node.directives()) {
                continue;
            }
            match &selection.node {
                Selection::Field(field) => {
                    let key = field.node.response_key().node.as_str();
                    match groups.iter_mut().find(|(known, _)| *known == key) {
                        Some((_, fields)) => fields.push(field),
                        None => groups.push((key, vec![field])),
                    }
                }
                Selection::InlineFragment(inline) => {
                    let on = inline.node.type_condition.as_ref().map(|on| on.node.on.node.as_str());
                    if on.is_none_or(|on| self.schema.applies(object, on)) {
                        self.collect(&inline.node.selection_set.node, object, groups, seen);
                    }
                }
                Selection::FragmentSpread(spread) => {
                    let name = &spread.node.fragment_name.node;
                    let Some(fragment) = self.prepared.document.fragments.get(name) else { continue };
                    let on = fragment.node.type_condition.node.on.node.as_str();
                    if seen.insert(name.as_str()) && self.schema.applies(object, on) {
                        self.collect(&fragment.node.selection_set.node, object, groups, seen);
                    }
                }
            }
        }
    }

    /// The names of a selection, whatever type they are selected on. Fragments that pass checking have no cycles.
    fn names(&self, set: &'p SelectionSet, out: &mut Vec<&'p str>, depth: usize) {
        for selection in &set.items {
            match &selection.node {
                Selection::Field(field) => out.push(field.node.name.node.as_str()),
                Selection::InlineFragment(inline) => self.names(&inline.node.selection_set.node, out, depth),
                Selection::FragmentSpread(spread) => {
                    let fragment = self.prepared.document.fragments.get(&spread.node.fragment_name.node);
                    if let Some(fragment) = fragment.filter(|_| depth < 8) {
                        self.names(&fragment.node.selection_set.node, out, depth + 1);
                    }
                }
            }
        }
    }

    /// What `@skip` and `@include` say.
    fn included(&self, directives: &[Positioned<Directive>]) -> bool {
        directives.iter().all(|directive| {
            let given = match directive.node.get_argument("if").map(|value| &value.node) {
                Some(Literal::Boolean(value)) => *value,
                Some(Literal::Variable(name)) => {
                    self.prepared.variables.get(name.as_str()).and_then(Value::as_bool).unwrap_or(false)
                }
                _ => return true,
            };
            match directive.node.name.node.as_str() {
                "skip" => !given,
                "include" => given,
                _ => true,
            }
        })
    }

    fn field<G: Graph<T>>(
        &mut self,
        source: Source<'_, G::Object>,
        definition: &'static Definition,
        fields: &[&'p Positioned<Asked>],
        serial: bool,
    ) -> Result<Value, Nulled> {
        let Some(asked) = fields.first() else { return Ok(Value::Null) };
        let name = asked.node.name.node.as_str();
        if name == "__typename" {
            return Ok(definition.name.as_str().into());
        }
        let Some(known) = self.schema.field(definition, name) else { return Ok(Value::Null) };
        let arguments =
            values::arguments(self.schema, &known.arguments, &asked.node.arguments, &self.prepared.variables);
        let sets: Vec<&'p SelectionSet> = fields.iter().map(|field| &field.node.selection_set.node).collect();
        let value = match source {
            Source::Meta(meta) => self.meta::<G>(meta.resolve(self.schema, name, &arguments), &known.ty, &sets),
            Source::Object(_) if name == "__schema" => self.meta::<G>(Answer::Node(Meta::Schema), &known.ty, &sets),
            Source::Object(_) if name == "__type" => {
                let wanted = arguments.get("name").and_then(Value::as_str).unwrap_or_default();
                let found = self.schema.get(wanted);
                let answer = found.map_or(Answer::Leaf(Value::Null), |found| Answer::Node(Meta::Type(found)));
                self.meta::<G>(answer, &known.ty, &sets)
            }
            Source::Record(members) => {
                let member = members.iter().find(|(member, _)| *member == name).map(|(_, value)| value);
                self.complete::<G>(member.unwrap_or(&Resolved::NULL), &known.ty, &sets, asked)
            }
            Source::Object(object) => {
                let mut selected = Vec::new();
                for set in &sets {
                    self.names(set, &mut selected, 0);
                }
                let field = Field { name, arguments, selected };
                let resolved = if serial {
                    self.cx.attempt(|cx| G::resolve(cx, object, &field))
                } else {
                    G::resolve(self.cx, object, &field)
                };
                match resolved {
                    Ok(resolved) => self.complete::<G>(&resolved, &known.ty, &sets, asked),
                    Err(error) => Err(self.note(error, asked)),
                }
            }
        };
        match value {
            Err(Nulled) if known.ty.nullable => Ok(Value::Null),
            other => other,
        }
    }

    fn note(&mut self, mut error: GraphError, asked: &Positioned<Asked>) -> Nulled {
        error.path.clone_from(&self.path);
        if error.locations.is_empty() {
            error.locations = vec![place(asked.pos)];
        }
        self.errors.push(error);
        Nulled
    }

    fn complete<G: Graph<T>>(
        &mut self,
        resolved: &Resolved<G::Object>,
        ty: &'static Type,
        sets: &[&'p SelectionSet],
        asked: &Positioned<Asked>,
    ) -> Result<Value, Nulled> {
        match (resolved, &ty.base) {
            (Resolved::Leaf(Value::Null), _) if !ty.nullable => {
                let name = &asked.node.name.node;
                Err(self.note(GraphError::new(format!("Cannot return null for non-nullable field {name}")), asked))
            }
            (Resolved::Leaf(value), _) => Ok(value.clone()),
            (Resolved::List(items), BaseType::List(inner)) => {
                let mut out = Vec::with_capacity(items.len());
                let mut nulled = false;
                for (at, item) in items.iter().enumerate() {
                    self.path.push(at.into());
                    match self.complete::<G>(item, inner, sets, asked) {
                        Ok(value) => out.push(value),
                        Err(Nulled) if inner.nullable => out.push(Value::Null),
                        Err(Nulled) => nulled = true,
                    }
                    self.path.pop();
                }
                if nulled { Err(Nulled) } else { Ok(Value::Array(out)) }
            }
            (Resolved::Object(object), BaseType::Named(_)) => {
                let definition = self.schema.get(G::type_name(self.cx, object));
                self.composite::<G>(Source::Object(object), definition, sets, asked)
            }
            (Resolved::Record(name, members), BaseType::Named(declared)) => {
                let definition = self.schema.get(name.unwrap_or(declared.as_str()));
                self.composite::<G>(Source::Record(members), definition, sets, asked)
            }
            _ => Err(self.note(GraphError::new("the resolver's answer does not fit the schema"), asked)),
        }
    }

    fn composite<G: Graph<T>>(
        &mut self,
        source: Source<'_, G::Object>,
        definition: Option<&'static Definition>,
        sets: &[&'p SelectionSet],
        asked: &Positioned<Asked>,
    ) -> Result<Value, Nulled> {
        match definition {
            Some(definition) => self.object::<G>(source, definition, sets, false).map(Value::Object),
            None => Err(self.note(GraphError::new("the resolver's answer is of no type of the schema"), asked)),
        }
    }

    fn meta<G: Graph<T>>(
        &mut self,
        answer: Answer<'static>,
        ty: &'static Type,
        sets: &[&'p SelectionSet],
    ) -> Result<Value, Nulled> {
        let Some(definition) = self.schema.get(named(ty)) else { return Ok(Value::Null) };
        Ok(match answer {
            Answer::Leaf(value) => value,
            Answer::Node(meta) => Value::Object(self.object::<G>(Source::Meta(meta), definition, sets, false)?),
            Answer::Nodes(nodes) => {
                let mut out = Vec::with_capacity(nodes.len());
                for meta in nodes {
                    out.push(Value::Object(self.object::<G>(Source::Meta(meta), definition, sets, false)?));
                }
                Value::Array(out)
            }
        })
    }
}
